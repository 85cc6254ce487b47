/*
 * client.c: a client's connection, from accept to close.  One enum state and
 * one function per state; each state has a time limit.  The way of a request
 * itself is in request.c, the flow of bytes in relay.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/broker.h"

#define HEAD_READ	(64 * 1024)
#define GONE		(EPOLLHUP | EPOLLERR)
#define LINGER_BYTES	(256UL * 1024 * 1024)
#define LINGER_TIME	3000

/* ---- reading and writing ---- */

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

bool client_send(struct client *c, struct slice a, struct slice b)
{
	ssize_t n = 0;

	if (!c->out.len) {
		n = source_write(&c->source, a, b);
		if (n < 0)
			return false;
	}
	size_t first = (size_t)n < a.n ? (size_t)n : a.n;
	size_t second = (size_t)n - first;
	if (first < a.n)
		buf_add(&c->out, a.p + first, a.n - first);
	if (second < b.n)
		buf_add(&c->out, b.p + second, b.n - second);
	if (c->out.len)
		client_deadline(c, (int64_t)c->broker->conf.write_time);
	return buf_ok(&c->out);
}

bool client_flush(struct client *c)
{
	while (c->out.len) {
		ssize_t n = source_write(&c->source, buf_slice(&c->out), SLICE_NONE);
		if (n < 0)
			return false;
		if (!n)
			return true;
		buf_eat(&c->out, (size_t)n);
		client_deadline(c, (int64_t)c->broker->conf.write_time);
	}
	buf_free(&c->out);
	return true;
}

bool client_charge(struct client *c)
{
	size_t now = c->in.cap + c->out.cap + (c->link ? c->link->out.cap : 0);

	if (now == c->charged)
		return true;
	uncharge(c->user, c->charged);
	c->charged = 0;
	if (!charge(c->user, now)) {
		log_warn("uid %u lets too much data wait: a connection of it is closed",
		    c->user->uid);
		relay_finish(c, "too much data waits for this user");
		client_close(c);
		return false;
	}
	c->charged = now;
	return true;
}

/* ---- life ---- */

void client_deadline(struct client *c, int64_t ms)
{
	if (!ms)
		timer_stop(&c->timer);
	else if (timer_set(&c->timer, loop_now(c->broker->loop) + ms) < 0)
		fatal("no memory for a timer");
}

static void client_free(struct task *t)
{
	struct client *c = (struct client *)(void *)((char *)t - offsetof(struct client, gone));

	buf_free(&c->in);
	buf_free(&c->out);
	account_unref(c->who->account);
	free(c->who);
	free(c);
}

static void request_end(struct client *c)
{
	struct request *r = c->request;

	if (!r)
		return;
	c->request = NULL;
	uncharge(c->user, r->charged);
	request_free(r);
}

void client_close(struct client *c)
{
	struct broker *b = c->broker;

	if (c->state == CLIENT_CLOSED)
		return;
	if (c->state == CLIENT_FORWARD || c->state == CLIENT_TUNNEL)
		relay_finish(c, NULL);
	c->state = CLIENT_CLOSED;
	if (c->link)
		link_close(c->link);
	c->link = NULL;
	request_end(c);
	node_remove(&c->waiter.node);
	node_remove(&c->record_node);
	node_remove(&c->node);
	timer_remove(&c->timer);
	source_close(&c->source);
	rights_unref(c->service_rights);
	uncharge(c->user, c->charged);
	c->user->connections--;
	b->connections--;
	user_put(c->user);
	c->user = NULL;
	task_post(b->loop, &c->gone);
	if (b->draining && !b->connections)
		broker_finish(b);
}

/* Answered, but the client may still be sending: so that it can read the
 * answer, its bytes are thrown away for a while.  None of them is a request. */
