/*
 * test_server.c: drives a running dockbroker-auditd as the broker does, kills
 * it at random moments, and looks at the log afterwards.  As root the daemon
 * and the broker are users of their own (numbers without accounts), else both
 * are the caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auditd/test_log.h"

#define LOG_MAX		(512UL * 1024 * 1024)
#define LOG_PATH	"log/" LOG_NAME
#define AUDIT_UID	64001
#define BROKER_UID	64002
#define OTHER_UID	64003

static char conf[128], sock[128], program[512];
static uid_t broker_uid;
static pid_t daemon_pid = -1;

/* ---- the daemon ---- */

static int setup(void **state)
{
	const char *top = getenv("top_builddir"),
		   *given = getenv("DOCKBROKER_AUDITD");
	char text[1024];
	int root = geteuid() == 0;

	if (test_log_setup(state) < 0 || chmod(test_dir, 0755) < 0)
		return -1;
	snprintf(program, sizeof(program), "%s%s",
	    given ? given
	    : top ? top
		  : ".",
	    given ? "" : "/dockbroker-auditd");
	snprintf(conf, sizeof(conf), "%s/conf", test_dir);
	snprintf(sock, sizeof(sock), "%s/run/auditd.sock", test_dir);
	broker_uid = root ? BROKER_UID : geteuid();
	snprintf(text, sizeof(text), "run-dir %s/run\naudit-log %s/%s\n"
	    "audit-user %u\nbroker-user %u\n", test_dir, test_dir, LOG_PATH,
	    root ? AUDIT_UID : geteuid(), broker_uid);
	file_put("conf", slice_from(text));
	return 0;
}

static void clean(void)
{
	char path[128];
	pid_t pid = fork();

	snprintf(path, sizeof(path), "%s/log", test_dir);
	if (pid == 0)
		_exit(execlp("rm", "rm", "-rf", path, NULL));
	waitpid(pid, NULL, 0);
}

static int wait_daemon(void)
{
	int status = -1;

	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	daemon_pid = -1;
	return status;
}

/* After each test, also one that failed. */
static int after(void **state)
{
	(void)state;
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGKILL);
		wait_daemon();
	}
	clean();
	return 0;
}

static int teardown(void **state)
{
	char path[128];

	clean();
	unlink(sock);
	snprintf(path, sizeof(path), "%s/run", test_dir);
	rmdir(path);
	return test_log_teardown(state);
}

