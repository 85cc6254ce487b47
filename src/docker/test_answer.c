/*
 * test_answer.c: answers of engines 20.10, 26.1 and 28.5 as one reader gets
 * them.  Ids that begin with 1 are his, and what says owner=me.  Each answer is
 * fed whole, byte by byte and in odd pieces: the outcome has to be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/answer.h"

#define TEN(x)	x x x x x x x x x x
#define ID(x)	TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) TEN(x) x x x x
#define MINE	ID("1")
#define OTHER	ID("2")
#define SHA	"sha256:"

/* Only the id is looked at. */
static const struct endpoint *endpoint_of(unsigned id)
{
	static struct endpoint e;

	return e.id = id, &e;
}

static bool sees(void *arg, enum object_kind kind, struct slice id,
    struct slice name, const struct pair *labels, size_t n)
{
	(void)arg;
	(void)kind;
	(void)name;
	for (size_t i = 0; i < n; i++) {
		if (slice_is(labels[i].key, "owner"))
			return slice_is(labels[i].value, "me");
	}
	return slice_starts(id, SLICE("1")) || slice_starts(id, SLICE("my")) ||
	    slice_starts(id, SLICE(SHA "1"));
}

static bool sees_tag(void *arg, struct slice image_id, struct slice tag)
{
	(void)arg;
	(void)image_id;
	return slice_starts(tag, SLICE("docker.io/me/"));
}

static struct slice image_of(void *arg, struct slice id)
{
	(void)arg;
	return id.n && id.p[0] == '1' ? SLICE("alpine:3") : SLICE_NONE;
}

static struct slice network_name(void *arg, struct slice id)
{
	(void)arg;
	return id.p[0] == '1' ? SLICE("net") : SLICE_NONE;
}

static int64_t count(void *arg, const char *field)
{
	(void)arg;
	return strcmp(field, "ContainersPaused") == 0 ? -1 : 7;
}

static int cut_up(struct answer *a, struct slice in, size_t piece,
    struct buf *out)
{
	int r = ANSWER_GOOD;

	while (r == ANSWER_GOOD && in.n) {
		size_t n = in.n < piece ? in.n : piece;
		char *copy = malloc(n);	/* a byte too far is seen */

		assert_non_null(copy);
		memcpy(copy, in.p, n);
		r = answer_feed(a, (struct slice){ copy, n }, out);
		free(copy);
		in = (struct slice){ in.p + n, in.n - n };
	}
	return r == ANSWER_GOOD ? answer_end(a, out) : r;
}

struct way { unsigned endpoint, minor; bool all; uint64_t limit; };

static int way(const struct way *w, struct slice in, size_t piece,
    struct buf *out)
{
	const struct answer_ops ops = { sees, sees_tag, image_of, network_name,
	    count, NULL, w->all };
	struct ref ref = { .kind = OBJECT_CONTAINER, .id = SLICE(MINE) };
	struct facts f = { .endpoint = endpoint_of(w->endpoint),
	    .minor = w->minor ? w->minor : 41, .nrefs = 1, .refs = &ref };
	struct answer *a = answer_new(&f, &ops, NULL, w->limit);
	int r;

	assert_non_null(a);
	r = cut_up(a, in, piece, out);
	answer_free(a);
	return r;
}

static void is(struct way w, const char *in, const char *expected)
{
	static const size_t pieces[] = { 1000000, 1, 2, 3, 7, 64, 101 };

	for (size_t i = 0; i < countof(pieces); i++) {
		_cleanup_(buf_free) struct buf out = BUF(1 << 20);

		assert_int_equal(way(&w, slice_from(in), pieces[i], &out),
		    ANSWER_GOOD);
		assert_string_equal(buf_text(&out), expected);
	}
}

static void is_bad(struct way w, const char *in)
{
	for (size_t piece = 1; piece < 1000; piece *= 5) {
		_cleanup_(buf_free) struct buf out = BUF(1 << 20);

		if (way(&w, slice_from(in), piece, &out) != ANSWER_BAD)
			fail_msg("taken: %s", in);
	}
}

