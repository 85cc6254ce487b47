/*
 * sync.c: the store mirrors the Engine.
 *
 * Events are asked for first and applied as they come; then the lists are
 * read one after the other, and what is in none of them is swept out of the
 * store.  When the stream of events ends the mirror is worth nothing: all of
 * it begins anew.  While lists are read again of our own accord (now and then,
 * in case an event got lost) the mirror stays good.
 *
 * An element of a list may be older than an event that was applied since the
 * list was asked for: such objects are `touched', see sync_event.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/guard.h"
#include "broker/sync.h"

#define CHECK_TIME	600000	/* ms: everything is read again */
#define SETTLE_TIME	20	/* ms: the Engine sends the head before it subscribes */
#define BACKOFF_LEAST	100
#define BACKOFF_MOST	2000

static const struct {
	enum object_kind kind;
	const char *path;
} lists[] = {
	{ OBJECT_NETWORK, "/networks" },
	{ OBJECT_VOLUME, "/volumes" },
	{ OBJECT_CONTAINER, "/containers/json?all=1" },
	/* With those that only others are built on: their holders stay. */
	{ OBJECT_IMAGE, "/images/json?all=1" },
};

static void list_next(struct sync *s);
static void sync_go(struct sync *s);

/* ---- small things ---- */

uint32_t sync_hash(struct slice s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 16777619u;
	return (h ^ h >> 15) % SYNC_BUCKETS;
}

void sync_path(struct sync *s, struct buf *out, const char *path)
{
	unsigned minor = s->broker->engine.minor;

	buf_addf(out, "/v1.%u%s", minor && minor < 41 ? minor : 41, path);
}

struct ask *sync_ask(struct sync *s, struct slice path, int64_t deadline,
    const struct ask_ops *ops, void *arg)
{
	return ask_start(s->broker, METHOD_GET, path, SLICE_NONE, BOUND_ANSWER,
	    deadline, ops, arg);
}

static struct ask *ask_path(struct sync *s, const char *path, int64_t deadline,
    const struct ask_ops *ops)
{
	_cleanup_(buf_free) struct buf full = BUF(256);

	sync_path(s, &full, path);
	return sync_ask(s, buf_slice(&full), deadline, ops, s);
}

static void set_timer(struct sync *s, int64_t ms)
{
	if (timer_set(&s->timer, loop_now(s->broker->loop) + ms) < 0)
		fatal("no memory for a timer");
}

void sync_commit(struct sync *s)
{
	int64_t r = store_commit(s->broker->store);

	if (r < 0 && !s->told_commit)
		log_error("whose is what cannot be written: %s", strerror((int)-r));
	s->told_commit = r < 0;
}

void sync_full(struct sync *s)
{
	if (!s->told_full)
		log_error("the Engine has more than %d objects, or memory is short:"
		    " some are not known here, and nobody but admins can use them",
		    BOUND_OBJECTS);
	s->told_full = true;
}

/* ---- what lists and events show ---- */

static struct slice label(const struct listed *l, const char *key)
{
	for (size_t i = 0; i < l->nlabels; i++)
		if (slice_is(l->labels[i].key, key))
			return l->labels[i].value;
	return SLICE("");
}

/* The broker forces the label on all that passes it, so for what the record
 * does not know it tells the owner.  But containers inherit labels of their
 * image, also those that builds, tasks and root start past the broker: looked
 * into when a list shows one.  An event is followed by an answer to the broker. */
static int own_by_label(struct sync *s, struct entry *e, const struct listed *l)
{
	struct slice owner = label(l, "dockbroker.owner");
	struct slice team = label(l, "dockbroker.team");
	char name[2 * BOUND_NAME], group[BOUND_NAME];
	struct owner o = { .uid = OWNER_ANY_UID, .name = name, .team = group };

	store_labelled(s->broker->store, e, owner);
	/* kept without owners: it was taken from somebody. */
	if (e->nowners || e->kept || !owner.n || owner.n >= sizeof(name) ||
	    team.n >= sizeof(group))
		return 0;
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(owner));
	snprintf(group, sizeof(group), "%.*s", SLICE_ARG(team));
	if (l->kind == OBJECT_CONTAINER) {
		sync_look_owner(s, l, &o);
		return 0;
	}
	return store_own(s->broker->store, e, &o);
}

