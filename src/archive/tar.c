/*
 * tar.c: a strict reader of tar, fed as the bytes come.  It agrees with Go's
 * archive/tar on the beginning, the size, the type and the name of every
 * entry, because the Engine acts on what that reads; where two readers could
 * differ, or a field contradicts another, the archive is refused.  All input
 * is a user's.  No header is passed on before it was judged; records are, as
 * the Engine does nothing with them before their entry's header.
 */
#include <string.h>

#include "archive/archive_int.h"

/* Where fields stand in a header, and how long they are. */
enum {
	AT_NAME = 0, LEN_NAME = 100,
	AT_MODE = 100, LEN_MODE = 8,
	AT_SIZE = 124, LEN_SIZE = 12,
	AT_SUM = 148, LEN_SUM = 8,
	AT_TYPE = 156,
	AT_MAGIC = 257, LEN_MAGIC = 8,
	AT_PREFIX = 345, LEN_PREFIX = 155,
	AT_ATIME = 345, AT_CTIME = 357, LEN_TIME = 12,
	AT_STAR = 508
};

#define SIZE_MOST	(UINT64_MAX >> 2)
#define OCTAL_MOST	077777777777ULL	/* what a ustar size field holds */

void tar_init(struct tar *t)
{
	t->state = TAR_AT_HEADER;
	t->begun = false;
	t->have = 0;
	t->left = t->padding = 0;
	t->pax = t->gnu_name = t->gnu_link = false;
	t->has_name = t->has_link = t->has_size = false;
	t->nname = 0;
}

void archive_show(struct buf *out, struct slice name)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < name.n && i < 80; i++) {
		unsigned char c = (unsigned char)name.p[i];

		buf_addc(out, c < ' ' || c >= 0x7f || c == '"' ? '?' : (char)c);
	}
	buf_addz(out, name.n > 80 ? "...\"" : "\"");
}

static int bad(struct buf *err, const char *what)
{
	buf_addf(err, "the archive %s", what);
	return TAR_BAD;
}

int tar_refuse(const struct tar *t, struct buf *err, const char *what)
{
	buf_addz(err, "the archive's entry ");
	archive_show(err, (struct slice){ t->name, t->nname });
	buf_addf(err, " %s", what);
	return ARCHIVE_BAD;
}

static int bad_entry(const struct tar *t, struct buf *err, const char *what)
{
	(void)tar_refuse(t, err, what);
	return TAR_BAD;
}

static struct slice field(const struct tar *t, size_t at, size_t n)
{
	return (struct slice){ t->block + at, strnlen(t->block + at, n) };
}

static bool blank(char c)
{
	return c == ' ' || c == '\0';
}

/* Octal digits between blanks, as Go trims them; "" is 0. */
static bool octal(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	while (n > 0 && blank(*p))
		p++, n--;
	while (n > 0 && blank(p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '7')
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	*out = v;
	return true;
}

/* Octal or GNU's base-256; not negative. */
static bool number(const char *p, size_t n, uint64_t *out)
{
	const unsigned char *u = (const unsigned char *)p;
	uint64_t v;

	if (!(u[0] & 0x80))
		return octal(p, n, out);
	if (u[0] & 0x40)
		return false;
	v = u[0] & 0x3f;
	for (size_t i = 1; i < n; i++) {
		if (v > SIZE_MOST >> 8)
			return false;
		v = v << 8 | u[i];
	}
	*out = v;
	return true;
}

/* Go takes the sum of signed bytes as well, and reads the field up to a NUL. */
static bool sum_right(const struct tar *t)
{
	const unsigned char *u = (const unsigned char *)t->block;
	const char *p = t->block + AT_SUM;
	size_t n = LEN_SUM;
	int64_t plain = 0, high = 0;
	uint64_t told;

	while (n > 0 && blank(*p))
		p++, n--;
	if (!octal(p, strnlen(p, n), &told))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		plain += u[i];
		high += u[i] >> 7;
	}
	for (size_t i = AT_SUM; i < AT_SUM + LEN_SUM; i++) {
		plain += ' ' - u[i];
		high -= u[i] >> 7;
	}
	return (int64_t)told == plain || (int64_t)told == plain - 256 * high;
}

static bool all_zero(struct slice s)
{
	return s.n == 0 || (s.p[0] == '\0' && memcmp(s.p, s.p + 1, s.n - 1) == 0);
}

/* The name of a header that has no longer one before it. */
static bool take_name(struct tar *t, bool ustar)
{
	struct slice name = field(t, AT_NAME, LEN_NAME), prefix = SLICE_NONE;
	size_t n = 0;

	if (ustar)
		prefix = field(t, AT_PREFIX, LEN_PREFIX);
	if (prefix.n > 0) {
		memcpy(t->name, prefix.p, prefix.n);
		t->name[prefix.n] = '/';
		n = prefix.n + 1;
	}
	memcpy(t->name + n, name.p, name.n);
	t->nname = n + name.n;
	return t->nname > 0;
}

