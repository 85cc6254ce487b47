/*
 * answer_list.c: what the broker itself reads of the Engine's answers: lists
 * and events one element at a time, and of inspects what it needs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker/answer_int.h"

#define LISTER_MEMORY	(16 * 1024 * 1024)	/* decoded texts of one element */

struct lister {
	struct split split;
	enum object_kind kind;		/* OBJECT_NONE: events */
	listed_fn *listed;
	event_fn *event;
	void *arg;
	struct arena memory;		/* of one element */
	struct pairs pairs;
	struct buf canon;
};

static struct slice text_or_empty(struct slice raw, struct arena *a)
{
	struct slice s = text_of(raw, a);

	return s.p ? s : SLICE("");
}

static struct slice member_text(struct lister *l, const struct members *m,
    const char *name, bool *twice)
{
	return text_or_empty(member_get(m, name, twice), &l->memory);
}

/* ---- references ---- */

struct refs {
	struct slice *at;
	size_t n, room;
};

static size_t count(struct slice raw)
{
	struct walk w = walk_into(raw);
	size_t n = 0;

	while (walk_next(&w))
		n++;
	return n;
}

static int refs_room(struct refs *refs, struct slice one, struct slice other,
    struct arena *a)
{
	refs->room = count(one) + count(other);
	refs->at = arena_alloc(a, refs->room * sizeof(*refs->at));
	return refs->at ? 0 : -ENOMEM;
}

/* "<none>:<none>" is no reference. */
static int refs_add(struct refs *refs, struct slice raw, struct arena *a,
    struct buf *canon)
{
	struct walk w = walk_into(raw);
	struct slice text;

	while (walk_next(&w) && refs->n < refs->room) {
		text = text_of(w.m.value, a);
		buf_reset(canon);
		if (!text.n || !reference_canon(text, canon) || !buf_ok(canon))
			continue;
		text = arena_copy(a, buf_slice(canon));
		if (!text.p)
			return -ENOMEM;
		refs->at[refs->n++] = text;
	}
	return 0;
}

/* ---- elements ---- */

/* The first of "Names" that is not a link's: "/web", not "/db/web". */
static struct slice container_name(struct lister *l, struct slice raw)
{
	struct walk w = walk_into(raw);
	struct slice s;

	while (walk_next(&w)) {
		s = text_of(w.m.value, &l->memory);
		if (s.n > 1 && s.p[0] == '/' && !memchr(s.p + 1, '/', s.n - 1))
			return (struct slice){ s.p + 1, s.n - 1 };
	}
	return SLICE("");
}

static bool is_active(struct slice status)
{
	return slice_is(status, "running") || slice_is(status, "paused") ||
	    slice_is(status, "restarting");
}

static void container_read(struct lister *l, const struct members *m,
    struct listed *to, bool *twice)
{
	to->name = container_name(l, member_get(m, "Names", twice));
	to->image = member_text(l, m, "Image", twice);
	to->image_id = member_text(l, m, "ImageID", twice);
	to->status = member_text(l, m, "State", twice);
	to->running = is_active(to->status);
}

static int image_read(struct lister *l, const struct members *m,
    struct listed *to, bool *twice)
{
	struct slice tags = member_get(m, "RepoTags", twice);
	struct slice digests = member_get(m, "RepoDigests", twice);
	struct refs refs = { 0 };
	int r = refs_room(&refs, tags, digests, &l->memory);
	int64_t size;

	if (integer_of(member_get(m, "Size", twice), &size) && size > 0)
		to->size = (uint64_t)size;
	if (integer_of(member_get(m, "Created", twice), &size) && size > 0)
		to->created = size;
	if (r == 0)
		r = refs_add(&refs, tags, &l->memory, &l->canon);
	if (r == 0)
		r = refs_add(&refs, digests, &l->memory, &l->canon);
	to->tags = refs.at;
	to->ntags = refs.n;
	return r;
}

/* m may be the beginning of an element that was too large. */
static int element(struct lister *l, const struct members *m)
{
	struct listed to = { .kind = l->kind, .name = SLICE(""),
	    .image = SLICE(""), .image_id = SLICE(""), .driver = SLICE(""),
	    .status = SLICE("") };
	bool twice = false;
	int r;

	to.id = member_text(l, m, l->kind == OBJECT_VOLUME ? "Name" : "Id",
	    &twice);
	r = pairs_read(&l->pairs, member_get(m, "Labels", &twice), &l->memory);
	if (r == 0 && l->kind == OBJECT_CONTAINER)
		container_read(l, m, &to, &twice);
	else if (r == 0 && l->kind == OBJECT_IMAGE)
		r = image_read(l, m, &to, &twice);
	else if (r == 0)
		to.name = member_text(l, m, "Name", &twice);
	to.driver = member_text(l, m, "Driver", &twice);
	if (r < 0)
		return r;
	if (twice)
		return SPLIT_BAD;
	to.labels = l->pairs.at;
	to.nlabels = l->pairs.n;
	if (to.id.n)
		l->listed(l->arg, &to);
	return SPLIT_GOOD;
}

