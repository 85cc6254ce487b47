/*
 * test_head.c: request heads, each refused one beside its nearest good one.
 */
#include "dockbroker/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GET	"GET /_ping HTTP/1.1\r\n"
#define POST	"POST /v1.41/build HTTP/1.1\r\n"
#define HOST	"Host: d\r\n"
#define END	"\r\n"

struct pair {
	const char *name;
	unsigned status;		/* of the refusal */
	struct slice bad, good;
};

#define PAIR(name, status, bad, good)	{ name, status, SLICE(bad), SLICE(good) },

static const struct pair requests[] = {
	/* both lengths */
	PAIR("CL then TE", 400,
	    POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
	    POST HOST "Content-Length: 5\r\n" END)
	PAIR("TE then CL", 400,
	    POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\n" END)
	PAIR("TE and CL 0", 400,
	    POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END,
	    POST HOST "Content-Length: 0\r\n" END)
	PAIR("TE with a bad CL", 400,
	    POST HOST "Transfer-Encoding: chunked\r\nContent-Length: x\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\nContent-Type: x\r\n" END)
	/* transfer encodings */
	PAIR("TE twice", 400,
	    POST HOST "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\n" END)
	PAIR("TE chunked then identity", 400,
	    POST HOST "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: identity\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\nTE: identity\r\n" END)
	PAIR("TE identity", 400,
	    POST HOST "Transfer-Encoding: identity\r\n" END,
	    POST HOST "X-Transfer-Encoding: identity\r\n" END)
	PAIR("TE xchunked", 400,
	    POST HOST "Transfer-Encoding: xchunked\r\n" END,
	    POST HOST "Transfer-Encoding: CHUNKED\r\n" END)
	PAIR("TE chunkedx", 400,
	    POST HOST "Transfer-Encoding: chunkedx\r\n" END,
	    POST HOST "Transfer-Encoding: chunked  \r\n" END)
	PAIR("TE chunked,", 400,
	    POST HOST "Transfer-Encoding: chunked,\r\n" END,
	    POST HOST "transfer-encoding:chunked\r\n" END)
	PAIR("TE chunked, chunked", 400,
	    POST HOST "Transfer-Encoding: chunked, chunked\r\n" END,
	    POST HOST "Transfer-Encoding:   chunked\r\n" END)
	PAIR("TE gzip, chunked", 400,
	    POST HOST "Transfer-Encoding: gzip, chunked\r\n" END,
	    POST HOST "Content-Encoding: gzip\r\n"
	    "Transfer-Encoding: chunked\r\n" END)
	PAIR("TE chunked;q=1", 400,
	    POST HOST "Transfer-Encoding: chunked;q=1\r\n" END,
	    POST HOST "TRANSFER-ENCODING: chunked\r\n" END)
	PAIR("TE \"chunked\"", 400,
	    POST HOST "Transfer-Encoding: \"chunked\"\r\n" END,
	    POST HOST "Transfer-Encoding: Chunked\r\n" END)
	PAIR("TE empty", 400,
	    POST HOST "Transfer-Encoding:\r\n" END,
	    POST HOST "X-Empty:\r\n" END)
	PAIR("TE after a tab", 400,
	    POST HOST "Transfer-Encoding:\tchunked\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\n" END)
	PAIR("TE after a vertical tab", 400,
	    POST HOST "Transfer-Encoding: \x0b" "chunked\r\n" END,
	    POST HOST "Transfer-Encoding:  chunked\r\n" END)
	PAIR("TE on 1.0", 400,
	    "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END,
	    "POST / HTTP/1.0\r\n" HOST "Content-Length: 5\r\n" END)
	PAIR("TE with an underscore is another field", 400,
	    POST HOST "Transfer_Encoding: chunked\r\n"
	    "Transfer-Encoding: x\r\n" END,
	    POST HOST "Transfer_Encoding: chunked\r\n" END)
	/* content lengths */
	PAIR("CL +5", 400, POST HOST "Content-Length: +5\r\n" END,
	    POST HOST "Content-Length: 5\r\n" END)
	PAIR("CL -5", 400, POST HOST "Content-Length: -5\r\n" END,
	    POST HOST "Content-Length: 5 \r\n" END)
	PAIR("CL 5,5", 400, POST HOST "Content-Length: 5,5\r\n" END,
	    POST HOST "Content-Length: 55\r\n" END)
	PAIR("CL 5, 5", 400, POST HOST "Content-Length: 5, 5\r\n" END,
	    POST HOST "Content-Length:   5\r\n" END)
	PAIR("CL 5 5", 400, POST HOST "Content-Length: 5 5\r\n" END,
	    POST HOST "Content-Length:55\r\n" END)
	PAIR("CL 0x5", 400, POST HOST "Content-Length: 0x5\r\n" END,
	    POST HOST "Content-Length: 0\r\n" END)
	PAIR("CL 05", 400, POST HOST "Content-Length: 05\r\n" END,
	    POST HOST "Content-Length: 50\r\n" END)
	PAIR("CL 5.0", 400, POST HOST "Content-Length: 5.0\r\n" END,
	    POST HOST "Content-Length: 5\r\n" END)
	PAIR("CL 5e1", 400, POST HOST "Content-Length: 5e1\r\n" END,
	    POST HOST "Content-Length: 51\r\n" END)
	PAIR("CL empty", 400, POST HOST "Content-Length:\r\n" END,
	    POST HOST "Content-Lengt:\r\n" END)
	PAIR("CL past 64 bits", 400,
	    POST HOST "Content-Length: 18446744073709551616\r\n" END,
	    POST HOST "Content-Length: 9223372036854775807\r\n" END)
	PAIR("CL past 63 bits", 400,
	    POST HOST "Content-Length: 9223372036854775808\r\n" END,
	    POST HOST "Content-Length: 922337203685477580\r\n" END)
	PAIR("CL of thirty digits", 400,
	    POST HOST "Content-Length: 000000000000000000000000000005\r\n" END,
	    POST HOST "Content-Length: 5\r\n" END)
	PAIR("CL twice, the same", 400,
	    POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END,
	    POST HOST "Content-Length: 5\r\nX-Content-Length: 5\r\n" END)
	PAIR("CL twice, in other cases", 400,
	    POST HOST "Content-Length: 5\r\ncontent-length: 6\r\n" END,
	    POST HOST "content-length: 6\r\n" END)
	PAIR("CL in other digits", 400,
	    POST HOST "Content-Length: \xd9\xa5\r\n" END,
	    POST HOST "User-Agent: \xd9\xa5\r\n" END)
	/* lines */
	PAIR("folded by a space", 400,
	    GET HOST "X-A: b\r\n c\r\n" END, GET HOST "X-A: b\r\nc: d\r\n" END)
	PAIR("folded by a tab", 400,
	    GET HOST "X-A: b\r\n\tc\r\n" END, GET HOST "X-A: b c\r\n" END)
	PAIR("folded Transfer-Encoding", 400,
	    POST HOST "Transfer-Encoding:\r\n chunked\r\n" END,
	    POST HOST "Transfer-Encoding: chunked\r\n" END)
	PAIR("a space before the first field", 400,
	    GET " " HOST END, GET HOST END)
	PAIR("a space in the empty line", 400,
	    GET HOST " \r\n" END, GET HOST END)
	PAIR("bare LF in all", 400,
	    "GET / HTTP/1.1\nHost: d\n\n", "GET / HTTP/1.1\r\nHost: d\r\n\r\n")
	PAIR("bare LF behind the request line", 400,
	    "GET / HTTP/1.1\n" HOST END, "GET / HTTP/1.1\r\n" HOST END)
	PAIR("bare LF behind a field", 400,
	    GET "Host: d\n" END, GET "Host: d\r\n" END)
	PAIR("bare LF as the empty line", 400,
	    GET HOST "\n", GET HOST "\r\n")
	PAIR("bare LF in a value", 400,
	    GET HOST "X-A: b\nTransfer-Encoding: chunked\r\n" END,
	    GET HOST "X-A: b\r\nTransfer-Encoding: chunked\r\n" END)
	PAIR("bare CR in a value", 400,
	    GET HOST "X-A: b\rc\r\n" END, GET HOST "X-A: b c\r\n" END)
	PAIR("bare CR for a line end", 400,
	    GET HOST "X-A: b\rContent-Length: 5\r\n" END,
	    GET HOST "X-A: b\r\nContent-Length: 5\r\n" END)
	PAIR("bare CR behind the request line", 400,
	    "GET / HTTP/1.1\r" HOST END, "GET / HTTP/1.1\r\n" HOST END)
	PAIR("CR CR LF", 400, GET "Host: d\r\r\n" END, GET "Host: d\r\n" END)
	PAIR("an empty line first", 400, "\r\n" GET HOST END, GET HOST END)
	PAIR("a space first", 400, " " GET HOST END, GET HOST END)
	PAIR("LF first", 400, "\n" GET HOST END, GET HOST END)
	/* names and values */
	PAIR("NUL in a value", 400,
	    GET HOST "X-A: b\0c\r\n" END, GET HOST "X-A: bc\r\n" END)
	PAIR("NUL in a name", 400,
	    GET HOST "X\0A: b\r\n" END, GET HOST "XA: b\r\n" END)
	PAIR("NUL in the target", 400,
	    "GET /a\0b HTTP/1.1\r\n" HOST END, "GET /ab HTTP/1.1\r\n" HOST END)
	PAIR("DEL in a value", 400,
	    GET HOST "X-A: b\x7f\r\n" END, GET HOST "X-A: b~\r\n" END)
	PAIR("ESC in a value", 400,
	    GET HOST "X-A: \x1b[2J\r\n" END, GET HOST "X-A: [2J\r\n" END)
	PAIR("tab in a value", 400,
	    GET HOST "X-A: b\tc\r\n" END, GET HOST "X-A: b  c\r\n" END)
	PAIR("space before the colon", 400,
	    POST HOST "Content-Length : 5\r\n" END,
	    POST HOST "Content-Length: 5\r\n" END)
	PAIR("tab before the colon", 400,
	    POST HOST "Content-Length\t: 5\r\n" END,
	    POST HOST "Content-Length:5\r\n" END)
	PAIR("space in a name", 400,
	    GET HOST "X A: b\r\n" END, GET HOST "X-A: b\r\n" END)
	PAIR("no colon", 400, GET HOST "XA\r\n" END, GET HOST "XA:\r\n" END)
	PAIR("no name", 400, GET HOST ": b\r\n" END, GET HOST "b: \r\n" END)
	PAIR("unicode in a name", 400,
	    GET HOST "X-\xc3\xa4: b\r\n" END, GET HOST "X-a: \xc3\xa4\r\n" END)
	PAIR("bracket in a name", 400,
	    GET HOST "X(A): b\r\n" END, GET HOST "X!A: b\r\n" END)
	/* Host */
	PAIR("no Host", 400, GET END, GET HOST END)
	PAIR("no Host on 1.1", 400,
	    "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n")
	PAIR("two Hosts", 400, GET HOST HOST END, GET HOST "X-Host: d\r\n" END)
	PAIR("Host with a space", 400,
	    GET "Host: d e\r\n" END, GET "Host: d.e\r\n" END)
	PAIR("Host with a comma", 400,
	    GET "Host: d,e\r\n" END, GET "Host: d:80\r\n" END)
	PAIR("Host in unicode", 400,
	    GET "Host: \xc3\xa4\r\n" END, GET "Host:\r\n" END)
	/* other repeated fields */
	PAIR("two Content-Types", 400,
	    POST HOST "Content-Type: a/b\r\nContent-Type: c/d\r\n" END,
	    POST HOST "Content-Type: a/b\r\nAccept: c/d\r\n" END)
	PAIR("two Connections", 400,
	    GET HOST "Connection: close\r\nConnection: close\r\n" END,
	    GET HOST "Connection: close, close\r\n" END)
	PAIR("two Upgrades", 400,
	    GET HOST "Connection: upgrade\r\nUpgrade: tcp\r\nUpgrade: tcp\r\n"
	    END,
	    GET HOST "Connection: upgrade\r\nUpgrade: tcp\r\n" END)
	PAIR("two registry credentials", 400,
	    POST HOST "X-Registry-Auth: e30=\r\nX-Registry-Auth: e30=\r\n" END,
	    POST HOST "X-Registry-Auth: e30=\r\nX-Registry-Config: e30=\r\n"
	    END)
	PAIR("two expectations", 400,
	    POST HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n" END,
	    POST HOST "Expect: 100-continue\r\n" END)
	PAIR("another expectation", 417,
	    POST HOST "Expect: 200-ok\r\n" END,
	    POST HOST "Expect: 100-Continue\r\n" END)
	/* Connection and Upgrade */
	PAIR("Connection: Content-Length", 400,
	    POST HOST "Content-Length: 5\r\nConnection: Content-Length\r\n" END,
	    POST HOST "Content-Length: 5\r\nConnection: X-Trace\r\n" END)
	PAIR("Connection: close, host", 400,
	    GET HOST "Connection: close, host\r\n" END,
	    GET HOST "Connection: close, te\r\n" END)
	PAIR("Connection: Transfer-Encoding", 400,
	    GET HOST "Connection: Transfer-Encoding\r\n" END,
	    GET HOST "Connection: Keep-Alive\r\n" END)
	PAIR("Connection that is no token", 400,
	    GET HOST "Connection: close; x\r\n" END,
	    GET HOST "Connection: close , x\r\n" END)
	PAIR("upgrade of a chunked request", 400,
	    POST HOST "Connection: upgrade\r\nUpgrade: tcp\r\n"
	    "Transfer-Encoding: chunked\r\n" END,
	    POST HOST "Connection: upgrade\r\nUpgrade: tcp\r\n"
	    "Content-Length: 2\r\n" END)
	PAIR("upgrade to one of two", 400,
	    POST HOST "Connection: upgrade\r\nUpgrade: tcp, h2c\r\n" END,
	    POST HOST "Connection: upgrade\r\nUpgrade: h2c\r\n" END)
	PAIR("upgrade on 1.0", 400,
	    "POST / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: tcp\r\n" END,
	    "POST / HTTP/1.0\r\nUpgrade: tcp\r\n" END)
	/* first lines */
	PAIR("HTTP/1.2", 505, "GET / HTTP/1.2\r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("HTTP/0.9", 505, "GET / HTTP/0.9\r\n" HOST END,
	    "GET / HTTP/1.0\r\n" HOST END)
	PAIR("HTTP/2.0", 505, "GET / HTTP/2.0\r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("the preface of HTTP/2", 505,
	    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", GET HOST END)
	PAIR("HTTP/1.10", 400, "GET / HTTP/1.10\r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("http/1.1", 400, "GET / http/1.1\r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("no version", 400, "GET /\r\n" HOST END,
	    "GET / HTTP/1.0\r\n" HOST END)
	PAIR("a space behind the version", 400, "GET / HTTP/1.1 \r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("two spaces before the target", 400,
	    "GET  / HTTP/1.1\r\n" HOST END, "GET /+ HTTP/1.1\r\n" HOST END)
	PAIR("two spaces behind the target", 400,
	    "GET /  HTTP/1.1\r\n" HOST END, "GET /%20 HTTP/1.1\r\n" HOST END)
	PAIR("tab for the space", 400, "GET\t/ HTTP/1.1\r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("tab in the target", 400, "GET /\tHTTP/1.1\r\n" HOST END,
	    "GET /%09 HTTP/1.1\r\n" HOST END)
	PAIR("a space in the target", 400, "GET /a b HTTP/1.1\r\n" HOST END,
	    "GET /a%20b HTTP/1.1\r\n" HOST END)
	PAIR("unicode in the target", 400,
	    "GET /\xc3\xa4 HTTP/1.1\r\n" HOST END,
	    "GET /%C3%A4 HTTP/1.1\r\n" HOST END)
	PAIR("lower-case method", 400, "get / HTTP/1.1\r\n" HOST END,
	    "GET / HTTP/1.1\r\n" HOST END)
	PAIR("mixed-case method", 400, "Get / HTTP/1.1\r\n" HOST END,
	    "HEAD / HTTP/1.1\r\n" HOST END)
	PAIR("unknown method", 400, "GETS / HTTP/1.1\r\n" HOST END,
	    "PATCH / HTTP/1.1\r\n" HOST END)
	PAIR("method with a colon", 400, "GET: / HTTP/1.1\r\n" HOST END,
	    "DELETE / HTTP/1.1\r\n" HOST END)
	PAIR("absolute form", 400, "GET http://d/ HTTP/1.1\r\n" HOST END,
	    "GET /http://d/ HTTP/1.1\r\n" HOST END)
	PAIR("absolute form of a socket", 400,
	    "GET unix:///x HTTP/1.1\r\n" HOST END, "GET /x HTTP/1.1\r\n" HOST
	    END)
	PAIR("authority form", 400, "CONNECT d:80 HTTP/1.1\r\n" HOST END,
	    "TRACE /d:80 HTTP/1.1\r\n" HOST END)
	PAIR("* of GET", 400, "GET * HTTP/1.1\r\n" HOST END,
	    "OPTIONS * HTTP/1.1\r\n" HOST END)
	PAIR("** of OPTIONS", 400, "OPTIONS ** HTTP/1.1\r\n" HOST END,
	    "OPTIONS /* HTTP/1.1\r\n" HOST END)
	PAIR("a path without its slash", 400,
	    "GET _ping HTTP/1.1\r\n" HOST END, "GET /_ping HTTP/1.1\r\n" HOST
	    END)
	PAIR("a TLS hello", 400, "\x16\x03\x01\x02\r\n\r\n", GET HOST END)
};

/* From a copy of the exact size, so that ASan sees each byte too far. */
static int parse(struct slice in, struct http_head *head, size_t *used,
    struct http_error *err)
{
	size_t scanned = 0;

	*err = (struct http_error){ 0 };
	return http_request_parse(in, &scanned, BOUND_HEAD, head, used, err);
}

static void test_pairs(void **state _unused_)
{
	struct http_head head;
	struct http_error err;
	size_t used;

	assert_true(countof(requests) >= 60);
	for (size_t i = 0; i < countof(requests); i++) {
		const struct pair *p = &requests[i];
		int r = parse(p->bad, &head, &used, &err);

		if (r != HTTP_BAD || err.status != p->status || !err.why)
			fail_msg("%s: %d, %u", p->name, r, err.status);
		r = parse(p->good, &head, &used, &err);
		if (r != HTTP_GOOD || used != p->good.n)
			fail_msg("beside %s: %d: %s", p->name, r, err.why);
	}
}

/* However a head is cut, and whatever follows: the same outcome. */
static void test_slow_and_fast(void **state _unused_)
{
	char more[512];
	struct http_head head;
	struct http_error err;

	for (size_t i = 0; i < countof(requests); i++) {
		struct slice good = requests[i].good, bad = requests[i].bad;
		size_t scanned = 0, used = 0;
		struct slice in = { good.p, 0 };

		for (; in.n < good.n; in.n++)
			assert_int_equal(http_request_parse(in, &scanned,
			    BOUND_HEAD, &head, &used, &err), HTTP_MORE);
		assert_int_equal(http_request_parse(in, &scanned, BOUND_HEAD,
		    &head, &used, &err), HTTP_GOOD);
		snprintf(more, sizeof(more), "%.*s%s", SLICE_ARG(good), "5\r\n"
		    "GET / HTTP/1.1\r\nHost: d\r\n\r\n");
		assert_int_equal(parse(slice_from(more), &head, &used, &err),
		    HTTP_GOOD);
		assert_int_equal(used, good.n);
		scanned = 0;
		for (in = (struct slice){ bad.p, 0 }; in.n < bad.n; in.n++)
			if (http_request_parse(in, &scanned, BOUND_HEAD, &head,
			    &used, &err) != HTTP_MORE)
				break;
		assert_int_equal(http_request_parse(in, &scanned, BOUND_HEAD,
		    &head, &used, &err), HTTP_BAD);
	}
}

static struct http_head good(const char *text)
{
	struct http_head head;
	struct http_error err;
	size_t used;

	assert_int_equal(parse(slice_from(text), &head, &used, &err),
	    HTTP_GOOD);
	assert_int_equal(used, strlen(text));
	return head;
}

static void test_values(void **state _unused_)
{
	struct http_head h = good("POST /v1.41/exec/1/start?a=b HTTP/1.1\r\n"
	    "Host: d\r\nUser-Agent:  Docker-Client/28.2.2 (linux)  \r\n"
	    "X-Other: 1\r\ncontent-type: application/json\r\n"
	    "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 28\r\n"
	    "\r\n");

	assert_int_equal(h.method, METHOD_POST);
	assert_true(slice_is(h.target, "/v1.41/exec/1/start?a=b"));
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.framing, FRAMING_LENGTH);
	assert_int_equal(h.length, 28);
	assert_true(h.keep_alive && h.upgrade && !h.expect_continue);
	assert_int_equal(h.nfields, 7);
	assert_int_equal(h.fields[2].id, HEADER_OTHER);
	assert_true(slice_is(h.fields[2].name, "X-Other"));
	assert_true(slice_is(h.fields[2].value, "1"));
	assert_true(slice_is(h.known[HEADER_USER_AGENT],
	    "Docker-Client/28.2.2 (linux)"));
	assert_true(slice_is(h.known[HEADER_CONTENT_TYPE],
	    "application/json"));
	assert_null(h.known[HEADER_OTHER].p);
	assert_null(h.known[HEADER_EXPECT].p);
}

static void test_connection(void **state _unused_)
{
	assert_true(good(GET HOST END).keep_alive);
	assert_false(good(GET HOST "Connection: Close\r\n" END).keep_alive);
	assert_false(good(GET HOST "Connection: close, keep-alive\r\n"
	    END).keep_alive);
	assert_false(good("GET / HTTP/1.0\r\n" END).keep_alive);
	assert_true(good("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"
	    END).keep_alive);
	/* one without the other is none */
	assert_false(good(GET HOST "Upgrade: tcp\r\n" END).upgrade);
	assert_false(good(GET HOST "Connection: upgrade\r\n" END).upgrade);
	assert_true(good(GET HOST "Upgrade: h2c\r\n"
	    "Connection: Upgrade, HTTP2-Settings\r\n" END).upgrade);
}

static void test_framing(void **state _unused_)
{
	struct http_head h = good(POST HOST END);

	assert_int_equal(h.framing, FRAMING_NONE);
	h = good(POST HOST "Content-Length: 0\r\n" END);
	assert_int_equal(h.framing, FRAMING_NONE);
	assert_non_null(h.known[HEADER_CONTENT_LENGTH].p);
	h = good(POST HOST "Transfer-Encoding: chunked\r\n"
	    "Expect: 100-continue\r\n" END);
	assert_int_equal(h.framing, FRAMING_CHUNKED);
	assert_true(h.expect_continue);
	/* without a body there is nothing to wait for */
	assert_false(good(GET HOST "Expect: 100-continue\r\n"
	    END).expect_continue);
	assert_int_equal(good("PATCH / HTTP/1.1\r\n" HOST END).method,
	    METHOD_OTHER);
	assert_int_equal(good("OPTIONS * HTTP/1.1\r\n" HOST END).method,
	    METHOD_OPTIONS);
	h = good(GET "Host:\r\n" END);
	assert_non_null(h.known[HEADER_HOST].p);
}

static char big[BOUND_HEAD + 4096];

/* GET of a target of n bytes, then m fields, then a field that fills the
 * head up to total, if that is not 0. */
static struct slice big_head(size_t n, size_t m, size_t total)
{
	size_t len;

	memset(big, 'a', sizeof(big));
	memcpy(big, "GET /", 5);
	len = 4 + n;
	len += (size_t)sprintf(big + len, " HTTP/1.1\r\nHost: d\r\n");
	for (size_t i = 1; i < m; i++)
		len += (size_t)sprintf(big + len, "A%zu: b\r\n", i);
	if (total > 0) {
		memcpy(big + len, "X: ", 3);
		big[len + 3] = 'a';
		len = total - 4;
		memcpy(big + len, "\r\n", 2);
		len += 2;
	}
	memcpy(big + len, "\r\n", 2);
	return (struct slice){ big, len + 2 };
}

static void test_bounds(void **state _unused_)
{
	struct http_head h;
	struct http_error e;
	size_t used, scanned = 0;

	assert_int_equal(parse(big_head(BOUND_TARGET, 1, 0), &h, &used, &e),
	    HTTP_GOOD);
	assert_int_equal(h.target.n, BOUND_TARGET);
	assert_int_equal(parse(big_head(BOUND_TARGET + 1, 1, 0), &h, &used,
	    &e), HTTP_BAD);
	assert_int_equal(e.status, 414);
	assert_int_equal(parse(big_head(4, BOUND_HEADERS, 0), &h, &used, &e),
	    HTTP_GOOD);
	assert_int_equal(h.nfields, BOUND_HEADERS);
	assert_int_equal(parse(big_head(4, BOUND_HEADERS + 1, 0), &h, &used,
	    &e), HTTP_BAD);
	assert_int_equal(e.status, 431);
	assert_int_equal(parse(big_head(4, 2, BOUND_HEAD), &h, &used, &e),
	    HTTP_GOOD);
	assert_int_equal(used, BOUND_HEAD);
	assert_int_equal(parse(big_head(4, 2, BOUND_HEAD + 1), &h, &used, &e),
	    HTTP_BAD);
	assert_int_equal(e.status, 431);
	assert_int_equal(parse((struct slice){ big, BOUND_HEAD - 1 }, &h,
	    &used, &e), HTTP_MORE);
	assert_int_equal(parse((struct slice){ big, BOUND_HEAD }, &h, &used,
	    &e), HTTP_BAD);
	/* a request line without an end */
	big_head(BOUND_HEAD + 1, 1, 0);
	assert_int_equal(parse((struct slice){ big, BOUND_HEAD }, &h, &used,
	    &e), HTTP_BAD);
	assert_int_equal(e.status, 414);
	/* a lower bound of the operator's */
	assert_int_equal(http_request_parse(big_head(4, 2, 1000), &scanned,
	    1000, &h, &used, &e), HTTP_GOOD);
	assert_int_equal(http_request_parse(big_head(4, 2, 1001), &scanned,
	    1000, &h, &used, &e), HTTP_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_slow_and_fast),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
