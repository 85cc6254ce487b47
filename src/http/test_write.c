/*
 * test_write.c: names of the protocol and our own answers.
 */
#include "dockbroker/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state _unused_)
{
	assert_string_equal(method_name(METHOD_GET), "GET");
	assert_string_equal(method_name(METHOD_DELETE), "DELETE");
	assert_string_equal(method_name(METHOD_OTHER), "");
	assert_string_equal(method_name((enum method)99), "");
	assert_string_equal(header_name(HEADER_HOST), "Host");
	assert_string_equal(header_name((enum header)999), "");
	for (int h = 1; h < HEADER_COUNT; h++)
		assert_int_equal(header_find(slice_from(
		    header_name((enum header)h))), h);
	assert_int_equal(header_find(SLICE("cOnTeNt-LeNgTh")),
	    HEADER_CONTENT_LENGTH);
	assert_int_equal(header_find(SLICE("Content_Length")), HEADER_OTHER);
	assert_int_equal(header_find(SLICE("Content-Lengt")), HEADER_OTHER);
	assert_int_equal(header_find(SLICE("Content\x0dLength")),
	    HEADER_OTHER);
	assert_int_equal(header_find(SLICE("Hos")), HEADER_OTHER);
	assert_int_equal(header_find(SLICE("hOS\x54")), HEADER_HOST);
	assert_int_equal(header_find(SLICE("hOS\x14")), HEADER_OTHER);
	assert_int_equal(header_find(SLICE_NONE), HEADER_OTHER);
}

static void test_reasons(void **state _unused_)
{
	assert_string_equal(http_reason(200), "OK");
	assert_string_equal(http_reason(505), "HTTP Version Not Supported");
	assert_string_equal(http_reason(299), "Unknown");
}

static void test_error(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(4096);

	http_write_error(&b, 403, SLICE("say \"no\"\n"), true, false, "1.51");
	assert_string_equal(buf_text(&b), "HTTP/1.1 403 Forbidden\r\n"
	    "Api-Version: 1.51\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 27\r\n"
	    "Connection: close\r\n"
	    "\r\n"
	    "{\"message\":\"say \\\"no\\\"\\n\"}\n");
	buf_reset(&b);
	http_write_error(&b, 404, SLICE("no"), false, true, "");
	assert_string_equal(buf_text(&b), "HTTP/1.1 404 Not Found\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 17\r\n"
	    "\r\n");
	buf_reset(&b);
	http_write_error(&b, 204, SLICE(""), false, false, "1.51");
	assert_string_equal(buf_text(&b), "HTTP/1.1 204 No Content\r\n"
	    "Api-Version: 1.51\r\n"
	    "\r\n");
	buf_reset(&b);
	http_write_error(&b, 500, SLICE("\x01\x02\xff\xff\xff"), false, false,
	    NULL);
	assert_true(buf_ok(&b));
}

/* What we write is what our own reader takes. */
static void test_error_is_http(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(4096);
	struct http_head h;
	struct http_error err;
	size_t used, scanned = 0;

	http_write_error(&b, 431, SLICE("too long"), true, false, "1.41");
	assert_int_equal(http_response_parse(buf_slice(&b), &scanned,
	    METHOD_GET, &h, &used, &err), HTTP_GOOD);
	assert_int_equal(h.status, 431);
	assert_int_equal(h.length, b.len - used);
	assert_false(h.keep_alive);
}

static void test_error_without_room(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(32);

	http_write_error(&b, 403, SLICE("no"), true, false, "");
	assert_false(buf_ok(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_error_is_http),
		cmocka_unit_test(test_error_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
