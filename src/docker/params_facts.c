/*
 * params_facts.c: what the values of query parameters ask for.  Objects become
 * refs, what goes beyond containers becomes a reach, the rest facts.  Fed with
 * values that params_value.c found good; no value gets into a fault's text.
 */
#include <errno.h>
#include <string.h>

#include "docker/names.h"
#include "docker/params_int.h"
#include "docker/tree.h"

#define RESERVED	SLICE("dockbroker.")

static struct slice shown(const struct item *it)
{
	return slice_from(it->param->shown);
}

/* *into grows by sep and s. */
static int fact_append(struct facts *f, struct slice *into, char sep,
    struct slice s)
{
	*into = into->n > 0 ?
	    arena_format(f->arena, "%.*s%c%.*s", SLICE_ARG(*into), sep,
		SLICE_ARG(s)) :
	    arena_copy(f->arena, s);
	return into->p ? 0 : -ENOMEM;
}

/* The number of a new ref; what finds no room is refused by more_refs. */
static int ref_add(struct facts *f, enum object_kind kind, enum ref_use use,
    struct slice path, struct slice name)
{
	return facts_ref(f, kind, use, path, name) ? (int)f->nrefs - 1 : NO_REF;
}

/* ---- names that are given ---- */

/* A name that an image gets; tagged: one alone stands for ":latest". */
static void give(struct facts *f, struct slice path, struct slice text,
    bool tagged)
{
	_cleanup_(buf_free) struct buf name = BUF(BOUND_OBJECT_NAME + 32);

	/* checked before; without memory there is no way to give it */
	if (reference_canon_name(text, tagged, &name) && buf_ok(&name))
		facts_ref(f, OBJECT_TAG, REF_GIVE, path, buf_slice(&name));
	else
		f->more_refs++;
}

/* "repo=a&tag=b" is the name "a:b"; when both have a tag they must agree. */
static int tag_join(struct facts *f, const struct item *it, struct buf *faults)
{
	bool is_new = it->param->effect == EFFECT_NEW_TAG;
	struct slice *into = is_new ? &f->new_name : &f->image;
	struct slice name = into->n > 0 || is_new ? *into : f->object;
	struct slice had = reference_cut(&name);
	char sep = digest_valid(it->value) ? '@' : ':';

	if (had.n > 0 && !(had.p[0] == sep &&
	    slice_equal((struct slice){ had.p + 1, had.n - 1 }, it->value))) {
		param_fault(faults, it->param,
		    " contradicts the tag in the name");
		return 0;
	}
	if (name.n == 0)
		return 0;
	*into = arena_format(f->arena, "%.*s%c%.*s", SLICE_ARG(name), sep,
	    SLICE_ARG(it->value));
	return into->p ? 0 : -ENOMEM;
}

static void pull_finish(struct facts *f)
{
	/* by digest it gets no name; without a tag all of the repository */
	if (f->image.n > 0 && !memchr(f->image.p, '@', f->image.n))
		give(f, SLICE("?fromImage"), f->image, false);
}

/* f->object2 becomes the registry of an image. */
static int registry_set(struct facts *f, struct slice image)
{
	_cleanup_(buf_free) struct buf name = BUF(BOUND_OBJECT_NAME + 32);
	struct slice rest;

	if (!reference_canon_name(image, false, &name))
		return 0;
	if (!buf_ok(&name))
		return -ENOMEM;
	rest = buf_slice(&name);
	if (memchr(rest.p, '/', rest.n))	/* not an id */
		f->object2 = arena_copy(f->arena, slice_cut(&rest, '/'));
	return f->object2.p || name.len == 0 ? 0 : -ENOMEM;
}

/* The image of the path is, with ?tag, the one that is sent. */
/* What the Engine is to talk to. */
static int registry_reached(struct facts *f, struct slice reference, const char *why)
{
	int r = registry_set(f, reference);

	if (r == 0)
		facts_reach(f, "remote", SLICE(""), f->object2, slice_from(why));
	return r;
}

