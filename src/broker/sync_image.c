/*
 * sync_image.c: what the store does not mirror and is asked for by name:
 * images, and execs that no event told of.
 *
 * All who want to know the same share one question.  Answers about images are
 * believed until an image event, and not for long even then: builders give
 * names without one.  An answer that such an event has overtaken is asked for
 * again; the last try is good for those who wait, and for them alone.  They
 * are woken in the turn in which the answer comes and find it then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/sync.h"

#define GOOD_TIME	5000			/* ms */
#define MISSING_TIME	1000
#define TRIES		3
#define ARENA_MOST	(4 * BOUND_ELEMENT)	/* of one; usually 10 KiB */
#define ALL_MOST	(32UL * 1024 * 1024)	/* bytes of all answers */

enum question_state { ASKED, GOOD, MISSING, DOWN };

struct question {
	struct question *chain;
	struct sync *sync;
	struct ask *ask;
	struct node waiters;
	enum object_kind kind;
	enum question_state state;
	uint64_t images, mark;		/* when it was asked */
	unsigned tries;
	int64_t until;			/* loop ms: it is believed up to then */
	struct arena arena;
	struct image image;
	size_t n;
	char key[];
};

/* ---- the table ---- */

static struct question **question_slot(struct sync *s, enum object_kind kind,
    struct slice key)
{
	struct question **at = &s->questions[sync_hash(key)];

	while (*at && ((*at)->kind != kind || !slice_equal(key,
	    (struct slice){ (*at)->key, (*at)->n })))
		at = &(*at)->chain;
	return at;
}

static void question_free(struct question *q)
{
	arena_free(&q->arena);
	free(q);
}

static void waste_free(struct task *t)
{
	struct sync *s = node_entry(t, struct sync, clean);

	while (s->waste) {
		struct question *q = s->waste;
		s->waste = q->chain;
		question_free(q);
	}
}

/* Somebody may look at it still in this turn. */
static void question_drop(struct sync *s, struct question **at)
{
	struct question *q = *at;

	*at = q->chain;
	s->nquestions--;
	s->answers -= q->arena.used;
	q->chain = s->waste;
	s->waste = q;
	task_post(s->broker->loop, &s->clean);
}

static void questions_drop(struct sync *s, bool all)
{
	for (size_t i = 0; i < SYNC_BUCKETS; i++)
		for (struct question **at = &s->questions[i]; *at; ) {
			struct question *q = *at;
			if (q->state == ASKED || (q->kind != OBJECT_IMAGE && !all))
				at = &q->chain;
			else
				question_drop(s, at);
		}
}

void sync_image_forget(struct sync *s)
{
	s->images++;
	questions_drop(s, false);
}

/* ---- answers about images ---- */

