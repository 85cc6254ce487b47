/*
 * sync_event.c: what the Engine tells as it happens, applied to the store.
 *
 * Everything here may come twice, or after the broker has entered the same
 * from an answer.  Ids of containers and networks are never used again, so
 * their end counts at once.  Names of volumes and ids of images are: the
 * event may be older than what the store knows, and the Engine is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/sync.h"

#define REAP_MOST	4096
#define REAP_TIME	30000	/* ms between two looks for execs that ended */

/* ---- objects that change while lists are read ---- */

const struct touch *sync_touched(struct sync *s, struct slice id)
{
	struct touch *t = s->ntouched ? s->touched[sync_hash(id)] : NULL;

	while (t && !slice_is(id, t->id))
		t = t->chain;
	return t;
}

static void touch(struct sync *s, struct slice id, unsigned set, unsigned clear)
{
	struct touch *t;

	if (s->state != SYNC_LISTS || id.n >= SYNC_ID)
		return;
	t = (struct touch *)(uintptr_t)sync_touched(s, id);
	if (!t) {
		struct touch **at = &s->touched[sync_hash(id)];
		t = s->ntouched < SYNC_TOUCHED ? calloc(1, sizeof(*t)) : NULL;
		if (!t) {
			s->again = true;	/* when it is calmer */
			return;
		}
		memcpy(t->id, id.p, id.n);
		t->chain = *at;
		*at = t;
		s->ntouched++;
	}
	t->flags = (t->flags | set) & ~clear;
}

void sync_untouch(struct sync *s)
{
	for (size_t i = 0; s->ntouched && i < SYNC_BUCKETS; i++)
		while (s->touched[i]) {
			struct touch *t = s->touched[i];
			s->touched[i] = t->chain;
			s->ntouched--;
			free(t);
		}
}

/* ---- execs, by container ---- */

static struct exec **exec_slot(struct sync *s, struct slice id)
{
	struct exec **at = &s->execs[sync_hash(id)];

	while (*at && !slice_is(id, (*at)->id))
		at = &(*at)->chain;
	return at;
}

static struct box **box_slot(struct sync *s, struct slice id)
{
	struct box **at = &s->boxes[sync_hash(id)];

	while (*at && !slice_is(id, (*at)->id))
		at = &(*at)->chain;
	return at;
}

/* Out of the index and of the store; an empty box goes too. */
static void exec_remove(struct sync *s, struct exec *x)
{
	struct store *store = s->broker->store;
	struct entry *e = store_get(store, OBJECT_EXEC, slice_from(x->id));
	struct box *box = x->box;

	*exec_slot(s, slice_from(x->id)) = x->chain;
	if (e)
		object_remove(s->broker, e);
	node_remove(&x->node);
	node_remove(&x->ended);
	free(x);
	if (--box->n)
		return;
	*box_slot(s, slice_from(box->id)) = box->chain;
	free(box);
}

static struct box *box_get(struct sync *s, struct slice id)
{
	struct box **at = box_slot(s, id);

	if (!*at && (*at = calloc(1, sizeof(**at)))) {
		memcpy((*at)->id, id.p, id.n);
		node_init(&(*at)->execs);
	}
	return *at;
}

static void exec_index(struct sync *s, struct slice id, struct slice container)
{
	struct exec **at = exec_slot(s, id), *x;
	struct box *box;

	if (*at)
		return;
	x = calloc(1, sizeof(*x));
	box = x ? box_get(s, container) : NULL;
	if (!box) {
		free(x);
		return;
	}
	memcpy(x->id, id.p, id.n);
	x->box = box;
	node_init(&x->ended);
	node_append(&box->execs, &x->node);
	*at = x;
	if (++box->n > SYNC_EXECS)
		exec_remove(s, node_entry(box->execs.next, struct exec, node));
}

void sync_exec_add(struct sync *s, struct slice id, struct slice container)
{
	struct store *store = s->broker->store;
	struct entry *e;

	if (!id.n || id.n >= SYNC_ID || !container.n || container.n >= SYNC_ID ||
	    !store_get(store, OBJECT_CONTAINER, container))
		return;
	e = store_get(store, OBJECT_EXEC, id);
	if (!e)
		e = store_add(store, OBJECT_EXEC, id, SLICE(""));
	if (!e || (!slice_is(container, e->parent) &&
	    store_parent(store, e, container) < 0)) {
		sync_full(s);
		return;
	}
	exec_index(s, id, container);
}

