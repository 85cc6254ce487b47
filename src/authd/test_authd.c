/*
 * test_authd.c: the whole daemon, as it was built, with an /etc of its own:
 * everything happens in a private mount namespace on an overlay, so the
 * machine's users and PAM services are not touched.  Needs root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/authd.h"

#define BROKER		61000
#define GOOD		61001
#define EXPIRED		61002
#define CRASH		61003
#define TALK		61004
#define PROMPT		61005
#define LEAVE		61006
#define EXITS		61007
#define HANG		61100	/* and 59 more */
#define CROWD		62000	/* and 1499 more, by primary group */
#define CAPS		UINT64_C(0x2000000b)
#define DEADLINE	1500	/* account-time in ms */

static char dir[] = "/tmp/test_authd.XXXXXX";
static pid_t daemon_pid;
static int sock = -1;
static uint64_t serial;

/* ---- files ---- */

_printf_(3, 4) static void put(const char *path, const char *mode, const char *fmt, ...)
{
	FILE *f = fopen(path, mode);
	va_list ap;

	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	assert_int_equal(fclose(f), 0);
}

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void add_user(const char *name, unsigned uid, unsigned gid,
    const char *expires)
{
	put("/etc/passwd", "a", "%s:x:%u:%u::/nonexistent:/bin/sh\n", name,
	    uid, gid);
	put("/etc/shadow", "a", "%s:*:20000:0:99999:7::%s:\n", name, expires);
}

static void make_users(void)
{
	char name[32];

	add_user("dbbroker", BROKER, BROKER, "");
	add_user("dbgood", GOOD, GOOD, "");
	add_user("dbexpired", EXPIRED, GOOD, "1");
	add_user("dbcrash", CRASH, GOOD, "");
	add_user("dbtalk", TALK, GOOD, "");
	add_user("dbprompt", PROMPT, GOOD, "");
	add_user("dbleave", LEAVE, GOOD, "");
	add_user("dbexits", EXITS, GOOD, "");
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "dbhang%u", i);
		add_user(name, HANG + i, GOOD, "");
	}
	for (unsigned i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "dbcrowd%u", i);
		add_user(name, CROWD + i, CROWD, "");
	}
	put("/etc/group", "a", "dbbroker:x:%u:\ndbgood:x:%u:dbtalk\n", BROKER,
	    GOOD);
	put("/etc/group", "a", "dbteam:x:61500:dbgood,dbtalk,dbnobody\n");
	put("/etc/group", "a", "dbempty:x:61501:\n");
	put("/etc/group", "a", "dbcrowd:x:%u:dbgood,dbcrowd7\n", CROWD);
	put("/etc/group", "a", "db%064d:x:61502:dbgood\n", 7);
}

/* Everybody passes by a module of his own, then by the service we ship. */
static void make_service(void)
{
	static const struct {
		const char *user, *how;
	} ways[] = {
		{ "dbcrash", "abort" }, { "dbtalk", "talk" },
		{ "dbprompt", "prompt" }, { "dbleave", "leave" },
		{ "dbexits", "exit" },
	};
	const char *src = getenv("top_srcdir"), *build = getenv("top_builddir");
	char *shipped, *module, line[512];
	FILE *in;

	snprintf(line, sizeof(line), "%s/conf/pam.d/dockbroker.%s",
	    src ? src : ".", access("/etc/pam.d/common-account", R_OK) ?
	    "redhat" : "debian");
	shipped = realpath(line, NULL);
	snprintf(line, sizeof(line), "%s/src/authd/test_module.so",
	    build ? build : ".");
	module = realpath(line, NULL);
	assert_non_null(shipped);
	assert_non_null(module);
	put("/etc/pam.d/dockbroker", "w", "\n");
	for (size_t i = 0; i < countof(ways); i++) {
		put("/etc/pam.d/dockbroker", "a", "account [success=ignore "
		    "default=1] pam_succeed_if.so quiet user = %s\n"
		    "account required %s %s\n", ways[i].user, module,
		    ways[i].how);
	}
	put("/etc/pam.d/dockbroker", "a", "account [success=ignore default=1] "
	    "pam_succeed_if.so quiet user =~ dbhang*\n"
	    "account required pam_exec.so quiet /bin/sleep 60.0625\n");
	in = fopen(shipped, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		put("/etc/pam.d/dockbroker", "a", "%s", line);
	fclose(in);
	free(shipped);
	free(module);
}

/* ---- the daemon ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int try_connect(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/run/authd.sock", dir);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void tell(int fd, enum msg id, const void *body, size_t n)
{
	char packet[1024];
	uint32_t header[2] = { id, n };

	memcpy(packet, header, sizeof(header));
	memcpy(packet + sizeof(header), body, n);
	n += sizeof(header);
	assert_int_equal(send(fd, packet, n, MSG_NOSIGNAL), n);
}

static char packet[MSG_HEADER + BOUND_MESSAGE];

/* The next message within ms; MSG_NONE: none, or the end. */
static enum msg hear(int fd, int ms, const void **body, size_t *n)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint32_t header[2];
	ssize_t r;

	if (poll(&p, 1, ms) != 1)
		return MSG_NONE;
	r = recv(fd, packet, sizeof(packet), 0);
	if (r < (ssize_t)sizeof(header))
		return MSG_NONE;
	memcpy(header, packet, sizeof(header));
	assert_int_equal(header[1] + sizeof(header), r);
	*body = packet + sizeof(header);
	*n = header[1];
	return header[0];
}

