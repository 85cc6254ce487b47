/*
 * bind.c: `bind' lines for one caller: home and name filled in, and the one by
 * which a path gets in.  Texts only: what links and mounts make of a path is
 * the guard's (dockbroker-oci), who opens it as the caller and holds it to
 * what rights_bind says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"

#define PATH_LONGEST	4095	/* PATH_MAX of the kernel, without the NUL */

/* A name becomes one part of a path, or the line is not for him. */
static bool name_fits(struct slice name)
{
	return name.n > 0 && memchr(name.p, '/', name.n) == NULL &&
	    !slice_is(name, ".") && !slice_is(name, "..");
}

/* Appends the path of a line; false: it is none for this caller. */
static bool bind_fill(const struct rights *r, struct slice path,
    struct buf *out)
{
	struct slice name = slice_from(r->name);
	size_t start = out->len;
	bool named = false;

	if (path.p[0] == '~') {
		if (!r->account || !r->account->home[0])
			return false;
		buf_addz(out, r->account->home);
		path.p++;
		path.n--;
	}
	while (path.n > 0) {
		bool user = slice_starts(path, SLICE("%u"));

		if (user)
			buf_adds(out, name);
		else
			buf_addc(out, path.p[0]);
		named = named || user;
		path.p += user ? 2 : 1;
		path.n -= user ? 2 : 1;
	}
	return out->len - start <= PATH_LONGEST &&
	    (!named || name_fits(name));
}

static size_t bind_count(const struct rights *r)
{
	size_t n = 0;

	for (size_t k = 0; k < r->nheld; k++)
		for (const struct item *i = r->held[k].role->items[ITEM_BIND];
		     i != NULL; i = i->next)
			n++;
	return n;
}

/* Paths are lengths until the last of them is in the buffer. */
static void bind_add(struct rights *r, const struct role *role,
    const struct item *line)
{
	struct buf *b = &r->bind_paths;
	size_t start = b->len;

	if (bind_fill(r, line->glob, b))
		r->binds[r->nbinds++] = (struct bound){ role, line,
			{ NULL, b->len - start } };
	else if (buf_ok(b))
		b->len = start;
}

int binds_compile(struct rights *r)
{
	size_t n = bind_count(r);
	const char *p;

	if (n == 0)
		return 0;
	r->binds = calloc(n, sizeof(*r->binds));
	if (r->binds == NULL)
		return -ENOMEM;
	r->bind_paths = BUF(SIZE_MAX / 2);
	for (size_t k = 0; k < r->nheld; k++)
		for (const struct item *i = r->held[k].role->items[ITEM_BIND];
		     i != NULL; i = i->next)
			bind_add(r, r->held[k].role, i);
	if (!buf_ok(&r->bind_paths))
		return -ENOMEM;
	p = r->bind_paths.p;
	for (size_t k = 0; k < r->nbinds; k++) {
		r->binds[k].path.p = p;
		p += r->binds[k].path.n;
	}
	return 0;
}

bool bind_account(const struct rights *r)
{
	return r->uid != OWNER_ANY_UID && r->uid != 0;
}

/* The longer one says more of a path; `unmapped' asks more of a container. */
static bool bind_better(const struct bound *a, const struct bound *b)
{
	if (b == NULL || a->path.n != b->path.n)
		return b == NULL || a->path.n > b->path.n;
	return b->line->unmapped && !a->line->unmapped;
}

const struct bound *bind_find(const struct rights *r, const struct role *role,
    struct slice path, bool writes)
{
	const struct bound *best = NULL;

	if (!path_sound(path))
		return NULL;
	for (size_t k = 0; k < r->nbinds; k++) {
		const struct bound *b = &r->binds[k];

		if (b->role == role && (!writes || slice_is(b->line->mode, "rw")) &&
		    path_below(path, b->path) && bind_better(b, best))
			best = b;
	}
	return best;
}

bool rights_bind(const struct rights *r, const struct verdict *v,
    struct slice path, bool writes, struct bind_line *out)
{
	const struct bound *b = NULL;

	for (size_t k = 0; v->allowed && k < r->nheld; k++)
		if (strcmp(r->held[k].role->name, v->role) == 0)
			b = bind_find(r, r->held[k].role, path, writes);
	if (b == NULL || !bind_account(r))
		return false;
	*out = (struct bind_line){ .within = b->path,
		.unmapped = b->line->unmapped, .file = b->line->at.file->name,
		.line = b->line->at.line };
	return true;
}
