/*
 * row.c: one change as a line of the file that an admin can read:
 *
 *	CRC32 + KIND ID name=.. image=.. parent=.. owner=UID:NAME:TEAM
 *	    memory=N cpus=N pids=N ports=N common given
 *	CRC32 - KIND ID
 *
 * (on one line).  A + says all of the object, whatever was said before; UID
 * is - where only the name is known.  In values control bytes, space and %,
 * in owners : as well, are %XX.  The words are the file's, whatever others call things.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/store_int.h"

#define CRC_TEXT	9	/* bytes: eight digits and a space */

static const char *const kinds[KIND_MAX] = {
	[OBJECT_CONTAINER] = "container", [OBJECT_EXEC] = "exec",
	[OBJECT_IMAGE] = "image", [OBJECT_NETWORK] = "network",
	[OBJECT_VOLUME] = "volume", [OBJECT_TAG] = "tag",
};

const char *row_kind(enum object_kind kind)
{
	return (unsigned)kind < KIND_MAX ? kinds[kind] : NULL;
}

/* CRC-32 as of Ethernet, four bits a step. */
uint32_t row_sum(struct slice s)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t c = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		c ^= (unsigned char)s.p[i];
		c = c >> 4 ^ table[c & 15];
		c = c >> 4 ^ table[c & 15];
	}
	return ~c;
}

/* ---- writing ---- */

static bool plain(unsigned char c)
{
	return c > ' ' && c != '%' && c != 0x7f;
}

/* stop: a byte that is escaped as well. */
static void add_value(struct buf *out, const char *z, char stop)
{
	size_t n;

	while (*z) {
		for (n = 0; plain((unsigned char)z[n]) && z[n] != stop; n++)
			continue;
		buf_add(out, z, n);
		z += n;
		if (*z)
			buf_addf(out, "%%%02X", (unsigned char)*z++);
	}
}

static size_t row_begin(struct buf *out)
{
	buf_addz(out, "00000000 ");
	return out->len;
}

/* The checksum of what was added since at. */
static void row_end(struct buf *out, size_t at)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t sum;

	if (!buf_ok(out))
		return;
	sum = row_sum((struct slice){ out->p + at, out->len - at });
	for (size_t i = 0; i < 8; i++, sum >>= 4)
		out->p[at - 2 - i] = digits[sum & 15];
	buf_addc(out, '\n');
}

void row_format(struct buf *out)
{
	size_t at = row_begin(out);

	buf_addz(out, "dockbroker objects 1");
	row_end(out, at);
}

static void add_text(struct buf *out, const char *key, const char *value)
{
	if (!*value)
		return;
	buf_addz(out, key);
	add_value(out, value, '\0');
}

static void add_number(struct buf *out, const char *key, int64_t value)
{
	if (value <= 0)
		return;
	buf_addz(out, key);
	buf_addi(out, value);
}

static void add_owner(struct buf *out, const struct owner *o)
{
	buf_addz(out, " owner=");
	if (o->uid == OWNER_ANY_UID)
		buf_addc(out, '-');
	else
		buf_addu(out, o->uid);
	buf_addc(out, ':');
	add_value(out, o->name, ':');
	buf_addc(out, ':');
	add_value(out, o->team, ':');
}

static void add_head(struct buf *out, const char *sign, const struct entry *e)
{
	buf_addz(out, sign);
	buf_addz(out, kinds[e->kind]);
	buf_addc(out, ' ');
	add_value(out, e->id, '\0');
}

void row_put(struct buf *out, const struct entry *e)
{
	size_t at = row_begin(out);

	add_head(out, "+ ", e);
	add_text(out, " name=", e->name);
	add_text(out, " image=", e->image);
	add_text(out, " parent=", e->parent);
	for (size_t i = 0; i < e->nowners; i++)
		add_owner(out, &e->owners[i]);
	add_number(out, " memory=", e->usage.memory);
	add_number(out, " cpus=", e->usage.nano_cpus);
	add_number(out, " pids=", e->usage.pids);
	add_number(out, " ports=", e->usage.ports);
	if (e->common)
		buf_addz(out, " common");
	if (e->given)
		buf_addz(out, " given");
	row_end(out, at);
}

