/*
 * list.c: what a caller may, as JSON for `dockbroker list'.
 */
#include <string.h>

#include "policy/policy_int.h"

static bool covers(const struct endpoint_set *whole,
    const struct endpoint_set *part)
{
	for (size_t i = 0; i < countof(whole->bits); i++)
		if (part->bits[i] & ~whole->bits[i])
			return false;
	return true;
}

/* What one role gives this caller: its permits, less what any role denies,
 * less what reaches out where the role does not say so. */
static struct endpoint_set effective(const struct rights *r,
    const struct role *role)
{
	struct endpoint_set s = { 0 };

	for (unsigned id = 0; id < EP_COUNT; id++)
		if (r->deny[id].held == NULL &&
		    rule_about(role, RULE_ALLOW, id) != NULL &&
		    (role->privileged != NULL ||
		    (endpoint_get(id)->flags & REACHES) == 0))
			endpoint_set_add(&s, id);
	return s;
}

/* "volume rm" goes without saying where "volume" is said. */
static bool said_by_noun(const struct policy *p, const struct word *w,
    const struct endpoint_set *may)
{
	struct slice rest = w->text, noun = slice_cut(&rest, ' ');
	const struct word *n = table_find(&p->word_table, noun);

	return rest.n > 0 && n != NULL && !n->action && covers(may, &n->allow);
}

static void add_item(struct buf *json, bool *first, struct slice text)
{
	if (!*first)
		buf_addc(json, ',');
	*first = false;
	buf_add_json_string(json, text);
}

static struct endpoint_set list_words(const struct policy *p,
    const struct endpoint_set *may, struct buf *json)
{
	struct endpoint_set said = { 0 };
	const struct word *all = table_find(&p->word_table, SLICE("all"));
	bool first = true, every = all != NULL && covers(may, &all->allow);

	for (size_t i = 0; i < p->nwords; i++) {
		const struct word *w = &p->words[i];

		if (w->action || (every && w != all) ||
		    !covers(may, &w->allow))
			continue;
		endpoint_set_join(&said, &w->allow);
		if (!said_by_noun(p, w, may))
			add_item(json, &first, w->text);
	}
	return said;
}

static void list_actions(const struct endpoint_set *may,
    const struct endpoint_set *said, struct buf *json)
{
	bool first = true;
	const char *before = "";

	for (unsigned id = 0; id < EP_COUNT; id++) {
		const char *action = endpoint_get(id)->action;

		if (!endpoint_set_has(may, id) || endpoint_set_has(said, id) ||
		    strcmp(action, before) == 0)
			continue;
		add_item(json, &first, slice_from(action));
		before = action;
	}
}

static void list_role(const struct rights *r, const struct held *h,
    struct buf *json)
{
	struct endpoint_set may = effective(r, h->role), said;
	const struct place *at = &h->grant->at;

	buf_addz(json, "{\"role\":");
	buf_add_json_string(json, slice_from(h->role->name));
	buf_addz(json, ",\"grant\":");
	buf_add_json_string(json, slice_from(h->grant->text));
	buf_addz(json, ",\"file\":");
	buf_add_json_string(json, slice_from(at->file ? at->file->name : ""));
	buf_addf(json, ",\"line\":%u,\"words\":[", at->line);
	said = list_words(r->policy, &may, json);
	buf_addz(json, "],\"actions\":[");
	list_actions(&may, &said, json);
	buf_addf(json, "],\"privileged\":%s}",
	    h->role->privileged != NULL ? "true" : "false");
}

void rights_list(const struct rights *r, struct buf *json)
{
	buf_addz(json, "{\"user\":");
	buf_add_json_string(json, slice_from(r->name));
	buf_addz(json, ",\"roles\":[");
	for (size_t i = 0; i < r->nheld; i++) {
		buf_addz(json, i > 0 ? "," : "");
		list_role(r, &r->held[i], json);
	}
	buf_addz(json, "]}");
}
