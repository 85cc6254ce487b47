/* test_params.c: queries as real clients send them, what is sent instead, and
 * the nearest ones that are refused. */
#include "docker/test_util.h"

static void test_good(void **state)
{
	static const struct { const char *line, *query; } t[] = {
		{ "GET /containers/json", "" },
		{ "GET /containers/json?", "" },
		{ "GET /containers/json?all=True&size=False",
		    "?all=1&size=0" },
		{ "GET /containers/json?all", "?all=0" },
		{ "GET /containers/json?all=%20None%20", "?all=0" },
		{ "GET /containers/json?all=yes", "?all=1" },
		{ "GET /containers/json?limit=-1&all=0&size=0&trunc_cmd=0",
		    "?limit=-1&all=0&size=0" },
		{ "GET /containers/json?filters=", "" },
		{ "GET /containers/json?filters=%7B%7D", "" },
		{ "GET /containers/json?filters={\"status\":[\"b\",\"a\"],"
		    "\"label\":{\"x=y\":true}}",
		    "?filters=%7B%22label%22%3A%7B%22x%3Dy%22%3Atrue%7D%2C"
		    "%22status%22%3A%7B%22a%22%3Atrue%2C%22b%22%3Atrue%7D%7D" },
		{ "POST /containers/create?name=%2Fweb&platform=",
		    "?name=%2Fweb" },
		{ "POST /containers/create?name=w&Image=x&HostConfig=%7B%7D",
		    "?name=w" },
		{ "POST /containers/x/attach?hijack=true&stream=1&stdin=true",
		    "?stream=1&stdin=1" },
		{ "POST /containers/x/stop?t=-1&signal=SIGTERM",
		    "?t=-1&signal=SIGTERM" },
		{ "POST /containers/x/kill?signal=9", "?signal=9" },
		{ "POST /containers/x/wait?condition=removed",
		    "?condition=removed" },
		{ "GET /containers/x/logs?tail=all&since=1700000000.000000001",
		    "?tail=all&since=1700000000.000000001" },
		{ "GET /containers/x/top?ps_args=-o%20pid,cmd",
		    "?ps_args=-o%20pid%2Ccmd" },
		{ "POST /images/create?fromImage=busybox&tag=latest",
		    "?fromImage=busybox&tag=latest" },
		{ "POST /images/create?fromImage=a:1&tag=1",
		    "?fromImage=a%3A1&tag=1" },
		{ "POST /images/create?fromSrc=-&repo=a:1&tag=&changes=A&"
		    "changes=B", "?fromSrc=-&repo=a%3A1&changes=A&changes=B" },
		{ "GET /images/get?names=a&names=b:1",
		    "?names=a&names=b%3A1" },
		{ "POST /build?t=a&t=b:1&rm=1&version=1&buildargs=null&"
		    "labels={\"b\":\"2\",\"a\":\"1\"}&networkmode=default&"
		    "cgroupparent=&cpuperiod=0&ulimits=null&session=",
		    "?t=a&t=b%3A1&rm=1&labels=%7B%22a%22%3A%221%22%2C%22b%22"
		    "%3A%222%22%7D&networkmode=default&cpuperiod=0" },
		{ "POST /build?rm=&buildargs={\"A\":null}",
		    "?buildargs=%7B%22A%22%3Anull%7D" },
		{ "POST /commit?container=c&pause=&repo=r&tag=t",
		    "?container=c&repo=r&tag=t" },
		{ "DELETE /images/a?platforms={\"os\":\"linux\"}&platforms="
		    "{\"os\":\"x\"}", "?platforms=%7B%22os%22%3A%22linux%22%7D"
		    "&platforms=%7B%22os%22%3A%22x%22%7D" },
		{ "GET /system/df?type=image&type=volume",
		    "?type=image&type=volume" },
		{ "GET /containers/json?since=a&before=b&all=1", "?all=1" },
		{ "GET /images/json?only_ids=0&all=0&abortSignal=%7B%7D",
		    "?all=0" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		assert_string_equal(buf_text(&a.query), t[i].query);
		assert_int_equal(a.f.nreach, 0);
		ask_free(&a);
	}
}

static void test_bad(void **state)
{
	static const struct { const char *line, *says; } t[] = {
		{ "GET /info?x=1", "unknown parameter \"x\"" },
		{ "GET /containers/json?all=0&all=1&all=1&x&y=2",
		    "repeated parameter \"all\"; unknown parameter \"x\"; "
		    "unknown parameter \"y\"" },
		{ "GET /containers/json?All=1", "unknown parameter \"All\"" },
		{ "POST /containers/x/resize?h=65536&w=-1",
		    "parameter \"h\" must be a number from 0 to 65535; "
		    "parameter \"w\" must be a number from 0 to 65535" },
		{ "POST /containers/x/resize?h=01", "parameter \"h\" must be a "
		    "number from 0 to 65535" },
		{ "POST /v1.41/containers/x/stop?signal=TERM",
		    "parameter \"signal\" is known since API 1.42, this "
		    "request speaks 1.41" },
		{ "POST /containers/x/wait?condition=never",
		    "parameter \"condition\" must be one of: not-running "
		    "next-exit removed" },
		{ "POST /containers/create?name=0123456789ab",
		    "parameter \"name\" must be a name of [a-zA-Z0-9_.-] that "
		    "does not look like an id" },
		{ "POST /containers/create?Secret=1",
		    "unknown parameter \"Secret\"" },
		{ "POST /containers/x/start?Image=1",
		    "unknown parameter \"Image\"" },
		{ "POST /images/x/tag?repo=0123456789ab", "parameter \"repo\" "
		    "must be an image name that does not look like an id" },
		{ "POST /images/x/tag?repo=sha256&tag=ab", "parameter \"repo\" "
		    "must be an image name that does not look like an id" },
		{ "POST /images/x/tag?repo=good&repo=evil",
		    "repeated parameter \"repo\"" },
		{ "POST /images/x/tag?repo=a:1&tag=2",
		    "parameter \"tag\" contradicts the tag in the name" },
		{ "POST /images/create?fromImage=a:1&tag=2",
		    "parameter \"tag\" contradicts the tag in the name" },
		{ "POST /images/create?fromImage=a&fromSrc=-",
		    "unknown parameter \"fromImage\"" },
		{ "POST /images/create?fromImage=a&repo=b",
		    "parameter \"repo\" does not go with the others" },
		{ "GET /containers/json?filters={\"a\":{\"b\":false}}",
		    "parameter \"filters\" must be filters as JSON" },
		{ "GET /containers/json?filters={\"a\":[\"b\"],\"a\":[]}",
		    "parameter \"filters\" must be filters as JSON" },
		{ "GET /containers/json?filters={\"a\":\"b\"}",
		    "parameter \"filters\" must be filters as JSON" },
		{ "GET /containers/json?filters=[]",
		    "parameter \"filters\" must be filters as JSON" },
		{ "GET /containers/json?filters={\"a%20b\":[\"b\"]}",
		    "parameter \"filters\" must be filters as JSON" },
		{ "POST /build?labels={\"a\":1}",
		    "parameter \"labels\" must be a JSON map of strings" },
		{ "POST /build?labels={\"a\":null}",
		    "parameter \"labels\" must be a JSON map of strings" },
		{ "POST /build?ulimits=[{\"Name\":\"a\",\"Evil\":1}]",
		    "parameter \"ulimits\" must be a JSON list of ulimits" },
		{ "POST /build?labels={\"dockbroker.owner\":\"x\"}",
		    "parameter \"labels\" sets a label that begins with "
		    "\"dockbroker.\": these are dockbroker's" },
		{ "POST /commit?container=c&changes=LABEL%20dockbroker.x=1",
		    "parameter \"changes\" sets a label that begins with "
		    "\"dockbroker.\", or one whose name cannot be told: these "
		    "are dockbroker's" },
		{ "POST /images/create?fromSrc=-&changes=CMD%20a%5C&changes="
		    "b&changes=LABEL%20$x=1", NULL },
		{ "POST /images/create?fromImage=0123456789ab", "parameter "
		    "\"fromImage\" must be an image name that does not look "
		    "like an id" },
		{ "POST /build?networkmode=container:", "parameter "
		    "\"networkmode\" must be a network or \"container:\" and a "
		    "container" },
		{ "POST /build?networkmode=ns:/proc/1/ns/net", NULL },
		{ "POST /build?version=2", "parameter \"version\" is "
		    "BuildKit's, which comes later: use DOCKER_BUILDKIT=0" },
		{ "POST /build?session=abc", "parameter \"session\" is "
		    "BuildKit's, which comes later: use DOCKER_BUILDKIT=0" },
		{ "GET /containers/x/top?ps_args=a;b", NULL },
		{ "GET /containers/x/top?ps_args=-orss%3DPID%20-A",
		    "parameter \"ps_args\" has characters or a length that "
		    "it cannot have" },
		{ "GET /containers/x/top?ps_args=a%60b", "parameter \"ps_args\""
		    " has characters or a length that it cannot have" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		if (ask(&a, t[i].line))
			fail_msg("%s passes", t[i].line);
		assert_int_equal(a.why.status, 400);
		if (t[i].says)
			assert_string_equal(buf_text(&a.why.message),
			    t[i].says);
		ask_free(&a);
	}
}

/* Each row stands below its endpoint, in the catalogue's order, once, and at
 * most 64 of one endpoint. */
static void test_table(void **state)
{
	static const struct { unsigned id; const char *name; } t[] = {
#define PARAM(ep, name, ...)	{ EP_##ep, name },
#include "dockbroker/params.def"
	};
	size_t run = 0;

	(void)state;
	for (size_t i = 1; i < countof(t); i++) {
		assert_true(t[i].id >= t[i - 1].id);
		run = t[i].id == t[i - 1].id ? run + 1 : 0;
		assert_true(run < 64);
		for (size_t k = 0; k < i; k++)
			assert_false(t[i].id == t[k].id &&
			    strcmp(t[i].name, t[k].name) == 0);
	}
}

/* ---- the OpenAPI files ---- */

static size_t indent(const char *line)
{
	return strspn(line, " ");
}

static bool known(const struct slice method, const char *path,
    struct slice name)
{
	static const struct { unsigned id; const char *name; } t[] = {
#define PARAM(ep, name, ...)	{ EP_##ep, name },
#include "dockbroker/params.def"
	};
	bool row = false;

	for (size_t i = 0; i < countof(t); i++) {
		const struct endpoint *e = endpoint_get(t[i].id);
		char plain[256];
		size_t n = 0;

		for (const char *z = e->template; *z && *z != '?'; z++) {
			if (strncmp(z, "...}", 4) == 0)
				z += 3;
			plain[n++] = *z;
		}
		plain[n] = '\0';
		if (strcmp(plain, path) != 0 ||
		    !slice_equal_nocase(slice_from(method_name(e->method)),
			method))
			continue;
		row = row || slice_is(name, t[i].name);
	}
	return row;
}

/* "x" or x */
static void name_read(const char *z, char *out, size_t n)
{
	z += *z == '"';
	snprintf(out, n, "%.*s", (int)strcspn(z, "\""), z);
}

/* A reader just good enough for these files: paths at indent 2, methods at 4,
 * parameters as "- name:" and "in:" below it. */
static void check_swagger(const char *file)
{
	FILE *f = shared_open(file);
	char line[4096], path[256] = "", method[16] = "", name[128] = "";
	bool paths = false;
	size_t seen = 0;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		size_t in = indent(line);

		line[strcspn(line, "\r\n")] = '\0';
		if (in == 0 && line[0] != '\0' && line[0] != '#')
			paths = strcmp(line, "paths:") == 0;
		if (!paths)
			continue;
		if (in == 2 && line[2] == '/')
			snprintf(path, sizeof(path), "%.*s",
			    (int)strcspn(line + 2, ":"), line + 2);
		else if (in == 4)
			snprintf(method, sizeof(method), "%.*s",
			    (int)strcspn(line + 4, ":"), line + 4);
		else if (strncmp(line + in, "- name: ", 8) == 0)
			name_read(line + in + 8, name, sizeof(name));
		if (strcmp(line + in, "in: \"query\"") != 0 &&
		    strcmp(line + in, "in: query") != 0)
			continue;
		seen++;
		if (!known(slice_from(method), path, slice_from(name)))
			fail_msg("%s: %s %s?%s has no row", file, method, path,
			    name);
		name[0] = '\0';
	}
	fclose(f);
	assert_true(seen > 100);
}

static void test_swagger(void **state)
{
	(void)state;
	check_swagger("swagger-v1.41.yaml");
	check_swagger("swagger-v1.45.yaml");
	check_swagger("swagger-v1.51.yaml");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_swagger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
