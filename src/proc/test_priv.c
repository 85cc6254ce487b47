/* test_priv.c: a child gives up its privileges and then tries things. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

#define DAEMON	"64990"
#define CHECK(x)	do { if (!(x)) check_failed(#x, __LINE__); } while (0)
#define KILLED	1000		/* plus the signal */

static const char *const some[] = { "getuid", "socketpair", NULL };
static const char *const loads[] = { "mmap", "mprotect", "execve", NULL };

static void check_failed(const char *what, int line)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "line %d: %s: errno %d\n", line,
	    what, errno);

	(void)!write(2, text, (size_t)n);
	_exit(1);
}

/* <grp.h> has a struct group of its own. */
static int setgroups_raw(size_t n, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, n, groups);
}

static int getgid_raw(void)
{
	return (int)syscall(SYS_getgid);
}

static void drop(const struct privilege *p)
{
	struct buf err = BUF(1024);

	if (privilege_drop(p, &err)) {
		(void)!write(2, buf_text(&err), err.len);
		_exit(2);
	}
	buf_free(&err);
}

/* The exit code, or KILLED + signal. */
static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* ---- ids and capabilities ---- */

static void child_user(void)
{
	const struct privilege p = { .user = DAEMON };
	struct buf text = BUF(100000), err = BUF(1000);
	gid_t groups[8];

	drop(&p);
	CHECK(getuid() == 64990 && geteuid() == 64990 && getgid() == 64990);
	CHECK(getgroups(8, groups) == 1 && groups[0] == 64990);
	CHECK(setuid(0) < 0 && setgid(0) < 0);
	CHECK(open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0);
	CHECK(chown("/tmp", 0, 0) < 0 && errno == EPERM);
	CHECK(unshare(CLONE_NEWNS) < 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
#ifndef WITH_SANITIZERS
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
	/* What is ours in /proc stays readable; files still are. */
	CHECK(file_read("/proc/self/status", false, &text, &err) == FILE_GOOD);
	CHECK(file_read("/etc/passwd", true, &text, &err) == FILE_GOOD);
	buf_free(&text);
	buf_free(&err);
	/* Once more is no harm. */
	drop(&p);
}

static void child_root(void)
{
	const struct privilege p = { .caps = 1 << 0 | 1 << 1 };
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	drop(&p);
	CHECK(geteuid() == 0);
	CHECK(fd >= 0 && fchown(fd, 64990, 64990) == 0);	/* CAP_CHOWN */
	CHECK(setuid(64990) < 0);				/* CAP_SETUID */
	CHECK(unshare(CLONE_NEWNS) < 0);		/* CAP_SYS_ADMIN */
	drop(&p);
}

/* A user that keeps a capability. */
static void child_user_cap(void)
{
	const struct privilege p = { .user = DAEMON, .caps = 1 << 0 };
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	drop(&p);
	CHECK(geteuid() == 64990);
	CHECK(fd >= 0 && fchown(fd, 64991, 64991) == 0);
	CHECK(setuid(0) < 0);
}

/* As systemd's User= does it: no capabilities, full bounding set or none. */
static void child_started_so(void)
{
	const struct privilege p = { .user = DAEMON, .syscalls = some };
	const struct privilege more = { .user = DAEMON, .caps = 1 << 0 };
	struct buf err = BUF(1000);
	gid_t gid = 64990;

	CHECK(setgroups_raw(1, &gid) == 0);
	CHECK(setresgid(gid, gid, gid) == 0 && setresuid(gid, gid, gid) == 0);
	CHECK(privilege_drop(&more, &err) == 1);
	CHECK(!strcmp(buf_text(&err), "the capability cap_chown is missing"));
	buf_free(&err);
	drop(&p);
	CHECK(getuid() == 64990);
}

/* As another user: there is no way to ours. */
static void child_other(void)
{
	const struct privilege p = { .user = DAEMON }, root = { .user = NULL };
	struct buf err = BUF(1000);

	CHECK(setresgid(64991, 64991, 64991) == 0);
	CHECK(setresuid(64991, 64991, 64991) == 0);
	CHECK(privilege_drop(&p, &err) == 1);
	CHECK(strstr(buf_text(&err), "setgroups"));
	CHECK(privilege_drop(&root, &err) == 1);
	buf_free(&err);
}

/* Right ids, but a group too many that cannot be given back. */
static void child_groups(void)
{
	const struct privilege p = { .user = DAEMON };
	struct buf err = BUF(1000);
	const gid_t groups[] = { 64990, 42 };

	CHECK(setgroups_raw(2, groups) == 0);
	CHECK(setresgid(64990, 64990, 64990) == 0);
	CHECK(setresuid(64990, 64990, 64990) == 0);
	CHECK(privilege_drop(&p, &err) == 1);
	CHECK(strcmp(buf_text(&err), "the kernel says Groups: 42 64990") == 0);
	buf_free(&err);
}

/* CAP_SYS_RESOURCE and the like: what was never there is not missed. */
static void child_never_had(void)
{
	const struct privilege p = { .caps = 1 << 0 | 1 << 24 };

	(void)prctl(PR_CAPBSET_DROP, 24, 0, 0, 0);
	drop(&p);
}

static void test_ids(void **state _unused_)
{
	need_root();
	assert_int_equal(in_child(child_user), 0);
	assert_int_equal(in_child(child_root), 0);
	assert_int_equal(in_child(child_user_cap), 0);
	assert_int_equal(in_child(child_started_so), 0);
	assert_int_equal(in_child(child_other), 0);
	assert_int_equal(in_child(child_groups), 0);
	assert_int_equal(in_child(child_never_had), 0);
}

/* ---- seccomp ---- */

static void filtered(void)
{
	const struct privilege p = {
		.user = DAEMON, .syscalls = some, .unix_only = true,
	};

	drop(&p);
}

static void child_permitted(void)
{
	struct loop *l = NULL;
	int fds[2], fd;
	void *m;

	filtered();
	CHECK(getuid() == 64990);
	CHECK(loop_new(&l) == 0);
	loop_stop(l, 0);
	loop_free(l);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	CHECK((fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	CHECK(close(fd) == 0);
	m = malloc(10 * 1024 * 1024);
	CHECK(m);
	free(m);
	log_info("still talking");
	notify_send("READY=1");
	CHECK(sock_connect("/tmp/db-nowhere", SOCK_STREAM, &fd) == -ENOENT);
	/* Their nearest neighbours. */
	CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
	CHECK(getgid_raw() < 0 && errno == EPERM);
	CHECK(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	CHECK(syscall(SYS_listen, 0, 0) < 0 && errno == EPERM);
}

static void child_exec_memory(void)
{
	filtered();
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void child_inet(void)
{
	const struct privilege p = {
		.user = DAEMON,
		.syscalls = (const char *const[]){ "socket", NULL },
	};
	int fd;

	drop(&p);
	CHECK((fd = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
	close(fd);
}

static void child_exec(void)
{
	char *const argv[] = { (char *)"true", NULL };

	filtered();
	execv("/bin/true", argv);
}

static void child_exec_listed(void)
{
	const struct privilege p = { .user = DAEMON, .syscalls = loads };
	char *const argv[] = { (char *)"false", NULL };

	drop(&p);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	execv("/nonexistent", argv);
	CHECK(errno == ENOENT);
}

static void child_mount(void)
{
	filtered();
	mount("none", "/tmp", "tmpfs", 0, NULL);
}

static void child_unshare(void)
{
	filtered();
	unshare(CLONE_NEWUSER);
}

static void child_ptrace(void)
{
	filtered();
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void child_bpf(void)
{
	filtered();
	syscall(SYS_bpf, 0, 0, 0);
}

static void child_bad_name(void)
{
	const struct privilege p = {
		.user = DAEMON,
		.syscalls = (const char *const[]){ "raed", NULL },
	};
	struct buf err = BUF(1000);

	CHECK(privilege_drop(&p, &err) == 1);
	CHECK(strcmp(buf_text(&err), "seccomp knows no system call raed") == 0);
	buf_free(&err);
}

static void test_seccomp(void **state _unused_)
{
	need_root();
	assert_int_equal(in_child(child_permitted), 0);
	assert_int_equal(in_child(child_inet), 0);
	assert_int_equal(in_child(child_exec_listed), 0);
	assert_int_equal(in_child(child_bad_name), 0);
	assert_int_equal(in_child(child_exec), KILLED + SIGSYS);
	assert_int_equal(in_child(child_mount), KILLED + SIGSYS);
	assert_int_equal(in_child(child_unshare), KILLED + SIGSYS);
	assert_int_equal(in_child(child_bpf), KILLED + SIGSYS);
#ifndef WITH_SANITIZERS
	assert_int_equal(in_child(child_ptrace), KILLED + SIGSYS);
	assert_int_equal(in_child(child_exec_memory), 0);
#else
	(void)child_ptrace;
	(void)child_exec_memory;
#endif
}

/* ---- users ---- */

static void test_lookup(void **state _unused_)
{
	struct privilege p = { .user = "db-no-such-user" };
	struct buf err = BUF(1000);
	uint32_t uid = 1, gid = 1;

	assert_int_equal(user_lookup("root", &uid, &gid), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(gid, 0);
	assert_int_equal(user_lookup("64990", &uid, &gid), 0);
	assert_int_equal(uid, 64990);
	assert_int_equal(gid, 64990);
	assert_int_equal(user_lookup("nobody", &uid, &gid), 0);
	assert_int_equal(user_lookup("db-no-such-user", &uid, &gid), 1);
	assert_int_equal(user_lookup("", &uid, &gid), 1);
	assert_int_equal(user_lookup("-1", &uid, &gid), 1);
	assert_int_equal(user_lookup("4294967295", &uid, &gid), 1);
	assert_int_equal(user_lookup("007", &uid, &gid), 1);
	assert_int_equal(privilege_drop(&p, &err), 1);
	assert_string_equal(buf_text(&err),
	    "there is no user db-no-such-user");
	buf_free(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_seccomp),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
