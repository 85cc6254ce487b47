/* fuzz_archive.c: archives; the first byte is their kind and the size of the
 * pieces.  Whole or in pieces: the same outcome, files and output, and what went
 * on is an archive that goes on as it is. */
#include "dockbroker/archive.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int see(void *arg, const struct archive_file *f, struct buf *err)
{
	buf_adds(arg, f->name);
	buf_adds(arg, f->text);
	if (f->text.n > 0 && *f->text.p == '!') {
		buf_addz(err, "refused");
		return ARCHIVE_BAD;
	}
	return ARCHIVE_GOOD;
}

static int feed(enum archive_kind kind, struct slice in, size_t step,
    struct buf *out, struct buf *files)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct archive *a = archive_new(kind, SLICE("d/f"), see, files);
	bool more = false;
	size_t used;
	int r = ARCHIVE_GOOD;

	if (!a)
		abort();
	while (r == ARCHIVE_GOOD && (in.n > 0 || more)) {
		struct slice piece = { in.p, in.n < step ? in.n : step };

		r = archive_feed(a, piece, &used, &more, out, &err);
		if (used > piece.n || (r == ARCHIVE_GOOD && used < piece.n && !more))
			abort();
		in.p += used;
		in.n -= used;
	}
	if (r == ARCHIVE_GOOD)
		r = archive_end(a, out, &err);
	if (r < 0 || (r == ARCHIVE_BAD) != (err.len > 0))
		abort();
	archive_free(a);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf a = BUF(1 << 26), b = BUF(1 << 26), c = BUF(1 << 26);
	_cleanup_(buf_free) struct buf fa = BUF(1 << 24), fb = BUF(1 << 24), fc = BUF(1 << 24);
	struct slice in = { (const char *)data + 1, size - 1 };
	enum archive_kind kind;
	int r;

	if (size == 0)
		return 0;
	kind = data[0] % 3;
	r = feed(kind, in, in.n, &a, &fa);
	if (r != feed(kind, in, (size_t)data[0] * 3 + 1, &b, &fb))
		abort();
	if (r != ARCHIVE_GOOD)
		return 0;
	if (!slice_equal(buf_slice(&a), buf_slice(&b)) ||
	    !slice_equal(buf_slice(&fa), buf_slice(&fb)))
		abort();
	if (feed(kind, buf_slice(&a), a.len, &c, &fc) != ARCHIVE_GOOD ||
	    !slice_equal(buf_slice(&a), buf_slice(&c)) ||
	    !slice_equal(buf_slice(&fa), buf_slice(&fc)))
		abort();
	return 0;
}