/* Of a network: bridge, host and none are everybody's. */
static bool predefined(const struct listed *l)
{
	return (slice_is(l->name, "bridge") && slice_is(l->driver, "bridge")) ||
	    (slice_is(l->name, "host") && slice_is(l->driver, "host")) ||
	    (slice_is(l->name, "none") && slice_is(l->driver, "null"));
}

/* One that was made and never started stays as it is known. */
static bool active(const struct entry *e, const struct listed *l)
{
	if (slice_is(l->status, "created"))
		return e->active;
	return l->running || slice_is(l->status, "running") ||
	    slice_is(l->status, "paused") || slice_is(l->status, "restarting");
}

static int take_container(struct sync *s, struct entry *e,
    const struct listed *l, const struct touch *t)
{
	struct store *store = s->broker->store;

	if (t && t->flags & TOUCH_DIED)
		store_active(store, e, false);
	else if (!t)
		store_active(store, e, active(e, l));
	e->running = l->running && !(t && t->flags & TOUCH_DIED);
	return e->image[0] || !l->image.n ? 0 : store_image(store, e, l->image);
}

void sync_take(struct sync *s, const struct listed *l)
{
	struct store *store = s->broker->store;
	/* Volumes have names only, and are looked at one by one. */
	const struct touch *t = l->kind == OBJECT_VOLUME ? NULL :
	    sync_touched(s, l->id);
	struct slice name = l->name;
	struct entry *e;
	int r = 0;

	if (!l->id.n || l->id.n > BOUND_OBJECT_NAME || (t && t->flags & TOUCH_GONE))
		return;
	if (t && (e = store_get(store, l->kind, l->id)))
		name = slice_from(e->name);	/* it may have a new one */
	if (name.n && name.p[0] == '/')
		name = (struct slice){ name.p + 1, name.n - 1 };
	if (l->kind == OBJECT_VOLUME)
		name = SLICE("");
	e = store_add(store, l->kind, l->id, name);
	if (!e) {
		sync_full(s);
		return;
	}
	if (l->kind == OBJECT_NETWORK)
		store_common(store, e, predefined(l));
	r = own_by_label(s, e, l);
	if (r == 0)
		r = store_labels(store, e, l->labels, l->nlabels);
	if (r == 0 && l->kind == OBJECT_CONTAINER)
		r = take_container(s, e, l, t);
	if (r < 0)
		sync_full(s);
}

/* Of images the store knows only what somebody holds. */
static void see(struct store *store, enum object_kind kind, struct slice id)
{
	struct entry *e = store_get(store, kind, id);

	if (e && !store_add(store, kind, id, slice_from(e->name)))
		log_debug("an image could not be marked as seen");
}

static void list_element(void *arg, const struct listed *l)
{
	struct sync *s = arg;

	if (l->kind != OBJECT_IMAGE) {
		sync_take(s, l);
		return;
	}
	see(s->broker->store, OBJECT_IMAGE, l->id);
	for (size_t i = 0; i < l->ntags; i++)
		see(s->broker->store, OBJECT_TAG, l->tags[i]);
}

/* ---- failure ---- */

static void stop_asking(struct sync *s)
{
	if (s->events)
		ask_cancel(s->events);
	if (s->list)
		ask_cancel(s->list);
	s->events = s->list = NULL;
	lister_free(s->reader);
	lister_free(s->lister);
	s->reader = s->lister = NULL;
	node_remove(&s->engine.node);
	sync_untouch(s);
	sync_look_drop(s);
	sync_image_forget(s);
}

