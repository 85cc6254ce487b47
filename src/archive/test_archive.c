/*
 * test_archive.c: archives of each kind, compressed or not, and what is read
 * of them.  Each refusal stands beside the nearest archive that is taken.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "archive/test_make.h"

#define GOOD	NULL
#define ENTRY(...)	make_entry(&b, (struct make){ __VA_ARGS__ });

struct seen {
	struct buf text;		/* "NAME=TEXT;" of each file */
	const char *refuse;		/* a text that is refused */
};

static int see(void *arg, const struct archive_file *f, struct buf *err)
{
	struct seen *s = arg;

	buf_adds(&s->text, f->name);
	buf_addc(&s->text, '=');
	buf_adds(&s->text, f->text);
	buf_addc(&s->text, ';');
	if (!s->refuse || !slice_is(f->text, s->refuse))
		return ARCHIVE_GOOD;
	buf_addz(err, "you may not say that");
	return ARCHIVE_BAD;
}

struct want {
	enum archive_kind kind;
	const char *dockerfile;
	const char *why;		/* GOOD: it is taken */
	const char *seen;		/* NULL: not asked */
	const struct buf *out;		/* NULL: the same */
	int line;
};

static void expect_step(const struct buf *b, struct want w, size_t step)
{
	_cleanup_(buf_free) struct buf out = BUF(1 << 26), err = BUF(4096);
	struct seen seen = { BUF(1 << 22), "bad" };
	struct archive *a = archive_new(w.kind, slice_from(w.dockerfile), see, &seen);
	int r = feed_all(a, buf_slice(b), step, &out, &err);

	archive_free(a);
	if (w.why && (r != ARCHIVE_BAD || !strstr(buf_text(&err), w.why)))
		fail_msg("line %d, steps of %zu: %d, '%s', not '%s'", w.line,
		    step, r, buf_text(&err), w.why);
	if (!w.why && r != ARCHIVE_GOOD)
		fail_msg("line %d, steps of %zu: %d, %s", w.line, step, r,
		    buf_text(&err));
	if (!w.why && !slice_equal(buf_slice(&out), buf_slice(w.out ? w.out : b)))
		fail_msg("line %d, steps of %zu: something else went on",
		    w.line, step);
	if (w.seen && strcmp(w.seen, buf_text(&seen.text)) != 0)
		fail_msg("line %d, steps of %zu: %s", w.line, step,
		    buf_text(&seen.text));
	buf_free(&seen.text);
}

static void expect(const struct buf *b, struct want w)
{
	static const size_t steps[] = { 1, 7, 512, 4093, 1 << 24 };

	for (size_t i = b->len > 1 << 20 ? 3 : 0; i < countof(steps); i++)
		expect_step(b, w, steps[i]);
}

#define TAR(k, why, seen, ...) do { \
	_cleanup_(buf_free) struct buf b = BUF(1 << 22); \
	__VA_ARGS__ \
	make_end(&b); \
	expect(&b, (struct want){ k, "", why, seen, NULL, __LINE__ }); \
} while (0)
#define LOAD(why, seen, ...)	TAR(ARCHIVE_LOAD, why, seen, __VA_ARGS__)
#define BUILD(why, seen, ...)	TAR(ARCHIVE_BUILD, why, seen, __VA_ARGS__)
#define BUILD_F(file, why, seen, ...) do { \
	_cleanup_(buf_free) struct buf b = BUF(1 << 22); \
	__VA_ARGS__ \
	make_end(&b); \
	expect(&b, (struct want){ ARCHIVE_BUILD, file, why, seen, NULL, __LINE__ }); \
} while (0)

/* A layer with a file, and with a device when asked for. */
static void add_layer(struct buf *b, const char *name, bool device, bool gzip)
{
	_cleanup_(buf_free) struct buf tar = BUF(1 << 20), packed = BUF(1 << 20);

	make_file(&tar, "etc/passwd", "root");
	if (device)
		make_entry(&tar, (struct make){ .name = "dev/sda", .type = '4' });
	make_end(&tar);
	if (gzip)
		make_gzip(&packed, buf_slice(&tar));
	make_bytes(b, (struct make){ .name = name, .type = '0' },
	    buf_slice(gzip ? &packed : &tar));
}

static void add_bytes(struct buf *b, const char *name, struct slice content)
{
	make_bytes(b, (struct make){ .name = name, .type = '0' }, content);
}

