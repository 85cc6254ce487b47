/*
 * body.c: JSON bodies.  A body is parsed into a tree (tree.c), walked by the
 * table of its schema (schema.def) and written anew in the order of the table,
 * so that the Engine reads exactly what was checked: its own parser takes keys
 * in any case, lets the last duplicate win and ignores what it does not know.
 * Where ids and edits belong in that text is remembered as spots, for
 * body_write.c.
 *
 * Invariants: what was written canonicalises to itself; nothing that is not in
 * the table is written; a value that was not judged is not written.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "docker/body_int.h"

#define FAULTS_MAX	(8 * 1024)	/* bytes; one fault is shorter than 2 KiB */
#define BODY_TEXT	(8 * BOUND_BODY)	/* bytes: each may become an escape */
#define OBJECT_FIELDS	96		/* rows of one object, at most */

/* ---- the tables ---- */

enum {
#define OBJECT(id)	FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define END(id)		LAST_##id, BEHIND_##id = LAST_##id - 1,
#define TEXT(o, name, ...)	ROW_##o##_##name,
#define INT(o, name, ...)	ROW_##o##_##name,
#define BOOL(o, name, ...)	ROW_##o##_##name,
#define REAL(o, name, ...)	ROW_##o##_##name,
#define SUB(o, name, ...)	ROW_##o##_##name,
#include "dockbroker/schema.def"
};

