/*
 * journal.c: records on their way to auditd.
 *
 * Every record has a number n of this run of the broker.  What auditd has not
 * confirmed stays here and is sent again after a reconnect, from the number
 * that auditd's log says it has: nothing is lost or doubled, whenever auditd
 * dies.  Requests that change something wait until their record is on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/broker.h"

#define FLUSH_TIME	10	/* ms: how long records that nobody waits for may gather */
#define FLUSH_BYTES	(BOUND_AUDIT_BATCH / 2)
#define RECORD_USUAL	1000	/* bytes of a record: one allocation, not three */

struct piece { uint64_t n; uint32_t length; uint32_t pad; };

static void journal_tell(struct broker *b, const char *what)
{
	if (loop_now(b->loop) - b->journal.told_at < 5000 && b->journal.told_at)
		return;
	b->journal.told_at = loop_now(b->loop);
	log_warn("%s", what);
}

/* One message of what has not been sent; false when there is none. */
static bool journal_send(struct broker *b)
{
	struct journal *j = &b->journal;
	static char message[BOUND_AUDIT_BATCH];	/* one thread, one message */
	struct msg_audit_add head = { .sync = j->sync };
	size_t n = 0, at = j->sent;

	while (at < j->waiting.len) {
		struct piece e;
		memcpy(&e, j->waiting.p + at, sizeof(e));
		if (n + 4 + e.length > sizeof(message))
			break;
		if (!head.count)
			head.first_n = e.n;
		memcpy(message + n, &e.length, 4);
		memcpy(message + n + 4, j->waiting.p + at + sizeof(e), e.length);
		n += 4 + e.length;
		at += sizeof(e) + e.length;
		head.count++;
	}
	if (!head.count)
		return false;
	if (chan_send(j->auditd, MSG_AUDIT_ADD, &head, sizeof(head), message, n,
	    NULL, 0) != CHAN_GOOD)
		return false;
	j->sent = at;
	if (!j->owed_since)
		j->owed_since = loop_now(b->loop);
	return true;
}

static void journal_flush(struct task *t)
{
	struct broker *b = node_entry(t, struct broker, journal.flush);
	struct journal *j = &b->journal;

	if (!j->ready || j->state != AUDIT_GOOD)
		return;
	j->flushed_at = loop_now(b->loop);
	while (j->ready && chan_waiting(j->auditd) < 64 && journal_send(b))
		;
	if (j->sent == j->waiting.len)
		j->sync = false;
}

/* Reads do not wait for their records.  The first after a silence goes at
 * once; while many come, auditd is woken for all of FLUSH_TIME together. */
static void journal_post(struct broker *b)
{
	struct journal *j = &b->journal;

	if (j->sync || j->waiting.len - j->sent >= FLUSH_BYTES ||
	    loop_now(b->loop) - j->flushed_at >= FLUSH_TIME)
		task_post(b->loop, &j->flush);
	else if (!j->soon.at &&
	    timer_set(&j->soon, j->flushed_at + FLUSH_TIME) < 0)
		fatal("no memory for a timer");
}

static void journal_soon(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, journal.soon);

	journal_flush(&b->journal.flush);
}

/* Drops what is confirmed up to n. */
static void journal_drop(struct journal *j, uint64_t n)
{
	size_t at = 0;

	while (at < j->waiting.len) {
		struct piece e;
		memcpy(&e, j->waiting.p + at, sizeof(e));
		if (e.n > n)
			break;
		at += sizeof(e) + e.length;
	}
	buf_eat(&j->waiting, at);
	j->sent = j->sent > at ? j->sent - at : 0;
	if (!j->waiting.len)
		buf_free(&j->waiting);
}

/* From the first unconfirmed one, all again. */
static void journal_rewind(struct broker *b)
{
	b->journal.sent = 0;
	b->journal.sync = true;
	task_post(b->loop, &b->journal.flush);
}

static void journal_wake(struct broker *b)
{
	struct journal *j = &b->journal;

	while (!node_empty(&j->waiters)) {
		struct client *c = node_entry(j->waiters.next, struct client, record_node);
		if (c->wait_n > j->synced_n)
			break;
		node_remove(&c->record_node);
		client_recorded(c);
	}
}

/* Those who wait are told no; their records may still be written: the
 * requests were not forwarded, and say so. */
static void journal_fail(struct broker *b)
{
	struct node list;

	node_take(&list, &b->journal.waiters);
	while (!node_empty(&list)) {
		struct client *c = node_entry(list.next, struct client, record_node);
		node_remove(&c->record_node);
		client_unrecorded(c);
	}
}

