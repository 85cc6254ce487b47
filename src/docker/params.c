/*
 * params.c: the query of a request, checked against params.def and written
 * anew.
 *
 * Fed by clients.  The Engine takes the first of repeated keys, ignores unknown
 * ones and reads booleans loosely (clients.md 1, quirks 2 and 3); here each
 * parameter has one type and one spelling, and what has no row does not pass.
 * Values are never repeated in messages: they may be secrets.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "docker/names.h"
#include "docker/params_int.h"
#include "docker/tree.h"

#define SHOWN_NAME	64	/* bytes of a parameter's name in a message */
#define NO_PARAM	SIZE_MAX

enum type {
	TYPE_BOOL, TYPE_BOOL_EMPTY, TYPE_INT, TYPE_TEXT, TYPE_TEXTS,
	TYPE_LINES, TYPE_LINESES, TYPE_WORD, TYPE_ENUM, TYPE_ENUMS, TYPE_NAME,
	TYPE_NEW_NAME, TYPE_REF, TYPE_REFS, TYPE_NEW_REFS, TYPE_REPO, TYPE_TAG,
	TYPE_TAG_DIGEST, TYPE_SIGNAL, TYPE_TIME, TYPE_TAIL, TYPE_PLATFORM,
	TYPE_FILTERS, TYPE_MAP, TYPE_MAP_NULL, TYPE_LIST, TYPE_ULIMITS,
	TYPE_OCI_PLATFORM, TYPE_OCI_PLATFORMS, TYPE_EMPTY, TYPE_DROPPED,
	TYPE_LATER
};

enum effect {
	EFFECT_NONE, EFFECT_NEW_NAME, EFFECT_NEW_TAG, EFFECT_IMAGE,
	EFFECT_IMAGE_TAG, EFFECT_OBJECT, EFFECT_NETMODE, EFFECT_LIMIT,
	EFFECT_SECURITY, EFFECT_HOSTS, EFFECT_REMOTE, EFFECT_SOURCE,
	EFFECT_BIND, EFFECT_ULIMITS
};

#define ALNUM	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum { WORDS_CPUS, WORDS_KEYS, WORDS_PS };
static const char *const charsets[] = {
	[WORDS_CPUS] = "0123456789,-",
	[WORDS_KEYS] = ALNUM ",-@[]^_\\",
	/* No "=": ps would call another column PID, which is how the Engine
	 * tells the container's processes from those of the host. */
	[WORDS_PS] = ALNUM " ,_+:%.-"
};

enum {
	ENUMS_ISOLATION, ENUMS_CONDITION, ENUMS_SCOPE, ENUMS_REGISTRY,
	ENUMS_ROLLBACK, ENUMS_DF
};
static const char *const enums[] = {
	[ENUMS_ISOLATION] = "default",
	[ENUMS_CONDITION] = "not-running next-exit removed",
	[ENUMS_SCOPE] = "swarm global local",
	[ENUMS_REGISTRY] = "spec previous-spec",
	[ENUMS_ROLLBACK] = "previous none",
	[ENUMS_DF] = "container image volume build-cache"
};

static const struct param {
	const char *shown;	/* "?name" */
	size_t length;		/* of name */
	int64_t low, high;
	unsigned char endpoint, type, effect;
	unsigned short since, until;
} table[] = {
#define PARAM(ep, name, typ, lo, hi, sinc, untl, eff) \
	{ "?" name, sizeof(name) - 1, lo, hi, EP_##ep, TYPE_##typ, \
	    EFFECT_##eff, sinc, untl },
#include "dockbroker/params.def"
};
_Static_assert(EP_COUNT <= UINT8_MAX, "an endpoint's number fits a byte");

/* One query on its way. */
struct query {
	const struct http_target *target;
	struct facts *f;
	struct buf *out;
	struct buf faults;
	unsigned later;		/* parameters of BuildKit's */
	uint64_t seen;		/* parameters of this endpoint, by number */
	uint64_t told;		/* of these, said to be repeated */
	size_t first;		/* the endpoint's first row in table */
	size_t written;
};

/* ---- checking one value ---- */

static bool made_of(struct slice s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || !strchr(set, s.p[i]))
			return false;
	return true;
}

