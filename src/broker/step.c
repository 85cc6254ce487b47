/*
 * step.c: a request between its head and its way to the Engine: account,
 * Engine version, row, body, decision, record.  Each step either goes on to
 * the next, parks the client until somebody wakes it, or answers it.
 */
#include <string.h>

#include "broker/guard.h"

#define GONE	(EPOLLHUP | EPOLLERR)

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

static void step_find(struct client *c);
static void step_whole(struct client *c);
static void step_decided(struct client *c);

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

void step_account(struct client *c)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	bool known = !c->service || !c->service->containers;
	int r = PEOPLE_FRESH;
	const char *unsaid;

	/* Its number might be one that the log has already. */
	if (!c->broker->journal.numbered &&
	    !journal_up(c->broker, false, &unsaid)) {
		client_error(c, 503, "dockbroker: %s", unsaid);
		return;
	}
	if (c->reject) {
		request_refused(c, 403, slice_from(c->reject));
		return;
	}
	if (known)
		r = people_check(c->user, true, c->request->asked, &c->waiter);
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
	/* Also for the record of a refusal. */
	if (known && c->who->account != c->user->account) {
		account_unref(c->who->account);
		c->who->account = account_ref(c->user->account);
	}
	unsigned status = known ? user_barred(c->user, &why) : 0;
	if (status) {
		request_refused(c, status, buf_slice(&why));
		return;
	}
	if (c->request->whole)
		step_whole(c);
	else
		step_find(c);
}

/* A body may take its time on the way: what counts is who asks and what he may
 * when it is there. */
void step_body(struct client *c)
{
	c->request->whole = true;
	c->request->asked = loop_now(c->broker->loop);
	step_account(c);
}

static void step_whole(struct client *c)
{
	struct request *r = c->request;
	struct rights *now = client_rights(c);

	if (!now) {
		client_error(c, 503, "dockbroker: out of memory, try again");
		return;
	}
	rights_ref(now);
	rights_unref(r->rights);
	r->rights = now;
	step_decided(c);
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
	if (r->framing == FRAMING_LENGTH && r->length > c->broker->conf.max_body) {
		request_refused(c, 413, SLICE("the body is larger than this"
		    " request may have"));
		return;
	}
	c->state = CLIENT_BODY;
	if (r->expect && !client_send(c, SLICE("HTTP/1.1 100 Continue\r\n\r\n"), SLICE_NONE)) {
		client_close(c);
		return;
	}
	r->expect = false;
	client_deadline(c, (int64_t)c->broker->conf.body_time);
	source_want(&c->source, EPOLLIN | GONE | (c->out.len ? EPOLLOUT : 0));
	source_again(&c->source);
}

/* The record is on its way; a change waits for it. */
static void step_record(struct client *c)
{
	struct request *r = c->request;
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

/* What one user has must leave room for the others. */
static bool step_crowded(struct client *c)
{
	_cleanup_(buf_free) struct buf text = BUF(1024);
	struct owner me;
	size_t held;

	if (!made_adds(c->request) || c->who->uid == 0)
		return false;
	own_person(c, &me);
	held = store_held(c->broker->store, me.uid, me.name);
	if (held < BOUND_OBJECTS_UID)
		return false;
	buf_addf(&text, "you have %zu containers, volumes, networks and names of images;"
	    " remove some first: there may be %d of one user", held, BOUND_OBJECTS_UID);
	request_refused(c, 403, buf_slice(&text));
	return true;
}

/* Allowed: what it promises is taken from the caller's limits at once, so that
 * two requests cannot share one place. */
static void step_allowed(struct client *c)
{
	_cleanup_(buf_free) struct buf text = BUF(1024);
	int k;

	if (step_crowded(c))
		return;
	if (!limit_reserve(c)) {
		client_error(c, 503, "dockbroker: out of memory, try again");
		return;
	}
	k = limit_group(c);
	if (k == OWN_WAIT) {
		client_park(c, CLIENT_GROUP);
		client_deadline(c, (int64_t)c->broker->conf.account_time + 2000);
		return;
	}
	if (k != OWN_GOOD)
		return;
	/* Somebody else may have been quicker meanwhile. */
	if (made_raced(c, &text)) {
		request_refused(c, 409, buf_slice(&text));
		return;
	}
	if (!guard_make(c))
		return;
	/* A load's names are known when its archive is whole. */
	if (c->request->facts.endpoint->id != EP_IMAGE_LOAD && !made_before(c)) {
		client_error(c, 503, "dockbroker: whose this would be could not be kept"
		    " on disk; nothing was done");
		return;
	}
	if (edit_write(c))
		step_record(c);
}

/* What it may ask for depends on what the Engine can. */
static bool step_informed(struct client *c)
{
	int k = guard_wanted(c) ? info_look(c) : OWN_GOOD;

	if (k == OWN_WAIT) {
		client_park(c, CLIENT_LOOK);
		client_deadline(c, BOUND_ENGINE_CONNECT + 1000);
	}
	return k == OWN_GOOD;
}

static void step_decided(struct client *c)
{
	if (!request_decide(c, false) || own_look(c) != OWN_GOOD ||
	    own_missing(c) != OWN_GOOD || !step_informed(c))
		return;
	limit_fill(c);
	if (request_decide(c, true))
		step_allowed(c);
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

void client_wake(struct waiter *w)
{
	struct client *c = node_entry(w, struct client, waiter);

	if (c->state == CLIENT_ACCOUNT)
		step_account(c);
	else if (c->state == CLIENT_LOOK)
		step_decided(c);
	else if (c->state == CLIENT_GROUP)
		step_allowed(c);
	else if (c->state == CLIENT_FINISH)
		hold_go(c);
	else if (c->state == CLIENT_FORWARD)
		relay_client(c, 0);	/* an upload that waited for names */
	else if (c->state == CLIENT_ENGINE_VERSION && c->broker->engine.probed)
		step_find(c);
	else if (c->state == CLIENT_ENGINE_VERSION)
		client_error(c, 503, "dockbroker: the Docker Engine does not answer");
}
