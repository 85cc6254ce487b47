/*
 * fields.c: the table of record fields (fields.def), as data.
 */
#include <string.h>

#include "dockbroker/audit.h"

struct row {
	const char *name;
	const char *doc;
	enum field_type type;
};

static const struct row rows[FIELD_COUNT] = {
#define FIELD(id, name, type, doc)	[FIELD_##id] = { name, doc, type },
#include "dockbroker/fields.def"
};

static const struct row *row_of(enum field f)
{
	static const struct row none = { "", "", FIELD_TEXT };

	if (f <= FIELD_NONE || f >= FIELD_COUNT)
		return &none;
	return &rows[f];
}

const char *field_name(enum field f)
{
	return row_of(f)->name;
}

enum field_type field_type(enum field f)
{
	return row_of(f)->type;
}

const char *field_doc(enum field f)
{
	return row_of(f)->doc;
}

enum field field_find(struct slice name)
{
	for (enum field f = FIELD_NONE + 1; f < FIELD_COUNT; f++)
		if (slice_is(name, rows[f].name))
			return f;
	return FIELD_NONE;
}
