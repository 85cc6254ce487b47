/*
 * test_answer_mount.c: binds and volumes in answers as they were asked for, by
 * the record of the container, and lists that are filtered by them.  The shapes
 * are those of engines 20.10, 26.1 and 28.5, which agree.
 */
#include "docker/test_util.h"

#include "dockbroker/answer.h"

#define TEN(x)	x x x x x x x x x x
#define ID(x)	TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) x x x x
#define MINE	ID("1")		/* has a record */
#define OTHER	ID("2")		/* has none */
#define DIR	"/var/lib/dockbroker/mnt"
#define HOME	"/home/alice/src"

static const struct guard_mount mounts[] = {
	{ .kind = GUARD_BIND, .target = SLICE("/src"), .source = SLICE(HOME) },
	{ .kind = GUARD_BIND, .target = SLICE("/ro"),
	    .source = SLICE("/home/alice/\"x\""), .read_only = true },
	{ .kind = GUARD_VOLUME, .target = SLICE("/data"), .source = SLICE("v") },
	{ .kind = GUARD_BIND, .target = SLICE("/sock"), .source = SLICE("/a") },
};
#define BINDS	"[\"" HOME ":/src/\",\"/home/alice/\\\"x\\\":/x/../ro:ro,cached\"," \
	"\"v:/data:nocopy\",\"/anonymous\"]"
#define MOUNTS	"[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/sock\"," \
	"\"BindOptions\":{}}]"
static const struct guard_record full = {
	.bind_dir = SLICE(DIR), .mounts = mounts, .nmounts = countof(mounts),
	.asked_binds = SLICE(BINDS), .asked_mounts = SLICE(MOUNTS)
};

/* arg: the record of all that begins with 1 */
static const struct guard_record *record(void *arg, struct slice id)
{
	return id.n && id.p[0] == '1' ? arg : NULL;
}

static bool sees(void *arg, enum object_kind kind, struct slice id,
    struct slice name, const struct pair *labels, size_t n)
{
	(void)arg;
	(void)kind;
	(void)name;
	(void)labels;
	(void)n;
	return id.p[0] != '3';
}

static struct slice nothing(void *arg, struct slice id)
{
	(void)arg;
	(void)id;
	return SLICE_NONE;
}

struct reader {
	const char *line;
	const struct guard_record *record;
	bool all;
	const char *asked;		/* id of what is named; NULL: missing */
};

static void answer(const struct reader *r, const struct facts *f,
    struct slice in, size_t piece, struct buf *out)
{
	const struct answer_ops ops = { .sees = sees, .image_of = nothing,
	    .network_name = nothing, .all = r->all,
	    .record = r->record ? record : NULL };
	union { const struct guard_record *from; void *to; } arg = { r->record };
	struct answer *a = answer_new(f, &ops, arg.to, 0);

	assert_non_null(a);
	assert_true(answer_wanted(f, 200, false));
	for (size_t i = 0; i < in.n; i += piece) {
		struct slice s = { in.p + i, in.n - i < piece ? in.n - i : piece };

		assert_int_equal(answer_feed(a, s, out), ANSWER_GOOD);
	}
	assert_int_equal(answer_end(a, out), ANSWER_GOOD);
	answer_free(a);
}

static void is(struct reader r, const char *in, const char *expected)
{
	static const size_t pieces[] = { 1000000, 1, 7, 101 };
	struct ask a;

	if (!ask(&a, r.line))
		fail_msg("%s: %s", r.line, buf_text(&a.why.message));
	for (size_t i = 0; i < a.f.nrefs; i++) {
		a.f.refs[i].state = r.asked ? REF_FOUND : REF_MISSING;
		if (r.asked)
			a.f.refs[i].id = slice_from(r.asked);
	}
	for (size_t i = 0; i < countof(pieces); i++) {
		_cleanup_(buf_free) struct buf out = BUF(1 << 20);

		answer(&r, &a.f, slice_from(in), pieces[i], &out);
		assert_string_equal(buf_text(&out), expected);
	}
	ask_free(&a);
}

/* ---- what the Engine has ---- */

