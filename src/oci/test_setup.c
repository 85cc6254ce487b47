/* test_setup.c: the flag nodev, and the Engine's directory. */
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
		CHECK(place_nodev(at("none"), &err) == GUARD_BAD);
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

	assert_int_equal(setup_check(path, &err), needle ? GUARD_BAD : 0);
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
	assert_int_equal(setup_make(path, &err), GUARD_BAD);
	assert_non_null(strstr(buf_text(&err), "its directory does not exist"));
	buf_reset(&err);
	assert_int_equal(mkdir(in(slice_from(base), "a"), 0755), 0);
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
	assert_int_equal(setup_make(path, &err), GUARD_BAD);
	assert_int_equal(unlink(in(slice_from(path), "x")), 0);
	assert_int_equal(chown(path, ALICE, 0), 0);
	check_is(path, "is not root's alone");
	assert_int_equal(setup_make(path, &err), GUARD_BAD);
	assert_int_equal(setup_undo(path, &err), GUARD_BAD);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/usr", path), 0);
	check_is(path, "dockbroker-oci setup");
	assert_int_equal(setup_make(path, &err), GUARD_BAD);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(setup_make("relative", &err), GUARD_BAD);
	/* On something read-only. */
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mount("none", path, "tmpfs", MS_RDONLY, "mode=755"), 0);
	check_is(path, NULL);
	assert_int_equal(setup_make(path, &err), 0);
	assert_int_equal(setup_undo(path, &err), GUARD_BAD);
	assert_int_equal(umount(path), 0);
	assert_int_equal(setup_undo(path, &err), 0);
	snprintf(path, sizeof(path), "%s/a", base);
	assert_true(!rmdir(path) && !rmdir(base));
	buf_free(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodev),
		cmocka_unit_test(test_setup),
	};
	int r = scene();

	if (!r)
		r = cmocka_run_group_tests(tests, NULL, NULL);
	scene_end();
	return r;
}
