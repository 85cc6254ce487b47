/*
 * parse.y: the grammar of policy.conf (dockbroker-policy.conf.5 has it in
 * prose).  Pure and reentrant: an included file is parsed by a call from
 * within, with a lexer of its own.  After a fault the rest of the statement is
 * skipped and the next one is read, so that one run tells all faults.
 */
%define api.pure full
%define api.prefix {policy_yy}
%define api.value.type {struct token}
%define parse.error custom
%define parse.lac full
%param { struct parse *p }
%expect 0

%code requires {
#include "policy/policy_int.h"
}

%code {
#include <errno.h>
#include <string.h>

#define TEXT_MAX	64	/* bytes of the admin's text in a message */

static int policy_yylex(struct token *t, struct parse *p);
static void policy_yyerror(struct parse *p, const char *text);
}

%token ALLOW "allow" DENY "deny" PRIVILEGED "privileged"
%token EVERYTHING "everything" ON "on" STATEMENT "a statement of a role"
%token ROLE "role" GRANT "grant" TO "to" INCLUDE "include"
%token USER "user" GROUP "group" SERVICE "service"
%token WORD "a word" STRING "quoted text"
%token END_LINE "the end of the line" POLICY_YYEOF 0 "the end of the file"
%token '{' "{" '}' "}"

%%

file:
	%empty
	| file item
	;

item:
	INCLUDE name END_LINE
	{
		if (load_include(p, &$2) < 0)
			YYABORT;
	}
	| ROLE name '{'
	{
		build_role_open(p, &$2);
	}
	body '}' END_LINE
	{
		build_role_close(p);
	}
	| GRANT name TO USER name END_LINE
	{
		build_grant(p, &$2, GRANT_USER, &$5);
	}
	| GRANT name TO GROUP name END_LINE
	{
		build_grant(p, &$2, GRANT_GROUP, &$5);
	}
	| GRANT name TO SERVICE name END_LINE
	{
		build_grant(p, &$2, GRANT_SERVICE, &$5);
	}
	| error END_LINE
	{
		yyerrok;
	}
	| error '{'
	{
		yyerrok;
		build_role_open(p, NULL);
	}
	body '}' END_LINE
	{
		build_role_close(p);
	}
	;

body:
	%empty
	| body statement
	;

statement:
	ALLOW
	{
		build_rule_open(p, RULE_ALLOW, &$1);
	}
	words scope END_LINE
	{
		build_rule_close(p);
	}
	| DENY
	{
		build_rule_open(p, RULE_DENY, &$1);
	}
	words scope END_LINE
	{
		build_rule_close(p);
	}
	| ALLOW PRIVILEGED EVERYTHING END_LINE
	{
		build_rule_open(p, RULE_EVERYTHING, &$1);
		build_rule_close(p);
	}
	| STATEMENT
	{
		build_args_open(p);
	}
	args END_LINE
	{
		build_items(p, &$1);
	}
	| error END_LINE
	{
		yyerrok;
		build_rule_drop(p);
	}
	;

words:
	word
	{
		build_rule_word(p, &$1);
	}
	| words word
	{
		build_rule_word(p, &$2);
	}
	;

/* Docker has a noun that is a word of this language as well. */
word:
	WORD
	| SERVICE
	;

scope:
	%empty
	| ON
	{
		build_args_open(p);
	}
	args
	{
		build_scope(p);
	}
	;

/* How many there have to be the statement's own reader tells. */
args:
	%empty
	| args name
	{
		build_arg(p, &$2);
	}
	;

name:
	WORD
	| STRING
	;

%%

static int policy_yylex(struct token *t, struct parse *p)
{
	int kind = lex_next(p, t);

	p->token = *t;
	return kind;
}

/* Only "memory exhausted" comes here: syntax errors have their own way. */
static void policy_yyerror(struct parse *p, const char *text)
{
	(void)text;
	p->load->failed = -ENOMEM;
}

/* Symbols by their names in the grammar: keywords in quotes, kinds without. */
static void add_symbol(struct buf *b, yysymbol_kind_t s)
{
	bool bare = s == YYSYMBOL_WORD || s == YYSYMBOL_END_LINE ||
	    s == YYSYMBOL_YYEOF || s == YYSYMBOL_STATEMENT;

	buf_addf(b, bare ? "%s" : "\"%s\"", yysymbol_name(s));
}

