/*
 * place.c: the mounts of one container, in a mount namespace of our own that
 * ends with the container: nothing of it shows on the host, nothing has to be
 * unmounted, whatever happens to us.
 *
 * Who controls what: bind_dir the administrator; sources, within and uid the
 * record, a claim of the user's.  The helper of open.c opens with his rights;
 * everything that is no matter of his rights is checked here, on what it sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

struct place {
	const struct guard_record *r;
	const struct runs_as *as;
	const struct guard_deny *deny;
	struct arena *a;
	struct pin pins[BOUND_GUARD_BINDS];
	struct guard_bound bounds[BOUND_GUARD_BINDS];	/* of the pins */
	size_t npins;
	struct bind_user *users[BOUND_GUARD_BINDS];	/* in the arena */
	size_t nusers;
	int top;			/* the private tmpfs */
	struct buf *err;
};

/* ---- namespaces and flags ---- */

int kernel_refuse(struct slice path, const char *what, struct buf *err)
{
	int e = errno;

	if (e == ENOMEM || e == EMFILE || e == ENFILE)
		return -e;
	buf_addf(err, "%.*s: %s: %s", SLICE_ARG(path), what, e == ENOSYS ?
	    "this kernel is too old, Linux 5.12 or later is needed" :
	    strerror(e));
	return GUARD_BAD;
}

static int say(const char *path, const char *what, struct buf *err)
{
	return kernel_refuse(slice_from(path), what, err);
}

/* A slave, so that what an automounter mounts still comes to us. */
int place_enter(struct buf *err)
{
	if (unshare(CLONE_NEWNS))
		return say("mount namespace", "cannot be made", err);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return say("/", "cannot be taken out of propagation", err);
	return GUARD_GOOD;
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
		return say(path, "cannot be made nodev", err);
	if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH))
		return say(path, "cannot be mounted nodev", err);
	return GUARD_GOOD;
}

/* ---- who ---- */

static struct bind_user *user_of(struct place *p, const struct guard_mount *m)
{
	struct bind_user *u;

	for (size_t i = 0; i < p->nusers; i++) {
		u = p->users[i];
		if (u->who.uid == m->uid && slice_equal(u->who.name, m->user))
			return u;
	}
	u = arena_alloc(p->a, sizeof(*u));
	if (!u)
		return NULL;
	p->users[p->nusers++] = u;
	u->who.uid = m->uid;
	u->who.name = m->user;
	u->ns = -1;
	return u;
}

static int pin_add(struct place *p, const struct guard_mount *m)
{
	struct pin *pin = &p->pins[p->npins];

	if (!m->uid || m->uid == UINT32_MAX) {
		buf_addf(p->err, "%.*s is to be bound for %s, who has no account "
		    "to open it with: use a volume", SLICE_ARG(m->source),
		    m->uid ? "a service" : "root");
		return GUARD_BAD;
	}
	if (p->npins == BOUND_GUARD_BINDS) {
		buf_addf(p->err, "more than %d binds", BOUND_GUARD_BINDS);
		return GUARD_BAD;
	}
	*pin = (struct pin){ .b = &p->bounds[p->npins], .fd = -1, .within = -1 };
	pin->b->m = m;
	snprintf(pin->name, sizeof(pin->name), "%zu", p->npins++);
	pin->user = user_of(p, m);
	return pin->user ? GUARD_GOOD : -ENOMEM;
}

/* ---- what was opened ---- */

int fd_path(int fd, struct arena *a, struct slice *path)
{
	const struct slice gone = SLICE(" (deleted)");
	char link[64], room[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, room, sizeof(room));
	if (n < 0 && errno != ENAMETOOLONG)
		return -errno;
	*path = SLICE("");
	if (n < 1 || n == sizeof(room) || *room != '/' ||
	    ((size_t)n >= gone.n && !memcmp(room + n - gone.n, gone.p, gone.n)))
		return 0;
	*path = arena_copy(a, (struct slice){ room, (size_t)n });
	return path->p ? 0 : -ENOMEM;
}

