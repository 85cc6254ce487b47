/*
 * params_json.c: query parameters that hold JSON, parsed to a tree and written
 * anew: what was checked is what is sent.  Fed by clients; bounded by the
 * length of a parameter and by json_parse.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "docker/params_int.h"

#define FILTER_KEY	64	/* bytes; the longest known is "desired-state" */
#define FILTER_VALUES	256	/* of one key */

static void json_drop(json_t **j)
{
	json_decref(*j);
}

static bool filter_key_valid(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-!");

	return n > 0 && n <= FILTER_KEY && key[n] == '\0';
}

/* No NUL and no other controls: nothing that a filter or a label needs. */
static bool text_valid(const json_t *j)
{
	const char *z = json_string_value(j);

	if (!z || strlen(z) != json_string_length(j))
		return false;
	for (; *z; z++)
		if ((unsigned char)*z < 0x20 && *z != '\n' && *z != '\t')
			return false;
	return true;
}

static int set_true(json_t *values, const char *key)
{
	return json_object_set_new(values, key, json_true()) < 0 ?
	    -ENOMEM : VALUE_GOOD;
}

/* The values of one key, in either form, as {"v":true}. */
static int filter_values(json_t *from, json_t *to)
{
	const char *key;
	json_t *v;
	size_t i;
	int r = VALUE_GOOD;

	if (json_is_array(from)) {
		if (json_array_size(from) > FILTER_VALUES)
			return VALUE_BAD;
		json_array_foreach(from, i, v) {
			if (!text_valid(v))
				return VALUE_BAD;
			r = set_true(to, json_string_value(v));
			if (r < 0)
				return r;
		}
		return r;
	}
	if (!json_is_object(from) || json_object_size(from) > FILTER_VALUES)
		return VALUE_BAD;
	json_object_foreach(from, key, v) {
		if (!json_is_true(v))
			return VALUE_BAD;
		r = set_true(to, key);
		if (r < 0)
			return r;
	}
	return r;
}

static int filters_build(json_t *from, json_t *to)
{
	const char *key;
	json_t *v;

	if (!json_is_object(from))
		return VALUE_BAD;
	json_object_foreach(from, key, v) {
		json_t *values;
		int r;

		if (!filter_key_valid(key))
			return VALUE_BAD;
		values = json_object();
		if (!values || json_object_set_new(to, key, values) < 0)
			return -ENOMEM;
		r = filter_values(v, values);
		if (r != VALUE_GOOD)
			return r;
		if (json_object_size(values) == 0 &&
		    json_object_del(to, key) < 0)
			return -ENOMEM;
	}
	return VALUE_GOOD;
}

static bool map_valid(const json_t *j, bool nulls)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		return false;
	json_object_foreach((json_t *)j, key, v)
		if (!text_valid(v) && !(nulls && json_is_null(v)))
			return false;
	return true;
}

static bool list_valid(const json_t *j)
{
	json_t *v;
	size_t i;

	if (!json_is_array(j))
		return false;
	json_array_foreach(j, i, v)
		if (!text_valid(v))
			return false;
	return true;
}

static bool ulimit_valid(const json_t *j)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j) || !text_valid(json_object_get(j, "Name")))
		return false;
	json_object_foreach((json_t *)j, key, v) {
		if (strcmp(key, "Hard") == 0 || strcmp(key, "Soft") == 0) {
			if (!json_is_integer(v))
				return false;
		} else if (strcmp(key, "Name") != 0) {
			return false;
		}
	}
	return true;
}

static bool ulimits_valid(const json_t *j)
{
	json_t *v;
	size_t i;

	if (!json_is_array(j) || json_array_size(j) > 32)
		return false;
	json_array_foreach(j, i, v)
		if (!ulimit_valid(v))
			return false;
	return true;
}

static bool platform_valid(const json_t *j)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		return false;
	json_object_foreach((json_t *)j, key, v) {
		if (strcmp(key, "os.features") == 0) {
			if (!list_valid(v))
				return false;
		} else if (strcmp(key, "os") != 0 &&
		    strcmp(key, "architecture") != 0 &&
		    strcmp(key, "variant") != 0 &&
		    strcmp(key, "os.version") != 0) {
			return false;
		} else if (!text_valid(v)) {
			return false;
		}
	}
	return true;
}

static bool kind_valid(enum json_kind kind, const json_t *j)
{
	switch (kind) {
	case KIND_MAP:
	case KIND_MAP_NULL:
		return map_valid(j, kind == KIND_MAP_NULL);
	case KIND_LIST:
		return list_valid(j);
	case KIND_ULIMITS:
		return ulimits_valid(j);
	case KIND_PLATFORM:
		return platform_valid(j);
	case KIND_FILTERS:
		break;
	}
	return false;
}

static int add_text(const char *p, size_t n, void *buf)
{
	buf_add(buf, p, n);
	return 0;
}

static int tree_write(const json_t *j, struct arena *a, struct slice *out)
{
	_cleanup_(buf_free) struct buf text = BUF(8 * BOUND_PARAMETER);

	if (json_object_size(j) == 0 && json_array_size(j) == 0)
		return VALUE_NONE;
	if (json_dump_callback(j, add_text, &text,
	    JSON_COMPACT | JSON_SORT_KEYS) < 0 || !buf_ok(&text))
		return -ENOMEM;
	*out = arena_copy(a, buf_slice(&text));
	return out->p ? VALUE_GOOD : -ENOMEM;
}

int value_json(enum json_kind kind, struct slice in, struct arena *a,
    struct slice *out)
{
	_cleanup_(json_drop) json_t *tree = NULL;
	_cleanup_(json_drop) json_t *made = NULL;
	_cleanup_(buf_free) struct buf err = BUF(256);
	int r;

	if (slice_is(in, "null"))	/* what Go makes of an empty list */
		return VALUE_NONE;
	r = json_parse(in, &tree, &err);
	if (r != JSON_GOOD)
		return r < 0 ? r : VALUE_BAD;
	if (kind != KIND_FILTERS)
		return kind_valid(kind, tree) ? tree_write(tree, a, out) :
		    VALUE_BAD;
	made = json_object();
	if (!made)
		return -ENOMEM;
	r = filters_build(tree, made);
	return r == VALUE_GOOD ? tree_write(made, a, out) : r;
}
