/*
 * writer.c: the log.  One writer (flock), append only, one write and at most
 * one fdatasync for all lines of a turn.
 *
 * Invariants: the file holds whole lines up to end.size, or tail says what is
 * to be done first; end, written_n and synced_n speak of what the kernel has
 * confirmed; batch, chain, n and id of what comes next, and fall back to end
 * when a write fails.  A failed write is undone, so that no half line stays;
 * after a failed fdatasync the kernel may have thrown the pages away and calls
 * the next one good, therefore the lines since the last good one are kept in
 * memory and written anew.
 *
 * Records come from the broker (checked by the server), paths from the
 * configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "auditd/auditd.h"

#define BATCH_MAX	(4UL * 1024 * 1024)	/* a turn's lines */
#define UNSYNCED_MAX	(1UL * 1024 * 1024)	/* more does not wait */
#define RESERVE		(1024UL * 1024)	/* below: FULL is told */
#define SECOND		1000000

static uint64_t free_space(int fd)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return UINT64_MAX;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

const struct writer_io writer_system = {
	.write = write,
	.sync = fdatasync,
	.truncate = ftruncate,
	.space = free_space,
};

/* ---- events: lines of our own ---- */

void writer_event(struct writer *w, const char *name, int64_t now_us,
    const char *fmt, ...)
{
	struct event *e;
	va_list ap;

	if (w->nevents == EVENTS_MAX)
		return;
	e = &w->events[w->nevents++];
	e->name = name;
	e->time_us = now_us;
	va_start(ap, fmt);
	vsnprintf(e->detail, sizeof(e->detail), fmt, ap);
	va_end(ap);
}

static void add_upto(const struct writer *w, struct buf *record)
{
	_cleanup_(buf_free) struct buf b = BUF(128);
	bool any = false;

	for (size_t i = 0; i < sizeof(w->instance); i++) {
		any |= w->instance[i] != 0;
		buf_addf(&b, "%02x", w->instance[i]);
	}
	if (!any)
		return;
	buf_addf(&b, " %llu %llu", (unsigned long long)w->n,
	    (unsigned long long)w->id);
	record_text(record, FIELD_UPTO, buf_slice(&b));
}

/* Behind the records of the batch, so that upto is true. */
static int add_events(struct writer *w)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_RECORD);
	int r = 0;

	for (size_t i = 0; i < w->nevents && r == 0; i++) {
		const struct event *e = &w->events[i];

		buf_reset(&b);
		record_time(&b, FIELD_TIME, e->time_us);
		record_text(&b, FIELD_HOST, slice_from(w->host));
		record_text(&b, FIELD_BOOT, slice_from(w->boot));
		record_text(&b, FIELD_EVENT, slice_from(e->name));
		add_upto(w, &b);
		record_text(&b, FIELD_DETAIL, slice_from(e->detail));
		if (!buf_ok(&b))
			return -ENOMEM;
		r = chain_line(&w->chain, buf_slice(&b), &w->batch);
	}
	return r;
}

/* ---- failure ---- */

enum audit_state writer_state(const struct writer *w)
{
	if (w->failed)
		return w->failed;
	return w->resend || w->low ? AUDIT_FULL : AUDIT_GOOD;
}

static void drop_batch(struct writer *w)
{
	w->resend |= w->n != w->written_n;
	buf_reset(&w->batch);
	w->chain = w->end.chain;
	w->n = w->written_n;
	w->id = w->end.id;
}

static void fail(struct writer *w, int64_t now_us, const char *what, int error)
{
	bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;

	snprintf(w->text, sizeof(w->text), "the audit log cannot be %s: %s",
	    what, strerror(error));
	if (!w->failed) {
		log_error("%s", w->text);
		writer_event(w, "log-failed", now_us, "%s", w->text);
	}
	w->failed = full ? AUDIT_FULL : AUDIT_BROKEN;
}

static void succeed(struct writer *w, int64_t now_us)
{
	if (!w->failed)
		return;
	log_info("the audit log can be written again");
	writer_event(w, "log-resumed", now_us, "%s", w->text);
	w->failed = AUDIT_GOOD;
	w->text[0] = '\0';
}

/* ---- writing ---- */

