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
		if (!rights_denied(r, id) &&
		    rule_about(role, RULE_ALLOW, id) != NULL &&
		    (role->everything != NULL ||
		    (endpoint_get(id)->flags & REACHES) == 0))
			endpoint_set_add(&s, id);
	return s;
}

/* "volume rm" goes without saying where "volume" is said. */
static bool said_by_noun(const struct word *w, const struct endpoint_set *may)
{
	struct slice rest = w->text, noun = slice_cut(&rest, ' ');
	const struct word *n = word_find(noun);

	return rest.n > 0 && n != NULL && !n->action && covers(may, &n->allow);
}

static void add_item(struct buf *json, bool *first, struct slice text)
{
	if (!*first)
		buf_addc(json, ',');
	*first = false;
	buf_add_json_string(json, text);
}

static struct endpoint_set list_words(const struct endpoint_set *may,
    struct buf *json)
{
	struct endpoint_set said = { 0 };
	const struct word *all = word_find(SLICE("all"));
	bool first = true, every = all != NULL && covers(may, &all->allow);

	for (size_t i = 0; i < word_count(); i++) {
		const struct word *w = word_get(i);

		if (w->action || (every && w != all) ||
		    !covers(may, &w->allow))
			continue;
		endpoint_set_join(&said, &w->allow);
		if (!said_by_noun(w, may))
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

/* [{"words":["run"],"on":"own"}]: the statements, as they were written. */
static void list_scopes(const struct role *role, struct buf *json)
{
	_cleanup_(buf_free) struct buf on = BUF(BOUND_POLICY_FILE);
	bool first = true;

	buf_addz(json, ",\"scopes\":[");
	for (const struct rule *u = role->rules; u != NULL; u = u->next) {
		bool word = true;

		if (u->kind != RULE_ALLOW && u->kind != RULE_DENY)
			continue;
		buf_addf(json, "%s{\"%s\":[", first ? "" : ",",
		    u->kind == RULE_ALLOW ? "allow" : "deny");
		for (size_t i = 0; i < u->nwords; i++)
			add_item(json, &word, u->words[i]->text);
		buf_reset(&on);
		print_scope(&on, u);
		buf_addz(json, "],\"on\":");
		buf_add_json_string(json, on.len > 4 ? (struct slice){
			on.p + 4, on.len - 4 } : SLICE(""));
		buf_addc(json, '}');
		first = false;
	}
	buf_addc(json, ']');
}

static bool narrows(enum item_kind kind)
{
	return kind == ITEM_IMAGE || kind == ITEM_TAG || kind == ITEM_COMMAND ||
	    kind == ITEM_EXEC_AS;
}

/* ,"permits":["bind ~ rw"]: lines of one sort, as they may be written. */
static void list_items(const struct role *role, const char *key, bool narrow,
    struct buf *json)
{
	_cleanup_(buf_free) struct buf line = BUF(BOUND_POLICY_FILE);
	bool first = true;

	buf_addf(json, ",\"%s\":[", key);
	for (unsigned k = 0; k < ITEM_LIMIT; k++)
		for (const struct item *i = role->items[k]; i != NULL;
		     i = i->next) {
			if (narrows(i->kind) != narrow)
				continue;
			buf_reset(&line);
			buf_addz(&line, item_head(i->kind));
			if (i->text.n > 0)
				buf_addc(&line, ' ');
			print_value(&line, i);
			add_item(json, &first, buf_slice(&line));
		}
	buf_addc(json, ']');
}

static void list_limits(const struct role *role, struct buf *json)
{
	bool first = true;

	buf_addz(json, ",\"limits\":[");
	for (unsigned n = 0; n < LIMIT_NAMES; n++)
		if (role->limits[n] != NULL)
			add_item(json, &first, role->limits[n]->text);
	buf_addc(json, ']');
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
	said = list_words(&may, json);
	buf_addz(json, "],\"actions\":[");
	list_actions(&may, &said, json);
	buf_addf(json, "],\"privileged\":%s",
	    h->role->everything != NULL ? "true" : "false");
	list_scopes(h->role, json);
	list_items(h->role, "permits", false, json);
	list_items(h->role, "narrows", true, json);
	list_limits(h->role, json);
	buf_addc(json, '}');
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
