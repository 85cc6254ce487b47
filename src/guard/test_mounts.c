/*
 * test_mounts.c: what of a table of mounts may be in somebody's binds, what was
 * opened for them, and how it is told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/guard.h"

#define TOP	"/var/lib/dockbroker/mnt"
#define LINE(point, type)	"36 35 98:0 / " point " rw,noatime - " type " dev rw\n"

static const struct guard_mount mount = {
	.kind = GUARD_BIND, .source = { "/home/a/src", 11 },
	.within = { "/home/a", 7 }, .uid = 2001, .user = { "alice", 5 }
};
static const struct slice dirs[] = { { "/srv/engine", 11 }, { "", 0 } };
static const struct guard_deny deny = { dirs, countof(dirs) };

static struct guard_bound bound(const char *path)
{
	return (struct guard_bound){ .m = &mount, .plain = true,
	    .path = slice_from(path), .within = SLICE("/home/a") };
}

static void told(int r, struct buf *err, const char *want)
{
	if (want ? r != GUARD_BAD || !strstr(buf_text(err), want) :
	    r != GUARD_GOOD || err->len)
		fail_msg("%d, \"%s\", not \"%s\"", r, buf_text(err),
		    want ? want : "");
	buf_reset(err);
}

static void test_bound(void **state _unused_)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct guard_bound b = bound("/home/a/src");

	told(bound_check(&b, &deny, &err), &err, NULL);
	b.path = SLICE("/home/a");
	told(bound_check(&b, &deny, &err), &err, NULL);
	b.path = SLICE("/home/ab");
	told(bound_check(&b, &deny, &err), &err, "/home/a/src leads to /home/ab, "
	    "which is not inside /home/a, where the policy permits");
	b.path = SLICE("");
	told(bound_check(&b, &deny, &err), &err, "was just moved or removed");
	b = bound("/home/a/src");
	b.within = SLICE("");
	told(bound_check(&b, &deny, &err), &err, "was just moved or removed");
	b = bound("/srv/engine/x");
	b.within = SLICE("/");
	told(bound_check(&b, &deny, &err), &err, "nobody may bind");
	b.path = SLICE("/srv/engines");
	told(bound_check(&b, &deny, &err), &err, NULL);
	b.path = SLICE("/proc/1/root");
	told(bound_check(&b, &deny, &err), &err, "nobody may bind");
	b = bound("/home/a/src");
	b.plain = false;
	told(bound_check(&b, &deny, &err), &err, "neither a directory");
}

static void test_lines(void **state _unused_)
{
	struct slice text = SLICE("36 35 98:0 /r\\040 /a\\040b\\134 rw shared:1 "
	    "unbindable - ext4 /dev/sda rw\n\n7 1 0:1 / /\\04");
	struct mount_line l;

	assert_true(mounts_next(&text, &l));
	assert_int_equal(l.id, 36);
	assert_true(slice_is(l.root, "/r\\040") && slice_is(l.point, "/a b\\"));
	assert_true(slice_is(l.type, "ext4") && l.unbindable);
	assert_true(mounts_next(&text, &l));
	assert_true(!l.id && !l.point.n && !l.type.n && !l.unbindable);
	assert_true(mounts_next(&text, &l));
	assert_true(l.id == 7 && slice_is(l.point, "/\\04"));
	assert_false(mounts_next(&text, &l));
}

static bool shows(const char *text, const char *dir)
{
	return mounts_show(slice_from(text), SLICE("/p"), slice_from(dir));
}

static void test_show(void **state _unused_)
{
	const char *dir = "/volumes/v/_data";

	assert_true(shows("1 1 8:1 /d/volumes/v/_data /p rw - ext4 d rw\n", dir));
	assert_true(shows("1 1 8:1 /d/volumes/v/_data/x /p rw - ext4 d rw\n", dir));
	assert_false(shows("1 1 8:1 /d/volumes/v/_datax /p rw - ext4 d rw\n", dir));
	assert_false(shows("1 1 8:1 /d/volumes/v/_data /q rw - ext4 d rw\n", dir));
	/* What a user calls so within his own volume. */
	assert_false(shows("1 1 8:1 /d/volumes/u/_data/volumes/v/_data /p rw - "
	    "ext4 d rw\n", dir));
	/* Covered. */
	assert_false(shows("1 1 8:1 /d/volumes/v/_data /p rw - ext4 d rw\n"
	    "2 1 8:1 /etc /p rw - ext4 d rw\n", dir));
	assert_false(shows("", dir));
}

