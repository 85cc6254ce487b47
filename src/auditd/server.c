/*
 * server.c: the broker's connection.  The socket lets in the broker's user
 * alone (by mode and ACL) and the peer's uid is asked once more; what comes is
 * believed no more than that: numbers must follow each other, records must be
 * of the instance that said HELLO.
 *
 * All records of one turn of the loop are written together at its end.  What
 * could not be written is not confirmed, and what follows it is ignored with
 * the same answer until the broker sends again from written_n + 1.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auditd/auditd.h"

#define TICK_MS	1000

struct server {
	struct loop *loop;
	struct writer *writer;
	struct source listener;
	struct chan *broker;		/* who said HELLO */
	struct chan *guest;		/* who has not yet */
	uint32_t broker_uid;
	char instance[33];		/* as it stands in records */
	struct task flush;
	bool sync;			/* somebody waits for the disk */
	struct timer tick;
};

static void copy_text(char *to, size_t size, const char *from)
{
	memset(to, 0, size);
	snprintf(to, size, "%s", from);
}

/* ---- answers ---- */

static void drop_guest(struct server *s, const char *why)
{
	log_warn("a connection is closed before HELLO: %s", why);
	s->guest = chan_free(s->guest);
}

static void drop_broker(struct server *s, const char *why)
{
	log_warn("the broker's connection is closed: %s", why);
	s->broker = chan_free(s->broker);
	/* What it had sent before the fault is written all the same. */
	task_post(s->loop, &s->flush);
}

static void send_broker(struct server *s, enum msg id, const void *m, size_t n)
{
	int r = chan_send(s->broker, id, m, n, NULL, 0, NULL, 0);

	if (r == CHAN_FULL)
		drop_broker(s, "it does not read our answers");
	else if (r < 0)
		drop_broker(s, strerror(-r));
}

static void send_done(struct server *s)
{
	const struct writer *w = s->writer;
	struct msg_audit_done m = {
		.written_n = w->written_n,
		.synced_n = w->synced_n,
		.seq = w->end.chain.seq,
		.state = writer_state(w),
	};

	if (!s->broker)
		return;
	if (m.state != AUDIT_GOOD)
		copy_text(m.text, sizeof(m.text), w->text);
	send_broker(s, MSG_AUDIT_DONE, &m, sizeof(m));
}

static void send_ready(struct server *s)
{
	const struct writer *w = s->writer;
	struct msg_audit_ready m = {
		.last_n = w->written_n,
		.last_id = w->end.id,
		.seq = w->end.chain.seq,
		.state = writer_state(w),
	};

	if (m.state != AUDIT_GOOD)
		copy_text(m.text, sizeof(m.text), w->text);
	send_broker(s, MSG_AUDIT_READY, &m, sizeof(m));
}

/* ---- writing, at the end of the turn ---- */

static void tick_set(struct server *s)
{
	if (!writer_busy(s->writer) || s->tick.at)
		return;
	if (timer_set(&s->tick, loop_now(s->loop) + TICK_MS) < 0)
		fatal("out of memory");
}

static void flush_now(struct server *s)
{
	writer_flush(s->writer, loop_realtime(s->loop), s->sync);
	s->sync = false;
	tick_set(s);
}

static void flush_run(struct task *t)
{
	struct server *s = (struct server *)((char *)t -
	    offsetof(struct server, flush));

	flush_now(s);
	send_done(s);
}

static void tick_run(struct timer *t)
{
	struct server *s = (struct server *)((char *)t -
	    offsetof(struct server, tick));
	const struct writer *w = s->writer;
	enum audit_state before = writer_state(w);
	uint64_t synced = w->synced_n;

	timer_stop(t);
	writer_tick(s->writer, loop_realtime(s->loop));
	/* While something is wrong the broker hears of it every second. */
	if (before != AUDIT_GOOD || writer_state(w) != before ||
	    w->synced_n != synced)
		send_done(s);
	tick_set(s);
}