static bool text_valid(struct slice s, size_t max, bool lines)
{
	if (s.n > max || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == 0x7f || (c < 0x20 &&
		    !(lines && (c == '\n' || c == '\t' || c == '\r'))))
			return false;
	}
	return true;
}

/* Everything is true but these, in any case and with space around. */
static bool bool_read(struct slice s)
{
	static const char *const falses[] = { "", "0", "no", "false", "none" };

	while (s.n > 0 && strchr(" \t\n\v\f\r", s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && strchr(" \t\n\v\f\r", s.p[0])) {
		s.p++;
		s.n--;
	}
	for (size_t i = 0; i < countof(falses); i++)
		if (slice_equal_nocase(s, slice_from(falses[i])))
			return false;
	return true;
}

static bool int_valid(struct slice s, int64_t low, int64_t high)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (minus) {
		s.p++;
		s.n--;
	}
	if (!slice_number(s, INT64_MAX, &v))
		return false;
	if (minus)
		return v > 0 && -(int64_t)v >= low;
	return (int64_t)v >= low && (int64_t)v <= high;
}

static bool enum_valid(struct slice s, const char *values)
{
	struct slice rest = slice_from(values);

	while (rest.n > 0)
		if (slice_equal(slice_cut(&rest, ' '), s))
			return true;
	return false;
}

/* A name that is about to be given to an image: not what others take for an
 * id, nor "sha256:...". */
static bool new_image_valid(struct slice s)
{
	struct slice name = s;

	if (!reference_valid(s) || memchr(s.p, '@', s.n))
		return false;
	reference_cut(&name);
	return !name_is_id(name) && !slice_is(name, "sha256") &&
	    !slice_is(name, "sha512");
}

static bool new_name_valid(struct slice s)
{
	if (s.n > 0 && s.p[0] == '/') {
		s.p++;
		s.n--;
	}
	return name_valid(s) && !name_is_id(s);
}

static bool later_harmless(const struct param *p, struct slice s)
{
	if (strcmp(p->shown, "?version") == 0)
		return slice_is(s, "1");
	return strcmp(p->shown, "?outputs") == 0 &&
	    (slice_is(s, "[]") || slice_is(s, "null"));
}

static bool text_kind_valid(const struct param *p, struct slice s)
{
	switch (p->type) {
	case TYPE_TEXT:
	case TYPE_TEXTS:
		return text_valid(s, (size_t)p->high, false);
	case TYPE_LINES:
	case TYPE_LINESES:
		return text_valid(s, (size_t)p->high, true);
	case TYPE_WORD:
		return s.n <= 256 && made_of(s, charsets[p->high]);
	case TYPE_ENUM:
	case TYPE_ENUMS:
		return enum_valid(s, enums[p->high]);
	case TYPE_SIGNAL:
		return s.n <= 16 && made_of(s, ALNUM "+-");
	case TYPE_TIME:
		return s.n <= 64 && made_of(s, ALNUM ":.+-");
	case TYPE_TAIL:
		return slice_is(s, "all") || int_valid(s, -1, INT32_MAX);
	case TYPE_PLATFORM:
		return s.n <= 128 && made_of(s, ALNUM "/._-");
	default:
		return false;
	}
}

static bool kind_valid(const struct param *p, struct slice s)
{
	switch (p->type) {
	case TYPE_INT:
		return int_valid(s, p->low, p->high);
	case TYPE_NAME:
		return name_valid(s);
	case TYPE_NEW_NAME:
		return new_name_valid(s);
	case TYPE_REF:
	case TYPE_REFS:
		return reference_valid(s);
	case TYPE_NEW_REFS:
	case TYPE_REPO:
		return new_image_valid(s);
	case TYPE_TAG:
		return tag_valid(s);
	case TYPE_TAG_DIGEST:
		return tag_valid(s) || digest_valid(s);
	case TYPE_EMPTY:
		return false;
	default:
		return text_kind_valid(p, s);
	}
}

static bool is_list(const struct param *p)
{
	return p->type == TYPE_TEXTS || p->type == TYPE_LINESES ||
	    p->type == TYPE_REFS || p->type == TYPE_NEW_REFS ||
	    p->type == TYPE_ENUMS || p->type == TYPE_OCI_PLATFORMS;
}

