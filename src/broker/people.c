/*
 * people.c: one struct user per uid that has connected or that the policy
 * names.  What authd says of it is believed for BOUND_ACCOUNT_AGE, PAM's
 * verdict for `account-age'; a request that finds it older waits for a new
 * answer.  A change of passwd or group makes all of it old at once.  Also
 * asks for the members of the policy's groups, to open their sockets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/broker.h"

/* A question about a name: a user of the policy, or a group's members. */
struct question {
	struct node node;
	uint64_t serial, generation;
	bool group;
	char name[BOUND_NAME];
};

static struct user **user_slot(struct people *p, uint32_t uid)
{
	struct user **at = &p->table[(uid * 2654435761u) >> 20];

	while (*at && (*at)->uid != uid)
		at = &(*at)->chain;
	return at;
}

struct user *user_get(struct broker *b, uint32_t uid)
{
	struct user **at = user_slot(&b->people, uid);

	if (!*at) {
		struct user *u = calloc(1, sizeof(*u));
		if (!u)
			return NULL;
		u->broker = b;
		u->uid = uid;
		node_init(&u->waiting);
		node_init(&u->clients);
		*at = u;
		b->people.count++;
	}
	(*at)->refs++;
	return *at;
}

/* The entry stays for a while: the same user soon comes again. */
void user_put(struct user *u)
{
	if (u)
		u->refs--;
}

static void user_free(struct user *u)
{
	account_unref(u->account);
	rights_unref(u->rights);
	free(u);
}

static void people_reap(struct broker *b)
{
	struct people *p = &b->people;
	int64_t now = loop_now(b->loop);

	for (size_t i = 0; i < countof(p->table); i++)
		for (struct user **at = &p->table[i]; *at; ) {
			struct user *u = *at;
			if (u->refs || u->socket || u->asking ||
			    now - u->account_at < 30000) {
				at = &u->chain;
				continue;
			}
			*at = u->chain;
			p->count--;
			user_free(u);
		}
}

bool charge(struct user *u, size_t bytes)
{
	if (u->charged + bytes > BOUND_BUFFER_UID)
		return false;
	u->charged += bytes;
	return true;
}

void uncharge(struct user *u, size_t bytes)
{
	u->charged -= bytes < u->charged ? bytes : u->charged;
}

static void people_tell(struct broker *b, const char *what)
{
	int64_t now = loop_now(b->loop);

	if (b->people.told_at && now - b->people.told_at < 5000)
		return;
	b->people.told_at = now;
	log_warn("%s", what);
}

static bool people_ask(struct user *u, bool acct)
{
	struct people *p = &u->broker->people;
	struct msg_who_ask ask = { .serial = ++p->serial, .uid = u->uid,
	    .acct = acct };

	snprintf(ask.tty, sizeof(ask.tty), "%s", u->tty);
	if (chan_send(p->authd, MSG_WHO_ASK, &ask, sizeof(ask), NULL, 0, NULL, 0)
	    != CHAN_GOOD)
		return false;
	u->asking = true;
	u->asking_acct = acct;
	u->asked_at = loop_now(u->broker->loop);
	u->serial = ask.serial;
	return true;
}

static bool older(const struct user *u, int64_t at, uint64_t age)
{
	return !at || loop_now(u->broker->loop) - at > (int64_t)age;
}

int people_check(struct user *u, bool acct, int64_t since, struct waiter *w)
{
	struct broker *b = u->broker;
	struct people *p = &b->people;
	bool stale = older(u, u->account_at, BOUND_ACCOUNT_AGE) &&
	    !(since && u->account_at >= since);
	bool stale_acct = acct && older(u, u->acct_at, b->conf.acct_age) &&
	    !(since && u->acct_at >= since);

	if (!p->ready)
		return PEOPLE_DOWN;
	if (!stale && !stale_acct) {
		/* Ask ahead, so that nobody waits. */
		bool ahead = older(u, u->account_at, BOUND_ACCOUNT_AGE / 2);
		bool ahead_acct = older(u, u->acct_at, b->conf.acct_age * 3 / 5);
		if ((ahead || ahead_acct) && !u->asking &&
		    !people_ask(u, ahead_acct))
			return PEOPLE_DOWN;
		return PEOPLE_FRESH;
	}
	/* One under way that was sent before it got stale would do no good. */
	if ((!u->asking || (stale_acct && !u->asking_acct)) &&
	    !people_ask(u, acct))
		return PEOPLE_DOWN;
	if (w)
		node_append(&u->waiting, &w->node);
	return PEOPLE_WAIT;
}

