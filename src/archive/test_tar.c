/*
 * test_tar.c: what a tar may be, whatever is in it.  Each refusal stands
 * beside the nearest archive that is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "archive/test_make.h"

#define GOOD	NULL

/* why: what the sentence must contain; GOOD: it is taken, and goes on as it is. */
static void expect(const struct buf *b, const char *why, int line)
{
	static const size_t steps[] = { 1, 7, 511, 512, 513, 1 << 20 };

	for (size_t i = 0; i < countof(steps); i++) {
		_cleanup_(buf_free) struct buf out = BUF(1 << 22), err = BUF(4096);
		struct archive *a = archive_new(ARCHIVE_UPLOAD, SLICE(""), NULL, NULL);
		int r = feed_all(a, buf_slice(b), steps[i], &out, &err);

		archive_free(a);
		if (why && (r != ARCHIVE_BAD || !strstr(buf_text(&err), why)))
			fail_msg("line %d, steps of %zu: %d, '%s', not '%s'", line,
			    steps[i], r, buf_text(&err), why);
		if (!why && r != ARCHIVE_GOOD)
			fail_msg("line %d, steps of %zu: %d, %s", line, steps[i],
			    r, buf_text(&err));
		if (!why)
			assert_true(slice_equal(buf_slice(&out), buf_slice(b)));
		if (why && out.len > b->len)
			fail_msg("line %d: more went on than came", line);
	}
}

/* One archive of what stands in braces. */
#define TAR(why, ...) do { \
	_cleanup_(buf_free) struct buf b = BUF(1 << 22); \
	__VA_ARGS__ \
	make_end(&b); \
	expect(&b, why, __LINE__); \
} while (0)
#define ENTRY(...)	make_entry(&b, (struct make){ __VA_ARGS__ });

static void records(struct buf *b, char type, const struct buf *r)
{
	make_bytes(b, (struct make){ .name = "x", .type = type }, buf_slice(r));
}

static void one_record(struct buf *b, char type, const char *key, const char *value)
{
	_cleanup_(buf_free) struct buf r = BUF(1 << 21);

	make_record(&r, key, value);
	records(b, type, &r);
}

static void raw_record(struct buf *b, const char *text)
{
	make_entry(b, (struct make){ .name = "x", .type = 'x', .content = text });
}

static void test_types(void **state _unused_)
{
	TAR(GOOD, ENTRY("a", .type = '0', .content = "hello"));
	TAR(GOOD, ENTRY("a", .type = '\0', .content = "hello"));
	TAR(GOOD, ENTRY("a/", .type = '\0'));
	TAR("has a size", ENTRY("a/", .type = '\0', .content = "x"));
	TAR(GOOD, ENTRY("a/", .type = '5', .mode = 0755));
	TAR("has a size", ENTRY("a/", .type = '5', .content = "x"));
	TAR("name of a directory", ENTRY("a/", .type = '0'));
	TAR(GOOD, ENTRY("a", .type = '1', .link = "b"));
	TAR(GOOD, ENTRY("a", .type = '2', .link = "/etc/passwd"));
	TAR("has a size", ENTRY("a", .type = '2', .link = "b", .content = "x"));
	TAR("has a size", ENTRY("a", .type = '1', .link = "b", .content = "x"));
	TAR("\"dev/sda\" is a device", ENTRY("dev/sda", .type = '4'));
	TAR("\"dev/tty\" is a device", ENTRY("dev/tty", .type = '3'));
	TAR(GOOD, ENTRY("fifo", .type = '6'));
	TAR("sparse", ENTRY("a", .type = 'S'));
	TAR("kind", ENTRY("a", .type = '7'));
	TAR("kind", ENTRY("a", .type = 'V'));
	TAR("kind", ENTRY("a", .type = 'D'));
	TAR("kind", ENTRY("a", .type = 'X'));
	TAR("kind", ENTRY("a", .type = '8'));
	TAR(GOOD, ENTRY("su", .type = '0', .mode = 0104755));
	TAR("mode of a device", ENTRY("su", .type = '0', .mode = 020666));
	TAR("mode of a device", ENTRY("su", .type = '0', .mode = 060666));
	/* What came before a refusal has gone on, what comes with it has not. */
	TAR("device", make_file(&b, "a", "x"); ENTRY("d", .type = '3'));
}

