/*
 * flow.c: bytes in and out of a source, for clients and the Engine alike.
 * Never blocks; what the other side does not take waits in the given buffer.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/broker.h"

#define GONE	(EPOLLHUP | EPOLLERR)

ssize_t source_read(struct source *s, char *p, size_t n)
{
	ssize_t r = read(s->fd, p, n);

	if (r < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (errno == EAGAIN)
			source_clear(s, EPOLLIN);
		return -1;
	}
	if (r < 0)
		return -2;
	/* A short read has emptied the socket: the next bytes are a new edge. */
	if (r > 0 && (size_t)r < n && !(s->ready & (EPOLLRDHUP | GONE)))
		source_clear(s, EPOLLIN);
	return r;
}

ssize_t source_write(struct source *s, struct slice a, struct slice b)
{
	struct iovec v[2] = {
		{ (void *)(uintptr_t)a.p, a.n }, { (void *)(uintptr_t)b.p, b.n }
	};
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	ssize_t r = b.n ? sendmsg(s->fd, &m, MSG_NOSIGNAL) :
	    send(s->fd, a.p, a.n, MSG_NOSIGNAL);

	if (r < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (errno == EAGAIN)
			source_clear(s, EPOLLOUT);
		return 0;
	}
	if (r < 0)
		return -1;
	return r;
}

bool out_send(struct source *s, struct buf *out, struct slice a, struct slice b)
{
	ssize_t n = 0;

	if (!out->len) {
		n = source_write(s, a, b);
		if (n < 0)
			return false;
	}
	size_t first = (size_t)n < a.n ? (size_t)n : a.n;
	size_t second = (size_t)n - first;
	if (first < a.n)
		buf_add(out, a.p + first, a.n - first);
	if (second < b.n)
		buf_add(out, b.p + second, b.n - second);
	return buf_ok(out);
}

bool out_flush(struct source *s, struct buf *out)
{
	while (out->len) {
		ssize_t n = source_write(s, buf_slice(out), SLICE_NONE);
		if (n < 0)
			return false;
		if (!n)
			return true;
		buf_eat(out, (size_t)n);
	}
	return true;
}
