/*
 * guard.c: the records of containers that have the guard in front, in memory
 * as they are on disk.  A record is there for others when it is on disk, and
 * until its container is known to be gone; what cannot be read counts as none,
 * is told, and kept: dockbroker-oci refuses it as well.
 *
 * Whose memory it is: charged to the uid in the record, which is the caller's of
 * the create, and refused to him beyond BOUND_GUARD_UID before he gets a container.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/guard.h"

#define BUCKETS		4096
#define ID_LENGTH	64
#define REMOVE_TIME	60000	/* ms that the Engine has for a container */
#define TOLD_MOST	20	/* files of which the log tells one by one */

struct kept {
	struct kept *chain;
	unsigned refs;
	size_t bytes;
	bool bad;			/* the file is no record */
	struct arena arena;
	struct guard_record record;
	char id[ID_LENGTH + 1];
};

/* What one uid has of it. */
struct share { struct share *chain; uint32_t uid; size_t bytes; };

struct guards {
	struct broker *broker;
	struct kept *table[BUCKETS];
	struct share *shares[BUCKETS];
	struct source done;
	struct guard_disk *disk;
	int dir;
	struct node keepings;
	unsigned told;
	bool owed;			/* a list was read when the Engine's root was not known */
	bool failed;			/* the log was told so */
	bool looked;			/* for containers without a record */
};

/* ---- the map ---- */

static bool is_id(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i])
			return false;
	return s.n == ID_LENGTH;
}

/* Ids are random. */
static struct kept **slot(struct guards *g, struct slice id)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < id.n; i++)
		h = (h ^ (uint8_t)id.p[i]) * 16777619u;
	struct kept **at = &g->table[(h ^ h >> 15) % BUCKETS];
	while (*at && !slice_is(id, (*at)->id))
		at = &(*at)->chain;
	return at;
}

static struct share *share_of(struct guards *g, uint32_t uid, bool make)
{
	struct share **at = &g->shares[(uid * 2654435761u) >> 20];

	while (*at && (*at)->uid != uid)
		at = &(*at)->chain;
	if (!*at && make && (*at = calloc(1, sizeof(**at))))
		(*at)->uid = uid;
	return *at;
}

void kept_put(struct kept *k)
{
	if (!k || --k->refs)
		return;
	arena_free(&k->arena);
	free(k);
}

const struct guard_record *kept_record(const struct kept *k)
{
	return k ? &k->record : NULL;
}

static struct kept *kept_new(struct slice id)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->refs = 1;
	arena_init(&k->arena, 8 * BOUND_GUARD_RECORD);
	memcpy(k->id, id.p, id.n < ID_LENGTH ? id.n : ID_LENGTH);
	return k;
}

/* The file's text, read as everybody else will. */
static int kept_read(struct slice text, struct slice id, struct kept **out,
    struct buf *err)
{
	struct kept *k = kept_new(id);
	int r = k ? guard_read(text, id, &k->arena, &k->record, err) : -ENOMEM;

	if (r != GUARD_GOOD) {
		kept_put(k);
		return r;
	}
	k->bytes = sizeof(*k) + k->arena.used;
	*out = k;
	return GUARD_GOOD;
}

/* Takes k. */
static void map_add(struct guards *g, struct kept *k)
{
	struct share *s = k->bad ? NULL : share_of(g, k->record.uid, true);
	struct kept **at = slot(g, slice_from(k->id));

	if (*at) {		/* ids are never given twice */
		kept_put(k);
		return;
	}
	if (s)
		s->bytes += k->bytes;
	else
		k->bytes = 0;
	*at = k;
}

static void map_remove(struct guards *g, struct kept **at)
{
	struct kept *k = *at;
	struct share *s = k->bytes ? share_of(g, k->record.uid, false) : NULL;

	if (s)
		s->bytes -= k->bytes;
	*at = k->chain;
	k->chain = NULL;
	kept_put(k);
}

static const struct kept *find(struct broker *b, struct slice id)
{
	struct kept *k = b->guards ? *slot(b->guards, id) : NULL;

	return k && !k->bad ? k : NULL;
}

