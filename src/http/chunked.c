/*
 * chunked.c: chunked bodies, over llhttp.
 *
 * llhttp begins with heads, so it is shown a head of ours first and goes on
 * with the body from there.  It sets no bound on what stands between the
 * data (sizes, extensions, trailers) and lets some of it be written in more
 * than one way; the bytes that are not data are therefore read here as well:
 * counted, and held to CR LF and to text without controls.
 * Fed by: clients (hostile) and the Engine.
 */
#include "dockbroker/http.h"

#include <string.h>

#include <llhttp.h>

/* Lives in struct http_chunked, which may be moved between two feeds. */
struct state {
	llhttp_t parser;
	/* of the bytes since the last data: */
	uint32_t lines;			/* line feeds */
	uint32_t size_line;		/* bytes to the end of the size line */
	uint32_t trailer;		/* bytes behind it */
	bool cr;			/* the last one was a CR */
	bool started;			/* there was data: CR LF comes first */
	bool ended;
	bool broken;
};
_Static_assert(sizeof(struct state) <= sizeof(struct http_chunked),
    "llhttp_t has outgrown struct http_chunked");
_Static_assert(_Alignof(struct state) <= _Alignof(struct http_chunked),
    "llhttp_t needs more alignment");

/* What one feed adds; parser.data points to it. */
struct feed {
	struct state *state;
	const char *at;			/* end of the last data, or start */
	void (*data)(void *arg, struct slice piece);
	void *arg;
};

static bool gap_byte(struct state *s, char c)
{
	if (s->lines <= s->started ?
	    ++s->size_line > 2 + BOUND_CHUNK_LINE + 2 :
	    ++s->trailer > BOUND_TRAILER + 2)
		return false;
	if (s->cr != (c == '\n'))
		return false;
	s->cr = c == '\r';
	s->lines += c == '\n';
	return (uint8_t)c >= ' ' ? c != 0x7f :
	    c == '\r' || c == '\n' || c == '\t';
}

/* The bytes from f->at to end are not data: CR LF behind the data, a size
 * line, and when the size was 0, trailers. */
static bool gap_good(const struct feed *f, const char *end)
{
	for (const char *p = f->at; p < end; p++)
		if (!gap_byte(f->state, *p))
			return false;
	return true;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	struct feed *f = p->data;
	struct state *s = f->state;

	if (!gap_good(f, at) || s->cr)
		return HPE_USER;
	s->lines = s->size_line = s->trailer = 0;
	s->started = true;
	f->at = at + n;
	f->data(f->arg, (struct slice){ at, n });
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct feed *f = p->data;

	f->state->ended = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

void http_chunked_init(struct http_chunked *c)
{
	static const char head[] =
	    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct state *s = (struct state *)(void *)c;

	memset(c, 0, sizeof(*c));
	llhttp_init(&s->parser, HTTP_REQUEST, &settings);
	s->broken = llhttp_execute(&s->parser, head, sizeof(head) - 1) !=
	    HPE_OK;
}

/* The end of the body: behind the line feed at which llhttp stopped.  That
 * is where it points to; should it point to the line feed itself, there is a
 * CR before it, so the two cannot be confused. */
static const char *stopped_at(const llhttp_t *p, struct slice in)
{
	const char *at = llhttp_get_error_pos(p);

	if (!at || at < in.p || at > in.p + in.n)
		return NULL;
	if (at > in.p && at[-1] == '\n')
		return at;
	return at < in.p + in.n && *at == '\n' ? at + 1 : NULL;
}

int http_chunked_feed(struct http_chunked *c, struct slice in, size_t *used,
    void (*data)(void *arg, struct slice piece), void *arg)
{
	struct state *s = (struct state *)(void *)c;
	struct feed f = { s, in.p, data, arg };
	const char *end = in.p + in.n;
	llhttp_errno_t e;

	*used = 0;
	if (s->broken)
		return CHUNKED_BAD;
	if (s->ended)
		return CHUNKED_END;
	if (in.n == 0)
		return CHUNKED_MORE;
	s->parser.data = &f;
	e = llhttp_execute(&s->parser, in.p, in.n);
	s->parser.data = NULL;
	if (s->ended)
		end = e == HPE_PAUSED ? stopped_at(&s->parser, in) : NULL;
	s->broken = !end || (e != HPE_OK && !s->ended) || !gap_good(&f, end);
	if (s->broken)
		return CHUNKED_BAD;
	*used = (size_t)(end - in.p);
	return s->ended ? CHUNKED_END : CHUNKED_MORE;
}
