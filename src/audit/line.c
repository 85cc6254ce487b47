/*
 * line.c: what a line of the log says of itself.  Read at the start of auditd,
 * perhaps after a power cut, and by the command line: the bytes may be
 * anything.  A line is an object whose first members are seq and prev; the
 * whole of it is read as JSON, so that a line which ends too early is never
 * taken for a good one.
 */
#include <string.h>

#include "dockbroker/audit.h"

struct scan {
	const char *p, *end;
};

/* LINE_GOOD when c is next, and takes it. */
static int take(struct scan *s, char c)
{
	if (s->p == s->end)
		return LINE_TORN;
	if (*s->p != c)
		return LINE_BAD;
	s->p++;
	return LINE_GOOD;
}

static int take_word(struct scan *s, const char *word)
{
	int r = LINE_GOOD;

	while (*word && r == LINE_GOOD)
		r = take(s, *word++);
	return r;
}

static bool next_is(const struct scan *s, char c)
{
	return s->p < s->end && *s->p == c;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int scan_escape(struct scan *s)
{
	if (s->p == s->end)
		return LINE_TORN;
	if (*s->p != 'u')
		return memchr("\"\\/bfnrt", *s->p++, 8) ? LINE_GOOD : LINE_BAD;
	s->p++;
	for (int i = 0; i < 4; i++, s->p++) {
		if (s->p == s->end)
			return LINE_TORN;
		if (nibble(*s->p) < 0 && !(*s->p >= 'A' && *s->p <= 'F'))
			return LINE_BAD;
	}
	return LINE_GOOD;
}

/* out is what stands between the quotes, as it is written. */
static int scan_string(struct scan *s, struct slice *out)
{
	const char *start;
	int r = take(s, '"');

	if (r)
		return r;
	for (start = s->p; s->p < s->end;) {
		unsigned char c = (unsigned char)*s->p++;

		if (c == '"') {
			*out = (struct slice){ start,
			    (size_t)(s->p - 1 - start) };
			return LINE_GOOD;
		}
		if (c < 0x20)
			return LINE_BAD;
		if (c != '\\')
			continue;
		r = scan_escape(s);
		if (r)
			return r;
	}
	return LINE_TORN;
}

static int scan_digits(struct scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	if (s->p > start)
		return LINE_GOOD;
	return s->p == s->end ? LINE_TORN : LINE_BAD;
}

/* A number at the end of the bytes may go on: it is torn. */
static int scan_number(struct scan *s)
{
	int r;

	if (next_is(s, '-'))
		s->p++;
	r = scan_digits(s);
	if (r == LINE_GOOD && next_is(s, '.')) {
		s->p++;
		r = scan_digits(s);
	}
	if (r == LINE_GOOD && (next_is(s, 'e') || next_is(s, 'E'))) {
		s->p++;
		if (next_is(s, '-') || next_is(s, '+'))
			s->p++;
		r = scan_digits(s);
	}
	if (r == LINE_GOOD && s->p == s->end)
		r = LINE_TORN;
	return r;
}

static void skip_spaces(struct scan *s)
{
	while (next_is(s, ' '))
		s->p++;
}

static int scan_value(struct scan *s, unsigned depth);

/* An array or object, behind its opening bracket. */
static int scan_group(struct scan *s, char close, unsigned depth)
{
	struct slice key;
	int r;

	skip_spaces(s);
	if (next_is(s, close))
		return take(s, close);
	for (;;) {
		skip_spaces(s);
		if (close == '}') {
			r = scan_string(s, &key);
			skip_spaces(s);
			if (r == LINE_GOOD)
				r = take(s, ':');
			if (r)
				return r;
			skip_spaces(s);
		}
		r = scan_value(s, depth);
		if (r)
			return r;
		skip_spaces(s);
		if (!next_is(s, ','))
			return take(s, close);
		s->p++;
	}
}

static int scan_value(struct scan *s, unsigned depth)
{
	struct slice text;

	if (depth > BOUND_JSON_DEPTH + 2)	/* inside our own object */
		return LINE_BAD;
	if (s->p == s->end)
		return LINE_TORN;
	switch (*s->p) {
	case '"':
		return scan_string(s, &text);
	case '[':
		s->p++;
		return scan_group(s, ']', depth + 1);
	case '{':
		s->p++;
		return scan_group(s, '}', depth + 1);
	case 't':
		return take_word(s, "true");
	case 'f':
		return take_word(s, "false");
	case 'n':
		return take_word(s, "null");
	default:
		return scan_number(s);
	}
}

/* ---- what the members mean ---- */

static bool unhex(struct slice s, uint8_t *out, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = nibble(s.p[2 * i]), lo = nibble(s.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static struct slice unquote(struct slice v)
{
	if (v.n < 2 || v.p[0] != '"')
		return SLICE_NONE;
	return (struct slice){ v.p + 1, v.n - 2 };
}

/* "<instance> <n> <id>" */
static bool read_upto(struct slice v, struct line *out)
{
	struct slice instance = slice_cut(&v, ' ');
	struct slice n = slice_cut(&v, ' ');

	return unhex(instance, out->upto_instance, 16) &&
	    slice_number(n, INT64_MAX, &out->upto_n) &&
	    slice_number(v, INT64_MAX, &out->upto_id);
}

enum seen { SEEN_INSTANCE = 1, SEEN_N = 2, SEEN_ID = 4, SEEN_UPTO = 8 };

static bool once(unsigned *seen, unsigned bit)
{
	bool first = !(*seen & bit);

	*seen |= bit;
	return first;
}

static bool read_member(struct slice key, struct slice value, unsigned *seen,
    struct line *out)
{
	if (slice_is(key, "instance"))
		return once(seen, SEEN_INSTANCE) &&
		    unhex(unquote(value), out->instance, sizeof(out->instance));
	if (slice_is(key, "n"))
		return once(seen, SEEN_N) &&
		    slice_number(value, INT64_MAX, &out->n);
	if (slice_is(key, "id"))
		return once(seen, SEEN_ID) &&
		    slice_number(value, INT64_MAX, &out->id);
	if (slice_is(key, "upto"))
		return once(seen, SEEN_UPTO) && read_upto(unquote(value), out);
	return !slice_is(key, "seq") && !slice_is(key, "prev");
}

/* {"seq":N,"prev":"<hex>" */
static int scan_start(struct scan *s, struct line *out)
{
	struct slice number, prev = SLICE_NONE;
	const char *start;
	int r = take_word(s, "{\"seq\":");

	if (r)
		return r;
	start = s->p;
	r = scan_number(s);
	if (r)
		return r;
	number = (struct slice){ start, (size_t)(s->p - start) };
	r = take_word(s, ",\"prev\":");
	if (r == LINE_GOOD)
		r = scan_string(s, &prev);
	if (r)
		return r;
	if (!slice_number(number, INT64_MAX, &out->seq) || out->seq == 0 ||
	    !unhex(prev, out->prev, sizeof(out->prev)))
		return LINE_BAD;
	return LINE_GOOD;
}

int line_parse(struct slice line, struct line *out)
{
	struct scan s = { line.p, line.p + line.n };
	struct slice key;
	unsigned seen = 0;
	const char *start;
	int r;

	memset(out, 0, sizeof(*out));
	if (line.n > BOUND_LINE)
		return LINE_BAD;
	r = scan_start(&s, out);
	while (r == LINE_GOOD && next_is(&s, ',')) {
		s.p++;
		r = scan_string(&s, &key);
		if (r == LINE_GOOD)
			r = take(&s, ':');
		skip_spaces(&s);
		start = s.p;
		if (r == LINE_GOOD)
			r = scan_value(&s, 1);
		if (r == LINE_GOOD && !read_member(key, (struct slice){ start,
		    (size_t)(s.p - start) }, &seen, out))
			r = LINE_BAD;
		skip_spaces(&s);
	}
	if (r == LINE_GOOD)
		r = take(&s, '}');
	if (r == LINE_GOOD && (s.p != s.end || !utf8_valid(line)))
		r = LINE_BAD;
	return r;
}
