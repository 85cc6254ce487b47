/*
 * image.c: whose an image is.  Several users may have one image, by different
 * names or by the same: layers are shared, and the classic builder gives two
 * builds of one file one id.  So names (tags) have holders, and ids have
 * holders for what has no name.  A name that nobody holds, or root, is the
 * host's: everybody may use it.
 */
#include <string.h>

#include "broker/broker.h"

static bool roots(const struct entry *e)
{
	for (size_t i = 0; e && i < e->nowners; i++)
		if (e->owners[i].uid == 0)
			return true;
	return false;
}

static bool unheld(const struct entry *e)
{
	return !e || e->nowners == 0 || roots(e);
}

struct gather { struct owner *owners; size_t n, cap; struct arena *arena; bool failed; };

static void gather_add(struct gather *g, const struct entry *e)
{
	for (size_t i = 0; e && i < e->nowners; i++) {
		bool there = false;

		for (size_t k = 0; k < g->n; k++)
			there |= owner_is(&g->owners[k], e->owners[i].uid,
			    e->owners[i].name);
		if (there)
			continue;
		if (g->n == g->cap) {
			size_t cap = g->cap ? 2 * g->cap : 4;
			struct owner *more = arena_alloc(g->arena, cap * sizeof(*more));
			if (!more) {
				g->failed = true;
				return;
			}
			if (g->n)
				memcpy(more, g->owners, g->n * sizeof(*more));
			g->owners = more;
			g->cap = cap;
		}
		struct owner *o = &g->owners[g->n++];
		struct slice name = arena_copy(g->arena, (struct slice){ e->owners[i].name,
		    strlen(e->owners[i].name) + 1 });
		struct slice team = arena_copy(g->arena, (struct slice){ e->owners[i].team,
		    strlen(e->owners[i].team) + 1 });
		*o = (struct owner){ e->owners[i].uid, name.p, team.p };
		g->failed |= !name.p || !team.p;
	}
}

bool name_digested(struct slice tag)
{
	return memchr(tag.p, '@', tag.n) != NULL;
}

static bool named(const struct image *i, struct slice ref)
{
	for (size_t n = 0; n < i->ntags; n++)
		if (slice_equal(i->tags[n], ref) && !name_digested(ref))
			return true;
	return false;
}

bool image_object(struct client *c, const struct image *i, struct slice ref, struct object *o)
{
	struct arena *a = &c->request->arena;
	struct store *s = c->broker->store;
	struct gather g = { .arena = a };
	struct slice *tags = arena_alloc(a, (i->ntags + 1) * sizeof(*tags));

	*o = (struct object){ .kind = OBJECT_IMAGE, .id = arena_copy(a, slice_from(i->id)),
	    .name = ref, .tags = tags };
	for (size_t n = 0; tags && n < i->ntags; n++) {
		tags[o->ntags] = arena_copy(a, i->tags[n]);
		g.failed |= !tags[o->ntags++].p;
	}
	if (named(i, ref)) {
		const struct entry *e = store_get(s, OBJECT_TAG, ref);
		o->common = unheld(e);
		gather_add(&g, e);
	} else {
		const struct entry *e = store_get(s, OBJECT_IMAGE, o->id);
		o->common = roots(e);
		gather_add(&g, e);
		for (size_t n = 0; n < i->ntags; n++) {
			if (name_digested(i->tags[n]))
				continue;
			e = store_get(s, OBJECT_TAG, i->tags[n]);
			o->common |= unheld(e);
			gather_add(&g, e);
		}
	}
	o->owners = g.owners;
	o->nowners = g.n;
	return tags && o->id.p && !g.failed;
}

/* ---- names that images get ---- */

struct held { struct client *c; struct slice prefix; const struct entry *others; };

static void each_tag(void *arg, struct entry *e)
{
	struct held *h = arg;
	struct owner me;

	own_person(h->c, &me);
	if (slice_starts(slice_from(e->id), h->prefix) && e->given && e->nowners &&
	    !entry_owned(e, me.uid, me.name))
		h->others = e;
}

/* "pull -a": all names of a repository at once. */
static int look_all_tags(struct client *c, struct ref *ref)
{
	_cleanup_(buf_free) struct buf prefix = BUF(BOUND_OBJECT_NAME + 64);
	struct held h = { .c = c };

	buf_adds(&prefix, ref->name);
	buf_addc(&prefix, ':');
	h.prefix = buf_slice(&prefix);
	store_each(c->broker->store, OBJECT_TAG, each_tag, &h);
	ref->state = REF_MISSING;
	if (h.others) {		/* one of them is another's: that one decides */
		struct object *o = arena_alloc(&c->request->arena, sizeof(*o));
		if (!o || !own_object(c, h.others, o))
			return -1;
		ref->object = o;
		ref->state = REF_FOUND;
	}
	return SYNC_GOOD;
}

