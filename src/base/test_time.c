/* test_time.c: dates against the C library, spans and sizes. */
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static void check_date(int64_t us, const char *want)
{
	char out[TIME_TEXT];

	time_format(out, us);
	assert_string_equal(out, want);
}

static void test_known(void **state _unused_)
{
	check_date(0, "1970-01-01T00:00:00.000000Z");
	check_date(-1, "1969-12-31T23:59:59.999999Z");
	check_date(INT64_C(1795315200123456), "2026-11-22T02:40:00.123456Z");
	check_date(INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z");
	check_date(INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z");
	check_date(INT64_MAX, "294247-01-10T04:00:54.775807Z");
	check_date(INT64_MIN, "-290308-12-21T19:59:05.224192Z");
}

static void test_libc(void **state _unused_)
{
	for (int64_t t = -5000000000; t < 50000000000; t += 86399 * 37) {
		char got[TIME_TEXT], want[TIME_TEXT];
		time_t seconds = t;
		struct tm tm;

		time_format(got, t * 1000000);
		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
		assert_string_equal(got, want);
	}
}

static void test_span(void **state _unused_)
{
	static const struct { const char *text; uint64_t want; } good[] = {
		{ "0", 0 }, { "90", 90 }, { "90s", 90 }, { "15m", 900 },
		{ "2h", 7200 }, { "1h30m", 5400 }, { "2d", 172800 },
		{ "1d2h3m4s", 93784 }, { "1d4s", 86404 }, { "90m", 5400 },
		{ "172800", 172800 }, { "0s", 0 },
	};
	static const char *const bad[] = {
		"", "m", "-1", "1.5h", "30m1h", "1h1h", "1h30", "1w", "1H",
		" 1h", "1h ", "1 h", "01h", "172801", "172801s", "2d1s",
		"99999999999999999999h", "18446744073709551615d", "1ms",
	};
	uint64_t v;

	for (size_t i = 0; i < countof(good); i++) {
		assert_true(time_parse_span(slice_from(good[i].text), 172800,
		    &v));
		assert_int_equal(v, good[i].want);
	}
	for (size_t i = 0; i < countof(bad); i++)
		assert_false(time_parse_span(slice_from(bad[i]), 172800, &v));
	assert_false(time_parse_span(SLICE_NONE, 1, &v));
}

static void test_size(void **state _unused_)
{
	static const struct { const char *text; uint64_t want; } good[] = {
		{ "0", 0 }, { "1", 1 }, { "64k", 65536 }, { "8M", 8 << 20 },
		{ "2g", UINT64_C(2) << 30 }, { "3t", UINT64_C(3) << 40 },
	};
	static const char *const bad[] = {
		"", "k", "8mb", "8 m", "-8", "1.5g", "08m", "8x", "8\x0b",
		"18446744073709551616", "16777216t", "5t",
	};
	uint64_t v;

	for (size_t i = 0; i < countof(good); i++) {
		assert_true(size_parse(slice_from(good[i].text),
		    UINT64_C(4) << 40, &v));
		assert_int_equal(v, good[i].want);
	}
	for (size_t i = 0; i < countof(bad); i++)
		assert_false(size_parse(slice_from(bad[i]), UINT64_C(4) << 40,
		    &v));
	assert_false(size_parse(SLICE_NONE, UINT64_MAX, &v));
	assert_true(size_parse(SLICE("16777215t"), UINT64_MAX, &v));
	assert_false(size_parse(SLICE("16777216t"), UINT64_MAX, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
