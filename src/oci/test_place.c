/* test_place.c: what the container finds in binds, and on the disk. */
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
	};
	int r = scene();

	if (!r)
		r = cmocka_run_group_tests(tests, NULL, NULL);
	scene_end();
	return r;
}
