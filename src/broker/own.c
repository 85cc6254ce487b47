/*
 * own.c: the objects that a request names.  Each is looked up before the
 * decision, in the store that mirrors the Engine (images: at the Engine), and
 * goes on by its full id.  What is not there for the caller does not exist.
 */
#include <string.h>

#include "broker/broker.h"

#define GONE		(EPOLLHUP | EPOLLERR)
#define LOOK_TIME	10000	/* ms until "not read yet" is an answer */

/* ---- views ---- */

static const char *kept_text(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = arena_alloc(a, n);

	if (p)
		memcpy(p, s, n);
	return p;
}

static bool keep_owners(struct arena *a, struct object *o)
{
	struct owner *to = arena_alloc(a, (o->nowners + 1) * sizeof(*to));

	for (size_t i = 0; to && i < o->nowners; i++) {
		to[i].uid = o->owners[i].uid;
		to[i].name = kept_text(a, o->owners[i].name);
		to[i].team = kept_text(a, o->owners[i].team);
		if (!to[i].name || !to[i].team)
			return false;
	}
	o->owners = to;
	return to != NULL;
}

static bool keep_labels(struct arena *a, struct object *o)
{
	struct pair *to = arena_alloc(a, (o->nlabels + 1) * sizeof(*to));

	for (size_t i = 0; to && i < o->nlabels; i++) {
		to[i].key = arena_copy(a, o->labels[i].key);
		to[i].value = arena_copy(a, o->labels[i].value);
		if (!to[i].key.p || !to[i].value.p)
			return false;
	}
	o->labels = to;
	return to != NULL;
}

bool own_object(struct client *c, const struct entry *e, struct object *o)
{
	struct arena *a = &c->request->arena;

	entry_object(e, o);
	o->id = arena_copy(a, o->id);
	o->name = arena_copy(a, o->name);
	return o->id.p && o->name.p && keep_owners(a, o) && keep_labels(a, o);
}

struct entry *request_object(struct client *c, enum object_kind kind)
{
	for (size_t i = 0; i < c->request->facts.nrefs; i++) {
		const struct ref *ref = &c->request->facts.refs[i];
		if (ref->kind == kind && ref->use == REF_OBJECT && ref->id.p)
			return store_get(c->broker->store, kind, ref->id);
	}
	return NULL;
}

void own_person(const struct client *c, struct owner *o)
{
	struct request *r = c->request;
	const struct who *w = c->who;

	*o = (struct owner){ .uid = OWNER_ANY_UID, .name = "", .team = "" };
	if (w->service[0]) {
		_cleanup_(buf_free) struct buf name = BUF(128);
		buf_addf(&name, "service:%s", w->service);
		o->name = kept_text(&r->arena, buf_text(&name));
	} else if (w->account) {
		o->uid = w->uid;
		o->name = w->account->name;
	}
	if (r->verdict.team)
		o->team = r->verdict.team;
	if (!o->name)
		o->name = "";
}

/* ---- looking up ---- */

/* Who may act on it may know of it. */
static bool visible(const struct request *r, const struct object *o)
{
	return rights_see(r->rights, o) || rights_cover(r->rights, r->facts.endpoint, o);
}

static bool sees(void *arg, const struct entry *e)
{
	struct client *c = arg;
	struct object o;

	entry_object(e, &o);
	return visible(c->request, &o);
}

static bool found(struct client *c, struct ref *ref, const struct entry *e)
{
	struct object *o = arena_alloc(&c->request->arena, sizeof(*o));

	if (!o || !own_object(c, e, o))
		return false;
	ref->object = o;
	ref->id = o->id;
	ref->state = REF_FOUND;
	return true;
}

/* Whose is it?  Only the record says so. */
static void missing(struct client *c, struct ref *ref, const struct entry *e)
{
	ref->state = REF_MISSING;
	if (e && e->nowners && !c->request->secret_of.p)
		c->request->secret_of = arena_copy(&c->request->arena,
		    slice_from(e->owners[0].name));
}

static bool everything(void *arg, const struct entry *e)
{
	(void)arg;
	(void)e;
	return true;
}

