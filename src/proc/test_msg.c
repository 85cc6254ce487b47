/* test_msg.c: every row of msg.def, and its nearest neighbours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

static char packet[MSG_HEADER + BOUND_MESSAGE + 1];

/* As long as said, or with a length field that lies by `lie'. */
static int check(uint32_t id, size_t n, int lie, size_t nfds,
    enum party from, enum party to)
{
	uint32_t head[2] = { id, (uint32_t)n + (uint32_t)lie };
	struct slice body = SLICE_NONE;
	enum msg got = MSG_NONE;
	int r;

	memcpy(packet, head, sizeof(head));
	r = msg_check((struct slice){ packet, MSG_HEADER + n }, nfds, from,
	    to, &got, &body);
	if (r == MSG_GOOD) {
		assert_int_equal(got, id);
		assert_int_equal(body.n, n);
		assert_ptr_equal(body.p, packet + MSG_HEADER);
	}
	return r;
}

static void check_row(enum msg id, unsigned from, unsigned to, size_t min,
    size_t max, size_t fds)
{
	for (unsigned f = 1; f <= PARTY_CLI; f <<= 1)
		for (unsigned t = 1; t <= PARTY_CLI; t <<= 1)
			assert_int_equal(check(id, min, 0, fds, f, t),
			    (f & from) && (t & to) ? MSG_GOOD : MSG_DIRECTION);
	from &= -from;
	to &= -to;
	assert_int_equal(check(id, max, 0, fds, from, to), MSG_GOOD);
	assert_int_equal(check(id, max + 1, 0, fds, from, to), MSG_LENGTH);
	if (min)
		assert_int_equal(check(id, min - 1, 0, fds, from, to),
		    MSG_LENGTH);
	assert_int_equal(check(id, min, 1, fds, from, to), MSG_LENGTH);
	assert_int_equal(check(id, min, -1, fds, from, to), MSG_LENGTH);
	assert_int_equal(check(id, min, 0, fds + 1, from, to), MSG_FDS);
	assert_string_not_equal(msg_name(id), "unknown");
}

static void test_rows(void **state _unused_)
{
#define MSG(id, from, to, min, max, fds, doc) \
	check_row(MSG_##id, from, to, min, max, fds);
#include "dockbroker/msg.def"
}

static void test_unknown(void **state _unused_)
{
	enum msg id;
	struct slice body;

	assert_int_equal(check(MSG_NONE, 0, 0, 0, PARTY_BROKER, PARTY_CLI),
	    MSG_UNKNOWN);
	assert_int_equal(check(MSG_COUNT, 0, 0, 0, PARTY_BROKER, PARTY_CLI),
	    MSG_UNKNOWN);
	assert_int_equal(check(UINT32_MAX, 0, 0, 0, PARTY_BROKER, PARTY_CLI),
	    MSG_UNKNOWN);
	for (size_t n = 0; n < MSG_HEADER; n++)
		assert_int_equal(msg_check((struct slice){ packet, n }, 0,
		    PARTY_BROKER, PARTY_CLI, &id, &body), MSG_SHORT);
	assert_string_equal(msg_name(MSG_COUNT), "unknown");
	assert_string_equal(msg_name(MSG_WHO_ASK), "WHO_ASK");
}

static void test_text(void **state _unused_)
{
	assert_int_equal(msg_text("abc\0\0\0\0", 8), 3);
	assert_int_equal(msg_text("\0\0\0", 4), 0);
	assert_int_equal(msg_text("abc", 4), 3);
	assert_int_equal(msg_text("abcd", 4), -1);
	assert_int_equal(msg_text("abc\0x\0\0", 8), -1);
	assert_int_equal(msg_text("\0\0\0x", 4), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