#define POINT(source, target, mode, rw) \
	"{\"Type\":\"bind\",\"Source\":\"" source "\",\"Destination\":\"" \
	target "\",\"Mode\":\"" mode "\",\"RW\":" rw ",\"Propagation\":\"rprivate\"}"
#define VOLUME(mode) \
	"{\"Type\":\"volume\",\"Name\":\"v\",\"Source\":\"/d/v/_data\"," \
	"\"Destination\":\"/data\",\"Driver\":\"local\",\"Mode\":\"" mode \
	"\",\"RW\":true,\"Propagation\":\"\"}"
#define TMPFS	"{\"Type\":\"tmpfs\",\"Source\":\"\",\"Destination\":\"/t\"," \
	"\"Mode\":\"\",\"RW\":true,\"Propagation\":\"\"}"
#define ITS	POINT(DIR, "/ro", "", "true") "," VOLUME("z") "," \
	POINT(DIR, "/src", "", "true") "," TMPFS "," POINT(DIR, "/sock", "", "true")
#define HIS	POINT("/home/alice/\\\"x\\\"", "/ro", "ro,cached", "false") "," \
	VOLUME("nocopy") "," POINT(HOME, "/src", "", "true") "," TMPFS "," \
	POINT("/a", "/sock", "", "true")
#define INSPECT(id, host, points) \
	"{\"Id\":\"" id "\",\"HostConfig\":" host ",\"GraphDriver\":{\"Data\":" \
	"null},\"Mounts\":[" points "],\"Config\":{\"Image\":\"a\",\"Volumes\":" \
	"{\"/data\":{}}}}"
#define LISTED(id, points) \
	"{\"Id\":\"" id "\",\"Names\":[\"/n\"],\"Image\":\"a\",\"HostConfig\":" \
	"{\"NetworkMode\":\"default\"},\"Mounts\":[" points "]}"
#define ITS_MOUNTS "[{\"Type\":\"bind\",\"Source\":\"" DIR "\",\"Target\":" \
	"\"/src\",\"BindOptions\":{\"Propagation\":\"rprivate\"}},{\"Type\":" \
	"\"volume\",\"Source\":\"v\",\"Target\":\"/data\"}]"
#define HOST(binds, mounts) \
	"{\"Binds\":" binds ",\"Memory\":0" mounts ",\"Runtime\":\"dockbroker\"}"
#define INSPECTS "GET /containers/" MINE "/json"

static void test_inspect(void **state)
{
	struct reader r = { .line = INSPECTS, .record = &full, .asked = MINE };

	(void)state;
	for (int i = 0; i < 2; i++) {
		r.all = i;
		is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), ITS),
		    INSPECT(MINE, HOST(BINDS, ",\"Mounts\":" MOUNTS), HIS) "\n");
		/* What has no record is shown as it is. */
		is(r, INSPECT(OTHER, HOST("null", ",\"Mounts\":" ITS_MOUNTS), ITS),
		    INSPECT(OTHER, HOST("null", ",\"Mounts\":" ITS_MOUNTS), ITS) "\n");
	}
	r.record = NULL;
	is(r, INSPECT(MINE, HOST("[\"a:/a\"]", ",\"Mounts\":" ITS_MOUNTS), ITS),
	    INSPECT(MINE, HOST("[\"a:/a\"]", ",\"Mounts\":" ITS_MOUNTS), ITS) "\n");
	/* Why it did not start. */
	r.record = &full;
	is(r, "{\"Id\":\"" MINE "\",\"State\":{\"Pid\":0,\"Error\":\"error mounting \\\""
	    DIR "/0\\\" to rootfs at \\\"/src\\\"\",\"Dead\":false}}",
	    "{\"Id\":\"" MINE "\",\"State\":{\"Pid\":0,\"Error\":\"error mounting \\\""
	    HOME "\\\" to rootfs at \\\"/src\\\"\",\"Dead\":false}}\n");
	/* Nothing of the kind. */
	r.record = &full;
	is(r, "{\"Id\":\"" MINE "\",\"HostConfig\":null,\"Mounts\":null}",
	    "{\"Id\":\"" MINE "\",\"HostConfig\":null,\"Mounts\":null}\n");
	is(r, INSPECT(MINE, "{}", ""), INSPECT(MINE, "{}", "") "\n");
}

