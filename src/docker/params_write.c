/*
 * params_write.c: the query written anew from its model, with what the broker
 * forces.  Nothing of the client's bytes goes through: names come from the
 * table, values from what was checked.
 */
#include <stdlib.h>
#include <string.h>

#include "docker/names.h"
#include "docker/params_int.h"

#define NOTHING		"0000000000000000000000000000000000000000000000000000000000000000"

struct writer {
	const struct facts *f;
	const struct query_edits *e;
	struct buf *out;
	size_t written;
};

static void name_write(struct writer *w, const struct param *p)
{
	buf_addc(w->out, w->written++ > 0 ? '&' : '?');
	buf_add(w->out, p->shown + 1, p->length);	/* plain */
	buf_addc(w->out, '=');
}

/* ---- values ---- */

/* What matches no object; of this kind an id would look so. */
static struct slice nothing(enum object_kind kind)
{
	return kind == OBJECT_IMAGE ? SLICE("sha256:" NOTHING) : SLICE(NOTHING);
}

/* As asked, or the id of what it names, or what matches nothing. */
static struct slice object_text(const struct facts *f, int ref,
    struct slice asked)
{
	const struct ref *r;
	struct slice id;

	if (ref == REF_NEVER)
		return nothing(OBJECT_IMAGE);
	if (ref < 0 || (size_t)ref >= f->nrefs)
		return asked;
	r = &f->refs[ref];
	id = ref_written(f, r);
	if (id.p)
		return id;
	return r->filter && (r->state == REF_MISSING || r->state == REF_MANY) ?
	    nothing(r->kind) : asked;
}

static void plain_write(struct writer *w, const struct item *it)
{
	struct slice s = object_text(w->f, it->ref, it->value);

	name_write(w, it->param);
	if (it->param->effect == EFFECT_NETMODE && s.p != it->value.p &&
	    slice_starts(it->value, SLICE("container:")))
		buf_addz(w->out, "container%3A");
	http_encode(w->out, s);
}

static void entry_write(struct writer *w, struct buf *text,
    const struct entry *e)
{
	if (!e->value.p)
		buf_addz(text, "null");
	else
		buf_add_json_string(text, object_text(w->f, e->ref, e->value));
}

/* Of the caller's containers, which are all that he is shown, those that were
 * made to join a network of this name match by the name. */
static bool named_as_well(const struct writer *w, const struct entry *e)
{
	struct slice id;

	if (w->f->endpoint->id != EP_CONTAINER_LIST ||
	    !slice_is(e->key, "network") || e->ref < 0 ||
	    (size_t)e->ref >= w->f->nrefs)
		return false;
	id = ref_written(w->f, &w->f->refs[e->ref]);
	return id.p && !slice_equal(id, e->value);
}

/* ---- what answers see to ---- */

static bool is_volume(const struct entry *e)
{
	return slice_is(e->key, "volume") && e->value.p;
}

/* The filters of a container list, when one names a path as a volume. */
static const struct item *by_volume(const struct facts *f)
{
	const struct query *q = f->queried;

	for (size_t i = 0; q && f->endpoint->id == EP_CONTAINER_LIST &&
	    i < q->n; i++) {
		const struct item *it = &q->items[i];

		if (it->param->effect != EFFECT_FILTERS)
			continue;
		for (size_t k = 0; k < it->n; k++)
			if (is_volume(&it->entries[k]) &&
			    slice_starts(it->entries[k].value, SLICE("/")))
				return it;
	}
	return NULL;
}

bool query_volume(const struct facts *f, size_t i, struct slice *out)
{
	const struct item *it = by_volume(f);

	for (size_t k = 0; it && k < it->n; k++) {
		const struct entry *e = &it->entries[k];

		if (!is_volume(e) || i-- > 0)
			continue;
		*out = object_text(f, e->ref, e->value);
		return true;
	}
	return false;
}

/* Without those: how many are left at the beginning of all. */
static size_t volumes_drop(const struct facts *f, struct entry *all, size_t n)
{
	size_t kept = 0;

	if (!by_volume(f))
		return n;
	for (size_t i = 0; i < n; i++)
		if (!is_volume(&all[i]))
			all[kept++] = all[i];
	return kept;
}

/* ---- filters and other lists ---- */

/* {"k":{"v":true,..},..} */
static void filters_text(struct writer *w, const struct entry *all, size_t n,
    struct buf *text)
{
	buf_addc(text, '{');
	for (size_t i = 0; i < n; i++) {
		bool first = i == 0 || !slice_equal(all[i - 1].key, all[i].key);

		if (first) {
			buf_addz(text, i == 0 ? "" : "},");
			buf_add_json_string(text, all[i].key);
			buf_addz(text, ":{");
		} else {
			buf_addc(text, ',');
		}
		entry_write(w, text, &all[i]);
		buf_addz(text, ":true");
		/* what was never started has its networks by name only */
		if (named_as_well(w, &all[i])) {
			buf_addc(text, ',');
			buf_add_json_string(text, all[i].value);
			buf_addz(text, ":true");
		}
	}
	buf_addz(text, n > 0 ? "}}" : "}");
}

