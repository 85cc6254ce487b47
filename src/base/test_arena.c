/* test_arena.c: alignment, zeroes, and the bound to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static void test_alloc(void **state _unused_)
{
	struct arena a;
	size_t total = 0;

	arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 500; n++) {
		unsigned char *p = arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 8, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
		total += n ? (n + 7) / 8 * 8 : 8;
	}
	assert_int_equal(a.used, total);
	arena_free(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, 1));
	arena_free(&a);
}

static void test_bound(void **state _unused_)
{
	struct arena a;

	arena_init(&a, 64);
	assert_null(arena_alloc(&a, 65));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 7));
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, 40));
	assert_null(arena_alloc(&a, 25));
	assert_non_null(arena_alloc(&a, 24));
	assert_int_equal(a.used, 64);
	assert_null(arena_alloc(&a, 0));
	arena_free(&a);
	arena_init(&a, SIZE_MAX);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_free(&a);
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, 1));
	arena_free(&a);
}

static void test_large(void **state _unused_)
{
	struct arena a;
	char *small, *large, *next;

	arena_init(&a, 1 << 20);
	small = arena_alloc(&a, 8);
	large = arena_alloc(&a, 200000);
	next = arena_alloc(&a, 8);
	assert_non_null(large);
	assert_ptr_equal(next, small + 8);	/* room is not lost */
	memset(large, 1, 200000);
	arena_free(&a);
}

static void test_copy(void **state _unused_)
{
	struct slice s;
	struct arena a;

	arena_init(&a, 64);
	s = arena_copy(&a, SLICE("text"));
	assert_string_equal(s.p, "text");
	assert_int_equal(s.n, 4);
	s = arena_copy(&a, SLICE_NONE);
	assert_non_null(s.p);
	assert_string_equal(s.p, "");
	s = arena_format(&a, "%d/%s", 7, "x");
	assert_string_equal(s.p, "7/x");
	assert_int_equal(s.n, 3);
	assert_null(arena_format(&a, "%100d", 1).p);
	assert_null(arena_copy(&a, (struct slice){ "x", SIZE_MAX }).p);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
