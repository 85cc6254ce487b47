/* test_params_facts.c: what queries name, give and reach, and how they are sent
 * when that is known. */
#include "docker/test_util.h"

static void test_reach(void **state)
{
	static const struct {
		const char *line, *word, *path, *value, *extra;
	} t[] = {
		{ "POST /build?networkmode=host", "host", "?networkmode",
		    "network", "" },
		{ "POST /build?ulimits=[{\"Name\":\"nofile\",\"Hard\":1},"
		    "{\"Name\":\"memlock\",\"Hard\":-1}]", "everything",
		    "?ulimits", "memlock", "" },
		{ "POST /build?cgroupparent=/x", "everything",
		    "?cgroupparent", "/x", "" },
		{ "POST /build?securityopt=seccomp%3Dunconfined", "security",
		    "?securityopt", "seccomp=unconfined", "" },
		{ "POST /build?securityopt=seccomp%3D{}", "security",
		    "?securityopt", "seccomp=custom", "" },
		{ "POST /build?extrahosts=a:host-gateway", "network",
		    "?extrahosts", "host-gateway", "" },
		{ "POST /build?remote=https://u:p@h/x?token=1", "remote",
		    "?remote", "https://h/x", "build" },
		{ "POST /build?remote=github.com/a/b%23main", "remote",
		    "?remote", "https://github.com/a/b", "build" },
		{ "POST /build?remote=git@github.com:a/b.git", "remote",
		    "?remote", "git@github.com:a/b.git", "build" },
		{ "POST /build?remote=client-session", "remote", "?remote",
		    "https://client-session", "build" },
		{ "POST /images/create?fromSrc=http://h/x.tar", "remote",
		    "?fromSrc", "http://h/x.tar", "import" },
		{ "POST /images/create?fromSrc=h:1/x.tar", "remote",
		    "?fromSrc", "http://h:1/x.tar", "import" },
		{ "POST /images/create?fromSrc=h?://good/", "remote",
		    "?fromSrc", "", "import" },
		{ "POST /containers/x/start?checkpoint-dir=/etc",
		    "everything", "?checkpoint-dir", "/etc", "" },
		{ "POST /containers/x/start?checkpoint=a", "everything",
		    "?checkpoint", "a", "" },
		{ "GET /containers/x/checkpoints?dir=/", "everything", "?dir",
		    "/", "" },
		{ "GET /images/search?term=h.io/x", "remote", "?term", "h.io",
		    "search" },
		{ "GET /images/search?term=localhost/x", "remote", "?term",
		    "localhost", "search" },
		{ "GET /images/search?term=10.0.0.1:80/x", "remote", "?term",
		    "10.0.0.1:80", "search" },
		{ "GET /distribution/a/json", "remote", "", "docker.io",
		    "distribution" },
		{ "GET /distribution/h.io:1/a/b:t/json", "remote", "",
		    "h.io:1", "distribution" },
		{ "POST /images/h.io/a/push?tag=1", "remote", "", "h.io",
		    "push" }
	};
	static const char *const none[] = {
		"POST /build?networkmode=none&extrahosts=a:1.2.3.4&remote=",
		"POST /build?networkmode=bridge&securityopt=&cgroupparent=",
		"POST /build?networkmode=container:x",
		"POST /images/create?fromSrc=-",
		"POST /containers/x/start?checkpoint=&checkpoint-dir=",
		"GET /images/search?term=x", "GET /images/search?term=a/b",
		"GET /images/search?term=docker.io/b"
	};
	struct ask a;

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		assert_int_equal(a.f.nreach, 1);
		assert_string_equal(a.f.reach[0].word, t[i].word);
		assert_true(slice_is(a.f.reach[0].path, t[i].path));
		assert_string_equal(a.f.reach[0].value.p, t[i].value);
		assert_true(slice_is(a.f.reach[0].extra, t[i].extra));
		ask_free(&a);
	}
	for (size_t i = 0; i < countof(none); i++) {
		assert_true(ask(&a, none[i]));
		assert_int_equal(a.f.nreach, 0);
		ask_free(&a);
	}
}

