/* test_chain.c: lines are read back, and every change in a log is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/audit.h"

#define INSTANCE	"00112233445566778899aabbccddeeff"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define START		"{\"seq\":7,\"prev\":\"" ZEROS "\""

static void add_line(struct chain *c, uint64_t n, struct buf *out)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);

	record_text(&b, FIELD_INSTANCE, SLICE(INSTANCE));
	record_uint(&b, FIELD_N, n);
	record_uint(&b, FIELD_ID, 100 + n);
	record_text(&b, FIELD_USER, SLICE("j\xc3\xbcrgen \"x\"\n"));
	record_json(
	    &b, FIELD_ARGV, SLICE("[\"a\",{\"b\":[1,-2.5e3,true,null]}]"));
	assert_int_equal(chain_line(c, buf_slice(&b), out), 0);
}

static int parse(const char *line)
{
	struct line l;

	return line_parse(slice_from(line), &l);
}

static void lines_are_read_back(void **state)
{
	_cleanup_(buf_free) struct buf out = BUF(BOUND_LINE);
	struct chain c = { 0 };
	struct line l;

	(void)state;
	c.seq = 41;
	memset(c.last, 0xab, sizeof(c.last));
	add_line(&c, 5, &out);
	assert_int_equal(c.seq, 42);
	assert_int_equal(out.p[out.len - 1], '\n');
	assert_int_equal(
	    line_parse((struct slice){out.p, out.len - 1}, &l), LINE_GOOD);
	assert_int_equal(l.seq, 42);
	assert_int_equal(l.prev[0], 0xab);
	assert_int_equal(l.prev[31], 0xab);
	assert_int_equal(l.instance[1], 0x11);
	assert_int_equal(l.instance[15], 0xff);
	assert_int_equal(l.n, 5);
	assert_int_equal(l.id, 105);
	/* With its newline it is not a line. */
	assert_int_equal(line_parse(buf_slice(&out), &l), LINE_BAD);
}

static void every_start_is_torn(void **state)
{
	_cleanup_(buf_free) struct buf out = BUF(BOUND_LINE);
	struct chain c = { 0 };
	struct line l;
	char *copy;

	(void)state;
	add_line(&c, 1, &out);
	for (size_t n = 0; n + 1 < out.len; n++) {
		copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, out.p, n);
		assert_int_equal(
		    line_parse((struct slice){copy, n}, &l), LINE_TORN);
		free(copy);
	}
}

