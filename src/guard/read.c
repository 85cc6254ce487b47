/*
 * read.c: the record from text.  The file was written by dockbrokerd, and
 * dockbroker-oci, which is root, reads it as a claim: whatever is not exactly
 * what write.c makes of some valid record is none.
 *
 * Invariants: what is GOOD writes itself again, byte by byte; every text has
 * been checked by the table of write.c.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "guard/guard_int.h"

struct reader {
	struct arena *arena;
	struct buf *err;
	const char *list;		/* where we are: "mounts"; NULL at the top */
	size_t index;			/* of it */
};

/* Says what is wrong with a member of where we are; name "": with the whole. */
static int bad(struct reader *r, const char *name, const char *text,
    const char *what)
{
	buf_addz(r->err, "the record is not valid: ");
	if (r->list)
		buf_addf(r->err, "%s[%zu]%s", r->list, r->index,
		    *name ? "." : "");
	buf_addf(r->err, "%s %s%s", name, text, what);
	return GUARD_BAD;
}

/* ---- values ---- */

static int text_read(struct reader *r, const struct member *m, json_t *v,
    struct slice *out)
{
	struct slice s = { json_string_value(v), json_string_length(v) };

	if (!s.p || !m->check(s))
		return bad(r, m->name, "must be ", m->must);
	*out = arena_copy(r->arena, s);
	return out->p ? GUARD_GOOD : -ENOMEM;
}

static int bits_read(struct reader *r, const struct member *m, json_t *v,
    uint64_t *out)
{
	const char *text = json_string_value(v);

	if (!text || json_string_length(v) != 16 ||
	    strspn(text, "0123456789abcdef") != 16)
		return bad(r, m->name, "must be 16 hexadecimal digits", "");
	*out = strtoull(text, NULL, 16);
	return GUARD_GOOD;
}

static int word_read(struct reader *r, const struct member *m, json_t *v,
    unsigned *out)
{
	struct slice s = { json_string_value(v), json_string_length(v) };

	for (unsigned i = 0; s.p && m->words[i]; i++) {
		if (slice_is(s, m->words[i])) {
			*out = i;
			return GUARD_GOOD;
		}
	}
	return bad(r, m->name, "is not a known word", "");
}

/* It goes into answers as it is. */
static int asked_read(struct reader *r, const struct member *m, json_t *v,
    struct slice *out)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	struct slice s = { json_string_value(v), json_string_length(v) };
	json_t *list = NULL;
	bool is_list;
	int code;

	if (!s.p)
		return bad(r, m->name, "must be a text", "");
	*out = arena_copy(r->arena, s);
	if (!out->p)
		return -ENOMEM;
	if (!s.n)
		return GUARD_GOOD;
	code = json_parse(s, &list, &err);
	is_list = code == JSON_GOOD && json_is_array(list);
	json_decref(list);
	if (code < 0)
		return code;
	return is_list ? GUARD_GOOD :
	    bad(r, m->name, "must be a JSON list", "");
}

/* ---- objects ---- */

static int object_read(struct reader *r, const struct member_table *t,
    json_t *v, void *out);

/* The name of a member that is in no table; "" when there is none. */
static const char *surplus(json_t *v, const struct member_table *a,
    const struct member_table *b)
{
	const char *key;
	json_t *value;

	json_object_foreach(v, key, value) {
		bool known = a == &record_members && !strcmp(key, "version");

		for (size_t i = 0; i < a->n; i++)
			known |= !strcmp(key, a->first[i].name);
		for (size_t i = 0; b && i < b->n; i++)
			known |= !strcmp(key, b->first[i].name);
		if (!known)
			return key;
	}
	return "";
}