static pid_t spawn(rlim_t file_size)
{
	const struct rlimit limit = { file_size, RLIM_INFINITY };
	pid_t pid = fork();
	int null;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	/* Should the test die: nothing waits for us, and we do not stay. */
	alarm(120);
	null = open("/dev/null", O_WRONLY);
	dup2(null, STDOUT_FILENO);
	if (!getenv("VERBOSE"))
		dup2(null, STDERR_FILENO);
	setrlimit(RLIMIT_FSIZE, &limit);
	/* Its filter of system calls does not let the leak check run. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
	execl(program, program, "-c", conf, NULL);
	_exit(127);
}

#define start_daemon()	(daemon_pid = spawn(RLIM_INFINITY))

static void stop_daemon(void)
{
	int status;

	kill(daemon_pid, SIGTERM);
	status = wait_daemon();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- a broker ---- */

static int connect_as(uid_t uid)
{
	int fd = -1, r = -ENOENT;

	for (int i = 0; i < 1000; i++) {
		if (uid != geteuid())
			assert_int_equal(seteuid(uid), 0);
		r = sock_connect(sock, SOCK_SEQPACKET, &fd);
		if (getuid() != geteuid())
			assert_int_equal(seteuid(getuid()), 0);
		/* It is born without its ACL. */
		if (r != -ENOENT && r != -ECONNREFUSED && r != -EAGAIN &&
		    (r != -EACCES || uid != broker_uid))
			break;
		usleep(10000);
	}
	return r < 0 ? r : fd;
}

static bool send_message(int fd, enum msg id, const void *body, size_t n)
{
	static char packet[BOUND_MESSAGE + 8];
	uint32_t head[2] = { id, (uint32_t)n };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t sent;

	memcpy(packet, head, sizeof(head));
	memcpy(packet + sizeof(head), body, n);
	do {
		poll(&p, 1, 5000);
		sent = send(fd, packet, n + sizeof(head), MSG_NOSIGNAL);
	} while (sent < 0 && errno == EAGAIN);
	return sent > 0;
}

/* The body of the next message, which must be id; false: the end. */
static bool get_message(int fd, enum msg id, void *body, size_t n)
{
	char packet[1024];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint32_t head[2];
	ssize_t got;

	if (poll(&p, 1, 5000) != 1)
		fail_msg("no answer within 5 seconds");
	got = recv(fd, packet, sizeof(packet), 0);
	if (got <= 0)
		return false;
	assert_int_equal(got, (ssize_t)(n + sizeof(head)));
	memcpy(head, packet, sizeof(head));
	assert_int_equal(head[0], id);
	memcpy(body, packet + sizeof(head), n);
	return true;
}

static bool say_hello(int fd, unsigned instance)
{
	struct msg_hello m = { .version = MSG_VERSION };

	make_instance(m.instance, instance);
	return send_message(fd, MSG_HELLO, &m, sizeof(m));
}

static int broker_start(unsigned instance, struct msg_audit_ready *ready)
{
	int fd = connect_as(broker_uid);

	if (fd < 0)
		fail_msg("cannot connect: %s", strerror(-fd));
	if (!say_hello(fd, instance) ||
	    !get_message(fd, MSG_AUDIT_READY, ready, sizeof(*ready))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_add(int fd, unsigned instance, uint64_t first, uint32_t count,
    bool sync)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_MESSAGE);

	make_add(&b, instance, first, count, sync);
	return send_message(fd, MSG_AUDIT_ADD, b.p, b.len);
}

static struct msg_audit_done get_done(int fd)
{
	struct msg_audit_done m;

	if (!get_message(fd, MSG_AUDIT_DONE, &m, sizeof(m)))
		fail_msg("the connection was closed");
	return m;
}

static bool is_closed(int fd)
{
	struct msg_audit_done m;
	bool closed = !get_message(fd, MSG_AUDIT_DONE, &m, sizeof(m));

	return close(fd) == 0 && closed;
}

static void check_file(const char *name, struct log_seen *seen)
{
	_cleanup_(buf_free) struct buf log = BUF(LOG_MAX);

	file_get(name, &log);
	log_verify(buf_slice(&log), seen);
}

/* ---- tests ---- */

static void records_are_written(void **state)
{
	struct log_seen seen = { 0 };
	struct msg_audit_ready ready;
	struct msg_audit_done done;
	int fd, old;

	(void)state;
	start_daemon();
	fd = broker_start(1, &ready);
	assert_int_equal(ready.last_n, 0);
	assert_int_equal(ready.state, AUDIT_GOOD);
	assert_int_equal(ready.seq, 1);
	assert_true(send_add(fd, 1, 1, 3, true));
	done = get_done(fd);
	assert_int_equal(done.written_n, 3);
	assert_int_equal(done.synced_n, 3);
	assert_int_equal(done.seq, 4);
	close(connect_as(broker_uid));	/* disturbs nobody */
	assert_true(send_add(fd, 1, 2, 3, false)); /* two of them again */
	done = get_done(fd);
	assert_int_equal(done.written_n, 4);
	assert_int_equal(done.synced_n, 3);
	done = get_done(fd);				/* a second later */
	assert_int_equal(done.synced_n, 4);
	old = fd;
	fd = broker_start(1, &ready);		/* the newer one counts */
	assert_true(is_closed(old));
	assert_int_equal(ready.last_n, 4);
	assert_int_equal(ready.last_id, 1004);
	close(fd);
	fd = broker_start(2, &ready);
	assert_int_equal(ready.last_n, 0);
	close(fd);
	stop_daemon();
	check_file(LOG_PATH, &seen);
	assert_int_equal(seen.n[1], 4);
	assert_int_equal(seen.events, 2);		/* start, stop */
}

static void raw_is_refused(unsigned instance, struct slice body)
{
	struct msg_audit_ready ready;
	int fd = broker_start(instance, &ready);

	assert_true(send_message(fd, MSG_AUDIT_ADD, body.p, body.n));
	assert_true(is_closed(fd));
}

static void breaches_end_the_connection(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_MESSAGE);
	const struct msg_audit_done done = { 0 };
	struct log_seen seen = { 0 };
	struct msg_audit_ready ready;
	int fd;

	(void)state;
	start_daemon();
	fd = connect_as(broker_uid);
	assert_true(send_add(fd, 1, 1, 1, true));	/* before HELLO */
	assert_true(is_closed(fd));
	fd = broker_start(1, &ready);
	assert_true(send_add(fd, 1, 1, 2, true));
	assert_int_equal(get_done(fd).written_n, 2);
	assert_true(send_add(fd, 1, 4, 1, true));	/* 3 is missing */
	assert_true(is_closed(fd));
	fd = broker_start(1, &ready);
	assert_true(say_hello(fd, 1));			/* twice */
	assert_true(is_closed(fd));

	make_add(&b, 2, 3, 1, true); /* another instance */
	raw_is_refused(1, buf_slice(&b));
	buf_reset(&b);
	make_add(&b, 1, 3, 1, true);
	raw_is_refused(1, (struct slice){ b.p, b.len - 1 });
	buf_addc(&b, 'x');
	raw_is_refused(1, buf_slice(&b));
	((struct msg_audit_add *)(void *)b.p)->count = 0;
	raw_is_refused(1, (struct slice){ b.p, b.len - 1 });
	buf_reset(&b);
	make_add(&b, 1, 4, 1, true);			/* says 3, is 4 */
	((struct msg_audit_add *)(void *)b.p)->first_n = 3;
	raw_is_refused(1, buf_slice(&b));
	buf_reset(&b);
	make_add(&b, 1, 3, 1, true);
	fd = broker_start(1, &ready);
	assert_true(send_message(fd, MSG_AUDIT_DONE, &done, sizeof(done)));
	assert_true(is_closed(fd));

	fd = broker_start(1, &ready); /* and the good one */
	assert_true(send_message(fd, MSG_AUDIT_ADD, b.p, b.len));
	assert_int_equal(get_done(fd).synced_n, 3);
	close(fd);
	stop_daemon();
	check_file(LOG_PATH, &seen);
	assert_int_equal(seen.n[1], 3);
}

