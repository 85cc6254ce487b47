/*
 * fuzz_mounts.c: tables of mounts and of subordinate ids, which the kernel and
 * root write.  What is good has no pseudo file system and nothing denied in a
 * copy; no map leads to 0; what is refused says why.
 */
#include <stdlib.h>
#include <string.h>

#include "dockbroker/guard.h"

#define TOP	"/var/lib/dockbroker/mnt"
#define TEXT(z)	{ z, sizeof(z) - 1 }

static const struct guard_mount mount = {
	.kind = GUARD_BIND, .source = TEXT("/srv"), .within = TEXT("/srv"),
	.uid = 2001, .user = TEXT("alice")
};
static const struct slice dirs[] = { TEXT("/srv/engine") };
static const struct guard_deny deny = { dirs, countof(dirs) };
static const struct guard_bound bounds[] = {
	{ .m = &mount, .plain = true, .path = TEXT("/srv"), .within = TEXT("/srv") },
	{ .m = &mount, .plain = true, .path = TEXT("/"), .within = TEXT("/") }
};

static void check_table(struct slice text)
{
	_cleanup_(buf_free) struct buf err = BUF(1 << 20);
	struct slice rest = text;
	struct mount_line l;
	int r;

	r = mounts_check(text, SLICE(TOP), bounds, countof(bounds), &deny, &err);
	if ((r == GUARD_BAD) != (err.len > 0))
		abort();
	while (mounts_next(&rest, &l))
		if (r == GUARD_GOOD && (slice_is(l.type, "proc") ?
		    guard_within(l.point, SLICE(TOP "/1")) :
		    slice_is(l.point, TOP "/0/engine")))
			abort();
	(void)mounts_show(text, SLICE("/p"), SLICE("/volumes/v/_data"));
}

/* "HOST CONTAINER COUNT" each: the host's second, in our order. */
static void check_map(struct slice text)
{
	while (text.n) {
		struct slice line = slice_cut(&text, '\n');

		if (slice_is(slice_cut(&line, ' '), "0"))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf uids = BUF(4095), gids = BUF(4095);
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct slice text = { (const char *)data, size };
	const uint32_t groups[] = { 2001, 0, 2500, 27 };
	struct map_user u = { .uid = 2001, .gid = 2001, .name = mount.user,
	    .groups = groups, .ngroups = countof(groups), .subuid = text,
	    .subgid = text };
	struct runs_as as = { .uid = size ? data[0] : 0, .gid = 0 };

	check_table(text);
	if (map_plan(&u, &as, &uids, &gids, &err) != GUARD_GOOD)
		abort();
	check_map(buf_slice(&uids));
	check_map(buf_slice(&gids));
	return 0;
}