static void strangers_are_bad(void **state)
{
	struct line l;

	(void)state;
	assert_int_equal(parse(START "}"), LINE_GOOD);
	assert_int_equal(parse(START "} "), LINE_BAD);
	assert_int_equal(parse(START ",}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":1}"), LINE_GOOD);
	assert_int_equal(parse(START ",\"seq\":1}"), LINE_BAD);
	assert_int_equal(parse(START ",\"prev\":1}"), LINE_BAD);
	assert_int_equal(parse(START ",\"n\":1}"), LINE_GOOD);
	assert_int_equal(parse(START ",\"n\":1,\"n\":1}"), LINE_BAD);
	assert_int_equal(parse(START ",\"n\":-1}"), LINE_BAD);
	assert_int_equal(parse(START ",\"n\":01}"), LINE_BAD);
	assert_int_equal(parse(START ",\"n\":\"1\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"n\":9223372036854775808}"), LINE_BAD);
	assert_int_equal(
	    parse(START ",\"instance\":\"" INSTANCE "\"}"), LINE_GOOD);
	assert_int_equal(
	    parse(START ",\"instance\":\"" INSTANCE "0\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"instance\":5}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":tru}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":\"\\x\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":\"\\u00g0\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":\"\t\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":\"\xff\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":[1,]}"), LINE_BAD);
	assert_int_equal(parse(START ",\"a\":[ ] }"), LINE_GOOD);
	assert_int_equal(parse(START ",\"a\":{\"b\"}}"), LINE_BAD);
	assert_int_equal(parse("{\"seq\":0,\"prev\":\"" ZEROS "\"}"), LINE_BAD);
	assert_int_equal(
	    parse("{\"seq\":1,\"prev\":\"0" ZEROS "\"}"), LINE_BAD);
	assert_int_equal(
	    parse("{ \"seq\":1,\"prev\":\"" ZEROS "\"}"), LINE_BAD);
	assert_int_equal(parse("hello"), LINE_BAD);
	assert_int_equal(line_parse((struct slice){"\0\0\0", 3}, &l), LINE_BAD);
}

static void upto_is_read(void **state)
{
	struct line l;

	(void)state;
	assert_int_equal(
	    line_parse(SLICE(START ",\"upto\":\"" INSTANCE " 12 34\"}"), &l),
	    LINE_GOOD);
	assert_int_equal(l.upto_instance[15], 0xff);
	assert_int_equal(l.upto_n, 12);
	assert_int_equal(l.upto_id, 34);
	assert_int_equal(l.n, 0);
	assert_int_equal(
	    parse(START ",\"upto\":\"" INSTANCE " 12\"}"), LINE_BAD);
	assert_int_equal(
	    parse(START ",\"upto\":\"" INSTANCE " 12 34 5\"}"), LINE_BAD);
	assert_int_equal(parse(START ",\"upto\":12}"), LINE_BAD);
}

static void deep_is_bad(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(8192);
	struct line l;

	(void)state;
	for (unsigned deep = 24; deep <= 1000; deep += 976) {
		buf_reset(&b);
		buf_addz(&b, START ",\"a\":");
		for (unsigned i = 0; i < deep; i++)
			buf_addc(&b, '[');
		for (unsigned i = 0; i < deep; i++)
			buf_addc(&b, ']');
		buf_addc(&b, '}');
		assert_int_equal(line_parse(buf_slice(&b), &l),
		    deep == 24 ? LINE_GOOD : LINE_BAD);
	}
}

/* Checks a whole log; returns the number of faults. */
static unsigned verify(struct slice log)
{
	_cleanup_(buf_free) struct buf why = BUF(4096);
	struct chain c = { 0 };
	unsigned faults = 0;

	while (log.n > 0) {
		struct slice line = slice_cut(&log, '\n');
		int r;

		buf_reset(&why);
		r = chain_check(&c, line, &why);
		assert_int_equal(r == CHAIN_BROKEN, why.len > 0);
		faults += r == CHAIN_BROKEN;
	}
	return faults;
}

static void changes_are_found(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(65536), copy = BUF(65536);
	struct chain c = { 0 };
	size_t second, third, fourth;

	(void)state;
	add_line(&c, 1, &log);
	second = log.len;
	add_line(&c, 2, &log);
	third = log.len;
	add_line(&c, 3, &log);
	fourth = log.len;
	add_line(&c, 4, &log);
	assert_int_equal(verify(buf_slice(&log)), 0);

	/* One bit anywhere before the last line. */
	for (size_t i = 0; i < fourth; i++) {
		log.p[i] ^= 1;
		if (verify(buf_slice(&log)) == 0)
			fail_msg("a change of byte %zu is not found", i);
		log.p[i] ^= 1;
	}
	/* The second line taken out: one fault, not two. */
	buf_add(&copy, log.p, second);
	buf_add(&copy, log.p + third, log.len - third);
	assert_int_equal(verify(buf_slice(&copy)), 1);
	/* The second and the third in the wrong order. */
	buf_reset(&copy);
	buf_add(&copy, log.p, second);
	buf_add(&copy, log.p + third, fourth - third);
	buf_add(&copy, log.p + second, third - second);
	buf_add(&copy, log.p + fourth, log.len - fourth);
	assert_int_equal(verify(buf_slice(&copy)), 3);
	/* The first taken out. */
	assert_int_equal(
	    verify((struct slice){log.p + second, log.len - second}), 1);
}

static void middle_can_be_the_start(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(65536), why = BUF(256);
	struct slice rest, line;
	struct chain c = { 0 };
	struct line l;

	(void)state;
	c.seq = 9;
	c.last[3] = 1;
	add_line(&c, 1, &log);
	add_line(&c, 2, &log);
	rest = buf_slice(&log);
	line = slice_cut(&rest, '\n');
	assert_int_equal(line_parse(line, &l), LINE_GOOD);
	memset(&c, 0, sizeof(c));
	chain_before(&c, &l);
	assert_int_equal(chain_check(&c, line, &why), CHAIN_GOOD);
	assert_int_equal(
	    chain_check(&c, slice_cut(&rest, '\n'), &why), CHAIN_GOOD);
	assert_int_equal(c.seq, 11);
}

static void a_failure_changes_nothing(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD), out = BUF(120);
	struct chain c = { .seq = 3 }, before = c;

	(void)state;
	buf_addz(&out, "abc");
	assert_int_equal(chain_line(&c, SLICE("junk"), &out), RECORD_BAD);
	assert_int_equal(chain_line(&c, SLICE_NONE, &out), RECORD_BAD);
	record_text(&b, FIELD_USER, SLICE("somebody with a rather long name"));
	assert_true(chain_line(&c, buf_slice(&b), &out) < 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(&c, &before, sizeof(c));
}

/* The longest record gives a line within BOUND_LINE. */
static void longest_line(void **state)
{
	static char text[BOUND_FIELD];
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD),
				       out = BUF(BOUND_LINE);
	const struct slice v = { text, BOUND_FIELD };
	struct chain c = { .seq = INT64_MAX - 1 };
	struct line l;

	(void)state;
	memset(text, 1, sizeof(text));
	record_text(&b, FIELD_USER, v);
	record_text(&b, FIELD_PATH, v);
	record_text(&b, FIELD_IMAGE, v);
	record_text(&b, FIELD_NAME, (struct slice){ text, BOUND_FIELD - 32 });
	assert_true(buf_ok(&b));
	assert_int_equal(chain_line(&c, buf_slice(&b), &out), 0);
	assert_int_equal(
	    line_parse((struct slice){out.p, out.len - 1}, &l), LINE_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_back),
		cmocka_unit_test(every_start_is_torn),
		cmocka_unit_test(strangers_are_bad),
		cmocka_unit_test(upto_is_read),
		cmocka_unit_test(deep_is_bad),
		cmocka_unit_test(changes_are_found),
		cmocka_unit_test(middle_can_be_the_start),
		cmocka_unit_test(a_failure_changes_nothing),
		cmocka_unit_test(longest_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
