/*
 * idmap.c: the user namespace that a bind is mapped with.  Nobody ever enters
 * it: a child is born in it, and is killed when the kernel has the maps.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

#define SUB_FILE	(8UL * 1024 * 1024)
#define MAP_BYTES	4096	/* the kernel takes less than a page; the smallest */

static int map_write(pid_t pid, const char *file, struct slice text)
{
	_cleanup_(close_fd) int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	n = write(fd, text.p, text.n);
	return n == (ssize_t)text.n ? 0 : n < 0 ? errno : EIO;
}

static int ns_fill(pid_t pid, struct slice uids, struct slice gids, int *ns)
{
	char path[64];
	int e;

	e = map_write(pid, "uid_map", uids);
	if (!e)
		e = map_write(pid, "setgroups", SLICE("deny"));
	if (!e)
		e = map_write(pid, "gid_map", gids);
	if (e)
		return e;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	*ns = open(path, O_RDONLY | O_CLOEXEC);
	return *ns < 0 ? errno : 0;
}

/* The child lives until its maps are written; never longer than we do. */
static int ns_make(struct slice uids, struct slice gids, int *ns)
{
	struct clone_args a = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t parent = getpid(), pid;
	int e;

	pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (pid < 0)
		return errno;
	if (!pid && !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent)
		for (;;)
			pause();
	if (!pid)
		_exit(1);
	e = ns_fill(pid, uids, gids, ns);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return e;
}

int idmap_make(struct bind_user *u, const struct runs_as *as, struct buf *err)
{
	_cleanup_(buf_free) struct buf subuid = BUF(SUB_FILE), subgid = BUF(SUB_FILE);
	_cleanup_(buf_free) struct buf uids = BUF(MAP_BYTES - 1);
	_cleanup_(buf_free) struct buf gids = BUF(MAP_BYTES - 1);
	_cleanup_(buf_free) struct buf ignored = BUF(4096);
	struct map_user who = u->who;
	int r;

	/* No file that can be trusted, no range. */
	if (!file_read("/etc/subuid", true, &subuid, &ignored))
		who.subuid = buf_slice(&subuid);
	if (!file_read("/etc/subgid", true, &subgid, &ignored))
		who.subgid = buf_slice(&subgid);
	r = map_plan(&who, as, &uids, &gids, err);
	if (r)
		return r;
	r = ns_make(buf_slice(&uids), buf_slice(&gids), &u->ns);
	if (!r)
		return GUARD_GOOD;
	if (r == ENOMEM || r == EMFILE || r == ENFILE)
		return -r;
	buf_addf(err, "no user namespace could be made for the binds of %.*s "
	    "(%s): the administrator should look at user.max_user_namespaces",
	    SLICE_ARG(who.name), strerror(r));
	return GUARD_BAD;
}