unsigned user_barred(const struct user *u, struct buf *why)
{
	const char *name = u->account ? u->account->name : "";

	if (u->status == WHO_UNKNOWN) {
		buf_addf(why, "dockbroker: uid %u has no account on this host", u->uid);
		return 403;
	}
	if (u->status != WHO_OK || !u->account) {
		/* One child asks both: which of them hangs is not known. */
		buf_addf(why, "dockbroker: the account of uid %u could not be checked"
		    " (%s), try again", u->uid, u->status == WHO_TIMEOUT ?
		    "NSS or PAM did not answer in time" : u->status == WHO_BUSY ?
		    "too many checks at once" : "error");
		return 503;
	}
	if (u->acct_status == WHO_TIMEOUT || u->acct_status == WHO_BUSY) {
		buf_addf(why, "dockbroker: PAM did not answer in time whether %s"
		    " may log in, try again", name);
		return 503;
	}
	if (u->acct_status != WHO_OK || u->acct_code != 0) {
		buf_addf(why, "dockbroker: PAM does not let %s in", name);
		if (u->acct_text[0])
			buf_addf(why, " (%s)", u->acct_text);
		return 403;
	}
	return 0;
}

struct rights *user_rights(struct user *u)
{
	struct rules *rules = &u->broker->rules;

	if (u->rights && u->rights_generation == rules->generation)
		return u->rights;
	struct who who = { .account = u->account, .uid = u->uid };
	struct rights *fresh = rights_new(rules->policy, &who);
	if (!fresh)
		return NULL;
	rights_unref(u->rights);
	u->rights = fresh;
	u->rights_generation = rules->generation;
	return fresh;
}

void waiters_wake(struct node *waiting)
{
	struct node list;

	node_take(&list, waiting);
	while (!node_empty(&list)) {
		struct waiter *w = node_entry(list.next, struct waiter, node);
		node_remove(&w->node);
		w->wake(w);
	}
}

static struct account *answer_account(const struct msg_who_is *m, struct slice body)
{
	size_t n = (body.n - sizeof(*m)) / sizeof(struct group);
	struct account *a;

	if (n != m->ngroups || msg_text(m->name, sizeof(m->name)) <= 0)
		return NULL;
	a = account_new(m->uid, m->gid, m->name,
	    (const struct group *)(const void *)(body.p + sizeof(*m)), n);
	if (a)
		account_home(a, m->home);
	return a;
}

static void user_answer(struct user *u, const struct msg_who_is *m, struct slice body)
{
	bool changed = u->status != m->status;
	struct account *fresh = m->status == WHO_OK ? answer_account(m, body) : NULL;

	u->asking = false;
	u->status = m->status == WHO_OK && !fresh ? WHO_ERROR : m->status;
	u->account_at = u->asked_at;
	if (fresh && u->account && account_equal(fresh, u->account)) {
		account_unref(fresh);
	} else if (fresh || u->status == WHO_UNKNOWN) {
		changed = true;
		account_unref(u->account);
		u->account = fresh;
		u->rights = rights_unref(u->rights);
	}
	if (u->asking_acct) {
		changed |= u->acct_code != m->pam_code;
		u->acct_at = u->asked_at;
		u->acct_status = m->acct_status;
		u->acct_code = m->pam_code;
		snprintf(u->acct_text, sizeof(u->acct_text), "%s", m->text);
	}
	u->refs++;
	if (changed && u->streams)
		clients_judge(u);
	waiters_wake(&u->waiting);
	user_put(u);
}

/* ---- enumeration: who gets a socket ---- */

static void want_user(struct broker *b, uint32_t uid, const char *name)
{
	struct user *u;

	if (!name[0] || name[0] == '.' || strchr(name, '/') || uid == WHO_UNSET)
		return;
	u = user_get(b, uid);
	if (!u)
		return;
	u->wanted = true;
	if (!u->account && !u->socket) {
		/* The name is all that the socket needs; rights come later. */
		u->account = account_new(uid, WHO_UNSET, name, NULL, 0);
		u->status = WHO_OK;
	}
	if (u->account && !u->socket && listener_user(b, u) < 0)
		log_warn("no socket for user %s", name);
	user_put(u);
}

/* Sockets of people whom the policy no longer names. */
static void enumeration_done(struct broker *b)
{
	struct people *p = &b->people;

	for (size_t i = 0; i < countof(p->table); i++) {
		for (struct user *u = p->table[i]; u; u = u->chain)
			if (u->socket && !u->wanted && !u->asked_for) {
				listener_close(u->socket);
				u->socket = NULL;
			}
	}
	p->enumerated_at = loop_now(b->loop);
	broker_notify(b);
	if (p->again)
		people_enumerate(b);
}

static void question_end(struct broker *b, struct question *q)
{
	node_remove(&q->node);
	if (q->generation == b->people.generation && !--b->people.open_questions) {
		free(q);
		enumeration_done(b);
		return;
	}
	free(q);
}

