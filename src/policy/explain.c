/*
 * explain.c: verdicts at length, for `dockbroker why': what was asked, which
 * roles there are, and what each refused thing would have needed.
 */
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"

#define ROLES_SHOWN	64
#define REFS_SHOWN	32

static void explain_line(struct buf *out, const char *name, struct slice value)
{
	if (value.n == 0)
		return;
	buf_addf(out, "%-9s ", name);
	say_text(out, value, 256);
	buf_addc(out, '\n');
}

/* "run, volume rm": the table has them as "run volume-rm". */
static void explain_commands(const struct endpoint *e, struct buf *out)
{
	struct slice words = slice_from(e->words);

	if (words.n == 0)
		return;
	buf_addf(out, "%-9s ", "commands");
	while (words.n > 0) {
		struct slice rest = slice_cut(&words, ' ');
		struct slice noun = slice_cut(&rest, '-');

		buf_adds(out, noun);
		if (rest.n > 0)
			buf_addf(out, " %.*s", SLICE_ARG(rest));
		buf_addz(out, words.n > 0 ? ", " : "\n");
	}
}

static void explain_refs(const struct facts *f, struct buf *out)
{
	size_t i = 0;

	for (; i < f->nrefs && i < REFS_SHOWN; i++) {
		const struct ref *r = &f->refs[i];

		buf_addf(out, "%-9s %s \"", "names", r->kind == OBJECT_TAG ?
		    "image name" : object_kind_name(r->kind));
		say_text(out, r->name, 256);
		buf_addc(out, '"');
		if (r->path.n > 0) {
			buf_addz(out, " in ");
			say_text(out, r->path, 256);
		}
		buf_addc(out, '\n');
	}
	if (f->nrefs - i + f->more_refs > 0)
		buf_addf(out, "%-9s %zu more\n", "names",
		    f->nrefs - i + f->more_refs);
}

static void explain_request(const struct facts *f, struct buf *out)
{
	const struct endpoint *e = f->endpoint;

	buf_addf(out, "%-9s %s %s\n", "request", method_name(e->method),
	    e->template);
	explain_line(out, "action", slice_from(e->action));
	explain_commands(e, out);
	explain_line(out, "object", f->object);
	explain_line(out, "name", f->new_name);
	explain_line(out, "image", f->image);
	explain_refs(f, out);
	for (size_t i = 0; i < f->nreach; i++) {
		struct lack l = { .path = f->reach[i].path,
			.value = f->reach[i].value };

		buf_addf(out, "%-9s ", "reaches");
		say_what(out, &l);
		buf_addf(out, " [%s]\n", f->reach[i].word);
	}
	if (f->more_reach > 0)
		buf_addf(out, "%-9s %zu more\n", "reaches", f->more_reach);
}

static void add_place(struct buf *out, const struct place *at)
{
	if (at->file != NULL)
		buf_addf(out, " (%s:%u)", at->file->name, at->line);
	else
		buf_addz(out, " (built in)");
}

static void explain_role(const struct held *h, const struct facts *f,
    struct buf *out)
{
	unsigned id = f->endpoint->id;
	const struct rule *allow = rule_about(h->role, RULE_ALLOW, id);
	const struct rule *deny = rule_about(h->role, RULE_DENY, id);

	buf_addf(out, "%-9s %s, granted to %s", "role", h->role->name,
	    h->grant->text);
	add_place(out, &h->grant->at);
	buf_addz(out, allow != NULL ? ": allows it" : ": does not allow it");
	if (allow != NULL) {
		print_scope(out, allow);
		add_place(out, &allow->at);
	}
	if (h->role->everything != NULL)
		buf_addz(out, ", with privileged everything");
	if (deny != NULL) {
		buf_addz(out, ", denies it");
		add_place(out, &deny->at);
	}
	buf_addc(out, '\n');
}

/* The line that would have helped, one for each thing. */
static void explain_lack(const struct lack *l, const char *role,
    struct buf *out)
{
	_cleanup_(buf_free) struct buf line = BUF(BOUND_REACH_VALUE * 2);

	buf_addf(out, "%-9s role %s ", "lacks", role);
	say_lack(out, l);
	buf_addc(out, '\n');
	if (l->why == WHY_REACH) {
		lack_line(l, &line);
		buf_addf(out, "%-9s a line \"", "needed");
		say_text(out, buf_slice(&line), 512);
		buf_addf(out, "\" in role %s\n", role);
	} else if (l->why == WHY_NARROW) {
		buf_addf(out, "%-9s a line \"%s ", "needed", l->word);
		say_text(out, l->value, 256);
		buf_addf(out, "\" in role %s\n", role);
	} else if (l->why == WHY_LIMIT) {
		buf_addf(out, "%-9s a higher limit of %s in role %s, or less asked for\n",
		    "needed", l->word, role);
	} else if (l->why == WHY_BIND) {
		buf_addf(out, "%-9s the guard: \"dockbroker check guard\" tells what is missing and how to mend it\n",
		    "needed");
	} else if (l->why == WHY_BIND_WHO) {
		buf_addf(out, "%-9s an account other than root, or \"allow privileged everything\" in role %s\n",
		    "needed", role);
	} else if (l->why == WHY_SCOPE && l->value.n > 0 &&
	    !slice_is(l->extra, "tag")) {
		buf_addf(out, "%-9s \"on any\", \"on team\", \"on label\" or \"on name\" of the %.*s in role %s\n",
		    "needed", SLICE_ARG(l->extra), role);
	} else if (l->why == WHY_SCOPE) {
		buf_addf(out, "%-9s \"on any\" in role %s\n", "needed", role);
	}
}

static void explain_need(const struct verdict *v, const struct facts *f,
    struct buf *out)
{
	for (size_t i = 0; i < v->nlacks; i++)
		explain_lack(&v->lacks[i], v->role, out);
	if (v->more_lacks > 0)
		buf_addf(out, "%-9s %zu things more\n", "lacks", v->more_lacks);
	if (v->why == WHY_NO_ROLE)
		buf_addf(out, "%-9s a line that grants a role which allows it: \"grant ROLE to user NAME\" or \"to group NAME\"\n",
		    "needed");
	else if (v->why == WHY_DENIED)
		buf_addf(out, "%-9s that no role of the caller denies it: one denial is stronger than all permits\n",
		    "needed");
	else if (v->why == WHY_NOT_ALLOWED)
		buf_addf(out, "%-9s one role that allows it\n%-9s \"allow %s\" in a role of the caller's\n",
		    "needed", "for one", f->endpoint->action);
	else if (v->nlacks + v->more_lacks > 1)
		buf_addf(out, "%-9s all of it in one role: two roles do not add up\n",
		    "needed");
}

void verdict_explain(const struct verdict *v, const struct facts *f,
    const struct who *w, const struct rights *r, struct buf *out)
{
	verdict_sentence(v, f, w, 0, out);
	buf_addz(out, "\n\n");
	explain_request(f, out);
	for (size_t i = 0; i < r->nheld && i < ROLES_SHOWN; i++)
		explain_role(&r->held[i], f, out);
	if (r->nheld > ROLES_SHOWN)
		buf_addf(out, "%-9s and %zu more\n", "role",
		    r->nheld - ROLES_SHOWN);
	explain_need(v, f, out);
}
