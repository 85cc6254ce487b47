/*
 * test_sent.h: a body for the tests, from its text to what is sent.
 */
#ifndef DOCKBROKER_DOCKER_TEST_SENT_H
#define DOCKBROKER_DOCKER_TEST_SENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/docker.h"

#define ID64	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CREATE	SCHEMA_CONTAINER_CREATE
#define HOST(in)	"{\"HostConfig\":{" in "}}"

struct sent {
	struct endpoint endpoint;
	struct arena arena;
	struct facts facts;
	struct buf out;
	struct refusal why;
	struct guard_record record;
	int outcome;
};

static inline void sent_free(struct sent *s)
{
	arena_free(&s->arena);
	buf_free(&s->out);
	buf_free(&s->why.message);
}

static inline void sent_read(struct sent *s, enum schema_id schema, struct slice in)
{
	*s = (struct sent){ .endpoint = { .schema = schema }, .out = BUF(4 << 20) };
	arena_init(&s->arena, 4 << 20);
	facts_init(&s->facts, &s->arena);
	s->facts.endpoint = &s->endpoint;
	s->facts.minor = 48;
	s->outcome = body_read(in, &s->facts, &s->why);
}

static inline void sent_write(struct sent *s, const struct body_edits *e)
{
	if (s->outcome == DOCKER_GOOD)
		s->outcome = body_write(&s->facts, e, &s->out, &s->why);
}

#endif