/* *s is the value as it came and, on VALUE_GOOD, as it will be sent. */
static int value_check(const struct param *p, struct slice *s, struct arena *a)
{
	if (p->type == TYPE_DROPPED)
		return VALUE_NONE;
	if (p->type == TYPE_BOOL) {
		*s = bool_read(*s) ? SLICE("1") : SLICE("0");
		return VALUE_GOOD;
	}
	if (s->n == 0)
		return VALUE_NONE;
	switch (p->type) {
	case TYPE_BOOL_EMPTY:
		*s = bool_read(*s) ? SLICE("1") : SLICE("0");
		return VALUE_GOOD;
	case TYPE_FILTERS:
		return value_json(KIND_FILTERS, *s, a, s);
	case TYPE_MAP:
		return value_json(KIND_MAP, *s, a, s);
	case TYPE_MAP_NULL:
		return value_json(KIND_MAP_NULL, *s, a, s);
	case TYPE_LIST:
		return value_json(KIND_LIST, *s, a, s);
	case TYPE_ULIMITS:
		return value_json(KIND_ULIMITS, *s, a, s);
	case TYPE_OCI_PLATFORM:
	case TYPE_OCI_PLATFORMS:
		return value_json(KIND_PLATFORM, *s, a, s);
	case TYPE_LATER:
		return later_harmless(p, *s) ? VALUE_NONE : VALUE_BAD;
	default:
		return kind_valid(p, *s) ? VALUE_GOOD : VALUE_BAD;
	}
}

/* ---- what a value means ---- */

/* *into grows by sep and s. */
static int fact_append(struct facts *f, struct slice *into, char sep,
    struct slice s)
{
	*into = into->n > 0 ?
	    arena_format(f->arena, "%.*s%c%.*s", SLICE_ARG(*into), sep,
		SLICE_ARG(s)) :
	    arena_copy(f->arena, s);
	return into->p ? VALUE_GOOD : -ENOMEM;
}

/* An address without what may be a secret in it: user, password, query. */
static struct slice address_shown(struct slice s)
{
	s = slice_cut(&(struct slice){ s.p, s.n }, '?');
	s = slice_cut(&(struct slice){ s.p, s.n }, '#');
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == '@')
			return (struct slice){ s.p + i, s.n - i };
	return s;
}

static void reach_check(struct facts *f, const struct param *p, struct slice s)
{
	static const char *const words[] = {
		[EFFECT_LIMIT] = "limit", [EFFECT_SECURITY] = "security",
		[EFFECT_HOSTS] = "network", [EFFECT_REMOTE] = "remote",
		[EFFECT_SOURCE] = "remote", [EFFECT_BIND] = "bind"
	};
	const char *word = words[p->effect == EFFECT_NETMODE ? 0 : p->effect];

	switch (p->effect) {
	case EFFECT_NETMODE:
		if (slice_is(s, "default") || slice_is(s, "bridge") ||
		    slice_is(s, "none"))
			return;
		word = slice_is(s, "host") ? "host" : "network";
		break;
	case EFFECT_HOSTS:
		if (!memmem(s.p, s.n, "host-gateway", 12))
			return;
		break;
	case EFFECT_SOURCE:
		if (slice_is(s, "-"))
			return;
		s = address_shown(s);
		break;
	case EFFECT_REMOTE:
		s = address_shown(s);
		break;
	default:
		break;
	}
	facts_reach(f, word, slice_from(p->shown), s);
}

/* s: as value_json wrote it. */
static int ulimits_check(struct facts *f, const struct param *p, struct slice s)
{
	_cleanup_(tree_free) struct tree t = { 0 };
	int r = tree_parse(s, &t);

	if (r < 0)
		return r;
	if (r != TREE_GOOD)
		facts_reach(f, "limit", slice_from(p->shown), SLICE(""));
	for (const struct node *e = node_first(t.root); e; e = e->next) {
		struct slice name = node_text(node_get(e, "Name"));

		if (!ulimit_harmless(name))
			facts_reach(f, "limit", slice_from(p->shown), name);
	}
	return VALUE_GOOD;
}