static void test_names(void **state _unused_)
{
	TAR(GOOD, ENTRY("./a/b", .type = '0'));
	TAR(GOOD, ENTRY("./", .type = '5'));
	TAR(GOOD, ENTRY("/a//b", .type = '0'));
	TAR(GOOD, ENTRY("a/..b/...", .type = '0'));
	TAR("'..'", ENTRY("a/../b", .type = '0'));
	TAR("'..'", ENTRY("..", .type = '5'));
	TAR("'..'", ENTRY("../", .type = '5'));
	TAR("'..'", ENTRY("b", .type = '0', .prefix = "a/.."));
	TAR(GOOD, ENTRY("b", .type = '0', .prefix = "a/..a"));
	TAR("without a name", ENTRY("", .type = '0'));
	/* GNU and the old form have no prefix. */
	TAR(GOOD, ENTRY("b", .type = '0', .magic = "ustar  "));
	TAR("broken times", ENTRY("b", .type = '0', .magic = "ustar  ", .prefix = "a"));
	TAR(GOOD, ENTRY("b", .type = '0', .magic = "ustar  ", .prefix = "01234567"));
	TAR(GOOD, ENTRY("b", .type = '0', .magic = "\0\0\0\0\0\0\0", .prefix = ".."));
	TAR("no known form", ENTRY("b", .type = '0', .magic = "ustar 00"));
	TAR("no known form", ENTRY("b", .type = '0', .magic = "star\0\0\0"));
	TAR("goes on", ENTRY("a", .type = '0') make_end(&b); ENTRY("b", .type = '0'));
}

static void long_name(struct buf *b, char type, struct slice name)
{
	make_bytes(b, (struct make){ .name = "././@LongLink", .type = type,
	    .magic = "ustar  " }, name);
}

static void test_gnu(void **state _unused_)
{
	_cleanup_(buf_free) struct buf text = BUF(8192);

	for (size_t i = 0; i < 4097; i++)
		buf_addc(&text, 'n');
	TAR(GOOD, long_name(&b, 'L', SLICE("long\0")); ENTRY("a", .type = '0'));
	TAR(GOOD, long_name(&b, 'L', SLICE("long")); ENTRY("a", .type = '0'));
	TAR(GOOD, long_name(&b, 'K', SLICE("l\0")); long_name(&b, 'L', SLICE("n\0"));
	    ENTRY("a", .type = '2'));
	TAR("'..'", long_name(&b, 'L', SLICE("a/../b\0")); ENTRY("a", .type = '0'));
	TAR(GOOD, long_name(&b, 'K', SLICE("a/../b\0")); ENTRY("a", .type = '2'));
	TAR("several", long_name(&b, 'L', SLICE("a\0")); long_name(&b, 'L', SLICE("b\0"));
	    ENTRY("a", .type = '0'));
	TAR("several", long_name(&b, 'L', SLICE("a\0")); one_record(&b, 'x', "path", "p");
	    ENTRY("a", .type = '0'));
	TAR("several", one_record(&b, 'x', "mtime", "1"); long_name(&b, 'L', SLICE("a\0"));
	    ENTRY("a", .type = '0'));
	TAR("broken", long_name(&b, 'L', SLICE("a\0b")); ENTRY("a", .type = '0'));
	TAR("empty", long_name(&b, 'L', SLICE("\0")); ENTRY("a", .type = '0'));
	TAR("empty", long_name(&b, 'L', SLICE("")); ENTRY("a", .type = '0'));
	TAR(GOOD, long_name(&b, 'L', (struct slice){ text.p, 4096 });
	    ENTRY("a", .type = '0'));
	TAR("too long", long_name(&b, 'L', buf_slice(&text)); ENTRY("a", .type = '0'));
	TAR("behind an extended header", long_name(&b, 'L', SLICE("a\0")););
	TAR("goes on", long_name(&b, 'L', SLICE("a\0")); ENTRY("a", .type = '0')
	    make_end(&b); buf_addc(&b, 'x'););
	/* The long name decides what is a directory. */
	TAR(GOOD, long_name(&b, 'L', SLICE("d/\0")); ENTRY("d", .type = '\0'));
	TAR("has a size", long_name(&b, 'L', SLICE("d/\0"));
	    ENTRY("d", .type = '\0', .content = "x"));
}

