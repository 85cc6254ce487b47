/*
 * store_int.h: what the files of this layer share.  index.c finds things,
 * holder.c knows owners and their sums, store.c changes entries, row.c is the
 * text of one change, read.c the whole file as text, disk.c the file itself
 * and its thread.  Only disk.c is ever seen by two threads, and only what its
 * lock guards.
 */
#ifndef DOCKBROKER_STORE_INT_H
#define DOCKBROKER_STORE_INT_H

#include <pthread.h>

#include "dockbroker/store.h"

#define container_of(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

/* ---- index.c: chains by hash, a tree by id, lists ---- */

struct link {
	struct link *next;
	uint64_t hash;
};
struct index {
	struct link **slots;
	size_t size, n;			/* size: a power of two */
};
int index_init(struct index *x) _must_check_;
void index_free(struct index *x);
/* In front of others with the same hash; cannot fail. */
void index_add(struct index *x, struct link *l, uint64_t hash);
void index_del(struct index *x, struct link *l);
struct link *index_first(const struct index *x, uint64_t hash);
struct link *index_next(const struct link *l);	/* with the same hash */
/* Users choose names: key is secret, so that nobody can make chains long. */
uint64_t hash_text(const uint64_t key[2], uint64_t salt, struct slice s);

struct node {
	struct node *prev, *next;
};
void list_init(struct node *head);
void list_add(struct node *head, struct node *n);	/* at the end */
void list_del(struct node *n);			/* n may be in no list */

/* ---- one object ---- */

struct item {
	struct entry e;			/* first: an entry is its item */
	struct node all, dirty;		/* dirty.next NULL: nothing to be written */
	struct link by_id, by_name;
	struct item *left, *right;	/* of the tree; by_id.hash is its priority */
	struct holder *one;		/* room of holders for a single one */
	struct holder **holders;	/* e.nowners of them */
	struct holder *label;		/* what the Engine's label says; NULL */
	uint32_t bytes, coming;		/* of its line on disk; of the one being written */
	char id[];
};

/* By id, so that all with one prefix are neighbours. */
void prefix_add(struct item **root, struct item *it);
void prefix_del(struct item **root, struct item *it);
typedef bool prefix_fn(void *arg, struct item *it);	/* false: enough */
bool prefix_each(struct item *root, struct slice prefix, prefix_fn *fn, void *arg);

/* ---- holder.c: owners, each once, with what they hold ---- */

/* Exact however many there are: nobody's sum wraps round into "little". */
struct sums {
	__int128 memory, nano_cpus, pids, ports, containers, networks, volumes;
};
enum { KIND_MAX = OBJECT_TAG + 1 };

struct holder {
	struct owner o;
	struct link by_uid, by_name;	/* by_uid only where there is a uid */
	size_t refs;
	struct sums held, reserved;
	uint32_t count[KIND_MAX];	/* objects that are his */
	uint32_t unlabelled[KIND_MAX];	/* of these, labelled otherwise */
	uint32_t foreign[KIND_MAX];	/* labelled so, but not of one of this name */
	char text[];
};
#define OWNER_TEXT	(BOUND_OBJECT_NAME - 1)	/* bytes of an owner's name, of a team */

/* One more ref; NULL: no memory, or a text is too long. */
struct holder *holder_get(struct store *s, uint32_t uid, struct slice name,
    struct slice team);
void holder_put(struct store *s, struct holder *h);	/* h may be NULL */
bool holder_same(const struct holder *h, const struct holder *of);
/* Into the sums of its owners, or out of them: around every change of it. */
void holder_count(struct item *it, int sign);

/* ---- disk.c, sync.c, open.c ---- */

#define FILE_NAME	"objects"
#define FILE_NEW	"objects.new"
#define FILE_MAX	((off_t)1 << 31)	/* bytes: ten times what BOUND_OBJECTS come to */

struct disk {
	int dir, fd;			/* -1: memory only */
	off_t size;			/* of what is whole in the file */
	size_t live;			/* bytes of it that still say something */
	off_t compact_at;		/* not before the file is this large */
	int64_t commits;		/* number of the last one */
	bool torn;			/* half a line is behind size */
	int event;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t wake;
	int job_fd, job_old;		/* to be synced; to be closed */
	bool job_rename;		/* objects.new takes the place of objects then */
	int64_t wanted, tried, synced;
	int error;			/* of the last attempt, 0 good */
	bool dead;			/* after an error: only a fresh file is believed */
	bool quit;
};

struct store {
	uint64_t key[2];
	struct index ids, names, uids, owners;
	struct item *roots[KIND_MAX];
	struct node kinds[KIND_MAX];
	size_t counts[KIND_MAX], total;
	uint64_t mark;
	bool keep_labels;
	struct node dirty;
	struct buf gone;		/* lines of what was on disk and is removed */
	bool rewrite;			/* gone has a hole: only a whole file is right */
	struct disk disk;
};

void fd_close(int *fd);
int write_all(int fd, struct slice s) _must_check_;
/* On success *fd is objects.new with all that is true in it, not synced. */
int write_new(struct store *s, int *fd) _must_check_;
int thread_start(struct disk *d) _must_check_;
void thread_stop(struct disk *d);		/* after what it has to do */

/* ---- store.c ---- */

int store_new(struct store **out) _must_check_;	/* without a disk */
void store_drop(struct store *s);
uint64_t hash_kind(const struct store *s, enum object_kind kind, struct slice text);
struct item *item_of(struct entry *e);
void item_dirty(struct store *s, struct item *it);
int item_name(struct store *s, struct item *it, struct slice name) _must_check_;
int text_set(const char **to, struct slice text) _must_check_;
/* Without marking it as changed.  -ENOSPC: BOUND_OWNERS. */
int item_own(struct store *s, struct item *it, struct holder *h) _must_check_;
int owners_init(struct store *s, struct item *it, struct holder **h, size_t n) _must_check_;

/* ---- row.c: one change as text ---- */

#define ROW_MAX		(4 * 1024 * 1024)	/* bytes: BOUND_OWNERS with the longest names, escaped */
const char *row_kind(enum object_kind kind);	/* NULL: not of the store */
void row_format(struct buf *out);		/* the first line */
void row_put(struct buf *out, const struct entry *e);
void row_gone(struct buf *out, const struct entry *e);

uint32_t row_sum(struct slice text);		/* its checksum */

enum row_outcome { ROW_GOOD, ROW_BAD };
/* text without checksum and newline; bytes: of the whole line. */
int row_apply(struct store *s, struct slice text, size_t bytes, const char **why) _must_check_;
/* The text behind the checksum; ROW_BAD when that does not fit. */
int row_check(struct slice line, struct slice *text);

/* ---- read.c: the whole file ---- */

/* *good: bytes up to the end of the last whole line.  STORE_BAD: err. */
int read_text(struct store *s, const char *path, struct slice text,
    size_t *good, struct buf *err) _must_check_;

#endif
