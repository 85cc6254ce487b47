/*
 * test_util.h: policies from text and from tests/policy for the tests of
 * this layer.
 */
#ifndef POLICY_TEST_UTIL_H
#define POLICY_TEST_UTIL_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "policy/policy_int.h"

static inline int read_text(void *arg, const char *path, struct buf *out,
    struct buf *err)
{
	if (strcmp(path, "p.conf") != 0) {
		buf_addz(err, "no such file");
		return 1;
	}
	buf_addz(out, arg);
	return 0;
}

/* Loads text as p.conf; NULL when it is faulty. */
static inline struct policy *load_text(const char *text, struct buf *err)
{
	struct policy *p;
	int r = policy_load("p.conf", read_text, (void *)(uintptr_t)text, &p,
	    err);

	assert_true(r >= 0);
	assert_true(buf_ok(err));
	assert_true((r == POLICY_GOOD) == (p != NULL));
	return p;
}

static inline struct policy *load_good(const char *text)
{
	struct buf err = BUF(1 << 20);
	struct policy *p = load_text(text, &err);

	if (p == NULL)
		fail_msg("%s", buf_text(&err));
	buf_free(&err);
	return p;
}

static inline struct who *who_user(struct who *w, uint32_t uid,
    const char *name, const char *group1, const char *group2)
{
	struct group g[2] = { { .gid = 1 }, { .gid = 2 } };
	char home[BOUND_HOME];
	size_t n = (group1 != NULL) + (group2 != NULL);

	snprintf(g[0].name, sizeof(g[0].name), "%s", group1 ? group1 : "");
	snprintf(g[1].name, sizeof(g[1].name), "%s", group2 ? group2 : "");
	*w = (struct who){ .uid = uid, .gid = 1, .loginuid = WHO_UNSET,
		.session = WHO_UNSET };
	w->account = account_new(uid, 1, name, g, n);
	assert_non_null(w->account);
	snprintf(home, sizeof(home), "%s%s", uid ? "/home/" : "/root",
	    uid ? name : "");
	account_home(w->account, home);
	return w;
}

static inline const struct endpoint *endpoint_of(const char *action)
{
	for (unsigned i = 0; i < EP_COUNT; i++)
		if (strcmp(endpoint_get(i)->action, action) == 0)
			return endpoint_get(i);
	fail_msg("no action %s", action);
	return NULL;
}

static inline struct verdict decide(const struct rights *r, const char *action,
    size_t nreach)
{
	struct reach reach[2] = {
		{ "privileged", SLICE("HostConfig.Privileged"), SLICE("true") },
		{ "bind", SLICE("HostConfig.Binds[0]"), SLICE("/:/h") },
	};
	struct facts f = { .endpoint = endpoint_of(action), .nreach = nreach,
		.reach = reach };
	struct verdict v;

	policy_decide(r, &f, 0, true, &v);
	return v;
}

#endif