static void entries_text(struct writer *w, const struct param *p,
    const struct entry *all, size_t n, struct buf *text)
{
	bool list = p->type == TYPE_LIST;

	if (p->type == TYPE_FILTERS) {
		filters_text(w, all, n, text);
		return;
	}
	buf_addc(text, list ? '[' : '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(text, ',');
		if (!list) {
			buf_add_json_string(text, all[i].key);
			buf_addc(text, ':');
		}
		entry_write(w, text, &all[i]);
	}
	buf_addc(text, list ? ']' : '}');
}

static void entries_write(struct writer *w, const struct param *p,
    const struct entry *all, size_t n)
{
	_cleanup_(buf_free) struct buf text = BUF(8 * BOUND_TARGET);

	entries_text(w, p, all, n, &text);
	if (!buf_ok(&text)) {
		w->out->failed = true;
		return;
	}
	name_write(w, p);
	http_encode(w->out, buf_slice(&text));
}

/* ---- what is forced ---- */

/* Entries and pairs as one list, in order; of a key both have, the pair's value
 * where a key has one value only. */
static void joined_write(struct writer *w, const struct param *p,
    const struct item *it, const struct pair *pairs, size_t npairs)
{
	size_t n = it ? it->n : 0, kept = 0;
	struct entry *all = calloc(n + npairs, sizeof(*all));

	if (!all) {
		w->out->failed = true;
		return;
	}
	if (n > 0)
		memcpy(all, it->entries, n * sizeof(*all));
	for (size_t i = 0; i < npairs; i++)
		all[n++] = (struct entry){ pairs[i].key, pairs[i].value,
		    NO_REF };
	n = volumes_drop(w->f, all, n);
	qsort(all, n, sizeof(*all), entry_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || entry_order(&all[i - 1], &all[i]) != 0)
			all[kept++] = all[i];
	if (kept > 0)
		entries_write(w, p, all, kept);
	free(all);
}

/* An endpoint's row of that name in this version, NULL when it has none. */
static const struct param *row(const struct facts *f, const char *name)
{
	size_t i = param_find(f->endpoint->id, f->queried->first,
	    slice_from(name));

	return i == NO_PARAM || f->minor < param_table[i].since ||
	    f->minor > param_table[i].until ? NULL : &param_table[i];
}

static const struct item *asked(const struct writer *w, const struct param *p)
{
	for (size_t i = 0; i < w->f->queried->n; i++)
		if (w->f->queried->items[i].param == p)
			return &w->f->queried->items[i];
	return NULL;
}

/* What the edits write themselves. */
struct forced {
	const struct param *filters, *labels, *limit, *all, *cgroup;
};

static struct forced forced_find(const struct writer *w)
{
	const struct query_edits *e = w->e;
	struct forced x = { 0 };

	if (e->nfilters > 0 || by_volume(w->f))
		x.filters = row(w->f, "filters");
	if (e->nlabels > 0)
		x.labels = row(w->f, "labels");
	if (e->cgroup_parent.n > 0)
		x.cgroup = row(w->f, "cgroupparent");
	if ((e->no_limit || by_volume(w->f)) && query_limit(w->f) > 0) {
		/* a limit shows stopped ones as well */
		x.limit = row(w->f, "limit");
		x.all = row(w->f, "all");
	}
	return x;
}

static void forced_write(struct writer *w, const struct forced *x)
{
	const struct query_edits *e = w->e;

	if (x->filters)
		joined_write(w, x->filters, asked(w, x->filters), e->filters,
		    e->nfilters);
	if (x->labels)
		joined_write(w, x->labels, asked(w, x->labels), e->labels,
		    e->nlabels);
	if (x->all) {
		name_write(w, x->all);
		buf_addc(w->out, '1');
	}
	if (x->cgroup) {
		name_write(w, x->cgroup);
		http_encode(w->out, e->cgroup_parent);
	}
}

void query_write(const struct facts *f, const struct query_edits *e,
    struct buf *out)
{
	static const struct query_edits none;
	struct writer w = { .f = f, .e = e ? e : &none, .out = out };
	struct forced x;

	if (!f->queried)
		return;
	x = forced_find(&w);
	for (size_t i = 0; i < f->queried->n; i++) {
		const struct item *it = &f->queried->items[i];
		const struct param *p = it->param;

		if (p == x.filters || p == x.labels || p == x.limit ||
		    p == x.all || p == x.cgroup)
			continue;
		if (it->entries)
			entries_write(&w, p, it->entries, it->n);
		else
			plain_write(&w, it);
	}
	forced_write(&w, &x);
}

uint64_t query_limit(const struct facts *f)
{
	uint64_t n = 0;

	if (!f->queried)
		return 0;
	for (size_t i = 0; i < f->queried->n; i++)
		if (f->queried->items[i].param->effect == EFFECT_LIMIT &&
		    !slice_number(f->queried->items[i].value, INT64_MAX, &n))
			n = 0;		/* -1 */
	return n;
}