void client_linger(struct client *c)
{
	if (c->link) {
		link_close(c->link);
		c->link = NULL;
	}
	request_end(c);
	c->state = CLIENT_LINGER;
	buf_free(&c->in);
	c->lingered = 0;
	client_deadline(c, LINGER_TIME);
	source_want(&c->source, EPOLLIN | EPOLLOUT | GONE);
	source_again(&c->source);
}

static void linger_run(struct client *c)
{
	if (!client_flush(c) || c->source.ready & GONE) {
		client_close(c);
		return;
	}
	if (!c->out.len && !c->eof_passed) {
		c->eof_passed = true;
		if (c->peer_eof || shutdown(c->source.fd, SHUT_WR) < 0) {
			client_close(c);
			return;
		}
	}
	for (int i = 0; i < 4; i++) {
		ssize_t n = source_read(&c->source, c->broker->scratch, BOUND_RELAY);
		if (n == -1)
			break;
		if (n <= 0 || (c->lingered += (uint64_t)n) > LINGER_BYTES) {
			if (!c->out.len || n < 0) {
				client_close(c);
				return;
			}
			c->peer_eof = true;
			source_want(&c->source, EPOLLOUT | GONE);
			return;
		}
	}
	source_want(&c->source, EPOLLIN | GONE | (c->out.len ? EPOLLOUT : 0));
}

/* The request is over and nothing of it is left on the connection. */
void client_next(struct client *c)
{
	bool again = c->in.len > 0;

	request_end(c);
	c->state = CLIENT_HEAD;
	c->scanned = 0;
	c->since = 0;
	c->parse_first = again;
	if (!again)
		buf_free(&c->in);
	if (!c->out.len)
		client_deadline(c, (int64_t)c->broker->conf.idle_time);
	source_want(&c->source, EPOLLIN | GONE | EPOLLRDHUP | (c->out.len ? EPOLLOUT : 0));
	if (again)
		source_again(&c->source);
}

/* The end of a request that the broker answers itself.  Whether the rest of
 * the connection can be trusted decides if it is kept. */
static void client_answered(struct client *c, bool close)
{
	if (close)
		client_linger(c);
	else
		client_next(c);
}

void client_error(struct client *c, unsigned status, const char *fmt, ...)
{
	_cleanup_(buf_free) struct buf answer = BUF(16384);
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	struct request *r = c->request;
	bool close = !r || !r->body_done || !r->keep_alive || c->broker->draining;
	http_write_error(&answer, status, (struct slice){ text, len }, close,
	    r && r->method == METHOD_HEAD, c->broker->engine.api_version);
	if (r)
		r->status = status;
	if (!buf_ok(&answer) || !client_send(c, buf_slice(&answer), SLICE_NONE)) {
		client_close(c);
		return;
	}
	client_answered(c, close);
}

/* ---- states ---- */

struct rights *client_rights(struct client *c)
{
	struct rules *rules = &c->broker->rules;

	if (!c->service)
		return user_rights(c->user);
	if (c->service_rights && c->service_rights_generation == rules->generation)
		return c->service_rights;
	rights_unref(c->service_rights);
	c->service_rights = rights_new(rules->policy, c->who);
	c->service_rights_generation = rules->generation;
	return c->service_rights;
}

static void step_decided(struct client *c);
static void step_find(struct client *c);

static bool body_expected(const struct request *r)
{
	return r->framing == FRAMING_CHUNKED ||
	    (r->framing == FRAMING_LENGTH && r->length > 0);
}

/* Waiting for somebody else: only the client's going away counts. */
static void client_park(struct client *c, enum client_state state)
{
	c->state = state;
	source_want(&c->source, GONE);
}

static void parked_run(struct client *c)
{
	if (c->source.ready & GONE) {
		client_close(c);
		return;
	}
	source_want(&c->source, GONE);	/* a half-close is looked at later */
}

