/*
 * fuzz_line.c: the log after a power cut may hold anything.  A line that is
 * good is whole JSON, what is torn becomes neither good nor a member's lie,
 * and a chain that begins at a good line takes that line.
 */
#include <stdlib.h>

#include "dockbroker/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct slice in = { (const char *)data, size }, line;
	struct chain c = { 0 };
	struct line l, half;

	while (in.n > 0) {
		line = slice_cut(&in, '\n');
		buf_reset(&err);
		if (line_parse(line, &l) != LINE_GOOD) {
			if (chain_check(&c, line, &err) != CHAIN_BROKEN || !err.len)
				abort();
			continue;
		}
		if (line_parse((struct slice){ line.p, line.n - 1 }, &half) != LINE_TORN)
			abort();
		chain_before(&c, &l);
		if (chain_check(&c, line, &err) != CHAIN_GOOD || c.seq != l.seq)
			abort();
	}
	return 0;
}
