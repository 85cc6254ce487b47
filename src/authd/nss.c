/*
 * nss.c: accounts and groups from NSS, by the reentrant calls of libc.  Runs
 * in a child only: LDAP or SSSD behind them may hang.  Nothing is cut short
 * silently where that could widen or narrow somebody's rights: what does not
 * fit is WHO_ERROR.  Groups without a name that fits are left out, since no
 * policy can name them.
 */
#include <errno.h>
/* base.h has a struct group of its own. */
#define group libc_group
#include <grp.h>
#undef group
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/authd.h"

#define ENTRY_FIRST	(16UL * 1024)
#define ENTRY_MAX	(16UL * 1024 * 1024)	/* bytes of one entry: a group of BOUND_MEMBERS */

/* The memory of one entry. */
struct room {
	char *p;
	size_t size;
};

static void room_free(struct room *r)
{
	free(r->p);
}

/* ERANGE from libc asks for a larger buffer. */
static bool room_grow(struct room *r)
{
	size_t size = r->size ? r->size * 4 : ENTRY_FIRST;
	char *p = size > ENTRY_MAX ? NULL : realloc(r->p, size);

	if (!p)
		return false;
	r->p = p;
	r->size = size;
	return true;
}

static enum who_status found(int error, bool entry)
{
	if (entry && !error)
		return WHO_OK;
	return !error || error == ENOENT || error == ESRCH ?
	    WHO_UNKNOWN : WHO_ERROR;
}

/* By uid where name is NULL. */
static enum who_status user_find(uint32_t uid, const char *name,
    struct passwd *pw, struct room *r)
{
	struct passwd *got = NULL;
	int error = ERANGE;

	while (error == ERANGE) {
		if (!room_grow(r))
			return WHO_ERROR;
		error = name ? getpwnam_r(name, pw, r->p, r->size, &got) :
		    getpwuid_r(uid, pw, r->p, r->size, &got);
	}
	return found(error, got);
}

/* By gid where name is NULL. */
static enum who_status group_find(uint32_t gid, const char *name,
    struct libc_group *gr, struct room *r)
{
	struct libc_group *got = NULL;
	int error = ERANGE;

	while (error == ERANGE) {
		if (!room_grow(r))
			return WHO_ERROR;
		error = name ? getgrnam_r(name, gr, r->p, r->size, &got) :
		    getgrgid_r(gid, gr, r->p, r->size, &got);
	}
	return found(error, got);
}

/* Copies a name that fits, and pads; false where it does not. */
static bool name_set(char out[BOUND_NAME], const char *name)
{
	size_t n = name ? strnlen(name, BOUND_NAME) : 0;

	if (!n || n == BOUND_NAME)
		return false;
	memset(out, 0, BOUND_NAME);
	memcpy(out, name, n);
	return true;
}

static int group_order(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->name,
	    ((const struct group *)b)->name);
}

/* Names of the gids, sorted, each once.  A gid without a group is no error:
 * a numeric one is left over wherever groups were deleted. */
static enum who_status groups_name(const gid_t *gids, size_t n,
    struct group *out, uint32_t *nout)
{
	enum who_status status;
	struct libc_group gr;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_(room_free) struct room r = { 0 };

		status = group_find(gids[i], NULL, &gr, &r);
		if (status == WHO_ERROR)
			return status;
		if (status != WHO_OK || !name_set(out[kept].name, gr.gr_name))
			continue;
		out[kept++].gid = gids[i];
	}
	qsort(out, kept, sizeof(*out), group_order);
	n = kept;
	kept = 0;
	for (size_t i = 0; i < n; i++)
		if (!kept || group_order(&out[kept - 1], &out[i]))
			out[kept++] = out[i];
	*nout = kept;
	return WHO_OK;
}

enum who_status nss_account(const struct msg_who_ask *ask,
    struct msg_who_is *is, struct group *groups)
{
	_cleanup_(room_free) struct room r = { 0 };
	gid_t gids[BOUND_GROUPS];
	int n = BOUND_GROUPS;
	enum who_status status;
	struct passwd pw;

