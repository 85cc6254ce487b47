/*
 * sync.c: the thread that waits for the disk, so that nobody else does.  It
 * owns nothing but a descriptor at a time; what it may look at is guarded by
 * the lock.
 *
 * After an fdatasync that failed nobody knows what of the file is on disk, and
 * the kernel will not say it again: from then on only a file that was written
 * as a whole afterwards is believed (dead).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "store/store_int.h"

#define STACK		(256 * 1024)	/* bytes */

static int sync_job(const struct disk *d, int fd, bool renames)
{
	if (fdatasync(fd) < 0)
		return -errno;
	if (!renames)
		return 0;
	if (renameat(d->dir, FILE_NEW, d->dir, FILE_NAME) < 0 ||
	    fsync(d->dir) < 0)
		return -errno;
	return 0;
}

static void job_done(struct disk *d, int64_t n, bool renames, int r)
{
	d->tried = n;
	d->error = r;
	if (r < 0) {
		d->dead = true;
		return;
	}
	d->synced = n;
	if (renames)
		d->job_rename = false;
}

/* One round, with the lock held at its beginning and end. */
static void sync_round(struct disk *d)
{
	const uint64_t one = 1;
	int64_t n = d->wanted;
	int fd = d->job_fd, old = d->job_old;
	bool renames = d->job_rename, dead = d->dead;
	int r = d->error;

	d->job_old = -1;
	pthread_mutex_unlock(&d->lock);
	fd_close(&old);
	if (!dead)
		r = sync_job(d, fd, renames);
	pthread_mutex_lock(&d->lock);
	job_done(d, n, renames, r);
	/* Cannot fill up: each read empties it. */
	if (write(d->event, &one, sizeof(one)) < 0)
		return;
}

static void *sync_thread(void *arg)
{
	struct disk *d = arg;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (d->wanted == d->tried && !d->quit)
			pthread_cond_wait(&d->wake, &d->lock);
		if (d->wanted == d->tried)
			break;
		sync_round(d);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* Signals are the main thread's. */
int thread_start(struct disk *d)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int r;

	sigfillset(&all);
	if (pthread_attr_init(&attr))
		return -ENOMEM;
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&d->thread, &attr, sync_thread, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	d->started = r == 0;
	return -r;
}

void thread_stop(struct disk *d)
{
	if (!d->started)
		return;
	pthread_mutex_lock(&d->lock);
	d->quit = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->started = false;
}

int64_t store_synced(struct store *s)
{
	struct disk *d = &s->disk;
	uint64_t count;
	int64_t n;

	if (d->event >= 0 && read(d->event, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		return -errno;
	if (d->fd < 0)
		return 0;
	pthread_mutex_lock(&d->lock);
	n = d->error ? d->error : d->synced;
	pthread_mutex_unlock(&d->lock);
	return n;
}

int store_fd(const struct store *s)
{
	return s->disk.event;
}
