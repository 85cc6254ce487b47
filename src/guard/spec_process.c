/*
 * spec_process.c: whom the container runs as, and with which powers.  Names of
 * users and groups are looked up by the Engine in the image, whose files are
 * anybody's: only what was asked for as a number is known to us.
 */
#include <string.h>

#include "guard/spec_int.h"

/* By number, as the kernel has them. */
static const char *const capabilities[] = {
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL",
	"SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE",
	"NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
	"SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
	"SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL",
	"SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE"
};
_Static_assert(countof(capabilities) == 41, "as in linux/capability.h");

const char *guard_capability(size_t number)
{
	return number < countof(capabilities) ? capabilities[number] : NULL;
}

/* Docker's own, but for MKNOD: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID
 * SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT AUDIT_WRITE SETFCAP */
#define BIT(n)	(UINT64_C(1) << (n))
#define DEFAULTS	(BIT(0) | BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | \
	BIT(7) | BIT(8) | BIT(10) | BIT(13) | BIT(18) | BIT(29) | BIT(31))

static uint64_t allowed(const struct guard_record *r)
{
	if (r->powerless)
		return 0;
	if (r->cap_add == UINT64_MAX)	/* then a drop of all means nothing */
		return r->cap_drop == UINT64_MAX ? UINT64_MAX : ~r->cap_drop;
	return (DEFAULTS & ~r->cap_drop) | r->cap_add;
}

static uint64_t capability(struct slice name)
{
	if (!slice_starts(name, SLICE("CAP_")))
		return 0;
	name.p += 4;
	name.n -= 4;
	for (size_t i = 0; i < countof(capabilities); i++)
		if (slice_is(name, capabilities[i]))
			return BIT(i);
	return 0;
}

static int compare_capabilities(struct compare *c)
{
	json_t *sets = member(c->s->process, "capabilities"), *set, *v;
	uint64_t may = allowed(c->r), bit;
	const char *which;
	size_t i;

	if (c->r->privileged)
		return GUARD_GOOD;
	if (keys_known(c, sets, "process.capabilities",
	    "bounding effective inheritable permitted ambient"))
		return GUARD_BAD;
	json_object_foreach(sets, which, set) {
		json_array_foreach(set, i, v) {
			bit = capability(text_of(v));
			if (!bit || !(bit & may))
				return differs(c, "has the capability %s (%s), "
				    "which was not allowed", text_of(v).p,
				    which);
		}
	}
	return GUARD_GOOD;
}

/* -1: there is no such number. */
static int64_t id_of(const json_t *v)
{
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	return n <= UINT32_MAX ? n : -1;
}

/* With an unmapped bind the process meets the disk as what it is. */
static int compare_powerless(struct compare *c, const struct runs_as *as)
{
	json_t *v, *user = member(c->s->process, "user");
	struct slice gid = c->r->as_user, uid = slice_cut(&gid, ':');
	uint64_t n;
	size_t i;

	if (!slice_number(uid, UINT32_MAX, &n) || as->uid != c->r->uid ||
	    !slice_number(gid, UINT32_MAX, &n))
		return differs(c, "runs as uid %u, which must be %u because of "
		    "an unmapped bind", as->uid, c->r->uid);
	json_array_foreach(member(user, "additionalGids"), i, v) {
		if (id_of(v) != as->gid)
			return differs(c, "has the group %lld, and with an "
			    "unmapped bind there is none but %u",
			    (long long)id_of(v), as->gid);
	}
	return GUARD_GOOD;
}

static int compare_user(struct compare *c, struct runs_as *as)
{
	json_t *user = member(c->s->process, "user");
	struct slice gid = c->r->as_user, uid = slice_cut(&gid, ':');
	uint64_t n;

	if (keys_known(c, user, "process.user", "uid gid umask additionalGids"))
		return GUARD_BAD;
	if (id_of(member(user, "uid")) < 0 || id_of(member(user, "gid")) < 0)
		return differs(c, "has no user");
	as->uid = (uint32_t)id_of(member(user, "uid"));
	as->gid = (uint32_t)id_of(member(user, "gid"));
	if (slice_number(uid, UINT32_MAX, &n) && n != as->uid)
		return differs(c, "runs as uid %u, and %.*s was asked for: the "
		    "image calls another user so", as->uid, SLICE_ARG(uid));
	if (slice_number(gid, UINT32_MAX, &n) && n != as->gid)
		return differs(c, "runs as gid %u, and %.*s was asked for: the "
		    "image calls another group so", as->gid, SLICE_ARG(gid));
	return c->r->powerless ? compare_powerless(c, as) : GUARD_GOOD;
}

/* "apparmor=x" of what was permitted, or "". */
static struct slice permitted(const struct compare *c, const char *word)
{
	for (size_t i = 0; i < c->r->nsecurity; i++) {
		struct slice value = c->r->security[i];
		struct slice key = slice_cut(&value, '=');

		if (!value.n)		/* the old form */
			(value = c->r->security[i], key = slice_cut(&value, ':'));
		if (slice_is(key, word))
			return value;
	}
	return SLICE("");
}

static int compare_labels(struct compare *c)
{
	struct slice profile = text_in(c->s->process, "apparmorProfile");
	struct slice label = text_in(c->s->process, "selinuxLabel");
	struct slice asked = permitted(c, "apparmor");

	if (c->r->privileged)
		return GUARD_GOOD;
	if (profile.n == 0 && !asked.n && c->look->apparmor())
		return differs(c, "names no AppArmor profile");
	if (slice_is(profile, "unconfined") && !slice_is(asked, "unconfined"))
		return differs(c, "is not confined by AppArmor");
	if (asked.n && profile.n && !slice_equal(asked, profile))
		return differs(c, "has the AppArmor profile %s, which was not "
		    "allowed", profile.p);
	if (memmem(label.p, label.n, ":spc_t:", 7) && !permitted(c, "label").n &&
	    !slice_is(c->r->spaces.pid, "host") &&
	    !slice_is(c->r->spaces.ipc, "host"))
		return differs(c, "is not confined by SELinux");
	return GUARD_GOOD;
}

int compare_process(struct compare *c, struct runs_as *as)
{
	const struct guard_record *r = c->r;
	json_t *p = c->s->process;

	if (keys_known(c, p, "process", "terminal consoleSize user args env cwd "
	    "capabilities rlimits noNewPrivileges apparmorProfile oomScoreAdj "
	    "selinuxLabel") ||
	    compare_user(c, as) || compare_capabilities(c) || compare_labels(c))
		return GUARD_BAD;
	if ((r->no_new_privs || r->powerless) &&
	    !json_is_true(member(p, "noNewPrivileges")))
		return differs(c, "lets processes gain privileges, which was "
		    "to be refused");
	if (!r->oom_negative &&
	    json_integer_value(member(p, "oomScoreAdj")) < 0)
		return differs(c, "has an OOM score below 0, which was not "
		    "allowed");
	return GUARD_GOOD;
}
