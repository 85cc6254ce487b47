/* test_catalog.c: each row by an example, its neighbours refused, and the rows
 * against the list of what Engines have. */
#include "docker/names.h"
#include "docker/test_util.h"

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Fills the variables of a template: "/images/{name...}/json". */
static void example(const struct endpoint *e, char *out, size_t n)
{
	const char *z = e->template;
	size_t len = 0;

	len += (size_t)snprintf(out, n, "%s ", method_name(e->method));
	while (*z) {
		if (*z == '{') {
			const char *end = strchr(z, '}');
			const char *value = e->object == OBJECT_EXEC ? ID64 :
			    end[-1] == '.' ? "reg.example:5000/a/b" : "thing-1";

			len += (size_t)snprintf(out + len, n - len, "%s",
			    value);
			z = end + 1;
		} else if (*z == '*') {
			len += (size_t)snprintf(out + len, n - len, "vars");
			z++;
		} else if (*z == '?') {
			len += (size_t)snprintf(out + len, n - len, "%s=-", z);
			break;
		} else {
			out[len++] = *z++;
			out[len] = '\0';
		}
	}
}

static void test_each_row(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EP_COUNT; i++) {
		const struct endpoint *e = endpoint_get(i);
		struct ask a;
		char line[512];

		assert_int_equal(e->id, i);
		example(e, line, sizeof(line));
		bool good = ask(&a, line);

		if (e->until < API_MIN) {
			assert_false(good);
			assert_int_equal(a.why.status, 404);
		} else {
			if (!good)
				fail_msg("%s: %s", line,
				    buf_text(&a.why.message));
			assert_int_equal(a.f.endpoint->id, i);
			assert_int_equal(a.f.minor, 51);
		}
		ask_free(&a);
	}
}

/* One more segment, one less, a slash behind: never the same row. */
static void test_neighbours(void **state)
{
	static const char *const tails[] = { "/x", "/", "x" };

	(void)state;
	for (unsigned i = 0; i < EP_COUNT; i++) {
		const struct endpoint *e = endpoint_get(i);
		size_t n = strlen(e->template);

		if (strchr(e->template, '?') || e->template[n - 1] == '*' ||
		    e->template[n - 1] == '/' || e->template[n - 1] == '}')
			continue;
		for (size_t k = 0; k < countof(tails); k++) {
			struct ask a;
			char line[512];

			example(e, line, sizeof(line) - 4);
			strncat(line, tails[k], 3);
			ask(&a, line);
			assert_true(!a.f.endpoint || a.f.endpoint->id != i);
			ask_free(&a);
		}
	}
}

static void test_methods(void **state)
{
	static const struct { const char *line; unsigned status; } bad[] = {
		{ "GET /containers/x/start", 405 },
		{ "POST /containers/json", 405 },
		{ "DELETE /info", 405 },
		{ "PUT /_ping", 405 },
		{ "PATCH /info", 405 },
		{ "HEAD /info", 404 },
		{ "HEAD /containers/x/json", 404 },
		{ "GET /nothing", 404 },
		{ "GET /", 404 },
		{ "GET /v1.41", 404 },
		{ "GET /containers", 404 },
		{ "GET /containers/x", 405 },
		{ "GET /Info", 404 },
		{ "GET /info/", 404 },
		{ "GET /libpod/info", 404 },
		{ "GET /v1.41/debug/vars", 404 },
		{ "POST /containers/x/copy", 404 },
		{ "PUT /v1.41/volumes/x", 404 },
		{ "GET /images/json/", 404 },
		{ "GET /images//json", 400 },
		{ "GET /containers/../info", 400 },
		{ "GET /containers/a%2Fjson", 400 },
		{ "POST /containers/x/start/x", 404 },
		{ "POST /exec/abc/start", 404 }
	};

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct ask a;

		if (ask(&a, bad[i].line))
			fail_msg("%s passes", bad[i].line);
		if (a.why.status != bad[i].status)
			fail_msg("%s: %u %s", bad[i].line, a.why.status,
			    buf_text(&a.why.message));
		ask_free(&a);
	}
}

