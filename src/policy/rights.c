/*
 * rights.c: what one caller may, compiled: for each endpoint the statements of
 * his roles about it, and whose objects he may see.  A decision looks at its
 * endpoint's statements only; who else the policy names does not matter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"

/* ---- whose roles ---- */

struct collect {
	const struct policy *policy;
	struct held *held;
	size_t n, cap;
	struct table roles;		/* by name: a role counts once */
};

static int collect_add(struct collect *c, const struct grant *g)
{
	struct slice name = slice_from(g->role->name);

	if (table_find(&c->roles, name) != NULL)
		return 0;
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 8;
		struct held *more = reallocarray(c->held, cap, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		c->held = more;
		c->cap = cap;
	}
	c->held[c->n++] = (struct held){ g->role, g };
	return table_add(&c->roles, name, g->role);
}

static int collect_name(struct collect *c, enum grantee kind, const char *name)
{
	const struct grantee_entry *e = table_find(
	    &c->policy->grantee_table[kind], slice_from(name));
	int r = 0;

	if (e == NULL)
		return 0;
	for (const struct grant *g = e->first; r == 0 && g != NULL; g = g->same)
		r = collect_add(c, g);
	return r;
}

/*
 * A service has its own grants and nothing else.  A container's peer has
 * none: uid 0 in there is not root.  Grants to root are for uid 0, whatever
 * NSS calls it, and for nobody else who may be called so.
 */
static int collect_all(struct collect *c, const struct who *w)
{
	const struct account *a = w->account;
	int r = 0;

	if (w->service[0] != '\0')
		return collect_name(c, GRANT_SERVICE, w->service);
	if (w->container)
		return 0;
	if (w->uid == 0)
		r = collect_name(c, GRANT_USER, "root");
	if (a == NULL || a->uid != w->uid)
		return r;
	if (r == 0 && strcmp(a->name, "root") != 0)
		r = collect_name(c, GRANT_USER, a->name);
	for (size_t i = 0; r == 0 && i < a->ngroups; i++)
		r = collect_name(c, GRANT_GROUP, a->groups[i].name);
	return r;
}

/* ---- what they say ---- */

const struct rule *rule_about(const struct role *role, enum rule_kind kind,
    unsigned endpoint)
{
	const struct rule *r = role->rules;

	while (r != NULL && (r->kind != kind ||
	    !endpoint_set_has(&r->set, endpoint)))
		r = r->next;
	return r;
}

static size_t rule_count(const struct rights *r, enum rule_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nheld; i++)
		for (const struct rule *u = r->held[i].role->rules; u != NULL;
		     u = u->next)
			for (size_t k = 0; u->kind == kind &&
			     k < countof(u->set.bits); k++)
				n += (size_t)__builtin_popcountll(u->set.bits[k]);
	return n;
}

static int statements_compile(struct rights *r, struct statements *s,
    enum rule_kind kind)
{
	size_t n = 0;

	s->all = calloc(rule_count(r, kind) + 1, sizeof(*s->all));
	if (s->all == NULL)
		return -ENOMEM;
	for (unsigned id = 0; id < EP_COUNT; id++) {
		s->first[id] = (uint32_t)n;
		for (size_t i = 0; i < r->nheld; i++)
			for (const struct rule *u = r->held[i].role->rules;
			     u != NULL; u = u->next)
				if (u->kind == kind &&
				    endpoint_set_has(&u->set, id))
					s->all[n++] = (struct candidate){
						&r->held[i], u };
	}
	s->first[EP_COUNT] = (uint32_t)n;
	return 0;
}

/* ---- whose objects ---- */

bool kind_owned(enum object_kind kind)
{
	return kind == OBJECT_CONTAINER || kind == OBJECT_EXEC ||
	    kind == OBJECT_IMAGE || kind == OBJECT_NETWORK ||
	    kind == OBJECT_VOLUME || kind == OBJECT_TAG;
}

static bool owner_is_me(const struct rights *r, const struct owner *o)
{
	if (o->uid != OWNER_ANY_UID)
		return o->uid == r->uid;
	return r->owner[0] != '\0' && o->name != NULL &&
	    strcmp(o->name, r->owner) == 0;
}

