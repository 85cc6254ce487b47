/*
 * narrow.c: answers for one reader.  A list is filtered by the Engine where a
 * label says whose things are, and every element is looked at again here: the
 * store knows what was handed over since.
 */
#include <string.h>

#include "broker/guard.h"

static enum object_kind list_kind(unsigned id)
{
	switch (id) {
	case EP_CONTAINER_LIST:
	case EP_CONTAINER_PRUNE:
		return OBJECT_CONTAINER;
	case EP_VOLUME_LIST:
	case EP_VOLUME_PRUNE:
		return OBJECT_VOLUME;
	case EP_NETWORK_LIST:
	case EP_NETWORK_LIST_SLASH:
	case EP_NETWORK_PRUNE:
		return OBJECT_NETWORK;
	case EP_IMAGE_LIST:
	case EP_IMAGE_INSPECT:
	case EP_IMAGE_HISTORY:
		return OBJECT_IMAGE;
	default:
		return OBJECT_NONE;
	}
}

static bool sees_any(const struct rights *r, enum object_kind kind)
{
	return rights_sight(r, kind) & SEE_ANY;
}

static const struct rights *rights_now(struct client *c)
{
	const struct rights *now = client_rights(c);

	return now ? now : c->request->rights;
}

bool narrow_needed(struct client *c)
{
	const struct rights *r = rights_now(c);
	enum object_kind kind = list_kind(c->request->facts.endpoint->id);

	if (kind != OBJECT_NONE && kind != OBJECT_NETWORK)
		return !sees_any(r, kind);
	return !sees_any(r, OBJECT_CONTAINER) || !sees_any(r, OBJECT_NETWORK) ||
	    !sees_any(r, OBJECT_VOLUME) || !sees_any(r, OBJECT_IMAGE);
}

/* ---- before it is asked for ---- */

static bool by_label(struct client *c, enum object_kind kind)
{
	struct owner me;

	own_person(c, &me);
	return me.name[0] && rights_sight(c->request->rights, kind) == SEE_OWN &&
	    !store_unlabelled(c->broker->store, kind, me.uid, me.name);
}

static bool prunes(unsigned id)
{
	return id == EP_CONTAINER_PRUNE || id == EP_VOLUME_PRUNE || id == EP_NETWORK_PRUNE;
}

/* Would the Engine's label filter remove what is not his? */
bool narrow_prunes_badly(struct client *c)
{
	struct request *r = c->request;
	enum object_kind kind = list_kind(r->facts.endpoint->id);
	struct owner me;

	own_person(c, &me);
	return prunes(r->facts.endpoint->id) &&
	    !(rights_scope(r->rights, r->facts.endpoint) & SEE_ANY) &&
	    (!me.name[0] || store_unlabelled(c->broker->store, kind, me.uid, me.name));
}

void narrow_plan(struct client *c, struct query_edits *e, struct pair filter[1])
{
	struct request *r = c->request;
	unsigned id = r->facts.endpoint->id;
	enum object_kind kind = list_kind(id);
	_cleanup_(buf_free) struct buf label = BUF(256);
	struct owner me;

	if (kind == OBJECT_NONE || kind == OBJECT_IMAGE)
		return;
	/* what a prune takes away is what he may prune, not what he may see */
	if (prunes(id) ? rights_scope(r->rights, r->facts.endpoint) & SEE_ANY :
	    sees_any(r->rights, kind))
		return;
	/* bridge, host and none carry no label, and everybody sees them */
	if (!prunes(id) && (kind == OBJECT_NETWORK || !by_label(c, kind))) {
		e->no_limit = kind == OBJECT_CONTAINER;
		return;
	}
	own_person(c, &me);
	buf_addf(&label, "dockbroker.owner=%s", me.name);
	filter[0] = (struct pair){ SLICE("label"), arena_copy(&r->arena, buf_slice(&label)) };
	e->filters = filter;
	e->nfilters = 1;
}

/* ---- while it passes ---- */

static struct slice label_of(const struct pair *labels, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(labels[i].key, key))
			return labels[i].value;
	return SLICE_NONE;
}

/* The store does not have it yet: what its label says is ours (sync.c). */
static bool sees_label(struct client *c, enum object_kind kind, struct slice id,
    struct slice name, const struct pair *labels, size_t nlabels)
{
	struct slice owner = label_of(labels, nlabels, "dockbroker.owner");
	struct slice team = label_of(labels, nlabels, "dockbroker.team");
	_cleanup_(buf_free) struct buf o = BUF(4096), t = BUF(4096);
	struct object object = { .kind = kind, .id = id, .name = name,
	    .labels = labels, .nlabels = nlabels };
	struct owner who = { .uid = OWNER_ANY_UID };

	buf_adds(&o, owner);
	buf_adds(&t, team);
	who.name = buf_text(&o);
	who.team = buf_text(&t);
	/* a container's may be its image's */
	if (owner.n && kind != OBJECT_CONTAINER && buf_ok(&o) && buf_ok(&t)) {
		object.owners = &who;
		object.nowners = 1;
	}
	return rights_see(rights_now(c), &object);
}

