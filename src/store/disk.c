/*
 * disk.c: writing DIR/objects.  Lines are only ever added at the end; when half
 * of them say nothing any more, all that is true is written to objects.new,
 * which the thread syncs and puts in its place.  What could not be written
 * stays queued, and no half of it in the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/store_int.h"

#define GARBAGE		(64 * 1024)	/* bytes that are not worth a new file */
#define PIECE		(256 * 1024)	/* bytes of one write */

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int write_all(int fd, struct slice s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}

/* ---- a whole new file ---- */

struct writing {
	int fd;
	off_t size;
	struct buf *text;
};

static int writing_flush(struct writing *w)
{
	int r = buf_ok(w->text) ? write_all(w->fd, buf_slice(w->text)) : -ENOMEM;

	w->size += (off_t)w->text->len;
	buf_reset(w->text);
	return r;
}

static int write_item(struct writing *w, struct item *it)
{
	size_t before = w->text->len;

	row_put(w->text, &it->e);
	it->coming = (uint32_t)(w->text->len - before);
	return w->text->len >= PIECE || !buf_ok(w->text) ?
	    writing_flush(w) : 0;
}

static int write_kind(struct store *s, struct writing *w, size_t kind)
{
	struct node *head = &s->kinds[kind], *n;
	int r = 0;

	for (n = head->next; n != head && !r; n = n->next) {
		struct item *it = container_of(n, struct item, all);

		if (it->e.nowners)
			r = write_item(w, it);
	}
	return r;
}

/* What is on disk with it is what write_kind has written. */
static size_t settle_all(struct store *s)
{
	size_t live = 0;

	for (size_t k = 0; k < KIND_MAX; k++) {
		struct node *head = &s->kinds[k], *n;

		for (n = head->next; n != head; n = n->next) {
			struct item *it = container_of(n, struct item, all);

			list_del(&it->dirty);
			it->e.kept = it->e.nowners > 0;
			it->bytes = it->e.kept ? it->coming : 0;
			live += it->bytes;
		}
	}
	buf_reset(&s->gone);
	s->rewrite = false;
	return live;
}

static int new_file(struct store *s, struct writing *w)
{
	int r;

	w->fd = openat(s->disk.dir, FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC |
	    O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return -errno;
	row_format(w->text);
	r = 0;
	for (size_t k = 0; k < KIND_MAX && !r; k++)
		r = write_kind(s, w, k);
	return r ? r : writing_flush(w);
}

/* On success *fd is objects.new with all that is true in it. */
int write_new(struct store *s, int *fd)
{
	_cleanup_(buf_free) struct buf text = BUF(PIECE + ROW_MAX);
	struct writing w = { .fd = -1, .text = &text };
	struct disk *d = &s->disk;
	int r = new_file(s, &w);

	if (r < 0) {
		fd_close(&w.fd);
		(void)unlinkat(d->dir, FILE_NEW, 0);
		return r;
	}
	d->live = settle_all(s);
	d->size = w.size;
	d->torn = false;
	d->compact_at = 0;
	*fd = w.fd;
	return 0;
}

/* The thread puts it in its place. */
static int switch_file(struct store *s)
{
	struct disk *d = &s->disk;
	int fd = -1, r = write_new(s, &fd);

	if (r < 0)
		return r;
	pthread_mutex_lock(&d->lock);
	if (d->job_old < 0)
		d->job_old = d->fd;
	else
		close(d->fd);	/* the thread has not even looked at it */
	d->fd = d->job_fd = fd;
	d->job_rename = true;
	d->dead = false;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

/* ---- commit ---- */

static int append_text(struct store *s, struct buf *text)
{
	struct node *n;

	buf_adds(text, buf_slice(&s->gone));
	for (n = s->dirty.next; n != &s->dirty; n = n->next) {
		struct item *it = container_of(n, struct item, dirty);
		size_t before = text->len;

		if (it->e.nowners)
			row_put(text, &it->e);
		else if (it->e.kept)
			row_gone(text, &it->e);
		it->coming = it->e.nowners ? (uint32_t)(text->len - before) : 0;
	}
	return buf_ok(text) ? 0 : -ENOMEM;
}

static void append_settle(struct store *s)
{
	while (s->dirty.next != &s->dirty) {
		struct item *it = container_of(s->dirty.next, struct item, dirty);

		list_del(&it->dirty);
		s->disk.live += it->coming - (size_t)it->bytes;
		it->bytes = it->coming;
		it->e.kept = it->e.nowners > 0;
	}
	buf_reset(&s->gone);
}

/* Half a line must not be in the way of the next. */
static int cut_tail(struct disk *d)
{
	if (!d->torn)
		return 0;
	if (ftruncate(d->fd, d->size) < 0)
		return -errno;
	d->torn = false;
	return 0;
}

static int append(struct store *s)
{
	_cleanup_(buf_free) struct buf text = BUF(FILE_MAX);
	struct disk *d = &s->disk;
	int r = append_text(s, &text);

	if (!r)
		r = cut_tail(d);
	if (r < 0)
		return r;
	r = write_all(d->fd, buf_slice(&text));
	if (r < 0) {
		d->torn = true;
		(void)!cut_tail(d);
		return r;
	}
	d->size += (off_t)text.len;
	append_settle(s);
	return 0;
}

static bool wants_compacting(const struct disk *d, bool busy)
{
	size_t garbage = (size_t)d->size - d->live;

	return !busy && garbage > GARBAGE && garbage > d->live &&
	    d->size >= d->compact_at;
}

static int commit_write(struct store *s, bool dead, bool busy)
{
	struct disk *d = &s->disk;
	int r;

	if (dead || s->rewrite)
		return switch_file(s);
	if (wants_compacting(d, busy)) {
		r = switch_file(s);
		if (!r)
			return 0;
		/* It may be the disk that is full: what is new may still fit. */
		d->compact_at = d->size + GARBAGE;
	}
	return append(s);
}

static int64_t commit_hand_over(struct disk *d)
{
	pthread_mutex_lock(&d->lock);
	d->wanted = ++d->commits;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	return d->commits;
}

int64_t store_commit(struct store *s)
{
	struct disk *d = &s->disk;
	bool dead, busy;
	int r;

	if (d->fd < 0)
		return 0;
	pthread_mutex_lock(&d->lock);
	dead = d->dead;
	busy = d->job_rename && !dead;
	/* The thread may be about to use the name. */
	r = s->rewrite && busy ? -EAGAIN : 0;
	pthread_mutex_unlock(&d->lock);
	if (r)
		return r;
	if (s->dirty.next == &s->dirty && !s->gone.len && !dead && !s->rewrite)
		return 0;
	r = commit_write(s, dead, busy);
	return r < 0 ? r : commit_hand_over(d);
}
