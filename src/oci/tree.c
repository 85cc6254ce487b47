/*
 * tree.c: copies of what was opened, with everything below it: nosuid, nodev,
 * mapped, private.  What cannot be mapped is refused by the kernel for the
 * whole tree, here it only gets its name.  When all copies are in place the
 * mount table says what really came along (tree_check): no race is left then,
 * since the copies are ours alone.
 *
 * Who controls what: which tree, the user; what is mounted in it, root.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/place_int.h"

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP	0x00100000
#endif

/* One line of /proc/self/mountinfo. */
struct mount_line {
	uint64_t id;
	struct slice point;		/* unescaped */
	struct slice type;
	bool unbindable;
	char room[PATH_MAX];
};

/* File systems through which the kernel is told things, and those whose files
 * stand for something else. */
static const char *const pseudo[] = {
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs",
	"debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "mqueue",
	"nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs",
	"sysfs", "tracefs"
};

/* ---- the mount table ---- */

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static struct slice unescape(struct slice s, char room[PATH_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < PATH_MAX; i++) {
		if (s.p[i] == '\\' && i + 3 < s.n) {
			room[n++] = (char)((s.p[i + 1] - '0') << 6 |
			    (s.p[i + 2] - '0') << 3 | (s.p[i + 3] - '0'));
			i += 3;
		} else {
			room[n++] = s.p[i];
		}
	}
	return (struct slice){ room, n };
}

/* id parent major:minor root point options [optional...] - type source ... */
static bool line_next(struct slice *text, struct mount_line *l)
{
	struct slice line, word;

	if (!text->n)
		return false;
	line = slice_cut(text, '\n');
	if (!slice_number(slice_cut(&line, ' '), UINT64_MAX, &l->id))
		l->id = 0;
	for (int i = 0; i < 3; i++)
		(void)slice_cut(&line, ' ');
	l->point = unescape(slice_cut(&line, ' '), l->room);
	l->unbindable = false;
	do {
		word = slice_cut(&line, ' ');
		if (slice_is(word, "unbindable"))
			l->unbindable = true;
	} while (line.n && !slice_is(word, "-"));
	l->type = slice_cut(&line, ' ');
	return true;
}

static int mounts_read(struct buf *out, struct buf *err)
{
	int r;

	r = file_read("/proc/self/mountinfo", false, out, err);
	return r <= 0 ? r : OCI_REFUSED;
}

static bool below(struct slice path, struct slice top)
{
	return path.n > top.n && guard_within(path, top);
}

static bool is_pseudo(struct slice type)
{
	for (size_t i = 0; i < countof(pseudo); i++)
		if (slice_is(type, pseudo[i]))
			return true;
	return false;
}

/* ---- one copy ---- */

static int attributes(int tree, const struct pin *p, unsigned flags, int ns)
{
	struct mount_attr a = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};

	if (p->m->read_only)
		a.attr_set |= MOUNT_ATTR_RDONLY;
	if (ns >= 0) {
		a.attr_set |= MOUNT_ATTR_IDMAP;
		a.userns_fd = (uint64_t)ns;
	}
	return mount_setattr(tree, "", AT_EMPTY_PATH | flags, &a, sizeof(a)) ?
	    errno : 0;
}

/* Would the one mount at this place take the map?  An errno, or 0. */
static int try_alone(int dir, const char *path, const struct pin *p)
{
	_cleanup_(close_fd) int tree = -1;

	tree = open_tree(dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	    (*path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH));
	return tree < 0 ? errno : attributes(tree, p, 0, p->user->ns);
}

static int say_inner(const struct pin *p, struct slice point, struct slice type,
    struct buf *err)
{
	buf_addf(err, "%.*s has %.*s mounted at %.*s, which cannot be bound for "
	    "a user: bind a directory beside it", SLICE_ARG(p->m->source),
	    SLICE_ARG(type), SLICE_ARG(point));
	return OCI_REFUSED;
}

static int say_unmappable(const struct pin *p, struct slice type, int e,
    struct buf *err)
{
	buf_addf(err, "%.*s is on %.*s, which %s: use a directory on ext4, xfs "
	    "or btrfs, or ask the administrator for a bind line with the word "
	    "unmapped", SLICE_ARG(p->m->source), SLICE_ARG(type), e == EPERM ?
	    "is mapped already, as systemd-homed does, and is not mapped twice" :
	    "this kernel cannot map to the container's users");
	return OCI_REFUSED;
}

/* Names the mount that did not take the map. */
static int name_culprit(const struct pin *p, int e, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_MOUNTS);
	int top = try_alone(p->fd, "", p);
	struct statx st = { .stx_mnt_id = 0 };
	struct slice rest;
	struct mount_line l;
	char path[PATH_MAX];
	int r;

	r = mounts_read(&text, err);
	if (r)
		return r;
	if (statx(p->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st))
		return -errno;
	rest = buf_slice(&text);
	while (line_next(&rest, &l)) {
		if (top ? l.id != st.stx_mnt_id : !below(l.point, p->path))
			continue;
		if (l.point.n >= sizeof(path))
			continue;
		memcpy(path, l.point.p, l.point.n);
		path[l.point.n] = '\0';
		if (!top && !try_alone(AT_FDCWD, path, p))
			continue;
		return top ? say_unmappable(p, l.type, top, err) :
		    say_inner(p, l.point, l.type, err);
	}
	buf_addf(err, "%.*s cannot be mapped to the container's users: %s",
	    SLICE_ARG(p->m->source), strerror(e));
	return OCI_REFUSED;
}

