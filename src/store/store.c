/*
 * store.c: entries.  A change is in memory at once, counted into the sums of
 * the owners, and queued for the disk when the entry is, or was, somebody's:
 * what is nobody's the Engine knows as well as we.  Ids and names come from
 * the Engine and from users: bounded, never with a NUL inside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/store_int.h"

/* ---- the store itself ---- */

int store_new(struct store **out)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->disk.dir = s->disk.fd = s->disk.event = -1;
	s->disk.job_fd = s->disk.job_old = -1;
	s->gone.max = SIZE_MAX / 2;
	list_init(&s->dirty);
	for (size_t i = 0; i < KIND_MAX; i++)
		list_init(&s->kinds[i]);
	if (getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key) ||
	    index_init(&s->ids) < 0 || index_init(&s->names) < 0 ||
	    index_init(&s->uids) < 0 || index_init(&s->owners) < 0) {
		store_drop(s);
		return -ENOMEM;
	}
	s->key[1] |= 1;
	*out = s;
	return 0;
}

uint64_t hash_kind(const struct store *s, enum object_kind kind,
    struct slice text)
{
	return hash_text(s->key, (uint64_t)kind, text);
}

struct item *item_of(struct entry *e)
{
	return container_of(e, struct item, e);
}

/* "" is not allocated. */
static void text_free(const char *z)
{
	if (z && *z)
		free((char *)z);
}

int text_set(const char **to, struct slice text)
{
	const char *copy;

	if (text.n > BOUND_OBJECT_NAME ||
	    (text.n && memchr(text.p, '\0', text.n)))
		return -ENAMETOOLONG;
	copy = text.n ? strndup(text.p, text.n) : "";
	if (!copy)
		return -ENOMEM;
	text_free(*to);
	*to = copy;
	return 0;
}

static bool has_prefixes(enum object_kind kind)
{
	return kind == OBJECT_CONTAINER || kind == OBJECT_NETWORK ||
	    kind == OBJECT_IMAGE;
}

static void owners_free(struct store *s, struct holder **h, size_t n,
    struct item *it)
{
	for (size_t i = 0; i < n; i++)
		holder_put(s, h[i]);
	if (h != &it->one)
		free(h);
}

static void owners_drop(struct store *s, struct item *it)
{
	struct holder **h = it->holders;
	size_t n = it->e.nowners;

	/* The array of owners is in front of that of holders. */
	if (n > 1)
		free((void *)it->e.owners);
	it->e.owners = NULL;
	it->e.nowners = 0;
	it->holders = &it->one;
	owners_free(s, h, n, it);
}

static void item_free(struct store *s, struct item *it)
{
	list_del(&it->all);
	list_del(&it->dirty);
	owners_drop(s, it);
	holder_put(s, it->label);
	text_free(it->e.name);
	text_free(it->e.image);
	text_free(it->e.parent);
	free((void *)it->e.labels);
	free(it);
}

void store_drop(struct store *s)
{
	for (size_t i = 0; i < KIND_MAX; i++)
		while (s->kinds[i].next && s->kinds[i].next != &s->kinds[i])
			item_free(s, container_of(s->kinds[i].next,
			    struct item, all));
	index_free(&s->ids);
	index_free(&s->names);
	index_free(&s->uids);
	index_free(&s->owners);
	buf_free(&s->gone);
	free(s);
}

/* ---- changes ---- */

void item_dirty(struct store *s, struct item *it)
{
	if (it->dirty.next || (!it->e.kept && !it->e.nowners))
		return;
	list_add(&s->dirty, &it->dirty);
}

static void name_unlink(struct store *s, struct item *it)
{
	if (*it->e.name)
		index_del(&s->names, &it->by_name);
}

/* In front of whoever had it: the newest claim is the Engine's. */
int item_name(struct store *s, struct item *it, struct slice name)
{
	const char *old = it->e.name;
	bool same = slice_is(name, old);

	if (!same) {
		const char *now = "";
		int r = text_set(&now, name);

		if (r < 0)
			return r;
		name_unlink(s, it);
		text_free(old);
		it->e.name = now;
	} else {
		name_unlink(s, it);
	}
	if (name.n)
		index_add(&s->names, &it->by_name,
		    hash_kind(s, it->e.kind, name));
	if (!same)
		item_dirty(s, it);
	return 0;
}

static struct item *item_new(struct store *s, enum object_kind kind,
    struct slice id)
{
	struct item *it;

	if (!row_kind(kind) || !id.n || id.n > BOUND_OBJECT_NAME ||
	    memchr(id.p, '\0', id.n) || s->total >= BOUND_OBJECTS)
		return NULL;
	it = calloc(1, sizeof(*it) + id.n + 1);
	if (!it)
		return NULL;
	memcpy(it->id, id.p, id.n);
	it->e.kind = kind;
	it->e.id = it->id;
	it->e.name = it->e.image = it->e.parent = "";
	it->holders = &it->one;
	index_add(&s->ids, &it->by_id, hash_kind(s, kind, id));
	if (has_prefixes(kind))
		prefix_add(&s->roots[kind], it);
	list_add(&s->kinds[kind], &it->all);
	s->counts[kind]++;
	s->total++;
	return it;
}

