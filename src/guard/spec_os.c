/*
 * spec_os.c: the part "linux" of a spec: name spaces, devices, control group,
 * seccomp, masked paths, sysctls.
 */
#include <errno.h>
#include <string.h>

#include "guard/spec_int.h"

struct slice space_container(struct slice s)
{
	struct slice id = s;

	return slice_is(slice_cut(&id, ':'), "container") ? id : SLICE("");
}

/* ---- name spaces ---- */

static const char *const space_types[] = {
	"mount", "network", "pid", "ipc", "uts", "cgroup", "user"
};
enum { SPACE_MOUNT, SPACE_NETWORK, SPACE_PID, SPACE_IPC, SPACE_UTS,
	SPACE_CGROUP, SPACE_USER, SPACES };

/* "/proc/PID/ns/FILE" of a process in that container. */
static bool is_of(const struct compare *c, struct slice path, const char *file,
    struct slice container)
{
	uint64_t pid;

	if (!container.n || !slice_starts(path, SLICE("/proc/")))
		return false;
	path.p += 6;
	path.n -= 6;
	return slice_number(slice_cut(&path, '/'), INT32_MAX, &pid) &&
	    slice_is(slice_cut(&path, '/'), "ns") && slice_is(path, file) &&
	    c->look->process((uint32_t)pid, container);
}

/* A container that shares its name space shares its user name space too. */
static bool is_users_of(const struct compare *c, struct slice path)
{
	const struct guard_spaces *s = &c->r->spaces;

	return is_of(c, path, "user", space_container(s->network)) ||
	    is_of(c, path, "user", space_container(s->ipc)) ||
	    is_of(c, path, "user", space_container(s->pid));
}

/* How dockerd names its directory when users are mapped: ".../100000.100000" */
static bool is_remapped(struct slice engine_root)
{
	struct slice uid, gid = engine_root;
	uint64_t n;

	while (memchr(gid.p, '/', gid.n))
		(void)slice_cut(&gid, '/');
	uid = slice_cut(&gid, '.');
	return slice_number(uid, UINT32_MAX, &n) &&
	    slice_number(gid, UINT32_MAX, &n);
}

/* There is none: is that the host's, as allowed? */
static bool may_lack(const struct compare *c, size_t type, struct slice asked)
{
	switch (type) {
	case SPACE_MOUNT:
		return false;
	case SPACE_CGROUP:	/* else the Engine's default, which may be none */
		return !slice_is(asked, "private");
	case SPACE_USER:
		return slice_is(asked, "host") ||
		    !is_remapped(c->r->engine_root);
	default:
		return slice_is(asked, "host");
	}
}

static int compare_space(struct compare *c, const json_t *space, size_t type,
    struct slice asked)
{
	static const char *const files[] = { "mnt", "net", "pid", "ipc", "uts",
		"cgroup", "user" };
	struct slice path = text_in(space, "path");
	struct slice of = space_container(asked);

	if (!space && !may_lack(c, type, asked))
		return differs(c, "has the host's %s name space, which was not "
		    "allowed", space_types[type]);
	if (!space || (!path.n && !of.n))
		return GUARD_GOOD;
	if (!path.n)
		return differs(c, "has a %s name space of its own and not that "
		    "of container %.12s", space_types[type], of.p);
	if (is_of(c, path, files[type], of) ||
	    (type == SPACE_USER && is_users_of(c, path)))
		return GUARD_GOOD;
	/* 20.10 names the host's. */
	if (type == SPACE_NETWORK && slice_is(asked, "host") &&
	    c->look->own_network(path))
		return GUARD_GOOD;
	return differs(c, "has the %s name space %s, which was not allowed",
	    space_types[type], path.p);
}

int compare_spaces(struct compare *c)
{
	const struct guard_spaces *s = &c->r->spaces;
	const struct slice asked[SPACES] = { SLICE(""), s->network, s->pid,
		s->ipc, s->uts, s->cgroup, s->user };
	json_t *found[SPACES] = { NULL }, *v;
	size_t i, type;

	json_array_foreach(member(c->s->os, "namespaces"), i, v) {
		struct slice name = text_in(v, "type");

		if (keys_known(c, v, "linux.namespaces", "type path"))
			return GUARD_BAD;
		for (type = 0; type < SPACES; type++)
			if (slice_is(name, space_types[type]))
				break;
		if (type == SPACES || found[type])
			return differs(c, "has the name space %s, which is not "
			    "known or there twice", name.p);
		found[type] = v;
	}
	c->user_space = found[SPACE_USER] != NULL;
	for (type = 0; type < SPACES; type++)
		if (compare_space(c, found[type], type, asked[type]))
			return GUARD_BAD;
	return GUARD_GOOD;
}