static void strangers_are_refused(void **state)
{
	struct msg_audit_ready ready;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	start_daemon();
	fd = broker_start(1, &ready);
	assert_int_equal(connect_as(OTHER_UID), -EACCES);
	close(connect_as(0)); /* the mode cannot stop root, the uid does */
	assert_true(send_add(fd, 1, 1, 1, true));
	assert_int_equal(get_done(fd).synced_n, 1);
	close(fd);
	fd = connect_as(0);
	(void)say_hello(fd, 1);
	assert_true(is_closed(fd));
	stop_daemon();
}

static void status_has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("/proc/PID/status lacks %s", line);
}

static void privileges_are_gone(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(65536), err = BUF(256);
	struct msg_audit_ready ready;
	char path[64];
	int fd;

	(void)state;
	start_daemon();
	fd = broker_start(1, &ready);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon_pid);
	assert_int_equal(file_read(path, false, &b, &err), 0);
	status_has(buf_text(&b), "CapPrm:\t0000000000000000");
	status_has(buf_text(&b), "CapEff:\t0000000000000000");
	status_has(buf_text(&b), "NoNewPrivs:\t1");
	status_has(buf_text(&b), "Seccomp:\t2");
	if (geteuid() == 0)
		status_has(buf_text(&b), "Uid:\t64001\t64001\t64001\t64001");
	close(fd);
	stop_daemon();
}

static void second_daemon_is_refused(void **state)
{
	struct msg_audit_ready ready;
	int fd, status;
	pid_t pid;

	(void)state;
	start_daemon();
	fd = broker_start(1, &ready);
	pid = spawn(RLIM_INFINITY);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_true(send_add(fd, 1, 1, 1, true));
	assert_int_equal(get_done(fd).synced_n, 1);
	close(fd);
	stop_daemon();
}

/* Sends until the daemon is killed under it.  Keeps what was confirmed. */
static void load_until_killed(int fd, uint64_t next, uint64_t *confirmed,
    int after_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t killer = fork();

	if (killer == 0) {
		usleep((useconds_t)after_ms * 1000);
		kill(daemon_pid, SIGKILL);
		_exit(0);
	}
	for (bool open = true; open;) {
		struct msg_audit_done m;
		uint32_t count = 1 + (uint32_t)(next % 40);

		open = send_add(fd, 1, next, count, next % 3 == 0);
		next += count;
		while (open && poll(&p, 1, 0) == 1) {
			open = get_message(fd, MSG_AUDIT_DONE, &m, sizeof(m));
			if (open)
				*confirmed = m.written_n;
		}
	}
	waitpid(killer, NULL, 0);
	close(fd);
}

