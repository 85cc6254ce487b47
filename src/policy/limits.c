/*
 * limits.c: the numbers of `limit', read and printed.  Sizes are bytes, cpus
 * billionths of one.
 */
#include <errno.h>
#include <string.h>

#include "policy/policy_int.h"

#define NANO	INT64_C(1000000000)

static const char *const names[LIMIT_NAMES] = {
	"containers", "memory", "cpus", "pids", "ports", "volumes", "networks"
};

const char *limit_word(enum limit_name n)
{
	return names[n];
}

/* "1.5" -> 1500000000; at most nine digits behind the point. */
static bool cpus_parse(struct slice s, uint64_t *out)
{
	struct slice part = s, whole = slice_cut(&part, '.');
	uint64_t unit = NANO;

	if (!slice_number(whole, 1000000, out))
		return false;
	*out *= NANO;
	if (whole.n == s.n)
		return true;
	if (part.n == 0 || part.n > 9)
		return false;
	for (size_t k = 0; k < part.n; k++) {
		if (part.p[k] < '0' || part.p[k] > '9')
			return false;
		unit /= 10;
		*out += unit * (uint64_t)(part.p[k] - '0');
	}
	return true;
}

static bool number_parse(enum limit_name n, struct slice s, int64_t *out)
{
	uint64_t v;
	bool good = n == LIMIT_MEMORY ? size_parse(s, INT64_MAX, &v) :
	    n == LIMIT_CPUS ? cpus_parse(s, &v) :
	    slice_number(s, 1000000000, &v);

	*out = good ? (int64_t)v : -1;
	return good;
}

static void memory_print(int64_t v, struct buf *out)
{
	static const char units[] = "tgmk";
	unsigned shift = 40;

	for (size_t i = 0; i < 4; i++, shift -= 10)
		if (v != 0 && (v & ((INT64_C(1) << shift) - 1)) == 0) {
			buf_addf(out, "%lld%c", (long long)(v >> shift), units[i]);
			return;
		}
	buf_addi(out, v);
}

void limit_print(enum limit_name n, int64_t v, struct buf *out)
{
	int64_t rest = v % NANO, unit = NANO / 10;

	if (n == LIMIT_MEMORY) {
		memory_print(v, out);
		return;
	}
	buf_addi(out, n == LIMIT_CPUS ? v / NANO : v);
	if (n != LIMIT_CPUS || rest == 0)
		return;
	buf_addc(out, '.');
	for (; rest > 0; unit /= 10) {
		buf_addi(out, rest / unit);
		rest %= unit;
	}
}

static bool name_find(struct parse *p, struct item *i, const struct token *t)
{
	struct slice best;
	unsigned distance;

	nearest_init(t->text, &best, &distance);
	for (unsigned k = 0; k < LIMIT_NAMES; k++) {
		nearest_try(t->text, slice_from(names[k]), &best, &distance);
		if (!slice_is(t->text, names[k]))
			continue;
		i->limit = (enum limit_name)k;
		return true;
	}
	if (best.n > 0)
		parse_fault(p, t, "unknown word \"%.*s\"; did you mean \"%.*s\"?",
		    (int)(t->text.n < BOUND_NAME ? t->text.n : BOUND_NAME),
		    t->text.p, SLICE_ARG(best));
	else
		parse_fault(p, t, "unknown word \"%.*s\": limits are for containers, memory, cpus, pids, ports, volumes and networks",
		    (int)(t->text.n < BOUND_NAME ? t->text.n : BOUND_NAME),
		    t->text.p);
	return false;
}

static bool is_name(const struct token *t)
{
	for (size_t k = 0; k < LIMIT_NAMES; k++)
		if (slice_is(t->text, names[k]))
			return true;
	return false;
}

static bool number_read(struct parse *p, const struct item *i,
    const struct token *before, size_t left, int64_t *out)
{
	if (left == 0) {
		struct token t = p->token;

		parse_fault(p, &t, "\"%.*s\" needs a number",
		    SLICE_ARG(before->text));
		return false;
	}
	if (number_parse(i->limit, before[1].text, out))
		return true;
	parse_fault(p, &before[1], i->limit == LIMIT_MEMORY ?
	    "expected a size such as \"512m\" or \"8g\"" :
	    i->limit == LIMIT_CPUS ? "expected a number such as \"4\" or \"1.5\"" :
	    "expected a number");
	return false;
}

static bool is_part(const struct token *t)
{
	return slice_is(t->text, "each") || slice_is(t->text, "default");
}

/* each N, default N. */
static bool part_read(struct parse *p, struct item *i, const struct token *t,
    size_t left)
{
	bool each = slice_is(t->text, "each");
	int64_t *out = each ? &i->each : &i->open;

	if (i->limit != LIMIT_MEMORY && i->limit != LIMIT_CPUS &&
	    i->limit != LIMIT_PIDS) {
		parse_fault(p, t, "\"%.*s\" goes with memory, cpus and pids only",
		    SLICE_ARG(t->text));
		return false;
	}
	if (*out >= 0) {
		parse_fault(p, t, "\"%.*s\" stands twice", SLICE_ARG(t->text));
		return false;
	}
	if (!number_read(p, i, t, left, out))
		return false;
	if (*out == 0 || *out > i->most ||
	    (i->each >= 0 && i->open > i->each)) {
		parse_fault(p, &t[1], *out == 0 ? "nothing could be made with 0" :
		    "this is more than the limit before it");
		return false;
	}
	return true;
}

/* A container's limit of 0 would be none. */
static bool not_nothing(struct parse *p, const struct item *i,
    const struct token *t)
{
	if (i->most > 0 || (i->limit != LIMIT_MEMORY && i->limit != LIMIT_CPUS &&
	    i->limit != LIMIT_PIDS))
		return true;
	parse_fault(p, t, "nothing could be made with 0");
	return false;
}

static bool limit_text(struct parse *p, struct item *i)
{
	_cleanup_(buf_free) struct buf b = BUF(512);

	buf_addf(&b, "%s ", names[i->limit]);
	limit_print(i->limit, i->most, &b);
	if (i->each >= 0) {
		buf_addz(&b, " each ");
		limit_print(i->limit, i->each, &b);
	}
	if (i->open >= 0) {
		buf_addz(&b, " default ");
		limit_print(i->limit, i->open, &b);
	}
	i->text.p = load_copy(p->load, buf_slice(&b));
	i->text.n = i->text.p != NULL ? b.len : 0;
	return i->text.p != NULL;
}

size_t limit_take(struct parse *p, struct item *i, const struct token *t,
    size_t n)
{
	size_t taken = 2;
	bool good;

	i->each = i->open = -1;
	if (!name_find(p, i, t)) {	/* what follows belongs to it */
		for (taken = 1; taken < n && !is_name(&t[taken]); taken++)
			;
		return taken;
	}
	good = number_read(p, i, t, n - 1, &i->most) &&
	    not_nothing(p, i, &t[1]);
	while (taken < n && is_part(&t[taken])) {
		if (good)
			good = part_read(p, i, &t[taken], n - taken - 1);
		taken += 2;
	}
	if (good)
		limit_text(p, i);
	return taken < n ? taken : n;
}
