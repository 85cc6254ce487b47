/*
 * check.c: what only the whole policy can tell: grants of roles that are not
 * there, roles that say nothing or that nobody has; and root's built-in role.
 */
#include <errno.h>
#include <string.h>

#include "policy/policy_int.h"

static void role_unknown(struct load *l, const struct grant *g)
{
	struct slice best;
	unsigned distance;

	nearest_init(g->role_name, &best, &distance);
	for (const struct role *r = l->policy->roles; r != NULL; r = r->next)
		nearest_try(g->role_name, slice_from(r->name), &best, &distance);
	if (best.n > 0)
		load_fault(l, &g->at, "there is no role \"%.*s\"; did you mean \"%.*s\"?",
		    SLICE_ARG(g->role_name), SLICE_ARG(best));
	else
		load_fault(l, &g->at, "there is no role \"%.*s\"",
		    SLICE_ARG(g->role_name));
}

static void check_grants(struct load *l)
{
	for (struct grant *g = l->policy->grants; g != NULL; g = g->next) {
		g->role = table_find(&l->policy->role_table, g->role_name);
		if (g->role != NULL)
			g->role->granted = true;
		else
			role_unknown(l, g);
		if (load_full(l))
			return;
	}
}

static void check_twice(struct load *l)
{
	const struct policy *p = l->policy;

	for (size_t i = 0; i < p->ngrantees; i++) {
		const struct grantee_entry *e = p->grantees[i];

		for (struct grant *g = e->first; g != NULL; g = g->same) {
			if (g->role == NULL)
				continue;
			if (g->role->seen == e)
				load_warn(l, &g->at, "%s has role \"%s\" already",
				    g->text, g->role->name);
			g->role->seen = e;
		}
	}
}

/* Roles of included files are there to be chosen from: no warning for them. */
static void check_roles(struct load *l)
{
	for (const struct role *r = l->policy->roles; r != NULL; r = r->next) {
		if (!r->said)
			load_fault(l, &r->at, "role \"%s\" is empty", r->name);
		else if (!r->granted && r->at.file->parent == NULL)
			load_warn(l, &r->at, "role \"%s\" is granted to nobody",
			    r->name);
	}
}

static struct rule *rule_builtin(struct load *l, enum rule_kind kind)
{
	struct rule *r = load_alloc(l, sizeof(*r));

	if (r != NULL) {
		r->kind = kind;
		r->scopes = SEE_ANY;
		r->scoped = true;
	}
	return r;
}

/* role admin { allow all; allow privileged everything } */
static struct role *role_builtin(struct load *l)
{
	struct role *role = load_alloc(l, sizeof(*role));
	struct rule *all = rule_builtin(l, RULE_ALLOW);
	struct rule *everything = rule_builtin(l, RULE_EVERYTHING);
	const struct word *word = word_find(SLICE("all"));

	if (role == NULL || all == NULL || everything == NULL)
		return NULL;
	role->name = "admin";
	role->rules = all;
	role->last = everything;
	role->everything = everything;
	all->next = everything;
	all->words = load_alloc(l, sizeof(*all->words));
	if (all->words == NULL || word == NULL)
		return NULL;
	all->words[0] = word;
	all->nwords = 1;
	all->set = word->allow;
	return role;
}

/* Root could go around us: what it does shall be recorded, not refused. */
static int grant_root(struct load *l)
{
	struct policy *p = l->policy;
	struct grant *g;

	if (table_find(&p->grantee_table[GRANT_USER], SLICE("root")) != NULL)
		return 0;
	g = load_alloc(l, sizeof(*g));
	if (g == NULL)
		return l->failed;
	g->kind = GRANT_USER;
	g->name = "root";
	g->text = "user root";
	g->role_name = SLICE("admin");
	g->role = table_find(&p->role_table, g->role_name);
	if (g->role == NULL)
		g->role = role_builtin(l);
	if (g->role == NULL || grantee_add(p, g) < 0)
		return l->failed = -ENOMEM;
	g->role->granted = true;
	return 0;
}

int check_policy(struct load *l)
{
	int r;

	check_grants(l);
	if (load_full(l))
		return l->failed;
	r = grant_root(l);
	if (r < 0)
		return r;
	check_twice(l);
	check_roles(l);
	return l->failed;
}
