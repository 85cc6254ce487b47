/*
 * ask.c: the broker's own requests to the Engine, apart from the clients'
 * links: a small HTTP/1.1 client on the loop.  One request, one answer, which
 * is fed to the asker or gathered for him.
 *
 * A wire is a connection, an ask the question that travels on it.  No callback
 * comes from within ask_start or ask_cancel, so that an asker never runs in
 * the middle of himself; both structs are freed in tasks, so that any callback
 * may cancel any ask.  At most WIRES_BUSY ask at once, the others wait in line.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/broker.h"

#define GONE		(EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define WIRES_BUSY	32		/* so many questions at once */
#define WIRES_IDLE	4		/* kept for the next ones */
#define READ_MOST	(64 * 1024)	/* a turn: an asker may parse JSON of it */
#define AGAIN_TIME	10		/* ms: the Engine's backlog is full */

_Static_assert(READ_MOST <= BOUND_RELAY, "more than a fair turn");

struct wire {
	struct source source;
	struct task gone;
	struct node node;		/* the idle ones */
	struct asks *asks;
	struct ask *ask;		/* NULL: idle */
	bool used;			/* has answered before: may be stale */
};

struct asks {
	struct broker *broker;
	struct node live;		/* all asks */
	struct node line;		/* those that wait for a wire */
	struct node idle;
	size_t nbusy, nidle;
	struct timer again;
	struct task next;
	char scratch[READ_MOST];	/* not the broker's: a feed may end in a relay */
};

enum ask_state { ASK_WAITS, ASK_HEAD, ASK_BODY, ASK_OVER };

struct ask {
	struct node node, line;
	struct task gone;
	struct timer deadline;
	struct asks *asks;
	struct broker *broker;
	struct wire *wire;
	enum ask_state state;
	enum method method;
	const struct ask_ops *ops;
	void *arg;
	struct buf request;
	size_t sent;			/* of the request */
	struct buf in;			/* the head, and what came with it */
	size_t scanned;
	struct buf body;		/* gathered */
	unsigned status;
	enum framing framing;
	uint64_t left;
	struct http_chunked chunked;
	bool fed, retried, keep, enough;
	bool cut;			/* the request could not be sent */
};

/* ---- wires ---- */

static void wire_free(struct task *t)
{
	free(node_entry(t, struct wire, gone));
}

/* Whoever waits in line may go; in a task, because it may fail at once. */
static void line_moves(struct asks *as)
{
	if (!node_empty(&as->line))
		task_post(as->broker->loop, &as->next);
}

static void wire_close(struct wire *w)
{
	struct asks *as = w->asks;

	if (w->ask) {
		as->nbusy--;
		line_moves(as);
	} else {
		node_remove(&w->node);
		as->nidle--;
	}
	w->ask = NULL;
	source_close(&w->source);
	task_post(as->broker->loop, &w->gone);
}

/* Its answer was whole. */
static void wire_release(struct wire *w)
{
	struct asks *as = w->asks;

	if (as->nidle >= WIRES_IDLE || as->broker->draining ||
	    w->source.ready & GONE) {
		wire_close(w);
		return;
	}
	as->nbusy--;
	as->nidle++;
	w->ask = NULL;
	w->used = true;
	node_append(&as->idle, &w->node);
	source_want(&w->source, EPOLLIN | GONE);
	line_moves(as);
}

static void ask_run(struct ask *a, uint32_t ready);

static void wire_run(struct source *s, uint32_t ready)
{
	struct wire *w = (struct wire *)(void *)s;

	if (w->ask)
		ask_run(w->ask, ready);
	else
		wire_close(w);	/* idle, and the Engine says something: it ends */
}

/* -EAGAIN: the backlog is full. */
static int wire_open(struct asks *as, struct wire **out)
{
	_cleanup_(close_fd) int fd = -1;
	int r = sock_connect(as->broker->conf.engine_socket, SOCK_STREAM, &fd);

	if (r < 0)
		return r;
	struct wire *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->asks = as;
	w->gone.run = wire_free;
	node_init(&w->node);
	r = source_add(as->broker->loop, &w->source, fd, 0, wire_run);
	if (r < 0) {
		free(w);
		return r;
	}
	fd = -1;
	*out = w;
	return 0;
}

/* The one that was used last; nothing may be there to be read from it. */
static struct wire *wire_idle(struct asks *as)
{
	while (!node_empty(&as->idle)) {
		struct wire *w = node_entry(as->idle.prev, struct wire, node);
		if (w->source.ready & (EPOLLIN | GONE)) {
			wire_close(w);
			continue;
		}
		node_remove(&w->node);
		as->nidle--;
		return w;
	}
	return NULL;
}

/* ---- the end ---- */

static void ask_free(struct task *t)
{
	struct ask *a = node_entry(t, struct ask, gone);

	buf_free(&a->request);
	buf_free(&a->in);
	buf_free(&a->body);
	free(a);
}

