/*
 * loop.c: the edge-triggered epoll loop: sources, timers, tasks, signals.
 *
 * A turn takes over the run queue, runs each of its sources once, then the
 * timers that are due, then the tasks.  epoll_wait fills in ready bits before
 * anything runs, so no event can reach a source that was closed in the same
 * turn; tasks run last, so memory that they free is seen by nobody.  Whoever
 * stays ready is queued for the next turn, behind all others.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "proc/proc_int.h"

#define TURN_EVENTS	256	/* taken from the kernel in one go */
#define TASK_ROUNDS	64	/* tasks posted by tasks, per turn */

struct loop {
	int epoll;
	bool stopped;
	int code;
	int64_t now, realtime;
	struct source next_turn, this_turn;	/* heads of circular lists */
	struct task *task_first, **task_last;
	size_t ntasks;
	struct timer **heap;			/* from 1; 0 is "not in it" */
	size_t ntimers, heap_size;
	bool in_timers;
	void *scratch;
	struct source signals;
	void (*on_signal)(void *arg, int signo);
	void *signal_arg;
	struct epoll_event events[TURN_EVENTS];
};

/* ---- the run queue ---- */

static void queue_init(struct source *head)
{
	head->prev = head->next = head;
}

static void queue_add(struct source *s)
{
	struct source *head = &s->loop->next_turn;

	if (s->queued)
		return;
	s->queued = true;
	s->prev = head->prev;
	s->next = head;
	head->prev->next = s;
	head->prev = s;
}

static void queue_remove(struct source *s)
{
	if (!s->queued)
		return;
	s->queued = false;
	s->prev->next = s->next;
	s->next->prev = s->prev;
	s->prev = s->next = NULL;
}

/* The whole of next_turn becomes this_turn, which is empty. */
static void queue_turn(struct loop *l)
{
	struct source *from = &l->next_turn, *to = &l->this_turn;

	if (from->next == from)
		return;
	to->next = from->next;
	to->prev = from->prev;
	to->next->prev = to;
	to->prev->next = to;
	queue_init(from);
}

static void run_sources(struct loop *l)
{
	struct source *s;
	bool again;

	queue_turn(l);
	while ((s = l->this_turn.next) != &l->this_turn) {
		queue_remove(s);
		again = s->again;
		s->again = false;
		if (!again && !(s->ready & s->want))
			continue;
		s->run(s, s->ready);
		if (s->fd >= 0 && (s->ready & s->want))
			queue_add(s);
	}
}

/* ---- sources ---- */

int source_add(struct loop *l, struct source *s, int fd, uint32_t want,
    source_fn *run)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.ptr = s,
	};

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	*s = (struct source){
		.loop = l,
		.fd = fd,
		.ready = EPOLLOUT,
		.want = want,
		.watched = ev.events,
		.run = run,
	};
	if (s->ready & s->want)
		queue_add(s);
	return 0;
}

void source_want(struct source *s, uint32_t want)
{
	s->want = want;
	if (s->fd >= 0 && (s->ready & want))
		queue_add(s);
}

void source_clear(struct source *s, uint32_t bits)
{
	struct epoll_event ev;

	s->ready &= ~bits;
	if (!(bits & EPOLLOUT) || (s->watched & EPOLLOUT) || s->fd < 0)
		return;
	/* Tells at once when it became writable meanwhile: no edge is lost. */
	ev.events = s->watched | EPOLLOUT;
	ev.data.ptr = s;
	if (epoll_ctl(s->loop->epoll, EPOLL_CTL_MOD, s->fd, &ev) == 0)
		s->watched = ev.events;
	else
		s->ready |= bits & EPOLLOUT;	/* better busy than stuck */
}

void source_again(struct source *s)
{
	if (s->fd < 0)
		return;
	s->again = true;
	queue_add(s);
}

/* Explicitly removed: a forked child may hold the same open file, and epoll
 * would go on telling about it. */
