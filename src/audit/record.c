/*
 * record.c: one audit record as bytes between the broker and auditd, and as
 * the members of a JSON object.
 *
 * A record is a row of { u16 field, u16 flags, u32 length, bytes }, host order,
 * unaligned; flags are 0.  A list is a row of { u16 length, bytes }.  The
 * making side (broker) cuts what is too long, so that a request with monstrous
 * values still leaves a record; the reading side (auditd, fed by a broker that
 * may have been taken over) believes nothing.
 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "dockbroker/audit.h"

struct head {
	uint16_t field, flags;
	uint32_t length;
};

#define ELLIPSIS	"\xe2\x80\xa6"
#define ELLIPSIS_LEN	3
#define TIME_END	253402300800000000	/* us: the year 10000 */

/* ---- making ---- */

/* Room for a field of n bytes behind its head, or NULL. */
static char *put(struct buf *b, enum field f, enum field_type t, size_t n)
{
	struct head h = { .field = (uint16_t)f, .length = (uint32_t)n };
	char *p;

	if (f <= FIELD_NONE || f >= FIELD_COUNT || field_type(f) != t) {
		b->failed = true;
		return NULL;
	}
	p = buf_room(b, sizeof(h) + n);
	if (!p)
		return NULL;
	memcpy(p, &h, sizeof(h));
	buf_grew(b, sizeof(h) + n);
	return p + sizeof(h);
}

/* The longest start of v within max bytes that ends with a character. */
static size_t cut(struct slice v, size_t max)
{
	size_t n = max;

	if (v.n <= max)
		return v.n;
	while (n > 0 && max - n < 3 && (v.p[n] & 0xC0) == 0x80)
		n--;
	return (v.p[n] & 0xC0) == 0x80 ? max : n;
}

void record_text(struct buf *b, enum field f, struct slice v)
{
	size_t n = v.n, mark = 0;
	char *p;

	if (v.n == 0)
		return;
	if (v.n > BOUND_FIELD) {
		n = cut(v, BOUND_FIELD - ELLIPSIS_LEN);
		mark = ELLIPSIS_LEN;
	}
	p = put(b, f, FIELD_TEXT, n + mark);
	if (!p)
		return;
	memcpy(p, v.p, n);
	memcpy(p + n, ELLIPSIS, mark);
}

static void put_word(struct buf *b, enum field f, enum field_type t, int64_t v)
{
	char *p = put(b, f, t, sizeof(v));

	if (p)
		memcpy(p, &v, sizeof(v));
}

void record_uint(struct buf *b, enum field f, uint64_t v)
{
	/* Readers keep JSON integers in 64 bits with a sign. */
	put_word(b, f, FIELD_UINT, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void record_int(struct buf *b, enum field f, int64_t v)
{
	put_word(b, f, FIELD_INT, v);
}

void record_bool(struct buf *b, enum field f, bool v)
{
	char *p = put(b, f, FIELD_BOOL, 1);

	if (p)
		*p = v ? 1 : 0;
}

void record_time(struct buf *b, enum field f, int64_t us)
{
	if (us < 0)
		us = 0;
	if (us >= TIME_END)
		us = TIME_END - 1;
	put_word(b, f, FIELD_TIME_US, us);
}

void record_list(struct buf *b, enum field f, const struct slice *v, size_t n)
{
	size_t fits = 0, bytes = 0, last = sizeof(uint16_t) + ELLIPSIS_LEN;
	uint16_t len;
	char *p;

	/* While items follow, the mark that stands for them must fit too. */
	while (fits < n && bytes + sizeof(len) + v[fits].n +
	    (fits + 1 < n ? last : 0) <= BOUND_FIELD)
		bytes += sizeof(len) + v[fits++].n;
	if (n == 0)
		return;
	p = put(b, f, FIELD_LIST, bytes + (fits < n ? last : 0));
	if (!p)
		return;
	for (size_t i = 0; i < fits; i++) {
		len = (uint16_t)v[i].n;
		memcpy(p, &len, sizeof(len));
		if (v[i].n > 0)
			memcpy(p + sizeof(len), v[i].p, v[i].n);
		p += sizeof(len) + v[i].n;
	}
	if (fits < n) {
		len = ELLIPSIS_LEN;
		memcpy(p, &len, sizeof(len));
		memcpy(p + sizeof(len), ELLIPSIS, ELLIPSIS_LEN);
	}
}

/* Too long a value becomes an array of one text: how it begins. */
static void shorten(struct buf *out, struct slice v)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_FIELD);
	size_t max = BOUND_FIELD * 3 / 4;

	do {
		buf_reset(&text);
		buf_reset(out);
		buf_add(&text, v.p, cut(v, max));
		buf_addz(&text, ELLIPSIS);
		buf_addc(out, '[');
		buf_add_json_string(out, buf_slice(&text));
		buf_addc(out, ']');
		max /= 2;
	} while ((!buf_ok(out) || !buf_ok(&text)) && max > 16);
}

