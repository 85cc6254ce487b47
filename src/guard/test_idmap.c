/* test_idmap.c: which ids get into a map, and which never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard/guard_int.h"

static void expect(const char *want, const struct id_pin *pins, size_t n,
    uint32_t sub, const struct id_extent *outer, size_t nouter)
{
	struct buf out = BUF(4096);
	struct id_map map;

	idmap_fill(&map, pins, n, sub, outer, nouter);
	idmap_print(&map, &out);
	assert_false(map.full);
	assert_string_equal(buf_text(&out), want);
	buf_free(&out);
}

static void test_users(void **state _unused_)
{
	expect("2001 0 1\n", (struct id_pin[]){ { 0, 2001 } }, 1, 0, NULL, 0);
	expect("2001 0 1\n100001 1 65535\n",
	    (struct id_pin[]){ { 0, 2001 } }, 1, 100000, NULL, 0);
	expect("2001 1000 1\n100000 0 1000\n101001 1001 64535\n",
	    (struct id_pin[]){ { 1000, 2001 } }, 1, 100000, NULL, 0);
	expect("2001 65535 1\n100000 0 65535\n",
	    (struct id_pin[]){ { 65535, 2001 } }, 1, 100000, NULL, 0);
	expect("2001 70000 1\n100000 0 65536\n",
	    (struct id_pin[]){ { 70000, 2001 } }, 1, 100000, NULL, 0);
	/* His own uid is in his range: the range is none. */
	expect("165535 0 1\n", (struct id_pin[]){ { 0, 165535 } }, 1, 100000,
	    NULL, 0);
	expect("165536 0 1\n100001 1 65535\n",
	    (struct id_pin[]){ { 0, 165536 } }, 1, 100000, NULL, 0);
}

static void test_groups(void **state _unused_)
{
	expect("2001 0 1\n2500 2500 1\n2501 2501 1\n"
	    "100001 1 2499\n102502 2502 63034\n",
	    (struct id_pin[]){ { 2501, 2501 }, { 0, 2001 }, { 2500, 2500 } }, 3,
	    100000, NULL, 0);
	/* A group above what images know. */
	expect("2001 0 1\n500000 500000 1\n100001 1 65535\n",
	    (struct id_pin[]){ { 0, 2001 }, { 500000, 500000 } }, 2, 100000,
	    NULL, 0);
}

static void test_namespace(void **state _unused_)
{
	struct id_extent one[] = { { 0, 400000, 65536 } };
	struct id_extent two[] = { { 0, 400000, 10 }, { 10, 500010, 100 } };
	uint32_t id;

	expect("2001 400000 1\n100001 400001 65535\n",
	    (struct id_pin[]){ { 0, 2001 } }, 1, 100000, one, 1);
	expect("2001 400005 1\n100000 400000 5\n100006 400006 4\n"
	    "100010 500010 100\n",
	    (struct id_pin[]){ { 5, 2001 } }, 1, 100000, two, 2);
	/* A group that the container does not have. */
	expect("2001 400000 1\n", (struct id_pin[]){ { 0, 2001 },
	    { 70000, 70000 } }, 2, 0, one, 1);
	assert_true(idmap_outer(5, one, 1, &id));
	assert_int_equal(id, 400005);
	assert_true(idmap_outer(65535, one, 1, &id));
	assert_false(idmap_outer(65536, one, 1, &id));
	assert_true(idmap_outer(65536, NULL, 0, &id));
	assert_int_equal(id, 65536);
}

/* More groups than the kernel takes are not half of a map. */
static void test_full(void **state _unused_)
{
	struct id_pin pins[BOUND_GROUPS];
	struct id_map map;

	for (uint32_t i = 0; i < BOUND_GROUPS; i++)
		pins[i] = (struct id_pin){ 2 * i + 1, 2 * i + 1 };
	idmap_fill(&map, pins, BOUND_GROUPS, 0, NULL, 0);
	assert_true(map.full);
	idmap_fill(&map, pins, MAP_EXTENTS, 0, NULL, 0);
	assert_false(map.full);
	idmap_fill(&map, pins, MAP_EXTENTS, 100000, NULL, 0);
	assert_true(map.full);
}

/* Whatever groups somebody has: each id once on either side. */
static void test_injective(void **state _unused_)
{
	struct id_pin pins[100];
	struct id_map map;
	const struct id_extent *a, *b;

	srand(4);
	for (int round = 0; round < 500; round++) {
		size_t n = 1;

		pins[0] = (struct id_pin){ (uint32_t)rand() % 66000, 2001 };
		for (uint32_t g = 1; n < 100 && g < 70000;
		    g += 1 + (uint32_t)rand() % 3000)
			if (g != pins[0].container && g != 2001)
				pins[n++] = (struct id_pin){ g, g };
		idmap_fill(&map, pins, n, 100000, NULL, 0);
		assert_false(map.full);
		for (size_t i = 0; i < map.n; i++) {
			a = &map.e[i];
			assert_true(a->host && a->count);
			for (size_t k = 0; k < i; k++) {
				b = &map.e[k];
				assert_true(a->host >= b->host + b->count ||
				    b->host >= a->host + a->count);
				assert_true(a->container >= b->container +
				    b->count || b->container >= a->container +
				    a->count);
			}
		}
	}
}

static uint32_t sub(const char *text)
{
	return idmap_sub(slice_from(text), SLICE("alice"), 2001);
}

static void test_sub(void **state _unused_)
{
	assert_int_equal(sub("alice:100000:65536\n"), 100000);
	assert_int_equal(sub("alice:100000:65536"), 100000);
	assert_int_equal(sub("2001:100000:65536\n"), 100000);
	assert_int_equal(sub("bob:1:2\n\n#x\nalice:231072:70000\n"), 231072);
	assert_int_equal(sub("alice:100000:1000\nalice:200000:65536\n"), 200000);
	assert_int_equal(sub("alice:65536:65536\n"), 65536);
	/* Too small, somebody else's, where accounts are, past the end. */
	assert_int_equal(sub(""), 0);
	assert_int_equal(sub("alice:100000:65535\n"), 0);
	assert_int_equal(sub("alicea:100000:65536\n"), 0);
	assert_int_equal(sub("alic:100000:65536\n"), 0);
	assert_int_equal(sub("20011:100000:65536\n"), 0);
	assert_int_equal(sub("alice:65535:65536\n"), 0);
	assert_int_equal(sub("alice:0:4294967295\n"), 0);
	assert_int_equal(sub("alice:4294901761:65536\n"), 0);
	assert_int_equal(sub("alice:-1:65536\n"), 0);
	assert_int_equal(sub("alice:100000:65536:1\n"), 0);
	assert_int_equal(sub("alice\nalice:\nalice::\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_injective),
		cmocka_unit_test(test_sub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
