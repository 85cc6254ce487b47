/*
 * guard.h: the broker's part of the guard: what the Engine says of itself
 * (guard_info.c), the records of containers in memory (guard.c) and on disk
 * (guard_write.c), the record of one create (guard_make.c), what dockbroker-oci
 * refused (spool.c).
 */
#ifndef DOCKBROKER_BROKER_GUARD_H
#define DOCKBROKER_BROKER_GUARD_H

#include "broker/broker.h"

/* ---- guard_info.c: /info, asked once for each Engine that comes ---- */

/* Is it known?  OWN_WAIT: c is woken then; OWN_ANSWERED: there is no Engine. */
int info_look(struct client *c) _must_check_;
/* There is another Engine, or other settings: asks again. */
void info_forget(struct broker *b);
void info_stop(struct broker *b);
/* Why there can be no guard, in a sentence; false: there can. */
bool info_lacks(const struct broker *b, struct buf *why);
bool bind_dir_lacks(const struct broker *b, struct buf *why);
bool info_good(const struct broker *b);	/* nothing is missing, as far as is known */
bool info_remapped(const struct broker *b);	/* containers have 65536 ids */
/* For CTL_STATUS: ,"guard":"good|missing|none|unknown","guard_runtime":... */
void info_status(const struct broker *b, struct buf *out);
/* What of the answer matters; tells the log what cannot work when it is news. */
void info_read(struct broker *b, struct slice body);

/* ---- guard.c: records, by container ---- */

enum guard_start_outcome { GUARD_STARTED, GUARD_CANNOT };
/* Makes STATE-DIR/containers, reads what is there, starts the thread.  CANNOT: the
 * reason in err. */
int guard_start(struct broker *b, struct buf *err) _must_check_;
void guard_stop(struct broker *b);	/* waits for the disk */
/* Valid until the loop's next turn; NULL: none, or one that cannot be read. */
const struct guard_record *guard_get(struct broker *b, struct slice id);
/* The same, valid until the next call with this held, NULL at first. */
const struct guard_record *guard_hold(struct broker *b, struct slice id,
    struct kept **held);
/* Is there one that cannot be read? */
bool guard_spoilt(struct broker *b, struct slice id);
const struct guard_record *kept_record(const struct kept *k);	/* NULL: NULL */
void kept_put(struct kept *k);		/* k may be NULL */
/* The container is no more: its record goes, in memory and on disk. */
void guard_gone(struct broker *b, struct slice id);
/* The list of containers was read, and was whole: records without one go. */
void guard_reconcile(struct broker *b);
void guard_known(struct broker *b);	/* as is the Engine's root, from now on */
enum guard_fit { GUARD_FITS, GUARD_TOO_LARGE, GUARD_TOO_MANY };
/* Can a record like this be kept?  Its container may be "".  -ENOMEM. */
int guard_fits(struct broker *b, const struct guard_record *r) _must_check_;

/* A record on its way to the disk, with or without somebody who waits. */
enum keeping_state {
	KEEPING_WRITES,
	KEEPING_REMOVES,	/* it could not be written: the container is removed */
	KEEPING_DONE,		/* on disk and in memory */
	KEEPING_FAILED		/* the container is gone again, or will not start */
};
struct keeping {
	enum keeping_state state;
	struct guards *guards;
	struct kept *kept;	/* NULL once it is in the map */
	struct disk_job *job;
	struct waiter *waiter;	/* NULL: nobody waits */
	struct ask *ask;
	struct node node;
	bool unwanted;		/* it came too late: the container goes */
	int error;		/* errno */
};
/* NULL: no memory, or a record that could not be read again; then the
 * container has been seen to. */
struct keeping *guard_keep(struct broker *b, const struct guard_record *r,
    struct waiter *w);
/* Who waits does not any more: what is under way ends by itself.  unwanted: and
 * the container is not to be there. */
void guard_leave(struct keeping *k, bool unwanted);

/* ---- guard_missing.c: containers without a record ---- */

void missing_start(struct broker *b);
void missing_stop(struct broker *b);

/* ---- guard_write.c: one thread that waits for the disk ---- */

struct disk_job {
	struct disk_job *next;
	bool removes;
	char id[65];
	struct buf text;
	int error;		/* errno */
	void *arg;
};
struct guard_disk;
/* dir stays the caller's.  -errno. */
int disk_start(int dir, struct guard_disk **out) _must_check_;
void disk_stop(struct guard_disk *d);	/* after what it has to do; d may be NULL */
int disk_fd(const struct guard_disk *d);	/* readable: some are done */
void disk_push(struct guard_disk *d, struct disk_job *j);	/* takes j */
struct disk_job *disk_done(struct guard_disk *d);	/* a list, in order; NULL none */
void disk_job_free(struct disk_job *j);

/* ---- guard_make.c: the record of one create ---- */

/* Is the guard to be in front of what this creates, unless the role is privileged?
 * What facts.guarded says. */
bool guard_wanted(const struct client *c);
/* A runtime that is the guard's own asks for nothing: forgotten. */
void guard_unask(struct client *c);
/* After the decision.  False: it was refused and answered. */
bool guard_make(struct client *c) _must_check_;
/* The record by which an error is told; NULL none. */
const struct guard_record *guard_about(const struct client *c);
void guard_edits(struct client *c, struct body_edits *e);
/* Do the lines that let its binds in still do so? */
bool guard_stands(struct client *c, const struct rights *now, const struct verdict *v);
/* The Engine made it.  OWN_GOOD, OWN_WAIT, or OWN_ANSWERED: it could not be kept,
 * and the container is gone: why is told in text. */
int guard_made(struct client *c, struct buf *text) _must_check_;

/* ---- spool.c: STATE-DIR/refused ---- */

int spool_start(struct broker *b) _must_check_;
void spool_stop(struct broker *b);

#endif
