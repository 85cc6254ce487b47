/*
 * The decision: for each rule that permits, its nearest neighbour refused;
 * random policies against a naive reference; cost.
 */
#include <time.h>

#include "policy/test_util.h"

/* allowed, by the first grant of the text to user alice (uid 1000) */
static enum why asked(const char *text, const char *action, size_t nreach)
{
	struct policy *p = load_good(text);
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 1000, "alice", "dev",
	    "staff"));
	struct verdict v;

	assert_non_null(r);
	v = decide(r, action, nreach);
	assert_true(v.allowed == (v.why == WHY_ALLOWED));
	rights_unref(r);
	policy_unref(p);
	account_unref(w.account);
	return v.why;
}

#define TO_ALICE	"\ngrant r to user alice\n"

static void test_words(void **state)
{
	const char *run = "role r { allow run }" TO_ALICE;

	(void)state;
	assert_int_equal(asked(run, "container.create", 0), WHY_ALLOWED);
	assert_int_equal(asked(run, "container.start", 0), WHY_ALLOWED);
	assert_int_equal(asked(run, "system.ping", 0), WHY_ALLOWED);
	assert_int_equal(asked(run, "container.exec", 0), WHY_NOT_ALLOWED);
	assert_int_equal(asked("role r { allow container.create }" TO_ALICE,
	    "container.create", 0), WHY_ALLOWED);
	assert_int_equal(asked("role r { allow container.create }" TO_ALICE,
	    "container.start", 0), WHY_NOT_ALLOWED);
	assert_int_equal(asked("role r { allow volume rm }" TO_ALICE,
	    "volume.remove", 0), WHY_ALLOWED);
	assert_int_equal(asked("role r { allow volume rm }" TO_ALICE,
	    "container.remove", 0), WHY_NOT_ALLOWED);
	assert_int_equal(asked("role r { allow volume rm }" TO_ALICE,
	    "volume.create", 0), WHY_NOT_ALLOWED);
	assert_int_equal(asked("role r { allow volume }" TO_ALICE,
	    "volume.create", 0), WHY_ALLOWED);
	assert_int_equal(asked("role r {\n\tallow volume\n\t\trm\n}" TO_ALICE,
	    "container.remove", 0), WHY_ALLOWED);
}

static void test_deny(void **state)
{
	const char *text = "role r {\n\tallow ps inspect run exec\n"
	    "\tdeny exec\n}" TO_ALICE;

	(void)state;
	/* what ps, inspect and run need stays */
	assert_int_equal(asked(text, "container.list", 0), WHY_ALLOWED);
	assert_int_equal(asked(text, "container.inspect", 0), WHY_ALLOWED);
	assert_int_equal(asked(text, "container.create", 0), WHY_ALLOWED);
	assert_int_equal(asked(text, "container.start", 0), WHY_ALLOWED);
	assert_int_equal(asked(text, "system.ping", 0), WHY_ALLOWED);
	assert_int_equal(asked(text, "container.exec", 0), WHY_DENIED);
	assert_int_equal(asked(text, "exec.start", 0), WHY_DENIED);
	/* another name of the same command, a noun, all, one action */
	assert_int_equal(asked("role r { allow all\ndeny container exec }"
	    TO_ALICE, "container.exec", 0), WHY_DENIED);
	assert_int_equal(asked("role r { allow all\ndeny volume }" TO_ALICE,
	    "volume.remove", 0), WHY_DENIED);
	assert_int_equal(asked("role r { allow all\ndeny volume }" TO_ALICE,
	    "network.remove", 0), WHY_ALLOWED);
	assert_int_equal(asked("role r { allow all\ndeny all }" TO_ALICE,
	    "system.ping", 0), WHY_DENIED);
	assert_int_equal(asked("role r { allow all\ndeny image.push }" TO_ALICE,
	    "image.push", 0), WHY_DENIED);
	assert_int_equal(asked("role r { allow all\ndeny image.push }" TO_ALICE,
	    "image.pull", 0), WHY_ALLOWED);
	/* one role's denial is stronger than another's permit */
	assert_int_equal(asked("role r { allow all }\nrole n { deny exec }"
	    TO_ALICE "grant n to group staff\n", "exec.start", 0), WHY_DENIED);
	assert_int_equal(asked("role r { allow all }\nrole n { deny exec }"
	    TO_ALICE "grant n to group others\n", "exec.start", 0),
	    WHY_ALLOWED);
}

