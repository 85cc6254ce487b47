/*
 * test_writer.c: what the writer confirms, and what it does when the disk is
 * full or broken.  The system calls that fail are ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/test_log.h"

#define LOG_MAX	(32UL * 1024 * 1024)
#define SECOND	1000000

/* ---- a disk of ours ---- */

static struct {
	ssize_t room; /* bytes that may still be written; -1: all */
	int write_error, sync_error, truncate_error;
	uint64_t space;
	unsigned writes, syncs;
} disk;

static ssize_t disk_write(int fd, const void *p, size_t n)
{
	disk.writes++;
	if (disk.write_error && disk.room <= 0) {
		errno = disk.write_error;
		return -1;
	}
	if (disk.write_error && (size_t)disk.room < n)
		n = (size_t)disk.room;
	disk.room -= disk.write_error ? (ssize_t)n : 0;
	return write(fd, p, n);
}

static int disk_sync(int fd)
{
	(void)fd;
	disk.syncs++;
	errno = disk.sync_error;
	return errno ? -1 : 0;
}

static int disk_truncate(int fd, off_t size)
{
	errno = disk.truncate_error;
	return errno ? -1 : ftruncate(fd, size);
}

static uint64_t disk_space(int fd)
{
	(void)fd;
	return disk.space;
}

static const struct writer_io disk_io = {
	.write = disk_write,
	.sync = disk_sync,
	.truncate = disk_truncate,
	.space = disk_space,
};

/* ---- help ---- */

static void start(struct writer *w)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	uint8_t id[16];

	memset(&disk, 0, sizeof(disk));
	disk.space = UINT64_MAX;
	test_log_empty();
	if (writer_open(w, test_log_dir(), LOG_NAME, NOW, &err) != WRITER_GOOD)
		fail_msg("%s", buf_text(&err));
	w->io = &disk_io;
	make_instance(id, 1);
	writer_instance(w, id);
}

static void add(struct writer *w, unsigned count)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);

	while (count-- > 0) {
		buf_reset(&b);
		make_record(&b, 1, w->n + 1);
		assert_int_equal(
		    writer_add(w, buf_slice(&b), 1000 + w->n + 1), 0);
	}
}

/* The file as it is now: whole, with these records and lines of our own. */
static void check_log(const struct writer *w, unsigned records, unsigned events)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	struct log_seen seen = { 0 };

	file_get(LOG_NAME, &log);
	log_verify(buf_slice(&log), &seen);
	assert_int_equal(seen.records, records);
	assert_int_equal(seen.events, events);
	assert_int_equal(w->end.size, log.len);
	assert_int_equal(w->end.chain.seq, seen.seq);
	assert_int_equal(w->written_n, seen.n[1]);
}

/* ---- tests ---- */

static void one_write_one_sync(void **state)
{
	struct writer w;

	(void)state;
	start(&w);
	add(&w, 10);
	assert_int_equal(w.written_n, 0);
	writer_flush(&w, NOW, true);
	assert_int_equal(disk.writes, 1);
	assert_int_equal(disk.syncs, 1);
	assert_int_equal(w.written_n, 10);
	assert_int_equal(w.synced_n, 10);
	assert_false(writer_busy(&w));
	writer_flush(&w, NOW, true);		/* nothing to do */
	assert_int_equal(disk.writes, 1);
	assert_int_equal(disk.syncs, 1);
	check_log(&w, 10, 0);
	writer_close(&w);
}

static void sync_can_wait(void **state)
{
	struct writer w;

	(void)state;
	start(&w);
	add(&w, 3);
	writer_flush(&w, NOW, false);
	assert_int_equal(disk.syncs, 0);
	assert_int_equal(w.written_n, 3);
	assert_int_equal(w.synced_n, 0);
	assert_true(writer_busy(&w));
	writer_tick(&w, NOW + SECOND);
	assert_int_equal(disk.syncs, 1);
	assert_int_equal(w.synced_n, 3);
	assert_false(writer_busy(&w));
	/* Too much does not wait. */
	add(&w, 6000);
	writer_flush(&w, NOW, false);
	assert_int_equal(disk.syncs, 2);
	assert_int_equal(w.synced_n, 6003);
	writer_close(&w);
}

