/*
 * holder.c: owners.  Each (uid, name, team) is kept once, counted by those who
 * point at it, and carries the sums of what is his; a caller is one or a few of
 * them: by uid with any name (accounts are renamed), by name where only that
 * is known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_int.h"

static uint64_t hash_uid(const struct store *s, uint32_t uid)
{
	return hash_text(s->key, 1,
	    (struct slice){ (const char *)&uid, sizeof(uid) });
}

bool owner_is(const struct owner *o, uint32_t uid, const char *name)
{
	if (o->uid != OWNER_ANY_UID && uid != OWNER_ANY_UID)
		return o->uid == uid;
	return *o->name && strcmp(o->name, name) == 0;
}

bool holder_same(const struct holder *h, const struct holder *of)
{
	return owner_is(&h->o, of->o.uid, of->o.name);
}

/* ---- each once ---- */

static struct holder *holder_known(struct store *s, uint64_t hash,
    uint32_t uid, struct slice name, struct slice team)
{
	struct link *l = index_first(&s->owners, hash);

	for (; l; l = index_next(l)) {
		struct holder *h = container_of(l, struct holder, by_name);

		if (h->o.uid == uid && slice_is(name, h->o.name) &&
		    slice_is(team, h->o.team))
			return h;
	}
	return NULL;
}

static bool text_good(struct slice s, size_t max)
{
	return s.n <= max && (!s.n || !memchr(s.p, '\0', s.n));
}

struct holder *holder_get(struct store *s, uint32_t uid, struct slice name,
    struct slice team)
{
	uint64_t hash = hash_text(s->key, 0, name);
	struct holder *h = holder_known(s, hash, uid, name, team);

	if (h) {
		h->refs++;
		return h;
	}
	if (!text_good(name, OWNER_TEXT) || !text_good(team, OWNER_TEXT))
		return NULL;
	h = calloc(1, sizeof(*h) + name.n + team.n + 2);
	if (!h)
		return NULL;
	if (name.n)
		memcpy(h->text, name.p, name.n);
	if (team.n)
		memcpy(h->text + name.n + 1, team.p, team.n);
	h->o = (struct owner){ uid, h->text, h->text + name.n + 1 };
	h->refs = 1;
	index_add(&s->owners, &h->by_name, hash);
	if (uid != OWNER_ANY_UID)
		index_add(&s->uids, &h->by_uid, hash_uid(s, uid));
	return h;
}

void holder_put(struct store *s, struct holder *h)
{
	if (!h || --h->refs)
		return;
	index_del(&s->owners, &h->by_name);
	if (h->o.uid != OWNER_ANY_UID)
		index_del(&s->uids, &h->by_uid);
	free(h);
}

/* ---- what is his ---- */

/* "Unlimited" and "left open" count nothing. */
static __int128 amount(int64_t v)
{
	return v > 0 ? v : 0;
}

static void sums_active(struct sums *to, const struct usage *u, int sign)
{
	to->memory += sign * amount(u->memory);
	to->nano_cpus += sign * amount(u->nano_cpus);
	to->pids += sign * amount(u->pids);
	to->ports += sign * amount(u->ports);
}

static void sums_things(struct sums *to, const struct usage *u, int sign)
{
	to->containers += sign * amount(u->containers);
	to->networks += sign * amount(u->networks);
	to->volumes += sign * amount(u->volumes);
}

static void sums_item(struct sums *to, const struct entry *e, int sign)
{
	const struct usage one = {
		.containers = e->kind == OBJECT_CONTAINER,
		.networks = e->kind == OBJECT_NETWORK,
		.volumes = e->kind == OBJECT_VOLUME,
	};

	sums_things(to, &one, sign);
	if (e->kind == OBJECT_CONTAINER && e->active)
		sums_active(to, &e->usage, sign);
}

static bool summed(enum object_kind kind)
{
	return kind == OBJECT_CONTAINER || kind == OBJECT_NETWORK ||
	    kind == OBJECT_VOLUME;
}

/* Held under several grants it still counts once for the same person. */
static bool before_him(const struct item *it, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (holder_same(it->holders[j], it->holders[i]))
			return true;
	return false;
}

static bool labelled_as(const struct item *it, const struct holder *h)
{
	return it->label && strcmp(it->label->o.name, h->o.name) == 0;
}

void holder_count(struct item *it, int sign)
{
	const struct entry *e = &it->e;
	uint32_t one = (uint32_t)sign;
	bool his_label = false;

	for (size_t i = 0; i < e->nowners; i++) {
		struct holder *h = it->holders[i];
		bool labelled = labelled_as(it, h);

		his_label |= labelled;
		h->count[e->kind] += one;
		if (!labelled)
			h->unlabelled[e->kind] += one;
		if (summed(e->kind) && !before_him(it, i))
			sums_item(&h->held, e, sign);
	}
	if (it->label && !his_label)
		it->label->foreign[e->kind] += one;
}