/* 0 or the errno. */
static int write_all(struct writer *w, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = w->io->write(w->fd, b->p + done, b->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

/* Brings the file back to what end says.  0 or the errno. */
static int mend_tail(struct writer *w)
{
	uint64_t size = w->tail == TAIL_LOST ? w->synced_size : w->end.size;
	int r;

	if (w->tail == TAIL_GOOD)
		return 0;
	if (w->io->truncate(w->fd, (off_t)size) < 0)
		return errno;
	if (w->tail == TAIL_LOST) {
		r = write_all(w, &w->unsynced);
		if (r == 0 && w->io->sync(w->fd) < 0)
			r = errno;
		if (r)
			return r;
		buf_reset(&w->unsynced);
		w->synced_size = w->end.size;
		w->synced_n = w->written_n;
	}
	w->tail = TAIL_GOOD;
	return 0;
}

static void sync_now(struct writer *w, int64_t now_us)
{
	if (w->tail != TAIL_GOOD || w->unsynced.len == 0)
		return;
	if (w->io->sync(w->fd) < 0) {
		fail(w, now_us, "brought to disk", errno);
		w->tail = TAIL_LOST;
		return;
	}
	buf_reset(&w->unsynced);
	w->synced_size = w->end.size;
	w->synced_n = w->written_n;
}

/* Nobody else writes here; who does it all the same leaves a trace. */
static void check_size(struct writer *w, int64_t now_us)
{
	struct stat st;

	if (w->tail != TAIL_GOOD || fstat(w->fd, &st) < 0 ||
	    (uint64_t)st.st_size == w->end.size)
		return;
	log_error("somebody else changed the audit log: %llu bytes instead of "
	    "%llu", (unsigned long long)st.st_size,
	    (unsigned long long)w->end.size);
	writer_event(w, "log-changed", now_us, "the file has %llu bytes "
	    "instead of %llu", (unsigned long long)st.st_size,
	    (unsigned long long)w->end.size);
	w->end.size = (uint64_t)st.st_size;
	w->synced_size = w->end.size;
	buf_reset(&w->unsynced);
}

static void check_space(struct writer *w, int64_t now_us)
{
	bool low;

	if (now_us >= w->space_checked && now_us < w->space_checked + SECOND)
		return;
	w->space_checked = now_us;
	low = w->io->space(w->fd) < RESERVE;
	if (low && !w->low)
		log_error("less than %lu bytes are free for the audit log",
		    RESERVE);
	if (!low && w->low)
		log_info("the audit log has room again");
	w->low = low;
	if (low && !w->failed)
		snprintf(w->text, sizeof(w->text),
		    "the disk of the audit log is nearly full");
}

static void batch_written(struct writer *w)
{
	w->end.size += w->batch.len;
	w->end.chain = w->chain;
	w->end.id = w->id;
	if (w->n != w->written_n)
		w->resend = false;
	w->written_n = w->n;
	w->nevents = 0;
	buf_add(&w->unsynced, w->batch.p, w->batch.len);
	buf_reset(&w->batch);
}

static bool write_batch(struct writer *w, int64_t now_us)
{
	int r = mend_tail(w);

	if (r == 0) {
		check_size(w, now_us);
		r = -add_events(w);
	}
	if (r == 0 && !buf_ok(&w->batch))
		r = ENOMEM;
	if (r == 0) {
		r = write_all(w, &w->batch);
		if (r)
			w->tail = TAIL_TORN;
	}
	if (r) {
		drop_batch(w);
		fail(w, now_us, "written", r);
		/* At once, so that readers see no half line. */
		if (w->tail == TAIL_TORN)
			(void)!mend_tail(w);
		return false;
	}
	batch_written(w);
	return true;
}

void writer_flush(struct writer *w, int64_t now_us, bool sync)
{
	bool good = true;

	if (w->batch.len || w->nevents)
		good = write_batch(w, now_us);
	if (good && (sync || w->unsynced.len > UNSYNCED_MAX ||
	    !buf_ok(&w->unsynced)))
		sync_now(w, now_us);
	if (good && w->tail == TAIL_GOOD)
		succeed(w, now_us);
	check_space(w, now_us);
}

bool writer_busy(const struct writer *w)
{
	return w->unsynced.len || w->nevents || w->failed || w->low ||
	    w->resend;
}

void writer_tick(struct writer *w, int64_t now_us)
{
	check_space(w, now_us);
	/* What is left on a full disk is for records, not for trying. */
	if (w->failed == AUDIT_FULL && w->low && !w->batch.len)
		return;
	if (w->tail == TAIL_LOST && !w->nevents) {
		int r = mend_tail(w);

		if (r) {
			fail(w, now_us, "brought to disk", r);
			return;
		}
	}
	writer_flush(w, now_us, true);
}

int writer_add(struct writer *w, struct slice record, uint64_t id)
{
	int r;

	if (w->batch.len > BATCH_MAX - BOUND_LINE)
		return -ENOBUFS;
	r = chain_line(&w->chain, record, &w->batch);
	if (r)
		return r;
	w->n++;
	if (id > w->id)
		w->id = id;
	return 0;
}

void writer_instance(struct writer *w, const uint8_t instance[16])
{
	if (w->written_n)
		log_saw(&w->end, w->instance, w->written_n);
	memcpy(w->instance, instance, sizeof(w->instance));
	writer_skip(w, log_knows(&w->end, instance));
	w->resend = false;
}

void writer_skip(struct writer *w, uint64_t n)
{
	w->written_n = w->n = n;
	w->synced_n = w->unsynced.len ? 0 : n;
}

/* ---- opening ---- */

static int open_file(int dir, const char *name, int *out, struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	struct stat st;

	fd = openat(dir, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0) {
		buf_addf(err, "%s: %s", name, strerror(errno));
		return WRITER_BAD;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 022)) {
		buf_addf(err, "%s: is %s", name, S_ISREG(st.st_mode) ?
		    "writable for group or others" : "not a regular file");
		return WRITER_BAD;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		buf_addf(err, "%s: %s", name, errno != EWOULDBLOCK ?
		    strerror(errno) :
		    "another dockbroker-auditd writes this log");
		return WRITER_BAD;
	}
	*out = fd;
	fd = -1;
	return WRITER_GOOD;
}

static void tell_repair(struct writer *w, const struct repair *r,
    int64_t now_us)
{
	if (r->cut) {
		log_warn("the end of the log was torn: %llu bytes were moved "
		    "into %s", (unsigned long long)r->cut, r->torn);
		writer_event(w, "log-repaired", now_us, "%llu bytes were moved "
		    "into %s", (unsigned long long)r->cut, r->torn);
	}
	if (r->faults)
		writer_event(w, "log-faulty", now_us, "%u faults near the end "
		    "of the log: see dockbroker log verify", r->faults);
}

/* The broker's last run before the newest one of the log may go on. */
static void start_at_end(struct writer *w)
{
	const struct seen *last = w->end.seen + w->end.nseen - 1;

	if (w->end.nseen) {
		memcpy(w->instance, last->instance, sizeof(w->instance));
		w->written_n = w->synced_n = w->n = last->n;
	}
	w->chain = w->end.chain;
	w->id = w->end.id;
	w->synced_size = w->end.size;
}

int writer_open(struct writer *w, int dir, const char *name, int64_t now_us,
    struct buf *err)
{
	struct repair repair;
	int r;

	memset(w, 0, sizeof(*w));
	w->io = &writer_system;
	w->dir = dir;
	w->fd = -1;
	w->batch = BUF(BATCH_MAX);
	w->unsynced = BUF(BATCH_MAX + UNSYNCED_MAX);
	if (snprintf(w->name, sizeof(w->name), "%s", name) > NAME_MAX)
		return -ENAMETOOLONG;
	r = open_file(dir, name, &w->fd, err);
	if (r)
		return r;
	r = recover(dir, name, w->fd, now_us, &w->end, &repair, err);
	if (r)
		return r < 0 ? r : WRITER_BAD;
	/* What a killed auditd had written may not be on disk yet. */
	if (fdatasync(w->fd) < 0 || fsync(dir) < 0) {
		buf_addf(err, "%s: %s", name, strerror(errno));
		return WRITER_BAD;
	}
	start_at_end(w);
	tell_repair(w, &repair, now_us);
	return WRITER_GOOD;
}

void writer_close(struct writer *w)
{
	close_fd(&w->fd);
	close_fd(&w->dir);
	buf_free(&w->batch);
	buf_free(&w->unsynced);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The file that now has the name: is it another one than ours? */
static bool was_moved(const struct writer *w)
{
	_cleanup_(close_fd) int fd = openat(w->dir, w->name,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || !same_file(fd, w->fd);
}

static void take_over(struct writer *w, const struct log_end *end)
{
	w->end.size = w->synced_size = end->size;
	if (w->tail == TAIL_LOST && end->size == 0) {
		/* What the old disk did not take begins the new file. */
		w->end.size = w->unsynced.len;
	} else {
		w->tail = TAIL_GOOD;
		buf_reset(&w->unsynced);
	}
	if (end->size > 0)		/* a log that somebody put there */
		w->end.chain = end->chain;
	w->chain = w->end.chain;
}

int writer_reopen(struct writer *w, int64_t now_us, struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	struct log_end end;
	struct repair repair;
	int r;

	writer_flush(w, now_us, true);
	if (!was_moved(w))
		return WRITER_GOOD;
	r = open_file(w->dir, w->name, &fd, err);
	if (r)
		return r;
	r = recover(w->dir, w->name, fd, now_us, &end, &repair, err);
	if (r)
		return r < 0 ? r : WRITER_BAD;
	if (fsync(w->dir) < 0)
		return -errno;
	close_fd(&w->fd);
	w->fd = fd;
	fd = -1;
	take_over(w, &end);
	tell_repair(w, &repair, now_us);
	writer_event(w, "reopened", now_us, "%s", end.size ?
	    "the file had lines already" : "");
	writer_flush(w, now_us, true);
	return WRITER_GOOD;
}
