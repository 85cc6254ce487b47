/*
 * engine.c: connections to the Engine.  Kept alive and shared by all callers:
 * only whole requests of our own making travel on them, and one that carried
 * anything else (an upgrade, a cut body, a broken answer) is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/broker.h"

static void link_free(struct task *t)
{
	struct link *l = node_entry(t, struct link, gone);

	buf_free(&l->out);
	buf_free(&l->in);
	free(l);
}

static void probe_done(struct broker *b, bool up);

void link_close(struct link *l)
{
	struct engine *e = &l->broker->engine;

	if (l->source.fd < 0)
		return;
	if (l->state == LINK_IDLE) {
		node_remove(&l->node);
		e->nidle--;
	} else {
		e->nbusy--;
	}
	source_close(&l->source);
	if (l == e->probe)
		e->probe = NULL;
	l->client = NULL;
	task_post(l->broker->loop, &l->gone);
}

static void probe_run(struct link *l, uint32_t ready)
{
	struct broker *b = l->broker;
	struct http_head head;
	struct http_error err;
	size_t used;

	(void)ready;
	ssize_t n = source_read(&l->source, b->scratch, 4096);
	if (n == -1)
		return;
	if (n > 0) {
		buf_add(&l->in, b->scratch, (size_t)n);
		int r = http_response_parse(buf_slice(&l->in), &l->scanned,
		    METHOD_GET, &head, &used, &err);
		if (r == HTTP_MORE && buf_ok(&l->in))
			return;
		if (r == HTTP_GOOD) {
			engine_saw(b, &head);
			probe_done(b, true);
			link_close(l);
			return;
		}
	}
	probe_done(b, false);
	link_close(l);
}

static void link_run(struct source *s, uint32_t ready)
{
	struct link *l = (struct link *)(void *)s;

	if (l->state == LINK_PROBE)
		probe_run(l, ready);
	else if (l->state == LINK_BUSY)
		relay_link(s, ready);
	else {
		/* Idle, and the Engine says something: it ends.  What comes in
		 * its place may be of another version. */
		l->broker->engine.probed = false;
		link_close(l);
	}
}

static int link_open(struct broker *b, struct link **out)
{
	int fd = -1, r = sock_connect(b->conf.engine_socket, SOCK_STREAM, &fd);

	if (r == -EAGAIN)
		return ENGINE_BUSY;
	if (r < 0) {
		int64_t now = loop_now(b->loop);
		if (!b->engine.told_at || now - b->engine.told_at > 5000)
			log_warn("cannot connect to the Engine at %s: %s",
			    b->conf.engine_socket, strerror(-r));
		b->engine.told_at = now;
		b->engine.up = false;
		b->engine.probed = false;
		return ENGINE_DOWN;
	}
	struct link *l = calloc(1, sizeof(*l));
	if (!l) {
		close(fd);
		return -ENOMEM;
	}
	l->broker = b;
	l->gone.run = link_free;
	l->state = LINK_BUSY;
	l->out = BUF(BOUND_BODY * 2 + BOUND_HEAD * 2);
	l->in = BUF(BOUND_RESPONSE_HEAD + BOUND_RELAY);
	node_init(&l->node);
	r = source_add(b->loop, &l->source, fd,
	    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR, link_run);
	if (r < 0) {
		close(fd);
		free(l);
		return r;
	}
	b->engine.nbusy++;
	b->engine.connects++;
	*out = l;
	return ENGINE_GOOD;
}

int engine_take(struct broker *b, struct client *c, bool fresh, struct link **out)
{
	struct engine *e = &b->engine;
	struct link *l = NULL;
	int r;

	while (!fresh && !node_empty(&e->idle) && !l) {
		/* The one that was used last is the warmest. */
		l = node_entry(e->idle.prev, struct link, node);
		/* Nothing may be there to be read: it would be somebody's answer. */
		if (l->source.ready & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
			link_close(l);
			l = NULL;
		}
	}
	if (l) {
		node_remove(&l->node);
		e->nidle--;
		e->nbusy++;
		l->state = LINK_BUSY;
	} else if ((r = link_open(b, &l)) != ENGINE_GOOD) {
		return r;
	}
	l->client = c;
	l->answered = false;
	*out = l;
	return ENGINE_GOOD;
}

