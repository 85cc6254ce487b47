/*
 * layer.c: a file inside an image archive that the Engine may unpack as a
 * layer, because a manifest can name any file as one.  Its bytes go on as they
 * are; here they are only read: as a tar, or as what gzip makes of them.  A
 * file whose first block is no tar's for Go's reader is none for us: JSON.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_int.h"

struct layer {
	enum { LAYER_HEAD, LAYER_OTHER, LAYER_TAR, LAYER_GZIP } how;
	size_t have, taken;		/* of head */
	char head[ARCHIVE_MAGIC];
	struct gunzip gz;
	struct tar tar;
	char plain[ARCHIVE_PLAIN];
};

struct layer *layer_new(void)
{
	struct layer *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->gz.open = false;
	layer_begin(l);
	return l;
}

void layer_free(struct layer *l)
{
	if (l)
		gunzip_close(&l->gz);
	free(l);
}

void layer_begin(struct layer *l)
{
	gunzip_close(&l->gz);
	l->how = LAYER_HEAD;
	l->have = l->taken = 0;
	tar_init(&l->tar);
}

static int read_tar(struct layer *l, struct slice in, struct buf *err)
{
	for (;;) {
		size_t n;
		int r = tar_step(&l->tar, in, &n, err);

		if (r == TAR_BAD)
			return ARCHIVE_BAD;
		if (r == TAR_NONE)
			l->how = LAYER_OTHER;
		if (r == TAR_NONE || r == TAR_MORE)
			return ARCHIVE_GOOD;
		in.p += n;
		in.n -= n;
	}
}

static int read_gzip(struct layer *l, struct slice in, size_t *used, size_t *work,
    struct buf *err)
{
	struct slice plain = { l->plain, sizeof(l->plain) };
	size_t n, made;
	int r = ARCHIVE_GOOD;

	*used = 0;
	while (r == ARCHIVE_GOOD && l->how == LAYER_GZIP && *work > 0) {
		struct slice rest = { in.p + *used, in.n - *used };
		int unpacked = gunzip_step(&l->gz, rest, &n, plain, &made);

		if (unpacked < 0)
			return unpacked;
		if (unpacked == GUNZIP_GOOD && n == 0 && made == 0)
			return ARCHIVE_GOOD;
		*used += n;
		*work -= made < *work ? made : *work;
		/* What came before a fault may tell that this is no layer. */
		r = read_tar(l, (struct slice){ l->plain, made }, err);
		if (r == ARCHIVE_GOOD && unpacked == GUNZIP_BAD &&
		    l->how == LAYER_GZIP) {
			buf_addz(err, "its gzip stream is broken");
			return ARCHIVE_BAD;
		}
	}
	return r;
}

static int read_some(struct layer *l, struct slice in, size_t *used, size_t *work,
    struct buf *err)
{
	if (l->how == LAYER_GZIP) {
		int r = read_gzip(l, in, used, work, err);

		if (l->how == LAYER_OTHER)
			*used = in.n;
		return r;
	}
	*used = in.n;
	return l->how == LAYER_TAR ? read_tar(l, in, err) : ARCHIVE_GOOD;
}

static int choose(struct layer *l, struct buf *err)
{
	const char *name = magic_name((struct slice){ l->head, l->have });

	l->how = LAYER_TAR;
	if (!name)
		return ARCHIVE_GOOD;
	if (strcmp(name, "gzip") == 0) {
		l->how = LAYER_GZIP;
		return gunzip_open(&l->gz, true);
	}
	buf_addf(err, "it is compressed with %s, which cannot be checked: save "
	    "the image uncompressed or with gzip", name);
	return ARCHIVE_BAD;
}

/* What was held back until it was known what it is. */
static int read_head(struct layer *l, size_t *work, struct buf *err)
{
	int r = ARCHIVE_GOOD;

	if (l->how == LAYER_HEAD)
		r = choose(l, err);
	while (r == ARCHIVE_GOOD && l->taken < l->have && *work > 0) {
		struct slice head = { l->head + l->taken, l->have - l->taken };
		size_t n;

		r = read_some(l, head, &n, work, err);
		l->taken += n;
	}
	return r;
}

int layer_take(struct layer *l, struct slice in, size_t *used, size_t *work,
    struct buf *err)
{
	size_t n;
	int r = ARCHIVE_GOOD;

	*used = 0;
	if (l->how == LAYER_HEAD) {
		n = ARCHIVE_MAGIC - l->have;
		if (in.n < n)
			n = in.n;
		memcpy(l->head + l->have, in.p, n);
		l->have += n;
		*used = n;
		if (l->have < ARCHIVE_MAGIC)
			return ARCHIVE_GOOD;
	}
	if (l->taken < l->have)
		r = read_head(l, work, err);
	if (r != ARCHIVE_GOOD || l->taken < l->have)
		return r;
	in.p += *used;
	in.n -= *used;
	r = read_some(l, in, &n, work, err);
	*used += n;
	return r;
}

int layer_end(struct layer *l, size_t *work, struct buf *err)
{
	size_t n;
	int r = ARCHIVE_GOOD;

	if (l->taken < l->have)
		r = read_head(l, work, err);
	if (r == ARCHIVE_GOOD && l->how == LAYER_GZIP)
		r = read_gzip(l, SLICE(""), &n, work, err);
	if (r != ARCHIVE_GOOD || *work == 0)
		return r;
	if (l->how == LAYER_GZIP && !l->gz.done) {
		buf_addz(err, "its gzip stream is cut off");
		return ARCHIVE_BAD;
	}
	/* Less than a block is no tar. */
	if (l->how == LAYER_OTHER || !l->tar.begun)
		return ARCHIVE_GOOD;
	return tar_end(&l->tar, err);
}