static void test_load(void **state _unused_)
{
	LOAD(GOOD, "manifest.json=[1];repositories={};index.json={2};",
	    make_file(&b, "0ab.json", "{\"os\":\"linux\"}");
	    ENTRY("0ab/", .type = '5') add_layer(&b, "0ab/layer.tar", false, false);
	    make_file(&b, "manifest.json", "[1]"); make_file(&b, "./repositories", "{}");
	    make_file(&b, "/.//index.json", "{2}"););
	LOAD(GOOD, "manifest.json=a;manifest.json=b;",
	    make_file(&b, "manifest.json", "a"); make_file(&b, ".//manifest.json", "b"););
	LOAD(GOOD, "", make_file(&b, "sub/manifest.json", "a"););
	LOAD("may not say that", "manifest.json=a;manifest.json=bad;",
	    make_file(&b, "manifest.json", "a"); make_file(&b, "manifest.json", "bad"););
	LOAD("may not say that", NULL, make_file(&b, "manifest.json", "bad"););
	LOAD("no directory or link", "", ENTRY("manifest.json", .type = '2', .link = "a"));
	LOAD("no directory or link", "", ENTRY("index.json", .type = '1', .link = "a"));
	LOAD("no directory or link", "", ENTRY("repositories/", .type = '5'));
	LOAD("file above it", "", make_file(&b, "manifest.json/a", "a"););
	LOAD(GOOD, "", ENTRY("a/layer.tar", .type = '2', .link = "../b/layer.tar"));
	LOAD(GOOD, "", ENTRY("a/layer.tar", .type = '1', .link = "b/layer.tar"));
	LOAD("below a link", "", ENTRY("d", .type = '2', .link = ".")
	    make_file(&b, "d/manifest.json", "a"););
	LOAD(GOOD, "", ENTRY("d", .type = '2', .link = ".")
	    make_file(&b, "dd/manifest.json", "a"););
	LOAD("below a link", "", ENTRY("d", .type = '2', .link = ".")
	    ENTRY("./m", .type = '1', .link = "d") make_file(&b, "m//x", "a"););
	LOAD("has no name", "", ENTRY("./", .type = '2', .link = "a"));
	LOAD("pipe", "", ENTRY("a", .type = '6'));
	LOAD("device", "", ENTRY("a", .type = '3'));
	LOAD("1 MiB", "", ENTRY("manifest.json", .type = '0', .size = (1 << 20) + 1));
	LOAD("cut off", "", ENTRY("manifest.json", .type = '0', .size = 1 << 20));
}

/* The end of an image archive goes on when all of it was judged. */
static void test_held(void **state _unused_)
{
	static const size_t blocks[] = { 0, 1, 2, 3, 20, 2000 };

	for (size_t i = 0; i < countof(blocks); i++) {
		_cleanup_(buf_free) struct buf b = BUF(1 << 22), out = BUF(1 << 22),
		    err = BUF(4096);
		struct archive *a = archive_new(ARCHIVE_LOAD, SLICE(""), NULL, NULL);
		size_t n, used, end = blocks[i] < 2 ? blocks[i] : 2, fed = 0;
		bool more = true;

		make_file(&b, "manifest.json", "[]");
		n = b.len;
		for (size_t z = 0; z < blocks[i] * 512; z++)
			buf_addc(&b, '\0');
		while (fed < b.len || more) {
			assert_int_equal(archive_feed(a, (struct slice){ b.p + fed,
			    b.len - fed }, &used, &more, &out, &err), ARCHIVE_GOOD);
			fed += used;
		}
		assert_int_equal(out.len, n);
		assert_int_equal(archive_end(a, &out, &err), ARCHIVE_GOOD);
		assert_int_equal(out.len, n + end * 512);
		assert_memory_equal(out.p, b.p, out.len);
		archive_free(a);
	}
}

