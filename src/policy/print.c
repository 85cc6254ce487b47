/*
 * print.c: a policy as canonical text, includes resolved.  Parsed again and
 * printed it is the same; comments and root's built-in grant are not in it.
 */
#include <string.h>

#include "policy/policy_int.h"

#define WIDTH	72		/* columns that a statement fills, tab included */
#define CONTINUE "\n\t      "	/* deeper than the statement: it goes on */

static void print_quoted(struct buf *out, struct slice name)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, name.p[i]);
	}
	buf_addc(out, '"');
}

static void print_name(struct buf *out, struct slice name)
{
	if (lex_is_plain(name))
		buf_adds(out, name);
	else
		print_quoted(out, name);
}

/* Whether two words in one line would be read as one: "volume" and "rm". */
static bool would_join(struct slice a, struct slice b)
{
	char both[BOUND_NAME];

	if (a.n == 0 || a.n + 1 + b.n > sizeof(both))
		return false;
	memcpy(both, a.p, a.n);
	both[a.n] = ' ';
	memcpy(both + a.n + 1, b.p, b.n);
	return word_find((struct slice){ both, a.n + 1 + b.n }) != NULL;
}

/* The first part of a two-word command, as would_join sees it. */
static struct slice first_part(struct slice word)
{
	return slice_cut(&word, ' ');
}

static void print_words(const struct rule *r, struct buf *out, size_t column)
{
	struct slice before = SLICE_NONE;

	for (size_t i = 0; i < r->nwords; i++) {
		struct slice w = r->words[i]->text;

		if (i > 0 && (column + 1 + w.n > WIDTH ||
		    would_join(before, first_part(w)))) {
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

/* A value with what belongs to it, as it is read. */
void print_value(struct buf *out, const struct item *i)
{
	bool comma = i->text.n > 0 && i->text.p[i->text.n - 1] == ',';

	if (i->kind == ITEM_LIMIT || i->text.n == 0)
		buf_adds(out, i->text);
	else if (!comma && lex_is_bare(i->text) && !item_is_head(i->kind, i->text))
		buf_adds(out, i->text);
	else
		print_quoted(out, i->text);
	if (i->mode.n > 0)
		buf_addf(out, " %.*s", SLICE_ARG(i->mode));
	if (i->unmapped)
		buf_addz(out, " unmapped");
}

void print_scope(struct buf *out, const struct rule *r)
{
	static const char *const names[] = { "own", "team", "any" };
	const char *before = " on ";

	for (size_t k = 0; k < countof(names); k++)
		if (r->scopes & 1u << k) {
			buf_addf(out, "%s%s", before, names[k]);
			before = ", ";
		}
	for (const struct item *i = r->on; i != NULL; i = i->more) {
		buf_addf(out, "%s%s ", before,
		    i->kind == ITEM_LABEL ? "label" : "name");
		print_value(out, i);
		before = ", ";
	}
}

static void print_items(const struct rule *r, struct buf *out)
{
	_cleanup_(buf_free) struct buf one = BUF(BOUND_POLICY_FILE);
	const char *head = item_head(r->about);
	size_t column = 8 + strlen(head);

	buf_addf(out, "\t%s", head);
	for (const struct item *i = r->items; i != NULL; i = i->more) {
		buf_reset(&one);
		print_value(&one, i);
		if (one.len == 0)
			continue;
		if (i->kind == ITEM_LIMIT && i->more != NULL)
			buf_addc(&one, ',');
		if (i != r->items && column + 1 + one.len > WIDTH) {
			buf_addz(out, CONTINUE);
			column = 14;
		} else {
			buf_addc(out, ' ');
			column++;
		}
		buf_adds(out, buf_slice(&one));
		column += one.len;
	}
	buf_addc(out, '\n');
}

static void print_rule(const struct rule *r, struct buf *out)
{
	if (r->kind == RULE_EVERYTHING) {
		buf_addz(out, "\tallow privileged everything\n");
		return;
	}
	if (r->kind == RULE_ITEMS) {
		print_items(r, out);
		return;
	}
	buf_addz(out, r->kind == RULE_ALLOW ? "\tallow" : "\tdeny");
	print_words(r, out, r->kind == RULE_ALLOW ? 13 : 12);
	print_scope(out, r);
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
			print_rule(rule, out);
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
