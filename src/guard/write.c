/*
 * write.c: the record as text, and the table of its members.  The same record
 * is always the same bytes: read.c takes nothing else.
 */
#include <string.h>

#include "guard/guard_int.h"

/* ---- what texts must be ---- */

static bool check_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	}
	return s.n <= GUARD_TEXT;
}

static bool check_some(struct slice s)
{
	return s.n && check_plain(s);
}

static bool check_name(struct slice s)
{
	return s.n < BOUND_NAME && check_some(s);
}

static bool check_who(struct slice s)
{
	const struct slice service = SLICE("service:");

	if (slice_starts(s, service))
		s = (struct slice){ s.p + service.n, s.n - service.n };
	return check_name(s);
}

static bool check_path_or_none(struct slice s)
{
	return !s.n || path_clean(s);
}

static bool check_target(struct slice s)
{
	return path_clean(s) && s.n > 1;
}

static bool check_host(struct slice s)
{
	return !s.n || slice_is(s, "host");
}

static bool check_joined(struct slice s)
{
	const struct slice other = SLICE("container:");

	if (check_host(s))
		return true;
	return slice_starts(s, other) &&
	    id_full((struct slice){ s.p + other.n, s.n - other.n });
}

static bool check_joined_or_none(struct slice s)
{
	return slice_is(s, "none") || check_joined(s);
}

static bool check_cgroup(struct slice s)
{
	const struct slice end = SLICE(".slice");

	if (!s.n || check_target(s))
		return true;
	return s.n > end.n && check_plain(s) && !memchr(s.p, '/', s.n) &&
	    slice_equal((struct slice){ s.p + s.n - end.n, end.n }, end);
}

static bool check_access(struct slice s)
{
	static const char letters[] = "rwm";
	unsigned seen = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = memchr(letters, s.p[i], 3);
		unsigned bit = at ? 1u << (at - letters) : 0;

		if (!bit || seen & bit)
			return false;
		seen |= bit;
	}
	return s.n > 0;
}

/* ---- the table ---- */

static const char *const seccomps[] = {
	[GUARD_SECCOMP_DEFAULT] = "default", [GUARD_SECCOMP_CUSTOM] = "custom",
	[GUARD_SECCOMP_NONE] = "none", NULL
};
static const char *const kinds[] = {
	[GUARD_BIND] = "bind", [GUARD_VOLUME] = "volume",
	[GUARD_DRIVEN] = "driven", [GUARD_TMPFS] = "tmpfs",
	[GUARD_IMAGE] = "image", NULL
};

#define AT(o, field)	.at = offsetof(struct guard_##o, field)
#define TEXT(o, name_, field, check_, must_) \
	{ .name = name_, .type = MEMBER_TEXT, AT(o, field), .check = check_, \
	  .must = must_ }
#define BOOL(o, name_, field)	{ .name = name_, .type = MEMBER_BOOL, AT(o, field) }
#define UID(o, name_, field)	{ .name = name_, .type = MEMBER_UID, AT(o, field) }
#define BITS(o, name_, field)	{ .name = name_, .type = MEMBER_BITS, AT(o, field) }
#define WORD(o, name_, field, words_) \
	{ .name = name_, .type = MEMBER_WORD, AT(o, field), .words = words_ }
