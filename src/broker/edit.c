/*
 * edit.c: what is forced on a request: whose the new thing is, the caller's
 * cgroup, limits where none were asked for, no device nodes, the guard.  Path,
 * query and body are written here and nowhere else, after the decision.
 */
#include <string.h>
#include <unistd.h>

#include "broker/guard.h"

static size_t owner_labels(const struct request *r, struct pair out[EDIT_LABELS])
{
	size_t n = 0;

	if (!r->owner.name[0])
		return 0;
	out[n++] = (struct pair){ SLICE("dockbroker.owner"), slice_from(r->owner.name) };
	/* always, so that no image's label says otherwise */
	out[n++] = (struct pair){ SLICE("dockbroker.team"), slice_from(r->owner.team) };
	return n;
}

static bool makes(const struct request *r)
{
	switch (r->facts.endpoint->id) {
	case EP_CONTAINER_CREATE:
	case EP_VOLUME_CREATE:
	case EP_NETWORK_CREATE:
		return true;
	default:
		return false;
	}
}

/* The Engine refuses more CPUs than there are.  Asked for once: it is a file
 * below /sys, a tenth of what a create costs. */
static int64_t cpus_there(int64_t nano)
{
	static int64_t there;

	if (there <= 0)
		there = (int64_t)sysconf(_SC_NPROCESSORS_ONLN) * 1000000000;
	return there > 0 && nano > there ? there : nano;
}

void edit_plan(struct client *c, struct body_edits *e, struct pair labels[EDIT_LABELS])
{
	struct request *r = c->request;

	*e = (struct body_edits){ 0 };
	if (makes(r)) {
		e->nlabels = owner_labels(r, labels);
		e->labels = labels;
	}
	if (r->facts.endpoint->id == EP_CONTAINER_CREATE) {
		e->own_volumes = true;
		e->confine = !r->verdict.privileged;
		e->cgroup_parent = limit_parent(c);
		if (r->image) {
			e->image_volumes = r->image->volumes;
			e->nimage_volumes = r->image->nvolumes;
		}
	}
	e->memory = r->verdict.memory;
	e->nano_cpus = cpus_there(r->verdict.nano_cpus);
	e->pids = r->verdict.pids;
	guard_edits(c, e);
}

static bool edit_body(struct client *c, struct refusal *why, int *k)
{
	struct request *r = c->request;
	struct pair labels[EDIT_LABELS];
	struct body_edits e;

	edit_plan(c, &e, labels);
	*k = body_write(&r->facts, &e, &r->body, why);
	return *k == DOCKER_GOOD && buf_ok(&r->body);
}

static void edit_query(struct client *c)
{
	struct request *r = c->request;
	struct pair labels[EDIT_LABELS], filters[1];
	struct query_edits e = { .filters = filters };
	unsigned id = r->facts.endpoint->id;

	if (id == EP_IMAGE_BUILD) {
		e.nlabels = owner_labels(r, labels);
		e.labels = labels;
		e.cgroup_parent = limit_parent(c);
	}
	narrow_plan(c, &e, filters);
	query_write(&r->facts, &e, &r->query);
}

/* prune.c: without filters, the broker can do without the Engine's. */
static bool one_by_one(const struct request *r)
{
	struct pair filter;
	unsigned id = r->facts.endpoint->id;

	return (id == EP_CONTAINER_PRUNE || id == EP_NETWORK_PRUNE) &&
	    !query_pair(&r->facts, "filters", 0, &filter);
}

bool edit_write(struct client *c)
{
	struct request *r = c->request;
	struct refusal why = { .message = BUF(8192) };
	int k = DOCKER_GOOD;

	if (narrow_prunes_badly(c) && !one_by_one(r)) {
		request_refused(c, 409, SLICE("dockbroker: some things were handed over to"
		    " you or by you, so that the Engine cannot tell which are yours;"
		    " remove them by name"));
		return false;
	}
	buf_reset(&r->path);
	path_write(&r->facts, &r->target, &r->path);
	edit_query(c);
	if (!buf_ok(&r->path) || !buf_ok(&r->query)) {
		request_refused(c, 414, SLICE("dockbroker: the request target is too long"));
		return false;
	}
	if (r->facts.endpoint->body != BODY_JSON || edit_body(c, &why, &k))
		return true;
	if (k == DOCKER_BAD)
		request_refusal(c, &why);
	else
		client_error(c, 503, "dockbroker: out of memory, try again");
	return false;
}