static void sync_fail(struct sync *s, const char *why)
{
	if (!s->told && s->broker->engine.up)
		log_warn("what the Engine has is not known: %s", why);
	s->told |= s->broker->engine.up;
	stop_asking(s);
	s->read = s->again = false;
	s->state = SYNC_PAUSED;
	s->failed_at = loop_now(s->broker->loop);
	s->backoff = s->backoff ? s->backoff * 2 : BACKOFF_LEAST;
	if (s->backoff > BACKOFF_MOST)
		s->backoff = BACKOFF_MOST;
	set_timer(s, s->backoff);
	waiters_wake(&s->waiters);
}

/* ---- lists ---- */

static bool list_feed(void *arg, struct slice in)
{
	struct sync *s = arg;

	if (in.n && lister_feed(s->lister, in) != 0)
		return false;
	sync_commit(s);		/* little at a time: a turn is short */
	return true;
}

/* What the list that ends did not show is there no more. */
static void list_sweep(struct sync *s)
{
	enum object_kind kind = lists[s->at].kind;
	struct store *store = s->broker->store;
	size_t n = store_sweep(store, kind, s->mark);

	if (kind == OBJECT_IMAGE)
		n += store_sweep(store, OBJECT_TAG, s->mark);
	if (kind == OBJECT_CONTAINER) {
		sync_exec_sweep(s);
		guard_reconcile(s->broker);
	}
	if (n)
		log_debug("%zu objects of kind %s are gone", n, object_kind_name(kind));
	sync_commit(s);
}

static void list_done(void *arg, unsigned status, struct slice body _unused_)
{
	struct sync *s = arg;
	bool good = status == 200 && lister_end(s->lister) == 0;

	s->list = NULL;
	lister_free(s->lister);
	s->lister = NULL;
	if (!good) {
		char why[64];
		snprintf(why, sizeof(why), "%s cannot be read (%u)",
		    lists[s->at].path, status);
		sync_fail(s, why);
		return;
	}
	list_sweep(s);
	s->at++;
	list_next(s);
}

static const struct ask_ops list_ops = { .feed = list_feed, .done = list_done };

static void lists_over(struct sync *s)
{
	sync_untouch(s);
	if (!s->read)
		log_info("the Engine has %zu containers, %zu networks, %zu volumes",
		    store_count(s->broker->store, OBJECT_CONTAINER),
		    store_count(s->broker->store, OBJECT_NETWORK),
		    store_count(s->broker->store, OBJECT_VOLUME));
	s->state = SYNC_LIVE;
	s->read = true;
	s->told = s->told_full = false;
	s->backoff = 0;
	set_timer(s, CHECK_TIME);
	sync_look_run(s);
	waiters_wake(&s->waiters);
}

static void lists_begin(struct sync *s)
{
	s->state = SYNC_LISTS;
	s->again = false;
	s->at = 0;
	timer_stop(&s->timer);
	list_next(s);
}

static void list_next(struct sync *s)
{
	if (s->at == countof(lists) && !s->again) {
		lists_over(s);
		return;
	}
	if (s->again) {
		s->again = false;
		s->at = 0;
		sync_untouch(s);
	}
	s->mark = store_mark(s->broker->store);
	s->lister = lister_new(lists[s->at].kind, list_element, s);
	s->list = s->lister ? ask_path(s, lists[s->at].path, SYNC_LIST_TIME,
	    &list_ops) : NULL;
	if (!s->list)
		sync_fail(s, "it cannot be asked");
}

/* ---- events ---- */

static bool events_feed(void *arg, struct slice in)
{
	struct sync *s = arg;

	if (!in.n && s->state == SYNC_EVENTS) {
		s->state = SYNC_SETTLE;
		set_timer(s, SETTLE_TIME);
		return true;
	}
	if (in.n && lister_feed(s->reader, in) != 0)
		return false;
	if (s->again && s->state == SYNC_LIVE)
		set_timer(s, SETTLE_TIME);	/* too much for single looks */
	sync_commit(s);
	return true;
}

