/*
 * answer_read.c: single answers that are there as a whole: what an inspect
 * tells, and the Engine's errors in the words of who asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker/answer_int.h"

#define SHA256		"sha256:"

/* ---- inspects ---- */

/* The whole text, scanned; .p NULL: it is not JSON. */
static struct slice whole(struct slice json)
{
	struct scan at = { json.p, json.p + json.n, true };
	struct slice raw;

	scan_blanks(&at);
	if (at.p == at.end || scan_value(&at, &raw) != SCAN_GOOD)
		return SLICE_NONE;
	scan_blanks(&at);
	return at.p == at.end ? raw : SLICE_NONE;
}

/* The value of a member; .p NULL: none, or it is there twice. */
static struct slice get(struct slice object, struct slice name)
{
	struct walk w = walk_into(object);
	struct slice found = SLICE_NONE;
	char z[64];

	if (name.n >= sizeof(z))
		return SLICE_NONE;
	memcpy(z, name.p, name.n);
	z[name.n] = 0;
	while (w.close == '}' && walk_next(&w)) {
		if (!key_is(&w.m, z))
			continue;
		if (found.p)
			return SLICE_NONE;
		found = w.m.value;
	}
	return found;
}

bool answer_text(struct slice json, struct arena *a, struct slice *out,
    const char *path)
{
	struct slice at = whole(json), rest = slice_from(path);

	while (at.p && rest.n)
		at = get(at, slice_cut(&rest, '.'));
	at = text_of(at, a);
	*out = at.p ? arena_copy(a, at) : SLICE_NONE;
	return out->p != NULL;
}

struct texts {
	struct slice *at;
	size_t n;
	bool failed;
};

/* Room for as many as there are values in both. */
static struct texts texts_new(struct slice one, struct slice other,
    struct arena *a)
{
	struct texts t = { 0 };
	size_t n = 0;

	for (struct walk w = walk_into(one); walk_next(&w); )
		n++;
	for (struct walk w = walk_into(other); walk_next(&w); )
		n++;
	t.at = arena_alloc(a, n * sizeof(*t.at));
	t.failed = !t.at;
	return t;
}

static void texts_add(struct texts *t, struct slice s, struct arena *a)
{
	s = s.p ? arena_copy(a, s) : s;
	t->failed |= !s.p;
	if (!t->failed)
		t->at[t->n++] = s;
}

/* The texts of a list, or the keys of an object. */
static struct texts texts_read(struct slice raw, struct arena *a)
{
	struct texts t = texts_new(raw, SLICE_NONE, a);

	for (struct walk w = walk_into(raw); !t.failed && walk_next(&w); ) {
		if (w.close == '}')
			texts_add(&t, text_decode(w.m.key, a), a);
		else if (w.m.value.p[0] == '"')
			texts_add(&t, text_of(w.m.value, a), a);
	}
	return t;
}

static void refs_add(struct texts *t, struct slice raw, struct arena *a)
{
	_cleanup_(buf_free) struct buf canon = BUF(BOUND_OBJECT_NAME);
	struct slice text;

	for (struct walk w = walk_into(raw); !t->failed && walk_next(&w); ) {
		text = text_of(w.m.value, a);
		buf_reset(&canon);
		if (text.n && reference_canon(text, &canon) && buf_ok(&canon))
			texts_add(t, buf_slice(&canon), a);
	}
}

static bool labels_read(struct slice raw, struct arena *a,
    struct image_told *out)
{
	struct pairs pairs = { 0 };
	struct pair *p = NULL;
	int r = pairs_read(&pairs, raw, a);

	if (r == 0)
		p = arena_alloc(a, pairs.n * sizeof(*p));
	for (size_t i = 0; p && i < pairs.n; i++) {
		p[i].key = arena_copy(a, pairs.at[i].key);
		p[i].value = arena_copy(a, pairs.at[i].value);
		if (!p[i].key.p || !p[i].value.p)
			r = -ENOMEM;
	}
	out->labels = p;
	out->nlabels = pairs.n;
	pairs_free(&pairs);
	return r == 0 && p;
}

int image_told(struct slice json, struct arena *a, struct image_told *out)
{
	struct slice root = whole(json), config, tags, digests, id;
	struct texts refs, volumes, env;

	*out = (struct image_told){ 0 };
	id = text_of(get(root, SLICE("Id")), a);
	if (!id.n)
		return ANSWER_BAD;
	config = get(root, SLICE("Config"));
	tags = get(root, SLICE("RepoTags"));
	digests = get(root, SLICE("RepoDigests"));
	refs = texts_new(tags, digests, a);
	refs_add(&refs, tags, a);
	refs_add(&refs, digests, a);
	volumes = texts_read(get(config, SLICE("Volumes")), a);
	env = texts_read(get(config, SLICE("Env")), a);
	out->id = arena_copy(a, id);
	if (!out->id.p || refs.failed || volumes.failed || env.failed ||
	    !labels_read(get(config, SLICE("Labels")), a, out))
		return -ENOMEM;
	out->tags = refs.at;
	out->ntags = refs.n;
	out->volumes = volumes.at;
	out->nvolumes = volumes.n;
	out->env = env.at;
	out->nenv = env.n;
	return ANSWER_GOOD;
}

