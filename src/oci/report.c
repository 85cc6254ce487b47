/*
 * report.c: why a container was not started, for the user (containerd reads
 * the last error of runc's --log file), the operator (stderr) and the auditor
 * (a file that dockbrokerd turns into a record).  The directory of these
 * belongs to dockbrokerd: nothing in it is followed or written over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

static int64_t now_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool put(int fd, struct buf *b)
{
	return buf_ok(b) && write(fd, b->p, b->len) == (ssize_t)b->len;
}

static void to_log(const struct args *a, struct slice why, int64_t now)
{
	_cleanup_(buf_free) struct buf said = BUF(16384), line = BUF(65536);
	_cleanup_(close_fd) int fd = -1;
	char at[TIME_TEXT];

	fd = open(a->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY, 0644);
	if (fd < 0)
		return;
	time_format(at, now);
	buf_addz(&said, "dockbroker: ");
	buf_adds(&said, why);
	if (a->json)
		buf_addz(&line, "{\"level\":\"error\",\"msg\":");
	else
		buf_addf(&line, "time=\"%s\" level=error msg=", at);
	buf_add_json_string(&line, buf_slice(&said));
	if (a->json)
		buf_addf(&line, ",\"time\":\"%s\"}", at);
	buf_addc(&line, '\n');
	(void)put(fd, &line);
}

/* Is there room for one more? */
static bool spool_room(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!d) {
		close_fd(&fd);
		return false;
	}
	while (n < BOUND_GUARD_SPOOL + 2 && readdir(d))	/* "." and ".." */
		n++;
	closedir(d);
	return n < BOUND_GUARD_SPOOL + 2;
}

static int spool_open(const struct config *c)
{
	_cleanup_(close_fd) int top = -1;
	uint32_t uid, gid;
	int fd;

	top = open(c->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -1;
	if (mkdirat(top, "refused", 0700) == 0 &&
	    (!broker_user(c, &uid, &gid) ||
	    fchownat(top, "refused", uid, gid, AT_SYMLINK_NOFOLLOW) < 0))
		return -1;
	fd = openat(top, "refused", O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	return fd;
}

static void to_spool(const struct config *c, const char *id,
    const struct guard_record *r, struct slice why, int64_t now)
{
	_cleanup_(buf_free) struct buf text = BUF(65536);
	_cleanup_(close_fd) int dir = spool_open(c), fd = -1;
	char name[64], tmp[72];

	if (dir < 0 || !spool_room(dir))
		return;
	snprintf(name, sizeof(name), "%lld-%d", (long long)now, (int)getpid());
	snprintf(tmp, sizeof(tmp), ".%s", name);
	buf_addz(&text, "{\"container\":");
	buf_add_json_string(&text, slice_from(id));
	buf_addf(&text, ",\"uid\":%u,\"user\":", r->uid);
	buf_add_json_string(&text, r->user);
	buf_addz(&text, ",\"reason\":");
	buf_add_json_string(&text, why);
	buf_addf(&text, ",\"time\":%lld}\n", (long long)now);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	/* The directory is the broker's alone, the file is root's: readable. */
	if (fd < 0 || fchmod(fd, 0644) < 0 || !put(fd, &text) ||
	    renameat(dir, tmp, dir, name) < 0)
		(void)unlinkat(dir, tmp, 0);
}

void report(const struct args *a, const struct config *c,
    const struct guard_record *r, struct slice why)
{
	int64_t now = now_us();

	log_error("%.*s", SLICE_ARG(why));
	if (a->log)
		to_log(a, why, now);
	if (a->id)
		to_spool(c, a->id, r, why, now);
}