static void journal_set_state(struct broker *b, uint32_t state, const char *text)
{
	struct journal *j = &b->journal;
	bool was = j->state == AUDIT_GOOD;

	j->state = state <= AUDIT_BROKEN ? (enum audit_state)state : AUDIT_BROKEN;
	snprintf(j->text, sizeof(j->text), "%s", text);
	if (j->state != AUDIT_GOOD && was) {
		log_error("the audit log cannot be written: %s", j->text);
		journal_fail(b);
	} else if (j->state == AUDIT_GOOD && !was) {
		log_info("the audit log can be written again");
	}
	if (was != (j->state == AUDIT_GOOD))
		broker_notify(b);
}

static void journal_ready(struct broker *b, const struct msg_audit_ready *m)
{
	struct journal *j = &b->journal;

	j->ready = j->numbered = true;
	j->owed_since = 0;
	j->seq = m->seq;
	journal_drop(j, m->last_n);
	if (m->last_n > j->written_n)
		j->written_n = m->last_n;
	if (m->last_id >= b->next_id)
		b->next_id = m->last_id + 1;
	journal_set_state(b, m->state, m->text);
	journal_rewind(b);
	log_info("dockbroker-auditd is there, its log has %llu lines",
	    (unsigned long long)m->seq);
	broker_notify(b);
}

static void journal_done(struct broker *b, const struct msg_audit_done *m)
{
	struct journal *j = &b->journal;

	j->seq = m->seq;
	if (m->written_n > j->written_n && m->written_n < j->next_n)
		j->written_n = m->written_n;
	if (m->synced_n > j->synced_n && m->synced_n <= j->written_n)
		j->synced_n = m->synced_n;
	journal_drop(j, j->written_n);
	j->owed_since = j->sent ? loop_now(b->loop) : 0;
	journal_set_state(b, m->state, m->text);
	journal_wake(b);
	if (j->sent < j->waiting.len)
		journal_post(b);
	if (b->finishing && j->written_n + 1 == j->next_n)
		loop_stop(b->loop, 0);
}

static void journal_message(struct chan *c, enum msg id, struct slice body,
    int *fds, size_t nfds)
{
	struct broker *b = chan_arg(c);

	(void)fds;
	(void)nfds;
	if (id == MSG_AUDIT_READY) {
		struct msg_audit_ready m;
		memcpy(&m, body.p, sizeof(m));
		m.text[sizeof(m.text) - 1] = 0;
		journal_ready(b, &m);
	} else if (id == MSG_AUDIT_DONE) {
		struct msg_audit_done m;
		memcpy(&m, body.p, sizeof(m));
		m.text[sizeof(m.text) - 1] = 0;
		journal_done(b, &m);
	}
}

static void journal_lost(struct broker *b)
{
	struct journal *j = &b->journal;

	j->auditd = chan_free(j->auditd);
	j->ready = false;
	j->owed_since = 0;
	j->sent = 0;
	if (timer_set(&j->retry, loop_now(b->loop) + BOUND_RETRY_TIME) < 0)
		fatal("no memory for a timer");
	broker_notify(b);
}

static void journal_closed(struct chan *c, const char *why)
{
	struct broker *b = chan_arg(c);
	char text[200];

	snprintf(text, sizeof(text), "dockbroker-auditd is gone (%s), waiting for it", why);
	journal_tell(b, text);
	journal_lost(b);
}

static const struct chan_ops journal_ops = {
	.message = journal_message, .closed = journal_closed
};

static void journal_connect(struct broker *b)
{
	if (peer_connect(b, "auditd", PARTY_AUDITD, b->audit_uid, &journal_ops,
	    &b->journal.auditd))
		return;
	journal_tell(b, "waiting for dockbroker-auditd");
	journal_lost(b);
}

/* Reconnects; and each second looks whether answers are overdue. */
static void journal_retry(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, journal.retry);
	struct journal *j = &b->journal;
	const char *why;

	if (!j->auditd) {
		journal_connect(b);
		if (!j->auditd)
			return;
	} else if (j->ready && j->state != AUDIT_GOOD) {
		/* Full or broken: offer the oldest again, or ask with nothing. */
		j->sent = 0;
		j->sync = true;
		struct msg_audit_add ask = { .first_n = j->written_n + 1 };
		if (!journal_send(b) && chan_send(j->auditd, MSG_AUDIT_ADD, &ask,
		    sizeof(ask), NULL, 0, NULL, 0) != CHAN_GOOD)
			log_debug("auditd does not take the question");
	}
	if (!journal_up(b, true, &why) && j->auditd && j->ready)
		journal_fail(b);
	if (timer_set(t, loop_now(b->loop) + 500) < 0)
		fatal("no memory for a timer");
}

