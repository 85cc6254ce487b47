/*
 * test_spec.c: real specs (tests/specs, written by Docker 20.10, 26.1 and 28.5)
 * against records: as they are, and each with one thing broken, named in the
 * refusal.  What the machine says is said here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/guard.h"

#define ID	"00000000000000000000000000000000000000000000000000000000000000aa"
#define OTHER	"00000000000000000000000000000000000000000000000000000000000000bb"
#define REMAPPED	"/var/lib/docker/400000.400000"
#define MNT	"/var/lib/dockbroker/mnt"
#define MKNOD	(UINT64_C(1) << 27)

/* ---- the machine ---- */

static bool has_apparmor;

static bool look_process(uint32_t pid, struct slice container)
{
	return (pid == 30939 || pid == 23311) && slice_is(container, OTHER);
}

static bool look_own_network(struct slice path)
{
	return slice_is(path, "/run/docker/netns/default");
}

static bool look_device(struct slice path, char type, int64_t major, int64_t minor)
{
	return (slice_is(path, "/dev/loop0") && type == 'b' && major == 7 &&
	    minor == 0) || (slice_is(path, "/dev/fuse") && type == 'c' &&
	    major == 10 && minor == 229);
}

static bool look_mounted(struct slice path, struct slice dir)
{
	return slice_starts(path, SLICE("/var/lib/docker/tmp/")) &&
	    slice_is(dir, "/volumes/vol1/_data");
}

static bool look_apparmor(void)
{
	return has_apparmor;
}

/* /d is a link of the image; "" leads nowhere. */
static const char *link_d = "/d";

static bool look_leads(struct slice rootfs, struct slice path, struct arena *a,
    struct slice *out)
{
	bool link = guard_within(path, SLICE("/d"));

	assert_true(slice_starts(rootfs, SLICE("/var/lib/docker/")));
	*out = link ? arena_format(a, "%s%.*s", link_d, (int)path.n - 2,
	    path.p + 2) : path;
	return !link || *link_d;
}

static const struct guard_look look = {
	look_process, look_own_network, look_device, look_mounted, look_apparmor,
	look_leads
};

/* ---- records ---- */

#define T(kind_, target_, source_, ro) { .kind = kind_, \
	.target = { target_, sizeof(target_) - 1 }, \
	.source = { source_, sizeof(source_) - 1 }, .read_only = ro }

static const struct guard_mount mounts[] = {
	T(GUARD_TMPFS, "/tt", "", false), T(GUARD_TMPFS, "/t2", "", false),
	T(GUARD_VOLUME, "/data", "vol1", true),
	T(GUARD_BIND, "/src", "/home/a/src", true),
	T(GUARD_VOLUME, "/x", "vol2", false), T(GUARD_VOLUME, "/anon", "", false),
	T(GUARD_BIND, "/etc/ff", "/home/a/f", false)
};
static const struct guard_mount image[] = { T(GUARD_IMAGE, "/im", "bb", true) };
static const struct guard_mount part[] = { T(GUARD_VOLUME, "/d", "vol1", false) };
static const struct guard_device devices[] = {
	{ { "/dev/loop0", 10 }, { "r", 1 } }, { { "/dev/fuse", 9 }, { "rwm", 3 } }
};
static const struct slice sysctls[] = {
	{ "net.ipv4.ip_forward", 19 }, { "kernel.msgmax", 13 }
};
static const struct slice unconfined[] = { { "apparmor=unconfined", 19 } };
static const struct slice strict[] = { { "apparmor=strict", 15 } };

static struct guard_record plain(void)
{
	return (struct guard_record){
		.container = SLICE(ID), .uid = 2001, .user = SLICE("alice"),
		.engine_root = SLICE("/var/lib/docker"), .bind_dir = SLICE(MNT),
		.as_user = SLICE(""), .cap_drop = MKNOD,
		.spaces = { SLICE(""), SLICE(""), SLICE(""), SLICE(""),
		    SLICE(""), SLICE("") },
		.cgroup_parent = SLICE("")
	};
}

static struct guard_record with(const struct guard_mount *m, size_t n)
{
	struct guard_record r = plain();

	r.mounts = m;
	r.nmounts = n;
	return r;
}

