/*
 * body_guard.c: what a create asks for, as the record that the guard compares
 * the final spec with.  All of it was checked and judged by the walk; here it is
 * put together with what is forced.
 *
 * Invariant: what is not asked for is not in the record; what body_write takes
 * away is not either.
 */
#include <errno.h>
#include <string.h>

#include "docker/body_int.h"

struct making {
	const struct facts *facts;
	const struct body *body;
	const struct body_edits *edits;
	struct guard_mount *mounts;
	size_t n, binds;
	bool no_memory;
};

/* ---- mounts ---- */

static enum guard_mount_kind kind_of(const struct body *b, const struct point *p)
{
	switch (p->kind) {
	case POINT_HOST:
		return GUARD_BIND;
	case POINT_TMPFS:
		return GUARD_TMPFS;
	case POINT_IMAGE:
		return GUARD_IMAGE;
	case POINT_VOLUME:
		if (p->from == FROM_MOUNTS ? p->driven : b->volume_driver.n > 0)
			return GUARD_DRIVEN;
		return GUARD_VOLUME;
	case POINT_OTHER:
		break;
	}
	return GUARD_DRIVEN;	/* of a cluster: reaches for everything */
}

static struct slice source_of(const struct making *m, const struct point *p)
{
	const struct ref *r;

	if (p->kind == POINT_HOST)
		return p->source;
	if (p->ref == NO_REF)
		return SLICE("");
	r = &m->facts->refs[p->ref];
	return r->id.p ? r->id : r->name;
}

static void add(struct making *m, const struct point *p)
{
	m->mounts[m->n++] = (struct guard_mount){ .kind = kind_of(m->body, p),
	    .target = p->target, .source = source_of(m, p),
	    .read_only = p->read_only,
	    .make = p->kind == POINT_HOST && p->make };
	m->binds += p->kind == POINT_HOST;
}

static bool taken(const struct making *m, struct slice target)
{
	for (size_t i = 0; i < m->n; i++) {
		if (slice_equal(m->mounts[i].target, target))
			return true;
	}
	return false;
}

/* Clean, as the Engine makes it. */
static void add_image_volume(struct making *m, struct slice target)
{
	_cleanup_(buf_free) struct buf clean = BUF(16 * 1024);
	struct point p = { .from = FROM_VOLUMES, .kind = POINT_VOLUME,
	    .ref = NO_REF };

	if (!target_clean(target, &clean) || taken(m, buf_slice(&clean)))
		return;
	p.target = arena_copy(m->facts->arena, buf_slice(&clean));
	if (!buf_ok(&clean) || !p.target.p)
		m->no_memory = true;
	else
		add(m, &p);
}

static int mounts_make(struct making *m, struct guard_record *out,
    struct refusal *why)
{
	size_t n = m->body->npoints + m->edits->nimage_volumes;

	if (n > BOUND_GUARD_MOUNTS) {
		refusal_set(why, 400, "the container would have more than %d mounts",
		    BOUND_GUARD_MOUNTS);
		return DOCKER_BAD;
	}
	m->mounts = arena_alloc(m->facts->arena, n * sizeof(*m->mounts));
	if (!m->mounts)
		return -ENOMEM;
	for (size_t i = 0; i < m->body->npoints; i++) {
		const struct point *p = &m->body->points[i];

		/* of Volumes: something else is there in any case */
		if (p->from != FROM_VOLUMES || !p->keep)
			add(m, p);
	}
	for (size_t i = 0; i < m->edits->nimage_volumes; i++)
		add_image_volume(m, m->edits->image_volumes[i]);
	if (m->no_memory)
		return -ENOMEM;
	if (m->binds > BOUND_GUARD_BINDS) {
		refusal_set(why, 400, "the container would have more than %d paths "
		    "of the host", BOUND_GUARD_BINDS);
		return DOCKER_BAD;
	}
	out->mounts = m->mounts;
	out->nmounts = m->n;
	return DOCKER_GOOD;
}

bool body_covers(const struct facts *f, struct slice target)
{
	const struct body *b = f->body;

	for (size_t i = 0; b && i < b->npoints; i++) {
		if (b->points[i].from != FROM_VOLUMES &&
		    slice_equal(b->points[i].target, target))
			return true;
	}
	return false;
}

bool body_borrows_read_only(const struct facts *f, size_t i)
{
	const struct body *b = f->body;

	for (size_t k = 0; b && k < b->nspots; k++) {
		if (b->spots[k].kind == SPOT_REF && b->spots[k].index == i)
			return slice_is(b->spots[k].after, ":ro");
	}
	return false;
}

/* ---- namespaces ---- */

/* By the full id: a name may be another's tomorrow. */
static int space_make(const struct facts *f, const struct space *s,
    struct slice *out)
{
	struct slice id;