/* Addresses that who fetches them could read in another way than the rules. */
static void test_address(void **state)
{
	static const char *const bad[] = {
		"https://good/../evil/x.git", "https://good/a/..",
		"https://good/./x", "https://good/%252e%252e/x",
		"https://good/%252fx", "https://good%5c@evil/x",
		"https://a@b@evil/x", "https://good/%C3%A9", "https://a b/",
		"-oProxyCommand=x", "/etc", "https://a/%22"
	};
	static const char *const good[] = {
		"https://u:p@h.io:80/a-b_c/d.git%23br:dir",
		"https://h/x?a=../b", "git://h/x", "https://[::1]:80/x",
		"https://h/a..b/c"
	};
	char line[256];
	struct ask a;

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		snprintf(line, sizeof(line), "POST /build?remote=%s", bad[i]);
		if (ask(&a, line))
			fail_msg("%s passes", bad[i]);
		assert_int_equal(a.why.status, 400);
		ask_free(&a);
	}
	for (size_t i = 0; i < countof(good); i++) {
		snprintf(line, sizeof(line), "POST /build?remote=%s", good[i]);
		if (!ask(&a, line))
			fail_msg("%s: %s", good[i],
			    buf_text(&a.why.message));
		assert_int_equal(a.f.nreach, 1);
		ask_free(&a);
	}
}

#define SHA	"0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd"
#define NAUGHT	"0000000000000000000000000000000000000000000000000000000000000000"

