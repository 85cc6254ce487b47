/* fuzz_head.c: request heads: the same outcome whole and in two pieces, and
 * one framing at most. */
#include "dockbroker/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size }, half = in;
	struct http_head a, b;
	struct http_error err;
	size_t scanned = 0, used = 0, again = 0;
	int r, s;

	half.n = size / 2;
	s = http_request_parse(half, &scanned, 4096, &b, &again, &err);
	if (s == HTTP_MORE)
		s = http_request_parse(in, &scanned, 4096, &b, &again, &err);
	scanned = 0;
	r = http_request_parse(in, &scanned, 4096, &a, &used, &err);
	if (r != s || used != again)
		abort();
	if (r == HTTP_BAD && (err.status < 400 || !err.why))
		abort();
	if (r != HTTP_GOOD)
		return 0;
	if (used > size || used > 4096 || a.nfields > BOUND_HEADERS ||
	    (a.known[HEADER_CONTENT_LENGTH].p &&
	    a.known[HEADER_TRANSFER_ENCODING].p))
		abort();
	if (a.target.p[0] != '/' && !slice_is(a.target, "*"))
		abort();
	return 0;
}