static int read_maps(const json_t *list, struct arena *a,
    const struct id_extent **out, size_t *n)
{
	struct id_extent *e;
	json_t *v;
	size_t i;

	*n = json_array_size(list);
	e = arena_alloc(a, *n * sizeof(*e) + 1);
	if (!e)
		return -ENOMEM;
	json_array_foreach(list, i, v) {
		e[i].container = (uint32_t)
		    json_integer_value(member(v, "containerID"));
		e[i].host = (uint32_t)json_integer_value(member(v, "hostID"));
		e[i].count = (uint32_t)json_integer_value(member(v, "size"));
	}
	*out = e;
	return GUARD_GOOD;
}

/* ---- devices ---- */

/* null zero full random urandom tty console ptmx pts, as Docker lists them. */
static bool device_usual(char type, int64_t major, int64_t minor)
{
	switch (type == 'c' ? major : -1) {
	case 1:
		return minor == 3 || minor == 5 || minor == 7 || minor == 8 ||
		    minor == 9;
	case 5:
		return minor >= 0 && minor <= 2;
	case 136:
		return true;
	default:
		return false;
	}
}

static bool device_allowed(const struct compare *c, const json_t *v,
    struct slice access)
{
	char type = text_in(v, "type").p[0];
	json_t *major = member(v, "major"), *minor = member(v, "minor");
	int64_t a = json_is_integer(major) ? json_integer_value(major) : -1;
	int64_t b = json_is_integer(minor) ? json_integer_value(minor) : -1;

	if (device_usual(type, a, b))
		return true;
	for (size_t i = 0; a >= 0 && b >= 0 && i < c->r->ndevices; i++) {
		struct slice may = c->r->devices[i].access;
		size_t n = 0;

		while (n < access.n && memchr(may.p, access.p[n], may.n))
			n++;
		if (n == access.n && c->look->device(c->r->devices[i].path,
		    type, a, b))
			return true;
	}
	return false;
}

static int compare_devices(struct compare *c)
{
	json_t *resources = member(c->s->os, "resources"), *v;
	size_t i;

	if (keys_known(c, resources, "linux.resources", "devices memory cpu pids "
	    "blockIO hugepageLimits"))
		return GUARD_BAD;
	if (c->r->privileged)
		return GUARD_GOOD;
	json_array_foreach(member(c->s->os, "devices"), i, v) {
		if (keys_known(c, v, "linux.devices",
		    "path type major minor fileMode uid gid"))
			return GUARD_BAD;
		if (!device_allowed(c, v, SLICE("")))
			return differs(c, "has the device %s, which was not "
			    "allowed", text_in(v, "path").p);
	}
	json_array_foreach(member(resources, "devices"), i, v) {
		if (keys_known(c, v, "linux.resources.devices",
		    "allow type major minor access"))
			return GUARD_BAD;
		if (json_is_false(member(v, "allow")) ||
		    device_allowed(c, v, text_in(v, "access")))
			continue;
		return differs(c, "opens the devices %s %lld:%lld %s, which was "
		    "not allowed", text_in(v, "type").p,
		    (long long)json_integer_value(member(v, "major")),
		    (long long)json_integer_value(member(v, "minor")),
		    text_in(v, "access").p);
	}
	return GUARD_GOOD;
}

/* ---- the rest ---- */

static int compare_cgroup(struct compare *c)
{
	struct slice path = text_in(c->s->os, "cgroupsPath"), rest = path;
	struct slice parent = c->r->cgroup_parent, id = c->r->container;
	char sep;

	if (path.n > id.n) {
		rest.n = path.n - id.n - 1;
		sep = path.p[rest.n];
		if (slice_equal((struct slice){ path.p + rest.n + 1, id.n },
		    id) && (sep == '/' || sep == ':') &&
		    !memmem(path.p, path.n, "..", 2) &&
		    (!parent.n || slice_equal(rest, parent) || (sep == ':' &&
		    slice_equal(slice_cut(&rest, ':'), parent))))
			return GUARD_GOOD;
	}
	return differs(c, "has the control group %s, which is not %s%.*s",
	    path.p, parent.n ? "below " : "its own", SLICE_ARG(parent));
}

