/* test_log.c: the exact lines; no byte of a message leaves its line. */
#include <errno.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static char lines[16384];

/* What fn writes to stderr. */
static const char *capture(void (*fn)(void))
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	fn();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	n = read(ends[0], lines, sizeof(lines) - 1);
	close(ends[0]);
	assert_true(n >= 0);
	lines[n] = '\0';
	return lines;
}

static void write_levels(void)
{
	log_error("no %s", "engine");
	log_warn("slow");
	log_info("up");
	log_debug("%d", 7);
}

static void write_nasty(void)
{
	log_info("a\nb\r\x1b[31m\t\x7f\\ \xff\xc2\x9b \xe2\x82\xac");
}

static void write_long(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
}

static void write_errno(void)
{
	errno = ENOENT;
	log_info("open: %m");
	assert_int_equal(errno, ENOENT);
}

static void test_journal(void **state _unused_)
{
	log_open("test", LOG_DEBUG, true);
	assert_string_equal(capture(write_levels),
	    "<3>no engine\n<4>slow\n<6>up\n<7>7\n");
	log_open("test", LOG_WARN, true);
	assert_string_equal(capture(write_levels), "<3>no engine\n<4>slow\n");
	assert_true(log_wants(LOG_ERROR));
	assert_false(log_wants(LOG_INFO));
}

static void test_plain(void **state _unused_)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
	static const char *const want[] = {
		" dockbrokerd: error: no engine\n",
		" dockbrokerd: warning: slow\n",
		" dockbrokerd: info: up\n",
	};
	const char *p;

	log_open("dockbrokerd", LOG_INFO, false);
	p = capture(write_levels);
	for (size_t i = 0; i < countof(want); i++) {
		for (size_t k = 0; k < sizeof(shape) - 1; k++, p++) {
			if (shape[k] == 'd')
				assert_true(*p >= '0' && *p <= '9');
			else
				assert_int_equal(*p, shape[k]);
		}
		assert_memory_equal(p, want[i], strlen(want[i]));
		p += strlen(want[i]);
	}
	assert_string_equal(p, "");
}

static void test_escape(void **state _unused_)
{
	log_open("test", LOG_INFO, true);
	assert_string_equal(capture(write_nasty), "<6>a\\x0ab\\x0d\\x1b[31m"
	    "\\x09\\x7f\\\\ \\xff\\xc2\\x9b \xe2\x82\xac\n");
}

static void test_long(void **state _unused_)
{
	const char *p;

	log_open("test", LOG_INFO, true);
	p = capture(write_long);
	assert_int_equal(strlen(p), 3 + 2047 + 3 + 1);
	assert_string_equal(p + 3 + 2046, "x...\n");
}

static void test_errno(void **state _unused_)
{
	log_open("test", LOG_INFO, true);
	assert_string_equal(capture(write_errno),
	    "<6>open: No such file or directory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
