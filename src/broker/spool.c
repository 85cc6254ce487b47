/*
 * spool.c: what dockbroker-oci refused to start.  It is there for milliseconds
 * and cannot wait for anybody, so it leaves a file in STATE-DIR/refused; here each
 * becomes an event of the audit log, and goes when the log has it: after a
 * crash in between it may be there twice, never not at all.
 *
 * The directory is ours and root's.  A file that cannot be read is told to the
 * log of the daemon, and goes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/guard.h"

#define TURN		32	/* files of one turn, and that wait for the log */
#define FILE_BYTES	(64 * 1024)	/* a reason has paths in it */
#define SOON		20	/* ms: while some wait */
#define LATER		2000	/* ms: where inotify sees nothing */

struct waiting { uint64_t n; bool stays; char name[NAME_MAX + 1]; };

struct spool {
	struct broker *broker;
	struct source watch;
	struct timer look;
	int dir;
	struct waiting waiting[TURN];
	size_t n;
};

/* ---- one file ---- */

/* False: it is no report. */
static bool report_read(struct spool *s, const char *name, struct buf *out)
{
	_cleanup_(close_fd) int fd = openat(s->dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *room;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > FILE_BYTES || !(room = buf_room(out, FILE_BYTES)))
		return false;
	n = read(fd, room, FILE_BYTES);
	if (n > 0)
		buf_grew(out, (size_t)n);
	return n > 0;
}

static struct slice text_at(struct slice json, struct arena *a, const char *name)
{
	struct slice text;

	return answer_text(json, a, &text, name) ? text : SLICE("");
}

/* The number of its record; 0 when it cannot be kept now. */
static uint64_t report_add(struct spool *s, struct slice json, struct arena *a)
{
	_cleanup_(buf_free) struct buf r = BUF(BOUND_RECORD);
	struct broker *b = s->broker;
	struct slice id = text_at(json, a, "container"), owner = text_at(json, a, "user");
	struct slice reason = text_at(json, a, "reason");
	struct entry *e = store_get(b->store, OBJECT_CONTAINER, id);

	if (e && e->nowners)
		owner = slice_from(e->owners[0].name);
	journal_begin(b, &r, "guard-refused");
	record_text(&r, FIELD_KIND, SLICE("container"));
	if (e)
		record_text(&r, FIELD_OBJECT, slice_from(e->name));
	record_text(&r, FIELD_OBJECT_ID, id);
	record_text(&r, FIELD_OWNER, owner);
	if (e)
		record_text(&r, FIELD_IMAGE, slice_from(e->image));
	record_text(&r, FIELD_VERDICT, SLICE("refused"));
	record_text(&r, FIELD_REASON, reason);
	log_warn("the guard did not start the container %.12s of %.*s: %.*s",
	    id.n >= 12 ? id.p : "?", SLICE_ARG(owner), SLICE_ARG(reason));
	return journal_add(b, &r, true);
}

static void waits_on(struct spool *s, const char *name, uint64_t n)
{
	struct waiting *w = &s->waiting[s->n++];

	w->n = n;
	w->stays = false;
	snprintf(w->name, sizeof(w->name), "%s", name);
}

static void report(struct spool *s, const char *name)
{
	_cleanup_(buf_free) struct buf text = BUF(FILE_BYTES);
	_cleanup_(arena_free) struct arena a;
	struct slice reason;
	uint64_t n;

	arena_init(&a, 8 * FILE_BYTES);
	if (!report_read(s, name, &text) ||
	    !answer_text(buf_slice(&text), &a, &reason, "reason")) {
		log_warn("%s/refused/%s is no report of the guard: removed",
		    s->broker->conf.state_dir, name);
		waits_on(s, name, 0);
		return;
	}
	n = report_add(s, buf_slice(&text), &a);
	if (n)
		waits_on(s, name, n);
}

/* ---- all of them ---- */

static bool waits(const struct spool *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->waiting[i].name, name))
			return true;
	return false;
}

/* What the log has. */
static void settle(struct spool *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct waiting *w = &s->waiting[i];

		if (!w->stays && w->n <= s->broker->journal.written_n) {
			if (unlinkat(s->dir, w->name, 0) == 0 || errno == ENOENT)
				continue;
			log_warn("%s/refused/%s cannot be removed: %s",
			    s->broker->conf.state_dir, w->name, strerror(errno));
			w->stays = true;
		}
		s->waiting[kept++] = *w;
	}
	s->n = kept;
}

static void scan(struct spool *s)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close_fd(&fd);
		return;
	}
	/* Its own half-written files begin with a dot. */
	for (size_t i = 0; i < TURN && s->n < TURN && (e = readdir(d)); ) {
		if (e->d_name[0] == '.' || e->d_type == DT_DIR || waits(s, e->d_name))
			continue;
		report(s, e->d_name);
		i++;
	}
	closedir(d);
}

static void look(struct spool *s)
{
	const char *why;

	settle(s);
	/* Before the log is there, all of it may wait where it is. */
	if (s->n < TURN && journal_up(s->broker, true, &why))
		scan(s);
	if (timer_set(&s->look, loop_now(s->broker->loop) + (s->n ? SOON : LATER)) < 0)
		fatal("no memory for a timer");
}

static void on_time(struct timer *t)
{
	look(node_entry(t, struct spool, look));
}

static void on_watch(struct source *src, uint32_t ready _unused_)
{
	struct spool *s = node_entry(src, struct spool, watch);
	_Alignas(struct inotify_event) char events[4096];

	if (read(src->fd, events, sizeof(events)) <= 0)
		source_clear(src, EPOLLIN);
	else
		look(s);
}

/* ---- start and stop ---- */

static int spool_open(struct spool *s)
{
	_cleanup_(buf_free) struct buf path = BUF(512);
	int fd;

	buf_addf(&path, "%s/refused", s->broker->conf.state_dir);
	if (mkdir(buf_text(&path), 0700) < 0 && errno != EEXIST)
		return -errno;
	s->dir = open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir < 0)
		return -errno;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return 0;	/* the timer sees them later */
	if (inotify_add_watch(fd, buf_text(&path), IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
		log_debug("%s cannot be watched: %s", buf_text(&path), strerror(errno));
	return source_add(s->broker->loop, &s->watch, fd, EPOLLIN, on_watch);
}

int spool_start(struct broker *b)
{
	struct spool *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	b->spool = s;
	s->broker = b;
	s->dir = s->watch.fd = -1;
	timer_init(b->loop, &s->look, on_time);
	r = spool_open(s);
	return r < 0 ? r : timer_set(&s->look, loop_now(b->loop) + SOON);
}

void spool_stop(struct broker *b)
{
	struct spool *s = b->spool;

	if (!s)
		return;
	if (s->watch.fd >= 0)
		source_close(&s->watch);
	timer_remove(&s->look);
	close_fd(&s->dir);
	b->spool = NULL;
	free(s);
}
