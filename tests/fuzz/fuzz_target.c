/* fuzz_target.c: a target that is taken, written anew, means the same. */
#include "dockbroker/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rewrite(const struct http_target *t, struct buf *b)
{
	if (t->versioned)
		buf_addf(b, "/v%u.%u", t->major, t->minor);
	for (size_t i = 0; i < t->nsegments; i++) {
		buf_addc(b, '/');
		http_encode(b, t->segments[i]);
	}
	if (t->trailing_slash)
		buf_addc(b, '/');
	for (size_t i = 0; i < t->nparams; i++) {
		buf_addc(b, i ? '&' : '?');
		http_encode(b, t->params[i].name);
		if (t->params[i].has_value)
			buf_addc(b, '=');
		http_encode(b, t->params[i].value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf once = BUF(1 << 18), twice = once;
	_cleanup_(arena_free) struct arena a;
	struct slice in = { (const char *)data, size };
	struct http_target t;
	struct http_error err;

	arena_init(&a, 1 << 20);
	if (http_target_parse(in, 40, &a, &t, &err) != HTTP_GOOD)
		return 0;
	rewrite(&t, &once);
	if (once.len > BOUND_TARGET)
		return 0;
	if (http_target_parse(buf_slice(&once), 40, &a, &t, &err) != HTTP_GOOD)
		abort();
	rewrite(&t, &twice);
	if (!buf_ok(&once) || !slice_equal(buf_slice(&once), buf_slice(&twice)))
		abort();
	return 0;
}
