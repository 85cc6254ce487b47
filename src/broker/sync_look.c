/*
 * sync_look.c: single objects that the Engine is asked about, because an event
 * tells too little of them or may be older than what the store knows.  Few at
 * a time, in order; none while lists are read: what a list shows is older then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/sync.h"

#define LOOKS_MOST	4096	/* that wait; more of them: all lists again */
#define OWNERS_MOST	16384	/* containers whose images are asked about: 14 MB */
#define LOOKS_AT_ONCE	4
#define LOOK_TRIES	3
#define FEW		64	/* that are searched for the same one */

struct look {
	struct node node;
	struct sync *sync;
	struct ask *ask;
	enum object_kind kind;
	bool gone;			/* an event said so */
	uint64_t mark;			/* when it was asked about */
	unsigned tries;
	char id[BOUND_OBJECT_NAME + 1];
	char image[SYNC_ID];		/* of a container: asked about in its place */
	char owner[2 * BOUND_NAME], team[BOUND_NAME];
};

/* A list of one. */
static const struct {
	enum object_kind kind;
	const char *path, *tail, *open, *close;
} kinds[] = {
	{ OBJECT_NETWORK, "/networks/", "", "[", "]" },
	{ OBJECT_VOLUME, "/volumes/", "", "{\"Volumes\":[", "]}" },
	{ OBJECT_IMAGE, "/images/", "/json", NULL, NULL },
	{ OBJECT_CONTAINER, "/images/", "/json", NULL, NULL },
};

static size_t kind_at(enum object_kind kind)
{
	size_t i = 0;

	while (i < countof(kinds) && kinds[i].kind != kind)
		i++;
	return i;
}

static void look_done(void *arg, unsigned status, struct slice body);
static const struct ask_ops look_ops = { .done = look_done };

static bool look_ask(struct look *k)
{
	_cleanup_(buf_free) struct buf path = BUF(BOUND_TARGET);
	size_t i = kind_at(k->kind);

	sync_path(k->sync, &path, kinds[i].path);
	http_encode(&path, slice_from(k->kind == OBJECT_CONTAINER ? k->image : k->id));
	buf_addz(&path, kinds[i].tail);
	k->mark = store_mark(k->sync->broker->store);
	k->ask = buf_ok(&path) ? sync_ask(k->sync, buf_slice(&path),
	    SYNC_ASK_TIME, &look_ops, k) : NULL;
	return k->ask != NULL;
}

static void look_free(struct look *k)
{
	if (k->ask)
		ask_cancel(k->ask);
	node_remove(&k->node);
	free(k);
}

static bool label_tells(const struct listed *l, const struct entry *e)
{
	for (size_t i = 0; i < l->nlabels; i++)
		if (slice_is(l->labels[i].key, "dockbroker.owner"))
			for (size_t n = 0; n < e->nowners; n++)
				if (slice_is(l->labels[i].value, e->owners[n].name))
					return true;
	return false;
}

/* What is there after its end is another one of that name.  Made through the
 * broker it says whose it is; else the old one's owner has no part in it. */
static void look_found(void *arg, const struct listed *l)
{
	struct look *k = arg;
	struct store *store = k->sync->broker->store;
	struct entry *e = store_get(store, k->kind, l->id);

	if (k->gone && e && e->nowners && !label_tells(l, e))
		object_remove(k->sync->broker, e);
	sync_take(k->sync, l);
}

/* Does the image hand a label of ours down?  True as well when it cannot be told. */
static bool image_says(struct slice body)
{
	struct image_told told = { 0 };
	struct arena a;
	bool says;

	arena_init(&a, 4 * BOUND_ELEMENT);
	says = image_told(body, &a, &told) != 0;
	for (size_t i = 0; i < told.nlabels; i++)
		says |= slice_is(told.labels[i].key, "dockbroker.owner");
	arena_free(&a);
	return says;
}

/* Its image does not say so: the broker did, when it was made. */
static void look_owner(struct look *k)
{
	struct store *store = k->sync->broker->store;
	struct entry *e = store_get(store, OBJECT_CONTAINER, slice_from(k->id));
	struct owner o = { .uid = OWNER_ANY_UID, .name = k->owner, .team = k->team };

	if (e && !e->nowners && !e->kept && store_own(store, e, &o) < 0)
		sync_full(k->sync);
}

/* One answer about an image does for all its containers. */
static void look_owners(struct look *k, struct slice body)
{
	struct sync *s = k->sync;
	bool says = image_says(body);

	if (!says)
		look_owner(k);
	for (struct node *n = s->looks.next, *next; n != &s->looks; n = next) {
		struct look *other = node_entry(n, struct look, node);

		next = n->next;
		if (other->kind != OBJECT_CONTAINER || strcmp(other->image, k->image) != 0)
			continue;
		if (!says)
			look_owner(other);
		look_free(other);
		s->nlooks--;
	}
}

