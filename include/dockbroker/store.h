/*
 * store.h: the Engine's objects as the broker knows them, and whose they are.
 * A mirror in memory (kept up by lists, events and our own requests) with a
 * record on disk of what only we know: owners, usage, image names.  Knows no
 * Engine, HTTP or policy; one file descriptor and one thread for its disk.
 */
#ifndef DOCKBROKER_STORE_H
#define DOCKBROKER_STORE_H

#include "dockbroker/base.h"
#include "dockbroker/docker.h"

struct store;

/* One object.  Read only for others; valid until it is removed. */
struct entry {
	enum object_kind kind;		/* CONTAINER EXEC NETWORK VOLUME IMAGE TAG */
	const char *id;			/* full id; volume name; canonical reference */
	const char *name;		/* of containers and networks; "" */
	const char *image;		/* reference that a container was asked for; "" */
	const char *parent;		/* container of an exec, "" */
	const struct owner *owners;
	size_t nowners;			/* 0: nobody's */
	const struct pair *labels;	/* kept only after store_keep_labels */
	size_t nlabels;
	struct usage usage;		/* of a container */
	bool active;			/* a container that runs, or was just made */
	bool running;			/* as the Engine says; memory only, the mirror's to set */
	bool common;			/* predefined network */
	bool given;			/* tag: named by its owner, not by a pull */
	bool kept;			/* on disk */
	unsigned pins;			/* requests that give this name now: the Engine may not have it yet */
	uint64_t seen;			/* store_mark of the last list it was in */
};

enum store_outcome { STORE_GOOD, STORE_BAD };
/*
 * Opens DIR/objects (0600) and reads it.  A torn last line is cut off; any
 * other damage: BAD, told in err with file, line and what to do; so is a DIR
 * that is missing, others can write to, or another broker uses.  Starts the
 * thread that syncs: call it inside a sandbox that holds for one thread only.
 * What is read is known, but not seen, inactive and without its label. -errno.
 */
int store_open(const char *dir, struct store **out, struct buf *err) _must_check_;
void store_close(struct store *s);	/* commits, waits for the disk */

/* Ready when some store_commit is on disk: read with store_synced. */
int store_fd(const struct store *s);

/* ---- finding ---- */

struct entry *store_get(struct store *s, enum object_kind kind, struct slice id);
/* As the Engine looks names up: exact id, name, then unique prefix of an id
 * (containers, networks; volumes, execs and tags exact; images by id or prefix with or
 * without sha256:), among those that sees (NULL: all) says yes to.  REF_FOUND, else
 * REF_MISSING or REF_MANY with *out NULL. */
typedef bool store_sees_fn(void *arg, const struct entry *e);
enum ref_state store_find(struct store *s, enum object_kind kind, struct slice name,
    store_sees_fn *sees, void *arg, struct entry **out);
typedef void store_each_fn(void *arg, struct entry *e);	/* may remove e */
void store_each(struct store *s, enum object_kind kind, store_each_fn *fn, void *arg);
size_t store_count(const struct store *s, enum object_kind kind);
/* Views it for policy and answers. */
void entry_object(const struct entry *e, struct object *out);
/* Whose?  By uid where both have one, else by name. */
bool owner_is(const struct owner *o, uint32_t uid, const char *name);
bool entry_owned(const struct entry *e, uint32_t uid, const char *name);

/* ---- changing: in memory at once, on disk with the next commit ---- */

/* New, or the known one with this name now ("": as it was); seen in the present
 * list.  NULL: no memory, BOUND_OBJECTS, an id or name that cannot be one. */
struct entry *store_add(struct store *s, enum object_kind kind, struct slice id, struct slice name);
void store_remove(struct store *s, struct entry *e);	/* a container's execs go with it */
int store_rename(struct store *s, struct entry *e, struct slice name) _must_check_;
/* One more; the same person may hold it under several teams.  An account takes the
 * place of its name without uid.  -ENOMEM; -ENOSPC: BOUND_OWNERS. */
int store_own(struct store *s, struct entry *e, const struct owner *o) _must_check_;
void store_disown(struct store *s, struct entry *e, uint32_t uid, const char *name);
int store_give(struct store *s, struct entry *e, const struct owner *o) _must_check_;	/* instead of all others; NULL: nobody's */
int store_image(struct store *s, struct entry *e, struct slice image) _must_check_;
int store_parent(struct store *s, struct entry *e, struct slice container) _must_check_;
/* Memory, cpus, pids, ports: what is negative counts nothing; the objects count themselves. */
void store_usage(struct store *s, struct entry *e, const struct usage *u);
void store_active(struct store *s, struct entry *e, bool active);	/* memory only */
void store_common(struct store *s, struct entry *e, bool common);
void store_given(struct store *s, struct entry *e, bool given);
int store_labels(struct store *s, struct entry *e, const struct pair *p, size_t n) _must_check_;	/* memory only */
void store_keep_labels(struct store *s, bool keep);

/* Writes what changed of entries that have owners, or had when last written.  A
 * number: wait until store_synced has got to it; 0 when nothing was to be
 * written; -errno: it cannot be written (the disk is full): nothing new may be
 * taken.  It stays queued; after a failed sync all of it is written anew: call
 * again from time to time, also without changes. */
int64_t store_commit(struct store *s) _must_check_;
/* Number of the last commit that is on disk; clears store_fd.  -errno: the disk
 * failed, until a later commit has got there. */
int64_t store_synced(struct store *s);

/* ---- sums ---- */

/* Of all that is owned: containers, volumes, networks; memory, cpus, pids and
 * ports of the active ones.  Kept up to date, not counted. */
void store_sum(struct store *s, uint32_t uid, const char *name, struct usage *out);
/* Objects of all kinds that are his: names of images too.  Under several teams
 * each counts. */
size_t store_held(const struct store *s, uint32_t uid, const char *name);
/* Promised to requests under way: counts until it is taken back. */
int store_reserve(struct store *s, const struct owner *o, const struct usage *u) _must_check_;
void store_unreserve(struct store *s, const struct owner *o, const struct usage *u);
/* Objects of kind whose stamped label would not say so: handed over, adopted,
 * or the account was renamed; and those labelled so that are not his.  Then a
 * list cannot be filtered by the label.  Counts until store_labelled. */
size_t store_unlabelled(const struct store *s, enum object_kind kind, uint32_t uid, const char *name);
void store_labelled(struct store *s, struct entry *e, struct slice label);	/* dockbroker.owner, "" none */

/* ---- reconciling ---- */

uint64_t store_mark(struct store *s);	/* a new list begins */
/* Removes those of kind that were there before mark, not seen since and not pinned. */
size_t store_sweep(struct store *s, enum object_kind kind, uint64_t mark);

#endif
