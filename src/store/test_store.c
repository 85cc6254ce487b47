/*
 * Owners, sums, promises, labels: what is in memory.
 */
#include "store/test_util.h"

#include <errno.h>
#include <malloc.h>

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

static void test_owner_is(void **state)
{
	const struct owner alice = { 1000, "alice", "" };
	const struct owner by_label = { OWNER_ANY_UID, "alice", "" };
	const struct owner service = { OWNER_ANY_UID, "service:ci", "" };
	const struct owner nameless = { OWNER_ANY_UID, "", "" };

	(void)state;
	assert_true(owner_is(&alice, 1000, "alice"));
	assert_true(owner_is(&alice, 1000, "renamed"));
	assert_false(owner_is(&alice, 1001, "alice"));	/* another with her name */
	assert_true(owner_is(&by_label, 1000, "alice"));
	assert_false(owner_is(&by_label, 1000, "bob"));
	assert_true(owner_is(&service, OWNER_ANY_UID, "service:ci"));
	assert_false(owner_is(&service, OWNER_ANY_UID, "service:other"));
	assert_false(owner_is(&service, 1000, "ci"));
	assert_false(owner_is(&nameless, OWNER_ANY_UID, ""));
	assert_false(owner_is(&nameless, 1000, ""));
}

static void test_holders(void **state)
{
	struct store *s = *state;
	struct entry *e = add(s, OBJECT_IMAGE, "sha256:aa", "");

	own(s, e, 1000, "alice", "dev");
	own(s, e, 1001, "bob", "");
	own(s, e, 1000, "alice", "dev");
	assert_int_equal(e->nowners, 2);
	own(s, e, 1000, "alice", "ops");	/* both teams see it */
	assert_int_equal(e->nowners, 3);
	assert_true(entry_owned(e, 1001, "bob"));
	assert_false(entry_owned(e, 1002, "carol"));
	assert_string_equal(e->owners[0].team, "dev");
	assert_string_equal(e->owners[2].team, "ops");
	store_disown(s, e, 1000, "alice");
	assert_int_equal(e->nowners, 1);
	assert_string_equal(e->owners[0].name, "bob");
	store_disown(s, e, 1002, "carol");
	assert_int_equal(e->nowners, 1);
	store_disown(s, e, 1001, "bob");
	assert_int_equal(e->nowners, 0);
	assert_null(e->owners);
}

static void test_give(void **state)
{
	struct store *s = *state;
	const struct owner carol = { 1002, "carol", "" };
	struct entry *e = add(s, OBJECT_CONTAINER, "aa", "");

	own(s, e, 1000, "alice", "");
	assert_int_equal(store_give(s, e, &carol), 0);
	assert_int_equal(e->nowners, 1);
	assert_int_equal(e->owners[0].uid, 1002);
	assert_int_equal(SUM(s, 1000, "alice", containers), 0);
	assert_int_equal(SUM(s, 1002, "carol", containers), 1);
	assert_int_equal(store_give(s, e, &carol), 0);
	assert_int_equal(SUM(s, 1002, "carol", containers), 1);
	assert_int_equal(store_give(s, e, NULL), 0);
	assert_int_equal(e->nowners, 0);
	assert_int_equal(SUM(s, 1002, "carol", containers), 0);
	assert_int_equal(store_give(s, e, NULL), 0);
}

/* All kinds, also those that no limit counts. */
static void test_held(void **state)
{
	struct store *s = *state;

	assert_int_equal(store_held(s, 1000, "alice"), 0);
	own(s, add(s, OBJECT_CONTAINER, "aa", ""), 1000, "alice", "");
	own(s, add(s, OBJECT_TAG, "docker.io/library/a:1", ""), 1000, "alice", "");
	own(s, add(s, OBJECT_TAG, "docker.io/library/b:1", ""), OWNER_ANY_UID, "alice", "");
	own(s, add(s, OBJECT_IMAGE, "sha256:aa", ""), 1002, "carol", "");
	assert_int_equal(store_held(s, 1000, "alice"), 3);
	assert_int_equal(store_held(s, 1002, "carol"), 1);
	store_remove(s, store_get(s, OBJECT_CONTAINER, SLICE("aa")));
	assert_int_equal(store_held(s, 1000, "alice"), 2);
}

/* Known by his label first; then the account itself came. */
static void test_label_then_account(void **state)
{
	struct store *s = *state;
	struct entry *e = add(s, OBJECT_VOLUME, "data", "");

	own(s, e, OWNER_ANY_UID, "alice", "");
	assert_int_equal(SUM(s, 1000, "alice", volumes), 1);
	own(s, e, 1000, "alice", "");
	assert_int_equal(e->nowners, 1);
	assert_int_equal(e->owners[0].uid, 1000);
	assert_int_equal(SUM(s, 1000, "alice", volumes), 1);
	assert_int_equal(SUM(s, 2000, "alice", volumes), 0);
	assert_int_equal(SUM(s, OWNER_ANY_UID, "alice", volumes), 1);
}