/* ---- messages ---- */

/* A broker that was started anew may be here before the end of the old one
 * has been seen: the newer one counts, once it has said who it is. */
static void take_hello(struct server *s, const struct msg_hello *m)
{
	static const uint8_t none[sizeof(m->instance)];

	if (m->version != MSG_VERSION ||
	    memcmp(m->instance, none, sizeof(none)) == 0) {
		drop_guest(s, "it has another version");
		return;
	}
	if (s->broker)
		drop_broker(s, "a newer one is here");
	s->broker = s->guest;
	s->guest = NULL;
	s->sync = true;
	flush_now(s);
	writer_instance(s->writer, m->instance);
	for (size_t i = 0; i < sizeof(m->instance); i++)
		snprintf(s->instance + 2 * i, 3, "%02x", m->instance[i]);
	log_info("the broker is here, its last record is %llu",
	    (unsigned long long)s->writer->written_n);
	send_ready(s);
}

/* Takes one record off the body. */
static bool next_record(struct slice *body, struct slice *record)
{
	uint32_t len;

	if (body->n < sizeof(len))
		return false;
	memcpy(&len, body->p, sizeof(len));
	if (len > body->n - sizeof(len))
		return false;
	*record = (struct slice){ body->p + sizeof(len), len };
	body->p += sizeof(len) + len;
	body->n -= sizeof(len) + len;
	return true;
}

/* The record n of this instance into the batch; false: the broker is gone. */
static bool take_record(struct server *s, struct slice bytes, uint64_t n)
{
	_cleanup_(buf_free) struct buf err = BUF(512);
	struct writer *w = s->writer;
	struct record record;
	uint64_t id = 0;
	int r;

	r = record_open(bytes, &record, &err);
	if (r == RECORD_GOOD &&
	    (!slice_is(record.value[FIELD_INSTANCE], s->instance) ||
	    !record.value[FIELD_N].p ||
	    record_get_uint(&record, FIELD_N) != n)) {
		buf_addf(&err, "record %llu has another number or instance",
		    (unsigned long long)n);
		r = RECORD_BAD;
	}
	if (r == RECORD_GOOD) {
		id = record_get_uint(&record, FIELD_ID);
		r = writer_add(w, bytes, id);
	}
	if (r == -ENOBUFS) {
		flush_now(s);
		r = w->n + 1 == n ? writer_add(w, bytes, id) : RECORD_GOOD;
	}
	if (r < 0)
		fatal("a record cannot be made: %s", strerror(-r));
	if (r != RECORD_GOOD)
		drop_broker(s, buf_text(&err));
	return r == RECORD_GOOD;
}

/* May records from first on come now?  False: answered, or the broker is
 * gone. */
static bool in_order(struct server *s, uint64_t first, uint64_t count)
{
	struct writer *w = s->writer;

	if (first == 0 || count == 0 || first > INT64_MAX - count) {
		drop_broker(s, "breach: AUDIT_ADD without numbers");
		return false;
	}
	if (first <= w->n + 1)
		return true;
	if (w->resend) {
		send_done(s);
		return false;
	}
	if (w->n > 0) {
		drop_broker(s, "breach: records are missing");
		return false;
	}
	/* A broker that has been running for long, and a log that was taken
	 * away while we were not: go on, and say so. */
	writer_event(w, "records-missing", loop_realtime(s->loop),
	    "records 1 to %llu of instance %s are not in this file",
	    (unsigned long long)first - 1, s->instance);
	writer_skip(w, first - 1);
	return true;
}

/* Exactly so many records, and nothing behind them. */
static bool is_framed(struct slice body, uint32_t count)
{
	struct slice record;

	while (count > 0 && next_record(&body, &record))
		count--;
	return count == 0 && body.n == 0;
}

