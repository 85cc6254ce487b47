/*
 * open_path.c: from two paths to two descriptors.  Runs as the user whose paths
 * they are: what he may not see is not seen here, and what is made is his.
 *
 * Who controls what: the policy's path (within) and its upper directories are
 * the administrator's, whatever is below a directory of the user is the user's,
 * and may be exchanged at any time.  So nothing is looked at twice, and links
 * on the way of `within' count only where nobody but root can have put them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

#define LINKS	40	/* on one way: the kernel's number */

/* O_DIRECTORY first: an automounter mounts for that only. */
int open_path(int dir, const char *path, unsigned flags,
    uint64_t resolve)
{
	struct open_how how = { .resolve = resolve | RESOLVE_NO_MAGICLINKS };
	int fd = -1;

	for (int i = 0; i < 64; i++) {
		how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC | flags;
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd < 0 && errno == ENOTDIR) {
			how.flags &= ~(uint64_t)O_DIRECTORY;
			fd = (int)syscall(SYS_openat2, dir, path, &how,
			    sizeof(how));
		}
		/* Something was renamed or mounted meanwhile, anywhere. */
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

/* ---- what the policy names ---- */

/* Can only root have put a link there, and can only root take it away? */
static bool link_good(int dir, const struct stat *link)
{
	struct stat st;

	return !link->st_uid && !fstat(dir, &st) && !st.st_uid &&
	    (!(st.st_mode & 022) || (st.st_mode & S_ISVTX));
}

/* What the link at fd says stands before *rest, in room. */
static int link_read(int fd, const char **rest, char room[PATH_MAX])
{
	char joined[PATH_MAX];
	ssize_t n = readlinkat(fd, "", joined, sizeof(joined) - 1);
	size_t more = strlen(*rest);

	if (n < 0)
		return errno;
	if ((size_t)n + 1 + more >= sizeof(joined))
		return ENAMETOOLONG;
	joined[n] = '/';
	memcpy(joined + n + 1, *rest, more + 1);
	memcpy(room, joined, (size_t)n + more + 2);
	*rest = room;
	return 0;
}

/* The next component of *rest; the directory is exchanged for it. */
static int within_step(int *dir, const char **rest, char room[PATH_MAX],
    unsigned *links, struct opened *o)
{
	_cleanup_(close_fd) int next = -1;
	char name[NAME_MAX + 1];
	size_t n = strcspn(*rest, "/");
	struct stat st;
	int e;

	if (n > NAME_MAX)
		return ENAMETOOLONG;
	memcpy(name, *rest, n);
	name[n] = '\0';
	*rest += n + strspn(*rest + n, "/");
	next = open_path(*dir, name, O_NOFOLLOW, 0);
	if (next < 0 || fstat(next, &st))
		return errno;
	if (S_ISLNK(st.st_mode)) {
		o->step = link_good(*dir, &st) ? OPEN_WITHIN : OPEN_LINK;
		if (o->step == OPEN_LINK || ++*links > LINKS)
			return ELOOP;
		e = link_read(next, rest, room);
		if (e || **rest != '/')
			return e;
		close_fd(&next);
		*rest += strspn(*rest, "/");
		next = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return errno;
	}
	close_fd(dir);
	*dir = next;
	next = -1;
	return 0;
}

/* path or, without it, what stands before its last component. */
static int open_within(const char *path, struct opened *o)
{
	const char *rest = path + strspn(path, "/");
	char room[PATH_MAX];
	unsigned links = 0;
	int dir;

	o->step = OPEN_WITHIN;
	o->error = 0;
	dir = open_path(AT_FDCWD, path, 0, RESOLVE_NO_SYMLINKS);
	if (dir >= 0 || errno != ELOOP) {
		o->error = dir < 0 ? errno : 0;
		return dir;
	}
	dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (dir >= 0 && *rest && !o->error)
		o->error = within_step(&dir, &rest, room, &links, o);
	if (o->error)
		close_fd(&dir);
	return dir;
}

/* ---- making what is missing ---- */

/* Below dir and without leaving it, one component at a time; the last one is
 * returned. */
static int make_below(int dir, const char *rest)
{
	_cleanup_(close_fd) int at = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	char part[PATH_MAX];
	int fd = -1;

	for (size_t n = 0; at >= 0 && rest[n];) {
		size_t start = n + strspn(rest + n, "/");

		n = start + strcspn(rest + start, "/");
		memcpy(part, rest, n);
		part[n] = '\0';
		fd = open_path(dir, part, O_DIRECTORY, RESOLVE_BENEATH);
		if (fd < 0 && errno == ENOENT) {
			if (mkdirat(at, part + start, 0755) && errno != EEXIST)
				return -1;
			fd = open_path(dir, part, O_DIRECTORY, RESOLVE_BENEATH);
		}
		close_fd(&at);
		at = fd;
	}
	fd = at;
	at = -1;
	return fd;
}

/* The policy's own directory, where its parent is there. */
static void make_within(char *path, struct opened *o)
{
	_cleanup_(close_fd) int parent = -1;
	char *last = strrchr(path, '/');

	if (!last[1])
		return;
	*last = '\0';
	parent = open_within(*path ? path : "/", o);
	*last = '/';
	if (parent < 0)
		return;
	o->within = make_below(parent, last + 1);
	o->error = o->within < 0 ? errno : 0;
	o->step = OPEN_MAKE;
}

/* ---- all of it ---- */

static bool path_text(char out[PATH_MAX], struct slice path)
{
	if (path.n < 1 || path.n >= PATH_MAX || path.p[0] != '/' ||
	    memchr(path.p, '\0', path.n))
		return false;
	memcpy(out, path.p, path.n);
	out[path.n] = '\0';
	return true;
}

static void judge(struct opened *o)
{
	struct stat st;
	int need;

	o->step = OPEN_KIND;
	o->error = fstat(o->fd, &st) ? errno : 0;
	if (o->error)
		return;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		o->error = EINVAL;
		return;
	}
	/* O_PATH needs no right to the thing itself. */
	need = S_ISDIR(st.st_mode) ? R_OK | X_OK : R_OK;
	o->step = OPEN_READ;
	o->error = faccessat(o->fd, "", need, AT_EMPTY_PATH | AT_EACCESS) ?
	    errno : 0;
	if (!o->error)
		o->step = OPEN_DONE;
}

void open_source(const struct guard_mount *m, struct opened *o)
{
	char source[PATH_MAX], within[PATH_MAX];
	bool inside = guard_within(m->source, m->within);
	const char *below = source + m->within.n;

	*o = (struct opened){ .step = OPEN_SOURCE, .error = ENAMETOOLONG,
	    .fd = -1, .within = -1 };
	if (!path_text(source, m->source) || !path_text(within, m->within))
		return;
	o->within = open_within(within, o);
	if (o->within < 0 && o->error == ENOENT && m->make && inside)
		make_within(within, o);
	if (o->within < 0)
		return;
	o->step = OPEN_SOURCE;
	o->fd = open_path(AT_FDCWD, source, 0, 0);
	o->error = o->fd < 0 ? errno : 0;
	if (o->fd < 0 && o->error == ENOENT && m->make && inside) {
		o->step = OPEN_MAKE;
		o->fd = make_below(o->within, below + strspn(below, "/"));
		o->error = o->fd < 0 ? errno : 0;
	}
	if (o->fd >= 0)
		judge(o);
}