static int push_finish(struct facts *f)
{
	_cleanup_(buf_free) struct buf name = BUF(BOUND_OBJECT_NAME + 32);
	struct slice repo, rest;

	if (f->image.n == 0)
		f->image = f->object;
	repo = f->image;
	rest = reference_cut(&repo);
	f->on_any = rest.n == 0;	/* every tag of it, whosoever */
	if (f->nrefs > 0 && rest.n == 0 &&
	    reference_canon_name(f->image, false, &name) && buf_ok(&name))
		f->refs[0].name = arena_copy(f->arena, buf_slice(&name));
	else if (f->nrefs > 0)
		f->refs[0].name = f->image;
	if (f->nrefs > 0 && !f->refs[0].name.p)
		return -ENOMEM;
	return registry_reached(f, f->image, "push");
}

/* ---- far-reaching ones ---- */

/* An address for the policy: with a scheme, as the Engine would put it before
 * it, and without what may be a secret: user, password, query. */
static struct slice address_shown(struct facts *f, struct slice s,
    const char *scheme)
{
	const char *colon = memmem(s.p, s.n, "://", 3);
	struct slice host, head = slice_from(scheme);

	s = slice_cut(&(struct slice){ s.p, s.n }, '?');
	s = slice_cut(&(struct slice){ s.p, s.n }, '#');
	if (slice_starts(s, SLICE("git@")))
		return s;
	if (colon) {
		size_t n = (size_t)(colon - s.p) + 3;

		if (n > s.n)
			return SLICE("");	/* in the query: no address */
		head = (struct slice){ s.p, n };
		s = (struct slice){ s.p + n, s.n - n };
	}
	host = slice_cut(&(struct slice){ s.p, s.n }, '/');
	for (size_t i = host.n; i > 0; i--) {
		if (host.p[i - 1] == '@') {
			s = (struct slice){ s.p + i, s.n - i };
			break;
		}
	}
	s = arena_format(f->arena, "%.*s%.*s", SLICE_ARG(head), SLICE_ARG(s));
	return s.p ? s : SLICE("");
}

/* "host", "none", "container:x" or the name of a network. */
static int netmode(struct facts *f, struct item *it, struct buf *faults)
{
	struct slice rest = it->value;
	struct slice head = slice_cut(&rest, ':');
	enum object_kind kind = OBJECT_NETWORK;

	if (slice_is(it->value, "default") || slice_is(it->value, "bridge") ||
	    slice_is(it->value, "none"))
		return 0;
	if (slice_is(it->value, "host")) {
		facts_reach(f, "host", shown(it), SLICE("network"), SLICE(""));
		return 0;
	}
	if (slice_is(head, "container") && head.n < it->value.n)
		kind = OBJECT_CONTAINER;
	else
		rest = it->value;
	if (!name_valid(rest)) {
		param_fault(faults, it->param,
		    " must be a network or \"container:\" and a container");
		return 0;
	}
	it->ref = ref_add(f, kind, REF_USE, shown(it), rest);
	return 0;
}

/* s: as value_json wrote it. */
static int ulimits(struct facts *f, const struct item *it)
{
	_cleanup_(tree_free) struct tree t = { 0 };
	int r = tree_parse(it->value, &t);

	if (r < 0)
		return r;
	if (r != TREE_GOOD)
		facts_reach(f, "everything", shown(it), SLICE(""), SLICE(""));
	for (const struct node *e = node_first(t.root); e; e = e->next) {
		struct slice name = node_text(node_get(e, "Name"));

		if (!ulimit_harmless(name))
			facts_reach(f, "everything", shown(it), name,
			    SLICE(""));
	}
	return 0;
}

/* A profile itself is long, and says nothing that a rule could match. */
static struct slice security_shown(struct slice s)
{
	if ((slice_starts(s, SLICE("seccomp=")) ||
	    slice_starts(s, SLICE("seccomp:"))) &&
	    !slice_is((struct slice){ s.p + 8, s.n - 8 }, "unconfined"))
		return SLICE("seccomp=custom");
	return s;
}

