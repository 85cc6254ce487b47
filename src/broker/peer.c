/*
 * peer.c: who connected.  The kernel's word only: SO_PEERCRED and the pidfd of
 * the peer, then /proc of that process, read while the pidfd proves that it
 * still is the same one.  Whatever is unclear is refused.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/peer.h"

/* What fits of a small /proc file, NUL-terminated; "" when it cannot be read. */
static void proc_read(int dir, const char *name, char *out, size_t size)
{
	_cleanup_(close_fd) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = 0;
}

static uint32_t proc_number(int dir, const char *name)
{
	char text[32];

	proc_read(dir, name, text, sizeof(text));
	return text[0] ? (uint32_t)strtoul(text, NULL, 10) : WHO_UNSET;
}

/* "pid (comm) S ppid pgrp session tty_nr ... starttime": field 22. */
bool peer_parse_stat(char *text, struct who *w)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start;
	int tty;

	if (!open || !close || close < open)
		return false;
	if (sscanf(close + 1, " %*c %*d %*d %*d %d %*d %*u %*u %*u %*u %*u"
	    " %*u %*u %*d %*d %*d %*d %*d %*d %llu", &tty, &start) != 2)
		return false;
	*close = 0;
	snprintf(w->exe, sizeof(w->exe), "%s", open + 1);
	w->start = start;
	unsigned major = ((unsigned)tty >> 8) & 0xfff;
	unsigned minor = ((unsigned)tty & 0xff) | (((unsigned)tty >> 12) & 0xfff00);
	if (major >= 136 && major <= 143)
		snprintf(w->tty, sizeof(w->tty), "pts/%u",
		    (major - 136) * 256 + minor);
	else if (major == 4)
		snprintf(w->tty, sizeof(w->tty), minor < 64 ? "tty%u" : "ttyS%u",
		    minor < 64 ? minor : minor - 64);
	return true;
}

/* The last run of 64 hex digits in a cgroup path: a container's id. */
void peer_parse_cgroup(const char *text, char out[65])
{
	size_t run = 0;

	out[0] = 0;
	for (const char *p = text; ; p++) {
		if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')) {
			run++;
			continue;
		}
		if (run == 64) {
			memcpy(out, p - 64, 64);
			out[64] = 0;
		}
		run = 0;
		if (!*p)
			return;
	}
}

/* "NSpid:\t15230\t7": more than one number is another pid namespace. */
bool peer_parse_nspid(const char *fdinfo, bool *other)
{
	const char *line = strstr(fdinfo, "NSpid:");
	unsigned numbers = 0;
	bool in = false;

	if (!line)
		return false;
	for (line += 6; *line && *line != '\n'; line++) {
		bool digit = *line >= '0' && *line <= '9';
		if (digit && !in)
			numbers++;
		in = digit;
		if (*line == '-')
			return false;
	}
	*other = numbers != 1;
	return numbers > 0;
}

static bool alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* The largest id stands for "not mapped" in our user namespace. */
static uint32_t overflow_uid(void)
{
	static uint32_t uid;	/* a constant of the kernel, read once */

	if (!uid) {
		char text[32];
		_cleanup_(close_fd) int dir = open("/proc/sys/kernel",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		proc_read(dir, "overflowuid", text, sizeof(text));
		uid = text[0] ? (uint32_t)strtoul(text, NULL, 10) : 65534;
	}
	return uid;
}

static bool in_other_namespace(int pidfd, bool *known)
{
	char name[64], text[1024];
	bool other = true;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", pidfd);
	proc_read(AT_FDCWD, name, text, sizeof(text));
	*known = peer_parse_nspid(text, &other);
	return other;
}

void peer_own_container(char out[65])
{
	char text[8192];

	proc_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text));
	peer_parse_cgroup(text, out);
}

static int peer_read(const struct peer *p, struct who *w, const char *own,
    const char **why)
{
	char name[32], text[8192], container[65];

	snprintf(name, sizeof(name), "/proc/%d", (int)p->pid);
	_cleanup_(close_fd) int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		*why = "the calling process is gone, or hidden from the broker";
		return PEER_REFUSED;
	}
	proc_read(dir, "stat", text, sizeof(text));
	bool known = peer_parse_stat(text, w);
	w->loginuid = proc_number(dir, "loginuid");
	w->session = proc_number(dir, "sessionid");
	proc_read(dir, "cgroup", text, sizeof(text));
	peer_parse_cgroup(text, container);
	w->container = container[0] && strcmp(container, own) != 0;
	bool ns_known, other = in_other_namespace(p->pidfd, &ns_known);
	if (!known || !ns_known || !alive(p->pidfd)) {
		*why = "the calling process is gone";
		return PEER_REFUSED;
	}
	w->container |= other;
	return PEER_GOOD;
}

int peer_identify(int fd, bool containers, const char *own, struct who *w,
    const char **why)
{
	struct peer p = { .pidfd = -1 };
	int r = peer_get(fd, &p);
	_cleanup_(close_fd) int pidfd = r < 0 ? -1 : p.pidfd;

	*w = (struct who){ .uid = WHO_UNSET, .loginuid = WHO_UNSET,
	    .session = WHO_UNSET };
	if (r < 0) {
		*why = "the kernel does not tell who is calling";
		return PEER_REFUSED;
	}
	w->uid = p.uid;
	w->gid = p.gid;
	w->pid = p.pid;
	if (p.uid == WHO_UNSET || p.uid == overflow_uid()) {
		*why = "the caller's uid is not mapped on this host";
		return PEER_REFUSED;
	}
	if (p.pid <= 0) {
		/* Not visible from here: another pid namespace. */
		w->container = true;
	} else if (pidfd < 0) {
		*why = "the calling process is gone";
		return PEER_REFUSED;
	} else if ((r = peer_read(&p, w, own, why)) != PEER_GOOD) {
		return r;
	}
	if (w->container && !containers) {
		*why = "requests from a container or another pid namespace are"
		    " not accepted on this socket";
		return PEER_REFUSED;
	}
	return PEER_GOOD;
}
