/* test_util.h: what the tests of the store share. */
#ifndef DOCKBROKER_STORE_TEST_UTIL_H
#define DOCKBROKER_STORE_TEST_UTIL_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/store_int.h"

static _unused_ struct entry *add(struct store *s, enum object_kind kind,
    const char *id, const char *name)
{
	struct entry *e = store_add(s, kind, slice_from(id), slice_from(name));

	assert_non_null(e);
	return e;
}

static _unused_ void own(struct store *s, struct entry *e, uint32_t uid,
    const char *name, const char *team)
{
	const struct owner o = { uid, name, team };

	assert_int_equal(store_own(s, e, &o), 0);
}

/* A full id that begins with text. */
static _unused_ const char *hex_id(char out[65], const char *text)
{
	memset(out, '0', 64);
	memcpy(out, text, strlen(text));
	out[64] = '\0';
	return out;
}

static _unused_ int64_t sum_of(struct store *s, uint32_t uid, const char *name,
    size_t field)
{
	struct usage u;
	int64_t v;

	store_sum(s, uid, name, &u);
	memcpy(&v, (char *)&u + field, sizeof(v));
	return v;
}
#define SUM(s, uid, name, field) \
	sum_of(s, uid, name, offsetof(struct usage, field))

static _unused_ void put_row(void *arg, struct entry *e)
{
	row_put(arg, e);
}

/* All that would be on disk, as text, for comparing. */
static _unused_ void dump(struct store *s, struct buf *out)
{
	for (unsigned k = 0; k < KIND_MAX; k++)
		store_each(s, (enum object_kind)k, put_row, out);
	assert_true(buf_ok(out));
}

#endif