static void test_layers(void **state _unused_)
{
	LOAD(GOOD, "", add_layer(&b, "a/layer.tar", false, false););
	LOAD("in \"a/layer.tar\": the archive's entry \"dev/sda\" is a device", "",
	    add_layer(&b, "a/layer.tar", true, false););
	LOAD(GOOD, "", add_layer(&b, "blobs/sha256/ab", false, true););
	LOAD("is a device", "", add_layer(&b, "blobs/sha256/ab", true, true););
	/* Any file may be named as a layer. */
	LOAD("is a device", "", add_layer(&b, "VERSION", true, false););
	LOAD(GOOD, "", make_file(&b, "VERSION", "1.0"););
	LOAD(GOOD, "", make_file(&b, "VERSION", ""););
	LOAD("bzip2", "", make_file(&b, "a", "BZh91AY&SY"););
	LOAD(GOOD, "", make_file(&b, "a", "BZ"););
	LOAD("xz", "", add_bytes(&b, "a", SLICE("\xfd" "7zXZ\0abc")););
	LOAD("zstd", "", add_bytes(&b, "a", SLICE("\x28\xb5\x2f\xfd" "abc")););
	LOAD("zstd", "", add_bytes(&b, "a", SLICE("\x5c\x2a\x4d\x18" "abc")););
	LOAD("lz4", "", add_bytes(&b, "a", SLICE("\x04\x22\x4d\x18" "abc")););
	LOAD("gzip stream is broken", "", add_bytes(&b, "a", SLICE("\x1f\x8b\x08\xff\xff")););
	LOAD("gzip stream is cut off", "", add_bytes(&b, "a", SLICE("\x1f\x8b\x08")););
	LOAD(GOOD, "", add_bytes(&b, "a", SLICE("\x1f\x8b")););
	LOAD(GOOD, "", add_bytes(&b, "a", SLICE("\x1f\x8b\x07")););
}

/* Layers of several gzip members, as estargz writes them, and what is none. */
static void test_members(void **state _unused_)
{
	_cleanup_(buf_free) struct buf tar = BUF(1 << 20), gz = BUF(1 << 20);
	struct slice half;

	make_file(&tar, "a", "b");
	make_entry(&tar, (struct make){ .name = "dev/sda", .type = '4' });
	make_end(&tar);
	half = (struct slice){ tar.p, 1000 };
	make_gzip(&gz, half);
	LOAD("in \"l\": the archive is cut off", "", add_bytes(&b, "l", buf_slice(&gz)););
	make_gzip(&gz, (struct slice){ tar.p + 1000, tar.len - 1000 });
	LOAD("is a device", "", add_bytes(&b, "l", buf_slice(&gz)););
	memset(tar.p + 1024, 0, 512);
	buf_reset(&gz);
	make_gzip(&gz, half);
	make_gzip(&gz, (struct slice){ tar.p + 1000, tar.len - 1000 });
	LOAD(GOOD, "", add_bytes(&b, "l", buf_slice(&gz)););
	buf_addz(&gz, "xxxx");
	LOAD("gzip stream is broken", "", add_bytes(&b, "l", buf_slice(&gz)););
	gz.len -= 5;
	LOAD("gzip stream is cut off", "", add_bytes(&b, "l", buf_slice(&gz)););
	/* What is no tar inside may be anything. */
	buf_reset(&gz);
	make_gzip(&gz, SLICE("{}"));
	LOAD(GOOD, "", add_bytes(&b, "l", buf_slice(&gz)););
	/* The Engine inflates once. */
	buf_reset(&tar);
	make_gzip(&tar, buf_slice(&gz));
	LOAD(GOOD, "", add_bytes(&b, "l", buf_slice(&tar)););
}