/* What is named, and what is sent when it is object SHA, or missing. */
static void test_refs(void **state)
{
	static const struct {
		const char *line;
		enum object_kind kind;
		enum ref_use use;
		const char *path, *name;
		bool filter;
		const char *sent, *missing;
	} t[] = {
		{ "GET /containers/a/json", OBJECT_CONTAINER, REF_OBJECT, "",
		    "a", false, "/containers/" SHA "/json",
		    "/containers/a/json" },
		{ "GET /v1.41/exec/" SHA "/json", OBJECT_EXEC, REF_OBJECT, "",
		    SHA, false, "/v1.41/exec/" SHA "/json",
		    "/v1.41/exec/" SHA "/json" },
		{ "DELETE /networks/a", OBJECT_NETWORK, REF_OBJECT, "", "a",
		    false, "/networks/" SHA, "/networks/a" },
		{ "DELETE /volumes/a?force=1", OBJECT_VOLUME, REF_OBJECT, "",
		    "a", false, "/volumes/" SHA "?force=1",
		    "/volumes/a?force=1" },
		{ "GET /images/r.io/a:1/json", OBJECT_IMAGE, REF_USE, "",
		    "r.io/a:1", false, "/images/sha256:" SHA "/json",
		    "/images/r.io/a%3A1/json" },
		{ "GET /images/a/history", OBJECT_IMAGE, REF_USE, "", "a",
		    false, "/images/sha256:" SHA "/history",
		    "/images/a/history" },
		/* names that stay */
		{ "DELETE /images/r.io/a:1", OBJECT_IMAGE, REF_OBJECT, "",
		    "r.io/a:1", false, "/images/r.io/a%3A1",
		    "/images/r.io/a%3A1" },
		{ "DELETE /images/0123abcd0123", OBJECT_IMAGE, REF_OBJECT, "",
		    "0123abcd0123", false, "/images/sha256:" SHA,
		    "/images/0123abcd0123" },
		{ "DELETE /images/sha256:" SHA, OBJECT_IMAGE, REF_OBJECT, "",
		    "sha256:" SHA, false, "/images/sha256:" SHA,
		    "/images/sha256%3A" SHA },
		{ "GET /images/a/get", OBJECT_IMAGE, REF_USE, "", "a", false,
		    "/images/a/get", "/images/a/get" },
		{ "GET /images/get?names=a", OBJECT_IMAGE, REF_USE, "?names",
		    "a", false, "/images/get?names=a", "/images/get?names=a" },
		{ "POST /images/r.io/a/push?tag=3", OBJECT_IMAGE, REF_USE, "",
		    "r.io/a:3", false, "/images/r.io/a/push?tag=3",
		    "/images/r.io/a/push?tag=3" },
		{ "POST /images/a/push", OBJECT_IMAGE, REF_USE, "",
		    "docker.io/library/a", false, "/images/a/push",
		    "/images/a/push" },
		{ "POST /images/a:1/push", OBJECT_IMAGE, REF_USE, "", "a:1",
		    false, "/images/a%3A1/push", "/images/a%3A1/push" },
		/* in the query */
		{ "POST /commit?container=a", OBJECT_CONTAINER, REF_OBJECT,
		    "?container", "a", false, "/commit?container=" SHA,
		    "/commit?container=a" },
		{ "POST /build?networkmode=container:a", OBJECT_CONTAINER,
		    REF_USE, "?networkmode", "a", false,
		    "/build?networkmode=container%3A" SHA,
		    "/build?networkmode=container%3Aa" },
		{ "POST /build?networkmode=a", OBJECT_NETWORK, REF_USE,
		    "?networkmode", "a", false, "/build?networkmode=" SHA,
		    "/build?networkmode=a" },
		{ "POST /build?cachefrom=[\"a\"]", OBJECT_IMAGE, REF_USE,
		    "?cachefrom", "a", true,
		    "/build?cachefrom=%5B%22sha256%3A" SHA "%22%5D",
		    "/build?cachefrom=%5B%22sha256%3A" NAUGHT "%22%5D" },
		{ "GET /containers/json?filters={\"before\":[\"a\"]}",
		    OBJECT_CONTAINER, REF_USE, "?filters.before", "a", false,
		    "/containers/json?filters=%7B%22before%22%3A%7B%22" SHA
		    "%22%3Atrue%7D%7D",
		    "/containers/json?filters=%7B%22before%22%3A%7B%22a%22"
		    "%3Atrue%7D%7D" },
		{ "GET /containers/json?filters={\"ancestor\":[\"a\"]}",
		    OBJECT_IMAGE, REF_USE, "?filters.ancestor", "a", true,
		    "/containers/json?filters=%7B%22ancestor%22%3A%7B%22"
		    "sha256%3A" SHA "%22%3Atrue%7D%7D",
		    "/containers/json?filters=%7B%22ancestor%22%3A%7B%22"
		    "sha256%3A" NAUGHT "%22%3Atrue%7D%7D" },
		{ "GET /containers/json?filters={\"volume\":{\"a\":true}}",
		    OBJECT_VOLUME, REF_USE, "?filters.volume", "a", true,
		    "/containers/json?filters=%7B%22volume%22%3A%7B%22" SHA
		    "%22%3Atrue%7D%7D",
		    "/containers/json?filters=%7B%22volume%22%3A%7B%22" NAUGHT
		    "%22%3Atrue%7D%7D" },
		{ "GET /containers/json?filters={\"network\":[\"a\"]}",
		    OBJECT_NETWORK, REF_USE, "?filters.network", "a", true,
		    "/containers/json?filters=%7B%22network%22%3A%7B%22" SHA
		    "%22%3Atrue%2C%22a%22%3Atrue%7D%7D",
		    "/containers/json?filters=%7B%22network%22%3A%7B%22" NAUGHT
		    "%22%3Atrue%7D%7D" },
		{ "GET /images/json?filters={\"since\":[\"a:1\"]}",
		    OBJECT_IMAGE, REF_USE, "?filters.since", "a:1", false,
		    "/images/json?filters=%7B%22since%22%3A%7B%22sha256%3A" SHA
		    "%22%3Atrue%7D%7D",
		    "/images/json?filters=%7B%22since%22%3A%7B%22a%3A1%22"
		    "%3Atrue%7D%7D" },
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;
		struct ref *r;

		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		if (a.f.nrefs != 1)
			fail_msg("%s has %zu refs", t[i].line, a.f.nrefs);
		r = &a.f.refs[0];
		assert_int_equal(r->kind, t[i].kind);
		assert_int_equal(r->use, t[i].use);
		assert_string_equal(r->path.p, t[i].path);
		assert_string_equal(r->name.p, t[i].name);
		assert_int_equal(r->filter, t[i].filter);
		assert_int_equal(r->state, REF_OPEN);
		r->state = REF_MISSING;
		assert_string_equal(ask_sent(&a, NULL), t[i].missing);
		r->state = REF_FOUND;
		r->id = r->kind == OBJECT_IMAGE ? SLICE("sha256:" SHA) :
		    SLICE(SHA);
		assert_string_equal(ask_sent(&a, NULL), t[i].sent);
		ask_free(&a);
	}
}

