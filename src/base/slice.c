/*
 * slice.c: bytes that somebody else owns.  Every byte here may come from a
 * client, so nothing reads past n, and (NULL, 0) is as good as an empty text.
 */
#include <string.h>

#include "dockbroker/base.h"

#define DISTANCE_MAX	63	/* longest text that is compared, in bytes */

struct slice slice_from(const char *z)
{
	return z ? (struct slice){ z, strlen(z) } : SLICE_NONE;
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool slice_is(struct slice a, const char *z)
{
	return slice_equal(a, slice_from(z));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool slice_starts(struct slice a, struct slice prefix)
{
	return a.n >= prefix.n &&
	    slice_equal((struct slice){ a.p, prefix.n }, prefix);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice a)
{
	while (a.n && blank(a.p[0])) {
		a.p++;
		a.n--;
	}
	while (a.n && blank(a.p[a.n - 1]))
		a.n--;
	return a;
}

struct slice slice_cut(struct slice *a, char c)
{
	const char *at = a->n ? memchr(a->p, c, a->n) : NULL;
	struct slice head = *a;

	if (!at) {
		*a = a->n ? (struct slice){ a->p + a->n, 0 } : *a;
		return head;
	}
	head.n = (size_t)(at - a->p);
	a->p = at + 1;
	a->n -= head.n + 1;
	return head;
}

bool slice_number(struct slice a, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (a.n == 0 || a.n > 20 || (a.n > 1 && a.p[0] == '0'))
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned digit = (unsigned char)a.p[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* RFC 3629's table: what may follow the first byte. */
size_t utf8_char(struct slice a)
{
	const unsigned char *p = (const unsigned char *)a.p;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (a.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;		/* overlong */
	else if (p[0] == 0xed)
		high = 0x9f;		/* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;		/* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f;		/* past U+10FFFF */
	if (a.n < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

bool utf8_valid(struct slice a)
{
	while (a.n) {
		size_t n = utf8_char(a);

		if (n == 0)
			return false;
		a.p += n;
		a.n -= n;
	}
	return true;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance with one row of the table. */
unsigned slice_distance(struct slice a, struct slice b)
{
	unsigned row[DISTANCE_MAX + 1];

	if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
		return DISTANCE_MAX + 1;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
			    diagonal + (a.p[i - 1] != b.p[j - 1]));
			diagonal = above;
		}
	}
	return row[b.n];
}

const char *slice_nearest(struct slice a, const char *(*at)(size_t i))
{
	const char *near = "", *z;
	unsigned best = (unsigned)(a.n > 60 ? 20 : a.n / 3) + 2;

	for (size_t i = 0; (z = at(i)); i++) {
		struct slice b = slice_from(z);
		size_t apart = a.n > b.n ? a.n - b.n : b.n - a.n;
		unsigned d;

		if (apart >= best)
			continue;		/* the distance is no less */
		d = slice_distance(a, b);
		if (d < best) {
			best = d;
			near = z;
		}
	}
	return near;
}