bool rights_is_own(const struct rights *r, const struct object *o)
{
	for (size_t i = 0; i < o->nowners; i++)
		if (owner_is_me(r, &o->owners[i]))
			return true;
	return false;
}

static bool is_of_team(const struct rights *r, const struct object *o)
{
	for (size_t i = 0; r->account != NULL && i < o->nowners; i++) {
		const char *team = o->owners[i].team;

		if (team != NULL && *team != '\0' &&
		    account_in_group(r->account, team))
			return true;
	}
	return false;
}

static bool has_label(const struct rights *r, const struct item *i,
    const struct object *o)
{
	for (size_t k = 0; k < o->nlabels; k++)
		if (slice_equal(o->labels[k].key, i->key))
			return i->all || glob_match(i->glob, o->labels[k].value,
			    slice_from(r->name), "");
	return false;
}

bool rule_covers(const struct rights *r, const struct rule *rule,
    const struct object *o)
{
	if (rule->scopes & SEE_ANY)
		return true;
	if (rule->scopes & SEE_OWN && rights_is_own(r, o))
		return true;
	if (rule->scopes & SEE_TEAM && is_of_team(r, o))
		return true;
	for (const struct item *i = rule->on; i != NULL; i = i->more)
		if (i->kind == ITEM_LABEL ? has_label(r, i, o) :
		    o->name.n > 0 && glob_match(i->glob, o->name, slice_from(r->name), "/"))
			return true;
	return false;
}

/* "list", "inspect" ...: what shows that something is there. */
static bool is_look(const struct endpoint *e)
{
	static const char *const verbs[] = { "list", "inspect", "logs", "top",
		"stats", "changes", "history" };
	const char *dot = strchr(e->action, '.');

	for (size_t i = 0; dot != NULL && i < countof(verbs); i++)
		if (strcmp(dot + 1, verbs[i]) == 0)
			return true;
	return false;
}

bool rights_denied(const struct rights *r, unsigned id)
{
	for (uint32_t i = r->deny.first[id]; i < r->deny.first[id + 1]; i++)
		if (r->deny.all[i].rule->scopes & SEE_ANY)
			return true;
	return false;
}

/* Sights by kind, and the statements that have to be asked for patterns. */
static int sight_compile(struct rights *r)
{
	r->see = calloc(r->allow.first[EP_COUNT] + 1, sizeof(*r->see));
	if (r->see == NULL)
		return -ENOMEM;
	for (unsigned id = 0; id < EP_COUNT; id++) {
		const struct endpoint *e = endpoint_get(id);

		if (!is_look(e) || rights_denied(r, id))
			continue;
		for (uint32_t i = r->allow.first[id];
		     i < r->allow.first[id + 1]; i++) {
			const struct rule *u = r->allow.all[i].rule;

			r->sight[e->object] |= u->scopes;
			if (u->on != NULL)
				r->see[r->nsee++] = (struct sight_rule){
					e->object, u };
		}
	}
	r->sight[OBJECT_TAG] = r->sight[OBJECT_IMAGE];
	return 0;
}

static bool may_use_network(const struct rights *r, const struct object *o)
{
	for (size_t i = 0; i < r->nheld; i++)
		if (role_network(r, r->held[i].role, o) != NULL)
			return true;
	return false;
}

bool rights_see(const struct rights *r, const struct object *o)
{
	enum object_kind kind = o->kind == OBJECT_TAG ? OBJECT_IMAGE : o->kind;

	if (r->sight[kind] & SEE_ANY)
		return true;
	if (r->nheld == 0)
		return false;
	if (o->common || rights_is_own(r, o))
		return true;
	if (r->sight[kind] & SEE_TEAM && is_of_team(r, o))
		return true;
	for (size_t i = 0; i < r->nsee; i++)
		if (r->see[i].kind == kind && rule_covers(r, r->see[i].rule, o))
			return true;
	return kind == OBJECT_NETWORK && may_use_network(r, o);
}

