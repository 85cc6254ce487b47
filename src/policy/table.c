/*
 * table.c: names to things, open addressing.  Keys come from the policy file,
 * whose writer is trusted not to attack the hash; callers only look up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"

struct table_slot {
	struct slice key;
	uint32_t hash;
	void *value;			/* NULL: free */
};

static uint32_t table_hash(struct slice key)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (unsigned char)key.p[i]) * 16777619u;
	return h ^ h >> 15;
}

void table_free(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

void *table_find(const struct table *t, struct slice key)
{
	uint32_t h = table_hash(key);

	if (t->size == 0)
		return NULL;
	for (size_t i = h & (t->size - 1);; i = (i + 1) & (t->size - 1)) {
		const struct table_slot *s = &t->slots[i];

		if (s->value == NULL)
			return NULL;
		if (s->hash == h && slice_equal(s->key, key))
			return s->value;
	}
}

static void table_put(struct table *t, const struct table_slot *new)
{
	size_t i = new->hash & (t->size - 1);

	while (t->slots[i].value != NULL)
		i = (i + 1) & (t->size - 1);
	t->slots[i] = *new;
}

/* Half of the slots stay free, so that a search always ends. */
static int table_grow(struct table *t)
{
	struct table bigger = { .size = t->size ? t->size * 2 : 64, .n = t->n };

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++)
		if (t->slots[i].value != NULL)
			table_put(&bigger, &t->slots[i]);
	free(t->slots);
	*t = bigger;
	return 0;
}

int table_add(struct table *t, struct slice key, void *value)
{
	struct table_slot slot = { key, table_hash(key), value };

	if ((t->n + 1) * 2 > t->size) {
		int r = table_grow(t);

		if (r < 0)
			return r;
	}
	table_put(t, &slot);
	t->n++;
	return 0;
}
