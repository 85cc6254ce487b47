/* test_ask.c: the broker's own questions, to an Engine that answers as told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/broker.h"

#define OK	"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\n"
#define LENGTH3	OK "Content-Length: 3\r\n\r\nabc"

/* What the next request gets. */
struct reply {
	const char *text;	/* NULL: nothing */
	bool close;		/* and then the connection ends */
	bool drip;		/* a byte a turn */
};

struct conn {
	struct source source;
	struct task gone;
	struct conn *next;
	char in[4096];
	size_t n;
	const char *out;
	bool close, drip;
};

static struct {
	struct broker *b;
	struct source listener;
	struct timer guard, later;
	struct conn *conns;
	const struct reply *replies;
	size_t nreplies, at, accepted, saw;
	char path[64], last[4096];
} t;

/* What came of an ask. */
struct told {
	struct ask *ask;
	unsigned status, calls, feeds, stop_at;
	bool cancels;
	char text[256 * 1024];
	size_t n;
};
static size_t open_asks;

void engine_saw(struct broker *b, const struct http_head *h)
{
	(void)b;
	t.saw += h->known[HEADER_API_VERSION].p != NULL;
}

/* ---- the Engine ---- */

static void conn_free(struct task *k)
{
	free(node_entry(k, struct conn, gone));
}

static void conn_close(struct conn *c)
{
	for (struct conn **at = &t.conns; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	source_close(&c->source);
	task_post(t.b->loop, &c->gone);
}

static void conn_answer(struct conn *c)
{
	size_t n = c->drip ? 1 : strlen(c->out);
	ssize_t k = send(c->source.fd, c->out, n, MSG_NOSIGNAL);

	if (k < 0) {
		conn_close(c);
		return;
	}
	c->out += k;
	if (*c->out) {
		source_again(&c->source);
	} else {
		c->out = NULL;
		if (c->close)
			conn_close(c);
	}
}

static void conn_run(struct source *s, uint32_t ready)
{
	struct conn *c = (struct conn *)(void *)s;

	(void)ready;
	if (c->out) {
		conn_answer(c);
		return;
	}
	ssize_t k = source_read(s, c->in + c->n, sizeof(c->in) - c->n - 1);
	if (k == -1)
		return;
	if (k <= 0) {
		conn_close(c);
		return;
	}
	c->n += (size_t)k;
	c->in[c->n] = 0;
	if (!strstr(c->in, "\r\n\r\n"))
		return;
	memcpy(t.last, c->in, c->n + 1);
	c->n = 0;
	const struct reply *r = &t.replies[t.at < t.nreplies ? t.at : t.nreplies - 1];
	t.at++;
	c->close = r->close;
	c->drip = r->drip;
	c->out = r->text;
	if (c->out)
		conn_answer(c);
	else if (c->close)
		conn_close(c);
}

static void listener_run(struct source *s, uint32_t ready)
{
	(void)ready;
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		source_clear(s, EPOLLIN);
		return;
	}
	struct conn *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->gone.run = conn_free;
	assert_int_equal(source_add(t.b->loop, &c->source, fd,
	    EPOLLIN | EPOLLRDHUP | EPOLLHUP, conn_run), 0);
	c->next = t.conns;
	t.conns = c;
	t.accepted++;
}

static void too_late(struct timer *k)
{
	(void)k;
	fail_msg("an ask did not end");
}

static void listen_again(struct timer *k)
{
	(void)k;
	source_want(&t.listener, EPOLLIN);
}

