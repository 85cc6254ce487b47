/*
 * open.c: what a user's paths lead to, for him.  A child becomes the user, with
 * all his groups and nothing else, opens them (open_path.c) and sends the
 * descriptors; it also asks NSS, so that neither an LDAP server nor a file
 * server that hangs holds us longer than BOUND_GUARD_OPEN.
 *
 * Who controls what: uid, name and paths come from the record, a claim of that
 * user's.  While the child runs with his uid he can stop or kill it, not look
 * into it; what it sends is checked again by whoever uses it (place.c).
 */
#include <errno.h>
#include <fcntl.h>
/* base.h has a struct group of its own. */
#define group libc_group
#include <grp.h>
#undef group
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

#define FD_ANSWER	3
#define ENTRY_MAX	(16UL * 1024 * 1024)	/* bytes of one NSS entry */

/* One for the account, then one for each path. */
struct answer {
	enum open_step step;
	int error;
	gid_t gid;
	uint32_t ngroups;
	gid_t groups[BOUND_GROUPS];
};
/* Of the answer for a path this much is sent, with source and within. */
#define ANSWER_HEAD	offsetof(struct answer, groups)

union rights {
	char room[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

/* ---- the child ---- */

static void tell(struct answer *a, size_t size, const int fds[2])
{
	union rights r = { .room = { 0 } };
	struct iovec iov = { a, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fds) {
		m.msg_control = r.room;
		m.msg_controllen = sizeof(r.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(2 * sizeof(int));
		memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
	}
	if (sendmsg(FD_ANSWER, &m, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static _Noreturn void give_up(struct answer *a, enum open_step step,
    int error)
{
	a->step = step;
	a->error = error;
	tell(a, ANSWER_HEAD, NULL);
	_exit(0);
}

/* Nothing of ours stays open for NSS modules, or for the user. */
static void isolate(int fd, pid_t parent)
{
	int null;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	if (fd != FD_ANSWER && dup2(fd, FD_ANSWER) < 0)
		_exit(1);
	if (close_range(FD_ANSWER + 1, ~0U, 0))
		_exit(1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < FD_ANSWER; i++)
		if (null < 0 || dup2(null, i) < 0)
			_exit(1);
	close(null);
	umask(022);
}

static void account(const struct bind_user *u, struct answer *a)
{
	struct passwd pw, *found = NULL;
	char name[BOUND_NAME], *room = NULL;
	int n = BOUND_GROUPS, e = ERANGE;

	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(u->who.name));
	if (!slice_is(u->who.name, name) || !*name)
		give_up(a, OPEN_UNKNOWN, ENOENT);
	for (size_t size = 16384; e == ERANGE && size <= ENTRY_MAX; size *= 4) {
		free(room);
		room = malloc(size);
		if (!room)
			give_up(a, OPEN_ACCOUNT, ENOMEM);
		e = getpwnam_r(name, &pw, room, size, &found);
	}
	if (e && e != ENOENT && e != ESRCH)
		give_up(a, OPEN_ACCOUNT, e);
	if (!found || !slice_is(u->who.name, pw.pw_name))
		give_up(a, OPEN_UNKNOWN, ENOENT);
	if (pw.pw_uid != u->who.uid)
		give_up(a, OPEN_OTHER, EINVAL);
	if (getgrouplist(name, pw.pw_gid, a->groups, &n) < 0)
		give_up(a, OPEN_ACCOUNT, E2BIG);
	a->gid = pw.pw_gid;
	a->ngroups = (uint32_t)n;
	a->step = OPEN_DONE;
	free(room);
}

/* All of it is read back.  The kernel forgets the parent's death signal when
 * ids change. */
static void become(const struct bind_user *u, const struct answer *a,
    pid_t parent)
{
	uid_t uid = u->who.uid, ids[3];
	gid_t gids[3];

	if (setgroups(a->ngroups, a->groups) ||
	    setresgid(a->gid, a->gid, a->gid) ||
	    setresuid(uid, uid, uid) ||
	    getresuid(&ids[0], &ids[1], &ids[2]) ||
	    getresgid(&gids[0], &gids[1], &gids[2]))
		_exit(1);
	for (int i = 0; i < 3; i++)
		if (ids[i] != uid || gids[i] != a->gid)
			_exit(1);
	if (getgroups(0, NULL) != (int)a->ngroups || !setuid(0) ||
	    prctl(PR_SET_DUMPABLE, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
}

static _Noreturn void child(int fd, pid_t parent, const struct bind_user *u,
    const struct pin *pins, size_t n)
{
	static struct answer a;

	isolate(fd, parent);
	account(u, &a);
	become(u, &a, parent);
	tell(&a, sizeof(a), NULL);
	for (size_t i = 0; i < n; i++) {
		struct opened o;

		if (pins[i].user != u)
			continue;
		open_source(pins[i].b->m, &o);
		if (o.step != OPEN_DONE)
			give_up(&a, o.step, o.error);
		a.step = OPEN_DONE;
		tell(&a, ANSWER_HEAD, (int[]){ o.fd, o.within });
		close(o.fd);
		close(o.within);
	}
	_exit(0);
}

/* ---- the parent ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Descriptors that came, in order; -1 for those that did not. */
static bool take_fds(struct msghdr *m, int fds[2])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n;

	fds[0] = fds[1] = -1;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return !c;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), (n < 2 ? n : 2) * sizeof(int));
	return n == 2 && !CMSG_NXTHDR(m, c) && !(m->msg_flags & MSG_CTRUNC);
}

/* What is no good answer, is none: the step stays OPEN_BECOME. */
static void hear(int fd, int64_t until, struct answer *a, int fds[2])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	union rights r;
	struct iovec iov = { a, sizeof(*a) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = r.room, .msg_controllen = sizeof(r.room) };
	int64_t left;
	ssize_t n = -1;
	bool good;
	int e;

	fds[0] = fds[1] = -1;
	do {
		left = until - now_ms();
		e = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (e < 0 && errno == EINTR);
	if (e > 0)
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	good = n >= 0 && take_fds(&m, fds) && ((size_t)n == ANSWER_HEAD ||
	    (size_t)n == sizeof(*a)) && a->ngroups <= BOUND_GROUPS;
	if (good)
		return;
	a->step = OPEN_BECOME;
	a->error = e ? EPROTO : ETIMEDOUT;
}

/* hangs: the child did not answer. */
static int collect(int fd, struct bind_user *u, struct pin *pins, size_t n,
    bool *hangs, struct buf *err)
{
	int64_t until = now_ms() + BOUND_GUARD_OPEN;
	struct answer a = { .step = OPEN_BECOME };
	int fds[2];

	hear(fd, until, &a, fds);
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	memcpy(u->groups, a.groups, sizeof(u->groups));
	u->who.gid = a.gid;
	u->who.groups = u->groups;
	u->who.ngroups = a.ngroups;
	for (size_t i = 0; i < n; i++) {
		if (pins[i].user != u)
			continue;
		if (a.step == OPEN_DONE) {
			hear(fd, until, &a, fds);
			pins[i].fd = fds[0];
			pins[i].within = fds[1];
		}
		if (a.step == OPEN_DONE && (fds[0] < 0 || fds[1] < 0))
			a.step = OPEN_BECOME;
		if (a.step == OPEN_DONE)
			continue;
		*hangs = a.step == OPEN_BECOME && a.error == ETIMEDOUT;
		return open_refuse(pins[i].b->m, a.step, a.error, err);
	}
	return GUARD_GOOD;
}

/* The user may have stopped the child, or a file server may hold it for good:
 * it is killed in any case, and only one that answered is waited for. */
int open_as(struct bind_user *u, struct pin *pins, size_t n, struct buf *err)
{
	_cleanup_(close_fd) int ours = -1, theirs = -1;
	pid_t parent = getpid(), pid;
	bool hangs = false;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	ours = pair[0], theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child(theirs, parent, u, pins, n);
	close_fd(&theirs);
	r = collect(ours, u, pins, n, &hangs, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, hangs ? WNOHANG : 0) < 0 && errno == EINTR)
		continue;
	return r;
}
