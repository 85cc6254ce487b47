/*
 * test_make.h: archives written by hand, for the tests of src/archive.
 */
#ifndef DOCKBROKER_TEST_MAKE_H
#define DOCKBROKER_TEST_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "dockbroker/archive.h"

struct make {
	const char *name, *link, *prefix;
	char type;
	const char *content;		/* NULL: none */
	size_t size;			/* 0: of content */
	unsigned mode;			/* 0: 0644 */
	const char *magic;		/* NULL: "ustar\0" "00"; GNU "ustar  " */
};

static inline void make_sum(char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum & 0777777);
}

static inline void make_header(char *h, const struct make *m)
{
	size_t size = m->size ? m->size : m->content ? strlen(m->content) : 0;

	memset(h, 0, 512);
	memcpy(h, m->name, strnlen(m->name, 100));
	snprintf(h + 100, 8, "%07o", (m->mode ? m->mode : 0644) & 07777777);
	snprintf(h + 108, 8, "%07o", 0);
	snprintf(h + 116, 8, "%07o", 0);
	snprintf(h + 124, 12, "%011zo", size);
	snprintf(h + 136, 12, "%011o", 0);
	h[156] = m->type;
	if (m->link)
		memcpy(h + 157, m->link, strnlen(m->link, 100));
	memcpy(h + 257, m->magic ? m->magic : "ustar\00000", 8);
	if (m->prefix)
		memcpy(h + 345, m->prefix, strnlen(m->prefix, 155));
	make_sum(h);
}

static inline void make_pad(struct buf *b)
{
	static const char zeros[512];

	buf_add(b, zeros, -b->len % 512);
}

static inline void make_bytes(struct buf *b, struct make m, struct slice content)
{
	char h[512];

	m.content = NULL;
	m.size = content.n;
	make_header(h, &m);
	buf_add(b, h, sizeof(h));
	buf_adds(b, content);
	make_pad(b);
}

static inline void make_entry(struct buf *b, struct make m)
{
	char h[512];

	make_header(h, &m);
	buf_add(b, h, sizeof(h));
	if (m.content)
		buf_addz(b, m.content);
	make_pad(b);
}

static inline void make_file(struct buf *b, const char *name, const char *content)
{
	make_entry(b, (struct make){ .name = name, .type = '0', .content = content });
}

/* "LENGTH KEY=VALUE\n" */
static inline void make_record(struct buf *b, const char *key, const char *value)
{
	size_t n = strlen(key) + strlen(value) + 3, all = n + 1;
	char text[24];

	for (int i = 0; i < 3; i++)
		all = n + (size_t)snprintf(text, sizeof(text), "%zu", all);
	buf_addf(b, "%zu %s=%s\n", all, key, value);
}

static inline void make_end(struct buf *b)
{
	static const char zeros[1024];

	buf_add(b, zeros, sizeof(zeros));
}

static inline void make_gzip(struct buf *out, struct slice in)
{
	z_stream z = { 0 };
	size_t most;

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0) != Z_OK)
		abort();
	most = deflateBound(&z, in.n);
	z.next_in = (const Bytef *)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)buf_room(out, most);
	z.avail_out = (uInt)most;
	if (!z.next_out || deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	buf_grew(out, most - z.avail_out);
	deflateEnd(&z);
}

/* Feeds in in pieces of step bytes, each in memory of its own size. */
static inline int feed_all(struct archive *a, struct slice in, size_t step,
    struct buf *out, struct buf *err)
{
	int r = ARCHIVE_GOOD;
	bool more = false;

	for (size_t at = 0; r == ARCHIVE_GOOD && (at < in.n || more);) {
		size_t n = in.n - at < step ? in.n - at : step, used;
		char *copy = malloc(n + 1);

		if (!copy)
			abort();
		memcpy(copy, in.p + at, n);
		r = archive_feed(a, (struct slice){ copy, n }, &used, &more,
		    out, err);
		free(copy);
		if (used > n || (r == ARCHIVE_GOOD && used < n && !more))
			abort();
		at += used;
	}
	return r == ARCHIVE_GOOD ? archive_end(a, out, err) : r;
}

#endif
