/*
 * answer_mount.c: mounts of containers as they were asked for.  The Engine knows
 * one directory as the source of all binds and has volumes as Mounts; what was
 * asked for, and what stands behind a target, is in the container's record.
 *
 * Invariants: without a record nothing changes; what is not understood (a member
 * twice, a text of the record that is no list) stays as the Engine has it.
 */
#include <string.h>

#include "docker/answer_int.h"
#include "docker/names.h"

const struct guard_record *answer_record(struct answer *a)
{
	if (!a->asked_record) {
		a->asked_record = true;
		a->record = a->ops.record ?
		    a->ops.record(a->arg, a->id) : NULL;
	}
	return a->record;
}

/* ---- HostConfig ---- */

/* Something in it, as JSON; what is empty the Engine would not show. */
static bool is_list(struct slice text)
{
	struct scan at = { text.p, text.p, true };
	struct slice raw;

	if (text.n <= 2 || text.p[0] != '[')
		return false;
	at.end += text.n;
	return scan_value(&at, &raw) == SCAN_GOOD && at.p == at.end;
}

static bool is_nothing(struct slice text)
{
	return !text.n || slice_is(text, "null") || slice_is(text, "[]");
}

void edit_binds(struct answer *a, struct edit *e, struct slice value)
{
	const struct guard_record *r = answer_record(a);

	if (!r)
		return;
	if (is_list(r->asked_binds))
		edit_replace(e, value, r->asked_binds);
	else if (is_nothing(r->asked_binds))
		edit_replace(e, value, r->asked_binds.n ? r->asked_binds :
		    SLICE("null"));
}

void edit_asked_mounts(struct answer *a, struct edit *e, struct slice value)
{
	const struct guard_record *r = answer_record(a);

	if (!r)
		return;
	if (is_list(r->asked_mounts))
		edit_replace(e, value, r->asked_mounts);
	else if (is_nothing(r->asked_mounts))
		edit_remove(e, value);
}

/* With binds there are his own groups in it, which he did not ask for. */
void edit_groups(struct answer *a, struct edit *e, struct slice value)
{
	const struct guard_record *r = answer_record(a);
	bool binds = false;

	for (size_t i = 0; r && i < r->nmounts; i++)
		binds |= r->mounts[i].kind == GUARD_BIND;
	if (!binds)
		return;
	buf_reset(&a->tags);
	for (size_t i = 0; i < r->ngroups; i++) {
		buf_addc(&a->tags, i ? ',' : '[');
		buf_add_json_string(&a->tags, r->groups[i]);
	}
	buf_addz(&a->tags, r->ngroups ? "]" : "null");
	if (buf_ok(&a->tags))
		edit_replace(e, value, buf_slice(&a->tags));
}

static void edit_error(struct answer *a, struct edit *e, struct slice value)
{
	static const struct facts none;

	buf_reset(&a->tags);
	if (answer_error(&none, answer_record(a), value, &a->tags) &&
	    buf_ok(&a->tags))
		edit_replace(e, value, buf_slice(&a->tags));
}

/* Why it did not start. */
void edit_state(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = { { "Error", edit_error }, { 0 } };

	edit_members(a, e, value, rules);
}

/* ---- Mounts ---- */

/* One of "Mounts", decoded. */
struct mounted {
	struct slice name, source, target;
};

/* False: a member is there twice. */
static bool mounted_read(struct answer *a, struct slice raw, struct mounted *to)
{
	struct walk w = walk_into(raw);
	unsigned seen = 0, bit;
	struct slice *at;

	*to = (struct mounted){ 0 };
	while (w.close == '}' && walk_next(&w)) {
		if (key_is(&w.m, "Name"))
			bit = 1, at = &to->name;
		else if (key_is(&w.m, "Source"))
			bit = 2, at = &to->source;
		else if (key_is(&w.m, "Destination"))
			bit = 4, at = &to->target;
		else
			continue;
		if (seen & bit)
			return false;
		seen |= bit;
		*at = text_of(w.m.value, &a->memory);
	}
	return to->target.n;
}

/* What the guard mounts there; NULL: it is not the guard's. */
static const struct guard_mount *guarded(const struct guard_record *r,
    const struct mounted *m)
{
	if (!r || !r->bind_dir.n || !slice_equal(m->source, r->bind_dir))
		return NULL;
	for (size_t i = 0; i < r->nmounts; i++) {
		if (r->mounts[i].kind == GUARD_BIND &&
		    slice_equal(r->mounts[i].target, m->target))
			return &r->mounts[i];
	}
	return NULL;
}

