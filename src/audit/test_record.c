/* test_record.c: what is made can be read, and its neighbours cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/audit.h"

#define INSTANCE	"00112233445566778899aabbccddeeff"

static const char *members(struct buf *record, struct buf *out)
{
	assert_true(buf_ok(record));
	buf_reset(out);
	assert_int_equal(
	    record_json_members(buf_slice(record), out), RECORD_GOOD);
	return buf_text(out);
}

static int check(struct buf *record)
{
	_cleanup_(buf_free) struct buf err = BUF(512);
	int r = record_check(buf_slice(record), &err);

	assert_int_equal(r == RECORD_BAD, err.len > 0);
	return r;
}

static void every_type(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD),
				       out = BUF(BOUND_LINE);
	const struct slice list[] = {SLICE("binds"), SLICE("a\"b"), SLICE("")};

	(void)state;
	/* The order of making does not matter. */
	record_text(&b, FIELD_DETAIL, SLICE("x\ny\xff"));
	record_json(&b, FIELD_ARGV, SLICE("[\"sh\", \"-c\"]"));
	record_list(&b, FIELD_REACH, list, 3);
	record_bool(&b, FIELD_CONTAINER_PEER, true);
	record_uint(&b, FIELD_UID, 0);
	record_uint(&b, FIELD_SENT, UINT64_MAX);
	record_text(&b, FIELD_INSTANCE, SLICE(INSTANCE));
	record_time(&b, FIELD_TIME, 1795574400123456);
	assert_int_equal(check(&b), RECORD_GOOD);
	assert_string_equal(members(&b, &out),
	    "\"time\":\"2026-11-25T02:40:00.123456Z\","
	    "\"instance\":\"" INSTANCE "\",\"uid\":0,\"container_peer\":true,"
	    "\"argv\":[\"sh\", \"-c\"],\"reach\":[\"binds\",\"a\\\"b\",\"\"],"
	    "\"sent\":9223372036854775807,\"detail\":\"x\\ny\xef\xbf\xbd\"");
}

static void empty_is_left_out(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);

	(void)state;
	record_text(&b, FIELD_DETAIL, SLICE(""));
	record_text(&b, FIELD_USER, SLICE_NONE);
	record_json(&b, FIELD_ARGV, SLICE_NONE);
	record_list(&b, FIELD_REACH, NULL, 0);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 0);
	assert_int_equal(check(&b), RECORD_BAD);
}

static void wrong_type_fails(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);

	(void)state;
	record_uint(&b, FIELD_DETAIL, 1);
	assert_false(buf_ok(&b));
	buf_reset(&b);
	record_text(&b, FIELD_UID, SLICE("1"));
	assert_false(buf_ok(&b));
	buf_reset(&b);
	record_text(&b, FIELD_COUNT, SLICE("1"));
	assert_false(buf_ok(&b));
}

/* A text at the bound is whole; one byte more is cut at a character. */
static void long_text_is_cut(void **state)
{
	static char text[BOUND_FIELD + 8];
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD),
				       out = BUF(BOUND_LINE);
	struct record r;
	struct slice v;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	record_text(&b, FIELD_PATH, (struct slice){ text, BOUND_FIELD });
	record_text(&b, FIELD_OBJECT, (struct slice){ text, BOUND_FIELD + 2 });
	assert_int_equal(record_open(buf_slice(&b), &r, &out), RECORD_GOOD);
	assert_int_equal(r.value[FIELD_PATH].n, BOUND_FIELD);
	v = r.value[FIELD_OBJECT];
	assert_true(v.n <= BOUND_FIELD && v.n >= BOUND_FIELD - 2);
	assert_true(utf8_valid(v));
	assert_memory_equal(v.p + v.n - 3, "\xe2\x80\xa6", 3);

	memset(text, 0x80, sizeof(text));	/* no characters at all */
	buf_reset(&b);
	record_text(&b, FIELD_PATH, (struct slice){ text, sizeof(text) });
	assert_int_equal(check(&b), RECORD_GOOD);
}

