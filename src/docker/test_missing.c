/* test_missing.c: the Engine's words for what is not there, as three Engines
 * said them. */
#include "docker/test_util.h"

#define F64	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

/* The first ref is missing. */
static void check(const char *line, enum ref_state state, unsigned engine,
    unsigned status, const char *says)
{
	struct ask a;

	if (!ask_engine(&a, line, engine))
		fail_msg("%s: %s", line, buf_text(&a.why.message));
	assert_true(a.f.nrefs > 0);
	a.f.refs[0].state = state;
	object_missing(&a.f, &a.f.refs[0], engine, &a.why);
	assert_string_equal(buf_text(&a.why.message), says);
	assert_int_equal(a.why.status, status);
	ask_free(&a);
}

static void test_always(void **state)
{
	static const char *const containers[] = {
		"GET /containers/x/json", "DELETE /containers/x?force=1",
		"POST /containers/x/start", "POST /containers/x/attach",
		"GET /containers/x/attach/ws", "POST /containers/x/wait",
		"GET /containers/x/logs?stdout=1", "GET /containers/x/stats",
		"HEAD /containers/x/archive?path=/",
		"PUT /containers/x/archive?path=/", "POST /containers/x/exec",
		"POST /containers/x/update", "POST /commit?container=x",
		"POST /containers/x/rename?name=y"
	};
	static const struct { const char *line, *says; } t[] = {
		{ "GET /exec/" F64 "/json", "No such exec instance: " F64 },
		{ "POST /exec/" F64 "/start", "No such exec instance: " F64 },
		{ "GET /images/x/history", "No such image: x:latest" },
		{ "DELETE /images/docker.io/library/x:1",
		    "No such image: x:1" },
		{ "DELETE /images/library/x", "No such image: x:latest" },
		{ "POST /images/r.io/x:1/tag?repo=q",
		    "No such image: r.io/x:1" },
		{ "GET /images/x@sha256:" F64 "/history",
		    "No such image: x@sha256:" F64 },
		{ "GET /images/" F64 "/history",
		    "No such image: sha256:" F64 },
		{ "GET /images/sha256:" F64 "/history",
		    "No such image: sha256:" F64 },
		{ "GET /images/ffffffffffff/history",
		    "No such image: ffffffffffff:latest" },
		{ "GET /images/sha256:abcd/history",
		    "No such image: sha256:abcd" },
		{ "GET /images/x/get", "No such image: x" },
		{ "GET /images/get?names=ffffffffffff",
		    "No such image: ffffffffffff" },
		{ "GET /images/x:1/get", "reference does not exist" },
		{ "GET /images/get?names=x@sha256:" F64,
		    "reference does not exist" },
		{ "POST /images/x/push", "An image does not exist locally "
		    "with the tag: x" },
		{ "POST /images/r.io/a/x/push?tag=7", "An image does not exist "
		    "locally with the tag: r.io/a/x" },
		{ "GET /images/json?filters={\"before\":[\"x\"]}",
		    "No such image: x:latest" },
		{ "GET /networks/x", "network x not found" },
		{ "POST /networks/x/connect", "network x not found" },
		{ "GET /volumes/x", "get x: no such volume" },
		{ "DELETE /volumes/x?force=0", "get x: no such volume" }
	};
	static const unsigned engines[] = { 41, 45, 51 };

	(void)state;
	for (size_t k = 0; k < countof(engines); k++) {
		for (size_t i = 0; i < countof(containers); i++)
			check(containers[i], REF_MISSING, engines[k], 404,
			    "No such container: x");
		for (size_t i = 0; i < countof(t); i++)
			check(t[i].line, REF_MISSING, engines[k], 404,
			    t[i].says);
		check("DELETE /volumes/x?force=1", REF_MISSING, engines[k],
		    204, "");
	}
}

static void test_versions(void **state)
{
	static const struct {
		const char *line;
		unsigned status[3];
		const char *says[3];	/* 20.10, 26.1, 28.5 */
	} t[] = {
		{ "GET /images/x/json", { 404, 404, 404 },
		    { "no such image: x: No such image: x:latest",
		    "No such image: x:latest", "No such image: x:latest" } },
		{ "GET /images/library/x:1/json", { 404, 404, 404 },
		    { "no such image: library/x:1: No such image: x:1",
		    "No such image: x:1", "No such image: x:1" } },
		{ "POST /containers/x/kill", { 404, 404, 404 },
		    { "Cannot kill container: x: No such container: x",
		    "cannot kill container: x: No such container: x",
		    "cannot kill container: x: No such container: x" } },
		{ "GET /containers/json?filters={\"since\":[\"x\"]}",
		    { 500, 404, 404 }, { "no such container x",
		    "No such container: x", "No such container: x" } },
		{ "POST /build?networkmode=container:x", { 404, 404, 404 },
		    { "No such container: x", "No such container: x",
		    "joining network namespace of container: "
		    "No such container: x" } },
		{ "POST /build?networkmode=x", { 404, 404, 404 },
		    { "network x not found", "network x not found",
		    "failed to set up container networking: "
		    "network x not found" } }
	};
	static const unsigned engines[] = { 41, 45, 51 };

	(void)state;
	for (size_t i = 0; i < countof(t); i++)
		for (size_t k = 0; k < countof(engines); k++)
			check(t[i].line, REF_MISSING, engines[k],
			    t[i].status[k], t[i].says[k]);
}

static void test_many(void **state)
{
	(void)state;
	check("GET /containers/a/json", REF_MANY, 41, 500,
	    "Multiple IDs found with provided prefix: a");
	check("GET /containers/a/json", REF_MANY, 45, 400,
	    "multiple IDs found with provided prefix: a");
	check("POST /containers/a/kill", REF_MANY, 41, 500,
	    "Cannot kill container: a: Multiple IDs found with provided "
	    "prefix: a");
	check("DELETE /networks/a", REF_MANY, 51, 400,
	    "network a is ambiguous (matches found based on ID prefix)");
}

/* What a create names; the refs are body.c's, made here by hand. */
static void test_create(void **state)
{
	static const struct {
		enum object_kind kind;
		const char *path;
		unsigned status, engine;
		const char *says;
	} t[] = {
		{ OBJECT_IMAGE, "Image", 404, 51, "No such image: x:latest" },
		{ OBJECT_IMAGE, "HostConfig.Mounts[0].Source", 404, 51,
		    "No such image: x:latest" },
		{ OBJECT_CONTAINER, "HostConfig.VolumesFrom[0]", 400, 41,
		    "No such container: x" },
		{ OBJECT_CONTAINER, "HostConfig.PidMode", 400, 51,
		    "No such container: x" },
		{ OBJECT_CONTAINER, "HostConfig.Links[1]", 400, 41,
		    "could not get container for x: No such container: x" },
		{ OBJECT_NETWORK, "HostConfig.NetworkMode", 400, 41,
		    "network x not found" },
		{ OBJECT_NETWORK, "HostConfig.NetworkMode", 400, 51,
		    "failed to set up container networking: "
		    "network x not found" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;
		struct ref *r;

		assert_true(ask(&a, "POST /containers/create"));
		r = facts_ref(&a.f, t[i].kind, REF_USE,
		    slice_from(t[i].path), SLICE("x"));
		r->state = REF_MISSING;
		object_missing(&a.f, r, t[i].engine, &a.why);
		assert_string_equal(buf_text(&a.why.message), t[i].says);
		assert_int_equal(a.why.status, t[i].status);
		ask_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_always),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
