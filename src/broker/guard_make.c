/*
 * guard_make.c: the record of one create.  What it asks for is body_guard's;
 * whose rights a bind is opened with, how far the policy's line reaches, and what
 * nobody may bind is settled here, after the decision and before anything is
 * forwarded.  Also what is forced for the guard, on creates and on execs.
 *
 * Invariants: a create that is not of a privileged role is forwarded with the
 * guard's runtime, or not at all; its answer reaches the client when the record
 * is on disk, or the container is gone again.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/guard.h"

#define DENIED_MOST	7

static bool configured(const struct broker *b)
{
	return strcmp(b->conf.guard_runtime, "none") != 0;
}

static bool creates(const struct client *c)
{
	return c->request->facts.endpoint &&
	    c->request->facts.endpoint->id == EP_CONTAINER_CREATE;
}

bool guard_wanted(const struct client *c)
{
	return creates(c) && configured(c->broker);
}

/* Root of a role that forces nothing has what he asks for. */
static bool guarded(const struct client *c)
{
	return guard_wanted(c) && !c->request->verdict.privileged;
}

static bool _printf_(3, 4) refused(struct client *c, unsigned status,
    const char *fmt, ...)
{
	_cleanup_(buf_free) struct buf text = BUF(4096);
	char line[3000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_addz(&text, line);
	request_refused(c, status, buf_slice(&text));
	return false;
}

static bool no_memory(struct client *c)
{
	client_error(c, 503, "dockbroker: out of memory, try again");
	return false;
}

/* ---- runtimes ---- */

void guard_unask(struct client *c)
{
	struct facts *f = &c->request->facts;

	for (size_t i = 0; guard_wanted(c) && i < f->nreach; i++) {
		if (strcmp(f->reach[i].word, "runtime") != 0 ||
		    !slice_is(f->reach[i].path, "HostConfig.Runtime") ||
		    !slice_is(f->reach[i].value, c->broker->conf.guard_runtime))
			continue;
		f->nreach--;
		memmove(&f->reach[i], &f->reach[i + 1],
		    (f->nreach - i) * sizeof(f->reach[0]));
		c->request->asks_guard = true;
		return;
	}
}

/* Another runtime cannot run what the guard has looked at; what the Engine would
 * have taken anyway is what the guard runs. */
static bool runtime_fits(struct client *c)
{
	const struct facts *f = &c->request->facts;

	for (size_t i = 0; i < f->nreach; i++) {
		const struct reach *r = &f->reach[i];

		if (strcmp(r->word, "runtime") != 0 ||
		    !slice_is(r->path, "HostConfig.Runtime") ||
		    slice_is(r->value, c->broker->info.runtime) ||
		    slice_is(r->value, "runc"))
			continue;
		return refused(c, 403, "the runtime %.*s cannot have the guard in front;"
		    " only roles with `allow privileged everything' may use it",
		    SLICE_ARG(r->value));
	}
	return true;
}

/* ---- binds ---- */

/* The directory that path is in; "" of what stands in the root. */
static struct slice parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (struct slice){ path, slash ? (size_t)(slash - path) : 0 };
}

static bool denied(const struct broker *b, struct slice path)
{
	const struct slice deny[DENIED_MOST] = {
		slice_from(b->info.root), slice_from(b->conf.state_dir),
		slice_from(b->conf.run_dir), slice_from(b->conf.bind_dir),
		parent(b->conf.audit_log), slice_from(b->conf.engine_socket),
		slice_from(b->conf.shared_socket)
	};

	return guard_denied(path, deny, DENIED_MOST);
}

/* Opened with somebody's rights: a service has no account, and root's are no
 * limit. */
static bool bind_person(struct client *c, const struct guard_mount *m)
{
	if (c->request->owner.uid == OWNER_ANY_UID)
		return refused(c, 403, "%.*s may not be bound: a service has no account"
		    " on this host with whose rights the path could be opened",
		    SLICE_ARG(m->source));
	if (c->request->owner.uid == 0)
		return refused(c, 403, "%.*s may not be bound: root's rights would be no"
		    " limit; this needs a role with `allow privileged everything'",
		    SLICE_ARG(m->source));
	return true;
}

