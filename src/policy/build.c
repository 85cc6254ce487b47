/*
 * build.c: what the productions of parse.y do: roles with their statements,
 * and grants.  A faulty role or statement is built like a good one, so that
 * the faults behind it are told as well; the load is dropped at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"

struct place place_of(const struct parse *p, const struct token *t)
{
	return (struct place){ p->file, t->line, t->offset, t->len };
}

/* ---- roles ---- */

static bool name_sound(struct parse *p, const struct token *t,
    const char *what)
{
	if (t->text.n == 0 || t->text.n >= BOUND_NAME) {
		parse_fault(p, t, "the name of a %s has 1 to %d bytes", what,
		    BOUND_NAME - 1);
		return false;
	}
	return true;
}

/* Whether the name may become a role's of this policy. */
static bool role_welcome(struct parse *p, const struct token *name)
{
	struct policy *policy = p->load->policy;
	const struct role *known;

	if (!name_sound(p, name, "role"))
		return false;
	known = table_find(&policy->role_table, name->text);
	if (known != NULL) {
		parse_fault(p, name, "role \"%s\" stands already at %s:%u",
		    known->name, known->at.file->name, known->at.line);
		return false;
	}
	if (policy->nroles >= BOUND_ROLES) {
		parse_fault(p, name, "more than %d roles", BOUND_ROLES);
		return false;
	}
	return true;
}

void build_role_open(struct parse *p, const struct token *name)
{
	struct policy *policy = p->load->policy;
	struct role *r = load_alloc(p->load, sizeof(*r));

	p->role = r;
	if (r == NULL || name == NULL || !role_welcome(p, name))
		return;
	r->at = place_of(p, name);
	r->name = load_copy(p->load, name->text);
	if (r->name == NULL)
		return;
	if (table_add(&policy->role_table, slice_from(r->name), r) < 0) {
		p->load->failed = -ENOMEM;
		return;
	}
	if (policy->last_role != NULL)
		policy->last_role->next = r;
	else
		policy->roles = r;
	policy->last_role = r;
	policy->nroles++;
}

void build_role_close(struct parse *p)
{
	p->role = NULL;
}

/* ---- statements ---- */

void build_rule_open(struct parse *p, enum rule_kind kind,
    const struct token *at)
{
	struct rule *r = load_alloc(p->load, sizeof(*r));

	p->rule = r;
	p->holding = false;
	buf_reset(&p->words);
	if (p->role != NULL)
		p->role->said = true;
	if (r == NULL)
		return;
	r->kind = kind;
	r->at = place_of(p, at);
}

static bool rule_has(const struct parse *p, const struct word *w)
{
	const char *at = p->words.p;

	for (size_t i = 0; i < p->words.len; i += sizeof(w))
		if (memcmp(at + i, &w, sizeof(w)) == 0)
			return true;
	return false;
}

static void rule_take(struct parse *p, const struct token *t,
    const struct word *w)
{
	if (rule_has(p, w)) {
		parse_fault(p, t, "\"%.*s\" stands twice in this statement",
		    SLICE_ARG(w->text));
		return;
	}
	if (p->rule->kind == RULE_DENY && endpoint_set_empty(&w->deny)) {
		parse_fault(p, t, "\"%.*s\" has no action of its own to deny: name the actions to deny, such as \"%s\"",
		    SLICE_ARG(w->text), word_action(w));
		return;
	}
	buf_add(&p->words, &w, sizeof(w));
	endpoint_set_join(&p->rule->set,
	    p->rule->kind == RULE_DENY ? &w->deny : &w->allow);
}

static void word_unknown(struct parse *p, const struct token *t)
{
	struct slice word = t->text, best;
	unsigned distance;

	if (word.n > BOUND_NAME)
		word.n = BOUND_NAME;
	nearest_init(word, &best, &distance);
	for (size_t i = 0; i < word_count(); i++)
		nearest_try(word, word_get(i)->text, &best, &distance);
	if (best.n > 0)
		parse_fault(p, t, "unknown word \"%.*s\"; did you mean \"%.*s\"?",
		    SLICE_ARG(word), SLICE_ARG(best));
	else
		parse_fault(p, t, "unknown word \"%.*s\": it is no docker command and no action",
		    SLICE_ARG(word));
}

/* The word that was kept back does not begin a two-word command. */
static void rule_flush(struct parse *p)
{
	const struct word *w;

	if (!p->holding)
		return;
	p->holding = false;
	w = word_find(p->held.text);
	if (w != NULL)
		rule_take(p, &p->held, w);
	else
		word_unknown(p, &p->held);
}