/* Without a map the container's processes are the caller himself, and nothing
 * is in the way but the kernel's ordinary rules. */
static int unmapped_good(const struct pin *p, bool powerless, struct buf *err)
{
	struct stat st;

	if (fstat(p->fd, &st))
		return -errno;
	if (powerless && st.st_uid == p->m->uid)
		return OCI_GOOD;
	buf_addf(err, powerless ? "%.*s cannot be mapped, and without a map only "
	    "what belongs to %.*s himself is bound: bind a directory of his" :
	    "%.*s cannot be mapped, and this container does not run as %.*s: "
	    "make it anew without --user, and not with userns-remap",
	    SLICE_ARG(p->m->source), SLICE_ARG(p->user->name));
	return OCI_REFUSED;
}

static int say_kernel(const struct pin *p, const char *what, int e,
    struct buf *err)
{
	if (e == ENOMEM || e == EMFILE || e == ENFILE)
		return -e;
	if (e == ENOSYS)
		buf_addf(err, "%.*s cannot be bound: this kernel has no "
		    "id-mapped mounts, Linux 5.12 or later is needed",
		    SLICE_ARG(p->m->source));
	else
		buf_addf(err, "%.*s cannot be bound: %s: %s",
		    SLICE_ARG(p->m->source), what, strerror(e));
	return OCI_REFUSED;
}

int tree_clone(const struct pin *p, bool powerless, int *out, struct buf *err)
{
	_cleanup_(close_fd) int tree = -1;
	int e, r;

	tree = open_tree(p->fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	    AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0)
		return say_kernel(p, "it cannot be copied", errno, err);
	e = attributes(tree, p, AT_RECURSIVE, p->user->ns);
	if ((e == EINVAL || e == EPERM) && p->m->unmapped) {
		r = unmapped_good(p, powerless, err);
		if (r)
			return r;
		e = attributes(tree, p, AT_RECURSIVE, -1);
	} else if (e == EINVAL || e == EPERM) {
		return name_culprit(p, e, err);
	}
	if (e)
		return say_kernel(p, "its flags cannot be set", e, err);
	*out = tree;
	tree = -1;
	return OCI_GOOD;
}

/* ---- all copies ---- */

/* A mount in p's copy; rest is where, below it.  Told with the path that the
 * user knows. */
static int copied_good(const struct mount_line *l, struct slice rest,
    const struct pin *p, const struct slice *deny, size_t ndeny,
    struct buf *err)
{
	_cleanup_(buf_free) struct buf at = BUF(2 * PATH_MAX);

	/* "/" and what is below it would have two. */
	buf_add(&at, p->path.p, p->path.n - (rest.n && p->path.n == 1));
	buf_adds(&at, rest);
	if (!buf_ok(&at))
		return -ENOMEM;
	if (!is_pseudo(l->type) && !guard_denied(buf_slice(&at), deny, ndeny))
		return OCI_GOOD;
	return say_inner(p, buf_slice(&at), l->type, err);
}

static int line_good(const struct mount_line *l, struct slice bind_dir,
    const struct pin *pins, size_t n, const struct slice *deny, size_t ndeny,
    struct buf *err)
{
	struct slice rest = l->point, name;
	uint64_t i;

	if (below(l->point, bind_dir)) {
		rest.p += bind_dir.n + 1;
		rest.n -= bind_dir.n + 1;
		name = rest;
		name = slice_cut(&name, '/');
		rest.p += name.n;
		rest.n -= name.n;
		return slice_number(name, n - 1, &i) ?
		    copied_good(l, rest, &pins[i], deny, ndeny, err) :
		    OCI_GOOD;
	}
	/* Is left out of copies: what it hides would show. */
	for (i = 0; l->unbindable && i < n; i++)
		if (below(l->point, pins[i].path))
			return say_inner(&pins[i], l->point, l->type, err);
	return OCI_GOOD;
}

int tree_check(struct slice at, const struct pin *pins, size_t n,
    const struct slice *deny, size_t ndeny, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_MOUNTS);
	struct mount_line l;
	struct slice rest;
	size_t found = 0;
	int r;

	r = mounts_read(&text, err);
	rest = buf_slice(&text);
	while (!r && line_next(&rest, &l)) {
		r = line_good(&l, at, pins, n, deny, ndeny, err);
		found += below(l.point, at);
	}
	if (r || found >= n)
		return r;
	buf_addf(err, "%.*s: binds are missing in the table of mounts",
	    SLICE_ARG(at));
	return OCI_REFUSED;
}
