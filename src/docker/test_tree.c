/*
 * test_tree.c: the parser of the request path, each text that it takes beside
 * its nearest that it refuses.  fuzz_canon compares its values with jansson's.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "docker/tree.h"

static int parse(const char *z)
{
	_cleanup_(tree_free) struct tree t;

	return tree_parse(slice_from(z), &t);
}

static void test_grammar(void **state)
{
	static const char *const good[] = {
		"null", " true\n", "false", "0", "-0", "-12", "1.5", "1e5", "1E-2",
		"0.0", "9223372036854775807", "-9223372036854775808", "\"\"",
		"\"a\\n\\u00e9\\ud83d\\ude00\"", "[]", "[ ]", "[1,2]", "{}",
		"{\"a\":1,\"b\":[{}]}", "{\"\":0}", "\"\x7f\"", "\"\xc3\xa9\"",
	};
	static const char *const bad[] = {
		"", " ", "nul", "True", "00", "01", "-", "+1", ".5", "1.", "1e",
		"1e400", "9223372036854775808", "-9223372036854775809", "\"",
		"\"a\nb\"", "\"\\x\"", "\"\\u12\"", "\"\\u0000\"", "\"\\ud83d\"",
		"\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
		"[", "[1,]", "[,]", "[1 2]", "]", "{", "{\"a\"}", "{\"a\":}",
		"{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}", "{} {}", "1 2",
		"[}", "{\"a\":1]", "NaN", "'a'", "// x\n1", "\xef\xbb\xbf{}",
	};

	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		if (parse(good[i]) != TREE_GOOD)
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < countof(bad); i++) {
		if (parse(bad[i]) != TREE_BAD)
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_duplicates(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"a\":1,\"A\":1}"), TREE_GOOD);
	assert_int_equal(parse("{\"a\":1,\"a\":1}"), TREE_BAD);
	assert_int_equal(parse("{\"a\":1,\"\\u0061\":1}"), TREE_BAD);
	assert_int_equal(parse("{\"\":1,\"\":1}"), TREE_BAD);
	assert_int_equal(parse("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]"), TREE_BAD);
	assert_int_equal(parse("{\"x\":{\"a\":1},\"y\":{\"a\":1}}"), TREE_GOOD);
}

/* Both ways of looking for duplicates, at their border and far past it. */
static void test_many_keys(void **state)
{
	static const int counts[] = { 2, 127, 128, 129, 5000 };

	(void)state;
	for (size_t i = 0; i < countof(counts); i++) {
		for (int twice = 0; twice < 2; twice++) {
			_cleanup_(buf_free) struct buf b = BUF(1 << 20);

			buf_addc(&b, '{');
			for (int k = 0; k < counts[i]; k++)
				buf_addf(&b, "%s\"k%d\":0", k ? "," : "",
				    twice && k == counts[i] - 1 ? 0 : k);
			buf_addc(&b, '}');
			assert_int_equal(parse(buf_text(&b)),
			    twice ? TREE_BAD : TREE_GOOD);
		}
	}
}

static void test_bounds(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(4 << 20);

	(void)state;
	for (int over = 0; over < 2; over++) {
		buf_reset(&b);
		for (int i = 0; i < BOUND_JSON_DEPTH + over; i++)
			buf_addc(&b, '[');
		for (int i = 0; i < BOUND_JSON_DEPTH + over; i++)
			buf_addc(&b, ']');
		assert_int_equal(parse(buf_text(&b)), over ? TREE_BAD : TREE_GOOD);
		buf_reset(&b);
		buf_addz(&b, "[0");
		for (int i = 0; i < BOUND_JSON_NODES - 2 + over; i++)
			buf_addz(&b, ",0");
		buf_addc(&b, ']');
		assert_int_equal(parse(buf_text(&b)), over ? TREE_BAD : TREE_GOOD);
		buf_reset(&b);
		buf_addc(&b, '"');
		for (int i = 0; i < BOUND_JSON_STRING + over; i++)
			buf_addc(&b, 'x');
		buf_addc(&b, '"');
		assert_int_equal(parse(buf_text(&b)), over ? TREE_BAD : TREE_GOOD);
	}
}

static void test_values(void **state)
{
	_cleanup_(tree_free) struct tree t;

	(void)state;
	assert_int_equal(tree_parse(SLICE("{\"a\\u0062\":\"x\\ty\",\"l\":[1,-2,0.5],"
	    "\"z\":{\"n\":null,\"e\":[0,\"\",false,0.0]}}"), &t), TREE_GOOD);
	assert_true(slice_is(node_text(node_get(t.root, "ab")), "x\ty"));
	assert_int_equal(node_integer(node_first(node_get(t.root, "l"))->next), -2);
	assert_true(node_zero(node_get(t.root, "z")));
	assert_false(node_zero(node_get(t.root, "l")));
	assert_null(node_get(t.root, "ab\t"));
	assert_null(node_get(NULL, "a"));
	assert_null(node_first(node_get(t.root, "ab")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
