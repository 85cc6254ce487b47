/*
 * expand.c: quotes and variables in the words of a Dockerfile, as BuildKit's
 * shell.Lex (the classic builder uses it too) reads them.  Of `${x...}' only
 * the forms that all Engines know in the same way are told; anything else is
 * unknown.
 */
#include <string.h>

#include "archive/dockerfile_int.h"

#define DEPTH	8	/* ${a:-${b:-...}} */

struct word {
	struct slice rest;
	char escape;
	const struct variables *vars;
	struct buf *out;
	unsigned depth;
};

static int expand_until(struct word *w, char end);

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

static bool take(struct word *w, char *c)
{
	if (w->rest.n == 0)
		return false;
	*c = *w->rest.p++;
	w->rest.n--;
	return true;
}

/* The last ARG of a name counts. */
static const struct variable *lookup(const struct variables *vars, struct slice name)
{
	static const struct variable none;

	for (size_t i = vars->n; i > 0; i--)
		if (slice_equal(vars->v[i - 1].name, name))
			return &vars->v[i - 1];
	return &none;
}

static struct slice take_name(struct word *w)
{
	struct slice name = { w->rest.p, 0 };

	while (name.n < w->rest.n && name_char(name.p[name.n]))
		name.n++;
	w->rest.p += name.n;
	w->rest.n -= name.n;
	return name;
}

/* Behind "${name:": the operator, the other word, the brace. */
static int take_choice(struct word *w, const struct variable *v)
{
	bool full = v->how == VARIABLE_SET && v->value.n > 0;
	size_t before = w->out->len;
	char op;
	int r;

	if (!take(w, &op) || (op != '-' && op != '+'))
		return EXPAND_UNKNOWN;
	if (++w->depth > DEPTH)
		return EXPAND_UNKNOWN;
	r = expand_until(w, '}');
	w->depth--;
	if (r != EXPAND_GOOD || !buf_ok(w->out))
		return EXPAND_UNKNOWN;
	if (full == (op == '-'))
		w->out->len = before;
	if (full && op == '-')
		buf_adds(w->out, v->value);
	return EXPAND_GOOD;
}

/* Behind a dollar. */
static int take_variable(struct word *w)
{
	bool brace = w->rest.n > 0 && *w->rest.p == '{';
	const struct variable *v;
	struct slice name;
	char c = '}';

	if (brace)
		(void)take(w, &c);
	name = take_name(w);
	if (name.n == 0 || (*name.p >= '0' && *name.p <= '9'))
		return EXPAND_UNKNOWN;
	v = lookup(w->vars, name);
	if (brace && !take(w, &c))
		return EXPAND_UNKNOWN;
	if (v->how == VARIABLE_UNKNOWN)
		return EXPAND_UNKNOWN;
	if (brace && c == ':')
		return take_choice(w, v);
	if ((brace && c != '}') || v->how != VARIABLE_SET)
		return EXPAND_UNKNOWN;
	buf_adds(w->out, v->value);
	return EXPAND_GOOD;
}

static int take_single(struct word *w)
{
	const char *end = memchr(w->rest.p, '\'', w->rest.n);
	size_t n;

	if (!end)
		return EXPAND_UNKNOWN;
	n = (size_t)(end - w->rest.p);
	buf_add(w->out, w->rest.p, n);
	w->rest.p += n + 1;
	w->rest.n -= n + 1;
	return EXPAND_GOOD;
}

static int take_double(struct word *w)
{
	int r = EXPAND_GOOD;
	char c;

	while (r == EXPAND_GOOD && take(w, &c)) {
		if (c == '"')
			return EXPAND_GOOD;
		if (c == '$') {
			r = take_variable(w);
			continue;
		}
		if (c == w->escape && w->rest.n > 0 && (*w->rest.p == '"' ||
		    *w->rest.p == '$' || *w->rest.p == w->escape))
			(void)take(w, &c);
		buf_addc(w->out, c);
	}
	return EXPAND_UNKNOWN;
}

/* end: '}' inside of a brace, else '\0' for the end of the word. */
static int expand_until(struct word *w, char end)
{
	int r = EXPAND_GOOD;
	char c;

	while (r == EXPAND_GOOD && take(w, &c)) {
		if (end && c == end)
			return EXPAND_GOOD;
		if (c == '\'')
			r = take_single(w);
		else if (c == '"')
			r = take_double(w);
		else if (c == '$')
			r = take_variable(w);
		else if (c != w->escape || take(w, &c))
			buf_addc(w->out, c);
	}
	return r == EXPAND_GOOD && !end ? EXPAND_GOOD : EXPAND_UNKNOWN;
}

int expand_word(struct slice word, char escape, const struct variables *vars,
    struct buf *out)
{
	struct word w = { word, escape, vars, out, 0 };
	int r = expand_until(&w, '\0');

	return buf_ok(out) ? r : EXPAND_UNKNOWN;
}