/* ---- containers ---- */

#define LISTED(id, names, image, mode, nets) \
	"{\"Id\":\"" id "\",\"Names\":[" names "],\"Image\":\"" image "\"," \
	"\"ImageID\":\"" SHA OTHER "\",\"Command\":\"sh -c 'echo {[\\\"'\"," \
	"\"Created\":1795328152,\"Ports\":[],\"Labels\":{},\"State\":\"running\"," \
	"\"HostConfig\":{\"NetworkMode\":\"" mode "\"}," \
	"\"NetworkSettings\":{\"Networks\":{\"" nets "\":{\"Links\":null}}}}"

static void test_containers(void **state)
{
	struct way w = { .endpoint = EP_CONTAINER_LIST };

	(void)state;
	is(w, "null\n", "null\n");
	is(w, "[" LISTED(MINE, "\"/web\"", "alpine", "bridge", "bridge") ","
	    LISTED(OTHER, "\"/db\"", "alpine", "bridge", "bridge") "]\n",
	    "[" LISTED(MINE, "\"/web\"", "alpine", "bridge", "bridge") "]\n");
	/* What the broker wrote as ids is shown as it was asked for. */
	is(w, "[" LISTED(OTHER, "\"/db\"", "alpine", "bridge", "bridge") ","
	    LISTED(MINE, "\"/x/peer\",\"/web\"", SHA OTHER, MINE, MINE) "]\n",
	    "[" LISTED(MINE, "\"/web\"", "alpine:3", "net", "net") "]\n");
	/* But not what is somebody else's, and nothing that only looks so. */
	is(w, "[" LISTED(MINE, "\"/web\"", OTHER "2", OTHER, OTHER) "]\n",
	    "[" LISTED(MINE, "\"/web\"", OTHER "2", OTHER, OTHER) "]\n");
}

static void test_containers_all(void **state)
{
	struct way w = { .endpoint = EP_CONTAINER_LIST, .all = true };

	(void)state;
	is(w, "[" LISTED(OTHER, "\"/a/b\",\"/db\"", SHA MINE, MINE, "x") ","
	    LISTED(MINE, "\"/web\"", SHA OTHER, "x", "x") "]\n",
	    "[" LISTED(OTHER, "\"/a/b\",\"/db\"", SHA MINE, "net", "x") ","
	    LISTED(MINE, "\"/web\"", "alpine:3", "x", "x") "]\n");
	is(w, "[null,{\"Id\":5}]", "[null,{\"Id\":5}]\n");
}

static void test_limit(void **state)
{
	struct way w = { .endpoint = EP_CONTAINER_LIST, .limit = 2 };

	(void)state;
	is(w, "[{\"Id\":\"2\"},{\"Id\":\"11\"},{\"Id\":\"3\"},{\"Id\":\"12\"},"
	    "{\"Id\":\"13\"}]", "[{\"Id\":\"11\"},{\"Id\":\"12\"}]\n");
	w.all = true;
	w.limit = 1;
	is(w, "[{\"Id\":\"2\"},{\"Id\":\"11\"}]", "[{\"Id\":\"2\"}]\n");
}

