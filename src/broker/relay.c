/*
 * relay.c: from the decision to the end.  The composed request goes to the
 * Engine, its answer comes back as it is produced, bodies flow with bounded
 * memory, and a hijacked stream becomes two independent one-way pipes.
 *
 * One side's bytes wait in the other side's `out' buffer only while that
 * side does not take them; nothing more is read from the first meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/broker.h"

#define GONE	(EPOLLHUP | EPOLLERR)
#define HEAD_USUAL	500	/* bytes of an answer's head: one allocation */

static void relay_run(struct client *c);

/* ---- the end ---- */

void relay_finish(struct client *c, const char *reason)
{
	_cleanup_(buf_free) struct buf record = BUF(BOUND_RECORD);
	struct request *r = c->request;

	if (!r || r->answer_done)
		return;
	r->answer_done = true;
	if (c->counted_stream) {
		c->counted_stream = false;
		c->user->streams--;
	}
	request_record(c, &record, r->record_n ? "result" : "access");
	if (reason)
		record_text(&record, FIELD_REASON, slice_from(reason));
	if (!journal_add(c->broker, &record, false))
		log_warn("a result could not be recorded");
}

/* It cannot go on: the Engine's fault or the client's. */
static void relay_failed(struct client *c, unsigned status, const char *why)
{
	struct request *r = c->request;

	if (c->link)
		link_close(c->link);
	c->link = NULL;
	r->status = status;
	if (r->head_sent) {
		relay_finish(c, why);
		client_close(c);
		return;
	}
	relay_finish(c, why);
	client_error(c, status, "dockbroker: %s", why);
}

static void relay_over(struct client *c)
{
	struct request *r = c->request;
	struct link *l = c->link;
	/* That the Engine closes its connection is nothing to the client's. */
	bool keep = client_stays(c, r->status) && r->answer_framing != FRAMING_CLOSE;

	relay_finish(c, NULL);
	c->link = NULL;
	if (l && r->body_done && !r->close_after && !l->out.len)
		link_release(l);
	else if (l)
		link_close(l);
	if (keep)
		client_next(c);
	else
		client_linger(c);
}

/* ---- start ---- */

bool link_flush(struct link *l)
{
	while (l->out.len) {
		ssize_t n = source_write(&l->source, buf_slice(&l->out), SLICE_NONE);
		if (n < 0)
			return false;
		if (!n)
			return true;
		buf_eat(&l->out, (size_t)n);
	}
	return true;
}

bool link_send(struct link *l, struct slice a, struct slice b)
{
	ssize_t n = 0;

	if (!l->out.len) {
		n = source_write(&l->source, a, b);
		if (n < 0)
			return false;
	}
	size_t first = (size_t)n < a.n ? (size_t)n : a.n;
	size_t second = (size_t)n - first;
	if (first < a.n)
		buf_add(&l->out, a.p + first, a.n - first);
	if (second < b.n)
		buf_add(&l->out, b.p + second, b.n - second);
	return buf_ok(&l->out);
}

static void relay_connect(struct client *c, bool fresh)
{
	struct request *r = c->request;
	int k = engine_take(c->broker, c, fresh, &c->link);

	if (k == ENGINE_BUSY) {
		int64_t now = loop_now(c->broker->loop);
		if (!c->since)
			c->since = now;
		if (now - c->since > BOUND_ENGINE_CONNECT) {
			relay_failed(c, 502, "the Docker Engine takes no connection");
			return;
		}
		c->state = CLIENT_CONNECT;
		source_want(&c->source, GONE);
		client_deadline(c, 10);
		return;
	}
	if (k != ENGINE_GOOD) {
		r->status = 503;
		relay_finish(c, "the Docker Engine is not running");
		client_error(c, 503, "dockbroker: the Docker Engine is not running;"
		    " nothing was done");
		return;
	}
	buf_reset(&c->link->out);
	request_compose(c, &c->link->out);
	if (!buf_ok(&c->link->out)) {
		relay_failed(c, 502, "the request is too large");
		return;
	}
	c->state = CLIENT_FORWARD;
	client_deadline(c, 0);
	relay_run(c);
}

/* While the record was on its way, or the Engine busy, rights may have ended:
 * only what is under way already is cut when they do. */
