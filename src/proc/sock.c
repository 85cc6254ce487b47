/*
 * sock.c: Unix sockets: listening, connecting, access by ACL, who is there.
 *
 * Paths come from the configuration and from names in the policy that were
 * checked; their directories are writable for root and for us alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dockbroker/proc.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD	77	/* Linux 6.5 */
#endif

static bool address_set(struct sockaddr_un *a, const char *path)
{
	size_t n = strlen(path);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!n || n >= sizeof(a->sun_path))
		return false;
	memcpy(a->sun_path, path, n);
	return true;
}

static int sock_new(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int sock_connect(const char *path, int type, int *out)
{
	_cleanup_(close_fd) int fd = -1;
	struct sockaddr_un a;
	int r;

	if (!address_set(&a, path))
		return -ENAMETOOLONG;
	fd = sock_new(type);
	if (fd < 0)
		return fd;
	do
		r = connect(fd, (struct sockaddr *)&a, sizeof(a));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	*out = fd;
	fd = -1;
	return 0;
}

/* ---- listening ---- */

static int bad(struct buf *err, const char *path, const char *what)
{
	buf_addf(err, "%s: %s", path, what);
	return SOCK_BAD;
}

/* Makes way for a new socket.  Only ECONNREFUSED says that nobody listens;
 * EPROTOTYPE, for one, says that somebody does, with another type. */
static int stale_remove(const char *path, int type, struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return SOCK_GOOD;
		return bad(err, path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return bad(err, path, "exists and is not a socket");
	r = sock_connect(path, type, &fd);
	if (r == -ENOENT)
		return SOCK_GOOD;
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r;
	if (r == -EACCES || r == -EPERM)
		return bad(err, path, "exists and does not let us connect");
	if (r != -ECONNREFUSED)
		return bad(err, path, "another process listens on it");
	if (unlink(path) < 0 && errno != ENOENT)
		return bad(err, path, strerror(errno));
	return SOCK_GOOD;
}

int sock_listen(const char *path, int type, unsigned mode, int *out,
    struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	struct sockaddr_un a;
	mode_t mask;
	int r;

	if (!address_set(&a, path))
		return bad(err, path, "the path is empty or too long");
	r = stale_remove(path, type, err);
	if (r)
		return r;
	fd = sock_new(type);
	if (fd < 0)
		return fd;
	/* Born with its mode: there is no moment at which more may connect,
	 * and a directory's default ACL can only take away from it. */
	mask = umask(~mode & 0777);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
	umask(mask);
	if (r)
		return bad(err, path, strerror(r));
	if (listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		unlink(path);
		return r;
	}
	*out = fd;
	fd = -1;
	return SOCK_GOOD;
}

/* ---- access ---- */

/* linux/posix_acl_xattr.h: entries in order of tag, then id. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entries[5];
};

enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_MASK = 16,
	ACL_OTHER = 32, ACL_READ_WRITE = 6 };

int sock_allow_user(const char *path, uint32_t uid)
{
	const struct acl acl = {
		.version = 2,
		.entries = {
			{ ACL_USER_OBJ, ACL_READ_WRITE, UINT32_MAX },
			{ ACL_USER, ACL_READ_WRITE, uid },
			{ ACL_GROUP_OBJ, 0, UINT32_MAX },
			{ ACL_MASK, ACL_READ_WRITE, UINT32_MAX },
			{ ACL_OTHER, 0, UINT32_MAX },
		},
	};

	return lsetxattr(path, "system.posix_acl_access", &acl, sizeof(acl),
	    0) < 0 ? -errno : 0;
}

/* ---- who is there ---- */

/* The effective uid of a live process; false when it cannot be had. */
static bool process_uid(pid_t pid, uint32_t *uid)
{
	_cleanup_(close_fd) int fd = -1;
	char path[32], text[1024], *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	p = strstr(text, "\nUid:");
	return p && sscanf(p + 5, "%*u %" SCNu32, uid) == 1;
}

/* Before Linux 6.5.  The pid of SO_PEERCRED may have been given to another
 * process between connect() and here.  What the uid tells is refused when it
 * differs; a new process of the same user in place of the old one cannot be
 * told apart, and gains nothing but that user's own rights: only the login
 * session in the record may be another of his.  Reading the status between
 * pidfd_open and poll makes both speak of the same process. */
static int pidfd_guess(const struct peer *peer)
{
	struct pollfd p = { .events = POLLIN };
	uint32_t uid;

	p.fd = (int)syscall(SYS_pidfd_open, peer->pid, 0);
	if (p.fd < 0)
		return -errno;
	if (process_uid(peer->pid, &uid) && uid == peer->uid &&
	    poll(&p, 1, 0) == 0)
		return p.fd;
	close(p.fd);
	return -ESRCH;
}

int peer_get(int fd, struct peer *out)
{
	struct ucred c;
	socklen_t n = sizeof(c);
	int pidfd = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
		return -errno;
	*out = (struct peer){ c.uid, c.gid, c.pid, -1 };
	if (c.pid <= 0) {
		out->pid = 0;
		return 0;
	}
	n = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) == 0) {
		out->pidfd = pidfd;
		return 0;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		return -errno;
	pidfd = pidfd_guess(out);
	if (pidfd == -EMFILE || pidfd == -ENFILE || pidfd == -ENOMEM)
		return pidfd;
	if (pidfd >= 0)
		out->pidfd = pidfd;
	else if (pidfd != -ENOSYS)
		out->pid = 0;
	return 0;
}
