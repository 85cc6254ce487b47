/*
 * test_scan.c: JSON read where it stands: each text that is taken beside its
 * nearest that is not, and each beginning of one told from a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "docker/scan.h"

static int scan(struct slice in, bool final)
{
	struct scan at = { in.p, in.p + in.n, final };
	struct slice raw;
	int r = scan_value(&at, &raw);

	if (r == SCAN_GOOD) {
		assert_ptr_equal(raw.p, in.p);
		assert_ptr_equal(at.p, in.p + raw.n);
		return raw.n == in.n ? SCAN_GOOD : SCAN_BAD;
	}
	assert_ptr_equal(at.p, in.p);
	return r;
}

static void test_grammar(void **state)
{
	static const char *const good[] = {
		"null", "true", "false", "0", "-0", "-12", "1.5", "1e5", "1E-2",
		"0.0", "99999999999999999999", "1e999", "\"\"",
		"\"a\\n\\u00e9\\ud83d\\\"\"", "[]", "[ ]", "[1,2]", "{}", "{ }",
		"{\"a\":1 , \"b\" : [{}]}", "{\"\":0}", "\"\x7f\"", "[[[]],[]]",
		"\"12345678\"", "\"1234567\\\\\"", "\"1234567812345678\xc3\xa9\"",
	};
	static const char *const bad[] = {
		"nul ", "True", "00", "01", "-", "+1", ".5", "1.", "1e", "1.e5",
		"--1", "1-", "\"a\nb\"", "\"1234567\n\"", "\"\\x\"", "\"\\u12x4\"",
		"[1,]", "[,]", "[1 2]", "]", "}", ",", ":", "{\"a\"}", "{\"a\":}",
		"{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}", "{,}", "[}", "{]",
		"{\"a\":1]", "[1}", "[{]}", "NaN", "'a'", "{\"a\" 1}", "{1:1}",
	};

	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		if (scan(slice_from(good[i]), true) != SCAN_GOOD)
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < countof(bad); i++) {
		if (scan(slice_from(bad[i]), true) != SCAN_BAD)
			fail_msg("taken: %s", bad[i]);
	}
}

/* Each beginning of a good text is only too short. */
static void test_more(void **state)
{
	struct slice in = SLICE("{\"a\\u00e9\\n\":[-12.5e+7,true,false,null,\"x\"],"
	    " \"bbbbbbbbbbbbbbbbbbbbbbbbbb\" : {} }");

	(void)state;
	assert_int_equal(scan(in, false), SCAN_GOOD);
	for (size_t n = 0; n < in.n; n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, in.p, n);
		assert_int_equal(scan((struct slice){ copy, n }, false), SCAN_MORE);
		free(copy);
	}
	/* A number may go on, unless nothing follows. */
	assert_int_equal(scan(SLICE("12"), false), SCAN_MORE);
	assert_int_equal(scan(SLICE("12"), true), SCAN_GOOD);
	assert_int_equal(scan(SLICE("1e"), false), SCAN_MORE);
	assert_int_equal(scan(SLICE("1e"), true), SCAN_BAD);
}

static void test_depth(void **state)
{
	char text[2 * SCAN_DEPTH + 2];
	struct slice in = { text, 2 * SCAN_DEPTH };

	(void)state;
	memset(text, '[', SCAN_DEPTH);
	memset(text + SCAN_DEPTH, ']', SCAN_DEPTH);
	assert_int_equal(scan(in, true), SCAN_GOOD);
	text[SCAN_DEPTH] = '[';
	memset(text + SCAN_DEPTH + 1, ']', SCAN_DEPTH + 1);
	in.n += 2;
	assert_int_equal(scan(in, true), SCAN_BAD);
}

