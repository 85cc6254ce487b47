/*
 * hold.c: answers that do not pass as they are: gathered, because the id in
 * them has to be kept before the client sees it; narrowed for one reader; or
 * held back at their end until it is known whose the new images are.
 */
#include <stdio.h>
#include <string.h>

#include "broker/guard.h"

#define GONE		(EPOLLHUP | EPOLLERR)
#define HELD_MOST	(256 * 1024)	/* bytes of an answer that is gathered */
#define ID_LENGTH	(7 + 64)	/* "sha256:..." */
#define LAG_TIME	250		/* ms: a create answers after its event */
#define FINISH_TIME	20000		/* ms for the questions behind an answer */

static bool has_ids(const struct facts *f)
{
	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].id.p)
			return true;
	return false;
}

static bool bodyless(const struct request *r, unsigned status)
{
	return status == 204 || status == 304 || r->method == METHOD_HEAD;
}

void hold_choose(struct client *c, unsigned status)
{
	struct request *r = c->request;
	bool made = made_wanted(r);

	r->hold = HOLD_NOT;
	r->held = BUF(HELD_MOST);
	if (status >= 400 && (made || has_ids(&r->facts)) && r->method != METHOD_HEAD)
		r->hold = HOLD_ALL;
	else if (made && r->facts.endpoint->stream == STREAM_LONG)
		r->hold = HOLD_END;
	else if (made)
		r->hold = HOLD_ALL;
	else if (!bodyless(r, status) &&
	    answer_wanted(&r->facts, status, narrow_needed(c)))
		r->hold = HOLD_NARROW;
}

/* ---- sending ---- */

/* length: what is held goes with it, and is all. */
static bool hold_begin(struct client *c, bool length)
{
	struct request *r = c->request;
	bool stays = client_stays(c, r->status);

	r->told = true;
	if (length && !(r->status == 204 || r->status == 304)) {
		buf_addz(&r->held_head, "Content-Length: ");
		buf_addu(&r->held_head, r->held.len);
		buf_add(&r->held_head, "\r\n", 2);
	} else if (!length && r->minor == 1) {
		buf_addz(&r->held_head, "Transfer-Encoding: chunked\r\n");
	}
	if ((!stays && client_tells_close(c)) || (!length && r->minor == 0))
		buf_addz(&r->held_head, "Connection: close\r\n");
	buf_add(&r->held_head, "\r\n", 2);
	return buf_ok(&r->held_head) && client_send(c, buf_slice(&r->held_head),
	    length ? buf_slice(&r->held) : SLICE_NONE);
}

static bool hold_piece(struct client *c, struct slice piece)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf chunk = BUF(64 + piece.n);
	char line[24];

	if (!piece.n)
		return true;
	r->sent += piece.n;
	if (r->minor == 0)
		return client_send(c, piece, SLICE_NONE);
	int n = snprintf(line, sizeof(line), "%zx\r\n", piece.n);
	buf_add(&chunk, line, (size_t)n);
	buf_adds(&chunk, piece);
	buf_add(&chunk, "\r\n", 2);
	return buf_ok(&chunk) && client_send(c, buf_slice(&chunk), SLICE_NONE);
}

/* ---- ids in a stream of progress ---- */

static bool is_hex(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef", s.p[i]))
			return false;
	return true;
}

static void id_seen(struct request *r, struct slice id)
{
	for (size_t i = 0; i < r->nmade; i++)
		if (slice_equal(r->made[i], id))
			return;
	if (r->nmade == REQUEST_MADE) {	/* the last ones count */
		memmove(r->made, r->made + 1, (REQUEST_MADE - 1) * sizeof(r->made[0]));
		r->nmade--;
	}
	id = arena_copy(&r->arena, id);
	if (id.p)
		r->made[r->nmade++] = id;
}

/* What stands before the id of a result.  What a build prints comes in
 * "stream" texts, where quotes are escaped: it cannot look like this. */
static struct slice result_key(const struct request *r)
{
	switch (r->facts.endpoint->id) {
	case EP_IMAGE_LOAD:
		return SLICE("Loaded image ID: ");
	case EP_IMAGE_IMPORT:
		return SLICE("{\"status\":\"");
	default:
		return SLICE("{\"aux\":{\"ID\":\"");
	}
}