/* Variables that make a runtime's hook hand out devices: see judge.c. */
static bool asks_devices(struct slice variable)
{
	static const char *const names[] = {
		"NVIDIA_VISIBLE_DEVICES", "NVIDIA_MIG_CONFIG_DEVICES",
		"NVIDIA_MIG_MONITOR_DEVICES", "NVIDIA_IMEX_CHANNELS",
		"AMD_VISIBLE_DEVICES", "HABANA_VISIBLE_DEVICES",
		"ASCEND_VISIBLE_DEVICES"
	};
	struct slice name = slice_cut(&variable, '=');

	if (!variable.n || slice_is(variable, "void") || slice_is(variable, "none"))
		return false;
	for (size_t i = 0; i < countof(names); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

static bool image_read(struct question *q, struct slice body)
{
	struct image *i = &q->image;
	struct image_told told = { 0 };

	if (image_told(body, &q->arena, &told) != 0 || told.id.n >= sizeof(i->id))
		return false;
	memcpy(i->id, told.id.p, told.id.n);
	i->tags = told.tags;
	i->ntags = told.ntags;
	i->volumes = told.volumes;
	i->nvolumes = told.nvolumes;
	i->labels = told.labels;
	i->nlabels = told.nlabels;
	for (size_t n = 0; n < told.nenv; n++)
		i->devices |= asks_devices(told.env[n]);
	return true;
}

/* The name is nobody's any more; unless it was given since the question, or is
 * being given. */
static void tag_gone(struct question *q)
{
	struct store *store = q->sync->broker->store;
	struct entry *e = store_get(store, OBJECT_TAG,
	    (struct slice){ q->key, q->n });

	if (e && e->seen < q->mark && !e->pins) {
		object_remove(q->sync->broker, e);
		sync_commit(q->sync);
	}
}

static void image_answer(struct question *q, unsigned status, struct slice body)
{
	if (status == 200) {
		q->state = image_read(q, body) ? GOOD : DOWN;
		if (q->state == DOWN)
			log_warn("the Engine's answer about an image cannot be read");
	} else if (status == 404 || status == 400) {
		q->state = MISSING;
		q->image.missing = true;
	} else {
		q->state = DOWN;
	}
}

/* ---- answers about execs ---- */

static void exec_answer(struct question *q, unsigned status, struct slice body)
{
	struct slice container = SLICE_NONE;

	if (status == 200 && answer_text(body, &q->arena, &container, "ContainerID")) {
		sync_exec_add(q->sync, (struct slice){ q->key, q->n }, container);
		q->state = GOOD;
		sync_commit(q->sync);
	} else {
		q->state = status == 404 || status == 409 ? MISSING : DOWN;
	}
}

/* ---- questions ---- */

static void question_done(void *arg, unsigned status, struct slice body);
static const struct ask_ops question_ops = { .done = question_done };

/* A reference has slashes and colons, and the Engine's paths take them. */
static void add_name(struct buf *path, struct slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (memchr("/:@", name.p[i], 3))
			buf_addc(path, name.p[i]);
		else
			http_encode(path, (struct slice){ name.p + i, 1 });
	}
}

static bool question_ask(struct question *q)
{
	_cleanup_(buf_free) struct buf path = BUF(BOUND_TARGET);
	struct slice key = { q->key, q->n };

	sync_path(q->sync, &path, q->kind == OBJECT_EXEC ? "/exec/" : "/images/");
	if (q->kind == OBJECT_EXEC)
		http_encode(&path, key);
	else
		add_name(&path, key);
	buf_addz(&path, "/json");
	q->images = q->sync->images;
	q->mark = store_mark(q->sync->broker->store);
	q->tries++;
	q->state = ASKED;
	q->ask = buf_ok(&path) ? sync_ask(q->sync, buf_slice(&path),
	    SYNC_ASK_TIME, &question_ops, q) : NULL;
	return q->ask != NULL;
}

/* How long may it be believed?  Now is as long as this turn. */
static int64_t believed(struct question *q)
{
	struct sync *s = q->sync;
	int64_t now = loop_now(s->broker->loop);

	if (q->kind != OBJECT_IMAGE || q->state == DOWN || !s->events ||
	    q->images != s->images)
		return now;
	return now + (q->state == GOOD ? GOOD_TIME : MISSING_TIME);
}

static void question_done(void *arg, unsigned status, struct slice body)
{
	struct question *q = arg;
	struct sync *s = q->sync;
	struct node list;

	q->ask = NULL;
	if (q->kind == OBJECT_IMAGE && status && q->images != s->images &&
	    q->tries < TRIES && question_ask(q))
		return;
	if (q->kind == OBJECT_EXEC)
		exec_answer(q, status, body);
	else
		image_answer(q, status, body);
	s->answers += q->arena.used;
	q->until = believed(q);
	if (q->state == MISSING && q->kind == OBJECT_IMAGE && q->images == s->images)
		tag_gone(q);
	/* It may be dropped while they are woken. */
	node_take(&list, &q->waiters);
	waiters_wake(&list);
}

static struct question *question_new(struct sync *s, enum object_kind kind,
    struct slice key, struct question **at)
{
	struct question *q = calloc(1, sizeof(*q) + key.n + 1);

	if (!q)
		return NULL;
	q->sync = s;
	q->kind = kind;
	q->n = key.n;
	memcpy(q->key, key.p, key.n);
	q->image.ref = q->key;
	node_init(&q->waiters);
	arena_init(&q->arena, ARENA_MOST);
	q->chain = *at;
	*at = q;
	s->nquestions++;
	if (!question_ask(q)) {
		q->state = DOWN;
		q->until = loop_now(s->broker->loop);
	}
	return q;
}

/* The question about key, answered or not; NULL without memory. */
static struct question *question_get(struct sync *s, enum object_kind kind,
    struct slice key)
{
	struct question **at = question_slot(s, kind, key), *q = *at;

	if (q && q->state != ASKED && loop_now(s->broker->loop) > q->until) {
		question_drop(s, at);
		q = NULL;
	}
	if (q)
		return q;
	if (s->nquestions >= BOUND_IMAGES_CACHE || s->answers > ALL_MOST)
		questions_drop(s, true);
	return question_new(s, kind, key, &s->questions[sync_hash(key)]);
}

static int question_outcome(struct question *q, struct waiter *w)
{
	if (q->state == DOWN)
		return SYNC_DOWN;
	if (q->state != ASKED)
		return SYNC_GOOD;
	if (w)
		node_append(&q->waiters, &w->node);
	return SYNC_WAIT;
}

int sync_image(struct broker *b, struct slice ref, struct waiter *w,
    const struct image **out)
{
	static const struct image none = { .ref = "", .missing = true };
	struct question *q;
	int r;

	*out = &none;
	if (!ref.n || ref.n > BOUND_OBJECT_NAME + 64)
		return SYNC_GOOD;
	q = question_get(b->sync, OBJECT_IMAGE, ref);
	if (!q)
		return -ENOMEM;
	r = question_outcome(q, w);
	*out = r == SYNC_GOOD ? &q->image : NULL;
	return r;
}

int sync_exec(struct broker *b, struct slice id, struct waiter *w)
{
	struct question *q;

	if (!id.n || id.n >= SYNC_ID || store_get(b->store, OBJECT_EXEC, id))
		return SYNC_GOOD;
	q = question_get(b->sync, OBJECT_EXEC, id);
	return q ? question_outcome(q, w) : -ENOMEM;
}

void sync_images_changed(struct broker *b)
{
	if (b->sync)
		sync_image_forget(b->sync);
}

/* ---- start and stop ---- */

void sync_image_start(struct sync *s)
{
	s->clean.run = waste_free;
}

void sync_image_stop(struct sync *s)
{
	for (size_t i = 0; i < SYNC_BUCKETS; i++)
		while (s->questions[i]) {
			struct question *q = s->questions[i];
			s->questions[i] = q->chain;
			if (q->ask)
				ask_cancel(q->ask);
			while (!node_empty(&q->waiters))
				node_remove(q->waiters.next);
			question_free(q);
		}
	task_cancel(s->broker->loop, &s->clean);
	waste_free(&s->clean);
}
