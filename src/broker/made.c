/*
 * made.c: what came of a request.  Whose a new object is goes to the store
 * before the client gets the answer; names of images are taken before the
 * Engine is asked, so that nobody else can come in between.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/guard.h"

bool made_wanted(const struct request *r)
{
	switch (r->facts.endpoint->id) {
	case EP_CONTAINER_CREATE:
	case EP_CONTAINER_EXEC:
	case EP_CONTAINER_RENAME:
	case EP_CONTAINER_REMOVE:
	case EP_CONTAINER_UPDATE:
	case EP_CONTAINER_START:
	case EP_CONTAINER_RESTART:
	case EP_CONTAINER_COMMIT:
	case EP_VOLUME_CREATE:
	case EP_VOLUME_REMOVE:
	case EP_NETWORK_CREATE:
	case EP_NETWORK_REMOVE:
	case EP_IMAGE_TAG:
	case EP_IMAGE_PULL:
	case EP_IMAGE_BUILD:
	case EP_IMAGE_IMPORT:
	case EP_IMAGE_LOAD:
	case EP_IMAGE_REMOVE:
		return true;
	default:
		return false;
	}
}

bool made_adds(const struct request *r)
{
	switch (r->facts.endpoint->id) {
	case EP_CONTAINER_CREATE:
	case EP_CONTAINER_EXEC:
	case EP_CONTAINER_COMMIT:
	case EP_VOLUME_CREATE:
	case EP_NETWORK_CREATE:
	case EP_IMAGE_TAG:
	case EP_IMAGE_PULL:
	case EP_IMAGE_BUILD:
	case EP_IMAGE_IMPORT:
	case EP_IMAGE_LOAD:
		return true;
	default:
		return false;
	}
}

/* ---- before ---- */

static bool mine_or_free(struct client *c, const struct ref *ref)
{
	struct owner me;

	if (ref->state != REF_FOUND)
		return !ref->object;	/* a pull of what is there already waits */
	own_person(c, &me);
	for (size_t i = 0; ref->object && i < ref->object->nowners; i++)
		if (owner_is(&ref->object->owners[i], me.uid, me.name))
			return true;
	/* any other's: the decision let it pass, it is his from now on */
	return true;
}

static bool take_name(struct client *c, const struct ref *ref)
{
	struct store *s = c->broker->store;
	struct entry *e = store_add(s, OBJECT_TAG, ref->name, SLICE(""));
	bool pull = c->request->facts.endpoint->id == EP_IMAGE_PULL;

	if (!e)
		return false;
	if (!pull && (!entry_owned(e, c->request->owner.uid, c->request->owner.name) ||
	    e->nowners > 1))
		return store_give(s, e, &c->request->owner) == 0 &&
		    (store_given(s, e, true), true);
	if (!pull)
		store_given(s, e, true);
	return store_own(s, e, &c->request->owner) == 0;
}

static bool take_volume(struct client *c, const struct ref *ref)
{
	struct store *s = c->broker->store;
	struct entry *e = store_add(s, OBJECT_VOLUME, ref->name, SLICE(""));

	if (!e || store_own(s, e, &c->request->owner) < 0)
		return false;
	store_labelled(s, e, slice_from(c->request->owner.name));
	return true;
}

/* ---- names under way ---- */

#define LATE_TIME	600000	/* ms that the Engine may go on by itself: a load */

struct pin { struct node node; int64_t until; char name[]; };

static struct entry *tag_of(struct request *r, size_t i)
{
	return store_get(r->broker->store, OBJECT_TAG, r->facts.refs[i].name);
}

static bool is_pinned(const struct request *r, size_t i)
{
	return i < BOUND_REFS && r->pins[i / 64] >> i % 64 & 1;
}

static void name_pin(struct request *r, size_t i)
{
	struct entry *e = tag_of(r, i);

	if (!e || i >= BOUND_REFS || is_pinned(r, i))
		return;
	e->pins++;
	r->pins[i / 64] |= UINT64_C(1) << i % 64;
}

static void name_unpin(struct broker *b, struct slice name)
{
	struct entry *e = store_get(b->store, OBJECT_TAG, name);

	if (e && e->pins)
		e->pins--;
}

