/*
 * Looking up: by id, name and prefix, among those that the caller sees; many
 * objects; what is swept.
 */
#include "store/test_util.h"

#include <time.h>

static int setup(void **state)
{
	struct store *s = NULL;

	assert_int_equal(store_new(&s), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	store_drop(*state);
	return 0;
}

/* Sees what uid 1000 owns, and what is nobody's. */
static bool sees(void *arg, const struct entry *e)
{
	(void)arg;
	return !e->nowners || entry_owned(e, 1000, "alice");
}

static enum ref_state find(struct store *s, enum object_kind kind,
    const char *name, struct entry **out)
{
	return store_find(s, kind, slice_from(name), sees, NULL, out);
}

static void test_container(void **state)
{
	struct store *s = *state;
	char id[3][65];
	struct entry *e = NULL;
	struct entry *web = add(s, OBJECT_CONTAINER, hex_id(id[0], "abc1"), "web");
	struct entry *db = add(s, OBJECT_CONTAINER, hex_id(id[1], "abc2"), "db");

	assert_int_equal(find(s, OBJECT_CONTAINER, id[0], &e), REF_FOUND);
	assert_ptr_equal(e, web);
	assert_int_equal(find(s, OBJECT_CONTAINER, "db", &e), REF_FOUND);
	assert_ptr_equal(e, db);
	assert_int_equal(find(s, OBJECT_CONTAINER, "abc1", &e), REF_FOUND);
	assert_ptr_equal(e, web);
	assert_int_equal(find(s, OBJECT_CONTAINER, "abc", &e), REF_MANY);
	assert_null(e);
	assert_int_equal(find(s, OBJECT_CONTAINER, "abd", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_CONTAINER, "ABC1", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_CONTAINER, "we", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_CONTAINER, "", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_NETWORK, "web", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_SWARM, "web", &e), REF_MISSING);
	assert_int_equal(store_find(s, OBJECT_CONTAINER,
	    (struct slice){ "web\0x", 5 }, sees, NULL, &e), REF_MISSING);
	/* A name is before a prefix. */
	add(s, OBJECT_CONTAINER, hex_id(id[2], "fff"), "abc");
	assert_int_equal(find(s, OBJECT_CONTAINER, "abc", &e), REF_FOUND);
	assert_string_equal(e->id, id[2]);
}

/* Somebody else's neither answers nor makes ambiguous. */
static void test_unseen(void **state)
{
	struct store *s = *state;
	char id[2][65];
	struct entry *e = NULL;
	struct entry *hers = add(s, OBJECT_CONTAINER, hex_id(id[0], "abc1"), "web");
	struct entry *his = add(s, OBJECT_CONTAINER, hex_id(id[1], "abc2"), "db");

	own(s, hers, 1000, "alice", "");
	own(s, his, 1001, "bob", "");
	assert_int_equal(find(s, OBJECT_CONTAINER, "abc", &e), REF_FOUND);
	assert_ptr_equal(e, hers);
	assert_int_equal(find(s, OBJECT_CONTAINER, "abc2", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_CONTAINER, "db", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_CONTAINER, id[1], &e), REF_MISSING);
	assert_int_equal(store_find(s, OBJECT_CONTAINER, slice_from("abc"),
	    NULL, NULL, &e), REF_MANY);
}

static void test_networks(void **state)
{
	struct store *s = *state;
	char id[3][65];
	struct entry *e = NULL;
	struct entry *one = add(s, OBJECT_NETWORK, hex_id(id[0], "1"), "net");
	struct entry *two = add(s, OBJECT_NETWORK, hex_id(id[1], "2"), "net");

	assert_int_equal(find(s, OBJECT_NETWORK, "net", &e), REF_MANY);
	own(s, one, 1001, "bob", "");
	assert_int_equal(find(s, OBJECT_NETWORK, "net", &e), REF_FOUND);
	assert_ptr_equal(e, two);
	store_remove(s, two);
	assert_int_equal(find(s, OBJECT_NETWORK, "net", &e), REF_MISSING);
	store_disown(s, one, 1001, "bob");
	assert_int_equal(find(s, OBJECT_NETWORK, "net", &e), REF_FOUND);
	assert_ptr_equal(e, one);
}

static void test_volumes_and_tags(void **state)
{
	struct store *s = *state;
	struct entry *e = NULL;

	add(s, OBJECT_VOLUME, "data", "");
	add(s, OBJECT_TAG, "docker.io/library/alpine:latest", "");
	add(s, OBJECT_EXEC, "abcdef", "");
	assert_int_equal(find(s, OBJECT_VOLUME, "data", &e), REF_FOUND);
	assert_int_equal(find(s, OBJECT_VOLUME, "dat", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_EXEC, "abcdef", &e), REF_FOUND);
	assert_int_equal(find(s, OBJECT_EXEC, "abc", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_TAG,
	    "docker.io/library/alpine:latest", &e), REF_FOUND);
	assert_int_equal(find(s, OBJECT_TAG, "docker.io/library/alpine", &e),
	    REF_MISSING);
}

static void test_images(void **state)
{
	struct store *s = *state;
	char id[2][65], full[2][80], long_name[200];
	struct entry *e = NULL;

	for (size_t i = 0; i < 2; i++) {
		snprintf(full[i], sizeof(full[i]), "sha256:%s",
		    hex_id(id[i], i ? "abd" : "abc"));
		add(s, OBJECT_IMAGE, full[i], "");
	}
	assert_int_equal(find(s, OBJECT_IMAGE, full[0], &e), REF_FOUND);
	assert_int_equal(find(s, OBJECT_IMAGE, id[1], &e), REF_FOUND);
	assert_string_equal(e->id, full[1]);
	assert_int_equal(find(s, OBJECT_IMAGE, "abc", &e), REF_FOUND);
	assert_int_equal(find(s, OBJECT_IMAGE, "sha256:abd", &e), REF_FOUND);
	assert_int_equal(find(s, OBJECT_IMAGE, "ab", &e), REF_MANY);
	assert_int_equal(find(s, OBJECT_IMAGE, "sha256:ab", &e), REF_MANY);
	assert_int_equal(find(s, OBJECT_IMAGE, "sha256:", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_IMAGE, "sha256", &e), REF_MISSING);
	assert_int_equal(find(s, OBJECT_IMAGE, "b", &e), REF_MISSING);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(find(s, OBJECT_IMAGE, long_name, &e), REF_MISSING);
}

/* The newer one has the name; the older one going takes nothing away. */
static void test_one_name(void **state)
{
	struct store *s = *state;
	char id[2][65];
	struct entry *e = NULL;
	struct entry *old = add(s, OBJECT_CONTAINER, hex_id(id[0], "1"), "web");
	struct entry *new = add(s, OBJECT_CONTAINER, hex_id(id[1], "2"), "web");

	assert_int_equal(find(s, OBJECT_CONTAINER, "web", &e), REF_FOUND);
	assert_ptr_equal(e, new);
	store_remove(s, old);
	assert_int_equal(find(s, OBJECT_CONTAINER, "web", &e), REF_FOUND);
	assert_ptr_equal(e, new);
	assert_int_equal(store_rename(s, new, SLICE("web2")), 0);
	assert_int_equal(find(s, OBJECT_CONTAINER, "web", &e), REF_MISSING);
	old = add(s, OBJECT_CONTAINER, id[0], "web2");
	assert_int_equal(find(s, OBJECT_CONTAINER, "web2", &e), REF_FOUND);
	assert_ptr_equal(e, old);
	/* Told again, it is the one. */
	add(s, OBJECT_CONTAINER, id[1], "web2");
	assert_int_equal(find(s, OBJECT_CONTAINER, "web2", &e), REF_FOUND);
	assert_ptr_equal(e, new);
	/* "" is not known, not nameless. */
	add(s, OBJECT_CONTAINER, id[1], "");
	assert_string_equal(new->name, "web2");
}

static void test_bad_ids(void **state)
{
	struct store *s = *state;
	char text[BOUND_OBJECT_NAME + 2];
	struct entry *e;

	memset(text, 'a', sizeof(text));
	assert_non_null(store_add(s, OBJECT_VOLUME,
	    (struct slice){ text, BOUND_OBJECT_NAME }, SLICE_NONE));
	assert_null(store_add(s, OBJECT_VOLUME,
	    (struct slice){ text, BOUND_OBJECT_NAME + 1 }, SLICE_NONE));
	assert_null(store_add(s, OBJECT_VOLUME, SLICE_NONE, SLICE_NONE));
	assert_null(store_add(s, OBJECT_VOLUME, (struct slice){ "a\0b", 3 },
	    SLICE_NONE));
	assert_null(store_add(s, OBJECT_SERVICE, SLICE("a"), SLICE_NONE));
	assert_null(store_add(s, OBJECT_CONTAINER, SLICE("a"),
	    (struct slice){ text, BOUND_OBJECT_NAME + 1 }));
	assert_int_equal(store_count(s, OBJECT_CONTAINER), 0);
	e = add(s, OBJECT_CONTAINER, "a", "b");
	assert_true(store_rename(s, e, (struct slice){ "a\0b", 3 }) < 0);
	assert_string_equal(e->name, "b");
}

static void count_one(void *arg, struct entry *e)
{
	(void)e;
	++*(size_t *)arg;
}

static void test_sweep(void **state)
{
	struct store *s = *state;
	size_t n = 0;
	uint64_t mark;

	add(s, OBJECT_VOLUME, "one", "");
	add(s, OBJECT_VOLUME, "two", "");
	add(s, OBJECT_NETWORK, "three", "");
	mark = store_mark(s);
	add(s, OBJECT_VOLUME, "two", "");
	add(s, OBJECT_VOLUME, "four", "");	/* made meanwhile */
	assert_int_equal(store_sweep(s, OBJECT_VOLUME, mark), 1);
	assert_null(store_get(s, OBJECT_VOLUME, SLICE("one")));
	assert_non_null(store_get(s, OBJECT_VOLUME, SLICE("two")));
	assert_int_equal(store_count(s, OBJECT_VOLUME), 2);
	assert_int_equal(store_count(s, OBJECT_NETWORK), 1);
	store_each(s, OBJECT_VOLUME, count_one, &n);
	assert_int_equal(n, 2);
}

static void test_execs_go_with_container(void **state)
{
	struct store *s = *state;
	struct entry *c = add(s, OBJECT_CONTAINER, "cc", "");

	add(s, OBJECT_CONTAINER, "dd", "");
	assert_int_equal(store_parent(s, add(s, OBJECT_EXEC, "e1", ""), SLICE("cc")), 0);
	assert_int_equal(store_parent(s, add(s, OBJECT_EXEC, "e2", ""), SLICE("dd")), 0);
	assert_int_equal(store_parent(s, add(s, OBJECT_EXEC, "e3", ""), SLICE("cc")), 0);
	store_remove(s, c);
	assert_int_equal(store_count(s, OBJECT_EXEC), 1);
	assert_non_null(store_get(s, OBJECT_EXEC, SLICE("e2")));
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void many_id(char out[65], size_t i)
{
	uint64_t v = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	snprintf(out, 65, "%016llx%048zu", (unsigned long long)v, i);
}

#define MANY	100000

static void find_many(struct store *s)
{
	struct entry *e;
	char id[65];
	double t = now_us();

	for (size_t i = 0; i < MANY; i++) {
		many_id(id, i);
		assert_non_null(store_get(s, OBJECT_CONTAINER, slice_from(id)));
	}
	print_message("get: %.2f us\n", (now_us() - t) / MANY);
	t = now_us();
	for (size_t i = 0; i < MANY; i++) {
		many_id(id, i);
		assert_int_equal(store_find(s, OBJECT_CONTAINER,
		    (struct slice){ id, 12 }, NULL, NULL, &e), REF_FOUND);
		assert_string_equal(e->id, id);
	}
	print_message("find by prefix: %.2f us\n", (now_us() - t) / MANY);
}

static void test_many(void **state)
{
	struct store *s = *state;
	char id[65], name[32];
	double t = now_us();

	for (size_t i = 0; i < MANY; i++) {
		many_id(id, i);
		snprintf(name, sizeof(name), "container-%zu", i);
		own(s, add(s, OBJECT_CONTAINER, id, name),
		    (uint32_t)(1000 + i % 200), "somebody", "developers");
	}
	print_message("add and own: %.2f us\n", (now_us() - t) / MANY);
	find_many(s);
	t = now_us();
	for (size_t i = 0; i < MANY; i += 2) {
		many_id(id, i);
		store_remove(s, store_get(s, OBJECT_CONTAINER, slice_from(id)));
	}
	print_message("remove: %.2f us\n", (now_us() - t) / (MANY / 2));
	for (size_t i = 0; i < MANY; i += 997) {
		struct entry *e;

		many_id(id, i);
		assert_int_equal(store_find(s, OBJECT_CONTAINER,
		    (struct slice){ id, 12 }, NULL, NULL, &e),
		    i % 2 ? REF_FOUND : REF_MISSING);
	}
	assert_int_equal(SUM(s, 1001, "", containers), MANY / 200);
	assert_int_equal(SUM(s, 1000, "", containers), 0);
}

static void test_bound(void **state)
{
	struct store *s = *state;
	char id[16];

	for (size_t i = 0; i < BOUND_OBJECTS; i++) {
		snprintf(id, sizeof(id), "%zu", i);
		assert_non_null(store_add(s, OBJECT_VOLUME, slice_from(id),
		    SLICE_NONE));
	}
	assert_null(store_add(s, OBJECT_VOLUME, SLICE("more"), SLICE_NONE));
	assert_non_null(store_add(s, OBJECT_VOLUME, SLICE("0"), SLICE_NONE));
	store_remove(s, store_get(s, OBJECT_VOLUME, SLICE("0")));
	assert_non_null(store_add(s, OBJECT_VOLUME, SLICE("more"), SLICE_NONE));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_container), TEST(test_unseen), TEST(test_networks),
		TEST(test_volumes_and_tags), TEST(test_images),
		TEST(test_one_name), TEST(test_bad_ids), TEST(test_sweep),
		TEST(test_execs_go_with_container), TEST(test_many),
		TEST(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