/* ---- the way through ---- */

struct made {
	struct buf text, err;
	struct arena arena;
	struct spec spec;
	struct runs_as as;
	int code;
};

static void made_free(struct made *m)
{
	spec_free(&m->spec);
	buf_free(&m->text);
	buf_free(&m->err);
	arena_free(&m->arena);
}

static void load(struct made *m, const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[1024];
	FILE *f;

	*m = (struct made){ .text = BUF(1 << 20), .err = BUF(8192) };
	arena_init(&m->arena, 1 << 20);
	snprintf(path, sizeof(path), "%s/tests/specs/%s.json", top ? top : ".",
	    name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is not there", path);
	buf_grew(&m->text, fread(buf_room(&m->text, 65536), 1, 65536, f));
	fclose(f);
}

/* The first `from' becomes `to'. */
static void replace(struct made *m, const char *from, const char *to)
{
	struct buf out = BUF(1 << 20);
	char *at = strstr(buf_text(&m->text), from);

	if (!at)
		fail_msg("the spec does not have %s", from);
	buf_add(&out, m->text.p, (size_t)(at - m->text.p));
	buf_addz(&out, to);
	buf_addz(&out, at + strlen(from));
	buf_free(&m->text);
	m->text = out;
}

static void compare(struct made *m, const struct guard_record *r)
{
	m->code = spec_parse(buf_slice(&m->text), "/run/bundle", &m->arena,
	    &m->spec, &m->err);
	if (m->code == GUARD_GOOD)
		m->code = spec_compare(&m->spec, r, &look, &m->arena, &m->as,
		    &m->err);
}

static void good(const char *name, struct guard_record r)
{
	_cleanup_(made_free) struct made m;

	load(&m, name);
	compare(&m, &r);
	if (m.code != GUARD_GOOD || m.err.len)
		fail_msg("%s: %s", name, buf_text(&m.err));
}

static void bad(const char *name, struct guard_record r, const char *from,
    const char *to, const char *why)
{
	_cleanup_(made_free) struct made m;

	load(&m, name);
	if (from)
		replace(&m, from, to);
	compare(&m, &r);
	if (m.code != GUARD_BAD || !strstr(buf_text(&m.err), why))
		fail_msg("%s, %s: %d, \"%s\", not \"%s\"", name, to ? to : "",
		    m.code, buf_text(&m.err), why);
}

/* Good when something else was recorded, refused as it is. */
#define ONLY(name, why, ...) do { \
	struct guard_record one = plain(); \
	bad(name, one, NULL, NULL, why); \
	__VA_ARGS__; \
	good(name, one); \
} while (0)

/* ---- tests ---- */

static void test_plain(void **state _unused_)
{
	struct guard_record r = plain();

	good("plain-20.10", r);
	good("plain-28.5", r);
	good("limits-26.1", r);
	bad("plain-28.5", r, "\"ociVersion\"", "\"vm\":{},\"ociVersion\"",
	    "spec.vm, which is not known");
	bad("plain-28.5", r, "\"linux\":{", "\"linux\":{\"personality\":{"
	    "\"domain\":\"LINUX32\"},", "linux.personality, which is not known");
	bad("plain-28.5", r, "\"linux\":", "\"Linux\":", "no process, linux");
	bad("plain-28.5", r, "\"process\":{", "\"process\":{\"Capabilities\":{},",
	    "process.Capabilities, which is not known");
	bad("plain-28.5", r, "\"process\":{", "\"process\":{\"cwd\":\"/\",",
	    "a key is repeated");
	bad("plain-28.5", r, "overlay2/", "../../", "no process");
	bad("plain-28.5", r, "/var/lib/docker/overlay2", "/var/lib/dockerx",
	    "has its root file system at /var/lib/dockerx");
	bad("plain-28.5", r, "\"hostname\"", "\"annotations\":{\"org.systemd."
	    "property.X\":\"y\"},\"hostname\"", "the annotation org.systemd");
	r.container = SLICE(OTHER);
	bad("plain-28.5", r, NULL, NULL, "which is not its own");
}