/* ustar, GNU or the old form; any other is Go's old form, and nobody writes it. */
static int take_form(struct tar *t, bool *ustar, struct buf *err)
{
	const char *magic = t->block + AT_MAGIC;
	uint64_t time;

	*ustar = memcmp(magic, "ustar", 6) == 0;
	if (*ustar && memcmp(t->block + AT_STAR, "tar", 4) == 0)
		return bad(err, "is of star's own form; ustar, pax and GNU tar are taken");
	if (*ustar || all_zero((struct slice){ magic, LEN_MAGIC }))
		return TAR_PASS;
	if (memcmp(magic, "ustar  ", LEN_MAGIC) != 0)
		return bad(err, "has a header of no known form");
	/* From faulty times Go concludes that a prefix stands here. */
	for (size_t at = AT_ATIME; at <= AT_CTIME; at += AT_CTIME - AT_ATIME)
		if (t->block[at] && !number(t->block + at, LEN_TIME, &time))
			return bad(err, "has a GNU header with broken times");
	return TAR_PASS;
}

static bool dots_in(struct slice name)
{
	while (name.n > 0) {
		struct slice part = slice_cut(&name, '/');

		if (slice_is(part, ".."))
			return true;
	}
	return false;
}

/* x, g, L or K: what they say is read in take_records. */
static int start_records(struct tar *t, struct buf *err)
{
	bool gnu = t->type == 'L' || t->type == 'K';

	if (t->pax || ((t->gnu_name || t->gnu_link) && !gnu) ||
	    (t->type == 'L' && t->gnu_name) || (t->type == 'K' && t->gnu_link))
		return bad(err, "has several extended headers for one entry");
	if (t->size > BOUND_ARCHIVE_RECORDS)
		return bad(err, "has an extended header of more than 1 MiB");
	t->records = t->type;
	t->pax = t->type == 'x';
	t->gnu_name = t->gnu_name || t->type == 'L';
	t->gnu_link = t->gnu_link || t->type == 'K';
	t->record = (struct pax){ .at = PAX_LENGTH };
	t->left = t->size;
	t->state = TAR_IN_RECORDS;
	return TAR_PASS;
}

static int check_type(struct tar *t, struct buf *err)
{
	bool slash = t->name[t->nname - 1] == '/';

	switch (t->type) {
	case '\0':
		t->type = slash ? '5' : '0';
		return TAR_PASS;
	case '0':
		if (slash)
			return bad_entry(t, err, "is a file with the name of a directory");
		return TAR_PASS;
	case '1':
	case '2':
	case '5':
	case '6':
		return TAR_PASS;
	case '3':
	case '4':
		return bad_entry(t, err, "is a device: devices are not let in");
	case 'S':
		return bad_entry(t, err, "is a sparse file of GNU tar: write it without --sparse");
	}
	return bad_entry(t, err, "is of a kind that is not let in");
}

/* The size of the content, from the header and a pax record. */
static int check_size(struct tar *t, struct buf *err)
{
	if (t->has_size) {
		bool same = t->size == t->pax_size;
		bool left_out = t->size == 0;
		bool too_small = t->size == OCTAL_MOST && t->pax_size > OCTAL_MOST;

		if (!same && !left_out && !too_small)
			return bad_entry(t, err, "has two sizes that contradict each other");
		t->size = t->pax_size;
	}
	if (t->type != '0' && t->size != 0)
		return bad_entry(t, err, "is no file, and has a size");
	return TAR_PASS;
}

static int check_entry(struct tar *t, bool ustar, struct buf *err)
{
	uint64_t mode;
	int r;

	if (!t->has_name && !take_name(t, ustar))
		return bad(err, "has an entry without a name");
	r = check_type(t, err);
	if (r == TAR_PASS)
		r = check_size(t, err);
	if (r != TAR_PASS)
		return r;
	if (!number(t->block + AT_MODE, LEN_MODE, &mode))
		return bad_entry(t, err, "has a mode that is no number");
	mode &= 0170000;
	if (mode == 0020000 || mode == 0060000)
		return bad_entry(t, err, "has the mode of a device: devices are not let in");
	if (dots_in((struct slice){ t->name, t->nname }))
		return bad_entry(t, err, "has '..' in its name");
	t->left = t->size;
	t->padding = (size_t)(-t->size % TAR_BLOCK);
	t->pax = t->gnu_name = t->gnu_link = false;
	t->has_name = t->has_link = t->has_size = false;
	t->state = TAR_IN_CONTENT;
	return TAR_ENTRY;
}

static int take_header(struct tar *t, struct buf *err)
{
	bool ustar, first = !t->begun;
	int r;

	t->begun = true;
	if (!sum_right(t)) {
		if (first)
			return TAR_NONE;
		return bad(err, "is broken: a header's checksum is wrong");
	}
	r = take_form(t, &ustar, err);
	if (r != TAR_PASS)
		return r;
	if (!number(t->block + AT_SIZE, LEN_SIZE, &t->size))
		return bad(err, "has an entry whose size is negative or no number");
	t->type = t->block[AT_TYPE];
	t->padding = (size_t)(-t->size % TAR_BLOCK);
	if (t->type == 'x' || t->type == 'g' || t->type == 'L' || t->type == 'K')
		return start_records(t, err);
	return check_entry(t, ustar, err);
}