static bool still_allowed(struct client *c)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	struct request *r = c->request;
	struct rights *now = client_rights(c);
	bool anonymous = c->service && c->service->containers;
	struct verdict v = r->verdict;

	if (now && now != r->rights)
		policy_decide(now, &r->facts, loop_realtime(c->broker->loop) / 1000000, &v);
	if (now && v.allowed && (anonymous || user_barred(c->user, &why) != 403))
		return true;
	r->status = 403;
	relay_finish(c, "not forwarded: the right to it has ended");
	client_error(c, 403, "dockbroker: the right to do this has ended; nothing was done");
	return false;
}

void relay_start(struct client *c)
{
	struct request *r = c->request;

	if (!still_allowed(c))
		return;
	if (r->expect && !r->body_done &&
	    !client_send(c, SLICE("HTTP/1.1 100 Continue\r\n\r\n"), SLICE_NONE)) {
		client_close(c);
		return;
	}
	r->expect = false;
	if (!c->counted_stream) {
		c->counted_stream = true;
		c->user->streams++;
	}
	relay_connect(c, false);
}

/* A kept connection that the Engine had closed: reads may go again. */
static bool relay_retry(struct client *c)
{
	struct request *r = c->request;

	if (r->retried || !c->link->used || c->link->answered || r->head_sent ||
	    !(r->facts.endpoint->flags & RETRY) || !r->body_done)
		return false;
	r->retried = true;
	link_close(c->link);
	c->link = NULL;
	relay_connect(c, true);
	return true;
}

/* ---- request body, streamed ---- */

struct up_sink { struct link *link; bool failed; };

static void up_chunk(void *arg, struct slice piece)
{
	struct up_sink *s = arg;
	char line[24];
	int n = snprintf(line, sizeof(line), "%zx\r\n", piece.n);

	if (s->failed || !piece.n)
		return;
	s->failed = !link_send(s->link, (struct slice){ line, (size_t)n }, piece) ||
	    !link_send(s->link, SLICE("\r\n"), SLICE_NONE);
	s->link->client->request->received += piece.n;
}

/* What of in belongs to the body goes to the Engine; -1 malformed, -2 the
 * Engine takes no more. */
static int up_feed(struct client *c, struct slice in, size_t *used)
{
	struct request *r = c->request;
	struct up_sink sink = { c->link, false };

	if (r->framing == FRAMING_CHUNKED) {
		int k = http_chunked_feed(&r->up, in, used, up_chunk, &sink);
		if (k != CHUNKED_MORE && k != CHUNKED_END)
			return -1;
		if (k == CHUNKED_END && !sink.failed) {
			r->body_done = true;
			sink.failed = !link_send(c->link, SLICE("0\r\n\r\n"), SLICE_NONE);
		}
		return sink.failed ? -2 : 0;
	}
	uint64_t left = r->length - r->received;
	*used = in.n < left ? in.n : (size_t)left;
	r->received += *used;
	r->body_done = r->received == r->length;
	return link_send(c->link, (struct slice){ in.p, *used }, SLICE_NONE) ? 0 : -2;
}

/* A long body of known length.  As splice_up. */
static ssize_t body_splice(struct client *c)
{
	struct request *r = c->request;
	ssize_t n = splice_up(c, r->length - r->received);

	r->body_done = r->received == r->length;
	if (n == SPLICE_TARGET)
		c->up_dead = true;
	else if (n == 0 || n == SPLICE_SOURCE)
		client_close(c);	/* the Engine must not take it for whole */
	return n;
}

