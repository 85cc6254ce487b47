/*
 * test_target.c: targets, each refused one beside its nearest good one.
 */
#include "dockbroker/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a target means, in one line: "1.41 [containers] [a b] / x=1 y".  From
 * a copy of the exact size, so that ASan sees each byte too far. */
static int read_target(struct slice in, char *out, size_t max,
    struct http_error *err)
{
	_cleanup_(arena_free) struct arena a;
	struct http_target t;
	char *copy = malloc(in.n + !in.n);
	size_t n = 0;
	int r;

	assert_non_null(copy);
	memcpy(copy, in.p, in.n);
	arena_init(&a, 1 << 20);
	r = http_target_parse((struct slice){ copy, in.n }, BOUND_PARAMETERS,
	    &a, &t, err);
	free(copy);
	out[0] = '\0';
	if (r != HTTP_GOOD)
		return r;
	if (t.versioned)
		n += (size_t)snprintf(out + n, max - n, "%u.%u ", t.major,
		    t.minor);
	for (size_t i = 0; i < t.nsegments; i++) {
		assert_int_equal(t.segments[i].p[t.segments[i].n], '\0');
		n += (size_t)snprintf(out + n, max - n, "[%.*s] ",
		    SLICE_ARG(t.segments[i]));
	}
	if (t.trailing_slash)
		n += (size_t)snprintf(out + n, max - n, "/ ");
	for (size_t i = 0; i < t.nparams; i++) {
		assert_int_equal(t.params[i].value.p[t.params[i].value.n],
		    '\0');
		n += (size_t)snprintf(out + n, max - n, "%.*s%s%.*s ",
		    SLICE_ARG(t.params[i].name),
		    t.params[i].has_value ? "=" : "",
		    SLICE_ARG(t.params[i].value));
	}
	return r;
}

static const struct { const char *target, *meaning; } good[] = {
	{ "/", "/ " },
	{ "/_ping", "[_ping] " },
	{ "/v1.41/containers/a%20b/json?x=1",
	    "1.41 [containers] [a b] [json] x=1 " },
	{ "/v1.41", "1.41 " },
	{ "/v1.41/", "1.41 / " },
	{ "/v1.0/info", "1.0 [info] " },
	{ "/version", "[version] " },
	{ "/v", "[v] " },
	{ "/v1.4x/info", "[v1.4x] [info] " },
	{ "/V1.41/info", "[V1.41] [info] " },
	{ "/x/v1.41", "[x] [v1.41] " },
	{ "/%761.41/info", "1.41 [info] " },
	{ "/v1.41/v1.41", "1.41 [v1.41] " },
	{ "/images/a/b:c/json", "[images] [a] [b:c] [json] " },
	{ "/images/a/", "[images] [a] / " },
	{ "/...", "[...] " },
	{ "/.a", "[.a] " },
	{ "/a+b?c+d=e+f", "[a+b] c d=e f " },
	{ "/a?", "[a] " },
	{ "/a?b", "[a] b " },
	{ "/a?b=", "[a] b= " },
	{ "/a?b=c=d", "[a] b=c=d " },
	{ "/a?b=/../?&c=%2F%3b%26%3D%2b", "[a] b=/../? c=/;&=+ " },
	{ "/a?b=1&b=2", "[a] b=1 b=2 " },
	{ "/a?f={\"label\":[\"x=y\"]}", "[a] f={\"label\":[\"x=y\"]} " },
	{ "/a?b=%0a%09", "[a] b=\n\t " },
	{ "/%c3%A4?%C3%B6=%f0%9f%90%b3", "[\xc3\xa4] \xc3\xb6=\xf0\x9f\x90\xb3 "
	},
	{ "/%25%32%66", "[%2f] " },
};

static const struct slice bad[] = {
	SLICE(""), SLICE("*"), SLICE("a"), SLICE("http://d/"), SLICE("?a=b"),
	SLICE("//"), SLICE("//a"), SLICE("/a//b"), SLICE("/a//"),
	SLICE("/./a"), SLICE("/../a"), SLICE("/a/."), SLICE("/a/.."),
	SLICE("/%2e/a"), SLICE("/%2E%2e/a"), SLICE("/.%2e/a"),
	SLICE("/a%2fb"), SLICE("/a%2Fb"), SLICE("/%2f"), SLICE("/a%00b"),
	SLICE("/a%0ab"), SLICE("/a%7f"), SLICE("/a%1f"), SLICE("/a%"),
	SLICE("/a%2"), SLICE("/a%2g"), SLICE("/a%g2"), SLICE("/a%%20"),
	SLICE("/a%?20"), SLICE("/a\0b"), SLICE("/a b"), SLICE("/a\tb"),
	SLICE("/\xc3\xa4"), SLICE("/a?b=\xc3\xa4"), SLICE("/a\x7f"),
	SLICE("/%c3"), SLICE("/%ff"), SLICE("/%c0%af"), SLICE("/%ed%a0%80"),
	SLICE("/a?%c3=b"), SLICE("/a?b=%ff"), SLICE("/a?b=%c3&c=%a4"),
	SLICE("/a#b"), SLICE("/a?b=c#d"), SLICE("/#"), SLICE("/a?#"),
	SLICE("/a?b;c"), SLICE("/a?b=1;c=2"), SLICE("/a?;"),
	SLICE("/a?=b"), SLICE("/a?="), SLICE("/a?&"), SLICE("/a?b&&c"),
	SLICE("/a?b&"), SLICE("/a?&b"), SLICE("/a?b=%00"), SLICE("/a?%00=b"),
	SLICE("/a?%0a=b"), SLICE("/a?b%7f=c"), SLICE("/a?b=%"),
	SLICE("/a?b=%zz"),
	SLICE("/v1/a"), SLICE("/v1./a"), SLICE("/v.41/a"), SLICE("/v01.41/a"),
	SLICE("/v1.041/a"), SLICE("/v1.41.1/a"), SLICE("/v2.0/a"),
	SLICE("/v1.4100/a"), SLICE("/v./a"), SLICE("/v0.41/a"),
	SLICE("/v1.99999999999999999999/a"), SLICE("/%761.041"),
};