static void ask_leave(struct ask *a, bool clean)
{
	struct wire *w = a->wire;

	a->state = ASK_OVER;
	a->wire = NULL;
	node_remove(&a->node);
	node_remove(&a->line);
	timer_remove(&a->deadline);
	task_post(a->broker->loop, &a->gone);
	if (w && clean)
		wire_release(w);
	else if (w)
		wire_close(w);
}

static void ask_done(struct ask *a, unsigned status, bool clean)
{
	ask_leave(a, clean);
	a->ops->done(a->arg, status, status ? buf_slice(&a->body) : SLICE_NONE);
}

void ask_cancel(struct ask *a)
{
	if (a->state != ASK_OVER)
		ask_leave(a, false);
}

/* ---- the answer ---- */

static void ask_piece(void *arg, struct slice piece)
{
	struct ask *a = arg;

	if (a->state == ASK_OVER || a->enough)
		return;
	if (a->fed) {
		a->enough = !a->ops->feed(a->arg, piece);
	} else {
		buf_adds(&a->body, piece);
		a->enough = !buf_ok(&a->body);
	}
}

static void ask_bytes(struct ask *a, struct slice in)
{
	size_t used = in.n;
	bool whole = false;
	int k;

	switch (a->framing) {
	case FRAMING_CHUNKED:
		k = http_chunked_feed(&a->chunked, in, &used, ask_piece, a);
		whole = k == CHUNKED_END;
		a->enough |= k != CHUNKED_END && k != CHUNKED_MORE;
		break;
	case FRAMING_CLOSE:
		if (in.n)
			ask_piece(a, in);
		break;
	default:
		used = in.n < a->left ? in.n : (size_t)a->left;
		a->left -= used;
		whole = !a->left;
		if (used)
			ask_piece(a, (struct slice){ in.p, used });
		break;
	}
	if (a->state == ASK_OVER)
		return;
	if (a->enough)
		ask_done(a, 0, false);
	else if (whole)
		ask_done(a, a->status, a->keep && used == in.n && !a->cut &&
		    a->sent == a->request.len);
}

static void ask_head_done(struct ask *a, const struct http_head *h)
{
	engine_saw(a->broker, h);
	a->state = ASK_BODY;
	a->status = h->status;
	a->framing = h->framing;
	a->left = h->framing == FRAMING_LENGTH ? h->length : 0;
	a->keep = h->keep_alive && h->framing != FRAMING_CLOSE;
	a->fed = a->ops->feed && h->status < 300;
	if (h->framing == FRAMING_CHUNKED)
		http_chunked_init(&a->chunked);
	/* So that it is known when a stream begins. */
	if (a->fed)
		a->enough = !a->ops->feed(a->arg, SLICE(""));
}

static void ask_head(struct ask *a, struct slice in)
{
	struct http_head head;
	struct http_error err;
	size_t used = 0;
	int k;

	buf_adds(&a->in, in);
	do {
		buf_eat(&a->in, used);
		k = http_response_parse(buf_slice(&a->in), &a->scanned,
		    a->method, &head, &used, &err);
		if (k == HTTP_MORE && buf_ok(&a->in))
			return;
		if (k != HTTP_GOOD || head.status == 101) {
			ask_done(a, 0, false);
			return;
		}
	} while (head.status < 200);
	ask_head_done(a, &head);
	if (a->state == ASK_BODY)
		ask_bytes(a, (struct slice){ a->in.p + used, a->in.len - used });
}

/* ---- the way there ---- */

static void ask_wants(struct ask *a)
{
	source_want(&a->wire->source, EPOLLIN | GONE |
	    (a->sent < a->request.len ? EPOLLOUT : 0));
}

static void ask_waits(struct ask *a)
{
	a->state = ASK_WAITS;
	node_append(&a->asks->line, &a->line);
}

/* Finds it a wire, or a place in the line.  False: there is no Engine. */
static bool ask_connect(struct ask *a, bool fresh)
{
	struct asks *as = a->asks;
	struct wire *w = NULL;

	if (as->nbusy >= WIRES_BUSY) {
		ask_waits(a);
		return true;
	}
	/* Only reads may go again when a kept connection was stale. */
	if (!fresh && a->method == METHOD_GET)
		w = wire_idle(as);
	if (!w) {
		int r = wire_open(as, &w);
		if (r == -EAGAIN) {
			ask_waits(a);
			return timer_set(&as->again,
			    loop_now(as->broker->loop) + AGAIN_TIME) == 0;
		}
		if (r < 0)
			return false;
	}
	as->nbusy++;
	w->ask = a;
	a->wire = w;
	a->state = ASK_HEAD;
	a->sent = 0;
	ask_wants(a);
	return true;
}

static void line_next(struct task *t)
{
	struct asks *as = node_entry(t, struct asks, next);

	while (!node_empty(&as->line) && as->nbusy < WIRES_BUSY) {
		struct ask *a = node_entry(as->line.next, struct ask, line);
		node_remove(&a->line);
		if (!ask_connect(a, a->retried))
			ask_done(a, 0, false);
		else if (a->state == ASK_WAITS)
			return;		/* the backlog is full still */
	}
}

