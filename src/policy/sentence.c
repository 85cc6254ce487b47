/*
 * sentence.c: verdicts in one sentence.  What a client sent (names, paths,
 * values) is quoted and escaped: it is one line and goes to terminals.
 */
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"

#define LACKS_SHOWN	8
#define PATH_SHOWN	60	/* bytes of a field's path */
#define VALUE_SHOWN	64	/* bytes of a value */

void say_text(struct buf *out, struct slice s, size_t max)
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

static void say_quoted(struct buf *out, struct slice s)
{
	buf_addc(out, '"');
	say_text(out, s, VALUE_SHOWN);
	buf_addc(out, '"');
}

static void say_caller(struct buf *out, const struct who *w)
{
	if (w->service[0] != '\0')
		buf_addf(out, "service %s", w->service);
	else if (w->account != NULL)
		say_text(out, slice_from(w->account->name), BOUND_NAME);
	else
		buf_addf(out, "uid %u", w->uid);
}

/* "docker run" (container.create) */
static void say_action(struct buf *out, const struct endpoint *e)
{
	char text[BOUND_NAME];
	struct slice command = endpoint_command(e, text);

	if (command.n > 0)
		buf_addf(out, "\"docker %.*s\" (%s)", SLICE_ARG(command),
		    e->action);
	else
		buf_addf(out, "\"%s\"", e->action);
}

static void say_role(struct buf *out, const struct verdict *v)
{
	buf_addf(out, "role %s", v->role);
	if (v->file != NULL)
		buf_addf(out, " (%s:%u)", v->file, v->line);
	else
		buf_addz(out, " (built in)");
}

/* HostConfig.Binds[0] ("/srv"): a bare field for what is no more than on. */
void say_what(struct buf *out, const struct lack *l)
{
	if (l->path.n > 0) {
		say_text(out, l->path, PATH_SHOWN);
		if (l->value.n == 0 || slice_is(l->value, "true"))
			return;
		buf_addz(out, " (");
		say_quoted(out, l->value);
		buf_addc(out, ')');
	} else if (l->value.n > 0) {
		say_quoted(out, l->value);
	} else {
		buf_addz(out, "this");
	}
}

static void say_place(struct buf *out, const struct lack *l)
{
	if (l->file != NULL)
		buf_addf(out, " (%s:%u)", l->file, l->line);
}

/* ---- what is missing, each behind "role developer (policy.conf:3)" ---- */

static void say_reach(struct buf *out, const struct lack *l)
{
	_cleanup_(buf_free) struct buf line = BUF(BOUND_REACH_VALUE * 2);

	lack_line(l, &line);
	buf_addz(out, "has no line ");
	say_quoted(out, buf_slice(&line));
	if (l->path.n > 0) {
		buf_addz(out, " for ");
		say_text(out, l->path, PATH_SHOWN);
	}
}

static void say_scope(struct buf *out, const struct lack *l)
{
	if (l->word != NULL && strcmp(l->word, "refs") == 0) {
		buf_addf(out, "cannot be asked: the request names more than %d objects",
		    BOUND_REFS);
		return;
	}
	buf_addz(out, "does not allow it on ");
	if (l->value.n == 0) {
		buf_addf(out, "any %s", l->extra.n > 0 ? "" : "object");
		buf_adds(out, l->extra);
		return;
	}
	if (slice_is(l->extra, "tag"))
		buf_addz(out, "the name");
	else
		buf_adds(out, l->extra);
	buf_addc(out, ' ');
	say_quoted(out, l->value);
	if (slice_is(l->extra, "tag"))
		buf_addz(out, ", which another has or everybody uses");
}

static void say_narrow(struct buf *out, const struct lack *l)
{
	if (l->file == NULL) {
		buf_addz(out, "does not let the name ");
		say_quoted(out, l->value);
		buf_addz(out, " be given: its \"image\" lines trust it, and no \"tag\" line says so");
		return;
	}
	buf_addf(out, "has no \"%s\" line", l->word);
	say_place(out, l);
	buf_addz(out, " for ");
	say_quoted(out, l->value);
}

static void say_limit(struct buf *out, const struct lack *l)
{
	enum limit_name n = LIMIT_CONTAINERS;

	while (n + 1 < LIMIT_NAMES && strcmp(limit_word(n), l->word) != 0)
		n++;
	buf_addf(out, "allows %s ", l->word);
	limit_print(n, l->most, out);
	buf_addz(out, l->have < 0 ? " for one container" : " in all");
	say_place(out, l);
	if (l->have >= 0) {
		buf_addz(out, ", there are ");
		limit_print(n, l->have, out);
		buf_addz(out, " and this asks for ");
		limit_print(n, l->want, out);
		buf_addz(out, " more");
	} else {
		buf_addz(out, ", this asks for ");
		limit_print(n, l->want, out);
	}
}

/* A line is there, but it is not enough. */
static void say_bind(struct buf *out, const struct lack *l)
{
	buf_addz(out, "permits ");
	say_what(out, l);
	say_place(out, l);
	buf_addz(out, l->why == WHY_BIND ?
	    ", but binds need the guard in front of runc (dockbroker-oci), which the Engine does not have: ask the administrator for \"dockbroker check guard\"" :
	    ", but a bind is opened with the rights of the caller: a service has no account, and root's rights are for roles with \"allow privileged everything\"");
}

void say_lack(struct buf *out, const struct lack *l)
{
	if (l->why == WHY_REACH)
		say_reach(out, l);
	else if (l->why == WHY_SCOPE)
		say_scope(out, l);
	else if (l->why == WHY_NARROW)
		say_narrow(out, l);
	else if (l->why == WHY_LIMIT)
		say_limit(out, l);
	else if (l->why == WHY_BIND || l->why == WHY_BIND_WHO)
		say_bind(out, l);
}

static void say_lacks(struct buf *out, const struct verdict *v)
{
	size_t n = v->nlacks < LACKS_SHOWN ? v->nlacks : LACKS_SHOWN;
	size_t rest = v->nlacks - n + v->more_lacks;

	for (size_t i = 0; i < n; i++) {
		buf_addz(out, i == 0 ? " " : "; ");
		say_lack(out, &v->lacks[i]);
	}
	if (rest > 0)
		buf_addf(out, "; and %zu more", rest);
	if (v->reach_roles > 1)
		buf_addf(out, "; %zu other role%s that allow%s the action lack%s no less",
		    v->reach_roles - 1, v->reach_roles == 2 ? "" : "s",
		    v->reach_roles == 2 ? "s" : "",
		    v->reach_roles == 2 ? "s" : "");
}

static void no_role(const struct who *w, struct buf *out)
{
	buf_addz(out, "the policy grants no role to ");
	if (w->service[0] == '\0' && w->account != NULL)
		buf_addz(out, "user ");
	say_caller(out, w);
	if (w->service[0] == '\0')
		buf_addz(out, " or a group of that user");
}

static void say_reason(const struct verdict *v, const struct who *w,
    struct buf *out)
{
	if (v->why == WHY_NO_ROLE) {
		no_role(w, out);
		return;
	}
	say_role(out, v);
	if (v->nlacks > 0)
		say_lacks(out, v);
	else if (v->why == WHY_ALLOWED)
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
	say_caller(out, w);
	buf_addz(out, v->allowed ? " may use " : " may not use ");
	say_action(out, f->endpoint);
	buf_addz(out, ": ");
	say_reason(v, w, out);
	if (id != 0)
		buf_addf(out, " (dockbroker why %llu)", (unsigned long long)id);
}