static void test_good(void **state _unused_)
{
	char out[512];
	struct http_error err = { 0 };

	for (size_t i = 0; i < countof(good); i++) {
		if (read_target(slice_from(good[i].target), out, sizeof(out),
		    &err) != HTTP_GOOD)
			fail_msg("%s: %s", good[i].target, err.why);
		assert_string_equal(out, good[i].meaning);
	}
}

static void test_bad(void **state _unused_)
{
	char out[512];
	struct http_error err;

	for (size_t i = 0; i < countof(bad); i++) {
		err = (struct http_error){ 0 };
		if (read_target(bad[i], out, sizeof(out), &err) != HTTP_BAD ||
		    err.status != 400 || !err.why)
			fail_msg("%.*s: %s", SLICE_ARG(bad[i]), out);
	}
}

/* prefix, then piece n times, less its first byte the first time. */
static int repeated(const char *prefix, const char *piece, size_t n,
    size_t max_params, unsigned *status)
{
	_cleanup_(buf_free) struct buf b = BUF(1 << 20);
	_cleanup_(arena_free) struct arena a;
	struct http_error err = { 0 };
	struct http_target t;
	int r;

	arena_init(&a, 1 << 20);
	buf_addz(&b, prefix);
	for (size_t i = 0; i < n; i++)
		buf_addz(&b, piece + !i);
	r = http_target_parse(buf_slice(&b), max_params, &a, &t, &err);
	*status = err.status;
	return r;
}

static void test_bounds(void **state _unused_)
{
	const size_t params = BOUND_PARAMETERS, value = BOUND_PARAMETER;
	unsigned s;

	assert_int_equal(repeated("/", "/a", BOUND_SEGMENTS, params, &s),
	    HTTP_GOOD);
	assert_int_equal(repeated("/", "/a", BOUND_SEGMENTS + 1, params, &s),
	    HTTP_BAD);
	assert_int_equal(repeated("/v1.41/", "/a", BOUND_SEGMENTS, params,
	    &s), HTTP_GOOD);
	assert_int_equal(repeated("/?", "&a", params, params, &s), HTTP_GOOD);
	assert_int_equal(repeated("/?", "&a", params + 1, params, &s),
	    HTTP_BAD);
	assert_int_equal(repeated("/?", "&a", params + 1, SIZE_MAX, &s),
	    HTTP_BAD);
	assert_int_equal(repeated("/?", "&a", 3, 3, &s), HTTP_GOOD);
	assert_int_equal(repeated("/?", "&a", 4, 3, &s), HTTP_BAD);
	assert_int_equal(repeated("/?a=b", "bb", value / 2, params, &s),
	    HTTP_GOOD);
	assert_int_equal(repeated("/?a=bb", "bb", value / 2, params, &s),
	    HTTP_BAD);
	assert_int_equal(s, 400);
	assert_int_equal(repeated("/", "aa", BOUND_TARGET / 2, params, &s),
	    HTTP_GOOD);
	assert_int_equal(repeated("/a", "aa", BOUND_TARGET / 2, params, &s),
	    HTTP_BAD);
	assert_int_equal(s, 414);
}

static void test_no_memory(void **state _unused_)
{
	_cleanup_(arena_free) struct arena a;
	struct http_error err;
	struct http_target t;

	arena_init(&a, 8);
	assert_int_equal(http_target_parse(SLICE("/containers/json"), 10, &a,
	    &t, &err), HTTP_BAD);
	assert_int_equal(err.status, 503);
}

/* What is encoded decodes to itself, whatever it is. */
static void test_encode(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(4096);
	char all[255], out[1024];
	struct http_error err;

	http_encode(&b, SLICE("aZ09-._~ /%+&=;\"\n\xc3\xa4"));
	assert_string_equal(buf_text(&b),
	    "aZ09-._~%20%2F%25%2B%26%3D%3B%22%0A%C3%A4");
	buf_reset(&b);
	buf_addz(&b, "/?a=");
	for (size_t i = 0; i < 127; i++)
		all[i] = (char)(i + 1);
	http_encode(&b, (struct slice){ all, 127 });
	assert_int_equal(read_target(buf_slice(&b), out, sizeof(out), &err),
	    HTTP_GOOD);
	assert_memory_equal(out, "/ a=", 4);
	assert_memory_equal(out + 4, all, 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
