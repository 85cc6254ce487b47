/*
 * gunzip.c: gzip streams over zlib, and the first bytes by which the Engine
 * knows what is compressed.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "archive/archive_int.h"

int gunzip_open(struct gunzip *g, bool members)
{
	gunzip_close(g);
	*g = (struct gunzip){ .members = members };
	if (inflateInit2(&g->z, 15 + 16) != Z_OK)
		return -ENOMEM;
	g->open = true;
	return 0;
}

void gunzip_close(struct gunzip *g)
{
	if (g->open)
		inflateEnd(&g->z);
	g->open = false;
}

/* Behind the end of a member. */
static int next_member(struct gunzip *g, struct slice in)
{
	if (in.n == 0)
		return GUNZIP_GOOD;
	if (!g->members || inflateReset(&g->z) != Z_OK)
		return GUNZIP_BAD;
	g->done = false;
	return GUNZIP_GOOD;
}

int gunzip_step(struct gunzip *g, struct slice in, size_t *used, struct slice out,
    size_t *made)
{
	z_stream *z = &g->z;
	int r;

	*used = *made = 0;
	if (g->done) {
		r = next_member(g, in);
		if (r != GUNZIP_GOOD || g->done)
			return r;
	}
	if (in.n > UINT_MAX)
		in.n = UINT_MAX;
	z->next_in = (const Bytef *)in.p;
	z->avail_in = (uInt)in.n;
	z->next_out = (Bytef *)out.p;
	z->avail_out = (uInt)out.n;
	r = inflate(z, Z_NO_FLUSH);
	*used = in.n - z->avail_in;
	*made = out.n - z->avail_out;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r == Z_STREAM_END)
		g->done = true;
	else if (r != Z_OK && r != Z_BUF_ERROR)
		return GUNZIP_BAD;
	return GUNZIP_GOOD;
}

const char *magic_name(struct slice first)
{
	static const struct slice zstd = { "\x28\xb5\x2f\xfd", 4 };
	static const struct slice lz4 = { "\x04\x22\x4d\x18", 4 };
	static const struct slice xz = { "\xfd" "7zXZ", 6 };
	static const struct slice skip = { "\x2a\x4d\x18", 3 };

	if (slice_starts(first, SLICE("\x1f\x8b\x08")))
		return "gzip";
	if (slice_starts(first, SLICE("BZh")))
		return "bzip2";
	if (slice_starts(first, xz))
		return "xz";
	if (slice_starts(first, zstd))
		return "zstd";
	if (slice_starts(first, lz4))
		return "lz4";
	/* A frame that zstd skips. */
	if (first.n >= 4 && (first.p[0] & 0xf0) == 0x50 &&
	    memcmp(first.p + 1, skip.p, skip.n) == 0)
		return "zstd";
	return NULL;
}
