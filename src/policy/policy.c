/*
 * policy.c: a loaded policy from outside: its life, its hash, whom it names.
 */
#include <stdlib.h>

#include "policy/policy_int.h"

struct policy *policy_ref(struct policy *p)
{
	p->refs++;
	return p;
}

struct policy *policy_unref(struct policy *p)
{
	if (p == NULL || --p->refs > 0)
		return NULL;
	table_free(&p->role_table);
	for (size_t i = 0; i < countof(p->grantee_table); i++)
		table_free(&p->grantee_table[i]);
	free(p->grantees);
	arena_free(&p->arena);
	free(p);
	return NULL;
}

const char *policy_hash(const struct policy *p)
{
	return p->hash;
}

size_t policy_role_count(const struct policy *p)
{
	return p->nroles;
}

bool rights_want_labels(const struct policy *p)
{
	return p->labels;
}

bool policy_grantee(const struct policy *p, size_t i, enum grantee *kind,
    const char **name)
{
	if (i >= p->ngrantees)
		return false;
	*kind = p->grantees[i]->kind;
	*name = p->grantees[i]->name;
	return true;
}
