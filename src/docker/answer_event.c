/*
 * answer_event.c: events on their way to one reader.  What an event is about is
 * an id, but attributes name others too: all of them must be his to see.
 */
#include <string.h>

#include "docker/answer_int.h"

/* Attributes that the Engine adds to those which are the object's labels. */
static bool is_engines(struct slice key)
{
	static const char *const keys[] = {
		"image", "name", "execID", "exitCode", "execDuration", "signal",
		"oldName", "comment", "imageID", "imageRef", "container",
		"destination", "driver", "type"
	};

	for (size_t i = 0; i < countof(keys); i++) {
		if (slice_is(key, keys[i]))
			return true;
	}
	return false;
}

static size_t labels_only(struct pairs *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (!is_engines(p->at[i].key))
			p->at[n++] = p->at[i];
	}
	return n;
}

static bool sees(struct answer *a, enum object_kind kind, struct slice id,
    struct slice name)
{
	return id.n && a->ops.sees(a->arg, kind, id,
	    name.p ? name : SLICE(""), NULL, 0);
}

/* A network or volume, at work for a container. */
static bool sees_joined(struct answer *a, enum object_kind kind,
    struct slice name)
{
	struct slice container = pairs_get(&a->labels, "container");

	return sees(a, kind, a->id, name) && (!container.p ||
	    sees(a, OBJECT_CONTAINER, container, SLICE("")));
}

/* By the name that it is about, or by its id. */
static bool sees_image(struct answer *a, struct slice name)
{
	struct slice id = reference_is_id(a->id) ? a->id : SLICE("");
	struct slice canon;

	if (!id.n) {
		canon = answer_canon(a, a->id);
		return canon.p && a->ops.sees_tag(a->arg, id, canon);
	}
	canon = !name.n || reference_is_id(name) ? SLICE_NONE :
	    answer_canon(a, name);
	if (canon.p)
		return a->ops.sees_tag(a->arg, id, canon);
	return a->ops.sees(a->arg, OBJECT_IMAGE, id, SLICE(""), a->labels.at,
	    labels_only(&a->labels));
}

static bool sees_event(struct answer *a, struct slice type)
{
	struct slice name = pairs_get(&a->labels, "name");

	if (!a->id.n)
		return false;		/* what a prune says of itself */
	if (slice_is(type, "container"))
		return a->ops.sees(a->arg, OBJECT_CONTAINER, a->id,
		    name.p ? name : SLICE(""), a->labels.at,
		    labels_only(&a->labels));
	if (slice_is(type, "network"))
		return sees_joined(a, OBJECT_NETWORK, name);
	if (slice_is(type, "volume"))
		return sees_joined(a, OBJECT_VOLUME, a->id);
	return slice_is(type, "image") && sees_image(a, name);
}

static void edit_attributes(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = { { "image", edit_reference }, { 0 } };

	edit_members(a, e, value, rules);
}

static void edit_actor(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = {
		{ "Attributes", edit_attributes },
		{ 0 }
	};

	edit_members(a, e, value, rules);
}

/* Id and attributes of the actor; false: they cannot be told for sure. */
static bool actor_read(struct answer *a, struct slice raw, int *r)
{
	struct walk w = walk_into(raw);
	bool id = false, attributes = false, twice = false;

	a->id = SLICE("");
	a->labels.n = 0;
	while (*r == SPLIT_GOOD && w.close == '}' && walk_next(&w)) {
		if (key_is(&w.m, "ID")) {
			twice |= id;
			id = true;
			a->id = text_of(w.m.value, &a->memory);
		} else if (key_is(&w.m, "Attributes")) {
			twice |= attributes;
			attributes = true;
			*r = pairs_read(&a->labels, w.m.value, &a->memory);
		}
	}
	return *r == SPLIT_GOOD && !twice && a->id.p;
}

int look_event(struct answer *a, const struct part *p)
{
	static const struct rule rules[] = {
		{ "from", edit_reference },
		{ "Actor", edit_actor },
		{ 0 }
	};
	static const struct rule none[] = { { 0 } };
	bool twice = false, known;
	struct slice type;
	int r = SPLIT_GOOD;

	if (!p->m)
		return SPLIT_BAD;
	type = answer_member(a, p->m, "Type", &twice);
	known = actor_read(a, member_get(p->m, "Actor", &twice), &r);
	if (r != SPLIT_GOOD)
		return r;
	known = known && !twice && !p->m->more;
	if (!a->ops.all && !(known && sees_event(a, type)))
		return SPLIT_GOOD;
	r = answer_edit(a, p, known && slice_is(type, "container") ? rules :
	    none);
	buf_addc(a->out, '\n');
	return r;
}
