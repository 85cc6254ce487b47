/*
 * fault.c: tells people about a fault in their file the way compilers do.
 * The file may hold anything: what is not printable is shown as '?', one
 * column wide, and so is what would reorder the line on a terminal.
 */
#include <string.h>

#include "dockbroker/base.h"

#define WIDTH	100	/* columns of the source line that are shown */
#define BEFORE	40	/* of them before the fault, when it stands far right */
#define FAULT_MAX	4096	/* bytes of one fault, all three lines */

/* Bytes of the first character; *plain when it can be shown as it is. */
static size_t next_char(struct slice s, bool *plain)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = utf8_char(s);

	*plain = n > 0 && p[0] >= 0x20 && p[0] != 0x7f;
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		*plain = false;				/* C1 controls */
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 &&
	    p[2] <= 0xae)
		*plain = false;				/* U+2028 to U+202E */
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 &&
	    p[2] <= 0xa9)
		*plain = false;				/* U+2066 to U+2069 */
	return n ? n : 1;
}

static size_t count_chars(struct slice s)
{
	size_t count = 0;
	bool plain;

	while (s.n) {
		size_t n = next_char(s, &plain);

		s.p += n;
		s.n -= n;
		count++;
	}
	return count;
}

static void add_clean(struct buf *out, struct slice s, bool tabs)
{
	bool plain;

	while (s.n) {
		size_t n = next_char(s, &plain);

		if (plain || (tabs && s.p[0] == '\t'))
			buf_add(out, s.p, n);
		else
			buf_addc(out, '?');
		s.p += n;
		s.n -= n;
	}
}

static struct slice skip_chars(struct slice s, size_t count)
{
	bool plain;

	while (count-- && s.n) {
		size_t n = next_char(s, &plain);

		s.p += n;
		s.n -= n;
	}
	return s;
}

/* Spaces as wide as s; tabs stay, so that the caret stands under its place. */
static void add_indent(struct buf *out, struct slice s)
{
	bool plain;

	while (s.n) {
		size_t n = next_char(s, &plain);

		buf_addc(out, s.p[0] == '\t' ? '\t' : ' ');
		s.p += n;
		s.n -= n;
	}
}

/* line with at of its bytes before the fault, len bytes wide. */
static void add_source(struct buf *out, struct slice line, size_t at,
    size_t len)
{
	size_t col = count_chars((struct slice){ line.p, at });
	size_t skip = col > WIDTH - 20 ? col - BEFORE : 0;
	struct slice from = skip_chars(line, skip);
	struct slice rest = skip_chars(from, WIDTH);
	struct slice shown = { from.p, from.n - rest.n };
	const char *fault = line.p + at;
	const char *cut = from.p > line.p ? "..." : "";
	size_t wide = (size_t)(shown.p + shown.n - fault);

	buf_addz(out, cut);
	add_clean(out, shown, true);
	buf_addz(out, rest.n ? "...\n" : "\n");
	add_indent(out, slice_from(cut));
	add_indent(out, (struct slice){ shown.p, (size_t)(fault - shown.p) });
	buf_addc(out, '^');
	wide = count_chars((struct slice){ fault, len < wide ? len : wide });
	for (size_t i = 1; i < wide; i++)
		buf_addc(out, '~');
	buf_addc(out, '\n');
}

void fault_show(struct buf *out, const char *path, struct slice text,
    size_t offset, size_t len, const char *message)
{
	_cleanup_(buf_free) struct buf all = BUF(FAULT_MAX);
	struct slice line = SLICE(""), rest = text;
	size_t number = 0, start = 0;

	/* Past the end means behind the last character of the last line. */
	if (offset >= text.n)
		offset = text.n - (text.n && text.p[text.n - 1] == '\n');
	do {
		number++;
		start = text.n - rest.n;
		line = slice_cut(&rest, '\n');
	} while (start + line.n < offset);
	if (!line.p)
		line = SLICE("");
	add_clean(&all, slice_from(path), false);
	buf_addf(&all, ":%zu:%zu: ", number,
	    count_chars((struct slice){ line.p, offset - start }) + 1);
	add_clean(&all, slice_from(message), false);
	buf_addc(&all, '\n');
	add_source(&all, line, offset - start, len);
	if (buf_ok(&all) && all.len <= out->max - out->len)
		buf_adds(out, buf_slice(&all));
}
