/*
 * answer_edit.c: what the looks at parts of answers have in common: texts that
 * are copied but for some places, and what every element of a list has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker/answer_int.h"

#define PAIRS_FIRST	16

/* ---- pairs ---- */

static int pairs_add(struct pairs *to, struct slice key, struct slice value)
{
	size_t cap = to->cap ? to->cap * 2 : PAIRS_FIRST;
	struct pair *p;

	if (to->n == to->cap) {
		p = realloc(to->at, cap * sizeof(*p));
		if (!p)
			return -ENOMEM;
		to->at = p;
		to->cap = cap;
	}
	to->at[to->n++] = (struct pair){ key, value };
	return 0;
}

int pairs_read(struct pairs *to, struct slice raw, struct arena *a)
{
	struct walk w = walk_into(raw);
	struct slice key, value;
	int r = 0;

	to->n = 0;
	while (r == 0 && to->n < PAIRS_MAX && walk_next(&w)) {
		if (w.close != '}')
			break;
		key = text_decode(w.m.key, a);
		value = text_of(w.m.value, a);
		if (!key.p || (!value.p && w.m.value.p[0] == '"'))
			return -ENOMEM;
		r = pairs_add(to, key, value.p ? value : SLICE(""));
	}
	return r;
}

void pairs_free(struct pairs *p)
{
	free(p->at);
	*p = (struct pairs){ 0 };
}

struct slice pairs_get(const struct pairs *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++) {
		if (slice_is(p->at[i].key, key))
			return p->at[i].value;
	}
	return SLICE_NONE;
}

/* ---- edits ---- */

struct edit edit_begin(struct slice raw, struct buf *out)
{
	return (struct edit){ raw.p, out, NULL };
}

void edit_end(struct edit *e, struct slice raw)
{
	buf_add(e->out, e->from, (size_t)(raw.p + raw.n - e->from));
}

void edit_replace(struct edit *e, struct slice old, struct slice with)
{
	buf_add(e->out, e->from, (size_t)(old.p - e->from));
	buf_adds(e->out, with);
	e->from = old.p + old.n;
}

void edit_text(struct edit *e, struct slice old, struct slice text)
{
	edit_replace(e, old, SLICE(""));
	buf_add_json_string(e->out, text);
}

/* Where the comma before is still to be copied it goes, else the one behind. */
void edit_remove(struct edit *e, struct slice value)
{
	const char *from = e->m->key.p - 1, *end = value.p + value.n;
	const char *p = from;

	while (p > e->from && scan_is_blank(p[-1]))
		p--;
	if (p > e->from && p[-1] == ',') {
		from = p - 1;
	} else {
		while (scan_is_blank(*end))	/* a comma or a brace comes */
			end++;
		end += *end == ',';
	}
	edit_replace(e, (struct slice){ from, (size_t)(end - from) }, SLICE(""));
}

static void edit_member(struct answer *a, struct edit *e,
    const struct member *m, const struct rule *rules)
{
	for (const struct rule *r = rules; r->key; r++) {
		if (!key_is(m, r->key))
			continue;
		e->m = m;
		r->edit(a, e, m->value);
	}
}

void edit_members(struct answer *a, struct edit *e, struct slice object,
    const struct rule *rules)
{
	struct walk w = walk_into(object);

	while (w.close == '}' && walk_next(&w))
		edit_member(a, e, &w.m, rules);
}

/* ---- parts ---- */

void answer_lead(struct answer *a, const struct part *p)
{
	if (p->level && a->written[p->level])
		buf_addc(a->out, ',');
	a->written[p->level] = true;
	if (p->key.p) {
		buf_addc(a->out, '"');
		buf_adds(a->out, p->key);
		buf_add(a->out, "\":", 2);
	}
}

int answer_pass(struct answer *a, const struct part *p)
{
	answer_lead(a, p);
	buf_adds(a->out, p->raw);
	return SPLIT_GOOD;
}

int answer_edit(struct answer *a, const struct part *p, const struct rule *rules)
{
	struct edit e;

	answer_lead(a, p);
	e = edit_begin(p->raw, a->out);
	for (size_t i = 0; p->m && i < p->m->n; i++)
		edit_member(a, &e, &p->m->at[i], rules);
	edit_end(&e, p->raw);
	return SPLIT_GOOD;
}

struct slice answer_member(struct answer *a, const struct members *m,
    const char *name, bool *twice)
{
	return text_of(member_get(m, name, twice), &a->memory);
}

bool answer_element(struct answer *a, const struct part *p, const char *id,
    int *r)
{
	bool twice = false;
	struct slice labels;

	*r = SPLIT_GOOD;
	if (!p->m || p->m->more)
		return false;
	a->id = answer_member(a, p->m, id, &twice);
	labels = member_get(p->m, "Labels", &twice);
	if (twice || !a->id.n)
		return false;
	*r = pairs_read(&a->labels, labels, &a->memory);
	return *r == SPLIT_GOOD;
}

bool answer_sees(struct answer *a, enum object_kind kind, struct slice id,
    struct slice name)
{
	return a->ops.sees(a->arg, kind, id, name, a->labels.at, a->labels.n);
}