static bool question_send(struct broker *b, enum grantee kind, const char *name)
{
	struct people *p = &b->people;
	struct question *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return false;
	q->serial = ++p->serial;
	q->generation = p->generation;
	q->group = kind == GRANT_GROUP;
	snprintf(q->name, sizeof(q->name), "%s", name);
	if (q->group) {
		struct msg_group_ask ask = { .serial = q->serial };
		memcpy(ask.name, q->name, sizeof(ask.name));
		r = chan_send(p->authd, MSG_GROUP_ASK, &ask, sizeof(ask), NULL, 0, NULL, 0);
	} else {
		struct msg_who_ask ask = { .serial = q->serial, .uid = WHO_UNSET };
		memcpy(ask.name, q->name, sizeof(ask.name));
		r = chan_send(p->authd, MSG_WHO_ASK, &ask, sizeof(ask), NULL, 0, NULL, 0);
	}
	if (r != CHAN_GOOD) {
		free(q);
		return false;
	}
	node_append(&p->names, &q->node);
	p->open_questions++;
	return true;
}

void people_enumerate(struct broker *b)
{
	struct people *p = &b->people;
	enum grantee kind;
	const char *name;

	if (!p->ready || !b->rules.policy)
		return;
	if (p->open_questions) {
		p->again = true;
		return;
	}
	p->again = false;
	p->generation++;
	for (size_t i = 0; i < countof(p->table); i++)
		for (struct user *u = p->table[i]; u; u = u->chain)
			u->wanted = false;
	p->open_questions = 1;	/* ourselves, until all are asked */
	for (size_t i = 0; policy_grantee(b->rules.policy, i, &kind, &name); i++)
		if (kind != GRANT_SERVICE && !question_send(b, kind, name)) {
			/* authd is slow or gone: later, and nobody loses a socket. */
			p->again = true;
			p->generation++;
			p->open_questions = 0;
			return;
		}
	if (!--p->open_questions)
		enumeration_done(b);
}

static struct question *question_find(struct broker *b, uint64_t serial)
{
	for (struct node *n = b->people.names.next; n != &b->people.names; n = n->next) {
		struct question *q = node_entry(n, struct question, node);
		if (q->serial == serial)
			return q;
	}
	return NULL;
}

/* An answer about somebody unknown does not carry his uid. */
static struct user *user_asking(struct people *p, uint64_t serial)
{
	for (size_t i = 0; i < countof(p->table); i++)
		for (struct user *u = p->table[i]; u; u = u->chain)
			if (u->asking && u->serial == serial)
				return u;
	return NULL;
}

static void people_who(struct broker *b, struct slice body)
{
	struct msg_who_is m;

	memcpy(&m, body.p, sizeof(m));
	m.home[sizeof(m.home) - 1] = 0;
	m.text[sizeof(m.text) - 1] = m.name[sizeof(m.name) - 1] = 0;
	struct question *q = question_find(b, m.serial);
	if (q) {
		if (m.status == WHO_OK && m.uid != 0)
			want_user(b, m.uid, m.name);
		else if (m.status == WHO_UNKNOWN)
			log_warn("the policy names user %s, who does not exist", q->name);
		else if (m.status != WHO_OK)
			b->people.again = true;
		question_end(b, q);
		return;
	}
	struct user *u = *user_slot(&b->people, m.uid);
	if (!u || u->serial != m.serial)
		u = user_asking(&b->people, m.serial);
	if (u && u->asking && u->serial == m.serial)
		user_answer(u, &m, body);
}

static void people_members(struct broker *b, struct slice body)
{
	struct msg_group_is m;
	size_t n = (body.n - sizeof(m)) / sizeof(struct member);

	memcpy(&m, body.p, sizeof(m));
	struct question *q = question_find(b, m.serial);
	if (!q)
		return;
	for (size_t i = 0; i < n && i < m.n; i++) {
		struct member who;
		memcpy(&who, body.p + sizeof(m) + i * sizeof(who), sizeof(who));
		if (msg_text(who.name, sizeof(who.name)) > 0 && who.uid != 0)
			want_user(b, who.uid, who.name);
	}
	if (m.status == WHO_UNKNOWN)
		log_warn("the policy names group %s, which does not exist", q->name);
	else if (m.status != WHO_OK)
		b->people.again = true;
	if (!m.more)
		question_end(b, q);
}

/* ---- control groups ---- */

static void people_grouped(struct broker *b, struct slice body)
{
	struct msg_cgroup_is m;

	memcpy(&m, body.p, sizeof(m));
	struct user *u = *user_slot(&b->people, m.uid);
	if (u && u->grouping && u->group_serial == m.serial &&
	    msg_text(m.text, sizeof(m.text)) >= 0)
		limit_told(u, m.status, m.text);
}