/* Whoever chooses labels and names cannot make an element look like another. */
static void test_tricks(void **state)
{
	struct way w = { .endpoint = EP_CONTAINER_LIST };

	(void)state;
	is(w, "[{\"Id\":\"2\",\"Labels\":{\"a\":\"}],{\\\"Id\\\":\\\"1\\\"}\"}}]",
	    "[]\n");
	is(w, "[{\"Id\":\"2\",\"x\":{\"Id\":\"1\"}}]", "[]\n");
	is(w, "[{\"\\u0049d\":\"2\",\"Id\":\"1\"}]", "[]\n");
	is(w, "[{\"Id\":\"2\",\"Id\":\"1\"}]", "[]\n");
	is(w, "[{\"Id\":\"1\",\"Labels\":{},\"Labels\":{}}]", "[]\n");
	is(w, "[{\"id\":\"1\"},{\"Id\":1},{\"Id\":\"\"},{},[\"1\"],\"1\",1,true]", "[]\n");
	is(w, "[{\"I\\u0064\":\"\\u0031\"}]", "[{\"I\\u0064\":\"\\u0031\"}]\n");
	is(w, "[{\"Id\":\"2\",\"Labels\":{\"own\\u0065r\":\"m\\u0065\"}}]",
	    "[{\"Id\":\"2\",\"Labels\":{\"own\\u0065r\":\"m\\u0065\"}}]\n");
	is(w, "[{\"Id\":\"1\",\"Labels\":{\"owner\":\"you\"}}]", "[]\n");
	/* What stays is copied to the byte. */
	is(w, " [ {\"Id\" : \"1\" ,\"n\":[1.50, -0e+7,\"\\u00e9\\/\"]}\n, {} ] ",
	    "[{\"Id\" : \"1\" ,\"n\":[1.50, -0e+7,\"\\u00e9\\/\"]}]\n");
}

static void test_bad(void **state)
{
	static const char *const texts[] = {
		"", " ", "[", "[{\"Id\":\"1\"}", "[{\"Id\":\"1\"},]", "[,]", "{}",
		"[{\"Id\":\"1\"]", "[{\"Id\":\"1\"}}", "[{\"Id\":\"1\"} {}]",
		"[]]", "[] []", "[]x", "\"x\"", "5", "[nul]", "[tru", "[01]", "[1.]",
		"[{\"Id\":\"1\",\"x\":\"\\x\"}]", "[{\"Id\":\"1\",\"x\":\"\n\"}]",
		"[{\"Id\":\"1\",}]", "[{\"Id\"}]", "[{\"Id\":}]", "[{Id:1}]",
		"[{\"a\":[[[}]]]}]", "[\"\\u12g4\"]", "[-]", "[1e]", "nullx",
	};
	struct way w = { .endpoint = EP_CONTAINER_LIST };

	(void)state;
	for (size_t i = 0; i < countof(texts); i++)
		is_bad(w, texts[i]);
	w.endpoint = EP_VOLUME_LIST;
	is_bad(w, "[]");
	is_bad(w, "{\"Volumes\":{}}");
	is_bad(w, "{\"Volumes\":[}");
	is_bad(w, "{\"Volumes\":[],\"Warnings\"}");
	w.endpoint = EP_EVENTS;
	is_bad(w, "{\"Type\":\"container\"");
	is_bad(w, "5 ");
	is_bad(w, "[]");
}

#define INSPECTED(image, mode, parent, net) \
	"{\"Id\":\"" MINE "\",\"Path\":\"sleep\",\"Image\":\"" SHA OTHER "\"," \
	"\"HostConfig\":{\"NetworkMode\":\"" mode "\",\"CgroupParent\":\"" \
	parent "\",\"Memory\":0},\"Config\":{\"Cmd\":null,\"Image\":\"" image \
	"\"},\"NetworkSettings\":{\"Bridge\":\"\",\"Networks\":{\"" net \
	"\":{\"NetworkID\":\"" MINE "\"}}}}"

static void test_inspect(void **state)
{
	struct way w = { .endpoint = EP_CONTAINER_INSPECT, .minor = 51 };

	(void)state;
	is(w, INSPECTED(SHA OTHER, MINE, "/dockbroker/1000", MINE) "\n",
	    INSPECTED("alpine:3", "net", "", "net") "\n");
	is(w, INSPECTED(OTHER, "bridge", "dockbroker-1000.slice", "bridge") "\n",
	    INSPECTED("alpine:3", "bridge", "", "bridge") "\n");
	is(w, INSPECTED("busybox:1", "host", "/docker", "host") "\n",
	    INSPECTED("busybox:1", "host", "/docker", "host") "\n");
	/* The id is known from the request, wherever it stands in the answer. */
	is(w, "{\"Config\":{\"Image\":\"" SHA OTHER "\"},\"HostConfig\":null}",
	    "{\"Config\":{\"Image\":\"alpine:3\"},\"HostConfig\":null}\n");
	w.all = true;
	is(w, INSPECTED(SHA OTHER, MINE, "/dockbroker/1000", MINE) "\n",
	    INSPECTED("alpine:3", "net", "/dockbroker/1000", "net") "\n");
}

