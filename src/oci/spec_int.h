/*
 * spec_int.h: what spec*.c share.  A json_t that is not there is NULL, and so is
 * a null; jansson takes NULL for an empty list or object.
 */
#ifndef DOCKBROKER_OCI_SPEC_INT_H
#define DOCKBROKER_OCI_SPEC_INT_H

#include <jansson.h>

#include "oci/oci.h"

struct compare {
	const struct spec *s;
	const struct guard_record *r;
	const char *bundle;
	bool user_space;		/* a user namespace is in the spec */
	struct buf *err;
};

json_t *member(const json_t *o, const char *key);
struct slice text_of(const json_t *v);			/* "" for what is no string */
struct slice text_in(const json_t *o, const char *key);
/* Says it in err: the spec ...; returns OCI_REFUSED. */
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
bool options_have(const json_t *mount, const char *words);
const struct guard_mount *recorded(const struct guard_record *r,
    struct slice target);

#endif
