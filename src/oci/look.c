/*
 * look.c: what the machine says about things that a spec names.  /proc and /dev
 * are the host's: nobody but root can have them say something else.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

static bool read_good(const char *path, struct buf *out)
{
	_cleanup_(buf_free) struct buf ignored = BUF(4096);

	return file_read(path, false, out, &ignored) == FILE_GOOD;
}

static bool look_process(uint32_t pid, struct slice container)
{
	_cleanup_(buf_free) struct buf text = BUF(65536);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	return read_good(path, &text) &&
	    memmem(text.p, text.len, container.p, container.n);
}

static bool look_own_network(struct slice path)
{
	struct stat a, b;

	return stat(path.p, &a) == 0 && stat("/proc/self/ns/net", &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A directory stands for what is in it, as for Docker, which does not follow
 * links in there either: users may make some in /dev/shm. */
static bool look_device(struct slice path, char type, int64_t major, int64_t minor)
{
	char name[PATH_MAX], *paths[] = { name, NULL };
	mode_t want = type == 'b' ? S_IFBLK : S_IFCHR;
	bool found = false;
	FTSENT *e;
	FTS *f;

	if (type != 'b' && type != 'c')
		return false;
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
	f = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW |
	    FTS_XDEV | FTS_NOCHDIR, NULL);
	while (f && !found && (e = fts_read(f)))
		found = e->fts_info == FTS_DEFAULT &&
		    (e->fts_statp->st_mode & S_IFMT) == want &&
		    major(e->fts_statp->st_rdev) == major &&
		    minor(e->fts_statp->st_rdev) == minor;
	if (f)
		fts_close(f);
	return found;
}

static bool look_mounted(struct slice path, struct slice dir)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_MOUNTS);

	return read_good("/proc/self/mountinfo", &text) &&
	    mounts_show(buf_slice(&text), path, dir);
}

static bool look_apparmor(void)
{
	_cleanup_(buf_free) struct buf text = BUF(16);

	return access("/sys/kernel/security/apparmor", F_OK) == 0 &&
	    access("/sbin/apparmor_parser", X_OK) == 0 &&
	    read_good("/sys/module/apparmor/parameters/enabled", &text) &&
	    text.len && text.p[0] == 'Y';
}

/* The Engine has made /dev, /proc and /sys in it.  A link to nowhere leads where
 * runc or a mount makes something: it counts as unknown. */
static bool look_leads(struct slice rootfs, struct slice path, struct arena *a,
    struct slice *out)
{
	_cleanup_(close_fd) int root = -1, fd = -1;
	const char *end = path.p + path.n;
	struct slice top, real, rest;
	char name[PATH_MAX];

	root = open(rootfs.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (root >= 0 && path.n < sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
		fd = open_path(root, path.n ? name : "/", 0, RESOLVE_IN_ROOT);
		if (fd >= 0 || errno != ENOENT || !path.n)
			break;
		fd = open_path(root, name, O_NOFOLLOW, RESOLVE_IN_ROOT);
		if (fd >= 0 || errno != ENOENT)
			return false;
		while (path.n && path.p[--path.n] != '/')
			continue;
	}
	rest = (struct slice){ path.p + path.n, (size_t)(end - path.p) - path.n };
	if (fd < 0 || fd_path(root, a, &top) || fd_path(fd, a, &real) ||
	    !guard_within(real, top) || memmem(rest.p, rest.n, "..", 2))
		return false;
	*out = arena_format(a, "%s%.*s", real.p + top.n, SLICE_ARG(rest));
	if (!out->n)
		*out = SLICE("/");
	return out->p != NULL;
}

const struct guard_look look_machine = {
	look_process, look_own_network, look_device, look_mounted, look_apparmor,
	look_leads
};
