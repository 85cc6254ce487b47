/* test_attack.c: paths that lead elsewhere, things that are no files, and mounts
 * in between. */
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

#include "oci/test_scene.h"

#define MAP	0x00100000	/* MOUNT_ATTR_IDMAP, which 2.36 has not yet */

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

static void look_private(const struct slice *p)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int found = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, p[0].p)) {
			found++;
			CHECK(!strstr(line, "shared:") && !strstr(line, "master:"));
			CHECK(strstr(line, "nosuid,nodev"));
		}
	CHECK(found == 2);
	fclose(f);
}

/* What the host mounts later does not come, nor the other way round. */
static void test_private(void **state _unused_)
{
	const char *path = at("home/alice/share"), *sub = at("home/alice/share/s");

	dir(path, ALICE, ALICE, 0755);
	assert_int_equal(mount(path, path, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, path, NULL, MS_SHARED, NULL), 0);
	dir(sub, ALICE, ALICE, 0755);
	assert_int_equal(mount(sub, sub, NULL, MS_BIND, NULL), 0);
	good(bind_of(path), look_private);
	assert_int_equal(umount(sub), 0);
	assert_int_equal(umount(path), 0);
}

/* What is mapped already is not mapped again. */
static void test_twice(void **state _unused_)
{
	struct guard_mount m = bind_of(at("home/alice/again"));
	struct bind_user u = { .who = { .uid = ALICE, .gid = ALICE,
	    .name = SLICE("alice") }, .ns = -1 };
	struct mount_attr a = { .attr_set = MAP };
	struct buf err = BUF(4096);
	int tree = open_tree(AT_FDCWD, at("home/alice/src"), OPEN_TREE_CLONE);

	dir(m.source.p, ALICE, ALICE, 0755);
	assert_int_equal(idmap_make(&u, &(struct runs_as){ .uid = ALICE, .gid =
	    ALICE }, &err), 0);
	a.userns_fd = (uint64_t)u.ns;
	assert_int_equal(mount_setattr(tree, "", AT_EMPTY_PATH, &a, sizeof(a)), 0);
	assert_int_equal(move_mount(tree, "", AT_FDCWD, m.source.p,
	    MOVE_MOUNT_F_EMPTY_PATH), 0);
	close(tree);
	close(u.ns);
	refused(m, "which is mapped already");
	assert_int_equal(umount(m.source.p), 0);
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

			CHECK(r == GUARD_GOOD || r == GUARD_BAD);
			CHECK(r || (!stat(path[0].p, &st) && st.st_uid == 0));
			_exit(r == GUARD_GOOD ? 10 : 11);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) >= 10);
		outcomes[WEXITSTATUS(status) - 10]++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(outcomes[0] && outcomes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_submounts),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_race),
	};
	int r = scene();

	if (!r)
		r = cmocka_run_group_tests(tests, NULL, NULL);
	scene_end();
	return r;
}