static void take_records(struct server *s, struct slice body)
{
	struct msg_audit_add m;
	struct slice record;
	uint64_t n;

	memcpy(&m, body.p, sizeof(m));
	body.p += sizeof(m);
	body.n -= sizeof(m);
	if (!is_framed(body, m.count)) {
		drop_broker(s, "breach: AUDIT_ADD of a wrong length");
		return;
	}
	if (!in_order(s, m.first_n, m.count))
		return;
	for (n = m.first_n; next_record(&body, &record); n++)
		/* n > w->n + 1: a flush between failed, the rest is dropped. */
		if (n == s->writer->n + 1 && !take_record(s, record, n))
			return;
	s->sync |= m.sync != 0;
	task_post(s->loop, &s->flush);
}

static void on_message(struct chan *c, enum msg id, struct slice body, int *fds,
    size_t nfds)
{
	struct server *s = chan_arg(c);
	struct msg_hello hello;

	(void)fds;
	(void)nfds;
	if (c == s->broker && id == MSG_AUDIT_ADD) {
		take_records(s, body);
	} else if (c == s->broker) {
		drop_broker(s, "breach: it said HELLO twice");
	} else if (id == MSG_HELLO) {
		memcpy(&hello, body.p, sizeof(hello));
		take_hello(s, &hello);
	} else {
		drop_guest(s, "breach: no HELLO");
	}
}

static void on_closed(struct chan *c, const char *why)
{
	struct server *s = chan_arg(c);

	if (c == s->broker)
		drop_broker(s, why);
	else
		drop_guest(s, why);
}

static const struct chan_ops ops = {
	.message = on_message,
	.closed = on_closed,
};

/* ---- connections ---- */

static void take_connection(struct server *s, int fd)
{
	struct peer peer = { .pidfd = -1 };
	int r = peer_get(fd, &peer);

	close_fd(&peer.pidfd);
	if (r < 0 || peer.uid != s->broker_uid) {
		if (r == 0)
			log_warn("uid %u is not the broker: refused", peer.uid);
		close(fd);
		return;
	}
	if (s->guest)
		drop_guest(s, "another one is here");
	r = chan_new(s->loop, fd, PARTY_AUDITD, PARTY_BROKER, &ops, s,
	    &s->guest);
	if (r < 0)
		log_error("the broker cannot be served: %s", strerror(-r));
}

static void listener_run(struct source *source, uint32_t ready)
{
	struct server *s = (struct server *)((char *)source -
	    offsetof(struct server, listener));
	int fd;

	(void)ready;
	fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		take_connection(s, fd);
		return;
	}
	if (errno == EAGAIN)
		source_clear(source, EPOLLIN);
	else if (errno != EINTR && errno != ECONNABORTED)
		fatal("accept: %s", strerror(errno));
}

/* ---- life ---- */

int server_new(struct loop *l, int fd, uint32_t broker_uid, struct writer *w,
    struct server **out)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->writer = w;
	s->broker_uid = broker_uid;
	s->flush.run = flush_run;
	timer_init(l, &s->tick, tick_run);
	r = source_add(l, &s->listener, fd, EPOLLIN, listener_run);
	if (r < 0) {
		free(s);
		return r;
	}
	tick_set(s);
	*out = s;
	return 0;
}

void server_reopen(struct server *s)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	int r = writer_reopen(s->writer, loop_realtime(s->loop), &err);

	if (r == WRITER_GOOD)
		log_info("the log is open again");
	else
		log_error("the log is not opened again, the old file stays in "
		    "use: %s", r < 0 ? strerror(-r) : buf_text(&err));
	send_done(s);
	tick_set(s);
}

void server_stop(struct server *s)
{
	writer_event(s->writer, "stop", loop_realtime(s->loop), "%s", "");
	s->sync = true;
	flush_now(s);
	send_done(s);
	task_cancel(s->loop, &s->flush);
	timer_remove(&s->tick);
	s->broker = chan_free(s->broker);
	s->guest = chan_free(s->guest);
	source_close(&s->listener);
	free(s);
}
