/*
 * proc.h: what a process is made of.  An edge-triggered epoll loop, timers,
 * message channels between our daemons, sockets, dropping of privileges.
 * Knows nothing of Docker, HTTP or policy.
 */
#ifndef DOCKBROKER_PROC_H
#define DOCKBROKER_PROC_H

#include "dockbroker/base.h"
#include "dockbroker/msg.h"

/* ---- the loop ----
 * A source is registered once, edge-triggered.  `ready' keeps what epoll has
 * told (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR); its owner clears
 * a bit only when the kernel answered EAGAIN (source_clear).  A new source
 * counts as writable; epoll watches EPOLLOUT from the first source_clear of
 * it on, because a Unix socket tells it whenever the peer has read, which
 * would be a wake-up for nothing per answer.  A source runs while
 * ready & want is not 0 (EPOLLHUP and EPOLLERR too count only when wanted),
 * once per turn: whoever has more to do after its share simply returns and
 * runs again.  A turn is: sources, timers, tasks.
 * A source may be closed at any time, by anybody, and does not run any more;
 * never free one in a source_fn: source_close it and free in a task. */

struct loop;
struct source;
typedef void source_fn(struct source *s, uint32_t ready);

struct source {
	struct loop *loop;
	int fd;				/* -1 when closed */
	uint32_t ready, want;
	uint32_t watched;		/* what epoll was asked for */
	bool queued, again;
	source_fn *run;
	struct source *prev, *next;	/* the run queue */
};

struct timer {
	struct loop *loop;
	int64_t at, queued_at;		/* ms of loop_now(); 0: off */
	size_t slot;
	void (*run)(struct timer *t);
};

/* Runs once at the end of the turn it was posted in, in order of posting; so
 * do tasks that tasks post, up to a bound, the rest in the next turn.  May be
 * posted again, or its memory freed, from its own run. */
struct task {
	bool posted;
	struct task *next;
	void (*run)(struct task *t);
};

int loop_new(struct loop **out) _must_check_;
/* Runs the tasks that wait; sources and timers must be gone.  Returns NULL. */
struct loop *loop_free(struct loop *l);
/* Runs until loop_stop.  Returns its code, or negative. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);
int64_t loop_now(const struct loop *l);		/* CLOCK_BOOTTIME ms, read once a turn */
int64_t loop_realtime(const struct loop *l);	/* CLOCK_REALTIME us, read once a turn */

int source_add(struct loop *l, struct source *s, int fd, uint32_t want,
    source_fn *run) _must_check_;
void source_want(struct source *s, uint32_t want);
void source_clear(struct source *s, uint32_t bits);
/* Run once more, whatever is ready: in the next turn, or in this one when
 * s still waits for its run. */
void source_again(struct source *s);
void source_close(struct source *s);		/* also closes the fd */
int source_detach(struct source *s);		/* returns the fd, no longer watched */

/* A timer that is only ever moved later costs nothing to move.  timer_set
 * fails only for want of memory, and only the first time.  A past `at' is due
 * in the next turn at the latest, from within a timer's run after 1 ms. */
void timer_init(struct loop *l, struct timer *t, void (*run)(struct timer *));
int timer_set(struct timer *t, int64_t at) _must_check_;
void timer_stop(struct timer *t);
/* Must be called before the memory of t goes away. */
void timer_remove(struct timer *t);

void task_post(struct loop *l, struct task *t);
void task_cancel(struct loop *l, struct task *t);

/* SIGTERM, SIGINT, SIGHUP and SIGCHLD become calls of fn; SIGPIPE is ignored.
 * They stay blocked in the process: a forked child must unblock them. */
int loop_signals(struct loop *l, void (*fn)(void *arg, int signo), void *arg) _must_check_;

/* ---- messages (msg.def) ---- */

enum msg {
	MSG_NONE,
#define MSG(id, from, to, min, max, fds, doc)	MSG_##id,
#include "dockbroker/msg.def"
	MSG_COUNT
};

enum party { PARTY_BROKER = 1, PARTY_AUTHD = 2, PARTY_AUDITD = 4, PARTY_CLI = 8 };

const char *msg_name(enum msg id);

/* Their bodies: msg.h. */

