/*
 * watch.c: notices that the files behind NSS changed.  inotify on their
 * directories tells at once, also of a file that was replaced by rename; a
 * look at the files each second finds what inotify cannot see: network file
 * systems, overlays, a mount over the directory.  LDAP and SSSD tell nobody:
 * there the broker's own age limit counts.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/authd.h"

#define EVENTS	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | \
		    IN_DELETE | IN_ATTRIB)

static const char *const dirs[] = { "/etc", "/var/lib/extrausers" };
static const struct {
	const char *path;
	const char *name;
} files[] = {
	{ "/etc/passwd",			"passwd" },
	{ "/etc/group",				"group" },
	{ "/etc/shadow",			"shadow" },
	{ "/etc/nsswitch.conf",			"nsswitch.conf" },
	{ "/etc/nologin",			"nologin" },
	{ "/var/lib/extrausers/passwd",		"passwd" },
	{ "/var/lib/extrausers/group",		"group" },
	{ "/var/lib/extrausers/shadow",		"shadow" },
};

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
	struct look looks[countof(files)];
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

	for (size_t i = 0; i < countof(files); i++) {
		now = (struct look){ 0 };
		if (stat(files[i].path, &st) == 0)
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
	    loop_now(w->loop) + AUTHD_SETTLE) == 0;
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
	if (timer_set(t, loop_now(w->loop) + AUTHD_LOOK) < 0)
		log_error("no memory to go on looking at /etc/passwd");
}

static bool event_matters(const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; e->len && i < countof(files); i++)
		if (!strcmp(e->name, files[i].name))
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
		changed |= event_matters(e);
	}
	if (changed) {
		(void)watch_look(w);
		watch_changed(w);
	}
}

int watch_start(struct loop *l, const struct watch_ops *ops, void *arg)
{
	static struct watch the_watch;
	struct watch *w = &the_watch;
	int fd, r;

	w->loop = l;
	w->ops = ops;
	w->arg = arg;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < countof(dirs); i++)
		if (inotify_add_watch(fd, dirs[i], EVENTS) < 0)
			log_debug("cannot watch %s: %m", dirs[i]);
	timer_init(l, &w->settle, settle_run);
	timer_init(l, &w->look, look_run);
	(void)watch_look(w);
	r = source_add(l, &w->source, fd, EPOLLIN, watch_run);
	if (r < 0)
		return r;
	return timer_set(&w->look, loop_now(l) + AUTHD_LOOK);
}