static bool hello(int fd)
{
	struct msg_hello m = { .version = MSG_VERSION };
	const void *body;
	size_t n;

	tell(fd, MSG_HELLO, &m, sizeof(m));
	return hear(fd, 5000, &body, &n) == MSG_AUTHD_READY;
}

static void daemon_start(void)
{
	char path[4096], conf[256];
	const char *build = getenv("top_builddir");

	snprintf(path, sizeof(path), "%s/dockbroker-authd", build ? build : ".");
	snprintf(conf, sizeof(conf), "%s", in_dir("dockbroker.conf"));
	fflush(NULL);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		execl(path, path, "-c", conf, NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && sock < 0; i++) {
		pause_ms(10);
		sock = try_connect();
	}
	assert_true(sock >= 0);
	assert_true(hello(sock));
}

static int daemon_end(int signo)
{
	int status;

	close(sock);
	sock = -1;
	kill(daemon_pid, signo);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	return status;
}

/* Processes whose parent is pid: field 4 of stat. */
static size_t children(pid_t pid)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[300], text[512] = "", state;
		int parent = 0, fd;

		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		fd = *e->d_name < '1' || *e->d_name > '9' ? -1 :
		    open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text) - 1) > 0 && strrchr(text, ')') &&
		    sscanf(strrchr(text, ')'), ") %c %d", &state, &parent) == 2)
			n += parent == pid;
		close(fd);
	}
	closedir(d);
	return n;
}

/* A child that has answered may still be on its way out. */
static bool children_become(pid_t pid, size_t n)
{
	for (int i = 0; i < 100; i++, pause_ms(10))
		if (children(pid) == n)
			return true;
	return false;
}

/* How many processes run with this name. */
static size_t sleepers(void)
{
	FILE *f = popen("grep -zlx 60[.]0625 /proc/[0-9]*/cmdline 2>/dev/null | wc -l",
	    "r");
	size_t n = 99;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &n), 1);
	pclose(f);
	return n;
}

/* ---- asks ---- */

static struct msg_who_is is;
static struct group groups[BOUND_GROUPS];

static uint64_t who_tell(uint32_t uid, const char *name, bool acct)
{
	struct msg_who_ask m = { .serial = ++serial, .uid = uid, .acct = acct };

	snprintf(m.name, sizeof(m.name), "%s", name);
	snprintf(m.tty, sizeof(m.tty), "pts/3");
	tell(sock, MSG_WHO_ASK, &m, sizeof(m));
	return serial;
}

