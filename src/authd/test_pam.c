/*
 * test_pam.c: pam_account against pam_wrapper's pam_matrix and a module that
 * misbehaves, in a directory of services of our own.
 */
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/authd.h"

/* libpam forgets 96 bytes where a module is missing; a child's end frees them. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default")))
const char *__lsan_default_suppressions(void)
{
	return "leak:libpam.so";
}

static char dir[] = "/tmp/test_pam.XXXXXX";
static struct config config;
static char text[BOUND_PAM_TEXT];

_printf_(2, 3) static void put(const char *name, const char *fmt, ...)
{
	char path[512];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	assert_int_equal(fclose(f), 0);
}

static int ask(const char *service, const char *user, const char *tty)
{
	snprintf(config.pam_service, sizeof(config.pam_service), "%s", service);
	memset(text, 'z', sizeof(text));
	int code = pam_account(&config, user, tty, text);
	assert_true(msg_text(text, sizeof(text)) >= 0);
	return code;
}

static void test_matrix(void **state)
{
	(void)state;
	assert_int_equal(ask("dockbroker", "alice", "pts/1"), PAM_SUCCESS);
	assert_string_equal(text, "");
	assert_int_not_equal(ask("dockbroker", "bob", ""), PAM_SUCCESS);
	assert_string_not_equal(text, "");
	assert_int_not_equal(ask("dockbroker", "nobody", ""), PAM_SUCCESS);
	assert_int_not_equal(ask("dockbroker", "alic", ""), PAM_SUCCESS);
}

static void test_service_missing(void **state)
{
	(void)state;
	assert_int_not_equal(ask("missing", "alice", ""), PAM_SUCCESS);
	assert_string_not_equal(text, "");
}

static void test_module_missing(void **state)
{
	(void)state;
	assert_int_not_equal(ask("nomodule", "alice", ""), PAM_SUCCESS);
}

static void test_talk(void **state)
{
	(void)state;
	assert_int_equal(ask("talk", "alice", ""), PAM_PERM_DENIED);
	assert_int_equal(strlen(text), BOUND_PAM_TEXT - 1);
	assert_int_equal(strncmp(text, "two lines [31m; xxx", 19), 0);
}

static void test_prompt_refused(void **state)
{
	(void)state;
	assert_int_equal(ask("prompt", "alice", ""), PAM_CONV_ERR);
}

static void test_tty(void **state)
{
	(void)state;
	assert_int_equal(ask("tty", "alice", "pts/7"), PAM_SUCCESS);
	assert_string_equal(text, "pts/7");
	assert_int_equal(ask("tty", "alice", ""), PAM_SUCCESS);
	assert_string_equal(text, "dockbroker");
}

static int setup(void **state)
{
	const char *build = getenv("top_builddir");
	char *module;

	(void)state;
	assert_non_null(mkdtemp(dir));
	module = realpath(build ? build : ".", NULL);
	assert_non_null(module);
	config_defaults(&config);
	snprintf(config.pam_directory, sizeof(config.pam_directory), "%s", dir);
	put("passdb", "alice:secret:dockbroker\nbob:secret:other\n");
	put("dockbroker", "account required %s/pam_matrix.so passdb=%s/passdb\n",
	    TEST_PAM_MODULES, dir);
	put("nomodule", "account required /nonexistent/pam_x.so\n");
	put("talk", "account required %s/src/authd/test_module.so talk\n", module);
	put("prompt", "account required %s/src/authd/test_module.so prompt\n",
	    module);
	put("tty", "account required %s/src/authd/test_module.so tty\n", module);
	free(module);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "passdb", "dockbroker",
		"nomodule", "talk", "prompt", "tty" };
	char path[512];

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_service_missing),
		cmocka_unit_test(test_module_missing),
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_prompt_refused),
		cmocka_unit_test(test_tty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
