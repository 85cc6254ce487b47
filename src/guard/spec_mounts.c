/*
 * spec_mounts.c: each mount of a spec is the Engine's own, or one that was
 * recorded for its target, of that kind, from that source, and read-only where
 * that was said.  A volume of an image that nobody named is the Engine's: its
 * source is a volume that has no name but 64 digits.
 */
#include <stdio.h>
#include <string.h>

#include "guard/spec_int.h"

#define RECORDED_DRIFT	"which was not allowed"

/* What every container has.  ro: unless it is privileged. */
static const struct own_mount {
	const char *target, *type, *source;
	bool ro;
} own_mounts[] = {
	{ "/proc", "proc", "proc", false },
	{ "/dev", "tmpfs", "tmpfs", false },
	{ "/dev/pts", "devpts", "devpts", false },
	{ "/sys", "sysfs", "sysfs", true },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", true },
	{ "/dev/mqueue", "mqueue", "mqueue", false },
	{ "/dev/shm", "tmpfs", "shm", false }
};

bool options_have(const json_t *mount, const char *words)
{
	json_t *v;
	size_t i;

	json_array_foreach(member(mount, "options"), i, v)
		if (word_in(text_of(v), words))
			return true;
	return false;
}

/* Takes prefix off s. */
static bool strip(struct slice *s, struct slice prefix)
{
	if (!slice_starts(*s, prefix))
		return false;
	s->p += prefix.n;
	s->n -= prefix.n;
	return true;
}

static bool is_hex64(struct slice s)
{
	return s.n == 64 && strspn(s.p, "0123456789abcdef") >= 64;
}

/* ENGINE_ROOT/volumes/NAME/_data; name "": one that only the Engine named. */
static bool is_volume(const struct compare *c, struct slice source,
    struct slice name)
{
	struct slice rest = source, first;
	char data[1024];

	if (!strip(&rest, c->r->engine_root))
		return false;
	if (strip(&rest, SLICE("/volumes/"))) {
		first = slice_cut(&rest, '/');
		return slice_is(rest, "_data") &&
		    (name.n ? slice_equal(first, name) : is_hex64(first));
	}
	if (!name.n || !strip(&rest, SLICE("/tmp/safe-mount")))
		return false;
	/* A part of a volume: the Engine mounts it where it can be trusted. */
	snprintf(data, sizeof(data), "/volumes/%.*s/_data", SLICE_ARG(name));
	return !memchr(rest.p, '/', rest.n) &&
	    c->look->mounted(source, slice_from(data));
}

/* A file of the Engine's for this container, or for the one it joins. */
static bool is_file_of(const struct compare *c, struct slice source,
    struct slice file, struct slice asked)
{
	struct slice rest = source, id, joined = space_container(asked);

	if (!strip(&rest, c->r->engine_root) ||
	    !strip(&rest, SLICE("/containers/")))
		return false;
	id = slice_cut(&rest, '/');
	return slice_equal(rest, file) &&
	    (slice_equal(id, c->r->container) ||
	    (joined.n && slice_equal(id, joined)));
}

/* The Engine's own binds; init is a program of the host's. */
static bool is_own_bind(const struct compare *c, const json_t *m,
    struct slice target, struct slice source)
{
	const struct guard_spaces *s = &c->r->spaces;
	struct slice file = target;

	if (strip(&file, SLICE("/etc/")) &&
	    word_in(file, "hosts hostname resolv.conf") &&
	    is_file_of(c, source, file, s->network))
		return true;
	if (slice_is(target, "/dev/shm"))
		return slice_is(s->ipc, "host") ? slice_is(source, "/dev/shm") :
		    is_file_of(c, source, SLICE("mounts/shm"), s->ipc);
	if (slice_is(target, "/sbin/docker-init"))
		return c->r->init && options_have(m, "ro") &&
		    !slice_equal(source, c->r->bind_dir);
	return is_volume(c, source, SLICE(""));
}

static int compare_own(struct compare *c, const json_t *m)
{
	struct slice target = text_in(m, "destination");
	struct slice source = text_in(m, "source"), type = text_in(m, "type");

	for (size_t i = 0; i < countof(own_mounts); i++) {
		const struct own_mount *o = &own_mounts[i];

		if (!slice_is(target, o->target) || !slice_is(type, o->type) ||
		    !slice_is(source, o->source))
			continue;
		/* Docker cannot have it read-only in a user name space. */
		if (!o->ro || c->r->privileged || options_have(m, "ro") ||
		    (c->user_space && slice_is(type, "cgroup")))
			return GUARD_GOOD;
		return differs(c, "has %s writable", o->target);
	}
	if (slice_is(type, "bind") && is_own_bind(c, m, target, source))
		return GUARD_GOOD;
	return differs(c, "mounts %s on %s, " RECORDED_DRIFT, source.p,
	    target.p);
}

