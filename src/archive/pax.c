/*
 * pax.c: the records of a pax extended header, "LENGTH KEY=VALUE\n" each, as
 * they come.  Only what changes the name or the size of the entry is kept;
 * what Go's archive/tar does not know passes as it does there.
 */
#include <string.h>

#include "archive/archive_int.h"

static int bad(struct buf *err, const char *what)
{
	buf_addf(err, "the archive has a pax header %s", what);
	return TAR_BAD;
}

/* A digit of the length, or the blank behind it.  left is what the block has. */
static int take_length(struct pax *p, char c, uint64_t left, struct buf *err)
{
	uint64_t before = p->digits + 1;

	if (c >= '0' && c <= '9') {
		if (p->digits == 7 || (p->digits == 0 && c == '0'))
			return bad(err, "with a length that is no number");
		p->left = p->left * 10 + (uint64_t)(c - '0');
		p->digits++;
		return TAR_PASS;
	}
	/* At least "K=" and the newline. */
	if (c != ' ' || p->digits == 0 || p->left < before + 3 ||
	    p->left - before > left)
		return bad(err, "with a wrong length");
	p->left -= before;
	p->at = PAX_KEY;
	p->nkey = 0;
	return TAR_PASS;
}

static int end_key(struct tar *t, struct buf *err)
{
	struct pax *p = &t->record;
	struct slice key = { p->key, p->nkey };
	bool again = false;

	p->at = PAX_VALUE;
	p->nvalue = 0;
	p->what = PAX_SKIP;
	if (slice_starts(key, SLICE("GNU.sparse.")))
		return bad(err, "of a sparse file: write it without --sparse");
	if (slice_is(key, "path")) {
		p->what = PAX_PATH;
		again = t->has_name;
		t->has_name = true;
	} else if (slice_is(key, "linkpath")) {
		p->what = PAX_LINK;
		again = t->has_link;
		t->has_link = true;
	} else if (slice_is(key, "size")) {
		p->what = PAX_SIZE;
		again = t->has_size;
		t->has_size = true;
	}
	if (p->what != PAX_SKIP && t->records == 'g')
		return bad(err, "that gives one name or size to all entries");
	if (again)
		return bad(err, "that says a name or size twice");
	return TAR_PASS;
}

static int take_key(struct tar *t, char c, struct buf *err)
{
	struct pax *p = &t->record;

	p->left--;
	if (c == '=')
		return p->nkey > 0 ? end_key(t, err) : bad(err, "without a key");
	if ((unsigned char)c < ' ' || p->left < 2 || p->nkey == sizeof(p->key))
		return bad(err, "with a broken key");
	p->key[p->nkey++] = c;
	return TAR_PASS;
}

static int end_value(struct tar *t, struct buf *err)
{
	struct pax *p = &t->record;
	struct slice number = { p->number, p->nvalue };

	if (p->what != PAX_SKIP && p->nvalue == 0)
		return bad(err, "that takes a name or size away");
	if (p->what == PAX_PATH)
		t->nname = p->nvalue;
	if (p->what == PAX_SIZE &&
	    !slice_number(number, UINT64_MAX >> 2, &t->pax_size))
		return bad(err, "with a size that is negative or no number");
	*p = (struct pax){ .at = PAX_LENGTH };
	return TAR_PASS;
}

/* Bytes of a value, without its newline. */
static int take_value(struct tar *t, struct slice in, struct buf *err)
{
	struct pax *p = &t->record;
	size_t most = p->what == PAX_SIZE ? sizeof(p->number) : BOUND_ARCHIVE_NAME;

	p->left -= in.n;
	if (p->what == PAX_SKIP)
		return TAR_PASS;
	if (in.n > most - p->nvalue || memchr(in.p, '\0', in.n))
		return bad(err, "with a name or size that is too long or broken");
	if (p->what == PAX_PATH)
		memcpy(t->name + p->nvalue, in.p, in.n);
	else if (p->what == PAX_SIZE)
		memcpy(p->number + p->nvalue, in.p, in.n);
	p->nvalue += in.n;
	return TAR_PASS;
}

int pax_take(struct tar *t, struct slice in, struct buf *err)
{
	struct pax *p = &t->record;
	int r = TAR_PASS;

	while (in.n > 0 && r == TAR_PASS) {
		size_t n = 1;

		if (p->at == PAX_LENGTH) {
			r = take_length(p, *in.p, t->left + in.n - 1, err);
		} else if (p->at == PAX_KEY) {
			r = take_key(t, *in.p, err);
		} else if (p->left > 1) {
			n = in.n < p->left - 1 ? in.n : (size_t)p->left - 1;
			r = take_value(t, (struct slice){ in.p, n }, err);
		} else if (*in.p == '\n') {
			r = end_value(t, err);
		} else {
			r = bad(err, "with a wrong length");
		}
		in.p += n;
		in.n -= n;
	}
	return r;
}