static int look_plain(struct client *c, struct ref *ref)
{
	struct store *s = c->broker->store;
	struct entry *e = NULL;

	ref->state = store_find(s, ref->kind, ref->name, sees, c, &e);
	if (ref->state == REF_FOUND)
		return found(c, ref, e) ? 0 : -1;
	if (ref->state == REF_MISSING &&
	    store_find(s, ref->kind, ref->name, everything, NULL, &e) == REF_FOUND)
		missing(c, ref, e);
	return 0;
}

/* An exec is its container's. */
static int look_exec(struct client *c, struct ref *ref)
{
	struct store *s = c->broker->store;
	struct entry *e = store_get(s, OBJECT_EXEC, ref->name), *parent;
	int k;

	if (!e) {
		k = sync_exec(c->broker, ref->name, &c->waiter);
		if (k != SYNC_GOOD)
			return k;
		e = store_get(s, OBJECT_EXEC, ref->name);
	}
	parent = e ? store_get(s, OBJECT_CONTAINER, slice_from(e->parent)) : NULL;
	if (!parent || !sees(c, parent)) {
		missing(c, ref, parent);
		return SYNC_GOOD;
	}
	if (!found(c, ref, parent))
		return -1;
	ref->id = arena_copy(&c->request->arena, ref->name);
	return SYNC_GOOD;
}

/* Names that go on as they are: what is told to a registry or kept in a file
 * is the name, and who removes a name means that one. */
static bool by_name(const struct request *r, struct slice name)
{
	switch (r->facts.endpoint->id) {
	case EP_IMAGE_REMOVE:
	case EP_IMAGE_SAVE:
	case EP_IMAGE_SAVE_ONE:
		return !reference_is_id(name);
	case EP_IMAGE_PUSH:
		return true;
	default:
		return false;
	}
}

static bool hex(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef", s.p[i]))
			return false;
	return s.n >= 4;
}

/* What the Engine is asked: as it reads names, a digit string may be both. */
static struct slice image_key(struct client *c, struct slice name)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_OBJECT_NAME + 64);

	if (reference_is_id(name) || hex(name) || !reference_canon(name, &text) ||
	    !buf_ok(&text))
		return name;
	return arena_copy(&c->request->arena, buf_slice(&text));
}

static bool keep_image(struct request *r, const struct image *i)
{
	struct image *to = arena_alloc(&r->arena, sizeof(*to));
	struct slice *volumes = arena_alloc(&r->arena,
	    (i->nvolumes + 1) * sizeof(*volumes));

	if (!to || !volumes)
		return false;
	*to = *i;
	for (size_t n = 0; n < i->nvolumes; n++) {
		volumes[n] = arena_copy(&r->arena, i->volumes[n]);
		if (!volumes[n].p)
			return false;
	}
	to->volumes = volumes;
	to->ref = NULL;
	to->tags = NULL;
	to->labels = NULL;
	to->ntags = to->nlabels = 0;
	r->image = to;
	return true;
}

static int look_image(struct client *c, struct ref *ref)
{
	struct request *r = c->request;
	struct slice key = image_key(c, ref->name);
	struct object *o = arena_alloc(&r->arena, sizeof(*o));
	const struct image *i = NULL;
	int k = key.p && o ? sync_image(c->broker, key, &c->waiter, &i) : -1;

	if (k != SYNC_GOOD)
		return k;
	if (!i || i->missing) {
		ref->state = REF_MISSING;
		return SYNC_GOOD;
	}
	if (!image_object(c, i, key, o))
		return -1;
	if (!visible(r, o)) {
		ref->state = REF_MISSING;
		ref->object = o;	/* it is there, but not for him */
		if (o->nowners)
			r->secret_of = slice_from(o->owners[0].name);
		return SYNC_GOOD;
	}
	if (r->facts.endpoint->id == EP_CONTAINER_CREATE &&
	    slice_is(ref->path, "Image")) {
		if (!keep_image(r, i))
			return -1;
		/* where NVIDIA's runtime is the default, this is as good as --gpus */
		if (i->devices && !r->facts.no_devices)
			facts_reach(&r->facts, "gpu", SLICE("Image"), SLICE("count=-1"),
			    SLICE("NVIDIA_VISIBLE_DEVICES"));
	}
	ref->state = REF_FOUND;
	ref->object = o;
	if (!by_name(r, ref->name))
		ref->id = o->id;
	return SYNC_GOOD;
}