/* ---- errors ---- */

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Does id stand at i, and not as part of a longer one? */
static bool stands(struct slice in, size_t i, struct slice id)
{
	return id.n && id.n <= in.n - i && memcmp(in.p + i, id.p, id.n) == 0 &&
	    (i + id.n == in.n || !is_word(in.p[i + id.n]));
}

/* The ref whose id begins at i; *n its length. */
static const struct ref *ref_at(const struct facts *f, struct slice in,
    size_t i, size_t *n)
{
	const struct slice sha = SLICE(SHA256);

	if (i && is_word(in.p[i - 1]))
		return NULL;
	for (size_t k = 0; k < f->nrefs; k++) {
		const struct ref *r = &f->refs[k];
		struct slice id = r->id;

		if (!id.p || !r->name.n || slice_equal(id, r->name))
			continue;
		if (!stands(in, i, id) && slice_starts(id, sha))
			id = (struct slice){ id.p + sha.n, id.n - sha.n };
		*n = id.n;
		if (stands(in, i, id))
			return r;
	}
	return NULL;
}

static bool ends(const char *p, size_t n, struct slice with)
{
	return n >= with.n && memcmp(p + n - with.n, with.p, with.n) == 0;
}

/* "Container ID is not running": here the Engine says the whole id itself,
 * whatever it was asked by; not in "Container X is paused, unpause .." */
static bool engines_own(struct slice in, size_t i, size_t n)
{
	struct slice after = { in.p + i + n, in.n - i - n };

	return n == 64 && ((ends(in.p, i, SLICE("ontainer ")) &&
	    slice_starts(after, SLICE(" is ")) &&
	    !slice_starts(after, SLICE(" is paused, "))) ||
	    ends(in.p, i, SLICE("running container ")) ||
	    ends(in.p, i, SLICE("running container: ")) ||
	    ends(in.p, i, SLICE(" id ")));
}

/* As in a JSON text, without the quotes. */
static void add_inside(struct buf *out, struct slice name)
{
	_cleanup_(buf_free) struct buf text = BUF(8 * BOUND_OBJECT_NAME);

	buf_add_json_string(&text, name);
	if (buf_ok(&text))
		buf_add(out, text.p + 1, text.len - 2);
}

/* The bind that runc could not mount: it says `to rootfs at "TARGET"', in which
 * no target has a quote.  NULL: none. */
static const struct guard_mount *unmounted(const struct guard_record *r,
    struct slice in)
{
	const struct slice at = SLICE("to rootfs at \\\"");
	const char *p = r && r->bind_dir.n ?
	    memmem(in.p, in.n, at.p, at.n) : NULL;
	struct slice target;

	if (!p)
		return NULL;
	p += at.n;
	target = (struct slice){ p, (size_t)(in.p + in.n - p) };
	target = slice_cut(&target, '\\');
	for (size_t i = 0; i < r->nmounts; i++) {
		if (r->mounts[i].kind == GUARD_BIND &&
		    slice_equal(r->mounts[i].target, target))
			return &r->mounts[i];
	}
	return NULL;
}

/* "BIND-DIR" or "BIND-DIR/7", where the guard has put it: its length. */
static size_t guards_own(struct slice in, size_t i, struct slice dir)
{
	size_t n = dir.n;

	if (!stands(in, i, dir))
		return 0;
	if (i + n < in.n && in.p[i + n] == '/')
		for (n++; i + n < in.n && is_word(in.p[i + n]); )
			n++;
	return n;
}

bool answer_error(const struct facts *f, const struct guard_record *record,
    struct slice in, struct buf *out)
{
	const struct guard_mount *m = unmounted(record, in);
	const struct ref *r;
	size_t from = 0, n;

	for (size_t i = 0; i < in.n; i++) {
		r = ref_at(f, in, i, &n);
		if (r && engines_own(in, i, n))
			continue;
		if (!r)
			n = m ? guards_own(in, i, record->bind_dir) : 0;
		if (!n)
			continue;
		buf_add(out, in.p + from, i - from);
		add_inside(out, r ? r->name : m->source);
		from = i + n;
		i = from - 1;
	}
	if (from)
		buf_add(out, in.p + from, in.n - from);
	return from != 0;
}