static void killed_at_any_moment(void **state)
{
	struct log_seen seen = { 0 };
	struct msg_audit_ready ready = { 0 };
	uint64_t confirmed = 0;
	int rounds = getenv("AUDITD_KILLS") ? atoi(getenv("AUDITD_KILLS")) : 25;

	(void)state;
	srandom((unsigned)getpid());
	for (int i = 0; i < rounds; i++) {
		int fd;

		start_daemon();
		fd = broker_start(1, &ready);
		assert_true(fd >= 0);
		assert_true(ready.last_n >= confirmed);
		load_until_killed(fd, ready.last_n + 1, &confirmed,
		    (int)(random() % 40));
		wait_daemon();
	}
	start_daemon();
	close(broker_start(1, &ready));
	stop_daemon();
	check_file(LOG_PATH, &seen);
	assert_true(confirmed > 0);
	assert_true(seen.n[1] >= confirmed);
	assert_int_equal(seen.n[1], ready.last_n);
	assert_int_equal(seen.records, ready.last_n);
}

/* Rotated while records come. */
static void rotation(void **state)
{
	struct log_seen seen = { 0 };
	struct msg_audit_ready ready;
	char from[128], to[256];
	uint64_t n = 1;
	int fd;

	(void)state;
	start_daemon();
	fd = broker_start(1, &ready);
	snprintf(from, sizeof(from), "%s/%s", test_dir, LOG_PATH);
	for (int i = 5; i > 0; i--) {
		assert_true(send_add(fd, 1, n, 20, true));
		snprintf(to, sizeof(to), "%s.old%d", from, i);
		assert_int_equal(rename(from, to), 0);
		kill(daemon_pid, SIGHUP);
		for (n += 20; access(from, F_OK) != 0;)
			usleep(1000);
		while (get_done(fd).synced_n < n - 1)
			;
	}
	close(fd);
	stop_daemon();
	for (int i = 5; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.old%d", LOG_PATH, i);
		check_file(to, &seen);
	}
	check_file(LOG_PATH, &seen);
	assert_int_equal(seen.n[1], 100);
	assert_int_equal(seen.events, 7);
}

/* As the daemon's own user: root in a container may not do it. */
static void lift_limit(void)
{
	const struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setresgid(AUDIT_UID, AUDIT_UID, AUDIT_UID) < 0 ||
			setresuid(AUDIT_UID, AUDIT_UID, AUDIT_UID) < 0))
			_exit(1);
		_exit(prlimit(daemon_pid, RLIMIT_FSIZE, &more, NULL) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A limit on the file's size stands for a full disk. */
static void full_disk(void **state)
{
	struct log_seen seen = { 0 };
	struct msg_audit_ready ready;
	struct msg_audit_done done = { 0 };
	uint64_t next = 1;
	int fd;

	(void)state;
	daemon_pid = spawn(32768);
	fd = broker_start(1, &ready);
	while (done.state == AUDIT_GOOD) {
		assert_true(send_add(fd, 1, next, 10, true));
		next += 10;
		done = get_done(fd);
	}
	assert_int_equal(done.state, AUDIT_FULL);
	assert_true(strlen(done.text) > 0);
	assert_int_equal(done.written_n, next - 11);
	assert_true(send_add(fd, 1, next, 10, true)); /* was on its way */
	done = get_done(fd);
	assert_int_equal(done.state, AUDIT_FULL);
	assert_int_equal(done.written_n, next - 11);
	lift_limit();
	assert_true(send_add(fd, 1, next - 10, 20, true));
	do
		done = get_done(fd);
	while (done.written_n < next + 9);
	assert_int_equal(done.state, AUDIT_GOOD);
	close(fd);
	stop_daemon();
	check_file(LOG_PATH, &seen);
	assert_int_equal(seen.n[1], next + 9);
}

/* A log that was taken away does not stop a broker that is running. */
static void log_taken_away(void **state)
{
	struct msg_audit_ready ready;
	int fd;

	(void)state;
	start_daemon();
	fd = broker_start(1, &ready);
	assert_true(send_add(fd, 1, 51, 2, true));
	assert_int_equal(get_done(fd).synced_n, 52);
	assert_true(send_add(fd, 1, 54, 1, true));	/* but only once */
	assert_true(is_closed(fd));
	stop_daemon();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(records_are_written, after),
		cmocka_unit_test_teardown(breaches_end_the_connection, after),
		cmocka_unit_test_teardown(strangers_are_refused, after),
		cmocka_unit_test_teardown(privileges_are_gone, after),
		cmocka_unit_test_teardown(second_daemon_is_refused, after),
		cmocka_unit_test_teardown(killed_at_any_moment, after),
		cmocka_unit_test_teardown(rotation, after),
		cmocka_unit_test_teardown(full_disk, after),
		cmocka_unit_test_teardown(log_taken_away, after),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
