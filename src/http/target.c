/*
 * target.c: request targets, decoded exactly once.
 *
 * What could be read in two ways is refused, so that the path that is judged
 * is the path that the Engine will see when it is written anew.
 * Fed by: clients (hostile); the CLI's explain.
 */
#include "dockbroker/http.h"

#include <string.h>

/* Where decoded bytes go, each piece with a NUL behind: what stands between
 * two pieces in the target makes room for it. */
struct decoder {
	char *out;
	const char *why;		/* of the refusal */
};

static const int8_t hex_values[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* -1 when it is no hex digit. */
static int hex(char c)
{
	return hex_values[(uint8_t)c] - 1;
}

static bool refuse(struct decoder *d, const char *why)
{
	d->why = why;
	return false;
}

/* One byte of raw at *i, decoded; moves *i. */
static bool decode_byte(struct decoder *d, struct slice raw, size_t *i, char *c)
{
	int high, low;

	*c = raw.p[(*i)++];
	if (*c <= ' ' || *c >= 0x7f)
		return refuse(d, "bad character in the request target");
	if (*c == '#')
		return refuse(d, "a fragment in the request target");
	if (*c != '%')
		return true;
	if (raw.n - *i < 2 || (high = hex(raw.p[*i])) < 0 ||
	    (low = hex(raw.p[*i + 1])) < 0)
		return refuse(d, "bad percent-encoding in the request target");
	*i += 2;
	*c = (char)(high << 4 | low);
	return true;
}

static bool utf8_check(struct decoder *d, struct slice s, bool ascii)
{
	if (!ascii && !utf8_valid(s))
		return refuse(d, "the request target is not UTF-8");
	return true;
}

static struct slice decoder_done(struct decoder *d, const char *start)
{
	struct slice s = { start, (size_t)(d->out - start) };

	*d->out++ = '\0';
	return s;
}

static bool decode_segment(struct decoder *d, struct slice raw,
    struct slice *out)
{
	const char *start = d->out;
	bool ascii = true;

	for (size_t i = 0; i < raw.n;) {
		char c;

		if (!decode_byte(d, raw, &i, &c))
			return false;
		if (c == '/')
			return refuse(d, "an encoded slash in the path");
		if ((uint8_t)c < ' ' || c == 0x7f)
			return refuse(d, "a control character in the path");
		if ((uint8_t)c >= 0x80)
			ascii = false;
		*d->out++ = c;
	}
	*out = decoder_done(d, start);
	if (out->n == 0)
		return refuse(d, "an empty segment in the path");
	if (slice_is(*out, ".") || slice_is(*out, ".."))
		return refuse(d, "\".\" or \"..\" in the path");
	return utf8_check(d, *out, ascii);
}

/* Half a parameter.  Line feeds and tabs are text in values (changes= of
 * commit); in names nothing of the kind is. */
static bool decode_query(struct decoder *d, struct slice raw, bool name,
    struct slice *out)
{
	const char *start = d->out;
	bool ascii = true;

	for (size_t i = 0; i < raw.n;) {
		bool plus = raw.p[i] == '+';
		char c;

		if (raw.p[i] == ';')
			return refuse(d, "\";\" in the query");
		if (!decode_byte(d, raw, &i, &c))
			return false;
		if (c == '\0' || (name && ((uint8_t)c < ' ' || c == 0x7f)))
			return refuse(d, "a control character in the query");
		if ((uint8_t)c >= 0x80)
			ascii = false;
		*d->out++ = plus ? ' ' : c;
	}
	*out = decoder_done(d, start);
	if (out->n > BOUND_PARAMETER)
		return refuse(d, "a parameter is too long");
	return utf8_check(d, *out, ascii);
}

/* What the Engine's router takes for a version: "v" and digits or dots. */
static bool looks_versioned(struct slice s)
{
	if (s.n < 2 || s.p[0] != 'v')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	return true;
}

static bool version_parse(struct decoder *d, struct slice s,
    struct http_target *out)
{
	struct slice minor = s, major;
	uint64_t n;

	minor.p++;
	minor.n--;
	major = slice_cut(&minor, '.');
	if (!slice_is(major, "1") || !slice_number(minor, 999, &n))
		return refuse(d, "not a version of the Engine API");
	out->versioned = true;
	out->major = 1;
	out->minor = (unsigned)n;
	return true;
}

/* path: what stands behind the first slash. */
static bool path_parse(struct decoder *d, struct slice path,
    struct http_target *out)
{
	bool first = true;

	while (path.n > 0) {
		bool last = !memchr(path.p, '/', path.n);
		struct slice s;

		if (out->nsegments == BOUND_SEGMENTS)
			return refuse(d, "the path has too many segments");
		if (!decode_segment(d, slice_cut(&path, '/'), &s))
			return false;
		if (first && looks_versioned(s)) {
			if (!version_parse(d, s, out))
				return false;
		} else {
			out->segments[out->nsegments++] = s;
		}
		first = false;
		out->trailing_slash = !last && path.n == 0;
	}
	if (first)
		out->trailing_slash = true;
	return true;
}

/* "/x?" has an empty query: some clients leave the mark behind. */
static bool query_parse(struct decoder *d, struct slice query, size_t max,
    struct http_target *out)
{
	bool more = query.n > 0;

	while (more) {
		struct http_param *p = &out->params[out->nparams];
		struct slice piece;

		more = memchr(query.p, '&', query.n);
		piece = slice_cut(&query, '&');
		if (out->nparams == max)
			return refuse(d, "too many parameters");
		p->has_value = memchr(piece.p, '=', piece.n);
		if (!decode_query(d, slice_cut(&piece, '='), true, &p->name) ||
		    !decode_query(d, piece, false, &p->value))
			return false;
		if (p->name.n == 0)
			return refuse(d, "a parameter without a name");
		out->nparams++;
	}
	return true;
}

/* Not by memset of all: the parameters are 2.5 KiB that nobody reads. */
static void target_reset(struct http_target *out)
{
	out->versioned = out->trailing_slash = false;
	out->major = out->minor = 0;
	out->nsegments = out->nparams = 0;
}

int http_target_parse(struct slice target, size_t max_params, struct arena *a,
    struct http_target *out, struct http_error *err)
{
	struct decoder d = { 0 };
	struct slice path;

	target_reset(out);
	*err = (struct http_error){ 400, "the request target is not a path" };
	if (target.n == 0 || target.p[0] != '/')
		return HTTP_BAD;
	if (target.n > BOUND_TARGET) {
		err->status = 414;
		err->why = "the request target is too long";
		return HTTP_BAD;
	}
	/* A parameter without "=" needs a NUL for the value that it lacks. */
	d.out = arena_alloc(a, target.n + BOUND_PARAMETERS + 2);
	if (!d.out) {
		err->status = 503;
		err->why = "no memory is left for this request";
		return HTTP_BAD;
	}
	if (max_params > BOUND_PARAMETERS)
		max_params = BOUND_PARAMETERS;
	path = slice_cut(&target, '?');
	path.p++;
	path.n--;
	if (path_parse(&d, path, out) &&
	    query_parse(&d, target, max_params, out))
		return HTTP_GOOD;
	err->why = d.why;
	return HTTP_BAD;
}

static bool unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
	    c == '~';
}

void http_encode(struct buf *b, struct slice s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		char code[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (unreserved(s.p[i]))
			continue;
		buf_add(b, s.p + from, i - from);
		buf_add(b, code, sizeof(code));
		from = i + 1;
	}
	if (from < s.n)
		buf_add(b, s.p + from, s.n - from);
}
