/* test_args.c: what runc would read from its arguments, and what we refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/guard.h"

#define PROGRAM	"/usr/libexec/dockbroker/dockbroker-oci"

static struct args got;

static int parse(const char *program, const char *line)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	static char text[1024];
	static char *argv[64];
	int argc = 0, r;

	snprintf(text, sizeof(text), "%s %s", program, line);
	for (char *p = text, *word; (word = strsep(&p, " ")); )
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	r = args_parse(argc, argv, &got, &err);
	if ((r == ARGS_BAD) != (err.len > 0))
		fail_msg("%s: %d, \"%s\"", line, r, buf_text(&err));
	return r;
}

static void test_real(void **state _unused_)
{
	assert_int_equal(parse(PROGRAM, "--root /r --log /b/log.json --log-format"
	    " json create --bundle /b --pid-file /b/init.pid aa"), ARGS_MAKES);
	assert_string_equal(got.bundle, "/b");
	assert_string_equal(got.id, "aa");
	assert_string_equal(got.log, "/b/log.json");
	assert_true(got.json);
	assert_false(got.restore);
	assert_string_equal(got.runc[1], "--root");
	assert_int_equal(got.called, CALLED_STRICT);
	assert_int_equal(parse(PROGRAM "-build", "--log l run --bundle /b --keep "
	    "aa"), ARGS_MAKES);
	assert_int_equal(got.called, CALLED_BUILD);
	assert_false(got.json);
	assert_int_equal(parse(PROGRAM "-default", "-c /c --log=/l create -b=/x "
	    "--no-pivot aa"), ARGS_MAKES);
	assert_int_equal(got.called, CALLED_DEFAULT);
	assert_string_equal(got.conf, "/c");
	assert_string_equal(got.bundle, "/x");
	assert_string_equal(got.log, "/l");
	assert_string_equal(got.runc[1], "--log=/l");
}

static void test_places(void **state _unused_)
{
	assert_int_equal(parse(PROGRAM, "create aa --bundle /b"), ARGS_MAKES);
	assert_string_equal(got.bundle, "/b");
	assert_int_equal(parse(PROGRAM, "create -- -aa"), ARGS_MAKES);
	assert_string_equal(got.id, "-aa");
	assert_string_equal(got.bundle, ".");
	assert_int_equal(parse(PROGRAM, "-root create delete aa"), ARGS_RUNC);
	assert_int_equal(parse(PROGRAM, "--root create create aa"), ARGS_MAKES);
	assert_int_equal(parse(PROGRAM, "restore --image-path /i aa"), ARGS_MAKES);
	assert_true(got.restore);
}

static void test_others(void **state _unused_)
{
	assert_int_equal(parse(PROGRAM, "--version"), ARGS_RUNC);
	assert_int_equal(parse(PROGRAM, "features"), ARGS_RUNC);
	assert_int_equal(parse(PROGRAM, "--log /l exec --process /p --new aa"),
	    ARGS_RUNC);
	assert_int_equal(parse(PROGRAM, "-c /c kill aa 9"), ARGS_RUNC);
	assert_string_equal(got.runc[1], "kill");
	assert_int_equal(parse(PROGRAM, ""), ARGS_HELP);
	assert_int_equal(parse(PROGRAM, "--help"), ARGS_HELP);
	assert_int_equal(parse(PROGRAM, "-V"), ARGS_VERSION);
	assert_int_equal(parse(PROGRAM, "-c /c setup"), ARGS_SETUP);
	assert_false(got.undo);
	assert_int_equal(parse(PROGRAM, "setup --undo"), ARGS_SETUP);
	assert_true(got.undo);
	assert_string_equal(got.conf ? got.conf : "", "");
}

static void test_bad(void **state _unused_)
{
	assert_int_equal(parse(PROGRAM, "--new x create aa"), ARGS_BAD);
	assert_int_equal(parse(PROGRAM, "create --new aa"), ARGS_BAD);
	assert_int_equal(parse(PROGRAM, "create aa bb"), ARGS_BAD);
	assert_int_equal(parse(PROGRAM, "create --bundle /b"), ARGS_BAD);
	assert_int_equal(parse(PROGRAM, "create aa --bundle"), ARGS_BAD);
	assert_int_equal(parse(PROGRAM, "--log"), ARGS_BAD);
	assert_int_equal(parse(PROGRAM, "setup --redo"), ARGS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_bad)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
