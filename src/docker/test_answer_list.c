/*
 * test_answer_list.c: what the broker itself reads of answers: lists, events,
 * inspects, and errors in the words of who asked.  Elements are written down
 * as one line each, and have to be the same however the text was cut.
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
#define SHA	"sha256:"

static void add(struct buf *b, struct slice s)
{
	assert_non_null(s.p);
	buf_addc(b, '|');
	buf_adds(b, s);
}

static void add_pairs(struct buf *b, const struct pair *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add(b, p[i].key);
		buf_addc(b, '=');
		buf_adds(b, p[i].value);
	}
	buf_addc(b, '\n');
}

static void on_listed(void *arg, const struct listed *l)
{
	struct buf *b = arg;

	buf_addz(b, l->kind == OBJECT_CONTAINER ? "container" :
	    l->kind == OBJECT_NETWORK ? "network" :
	    l->kind == OBJECT_VOLUME ? "volume" : "image");
	add(b, l->id);
	add(b, l->name);
	add(b, l->image);
	add(b, l->image_id);
	add(b, l->driver);
	add(b, l->status);
	if (l->size)
		buf_addf(b, "|%llu", (unsigned long long)l->size);
	buf_addz(b, l->running ? "|+" : "|-");
	for (size_t i = 0; i < l->ntags; i++)
		add(b, l->tags[i]);
	add_pairs(b, l->labels, l->nlabels);
}

static void on_event(void *arg, const struct event *e)
{
	struct buf *b = arg;

	add(b, e->type);
	add(b, e->action);
	add(b, e->id);
	add_pairs(b, e->attributes, e->nattributes);
}

static int list(enum object_kind kind, struct slice in, size_t piece,
    struct buf *out)
{
	struct lister *l = kind == OBJECT_NONE ? events_new(on_event, out) :
	    lister_new(kind, on_listed, out);
	int r = ANSWER_GOOD;

	assert_non_null(l);
	while (r == ANSWER_GOOD && in.n) {
		size_t n = in.n < piece ? in.n : piece;
		char *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, in.p, n);
		r = lister_feed(l, (struct slice){ copy, n });
		free(copy);
		in = (struct slice){ in.p + n, in.n - n };
	}
	if (r == ANSWER_GOOD)
		r = lister_end(l);
	lister_free(l);
	return r;
}

static void is(enum object_kind kind, const char *in, const char *expected)
{
	static const size_t pieces[] = { 1000000, 1, 2, 3, 7, 64, 101 };

	for (size_t i = 0; i < countof(pieces); i++) {
		_cleanup_(buf_free) struct buf out = BUF(1 << 20);

		assert_int_equal(list(kind, slice_from(in), pieces[i], &out),
		    ANSWER_GOOD);
		assert_string_equal(buf_text(&out), expected);
	}
}

static void is_bad(enum object_kind kind, const char *in)
{
	_cleanup_(buf_free) struct buf out = BUF(1 << 20);

	if (list(kind, slice_from(in), 5, &out) != ANSWER_BAD)
		fail_msg("taken: %s", in);
}

static void test_containers(void **state)
{
	(void)state;
	is(OBJECT_CONTAINER, "[]\n", "");
	is(OBJECT_CONTAINER, "null\n", "");
	is(OBJECT_CONTAINER,
	    "[{\"Id\":\"c1\",\"Names\":[\"/db/web\",\"/web\"],\"Image\":\"alpine\","
	    "\"ImageID\":\"" SHA "i\",\"Command\":\"sh\",\"Created\":1,\"Ports\":[],"
	    "\"Labels\":{\"a\":\"b\",\"x\":\"\\\"q\\\" \\u003c\"},\"State\":\"running\","
	    "\"Status\":\"Up 1 second\",\"HostConfig\":{},\"Mounts\":[]},"
	    "{\"Id\":\"c2\",\"Names\":null,\"Labels\":null,\"State\":\"exited\"},"
	    "{\"Id\":\"c3\",\"State\":\"paused\"},{\"Names\":[]}]\n",
	    "container|c1|web|alpine|" SHA "i||running|+|a=b|x=\"q\" <\n"
	    "container|c2|||||exited|-\ncontainer|c3|||||paused|+\n");
	is_bad(OBJECT_CONTAINER, "[{\"Id\":\"1\",\"Id\":\"2\"}]");
	is_bad(OBJECT_CONTAINER, "[{\"Id\":\"1\"}");
	is_bad(OBJECT_CONTAINER, "[5]");
	is_bad(OBJECT_CONTAINER, "{}");
	is_bad(OBJECT_CONTAINER, "");
}

static void test_others(void **state)
{
	(void)state;
	is(OBJECT_NETWORK, "[{\"Name\":\"n\",\"Id\":\"x\",\"Driver\":\"bridge\","
	    "\"Containers\":{},\"Labels\":{\"k\":\"v\"}}]\n",
	    "network|x|n|||bridge||-|k=v\n");
	is(OBJECT_VOLUME, "{\"Volumes\":[{\"Driver\":\"local\",\"Labels\":null,"
	    "\"Name\":\"v1\"},{\"Driver\":\"nfs\",\"Name\":\"v2\"}],"
	    "\"Warnings\":[{\"Name\":\"v3\"}]}\n",
	    "volume|v1|v1|||local||-\nvolume|v2|v2|||nfs||-\n");
	is(OBJECT_VOLUME, "{\"Volumes\":null,\"Warnings\":null}\n", "");
	is(OBJECT_IMAGE, "[{\"Containers\":-1,\"Id\":\"" SHA "i\",\"Labels\":{},"
	    "\"RepoDigests\":[\"a@" SHA ID("2") "\"],\"RepoTags\":[\"a:1\",\"r.io/b\"],\"Size\":1984625},"
	    "{\"Id\":\"" SHA "j\",\"RepoDigests\":[\"<none>@<none>\"],"
	    "\"RepoTags\":[\"<none>:<none>\"]},{\"Id\":\"k\",\"RepoTags\":null}]\n",
	    "image|" SHA "i||||||1984625|-|docker.io/library/a:1|r.io/b:latest|"
	    "docker.io/library/a@" SHA ID("2") "\n"
	    "image|" SHA "j||||||-\nimage|k||||||-\n");
}

static void test_events(void **state)
{
	(void)state;
	is(OBJECT_NONE, "", "");
	is(OBJECT_NONE,
	    "{\"status\":\"die\",\"id\":\"c\",\"Type\":\"container\",\"Action\":\"die\","
	    "\"Actor\":{\"ID\":\"c\",\"Attributes\":{\"exitCode\":\"0\",\"name\":\"w\"}},"
	    "\"time\":1}\n"
	    "{\"Type\":\"container\",\"Action\":\"exec_create: sh -c {\\\"a\\\"}\","
	    "\"Actor\":{\"ID\":\"c\",\"Attributes\":null}}{\"Type\":\"daemon\"}\n",
	    "|container|die|c|exitCode=0|name=w\n"
	    "|container|exec_create: sh -c {\"a\"}|c\n|daemon||\n");
	is_bad(OBJECT_NONE, "{\"Type\":\"x\"");
	is_bad(OBJECT_NONE, "[]");
}

/* Nobody hides a container by its labels. */
static void test_large(void **state)
{
	static const size_t pieces[] = { 16 * 1024 * 1024, 65536, 4093 };
	_cleanup_(buf_free) struct buf in = BUF(16 * 1024 * 1024);
	_cleanup_(buf_free) struct buf out = BUF(4096);
	char *p;

	(void)state;
	buf_addz(&in, "[{\"Id\":\"c1\",\"Names\":[\"/w\"],\"Labels\":{\"a\":\"");
	p = buf_room(&in, BOUND_ELEMENT);
	assert_non_null(p);
	memset(p, 'x', BOUND_ELEMENT);
	buf_grew(&in, BOUND_ELEMENT);
	buf_addz(&in, "\"},\"State\":\"running\"},{\"Id\":\"c2\"}]");
	for (size_t i = 0; i < countof(pieces); i++) {
		buf_reset(&out);
		assert_int_equal(list(OBJECT_CONTAINER, buf_slice(&in),
		    pieces[i], &out), ANSWER_GOOD);
		assert_string_equal(buf_text(&out),
		    "container|c1|w|||||-\ncontainer|c2||||||-\n");
	}
}

