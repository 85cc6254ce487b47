/*
 * open.c: the beginning and the end of a file of objects.  DIR is named by
 * dockbroker.conf and must be ours or root's alone to write; a lock on it keeps
 * a second broker out.  As root, before privileges are dropped, what is made
 * is given to whom DIR belongs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_int.h"

struct opening {
	struct store *s;
	struct disk *d;
	const char *dir;
	struct buf path;		/* of the file, for messages */
	struct buf *err;
	uint32_t uid, gid;		/* whom the directory belongs to */
};

static void opening_end(struct opening *o)
{
	buf_free(&o->path);
}

static int refuse(struct opening *o, const char *path, const char *what)
{
	buf_addf(o->err, "%s: %s", path, what);
	return STORE_BAD;
}

static int refuse_errno(struct opening *o, const char *path, int e)
{
	return e == ENOMEM ? -e : refuse(o, path, strerror(e));
}

/* Who can write here decides whose everything is. */
static int judge(struct opening *o, const char *path, const struct stat *st)
{
	uint32_t us = geteuid() ? geteuid() : o->uid;

	if (st->st_uid != 0 && st->st_uid != us)
		return refuse(o, path, "belongs neither to root nor to us");
	if (st->st_mode & 022)
		return refuse(o, path, "is writable for group or others");
	return STORE_GOOD;
}

static int open_dir(struct opening *o)
{
	struct stat st;

	o->d->dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->d->dir < 0 || fstat(o->d->dir, &st) < 0)
		return refuse_errno(o, o->dir, errno);
	o->uid = st.st_uid;
	o->gid = st.st_gid;
	if (flock(o->d->dir, LOCK_EX | LOCK_NB) < 0)
		return refuse(o, o->dir, errno == EWOULDBLOCK ?
		    "another dockbrokerd uses it" : strerror(errno));
	return judge(o, o->dir, &st);
}

static int give(struct opening *o, int fd)
{
	if (geteuid() == 0 && o->uid != 0 && fchown(fd, o->uid, o->gid) < 0)
		return -errno;
	return 0;
}

static int open_file(struct opening *o, off_t *size)
{
	const char *path = buf_text(&o->path);
	struct stat st;
	int r;

	o->d->fd = openat(o->d->dir, FILE_NAME, O_RDWR | O_APPEND | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (o->d->fd < 0 || fstat(o->d->fd, &st) < 0)
		return refuse_errno(o, path, errno);
	if (!S_ISREG(st.st_mode))
		return refuse(o, path, "is not a regular file");
	if (st.st_size > FILE_MAX)
		return refuse(o, path, "is larger than 2 GiB");
	*size = st.st_size;
	r = judge(o, path, &st);
	if (r)
		return r;
	r = give(o, o->d->fd);
	return r < 0 ? refuse_errno(o, path, -r) : STORE_GOOD;
}

static void bytes_free(char **p)
{
	free(*p);
}

static int read_file(struct opening *o, off_t size)
{
	_cleanup_(bytes_free) char *text = malloc((size_t)size + 1);
	size_t n = 0, good = 0;
	ssize_t got;
	int r;

	if (!text)
		return -ENOMEM;
	while (n < (size_t)size) {
		got = pread(o->d->fd, text + n, (size_t)size - n, (off_t)n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return refuse_errno(o, buf_text(&o->path),
			    got < 0 ? errno : EIO);
		n += (size_t)got;
	}
	r = read_text(o->s, buf_text(&o->path), (struct slice){ text, n },
	    &good, o->err);
	o->d->size = (off_t)good;
	o->d->torn = good < n;
	return r;
}

/* What a power cut left behind the last whole line goes. */
static int mend(struct opening *o)
{
	struct disk *d = o->d;

	if (d->torn && (ftruncate(d->fd, d->size) < 0 || fdatasync(d->fd) < 0))
		return refuse_errno(o, buf_text(&o->path), errno);
	d->torn = false;
	return STORE_GOOD;
}

static int begin(struct opening *o)
{
	_cleanup_(buf_free) struct buf text = BUF(256);
	struct disk *d = o->d;
	int r;

	if (d->size)
		return STORE_GOOD;
	row_format(&text);
	r = buf_ok(&text) ? write_all(d->fd, buf_slice(&text)) : -ENOMEM;
	if (!r && (fdatasync(d->fd) < 0 || fsync(d->dir) < 0))
		r = -errno;
	if (r < 0)
		return refuse_errno(o, buf_text(&o->path), -r);
	d->size = (off_t)text.len;
	return STORE_GOOD;
}

static int put_in_place(struct opening *o, int fd)
{
	if (give(o, fd) < 0 || fdatasync(fd) < 0 ||
	    renameat(o->d->dir, FILE_NEW, o->d->dir, FILE_NAME) < 0 ||
	    fsync(o->d->dir) < 0)
		return -errno;
	return 0;
}

/* Without room for a second file the first one does as well; but what
 * write_new has settled is only true of the new one. */
static int compact(struct opening *o)
{
	struct disk *d = o->d;
	off_t size = d->size;
	size_t live = d->live, header = 64;
	int fd = -1;

	if ((size_t)size <= live + header)
		return STORE_GOOD;
	if (write_new(o->s, &fd) < 0)
		return STORE_GOOD;
	if (put_in_place(o, fd) < 0) {
		fd_close(&fd);
		return refuse(o, buf_text(&o->path),
		    "a new file could not be put into its place");
	}
	fd_close(&d->fd);
	d->fd = fd;
	return STORE_GOOD;
}

static int start(struct opening *o)
{
	struct disk *d = o->d;
	int r;

	d->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->event < 0)
		return -errno;
	d->job_fd = d->fd;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	r = thread_start(d);
	if (r < 0) {
		pthread_cond_destroy(&d->wake);
		pthread_mutex_destroy(&d->lock);
	}
	return r;
}

static int open_all(struct opening *o)
{
	off_t size = 0;
	int r;

	buf_addf(&o->path, "%s/%s", o->dir, FILE_NAME);
	if (!buf_ok(&o->path))
		return -ENOMEM;
	r = open_dir(o);
	if (!r)
		r = open_file(o, &size);
	if (!r)
		r = read_file(o, size);
	if (!r)
		r = mend(o);
	if (!r)
		r = begin(o);
	if (!r)
		r = compact(o);
	return r ? r : start(o);
}

static void disk_end(struct disk *d)
{
	if (d->started) {
		thread_stop(d);
		pthread_cond_destroy(&d->wake);
		pthread_mutex_destroy(&d->lock);
	}
	fd_close(&d->job_old);
	fd_close(&d->fd);
	fd_close(&d->dir);
	fd_close(&d->event);
}

int store_open(const char *dir, struct store **out, struct buf *err)
{
	_cleanup_(opening_end) struct opening o = {
		.dir = dir, .path = BUF(8192), .err = err
	};
	struct store *s = NULL;
	int r = store_new(&s);

	if (r < 0)
		return r;
	o.s = s;
	o.d = &s->disk;
	r = open_all(&o);
	if (r) {
		disk_end(&s->disk);
		store_drop(s);
		return r;
	}
	*out = s;
	return STORE_GOOD;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	/* What cannot be written now is lost with us, as in a power cut. */
	if (s->disk.started)
		(void)!store_commit(s);
	disk_end(&s->disk);
	store_drop(s);
}