/* False: the client is closed. */
static bool pump_body(struct client *c)
{
	struct request *r = c->request;
	size_t moved = 0, used = 0;

	while (!r->body_done && !c->up_dead && !c->link->out.len && moved < BOUND_RELAY) {
		struct slice in = buf_slice(&c->in);
		bool owned = in.n > 0;
		if (!owned && c->up_bulk && r->framing == FRAMING_LENGTH) {
			ssize_t n = body_splice(c);
			if (n <= 0)
				return n == SPLICE_NONE || n == SPLICE_TARGET;
			moved += (size_t)n;
			continue;
		}
		if (!owned) {
			ssize_t n = source_read(&c->source, c->broker->scratch, BOUND_RELAY);
			if (n == -1)
				break;
			if (n <= 0) {
				/* Cut short: the Engine must not take it for whole. */
				client_close(c);
				return false;
			}
			in = (struct slice){ c->broker->scratch, (size_t)n };
			c->up_bulk = splice_pays(c->broker, in.n);
		}
		int k = up_feed(c, in, &used);
		moved += used;
		if (owned)
			buf_eat(&c->in, used);
		else if (k == 0 && used < in.n)
			buf_add(&c->in, in.p + used, in.n - used);
		if (k == -1) {
			r->body_done = false;
			relay_failed(c, 400, "the chunks of the body are malformed");
			return false;
		}
		if (k == -2)
			c->up_dead = true;	/* it answers, or it is gone */
	}
	return true;
}

/* ---- answers ---- */

static bool hop_by_hop(enum header id)
{
	switch (id) {
	case HEADER_CONNECTION:
	case HEADER_KEEP_ALIVE:
	case HEADER_TRANSFER_ENCODING:
	case HEADER_CONTENT_LENGTH:
	case HEADER_UPGRADE:
	case HEADER_TRAILER:
		return true;
	default:
		return false;
	}
}

static void compose_answer(struct client *c, const struct http_head *h, bool raw, struct buf *out)
{
	struct request *r = c->request;
	bool bodyless = h->status == 204 || h->status == 304 || h->status == 101;

	buf_addz(out, "HTTP/1.1 ");
	buf_addu(out, h->status);
	buf_addc(out, ' ');
	buf_addz(out, http_reason(h->status));
	buf_add(out, "\r\n", 2);
	for (size_t i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];
		if (hop_by_hop(f->id))
			continue;
		buf_adds(out, f->name);
		buf_add(out, ": ", 2);
		buf_adds(out, f->value);
		buf_add(out, "\r\n", 2);
	}
	if (h->status == 101) {
		buf_addz(out, "Connection: Upgrade\r\nUpgrade: ");
		buf_adds(out, h->known[HEADER_UPGRADE].n ? h->known[HEADER_UPGRADE] : SLICE("tcp"));
		buf_add(out, "\r\n", 2);
	} else if (r->answer_framing == FRAMING_CHUNKED && r->minor == 1) {
		buf_addz(out, "Transfer-Encoding: chunked\r\n");
	} else if (h->known[HEADER_CONTENT_LENGTH].p && !bodyless) {
		buf_addz(out, "Content-Length: ");
		buf_addu(out, h->length);
		buf_add(out, "\r\n", 2);
	}
	bool stays = client_stays(c, h->status) || !client_tells_close(c);
	if (!raw && (!stays || r->answer_framing == FRAMING_CLOSE))
		buf_addz(out, "Connection: close\r\n");
	buf_add(out, "\r\n", 2);
}

struct down_sink { struct client *c; bool failed; };

static void down_plain(void *arg, struct slice piece)
{
	struct down_sink *s = arg;

	/* HTTP/1.0 knows no chunks: decoded, and ended by the close. */
	if (s->c->request->minor == 0 && !s->failed)
		s->failed = !client_send(s->c, piece, SLICE_NONE);
	s->c->request->sent += piece.n;
}

/* Body bytes of the answer behind head (which may be empty).  False: the
 * client or the answer is broken. */
static bool answer_bytes(struct client *c, struct slice head, struct slice in)
{
	struct request *r = c->request;
	struct down_sink sink = { c, false };
	size_t used = in.n;
	int k = CHUNKED_MORE;

	if (r->answer_framing == FRAMING_CHUNKED) {
		if (r->minor == 0 && !client_send(c, head, SLICE_NONE))
			return false;
		k = http_chunked_feed(&r->down, in, &used, down_plain, &sink);
		r->answer_left = k == CHUNKED_END ? 0 : 1;
		if (sink.failed || k == CHUNKED_BAD || k < 0)
			return false;
		if (used < in.n)
			r->close_after = true;	/* more than was announced */
		return r->minor == 0 || client_send(c, head, (struct slice){ in.p, used });
	}
	if (r->answer_framing == FRAMING_LENGTH || r->answer_framing == FRAMING_NONE) {
		uint64_t left = r->answer_framing == FRAMING_LENGTH ? r->answer_left : 0;
		if (in.n > left) {
			r->close_after = true;
			used = (size_t)left;
		}
		r->answer_left = left - used;
	}
	r->sent += used;
	return client_send(c, head, (struct slice){ in.p, used });
}

