/*
 * control.c: the socket of the command line.  One question a connection;
 * the peer's uid decides what it may ask.  Answers are JSON or plain lines in
 * CTL_TEXT pieces, then CTL_END with the exit code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/guard.h"

enum { CODE_DONE = 0, CODE_REFUSED = 1, CODE_UNAVAILABLE = 3 };

struct control {
	struct broker *broker;
	struct chan *chan;
	struct user *user;		/* who asks */
	struct user *about;		/* whom it is about */
	struct who who;
	struct node node;
	struct waiter waiter;
	struct task gone;
	struct msg_ctl_ask ask;
	int64_t since;
	bool asked, closed;
};

static void control_free(struct task *t)
{
	struct control *k = node_entry(t, struct control, gone);

	chan_free(k->chan);
	free(k);
}

static void control_close(struct control *k)
{
	if (k->closed)
		return;
	k->closed = true;
	node_remove(&k->node);
	node_remove(&k->waiter.node);
	if (k->user)
		k->user->controls--;
	user_put(k->user);
	user_put(k->about);
	task_post(k->broker->loop, &k->gone);
}

static void control_answer(struct control *k, int32_t code, struct slice text)
{
	struct msg_ctl_end end = { .code = code };

	while (text.n) {
		size_t n = text.n < MSG_CTL_CHUNK ? text.n : MSG_CTL_CHUNK;
		if (chan_send(k->chan, MSG_CTL_TEXT, text.p, n, NULL, 0, NULL, 0) != CHAN_GOOD)
			return;
		text = (struct slice){ text.p + n, text.n - n };
	}
	if (chan_send(k->chan, MSG_CTL_END, &end, sizeof(end), NULL, 0, NULL, 0) != CHAN_GOOD)
		log_debug("a control client went away");
}

static void control_say(struct control *k, int32_t code, const char *text)
{
	control_answer(k, code, slice_from(text));
}

/* ---- status ---- */

static void add_text(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, ",\"%s\":", name);
	buf_add_json_string(b, slice_from(value));
}

static void add_number(struct buf *b, const char *name, uint64_t v)
{
	buf_addf(b, ",\"%s\":%llu", name, (unsigned long long)v);
}

static size_t count_sockets(struct broker *b)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			n += u->socket != NULL;
	return n;
}

static const char *audit_text(struct broker *b)
{
	if (!b->journal.auditd || !b->journal.ready)
		return "not running";
	return b->journal.state == AUDIT_GOOD ? "good" :
	    b->journal.state == AUDIT_FULL ? "full" : "broken";
}

static void answer_status(struct control *k)
{
	struct broker *b = k->broker;
	_cleanup_(buf_free) struct buf out = BUF(65536);
	char when[TIME_TEXT], since[TIME_TEXT];

	time_format(when, b->rules.loaded_at);
	time_format(since, b->started_real);
	buf_addf(&out, "{\"version\":\"%s\"", PACKAGE_VERSION);
	add_text(&out, "since", since);
	add_text(&out, "engine", b->engine.up ? "good" : "not running");
	add_text(&out, "engine_socket", b->conf.engine_socket);
	add_text(&out, "engine_api", b->engine.api_version);
	info_status(b, &out);
	add_text(&out, "authd", b->people.ready ? "good" : "not running");
	add_text(&out, "auditd", audit_text(b));
	add_text(&out, "auditd_text", b->journal.text);
	add_text(&out, "audit_log", b->conf.audit_log);
	add_number(&out, "audit_lines", b->journal.seq);
	add_number(&out, "audit_waiting", b->journal.next_n - 1 - b->journal.written_n);
	add_number(&out, "audit_lost", b->journal.lost);
	add_text(&out, "policy", b->conf.policy);
	add_text(&out, "policy_hash", policy_hash(b->rules.policy));
	add_text(&out, "policy_loaded", when);
	add_number(&out, "policy_roles", policy_role_count(b->rules.policy));
	add_number(&out, "policy_failed_reloads", b->rules.failed_reloads);
	add_number(&out, "user_sockets", count_sockets(b));
	add_number(&out, "connections", b->connections);
	add_number(&out, "requests", b->requests);
	add_number(&out, "refused", b->refused);
	add_number(&out, "streams_cut", b->cut);
	buf_addf(&out, ",\"draining\":%s}", b->draining ? "true" : "false");
	bool good = b->engine.up && b->people.ready && b->journal.ready &&
	    b->journal.state == AUDIT_GOOD && info_good(b);
	control_answer(k, good ? CODE_DONE : CODE_UNAVAILABLE, buf_slice(&out));
}

/* ---- the others ---- */

/* The sentence is a client's, who cannot know yet who speaks. */
static void control_barred(struct control *k, struct slice why)
{
	struct slice by = SLICE("dockbroker: ");

	if (slice_starts(why, by))
		why = (struct slice){ why.p + by.n, why.n - by.n };
	control_answer(k, CODE_REFUSED, why);
}