/* The next answer, whosever it is. */
static bool who_hear(int ms)
{
	const void *body = NULL;
	size_t n = 0;
	enum msg id;

	do
		id = hear(sock, ms, &body, &n);
	while (id == MSG_NSS_CHANGED);
	if (id == MSG_NONE)
		return false;
	assert_int_equal(id, MSG_WHO_IS);
	memcpy(&is, body, sizeof(is));
	assert_int_equal(n, sizeof(is) + is.ngroups * sizeof(struct group));
	memcpy(groups, (const char *)body + sizeof(is), n - sizeof(is));
	return true;
}

static void who(uint32_t uid, const char *name, bool acct)
{
	uint64_t mine = who_tell(uid, name, acct);

	do
		assert_true(who_hear(5000));
	while (is.serial != mine);
}

static bool in_group(const char *name)
{
	for (size_t i = 0; i < is.ngroups; i++)
		if (!strcmp(groups[i].name, name))
			return true;
	return false;
}

/* ---- tests ---- */

static uint64_t status_hex(const char *file, const char *key)
{
	FILE *f = fopen(file, "r");
	char line[256];
	uint64_t v = UINT64_MAX;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = strtoull(line + strlen(key), NULL, 16);
	fclose(f);
	return v;
}

static void test_privileges(void **state)
{
	uint64_t machine = status_hex("/proc/self/status", "CapBnd:");
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/status", daemon_pid);
	assert_int_equal(status_hex(path, "CapEff:"), CAPS & machine);
	assert_int_equal(status_hex(path, "CapPrm:"), CAPS & machine);
	assert_int_equal(status_hex(path, "CapBnd:"), CAPS & machine);
	assert_int_equal(status_hex(path, "CapInh:"), 0);
	assert_int_equal(status_hex(path, "CapAmb:"), 0);
	assert_int_equal(status_hex(path, "NoNewPrivs:"), 1);
	assert_int_equal(status_hex(path, "Seccomp:"), 2);
}

static void test_who(void **state)
{
	(void)state;
	who(GOOD, "", false);
	assert_int_equal(is.status, WHO_OK);
	assert_int_equal(is.uid, GOOD);
	assert_int_equal(is.gid, GOOD);
	assert_string_equal(is.name, "dbgood");
	assert_int_equal(is.acct_status, WHO_UNKNOWN);
	assert_int_not_equal(is.pam_code, 0);
	/* Sorted; the group whose name does not fit is left out. */
	assert_int_equal(is.ngroups, 3);
	assert_string_equal(groups[0].name, "dbcrowd");
	assert_string_equal(groups[1].name, "dbgood");
	assert_string_equal(groups[2].name, "dbteam");
	assert_int_equal(groups[2].gid, 61500);
	who(WHO_UNSET, "dbgood", false);
	assert_int_equal(is.uid, GOOD);
	assert_true(in_group("dbteam"));
	who(61999, "", true);
	assert_int_equal(is.status, WHO_UNKNOWN);
	assert_int_equal(is.acct_status, WHO_UNKNOWN);
	assert_int_not_equal(is.pam_code, 0);
	who(WHO_UNSET, "dbnobody", true);
	assert_int_equal(is.status, WHO_UNKNOWN);
}

static void test_acct(void **state)
{
	(void)state;
	who(GOOD, "", true);
	assert_int_equal(is.acct_status, WHO_OK);
	assert_int_equal(is.pam_code, 0);
	who(WHO_UNSET, "dbgood", true);
	assert_int_equal(is.pam_code, 0);
	who(EXPIRED, "", true);
	assert_int_equal(is.status, WHO_OK);
	assert_int_equal(is.acct_status, WHO_OK);
	/* 13 of pam_unix, where common-account does not end in pam_deny. */
	assert_true(is.pam_code == 13 || is.pam_code == 7);
	assert_non_null(strstr(is.text, "expired"));
	who(EXPIRED, "", false);
	assert_int_equal(is.status, WHO_OK);
	assert_string_equal(is.text, "");
}

static void test_nologin(void **state)
{
	(void)state;
	put("/etc/nologin", "w", "closed for repairs\n");
	who(GOOD, "", true);
	assert_int_not_equal(is.pam_code, 0);
	assert_non_null(strstr(is.text, "closed for repairs"));
	who(0, "", true);
	assert_int_equal(is.pam_code, 0);
	assert_int_equal(unlink("/etc/nologin"), 0);
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
}

