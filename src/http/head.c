/*
 * head.c: request and response heads.
 *
 * Every head is read twice.  Our own scan is the strict one: it knows one
 * way to write a head and cuts the fields out of it.  Then llhttp, whose
 * reading has been attacked for years, reads the same bytes, and both must
 * agree on target, number of fields, version and framing; two readings that
 * differ are what request smuggling is made of, so they are refused.
 *
 * llhttp is never given a byte behind the head and is stopped in
 * on_headers_complete: bodies are the caller's, see chunked.c.
 * Fed by: clients (requests, hostile), the Engine (responses).
 */
#include "dockbroker/http.h"

#include <string.h>

#include <llhttp.h>

enum { CLASS_TOKEN = 1, CLASS_TEXT = 2, CLASS_TAB = 4, CLASS_TARGET = 8 };

/* Token: RFC 9110 tchar.  Text: what may stand in a value: space, visible
 * ASCII, bytes past ASCII.  Target: visible ASCII. */
#define T	(CLASS_TOKEN | CLASS_TEXT | CLASS_TARGET)
#define V	(CLASS_TEXT | CLASS_TARGET)
#define O	CLASS_TEXT
#define O16	O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O
static const uint8_t classes[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, CLASS_TAB, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	O, T, V, T, T, T, T, T, V, V, T, T, V, T, T, V,	/*  !"#$%&'()*+,-./ */
	T, T, T, T, T, T, T, T, T, T, V, V, V, V, V, V,	/* 0-9 :;<=>? */
	V, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,	/* @ A-O */
	T, T, T, T, T, T, T, T, T, T, T, V, V, V, T, T,	/* P-Z [\]^_ */
	T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,	/* ` a-o */
	T, T, T, T, T, T, T, T, T, T, T, V, T, V, T, 0,	/* p-z {|}~ DEL */
	O16, O16, O16, O16, O16, O16, O16, O16
};
#undef T
#undef V
#undef O
#undef O16

static bool is_class(char c, unsigned class)
{
	return classes[(uint8_t)c] & class;
}

static bool all_class(struct slice s, unsigned class)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_class(s.p[i], class))
			return false;
	return true;
}

static int bad(struct http_error *err, unsigned status, const char *why)
{
	err->status = status;
	err->why = why;
	return HTTP_BAD;
}

/* ---- the end of the head ---- */

/*
 * 0 with *end 0 while the empty line has not come.  Goes from line feed to
 * line feed, and over each byte once however slowly they come.
 */
static int find_end(struct slice in, size_t *scanned, size_t *end,
    struct http_error *err)
{
	size_t at = *scanned < in.n ? *scanned : in.n;
	const char *lf;

	*end = 0;
	while (at < in.n && (lf = memchr(in.p + at, '\n', in.n - at))) {
		size_t i = (size_t)(lf - in.p);

		if (i == 0 || in.p[i - 1] != '\r')
			return bad(err, 400, "a line does not end in CR LF");
		if (i >= 2 && in.p[i - 2] == '\n') {
			*end = i + 1;
			*scanned = 0;
			return 0;
		}
		at = i + 1;
	}
	*scanned = in.n;
	return 0;
}

static int head_end(struct slice in, size_t *scanned, size_t max, size_t *end,
    struct http_error *err)
{
	struct slice look = { in.p, in.n < max ? in.n : max };
	int r = find_end(look, scanned, end, err);

	if (r || *end)
		return r;
	if (in.n < max)
		return HTTP_MORE;
	if (!memchr(look.p, '\n', look.n))
		return bad(err, 414, "the request line is too long");
	return bad(err, 431, "the head is too long");
}

/* ---- fields ---- */

/* More than one of these in a request is one too many. */
static const bool single[HEADER_COUNT] = {
	[HEADER_HOST] = true,
	[HEADER_CONNECTION] = true,
	[HEADER_CONTENT_LENGTH] = true,
	[HEADER_CONTENT_TYPE] = true,
	[HEADER_CONTENT_ENCODING] = true,
	[HEADER_TRANSFER_ENCODING] = true,
	[HEADER_EXPECT] = true,
	[HEADER_UPGRADE] = true,
	[HEADER_REGISTRY_AUTH] = true,
	[HEADER_REGISTRY_CONFIG] = true,
	[HEADER_WEBSOCKET_KEY] = true,
	[HEADER_WEBSOCKET_VERSION] = true,
};