static void step_account(struct client *c)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	bool known = !c->service || !c->service->containers;
	int r = PEOPLE_FRESH;

	if (c->reject) {
		request_refused(c, 403, slice_from(c->reject));
		return;
	}
	if (known)
		r = people_check(c->user, true, c->request->began, &c->waiter);
	else if (!c->broker->people.ready)
		r = PEOPLE_DOWN;
	if (r == PEOPLE_WAIT) {
		client_park(c, CLIENT_ACCOUNT);
		client_deadline(c, (int64_t)c->broker->conf.account_time + 2000);
		return;
	}
	if (r != PEOPLE_FRESH) {
		client_error(c, 503, "dockbroker: dockbroker-authd is not running, so"
		    " accounts cannot be checked; nothing was done, try again");
		return;
	}
	unsigned status = known ? user_barred(c->user, &why) : 0;
	if (status) {
		request_refused(c, status, buf_slice(&why));
		return;
	}
	if (known && c->who->account != c->user->account) {
		account_unref(c->who->account);
		c->who->account = account_ref(c->user->account);
	}
	step_find(c);
}

static void step_engine(struct client *c)
{
	enum engine_outcome r = engine_known(c->broker, &c->waiter);

	if (r == ENGINE_BUSY) {
		client_park(c, CLIENT_ENGINE_VERSION);
		client_deadline(c, BOUND_ENGINE_CONNECT + 1000);
	} else if (r == ENGINE_DOWN) {
		client_error(c, 503, "dockbroker: the Docker Engine is not running");
	} else {
		step_find(c);
	}
}

static void step_find(struct client *c)
{
	struct request *r = c->request;
	const char *why;

	if (!c->broker->engine.probed) {
		step_engine(c);
		return;
	}
	if (!request_find(c))
		return;
	r->rights = client_rights(c);
	if (!r->rights) {
		client_error(c, 503, "dockbroker: out of memory, try again");
		return;
	}
	r->rights = rights_ref(r->rights);
	if (!journal_up(c->broker, r->facts.endpoint->flags & CHANGES, &why)) {
		client_error(c, 503, "dockbroker: %s", why);
		return;
	}
	bool stream = r->facts.endpoint->body == BODY_TAR ||
	    r->facts.endpoint->body == BODY_OPAQUE;
	if (stream || !body_expected(r)) {
		if (!stream)
			r->body_done = true;
		if (!stream && !request_body(c, SLICE_NONE))
			return;
		step_decided(c);
		return;
	}
	/* What no body could make right is refused before it is read. */
	if (!request_decide(c, false))
		return;
	c->state = CLIENT_BODY;
	if (r->expect && !client_send(c, SLICE("HTTP/1.1 100 Continue\r\n\r\n"), SLICE_NONE)) {
		client_close(c);
		return;
	}
	r->expect = false;
	client_deadline(c, (int64_t)c->broker->conf.body_time);
	source_want(&c->source, EPOLLIN | EPOLLOUT | GONE);
	source_again(&c->source);
}

static void step_decided(struct client *c)
{
	struct request *r = c->request;

	if (!request_decide(c, true))
		return;
	const struct endpoint *e = r->facts.endpoint;
	if (e->flags & CHANGES || e->stream != STREAM_NONE) {
		_cleanup_(buf_free) struct buf record = BUF(BOUND_RECORD);
		request_record(c, &record, "request");
		r->record_n = journal_add(c->broker, &record, e->flags & CHANGES);
		if (!r->record_n && (e->flags & CHANGES || c->broker->conf.audit_reads)) {
			client_error(c, 503, "dockbroker: the request could not be"
			    " recorded; nothing was done");
			return;
		}
	}
	if (e->flags & CHANGES) {
		client_park(c, CLIENT_RECORD);
		journal_wait(c->broker, c, r->record_n);
		client_deadline(c, (int64_t)c->broker->conf.audit_time);
		return;
	}
	relay_start(c);
}

void client_recorded(struct client *c)
{
	if (c->state == CLIENT_RECORD)
		relay_start(c);
}