/* "volume rm": both on one line, or it is two words. */
static const struct word *rule_pair(struct parse *p, const struct token *second)
{
	char both[BOUND_NAME];
	struct slice a = p->held.text, b = second->text;

	if (!p->holding || p->held.line != second->line ||
	    a.n + 1 + b.n > sizeof(both))
		return NULL;
	memcpy(both, a.p, a.n);
	both[a.n] = ' ';
	memcpy(both + a.n + 1, b.p, b.n);
	return word_find((struct slice){ both, a.n + 1 + b.n });
}

void build_rule_word(struct parse *p, const struct token *word)
{
	const struct word *pair;

	if (p->rule == NULL)
		return;
	pair = rule_pair(p, word);
	if (pair != NULL) {
		p->holding = false;
		p->held.len = word->offset + word->len - p->held.offset;
		rule_take(p, &p->held, pair);
		return;
	}
	rule_flush(p);
	p->held = *word;
	p->holding = true;
}

void build_rule_hang(struct role *role, struct rule *r)
{
	if (role == NULL)
		return;
	if (role->last != NULL)
		role->last->next = r;
	else
		role->rules = r;
	role->last = r;
	if (r->kind == RULE_EVERYTHING && role->everything == NULL)
		role->everything = r;
}

void build_rule_close(struct parse *p)
{
	struct rule *r = p->rule;

	if (r == NULL)
		return;
	rule_flush(p);
	p->rule = NULL;
	if (!r->scoped)
		r->scopes = r->kind == RULE_ALLOW ? SEE_OWN : SEE_ANY;
	r->nwords = p->words.len / sizeof(struct word *);
	if (r->nwords > 0) {
		r->words = load_alloc(p->load, p->words.len);
		if (r->words == NULL)
			return;
		memcpy(r->words, p->words.p, p->words.len);
	}
	build_rule_hang(p->role, r);
}

void build_rule_drop(struct parse *p)
{
	p->rule = NULL;
	p->holding = false;
	if (p->role != NULL)
		p->role->said = true;
}

/* ---- grants ---- */

static struct grantee_entry *grantee_new(struct policy *p,
    const struct grant *g)
{
	struct grantee_entry *e = arena_alloc(&p->arena, sizeof(*e));

	if (p->ngrantees == p->cap_grantees) {
		size_t cap = p->cap_grantees ? p->cap_grantees * 2 : 64;
		struct grantee_entry **more = reallocarray(p->grantees, cap,
		    sizeof(struct grantee_entry *));

		if (more == NULL)
			return NULL;
		p->grantees = more;
		p->cap_grantees = cap;
	}
	if (e == NULL)
		return NULL;
	e->kind = g->kind;
	e->name = g->name;
	if (table_add(&p->grantee_table[g->kind], slice_from(e->name), e) < 0)
		return NULL;
	p->grantees[p->ngrantees++] = e;
	return e;
}

int grantee_add(struct policy *p, struct grant *g)
{
	struct grantee_entry *e = table_find(&p->grantee_table[g->kind],
	    slice_from(g->name));

	if (e == NULL)
		e = grantee_new(p, g);
	if (e == NULL)
		return -ENOMEM;
	if (e->last != NULL)
		e->last->same = g;
	else
		e->first = g;
	e->last = g;
	return 0;
}

static bool grantee_sound(struct parse *p, enum grantee kind,
    const struct token *name)
{
	static const char *const kinds[] = { "user", "group", "service" };

	if (!name_sound(p, name, kinds[kind]))
		return false;
	if (kind != GRANT_GROUP && memchr(name->text.p, '/', name->text.n)) {
		parse_fault(p, name, "the name of a %s has no \"/\"",
		    kinds[kind]);
		return false;
	}
	if (p->load->policy->ngrants >= BOUND_GRANTS) {
		parse_fault(p, name, "more than %d grants", BOUND_GRANTS);
		return false;
	}
	return true;
}

void build_grant(struct parse *p, const struct token *role,
    enum grantee kind, const struct token *name)
{
	static const char *const kinds[] = { "user", "group", "service" };
	struct policy *policy = p->load->policy;
	struct grant *g;

	if (!name_sound(p, role, "role") || !grantee_sound(p, kind, name))
		return;
	g = load_alloc(p->load, sizeof(*g));
	if (g == NULL)
		return;
	g->kind = kind;
	g->at = place_of(p, role);
	g->role_name = arena_copy(&policy->arena, role->text);
	g->text = arena_format(&policy->arena, "%s %.*s", kinds[kind],
	    SLICE_ARG(name->text)).p;
	if (g->role_name.p == NULL || g->text == NULL) {
		p->load->failed = -ENOMEM;
		return;
	}
	g->name = g->text + strlen(kinds[kind]) + 1;
	if (grantee_add(policy, g) < 0) {
		p->load->failed = -ENOMEM;
		return;
	}
	if (policy->last_grant != NULL)
		policy->last_grant->next = g;
	else
		policy->grants = g;
	policy->last_grant = g;
	policy->ngrants++;
}