static void test_owners_bound(void **state)
{
	struct store *s = *state;
	struct entry *e = add(s, OBJECT_TAG, "docker.io/library/x:1", "");
	struct owner o = { 0, "u", "" };

	for (uint32_t i = 0; i < BOUND_OWNERS; i++)
		own(s, e, i, "u", "");
	o.uid = BOUND_OWNERS;
	assert_int_equal(store_own(s, e, &o), -ENOSPC);
	assert_false(entry_owned(e, BOUND_OWNERS, "u"));
	assert_int_equal(e->nowners, BOUND_OWNERS);
	store_disown(s, e, 7, "u");
	assert_int_equal(store_own(s, e, &o), 0);
}

static void test_sums(void **state)
{
	struct store *s = *state;
	struct usage u = { .memory = 100, .nano_cpus = 5, .pids = -1,
		.ports = 2, .containers = 1, .volumes = 7 };
	struct entry *e = add(s, OBJECT_CONTAINER, "aa", "web");

	store_usage(s, e, &u);
	own(s, e, 1000, "alice", "");
	assert_int_equal(SUM(s, 1000, "alice", containers), 1);
	assert_int_equal(SUM(s, 1000, "alice", memory), 0);	/* it does not run */
	assert_int_equal(SUM(s, 1000, "alice", volumes), 0);	/* they count themselves */
	store_active(s, e, true);
	store_active(s, e, true);
	assert_int_equal(SUM(s, 1000, "alice", memory), 100);
	assert_int_equal(SUM(s, 1000, "alice", nano_cpus), 5);
	assert_int_equal(SUM(s, 1000, "alice", pids), 0);
	assert_int_equal(SUM(s, 1000, "alice", ports), 2);
	u.memory = 40;
	store_usage(s, e, &u);
	assert_int_equal(SUM(s, 1000, "alice", memory), 40);
	own(s, add(s, OBJECT_VOLUME, "v", ""), 1000, "alice", "dev");
	own(s, add(s, OBJECT_NETWORK, "n", "net"), 1000, "alice", "dev");
	own(s, add(s, OBJECT_IMAGE, "i", ""), 1000, "alice", "dev");
	assert_int_equal(SUM(s, 1000, "alice", volumes), 1);
	assert_int_equal(SUM(s, 1000, "alice", networks), 1);
	assert_int_equal(SUM(s, 1000, "renamed", networks), 1);
	assert_int_equal(SUM(s, 1001, "bob", networks), 0);
	/* Held under two grants it is still one. */
	own(s, e, 1000, "alice", "dev");
	assert_int_equal(SUM(s, 1000, "alice", containers), 1);
	assert_int_equal(SUM(s, 1000, "alice", memory), 40);
	store_active(s, e, false);
	assert_int_equal(SUM(s, 1000, "alice", memory), 0);
	store_remove(s, e);
	assert_int_equal(SUM(s, 1000, "alice", containers), 0);
}

/* Enormous ones do not wrap round into little. */
static void test_sums_saturate(void **state)
{
	struct store *s = *state;
	const struct usage u = { .memory = INT64_MAX, .pids = INT64_MIN };
	struct entry *e[3];

	for (size_t i = 0; i < 3; i++) {
		char id[2] = { (char)('a' + i), '\0' };

		e[i] = add(s, OBJECT_CONTAINER, id, "");
		own(s, e[i], 1000, "alice", "");
		store_active(s, e[i], true);
		store_usage(s, e[i], &u);
	}
	assert_true(SUM(s, 1000, "alice", memory) == INT64_MAX);
	assert_int_equal(SUM(s, 1000, "alice", pids), 0);
	store_remove(s, e[0]);
	store_remove(s, e[1]);
	assert_true(SUM(s, 1000, "alice", memory) == INT64_MAX);
	store_remove(s, e[2]);
	assert_int_equal(SUM(s, 1000, "alice", memory), 0);
}

static void test_reserve(void **state)
{
	struct store *s = *state;
	const struct owner alice = { 1000, "alice", "dev" };
	const struct owner ci = { OWNER_ANY_UID, "service:ci", "" };
	const struct usage u = { .memory = 10, .containers = 1, .volumes = 2 };

	assert_int_equal(store_reserve(s, &alice, &u), 0);
	assert_int_equal(store_reserve(s, &alice, &u), 0);
	assert_int_equal(store_reserve(s, &ci, &u), 0);
	assert_int_equal(SUM(s, 1000, "alice", memory), 20);
	assert_int_equal(SUM(s, 1000, "alice", volumes), 4);
	assert_int_equal(SUM(s, 1001, "bob", memory), 0);
	assert_int_equal(SUM(s, OWNER_ANY_UID, "service:ci", containers), 1);
	assert_int_equal(SUM(s, 1000, "ci", containers), 2);
	store_unreserve(s, &alice, &u);
	assert_int_equal(SUM(s, 1000, "alice", containers), 1);
	store_unreserve(s, &alice, &u);
	store_unreserve(s, &ci, &u);
	assert_int_equal(SUM(s, 1000, "alice", containers), 0);
	assert_int_equal(SUM(s, OWNER_ANY_UID, "service:ci", containers), 0);
}

