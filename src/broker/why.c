/*
 * why.c: the last refusals, kept for `dockbroker why NUMBER'.  A ring; one
 * user can push out only what is older than BOUND_WHY_UID of his own, so that
 * he cannot hide from others why they were refused.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"

/* The slot to use: a free one, else this user's oldest if he has his share,
 * else the oldest of all. */
static struct reason *reason_slot(struct reasons *all, uint32_t uid)
{
	struct reason *oldest = NULL, *own = NULL;
	size_t mine = 0;

	for (size_t i = 0; i < BOUND_WHY; i++) {
		struct reason *r = &all->ring[i];
		if (!r->text)
			return mine < BOUND_WHY_UID ? r : own;
		if (!oldest || r->id < oldest->id)
			oldest = r;
		if (r->uid != uid)
			continue;
		mine++;
		if (!own || r->id < own->id)
			own = r;
	}
	return mine >= BOUND_WHY_UID ? own : oldest;
}

void reason_keep(struct broker *b, uint64_t id, uint32_t uid, struct slice text)
{
	char *copy = strndup(text.p, text.n);

	if (!copy)
		return;
	struct reason *r = reason_slot(&b->reasons, uid);
	free(r->text);
	*r = (struct reason){ .id = id, .uid = uid, .text = copy };
}

int reason_find(struct broker *b, uint64_t id, uint32_t uid, const char **text)
{
	for (size_t i = 0; i < BOUND_WHY; i++) {
		struct reason *r = &b->reasons.ring[i];
		if (r->text && r->id == id && (uid == 0 || uid == r->uid)) {
			*text = r->text;
			return 0;
		}
	}
	return 1;
}

/* The newest one of uid's before id; NULL none. */
static const struct reason *reason_before(const struct broker *b, uint64_t id, uint32_t uid)
{
	const struct reason *best = NULL;

	for (size_t i = 0; i < BOUND_WHY; i++) {
		const struct reason *r = &b->reasons.ring[i];
		if (r->text && r->uid == uid && r->id < id && (!best || r->id > best->id))
			best = r;
	}
	return best;
}

size_t reason_last(struct broker *b, uint32_t uid, size_t most, struct buf *out)
{
	const struct reason *last[16], *r = NULL;
	size_t n = 0;

	while (n < most && n < countof(last) &&
	    (r = reason_before(b, r ? r->id : UINT64_MAX, uid)) != NULL)
		last[n++] = r;
	for (size_t i = n; i > 0; i--) {	/* the newest is read last */
		buf_addf(out, "%srequest %llu\n", i < n ? "\n" : "",
		    (unsigned long long)last[i - 1]->id);
		buf_addz(out, last[i - 1]->text);
	}
	return n;
}

void reasons_free(struct broker *b)
{
	for (size_t i = 0; i < BOUND_WHY; i++)
		free(b->reasons.ring[i].text);
}
