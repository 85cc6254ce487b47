/*
 * serve.c: the listening socket and the broker's connection.  Only the
 * broker's user and root get past accept.  One connection is the broker's:
 * the one that said HELLO last, so that a restarted broker takes over at once
 * and whoever merely connects disturbs nobody.  What the broker may ask is
 * held by msg.def and by the checks here; it is the process that reads
 * strangers' bytes, so its texts are not believed either.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/authd.h"

struct serve {
	struct loop *loop;
	struct source listener;
	uint32_t broker_uid;
	struct jobs *jobs;
	struct chan *fresh;		/* has not said HELLO yet; at most one */
	struct chan *broker;
	struct msg_hello us;
};

/* The end of either connection; its asks are nobody's any more. */
static void conn_end(struct serve *s, struct chan *c, const char *why)
{
	if (c == s->broker) {
		log_info("the broker's connection ended: %s", why);
		s->broker = NULL;
		jobs_forget(s->jobs);
	} else {
		log_debug("a connection ended: %s", why);
		s->fresh = NULL;
	}
	chan_free(c);
}

static void send_broker(void *arg, enum msg id, const void *head,
    size_t nhead, struct slice more)
{
	struct serve *s = arg;
	int r;

	if (!s->broker)
		return;
	r = chan_send(s->broker, id, head, nhead, more.p, more.n, NULL, 0);
	if (r == CHAN_FULL || r < 0) {
		log_warn("the broker takes no answers (%d)", r);
		(void)shutdown(chan_fd(s->broker), SHUT_RDWR);
	}
}

static bool take_hello(struct serve *s, struct chan *c,
    const struct msg_hello *hello)
{
	if (c != s->fresh || hello->version != MSG_VERSION)
		return false;
	s->fresh = NULL;
	if (s->broker)
		conn_end(s, s->broker, "a newer one took over");
	s->broker = c;
	log_info("the broker is here");
	send_broker(s, MSG_AUTHD_READY, &s->us, sizeof(s->us), SLICE_NONE);
	return true;
}

/* A tty is a path below /dev for PAM modules: letters, digits, slashes. */
static bool tty_valid(const char *tty, size_t size)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/";
	ssize_t n = msg_text(tty, size);

	return n >= 0 && strspn(tty, good) == (size_t)n;
}

static bool take_ask(struct serve *s, enum msg id, const char *body)
{
	struct job_ask ask = { .kind = id };
	ssize_t n;

	if (id == MSG_GROUP_ASK) {
		memcpy(&ask.group, body, sizeof(ask.group));
		if (msg_text(ask.group.name, sizeof(ask.group.name)) <= 0)
			return false;
	} else if (id == MSG_CGROUP_ASK) {
		memcpy(&ask.cgroup, body, sizeof(ask.cgroup));
		ask.who.uid = ask.cgroup.uid;
		ask.cgroup.serial = 0;	/* the same work has the same bytes */
		if (!cgroup_valid(&ask.cgroup))
			return false;
	} else {
		memcpy(&ask.who, body, sizeof(ask.who));
		n = msg_text(ask.who.name, sizeof(ask.who.name));
		if (n < 0 || (ask.who.uid == WHO_UNSET) != (n > 0) ||
		    ask.who.acct > 1 ||
		    !tty_valid(ask.who.tty, sizeof(ask.who.tty)))
			return false;
	}
	memcpy(&ask.serial, body, sizeof(ask.serial));	/* the first field of each */
	jobs_ask(s->jobs, &ask);
	return true;
}

/* No message to us carries descriptors; their lengths are checked. */
static void conn_message(struct chan *c, enum msg id, struct slice body,
    int *fds _unused_, size_t nfds _unused_)
{
	struct serve *s = chan_arg(c);
	struct msg_hello hello;
	bool good = false;

	if (id == MSG_HELLO) {
		memcpy(&hello, body.p, sizeof(hello));
		good = take_hello(s, c, &hello);
	} else if (c == s->broker) {
		good = take_ask(s, id, body.p);
	}
	if (!good) {
		log_warn("breach: the content of %s", msg_name(id));
		conn_end(s, c, "breach");
	}
}

static void conn_closed(struct chan *c, const char *why)
{
	conn_end(chan_arg(c), c, why);
}

static const struct chan_ops conn_ops = { conn_message, conn_closed, NULL };

static void listener_run(struct source *source, uint32_t ready _unused_)
{
	struct serve *s = (struct serve *)((char *)source -
	    offsetof(struct serve, listener));
	struct ucred peer;
	socklen_t n = sizeof(peer);
	struct chan *c = NULL;
	int fd;

	fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN)
			source_clear(source, EPOLLIN);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) ||
	    (peer.uid != s->broker_uid && peer.uid != 0)) {
		log_warn("uid %u is not the broker: refused", peer.uid);
		close(fd);
		return;
	}
	if (s->fresh)
		conn_end(s, s->fresh, "another came");
	if (chan_new(s->loop, fd, PARTY_AUTHD, PARTY_BROKER, &conn_ops, s,
	    &c) == 0)
		s->fresh = c;
}

static void nss_seen(void *arg)
{
	jobs_changed(((struct serve *)arg)->jobs);
}

static void nss_settled(void *arg)
{
	struct serve *s = arg;
	struct msg_nss_changed m = { loop_realtime(s->loop) };

	log_debug("users or groups changed");
	send_broker(s, MSG_NSS_CHANGED, &m, sizeof(m), SLICE_NONE);
}

int serve_new(struct loop *l, int fd, uint32_t broker, const struct config *c,
    struct serve **out)
{
	/* LDAP and SSSD tell nobody: there the broker's own age limit counts. */
	static const char *const paths[] = {
		"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/nsswitch.conf",
		"/etc/nologin", "/var/lib/extrausers/passwd",
		"/var/lib/extrausers/group", "/var/lib/extrausers/shadow", NULL
	};
	static const struct watch_ops ops = { AUTHD_SETTLE, nss_seen, nss_settled };
	struct serve *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*out = s;
	s->loop = l;
	s->broker_uid = broker;
	s->us.version = MSG_VERSION;
	s->listener.fd = -1;
	if (getrandom(s->us.instance, sizeof(s->us.instance), 0) < 0)
		return -errno;
	r = jobs_new(l, c, send_broker, s, &s->jobs);
	if (r == 0)
		r = watch_start(l, paths, &ops, s);
	return r < 0 ? r : source_add(l, &s->listener, fd, EPOLLIN, listener_run);
}

struct jobs *serve_jobs(struct serve *s)
{
	return s->jobs;
}