static void test_pax(void **state _unused_)
{
	TAR(GOOD, one_record(&b, 'x', "path", "p"); ENTRY("a", .type = '0'));
	TAR("'..'", one_record(&b, 'x', "path", "p/.."); ENTRY("a", .type = '0'));
	TAR(GOOD, one_record(&b, 'x', "linkpath", "../p"); ENTRY("a", .type = '2'));
	TAR(GOOD, one_record(&b, 'x', "SCHILY.xattr.security.capability", "\1\2\n=");
	    ENTRY("a", .type = '0'));
	TAR(GOOD, one_record(&b, 'g', "comment", "0123abcd"); ENTRY("a", .type = '0'));
	TAR("to all entries", one_record(&b, 'g', "path", "p"); ENTRY("a", .type = '0'));
	TAR("to all entries", one_record(&b, 'g', "size", "1"); ENTRY("a", .type = '0'));
	TAR("several", one_record(&b, 'x', "path", "p"); one_record(&b, 'x', "mtime", "1");
	    ENTRY("a", .type = '0'));
	TAR("several", one_record(&b, 'x', "path", "p"); one_record(&b, 'g', "mtime", "1");
	    ENTRY("a", .type = '0'));
	TAR(GOOD, one_record(&b, 'g', "comment", "p"); one_record(&b, 'x', "mtime", "1");
	    ENTRY("a", .type = '0'));
	TAR("sparse", one_record(&b, 'x', "GNU.sparse.major", "1"); ENTRY("a", .type = '0'));
	TAR("sparse", one_record(&b, 'x', "GNU.sparse.map", "0,1"); ENTRY("a", .type = '0'));
	TAR(GOOD, one_record(&b, 'x', "GNU.volume.label", "1"); ENTRY("a", .type = '0'));
	TAR("takes a name or size away", one_record(&b, 'x', "path", "");
	    ENTRY("a", .type = '0'));
	TAR(GOOD, one_record(&b, 'x', "uname", ""); ENTRY("a", .type = '0'));
	TAR("twice", raw_record(&b, "9 path=a\n9 path=b\n"); ENTRY("a", .type = '0'));
	TAR(GOOD, raw_record(&b, "9 path=a\n11 mtime=1\n"); ENTRY("a", .type = '0'));
	TAR("wrong length", raw_record(&b, "8 path=a\n"); ENTRY("a", .type = '0'));
	TAR("wrong length", raw_record(&b, "11 path=a\n"); ENTRY("a", .type = '0'));
	TAR("no number", raw_record(&b, "09 path=a\n"); ENTRY("a", .type = '0'));
	TAR("wrong length", raw_record(&b, "-9 path=a\n"); ENTRY("a", .type = '0'));
	TAR("wrong length", raw_record(&b, "4 a\n"); ENTRY("a", .type = '0'));
	TAR("wrong length", raw_record(&b, "1 a=b\n"); ENTRY("a", .type = '0'));
	TAR("no number", raw_record(&b, "99999999 a=b\n"); ENTRY("a", .type = '0'));
	TAR("without a key", raw_record(&b, "6 =ab\n"); ENTRY("a", .type = '0'));
	TAR("broken key", raw_record(&b, "6 abc\n"); ENTRY("a", .type = '0'));
	TAR("cut off", raw_record(&b, "9 path=a\n9"); ENTRY("a", .type = '0'));
	TAR(GOOD, raw_record(&b, "5 a=\n"); ENTRY("a", .type = '0'));
	TAR(GOOD, raw_record(&b, ""); ENTRY("a", .type = '0'));
}

static void test_nul_and_bounds(void **state _unused_)
{
	_cleanup_(buf_free) struct buf r = BUF(1 << 21), big = BUF(1 << 21);

	buf_adds(&r, SLICE("11 path=a\0b\n"));
	r.p[1] = '2';
	TAR("too long or broken", records(&b, 'x', &r); ENTRY("a", .type = '0'));
	for (size_t i = 0; i < 1000000; i++)
		buf_addc(&big, 'v');
	buf_reset(&r);
	make_record(&r, "SCHILY.xattr.user.a", buf_text(&big));
	TAR(GOOD, records(&b, 'x', &r); ENTRY("a", .type = '0'));
	buf_reset(&r);
	make_record(&r, "path", buf_text(&big));
	TAR("too long", records(&b, 'x', &r); ENTRY("a", .type = '0'));
	for (size_t i = 0; i < 1 << 16; i++)
		buf_addc(&big, 'v');
	buf_reset(&r);
	make_record(&r, "comment", buf_text(&big));
	TAR("more than 1 MiB", records(&b, 'x', &r); ENTRY("a", .type = '0'));
}

/* A header with its size field as given; content follows. */
static void sized(struct buf *b, const char *field, size_t n, const char *content)
{
	char h[512];

	make_header(h, &(struct make){ .name = "a", .type = '0' });
	memset(h + 124, 0, 12);
	memcpy(h + 124, field, n);
	make_sum(h);
	buf_add(b, h, 512);
	buf_addz(b, content);
	make_pad(b);
}

