/*
 * activate.c: starts a daemon as systemd would: with listening sockets from
 * descriptor 3 on, their names, and somebody who hears its notifications.
 *
 *	activate [-n FILE] NAME=TYPE:MODE:UID:PATH... -- COMMAND...
 *
 * TYPE is stream or seqpacket, MODE octal, UID the owner of the socket file.
 * -n: what the daemon tells the service manager is appended to FILE.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST	3
#define MAX	16

static void die(const char *what)
{
	fprintf(stderr, "activate: ");
	perror(what);
	exit(1);
}

static int bound(int type, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		die(path);
	memcpy(a.sun_path, path, strlen(path));
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die(path);
	return fd;
}

/* One NAME=TYPE:MODE:UID:PATH as descriptor `want'. */
static void open_one(char *spec, int want, char *names, size_t size)
{
	char *type = strchr(spec, '='), *path, *end = NULL;
	size_t used = strlen(names);
	int fd;

	if (!type)
		die(spec);
	*type++ = '\0';
	path = strchr(type, ':');
	if (!path)
		die(spec);
	*path++ = '\0';
	unsigned long mode = strtoul(path, &end, 8);
	unsigned long uid = strtoul(*end ? end + 1 : end, &end, 10);
	path = *end ? end + 1 : end;
	fd = bound(strcmp(type, "stream") ? SOCK_SEQPACKET : SOCK_STREAM, path);
	if (chmod(path, (mode_t)mode) < 0 ||
	    chown(path, (uid_t)uid, (gid_t)-1) < 0 || listen(fd, 128) < 0)
		die(path);
	if (fd != want && (dup2(fd, want) < 0 || close(fd) < 0))
		die("dup2");
	snprintf(names + used, size - used, "%s%s", used ? ":" : "", spec);
}

/* A child that hears until we, or what we have become, is gone. */
static void hear(const char *file)
{
	char path[256], text[4096];
	int out = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int parent = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s.sock", file);
	fd = bound(SOCK_DGRAM, path);
	if (out < 0 || parent < 0 || chmod(path, 0666) < 0)
		die(path);
	setenv("NOTIFY_SOCKET", path, 1);
	if (fork() != 0) {
		close(fd);
		close(out);
		close(parent);
		return;
	}
	/* Nothing of the caller's is kept open: bats waits for its own. */
	for (int other = 0; other < 64; other++)
		if (other != fd && other != out && other != parent && other != 2)
			close(other);
	/* Not PR_SET_PDEATHSIG: a daemon that is no longer root may not. */
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = parent, .events = POLLIN }
	};
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents & POLLIN) {
			n = recv(fd, text, sizeof(text) - 1, 0);
			text[n < 0 ? 0 : n] = '\n';
			if (n < 0 || write(out, text, (size_t)n + 1) != n + 1)
				die(file);
		} else if (p[1].revents) {
			break;
		}
	}
	exit(0);
}

int main(int argc, char **argv)
{
	char names[1024] = "", number[16];
	int i = 1, n = 0;

	if (argc > 2 && !strcmp(argv[1], "-n")) {
		hear(argv[2]);
		i = 3;
	}
	/* Where the sockets go must be free while they are made. */
	for (int fd = FIRST; fd < FIRST + MAX; fd++)
		close(fd);
	for (; i < argc && strcmp(argv[i], "--") && n < MAX; i++, n++)
		open_one(argv[i], FIRST + n, names, sizeof(names));
	if (i + 1 >= argc) {
		fputs("usage: activate [-n FILE] NAME=TYPE:MODE:UID:PATH..."
		    " -- COMMAND...\n", stderr);
		return 64;
	}
	snprintf(number, sizeof(number), "%d", n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	execvp(argv[i + 1], argv + i + 1);
	die(argv[i + 1]);
}
