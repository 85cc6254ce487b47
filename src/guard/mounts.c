/*
 * mounts.c: may what was opened for a bind be bound, and did the copies of it
 * bring something along that users must not have?  The table of mounts is read
 * when all copies are in place: no race is left then.
 *
 * Who controls what: which tree, the user; what is mounted in it, root.
 */
#include <errno.h>
#include <string.h>

#include "guard/guard_int.h"

/* ---- what was opened ---- */

static int bound_bad(const struct guard_bound *b, struct slice real,
    const char *why, struct buf *err)
{
	buf_addf(err, "%.*s ", SLICE_ARG(b->m->source));
	if (!slice_equal(b->m->source, real))
		buf_addf(err, "leads to %.*s, which ", SLICE_ARG(real));
	buf_addz(err, why);
	return GUARD_BAD;
}

int bound_check(const struct guard_bound *b, const struct guard_deny *deny,
    struct buf *err)
{
	struct slice source = b->m->source;

	if (!b->plain)
		return bound_bad(b, source, "is neither a directory nor a "
		    "regular file: bind the directory that it is in", err);
	if (!b->path.n || !b->within.n)
		return bound_bad(b, source, "was just moved or removed: start "
		    "the container again", err);
	if (guard_denied(source, deny->paths, deny->n) ||
	    guard_denied(b->path, deny->paths, deny->n))
		return bound_bad(b, b->path, "nobody may bind: bind a directory "
		    "of your own", err);
	if (guard_within(b->path, b->within))
		return GUARD_GOOD;
	(void)bound_bad(b, b->path, "is not inside ", err);
	buf_addf(err, "%.*s, where the policy permits the bind: bind a path "
	    "that is", SLICE_ARG(b->m->within));
	return GUARD_BAD;
}

int unmappable_refuse(const struct guard_mount *m, struct slice type, int error,
    struct buf *err)
{
	buf_addf(err, "%.*s is on %.*s, which %s: use a directory on ext4, xfs "
	    "or btrfs, or ask the administrator for a bind line with the word "
	    "unmapped", SLICE_ARG(m->source), SLICE_ARG(type), error == EPERM ?
	    "is mapped already, as systemd-homed does, and is not mapped twice" :
	    "this kernel cannot map to the container's users");
	return GUARD_BAD;
}

/* Without a map the container's processes are the caller himself, and nothing
 * is in the way but the kernel's ordinary rules. */
int unmapped_check(const struct guard_mount *m, bool powerless, uint32_t owner,
    struct buf *err)
{
	if (powerless && owner == m->uid)
		return GUARD_GOOD;
	buf_addf(err, powerless ? "%.*s cannot be mapped, and without a map only "
	    "what belongs to %.*s himself is bound: bind a directory of his" :
	    "%.*s cannot be mapped, and this container does not run as %.*s: "
	    "make it anew without --user, and not with userns-remap",
	    SLICE_ARG(m->source), SLICE_ARG(m->user));
	return GUARD_BAD;
}

/* ---- the table ---- */

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static struct slice unescape(struct slice s, char *room, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < size; i++) {
		if (s.p[i] == '\\' && i + 3 < s.n) {
			room[n++] = (char)((s.p[i + 1] - '0') << 6 |
			    (s.p[i + 2] - '0') << 3 | (s.p[i + 3] - '0'));
			i += 3;
		} else {
			room[n++] = s.p[i];
		}
	}
	return (struct slice){ room, n };
}

/* id parent major:minor root point options [optional...] - type source ... */
bool mounts_next(struct slice *text, struct mount_line *out)
{
	struct slice line, word;

	if (!text->n)
		return false;
	line = slice_cut(text, '\n');
	if (!slice_number(slice_cut(&line, ' '), UINT64_MAX, &out->id))
		out->id = 0;
	(void)slice_cut(&line, ' ');
	(void)slice_cut(&line, ' ');
	out->root = slice_cut(&line, ' ');
	out->point = unescape(slice_cut(&line, ' '), out->room,
	    sizeof(out->room));
	out->unbindable = false;
	do {
		word = slice_cut(&line, ' ');
		if (slice_is(word, "unbindable"))
			out->unbindable = true;
	} while (line.n && !slice_is(word, "-"));
	out->type = slice_cut(&line, ' ');
	return true;
}

