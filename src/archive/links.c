/*
 * links.c: which paths of an archive are links, so that nothing is written
 * through one.  Only a hash is kept: who makes two
 * paths collide is refused an archive, nothing is let in by it.  Probes
 * are bounded, so that collisions cost the broker nothing either.
 */
#include <errno.h>
#include <stdlib.h>

#include "archive/archive_int.h"

#define SLOTS	32768	/* 3 of 4 are used at most: BOUND_ARCHIVE_LINKS */
#define PROBES	128
#define HASH_FIRST	0xcbf29ce484222325ULL

static uint64_t mix(uint64_t h, char c)
{
	return (h ^ (unsigned char)c) * 0x100000001b3ULL;
}

/* FNV leaves its upper bits alike for paths that end alike. */
static uint64_t spread(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

/* The slot of it, or an empty one; NULL when there is neither nearby.  An
 * empty slot is 0. */
static uint32_t *place(const struct links *l, uint64_t hash, uint32_t *tag)
{
	uint64_t h = spread(hash);

	*tag = (uint32_t)(h >> 32) | 1;
	for (size_t i = 0; i < PROBES; i++) {
		uint32_t *slot = &l->slots[(h + i) % SLOTS];

		if (*slot == 0 || *slot == *tag)
			return slot;
	}
	return NULL;
}

int links_add(struct links *l, struct slice path)
{
	uint64_t hash = HASH_FIRST;
	uint32_t *slot, tag;

	if (!l->slots)
		l->slots = calloc(SLOTS, sizeof(*l->slots));
	if (!l->slots)
		return -ENOMEM;
	for (size_t i = 0; i < path.n; i++)
		hash = mix(hash, path.p[i]);
	slot = place(l, hash, &tag);
	if (!slot || (*slot == 0 && l->n == BOUND_ARCHIVE_LINKS))
		return LINKS_FULL;
	l->n += *slot == 0;
	*slot = tag;
	return LINKS_GOOD;
}

bool links_above(const struct links *l, struct slice path)
{
	uint64_t hash = HASH_FIRST;
	uint32_t *slot, tag;

	if (l->n == 0)
		return false;
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] == '/') {
			slot = place(l, hash, &tag);
			if (!slot || *slot)
				return true;
		}
		hash = mix(hash, path.p[i]);
	}
	return false;
}

void links_free(struct links *l)
{
	free(l->slots);
	*l = (struct links){ 0 };
}