void record_json(struct buf *b, enum field f, struct slice v)
{
	_cleanup_(buf_free) struct buf brief = BUF(BOUND_FIELD);
	char *p;

	if (v.n == 0)
		return;
	if (v.n > BOUND_FIELD) {
		shorten(&brief, v);
		if (!buf_ok(&brief)) {
			b->failed = true;
			return;
		}
		v = buf_slice(&brief);
	}
	p = put(b, f, FIELD_JSON, v.n);
	if (p)
		memcpy(p, v.p, v.n);
}

/* ---- reading ---- */

static uint64_t word_of(struct slice v)
{
	uint64_t w;

	memcpy(&w, v.p, sizeof(w));
	return w;
}

uint64_t record_get_uint(const struct record *r, enum field f)
{
	return r->value[f].p ? word_of(r->value[f]) : 0;
}

/* Takes one item off a list; false when its length is a lie. */
static bool next_item(struct slice *list, struct slice *item)
{
	uint16_t len;

	if (list->n < sizeof(len))
		return false;
	memcpy(&len, list->p, sizeof(len));
	if (len > list->n - sizeof(len))
		return false;
	*item = (struct slice){ list->p + sizeof(len), len };
	list->p += sizeof(len) + len;
	list->n -= sizeof(len) + len;
	return true;
}

static bool is_instance(struct slice v)
{
	if (v.n != 32)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!memchr("0123456789abcdef", v.p[i], 16))
			return false;
	return true;
}

static bool value_fits(enum field f, struct slice v)
{
	struct slice item;

	switch (field_type(f)) {
	case FIELD_UINT:
	case FIELD_TIME_US:
		return v.n == 8 && word_of(v) <= (field_type(f) == FIELD_UINT ?
		    (uint64_t)INT64_MAX : (uint64_t)TIME_END - 1);
	case FIELD_INT:
		return v.n == 8;
	case FIELD_BOOL:
		return v.n == 1 && (uint8_t)v.p[0] <= 1;
	case FIELD_LIST:
		if (v.n == 0 || v.n > BOUND_FIELD)
			return false;
		while (v.n > 0)
			if (!next_item(&v, &item))
				return false;
		return true;
	case FIELD_TEXT:
		if (f == FIELD_INSTANCE)
			return is_instance(v);
		return v.n > 0 && v.n <= BOUND_FIELD;
	case FIELD_JSON:
		return v.n > 0 && v.n <= BOUND_FIELD;
	}
	return false;
}

/* Takes the record apart without looking into JSON.  Returns what is wrong,
 * and in *at where, or NULL. */
static const char *take_apart(struct slice in, struct record *out, size_t *at)
{
	const char *begin = in.p;
	struct head h;

	memset(out, 0, sizeof(*out));
	for (; in.n > 0; in.p += h.length, in.n -= h.length) {
		*at = (size_t)(in.p - begin);
		if (in.n < sizeof(h))
			return "ends inside a field's head";
		memcpy(&h, in.p, sizeof(h));
		in.p += sizeof(h);
		in.n -= sizeof(h);
		if (h.length > in.n)
			return "ends inside a field";
		if (h.field == FIELD_NONE || h.field >= FIELD_COUNT || h.flags)
			return "has an unknown field";
		if (h.field == FIELD_SEQ || h.field == FIELD_PREV)
			return "has a field of the chain";
		if (out->value[h.field].p)
			return "has a field twice";
		if (!value_fits(h.field, (struct slice){ in.p, h.length }))
			return "has a field of a wrong length or value";
		out->value[h.field] = (struct slice){ in.p, h.length };
	}
	return NULL;
}