bool name_tagged(struct slice name)
{
	const char *slash = memrchr(name.p, '/', name.n);
	size_t from = slash ? (size_t)(slash - name.p) : 0;

	return memchr(name.p + from, ':', name.n - from) != NULL;
}

/* The Engine does not have it.  It is free, but for who gives it just now. */
static int look_free(struct client *c, struct ref *ref, struct entry *e)
{
	struct owner me;
	struct object *o;

	if (e && !e->pins) {
		object_remove(c->broker, e);
		return SYNC_GOOD;
	}
	own_person(c, &me);
	if (!e || (e->nowners == 1 && entry_owned(e, me.uid, me.name)))
		return SYNC_GOOD;
	o = arena_alloc(&c->request->arena, sizeof(*o));
	if (!o || !own_object(c, e, o))
		return -1;
	ref->object = o;
	if (c->request->facts.endpoint->id != EP_IMAGE_PULL || e->given)
		ref->state = REF_FOUND;
	return SYNC_GOOD;
}

int image_name_look(struct client *c, struct ref *ref)
{
	struct request *r = c->request;
	bool pull = r->facts.endpoint->id == EP_IMAGE_PULL;
	struct object *o;
	const struct image *i = NULL;
	struct entry *e;
	int k;

	if (!name_tagged(ref->name))
		return look_all_tags(c, ref);
	k = sync_image(c->broker, ref->name, &c->waiter, &i);
	if (k != SYNC_GOOD)
		return k;
	e = store_get(c->broker->store, OBJECT_TAG, ref->name);
	ref->state = REF_MISSING;
	pins_reap(c->broker, false);
	if (!i || i->missing)
		return look_free(c, ref, e);
	o = arena_alloc(&r->arena, sizeof(*o));
	if (!o)
		return -1;
	*o = (struct object){ .kind = OBJECT_TAG, .id = ref->name, .name = ref->name };
	if (e && !own_object(c, e, o))
		return -1;
	o->given = e && e->given;
	o->common = o->nowners == 0;
	for (size_t n = 0; n < o->nowners; n++)
		o->common |= o->owners[n].uid == 0;
	ref->object = o;
	/* What was pulled may be pulled again by anybody: it is the registry's. */
	if (!pull || (e && e->given))
		ref->state = REF_FOUND;
	return SYNC_GOOD;
}

/* ---- removing what others have as well ---- */

static void untagged(struct client *c, struct slice tag)
{
	_cleanup_(buf_free) struct buf name = BUF(BOUND_OBJECT_NAME + 64);
	_cleanup_(buf_free) struct buf body = BUF(4096);

	reference_familiar(tag, &name);
	buf_addz(&body, "[{\"Untagged\":");
	buf_add_json_string(&body, buf_slice(&name));
	buf_addz(&body, "}]\n");
	request_answer(c, 200, buf_slice(&body));
}

static bool only_mine(const struct object *o, const struct owner *me)
{
	for (size_t i = 0; i < o->nowners; i++)
		if (!owner_is(&o->owners[i], me->uid, me->name))
			return false;
	return true;
}

bool image_unhold(struct client *c)
{
	struct request *r = c->request;
	struct store *s = c->broker->store;
	const struct ref *ref = r->facts.refs;
	struct owner me;

	if (r->facts.endpoint->id != EP_IMAGE_REMOVE || !r->facts.nrefs ||
	    ref->state != REF_FOUND || !ref->object ||
	    rights_scope(r->rights, r->facts.endpoint) & SEE_ANY)
		return false;
	own_person(c, &me);
	/* by an id: one of its names may be the host's, who holds none */
	if (!ref->object->common && only_mine(ref->object, &me))
		return false;
	struct entry *e = store_get(s, OBJECT_TAG, ref->object->name);
	if (e && entry_owned(e, me.uid, me.name) && e->nowners > 1) {
		store_disown(s, e, me.uid, me.name);
		if (store_commit(s) < 0)
			log_warn("an owner could not be kept on disk");
		untagged(c, ref->object->name);
		return true;
	}
	r->status = 409;
	relay_finish(c, "others have names of this image");
	client_error(c, 409, "conflict: unable to delete %.*s - image is being used by"
	    " others; remove your names of it", SLICE_ARG(ref->name));
	return true;
}
