/* fuzz_response.c: response heads; the first byte chooses the method that
 * they answer. */
#include "dockbroker/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data + 1, size - 1 }, half = in;
	struct http_head a, b;
	struct http_error err;
	size_t scanned = 0, used = 0, again = 0;
	enum method m;
	int r, s;

	if (size == 0)
		return 0;
	m = data[0] & 1 ? METHOD_HEAD : METHOD_GET;
	half.n = in.n / 2;
	s = http_response_parse(half, &scanned, m, &b, &again, &err);
	if (s == HTTP_MORE)
		s = http_response_parse(in, &scanned, m, &b, &again, &err);
	scanned = 0;
	r = http_response_parse(in, &scanned, m, &a, &used, &err);
	if (r != s || used != again)
		abort();
	if (r == HTTP_BAD && (err.status != 502 || !err.why))
		abort();
	if (r != HTTP_GOOD)
		return 0;
	if (used > in.n || a.status < 100 || a.status > 599 ||
	    (m == METHOD_HEAD && a.framing != FRAMING_NONE))
		abort();
	return 0;
}
