/* test_watch.c: a changed, replaced, made and removed file is told; others not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dockbroker/proc.h"

struct fixture {
	struct loop *loop;
	struct timer act, end;
	char dir[32], file[64], other[64], fresh[64];
	int step, seen, settled;
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void seen(void *arg)
{
	((struct fixture *)arg)->seen++;
}

static void settled(void *arg)
{
	((struct fixture *)arg)->settled++;
}

static void end(struct timer *t)
{
	loop_stop(t->loop, 0);
}

/* Runs the loop for ms; how often settled was called meanwhile. */
static int turns(struct fixture *f, int64_t ms)
{
	int before = f->settled;

	assert_int_equal(timer_set(&f->end, loop_now(f->loop) + ms), 0);
	assert_int_equal(loop_run(f->loop), 0);
	return f->settled - before;
}

static void test_changes(void **state)
{
	static const struct watch_ops ops = { 20, seen, settled };
	static const char *paths[3];
	static struct fixture f = { .dir = "/tmp/test_watch.XXXXXX" };

	(void)state;
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.file, sizeof(f.file), "%s/a", f.dir);
	snprintf(f.other, sizeof(f.other), "%s/b", f.dir);
	snprintf(f.fresh, sizeof(f.fresh), "%s/.new", f.dir);
	put(f.file, "one\n");
	paths[0] = f.file;
	assert_int_equal(loop_new(&f.loop), 0);
	timer_init(f.loop, &f.end, end);
	assert_int_equal(watch_start(f.loop, paths, &ops, &f), 0);
	assert_int_equal(turns(&f, 100), 0);
	put(f.other, "x");
	assert_int_equal(turns(&f, 100), 0);	/* nobody asked for that one */
	put(f.file, "two\n");
	assert_int_equal(turns(&f, 100), 1);
	put(f.fresh, "three\n");
	assert_int_equal(rename(f.fresh, f.file), 0);
	assert_int_equal(turns(&f, 100), 1);
	assert_int_equal(unlink(f.file), 0);
	assert_int_equal(turns(&f, 100), 1);
	assert_true(f.seen >= 3);
	unlink(f.other);
	assert_int_equal(rmdir(f.dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_changes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