/* Does root hold dir, above what users name? */
static bool root_shows(struct slice root, struct slice dir)
{
	const char *at = memmem(root.p, root.n, dir.p, dir.n);

	return at && !memmem(root.p, (size_t)(at - root.p) + 1, "/_data/", 7) &&
	    (at + dir.n == root.p + root.n || at[dir.n] == '/');
}

bool mounts_show(struct slice text, struct slice path, struct slice dir)
{
	struct mount_line l;
	bool found = false;

	/* The last one is what lies on top. */
	while (mounts_next(&text, &l))
		if (slice_equal(l.point, path))
			found = root_shows(l.root, dir);
	return found;
}

/* ---- what came along ---- */

/* File systems through which the kernel is told things, and those whose files
 * stand for something else. */
static bool is_pseudo(struct slice type)
{
	return word_in(type, "autofs binfmt_misc bpf cgroup cgroup2 configfs "
	    "debugfs devpts devtmpfs efivarfs fusectl mqueue nsfs proc pstore "
	    "rpc_pipefs securityfs selinuxfs sysfs tracefs");
}

static bool below(struct slice path, struct slice top)
{
	return path.n > top.n && guard_within(path, top);
}

int mounts_refuse(const struct guard_mount *m, struct slice point,
    struct slice type, struct buf *err)
{
	buf_addf(err, "%.*s has %.*s mounted at %.*s, which cannot be bound for "
	    "a user: bind a directory beside it", SLICE_ARG(m->source),
	    SLICE_ARG(type), SLICE_ARG(point));
	return GUARD_BAD;
}

/* A mount in b's copy; rest is where, below it.  Told with the path that the
 * user knows. */
static int copied_check(const struct mount_line *l, struct slice rest,
    const struct guard_bound *b, const struct guard_deny *deny, struct buf *err)
{
	_cleanup_(buf_free) struct buf at = BUF(2 * sizeof(l->room));

	/* "/" and what is below it would have two. */
	buf_add(&at, b->path.p, b->path.n - (rest.n && b->path.n == 1));
	buf_adds(&at, rest);
	if (!buf_ok(&at))
		return -ENOMEM;
	if (!is_pseudo(l->type) &&
	    !guard_denied(buf_slice(&at), deny->paths, deny->n))
		return GUARD_GOOD;
	return mounts_refuse(b->m, buf_slice(&at), l->type, err);
}

static int line_check(const struct mount_line *l, struct slice at,
    const struct guard_bound *b, size_t n, const struct guard_deny *deny,
    struct buf *err)
{
	struct slice rest = l->point, name;
	uint64_t i;

	if (below(l->point, at)) {
		rest.p += at.n + 1;
		rest.n -= at.n + 1;
		name = rest;
		name = slice_cut(&name, '/');
		rest.p += name.n;
		rest.n -= name.n;
		return slice_number(name, n - 1, &i) ?
		    copied_check(l, rest, &b[i], deny, err) : GUARD_GOOD;
	}
	/* Is left out of copies: what it hides would show. */
	for (i = 0; l->unbindable && i < n; i++)
		if (below(l->point, b[i].path))
			return mounts_refuse(b[i].m, l->point, l->type, err);
	return GUARD_GOOD;
}

int mounts_check(struct slice text, struct slice at, const struct guard_bound *b,
    size_t n, const struct guard_deny *deny, struct buf *err)
{
	struct mount_line l;
	size_t found = 0;
	int r = GUARD_GOOD;

	while (!r && mounts_next(&text, &l)) {
		r = line_check(&l, at, b, n, deny, err);
		found += below(l.point, at);
	}
	if (r || found >= n)
		return r;
	buf_addf(err, "%.*s: binds are missing in the table of mounts",
	    SLICE_ARG(at));
	return GUARD_BAD;
}