void pins_reap(struct broker *b, bool all)
{
	while (!node_empty(&b->pins)) {
		struct pin *p = node_entry(b->pins.next, struct pin, node);

		if (!all && p->until > loop_now(b->loop))
			return;
		name_unpin(b, slice_from(p->name));
		node_remove(&p->node);
		free(p);
	}
}

/* The Engine may still be at it, though nobody waits for its answer. */
static bool pin_later(struct broker *b, struct slice name)
{
	struct pin *p = calloc(1, sizeof(*p) + name.n + 1);

	if (!p)
		return false;
	memcpy(p->name, name.p, name.n);
	p->until = loop_now(b->loop) + LATE_TIME;
	node_append(&b->pins, &p->node);
	return true;
}

void made_unpin(struct request *r, bool late)
{
	for (size_t i = 0; i < r->facts.nrefs; i++)
		if (is_pinned(r, i) &&
		    (!late || !pin_later(r->broker, r->facts.refs[i].name)))
			name_unpin(r->broker, r->facts.refs[i].name);
	memset(r->pins, 0, sizeof(r->pins));
}

static bool raced(struct client *c, const struct ref *ref)
{
	bool gives = ref->use == REF_GIVE && name_tagged(ref->name) &&
	    c->request->facts.endpoint->id != EP_IMAGE_PULL;
	struct entry *e;
	struct owner me;

	if (ref->state != REF_MISSING || ref->object || !(gives || ref->made))
		return false;
	e = store_get(c->broker->store, ref->kind, ref->name);
	if (!e || (gives && !e->nowners))
		return false;
	own_person(c, &me);
	return e->nowners != 1 || !entry_owned(e, me.uid, me.name);
}

bool made_raced(struct client *c, struct buf *text)
{
	for (size_t i = 0; i < c->request->facts.nrefs; i++) {
		const struct ref *ref = &c->request->facts.refs[i];

		if (!raced(c, ref))
			continue;
		buf_addf(text, "the %s \"%.*s\" was taken meanwhile; choose another name",
		    ref->made ? object_kind_name(ref->kind) : "name", SLICE_ARG(ref->name));
		return true;
	}
	return false;
}

bool made_before(struct client *c)
{
	struct request *r = c->request;

	pins_reap(c->broker, false);
	own_person(c, &r->owner);
	if (!made_wanted(r))
		return true;
	for (size_t i = 0; i < r->facts.nrefs; i++) {
		const struct ref *ref = &r->facts.refs[i];
		bool taken = ref->use == REF_GIVE && name_tagged(ref->name) &&
		    mine_or_free(c, ref);
		if (taken && !take_name(c, ref))
			return false;
		if (taken)
			name_pin(r, i);
		if (ref->made && ref->state == REF_MISSING && !take_volume(c, ref))
			return false;
	}
	return store_commit(c->broker->store) >= 0;
}

/* ---- after ---- */

/* What it was labelled with, where the policy looks at labels; a container's come
 * with its event. */
static void learn_labels(struct client *c, const struct entry *e)
{
	if (e->kind != OBJECT_CONTAINER && rights_want_labels(c->broker->rules.policy))
		sync_look(c->broker, e->kind, slice_from(e->id));
}

static struct entry *own_new(struct client *c, enum object_kind kind, const char *field,
    struct slice name)
{
	struct request *r = c->request;
	struct store *s = c->broker->store;
	struct slice id;

	if (!answer_text(buf_slice(&r->held), &r->arena, &id, field))
		return NULL;
	r->new_id = id;
	struct entry *e = store_add(s, kind, id, name);
	if (!e || store_own(s, e, &r->owner) < 0) {
		log_warn("the owner of a new %s could not be kept", object_kind_name(kind));
		return e;
	}
	store_labelled(s, e, slice_from(r->owner.name));
	learn_labels(c, e);
	return e;
}

static struct slice bare(struct slice name)
{
	if (name.n && name.p[0] == '/') {
		name.p++;
		name.n--;
	}
	return name;
}

