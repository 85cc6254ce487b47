/*
 * accept.c: new connections, whose they are, and the streams of people whose
 * rights have changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"

#define GONE	(EPOLLHUP | EPOLLERR)

static void client_identify(struct client *c, struct listener *l)
{
	bool containers = l->service && l->service->containers;
	int r = peer_identify(c->source.fd, containers, c->broker->container,
	    c->who, &c->reject);

	/* The record of a refusal says as well where somebody knocked. */
	if (l->service)
		snprintf(c->who->service, sizeof(c->who->service), "%s", l->service->name);
	if (r != PEER_GOOD)
		return;
	if (l->kind == SOCKET_USER && l->user && c->who->uid != l->user->uid)
		c->reject = "this socket belongs to another user";
	if (l->service && l->service->uid != WHO_UNSET && l->service->uid != c->who->uid)
		c->reject = "this service socket belongs to another uid";
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
	node_init(&c->commit_node);
	timer_init(b->loop, &c->timer, client_late);
	timer_init(b->loop, &c->lag, hold_lagged);
	if (source_add(b->loop, &c->source, fd, EPOLLIN | EPOLLRDHUP | GONE, client_run) < 0) {
		close(fd);
		free(c->who);
		free(c);
		return NULL;
	}
	return c;
}

/* One whom the policy does not name, as far as is known by now. */
static bool is_stranger(const struct listener *l, const struct user *u)
{
	return l->kind == SOCKET_SHARED && u->uid != 0 && !u->socket &&
	    !(u->rights && !rights_none(u->rights));
}

/* More connections than there may be: told so, and after some more of them not
 * even that.  Uids cost nothing to who has a range of them (subuid): all
 * strangers together have a quarter, so that they keep nobody out. */
static void client_limit(struct client *c)
{
	struct broker *b = c->broker;
	size_t all = b->conf.max_connections, share = all / 4;

	if (c->user->connections > b->conf.max_connections_user * 5 / 4 ||
	    b->connections > all * 5 / 4 || (c->stranger && b->strangers > share * 5 / 4))
		client_close(c);
	else if (c->user->connections > b->conf.max_connections_user)
		client_error(c, 429, "dockbroker: uid %u has %u connections open, no"
		    " more are permitted", c->user->uid, c->user->connections - 1);
	else if (b->connections > all || (c->stranger && b->strangers > share))
		client_error(c, 503, "dockbroker: too many connections, try again");
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
	c->stranger = is_stranger(l, c->user);
	b->strangers += c->stranger;
	snprintf(c->user->tty, sizeof(c->user->tty), "%s", c->who->tty);
	client_deadline(c, (int64_t)b->conf.idle_time);
	client_limit(c);
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
		policy_decide(rights, &c->request->facts, now, true, &v);
		if (out && !anonymous)
			client_cut(c, buf_text(&barred));
		else if (!v.allowed)
			client_cut(c, "the right that opened it has ended");
	}
}