	status = user_find(ask->uid, ask->uid == WHO_UNSET ? ask->name : NULL,
	    &pw, &r);
	if (status != WHO_OK)
		return status;
	if (!name_set(is->name, pw.pw_name) || pw.pw_uid == WHO_UNSET ||
	    (ask->uid != WHO_UNSET && pw.pw_uid != ask->uid))
		return WHO_ERROR;
	if (getgrouplist(pw.pw_name, pw.pw_gid, gids, &n) < 0) {
		log_warn("%s is in more than %d groups", is->name,
		    BOUND_GROUPS);
		return WHO_ERROR;
	}
	if (pw.pw_dir && strnlen(pw.pw_dir, BOUND_HOME) < BOUND_HOME)
		memcpy(is->home, pw.pw_dir, strlen(pw.pw_dir));
	is->uid = pw.pw_uid;
	is->gid = pw.pw_gid;
	return groups_name(gids, n, groups, &is->ngroups);
}

/* ---- members ---- */

struct members {
	struct msg_group_is is;
	nss_members_fn *fn;
	void *arg;
	struct member *list;		/* all so far; sorted up to nsorted */
	size_t n, nsorted, room, sent;
};

static int member_order(const void *a, const void *b)
{
	uint32_t x = ((const struct member *)a)->uid;
	uint32_t y = ((const struct member *)b)->uid;

	return (x > y) - (x < y);
}

static bool members_add(struct members *m, uint32_t uid, const char *name)
{
	struct member key = { .uid = uid };
	struct member *more;

	if (!name_set(key.name, name) || (m->nsorted &&
	    bsearch(&key, m->list, m->nsorted, sizeof(key), member_order)))
		return true;
	if (m->n == BOUND_MEMBERS)
		return false;
	if (m->n == m->room) {
		more = realloc(m->list, (m->room + 1024) * sizeof(*more));
		if (!more)
			return false;
		m->list = more;
		m->room += 1024;
	}
	m->list[m->n++] = key;
	return true;
}

/* Hands on what was added since the last time, sorted and each once. */
static void members_flush(struct members *m)
{
	size_t kept = 0, n = m->n - m->nsorted;
	struct member *from;

	if (!n)
		return;
	from = m->list + m->nsorted;
	qsort(from, n, sizeof(*from), member_order);
	for (size_t i = 0; i < n; i++)
		if (!kept || member_order(&from[kept - 1], &from[i]))
			from[kept++] = from[i];
	for (size_t done = 0; done < kept; done += m->is.n) {
		m->is.n = kept - done < MSG_GROUP_CHUNK ?
		    kept - done : MSG_GROUP_CHUNK;
		m->is.more = 1;
		m->fn(m->arg, &m->is, from + done);
	}
	m->n = m->nsorted + kept;
	qsort(m->list, m->n, sizeof(*m->list), member_order);
	m->nsorted = m->n;
}

static enum who_status members_listed(struct members *m, const char *group)
{
	_cleanup_(room_free) struct room r = { 0 };
	enum who_status status;
	struct libc_group gr;
	struct passwd pw;

	status = group_find(0, group, &gr, &r);
	if (status != WHO_OK)
		return status;
	m->is.gid = gr.gr_gid;
	for (char **name = gr.gr_mem; *name; name++) {
		_cleanup_(room_free) struct room u = { 0 };

		status = user_find(0, *name, &pw, &u);
		if (status == WHO_ERROR ||
		    (status == WHO_OK && !members_add(m, pw.pw_uid, pw.pw_name)))
			return WHO_ERROR;
	}
	return WHO_OK;
}

static enum who_status members_primary(struct members *m)
{
	enum who_status status = WHO_OK;
	struct passwd *pw;

	setpwent();
	while (status == WHO_OK && (pw = getpwent()))
		if (pw->pw_gid == m->is.gid &&
		    !members_add(m, pw->pw_uid, pw->pw_name))
			status = WHO_ERROR;
	endpwent();
	return status;
}

void nss_members(const char *group, nss_members_fn *fn, void *arg)
{
	struct members m = { .fn = fn, .arg = arg };
	enum who_status status;

	m.is.status = WHO_OK;
	status = members_listed(&m, group);
	if (status == WHO_OK) {
		members_flush(&m);
		status = members_primary(&m);
		members_flush(&m);
	}
	free(m.list);
	m.is = (struct msg_group_is){ .status = status, .gid = m.is.gid };
	fn(arg, &m.is, NULL);
}