/* A name alone would be saved with all its tags. */
static void test_save(void **state)
{
	static const struct { const char *line, *sent; } t[] = {
		{ "GET /images/r.io/a/get", "/images/r.io/a%3Alatest/get" },
		{ "GET /images/a:1/get", "/images/a%3A1/get" },
		{ "GET /images/a@sha256:" SHA "/get",
		    "/images/a%40sha256%3A" SHA "/get" },
		{ "GET /images/0123/get", "/images/sha256:" SHA "/get" },
		{ "GET /images/cafe/get", "/images/cafe%3Alatest/get" },
		{ "GET /images/" SHA "/get", "/images/sha256:" SHA "/get" },
		{ "GET /images/get?names=a&names=b:1",
		    "/images/get?names=a%3Alatest&names=b%3A1" },
		{ "GET /images/get?names=0123abcd0123",
		    "/images/get?names=sha256%3A" SHA }
	};
	static const struct object image = { .kind = OBJECT_IMAGE,
		.id = SLICE("sha256:" SHA) };

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		assert_true(ask(&a, t[i].line));
		for (size_t k = 0; k < a.f.nrefs; k++) {
			a.f.refs[k].state = REF_FOUND;
			a.f.refs[k].object = &image;
			a.f.refs[k].id = image.id;
		}
		assert_string_equal(ask_sent(&a, NULL), t[i].sent);
		ask_free(&a);
	}
}

static void test_no_refs(void **state)
{
	static const char *const t[] = {
		"GET /containers/json?filters={\"id\":[\"a\"],\"name\":[\"b\"],"
		    "\"label\":[\"dockbroker.owner=bob\"]}",
		"GET /containers/json?filters={\"volume\":[\"/data\"]}",
		"GET /events?filters={\"container\":[\"a\"],\"image\":[\"b\"],"
		    "\"volume\":[\"c\"],\"network\":[\"d\"]}",
		"GET /networks?filters={\"name\":[\"a\"]}",
		"GET /distribution/a/json", "GET /plugins/a/json",
		"GET /services/a", "GET /nodes/a", "GET /tasks/a",
		"GET /secrets/a", "GET /configs/a", "POST /build/cancel?id=a",
		"POST /build?networkmode=bridge", "POST /containers/create",
		"POST /images/create?fromImage=a@sha256:" SHA,
		"POST /images/create?fromImage=a&tag=sha256:" SHA,
		"POST /images/create?fromSrc=-", "POST /build?q=1"
	};
	struct ask a;

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		if (!ask(&a, t[i]))
			fail_msg("%s: %s", t[i], buf_text(&a.why.message));
		if (a.f.nrefs != 0)
			fail_msg("%s has a ref", t[i]);
		ask_free(&a);
	}
	assert_true(ask(&a, "POST /build/prune"));
	assert_true(a.f.on_any);
	ask_free(&a);
	assert_true(ask(&a, "POST /images/a/push"));
	assert_true(a.f.on_any);
	ask_free(&a);
	assert_true(ask(&a, "POST /images/a/push?tag=1"));
	assert_false(a.f.on_any);
	ask_free(&a);
	/* what can name nothing matches nothing, or is refused */
	assert_true(ask(&a, "GET /containers/json?filters="
	    "{\"ancestor\":[\"../x\"]}"));
	assert_non_null(strstr(buf_text(&a.query), "sha256%3A" NAUGHT));
	ask_free(&a);
	assert_false(ask(&a, "GET /containers/json?filters="
	    "{\"since\":[\"../x\"]}"));
	ask_free(&a);
}