/* The text's length, or -1 when it is not terminated and padded with NUL. */
ssize_t msg_text(const char *field, size_t size);

/* What a channel asks of a packet ({ u32 id, u32 length of the body } and the
 * body) from `from' to `to' that came with nfds fds.  Pure; on MSG_GOOD *id
 * and *body (inside packet) are set. */
enum msg_outcome { MSG_GOOD, MSG_SHORT, MSG_UNKNOWN, MSG_DIRECTION, MSG_LENGTH, MSG_FDS };
#define MSG_HEADER	8
#define MSG_FDS_MAX	4		/* most fds that a row may have */
int msg_check(struct slice packet, size_t nfds, enum party from, enum party to,
    enum msg *id, struct slice *body) _must_check_;

/* ---- channels: SOCK_SEQPACKET, one message a packet ----
 * A breach of msg.def (unknown id, wrong direction, length, fds) ends the
 * connection: closed() is called with the reason.  Sending never blocks:
 * what does not fit waits, up to BOUND_MESSAGE_QUEUE messages and
 * BOUND_MESSAGE_WAIT bytes. */

struct chan;
struct chan_ops {
	/* fds are the receiver's to close.  body is aligned for its struct and
	 * valid during the call only. */
	void (*message)(struct chan *c, enum msg id, struct slice body, int *fds, size_t nfds);
	/* The last call; the fd is closed already.  Never from within
	 * chan_send or chan_free, always from the loop. */
	void (*closed)(struct chan *c, const char *why);
	/* All that waited was sent.  May be NULL. */
	void (*drained)(struct chan *c);
};
enum chan_outcome { CHAN_GOOD, CHAN_FULL, CHAN_CLOSED };

/* Takes fd, also when it fails.  me and peer say which rows of msg.def are
 * permitted. */
int chan_new(struct loop *l, int fd, enum party me, enum party peer,
    const struct chan_ops *ops, void *arg, struct chan **out) _must_check_;
/* Without closed(); what waits is dropped.  Allowed in every callback, for
 * any channel.  c may be NULL; returns NULL. */
struct chan *chan_free(struct chan *c);
void *chan_arg(const struct chan *c);
int chan_fd(const struct chan *c);
size_t chan_waiting(const struct chan *c);	/* messages not yet sent */
/* Body in up to two pieces.  fds are borrowed.  CHAN_FULL and CHAN_CLOSED: it
 * was not and will not be sent.  -EINVAL: msg.def does not let us send it. */
int chan_send(struct chan *c, enum msg id, const void *head, size_t nhead,
    const void *more, size_t nmore, const int *fds, size_t nfds) _must_check_;

/* ---- sockets ---- */

struct peer {
	uint32_t uid, gid;
	pid_t pid;		/* 0: another pid namespace, or gone and not to be pinned */
	int pidfd;		/* -1 where the kernel has none, or pid is 0; the caller's to close */
};
/* SO_PEERCRED and SO_PEERPIDFD (else pidfd_open). */
int peer_get(int fd, struct peer *out) _must_check_;

enum sock_outcome { SOCK_GOOD, SOCK_BAD };
/* type: SOCK_STREAM or SOCK_SEQPACKET; nonblocking, cloexec.  A stale socket
 * file that nobody listens on is replaced; a live one or another kind of file
 * is SOCK_BAD with the reason in err. */
int sock_listen(const char *path, int type, unsigned mode, int *fd, struct buf *err) _must_check_;
/* Nonblocking; -EINPROGRESS cannot happen on Unix sockets, -EAGAIN: backlog full. */
int sock_connect(const char *path, int type, int *fd) _must_check_;
/* A POSIX ACL that lets uid (and the owner) read and write; owner must be us. */
int sock_allow_user(const char *path, uint32_t uid) _must_check_;

/* systemd: fds that were passed (now nonblocking, cloexec), with their names;
 * 0 outside systemd.  More than max are closed.  The variables are unset. */
size_t listen_fds(int first[], char names[][64], size_t max);
/* "READY=1\nSTATUS=..."; nothing outside systemd.  The first call must come
 * before anything is executed that should not see NOTIFY_SOCKET. */
