/*
 * wicked.c: what the guard's tests need of an attacker, as one static program that
 * runs on the host and in containers: wicked VERB ARGUMENT...  Exits 0 when
 * the thing was done; says why not on stderr.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int bad(const char *what)
{
	fprintf(stderr, "wicked: %s: %s\n", what, strerror(errno));
	return 1;
}

static int copy_out(int fd)
{
	char b[64];
	ssize_t n = read(fd, b, sizeof(b));

	if (n < 0)
		return bad("read");
	return write(STDOUT_FILENO, b, (size_t)n) == n ? 0 : 1;
}

/* id: who am I in effect, and with which capabilities? */
static int do_id(char **arg)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	(void)arg;
	printf("euid=%d\n", (int)geteuid());
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "CapEff:", 7) == 0)
			fputs(line, stdout);
	return 0;
}

/* cat FILE: with whatever rights this program has got */
static int do_cat(char **arg)
{
	int fd = open(arg[0], O_RDONLY | O_CLOEXEC);

	return fd < 0 ? bad(arg[0]) : copy_out(fd);
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    chmod(path, 0777) < 0 || listen(fd, 5) < 0)
		return -1;
	alarm(20);
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

/* sendfd SOCKET FILE: opens nothing for reading, so no device cgroup looks */
static int do_sendfd(char **arg)
{
	union { struct cmsghdr c; char room[CMSG_SPACE(sizeof(int))]; } u;
	struct iovec io = { .iov_base = "x", .iov_len = 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u.room) };
	int s = connect_to(arg[0]), fd = open(arg[1], O_PATH | O_CLOEXEC);

	if (s < 0 || fd < 0)
		return bad("sendfd");
	memset(&u, 0, sizeof(u));
	u.c.cmsg_level = SOL_SOCKET;
	u.c.cmsg_type = SCM_RIGHTS;
	u.c.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.c), &fd, sizeof(fd));
	return sendmsg(s, &m, 0) == 1 ? 0 : bad("sendmsg");
}

/* recvfd SOCKET: opens again what came, and prints it */
static int do_recvfd(char **arg)
{
	union { struct cmsghdr c; char room[CMSG_SPACE(sizeof(int))]; } u;
	char x, path[64];
	struct iovec io = { .iov_base = &x, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u.room) };
	int fd, c, s = listen_at(arg[0]);

	if (s < 0 || (c = accept(s, NULL, NULL)) < 0)
		return bad("recvfd");
	if (recvmsg(c, &m, 0) != 1 || m.msg_controllen < CMSG_LEN(sizeof(int)))
		return bad("nothing came");
	memcpy(&fd, CMSG_DATA(&u.c), sizeof(fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? bad("reopen") : copy_out(fd);
}

/* serve SOCKET FILE: a service of root's that believes uid 0; one client each */
static int do_serve(char **arg)
{
	struct ucred u;
	socklen_t n = sizeof(u);
	char b[64];
	int c, fd, s = listen_at(arg[0]);
	ssize_t len;

	while (s >= 0 && (c = accept(s, NULL, NULL)) >= 0) {
		if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n) == 0 &&
		    u.uid == 0 && (fd = open(arg[1], O_RDONLY)) >= 0) {
			len = read(fd, b, sizeof(b));
			if (len > 0 && write(c, b, (size_t)len) < 0)
				break;
			close(fd);
		}
		close(c);
	}
	return bad("serve");
}

static int do_connect(char **arg)
{
	int s = connect_to(arg[0]);

	return s < 0 ? bad("connect") : copy_out(s);
}

/* ping SOCKET: an Engine's? */
static int do_ping(char **arg)
{
	static const char get[] = "GET /_ping HTTP/1.0\r\n\r\n";
	char b[1024];
	int s = connect_to(arg[0]);
	ssize_t n;

	if (s < 0 || write(s, get, sizeof(get) - 1) < 0)
		return bad("connect");
	while ((n = read(s, b, sizeof(b))) > 0)
		if (write(STDOUT_FILENO, b, (size_t)n) != n)
			return 1;
	return 0;
}