/* Names that images get, one spelling each. */
static void test_given(void **state)
{
	static const struct { const char *line, *path, *names[3]; } t[] = {
		{ "POST /images/x/tag?repo=a", "?repo",
		    { "docker.io/library/a:latest" } },
		{ "POST /images/x/tag?repo=r.io/a&tag=1", "?repo",
		    { "r.io/a:1" } },
		{ "POST /images/x/tag?repo=a:1&tag=1", "?repo",
		    { "docker.io/library/a:1" } },
		{ "POST /commit?container=c&repo=u/a&tag=1", "?repo",
		    { "docker.io/u/a:1" } },
		{ "POST /images/create?fromSrc=-&tag=2&repo=a", "?repo",
		    { "docker.io/library/a:2" } },
		{ "POST /build?t=a&t=r.io/b:1", "?t",
		    { "docker.io/library/a:latest", "r.io/b:1" } },
		{ "POST /images/create?fromImage=a&tag=1", "?fromImage",
		    { "docker.io/library/a:1" } },
		{ "POST /images/create?fromImage=a:1", "?fromImage",
		    { "docker.io/library/a:1" } },
		{ "POST /images/create?fromImage=docker.io/a", "?fromImage",
		    { "docker.io/library/a" } },
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		size_t n = 0;
		struct ask a;

		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		for (size_t k = 0; k < a.f.nrefs; k++) {
			const struct ref *r = &a.f.refs[k];

			if (r->kind != OBJECT_TAG)
				continue;
			assert_int_equal(r->use, REF_GIVE);
			assert_string_equal(r->path.p, t[i].path);
			assert_string_equal(r->name.p, t[i].names[n++]);
		}
		assert_true(n == 3 || t[i].names[n] == NULL);
		ask_free(&a);
	}
}

