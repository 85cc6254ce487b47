/*
 * answer.c: which parts of which answers are looked at, and the way from the
 * splitter through them to the reader.  Fed by the Engine, with names and labels
 * that its users chose.
 *
 * Invariants: what is JSON stays JSON; of what is not understood nothing goes
 * to a reader who may not see everything; memory is that of one part.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "docker/answer_int.h"

#define PART_MEMORY	(16 * 1024 * 1024)	/* decoded texts of one part */
#define REFS_MEMORY	BOUND_ELEMENT

/* ---- what is looked at ---- */

static const struct spot container_list[] = {
	{ .look = look_container, .always = true },
	{ 0 }
};
static const struct spot container_inspect[] = {
	{ .key = "Id", .look = look_id, .always = true },
	{ .key = "State", .look = look_edit, .edit = edit_state, .always = true },
	{ .key = "HostConfig", .look = look_edit, .edit = edit_host, .always = true },
	{ .key = "Mounts", .look = look_edit, .edit = edit_mounts, .always = true },
	{ .key = "Config", .look = look_edit, .edit = edit_image, .always = true },
	{ .key = "NetworkSettings", .look = look_edit, .edit = edit_networks, .always = true },
	{ 0 }
};
static const struct spot image_list[] = {
	{ .look = look_image },
	{ 0 }
};
static const struct spot image_inspect[] = {
	{ .key = "Id", .look = look_id },
	{ .key = "RepoTags", .look = look_refs },
	{ .key = "RepoDigests", .look = look_refs },
	{ .key = "Manifests", .look = look_edit, .edit = edit_manifests },
	{ 0 }
};
static const struct spot image_history[] = {
	{ .look = look_history },
	{ 0 }
};
static const struct spot network_list[] = {
	{ .look = look_network },
	{ 0 }
};
static const struct spot network_inspect[] = {
	{ .key = "Containers", .split = '{', .look = look_peer },
	{ .key = "Services", .look = look_text, .text = "{}" },
	{ .key = "Peers", .look = look_text, .text = "[]" },
	{ 0 }
};
static const struct spot volume_list[] = {
	{ .key = "Volumes", .split = '[', .look = look_volume },
	{ .key = "Warnings", .look = answer_pass },
	{ 0 }
};
static const struct spot system_df[] = {
	{ .key = "LayersSize", .look = look_layers },
	{ .key = "Images", .split = '[', .look = look_image },
	{ .key = "Containers", .split = '[', .look = look_container, .always = true },
	{ .key = "Volumes", .split = '[', .look = look_volume },
	{ .key = "BuildCache", .split = '[', .look = look_none },
	{ .key = "BuilderSize", .look = look_text, .text = "0" },
	{ 0 }
};
static const struct spot events[] = {
	{ .look = look_event, .always = true },
	{ 0 }
};
static const struct spot info[] = {
	{ .key = "Containers", .look = look_count },
	{ .key = "ContainersRunning", .look = look_count },
	{ .key = "ContainersPaused", .look = look_count },
	{ .key = "ContainersStopped", .look = look_count },
	{ .key = "Images", .look = look_count },
	{ 0 }
};

static const struct plan plans[] = {
	/* endpoint, top, always, strict, spots */
	{ EP_CONTAINER_LIST, '[', true, true, container_list },
	{ EP_CONTAINER_INSPECT, '{', true, false, container_inspect },
	{ EP_IMAGE_LIST, '[', false, true, image_list },
	{ EP_IMAGE_INSPECT, '{', false, false, image_inspect },
	{ EP_IMAGE_HISTORY, '[', false, true, image_history },
	{ EP_NETWORK_LIST, '[', false, true, network_list },
	{ EP_NETWORK_LIST_SLASH, '[', false, true, network_list },
	{ EP_NETWORK_INSPECT, '{', false, false, network_inspect },
	{ EP_VOLUME_LIST, '{', false, true, volume_list },
	{ EP_SYSTEM_DF, '{', true, true, system_df },
	{ EP_EVENTS, 0, true, true, events },
	{ EP_INFO, '{', false, false, info },
};

const struct plan *plan_find(unsigned endpoint)
{
	for (size_t i = 0; i < countof(plans); i++) {
		if (plans[i].endpoint == endpoint)
			return &plans[i];
	}
	return NULL;
}

bool answer_wanted(const struct facts *f, unsigned status, bool narrow)
{
	const struct plan *p = f->endpoint ? plan_find(f->endpoint->id) : NULL;

	return p && status >= 200 && status < 300 && status != 204 &&
	    (narrow || p->always);
}

/* ---- what the splitter asks ---- */

/* The spot of a part; NULL: nobody looks at it. */
static const struct spot *spot_of(const struct answer *a, const struct part *p)
{
	if (p->level == 2)
		return a->spot;
	if (!p->key.p)
		return a->plan->spots;
	for (const struct spot *s = a->plan->spots; s->look; s++) {
		if (slice_is(p->name, s->key))
			return s;
	}
	return NULL;
}

static bool on_enters(void *arg, const struct part *p, char open)
{
	struct answer *a = arg;
	const struct spot *s;

	if (p->level == 0)
		return a->plan->top == open;
	s = a->plan->top == '{' ? spot_of(a, p) : NULL;
	if (!s || s->split != open)
		return false;
	a->spot = s;
	return true;
}