static void test_reach(void **state)
{
	const char *run = "role r { allow run }\n";
	const char *far = "role r {\n\tallow run\n"
	    "\tallow privileged everything\n}" TO_ALICE;
	char text[300];

	(void)state;
	snprintf(text, sizeof(text), "%s%s", run, TO_ALICE);
	assert_int_equal(asked(text, "container.create", 1), WHY_REACH);
	assert_int_equal(asked(far, "container.create", 1), WHY_ALLOWED);
	assert_int_equal(asked(far, "container.exec", 1), WHY_NOT_ALLOWED);
	/* rows that reach by themselves */
	assert_int_equal(asked("role r { allow all on any }" TO_ALICE, "plugin.pull",
	    0), WHY_REACH);
	assert_int_equal(asked("role r {\nallow all on any\n"
	    "allow privileged everything\n}" TO_ALICE, "plugin.pull", 0),
	    WHY_ALLOWED);
	/* one role must allow all of it: halves do not add up */
	snprintf(text, sizeof(text), "%srole far {\nallow ps\n"
	    "allow privileged everything\n}%sgrant far to user alice\n", run,
	    TO_ALICE);
	assert_int_equal(asked(text, "container.create", 1), WHY_REACH);
	assert_int_equal(asked(text, "container.create", 0), WHY_ALLOWED);
}

static bool has_role(struct policy *p, struct who *w)
{
	struct rights *r = rights_new(p, w);
	bool none;

	assert_non_null(r);
	none = rights_none(r);
	assert_true(decide(r, "container.list", 0).allowed == !none);
	rights_unref(r);
	account_unref(w->account);
	w->account = NULL;
	return !none;
}

static void test_who(void **state)
{
	struct policy *p = load_good("role r { allow ps }\n"
	    "grant r to user alice\ngrant r to group dev\n"
	    "grant r to service web\n");
	struct who w;

	(void)state;
	assert_true(has_role(p, who_user(&w, 1, "alice", NULL, NULL)));
	assert_false(has_role(p, who_user(&w, 1, "alic", NULL, NULL)));
	assert_false(has_role(p, who_user(&w, 1, "dev", "alice", NULL)));
	assert_true(has_role(p, who_user(&w, 1, "bob", "x", "dev")));
	assert_false(has_role(p, who_user(&w, 1, "web", "web", NULL)));
	/* a service has what it is granted, whoever runs it */
	who_user(&w, 1, "bob", NULL, NULL);
	strcpy(w.service, "web");
	assert_true(has_role(p, &w));
	who_user(&w, 1, "alice", "dev", NULL);
	strcpy(w.service, "alice");
	assert_false(has_role(p, &w));
	who_user(&w, 0, "root", NULL, NULL);
	strcpy(w.service, "other");
	assert_false(has_role(p, &w));
	/* no name, no grant; a name for another uid neither */
	w = (struct who){ .uid = 1 };
	assert_false(has_role(p, &w));
	who_user(&w, 1, "alice", NULL, NULL);
	w.uid = 2;
	assert_false(has_role(p, &w));
	/* containers have services only */
	who_user(&w, 1, "alice", "dev", NULL);
	w.container = true;
	assert_false(has_role(p, &w));
	policy_unref(p);
}

static void test_root(void **state)
{
	struct policy *p = load_good("");
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 0, "root", NULL, NULL));
	struct verdict v = decide(r, "plugin.pull", 2);

	(void)state;
	assert_true(v.allowed);
	assert_string_equal(v.role, "admin");
	assert_null(v.file);
	rights_unref(r);
	account_unref(w.account);
	/* whatever NSS calls uid 0; but not whom it calls root */
	assert_true(has_role(p, who_user(&w, 0, "toor", NULL, NULL)));
	assert_false(has_role(p, who_user(&w, 5, "root", NULL, NULL)));
	who_user(&w, 0, "root", NULL, NULL);
	w.container = true;
	assert_false(has_role(p, &w));
	policy_unref(p);
	/* the policy's own admin; a grant of another role */
	p = load_good("role admin { allow ps }\n");
	r = rights_new(p, who_user(&w, 0, "root", NULL, NULL));
	assert_true(decide(r, "container.list", 0).allowed);
	assert_false(decide(r, "container.exec", 0).allowed);
	rights_unref(r);
	account_unref(w.account);
	policy_unref(p);
	p = load_good("role v { allow ps }\ngrant v to user root\n");
	r = rights_new(p, who_user(&w, 0, "root", NULL, NULL));
	assert_true(decide(r, "container.list", 0).allowed);
	assert_false(decide(r, "container.exec", 0).allowed);
	rights_unref(r);
	account_unref(w.account);
	policy_unref(p);
}

