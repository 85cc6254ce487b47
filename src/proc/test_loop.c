/* test_loop.c: order, fairness and lifetimes in the loop. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

static struct loop *loop_make(void)
{
	struct loop *l = NULL;

	assert_int_equal(loop_new(&l), 0);
	return l;
}

static void pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static bool fcntl_alive(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* ---- timers ---- */

#define MANY	10000

struct tick {
	struct timer timer;
	int64_t due;
	bool ran;
};

static struct {
	int64_t last;
	int ran, expected;
} ticks;

static void tick_run(struct timer *t)
{
	struct tick *k = (struct tick *)t;

	assert_false(k->ran);
	assert_true(k->due > 0);
	k->ran = true;
	assert_true(loop_now(t->loop) >= k->due);
	assert_true(k->due >= ticks.last);
	ticks.last = k->due;
	if (++ticks.ran == ticks.expected)
		loop_stop(t->loop, 7);
}

/* A third is moved later, a third earlier, some are stopped or removed. */
static void tick_disturb(struct tick *k, int i, int64_t now)
{
	if (i % 3 == 1)
		k->due += 20;
	if (i % 3 == 2)
		k->due = now + 1 + rand() % 10;
	if (i % 10 == 0) {
		timer_stop(&k->timer);
	} else if (i % 10 == 5) {
		timer_remove(&k->timer);
		timer_remove(&k->timer);
	} else {
		assert_int_equal(timer_set(&k->timer, k->due), 0);
		ticks.expected++;
		return;
	}
	k->due = 0;
}

static void test_timers(void **state _unused_)
{
	struct loop *l = loop_make();
	struct tick *k = calloc(MANY, sizeof(*k));
	int64_t now = loop_now(l);

	assert_non_null(k);
	memset(&ticks, 0, sizeof(ticks));
	srand(1);
	for (int i = 0; i < MANY; i++) {
		timer_init(l, &k[i].timer, tick_run);
		k[i].due = now + 30 + rand() % 50;
		assert_int_equal(timer_set(&k[i].timer, k[i].due), 0);
	}
	for (int i = 0; i < MANY; i++)
		tick_disturb(&k[i], i, now);
	assert_int_equal(loop_run(l), 7);
	assert_int_equal(ticks.ran, ticks.expected);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(k[i].ran, k[i].due > 0);
		timer_remove(&k[i].timer);
	}
	loop_free(l);
	free(k);
}

static void stop_run(struct timer *t)
{
	loop_stop(t->loop, 0);
}

static int past_runs;

static void past_run(struct timer *t)
{
	past_runs++;
	assert_int_equal(timer_set(t, 0), 0);
}

/* A timer that is always due keeps nobody from running. */
static void test_timer_past(void **state _unused_)
{
	struct loop *l = loop_make();
	struct timer past, stop;

	past_runs = 0;
	timer_init(l, &past, past_run);
	timer_init(l, &stop, stop_run);
	assert_int_equal(timer_set(&past, -5), 0);
	assert_int_equal(timer_set(&stop, loop_now(l) + 5), 0);
	assert_int_equal(loop_run(l), 0);
	assert_true(past_runs > 1);
	timer_remove(&past);
	timer_remove(&stop);
	loop_free(l);
}

/* ---- sources ---- */

struct src {
	struct source s;
	struct src *victim;
	struct task task;
	int runs, stop_at;
	const int *rival;
};

/* Never reads: stays ready, takes turns with the others. */
static void greedy_run(struct source *s, uint32_t ready)
{
	struct src *x = (struct src *)s;

	assert_true(ready & EPOLLIN);
	x->runs++;
	if (x->rival)
		assert_in_range(x->runs - *x->rival + 1, 0, 2);
	if (x->runs == x->stop_at)
		loop_stop(s->loop, 0);
}

