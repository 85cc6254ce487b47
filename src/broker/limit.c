/*
 * limit.c: sums.  What a user has is known to the store; what a request under
 * way will add is reserved there until its answer says what came of it.  The
 * kernel holds the sums as well: each user's containers are below a cgroup of
 * his, whose limits authd sets.
 */
#include <stdio.h>
#include <string.h>

#include "broker/guard.h"

/* What the container holds of the sums is not asked for twice. */
static void fill_update(struct facts *f, const struct entry *e)
{
	if (!e->active)
		return;
	if (f->asked.memory)
		f->used.memory -= e->usage.memory;
	if (f->asked.nano_cpus)
		f->used.nano_cpus -= e->usage.nano_cpus;
	if (f->asked.pids)
		f->used.pids -= e->usage.pids;
}

static void fill_create(struct facts *f)
{
	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].made && f->refs[i].state == REF_FOUND && f->asked.volumes > 0)
			f->asked.volumes--;
}

void limit_fill(struct client *c)
{
	struct request *r = c->request;
	struct facts *f = &r->facts;
	struct entry *e;
	struct owner me;

	own_person(c, &me);
	store_sum(c->broker->store, me.uid, me.name, &f->used);
	switch (f->endpoint->id) {
	case EP_CONTAINER_CREATE:
	case EP_VOLUME_CREATE:
		fill_create(f);
		break;
	case EP_CONTAINER_UPDATE:
		e = request_object(c, OBJECT_CONTAINER);
		if (e && entry_owned(e, me.uid, me.name))
			fill_update(f, e);
		break;
	case EP_CONTAINER_START:
	case EP_CONTAINER_RESTART:
		e = request_object(c, OBJECT_CONTAINER);
		if (!e || e->active || !entry_owned(e, me.uid, me.name))
			break;
		f->asked = e->usage;
		f->asked.containers = f->asked.volumes = f->asked.networks = 0;
		break;
	default:
		break;
	}
}

static bool reserves(unsigned id)
{
	return id == EP_CONTAINER_CREATE || id == EP_VOLUME_CREATE ||
	    id == EP_NETWORK_CREATE || id == EP_CONTAINER_START ||
	    id == EP_CONTAINER_RESTART || id == EP_CONTAINER_UPDATE;
}

bool limit_reserve(struct client *c)
{
	struct request *r = c->request;
	const struct facts *f = &r->facts;

	own_person(c, &r->owner);
	if (r->reserved || !reserves(f->endpoint->id))
		return true;
	r->promised = f->asked;
	/* what is left open and has no default is held by the cgroup alone */
	if (f->open & OPEN_MEMORY)
		r->promised.memory = r->verdict.counted & OPEN_MEMORY ? r->verdict.memory : 0;
	if (f->open & OPEN_CPUS)
		r->promised.nano_cpus = r->verdict.counted & OPEN_CPUS ? r->verdict.nano_cpus : 0;
	if (f->open & OPEN_PIDS)
		r->promised.pids = r->verdict.counted & OPEN_PIDS ? r->verdict.pids : 0;
	r->store = c->broker->store;
	r->reserved = store_reserve(r->store, &r->owner, &r->promised) == 0;
	return r->reserved;
}

void limit_unreserve(struct request *r)
{
	if (r->reserved)
		store_unreserve(r->store, &r->owner, &r->promised);
	r->reserved = false;
}

/* ---- cgroups ---- */

/* Root has what he likes, and a service's peers have uids of their own. */
static bool grouped(const struct client *c)
{
	unsigned id = c->request->facts.endpoint->id;

	return !c->service && c->who->uid != 0 && (id == EP_CONTAINER_CREATE ||
	    id == EP_CONTAINER_START || id == EP_CONTAINER_RESTART ||
	    id == EP_IMAGE_BUILD);
}

int limit_group(struct client *c)
{
	struct user *u = c->user;
	struct usage sum;
	int k;

	if (!grouped(c))
		return OWN_GOOD;
	k = info_look(c);
	if (k != OWN_GOOD || c->broker->info.driver == CGROUP_NONE)
		return k;
	rights_limits(c->request->rights, &sum);
	if (u->grouped && !memcmp(&u->group_sum, &sum, sizeof(sum)))
		return OWN_GOOD;
	if (!u->grouping) {
		u->group_sum = sum;
		u->grouped = false;
		if (!people_group(u, c->broker->info.driver, &sum)) {
			client_error(c, 503, "dockbroker: dockbroker-authd is not running,"
			    " so your control group cannot be made; nothing was done");
			return OWN_ANSWERED;
		}
		u->grouping = true;
	}
	node_remove(&c->waiter.node);
	node_append(&u->waiting, &c->waiter.node);
	return OWN_WAIT;
}

void limit_told(struct user *u, int status, const char *text)
{
	u->grouping = false;
	u->grouped = true;
	if (status)
		log_warn("the control group of %s has no limits: %s",
		    u->account ? u->account->name : "somebody", text);
	waiters_wake(&u->waiting);
}

struct slice limit_parent(struct client *c)
{
	char text[64];

	if (!grouped(c) || c->broker->info.driver == CGROUP_NONE)
		return SLICE_NONE;
	snprintf(text, sizeof(text), c->broker->info.driver == CGROUP_SYSTEMD ?
	    "dockbroker-%u.slice" : "/dockbroker/%u", c->who->uid);
	return arena_copy(&c->request->arena, slice_from(text));
}
