/*
 * look.c: what the machine says about things that a spec names.  /proc and /dev
 * are the host's: nobody but root can have them say something else.
 */
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dockbroker/proc.h"
#include "oci/oci.h"

bool look_process(uint32_t pid, struct slice container)
{
	_cleanup_(buf_free) struct buf text = BUF(65536), err = BUF(256);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	return file_read(path, false, &text, &err) == FILE_GOOD &&
	    memmem(text.p, text.len, container.p, container.n);
}

bool look_own_network(struct slice path)
{
	struct stat a, b;

	return stat(path.p, &a) == 0 && stat("/proc/self/ns/net", &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A directory stands for what is in it, as for Docker, which does not follow
 * links in there either: users may make some in /dev/shm. */
bool look_device(struct slice path, char type, int64_t major, int64_t minor)
{
	char name[PATH_MAX], *paths[] = { name, NULL };
	mode_t want = type == 'b' ? S_IFBLK : type == 'c' ? S_IFCHR : S_IFIFO;
	bool found = false;
	FTSENT *e;
	FTS *f;

	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
	f = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW |
	    FTS_XDEV | FTS_NOCHDIR, NULL);
	while (f && !found && (e = fts_read(f))) {
		if (e->fts_info != FTS_DEFAULT)
			continue;
		found = (e->fts_statp->st_mode & S_IFMT) == want &&
		    want != S_IFIFO && major(e->fts_statp->st_rdev) == major &&
		    minor(e->fts_statp->st_rdev) == minor;
	}
	if (f)
		fts_close(f);
	return found;
}

/* "36 35 98:0 ROOT POINT ...": does ROOT hold dir, above what users name? */
static bool line_mounts(struct slice line, struct slice path, struct slice dir)
{
	struct slice root, point;
	const char *at;

	for (int i = 0; i < 3; i++)
		(void)slice_cut(&line, ' ');
	root = slice_cut(&line, ' ');
	point = slice_cut(&line, ' ');
	if (!slice_equal(point, path))
		return false;
	at = memmem(root.p, root.n, dir.p, dir.n);
	return at && !memmem(root.p, (size_t)(at - root.p), "/_data/", 7) &&
	    (at + dir.n == root.p + root.n || at[dir.n] == '/');
}

bool look_mounted(struct slice path, struct slice dir)
{
	_cleanup_(buf_free) struct buf text = BUF(16UL << 20), err = BUF(256);
	struct slice rest;
	bool found = false;

	if (file_read("/proc/self/mountinfo", false, &text, &err) != FILE_GOOD)
		return false;
	/* The last one is what lies on top. */
	for (rest = buf_slice(&text); rest.n; ) {
		struct slice line = slice_cut(&rest, '\n'), point = line;

		for (int i = 0; i < 4; i++)
			(void)slice_cut(&point, ' ');
		if (slice_equal(slice_cut(&point, ' '), path))
			found = line_mounts(line, path, dir);
	}
	return found;
}

bool look_apparmor(void)
{
	_cleanup_(buf_free) struct buf text = BUF(16), err = BUF(256);

	return access("/sys/kernel/security/apparmor", F_OK) == 0 &&
	    access("/sbin/apparmor_parser", X_OK) == 0 &&
	    file_read("/sys/module/apparmor/parameters/enabled", false, &text,
	    &err) == FILE_GOOD && text.len && text.p[0] == 'Y';
}
