/*
 * Patterns: against a slow matcher that tries everything, on random texts of
 * few letters, so that they meet; and hostile texts in bounded time.
 */
#include <time.h>

#include "policy/test_util.h"

static bool slow(const char *g, const char *t, const char *stop)
{
	if (*g == '\0')
		return *t == '\0';
	if (g[0] == '*') {
		bool deep = g[1] == '*';

		if (slow(g + 1 + deep, t, stop))
			return true;
		return *t != '\0' && (deep || strchr(stop, *t) == NULL) &&
		    slow(g, t + 1, stop);
	}
	if (g[0] == '%' && g[1] == 'u')
		return strncmp(t, "ab", 2) == 0 && slow(g + 2, t + 2, stop);
	if (*t == '\0')
		return false;
	if (g[0] == '?' ? strchr(stop, *t) != NULL : *g != *t)
		return false;
	return slow(g + 1, t + 1, stop);
}

static uint32_t seed = 7;

static void roll(char *out, size_t max, const char *letters)
{
	size_t n;

	seed = seed * 1664525u + 1013904223u;
	n = (seed >> 10) % max;
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		out[i] = letters[(seed >> 10) % strlen(letters)];
	}
	out[n] = '\0';
}

static void test_random(void **state)
{
	char g[12], t[12];
	size_t hits = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		const char *stop = i % 2 ? "/" : "";
		bool want;

		roll(g, 9, "ab/**?*%u");
		roll(t, 9, "ab/u");
		want = slow(g, t, stop);
		hits += want;
		if (glob_match(slice_from(g), slice_from(t), SLICE("ab"),
		    stop) != want)
			fail_msg("\"%s\" and \"%s\", not over \"%s\": %d", g, t,
			    stop, !want);
	}
	assert_true(hits > 1000);
}

static void test_hostile(void **state)
{
	char text[4096];
	clock_t start = clock();

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_false(glob_match(SLICE("*a*a*a*a*a*a*a*ab"),
	    (struct slice){ text, sizeof(text) }, SLICE_NONE, ""));
	assert_false(glob_match(SLICE("**a*a*a**a*a**ab"),
	    (struct slice){ text, sizeof(text) }, SLICE_NONE, ""));
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	/* a zero byte is no part of a name */
	assert_false(glob_match(SLICE("a*"), (struct slice){ "a\0b", 3 },
	    SLICE_NONE, ""));
	assert_false(glob_match(SLICE("%u"), SLICE(""), SLICE(""), ""));
}

static void test_references(void **state)
{
	struct reference r = reference_split(SLICE("h:5000/a/b:t@sha256:x"));

	(void)state;
	assert_true(slice_is(r.name, "h:5000/a/b"));
	assert_true(slice_is(r.tag, "t"));
	assert_true(slice_is(r.digest, "sha256:x"));
	r = reference_split(SLICE("h:5000/a"));
	assert_true(slice_is(r.name, "h:5000/a"));
	assert_int_equal(r.tag.n + r.digest.n, 0);
	r = reference_split(SLICE(""));
	assert_int_equal(r.name.n + r.tag.n + r.digest.n, 0);
}

static void test_paths(void **state)
{
	(void)state;
	assert_true(path_below(SLICE("/a"), SLICE("/a")));
	assert_true(path_below(SLICE("/a/b"), SLICE("/a")));
	assert_false(path_below(SLICE("/ab"), SLICE("/a")));
	assert_true(path_below(SLICE("/ab"), SLICE("/")));
	assert_false(path_below(SLICE("ab"), SLICE("/")));
	assert_true(path_sound(SLICE("/")));
	assert_true(path_sound(SLICE("/a/..b")));
	assert_false(path_sound(SLICE("/a/..")));
	assert_false(path_sound(SLICE("/a/./b")));
	assert_false(path_sound(SLICE("a")));
	assert_false(path_sound(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