static bool sees_image(struct client *c, struct slice id)
{
	struct entry *e = store_get(c->broker->store, OBJECT_IMAGE, id);
	struct object o;

	if (!e && !object_gone(c->broker, OBJECT_IMAGE, id, &o))
		return false;		/* by its names, or not at all */
	if (e)
		entry_object(e, &o);
	return o.nowners && rights_see(rights_now(c), &o);
}

static bool narrow_sees(void *arg, enum object_kind kind, struct slice id,
    struct slice name, const struct pair *labels, size_t nlabels)
{
	struct client *c = arg;
	struct entry *e;
	struct object o;

	if (kind == OBJECT_IMAGE)
		return sees_any(rights_now(c), kind) || sees_image(c, id);
	e = store_get(c->broker->store, kind, id);
	if (!e && object_gone(c->broker, kind, id, &o))
		return rights_see(rights_now(c), &o);
	if (!e)
		return sees_label(c, kind, id, name, labels, nlabels);
	entry_object(e, &o);
	if (nlabels && !o.nlabels) {
		o.labels = labels;
		o.nlabels = nlabels;
	}
	return rights_see(rights_now(c), &o);
}

static bool narrow_sees_tag(void *arg, struct slice image_id, struct slice tag)
{
	struct client *c = arg;
	struct entry *e = store_get(c->broker->store, OBJECT_TAG, tag);
	struct object o = { .kind = OBJECT_IMAGE, .id = image_id, .name = tag };

	if (e) {
		o.owners = e->owners;
		o.nowners = e->nowners;
	}
	/* in events, a name without a holder may be one that is gone */
	if (!e && c->request->facts.endpoint->id == EP_EVENTS) {
		if (!object_gone(c->broker, OBJECT_TAG, tag, &o))
			return sees_any(rights_now(c), OBJECT_IMAGE);
		o.kind = OBJECT_IMAGE;
	}
	o.common = !o.nowners;
	for (size_t i = 0; i < o.nowners; i++)
		o.common |= o.owners[i].uid == 0;
	/* what a registry calls it: of who has the image */
	if (memchr(tag.p, '@', tag.n))
		return sees_any(rights_now(c), OBJECT_IMAGE) || sees_image(c, image_id);
	return rights_see(rights_now(c), &o);
}

static struct slice narrow_image_of(void *arg, struct slice id)
{
	struct client *c = arg;
	struct entry *e = store_get(c->broker->store, OBJECT_CONTAINER, id);

	return e && e->image[0] ? slice_from(e->image) : SLICE_NONE;
}

static struct slice narrow_network_name(void *arg, struct slice id)
{
	struct client *c = arg;
	struct entry *e = store_get(c->broker->store, OBJECT_NETWORK, id);

	return e && e->name[0] ? slice_from(e->name) : SLICE_NONE;
}

static const struct guard_record *narrow_record(void *arg, struct slice id)
{
	struct client *c = arg;

	return guard_hold(c->broker, id, &c->request->shown);
}

struct counting { struct client *c; int64_t all, active; };

static void count_one(void *arg, struct entry *e)
{
	struct counting *n = arg;
	struct object o;

	entry_object(e, &o);
	if (!rights_see(rights_now(n->c), &o))
		return;
	n->all++;
	n->active += e->running;
}

static int64_t narrow_count(void *arg, const char *field)
{
	struct client *c = arg;
	struct counting n = { .c = c };

	store_each(c->broker->store, strcmp(field, "Images") == 0 ? OBJECT_TAG :
	    OBJECT_CONTAINER, count_one, &n);
	if (!strcmp(field, "Images") || !strcmp(field, "Containers"))
		return n.all;
	if (!strcmp(field, "ContainersRunning"))
		return n.active;
	if (!strcmp(field, "ContainersStopped"))
		return n.all - n.active;
	return 0;	/* paused ones count as running */
}

struct answer *narrow_new(struct client *c)
{
	static const struct answer_ops narrow = {
		.sees = narrow_sees, .sees_tag = narrow_sees_tag,
		.image_of = narrow_image_of, .network_name = narrow_network_name,
		.count = narrow_count,
		.record = narrow_record
	};
	static const struct answer_ops all = {
		.sees = narrow_sees, .sees_tag = narrow_sees_tag,
		.image_of = narrow_image_of, .network_name = narrow_network_name,
		.count = narrow_count,
		.record = narrow_record, .all = true
	};
	struct request *r = c->request;
	bool narrowed = narrow_needed(c);
	bool counted = r->facts.endpoint->id == EP_CONTAINER_LIST && narrowed &&
	    !by_label(c, OBJECT_CONTAINER);

	return answer_new(&r->facts, narrowed ? &narrow : &all, c,
	    counted ? query_limit(&r->facts) : 0);
}
