/*
 * recover.c: what the log says of itself when auditd starts, perhaps after
 * kill -9 or a power cut.
 *
 * The window (last 64 MiB) is read forwards: the newest line of each instance
 * and the highest id are in it, for there is one broker and every line of
 * auditd's own repeats both (upto).  What follows the last good line is torn:
 * it is copied to a file of its own before it is cut off.  Good lines are never
 * touched, whatever stands between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/auditd.h"

#define WINDOW		(64UL * 1024 * 1024)
#define CHECKED		(8UL * 1024 * 1024)	/* by its chain */
#define TORN_MAX	(4UL * 1024 * 1024)	/* no turn leaves more */
#define CHUNK		(1UL * 1024 * 1024)	/* > BOUND_LINE */

struct scan {
	struct log_end *end;
	uint64_t checked_from;
	bool checking;		/* end->chain is in step */
	unsigned bad;		/* since the last good line */
	unsigned faults;
};

void log_saw(struct log_end *end, const uint8_t instance[16], uint64_t n)
{
	struct seen *last = end->seen + end->nseen;

	for (size_t i = end->nseen; i-- > 0;)
		if (memcmp(end->seen[i].instance, instance, 16) == 0) {
			if (n > end->seen[i].n)
				end->seen[i].n = n;
			return;
		}
	if (end->nseen == SEEN_MAX) {
		memmove(end->seen, end->seen + 1,
		    (SEEN_MAX - 1) * sizeof(end->seen[0]));
		last--;
		end->nseen--;
	}
	memcpy(last->instance, instance, 16);
	last->n = n;
	end->nseen++;
}

uint64_t log_knows(const struct log_end *end, const uint8_t instance[16])
{
	for (size_t i = 0; i < end->nseen; i++)
		if (memcmp(end->seen[i].instance, instance, 16) == 0)
			return end->seen[i].n;
	return 0;
}

static bool is_set(const uint8_t instance[16])
{
	static const uint8_t none[16];

	return memcmp(instance, none, sizeof(none)) != 0;
}

/* ---- reading ---- */

static int scan_line(struct scan *s, struct slice line, uint64_t at)
{
	_cleanup_(buf_free) struct buf why = BUF(256);
	struct log_end *end = s->end;
	struct line l;
	int r;

	if (line_parse(line, &l) != LINE_GOOD) {
		s->bad++;
		return 0;
	}
	if (at >= s->checked_from) {
		if (!s->checking)
			chain_before(&end->chain, &l);
		s->checking = true;
		r = chain_check(&end->chain, line, &why);
		if (r < 0)
			return r;
		if (r == CHAIN_BROKEN) {
			log_warn("the log at byte %llu: %s",
			    (unsigned long long)at, buf_text(&why));
			s->faults++;
		}
	}
	s->faults += s->bad;
	s->bad = 0;
	if (is_set(l.instance))
		log_saw(end, l.instance, l.n);
	if (is_set(l.upto_instance))
		log_saw(end, l.upto_instance, l.upto_n);
	end->id = l.id > end->id ? l.id : end->id;
	end->id = l.upto_id > end->id ? l.upto_id : end->id;
	end->size = at + line.n + 1;
	return 0;
}

/* The whole lines in p, which stand at byte `at' of the file.  Returns how many
 * bytes they had, or negative. */
static ssize_t scan_lines(struct scan *s, const char *p, size_t n, uint64_t at)
{
	const char *newline;
	size_t done = 0;
	int r;

	while ((newline = memchr(p + done, '\n', n - done))) {
		size_t len = (size_t)(newline - p) - done;

		r = scan_line(s, (struct slice){ p + done, len }, at + done);
		if (r < 0)
			return r;
		done += len + 1;
	}
	return (ssize_t)done;
}