void row_gone(struct buf *out, const struct entry *e)
{
	size_t at = row_begin(out);

	add_head(out, "- ", e);
	row_end(out, at);
}

/* ---- reading ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int row_check(struct slice line, struct slice *text)
{
	uint32_t sum = 0;

	if (line.n < CRC_TEXT || line.p[CRC_TEXT - 1] != ' ')
		return ROW_BAD;
	for (size_t i = 0; i < CRC_TEXT - 1; i++) {
		int v = hex(line.p[i]);

		if (v < 0)
			return ROW_BAD;
		sum = sum << 4 | (uint32_t)v;
	}
	*text = (struct slice){ line.p + CRC_TEXT, line.n - CRC_TEXT };
	return row_sum(*text) == sum ? ROW_GOOD : ROW_BAD;
}

struct value {
	char p[BOUND_OBJECT_NAME];
	size_t n;
};

/* Never longer than the bound, never with a NUL. */
static bool value_read(struct slice in, struct value *v)
{
	v->n = 0;
	for (size_t i = 0; i < in.n; i++) {
		int c = (unsigned char)in.p[i];

		if (c == '%') {
			if (in.n - i < 3 || hex(in.p[i + 1]) < 0 ||
			    hex(in.p[i + 2]) < 0)
				return false;
			c = hex(in.p[i + 1]) << 4 | hex(in.p[i + 2]);
			i += 2;
		} else if (!plain((unsigned char)c)) {
			return false;
		}
		if (!c || v->n >= sizeof(v->p))
			return false;
		v->p[v->n++] = (char)c;
	}
	return true;
}

static struct slice value_slice(const struct value *v)
{
	return (struct slice){ v->p, v->n };
}

/* What a line says, before any of it is believed. */
struct row {
	struct store *s;
	struct item *it;
	struct holder *owners[BOUND_OWNERS];
	size_t nowners;
	const char *why;
};

static int row_bad(struct row *r, const char *why)
{
	r->why = why;
	return ROW_BAD;
}

static int read_owner(struct row *r, struct slice text)
{
	struct slice uid = slice_cut(&text, ':'), name = slice_cut(&text, ':');
	uint64_t n = OWNER_ANY_UID;
	struct value v, team;
	struct holder *h;

	if ((!slice_is(uid, "-") &&
	    !slice_number(uid, OWNER_ANY_UID - 1, &n)) ||
	    !value_read(name, &v) || !value_read(text, &team) ||
	    v.n > OWNER_TEXT || team.n > OWNER_TEXT)
		return row_bad(r, "this is not an owner");
	if (r->nowners >= BOUND_OWNERS)
		return row_bad(r, "too many owners");
	h = holder_get(r->s, (uint32_t)n, value_slice(&v), value_slice(&team));
	if (!h)
		return -ENOMEM;
	r->owners[r->nowners++] = h;
	return ROW_GOOD;
}

static int read_number(struct row *r, struct slice text, int64_t *out)
{
	uint64_t n;

	if (!slice_number(text, INT64_MAX, &n))
		return row_bad(r, "this is not a number");
	*out = (int64_t)n;
	return ROW_GOOD;
}

static int read_text_field(struct row *r, struct slice text, const char **to)
{
	struct value v;
	int e;

	if (!value_read(text, &v))
		return row_bad(r, "a value is too long or not escaped");
	if (to == &r->it->e.name)
		e = item_name(r->s, r->it, value_slice(&v));
	else
		e = text_set(to, value_slice(&v));
	return e;
}

