/*
 * The golden files of tests/policy: X.conf is loaded; X.out is its canonical
 * print, X.err all that is told.  GOLDEN_WRITE=1 in the environment writes
 * them anew: read the difference before you commit it.
 */
#include <dirent.h>
#include <time.h>
#include <openssl/sha.h>

#include "policy/test_util.h"

static char top[512];

static void slurp(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char piece[4096];
	size_t n;

	if (f == NULL)
		return;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
}

static int read_tree(void *arg, const char *path, struct buf *out,
    struct buf *err)
{
	char full[1024];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s/%s", top, (const char *)arg, path);
	f = fopen(full, "re");
	if (f == NULL) {
		buf_addz(err, "no such file");
		return 1;
	}
	fclose(f);
	slurp(full, out);
	return 0;
}

static void golden(const char *name, const char *suffix, struct buf *got)
{
	char path[1024];
	struct buf want = BUF(1 << 20);

	snprintf(path, sizeof(path), "%s/tests/policy/%s.%s", top, name,
	    suffix);
	if (getenv("GOLDEN_WRITE") != NULL) {
		FILE *f = fopen(path, "we");

		assert_non_null(f);
		fwrite(buf_text(got), 1, got->len, f);
		fclose(f);
	}
	slurp(path, &want);
	if (strcmp(buf_text(&want), buf_text(got)) != 0)
		fail_msg("%s.%s is not as it was:\n%s", name, suffix,
		    buf_text(got));
	buf_free(&want);
}

static int read_again(void *arg, const char *path, struct buf *out,
    struct buf *err)
{
	(void)path;
	(void)err;
	buf_adds(out, buf_slice(arg));
	return 0;
}

/* What is printed is a policy, and prints the same. */
static void printed_again(struct buf *out)
{
	struct buf again = BUF(1 << 20), err = BUF(1 << 20);
	struct policy *p;

	if (policy_load("x", read_again, out, &p, &err) != POLICY_GOOD)
		fail_msg("%s\n%s", buf_text(out), buf_text(&err));
	policy_print(p, &again);
	assert_string_equal(buf_text(out), buf_text(&again));
	policy_unref(p);
	buf_free(&again);
	buf_free(&err);
}

static void golden_one(const char *name)
{
	char path[300];
	struct buf out = BUF(1 << 20), err = BUF(1 << 20);
	struct policy *p;
	int r;

	snprintf(path, sizeof(path), "%s.conf", name);
	r = policy_load(path, read_tree, (void *)(uintptr_t)"tests/policy", &p,
	    &err);
	if (r != (strncmp(name, "bad-", 4) == 0 ? POLICY_BAD : POLICY_GOOD))
		fail_msg("%s: outcome %d:\n%s", name, r, buf_text(&err));
	if (p != NULL) {
		policy_print(p, &out);
		printed_again(&out);
	}
	golden(name, "err", &err);
	golden(name, "out", &out);
	policy_unref(p);
	buf_free(&out);
	buf_free(&err);
}

static void slurp_preset(struct buf *out)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/conf/roles.conf", top);
	slurp(path, out);
}

static void test_golden(void **state)
{
	char path[600];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/policy", top);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char *dot = strstr(e->d_name, ".conf");

		if (dot == NULL || dot[5] != '\0')
			continue;
		*dot = '\0';
		golden_one(e->d_name);
		n++;
	}
	closedir(d);
	assert_true(n >= 14);
}

/* Whoever follows the quick start loads these. */
static void test_presets(void **state)
{
	static const char *const roles[] = { "viewer", "developer", "ci",
		"operator", "admin" };
	struct buf err = BUF(1 << 20);
	struct policy *p;

	(void)state;
	assert_int_equal(policy_load("policy.conf", read_tree,
	    (void *)(uintptr_t)"conf", &p, &err), POLICY_GOOD);
	assert_string_equal(buf_text(&err), "");
	assert_int_equal(policy_role_count(p), countof(roles));
	for (size_t i = 0; i < countof(roles); i++)
		assert_non_null(table_find(&p->role_table,
		    slice_from(roles[i])));
	policy_unref(p);
	buf_free(&err);
}

/* The presets on one's own and on somebody else's container. */
static void test_preset_rights(void **state)
{
	static const struct {
		const char *role, *action, *reach, *value, *extra;
		bool own, others;
	} cases[] = {
		{ "viewer", "container.logs", NULL, "", "", true, true },
		{ "viewer", "container.stop", NULL, "", "", false, false },
		{ "developer", "container.stop", NULL, "", "", true, false },
		{ "developer", "container.exec", NULL, "", "", true, false },
		{ "developer", "container.create", "publish", "8080", "/tcp", true, false },
		{ "developer", "container.create", "publish", "80", "/tcp", false, false },
		{ "developer", "container.create", "capability", "NET_RAW", "", false, false },
		{ "ci", "container.stop", NULL, "", "", true, false },
		{ "ci", "container.exec", NULL, "", "", false, false },
		{ "operator", "container.create", "everything", "x", "", true, true },
	};
	struct buf err = BUF(1 << 20), text = BUF(1 << 20);

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct owner o = { 5, "alice", "" };
		struct object c = { .kind = OBJECT_CONTAINER, .owners = &o,
			.nowners = 1 };
		struct ref ref = { .kind = OBJECT_CONTAINER,
			.state = REF_FOUND, .object = &c };
		struct reach reach = { cases[i].reach, SLICE("x"),
			slice_from(cases[i].value), slice_from(cases[i].extra),
			false };
		struct facts f = { .endpoint = endpoint_of(cases[i].action),
			.nrefs = 1, .refs = &ref, .reach = &reach,
			.nreach = cases[i].reach != NULL };
		struct policy *p;
		struct verdict v;
		struct rights *r;
		struct who w;

		buf_reset(&text);
		slurp_preset(&text);
		buf_addf(&text, "grant %s to user alice\n", cases[i].role);
		assert_int_equal(policy_load("x", read_again, &text, &p, &err),
		    POLICY_GOOD);
		r = rights_new(p, who_user(&w, 5, "alice", NULL, NULL));
		policy_decide(r, &f, 0, true, &v);
		assert_true(v.allowed == cases[i].own);
		o = (struct owner){ 6, "bob", "" };
		policy_decide(r, &f, 0, true, &v);
		assert_true(v.allowed == cases[i].others);
		rights_unref(r);
		policy_unref(p);
		account_unref(w.account);
	}
	buf_free(&text);
	buf_free(&err);
}

