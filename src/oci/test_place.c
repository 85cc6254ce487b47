/*
 * test_place.c: binds of users without accounts on this machine (a private /etc
 * says that they have), on a file system of their own, as root.  Each case
 * runs in a child with a namespace of its own, as in dockbroker-oci; that
 * child is then what the container's root would be.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
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

#include "oci/place_int.h"

#define ALICE	2001
#define BOB	2002
#define TEAM	2500
#define SKIP	77
#define CHECK(x)	do { if (!(x)) check_failed(#x, __LINE__); } while (0)

static char top[64];		/* the file system; alice's home is top/home/alice */
static char dir_top[80];

static void check_failed(const char *what, int line)
{
	fprintf(stderr, "line %d: %s: errno %d\n", line, what, errno);
	_exit(1);
}

/* ---- the scene ---- */

/* Text of top/NAME, for as long as it takes. */
static char *at(const char *name)
{
	static char rooms[16][PATH_MAX];
	static unsigned next;
	char *p = rooms[next++ % countof(rooms)];

	snprintf(p, PATH_MAX, "%s/%s", top, name);
	return p;
}

static void put(const char *path, const char *text, uid_t uid, gid_t gid,
    mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchown(fd, uid, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void dir(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	assert_true(!mkdir(path, 0700) || errno == EEXIST);
	assert_int_equal(chown(path, uid, gid), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void link_to(const char *target, const char *path, uid_t uid)
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

static struct guard_mount bind_of(const char *source)
{
	return (struct guard_mount){ .kind = GUARD_BIND, .target = SLICE("/x"),
	    .source = slice_from(source), .within = slice_from(at("home/alice")),
	    .uid = ALICE, .user = SLICE("alice") };
}

static const struct runs_as as_root = { .uid = 0, .gid = 0 };
static bool powerless;

static int place(const struct guard_mount *m, size_t n,
    const struct runs_as *as, struct slice *paths, struct buf *err)
{
	static struct arena a;
	struct guard_record r = { .mounts = m, .nmounts = n, .bind_dir =
	    slice_from(dir_top), .powerless = powerless };
	struct slice deny[] = { slice_from(at("secret")),
	    slice_from(at("engine")), SLICE("") };
	int e;

	arena_init(&a, 1 << 20);
	e = place_enter(err);
	return e ? e : place_binds(&r, as, deny, 3, &a, paths, err);
}

typedef void look_fn(const struct slice *paths);

/* A case that ended within its child has left no child of its own. */
static _Noreturn void case_run(const struct guard_mount *m, size_t n,
    const struct runs_as *as, look_fn *look, const char *needle)
{
	struct buf err = BUF(16384);
	struct slice paths[BOUND_GUARD_BINDS + 2];
	int r = place(m, n, as, paths, &err);

	if (r != (needle ? OCI_REFUSED : OCI_GOOD) ||
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

static void run(const struct guard_mount *m, size_t n, const struct runs_as *as,
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

static void good(struct guard_mount m, look_fn *look)
{
	run(&m, 1, &as_root, look, NULL);
}

static void refused(struct guard_mount m, const char *needle)
{
	run(&m, 1, &as_root, NULL, needle);
}

/* ---- what the container finds ---- */

static const char *in(struct slice path, const char *name)
{
	static char rooms[4][PATH_MAX];
	static unsigned next;
	char *p = rooms[next++ % 4];

	snprintf(p, PATH_MAX, "%.*s/%s", SLICE_ARG(path), name);
	return p;
}

static int make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static struct stat look_at(const char *path)
{
	struct stat st;

	CHECK(!lstat(path, &st));
	return st;
}

static unsigned long flags_of(struct slice path)
{
	struct statvfs fs;

	CHECK(!statvfs(path.p, &fs));
	return fs.f_flag;
}

static void look_mapped(const struct slice *p)
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

static void test_mapped(void **state _unused_)
{
	good(bind_of(at("home/alice/src")), look_mapped);
	/* Nothing is left on the host. */
	assert_true(!rmdir(dir_top) && !mkdir(dir_top, 0755));
}

static void look_read_only(const struct slice *p)
{
	CHECK(flags_of(p[0]) & ST_RDONLY);
	CHECK(make(in(p[0], "new")) == EROFS);
	CHECK(make(in(p[0], "sub/new")) == EROFS);
}

static void test_read_only(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/ro"));

	dir(at("home/alice/ro"), ALICE, ALICE, 0755);
	dir(at("home/alice/ro/sub"), ALICE, ALICE, 0755);
	assert_int_equal(mount(at("home/alice/src"), at("home/alice/ro/sub"),
	    NULL, MS_BIND, NULL), 0);
	m.read_only = true;
	good(m, look_read_only);
	assert_int_equal(umount(at("home/alice/ro/sub")), 0);
}

static void look_two(const struct slice *p)
{
	struct stat st;

	CHECK(!p[1].p && p[0].p && p[2].p);
	CHECK(!make(in(p[0], "two")) && !make(in(p[2], "two")));
	st = look_at(at("home/alice/src/two"));
	CHECK(st.st_uid == ALICE && !unlink(in(p[0], "two")));
	st = look_at(at("home/bob/src/two"));
	CHECK(st.st_uid == BOB && st.st_gid == BOB);
	/* Bob has subordinate ids. */
	CHECK(!chown(in(p[2], "two"), 70, 71));
	st = look_at(at("home/bob/src/two"));
	CHECK(st.st_uid == 200070 && st.st_gid == 200071);
	CHECK(!unlink(in(p[2], "two")));
}

/* Each is who he is, also in one container. */
static void test_two_users(void **state _unused_)
{
	struct guard_mount m[3] = { bind_of(at("home/alice/src")),
	    { .kind = GUARD_VOLUME }, bind_of(at("home/bob/src")) };

	m[2].uid = BOB;
	m[2].user = SLICE("bob");
	m[2].within = slice_from(at("home/bob"));
	run(m, 3, &as_root, look_two, NULL);
	/* Alice cannot come through bob's door. */
	m[0].source = m[2].source;
	m[0].within = SLICE("/");
	refused(m[0], "Permission denied");
}

static void look_user(const struct slice *p)
{
	CHECK(look_at(in(p[0], "mine")).st_uid == 1000);
	CHECK(make(in(p[0], "as-root")) == EOVERFLOW);
	CHECK(!syscall(SYS_setresgid, 1000, 1000, 1000) &&
	    !syscall(SYS_setresuid, 1000, 1000, 1000));
	CHECK(!make(in(p[0], "as-user")));
	CHECK(look_at(at("home/alice/src/as-user")).st_uid == ALICE);
	CHECK(!unlink(in(p[0], "as-user")));
}

static void test_user(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/src"));
	struct runs_as as = { .uid = 1000, .gid = 1000 };
	struct id_extent outer[] = { { 0, 400000, 65536 } };

	run(&m, 1, &as, look_user, NULL);
	as = (struct runs_as){ .uid = 70000, .uids = outer, .gids = outer,
	    .nuids = 1, .ngids = 1 };
	run(&m, 1, &as, NULL, "does not exist in the container's user namespace");
}

static void look_remap(const struct slice *p)
{
	CHECK(look_at(in(p[0], "mine")).st_uid == 400000);
	CHECK(!syscall(SYS_setresgid, 400000, 400000, 400000) &&
	    !syscall(SYS_setresuid, 400000, 400000, 400000));
	CHECK(!make(in(p[0], "remap")));
	CHECK(look_at(at("home/alice/src/remap")).st_uid == ALICE);
	CHECK(!unlink(in(p[0], "remap")));
}

static void test_remap(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/src"));
	struct id_extent outer[] = { { 0, 400000, 65536 } };
	struct runs_as as = { .uids = outer, .gids = outer, .nuids = 1,
	    .ngids = 1 };

	run(&m, 1, &as, look_remap, NULL);
}

static void look_file(const struct slice *p)
{
	struct stat st = look_at(p[0].p);
	int fd = open(p[0].p, O_WRONLY | O_APPEND);

	CHECK(S_ISREG(st.st_mode) && st.st_uid == 0);
	CHECK(fd >= 0 && write(fd, "!", 1) == 1);
	CHECK(rename(p[0].p, in(SLICE("/tmp"), "x")) < 0);
}

static void test_file(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/file"));

	put(at("home/alice/file"), "1", ALICE, ALICE, 0600);
	good(m, look_file);
	/* Replaced as editors do it. */
	put(at("home/alice/file.new"), "2", ALICE, ALICE, 0600);
	assert_int_equal(rename(at("home/alice/file.new"), m.source.p), 0);
	good(m, look_file);
	/* What he may read, though it is not his. */
	m = bind_of(at("open/text"));
	m.within = slice_from(at("open"));
	good(m, NULL);
}

/* ---- made where it is missing ---- */

static void test_make(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/a/b/c"));
	struct stat st;

	refused(m, "No such file or directory: make it first");
	m.make = true;
	good(m, NULL);
	assert_int_equal(stat(at("home/alice/a/b/c"), &st), 0);
	assert_true(S_ISDIR(st.st_mode) && st.st_uid == ALICE &&
	    st.st_gid == ALICE && (st.st_mode & 07777) == 0755);
	assert_int_equal(stat(at("home/alice/a"), &st), 0);
	assert_true(st.st_uid == ALICE);
	/* What the policy names may be missing, not what holds it. */
	m.within = slice_from(at("home/alice/w"));
	m.source = slice_from(at("home/alice/w/x"));
	good(m, NULL);
	m.within = slice_from(at("home/alice/v/w"));
	m.source = slice_from(at("home/alice/v/w"));
	refused(m, "No such file");
	/* Where he may not. */
	m = bind_of(at("open/new"));
	m.within = slice_from(at("open"));
	m.make = true;
	refused(m, "is missing and cannot be made as alice: Permission denied");
	m = bind_of(at("home/alice/src/mine/x"));
	m.make = true;
	refused(m, "Not a directory");
}

static void test_make_outside(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/out/new"));

	dir(at("elsewhere"), ALICE, ALICE, 0777);
	link_to(at("elsewhere"), at("home/alice/out"), ALICE);
	m.make = true;
	refused(m, "cannot be made as alice: a symbolic link leads elsewhere");
	link_to("../../elsewhere", at("home/alice/out"), ALICE);
	refused(m, "cannot be made as alice");
	link_to("nowhere", at("home/alice/out"), ALICE);
	refused(m, "cannot be made as alice");
	assert_int_equal(rmdir(at("elsewhere")), 0);
	/* Outside by its name. */
	m = bind_of(at("home/new"));
	m.make = true;
	refused(m, "No such file");
	/* A link that stays inside. */
	link_to("src", at("home/alice/out"), ALICE);
	m = bind_of(at("home/alice/out/made"));
	m.make = true;
	good(m, NULL);
	assert_int_equal(rmdir(at("home/alice/src/made")), 0);
	assert_int_equal(unlink(at("home/alice/out")), 0);
}

/* ---- attacks ---- */

static void test_links(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/link"));
	char self[64];

	link_to("/etc", m.source.p, ALICE);
	refused(m, "leads to /etc, which is not inside");
	link_to("../../open", m.source.p, ALICE);
	refused(m, "/open, which is not inside");
	link_to(at("secret"), m.source.p, ALICE);
	refused(m, "cannot be opened as alice: Permission denied");
	link_to(at("engine/root"), m.source.p, ALICE);
	refused(m, "/engine/root, which nobody may bind");
	link_to("/", m.source.p, ALICE);
	refused(m, "leads to /, which is not inside");
	link_to("/proc/sys/kernel", m.source.p, ALICE);
	refused(m, "nobody may bind");
	link_to("/proc/self/root/etc", m.source.p, ALICE);
	refused(m, "Too many levels of symbolic links");
	snprintf(self, sizeof(self), "/proc/%d/cwd", (int)getpid());
	link_to(self, m.source.p, ALICE);
	refused(m, "cannot be opened as alice");
	link_to("link", m.source.p, ALICE);
	refused(m, "Too many levels");
	/* His own, wherever it is. */
	link_to("src", m.source.p, ALICE);
	good(m, look_mapped);
	/* Not a neighbour that begins alike. */
	dir(at("home/alice2"), ALICE, ALICE, 0755);
	link_to("../alice2", m.source.p, ALICE);
	refused(m, "not inside");
	assert_int_equal(unlink(m.source.p), 0);
}

/* He cannot move what the policy names. */
static void test_within(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/free/x"));

	m.within = slice_from(at("home/alice/free"));
	link_to("../../open", at("home/alice/free"), ALICE);
	refused(m, "leads through a symbolic link that is not root's");
	/* Root's link, but in a directory that is his. */
	link_to("../../open", at("home/alice/free"), 0);
	refused(m, "leads through a symbolic link that is not root's");
	assert_int_equal(unlink(at("home/alice/free")), 0);
	/* Root's own is how homes are moved. */
	link_to("home", at("users"), 0);
	m.source = slice_from(at("users/alice/src"));
	m.within = slice_from(at("users/alice"));
	good(m, look_mapped);
	link_to(at("home"), at("users"), 0);
	good(m, look_mapped);
	m.source = slice_from(at("users/bob"));
	refused(m, "cannot be opened as alice");
	link_to("users", at("users"), 0);
	refused(m, "Too many levels");
	assert_int_equal(unlink(at("users")), 0);
}

static void test_kinds(void **state _unused_)
{
	const char *path = at("home/alice/odd");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(mkfifo(path, 0666), 0);
	refused(bind_of(path), "neither a directory nor a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mknod(path, S_IFCHR | 0666, makedev(1, 3)), 0);
	refused(bind_of(path), "neither a directory nor a regular file");
	assert_int_equal(unlink(path), 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	assert_int_equal(bind(fd, (void *)&sun, sizeof(sun)), 0);
	refused(bind_of(path), "neither a directory nor a regular file");
	assert_int_equal(unlink(path), 0);
	close(fd);
}

/* What he cannot see does not show: the same words, there or not. */
static void test_closed(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/bob/src"));

	m.within = SLICE("/");
	refused(m, "cannot be opened as alice: Permission denied");
	m.source = slice_from(at("home/bob/none"));
	refused(m, "cannot be opened as alice: Permission denied");
	m.make = true;
	refused(m, "cannot be opened as alice: Permission denied");
	/* O_PATH alone would do for these. */
	m.source = slice_from(at("home/bob"));
	refused(m, "cannot be opened as alice: Permission denied");
	m = bind_of(at("home/alice/src/hidden"));
	refused(m, "cannot be opened as alice: Permission denied");
	assert_int_equal(link(at("home/alice/src/hidden"),
	    at("home/alice/hard")), 0);
	refused(bind_of(at("home/alice/hard")), "Permission denied");
	assert_int_equal(unlink(at("home/alice/hard")), 0);
}

static void test_denied(void **state _unused_)
{
	struct guard_mount m = bind_of("/proc");

	m.within = SLICE("/");
	refused(m, "nobody may bind");
	m.source = SLICE("/dev/shm");
	refused(m, "nobody may bind");
	m.source = slice_from(at("engine"));
	refused(m, "nobody may bind");
	/* What is beside it, and what it is called by. */
	m.source = slice_from(at("open"));
	good(m, NULL);
	link_to("../open", at("engine/link"), 0);
	m.source = slice_from(at("engine/link"));
	refused(m, "nobody may bind");
}

static void test_who(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/src"));

	m.uid = 0;
	refused(m, "for root, who has no account");
	m.user = SLICE("toor");
	refused(m, "for root, who has no account");
	m.uid = UINT32_MAX;
	refused(m, "for a service, who has no account");
	m.uid = BOB;
	m.user = SLICE("alice");
	refused(m, "has another uid than 2002");
	m.uid = ALICE;
	m.user = SLICE("nobody-at-all");
	refused(m, "does not exist");
	m.user = SLICE("");
	refused(m, "does not exist");
	/* Root's group alone is nothing that could be handed on. */
	m.uid = 2003;
	m.user = SLICE("gary");
	refused(m, "has no group but root's");
}

/* ---- submounts ---- */

static void look_sub(const struct slice *p)
{
	CHECK(look_at(in(p[0], "theirs")).st_uid == 65534);
	CHECK(!make(in(p[0], "new")));
	CHECK(make(in(p[0], "theirs/new")) == EACCES);
	CHECK(!unlink(in(p[0], "new")));
}

/* Linux 6.18 makes mounts bindable in a namespace that is made from another. */
static bool keeps_unbindable(void)
{
	struct buf err = BUF(4096);
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(place_enter(&err) || mount(top, at("home"), NULL, MS_BIND |
		    MS_REC, NULL) || !access(at("home/home/alice/sub/mnt/src"),
		    F_OK));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !status;
}

static void test_submounts(void **state _unused_)
{
	const char *sub = at("home/alice/sub/mnt"), *home = at("home/alice/sub");

	dir(at("home/alice/sub"), ALICE, ALICE, 0755);
	dir(sub, ALICE, ALICE, 0755);
	assert_int_equal(mount(at("home/bob"), sub, NULL, MS_BIND, NULL), 0);
	good(bind_of(home), NULL);
	assert_int_equal(mount(NULL, sub, NULL, MS_UNBINDABLE, NULL), 0);
	if (keeps_unbindable())
		refused(bind_of(home), "sub/mnt, which cannot be bound");
	else
		good(bind_of(home), NULL);
	assert_int_equal(umount(sub), 0);
	assert_int_equal(mount("none", sub, "proc", 0, NULL), 0);
	refused(bind_of(home), "has proc mounted at");
	refused(bind_of(sub), "is on proc, which this kernel cannot map");
	refused(bind_of(at("home/alice/sub/mnt/self/root")),
	    "cannot be opened as alice");
	assert_int_equal(umount(sub), 0);
	assert_int_equal(mount("none", sub, "ramfs", 0, NULL), 0);
	refused(bind_of(home), "has ramfs mounted at");
	assert_int_equal(umount(sub), 0);
	dir(at("home/alice/sub/theirs"), BOB, BOB, 0777);
	good(bind_of(home), look_sub);
	/* What is denied below it, is not carried in. */
	assert_int_equal(mount(at("open"), at("secret"), NULL, MS_BIND, NULL), 0);
	struct guard_mount m = bind_of(top);
	m.within = slice_from(top);
	refused(m, "/secret, which cannot be bound");
	assert_int_equal(umount(at("secret")), 0);
	good(m, NULL);
}

/* ---- not mapped ---- */

static void look_unmapped(const struct slice *p)
{
	unsigned long f = flags_of(p[0]);

	CHECK((f & ST_NOSUID) && (f & ST_NODEV));
	CHECK(look_at(p[0].p).st_uid == ALICE);
}

static void test_unmapped(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/ram"));
	struct runs_as as = { .uid = ALICE, .gid = ALICE };
	struct id_extent outer[] = { { 0, 400000, 65536 } };

	dir(m.source.p, ALICE, ALICE, 0755);
	assert_int_equal(mount("none", m.source.p, "ramfs", 0, NULL), 0);
	dir(m.source.p, ALICE, ALICE, 0755);
	powerless = true;
	run(&m, 1, &as, NULL, "is on ramfs, which this kernel cannot map");
	m.unmapped = true;
	run(&m, 1, &as, look_unmapped, NULL);
	run(&m, 1, &as_root, NULL, "does not run as alice");
	as.uids = as.gids = outer;
	as.nuids = as.ngids = 1;
	run(&m, 1, &as, NULL, "not with userns-remap");
	as.nuids = as.ngids = 0;
	powerless = false;
	run(&m, 1, &as, NULL, "does not run as alice");
	powerless = true;
	/* Not mapped means that nobody looks after pseudo file systems. */
	dir(at("home/alice/ram/p"), ALICE, ALICE, 0755);
	assert_int_equal(mount("none", at("home/alice/ram/p"), "proc", 0, NULL), 0);
	run(&m, 1, &as, NULL, "has proc mounted at");
	assert_int_equal(umount(at("home/alice/ram/p")), 0);
	assert_int_equal(chown(m.source.p, BOB, BOB), 0);
	run(&m, 1, &as, NULL, "only what belongs to alice himself");
	assert_int_equal(umount(m.source.p), 0);
	/* What can be mapped is. */
	m.source = slice_from(at("home/alice/src"));
	run(&m, 1, &as, NULL, NULL);
	powerless = false;
}

/* ---- races ---- */

/* Until it is killed: a directory, a link out, a directory ... */
static _Noreturn void swap(const char *a, const char *b)
{
	for (;;)
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2);
}

static void test_race(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/race/x"));
	const char *a = at("home/alice/race"), *b = at("home/alice/race2");
	int status, outcomes[2] = { 0 };
	struct stat st;
	pid_t pid, child;

	dir(a, ALICE, ALICE, 0755);
	put(at("home/alice/race/x"), "his", ALICE, ALICE, 0644);
	dir(at("open2"), 0, 0, 0755);
	put(at("open2/x"), "root's", 0, 0, 0644);
	link_to("../../open2", b, ALICE);
	pid = fork();
	if (!pid)
		swap(a, b);
	for (int i = 0; i < 300; i++) {
		child = fork();
		if (!child) {
			struct buf err = BUF(16384);
			struct slice path[1];
			int r = place(&m, 1, &as_root, path, &err);

			CHECK(r == OCI_GOOD || r == OCI_REFUSED);
			CHECK(r || (!stat(path[0].p, &st) && st.st_uid == 0));
			_exit(r == OCI_GOOD ? 10 : 11);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) >= 10);
		outcomes[WEXITSTATUS(status) - 10]++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(outcomes[0] && outcomes[1]);
}

/* ---- nodev, the Engine's directory ---- */

static void test_nodev(void **state _unused_)
{
	struct buf err = BUF(4096);
	const char *disk = at("home/alice/src/disk");
	int status;
	pid_t pid;

	assert_int_equal(mknod(disk, S_IFCHR | 0666, makedev(1, 3)), 0);
	pid = fork();
	if (!pid) {
		CHECK(open(disk, O_RDONLY) >= 0);
		CHECK(!place_enter(&err));
		CHECK(!place_nodev(at("home/alice/src"), &err));
		CHECK(open(disk, O_RDONLY) < 0 && errno == EACCES);
		/* Of a mount, and again. */
		CHECK(!place_nodev(at("home/alice/src"), &err));
		CHECK(!place_nodev(top, &err));
		CHECK(place_nodev(at("none"), &err) == OCI_REFUSED);
		CHECK(strstr(buf_text(&err), "cannot be made nodev"));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(open(disk, O_RDONLY | O_CLOEXEC) >= 0);
	assert_int_equal(unlink(disk), 0);
}

static void check_is(const char *path, const char *needle)
{
	struct buf err = BUF(4096);

	assert_int_equal(place_check(path, &err), needle ? OCI_REFUSED : 0);
	if (needle)
		assert_non_null(strstr(buf_text(&err), needle));
	buf_free(&err);
}

static void test_setup(void **state _unused_)
{
	struct buf err = BUF(4096);
	char base[] = "/var/tmp/dockbroker-setup.XXXXXX", path[64];

	assert_non_null(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/a/mnt", base);
	check_is(path, "No such file");
	if (setup_make(path, &err)) {
		/* Not on every file system; then it says what to do. */
		assert_non_null(strstr(buf_text(&err), "cannot"));
		assert_int_equal(setup_undo(path, &err), 0);
		skip();
	}
	check_is(path, NULL);
	assert_int_equal(setup_make(path, &err), 0);
	assert_true(mkdir(in(slice_from(path), "x"), 0755) && errno == EPERM);
	assert_true(rmdir(path) && errno == EPERM);
	assert_int_equal(setup_undo(path, &err), 0);
	assert_int_equal(setup_undo(path, &err), 0);
	/* Its neighbours. */
	assert_int_equal(mkdir(path, 0755), 0);
	check_is(path, "can be written to");
	put(in(slice_from(path), "x"), "", 0, 0, 0644);
	check_is(path, "is not empty");
	assert_int_equal(setup_make(path, &err), OCI_REFUSED);
	assert_int_equal(unlink(in(slice_from(path), "x")), 0);
	assert_int_equal(chown(path, ALICE, 0), 0);
	check_is(path, "is not root's alone");
	assert_int_equal(setup_make(path, &err), OCI_REFUSED);
	assert_int_equal(setup_undo(path, &err), OCI_REFUSED);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/usr", path), 0);
	check_is(path, "dockbroker-oci setup");
	assert_int_equal(setup_make(path, &err), OCI_REFUSED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(setup_make("relative", &err), OCI_REFUSED);
	/* On something read-only. */
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mount("none", path, "tmpfs", MS_RDONLY, "mode=755"), 0);
	check_is(path, NULL);
	assert_int_equal(setup_make(path, &err), 0);
	assert_int_equal(setup_undo(path, &err), OCI_REFUSED);
	assert_int_equal(umount(path), 0);
	assert_int_equal(setup_undo(path, &err), 0);
	snprintf(path, sizeof(path), "%s/a", base);
	assert_true(!rmdir(path) && !rmdir(base));
	buf_free(&err);
}

/* ---- main ---- */

/* Does this kernel map what is at top? */
static bool mappable(void)
{
	struct bind_user u = { .uid = ALICE, .gid = ALICE, .ns = -1,
	    .name = SLICE("alice") };
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

static int scene(void)
{
	snprintf(top, sizeof(top), "/var/tmp/dockbroker-place.XXXXXX");
	umask(022);
	if (geteuid())
		return skipped("needs root");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE,
	    NULL))
		return skipped("no mount namespace");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_two_users),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_remap),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_make_outside),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_submounts),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_nodev),
		cmocka_unit_test(test_setup),
	};
	int r = scene();

	return r ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
