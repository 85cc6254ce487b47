/*
 * decide.c: the one decision.
 *
 * A request passes when one role allows all of it and none denies any of it.
 * A role is judged as a whole: what it lacks is collected, and of those that
 * would allow the endpoint the one that lacks least is told.
 */
#include <string.h>

#include "policy/policy_int.h"

/* One role against one request. */
struct judge {
	const struct rights *rights;
	const struct facts *facts;
	const struct role *role;
	const struct candidate *from, *to;	/* its statements about it */
	unsigned scopes;
	struct lack *lacks;		/* NULL: they are counted only */
	size_t n;
};

static const struct lack no_everything = { .why = WHY_REACH,
	.word = "everything" };

static void lack_add(struct judge *j, const struct lack *l,
    const struct place *at)
{
	struct lack *new;

	if (j->n++ >= VERDICT_LACKS || j->lacks == NULL)
		return;
	new = &j->lacks[j->n - 1];
	*new = *l;
	if (at != NULL && at->file != NULL) {
		new->file = at->file->name;
		new->line = at->line;
	}
}

/* ---- objects ---- */

static bool allow_covers(const struct judge *j, const struct object *o)
{
	for (const struct candidate *c = j->from; c < j->to; c++)
		if (rule_covers(j->rights, c->rule, o))
			return true;
	return false;
}

/* What everybody may do with what is common: look at it and use it. */
static bool is_use(const struct facts *f, const struct ref *r)
{
	unsigned id = f->endpoint->id;

	return r->use == REF_USE || (f->endpoint->flags & CHANGES) == 0 ||
	    id == EP_IMAGE_TAG || id == EP_IMAGE_PUSH ||
	    id == EP_NETWORK_CONNECT || id == EP_NETWORK_DISCONNECT;
}

static bool ref_covered(const struct judge *j, const struct ref *r)
{
	const struct object *o = r->object;

	if (j->scopes & SEE_ANY || r->kind == OBJECT_BUILD)
		return true;
	if (o == NULL)
		return false;
	if (o->common && is_use(j->facts, r))
		return true;
	if (allow_covers(j, o))
		return true;
	return o->kind == OBJECT_NETWORK && is_use(j->facts, r) &&
	    role_network(j->rights, j->role, o) != NULL;
}

static void lack_ref(struct judge *j, const struct ref *r)
{
	struct lack l = { .why = WHY_SCOPE, .path = r->path, .value = r->name,
		.extra = slice_from(object_kind_name(r->kind)), .word = "on" };

	lack_add(j, &l, &j->from->rule->at);
}

/* ---- names of images ---- */

static void lack_narrow(struct judge *j, const char *word, struct slice path,
    struct slice value, const struct item *line)
{
	struct lack l = { .why = WHY_NARROW, .path = path, .value = value,
		.word = word };

	lack_add(j, &l, line != NULL ? &line->at : NULL);
}

static const struct item *name_match(const struct judge *j,
    enum item_kind kind, struct slice name)
{
	const struct item *i = j->role->items[kind];

	while (i != NULL && !reference_match(i, name,
	    slice_from(j->rights->name)))
		i = i->next;
	return i;
}

/* docker.io/NAME/... or HOST/NAME/...; the Engine's own names are nobody's. */
static bool is_namespace(const struct judge *j, struct slice name)
{
	struct slice rest = name, me = slice_from(j->rights->name);

	slice_cut(&rest, '/');
	return me.n > 0 && !slice_is(me, "library") &&
	    slice_starts(rest, me) && rest.n > me.n + 1 &&
	    rest.p[me.n] == '/';
}

static bool others_hold(const struct judge *j, const struct object *o)
{
	for (size_t i = 0; i < o->nowners; i++) {
		struct object one = { .owners = &o->owners[i], .nowners = 1 };

		if (!rights_is_own(j->rights, &one))
			return true;
	}
	return false;
}

/* May he take this name as far as others are concerned? */
static bool name_free(const struct judge *j, const struct ref *r)
{
	const struct object *o = r->state == REF_MISSING ? NULL : r->object;

	if (o == NULL || j->scopes & SEE_ANY)
		return true;
	if (others_hold(j, o))
		return false;
	return is_namespace(j, r->name) || rights_is_own(j->rights, o);
}

/*
 * A name that is given by tag, commit, build, import or load.  Where `image'
 * says what may be run, a name that it trusts is not given away by the way:
 * else anything could be run under it.
 */