/* Whose Mounts were all the broker's doing has none. */
static void test_removed(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "{\"A\":1,\"Mounts\":[1],\"B\":2}", "{\"A\":1,\"B\":2}" },
		{ "{\"Mounts\":[1],\"B\":2}", "{\"B\":2}" },
		{ "{ \"Mounts\" : [1] , \"B\":2}", "{  \"B\":2}" },
		{ "{\"A\":1 , \"Mounts\" : [1] }", "{\"A\":1  }" },
		{ "{\"Mounts\":[1]}", "{}" },
		{ "{\"Binds\":null,\"Mounts\":[1]}", "{\"Binds\":[\"v:/v\"]}" },
		{ "{\"Mounts\":[1],\"Binds\":null}", "{\"Binds\":[\"v:/v\"]}" },
		{ "{\"Mounts\":1,\"Mounts\":2}", "{}" },
		{ "{\"A\":1,\"Mounts\":1,\"Mounts\":2}", "{\"A\":1}" },
		{ "{\"Mounts\":1,\"Mounts\":2,\"A\":1}", "{\"A\":1}" },
		{ "{\"A\":1,\"M\\u006funts\":1,\"Binds\":0,\"Mounts\":2,\"B\":2}",
		    "{\"A\":1,\"Binds\":[\"v:/v\"],\"B\":2}" },
	};
	static const char *const none[] = { "", "null", "[]" };
	struct guard_record some = full;
	struct reader r = { .line = INSPECTS, .record = &some, .asked = MINE };

	(void)state;
	some.asked_binds = SLICE("[\"v:/v\"]");
	for (size_t i = 0; i < countof(t) * countof(none); i++) {
		char in[512], out[512];

		some.asked_mounts = slice_from(none[i % countof(none)]);
		snprintf(in, sizeof(in), "{\"HostConfig\":%s}", t[i / countof(none)].in);
		snprintf(out, sizeof(out), "{\"HostConfig\":%s}\n",
		    t[i / countof(none)].out);
		is(r, in, out);
	}
}

/* With binds the broker adds his groups. */
static void test_groups(void **state)
{
	static const struct slice asked[] = { SLICE("audio"), SLICE("\"5\"") };
	struct guard_record some = full;
	struct reader r = { .line = INSPECTS, .record = &some, .asked = MINE };
	const char *sent = "{\"HostConfig\":{\"GroupAdd\":[\"audio\",\"2500\"]}}";

	(void)state;
	is(r, sent, "{\"HostConfig\":{\"GroupAdd\":null}}\n");
	some.groups = asked;
	some.ngroups = 2;
	is(r, sent, "{\"HostConfig\":{\"GroupAdd\":[\"audio\",\"\\\"5\\\"\"]}}\n");
	/* without, they are as they were sent */
	some.mounts = &mounts[2];
	some.nmounts = 1;
	is(r, sent, "{\"HostConfig\":{\"GroupAdd\":[\"audio\",\"2500\"]}}\n");
}

