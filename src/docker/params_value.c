/*
 * params_value.c: may a query parameter have this value, and how is it sent?
 *
 * Fed by clients.  The Engine reads booleans and numbers loosely (clients.md 1,
 * quirk 3); here each type has one spelling.
 */
#include <string.h>

#include "docker/names.h"
#include "docker/params_int.h"

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

const struct param param_table[] = {
#define PARAM(ep, name, typ, lo, hi, sinc, untl, eff) \
	{ "?" name, sizeof(name) - 1, lo, hi, EP_##ep, TYPE_##typ, \
	    EFFECT_##eff, sinc, untl },
#include "dockbroker/params.def"
};
_Static_assert(EP_COUNT <= UINT8_MAX, "an endpoint's number fits a byte");

/* The first row of this endpoint, the table's length when it has none. */
size_t param_first(unsigned endpoint)
{
	size_t low = 0, high = countof(param_table);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (param_table[mid].endpoint < endpoint)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t param_find(unsigned endpoint, size_t first, struct slice name)
{
	for (size_t i = first; i < countof(param_table) &&
	    param_table[i].endpoint == endpoint; i++)
		if (param_table[i].length == name.n &&
		    memcmp(param_table[i].shown + 1, name.p, name.n) == 0)
			return i;
	return NO_PARAM;
}

const char *value_enum(const struct param *p)
{
	return enums[p->high];
}

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

/* Not what others take for an id, nor "sha256:...". */
static bool repository_new(struct slice s)
{
	reference_cut(&s);
	return !name_is_id(s) && !slice_is(s, "sha256") &&
	    !slice_is(s, "sha512");
}

/* A name that is about to be given to an image. */
static bool new_image_valid(struct slice s)
{
	return reference_valid(s) && !memchr(s.p, '@', s.n) &&
	    repository_new(s);
}

static bool new_name_valid(struct slice s)
{
	if (s.n > 0 && s.p[0] == '/') {
		s.p++;
		s.n--;
	}
	return name_valid(s) && !name_is_id(s);
}

/*
 * A rule about addresses must mean what is fetched: no characters that one
 * reader takes for the end of the host and another does not, one "@", and no
 * ways back up that who fetches it would take first.
 */
static bool address_valid(struct slice s, size_t max)
{
	struct slice rest, host;
	const char *colon;

	if (slice_is(s, "-"))
		return true;
	if (s.n > max || !strchr(ALNUM, s.p[0]) ||
	    !made_of(s, ALNUM "._~:/?#[]@!$&'()*+,;=%-"))
		return false;
	rest = slice_cut(&(struct slice){ s.p, s.n }, '?');
	rest = slice_cut(&(struct slice){ rest.p, rest.n }, '#');
	for (size_t i = 0; i < rest.n; i++) {
		struct slice at = { rest.p + i, rest.n - i };

		if (slice_starts(at, SLICE("%2e")) ||
		    slice_starts(at, SLICE("%2E")) ||
		    slice_starts(at, SLICE("%2f")) ||
		    slice_starts(at, SLICE("%2F")) ||
		    slice_starts(at, SLICE("/./")) ||
		    slice_starts(at, SLICE("/../")) || slice_is(at, "/.") ||
		    slice_is(at, "/.."))
			return false;
	}
	colon = memmem(rest.p, rest.n, "://", 3);
	if (colon)
		rest = (struct slice){ colon + 3,
		    rest.n - (size_t)(colon + 3 - rest.p) };
	host = slice_cut(&rest, '/');
	(void)slice_cut(&host, '@');
	return !host.p || !memchr(host.p, '@', host.n);
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
	case TYPE_ADDRESS:
		return address_valid(s, (size_t)p->high);
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
	case TYPE_PULL:
		return reference_valid(s) && repository_new(s);
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

bool value_is_list(const struct param *p)
{
	return p->type == TYPE_TEXTS || p->type == TYPE_LINESES ||
	    p->type == TYPE_REFS || p->type == TYPE_NEW_REFS ||
	    p->type == TYPE_ENUMS || p->type == TYPE_OCI_PLATFORMS;
}

int value_check(const struct param *p, struct slice in, struct arena *a,
    struct item *out)
{
	*out = (struct item){ .param = p, .value = in, .ref = NO_REF };
	if (p->type == TYPE_DROPPED ||
	    (in.n == 0 && p->type != TYPE_BOOL))
		return VALUE_NONE;
	if (p->type == TYPE_BOOL || p->type == TYPE_BOOL_EMPTY) {
		out->value = bool_read(in) ? SLICE("1") : SLICE("0");
		return VALUE_GOOD;
	}
	if (p->type == TYPE_LATER)
		return later_harmless(p, in) ? VALUE_NONE : VALUE_BAD;
	if (value_is_json(p))
		return value_json(p, in, a, out);
	return kind_valid(p, in) ? VALUE_GOOD : VALUE_BAD;
}