static void judge_give(struct judge *j, const struct ref *r)
{
	const struct item *tags = j->role->items[ITEM_TAG], *trusted;

	if (!name_free(j, r)) {
		lack_ref(j, r);
		return;
	}
	if (j->role->everything != NULL)
		return;
	if (tags != NULL) {
		if (name_match(j, ITEM_TAG, r->name) == NULL)
			lack_narrow(j, "tag", r->path, r->name, tags);
		return;
	}
	trusted = name_match(j, ITEM_IMAGE, r->name);
	if (trusted != NULL && !is_namespace(j, r->name))
		lack_narrow(j, "tag", r->path, r->name, NULL);
}

/* Pulled names are what the registry says; but not over a name that somebody
 * gave to something else here. */
static void judge_pull(struct judge *j, const struct ref *r)
{
	const struct item *images = j->role->items[ITEM_IMAGE];

	if (r->object != NULL && r->state != REF_MISSING && r->object->given &&
	    (j->scopes & SEE_ANY) == 0 && others_hold(j, r->object))
		lack_ref(j, r);
	if (images != NULL && j->role->everything == NULL &&
	    name_match(j, ITEM_IMAGE, r->name) == NULL)
		lack_narrow(j, "image", r->path, r->name, images);
}

static bool has_tag(const struct object *o, struct slice tag)
{
	for (size_t i = 0; i < o->ntags; i++)
		if (slice_equal(o->tags[i], tag))
			return true;
	return false;
}

/* Was it asked for by (the beginning of) its id? */
static bool asked_by_id(const struct ref *r)
{
	struct slice id = r->object->id, name = r->name, colon = SLICE("sha256:");

	if (!slice_starts(name, colon) && slice_starts(id, colon)) {
		id.p += colon.n;
		id.n -= colon.n;
	}
	return name.n > 0 && slice_starts(id, name);
}

/* By its name; by an id, any name of it; a digest or an id that is pinned. */
static bool image_welcome(const struct judge *j, const struct ref *r)
{
	_cleanup_(buf_free) struct buf canon = BUF(BOUND_OBJECT_NAME * 2);
	bool named = reference_canon(r->name, &canon);
	const struct object *o = r->state == REF_MISSING ? NULL : r->object;
	bool by_id = o != NULL && asked_by_id(r) &&
	    !(named && has_tag(o, buf_slice(&canon)));

	if (!by_id && named && buf_ok(&canon) &&
	    name_match(j, ITEM_IMAGE, buf_slice(&canon)) != NULL)
		return true;
	if (o == NULL)
		return false;
	for (const struct item *i = j->role->items[ITEM_IMAGE]; i != NULL;
	     i = i->next) {
		if (i->all && slice_equal(i->digest, o->id))
			return true;
		for (size_t k = 0; k < o->ntags; k++)
			if ((by_id || i->digest.n > 0) && reference_match(i,
			    o->tags[k], slice_from(j->rights->name)))
				return true;
	}
	return false;
}

static void judge_image(struct judge *j, const struct ref *r)
{
	const struct item *images = j->role->items[ITEM_IMAGE];

	if (images != NULL && j->role->everything == NULL &&
	    !image_welcome(j, r))
		lack_narrow(j, "image", r->path, r->name, images);
}

/* ---- all that a request names ---- */

static void judge_ref(struct judge *j, const struct ref *r)
{
	unsigned id = j->facts->endpoint->id;

	if (r->kind == OBJECT_TAG && r->use == REF_GIVE) {
		if (id == EP_IMAGE_PULL)
			judge_pull(j, r);
		else
			judge_give(j, r);
		return;
	}
	/* a build fetches what is missing: judged by its name */
	if (r->kind == OBJECT_IMAGE && r->use == REF_USE &&
	    (id == EP_IMAGE_BUILD || (id == EP_CONTAINER_CREATE &&
	    r->state != REF_MISSING)))
		judge_image(j, r);
	if (r->state != REF_MISSING && r->state != REF_MANY &&
	    !ref_covered(j, r))
		lack_ref(j, r);
}

static void judge_objects(struct judge *j)
{
	const struct facts *f = j->facts;
	enum object_kind kind = f->endpoint->object;
	bool swarm = kind != OBJECT_NONE && kind != OBJECT_BUILD &&
	    !kind_owned(kind);

	for (size_t i = 0; i < f->nrefs; i++)
		judge_ref(j, &f->refs[i]);
	if (f->more_refs > 0) {		/* what is not looked at is not allowed */
		lack_add(j, &(struct lack){ .why = WHY_SCOPE, .word = "refs" },
		    NULL);
	} else if ((f->on_any || swarm) && (j->scopes & SEE_ANY) == 0) {
		lack_add(j, &(struct lack){ .why = WHY_SCOPE, .word = "on",
			.extra = slice_from(object_kind_name(kind)) },
		    &j->from->rule->at);
	}
}

