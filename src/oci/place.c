/*
 * place.c: the mounts of one container, in a mount namespace of our own that
 * ends with the container: nothing of it shows on the host, nothing has to be
 * unmounted, whatever happens to us.
 *
 * Who controls what: bind_dir the administrator; sources, within and uid the
 * record, a claim of the user's.  The helper of open.c opens with his rights;
 * everything that is no matter of his rights is checked here, on what it sent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/place_int.h"

struct place {
	const struct guard_record *r;
	const struct runs_as *as;
	const struct slice *deny;
	size_t ndeny;
	struct arena *a;
	struct pin pins[BOUND_GUARD_BINDS];
	size_t npins;
	struct bind_user *users[BOUND_GUARD_BINDS];	/* in the arena */
	size_t nusers;
	int top;			/* the private tmpfs */
	struct buf *err;
};

/* ---- namespaces and flags ---- */

static int say(struct buf *err, const char *path, const char *what)
{
	int e = errno;

	if (e == ENOMEM || e == EMFILE || e == ENFILE)
		return -e;
	buf_addf(err, "%s: %s: %s", path, what, e == ENOSYS ?
	    "this kernel is too old, Linux 5.12 or later is needed" :
	    strerror(e));
	return OCI_REFUSED;
}

/* A slave, so that what an automounter mounts still comes to us. */
int place_enter(struct buf *err)
{
	if (unshare(CLONE_NEWNS))
		return say(err, "mount namespace", "cannot be made");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return say(err, "/", "cannot be taken out of propagation");
	return OCI_GOOD;
}

int place_nodev(const char *path, struct buf *err)
{
	_cleanup_(close_fd) int tree = -1;
	struct mount_attr a = {
		.attr_set = MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};

	tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	    AT_RECURSIVE);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
	    &a, sizeof(a)))
		return say(err, path, "cannot be made nodev");
	if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH))
		return say(err, path, "cannot be mounted nodev");
	return OCI_GOOD;
}

/* ---- the directory that the Engine knows ---- */

static int bad_dir(struct buf *err, const char *dir, const char *what)
{
	buf_addf(err, "%s: %s: the administrator should run "
	    "`dockbroker-oci setup'", dir, what);
	return OCI_REFUSED;
}

int dir_empty(int fd, bool *empty)
{
	struct dirent *e;
	DIR *d;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		close_fd(&copy);
		return -errno;
	}
	*empty = true;
	errno = 0;
	while (*empty && (e = readdir(d)))
		*empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	copy = errno;
	closedir(d);
	return -copy;
}

int place_check(const char *bind_dir, struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	struct statvfs fs;
	struct stat st;
	bool empty = false;
	int flags = 0, r;

	fd = open(bind_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return -errno;
	if (fd < 0)
		return bad_dir(err, bind_dir, strerror(errno));
	if (fstat(fd, &st) || fstatvfs(fd, &fs))
		return -errno;
	r = dir_empty(fd, &empty);
	if (r)
		return r;
	if (st.st_uid || (st.st_mode & 022))
		return bad_dir(err, bind_dir, "is not root's alone");
	if (!empty)
		return bad_dir(err, bind_dir, "is not empty");
	if (fs.f_flag & ST_RDONLY)
		return OCI_GOOD;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) || !(flags & FS_IMMUTABLE_FL))
		return bad_dir(err, bind_dir, "can be written to");
	return OCI_GOOD;
}

/* ---- who ---- */

static int bad_owner(const struct guard_mount *m, struct buf *err)
{
	buf_addf(err, "%.*s is to be bound for %s, who has no account to open "
	    "it with: use a volume", SLICE_ARG(m->source),
	    m->uid ? "a service" : "root");
	return OCI_REFUSED;
}

static struct bind_user *user_of(struct place *p, const struct guard_mount *m)
{
	struct bind_user *u;

	for (size_t i = 0; i < p->nusers; i++) {
		u = p->users[i];
		if (u->uid == m->uid && slice_equal(u->name, m->user))
			return u;
	}
	u = arena_alloc(p->a, sizeof(*u));
	if (!u)
		return NULL;
	p->users[p->nusers++] = u;
	u->uid = m->uid;
	u->name = m->user;
	u->ns = -1;
	return u;
}

static int pins_set(struct place *p)
{
	struct pin *pin;

	for (size_t i = 0; i < p->r->nmounts; i++) {
		const struct guard_mount *m = &p->r->mounts[i];

		if (m->kind != GUARD_BIND)
			continue;
		if (!m->uid || m->uid == UINT32_MAX)
			return bad_owner(m, p->err);
		if (p->npins == BOUND_GUARD_BINDS) {
			buf_addf(p->err, "more than %d binds",
			    BOUND_GUARD_BINDS);
			return OCI_REFUSED;
		}
		pin = &p->pins[p->npins];
		*pin = (struct pin){ .m = m, .fd = -1, .within = -1 };
		pin->user = user_of(p, m);
		if (!pin->user)
			return -ENOMEM;
		snprintf(pin->name, sizeof(pin->name), "%zu", p->npins++);
	}
	return OCI_GOOD;
}

/* ---- what was opened ---- */

/* Where fd is now; "" when it is nowhere. */
static int fd_path(int fd, char out[PATH_MAX], struct slice *path)
{
	static const char gone[] = " (deleted)";
	char link[64];
	ssize_t n;
	struct slice s;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH_MAX);
	if (n < 0 && errno != ENAMETOOLONG)
		return -errno;
	s = n < 0 || n == PATH_MAX ? SLICE("") :
	    (struct slice){ out, (size_t)n };
	if (s.n >= sizeof(gone) - 1 && !memcmp(s.p + s.n - sizeof(gone) + 1,
	    gone, sizeof(gone) - 1))
		s.n = 0;
	*path = s.n && *s.p == '/' ? s : SLICE("");
	return 0;
}

