/*
 * guard_missing.c: containers that have the guard in front and no record.  The
 * broker may have been killed between the Engine's answer and the disk, or
 * somebody removed a file: they will not start, and nobody would know why.  Told
 * once, after the first list that was whole.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/guard.h"

#define ID_LENGTH	64
#define ASKED_MOST	512	/* containers without a record that are asked about */
#define ASK_TIME	10000	/* ms */

struct missing {
	struct broker *broker;
	struct ask *ask;
	size_t n, at;
	char ids[ASKED_MOST][ID_LENGTH + 1];
};

static void gather(void *arg, struct entry *e)
{
	struct missing *m = arg;

	if (m->n == ASKED_MOST || strlen(e->id) != ID_LENGTH ||
	    guard_get(m->broker, slice_from(e->id)))
		return;
	memcpy(m->ids[m->n++], e->id, ID_LENGTH);
}

static void missing_next(struct missing *m);

static void missing_done(void *arg, unsigned status, struct slice body)
{
	struct missing *m = arg;
	struct broker *b = m->broker;
	const char *id = m->ids[m->at++];
	struct entry *e = store_get(b->store, OBJECT_CONTAINER, slice_from(id));
	struct slice runtime;
	struct arena a;

	m->ask = NULL;
	arena_init(&a, BOUND_ANSWER);
	if (status == 200 && e && !guard_get(b, slice_from(id)) &&
	    answer_text(body, &a, &runtime, "HostConfig.Runtime") &&
	    slice_is(runtime, b->conf.guard_runtime)) {
		log_warn("the container %s (%s) of %s has no record: it will not start;"
		    " its owner has to make it anew", id, e->name,
		    e->nowners ? e->owners[0].name : "nobody");
		journal_event(b, "guard-missing", "container %s (%s) of %s has no record",
		    id, e->name, e->nowners ? e->owners[0].name : "nobody");
	}
	arena_free(&a);
	missing_next(m);
}

static void missing_next(struct missing *m)
{
	static const struct ask_ops ops = { NULL, missing_done };
	struct broker *b = m->broker;
	_cleanup_(buf_free) struct buf path = BUF(256);

	if (m->at < m->n) {
		buf_addf(&path, "/containers/%s/json", m->ids[m->at]);
		m->ask = ask_start(b, METHOD_GET, buf_slice(&path), SLICE_NONE,
		    BOUND_ANSWER, ASK_TIME, &ops, m);
	}
	/* Without an Engine there is nothing more to be learned now. */
	if (!m->ask)
		missing_stop(b);
}

void missing_start(struct broker *b)
{
	struct missing *m = b->missing ? NULL : calloc(1, sizeof(*m));

	if (!m)
		return;
	b->missing = m;
	m->broker = b;
	store_each(b->store, OBJECT_CONTAINER, gather, m);
	missing_next(m);
}

void missing_stop(struct broker *b)
{
	if (b->missing && b->missing->ask)
		ask_cancel(b->missing->ask);
	free(b->missing);
	b->missing = NULL;
}
