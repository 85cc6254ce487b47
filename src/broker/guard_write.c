/*
 * guard_write.c: the thread that puts the records of containers on disk, and
 * takes them away, so that nobody else waits for it.  All that has gathered is
 * done together: each file is synced, the directory once.  It knows a directory
 * and jobs; what a record says it does not look at.
 *
 * A record is written beside its place and renamed into it when it is on disk: a
 * file of its name is whole or it is damage.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/guard.h"

#define STACK		(256 * 1024)	/* bytes */

struct guard_disk {
	int dir, event;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t wake;
	struct disk_job *todo, **todo_end;
	struct disk_job *done, **done_end;
	bool quit;
};

void disk_job_free(struct disk_job *j)
{
	if (!j)
		return;
	buf_free(&j->text);
	free(j);
}

/* ---- in the thread ---- */

static int write_text(int fd, struct slice s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		s.p += n;
		s.n -= (size_t)n;
	}
	return fsync(fd) < 0 ? errno : 0;
}

static int write_file(int dir, const struct disk_job *j)
{
	char fresh[80];
	int e;

	snprintf(fresh, sizeof(fresh), ".new-%s", j->id);
	_cleanup_(close_fd) int fd = openat(dir, fresh,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	e = write_text(fd, buf_slice(&j->text));
	if (!e && renameat(dir, fresh, dir, j->id) < 0)
		e = errno;
	if (e)
		(void)!unlinkat(dir, fresh, 0);
	return e;
}

static int remove_file(int dir, const struct disk_job *j)
{
	return unlinkat(dir, j->id, 0) < 0 && errno != ENOENT ? errno : 0;
}

/* What was renamed is there after a power cut only when this succeeds. */
static void settle(int dir, struct disk_job *list)
{
	int e = fsync(dir) < 0 ? errno : 0;

	for (struct disk_job *j = list; j && e; j = j->next) {
		if (j->error)
			continue;
		j->error = e;
		if (!j->removes)
			(void)!unlinkat(dir, j->id, 0);
	}
}

static void *disk_thread(void *arg)
{
	struct guard_disk *d = arg;
	const uint64_t one = 1;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (!d->todo && !d->quit)
			pthread_cond_wait(&d->wake, &d->lock);
		struct disk_job *list = d->todo, **end = d->todo_end;
		if (!list)
			break;
		d->todo = NULL;
		d->todo_end = &d->todo;
		pthread_mutex_unlock(&d->lock);
		for (struct disk_job *j = list; j; j = j->next)
			j->error = j->removes ? remove_file(d->dir, j) :
			    write_file(d->dir, j);
		settle(d->dir, list);
		pthread_mutex_lock(&d->lock);
		*d->done_end = list;
		d->done_end = end;
		/* Cannot fill up: each read empties it. */
		(void)!write(d->event, &one, sizeof(one));
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- for the loop ---- */

/* Signals are the main thread's. */
static int thread_begin(struct guard_disk *d)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int r;

	sigfillset(&all);
	if (pthread_attr_init(&attr))
		return -ENOMEM;
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&d->thread, &attr, disk_thread, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	d->started = r == 0;
	return -r;
}

int disk_start(int dir, struct guard_disk **out)
{
	struct guard_disk *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->dir = dir;
	d->todo_end = &d->todo;
	d->done_end = &d->done;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	d->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = d->event < 0 ? -errno : thread_begin(d);
	if (r < 0) {
		disk_stop(d);
		return r;
	}
	*out = d;
	return 0;
}

static void jobs_free(struct disk_job *j)
{
	while (j) {
		struct disk_job *next = j->next;
		disk_job_free(j);
		j = next;
	}
}

void disk_stop(struct guard_disk *d)
{
	if (!d)
		return;
	if (d->started) {
		pthread_mutex_lock(&d->lock);
		d->quit = true;
		pthread_cond_signal(&d->wake);
		pthread_mutex_unlock(&d->lock);
		pthread_join(d->thread, NULL);
	}
	jobs_free(d->done);
	close_fd(&d->event);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->wake);
	free(d);
}

int disk_fd(const struct guard_disk *d)
{
	return d->event;
}

void disk_push(struct guard_disk *d, struct disk_job *j)
{
	j->next = NULL;
	pthread_mutex_lock(&d->lock);
	*d->todo_end = j;
	d->todo_end = &j->next;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

struct disk_job *disk_done(struct guard_disk *d)
{
	struct disk_job *list;
	uint64_t count;

	(void)!read(d->event, &count, sizeof(count));
	pthread_mutex_lock(&d->lock);
	list = d->done;
	d->done = NULL;
	d->done_end = &d->done;
	pthread_mutex_unlock(&d->lock);
	return list;
}
