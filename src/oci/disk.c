/*
 * disk.c: the record of a container, its config.json, the spool of refusals, and
 * runc.  Directories of records and refusals belong to dockbrokerd: each step is
 * opened by descriptor and judged by fstat, nothing is followed or written over,
 * and what was read is a claim of that daemon's, checked again by guard_read.
 * The bundle is root's own directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

#define SPEC_NEW	".config.json.dockbroker"

int dir_count(int fd, int max)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d) {
		n = -errno;
		close_fd(&copy);
		return n;
	}
	errno = 0;
	while (n < max && (e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	n = errno ? -errno : n;
	closedir(d);
	return n;
}

/* A new file NEW becomes NAME. */
static bool file_put(int dir, const char *new, const char *name, mode_t mode,
    const struct buf *text)
{
	_cleanup_(close_fd) int fd = -1;

	fd = openat(dir, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	return fd >= 0 && fchmod(fd, mode) == 0 && buf_ok(text) &&
	    write(fd, text->p, text->len) == (ssize_t)text->len &&
	    renameat(dir, new, dir, name) == 0;
}

/* ---- the record ---- */

static int bad(struct buf *err, const char *what, const char *why)
{
	buf_addf(err, "%s: %s", what, why);
	return LOAD_BAD;
}

/* Root's or the broker's, and nobody else's to write; else why not. */
static const char *distrust(int fd, bool file, uint32_t broker)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return strerror(errno);
	if (file && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
		return "is not a regular file with one name";
	if (st.st_uid != 0 && st.st_uid != broker)
		return "belongs neither to root nor to dockbrokerd";
	return st.st_mode & 022 ? "is writable for group or others" : NULL;
}

static int record_read(const struct config *c, const char *id, struct buf *text,
    struct buf *err)
{
	_cleanup_(close_fd) int dir = -1, sub = -1, fd = -1;
	uint32_t broker, gid;
	const char *why;

	if (user_lookup(c->broker_user, &broker, &gid))
		return bad(err, c->broker_user, "no such user");
	dir = open(c->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? LOAD_NONE :
		    bad(err, c->state_dir, strerror(errno));
	sub = openat(dir, "containers", O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (sub < 0 && errno == ENOENT)
		return LOAD_NONE;
	why = distrust(sub, false, broker);
	if (why)
		return bad(err, "the directory of records", why);
	fd = openat(sub, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return LOAD_NONE;
	why = distrust(fd, true, broker);
	if (why)
		return bad(err, "the record", why);
	return file_read_fd(fd, "the record", text, err) ? LOAD_BAD : LOAD_GOOD;
}

int record_load(const struct config *c, const char *id, struct arena *a,
    struct guard_record *out, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_GUARD_RECORD + 4096);
	_cleanup_(buf_free) struct buf path = BUF(PATH_MAX);
	struct slice name = slice_from(id);
	int r;

	if (!guard_path(c->state_dir, name, &path))
		return LOAD_NONE;
	r = record_read(c, id, &text, err);
	if (r)
		return r;
	r = guard_read(buf_slice(&text), name, a, out, err);
	if (r == GUARD_GOOD)
		return LOAD_GOOD;
	/* What is not believed does not say either whose it is. */
	*out = (struct guard_record){ .uid = UINT32_MAX, .user = SLICE("") };
	return r < 0 ? bad(err, "the record", strerror(-r)) : LOAD_BAD;
}

/* ---- config.json ---- */

int spec_read(const char *bundle, struct arena *a, struct spec *out,
    struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_SPEC);
	char path[PATH_MAX + 16];
	int r;

	snprintf(path, sizeof(path), "%s/config.json", bundle);
	r = file_read(path, false, &text, err);
	if (r)
		return r < 0 ? r : GUARD_BAD;
	return spec_parse(buf_slice(&text), bundle, a, out, err);
}

int spec_replace(const struct spec *s, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_SPEC * 2);
	_cleanup_(close_fd) int dir = -1;

	spec_print(s, &text);
	if (!buf_ok(&text))
		return -ENOMEM;
	dir = open(s->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)unlinkat(dir, SPEC_NEW, 0);
	if (file_put(dir, SPEC_NEW, "config.json", 0600, &text))
		return GUARD_GOOD;
	buf_addf(err, "%s/config.json: %s", s->bundle, strerror(errno));
	return GUARD_BAD;
}

/* ---- a refusal ---- */

/* containerd reads the last error of this file, and tells it to the user. */
static void to_log(const struct args *a, struct slice why, int64_t now)
{
	_cleanup_(buf_free) struct buf line = BUF(65536);
	_cleanup_(close_fd) int fd = -1;

	fd = open(a->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY, 0644);
	refusal_log(&line, why, now, a->json);
	if (fd >= 0 && buf_ok(&line))
		(void)!write(fd, line.p, line.len);
}

static int spool_open(const struct config *c)
{
	_cleanup_(close_fd) int top = -1;
	uint32_t uid, gid;

	top = open(c->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -1;
	if (mkdirat(top, "refused", 0700) == 0 &&
	    (user_lookup(c->broker_user, &uid, &gid) ||
	    fchownat(top, "refused", uid, gid, AT_SYMLINK_NOFOLLOW) < 0))
		return -1;
	return openat(top, "refused", O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
}

/* dockbrokerd turns it into a record. */
static void to_spool(const struct config *c, const char *id,
    const struct guard_record *r, struct slice why, int64_t now)
{
	_cleanup_(buf_free) struct buf text = BUF(65536);
	_cleanup_(close_fd) int dir = spool_open(c);
	char new[64];
	int n = dir < 0 ? -1 : dir_count(dir, BOUND_GUARD_SPOOL);

	if (n < 0 || n == BOUND_GUARD_SPOOL)
		return;
	snprintf(new, sizeof(new), ".%lld-%d", (long long)now, (int)getpid());
	refusal_spool(&text, id, r, why, now);
	/* The directory is the broker's alone, the file is root's: readable. */
	if (!file_put(dir, new, new + 1, 0644, &text))
		(void)unlinkat(dir, new, 0);
}

void report(const struct args *a, const struct config *c,
    const struct guard_record *r, struct slice why)
{
	struct timespec t = { 0 };
	int64_t now;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	log_error("%.*s", SLICE_ARG(why));
	if (a->log)
		to_log(a, why, now);
	if (a->id)
		to_spool(c, a->id, r, why, now);
}

/* ---- runc ---- */

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

	argv[0] = name;
	if (!strcmp(conf, "search")) {
		conf = "/usr/bin/runc";
		for (size_t n = countof(usual); n > 0; n--)
			if (!access(usual[n - 1], X_OK) && !is_us(usual[n - 1]))
				conf = usual[n - 1];
	}
	if (is_us(conf)) {
		buf_addf(err, "%s is dockbroker-oci itself", conf);
		return;
	}
	execv(conf, argv);
	buf_addf(err, "%s: %s", conf, strerror(errno));
}