static void test_user(void **state _unused_)
{
	struct guard_record r = plain();

	r.as_user = SLICE("1000:1001");
	good("user-28.5", r);
	bad("user-28.5", r, "\"uid\":1000", "\"uid\":0", "runs as uid 0, and 1000");
	bad("user-28.5", r, "\"gid\":1001", "\"gid\":0", "runs as gid 0, and 1001");
	bad("user-28.5", r, "\"uid\":1000", "\"uid\":-1", "has no user");
	bad("user-28.5", r, "\"gid\":1001", "\"Gid\":1001", "process.user.Gid");
	r.as_user = SLICE("1000");
	good("user-28.5", r);
	r.as_user = SLICE("somebody:1001");
	good("user-28.5", r);
	r.as_user = SLICE("somebody:1002");
	bad("user-28.5", r, NULL, NULL, "and 1002 was asked for");
}

static void test_powerless(void **state _unused_)
{
	struct guard_record r = plain();

	r.powerless = true;
	r.uid = 1000;
	r.as_user = SLICE("1000:1001");
	bad("user-28.5", r, NULL, NULL, "the capability CAP_CHOWN");
	r.cap_add = UINT64_MAX;
	bad("user-28.5", r, NULL, NULL, "the capability CAP_CHOWN");
	bad("user-28.5", r, "\"additionalGids\":[1001", "\"additionalGids\":[42",
	    "has the group 42");
	r.uid = 1001;
	bad("user-28.5", r, NULL, NULL, "which must be 1001");
}

static void test_capabilities(void **state _unused_)
{
	struct guard_record r = plain();

	bad("plain-28.5", r, "\"CAP_CHOWN\"", "\"CAP_MKNOD\"",
	    "the capability CAP_MKNOD (bounding)");
	bad("plain-28.5", r, "\"effective\":[", "\"effective\":[\"CAP_BPF\",",
	    "the capability CAP_BPF (effective)");
	bad("plain-28.5", r, "\"effective\":[", "\"ambient\":[\"CAP_SYS_ADMIN\"],"
	    "\"effective\":[", "the capability CAP_SYS_ADMIN (ambient)");
	bad("plain-28.5", r, "\"CAP_CHOWN\"", "\"CAP_NEWEST\"", "CAP_NEWEST");
	bad("plain-28.5", r, "\"CAP_CHOWN\"", "21", "the capability ");
	bad("plain-28.5", r, "\"bounding\"", "\"Bounding\"",
	    "process.capabilities.Bounding");
	r.cap_drop |= 1;
	bad("plain-28.5", r, NULL, NULL, "the capability CAP_CHOWN");
	r.cap_drop = UINT64_MAX;
	bad("plain-28.5", r, NULL, NULL, "the capability CAP_CHOWN");
	r.cap_add = UINT64_MAX;
	good("plain-28.5", r);
	r.cap_drop = 1;
	bad("plain-28.5", r, NULL, NULL, "the capability CAP_CHOWN");
}

static void test_process(void **state _unused_)
{
	struct guard_record r = plain();

	bad("plain-28.5", r, "\"oomScoreAdj\":0", "\"oomScoreAdj\":-1",
	    "an OOM score below 0");
	bad("plain-28.5", r, "\"cwd\"", "\"ioPriority\":{},\"cwd\"", "ioPriority");
	good("nnp-28.5", r);
	r.no_new_privs = true;
	good("nnp-28.5", r);
	bad("plain-28.5", r, NULL, NULL, "lets processes gain privileges");
	bad("nnp-28.5", r, "\"noNewPrivileges\":true", "\"noNewPrivileges\":false",
	    "lets processes gain privileges");
	r = plain();
	r.read_only = true;
	good("readonly-28.5", r);
	bad("plain-28.5", r, NULL, NULL, "a writable root file system");
}

