/*
 * arena.c: the memory of one request, freed at once.  Chunks are zeroed when
 * they are made and never given out twice, so what arena_alloc returns is zero.
 * The first chunk is small because most requests have no body.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dockbroker/base.h"

#define CHUNK_FIRST	1024
#define CHUNK_LAST	(64 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t at, size;		/* of data */
	_Alignas(8) char data[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	a->used = 0;
}

/* The first chunk is the one that is being filled; one of its own for
 * something large goes behind it. */
static struct arena_chunk *add_chunk(struct arena *a, size_t n)
{
	struct arena_chunk *c, *first = a->chunks;
	size_t size = first ? first->size * 2 : CHUNK_FIRST;

	if (size > CHUNK_LAST)
		size = CHUNK_LAST;
	if (size < sizeof(*c) + n)
		size = sizeof(*c) + n;
	c = calloc(1, size);
	if (!c)
		return NULL;
	c->size = size - sizeof(*c);
	if (first && n > CHUNK_LAST / 2) {
		c->next = first->next;
		first->next = c;
	} else {
		c->next = first;
		a->chunks = c;
	}
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (n > PTRDIFF_MAX / 2)	/* the sums below cannot overflow */
		return NULL;
	n = n ? (n + 7) & ~(size_t)7 : 8;
	if (a->used > a->max || n > a->max - a->used)
		return NULL;
	if (!c || c->size - c->at < n) {
		c = add_chunk(a, n);
		if (!c)
			return NULL;
	}
	p = c->data + c->at;
	c->at += n;
	a->used += n;
	return p;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (!p)
		return SLICE_NONE;
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct slice){ p, s.n };
}

struct slice arena_format(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (!p)
		return SLICE_NONE;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct slice){ p, (size_t)n };
}
