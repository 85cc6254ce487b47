/*
 * test_response.c: response heads, each refused one beside its nearest good
 * one.
 */
#include "dockbroker/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define END	"\r\n"
#define OK	"HTTP/1.1 200 OK\r\n"

struct pair {
	const char *name;
	unsigned status;		/* of the refusal */
	struct slice bad, good;
};

#define PAIR(name, status, bad, good)	{ name, status, SLICE(bad), SLICE(good) },

static const struct pair responses[] = {
	PAIR("both lengths", 502,
	    OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
	    OK "Content-Length: 5\r\n" END)
	PAIR("both, the other way", 502,
	    OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END,
	    OK "Transfer-Encoding: chunked\r\n" END)
	PAIR("CL twice", 502,
	    OK "Content-Length: 5\r\nContent-Length: 5\r\n" END,
	    OK "X-A: 5\r\nX-A: 5\r\n" END)
	PAIR("TE twice", 502,
	    OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
	    END,
	    OK "Server: a\tb\r\nServer: a\r\n" END)
	PAIR("TE gzip", 502, OK "Transfer-Encoding: gzip\r\n" END,
	    OK "Content-Encoding: gzip\r\n" END)
	PAIR("CL -1", 502, OK "Content-Length: -1\r\n" END,
	    OK "Content-Length: 1\r\n" END)
	PAIR("CL 1,1", 502, OK "Content-Length: 1,1\r\n" END,
	    OK "Content-Length: 11\r\n" END)
	PAIR("TE on 1.0", 502,
	    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" END,
	    "HTTP/1.0 200 OK\r\n" END)
	PAIR("status 099", 502, "HTTP/1.1 099 OK\r\n" END,
	    "HTTP/1.1 100 OK\r\n" END)
	PAIR("status 600", 502, "HTTP/1.1 600 OK\r\n" END,
	    "HTTP/1.1 599 OK\r\n" END)
	PAIR("status 20", 502, "HTTP/1.1 20 OK\r\n" END,
	    "HTTP/1.1 200 \r\n" END)
	PAIR("status 2000", 502, "HTTP/1.1 2000 OK\r\n" END,
	    "HTTP/1.1 200\r\n" END)
	PAIR("status 2x0", 502, "HTTP/1.1 2x0 OK\r\n" END,
	    "HTTP/1.1 299 status code 299\r\n" END)
	PAIR("HTTP/2", 502, "HTTP/2.0 200 OK\r\n" END, OK END)
	PAIR("ICY", 502, "ICY 200 OK\r\n" END, OK END)
	PAIR("RTSP", 502, "RTSP/1.0 200 OK\r\n" END, "HTTP/1.0 200 OK\r\n" END)
	PAIR("garbage", 502, "\x01\x00\x00\x00 hello\r\n" END, OK END)
	PAIR("an empty line first", 502, "\r\n" OK END, OK END)
	PAIR("bare LF", 502, "HTTP/1.1 200 OK\n\n", OK END)
	PAIR("bare CR", 502, OK "X: a\rb\r\n" END, OK "X: a b\r\n" END)
	PAIR("folded", 502, OK "X: a\r\n b\r\n" END, OK "X: a\r\nb:\r\n" END)
	PAIR("NUL in the reason", 502, "HTTP/1.1 200 O\0K\r\n" END,
	    "HTTP/1.1 200 O K\r\n" END)
	PAIR("204 with a length", 502,
	    "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n" END,
	    "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n" END)
	PAIR("101 in chunks", 502,
	    "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
	    "Transfer-Encoding: chunked\r\n" END,
	    "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
	    END)
};

static int answer(struct slice in, enum method m, struct http_head *h,
    size_t *used, struct http_error *err)
{
	size_t scanned = 0;

	*err = (struct http_error){ 0 };
	return http_response_parse(in, &scanned, m, h, used, err);
}

static void test_responses(void **state _unused_)
{
	struct http_head h;
	struct http_error err;
	size_t used;

	for (size_t i = 0; i < countof(responses); i++) {
		const struct pair *p = &responses[i];
		int r = answer(p->bad, METHOD_GET, &h, &used, &err);

		if (r != HTTP_BAD || err.status != p->status || !err.why)
			fail_msg("%s: %d, %u", p->name, r, err.status);
		r = answer(p->good, METHOD_GET, &h, &used, &err);
		if (r != HTTP_GOOD || used != p->good.n)
			fail_msg("beside %s: %d: %s", p->name, r, err.why);
	}
}

static struct http_head answered(const char *text, enum method m)
{
	struct http_head h;
	struct http_error err;
	size_t used;

	assert_int_equal(answer(slice_from(text), m, &h, &used, &err),
	    HTTP_GOOD);
	return h;
}

static void test_response_framing(void **state _unused_)
{
	struct http_head h = answered(OK "Api-Version: 1.51\r\n"
	    "Content-Length: 2\r\n" END "OK", METHOD_GET);

	assert_int_equal(h.status, 200);
	assert_int_equal(h.framing, FRAMING_LENGTH);
	assert_int_equal(h.length, 2);
	assert_true(h.keep_alive);
	assert_true(slice_is(h.known[HEADER_API_VERSION], "1.51"));
	h = answered(OK "Content-Length: 2\r\n" END, METHOD_HEAD);
	assert_int_equal(h.framing, FRAMING_NONE);
	assert_int_equal(h.length, 2);
	h = answered(OK "Content-Length: 0\r\n" END, METHOD_GET);
	assert_int_equal(h.framing, FRAMING_LENGTH);
	assert_int_equal(h.length, 0);
	h = answered(OK END, METHOD_POST);
	assert_int_equal(h.framing, FRAMING_CLOSE);
	assert_false(h.keep_alive);
	h = answered("HTTP/1.1 204 No Content\r\n" END, METHOD_POST);
	assert_int_equal(h.framing, FRAMING_NONE);
	assert_true(h.keep_alive);
	h = answered("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n" END,
	    METHOD_GET);
	assert_int_equal(h.framing, FRAMING_NONE);
	assert_int_equal(h.length, 7);
	h = answered("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n"
	    "Content-Type: application/vnd.docker.raw-stream\r\n"
	    "Upgrade: tcp\r\n" END "raw", METHOD_POST);
	assert_int_equal(h.framing, FRAMING_NONE);
	assert_true(h.upgrade && !h.keep_alive);
	h = answered("HTTP/1.1 100 Continue\r\n" END OK END, METHOD_POST);
	assert_int_equal(h.status, 100);
	assert_true(h.framing == FRAMING_NONE && h.keep_alive && !h.upgrade);
	h = answered(OK "Connection: close\r\nContent-Length: 0\r\n" END,
	    METHOD_GET);
	assert_false(h.keep_alive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_response_framing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