static int refuse(struct place *p, const struct pin *pin, struct slice real,
    const char *why)
{
	buf_addf(p->err, "%.*s ", SLICE_ARG(pin->m->source));
	if (!slice_equal(pin->m->source, real))
		buf_addf(p->err, "leads to %.*s, which ", SLICE_ARG(real));
	buf_addf(p->err, "%s", why);
	return OCI_REFUSED;
}

static int pin_judge(struct place *p, struct pin *pin)
{
	char room[PATH_MAX], limit[PATH_MAX];
	struct slice real = SLICE(""), within = SLICE("");
	struct stat st;
	int r;

	if (fstat(pin->fd, &st))
		return -errno;
	r = fd_path(pin->fd, room, &real);
	if (!r)
		r = fd_path(pin->within, limit, &within);
	if (r)
		return r;
	pin->dir = S_ISDIR(st.st_mode);
	if (!pin->dir && !S_ISREG(st.st_mode))
		return refuse(p, pin, pin->m->source, "is neither a directory "
		    "nor a regular file: bind the directory that it is in");
	if (!real.n || !within.n || !st.st_nlink)
		return refuse(p, pin, pin->m->source, "was just moved or "
		    "removed: start the container again");
	if (guard_denied(pin->m->source, p->deny, p->ndeny) ||
	    guard_denied(real, p->deny, p->ndeny))
		return refuse(p, pin, real, "nobody may bind: bind a directory "
		    "of your own");
	if (!guard_within(real, within)) {
		r = refuse(p, pin, real, "is not inside ");
		buf_addf(p->err, "%.*s, where the policy permits the bind: bind "
		    "a path that is", SLICE_ARG(pin->m->within));
		return r;
	}
	pin->path = arena_copy(p->a, real);
	return pin->path.p ? OCI_GOOD : -ENOMEM;
}

/* ---- mounts ---- */

static int top_mount(struct place *p, const char *dir)
{
	_cleanup_(close_fd) int at = -1, fs = -1;

	at = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return say(p->err, dir, "cannot be opened");
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "64k", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "source", "dockbroker", 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return say(p->err, dir, "a tmpfs cannot be made");
	p->top = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID |
	    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (p->top < 0 || move_mount(p->top, "", at, "",
	    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return say(p->err, dir, "cannot be mounted over");
	return OCI_GOOD;
}

/* The Engine's path has to lead to what was opened, and to nothing else. */
static int pin_verify(struct place *p, const struct pin *pin, const char *path)
{
	struct stat want, got;

	if (fstat(pin->fd, &want) || stat(path, &got))
		return say(p->err, path, "cannot be read");
	if (want.st_dev == got.st_dev && want.st_ino == got.st_ino)
		return OCI_GOOD;
	buf_addf(p->err, "%s is not where it should be: is its directory "
	    "being moved?", path);
	return OCI_REFUSED;
}

static int pin_mount(struct place *p, struct pin *pin, struct slice *path)
{
	_cleanup_(close_fd) int tree = -1;
	int r;

	r = tree_clone(pin, p->r->powerless && p->as->uid == pin->m->uid &&
	    !p->as->nuids, &tree, p->err);
	if (r)
		return r;
	if (pin->dir ? mkdirat(p->top, pin->name, 0755) :
	    mknodat(p->top, pin->name, S_IFREG | 0644, 0))
		return say(p->err, pin->name, "no place for a bind");
	if (move_mount(tree, "", p->top, pin->name, MOVE_MOUNT_F_EMPTY_PATH))
		return say(p->err, pin->name, "a bind cannot be mounted");
	*path = arena_format(p->a, "%.*s/%s", SLICE_ARG(p->r->bind_dir),
	    pin->name);
	return path->p ? pin_verify(p, pin, path->p) : -ENOMEM;
}

static void place_end(struct place *p)
{
	for (size_t i = 0; i < p->npins; i++) {
		close_fd(&p->pins[i].fd);
		close_fd(&p->pins[i].within);
	}
	for (size_t i = 0; i < p->nusers; i++)
		close_fd(&p->users[i]->ns);
	close_fd(&p->top);
}

static int all_open(struct place *p)
{
	int r = pins_set(p);

	for (size_t i = 0; !r && i < p->nusers; i++)
		r = open_as(p->users[i], p->pins, p->npins, p->err);
	for (size_t i = 0; !r && i < p->npins; i++)
		r = pin_judge(p, &p->pins[i]);
	for (size_t i = 0; !r && i < p->nusers; i++)
		r = idmap_make(p->users[i], p->as, p->err);
	return r;
}

int place_binds(const struct guard_record *r, const struct runs_as *as,
    const struct slice *deny, size_t ndeny, struct arena *a,
    struct slice *paths, struct buf *err)
{
	_cleanup_(place_end) struct place p = { .r = r, .as = as, .deny = deny,
	    .ndeny = ndeny, .a = a, .top = -1, .err = err };
	struct slice dir = arena_copy(a, r->bind_dir), real = SLICE("");
	char room[PATH_MAX];
	size_t next = 0;
	int e;

	memset(paths, 0, r->nmounts * sizeof(*paths));
	if (!dir.p)
		return -ENOMEM;
	e = all_open(&p);
	if (e || !p.npins)
		return e;
	e = top_mount(&p, dir.p);
	for (size_t i = 0; !e && i < r->nmounts; i++)
		if (r->mounts[i].kind == GUARD_BIND)
			e = pin_mount(&p, &p.pins[next++], &paths[i]);
	if (!e)
		e = fd_path(p.top, room, &real);
	return e ? e : tree_check(real, p.pins, p.npins, deny, ndeny, err);
}
