/*
 * test_dockerfile.c: what a Dockerfile takes from elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/archive.h"

static void note(void *arg, enum dockerfile_what what, struct slice text)
{
	struct buf *b = arg;

	buf_addc(b, "iu?"[what]);
	buf_addc(b, ' ');
	buf_adds(b, text);
	buf_addc(b, '\n');
}

static const struct dockerfile_arg args[] = {
	{ SLICE("GIVEN"), SLICE("from/arg") },
	{ SLICE("EMPTY"), SLICE("") },
	{ SLICE("NEVER"), SLICE("declared") }
};

/* told: lines "i IMAGE", "u URL", "? LINE". */
static void expect(const char *text, const char *told)
{
	_cleanup_(buf_free) struct buf b = BUF(1 << 20);

	assert_int_equal(dockerfile_read(slice_from(text), args, countof(args),
	    note, &b), 0);
	if (strcmp(buf_text(&b), told) != 0)
		fail_msg("of:\n%s\ntold:\n%s\nnot:\n%s", text, buf_text(&b), told);
}

static void test_from(void **state _unused_)
{
	expect("FROM alpine", "i alpine\n");
	expect("from\talpine:3 \r\n", "i alpine:3\n");
	expect("\n# comment\n  FROM --platform=linux/amd64 a/b@sha256:0 as x\n",
	    "i a/b@sha256:0\n");
	expect("\xef\xbb\xbf" "FROM alpine\n", "i alpine\n");
	expect("FROM scratch\nCOPY a b\n", "");
	expect("FROM Scratch\n", "i Scratch\n");
	expect("FROM a AS one\nFROM One AS two\nFROM two\nFROM three\n", "i a\ni three\n");
	/* A stage has no name while it is built. */
	expect("FROM a AS a\nFROM b AS c\nCOPY --from=c x y\n", "i a\ni b\ni c\n");
	expect("FROM a b\n", "? FROM a b\n");
	expect("FROM a AS b c\n", "? FROM a AS b c\n");
	expect("FROM\n", "? FROM\n");
	expect("FROM 'al'\"pine\"\\:3\n", "i alpine:3\n");
	expect("FROM \xc3\xa4\n", "? FROM \xc3\xa4\n");
	expect("FROM --platform='x y' a\n", "? FROM --platform='x y' a\n");
	expect("FROM --\\platform=x a\n", "? FROM --\\platform=x a\n");
	expect("FROM -- a\n", "i a\n");
}

static void test_variables(void **state _unused_)
{
	expect("ARG V=3\nFROM a:$V\n", "i a:3\n");
	expect("ARG V=3 W=\"x$V\"\nFROM a:${W}\n", "i a:x3\n");
	expect("ARG V='x$V'\nFROM a:${V}\n", "i a:x$V\n");
	expect("ARG V=3\nARG V=4\nFROM a:$V\n", "i a:4\n");
	expect("ARG V=3\nARG V\nFROM a:$V\n", "? FROM a:$V\n");
	expect("ARG GIVEN=mine\nFROM $GIVEN\n", "i from/arg\n");
	expect("ARG GIVEN\nFROM $GIVEN:1\n", "i from/arg:1\n");
	expect("FROM $GIVEN\n", "? FROM $GIVEN\n");
	expect("FROM a\nARG V=b\nFROM $V\n", "i a\n? FROM $V\n");
	expect("ARG V\nFROM a:${V:-3}\n", "i a:3\n");
	expect("FROM a:${V:-3}\n", "i a:3\n");
	expect("ARG V=4\nFROM a:${V:-3}\n", "i a:4\n");
	expect("ARG EMPTY=4\nFROM a${EMPTY:-:3}\n", "i a:3\n");
	expect("ARG V=4\nFROM a${V:+:$V}\n", "i a:4\n");
	expect("FROM a${V:+:$V}\n", "? FROM a${V:+:$V}\n");
	expect("ARG V=\nFROM a${V:+:3}\n", "i a\n");
	expect("ARG V=4\nFROM a${V-3}\n", "? FROM a${V-3}\n");
	expect("ARG V=4\nFROM a${V:?3}\n", "? FROM a${V:?3}\n");
	expect("ARG V=4\nFROM a${V\n", "? FROM a${V\n");
	expect("ARG V=4\nFROM a$\n", "? FROM a$\n");
	expect("ARG V=$U\nFROM a:$V\n", "? FROM a:$V\n");
	expect("ARG V=a\nFROM $V AS b\nFROM \"$V\"\nFROM '$V'\n", "i a\ni a\ni $V\n");
	expect("ARG S=b\nFROM a AS b\nFROM $S\n", "i a\n");
	expect("ARG V=scratch\nFROM $V\n", "");
	expect("ARG 'V'=a\nFROM $V\n", "? ARG 'V'=a\n? FROM $V\n");
}