static void test_fair(void **state _unused_)
{
	struct loop *l = loop_make();
	struct src a = { .stop_at = 100 }, b = { 0 }, deaf = { 0 };
	int fa[2], fb[2], fc[2];

	pair(fa);
	pair(fb);
	pair(fc);
	a.rival = &b.runs;
	b.rival = &a.runs;
	assert_int_equal(write(fa[1], "x", 1) + write(fb[1], "x", 1) +
	    write(fc[1], "x", 1), 3);
	assert_int_equal(source_add(l, &a.s, fa[0], EPOLLIN, greedy_run), 0);
	assert_int_equal(source_add(l, &b.s, fb[0], EPOLLIN, greedy_run), 0);
	assert_int_equal(source_add(l, &deaf.s, fc[0], 0, greedy_run), 0);
	assert_int_equal(loop_run(l), 0);
	assert_in_range(b.runs, 99, 100);
	assert_int_equal(deaf.runs, 0);
	/* What was ready all the time is seen when it becomes wanted. */
	source_want(&deaf.s, EPOLLIN);
	a.stop_at = a.runs + 5;
	assert_int_equal(loop_run(l), 0);
	assert_in_range(deaf.runs, 4, 5);
	source_close(&a.s);
	source_close(&a.s);
	source_close(&b.s);
	assert_int_equal(source_detach(&deaf.s), fc[0]);
	assert_int_equal(source_detach(&deaf.s), -1);
	close(fc[0]);
	close(fa[1]);
	close(fb[1]);
	close(fc[1]);
	loop_free(l);
}

static void src_free(struct task *t)
{
	free((char *)t - offsetof(struct src, task));
}

/* Closes the other, which waits in the same turn, and lets it be freed. */
static void killer_run(struct source *s, uint32_t ready _unused_)
{
	struct src *x = (struct src *)s;

	x->runs++;
	if (!x->victim) {
		loop_stop(s->loop, 0);
		return;
	}
	assert_int_equal(x->victim->runs, 0);
	source_close(&x->victim->s);
	task_post(s->loop, &x->victim->task);
	x->victim = NULL;
}

static void test_close_queued(void **state _unused_)
{
	struct loop *l = loop_make();
	struct src *x[2];
	int f[2][2];

	for (int i = 0; i < 2; i++) {
		x[i] = calloc(1, sizeof(*x[i]));
		assert_non_null(x[i]);
		pair(f[i]);
		x[i]->task.run = src_free;
		assert_int_equal(source_add(l, &x[i]->s, f[i][0], EPOLLIN,
		    killer_run), 0);
		assert_int_equal(write(f[i][1], "x", 1), 1);
	}
	/* Whoever comes first closes the other. */
	x[0]->victim = x[1];
	x[1]->victim = x[0];
	assert_int_equal(loop_run(l), 0);
	for (int i = 0; i < 2; i++)
		close(f[i][1]);
	/* One of the two was freed by its task; the other is whose fd lives. */
	if (fcntl_alive(f[0][0])) {
		source_close(&x[0]->s);
		free(x[0]);
	} else {
		source_close(&x[1]->s);
		free(x[1]);
	}
	loop_free(l);
}

static void again_run(struct source *s, uint32_t ready _unused_)
{
	struct src *x = (struct src *)s;

	if (++x->runs == 3)
		loop_stop(s->loop, 0);
	else
		source_again(s);
}

static void test_again(void **state _unused_)
{
	struct loop *l = loop_make();
	struct src x = { 0 };
	int f[2];

	pair(f);
	assert_int_equal(source_add(l, &x.s, f[0], 0, again_run), 0);
	source_again(&x.s);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(x.runs, 3);
	source_close(&x.s);
	source_again(&x.s);	/* closed: nothing happens */
	close(f[1]);
	loop_free(l);
}

/* Fills the socket until EAGAIN, empties the other end, and must be told. */
static void writer_run(struct source *s, uint32_t ready)
{
	static char block[65536];
	struct src *x = (struct src *)s;

	assert_true(ready & EPOLLOUT);
	x->runs++;
	while (write(s->fd, block, sizeof(block)) > 0)
		;
	source_clear(s, EPOLLOUT);
	if (x->runs == 4)
		loop_stop(s->loop, 0);
}