static int effect_apply(struct facts *f, const struct param *p, struct slice s)
{
	switch (p->effect) {
	case EFFECT_NONE:
	case EFFECT_NEW_TAG:		/* once all are seen: tags_join */
	case EFFECT_IMAGE_TAG:
		return VALUE_GOOD;
	case EFFECT_NEW_NAME:
		if (s.p[0] == '/') {
			s.p++;
			s.n--;
		}
		return fact_append(f, &f->new_name, ',', s);
	case EFFECT_IMAGE:
		return fact_append(f, &f->image, ',', s);
	case EFFECT_OBJECT:
		return fact_append(f, &f->object, ',', s);
	case EFFECT_ULIMITS:
		return ulimits_check(f, p, s);
	default:
		reach_check(f, p, s);
		return VALUE_GOOD;
	}
}

/* ---- telling what is wrong ---- */

static void fault_add(struct query *q, struct slice name, const char *before,
    const char *after)
{
	if (q->faults.len > 0)
		buf_addz(&q->faults, "; ");
	buf_addz(&q->faults, before);
	buf_addc(&q->faults, '"');
	if (name.n > SHOWN_NAME)
		name.n = SHOWN_NAME;
	buf_adds(&q->faults, name);
	buf_addc(&q->faults, '"');
	buf_addz(&q->faults, after);
}

static const char *type_says(const struct param *p)
{
	switch (p->type) {
	case TYPE_NAME:		return " must be the name or id of an object";
	case TYPE_NEW_NAME:	return " must be a name of [a-zA-Z0-9_.-] that "
				    "does not look like an id";
	case TYPE_REF:
	case TYPE_REFS:		return " must be an image reference";
	case TYPE_NEW_REFS:
	case TYPE_REPO:		return " must be an image name that does not "
				    "look like an id";
	case TYPE_TAG:		return " must be a tag";
	case TYPE_TAG_DIGEST:	return " must be a tag or a digest";
	case TYPE_SIGNAL:	return " must be a signal";
	case TYPE_TIME:		return " must be a time";
	case TYPE_TAIL:		return " must be a number or \"all\"";
	case TYPE_FILTERS:	return " must be filters as JSON";
	case TYPE_MAP:
	case TYPE_MAP_NULL:	return " must be a JSON map of strings";
	case TYPE_LIST:		return " must be a JSON list of strings";
	case TYPE_ULIMITS:	return " must be a JSON list of ulimits";
	case TYPE_PLATFORM:
	case TYPE_OCI_PLATFORM:
	case TYPE_OCI_PLATFORMS: return " must be a platform";
	case TYPE_EMPTY:	return " does not go with the others";
	case TYPE_LATER:	return " is BuildKit's, which comes later: use DOCKER_BUILDKIT=0";
	default:		return " has characters or a length that it cannot have";
	}
}

static void fault_type(struct query *q, const struct param *p)
{
	struct slice name = { p->shown + 1, p->length };
	char text[96];

	if (p->type == TYPE_LATER && q->later++ > 0)
		return;		/* said once for all of BuildKit's */
	if (p->type == TYPE_INT) {
		snprintf(text, sizeof(text), " must be a number from %" PRId64
		    " to %" PRId64, p->low, p->high);
		fault_add(q, name, "parameter ", text);
	} else if (p->type == TYPE_ENUM || p->type == TYPE_ENUMS) {
		snprintf(text, sizeof(text), " must be one of: %s",
		    enums[p->high]);
		fault_add(q, name, "parameter ", text);
	} else {
		fault_add(q, name, "parameter ", type_says(p));
	}
}

static void fault_version(struct query *q, const struct param *p)
{
	struct slice name = { p->shown + 1, p->length };
	char text[96];

	snprintf(text, sizeof(text),
	    " is known %s API 1.%u, this request speaks 1.%u",
	    q->f->minor < p->since ? "since" : "until",
	    (unsigned)(q->f->minor < p->since ? p->since : p->until),
	    q->f->minor);
	fault_add(q, name, "parameter ", text);
}

/* ---- the walk ---- */