static void test_build(void **state _unused_)
{
	BUILD(GOOD, "Dockerfile=FROM a;", make_file(&b, "Dockerfile", "FROM a");
	    make_file(&b, "sub/Dockerfile", "FROM b"););
	BUILD(GOOD, "dockerfile=x;Dockerfile=y;", make_file(&b, "dockerfile", "x");
	    make_file(&b, "./Dockerfile", "y"););
	BUILD("may not say that", NULL, make_file(&b, "Dockerfile", "bad"););
	BUILD(GOOD, "", ENTRY("fifo", .type = '6') add_layer(&b, "a.tar", true, false););
	BUILD("device", "", ENTRY("dev", .type = '3'));
	BUILD(GOOD, "", ENTRY("Dockerfil", .type = '2', .link = "b"));
	BUILD("link", "", ENTRY("Dockerfile", .type = '2', .link = "b"));
	BUILD("link", "", ENTRY("dockerfile", .type = '1', .link = "b"));
	BUILD("file above", "", make_file(&b, "Dockerfile/b", ""););
	BUILD("below a link", "", ENTRY("d", .type = '2', .link = ".")
	    make_file(&b, "d/Dockerfile", "x"););
	BUILD("below a link", "", ENTRY("a/d", .type = '2', .link = "..")
	    ENTRY("a/d/e", .type = '2', .link = "x"));
	BUILD_F("build/./x.df", GOOD, "build/x.df=x;", make_file(&b, "build/x.df", "x");
	    make_file(&b, "Dockerfile", "bad"););
	BUILD_F("/build//x.df", GOOD, "build/x.df=x;", ENTRY("build/", .type = '5')
	    make_file(&b, "./build/x.df", "x"););
	BUILD_F("build/x.df", "no link", "build/x.df=x;", make_file(&b, "build/x.df", "x");
	    ENTRY("build", .type = '2', .link = "evil"));
	BUILD_F("build/x.df", "no link", "", make_file(&b, "build", "x"););
	BUILD_F("build/x.df", GOOD, "", ENTRY("buil", .type = '2', .link = "evil"));
	BUILD_F("build/../x.df", "outside", "", make_file(&b, "x.df", "x"););
	BUILD_F("./", "outside", "", make_file(&b, "x.df", "x"););
	BUILD_F("Dockerfile", GOOD, "dockerfile=x;", make_file(&b, "dockerfile", "x"););
	BUILD_F("dockerfile", GOOD, "", make_file(&b, "Dockerfile", "x"););
}

static void test_links(void **state _unused_)
{
	_cleanup_(buf_free) struct buf b = BUF(1 << 25);
	char name[32];

	for (int i = 0; i < BOUND_ARCHIVE_LINKS; i++) {
		snprintf(name, sizeof(name), "n/%d", i);
		ENTRY(name, .type = '2', .link = "x")
		snprintf(name, sizeof(name), "m/%d/f", i);
		make_file(&b, name, "");
	}
	expect_step(&b, (struct want){ ARCHIVE_BUILD, "", GOOD, "", NULL, __LINE__ }, 1 << 25);
	ENTRY("n/one-more", .type = '2', .link = "x")
	expect_step(&b, (struct want){ ARCHIVE_BUILD, "", "one link too many", "", NULL,
	    __LINE__ }, 1 << 25);
	expect_step(&b, (struct want){ ARCHIVE_UPLOAD, "", GOOD, "", NULL, __LINE__ }, 1 << 25);
}

static void test_gzip(void **state _unused_)
{
	_cleanup_(buf_free) struct buf tar = BUF(1 << 22), gz = BUF(1 << 22),
	    twice = BUF(1 << 22);
	struct want w = { ARCHIVE_UPLOAD, "", GOOD, "", &tar, __LINE__ };

	make_file(&tar, "a", "hello");
	make_end(&tar);
	make_gzip(&gz, buf_slice(&tar));
	expect(&gz, w);
	w.why = "cut off";
	gz.len--;
	expect(&gz, w);
	gz.len = 3;
	expect(&gz, w);
	gz.len = 0;
	w.why = "goes on behind its gzip stream";
	make_gzip(&gz, buf_slice(&tar));
	make_gzip(&gz, buf_slice(&tar));
	expect(&gz, w);
	gz.len = 0;
	make_gzip(&gz, buf_slice(&tar));
	buf_addc(&gz, '\0');
	expect(&gz, w);
	w.why = "twice, also with gzip";
	gz.len = 0;
	make_gzip(&gz, buf_slice(&tar));
	make_gzip(&twice, buf_slice(&gz));
	gz.len = 0;
	buf_adds(&gz, buf_slice(&twice));
	for (int i = 0; i < 600; i++)
		buf_addc(&twice, 'x');
	gz.len = 0;
	make_gzip(&gz, buf_slice(&twice));
	expect(&gz, w);
	/* A tar for us, a gzip stream for the Engine. */
	tar.len = gz.len = 0;
	make_file(&tar, "\x1f\x8b\x08", "hello");
	make_end(&tar);
	make_gzip(&gz, buf_slice(&tar));
	expect(&gz, w);
	w.why = "broken";
	expect(&tar, w);
	tar.len = gz.len = 0;
	w.why = GOOD;
	make_gzip(&gz, SLICE(""));
	expect(&gz, w);
}