void client_unrecorded(struct client *c)
{
	_cleanup_(buf_free) struct buf record = BUF(BOUND_RECORD);

	c->request->status = 503;
	request_record(c, &record, "result");
	record_text(&record, FIELD_REASON, SLICE("not forwarded: the record was not on disk in time"));
	(void)!journal_add(c->broker, &record, false);
	client_error(c, 503, "dockbroker: the request could not be recorded in time;"
	    " nothing was done, try again");
}

static void client_wake(struct waiter *w)
{
	struct client *c = node_entry(w, struct client, waiter);

	if (c->state == CLIENT_ACCOUNT)
		step_account(c);
	else if (c->state == CLIENT_ENGINE_VERSION && c->broker->engine.probed)
		step_find(c);
	else if (c->state == CLIENT_ENGINE_VERSION)
		client_error(c, 503, "dockbroker: the Docker Engine does not answer");
}

static void head_bad(struct client *c, const struct http_error *err)
{
	c->broker->refused++;
	client_error(c, err->status, "dockbroker: %s", err->why);
}

static void head_parse(struct client *c, struct slice in, bool owned)
{
	struct broker *b = c->broker;
	struct http_head head;
	struct http_error err;
	size_t used = 0;
	int r = http_request_parse(in, &c->scanned, b->conf.max_head, &head, &used, &err);

	if (r < 0)
		fatal("cannot parse a head: %s", strerror(-r));
	if (r == HTTP_BAD) {
		head_bad(c, &err);
		return;
	}
	if (r == HTTP_MORE) {
		if (!owned)
			buf_adds(&c->in, in);
		if (!c->since) {
			c->since = loop_now(b->loop);
			client_deadline(c, (int64_t)b->conf.head_time);
		}
		return;
	}
	c->request = request_new(b);
	if (!c->request) {
		client_error(c, 503, "dockbroker: out of memory, try again");
		return;
	}
	bool good = request_head(c, &head);
	/* The head's slices end here: what follows it stays. */
	if (owned)
		buf_eat(&c->in, used);
	else if (used < in.n)
		buf_add(&c->in, in.p + used, in.n - used);
	if (!buf_ok(&c->in))
		client_close(c);
	else if (!good)
		client_error(c, 400, "dockbroker: the request target or a header"
		    " field cannot be read");
	else
		step_account(c);
}

static void head_run(struct client *c)
{
	struct slice in = buf_slice(&c->in);
	bool owned = in.n > 0;

	if (!client_flush(c) || c->source.ready & EPOLLERR) {
		client_close(c);
		return;
	}
	if (c->out.len)
		return;		/* the last answer first */
	if (!c->parse_first) {
		ssize_t n = source_read(&c->source, c->broker->scratch, HEAD_READ);
		if (n == -1)
			return;
		if (n <= 0) {
			client_close(c);
			return;
		}
		in = (struct slice){ c->broker->scratch, (size_t)n };
		if (owned) {
			buf_adds(&c->in, in);
			in = buf_slice(&c->in);
		}
	}
	c->parse_first = false;
	source_want(&c->source, EPOLLIN | GONE | EPOLLRDHUP);
	head_parse(c, in, owned);
}

struct body_sink { struct client *c; bool full; };

static void body_take(void *arg, struct slice piece)
{
	struct body_sink *sink = arg;
	struct request *r = sink->c->request;

	if (sink->full)
		return;
	if (!charge(sink->c->user, piece.n)) {
		sink->full = true;
		return;
	}
	r->charged += piece.n;
	r->received += piece.n;
	buf_adds(&r->raw, piece);
	sink->full = !buf_ok(&r->raw);
}

