/*
 * setup.c: makes and takes away the directory that the Engine has for the
 * source of every bind.  Nobody can put anything into it, root and the Engine
 * neither: so `docker cp' to a bind ends here, and a container that starts past
 * the guard has an empty directory.
 *
 * Run by root, from packaging; the path is the administrator's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/place_int.h"

static int say(struct buf *err, const char *path, const char *what)
{
	buf_addf(err, "%s: %s", path, what);
	return OCI_REFUSED;
}

/* Nothing above it is made: state-dir, where it is as a rule, has to be the
 * broker's, and systemd gives the whole tree to him where it is not. */
static int dir_make(const char *path, struct buf *err)
{
	if (*path != '/' || !path[1])
		return say(err, path, "is not a path that can be made");
	if (!mkdir(path, 0755) || errno == EEXIST)
		return OCI_GOOD;
	return say(err, path, errno == ENOENT ? "its directory does not exist: "
	    "make it first (state-dir: `systemd-tmpfiles --create', or a "
	    "directory 0700 of broker-user)" : strerror(errno));
}

static int flag_set(int fd, bool immutable)
{
	int flags = 0, was;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -errno;
	was = flags;
	flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	if (flags == was)
		return 0;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) ? -errno : 0;
}

static int say_flag(struct buf *err, const char *dir, int e)
{
	if (e == EPERM || e == EACCES)
		return say(err, dir, "cannot be made immutable: this needs root "
		    "with the capability LINUX_IMMUTABLE");
	buf_addf(err, "%s: its file system cannot make it immutable (%s): choose "
	    "a bind-directory on ext4, xfs or btrfs, or mount something empty "
	    "and read-only on it before the Engine starts, as with "
	    "`mount -t tmpfs -o ro,mode=755 none %s'", dir, strerror(e), dir);
	return OCI_REFUSED;
}

int setup_make(const char *bind_dir, struct buf *err)
{
	_cleanup_(buf_free) struct buf ignored = BUF(4096);
	_cleanup_(close_fd) int fd = -1;
	bool empty = false;
	struct stat st;
	int r;

	r = place_check(bind_dir, &ignored);
	if (r <= 0)
		return r;
	r = dir_make(bind_dir, err);
	if (r)
		return r;
	fd = open(bind_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return say(err, bind_dir, strerror(errno));
	if (st.st_uid)
		return say(err, bind_dir, "is not root's: choose another "
		    "bind-directory, or give it to root");
	/* Made under any umask; of another mode it is somebody's. */
	if ((st.st_mode & 0777) != 0755 && fchmod(fd, 0755))
		return say(err, bind_dir, strerror(errno));
	r = dir_empty(fd, &empty);
	if (r)
		return r;
	if (!empty)
		return say(err, bind_dir, "is not empty: choose another "
		    "bind-directory, or empty it");
	r = flag_set(fd, true);
	return r ? say_flag(err, bind_dir, -r) : place_check(bind_dir, err);
}

int setup_undo(const char *bind_dir, struct buf *err)
{
	_cleanup_(close_fd) int fd = -1;
	struct stat st;
	int r;

	fd = open(bind_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? OCI_GOOD :
		    say(err, bind_dir, strerror(errno));
	if (fstat(fd, &st) || st.st_uid)
		return say(err, bind_dir, "is not root's");
	r = flag_set(fd, false);
	if (r && r != -ENOTTY && r != -EOPNOTSUPP && r != -EROFS)
		return say(err, bind_dir, strerror(-r));
	if (!rmdir(bind_dir))
		return OCI_GOOD;
	return say(err, bind_dir, errno == EBUSY ? "something is mounted on it: "
	    "unmount it first" : strerror(errno));
}
