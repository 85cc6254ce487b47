/*
 * facts.c: collects what a request asks for, and words refusals.  Everything
 * is copied into the arena of the request: facts outlive the body that they
 * were read from.
 */
#include <stdio.h>
#include <string.h>

#include "dockbroker/docker.h"

#define FIRST_ROOM	4		/* reaches and refs are few */
#define REFUSAL_MAX	(8 * 1024)	/* bytes of one refusal */

void facts_init(struct facts *f, struct arena *a)
{
	*f = (struct facts){ .arena = a };
}

/* At most max bytes, not cutting a character in two. */
static struct slice cut(struct slice s, size_t max)
{
	if (s.n <= max)
		return s;
	s.n = max;
	while (s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

/* Room for one more of size bytes; the old ones stay where they were, and the
 * arena keeps what they took. */
static bool grow(struct facts *f, void **all, size_t size, size_t *cap, size_t bound)
{
	size_t n = *cap ? *cap * 2 : FIRST_ROOM;
	void *p;

	if (n > bound)
		n = bound;
	if (n == *cap)
		return false;
	p = arena_alloc(f->arena, n * size);
	if (!p)
		return false;
	if (*cap)
		memcpy(p, *all, *cap * size);
	*all = p;
	*cap = n;
	return true;
}

static bool keep(struct facts *f, struct slice *to, struct slice s)
{
	*to = arena_copy(f->arena, s);
	if (to->p)
		return true;
	*to = SLICE("");
	return false;
}

/* What finds no room is still counted: it may never look harmless. */
void facts_reach(struct facts *f, const char *word, struct slice path,
    struct slice value, struct slice extra)
{
	void *all = f->reach;
	struct reach *r;

	if (f->nreach == f->cap_reach && !grow(f, &all, sizeof(*r),
	    &f->cap_reach, BOUND_REACH)) {
		f->more_reach++;
		return;
	}
	f->reach = all;
	r = &f->reach[f->nreach++];
	*r = (struct reach){ .word = word };
	r->cut = value.n > BOUND_REACH_VALUE || extra.n > BOUND_REACH_VALUE;
	keep(f, &r->path, path);
	/* not one byte of them may be missing where a rule matches */
	if (!keep(f, &r->value, cut(value, BOUND_REACH_VALUE)) ||
	    !keep(f, &r->extra, cut(extra, BOUND_REACH_VALUE)))
		r->cut = true;
}

struct ref *facts_ref(struct facts *f, enum object_kind kind, enum ref_use use,
    struct slice path, struct slice name)
{
	void *all = f->refs;
	struct ref *r;

	if (f->nrefs == f->cap_refs && !grow(f, &all, sizeof(*r), &f->cap_refs,
	    BOUND_REFS)) {
		f->more_refs++;
		return NULL;
	}
	f->refs = all;
	r = &f->refs[f->nrefs];
	*r = (struct ref){ .kind = kind, .use = use };
	if (!keep(f, &r->path, path) || !keep(f, &r->name, name)) {
		f->more_refs++;
		return NULL;
	}
	f->nrefs++;
	return r;
}

void refusal_set(struct refusal *r, unsigned status, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	r->status = status;
	if (!r->message.max)
		r->message.max = REFUSAL_MAX;
	buf_reset(&r->message);
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= r->message.max)
		n = (int)r->message.max - 1;
	p = buf_room(&r->message, (size_t)n + 1);
	if (!p)
		return;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_grew(&r->message, (size_t)n);
}
