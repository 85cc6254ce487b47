/*
 * params_int.h: values of query parameters that are JSON.  Between params.c
 * and params_json.c.
 */
#ifndef DOCKBROKER_DOCKER_PARAMS_INT_H
#define DOCKBROKER_DOCKER_PARAMS_INT_H

#include "dockbroker/docker.h"

enum value_outcome {
	VALUE_GOOD,		/* written anew */
	VALUE_NONE,		/* the same as if it were not there */
	VALUE_BAD
};

enum json_kind {
	KIND_FILTERS,		/* {"k":["v"]} or {"k":{"v":true}} */
	KIND_MAP,		/* {"k":"v"} */
	KIND_MAP_NULL,		/* {"k":"v"} or {"k":null} */
	KIND_LIST,		/* ["v"] */
	KIND_ULIMITS,		/* [{"Name":"nofile","Hard":1,"Soft":1}] */
	KIND_PLATFORM		/* {"os":"linux","architecture":"arm64"} */
};

/* Parses in and writes it to *out, keys sorted, in the arena.  -ENOMEM. */
int value_json(enum json_kind kind, struct slice in, struct arena *a,
    struct slice *out) _must_check_;

#endif