#define ASKED(o, name_, field)	{ .name = name_, .type = MEMBER_ASKED, AT(o, field) }
#define LIST(o, name_, field, type_) \
	{ .name = name_, .type = type_, AT(o, field), .check = check_some, \
	  .must = "a plain text", .n = offsetof(struct guard_##o, n##field) }

#define PATH	"a clean, absolute path"
#define PLAIN	"a plain text"
#define SPACE	"\"\", host or container: with a full id"

static const struct member record_rows[] = {
	TEXT(record, "container", container, id_full, "a full id"),
	UID(record, "uid", uid),
	TEXT(record, "user", user, check_who, "a name"),
	TEXT(record, "engine_root", engine_root, check_target, PATH),
	TEXT(record, "bind_dir", bind_dir, check_path_or_none, PATH),
	TEXT(record, "as_user", as_user, check_plain, PLAIN),
	LIST(record, "groups", groups, MEMBER_TEXTS),
	BOOL(record, "privileged", privileged),
	BITS(record, "cap_add", cap_add),
	BITS(record, "cap_drop", cap_drop),
	BOOL(record, "powerless", powerless),
	BOOL(record, "no_new_privs", no_new_privs),
	BOOL(record, "read_only", read_only),
	BOOL(record, "init", init),
	WORD(record, "seccomp", seccomp, seccomps),
	BOOL(record, "unmasked", unmasked),
	LIST(record, "security", security, MEMBER_TEXTS),
	TEXT(record, "network", spaces.network, check_joined_or_none,
	    "\"\", none, host or container: with a full id"),
	TEXT(record, "pid", spaces.pid, check_joined, SPACE),
	TEXT(record, "ipc", spaces.ipc, check_joined_or_none,
	    "\"\", none, host or container: with a full id"),
	TEXT(record, "uts", spaces.uts, check_host, "\"\" or host"),
	TEXT(record, "cgroupns", spaces.cgroup, check_host, "\"\" or host"),
	TEXT(record, "userns", spaces.user, check_host, "\"\" or host"),
	TEXT(record, "cgroup_parent", cgroup_parent, check_cgroup,
	    "an absolute path, or a slice"),
	BOOL(record, "oom_negative", oom_negative),
	LIST(record, "sysctls", sysctls, MEMBER_TEXTS),
	LIST(record, "devices", devices, MEMBER_DEVICES),
	BOOL(record, "gpus", gpus),
	LIST(record, "mounts", mounts, MEMBER_MOUNTS),
	ASKED(record, "asked_binds", asked_binds),
	ASKED(record, "asked_mounts", asked_mounts)
};

static const struct member device_rows[] = {
	TEXT(device, "path", path, check_some, PLAIN),
	TEXT(device, "access", access, check_access, "of the letters rwm")
};

static const struct member mount_rows[] = {
	WORD(mount, "kind", kind, kinds),
	TEXT(mount, "target", target, check_target, PATH),
	TEXT(mount, "source", source, check_plain, PLAIN),
	BOOL(mount, "read_only", read_only)
};

static const struct member bind_rows[] = {
	TEXT(mount, "within", within, path_clean, PATH),
	BOOL(mount, "make", make),
	BOOL(mount, "unmapped", unmapped),
	UID(mount, "uid", uid),
	TEXT(mount, "user", user, check_name, "a name")
};

const struct member_table
    record_members = { record_rows, countof(record_rows) },
    device_members = { device_rows, countof(device_rows) },
    mount_members = { mount_rows, countof(mount_rows) },
    bind_members = { bind_rows, countof(bind_rows) };

/* ---- writing ---- */

static void object_write(struct buf *out, const struct member_table *t,
    const void *o);

static void texts_write(struct buf *out, const struct slice *all, size_t n)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(out, ',');
		buf_add_json_string(out, all[i]);
	}
	buf_addc(out, ']');
}

static void devices_write(struct buf *out, const struct guard_device *all, size_t n)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_addz(out, i ? ",{" : "{");
		object_write(out, &device_members, &all[i]);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void mounts_write(struct buf *out, const struct guard_mount *all, size_t n)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_addz(out, i ? ",{" : "{");
		object_write(out, &mount_members, &all[i]);
		if (all[i].kind == GUARD_BIND) {
			buf_addc(out, ',');
			object_write(out, &bind_members, &all[i]);
		}
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static size_t length(const struct member *m, const char *o)
{
	size_t n;

	memcpy(&n, o + m->n, sizeof(n));
	return n;
}

static void member_write(struct buf *out, const struct member *m, const char *o)
{
	const void *at = o + m->at;

	switch (m->type) {
	case MEMBER_TEXT:
	case MEMBER_ASKED:
		buf_add_json_string(out, *(const struct slice *)at);
		return;
	case MEMBER_BOOL:
		buf_addz(out, *(const bool *)at ? "true" : "false");
		return;
	case MEMBER_UID:
		buf_addu(out, *(const uint32_t *)at);
		return;
	case MEMBER_BITS:
		buf_addf(out, "\"%016llx\"",
		    (unsigned long long)*(const uint64_t *)at);
		return;
	case MEMBER_WORD:
		buf_addf(out, "\"%s\"", m->words[*(const unsigned *)at]);
		return;
	case MEMBER_TEXTS:
		texts_write(out, *(const struct slice *const *)at, length(m, o));
		return;
	case MEMBER_DEVICES:
		devices_write(out, *(const struct guard_device *const *)at,
		    length(m, o));
		return;
	case MEMBER_MOUNTS:
		mounts_write(out, *(const struct guard_mount *const *)at,
		    length(m, o));
		return;
	}
}

static void object_write(struct buf *out, const struct member_table *t,
    const void *o)
{
	for (size_t i = 0; i < t->n; i++) {
		buf_addz(out, i ? ",\"" : "\"");
		buf_addz(out, t->first[i].name);
		buf_addz(out, "\":");
		member_write(out, &t->first[i], o);
	}
}

void line_write(const struct guard_record *r, struct buf *out)
{
	buf_addz(out, "{\"version\":");
	buf_addu(out, GUARD_VERSION);
	buf_addc(out, ',');
	object_write(out, &record_members, r);
	buf_addz(out, "}\n");
}

bool guard_write(const struct guard_record *r, struct buf *out)
{
	size_t start = out->len;
	char sum[GUARD_SUM];

	line_write(r, out);
	if (!buf_ok(out) || out->len - start > GUARD_LINE)
		return false;
	sum_write((struct slice){ out->p + start, out->len - start }, sum);
	buf_addz(out, "sha256 ");
	buf_add(out, sum, sizeof(sum));
	buf_addc(out, '\n');
	return buf_ok(out);
}