static int look(struct client *c, struct ref *ref)
{
	switch (ref->kind) {
	case OBJECT_CONTAINER:
	case OBJECT_NETWORK:
	case OBJECT_VOLUME:
		return look_plain(c, ref) == 0 ? SYNC_GOOD : -1;
	case OBJECT_EXEC:
		return look_exec(c, ref);
	case OBJECT_IMAGE:
		return look_image(c, ref);
	case OBJECT_TAG:
		return image_name_look(c, ref);
	case OBJECT_BUILD:
		return SYNC_GOOD;	/* nobody's yet: left to the policy */
	default:
		ref->state = REF_MISSING;	/* plugins, swarm: admins' */
		return SYNC_GOOD;
	}
}

/* Does the answer depend on what the Engine has? */
static bool concerns_objects(const struct request *r)
{
	unsigned id = r->facts.endpoint->id;

	return r->facts.nrefs || r->facts.endpoint->object != OBJECT_NONE ||
	    id == EP_EVENTS || id == EP_SYSTEM_DF || id == EP_INFO;
}

static int parked(struct client *c, int k)
{
	if (k == SYNC_WAIT) {
		if (c->state != CLIENT_LOOK)
			client_deadline(c, LOOK_TIME);
		c->state = CLIENT_LOOK;
		source_want(&c->source, GONE);
		return OWN_WAIT;
	}
	if (k == SYNC_DOWN)
		client_error(c, 503, "dockbroker: the Docker Engine is not running;"
		    " nothing was done");
	else
		client_error(c, 503, "dockbroker: out of memory, try again");
	return OWN_ANSWERED;
}

/* The network is made use of; what is changed is the container. */
static void joined(struct facts *f)
{
	if (f->endpoint->id != EP_NETWORK_CONNECT &&
	    f->endpoint->id != EP_NETWORK_DISCONNECT)
		return;
	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].kind == OBJECT_NETWORK)
			f->refs[i].use = REF_USE;
}

int own_look(struct client *c)
{
	struct request *r = c->request;
	int k;

	if (r->looked || !concerns_objects(r)) {
		r->looked = true;
		return OWN_GOOD;
	}
	node_remove(&c->waiter.node);
	k = sync_ready(c->broker, &c->waiter);
	if (k != SYNC_GOOD)
		return parked(c, k);
	joined(&r->facts);
	for (size_t i = 0; i < r->facts.nrefs; i++) {
		struct ref *ref = &r->facts.refs[i];
		if (ref->state != REF_OPEN)
			continue;
		k = look(c, ref);
		if (k != SYNC_GOOD)
			return parked(c, k);
	}
	r->looked = true;
	return OWN_GOOD;
}

int own_names(struct client *c)
{
	struct facts *f = &c->request->facts;
	int k = SYNC_GOOD;

	node_remove(&c->waiter.node);
	for (size_t i = 0; i < f->nrefs && k == SYNC_GOOD; i++)
		if (f->refs[i].state == REF_OPEN)
			k = look(c, &f->refs[i]);
	return k;
}

/* ---- what is not there ---- */

static int taken(struct client *c, const struct ref *ref)
{
	_cleanup_(buf_free) struct buf text = BUF(2048);

	buf_addf(&text, "dockbroker: the volume name \"%.*s\" is taken; choose another",
	    SLICE_ARG(ref->name));
	request_refused(c, 409, buf_slice(&text));
	return OWN_ANSWERED;
}

static int not_there(struct client *c, const struct ref *ref)
{
	struct request *r = c->request;
	struct refusal why = { .message = BUF(4096) };
	_cleanup_(buf_free) struct buf reason = BUF(2048);

	object_missing(&r->facts, ref, c->broker->engine.minor, &why);
	buf_addf(&reason, "no such %s for the caller: %.*s",
	    object_kind_name(ref->kind), SLICE_ARG(ref->name));
	if (r->secret_of.p)
		buf_addf(&reason, " (%.*s's)", SLICE_ARG(r->secret_of));
	request_missing(c, why.status, buf_slice(&why.message), buf_slice(&reason));
	buf_free(&why.message);
	return OWN_ANSWERED;
}

/* 20.10 takes a second network of a name, and then nobody's containers find theirs:
 * refused in the words of the Engines after it. */