const struct guard_record *guard_get(struct broker *b, struct slice id)
{
	const struct kept *k = find(b, id);

	return k ? &k->record : NULL;
}

const struct guard_record *guard_hold(struct broker *b, struct slice id,
    struct kept **held)
{
	struct kept *k = (struct kept *)(uintptr_t)find(b, id);

	if (k)
		k->refs++;
	kept_put(*held);
	*held = k;
	return k ? &k->record : NULL;
}

bool guard_spoilt(struct broker *b, struct slice id)
{
	const struct kept *k = b->guards ? *slot(b->guards, id) : NULL;

	return k && k->bad;
}

int guard_fits(struct broker *b, const struct guard_record *r)
{
	static const char some[] =
	    "0000000000000000000000000000000000000000000000000000000000000000";
	_cleanup_(buf_free) struct buf text = BUF(BOUND_GUARD_RECORD);
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct guard_record whole = *r;
	struct kept *k = NULL;
	struct share *s = share_of(b->guards, r->uid, true);
	int outcome = GUARD_FITS, e;

	whole.container = slice_from(some);
	if (!s)
		return -ENOMEM;
	if (!guard_write(&whole, &text))
		return GUARD_TOO_LARGE;
	e = kept_read(buf_slice(&text), whole.container, &k, &err);
	if (e < 0)
		return e;
	if (e != GUARD_GOOD) {
		log_error("a record of uid %u cannot be read again: %s", r->uid,
		    buf_text(&err));
		return GUARD_TOO_LARGE;
	}
	if (s->bytes + k->bytes > BOUND_GUARD_UID)
		outcome = GUARD_TOO_MANY;
	kept_put(k);
	return outcome;
}

/* ---- going ---- */

/* A file that stays is taken away at the next start. */
static void unlink_later(struct guards *g, struct slice id)
{
	struct disk_job *j = calloc(1, sizeof(*j));

	if (!j)
		return;
	j->removes = true;
	memcpy(j->id, id.p, ID_LENGTH);
	disk_push(g->disk, j);
}

void guard_gone(struct broker *b, struct slice id)
{
	struct guards *g = b->guards;
	struct kept **at = g && is_id(id) ? slot(g, id) : NULL;

	if (!at || !*at)
		return;
	unlink_later(g, id);
	map_remove(g, at);
}

/* Another Engine, or the same with another root, has other containers: only what
 * was its own is known to be gone. */
static bool orphan(struct broker *b, const struct kept *k)
{
	if (store_get(b->store, OBJECT_CONTAINER, slice_from(k->id)))
		return false;
	return k->bad || slice_is(k->record.engine_root, b->info.root);
}

void guard_reconcile(struct broker *b)
{
	struct guards *g = b->guards;
	size_t n = 0;

	if (!g)
		return;
	g->owed = !b->info.known;
	if (g->owed)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct kept **at = &g->table[i]; *at; ) {
			if (!orphan(b, *at)) {
				at = &(*at)->chain;
				continue;
			}
			unlink_later(g, slice_from((*at)->id));
			map_remove(g, at);
			n++;
		}
	}
	if (n)
		log_info("%zu records of containers that are gone were removed", n);
	if (!g->looked)
		missing_start(b);
	g->looked = true;
}

void guard_known(struct broker *b)
{
	if (b->guards && b->guards->owed)
		guard_reconcile(b);
}

/* ---- on the way to the disk ---- */

static void keeping_free(struct keeping *k)
{
	if (k->ask)
		ask_cancel(k->ask);
	node_remove(&k->node);
	kept_put(k->kept);
	free(k);
}

/* It has come to an end; who waits looks at it, and leaves. */
static void keeping_over(struct keeping *k, enum keeping_state state)
{
	k->state = state;
	if (k->waiter)
		k->waiter->wake(k->waiter);
	else
		keeping_free(k);
}

static void removed(void *arg, unsigned status, struct slice body _unused_)
{
	struct keeping *k = arg;
	struct broker *b = k->guards->broker;
	struct entry *e = store_get(b->store, OBJECT_CONTAINER, slice_from(k->kept->id));

	k->ask = NULL;
	if (status == 204 || status == 404) {
		if (e)
			object_remove(b, e);
	} else {
		log_error("the container %s has no record and could not be removed"
		    " (%u): it will not start; remove it", k->kept->id, status);
	}
	keeping_over(k, KEEPING_FAILED);
}

