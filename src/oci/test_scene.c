/*
 * test_scene.c: users without accounts on this machine (a private /etc says
 * that they have), and a file system of their own.  Each case runs in a child
 * with a namespace of its own, as in dockbroker-oci; that child is then what
 * the container's root would be.  Needs root.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "oci/test_scene.h"

char top[64], dir_top[80];

void check_failed(const char *what, int line)
{
	fprintf(stderr, "line %d: %s: errno %d\n", line, what, errno);
	_exit(1);
}

/* ---- the scene ---- */

/* Text of top/NAME, for as long as it takes. */
char *at(const char *name)
{
	static char rooms[16][PATH_MAX];
	static unsigned next;
	char *p = rooms[next++ % countof(rooms)];

	snprintf(p, PATH_MAX, "%s/%s", top, name);
	return p;
}

void put(const char *path, const char *text, uid_t uid, gid_t gid,
    mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchown(fd, uid, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

void dir(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	assert_true(!mkdir(path, 0700) || errno == EEXIST);
	assert_int_equal(chown(path, uid, gid), 0);
	assert_int_equal(chmod(path, mode), 0);
}

void link_to(const char *target, const char *path, uid_t uid)
{
	(void)unlink(path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lchown(path, uid, uid), 0);
}

static void etc_make(void)
{
	assert_int_equal(mount("none", "/etc", "tmpfs", 0, "mode=755"), 0);
	put("/etc/nsswitch.conf", "passwd: files\ngroup: files\n", 0, 0, 0644);
	put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"
	    "alice:x:2001:2001::/x:/bin/sh\nbob:x:2002:2002::/x:/bin/sh\n"
	    "gary:x:2003:0::/x:/bin/sh\ntoor:x:0:0::/x:/bin/sh\n", 0, 0, 0644);
	put("/etc/group", "root:x:0:alice\nalice:x:2001:\nbob:x:2002:\n"
	    "team:x:2500:alice,bob\n", 0, 0, 0644);
	put("/etc/subuid", "bob:200000:65536\n", 0, 0, 0644);
	put("/etc/subgid", "bob:200000:65536\n", 0, 0, 0644);
}

static void homes_make(void)
{
	dir(at("home"), 0, 0, 0755);
	dir(at("home/alice"), ALICE, ALICE, 0755);
	dir(at("home/alice/src"), ALICE, ALICE, 0755);
	put(at("home/alice/src/mine"), "mine", ALICE, ALICE, 0600);
	put(at("home/alice/src/foreign"), "bob's", BOB, BOB, 0666);
	put(at("home/alice/src/hidden"), "bob's", BOB, BOB, 0600);
	dir(at("home/alice/src/team"), ALICE, TEAM, 02775);
	dir(at("home/bob"), BOB, BOB, 0700);
	dir(at("home/bob/src"), BOB, BOB, 0755);
	dir(at("secret"), 0, 0, 0700);
	put(at("secret/key"), "key", 0, 0, 0644);
	dir(at("engine"), 0, 0, 0755);
	dir(at("engine/root"), 0, 0, 0755);
	dir(at("open"), 0, 0, 0755);
	put(at("open/text"), "text", 0, 0, 0644);
	dir(dir_top, 0, 0, 0755);
}

/* ---- one container ---- */

struct guard_mount bind_of(const char *source)
{
	return (struct guard_mount){ .kind = GUARD_BIND, .target = SLICE("/x"),
	    .source = slice_from(source), .within = slice_from(at("home/alice")),
	    .uid = ALICE, .user = SLICE("alice") };
}

const struct runs_as as_root = { .uid = 0, .gid = 0 };
bool powerless;

int place(const struct guard_mount *m, size_t n,
    const struct runs_as *as, struct slice *paths, struct buf *err)
{
	static struct arena a;
	struct guard_record r = { .mounts = m, .nmounts = n, .bind_dir =
	    slice_from(dir_top), .powerless = powerless };
	struct slice paths_denied[] = { slice_from(at("secret")),
	    slice_from(at("engine")), SLICE("") };
	struct guard_deny deny = { paths_denied, 3 };
	int e;

	arena_init(&a, 1 << 20);
	e = place_enter(err);
	return e ? e : place_binds(&r, as, &deny, &a, paths, err);
}

/* A case that ended within its child has left no child of its own. */
static _Noreturn void case_run(const struct guard_mount *m, size_t n,
    const struct runs_as *as, look_fn *look, const char *needle)
{
	struct buf err = BUF(16384);
	struct slice paths[BOUND_GUARD_BINDS + 2];
	int r = place(m, n, as, paths, &err);

	if (r != (needle ? GUARD_BAD : GUARD_GOOD) ||
	    (needle && !strstr(buf_text(&err), needle))) {
		fprintf(stderr, "outcome %d: %s\n", r, buf_text(&err));
		_exit(1);
	}
	CHECK(strchr(buf_text(&err), '\n') == NULL);
	CHECK(!needle || err.len);
	if (getenv("PLACE_SAY") && needle)
		fprintf(stderr, "  %s\n", buf_text(&err));
	CHECK(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
	if (look)
		look(paths);
	_exit(0);
}

void run(const struct guard_mount *m, size_t n, const struct runs_as *as,
    look_fn *look, const char *needle)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		case_run(m, n, as, look, needle);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

void good(struct guard_mount m, look_fn *look)
{
	run(&m, 1, &as_root, look, NULL);
}

void refused(struct guard_mount m, const char *needle)
{
	run(&m, 1, &as_root, NULL, needle);
}

/* ---- what the container finds ---- */

const char *in(struct slice path, const char *name)
{
	static char rooms[4][PATH_MAX];
	static unsigned next;
	char *p = rooms[next++ % 4];

	snprintf(p, PATH_MAX, "%.*s/%s", SLICE_ARG(path), name);
	return p;
}

int make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

struct stat look_at(const char *path)
{
	struct stat st;

	CHECK(!lstat(path, &st));
	return st;
}

unsigned long flags_of(struct slice path)
{
	struct statvfs fs;

	CHECK(!statvfs(path.p, &fs));
	return fs.f_flag;
}

void look_mapped(const struct slice *p)
{
	unsigned long f = flags_of(p[0]);
	struct stat st;

	CHECK((f & ST_NOSUID) && (f & ST_NODEV) && !(f & ST_RDONLY));
	CHECK(look_at(in(p[0], "mine")).st_uid == 0);
	CHECK(look_at(in(p[0], "foreign")).st_uid == 65534);
	CHECK(open(in(p[0], "foreign"), O_WRONLY) < 0 && errno == EACCES);
	CHECK(open(in(p[0], "hidden"), O_RDONLY) < 0 && errno == EACCES);
	CHECK(unlink(in(p[0], "foreign")) < 0 && errno == EOVERFLOW);
	CHECK(chown(in(p[0], "mine"), 1, 1) < 0 && errno == EOVERFLOW);
	CHECK(!make(in(p[0], "new")));
	st = look_at(at("home/alice/src/new"));
	CHECK(st.st_uid == ALICE && st.st_gid == ALICE);
	CHECK(!unlink(in(p[0], "new")));
	/* The group is himself, not everybody's root. */
	CHECK(look_at(in(p[0], "team")).st_gid == TEAM);
	CHECK(!make(in(p[0], "team/new")));
	st = look_at(at("home/alice/src/team/new"));
	CHECK(st.st_uid == ALICE && st.st_gid == TEAM);
	CHECK(!unlink(in(p[0], "team/new")));
	/* Made without a name, given one later. */
	int fd = open(p[0].p, O_TMPFILE | O_WRONLY, 04755);
	CHECK(fd >= 0 && !linkat(AT_FDCWD, in(SLICE("/proc/self/fd"),
	    fd == 3 ? "3" : fd == 4 ? "4" : "5"), AT_FDCWD, in(p[0], "tmp"),
	    AT_SYMLINK_FOLLOW));
	CHECK(look_at(at("home/alice/src/tmp")).st_uid == ALICE);
	CHECK(!unlink(in(p[0], "tmp")));
}

/* ---- main ---- */

/* Does this kernel map what is at top? */
static bool mappable(void)
{
	struct bind_user u = { .who = { .uid = ALICE, .gid = ALICE,
	    .name = SLICE("alice") }, .ns = -1 };
	struct mount_attr a = { .attr_set = 0x00100000 };
	struct buf err = BUF(4096);
	int tree = open_tree(AT_FDCWD, top, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	bool good_map = tree >= 0 && !idmap_make(&u, &as_root, &err);

	a.userns_fd = (uint64_t)u.ns;
	good_map = good_map && !mount_setattr(tree, "", AT_EMPTY_PATH, &a,
	    sizeof(a));
	buf_free(&err);
	close(tree);
	close(u.ns);
	return good_map;
}

static int skipped(const char *why)
{
	fprintf(stderr, "skipped: %s\n", why);
	return SKIP;
}

int scene(void)
{
	umask(022);
	if (geteuid())
		return skipped("needs root");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE,
	    NULL))
		return skipped("no mount namespace");
	snprintf(top, sizeof(top), "/var/tmp/dockbroker-place.XXXXXX");
	if (!mkdtemp(top) || chmod(top, 0755))
		return skipped("no directory in /var/tmp");
	snprintf(dir_top, sizeof(dir_top), "%s/mnt", top);
	etc_make();
	/* Before Linux 6.3 a tmpfs is not mapped. */
	if (!mount("none", top, "tmpfs", 0, "mode=755") && !mappable())
		(void)umount(top);
	if (!mappable())
		return skipped("neither tmpfs nor /var/tmp can be mapped");
	homes_make();
	return 0;
}

static int forget(const char *path, const struct stat *st _unused_,
    int type _unused_, struct FTW *f _unused_)
{
	return remove(path);
}

void scene_end(void)
{
	if (*top)
		(void)umount2(top, MNT_DETACH);
	if (*top)
		(void)nftw(top, forget, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
