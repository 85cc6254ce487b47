/*
 * answer_image.c: images in answers: their names are shared out among users,
 * so that one image is several things to several readers.
 */
#include <string.h>

#include "docker/answer_int.h"

#define DANGLING_TAGS	"[\"<none>:<none>\"]"	/* before API 1.43 */
#define DANGLING_DIGESTS "[\"<none>@<none>\"]"
#define MINOR_EMPTY	43

struct slice answer_canon(struct answer *a, struct slice reference)
{
	buf_reset(&a->canon);
	if (!reference.n || !reference_canon(reference, &a->canon) ||
	    !buf_ok(&a->canon))
		return SLICE_NONE;
	return buf_slice(&a->canon);
}

/* What is not a reference is nobody's: left out. */
static bool sees_reference(struct answer *a, struct slice value)
{
	struct slice text = text_of(value, &a->memory), canon;

	if (slice_is(text, "<none>:<none>") || slice_is(text, "<none>@<none>"))
		return true;
	canon = answer_canon(a, text);
	if (!canon.p || !a->ops.sees_tag(a->arg, a->id, canon))
		return false;
	a->named = true;
	return true;
}

size_t refs_narrow(struct answer *a, struct slice raw, struct buf *out,
    size_t *kept)
{
	struct walk w = walk_into(raw);
	size_t dropped = 0;

	*kept = 0;
	buf_reset(out);
	while (walk_next(&w)) {
		if (!sees_reference(a, w.m.value)) {
			dropped++;
			continue;
		}
		buf_addc(out, *kept ? ',' : '[');
		buf_adds(out, w.m.value);
		++*kept;
	}
	buf_addz(out, *kept ? "]" : "[]");
	return dropped;
}

/* Of an inspect. */
int look_refs(struct answer *a, const struct part *p)
{
	size_t kept;

	a->id = buf_slice(&a->inspected);
	if (!refs_narrow(a, p->raw, &a->tags, &kept))
		return answer_pass(a, p);
	answer_lead(a, p);
	buf_adds(a->out, buf_slice(&a->tags));
	return SPLIT_GOOD;
}

static void edit_tags(struct answer *a, struct edit *e, struct slice value)
{
	if (a->tags.len)
		edit_replace(e, value, buf_slice(&a->tags));
}

static void edit_digests(struct answer *a, struct edit *e, struct slice value)
{
	if (a->digests.len)
		edit_replace(e, value, buf_slice(&a->digests));
}

/* How many use it is not for him; as for an engine that did not count. */
static void edit_users(struct answer *a, struct edit *e, struct slice value)
{
	(void)a;
	edit_replace(e, value, SLICE("-1"));
}

static void edit_ids(struct answer *a, struct edit *e, struct slice value)
{
	(void)a;
	edit_replace(e, value, SLICE("[]"));
}

static void edit_data(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = { { "Containers", edit_ids }, { 0 } };

	edit_members(a, e, value, rules);
}

/* The containers that use a platform's part of an image. */
void edit_manifests(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = { { "ImageData", edit_data }, { 0 } };
	struct walk w = walk_into(value);

	while (walk_next(&w))
		edit_members(a, e, w.m.value, rules);
}

/* Both before anything is written: an image that has lost all its names looks
 * as one that never had any.  True: some may be seen. */
static bool names_narrow(struct answer *a, const struct members *m, bool *twice)
{
	size_t tags, digests, no_tags, no_digests;

	a->named = false;
	no_tags = refs_narrow(a, member_get(m, "RepoTags", twice), &a->tags,
	    &tags);
	no_digests = refs_narrow(a, member_get(m, "RepoDigests", twice),
	    &a->digests, &digests);
	if (no_tags && !tags && !digests && a->minor < MINOR_EMPTY) {
		buf_reset(&a->tags);
		buf_addz(&a->tags, DANGLING_TAGS);
		buf_reset(&a->digests);
		buf_addz(&a->digests, DANGLING_DIGESTS);
		return false;
	}
	if (!no_tags)
		buf_reset(&a->tags);
	if (!no_digests)
		buf_reset(&a->digests);
	return a->named;
}

/* Its first name, canonical, in the part's memory. */
static struct slice first_name(struct answer *a, const struct members *m,
    bool *twice)
{
	struct walk w = walk_into(member_get(m, "RepoTags", twice));
	struct slice canon;

	if (!walk_next(&w))
		return SLICE("");
	canon = answer_canon(a, text_of(w.m.value, &a->memory));
	return canon.p ? arena_copy(&a->memory, canon) : SLICE("");
}

static void size_add(struct answer *a, const struct members *m, bool *twice)
{
	int64_t size;

	if (integer_of(member_get(m, "Size", twice), &size) && size > 0 &&
	    size < INT64_MAX - a->layers_size)
		a->layers_size += size;
}

int look_image(struct answer *a, const struct part *p)
{
	static const struct rule rules[] = {
		{ "Containers", edit_users },
		{ "RepoTags", edit_tags },
		{ "RepoDigests", edit_digests },
		{ "Manifests", edit_manifests },
		{ 0 }
	};
	bool twice = false, named;
	struct slice name;
	int r;

	if (!answer_element(a, p, "Id", &r))
		return r;
	name = first_name(a, p->m, &twice);
	named = names_narrow(a, p->m, &twice);
	if (twice || (!named && !answer_sees(a, OBJECT_IMAGE, a->id, name)))
		return SPLIT_GOOD;
	size_add(a, p->m, &twice);
	return answer_edit(a, p, rules);
}

static void edit_layer_tags(struct answer *a, struct edit *e, struct slice value)
{
	size_t kept;

	if (refs_narrow(a, value, &a->tags, &kept))
		edit_replace(e, value, kept ? buf_slice(&a->tags) :
		    SLICE("null"));
}

int look_history(struct answer *a, const struct part *p)
{
	static const struct rule rules[] = { { "Tags", edit_layer_tags }, { 0 } };
	int r;

	if (!answer_element(a, p, "Id", &r))
		return r;
	return answer_edit(a, p, rules);
}
