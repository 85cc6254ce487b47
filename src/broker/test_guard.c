/* test_guard.c: records in memory and on disk, with a directory of its own: what is
 * kept, what is not used, what goes with its container, what one user may have;
 * and what is done when the disk fails. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/guard.h"

#define ID(c)	c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c \
		c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static struct {
	struct broker *b;
	char dir[64];
	struct waiter waiter;
	struct keeping *keeping;
	unsigned woken, events, missing, removed;
	char path[200];			/* what the Engine was asked for */
	const struct ask_ops *ops;
	void *arg;
	unsigned status;		/* its answer; 0: it is not there */
	struct timer end;
} t;

/* ---- the rest of the broker ---- */

void journal_event(struct broker *b, const char *event, const char *fmt, ...)
{
	(void)b;
	(void)fmt;
	assert_string_equal(event, "guard-record");
	t.events++;
}

void missing_start(struct broker *b)
{
	(void)b;
	t.missing++;
}

struct ask *ask_start(struct broker *b, enum method m, struct slice path,
    struct slice body, size_t max, int64_t deadline, const struct ask_ops *ops, void *arg)
{
	(void)b;
	(void)body;
	(void)max;
	(void)deadline;
	assert_int_equal(m, METHOD_DELETE);
	snprintf(t.path, sizeof(t.path), "%.*s", SLICE_ARG(path));
	t.ops = ops;
	t.arg = arg;
	return t.status ? (struct ask *)(void *)&t : NULL;
}

void ask_cancel(struct ask *a)
{
	(void)a;
	t.ops = NULL;
}

void object_remove(struct broker *b, struct entry *e)
{
	t.removed++;
	guard_gone(b, slice_from(e->id));
	store_remove(b->store, e);
}

/* ---- helpers ---- */

static const char *in_dir(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/containers/%s", t.dir, name);
	return path;
}

static const char *other_link(void)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/link", t.dir);
	return path;
}

static bool there(const char *name)
{
	return access(in_dir(name), F_OK) == 0;
}

static struct guard_record record(const char *id, uint32_t uid)
{
	return (struct guard_record){ .container = slice_from(id), .uid = uid,
	    .user = SLICE("alice"), .engine_root = SLICE("/var/lib/docker"),
	    .bind_dir = SLICE("/mnt"), .as_user = SLICE(""),
	    .cgroup_parent = SLICE("/dockbroker/1000") };
}

static void put_text(const char *name, struct slice text)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
	close(fd);
}

/* As a broker before this one left it; cut: bytes that are missing. */
static void put_record(const char *id, const char *name, size_t cut)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_GUARD_RECORD);
	struct guard_record r = record(id, 1000);

	assert_true(guard_write(&r, &text));
	put_text(name, (struct slice){ text.p, text.len - cut });
}

static void start(void)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);

	assert_int_equal(guard_start(t.b, &err), GUARD_STARTED);
}

static void container(const char *id)
{
	assert_non_null(store_add(t.b->store, OBJECT_CONTAINER, slice_from(id), SLICE("")));
}

static bool known(const char *id)
{
	return guard_get(t.b, slice_from(id)) != NULL;
}

static void stop_loop(struct timer *timer)
{
	(void)timer;
	loop_stop(t.b->loop, 0);
}

static void turn(int64_t ms)
{
	assert_int_equal(timer_set(&t.end, loop_now(t.b->loop) + ms), 0);
	assert_int_equal(loop_run(t.b->loop), 0);
}

static void wake(struct waiter *w)
{
	assert_ptr_equal(w, &t.waiter);
	t.woken++;
	loop_stop(t.b->loop, 0);
}

static void keep(const char *id)
{
	struct guard_record r = record(id, 1000);

	t.keeping = guard_keep(t.b, &r, &t.waiter);
	assert_non_null(t.keeping);
	assert_int_equal(t.keeping->state, KEEPING_WRITES);
}

static void answer(unsigned status)
{
	const struct ask_ops *ops = t.ops;

	assert_non_null(ops);
	t.ops = NULL;
	ops->done(t.arg, status, SLICE_NONE);
}

