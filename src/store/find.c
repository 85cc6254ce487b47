/*
 * find.c: looking objects up as the Engine does, and going through them.  An
 * object that the caller does not see takes no part: neither is it found, nor
 * does it make a prefix ambiguous.
 */
#include <string.h>

#include "store/store_int.h"

struct entry *store_get(struct store *s, enum object_kind kind,
    struct slice id)
{
	struct link *l = index_first(&s->ids, hash_kind(s, kind, id));

	for (; l; l = index_next(l)) {
		struct item *it = container_of(l, struct item, by_id);

		if (it->e.kind == kind && slice_is(id, it->id))
			return &it->e;
	}
	return NULL;
}

struct search {
	store_sees_fn *sees;
	void *arg;
	struct entry *found;
	size_t n;
};

static void search_add(struct search *f, struct entry *e)
{
	if (f->sees && !f->sees(f->arg, e))
		return;
	if (!f->n++)
		f->found = e;
}

static enum ref_state search_end(const struct search *f, struct entry **out)
{
	*out = f->n == 1 ? f->found : NULL;
	return f->n == 0 ? REF_MISSING : f->n == 1 ? REF_FOUND : REF_MANY;
}

/* Networks may share a name; of two containers the newer one has it, the
 * other is about to go. */
static void search_name(struct store *s, struct search *f,
    enum object_kind kind, struct slice name)
{
	struct link *l = index_first(&s->names, hash_kind(s, kind, name));

	for (; l; l = index_next(l)) {
		struct item *it = container_of(l, struct item, by_name);

		if (it->e.kind == kind && slice_is(name, it->e.name))
			search_add(f, &it->e);
		if (f->n && kind != OBJECT_NETWORK)
			return;
	}
}

static bool search_one(void *arg, struct item *it)
{
	struct search *f = arg;

	search_add(f, &it->e);
	return f->n < 2;
}

static void search_prefix(struct store *s, struct search *f,
    enum object_kind kind, struct slice name)
{
	char text[128] = "sha256:";
	size_t n = strlen(text);

	if (kind == OBJECT_IMAGE && !slice_starts(name, slice_from(text))) {
		if (name.n >= sizeof(text) - n)
			return;
		memcpy(text + n, name.p, name.n);
		name = (struct slice){ text, n + name.n };
	} else if (kind == OBJECT_IMAGE && name.n == n) {
		return;
	}
	prefix_each(s->roots[kind], name, search_one, f);
}

enum ref_state store_find(struct store *s, enum object_kind kind,
    struct slice name, store_sees_fn *sees, void *arg, struct entry **out)
{
	struct search f = { .sees = sees, .arg = arg };
	struct entry *exact;

	*out = NULL;
	if (!name.n || name.n > BOUND_OBJECT_NAME ||
	    memchr(name.p, '\0', name.n) || !row_kind(kind))
		return REF_MISSING;
	exact = store_get(s, kind, name);
	if (exact)
		search_add(&f, exact);
	if (f.n || kind == OBJECT_VOLUME || kind == OBJECT_EXEC ||
	    kind == OBJECT_TAG)
		return search_end(&f, out);
	if (kind != OBJECT_IMAGE)
		search_name(s, &f, kind, name);
	if (!f.n)
		search_prefix(s, &f, kind, name);
	return search_end(&f, out);
}

void store_each(struct store *s, enum object_kind kind, store_each_fn *fn,
    void *arg)
{
	struct node *head, *n, *next;

	if (!row_kind(kind))
		return;
	head = &s->kinds[kind];
	for (n = head->next; n != head; n = next) {
		next = n->next;
		fn(arg, &container_of(n, struct item, all)->e);
	}
}

size_t store_count(const struct store *s, enum object_kind kind)
{
	return row_kind(kind) ? s->counts[kind] : 0;
}

void entry_object(const struct entry *e, struct object *out)
{
	struct slice id = slice_from(e->id);
	bool named_by_id = e->kind == OBJECT_VOLUME || e->kind == OBJECT_TAG;

	*out = (struct object){
		.kind = e->kind, .id = id,
		.name = named_by_id ? id : slice_from(e->name),
		.owners = e->owners, .nowners = e->nowners,
		.labels = e->labels, .nlabels = e->nlabels,
		.common = e->common, .given = e->given,
	};
}

/* ---- reconciling ---- */

uint64_t store_mark(struct store *s)
{
	return ++s->mark;
}

size_t store_sweep(struct store *s, enum object_kind kind, uint64_t mark)
{
	struct node *head, *n, *next;
	size_t swept = 0;

	if (!row_kind(kind))
		return 0;
	head = &s->kinds[kind];
	for (n = head->next; n != head; n = next) {
		struct item *it = container_of(n, struct item, all);

		next = n->next;
		if (it->e.seen >= mark || it->e.pins)
			continue;
		store_remove(s, &it->e);
		swept++;
	}
	return swept;
}
