/*
 * fuzz_store.c: the file of objects after a power cut, or after somebody's
 * editor.  What is read writes a file that reads as the same, and what counts
 * as torn is cut at the end of a line.
 */
#include <stdlib.h>

#include "store/store_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop(struct store **s)
{
	if (*s)
		store_drop(*s);
}

static void put(void *arg, struct entry *e)
{
	row_put(arg, e);
}

static void dump(struct store *s, struct buf *out)
{
	row_format(out);
	for (unsigned k = 0; k < KIND_MAX; k++)
		store_each(s, (enum object_kind)k, put, out);
	if (!buf_ok(out))
		abort();
}

static int load(struct store **s, struct slice text, size_t *good)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);
	int r;

	if (store_new(s) < 0)
		abort();
	r = read_text(*s, "objects", text, good, &err);
	if (r < 0 || (r == STORE_BAD) != (err.len > 0))
		abort();
	return r;
}

/* The checksum is no riddle for the fuzzer: lines that begin with # get the
 * right one. */
static void with_sums(struct slice in, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";

	while (in.n) {
		struct slice line = slice_cut(&in, '\n');
		uint32_t sum = row_sum((struct slice){ line.p + 1, line.n - (line.n > 0) });

		if (!line.n || *line.p != '#') {
			buf_adds(out, line);
		} else {
			for (int i = 28; i >= 0; i -= 4)
				buf_addc(out, digits[sum >> i & 15]);
			buf_addc(out, ' ');
			buf_add(out, line.p + 1, line.n - 1);
		}
		buf_addc(out, '\n');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf in = BUF(1 << 26), once = BUF(1 << 26);
	_cleanup_(buf_free) struct buf twice = BUF(1 << 26);
	_cleanup_(drop) struct store *first = NULL, *second = NULL;
	size_t good = 0, all = 0;

	with_sums((struct slice){ (const char *)data, size }, &in);
	if (size && data[size - 1] != '\n' && in.len)
		in.len--;
	if (load(&first, buf_slice(&in), &good) == STORE_BAD)
		return 0;
	if (good > in.len || (good && in.p[good - 1] != '\n'))
		abort();
	dump(first, &once);
	if (load(&second, buf_slice(&once), &all) || all != once.len)
		abort();
	dump(second, &twice);
	if (!slice_equal(buf_slice(&once), buf_slice(&twice)))
		abort();
	return 0;
}