static void container_made(struct client *c)
{
	struct request *r = c->request;
	struct store *s = c->broker->store;
	struct entry *e = r->new_id.n ? NULL :
	    own_new(c, OBJECT_CONTAINER, "Id", bare(r->facts.new_name));

	if (!e)
		return;
	for (size_t i = 0; i < r->facts.nrefs; i++) {
		const struct ref *ref = &r->facts.refs[i];
		struct entry *volume = ref->made ? store_get(s, ref->kind, ref->name) : NULL;

		if (volume)
			learn_labels(c, volume);
	}
	if (store_image(s, e, r->facts.image) < 0)
		log_warn("the image of a new container could not be kept");
	struct usage u = r->promised;
	u.containers = 1;
	u.volumes = u.networks = 0;
	store_usage(s, e, &u);
	store_active(s, e, true);
}

static void exec_made(struct client *c)
{
	struct request *r = c->request;
	struct entry *parent = request_object(c, OBJECT_CONTAINER), *e;
	struct slice id;

	if (!parent || !answer_text(buf_slice(&r->held), &r->arena, &id, "Id"))
		return;
	r->new_id = id;
	e = store_add(c->broker->store, OBJECT_EXEC, id, SLICE(""));
	if (e && store_parent(c->broker->store, e, slice_from(parent->id)) < 0)
		object_remove(c->broker, e);
}

static void gone(struct client *c, enum object_kind kind)
{
	struct entry *e = request_object(c, kind);

	if (e)
		object_remove(c->broker, e);
}

static void updated(struct client *c)
{
	struct entry *e = request_object(c, OBJECT_CONTAINER);
	const struct facts *f = &c->request->facts;

	if (!e)
		return;
	struct usage u = e->usage;
	if (!(f->open & OPEN_MEMORY) && f->asked.memory)
		u.memory = f->asked.memory;
	if (!(f->open & OPEN_CPUS) && f->asked.nano_cpus)
		u.nano_cpus = f->asked.nano_cpus;
	if (!(f->open & OPEN_PIDS) && f->asked.pids)
		u.pids = f->asked.pids;
	store_usage(c->broker->store, e, &u);
}

static void started(struct client *c)
{
	struct entry *e = request_object(c, OBJECT_CONTAINER);

	if (e)
		store_active(c->broker->store, e, true);
}

static void renamed(struct client *c)
{
	struct entry *e = request_object(c, OBJECT_CONTAINER);

	if (e && store_rename(c->broker->store, e, bare(c->request->facts.new_name)) < 0)
		log_warn("the new name of a container could not be kept");
}

/* ---- images ---- */

static void image_hold(struct client *c, struct slice id)
{
	struct store *s = c->broker->store;
	struct entry *e = store_add(s, OBJECT_IMAGE, id, SLICE(""));

	if (!e || store_own(s, e, &c->request->owner) < 0)
		log_warn("the holder of an image could not be kept");
}

static void name_hold(struct client *c, const struct ref *ref, const struct image *i)
{
	bool common = ref->object && ref->object->common;

	/* What was the host's stays the host's, who ever pulls it again. */
	if (c->request->facts.endpoint->id == EP_IMAGE_PULL &&
	    (common || c->request->faulted))
		return;
	if (c->request->facts.endpoint->id == EP_IMAGE_PULL && !take_name(c, ref))
		log_warn("the holder of an image name could not be kept");
	image_hold(c, slice_from(i->id));
}

/* What he did not get from the registry he does not hold: another may have. */
static void pull_failed(struct client *c)
{
	struct request *r = c->request;

	for (size_t i = 0; i < r->facts.nrefs; i++) {
		struct entry *e = is_pinned(r, i) ? tag_of(r, i) : NULL;

		if (!e)
			continue;
		e->pins--;
		r->pins[i / 64] &= ~(UINT64_C(1) << i % 64);
		store_disown(c->broker->store, e, r->owner.uid, r->owner.name);
		if (!e->nowners && !e->pins)
			object_remove(c->broker, e);
	}
}