/* ---- images ---- */

#define IMAGE(id, containers, tags, digests) \
	"{\"Containers\":" containers ",\"Created\":1,\"Id\":\"" SHA id "\"," \
	"\"Labels\":null,\"ParentId\":\"\",\"RepoDigests\":" digests "," \
	"\"RepoTags\":" tags ",\"SharedSize\":-1,\"Size\":1984625}"

static void test_images(void **state)
{
	struct way w = { .endpoint = EP_IMAGE_LIST };

	(void)state;
	is(w, "[" IMAGE(MINE, "-1", "[\"me/a:1\"]", "null") ","
	    IMAGE(OTHER, "-1", "[\"you/b:1\"]", "null") "]\n",
	    "[" IMAGE(MINE, "-1", "[\"me/a:1\"]", "null") "]\n");
	is(w, "[" IMAGE(MINE, "4", "[\"you/a:1\",\"me/a:1\",\"x y\"]",
	    "[\"me/a@" SHA OTHER "\",\"you/a@" SHA OTHER "\"]") "]\n",
	    "[" IMAGE(MINE, "-1", "[\"me/a:1\"]", "[\"me/a@" SHA OTHER "\"]") "]\n");
	/* A name is enough, but for that name alone. */
	is(w, "[" IMAGE(OTHER, "1", "[\"you/a:1\",\"me/a:1\"]", "null") "]\n",
	    "[" IMAGE(OTHER, "-1", "[\"me/a:1\"]", "null") "]\n");
	is(w, "[" IMAGE(OTHER, "1", "[\"<none>:<none>\"]", "null") "]\n", "[]\n");
	/* What has no name left looks as what never had one. */
	is(w, "[" IMAGE(MINE, "0", "[\"you/a:1\"]", "null") "]\n",
	    "[" IMAGE(MINE, "-1", "[\"<none>:<none>\"]", "[\"<none>@<none>\"]") "]\n");
	is(w, "[" IMAGE(MINE, "0", "[\"you/a:1\"]", "[\"me/a@" SHA OTHER "\"]") "]\n",
	    "[" IMAGE(MINE, "-1", "[]", "[\"me/a@" SHA OTHER "\"]") "]\n");
	is(w, "[" IMAGE(MINE, "0", "[\"<none>:<none>\"]", "[\"<none>@<none>\"]") "]\n",
	    "[" IMAGE(MINE, "-1", "[\"<none>:<none>\"]", "[\"<none>@<none>\"]") "]\n");
	w.minor = 45;
	is(w, "[" IMAGE(MINE, "0", "[\"you/a:1\"]", "[]") "]\n",
	    "[" IMAGE(MINE, "-1", "[]", "[]") "]\n");
	w.minor = 51;
	is(w, "[{\"Id\":\"" SHA "1\",\"Manifests\":[{\"ID\":\"x\",\"ImageData\":"
	    "{\"Containers\":[\"2\"],\"Size\":1}},{\"ImageData\":null}]}]",
	    "[{\"Id\":\"" SHA "1\",\"Manifests\":[{\"ID\":\"x\",\"ImageData\":"
	    "{\"Containers\":[],\"Size\":1}},{\"ImageData\":null}]}]\n");
}