static int set_up(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	char path[100];

	(void)state;
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/test_guard.XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(path, sizeof(path), "%s/containers", t.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	t.b = calloc(1, sizeof(*t.b));
	assert_non_null(t.b);
	assert_int_equal(loop_new(&t.b->loop), 0);
	assert_int_equal(store_open(t.dir, &t.b->store, &err), STORE_GOOD);
	snprintf(t.b->conf.state_dir, sizeof(t.b->conf.state_dir), "%s", t.dir);
	snprintf(t.b->info.root, sizeof(t.b->info.root), "/var/lib/docker");
	t.b->info.known = true;
	timer_init(t.b->loop, &t.end, stop_loop);
	node_init(&t.waiter.node);
	t.waiter.wake = wake;
	return 0;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	guard_stop(t.b);
	store_close(t.b->store);
	timer_remove(&t.end);
	loop_free(t.b->loop);
	free(t.b);
	snprintf(command, sizeof(command), "rm -rf %s", t.dir);
	return system(command);
}

/* ---- at start ---- */

static void test_load(void **state)
{
	struct stat st;

	(void)state;
	put_record(ID("1"), ID("1"), 0);
	put_record(ID("2"), ID("2"), 7);		/* torn */
	put_record(ID("1"), ID("3"), 0);		/* of another */
	put_record(ID("4"), ID("4"), 0);
	assert_int_equal(chmod(in_dir(ID("4")), 0622), 0);
	put_record(ID("5"), ID("5"), 0);
	assert_int_equal(link(in_dir(ID("5")), other_link()), 0);
	assert_int_equal(symlink(ID("1"), in_dir(ID("6"))), 0);
	assert_int_equal(mkfifo(in_dir(ID("7")), 0600), 0);
	put_record(ID("8"), "README", 0);
	put_text(".new-" ID("9"), SLICE("half"));
	put_text(ID("a"), SLICE(""));
	start();
	assert_true(known(ID("1")));
	assert_int_equal(guard_get(t.b, SLICE(ID("1")))->uid, 1000);
	for (const char *id = "2345678a"; *id; id++) {
		char name[65] = "";
		memset(name, *id, 64);
		assert_false(known(name));
	}
	assert_false(there(".new-" ID("9")));
	/* kept, for who has to look at it */
	assert_int_equal(lstat(in_dir(ID("6")), &st), 0);
	assert_true(there(ID("2")) && there("README") && there(ID("7")));
	assert_int_equal(t.events, 8);
}

/* Its directory is somebody's file. */
static void test_no_directory(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/containers", t.dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(guard_start(t.b, &err), GUARD_CANNOT);
	assert_non_null(strstr(buf_text(&err), "containers cannot be used"));
	guard_stop(t.b);
	assert_int_equal(unlink(path), 0);
	start();
}

static void test_reconcile(void **state)
{
	(void)state;
	put_record(ID("1"), ID("1"), 0);
	put_record(ID("2"), ID("2"), 0);
	put_record(ID("3"), ID("3"), 1);
	put_record(ID("4"), ID("4"), 1);
	start();
	container(ID("1"));
	container(ID("4"));
	/* another Engine's are not known to be gone */
	snprintf(t.b->info.root, sizeof(t.b->info.root), "/srv/other");
	guard_reconcile(t.b);
	turn(50);
	assert_true(known(ID("1")) && known(ID("2")));
	snprintf(t.b->info.root, sizeof(t.b->info.root), "/var/lib/docker");
	/* nor are any before it is known which Engine it is */
	t.b->info.known = false;
	guard_reconcile(t.b);
	assert_true(known(ID("2")));
	t.b->info.known = true;
	guard_known(t.b);
	turn(50);
	assert_true(known(ID("1")) && there(ID("1")));
	assert_false(known(ID("2")) || there(ID("2")));
	assert_false(there(ID("3")));	/* no record, and no container */
	assert_true(there(ID("4")));
	assert_int_equal(t.missing, 1);
}

/* ---- as containers come and go ---- */

static void test_keep(void **state)
{
	const struct guard_record *shown;
	struct kept *held = NULL;

	(void)state;
	start();
	container(ID("1"));
	keep(ID("1"));
	assert_false(known(ID("1")));	/* not before it is on disk */
	turn(2000);
	assert_int_equal(t.woken, 1);
	assert_int_equal(t.keeping->state, KEEPING_DONE);
	guard_leave(t.keeping, false);
	assert_true(known(ID("1")) && there(ID("1")));
	assert_false(there(".new-" ID("1")));
	shown = guard_hold(t.b, SLICE(ID("1")), &held);
	assert_non_null(shown);
	guard_gone(t.b, SLICE(ID("1")));
	assert_false(known(ID("1")));
	assert_int_equal(shown->uid, 1000);	/* who shows it goes on */
	turn(50);
	assert_false(there(ID("1")));
	assert_null(guard_hold(t.b, SLICE(ID("1")), &held));
	assert_null(held);
	guard_gone(t.b, SLICE("../objects"));
	guard_gone(t.b, SLICE(""));
	turn(20);
	assert_int_equal(access(t.dir, F_OK), 0);
}

/* Read by the next broker as it was written by this one. */
static void test_again(void **state)
{
	(void)state;
	start();
	container(ID("1"));
	keep(ID("1"));
	turn(2000);
	guard_leave(t.keeping, false);
	guard_stop(t.b);
	assert_false(known(ID("1")));
	start();
	assert_true(known(ID("1")));
	assert_int_equal(t.events, 0);
}

/* A client that goes, and one whose container is gone before its record came. */
static void test_left(void **state)
{
	(void)state;
	start();
	container(ID("1"));
	keep(ID("1"));
	guard_leave(t.keeping, false);
	keep(ID("2"));
	turn(2000);
	assert_int_equal(t.woken, 1);
	assert_int_equal(t.keeping->state, KEEPING_DONE);
	guard_leave(t.keeping, false);
	assert_true(known(ID("1")));
	assert_false(known(ID("2")));
	turn(50);
	assert_true(there(ID("1")));
	assert_false(there(ID("2")));
}

/* ---- when it cannot be written ---- */

static void test_disk(void **state)
{
	char path[100];

	(void)state;
	start();
	container(ID("1"));
	snprintf(path, sizeof(path), "%s/containers", t.dir);
	assert_int_equal(rmdir(path), 0);	/* nothing can be made in it then */
	t.status = 204;
	keep(ID("1"));
	for (int i = 0; i < 200 && !t.ops; i++)
		turn(10);
	assert_int_equal(t.keeping->state, KEEPING_REMOVES);
	assert_string_equal(t.path, "/containers/" ID("1") "?v=1&force=1");
	assert_int_equal(t.woken, 0);		/* the client waits for the end of it */
	answer(204);
	assert_int_equal(t.woken, 1);
	assert_int_equal(t.removed, 1);
	assert_int_equal(t.keeping->state, KEEPING_FAILED);
	assert_int_equal(t.keeping->error, ENOENT);
	guard_leave(t.keeping, false);
	assert_false(known(ID("1")));
}

/* Nor can the container be removed: it will not start, and that is all. */
static void test_no_engine(void **state)
{
	char path[100];

	(void)state;
	start();
	container(ID("1"));
	snprintf(path, sizeof(path), "%s/containers", t.dir);
	assert_int_equal(rmdir(path), 0);
	keep(ID("1"));
	turn(2000);
	assert_int_equal(t.woken, 1);
	assert_int_equal(t.keeping->state, KEEPING_FAILED);
	assert_int_equal(t.removed, 0);
	guard_leave(t.keeping, false);
}

/* It came when the client had been told that it did not. */
static void test_late(void **state)
{
	(void)state;
	start();
	container(ID("1"));
	t.status = 204;
	keep(ID("1"));
	guard_leave(t.keeping, true);
	for (int i = 0; i < 200 && !t.ops; i++)
		turn(10);
	answer(204);
	turn(50);
	assert_int_equal(t.woken, 0);
	assert_false(known(ID("1")) || there(ID("1")));
}

/* ---- what one user may have ---- */

static void test_share(void **state)
{
	static char large[BOUND_GUARD_RECORD - 4096];
	struct guard_record r = record("", 1000), other = record("", 1001);
	size_t n = 0;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large, "[\"", 2);
	memcpy(large + sizeof(large) - 3, "\"]", 2);
	r.asked_binds = other.asked_binds = slice_from(large);
	start();
	for (; guard_fits(t.b, &r) == GUARD_FITS && n < 200; n++) {
		char id[65];
		snprintf(id, sizeof(id), "%064zx", n);
		container(id);
		r.container = slice_from(id);
		t.keeping = guard_keep(t.b, &r, &t.waiter);
		assert_non_null(t.keeping);
		turn(5000);
		guard_leave(t.keeping, false);
	}
	assert_true(n > 20 && n < 70);
	assert_int_equal(guard_fits(t.b, &r), GUARD_TOO_MANY);
	assert_int_equal(guard_fits(t.b, &other), GUARD_FITS);
	guard_gone(t.b, SLICE("0000000000000000000000000000000000000000000000000000000000000000"));
	assert_int_equal(guard_fits(t.b, &r), GUARD_FITS);
}

static void test_too_large(void **state)
{
	static char large[BOUND_GUARD_RECORD];
	struct guard_record r = record("", 1000);

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large, "[\"", 2);
	memcpy(large + sizeof(large) - 3, "\"]", 2);
	start();
	r.asked_binds = slice_from(large);
	assert_int_equal(guard_fits(t.b, &r), GUARD_TOO_LARGE);
	r = record("", 1000);
	r.asked_binds = SLICE("no list");	/* would not be read again */
	assert_int_equal(guard_fits(t.b, &r), GUARD_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reconcile, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_engine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