/* A value that goes into the line as it is: one line, and good JSON. */
static int json_fits(enum field f, struct slice v, struct buf *err)
{
	json_t *value = NULL;
	int r;

	for (size_t i = 0; i < v.n; i++)
		if ((uint8_t)v.p[i] < 0x20) {
			buf_addf(err, "field %s has a control character",
			    field_name(f));
			return RECORD_BAD;
		}
	r = json_parse(v, &value, err);
	json_decref(value);
	return r == JSON_BAD ? RECORD_BAD : r;
}

int record_open(struct slice bytes, struct record *out, struct buf *err)
{
	const char *why;
	size_t at = 0;
	int r;

	if (bytes.n == 0 || bytes.n > BOUND_RECORD) {
		buf_addf(err, "record of %zu bytes", bytes.n);
		return RECORD_BAD;
	}
	why = take_apart(bytes, out, &at);
	if (!why && out->value[FIELD_UPTO].p)
		why = "has a field of auditd";
	if (why) {
		buf_addf(err, "record %s at byte %zu", why, at);
		return RECORD_BAD;
	}
	for (enum field f = FIELD_NONE + 1; f < FIELD_COUNT; f++) {
		if (!out->value[f].p || field_type(f) != FIELD_JSON)
			continue;
		r = json_fits(f, out->value[f], err);
		if (r != RECORD_GOOD)
			return r;
	}
	return RECORD_GOOD;
}

int record_check(struct slice bytes, struct buf *err)
{
	struct record r;

	return record_open(bytes, &r, err);
}

/* ---- JSON ---- */

static void add_list(struct buf *out, struct slice v)
{
	struct slice item;
	char before = '[';

	while (v.n > 0 && next_item(&v, &item)) {
		buf_addc(out, before);
		buf_add_json_string(out, item);
		before = ',';
	}
	buf_addc(out, ']');
}

static void add_value(struct buf *out, enum field_type type, struct slice v)
{
	char text[TIME_TEXT];

	switch (type) {
	case FIELD_TEXT:
		buf_add_json_string(out, v);
		break;
	case FIELD_UINT:
		buf_addu(out, word_of(v));
		break;
	case FIELD_INT:
		buf_addi(out, (int64_t)word_of(v));
		break;
	case FIELD_BOOL:
		buf_addz(out, v.p[0] ? "true" : "false");
		break;
	case FIELD_TIME_US:
		time_format(text, (int64_t)word_of(v));
		buf_addc(out, '"');
		buf_addz(out, text);
		buf_addc(out, '"');
		break;
	case FIELD_LIST:
		add_list(out, v);
		break;
	case FIELD_JSON:
		buf_adds(out, v);
		break;
	}
}

int record_json_members(struct slice bytes, struct buf *out)
{
	static const struct { struct slice key; enum field_type type; }
	rows[FIELD_COUNT] = {
#define FIELD(id, name, type, doc) \
	[FIELD_##id] = { SLICE(",\"" name "\":"), type },
#include "dockbroker/fields.def"
	};
	struct record r;
	size_t at, start = out->len;
	bool first = true;

	if (bytes.n > BOUND_RECORD || take_apart(bytes, &r, &at))
		return RECORD_BAD;
	for (enum field f = FIELD_NONE + 1; f < FIELD_COUNT; f++) {
		if (!r.value[f].p)
			continue;
		buf_add(out, rows[f].key.p + first, rows[f].key.n - first);
		add_value(out, rows[f].type, r.value[f]);
		first = false;
	}
	if (buf_ok(out))
		return RECORD_GOOD;
	out->len = start;
	return -ENOMEM;
}
