/* test_slice.c: edges of slices, numbers, UTF-8 and "did you mean". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static struct slice s(const char *z)
{
	return slice_from(z);
}

static void test_equal(void **state _unused_)
{
	assert_true(slice_equal(SLICE_NONE, SLICE("")));
	assert_true(slice_equal(s("ab"), s("ab")));
	assert_false(slice_equal(s("ab"), s("aB")));
	assert_false(slice_equal(s("ab"), s("abc")));
	assert_true(slice_is(s("x"), "x"));
	assert_true(slice_is(SLICE_NONE, NULL));
	assert_false(slice_is((struct slice){ "a\0b", 3 }, "a"));
	assert_true(slice_equal_nocase(s("Host-A1"), s("hOST-a1")));
	assert_false(slice_equal_nocase(s("["), s("{")));
	assert_false(slice_equal_nocase(s("@"), s("`")));
	assert_false(slice_equal_nocase(s("\xc3\x84"), s("\xc3\xa4")));
	assert_true(slice_starts(s("abc"), s("ab")));
	assert_true(slice_starts(s("abc"), SLICE_NONE));
	assert_false(slice_starts(s("ab"), s("abc")));
}

static void test_cut(void **state _unused_)
{
	struct slice a = s("k=v=w"), none = SLICE_NONE;

	assert_true(slice_is(slice_cut(&a, '='), "k"));
	assert_true(slice_is(a, "v=w"));
	assert_true(slice_is(slice_cut(&a, '='), "v"));
	assert_true(slice_is(slice_cut(&a, '='), "w"));
	assert_int_equal(a.n, 0);
	assert_int_equal(slice_cut(&a, '=').n, 0);
	assert_int_equal(slice_cut(&none, '=').n, 0);
	a = s("x=");
	assert_true(slice_is(slice_cut(&a, '='), "x"));
	assert_int_equal(a.n, 0);
}

static void test_trim(void **state _unused_)
{
	assert_true(slice_is(slice_trim(s(" \ta b\t ")), "a b"));
	assert_true(slice_is(slice_trim(s("\na")), "\na"));
	assert_int_equal(slice_trim(s("  ")).n, 0);
	assert_int_equal(slice_trim(SLICE_NONE).n, 0);
}

static void test_number(void **state _unused_)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "00", "01", "0x1", "1a", "a",
		"18446744073709551616", "99999999999999999999",
		"100000000000000000000", "1.0",
	};
	uint64_t v = 7;

	for (size_t i = 0; i < countof(bad); i++)
		assert_false(slice_number(s(bad[i]), UINT64_MAX, &v));
	assert_int_equal(v, 7);
	assert_true(slice_number(s("0"), 0, &v));
	assert_int_equal(v, 0);
	assert_true(slice_number(s("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_true(slice_number(s("100"), 100, &v));
	assert_false(slice_number(s("101"), 100, &v));
}

static void test_utf8(void **state _unused_)
{
	static const char *const good[] = {
		"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf", "a\xe2\x82\xac z",
	};
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ",
		"\xe0\x9f\xbf", "\xe2\x82", "\xe2\x82 ", "\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "a\xc3",
	};

	for (size_t i = 0; i < countof(good); i++)
		assert_true(utf8_valid(s(good[i])));
	for (size_t i = 0; i < countof(bad); i++)
		assert_false(utf8_valid(s(bad[i])));
	assert_true(utf8_valid(SLICE_NONE));
	assert_int_equal(utf8_char(s("\xe2\x82\xac!")), 3);
	assert_int_equal(utf8_char((struct slice){ "\xe2\x82\xac", 2 }), 0);
	assert_int_equal(utf8_char((struct slice){ "\0", 1 }), 1);
}

static const char *word_at_(size_t i)
{
	static const char *const words[] = { "run", "pull", "inspect" };

	return i < countof(words) ? words[i] : NULL;
}

static void test_near(void **state _unused_)
{
	char big[64];

	memset(big, 'x', sizeof(big));
	assert_int_equal(slice_distance(s("kitten"), s("sitting")), 3);
	assert_int_equal(slice_distance(SLICE_NONE, s("abc")), 3);
	assert_int_equal(slice_distance(s("abc"), s("abc")), 0);
	assert_int_equal(slice_distance((struct slice){ big, 63 },
	    SLICE_NONE), 63);
	assert_int_equal(slice_distance((struct slice){ big, 64 }, s("x")), 64);
	assert_string_equal(slice_nearest(s("rum"), word_at_), "run");
	assert_string_equal(slice_nearest(s("inspetc"), word_at_), "inspect");
	assert_string_equal(slice_nearest(s("xyz"), word_at_), "");
	assert_string_equal(slice_nearest((struct slice){ big, 64 },
	    word_at_), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
