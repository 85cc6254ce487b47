/*
 * buf.c: owned bytes that grow by doubling and never past max.  One byte more
 * than max is allocated at most, so that buf_text always has room for its NUL.
 * Once something did not fit, later additions are dropped too: a text with a
 * hole in it is never made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dockbroker/base.h"

#define BUF_FIRST	256	/* bytes of the first allocation */

void buf_free(struct buf *b)
{
	if (b->secret)
		buf_wipe(b);
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
	b->failed = false;
}

void buf_wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
	b->failed = false;
}

void buf_reset(struct buf *b)
{
	if (b->secret && b->p)
		explicit_bzero(b->p, b->cap);
	b->len = 0;
	b->failed = false;
}

bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

/* realloc would leave a copy of a secret behind. */
static char *move(struct buf *b, size_t cap)
{
	char *p;

	if (!b->secret)
		return realloc(b->p, cap);
	p = malloc(cap);
	if (p && b->p) {
		memcpy(p, b->p, b->len);
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	return p;
}

/* Makes room for n more bytes and a NUL. */
static bool grow(struct buf *b, size_t n)
{
	size_t need, cap, most = b->max < SIZE_MAX ? b->max + 1 : SIZE_MAX;
	char *p;

	if (b->len >= most || n > most - 1 - b->len)
		return false;
	need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
	if (cap > most)
		cap = most;
	p = move(b, cap);
	if (!p)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

/* The room for n more bytes, or NULL and failed. */
static inline char *claim(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (b->cap - b->len <= n && !grow(b, n)) {
		b->failed = true;
		return NULL;
	}
	return b->p + b->len;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = claim(b, n);

	if (to && n) {
		memcpy(to, p, n);
		b->len += n;
	}
}

void buf_adds(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

void buf_addz(struct buf *b, const char *z)
{
	buf_add(b, z, strlen(z));
}

void buf_addc(struct buf *b, char c)
{
	char *to = claim(b, 1);

	if (to) {
		*to = c;
		b->len++;
	}
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	to = claim(b, (size_t)n);
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_addu(struct buf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, text + at, sizeof(text) - at);
}

void buf_addi(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_addc(b, '-');
	buf_addu(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->failed || !grow(b, n))
		return NULL;
	return b->p + b->len;
}

void buf_grew(struct buf *b, size_t n)
{
	b->len += n;
}

void buf_eat(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->p, b->len };
}

const char *buf_text(struct buf *b)
{
	if (b->failed || b->len == 0)
		return "";
	b->p[b->len] = '\0';
	return b->p;
}

static void add_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	char letter = '\0';

	switch (c) {
	case '"':
	case '\\':
		letter = (char)c;
		break;
	case '\n':
		letter = 'n';
		break;
	case '\r':
		letter = 'r';
		break;
	case '\t':
		letter = 't';
		break;
	}
	if (letter) {
		text[1] = letter;
		buf_add(b, text, 2);
	} else {
		buf_add(b, text, sizeof(text));
	}
}

void buf_add_json_string(struct buf *b, struct slice s)
{
	size_t from = 0, i = 0;

	buf_addc(b, '"');
	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		size_t n = 1;

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			i++;
			continue;
		}
		if (c >= 0x80)
			n = utf8_char((struct slice){ s.p + i, s.n - i });
		if (n > 1) {
			i += n;
			continue;
		}
		buf_add(b, s.p + from, i - from);
		if (n)
			add_escape(b, c);
		else
			buf_add(b, "\xef\xbf\xbd", 3);
		from = ++i;
	}
	if (s.n)
		buf_add(b, s.p + from, s.n - from);
	buf_addc(b, '"');
}
