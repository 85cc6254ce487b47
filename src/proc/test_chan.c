/* test_chan.c: channels, their breaches, and memory at the worst moments. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

/* The broker's end is a channel, the other a naked socket or another one. */
struct world {
	struct loop *l;
	struct chan *c;
	int fd;
	int messages, closed, drained, stop_at;
	bool free_in_message, free_in_closed;
	size_t bytes;
	char why[128];
};

static void seen(struct chan *c, enum msg id, struct slice body, int *fds,
    size_t nfds)
{
	struct world *w = chan_arg(c);

	(void)id;
	(void)fds;
	assert_int_equal(nfds, 0);
	assert_int_equal((uintptr_t)body.p % 8, 0);
	w->messages++;
	w->bytes += body.n;
	if (w->free_in_message) {
		w->c = chan_free(c);
		loop_stop(w->l, 0);
	}
	if (w->messages == w->stop_at)
		loop_stop(w->l, 0);
}

static void ended(struct chan *c, const char *why)
{
	struct world *w = chan_arg(c);

	assert_int_equal(chan_fd(c), -1);
	assert_int_equal(chan_send(c, MSG_CTL_TEXT, "x", 1, NULL, 0, NULL, 0),
	    CHAN_CLOSED);
	w->closed++;
	snprintf(w->why, sizeof(w->why), "%s", why);
	if (w->free_in_closed)
		w->c = chan_free(c);
	loop_stop(w->l, 0);
}

static void emptied(struct chan *c)
{
	struct world *w = chan_arg(c);

	w->drained++;
	loop_stop(w->l, 0);
}

static const struct chan_ops ops = { seen, ended, emptied };

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fds[2];

	assert_non_null(w);
	assert_int_equal(loop_new(&w->l), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(chan_new(w->l, fds[0], PARTY_BROKER, PARTY_CLI, &ops,
	    w, &w->c), 0);
	w->fd = fds[1];
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	chan_free(w->c);
	if (w->fd >= 0)
		close(w->fd);
	loop_free(w->l);
	free(w);
	return 0;
}

static void stop_run(struct timer *t)
{
	loop_stop(t->loop, 99);
}

/* Until somebody stops it, or 1 s. */
static int run(struct world *w)
{
	struct timer t;
	int r;

	timer_init(w->l, &t, stop_run);
	assert_int_equal(timer_set(&t, loop_now(w->l) + 1000), 0);
	r = loop_run(w->l);
	timer_remove(&t);
	return r;
}

/* A few turns. */
static void once(struct world *w)
{
	struct timer t;

	timer_init(w->l, &t, stop_run);
	assert_int_equal(timer_set(&t, 1), 0);
	loop_run(w->l);
	timer_remove(&t);
}

static void put(struct world *w, uint32_t id, uint32_t length, size_t n,
    size_t nfds)
{
	static char body[BOUND_MESSAGE + 4096];
	uint32_t head[2] = { id, length };
	struct iovec iov[2] = { { head, sizeof(head) }, { body, n } };
	char control[CMSG_SPACE(sizeof(int) * 8)] = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr *h;

	if (nfds) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (size_t i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(h) + i * sizeof(int), &w->fd,
			    sizeof(int));
	}
	assert_int_equal(sendmsg(w->fd, &m, MSG_NOSIGNAL), 8 + (ssize_t)n);
}

static void ask(struct world *w)
{
	put(w, MSG_CTL_ASK, sizeof(struct msg_ctl_ask),
	    sizeof(struct msg_ctl_ask), 0);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* ---- */

static void test_receive(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 50; i++)
		ask(w);
	w->stop_at = 50;
	assert_int_equal(run(w), 0);
	assert_int_equal(w->messages, 50);
	assert_int_equal(w->bytes, 50 * sizeof(struct msg_ctl_ask));
	/* What was said before the end is still heard. */
	ask(w);
	close_fd(&w->fd);
	w->stop_at = 0;
	assert_int_equal(run(w), 0);
	assert_int_equal(w->messages, 51);
	assert_int_equal(w->closed, 1);
	assert_string_equal(w->why, "closed by the peer");
}

/* The peer died with our answer unread: ECONNRESET comes before its data. */
static void test_reset(void **state)
{
	struct world *w = *state;

	assert_int_equal(chan_send(w->c, MSG_CTL_TEXT, "{}", 2, NULL, 0, NULL,
	    0), CHAN_GOOD);
	ask(w);
	ask(w);
	close_fd(&w->fd);
	assert_int_equal(chan_send(w->c, MSG_CTL_TEXT, "{}", 2, NULL, 0, NULL,
	    0), CHAN_CLOSED);
	assert_int_equal(w->closed, 0);		/* never from chan_send */
	assert_int_equal(run(w), 0);
	assert_int_equal(w->messages, 2);
	assert_int_equal(w->closed, 1);
}

/* The peer reads no more but does not go: we do not wait for ever. */
static void test_deaf(void **state)
{
	struct world *w = *state;

	shutdown(w->fd, SHUT_RD);
	assert_int_equal(chan_send(w->c, MSG_CTL_TEXT, "{}", 2, NULL, 0, NULL,
	    0), CHAN_CLOSED);
	assert_int_equal(run(w), 0);
	assert_int_equal(w->closed, 1);
	assert_string_equal(w->why, "the peer reads no more");
}

static void breach(struct world *w, const char *why)
{
	int before = open_fds();

	assert_int_equal(run(w), 0);
	assert_int_equal(w->messages, 0);
	assert_int_equal(w->closed, 1);
	assert_non_null(strstr(w->why, why));
	/* Its own is closed, and nothing that came with it stays open. */
	assert_int_equal(open_fds(), before - 1);
}

