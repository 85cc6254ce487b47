/*
 * catalog.c: from method and path to one row of catalog.def, and back.
 *
 * Fed with decoded targets of clients.  What leaves through path_write is built
 * from the row's own words and from names whose charset was checked here, so
 * that nothing odd is ever forwarded.  The rows are constant; finding one costs
 * a walk through the rows of its family that have the method.
 */
#include <errno.h>
#include <string.h>

#include "docker/names.h"

#define SHOWN_NAME	128	/* bytes of what is no name, in a refusal */

static const struct endpoint rows[] = {
#define ENDPOINT(id, m, tmpl, act, wrds, bdy, schm, strm, obj, sinc, untl, flg) \
	{ EP_##id, METHOD_##m, tmpl, act, wrds, BODY_##bdy, SCHEMA_##schm, \
	    STREAM_##strm, OBJECT_##obj, sinc, untl, flg },
#include "dockbroker/catalog.def"
};
_Static_assert(countof(rows) == EP_COUNT, "one row per endpoint");
_Static_assert(EP_COUNT <= 64 * countof(((struct endpoint_set *)0)->bits),
    "a set has a bit for each");

/* FIRST_x is the number of the first row below FAMILY(x). */
enum {
#define FAMILY(id, segment)	FIRST_##id, BACK_##id = FIRST_##id - 1,
#define ENDPOINT(id, ...)	ROW_##id,
#include "dockbroker/catalog.def"
};

static const struct family {
	const char *segment;
	size_t length;
	unsigned first;
} families[] = {
#define FAMILY(id, segment)	{ segment, sizeof(segment "") - 1, FIRST_##id },
#define ENDPOINT(id, ...)
#include "dockbroker/catalog.def"
};

static const char *const kinds[] = {
	[OBJECT_NONE] = "", [OBJECT_CONTAINER] = "container",
	[OBJECT_EXEC] = "exec", [OBJECT_IMAGE] = "image",
	[OBJECT_NETWORK] = "network", [OBJECT_VOLUME] = "volume",
	[OBJECT_PLUGIN] = "plugin", [OBJECT_SERVICE] = "service",
	[OBJECT_TASK] = "task", [OBJECT_NODE] = "node",
	[OBJECT_SECRET] = "secret", [OBJECT_CONFIG] = "config",
	[OBJECT_SWARM] = "swarm", [OBJECT_BUILD] = "build",
	[OBJECT_TAG] = "tag"
};

const char *object_kind_name(enum object_kind k)
{
	return (size_t)k < countof(kinds) ? kinds[k] : "";
}

const struct endpoint *endpoint_get(unsigned id)
{
	return &rows[id];
}

void endpoint_set_add(struct endpoint_set *s, unsigned id)
{
	s->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

bool endpoint_set_has(const struct endpoint_set *s, unsigned id)
{
	return id < EP_COUNT && (s->bits[id / 64] >> (id % 64) & 1) != 0;
}

/* ---- matching ---- */

/* Where the variables of a template were found: first segment and count. */
struct found {
	size_t first[2], count[2], n;
};

/* "?fromSrc": fits targets that give the parameter a value. */
static bool has_parameter(const struct http_target *t, const char *name)
{
	for (size_t i = 0; i < t->nparams; i++)
		if (slice_is(t->params[i].name, name) &&
		    t->params[i].value.n > 0)
			return true;
	return false;
}

static size_t count_segments(const char *z)
{
	size_t n = 0;

	for (; *z && *z != '?'; z++)
		n += *z == '/' && z[1] != '\0';
	return n;
}

/* One template segment, z to end, against the target from segment i on.
 * Returns how many of its segments it took, 0 when it does not fit. */
static size_t match_segment(const char *z, const char *end,
    const struct http_target *t, size_t i, struct found *f)
{
	size_t n = (size_t)(end - z);
	size_t take = 1;

	if (i >= t->nsegments)
		return 0;
	if (*z != '{')
		return t->segments[i].n == n &&
		    memcmp(t->segments[i].p, z, n) == 0;
	if (n > 4 && memcmp(end - 4, "...}", 4) == 0) {
		size_t behind = count_segments(end);

		if (t->nsegments < i + 1 + behind)
			return 0;
		take = t->nsegments - i - behind;
	}
	f->first[f->n] = i;
	f->count[f->n++] = take;
	return take;
}

static bool match(const char *z, const struct http_target *t, struct found *f)
{
	size_t i = 0;

	f->n = 0;
	while (*z == '/' && z[1] != '\0') {
		const char *end = ++z;

		if (*z == '*') {
			return true;
		}
		while (*end && *end != '/' && *end != '?')
			end++;
		size_t took = match_segment(z, end, t, i, f);

		if (took == 0)
			return false;
		i += took;
		z = end;
	}
	if (i != t->nsegments || t->trailing_slash != (*z == '/'))
		return false;
	return *z != '?' || has_parameter(t, z + 1);
}

static const struct family *family_find(struct slice segment)
{
	for (size_t i = 1; i + 1 < countof(families); i++)
		if (families[i].length == segment.n &&
		    memcmp(families[i].segment, segment.p, segment.n) == 0)
			return &families[i];
	return NULL;
}

static const struct endpoint *row_find(const struct family *fam,
    enum method m, const struct http_target *t, struct found *f)
{
	for (unsigned i = fam[0].first; i < fam[1].first; i++)
		if (rows[i].method == m && match(rows[i].template, t, f))
			return &rows[i];
	return NULL;
}

/* ---- refusals ---- */

static int refuse_version(const struct http_target *t, unsigned newest,
    struct refusal *why)
{
	bool old = t->major < 1 || (t->major == 1 && t->minor < API_MIN);

	if (old)
		refusal_set(why, 400, "client version %u.%u is too old. "
		    "Minimum supported API version is 1.%u, please upgrade your "
		    "client to a newer version", t->major, t->minor, API_MIN);
	else
		refusal_set(why, 400, "client version %u.%u is too new. "
		    "Maximum supported API version is 1.%u", t->major, t->minor,
		    newest);
	return DOCKER_BAD;
}

/* No row has this method and path: 405 when another method would have done. */
static int refuse_path(const struct family *fam, enum method m,
    const struct http_target *t, struct refusal *why)
{
	struct found f;

	if (fam && m != METHOD_HEAD) {
		for (unsigned i = fam[0].first; i < fam[1].first; i++) {
			if (!match(rows[i].template, t, &f))
				continue;
			refusal_set(why, 405, "%s is not possible here, %s is",
			    method_name(m), method_name(rows[i].method));
			return DOCKER_BAD;
		}
	}
	refusal_set(why, 404, "page not found");
	return DOCKER_BAD;
}

/* What cannot be a name is the name of nothing; s may hold anything. */
static int refuse_name(enum object_kind k, struct slice s, struct refusal *why)
{
	if (s.n > SHOWN_NAME)
		s.n = SHOWN_NAME;
	name_missing(k, s, why);
	return DOCKER_BAD;
}

/* ---- finding ---- */

/* Joins the segments of one variable with slashes. */
static int variable_join(const struct http_target *t, size_t first,
    size_t count, struct arena *a, struct slice *out)
{
	size_t n = count - 1;
	char *p;

	*out = t->segments[first];
	if (count == 1)
		return 0;
	for (size_t i = 0; i < count; i++)
		n += t->segments[first + i].n;
	p = arena_alloc(a, n);
	if (!p)
		return -ENOMEM;
	*out = (struct slice){ p, n };
	for (size_t i = 0; i < count; i++) {
		struct slice s = t->segments[first + i];

		if (i > 0)
			*p++ = '/';
		memcpy(p, s.p, s.n);
		p += s.n;
	}
	return 0;
}

/* What the path names, where it is somebody's: swarm objects and plugins have no
 * owners, and what a registry has is not the Engine's. */
static void object_name(struct facts *f)
{
	enum ref_use use = REF_OBJECT;

	switch (f->endpoint->object) {
	case OBJECT_IMAGE:
		if (f->endpoint->id == EP_IMAGE_DISTRIBUTION)
			return;
		if (f->endpoint->id != EP_IMAGE_REMOVE)
			use = REF_USE;
		break;
	case OBJECT_CONTAINER:
	case OBJECT_EXEC:
	case OBJECT_NETWORK:
	case OBJECT_VOLUME:
		break;
	default:
		return;
	}
	/* without room it is counted in more_refs */
	(void)facts_ref(f, f->endpoint->object, use, SLICE(""), f->object);
}

static int objects_set(const struct http_target *t, const struct found *found,
    struct facts *f, struct refusal *why)
{
	struct slice *into[] = { &f->object, &f->object2 };

	for (size_t i = 0; i < found->n; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): n are set */
		int r = variable_join(t, found->first[i], found->count[i],
		    f->arena, into[i]);

		if (r < 0)
			return r;
	}
	if (found->n > 0 &&
	    !object_name_valid(f->endpoint->object, f->object))
		return refuse_name(f->endpoint->object, f->object, why);
	if (found->n > 1 && !name_valid(f->object2)) {
		refusal_set(why, 404, "checkpoint not found");
		return DOCKER_BAD;
	}
	if (found->n > 0)
		object_name(f);
	return DOCKER_GOOD;
}

/* What a "*" takes: plain words only. */
static bool rest_valid(const struct http_target *t)
{
	for (size_t i = 0; i < t->nsegments; i++)
		if (!name_valid(t->segments[i]) &&
		    !slice_is(t->segments[i], "_ping"))
			return false;
	return true;
}

static int row_check(const struct endpoint *e, const struct http_target *t,
    const struct facts *f, struct refusal *why)
{
	size_t n = strlen(e->template);

	if (f->minor < e->since || f->minor > e->until ||
	    ((e->flags & UNVERSIONED) && t->versioned) ||
	    (e->template[n - 1] == '*' && !rest_valid(t))) {
		refusal_set(why, 404, "page not found");
		return DOCKER_BAD;
	}
	return DOCKER_GOOD;
}

int catalog_find(enum method m, const struct http_target *t,
    unsigned engine_minor, struct facts *f, struct refusal *why)
{
	unsigned newest = engine_minor > 0 ? engine_minor : API_MAX;
	const struct family *fam = &families[0];
	const struct endpoint *e = NULL;
	struct found found;

	f->minor = newest;
	if (t->versioned) {
		if (t->major != 1 || t->minor < API_MIN || t->minor > newest)
			return refuse_version(t, newest, why);
		f->minor = t->minor;
	}
	if (m != METHOD_OPTIONS)
		fam = t->nsegments > 0 ? family_find(t->segments[0]) : NULL;
	if (fam)
		e = row_find(fam, m, t, &found);
	if (!e)
		return refuse_path(fam, m, t, why);
	f->endpoint = e;
	int r = row_check(e, t, f, why);

	if (r != DOCKER_GOOD)
		return r;
	return objects_set(t, &found, f, why);
}

/* ---- writing ---- */

/* The digits of "sha256:...". */
static struct slice digits(struct slice id)
{
	if (slice_starts(id, SLICE("sha256:"))) {
		id.p += strlen("sha256:");
		id.n -= strlen("sha256:");
	}
	return id;
}

/*
 * A name alone means all its tags to the Engine when it saves an image; here it
 * is the one that was looked up: ":latest", or the image of whose id it is the
 * beginning.  .p NULL: the name as it is.
 */
static struct slice save_written(const struct facts *f, const struct ref *r)
{
	struct slice repo = r->name;

	if (reference_is_id(r->name))
		return r->id;
	if (!r->object || reference_cut(&repo).n > 0)
		return SLICE_NONE;
	if (slice_starts(digits(r->object->id), r->name))
		return r->object->id;
	return arena_format(f->arena, "%.*s:latest", SLICE_ARG(r->name));
}

/* Removing a name leaves the others of the same image, and what is pushed and
 * saved carries it: there a name stays a name. */
struct slice ref_written(const struct facts *f, const struct ref *r)
{
	if (r->kind != OBJECT_IMAGE)
		return r->id;
	switch (f->endpoint->id) {
	case EP_IMAGE_PUSH:
		return SLICE_NONE;
	case EP_IMAGE_REMOVE:
		return name_is_id(r->name) || reference_is_id(r->name) ?
		    r->id : SLICE_NONE;
	case EP_IMAGE_SAVE:
	case EP_IMAGE_SAVE_ONE:
		return save_written(f, r);
	default:
		return r->id;
	}
}

/* "sha256:..." stays readable, and the slashes of a name are the path's. */
static void id_write(struct slice id, struct buf *out)
{
	struct slice rest = digits(id);

	if (rest.n < id.n)
		buf_addz(out, "sha256:");
	while (rest.n > 0) {
		struct slice part = slice_cut(&rest, '/');

		http_encode(out, part);
		if (rest.n > 0)
			buf_addc(out, '/');
	}
}

/* The id in place of {name}; .p NULL: the name as it came. */
static struct slice object_id(const struct facts *f)
{
	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].path.n == 0 && f->refs[i].kind ==
		    f->endpoint->object)
			return ref_written(f, &f->refs[i]);
	return SLICE_NONE;
}

void path_write(const struct facts *f, const struct http_target *t,
    struct buf *out)
{
	const char *template = f->endpoint->template;
	struct slice id = object_id(f);
	struct found found = { 0 };

	if (id.p && !match(template, t, &found))
		found.n = 0;	/* cannot be: it was found by this */
	if (t->versioned) {
		buf_addz(out, "/v1.");
		buf_addu(out, f->minor);
	}
	for (size_t i = 0; i < t->nsegments; i++) {
		buf_addc(out, '/');
		if (found.n > 0 && i == found.first[0]) {
			id_write(id, out);
			i += found.count[0] - 1;
		} else {
			http_encode(out, t->segments[i]);
		}
	}
	if (template[strlen(template) - 1] == '/' || t->nsegments == 0)
		buf_addc(out, '/');
}