static int known_only(struct reader *r, json_t *v,
    const struct member_table *a, const struct member_table *b)
{
	const char *name = surplus(v, a, b);
	char shown[32] = "";

	if (!*name && json_object_size(v) == a->n + (b ? b->n : 0) +
	    (a == &record_members))
		return GUARD_GOOD;
	for (size_t i = 0; i < sizeof(shown) - 1 && name[i]; i++)
		shown[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	return bad(r, shown, "is not a known member", "");
}

static int device_read(struct reader *r, json_t *v, struct guard_device *out)
{
	int code = object_read(r, &device_members, v, out);

	return code ? code : known_only(r, v, &device_members, NULL);
}

static int mount_read(struct reader *r, json_t *v, struct guard_mount *out)
{
	bool bind;
	int code = object_read(r, &mount_members, v, out);

	if (code)
		return code;
	bind = out->kind == GUARD_BIND;
	if (bind)
		code = object_read(r, &bind_members, v, out);
	if (code)
		return code;
	return known_only(r, v, &mount_members, bind ? &bind_members : NULL);
}

/* ---- lists ---- */

static size_t element_size(enum member_type t)
{
	switch (t) {
	case MEMBER_DEVICES:
		return sizeof(struct guard_device);
	case MEMBER_MOUNTS:
		return sizeof(struct guard_mount);
	default:
		return sizeof(struct slice);
	}
}

static int element_read(struct reader *r, const struct member *m, json_t *v,
    void *out)
{
	const char *list = r->list;
	int code;

	if (m->type == MEMBER_TEXTS)
		return text_read(r, m, v, out);
	r->list = m->name;
	if (!json_is_object(v))
		code = bad(r, "", "must be an object", "");
	else if (m->type == MEMBER_DEVICES)
		code = device_read(r, v, out);
	else
		code = mount_read(r, v, out);
	r->list = list;
	return code;
}

static int list_read(struct reader *r, const struct member *m, json_t *v,
    char *out)
{
	size_t n = json_array_size(v), size = element_size(m->type);
	size_t max = m->type == MEMBER_MOUNTS ? BOUND_GUARD_MOUNTS :
	    BOUND_GUARD_LIST;
	char *all;
	int code;

	if (!json_is_array(v) || n > max)
		return bad(r, m->name, "must be a list, not too long", "");
	all = arena_alloc(r->arena, n * size);
	if (!all)
		return -ENOMEM;
	memcpy(out + m->at, &all, sizeof(all));
	memcpy(out + m->n, &n, sizeof(n));
	for (size_t i = 0; i < n; i++) {
		r->index = i;
		code = element_read(r, m, json_array_get(v, i), all + i * size);
		if (code)
			return code;
	}
	return GUARD_GOOD;
}

static int member_read(struct reader *r, const struct member *m, json_t *v,
    char *out)
{
	void *at = out + m->at;

	switch (m->type) {
	case MEMBER_TEXT:
		return text_read(r, m, v, at);
	case MEMBER_BOOL:
		*(bool *)at = json_is_true(v);
		return json_is_boolean(v) ? GUARD_GOOD :
		    bad(r, m->name, "must be true or false", "");
	case MEMBER_UID:
		*(uint32_t *)at = (uint32_t)json_integer_value(v);
		return json_is_integer(v) && json_integer_value(v) >= 0 &&
		    json_integer_value(v) <= UINT32_MAX ? GUARD_GOOD :
		    bad(r, m->name, "must be a uid", "");
	case MEMBER_BITS:
		return bits_read(r, m, v, at);
	case MEMBER_WORD:
		return word_read(r, m, v, at);
	case MEMBER_ASKED:
		return asked_read(r, m, v, at);
	case MEMBER_TEXTS:
	case MEMBER_DEVICES:
	case MEMBER_MOUNTS:
		return list_read(r, m, v, out);
	}
	return GUARD_BAD;
}

static int object_read(struct reader *r, const struct member_table *t,
    json_t *v, void *out)
{
	for (size_t i = 0; i < t->n; i++) {
		json_t *value = json_object_get(v, t->first[i].name);
		int code = value ? member_read(r, &t->first[i], value, out) :
		    bad(r, t->first[i].name, "is missing", "");

		if (code)
			return code;
	}
	return GUARD_GOOD;
}

/* ---- what belongs together ---- */

static const char *bind_wrong(const struct guard_record *r,
    const struct guard_mount *m)
{
	if (!path_clean(m->source))
		return "has a source that is no clean, absolute path";
	if (m->uid == 0 || m->uid == UINT32_MAX)
		return "is opened with the rights of nobody in particular";
	if (!r->bind_dir.n)
		return "is a bind, and there is no bind_dir";
	return m->unmapped && !r->powerless ?
	    "is unmapped, and the container is not powerless" : NULL;
}

static const char *mount_wrong(const struct guard_record *r,
    const struct guard_mount *m)
{
	for (const struct guard_mount *q = r->mounts; q < m; q++) {
		if (slice_equal(q->target, m->target))
			return "has the target of another one";
	}
	if (m->kind == GUARD_BIND)
		return bind_wrong(r, m);
	if (m->kind == GUARD_TMPFS && m->source.n)
		return "is a tmpfs, and has a source";
	if (m->kind != GUARD_IMAGE && m->source.n &&
	    memchr(m->source.p, '/', m->source.n))
		return "has a source that is no name of a volume";
	return NULL;
}

static int record_wrong(struct reader *r, const struct guard_record *g)
{
	bool service = slice_starts(g->user, SLICE("service:"));
	size_t binds = 0;

	if (service != (g->uid == UINT32_MAX))
		return bad(r, "user", "and uid do not belong together", "");
	if (g->powerless && (g->ngroups || g->privileged))
		return bad(r, "powerless", "cannot be, with groups or privileges",
		    "");
	for (size_t i = 0; i < g->nmounts; i++) {
		const char *what = mount_wrong(g, &g->mounts[i]);

		r->list = "mounts";
		r->index = i;
		if (what)
			return bad(r, "", what, "");
		binds += g->mounts[i].kind == GUARD_BIND;
	}
	r->list = NULL;
	return binds <= BOUND_GUARD_BINDS ? GUARD_GOOD :
	    bad(r, "mounts", "has too many binds", "");
}

/* ---- the whole ---- */

static int say(struct buf *err, const char *text)
{
	buf_addz(err, "the record ");
	buf_addz(err, text);
	return GUARD_BAD;
}

/* The line that the sum is about, with its newline. */
static int line_cut(struct slice file, struct slice *line, struct buf *err)
{
	const char *end = file.n ? memchr(file.p, '\n', file.n) : NULL;
	char sum[GUARD_SUM];
	struct slice rest;

	if (file.n > BOUND_GUARD_RECORD)
		return say(err, "is too long");
	if (!end)
		return say(err, "is torn");
	*line = (struct slice){ file.p, (size_t)(end - file.p) + 1 };
	rest = (struct slice){ end + 1, file.n - line->n };
	if (rest.n < GUARD_SUM_LINE)
		return say(err, "is torn");
	if (rest.n > GUARD_SUM_LINE || rest.p[rest.n - 1] != '\n' ||
	    !slice_starts(rest, SLICE("sha256 ")))
		return say(err, "has no line with its sum at the end");
	sum_write(*line, sum);
	if (memcmp(rest.p + sizeof("sha256 ") - 1, sum, sizeof(sum)) != 0)
		return say(err, "is torn or was edited: its sum does not match");
	return GUARD_GOOD;
}

static int tree_read(struct reader *r, json_t *tree, struct guard_record *out)
{
	json_t *version = json_object_get(tree, "version");
	int code;

	if (!json_is_object(tree) || !json_is_integer(version))
		return say(r->err, "has no version");
	if (json_integer_value(version) != GUARD_VERSION)
		return say(r->err, "is of another version of dockbroker");
	code = object_read(r, &record_members, tree, out);
	if (!code)
		code = known_only(r, tree, &record_members, NULL);
	return code ? code : record_wrong(r, out);
}

/* Order, blanks, other spellings of the same: who wrote it was not write.c. */
static int compare(const struct guard_record *g, struct slice line,
    struct buf *err)
{
	_cleanup_(buf_free) struct buf again = BUF(8 * BOUND_GUARD_RECORD);

	line_write(g, &again);
	if (slice_equal(buf_slice(&again), line))
		return GUARD_GOOD;
	if (!buf_ok(&again))
		return -ENOMEM;
	return say(err, "is not as dockbrokerd writes it");
}

int guard_read(struct slice file, struct slice id, struct arena *a,
    struct guard_record *out, struct buf *err)
{
	_cleanup_(buf_free) struct buf fault = BUF(1024);
	struct reader r = { .arena = a, .err = err };
	struct slice line;
	json_t *tree = NULL;
	int code = line_cut(file, &line, err);

	*out = (struct guard_record){ 0 };
	if (code)
		return code;
	code = json_parse(line, &tree, &fault);
	if (code < 0)
		return code;
	if (code != JSON_GOOD) {
		buf_addf(err, "the record is not JSON that can be read: %s",
		    buf_text(&fault));
		return GUARD_BAD;
	}
	code = tree_read(&r, tree, out);
	json_decref(tree);
	if (code)
		return code;
	if (!slice_equal(out->container, id)) {
		buf_addf(err, "the record is of another container, %.12s",
		    out->container.p);
		return GUARD_BAD;
	}
	return compare(out, line, err);
}
