/* fuzz_chunked.c: chunked bodies; the first byte is the size of the pieces.
 * Whole or in pieces: the same outcome, end and data. */
#include "dockbroker/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void collect(void *arg, struct slice piece)
{
	buf_adds(arg, piece);
}

static int feed(struct slice in, size_t step, struct buf *out, size_t *eaten)
{
	struct http_chunked c;
	size_t used;
	int r = CHUNKED_MORE;

	*eaten = 0;
	http_chunked_init(&c);
	for (; in.n > 0 && r == CHUNKED_MORE; in.p += used, in.n -= used) {
		struct slice piece = { in.p, in.n < step ? in.n : step };

		r = http_chunked_feed(&c, piece, &used, collect, out);
		if (used > piece.n || (r == CHUNKED_MORE && used != piece.n))
			abort();
		*eaten += used;
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf a = BUF(1 << 20), b = BUF(1 << 20);
	struct slice in = { (const char *)data + 1, size - 1 };
	size_t whole, pieces;
	int r;

	if (size == 0)
		return 0;
	r = feed(in, in.n, &a, &whole);
	if (r != feed(in, data[0] % 16 + 1, &b, &pieces))
		abort();
	if (r != CHUNKED_BAD && (whole != pieces ||
	    !slice_equal(buf_slice(&a), buf_slice(&b))))
		abort();
	return 0;
}
