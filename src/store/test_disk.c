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
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In place of libc's: a disk that fails on demand, or takes its time. */
static atomic_int sync_error, syncs;
static atomic_bool sync_slow;

int fdatasync(int fd)
{
	syncs++;
	if (sync_slow)
		usleep(20000);
	if (!sync_error)
		return (int)syscall(SYS_fdatasync, fd);
	errno = sync_error;
	return -1;
}

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

/* Cut anywhere, the file is that of an earlier moment, and goes on from there. */
static void test_cut(void **state)
{
	const struct place *p = *state;
	_cleanup_(buf_free) struct buf whole = BUF(1 << 20), now = BUF(1 << 20);
	_cleanup_(buf_free) struct buf lines = BUF(1 << 20);
	struct store *s = open_good(p);
	size_t n = 0, whole_lines;

	fill(s);
	commit(s);
	store_remove(s, store_get(s, OBJECT_CONTAINER, SLICE("c0ffee")));
	commit(s);
	store_close(s);
	slurp(p->file, &whole);
	for (size_t cut = 0; cut <= whole.len; cut++) {
		spill(p->file, (struct slice){ whole.p, cut });
		whole_lines = cut;
		while (whole_lines && whole.p[whole_lines - 1] != '\n')
			whole_lines--;
		buf_reset(&lines);
		buf_add(&lines, whole.p, whole_lines);
		s = open_good(p);
		n = store_count(s, OBJECT_CONTAINER);
		assert_true(n <= 1);
		own(s, add(s, OBJECT_VOLUME, "later", ""), 1, "a", "");
		store_close(s);
		s = open_good(p);
		assert_int_equal(store_count(s, OBJECT_CONTAINER), n);
		assert_non_null(store_get(s, OBJECT_VOLUME, SLICE("later")));
		store_close(s);
		slurp(p->file, &now);
		/* Nothing was compacted away: what was whole is still there. */
		if (!strstr(buf_text(&lines), " - "))
			assert_true(slice_starts(buf_slice(&now), buf_slice(&lines)));
	}
	assert_int_equal(n, 0);
}

/* A byte changed anywhere is told, but for what may be a torn tail. */
static void test_damage(void **state)
{
	const struct place *p = *state;
	_cleanup_(buf_free) struct buf whole = BUF(1 << 20), err = BUF(65536);
	struct store *s = open_good(p);
	int r;

	fill(s);
	commit(s);
	store_close(s);
	slurp(p->file, &whole);
	for (size_t i = 0; i < whole.len; i++) {
		struct store *again = NULL;

		whole.p[i] ^= 1;
		spill(p->file, buf_slice(&whole));
		whole.p[i] ^= 1;
		buf_reset(&err);
		r = store_open(p->dir, &again, &err);
		if (i == whole.len - 1) {
			assert_int_equal(r, STORE_GOOD);
			store_close(again);
			continue;
		}
		assert_int_equal(r, STORE_BAD);
		assert_non_null(strstr(buf_text(&err), p->file));
	}
	/* Blocks that never came to the disk are zeros. */
	memset(whole.p + whole.len - 60, 0, 60);
	spill(p->file, buf_slice(&whole));
	s = open_good(p);
	assert_int_equal(store_count(s, OBJECT_CONTAINER), 1);
	store_close(s);
}