static void test_labels(void **state _unused_)
{
	struct guard_record r = plain();

	has_apparmor = true;
	bad("plain-28.5", r, NULL, NULL, "names no AppArmor profile");
	bad("plain-28.5", r, "\"cwd\"", "\"apparmorProfile\":\"unconfined\",\"cwd\"",
	    "is not confined by AppArmor");
	r.security = strict;
	r.nsecurity = 1;
	bad("plain-28.5", r, "\"cwd\"", "\"apparmorProfile\":\"unconfined\",\"cwd\"",
	    "is not confined by AppArmor");
	bad("plain-28.5", r, "\"cwd\"", "\"apparmorProfile\":\"other\",\"cwd\"",
	    "the AppArmor profile other");
	r.security = unconfined;
	good("plain-28.5", r);
	has_apparmor = false;
	good("plain-28.5", plain());
	bad("plain-28.5", plain(), "\"cwd\"", "\"selinuxLabel\":"
	    "\"system_u:system_r:spc_t:s0\",\"cwd\"", "not confined by SELinux");
}

static void test_spaces(void **state _unused_)
{
	struct guard_record r = plain();

	bad("plain-28.5", r, "{\"type\":\"pid\"},", "", "the host's pid name space");
	bad("plain-28.5", r, "{\"type\":\"mount\"},", "", "the host's mount");
	bad("plain-28.5", r, "{\"type\":\"uts\"},", "", "the host's uts");
	bad("plain-28.5", r, "\"namespaces\"", "\"nameSpaces\"", "the host's mount");
	bad("plain-28.5", r, "{\"type\":\"pid\"}", "{\"type\":\"time\"}",
	    "the name space time");
	bad("plain-28.5", r, "{\"type\":\"pid\"}", "{\"type\":\"uts\"}", "there twice");
	bad("plain-28.5", r, "{\"type\":\"pid\"}", "{\"type\":\"pid\",\"path\":"
	    "\"/proc/1/ns/pid\"}", "the pid name space /proc/1/ns/pid");
	ONLY("nethost-20.10", "network name space", one.spaces.network = SLICE("host"));
	ONLY("nethost-28.5", "host's network", one.spaces.network = SLICE("host"));
	ONLY("netcont-28.5", "network name space /proc/30939/ns/net",
	    one.spaces.network = SLICE("container:" OTHER));
	ONLY("ipccont-28.5", "ipc name space /proc/30939/ns/ipc",
	    one.spaces.ipc = SLICE("container:" OTHER));
	ONLY("remap-netcont-26.1", "network name space",
	    one.spaces.network = SLICE("container:" OTHER),
	    one.engine_root = SLICE(REMAPPED));
	r.spaces.network = SLICE("container:" OTHER);
	bad("plain-28.5", r, NULL, NULL, "and not that of container 0000");
	bad("netcont-28.5", r, "/proc/30939", "/proc/30940", "/proc/30940/ns/net");
	bad("netcont-28.5", r, "ns/net", "ns/pid", "/ns/pid");
	bad("netcont-28.5", r, "ns/net", "ns/net/../pid", "ns/net/../pid");
	r = plain();
	r.spaces.cgroup = SLICE("private");
	bad("plain-28.5", r, NULL, NULL, "the host's cgroup name space");
	r = plain();
	r.engine_root = SLICE("/var/lib/docker/100000.100000");
	bad("plain-28.5", r, "/var/lib/docker/overlay2",
	    "/var/lib/docker/100000.100000/overlay2", "the host's user name space");
}

static void test_remap(void **state _unused_)
{
	_cleanup_(made_free) struct made m;
	struct guard_record r = plain();

	r.engine_root = SLICE(REMAPPED);
	load(&m, "remap-26.1");
	compare(&m, &r);
	assert_int_equal(m.code, GUARD_GOOD);
	assert_int_equal(m.as.nuids, 1);
	assert_int_equal(m.as.uids[0].host, 400000);
	assert_int_equal(m.as.gids[0].count, 65536);
	bad("plain-28.5", plain(), "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\","
	    "\"source\":\"cgroup\",\"options\":[\"ro\",", "{\"destination\":"
	    "\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","
	    "\"options\":[", "has /sys/fs/cgroup writable");
}

