/* test_fault.c: what people read, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static void check(struct slice text, size_t offset, size_t len,
    const char *want)
{
	struct buf b = BUF(8192);

	fault_show(&b, "f.conf", text, offset, len, "bad word");
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

static void test_plain(void **state _unused_)
{
	struct slice t = SLICE("role x {\n\tallow pss\n}\n");

	check(t, 16, 3, "f.conf:2:8: bad word\n\tallow pss\n\t      ^~~\n");
	check(t, 0, 4, "f.conf:1:1: bad word\nrole x {\n^~~~\n");
	check(t, 7, 1, "f.conf:1:8: bad word\nrole x {\n       ^\n");
	check(t, 7, 0, "f.conf:1:8: bad word\nrole x {\n       ^\n");
	check(t, 20, 1, "f.conf:3:1: bad word\n}\n^\n");
}

static void test_edges(void **state _unused_)
{
	struct slice t = SLICE("ab\ncd\n");

	/* wider than its line, at the newline, past the end */
	check(t, 1, 100, "f.conf:1:2: bad word\nab\n ^\n");
	check(t, 2, 1, "f.conf:1:3: bad word\nab\n  ^\n");
	check(t, 6, 0, "f.conf:2:3: bad word\ncd\n  ^\n");
	check(t, 999, 5, "f.conf:2:3: bad word\ncd\n  ^\n");
	check(SLICE("ab\ncd"), 5, 1, "f.conf:2:3: bad word\ncd\n  ^\n");
	check(SLICE(""), 0, 0, "f.conf:1:1: bad word\n\n^\n");
	check(SLICE_NONE, 3, 3, "f.conf:1:1: bad word\n\n^\n");
	check(SLICE("\n"), 0, 1, "f.conf:1:1: bad word\n\n^\n");
	check(SLICE("\n\n"), 1, 1, "f.conf:2:1: bad word\n\n^\n");
}

static void test_controls(void **state _unused_)
{
	struct buf b = BUF(1000);

	check(SLICE("a\x1b[1m\0\xff\xc2\x9b x\r\n"), 9, 1,
	    "f.conf:1:9: bad word\na?[1m??? x?\n        ^\n");
	check(SLICE("\xe2\x82\xac\xe2\x80\xae z"), 7, 1,
	    "f.conf:1:4: bad word\n\xe2\x82\xac? z\n   ^\n");
	fault_show(&b, "a\nb", SLICE("x"), 0, 1, "it is `\x1b'");
	assert_string_equal(buf_text(&b), "a?b:1:1: it is `?'\nx\n^\n");
	buf_free(&b);
}

static void test_long(void **state _unused_)
{
	char text[600], want[2000], *w = want;
	size_t head = sizeof("f.conf:1:301: bad word\n") - 1;

	memset(text, 'a', sizeof(text));
	text[300] = 'B';
	memcpy(w, "f.conf:1:301: bad word\n", head);
	w += head;
	w = mempcpy(w, "...", 3);
	w = mempcpy(w, text + 260, 100);
	w = mempcpy(w, "...\n", 4);
	memset(w, ' ', 43);
	w += 43;
	*w++ = '^';
	memset(w, '~', 59);
	w += 59;
	memcpy(w, "\n", 2);
	check((struct slice){ text, sizeof(text) }, 300, 500, want);
}

static void test_full(void **state _unused_)
{
	struct buf b = BUF(60);

	fault_show(&b, "p", SLICE("x"), 0, 1, "one");
	fault_show(&b, "p", SLICE("x"), 0, 1, "a sentence too long to fit "
	    "into what is left of it");
	fault_show(&b, "p", SLICE("x"), 0, 1, "two");
	assert_true(buf_ok(&b));
	assert_string_equal(buf_text(&b),
	    "p:1:1: one\nx\n^\np:1:1: two\nx\n^\n");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