static const struct ask_ops removes = { NULL, removed };

static void keeping_undo(struct keeping *k)
{
	struct broker *b = k->guards->broker;
	_cleanup_(buf_free) struct buf path = BUF(256);

	k->state = KEEPING_REMOVES;
	buf_addf(&path, "/containers/%s?v=1&force=1", k->kept->id);
	k->ask = ask_start(b, METHOD_DELETE, buf_slice(&path), SLICE_NONE,
	    BOUND_ANSWER, REMOVE_TIME, &removes, k);
	if (!k->ask)
		removed(k, 0, SLICE_NONE);
}

static void written(struct keeping *k, int error)
{
	struct guards *g = k->guards;
	struct slice id = slice_from(k->kept->id);

	k->job = NULL;
	k->error = error;
	if (error && !g->failed)
		log_error("records of containers cannot be written to"
		    " %s/containers: %s", g->broker->conf.state_dir, strerror(error));
	g->failed = error != 0;
	if (error || k->unwanted) {
		if (!error)
			unlink_later(g, id);
		keeping_undo(k);
		return;
	}
	/* Gone already, as with a --rm that was quick. */
	if (!store_get(g->broker->store, OBJECT_CONTAINER, id)) {
		unlink_later(g, id);
	} else {
		map_add(g, k->kept);
		k->kept = NULL;
	}
	keeping_over(k, KEEPING_DONE);
}

static void on_done(struct source *s, uint32_t ready _unused_)
{
	struct guards *g = node_entry(s, struct guards, done);
	struct disk_job *j = disk_done(g->disk), *next;

	source_clear(s, EPOLLIN);
	for (; j; j = next) {
		next = j->next;
		if (j->removes && j->error)
			log_warn("the record of the container %.12s could not be"
			    " removed: %s", j->id, strerror(j->error));
		if (j->arg)
			written(j->arg, j->error);
		disk_job_free(j);
	}
}

/* Nobody waits: k ends by itself.  Its kept is only a name. */
static void keeping_fail(struct keeping *k, struct slice id)
{
	k->waiter = NULL;
	k->kept = kept_new(id);
	if (k->kept)
		keeping_undo(k);
	else
		keeping_free(k);
}

struct keeping *guard_keep(struct broker *b, const struct guard_record *r,
    struct waiter *w)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct keeping *k = calloc(1, sizeof(*k));
	struct disk_job *j = calloc(1, sizeof(*j));
	int e = -ENOMEM;

	if (!k || !j || !is_id(r->container)) {
		free(k);
		free(j);
		log_error("a container has no record: it will not start");
		return NULL;
	}
	k->guards = b->guards;
	k->waiter = w;
	node_init(&k->node);
	node_append(&b->guards->keepings, &k->node);
	j->text = BUF(BOUND_GUARD_RECORD);
	memcpy(j->id, r->container.p, ID_LENGTH);
	if (guard_write(r, &j->text))
		e = kept_read(buf_slice(&j->text), r->container, &k->kept, &err);
	if (e != GUARD_GOOD) {
		log_error("the record of the container %s cannot be made: %s", j->id,
		    e < 0 ? strerror(-e) : buf_text(&err));
		disk_job_free(j);
		keeping_fail(k, r->container);
		return NULL;
	}
	j->arg = k;
	k->job = j;
	disk_push(b->guards->disk, j);
	return k;
}

void guard_leave(struct keeping *k, bool unwanted)
{
	k->waiter = NULL;
	k->unwanted |= unwanted;
	if (k->state == KEEPING_DONE || k->state == KEEPING_FAILED)
		keeping_free(k);
}

/* ---- start and stop ---- */

static void tell(struct guards *g, const char *name, const char *what)
{
	if (g->told++ >= TOLD_MOST)
		return;
	log_warn("%s/containers/%s is not used: %s", g->broker->conf.state_dir,
	    name, what);
	journal_event(g->broker, "guard-record", "%s is not used: %s", name, what);
	if (g->told == TOLD_MOST)
		log_warn("there are more of the kind");
}