/* A write that fails at any byte of the batch leaves nothing of it. */
static void disk_full_anywhere(void **state)
{
	struct writer w;

	(void)state;
	for (ssize_t room = 0; room < 650; room += 7) {
		start(&w);
		add(&w, 2);
		writer_flush(&w, NOW, true);
		disk.room = room;
		disk.write_error = ENOSPC;
		add(&w, 3);
		writer_flush(&w, NOW, true);
		assert_int_equal(writer_state(&w), AUDIT_FULL);
		assert_non_null(strstr(w.text, "No space left"));
		assert_int_equal(w.written_n, 2);
		assert_int_equal(w.n, 2);
		assert_true(w.resend);
		check_log(&w, 2, 0);
		/* Again, and it still does not go. */
		disk.room = room / 2;
		add(&w, 1);
		writer_flush(&w, NOW, true);
		check_log(&w, 2, 0);
		/* There is room, but until the broker has sent again: */
		disk.write_error = 0;
		writer_tick(&w, NOW + SECOND);
		assert_int_equal(writer_state(&w), AUDIT_FULL);
		add(&w, 3);
		writer_flush(&w, NOW, true);
		assert_int_equal(writer_state(&w), AUDIT_GOOD);
		writer_tick(&w, NOW + 2 * SECOND);
		check_log(&w, 5, 2);	/* log-failed, log-resumed */
		assert_int_equal(w.synced_n, 5);
		assert_false(writer_busy(&w));
		writer_close(&w);
	}
}

/* Even the cutting back fails: it is done before the next write. */
static void broken_disk(void **state)
{
	struct writer w;

	(void)state;
	start(&w);
	add(&w, 2);
	writer_flush(&w, NOW, true);
	disk.room = 100;
	disk.write_error = disk.truncate_error = EIO;
	add(&w, 2);
	writer_flush(&w, NOW, true);
	assert_int_equal(writer_state(&w), AUDIT_BROKEN);
	disk.write_error = 0;
	add(&w, 2);
	writer_flush(&w, NOW, true); /* must not write behind half a line */
	assert_int_equal(w.written_n, 2);
	disk.truncate_error = 0;
	add(&w, 2);
	writer_flush(&w, NOW, true);
	assert_int_equal(writer_state(&w), AUDIT_GOOD);
	writer_tick(&w, NOW + SECOND);
	check_log(&w, 4, 2);
	writer_close(&w);
}

/* After a failed sync the lines are written anew, not believed. */
static void failed_sync(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	struct writer w;

	(void)state;
	start(&w);
	add(&w, 2);
	writer_flush(&w, NOW, true);
	add(&w, 2);
	writer_flush(&w, NOW, false);
	disk.sync_error = EIO;
	add(&w, 2);
	writer_flush(&w, NOW, true);
	assert_int_equal(writer_state(&w), AUDIT_BROKEN);
	assert_int_equal(w.written_n, 6);
	assert_int_equal(w.synced_n, 2);
	/* The kernel has thrown away what was not on disk. */
	file_get(LOG_NAME, &log);
	memset(log.p + w.synced_size, 0, log.len - w.synced_size);
	file_put(LOG_NAME, buf_slice(&log));
	writer_tick(&w, NOW + SECOND);		/* still broken */
	assert_int_equal(writer_state(&w), AUDIT_BROKEN);
	assert_int_equal(w.synced_n, 2);
	disk.sync_error = 0;
	writer_tick(&w, NOW + 2 * SECOND);
	assert_int_equal(writer_state(&w), AUDIT_GOOD);
	assert_int_equal(w.synced_n, 6);
	writer_tick(&w, NOW + 3 * SECOND);
	check_log(&w, 6, 2);
	writer_close(&w);
}

static void reserve_is_told(void **state)
{
	struct writer w;

	(void)state;
	start(&w);
	disk.space = 1024 * 1024;
	add(&w, 1);
	writer_flush(&w, NOW, true);
	assert_int_equal(writer_state(&w), AUDIT_GOOD);
	disk.space--;
	add(&w, 1);
	writer_flush(&w, NOW + SECOND, true);
	assert_int_equal(writer_state(&w), AUDIT_FULL);
	assert_int_equal(w.synced_n, 2);	/* written all the same */
	assert_true(writer_busy(&w));
	disk.space++;
	writer_tick(&w, NOW + 2 * SECOND);
	assert_int_equal(writer_state(&w), AUDIT_GOOD);
	check_log(&w, 2, 0);
	writer_close(&w);
}

static void rename_log(void)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/%s", test_dir, LOG_NAME);
	snprintf(to, sizeof(to), "%s/%s.1", test_dir, LOG_NAME);
	assert_int_equal(rename(from, to), 0);
}

static void rotation_goes_on(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX), err = BUF(1024);
	struct log_seen seen = { 0 };
	struct writer w, again;
	struct slice rest;
	char path[128];

	(void)state;
	start(&w);
	add(&w, 3);
	rename_log();
	assert_int_equal(writer_reopen(&w, NOW, &err), WRITER_GOOD);
	add(&w, 2);
	writer_flush(&w, NOW, true);
	writer_close(&w);
	/* Both files are one chain. */
	file_get(LOG_NAME ".1", &log);
	log_verify(buf_slice(&log), &seen);
	assert_int_equal(seen.records, 3);
	buf_reset(&log);
	file_get(LOG_NAME, &log);
	log_verify(buf_slice(&log), &seen);
	assert_int_equal(seen.n[1], 5);
	assert_int_equal(seen.events, 1);
	/* The new file alone knows the numbers, from its first line on. */
	rest = buf_slice(&log);
	file_put(LOG_NAME, (struct slice){log.p, slice_cut(&rest, '\n').n + 1});
	snprintf(path, sizeof(path), "%s/%s.1", test_dir, LOG_NAME);
	unlink(path);
	assert_int_equal(
	    writer_open(&again, test_log_dir(), LOG_NAME, NOW, &err),
	    WRITER_GOOD);
	assert_int_equal(again.written_n, 3);
	assert_int_equal(again.end.id, 1003);
	assert_int_equal(again.instance[15], 1);
	writer_close(&again);
}