static void test_bad_modules(void **state)
{
	(void)state;
	who(CRASH, "", true);
	assert_int_equal(is.status, WHO_ERROR);
	assert_int_equal(is.acct_status, WHO_ERROR);
	who(EXITS, "", true);
	assert_int_equal(is.acct_status, WHO_ERROR);
	who(TALK, "", true);
	assert_int_equal(is.acct_status, WHO_OK);
	assert_int_equal(is.pam_code, 6);
	assert_int_equal(strlen(is.text), BOUND_PAM_TEXT - 1);
	who(PROMPT, "", true);
	assert_int_equal(is.acct_status, WHO_OK);
	assert_int_not_equal(is.pam_code, 0);
	who(LEAVE, "", true);
	assert_int_equal(is.pam_code, 0);
	assert_true(children_become(daemon_pid, 0));
	who(CRASH, "", false);
	assert_int_equal(is.status, WHO_OK);
}

static void test_hang(void **state)
{
	int64_t start = now_ms();
	uint64_t mine;

	(void)state;
	mine = who_tell(HANG, "", true);
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
	who(HANG, "", false);
	assert_int_equal(is.status, WHO_OK);
	assert_true(now_ms() - start < DEADLINE);
	assert_true(who_hear(5000));
	assert_int_equal(is.serial, mine);
	assert_int_equal(is.acct_status, WHO_TIMEOUT);
	assert_int_not_equal(is.pam_code, 0);
	assert_true(now_ms() - start >= DEADLINE);
	assert_true(now_ms() - start < DEADLINE + 3000);
	assert_true(children_become(daemon_pid, 0));
	assert_int_equal(sleepers(), 0);
}

/* 200 asks share one child, and do not delay anybody. */
static void test_shared(void **state)
{
	uint64_t first = serial + 1;
	bool seen[200] = { false };
	int64_t start = now_ms();

	(void)state;
	for (int i = 0; i < 200; i++)
		who_tell(HANG, "", true);
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
	assert_true(now_ms() - start < DEADLINE);
	assert_true(children_become(daemon_pid, 1));
	for (int i = 0; i < 200; i++) {
		assert_true(who_hear(5000));
		assert_int_equal(is.acct_status, WHO_TIMEOUT);
		assert_true(is.serial >= first && is.serial < first + 200);
		assert_false(seen[is.serial - first]);
		seen[is.serial - first] = true;
	}
	assert_true(now_ms() - start < DEADLINE + 3000);
}

/* More hang than there are slots: everybody is answered, and it heals. */
static void test_slots(void **state)
{
	size_t timeouts = 0, busy = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		who_tell(HANG + i, "", true);
	for (unsigned i = 0; i < 60; i++) {
		assert_true(who_hear(5000));
		timeouts += is.acct_status == WHO_TIMEOUT;
		busy += is.acct_status == WHO_BUSY;
	}
	assert_int_equal(timeouts + busy, 60);
	assert_true(timeouts >= AUTHD_CHILDREN);
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
	assert_true(children_become(daemon_pid, 0));
	assert_int_equal(sleepers(), 0);
}

static size_t members(const char *name, uint32_t *uids, uint32_t *status)
{
	struct msg_group_ask ask = { .serial = ++serial };
	struct msg_group_is part = { .more = 1 };
	const struct member *m;
	const void *body;
	size_t total = 0, n;
	enum msg id;

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	tell(sock, MSG_GROUP_ASK, &ask, sizeof(ask));
	while (part.more) {
		id = hear(sock, 5000, &body, &n);
		if (id == MSG_NSS_CHANGED)
			continue;
		assert_int_equal(id, MSG_GROUP_IS);
		memcpy(&part, body, sizeof(part));
		assert_int_equal(part.serial, serial);
		assert_int_equal(n, sizeof(part) + part.n * sizeof(*m));
		m = (const void *)((const char *)body + sizeof(part));
		for (size_t i = 0; i < part.n; i++)
			uids[total++] = m[i].uid;
	}
	*status = part.status;
	return total;
}

static int uid_order(const void *a, const void *b)
{
	return (*(const uint32_t *)a > *(const uint32_t *)b) -
	    (*(const uint32_t *)a < *(const uint32_t *)b);
}

