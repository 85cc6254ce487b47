/*
 * test_recover.c: logs as kill -9, power cuts and people leave them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/test_log.h"

#define LOG_MAX	(32UL * 1024 * 1024)

static void open_good(struct writer *w)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);

	if (writer_open(w, test_log_dir(), LOG_NAME, NOW, &err) != WRITER_GOOD)
		fail_msg("%s", buf_text(&err));
}

/* Refused with a sentence, and the file is as it was. */
static void open_refused(const char *word)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	_cleanup_(buf_free) struct buf before = BUF(LOG_MAX),
				       after = BUF(LOG_MAX);
	struct writer w;

	file_get(LOG_NAME, &before);
	assert_int_equal(writer_open(&w, test_log_dir(), LOG_NAME, NOW, &err),
	    WRITER_BAD);
	writer_close(&w);
	assert_non_null(strstr(buf_text(&err), word));
	file_get(LOG_NAME, &after);
	assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
}

static void add_to(struct writer *w, unsigned instance, uint64_t last)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);

	while (w->n < last) {
		buf_reset(&b);
		make_record(&b, instance, w->n + 1);
		assert_int_equal(
		    writer_add(w, buf_slice(&b), 1000 + w->n + 1), 0);
	}
	writer_flush(w, NOW, true);
	assert_int_equal(w->synced_n, last);
	assert_int_equal(writer_state(w), AUDIT_GOOD);
}

/* A fresh log with records 1 to last of an instance, and nothing else. */
static void make_log(unsigned instance, uint64_t last, struct buf *out)
{
	uint8_t id[16];
	struct writer w;

	test_log_empty();
	open_good(&w);
	make_instance(id, instance);
	writer_instance(&w, id);
	add_to(&w, instance, last);
	writer_close(&w);
	buf_reset(out);
	file_get(LOG_NAME, out);
}

static size_t start_of_last(struct slice log, unsigned lines)
{
	size_t at = log.n;

	for (at--; lines > 0 && at > 0; at--)
		if (log.p[at - 1] == '\n')
			lines--;
	return at + (lines == 0);
}

/* What is left of a log is whole, its end is kept, the rest can be sent. */
static void recover_one(struct slice before, uint64_t last)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX), torn = BUF(LOG_MAX);
	const char *torn_name = LOG_NAME ".torn-20261125T024000Z";
	struct log_seen seen = { 0 };
	size_t whole = before.n;
	uint8_t id[16];
	struct writer w;

	while (whole > 0 && before.p[whole - 1] != '\n')
		whole--;
	file_put(LOG_NAME, before);
	open_good(&w);
	assert_int_equal(w.end.size, whole);
	assert_int_equal(w.nevents, whole < before.n);
	assert_int_equal(file_exists(torn_name), whole < before.n);
	if (whole < before.n) {
		file_get(torn_name, &torn);
		assert_int_equal(torn.len, before.n - whole);
		assert_memory_equal(torn.p, before.p + whole, torn.len);
	}
	make_instance(id, 3);
	writer_instance(&w, id);
	add_to(&w, 3, last);
	writer_close(&w);
	file_get(LOG_NAME, &log);
	assert_memory_equal(log.p, before.p, whole);
	log_verify(buf_slice(&log), &seen);
	assert_int_equal(seen.n[3], last);
	assert_int_equal(seen.records, last);
	assert_int_equal(seen.events, whole < before.n);
	unlink(torn_name);
	test_log_empty();
}

static void power_cut_at_every_byte(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	size_t from;

	(void)state;
	make_log(3, 6, &log);
	from = start_of_last(buf_slice(&log), 3);
	assert_true(from > 0 && log.len - from > 600);
	for (size_t n = from; n <= log.len; n++)
		recover_one((struct slice){ log.p, n }, 6);
	make_log(3, 1, &log);		/* down to nothing */
	for (size_t n = 0; n <= log.len; n++)
		recover_one((struct slice){ log.p, n }, 2);
}

/* Blocks that never reached the disk read as zeros, or as what was there. */
static void rubbish_at_the_end(void **state)
{
	static const char zeros[5000];
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX), out = BUF(LOG_MAX);
	struct log_seen seen = { 0 };
	struct writer w;
	size_t whole;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		memset(&seen, 0, sizeof(seen));
		make_log(3, 4, &log);
		whole = log.len;
		if (kind == 0)
			buf_add(&log, zeros, sizeof(zeros));
		else if (kind == 1)
			buf_addz(&log, "what\nis\nthis\n");
		else if (kind == 2)
			buf_addz(&log, "{\"seq\":5,\"prev\":\"00\"}\n\n");
		else
			memset(log.p + start_of_last(buf_slice(&log), 1) + 30,
			    0, 40);
		file_put(LOG_NAME, buf_slice(&log));
		open_good(&w);
		assert_int_equal(w.written_n, kind == 3 ? 3 : 4);
		assert_true(
		    kind == 3 ? w.end.size < whole : w.end.size == whole);
		add_to(&w, 3, 5);
		writer_close(&w);
		buf_reset(&out);
		file_get(LOG_NAME, &out);
		log_verify(buf_slice(&out), &seen);
		assert_int_equal(seen.n[3], 5);
		assert_int_equal(seen.events, 1);
	}
}

