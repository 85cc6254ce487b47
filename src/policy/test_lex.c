/*
 * Tokens: where statements end, what is a name.
 */
#include "policy/test_util.h"
#include "policy/parse.h"

/* Kinds of the tokens of text, one letter each. */
static const char *kinds(const char *text, char out[64])
{
	struct policy policy = { .refs = 1 };
	struct buf err = BUF(4096);
	struct load l = { .policy = &policy, .err = &err };
	struct file f = { .path = "x", .name = "x", .key = "x" };
	struct parse p = { .load = &l, .file = &f, .in = slice_from(text),
		.line = 1, .fresh = true };
	struct token t;
	size_t n = 0;
	int kind;

	arena_init(&policy.arena, 65536);
	while (n < 63 && (kind = lex_next(&p, &t)) != POLICY_YYEOF) {
		p.token = t;
		out[n++] = (char)(kind == WORD ? 'w' : kind == STRING ? 's' :
		    kind == END_LINE ? ';' : kind == POLICY_YYerror ? '!' :
		    kind == '{' || kind == '}' ? kind : 'k');
	}
	out[n] = '\0';
	arena_free(&policy.arena);
	buf_free(&err);
	return out;
}

static void test_statements(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "\n\n # nothing\n", "" },
		{ "a b\nc\n", "ww;w;" },
		{ "a b", "ww;" },
		{ "a\n b\n", "ww;" },
		{ "a\n\n# c\n b\n", "ww;" },
		{ "\ta\n        b\n", "w;w;" },		/* a tab is 8 columns */
		{ "\ta\n         b\n", "ww;" },
		{ " a\nb\n", "w;w;" },
		{ "role x {\n\tallow a\n}\n", "kw{kw;};" },
		{ "role x { allow a }\n", "kw{kw;};" },
		{ "role x { }", "kw{};" },
		{ "role x\n\t{ }", "kw{};" },
		{ "}\n  a\n", "};w;" },
		{ "a # b\n", "w;" },
		{ "\"a b\" \"to\" to\n", "ssk;" },
		{ "a#b\n", "!;" },
		{ "\"a\nb\n", "!;w;" },
		{ "\"a\\nb\" c\n", "!;" },
		{ "\x01\x01 a\n", "!w;" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_string_equal(kinds(cases[i][0], out), cases[i][1]);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(lex_is_plain(SLICE("alice")));
	assert_true(lex_is_plain(SLICE("a,b=c~*/:é")));
	assert_false(lex_is_plain(SLICE("")));
	assert_false(lex_is_plain(SLICE("a b")));
	assert_false(lex_is_plain(SLICE("a#b")));
	assert_false(lex_is_plain(SLICE("a\"b")));
	assert_false(lex_is_plain(SLICE("a\\b")));
	assert_false(lex_is_plain(SLICE("a{")));
	assert_false(lex_is_plain(SLICE("service")));
	assert_true(lex_is_keyword(SLICE("on")));
	assert_false(lex_is_keyword(SLICE("o")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
