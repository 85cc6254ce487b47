/*
 * params_json.c: query parameters that hold JSON, read into entries or written
 * anew: what was checked is what is sent.  Fed by clients; bounded by the
 * length of a parameter and by tree_parse.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker/params_int.h"
#include "docker/tree.h"

#define FILTER_KEY	64	/* bytes; the longest known is "desired-state" */
#define FILTER_VALUES	256	/* of one key */
#define ULIMITS_MAX	32

bool value_is_json(const struct param *p)
{
	switch (p->type) {
	case TYPE_FILTERS:
	case TYPE_MAP:
	case TYPE_MAP_NULL:
	case TYPE_LIST:
	case TYPE_ULIMITS:
	case TYPE_OCI_PLATFORM:
	case TYPE_OCI_PLATFORMS:
		return true;
	default:
		return false;
	}
}

static bool filter_key_valid(struct slice key)
{
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
		    c != '-' && c != '!')
			return false;
	}
	return key.n > 0 && key.n <= FILTER_KEY;
}

/* No NUL and no other controls: nothing that a filter or a label needs. */
static bool text_valid(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\n' &&
		    s.p[i] != '\t')
			return false;
	return s.p != NULL;
}

/* ---- entries ---- */

/* The tree is gone when they are looked at. */
static int entry_add(struct item *it, struct slice key, struct slice value,
    struct arena *a)
{
	struct entry *e = &it->entries[it->n];

	e->ref = NO_REF;
	if (key.p && !(e->key = arena_copy(a, key)).p)
		return -ENOMEM;
	if (value.p && !(e->value = arena_copy(a, value)).p)
		return -ENOMEM;
	it->n++;
	return VALUE_GOOD;
}

/* The values of one key: ["v"] or {"v":true}. */
static int filter_read(const struct node *from, struct item *it, struct arena *a)
{
	bool list = node_is(from, NODE_LIST);

	if (!filter_key_valid(from->key) || from->n > FILTER_VALUES)
		return VALUE_BAD;
	for (const struct node *v = node_first(from); v; v = v->next) {
		struct slice s = list ? node_text(v) : v->key;
		int r;

		if (!text_valid(s) || (!list && !node_is(v, NODE_TRUE)))
			return VALUE_BAD;
		r = entry_add(it, from->key, s, a);
		if (r != VALUE_GOOD)
			return r;
	}
	return VALUE_GOOD;
}