static int set_up(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	int fd = -1;

	(void)state;
	memset(&t, 0, sizeof(t));
	open_asks = 0;
	t.b = calloc(1, sizeof(*t.b));
	assert_non_null(t.b);
	assert_int_equal(loop_new(&t.b->loop), 0);
	snprintf(t.path, sizeof(t.path), "/tmp/test-ask.%d", (int)getpid());
	snprintf(t.b->conf.engine_socket, sizeof(t.b->conf.engine_socket), "%s", t.path);
	assert_int_equal(sock_listen(t.path, SOCK_STREAM, 0600, &fd, &err), 0);
	assert_int_equal(source_add(t.b->loop, &t.listener, fd, EPOLLIN, listener_run), 0);
	timer_init(t.b->loop, &t.guard, too_late);
	timer_init(t.b->loop, &t.later, listen_again);
	assert_int_equal(timer_set(&t.guard, loop_now(t.b->loop) + 20000), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asks_stop(t.b);
	assert_null(t.b->asks);
	while (t.conns)
		conn_close(t.conns);
	timer_remove(&t.guard);
	timer_remove(&t.later);
	source_close(&t.listener);
	loop_free(t.b->loop);
	unlink(t.path);
	free(t.b);
	return 0;
}

/* ---- asking ---- */

static bool on_feed(void *arg, struct slice in)
{
	struct told *o = arg;

	assert_int_equal(o->calls, 0);
	assert_true(in.n == 0 || o->feeds > 0);	/* first the head */
	o->feeds++;
	memcpy(o->text + o->n, in.p, in.n);
	o->n += in.n;
	o->text[o->n] = 0;
	if (o->cancels && in.n) {
		ask_cancel(o->ask);
		loop_stop(t.b->loop, 0);
	}
	return !o->stop_at || o->n < o->stop_at;
}

static void on_done(void *arg, unsigned status, struct slice body)
{
	struct told *o = arg;

	o->calls++;
	o->status = status;
	if (body.n) {
		memcpy(o->text, body.p, body.n);
		o->n = body.n;
		o->text[o->n] = 0;
	}
	if (!--open_asks)
		loop_stop(t.b->loop, 0);
}

static const struct ask_ops gathers = { .done = on_done };
static const struct ask_ops feeds = { .feed = on_feed, .done = on_done };

static void begin(struct told *o, enum method m, const struct ask_ops *ops, int64_t deadline)
{
	o->ask = ask_start(t.b, m, SLICE("/v1.41/x"), m == METHOD_POST ? SLICE("{}") :
	    SLICE_NONE, 100 * 1024, deadline, ops, o);
	assert_non_null(o->ask);
	assert_int_equal(o->calls, 0);
	open_asks++;
}

static struct told *ask_as(const struct reply *r, size_t n, enum method m,
    const struct ask_ops *ops)
{
	static struct told o;

	memset(&o, 0, sizeof(o));
	t.replies = r;
	t.nreplies = n;
	t.at = 0;
	begin(&o, m, ops, 5000);
	assert_int_equal(loop_run(t.b->loop), 0);
	assert_int_equal(o.calls, 1);
	return &o;
}

static struct told *get(const char *text, bool closes)
{
	struct reply r = { text, closes, false };

	return ask_as(&r, 1, METHOD_GET, &gathers);
}

/* ---- tests ---- */

static void test_framing(void **state)
{
	static const struct {
		const char *text;
		bool close;
		unsigned status;
		const char *body;
	} rows[] = {
		{ LENGTH3, false, 200, "abc" },
		{ OK "Content-Length: 0\r\n\r\n", false, 200, "" },
		{ "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
		    false, 200, "abc" },
		{ OK "Connection: close\r\n\r\nabc", true, 200, "abc" },
		{ "HTTP/1.1 100 Continue\r\n\r\n" LENGTH3, false, 200, "abc" },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", false, 404, "abc" },
		/* cut short */
		{ OK "Content-Length: 4\r\n\r\nabc", true, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", true, 0, "" },
		{ OK "Content-", true, 0, "" },
		/* not what it should be */
		{ OK "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", false, 0, "" },
		{ "hello\r\n\r\n", false, 0, "" },
		{ "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
		    false, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * countof(rows); i++) {
		size_t k = i / 2;
		struct reply r = { rows[k].text, rows[k].close, i % 2 };
		struct told *o = ask_as(&r, 1, METHOD_GET, &gathers);
		assert_int_equal(o->status, rows[k].status);
		assert_string_equal(o->text, rows[k].body);
	}
	assert_true(t.saw > 0);
}

static void test_request(void **state)
{
	struct reply r = { LENGTH3, false, false };

	(void)state;
	assert_int_equal(ask_as(&r, 1, METHOD_GET, &gathers)->status, 200);
	assert_string_equal(t.last, "GET /v1.41/x HTTP/1.1\r\nHost: docker\r\n"
	    "User-Agent: dockbroker\r\n\r\n");
	assert_int_equal(ask_as(&r, 1, METHOD_POST, &gathers)->status, 200);
	assert_string_equal(t.last, "POST /v1.41/x HTTP/1.1\r\nHost: docker\r\n"
	    "User-Agent: dockbroker\r\nContent-Type: application/json\r\n"
	    "Content-Length: 2\r\n\r\n{}");
}

static void test_kept(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(get(LENGTH3, false)->status, 200);
	assert_int_equal(t.accepted, 1);
	/* one that ends its connection is not asked again on it */
	assert_int_equal(get(OK "Connection: close\r\nContent-Length: 0\r\n\r\n",
	    false)->status, 200);
	assert_int_equal(get(LENGTH3, false)->status, 200);
	assert_int_equal(t.accepted, 2);
	/* nor one that said more than it announced */
	assert_int_equal(get(LENGTH3 "more", false)->status, 200);
	assert_int_equal(get(LENGTH3, false)->status, 200);
	assert_int_equal(t.accepted, 3);
}

static void test_stale(void **state)
{
	struct reply gone[] = { { NULL, true, false }, { LENGTH3, false, false } };
	struct reply twice[] = { { NULL, true, false }, { NULL, true, false },
	    { LENGTH3, false, false } };
	struct reply part[] = { { "HTTP", true, false }, { LENGTH3, false, false } };

	(void)state;
	get(LENGTH3, false);
	assert_int_equal(ask_as(gone, 2, METHOD_GET, &gathers)->status, 200);
	assert_int_equal(t.accepted, 2);
	/* only once */
	assert_int_equal(ask_as(twice, 3, METHOD_GET, &gathers)->status, 0);
	/* not on a fresh one, not after a byte, and never what changes something */
	assert_int_equal(ask_as(gone, 2, METHOD_GET, &gathers)->status, 0);
	get(LENGTH3, false);
	assert_int_equal(ask_as(part, 2, METHOD_GET, &gathers)->status, 0);
	get(LENGTH3, false);
	assert_int_equal(ask_as(gone, 2, METHOD_POST, &gathers)->status, 0);
	assert_int_equal(t.at, 1);
}

static void test_feed(void **state)
{
	struct reply good = { OK "Transfer-Encoding: chunked\r\n\r\n"
	    "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", false, true };
	struct reply bad = { "HTTP/1.1 500 Error\r\nContent-Length: 3\r\n\r\nabc",
	    false, false };
	struct told o = { .stop_at = 2 }, head = { 0 };
	struct told *k = ask_as(&good, 1, METHOD_GET, &feeds);

	(void)state;
	assert_int_equal(k->status, 200);
	assert_int_equal(k->feeds, 4);
	assert_string_equal(k->text, "abc");
	/* errors are gathered */
	k = ask_as(&bad, 1, METHOD_GET, &feeds);
	assert_int_equal(k->status, 500);
	assert_int_equal(k->feeds, 0);
	assert_string_equal(k->text, "abc");
	/* enough */
	t.replies = &good;
	begin(&o, METHOD_GET, &feeds, 0);
	assert_int_equal(loop_run(t.b->loop), 0);
	assert_int_equal(o.status, 0);
	assert_int_equal(o.n, 2);
	/* of a stream, the head alone is told */
	struct reply stream = { OK "Transfer-Encoding: chunked\r\n\r\n", false, false };
	t.replies = &stream;
	begin(&head, METHOD_GET, &feeds, 200);
	assert_int_equal(loop_run(t.b->loop), 0);
	assert_int_equal(head.feeds, 1);
	assert_int_equal(head.status, 0);
}

static void test_bounds(void **state)
{
	static char text[128 * 1024];
	size_t n = 100 * 1024;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		int k = snprintf(text, sizeof(text), OK "Content-Length: %zu\r\n\r\n", n + more);
		memset(text + k, 'x', n + more);
		text[(size_t)k + n + more] = 0;
		assert_int_equal(get(text, false)->status, more ? 0 : 200);
	}
}

static void test_late(void **state)
{
	struct reply never = { NULL, false, false };
	struct told o = { 0 };
	int64_t from = loop_now(t.b->loop);

	(void)state;
	t.replies = &never;
	t.nreplies = 1;
	begin(&o, METHOD_GET, &gathers, 100);
	assert_int_equal(loop_run(t.b->loop), 0);
	assert_int_equal(o.status, 0);
	assert_in_range(loop_now(t.b->loop) - from, 100, 2000);
}

static void test_cancel(void **state)
{
	struct reply good = { OK "Content-Length: 6\r\n\r\nabcdef", false, true };
	struct told o = { .cancels = true }, before = { 0 };

	(void)state;
	t.replies = &good;
	t.nreplies = 1;
	begin(&before, METHOD_GET, &feeds, 0);
	ask_cancel(before.ask);
	open_asks--;
	begin(&o, METHOD_GET, &feeds, 0);
	assert_int_equal(loop_run(t.b->loop), 0);	/* stopped by the feed */
	open_asks--;
	assert_int_equal(o.calls, 0);
	assert_int_equal(o.n, 1);
	assert_int_equal(get(LENGTH3, false)->status, 200);
	assert_int_equal(before.calls, 0);
	assert_int_equal(o.calls, 0);
}

static void test_many(void **state)
{
	static struct told o[200];
	struct reply r = { LENGTH3, false, true };

	(void)state;
	memset(o, 0, sizeof(o));
	t.replies = &r;
	t.nreplies = 1;
	for (size_t i = 0; i < countof(o); i++)
		begin(&o[i], METHOD_GET, &gathers, 10000);
	assert_int_equal(loop_run(t.b->loop), 0);
	for (size_t i = 0; i < countof(o); i++) {
		assert_int_equal(o[i].calls, 1);
		assert_int_equal(o[i].status, 200);
	}
	assert_in_range(t.accepted, 1, 200);
}

/* Its backlog is full for a while: they wait, and are answered in the end. */
static void test_backlog(void **state)
{
	static struct told o[20];
	struct reply r = { LENGTH3, false, false };

	(void)state;
	memset(o, 0, sizeof(o));
	t.replies = &r;
	t.nreplies = 1;
	assert_int_equal(listen(t.listener.fd, 1), 0);
	source_want(&t.listener, 0);
	assert_int_equal(timer_set(&t.later, loop_now(t.b->loop) + 100), 0);
	for (size_t i = 0; i < countof(o); i++)
		begin(&o[i], METHOD_POST, &gathers, 10000);
	assert_int_equal(loop_run(t.b->loop), 0);
	for (size_t i = 0; i < countof(o); i++)
		assert_int_equal(o[i].status, 200);
}

static void test_down(void **state)
{
	struct told o = { 0 };

	(void)state;
	unlink(t.path);
	assert_null(ask_start(t.b, METHOD_GET, SLICE("/x"), SLICE_NONE, 100, 0,
	    &gathers, &o));
	assert_int_equal(o.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_framing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_feed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_backlog, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_down, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