/* Takes what belongs to the body from in; 0, or a status of refusal. */
static unsigned body_feed(struct client *c, struct slice in, size_t *used)
{
	struct request *r = c->request;
	struct body_sink sink = { c, false };

	*used = 0;
	if (r->framing == FRAMING_CHUNKED) {
		int k = http_chunked_feed(&r->up, in, used, body_take, &sink);
		if (k == CHUNKED_BAD || k < 0)
			return 400;
		r->body_done = k == CHUNKED_END;
	} else {
		uint64_t left = r->length - r->received;
		*used = in.n < left ? in.n : (size_t)left;
		body_take(&sink, (struct slice){ in.p, *used });
		r->body_done = r->received == r->length;
	}
	return sink.full ? 413 : 0;
}

static void body_run(struct client *c)
{
	struct request *r = c->request;
	bool owned = c->in.len > 0;
	struct slice in = buf_slice(&c->in);
	size_t used;

	if (!client_flush(c)) {
		client_close(c);
		return;
	}
	if (!owned) {
		ssize_t n = source_read(&c->source, c->broker->scratch, BOUND_RELAY);
		if (n == -1)
			return;
		if (n <= 0) {
			client_close(c);
			return;
		}
		in = (struct slice){ c->broker->scratch, (size_t)n };
	}
	unsigned status = body_feed(c, in, &used);
	if (owned)
		buf_eat(&c->in, used);
	else if (r->body_done && used < in.n)
		buf_add(&c->in, in.p + used, in.n - used);
	if (status == 413) {
		r->body_done = false;
		request_refused(c, 413, SLICE("the body is larger than this"
		    " request may have"));
	} else if (status) {
		r->body_done = false;
		client_error(c, status, "dockbroker: the chunks of the body are malformed");
	} else if (!r->body_done) {
		client_deadline(c, (int64_t)c->broker->conf.body_time);
		source_want(&c->source, EPOLLIN | GONE);
	} else if (request_body(c, buf_slice(&r->raw))) {
		buf_free(&r->raw);
		step_decided(c);
	}
}

void client_run(struct source *s, uint32_t ready)
{
	struct client *c = (struct client *)(void *)s;

	switch (c->state) {
	case CLIENT_HEAD:
		head_run(c);
		break;
	case CLIENT_ACCOUNT:
	case CLIENT_ENGINE_VERSION:
	case CLIENT_RECORD:
	case CLIENT_CONNECT:
		parked_run(c);
		break;
	case CLIENT_BODY:
		body_run(c);
		break;
	case CLIENT_FORWARD:
	case CLIENT_TUNNEL:
		relay_client(c, ready);
		break;
	case CLIENT_LINGER:
		linger_run(c);
		break;
	case CLIENT_CLOSED:
		break;
	}
}

static void client_late(struct timer *t)
{
	struct client *c = (struct client *)(void *)((char *)t - offsetof(struct client, timer));

	switch (c->state) {
	case CLIENT_HEAD:
		if (c->in.len && !c->out.len)
			client_error(c, 408, "dockbroker: the head of the request did"
			    " not come in time");
		else
			client_close(c);
		break;
	case CLIENT_BODY:
		c->request->body_done = false;
		client_error(c, 408, "dockbroker: the body of the request did not"
		    " come in time");
		break;
	case CLIENT_ACCOUNT:
		node_remove(&c->waiter.node);
		client_error(c, 503, "dockbroker: the account could not be checked in"
		    " time, try again");
		break;
	case CLIENT_ENGINE_VERSION:
		node_remove(&c->waiter.node);
		client_error(c, 503, "dockbroker: the Docker Engine does not answer");
		break;
	case CLIENT_RECORD:
		node_remove(&c->record_node);
		client_unrecorded(c);
		break;
	case CLIENT_CONNECT:
		relay_start(c);
		break;
	case CLIENT_FORWARD:
	case CLIENT_TUNNEL:
	case CLIENT_LINGER:
	case CLIENT_CLOSED:
		client_close(c);
		break;
	}
}

/* ---- accept ---- */

