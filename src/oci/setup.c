/*
 * setup.c: makes, checks and takes away the directory that the Engine has for
 * the source of every bind.  Nobody can put anything into it, root and the
 * Engine neither: so `docker cp' to a bind ends here, and a container that
 * starts past the guard has an empty directory.
 *
 * Run by root, from packaging; the path is the administrator's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

static int say(struct buf *err, const char *path, const char *what)
{
	buf_addf(err, "%s: %s", path, what);
	return GUARD_BAD;
}

static int dir_open(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- checking ---- */

static int bad_dir(struct buf *err, const char *dir, const char *what)
{
	buf_addf(err, "%s: %s: the administrator should run "
	    "`dockbroker-oci setup'", dir, what);
	return GUARD_BAD;
}

int setup_check(const char *bind_dir, struct buf *err)
{
	_cleanup_(close_fd) int fd = dir_open(bind_dir);
	struct statvfs fs;
	struct stat st;
	int flags = 0, n;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return -errno;
	if (fd < 0)
		return bad_dir(err, bind_dir, strerror(errno));
	if (fstat(fd, &st) || fstatvfs(fd, &fs))
		return -errno;
	n = dir_count(fd, 1);
	if (n < 0)
		return n;
	if (st.st_uid || (st.st_mode & 022))
		return bad_dir(err, bind_dir, "is not root's alone");
	if (n)
		return bad_dir(err, bind_dir, "is not empty");
	if (fs.f_flag & ST_RDONLY)
		return GUARD_GOOD;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) || !(flags & FS_IMMUTABLE_FL))
		return bad_dir(err, bind_dir, "can be written to");
	return GUARD_GOOD;
}

/* ---- making ---- */

static int flag_set(int fd, bool immutable)
{
	int flags = 0, was;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return errno;
	was = flags;
	flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return flags != was && ioctl(fd, FS_IOC_SETFLAGS, &flags) ? errno : 0;
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
	return GUARD_BAD;
}

int setup_make(const char *bind_dir, struct buf *err)
{
	_cleanup_(buf_free) struct buf ignored = BUF(4096);
	_cleanup_(close_fd) int fd = -1;
	struct stat st;
	int r, n;

	r = setup_check(bind_dir, &ignored);
	if (r <= 0)
		return r;
	if (*bind_dir != '/' || !bind_dir[1])
		return say(err, bind_dir, "is not a path that can be made");
	/* Nothing above it is made: state-dir, where it is as a rule, has to be
	 * the broker's, and systemd gives the whole tree to him where it is not. */
	if (mkdir(bind_dir, 0755) && errno != EEXIST)
		return say(err, bind_dir, errno != ENOENT ? strerror(errno) :
		    "its directory does not exist: make it first (state-dir: "
		    "`systemd-tmpfiles --create', or a directory 0700 of "
		    "broker-user)");
	fd = dir_open(bind_dir);
	if (fd < 0 || fstat(fd, &st))
		return say(err, bind_dir, strerror(errno));
	if (st.st_uid)
		return say(err, bind_dir, "is not root's: choose another "
		    "bind-directory, or give it to root");
	/* Made under any umask; of another mode it is somebody's. */
	if ((st.st_mode & 0777) != 0755 && fchmod(fd, 0755))
		return say(err, bind_dir, strerror(errno));
	n = dir_count(fd, 1);
	if (n < 0)
		return n;
	if (n)
		return say(err, bind_dir, "is not empty: choose another "
		    "bind-directory, or empty it");
	r = flag_set(fd, true);
	return r ? say_flag(err, bind_dir, r) : setup_check(bind_dir, err);
}

int setup_undo(const char *bind_dir, struct buf *err)
{
	_cleanup_(close_fd) int fd = dir_open(bind_dir);
	struct stat st;
	int e;

	if (fd < 0)
		return errno == ENOENT ? GUARD_GOOD :
		    say(err, bind_dir, strerror(errno));
	if (fstat(fd, &st) || st.st_uid)
		return say(err, bind_dir, "is not root's");
	e = flag_set(fd, false);
	if (e && e != ENOTTY && e != EOPNOTSUPP && e != EROFS)
		return say(err, bind_dir, strerror(e));
	if (!rmdir(bind_dir))
		return GUARD_GOOD;
	return say(err, bind_dir, errno == EBUSY ? "something is mounted on it: "
	    "unmount it first" : strerror(errno));
}