/* Volumes of his own, which the broker made Mounts of. */
static void test_volumes_alone(void **state)
{
	static const struct guard_mount nameless = { .kind = GUARD_VOLUME,
		.target = SLICE("/data") };
	struct guard_record some = { .asked_binds = SLICE("[\"v:/data\"]") };
	struct reader r = { .line = INSPECTS, .record = &some, .asked = MINE };

	(void)state;
	is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), VOLUME("z")),
	    INSPECT(MINE, HOST("[\"v:/data\"]", ""), VOLUME("z")) "\n");
	some.asked_binds = SLICE("[\"v:/data:ro,z\"]");
	is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), VOLUME("z")),
	    INSPECT(MINE, HOST("[\"v:/data:ro,z\"]", ""), VOLUME("ro,z")) "\n");
	some.asked_binds = SLICE("[]");
	is(r, INSPECT(MINE, HOST("null", ""), ""),
	    INSPECT(MINE, HOST("[]", ""), "") "\n");
	some.asked_binds = SLICE("");
	is(r, INSPECT(MINE, HOST("[\"x:/x\"]", ""), ""),
	    INSPECT(MINE, HOST("null", ""), "") "\n");
	/* A volume without a name is not one of Mounts to who asked for it elsewhere. */
	some.mounts = &nameless;
	some.nmounts = 1;
	is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), VOLUME("z")),
	    INSPECT(MINE, HOST("null", ""), VOLUME("")) "\n");
	some.asked_binds = SLICE("[\"/data/.\"]");
	is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), VOLUME("z")),
	    INSPECT(MINE, HOST("[\"/data/.\"]", ""), VOLUME("z")) "\n");
	some.asked_binds = SLICE("");
	some.asked_mounts = SLICE("[{\"Target\":\"/x\"},5,{\"Target\":\"/data/\"}]");
	is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":[1]"), VOLUME("z")),
	    INSPECT(MINE, HOST("null", ",\"Mounts\":[{\"Target\":\"/x\"},5,{"
	    "\"Target\":\"/data/\"}]"), VOLUME("z")) "\n");
	/* No list: a record that cannot be. */
	some.nmounts = 0;
	some.asked_binds = some.asked_mounts = SLICE("[\"v:/data\"");
	is(r, INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), VOLUME("z")),
	    INSPECT(MINE, HOST("null", ",\"Mounts\":" ITS_MOUNTS), VOLUME("z")) "\n");
}

/* What only looks like a bind of the guard's. */
static void test_neighbours(void **state)
{
	static const char *const same[] = {
		POINT(DIR, "/other", "", "true"),	/* no such target */
		POINT(DIR, "/src/", "", "true"),
		POINT(DIR "/", "/src", "", "true"),
		POINT("/etc", "/src", "", "true"),
		"{\"Source\":\"" DIR "\",\"Source\":\"/x\",\"Destination\":\"/src\"}",
		"{\"Source\":\"" DIR "\",\"Destination\":\"/src\",\"Destination\":\"/t\"}",
		"{\"Source\":\"" DIR "\"}", "{\"Destination\":\"/src\"}",
		"{\"Source\":[\"" DIR "\"],\"Destination\":\"/src\"}",
		"\"" DIR "\"", "null", "[]", "{}",
	};
	struct reader r = { .line = INSPECTS, .record = &full, .asked = MINE };
	char in[1024], out[1032];

	(void)state;
	for (size_t i = 0; i < countof(same); i++) {
		snprintf(in, sizeof(in), "{\"Mounts\":[%s]}", same[i]);
		snprintf(out, sizeof(out), "%s\n", in);
		is(r, in, out);
	}
	is(r, "{\"Mounts\":[{\"S\\u006furce\":\"\\/var/lib/dockbroker/mnt\",\"RW\""
	    ":null,\"Destination\":\"\\u002fro\",\"X\":{\"Source\":\"" DIR "\"}}]}",
	    "{\"Mounts\":[{\"S\\u006furce\":\"/home/alice/\\\"x\\\"\",\"RW\""
	    ":false,\"Destination\":\"\\u002fro\",\"X\":{\"Source\":\"" DIR "\"}}]}\n");
}

static void test_lists(void **state)
{
	struct reader r = { .line = "GET /containers/json", .record = &full };

	(void)state;
	for (int i = 0; i < 2; i++) {
		r.all = i;
		r.line = "GET /containers/json";
		is(r, "[" LISTED(MINE, ITS) "," LISTED(OTHER, ITS) ","
		    LISTED(MINE, "") "]\n", "[" LISTED(MINE, HIS) ","
		    LISTED(OTHER, ITS) "," LISTED(MINE, "") "]\n");
		r.line = "GET /v1.24/containers/json?limit=1";
		is(r, "[" LISTED(MINE, ITS) "]", "[" LISTED(MINE, HIS) "]\n");
		r.line = "GET /system/df";
		is(r, "{\"Containers\":[" LISTED(MINE, ITS) "],\"Volumes\":[]}\n",
		    "{\"Containers\":[" LISTED(MINE, HIS) "],\"Volumes\":[]}\n");
	}
}