/* And these also in a response. */
static const bool framed[HEADER_COUNT] = {
	[HEADER_CONTENT_LENGTH] = true,
	[HEADER_TRANSFER_ENCODING] = true,
	[HEADER_UPGRADE] = true,
};

/* One field at p, with its CR LF; *next: what follows.  No loop here needs an
 * end: the empty line stands behind all fields, and CR is of no class.
 * text: the classes that values may have. */
static int field_cut(const char *p, unsigned text, struct http_field *f,
    const char **next, struct http_error *err)
{
	const char *start = p, *end;

	while (is_class(*p, CLASS_TOKEN))
		p++;
	f->name = (struct slice){ start, (size_t)(p - start) };
	if (f->name.n == 0 && (*p == ' ' || *p == '\t'))
		return bad(err, 400, "folded header fields are refused");
	if (f->name.n == 0 || *p != ':')
		return bad(err, 400, "a header field has a bad name");
	for (p++; *p == ' ' || (*p == '\t' && text & CLASS_TAB); p++)
		;
	for (end = p; is_class(*end, text); end++)
		;
	if (end[0] != '\r' || end[1] != '\n')
		return bad(err, 400, "a header field has a control character "
		    "in its value");
	*next = end + 2;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	f->value = (struct slice){ p, (size_t)(end - p) };
	return 0;
}

/* lines: all fields, each with its CR LF. */
static int fields_cut(struct slice lines, unsigned text, const bool *once,
    struct http_head *head, struct http_error *err)
{
	const char *p = lines.p;

	while (p < lines.p + lines.n) {
		struct http_field *f = &head->fields[head->nfields];
		int r;

		if (head->nfields == BOUND_HEADERS)
			return bad(err, 431, "too many header fields");
		r = field_cut(p, text, f, &p, err);
		if (r)
			return r;
		f->id = header_find(f->name);
		if (f->id == HEADER_OTHER || !head->known[f->id].p)
			head->known[f->id] = f->value;
		else if (once[f->id])
			return bad(err, 400, "a header field is repeated");
		head->nfields++;
	}
	head->known[HEADER_OTHER] = SLICE_NONE;
	return 0;
}

/* ---- what fields mean ---- */

/* What the Connection fields ask for. */
struct wishes { bool close, keep_alive, upgrade; };

/*
 * Options other than the three name fields for this hop alone.  Those that
 * we act upon may not be named: who drops them reads another message.
 */
static int connection_read(struct slice v, struct wishes *w,
    struct http_error *err)
{
	while (v.n > 0) {
		struct slice t = slice_trim(slice_cut(&v, ','));

		if (!all_class(t, CLASS_TOKEN))
			return bad(err, 400, "Connection has a bad option");
		if (slice_equal_nocase(t, SLICE("close")))
			w->close = true;
		else if (slice_equal_nocase(t, SLICE("keep-alive")))
			w->keep_alive = true;
		else if (slice_equal_nocase(t, SLICE("upgrade")))
			w->upgrade = true;
		else if (header_find(t) != HEADER_OTHER)
			return bad(err, 400, "Connection names a header field "
			    "that it may not name");
	}
	return 0;
}

/* Both kinds of head: Connection, Content-Length, Transfer-Encoding. */
static int framing_read(struct http_head *head, struct wishes *w,
    struct http_error *err)
{
	struct slice te = head->known[HEADER_TRANSFER_ENCODING];
	struct slice cl = head->known[HEADER_CONTENT_LENGTH];

	for (size_t i = 0; i < head->nfields; i++) {
		int r;

		if (head->fields[i].id != HEADER_CONNECTION)
			continue;
		r = connection_read(head->fields[i].value, w, err);
		if (r)
			return r;
	}
	if (te.p && cl.p)
		return bad(err, 400,
		    "both Content-Length and Transfer-Encoding");
	if (te.p && head->minor == 0)
		return bad(err, 400, "Transfer-Encoding needs HTTP/1.1");
	if (te.p && !slice_equal_nocase(te, SLICE("chunked")))
		return bad(err, 400, "only the transfer encoding \"chunked\" "
		    "is understood");
	if (cl.p && !slice_number(cl, INT64_MAX, &head->length))
		return bad(err, 400, "bad Content-Length");
	if (te.p)
		head->framing = FRAMING_CHUNKED;
	else if (cl.p)
		head->framing = FRAMING_LENGTH;
	head->keep_alive = !w->close && (head->minor == 1 || w->keep_alive);
	return 0;
}

static int upgrade_read(struct http_head *head, const struct wishes *w,
    struct http_error *err)
{
	struct slice up = head->known[HEADER_UPGRADE];

