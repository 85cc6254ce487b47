/*
 * control.c: one question to the broker over its control socket, blocking.
 * The answer comes from a daemon of ours; its size is bounded all the same.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"

#define ANSWER_TIME	15000	/* ms; the broker's own limits are shorter */

static const char *control_path(void)
{
	const char *path = getenv("DOCKBROKER_CONTROL");

	return path && *path ? path : "/run/dockbroker/control.sock";
}

static int control_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = control_path();
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
	} else {
		memcpy(a.sun_path, path, strlen(path));
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
			return fd;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool control_send(int fd, const struct msg_ctl_ask *ask)
{
	struct { uint32_t id, length; struct msg_ctl_ask ask; } m = {
		MSG_CTL_ASK, sizeof(*ask), *ask
	};

	return send(fd, &m, sizeof(m), MSG_NOSIGNAL) == (ssize_t)sizeof(m);
}

/* One packet; false with *why when there is none. */
static bool control_receive(int fd, char *packet, size_t size, enum msg *id,
    struct slice *body, const char **why)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, ANSWER_TIME) <= 0) {
		*why = "it does not answer";
		return false;
	}
	ssize_t n = recv(fd, packet, size, 0);
	if (n <= 0) {
		*why = "it closed the connection";
		return false;
	}
	if (msg_check((struct slice){ packet, (size_t)n }, 0, PARTY_BROKER,
	    PARTY_CLI, id, body) != MSG_GOOD) {
		*why = "its answer cannot be read; are both of the same version?";
		return false;
	}
	return true;
}

int control_ask(const struct msg_ctl_ask *ask, struct buf *answer)
{
	static char packet[MSG_HEADER + MSG_CTL_CHUNK];
	struct msg_ctl_end end;
	struct slice body;
	const char *why = "";
	enum msg id;
	_cleanup_(close_fd) int fd = control_connect();

	if (fd < 0) {
		fprintf(stderr, "dockbroker: the broker cannot be reached at %s: %s\n",
		    control_path(), strerror(errno));
		return -1;
	}
	if (!control_send(fd, ask)) {
		fprintf(stderr, "dockbroker: the broker takes no question: %s\n",
		    strerror(errno));
		return -1;
	}
	while (control_receive(fd, packet, sizeof(packet), &id, &body, &why)) {
		if (id == MSG_CTL_TEXT) {
			buf_adds(answer, body);
			continue;
		}
		memcpy(&end, body.p, sizeof(end));
		return end.code;
	}
	fprintf(stderr, "dockbroker: no answer of the broker: %s\n", why);
	return -1;
}

void print_safe(FILE *f, struct slice s)
{
	for (size_t i = 0; i < s.n; ) {
		size_t n = utf8_char((struct slice){ s.p + i, s.n - i });
		unsigned char c = (unsigned char)s.p[i];
		/* C1 controls are two bytes in UTF-8: C2 80 to C2 9F. */
		bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ||
		    !n || (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0);
		if (control)
			fputc('?', f);
		else
			fwrite(s.p + i, 1, n, f);
		i += n ? n : 1;
	}
}

bool want_color(FILE *f)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}