static void test_os(void **state _unused_)
{
	struct guard_record r = plain();

	bad("plain-28.5", r, "\"seccomp\":{", "\"seccomp\":{\"listenerPath\":\"/x\",",
	    "linux.seccomp.listenerPath");
	bad("plain-28.5", r, "\"SCMP_ACT_ERRNO\"", "\"SCMP_ACT_ALLOW\"",
	    "permits what it does not name");
	bad("plain-28.5", r, "\"seccomp\":{", "\"seccomp\":null,\"mountLabel\":{",
	    "has no seccomp filter");
	bad("plain-28.5", r, "\"/proc/kcore\",", "", "/proc/kcore in maskedPaths");
	bad("plain-28.5", r, "\"/proc/bus\",", "", "/proc/bus in readonlyPaths");
	bad("plain-28.5", r, "\"resources\":{", "\"resources\":{\"unified\":{},",
	    "linux.resources.unified");
	bad("plain-28.5", r, "\"linux\":{", "\"linux\":{\"rootfsPropagation\":"
	    "\"rshared\",", "shares its mounts");
	bad("plain-28.5", r, "/docker/0", "/docker/../0", "the control group");
	ONLY("sysctl-28.5", "sets the sysctl",
	    (one.sysctls = sysctls, one.nsysctls = 2));
	bad("sysctl-28.5", r, "\"0 2147483647\"", "\"1 2\"", "sets the sysctl");
	ONLY("device-28.5", "has the device /dev/xx",
	    (one.devices = devices, one.ndevices = 2));
	r.devices = devices;
	r.ndevices = 2;
	bad("device-28.5", r, "\"major\":7,\"minor\":0,\"access\":\"r\"",
	    "\"major\":7,\"minor\":0,\"access\":\"rw\"", "opens the devices b 7:0 rw");
	bad("device-28.5", r, "\"major\":7,\"minor\":0,\"access\":\"r\"",
	    "\"major\":7,\"access\":\"r\"", "opens the devices b 7:0 r");
	bad("device-28.5", r, "/dev/xx\",\"type\":\"b\",\"major\":7",
	    "/dev/xx\",\"type\":\"b\",\"major\":8",
	    "the device /dev/xx");
	bad("plain-28.5", r, "\"allow\":false", "\"allow\":true", "opens the devices");
	r = plain();
	r.cgroup_parent = SLICE("/dockbroker/2001");
	good("parent-20.10", r);
	bad("plain-20.10", r, NULL, NULL, "is not below /dockbroker/2001");
	r.cgroup_parent = SLICE("/dockbroker/200");
	bad("parent-20.10", r, NULL, NULL, "is not below /dockbroker/200");
}

static void test_systemd(void **state _unused_)
{
	_cleanup_(made_free) struct made m;
	struct guard_record r = plain();

	r.cgroup_parent = SLICE("dockbroker-2001.slice");
	load(&m, "plain-28.5");
	replace(&m, "\"/docker/" ID, "\"dockbroker-2001.slice:docker:" ID);
	compare(&m, &r);
	assert_int_equal(m.code, GUARD_GOOD);
	assert_true(spec_of_user(&m.spec));
	bad("plain-28.5", r, "\"/docker/" ID, "\"dockbroker-20011.slice:docker:" ID,
	    "is not below dockbroker-2001.slice");
}

static void test_hooks(void **state _unused_)
{
	struct guard_record r = plain();

	bad("plain-20.10", r, "\"/proc/5822/exe\"", "\"/bin/sh\"", "hook /bin/sh");
	bad("plain-20.10", r, "libnetwork-setkey", "-c", "the prestart hook");
	bad("plain-20.10", r, "\"prestart\"", "\"poststop\"", "the poststop hook");
	bad("plain-28.5", r, "\"hostname\"", "\"hooks\":{\"prestart\":[{\"path\":"
	    "\"/usr/bin/nvidia-container-runtime-hook\"}]},\"hostname\"", "hook /usr");
	bad("plain-20.10", r, "\"-exec-root=/run/docker\",\"" ID,
	    "\"-exec-root=/run/docker\",\"" OTHER, "the prestart hook");
}

