/*
 * body_write.c: the body as it is sent: the text that body.c wrote, with the ids
 * of what it names and with what is forced put in where the spots are.
 *
 * Invariants: outside of spots the text is copied byte by byte; what is put in
 * is JSON by construction and stands where the table has it, so that the result
 * is canonical as well.
 */
#include <errno.h>
#include <string.h>

#include "docker/splice.h"

#define SHORT_ID	12
#define PERIOD		100000		/* microseconds */
#define QUOTA_MIN	1000		/* what the kernel takes */
#define ANONYMOUS	SLICE("\"com.docker.volume.anonymous\"")

/* ---- pieces ---- */

char splice_last(const struct splice *s)
{
	return s->out->len ? s->out->p[s->out->len - 1] : 0;
}

void splice_put(struct splice *s, size_t from, size_t to)
{
	struct slice piece = { s->body->text.p + from, to - from };

	if (!piece.n)
		return;
	if (piece.p[0] == ',' && splice_last(s) == '{')
		piece = (struct slice){ piece.p + 1, piece.n - 1 };
	else if (piece.p[0] == '"' && s->out->len && !strchr("{[:,", splice_last(s)))
		buf_addc(s->out, ',');
	buf_adds(s->out, piece);
}

void splice_old(struct splice *s, const struct spot *p)
{
	splice_put(s, p->from, p->to);
}

void splice_comma(struct splice *s)
{
	if (!strchr("{[,", splice_last(s)))
		buf_addc(s->out, ',');
}

void splice_key(struct splice *s, const char *name)
{
	splice_comma(s);
	buf_addc(s->out, '"');
	buf_addz(s->out, name);
	buf_addz(s->out, "\":");
}

struct slice splice_value(const struct splice *s, const struct spot *p)
{
	struct slice all = { s->body->text.p + p->from, p->to - p->from };
	size_t n;

	if (!all.n)
		return all;
	n = all.p[0] == ',';
	n = text_end(all, n) + 1;
	return (struct slice){ all.p + n, all.n - n };
}

static void number(struct splice *s, const struct spot *p, const char *name,
    int64_t value)
{
	if (!value) {
		splice_old(s, p);
		return;
	}
	splice_key(s, name);
	buf_addi(s->out, value);
}

struct slice splice_id(const struct splice *s, size_t ref)
{
	const struct ref *r = &s->facts->refs[ref];

	return r->id.p ? r->id : r->name;
}

void splice_text(struct splice *s, struct slice a, struct slice b, struct slice c)
{
	buf_reset(&s->scratch);
	buf_adds(&s->scratch, a);
	buf_adds(&s->scratch, b);
	buf_adds(&s->scratch, c);
	s->no_memory |= !buf_ok(&s->scratch);
	buf_add_json_string(s->out, buf_slice(&s->scratch));
}

static void write_ref(struct splice *s, const struct spot *p)
{
	struct slice id = s->facts->refs[p->index].id;

	if (!id.p) {
		splice_old(s, p);
		return;
	}
	if (p->brief && id.n == 64)
		id.n = SHORT_ID;
	splice_text(s, p->before, id, p->after);
}

/* ---- labels ---- */

/* Is the key, as it stands in the text, one of those that are forced? */
static bool forced(struct splice *s, struct slice name, bool anonymous)
{
	if (anonymous && slice_equal(name, ANONYMOUS))
		return true;
	for (size_t i = 0; i < s->edits->nlabels; i++) {
		buf_reset(&s->scratch);
		buf_add_json_string(&s->scratch, s->edits->labels[i].key);
		s->no_memory |= !buf_ok(&s->scratch);
		if (slice_equal(buf_slice(&s->scratch), name))
			return true;
	}
	return false;
}

void splice_labels(struct splice *s, struct slice old, bool anonymous)
{
	size_t at = 1, colon, end;

	buf_addc(s->out, '{');
	while (at < old.n && old.p[at] == '"') {
		colon = text_end(old, at);
		end = text_end(old, colon + 1);
		if (!forced(s, (struct slice){ old.p + at, colon - at }, anonymous)) {
			splice_comma(s);
			buf_add(s->out, old.p + at, end - at);
		}
		at = end + 1;
	}
	for (size_t i = 0; i < s->edits->nlabels; i++) {
		splice_comma(s);
		buf_add_json_string(s->out, s->edits->labels[i].key);
		buf_addc(s->out, ':');
		buf_add_json_string(s->out, s->edits->labels[i].value);
	}
	if (anonymous) {
		splice_comma(s);
		buf_adds(s->out, ANONYMOUS);
		buf_addz(s->out, ":\"\"");
	}
	buf_addc(s->out, '}');
}

static void write_labels(struct splice *s, const struct spot *p)
{
	if (!s->edits->nlabels) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "Labels");
	splice_labels(s, splice_value(s, p), false);
}