static void test_versions(void **state)
{
	static const struct {
		const char *line;
		unsigned engine, minor;
		const char *says;
	} t[] = {
		{ "GET /info", 41, 41, NULL },
		{ "GET /info", 0, API_MAX, NULL },
		{ "GET /info", 54, 54, NULL },
		{ "GET /v1.24/info", 41, 24, NULL },
		{ "GET /v1.41/info", 41, 41, NULL },
		{ "GET /v1.51/info", 0, 51, NULL },
		{ "GET /v1.54/info", 54, 54, NULL },
		{ "GET /v1.23/info", 41, 0, "client version 1.23 is too old. "
		    "Minimum supported API version is 1.24, please upgrade "
		    "your client to a newer version" },
		{ "GET /v1.42/info", 41, 0, "client version 1.42 is too new. "
		    "Maximum supported API version is 1.41" },
		{ "GET /v1.99/info", 0, 0, "client version 1.99 is too new. "
		    "Maximum supported API version is 1.51" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;
		bool good = ask_engine(&a, t[i].line, t[i].engine);

		assert_int_equal(good, t[i].says == NULL);
		if (good) {
			assert_int_equal(a.f.minor, t[i].minor);
		} else {
			assert_int_equal(a.why.status, 400);
			assert_string_equal(buf_text(&a.why.message),
			    t[i].says);
		}
		ask_free(&a);
	}
}

static void test_paths(void **state)
{
	static const struct {
		const char *line, *path, *object, *object2;
		unsigned id;
	} t[] = {
		{ "GET /v1.41/containers/web-1/json",
		    "/v1.41/containers/web-1/json", "web-1", "",
		    EP_CONTAINER_INSPECT },
		{ "GET /containers/w%65b/json", "/containers/web/json", "web",
		    "", EP_CONTAINER_INSPECT },
		{ "GET /networks/", "/networks/", "", "",
		    EP_NETWORK_LIST_SLASH },
		{ "GET /networks", "/networks", "", "", EP_NETWORK_LIST },
		{ "GET /images/json/json", "/images/json/json", "json", "",
		    EP_IMAGE_INSPECT },
		{ "GET /images/a/json/json", "/images/a/json/json", "a/json",
		    "", EP_IMAGE_INSPECT },
		{ "DELETE /images/a/b", "/images/a/b", "a/b", "",
		    EP_IMAGE_REMOVE },
		{ "POST /images/r.io:5000/a/b/push",
		    "/images/r.io%3A5000/a/b/push", "r.io:5000/a/b",
		    "r.io:5000",
		    EP_IMAGE_PUSH },
		{ "GET /distribution/a/b/json", "/distribution/a/b/json", "a/b",
		    "docker.io", EP_IMAGE_DISTRIBUTION },
		{ "DELETE /containers/c/checkpoints/k",
		    "/containers/c/checkpoints/k", "c", "k",
		    EP_CHECKPOINT_REMOVE },
		{ "OPTIONS /any/where", "/any/where", "", "", EP_OPTIONS },
		{ "OPTIONS /", "/", "", "", EP_OPTIONS },
		{ "GET /debug/pprof/heap", "/debug/pprof/heap", "", "",
		    EP_DEBUG }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		assert_string_equal(buf_text(&a.path), t[i].path);
		assert_true(slice_is(a.f.object, t[i].object));
		assert_true(slice_is(a.f.object2, t[i].object2));
		assert_int_equal(a.f.endpoint->id, t[i].id);
		ask_free(&a);
	}
}

static void test_names(void **state)
{
	static const struct { const char *line, *says; } bad[] = {
		{ "GET /containers/a%20b/json", "No such container: a b" },
		{ "GET /containers/-x/json", "No such container: -x" },
		{ "GET /images/A/json", "No such image: A" },
		{ "GET /images/a:b:c/json", "No such image: a:b:c" },
		{ "GET /networks/a%3Fb", "network a?b not found" },
		{ "GET /volumes/%7E", "get ~: no such volume" },
		{ "GET /exec/abc/json", "No such exec instance: abc" },
		{ "GET /services/a:b", "service a:b not found" },
		{ "GET /plugins/A%20/json", "plugin \"A \" not found" }
	};

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct ask a;

		assert_false(ask(&a, bad[i].line));
		assert_int_equal(a.why.status, 404);
		assert_string_equal(buf_text(&a.why.message), bad[i].says);
		ask_free(&a);
	}
}