#define COMMON(n, shape_, judge_, word_, since_, until_) \
	.name = { #n, sizeof(#n) - 1 }, \
	.key = { "\"" #n "\":", sizeof(#n) + 2 }, .shape = SHAPE_##shape_, \
	.judge = judge_, .word = word_, .since = since_, .until = until_
static const struct field fields[] = {
#define TEXT(o, n, s, max_, check_, j, w, from, to) \
	{ COMMON(n, s, judge_##j, w, from, to), .type = TYPE_TEXT, \
	  .max = max_, .check = check_ },
#define INT(o, n, s, min_, max_, j, w, from, to) \
	{ COMMON(n, s, judge_##j, w, from, to), .type = TYPE_INT, \
	  .min = min_, .max = max_ },
#define BOOL(o, n, s, j, w, from, to) \
	{ COMMON(n, s, judge_##j, w, from, to), .type = TYPE_BOOL },
#define REAL(o, n, s, j, w, from, to) \
	{ COMMON(n, s, judge_##j, w, from, to), .type = TYPE_REAL },
#define SUB(o, n, s, of, j, w, from, to) \
	{ COMMON(n, s, judge_##j, w, from, to), .type = TYPE_OBJECT, \
	  .object = OBJ_##of },
#include "dockbroker/schema.def"
};

static const struct { unsigned first, end; } objects[OBJ_COUNT] = {
#define OBJECT(id)	[OBJ_##id] = { FIRST_##id, LAST_##id },
#include "dockbroker/schema.def"
};

#define OBJECT(id) \
	_Static_assert(LAST_##id - FIRST_##id <= OBJECT_FIELDS, #id);
#include "dockbroker/schema.def"

static const struct root {
	struct field field;
	bool silent;
} roots[SCHEMA_COUNT] = {
#define ROOT(s, shape_, o) \
	[SCHEMA_##s] = { { .shape = SHAPE_##shape_, .max = S_LONG, \
	    .type = OBJ_##o ? TYPE_OBJECT : TYPE_TEXT, .object = OBJ_##o }, false },
#define SILENT(s, o) \
	[SCHEMA_##s] = { { .shape = SHAPE_ONE, .type = TYPE_OBJECT, \
	    .object = OBJ_##o }, true },
#include "dockbroker/schema.def"
};

/* Where body_write may have to write something. */
static const unsigned char marks[countof(fields)] = {
	[ROW_CREATE_Labels] = SPOT_LABELS, [ROW_CREATE_HostConfig] = SPOT_HOST,
	[ROW_CONFIG_Labels] = SPOT_LABELS, [ROW_VOLUME_Labels] = SPOT_LABELS,
	[ROW_NETWORK_Labels] = SPOT_LABELS,
	[ROW_CREATE_User] = SPOT_USER, [ROW_EXEC_User] = SPOT_USER,
	[ROW_HOST_Binds] = SPOT_BINDS, [ROW_HOST_CapAdd] = SPOT_CAP_ADD,
	[ROW_HOST_CapDrop] = SPOT_CAP_DROP, [ROW_HOST_GroupAdd] = SPOT_GROUPS,
	[ROW_HOST_SecurityOpt] = SPOT_SECURITY,
	[ROW_HOST_Runtime] = SPOT_RUNTIME,
	[ROW_HOST_Memory] = SPOT_MEMORY, [ROW_HOST_NanoCpus] = SPOT_NANO_CPUS,
	[ROW_HOST_CgroupParent] = SPOT_CGROUP_PARENT,
	[ROW_HOST_CpuPeriod] = SPOT_CPU_PERIOD,
	[ROW_HOST_CpuQuota] = SPOT_CPU_QUOTA,
	[ROW_HOST_MemorySwap] = SPOT_MEMORY_SWAP,
	[ROW_HOST_PidsLimit] = SPOT_PIDS, [ROW_HOST_Mounts] = SPOT_MOUNTS,
	[ROW_UPDATE_NanoCpus] = SPOT_NANO_CPUS,
	[ROW_UPDATE_CpuPeriod] = SPOT_CPU_PERIOD,
	[ROW_UPDATE_CpuQuota] = SPOT_CPU_QUOTA,
	[ROW_UPDATE_MemorySwap] = SPOT_MEMORY_SWAP,
	[ROW_UPDATE_PidsLimit] = SPOT_PIDS,
	[ROW_MOUNT_Source] = SPOT_SOURCE,
	[ROW_MOUNT_BindOptions] = SPOT_BIND_OPTIONS,
	[ROW_BIND_OPTIONS_Propagation] = SPOT_PROPAGATION,
	[ROW_MOUNT_VolumeOptions] = SPOT_VOLUME_OPTIONS,
	[ROW_VOLUME_OPTIONS_Labels] = SPOT_VOLUME_LABELS
};

/* Clients send fields in the Engine's order, and so are the rows: the search
 * starts behind the last hit. */
static const struct field *find(enum object_id o, struct slice name,
    unsigned *hint)
{
	unsigned first = objects[o].first, end = objects[o].end;

	for (unsigned i = *hint; i < end; i++) {
		if (slice_equal(fields[i].name, name)) {
			*hint = i + 1;
			return &fields[i];
		}
	}
	for (unsigned i = first; i < *hint; i++) {
		if (slice_equal(fields[i].name, name)) {
			*hint = i + 1;
			return &fields[i];
		}
	}
	return NULL;
}

bool schema_has_field(enum schema_id schema, struct slice name)
{
	enum object_id o = roots[schema].field.object;
	unsigned hint = objects[o].first;

	return find(o, name, &hint) != NULL;
}

/* ---- faults ---- */

static bool of_version(const struct field *f, unsigned minor)
{
	return minor >= f->since && (!f->until || minor <= f->until);
}

/* The field that was probably meant, or NULL. */
static const struct field *nearest(enum object_id o, struct slice name,
    unsigned minor)
{
	const struct field *best = NULL;
	unsigned distance = 3;

	for (unsigned i = objects[o].first; i < objects[o].end; i++) {
		const struct field *f = &fields[i];
		unsigned d;

		if (!of_version(f, minor))
			continue;
		if (slice_equal_nocase(f->name, name))
			return f;
		d = slice_distance(f->name, name);
		if (d < distance && d * 2 < name.n) {
			distance = d;
			best = f;
		}
	}
	return best;
}

static void unknown(struct walk *w, enum object_id o, const struct field *f,
    const struct step *at)
{
	const struct field *near;

	if (f) {
		walk_fault(w, at, "does not exist in API 1.%u", w->facts->minor);
		return;
	}
	near = nearest(o, at->name, w->facts->minor);
	if (near)
		walk_fault(w, at, "is not a known field, did you mean %s",
		    near->name.p);
	else
		walk_fault(w, at, "is not a known field");
}

/* ---- values ---- */

bool list_has(const char *list, struct slice s)
{
	struct slice all = slice_from(list);
	size_t n;

	for (;;) {
		const char *bar = memchr(all.p, '|', all.n);

		n = bar ? (size_t)(bar - all.p) : all.n;
		if (slice_equal((struct slice){ all.p, n }, s))
			return true;
		if (!bar)
			return false;
		all.p += n + 1;
		all.n -= n + 1;
	}
}

static void not_one_of(struct walk *w, const struct step *at, const char *list)
{
	char text[128], *p = text;

	snprintf(text, sizeof(text), "%s", list + (*list == '|'));
	while ((p = strchr(p, '|')))
		*p = ' ';
	walk_fault(w, at, "must be one of: %s", text);
}

/* min: the lowest byte that may stand in it. */
static bool plain(struct slice s, unsigned char min)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < min || c == 0x7f)
			return false;
	}
	return true;
}

static void write_text(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice s = node_text(v);

	if (!s.p) {
		walk_fault(w, at, "must be a text");
		return;
	}
	if ((int64_t)s.n > f->max)
		walk_fault(w, at, "is longer than %lld bytes", (long long)f->max);
	else if (f->check && f->check[0] == '=' && !list_has(f->check + 1, s))
		not_one_of(w, at, f->check + 1);
	else if (f->check && !strcmp(f->check, "@line") && !plain(s, ' '))
		walk_fault(w, at, "holds control characters");
	else if (f->check && !strcmp(f->check, "@name") && !plain(s, ' ' + 1))
		walk_fault(w, at, "holds blanks or control characters");
	buf_add_json_string(w->out, s);
}

static void write_int(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	int64_t i = node_integer(v);

	if (!node_is(v, NODE_INT))
		walk_fault(w, at, "must be a whole number");
	else if (i < f->min || i > f->max)
		walk_fault(w, at, "must be from %lld to %lld",
		    (long long)f->min, (long long)f->max);
	buf_addi(w->out, i);
}

static void write_real(struct walk *w, const struct step *at, const struct node *v)
{
	char text[40];

	if (!node_is(v, NODE_REAL) && !node_is(v, NODE_INT)) {
		walk_fault(w, at, "must be a number");
		return;
	}
	if (node_is(v, NODE_INT)) {
		buf_addi(w->out, node_integer(v));
		return;
	}
	/* 17 digits read back as the same number; a real needs its mark */
	snprintf(text, sizeof(text), "%.17g", v->real);
	buf_addz(w->out, text);
	if (!strpbrk(text, ".e"))
		buf_addz(w->out, ".0");
}

static void write_value(struct walk *w, const struct field *f,
    enum shape shape, const struct step *at, const struct node *v);

static void write_field(struct walk *w, const struct field *f,
    const struct step *up, const struct node *v)
{
	struct step at = { up, f->name, 0 };
	size_t faults = w->nfaults, value;

	buf_adds(w->out, f->key);
	value = w->out->len;
	write_value(w, f, f->shape, &at, v);
	if (!f->judge || w->nfaults != faults)
		return;
	w->value = value;
	f->judge(w, f, &at, v);
}

/* from: where the member began, with its comma; behind it nothing is written
 * yet.  What is inside of some has marks of its own. */
static void mark(struct walk *w, unsigned row, size_t from)
{
	enum spot_kind kind = marks[row];
	size_t to = w->out->len;

	if (!kind || !w->marks)
		return;
	if (to != from) {
		if (kind == SPOT_HOST || kind == SPOT_BIND_OPTIONS ||
		    kind == SPOT_VOLUME_OPTIONS)
			return;
		if (kind == SPOT_MOUNTS) {
			kind = SPOT_MOUNTS_END;
			from = to = to - 1;
		}
	}
	spot_add(w, kind, from, to);
}

static void write_object(struct walk *w, enum object_id o,
    const struct step *up, const struct node *v)
{
	unsigned first = objects[o].first, end = objects[o].end, hint = first;
	const struct node *slots[OBJECT_FIELDS];
	const char *comma = "";

	if (!node_is(v, NODE_OBJECT)) {
		walk_fault(w, up, "must be an object");
		return;
	}
	memset(slots, 0, (end - first) * sizeof(slots[0]));
	for (const struct node *e = v->first; e; e = e->next) {
		struct step at = { up, e->key, 0 };
		const struct field *f = find(o, at.name, &hint);

		if (node_is(e, NODE_NULL))
			continue;
		if (f && of_version(f, w->facts->minor))
			slots[(unsigned)(f - fields) - first] = e;
		else if (!node_zero(e))
			unknown(w, o, f, &at);
	}
	buf_addc(w->out, '{');
	for (unsigned i = first; i < end; i++) {
		size_t from = w->out->len;

		if (slots[i - first] && fields[i].judge != judge_drop) {
			buf_addz(w->out, comma);
			comma = ",";
			write_field(w, &fields[i], up, slots[i - first]);
		}
		if (marks[i])
			mark(w, i, from);
	}
	buf_addc(w->out, '}');
	w->nmounts += o == OBJ_MOUNT;
}

static void write_list(struct walk *w, const struct field *f,
    enum shape inner, const struct step *up, const struct node *v)
{
	size_t i = 0;

	if (!node_is(v, NODE_LIST)) {
		walk_fault(w, up, "must be a list");
		return;
	}
	buf_addc(w->out, '[');
	for (const struct node *e = v->first; e; e = e->next, i++) {
		struct step at = { up, SLICE_NONE, i };

		if (i)
			buf_addc(w->out, ',');
		write_value(w, f, inner, &at, e);
	}
	buf_addc(w->out, ']');
}

static void write_map(struct walk *w, const struct field *f,
    enum shape inner, const struct step *up, const struct node *v)
{
	const char *comma = "";

	if (!node_is(v, NODE_OBJECT)) {
		walk_fault(w, up, "must be an object");
		return;
	}
	buf_addc(w->out, '{');
	for (const struct node *e = v->first; e; e = e->next) {
		struct step at = { up, e->key, 0 };

		buf_addz(w->out, comma);
		comma = ",";
		if (at.name.n > S_LINE || !plain(at.name, ' '))
			walk_fault(w, &at, "is no good key: control characters "
			    "or longer than %d bytes", S_LINE);
		buf_add_json_string(w->out, at.name);
		buf_addc(w->out, ':');
		write_value(w, f, inner, &at, e);
	}
	buf_addc(w->out, '}');
}

static void write_one(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	static const char *const zero[] = {
		[TYPE_TEXT] = "\"\"", [TYPE_INT] = "0", [TYPE_BOOL] = "false",
		[TYPE_REAL] = "0", [TYPE_OBJECT] = "{}"
	};

	if (node_is(v, NODE_NULL)) {
		buf_addz(w->out, zero[f->type]);
		return;
	}
	switch (f->type) {
	case TYPE_TEXT:
		write_text(w, f, at, v);
		return;
	case TYPE_INT:
		write_int(w, f, at, v);
		return;
	case TYPE_BOOL:
		if (!node_is(v, NODE_TRUE) && !node_is(v, NODE_FALSE))
			walk_fault(w, at, "must be true or false");
		buf_addz(w->out, node_is(v, NODE_TRUE) ? "true" : "false");
		return;
	case TYPE_REAL:
		write_real(w, at, v);
		return;
	case TYPE_OBJECT:
		write_object(w, f->object, at, v);
		return;
	}
}

/* null stands for the zero value, as it does in the Engine; in an object it
 * is left out, which never gets here. */
static void write_value(struct walk *w, const struct field *f,
    enum shape shape, const struct step *at, const struct node *v)
{
	if (shape == SHAPE_ONE) {
		write_one(w, f, at, v);
	} else if (node_is(v, NODE_NULL)) {
		buf_addz(w->out, "[]");
	} else if (shape == SHAPE_ARGV && node_is(v, NODE_TEXT)) {
		buf_addc(w->out, '[');
		write_one(w, f, at, v);
		buf_addc(w->out, ']');
	} else if (shape == SHAPE_LIST || shape == SHAPE_ARGV) {
		write_list(w, f, SHAPE_ONE, at, v);
	} else if (shape == SHAPE_LIST_LIST) {
		write_list(w, f, SHAPE_LIST, at, v);
	} else {
		write_map(w, f, shape == SHAPE_MAP ? SHAPE_ONE : SHAPE_LIST, at, v);
	}
}

/* ---- the whole ---- */

static void walk_root(struct walk *w, const struct root *root, const struct node *v)
{
	w->marks = w->schema == SCHEMA_CONTAINER_CREATE ||
	    w->schema == SCHEMA_CONTAINER_UPDATE || w->schema == SCHEMA_COMMIT ||
	    w->schema == SCHEMA_VOLUME_CREATE || w->schema == SCHEMA_NETWORK_CREATE ||
	    w->schema == SCHEMA_EXEC_CREATE;
	if (node_is(v, NODE_NULL) && w->schema != SCHEMA_VOLUME_CREATE)
		buf_addz(w->out, "null");	/* commit tells it from {} */
	else if (node_is(v, NODE_NULL))
		write_object(w, root->field.object, NULL,
		    &(struct node){ .type = NODE_OBJECT });
	else
		write_value(w, &root->field, root->field.shape, NULL, v);
	if (root->silent && !w->out->failed)
		w->out->len = 0;
	argv_write(w);
	auth_default(w);
	if (!w->nfaults)
		points_finish(w);
	resources_sum(w);
	spots_sort(w->body);
}

static void asked_finish(struct facts *f, enum schema_id schema)
{
	f->asked.containers += schema == SCHEMA_CONTAINER_CREATE;
	f->asked.volumes += schema == SCHEMA_VOLUME_CREATE;
	f->asked.networks += schema == SCHEMA_NETWORK_CREATE;
}

static int walk_end(struct walk *w, struct refusal *why)
{
	struct facts *f = w->facts;

	if (w->no_memory)
		return -ENOMEM;		/* faults may come of what is missing */
	if (w->nfaults > w->nnamed)
		buf_addf(&w->faults, "; and %zu more",
		    w->nfaults - w->nnamed);
	if (w->nfaults) {
		refusal_set(why, 400, "the body is refused: %s",
		    buf_text(&w->faults));
		return DOCKER_BAD;
	}
	if (f->more_refs && f->nrefs == BOUND_REFS) {
		refusal_set(why, 400, "the request names more than %d objects",
		    BOUND_REFS);
		return DOCKER_BAD;
	}
	/* a reach that could not even be named must not pass for none */
	if (f->more_refs || (f->more_reach && !f->nreach))
		return -ENOMEM;
	w->body->text = arena_copy(f->arena, buf_slice(w->out));
	if (!buf_ok(w->out) || !w->body->text.p)
		return -ENOMEM;
	asked_finish(f, w->schema);
	return DOCKER_GOOD;
}

/* json_parse says what is wrong, and where. */
static int not_json(struct slice in, struct refusal *why)
{
	_cleanup_(buf_free) struct buf err = BUF(FAULTS_MAX);
	json_t *v;
	int r = json_parse(in, &v, &err);

	if (r < 0)
		return r;
	if (r == JSON_GOOD) {
		json_decref(v);
		buf_addz(&err, "a number is longer than 63 bytes");
	}
	refusal_set(why, 400, "the body is not JSON that can be read: %s",
	    buf_text(&err));
	return DOCKER_BAD;
}

/* The Engine of some versions makes a volume out of no body at all. */
int body_read(struct slice in, struct facts *f, struct refusal *why)
{
	enum schema_id schema = f->endpoint->schema;
	_cleanup_(tree_free) struct tree t = { 0 };
	_cleanup_(buf_free) struct buf out = { .max = BODY_TEXT,
	    .secret = schema == SCHEMA_AUTH };
	struct walk w = { .facts = f, .out = &out, .schema = schema,
	    .faults = BUF(FAULTS_MAX) };
	int r;

	if (in.n == 0 && schema != SCHEMA_VOLUME_CREATE)
		return DOCKER_GOOD;
	if (in.n == 0)
		in = SLICE("{}");
	w.body = f->body = arena_alloc(f->arena, sizeof(*w.body));
	if (!w.body || !buf_room(&out, in.n + in.n / 8))
		return -ENOMEM;
	w.body->schema = schema;
	w.body->wish.network.ref = w.body->wish.pid.ref =
	    w.body->wish.ipc.ref = NO_REF;
	r = tree_parse(in, &t);
	if (r < 0)
		return r;
	if (r != TREE_GOOD)
		return not_json(in, why);
	walk_root(&w, &roots[schema], t.root);
	r = walk_end(&w, why);
	buf_free(&w.faults);
	return r;
}
