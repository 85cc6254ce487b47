/*
 * fuzz_canon.c: JSON bodies.  The first two bytes pick schema and API version.
 * What is written is good, reaches exactly as far, and is a fixed point.
 */
#include <stdlib.h>

#include "dockbroker/docker.h"

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