static void answer_list(struct control *k)
{
	_cleanup_(buf_free) struct buf out = BUF(4 * 1024 * 1024);
	_cleanup_(buf_free) struct buf why = BUF(1024);

	if (user_barred(k->about, &why)) {
		control_barred(k, buf_slice(&why));
		return;
	}
	struct rights *r = user_rights(k->about);
	if (!r) {
		control_say(k, CODE_UNAVAILABLE, "out of memory");
		return;
	}
	rights_list(r, &out);
	control_answer(k, CODE_DONE, buf_slice(&out));
}

static void answer_open(struct control *k)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	struct user *u = k->user;
	struct rights *r;

	if (user_barred(u, &why)) {
		control_barred(k, buf_slice(&why));
		return;
	}
	r = user_rights(u);
	if (!r || rights_none(r)) {
		control_say(k, CODE_REFUSED, "the policy grants you no role");
		return;
	}
	if (!u->socket && listener_user(k->broker, u) != 0) {
		control_say(k, CODE_UNAVAILABLE, "the socket could not be made, see the log");
		return;
	}
	if (u->socket && !u->wanted)
		u->asked_for = true;
	control_say(k, CODE_DONE, u->socket ? u->socket->path : "");
}

static void answer_reload(struct control *k)
{
	_cleanup_(buf_free) struct buf err = BUF(256 * 1024);

	if (k->who.uid != 0) {
		control_say(k, CODE_REFUSED, "only root may reload the policy");
		return;
	}
	int r = broker_reload(k->broker, &err);
	if (r < 0)
		control_say(k, CODE_UNAVAILABLE, "out of memory; the old policy stays");
	else
		control_answer(k, r ? CODE_REFUSED : CODE_DONE, buf_slice(&err));
}

#define WHY_LAST	5	/* refusals told without a number */

static void answer_why(struct control *k)
{
	const char *text;

	if (!k->ask.number) {
		_cleanup_(buf_free) struct buf out = BUF(WHY_LAST * 40 * 1024);

		if (!reason_last(k->broker, k->who.uid, WHY_LAST, &out))
			control_say(k, CODE_DONE, "nothing of yours was refused lately");
		else
			control_answer(k, CODE_DONE, buf_slice(&out));
		return;
	}
	if (reason_find(k->broker, k->ask.number, k->who.uid, &text))
		control_say(k, CODE_REFUSED, "no such refusal of yours is known;"
		    " the last ones are kept until the broker restarts");
	else
		control_say(k, CODE_DONE, text);
}

/* -U takes what the policy's own users and groups made known, or a uid. */
static struct user *find_about(struct control *k, const char *name)
{
	struct broker *b = k->broker;
	uint64_t uid;

	if (!name[0])
		return user_get(b, k->who.uid);
	if (slice_number(slice_from(name), UINT32_MAX - 1, &uid))
		return user_get(b, (uint32_t)uid);
	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			if (u->account && !strcmp(u->account->name, name))
				return user_get(b, u->uid);
	return NULL;
}

/* ---- chown ---- */

static enum object_kind chown_kind(const char *word)
{
	static const enum object_kind kinds[] = {
		OBJECT_CONTAINER, OBJECT_IMAGE, OBJECT_NETWORK, OBJECT_TAG,
		OBJECT_VOLUME,
	};

	for (size_t i = 0; i < countof(kinds); i++)
		if (!strcmp(object_kind_name(kinds[i]), word))
			return kinds[i];
	return OBJECT_NONE;
}

/* "-" and our own services need no account. */
static bool chown_accountless(const struct broker *b, const char *name)
{
	struct slice rest = slice_from(name), service = SLICE("service:");

	if (!strcmp(name, "-"))
		return true;
	if (!slice_starts(rest, service))
		return false;
	rest = (struct slice){ rest.p + service.n, rest.n - service.n };
	for (size_t i = 0; i < b->conf.nservices; i++)
		if (slice_is(rest, b->conf.services[i].name))
			return true;
	return false;
}

static void chown_no_user(struct control *k)
{
	_cleanup_(buf_free) struct buf out = BUF(1024);

	buf_addf(&out, "there is no user %s", k->ask.text);
	control_answer(k, CODE_REFUSED, buf_slice(&out));
}

/* Whom it is given to, by the name that authd knows; NULL: answered. */
static const char *chown_user(struct control *k)
{
	const struct user *u = k->about;
	uint64_t uid;

	if (!u)
		return k->ask.text;
	if (u->status == WHO_OK && u->account &&
	    (slice_number(slice_from(k->ask.text), UINT32_MAX, &uid) ||
	    !strcmp(u->account->name, k->ask.text)))
		return u->account->name;
	if (u->status == WHO_UNKNOWN || u->status == WHO_OK)
		chown_no_user(k);
	else
		control_say(k, CODE_UNAVAILABLE,
		    "the account could not be looked up, try again");
	return NULL;
}

static void answer_chown(struct control *k)
{
	_cleanup_(buf_free) struct buf out = BUF(4096);
	const char *user = chown_user(k);
	unsigned status = 0;

	if (!user)
		return;
	if (!own_chown(k->broker, &k->who, chown_kind(k->ask.kind),
	    slice_from(k->ask.object), slice_from(user), &out, &status)) {
		control_answer(k, status >= 500 ? CODE_UNAVAILABLE : CODE_REFUSED,
		    buf_slice(&out));
		return;
	}
	buf_reset(&out);
	buf_addf(&out, "%s %s belongs to %s now", k->ask.kind, k->ask.object,
	    strcmp(user, "-") ? user : "nobody");
	control_answer(k, CODE_DONE, buf_slice(&out));
}