static int take_block(struct tar *t, struct slice in, size_t *used, struct buf *err)
{
	size_t n = TAR_BLOCK - t->have;

	if (in.n < n)
		n = in.n;
	if (n > 0)
		memcpy(t->block + t->have, in.p, n);
	t->have += n;
	*used = n;
	if (t->have < TAR_BLOCK)
		return TAR_MORE;
	t->have = 0;
	t->pass = (struct slice){ t->block, TAR_BLOCK };
	if (!all_zero(t->pass)) {
		if (t->state == TAR_AT_ZERO)
			return bad(err, "goes on behind a block of zeros");
		return take_header(t, err);
	}
	if (t->pax || t->gnu_name || t->gnu_link)
		return bad(err, "ends behind an extended header");
	t->begun = true;
	t->state = t->state == TAR_AT_ZERO ? TAR_AT_END : TAR_AT_ZERO;
	return TAR_PASS;
}

/* L and K: a text with a NUL behind it. */
static int take_gnu(struct tar *t, struct slice in, struct buf *err)
{
	size_t n = strnlen(in.p, in.n), *have = &t->record.nvalue;
	bool ended = t->record.at == PAX_VALUE;

	if (ended ? n > 0 : n > BOUND_ARCHIVE_NAME - *have)
		return bad(err, "has a long name that is too long or broken");
	if (n > 0 && t->records == 'L')
		memcpy(t->name + *have, in.p, n);
	*have += n;
	if (n < in.n && !all_zero((struct slice){ in.p + n, in.n - n }))
		return bad(err, "has a long name that is broken");
	if (n < in.n)
		t->record.at = PAX_VALUE;
	return TAR_PASS;
}

static int end_records(struct tar *t, struct buf *err)
{
	if (t->records == 'x' || t->records == 'g') {
		if (t->record.at != PAX_LENGTH || t->record.digits > 0)
			return bad(err, "has pax records that are cut off");
	} else if (t->record.nvalue == 0) {
		return bad(err, "has a long name that is empty");
	}
	if (t->records == 'L') {
		t->nname = t->record.nvalue;
		t->has_name = true;
	}
	t->state = t->padding ? TAR_IN_PADDING : TAR_AT_HEADER;
	return TAR_PASS;
}

static int take_records(struct tar *t, struct slice in, size_t *used, struct buf *err)
{
	int r;

	if (t->left == 0)
		return end_records(t, err);
	if (in.n == 0)
		return TAR_MORE;
	if (in.n > t->left)
		in.n = (size_t)t->left;
	t->left -= in.n;
	if (t->records == 'x' || t->records == 'g')
		r = pax_take(t, in, err);
	else
		r = take_gnu(t, in, err);
	*used = in.n;
	t->pass = in;
	return r;
}

static int take_content(struct tar *t, struct slice in, size_t *used)
{
	if (t->left == 0) {
		t->state = t->padding ? TAR_IN_PADDING : TAR_AT_HEADER;
		return TAR_CLOSED;
	}
	if (in.n == 0)
		return TAR_MORE;
	if (in.n > t->left)
		in.n = (size_t)t->left;
	t->left -= in.n;
	*used = in.n;
	t->pass = in;
	return TAR_CONTENT;
}

/* Padding, or what follows the end. */
static int take_rest(struct tar *t, struct slice in, size_t *used, struct buf *err)
{
	if (in.n == 0)
		return TAR_MORE;
	if (t->state == TAR_IN_PADDING) {
		if (in.n > t->padding)
			in.n = t->padding;
		t->padding -= in.n;
		if (t->padding == 0)
			t->state = TAR_AT_HEADER;
	} else if (!all_zero(in)) {
		return bad(err, "goes on behind its end");
	}
	*used = in.n;
	t->pass = in;
	return TAR_PASS;
}

int tar_step(struct tar *t, struct slice in, size_t *used, struct buf *err)
{
	*used = 0;
	t->pass = SLICE_NONE;
	switch (t->state) {
	case TAR_AT_HEADER:
	case TAR_AT_ZERO:
		return take_block(t, in, used, err);
	case TAR_IN_RECORDS:
		return take_records(t, in, used, err);
	case TAR_IN_CONTENT:
		return take_content(t, in, used);
	case TAR_IN_PADDING:
	case TAR_AT_END:
		break;
	}
	return take_rest(t, in, used, err);
}

void tar_untake(struct tar *t, size_t n)
{
	t->left += n;
}

int tar_end(const struct tar *t, struct buf *err)
{
	bool whole = t->state == TAR_AT_HEADER || t->state == TAR_AT_ZERO ||
	    t->state == TAR_AT_END;

	if (whole && t->have == 0 && !t->pax && !t->gnu_name && !t->gnu_link)
		return ARCHIVE_GOOD;
	(void)bad(err, "is cut off");
	return ARCHIVE_BAD;
}