/* ---- what reaches out ---- */

/* A bind needs more than its line: the guard, and somebody who opens it. */
static enum why why_reach(const struct judge *j, const struct reach *r,
    const struct item **line)
{
	if (!reach_permit(j->rights, j->role, j->facts, r, line))
		return WHY_REACH;
	if (*line == NULL || (*line)->kind != ITEM_BIND)
		return WHY_ALLOWED;
	if (!bind_account(j->rights))
		return WHY_BIND_WHO;
	return j->facts->guarded ? WHY_ALLOWED : WHY_BIND;
}

static void judge_reach(struct judge *j)
{
	const struct facts *f = j->facts;
	const struct item *line;

	for (size_t i = 0; i < f->nreach; i++) {
		const struct reach *r = &f->reach[i];
		enum why why = why_reach(j, r, &line);

		if (why == WHY_ALLOWED)
			continue;
		lack_add(j, &(struct lack){ .why = why, .path = r->path,
			.value = r->value, .extra = r->extra, .word = r->word,
			.cut = r->cut }, line != NULL ? &line->at : NULL);
	}
	for (size_t i = 0; i < f->more_reach; i++)
		lack_add(j, &no_everything, NULL);
}

/* ---- exec ---- */

static void judge_exec(struct judge *j)
{
	const struct facts *f = j->facts;
	const struct item *i = j->role->items[ITEM_COMMAND];
	struct slice user = f->user.n > 0 ? f->user : SLICE("default");

	while (i != NULL && !command_match(i, f->args, f->nargs))
		i = i->next;
	if (i == NULL && j->role->items[ITEM_COMMAND] != NULL)
		lack_narrow(j, "command", SLICE("Cmd"), f->argv,
		    j->role->items[ITEM_COMMAND]);
	i = j->role->items[ITEM_EXEC_AS];
	while (i != NULL && !glob_match(i->glob, user,
	    slice_from(j->rights->name), ""))
		i = i->next;
	if (i == NULL && j->role->items[ITEM_EXEC_AS] != NULL)
		lack_narrow(j, "exec as", SLICE("User"), user,
		    j->role->items[ITEM_EXEC_AS]);
}

/* ---- limits ---- */

static int64_t usage_get(const struct usage *u, enum limit_name n)
{
	const int64_t *const all[LIMIT_NAMES] = {
		[LIMIT_CONTAINERS] = &u->containers, [LIMIT_MEMORY] = &u->memory,
		[LIMIT_CPUS] = &u->nano_cpus, [LIMIT_PIDS] = &u->pids,
		[LIMIT_PORTS] = &u->ports, [LIMIT_VOLUMES] = &u->volumes,
		[LIMIT_NETWORKS] = &u->networks,
	};

	return *all[n];
}

static unsigned left_open(const struct facts *f, enum limit_name n)
{
	unsigned bit = n == LIMIT_MEMORY ? OPEN_MEMORY : n == LIMIT_CPUS ?
	    OPEN_CPUS : n == LIMIT_PIDS ? OPEN_PIDS : 0;

	return f->open & bit;
}

/* What counts of what was left open: the default, or the most that one
 * container may have.  The sum itself, put on a container that has neither, is
 * no promise: the user's control group holds it. */
static int64_t default_of(const struct item *i)
{
	return i->open >= 0 ? i->open : i->each >= 0 ? i->each : 0;
}

static void judge_limit(struct judge *j, const struct item *i)
{
	int64_t want = left_open(j->facts, i->limit) ? default_of(i) :
	    usage_get(&j->facts->asked, i->limit);
	int64_t have = usage_get(&j->facts->used, i->limit);
	bool each = i->each >= 0 && want > i->each;

	if (want <= 0 || (!each && want <= i->most && have <= i->most - want))
		return;
	lack_add(j, &(struct lack){ .why = WHY_LIMIT,
		.word = limit_word(i->limit), .want = want,
		.have = each ? -1 : have, .most = each ? i->each : i->most },
	    &i->at);
}

static void judge_limits(struct judge *j)
{
	for (unsigned n = 0; n < LIMIT_NAMES; n++)
		if (j->role->limits[n] != NULL)
			judge_limit(j, j->role->limits[n]);
}

/* ---- the verdict ---- */

