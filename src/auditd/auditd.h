/*
 * auditd.h: the parts of dockbroker-auditd.
 *
 *   main.c     options, privileges, start
 *   server.c   the broker's connection: messages in, answers out
 *   writer.c   the log: what is written, what is on disk, what failed
 *   recover.c  what a log says of itself at the start; torn ends
 */
#ifndef AUDITD_H
#define AUDITD_H

#include <limits.h>

#include "dockbroker/audit.h"
#include "dockbroker/proc.h"

/* ---- what a log holds ---- */

#define SEEN_MAX	16	/* instances that are remembered; one runs */

struct seen {
	uint8_t instance[16];
	uint64_t n;			/* its last record */
};

/* The end of a log: where the next line goes and what it must say. */
struct log_end {
	struct chain chain;
	uint64_t size;			/* bytes of whole lines */
	uint64_t id;			/* the highest request id */
	struct seen seen[SEEN_MAX];	/* the newest last */
	size_t nseen;
};

void log_saw(struct log_end *end, const uint8_t instance[16], uint64_t n);
/* The last record of that instance; 0 when the log has none. */
uint64_t log_knows(const struct log_end *end, const uint8_t instance[16]);

/* What is done at the start of a file. */
struct repair {
	uint64_t cut;			/* bytes that were moved away */
	char torn[NAME_MAX + 1];	/* where they are */
	unsigned faults;		/* lines near the end that do not fit */
};

enum recover_outcome { RECOVER_GOOD, RECOVER_BAD };
/* Reads the end of fd (the file dir/name, locked), moves a torn end away.  An
 * empty log goes on where name.1 ended, if there is such a file.  RECOVER_BAD:
 * the reason is in err, nothing was changed. */
int recover(int dir, const char *name, int fd, int64_t now_us,
    struct log_end *end, struct repair *repair, struct buf *err) _must_check_;

/* ---- the writer ---- */

/* The system calls that may fail in ways that a test wants to choose. */
struct writer_io {
	ssize_t (*write)(int fd, const void *p, size_t n);
	int (*sync)(int fd);
	int (*truncate)(int fd, off_t size);
	uint64_t (*space)(int fd);	/* bytes that are free */
};
extern const struct writer_io writer_system;

enum tail {
	TAIL_GOOD,		/* the file ends where the writer thinks */
	TAIL_TORN,		/* cut it at end.size before anything else */
	TAIL_LOST		/* a sync failed: write the unsynced anew */
};

#define EVENTS_MAX	8	/* lines of our own that wait */

struct event {
	const char *name;
	char detail[384];
	int64_t time_us;
};

struct writer {
	const struct writer_io *io;
	int dir, fd;
	char name[NAME_MAX + 1];
	char host[256], boot[64];

	struct log_end end;		/* what is written */
	uint8_t instance[16];		/* the running one */
	uint64_t written_n, synced_n;	/* of that instance */

	struct buf batch;		/* lines that are not written yet */
	struct chain chain;		/* at the end of batch */
	uint64_t n, id;			/* likewise */

	struct buf unsynced;		/* lines written, not on disk */
	uint64_t synced_size;
	enum tail tail;

	enum audit_state failed;	/* the last write or sync */
	bool low;			/* less than the reserve is free */
	bool resend;			/* dropped: to be sent again */
	char text[BOUND_PAM_TEXT];	/* why */
	int64_t space_checked;		/* us */

	struct event events[EVENTS_MAX];
	size_t nevents;
};

enum writer_outcome { WRITER_GOOD, WRITER_BAD };
/* Opens, locks and repairs dir/name.  Takes dir.  WRITER_BAD: reason in err. */
int writer_open(struct writer *w, int dir, const char *name, int64_t now_us,
    struct buf *err) _must_check_;
void writer_close(struct writer *w);	/* also for what was never opened */
/* Another run of the broker, or the same again.  Flush first. */
void writer_instance(struct writer *w, const uint8_t instance[16]);
/* The instance's records up to n are in some older file. */
void writer_skip(struct writer *w, uint64_t n);
/* Puts the record that follows w->n into the batch. */
int writer_add(struct writer *w, struct slice record, uint64_t id) _must_check_;
/* A line of our own, with the next flush. */
void writer_event(struct writer *w, const char *name, int64_t now_us,
    const char *fmt, ...) _printf_(4, 5);
/* Writes the batch; with sync nothing is left unsynced.  What happened stands
 * in written_n, synced_n and writer_state. */
void writer_flush(struct writer *w, int64_t now_us, bool sync);
/* Once a second while writer_busy: late sync, another try after a failure. */
void writer_tick(struct writer *w, int64_t now_us);
bool writer_busy(const struct writer *w);
/* After a rotation.  On WRITER_BAD the old file stays in use. */
int writer_reopen(struct writer *w, int64_t now_us,
    struct buf *err) _must_check_;
/* What the broker is told.  As long as records have to be sent again it is
 * never AUDIT_GOOD. */
enum audit_state writer_state(const struct writer *w);

/* ---- the server ---- */

struct server;
/* Serves fd (listening) for the broker's uid.  w stays the caller's. */
int server_new(struct loop *l, int fd, uint32_t broker_uid, struct writer *w,
    struct server **out) _must_check_;
void server_stop(struct server *s);	/* answers what is written, frees */
void server_reopen(struct server *s);

#endif
