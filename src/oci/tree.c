/*
 * tree.c: copies of what was opened, with everything below it: nosuid, nodev,
 * mapped, private.  What cannot be mapped is refused by the kernel for the
 * whole tree, here it only gets its name.
 *
 * Who controls what: which tree, the user; what is mounted in it, root.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP	0x00100000
#endif

/* ns -1: not mapped.  An errno, or 0. */
static int attributes(int tree, const struct pin *p, unsigned flags, int ns)
{
	struct mount_attr a = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};

	if (p->b->m->read_only)
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

static bool below(struct slice path, struct slice top)
{
	return path.n > top.n && guard_within(path, top);
}

/* Names the mount that did not take the map. */
static int name_culprit(const struct pin *p, int e, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_MOUNTS);
	int r, top = try_alone(p->fd, "", p);
	struct statx st = { .stx_mnt_id = 0 };
	struct slice rest;
	struct mount_line l;
	char path[sizeof(l.room) + 1];

	r = file_read("/proc/self/mountinfo", false, &text, err);
	if (r)
		return r < 0 ? r : GUARD_BAD;
	if (statx(p->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st))
		return -errno;
	rest = buf_slice(&text);
	while (mounts_next(&rest, &l)) {
		if (top && l.id == st.stx_mnt_id)
			return unmappable_refuse(p->b->m, l.type, top, err);
		if (top || !below(l.point, p->b->path) ||
		    l.point.n == sizeof(l.room))
			continue;
		memcpy(path, l.point.p, l.point.n);
		path[l.point.n] = '\0';
		if (try_alone(AT_FDCWD, path, p))
			return mounts_refuse(p->b->m, l.point, l.type, err);
	}
	buf_addf(err, "%.*s cannot be mapped to the container's users: %s",
	    SLICE_ARG(p->b->m->source), strerror(e));
	return GUARD_BAD;
}

int tree_clone(const struct pin *p, bool powerless, int *out, struct buf *err)
{
	_cleanup_(close_fd) int tree = -1;
	const struct guard_mount *m = p->b->m;
	struct stat st;
	int r;

	tree = open_tree(p->fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	    AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0)
		return kernel_refuse(m->source, "cannot be bound, not even "
		    "copied", err);
	r = attributes(tree, p, AT_RECURSIVE, p->user->ns);
	if ((r == EINVAL || r == EPERM) && !m->unmapped)
		return name_culprit(p, r, err);
	if (r == EINVAL || r == EPERM) {
		if (fstat(p->fd, &st))
			return -errno;
		r = unmapped_check(m, powerless, st.st_uid, err);
		if (r)
			return r;
		r = attributes(tree, p, AT_RECURSIVE, -1);
	}
	errno = r;
	if (r)
		return kernel_refuse(m->source, "cannot be bound, its flags "
		    "cannot be set", err);
	*out = tree;
	tree = -1;
	return GUARD_GOOD;
}
