/*
 * test_util.h: one request line for the tests of this layer, from text to
 * facts.
 */
#ifndef DOCKBROKER_DOCKER_TEST_UTIL_H
#define DOCKBROKER_DOCKER_TEST_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/docker.h"

struct ask {
	struct arena arena;
	struct http_target target;
	struct facts f;
	struct refusal why;
	struct buf path, query;
};

static inline void ask_free(struct ask *a)
{
	buf_free(&a->path);
	buf_free(&a->query);
	buf_free(&a->why.message);
	arena_free(&a->arena);
}

static inline enum method method_from(struct slice s)
{
	for (int m = METHOD_GET; m < METHOD_OTHER; m++)
		if (slice_is(s, method_name((enum method)m)))
			return (enum method)m;
	return METHOD_OTHER;
}

/* line: "GET /v1.41/info?x=1".  True when it passes; path and query are then
 * what would be sent, else why says why.  ask_free in both cases. */
static inline bool ask_engine(struct ask *a, const char *line, unsigned engine)
{
	struct slice rest = slice_from(line);
	struct slice method = slice_cut(&rest, ' ');
	struct http_error err = { 0 };

	memset(a, 0, sizeof(*a));
	arena_init(&a->arena, 4 * 1024 * 1024);
	facts_init(&a->f, &a->arena);
	a->path = BUF(BOUND_TARGET);
	a->query = BUF(8 * BOUND_TARGET);
	a->why.message = BUF(BOUND_FIELD);
	if (http_target_parse(rest, BOUND_PARAMETERS, &a->arena, &a->target,
	    &err) != HTTP_GOOD) {
		refusal_set(&a->why, err.status, "%s", err.why);
		return false;
	}
	if (catalog_find(method_from(method), &a->target, engine, &a->f,
	    &a->why) != DOCKER_GOOD)
		return false;
	if (query_read(&a->target, &a->f, &a->why) != DOCKER_GOOD)
		return false;
	path_write(&a->f, &a->target, &a->path);
	query_write(&a->f, NULL, &a->query);
	return true;
}

static inline bool ask(struct ask *a, const char *line)
{
	return ask_engine(a, line, 51);
}

/* Path and query as they would be sent now, refs and edits as they are. */
static inline const char *ask_sent(struct ask *a, const struct query_edits *e)
{
	buf_reset(&a->path);
	path_write(&a->f, &a->target, &a->path);
	query_write(&a->f, e, &a->path);
	return buf_text(&a->path);
}

/* ../shared/api beside the source tree, or $DOCKBROKER_SHARED/api; NULL when
 * it is not there. */
static inline FILE *shared_open(const char *name)
{
	const char *shared = getenv("DOCKBROKER_SHARED");
	const char *top = getenv("top_srcdir");
	char path[1024];
	FILE *f;

	if (shared)
		snprintf(path, sizeof(path), "%s/api/%s", shared, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/api/%s",
		    top ? top : ".", name);
	f = fopen(path, "re");
	if (!f)
		print_message("skipped: no %s (set DOCKBROKER_SHARED)\n", path);
	return f;
}

#endif
