/*
 * fuzz_record.c: records come from the broker, which may have been taken over.
 * What record_check lets in becomes one line that is good JSON and reads back.
 */
#include <stdlib.h>
#include <string.h>

#include "dockbroker/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf err = BUF(4096), out = BUF(BOUND_LINE);
	struct slice in = { (const char *)data, size };
	struct chain c = { .seq = 1 };
	struct line l;

	if (record_check(in, &err) != RECORD_GOOD) {
		if (err.len == 0)
			abort();
		if (record_json_members(in, &out) < 0)
			abort();
		return 0;
	}
	if (chain_line(&c, in, &out) || c.seq != 2 ||
	    memchr(out.p, '\n', out.len) != out.p + out.len - 1 ||
	    line_parse((struct slice){ out.p, out.len - 1 }, &l) != LINE_GOOD ||
	    json_scan((struct slice){ out.p, out.len - 1 }, &err) != JSON_GOOD)
		abort();
	return 0;
}