static int slice_order(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

int entry_order(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r = slice_order(a->key, b->key);

	return r != 0 ? r : slice_order(a->value, b->value);
}

/* Sorted, each once. */
static void entries_order(struct item *it)
{
	size_t n = 0;

	if (it->n > 1)
		qsort(it->entries, it->n, sizeof(*it->entries), entry_order);
	for (size_t i = 0; i < it->n; i++)
		if (i == 0 || entry_order(&it->entries[i - 1],
		    &it->entries[i]) != 0)
			it->entries[n++] = it->entries[i];
	it->n = n;
}

static bool filters_count(const struct node *root, size_t *n)
{
	if (!node_is(root, NODE_OBJECT))
		return false;
	for (const struct node *k = root->first; k; k = k->next) {
		if (!node_is(k, NODE_LIST) && !node_is(k, NODE_OBJECT))
			return false;
		*n += k->n;
	}
	return true;
}

static int filters_read(const struct node *root, struct item *it, struct arena *a)
{
	int r = VALUE_GOOD;

	for (const struct node *k = root->first; r == VALUE_GOOD && k;
	    k = k->next)
		r = filter_read(k, it, a);
	return r;
}

/* {"k":"v"}, {"k":null} or ["v"] */
static int plain_read(const struct node *root, struct item *it, struct arena *a)
{
	int r = VALUE_GOOD;

	for (const struct node *v = node_first(root); r == VALUE_GOOD && v;
	    v = v->next) {
		bool null = it->param->type == TYPE_MAP_NULL &&
		    node_is(v, NODE_NULL);

		if (!null && !text_valid(node_text(v)))
			return VALUE_BAD;
		r = entry_add(it, v->key, node_text(v), a);
	}
	return r;
}

static int entries_read(const struct node *root, struct item *it, struct arena *a)
{
	bool filters = it->param->type == TYPE_FILTERS;
	bool list = it->param->type == TYPE_LIST;
	size_t n = 0;
	int r;

	if (filters && !filters_count(root, &n))
		return VALUE_BAD;
	if (!filters && !node_is(root, list ? NODE_LIST : NODE_OBJECT))
		return VALUE_BAD;
	if (!filters)
		n = root->n;
	if (n > 0) {
		it->entries = arena_alloc(a, n * sizeof(*it->entries));
		if (!it->entries)
			return -ENOMEM;
	}
	r = filters ? filters_read(root, it, a) : plain_read(root, it, a);
	if (r != VALUE_GOOD)
		return r;
	if (!list)
		entries_order(it);
	return it->n > 0 ? VALUE_GOOD : VALUE_NONE;
}

/* ---- texts ---- */

static bool ulimit_valid(const struct node *v)
{
	if (!text_valid(node_text(node_get(v, "Name"))))
		return false;
	for (const struct node *e = v->first; e; e = e->next) {
		if (slice_is(e->key, "Hard") || slice_is(e->key, "Soft")) {
			if (!node_is(e, NODE_INT))
				return false;
		} else if (!slice_is(e->key, "Name")) {
			return false;
		}
	}
	return true;
}

static bool ulimits_valid(const struct node *v)
{
	if (!node_is(v, NODE_LIST) || v->n > ULIMITS_MAX)
		return false;
	for (const struct node *e = v->first; e; e = e->next)
		if (!node_is(e, NODE_OBJECT) || !ulimit_valid(e))
			return false;
	return true;
}

static bool platform_valid(const struct node *v)
{
	if (!node_is(v, NODE_OBJECT))
		return false;
	for (const struct node *e = v->first; e; e = e->next) {
		if (slice_is(e->key, "os.features")) {
			if (!node_is(e, NODE_LIST))
				return false;
			for (const struct node *t = e->first; t; t = t->next)
				if (!text_valid(node_text(t)))
					return false;
		} else if (!slice_is(e->key, "os") &&
		    !slice_is(e->key, "architecture") &&
		    !slice_is(e->key, "variant") &&
		    !slice_is(e->key, "os.version")) {
			return false;
		} else if (!text_valid(node_text(e))) {
			return false;
		}
	}
	return true;
}

static int node_order(const void *x, const void *y)
{
	const struct node *const *a = x, *const *b = y;

	return slice_order((*a)->key, (*b)->key);
}

static void node_write(struct buf *out, const struct node *v);

/* Keys sorted; the valid ones have at most five. */
static void object_write(struct buf *out, const struct node *v)
{
	const struct node *all[8];
	size_t n = 0;

	for (const struct node *e = v->first; e && n < countof(all);
	    e = e->next)
		all[n++] = e;
	qsort(all, n, sizeof(*all), node_order);
	buf_addc(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_add_json_string(out, all[i]->key);
		buf_addc(out, ':');
		node_write(out, all[i]);
	}
	buf_addc(out, '}');
}

static void node_write(struct buf *out, const struct node *v)
{
	if (v->type == NODE_OBJECT) {
		object_write(out, v);
	} else if (v->type == NODE_LIST) {
		buf_addc(out, '[');
		for (const struct node *e = v->first; e; e = e->next) {
			if (e != v->first)
				buf_addc(out, ',');
			node_write(out, e);
		}
		buf_addc(out, ']');
	} else if (v->type == NODE_INT) {
		buf_addi(out, v->integer);
	} else {
		buf_add_json_string(out, node_text(v));
	}
}

static int text_read(const struct node *root, struct item *it, struct arena *a)
{
	_cleanup_(buf_free) struct buf text = BUF(8 * BOUND_PARAMETER);
	bool good = it->param->type == TYPE_ULIMITS ? ulimits_valid(root) :
	    platform_valid(root);

	if (!good)
		return VALUE_BAD;
	if (root->n == 0)
		return VALUE_NONE;
	node_write(&text, root);
	if (!buf_ok(&text))
		return -ENOMEM;
	it->value = arena_copy(a, buf_slice(&text));
	return it->value.p ? VALUE_GOOD : -ENOMEM;
}

int value_json(const struct param *p, struct slice in, struct arena *a,
    struct item *out)
{
	_cleanup_(tree_free) struct tree tree = { 0 };
	int r;

	if (slice_is(in, "null"))	/* what Go makes of an empty list */
		return VALUE_NONE;
	r = tree_parse(in, &tree);
	if (r != TREE_GOOD)
		return r < 0 ? r : VALUE_BAD;
	if (p->type == TYPE_ULIMITS || p->type == TYPE_OCI_PLATFORM ||
	    p->type == TYPE_OCI_PLATFORMS)
		return text_read(tree.root, out, a);
	return entries_read(tree.root, out, a);
}