void notify_send(const char *state);
void notify_text(const char *fmt, ...) _printf_(1, 2);

/* ---- privileges: read back, or refused ---- */

struct privilege {
	const char *user;		/* name or number; NULL: stay uid 0 */
	uint64_t caps;			/* bits of capabilities that stay */
	/* Permitted by seccomp, NULL-terminated; NULL: no filter.  What the
	 * loop, channels, sock_connect, notify_send, file_read, malloc, stdio
	 * and exit need is added; sockets by the macros below.  The others
	 * give EPERM, or kill where only an attacker would call them (execve,
	 * ptrace, mount, ...).  Executable memory only with "mmap" and
	 * "mprotect" in the list (dlopen). */
	const char *const *syscalls;
	bool unix_only;			/* socket(2) for AF_UNIX only */
	bool threads;			/* may begin threads, never processes */
};
#define SYSCALLS_SOCK_LISTEN	"bind", "listen", "umask", "unlink", "unlinkat", "lsetxattr"
#define SYSCALLS_PEER_GET	"pidfd_open", "poll", "ppoll"
/* "name" or "1234" -> ids; outcome 1 when there is no such user. */
int user_lookup(const char *user, uint32_t *uid, uint32_t *gid) _must_check_;
/* No new privileges, groups, ids, bounding set, capabilities, seccomp, no
 * dumps (our /proc/self then belongs to root, but stays readable for us); then
 * reads all of it back.  Outcome 1 with the reason in err: do not go on.
 * Also for a process that was started as that user already.  A capability
 * that the bounding set never had is done without. */
int privilege_drop(const struct privilege *p, struct buf *err) _must_check_;
void limit_files(void);			/* RLIMIT_NOFILE as far as it goes; no core dumps */

/* ---- files ---- */

enum file_outcome { FILE_GOOD, FILE_MISSING, FILE_BAD };
/* Appends the whole regular file, at most what out->max leaves.  With trusted
 * the file, each directory above it up to / and each symbolic link on the way
 * (at most 8) belong to root or to us, and none but sticky directories is
 * writable for group or others.  err gets "PATH: what" on MISSING and BAD. */
int file_read(const char *path, bool trusted, struct buf *out, struct buf *err) _must_check_;
/* What is to be read of fd, in the same way; path: for err. */
int file_read_fd(int fd, const char *path, struct buf *out, struct buf *err) _must_check_;

/* seen: at once; settled: `settle' ms later, once for all in between. */
struct watch_ops {
	int64_t settle;
	void (*seen)(void *arg);
	void (*settled)(void *arg);
};
/* Absolute paths, NULL at the end; all stay for the life of the process. */
int watch_start(struct loop *l, const char *const *paths,
    const struct watch_ops *ops, void *arg) _must_check_;

/* ---- control groups of users ---- */

struct cgroup_places { const char *root, *systemctl; };	/* /sys/fs/cgroup, ...; tests have others */
extern const struct cgroup_places cgroup_system;
/* A uid, a known driver, limits or -1. */
bool cgroup_valid(const struct msg_cgroup_ask *ask);
/* Makes dockbroker/UID (cgroupfs, v1 and v2) or sets dockbroker-UID.slice's limits
 * (systemd).  Blocks.  The answer's serial is 0; where something failed the rest
 * was done. */
struct msg_cgroup_is cgroup_answer(const struct cgroup_places *where,
    const struct msg_cgroup_ask *ask);

/* ---- how our daemons begin ---- */

struct daemon_options { const char *conf; bool debug; };	/* conf: NULL unless named */
void daemon_fds(void);		/* 0 to 2 exist: no socket or log becomes one of them */
/* -c, -d, -h, -V; ends the process on the last two and on misuse (64). */
void daemon_options(int argc, char **argv, const char *name, const char *about,
    struct daemon_options *out);
/* dockbroker.conf, root's alone to write; none installed is good.  CONFIG_BAD: see err. */
int daemon_conf(const char *named, struct config *c, struct buf *err) _must_check_;
void daemon_faults(struct buf *err);	/* to stderr, as they are */

void fatal(const char *fmt, ...) _printf_(1, 2) __attribute__((noreturn));
void close_fd(int *fd);			/* for _cleanup_ */
#endif
