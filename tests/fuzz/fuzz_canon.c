/*
 * fuzz_canon.c: JSON bodies.  The first two bytes pick schema and API version.
 * What is written is good, reaches exactly as far, and is a fixed point.
 */
#include <stdlib.h>

#include <jansson.h>

#include "docker/tree.h"
#include "dockbroker/docker.h"

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
    unsigned minor, struct slice in, struct buf *out)
{
	struct refusal why = { 0 };
	int r;

	arena_init(a, 4 << 20);
	facts_init(f, a);
	f->endpoint = e;
	f->minor = minor;
	r = body_canon(in, f, out, &why);
	if (r == DOCKER_BAD && (why.status < 400 || why.message.len == 0))
		abort();
	buf_free(&why.message);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_free) struct arena a1 = { 0 }, a2 = { 0 };
	_cleanup_(buf_free) struct buf one = BUF(8 << 20), two = BUF(8 << 20);
	struct endpoint e = { 0 };
	struct facts f1, f2;
	unsigned minor;

	if (size < 2)
		return 0;
	e.schema = 1 + data[0] % (SCHEMA_COUNT - 1);
	minor = API_MIN + data[1] % (API_MAX - API_MIN + 1);
	same_values((struct slice){ (const char *)data + 2, size - 2 });
	if (canon(&f1, &a1, &e, minor, (struct slice){ (const char *)data + 2,
	    size - 2 }, &one) != DOCKER_GOOD)
		return 0;
	if (canon(&f2, &a2, &e, minor, buf_slice(&one), &two) != DOCKER_GOOD ||
	    !slice_equal(buf_slice(&one), buf_slice(&two)))
		abort();
	if (e.schema == SCHEMA_ATTACH || e.schema == SCHEMA_START)
		return 0;
	if (f1.nreach != f2.nreach || f1.more_reach != f2.more_reach ||
	    !slice_equal(f1.image, f2.image) || !slice_equal(f1.argv, f2.argv))
		abort();
	return 0;
}