/* It can still be inspected for a while. */
static void exec_end(struct sync *s, struct slice id)
{
	struct exec *x = *exec_slot(s, id);

	if (!x || !node_empty(&x->ended))
		return;
	x->at = loop_now(s->broker->loop);
	node_append(&s->ended, &x->ended);
}

static void execs_remove(struct sync *s, struct slice container)
{
	struct box *box = *box_slot(s, container);

	for (size_t n = box ? box->n : 0; n; n--)
		exec_remove(s, node_entry(box->execs.next, struct exec, node));
}

static void exec_check(void *arg, struct entry *e)
{
	struct sync *s = arg;
	struct slice id = slice_from(e->id), parent = slice_from(e->parent);
	struct exec *x;

	if (store_get(s->broker->store, OBJECT_CONTAINER, parent)) {
		/* Entered by an answer, and its event was lost.  No other may
		 * make room for it now: they are being walked. */
		struct box *box = *box_slot(s, parent);
		if (id.n < SYNC_ID && parent.n < SYNC_ID &&
		    (!box || box->n < SYNC_EXECS))
			exec_index(s, id, parent);
		return;
	}
	x = *exec_slot(s, id);
	if (x)
		exec_remove(s, x);
	else
		object_remove(s->broker, e);
}

void sync_exec_sweep(struct sync *s)
{
	struct store *store = s->broker->store;

	for (size_t i = 0; i < SYNC_BUCKETS; i++)
		for (struct box *box = s->boxes[i], *next; box; box = next) {
			struct slice id = slice_from(box->id);
			next = box->chain;
			if (!store_get(store, OBJECT_CONTAINER, id))
				execs_remove(s, id);
		}
	store_each(store, OBJECT_EXEC, exec_check, s);
}

static void exec_reap(struct timer *t)
{
	struct sync *s = node_entry(t, struct sync, reap);
	int64_t now = loop_now(s->broker->loop);
	size_t n = 0;

	/* Some thousand a time: a turn is short. */
	while (!node_empty(&s->ended) && n++ < REAP_MOST) {
		struct exec *x = node_entry(s->ended.next, struct exec, ended);
		if (now - x->at < SYNC_EXEC_TIME)
			break;
		exec_remove(s, x);
	}
	sync_commit(s);
	if (timer_set(t, now + (n > REAP_MOST ? 10 : REAP_TIME)) < 0)
		fatal("no memory for a timer");
}

int sync_event_start(struct sync *s)
{
	node_init(&s->ended);
	timer_init(s->broker->loop, &s->reap, exec_reap);
	return timer_set(&s->reap, loop_now(s->broker->loop) + REAP_TIME);
}

/* The store keeps what it has: only the index goes. */
void sync_event_stop(struct sync *s)
{
	timer_remove(&s->reap);
	sync_untouch(s);
	for (size_t i = 0; i < SYNC_BUCKETS; i++) {
		while (s->execs[i]) {
			struct exec *x = s->execs[i];
			s->execs[i] = x->chain;
			free(x);
		}
		while (s->boxes[i]) {
			struct box *box = s->boxes[i];
			s->boxes[i] = box->chain;
			free(box);
		}
	}
}

/* ---- containers ---- */

static struct slice attribute(const struct event *e, const char *key)
{
	for (size_t i = 0; i < e->nattributes; i++)
		if (slice_is(e->attributes[i].key, key))
			return e->attributes[i].value;
	return SLICE("");
}

/* Labels stand among the attributes.  One of the names that the Engine uses
 * itself is lost here, until the next list: nobody may pretend it by a name. */
static size_t event_labels(const struct event *e, struct pair *to)
{
	static const char *const others[] = {
		"name", "image", "oldName", "execID", "exitCode", "signal",
		"execDuration", "containerID"
	};
	size_t n = 0;

	for (size_t i = 0; i < e->nattributes; i++) {
		size_t k = 0;
		while (k < countof(others) &&
		    !slice_is(e->attributes[i].key, others[k]))
			k++;
		if (k == countof(others))
			to[n++] = e->attributes[i];
	}
	return n;
}

static void free_pairs(struct pair **p)
{
	free(*p);
}

/* The store's entry, made from what the event tells; NULL without room. */
static struct entry *container_known(struct sync *s, const struct event *e)
{
	_cleanup_(free_pairs) struct pair *labels = NULL;
	struct store *store = s->broker->store;
	struct entry *c = store_get(store, OBJECT_CONTAINER, e->id);
	struct listed l = {
		.kind = OBJECT_CONTAINER, .id = e->id,
		.name = attribute(e, "name"), .image = attribute(e, "image"),
		.status = SLICE("created"),
	};
	bool fresh = !c;