static void ids_find(struct request *r, struct slice in)
{
	struct slice key = result_key(r);
	const char *p = in.p, *end = in.p + in.n;

	while ((p = memmem(p, (size_t)(end - p), key.p, key.n)) != NULL) {
		p += key.n;
		struct slice id = { p, ID_LENGTH };
		if ((size_t)(end - p) >= id.n && slice_starts(id, SLICE("sha256:")) &&
		    is_hex((struct slice){ p + 7, 64 }))
			id_seen(r, id);
	}
}

static void progress(struct request *r, struct slice in)
{
	_cleanup_(buf_free) struct buf text = BUF(in.n + 256);

	/* An id may be cut between two pieces. */
	buf_add(&text, r->tail, r->ntail);
	buf_adds(&text, in);
	if (!buf_ok(&text))
		return;
	ids_find(r, buf_slice(&text));
	/* what a build prints has its quotes escaped */
	r->faulted |= memmem(text.p, text.len, "\"errorDetail\":", 14) != NULL;
	r->ntail = text.len < sizeof(r->tail) ? text.len : sizeof(r->tail);
	memcpy(r->tail, text.p + text.len - r->ntail, r->ntail);
}

/* ---- receiving ---- */

static bool narrow_bytes(struct client *c, struct slice in)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf out = BUF(BOUND_RELAY + 2 * BOUND_ELEMENT + in.n);

	if (answer_feed(r->narrowed, in, &out) != ANSWER_GOOD || !buf_ok(&out)) {
		log_warn("an answer of the Engine to %s could not be read",
		    r->facts.endpoint->action);
		return false;
	}
	return hold_piece(c, buf_slice(&out));
}

static bool hold_unlag(struct client *c)
{
	struct request *r = c->request;
	bool good = narrow_bytes(c, buf_slice(&r->held));

	buf_reset(&r->held);
	r->lagging = false;
	return good;
}

/* An event may come before it is known whose the new thing is. */
static bool hold_lag(struct client *c, struct slice in)
{
	struct request *r = c->request;

	buf_adds(&r->held, in);
	if (!buf_ok(&r->held))
		return false;
	if (r->held.len > HELD_MOST / 2)
		return hold_unlag(c);
	if (r->held.len && !r->lagging) {
		r->lagging = true;
		if (timer_set(&c->lag, loop_now(c->broker->loop) + LAG_TIME) < 0)
			return hold_unlag(c);
	}
	return true;
}

void hold_lagged(struct timer *t)
{
	struct client *c = node_entry(t, struct client, lag);

	if (c->state != CLIENT_FORWARD || !c->request || !c->request->lagging)
		return;
	if (hold_unlag(c))
		return;
	relay_finish(c, "the client went away");
	client_close(c);
}

bool hold_bytes(struct client *c, struct slice in)
{
	struct request *r = c->request;

	if (r->hold == HOLD_ALL) {
		buf_adds(&r->held, in);
		return buf_ok(&r->held);
	}
	if (!r->told) {
		if (r->hold == HOLD_NARROW && !r->narrowed)
			r->narrowed = narrow_new(c);
		if (r->hold == HOLD_NARROW && !r->narrowed)
			return false;
		if (!hold_begin(c, false))
			return false;
	}
	if (r->hold == HOLD_NARROW && r->facts.endpoint->id == EP_EVENTS &&
	    narrow_needed(c))
		return hold_lag(c, in);
	if (r->hold == HOLD_NARROW)
		return narrow_bytes(c, in);
	progress(r, in);
	return hold_piece(c, in);
}

/* ---- the end ---- */

static void hold_failed(struct client *c, unsigned status, const char *why)
{
	struct request *r = c->request;

	r->hold = HOLD_NOT;
	r->head_sent = r->told;
	relay_failed(c, status, why);
}

static void hold_left(struct client *c, const char *why)
{
	c->state = CLIENT_FORWARD;
	relay_finish(c, why);
	client_close(c);
}

static bool hidden(struct client *c, struct slice id)
{
	struct entry *e = store_get(c->broker->store, OBJECT_CONTAINER, id);
	struct object o;

	if (!e)
		return false;
	entry_object(e, &o);
	return !rights_see(c->request->rights, &o);
}

/* "already in use by container ID": a name is taken, by whom is not his to know. */
static void hide_others(struct client *c, struct buf *text)
{
	size_t run = 0;

	for (size_t i = 0; i < text->len; i++) {
		run = is_hex((struct slice){ text->p + i, 1 }) ? run + 1 : 0;
		if (run == 64 && hidden(c, (struct slice){ text->p + i - 63, 64 }))
			memset(text->p + i - 63, '0', 64);
	}
}