static void test_mounts(void **state _unused_)
{
	struct guard_record r = with(mounts, countof(mounts));
	const char *const names[] = { "mounts-20.10", "mounts-26.1", "mounts-28.5" };

	for (size_t i = 0; i < countof(names); i++) {
		const char *n = names[i];

		good(n, r);
		bad(n, plain(), NULL, NULL, ", which was not allowed");
		bad(n, r, MNT, "/home/b", "mounts /home/b (bind) on /");
		bad(n, r, MNT, MNT "/x", "mounts " MNT "/x (bind) on /");
		bad(n, r, "/anon\"", "/src\"", "on /src, which was not");
		bad(n, r, "/vol1/", "/vol3/", "/vol3/_data (bind) on /data");
		bad(n, r, "/vol1/_data", "/vol1/_data/x", "(bind) on /data");
		bad(n, r, "volumes/vol1/_data", "containers/" ID, "(bind) on /data");
		bad(n, r, "\"rbind\",\"r", "\"rbind\",\"rshared\",\"r", "shares the mount");
		bad(n, r, "\"type\":\"bind\"", "\"uidMappings\":[],\"type\":\"bind\"",
		    "mounts.uidMappings");
		bad(n, r, ID "/hosts", OTHER "/hosts", "on /etc/hosts");
		bad(n, r, ID "/hosts", ID "/config.v2.json", "on /etc/hosts");
		bad(n, r, "\"/etc/hosts\"", "\"/etc/shadow\"", "on /etc/shadow");
		bad(n, r, "\"type\":\"proc\"", "\"type\":\"bind\"", "on /proc");
		bad(n, r, "\"/x\"", "\"/data\"", "/vol2/_data (bind) on /data");
	}
	bad("mounts-20.10", r, "\"rbind\",\"ro\"", "\"rbind\"",
	    "has /data writable, which was to be read-only");
	bad("plain-28.5", r, ",\"ro\"]", "]", "has /sys writable");
}

static void test_kinds(void **state _unused_)
{
	struct guard_record r = with(image, 1);
	struct guard_mount driven[countof(mounts)];

	good("image-28.5", r);
	bad("image-28.5", r, "\"rro\"", "\"rw\"", "on /im");
	bad("image-28.5", plain(), NULL, NULL, "on /im, which was not allowed");
	r = with(part, 1);
	good("subpath-28.5", r);
	bad("subpath-28.5", r, "/tmp/safe-mount", "/tmp/other", "on /d");
	bad("subpath-28.5", plain(), NULL, NULL, "on /d");
	ONLY("init-28.5", "on /sbin/docker-init", one.init = true);
	r = with(mounts, 2);
	bad("mounts-28.5", r, NULL, NULL, "on /data, which was not allowed");
	memcpy(driven, mounts, sizeof(mounts));
	driven[2].kind = GUARD_DRIVEN;
	r = with(driven, countof(driven));
	good("mounts-28.5", r);
	bad("mounts-28.5", r, "/var/lib/docker/volumes/vol1/_data", MNT,
	    "mounts " MNT " (bind) on /data");
}

/* A bind that runc would make devices in. */
static void test_targets(void **state _unused_)
{
	static const struct guard_mount d[] = { T(GUARD_BIND, "/d", "/h", false) };
	static const struct guard_mount dev[] = {
		T(GUARD_BIND, "/dev", "/h", false) };
	static const struct guard_mount below[] = {
		T(GUARD_BIND, "/dev/d", "/h", false) };
	static const struct guard_mount xx[] = {
		T(GUARD_BIND, "/dev/xx", "/h", false) };
	static const struct guard_mount data[] = {
		T(GUARD_VOLUME, "/d", "v", false) };
	struct guard_record r = with(d, 1);
	const char *const places[] = { "/dev", "/dev/x", "/proc", "/sys/fs" };

	good("plain-28.5", r);
	for (size_t i = 0; i < countof(places); i++) {
		link_d = places[i];
		bad("plain-28.5", r, NULL, NULL, "mounts /d, which leads to /");
		bad("plain-28.5", with(data, 1), NULL, NULL, "leads to /");
	}
	link_d = "";
	bad("plain-28.5", r, NULL, NULL, "a link is there that leads nowhere");
	link_d = "/run";
	good("plain-28.5", r);
	bad("plain-28.5", with(dev, 1), "\"/dev\",\"type\":\"tmpfs\",\"source\":"
	    "\"tmpfs\"", "\"/dev\",\"type\":\"bind\",\"source\":\"" MNT "\"",
	    "a bind on /dev, where runc");
	good("plain-28.5", with(below, 1));
	r = with(xx, 1);
	r.devices = devices;
	r.ndevices = 2;
	bad("device-28.5", r, NULL, NULL, "made in the bind /dev/xx");
	r.mounts = d;
	good("device-28.5", r);
	bad("device-28.5", r, "\"/dev/xx\"", "\"/d/xx\"", "made in the bind /d");
	link_d = "/d";
}