static void test_group(void **state)
{
	uint32_t uids[4096], status;

	(void)state;
	assert_int_equal(members("dbteam", uids, &status), 2);
	assert_int_equal(status, WHO_OK);
	assert_int_equal(uids[0], GOOD);
	assert_int_equal(uids[1], TALK);
	assert_int_equal(members("dbempty", uids, &status), 0);
	assert_int_equal(status, WHO_OK);
	assert_int_equal(members("dbnogroup", uids, &status), 0);
	assert_int_equal(status, WHO_UNKNOWN);
	/* One from the list only, one in both, the rest by primary group. */
	assert_int_equal(members("dbcrowd", uids, &status), 1501);
	assert_int_equal(status, WHO_OK);
	qsort(uids, 1501, sizeof(*uids), uid_order);
	assert_int_equal(uids[0], GOOD);
	for (uint32_t i = 0; i < 1500; i++)
		assert_int_equal(uids[i + 1], CROWD + i);
}

static bool hear_change(int ms)
{
	int64_t end = now_ms() + ms;
	const void *body;
	size_t n;

	while (now_ms() < end)
		if (hear(sock, end - now_ms(), &body, &n) == MSG_NSS_CHANGED)
			return true;
	return false;
}

static int cgroup_ask(struct msg_cgroup_ask ask)
{
	struct msg_cgroup_is m;
	const void *body;
	enum msg id;
	size_t n;

	ask.serial = ++serial;
	tell(sock, MSG_CGROUP_ASK, &ask, sizeof(ask));
	do
		id = hear(sock, 5000, &body, &n);
	while (id == MSG_NSS_CHANGED);
	assert_int_equal(id, MSG_CGROUP_IS);
	memcpy(&m, body, sizeof(m));
	assert_true(m.serial == serial && m.uid == ask.uid);
	assert_true(msg_text(m.text, sizeof(m.text)) == 0 || m.status);
	return m.status;
}

/* The daemon as it is confined, with a tree and a systemctl of our own. */
static void test_cgroup(void **state)
{
	struct msg_cgroup_ask ask = {
		.uid = GOOD, .driver = CGROUP_CGROUPFS, .memory = -1,
		.nano_cpus = -1, .pids = 5
	};
	const char *file = "/sys/fs/cgroup/pids/dockbroker/61001/pids.max";
	struct stat st;

	(void)state;
	assert_int_equal(mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, ""), 0);
	assert_true(cgroup_ask(ask) == ENOENT && !mkdir("/sys/fs/cgroup/pids", 0755));
	assert_int_equal(cgroup_ask(ask), ENOENT);
	put(file, "w", "%s", "");
	assert_int_equal(cgroup_ask(ask), 0);
	assert_true(stat(file, &st) == 0 && st.st_size == 1);
	assert_int_equal(umount2("/sys/fs/cgroup", MNT_DETACH), 0);
	ask.driver = CGROUP_SYSTEMD;
	put(in_dir("systemctl"), "w", "#!/bin/sh\nexit 4\n");
	chmod(in_dir("systemctl"), 0755);
	if (mount(in_dir("systemctl"), "/usr/bin/systemctl", NULL, MS_BIND, NULL) == 0) {
		assert_int_equal(cgroup_ask(ask), EIO);
		put(in_dir("systemctl"), "w", "#!/bin/sh\nexit 0\n");
		assert_int_equal(cgroup_ask(ask), 0);
		put(in_dir("systemctl"), "w", "#!/bin/sh\nexec sleep 60.0625\n");
		assert_int_equal(cgroup_ask(ask), ETIMEDOUT);
		assert_true(children_become(daemon_pid, 0) && sleepers() == 0);
		umount2("/usr/bin/systemctl", MNT_DETACH);
	}
}