/* It is there: as if a list had shown it. */
static void look_take(struct look *k, struct slice body)
{
	size_t i = kind_at(k->kind);
	struct lister *l;

	if (k->kind == OBJECT_CONTAINER)
		look_owners(k, body);
	if (!kinds[i].open)
		return;		/* an image stays as it is */
	l = lister_new(k->kind, look_found, k);
	if (!l || lister_feed(l, slice_from(kinds[i].open)) != 0 ||
	    lister_feed(l, body) != 0 ||
	    lister_feed(l, slice_from(kinds[i].close)) != 0 || lister_end(l) != 0)
		log_warn("the Engine's answer about a %s cannot be read",
		    object_kind_name(k->kind));
	lister_free(l);
}

/* False: it came anew since the question, so ask again. */
static bool look_missing(struct look *k)
{
	struct store *store = k->sync->broker->store;
	struct entry *e = store_get(store, k->kind, slice_from(k->id));

	if (e && e->seen >= k->mark)
		return ++k->tries >= LOOK_TRIES || !look_ask(k);
	if (e)
		object_remove(k->sync->broker, e);
	return true;
}

static void look_done(void *arg, unsigned status, struct slice body)
{
	struct look *k = arg;
	struct sync *s = k->sync;

	k->ask = NULL;
	if (status == 200)
		look_take(k, body);
	else if (status == 404 && k->kind != OBJECT_CONTAINER && !look_missing(k))
		return;
	s->nlooking--;
	look_free(k);
	sync_look_run(s);
	sync_commit(s);
}

void sync_look_run(struct sync *s)
{
	while (s->state == SYNC_LIVE && s->nlooking < LOOKS_AT_ONCE &&
	    !node_empty(&s->looks)) {
		struct look *k = node_entry(s->looks.next, struct look, node);
		node_remove(&k->node);
		s->nlooks--;
		if (!look_ask(k)) {
			/* No Engine: all is read again when it is back. */
			look_free(k);
			continue;
		}
		node_append(&s->looking, &k->node);
		s->nlooking++;
	}
}

static struct look *waiting(const struct sync *s, enum object_kind kind,
    struct slice id)
{
	for (struct node *n = s->looks.next; n != &s->looks; n = n->next) {
		struct look *k = node_entry(n, struct look, node);
		if (k->kind == kind && slice_is(id, k->id))
			return k;
	}
	return NULL;
}

void sync_look_add(struct sync *s, enum object_kind kind, struct slice id,
    bool gone)
{
	struct look *k = NULL;

	if (!id.n || id.n > BOUND_OBJECT_NAME || kind_at(kind) == countof(kinds))
		return;
	/* Before the lists are read they will show it. */
	if (s->state != SYNC_LIVE && s->state != SYNC_LISTS)
		return;
	if (s->nlooks < FEW)
		k = waiting(s, kind, id);
	if (k) {
		k->gone |= gone;
		return;
	}
	k = s->nlooks < LOOKS_MOST ? calloc(1, sizeof(*k)) : NULL;
	if (!k) {
		s->again = true;
		return;
	}
	k->sync = s;
	k->kind = kind;
	k->gone = gone;
	memcpy(k->id, id.p, id.n);
	node_append(&s->looks, &k->node);
	s->nlooks++;
	sync_look_run(s);
}

void sync_look_owner(struct sync *s, const struct listed *l, const struct owner *o)
{
	struct look *k;

	/* An event says no id; of what finds no room the next list tells again. */
	if (!l->image_id.n || l->image_id.n >= SYNC_ID || l->id.n > BOUND_OBJECT_NAME ||
	    s->nlooks >= OWNERS_MOST || !(k = calloc(1, sizeof(*k))))
		return;
	k->sync = s;
	k->kind = OBJECT_CONTAINER;
	memcpy(k->id, l->id.p, l->id.n);
	memcpy(k->image, l->image_id.p, l->image_id.n);
	snprintf(k->owner, sizeof(k->owner), "%s", o->name);
	snprintf(k->team, sizeof(k->team), "%s", o->team);
	node_append(&s->looks, &k->node);
	s->nlooks++;
}

void sync_look_drop(struct sync *s)
{
	while (!node_empty(&s->looks))
		look_free(node_entry(s->looks.next, struct look, node));
	while (!node_empty(&s->looking))
		look_free(node_entry(s->looking.next, struct look, node));
	s->nlooks = s->nlooking = 0;
}

void sync_look(struct broker *b, enum object_kind kind, struct slice id)
{
	if (b->sync)
		sync_look_add(b->sync, kind, id, false);
}