/* ---- limits ---- */

static bool left_open(const struct splice *s, enum usage_open what)
{
	return s->facts->open & what;
}

static void write_memory(struct splice *s, const struct spot *p)
{
	number(s, p, "Memory", left_open(s, OPEN_MEMORY) ? s->edits->memory : 0);
}

/* The Engine would add as much swap again.  An update that only has Memory would
 * then be refused by it for being beyond the sum. */
static void write_swap(struct splice *s, const struct spot *p)
{
	const struct resources *r = &s->body->res;
	int64_t n = 0;

	if (left_open(s, OPEN_MEMORY))
		n = s->edits->memory;
	else if (s->body->schema == SCHEMA_CONTAINER_UPDATE &&
	    s->edits->memory && !r->swap)
		n = r->memory;
	number(s, p, "MemorySwap", n);
}

/* Not beside a period of his own, which the Engine refuses. */
static void write_nano(struct splice *s, const struct spot *p)
{
	number(s, p, "NanoCpus", left_open(s, OPEN_CPUS) && !s->body->res.period ?
	    s->edits->nano_cpus : 0);
}

static void write_quota(struct splice *s, const struct spot *p)
{
	int64_t period = s->body->res.period, nano = s->edits->nano_cpus, quota;

	if (!left_open(s, OPEN_CPUS) || !nano) {
		splice_old(s, p);
		return;
	}
	if (!period)
		return;		/* NanoCpus says it */
	quota = (int64_t)((__int128)nano * period / 1000000000);
	number(s, p, "CpuQuota", quota < QUOTA_MIN ? QUOTA_MIN : quota);
}

/* A quota of an update is one of the period that it was judged by, not of the
 * one that the container has. */
static void write_period(struct splice *s, const struct spot *p)
{
	bool update = s->body->schema == SCHEMA_CONTAINER_UPDATE;

	number(s, p, "CpuPeriod", update && s->body->res.quota > 0 &&
	    !s->body->res.period ? PERIOD : 0);
}

static void write_pids(struct splice *s, const struct spot *p)
{
	number(s, p, "PidsLimit", left_open(s, OPEN_PIDS) ? s->edits->pids : 0);
}

static void write_cgroup_parent(struct splice *s, const struct spot *p)
{
	if (!s->edits->cgroup_parent.n) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "CgroupParent");
	buf_add_json_string(s->out, s->edits->cgroup_parent);
}

static void write_cap_drop(struct splice *s, const struct spot *p)
{
	struct slice old = splice_value(s, p);

	if (s->edits->powerless) {
		splice_key(s, "CapDrop");
		buf_addz(s->out, "[\"ALL\"]");
		return;
	}
	if (!s->edits->confine ||
	    s->body->wish.cap_drop & capability_bits(SLICE("MKNOD"))) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "CapDrop");
	buf_addc(s->out, '[');
	if (old.n > 2) {
		buf_add(s->out, old.p + 1, old.n - 2);
		buf_addc(s->out, ',');
	}
	buf_addz(s->out, "\"MKNOD\"]");
}

/* ---- the guard ---- */

static void forced_text(struct splice *s, const struct spot *p,
    const char *name, struct slice value)
{
	if (!value.n) {
		splice_old(s, p);
		return;
	}
	splice_key(s, name);
	buf_add_json_string(s->out, value);
}

static void write_runtime(struct splice *s, const struct spot *p)
{
	forced_text(s, p, "Runtime", s->edits->runtime);
}

static void write_user(struct splice *s, const struct spot *p)
{
	forced_text(s, p, "User", s->edits->user);
}

/* CapAdd and GroupAdd: who has no power gets none. */
static void write_powers(struct splice *s, const struct spot *p)
{
	if (!s->edits->powerless)
		splice_old(s, p);
}

static bool group_asked(const struct splice *s, struct slice group)
{
	const struct texts *t = &s->body->wish.groups;

	for (size_t i = 0; i < t->n; i++)
		if (slice_equal(t->all[i], group))
			return true;
	return false;
}

static void write_groups(struct splice *s, const struct spot *p)
{
	struct slice old = splice_value(s, p);

	if (s->edits->powerless || !s->edits->ngroups) {
		write_powers(s, p);
		return;
	}
	splice_key(s, "GroupAdd");
	buf_addc(s->out, '[');
	if (old.n > 2)
		buf_add(s->out, old.p + 1, old.n - 2);
	for (size_t i = 0; i < s->edits->ngroups; i++) {
		if (group_asked(s, s->edits->groups[i]))
			continue;
		splice_comma(s);
		buf_add_json_string(s->out, s->edits->groups[i]);
	}
	buf_addc(s->out, ']');
}