static bool network_twice(struct client *c)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf text = BUF(1024);
	struct entry *e = NULL;

	if (r->facts.endpoint->id != EP_NETWORK_CREATE ||
	    store_find(c->broker->store, OBJECT_NETWORK, r->facts.new_name, everything,
	    NULL, &e) == REF_MISSING || (e && !slice_is(r->facts.new_name, e->name)))
		return false;
	buf_addf(&text, "network with name %.*s already exists",
	    SLICE_ARG(r->facts.new_name));
	request_missing(c, 409, buf_slice(&text), buf_slice(&text));
	return true;
}

int own_missing(struct client *c)
{
	struct request *r = c->request;
	struct store *s = c->broker->store;

	if (network_twice(c))
		return OWN_ANSWERED;

	for (size_t i = 0; i < r->facts.nrefs; i++) {
		const struct ref *ref = &r->facts.refs[i];
		if (ref->state == REF_FOUND || ref->use == REF_GIVE || ref->filter)
			continue;
		if (ref->made && ref->state == REF_MISSING) {
			if (store_get(s, ref->kind, ref->name))
				return taken(c, ref);
			continue;
		}
		/* admins' things have no owners: the Engine answers */
		if (ref->kind == OBJECT_CONTAINER || ref->kind == OBJECT_EXEC ||
		    ref->kind == OBJECT_IMAGE || ref->kind == OBJECT_NETWORK ||
		    ref->kind == OBJECT_VOLUME)
			return not_there(c, ref);
	}
	return OWN_GOOD;
}

/* ---- handing over ---- */

static int chown_find(struct broker *b, enum object_kind kind,
    struct slice name, struct entry **e)
{
	_cleanup_(buf_free) struct buf canonical = BUF(BOUND_OBJECT_NAME + 64);

	if (kind == OBJECT_TAG) {
		if (!reference_canon(name, &canonical) || !buf_ok(&canonical))
			return REF_MISSING;
		name = buf_slice(&canonical);
		*e = store_get(b->store, kind, name);
		if (!*e)
			*e = store_add(b->store, kind, name, SLICE(""));
		return *e ? REF_FOUND : REF_MISSING;
	}
	return (int)store_find(b->store, kind, name, everything, NULL, e);
}

/* The last one that authd told of: names are given anew. */
static struct account *account_named(struct broker *b, struct slice name)
{
	struct account *found_it = NULL;
	int64_t at = -1;

	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			if (u->account && slice_is(name, u->account->name) &&
			    u->account_at > at) {
				found_it = u->account;
				at = u->account_at;
			}
	return found_it;
}

static bool chown_give(struct broker *b, struct entry *e, struct slice user)
{
	_cleanup_(buf_free) struct buf name = BUF(BOUND_NAME + 16);
	struct account *a = account_named(b, user);
	struct owner o = { .uid = a ? a->uid : OWNER_ANY_UID, .team = "" };

	if (slice_is(user, "-"))
		return store_give(b->store, e, NULL) == 0;
	buf_adds(&name, user);
	o.name = buf_text(&name);
	if (e->kind == OBJECT_TAG)
		store_given(b->store, e, true);
	return store_give(b->store, e, &o) == 0;
}

bool own_chown(struct broker *b, const struct who *by, enum object_kind kind,
    struct slice name, struct slice user, struct buf *answer, unsigned *status)
{
	struct entry *e = NULL;
	int found_it = chown_find(b, kind, name, &e);

	*status = 404;
	if (found_it == REF_MANY)
		buf_addf(answer, "\"%.*s\" is the beginning of several ids; write more"
		    " of it", SLICE_ARG(name));
	else if (found_it != REF_FOUND)
		buf_addf(answer, "there is no %s \"%.*s\"", object_kind_name(kind),
		    SLICE_ARG(name));
	if (found_it != REF_FOUND)
		return false;
	*status = 503;
	if (!chown_give(b, e, user) || store_commit(b->store) < 0) {
		buf_addz(answer, "it could not be kept on disk; look at the log of"
		    " dockbrokerd");
		return false;
	}
	*status = 200;
	journal_by(b, by, "chown", "%s %s is %.*s now", object_kind_name(kind), e->id,
	    SLICE_ARG(slice_is(user, "-") ? SLICE("nobody's") : user));
	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			if (u->streams)
				clients_judge(u);
	return true;
}
