/*
 * dockerfile.c: which images and addresses a Dockerfile takes, read as the
 * Engine's classic builder does (BuildKit's parser, 20.10 to 28).  The text is
 * a user's.  Where Engines differ, or only the build itself can tell, the line
 * is told as unknown: too much may be told, never too little.  Bodies of
 * heredocs, which the classic builder does not know, are read as lines.
 */
#include <errno.h>
#include <string.h>

#include "archive/dockerfile_int.h"

#define FLAGS	16

struct reader {
	dockerfile_fn *fn;
	void *arg;
	const struct dockerfile_arg *args;
	size_t nargs, told;
	char escape;
	bool head;		/* directives may still come */
	bool trigger;		/* behind ONBUILD */
	bool no_memory;
	struct slice line;	/* of the instruction */
	struct arena mem;
	struct variables vars;
	size_t nstages;		/* the last of them is being built */
	struct slice stages[DOCKERFILE_STAGES];
};

static void tell(struct reader *r, enum dockerfile_what what, struct slice text)
{
	if (r->told == DOCKERFILE_TELLS)
		what = DOCKERFILE_UNKNOWN;
	if (r->told++ <= DOCKERFILE_TELLS)
		r->fn(r->arg, what, text);
}

static void tell_unknown(struct reader *r)
{
	struct slice line = r->line;

	if (line.n > 200)
		line.n = 200;
	tell(r, DOCKERFILE_UNKNOWN, line);
}

static bool space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice trim_left(struct slice s)
{
	while (s.n > 0 && space(*s.p))
		s.p++, s.n--;
	return s;
}

static struct slice trim(struct slice s)
{
	s = trim_left(s);
	while (s.n > 0 && space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* What stands before the next space; *s what follows the spaces. */
static struct slice take_word(struct slice *s)
{
	struct slice word = { s->p, 0 };

	while (word.n < s->n && !space(word.p[word.n]))
		word.n++;
	s->p += word.n;
	s->n -= word.n;
	*s = trim_left(*s);
	return word;
}

static bool has_any(struct slice s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] & 0x80 || strchr(set, s.p[i]))
			return true;
	return false;
}

static bool has(struct slice s, char c)
{
	return s.n > 0 && memchr(s.p, c, s.n) != NULL;
}

/* Flags at the beginning of what follows an instruction.  False, and told,
 * where quotes or strange spaces leave doubts. */
static bool take_flags(struct reader *r, struct slice *rest, struct slice *flags,
    size_t *n)
{
	*n = 0;
	while (slice_starts(*rest, SLICE("--"))) {
		struct slice flag = take_word(rest);

		if (slice_is(flag, "--"))
			break;
		if (has_any(flag, "\"'\\") || *n == FLAGS) {
			tell_unknown(r);
			return false;
		}
		flags[(*n)++] = flag;
	}
	/* Go takes these bytes for spaces here. */
	if (rest->n > 0 && (*rest->p == '\x85' || *rest->p == '\xa0')) {
		tell_unknown(r);
		return false;
	}
	return true;
}

/* The stage that is being built is not there yet: its name is an image's. */
static bool is_stage(const struct reader *r, struct slice name, size_t nstages)
{
	for (size_t i = 0; i < nstages; i++)
		if (r->stages[i].n > 0 && slice_equal_nocase(r->stages[i], name))
			return true;
	return false;
}