static int on_open(void *arg, const struct part *p, char open)
{
	struct answer *a = arg;

	answer_lead(a, p);
	buf_addc(a->out, open);
	a->written[p->level + 1] = false;
	return SPLIT_GOOD;
}

static int on_close(void *arg, unsigned level, char close)
{
	struct answer *a = arg;

	if (level == 0 && a->layers) {
		if (a->written[1])
			buf_addc(a->out, ',');
		buf_addz(a->out, "\"LayersSize\":");
		buf_addi(a->out, a->layers_size);
	}
	buf_addc(a->out, close);
	if (level == 0)
		buf_addc(a->out, '\n');
	return SPLIT_GOOD;
}

/* A value where a list or an object was expected: nothing but "null" is known
 * to come. */
static int value_alone(struct answer *a, const struct part *p)
{
	if (!slice_is(p->raw, "null"))
		return SPLIT_BAD;
	buf_addz(a->out, "null\n");
	return SPLIT_GOOD;
}

static int on_value(void *arg, const struct part *p)
{
	struct answer *a = arg;
	const struct spot *s;
	int r;

	if (p->level == 0 && a->plan->top)
		return value_alone(a, p);
	a->asked_record = false;
	s = spot_of(a, p);
	if (s && s->split && p->level == 1)	/* null, or of another kind */
		return slice_is(p->raw, "null") ? answer_pass(a, p) : SPLIT_BAD;
	if (a->ops.all && !(s && s->always)) {
		r = answer_pass(a, p);
	} else if (s) {
		a->spot = s;
		r = s->look(a, p);
	} else {
		r = a->plan->strict ? SPLIT_GOOD : answer_pass(a, p);
	}
	if (a->memory.chunks)
		arena_free(&a->memory);
	return r;
}

/* Who sees everything gets it as it is.  Of an inspect, what nobody looks at
 * passes too, and what is to be looked at is too much. */
static int on_large(void *arg, const struct part *p, bool *rest)
{
	struct answer *a = arg;
	bool looked = p->level == 2 || a->plan->strict || spot_of(a, p);

	if (p->level == 0 && a->plan->top)
		return SPLIT_BAD;
	*rest = (a->ops.all && !a->by_volume) || !looked;
	if (a->limit && *rest)
		*rest = a->kept++ < a->limit;
	if (*rest)
		answer_lead(a, p);
	else if (p->level == 1 && a->plan->top == '{')
		return SPLIT_BAD;	/* an inspect with a hole in it */
	return SPLIT_GOOD;
}

static int on_rest(void *arg, struct slice piece)
{
	struct answer *a = arg;

	buf_adds(a->out, piece);
	return SPLIT_GOOD;
}

static const struct split_ops split_ops = {
	.enters = on_enters,
	.open = on_open,
	.value = on_value,
	.close = on_close,
	.large = on_large,
	.rest = on_rest,
};

/* ---- the whole answer ---- */

/* The full id of what the request is about, where the broker wrote one. */
static struct slice id_asked(const struct facts *f)
{
	for (size_t i = 0; i < f->nrefs; i++) {
		if (f->refs[i].use == REF_OBJECT && f->refs[i].id.p)
			return f->refs[i].id;
	}
	return SLICE("");
}

struct answer *answer_new(const struct facts *f, const struct answer_ops *ops,
    void *arg, uint64_t limit)
{
	const struct plan *plan = plan_find(f->endpoint->id);
	struct answer *a = plan ? calloc(1, sizeof(*a)) : NULL;
	struct slice volume;

	if (!a)
		return NULL;
	split_init(&a->split, &split_ops, a, !plan->top);
	a->plan = plan;
	a->ops = *ops;
	a->arg = arg;
	a->minor = f->minor;
	a->facts = f;
	a->by_volume = query_volume(f, 0, &volume);
	a->limit = a->by_volume ? query_limit(f) : limit;
	arena_init(&a->memory, PART_MEMORY);
	a->inspected = BUF(BOUND_OBJECT_NAME);
	a->canon = BUF(BOUND_OBJECT_NAME);
	a->tags = BUF(REFS_MEMORY);
	a->digests = BUF(REFS_MEMORY);
	buf_adds(&a->inspected, id_asked(f));
	return a;
}

void answer_free(struct answer *a)
{
	if (!a)
		return;
	split_free(&a->split);
	arena_free(&a->memory);
	pairs_free(&a->labels);
	buf_free(&a->inspected);
	buf_free(&a->canon);
	buf_free(&a->tags);
	buf_free(&a->digests);
	free(a);
}

static int outcome(const struct buf *out, int r)
{
	if (r < 0 || !buf_ok(out))
		return -ENOMEM;
	return r == SPLIT_GOOD ? ANSWER_GOOD : ANSWER_BAD;
}

int answer_feed(struct answer *a, struct slice in, struct buf *out)
{
	a->out = out;
	return outcome(out, split_feed(&a->split, in));
}

int answer_end(struct answer *a, struct buf *out)
{
	a->out = out;
	return outcome(out, split_end(&a->split));
}
