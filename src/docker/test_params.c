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
		    "h.io:1", "distribution" }
	};
	static const char *const none[] = {
		"POST /build?networkmode=none&extrahosts=a:1.2.3.4&remote=",
		"POST /build?networkmode=bridge&securityopt=&cgroupparent=",
		"POST /build?networkmode=container:x",
		"POST /images/create?fromSrc=-",
		"POST /containers/x/start?checkpoint=&checkpoint-dir=",
		"GET /images/search?term=x", "GET /images/search?term=a/b",
		"GET /images/search?term=docker.io/b",
		"POST /images/h.io/a/push?tag=1"
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
		    "%22%3Atrue%7D%7D",
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
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_refs),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_no_refs),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_swagger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