static bool bind_fill(struct client *c, struct guard_mount *m)
{
	struct request *r = c->request;
	struct bind_line line;

	if (!bind_person(c, m))
		return false;
	if (denied(c->broker, m->source))
		return refused(c, 403, "%.*s may not be bound: it is the kernel's, the"
		    " Engine's or dockbroker's own", SLICE_ARG(m->source));
	if (!rights_bind(r->rights, &r->verdict, m->source, !m->read_only, &line))
		return refused(c, 403, "%.*s may not be bound: no `bind' line of the"
		    " role %s lets it in", SLICE_ARG(m->source),
		    r->verdict.role ? r->verdict.role : "");
	m->within = arena_copy(&r->arena, line.within);
	m->unmapped = line.unmapped;
	m->uid = r->owner.uid;
	m->user = slice_from(r->owner.name);
	return m->within.p || no_memory(c);
}

bool guard_stands(struct client *c, const struct rights *now, const struct verdict *v)
{
	const struct guard_record *g = c->request->guard;
	struct bind_line line;

	for (size_t i = 0; g && i < g->nmounts; i++) {
		const struct guard_mount *m = &g->mounts[i];

		if (m->kind != GUARD_BIND || m->uid != c->request->owner.uid)
			continue;
		if (!rights_bind(now, v, m->source, !m->read_only, &line) ||
		    !slice_equal(line.within, m->within) || line.unmapped != m->unmapped)
			return false;
	}
	return true;
}

/* ---- the record ---- */

struct making {
	struct client *client;
	struct guard_record record;
	struct guard_mount *mounts;	/* of the record: its own, then others' */
	size_t own, n, cap;
};

/* Own places win, but for what the image declares; of others the last one. */
static struct guard_mount *mount_at(struct making *k, struct slice target)
{
	if (body_covers(&k->client->request->facts, target))
		return NULL;
	for (size_t i = 0; i < k->n; i++)
		if (slice_equal(k->mounts[i].target, target))
			return &k->mounts[i];
	return k->n < k->cap ? &k->mounts[k->n++] : NULL;
}

/* Out of a record that may be gone before this one is written. */
static bool mount_borrow(struct making *k, const struct guard_mount *from, bool read_only)
{
	struct arena *a = &k->client->request->arena;
	struct guard_mount *m = mount_at(k, from->target);

	if (!m)
		return true;
	*m = *from;
	m->target = arena_copy(a, from->target);
	m->source = arena_copy(a, from->source);
	m->within = arena_copy(a, from->within);
	m->user = arena_copy(a, from->user);
	m->read_only |= read_only;
	return m->target.p && m->source.p && m->within.p && m->user.p;
}

static bool is_from(const struct ref *r)
{
	return r->kind == OBJECT_CONTAINER && r->use == REF_USE &&
	    slice_starts(r->path, SLICE("HostConfig.VolumesFrom"));
}

static const struct guard_record *from_record(const struct making *k, const struct ref *r)
{
	return guard_get(k->client->broker, r->id.p ? r->id : r->name);
}

/* Room for the mounts of all that are named. */
static bool making_room(struct making *k)
{
	struct request *r = k->client->request;
	const struct guard_record *other;

	k->own = k->n = k->cap = k->record.nmounts;
	for (size_t i = 0; i < r->facts.nrefs; i++) {
		if (!is_from(&r->facts.refs[i]))
			continue;
		other = from_record(k, &r->facts.refs[i]);
		if (!other)
			return refused(k->client, 409, "the container %.*s has no record of"
			    " what may be mounted (it was made before the guard was there,"
			    " or by a privileged role), so its volumes cannot be shared"
			    " with --volumes-from; make it anew",
			    SLICE_ARG(r->facts.refs[i].name));
		k->cap += other->nmounts;
	}
	k->mounts = arena_alloc(&r->arena, (k->cap + 1) * sizeof(*k->mounts));
	if (!k->mounts)
		return no_memory(k->client);
	for (size_t i = 0; i < k->own; i++)
		k->mounts[i] = k->record.mounts[i];
	k->record.mounts = k->mounts;
	return true;
}