/* Below the Engine's directory, where images are. */
static bool is_image(const struct compare *c, struct slice source)
{
	struct slice rest = source;

	return strip(&rest, c->r->engine_root) && strip(&rest, SLICE("/")) &&
	    !word_in(slice_cut(&rest, '/'), "containers volumes swarm plugins "
	    "network tmp trust");
}

static int compare_recorded(struct compare *c, const json_t *m,
    const struct guard_mount *g)
{
	struct slice source = text_in(m, "source"), type = text_in(m, "type");
	bool ro = options_have(m, "ro rro"), good = slice_is(type, "bind");

	switch (g->kind) {
	case GUARD_BIND:		/* place.c makes it read-only */
		good = good && slice_equal(source, c->r->bind_dir);
		ro = true;
		break;
	case GUARD_VOLUME:
		good = good && is_volume(c, source, g->source);
		break;
	case GUARD_DRIVEN:
		good = good && source.n && source.p[0] == '/' &&
		    !slice_equal(source, c->r->bind_dir);
		break;
	case GUARD_TMPFS:
		good = slice_is(type, "tmpfs");
		break;
	case GUARD_IMAGE:
		good = good && is_image(c, source) && ro;
		break;
	}
	if (!good)
		return differs(c, "mounts %s (%s) on %.*s, " RECORDED_DRIFT,
		    source.p, type.p, SLICE_ARG(g->target));
	if (g->read_only && !ro)
		return differs(c, "has %.*s writable, which was to be read-only",
		    SLICE_ARG(g->target));
	return GUARD_GOOD;
}

const struct guard_mount *recorded(const struct guard_record *r,
    struct slice target)
{
	for (size_t i = 0; i < r->nmounts; i++)
		if (slice_equal(r->mounts[i].target, target))
			return &r->mounts[i];
	return NULL;
}

int compare_mounts(struct compare *c)
{
	json_t *m;
	size_t i;

	json_array_foreach(c->s->mounts, i, m) {
		struct slice target = text_in(m, "destination");
		const struct guard_mount *g = recorded(c->r, target);

		if (keys_known(c, m, "mounts", "destination type source options"))
			return GUARD_BAD;
		if (options_have(m, "shared rshared slave rslave idmap ridmap"))
			return differs(c, "shares the mount %s", target.p);
		if (g ? compare_recorded(c, m, g) : compare_own(c, m))
			return GUARD_BAD;
		for (size_t j = 0; g && j < i; j++)
			if (slice_equal(target, text_in(json_array_get(
			    c->s->mounts, j), "destination")))
				return differs(c, "mounts %s twice", target.p);
	}
	return GUARD_GOOD;
}

/* ---- where targets lead ---- */

/* runc makes devices when all is mounted: none may get into what is the user's,
 * where it would stay, his, and be opened from outside of the container. */
static int compare_made(struct compare *c, struct slice target,
    struct slice real)
{
	json_t *v;
	size_t i;

	if (guard_within(SLICE("/dev"), real))
		return differs(c, "mounts a bind on %.*s, where runc makes "
		    "devices", SLICE_ARG(target));
	json_array_foreach(member(c->s->os, "devices"), i, v) {
		struct slice path = text_in(v, "path"), at;

		if (!c->look->leads(c->s->rootfs, path, c->a, &at) ||
		    guard_within(at, real))
			return differs(c, "has the device %s, which would be "
			    "made in the bind %.*s", path.p, SLICE_ARG(target));
	}
	return GUARD_GOOD;
}

/* Images have links in them. */
int compare_targets(struct compare *c)
{
	const struct slice places[] = { SLICE("/dev"), SLICE("/proc"),
		SLICE("/sys") };

	for (size_t i = 0; i < c->r->nmounts; i++) {
		const struct guard_mount *m = &c->r->mounts[i];
		struct slice real;

		if (!c->look->leads(c->s->rootfs, m->target, c->a, &real))
			return differs(c, "mounts %.*s, and in this image a "
			    "link is there that leads nowhere",
			    SLICE_ARG(m->target));
		for (size_t k = 0; k < countof(places); k++)
			if (guard_within(real, places[k]) &&
			    !guard_within(m->target, places[k]))
				return differs(c, "mounts %.*s, which leads to "
				    "%.*s in this image", SLICE_ARG(m->target),
				    SLICE_ARG(real));
		if (m->kind == GUARD_BIND && compare_made(c, m->target, real))
			return GUARD_BAD;
	}
	return GUARD_GOOD;
}