static void test_hash(void **state)
{
	const char *text = "role a { allow ps }\ngrant a to user b\n";
	struct policy *p = load_good(text);
	uint8_t md[32];
	char hex[65];

	(void)state;
	SHA256((const uint8_t *)text, strlen(text), md);
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	assert_string_equal(policy_hash(p), hex);
	policy_unref(p);
}

static void test_grantees(void **state)
{
	struct policy *p = load_good("role a { allow ps }\n"
	    "role b { allow logs }\n"
	    "grant a to user x\ngrant b to user x\n"
	    "grant a to group x\ngrant a to service x\n");
	static const enum grantee kinds[] = { GRANT_USER, GRANT_GROUP,
		GRANT_SERVICE, GRANT_USER };
	static const char *const names[] = { "x", "x", "x", "root" };
	enum grantee kind;
	const char *name;

	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		assert_true(policy_grantee(p, i, &kind, &name));
		assert_int_equal(kind, kinds[i]);
		assert_string_equal(name, names[i]);
	}
	assert_false(policy_grantee(p, countof(kinds), &kind, &name));
	assert_true(policy_ref(p) == p);
	assert_null(policy_unref(p));
	policy_unref(p);
}

static void test_missing(void **state)
{
	struct buf err = BUF(4096);
	struct policy *p;

	(void)state;
	assert_int_equal(policy_load("absent.conf", read_text, NULL, &p, &err),
	    POLICY_BAD);
	assert_null(p);
	assert_string_equal(buf_text(&err),
	    "absent.conf: cannot be read: no such file\n");
	buf_free(&err);
}

static int read_deeper(void *arg, const char *path, struct buf *out,
    struct buf *err)
{
	(void)arg;
	(void)err;
	buf_addf(out, "include \"x%s\"\n", path);
	return 0;
}

static void test_depth(void **state)
{
	struct buf err = BUF(4096);
	struct policy *p;

	(void)state;
	assert_int_equal(policy_load("f", read_deeper, NULL, &p, &err),
	    POLICY_BAD);
	assert_non_null(strstr(buf_text(&err), "xxxxxxxf:1:9: too many files"));
	buf_free(&err);
}

static int read_failing(void *arg, const char *path, struct buf *out,
    struct buf *err)
{
	(void)arg;
	(void)path;
	(void)out;
	(void)err;
	return -5;
}

/* Our own failures are passed up as they are. */
static void test_failure(void **state)
{
	struct buf err = BUF(4096);
	struct policy *p;

	(void)state;
	assert_int_equal(policy_load("f", read_failing, NULL, &p, &err), -5);
	assert_null(p);
	assert_int_equal(err.len, 0);
	buf_free(&err);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 1,000 roles and 10,000 grants: a reload is not felt. */
static void test_large(void **state)
{
	struct buf text = BUF(BOUND_POLICY_FILE);
	struct policy *p;
	double start;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		buf_addf(&text, "role r%u {\n\tallow run ps logs inspect top "
		    "stats volume rm network ls exec\n\tdeny rename\n}\n", i);
	for (unsigned i = 0; i < 10000; i++)
		buf_addf(&text, "grant r%u to %s u%u\n", i % 1000,
		    i % 3 ? "user" : "group", i / 2);
	start = seconds();
	p = load_good(buf_text(&text));
	start = seconds() - start;
	print_message("10,000 grants, 1,000 roles: %.1f ms\n", start * 1e3);
#ifndef WITH_SANITIZERS
	assert_true(start < 0.2);
#endif
	assert_int_equal(policy_role_count(p), 1000);
	policy_unref(p);
	buf_free(&text);
}

/* So is the first policy of most hosts; and fuzzing needs it. */
static void test_small(void **state)
{
	double start;

	(void)state;
	policy_unref(load_good(""));		/* the words are built once */
	start = seconds();
	for (int i = 0; i < 1000; i++)
		policy_unref(load_good("role r {\n\tallow run ps\n"
		    "\tbind ~ rw\n\tpublish 1024-65535\n"
		    "\timage docker.io/library/*\n\tlimit memory 8g\n}\n"
		    "grant r to group developers\n"));
	start = seconds() - start;
	print_message("a small policy: %.3f ms\n", start);
#ifndef WITH_SANITIZERS
	assert_true(start < 0.5);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_preset_rights),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_grantees),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_small),
	};
	const char *dir = getenv("top_srcdir");

	snprintf(top, sizeof(top), "%s", dir != NULL ? dir : ".");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
