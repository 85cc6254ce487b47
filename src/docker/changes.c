/*
 * changes.c: Dockerfile instructions in ?changes of commit and import.  Labels
 * that begin with "dockbroker." are ours; here those who try to set one are
 * found.
 *
 * Fed by clients.  Engines read such lines in slightly different ways (what a
 * comment is inside a continued line, what two backslashes at its end mean), so
 * this is no parser: what could be a LABEL is taken for one, and what could be
 * read in two ways is refused where labels are about.
 */
#include <string.h>
#include <strings.h>

#include "docker/params_int.h"

static bool is_blank(char c)
{
	/* what stands past ASCII may be a space to the Engine */
	return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Do the letters of s, from *i on, begin with word?  Then *i is behind it. */
static bool letters_begin(struct slice s, size_t *i, const char *word)
{
	size_t k = *i;

	for (; *word; k++) {
		if (k == s.n)
			return false;
		if (!is_letter(s.p[k]))
			continue;
		if ((s.p[k] | 0x20) != *word++)
			return false;
	}
	*i = k;
	return true;
}

static bool is_label(struct slice s)
{
	size_t i = 0;

	while (letters_begin(s, &i, "onbuild"))
		;
	return letters_begin(s, &i, "label");
}

/* Quotes and escapes hide nothing. */
static bool names_ours(struct slice s)
{
	static const char ours[] = "dockbroker.";
	_cleanup_(buf_free) struct buf plain = BUF(s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		if (!is_blank(s.p[i]) && !strchr("'\"\\`", s.p[i]))
			buf_addc(&plain, s.p[i]);
	if (!buf_ok(&plain))
		return true;
	for (size_t i = 0; i + sizeof(ours) - 1 <= plain.len; i++)
		if (strncasecmp(plain.p + i, ours, sizeof(ours) - 1) == 0)
			return true;
	return false;
}

/* A variable in a name could be anything: only "name=...$x..." is plain. */
static bool name_untold(struct slice s)
{
	bool quoted = false, value = false, variable = false;

	for (size_t i = 0; i < s.n; i++) {
		if (is_blank(s.p[i]))
			value = false;
		else if (s.p[i] == '=')
			value = true;
		else if (strchr("'\"\\`", s.p[i]))
			quoted = true;
		if (s.p[i] != '$')
			continue;
		variable = true;
		if (!value)
			return true;
	}
	return quoted && variable;
}

static bool forges(struct slice s)
{
	return is_label(s) && (names_ours(s) || name_untold(s));
}

static bool anywhere(struct slice s, const char *word)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t k = i;

		if (letters_begin(s, &k, word))
			return true;
	}
	return false;
}

static struct slice right_trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static size_t indent(struct slice s)
{
	size_t n = 0;

	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n;
}

/* One line behind those of *whole.  Sets *open where it goes on.  True where it
 * can be read in two ways. */
static bool line_add(struct slice line, struct buf *whole, bool *open)
{
	size_t blank = indent(line);
	bool comment = blank < line.n && line.p[blank] == '#';

	line = right_trim(line);
	if (line.n <= blank)
		return false;		/* an empty one ends nothing */
	if (comment)
		return (blank > 0 && *open) || anywhere(line, "escape");
	*open = line.p[line.n - 1] == '\\';
	if (*open)
		line.n--;
	if (line.n > 0 && (line.p[line.n - 1] == '\\' ||
	    line.p[line.n - 1] == '`'))
		return true;
	buf_adds(whole, line);
	return false;
}

bool changes_forge(struct slice text)
{
	_cleanup_(buf_free) struct buf whole = BUF(text.n + 1);
	struct slice rest = text;
	bool open = false, unclear = false;

	while (rest.n > 0) {
		unclear |= line_add(slice_cut(&rest, '\n'), &whole, &open);
		if (open)
			continue;
		if (forges(buf_slice(&whole)))
			return true;
		buf_reset(&whole);
	}
	if (forges(buf_slice(&whole)) || (text.n > 0 && !buf_ok(&whole)))
		return true;
	return unclear && anywhere(text, "label");
}
