/* test_fields.c: the table, its look-up, and the man page that follows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/audit.h"

static void names_are_found(void **state)
{
	(void)state;
	for (enum field f = FIELD_NONE + 1; f < FIELD_COUNT; f++) {
		assert_int_equal(field_find(slice_from(field_name(f))), f);
		assert_true(strlen(field_doc(f)) > 3);
	}
	assert_int_equal(field_type(FIELD_UID), FIELD_UINT);
	assert_int_equal(field_type(FIELD_ARGV), FIELD_JSON);
	assert_string_equal(field_name(FIELD_DURATION), "duration_ms");
}

static void others_are_not(void **state)
{
	(void)state;
	assert_int_equal(field_find(SLICE("")), FIELD_NONE);
	assert_int_equal(field_find(SLICE("Seq")), FIELD_NONE);
	assert_int_equal(field_find(SLICE("se")), FIELD_NONE);
	assert_int_equal(field_find(SLICE("seqq")), FIELD_NONE);
	assert_string_equal(field_name(FIELD_NONE), "");
	assert_string_equal(field_name(FIELD_COUNT), "");
	assert_string_equal(field_doc(FIELD_COUNT + 7), "");
}

/* Every field has its ".It Cm name" in dockbroker-audit(5), in order. */
static void man_page_has_all(void **state)
{
	static char page[64 * 1024];
	const char *top = getenv("top_srcdir"), *at = page;
	char path[4096], item[64];
	FILE *f;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/src/audit/dockbroker-audit.5",
	    top ? top : ".");
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: cannot be read", path);
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	assert_true(n > 0 && n < sizeof(page) - 1);
	for (enum field i = FIELD_NONE + 1; i < FIELD_COUNT; i++) {
		snprintf(item, sizeof(item), ".It Cm %s\n", field_name(i));
		at = strstr(at, item);
		if (!at)
			fail_msg(
			    "dockbroker-audit.5 lacks %s here", field_name(i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(man_page_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
