/*
 * sync.h: the inside of the mirror: sync.c (its states and lists), sync_event.c
 * (what the Engine tells as it happens), sync_look.c (single objects that are
 * asked about), sync_image.c (images by name, execs).  For these four alone.
 */
#ifndef DOCKBROKER_BROKER_SYNC_H
#define DOCKBROKER_BROKER_SYNC_H

#include "broker/broker.h"

#define SYNC_BUCKETS	1024
#define SYNC_ID		72		/* "sha256:" and 64 hex digits, NUL */
#define SYNC_EXECS	512		/* of one container; the oldest go, and are asked about again */
#define SYNC_TOUCHED	16384		/* objects that change while lists are read */
#define SYNC_EXEC_TIME	300000		/* ms after its end: as the Engine */
#define SYNC_ASK_TIME	10000		/* ms for one object */
#define SYNC_LIST_TIME	60000		/* ms for a list */

enum sync_state {
	SYNC_OFF,			/* not started, or stopped */
	SYNC_PAUSED,			/* failed; tries again soon */
	SYNC_PROBE,			/* is there an Engine? */
	SYNC_EVENTS,			/* events are asked for */
	SYNC_SETTLE,			/* they were promised: a moment until they flow */
	SYNC_LISTS,			/* everything is read */
	SYNC_LIVE			/* events keep it up */
};

/* What events said while lists were read: newer than the list. */
enum touch_flag { TOUCH_GONE = 1, TOUCH_DIED = 2 };
struct touch {
	struct touch *chain;
	unsigned flags;
	char id[SYNC_ID];
};

/* Execs by container: they end with it. */
struct box {
	struct box *chain;
	struct node execs;
	size_t n;
	char id[SYNC_ID];
};
struct exec {
	struct exec *chain;
	struct node node;		/* of its box, the oldest first */
	struct node ended;		/* of those that have ended, likewise */
	struct box *box;
	int64_t at;			/* its end */
	char id[SYNC_ID];
};

struct question;

struct sync {
	struct broker *broker;
	enum sync_state state;
	bool read;			/* all lists were read since the last failure */
	bool again;			/* and have to be once more */
	bool told, told_commit, told_full;
	int64_t failed_at, backoff;
	struct waiter engine;
	struct timer timer;		/* the state's */
	struct node waiters;
	struct ask *events, *list;
	struct lister *reader, *lister;
	size_t at;			/* of the lists */
	uint64_t mark;
	/* sync_event.c */
	struct touch *touched[SYNC_BUCKETS];
	size_t ntouched;
	struct box *boxes[SYNC_BUCKETS];
	struct exec *execs[SYNC_BUCKETS];
	struct node ended;
	struct timer reap;
	/* sync_look.c */
	struct node looks, looking;
	size_t nlooks, nlooking;
	/* sync_image.c */
	struct question *questions[SYNC_BUCKETS];
	struct question *waste;		/* freed at the end of the turn */
	struct task clean;
	size_t nquestions, answers;	/* how many, and bytes of the answers */
	uint64_t images;		/* changes with every image event */
};

/* ---- sync.c ---- */

/* "/v1.41", or what the Engine can, and path (already encoded). */
void sync_path(struct sync *s, struct buf *out, const char *path);
struct ask *sync_ask(struct sync *s, struct slice path, int64_t deadline,
    const struct ask_ops *ops, void *arg);
void sync_commit(struct sync *s);
/* An object as a list or an event shows it: added, or what is new of it. */
void sync_take(struct sync *s, const struct listed *l);
void sync_full(struct sync *s);		/* the store takes no more: told once */
uint32_t sync_hash(struct slice s);

/* ---- sync_event.c ---- */

void sync_event(void *arg, const struct event *e);	/* arg: the sync */
const struct touch *sync_touched(struct sync *s, struct slice id);
void sync_untouch(struct sync *s);
/* An exec of a container, in the store and here. */
void sync_exec_add(struct sync *s, struct slice id, struct slice container);
void sync_exec_sweep(struct sync *s);	/* those whose container is gone */
int sync_event_start(struct sync *s) _must_check_;
void sync_event_stop(struct sync *s);

/* ---- sync_look.c ---- */

/* gone: an event tells of its end. */
void sync_look_add(struct sync *s, enum object_kind kind, struct slice id,
    bool gone);
/* A container whose label names o: is that label not its image's? */
void sync_look_owner(struct sync *s, const struct listed *l, const struct owner *o);
void sync_look_run(struct sync *s);	/* what waits may go */
void sync_look_drop(struct sync *s);

/* ---- sync_image.c ---- */

void sync_image_start(struct sync *s);
void sync_image_forget(struct sync *s);	/* all that is answered */
void sync_image_stop(struct sync *s);

#endif