static void judge_role(struct judge *j, bool final)
{
	const struct facts *f = j->facts;

	j->role = j->from->held->role;
	j->scopes = 0;
	j->n = 0;
	for (const struct candidate *c = j->from; c < j->to; c++)
		j->scopes |= c->rule->scopes;
	if (f->endpoint->flags & REACHES && j->role->everything == NULL)
		lack_add(j, &no_everything, NULL);
	if (!final)
		return;
	judge_objects(j);
	if (j->role->everything == NULL) {
		if (f->nreach + f->more_reach > 0)
			judge_reach(j);
		if (f->endpoint->id == EP_CONTAINER_EXEC)
			judge_exec(j);
	}
	judge_limits(j);
}

static void decided(struct verdict *v, enum why why, const struct held *h,
    const struct place *at)
{
	v->allowed = why == WHY_ALLOWED;
	v->why = why;
	v->role = h->role->name;
	v->grant = h->grant->text;
	v->file = at->file != NULL ? at->file->name : NULL;
	v->line = at->line;
}

static int64_t fill(struct verdict *v, const struct role *role,
    const struct facts *f, enum limit_name n)
{
	const struct item *i = role->limits[n];
	unsigned bit = left_open(f, n);

	if (i == NULL || bit == 0)
		return 0;
	if (default_of(i) == 0)
		return i->most;
	v->counted |= bit;
	return default_of(i);
}

static void allowed(struct verdict *v, const struct candidate *c,
    const struct facts *f)
{
	const struct role *role = c->held->role;

	decided(v, WHY_ALLOWED, c->held, &c->rule->at);
	v->privileged = role->everything != NULL;
	v->team = c->held->grant->kind == GRANT_GROUP ?
	    c->held->grant->name : "";
	v->memory = fill(v, role, f, LIMIT_MEMORY);
	v->nano_cpus = fill(v, role, f, LIMIT_CPUS);
	v->pids = fill(v, role, f, LIMIT_PIDS);
}

/* A denial with a scope is about the objects of a request, if it has any. */
static bool denies(const struct rights *r, const struct rule *rule,
    const struct facts *f, bool final)
{
	if (rule->scopes & SEE_ANY)
		return true;
	if (!final)
		return false;
	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].state == REF_FOUND && f->refs[i].object != NULL &&
		    rule_covers(r, rule, f->refs[i].object))
			return true;
	return f->nrefs == 0;
}

static bool find_denial(const struct rights *r, const struct facts *f,
    bool final, struct verdict *out)
{
	unsigned id = f->endpoint->id;

	for (uint32_t i = r->deny.first[id]; i < r->deny.first[id + 1]; i++) {
		const struct candidate *c = &r->deny.all[i];

		if (!denies(r, c->rule, f, final))
			continue;
		decided(out, WHY_DENIED, c->held, &c->rule->at);
		return true;
	}
	return false;
}

/* Everything but the lacks, which are many bytes and mostly none. */
static void verdict_init(struct verdict *v, size_t roles)
{
	memset(v, 0, offsetof(struct verdict, lacks));
	v->why = WHY_NO_ROLE;
	v->roles = roles;
	v->privileged = false;
	v->team = "";
	v->memory = v->nano_cpus = v->pids = 0;
}

/* Once more, for the names of what is missing. */
static void refused(struct judge *j, bool final, struct verdict *out)
{
	j->lacks = out->lacks;
	judge_role(j, final);
	out->nlacks = j->n < VERDICT_LACKS ? j->n : VERDICT_LACKS;
	out->more_lacks = j->n - out->nlacks;
	decided(out, out->lacks[0].why, j->from->held, &j->from->rule->at);
}

void policy_decide(const struct rights *r, const struct facts *f, int64_t now,
    bool final, struct verdict *out)
{
	struct judge j = { .rights = r, .facts = f }, least = j;
	unsigned id = f->endpoint->id;
	const struct candidate *end = &r->allow.all[r->allow.first[id + 1]];

	(void)now;
	verdict_init(out, r->nheld);
	if (r->nheld == 0 || find_denial(r, f, final, out))
		return;
	for (j.from = &r->allow.all[r->allow.first[id]]; j.from < end;
	     j.from = j.to) {
		for (j.to = j.from; j.to < end && j.to->held == j.from->held;)
			j.to++;
		out->reach_roles++;
		judge_role(&j, final);
		if (j.n == 0) {
			allowed(out, j.from, f);
			return;
		}
		if (least.from == NULL || j.n < least.n)
			least = j;
	}
	if (least.from != NULL)
		refused(&least, final, out);
	else
		decided(out, WHY_NOT_ALLOWED, &r->held[0], &r->held[0].role->at);
}