static void test_change(void **state)
{
	(void)state;
	while (hear_change(1500))
		;
	who(GOOD, "", false);
	assert_false(in_group("dbnew"));
	put("/etc/hosts", "a", "# nothing to us\n");
	assert_false(hear_change(1500));
	assert_int_equal(system("cp /etc/group /etc/group+ && "
	    "echo dbnew:x:61510:dbgood >>/etc/group+ && "
	    "mv /etc/group+ /etc/group"), 0);
	assert_true(hear_change(3000));
	who(GOOD, "", false);
	assert_true(in_group("dbnew"));
	/* A mount over the file is nothing that inotify tells. */
	assert_int_equal(system("grep -v dbnew /etc/group >/tmp/group.$$ && "
	    "cp /tmp/group.$$ /run/dbgroup && rm /tmp/group.$$ && "
	    "mount --bind /run/dbgroup /etc/group"), 0);
	assert_true(hear_change(3000));
	who(GOOD, "", false);
	assert_false(in_group("dbnew"));
	assert_int_equal(umount("/etc/group"), 0);
	unlink("/run/dbgroup");
	assert_true(hear_change(3000));
}

/* After the broken message the connection ends. */
static void breach(enum msg id, const void *body, size_t n)
{
	const void *in;
	size_t nin;

	tell(sock, id, body, n);
	while (hear(sock, 5000, &in, &nin) == MSG_NSS_CHANGED)
		;
	assert_true(recv(sock, packet, sizeof(packet), MSG_DONTWAIT) <= 0 &&
	    errno != EAGAIN);
	close(sock);
	sock = try_connect();
	assert_true(sock >= 0);
	assert_true(hello(sock));
}

static void test_breach(void **state)
{
	struct msg_who_ask ask = { .uid = GOOD, .name = "x" };
	struct msg_group_ask group = { .serial = 1 };
	struct msg_hello again = { .version = MSG_VERSION };
	struct msg_cgroup_ask cgroup = { .uid = WHO_UNSET, .driver = CGROUP_SYSTEMD };

	(void)state;
	breach(MSG_CGROUP_ASK, &cgroup, sizeof(cgroup));
	cgroup = (struct msg_cgroup_ask){ .uid = GOOD, .driver = CGROUP_NONE };
	breach(MSG_CGROUP_ASK, &cgroup, sizeof(cgroup));
	breach(MSG_WHO_ASK, &ask, sizeof(ask));		/* both uid and name */
	ask = (struct msg_who_ask){ .uid = WHO_UNSET };
	breach(MSG_WHO_ASK, &ask, sizeof(ask));		/* neither */
	ask = (struct msg_who_ask){ .uid = GOOD, .tty = "../mem" };
	breach(MSG_WHO_ASK, &ask, sizeof(ask));
	ask = (struct msg_who_ask){ .uid = GOOD, .acct = 2 };
	breach(MSG_WHO_ASK, &ask, sizeof(ask));
	memset(ask.tty, 'a', sizeof(ask.tty));
	ask.acct = 1;
	breach(MSG_WHO_ASK, &ask, sizeof(ask));		/* not terminated */
	breach(MSG_WHO_ASK, &ask, sizeof(ask) - 1);
	breach(MSG_GROUP_ASK, &group, sizeof(group));
	breach(MSG_HELLO, &again, sizeof(again));	/* twice */
	breach(MSG_AUTHD_READY, &again, sizeof(again));
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
}

static void test_newest_wins(void **state)
{
	struct msg_who_ask ask = { .uid = GOOD };
	int idle, asks, second;
	const void *body;
	size_t n;

	(void)state;
	idle = try_connect();
	assert_true(idle >= 0);
	who(GOOD, "", false);		/* an idle connection disturbs nobody */
	asks = try_connect();
	assert_true(asks >= 0);
	tell(asks, MSG_WHO_ASK, &ask, sizeof(ask));	/* without HELLO */
	assert_int_equal(hear(asks, 5000, &body, &n), MSG_NONE);
	close(asks);
	close(idle);
	who(GOOD, "", false);
	who_tell(HANG, "", true);
	second = try_connect();
	assert_true(second >= 0);
	assert_true(hello(second));
	assert_int_equal(hear(sock, 5000, &body, &n), MSG_NONE);
	close(sock);
	sock = second;
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
	assert_false(who_hear(DEADLINE + 500));	/* the old one's ask is nobody's */
}