/* "host.tld/word": the registry that is asked, as the Engine cuts it. */
static int search_term(struct facts *f, const struct item *it)
{
	struct slice rest = it->value;
	struct slice host = slice_cut(&rest, '/');

	if (host.n == it->value.n || (!memchr(host.p, '.', host.n) &&
	    !memchr(host.p, ':', host.n) && !slice_is(host, "localhost")) ||
	    slice_is(host, "docker.io") || slice_is(host, "index.docker.io"))
		host = SLICE("docker.io");
	else
		facts_reach(f, "remote", shown(it), host, SLICE("search"));
	f->object2 = arena_copy(f->arena, host);
	return f->object2.p ? 0 : -ENOMEM;
}

static int reach(struct facts *f, struct item *it, struct buf *faults)
{
	struct slice s = it->value;

	switch (it->param->effect) {
	case EFFECT_NETMODE:
		return netmode(f, it, faults);
	case EFFECT_ULIMITS:
		return ulimits(f, it);
	case EFFECT_TERM:
		return search_term(f, it);
	case EFFECT_SECURITY:
		facts_reach(f, "security", shown(it), security_shown(s),
		    SLICE(""));
		return 0;
	case EFFECT_HOSTS:
		if (memmem(s.p, s.n, "host-gateway", 12))
			facts_reach(f, "network", shown(it),
			    SLICE("host-gateway"), SLICE(""));
		return 0;
	case EFFECT_SOURCE:
		if (!slice_is(s, "-"))
			facts_reach(f, "remote", shown(it),
			    address_shown(f, s, "http://"), SLICE("import"));
		return 0;
	case EFFECT_REMOTE:
		facts_reach(f, "remote", shown(it),
		    address_shown(f, s, "https://"), SLICE("build"));
		return 0;
	default:
		facts_reach(f, "everything", shown(it), s, SLICE(""));
		return 0;
	}
}

/* ---- filters, labels, caches ---- */

/* Filters that name objects.  Those of events match by prefix and mean objects
 * to come, too: what passes there is judged line by line. */
static const struct named {
	unsigned char endpoint;
	bool lax;		/* a missing one matches nothing */
	enum object_kind kind;
	const char *key, *path;
} named[] = {
	{ EP_CONTAINER_LIST, false, OBJECT_CONTAINER, "before", "?filters.before" },
	{ EP_CONTAINER_LIST, false, OBJECT_CONTAINER, "since", "?filters.since" },
	{ EP_CONTAINER_LIST, true, OBJECT_IMAGE, "ancestor", "?filters.ancestor" },
	{ EP_CONTAINER_LIST, true, OBJECT_VOLUME, "volume", "?filters.volume" },
	{ EP_CONTAINER_LIST, true, OBJECT_NETWORK, "network", "?filters.network" },
	{ EP_IMAGE_LIST, false, OBJECT_IMAGE, "before", "?filters.before" },
	{ EP_IMAGE_LIST, false, OBJECT_IMAGE, "since", "?filters.since" }
};

static void entry_ref(struct facts *f, struct entry *e, enum object_kind kind,
    struct slice path)
{
	struct ref *r;

	if (!object_name_valid(kind, e->value)) {
		e->ref = REF_NEVER;
		return;
	}
	r = facts_ref(f, kind, REF_USE, path, e->value);
	if (!r)
		return;
	r->filter = true;
	e->ref = (int)f->nrefs - 1;
}

static void filter_facts(struct facts *f, const struct item *it,
    struct entry *e, struct buf *faults)
{
	const struct named *n = NULL;

	for (size_t i = 0; i < countof(named) && !n; i++)
		if (named[i].endpoint == f->endpoint->id &&
		    slice_is(e->key, named[i].key))
			n = &named[i];
	if (!n)
		return;
	if (n->kind == OBJECT_VOLUME && e->value.n > 0 && e->value.p[0] == '/')
		return;		/* a place inside the container */
	if (!n->lax && !object_name_valid(n->kind, e->value)) {
		param_fault(faults, it->param,
		    " name something that cannot be the name of an object");
		return;
	}
	entry_ref(f, e, n->kind, slice_from(n->path));
	if (!n->lax && e->ref >= 0)
		f->refs[e->ref].filter = false;
}