/* setcap FILE: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, in effect */
static int do_setcap(char **arg)
{
	static const uint32_t v2[5] = { 0x02000001, 0x06, 0, 0, 0 };

	return setxattr(arg[0], "security.capability", v2, sizeof(v2), 0) < 0 ?
	    bad("setxattr security.capability") : 0;
}

static int do_setxattr(char **arg)
{
	return setxattr(arg[0], arg[1], arg[2], strlen(arg[2]), 0) < 0 ?
	    bad("setxattr") : 0;
}

/* acl FILE UID: lets UID read and write */
static int do_acl(char **arg)
{
	struct { uint16_t tag, perm; uint32_t id; } e[5] = {
		{ 0x01, 6, UINT32_MAX }, { 0x02, 6, (uint32_t)strtol(arg[1], NULL, 10) },
		{ 0x04, 0, UINT32_MAX }, { 0x10, 6, UINT32_MAX },
		{ 0x20, 0, UINT32_MAX } };
	char b[4 + sizeof(e)] = { 2 };

	memcpy(b + 4, e, sizeof(e));
	return setxattr(arg[0], "system.posix_acl_access", b, sizeof(b), 0) < 0 ?
	    bad("setxattr posix_acl_access") : 0;
}

/* tmpfile DIR FILE: this program, 4755, by O_TMPFILE and linkat */
static int do_tmpfile(char **arg)
{
	char b[65536], path[64];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = open(arg[0], O_TMPFILE | O_WRONLY | O_CLOEXEC, 0755);

	if (in < 0 || fd < 0)
		return bad("O_TMPFILE");
	while ((n = read(in, b, sizeof(b))) > 0)
		if (write(fd, b, (size_t)n) != n)
			return bad("write");
	if (fchmod(fd, 04755) < 0)
		return bad("fchmod");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, arg[1], AT_SYMLINK_FOLLOW) < 0 ?
	    bad("linkat") : 0;
}

/* swap A B SECONDS: exchanges the two all the time */
static int do_swap(char **arg)
{
	time_t end = time(NULL) + strtol(arg[2], NULL, 10);

	while (time(NULL) < end)
		if (renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1],
		    RENAME_EXCHANGE) < 0)
			return bad("renameat2");
	return 0;
}

/* tree DIR COUNT: so many small files, as package managers leave them */
static int do_tree(char **arg)
{
	char path[PATH_MAX];
	long n = strtol(arg[1], NULL, 10);

	for (long i = 0; i < n; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%ld", arg[0], i / 100);
		if (i % 100 == 0 && mkdir(path, 0755) < 0)
			return bad(path);
		snprintf(path, sizeof(path), "%s/%ld/%ld.js", arg[0], i / 100, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, path, 40) != 40)
			return bad(path);
		close(fd);
	}
	return 0;
}

/* remount DIR: for writing, with setuid and devices */
static int do_remount(char **arg)
{
	return mount("none", arg[0], NULL, MS_REMOUNT | MS_BIND, NULL) < 0 ?
	    bad("remount") : 0;
}

static const struct {
	const char *name;
	int nargs;
	int (*run)(char **arg);
} verbs[] = {
	{ "id", 0, do_id }, { "cat", 1, do_cat },
	{ "sendfd", 2, do_sendfd }, { "recvfd", 1, do_recvfd },
	{ "serve", 2, do_serve }, { "connect", 1, do_connect },
	{ "ping", 1, do_ping },
	{ "setcap", 1, do_setcap }, { "setxattr", 3, do_setxattr },
	{ "acl", 2, do_acl }, { "tmpfile", 2, do_tmpfile },
	{ "swap", 3, do_swap }, { "remount", 1, do_remount },
	{ "tree", 2, do_tree },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0 &&
		    verbs[i].nargs == argc - 2)
			return verbs[i].run(argv + 2);
	fprintf(stderr, "wicked: unknown verb\n");
	return 64;
}