static int images_made(struct client *c)
{
	struct request *r = c->request;
	const struct image *i;
	struct slice id;

	if (!r->finished) {
		if (r->facts.endpoint->id == EP_IMAGE_PULL && r->faulted)
			pull_failed(c);
		made_unpin(r, false);
		sync_images_changed(c->broker);
		r->finished = 1;
	}
	/* A tag of an image that is there: it has its holders already. */
	if (r->facts.endpoint->id == EP_IMAGE_TAG)
		return SYNC_GOOD;
	for (; r->finished <= r->facts.nrefs; r->finished++) {
		const struct ref *ref = &r->facts.refs[r->finished - 1];
		if (ref->use != REF_GIVE || !name_tagged(ref->name))
			continue;
		int k = sync_image(c->broker, ref->name, &c->waiter, &i);
		if (k == SYNC_WAIT)
			return k;
		if (k == SYNC_GOOD && i && !i->missing)
			name_hold(c, ref, i);
	}
	if (r->facts.endpoint->id == EP_CONTAINER_COMMIT &&
	    answer_text(buf_slice(&r->held), &r->arena, &id, "Id"))
		image_hold(c, id);
	if (r->facts.endpoint->id != EP_IMAGE_PULL)
		for (size_t n = 0; n < r->nmade; n++)
			image_hold(c, r->made[n]);
	return SYNC_GOOD;
}

static void image_removed(struct client *c)
{
	const struct ref *ref = c->request->facts.refs;
	struct store *s = c->broker->store;
	struct entry *e;

	sync_images_changed(c->broker);
	if (!c->request->facts.nrefs || !ref->object)
		return;
	e = store_get(s, OBJECT_TAG, ref->object->name);
	if (e && !e->pins)
		object_remove(c->broker, e);
}

int made_after(struct client *c, struct buf *text)
{
	struct request *r = c->request;
	int k = OWN_GOOD;

	switch (r->facts.endpoint->id) {
	case EP_CONTAINER_CREATE:
		container_made(c);
		k = guard_made(c, text);
		break;
	case EP_CONTAINER_EXEC:
		exec_made(c);
		break;
	case EP_CONTAINER_RENAME:
		renamed(c);
		break;
	case EP_CONTAINER_REMOVE:
		gone(c, OBJECT_CONTAINER);
		break;
	case EP_CONTAINER_UPDATE:
		updated(c);
		break;
	case EP_CONTAINER_START:
	case EP_CONTAINER_RESTART:
		started(c);
		break;
	case EP_VOLUME_CREATE:
		own_new(c, OBJECT_VOLUME, "Name", SLICE(""));
		break;
	case EP_VOLUME_REMOVE:
		gone(c, OBJECT_VOLUME);
		break;
	case EP_NETWORK_CREATE:
		own_new(c, OBJECT_NETWORK, "Id", r->facts.new_name);
		break;
	case EP_NETWORK_REMOVE:
		gone(c, OBJECT_NETWORK);
		break;
	case EP_IMAGE_REMOVE:
		image_removed(c);
		break;
	default:
		if (images_made(c) == SYNC_WAIT)
			k = OWN_WAIT;
	}
	if (k != OWN_WAIT)
		limit_unreserve(r);
	return k;
}

#define ASKED_AFTER	4	/* names of what failed; the others are free when looked at */

/* The Engine may have given some of the names before it failed. */
static void names_never(struct client *c)
{
	struct request *r = c->request;
	struct slice fresh[ASKED_AFTER];
	const struct image *i;
	size_t n = 0;

	if (r->facts.endpoint->id == EP_IMAGE_PULL)
		pull_failed(c);
	for (size_t k = 0; k < r->facts.nrefs && n < ASKED_AFTER; k++)
		if (is_pinned(r, k) && !r->facts.refs[k].object)
			fresh[n++] = r->facts.refs[k].name;
	made_unpin(r, false);
	if (n)
		sync_images_changed(c->broker);
	while (n)
		(void)!sync_image(c->broker, fresh[--n], NULL, &i);
}

/* What never came must not be kept from others. */
void made_never(struct client *c)
{
	struct request *r = c->request;

	for (size_t i = 0; i < r->facts.nrefs; i++) {
		const struct ref *ref = &r->facts.refs[i];
		if (ref->made && ref->state == REF_MISSING)
			sync_look(c->broker, ref->kind, ref->name);
	}
	names_never(c);
	limit_unreserve(r);
}
