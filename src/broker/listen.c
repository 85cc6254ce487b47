/*
 * listen.c: the sockets that clients come to, and the way to authd and auditd.
 * The shared and the control socket and those of services come from systemd or
 * are made while still root; a user's own is a file of ours with an ACL for him.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/broker.h"

#define ACCEPTS	64	/* a turn: fair to those who are in */

const char *socket_kind_name(enum socket_kind k)
{
	static const char *const names[] = { "shared", "user", "service", "control" };

	return names[k];
}

bool peer_connect(struct broker *b, const char *name, enum party party,
    uint32_t uid, const struct chan_ops *ops, struct chan **out)
{
	struct msg_hello hello = { .version = MSG_VERSION };
	struct peer peer = { .pidfd = -1 };
	char path[300];
	int fd = -1;

	snprintf(path, sizeof(path), "%s/%s.sock", b->conf.run_dir, name);
	if (sock_connect(path, SOCK_SEQPACKET, &fd) < 0)
		return false;
	/* root where systemd made the socket */
	if (peer_get(fd, &peer) < 0 || (peer.uid != 0 && peer.uid != uid))
		fatal("%s is not dockbroker-%s's", path, name);
	close_fd(&peer.pidfd);
	int r = chan_new(b->loop, fd, PARTY_BROKER, party, ops, b, out);
	if (r < 0)
		fatal("no channel to dockbroker-%s: %s", name, strerror(-r));
	memcpy(hello.instance, b->journal.instance, sizeof(hello.instance));
	return chan_send(*out, MSG_HELLO, &hello, sizeof(hello), NULL, 0, NULL, 0)
	    == CHAN_GOOD;
}

static void listener_run(struct source *s, uint32_t ready)
{
	struct listener *l = (struct listener *)(void *)s;

	(void)ready;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && errno == EAGAIN) {
			source_clear(s, EPOLLIN);
			return;
		}
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) {
			/* Out of descriptors or memory: look again in a while. */
			log_warn("cannot accept on %s: %s", l->path, strerror(errno));
			source_want(s, 0);
			if (timer_set(&l->pause, loop_now(s->loop) + 200) < 0)
				fatal("no memory for a timer");
			return;
		}
		if (l->kind == SOCKET_CONTROL)
			control_accept(l, fd);
		else
			client_accept(l, fd);
	}
}

static void listener_resume(struct timer *t)
{
	struct listener *l = node_entry(t, struct listener, pause);

	source_want(&l->source, EPOLLIN);
	source_again(&l->source);
}

static void listener_free(struct task *t)
{
	free(node_entry(t, struct listener, gone));
}

static struct listener *listener_new(struct broker *b, enum socket_kind kind,
    const char *path, int fd, bool ours)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->broker = b;
	l->kind = kind;
	l->ours = ours;
	l->gone.run = listener_free;
	snprintf(l->path, sizeof(l->path), "%s", path);
	timer_init(b->loop, &l->pause, listener_resume);
	if (source_add(b->loop, &l->source, fd, EPOLLIN, listener_run) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void listener_close(struct listener *l)
{
	source_close(&l->source);
	timer_remove(&l->pause);
	if (l->ours && unlink(l->path) < 0 && errno != ENOENT)
		log_debug("cannot remove %s: %s", l->path, strerror(errno));
	task_post(l->broker->loop, &l->gone);
}

/* A fd that systemd passed under this name, or -1. */
static int passed_fd(const char *name)
{
	static int fds[64];
	static char names[64][64];
	static size_t n = SIZE_MAX;	/* read once: the variables are gone then */

	if (n == SIZE_MAX)
		n = listen_fds(fds, names, countof(fds));
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name)) {
			int fd = fds[i];
			fds[i] = -1;
			names[i][0] = 0;
			return fd;
		}
	return -1;
}

static int listener_make(struct broker *b, enum socket_kind kind, const char *name,
    const char *path, unsigned mode, struct listener **out, struct buf *err)
{
	int fd = passed_fd(name);
	bool ours = fd < 0;

	if (ours) {
		int r = sock_listen(path, kind == SOCKET_CONTROL ? SOCK_SEQPACKET :
		    SOCK_STREAM, mode, &fd, err);
		if (r != SOCK_GOOD)
			return r;
	}
	if (b->nlisteners >= countof(b->listeners))
		return -E2BIG;
	*out = listener_new(b, kind, path, fd, ours);
	if (!*out)
		return -ENOMEM;
	b->listeners[b->nlisteners++] = *out;
	return 0;
}

int listeners_start(struct broker *b, struct buf *err)
{
	struct listener *l;
	char path[300];
	int r = 0;

	snprintf(path, sizeof(path), "%s/control.sock", b->conf.run_dir);
	r = listener_make(b, SOCKET_CONTROL, "control", path, 0666, &l, err);
	if (r == 0 && strcmp(b->conf.shared_socket, "none"))
		r = listener_make(b, SOCKET_SHARED, "shared", b->conf.shared_socket,
		    0666, &l, err);
	for (size_t i = 0; r == 0 && i < b->conf.nservices; i++) {
		struct service_conf *s = &b->conf.services[i];
		char name[BOUND_NAME + 8];
		snprintf(name, sizeof(name), "service-%s", s->name);
		r = listener_make(b, SOCKET_SERVICE, name, s->path, s->mode, &l, err);
		if (r == 0)
			l->service = s;
	}
	return r;
}

int listener_user(struct broker *b, struct user *u)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	char path[400];
	int fd = -1;

	if (b->draining)
		return 0;
	int n = snprintf(path, sizeof(path), "%s/users/%s.sock", b->conf.run_dir,
	    u->account->name);
	if (n >= (int)sizeof(((struct listener *)0)->path)) {
		log_warn("the path of a socket for %s is too long", u->account->name);
		return 1;
	}
	int r = sock_listen(path, SOCK_STREAM, 0600, &fd, &err);
	if (r != SOCK_GOOD) {
		log_warn("no socket for %s: %s", u->account->name,
		    r > 0 ? buf_text(&err) : strerror(-r));
		return r;
	}
	r = sock_allow_user(path, u->uid);
	if (r < 0) {
		log_warn("no access list on %s: %s", path, strerror(-r));
		close(fd);
		unlink(path);
		return r;
	}
	u->socket = listener_new(b, SOCKET_USER, path, fd, true);
	if (!u->socket) {
		close(fd);
		return -ENOMEM;
	}
	u->socket->user = u;
	return 0;
}

void listeners_stop(struct broker *b)
{
	for (size_t i = 0; i < b->nlisteners; i++)
		listener_close(b->listeners[i]);
	b->nlisteners = 0;
	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			if (u->socket) {
				listener_close(u->socket);
				u->socket = NULL;
			}
}