static void test_copy(void **state _unused_)
{
	expect("FROM a AS b\nFROM c\nCOPY --from=b x y\nCOPY --from=B x y\n"
	    "COPY --from=0 x y\nCOPY --chown=1 --from=d x y\nCOPY e --from=f\n",
	    "i a\ni c\ni d\n");
	expect("FROM a\ncopy --from=$X x y\n", "i a\n? copy --from=$X x y\n");
	expect("FROM a\nCOPY --from= x y\n", "i a\n? COPY --from= x y\n");
	expect("FROM a\nCOPY --fr\\om=b x y\n", "i a\n? COPY --fr\\om=b x y\n");
	expect("FROM a\nCOPY \xa0--from=b x y\n", "i a\n? COPY \xa0--from=b x y\n");
	expect("FROM a\nCOPY\xa0--from=b x y\n", "i a\n? COPY\xa0--from=b x y\n");
	expect("FROM a\nRUN --mount=type=bind,from=b,target=/x ls\n", "i a\ni b\n");
	expect("FROM a\nRUN --mount=type=cache,target=/x ls --mount=from=b\n", "i a\n");
	expect("FROM a\nRUN --mount=\"from=b\" ls\n", "i a\n? RUN --mount=\"from=b\" ls\n");
	expect("FROM a\nONBUILD COPY --from=b x y\nONBUILD COPY x y\n",
	    "i a\n? ONBUILD COPY --from=b x y\n");
	expect("FROM a\nONBUILD FROM b\n", "i a\n? ONBUILD FROM b\n");
	expect("FROM a\nONBUILD ADD http://b c\n", "i a\nu http://b\n");
}

static void test_add(void **state _unused_)
{
	expect("ADD http://a/b c\n", "u http://a/b\n");
	expect("ADD x https://a/$V c\n", "u https://a/$V\n");
	expect("ADD [\"x\", \"https://a b\", \"c\"]\n", "u https://a b\n");
	expect("ADD [\"\\u0068ttp://a\", \"c\"]\n", "u [\"\\u0068ttp://a\", \"c\"]\n");
	expect("ADD \"http\"://a c\n", "u http://a\n");
	expect("ADD git@github.com:a/b.git c\n", "u git@github.com:a/b.git\n");
	expect("ADD a http://b\n", "");
	expect("ADD $V c\n", "u $V\n");
	expect("ADD hx$V c\n", "");
	expect("ADD ht$V c\n", "u ht$V\n");
	expect("ADD [\"$V\", \"\"]\n", "u $V\n");
	expect("ADD target/x-$V.jar $DIR\n", "");
	expect("ADD --checksum=sha256:0 http://a c\n", "u http://a\n");
	expect("COPY http://a c\n", "");
}

static void test_lines(void **state _unused_)
{
	expect("FROM \\\n  alpine\n", "i alpine\n");
	expect("FROM \\  \n# comment\n  # comment\n\n  alpine\n", "i alpine\n");
	expect("RUN a \\\n# b \\\nFROM c\n", "");
	expect("RUN a \\\n b\nFROM c\n", "i c\n");
	expect("RUN a \\\\\nFROM c\n", "? RUN a \\\\\ni c\n");
	expect("# escape=`\nFROM a `\n:3\nRUN \\\nFROM b\n",
	    "? FROM a :3\ni b\n");
	expect("#Escape = `\nFROM a`\n:3\n", "i a:3\n");
	expect("# syntax=x\n# escape=`\nFROM a\n", "? # escape=`\ni a\n");
	expect("FROM a\n# escape=`\nRUN \\\nFROM b\n", "i a\n");
	expect("RUN cat <<EOF\nFROM b\nEOF\n", "? RUN cat <<EOF\ni b\n? EOF\n");
	expect("RUN cat <<<x; echo $((1<<2))\n", "");
	expect("ENV FROM=x\nCMD [\"FROM\"]\nLABEL a=b\n", "");
	expect("FRÖM a\n", "? FRÖM a\n");
	expect("NONSENSE a\n", "? NONSENSE a\n");
	expect("", "");
	expect("\\", "");
}

static void test_bounds(void **state _unused_)
{
	_cleanup_(buf_free) struct buf text = BUF(1 << 20), told = BUF(1 << 22);

	for (int i = 0; i < 20000; i++)
		buf_addf(&text, "FROM image%d AS stage%d\n", i, i);
	assert_int_equal(dockerfile_read(buf_slice(&text), NULL, 0, note, &told), 0);
	assert_true(strncmp(buf_text(&told), "i image0\n", 9) == 0);
	assert_non_null(strstr(buf_text(&told), "i image255\n? FROM image256 AS"));
	assert_null(strstr(buf_text(&told), "image1100"));
	/* A word that is too long for a look at it. */
	buf_reset(&text);
	buf_reset(&told);
	buf_addz(&text, "ADD \"ht\"tp://");
	for (int i = 0; i < 5000; i++)
		buf_addc(&text, 'x');
	buf_addz(&text, " /\n");
	assert_int_equal(dockerfile_read(buf_slice(&text), NULL, 0, note, &told), 0);
	assert_true(strncmp(buf_text(&told), "u \"ht", 5) == 0);
	/* Values that double. */
	buf_reset(&text);
	buf_reset(&told);
	buf_addz(&text, "ARG V0=12345678\n");
	for (int i = 0; i < 40; i++)
		buf_addf(&text, "ARG V%d=$V%d$V%d\n", i + 1, i, i);
	buf_addz(&text, "FROM $V40\nFROM $V2\n");
	assert_int_equal(dockerfile_read(buf_slice(&text), NULL, 0, note, &told), 0);
	assert_string_equal(buf_text(&told),
	    "? FROM $V40\ni 12345678123456781234567812345678\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
