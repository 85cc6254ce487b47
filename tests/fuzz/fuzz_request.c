/* fuzz_request.c: method and target to the canonical request, which must be
 * its own canonical form and ask for as much.  First byte: method and whether
 * the Engine is known.  (What can be no name is sent as a name of nothing.) */
#include <stdlib.h>

#include "dockbroker/docker.h"

struct seen {
	unsigned id;
	size_t nreach, nrefs;
};

static bool canon(enum method m, unsigned engine, struct slice target,
    struct arena *a, struct buf *out, struct seen *seen)
{
	struct refusal why = { .message = BUF(BOUND_FIELD) };
	struct http_target t;
	struct http_error err;
	struct facts f;
	bool good;

	facts_init(&f, a);
	good = http_target_parse(target, BOUND_PARAMETERS, a, &t, &err) ==
		HTTP_GOOD &&
	    catalog_find(m, &t, engine, &f, &why) == DOCKER_GOOD;
	if (good && query_read(&t, &f, &why) == DOCKER_GOOD) {
		path_write(&f, &t, out);
		query_write(&f, NULL, out);
		*seen = (struct seen){ f.endpoint->id, f.nreach, f.nrefs };
	} else {
		good = false;
	}
	buf_free(&why.message);
	return good && out->len <= BOUND_TARGET;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF(16 * BOUND_TARGET), twice = BUF(16 * BOUND_TARGET);
	struct arena a;
	struct seen one = { 0 }, two = { 0 };

	if (size < 2)
		return 0;
	enum method m = (enum method)(data[0] % (METHOD_OTHER + 1));
	unsigned engine = data[0] & 0x80 ? 41 : 0;

	arena_init(&a, 16 * 1024 * 1024);
	if (canon(m, engine, (struct slice){ (const char *)data + 1, size - 1 },
	    &a, &once, &one)) {
		if (!canon(m, engine, buf_slice(&once), &a, &twice, &two) ||
		    one.id != two.id || one.nreach != two.nreach ||
		    one.nrefs > two.nrefs || !slice_equal(buf_slice(&once),
			buf_slice(&twice)))
			abort();
	}
	arena_free(&a);
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