/* ---- ?filters.volume ---- */

#define FILTER	"GET /containers/json?filters={\"volume\":"
#define ONE	LISTED("1a", ITS)
#define TWO	LISTED("2b", POINT("/srv", "/src", "", "true"))
#define HIDDEN	LISTED("3c", POINT(HOME, "/src", "", "true"))
#define ALL	"[" HIDDEN "," ONE "," TWO ",{\"Id\":\"1d\"}]"
#define FIRST	"[" LISTED("1a", HIS) "]\n"
#define SECOND	"[" TWO "]\n"
#define BOTH	"[" LISTED("1a", HIS) "," TWO "]\n"

static void test_filter(void **state)
{
	static const struct { const char *line, *out, *asked; } t[] = {
		{ FILTER "[\"" HOME "\"]}", FIRST, "v" },
		{ FILTER "{\"/src\":true}}", BOTH, "v" },
		{ FILTER "[\"/srv\"]}", SECOND, "v" },
		{ FILTER "[\"/srv\",\"/ro\"]}", BOTH, "v" },
		{ FILTER "[\"/srv\",\"vol\"]}", BOTH, "v" },
		{ FILTER "[\"/srv\",\"v\"]}", SECOND, NULL },
		{ FILTER "[\"/srv\",\"v\"]}", SECOND, "w" },
		{ FILTER "[\"" DIR "\"]}", "[]\n", "v" },
		{ FILTER "[\"" HOME "/\"]}", "[]\n", "v" },
		{ FILTER "[\"/home/alice\"]}", "[]\n", "v" },
		{ FILTER "[\"/d/v/_data\"]}", "[]\n", "v" },
		{ FILTER "[\"/\"]}", "[]\n", "v" },
		{ FILTER "[\"/src\"]}&limit=1", FIRST, "v" },
		{ FILTER "[\"/srv\"]}&limit=1", SECOND, "v" },
		{ FILTER "[\"/src\"]}&limit=-1", BOTH, "v" },
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct reader r = { .line = t[i].line, .record = &full,
		    .asked = t[i].asked };

		is(r, ALL, t[i].out);
	}
}

/* Who sees everything is shown as much; what cannot be told is not. */
static void test_filter_all(void **state)
{
	struct reader r = { .line = FILTER "[\"" HOME "\"]}", .record = &full,
	    .all = true };

	(void)state;
	is(r, "[5,{\"Id\":\"4\"}," HIDDEN "," ONE "," TWO "]",
	    "[" HIDDEN "," LISTED("1a", HIS) "]\n");
	/* Without a guard as well. */
	r.record = NULL;
	is(r, "[" HIDDEN "," ONE "]", "[" HIDDEN "]\n");
}