static void test_lines(void **state)
{
	struct policy *p = load_good("role a {\n\tallow ps\n\tallow logs\n"
	    "\tdeny rename\n}\ngrant a to group dev\n");
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 1, "x", "dev", NULL));
	struct verdict v = decide(r, "container.logs", 0);

	(void)state;
	assert_string_equal(v.file, "p.conf");
	assert_int_equal(v.line, 3);
	assert_string_equal(v.role, "a");
	assert_string_equal(v.grant, "group dev");
	assert_int_equal(decide(r, "container.rename", 0).line, 4);
	assert_int_equal(decide(r, "container.exec", 0).line, 1);
	rights_ref(r);
	assert_null(rights_unref(r));
	policy_unref(p);		/* rights hold their policy */
	assert_int_equal(decide(r, "container.list", 0).line, 2);
	rights_unref(r);
	account_unref(w.account);
}

/* ---- random policies against a naive reference ---- */

#define ROLES	5

struct model {			/* what the text says, by action */
	const char *allow[ROLES][4], *deny[ROLES][2];
	bool privileged[ROLES], granted[ROLES];
};

static uint32_t seed = 4812;

static uint32_t roll(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void model_make(struct model *m)
{
	size_t n = 0;

	memset(m, 0, sizeof(*m));
	while (action_at(n) != NULL)
		n++;
	n = n > 12 ? 12 : n;		/* few, so that they meet */
	for (size_t i = 0; i < ROLES; i++) {
		for (size_t k = 0; k < 4; k++)
			m->allow[i][k] = action_at(roll((uint32_t)n));
		if (roll(4) == 0)
			m->deny[i][0] = action_at(roll((uint32_t)n));
		m->privileged[i] = roll(3) == 0;
		m->granted[i] = roll(2) == 0;
	}
}

static struct policy *model_load(const struct model *m)
{
	struct buf text = BUF(1 << 16);
	struct policy *p;

	for (size_t i = 0; i < ROLES; i++) {
		buf_addf(&text, "role r%zu {\n", i);
		for (size_t k = 0; k < 4; k++)
			buf_addf(&text, "\tallow %s on any\n", m->allow[i][k]);
		if (m->deny[i][0] != NULL)
			buf_addf(&text, "\tdeny %s\n", m->deny[i][0]);
		if (m->privileged[i])
			buf_addz(&text, "\tallow privileged everything\n");
		buf_addz(&text, "}\n");
		if (m->granted[i])
			buf_addf(&text, "grant r%zu to %s\n", i,
			    i % 2 ? "user alice" : "group dev");
	}
	p = load_good(buf_text(&text));
	buf_free(&text);
	return p;
}

static bool model_allows(const struct model *m, const struct facts *f)
{
	bool far = f->nreach > 0 || (f->endpoint->flags & REACHES), good = false;
	bool ping = strcmp(f->endpoint->action, "system.ping") == 0;

	for (size_t i = 0; i < ROLES; i++) {
		if (!m->granted[i])
			continue;
		for (size_t k = 0; k < 4; k++)
			if ((ping || strcmp(m->allow[i][k],
			    f->endpoint->action) == 0) &&
			    (!far || m->privileged[i]))
				good = true;
	}
	for (size_t i = 0; i < ROLES; i++)
		if (m->granted[i] && m->deny[i][0] != NULL &&
		    strcmp(m->deny[i][0], f->endpoint->action) == 0)
			good = false;
	return good;
}

static void model_compare(const struct model *m)
{
	struct policy *p = model_load(m);
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 7, "alice", "dev", NULL));
	struct reach reach = { "bind", SLICE("x"), SLICE("y") };

	for (unsigned id = 0; id < EP_COUNT; id++) {
		for (size_t n = 0; n < 2; n++) {
			struct facts f = { .endpoint = endpoint_get(id),
				.nreach = n, .reach = &reach };
			struct verdict v;

			policy_decide(r, &f, 0, true, &v);
			assert_true(v.allowed == model_allows(m, &f));
		}
	}
	rights_unref(r);
	policy_unref(p);
	account_unref(w.account);
}

