/*
 * spec_int.h: what spec*.c share.  A json_t that is not there is NULL, and so is
 * a null; jansson takes NULL for an empty list or object.
 */
#ifndef DOCKBROKER_GUARD_SPEC_INT_H
#define DOCKBROKER_GUARD_SPEC_INT_H

#include <jansson.h>

#include "guard/guard_int.h"

struct compare {
	const struct spec *s;
	const struct guard_record *r;
	const struct guard_look *look;
	struct arena *a;
	bool user_space;		/* a user namespace is in the spec */
	struct buf *err;
};

static inline json_t *member(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_null(v) ? NULL : v;
}

/* "" for what is no string. */
static inline struct slice text_of(const json_t *v)
{
	const char *p = json_string_value(v);

	return p ? (struct slice){ p, json_string_length(v) } : SLICE("");
}

static inline struct slice text_in(const json_t *o, const char *key)
{
	return text_of(member(o, key));
}

/* Says it in err: the spec ...; returns GUARD_BAD. */
int differs(struct compare *c, const char *fmt, ...) _printf_(2, 3);
/* What we do not know could loosen anything. */
int keys_known(struct compare *c, const json_t *o, const char *what,
    const char *words) _must_check_;
/* "container:ID" -> ID, else "". */
struct slice space_container(struct slice s);

int compare_process(struct compare *c, struct runs_as *as) _must_check_;
int compare_os(struct compare *c, struct arena *a, struct runs_as *as) _must_check_;
int compare_spaces(struct compare *c) _must_check_;
int compare_mounts(struct compare *c) _must_check_;
int compare_targets(struct compare *c) _must_check_;
bool options_have(const json_t *mount, const char *words);
const struct guard_mount *recorded(const struct guard_record *r,
    struct slice target);

#endif
