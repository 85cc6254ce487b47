/*
 * chan.c: a channel of messages to another of our programs over
 * SOCK_SEQPACKET.  Every byte that is read was written by somebody who may
 * have been taken over: the packet is checked whole (msg_check), and the
 * first breach ends the channel.
 *
 * Invariants: c->waiting is not empty only while the kernel has no room;
 * closed() is called once, from the source's run, after the fd is closed;
 * memory of a channel that is running goes away in a task.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proc/proc_int.h"

#define CHAN_READS	32	/* messages read per turn: fair turns */

#define WANT_ALWAYS	(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* One message that waits, with fds of our own. */
struct packet {
	struct packet *next;
	size_t len, nfds;
	int fds[MSG_FDS_MAX];
	char data[];
};

struct chan {
	struct source src;
	struct task task;
	struct loop *loop;
	enum party me, peer;
	const struct chan_ops *ops;
	void *arg;
	struct packet *first, **last;
	size_t waiting, waiting_bytes;
	bool running;		/* in run(): the memory is still in use */
	bool deaf;		/* the peer does not take anything any more */
	bool gone;		/* closed or freed: call nobody */
};

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int) * (MSG_FDS_MAX + 1))];
};

/* ---- what waits ---- */

static void packet_free(struct packet *p)
{
	for (size_t i = 0; i < p->nfds; i++)
		close(p->fds[i]);
	free(p);
}

static void chan_drop_first(struct chan *c)
{
	struct packet *p = c->first;

	c->first = p->next;
	if (!c->first)
		c->last = &c->first;
	c->waiting--;
	c->waiting_bytes -= p->len;
	packet_free(p);
}

static void chan_drop_all(struct chan *c)
{
	while (c->first)
		chan_drop_first(c);
}

static int packet_new(const struct iovec *iov, size_t niov, const int *fds,
    size_t nfds, struct packet **out)
{
	struct packet *p;
	size_t len = 0;
	int r;

	for (size_t i = 0; i < niov; i++)
		len += iov[i].iov_len;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	p->next = NULL;
	p->len = p->nfds = 0;
	for (size_t i = 0; i < niov; i++) {
		if (iov[i].iov_len)
			memcpy(p->data + p->len, iov[i].iov_base,
			    iov[i].iov_len);
		p->len += iov[i].iov_len;
	}
	for (; p->nfds < nfds; p->nfds++) {
		p->fds[p->nfds] = fcntl(fds[p->nfds], F_DUPFD_CLOEXEC, 3);
		if (p->fds[p->nfds] < 0) {
			r = -errno;
			packet_free(p);
			return r;
		}
	}
	*out = p;
	return 0;
}

/* ---- sending ---- */

/* 0: sent; -EAGAIN: no room; -EPIPE: nobody reads; else our failure. */
static int packet_send(int fd, struct iovec *iov, size_t niov, const int *fds,
    size_t nfds)
{
	union control control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = niov };
	struct cmsghdr *h;
	ssize_t n;

	if (nfds) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	switch (errno) {
	case ECONNRESET:
	case ENOTCONN:
	case ECONNREFUSED:
		return -EPIPE;
	default:
		return -errno;
	}
}

static void chan_wants(struct chan *c)
{
	source_want(&c->src, WANT_ALWAYS | (c->first ? EPOLLOUT : 0));
}

/* Nothing can be sent any more.  What the peer has said before is still
 * read; the end is told from run(). */
static void chan_deaf(struct chan *c)
{
	c->deaf = true;
	chan_drop_all(c);
	chan_wants(c);
	source_again(&c->src);
}