static void reopen_without_rotation(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct writer w;
	char path[128];
	int fd;

	(void)state;
	start(&w);
	add(&w, 1);
	fd = w.fd;
	assert_int_equal(writer_reopen(&w, NOW, &err), WRITER_GOOD);
	assert_int_equal(w.fd, fd);
	check_log(&w, 1, 0);
	/* What cannot be opened changes nothing. */
	rename_log();
	snprintf(path, sizeof(path), "%s/%s", test_dir, LOG_NAME);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(writer_reopen(&w, NOW, &err), WRITER_BAD);
	assert_int_equal(w.fd, fd);
	add(&w, 1);
	writer_flush(&w, NOW, true);
	assert_int_equal(w.synced_n, 2);
	writer_close(&w);
}

/* A disk that fails is taken out: its lines begin the new file. */
static void rotation_saves_lost_lines(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct writer w;

	(void)state;
	start(&w);
	disk.sync_error = EIO;
	add(&w, 2);
	writer_flush(&w, NOW, true);
	assert_int_equal(w.synced_n, 0);
	rename_log();
	disk.sync_error = 0;
	assert_int_equal(writer_reopen(&w, NOW, &err), WRITER_GOOD);
	writer_tick(&w, NOW + SECOND);
	assert_int_equal(w.synced_n, 2);
	assert_int_equal(writer_state(&w), AUDIT_GOOD);
	writer_close(&w);
}

static void others_leave_a_trace(void **state)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);
	struct writer w;
	char path[128];

	(void)state;
	start(&w);
	add(&w, 2);
	writer_flush(&w, NOW, true);
	snprintf(path, sizeof(path), "%s/%s", test_dir, LOG_NAME);
	assert_int_equal(truncate(path, 0), 0); /* copytruncate */
	add(&w, 1);
	writer_flush(&w, NOW, true);
	assert_int_equal(w.synced_n, 3);
	file_get(LOG_NAME, &log);
	assert_int_equal(log.len, w.end.size);
	assert_non_null(strstr(buf_text(&log), "\"event\":\"log-changed\""));
	assert_non_null(strstr(buf_text(&log), "{\"seq\":3,"));
	writer_close(&w);
}

static void batch_has_a_bound(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);
	struct writer w;
	int r = 0;

	(void)state;
	start(&w);
	make_record(&b, 1, 1);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = writer_add(&w, buf_slice(&b), 0);
	assert_int_equal(r, -ENOBUFS);
	assert_true(buf_ok(&w.batch));
	writer_close(&w);
}

/* A real full disk: a small tmpfs of our own. */
static void real_full_disk(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct writer w;
	uint8_t id[16];
	uint64_t before;

	(void)state;
	test_log_empty();
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", test_dir, "tmpfs", 0, "size=64k") < 0)
		skip();
	assert_int_equal(
	    writer_open(&w, test_log_dir(), LOG_NAME, NOW, &err), WRITER_GOOD);
	make_instance(id, 1);
	writer_instance(&w, id);
	do {
		before = w.written_n;
		add(&w, 20);
		writer_flush(&w, NOW, true);
	} while (w.written_n > before);
	assert_int_equal(writer_state(&w), AUDIT_FULL);
	check_log(&w, (unsigned)before, 0);
	assert_int_equal(
	    mount("none", test_dir, "tmpfs", MS_REMOUNT, "size=4m"), 0);
	writer_tick(&w, NOW + 2 * SECOND);
	add(&w, 20);
	writer_flush(&w, NOW + 3 * SECOND, true);
	assert_int_equal(writer_state(&w), AUDIT_GOOD);
	writer_tick(&w, NOW + 4 * SECOND);
	check_log(&w, (unsigned)before + 20, 2);
	writer_close(&w);
	umount(test_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_write_one_sync),
		cmocka_unit_test(sync_can_wait),
		cmocka_unit_test(disk_full_anywhere),
		cmocka_unit_test(broken_disk),
		cmocka_unit_test(failed_sync),
		cmocka_unit_test(reserve_is_told),
		cmocka_unit_test(rotation_goes_on),
		cmocka_unit_test(reopen_without_rotation),
		cmocka_unit_test(rotation_saves_lost_lines),
		cmocka_unit_test(others_leave_a_trace),
		cmocka_unit_test(batch_has_a_bound),
		cmocka_unit_test(real_full_disk),
	};

	return cmocka_run_group_tests(tests, test_log_setup, test_log_teardown);
}
