/*
 * read.c: the whole file.  What a power cut leaves is a tail without a newline
 * or with blocks of zeros, and nothing whole behind it: that was never
 * promised to anybody and is cut off.  Everything else is damage that an admin
 * has to see: an owner that is lost in silence is somebody's container open to
 * the next.
 */
#include <errno.h>
#include <string.h>

#include "store/store_int.h"

struct reading {
	struct store *s;
	const char *path;
	struct buf *err;
	size_t line;			/* number of the present one */
	size_t bad_line, bad_at;	/* of the first that is not whole; 0 none */
	bool zeros;			/* NUL bytes from there on */
};

static int bad(const struct reading *r, size_t line, const char *why)
{
	buf_addf(r->err, "%s:%zu: %s: put the file back from a backup, or "
	    "take this line out, which makes its object nobody's", r->path,
	    line, why);
	return STORE_BAD;
}

static int format_read(const struct reading *r, struct slice text)
{
	if (slice_is(text, "dockbroker objects 1"))
		return STORE_GOOD;
	buf_addf(r->err, "%s:1: this is not a file of objects that this "
	    "dockbroker can read: is it of a newer one?", r->path);
	return STORE_BAD;
}

static int line_read(struct reading *r, struct slice line, size_t at)
{
	struct slice text;
	const char *why;
	int e;

	if (row_check(line, &text) != ROW_GOOD) {
		if (!r->bad_line) {
			r->bad_line = r->line;
			r->bad_at = at;
		}
		r->zeros |= memchr(line.p, '\0', line.n) != NULL;
		return STORE_GOOD;
	}
	if (r->bad_line)
		return bad(r, r->bad_line, "its checksum does not fit");
	if (r->line == 1)
		return format_read(r, text);
	e = row_apply(r->s, text, line.n + 1, &why);
	return e == ROW_BAD ? bad(r, r->line, why) : e;
}

int read_text(struct store *s, const char *path, struct slice text,
    size_t *good, struct buf *err)
{
	struct reading r = { .s = s, .path = path, .err = err };
	struct slice rest = text, line;
	bool torn = false;
	size_t at = 0;
	int e = STORE_GOOD;

	while (rest.n && !e) {
		r.line++;
		at = (size_t)(rest.p - text.p);
		torn = !memchr(rest.p, '\n', rest.n);
		line = slice_cut(&rest, '\n');
		if (torn) {
			r.zeros |= memchr(line.p, '\0', line.n) != NULL;
			if (!r.bad_line)
				r.bad_at = at;
			break;
		}
		e = line_read(&r, line, at);
	}
	*good = r.bad_line || torn ? r.bad_at : text.n;
	if (!e && r.bad_line && !torn && !r.zeros)
		return bad(&r, r.bad_line, "its checksum does not fit");
	return e;
}