void link_release(struct link *l)
{
	struct engine *e = &l->broker->engine;

	if (e->nidle >= BOUND_ENGINE_IDLE || l->out.len || l->in.len ||
	    l->broker->draining ||
	    l->source.ready & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		link_close(l);
		return;
	}
	l->client = NULL;
	l->used = true;
	l->state = LINK_IDLE;
	l->scanned = 0;
	buf_free(&l->in);
	if (l->out.cap > 4096)
		buf_free(&l->out);
	e->nbusy--;
	e->nidle++;
	l->idle_since = loop_now(l->broker->loop);
	source_want(&l->source, EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	node_append(&e->idle, &l->node);
}

void engine_saw(struct broker *b, const struct http_head *h)
{
	struct engine *e = &b->engine;
	struct slice v = h->known[HEADER_API_VERSION], major;
	uint64_t minor;

	e->up = true;
	if (!v.p || v.n >= sizeof(e->api_version) ||
	    (v.n == strlen(e->api_version) && !memcmp(v.p, e->api_version, v.n)))
		return;
	major = slice_cut(&v, '.');
	if (!slice_is(major, "1") || !slice_number(v, 999, &minor))
		return;
	e->minor = (unsigned)minor;
	snprintf(e->api_version, sizeof(e->api_version), "1.%u", e->minor);
	log_info("the Engine speaks API %s", e->api_version);
}

static void probe_done(struct broker *b, bool up)
{
	struct engine *e = &b->engine;

	e->probing = false;
	e->probed = e->up = up;
	waiters_wake(&e->waiters);
	broker_notify(b);
}

static enum engine_outcome probe_start(struct broker *b)
{
	struct engine *e = &b->engine;
	struct link *l = NULL;
	int r = link_open(b, &l);

	if (r != ENGINE_GOOD)
		return ENGINE_DOWN;
	l->state = LINK_PROBE;
	source_want(&l->source, EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	e->probe = l;
	e->probing = true;
	if (source_write(&l->source, SLICE("GET /_ping HTTP/1.1\r\nHost: docker\r\n"
	    "User-Agent: dockbroker\r\nConnection: close\r\n\r\n"), SLICE_NONE) < 0) {
		probe_done(b, false);
		link_close(l);
		return ENGINE_DOWN;
	}
	if (timer_set(&e->probe_timer, loop_now(b->loop) + BOUND_ENGINE_CONNECT) < 0)
		fatal("no memory for a timer");
	return ENGINE_BUSY;
}

static void probe_late(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, engine.probe_timer);

	if (!b->engine.probing)
		return;
	log_warn("the Engine at %s does not answer", b->conf.engine_socket);
	if (b->engine.probe)
		link_close(b->engine.probe);
	probe_done(b, false);
}

enum engine_outcome engine_known(struct broker *b, struct waiter *w)
{
	struct engine *e = &b->engine;

	if (e->probed)
		return ENGINE_GOOD;
	if (!e->probing && probe_start(b) == ENGINE_DOWN)
		return ENGINE_DOWN;
	if (w)
		node_append(&e->waiters, &w->node);
	return ENGINE_BUSY;
}

static void engine_reap(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, engine.reap);
	struct engine *e = &b->engine;
	int64_t now = loop_now(b->loop);

	/* The last one stays: it tells when the Engine goes. */
	while (e->nidle > 1) {
		struct link *l = node_entry(e->idle.next, struct link, node);
		if (now - l->idle_since < 30000)
			break;
		link_close(l);
	}
	if (!e->probed && !e->probing)
		(void)!engine_known(b, NULL);
	if (timer_set(t, now + 2000) < 0)
		fatal("no memory for a timer");
}

int engine_start(struct broker *b)
{
	struct engine *e = &b->engine;

	node_init(&e->idle);
	node_init(&e->waiters);
	timer_init(b->loop, &e->reap, engine_reap);
	timer_init(b->loop, &e->probe_timer, probe_late);
	return timer_set(&e->reap, loop_now(b->loop) + 1);
}

void engine_stop(struct broker *b)
{
	struct engine *e = &b->engine;

	timer_remove(&e->reap);
	timer_remove(&e->probe_timer);
	if (e->probe)
		link_close(e->probe);
	while (!node_empty(&e->idle))
		link_close(node_entry(e->idle.next, struct link, node));
}