static bool all_digits(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* Of COPY --from and RUN --mount=from: never expanded. */
static void take_from(struct reader *r, struct slice name)
{
	size_t there = r->nstages > 0 ? r->nstages - 1 : 0;

	if (r->trigger || name.n == 0 || has_any(name, "$"))
		tell_unknown(r);
	else if (!all_digits(name) && !is_stage(r, name, there))
		tell(r, DOCKERFILE_IMAGE, name);
}

static void read_from(struct reader *r, struct slice rest)
{
	_cleanup_(buf_free) struct buf name = BUF(DOCKERFILE_WORD);
	struct slice flags[FLAGS], base, as, stage;
	size_t n;

	if (!take_flags(r, &rest, flags, &n))
		return;
	base = take_word(&rest);
	as = take_word(&rest);
	stage = take_word(&rest);
	if (r->trigger || rest.n > 0 || r->nstages == DOCKERFILE_STAGES ||
	    (as.n > 0 && !slice_equal_nocase(as, SLICE("as"))) ||
	    expand_word(base, r->escape, &r->vars, &name) != EXPAND_GOOD ||
	    name.len == 0 || has_any(buf_slice(&name), "")) {
		tell_unknown(r);
	} else if (!slice_is(buf_slice(&name), "scratch") &&
	    !is_stage(r, buf_slice(&name), r->nstages)) {
		tell(r, DOCKERFILE_IMAGE, buf_slice(&name));
	}
	if (r->trigger || r->nstages == DOCKERFILE_STAGES)
		return;
	stage = arena_copy(&r->mem, stage);
	r->no_memory |= !stage.p;
	r->stages[r->nstages++] = stage;
}

/* A word with its quotes; *s what follows the spaces. */
static struct slice take_quoted(struct reader *r, struct slice *s)
{
	struct slice word = { s->p, 0 };
	char quote = '\0';

	for (; word.n < s->n; word.n++) {
		char c = s->p[word.n];

		if (c == r->escape && quote != '\'' && word.n + 1 < s->n)
			word.n++;
		else if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (space(c))
			break;
	}
	s->p += word.n;
	s->n -= word.n;
	*s = trim_left(*s);
	return word;
}

static void set_variable(struct reader *r, struct variable *v, struct slice value,
    bool has_value)
{
	_cleanup_(buf_free) struct buf text = BUF(DOCKERFILE_WORD);

	for (size_t i = 0; i < r->nargs; i++) {
		if (slice_equal(r->args[i].name, v->name)) {
			v->value = r->args[i].value;
			v->how = VARIABLE_SET;
			return;
		}
	}
	v->how = VARIABLE_UNSET;
	if (!has_value)
		return;
	v->how = VARIABLE_UNKNOWN;
	if (expand_word(value, r->escape, &r->vars, &text) != EXPAND_GOOD)
		return;
	v->value = arena_copy(&r->mem, buf_slice(&text));
	r->no_memory |= !v->value.p;
	v->how = VARIABLE_SET;
}

/* ARG before the first FROM: all that FROM knows of. */
static void read_arg(struct reader *r, struct slice rest)
{
	while (r->nstages == 0 && rest.n > 0) {
		struct slice value = take_quoted(r, &rest);
		bool has_value = has(value, '=');
		struct variable v = { .name = slice_cut(&value, '=') };

		if (r->vars.n == DOCKERFILE_VARS || has_any(v.name, "\"'\\`$")) {
			tell_unknown(r);
			return;
		}
		set_variable(r, &v, value, has_value);
		v.name = arena_copy(&r->mem, v.name);
		r->no_memory |= !v.name.p;
		r->vars.v[r->vars.n++] = v;
	}
}

/* "<<EOF": Engines from 23 on take the lines below for its text. */
static bool has_heredoc(struct slice rest)
{
	while (rest.n > 0) {
		struct slice word = take_word(&rest);

		while (word.n > 0 && *word.p >= '0' && *word.p <= '9')
			word.p++, word.n--;
		if (slice_starts(word, SLICE("<<")) && word.n > 2 &&
		    word.p[2] != '<')
			return true;
	}
	return false;
}

static void read_mount(struct reader *r, struct slice options)
{
	while (options.n > 0) {
		struct slice value = slice_cut(&options, ',');
		struct slice key = slice_cut(&value, '=');

		if (slice_equal_nocase(key, SLICE("from")))
			take_from(r, value);
	}
}

/* RUN, COPY and ADD. */
static bool read_flags(struct reader *r, struct slice *rest)
{
	struct slice flags[FLAGS];
	size_t n;

	if (!take_flags(r, rest, flags, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct slice value = flags[i], key = slice_cut(&value, '=');

		if (slice_is(key, "--from"))
			take_from(r, value);
		else if (slice_is(key, "--mount"))
			read_mount(r, value);
	}
	if (has_heredoc(*rest))
		tell_unknown(r);
	return true;
}

/* A source of ADD, without its quotes; variables of a stage are not known. */
static void read_source(struct reader *r, struct slice word)
{
	static const char *const schemes[] = {
		"http://", "https://", "git://", "ssh://", "git@"
	};
	_cleanup_(buf_free) struct buf plain = BUF(DOCKERFILE_WORD);
	struct slice s, fixed;

	for (size_t i = 0; i < word.n; i++)
		if (!strchr("\"'", word.p[i]) && word.p[i] != r->escape)
			buf_addc(&plain, word.p[i]);
	if (!buf_ok(&plain)) {
		tell(r, DOCKERFILE_URL, word);
		return;
	}
	s = buf_slice(&plain);
	fixed = s;
	fixed = slice_cut(&fixed, '$');
	for (size_t i = 0; i < countof(schemes); i++) {
		struct slice scheme = slice_from(schemes[i]), start = fixed;

		/* What a variable may go on with. */
		if (fixed.n < s.n && fixed.n < scheme.n)
			scheme.n = fixed.n;
		start.n = start.n < scheme.n ? start.n : scheme.n;
		if (slice_equal_nocase(scheme, start)) {
			tell(r, DOCKERFILE_URL, s);
			return;
		}
	}
}

/* The last word is where it goes. */
static void read_add(struct reader *r, struct slice rest)
{
	struct slice word, next;
	bool json;

	if (!read_flags(r, &rest))
		return;
	json = rest.n > 0 && *rest.p == '[';
	if (json && has(rest, '\\')) {
		tell(r, DOCKERFILE_URL, rest);
		return;
	}
	if (json)
		(void)slice_cut(&rest, '"');
	word = json ? slice_cut(&rest, '"') : take_word(&rest);
	while (rest.n > 0) {
		if (json) {
			(void)slice_cut(&rest, '"');
			next = slice_cut(&rest, '"');
		} else {
			next = take_word(&rest);
		}
		read_source(r, word);
		word = next;
	}
}

static void read_instruction(struct reader *r, struct slice text);

static void read_onbuild(struct reader *r, struct slice rest)
{
	if (r->trigger) {
		tell_unknown(r);
		return;
	}
	r->trigger = true;
	read_instruction(r, rest);
	r->trigger = false;
}

static bool is_other(struct slice word)
{
	static const char *const words[] = {
		"CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL",
		"MAINTAINER", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"
	};

	for (size_t i = 0; i < countof(words); i++)
		if (slice_equal_nocase(word, slice_from(words[i])))
			return true;
	return false;
}

static void read_instruction(struct reader *r, struct slice text)
{
	struct slice rest = trim(text), word = take_word(&rest);

	if (word.n == 0)
		return;
	if (slice_equal_nocase(word, SLICE("from")))
		read_from(r, rest);
	else if (slice_equal_nocase(word, SLICE("arg")))
		read_arg(r, rest);
	else if (slice_equal_nocase(word, SLICE("add")))
		read_add(r, rest);
	else if (slice_equal_nocase(word, SLICE("copy")) ||
	    slice_equal_nocase(word, SLICE("run")))
		(void)read_flags(r, &rest);
	else if (slice_equal_nocase(word, SLICE("onbuild")))
		read_onbuild(r, rest);
	else if (!is_other(word))
		tell_unknown(r);
}

static struct slice take_line(struct slice *text)
{
	struct slice line = slice_cut(text, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* A comment before the first instruction: may choose the escape character.
 * Engines differ on whether it may follow another directive. */
static void read_directive(struct reader *r, struct slice line, bool first)
{
	struct slice rest = line, key;

	rest.p++, rest.n--;
	key = trim(slice_cut(&rest, '='));
	rest = trim(rest);
	if (!slice_equal_nocase(key, SLICE("escape")))
		return;
	if (!first || rest.n != 1 || (*rest.p != '\\' && *rest.p != '`')) {
		r->line = line;
		tell_unknown(r);
	} else {
		r->escape = *rest.p;
	}
}

/* Adds a line; true when the next one continues it. */
static bool join(struct reader *r, struct slice line, struct buf *all)
{
	struct slice end = line;

	while (end.n > 0 && (end.p[end.n - 1] == ' ' || end.p[end.n - 1] == '\t'))
		end.n--;
	if (end.n == 0 || end.p[end.n - 1] != r->escape) {
		buf_adds(all, line);
		return false;
	}
	end.n--;
	if (end.n > 0 && end.p[end.n - 1] == r->escape) {
		/* 20.10 continues it, later ones do not. */
		r->line = line;
		tell_unknown(r);
		buf_adds(all, line);
		return false;
	}
	buf_adds(all, end);
	return true;
}

static void read_lines(struct reader *r, struct slice text, struct buf *all)
{
	bool first = true;

	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		text.p += 3, text.n -= 3;
	while (text.n > 0 && buf_ok(all)) {
		struct slice line = take_line(&text), plain = trim_left(line);
		bool comment = plain.n > 0 && *plain.p == '#', more;

		if (comment && r->head)
			read_directive(r, plain, first && plain.p == line.p);
		first = false;
		r->head = r->head && comment;
		if (comment || plain.n == 0)
			continue;
		buf_reset(all);
		more = join(r, plain, all);
		while (more && text.n > 0) {
			line = take_line(&text);
			plain = trim_left(line);
			if (plain.n > 0 && *plain.p != '#')
				more = join(r, line, all);
		}
		r->line = trim(buf_slice(all));
		read_instruction(r, r->line);
	}
}

int dockerfile_read(struct slice text, const struct dockerfile_arg *args,
    size_t nargs, dockerfile_fn *fn, void *arg)
{
	_cleanup_(buf_free) struct buf all = BUF(text.n + 1);
	struct reader r = {
		.fn = fn, .arg = arg, .args = args, .nargs = nargs,
		.escape = '\\', .head = true
	};

	arena_init(&r.mem, 4 * text.n + 4 * DOCKERFILE_VARS * DOCKERFILE_WORD);
	read_lines(&r, text, &all);
	arena_free(&r.mem);
	return r.no_memory || !buf_ok(&all) ? -ENOMEM : 0;
}