static void events_done(void *arg, unsigned status, struct slice body _unused_)
{
	struct sync *s = arg;
	char why[64];

	s->events = NULL;
	/* What comes in its place may be of another version. */
	s->broker->engine.probed = false;
	snprintf(why, sizeof(why), "its events ended (%u)", status);
	sync_fail(s, why);
}

static const struct ask_ops events_ops = {
	.feed = events_feed, .done = events_done
};

/* ---- the states ---- */

static void events_begin(struct sync *s)
{
	info_forget(s->broker);
	s->state = SYNC_EVENTS;
	s->reader = events_new(sync_event, s);
	s->events = s->reader ? ask_path(s, "/events", 0, &events_ops) : NULL;
	if (!s->events) {
		sync_fail(s, "it cannot be asked");
		return;
	}
	set_timer(s, BOUND_ENGINE_CONNECT);
}

static void sync_go(struct sync *s)
{
	s->state = SYNC_PROBE;
	timer_stop(&s->timer);
	node_remove(&s->engine.node);
	switch (engine_known(s->broker, &s->engine)) {
	case ENGINE_GOOD:
		events_begin(s);
		break;
	case ENGINE_DOWN:
		sync_fail(s, "it does not run");
		break;
	default:
		break;		/* woken when the probe is over */
	}
}

static void engine_woke(struct waiter *w)
{
	struct sync *s = node_entry(w, struct sync, engine);

	if (s->state != SYNC_PROBE)
		return;
	if (s->broker->engine.probed)
		events_begin(s);
	else
		sync_fail(s, "it does not answer");
}

static void sync_timer(struct timer *t)
{
	struct sync *s = node_entry(t, struct sync, timer);

	switch (s->state) {
	case SYNC_PAUSED:
		sync_go(s);
		break;
	case SYNC_EVENTS:
		sync_fail(s, "it promises no events");
		break;
	case SYNC_SETTLE:
	case SYNC_LIVE:
		lists_begin(s);
		break;
	default:
		break;
	}
}

/* ---- for the others ---- */

int sync_ready(struct broker *b, struct waiter *w)
{
	struct sync *s = b->sync;

	if (s->read)
		return SYNC_GOOD;
	/* It may be there again: nobody waits for the end of a pause. */
	if (s->state == SYNC_PAUSED &&
	    loop_now(b->loop) - s->failed_at >= BACKOFF_LEAST)
		sync_go(s);
	if (s->state == SYNC_PAUSED)
		return SYNC_DOWN;
	if (w)
		node_append(&s->waiters, &w->node);
	return SYNC_WAIT;
}

void sync_again(struct broker *b)
{
	struct sync *s = b->sync;

	s->read = false;
	if (s->state == SYNC_LIVE)
		lists_begin(s);
	else if (s->state == SYNC_LISTS)
		s->again = true;
}

int sync_start(struct broker *b)
{
	struct sync *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	b->sync = s;
	s->broker = b;
	s->engine.wake = engine_woke;
	node_init(&s->engine.node);
	node_init(&s->waiters);
	node_init(&s->looks);
	node_init(&s->looking);
	timer_init(b->loop, &s->timer, sync_timer);
	sync_image_start(s);
	r = sync_event_start(s);
	if (r < 0)
		return r;
	s->state = SYNC_PAUSED;
	s->failed_at = -BACKOFF_LEAST;
	return timer_set(&s->timer, loop_now(b->loop) + 1);
}

void sync_stop(struct broker *b)
{
	struct sync *s = b->sync;

	if (!s)
		return;
	s->state = SYNC_OFF;
	stop_asking(s);
	timer_remove(&s->timer);
	sync_event_stop(s);
	sync_image_stop(s);
	while (!node_empty(&s->waiters))
		node_remove(s->waiters.next);
	b->sync = NULL;
	free(s);
}