static int compare_seccomp(struct compare *c)
{
	json_t *filter = member(c->s->os, "seccomp");
	struct slice action = text_in(filter, "defaultAction");

	if (c->r->privileged || c->r->seccomp == GUARD_SECCOMP_NONE)
		return GUARD_GOOD;
	if (!filter)
		return differs(c, "has no seccomp filter");
	if (c->r->seccomp == GUARD_SECCOMP_CUSTOM)
		return GUARD_GOOD;
	if (keys_known(c, filter, "linux.seccomp", "defaultAction "
	    "defaultErrnoRet architectures flags syscalls"))
		return GUARD_BAD;
	if (!word_in(action, "SCMP_ACT_ERRNO SCMP_ACT_KILL "
	    "SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP"))
		return differs(c, "has a seccomp filter that permits what it "
		    "does not name");
	return GUARD_GOOD;
}

static int compare_masks(struct compare *c)
{
	static const char *const base[2] = {
		"/proc/asound /proc/acpi /proc/kcore /proc/keys "
		"/proc/latency_stats /proc/timer_list /proc/timer_stats "
		"/proc/sched_debug /proc/scsi /sys/firmware",
		"/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"
	};
	static const char *const keys[2] = { "maskedPaths", "readonlyPaths" };

	if (c->r->privileged || c->r->unmasked)
		return GUARD_GOOD;
	for (size_t k = 0; k < countof(keys); k++) {
		json_t *list = member(c->s->os, keys[k]);
		struct slice rest = slice_from(base[k]);

		while (rest.n) {
			struct slice path = slice_cut(&rest, ' ');
			size_t i = 0, n = json_array_size(list);

			while (i < n && !slice_equal(path,
			    text_of(json_array_get(list, i))))
				i++;
			if (i == n)
				return differs(c, "does not have %.*s in %s",
				    SLICE_ARG(path), keys[k]);
		}
	}
	return GUARD_GOOD;
}

/* What the Engine itself sets; Config.Domainname by the last. */
static bool sysctl_usual(const struct guard_record *r, struct slice name,
    struct slice value)
{
	return (slice_is(name, "net.ipv4.ip_unprivileged_port_start") &&
	    slice_is(value, "0")) ||
	    (slice_is(name, "net.ipv4.ping_group_range") &&
	    slice_is(value, "0 2147483647")) ||
	    (slice_is(name, "kernel.domainname") &&
	    !slice_is(r->spaces.uts, "host"));
}

static int compare_sysctls(struct compare *c)
{
	json_t *v;
	const char *key;
	size_t i;

	json_object_foreach(member(c->s->os, "sysctl"), key, v) {
		struct slice name = slice_from(key);

		for (i = 0; i < c->r->nsysctls; i++)
			if (slice_equal(c->r->sysctls[i], name))
				break;
		if (i == c->r->nsysctls && !sysctl_usual(c->r, name, text_of(v)))
			return differs(c, "sets the sysctl %s, which was not "
			    "allowed", key);
	}
	return GUARD_GOOD;
}

int compare_os(struct compare *c, struct arena *a, struct runs_as *as)
{
	struct slice mode = text_in(c->s->os, "rootfsPropagation");
	int r;

	if (keys_known(c, c->s->os, "linux", "uidMappings gidMappings sysctl "
	    "resources cgroupsPath namespaces devices seccomp maskedPaths "
	    "readonlyPaths rootfsPropagation mountLabel") ||
	    compare_devices(c) || compare_cgroup(c) || compare_seccomp(c) ||
	    compare_masks(c) || compare_sysctls(c))
		return GUARD_BAD;
	if (mode.n && !word_in(mode, "private rprivate"))
		return differs(c, "shares its mounts with the host (%s)", mode.p);
	if (!c->user_space)
		return GUARD_GOOD;
	r = read_maps(member(c->s->os, "uidMappings"), a, &as->uids, &as->nuids);
	return r ? r : read_maps(member(c->s->os, "gidMappings"), a, &as->gids,
	    &as->ngids);
}