static size_t unlabelled(struct store *s, uint32_t uid, const char *name)
{
	return store_unlabelled(s, OBJECT_CONTAINER, uid, name);
}

static void test_unlabelled(void **state)
{
	struct store *s = *state;
	const struct owner bob = { 1001, "bob", "" };
	struct entry *e = add(s, OBJECT_CONTAINER, "aa", "web");

	own(s, e, 1000, "alice", "");
	assert_int_equal(unlabelled(s, 1000, "alice"), 1);	/* adopted */
	store_labelled(s, e, SLICE("alice"));
	assert_int_equal(unlabelled(s, 1000, "alice"), 0);
	assert_int_equal(store_unlabelled(s, OBJECT_VOLUME, 1000, "alice"), 0);
	assert_int_equal(unlabelled(s, 1000, "renamed"), 1);
	assert_int_equal(unlabelled(s, 1001, "bob"), 0);
	/* Another account of that name would see hers. */
	assert_int_equal(unlabelled(s, 2000, "alice"), 1);
	/* Handed over: his list would miss it, hers would show it. */
	assert_int_equal(store_give(s, e, &bob), 0);
	assert_int_equal(unlabelled(s, 1001, "bob"), 1);
	assert_int_equal(unlabelled(s, 1000, "alice"), 1);
	assert_int_equal(store_give(s, e, NULL), 0);
	assert_int_equal(unlabelled(s, 1001, "bob"), 0);
	assert_int_equal(unlabelled(s, 1000, "alice"), 1);
	store_labelled(s, e, SLICE_NONE);
	assert_int_equal(unlabelled(s, 1000, "alice"), 0);
	own(s, e, OWNER_ANY_UID, "service:ci", "");
	store_labelled(s, e, SLICE("service:ci"));
	assert_int_equal(unlabelled(s, OWNER_ANY_UID, "service:ci"), 0);
	store_remove(s, e);
	assert_int_equal(unlabelled(s, 1000, "alice"), 0);
}

static void test_labels(void **state)
{
	struct store *s = *state;
	const struct pair p[] = {
		{ SLICE("a"), SLICE("1") }, { SLICE("bb"), SLICE("") }
	};
	struct entry *e = add(s, OBJECT_CONTAINER, "aa", "web");
	struct object o;

	assert_int_equal(store_labels(s, e, p, 2), 0);
	assert_int_equal(e->nlabels, 0);
	store_keep_labels(s, true);
	assert_int_equal(store_labels(s, e, p, 2), 0);
	assert_int_equal(e->nlabels, 2);
	assert_true(slice_is(e->labels[0].value, "1"));
	assert_true(slice_is(e->labels[1].key, "bb"));
	entry_object(e, &o);
	assert_int_equal(o.nlabels, 2);
	assert_true(slice_is(o.name, "web"));
	assert_int_equal(store_labels(s, e, p, 1), 0);
	assert_int_equal(e->nlabels, 1);
	store_keep_labels(s, false);
	assert_int_equal(e->nlabels, 0);
}

static void test_object(void **state)
{
	struct store *s = *state;
	struct entry *e = add(s, OBJECT_VOLUME, "data", "");
	struct object o;

	own(s, e, 1000, "alice", "dev");
	store_common(s, e, true);
	entry_object(e, &o);
	assert_int_equal(o.kind, OBJECT_VOLUME);
	assert_true(slice_is(o.id, "data"));
	assert_true(slice_is(o.name, "data"));
	assert_int_equal(o.nowners, 1);
	assert_string_equal(o.owners[0].team, "dev");
	assert_true(o.common);
}

/* 10,000 containers of 200 users. */
static void test_memory(void **state)
{
	struct store *s = *state;
	size_t before = mallinfo2().uordblks, after;

	for (size_t i = 0; i < 10000; i++) {
		char id[65], name[40], owner[16];
		struct entry *e;

		snprintf(id, sizeof(id), "%064zx", i * 2654435761U);
		snprintf(name, sizeof(name), "project_service_%zu", i);
		snprintf(owner, sizeof(owner), "user%zu", i % 200);
		e = add(s, OBJECT_CONTAINER, id, name);
		own(s, e, (uint32_t)(1000 + i % 200), owner, "developers");
		store_labelled(s, e, slice_from(owner));
		assert_int_equal(store_image(s, e,
		    SLICE("registry.example.com/team/service:1.2.3")), 0);
	}
	after = mallinfo2().uordblks;
	print_message("10,000 containers: %zu KiB\n", (after - before) / 1024);
	/* Sanitizers count nothing here, or far more. */
	assert_true(after <= before || after - before < 8 * 1024 * 1024);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_owner_is), TEST(test_holders), TEST(test_give), TEST(test_held),
		TEST(test_label_then_account), TEST(test_owners_bound),
		TEST(test_sums), TEST(test_sums_saturate), TEST(test_reserve),
		TEST(test_unlabelled), TEST(test_labels), TEST(test_object),
		TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