static void test_sizes(void **state _unused_)
{
	TAR(GOOD, sized(&b, "5", 1, "hello"););
	TAR(GOOD, sized(&b, "     5 \0    ", 12, "hello"););
	TAR(GOOD, sized(&b, "", 0, ""););
	TAR(GOOD, sized(&b, "\x80\0\0\0\0\0\0\0\0\0\0\5", 12, "hello"););
	TAR("negative", sized(&b, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "hello"););
	TAR("negative", sized(&b, "\x80\0\0\xff\0\0\0\0\0\0\0\5", 12, "hello"););
	TAR("cut off", sized(&b, "\x80\0\0\0\x3f\xff\xff\xff\xff\xff\xfe\5", 12, "hello"););
	TAR("negative", sized(&b, "-5", 2, "hello"););
	TAR("negative", sized(&b, "8", 1, "hello"););
	TAR("negative", sized(&b, "0x5", 3, "hello"););
	TAR("negative", sized(&b, "5\0 5", 4, "hello"););
	TAR("cut off", sized(&b, "3001", 4, "hello"););
	TAR("wrong", sized(&b, "0", 1, "hello"););
	/* pax says it as well, or alone. */
	TAR(GOOD, one_record(&b, 'x', "size", "5"); sized(&b, "5", 1, "hello"););
	TAR(GOOD, one_record(&b, 'x', "size", "5"); sized(&b, "0", 1, "hello"););
	TAR("contradict", one_record(&b, 'x', "size", "5"); sized(&b, "4", 1, "hello"););
	TAR("contradict", one_record(&b, 'x', "size", "5");
	    sized(&b, "77777777777", 11, "hello"););
	TAR("cut off", one_record(&b, 'x', "size", "8589934592");
	    sized(&b, "77777777777", 11, "hello"););
	TAR("negative", one_record(&b, 'x', "size", "-5"); sized(&b, "0", 1, "hello"););
	TAR("negative", one_record(&b, 'x', "size", "+5"); sized(&b, "0", 1, "hello"););
	TAR("negative", one_record(&b, 'x', "size", "0x5"); sized(&b, "0", 1, "hello"););
	TAR("broken", one_record(&b, 'x', "size", "9999999999999999999999999");
	    sized(&b, "0", 1, "hello"););
	TAR("twice", raw_record(&b, "9 size=5\n9 size=5\n"); sized(&b, "5", 1, "hello"););
	TAR("has a size", one_record(&b, 'x', "size", "5"); ENTRY("a", .type = '5'));
}

static void test_sums(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(65536), c = BUF(65536);
	int sum = 0;

	make_file(&b, "\xc3\xa4\xc3\xb6", "hello");
	buf_adds(&c, buf_slice(&b));
	make_end(&c);
	expect(&c, GOOD, __LINE__);
	c.p[148]++;
	expect(&c, "no tar", __LINE__);
	/* Signed bytes were summed once. */
	memset(c.p + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (signed char)c.p[i];
	snprintf(c.p + 148, 8, "%06o", (unsigned)sum & 0777777);
	expect(&c, GOOD, __LINE__);
	buf_reset(&c);
	make_file(&c, "a", "b");
	buf_adds(&c, buf_slice(&b));
	c.p[1024 + 3] ^= 1;
	make_end(&c);
	expect(&c, "checksum is wrong", __LINE__);
	c.p[1024 + 3] ^= 1;
	expect(&c, GOOD, __LINE__);
	/* star's own form. */
	memcpy(c.p + 508, "tar", 4);
	make_sum(c.p);
	expect(&c, "star", __LINE__);
}

static void test_ends(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(65536);
	static const char zeros[512];
	struct slice zero = { zeros, sizeof(zeros) };

	expect(&b, GOOD, __LINE__);		/* nothing */
	make_file(&b, "a", "hello");
	expect(&b, GOOD, __LINE__);		/* no zero block */
	buf_adds(&b, zero);
	expect(&b, GOOD, __LINE__);		/* one */
	buf_addc(&b, '\0');
	expect(&b, "cut off", __LINE__);
	buf_add(&b, zeros, 511);
	expect(&b, GOOD, __LINE__);		/* two */
	buf_addc(&b, '\0');
	expect(&b, GOOD, __LINE__);		/* and more zeros */
	buf_addc(&b, 'x');
	expect(&b, "goes on behind its end", __LINE__);
	buf_reset(&b);
	buf_adds(&b, zero);
	expect(&b, GOOD, __LINE__);
	make_file(&b, "a", "hello");
	expect(&b, "goes on behind a block of zeros", __LINE__);
	buf_reset(&b);
	make_file(&b, "a", "hello");
	b.len -= 1;
	expect(&b, "cut off", __LINE__);	/* in the padding */
	b.len = 514;
	expect(&b, "cut off", __LINE__);	/* in the content */
	b.len = 100;
	expect(&b, "cut off", __LINE__);	/* in the header */
	buf_reset(&b);
	buf_addz(&b, "hello");
	expect(&b, "cut off", __LINE__);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_gnu),
		cmocka_unit_test(test_pax),
		cmocka_unit_test(test_nul_and_bounds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