	*out = s->mode;
	if (s->ref == NO_REF)
		return 0;
	id = f->refs[s->ref].id.p ? f->refs[s->ref].id : f->refs[s->ref].name;
	*out = arena_format(f->arena, "container:%.*s", SLICE_ARG(id));
	return out->p ? 0 : -ENOMEM;
}

static int spaces_make(const struct facts *f, const struct wish *w,
    struct guard_spaces *out)
{
	if (w->uts_host)
		out->uts = SLICE("host");
	if (w->cgroup_host)
		out->cgroup = SLICE("host");
	if (w->userns_host)
		out->user = SLICE("host");
	if (space_make(f, &w->network, &out->network) < 0 ||
	    space_make(f, &w->pid, &out->pid) < 0 ||
	    space_make(f, &w->ipc, &out->ipc) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- the rest ---- */

static void rights_make(const struct wish *w, const struct body_edits *e,
    struct guard_record *out)
{
	out->privileged = w->privileged;
	out->cap_add = w->cap_add;
	out->cap_drop = w->cap_drop;
	if (e->confine)
		out->cap_drop |= capability_bits(SLICE("MKNOD"));
	out->no_new_privs = w->no_new_privs;
	out->read_only = w->read_only;
	out->init = !w->no_init;
	out->seccomp = w->seccomp;
	out->unmasked = w->unmasked;
	out->oom_negative = w->oom_negative;
	out->gpus = w->gpus;
	out->powerless = e->powerless;
	if (e->powerless) {
		out->cap_drop = UINT64_MAX;
		out->no_new_privs = true;
	}
}

static void lists_make(const struct wish *w, struct guard_record *out)
{
	out->groups = w->groups.all;
	out->ngroups = w->groups.n;
	out->security = w->security.all;
	out->nsecurity = w->security.n;
	out->sysctls = w->sysctls.all;
	out->nsysctls = w->sysctls.n;
	out->devices = w->devices;
	out->ndevices = w->ndevices;
}

static struct slice asked(const struct body *b, struct range r)
{
	return r.end ? (struct slice){ b->text.p + r.at, r.end - r.at } :
	    SLICE("");
}

static const char *surplus(const struct wish *w)
{
	if (w->privileged)
		return "Privileged";
	if (w->cap_add)
		return "CapAdd";
	return w->groups.n ? "GroupAdd" : NULL;
}

static bool lists_fit(const struct guard_record *r)
{
	return r->ngroups <= BOUND_GUARD_LIST && r->nsecurity <= BOUND_GUARD_LIST &&
	    r->nsysctls <= BOUND_GUARD_LIST && r->ndevices <= BOUND_GUARD_LIST;
}

static int refused(const struct body *b, const struct body_edits *e,
    const struct guard_record *r, struct refusal *why)
{
	if (!lists_fit(r)) {
		refusal_set(why, 400, "the container would have more than %d groups, "
		    "options, sysctls or devices", BOUND_GUARD_LIST);
		return DOCKER_BAD;
	}
	if (e->powerless && surplus(&b->wish)) {
		refusal_set(why, 403, "a container with a bind that is unmapped has no "
		    "power beyond its user's: HostConfig.%s cannot be",
		    surplus(&b->wish));
		return DOCKER_BAD;
	}
	return DOCKER_GOOD;
}

/* What an Engine has by itself makes its GPUs known by variables of the image:
 * those are a reach that the broker adds. */
static bool gpus_reached(const struct facts *f)
{
	for (size_t i = 0; i < f->nreach; i++) {
		if (strcmp(f->reach[i].word, "gpu") == 0)
			return true;
	}
	return false;
}

int body_guard(const struct facts *f, const struct body_edits *e,
    struct guard_record *out, struct refusal *why)
{
	static const struct body_edits none = { 0 };
	static const struct body empty = {
		.wish = { .network.ref = NO_REF, .pid.ref = NO_REF, .ipc.ref = NO_REF }
	};
	struct making m = { .facts = f, .body = f->body ? f->body : &empty,
	    .edits = e ? e : &none };
	int r;

	*out = (struct guard_record){ 0 };
	out->as_user = m.edits->user.n ? m.edits->user : f->user;
	rights_make(&m.body->wish, m.edits, out);
	out->gpus |= gpus_reached(f);
	lists_make(&m.body->wish, out);
	r = refused(m.body, m.edits, out, why);
	if (r == DOCKER_GOOD)
		r = spaces_make(f, &m.body->wish, &out->spaces);
	if (r == DOCKER_GOOD)
		r = mounts_make(&m, out, why);
	out->asked_binds = asked(m.body, m.body->binds);
	out->asked_mounts = asked(m.body, m.body->mounts);
	return r;
}