static int pin_judge(struct place *p, struct pin *pin)
{
	struct stat st;
	int r;

	if (fstat(pin->fd, &st))
		return -errno;
	pin->dir = S_ISDIR(st.st_mode);
	pin->b->plain = pin->dir || S_ISREG(st.st_mode);
	pin->b->path = SLICE("");
	r = st.st_nlink ? fd_path(pin->fd, p->a, &pin->b->path) : 0;
	if (!r)
		r = fd_path(pin->within, p->a, &pin->b->within);
	return r ? r : bound_check(pin->b, p->deny, p->err);
}

/* ---- mounts ---- */

static int top_mount(struct place *p, const char *dir)
{
	_cleanup_(close_fd) int at = -1, fs = -1;

	at = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return say(dir, "cannot be opened", p->err);
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "64k", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "source", "dockbroker", 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return say(dir, "a tmpfs cannot be made", p->err);
	p->top = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID |
	    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (p->top < 0 || move_mount(p->top, "", at, "",
	    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return say(dir, "cannot be mounted over", p->err);
	return GUARD_GOOD;
}

/* The Engine's path has to lead to what was opened, and to nothing else. */
static int pin_verify(struct place *p, const struct pin *pin, const char *path)
{
	struct stat want, got;

	if (fstat(pin->fd, &want) || stat(path, &got))
		return say(path, "cannot be read", p->err);
	if (want.st_dev == got.st_dev && want.st_ino == got.st_ino)
		return GUARD_GOOD;
	buf_addf(p->err, "%s is not where it should be: is its directory "
	    "being moved?", path);
	return GUARD_BAD;
}

static int pin_mount(struct place *p, struct pin *pin, struct slice *path)
{
	_cleanup_(close_fd) int tree = -1;
	int r;

	r = tree_clone(pin, p->r->powerless && p->as->uid == pin->b->m->uid &&
	    !p->as->nuids, &tree, p->err);
	if (r)
		return r;
	if (pin->dir ? mkdirat(p->top, pin->name, 0755) :
	    mknodat(p->top, pin->name, S_IFREG | 0644, 0))
		return say(pin->name, "no place for a bind", p->err);
	if (move_mount(tree, "", p->top, pin->name, MOVE_MOUNT_F_EMPTY_PATH))
		return say(pin->name, "a bind cannot be mounted", p->err);
	*path = arena_format(p->a, "%.*s/%s", SLICE_ARG(p->r->bind_dir),
	    pin->name);
	return path->p ? pin_verify(p, pin, path->p) : -ENOMEM;
}

/* ---- all of it ---- */

/* When all copies are in place the mount table says what really came along: no
 * race is left then, since the copies are ours alone. */
static int all_check(struct place *p)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_MOUNTS);
	struct slice at;
	int r;

	r = fd_path(p->top, p->a, &at);
	if (!r)
		r = file_read("/proc/self/mountinfo", false, &text, p->err);
	if (r)
		return r < 0 ? r : GUARD_BAD;
	return mounts_check(buf_slice(&text), at, p->bounds, p->npins, p->deny,
	    p->err);
}

static int all_open(struct place *p)
{
	int r = GUARD_GOOD;

	for (size_t i = 0; !r && i < p->r->nmounts; i++)
		if (p->r->mounts[i].kind == GUARD_BIND)
			r = pin_add(p, &p->r->mounts[i]);
	for (size_t i = 0; !r && i < p->nusers; i++)
		r = open_as(p->users[i], p->pins, p->npins, p->err);
	for (size_t i = 0; !r && i < p->npins; i++)
		r = pin_judge(p, &p->pins[i]);
	for (size_t i = 0; !r && i < p->nusers; i++)
		r = idmap_make(p->users[i], p->as, p->err);
	return r;
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

int place_binds(const struct guard_record *r, const struct runs_as *as,
    const struct guard_deny *deny, struct arena *a, struct slice *paths,
    struct buf *err)
{
	_cleanup_(place_end) struct place p = { .r = r, .as = as, .deny = deny,
	    .a = a, .top = -1, .err = err };
	struct slice dir = arena_copy(a, r->bind_dir);
	int e;

	memset(paths, 0, r->nmounts * sizeof(*paths));
	if (!dir.p)
		return -ENOMEM;
	e = all_open(&p);
	if (e || !p.npins)
		return e;
	e = top_mount(&p, dir.p);
	for (size_t i = 0; !e && i < p.npins; i++)
		e = pin_mount(&p, &p.pins[i], &paths[p.bounds[i].m - r->mounts]);
	return e ? e : all_check(&p);
}