static void test_image(void **state)
{
	struct way w = { .endpoint = EP_IMAGE_INSPECT };

	(void)state;
	is(w, "{\"Id\":\"" SHA MINE "\",\"RepoTags\":[\"me/a:1\",\"you/a:1\"],"
	    "\"RepoDigests\":[],\"Parent\":\"\",\"Config\":{\"RepoTags\":[\"x\"]}}",
	    "{\"Id\":\"" SHA MINE "\",\"RepoTags\":[\"me/a:1\"],"
	    "\"RepoDigests\":[],\"Parent\":\"\",\"Config\":{\"RepoTags\":[\"x\"]}}\n");
	w.endpoint = EP_IMAGE_HISTORY;
	is(w, "[{\"Comment\":\"\",\"Id\":\"" SHA MINE "\",\"Tags\":[\"you/a:1\","
	    "\"me/a:1\"]},{\"Id\":\"<missing>\",\"Tags\":null},"
	    "{\"Id\":\"" SHA OTHER "\",\"Tags\":[\"you/b:1\"]}]\n",
	    "[{\"Comment\":\"\",\"Id\":\"" SHA MINE "\",\"Tags\":[\"me/a:1\"]},"
	    "{\"Id\":\"<missing>\",\"Tags\":null},"
	    "{\"Id\":\"" SHA OTHER "\",\"Tags\":null}]\n");
}

/* ---- networks and volumes ---- */

#define PEER(name)	"{\"Name\":\"" name "\",\"IPv4Address\":\"172.18.0.3/16\"}"
#define NETWORK(id, peers) \
	"{\"Name\":\"n\",\"Id\":\"" id "\",\"IPAM\":{\"Config\":[{}]}," \
	"\"Containers\":{" peers "},\"Options\":{},\"Labels\":{}}"

static void test_networks(void **state)
{
	struct way w = { .endpoint = EP_NETWORK_LIST };

	(void)state;
	is(w, "[" NETWORK(OTHER, "") "]\n", "[]\n");
	/* API 1.27 and older has the containers in the list. */
	w.minor = 24;
	is(w, "[" NETWORK(MINE, "\"" OTHER "\":" PEER("db") ",\"" MINE "\":"
	    PEER("web")) "]\n",
	    "[" NETWORK(MINE, "\"" MINE "\":" PEER("web")) "]\n");
	is(w, "[" NETWORK(MINE, "\"" OTHER "\":" PEER("db")) "]\n",
	    "[" NETWORK(MINE, "") "]\n");
	w.endpoint = EP_NETWORK_LIST_SLASH;
	is(w, "[" NETWORK(OTHER, "") "," NETWORK(MINE, "") "]\n",
	    "[" NETWORK(MINE, "") "]\n");
}

static void test_network(void **state)
{
	struct way w = { .endpoint = EP_NETWORK_INSPECT, .minor = 51 };

	(void)state;
	is(w, NETWORK(OTHER, "\"" MINE "\":" PEER("web") ",\"" OTHER "\":"
	    PEER("db")) "\n", NETWORK(OTHER, "\"" MINE "\":" PEER("web")) "\n");
	is(w, NETWORK(OTHER, "\"" OTHER "\":" PEER("db") ",\"ep-" MINE "\":"
	    PEER("gateway")) "\n", NETWORK(OTHER, "") "\n");
	is(w, "{\"Id\":\"2\",\"Services\":{\"s\":{}},\"Peers\":[{\"IP\":\"1\"}]}",
	    "{\"Id\":\"2\",\"Services\":{},\"Peers\":[]}\n");
	is(w, "{\"Containers\":null}", "{\"Containers\":null}\n");
}

#define VOLUME(name, labels) \
	"{\"CreatedAt\":\"2026-11-22T06:15:49Z\",\"Driver\":\"local\",\"Labels\":" \
	labels ",\"Mountpoint\":\"/x\",\"Name\":\"" name "\",\"Options\":null}"

static void test_volumes(void **state)
{
	struct way w = { .endpoint = EP_VOLUME_LIST };

	(void)state;
	is(w, "{\"Volumes\":[" VOLUME("v", "null") "," VOLUME("my", "{}") ","
	    VOLUME("w", "{\"owner\":\"me\"}") "],\"Warnings\":null}\n",
	    "{\"Volumes\":[" VOLUME("my", "{}") ","
	    VOLUME("w", "{\"owner\":\"me\"}") "],\"Warnings\":null}\n");
	is(w, "{\"Volumes\":null,\"Warnings\":[\"w\"]}",
	    "{\"Volumes\":null,\"Warnings\":[\"w\"]}\n");
	is(w, "{\"Others\":[1]}", "{}\n");
}