static void test_references(void **state)
{
	static const char *const good[] = {
		"busybox", "a/b:1.2_3-4", "localhost/x", "localhost:5000/x:y",
		"reg.example.com:443/a/b/c:latest", "a__b", "a---b", "a.b/c_d",
		"[::1]:5000/x", "[fe80::1]/x", "0123abc", "sha256:" ID64,
		"a@sha256:" ID64, "a:1@sha256:" ID64, "Host.Name/x"
	};
	static const char *const bad[] = {
		"", "/a", "a/", "a//b", "A", "a:", "a:-b", "a:b:c", "a@b",
		"a___b", "a..b", "-a", "a-", "a b", "a/B", "x.io:99999/a",
		"x.io:/a", ".io/a", "x.io./a", "[::1/x", "[]/x", "a@sha256:12",
		"a@", "a:b@", "../a", "a/../b", "h\xc3\xa4/b"
	};

	(void)state;
	for (size_t i = 0; i < countof(good); i++)
		if (!reference_valid(slice_from(good[i])))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < countof(bad); i++)
		if (reference_valid(slice_from(bad[i])))
			fail_msg("%s passes", bad[i]);
	assert_true(name_is_id(SLICE("0123456789ab")));
	assert_false(name_is_id(SLICE("0123456789a")));
	assert_false(name_is_id(SLICE("0123456789ag")));
	assert_false(name_valid(SLICE("")));
	assert_false(name_valid(SLICE("a/b")));
	assert_true(name_valid(SLICE("a.B_c-1")));
}

/* "/images/{name...}/json?x" as endpoints.tsv has it. */
static bool same_path(const char *tmpl, struct slice path)
{
	char plain[256];
	size_t n = 0;

	for (; *tmpl && *tmpl != '?' && n < sizeof(plain) - 1; tmpl++) {
		if (strncmp(tmpl, "...}", 4) == 0)
			tmpl += 3;
		plain[n++] = *tmpl;
	}
	return slice_equal(path, (struct slice){ plain, n });
}

static void test_shared_list(void **state)
{
	bool listed[EP_COUNT] = { false };
	FILE *f = shared_open("endpoints.tsv");
	char line[4096];
	bool first = true;

	(void)state;
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		struct slice rest = slice_from(line);
		struct slice method = slice_cut(&rest, '\t');
		struct slice path = slice_cut(&rest, '\t');
		bool found = false;

		if (first) {
			first = false;
			continue;
		}
		for (unsigned i = 0; i < EP_COUNT; i++) {
			const struct endpoint *e = endpoint_get(i);

			if (e->method == method_from(method) &&
			    same_path(e->template, path))
				listed[i] = found = true;
		}
		if (!found)
			fail_msg("no row for %.*s %.*s", SLICE_ARG(method),
			    SLICE_ARG(path));
	}
	fclose(f);
	for (unsigned i = 0; i < EP_COUNT; i++)
		if (!listed[i])
			fail_msg("%s is not in endpoints.tsv",
			    endpoint_get(i)->template);
}

/* What the flags promise each other. */
static void test_flags(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EP_COUNT; i++) {
		const struct endpoint *e = endpoint_get(i);

		if (e->flags & RETRY) {
			assert_true(e->method == METHOD_GET ||
			    e->method == METHOD_HEAD);
			assert_int_equal(e->stream, STREAM_NONE);
			assert_false(e->flags & CHANGES);
		}
		if (e->method == METHOD_DELETE || e->method == METHOD_PUT)
			assert_true(e->flags & CHANGES);
		if (e->method == METHOD_POST && !(e->flags & CHANGES))
			assert_true(strstr(e->action, "resize") ||
			    strstr(e->action, "wait"));
		assert_int_equal(e->body == BODY_JSON,
		    e->schema != SCHEMA_NONE);
		if (e->flags & DROPS_BODY)
			assert_int_equal(e->body, BODY_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_shared_list),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