static bool making_mounts(struct making *k)
{
	struct request *r = k->client->request;
	const struct guard_record *other;

	if (!making_room(k))
		return false;
	for (size_t i = 0; i < k->own; i++)
		if (k->mounts[i].kind == GUARD_BIND && !bind_fill(k->client, &k->mounts[i]))
			return false;
	for (size_t i = 0; i < r->facts.nrefs; i++) {
		other = is_from(&r->facts.refs[i]) ? from_record(k, &r->facts.refs[i]) : NULL;
		for (size_t n = 0; other && n < other->nmounts; n++)
			if (!mount_borrow(k, &other->mounts[n],
			    body_borrows_read_only(&r->facts, i)))
				return no_memory(k->client);
	}
	k->record.nmounts = k->n;
	return true;
}

static const struct guard_mount *unmapped(const struct making *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->mounts[i].kind == GUARD_BIND && k->mounts[i].unmapped)
			return &k->mounts[i];
	return NULL;
}

/* Once, or twice where a bind makes the container powerless. */
static bool making_read(struct making *k)
{
	struct client *c = k->client;
	struct request *r = c->request;
	struct broker *b = c->broker;
	struct pair labels[EDIT_LABELS];
	struct refusal why = { .message = BUF(8192) };
	struct body_edits e;

	edit_plan(c, &e, labels);
	int code = body_guard(&r->facts, &e, &k->record, &why);
	if (code < 0)
		return no_memory(c);
	if (code != DOCKER_GOOD) {
		request_refusal(c, &why);
		return false;
	}
	k->record.uid = r->owner.uid;
	k->record.user = slice_from(r->owner.name);
	k->record.engine_root = arena_copy(&r->arena, slice_from(b->info.root));
	k->record.bind_dir = arena_copy(&r->arena, slice_from(b->conf.bind_dir));
	k->record.cgroup_parent = e.cgroup_parent.n ? e.cgroup_parent : SLICE("");
	if (!k->record.engine_root.p || !k->record.bind_dir.p)
		return no_memory(c);
	return making_mounts(k);
}

/* ---- binds without a map ---- */

/* "2001" or "2001:2001", as it will be. */
static bool same_person(struct slice asked, struct slice forced)
{
	struct slice rest = forced, uid = slice_cut(&rest, ':');

	return !asked.n || slice_equal(asked, forced) || slice_equal(asked, uid);
}

static bool powerless_fits(struct making *k, const struct guard_mount *m, struct slice user)
{
	const struct facts *f = &k->client->request->facts;
	const char *what = NULL;

	if (m->uid != k->client->request->owner.uid)
		return refused(k->client, 403, "%.*s is bound without a map of user ids and"
		    " is %.*s's: only he may use it", SLICE_ARG(m->source), SLICE_ARG(m->user));
	if (!same_person(f->user, user))
		return refused(k->client, 403, "%.*s is bound without a map of user ids, so"
		    " the container runs as %.*s and nobody else; leave --user out",
		    SLICE_ARG(m->source), SLICE_ARG(user));
	if (k->record.ngroups)
		what = "--group-add";
	else if (k->record.privileged)
		what = "--privileged";
	else if (k->record.cap_add)
		what = "--cap-add";
	return !what || refused(k->client, 403, "%.*s is bound without a map of user ids:"
	    " %s cannot go with it", SLICE_ARG(m->source), what);
}

