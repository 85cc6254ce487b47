/*
 * test_cgroup.c: groups below directories of our own, the command line for
 * systemd, and, as root on a machine that has cgroups of the first kind,
 * the kernel's own files.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

#define UID	4123456

static char dir[] = "/tmp/test_cgroup.XXXXXX";

static const char *at(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make_dir(const char *name)
{
	assert_int_equal(mkdir(at(name), 0755), 0);
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void expect_file(const char *path, const char *want)
{
	char text[512] = "";
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	assert_string_equal(text, want);
}

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_,
    struct FTW *f _unused_)
{
	return remove(path);
}

static int setup(void **state _unused_)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state _unused_)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct msg_cgroup_is apply(struct msg_cgroup_ask ask)
{
	struct cgroup_places where = { dir, at("systemctl") };

	assert_true(cgroup_valid(&ask));
	return cgroup_answer(&where, &ask);
}

/* The files that a kernel would make. */
static void make_v1(void)
{
	static const char *const names[] = {
		"memory", "cpu", "pids", "memory/dockbroker", "cpu/dockbroker",
		"pids/dockbroker", "memory/dockbroker/7", "cpu/dockbroker/7",
		"pids/dockbroker/7"
	};

	for (size_t i = 0; i < countof(names); i++)
		make_dir(names[i]);
	put("memory/dockbroker/memory.use_hierarchy", "");
	put("memory/dockbroker/7/memory.limit_in_bytes", "");
	put("cpu/dockbroker/7/cpu.cfs_period_us", "");
	put("cpu/dockbroker/7/cpu.cfs_quota_us", "");
	put("pids/dockbroker/7/pids.max", "");
}

static void test_v1(void **state _unused_)
{
	struct msg_cgroup_ask ask = {
		.uid = 7, .driver = CGROUP_CGROUPFS, .memory = 1 << 30,
		.nano_cpus = 1500000000, .pids = 100
	};
	struct msg_cgroup_is is;

	make_v1();
	is = apply(ask);
	assert_string_equal(is.text, "");
	assert_int_equal(is.status, 0);
	assert_int_equal(is.uid, 7);
	expect_file(at("memory/dockbroker/memory.use_hierarchy"), "1");
	expect_file(at("memory/dockbroker/7/memory.limit_in_bytes"), "1073741824");
	expect_file(at("cpu/dockbroker/7/cpu.cfs_period_us"), "100000");
	expect_file(at("cpu/dockbroker/7/cpu.cfs_quota_us"), "150000");
	expect_file(at("pids/dockbroker/7/pids.max"), "100");
	/* Nothing of other users is made or needed; a missing file is told. */
	ask.uid = 8;
	is = apply(ask);
	assert_int_equal(is.status, ENOENT);
	assert_string_equal(is.text,
	    "memory/memory.limit_in_bytes: No such file or directory");
	assert_int_equal(access(at("pids/dockbroker/8"), F_OK), 0);
}

static void test_bounds(void **state _unused_)
{
	struct msg_cgroup_ask ask = {
		.uid = 7, .driver = CGROUP_CGROUPFS, .memory = -1, .nano_cpus = 1,
		.pids = INT64_MAX
	};

	make_v1();
	assert_int_equal(apply(ask).status, 0);
	expect_file(at("memory/dockbroker/7/memory.limit_in_bytes"), "-1");
	expect_file(at("cpu/dockbroker/7/cpu.cfs_quota_us"), "1000");
	expect_file(at("pids/dockbroker/7/pids.max"), "max");
	ask.uid = WHO_UNSET;
	assert_false(cgroup_valid(&ask));
	ask.uid = 7;
	ask.driver = CGROUP_NONE;
	assert_false(cgroup_valid(&ask));
	ask.driver = CGROUP_SYSTEMD + 1;
	assert_false(cgroup_valid(&ask));
	ask.driver = CGROUP_SYSTEMD;
	assert_true(cgroup_valid(&ask));
	ask.memory = -2;
	assert_false(cgroup_valid(&ask));
}

static void test_missing(void **state _unused_)
{
	struct msg_cgroup_ask ask = {
		.uid = 7, .driver = CGROUP_CGROUPFS, .memory = -1, .nano_cpus = -1,
		.pids = -1
	};
	struct msg_cgroup_is is;

	/* Without controllers there is nothing to be set, but limits fail. */
	assert_int_equal(apply(ask).status, 0);
	ask.pids = 1;
	is = apply(ask);
	assert_int_equal(is.status, ENOENT);
	assert_string_equal(is.text, "pids/: No such file or directory");
}

