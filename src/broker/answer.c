/*
 * answer.c: the Engine's answer on its way to the client: its head written
 * anew, its body as it comes, or the step into a raw stream.
 */
#include <string.h>

#include "broker/broker.h"

#define HEAD_USUAL	500	/* bytes of an answer's head: one allocation */
#define HEAD_WAIT	3	/* ms that a client has to read that of a hijack */

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

static void compose_fields(const struct http_head *h, struct buf *out)
{
	buf_addz(out, "HTTP/1.1 ");
	buf_addu(out, h->status);
	buf_addc(out, ' ');
	/* the Engine's word, where it is not that of the standard */
	buf_addz(out, h->status == 101 && slice_equal_nocase(
	    h->known[HEADER_UPGRADE], SLICE("tcp")) ? "UPGRADED" :
	    http_reason(h->status));
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
}

static void compose_answer(struct client *c, const struct http_head *h, bool raw, struct buf *out)
{
	struct request *r = c->request;
	bool bodyless = h->status == 204 || h->status == 304 || h->status == 101;

	compose_fields(h, out);
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

struct held_sink { struct client *c; bool failed; };

static void held_piece(void *arg, struct slice piece)
{
	struct held_sink *s = arg;

	if (!s->failed)
		s->failed = !hold_bytes(s->c, piece);
}

/* The same, decoded, to hold.c. */
static bool held_bytes(struct client *c, struct slice in)
{
	struct request *r = c->request;
	struct held_sink sink = { c, false };
	size_t used = in.n;

	/* A head goes at once: what follows it may take days. */
	if (r->hold != HOLD_ALL && !r->told && !hold_bytes(c, SLICE_NONE))
		return false;
	if (r->answer_framing == FRAMING_CHUNKED) {
		int k = http_chunked_feed(&r->down, in, &used, held_piece, &sink);
		r->answer_left = k == CHUNKED_END ? 0 : 1;
		r->close_after |= used < in.n;
		return !sink.failed && (k == CHUNKED_MORE || k == CHUNKED_END);
	}
	if (r->answer_framing != FRAMING_CLOSE) {
		if (in.n > r->answer_left) {
			r->close_after = true;
			used = (size_t)r->answer_left;
		}
		r->answer_left -= used;
	}
	return hold_bytes(c, (struct slice){ in.p, used });
}

/* Body bytes of the answer behind head (which may be empty).  False: the
 * client or the answer is broken. */
static bool answer_bytes(struct client *c, struct slice head, struct slice in)
{
	struct request *r = c->request;
	struct down_sink sink = { c, false };
	size_t used = in.n;
	int k = CHUNKED_MORE;

	if (r->hold != HOLD_NOT)
		return held_bytes(c, in);
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

bool answer_over(const struct request *r)
{
	return r->head_sent && r->answer_framing != FRAMING_CLOSE && !r->answer_left;
}

/* The stream is hijacked: from here on two pipes.  Python's clients read the
 * head through a buffer and the stream past it: what came along with the head
 * they would lose, hence it waits a moment in tunnel.c. */
static void answer_tunnel(struct client *c, struct slice head, struct slice rest)
{
	struct request *r = c->request;

	r->sent += rest.n;
	c->state = CLIENT_TUNNEL;
	r->held = BUF(BOUND_RELAY);
	buf_adds(&r->held, rest);
	if (!buf_ok(&r->held) || !client_send(c, head, SLICE_NONE)) {
		client_close(c);
		return;
	}
	c->head_until = loop_now(c->broker->loop) + HEAD_WAIT;
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
	if (!raw)
		hold_choose(c, h->status);
	(void)buf_room(&head, HEAD_USUAL);
	if (r->hold != HOLD_NOT) {
		r->held_head = BUF(2 * BOUND_RESPONSE_HEAD);
		compose_fields(h, &r->held_head);
	} else {
		compose_answer(c, h, raw, &head);
	}
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
	relay_whole(c);
}

/* Enough of a body of known length is to come? */
static bool answer_bulk(const struct client *c)
{
	const struct request *r = c->request;

	return c->down_bulk && r->head_sent && r->hold == HOLD_NOT && !c->link->in.len &&
	    r->answer_framing == FRAMING_LENGTH;
}

/* False: the client is closed or has another state. */
bool pump_answer(struct client *c)
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
