/*
 * scan.c: JSON read where it stands.  Fed with the Engine's answers, parts of
 * which users choose (labels, names, commands), in pieces: a text that ends too
 * early is told from a bad one.
 *
 * Invariants: no recursion, no allocation but for texts with escapes; the
 * grammar is that of RFC 8259 but for UTF-8, which is passed as it comes.
 */
#include <endian.h>
#include <string.h>

#include "docker/scan.h"

#define ONES		0x0101010101010101u
#define TOPS		0x8080808080808080u

enum want { WANT_VALUE, WANT_FIRST, WANT_KEY, WANT_FIRST_KEY, WANT_COLON,
	WANT_NEXT };

bool scan_is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void scan_blanks(struct scan *s)
{
	while (s->p < s->end && scan_is_blank(*s->p))
		s->p++;
}

/* ---- texts ---- */

/* The bytes of w that are a quote, a backslash or a control character have
 * their top bit set in what is returned; those behind the first may lie. */
static uint64_t special(uint64_t w)
{
	uint64_t quote = w ^ ONES * '"', slash = w ^ ONES * '\\';

	return (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
	    ((w - ONES * ' ') & ~w)) & TOPS;
}

/* To the next one of these, eight bytes at a time. */
static const char *plain(const char *p, const char *end)
{
	uint64_t w, hit;

	while (end - p >= 8) {
		memcpy(&w, p, 8);
		hit = special(le64toh(w));
		if (hit)
			return p + __builtin_ctzll(hit) / 8;
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= ' ')
		p++;
	return p;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* p at the backslash. */
static int escape(const char **p, const char *end)
{
	const char *q = *p + 1;

	if (q == end)
		return SCAN_MORE;
	if (*q != 'u') {
		*p = q + 1;
		return *q && strchr("\"\\/bfnrt", *q) ? SCAN_GOOD : SCAN_BAD;
	}
	q++;
	for (int i = 0; i < 4; i++, q++) {
		if (q == end)
			return SCAN_MORE;
		if (!is_hex(*q))
			return SCAN_BAD;
	}
	*p = q;
	return SCAN_GOOD;
}

/* p behind the opening quote; then behind the closing one. */
static int text(const char **p, const char *end, bool *escaped)
{
	const char *q = *p;
	int r;

	for (;;) {
		q = plain(q, end);
		if (q == end)
			return SCAN_MORE;
		if (*q == '"')
			break;
		if (*q != '\\')
			return SCAN_BAD;
		*escaped = true;
		r = escape(&q, end);
		if (r != SCAN_GOOD)
			return r;
	}
	*p = q + 1;
	return SCAN_GOOD;
}

int scan_string(struct scan *s, struct slice *raw, bool *escaped)
{
	const char *p = s->p + 1;
	int r;

	*escaped = false;
	if (s->p == s->end)
		return SCAN_MORE;
	if (*s->p != '"')
		return SCAN_BAD;
	r = text(&p, s->end, escaped);
	if (r != SCAN_GOOD)
		return r;
	*raw = (struct slice){ s->p + 1, (size_t)(p - s->p) - 2 };
	s->p = p;
	return SCAN_GOOD;
}

/* ---- numbers and words ---- */

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' ||
	    (c | 32) == 'e';
}

/* The bytes of a number, then their grammar. */
static int number(const char **p, const char *end, bool final)
{
	const char *q = *p, *stop = *p, *d;

	while (stop < end && in_number(*stop))
		stop++;
	if (stop == end && !final)
		return SCAN_MORE;
	q += q < stop && *q == '-';
	d = digits(q, stop);
	if (d == q || (*q == '0' && d - q > 1))
		return SCAN_BAD;
	q = d;
	if (q < stop && *q == '.') {
		d = digits(++q, stop);
		if (d == q)
			return SCAN_BAD;
		q = d;
	}
	if (q < stop && (*q | 32) == 'e') {
		q++;
		q += q < stop && (*q == '+' || *q == '-');
		d = digits(q, stop);
		if (d == q)
			return SCAN_BAD;
		q = d;
	}
	*p = q;
	return q == stop ? SCAN_GOOD : SCAN_BAD;
}

