/*
 * decide.c: what one caller may, compiled, and the one decision.
 *
 * A request passes when one role allows all of it and none denies any of it.
 * Rights are compiled per caller: for each endpoint the roles that allow it,
 * and the first that denies it.  A decision looks at its endpoint's roles
 * only; who else the policy names does not matter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"

bool facts_reaching(const struct facts *f)
{
	return f->nreach > 0 || f->more_reach > 0 ||
	    (f->endpoint->flags & REACHES) != 0;
}

bool role_permits(const struct role *r, const struct facts *f)
{
	return r->privileged != NULL || !facts_reaching(f);
}

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

static void compile_endpoint(struct rights *r, unsigned id, size_t *n)
{
	r->first[id] = (uint32_t)*n;
	for (size_t i = 0; i < r->nheld; i++) {
		const struct held *h = &r->held[i];
		const struct rule *allow, *deny;

		allow = rule_about(h->role, RULE_ALLOW, id);
		if (allow != NULL)
			r->allow[(*n)++] = (struct candidate){ h, allow };
		deny = rule_about(h->role, RULE_DENY, id);
		if (deny != NULL && r->deny[id].held == NULL)
			r->deny[id] = (struct candidate){ h, deny };
	}
}

static int rights_compile(struct rights *r)
{
	size_t n = 0;
	struct candidate *fit;

	r->allow = calloc(r->nheld * EP_COUNT + 1, sizeof(*r->allow));
	if (r->allow == NULL)
		return -ENOMEM;
	for (unsigned id = 0; id < EP_COUNT; id++)
		compile_endpoint(r, id, &n);
	r->first[EP_COUNT] = (uint32_t)n;
	fit = reallocarray(r->allow, n + 1, sizeof(*r->allow));
	if (fit != NULL)
		r->allow = fit;
	return 0;
}

static void rights_free_p(struct rights **r)
{
	rights_unref(*r);
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
	snprintf(r->name, sizeof(r->name), "%s",
	    w->service[0] != '\0' ? w->service :
	    w->account != NULL ? w->account->name : "");
	error = collect_all(&c, w);
	table_free(&c.roles);
	r->held = c.held;
	r->nheld = c.n;
	if (error < 0 || rights_compile(r) < 0)
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
	free(r->allow);
	free(r->held);
	policy_unref(r->policy);
	free(r);
	return NULL;
}

bool rights_none(const struct rights *r)
{
	return r->nheld == 0;
}

/* ---- the decision ---- */

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

void policy_decide(const struct rights *r, const struct facts *f, int64_t now,
    struct verdict *out)
{
	unsigned id = f->endpoint->id;
	const struct candidate *deny = &r->deny[id];

	(void)now;
	*out = (struct verdict){ .why = WHY_NO_ROLE, .roles = r->nheld };
	if (r->nheld == 0)
		return;
	if (deny->held != NULL) {
		decided(out, WHY_DENIED, deny->held, &deny->rule->at);
		return;
	}
	for (uint32_t i = r->first[id]; i < r->first[id + 1]; i++) {
		const struct candidate *c = &r->allow[i];

		if (!role_permits(c->held->role, f))
			continue;
		decided(out, WHY_ALLOWED, c->held, &c->rule->at);
		return;
	}
	if (r->first[id] < r->first[id + 1]) {
		const struct candidate *c = &r->allow[r->first[id]];

		out->reach_roles = r->first[id + 1] - r->first[id];
		decided(out, WHY_REACH, c->held, &c->rule->at);
		return;
	}
	decided(out, WHY_NOT_ALLOWED, &r->held[0], &r->held[0].role->at);
}