/* Not worth telling: a word says quoted text and keywords in its place. */
static bool is_implied(yysymbol_kind_t s, bool word)
{
	return s == YYSYMBOL_STRING || (word && s == YYSYMBOL_SERVICE);
}

/* "a statement of a role" is one of these as well. */
static bool is_statement(yysymbol_kind_t s)
{
	return s == YYSYMBOL_ALLOW || s == YYSYMBOL_DENY;
}

static void add_expected(struct buf *b, yysymbol_kind_t *want, size_t n)
{
	size_t all = 0;
	bool word = false, statement = false;

	for (size_t i = 0; i < n; i++) {
		word |= want[i] == YYSYMBOL_WORD;
		statement |= want[i] == YYSYMBOL_STATEMENT;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_implied(want[i], word) &&
		    !(statement && is_statement(want[i])))
			want[all++] = want[i];
	if (all > 1 && want[0] == YYSYMBOL_YYEOF) {	/* reads better last */
		memmove(want, want + 1, (all - 1) * sizeof(*want));
		want[all - 1] = YYSYMBOL_YYEOF;
	}
	for (size_t i = 0; i < all; i++) {
		buf_addz(b, i == 0 ? "expected " :
		    i + 1 == all ? " or " : ", ");
		add_symbol(b, want[i]);
	}
}

/* A typing error in a keyword. */
static void add_nearest(struct buf *b, struct slice word,
    const yysymbol_kind_t *want, size_t n)
{
	struct slice best;
	unsigned distance;

	nearest_init(word, &best, &distance);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; want[i] == YYSYMBOL_STATEMENT &&
		     item_word_at(k) != NULL; k++)
			nearest_try(word, slice_from(item_word_at(k)), &best, &distance);
		if (lex_is_reserved(slice_from(yysymbol_name(want[i]))))
			nearest_try(word, slice_from(yysymbol_name(want[i])), &best,
			    &distance);
	}
	if (best.n > 0)
		buf_addf(b, "; did you mean \"%.*s\"?", SLICE_ARG(best));
}

static int yyreport_syntax_error(const yypcontext_t *ctx, struct parse *p)
{
	_cleanup_(buf_free) struct buf b = BUF(1024);
	yysymbol_kind_t want[YYNTOKENS] = { 0 }, told[YYNTOKENS];
	yysymbol_kind_t got = yypcontext_token(ctx);
	int n = yypcontext_expected_tokens(ctx, want, YYNTOKENS);
	struct slice text = p->token.text;
	bool name = false;

	if (text.n > TEXT_MAX)
		text.n = TEXT_MAX;
	for (int i = 0; i < n; i++)
		name |= want[i] == YYSYMBOL_STRING;
	if (got == YYSYMBOL_END_LINE)
		buf_addz(&b, "the line ends too early: ");
	else if (got == YYSYMBOL_YYEOF)
		buf_addz(&b, "the file ends too early: ");
	else if (got == YYSYMBOL_WORD)
		buf_addf(&b, "unknown word \"%.*s\": ", SLICE_ARG(text));
	else
		buf_addf(&b, "\"%.*s\" is out of place: ", SLICE_ARG(text));
	memcpy(told, want, sizeof(told));
	add_expected(&b, told, (size_t)n);
	if (got == YYSYMBOL_WORD)
		add_nearest(&b, text, want, (size_t)n);
	else if (name && lex_is_reserved(text))
		buf_addz(&b, " (as a name it needs quotes)");
	parse_fault(p, &p->token, "%s", buf_text(&b));
	return 0;
}

int parse_file(struct load *l, struct file *f, unsigned depth)
{
	struct parse p = {
		.load = l,
		.file = f,
		.depth = depth,
		.in = buf_slice(&f->text),
		.line = 1,
		.fresh = true,
		.words = BUF(64 * 1024),
		.args = BUF(1024 * 1024),
	};
	int r = policy_yyparse(&p);

	buf_free(&p.words);
	buf_free(&p.args);
	if (r == 2)
		l->failed = -ENOMEM;
	return l->failed;
}