/* ---- system ---- */

static void test_df(void **state)
{
	struct way w = { .endpoint = EP_SYSTEM_DF };
	const char *df = "{\"LayersSize\":99999,\"Images\":["
	    IMAGE(MINE, "3", "[\"me/a:1\"]", "null") ","
	    IMAGE(OTHER, "3", "[\"you/a:1\"]", "null") "],\"Containers\":["
	    LISTED(MINE, "\"/web\"", SHA OTHER, "x", "x") ","
	    LISTED(OTHER, "\"/db\"", SHA MINE, "x", "x") "],\"Volumes\":["
	    VOLUME("my", "{}") "," VOLUME("v", "{}") "],"
	    "\"BuildCache\":[{\"ID\":\"x\",\"Description\":\"RUN secret\"}],"
	    "\"BuilderSize\":5,\"NewUsage\":{\"x\":1}}\n";

	(void)state;
	is(w, df, "{\"Images\":[" IMAGE(MINE, "-1", "[\"me/a:1\"]", "null")
	    "],\"Containers\":[" LISTED(MINE, "\"/web\"", "alpine:3", "x", "x")
	    "],\"Volumes\":[" VOLUME("my", "{}") "],\"BuildCache\":[],"
	    "\"BuilderSize\":0,\"LayersSize\":1984625}\n");
	is(w, "{\"LayersSize\":5,\"Images\":null,\"BuildCache\":null}",
	    "{\"Images\":null,\"BuildCache\":null,\"LayersSize\":0}\n");
	is(w, "{\"Containers\":[]}", "{\"Containers\":[]}\n");
	w.all = true;
	is(w, "{\"LayersSize\":5,\"Images\":[{\"Containers\":1}],\"New\":{}}",
	    "{\"LayersSize\":5,\"Images\":[{\"Containers\":1}],\"New\":{}}\n");
}

static void test_info(void **state)
{
	struct way w = { .endpoint = EP_INFO };

	(void)state;
	is(w, "{\"ID\":\"A\",\"Containers\":40,\"ContainersRunning\":4,"
	    "\"ContainersPaused\":0,\"Images\":50,\"Swarm\":{\"Nodes\":1},"
	    "\"Containerd\":{\"Containers\":\"moby\"}}\n",
	    "{\"ID\":\"A\",\"Containers\":7,\"ContainersRunning\":7,"
	    "\"ContainersPaused\":0,\"Images\":7,\"Swarm\":{\"Nodes\":1},"
	    "\"Containerd\":{\"Containers\":\"moby\"}}\n");
}

/* ---- events ---- */

#define EVENT(type, id, attributes) \
	"{\"Type\":\"" type "\",\"Action\":\"x\",\"Actor\":{\"ID\":\"" id "\"," \
	"\"Attributes\":{" attributes "}},\"scope\":\"local\",\"time\":1}\n"
#define FROM(id, image) \
	"{\"status\":\"create\",\"id\":\"" id "\",\"from\":\"" image "\"," \
	"\"Type\":\"container\",\"Action\":\"exec_create: sh -c {\"," \
	"\"Actor\":{\"ID\":\"" id "\",\"Attributes\":{\"image\":\"" image "\"," \
	"\"name\":\"c\",\"x\":\"\\\"q\\\" \\u003c\\u0026 é\"}},\"time\":1}\n"

