/*
 * file.c: whole files into memory, and the way down to those that we must be
 * able to trust: whoever can write one of them, or a directory or a link on
 * the way to it, decides what dockbroker does.
 *
 * The trusted way is walked by descriptors from /, one component at a time,
 * and each thing is judged by fstat of what was opened: nothing can be
 * exchanged between the check and the use.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"

#define WALK_LINKS	8	/* symbolic links on one way */

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fatal(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("%s", text);
	_exit(1);
}

/* ---- the walk ---- */

struct walk {
	const char *path;	/* for messages */
	char rest[PATH_MAX];	/* what is still to be walked */
	int dir;
	unsigned links;
	struct buf *err;
};

static int walk_bad(struct walk *w, const char *name, const char *what)
{
	buf_addf(w->err, "%s: %s%s%s", w->path, name, *name ? ": " : "", what);
	return FILE_BAD;
}

static int walk_errno(struct walk *w, const char *name, int e)
{
	if (e == EMFILE || e == ENFILE || e == ENOMEM)
		return -e;
	if (e != ENOENT)
		return walk_bad(w, name, strerror(e));
	buf_addf(w->err, "%s: %s", w->path, strerror(e));
	return FILE_MISSING;
}

static bool owner_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* A directory that others may write to is good enough when it is sticky:
 * what is in it can be exchanged by its own owner only, who is checked. */
static int walk_judge(struct walk *w, const char *name, const struct stat *st)
{
	if (!owner_trusted(st))
		return walk_bad(w, name, "belongs neither to root nor to us");
	if (S_ISLNK(st->st_mode) || !(st->st_mode & 022))
		return FILE_GOOD;
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return FILE_GOOD;
	return walk_bad(w, name, "is writable for group or others");
}

static int walk_root(struct walk *w)
{
	struct stat st;

	close_fd(&w->dir);
	w->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0 || fstat(w->dir, &st) < 0)
		return walk_errno(w, "/", errno);
	return walk_judge(w, "/", &st);
}

/* What the link says stands before the rest. */
static int walk_link(struct walk *w, int link, const char *name)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n;
	int len;

	if (++w->links > WALK_LINKS)
		return walk_bad(w, name, strerror(ELOOP));
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n < 0)
		return walk_errno(w, name, errno);
	target[n] = '\0';
	len = snprintf(joined, sizeof(joined), "%s%s%s", target,
	    *w->rest ? "/" : "", w->rest);
	if (len < 0 || (size_t)len >= sizeof(joined))
		return walk_bad(w, name, strerror(ENAMETOOLONG));
	memcpy(w->rest, joined, (size_t)len + 1);
	return *target == '/' ? walk_root(w) : FILE_GOOD;
}

/* The next component of rest into name; "" at the end. */
static int walk_next(struct walk *w, char name[NAME_MAX + 1])
{
	const char *start = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(start, "/"), used;

	if (n > NAME_MAX)
		return walk_bad(w, "", strerror(ENAMETOOLONG));
	memcpy(name, start, n);
	name[n] = '\0';
	used = (size_t)(start - w->rest) + n;
	used += strspn(w->rest + used, "/");
	memmove(w->rest, w->rest + used, strlen(w->rest + used) + 1);
	return FILE_GOOD;
}

/* Judged again: root or we may have put another file into its place. */
static int walk_open(struct walk *w, const char *name, int *out)
{
	_cleanup_(close_fd) int fd = -1;
	struct stat st;
	int r;

	fd = openat(w->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return walk_errno(w, name, errno);
	if (!S_ISREG(st.st_mode))
		return walk_bad(w, name, "is not a regular file");
	r = walk_judge(w, name, &st);
	if (r)
		return r;
	*out = fd;
	fd = -1;
	return FILE_GOOD;
}

/* One component down.  *out gets the file when that was it. */
static int walk_step(struct walk *w, const char *name, int *out)
{
	_cleanup_(close_fd) int fd = -1;
	struct stat st;
	int r;

	fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return walk_errno(w, name, errno);
	r = walk_judge(w, name, &st);
	if (r)
		return r;
	if (S_ISLNK(st.st_mode))
		return walk_link(w, fd, name);
	if (S_ISDIR(st.st_mode)) {
		close_fd(&w->dir);
		w->dir = fd;
		fd = -1;
		return FILE_GOOD;
	}
	if (!S_ISREG(st.st_mode))
		return walk_bad(w, name, "is not a regular file");
	if (*w->rest)
		return walk_bad(w, name, strerror(ENOTDIR));
	return walk_open(w, name, out);
}

static int walk_start(struct walk *w)
{
	char cwd[PATH_MAX] = "";
	int n;

	if (*w->path != '/' && !getcwd(cwd, sizeof(cwd)))
		return walk_errno(w, "", errno);
	n = snprintf(w->rest, sizeof(w->rest), "%s/%s", cwd, w->path);
	if (n < 0 || (size_t)n >= sizeof(w->rest))
		return walk_bad(w, "", strerror(ENAMETOOLONG));
	return walk_root(w);
}

static int open_trusted(const char *path, int *out, struct buf *err)
{
	struct walk w = { .path = path, .dir = -1, .err = err };
	char name[NAME_MAX + 1];
	int r;

	r = walk_start(&w);
	while (!r && *out < 0) {
		r = walk_next(&w, name);
		if (!r && !*name)
			r = walk_bad(&w, "", strerror(EISDIR));
		if (!r)
			r = walk_step(&w, name, out);
	}
	close_fd(&w.dir);
	return r;
}

/* ---- reading ---- */

static int open_any(const char *path, int *out, struct buf *err)
{
	struct walk w = { .path = path, .dir = -1, .err = err };
	struct stat st;

	/* O_NONBLOCK: a FIFO must not hold us up. */
	*out = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*out < 0 || fstat(*out, &st) < 0)
		return walk_errno(&w, "", errno);
	if (S_ISDIR(st.st_mode))
		return walk_bad(&w, "", strerror(EISDIR));
	if (!S_ISREG(st.st_mode))
		return walk_bad(&w, "", "is not a regular file");
	return FILE_GOOD;
}

int file_read_fd(int fd, const char *path, struct buf *out, struct buf *err)
{
	char beyond = 0;
	char *room;
	size_t n;
	ssize_t got;

	for (;;) {
		n = out->max - out->len;
		if (n > 65536)
			n = 65536;
		room = n ? buf_room(out, n) : &beyond;
		if (!room)
			return -ENOMEM;
		got = read(fd, room, n ? n : 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			buf_addf(err, "%s: %s", path, strerror(errno));
			return FILE_BAD;
		}
		if (got == 0)
			return FILE_GOOD;
		if (!n) {
			buf_addf(err, "%s: larger than %zu bytes", path,
			    out->max);
			return FILE_BAD;
		}
		buf_grew(out, (size_t)got);
	}
}

int file_read(const char *path, bool trusted, struct buf *out, struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	int r;

	r = trusted ? open_trusted(path, &fd, err) : open_any(path, &fd, err);
	if (r)
		return r;
	return file_read_fd(fd, path, out, err);
}