static void line_again(struct timer *t)
{
	line_next(&node_entry(t, struct asks, again)->next);
}

static void ask_ended(struct ask *a)
{
	if (a->state == ASK_BODY) {
		bool whole = a->framing == FRAMING_CLOSE;
		ask_done(a, whole ? a->status : 0, false);
		return;
	}
	if (!a->wire->used || a->in.len || a->retried ||
	    a->method != METHOD_GET) {
		ask_done(a, 0, false);
		return;
	}
	/* A kept connection that the Engine had closed. */
	struct wire *w = a->wire;
	a->wire = NULL;
	a->retried = true;
	a->cut = false;
	a->scanned = 0;
	wire_close(w);
	if (!ask_connect(a, true))
		ask_done(a, 0, false);
}

static void ask_run(struct ask *a, uint32_t ready)
{
	struct source *s = &a->wire->source;

	while (a->sent < a->request.len && s->ready & EPOLLOUT) {
		struct slice rest = { a->request.p + a->sent,
		    a->request.len - a->sent };
		ssize_t n = source_write(s, rest, SLICE_NONE);
		/* What cannot be sent is answered all the same, or it is gone. */
		a->cut |= n < 0;
		a->sent = n < 0 ? a->request.len : a->sent + (size_t)n;
	}
	ask_wants(a);
	if (!(ready & (EPOLLIN | GONE)))
		return;
	ssize_t n = source_read(s, a->asks->scratch, READ_MOST);
	if (n == -1)
		return;
	if (n <= 0)
		ask_ended(a);
	else if (a->state == ASK_HEAD)
		ask_head(a, (struct slice){ a->asks->scratch, (size_t)n });
	else
		ask_bytes(a, (struct slice){ a->asks->scratch, (size_t)n });
}

static void ask_late(struct timer *t)
{
	ask_done(node_entry(t, struct ask, deadline), 0, false);
}

/* ---- start and stop ---- */

static struct asks *asks_get(struct broker *b)
{
	struct asks *as = b->asks ? b->asks : calloc(1, sizeof(*as));

	if (!as || as == b->asks)
		return as;
	as->broker = b;
	node_init(&as->live);
	node_init(&as->line);
	node_init(&as->idle);
	timer_init(b->loop, &as->again, line_again);
	as->next.run = line_next;
	b->asks = as;
	return as;
}

static void ask_compose(struct buf *out, enum method m, struct slice path,
    struct slice body)
{
	buf_addz(out, method_name(m));
	buf_addc(out, ' ');
	buf_adds(out, path);
	buf_addz(out, " HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockbroker\r\n");
	if (body.n)
		buf_addz(out, "Content-Type: application/json\r\n");
	if (body.n || m == METHOD_POST || m == METHOD_PUT) {
		buf_addz(out, "Content-Length: ");
		buf_addu(out, body.n);
		buf_addz(out, "\r\n");
	}
	buf_addz(out, "\r\n");
	buf_adds(out, body);
}

static bool ask_begin(struct ask *a, int64_t deadline)
{
	if (!buf_ok(&a->request))
		return false;
	if (deadline && timer_set(&a->deadline,
	    loop_now(a->broker->loop) + deadline) < 0)
		return false;
	if (!node_empty(&a->asks->line)) {
		ask_waits(a);		/* behind the others */
		return true;
	}
	return ask_connect(a, false);
}

struct ask *ask_start(struct broker *b, enum method m, struct slice path,
    struct slice body, size_t max, int64_t deadline,
    const struct ask_ops *ops, void *arg)
{
	struct asks *as = asks_get(b);
	struct ask *a = as ? calloc(1, sizeof(*a)) : NULL;

	if (!a)
		return NULL;
	a->asks = as;
	a->broker = b;
	a->method = m;
	a->ops = ops;
	a->arg = arg;
	a->gone.run = ask_free;
	a->in = BUF(BOUND_RESPONSE_HEAD + READ_MOST);
	a->body = BUF(max);
	a->request = BUF(BOUND_BODY + 2 * BOUND_TARGET);
	node_init(&a->line);
	node_init(&a->node);
	node_append(&as->live, &a->node);
	timer_init(b->loop, &a->deadline, ask_late);
	ask_compose(&a->request, m, path, body);
	if (ask_begin(a, deadline))
		return a;
	ask_cancel(a);
	return NULL;
}

void asks_stop(struct broker *b)
{
	struct asks *as = b->asks;

	if (!as)
		return;
	while (!node_empty(&as->live))
		ask_cancel(node_entry(as->live.next, struct ask, node));
	while (!node_empty(&as->idle))
		wire_close(node_entry(as->idle.next, struct wire, node));
	timer_remove(&as->again);
	task_cancel(b->loop, &as->next);
	b->asks = NULL;
	free(as);
}