static int word(const char **p, const char *end, const char *w)
{
	size_t n = strlen(w), have = (size_t)(end - *p);

	if (memcmp(*p, w, have < n ? have : n) != 0)
		return SCAN_BAD;
	if (have < n)
		return SCAN_MORE;
	*p += n;
	return SCAN_GOOD;
}

static int scalar(const char **p, const struct scan *s)
{
	bool escaped;

	switch (**p) {
	case '"':
		++*p;
		return text(p, s->end, &escaped);
	case 't':
		return word(p, s->end, "true");
	case 'f':
		return word(p, s->end, "false");
	case 'n':
		return word(p, s->end, "null");
	default:
		return number(p, s->end, s->final);
	}
}

/* ---- values ---- */

/* Where one is, in a value: a bit for each list or object around. */
struct place {
	uint64_t objects;
	unsigned depth;
	enum want want;
};

static int open_one(struct place *at, char c)
{
	if (at->depth == SCAN_DEPTH)
		return SCAN_BAD;
	at->depth++;
	at->objects = at->objects << 1 | (c == '{');
	at->want = c == '{' ? WANT_FIRST_KEY : WANT_FIRST;
	return SCAN_GOOD;
}

static int close_one(struct place *at, char c)
{
	if (c != (at->objects & 1 ? '}' : ']'))
		return SCAN_BAD;
	at->objects >>= 1;
	at->depth--;
	at->want = WANT_NEXT;
	return SCAN_GOOD;
}

/* One token, p at its first byte. */
static int token(const char **p, const struct scan *s, struct place *at)
{
	bool escaped;
	char c = **p;

	switch (at->want) {
	case WANT_NEXT:
		++*p;
		if (c != ',')
			return close_one(at, c);
		at->want = at->objects & 1 ? WANT_KEY : WANT_VALUE;
		return SCAN_GOOD;
	case WANT_COLON:
		++*p;
		at->want = WANT_VALUE;
		return c == ':' ? SCAN_GOOD : SCAN_BAD;
	case WANT_FIRST_KEY:
	case WANT_KEY:
		++*p;
		if (c == '}' && at->want == WANT_FIRST_KEY)
			return close_one(at, c);
		at->want = WANT_COLON;
		return c == '"' ? text(p, s->end, &escaped) : SCAN_BAD;
	default:
		if (c == ']' && at->want == WANT_FIRST) {
			++*p;
			return close_one(at, c);
		}
		at->want = WANT_NEXT;
		if (c != '{' && c != '[')
			return scalar(p, s);
		++*p;
		return open_one(at, c);
	}
}

int scan_value(struct scan *s, struct slice *raw)
{
	struct place at = { .want = WANT_VALUE };
	const char *p = s->p;
	int r;

	do {
		while (p < s->end && scan_is_blank(*p))
			p++;
		if (p == s->end)
			return SCAN_MORE;
		r = token(&p, s, &at);
		if (r != SCAN_GOOD)
			return r;
	} while (at.depth);
	*raw = (struct slice){ s->p, (size_t)(p - s->p) };
	s->p = p;
	return SCAN_GOOD;
}

/* ---- members ---- */

/* A member from its key on. */
static int member_scan(struct scan *s, struct member *m)
{
	int r;

	scan_blanks(s);
	r = scan_string(s, &m->key, &m->escaped);
	if (r != SCAN_GOOD)
		return r;
	scan_blanks(s);
	if (s->p == s->end)
		return SCAN_MORE;
	if (*s->p++ != ':')
		return SCAN_BAD;
	scan_blanks(s);
	return scan_value(s, &m->value);
}

/* Behind the opening brace. */
static int members_scan(struct scan *s, struct members *m)
{
	struct member unkept;
	int r;

	scan_blanks(s);
	if (s->p < s->end && *s->p == '}')
		return SCAN_GOOD;
	for (;;) {
		m->more |= m->n == SCAN_MEMBERS;
		r = member_scan(s, m->more ? &unkept : &m->at[m->n]);
		if (r != SCAN_GOOD)
			return r;
		m->n += !m->more;
		scan_blanks(s);
		if (s->p == s->end)
			return SCAN_MORE;
		if (*s->p == '}')
			return SCAN_GOOD;
		if (*s->p++ != ',')
			return SCAN_BAD;
	}
}