static void test_magic(void **state _unused_)
{
	static const struct { struct slice text; const char *why; } all[] = {
		{ SLICE("BZh91AY&SY"), "bzip2: send it uncompressed or as gzip" },
		{ SLICE("\xfd" "7zXZ\0\0\4"), "with xz" },
		{ SLICE("\x28\xb5\x2f\xfd" "abc"), "with zstd" },
		{ SLICE("\x50\x2a\x4d\x18" "abc"), "with zstd" },
		{ SLICE("\x04\x22\x4d\x18" "abc"), "with lz4" },
		{ SLICE("\x1f\x8b\x08\xff" "abc"), "gzip stream is broken" },
		{ SLICE("PK\3\4 abc"), "cut off" }
	};

	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(buf_free) struct buf b = BUF(4096);

		buf_adds(&b, all[i].text);
		expect(&b, (struct want){ ARCHIVE_UPLOAD, "", all[i].why, "", NULL,
		    (int)i });
	}
	TAR(ARCHIVE_UPLOAD, "no tar archive", "",
	    for (int i = 0; i < 600; i++) buf_addc(&b, 'x'););
}

/* Counts what is allocated, with what zlib takes. */
static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* An image of 64 MiB zeros, gzip in gzip, with links: bounded turns and memory. */
static void test_memory(void **state _unused_)
{
	_cleanup_(buf_free) struct buf zeros = BUF(1 << 27), layer = BUF(1 << 27),
	    tar = BUF(1 << 22), gz = BUF(1 << 27), out = BUF(1 << 21), err = BUF(4096);
	size_t before, most = 0, used, at = 0, turns = 0;
	struct archive *a;
	bool more = false;

	memset(buf_room(&zeros, 1 << 26), 0, 1 << 26);
	buf_grew(&zeros, 1 << 26);
	add_bytes(&layer, "big", buf_slice(&zeros));
	buf_free(&zeros);
	make_end(&layer);
	make_gzip(&gz, buf_slice(&layer));
	make_entry(&tar, (struct make){ .name = "a/layer.tar", .type = '2', .link = "b" });
	add_bytes(&tar, "blob", buf_slice(&gz));
	make_end(&tar);
	gz.len = 0;
	make_gzip(&gz, buf_slice(&tar));
	(void)buf_room(&out, 1 << 20);
	before = in_use();
	a = archive_new(ARCHIVE_LOAD, SLICE(""), NULL, NULL);
	while (at < gz.len || more) {
		struct slice in = { gz.p + at, gz.len - at };

		assert_int_equal(archive_feed(a, in, &used, &more, &out, &err),
		    ARCHIVE_GOOD);
		assert_true(out.len <= BOUND_RELAY + 512);
		buf_reset(&out);
		at += used;
		turns++;
		if (in_use() - before > most)
			most = in_use() - before;
	}
	assert_int_equal(archive_end(a, &out, &err), ARCHIVE_GOOD);
	assert_true(turns >= 64);	/* a MiB each */
	print_message("%zu bytes, %zu turns\n", most, turns);
#ifndef WITH_SANITIZERS
	assert_true(most < 300 * 1024);
#endif
	archive_free(a);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A large plain file, again and again the same memory. */
static void test_speed(void **state _unused_)
{
	static char piece[BOUND_RELAY];
	_cleanup_(buf_free) struct buf b = BUF(4096), out = BUF(1 << 21), err = BUF(4096);
	struct archive *a = archive_new(ARCHIVE_UPLOAD, SLICE(""), NULL, NULL);
	size_t used, total = 4096;
	double from, rate;
	bool more;

	ENTRY("big", .type = '0', .size = total * sizeof(piece))
	assert_int_equal(archive_feed(a, buf_slice(&b), &used, &more, &out, &err),
	    ARCHIVE_GOOD);
	from = seconds();
	for (size_t i = 0; i < total; i++) {
		buf_reset(&out);
		assert_int_equal(archive_feed(a, (struct slice){ piece, sizeof(piece) },
		    &used, &more, &out, &err), ARCHIVE_GOOD);
		assert_int_equal(used, sizeof(piece));
	}
	rate = (double)(total * sizeof(piece)) / 1e9 / (seconds() - from);
	print_message("%.1f GB/s\n", rate);
	assert_true(rate > 1);
	buf_reset(&out);
	assert_int_equal(archive_end(a, &out, &err), ARCHIVE_GOOD);
	archive_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_magic),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