/* ---- asking ---- */

typedef void each_fn(void *arg, const struct holder *h);

/* All that are the caller, each once. */
static void each_of(const struct store *s, uint32_t uid, const char *name,
    each_fn *fn, void *arg)
{
	struct slice text = slice_from(name);
	struct link *l;

	if (uid != OWNER_ANY_UID)
		for (l = index_first(&s->uids, hash_uid(s, uid)); l;
		    l = index_next(l)) {
			struct holder *h = container_of(l, struct holder, by_uid);

			if (h->o.uid == uid)
				fn(arg, h);
		}
	for (l = index_first(&s->owners, hash_text(s->key, 0, text)); l;
	    l = index_next(l)) {
		struct holder *h = container_of(l, struct holder, by_name);

		if (text.n && slice_is(text, h->o.name) &&
		    (uid == OWNER_ANY_UID || h->o.uid == OWNER_ANY_UID))
			fn(arg, h);
	}
}

static void sums_add(struct sums *to, const struct sums *from)
{
	to->memory += from->memory;
	to->nano_cpus += from->nano_cpus;
	to->pids += from->pids;
	to->ports += from->ports;
	to->containers += from->containers;
	to->networks += from->networks;
	to->volumes += from->volumes;
}

static void sum_holder(void *arg, const struct holder *h)
{
	sums_add(arg, &h->held);
	sums_add(arg, &h->reserved);
}

static int64_t fit(__int128 v)
{
	return v < 0 ? 0 : v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

void store_sum(struct store *s, uint32_t uid, const char *name,
    struct usage *out)
{
	struct sums all = { 0 };

	each_of(s, uid, name, sum_holder, &all);
	*out = (struct usage){
		.memory = fit(all.memory), .nano_cpus = fit(all.nano_cpus),
		.pids = fit(all.pids), .ports = fit(all.ports),
		.containers = fit(all.containers),
		.networks = fit(all.networks), .volumes = fit(all.volumes),
	};
}

static void held_holder(void *arg, const struct holder *h)
{
	size_t *n = arg;

	for (size_t i = 0; i < KIND_MAX; i++)
		*n += h->count[i];
}

size_t store_held(const struct store *s, uint32_t uid, const char *name)
{
	size_t n = 0;

	each_of(s, uid, name, held_holder, &n);
	return n;
}

struct label_count {
	const char *name;
	enum object_kind kind;
	size_t n;
};

static void label_holder(void *arg, const struct holder *h)
{
	struct label_count *c = arg;

	c->n += strcmp(h->o.name, c->name) == 0 ?
	    h->unlabelled[c->kind] : h->count[c->kind];
}

/* Labelled with his name, but not his: another account had it before. */
static size_t others_labelled(const struct store *s, enum object_kind kind,
    uint32_t uid, const char *name)
{
	struct link *l = index_first(&s->owners,
	    hash_text(s->key, 0, slice_from(name)));
	size_t n = 0;

	for (; l; l = index_next(l)) {
		struct holder *h = container_of(l, struct holder, by_name);

		if (strcmp(h->o.name, name) != 0)
			continue;
		n += h->foreign[kind];
		if (!owner_is(&h->o, uid, name))
			n += h->count[kind] - h->unlabelled[kind];
	}
	return n;
}

size_t store_unlabelled(const struct store *s, enum object_kind kind,
    uint32_t uid, const char *name)
{
	struct label_count c = { .name = name, .kind = kind };

	if ((unsigned)kind >= KIND_MAX)
		return 0;
	each_of(s, uid, name, label_holder, &c);
	return c.n + others_labelled(s, kind, uid, name);
}

/* ---- promises ---- */

int store_reserve(struct store *s, const struct owner *o,
    const struct usage *u)
{
	struct holder *h = holder_get(s, o->uid, slice_from(o->name),
	    slice_from(o->team));

	if (!h)
		return -ENOMEM;
	sums_active(&h->reserved, u, 1);
	sums_things(&h->reserved, u, 1);
	return 0;
}

void store_unreserve(struct store *s, const struct owner *o,
    const struct usage *u)
{
	struct slice name = slice_from(o->name);
	struct holder *h = holder_known(s, hash_text(s->key, 0, name), o->uid,
	    name, slice_from(o->team));

	if (!h)
		return;
	sums_active(&h->reserved, u, -1);
	sums_things(&h->reserved, u, -1);
	holder_put(s, h);
}
