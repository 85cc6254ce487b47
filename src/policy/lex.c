/*
 * lex.c: policy text to tokens.  Where a statement ends is decided here and
 * nowhere else: at the end of its line, unless the next line that holds
 * anything is indented deeper than the line the statement began on.  A brace
 * begins and ends statements by itself, so parse.y sees one END_LINE behind
 * each statement and none elsewhere.
 */
#include <string.h>

#include "policy/policy_int.h"
#include "policy/parse.h"

#define TAB_WIDTH	8

static const struct keyword {
	const char *text;
	int kind;
} keywords[] = {
	{ "allow", ALLOW },
	{ "deny", DENY },
	{ "everything", EVERYTHING },
	{ "grant", GRANT },
	{ "group", GROUP },
	{ "include", INCLUDE },
	{ "on", ON },
	{ "privileged", PRIVILEGED },
	{ "role", ROLE },
	{ "service", SERVICE },
	{ "to", TO },
	{ "user", USER },
};

static int keyword_find(struct slice s)
{
	for (size_t i = 0; i < countof(keywords); i++)
		if (slice_is(s, keywords[i].text))
			return keywords[i].kind;
	return WORD;
}

bool lex_is_reserved(struct slice s)
{
	return keyword_find(s) != WORD;
}

bool lex_is_keyword(struct slice s)
{
	return lex_is_reserved(s) || item_word(s) != NULL;
}

/* Every byte past ASCII is part of a word: names are UTF-8. */
static bool is_word_byte(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("{}\"#\\", c) == NULL;
}

bool lex_is_bare(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_word_byte(s.p[i]))
			return false;
	return s.n > 0;
}

bool lex_is_plain(struct slice s)
{
	return lex_is_bare(s) && !lex_is_reserved(s);
}

/*
 * What a word is depends on where it stands, so that docker's words (network,
 * tag, exec ...) and patterns need no quotes.  Sets how the rest is read.
 */
static int word_kind(struct parse *p, struct slice word, bool first)
{
	int kind;

	if (first && p->inside && item_word(word) != NULL) {
		p->mode = LEX_FREE;
		return STATEMENT;
	}
	if (!first && p->mode == LEX_FREE)
		return WORD;
	kind = keyword_find(word);
	if (first)
		p->mode = kind == ALLOW || kind == DENY ? LEX_RULE : LEX_OUTSIDE;
	else if (kind == ON && p->mode == LEX_RULE)
		p->mode = LEX_FREE;
	return kind;
}

static bool at_end(const struct parse *p)
{
	return p->pos >= p->in.n;
}

static char peek(const struct parse *p)
{
	return at_end(p) ? '\0' : p->in.p[p->pos];
}

static void token_begin(const struct parse *p, struct token *t)
{
	*t = (struct token){ .offset = p->pos, .line = p->line };
}

static void token_end(const struct parse *p, struct token *t)
{
	t->len = p->pos - t->offset;
	t->text = (struct slice){ p->in.p + t->offset, t->len };
}

/* Spaces, comments and empty lines.  True when a line ended on the way. */
static bool skip_space(struct parse *p)
{
	bool ended = false;

	for (; !at_end(p); p->pos++) {
		char c = p->in.p[p->pos];

		if (c == '\n') {
			ended = true;
			p->line++;
			p->indent = 0;
			p->fresh = true;
		} else if (c == '\t') {
			if (p->fresh)
				p->indent += TAB_WIDTH - p->indent % TAB_WIDTH;
		} else if (c == ' ') {
			p->indent += p->fresh;
		} else if (c == '#') {
			const char *nl = memchr(p->in.p + p->pos, '\n',
			    p->in.n - p->pos);

			p->pos = (nl ? (size_t)(nl - p->in.p) : p->in.n) - 1;
		} else {
			break;
		}
	}
	return ended;
}

/* Whether what comes next ends the open statement. */
static bool statement_ends(const struct parse *p, bool ended)
{
	if (!p->open)
		return false;
	if (at_end(p) || peek(p) == '}')
		return true;
	return ended && (p->closed || p->indent <= p->open_indent);
}

/* Tells the fault and leaves the rest of the line alone. */
static int bad_quoted(struct parse *p, struct token *t, const char *why)
{
	token_end(p, t);
	parse_fault(p, t, "%s", why);
	while (!at_end(p) && peek(p) != '\n')
		p->pos++;
	return POLICY_YYerror;
}

static int lex_quoted(struct parse *p, struct token *t)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_POLICY_FILE);

	for (p->pos++; peek(p) != '"'; p->pos++) {
		if (peek(p) == '\\') {
			p->pos++;
			if (peek(p) != '"' && peek(p) != '\\')
				return bad_quoted(p, t,
				    "in quoted text only \" or \\ may follow a backslash");
		} else if ((unsigned char)peek(p) < ' ' || peek(p) == 0x7f) {
			return bad_quoted(p, t,
			    "quoted text must end on its line and hold no control characters");
		}
		buf_addc(&text, peek(p));
	}
	p->pos++;
	token_end(p, t);
	t->quoted = true;
	t->text.n = text.len;
	t->text.p = load_copy(p->load, buf_slice(&text));
	return buf_ok(&text) && t->text.p != NULL ? STRING : POLICY_YYerror;
}

static int lex_word(struct parse *p, struct token *t, bool first)
{
	while (!at_end(p) && is_word_byte(peek(p)))
		p->pos++;
	token_end(p, t);
	if (peek(p) == '#') {
		parse_fault(p, t, "a comment needs a space before its #, or the word quotes around it");
		return POLICY_YYerror;
	}
	return word_kind(p, t->text, first);
}

static int lex_strange(struct parse *p, struct token *t)
{
	unsigned char c = (unsigned char)peek(p);

	while (!at_end(p) && (unsigned char)peek(p) == c)
		p->pos++;
	token_end(p, t);
	if (c == '\\')
		parse_fault(p, t, "a backslash stands in quoted text only");
	else
		parse_fault(p, t, "control character 0x%02x", c);
	return POLICY_YYerror;
}

static int lex_brace(struct parse *p, struct token *t)
{
	char c = peek(p);

	p->pos++;
	token_end(p, t);
	p->open = p->closed = c == '}';
	p->inside = c == '{';
	return c;
}

int lex_next(struct parse *p, struct token *t)
{
	bool ended = skip_space(p), first;

	token_begin(p, t);
	if (load_full(p->load))
		return POLICY_YYEOF;
	if (statement_ends(p, ended)) {
		p->open = p->closed = false;
		*t = p->token;		/* a fault here is one behind that token */
		t->offset += t->len;
		t->len = 1;
		t->text = SLICE_NONE;
		return END_LINE;
	}
	if (at_end(p))
		return POLICY_YYEOF;
	first = !p->open;
	if (first) {
		p->open = true;
		p->open_indent = p->indent;
		p->mode = LEX_OUTSIDE;
	}
	p->fresh = false;
	if (peek(p) == '{' || peek(p) == '}')
		return lex_brace(p, t);
	p->closed = false;
	if (peek(p) == '"')
		return lex_quoted(p, t);
	return is_word_byte(peek(p)) ? lex_word(p, t, first) : lex_strange(p, t);
}
