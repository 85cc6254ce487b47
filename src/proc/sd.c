/*
 * sd.c: what systemd passes to a service and wants to hear from it, by hand:
 * LISTEN_FDS and NOTIFY_SOCKET are two stable, documented protocols
 * (sd_listen_fds(3), sd_notify(3)).  The environment is the service
 * manager's; it is read once and taken out, so that no child mistakes it for
 * its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dockbroker/proc.h"

#define LISTEN_FIRST	3	/* SD_LISTEN_FDS_START */
#define LISTEN_MAX	1024

static uint64_t env_number(const char *name)
{
	uint64_t n = 0;

	if (!slice_number(slice_from(getenv(name)), INT32_MAX, &n))
		return 0;
	return n;
}

static void fd_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

size_t listen_fds(int first[], char names[][64], size_t max)
{
	struct slice list = slice_from(getenv("LISTEN_FDNAMES")), name;
	uint64_t count = env_number("LISTEN_FDS");
	size_t n = 0;

	if (env_number("LISTEN_PID") != (uint64_t)getpid())
		count = 0;
	if (count > LISTEN_MAX)
		count = LISTEN_MAX;
	for (int fd = LISTEN_FIRST; fd < LISTEN_FIRST + (int)count; fd++) {
		name = slice_cut(&list, ':');
		if (n == max) {
			close(fd);
			continue;
		}
		if (!name.n)
			name = SLICE("unknown");
		snprintf(names[n], sizeof(names[n]), "%.*s", SLICE_ARG(name));
		fd_prepare(fd);
		first[n++] = fd;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return n;
}

/* The address, kept after the variable is gone.  False: nobody to tell. */
static bool notify_address(struct sockaddr_un *out, socklen_t *len)
{
	static struct sockaddr_un kept;
	static socklen_t kept_len;
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n;

	if (path) {
		n = strlen(path);
		kept_len = 0;
		kept = (struct sockaddr_un){ .sun_family = AF_UNIX };
		if ((*path == '/' || *path == '@') && n > 1 &&
		    n < sizeof(kept.sun_path)) {
			memcpy(kept.sun_path, path, n);
			if (*path == '@')
				kept.sun_path[0] = '\0';
			kept_len = offsetof(struct sockaddr_un, sun_path) + n;
		}
		unsetenv("NOTIFY_SOCKET");
	}
	*out = kept;
	*len = kept_len;
	return kept_len > 0;
}

void notify_send(const char *state)
{
	_cleanup_(close_fd) int fd = -1;
	struct sockaddr_un a;
	socklen_t len;

	if (!notify_address(&a, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&a, len) < 0)
		log_warn("the service manager cannot be told our state: %s",
		    strerror(errno));
}

void notify_text(const char *fmt, ...)
{
	char text[512], state[512 + 16];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One assignment per line: the text must not bring its own. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	snprintf(state, sizeof(state), "STATUS=%s", text);
	notify_send(state);
}