struct entry *store_add(struct store *s, enum object_kind kind,
    struct slice id, struct slice name)
{
	struct entry *e = store_get(s, kind, id);
	struct item *it = e ? item_of(e) : item_new(s, kind, id);

	if (!it)
		return NULL;
	if (name.n && item_name(s, it, name) < 0) {
		if (!e)
			store_remove(s, &it->e);
		return NULL;
	}
	it->e.seen = s->mark;
	if (!e)
		holder_count(it, 1);
	return &it->e;
}

/* What it did in the container ends with it. */
static void remove_execs(struct store *s, const char *container)
{
	struct node *head = &s->kinds[OBJECT_EXEC], *n, *next;

	for (n = head->next; n != head; n = next) {
		struct item *it = container_of(n, struct item, all);

		next = n->next;
		if (strcmp(it->e.parent, container) == 0)
			store_remove(s, &it->e);
	}
}

void store_remove(struct store *s, struct entry *e)
{
	struct item *it = item_of(e);

	if (e->kind == OBJECT_CONTAINER)
		remove_execs(s, e->id);
	if (e->kept) {
		row_gone(&s->gone, e);
		s->rewrite |= !buf_ok(&s->gone);
		s->disk.live -= it->bytes;
	}
	holder_count(it, -1);
	name_unlink(s, it);
	index_del(&s->ids, &it->by_id);
	if (has_prefixes(e->kind))
		prefix_del(&s->roots[e->kind], it);
	s->counts[e->kind]--;
	s->total--;
	item_free(s, it);
}

int store_rename(struct store *s, struct entry *e, struct slice name)
{
	return item_name(s, item_of(e), name);
}

static int item_text(struct store *s, struct entry *e, const char **to,
    struct slice text)
{
	int r;

	if (slice_is(text, *to))
		return 0;
	r = text_set(to, text);
	if (!r)
		item_dirty(s, item_of(e));
	return r;
}

int store_image(struct store *s, struct entry *e, struct slice image)
{
	return item_text(s, e, &e->image, image);
}

int store_parent(struct store *s, struct entry *e, struct slice container)
{
	return item_text(s, e, &e->parent, container);
}

static bool usage_same(const struct usage *a, const struct usage *b)
{
	return a->memory == b->memory && a->nano_cpus == b->nano_cpus &&
	    a->pids == b->pids && a->ports == b->ports;
}

void store_usage(struct store *s, struct entry *e, const struct usage *u)
{
	struct item *it = item_of(e);
	bool same = usage_same(&e->usage, u);

	holder_count(it, -1);
	e->usage = *u;
	holder_count(it, 1);
	if (!same)
		item_dirty(s, it);
}

void store_active(struct store *s, struct entry *e, bool active)
{
	struct item *it = item_of(e);

	(void)s;
	if (e->active == active)
		return;
	holder_count(it, -1);
	e->active = active;
	holder_count(it, 1);
}

void store_common(struct store *s, struct entry *e, bool common)
{
	if (e->common == common)
		return;
	e->common = common;
	item_dirty(s, item_of(e));
}

void store_given(struct store *s, struct entry *e, bool given)
{
	if (e->given == given)
		return;
	e->given = given;
	item_dirty(s, item_of(e));
}

void store_labelled(struct store *s, struct entry *e, struct slice label)
{
	struct item *it = item_of(e);
	struct holder *h = NULL, *old = it->label;

	/* Without memory it counts as not labelled: slower, never wrong. */
	if (label.n)
		h = holder_get(s, OWNER_ANY_UID, label, SLICE_NONE);
	holder_count(it, -1);
	it->label = h;
	holder_count(it, 1);
	holder_put(s, old);
}

/* ---- owners ---- */

/* Takes the refs of h, also when it fails. */
int owners_init(struct store *s, struct item *it, struct holder **h, size_t n)
{
	struct holder **holders = n > 1 ? calloc(n, sizeof(*h)) : &it->one;
	struct owner *owners = n > 1 ? calloc(n, sizeof(*owners)) : NULL;

	if (!holders || (n > 1 && !owners)) {
		for (size_t i = 0; i < n; i++)
			holder_put(s, h[i]);
		if (n > 1)
			free(holders);
		free(owners);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n && owners; i++)
		owners[i] = h[i]->o;
	owners_drop(s, it);
	if (n)
		memcpy(holders, h, n * sizeof(*h));
	it->holders = holders;
	it->e.owners = n > 1 ? owners : n ? &it->one->o : NULL;
	it->e.nowners = n;
	return 0;
}

