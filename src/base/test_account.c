/* test_account.c: group search, equality, names that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static const struct group some[] = {
	{ 100, "users" }, { 27, "sudo" }, { 1000, "alice" }, { 27, "sudo" },
	{ 5000, "dev" },
};

static void test_groups(void **state _unused_)
{
	struct account *a = account_new(1000, 1000, "alice", some,
	    countof(some));

	assert_non_null(a);
	assert_int_equal(a->ngroups, 4);
	assert_string_equal(a->groups[0].name, "alice");
	assert_string_equal(a->groups[3].name, "users");
	for (size_t i = 0; i < countof(some); i++)
		assert_true(account_in_group(a, some[i].name));
	assert_false(account_in_group(a, "use"));
	assert_false(account_in_group(a, "users2"));
	assert_false(account_in_group(a, "Users"));
	assert_false(account_in_group(a, ""));
	assert_false(account_in_group(NULL, "users"));
	assert_ptr_equal(account_ref(a), a);
	assert_null(account_unref(a));
	assert_string_equal(a->name, "alice");
	assert_null(account_unref(a));
	assert_null(account_unref(NULL));
	assert_null(account_ref(NULL));
}

static void test_equal(void **state _unused_)
{
	static const struct group turned[] = {
		{ 5000, "dev" }, { 100, "users" }, { 27, "sudo" },
		{ 1000, "alice" },
	};
	struct account *a = account_new(1, 2, "x", some, countof(some));
	struct account *b = account_new(1, 2, "x", turned, 4);
	struct account *fewer = account_new(1, 2, "x", turned, 3);
	struct account *other = account_new(1, 2, "y", turned, 4);
	struct account *home = account_new(1, 2, "x", turned, 4);
	struct account *gid = account_new(1, 3, "x", turned, 4);

	assert_true(account_equal(a, b));
	assert_true(account_equal(a, a));
	assert_true(account_equal(NULL, NULL));
	assert_false(account_equal(a, NULL));
	assert_false(account_equal(a, fewer));
	assert_false(account_equal(a, other));
	assert_false(account_equal(a, gid));
	assert_true(account_equal(a, home));
	account_home(home, "/home/x");
	assert_false(account_equal(a, home));
	account_unref(home);
	account_unref(a);
	account_unref(b);
	account_unref(fewer);
	account_unref(other);
	account_unref(gid);
}

static void test_home(void **state _unused_)
{
	static const struct { const char *given, *kept; } homes[] = {
		{ "/home/x", "/home/x" }, { "/srv/h/x//", "/srv/h/x" },
		{ "/", "" }, { "", "" }, { "home/x", "" }, { "/home/../x", "" },
		{ "/home/..", "" }, { "/.", "" }, { "/a/.", "" }, { "/a//b", "" },
		{ "/home/./x", "" }, { "/..x", "/..x" }, { "/x..", "/x.." },
		{ "/home/x", "/home/x" },
	};
	struct account *a = account_new(1, 2, "x", NULL, 0);
	char wide[BOUND_HOME + 1];

	for (size_t i = 0; i < countof(homes); i++) {
		account_home(a, homes[i].given);
		assert_string_equal(a->home, homes[i].kept);
	}
	memset(wide, 'a', sizeof(wide));
	wide[0] = '/';
	wide[BOUND_HOME] = '\0';
	account_home(a, wide);
	assert_string_equal(a->home, "");
	wide[BOUND_HOME - 1] = '\0';
	account_home(a, wide);
	assert_string_equal(a->home, wide);
	account_unref(a);
}

static void test_names(void **state _unused_)
{
	char name[BOUND_NAME + 1] = { 0 };
	struct group g = { 1, "" };
	struct account *a;

	memset(name, 'n', BOUND_NAME - 1);
	a = account_new(1, 1, name, NULL, 0);
	assert_non_null(a);
	assert_string_equal(a->name, name);
	account_unref(a);
	name[BOUND_NAME - 1] = 'n';
	assert_null(account_new(1, 1, name, NULL, 0));
	memset(g.name, 'g', sizeof(g.name));
	assert_null(account_new(1, 1, "x", &g, 1));
	assert_null(account_new(1, 1, "x", &g, BOUND_GROUPS + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