static int read_field(struct row *r, struct slice word)
{
	struct entry *e = &r->it->e;
	struct slice key = slice_cut(&word, '=');

	if (slice_is(key, "name"))
		return read_text_field(r, word, &e->name);
	if (slice_is(key, "image"))
		return read_text_field(r, word, &e->image);
	if (slice_is(key, "parent"))
		return read_text_field(r, word, &e->parent);
	if (slice_is(key, "owner"))
		return read_owner(r, word);
	if (slice_is(key, "memory"))
		return read_number(r, word, &e->usage.memory);
	if (slice_is(key, "cpus"))
		return read_number(r, word, &e->usage.nano_cpus);
	if (slice_is(key, "pids"))
		return read_number(r, word, &e->usage.pids);
	if (slice_is(key, "ports"))
		return read_number(r, word, &e->usage.ports);
	if (slice_is(key, "common"))
		e->common = true;
	else if (slice_is(key, "given"))
		e->given = true;
	else
		return row_bad(r, "a word that this dockbroker does not know");
	return ROW_GOOD;
}

static void item_clear(struct item *it)
{
	struct entry *e = &it->e;

	/* Emptying a text needs no memory. */
	(void)!text_set(&e->image, SLICE_NONE);
	(void)!text_set(&e->parent, SLICE_NONE);
	e->usage = (struct usage){ 0 };
	e->common = e->given = false;
}

static int read_fields(struct row *r, struct slice words)
{
	int e = ROW_GOOD;

	while (words.n && !e)
		e = read_field(r, slice_cut(&words, ' '));
	if (!e)
		return owners_init(r->s, r->it, r->owners, r->nowners);
	for (size_t i = 0; i < r->nowners; i++)
		holder_put(r->s, r->owners[i]);
	return e;
}

static int apply_put(struct row *r, enum object_kind kind, struct slice id,
    struct slice words, size_t bytes)
{
	struct entry *e = store_add(r->s, kind, id, SLICE_NONE);
	int done;

	if (!e && r->s->total >= BOUND_OBJECTS)
		return row_bad(r, "more objects than can be kept");
	if (!e)
		return -ENOMEM;
	r->it = item_of(e);
	holder_count(r->it, -1);
	item_clear(r->it);
	done = item_name(r->s, r->it, SLICE_NONE);
	if (!done)
		done = read_fields(r, words);
	holder_count(r->it, 1);
	list_del(&r->it->dirty);
	e->kept = true;
	r->s->disk.live += bytes - r->it->bytes;
	r->it->bytes = (uint32_t)bytes;
	return done;
}

static int apply_gone(struct row *r, enum object_kind kind, struct slice id,
    struct slice words)
{
	struct entry *e = store_get(r->s, kind, id);

	if (words.n)
		return row_bad(r, "too many words");
	if (!e)
		return ROW_GOOD;
	r->s->disk.live -= item_of(e)->bytes;
	e->kept = false;
	store_remove(r->s, e);
	return ROW_GOOD;
}

static enum object_kind kind_read(struct slice word)
{
	for (unsigned k = 0; k < KIND_MAX; k++)
		if (kinds[k] && slice_is(word, kinds[k]))
			return (enum object_kind)k;
	return OBJECT_NONE;
}

int row_apply(struct store *s, struct slice text, size_t bytes,
    const char **why)
{
	struct slice sign = slice_cut(&text, ' ');
	enum object_kind kind = kind_read(slice_cut(&text, ' '));
	struct row r = { .s = s, .why = "" };
	struct value id;
	int e;

	if (kind == OBJECT_NONE || !value_read(slice_cut(&text, ' '), &id) ||
	    !id.n)
		e = row_bad(&r, "this is not an object");
	else if (slice_is(sign, "+"))
		e = apply_put(&r, kind, value_slice(&id), text, bytes);
	else if (slice_is(sign, "-"))
		e = apply_gone(&r, kind, value_slice(&id), text);
	else
		e = row_bad(&r, "a line begins with + or -");
	*why = r.why;
	return e;
}
