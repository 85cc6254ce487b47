/* test_facts.c: collecting far-reaching things, wording refusals. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/docker.h"

static void test_reach(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;
	char path[] = "HostConfig.Binds[0]";

	(void)state;
	arena_init(&a, 1 << 16);
	facts_init(&f, &a);
	facts_reach(&f, "bind", slice_from(path), SLICE("/:/h"));
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(f.nreach, 1);
	assert_true(slice_is(f.reach[0].path, "HostConfig.Binds[0]"));
	assert_true(slice_is(f.reach[0].value, "/:/h"));
	facts_reach(&f, "host", SLICE_NONE, SLICE_NONE);
	assert_int_equal(f.nreach, 2);
	assert_non_null(f.reach[1].path.p);
}

static void test_reach_cut(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;
	char value[200];

	(void)state;
	arena_init(&a, 1 << 16);
	facts_init(&f, &a);
	memset(value, 'a', sizeof(value));
	memcpy(value + 126, "€", 3);
	facts_reach(&f, "bind", SLICE("x"), (struct slice){ value, sizeof(value) });
	assert_int_equal(f.reach[0].value.n, 126);
	assert_true(utf8_valid(f.reach[0].value));
}

static void test_reach_bound(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;

	(void)state;
	arena_init(&a, 1 << 16);
	facts_init(&f, &a);
	for (int i = 0; i < BOUND_REACH + 7; i++)
		facts_reach(&f, "bind", SLICE("x"), SLICE("y"));
	assert_int_equal(f.nreach, BOUND_REACH);
	assert_int_equal(f.more_reach, 7);
}

static void test_no_memory(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;

	(void)state;
	arena_init(&a, 8);
	facts_init(&f, &a);
	facts_reach(&f, "bind", SLICE("x"), SLICE("y"));
	assert_int_equal(f.nreach, 0);
	assert_int_equal(f.more_reach, 1);
}

static void test_refusal(void **state)
{
	struct refusal r = { 0 };
	char big[20000];

	(void)state;
	refusal_set(&r, 404, "no such %s: %d", "thing", 7);
	assert_int_equal(r.status, 404);
	assert_string_equal(buf_text(&r.message), "no such thing: 7");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	refusal_set(&r, 400, "%s", big);
	assert_true(r.message.len > 1000 && r.message.len <= 8192);
	buf_free(&r.message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_reach_cut),
		cmocka_unit_test(test_reach_bound),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