static void check(const char *text, const char *path, const char *want)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct guard_bound b[2] = { bound("/home/a/other"), bound(path) };

	told(mounts_check(slice_from(text), SLICE(TOP), b, 2, &deny, &err), &err,
	    want);
}

static void test_copies(void **state _unused_)
{
#define GOOD	LINE(TOP, "tmpfs") LINE(TOP "/0", "ext4") LINE(TOP "/1", "ext4")

	check(GOOD, "/home/a/src", NULL);
	check(GOOD LINE(TOP "/1/sub", "ext4"), "/home/a/src", NULL);
	check(GOOD LINE("/home/a/src/x", "proc"), "/home/a/src", NULL);
	check(GOOD LINE(TOP "/1/sub", "proc"), "/home/a/src",
	    "/home/a/src has proc mounted at /home/a/src/sub");
	check(GOOD LINE(TOP "/1/sub", "fusectl"), "/home/a/src", "fusectl");
	check(GOOD LINE(TOP "/1/engine", "ext4"), "/srv",
	    "has ext4 mounted at /srv/engine");
	check(GOOD LINE(TOP "/1/engines", "ext4"), "/srv", NULL);
	check(GOOD LINE(TOP "/1/dev", "tmpfs"), "/", "mounted at /dev,");
	check(LINE(TOP, "tmpfs") LINE(TOP "/0", "ext4"), "/home/a/src",
	    "binds are missing");
	check("", "/home/a/src", "binds are missing");
	check(GOOD "9 1 8:1 / /home/a/src/x rw unbindable - ext4 d rw\n",
	    "/home/a/src", "has ext4 mounted at /home/a/src/x");
	check(GOOD "9 1 8:1 / /home/a/srcx rw unbindable - ext4 d rw\n",
	    "/home/a/src", NULL);
}

static void test_unmapped(void **state _unused_)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);

	told(unmapped_check(&mount, true, 2001, &err), &err, NULL);
	told(unmapped_check(&mount, true, 2002, &err), &err, "belongs to alice");
	told(unmapped_check(&mount, false, 2001, &err), &err, "does not run as");
	told(unmappable_refuse(&mount, SLICE("nfs"), EINVAL, &err), &err,
	    "is on nfs, which this kernel cannot map");
	told(unmappable_refuse(&mount, SLICE("ext4"), EPERM, &err), &err,
	    "is mapped already");
}

/* Each step has its sentence, of one line, with the path or the account. */
static void test_sentences(void **state _unused_)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);

	for (enum open_step s = OPEN_ACCOUNT; s <= OPEN_DONE; s++) {
		assert_int_equal(open_refuse(&mount, s, EACCES, &err), GUARD_BAD);
		assert_true(strstr(buf_text(&err), "alice") ||
		    strstr(buf_text(&err), "/home/a/src"));
		assert_null(strchr(buf_text(&err), '\n'));
		buf_reset(&err);
	}
}

static void test_refusal(void **state _unused_)
{
	_cleanup_(buf_free) struct buf out = BUF(4096);
	struct guard_record r = { .uid = 2001, .user = SLICE("alice") };

	refusal_log(&out, SLICE("no \"x\""), 0, true);
	assert_string_equal(buf_text(&out), "{\"level\":\"error\",\"msg\":"
	    "\"dockbroker: no \\\"x\\\"\",\"time\":"
	    "\"1970-01-01T00:00:00.000000Z\"}\n");
	buf_reset(&out);
	refusal_log(&out, SLICE("no"), 0, false);
	assert_string_equal(buf_text(&out), "time=\"1970-01-01T00:00:00.000000Z\" "
	    "level=error msg=\"dockbroker: no\"\n");
	buf_reset(&out);
	refusal_spool(&out, "aa", &r, SLICE("no"), 7);
	assert_string_equal(buf_text(&out), "{\"container\":\"aa\",\"uid\":2001,"
	    "\"user\":\"alice\",\"reason\":\"no\",\"time\":7}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_refusal)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