/* Those that are to stay; where the same person gets an account, what was
 * known of him by name only goes. */
static size_t owners_keep(const struct item *it, struct holder **to,
    const struct holder *added)
{
	size_t n = 0;

	for (size_t i = 0; i < it->e.nowners; i++) {
		struct holder *h = it->holders[i];

		if (added && h->o.uid == OWNER_ANY_UID &&
		    added->o.uid != OWNER_ANY_UID && holder_same(h, added))
			continue;
		h->refs++;
		to[n++] = h;
	}
	return n;
}

static bool owners_has(const struct item *it, const struct holder *h)
{
	for (size_t i = 0; i < it->e.nowners; i++)
		if (it->holders[i] == h)
			return true;
	return false;
}

int item_own(struct store *s, struct item *it, struct holder *h)
{
	struct holder *all[BOUND_OWNERS + 1];
	size_t n;
	int r;

	if (owners_has(it, h)) {
		holder_put(s, h);
		return 0;
	}
	if (it->e.nowners >= BOUND_OWNERS) {
		holder_put(s, h);
		return -ENOSPC;
	}
	n = owners_keep(it, all, h);
	all[n++] = h;
	holder_count(it, -1);
	r = owners_init(s, it, all, n);
	holder_count(it, 1);
	return r;
}

static struct holder *holder_of(struct store *s, const struct owner *o)
{
	return holder_get(s, o->uid, slice_from(o->name), slice_from(o->team));
}

int store_own(struct store *s, struct entry *e, const struct owner *o)
{
	struct holder *h = holder_of(s, o);
	bool had = h && owners_has(item_of(e), h);
	int r = h ? item_own(s, item_of(e), h) : -ENOMEM;

	if (!r && !had)
		item_dirty(s, item_of(e));
	return r;
}

void store_disown(struct store *s, struct entry *e, uint32_t uid,
    const char *name)
{
	struct holder *all[BOUND_OWNERS];
	struct item *it = item_of(e);
	size_t n = 0;

	for (size_t i = 0; i < e->nowners; i++)
		if (!owner_is(&it->holders[i]->o, uid, name)) {
			it->holders[i]->refs++;
			all[n++] = it->holders[i];
		}
	if (n == e->nowners) {
		for (size_t i = 0; i < n; i++)
			holder_put(s, all[i]);
		return;
	}
	item_dirty(s, it);
	holder_count(it, -1);
	/* Fewer than before need no memory but where they are two or more; then
	 * nobody's is the safe side. */
	if (owners_init(s, it, all, n) < 0)
		owners_drop(s, it);
	holder_count(it, 1);
}

int store_give(struct store *s, struct entry *e, const struct owner *o)
{
	struct item *it = item_of(e);
	struct holder *h = o ? holder_of(s, o) : NULL;
	int r;

	if (o && !h)
		return -ENOMEM;
	if (e->nowners == (o ? 1 : 0) && (!o || it->one == h)) {
		holder_put(s, h);
		return 0;
	}
	holder_count(it, -1);
	r = owners_init(s, it, &h, o ? 1 : 0);
	holder_count(it, 1);
	item_dirty(s, it);
	return r;
}

bool entry_owned(const struct entry *e, uint32_t uid, const char *name)
{
	for (size_t i = 0; i < e->nowners; i++)
		if (owner_is(&e->owners[i], uid, name))
			return true;
	return false;
}

/* ---- labels ---- */

static size_t labels_size(const struct pair *p, size_t n)
{
	size_t size = n * sizeof(*p);

	for (size_t i = 0; i < n; i++)
		size += p[i].key.n + p[i].value.n;
	return size;
}

static struct slice label_copy(char **at, struct slice s)
{
	struct slice copy = { *at, s.n };

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

int store_labels(struct store *s, struct entry *e, const struct pair *p,
    size_t n)
{
	struct pair *to = NULL;
	char *at;

	if (s->keep_labels && n) {
		to = malloc(labels_size(p, n));
		if (!to)
			return -ENOMEM;
		at = (char *)(to + n);
		for (size_t i = 0; i < n; i++) {
			to[i].key = label_copy(&at, p[i].key);
			to[i].value = label_copy(&at, p[i].value);
		}
	}
	free((void *)e->labels);
	e->labels = to;
	e->nlabels = to ? n : 0;
	return 0;
}

void store_keep_labels(struct store *s, bool keep)
{
	s->keep_labels = keep;
	for (size_t k = 0; k < KIND_MAX && !keep; k++) {
		struct node *head = &s->kinds[k];

		for (struct node *n = head->next; n != head; n = n->next) {
			struct entry *e = &container_of(n, struct item, all)->e;

			free((void *)e->labels);
			e->labels = NULL;
			e->nlabels = 0;
		}
	}
}