	if (!up.p || !w->upgrade)
		return 0;
	if (up.n == 0 || !all_class(up, CLASS_TARGET) ||
	    memchr(up.p, ',', up.n))
		return bad(err, 400, "Upgrade does not name one protocol");
	if (head->minor == 0)
		return bad(err, 400, "an upgrade needs HTTP/1.1");
	if (head->framing == FRAMING_CHUNKED)
		return bad(err, 400, "an upgrade with a chunked body");
	head->upgrade = true;
	return 0;
}

static int request_read(struct http_head *head, struct http_error *err)
{
	struct slice host = head->known[HEADER_HOST];
	struct slice expect = head->known[HEADER_EXPECT];
	struct wishes w = { 0 };
	int r = framing_read(head, &w, err);

	if (r)
		return r;
	/* An empty one is what some clients on Unix sockets send. */
	if (!host.p && head->minor == 1)
		return bad(err, 400, "no Host");
	if (host.p && (!all_class(host, CLASS_TARGET) ||
	    memchr(host.p, ',', host.n)))
		return bad(err, 400, "bad Host");
	if (head->framing == FRAMING_LENGTH && head->length == 0)
		head->framing = FRAMING_NONE;
	if (expect.p) {
		if (!slice_equal_nocase(expect, SLICE("100-continue")))
			return bad(err, 417, "unknown expectation");
		head->expect_continue = head->minor == 1 &&
		    head->framing != FRAMING_NONE;
	}
	return upgrade_read(head, &w, err);
}

static int response_read(struct http_head *head, enum method method,
    struct http_error *err)
{
	struct wishes w = { 0 };
	int r = framing_read(head, &w, err);
	bool interim = head->status < 200 || head->status == 204;

	if (r)
		return r;
	if (interim && (head->framing == FRAMING_CHUNKED || head->length > 0))
		return bad(err, 502, "a body where there can be none");
	head->upgrade = head->status == 101;
	if (interim || head->status == 304 || method == METHOD_HEAD)
		head->framing = FRAMING_NONE;
	else if (head->framing == FRAMING_NONE)
		head->framing = FRAMING_CLOSE;
	if (head->framing == FRAMING_CLOSE || head->upgrade)
		head->keep_alive = false;
	return 0;
}

/* ---- first lines ---- */

static int version_read(struct slice v, struct http_head *head,
    struct http_error *err)
{
	if (v.n != 8 || memcmp(v.p, "HTTP/", 5) != 0 || v.p[6] != '.' ||
	    v.p[5] < '0' || v.p[5] > '9' || v.p[7] < '0' || v.p[7] > '9')
		return bad(err, 400, "the first line has no HTTP version");
	if (v.p[5] != '1' || v.p[7] > '1')
		return bad(err, 505, "only HTTP/1.1 and HTTP/1.0 are spoken");
	head->minor = (unsigned)(v.p[7] - '0');
	return 0;
}

static enum method method_find(struct slice s)
{
	for (int m = METHOD_GET; m < METHOD_OTHER; m++)
		if (slice_is(s, method_name((enum method)m)))
			return (enum method)m;
	return METHOD_OTHER;
}

static int request_line(struct slice line, struct http_head *head,
    struct http_error *err)
{
	struct slice method = slice_cut(&line, ' ');
	struct slice target = slice_cut(&line, ' ');
	int r;

	if (method.n == 0 || !all_class(method, CLASS_TOKEN))
		return bad(err, 400, "bad method");
	if (target.n > BOUND_TARGET)
		return bad(err, 414, "the request target is too long");
	r = version_read(line, head, err);
	if (r)
		return r;
	head->method = method_find(method);
	head->target = target;
	if (!all_class(target, CLASS_TARGET))
		return bad(err, 400, "bad character in the request target");
	if (head->method == METHOD_OPTIONS && slice_is(target, "*"))
		return 0;
	if (target.n == 0 || target.p[0] != '/')
		return bad(err, 400, "the request target is not a path");
	return 0;
}

static int status_line(struct slice line, struct http_head *head,
    struct http_error *err)
{
	struct slice version = slice_cut(&line, ' ');
	struct slice code = slice_cut(&line, ' ');
	uint64_t status;
	int r = version_read(version, head, err);

	if (r)
		return r;
	if (code.n != 3 || !slice_number(code, 599, &status) || status < 100)
		return bad(err, 502, "bad status");
	if (!all_class(line, CLASS_TEXT | CLASS_TAB))
		return bad(err, 502, "bad character in the status line");
	head->status = (unsigned)status;
	return 0;
}

