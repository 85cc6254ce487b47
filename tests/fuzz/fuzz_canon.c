/*
 * fuzz_canon.c: JSON bodies.  The first two bytes pick schema and API version.
 * What is written is good, reaches exactly as far, names and takes the same,
 * and is a fixed point; so is what is written with ids and edits.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "docker/tree.h"
#include "dockbroker/docker.h"

#define ID	"00000000000000000000000000000000000000000000000000000000000000aa"

/* What our parser takes json_parse takes as well, and reads the same. */
static bool same(const struct node *v, const json_t *j)
{
	const struct node *e = node_first(v);
	size_t i;

	switch (json_typeof(j)) {
	case JSON_STRING:
		return slice_equal(node_text(v), (struct slice){
		    json_string_value(j), json_string_length(j) });
	case JSON_INTEGER:
		return node_is(v, NODE_INT) && v->integer == json_integer_value(j);
	case JSON_REAL:
		return node_is(v, NODE_REAL) && v->real == json_real_value(j);
	case JSON_ARRAY:
		for (i = 0; i < json_array_size(j); i++, e = e->next) {
			if (!e || !same(e, json_array_get(j, i)))
				return false;
		}
		return node_is(v, NODE_LIST) && !e;
	case JSON_OBJECT:
		for (i = 0; e; i++, e = e->next) {
			json_t *m = json_object_getn(j, e->key.p, e->key.n);

			if (!m || !same(e, m))
				return false;
		}
		return node_is(v, NODE_OBJECT) && i == json_object_size(j);
	case JSON_TRUE:
		return node_is(v, NODE_TRUE);
	case JSON_FALSE:
		return node_is(v, NODE_FALSE);
	default:
		return node_is(v, NODE_NULL);
	}
}

static void same_values(struct slice in)
{
	_cleanup_(tree_free) struct tree t = { 0 };
	_cleanup_(buf_free) struct buf err = BUF(4096);
	bool good = tree_parse(in, &t) == TREE_GOOD;
	json_t *j = NULL;
	int r = json_parse(in, &j, &err);

	if (good && (r != JSON_GOOD || !same(t.root, j)))
		abort();
	json_decref(j);
}

static int canon(struct facts *f, struct arena *a, const struct endpoint *e,
    unsigned minor, struct slice in)
{
	struct refusal why = { 0 };
	int r;

	arena_init(a, 32 << 20);
	facts_init(f, a);
	f->endpoint = e;
	f->minor = minor;
	r = body_read(in, f, &why);
	if (r == DOCKER_BAD && (why.status < 400 || why.message.len == 0))
		abort();
	buf_free(&why.message);
	return r;
}

static bool sent(struct facts *f, const struct body_edits *e, struct buf *out)
{
	struct refusal why = { 0 };
	int r = body_write(f, e, out, &why);

	/* two keys that were given the same id, or too large for out */
	if (r == DOCKER_BAD && why.status != 400 && why.status != 413)
		abort();
	buf_free(&why.message);
	return r == DOCKER_GOOD;
}

/* What reads again to itself, whatever was put in.  bind_dir: and binds nothing
 * else, "" no matter. */
static void fixed(const struct endpoint *e, unsigned minor, struct slice text,
    struct facts *f, struct slice bind_dir)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_(buf_free) struct buf out = BUF(32 << 20);

	if (canon(f, &a, e, minor, text) != DOCKER_GOOD || !sent(f, NULL, &out) ||
	    !slice_equal(buf_slice(&out), text))
		abort();
	for (size_t i = 0; bind_dir.n && i < f->nreach; i++) {
		if (!strcmp(f->reach[i].word, "bind") &&
		    !slice_equal(f->reach[i].value, bind_dir))
			abort();
	}
}