static void client_identify(struct client *c, struct listener *l)
{
	bool containers = l->service && l->service->containers;

	if (peer_identify(c->source.fd, containers, c->broker->container, c->who,
	    &c->reject) != PEER_GOOD)
		return;
	if (l->kind == SOCKET_USER && l->user && c->who->uid != l->user->uid)
		c->reject = "this socket belongs to another user";
	if (l->service) {
		snprintf(c->who->service, sizeof(c->who->service), "%s", l->service->name);
		if (l->service->uid != WHO_UNSET && l->service->uid != c->who->uid)
			c->reject = "this service socket belongs to another uid";
	}
}

static struct client *client_new(struct listener *l, int fd)
{
	struct broker *b = l->broker;
	struct client *c = calloc(1, sizeof(*c));

	if (!c || !(c->who = calloc(1, sizeof(*c->who)))) {
		free(c);
		close(fd);
		return NULL;
	}
	c->broker = b;
	c->kind = l->kind;
	c->service = l->service;
	c->gone.run = client_free;
	c->waiter.wake = client_wake;
	c->in = BUF(BOUND_HEAD + 2 * BOUND_RELAY);
	c->out = BUF(BOUND_RELAY_WAIT + BOUND_RELAY + BOUND_RESPONSE_HEAD);
	node_init(&c->node);
	node_init(&c->waiter.node);
	node_init(&c->record_node);
	timer_init(b->loop, &c->timer, client_late);
	if (source_add(b->loop, &c->source, fd, EPOLLIN | EPOLLRDHUP | GONE, client_run) < 0) {
		close(fd);
		free(c->who);
		free(c);
		return NULL;
	}
	return c;
}

void client_accept(struct listener *l, int fd)
{
	struct broker *b = l->broker;
	struct client *c = client_new(l, fd);

	if (!c)
		return;
	client_identify(c, l);
	c->user = user_get(b, c->who->uid);
	if (!c->user) {
		source_close(&c->source);
		task_post(b->loop, &c->gone);
		return;
	}
	node_append(&c->user->clients, &c->node);
	c->user->connections++;
	b->connections++;
	snprintf(c->user->tty, sizeof(c->user->tty), "%s", c->who->tty);
	client_deadline(c, (int64_t)b->conf.idle_time);
	/* Told so, and after some more of them not even that. */
	if (c->user->connections > b->conf.max_connections_user * 5 / 4 ||
	    b->connections > b->conf.max_connections * 5 / 4)
		client_close(c);
	else if (c->user->connections > b->conf.max_connections_user)
		client_error(c, 429, "dockbroker: uid %u has %u connections open, no"
		    " more are permitted", c->user->uid, c->user->connections - 1);
	else if (b->connections > b->conf.max_connections)
		client_error(c, 503, "dockbroker: too many connections, try again");
}

/* ---- rights that end ---- */

void client_cut(struct client *c, const char *why)
{
	_cleanup_(buf_free) struct buf r = BUF(BOUND_RECORD);

	c->broker->cut++;
	request_record(c, &r, "stream-cut");
	record_text(&r, FIELD_REASON, slice_from(why));
	(void)!journal_add(c->broker, &r, false);
	client_close(c);
}

void clients_judge(struct user *u)
{
	_cleanup_(buf_free) struct buf barred = BUF(1024);
	int64_t now = loop_realtime(u->broker->loop) / 1000000;
	bool out = user_barred(u, &barred) == 403;

	for (struct node *n = u->clients.next, *next; n != &u->clients; n = next) {
		struct client *c = node_entry(n, struct client, node);
		struct verdict v;
		next = n->next;
		if ((c->state != CLIENT_FORWARD && c->state != CLIENT_TUNNEL) || !c->request)
			continue;
		struct rights *rights = client_rights(c);
		if (!rights)
			continue;
		bool anonymous = c->service && c->service->containers;
		policy_decide(rights, &c->request->facts, now, &v);
		if (out && !anonymous)
			client_cut(c, buf_text(&barred));
		else if (!v.allowed)
			client_cut(c, "the right that opened it has ended");
	}
}