static bool answer_over(const struct request *r)
{
	return r->head_sent && r->answer_framing != FRAMING_CLOSE && !r->answer_left;
}

/* The stream is hijacked: from here on two pipes. */
static void answer_tunnel(struct client *c, struct slice head, struct slice rest)
{
	struct request *r = c->request;

	r->sent += rest.n;
	c->state = CLIENT_TUNNEL;
	if (!client_send(c, head, rest)) {
		client_close(c);
		return;
	}
	if (!c->out.len)
		client_deadline(c, 0);
	tunnel_run(c);
}

/* False: the client is closed, or no longer in CLIENT_FORWARD. */
static bool answer_head(struct client *c, const struct http_head *h, struct slice rest)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf head = BUF(2 * BOUND_RESPONSE_HEAD);
	enum stream_kind stream = r->facts.endpoint->stream;
	bool raw = (stream == STREAM_HIJACK && h->status < 300 &&
	    (h->status == 101 ? r->upgrade : h->framing == FRAMING_CLOSE)) ||
	    (stream == STREAM_WEBSOCKET && h->status == 101);

	engine_saw(c->broker, h);
	r->status = h->status;
	r->head_sent = true;
	r->answer_framing = h->framing;
	r->answer_left = h->framing == FRAMING_LENGTH ? h->length :
	    h->framing == FRAMING_CHUNKED;
	r->close_after |= !h->keep_alive || h->framing == FRAMING_CLOSE;
	if (h->status == 101 && !raw) {
		r->head_sent = false;
		relay_failed(c, 502, "the Docker Engine changed the protocol unasked");
		return false;
	}
	(void)buf_room(&head, HEAD_USUAL);
	compose_answer(c, h, raw, &head);
	if (!buf_ok(&head)) {
		client_close(c);
		return false;
	}
	if (raw) {
		answer_tunnel(c, buf_slice(&head), rest);
		return false;
	}
	if (h->framing == FRAMING_CHUNKED)
		http_chunked_init(&r->down);
	if (!answer_bytes(c, buf_slice(&head), rest)) {
		relay_finish(c, "the answer was cut");
		client_close(c);
		return false;
	}
	return true;
}

/* Looks for a head in what came.  False as above. */
static bool answer_parse(struct client *c, struct slice in, bool owned)
{
	struct request *r = c->request;
	struct link *l = c->link;
	struct http_head head;
	struct http_error err;
	size_t used = 0;

	for (;;) {
		int k = http_response_parse(in, &l->scanned, r->method, &head, &used, &err);
		if (k == HTTP_MORE) {
			if (!owned)
				buf_adds(&l->in, in);
			if (buf_ok(&l->in))
				return true;
			k = HTTP_BAD;
		}
		if (k != HTTP_GOOD) {
			relay_failed(c, 502, "the Docker Engine sent an answer that cannot be read");
			return false;
		}
		if (head.status >= 200 || head.status == 101)
			break;
		/* 100 and friends concern only us. */
		l->scanned = 0;
		in = (struct slice){ in.p + used, in.n - used };
		if (owned) {
			buf_eat(&l->in, used);
			in = buf_slice(&l->in);
		}
		if (!in.n)
			return true;
	}
	l->scanned = 0;
	bool good = answer_head(c, &head, (struct slice){ in.p + used, in.n - used });
	if (c->link == l)
		buf_free(&l->in);
	return good;
}

static void answer_ended(struct client *c)
{
	struct request *r = c->request;

	if (!r->head_sent) {
		if (!relay_retry(c))
			relay_failed(c, 502, "the Docker Engine closed the connection"
			    " without an answer");
		return;
	}
	if (r->answer_framing != FRAMING_CLOSE)
		relay_finish(c, "the Docker Engine cut its answer short");
	r->close_after = true;
	if (r->answer_framing != FRAMING_CLOSE) {
		client_close(c);	/* the client must not take it for whole */
		return;
	}
	relay_over(c);
}