static bool making_powerless(struct making *k)
{
	struct client *c = k->client;
	struct request *r = c->request;
	const struct guard_mount *m = unmapped(k);

	if (!m)
		return true;
	if (!c->who->account)
		return bind_person(c, m);
	r->run_as = arena_format(&r->arena, "%u:%u", c->who->account->uid,
	    c->who->account->gid);
	if (!r->run_as.p)
		return no_memory(c);
	if (!powerless_fits(k, m, r->run_as))
		return false;
	r->powerless = true;
	return making_read(k);
}

/* ---- the create ---- */

/* What his groups let him do outside they let him do in his binds: the guard maps
 * them, and the processes have to be in them.  Not root's. */
static bool making_groups(struct making *k)
{
	struct client *c = k->client;
	struct request *r = c->request;
	const struct account *a = c->who->account;
	struct slice *to;
	bool own = false;

	r->ngroups = 0;
	for (size_t i = 0; i < k->n; i++)
		own |= k->mounts[i].kind == GUARD_BIND && k->mounts[i].uid == r->owner.uid;
	if (!own || !a || r->powerless)
		return true;
	to = arena_alloc(&r->arena, (a->ngroups + 1) * sizeof(*to));
	for (size_t i = 0; to && i < a->ngroups; i++) {
		if (a->groups[i].gid == 0 || a->groups[i].gid == a->gid ||
		    (a->groups[i].gid > 65535 && info_remapped(c->broker)))
			continue;
		to[r->ngroups] = arena_format(&r->arena, "%u", a->groups[i].gid);
		if (!to[r->ngroups++].p)
			return no_memory(c);
	}
	r->groups = to;
	return to || no_memory(c);
}

static bool unable(struct client *c, struct buf *why)
{
	client_error(c, 503, "dockbroker: %s", buf_text(why));
	return false;
}

static bool guard_there(struct client *c)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);

	if (!info_lacks(c->broker, &why))
		return true;
	return unable(c, &why);
}

/* What masks and hides for the runtime lies there: /dev/null covers what nobody
 * should see, and who has another /dev has what he likes in its place. */
static bool places_fit(struct making *k)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct guard_mount *m = &k->mounts[i];

		if (m->kind == GUARD_TMPFS || guard_within(m->target, SLICE("/dev/shm")))
			continue;
		if (guard_within(m->target, SLICE("/dev")) ||
		    guard_within(m->target, SLICE("/proc")) ||
		    guard_within(m->target, SLICE("/sys")))
			return refused(k->client, 403, "%.*s cannot be mounted over: what is"
			    " there protects the host from the container; this needs a role"
			    " with `allow privileged everything'", SLICE_ARG(m->target));
	}
	return true;
}

static bool making_fits(struct making *k)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	struct client *c = k->client;
	size_t binds = 0;

	for (size_t i = 0; i < k->n; i++)
		binds += k->mounts[i].kind == GUARD_BIND;
	if (binds > BOUND_GUARD_BINDS)
		return refused(c, 400, "the container would have %zu paths of the host:"
		    " there may be %d", binds, BOUND_GUARD_BINDS);
	if (binds && bind_dir_lacks(c->broker, &why))
		return unable(c, &why);
	switch (guard_fits(c->broker, &k->record)) {
	case GUARD_FITS:
		return true;
	case GUARD_TOO_LARGE:
		return refused(c, 400, "the container asks for more than its record can"
		    " hold: fewer or shorter mounts, devices and options");
	case GUARD_TOO_MANY:
		return refused(c, 403, "the records of your containers take %lu bytes"
		    " already, as much as one user may have: remove some",
		    BOUND_GUARD_UID);
	default:
		return no_memory(c);
	}
}