static void test_refused(void **state)
{
	const struct place *p = *state;
	struct place missing = *p;
	char other[100];
	struct store *s = open_good(p);

	open_bad(p, "another dockbrokerd");
	store_close(s);
	strncat(missing.dir, "/no", sizeof(missing.dir) - 1 - strlen(missing.dir));
	open_bad(&missing, "No such file");
	assert_int_equal(chmod(p->dir, 0770), 0);
	open_bad(p, "writable for group or others");
	assert_int_equal(chmod(p->dir, 0700), 0);
	assert_int_equal(chmod(p->file, 0602), 0);
	open_bad(p, "writable for group or others");
	snprintf(other, sizeof(other), "%s.new", p->file);
	assert_int_equal(rename(p->file, other), 0);
	assert_int_equal(symlink(other, p->file), 0);
	open_bad(p, "symbolic links");
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(mkfifo(p->file, 0600), 0);
	open_bad(p, "not a regular file");
	assert_int_equal(unlink(p->file), 0);
	spill(p->file, SLICE("00000000 dockbroker objects 1\n"));
	open_bad(p, "checksum");
	spill(p->file, SLICE("a0674990 dockbroker objects 2\n"));
	open_bad(p, "newer");
	assert_int_equal(unlink(other), 0);
}

static void busy(struct store *s, size_t times)
{
	const struct owner o[2] = { { 1, "a", "" }, { 2, "b", "" } };

	for (size_t i = 0; i < times; i++) {
		struct entry *e = add(s, OBJECT_VOLUME, i % 3 ? "x" : "y", "");

		assert_int_equal(store_give(s, e, &o[i % 2]), 0);
		if (i % 7 == 0)
			store_remove(s, e);
		assert_true(store_commit(s) >= 0);
	}
}

/* As root, before we become somebody else: the file is his. */
static void test_given(void **state)
{
	const struct place *p = *state;
	struct store *s;
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(p->dir, 65534, 65534), 0);
	for (int i = 0; i < 3; i++) {
		s = open_good(p);
		busy(s, 10);	/* and a new file next time */
		store_close(s);
		assert_int_equal(stat(p->file, &st), 0);
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_int_equal(chown(p->file, 1, 1), 0);
	open_bad(p, "belongs neither to root nor to us");
}