static bool same_place(struct answer *a, struct slice raw, struct slice target)
{
	buf_reset(&a->tags);
	return target_clean(raw, &a->tags) &&
	    slice_equal(buf_slice(&a->tags), target);
}

/* The bind of Binds at target: its mode, "ro,cached" of "SOURCE:TARGET:ro,cached". */
static bool bind_at(struct answer *a, struct slice bind, struct slice target,
    struct slice *mode)
{
	struct slice place = bind;

	if (bind.n && memchr(bind.p, ':', bind.n)) {
		slice_cut(&bind, ':');
		place = slice_cut(&bind, ':');
		*mode = bind;
	} else {
		*mode = SLICE("");
	}
	return same_place(a, place, target);
}

/* Is something of Mounts for that place? */
static bool mount_at(struct answer *a, const struct guard_record *r,
    struct slice target)
{
	struct walk w = walk_into(r->asked_mounts), m;

	while (w.close == ']' && walk_next(&w)) {
		m = walk_into(w.m.value);
		while (m.close == '}' && walk_next(&m))
			if (key_is(&m.m, "Target") && same_place(a,
			    text_of(m.m.value, &a->memory), target))
				return true;
	}
	return false;
}

/* Volumes without a name, of Config or the image, which the broker labels. */
static bool is_nameless(const struct guard_record *r, struct slice target)
{
	for (size_t i = 0; i < r->nmounts; i++) {
		if (r->mounts[i].kind == GUARD_VOLUME && !r->mounts[i].source.n &&
		    slice_equal(r->mounts[i].target, target))
			return true;
	}
	return false;
}

/* What the Engine would show as the mode at target; .p NULL: what it does show. */
static struct slice mode_asked(struct answer *a, const struct guard_record *r,
    struct slice target)
{
	struct walk w = walk_into(r->asked_binds);
	struct slice mode;

	while (w.close == ']' && walk_next(&w)) {
		if (bind_at(a, text_of(w.m.value, &a->memory), target, &mode))
			return mode.n ? mode : SLICE_NONE;
	}
	return is_nameless(r, target) && !mount_at(a, r, target) ? SLICE("") :
	    SLICE_NONE;
}

static void edit_source(struct answer *a, struct edit *e, struct slice value)
{
	if (a->mount)
		edit_text(e, value, a->mount->source);
}

static void edit_rights(struct answer *a, struct edit *e, struct slice value)
{
	if (a->mount)
		edit_replace(e, value, a->mount->read_only ? SLICE("false") :
		    SLICE("true"));
}

static void edit_mode_asked(struct answer *a, struct edit *e,
    struct slice value)
{
	if (a->mode.p)
		edit_text(e, value, a->mode);
}

static void edit_mount(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = {
		{ "Source", edit_source },
		{ "Mode", edit_mode_asked },
		{ "RW", edit_rights },
		{ 0 }
	};
	const struct guard_record *r = answer_record(a);
	struct mounted m;

	if (!r || !mounted_read(a, value, &m))
		return;
	a->mount = guarded(r, &m);
	a->mode = mode_asked(a, r, m.target);
	edit_members(a, e, value, rules);
}

void edit_mounts(struct answer *a, struct edit *e, struct slice value)
{
	struct walk w = walk_into(value);

	while (w.close == ']' && walk_next(&w))
		edit_mount(a, e, w.m.value);
}

/* ---- ?filters.volume ---- */

/* The Engine compares with the place, and with the name of a volume or else
 * with the source. */
static bool is_asked(const struct answer *a, const struct mounted *m)
{
	struct slice from = m->name.n ? m->name : m->source, value;

	for (size_t i = 0; query_volume(a->facts, i, &value); i++) {
		if (value.n && (slice_equal(value, m->target) ||
		    slice_equal(value, from)))
			return true;
	}
	return false;
}

bool answer_mounts_match(struct answer *a, const struct members *of)
{
	bool twice = false;
	struct walk w = walk_into(member_get(of, "Mounts", &twice));
	const struct guard_mount *g;
	struct mounted m;

	while (!twice && w.close == ']' && walk_next(&w)) {
		if (!mounted_read(a, w.m.value, &m))
			continue;
		g = guarded(answer_record(a), &m);
		if (g)
			m.source = g->source;
		if (is_asked(a, &m))
			return true;
	}
	return false;
}