/* An exec is another way to be somebody in it. */
static bool exec_fits(struct client *c)
{
	struct request *r = c->request;
	struct entry *e = request_object(c, OBJECT_CONTAINER);
	const struct guard_record *g = e ? guard_get(c->broker, slice_from(e->id)) : NULL;

	if (r->verdict.privileged)
		return true;
	if (e && guard_spoilt(c->broker, slice_from(e->id)))
		return refused(c, 409, "the record of the container cannot be read, so it is"
		    " not known as whom something may run in it; make it anew");
	if (!g || !g->powerless)
		return true;
	r->run_as = arena_copy(&r->arena, g->as_user);
	if (!r->run_as.p)
		return no_memory(c);
	if (!same_person(r->facts.user, r->run_as))
		return refused(c, 403, "the container has a path bound without a map of user"
		    " ids, so everything in it runs as %.*s and nobody else; leave --user"
		    " out", SLICE_ARG(r->run_as));
	for (size_t i = 0; i < r->facts.nreach; i++)
		if (!strcmp(r->facts.reach[i].word, "privileged"))
			return refused(c, 403, "the container has a path bound without a map"
			    " of user ids: nothing in it may be privileged");
	return true;
}

bool guard_make(struct client *c)
{
	struct request *r = c->request;
	struct making k = { .client = c };
	struct guard_record *kept;

	struct entry *e = request_object(c, OBJECT_CONTAINER);

	if (e)
		(void)guard_hold(c->broker, slice_from(e->id), &r->about);
	if (r->facts.endpoint->id == EP_CONTAINER_EXEC)
		return exec_fits(c);
	if (!guarded(c))
		return true;
	r->guard = NULL;
	r->powerless = false;
	if (!guard_there(c) || !runtime_fits(c) || !making_read(&k) ||
	    !making_powerless(&k) || !places_fit(&k) || !making_fits(&k) ||
	    !making_groups(&k))
		return false;
	kept = arena_alloc(&r->arena, sizeof(*kept));
	if (!kept)
		return no_memory(c);
	*kept = k.record;
	r->guard = kept;
	return true;
}

const struct guard_record *guard_about(const struct client *c)
{
	return c->request->guard ? c->request->guard : kept_record(c->request->about);
}

/* What the Engine runs by default may be ours: it takes what has no record and is in
 * a user's control group for a step of a build. */
static struct slice native_runtime(const struct client *c)
{
	const struct broker *b = c->broker;
	const struct facts *f = &c->request->facts;
	bool ours = slice_starts(slice_from(b->info.runtime),
	    slice_from(b->conf.guard_runtime));

	for (size_t i = 0; i < f->nreach; i++)
		if (!strcmp(f->reach[i].word, "runtime") &&
		    slice_is(f->reach[i].path, "HostConfig.Runtime"))
			return SLICE("");	/* as he says */
	if (ours)
		return SLICE("runc");
	return c->request->asks_guard ? slice_from(b->info.runtime) : SLICE("");
}

void guard_edits(struct client *c, struct body_edits *e)
{
	struct request *r = c->request;

	if (guarded(c)) {
		e->runtime = slice_from(c->broker->conf.guard_runtime);
		e->bind_dir = slice_from(c->broker->conf.bind_dir);
		e->powerless = r->powerless;
		e->groups = r->groups;
		e->ngroups = r->ngroups;
	} else if (guard_wanted(c)) {
		e->runtime = native_runtime(c);
	}
	if (r->run_as.p)
		e->user = r->run_as;
}

int guard_made(struct client *c, struct buf *text)
{
	struct request *r = c->request;
	struct guard_record record;
	struct keeping *k = r->keeping;

	if (!r->guard || !r->new_id.n)
		return OWN_GOOD;
	if (!k) {
		record = *r->guard;
		record.container = r->new_id;
		k = r->keeping = guard_keep(c->broker, &record, &c->waiter);
	}
	if (k && (k->state == KEEPING_WRITES || k->state == KEEPING_REMOVES))
		return OWN_WAIT;
	bool good = k && k->state == KEEPING_DONE;
	if (!good)
		buf_addf(text, "the record of the container could not be written (%s),"
		    " so it was removed again; tell the administrator",
		    strerror(k ? k->error : ENOMEM));
	if (k)
		guard_leave(k, false);
	r->keeping = NULL;
	r->guard = NULL;
	return good ? OWN_GOOD : OWN_ANSWERED;
}