/* The disk is full: nothing is lost, and no half a line stays. */
static void test_full(void **state)
{
	const struct place *p = *state;
	_cleanup_(buf_free) struct buf before = BUF(1 << 20), after = BUF(1 << 20);
	struct rlimit old, tight;
	struct store *s = open_good(p);

	fill(s);
	commit(s);
	slurp(p->file, &before);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t room = 0; room < 200; room += 7) {
		char id[16];

		snprintf(id, sizeof(id), "v%zu", room);
		own(s, add(s, OBJECT_VOLUME, id, ""), 1000, "alice", "");
		own(s, add(s, OBJECT_VOLUME, "always", ""), 1000,
		    "alice-with-a-name-that-does-not-fit-into-what-is-left", id);
		tight = old;
		tight.rlim_cur = before.len + (room < 60 ? room : 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		assert_int_equal(store_commit(s), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		slurp(p->file, &after);
		assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
	}
	store_remove(s, store_get(s, OBJECT_CONTAINER, SLICE("c0ffee")));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(store_commit(s), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	commit(s);
	buf_reset(&before);
	buf_reset(&after);
	dump(s, &before);
	store_close(s);
	s = open_good(p);
	assert_null(store_get(s, OBJECT_CONTAINER, SLICE("c0ffee")));
	assert_int_equal(store_count(s, OBJECT_VOLUME), 30);
	dump(s, &after);
	assert_int_equal(before.len - strlen("00000000 + volume nobodys\n"),
	    after.len);
	store_close(s);
}

/* After a failed sync only a file that was written anew is believed. */
static void test_sync_fails(void **state)
{
	const struct place *p = *state;
	struct store *s = open_good(p);
	struct stat before, after;
	int64_t n;

	fill(s);
	commit(s);
	assert_int_equal(stat(p->file, &before), 0);
	sync_error = EIO;
	own(s, add(s, OBJECT_VOLUME, "one", ""), 1000, "alice", "");
	n = store_commit(s);
	assert_true(n > 0);
	assert_int_equal(wait_for(s, n), -EIO);
	own(s, add(s, OBJECT_VOLUME, "two", ""), 1000, "alice", "");
	assert_true(store_commit(s) > 0);
	sync_error = ENOSPC;
	do {
		usleep(1000);
		n = store_commit(s);	/* tries again without a change */
		assert_true(n >= 0);
	} while (store_synced(s) != -ENOSPC);
	sync_error = 0;
	do {
		usleep(1000);
		n = store_commit(s);
	} while (n == 0 && store_synced(s) < 0);
	while (store_synced(s) < n)
		usleep(1000);
	assert_int_equal(stat(p->file, &after), 0);
	assert_true(before.st_ino != after.st_ino);
	own(s, add(s, OBJECT_VOLUME, "three", ""), 1000, "alice", "");
	commit(s);
	store_close(s);
	s = open_good(p);
	assert_int_equal(store_count(s, OBJECT_VOLUME), 3);
	store_close(s);
}

/* Garbage goes while we run, and what stands beside it stays. */
static void test_compact(void **state)
{
	const struct place *p = *state;
	_cleanup_(buf_free) struct buf before = BUF(1 << 20), after = BUF(1 << 20);
	struct store *s = open_good(p);
	struct stat st;
	int64_t n;

	fill(s);
	for (int slow = 0; slow < 2; slow++) {
		sync_slow = slow;
		busy(s, 20000);
	}
	sync_slow = false;
	own(s, add(s, OBJECT_VOLUME, "last", ""), 1, "a", "");
	n = store_commit(s);
	assert_true(wait_for(s, n) >= n);
	assert_int_equal(stat(p->file, &st), 0);
	print_message("%d syncs, %zu bytes\n", (int)syncs, (size_t)st.st_size);
	dump(s, &before);
	store_close(s);
	s = open_good(p);
	assert_int_equal(stat(p->file, &st), 0);
	assert_true(st.st_size < 1024);	/* opening takes out the rest */
	dump(s, &after);
	assert_int_equal(before.len - strlen("00000000 + volume nobodys\n"),
	    after.len);
	store_close(s);
}

/* Cut between writing objects.new and renaming it. */
static void test_new_left(void **state)
{
	const struct place *p = *state;
	char path[100];
	struct store *s = open_good(p);

	fill(s);
	commit(s);
	store_close(s);
	snprintf(path, sizeof(path), "%s.new", p->file);
	spill(path, SLICE("half of a fi"));
	s = open_good(p);
	busy(s, 5000);
	assert_non_null(store_get(s, OBJECT_CONTAINER, SLICE("c0ffee")));
	store_close(s);
	s = open_good(p);
	assert_non_null(store_get(s, OBJECT_CONTAINER, SLICE("c0ffee")));
	store_close(s);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#define MANY	100000

static void test_many(void **state)
{
	struct store *s = open_good(*state);
	char id[65], name[32];
	double t;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "%064zx", i * 2654435761U);
		snprintf(name, sizeof(name), "container-%zu", i);
		own(s, add(s, OBJECT_CONTAINER, id, name),
		    (uint32_t)(1000 + i % 200), "somebody", "developers");
	}
	t = now_ms();
	commit(s);
	print_message("commit of all: %.0f ms\n", now_ms() - t);
	t = now_ms();
	for (size_t i = 0; i < 10000; i++) {
		struct entry *e;

		snprintf(id, sizeof(id), "%064zx", i * 2654435761U);
		e = store_get(s, OBJECT_CONTAINER, slice_from(id));
		assert_int_equal(store_image(s, e, SLICE("alpine")), 0);
		assert_true(store_commit(s) > 0);
	}
	print_message("commit of one: %.1f us\n", (now_ms() - t) / 10);
	store_close(s);
	t = now_ms();
	s = open_good(*state);
	print_message("open: %.0f ms\n", now_ms() - t);
	assert_int_equal(store_count(s, OBJECT_CONTAINER), MANY);
	store_close(s);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_again), TEST(test_changes), TEST(test_cut),
		TEST(test_damage), TEST(test_refused), TEST(test_given),
		TEST(test_full),
		TEST(test_sync_fails), TEST(test_compact), TEST(test_new_left),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