static void test_image(void **state)
{
	struct slice in = SLICE("{\"Id\":\"" SHA "i\",\"RepoTags\":[\"a:1\"],"
	    "\"RepoDigests\":[\"a@" SHA ID("2") "\"],\"Config\":{\"Env\":"
	    "[\"A=\\u0062\",\"C=\"],\"Volumes\":{\"/d\":{},\"/\\\"\":{}},"
	    "\"Labels\":{\"l\":\"m\"}}}\n");
	struct image_told t;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_int_equal(image_told(in, &a, &t), ANSWER_GOOD);
	assert_true(slice_is(t.id, SHA "i"));
	assert_int_equal(t.ntags, 2);
	assert_true(slice_is(t.tags[0], "docker.io/library/a:1"));
	assert_int_equal(t.nvolumes, 2);
	assert_true(slice_is(t.volumes[1], "/\""));
	assert_int_equal(t.nenv, 2);
	assert_true(slice_is(t.env[0], "A=b"));
	assert_int_equal(t.nlabels, 1);
	assert_true(slice_is(t.labels[0].value, "m"));
	assert_int_equal(image_told(SLICE("{\"Id\":\"x\",\"Config\":null}"), &a,
	    &t), ANSWER_GOOD);
	assert_int_equal(t.nenv + t.ntags + t.nvolumes + t.nlabels, 0);
	assert_int_equal(image_told(SLICE("{\"Id\":5}"), &a, &t), ANSWER_BAD);
	assert_int_equal(image_told(SLICE("[]"), &a, &t), ANSWER_BAD);
	assert_int_equal(image_told(SLICE("{\"Id\":\"x\""), &a, &t), ANSWER_BAD);
	arena_free(&a);
	arena_init(&a, 64);
	assert_true(image_told(in, &a, &t) < 0);
	arena_free(&a);
}