static void test_events(void **state)
{
	static const char *const shown[] = {
		FROM(MINE, "alpine"),
		EVENT("container", "2", "\"owner\":\"me\""),
		EVENT("network", "1n", "\"name\":\"n\",\"type\":\"bridge\""),
		EVENT("network", "1n", "\"container\":\"" MINE "\",\"name\":\"n\""),
		EVENT("volume", "myvolume", "\"driver\":\"local\""),
		EVENT("volume", "my", "\"container\":\"" MINE "\""),
		EVENT("image", SHA MINE, "\"name\":\"me/a:1\""),
		EVENT("image", SHA MINE, "\"name\":\"" SHA MINE "\""),
		EVENT("image", "me/a:1", "\"name\":\"me/a\""),
		EVENT("image", SHA OTHER, "\"name\":\"me/a:1\""),
	};
	static const char *const hidden[] = {
		FROM(OTHER, "alpine"),
		EVENT("container", "1", "\"owner\":\"you\""),
		EVENT("container", "", "\"reclaimed\":\"0\""),
		EVENT("network", "2n", "\"name\":\"n\""),
		EVENT("network", "1n", "\"container\":\"" OTHER "\",\"name\":\"n\""),
		EVENT("network", "2n", "\"owner\":\"me\""),
		EVENT("volume", "v", "\"driver\":\"local\""),
		EVENT("volume", "my", "\"container\":\"" OTHER "\""),
		EVENT("image", SHA MINE, "\"name\":\"you/a:1\""),
		EVENT("image", SHA OTHER, "\"name\":\"" SHA MINE "\""),
		EVENT("image", SHA OTHER, "\"name\":\"you/a:1\""),
		EVENT("image", SHA OTHER, ""),
		EVENT("image", "you/a:1", "\"name\":\"you/a\""),
		EVENT("daemon", "1", "\"name\":\"host\""),
		EVENT("plugin", "1", ""), EVENT("builder", "1", ""),
		EVENT("service", "1", ""), EVENT("node", "1", ""),
		EVENT("secret", "1", ""), EVENT("config", "1", ""),
		EVENT("Container", "1", ""), "{}\n",
		"{\"Type\":\"container\",\"id\":\"1\"}\n",
		"{\"Type\":\"container\",\"Actor\":{\"ID\":\"1\",\"ID\":\"1\"}}\n",
	};
	struct way w = { .endpoint = EP_EVENTS }, all = w;

	(void)state;
	all.all = true;
	for (size_t i = 0; i < countof(shown); i++)
		is(w, shown[i], shown[i]);
	for (size_t i = 0; i < countof(hidden); i++) {
		is(w, hidden[i], "");
		is(all, hidden[i], hidden[i]);
	}
	is(w, FROM(MINE, SHA OTHER) FROM(OTHER, SHA OTHER) FROM(MINE, "a"),
	    FROM(MINE, "alpine:3") FROM(MINE, "a"));
	is(all, FROM(MINE, SHA OTHER) FROM(OTHER, SHA OTHER),
	    FROM(MINE, "alpine:3") FROM(OTHER, SHA OTHER));
}

/* A reader waits for each: it may not stay behind for the next. */
static void test_at_once(void **state)
{
	const struct answer_ops ops = { sees, sees_tag, image_of, network_name,
	    count, NULL, false };
	struct facts f = { .endpoint = endpoint_of(EP_EVENTS), .minor = 41 };
	_cleanup_(buf_free) struct buf out = BUF(1 << 20);
	struct answer *a = answer_new(&f, &ops, NULL, 0);
	struct slice s = SLICE(FROM(MINE, "alpine"));

	(void)state;
	assert_int_equal(answer_feed(a, SLICE_NONE, &out), ANSWER_GOOD);
	s.n--;		/* not even the newline */
	assert_int_equal(answer_feed(a, s, &out), ANSWER_GOOD);
	assert_string_equal(buf_text(&out), FROM(MINE, "alpine"));
	assert_int_equal(answer_feed(a, SLICE("\n"), &out), ANSWER_GOOD);
	assert_int_equal(answer_end(a, &out), ANSWER_GOOD);
	answer_free(a);
}

/* ---- bounds ---- */

/* "[{Id, x: long}, {Id: 12}]" with a value that makes it n bytes. */
static struct slice large_text(struct buf *b, const char *id, size_t n)
{
	char *p;

