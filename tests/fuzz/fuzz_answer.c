/* Any bytes as an answer of the Engine: what the reader gets does not depend on
 * how it was cut, and is JSON when the answer is.  The first byte chooses the
 * endpoint, the second the reader and the pieces. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dockbroker/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Half of all things are his. */
static bool half(struct slice s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	return sum % 2;
}

static bool sees(void *arg, enum object_kind kind, struct slice id,
    struct slice name, const struct pair *labels, size_t n)
{
	bool yes = half(id) ^ half(name);

	(void)arg;
	(void)kind;
	for (size_t i = 0; i < n; i++)
		yes ^= half(labels[i].key) ^ half(labels[i].value);
	return yes;
}

static bool sees_tag(void *arg, struct slice id, struct slice tag)
{
	(void)arg;
	return half(id) ^ half(tag);
}

static struct slice name_of(void *arg, struct slice id)
{
	(void)arg;
	return half(id) ? SLICE("na\"me") : SLICE_NONE;
}

static int64_t count(void *arg, const char *field)
{
	(void)arg;
	return field[0] == 'I' ? -1 : 7;
}

/* Half of all containers have the guard in front. */
static const struct guard_record *record(void *arg, struct slice id)
{
	static const struct guard_mount mounts[] = {
		{ .target = SLICE("/a"), .source = SLICE("/home/\"a\\\n") },
		{ .target = SLICE("/b"), .source = SLICE("/b"), .read_only = true },
		{ .kind = GUARD_VOLUME, .target = SLICE("/v1") },
	};
	static const struct guard_record records[] = {
		{ .bind_dir = SLICE("/tmp/E-mnt"), .mounts = mounts,
		    .nmounts = countof(mounts), .asked_binds =
		    SLICE("[\"/a:/a\",\"/b:/b/:ro\",\"v1:/v1:z\",\"/v9\",5]"),
		    .asked_mounts = SLICE("[{\"Type\":\"tmpfs\"}]") },
		{ .bind_dir = SLICE("/"), .mounts = mounts, .nmounts = 2,
		    .asked_binds = SLICE("[]") },
		{ .asked_binds = SLICE("[\"a"), .asked_mounts = SLICE("{\"a\":1}") },
	};

	(void)arg;
	return half(id) && id.n ? &records[(unsigned char)id.p[0] %
	    countof(records)] : NULL;
}

static int narrow(const struct facts *f, unsigned how, struct slice in,
    size_t piece, struct buf *out)
{
	struct answer_ops ops = { sees, sees_tag, name_of, name_of, count,
	    record, how & 1 };
	uint64_t limit = how & 2 ? 2 : 0;
	struct answer *a = answer_new(f, &ops, NULL, limit);
	int r = ANSWER_GOOD;

	if (!a)
		abort();
	for (size_t i = 0; r == ANSWER_GOOD && i < in.n; i += piece) {
		struct slice s = { in.p + i, in.n - i < piece ? in.n - i : piece };

		r = answer_feed(a, s, out);
	}
	if (r == ANSWER_GOOD)
		r = answer_end(a, out);
	answer_free(a);
	return r;
}

static void on_listed(void *arg, const struct listed *l)
{
	*(size_t *)arg += l->id.n + l->name.n + l->nlabels + l->ntags;
}

static void on_event(void *arg, const struct event *e)
{
	*(size_t *)arg += e->id.n + e->nattributes;
}

static int list(unsigned kind, struct slice in, size_t piece, size_t *sum)
{
	static const enum object_kind kinds[] = { OBJECT_CONTAINER,
	    OBJECT_NETWORK, OBJECT_VOLUME, OBJECT_IMAGE };
	struct lister *l = kind % 5 == 4 ? events_new(on_event, sum) :
	    lister_new(kinds[kind % 5], on_listed, sum);
	int r = ANSWER_GOOD;

	for (size_t i = 0; r == ANSWER_GOOD && i < in.n; i += piece) {
		struct slice s = { in.p + i, in.n - i < piece ? in.n - i : piece };

		r = lister_feed(l, s);
	}
	if (r == ANSWER_GOOD)
		r = lister_end(l);
	lister_free(l);
	return r;
}

/* One value, or several for events. */
static bool is_json(struct slice in)
{
	json_error_t e;
	json_t *v;

	while (in.n) {
		v = json_loadb(in.p, in.n, JSON_DECODE_ANY |
		    JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &e);
		if (!v)
			return false;
		json_decref(v);
		in.p += e.position;
		in.n -= (size_t)e.position;
		while (in.n && strchr(" \r\n\t", in.p[0])) {
			in.p++;
			in.n--;
		}
	}
	return true;
}

static void whole(struct slice in)
{
	_cleanup_(buf_free) struct buf out = BUF(1 << 24);
	struct ref ref = { .name = SLICE("w"), .id = SLICE("alpine") };
	struct facts f = { .refs = &ref, .nrefs = 1 };
	struct arena a;
	struct image_told told;
	struct slice text;

	arena_init(&a, 16 * 1024 * 1024);
	(void)!image_told(in, &a, &told);
	(void)answer_text(in, &a, &text, "Config.User");
	(void)answer_error(&f, record(NULL, SLICE("10")), in, &out);
	arena_free(&a);
}

/* "?filters.volume" as a client would send it. */
static void by_volume(struct facts *f, struct arena *a)
{
	static struct http_target t;
	struct http_error err = { 0 };
	struct refusal why = { .message = BUF(4096) };

	if (http_target_parse(SLICE("/containers/json?limit=3&filters="
	    "{%22volume%22:[%22/a%22,%22v1%22]}"), 8, a, &t, &err) != HTTP_GOOD ||
	    query_read(&t, f, &why) != DOCKER_GOOD)
		abort();
}

static struct facts facts_of(unsigned how, struct arena *a)
{
	static const unsigned ids[] = { EP_CONTAINER_LIST, EP_CONTAINER_INSPECT,
	    EP_IMAGE_LIST, EP_IMAGE_INSPECT, EP_IMAGE_HISTORY, EP_NETWORK_LIST,
	    EP_NETWORK_INSPECT, EP_VOLUME_LIST, EP_SYSTEM_DF, EP_EVENTS, EP_INFO };
	struct facts f;

	arena_init(a, 1 << 20);
	facts_init(&f, a);
	f.endpoint = endpoint_get(ids[how % countof(ids)]);
	f.minor = 40 + how / 16 % 8;
	if (how % countof(ids) == 0 && how >= 128)
		by_volume(&f, a);
	return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf one = BUF(1 << 24), other = BUF(1 << 24);
	_cleanup_(arena_free) struct arena arena = { 0 };
	struct facts f;
	struct slice in;
	size_t piece, a = 0, b = 0;
	int r;

	if (size < 2)
		return 0;
	in = (struct slice){ (const char *)data + 2, size - 2 };
	f = facts_of(data[0], &arena);
	piece = 1 + data[1] / 4 % 64;
	r = narrow(&f, data[1], in, in.n + 1, &one);
	if (narrow(&f, data[1], in, piece, &other) != r || r < 0)
		abort();
	if (r == ANSWER_GOOD && (!slice_equal(buf_slice(&one), buf_slice(&other)) ||
	    (is_json(in) && !is_json(buf_slice(&one)))))
		abort();
	r = list(data[0], in, in.n + 1, &a);
	if (list(data[0], in, piece, &b) != r || (r == ANSWER_GOOD && a != b))
		abort();
	whole(in);
	return 0;
}
