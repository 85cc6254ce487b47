/* test_sd.c: what systemd passes, and what it is told. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

/* ---- LISTEN_FDS, in a child whose fds 3 and up are ours ---- */

#define CHECK(x)	do { if (!(x)) _exit(__LINE__ % 250 + 1); } while (0)

static void pass(int n, const char *count, const char *names, pid_t pid)
{
	char text[16];
	int fd = open("/dev/null", O_RDWR);

	snprintf(text, sizeof(text), "%d", (int)pid);
	for (int i = 0; i < n; i++)
		CHECK(dup2(fd, 3 + i) == 3 + i);
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", count, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

static void child_named(void)
{
	char names[4][64];
	int fds[4];

	pass(3, "3", "control:shared", getpid());
	CHECK(listen_fds(fds, names, 4) == 3);
	CHECK(fds[0] == 3 && fds[1] == 4 && fds[2] == 5);
	CHECK(strcmp(names[0], "control") == 0);
	CHECK(strcmp(names[1], "shared") == 0);
	CHECK(strcmp(names[2], "unknown") == 0);
	CHECK(fcntl(4, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(4, F_GETFL) & O_NONBLOCK);
	CHECK(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS"));
	CHECK(!getenv("LISTEN_FDNAMES"));
	CHECK(listen_fds(fds, names, 4) == 0);
}

static void child_surplus(void)
{
	char names[1][64];
	int fds[1];

	pass(3, "3", NULL, getpid());
	CHECK(listen_fds(fds, names, 1) == 1);
	CHECK(strcmp(names[0], "unknown") == 0);
	CHECK(fcntl(3, F_GETFD) >= 0);
	CHECK(fcntl(4, F_GETFD) < 0 && fcntl(5, F_GETFD) < 0);
}

static void child_not_mine(void)
{
	char names[4][64];
	int fds[4];

	pass(3, "3", NULL, getppid());
	CHECK(listen_fds(fds, names, 4) == 0);
	CHECK(!getenv("LISTEN_FDS"));
	CHECK(!(fcntl(3, F_GETFD) & FD_CLOEXEC));
}

static void child_nonsense(void)
{
	char names[4][64];
	int fds[4];

	pass(0, "-3", NULL, getpid());
	CHECK(listen_fds(fds, names, 4) == 0);
	CHECK(listen_fds(fds, names, 4) == 0);
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_listen_fds(void **state _unused_)
{
	in_child(child_named);
	in_child(child_surplus);
	in_child(child_not_mine);
	in_child(child_nonsense);
}

/* ---- NOTIFY_SOCKET ---- */

static int manager(const char *path, socklen_t n)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(a.sun_path, path, n);
	if (*path == '@')
		a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
	    offsetof(struct sockaddr_un, sun_path) + n), 0);
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[1024] = "";

	assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), strlen(text));
	assert_string_equal(got, text);
}

static void notify_all(const char *path)
{
	int fd = manager(path, (socklen_t)strlen(path));

	setenv("NOTIFY_SOCKET", path, 1);
	notify_send("READY=1");
	assert_null(getenv("NOTIFY_SOCKET"));
	expect(fd, "READY=1");
	notify_text("waiting for %s\nREADY=0", "authd");
	expect(fd, "STATUS=waiting for authd READY=0");
	close(fd);
}

static void test_notify(void **state _unused_)
{
	char path[64];

	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");		/* nobody: nothing */
	snprintf(path, sizeof(path), "@db-notify-%d", (int)getpid());
	notify_all(path);
	snprintf(path, sizeof(path), "/tmp/db-notify-%d", (int)getpid());
	notify_all(path);
	unlink(path);
	/* Nonsense switches it off. */
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_send("READY=1");
	assert_null(getenv("NOTIFY_SOCKET"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_fds),
		cmocka_unit_test(test_notify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
