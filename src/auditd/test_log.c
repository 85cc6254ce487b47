/* test_log.c: what the tests of auditd share. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/test_log.h"

char test_dir[64];

int test_log_setup(void **state)
{
	(void)state;
	/* In memory where there is such a place: fsync costs nothing there. */
	snprintf(test_dir, sizeof(test_dir), "%s/dockbroker-test.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	log_open("test", LOG_ERROR, false);
	return mkdtemp(test_dir) ? 0 : -1;
}

void test_log_empty(void)
{
	DIR *d = opendir(test_dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

int test_log_teardown(void **state)
{
	(void)state;
	test_log_empty();
	return rmdir(test_dir);
}

int test_log_dir(void)
{
	int fd = open(test_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void path_of(char out[512], const char *name)
{
	snprintf(out, 512, "%s/%s", test_dir, name);
}

void file_get(const char *name, struct buf *out)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	char path[512];

	path_of(path, name);
	if (file_read(path, false, out, &err) != FILE_GOOD)
		fail_msg("%s", buf_text(&err));
}

void file_put(const char *name, struct slice content)
{
	char path[512];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	for (size_t done = 0; done < content.n;) {
		ssize_t n = write(fd, content.p + done, content.n - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	close(fd);
}

bool file_exists(const char *name)
{
	char path[512];

	path_of(path, name);
	return access(path, F_OK) == 0;
}

void make_instance(uint8_t out[16], unsigned instance)
{
	memset(out, 0xa0, 16);
	out[15] = (uint8_t)instance;
}

void make_record(struct buf *out, unsigned instance, uint64_t n)
{
	char text[33];

	snprintf(text, sizeof(text), "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0%02x",
	    instance);
	record_time(out, FIELD_TIME, NOW + (int64_t)n);
	record_text(out, FIELD_INSTANCE, slice_from(text));
	record_uint(out, FIELD_N, n);
	record_uint(out, FIELD_ID, 1000 + n);
	record_text(out, FIELD_EVENT, SLICE("request"));
	record_text(out, FIELD_DETAIL, SLICE("\"x\" \xc3\xa4"));
}

static void count_line(const struct line *l, struct log_seen *seen)
{
	unsigned i = l->instance[15];

	seen->seq = l->seq;
	if (l->n == 0) {
		seen->events++;
		return;
	}
	assert_true(i < countof(seen->n));
	if (l->n != seen->n[i] + 1)
		fail_msg("record %llu of instance %u follows %llu",
		    (unsigned long long)l->n, i,
		    (unsigned long long)seen->n[i]);
	seen->n[i] = l->n;
	seen->records++;
}

void log_verify(struct slice log, struct log_seen *seen)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	struct slice line;
	struct line l;

	assert_true(log.n == 0 || log.p[log.n - 1] == '\n');
	while (log.n > 0) {
		line = slice_cut(&log, '\n');
		if (chain_check(&seen->chain, line, &why) != CHAIN_GOOD)
			fail_msg("%s: %.*s", buf_text(&why), SLICE_ARG(line));
		assert_int_equal(line_parse(line, &l), LINE_GOOD);
		count_line(&l, seen);
	}
}

void make_add(struct buf *b, unsigned instance, uint64_t first,
    uint32_t count, bool sync)
{
	_cleanup_(buf_free) struct buf record = BUF(BOUND_RECORD);
	struct msg_audit_add m = { first, count, sync };
	uint32_t len;

	buf_add(b, &m, sizeof(m));
	for (uint32_t i = 0; i < count; i++) {
		buf_reset(&record);
		make_record(&record, instance, first + i);
		len = (uint32_t)record.len;
		buf_add(b, &len, sizeof(len));
		buf_adds(b, buf_slice(&record));
	}
	assert_true(buf_ok(b));
}