unsigned rights_sight(const struct rights *r, enum object_kind kind)
{
	return kind > OBJECT_TAG || r->nheld == 0 ? 0 :
	    r->sight[kind] | SEE_OWN;
}

unsigned rights_scope(const struct rights *r, const struct endpoint *e)
{
	unsigned scopes = 0;

	for (uint32_t i = r->allow.first[e->id];
	     !rights_denied(r, e->id) && i < r->allow.first[e->id + 1]; i++)
		scopes |= r->allow.all[i].rule->scopes;
	return scopes;
}

bool rights_cover(const struct rights *r, const struct endpoint *e,
    const struct object *o)
{
	for (uint32_t i = r->deny.first[e->id]; i < r->deny.first[e->id + 1];
	     i++)
		if (rule_covers(r, r->deny.all[i].rule, o))
			return false;
	for (uint32_t i = r->allow.first[e->id]; i < r->allow.first[e->id + 1];
	     i++)
		if (rule_covers(r, r->allow.all[i].rule, o))
			return true;
	return false;
}

/* ---- limits ---- */

static int64_t limit_of(const struct role *role, enum limit_name n)
{
	return role->limits[n] != NULL ? role->limits[n]->most : -1;
}

void rights_limits(const struct rights *r, struct usage *sum)
{
	int64_t *const fields[LIMIT_NAMES] = {
		&sum->containers, &sum->memory, &sum->nano_cpus, &sum->pids,
		&sum->ports, &sum->volumes, &sum->networks
	};
	bool first = true;

	for (unsigned n = 0; n < LIMIT_NAMES; n++)
		*fields[n] = -1;
	for (size_t i = 0; i < r->nheld; i++) {
		const struct role *role = r->held[i].role;

		if (rule_about(role, RULE_ALLOW, EP_CONTAINER_CREATE) == NULL)
			continue;
		for (unsigned n = 0; n < LIMIT_NAMES; n++) {
			int64_t most = limit_of(role, (enum limit_name)n);

			if (first)
				*fields[n] = most;
			else if (*fields[n] >= 0)
				*fields[n] = most < 0 || most > *fields[n] ?
				    most : *fields[n];
		}
		first = false;
	}
}

/* ---- life ---- */

static void rights_free_p(struct rights **r)
{
	rights_unref(*r);
}

static void rights_name(struct rights *r, const struct who *w)
{
	bool service = w->service[0] != '\0';
	const char *name = service ? w->service :
	    w->account != NULL ? w->account->name : "";

	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->owner, sizeof(r->owner), "%s%s", service ? "service:" : "",
	    name);
	r->uid = service ? OWNER_ANY_UID : w->uid;
	r->account = service ? NULL : account_ref(w->account);
}

struct rights *rights_new(struct policy *p, const struct who *w)
{
	_cleanup_(rights_free_p) struct rights *r = calloc(1, sizeof(*r));
	struct collect c = { .policy = p };
	struct rights *out;
	int error;

	if (r == NULL)
		return NULL;
	r->refs = 1;
	r->policy = policy_ref(p);
	rights_name(r, w);
	error = collect_all(&c, w);
	table_free(&c.roles);
	r->held = c.held;
	r->nheld = c.n;
	if (error < 0 || statements_compile(r, &r->allow, RULE_ALLOW) < 0 ||
	    statements_compile(r, &r->deny, RULE_DENY) < 0 ||
	    sight_compile(r) < 0 || binds_compile(r) < 0)
		return NULL;
	out = r;
	r = NULL;
	return out;
}

struct rights *rights_ref(struct rights *r)
{
	r->refs++;
	return r;
}

struct rights *rights_unref(struct rights *r)
{
	if (r == NULL || --r->refs > 0)
		return NULL;
	free(r->allow.all);
	free(r->deny.all);
	free(r->see);
	free(r->binds);
	buf_free(&r->bind_paths);
	free(r->held);
	account_unref(r->account);
	policy_unref(r->policy);
	free(r);
	return NULL;
}

bool rights_none(const struct rights *r)
{
	return r->nheld == 0;
}
