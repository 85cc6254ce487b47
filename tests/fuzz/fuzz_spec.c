/*
 * fuzz_spec.c: config.json, compared with a record that allows a little.  What
 * is good has no capability beyond, is written, and reads again; whatever is
 * refused says why.  The machine says yes to everything.
 */
#include <stdlib.h>
#include <string.h>

#include "dockbroker/guard.h"

#define ID	"00000000000000000000000000000000000000000000000000000000000000aa"
#define OTHER	"00000000000000000000000000000000000000000000000000000000000000bb"
#define MNT	"/var/lib/dockbroker/mnt"
#define TEXT(z)	{ z, sizeof(z) - 1 }

static bool look_process(uint32_t pid _unused_, struct slice container)
{
	return slice_is(container, OTHER);
}

static bool look_own_network(struct slice path _unused_)
{
	return true;
}

static bool look_device(struct slice path _unused_, char type, int64_t major,
    int64_t minor _unused_)
{
	return type == 'b' && major == 7;
}

static bool look_mounted(struct slice path _unused_, struct slice dir _unused_)
{
	return true;
}

static bool look_apparmor(void)
{
	return false;
}

static bool look_leads(struct slice rootfs _unused_, struct slice path,
    struct arena *a _unused_, struct slice *out)
{
	*out = path;
	return true;
}

static const struct guard_look look = {
	look_process, look_own_network, look_device, look_mounted, look_apparmor,
	look_leads
};
static const struct guard_mount mounts[] = {
	{ .kind = GUARD_TMPFS, .target = TEXT("/tt") },
	{ .kind = GUARD_VOLUME, .target = TEXT("/data"), .source = TEXT("vol1"),
	  .read_only = true },
	{ .kind = GUARD_VOLUME, .target = TEXT("/x"), .source = TEXT("vol2") },
	{ .kind = GUARD_BIND, .target = TEXT("/src") },
	{ .kind = GUARD_BIND, .target = TEXT("/etc/ff") },
	{ .kind = GUARD_TMPFS, .target = TEXT("/t2") },
	{ .kind = GUARD_IMAGE, .target = TEXT("/im"), .source = TEXT("bb") },
	{ .kind = GUARD_VOLUME, .target = TEXT("/d"), .source = TEXT("vol1") }
};
static const struct guard_device devices[] = {
	{ TEXT("/dev/loop0"), TEXT("rw") }
};
static const struct guard_record record = {
	.container = TEXT(ID), .uid = 2001, .user = TEXT("alice"),
	.engine_root = TEXT("/var/lib/docker"), .bind_dir = TEXT(MNT),
	.as_user = TEXT(""), .cap_drop = UINT64_C(1) << 27,
	.spaces = { .network = TEXT("host"), .pid = TEXT(""),
	    .ipc = TEXT("container:" OTHER), .uts = TEXT(""), .cgroup = TEXT(""),
	    .user = TEXT("") },
	.cgroup_parent = TEXT(""), .devices = devices,
	.ndevices = countof(devices), .mounts = mounts, .nmounts = countof(mounts)
};

static bool good(struct slice text, struct arena *a, struct spec *s,
    const struct guard_record *r)
{
	_cleanup_(buf_free) struct buf err = BUF(1 << 20);
	struct runs_as as;
	int code = spec_parse(text, "/run/bundle", a, s, &err);

	if (code == GUARD_GOOD)
		code = spec_compare(s, r, &look, a, &as, &err);
	if ((code == GUARD_BAD) != (err.len > 0))
		abort();
	return code == GUARD_GOOD;
}

/* With what runc would take of it. */
static void check(struct slice text, const struct guard_record *r)
{
	static const struct slice paths[countof(mounts)] = {
		[3] = TEXT(MNT "/0"), [4] = TEXT(MNT "/1")
	};
	_cleanup_(buf_free) struct buf out = BUF(BOUND_SPEC * 2), twice = BUF(BOUND_SPEC * 2);
	_cleanup_(spec_free) struct spec s = { NULL }, again = { NULL };
	_cleanup_(buf_free) struct buf err = BUF(1 << 20);
	_cleanup_(arena_free) struct arena a;

	arena_init(&a, 16 << 20);
	if (!good(text, &a, &s, r) || spec_settle(&s, r, paths))
		return;
	spec_print(&s, &out);
	if (!buf_ok(&out) || memmem(out.p, out.len, "CAP_SYS_ADMIN\"]", 15) ||
	    spec_parse(buf_slice(&out), "/run/bundle", &a, &again, &err))
		abort();
	spec_print(&again, &twice);
	if (!slice_equal(buf_slice(&out), buf_slice(&twice)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct guard_record r = record;

	check(text, &r);
	r.spaces.network = r.spaces.ipc = SLICE("");
	check(text, &r);
	return 0;
}