static void drain_run(struct source *s, uint32_t ready _unused_)
{
	static char block[65536];

	while (read(s->fd, block, sizeof(block)) > 0)
		;
	source_clear(s, EPOLLIN);
}

static void test_writable(void **state _unused_)
{
	struct loop *l = loop_make();
	struct src w = { 0 }, r = { 0 };
	int f[2];

	pair(f);
	assert_int_equal(source_add(l, &w.s, f[0], EPOLLOUT, writer_run), 0);
	assert_int_equal(source_add(l, &r.s, f[1], EPOLLIN, drain_run), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(w.runs, 4);
	source_close(&w.s);
	source_close(&r.s);
	loop_free(l);
}

static void test_refused(void **state _unused_)
{
	struct loop *l = loop_make();
	struct source s = { 0 };

	source_close(&s);	/* never added: fd 0 must stay open */
	assert_true(fcntl_alive(0));
	assert_true(source_add(l, &s, -1, EPOLLIN, greedy_run) < 0);
	loop_free(l);
}

/* ---- tasks ---- */

struct job {
	struct task task;
	struct loop *l;
	struct job *more;
	int *order, at;
};

static void job_run(struct task *t)
{
	struct job *j = (struct job *)t;

	assert_false(t->posted);
	j->at = (*j->order)++;
	if (j->more)
		task_post(j->l, &j->more->task);
}

static void test_tasks(void **state _unused_)
{
	struct loop *l = loop_make();
	struct timer stop;
	int order = 0;
	struct job d = { { .run = job_run }, l, NULL, &order, -1 };
	struct job c = { { .run = job_run }, l, NULL, &order, -1 };
	struct job b = { { .run = job_run }, l, NULL, &order, -1 };
	struct job a = { { .run = job_run }, l, &c, &order, -1 };
	struct job forever = { { .run = job_run }, l, &forever, &order, -1 };

	task_post(l, &a.task);
	task_post(l, &d.task);
	task_post(l, &a.task);	/* is posted already */
	task_post(l, &b.task);
	task_cancel(l, &d.task);
	task_cancel(l, &d.task);
	loop_stop(l, 0);
	assert_int_equal(loop_run(l), 0);	/* no turn at all */
	assert_int_equal(a.at, -1);
	timer_init(l, &stop, stop_run);
	assert_int_equal(timer_set(&stop, 1), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(a.at, 0);
	assert_int_equal(b.at, 1);
	assert_int_equal(c.at, 2);
	assert_int_equal(d.at, -1);
	/* One that posts itself for ever does not keep the turn from ending. */
	task_post(l, &forever.task);
	assert_int_equal(timer_set(&stop, loop_now(l) + 2), 0);
	assert_int_equal(loop_run(l), 0);
	assert_true(order > 50);
	task_cancel(l, &forever.task);
	/* What waits is run by loop_free. */
	task_post(l, &d.task);
	timer_remove(&stop);
	loop_free(l);
	assert_true(d.at > 50);
}

/* ---- signals ---- */

static void signal_seen(void *arg, int signo)
{
	struct loop *l = arg;

	if (signo == SIGTERM)
		loop_stop(l, 3);
	else
		assert_int_equal(signo, SIGHUP);
}

static void test_signals(void **state _unused_)
{
	struct loop *l = loop_make();
	int f[2];

	assert_int_equal(loop_signals(l, signal_seen, l), 0);
	raise(SIGHUP);
	raise(SIGTERM);
	assert_int_equal(loop_run(l), 3);
	pair(f);
	close(f[1]);
	assert_int_equal(write(f[0], "x", 1), -1);	/* and alive */
	close(f[0]);
	assert_true(loop_realtime(l) > INT64_C(1700000000000000));
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_timer_past),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_close_queued),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_writable),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
