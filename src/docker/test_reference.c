/* test_reference.c: names of images, one spelling each. */
#include "docker/test_util.h"

#include "docker/names.h"

#define HEX8	"0123abcd"
#define HEX64	HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8
#define SHA	"sha256:" HEX64
#define A50	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_canon(void **state)
{
	static const struct { const char *text, *canon; } t[] = {
		{ "alpine", "docker.io/library/alpine:latest" },
		{ "alpine:3", "docker.io/library/alpine:3" },
		{ "library/alpine", "docker.io/library/alpine:latest" },
		{ "docker.io/alpine", "docker.io/library/alpine:latest" },
		{ "docker.io/library/alpine", "docker.io/library/alpine:latest" },
		{ "index.docker.io/alpine", "docker.io/library/alpine:latest" },
		{ "index.docker.io/a/b:1", "docker.io/a/b:1" },
		{ "a/b", "docker.io/a/b:latest" },
		{ "a/b/c:x", "docker.io/a/b/c:x" },
		{ "docker.io", "docker.io/library/docker.io:latest" },
		{ "a.b", "docker.io/library/a.b:latest" },
		{ "a:5000", "docker.io/library/a:5000" },
		{ "a:5000/b", "a:5000/b:latest" },
		{ "reg:5000/a/b:t", "reg:5000/a/b:t" },
		{ "localhost", "docker.io/library/localhost:latest" },
		{ "localhost/a", "localhost/a:latest" },
		{ "localhost:1/a", "localhost:1/a:latest" },
		{ "Reg.Example.com/a", "Reg.Example.com/a:latest" },
		{ "reg.io/library/a", "reg.io/library/a:latest" },
		{ "reg.io/a", "reg.io/a:latest" },
		{ "[::1]/a", "[::1]/a:latest" },
		{ "[::1]:5000/a:1", "[::1]:5000/a:1" },
		{ "registry.hub.docker.com/a", "registry.hub.docker.com/a:latest" },
		{ "a:T.1_2-x", "docker.io/library/a:T.1_2-x" },
		{ "a:_", "docker.io/library/a:_" },
		{ "x/a--b__c.d_e/f", "docker.io/x/a--b__c.d_e/f:latest" },
		{ "a@" SHA, "docker.io/library/a@" SHA },
		{ "a:1@" SHA, "docker.io/library/a@" SHA },
		{ "r.io:1/a:1@" SHA, "r.io:1/a@" SHA },
		{ SHA, SHA },
		{ HEX64, HEX64 },
		{ "sha256:0123", "docker.io/library/sha256:0123" },
		{ "0123456789ab", "docker.io/library/0123456789ab:latest" },
		{ "a/" HEX64, "docker.io/a/" HEX64 ":latest" },
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		_cleanup_(buf_free) struct buf b = BUF(BOUND_FIELD);
		_cleanup_(buf_free) struct buf again = BUF(BOUND_FIELD);

		if (!reference_canon(slice_from(t[i].text), &b))
			fail_msg("%s is refused", t[i].text);
		assert_string_equal(buf_text(&b), t[i].canon);
		assert_true(reference_canon(buf_slice(&b), &again));
		assert_string_equal(buf_text(&again), t[i].canon);
	}
}

static void test_none(void **state)
{
	static const char *const t[] = {
		"", "/", "/a", "a/", "a//b", "A", "a/B", "library/Alpine",
		"A/b", "Localhost/a", "reg.io/A", "a:", "a:-x", "a:.x", "a:b:c",
		"a:b/c:d:e", "a@", "a@sha256", "a@sha256:", "a@sha256:0123",
		"a@md5:" HEX64, "a@sha256:" HEX64 "0", "a@SHA256:" HEX64,
		"a@sha256:" HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 "0123ABCD",
		"a@" SHA "@" SHA, "@" SHA, ":1", "a:1:2", " a", "a ", "a b",
		"-a", "a-", "a..b", "a___b", "_a", "a_/b", ".a/b", "a./b",
		"reg.io:/a", "reg.io:x/a", "reg.io:65536/a", "reg.io:080/a",
		"-reg.io/a", "reg-.io/a", "reg..io/a", "reg.io./a", ".io/a",
		"[::1/a", "[]/a", "[::1]x/a", "[::g]/a", "http://a/b", "a\n",
		"a:1\n", "..", "../a", "a/../b", "a%2fb", "a__b.c/d", "\xc3\xa9",
		"sha256:" HEX64 "0/a:1:2",
		A50 A50 A50 A50 A50 "aaaaaa",		/* 256 */
		A50 A50 A50 A50 A50			/* 268 with the registry */
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		_cleanup_(buf_free) struct buf b = BUF(BOUND_FIELD);

		if (reference_canon(slice_from(t[i]), &b))
			fail_msg("%s is taken as %s", t[i], buf_text(&b));
		assert_int_equal(b.len, 0);
	}
}

/* The longest that there can be: 255 of name, 128 of tag. */
static void test_lengths(void **state)
{
	static const char host[] = "r.io/" A50 A50 A50 A50 A50;	/* 255 */
	_cleanup_(buf_free) struct buf b = BUF(BOUND_FIELD);
	_cleanup_(buf_free) struct buf text = BUF(BOUND_FIELD);

	(void)state;
	assert_int_equal(sizeof(host) - 1, 255);
	assert_true(reference_canon(SLICE("r.io/" A50 A50 A50 A50 A50), &b));
	buf_reset(&b);
	assert_false(reference_canon(SLICE("rr.io/" A50 A50 A50 A50 A50), &b));
	buf_addz(&text, "a:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_true(reference_canon(buf_slice(&text), &b));
	buf_addc(&text, 'a');
	buf_reset(&b);
	assert_false(reference_canon(buf_slice(&text), &b));
}

static void test_untagged(void **state)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_FIELD);

	(void)state;
	assert_true(reference_canon_name(SLICE("a"), false, &b));
	assert_string_equal(buf_text(&b), "docker.io/library/a");
	buf_reset(&b);
	assert_true(reference_canon_name(SLICE("r.io/a:1"), false, &b));
	assert_string_equal(buf_text(&b), "r.io/a:1");
}

static void test_id(void **state)
{
	(void)state;
	assert_true(reference_is_id(SLICE(SHA)));
	assert_true(reference_is_id(SLICE(HEX64)));
	assert_false(reference_is_id(SLICE(HEX64 "0")));
	assert_false(reference_is_id(SLICE("0123456789ab")));
	assert_false(reference_is_id(SLICE("sha512:" HEX64)));
	assert_false(reference_is_id(SLICE("sha256:sha256:" HEX64)));
	assert_false(reference_is_id(SLICE("a@" SHA)));
	assert_false(reference_is_id(SLICE("")));
	assert_false(reference_is_id(SLICE(HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8
	    "0123ABCD")));
}

static void test_familiar(void **state)
{
	static const struct { const char *canon, *shown; } t[] = {
		{ "docker.io/library/alpine:latest", "alpine:latest" },
		{ "docker.io/library/a/b:1", "library/a/b:1" },
		{ "docker.io/a/b:1", "a/b:1" },
		{ "reg.io/library/a:1", "reg.io/library/a:1" },
		{ "docker.io.evil/a:1", "docker.io.evil/a:1" },
		{ "docker.io/library/a@" SHA, "a@" SHA },
		{ SHA, SHA }, { "", "" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		_cleanup_(buf_free) struct buf b = BUF(BOUND_FIELD);

		reference_familiar(slice_from(t[i].canon), &b);
		assert_string_equal(buf_text(&b), t[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canon),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_untagged),
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_familiar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