bool people_group(struct user *u, unsigned driver, const struct usage *sum)
{
	struct people *p = &u->broker->people;
	struct msg_cgroup_ask m = {
		.serial = ++p->serial, .uid = u->uid, .driver = driver,
		.memory = sum->memory, .nano_cpus = sum->nano_cpus, .pids = sum->pids
	};

	u->group_serial = m.serial;
	return p->ready && chan_send(p->authd, MSG_CGROUP_ASK, &m, sizeof(m),
	    NULL, 0, NULL, 0) == 0;
}

/* ---- authd ---- */

static void people_stale(struct broker *b)
{
	struct people *p = &b->people;

	for (size_t i = 0; i < countof(p->table); i++)
		for (struct user *u = p->table[i]; u; u = u->chain) {
			u->account_at = u->acct_at = 0;
			if (u->asking)
				u->asked_at = 0;	/* asked before the change */
			if (u->streams && p->ready && !u->asking &&
			    !people_ask(u, true))
				log_debug("authd takes no question");
		}
}

static void people_message(struct chan *c, enum msg id, struct slice body,
    int *fds, size_t nfds)
{
	struct broker *b = chan_arg(c);

	(void)fds;
	(void)nfds;
	if (id == MSG_AUTHD_READY) {
		b->people.ready = true;
		log_info("dockbroker-authd is there");
		people_enumerate(b);
		broker_notify(b);
	} else if (id == MSG_WHO_IS) {
		people_who(b, body);
	} else if (id == MSG_GROUP_IS) {
		people_members(b, body);
	} else if (id == MSG_CGROUP_IS) {
		people_grouped(b, body);
	} else if (id == MSG_NSS_CHANGED) {
		people_stale(b);
		people_enumerate(b);
	}
}

static void questions_drop(struct people *p)
{
	while (!node_empty(&p->names)) {
		struct question *q = node_entry(p->names.next, struct question, node);
		node_remove(&q->node);
		free(q);
	}
}

static void people_lost(struct broker *b)
{
	struct people *p = &b->people;

	p->authd = chan_free(p->authd);
	p->ready = false;
	p->generation++;
	p->open_questions = 0;
	questions_drop(p);
	for (size_t i = 0; i < countof(p->table); i++) {
		for (struct user *u = p->table[i]; u; u = u->chain) {
			u->asking = u->grouping = u->grouped = false;
			waiters_wake(&u->waiting);
		}
	}
	if (timer_set(&p->retry, loop_now(b->loop) + BOUND_RETRY_TIME) < 0)
		fatal("no memory for a timer");
	broker_notify(b);
}

static void people_closed(struct chan *c, const char *why)
{
	struct broker *b = chan_arg(c);
	char text[200];

	snprintf(text, sizeof(text), "dockbroker-authd is gone (%s), waiting for it", why);
	people_tell(b, text);
	people_lost(b);
}

static const struct chan_ops people_ops = {
	.message = people_message, .closed = people_closed
};

static void people_retry(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, people.retry);

	if (peer_connect(b, "authd", PARTY_AUTHD, 0, &people_ops, &b->people.authd))
		return;
	people_tell(b, "waiting for dockbroker-authd");
	people_lost(b);
}

/* Streams are judged by what is true now, also when nothing is asked on their
 * connections; and a directory server tells nobody of its changes. */
static void people_refresh(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, people.refresh);
	struct people *p = &b->people;

	people_reap(b);
	if (p->ready) {
		for (size_t i = 0; i < countof(p->table); i++)
			for (struct user *u = p->table[i]; u; u = u->chain)
				if (u->streams && people_check(u, true, 0, NULL) == PEOPLE_DOWN)
					log_debug("authd takes no question");
		if (p->again || loop_now(b->loop) - p->enumerated_at > 60000)
			people_enumerate(b);
	}
	if (timer_set(t, loop_now(b->loop) + 1000) < 0)
		fatal("no memory for a timer");
}

int people_start(struct broker *b)
{
	struct people *p = &b->people;

	node_init(&p->names);
	timer_init(b->loop, &p->retry, people_retry);
	timer_init(b->loop, &p->refresh, people_refresh);
	int r = timer_set(&p->refresh, loop_now(b->loop) + 1000);
	return r < 0 ? r : timer_set(&p->retry, loop_now(b->loop) + 1);
}

void people_stop(struct broker *b)
{
	struct people *p = &b->people;

	timer_remove(&p->retry);
	timer_remove(&p->refresh);
	p->authd = chan_free(p->authd);
	questions_drop(p);
	for (size_t i = 0; i < countof(p->table); i++)
		while (p->table[i]) {
			struct user *u = p->table[i];
			p->table[i] = u->chain;
			user_free(u);
		}
}
