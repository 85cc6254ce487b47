/* test_file.c: which files are trusted, and how much of them is read. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

static char dir[] = "/tmp/db-file-XXXXXX";
static struct buf err = BUF(4096);

static const char *at(const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void make(const char *name, size_t n, unsigned mode)
{
	int fd = open(at(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int setup(void **state _unused_)
{
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mkdir(at("sub"), 0755), 0);
	make("sub/good", 100, 0644);
	return 0;
}

static int teardown(void **state _unused_)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	buf_free(&err);
	return system(cmd);
}

/* What file_read says; the number of bytes read in *n. */
static int get(const char *path, bool trusted, size_t max, size_t *n)
{
	_cleanup_(buf_free) struct buf out = BUF(max);
	int r;

	buf_reset(&err);
	r = file_read(path, trusted, &out, &err);
	assert_int_equal(r == FILE_GOOD, err.len == 0);
	if (n)
		*n = out.len;
	return r;
}

static int trusted(const char *name)
{
	return get(at(name), true, 1000, NULL);
}

static bool said(const char *what)
{
	return strstr(buf_text(&err), what) != NULL;
}

static void test_size(void **state _unused_)
{
	size_t n;

	for (int t = 0; t < 2; t++) {
		assert_int_equal(get(at("sub/good"), t, 100, &n), FILE_GOOD);
		assert_int_equal(n, 100);
		assert_int_equal(get(at("sub/good"), t, 99, &n), FILE_BAD);
		assert_true(said("larger than 99 bytes"));
		assert_int_equal(get(at("sub/none"), t, 99, &n), FILE_MISSING);
		assert_int_equal(get(at("none/good"), t, 99, &n),
		    FILE_MISSING);
		assert_int_equal(get(at("sub"), t, 99, &n), FILE_BAD);
		assert_int_equal(get(at("sub/good/x"), t, 99, &n), FILE_BAD);
		make("empty", 0, 0600);
		assert_int_equal(get(at("empty"), t, 0, &n), FILE_GOOD);
		assert_int_equal(n, 0);
	}
	/* Files of the kernel have no size. */
	assert_int_equal(get("/proc/self/status", false, 8192, &n), FILE_GOOD);
	assert_true(n > 100);
}

static void test_kinds(void **state _unused_)
{
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(get(at("fifo"), false, 99, NULL), FILE_BAD);
	assert_int_equal(get(at("fifo"), true, 99, NULL), FILE_BAD);
	assert_true(said("is not a regular file"));
	assert_int_equal(get("/dev/null", false, 99, NULL), FILE_BAD);
	assert_int_equal(get("/", true, 99, NULL), FILE_BAD);
	assert_int_equal(get("", true, 99, NULL), FILE_BAD);
	assert_int_equal(get("", false, 99, NULL), FILE_MISSING);
}

static void test_modes(void **state _unused_)
{
	assert_int_equal(trusted("sub/good"), FILE_GOOD);
	assert_int_equal(trusted("sub/../sub//./good"), FILE_GOOD);
	make("group", 1, 0664);
	assert_int_equal(trusted("group"), FILE_BAD);
	assert_true(said("group: is writable for group or others"));
	make("world", 1, 0646);
	assert_int_equal(trusted("world"), FILE_BAD);
	assert_int_equal(get(at("world"), false, 99, NULL), FILE_GOOD);
	/* The directory counts as much as the file. */
	assert_int_equal(chmod(at("sub"), 0775), 0);
	assert_int_equal(trusted("sub/good"), FILE_BAD);
	assert_true(said("sub: is writable"));
	assert_int_equal(chmod(at("sub"), 01777), 0);
	assert_int_equal(trusted("sub/good"), FILE_GOOD);
	assert_int_equal(chmod(at("sub"), 0755), 0);
}

static void test_owners(void **state _unused_)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(at("sub/good"), 64990, 64990), 0);
	assert_int_equal(trusted("sub/good"), FILE_BAD);
	assert_true(said("belongs neither to root nor to us"));
	/* Our own are as good as root's. */
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(seteuid(64990), 0);
	assert_int_equal(trusted("sub/good"), FILE_GOOD);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(at("sub/good"), 0, 0), 0);
	assert_int_equal(chown(at("sub"), 64990, 0), 0);
	assert_int_equal(trusted("sub/good"), FILE_BAD);
	assert_int_equal(chown(at("sub"), 0, 0), 0);
	assert_int_equal(trusted("sub/good"), FILE_GOOD);
}

static void test_links(void **state _unused_)
{
	char target[160];

	assert_int_equal(symlink("sub/good", at("relative")), 0);
	assert_int_equal(trusted("relative"), FILE_GOOD);
	snprintf(target, sizeof(target), "%s/sub", dir);
	assert_int_equal(symlink(target, at("absolute")), 0);
	assert_int_equal(trusted("absolute/good"), FILE_GOOD);
	assert_int_equal(trusted("absolute/../relative"), FILE_GOOD);
	assert_int_equal(symlink("loop", at("loop")), 0);
	assert_int_equal(trusted("loop"), FILE_BAD);
	assert_int_equal(symlink("nowhere", at("dangling")), 0);
	assert_int_equal(trusted("dangling"), FILE_MISSING);
	/* The way behind the link is judged as well. */
	assert_int_equal(chmod(at("sub"), 0777), 0);
	assert_int_equal(trusted("relative"), FILE_BAD);
	assert_int_equal(chmod(at("sub"), 0755), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(lchown(at("relative"), 64990, 64990), 0);
	assert_int_equal(trusted("relative"), FILE_BAD);
	assert_true(said("relative: belongs neither"));
}

static void test_relative(void **state _unused_)
{
	char old[256];

	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(at("sub")), 0);
	assert_int_equal(get("good", true, 100, NULL), FILE_GOOD);
	assert_int_equal(get("../sub/good", true, 100, NULL), FILE_GOOD);
	assert_int_equal(chdir(old), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_relative),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