int source_detach(struct source *s)
{
	int fd = s->fd;

	if (!s->loop || fd < 0)
		return -1;
	queue_remove(s);
	(void)epoll_ctl(s->loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	s->fd = -1;
	s->ready = s->want = s->watched = 0;
	s->again = false;
	return fd;
}

void source_close(struct source *s)
{
	int fd = source_detach(s);

	if (fd >= 0)
		close(fd);
}

/* ---- timers: a binary heap by queued_at, which is never after at ---- */

static void heap_place(struct loop *l, size_t slot, struct timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void heap_up(struct loop *l, struct timer *t)
{
	size_t slot = t->slot;

	while (slot > 1 && l->heap[slot / 2]->queued_at > t->queued_at) {
		heap_place(l, slot, l->heap[slot / 2]);
		slot /= 2;
	}
	heap_place(l, slot, t);
}

static void heap_down(struct loop *l, struct timer *t)
{
	size_t slot = t->slot, child;

	while ((child = slot * 2) <= l->ntimers) {
		if (child < l->ntimers && l->heap[child + 1]->queued_at <
		    l->heap[child]->queued_at)
			child++;
		if (l->heap[child]->queued_at >= t->queued_at)
			break;
		heap_place(l, slot, l->heap[child]);
		slot = child;
	}
	heap_place(l, slot, t);
}

static int heap_grow(struct loop *l)
{
	size_t size = l->heap_size ? l->heap_size * 2 : 64;
	struct timer **heap;

	if (l->ntimers + 1 < l->heap_size)
		return 0;
	heap = reallocarray(l->heap, size, sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	l->heap = heap;
	l->heap_size = size;
	return 0;
}

void timer_init(struct loop *l, struct timer *t, void (*run)(struct timer *))
{
	*t = (struct timer){ .loop = l, .run = run };
}

int timer_set(struct timer *t, int64_t at)
{
	struct loop *l = t->loop;
	int r;

	if (at < 1)
		at = 1;		/* 0 would be off */
	if (l->in_timers && at <= l->now)
		at = l->now + 1;	/* or the turn would not end */
	if (!t->slot) {
		r = heap_grow(l);
		if (r < 0)
			return r;
		t->slot = ++l->ntimers;
	} else if (at >= t->queued_at) {
		t->at = at;
		return 0;	/* found out when queued_at has come */
	}
	t->at = t->queued_at = at;
	heap_up(l, t);
	return 0;
}

void timer_stop(struct timer *t)
{
	t->at = 0;
}

void timer_remove(struct timer *t)
{
	struct loop *l = t->loop;
	struct timer *last;

	t->at = 0;
	if (!t->slot)
		return;
	last = l->heap[l->ntimers--];
	if (last != t) {
		heap_place(l, t->slot, last);
		heap_up(l, last);
		heap_down(l, last);
	}
	t->slot = 0;
}

static void run_timers(struct loop *l)
{
	struct timer *t;
	bool due;

	l->in_timers = true;
	while (l->ntimers) {
		t = l->heap[1];
		if (t->queued_at > l->now)
			break;
		if (t->at > l->now) {
			t->queued_at = t->at;
			heap_down(l, t);
			continue;
		}
		due = t->at != 0;
		timer_remove(t);
		if (due)
			t->run(t);
	}
	l->in_timers = false;
}

/* ---- tasks ---- */

void task_post(struct loop *l, struct task *t)
{
	if (t->posted)
		return;
	t->posted = true;
	t->next = NULL;
	*l->task_last = t;
	l->task_last = &t->next;
	l->ntasks++;
}

void task_cancel(struct loop *l, struct task *t)
{
	struct task **p;

	if (!t->posted)
		return;
	for (p = &l->task_first; *p && *p != t; p = &(*p)->next)
		;
	if (!*p)
		return;
	*p = t->next;
	if (l->task_last == &t->next)
		l->task_last = p;
	t->posted = false;
	l->ntasks--;
}

static void run_tasks(struct loop *l)
{
	struct task *t;
	size_t left;

	for (int round = 0; round < TASK_ROUNDS && l->ntasks; round++) {
		for (left = l->ntasks; left && l->ntasks; left--) {
			t = l->task_first;
			task_cancel(l, t);
			t->run(t);
		}
	}
}

/* ---- the loop ---- */

static void read_clocks(struct loop *l)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	l->now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	clock_gettime(CLOCK_REALTIME, &t);
	l->realtime = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int loop_timeout(const struct loop *l)
{
	int64_t left;

	if (l->next_turn.next != &l->next_turn || l->ntasks || l->stopped)
		return 0;
	if (!l->ntimers)
		return -1;
	left = l->heap[1]->queued_at - l->now;
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static int loop_poll(struct loop *l)
{
	struct source *s;
	int n;

	n = epoll_wait(l->epoll, l->events, TURN_EVENTS, loop_timeout(l));
	if (n < 0 && errno != EINTR)
		return -errno;
	read_clocks(l);
	for (int i = 0; i < n; i++) {
		s = l->events[i].data.ptr;
		s->ready |= l->events[i].events;
		if (s->ready & s->want)
			queue_add(s);
	}
	return 0;
}

int loop_new(struct loop **out)
{
	struct loop *l;
	int r;

	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->task_last = &l->task_first;
	queue_init(&l->next_turn);
	queue_init(&l->this_turn);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		r = -errno;
		free(l);
		return r;
	}
	read_clocks(l);
	*out = l;
	return 0;
}

struct loop *loop_free(struct loop *l)
{
	if (!l)
		return NULL;
	run_tasks(l);
	source_close(&l->signals);
	close(l->epoll);
	free(l->heap);
	free(l->scratch);
	free(l);
	return NULL;
}

int loop_run(struct loop *l)
{
	int r;

	while (!l->stopped) {
		r = loop_poll(l);
		if (r < 0)
			return r;
		run_sources(l);
		run_timers(l);
		run_tasks(l);
	}
	l->stopped = false;
	return l->code;
}

void loop_stop(struct loop *l, int code)
{
	l->stopped = true;
	l->code = code;
}

int64_t loop_now(const struct loop *l)
{
	return l->now;
}

int64_t loop_realtime(const struct loop *l)
{
	return l->realtime;
}

void *loop_scratch(struct loop *l)
{
	if (!l->scratch)
		l->scratch = malloc(MSG_HEADER + BOUND_MESSAGE);
	return l->scratch;
}

/* ---- signals ---- */

static void signals_run(struct source *s, uint32_t ready _unused_)
{
	struct loop *l = s->loop;
	struct signalfd_siginfo info;
	ssize_t n;

	n = read(s->fd, &info, sizeof(info));
	if (n < 0 && errno == EAGAIN)
		source_clear(s, EPOLLIN);
	else if (n == sizeof(info))
		l->on_signal(l->signal_arg, (int)info.ssi_signo);
}

int loop_signals(struct loop *l, void (*fn)(void *arg, int signo), void *arg)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	l->on_signal = fn;
	l->signal_arg = arg;
	r = source_add(l, &l->signals, fd, EPOLLIN, signals_run);
	if (r < 0)
		close(fd);
	return r;
}
