/*
 * facts.c: collects what a request asks for, and words refusals.  Everything
 * is copied into the arena of the request: facts outlive the body that they
 * were read from.
 */
#include <stdio.h>
#include <string.h>

#include "dockbroker/docker.h"

#define REACH_VALUE	128		/* bytes */
#define REACH_FIRST	4		/* far-reaching things are few */
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

static bool grow(struct facts *f)
{
	size_t n = f->cap_reach ? f->cap_reach * 2 : REACH_FIRST;
	struct reach *r;

	if (n > BOUND_REACH)
		n = BOUND_REACH;
	if (n == f->cap_reach)
		return false;
	r = arena_alloc(f->arena, n * sizeof(*r));
	if (!r)
		return false;
	if (f->nreach)
		memcpy(r, f->reach, f->nreach * sizeof(*r));
	f->reach = r;
	f->cap_reach = n;
	return true;
}

/* What finds no room is still counted: it may never look harmless. */
void facts_reach(struct facts *f, const char *word, struct slice path,
    struct slice value)
{
	struct reach *r;

	if (f->nreach == f->cap_reach && !grow(f)) {
		f->more_reach++;
		return;
	}
	r = &f->reach[f->nreach++];
	r->word = word;
	r->path = arena_copy(f->arena, path);
	r->value = arena_copy(f->arena, cut(value, REACH_VALUE));
	if (!r->path.p)
		r->path = SLICE("");
	if (!r->value.p)
		r->value = SLICE("");
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