/* ---- llhttp's reading ---- */

struct reading {
	struct slice target;
	size_t nfields;
	bool complete;
};

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	struct reading *r = p->data;

	/* A second piece would be a second target: it cannot equal ours. */
	r->target = r->target.p ? SLICE_NONE : (struct slice){ at, n };
	return 0;
}

static int on_header_field(llhttp_t *p, const char *at _unused_,
    size_t n _unused_)
{
	struct reading *r = p->data;

	r->nfields++;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct reading *r = p->data;

	r->complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_headers_complete = on_headers_complete,
};

/* in: the head and nothing else. */
static bool llhttp_agrees(struct slice in, const struct http_head *head,
    bool request)
{
	bool chunked = head->known[HEADER_TRANSFER_ENCODING].p;
	bool sized = head->known[HEADER_CONTENT_LENGTH].p;
	struct reading r = { 0 };
	llhttp_t p;

	llhttp_init(&p, request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
	p.data = &r;
	if (llhttp_execute(&p, in.p, in.n) != HPE_PAUSED || !r.complete)
		return false;
	if (request ? r.target.p != head->target.p ||
	    r.target.n != head->target.n :
	    (unsigned)llhttp_get_status_code(&p) != head->status)
		return false;
	return r.nfields == head->nfields &&
	    llhttp_get_http_major(&p) == 1 &&
	    llhttp_get_http_minor(&p) == head->minor &&
	    !!(p.flags & F_CHUNKED) == chunked &&
	    !!(p.flags & F_CONTENT_LENGTH) == sized &&
	    (!sized || p.content_length == head->length);
}

/* ---- heads ---- */

/* Not by memset of all: the fields are 2.5 KiB that nobody reads. */
static void head_reset(struct http_head *head)
{
	memset(head, 0, offsetof(struct http_head, fields));
	memset(head->known, 0, sizeof(head->known));
}

/* The first line of a whole head; *rest: the fields. */
static struct slice first_line(struct slice in, size_t end, struct slice *rest)
{
	const char *lf = memchr(in.p, '\n', end);
	size_t n = (size_t)(lf - in.p) + 1;

	/* The empty line stays outside. */
	*rest = (struct slice){ in.p + n, end - n - 2 };
	return (struct slice){ in.p, n - 2 };
}

int http_request_parse(struct slice in, size_t *scanned, size_t max,
    struct http_head *head, size_t *used, struct http_error *err)
{
	struct slice line, rest;
	size_t end;
	int r;

	/* At once: an empty line, another protocol. */
	if (in.n > 0 && (in.p[0] < 'A' || in.p[0] > 'Z'))
		return bad(err, 400, "bad method");
	r = head_end(in, scanned, max, &end, err);
	if (r)
		return r;
	head_reset(head);
	line = first_line(in, end, &rest);
	r = request_line(line, head, err);
	if (r)
		return r;
	r = fields_cut(rest, CLASS_TEXT, single, head, err);
	if (r)
		return r;
	r = request_read(head, err);
	if (r)
		return r;
	if (!llhttp_agrees((struct slice){ in.p, end }, head, true))
		return bad(err, 400, "the head is not understood");
	*used = end;
	return HTTP_GOOD;
}

static int response_parse(struct slice in, size_t *scanned, enum method method,
    struct http_head *head, size_t *used, struct http_error *err)
{
	struct slice line, rest;
	size_t end;
	int r = head_end(in, scanned, BOUND_RESPONSE_HEAD, &end, err);

	if (r)
		return r;
	head_reset(head);
	line = first_line(in, end, &rest);
	r = status_line(line, head, err);
	if (r)
		return r;
	r = fields_cut(rest, CLASS_TEXT | CLASS_TAB, framed, head, err);
	if (r)
		return r;
	r = response_read(head, method, err);
	if (r)
		return r;
	if (!llhttp_agrees((struct slice){ in.p, end }, head, false))
		return bad(err, 502, "the head is not understood");
	*used = end;
	return HTTP_GOOD;
}

int http_response_parse(struct slice in, size_t *scanned, enum method method,
    struct http_head *head, size_t *used, struct http_error *err)
{
	int r = response_parse(in, scanned, method, head, used, err);

	/* Whatever is wrong with it, to our client it is one thing. */
	if (r == HTTP_BAD)
		err->status = 502;
	return r;
}
