/*
 * params.c: the query of a request, checked against params.def.
 *
 * Fed by clients.  The Engine takes the first of repeated keys, ignores unknown
 * ones and reads booleans loosely (clients.md 1, quirks 2 and 3); here each
 * parameter has one type and one spelling, and what has no row does not pass.
 * Values are never repeated in messages: they may be secrets.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "docker/params_int.h"

#define SHOWN_NAME	64	/* bytes of a parameter's name in a message */

/* One query on its way. */
struct walk {
	struct facts *f;
	struct query *q;
	struct buf faults;
	unsigned later;		/* parameters of BuildKit's */
	uint64_t seen;		/* parameters of this endpoint, by number */
	uint64_t told;		/* of these, said to be repeated */
};

/* ---- telling what is wrong ---- */

static void fault_add(struct buf *faults, struct slice name, const char *before,
    const char *after)
{
	if (faults->len > 0)
		buf_addz(faults, "; ");
	buf_addz(faults, before);
	buf_addc(faults, '"');
	if (name.n > SHOWN_NAME)
		name.n = SHOWN_NAME;
	buf_adds(faults, name);
	buf_addc(faults, '"');
	buf_addz(faults, after);
}

void param_fault(struct buf *faults, const struct param *p, const char *text)
{
	fault_add(faults, (struct slice){ p->shown + 1, p->length },
	    "parameter ", text);
}

static const char *type_says(const struct param *p)
{
	switch (p->type) {
	case TYPE_NAME:		return " must be the name or id of an object";
	case TYPE_NEW_NAME:	return " must be a name of [a-zA-Z0-9_.-] that "
				    "does not look like an id";
	case TYPE_REF:
	case TYPE_REFS:		return " must be an image reference";
	case TYPE_PULL:
	case TYPE_NEW_REFS:
	case TYPE_REPO:		return " must be an image name that does not "
				    "look like an id";
	case TYPE_TAG:		return " must be a tag";
	case TYPE_TAG_DIGEST:	return " must be a tag or a digest";
	case TYPE_SIGNAL:	return " must be a signal";
	case TYPE_TIME:		return " must be a time";
	case TYPE_TAIL:		return " must be a number or \"all\"";
	case TYPE_ADDRESS:	return " must be a plain address: no \"..\", "
				    "nothing but ASCII, one \"@\"";
	case TYPE_FILTERS:	return " must be filters as JSON";
	case TYPE_MAP:
	case TYPE_MAP_NULL:	return " must be a JSON map of strings";
	case TYPE_LIST:		return " must be a JSON list of strings";
	case TYPE_ULIMITS:	return " must be a JSON list of ulimits";
	case TYPE_PLATFORM:
	case TYPE_OCI_PLATFORM:
	case TYPE_OCI_PLATFORMS: return " must be a platform";
	case TYPE_EMPTY:	return " does not go with the others";
	case TYPE_LATER:	return " is BuildKit's, which comes later: use DOCKER_BUILDKIT=0";
	default:		return " has characters or a length that it cannot have";
	}
}

static void fault_type(struct walk *w, const struct param *p)
{
	char text[96];

	if (p->type == TYPE_LATER && w->later++ > 0)
		return;		/* said once for all of BuildKit's */
	if (p->type == TYPE_INT) {
		snprintf(text, sizeof(text), " must be a number from %" PRId64
		    " to %" PRId64, p->low, p->high);
		param_fault(&w->faults, p, text);
	} else if (p->type == TYPE_ENUM || p->type == TYPE_ENUMS) {
		snprintf(text, sizeof(text), " must be one of: %s",
		    value_enum(p));
		param_fault(&w->faults, p, text);
	} else {
		param_fault(&w->faults, p, type_says(p));
	}
}

static void fault_version(struct walk *w, const struct param *p)
{
	bool early = w->f->minor < p->since;
	char text[96];

	snprintf(text, sizeof(text),
	    " is known %s API 1.%u, this request speaks 1.%u",
	    early ? "since" : "until", (unsigned)(early ? p->since : p->until),
	    w->f->minor);
	param_fault(&w->faults, p, text);
}

/* ---- the walk ---- */

static bool echo(const struct facts *f, struct slice name)
{
	const struct endpoint *e = f->endpoint;

	/* dockerode's handle for giving up; no Engine reads it */
	if (slice_is(name, "abortSignal"))
		return true;
	return (e->flags & ECHOES_BODY) && schema_has_field(e->schema, name);
}

static int param_take(struct walk *w, const struct http_param *in)
{
	struct item *it = &w->q->items[w->q->n];
	size_t row = param_find(w->f->endpoint->id, w->q->first, in->name);
	int r;

	if (row == NO_PARAM) {
		if (!echo(w->f, in->name))
			fault_add(&w->faults, in->name, "unknown parameter ",
			    "");
		return 0;
	}
	const struct param *p = &param_table[row];
	uint64_t bit = UINT64_C(1) << (row - w->q->first);

	if (w->f->minor < p->since || w->f->minor > p->until) {
		fault_version(w, p);
		return 0;
	}
	if ((w->seen & bit) && !value_is_list(p)) {
		if (!(w->told & bit))
			fault_add(&w->faults, in->name,
			    "repeated parameter ", "");
		w->told |= bit;
		return 0;
	}
	w->seen |= bit;
	r = value_check(p, in->value, w->f->arena, it);
	if (r == VALUE_BAD)
		fault_type(w, p);
	if (r != VALUE_GOOD)
		return r < 0 ? r : 0;
	w->q->n++;
	return item_facts(w->f, it, &w->faults);
}

int query_read(const struct http_target *t, struct facts *f,
    struct refusal *why)
{
	struct walk w = { .f = f, .faults = BUF(BOUND_FIELD) };
	int r = 0;

	w.q = arena_alloc(f->arena, sizeof(*w.q) +
	    t->nparams * sizeof(*w.q->items));
	if (!w.q)
		return -ENOMEM;
	w.q->items = (struct item *)(w.q + 1);
	w.q->first = param_first(f->endpoint->id);
	f->queried = w.q;
	for (size_t i = 0; r == 0 && i < t->nparams; i++)
		r = param_take(&w, &t->params[i]);
	if (r == 0)
		r = query_facts(f, w.q, &w.faults);
	if (r == 0 && w.faults.len > 0) {
		refusal_set(why, 400, "%s", buf_text(&w.faults));
		r = DOCKER_BAD;
	}
	buf_free(&w.faults);
	return r;
}