static void test_members(void **state)
{
	struct slice in = SLICE("{\"a\": 1,\"b\":{\"a\":[]} ,\"\\u0063\":\"x\","
	    "\"a\":null} ");
	struct scan at = { in.p, in.p + in.n, false };
	struct members m;
	struct slice raw;
	bool twice = false;

	(void)state;
	assert_int_equal(scan_members(&at, &raw, &m), SCAN_GOOD);
	assert_int_equal(m.n, 4);
	assert_int_equal(raw.n, in.n - 1);
	assert_true(slice_is(member_get(&m, "b", &twice), "{\"a\":[]}"));
	assert_true(slice_is(member_get(&m, "c", &twice), "\"x\""));
	assert_null(member_get(&m, "C", &twice).p);
	assert_null(member_get(&m, "u0063", &twice).p);
	assert_false(twice);
	assert_true(slice_is(member_get(&m, "a", &twice), "null"));
	assert_true(twice);
	/* What was whole of a beginning. */
	at = (struct scan){ in.p, in.p + 25, false };
	assert_int_equal(scan_members(&at, &raw, &m), SCAN_MORE);
	assert_int_equal(m.n, 2);
}

static void test_many_members(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(1 << 16);
	struct members m;
	struct slice raw;
	struct scan at;

	(void)state;
	for (unsigned i = 0; i < SCAN_MEMBERS; i++)
		buf_addf(&b, "%c\"k%u\":%u", i ? ',' : '{', i, i);
	buf_addc(&b, '}');
	at = (struct scan){ b.p, b.p + b.len, true };
	assert_int_equal(scan_members(&at, &raw, &m), SCAN_GOOD);
	assert_int_equal(m.n, SCAN_MEMBERS);
	assert_false(m.more);
	b.len--;
	buf_addz(&b, ",\"k\":[}");
	at = (struct scan){ b.p, b.p + b.len, true };
	assert_int_equal(scan_members(&at, &raw, &m), SCAN_BAD);
	b.len -= 2;
	buf_addz(&b, "[]}");
	at = (struct scan){ b.p, b.p + b.len, true };
	assert_int_equal(scan_members(&at, &raw, &m), SCAN_GOOD);
	assert_int_equal(m.n, SCAN_MEMBERS);
	assert_true(m.more);
	assert_int_equal(raw.n, b.len);
}

static void test_walk(void **state)
{
	struct walk w = walk_into(SLICE("[1, \"a,]\" ,{\"x\":[2]}]"));

	(void)state;
	assert_true(walk_next(&w) && slice_is(w.m.value, "1"));
	assert_true(walk_next(&w) && slice_is(w.m.value, "\"a,]\""));
	assert_true(walk_next(&w) && slice_is(w.m.value, "{\"x\":[2]}"));
	assert_null(w.m.key.p);
	assert_false(walk_next(&w));
	assert_false(walk_next(&w));
	w = walk_into(SLICE("{ \"k\" : -5 }"));
	assert_true(walk_next(&w) && slice_is(w.m.value, "-5"));
	assert_true(slice_is(w.m.key, "k"));
	assert_false(walk_next(&w));
	w = walk_into(SLICE("\"[1]\""));
	assert_false(walk_next(&w));
	w = walk_into(SLICE_NONE);
	assert_false(walk_next(&w));
}

static void text_is(const char *raw, const char *expected)
{
	struct arena a;
	struct slice s;

	arena_init(&a, 4096);
	s = text_of(slice_from(raw), &a);
	if (!s.p || !slice_is(s, expected))
		fail_msg("%s: %.*s", raw, SLICE_ARG(s));
	arena_free(&a);
}

static void test_texts(void **state)
{
	int64_t n;

	(void)state;
	text_is("\"\"", "");
	text_is("\"plain\"", "plain");
	text_is("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
	text_is("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac"
	    "\xf0\x9f\x98\x80");
	text_is("\"\\ud83d\\u0041\\ude00x\\ud83d\"", "\xef\xbf\xbd" "A"
	    "\xef\xbf\xbd" "x\xef\xbf\xbd");
	assert_null(text_of(SLICE("5"), NULL).p);
	assert_null(text_of(SLICE("null"), NULL).p);
	assert_null(text_of(SLICE_NONE, NULL).p);
	assert_true(integer_of(SLICE("-12"), &n) && n == -12);
	assert_true(integer_of(SLICE("9223372036854775807"), &n));
	assert_false(integer_of(SLICE("9223372036854775808"), &n));
	assert_false(integer_of(SLICE("1.0"), &n));
	assert_false(integer_of(SLICE("\"1\""), &n));
	assert_false(integer_of(SLICE_NONE, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_many_members),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