/* In a child with that uid: 0 served, 1 cannot connect, 2 refused. */
static int as_uid(uint32_t uid)
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(uid) || setuid(uid))
			_exit(9);
		fd = try_connect();
		if (fd < 0)
			_exit(1);
		struct msg_hello m = { .version = MSG_VERSION };
		uint32_t h[2] = { MSG_HELLO, sizeof(m) };
		char out[sizeof(h) + sizeof(m)];
		memcpy(out, h, sizeof(h));
		memcpy(out + sizeof(h), &m, sizeof(m));
		(void)!send(fd, out, sizeof(out), MSG_NOSIGNAL);
		_exit(recv(fd, packet, sizeof(packet), 0) > 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_peers(void **state)
{
	(void)state;
	assert_int_equal(as_uid(GOOD), 1);
	assert_int_equal(as_uid(BROKER), 0);
	assert_int_equal(chmod(in_dir("run/authd.sock"), 0666), 0);
	assert_int_equal(as_uid(GOOD), 2);
	close(sock);
	sock = try_connect();
	assert_true(sock >= 0);
	assert_true(hello(sock));
}

static void test_reload(void **state)
{
	int64_t start;

	(void)state;
	put(in_dir("dockbroker.conf"), "a", "nonsense 1\n");
	kill(daemon_pid, SIGHUP);
	pause_ms(200);
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
	put(in_dir("dockbroker.conf"), "w", "run-dir %s/run\nbroker-user %d\n"
	    "account-time 300ms\n", dir, BROKER);
	kill(daemon_pid, SIGHUP);
	pause_ms(200);
	start = now_ms();
	who(HANG, "", true);
	assert_int_equal(is.acct_status, WHO_TIMEOUT);
	assert_true(now_ms() - start < DEADLINE);
	put(in_dir("dockbroker.conf"), "w", "run-dir %s/run\nbroker-user %d\n"
	    "account-time %dms\n", dir, BROKER, DEADLINE);
	kill(daemon_pid, SIGHUP);
	pause_ms(200);
}

/* Its children go with the daemon, however it ends. */
static void test_end(void **state)
{
	int status;

	(void)state;
	who_tell(HANG, "", true);
	pause_ms(200);
	assert_int_equal(sleepers(), 1);
	status = daemon_end(SIGTERM);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(sleepers(), 0);
	assert_int_equal(access(in_dir("run/authd.sock"), F_OK), -1);
	daemon_start();
	who(GOOD, "", true);
	status = daemon_end(SIGKILL);
	assert_true(WIFSIGNALED(status));
	daemon_start();				/* over the stale socket */
	who(GOOD, "", true);
	assert_int_equal(is.pam_code, 0);
}

/* ---- the stage ---- */

static int setup(void **state)
{
	char options[256], up[64], work[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "mode=0755"), 0);
	snprintf(up, sizeof(up), "%s/up", dir);
	snprintf(work, sizeof(work), "%s/work", dir);
	assert_int_equal(mkdir(up, 0755) | mkdir(work, 0755) |
	    mkdir(in_dir("run"), 0711), 0);
	snprintf(options, sizeof(options), "lowerdir=/etc,upperdir=%s,workdir=%s",
	    up, work);
	assert_int_equal(mount("overlay", "/etc", "overlay", 0, options), 0);
	make_users();
	make_service();
	put(in_dir("dockbroker.conf"), "w", "run-dir %s/run\nbroker-user %d\n"
	    "account-time %dms\ndebug %s\n", dir, BROKER, DEADLINE,
	    getenv("VERBOSE") ? "yes" : "no");
	daemon_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (daemon_pid > 0)
		kill(daemon_pid, SIGTERM);
	while (waitpid(-1, NULL, 0) > 0)
		;
	umount2("/etc", MNT_DETACH);
	umount2(dir, MNT_DETACH);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_privileges),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_acct),
		cmocka_unit_test(test_nologin),
		cmocka_unit_test(test_bad_modules),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_breach),
		cmocka_unit_test(test_newest_wins),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_end),
	};

	/* 77: automake's word for a test that cannot run here. */
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	return cmocka_run_group_tests(tests, setup, teardown);
}
