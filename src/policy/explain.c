/*
 * explain.c: verdicts in words.  What a client sent (names, paths, values) is
 * quoted and escaped: a sentence is one line and goes to terminals.
 */
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"

#define SENTENCE_REACH	320	/* bytes of reaches that a sentence lists */
#define PATH_SHOWN	80	/* bytes of a field's path */
#define VALUE_SHOWN	64	/* bytes of a value */

/* Client's text: quotes, controls and what is not UTF-8 are escaped. */
static void add_text(struct buf *out, struct slice s, size_t max)
{
	bool cut = s.n > max, plain;

	if (cut)
		s.n = max;
	while (cut && s.n > 0 && !utf8_valid(s) && max - s.n < 4)
		s.n--;
	plain = utf8_valid(s);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f || (c >= 0x80 && !plain))
			buf_addf(out, "\\x%02x", c);
		else if (c == 0xc2 && i + 1 < s.n &&
		    (unsigned char)s.p[i + 1] < 0xa0)
			buf_addf(out, "\\u%04x", (unsigned char)s.p[++i]);
		else
			buf_addc(out, (char)c);
	}
	if (cut)
		buf_addz(out, "...");
}

static void add_caller(struct buf *out, const struct who *w)
{
	if (w->service[0] != '\0')
		buf_addf(out, "service %s", w->service);
	else if (w->account != NULL)
		add_text(out, slice_from(w->account->name), BOUND_NAME);
	else
		buf_addf(out, "uid %u", w->uid);
}

/* "docker run" (container.create) */
static void add_action(struct buf *out, const struct endpoint *e)
{
	char text[BOUND_NAME];
	struct slice command = endpoint_command(e, text);

	if (command.n > 0)
		buf_addf(out, "\"docker %.*s\" (%s)", SLICE_ARG(command),
		    e->action);
	else
		buf_addf(out, "\"%s\"", e->action);
}

static void add_role(struct buf *out, const struct verdict *v)
{
	buf_addf(out, "role %s", v->role);
	if (v->file != NULL)
		buf_addf(out, " (%s:%u)", v->file, v->line);
	else
		buf_addz(out, " (built in)");
}

static void add_reach(struct buf *out, const struct reach *r)
{
	add_text(out, r->path, PATH_SHOWN);
	if (r->value.n == 0 || slice_is(r->value, "true"))
		return;
	buf_addz(out, " (\"");
	add_text(out, r->value, VALUE_SHOWN);
	buf_addz(out, "\")");
}

static void add_reaches(struct buf *out, const struct facts *f)
{
	size_t start = out->len, i = 0;

	for (; i < f->nreach && out->len - start < SENTENCE_REACH; i++) {
		buf_addz(out, i > 0 ? ", " : "");
		add_reach(out, &f->reach[i]);
	}
	if (i < f->nreach || f->more_reach > 0)
		buf_addf(out, " and %zu more", f->nreach - i + f->more_reach);
}

static void reach_sentence(const struct verdict *v, const struct facts *f,
    struct buf *out)
{
	if (f->nreach > 0) {
		add_reaches(out, f);
		buf_addz(out, " with ");
		add_action(out, f->endpoint);
	} else {
		add_action(out, f->endpoint);
		buf_addz(out, ", which reaches beyond containers");
	}
	buf_addz(out, ": ");
	add_role(out, v);
	buf_addz(out, " does not say \"allow privileged everything\"");
	if (v->reach_roles > 1)
		buf_addf(out, ", nor do %zu other roles that allow the action",
		    v->reach_roles - 1);
}

static void no_role(const struct who *w, struct buf *out)
{
	buf_addz(out, "the policy grants no role to ");
	if (w->service[0] == '\0' && w->account != NULL)
		buf_addz(out, "user ");
	add_caller(out, w);
	if (w->service[0] == '\0')
		buf_addz(out, " or a group of that user");
}

static void verdict_reason(const struct verdict *v, const struct who *w,
    struct buf *out)
{
	if (v->why == WHY_NO_ROLE) {
		no_role(w, out);
		return;
	}
	add_role(out, v);
	if (v->why == WHY_ALLOWED)
		buf_addz(out, " allows it");
	else if (v->why == WHY_DENIED)
		buf_addz(out, " denies it");
	else
		buf_addz(out, " does not allow it");
	if (v->why == WHY_NOT_ALLOWED && v->roles > 1)
		buf_addf(out, ", nor %s %zu other role%s",
		    v->roles == 2 ? "does" : "do", v->roles - 1,
		    v->roles == 2 ? "" : "s");
}

void verdict_sentence(const struct verdict *v, const struct facts *f,
    const struct who *w, uint64_t id, struct buf *out)
{
	add_caller(out, w);
	buf_addz(out, v->allowed ? " may use " : " may not use ");
	if (v->why == WHY_REACH) {
		reach_sentence(v, f, out);
	} else {
		add_action(out, f->endpoint);
		buf_addz(out, ": ");
		verdict_reason(v, w, out);
	}
	if (id != 0)
		buf_addf(out, " (dockbroker why %llu)", (unsigned long long)id);
}

/* ---- at length ---- */

static void explain_line(struct buf *out, const char *name, struct slice value)
{
	if (value.n == 0)
		return;
	buf_addf(out, "%-9s ", name);
	add_text(out, value, 256);
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
	for (size_t i = 0; i < f->nreach; i++) {
		buf_addf(out, "%-9s ", "reaches");
		add_reach(out, &f->reach[i]);
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
	if (allow != NULL)
		add_place(out, &allow->at);
	if (allow != NULL && !role_permits(h->role, f))
		buf_addz(out, ", but does not say \"allow privileged everything\"");
	if (deny != NULL) {
		buf_addz(out, ", denies it");
		add_place(out, &deny->at);
	}
	buf_addc(out, '\n');
}

static void explain_need(const struct verdict *v, const struct facts *f,
    struct buf *out)
{
	static const char *const need[] = {
		[WHY_ALLOWED] = "",
		[WHY_NO_ROLE] = "a line that grants a role which allows it: \"grant ROLE to user NAME\" or \"to group NAME\"",
		[WHY_NOT_ALLOWED] = "one role that allows it",
		[WHY_DENIED] = "that no role of the caller denies it: one denial is stronger than all permits",
		[WHY_REACH] = "one role that allows it and says \"allow privileged everything\"; or a request without what reaches out",
	};

	if (*need[v->why])
		buf_addf(out, "%-9s %s\n", "needed", need[v->why]);
	if (v->why == WHY_NOT_ALLOWED)
		buf_addf(out, "%-9s \"allow %s\" in a role of the caller's\n",
		    "for one", f->endpoint->action);
}

void verdict_explain(const struct verdict *v, const struct facts *f,
    const struct who *w, const struct rights *r, struct buf *out)
{
	verdict_sentence(v, f, w, 0, out);
	buf_addz(out, "\n\n");
	explain_request(f, out);
	for (size_t i = 0; i < r->nheld && i < 64; i++)
		explain_role(&r->held[i], f, out);
	if (r->nheld > 64)
		buf_addf(out, "%-9s and %zu more\n", "role", r->nheld - 64);
	explain_need(v, f, out);
}