/* ---- events ---- */

static int event(struct lister *l, const struct members *m)
{
	struct event e = { .id = SLICE("") };
	bool twice = false;
	struct walk w;
	int r = 0;

	e.type = member_text(l, m, "Type", &twice);
	e.action = member_text(l, m, "Action", &twice);
	w = walk_into(member_get(m, "Actor", &twice));
	l->pairs.n = 0;
	while (r == 0 && w.close == '}' && walk_next(&w)) {
		if (key_is(&w.m, "ID"))
			e.id = text_or_empty(w.m.value, &l->memory);
		else if (key_is(&w.m, "Attributes"))
			r = pairs_read(&l->pairs, w.m.value, &l->memory);
	}
	if (!e.id.n)		/* of the start of one that was too large */
		e.id = member_text(l, m, "id", &twice);
	if (r < 0)
		return r;
	if (twice)
		return SPLIT_BAD;
	e.attributes = l->pairs.at;
	e.nattributes = l->pairs.n;
	l->event(l->arg, &e);
	return SPLIT_GOOD;
}

/* ---- what the splitter asks ---- */

static void members_free(struct members **m)
{
	free(*m);
}

static bool on_enters(void *arg, const struct part *p, char open)
{
	struct lister *l = arg;
	bool volumes = l->kind == OBJECT_VOLUME;

	if (l->kind == OBJECT_NONE)
		return false;
	if (p->level == 0)
		return open == (volumes ? '{' : '[');
	return volumes && p->level == 1 && open == '[' &&
	    slice_is(p->name, "Volumes");
}

static int on_open(void *arg, const struct part *p, char open)
{
	(void)arg;
	(void)p;
	(void)open;
	return SPLIT_GOOD;
}

static int on_close(void *arg, unsigned level, char close)
{
	(void)arg;
	(void)level;
	(void)close;
	return SPLIT_GOOD;
}

/* Of the elements. */
static unsigned level_of(const struct lister *l)
{
	if (l->kind == OBJECT_NONE)
		return 0;
	return l->kind == OBJECT_VOLUME ? 2 : 1;
}

static int show(struct lister *l, const struct members *m)
{
	int r = l->kind == OBJECT_NONE ? event(l, m) : element(l, m);

	if (l->memory.chunks)
		arena_free(&l->memory);
	return r;
}

static int on_value(void *arg, const struct part *p)
{
	struct lister *l = arg;

	if (p->level < level_of(l))
		return p->level || slice_is(p->raw, "null") ? SPLIT_GOOD :
		    SPLIT_BAD;
	return p->m && !p->m->more ? show(l, p->m) : SPLIT_BAD;
}

/* Nobody hides an object by making it large: what stands first in it is
 * enough to know it, but for labels. */
static int on_large(void *arg, const struct part *p, bool *rest)
{
	struct lister *l = arg;
	struct scan at = { p->raw.p, p->raw.p + p->raw.n, false };
	_cleanup_(members_free) struct members *m = NULL;
	struct slice raw;

	*rest = false;
	if (p->level < level_of(l))
		return SPLIT_GOOD;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	return scan_members(&at, &raw, m) == SCAN_MORE ? show(l, m) :
	    SPLIT_BAD;
}

static const struct split_ops split_ops = {
	.enters = on_enters,
	.open = on_open,
	.value = on_value,
	.close = on_close,
	.large = on_large,
};

/* ---- readers ---- */

static struct lister *reader_new(enum object_kind kind, void *arg)
{
	struct lister *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	split_init(&l->split, &split_ops, l, kind == OBJECT_NONE);
	l->kind = kind;
	l->arg = arg;
	arena_init(&l->memory, LISTER_MEMORY);
	l->canon = BUF(BOUND_OBJECT_NAME);
	return l;
}

struct lister *lister_new(enum object_kind kind, listed_fn *fn, void *arg)
{
	struct lister *l = reader_new(kind, arg);

	if (l)
		l->listed = fn;
	return l;
}

struct lister *events_new(event_fn *fn, void *arg)
{
	struct lister *l = reader_new(OBJECT_NONE, arg);

	if (l)
		l->event = fn;
	return l;
}

void lister_free(struct lister *l)
{
	if (!l)
		return;
	split_free(&l->split);
	arena_free(&l->memory);
	pairs_free(&l->pairs);
	buf_free(&l->canon);
	free(l);
}

static int outcome(int r)
{
	if (r < 0)
		return r;
	return r == SPLIT_GOOD ? ANSWER_GOOD : ANSWER_BAD;
}

int lister_feed(struct lister *l, struct slice in)
{
	return outcome(split_feed(&l->split, in));
}

int lister_end(struct lister *l)
{
	return outcome(split_end(&l->split));
}
