/* fuzz_request.c: method and target to the canonical request, which must be
 * its own canonical form.  First byte: method and whether the Engine is known. */
#include <stdlib.h>

#include "dockbroker/docker.h"

static bool canon(enum method m, unsigned engine, struct slice target,
    struct arena *a, struct buf *out, unsigned *id)
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
	if (good) {
		path_write(&f, &t, out);
		good = query_canon(&t, &f, out, &why) == DOCKER_GOOD;
		*id = f.endpoint->id;
	}
	buf_free(&why.message);
	return good && out->len <= BOUND_TARGET;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF(16 * BOUND_TARGET), twice = BUF(16 * BOUND_TARGET);
	struct arena a;
	unsigned id = 0, again = 0;

	if (size < 2)
		return 0;
	enum method m = (enum method)(data[0] % (METHOD_OTHER + 1));
	unsigned engine = data[0] & 0x80 ? 41 : 0;

	arena_init(&a, 16 * 1024 * 1024);
	if (canon(m, engine, (struct slice){ (const char *)data + 1, size - 1 },
	    &a, &once, &id)) {
		if (!canon(m, engine, buf_slice(&once), &a, &twice, &again) ||
		    id != again || !slice_equal(buf_slice(&once),
			buf_slice(&twice)))
			abort();
	}
	arena_free(&a);
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