static void test_privileged(void **state _unused_)
{
	ONLY("privileged-28.5", "the capability", one.privileged = true);
	bad("privileged-28.5", plain(), NULL, NULL, "CAP_DAC_READ_SEARCH");
}

/* What is written reads as it was, but for what was changed. */
static void expect(const struct made *m, const char *text, bool there)
{
	struct slice s = buf_slice(&m->text);
	bool found = memmem(s.p, s.n, text, strlen(text)) != NULL;

	if (found != there)
		fail_msg("%s is %sthere: %.*s", text, found ? "" : "not ",
		    SLICE_ARG(s));
}

static void test_settle(void **state _unused_)
{
	_cleanup_(made_free) struct made m;
	struct guard_record r = with(mounts, countof(mounts));
	struct slice paths[countof(mounts)] = { [3] = SLICE(MNT "/3"),
		[6] = SLICE(MNT "/6") };

	load(&m, "mounts-20.10");
	replace(&m, "\"noexec\",\"nosuid\",\"nodev\",\"rprivate\"", "\"dev\",\"suid\"");
	replace(&m, "\"cwd\"", "\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"hard\":"
	    "18446744073709551615,\"soft\":\"1}]\"}],\"cwd\"");
	compare(&m, &r);
	assert_int_equal(m.code, GUARD_GOOD);
	assert_int_equal(spec_settle(&m.spec, &r, paths), 0);
	buf_reset(&m.text);
	spec_print(&m.spec, &m.text);
	expect(&m, "\"hard\":18446744073709551615,\"soft\":\"1}]\"}", true);
	expect(&m, "/vol1/_data\",\"options\":[\"rbind\",\"ro\",\"nosuid\",\"nodev\"]", true);
	expect(&m, "_data\",\"options\":[\"rbind\",\"nosuid\",\"nodev\"]", true);
	expect(&m, "\"" MNT "/3\",\"options\":[\"rbind\",\"rprivate\"]", true);
	expect(&m, "\"" MNT "/6\",\"options\":[\"rbind\",\"rprivate\"]", true);
	expect(&m, "\"" MNT "\"", false);
	expect(&m, "[\"suid\",\"size=1m\",\"nodev\"]", true);
	expect(&m, "/hosts\",\"options\":[\"rbind\",\"rprivate\"]", true);
	spec_free(&m.spec);
	assert_int_equal(spec_parse(buf_slice(&m.text), "/run/bundle", &m.arena,
	    &m.spec, &m.err), GUARD_GOOD);
}

static void test_build(void **state _unused_)
{
	_cleanup_(made_free) struct made m;

	load(&m, "buildkit-28.5");
	assert_int_equal(spec_parse(buf_slice(&m.text), "/run/bundle", &m.arena,
	    &m.spec, &m.err), GUARD_GOOD);
	assert_true(spec_of_user(&m.spec));
	assert_int_equal(spec_deaden(&m.spec), 0);
	buf_reset(&m.text);
	spec_print(&m.spec, &m.text);
	expect(&m, "CAP_MKNOD", false);
	expect(&m, "CAP_CHOWN", true);
	made_free(&m);
	load(&m, "mounts-28.5");
	assert_int_equal(spec_parse(buf_slice(&m.text), "/run/bundle", &m.arena,
	    &m.spec, &m.err), GUARD_GOOD);
	assert_false(spec_of_user(&m.spec));
	assert_int_equal(spec_deaden(&m.spec), 0);
	buf_reset(&m.text);
	spec_print(&m.spec, &m.text);
	expect(&m, "\"" MNT "\",\"options\":[\"rbind\",\"rprivate\",\"nodev\"]", true);
	expect(&m, "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\","
	    "\"size=65536k\"]", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_powerless),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_remap),
		cmocka_unit_test(test_os),
		cmocka_unit_test(test_systemd),
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_build)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
