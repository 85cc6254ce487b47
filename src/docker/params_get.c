/* params_get.c: single parameters, for who has to know more than facts tell. */
#include <string.h>

#include "docker/params_int.h"

static const struct item *item_named(const struct facts *f, const char *name)
{
	const struct query *q = f->queried;

	for (size_t i = 0; q && i < q->n; i++)
		if (!strcmp(q->items[i].param->shown + 1, name))
			return &q->items[i];
	return NULL;
}

struct slice query_text(const struct facts *f, const char *name)
{
	const struct item *it = item_named(f, name);

	return it ? it->value : SLICE_NONE;
}

bool query_pair(const struct facts *f, const char *name, size_t i, struct pair *out)
{
	const struct item *it = item_named(f, name);

	if (!it || i >= it->n)
		return false;
	*out = (struct pair){ it->entries[i].key, it->entries[i].value };
	return true;
}