static void read_line(const char *path, char *out, size_t size)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = 0;
	out[strcspn(out, "\n")] = 0;
}

int journal_start(struct broker *b)
{
	struct journal *j = &b->journal;

	node_init(&j->waiters);
	j->waiting = BUF(BOUND_AUDIT_WAIT);
	j->next_n = 1;
	j->flush.run = journal_flush;
	timer_init(b->loop, &j->retry, journal_retry);
	timer_init(b->loop, &j->soon, journal_soon);
	if (getrandom(j->instance, sizeof(j->instance), 0) != sizeof(j->instance))
		return -EIO;
	for (size_t i = 0; i < sizeof(j->instance); i++)
		snprintf(j->instance_hex + 2 * i, 3, "%02x", j->instance[i]);
	/* Before the sandbox: neither can be asked for in it. */
	if (gethostname(j->host, sizeof(j->host) - 1) < 0)
		j->host[0] = 0;
	read_line("/proc/sys/kernel/random/boot_id", j->boot, sizeof(j->boot));
	return timer_set(&j->retry, loop_now(b->loop) + 1);
}

void journal_stop(struct broker *b)
{
	timer_remove(&b->journal.retry);
	timer_remove(&b->journal.soon);
	task_cancel(b->loop, &b->journal.flush);
	b->journal.auditd = chan_free(b->journal.auditd);
	buf_free(&b->journal.waiting);
}

bool journal_up(struct broker *b, bool changes, const char **why)
{
	struct journal *j = &b->journal;

	if (j->numbered && !changes && !b->conf.audit_reads)
		return true;
	if (!j->auditd || !j->ready)
		*why = "dockbroker-auditd is not running, so nothing can be"
		    " recorded; nothing was done, try again";
	else if (j->state != AUDIT_GOOD)
		*why = "the audit log cannot be written (the disk may be full),"
		    " so nothing was done; tell the administrator";
	else if (j->owed_since && loop_now(b->loop) - j->owed_since > BOUND_AUDIT_SILENT)
		*why = "dockbroker-auditd does not answer, so nothing can be"
		    " recorded; nothing was done, try again";
	else if (j->waiting.len > j->waiting.max - 2 * BOUND_RECORD)
		*why = "too many records wait to be written; nothing was done,"
		    " try again";
	else
		return true;
	return false;
}

void journal_begin(struct broker *b, struct buf *r, const char *event)
{
	struct journal *j = &b->journal;

	(void)buf_room(r, RECORD_USUAL);
	record_time(r, FIELD_TIME, loop_realtime(b->loop));
	record_text(r, FIELD_HOST, slice_from(j->host));
	record_text(r, FIELD_BOOT, slice_from(j->boot));
	record_text(r, FIELD_INSTANCE, slice_from(j->instance_hex));
	record_uint(r, FIELD_N, j->next_n);
	record_text(r, FIELD_EVENT, slice_from(event));
}

uint64_t journal_add(struct broker *b, struct buf *r, bool sync)
{
	struct journal *j = &b->journal;
	struct piece e = { .n = j->next_n, .length = (uint32_t)r->len };
	size_t before = j->waiting.len;

	if (!buf_ok(r) || r->len > BOUND_RECORD) {
		log_error("a record is too large");
		return 0;
	}
	buf_add(&j->waiting, &e, sizeof(e));
	buf_adds(&j->waiting, buf_slice(r));
	if (!buf_ok(&j->waiting)) {
		j->waiting.len = before;
		j->waiting.failed = false;
		j->lost++;
		return 0;
	}
	j->next_n++;
	j->sync |= sync;
	journal_post(b);
	return e.n;
}

void journal_wait(struct broker *b, struct client *c, uint64_t n)
{
	c->wait_n = n;
	node_append(&b->journal.waiters, &c->record_node);
}

static void event_add(struct broker *b, const struct who *by, const char *event,
    const char *text)
{
	_cleanup_(buf_free) struct buf r = BUF(BOUND_RECORD);

	journal_begin(b, &r, event);
	if (by)
		record_person(by, &r);
	if (b->rules.policy)
		record_text(&r, FIELD_POLICY_HASH, slice_from(policy_hash(b->rules.policy)));
	record_text(&r, FIELD_DETAIL, slice_from(text));
	if (!journal_add(b, &r, false))
		log_error("event %s could not be recorded", event);
}

void journal_event(struct broker *b, const char *event, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	event_add(b, NULL, event, text);
}

void journal_by(struct broker *b, const struct who *by, const char *event,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	event_add(b, by, event, text);
}
