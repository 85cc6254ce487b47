/*
 * params_int.h: what the files about query parameters share.  params.c walks a
 * query and words its faults, params_value.c checks one value, params_json.c
 * the values that are JSON, params_facts.c says what a value means,
 * params_write.c writes the query anew.  Only these include it.
 */
#ifndef DOCKBROKER_DOCKER_PARAMS_INT_H
#define DOCKBROKER_DOCKER_PARAMS_INT_H

#include "dockbroker/docker.h"

enum type {
	TYPE_BOOL, TYPE_BOOL_EMPTY, TYPE_INT, TYPE_TEXT, TYPE_TEXTS,
	TYPE_LINES, TYPE_LINESES, TYPE_WORD, TYPE_ENUM, TYPE_ENUMS, TYPE_NAME,
	TYPE_NEW_NAME, TYPE_REF, TYPE_REFS, TYPE_PULL, TYPE_NEW_REFS, TYPE_REPO,
	TYPE_TAG, TYPE_TAG_DIGEST, TYPE_SIGNAL, TYPE_TIME, TYPE_TAIL,
	TYPE_PLATFORM, TYPE_ADDRESS, TYPE_FILTERS, TYPE_MAP, TYPE_MAP_NULL,
	TYPE_LIST, TYPE_ULIMITS, TYPE_OCI_PLATFORM, TYPE_OCI_PLATFORMS,
	TYPE_EMPTY, TYPE_DROPPED, TYPE_LATER
};

enum effect {
	EFFECT_NONE, EFFECT_NEW_NAME, EFFECT_NEW_REPO, EFFECT_NEW_TAG,
	EFFECT_IMAGE, EFFECT_PULL, EFFECT_IMAGE_TAG, EFFECT_OBJECT,
	EFFECT_CONTAINER, EFFECT_NAMES, EFFECT_NETMODE,
	EFFECT_EVERYTHING, EFFECT_SECURITY, EFFECT_HOSTS, EFFECT_REMOTE,
	EFFECT_SOURCE, EFFECT_TERM, EFFECT_ULIMITS, EFFECT_FILTERS,
	EFFECT_LABELS, EFFECT_CHANGES, EFFECT_CACHE, EFFECT_LIMIT
};

/* A row of params.def. */
struct param {
	const char *shown;	/* "?name" */
	size_t length;		/* of name */
	int64_t low, high;
	unsigned char endpoint, type, effect;
	unsigned short since, until;
};
#define NO_PARAM	SIZE_MAX
extern const struct param param_table[];
/* By name among the endpoint's rows, which begin at first. */
size_t param_find(unsigned endpoint, size_t first, struct slice name);
size_t param_first(unsigned endpoint);

#define NO_REF		(-1)	/* names nothing */
#define REF_NEVER	(-2)	/* cannot be the name of anything */

/* One {"key": "value"} of JSON. */
struct entry {
	struct slice key, value;	/* value.p NULL: null */
	int ref;			/* in facts->refs, or NO_REF, REF_NEVER */
};

/* One parameter as it will be sent. */
struct item {
	const struct param *param;
	struct slice value;	/* unless it is of entries */
	int ref;
	struct entry *entries;	/* FILTERS, MAP, MAP_NULL, LIST */
	size_t n;
};

struct query {
	struct item *items;
	size_t n;
	size_t first;		/* the endpoint's first row */
};

enum value_outcome {
	VALUE_GOOD,		/* item is filled */
	VALUE_NONE,		/* the same as if it were not there */
	VALUE_BAD,
	VALUE_TOLD		/* as bad, and said why */
};

/* in: as it came. */
int value_check(const struct param *p, struct slice in, struct arena *a,
    struct item *out) _must_check_;
/* The same for those that are JSON: entries sorted by key, then value, each
 * once; others as canonical text. */
int value_json(const struct param *p, struct slice in, struct arena *a,
    struct item *out) _must_check_;
bool value_is_json(const struct param *p);
int entry_order(const void *x, const void *y);	/* for qsort */
bool value_is_list(const struct param *p);	/* may be repeated */
/* Of TYPE_ENUM: "a b c". */
const char *value_enum(const struct param *p);

/* What the values mean, in two steps: one by one, and once all were seen.
 * faults get what their combination may not say. */
int item_facts(struct facts *f, struct item *it, struct buf *faults) _must_check_;
int query_facts(struct facts *f, struct query *q, struct buf *faults) _must_check_;
/* Adds `; parameter "x" text' to faults. */
void param_fault(struct buf *faults, const struct param *p, const char *text);

/* Do these Dockerfile instructions (?changes, joined by newlines) set a label of
 * ours, or one whose name cannot be told? */
bool changes_forge(struct slice text);

#endif