static void test_v2(void **state _unused_)
{
	struct msg_cgroup_ask ask = {
		.uid = 7, .driver = CGROUP_CGROUPFS, .memory = 1 << 30,
		.nano_cpus = 1500000000, .pids = -1
	};

	make_dir("dockbroker");
	make_dir("dockbroker/7");
	put("cgroup.controllers", "");
	put("cgroup.subtree_control", "");
	put("dockbroker/cgroup.subtree_control", "");
	put("dockbroker/7/memory.max", "");
	put("dockbroker/7/cpu.max", "");
	put("dockbroker/7/pids.max", "");
	assert_int_equal(apply(ask).status, 0);
	expect_file(at("cgroup.subtree_control"), "+pidsry");	/* one after another */
	expect_file(at("dockbroker/7/memory.max"), "1073741824");
	expect_file(at("dockbroker/7/cpu.max"), "150000 100000");
	expect_file(at("dockbroker/7/pids.max"), "max");
	ask.nano_cpus = -1;
	put("dockbroker/7/cpu.max", "");
	assert_int_equal(apply(ask).status, 0);
	expect_file(at("dockbroker/7/cpu.max"), "max");
}

static void test_systemd(void **state _unused_)
{
	struct msg_cgroup_ask ask = {
		.uid = 7, .driver = CGROUP_SYSTEMD, .memory = 1 << 30,
		.nano_cpus = 1505000000, .pids = 100
	};
	struct msg_cgroup_is is;
	char script[1024];

	snprintf(script, sizeof(script), "#!/bin/sh\necho \"$# $*\" >%s/args\n", dir);
	put("systemctl", script);
	assert_int_equal(chmod(at("systemctl"), 0755), 0);
	assert_int_equal(apply(ask).status, 0);
	expect_file(at("args"), "6 set-property --runtime dockbroker-7.slice "
	    "MemoryMax=1073741824 CPUQuota=151% TasksMax=100");
	ask.memory = ask.nano_cpus = ask.pids = -1;
	assert_int_equal(apply(ask).status, 0);
	expect_file(at("args"), "6 set-property --runtime dockbroker-7.slice "
	    "MemoryMax=infinity CPUQuota= TasksMax=infinity");
	put("systemctl", "#!/bin/sh\nexit 3\n");
	is = apply(ask);
	assert_int_equal(is.status, EIO);
	assert_non_null(strstr(is.text, "set-property dockbroker-7.slice: failed with 3"));
	unlink(at("systemctl"));
	is = apply(ask);
	assert_int_equal(is.status, EIO);
	assert_non_null(strstr(is.text, "failed with 127"));
}

/* The kernel's own, where it lets us. */
static void test_kernel(void **state _unused_)
{
	struct msg_cgroup_ask ask = {
		.uid = UID, .driver = CGROUP_CGROUPFS, .memory = 64 << 20,
		.nano_cpus = 250000000, .pids = 7
	};
	struct msg_cgroup_is is;
	bool before = access("/sys/fs/cgroup/memory/dockbroker", F_OK) == 0;

	if (getuid() != 0 || access("/sys/fs/cgroup/memory", W_OK) ||
	    access("/sys/fs/cgroup/pids", W_OK) || access("/sys/fs/cgroup/cpu", W_OK))
		skip();
	is = cgroup_answer(&cgroup_system, &ask);
	assert_string_equal(is.text, "");
	expect_file("/sys/fs/cgroup/memory/dockbroker/4123456/memory.limit_in_bytes",
	    "67108864");
	expect_file("/sys/fs/cgroup/cpu/dockbroker/4123456/cpu.cfs_quota_us", "25000");
	expect_file("/sys/fs/cgroup/pids/dockbroker/4123456/pids.max", "7");
	ask.memory = ask.nano_cpus = ask.pids = -1;
	is = cgroup_answer(&cgroup_system, &ask);
	assert_int_equal(is.status, 0);
	expect_file("/sys/fs/cgroup/cpu/dockbroker/4123456/cpu.cfs_quota_us", "-1");
	expect_file("/sys/fs/cgroup/pids/dockbroker/4123456/pids.max", "max");
	rmdir("/sys/fs/cgroup/memory/dockbroker/4123456");
	rmdir("/sys/fs/cgroup/cpu/dockbroker/4123456");
	rmdir("/sys/fs/cgroup/pids/dockbroker/4123456");
	if (!before) {
		rmdir("/sys/fs/cgroup/memory/dockbroker");
		rmdir("/sys/fs/cgroup/cpu/dockbroker");
		rmdir("/sys/fs/cgroup/pids/dockbroker");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_v1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_v2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_systemd, setup, teardown),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