	if (c && !slice_is(e->action, "create"))
		return c;
	labels = calloc(e->nattributes + 1, sizeof(*labels));
	if (!labels)
		return c;
	l.labels = labels;
	l.nlabels = event_labels(e, labels);
	if (c)
		l.name = slice_from(c->name);	/* it may have a new one */
	sync_take(s, &l);
	c = store_get(store, OBJECT_CONTAINER, e->id);
	if (c && fresh)
		store_active(store, c, true);	/* it was just made */
	return c;
}

static void container_renamed(struct sync *s, const struct event *e)
{
	struct entry *c = container_known(s, e);
	struct slice name = attribute(e, "name");

	if (name.n && name.p[0] == '/')
		name = (struct slice){ name.p + 1, name.n - 1 };
	touch(s, e->id, 0, 0);
	if (c && name.n && !slice_is(name, c->name) &&
	    store_rename(s->broker->store, c, name) < 0)
		sync_full(s);
}

static void container_runs(struct sync *s, const struct event *e, bool runs)
{
	struct store *store = s->broker->store;
	struct entry *c = runs ? container_known(s, e) :
	    store_get(store, OBJECT_CONTAINER, e->id);

	touch(s, e->id, runs ? 0 : TOUCH_DIED, runs ? TOUCH_DIED : 0);
	if (!c)
		return;
	store_active(store, c, runs);
	c->running = runs;
}

static void container_gone(struct sync *s, struct slice id)
{
	struct entry *c = store_get(s->broker->store, OBJECT_CONTAINER, id);

	touch(s, id, TOUCH_GONE, 0);
	execs_remove(s, id);
	if (c)
		object_remove(s->broker, c);
}

static void on_container(struct sync *s, const struct event *e)
{
	if (slice_is(e->action, "create"))
		(void)container_known(s, e);
	else if (slice_is(e->action, "start") || slice_is(e->action, "unpause"))
		container_runs(s, e, true);
	else if (slice_is(e->action, "die"))
		container_runs(s, e, false);
	else if (slice_is(e->action, "rename"))
		container_renamed(s, e);
	else if (slice_is(e->action, "destroy"))
		container_gone(s, e->id);
	else if (slice_starts(e->action, SLICE("exec_create")))
		sync_exec_add(s, attribute(e, "execID"), e->id);
	else if (slice_is(e->action, "exec_die"))
		exec_end(s, attribute(e, "execID"));
}

/* ---- the others ---- */

static void on_network(struct sync *s, const struct event *e)
{
	struct entry *n = store_get(s->broker->store, OBJECT_NETWORK, e->id);

	if (slice_is(e->action, "create") && !n) {
		sync_look_add(s, OBJECT_NETWORK, e->id, false);	/* its labels */
	} else if (slice_is(e->action, "destroy") ||
	    slice_is(e->action, "remove")) {
		touch(s, e->id, TOUCH_GONE, 0);
		if (n)
			object_remove(s->broker, n);
	}
}

static void on_volume(struct sync *s, const struct event *e)
{
	bool known = store_get(s->broker->store, OBJECT_VOLUME, e->id) != NULL;

	if (slice_is(e->action, "create") && !known)
		sync_look_add(s, OBJECT_VOLUME, e->id, false);
	else if (slice_is(e->action, "destroy") &&
	    (known || s->state == SYNC_LISTS))
		sync_look_add(s, OBJECT_VOLUME, e->id, true);
}

static void on_image(struct sync *s, const struct event *e)
{
	if (slice_is(e->action, "save") || slice_is(e->action, "push"))
		return;
	sync_images_changed(s->broker);
	if (slice_is(e->action, "delete") &&
	    store_get(s->broker->store, OBJECT_IMAGE, e->id))
		sync_look_add(s, OBJECT_IMAGE, e->id, true);
}

void sync_event(void *arg, const struct event *e)
{
	struct sync *s = arg;

	if (!e->id.n || e->id.n > BOUND_OBJECT_NAME)
		return;
	if (slice_is(e->type, "container"))
		on_container(s, e);
	else if (slice_is(e->type, "network"))
		on_network(s, e);
	else if (slice_is(e->type, "volume"))
		on_volume(s, e);
	else if (slice_is(e->type, "image"))
		on_image(s, e);
}