static void test_random(void **state)
{
	struct model m;

	(void)state;
	for (int i = 0; i < 300; i++) {
		model_make(&m);
		model_compare(&m);
	}
}

/* One more permit or grant of a role without denials takes nothing away. */
static void test_monotone(void **state)
{
	struct model m, more;

	(void)state;
	for (int i = 0; i < 500; i++) {
		size_t role = roll(ROLES);

		model_make(&m);
		more = m;
		if (more.deny[role][0] == NULL)
			more.granted[role] = true;
		more.privileged[roll(ROLES)] = true;
		for (unsigned id = 0; id < EP_COUNT; id++) {
			struct facts f = { .endpoint = endpoint_get(id),
				.nreach = id % 2 };

			assert_true(!model_allows(&m, &f) ||
			    model_allows(&more, &f));
		}
		if (i % 10 == 0)
			model_compare(&more);
	}
}

static double decisions(const struct rights *r, const struct facts *f, int n)
{
	struct timespec from, to;
	struct verdict v;
	size_t good = 0;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < n; i++) {
		policy_decide(r, f, i, true, &v);
		good += v.allowed;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_int_equal(good, n);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec)) / n;
}

static void test_speed(void **state)
{
	struct policy *p = load_good("role a { allow ps logs }\n"
	    "role b { allow run exec }\ngrant a to group dev\n"
	    "grant b to group staff\n");
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 7, "a", "dev", "staff"));
	struct facts f = { .endpoint = endpoint_of("container.exec") };
	double ns = decisions(r, &f, 1000000);

	(void)state;
	print_message("one decision: %.1f ns\n", ns);
#ifndef WITH_SANITIZERS
	assert_true(ns < 200);
#endif
	rights_unref(r);
	policy_unref(p);
	account_unref(w.account);
}

/* A create with all sorts of things in it. */
static void test_speed_create(void **state)
{
	struct policy *p = load_good("role a {\n\tallow run on own, team\n"
	    "\timage docker.io/library/* ghcr.io/**\n"
	    "\tpublish 80 443 1024-65535 random\n\tcapability NET_ADMIN\n"
	    "\tsysctl net.*\n\tnetwork shared-*\n"
	    "\tlimit containers 20, memory 8g default 1g, cpus 4\n}\n"
	    "grant a to group dev\n");
	const struct owner me = { 7, "a", "" };
	const struct slice tags[] = { SLICE("docker.io/library/alpine:latest") };
	struct object o = { .kind = OBJECT_NETWORK, .name = SLICE("n"),
		.owners = &me, .nowners = 1, .tags = tags, .ntags = 1 };
	struct reach reach[10];
	struct ref refs[5];
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.reach = reach, .nreach = 10, .refs = refs, .nrefs = 5,
		.asked = { .containers = 1, .ports = 8 },
		.open = OPEN_MEMORY };
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 7, "a", "dev", NULL));
	double ns;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		reach[i] = (struct reach){ "publish", SLICE("x"),
			SLICE("8080"), SLICE("/tcp"), false };
	reach[0] = (struct reach){ "capability", SLICE("x"),
		SLICE("NET_ADMIN"), SLICE(""), false };
	reach[1] = (struct reach){ "sysctl", SLICE("x"),
		SLICE("net.core.somaxconn"), SLICE("1"), false };
	for (size_t i = 0; i < 5; i++)
		refs[i] = (struct ref){ .kind = OBJECT_VOLUME, .use = REF_USE,
			.state = REF_FOUND, .object = &o };
	refs[0].kind = OBJECT_IMAGE;
	refs[0].name = SLICE("alpine");
	ns = decisions(r, &f, 100000);
	print_message("one create: %.0f ns\n", ns);
#ifndef WITH_SANITIZERS
	assert_true(ns < 6000);
#endif
	rights_unref(r);
	policy_unref(p);
	account_unref(w.account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_deny),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_speed_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