/* False: it was answered already. */
static bool chown_begin(struct control *k)
{
	if (k->who.uid != 0) {
		control_say(k, CODE_REFUSED, "only root may hand objects over");
		return false;
	}
	if (chown_kind(k->ask.kind) == OBJECT_NONE || !k->ask.object[0]) {
		control_say(k, CODE_REFUSED, "malformed question");
		return false;
	}
	if (chown_accountless(k->broker, k->ask.text))
		return true;
	k->about = k->ask.text[0] ? find_about(k, k->ask.text) : NULL;
	if (!k->about && k->ask.uid != WHO_UNSET)
		k->about = user_get(k->broker, k->ask.uid);
	if (!k->about)
		chown_no_user(k);
	return k->about != NULL;
}

static void control_go(struct control *k)
{
	switch (k->ask.verb) {
	case CTL_CHOWN:
		answer_chown(k);
		break;
	case CTL_STATUS:
		answer_status(k);
		break;
	case CTL_LIST:
		answer_list(k);
		break;
	case CTL_RELOAD:
		answer_reload(k);
		break;
	case CTL_OPEN:
		answer_open(k);
		break;
	case CTL_WHY:
		answer_why(k);
		break;
	default:
		control_say(k, CODE_REFUSED, "this broker does not know the question");
		break;
	}
}

static void control_ready(struct control *k)
{
	struct user *u = k->about ? k->about : k->user;
	bool acct = k->ask.verb != CTL_CHOWN;

	if (k->ask.verb != CTL_OPEN && !k->about) {
		control_go(k);
		return;
	}
	switch (people_check(u, acct, k->since, &k->waiter)) {
	case PEOPLE_FRESH:
		control_go(k);
		break;
	case PEOPLE_DOWN:
		control_say(k, CODE_UNAVAILABLE, "dockbroker-authd is not running");
		break;
	default:
		break;	/* woken later */
	}
}

static void control_wake(struct waiter *w)
{
	control_ready(node_entry(w, struct control, waiter));
}

/* False: it was answered already. */
static bool list_begin(struct control *k)
{
	if (k->ask.text[0] && k->who.uid != 0) {
		control_say(k, CODE_REFUSED, "only root may ask about others");
		return false;
	}
	k->about = find_about(k, k->ask.text);
	if (!k->about)
		control_say(k, CODE_REFUSED, "the policy names no such user");
	return k->about != NULL;
}

static void control_message(struct chan *c, enum msg id, struct slice body,
    int *fds, size_t nfds)
{
	struct control *k = chan_arg(c);

	(void)fds;
	(void)nfds;
	if (id != MSG_CTL_ASK || k->asked || k->closed)
		return;
	k->asked = true;
	k->since = loop_now(k->broker->loop);
	memcpy(&k->ask, body.p, sizeof(k->ask));
	if (msg_text(k->ask.text, sizeof(k->ask.text)) < 0 ||
	    msg_text(k->ask.kind, sizeof(k->ask.kind)) < 0 ||
	    msg_text(k->ask.object, sizeof(k->ask.object)) < 0)
		control_say(k, CODE_REFUSED, "malformed question");
	else if ((k->ask.verb != CTL_LIST || list_begin(k)) &&
	    (k->ask.verb != CTL_CHOWN || chown_begin(k)))
		control_ready(k);
}

static void control_closed(struct chan *c, const char *why)
{
	(void)why;
	control_close(chan_arg(c));
}

static const struct chan_ops control_ops = {
	.message = control_message, .closed = control_closed
};

void control_accept(struct listener *l, int fd)
{
	struct broker *b = l->broker;
	struct control *k = calloc(1, sizeof(*k));
	const char *why = NULL;

	if (!k) {
		close(fd);
		return;
	}
	k->broker = b;
	k->gone.run = control_free;
	k->waiter.wake = control_wake;
	node_init(&k->node);
	node_init(&k->waiter.node);
	if (peer_identify(fd, false, b->container, &k->who, &why) != PEER_GOOD ||
	    !(k->user = user_get(b, k->who.uid))) {
		log_warn("control connection refused: %s", why ? why : "no memory");
		close(fd);
		free(k);
		return;
	}
	bool many = ++k->user->controls > BOUND_CONTROL_UID;
	if (many)
		close(fd);
	/* The channel takes the fd, also when it fails. */
	if (many || chan_new(b->loop, fd, PARTY_BROKER, PARTY_CLI, &control_ops,
	    k, &k->chan) < 0) {
		k->user->controls--;
		user_put(k->user);
		free(k);
		return;
	}
	node_append(&b->controls, &k->node);
}

void control_stop(struct broker *b)
{
	while (!node_empty(&b->controls))
		control_close(node_entry(b->controls.next, struct control, node));
}
