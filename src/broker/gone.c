/*
 * gone.c: whose an object was that has just gone.  Its last event says nothing
 * of its owner, and reaches his `docker events' when the mirror has forgotten
 * it already.  (A container's has its labels, but a network that it leaves and
 * a volume that it unmounts only name it.)
 */
#include <stdio.h>
#include <string.h>

#include "broker/guard.h"

#define GONE_TIME	3600000	/* ms: the Engine itself keeps 256 events */

void object_remove(struct broker *b, struct entry *e)
{
	struct gone *g = &b->gone.ring[b->gone.next];

	if (e->kind != OBJECT_EXEC && e->nowners &&
	    strlen(e->id) < sizeof(g->id)) {
		g->kind = e->kind;
		g->at = loop_now(b->loop);
		g->owner.uid = e->owners[0].uid;
		snprintf(g->id, sizeof(g->id), "%s", e->id);
		snprintf(g->name, sizeof(g->name), "%s", e->name);
		snprintf(g->person, sizeof(g->person), "%s", e->owners[0].name);
		snprintf(g->team, sizeof(g->team), "%s", e->owners[0].team);
		b->gone.next = (b->gone.next + 1) % BOUND_GONE;
	}
	if (e->kind == OBJECT_CONTAINER)
		guard_gone(b, slice_from(e->id));
	store_remove(b->store, e);
}

bool object_gone(struct broker *b, enum object_kind kind, struct slice id,
    struct object *o)
{
	for (size_t i = 0; i < BOUND_GONE; i++) {
		/* the last one first */
		struct gone *g = &b->gone.ring[(b->gone.next + BOUND_GONE - 1 - i) % BOUND_GONE];

		if (g->kind == OBJECT_NONE || loop_now(b->loop) - g->at > GONE_TIME)
			return false;
		if (g->kind != kind || !slice_is(id, g->id))
			continue;
		g->owner.name = g->person;
		g->owner.team = g->team;
		*o = (struct object){ .kind = kind, .id = slice_from(g->id),
		    .name = slice_from(g->name), .owners = &g->owner, .nowners = 1 };
		return true;
	}
	return false;
}
