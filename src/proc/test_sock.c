/* test_sock.c: sockets that may be replaced, and who may connect. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

#define ALICE	64990
#define BOB	64991

static char dir[] = "/tmp/db-sock-XXXXXX";
static char path[64];
static struct buf err = BUF(4096);

static int setup(void **state _unused_)
{
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0711), 0);
	snprintf(path, sizeof(path), "%s/x.sock", dir);
	return 0;
}

static int teardown(void **state _unused_)
{
	unlink(path);
	rmdir(dir);
	buf_free(&err);
	return 0;
}

static int clean(void **state _unused_)
{
	unlink(path);
	buf_reset(&err);
	return 0;
}

static unsigned mode_of(const char *p)
{
	struct stat st;

	assert_int_equal(lstat(p, &st), 0);
	return st.st_mode & 07777;
}

/* ---- listening ---- */

static void test_listen(void **state _unused_)
{
	int fd = -1, second = -1, c = -1;
	mode_t mask = umask(0);

	umask(mask);
	assert_int_equal(sock_listen(path, SOCK_STREAM, 0666, &fd, &err),
	    SOCK_GOOD);
	assert_int_equal(mode_of(path), 0666);
	assert_int_equal(umask(mask), mask);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	/* A live one stays, whatever type is wanted. */
	assert_int_equal(sock_listen(path, SOCK_STREAM, 0666, &second, &err),
	    SOCK_BAD);
	assert_non_null(strstr(buf_text(&err), "another process listens"));
	assert_int_equal(sock_listen(path, SOCK_SEQPACKET, 0666, &second,
	    &err), SOCK_BAD);
	assert_int_equal(second, -1);
	assert_int_equal(sock_connect(path, SOCK_STREAM, &c), 0);
	close(c);
	/* A stale one is replaced, with the mode of now. */
	close(fd);
	assert_int_equal(sock_connect(path, SOCK_STREAM, &c), -ECONNREFUSED);
	assert_int_equal(sock_listen(path, SOCK_SEQPACKET, 0600, &fd, &err),
	    SOCK_GOOD);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(sock_connect(path, SOCK_SEQPACKET, &c), 0);
	close(c);
	close(fd);
}

static void test_listen_refused(void **state _unused_)
{
	char link[80], longer[200];
	int fd;

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	fd = -1;
	assert_int_equal(sock_listen(path, SOCK_STREAM, 0600, &fd, &err),
	    SOCK_BAD);
	assert_non_null(strstr(buf_text(&err), "is not a socket"));
	assert_int_equal(access(path, F_OK), 0);
	/* A link to nowhere is another kind of file, too. */
	unlink(path);
	assert_int_equal(symlink("/tmp/db-nowhere", path), 0);
	assert_int_equal(sock_listen(path, SOCK_STREAM, 0600, &fd, &err),
	    SOCK_BAD);
	snprintf(link, sizeof(link), "%s/no/dir.sock", dir);
	assert_int_equal(sock_listen(link, SOCK_STREAM, 0600, &fd, &err),
	    SOCK_BAD);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(sock_listen(longer, SOCK_STREAM, 0600, &fd, &err),
	    SOCK_BAD);
	assert_int_equal(sock_listen("", SOCK_STREAM, 0600, &fd, &err),
	    SOCK_BAD);
	assert_int_equal(sock_connect(longer, SOCK_STREAM, &fd),
	    -ENAMETOOLONG);
	assert_int_equal(sock_connect(link, SOCK_STREAM, &fd), -ENOENT);
	assert_int_equal(fd, -1);
}

static void test_backlog(void **state _unused_)
{
	int fd = -1, c = -1, held[8], n = 0, r = 0;

	assert_int_equal(sock_listen(path, SOCK_STREAM, 0600, &fd, &err),
	    SOCK_GOOD);
	assert_int_equal(listen(fd, 1), 0);
	while (n < 8 && (r = sock_connect(path, SOCK_STREAM, &c)) == 0)
		held[n++] = c;
	assert_int_equal(r, -EAGAIN);
	while (n)
		close(held[--n]);
	close(fd);
}

/* ---- access ---- */

/* What connect says to that uid. */
static int connect_as(uid_t uid)
{
	int status = 0, fd;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgid(uid) < 0 || setuid(uid) < 0)
			_exit(255);
		_exit(-sock_connect(path, SOCK_STREAM, &fd));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_allow_user(void **state _unused_)
{
	int fd = -1;

	if (geteuid() != 0)
		skip();
	assert_int_equal(sock_listen(path, SOCK_STREAM, 0600, &fd, &err),
	    SOCK_GOOD);
	assert_int_equal(connect_as(ALICE), EACCES);
	if (sock_allow_user(path, ALICE) == -EOPNOTSUPP) {
		close(fd);
		skip();
	}
	assert_int_equal(connect_as(ALICE), 0);
	assert_int_equal(connect_as(BOB), EACCES);
	assert_int_equal(connect_as(0), 0);
	/* Given to another, it is taken from the first. */
	assert_int_equal(sock_allow_user(path, BOB), 0);
	assert_int_equal(connect_as(ALICE), EACCES);
	assert_int_equal(connect_as(BOB), 0);
	assert_int_equal(sock_allow_user("/tmp/db-nowhere", BOB), -ENOENT);
	close(fd);
}

/* ---- peers ---- */

static bool alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static void test_peer(void **state _unused_)
{
	struct peer peer;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    fds), 0);
	assert_int_equal(peer_get(fds[0], &peer), 0);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.gid, getegid());
	assert_int_equal(peer.pid, getpid());
	assert_true(peer.pidfd >= 0);
	assert_true(alive(peer.pidfd));
	assert_int_equal(fcntl(peer.pidfd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(peer.pidfd);
	assert_true(peer_get(-1, &peer) < 0);
	close(fds[0]);
	close(fds[1]);
}

/* Connected, dead and reaped: nobody is taken for him. */
static void test_peer_dead(void **state _unused_)
{
	int fd = -1, c, status;
	struct peer peer;
	pid_t pid;

	assert_int_equal(sock_listen(path, SOCK_STREAM, 0666, &fd, &err),
	    SOCK_GOOD);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(-sock_connect(path, SOCK_STREAM, &c));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(c >= 0);
	assert_int_equal(peer_get(c, &peer), 0);
	if (peer.pidfd >= 0)
		assert_false(alive(peer.pidfd));
	else
		assert_int_equal(peer.pid, 0);
	close_fd(&peer.pidfd);
	close(c);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_listen, clean),
		cmocka_unit_test_teardown(test_listen_refused, clean),
		cmocka_unit_test_teardown(test_backlog, clean),
		cmocka_unit_test_teardown(test_allow_user, clean),
		cmocka_unit_test_teardown(test_peer, clean),
		cmocka_unit_test_teardown(test_peer_dead, clean),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