/* Enough of a body of known length is to come? */
static bool answer_bulk(const struct client *c)
{
	const struct request *r = c->request;

	return c->down_bulk && r->head_sent && !c->link->in.len &&
	    r->answer_framing == FRAMING_LENGTH;
}

/* False: the client is closed or has another state. */
static bool pump_answer(struct client *c)
{
	struct request *r = c->request;
	size_t moved = 0;

	while (!c->out.len && moved < BOUND_RELAY && !answer_over(r)) {
		struct link *l = c->link;
		bool bulk = answer_bulk(c);
		ssize_t n = bulk ? splice_down(c, r->answer_left) :
		    source_read(&l->source, c->broker->scratch, BOUND_RELAY);
		if (n == -1)
			return true;
		if (bulk && n == SPLICE_TARGET) {
			relay_finish(c, "the client went away");
			client_close(c);
			return false;
		}
		if (n <= 0) {
			answer_ended(c);
			return false;
		}
		moved += (size_t)n;
		if (bulk) {
			r->answer_left -= (uint64_t)n;
			continue;
		}
		l->answered = true;
		c->down_bulk = splice_pays(c->broker, (size_t)n);
		struct slice in = { c->broker->scratch, (size_t)n };
		bool owned = l->in.len > 0;
		if (owned) {
			buf_adds(&l->in, in);
			in = buf_slice(&l->in);
		}
		if (!r->head_sent) {
			if (!answer_parse(c, in, owned))
				return false;
		} else if (!answer_bytes(c, SLICE_NONE, in)) {
			relay_finish(c, "the client went away");
			client_close(c);
			return false;
		}
	}
	return true;
}

/* ---- one turn of a request under way ---- */

static void relay_wants(struct client *c)
{
	struct request *r = c->request;
	bool body = !r->body_done && !c->up_dead && !c->link->out.len;
	bool raw = r->facts.endpoint->stream == STREAM_HIJACK ||
	    r->facts.endpoint->stream == STREAM_WEBSOCKET;
	bool half = r->body_done && !raw && !c->peer_eof;

	if (!c->out.len)
		/* What makes a tar may take its time: docker load from a pipe. */
		client_deadline(c, body ? (int64_t)c->broker->conf.idle_time : 0);
	source_want(&c->source, GONE | (c->out.len ? EPOLLOUT : 0) |
	    (half ? EPOLLRDHUP : 0) | (body ? EPOLLIN : 0));
	source_want(&c->link->source, (c->out.len ? 0 : EPOLLIN | EPOLLRDHUP | GONE) |
	    (c->link->out.len ? EPOLLOUT : 0));
}

/* The client shut down its side.  A short answer still comes; what could
 * last for days ends, as the Engine itself would end it. */
static bool relay_half_closed(struct client *c)
{
	struct request *r = c->request;

	enum stream_kind stream = r->facts.endpoint->stream;

	if (c->peer_eof || !(c->source.ready & EPOLLRDHUP))
		return true;
	/* The read tells when a body is cut, and the end of a raw stream. */
	if (!r->body_done || stream == STREAM_HIJACK || stream == STREAM_WEBSOCKET)
		return true;
	c->peer_eof = true;
	if (stream != STREAM_LONG)
		return true;
	relay_finish(c, "the client went away");
	client_close(c);
	return false;
}

static void relay_run(struct client *c)
{
	if (c->source.ready & GONE || !client_flush(c)) {
		relay_finish(c, "the client went away");
		client_close(c);
		return;
	}
	if (!relay_half_closed(c))
		return;
	if (!link_flush(c->link))
		c->up_dead = true;
	if (!pump_body(c) || !pump_answer(c))
		return;
	if (answer_over(c->request))
		relay_over(c);
	else if (client_charge(c))
		relay_wants(c);
}

void relay_client(struct client *c, uint32_t ready)
{
	(void)ready;
	if (c->state == CLIENT_TUNNEL)
		tunnel_run(c);
	else
		relay_run(c);
}

void relay_link(struct source *s, uint32_t ready)
{
	struct link *l = (struct link *)(void *)s;

	if (l->client)
		relay_client(l->client, ready);
}