	buf_reset(b);
	buf_addf(b, "[{\"Id\":\"%s\",\"Names\":[\"/w\"],\"x\":\"", id);
	p = buf_room(b, n);
	assert_non_null(p);
	memset(p, 'x', n);
	buf_grew(b, n);
	buf_addz(b, "\"},{\"Id\":\"12\"}]");
	assert_true(buf_ok(b));
	return buf_slice(b);
}

static void test_large(void **state)
{
	static const size_t pieces[] = { 16 * 1024 * 1024, 65536, 4093 };
	_cleanup_(buf_free) struct buf text = BUF(16 * 1024 * 1024);
	_cleanup_(buf_free) struct buf out = BUF(16 * 1024 * 1024);
	struct way w = { .endpoint = EP_CONTAINER_LIST }, all = w;
	struct slice in;

	(void)state;
	all.all = true;
	for (size_t i = 0; i < countof(pieces); i++) {
		in = large_text(&text, "11", BOUND_ELEMENT - 100);
		buf_reset(&out);
		assert_int_equal(way(&w, in, pieces[i], &out), ANSWER_GOOD);
		assert_int_equal(out.len, in.n + 1);
		/* Of the others there is still all. */
		in = large_text(&text, "11", BOUND_ELEMENT + 9000);
		buf_reset(&out);
		assert_int_equal(way(&w, in, pieces[i], &out), ANSWER_GOOD);
		assert_string_equal(buf_text(&out), "[{\"Id\":\"12\"}]\n");
		buf_reset(&out);
		assert_int_equal(way(&all, in, pieces[i], &out), ANSWER_GOOD);
		assert_int_equal(out.len, in.n + 1);
		assert_memory_equal(out.p, in.p, in.n);
	}
	/* A part of an inspect that has to be looked at. */
	buf_reset(&out);
	w.endpoint = EP_CONTAINER_INSPECT;
	in = large_text(&text, "1", BOUND_ELEMENT + 9000);
	memcpy(text.p, "{\"Config\":\"", 11);
	assert_int_equal(way(&w, in, 4096, &out), ANSWER_BAD);
}

/* 10,000 containers in one network: more than may be held, in small parts. */
static void test_many_peers(void **state)
{
	struct way w = { .endpoint = EP_NETWORK_INSPECT };
	_cleanup_(buf_free) struct buf text = BUF(16 * 1024 * 1024);
	_cleanup_(buf_free) struct buf out = BUF(16 * 1024 * 1024);

	(void)state;
	buf_addz(&text, "{\"Id\":\"1\",\"Containers\":{");
	for (unsigned i = 0; i < 40000; i++)
		buf_addf(&text, "%s\"%064x\":" PEER("c%u"), i ? "," : "",
		    i % 2 ? i : i | 0x20000000, i);
	buf_addz(&text, ",\"" MINE "\":" PEER("me") "}}");
	assert_true(buf_ok(&text) && text.len > BOUND_ELEMENT);
	assert_int_equal(way(&w, buf_slice(&text), 65536, &out), ANSWER_GOOD);
	assert_string_equal(buf_text(&out),
	    "{\"Id\":\"1\",\"Containers\":{\"" MINE "\":" PEER("me") "}}\n");
}

static void test_wanted(void **state)
{
	struct facts f = { .endpoint = endpoint_of(EP_IMAGE_LIST) };

	(void)state;
	assert_true(answer_wanted(&f, 200, true));
	assert_false(answer_wanted(&f, 200, false));
	assert_false(answer_wanted(&f, 404, true));
	assert_false(answer_wanted(&f, 204, true));
	f.endpoint = endpoint_of(EP_CONTAINER_LIST);
	assert_true(answer_wanted(&f, 200, false));
	f.endpoint = endpoint_of(EP_CONTAINER_TOP);
	assert_false(answer_wanted(&f, 200, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_containers_all),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_tricks),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_inspect),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_df),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_many_peers),
		cmocka_unit_test(test_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