/* What the Engine would see to, it still does. */
static void test_sent(void **state)
{
	static const struct { const char *line, *sent, *narrowed; bool has; } t[] = {
		{ FILTER "[\"/a\"]}", "/containers/json",
		    "/containers/json?filters=%7B%22label%22%3A%7B%22o%22%3Atrue"
		    "%7D%7D", true },
		{ FILTER "[\"/a\",\"b\"],\"id\":[\"1\"]}&limit=2&size=1",
		    "/containers/json?size=1&filters=%7B%22id%22%3A%7B%221%22"
		    "%3Atrue%7D%7D&all=1",
		    "/containers/json?size=1&filters=%7B%22id%22%3A%7B%221%22"
		    "%3Atrue%7D%2C%22label%22%3A%7B%22o%22%3Atrue%7D%7D&all=1",
		    true },
		{ FILTER "[\"b\"]}&limit=2",
		    "/containers/json?filters=%7B%22volume%22%3A%7B%22b%22%3Atrue"
		    "%7D%7D&limit=2",
		    "/containers/json?limit=2&filters=%7B%22label%22%3A%7B%22o"
		    "%22%3Atrue%7D%2C%22volume%22%3A%7B%22b%22%3Atrue%7D%7D",
		    false },
		{ "GET /events?filters={\"volume\":[\"/a\"]}",
		    "/events?filters=%7B%22volume%22%3A%7B%22%2Fa%22%3Atrue%7D%7D",
		    "/events?filters=%7B%22label%22%3A%7B%22o%22%3Atrue%7D%2C"
		    "%22volume%22%3A%7B%22%2Fa%22%3Atrue%7D%7D", false },
		{ "GET /containers/json?filters={\"name\":[\"/a\"]}",
		    "/containers/json?filters=%7B%22name%22%3A%7B%22%2Fa%22"
		    "%3Atrue%7D%7D",
		    "/containers/json?filters=%7B%22label%22%3A%7B%22o%22%3Atrue"
		    "%7D%2C%22name%22%3A%7B%22%2Fa%22%3Atrue%7D%7D", false },
	};
	const struct pair label = { SLICE("label"), SLICE("o") };
	const struct query_edits e = { .filters = &label, .nfilters = 1 };
	struct slice value;

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		assert_true(ask(&a, t[i].line));
		for (size_t k = 0; k < a.f.nrefs; k++)
			a.f.refs[k].state = REF_FOUND;
		assert_string_equal(ask_sent(&a, NULL), t[i].sent);
		assert_string_equal(ask_sent(&a, &e), t[i].narrowed);
		assert_int_equal(query_volume(&a.f, 0, &value), t[i].has);
		assert_false(query_volume(&a.f, 2, &value));
		ask_free(&a);
	}
}

/* ---- errors ---- */

static void error_is(const struct guard_record *r, const char *in,
    const char *expected)
{
	struct ref ref = { .kind = OBJECT_CONTAINER, .name = SLICE("web"),
	    .id = SLICE(MINE) };
	struct facts f = { .refs = &ref, .nrefs = 1 };
	_cleanup_(buf_free) struct buf out = BUF(4096);
	bool other = answer_error(&f, r, slice_from(in), &out);

	assert_int_equal(other, strcmp(in, expected) != 0);
	if (other)
		assert_string_equal(buf_text(&out), expected);
}

/* runc 1.1 and 1.3 */
#define OLD(d, t) "{\"message\":\"OCI runtime create failed: error mounting \\\"" d \
	"\\\" to rootfs at \\\"" t "\\\": mount " d ":" t " (via /proc/self/fd/6)," \
	" flags: 0x5000: not a directory\"}"
#define NEW(d, t, id) "{\"message\":\"error mounting \\\"" d "\\\" to rootfs at \\\"" \
	t "\\\": mount src=" d ", dst=" t ", flags=MS_BIND: not a directory: " id "\"}"
#define GONE	"{\"message\":\"invalid mount config for type \\\"bind\\\": bind " \
	"source path does not exist: " DIR "\"}"

static void test_errors(void **state)
{
	(void)state;
	error_is(&full, OLD(DIR "/0", "/src"), OLD(HOME, "/src"));
	error_is(&full, OLD(DIR, "/src"), OLD(HOME, "/src"));
	error_is(&full, OLD(DIR "/17", "/ro"), OLD("/home/alice/\\\"x\\\"", "/ro"));
	error_is(&full, NEW(DIR "/0", "/src", MINE), NEW(HOME, "/src", "web"));
	error_is(NULL, OLD(DIR "/0", "/src"), OLD(DIR "/0", "/src"));
	error_is(&full, OLD(DIR "/0", "/data"), OLD(DIR "/0", "/data"));
	error_is(&full, OLD("/x" "/0", "/src"), OLD("/x" "/0", "/src"));
	error_is(&full, OLD(DIR "2/0", "/src"), OLD(DIR "2/0", "/src"));
	/* The guard was not set up: for who can mend it, as it is. */
	error_is(&full, GONE, GONE);
	error_is(&full, "to rootfs at \\\"", "to rootfs at \\\"");
	error_is(&full, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inspect),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_volumes_alone),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_all),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
