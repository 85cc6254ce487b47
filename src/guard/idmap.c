/*
 * idmap.c: the user namespace that a bind is mapped with.  On disk the
 * container's user is the caller; every other id of the container is one of
 * the caller's subordinate ids (/etc/subuid, /etc/subgid), his groups stay
 * what they are.  What is not in the map cannot be owned, written or handed
 * on: so no id that is not the caller's may ever get in, and 0 least of all.
 *
 * Who controls what: the ids of the container, the user who made it; uid and
 * groups, NSS; the ranges, root.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guard/guard_int.h"

#define SUB_COUNT	65536U	/* ids that an image expects */
#define SUB_FIRST	65536U	/* accounts, system users and nobody are below */

/* ---- the extents ---- */

static void map_add(struct id_map *map, uint32_t container, uint32_t disk,
    uint32_t count)
{
	if (map->n == MAP_EXTENTS)
		map->full = true;
	else
		map->e[map->n++] = (struct id_extent){ container, disk, count };
}

/* Where the container has a user namespace, the kernel shows what its ids are
 * outside of it; ids that it does not have are left out. */
static void map_range(struct id_map *map, struct id_extent r,
    const struct id_extent *outer, size_t nouter)
{
	uint64_t end = (uint64_t)r.container + r.count, from, to;

	if (!nouter)
		map_add(map, r.container, r.host, r.count);
	for (size_t i = 0; i < nouter; i++) {
		const struct id_extent *o = &outer[i];

		from = o->container > r.container ? o->container : r.container;
		to = (uint64_t)o->container + o->count;
		if (to > end)
			to = end;
		if (from < to)
			map_add(map, o->host + (uint32_t)(from - o->container),
			    r.host + (uint32_t)(from - r.container),
			    (uint32_t)(to - from));
	}
}

static int pin_order(const void *a, const void *b)
{
	uint32_t x = ((const struct id_pin *)a)->container;
	uint32_t y = ((const struct id_pin *)b)->container;

	return (x > y) - (x < y);
}

void idmap_fill(struct id_map *map, const struct id_pin *pins, size_t npins,
    uint32_t sub, const struct id_extent *outer, size_t nouter)
{
	struct id_pin sorted[BOUND_GROUPS + 1];
	uint32_t next = 0, to;

	map->n = 0;
	map->full = npins > countof(sorted);
	if (map->full)
		return;
	memcpy(sorted, pins, npins * sizeof(*pins));
	qsort(sorted, npins, sizeof(*sorted), pin_order);
	for (size_t i = 0; i < npins; i++) {
		map_range(map, (struct id_extent){ sorted[i].container,
		    sorted[i].disk, 1 }, outer, nouter);
		/* A range with somebody's real id in it is none. */
		if (sorted[i].disk >= sub && sorted[i].disk - sub < SUB_COUNT)
			sub = 0;
	}
	for (size_t i = 0; sub && i <= npins && next < SUB_COUNT; i++) {
		to = i < npins && sorted[i].container < SUB_COUNT ?
		    sorted[i].container : SUB_COUNT;
		if (to > next)
			map_range(map, (struct id_extent){ next, sub + next,
			    to - next }, outer, nouter);
		next = to + 1;
	}
}

bool idmap_outer(uint32_t id, const struct id_extent *outer, size_t nouter,
    uint32_t *out)
{
	struct id_map one = { .n = 0 };

	map_range(&one, (struct id_extent){ id, 0, 1 }, outer, nouter);
	if (one.n)
		*out = one.e[0].container;
	return one.n;
}

void idmap_print(const struct id_map *map, struct buf *out)
{
	for (size_t i = 0; i < map->n; i++)
		buf_addf(out, "%u %u %u\n", map->e[i].host,
		    map->e[i].container, map->e[i].count);
}

/* ---- subordinate ids ---- */

uint32_t idmap_sub(struct slice text, struct slice name, uint32_t uid)
{
	uint64_t first, count, number;

	while (text.n) {
		struct slice line = slice_cut(&text, '\n');
		struct slice who = slice_cut(&line, ':');
		struct slice from = slice_cut(&line, ':');

		if (!slice_equal(who, name) &&
		    (!slice_number(who, UINT32_MAX, &number) || number != uid))
			continue;
		if (slice_number(from, UINT32_MAX - SUB_COUNT, &first) &&
		    slice_number(slice_trim(line), UINT32_MAX, &count) &&
		    first >= SUB_FIRST && count >= SUB_COUNT)
			return (uint32_t)first;
	}
	return 0;
}

/* ---- the two maps of a user ---- */

static void fill_uids(struct buf *out, const struct map_user *u,
    const struct runs_as *as)
{
	struct id_pin self = { as->uid, u->uid };
	struct id_map map;

	idmap_fill(&map, &self, 1, idmap_sub(u->subuid, u->name, u->uid),
	    as->uids, as->nuids);
	idmap_print(&map, out);
}

/* The container's group is his own; the others are themselves.  Never root's:
 * that he is in it, is nothing that an image should have. */
static size_t group_pins(struct id_pin *pins, const struct map_user *u,
    const struct runs_as *as)
{
	size_t n = 0;
	bool taken;

	if (u->gid)
		pins[n++] = (struct id_pin){ as->gid, u->gid };
	for (size_t i = 0; i < u->ngroups; i++) {
		uint32_t g = u->groups[i];

		taken = !g || g == u->gid || g == as->gid || g == UINT32_MAX;
		for (size_t k = 0; !taken && k < n; k++)
			taken = pins[k].disk == g;
		if (!taken)
			pins[n++] = (struct id_pin){ g, g };
	}
	return n;
}

/* Of very many groups as many are kept as the kernel takes. */
static void fill_gids(struct buf *out, const struct map_user *u,
    const struct runs_as *as)
{
	struct id_pin pins[BOUND_GROUPS + 1];
	size_t n = group_pins(pins, u, as);
	uint32_t sub = idmap_sub(u->subgid, u->name, u->uid);
	struct id_map map;

	for (;;) {
		idmap_fill(&map, pins, n, sub, as->gids, as->ngids);
		buf_reset(out);
		idmap_print(&map, out);
		if ((!map.full && buf_ok(out)) || !n)
			return;
		n -= n / 16 + 1;
	}
}

int map_plan(const struct map_user *u, const struct runs_as *as,
    struct buf *uids, struct buf *gids, struct buf *err)
{
	uint32_t seen;

	if (!idmap_outer(as->uid, as->uids, as->nuids, &seen) ||
	    !idmap_outer(as->gid, as->gids, as->ngids, &seen)) {
		buf_addf(err, "the user %u:%u does not exist in the "
		    "container's user namespace: give --user an id that it has",
		    as->uid, as->gid);
		return GUARD_BAD;
	}
	fill_uids(uids, u, as);
	fill_gids(gids, u, as);
	if (!buf_ok(uids) || !buf_ok(gids))
		return -ENOMEM;
	if (gids->len)
		return GUARD_GOOD;
	buf_addf(err, "%.*s has no group but root's, which no container "
	    "gets: the administrator should give the account a group of "
	    "its own", SLICE_ARG(u->name));
	return GUARD_BAD;
}