static int entries_facts(struct facts *f, struct item *it, struct buf *faults)
{
	for (size_t i = 0; i < it->n; i++) {
		struct entry *e = &it->entries[i];

		if (it->param->effect == EFFECT_FILTERS) {
			filter_facts(f, it, e, faults);
		} else if (it->param->effect == EFFECT_CACHE) {
			entry_ref(f, e, OBJECT_IMAGE, shown(it));
		} else if (slice_starts(e->key, RESERVED)) {
			param_fault(faults, it->param, " sets a label that "
			    "begins with \"dockbroker.\": these are dockbroker's");
			break;
		}
	}
	return 0;
}

/* Each of them is one or more instructions; the Engine reads all as one file. */
static int changes_check(const struct query *q, struct buf *faults)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_TARGET + 4096);
	const struct param *p = NULL;

	for (size_t i = 0; i < q->n; i++) {
		if (q->items[i].param->effect != EFFECT_CHANGES)
			continue;
		p = q->items[i].param;
		buf_adds(&text, q->items[i].value);
		buf_addc(&text, '\n');
	}
	if (!p)
		return 0;
	if (!buf_ok(&text))
		return -ENOMEM;
	if (changes_forge(buf_slice(&text)))
		param_fault(faults, p, " sets a label that begins with "
		    "\"dockbroker.\", or one whose name cannot be told: these "
		    "are dockbroker's");
	return 0;
}

/* ---- all ---- */

static int object_facts(struct facts *f, struct item *it)
{
	bool images = it->param->effect == EFFECT_NAMES;

	it->ref = ref_add(f, images ? OBJECT_IMAGE : OBJECT_CONTAINER,
	    images ? REF_USE : REF_OBJECT, shown(it), it->value);
	return fact_append(f, &f->object, ',', it->value);
}

int item_facts(struct facts *f, struct item *it, struct buf *faults)
{
	struct slice s = it->value;

	switch (it->param->effect) {
	case EFFECT_NONE:
	case EFFECT_LIMIT:
	case EFFECT_NEW_TAG:		/* once all are seen */
	case EFFECT_IMAGE_TAG:
	case EFFECT_CHANGES:
		return 0;
	case EFFECT_NEW_NAME:
		if (s.p[0] == '/') {
			s.p++;
			s.n--;
		}
		return fact_append(f, &f->new_name, ',', s);
	case EFFECT_NEW_REPO:
		if (value_is_list(it->param))	/* no ?tag beside it */
			give(f, shown(it), s, true);
		return fact_append(f, &f->new_name, ',', s);
	case EFFECT_IMAGE:
	case EFFECT_PULL:
		return fact_append(f, &f->image, ',', s);
	case EFFECT_OBJECT:
		return fact_append(f, &f->object, ',', s);
	case EFFECT_CONTAINER:
	case EFFECT_NAMES:
		return object_facts(f, it);
	case EFFECT_FILTERS:
	case EFFECT_LABELS:
	case EFFECT_CACHE:
		return entries_facts(f, it, faults);
	default:
		return reach(f, it, faults);
	}
}

static int endpoint_finish(struct facts *f)
{
	switch (f->endpoint->id) {
	case EP_IMAGE_TAG:
	case EP_CONTAINER_COMMIT:
	case EP_IMAGE_IMPORT:
		if (f->new_name.n > 0)
			give(f, SLICE("?repo"), f->new_name, true);
		return 0;
	case EP_IMAGE_PULL:
		pull_finish(f);
		return 0;
	case EP_IMAGE_PUSH:
		return push_finish(f);
	case EP_IMAGE_DISTRIBUTION:
		return registry_reached(f, f->object, "distribution");
	case EP_BUILD_PRUNE:
	case EP_BUILD_CANCEL:
		f->on_any = true;
		return 0;
	default:
		return 0;
	}
}

int query_facts(struct facts *f, struct query *q, struct buf *faults)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < q->n; i++)
		if (q->items[i].param->effect == EFFECT_NEW_TAG ||
		    q->items[i].param->effect == EFFECT_IMAGE_TAG)
			r = tag_join(f, &q->items[i], faults);
	if (r == 0)
		r = changes_check(q, faults);
	if (r == 0 && faults->len == 0)
		r = endpoint_finish(f);
	return r;
}