/* Ours alone to write, or somebody else's claim. */
static const char *file_wrong(const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		return "it is no plain file";
	if (st->st_uid != geteuid() || st->st_mode & 022)
		return "it belongs to somebody else, or others may write to it";
	return st->st_size > BOUND_GUARD_RECORD ? "it is too long" : NULL;
}

static bool file_text(int dir, const char *name, struct buf *out, struct buf *err)
{
	_cleanup_(close_fd) int fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *wrong;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0) {
		buf_addz(err, strerror(errno));
		return false;
	}
	wrong = file_wrong(&st);
	if (wrong) {
		buf_addz(err, wrong);
		return false;
	}
	while (n > 0 && out->len <= (size_t)st.st_size) {
		char *room = buf_room(out, (size_t)st.st_size + 1 - out->len);
		n = room ? read(fd, room, (size_t)st.st_size + 1 - out->len) : -1;
		if (n > 0)
			buf_grew(out, (size_t)n);
	}
	if (n < 0)
		buf_addz(err, "it cannot be read");
	return n >= 0;
}

static int load(struct guards *g, const char *name)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_GUARD_RECORD + 1);
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct kept *k = NULL;
	int r = GUARD_BAD;

	if (file_text(g->dir, name, &text, &err))
		r = kept_read(buf_slice(&text), slice_from(name), &k, &err);
	if (r < 0)
		return r;
	if (r != GUARD_GOOD) {
		tell(g, name, buf_text(&err));
		k = kept_new(slice_from(name));
		if (!k)
			return -ENOMEM;
		k->bad = true;
	}
	map_add(g, k);
	return 0;
}

static int load_all(struct guards *g)
{
	int fd = openat(g->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		r = -errno;
		close_fd(&fd);
		return r;
	}
	while (r == 0 && (e = readdir(d))) {
		if (!strncmp(e->d_name, ".new-", 5))
			(void)!unlinkat(g->dir, e->d_name, 0);
		else if (is_id(slice_from(e->d_name)))
			r = load(g, e->d_name);
		else if (e->d_name[0] != '.')
			tell(g, e->d_name, "it has not the name of a container");
	}
	closedir(d);
	return r;
}

static int guard_open(struct guards *g)
{
	_cleanup_(buf_free) struct buf path = BUF(512);
	int r;

	buf_addf(&path, "%s/containers", g->broker->conf.state_dir);
	if (mkdir(buf_text(&path), 0700) < 0 && errno != EEXIST)
		return -errno;
	g->dir = open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (g->dir < 0)
		return -errno;
	r = load_all(g);
	if (r == 0)
		r = disk_start(g->dir, &g->disk);
	return r < 0 ? r : source_add(g->broker->loop, &g->done,
	    fcntl(disk_fd(g->disk), F_DUPFD_CLOEXEC, 0), EPOLLIN, on_done);
}

int guard_start(struct broker *b, struct buf *err)
{
	struct guards *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	b->guards = g;
	g->broker = b;
	g->dir = g->done.fd = -1;
	node_init(&g->keepings);
	r = guard_open(g);
	if (r == 0 || r == -ENOMEM)
		return r == 0 ? GUARD_STARTED : r;
	buf_addf(err, "%s/containers cannot be used: %s", b->conf.state_dir,
	    strerror(-r));
	return GUARD_CANNOT;
}

void guard_stop(struct broker *b)
{
	struct guards *g = b->guards;

	if (!g)
		return;
	if (g->done.fd >= 0)
		source_close(&g->done);
	disk_stop(g->disk);
	while (!node_empty(&g->keepings))
		keeping_free(node_entry(g->keepings.next, struct keeping, node));
	for (size_t i = 0; i < BUCKETS; i++) {
		while (g->table[i])
			map_remove(g, &g->table[i]);
		while (g->shares[i]) {
			struct share *s = g->shares[i];
			g->shares[i] = s->chain;
			free(s);
		}
	}
	close_fd(&g->dir);
	b->guards = NULL;
	free(g);
}