/* Owners, limits and the group of processes that the broker forces. */
static void test_edits(void **state)
{
	static const struct pair owner[] = {
		{ SLICE("label"), SLICE("dockbroker.owner=al") }
	};
	static const struct pair labels[] = {
		{ SLICE("dockbroker.owner"), SLICE("al") },
		{ SLICE("dockbroker.team"), SLICE("dev") }
	};
	static const struct query_edits e = {
		.filters = owner, .nfilters = 1, .labels = labels,
		.nlabels = 2, .no_limit = true, .cgroup_parent = SLICE("/x/1")
	};
	static const struct { const char *line, *sent; } t[] = {
		{ "GET /containers/json", "/containers/json?filters=%7B%22label"
		    "%22%3A%7B%22dockbroker.owner%3Dal%22%3Atrue%7D%7D" },
		{ "GET /containers/json?limit=2&all=0&size=1",
		    "/containers/json?size=1&filters=%7B%22label%22%3A%7B%22"
		    "dockbroker.owner%3Dal%22%3Atrue%7D%7D&all=1" },
		{ "GET /containers/json?limit=-1",
		    "/containers/json?limit=-1&filters=%7B%22label%22%3A%7B%22"
		    "dockbroker.owner%3Dal%22%3Atrue%7D%7D" },
		{ "GET /volumes?filters={\"name\":[\"a\"],\"label\":[\"z\","
		    "\"dockbroker.owner=al\"]}", "/volumes?filters=%7B%22label"
		    "%22%3A%7B%22dockbroker.owner%3Dal%22%3Atrue%2C%22z%22%3A"
		    "true%7D%2C%22name%22%3A%7B%22a%22%3Atrue%7D%7D" },
		{ "POST /volumes/prune?filters={\"label!\":[\"a\"]}",
		    "/volumes/prune?filters=%7B%22label%22%3A%7B%22"
		    "dockbroker.owner%3Dal%22%3Atrue%7D%2C%22label%21%22%3A%7B"
		    "%22a%22%3Atrue%7D%7D" },
		{ "POST /build?cgroupparent=/evil&labels={\"a\":\"1\"}",
		    "/build?labels=%7B%22a%22%3A%221%22%2C%22dockbroker.owner"
		    "%22%3A%22al%22%2C%22dockbroker.team%22%3A%22dev%22%7D&"
		    "cgroupparent=%2Fx%2F1" },
		{ "POST /build", "/build?labels=%7B%22dockbroker.owner"
		    "%22%3A%22al%22%2C%22dockbroker.team%22%3A%22dev%22%7D&"
		    "cgroupparent=%2Fx%2F1" },
		{ "GET /images/search?term=a&limit=5",
		    "/images/search?term=a&limit=5&filters=%7B%22label%22%3A%7B"
		    "%22dockbroker.owner%3Dal%22%3Atrue%7D%7D" },
		{ "GET /info", "/info" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		assert_string_equal(ask_sent(&a, &e), t[i].sent);
		ask_free(&a);
	}
}

static void test_limit(void **state)
{
	static const struct { const char *line; uint64_t n; } t[] = {
		{ "GET /containers/json", 0 },
		{ "GET /containers/json?limit=0", 0 },
		{ "GET /containers/json?limit=-1", 0 },
		{ "GET /containers/json?limit=7", 7 },
		{ "GET /images/search?term=a&limit=7", 0 }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		assert_true(ask(&a, t[i].line));
		assert_int_equal(query_limit(&a.f), t[i].n);
		ask_free(&a);
	}
}

static void test_facts(void **state)
{
	static const struct { const char *line, *object, *name, *image; } t[] = {
		{ "POST /containers/create?name=/web", "", "web", "" },
		{ "POST /containers/a/rename?name=b", "a", "b", "" },
		{ "POST /images/a:1/tag?repo=r.io/b&tag=2", "a:1", "r.io/b:2",
		    "" },
		{ "POST /images/a/tag?tag=2&repo=b", "a", "b:2", "" },
		{ "POST /images/create?fromImage=a&tag=1", "", "", "a:1" },
		{ "POST /images/create?tag=1&fromImage=a", "", "", "a:1" },
		{ "POST /images/r/a/push?tag=3", "r/a", "", "r/a:3" },
		{ "POST /images/r/a/push", "r/a", "", "r/a" },
		{ "POST /images/create?fromSrc=-&repo=a&tag=2", "", "a:2", "" },
		{ "POST /build?t=a&t=b:1", "", "a,b:1", "" },
		{ "POST /commit?container=c&repo=a&tag=1", "c", "a:1", "" },
		{ "GET /images/get?names=a&names=b", "a,b", "", "" },
		{ "POST /plugins/pull?remote=v/p:1&name=q", "", "q", "v/p:1" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct ask a;

		if (!ask(&a, t[i].line))
			fail_msg("%s: %s", t[i].line,
			    buf_text(&a.why.message));
		assert_true(slice_is(a.f.object, t[i].object));
		assert_true(slice_is(a.f.new_name, t[i].name));
		assert_true(slice_is(a.f.image, t[i].image));
		ask_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_refs),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_no_refs),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