static bool send_all(struct client *c)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf text = BUF(2 * HELD_MOST);

	if (r->status >= 400 && answer_error(&r->facts, guard_about(c), buf_slice(&r->held),
	    &text) && buf_ok(&text)) {
		buf_reset(&r->held);
		buf_adds(&r->held, buf_slice(&text));
	}
	if (r->status >= 400)
		hide_others(c, &r->held);
	r->sent = r->held.len;
	return buf_ok(&r->held) && hold_begin(c, true);
}

static bool send_rest(struct client *c)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf out = BUF(2 * BOUND_ELEMENT);

	if (r->hold == HOLD_NARROW && r->held.len && !hold_unlag(c))
		return false;
	if (r->hold == HOLD_NARROW &&
	    (answer_end(r->narrowed, &out) != ANSWER_GOOD || !buf_ok(&out)))
		return false;
	return hold_piece(c, buf_slice(&out)) && (r->minor == 0 ||
	    client_send(c, SLICE("0\r\n\r\n"), SLICE_NONE));
}

static void hold_send(struct client *c)
{
	struct request *r = c->request;
	bool good = r->hold == HOLD_ALL ? send_all(c) :
	    (r->told || hold_bytes(c, SLICE_NONE)) && send_rest(c);

	if (!good) {
		hold_left(c, r->hold == HOLD_NARROW ? "the answer was cut" :
		    "the client went away");
		return;
	}
	if (r->minor == 0 && r->hold != HOLD_ALL)
		r->keep_alive = false;
	c->state = CLIENT_FORWARD;
	relay_over(c);
}

/* What came of it is entered.  False: not yet, or the client was told that it
 * came to nothing. */
static bool hold_made(struct client *c)
{
	_cleanup_(buf_free) struct buf text = BUF(1024);
	struct request *r = c->request;
	int k = OWN_GOOD;

	if (!made_wanted(r) || r->status >= 400)
		made_never(c);
	else
		k = made_after(c, &text);
	if (k == OWN_ANSWERED && r->alone) {
		r->status = 503;
		hold_left(c, buf_text(&text));
	} else if (k == OWN_ANSWERED) {
		hold_failed(c, 503, buf_text(&text));
	}
	return k == OWN_GOOD;
}

void hold_go(struct client *c)
{
	struct request *r = c->request;
	struct broker *b = c->broker;
	bool begun = !r->ended;

	if (!r->ended) {
		if (!hold_made(c))
			return;
		r->ended = true;
		r->commit = store_commit(b->store);
		if (r->commit < 0)
			log_error("%s/objects cannot be written: %s", b->conf.state_dir,
			    strerror((int)-r->commit));
	}
	/* One that was just begun is not done. */
	if (r->commit > 0 && (begun || store_synced(b->store) < r->commit)) {
		node_remove(&c->commit_node);
		node_append(&b->commits, &c->commit_node);
		return;
	}
	if (r->alone)
		hold_left(c, "the client went away");
	else
		hold_send(c);
}

void hold_ended(struct client *c)
{
	struct request *r = c->request;
	struct link *l = c->link;

	c->link = NULL;
	if (l && r->body_done && !r->close_after && !l->out.len)
		link_release(l);
	else if (l)
		link_close(l);
	c->state = CLIENT_FINISH;
	source_want(&c->source, GONE | (c->out.len ? EPOLLOUT : 0));
	client_deadline(c, FINISH_TIME);
	if (r->hold == HOLD_NARROW)
		hold_send(c);
	else
		hold_go(c);
}

void hold_late(struct client *c)
{
	node_remove(&c->commit_node);
	node_remove(&c->waiter.node);
	if (!c->request->keeping) {
		hold_failed(c, 502, "the Docker Engine sent an answer that cannot be"
		    " read");
		return;
	}
	guard_leave(c->request->keeping, true);
	c->request->keeping = NULL;
	hold_failed(c, 503, "the record of the container was not on disk in time, so"
	    " it is removed again; tell the administrator");
}

void commits_done(struct broker *b)
{
	int64_t done = store_synced(b->store);
	struct node ready;

	node_take(&ready, &b->commits);
	while (!node_empty(&ready)) {
		struct client *c = node_entry(ready.next, struct client, commit_node);
		node_remove(&c->commit_node);
		if (done < 0)
			c->request->commit = 0;
		hold_go(c);
	}
}
