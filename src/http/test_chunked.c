/*
 * test_chunked.c: chunked bodies, however they are cut.
 */
#include "dockbroker/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void collect(void *arg, struct slice piece)
{
	buf_adds(arg, piece);
}

/* Feeds in in pieces of step bytes, each in memory of its own size. */
static int feed(struct slice in, size_t step, struct buf *out, size_t *eaten)
{
	struct http_chunked c, moved;
	int r = CHUNKED_MORE;

	*eaten = 0;
	http_chunked_init(&c);
	for (size_t at = 0; at < in.n && r == CHUNKED_MORE; at += step) {
		size_t n = in.n - at < step ? in.n - at : step, used;
		char *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, in.p + at, n);
		r = http_chunked_feed(&c, (struct slice){ copy, n }, &used,
		    collect, out);
		free(copy);
		if (r == CHUNKED_MORE)
			assert_int_equal(used, n);
		*eaten += used;
		moved = c;
		memset(&c, 0xff, sizeof(c));
		c = moved;
	}
	return r;
}

static void expect_end(const char *in, const char *rest, const char *body)
{
	_cleanup_(buf_free) struct buf all = BUF(65536), out = BUF(65536);
	size_t eaten;

	buf_addz(&all, in);
	buf_addz(&all, rest);
	for (size_t step = 1; step <= all.len; step++) {
		buf_reset(&out);
		assert_int_equal(feed(buf_slice(&all), step, &out, &eaten),
		    CHUNKED_END);
		assert_int_equal(eaten, strlen(in));
		assert_true(slice_is(buf_slice(&out), body));
	}
}

static void expect_bad(struct slice in)
{
	_cleanup_(buf_free) struct buf out = BUF(65536);
	size_t eaten;

	for (size_t step = 1; step <= in.n; step++) {
		buf_reset(&out);
		if (feed(in, step, &out, &eaten) != CHUNKED_BAD)
			fail_msg("taken in steps of %zu: %.*s", step,
			    SLICE_ARG(in));
	}
}