static ssize_t read_at(int fd, char *p, size_t n, uint64_t at)
{
	ssize_t got;

	do
		got = pread(fd, p, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* From the first line that begins at or behind `from'. */
static int scan_file(struct scan *s, int fd, uint64_t from, char *chunk)
{
	bool skip = from > 0;	/* the rest of a line */
	size_t have = 0;
	ssize_t n;

	for (;;) {
		n = read_at(fd, chunk + have, CHUNK - have, from + have);
		if (n <= 0)
			return (int)n;
		have += (size_t)n;
		if (skip) {
			const char *newline = memchr(chunk, '\n', have);

			n = newline ? newline + 1 - chunk : (ssize_t)have;
			skip = !newline;
		} else {
			n = scan_lines(s, chunk, have, from);
			if (n < 0)
				return (int)n;
			/* No line is as long as that. */
			if (n == 0 && have == CHUNK) {
				s->bad++;
				n = (ssize_t)have;
				skip = true;
			}
		}
		have -= (size_t)n;
		memmove(chunk, chunk + n, have);
		from += (size_t)n;
	}
}

static int scan(int fd, uint64_t size, struct log_end *end, unsigned *faults)
{
	uint64_t from = size > WINDOW ? size - WINDOW : 0;
	struct scan s = { .end = end };
	char *chunk = malloc(CHUNK);
	int r;

	if (!chunk)
		return -ENOMEM;
	s.checked_from = size > CHECKED ? size - CHECKED : 0;
	r = scan_file(&s, fd, from, chunk);
	free(chunk);
	*faults = s.faults;
	return r;
}

/* ---- a torn end ---- */

/* A name that is not taken: name.torn-20261122T024000Z, -2, -3 ... */
static int torn_create(int dir, const char *name, int64_t now_us, char *out)
{
	char text[TIME_TEXT], stamp[TIME_TEXT];
	int fd = -1, n = 0;

	time_format(text, now_us);
	for (const char *p = text; *p && *p != '.'; p++)
		if (*p != '-' && *p != ':')
			stamp[n++] = *p;
	stamp[n] = '\0';
	for (int i = 1; i < 100 && fd < 0; i++) {
		char more[8] = "";

		if (i > 1)
			snprintf(more, sizeof(more), "-%d", i);
		snprintf(out, NAME_MAX + 1, "%.200s.torn-%sZ%s", name,
		    stamp, more);
		fd = openat(dir, out, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static int copy_all(int from, int to, uint64_t at, uint64_t size)
{
	char chunk[16384];

	while (at < size) {
		size_t left = size - at, all = sizeof(chunk);
		ssize_t n = read_at(from, chunk, left < all ? left : all, at);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		for (ssize_t done = 0, k; done < n; done += k) {
			k = write(to, chunk + done, (size_t)(n - done));
			if (k < 0)
				return -errno;
		}
		at += (uint64_t)n;
	}
	return 0;
}

/* The copy is on disk before anything is cut. */
static int move_torn(int dir, const char *name, int fd, int64_t now_us,
    uint64_t from, uint64_t size, char *torn)
{
	_cleanup_(close_fd) int to = -1;
	int r;

	to = torn_create(dir, name, now_us, torn);
	if (to < 0)
		return to;
	r = copy_all(fd, to, from, size);
	if (r == 0 && (fsync(to) < 0 || fsync(dir) < 0))
		r = -errno;
	if (r < 0) {
		unlinkat(dir, torn, 0);
		return r;
	}
	if (ftruncate(fd, (off_t)from) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* A file without one good line: is it the start of a log of ours, or did
 * somebody give us a file of his?  Zeros are what a power cut leaves. */
static bool could_be_ours(int fd)
{
	static const char start[] = "{\"seq\":";
	char head[sizeof(start) - 1];
	ssize_t n = read_at(fd, head, sizeof(head), 0);

	for (ssize_t i = 0; i < n; i++)
		if (head[i] != start[i] && head[i] != '\0')
			return false;
	return n >= 0;
}

static int repair_end(int dir, const char *name, int fd, int64_t now_us,
    uint64_t size, struct log_end *end, struct repair *repair, struct buf *err)
{
	int r;

	if (size - end->size > TORN_MAX ||
	    (end->size == 0 && !could_be_ours(fd))) {
		buf_addf(err, "%s: the last %llu bytes hold no line of an "
		    "audit log: move the file away, or mend it", name,
		    (unsigned long long)(size - end->size));
		return RECOVER_BAD;
	}
	r = move_torn(dir, name, fd, now_us, end->size, size, repair->torn);
	if (r < 0) {
		buf_addf(err, "%s: its torn end cannot be moved into %s: %s",
		    name, repair->torn, strerror(-r));
		return RECOVER_BAD;
	}
	repair->cut = size - end->size;
	return RECOVER_GOOD;
}

/* A rotation while we were away: the chain goes on behind the older file.
 * That it cannot be read is no reason not to record. */
static int read_older(int dir, const char *name, struct log_end *end)
{
	_cleanup_(close_fd) int fd = -1;
	char older[NAME_MAX + 3];
	struct stat st;
	unsigned faults;
	int r;

	snprintf(older, sizeof(older), "%s.1", name);
	fd = openat(dir, older, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	r = scan(fd, (uint64_t)st.st_size, end, &faults);
	end->size = 0;
	return r == -ENOMEM ? r : 0;
}

int recover(int dir, const char *name, int fd, int64_t now_us,
    struct log_end *end, struct repair *repair, struct buf *err)
{
	struct stat st;
	uint64_t size;
	int r;

	memset(end, 0, sizeof(*end));
	memset(repair, 0, sizeof(*repair));
	if (fstat(fd, &st) < 0)
		return -errno;
	size = (uint64_t)st.st_size;
	r = scan(fd, size, end, &repair->faults);
	if (r < 0) {
		buf_addf(err, "%s: %s", name, strerror(-r));
		return RECOVER_BAD;
	}
	if (size > end->size)
		r = repair_end(dir, name, fd, now_us, size, end, repair, err);
	if (r == RECOVER_GOOD && end->size == 0)
		r = read_older(dir, name, end);
	return r;
}
