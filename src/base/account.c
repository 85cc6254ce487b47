/*
 * account.c: what NSS says of one uid.  Groups are kept sorted by name, each
 * once, so that a policy with many groups is matched by binary search.  A name
 * that does not fit is refused, never cut: two names cut alike would be one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dockbroker/base.h"

static int group_compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->gid > y->gid) - (x->gid < y->gid);
}

static bool names_fit(const char *name, const struct group *groups, size_t n)
{
	if (strnlen(name, BOUND_NAME) == BOUND_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strnlen(groups[i].name, BOUND_NAME) == BOUND_NAME)
			return false;
	return true;
}

struct account *account_new(uint32_t uid, uint32_t gid, const char *name,
    const struct group *groups, size_t n)
{
	struct account *a;
	size_t kept = 0;

	if (n > BOUND_GROUPS || !names_fit(name, groups, n)) {
		errno = EINVAL;
		return NULL;
	}
	a = calloc(1, sizeof(*a) + n * sizeof(*groups));
	if (!a)
		return NULL;
	a->refs = 1;
	a->uid = uid;
	a->gid = gid;
	memcpy(a->name, name, strlen(name));
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &groups[i];

		/* Not what is behind the NUL: accounts are compared. */
		a->groups[i].gid = g->gid;
		memcpy(a->groups[i].name, g->name, strlen(g->name));
	}
	qsort(a->groups, n, sizeof(*groups), group_compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 ||
		    group_compare(&a->groups[kept - 1], &a->groups[i]) != 0)
			a->groups[kept++] = a->groups[i];
	a->ngroups = kept;
	return a;
}

void account_home(struct account *a, const char *path)
{
	size_t n = strlen(path);

	memset(a->home, 0, sizeof(a->home));
	while (n && path[n - 1] == '/')
		n--;
	if (!n || path[0] != '/' || n >= sizeof(a->home))
		return;
	memcpy(a->home, path, n);
	if (strstr(a->home, "//") || strstr(a->home, "/../") ||
	    strstr(a->home, "/./") || (n > 2 && !strcmp(a->home + n - 3, "/..")) ||
	    !strcmp(a->home + n - 2, "/."))
		memset(a->home, 0, sizeof(a->home));
}

struct account *account_ref(struct account *a)
{
	if (a)
		a->refs++;
	return a;
}

struct account *account_unref(struct account *a)
{
	if (a && --a->refs == 0)
		free(a);
	return NULL;
}

bool account_in_group(const struct account *a, const char *group)
{
	size_t low = 0, high = a ? a->ngroups : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(a->groups[middle].name, group);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool account_equal(const struct account *a, const struct account *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->uid != b->uid || a->gid != b->gid ||
	    a->ngroups != b->ngroups || strcmp(a->name, b->name) != 0 ||
	    strcmp(a->home, b->home) != 0)
		return false;
	for (size_t i = 0; i < a->ngroups; i++)
		if (group_compare(&a->groups[i], &b->groups[i]) != 0)
			return false;
	return true;
}
