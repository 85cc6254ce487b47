/*
 * load.c: the record of a container, and runc.  The record's directory belongs
 * to dockbrokerd: each step is opened by descriptor and judged by fstat, and
 * what was read is a claim of that daemon's, checked again by guard_read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

static int bad(struct buf *err, const char *what, const char *why)
{
	buf_addf(err, "%s: %s", what, why);
	return LOAD_BAD;
}

/* Root's or the broker's, and nobody else's to write. */
static const char *distrust(const struct stat *st, uint32_t broker)
{
	if (st->st_uid != 0 && st->st_uid != broker)
		return "belongs neither to root nor to dockbrokerd";
	return st->st_mode & 022 ? "is writable for group or others" : NULL;
}

/* By name or number; libproc's has more libraries behind it than we want. */
bool broker_user(const struct config *c, uint32_t *uid, uint32_t *gid)
{
	struct slice name = slice_from(c->broker_user);
	const struct passwd *pw;
	uint64_t n;

	if (slice_number(name, UINT32_MAX - 1, &n)) {
		*uid = *gid = (uint32_t)n;	/* nobody has to have it */
		pw = getpwuid(*uid);
		if (pw)
			*gid = pw->pw_gid;
		return true;
	}
	pw = getpwnam(c->broker_user);
	if (pw) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	return pw != NULL;
}

static int record_open(const struct config *c, const char *id, int *out,
    struct buf *err)
{
	_cleanup_(close_fd) int dir = -1, sub = -1, fd = -1;
	uint32_t broker, gid;
	const char *why;
	struct stat st;

	if (!broker_user(c, &broker, &gid))
		return bad(err, c->broker_user, "no such user");
	dir = open(c->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? LOAD_NONE :
		    bad(err, c->state_dir, strerror(errno));
	sub = openat(dir, "containers", O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (sub < 0 && errno == ENOENT)
		return LOAD_NONE;
	if (sub < 0 || fstat(sub, &st) < 0)
		return bad(err, "the directory of records", strerror(errno));
	if ((why = distrust(&st, broker)))
		return bad(err, "the directory of records", why);
	fd = openat(sub, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return LOAD_NONE;
	if (fd < 0 || fstat(fd, &st) < 0)
		return bad(err, "the record", strerror(errno));
	why = distrust(&st, broker);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		why = "is not a regular file with one name";
	if (why)
		return bad(err, "the record", why);
	*out = fd;
	fd = -1;
	return LOAD_GOOD;
}

/* All of it: a record that is larger than its bound is none. */
static int read_whole(int fd, struct buf *out)
{
	char *room;
	ssize_t n;

	do {
		room = buf_room(out, 4096);
		if (!room)
			return -ENOMEM;
		n = read(fd, room, 4096);
		if (n > 0)
			buf_grew(out, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

int record_load(const struct config *c, const char *id, struct arena *a,
    struct guard_record *out, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_GUARD_RECORD + 4096);
	_cleanup_(buf_free) struct buf path = BUF(PATH_MAX);
	_cleanup_(close_fd) int fd = -1;
	struct slice name = slice_from(id);
	int r;

	if (!guard_path(c->state_dir, name, &path))
		return LOAD_NONE;
	r = record_open(c, id, &fd, err);
	if (r)
		return r;
	r = read_whole(fd, &text);
	if (r < 0)
		return bad(err, "the record", strerror(-r));
	r = guard_read(buf_slice(&text), name, a, out, err);
	if (r < 0)
		return bad(err, "the record", strerror(-r));
	return r == GUARD_GOOD ? LOAD_GOOD : LOAD_BAD;
}

/* A loop would be the end of all containers. */
static bool is_us(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void runc_exec(const char *conf, char **argv, struct buf *err)
{
	static const char *const usual[] = {
		"/usr/local/sbin/runc", "/usr/local/bin/runc", "/usr/sbin/runc",
		"/usr/bin/runc", "/sbin/runc", "/bin/runc"
	};
	char name[] = "runc";
	size_t n = countof(usual);

	argv[0] = name;
	if (!strcmp(conf, "search"))
		for (n = 0; n < countof(usual); n++)
			if (access(usual[n], X_OK) == 0 && !is_us(usual[n]))
				break;
	if (!strcmp(conf, "search"))
		conf = n < countof(usual) ? usual[n] : "/usr/bin/runc";
	if (is_us(conf)) {
		buf_addf(err, "%s is dockbroker-oci itself", conf);
		return;
	}
	execv(conf, argv);
	buf_addf(err, "%s: %s", conf, strerror(errno));
}
