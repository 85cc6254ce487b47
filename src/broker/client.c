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
#include <unistd.h>

#include "broker/broker.h"

#define HEAD_READ	(64 * 1024)
#define GONE		(EPOLLHUP | EPOLLERR)
#define LINGER_BYTES	(256UL * 1024 * 1024)
#define LINGER_TIME	3000

/* ---- reading and writing ---- */

/* A reader of a stream may stop it (^S, a pager) for as long as he likes: what
 * waits is bounded and charged to him.  Any other answer has to be taken. */
void client_stalls(struct client *c)
{
	const struct request *r = c->request;
	bool stream = r && r->facts.endpoint && r->facts.endpoint->stream != STREAM_NONE;

	client_deadline(c, stream ? 0 : (int64_t)c->broker->conf.write_time);
}

bool client_send(struct client *c, struct slice a, struct slice b)
{
	bool good = out_send(&c->source, &c->out, a, b);

	if (good && c->out.len)
		client_stalls(c);
	return good;
}

bool client_flush(struct client *c)
{
	size_t before = c->out.len;

	if (!out_flush(&c->source, &c->out))
		return false;
	if (c->out.len != before)
		client_stalls(c);
	if (!c->out.len)
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

void client_free(struct task *t)
{
	struct client *c = node_entry(t, struct client, gone);

	buf_free(&c->in);
	buf_free(&c->out);
	account_unref(c->who->account);
	free(c->who);
	free(c);
}

/* Buffers that are gone are not paid for by who keeps the connection. */
static void client_uncharge(struct client *c)
{
	size_t now = c->in.cap + c->out.cap;

	if (now >= c->charged)
		return;
	uncharge(c->user, c->charged - now);
	c->charged = now;
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
	if (c->state == CLIENT_FORWARD || c->state == CLIENT_TUNNEL ||
	    c->state == CLIENT_PRUNE || c->state == CLIENT_FINISH)
		relay_finish(c, NULL);
	else if (c->state == CLIENT_RECORD || c->state == CLIENT_CONNECT)
		relay_finish(c, "not forwarded: the client went away");
	prune_left(c);
	c->state = CLIENT_CLOSED;
	if (c->link)
		link_close(c->link);
	c->link = NULL;
	request_end(c);
	node_remove(&c->waiter.node);
	node_remove(&c->record_node);
	node_remove(&c->commit_node);
	node_remove(&c->node);
	timer_remove(&c->timer);
	timer_remove(&c->lag);
	source_close(&c->source);
	rights_unref(c->service_rights);
	uncharge(c->user, c->charged);
	c->user->connections--;
	b->connections--;
	b->strangers -= c->stranger;
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
	client_uncharge(c);
	/* A slow reader keeps his time until the last byte is his. */
	client_deadline(c, c->out.len ? (int64_t)c->broker->conf.write_time : LINGER_TIME);
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
		client_deadline(c, LINGER_TIME);
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

/* The last answer first: what comes meanwhile would only keep the loop awake. */
static void head_wants(struct client *c)
{
	source_want(&c->source, c->out.len ? EPOLLOUT | GONE :
	    EPOLLIN | EPOLLRDHUP | GONE);
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
	client_uncharge(c);
	head_wants(c);
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

bool client_stays(const struct client *c, unsigned status)
{
	const struct request *r = c->request;
	const struct endpoint *e = r->facts.endpoint;
	bool raw = e && (e->stream == STREAM_HIJACK ||
	    e->stream == STREAM_WEBSOCKET || e->stream == STREAM_HTTP2);

	/* Who wanted a raw stream may have begun to write it: none of that may
	 * be read as his next request. */
	if (r->upgrade || (raw && status >= 300))
		return false;
	return r->keep_alive && r->minor == 1 && r->body_done &&
	    !c->broker->draining && !c->peer_eof;
}

bool client_tells_close(const struct client *c)
{
	const struct request *r = c->request;

	return !r || !r->upgrade || !slice_equal_nocase(r->upgrade_to, SLICE("tcp"));
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
	bool close = !r || !client_stays(c, status);
	http_write_error(&answer, status, (struct slice){ text, len },
	    close && client_tells_close(c), r && r->method == METHOD_HEAD,
	    c->broker->engine.api_version);
	if (r)
		r->status = status;
	if (!buf_ok(&answer) || !client_send(c, buf_slice(&answer), SLICE_NONE)) {
		client_close(c);
		return;
	}
	client_answered(c, close);
}

/* ---- states ---- */

static void parked_run(struct client *c)
{
	if (c->source.ready & GONE) {
		client_close(c);
		return;
	}
	source_want(&c->source, GONE);	/* a half-close is looked at later */
}

/* Whose the new thing is must be known, be the client there or not. */
static void finish_run(struct client *c)
{
	bool gone = c->source.ready & GONE || !client_flush(c);

	source_want(&c->source, GONE | (c->out.len ? EPOLLOUT : 0));
	if (!gone || c->request->alone)
		return;
	c->request->alone = true;
	source_close(&c->source);
	buf_reset(&c->out);
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
	c->since = 0;
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
		return;
	client_uncharge(c);
	if (!(c->source.want & EPOLLIN)) {	/* it waited for this moment */
		head_wants(c);
		client_deadline(c, (int64_t)c->broker->conf.idle_time);
	}
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
		source_want(&c->source, EPOLLIN | GONE | (c->out.len ? EPOLLOUT : 0));
	} else if (request_body(c, buf_slice(&r->raw))) {
		buf_wipe(&r->raw);
		step_body(c);
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
	case CLIENT_LOOK:
	case CLIENT_GROUP:
	case CLIENT_PRUNE:
	case CLIENT_RECORD:
	case CLIENT_CONNECT:
		parked_run(c);
		break;
	case CLIENT_FINISH:
		finish_run(c);
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

void client_late(struct timer *t)
{
	struct client *c = node_entry(t, struct client, timer);

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
	case CLIENT_LOOK:
		node_remove(&c->waiter.node);
		client_error(c, 503, "dockbroker: it is not known yet what the Docker"
		    " Engine has; nothing was done, try again");
		break;
	case CLIENT_GROUP:
		node_remove(&c->waiter.node);
		client_error(c, 503, "dockbroker: dockbroker-authd does not make your"
		    " control group; nothing was done, try again");
		break;
	case CLIENT_FINISH:
		hold_late(c);
		break;
	case CLIENT_PRUNE:
		break;
	case CLIENT_RECORD:
		node_remove(&c->record_node);
		client_unrecorded(c);
		break;
	case CLIENT_CONNECT:
		relay_start(c);
		break;
	case CLIENT_FORWARD:
		if (!c->out.len && !c->request->head_sent) {
			c->request->status = 408;
			relay_finish(c, "the body of the request did not come in time");
			client_error(c, 408, "dockbroker: the body of the request"
			    " did not come in time");
			break;
		}
		client_close(c);
		break;
	case CLIENT_TUNNEL:
		if (c->head_until)
			tunnel_run(c);
		else
			client_close(c);
		break;
	case CLIENT_LINGER:
	case CLIENT_CLOSED:
		client_close(c);
		break;
	}
}