static void torn_names_do_not_collide(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	struct writer w;

	(void)state;
	make_log(3, 3, &log);
	for (int i = 0; i < 3; i++) {
		file_put(LOG_NAME, (struct slice){ log.p, log.len - 5 });
		open_good(&w);
		writer_close(&w);
	}
	assert_true(file_exists(LOG_NAME ".torn-20261125T024000Z"));
	assert_true(file_exists(LOG_NAME ".torn-20261125T024000Z-2"));
	assert_true(file_exists(LOG_NAME ".torn-20261125T024000Z-3"));
}

/* Good lines are never cut, whatever stands before them. */
static void faults_inside_are_told(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX), after = BUF(LOG_MAX);
	struct writer w;
	size_t at;

	(void)state;
	make_log(3, 8, &log);
	at = start_of_last(buf_slice(&log), 4);
	log.p[at + 100] ^= 1;		/* a digit of prev, say */
	log.p[at + 20] = '\0';
	file_put(LOG_NAME, buf_slice(&log));
	open_good(&w);
	assert_int_equal(w.end.size, log.len);
	assert_int_equal(w.written_n, 8);
	assert_int_equal(w.nevents, 1);
	assert_string_equal(w.events[0].name, "log-faulty");
	writer_close(&w);
	file_get(LOG_NAME, &after);
	assert_true(slice_equal(buf_slice(&log), buf_slice(&after)));
}

static void strangers_are_left_alone(void **state)
{
	_cleanup_(buf_free) struct buf big = BUF(LOG_MAX), log = BUF(LOG_MAX);

	(void)state;
	test_log_empty();
	file_put(LOG_NAME, SLICE("root:x:0:0:root:/root:/bin/bash\n"));
	open_refused("no line of an audit log");
	/* A log, and more behind it than one turn can have left. */
	make_log(3, 2, &log);
	buf_adds(&big, buf_slice(&log));
	for (int i = 0; i < 70000; i++)
		buf_addz(&big,
		    "something that somebody else has written in here\n"
		    "and once more, so that it becomes more\n");
	file_put(LOG_NAME, buf_slice(&big));
	open_refused("move the file away");
}

static void one_writer_only(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	struct writer w;

	(void)state;
	make_log(3, 2, &log);
	open_good(&w);
	open_refused("another dockbroker-auditd writes this log");
	writer_close(&w);
	open_good(&w);
	writer_close(&w);
}

static void modes_are_checked(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX), err = BUF(1024);
	char path[128];
	struct writer w;

	(void)state;
	make_log(3, 2, &log);
	snprintf(path, sizeof(path), "%s/%s", test_dir, LOG_NAME);
	assert_int_equal(chmod(path, 0660), 0);
	open_refused("writable");
	assert_int_equal(chmod(path, 0640), 0);
	open_good(&w);
	writer_close(&w);
	unlink(path);
	assert_int_equal(symlink("/tmp/elsewhere", path), 0);
	assert_int_equal(
	    writer_open(&w, test_log_dir(), LOG_NAME, NOW, &err), WRITER_BAD);
	writer_close(&w);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(
	    writer_open(&w, test_log_dir(), LOG_NAME, NOW, &err), WRITER_BAD);
	writer_close(&w);
}

/* Several instances, and more than one chunk. */
static void long_log(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	struct log_seen seen = { 0 };
	uint8_t id[16];
	struct writer w;

	(void)state;
	test_log_empty();
	open_good(&w);
	for (unsigned i = 0; i < 8; i++) {
		make_instance(id, i);
		writer_instance(&w, id);
		add_to(&w, i, 1500 + i);
	}
	writer_close(&w);
	file_get(LOG_NAME, &log);
	assert_true(log.len > 2 * 1024 * 1024);
	log_verify(buf_slice(&log), &seen);
	open_good(&w);
	assert_int_equal(w.end.id, 2507);
	for (unsigned i = 0; i < 8; i++) {
		make_instance(id, i);
		writer_instance(&w, id);
		assert_int_equal(w.written_n, 1500 + i);
	}
	make_instance(id, 9);
	writer_instance(&w, id);
	assert_int_equal(w.written_n, 0);
	writer_close(&w);
}

/* Rotated while auditd was away: the chain and the numbers go on. */
static void older_file_is_continued(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX), next = BUF(LOG_MAX);
	struct log_seen seen = { 0 };
	struct writer w;

	(void)state;
	make_log(3, 4, &log);
	test_log_empty();
	file_put(LOG_NAME ".1", buf_slice(&log));
	open_good(&w);
	assert_int_equal(w.written_n, 4);
	assert_int_equal(w.end.id, 1004);
	add_to(&w, 3, 6);
	writer_close(&w);
	file_get(LOG_NAME, &next);
	buf_adds(&log, buf_slice(&next));
	log_verify(buf_slice(&log), &seen);
	assert_int_equal(seen.n[3], 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cut_at_every_byte),
		cmocka_unit_test(rubbish_at_the_end),
		cmocka_unit_test(torn_names_do_not_collide),
		cmocka_unit_test(faults_inside_are_told),
		cmocka_unit_test(strangers_are_left_alone),
		cmocka_unit_test(one_writer_only),
		cmocka_unit_test(modes_are_checked),
		cmocka_unit_test(long_log),
		cmocka_unit_test(older_file_is_continued),
	};

	return cmocka_run_group_tests(tests, test_log_setup, test_log_teardown);
}
