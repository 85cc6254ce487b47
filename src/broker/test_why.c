/* test_why.c: refusals are kept, each for its user, and nobody pushes out others'. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/broker.h"

static struct broker *made(void)
{
	struct broker *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	return b;
}

static void unmade(struct broker *b)
{
	reasons_free(b);
	free(b);
}

static bool knows(struct broker *b, uint64_t id, uint32_t uid)
{
	const char *text;

	return reason_find(b, id, uid, &text) == 0;
}

static void test_own(void **state)
{
	struct broker *b = made();
	const char *text;

	(void)state;
	reason_keep(b, 7, 2001, SLICE("because"));
	assert_int_equal(reason_find(b, 7, 2001, &text), 0);
	assert_string_equal(text, "because");
	assert_true(knows(b, 7, 0));		/* root may ask about all */
	assert_false(knows(b, 7, 2002));
	assert_false(knows(b, 8, 2001));
	unmade(b);
}

static void test_share(void **state)
{
	struct broker *b = made();

	(void)state;
	reason_keep(b, 1, 2002, SLICE("bob"));
	for (uint64_t id = 2; id < 10000; id++)
		reason_keep(b, id, 2001, SLICE("alice"));
	assert_true(knows(b, 1, 2002));
	assert_true(knows(b, 9999, 2001));
	assert_true(knows(b, 9999 - BOUND_WHY_UID + 1, 2001));
	assert_false(knows(b, 9999 - BOUND_WHY_UID, 2001));
	unmade(b);
}

static void test_full(void **state)
{
	struct broker *b = made();

	(void)state;
	for (uint64_t id = 1; id <= BOUND_WHY + 10; id++)
		reason_keep(b, id, (uint32_t)(5000 + id), SLICE("x"));
	assert_false(knows(b, 1, 5001));	/* the oldest made room */
	assert_false(knows(b, 10, 5010));
	assert_true(knows(b, 11, 5011));
	assert_true(knows(b, BOUND_WHY + 10, 5000 + BOUND_WHY + 10));
	unmade(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