int scan_members(struct scan *s, struct slice *raw, struct members *m)
{
	struct scan in = *s;
	int r;

	m->n = 0;
	m->more = false;
	if (in.p == in.end)
		return SCAN_MORE;
	if (*in.p++ != '{')
		return SCAN_BAD;
	r = members_scan(&in, m);
	if (r != SCAN_GOOD)
		return r;
	if (in.p == in.end)
		return SCAN_MORE;
	*raw = (struct slice){ s->p, (size_t)(in.p + 1 - s->p) };
	s->p = in.p + 1;
	return SCAN_GOOD;
}

/* Escapes in a key are decoded on the way; no name of ours is long. */
bool key_is(const struct member *m, const char *name)
{
	struct arena a;
	struct slice key;
	bool same;

	if (!m->escaped)
		return m->key.n && m->key.p[0] == name[0] &&
		    slice_is(m->key, name);
	if (m->key.n > 6 * strlen(name))
		return false;
	arena_init(&a, 4096);
	key = text_decode(m->key, &a);
	same = key.p && slice_is(key, name);
	arena_free(&a);
	return same;
}

struct slice member_get(const struct members *m, const char *name, bool *twice)
{
	struct slice found = SLICE_NONE;

	for (size_t i = 0; i < m->n; i++) {
		if (!key_is(&m->at[i], name))
			continue;
		*twice |= found.p != NULL;
		found = m->at[i].value;
	}
	return found;
}

/* ---- walks ---- */

struct walk walk_into(struct slice raw)
{
	struct walk w = { .at = { raw.p, raw.p, true }, .first = true };

	if (raw.n >= 2 && (raw.p[0] == '[' || raw.p[0] == '{')) {
		w.close = raw.p[0] == '[' ? ']' : '}';
		w.at.p = raw.p + 1;
		w.at.end = raw.p + raw.n;
	}
	return w;
}

bool walk_next(struct walk *w)
{
	struct scan *s = &w->at;

	scan_blanks(s);
	if (s->p == s->end || *s->p == w->close)
		return false;
	if (!w->first && *s->p++ != ',')
		return false;
	w->first = false;
	if (w->close == '}')
		return member_scan(s, &w->m) == SCAN_GOOD;
	w->m.key = SLICE_NONE;
	scan_blanks(s);
	return scan_value(s, &w->m.value) == SCAN_GOOD;
}

/* ---- decoding ---- */

static unsigned hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		v = v << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return v;
}

static char *utf8_put(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* p at the first digit; the text was scanned: all digits are there. */
static const char *decode_unicode(const char *p, const char *end, char **to)
{
	unsigned c = hex4(p), low;

	p += 4;
	if (c >= 0xd800 && c < 0xe000) {
		low = c < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
		    p[1] == 'u' ? hex4(p + 2) : 0;
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		} else {
			c = 0xfffd;
		}
	}
	*to = utf8_put(*to, c);
	return p;
}

struct slice text_decode(struct slice in, struct arena *a)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *p = in.p, *end = in.p + in.n, *at;
	char *to, *start;

	if (!in.n || !memchr(p, '\\', in.n))
		return in;
	start = to = arena_alloc(a, in.n);	/* never longer */
	if (!to)
		return SLICE_NONE;
	while (p < end) {
		if (*p != '\\') {
			*to++ = *p++;
		} else if (p[1] == 'u') {
			p = decode_unicode(p + 2, end, &to);
		} else {
			at = strchr(from, p[1]);
			*to++ = at ? into[at - from] : p[1];
			p += 2;
		}
	}
	return (struct slice){ start, (size_t)(to - start) };
}

struct slice text_of(struct slice raw, struct arena *a)
{
	if (raw.n < 2 || raw.p[0] != '"')
		return SLICE_NONE;
	return text_decode((struct slice){ raw.p + 1, raw.n - 2 }, a);
}

bool integer_of(struct slice raw, int64_t *out)
{
	bool minus = raw.n && raw.p[0] == '-';
	uint64_t v;

	if (minus)
		raw = (struct slice){ raw.p + 1, raw.n - 1 };
	if (!slice_number(raw, INT64_MAX, &v))
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}