/* The first row of this endpoint, the table's length when it has none. */
static size_t first_row(unsigned endpoint)
{
	size_t low = 0, high = countof(table);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (table[mid].endpoint < endpoint)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t row_find(const struct query *q, struct slice name)
{
	unsigned id = q->f->endpoint->id;

	for (size_t i = q->first; i < countof(table) &&
	    table[i].endpoint == id; i++)
		if (table[i].length == name.n &&
		    memcmp(table[i].shown + 1, name.p, name.n) == 0)
			return i;
	return NO_PARAM;
}

static bool echo(const struct query *q, struct slice name)
{
	const struct endpoint *e = q->f->endpoint;

	/* dockerode's handle for giving up; no Engine reads it */
	if (slice_is(name, "abortSignal"))
		return true;
	return (e->flags & ECHOES_BODY) && schema_has_field(e->schema, name);
}

static void param_write(struct query *q, struct slice name, struct slice value)
{
	buf_addc(q->out, q->written++ > 0 ? '&' : '?');
	buf_adds(q->out, name);		/* a name of the table: plain */
	buf_addc(q->out, '=');
	http_encode(q->out, value);
}

static int param_take(struct query *q, const struct http_param *in)
{
	struct slice value = in->value;
	size_t row = row_find(q, in->name);

	if (row == NO_PARAM) {
		if (!echo(q, in->name))
			fault_add(q, in->name, "unknown parameter ", "");
		return 0;
	}
	const struct param *p = &table[row];
	uint64_t bit = UINT64_C(1) << (row - q->first);

	if (q->f->minor < p->since || q->f->minor > p->until) {
		fault_version(q, p);
		return 0;
	}
	if ((q->seen & bit) && !is_list(p)) {
		if (!(q->told & bit))
			fault_add(q, in->name, "repeated parameter ", "");
		q->told |= bit;
		return 0;
	}
	q->seen |= bit;
	int r = value_check(p, &value, q->f->arena);

	if (r == VALUE_BAD)
		fault_type(q, p);
	if (r != VALUE_GOOD)
		return r < 0 ? r : 0;
	param_write(q, in->name, value);
	r = effect_apply(q->f, p, value);
	return r < 0 ? r : 0;
}

/* "repo=a&tag=b" is the name "a:b"; when both have a tag they must agree. */
static int tags_join(struct query *q)
{
	for (size_t i = 0; i < q->target->nparams; i++) {
		const struct http_param *in = &q->target->params[i];
		size_t row = row_find(q, in->name);

		if (row == NO_PARAM || in->value.n == 0 ||
		    (table[row].effect != EFFECT_NEW_TAG &&
		    table[row].effect != EFFECT_IMAGE_TAG))
			continue;
		bool is_new = table[row].effect == EFFECT_NEW_TAG;
		struct slice *into = is_new ? &q->f->new_name : &q->f->image;
		struct slice name = into->n > 0 || is_new ? *into :
		    q->f->object;		/* push */
		struct slice had = reference_cut(&name);
		char sep = digest_valid(in->value) ? '@' : ':';

		if (had.n > 0 && !(had.p[0] == sep &&
		    slice_equal((struct slice){ had.p + 1, had.n - 1 },
			in->value))) {
			fault_add(q, in->name, "parameter ",
			    " contradicts the tag in the name");
			return 0;
		}
		if (name.n == 0)
			continue;
		*into = arena_format(q->f->arena, "%.*s%c%.*s",
		    SLICE_ARG(name), sep, SLICE_ARG(in->value));
		if (!into->p)
			return -ENOMEM;
	}
	return 0;
}

int query_canon(const struct http_target *t, struct facts *f, struct buf *out,
    struct refusal *why)
{
	struct query q = { .target = t, .f = f, .out = out,
	    .faults = BUF(BOUND_FIELD) };
	int r = 0;

	q.first = first_row(f->endpoint->id);
	for (size_t i = 0; r == 0 && i < t->nparams; i++)
		r = param_take(&q, &t->params[i]);
	if (r == 0 && q.faults.len == 0)
		r = tags_join(&q);
	if (r == 0 && q.faults.len > 0) {
		refusal_set(why, 400, "%s", buf_text(&q.faults));
		r = DOCKER_BAD;
	} else if (r == 0 && !buf_ok(out)) {
		r = -ENOMEM;
	}
	buf_free(&q.faults);
	return r;
}
