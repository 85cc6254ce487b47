/*
 * spec_write.c: config.json written anew, harmless: volumes nosuid and nodev,
 * tmpfs nodev, binds where dockbroker-oci put them.
 */
#include <errno.h>
#include <string.h>

#include "guard/spec_int.h"

/* Without the words of `drop', and with those of `add' at the end, where they win. */
static int options_change(json_t *mount, const char *drop, const char *add)
{
	json_t *list = json_array(), *v;
	struct slice rest = slice_from(add);
	size_t i;
	int r = 0;

	json_array_foreach(member(mount, "options"), i, v)
		if (!word_in(text_of(v), drop) && !word_in(text_of(v), add))
			r |= json_array_append(list, v);
	while (rest.n) {
		struct slice word = slice_cut(&rest, ' ');

		r |= json_array_append_new(list, json_stringn(word.p, word.n));
	}
	r |= json_object_set_new(mount, "options", list);
	return r ? -ENOMEM : 0;
}

static int settle_bind(json_t *mount, struct slice path)
{
	json_t *list = json_pack("[ss]", "rbind", "rprivate");

	/* No flag more: runc would mount anew, and undo what place.c did. */
	return json_object_set_new(mount, "options", list) ||
	    json_object_set_new(mount, "source",
	    json_stringn(path.p, path.n)) ? -ENOMEM : 0;
}

int spec_settle(struct spec *s, const struct guard_record *r,
    const struct slice *paths)
{
	struct slice volumes = r->engine_root;
	json_t *m;
	size_t i;
	int e = 0;

	json_array_foreach(s->mounts, i, m) {
		const struct guard_mount *g = recorded(r,
		    text_in(m, "destination"));
		struct slice source = text_in(m, "source");

		if (g && g->kind == GUARD_BIND)
			e |= settle_bind(m, paths[g - r->mounts]);
		else if (g && g->kind == GUARD_TMPFS)
			e |= options_change(m, "dev rdev", "nodev");
		else if (g || (guard_within(source, volumes) &&
		    memmem(source.p, source.n, "/volumes/", 9)))
			e |= options_change(m, "dev rdev suid rsuid",
			    "nosuid nodev");
	}
	return e ? -ENOMEM : 0;
}

static int drop_mknod(json_t *process)
{
	json_t *set;
	const char *key;

	json_object_foreach(member(process, "capabilities"), key, set) {
		for (size_t i = json_array_size(set); i > 0; i--)
			if (slice_is(text_of(json_array_get(set, i - 1)),
			    "CAP_MKNOD"))
				(void)json_array_remove(set, i - 1);
	}
	return 0;
}

int spec_deaden(struct spec *s)
{
	json_t *m;
	size_t i;
	int e = drop_mknod(s->process);

	json_array_foreach(s->mounts, i, m) {
		if (!guard_within(text_in(m, "destination"), SLICE("/dev")) &&
		    word_in(text_in(m, "type"), "bind tmpfs"))
			e |= options_change(m, "dev rdev", "nodev");
	}
	return e;
}

/* ---- as text ---- */

static int to_buf(const char *p, size_t n, void *arg)
{
	buf_add(arg, p, n);
	return 0;
}

static void put(struct buf *out, const json_t *v)
{
	if (json_dump_callback(v, to_buf, out, JSON_COMPACT | JSON_ENCODE_ANY))
		out->failed = true;
}

/* A key, with a comma before it but at first. */
static void put_key(struct buf *out, const char *key)
{
	if (out->len && out->p[out->len - 1] != '{')
		buf_addc(out, ',');
	buf_add_json_string(out, slice_from(key));
	buf_addc(out, ':');
}

static bool is_digits(struct slice s)
{
	return s.n && strspn(s.p, "0123456789") == s.n;
}

/* Limits of 64 bits are numbers again: see spec.c. */
static void put_limits(struct buf *out, const json_t *limits)
{
	json_t *limit, *v;
	const char *key;
	size_t i;

	buf_addc(out, '[');
	json_array_foreach(limits, i, limit) {
		buf_addz(out, i ? ",{" : "{");
		json_object_foreach(limit, key, v) {
			put_key(out, key);
			if (is_digits(text_of(v)))
				buf_adds(out, text_of(v));
			else
				put(out, v);
		}
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void put_process(struct buf *out, const json_t *process)
{
	json_t *v;
	const char *key;

	buf_addc(out, '{');
	json_object_foreach((json_t *)process, key, v) {
		put_key(out, key);
		if (!strcmp(key, "rlimits"))
			put_limits(out, v);
		else
			put(out, v);
	}
	buf_addc(out, '}');
}

void spec_print(const struct spec *s, struct buf *out)
{
	json_t *v;
	const char *key;

	buf_addc(out, '{');
	json_object_foreach(s->root, key, v) {
		put_key(out, key);
		if (v == s->process)
			put_process(out, v);
		else
			put(out, v);
	}
	buf_addc(out, '}');
}
