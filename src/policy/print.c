/*
 * print.c: a policy as canonical text, includes resolved.  Parsed again and
 * printed it is the same; comments and root's built-in grant are not in it.
 */
#include <string.h>

#include "policy/policy_int.h"

#define WIDTH	72		/* columns that a statement fills, tab included */
#define CONTINUE "\n\t      "	/* deeper than the statement: it goes on */

static void print_name(struct buf *out, struct slice name)
{
	if (lex_is_plain(name)) {
		buf_adds(out, name);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, name.p[i]);
	}
	buf_addc(out, '"');
}

/* Whether two words in one line would be read as one: "volume" and "rm". */
static bool would_join(const struct policy *p, struct slice a, struct slice b)
{
	char both[BOUND_NAME];

	if (a.n == 0 || a.n + 1 + b.n > sizeof(both))
		return false;
	memcpy(both, a.p, a.n);
	both[a.n] = ' ';
	memcpy(both + a.n + 1, b.p, b.n);
	return table_find(&p->word_table,
	    (struct slice){ both, a.n + 1 + b.n }) != NULL;
}

/* The first part of a two-word command, as would_join sees it. */
static struct slice first_part(struct slice word)
{
	return slice_cut(&word, ' ');
}

static void print_words(const struct policy *p, const struct rule *r,
    struct buf *out, size_t column)
{
	struct slice before = SLICE_NONE;

	for (size_t i = 0; i < r->nwords; i++) {
		struct slice w = r->words[i]->text;

		if (i > 0 && (column + 1 + w.n > WIDTH ||
		    would_join(p, before, first_part(w)))) {
			buf_addz(out, CONTINUE);
			column = 14;
		} else {
			buf_addc(out, ' ');
			column++;
		}
		buf_adds(out, w);
		column += w.n;
		/* a two-word command is complete: it joins with nothing */
		before = memchr(w.p, ' ', w.n) ? SLICE_NONE : w;
	}
}

static void print_rule(const struct policy *p, const struct rule *r,
    struct buf *out)
{
	if (r->kind == RULE_PRIVILEGED) {
		buf_addz(out, "\tallow privileged everything\n");
		return;
	}
	buf_addz(out, r->kind == RULE_ALLOW ? "\tallow" : "\tdeny");
	print_words(p, r, out, r->kind == RULE_ALLOW ? 13 : 12);
	if (r->scope == SCOPE_ANY)
		buf_addz(out, " on any");
	buf_addc(out, '\n');
}

static const char *const kinds[] = { "user", "group", "service" };

void policy_print(const struct policy *p, struct buf *out)
{
	for (const struct role *r = p->roles; r != NULL; r = r->next) {
		buf_addz(out, "role ");
		print_name(out, slice_from(r->name));
		buf_addz(out, " {\n");
		for (const struct rule *rule = r->rules; rule != NULL;
		     rule = rule->next)
			print_rule(p, rule, out);
		buf_addz(out, "}\n\n");
	}
	for (const struct grant *g = p->grants; g != NULL; g = g->next) {
		buf_addz(out, "grant ");
		print_name(out, g->role_name);
		buf_addf(out, " to %s ", kinds[g->kind]);
		print_name(out, slice_from(g->name));
		buf_addc(out, '\n');
	}
}
