/* test_peer.c: what /proc says, and the fresh word of the kernel about ourselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/peer.h"

#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void stat_is(const char *text, bool good, const char *exe, const char *tty,
    uint64_t start)
{
	struct who w = { .uid = 0 };
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", text);
	assert_int_equal(peer_parse_stat(copy, &w), good);
	if (!good)
		return;
	assert_string_equal(w.exe, exe);
	assert_string_equal(w.tty, tty);
	assert_true(w.start == start);
}

static void test_stat(void **state)
{
	(void)state;
	stat_is("12 (docker) S 1 12 12 34816 12 4194304 100 0 0 0 1 2 0 0 20 0 8 0 4711 1 2",
	    true, "docker", "pts/0", 4711);
	stat_is("12 (docker) S 1 12 12 35079 12 4194304 100 0 0 0 1 2 0 0 20 0 8 0 1 1 2",
	    true, "docker", "pts/263", 1);
	stat_is("12 (x) S 1 12 12 1025 12 4194304 1 0 0 0 1 2 0 0 20 0 8 0 5 1 2", true, "x", "tty1", 5);
	stat_is("12 (x) S 1 12 12 1088 12 4194304 1 0 0 0 1 2 0 0 20 0 8 0 5 1 2", true, "x", "ttyS0", 5);
	/* A name may hold everything, also what looks like the rest. */
	stat_is("12 (a) S 9 9) (b) R 1 12 12 0 12 4194304 1 0 0 0 1 2 0 0 20 0 8 0 77 1 2",
	    true, "a) S 9 9) (b", "", 77);
	stat_is("12 (docker) S 1 12", false, NULL, NULL, 0);
	stat_is("12 docker S 1 12 12 0", false, NULL, NULL, 0);
	stat_is("", false, NULL, NULL, 0);
	stat_is(") (", false, NULL, NULL, 0);
}

static void cgroup_is(const char *text, const char *id)
{
	char out[65];

	peer_parse_cgroup(text, out);
	assert_string_equal(out, id);
}

static void test_cgroup(void **state)
{
	(void)state;
	cgroup_is("0::/user.slice/user-1000.slice/session-3.scope\n", "");
	cgroup_is("12:pids:/docker/" ID "\n0::/docker/" ID "\n", ID);
	cgroup_is("0::/system.slice/docker-" ID ".scope\n", ID);
	cgroup_is("0::/docker/" ID, ID);
	cgroup_is("0::/docker/" ID "0\n", "");		/* 65 digits are no id */
	cgroup_is("0::/x/0123456789abcdef\n", "");
	cgroup_is("", "");
}

static void test_nspid(void **state)
{
	bool other;

	(void)state;
	assert_true(peer_parse_nspid("pos:\t0\nPid:\t7\nNSpid:\t7\n", &other));
	assert_false(other);
	assert_true(peer_parse_nspid("Pid:\t15230\nNSpid:\t15230\t7\n", &other));
	assert_true(other);
	assert_false(peer_parse_nspid("Pid:\t7\n", &other));
	assert_false(peer_parse_nspid("Pid:\t-1\nNSpid:\t-1\n", &other));	/* gone */
	assert_false(peer_parse_nspid("NSpid:\t\n", &other));
	assert_false(peer_parse_nspid("", &other));
}

static void test_ourselves(void **state)
{
	struct who w;
	const char *why = NULL;
	char own[65];
	int fd[2];

	(void)state;
	peer_own_container(own);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(peer_identify(fd[0], false, own, &w, &why), PEER_GOOD);
	assert_int_equal(w.uid, getuid());
	assert_int_equal(w.pid, getpid());
	assert_true(w.start > 0);
	assert_false(w.container);
	close(fd[0]);
	close(fd[1]);
}

/* Somebody who connected and ended: what /proc would say may be another's. */
static void test_gone(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/test_peer.XXXXXX";
	const char *why = NULL;
	struct who w;
	int status;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	int l = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l, 1), 0);
	pid_t child = fork();
	if (child == 0) {
		int s = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(connect(s, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	int fd = accept(l, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(peer_identify(fd, false, "", &w, &why), PEER_REFUSED);
	assert_non_null(why);
	close(fd);
	close(l);
	unlink(a.sun_path);
	rmdir(dir);
}

static void test_no_socket(void **state)
{
	const char *why = NULL;
	struct who w;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(peer_identify(fd[0], true, "", &w, &why), PEER_REFUSED);
	assert_non_null(why);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_nspid),
		cmocka_unit_test(test_ourselves),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