static void test_text(void **state)
{
	struct slice in = SLICE(" {\"ContainerID\":\"c\",\"Config\":{\"User\":\"u\\u0031\","
	    "\"x\":{\"y\":\"z\"}},\"n\":5,\"d\":\"1\",\"d\":\"2\"}\n"), s;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	assert_true(answer_text(in, &a, &s, "ContainerID") && slice_is(s, "c"));
	assert_true(answer_text(in, &a, &s, "Config.User") && slice_is(s, "u1"));
	assert_true(answer_text(in, &a, &s, "Config.x.y") && slice_is(s, "z"));
	assert_false(answer_text(in, &a, &s, "Config.x"));
	assert_false(answer_text(in, &a, &s, "User"));
	assert_false(answer_text(in, &a, &s, "n"));
	assert_false(answer_text(in, &a, &s, "d"));
	assert_false(answer_text(SLICE("{\"a\":\"b\"} x"), &a, &s, "a"));
	arena_free(&a);
}

static void error_is(const char *in, const char *expected)
{
	struct ref refs[] = {
		{ .kind = OBJECT_CONTAINER, .name = SLICE("web"), .id = SLICE(ID("1")) },
		{ .kind = OBJECT_IMAGE, .name = SLICE("alpine"), .id = SLICE(SHA ID("2")) },
		{ .kind = OBJECT_VOLUME, .name = SLICE("v"), .id = SLICE("v") },
		{ .kind = OBJECT_VOLUME, .name = SLICE("new"), .id = SLICE_NONE },
	};
	struct facts f = { .refs = refs, .nrefs = countof(refs) };
	_cleanup_(buf_free) struct buf out = BUF(4096);
	bool other = answer_error(&f, NULL, slice_from(in), &out);

	assert_int_equal(other, strcmp(in, expected) != 0);
	if (other)
		assert_string_equal(buf_text(&out), expected);
}

static void test_errors(void **state)
{
	(void)state;
	error_is("{\"message\":\"No such container: " ID("1") "\"}",
	    "{\"message\":\"No such container: web\"}");
	error_is("{\"message\":\"cannot remove container \\\"" ID("1") "\\\": "
	    "container is running, " ID("1") "\"}",
	    "{\"message\":\"cannot remove container \\\"web\\\": "
	    "container is running, web\"}");
	error_is("No such image: " SHA ID("2"), "No such image: alpine");
	error_is("No such image: " ID("2"), "No such image: alpine");
	error_is("volume v is in use - [" ID("3") "]",
	    "volume v is in use - [" ID("3") "]");
	error_is(ID("1") "1 a" ID("1") " " ID("1"), ID("1") "1 a" ID("1") " web");
	error_is("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