static int chan_queue(struct chan *c, const struct iovec *iov, size_t niov,
    const int *fds, size_t nfds)
{
	struct packet *p = NULL;
	int r;

	if (c->waiting >= BOUND_MESSAGE_QUEUE ||
	    c->waiting_bytes >= BOUND_MESSAGE_WAIT)
		return CHAN_FULL;
	r = packet_new(iov, niov, fds, nfds, &p);
	if (r < 0)
		return r;
	*c->last = p;
	c->last = &p->next;
	c->waiting++;
	/* errno is never 0 here.
	 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	c->waiting_bytes += p->len;
	chan_wants(c);
	return CHAN_GOOD;
}

int chan_send(struct chan *c, enum msg id, const void *head, size_t nhead,
    const void *more, size_t nmore, const int *fds, size_t nfds)
{
	uint32_t header[2] = { id, (uint32_t)(nhead + nmore) };
	struct iovec iov[3] = {
		{ header, sizeof(header) },
		{ (void *)head, nhead },
		{ (void *)more, nmore },
	};
	int r;

	if (c->gone || c->deaf)
		return CHAN_CLOSED;
	if (!msg_permits(id, nhead + nmore, nfds, c->me, c->peer))
		return -EINVAL;
	if (c->first)
		return chan_queue(c, iov, 3, fds, nfds);
	r = packet_send(c->src.fd, iov, 3, fds, nfds);
	if (r == -EAGAIN) {
		source_clear(&c->src, EPOLLOUT);
		return chan_queue(c, iov, 3, fds, nfds);
	}
	if (r == -EPIPE) {
		chan_deaf(c);
		return CHAN_CLOSED;
	}
	return r;
}

static int chan_flush(struct chan *c)
{
	struct iovec iov;
	int r;

	while (c->first) {
		iov.iov_base = c->first->data;
		iov.iov_len = c->first->len;
		r = packet_send(c->src.fd, &iov, 1, c->first->fds,
		    c->first->nfds);
		if (r == -EAGAIN) {
			source_clear(&c->src, EPOLLOUT);
			return 0;
		}
		if (r == -EPIPE) {
			chan_deaf(c);
			return 0;
		}
		if (r < 0)
			return r;
		chan_drop_first(c);
	}
	chan_wants(c);
	if (c->ops->drained)
		c->ops->drained(c);
	return 0;
}

/* ---- receiving ---- */

static void chan_end(struct chan *c, const char *why)
{
	c->gone = true;
	chan_drop_all(c);
	source_close(&c->src);
	c->ops->closed(c, why);
}

/* All descriptors of all control messages, at most MSG_FDS_MAX + 1: the
 * kernel closes what does not fit into control, and tells MSG_CTRUNC. */
static size_t collect_fds(struct msghdr *m, int *fds)
{
	struct cmsghdr *h;
	size_t n = 0, k;

	for (h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		k = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (k > MSG_FDS_MAX + 1 - n)
			k = MSG_FDS_MAX + 1 - n;
		memcpy(fds + n, CMSG_DATA(h), k * sizeof(int));
		n += k;
	}
	return n;
}

static void chan_breach(struct chan *c, int outcome, enum msg id, size_t n)
{
	char why[128];
	const char *what = "is too short";

	switch (outcome) {
	case MSG_UNKNOWN:
		what = "is unknown";
		break;
	case MSG_DIRECTION:
		what = "is not the peer's to send";
		break;
	case MSG_LENGTH:
		what = "has a wrong length";
		break;
	case MSG_FDS:
		what = "has a wrong number of descriptors";
		break;
	}
	snprintf(why, sizeof(why), "breach: message %s of %zu bytes %s",
	    id == MSG_NONE ? "?" : msg_name(id), n, what);
	chan_end(c, why);
}

/* One packet, len bytes of scratch.  False: read no more. */
static bool chan_packet(struct chan *c, char *scratch, size_t len,
    struct msghdr *m)
{
	int fds[MSG_FDS_MAX + 1], outcome;
	size_t nfds = collect_fds(m, fds);
	struct slice body = SLICE_NONE;
	enum msg id = MSG_NONE;

	if (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		outcome = m->msg_flags & MSG_TRUNC ? MSG_LENGTH : MSG_FDS;
	else
		outcome = msg_check((struct slice){ scratch, len }, nfds,
		    c->peer, c->me, &id, &body);
	if (outcome == MSG_GOOD) {
		c->ops->message(c, id, body, fds, nfds);
		return !c->gone;
	}
	while (nfds)
		close(fds[--nfds]);
	chan_breach(c, outcome, id, len);
	return false;
}

/* False: nothing more in this turn. */
static bool chan_receive(struct chan *c)
{
	union control control;
	struct iovec iov = { .iov_len = MSG_HEADER + BOUND_MESSAGE };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		/* Not CMSG_SPACE: its padding would hold one more. */
		.msg_controllen = CMSG_LEN(sizeof(int) * (MSG_FDS_MAX + 1)),
	};
	ssize_t n;

	iov.iov_base = loop_scratch(c->loop);
	if (!iov.iov_base) {
		chan_end(c, "out of memory");
		return false;
	}
	n = recvmsg(c->src.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n > 0)
		return chan_packet(c, iov.iov_base, (size_t)n, &m);
	/* ECONNRESET: the peer died without reading us; what it has sent
	 * before is still there, behind the error. */
	if (n < 0 && (errno == EINTR || errno == ECONNRESET))
		return true;
	if (n < 0 && errno == EAGAIN) {
		source_clear(&c->src, WANT_ALWAYS);
		if (c->deaf)
			chan_end(c, "the peer reads no more");
		return false;
	}
	chan_end(c, n == 0 ? "closed by the peer" : strerror(errno));
	return false;
}

static void chan_run(struct source *s, uint32_t ready)
{
	struct chan *c = (struct chan *)s;	/* src is the first member */
	int r = 0;

	c->running = true;
	if (c->first && (ready & EPOLLOUT))
		r = chan_flush(c);
	if (r < 0 && !c->gone)
		chan_end(c, strerror(-r));
	if (!c->gone && (c->deaf || (s->ready & WANT_ALWAYS)))
		for (int i = 0; i < CHAN_READS && chan_receive(c); i++)
			;
	c->running = false;
	/* More may wait behind the share of this turn. */
	if (!c->gone && c->deaf)
		source_again(s);
}

/* ---- life ---- */

static void chan_release(struct task *t)
{
	free((char *)t - offsetof(struct chan, task));
}

int chan_new(struct loop *l, int fd, enum party me, enum party peer,
    const struct chan_ops *ops, void *arg, struct chan **out)
{
	struct chan *c;
	int r;

	c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->loop = l;
	c->me = me;
	c->peer = peer;
	c->ops = ops;
	c->arg = arg;
	c->last = &c->first;
	c->task.run = chan_release;
	r = source_add(l, &c->src, fd, WANT_ALWAYS, chan_run);
	if (r < 0) {
		close(fd);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

struct chan *chan_free(struct chan *c)
{
	if (!c)
		return NULL;
	c->gone = true;
	chan_drop_all(c);
	source_close(&c->src);
	if (c->running)
		task_post(c->loop, &c->task);
	else
		free(c);
	return NULL;
}

void *chan_arg(const struct chan *c)
{
	return c->arg;
}

int chan_fd(const struct chan *c)
{
	return c->src.fd;
}

size_t chan_waiting(const struct chan *c)
{
	return c->waiting;
}
