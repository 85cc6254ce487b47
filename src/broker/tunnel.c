/*
 * tunnel.c: hijacked streams and websockets: two one-way pipes.  Each side's
 * end of writing is handed on by itself, after everything before it; the
 * stream is over when both have ended or one side is gone.
 */
#include <string.h>
#include <sys/socket.h>

#include "broker/broker.h"

#define GONE	(EPOLLHUP | EPOLLERR)

/* Client to Engine.  False: closed. */
static void tunnel_up(struct client *c)
{
	struct link *l = c->link;
	size_t moved = 0;

	if (!link_flush(l))
		c->up_dead = true;
	while (!c->up_dead && !c->peer_eof && !l->out.len && moved < BOUND_RELAY) {
		struct slice in = buf_slice(&c->in);
		if (!in.n && c->up_bulk) {
			ssize_t n = splice_up(c, BOUND_RELAY);
			c->peer_eof = n == 0 || n == SPLICE_SOURCE;
			c->up_dead = n == SPLICE_TARGET;
			if (n <= 0)
				break;
			moved += (size_t)n;
			continue;
		}
		if (!in.n) {
			ssize_t n = source_read(&c->source, c->broker->scratch, BOUND_RELAY);
			if (n == -1)
				break;
			if (n <= 0) {
				c->peer_eof = true;
				break;
			}
			in = (struct slice){ c->broker->scratch, (size_t)n };
			c->up_bulk = splice_pays(c->broker, in.n);
		}
		if (!link_send(l, in, SLICE_NONE))
			c->up_dead = true;
		moved += in.n;
		c->request->received += in.n;
		if (c->in.len)
			buf_free(&c->in);
	}
	if (c->peer_eof && !c->eof_passed && !l->out.len && !c->up_dead) {
		c->eof_passed = true;
		if (shutdown(l->source.fd, SHUT_WR) < 0)
			c->up_dead = true;
	}
}

/* Is the client given time to read the head? */
static bool head_waits(struct client *c)
{
	int64_t left = c->head_until - loop_now(c->broker->loop);

	if (!c->head_until || c->out.len)
		return c->head_until != 0;
	if (left > 0) {
		client_deadline(c, left);
		return true;
	}
	c->head_until = 0;
	client_deadline(c, 0);
	return false;
}

/* What came along with the head. */
static bool send_held(struct client *c)
{
	_cleanup_(buf_free) struct buf held = c->request->held;

	c->request->held = BUF(0);
	return !held.len || client_send(c, buf_slice(&held), SLICE_NONE);
}

/* Engine to client.  False: the client is gone. */
static bool tunnel_down(struct client *c)
{
	struct link *l = c->link;
	size_t moved = 0;

	if (!client_flush(c))
		return false;
	if (head_waits(c))
		return true;
	if (!send_held(c))
		return false;
	while (!c->engine_eof && !c->out.len && moved < BOUND_RELAY) {
		bool bulk = c->down_bulk;
		ssize_t n = bulk ? splice_down(c, BOUND_RELAY) :
		    source_read(&l->source, c->broker->scratch, BOUND_RELAY);
		if (n == -1)
			break;
		if (bulk && n == SPLICE_TARGET)
			return false;
		if (n <= 0) {
			c->engine_eof = true;
			break;
		}
		moved += (size_t)n;
		if (bulk)
			continue;
		c->down_bulk = splice_pays(c->broker, (size_t)n);
		c->request->sent += (uint64_t)n;
		if (!client_send(c, (struct slice){ c->broker->scratch, (size_t)n }, SLICE_NONE))
			return false;
	}
	if (!c->out.len && !c->engine_eof)
		client_deadline(c, 0);
	return true;
}

/* The Engine's side is over and everything was handed on. */
static bool tunnel_over(struct client *c)
{
	if (!c->engine_eof || c->out.len)
		return false;
	if (c->link->source.ready & GONE || c->up_dead || (c->peer_eof && c->eof_passed))
		return true;	/* both directions, or nobody is left to listen */
	if (!c->engine_eof_passed) {
		c->engine_eof_passed = true;
		if (shutdown(c->source.fd, SHUT_WR) < 0)
			return true;
	}
	return false;
}

void tunnel_run(struct client *c)
{
	bool alive;

	tunnel_up(c);
	alive = tunnel_down(c);
	/* Gone for good, and all that it sent has been read. */
	bool gone = c->source.ready & GONE && (c->peer_eof || c->up_dead) && !c->link->out.len;
	if (!alive || gone || tunnel_over(c)) {
		relay_finish(c, NULL);
		client_close(c);
		return;
	}
	if (!client_charge(c))
		return;
	/* Nobody is there, but what he wrote may still be wanted: for a while. */
	bool left = c->source.ready & GONE && c->link->out.len && !c->up_dead;
	if (left)
		client_deadline(c, (int64_t)c->broker->conf.body_time);
	bool up = !c->peer_eof && !c->up_dead;
	source_want(&c->source, (c->out.len ? EPOLLOUT : 0) |
	    (up && !c->link->out.len ? EPOLLIN | EPOLLRDHUP : 0) |
	    (left ? 0 : GONE));
	source_want(&c->link->source, (c->link->out.len ? EPOLLOUT : 0) |
	    (!c->engine_eof && !c->out.len && !c->head_until ?
	    EPOLLIN | EPOLLRDHUP : 0) |
	    (c->out.len || c->head_until ? 0 : GONE));
}
