/* test_buf.c: bounds, failure that sticks, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static void test_bound(void **state _unused_)
{
	struct buf b = BUF(5);

	buf_adds(&b, SLICE("12345"));
	assert_true(buf_ok(&b));
	assert_string_equal(buf_text(&b), "12345");
	buf_addc(&b, '6');
	assert_false(buf_ok(&b));
	assert_string_equal(buf_text(&b), "");
	buf_reset(&b);
	buf_addz(&b, "123456");
	assert_false(buf_ok(&b));
	assert_int_equal(b.len, 0);
	buf_addc(&b, 'x');		/* fits, but would leave a hole */
	assert_int_equal(b.len, 0);
	buf_free(&b);
	assert_true(buf_ok(&b));
	buf_addz(&b, "again");
	assert_string_equal(buf_text(&b), "again");
	buf_free(&b);
	buf_free(&b);
}

static void test_empty(void **state _unused_)
{
	struct buf none = BUF(0), all = BUF(SIZE_MAX);

	buf_add(&none, NULL, 0);
	buf_adds(&none, SLICE_NONE);
	assert_true(buf_ok(&none));
	assert_string_equal(buf_text(&none), "");
	assert_int_equal(buf_slice(&none).n, 0);
	buf_addc(&none, 'x');
	assert_false(buf_ok(&none));
	buf_free(&none);
	buf_addz(&all, "x");
	assert_string_equal(buf_text(&all), "x");
	assert_null(buf_room(&all, SIZE_MAX));
	assert_null(buf_room(&all, SIZE_MAX - 1));
	assert_true(buf_ok(&all));
	buf_free(&all);
}

static void test_growth(void **state _unused_)
{
	struct buf b = BUF(100000);

	for (unsigned i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_true(buf_ok(&b));
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	assert_true(b.cap <= 100001);
	buf_addc(&b, 'x');
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void test_numbers(void **state _unused_)
{
	struct buf b = BUF(1000);

	buf_addu(&b, 0);
	buf_addc(&b, ' ');
	buf_addu(&b, UINT64_MAX);
	buf_addc(&b, ' ');
	buf_addi(&b, INT64_MIN);
	buf_addc(&b, ' ');
	buf_addi(&b, INT64_MAX);
	buf_addf(&b, " %s-%d", "x", -3);
	assert_string_equal(buf_text(&b), "0 18446744073709551615 "
	    "-9223372036854775808 9223372036854775807 x--3");
	buf_free(&b);
}

static void test_format_bound(void **state _unused_)
{
	struct buf b = BUF(4);

	buf_addf(&b, "%s", "1234");
	assert_string_equal(buf_text(&b), "1234");
	buf_reset(&b);
	buf_addf(&b, "%s", "12345");
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void test_room(void **state _unused_)
{
	struct buf b = BUF(10);
	char *p = buf_room(&b, 10);

	assert_non_null(p);
	memcpy(p, "0123456789", 10);
	buf_grew(&b, 10);
	assert_null(buf_room(&b, 1));
	assert_true(buf_ok(&b));
	buf_eat(&b, 4);
	assert_string_equal(buf_text(&b), "456789");
	assert_non_null(buf_room(&b, 4));
	buf_eat(&b, 100);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void test_secret(void **state _unused_)
{
	struct buf b = { .max = 10000, .secret = true };

	for (unsigned i = 0; i < 600; i++)
		buf_addz(&b, "password");
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 4800);
	assert_memory_equal(b.p + 4792, "password", 8);
	buf_reset(&b);
	for (size_t i = 0; i < b.cap; i++)
		assert_int_equal(b.p[i], 0);
	buf_addz(&b, "x");
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 10000);
}

static void test_json(void **state _unused_)
{
	static const struct { struct slice in; const char *out; } cases[] = {
		{ { NULL, 0 }, "\"\"" },
		{ SLICE("plain /text"), "\"plain /text\"" },
		{ SLICE("a\"b\\c"), "\"a\\\"b\\\\c\"" },
		{ SLICE("\n\r\t\b\x1f\x7f"),
		    "\"\\n\\r\\t\\u0008\\u001f\\u007f\"" },
		{ SLICE("a\0b"), "\"a\\u0000b\"" },
		{ SLICE("\xe2\x82\xac"), "\"\xe2\x82\xac\"" },
		{ SLICE("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ SLICE("\xffz"), "\"\xef\xbf\xbdz\"" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct buf b = BUF(100);

		buf_add_json_string(&b, cases[i].in);
		assert_string_equal(buf_text(&b), cases[i].out);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_format_bound),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
