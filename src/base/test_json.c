/* test_json.c: each bound and its neighbour; strictness; messages. */
#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

#define BRACKETS	"[[[[[[[[[[[[[[[[[[[[[[[[["	/* one too many */

static int parse(struct slice in, struct buf *err)
{
	json_t *root;
	int r = json_parse(in, &root, err);

	assert_true((r == JSON_GOOD) == (root != NULL));
	assert_true((r == JSON_GOOD) == (err->len == 0));
	json_decref(root);
	return r;
}

static void good(struct slice in)
{
	_cleanup_(buf_free) struct buf err = BUF(1000);

	assert_int_equal(parse(in, &err), JSON_GOOD);
}

static void bad(struct slice in, const char *why)
{
	_cleanup_(buf_free) struct buf err = BUF(1000);

	assert_int_equal(parse(in, &err), JSON_BAD);
	assert_string_equal(buf_text(&err), why);
}

static void test_good(void **state _unused_)
{
	good(SLICE("{}"));
	good(SLICE(" [ ] \r\n\t"));
	good(SLICE("null"));
	good(SLICE("\"x\""));
	good(SLICE("{\"a\":1,\"A\":-2.5e3,\"b\":[true,false,null,\"\"]}"));
	good(SLICE("9223372036854775807"));
	good(SLICE("-9223372036854775808"));
	good(SLICE("\"\\ud83d\\ude00 \\\" \\\\ ]]][[[,,,\""));
}

/* The column is jansson's and differs between its versions. */
static void refused(struct slice in, const char *why)
{
	_cleanup_(buf_free) struct buf err = BUF(1000);

	assert_int_equal(parse(in, &err), JSON_BAD);
	assert_non_null(strstr(buf_text(&err), ", column "));
	buf_text(&err);
	err.p[strlen(why)] = '\0';
	assert_string_equal(err.p, why);
}

static void test_strict(void **state _unused_)
{
	refused(SLICE(""), "the text ends too early at line 1,");
	refused(SLICE_NONE, "the text ends too early at line 1,");
	refused(SLICE("{"), "the text ends too early at line 1,");
	refused(SLICE("[1,]"), "the text is not JSON at line 1,");
	refused(SLICE("{a:1}"), "the text is not JSON at line 1,");
	refused(SLICE("{}\n x"),
	    "something follows the end of the value at line 2,");
	refused(SLICE("{}\0"),
	    "something follows the end of the value at line 1,");
	refused(SLICE("{\"a\":1,\"\\u0061\":2}"),
	    "a key is repeated at line 1,");
	refused(SLICE("9223372036854775808"),
	    "a number is too large at line 1,");
	refused(SLICE("-9223372036854775809"),
	    "a number is too large at line 1,");
	refused(SLICE("1e999"), "a number is too large at line 1,");
	refused(SLICE("01"), "the text is not JSON at line 1,");
	refused(SLICE("\"\\u0000\""),
	    "a string holds a NUL character at line 1,");
	refused(SLICE("{\"\\u0000\":1}"),
	    "a string holds a NUL character at line 1,");
	refused(SLICE("\"a\nb\""), "the text is not JSON at line 1,");
	refused(SLICE("\"\xff\""), "a string is not UTF-8 at line 1,");
	refused(SLICE("\"\\ud800\""), "the text is not JSON at line 1,");
	refused(SLICE("\xef\xbb\xbf{}"),
	    "the text is not JSON at line 1,");
	refused(SLICE("'a'"), "the text is not JSON at line 1,");
	refused(SLICE("NaN"), "the text is not JSON at line 1,");
	refused(SLICE("{} /* */"),
	    "something follows the end of the value at line 1,");
}

/* What is in a body must not get into a message. */
static void test_secret(void **state _unused_)
{
	_cleanup_(buf_free) struct buf err = BUF(1000);

	assert_int_equal(parse(SLICE("{\"password\":hunter2}"), &err),
	    JSON_BAD);
	assert_null(strstr(buf_text(&err), "hunter2"));
}

static void test_depth(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(1000);

	for (unsigned i = 0; i < BOUND_JSON_DEPTH; i++)
		buf_addz(&b, i % 2 ? "[" : "{\"a\":");
	buf_addc(&b, '1');
	for (unsigned i = BOUND_JSON_DEPTH; i-- > 0;)
		buf_addc(&b, i % 2 ? ']' : '}');
	good(buf_slice(&b));
	buf_reset(&b);
	for (unsigned i = 0; i <= BOUND_JSON_DEPTH; i++)
		buf_addc(&b, '[');
	bad(buf_slice(&b),
	    "values are nested deeper than 24 at line 1, column 25");
	/* Many, one after the other, are not deep. */
	buf_reset(&b);
	buf_addz(&b, "[[],{}");
	for (unsigned i = 0; i <= BOUND_JSON_DEPTH; i++)
		buf_addz(&b, ",[{}]");
	buf_addc(&b, ']');
	good(buf_slice(&b));
}

static void test_nodes(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(1 << 20), big = BUF(1 << 20);

	buf_addz(&b, "[\n0");
	for (unsigned i = 2; i < BOUND_JSON_NODES; i++)
		buf_addz(&b, ",0");
	buf_adds(&big, buf_slice(&b));
	buf_addc(&b, ']');
	good(buf_slice(&b));
	buf_addz(&big, ",0]");
	bad(buf_slice(&big),
	    "there are more values than 65536 at line 2, column 131070");
}

static void test_string(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(1 << 20);
	char *p = buf_room(&b, BOUND_JSON_STRING + 3);

	assert_non_null(p);
	memset(p, 'x', BOUND_JSON_STRING + 3);
	p[0] = p[BOUND_JSON_STRING + 1] = '"';
	good((struct slice){ p, BOUND_JSON_STRING + 2 });
	p[BOUND_JSON_STRING + 1] = 'x';
	p[BOUND_JSON_STRING + 2] = '"';
	bad((struct slice){ p, BOUND_JSON_STRING + 3 },
	    "a string is longer than 524288 at line 1, column 1");
}

/* The scan is a bound, not a grammar: what is unfinished passes it. */
static void test_scan(void **state _unused_)
{
	static const char *const texts[] = {
		"", "\"", "\"\\", "\"\\\"", "]]]]", "{", "\\\"", ",,,,",
	};
	_cleanup_(buf_free) struct buf err = BUF(1000);

	for (size_t i = 0; i < countof(texts); i++)
		assert_int_equal(json_scan(slice_from(texts[i]), &err),
		    JSON_GOOD);
	assert_int_equal(json_scan(SLICE_NONE, &err), JSON_GOOD);
	assert_int_equal(err.len, 0);
	/* Where a string ends decides whether brackets count. */
	assert_int_equal(json_scan(SLICE("\"\\\"" BRACKETS), &err), JSON_GOOD);
	assert_int_equal(json_scan(SLICE("\"\\\\\\\"" BRACKETS), &err),
	    JSON_GOOD);
	assert_int_equal(json_scan(SLICE("\"\\\"\"" BRACKETS), &err), JSON_BAD);
	assert_int_equal(json_scan(SLICE("\"\\\\\"" BRACKETS), &err), JSON_BAD);
	assert_int_equal(json_scan(SLICE("\"\"" BRACKETS), &err), JSON_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_scan),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