static void long_list_is_cut(void **state)
{
	static char text[BOUND_FIELD];
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD),
				       out = BUF(BOUND_LINE);
	struct slice items[3];
	struct record r;

	(void)state;
	memset(text, 'a', sizeof(text));
	items[0] = items[1] = items[2] = (struct slice){ text, 2046 };
	record_list(&b, FIELD_REACH, items, 2); /* 2 x (2 + 2046): all */
	assert_int_equal(record_open(buf_slice(&b), &r, &out), RECORD_GOOD);
	assert_int_equal(r.value[FIELD_REACH].n, BOUND_FIELD);
	assert_null(strstr(members(&b, &out), "\xe2\x80\xa6"));
	buf_reset(&b);
	record_list(&b, FIELD_REACH, items, 3);
	assert_int_equal(check(&b), RECORD_GOOD);
	assert_non_null(strstr(members(&b, &out), ",\"\xe2\x80\xa6\"]"));
	buf_reset(&b);
	items[0].n = BOUND_FIELD;
	record_list(&b, FIELD_REACH, items, 1);
	assert_string_equal(members(&b, &out), "\"reach\":[\"\xe2\x80\xa6\"]");
}

static void long_json_is_cut(void **state)
{
	static char text[2 * BOUND_FIELD];
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD),
				       out = BUF(BOUND_LINE);

	(void)state;
	memset(text, '"', sizeof(text));	/* all of it is escaped */
	record_json(&b, FIELD_ARGV, (struct slice){ text, sizeof(text) });
	assert_int_equal(check(&b), RECORD_GOOD);
	assert_non_null(strstr(members(&b, &out), "\xe2\x80\xa6\"]"));
	memset(text, 1, sizeof(text));
	buf_reset(&b);
	record_json(&b, FIELD_ARGV, (struct slice){ text, sizeof(text) });
	assert_int_equal(check(&b), RECORD_GOOD);
}

static void put_raw(struct buf *b, uint16_t f, uint16_t flags, uint32_t len,
    const void *p, size_t n)
{
	buf_add(b, &f, sizeof(f));
	buf_add(b, &flags, sizeof(flags));
	buf_add(b, &len, sizeof(len));
	buf_add(b, p, n);
}

static void raw(uint16_t f, uint16_t flags, const void *p, size_t n, int expect)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD),
				       out = BUF(BOUND_LINE);

	put_raw(&b, f, flags, (uint32_t)n, p, n);
	if (check(&b) != expect)
		fail_msg("field %u, %zu bytes: not %d", f, n, expect);
	if (expect == RECORD_GOOD)
		members(&b, &out);
}

static void liars_are_refused(void **state)
{
	static char big[BOUND_FIELD + 1];
	uint64_t one = 1, top = INT64_MAX, over = (uint64_t)INT64_MAX + 1;
	uint64_t last = 253402300799999999u, late = last + 1;

	(void)state;
	memset(big, 'a', sizeof(big));
	raw(FIELD_UID, 0, &one, 8, RECORD_GOOD);
	raw(FIELD_UID, 0, &one, 7, RECORD_BAD);
	raw(FIELD_UID, 1, &one, 8, RECORD_BAD);
	raw(FIELD_UID, 0, &top, 8, RECORD_GOOD);
	raw(FIELD_UID, 0, &over, 8, RECORD_BAD);
	raw(FIELD_TIME, 0, &last, 8, RECORD_GOOD);
	raw(FIELD_TIME, 0, &late, 8, RECORD_BAD);
	raw(FIELD_CONTAINER_PEER, 0, "\1", 1, RECORD_GOOD);
	raw(FIELD_CONTAINER_PEER, 0, "\2", 1, RECORD_BAD);
	raw(FIELD_CONTAINER_PEER, 0, "\1", 2, RECORD_BAD);
	raw(FIELD_NONE, 0, "a", 1, RECORD_BAD);
	raw(FIELD_COUNT, 0, "a", 1, RECORD_BAD);
	raw(FIELD_COUNT - 1, 0, "a", 1, RECORD_GOOD);
	raw(FIELD_SEQ, 0, &one, 8, RECORD_BAD);
	raw(FIELD_PREV, 0, "a", 1, RECORD_BAD);
	raw(FIELD_UPTO, 0, "a", 1, RECORD_BAD);
	raw(FIELD_USER, 0, big, BOUND_FIELD, RECORD_GOOD);
	raw(FIELD_USER, 0, big, BOUND_FIELD + 1, RECORD_BAD);
	raw(FIELD_USER, 0, big, 0, RECORD_BAD);
	raw(FIELD_INSTANCE, 0, INSTANCE, 32, RECORD_GOOD);
	raw(FIELD_INSTANCE, 0, INSTANCE, 31, RECORD_BAD);
	raw(FIELD_INSTANCE, 0, "0011223344556677 899aabbccddeeff", 32,
	    RECORD_BAD);
	raw(FIELD_REACH, 0, "\1\0a", 3, RECORD_GOOD);
	raw(FIELD_REACH, 0, "\2\0a", 3, RECORD_BAD);
	raw(FIELD_REACH, 0, "\1\0a\1", 4, RECORD_BAD);
	raw(FIELD_ARGV, 0, "[\"a\"]", 5, RECORD_GOOD);
	raw(FIELD_ARGV, 0, "[\"a\n\"]", 6, RECORD_BAD);
	raw(FIELD_ARGV, 0, "[\"a\"\n]", 6, RECORD_BAD);
	raw(FIELD_ARGV, 0, "[\"a\"", 4, RECORD_BAD);
	raw(FIELD_ARGV, 0, "[],\"uid\":0", 10, RECORD_BAD);
}

