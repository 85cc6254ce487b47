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

#include "broker/guard.h"

#define GONE	(EPOLLHUP | EPOLLERR)
#define ALONE_TIME	60000		/* ms that the Engine has for who did not wait */
#define CHUNK_LONG	16384		/* bytes of a chunk that is not gathered */
#define CHUNK_COST	256		/* a chunk's parsing, as bytes of a fair turn */
#define CHUNK_READ	(64 * 1024)

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
void relay_failed(struct client *c, unsigned status, const char *why)
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

void relay_over(struct client *c)
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
	return out_flush(&l->source, &l->out);
}

bool link_send(struct link *l, struct slice a, struct slice b)
{
	return out_send(&l->source, &l->out, a, b);
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
	r->forwarded = true;
	request_compose(c, &c->link->out);
	if (!buf_ok(&c->link->out)) {
		relay_failed(c, 502, "the request is too large");
		return;
	}
	c->state = CLIENT_FORWARD;
	client_deadline(c, 0);
	relay_run(c);
}

/* What the broker answers itself, with the record on disk. */
static bool relay_ours(struct client *c)
{
	return image_unhold(c) || prune_images(c) || prune_things(c);
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
		policy_decide(now, &r->facts, loop_realtime(c->broker->loop) / 1000000,
		    true, &v);
	if (now && v.allowed && v.privileged == r->verdict.privileged &&
	    (now == r->rights || guard_stands(c, now, &v)) &&
	    (anonymous || user_barred(c->user, &why) != 403))
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
	if (!upload_start(c)) {
		relay_failed(c, 503, "out of memory, try again");
		return;
	}
	if (!c->counted_stream) {
		c->counted_stream = true;
		c->user->streams++;
	}
	if (!relay_ours(c))
		relay_connect(c, false);
}

/* A kept connection that the Engine had closed: reads may go again. */
bool relay_retry(struct client *c)
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

struct up_sink { struct link *link; size_t pieces; bool failed; };

/* Only a long piece is worth a call of its own; the others are gathered, and
 * go in one when what was read has been looked at. */
static void up_chunk(void *arg, struct slice piece)
{
	struct up_sink *s = arg;
	struct buf *out = &s->link->out;
	char line[24];
	int n = snprintf(line, sizeof(line), "%zx\r\n", piece.n);

	if (s->failed || !piece.n)
		return;
	if (piece.n >= CHUNK_LONG) {
		s->failed = !link_send(s->link, (struct slice){ line, (size_t)n }, piece);
	} else {
		buf_add(out, line, (size_t)n);
		buf_adds(out, piece);
	}
	buf_add(out, "\r\n", 2);
	s->pieces++;
	s->link->client->request->received += piece.n;
}

/* What of in belongs to the body goes to the Engine; -1 malformed, -2 the
 * Engine takes no more. */
static int up_feed(struct client *c, struct slice in, size_t *used, size_t *cost)
{
	struct request *r = c->request;
	struct up_sink sink = { .link = c->link };

	if (r->framing == FRAMING_CHUNKED) {
		int k = http_chunked_feed(&r->up, in, used, up_chunk, &sink);
		if (k != CHUNKED_MORE && k != CHUNKED_END)
			return -1;
		if (k == CHUNKED_END && !sink.failed) {
			r->body_done = true;
			buf_adds(&c->link->out, SLICE("0\r\n\r\n"));
		}
		*cost = *used + sink.pieces * CHUNK_COST;
		if (sink.failed || !buf_ok(&c->link->out) || !link_flush(c->link))
			return -2;
		return 0;
	}
	uint64_t left = r->length - r->received;
	*used = *cost = in.n < left ? in.n : (size_t)left;
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
	size_t moved = 0, used = 0, cost = 0;
	/* Tiny chunks cost more than their bytes: fair turns. */
	size_t most = r->framing == FRAMING_CHUNKED ? CHUNK_READ : BOUND_RELAY;

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
			ssize_t n = source_read(&c->source, c->broker->scratch, most);
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
		int k = up_feed(c, in, &used, &cost);
		moved += cost;
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

/* ---- one turn of a request under way ---- */

static void relay_wants(struct client *c)
{
	struct request *r = c->request;
	bool body = !r->body_done && !c->up_dead && !c->link->out.len;
	bool raw = r->facts.endpoint->stream == STREAM_HIJACK ||
	    r->facts.endpoint->stream == STREAM_WEBSOCKET;
	bool half = r->body_done && !raw && !c->peer_eof;

	if (!c->out.len && !r->alone)
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

/* The client has gone, but what it asked for is on its way: whose the new
 * thing is must be known all the same. */
static bool relay_alone(struct client *c)
{
	struct request *r = c->request;

	if (!made_wanted(r) || !r->body_done || c->link->out.len ||
	    r->facts.endpoint->stream != STREAM_NONE || c->state != CLIENT_FORWARD)
		return false;
	r->alone = true;
	source_close(&c->source);
	buf_reset(&c->out);
	client_deadline(c, ALONE_TIME);
	return true;
}

void relay_whole(struct client *c)
{
	if (c->request->hold != HOLD_NOT)
		hold_ended(c);
	else
		relay_over(c);
}

static void relay_run(struct client *c)
{
	struct request *r = c->request;

	if (!r->alone && (c->source.ready & GONE || !client_flush(c)) && !relay_alone(c)) {
		relay_finish(c, "the client went away");
		client_close(c);
		return;
	}
	if (!r->alone && !relay_half_closed(c))
		return;
	if (!link_flush(c->link))
		c->up_dead = true;
	if (!(r->archive ? upload_pump(c) : pump_body(c)) || !pump_answer(c))
		return;
	if (answer_over(r))
		relay_whole(c);
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
