/*
 * http.h: HTTP/1.1 heads, bodies and targets, over llhttp.  Bytes in, values
 * out: no sockets, no Docker.  Slices point into what the caller gave and
 * live as long as that does.
 */
#ifndef DOCKBROKER_HTTP_H
#define DOCKBROKER_HTTP_H

#include "dockbroker/base.h"

enum method {
	METHOD_NONE, METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT,
	METHOD_DELETE, METHOD_OPTIONS, METHOD_OTHER
};
const char *method_name(enum method m);

/* Fields that we act upon; everything else is HEADER_OTHER and is dropped
 * from requests. */
enum header {
	HEADER_OTHER,
#define HEADER(id, name)	HEADER_##id,
#include "dockbroker/header.def"
	HEADER_COUNT
};
const char *header_name(enum header h);		/* in canonical spelling */
enum header header_find(struct slice name);	/* case-insensitive */

enum framing {
	FRAMING_NONE,			/* no body */
	FRAMING_LENGTH,			/* length bytes */
	FRAMING_CHUNKED,
	FRAMING_CLOSE			/* responses only: until the end of the stream */
};

struct http_field { enum header id; struct slice name, value; };

struct http_head {
	enum method method;		/* requests */
	struct slice target;		/* requests: as it came */
	unsigned status;		/* responses */
	unsigned minor;			/* of HTTP/1.x */
	enum framing framing;
	uint64_t length;		/* what Content-Length says, also where no body follows (HEAD, 304) */
	bool keep_alive;
	bool upgrade;			/* Connection: upgrade with an Upgrade field; responses: 101 */
	bool expect_continue;		/* only where a body follows */
	size_t nfields;
	struct http_field fields[BOUND_HEADERS];
	/* first field of each known kind, .p NULL when absent; set from
	 * fields[] up to nfields alone, the rest is not initialised */
	struct slice known[HEADER_COUNT];
};

enum http_outcome {
	HTTP_GOOD,
	HTTP_MORE,			/* the head is not complete yet */
	HTTP_BAD			/* *status and *why say the error; close after it */
};

struct http_error { unsigned status; const char *why; };

/*
 * in: what has arrived.  scanned: where the search for the end of the head
 * stopped last time; 0 for a new head.  max: bytes that a head may have; past
 * it 431.  On HTTP_GOOD *used is the length of the head with its empty line,
 * and *scanned is 0 again.  Content-Length: 0 is FRAMING_NONE in a request.
 *
 * Refused with 400, beside what llhttp refuses in strict mode: both
 * Content-Length and Transfer-Encoding; any repeated Content-Length,
 * Transfer-Encoding, Host, Connection, Upgrade, Content-Type, Expect or
 * X-Registry-*; a Transfer-Encoding other than "chunked"; folded lines; bare
 * CR or LF; NUL and other controls (tabs too) in values; space before the
 * colon; no Host on 1.1; HTTP/1.0 with Transfer-Encoding; targets that are not
 * origin-form ("*" of OPTIONS is taken), so every CONNECT; Connection that
 * names a field of header.def; upgrades on 1.0, with a chunked body or to more
 * than one protocol.  HTTP versions other than 1.0 and 1.1: 505.  Too many
 * fields: 431.  Target too long: 414.  Expect of anything else: 417.
 */
int http_request_parse(struct slice in, size_t *scanned, size_t max,
    struct http_head *head, size_t *used, struct http_error *err) _must_check_;

/* The Engine's answer to method.  1xx other than 101 are HTTP_GOOD with
 * FRAMING_NONE: the caller goes on with the next head.  Content-Length: 0 is
 * FRAMING_LENGTH here.  On HTTP_BAD err->status is always 502. */
int http_response_parse(struct slice in, size_t *scanned, enum method method,
    struct http_head *head, size_t *used, struct http_error *err) _must_check_;

/* Chunked bodies.  Memory is fixed: the state is in the struct. */
struct http_chunked {
	uint64_t state[16];		/* llhttp_t lives here */
};
enum chunked_outcome { CHUNKED_MORE, CHUNKED_END, CHUNKED_BAD };
void http_chunked_init(struct http_chunked *c);
/* Gives decoded pieces to data() while it eats in; *used: how much of in
 * belongs to the body (less than in.n only at CHUNKED_END or _BAD).  Chunk
 * extensions and trailers are refused past BOUND_CHUNK_LINE/BOUND_TRAILER,
 * and dropped below.  After CHUNKED_BAD pieces given to data() before may
 * not be used as a whole body; further feeds eat nothing. */
int http_chunked_feed(struct http_chunked *c, struct slice in, size_t *used,
    void (*data)(void *arg, struct slice piece), void *arg) _must_check_;

/* ---- targets ---- */

struct http_param { struct slice name, value; bool has_value; };

/* A target, decoded once.  Slices point into arena, each with a NUL behind. */
struct http_target {
	bool versioned;
	unsigned major, minor;		/* /v1.41/... */
	bool trailing_slash;
	size_t nsegments;
	struct slice segments[BOUND_SEGMENTS];	/* without the version */
	size_t nparams;
	struct http_param params[BOUND_PARAMETERS];
};

/*
 * "/v1.41/containers/a%20b/json?x=1" -> segments {containers, "a b", json}.
 * Refused (HTTP_BAD, 400): empty, "." and ".." segments before or after
 * decoding; %2F, %00 and controls in segments; %XX that is not hex; ";" in the
 * query; empty parameter names; bytes past ASCII that are not valid UTF-8
 * after decoding; fragments; versions with leading zeros or other than
 * 1.NN; more than the bounds (target: 414).  One trailing slash is kept as a
 * flag; "/" alone is that flag without segments, "/x?" is "/x".  503 when the
 * arena is full.
 */
int http_target_parse(struct slice target, size_t max_params, struct arena *a,
    struct http_target *out, struct http_error *err) _must_check_;

/* Percent-encodes all but unreserved characters ("/" too). */
void http_encode(struct buf *b, struct slice s);

/* ---- writing ---- */

/* A whole answer of our own: JSON. */
void http_write_answer(struct buf *b, unsigned status, struct slice json,
    bool close, const char *api_version);

const char *http_reason(unsigned status);
/* Status line, Content-Type: application/json, length and body
 * {"message":"..."}, as the Engine's own errors look; 204 has neither length nor
 * body.  version: value of
 * Api-Version or "". */
void http_write_error(struct buf *b, unsigned status, struct slice message,
    bool close, bool head_only, const char *api_version);

#endif