static void frames_are_checked(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(2 * BOUND_RECORD);
	_cleanup_(buf_free) struct buf out = BUF(BOUND_LINE);
	char *copy;

	(void)state;
	record_text(&b, FIELD_USER, SLICE("alice"));
	record_text(&b, FIELD_EVENT, SLICE("request"));
	assert_int_equal(check(&b), RECORD_GOOD);
	/* Every cut but the one between the two fields; exact allocations let
	 * the sanitizer see a read behind the end. */
	for (size_t n = 0; n < b.len; n++) {
		copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, b.p, n);
		assert_int_equal(record_check((struct slice){ copy, n }, &out),
		    n == 13 ? RECORD_GOOD : RECORD_BAD);
		free(copy);
	}
	record_text(&b, FIELD_USER, SLICE("bob"));	/* a second time */
	assert_int_equal(check(&b), RECORD_BAD);

	buf_reset(&b);
	put_raw(&b, FIELD_USER, 0, UINT32_MAX, "a", 1);
	assert_int_equal(check(&b), RECORD_BAD);
	assert_int_equal(record_json_members(buf_slice(&b), &out), RECORD_BAD);
}

static void record_has_a_bound(void **state)
{
	static char text[BOUND_FIELD];
	_cleanup_(buf_free) struct buf b = BUF(2 * BOUND_RECORD);
	const struct slice v = { text, BOUND_FIELD };

	(void)state;
	memset(text, 'a', sizeof(text));
	record_text(&b, FIELD_USER, v);
	record_text(&b, FIELD_PATH, v);
	record_text(&b, FIELD_IMAGE, v);
	record_text(&b, FIELD_NAME, (struct slice){ text, BOUND_FIELD - 32 });
	assert_int_equal(b.len, BOUND_RECORD);
	assert_int_equal(check(&b), RECORD_GOOD);
	record_bool(&b, FIELD_CONTAINER_PEER, true);
	assert_int_equal(check(&b), RECORD_BAD);
}

static void full_output_is_left_alone(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD), out = BUF(8);

	(void)state;
	record_text(&b, FIELD_USER, SLICE("alice"));
	buf_addz(&out, "abc");
	assert_true(record_json_members(buf_slice(&b), &out) < 0);
	assert_int_equal(out.len, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type),
		cmocka_unit_test(empty_is_left_out),
		cmocka_unit_test(wrong_type_fails),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(long_list_is_cut),
		cmocka_unit_test(long_json_is_cut),
		cmocka_unit_test(liars_are_refused),
		cmocka_unit_test(frames_are_checked),
		cmocka_unit_test(record_has_a_bound),
		cmocka_unit_test(full_output_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
