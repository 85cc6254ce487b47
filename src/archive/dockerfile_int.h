/*
 * dockerfile_int.h: what dockerfile.c and expand.c share.
 */
#ifndef DOCKBROKER_DOCKERFILE_INT_H
#define DOCKBROKER_DOCKERFILE_INT_H

#include "dockbroker/archive.h"

#define DOCKERFILE_VARS		256	/* ARG before the first FROM */
#define DOCKERFILE_STAGES	256
#define DOCKERFILE_TELLS	1024	/* calls of fn; more is UNKNOWN */
#define DOCKERFILE_WORD		4096	/* bytes of one word once its variables are in */

struct variable {
	struct slice name, value;
	enum { VARIABLE_UNSET, VARIABLE_SET, VARIABLE_UNKNOWN } how;
};

struct variables {
	struct variable v[DOCKERFILE_VARS];
	size_t n;
};

enum expand_outcome { EXPAND_GOOD, EXPAND_UNKNOWN };
/* A word without its quotes and with the values of its variables; what is not
 * set and has no default is EXPAND_UNKNOWN. */
int expand_word(struct slice word, char escape, const struct variables *vars,
    struct buf *out) _must_check_;

#endif