static void test_breach_unknown(void **state)
{
	put(*state, MSG_COUNT, 0, 0, 0);
	breach(*state, "is unknown");
}

static void test_breach_direction(void **state)
{
	put(*state, MSG_CTL_TEXT, 0, 0, 0);
	breach(*state, "is not the peer's");
}

static void test_breach_length(void **state)
{
	char why[64];

	put(*state, MSG_CTL_ASK, sizeof(struct msg_ctl_ask),
	    sizeof(struct msg_ctl_ask) - 1, 0);
	snprintf(why, sizeof(why), "CTL_ASK of %zu bytes has a wrong length",
	    MSG_HEADER + sizeof(struct msg_ctl_ask) - 1);
	breach(*state, why);
}

static void test_breach_truncated(void **state)
{
	put(*state, MSG_CTL_ASK, BOUND_MESSAGE + 1, BOUND_MESSAGE + 1, 0);
	breach(*state, "has a wrong length");
}

static void test_breach_fd(void **state)
{
	put(*state, MSG_CTL_ASK, sizeof(struct msg_ctl_ask),
	    sizeof(struct msg_ctl_ask), 1);
	breach(*state, "wrong number of descriptors");
}

static void test_breach_many_fds(void **state)
{
	put(*state, MSG_CTL_ASK, sizeof(struct msg_ctl_ask),
	    sizeof(struct msg_ctl_ask), 8);
	breach(*state, "wrong number of descriptors");
}

static void test_breach_short(void **state)
{
	struct world *w = *state;

	assert_int_equal(send(w->fd, "1234567", 7, 0), 7);
	breach(w, "is too short");
}

static void test_send_refused(void **state)
{
	struct world *w = *state;
	static char big[MSG_CTL_CHUNK + 1];

	assert_int_equal(chan_send(w->c, MSG_CTL_ASK, big,
	    sizeof(struct msg_ctl_ask), NULL, 0, NULL, 0), -EINVAL);
	assert_int_equal(chan_send(w->c, MSG_CTL_TEXT, big, sizeof(big), NULL,
	    0, NULL, 0), -EINVAL);
	assert_int_equal(chan_send(w->c, MSG_CTL_TEXT, big, 1, NULL, 0,
	    &w->fd, 1), -EINVAL);
	assert_int_equal(chan_send(w->c, MSG_COUNT, big, 1, NULL, 0, NULL, 0),
	    -EINVAL);
	assert_int_equal(chan_send(w->c, MSG_NONE, NULL, 0, NULL, 0, NULL, 0),
	    -EINVAL);
	assert_int_equal(chan_send(w->c, MSG_CTL_TEXT, NULL, 0, NULL, 0, NULL,
	    0), CHAN_GOOD);
}

static int fill(struct world *w, size_t n, uint32_t *count)
{
	static char more[MSG_CTL_CHUNK];
	int r;

	do
		r = chan_send(w->c, MSG_CTL_TEXT, count, sizeof(*count), more,
		    n - sizeof(*count), NULL, 0);
	while (r == CHAN_GOOD && ++*count < 100000);
	return r;
}

/* Reads all there is from the naked end; numbers must be in order. */
static void take(struct world *w, uint32_t *count)
{
	static char room[MSG_HEADER + BOUND_MESSAGE];
	uint32_t n;

	while (recv(w->fd, room, sizeof(room), 0) > 0) {
		memcpy(&n, room + MSG_HEADER, sizeof(n));
		assert_int_equal(n, (*count)++);
	}
}

static void test_full(void **state)
{
	struct world *w = *state;
	uint32_t sent = 0, got = 0;

	assert_int_equal(fill(w, 16, &sent), CHAN_FULL);
	assert_int_equal(chan_waiting(w->c), BOUND_MESSAGE_QUEUE);
	while (!w->drained) {
		take(w, &got);
		once(w);
	}
	take(w, &got);
	assert_int_equal(got, sent);
	assert_int_equal(chan_waiting(w->c), 0);
	/* Large ones: bytes are the bound. */
	sent = 0;
	assert_int_equal(fill(w, MSG_CTL_CHUNK, &sent), CHAN_FULL);
	assert_in_range(chan_waiting(w->c), 1,
	    BOUND_MESSAGE_WAIT / MSG_CTL_CHUNK + 1);
}

static void test_free_anywhere(void **state)
{
	struct world *w = *state;

	w->free_in_message = true;
	for (int i = 0; i < 5; i++)
		ask(w);
	assert_int_equal(run(w), 0);
	assert_int_equal(w->messages, 1);
	assert_int_equal(w->closed, 0);
	assert_null(w->c);
}

static void test_free_in_closed(void **state)
{
	struct world *w = *state;
	uint32_t sent = 0;

	w->free_in_closed = true;
	assert_int_equal(fill(w, 1024, &sent), CHAN_FULL);
	close_fd(&w->fd);
	assert_int_equal(run(w), 0);
	assert_int_equal(w->closed, 1);
	assert_null(w->c);
}

static void test_free_full(void **state)
{
	struct world *w = *state;
	uint32_t sent = 0;

	assert_int_equal(fill(w, 1024, &sent), CHAN_FULL);
	w->c = chan_free(w->c);
	assert_int_equal(w->closed, 0);
}

int main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_receive),
		T(test_reset),
		T(test_deaf),
		T(test_breach_unknown),
		T(test_breach_direction),
		T(test_breach_length),
		T(test_breach_truncated),
		T(test_breach_fd),
		T(test_breach_many_fds),
		T(test_breach_short),
		T(test_send_refused),
		T(test_full),
		T(test_free_anywhere),
		T(test_free_in_closed),
		T(test_free_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