/* The last one counts, where some say it and some its opposite. */
static void write_security(struct splice *s, const struct spot *p)
{
	struct slice old = splice_value(s, p);

	if (!s->edits->powerless || s->body->wish.no_new_privs) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "SecurityOpt");
	buf_addc(s->out, '[');
	if (old.n > 2) {
		buf_add(s->out, old.p + 1, old.n - 2);
		buf_addc(s->out, ',');
	}
	buf_addz(s->out, "\"no-new-privileges\"]");
}

/* ---- the whole ---- */

static spot_fn write_host;

static spot_fn *const writers[SPOT_COUNT] = {
	[SPOT_REF] = write_ref, [SPOT_BINDS] = write_binds,
	[SPOT_CAP_ADD] = write_powers, [SPOT_CAP_DROP] = write_cap_drop,
	[SPOT_GROUPS] = write_groups, [SPOT_SECURITY] = write_security,
	[SPOT_RUNTIME] = write_runtime, [SPOT_USER] = write_user,
	[SPOT_MOUNT] = write_mount, [SPOT_MEMORY] = write_memory,
	[SPOT_NANO_CPUS] = write_nano, [SPOT_CGROUP_PARENT] = write_cgroup_parent,
	[SPOT_CPU_PERIOD] = write_period, [SPOT_CPU_QUOTA] = write_quota,
	[SPOT_MEMORY_SWAP] = write_swap, [SPOT_PIDS] = write_pids,
	[SPOT_MOUNTS] = write_mounts, [SPOT_LABELS] = write_labels,
	[SPOT_HOST] = write_host, [SPOT_SOURCE] = write_source,
	[SPOT_BIND_OPTIONS] = write_bind_options,
	[SPOT_PROPAGATION] = write_propagation,
	[SPOT_VOLUME_OPTIONS] = write_volume_options,
	[SPOT_VOLUME_LABELS] = write_volume_labels,
	[SPOT_MOUNTS_END] = write_mounts
};

/* A HostConfig that was not asked for, where something has to be in it. */
static void write_host(struct splice *s, const struct spot *p)
{
	size_t before = s->out->len;

	splice_key(s, "HostConfig");
	buf_addc(s->out, '{');
	for (enum spot_kind k = SPOT_BINDS; k <= SPOT_MOUNTS; k++)
		writers[k](s, &(struct spot){ .kind = k, .from = p->from,
		    .to = p->from });
	if (splice_last(s) == '{' && !s->out->failed)
		s->out->len = before;
	else
		buf_addc(s->out, '}');
}

/* Two keys of a map may mean the same network; the Engine would take the last. */
static bool keys_unique(const struct splice *s, struct refusal *why)
{
	const struct body *b = s->body;

	for (size_t i = 0; i < b->nspots; i++) {
		struct slice id;

		if (!b->spots[i].key)
			continue;
		id = splice_id(s, b->spots[i].index);
		for (size_t j = 0; j < i; j++) {
			if (!b->spots[j].key ||
			    !slice_equal(splice_id(s, b->spots[j].index), id))
				continue;
			refusal_set(why, 400, "the body is refused: "
			    "NetworkingConfig.EndpointsConfig names the network "
			    "%.*s twice",
			    SLICE_ARG(s->facts->refs[b->spots[i].index].name));
			return false;
		}
	}
	return true;
}

static void splice_all(struct splice *s)
{
	const struct body *b = s->body;
	size_t at = 0;

	for (size_t i = 0; i < b->nspots; i++) {
		const struct spot *p = &b->spots[i];

		if (p->from < at)
			continue;	/* inside of what was replaced */
		splice_put(s, at, p->from);
		at = p->from;
		if (p->kind == SPOT_MOUNT && !mount_replaced(s, p))
			continue;
		writers[p->kind](s, p);
		at = p->to;
	}
	splice_put(s, at, b->text.n);
}

int body_write(const struct facts *f, const struct body_edits *e, struct buf *out,
    struct refusal *why)
{
	static const struct body_edits none = { 0 };
	struct splice s = { .facts = f, .body = f->body, .edits = e ? e : &none,
	    .out = out, .scratch = BUF(SCRATCH) };

	if (!f->body || !f->body->text.n)
		return DOCKER_GOOD;
	if (!keys_unique(&s, why))
		return DOCKER_BAD;
	buf_room(out, f->body->text.n + f->body->text.n / 4);
	splice_all(&s);
	buf_free(&s.scratch);
	if (s.no_memory)
		return -ENOMEM;
	if (buf_ok(out))
		return DOCKER_GOOD;
	refusal_set(why, 413, "the body is too large");
	return DOCKER_BAD;
}

void body_wipe(struct facts *f)
{
	if (f->body && f->body->text.n)
		explicit_bzero((char *)f->body->text.p, f->body->text.n);
	f->body = NULL;
}
