/*
 * splice.c: bytes of long streams, from socket to socket without a copy: pages
 * are handed on through a pipe, which costs half the CPU time of read and
 * write.  The pipe is empty whenever a function here returns, so one is enough
 * for all.  Short messages are cheaper to copy: a direction is `bulk' while
 * its reads are large.  Without a pipe everything is read and written.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/broker.h"

#define BULK		(32 * 1024)	/* bytes of a read from which on it pays */
#define ROOM_LEAST	(32 * 1024)	/* a little is copied rather than a loop of crumbs */

void splice_start(struct broker *b)
{
	b->pipe[0] = b->pipe[1] = -1;
	if (pipe2(b->pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
		b->pipe[0] = b->pipe[1] = -1;
		return;
	}
	/* Refused: the pipe is smaller, and bytes move in smaller steps. */
	(void)fcntl(b->pipe[1], F_SETPIPE_SZ, BOUND_RELAY);
}

void splice_stop(struct broker *b)
{
	close_fd(&b->pipe[0]);
	close_fd(&b->pipe[1]);
}

bool splice_pays(const struct broker *b, size_t last)
{
	return last >= BULK && b->pipe[0] >= 0;
}

/* How much it takes now; what it does not take would have to be copied.  Never
 * more than max: what follows a body is the next request, and not judged yet. */
static size_t room(int fd, size_t max)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t n = sizeof(info);
	size_t least = max < ROOM_LEAST ? max : ROOM_LEAST;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n) < 0 ||
	    n < sizeof(info) || info[SK_MEMINFO_SNDBUF] < info[SK_MEMINFO_WMEM_ALLOC])
		return least;
	n = info[SK_MEMINFO_SNDBUF] - info[SK_MEMINFO_WMEM_ALLOC];
	return n < least ? least : n < max ? n : max;
}

/* The rest out of the pipe. */
static bool keep(struct broker *b, size_t n, struct buf *rest)
{
	while (n) {
		char *p = buf_room(rest, n);
		ssize_t k = p ? read(b->pipe[0], p, n) : -1;
		if (k < 0 && p && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		buf_grew(rest, (size_t)k);
		n -= (size_t)k;
	}
	return true;
}

/* What is left in the pipe must not reach anybody else. */
static ssize_t spoilt(struct broker *b)
{
	splice_stop(b);
	splice_start(b);
	return SPLICE_TARGET;
}

/* Moves up to max bytes; what `to' does not take is added to rest. */
static ssize_t move(struct broker *b, struct source *from, struct source *to,
    size_t max, struct buf *rest)
{
	ssize_t n = splice(from->fd, NULL, b->pipe[1], NULL, room(to->fd, max),
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	size_t left = n > 0 ? (size_t)n : 0;

	if (n < 0 && errno == EAGAIN)
		source_clear(from, EPOLLIN);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? SPLICE_NONE : SPLICE_SOURCE;
	while (left) {
		ssize_t k = splice(b->pipe[0], NULL, to->fd, NULL, left,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN) {
			source_clear(to, EPOLLOUT);
			return keep(b, left, rest) ? n : spoilt(b);
		}
		if (k <= 0)
			return spoilt(b);
		left -= (size_t)k;
	}
	return n;
}

ssize_t splice_up(struct client *c, uint64_t max)
{
	ssize_t n = move(c->broker, &c->source, &c->link->source,
	    max < BOUND_RELAY ? (size_t)max : BOUND_RELAY, &c->link->out);

	if (n > 0)
		c->request->received += (uint64_t)n;
	if (n != SPLICE_NONE)
		c->up_bulk = n > 0 && splice_pays(c->broker, (size_t)n * 2);
	return n;
}

ssize_t splice_down(struct client *c, uint64_t max)
{
	ssize_t n = move(c->broker, &c->link->source, &c->source,
	    max < BOUND_RELAY ? (size_t)max : BOUND_RELAY, &c->out);

	if (n > 0)
		c->request->sent += (uint64_t)n;
	if (n != SPLICE_NONE)
		c->down_bulk = n > 0 && splice_pays(c->broker, (size_t)n * 2);
	if (c->out.len)
		client_stalls(c);
	return n;
}
