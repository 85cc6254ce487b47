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
	facts_reach(&f, "bind", slice_from(path), SLICE("/srv"), SLICE("ro"));
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(f.nreach, 1);
	assert_true(slice_is(f.reach[0].path, "HostConfig.Binds[0]"));
	assert_true(slice_is(f.reach[0].value, "/srv"));
	assert_true(slice_is(f.reach[0].extra, "ro"));
	assert_false(f.reach[0].cut);
	facts_reach(&f, "host", SLICE_NONE, SLICE_NONE, SLICE_NONE);
	assert_int_equal(f.nreach, 2);
	assert_non_null(f.reach[1].path.p);
	assert_non_null(f.reach[1].value.p);
	assert_non_null(f.reach[1].extra.p);
}

/* The longest that fits is whole; one byte more, and nothing may match it. */
static void test_reach_cut(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;
	char value[BOUND_REACH_VALUE + 1];

	(void)state;
	arena_init(&a, 1 << 16);
	facts_init(&f, &a);
	memset(value, 'a', sizeof(value));
	memcpy(value + BOUND_REACH_VALUE - 2, "€", 3);
	facts_reach(&f, "bind", SLICE("x"),
	    (struct slice){ value, sizeof(value) }, SLICE("rw"));
	assert_int_equal(f.reach[0].value.n, BOUND_REACH_VALUE - 2);
	assert_true(utf8_valid(f.reach[0].value));
	assert_true(f.reach[0].cut);
	value[BOUND_REACH_VALUE - 2] = 'a';
	facts_reach(&f, "bind", SLICE("x"),
	    (struct slice){ value, BOUND_REACH_VALUE }, SLICE("rw"));
	assert_int_equal(f.reach[1].value.n, BOUND_REACH_VALUE);
	assert_false(f.reach[1].cut);
	facts_reach(&f, "network", SLICE("x"), SLICE("option=a"),
	    (struct slice){ value, sizeof(value) });
	assert_true(f.reach[2].cut);
}

static void test_reach_bound(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;

	(void)state;
	arena_init(&a, 1 << 16);
	facts_init(&f, &a);
	for (int i = 0; i < BOUND_REACH + 7; i++)
		facts_reach(&f, "bind", SLICE("x"), SLICE("y"), SLICE("ro"));
	assert_int_equal(f.nreach, BOUND_REACH);
	assert_int_equal(f.more_reach, 7);
}

static void test_ref(void **state)
{
	_cleanup_(arena_free) struct arena a;
	struct facts f;
	char name[] = "db";
	struct ref *r;

	(void)state;
	arena_init(&a, 1 << 18);
	facts_init(&f, &a);
	r = facts_ref(&f, OBJECT_VOLUME, REF_USE, SLICE("HostConfig.Binds[0]"),
	    slice_from(name));
	assert_non_null(r);
	name[0] = 'x';
	assert_true(slice_is(r->name, "db"));
	assert_true(slice_is(r->path, "HostConfig.Binds[0]"));
	assert_int_equal(r->kind, OBJECT_VOLUME);
	assert_int_equal(r->use, REF_USE);
	assert_int_equal(r->state, REF_OPEN);
	assert_false(r->made);
	assert_null(r->id.p);
	assert_null(r->object);
	for (int i = 1; i < BOUND_REFS; i++)
		assert_non_null(facts_ref(&f, OBJECT_NETWORK, REF_OBJECT,
		    SLICE(""), SLICE("n")));
	assert_null(facts_ref(&f, OBJECT_NETWORK, REF_OBJECT, SLICE(""), SLICE("n")));
	assert_int_equal(f.nrefs, BOUND_REFS);
	assert_int_equal(f.more_refs, 1);
	assert_true(slice_is(f.refs[0].name, "db"));
}

/* Nothing is lost in silence, whatever the arena has no room for. */
static void test_no_memory(void **state)
{
	(void)state;
	for (size_t room = 0; room < 1024; room += 8) {
		_cleanup_(arena_free) struct arena a;
		struct facts f;

		arena_init(&a, room);
		facts_init(&f, &a);
		facts_reach(&f, "bind", SLICE("x"), SLICE("/srv"), SLICE("ro"));
		facts_ref(&f, OBJECT_VOLUME, REF_USE, SLICE("x"), SLICE("y"));
		assert_int_equal(f.nreach + f.more_reach, 1);
		assert_int_equal(f.nrefs + f.more_refs, 1);
		if (f.nreach)
			assert_true(f.reach[0].cut ||
			    (f.reach[0].value.n == 4 && f.reach[0].extra.n == 2));
		if (f.nrefs)
			assert_true(slice_is(f.refs[0].name, "y"));
	}
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
		cmocka_unit_test(test_ref),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