static void edited(struct facts *f, unsigned minor, const struct body_edits *e)
{
	_cleanup_(buf_free) struct buf out = BUF(32 << 20);
	struct facts again;

	if (!sent(f, e, &out))
		return;
	/* Mounts, which are put in, are younger than the oldest versions */
	fixed(f->endpoint, minor < 29 ? 29 : minor, buf_slice(&out), &again,
	    f->endpoint->schema == SCHEMA_CONTAINER_CREATE ? e->bind_dir : SLICE(""));
}

/* As many binds as reached; and what the guard will read again. */
static void recorded(struct facts *f, const struct body_edits *e)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_(buf_free) struct buf file = BUF(4 << 20), err = BUF(4096);
	struct refusal why = { 0 };
	struct guard_record r, again;
	size_t binds = 0, reached = 0;

	if (f->endpoint->schema != SCHEMA_CONTAINER_CREATE)
		return;
	if (body_guard(f, e, &r, &why) != DOCKER_GOOD) {
		buf_free(&why.message);
		return;
	}
	for (size_t i = 0; i < r.nmounts; i++)
		binds += r.mounts[i].kind == GUARD_BIND;
	for (size_t i = 0; i < f->nreach; i++)
		reached += !strcmp(f->reach[i].word, "bind");
	if (!f->more_reach && binds != reached)
		abort();
	r.container = SLICE(ID);
	r.uid = 1;
	r.user = SLICE("u");
	r.engine_root = SLICE("/e");
	r.spaces = (struct guard_spaces){ 0 };	/* ids are no ids here */
	r.mounts = NULL;
	r.nmounts = 0;
	arena_init(&a, 16 << 20);
	if (guard_write(&r, &file) && guard_read(buf_slice(&file), SLICE(ID), &a,
	    &again, &err) != GUARD_GOOD)
		abort();
}

static void edits(struct facts *f, unsigned minor)
{
	static const struct pair labels[] = {
		{ { "a", 1 }, { "\"b", 2 } }, { { "owner", 5 }, { "alice", 5 } }
	};
	static const struct slice image[] = { { "/data", 5 }, { "/x/../y", 7 } };
	const struct body_edits e = { .labels = labels, .nlabels = 2,
	    .confine = true, .own_volumes = true, .cgroup_parent = { "/c", 2 },
	    .memory = 1 << 20, .nano_cpus = 1000000000, .pids = 10,
	    .image_volumes = image, .nimage_volumes = 2 };
	struct body_edits all = e;

	for (size_t i = 0; i < f->nrefs; i++)
		f->refs[i].id = i % 2 ? SLICE("id") : f->refs[i].name;
	edited(f, minor, &e);
	all.runtime = SLICE("r");
	all.user = SLICE("1:1");
	all.bind_dir = SLICE("/bd");
	recorded(f, &all);
	all.powerless = true;
	edited(f, minor, &all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	_cleanup_(buf_free) struct buf one = BUF(32 << 20);
	struct endpoint e = { 0 };
	struct facts f1, f2;
	unsigned minor;

	if (size < 2)
		return 0;
	e.schema = 1 + data[0] % (SCHEMA_COUNT - 1);
	minor = API_MIN + data[1] % (API_MAX - API_MIN + 1);
	same_values((struct slice){ (const char *)data + 2, size - 2 });
	if (canon(&f1, &a, &e, minor, (struct slice){ (const char *)data + 2,
	    size - 2 }) != DOCKER_GOOD || !sent(&f1, NULL, &one))
		return 0;
	if (e.schema == SCHEMA_ATTACH || e.schema == SCHEMA_START)
		return 0;
	fixed(&e, minor, buf_slice(&one), &f2, SLICE(""));
	if (f1.nreach != f2.nreach || f1.more_reach != f2.more_reach ||
	    f1.nrefs != f2.nrefs || f1.open != f2.open ||
	    memcmp(&f1.asked, &f2.asked, sizeof(f1.asked)) != 0)
		abort();
	edits(&f1, minor);
	return 0;
}
