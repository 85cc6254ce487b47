/*
 * user.c: who a name or number of dockbroker.conf is.  Not in priv.c: not every
 * program that asks has libcap and libseccomp behind it.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#include "proc/proc_int.h"

static int account_of(const char *user, struct passwd *pw, char *room,
    size_t size, struct passwd **found)
{
	uint64_t number;
	int e;

	if (slice_number(slice_from(user), UINT32_MAX - 1, &number))
		e = getpwuid_r((uid_t)number, pw, room, size, found);
	else
		e = getpwnam_r(user, pw, room, size, found);
	/* NSS modules have many words for "not known". */
	if (e == EMFILE || e == ENFILE || e == ENOMEM || e == ERANGE ||
	    e == EIO)
		return -e;
	return 0;
}

int user_entry(const char *user, uint32_t *uid, uint32_t *gid,
    char name[BOUND_NAME])
{
	struct passwd pw, *found = NULL;
	char room[4096];
	uint64_t number;
	int r;

	r = account_of(user, &pw, room, sizeof(room), &found);
	if (r < 0)
		return r;
	name[0] = '\0';
	if (found) {
		*uid = found->pw_uid;
		*gid = found->pw_gid;
		snprintf(name, BOUND_NAME, "%s", found->pw_name);
		return 0;
	}
	if (!slice_number(slice_from(user), UINT32_MAX - 1, &number))
		return 1;
	*uid = *gid = (uint32_t)number;		/* nobody has to have it */
	return 0;
}

int user_lookup(const char *user, uint32_t *uid, uint32_t *gid)
{
	char name[BOUND_NAME];

	return user_entry(user, uid, gid, name);
}