static void test_good(void **state _unused_)
{
	expect_end("0\r\n\r\n", "", "");
	expect_end("0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "");
	expect_end("5\r\nhello\r\n0\r\n\r\n", "\r\n\r\n", "hello");
	expect_end("0\r\n\r\n", "\n", "");
	expect_end("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "0\r\n\r\n",
	    "hello world");
	expect_end("a\r\n0123456789\r\n0\r\n\r\n", "x", "0123456789");
	expect_end("0A\r\n0123456789\r\n00\r\n\r\n", "x", "0123456789");
	expect_end("2\r\n\r\n\r\n0\r\n\r\n", "x", "\r\n");
	expect_end("1;name=value\r\nx\r\n0\r\n\r\n", "x", "x");
	expect_end("1\r\nx\r\n0\r\nX-Trailer: a\r\nX-More: b\r\n\r\n", "x",
	    "x");
}

static void test_bad(void **state _unused_)
{
	static const struct slice all[] = {
		SLICE("x\r\nhello\r\n0\r\n\r\n"),
		SLICE("\r\n5\r\nhello\r\n0\r\n\r\n"),
		SLICE("-5\r\nhello\r\n0\r\n\r\n"),
		SLICE("+5\r\nhello\r\n0\r\n\r\n"),
		SLICE("0x5\r\nhello\r\n0\r\n\r\n"),
		SLICE(" 5\r\nhello\r\n0\r\n\r\n"),
		SLICE("5 5\r\nhello\r\n0\r\n\r\n"),
		SLICE("5,\r\nhello\r\n0\r\n\r\n"),
		SLICE("10000000000000000\r\nhello\r\n0\r\n\r\n"),
		SLICE("5\nhello\r\n0\r\n\r\n"),
		SLICE("5\rhello\r\n0\r\n\r\n"),
		SLICE("5\r\nhello\n0\r\n\r\n"),
		SLICE("5\r\nhello0\r\n\r\n"),
		SLICE("5\r\nhelloo\r\n0\r\n\r\n"),
		SLICE("5\r\nhell\r\n0\r\n\r\n"),
		SLICE("5;a\nb\r\nhello\r\n0\r\n\r\n"),
		SLICE("5;a\rb\r\nhello\r\n0\r\n\r\n"),
		SLICE("5;a=\0\r\nhello\r\n0\r\n\r\n"),
		SLICE("0\r\nX: a\n\r\n"),
		SLICE("0\r\nX: a\rb\r\n\r\n"),
		SLICE("0\r\nX : a\r\n\r\n"),
		SLICE("0\r\n X: a\r\n\r\n"),
		SLICE("0\r\nX: \x7f\r\n\r\n"),
		SLICE("0\n\r\n"),
		SLICE("0\r\n\n"),
	};

	for (size_t i = 0; i < countof(all); i++)
		expect_bad(all[i]);
}

/* n bytes of fill between head and tail. */
static int padded(const char *head, size_t n, const char *tail, size_t step)
{
	_cleanup_(buf_free) struct buf in = BUF(65536), out = BUF(65536);
	size_t eaten;

	buf_addz(&in, head);
	for (size_t i = 0; i < n; i++)
		buf_addc(&in, 'a');
	buf_addz(&in, tail);
	return feed(buf_slice(&in), step, &out, &eaten);
}

static void test_bounds(void **state _unused_)
{
	static const size_t steps[] = { 1, 7, 65536 };

	for (size_t i = 0; i < countof(steps); i++) {
		size_t step = steps[i];

		assert_int_equal(padded("1;", BOUND_CHUNK_LINE - 2,
		    "\r\nx\r\n0\r\n\r\n", step), CHUNKED_END);
		assert_int_equal(padded("1;", BOUND_CHUNK_LINE + 8,
		    "\r\nx\r\n0\r\n\r\n", step), CHUNKED_BAD);
		assert_int_equal(padded("1\r\nx\r\n1;", BOUND_CHUNK_LINE + 8,
		    "\r\nx\r\n0\r\n\r\n", step), CHUNKED_BAD);
		assert_int_equal(padded("0;", BOUND_CHUNK_LINE + 8,
		    "\r\n\r\n", step), CHUNKED_BAD);
		/* an extension that never ends */
		assert_int_equal(padded("1;", 60000, "", step), CHUNKED_BAD);
		assert_int_equal(padded("0\r\nX: ", BOUND_TRAILER - 8,
		    "\r\n\r\n", step), CHUNKED_END);
		assert_int_equal(padded("0\r\nX: ", BOUND_TRAILER + 64,
		    "\r\n\r\n", step), CHUNKED_BAD);
		assert_int_equal(padded("0\r\nX: ", 60000, "", step),
		    CHUNKED_BAD);
	}
}

static void test_after_the_end(void **state _unused_)
{
	_cleanup_(buf_free) struct buf out = BUF(64);
	struct http_chunked c;
	size_t used;

	http_chunked_init(&c);
	assert_int_equal(http_chunked_feed(&c, SLICE(""), &used, collect,
	    &out), CHUNKED_MORE);
	assert_int_equal(http_chunked_feed(&c, SLICE("0\r\n\r\n"), &used,
	    collect, &out), CHUNKED_END);
	assert_int_equal(used, 5);
	assert_int_equal(http_chunked_feed(&c, SLICE("1\r\nx\r\n"), &used,
	    collect, &out), CHUNKED_END);
	assert_int_equal(used, 0);
	assert_int_equal(out.len, 0);
	http_chunked_init(&c);
	assert_int_equal(http_chunked_feed(&c, SLICE("z"), &used, collect,
	    &out), CHUNKED_BAD);
	assert_int_equal(http_chunked_feed(&c, SLICE("0\r\n\r\n"), &used,
	    collect, &out), CHUNKED_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
