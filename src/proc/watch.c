/*
 * watch.c: notices that files changed.  inotify on their directories tells at
 * once, also of a file that was replaced by rename; a look at the files each
 * second finds what inotify cannot see: network file systems, overlays, a
 * mount over the directory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"

#define LOOK	1000	/* ms between looks at files that inotify may miss */
#define EVENTS	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | \
		    IN_DELETE | IN_ATTRIB)

/* What differs when a file differs; zeroes when there is none.  No padding:
 * two are compared as bytes. */
struct look {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct watch {
	struct loop *loop;
	struct source source;
	struct timer look, settle;
	const struct watch_ops *ops;
	void *arg;
	bool settling;
	const char *const *paths;
	size_t npaths;
	struct look looks[];
};

static struct watch *watch_of(void *member, size_t offset)
{
	return (struct watch *)((char *)member - offset);
}

/* Whether any file differs from the last look. */
static bool watch_look(struct watch *w)
{
	bool changed = false;
	struct look now;
	struct stat st;

	for (size_t i = 0; i < w->npaths; i++) {
		now = (struct look){ 0 };
		if (stat(w->paths[i], &st) == 0)
			now = (struct look){ st.st_dev, st.st_ino, st.st_size,
				st.st_mtim, st.st_ctim };
		changed |= memcmp(&now, &w->looks[i], sizeof(now)) != 0;
		w->looks[i] = now;
	}
	return changed;
}

/* Not set again while it runs: a file that changes all the time is told of
 * nevertheless. */
static void watch_changed(struct watch *w)
{
	w->ops->seen(w->arg);
	if (w->settling)
		return;
	w->settling = timer_set(&w->settle,
	    loop_now(w->loop) + w->ops->settle) == 0;
	if (!w->settling)
		w->ops->settled(w->arg);
}

static void settle_run(struct timer *t)
{
	struct watch *w = watch_of(t, offsetof(struct watch, settle));

	w->settling = false;
	w->ops->settled(w->arg);
}

static void look_run(struct timer *t)
{
	struct watch *w = watch_of(t, offsetof(struct watch, look));

	if (watch_look(w))
		watch_changed(w);
	if (timer_set(t, loop_now(w->loop) + LOOK) < 0)
		log_error("no memory to go on looking at files");
}

static bool event_matters(const struct watch *w,
    const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; e->len && i < w->npaths; i++)
		if (!strcmp(e->name, strrchr(w->paths[i], '/') + 1))
			return true;
	return false;
}

static void watch_run(struct source *s, uint32_t ready _unused_)
{
	struct watch *w = watch_of(s, offsetof(struct watch, source));
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *e;
	bool changed = false;
	ssize_t n;

	n = read(s->fd, buf, sizeof(buf));
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		source_clear(s, EPOLLIN);
		return;
	}
	for (char *p = buf; p < buf + n; p += sizeof(*e) + e->len) {
		e = (const void *)p;
		changed |= event_matters(w, e);
	}
	if (changed) {
		(void)watch_look(w);
		watch_changed(w);
	}
}

/* The directory of each path, once where several share one. */
static void watch_directories(struct watch *w, int fd)
{
	for (size_t i = 0; i < w->npaths; i++) {
		const char *slash = strrchr(w->paths[i], '/');
		_cleanup_(buf_free) struct buf dir = BUF(4096);
		buf_add(&dir, w->paths[i], (size_t)(slash - w->paths[i]));
		/* Adding the same directory again changes nothing. */
		if (inotify_add_watch(fd, dir.len ? buf_text(&dir) : "/", EVENTS) < 0)
			log_debug("cannot watch %s: %m", w->paths[i]);
	}
}

int watch_start(struct loop *l, const char *const *paths,
    const struct watch_ops *ops, void *arg)
{
	struct watch *w;
	size_t n = 0;
	int fd, r;

	while (paths[n])
		n++;
	w = calloc(1, sizeof(*w) + n * sizeof(w->looks[0]));
	if (!w)
		return -ENOMEM;
	w->loop = l;
	w->ops = ops;
	w->arg = arg;
	w->paths = paths;
	w->npaths = n;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		free(w);
		return r;
	}
	watch_directories(w, fd);
	timer_init(l, &w->settle, settle_run);
	timer_init(l, &w->look, look_run);
	(void)watch_look(w);
	r = source_add(l, &w->source, fd, EPOLLIN, watch_run);
	if (r < 0) {
		close(fd);
		free(w);
		return r;
	}
	return timer_set(&w->look, loop_now(l) + LOOK);
}
