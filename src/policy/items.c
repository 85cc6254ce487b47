/*
 * items.c: the statements of a role beside allow and deny, and the scopes of
 * these.  One table says which there are and how their values are read; a
 * statement becomes a list of items, and each item hangs in its role as well,
 * by its kind, for the decision.
 */
#include <errno.h>
#include <string.h>

#include "policy/policy_int.h"

#define ITEMS_MAX	1024	/* of one kind in a role: each is looked at in a decision */

static const struct head {
	const char *word, *second;	/* second: NULL, or what has to follow */
	enum item_kind kind;
	const char *needs;		/* what is missing without a value; NULL: none needed */
} heads[] = {
	{ "image", NULL, ITEM_IMAGE, "the name of an image" },
	{ "tag", NULL, ITEM_TAG, "the name of an image" },
	{ "bind", NULL, ITEM_BIND, "a path" },
	{ "publish", NULL, ITEM_PUBLISH, "a port, \"random\" or \"any\"" },
	{ "capability", NULL, ITEM_CAPABILITY, "a capability or \"all\"" },
	{ "device", NULL, ITEM_DEVICE, "a path" },
	{ "gpu", NULL, ITEM_GPU, "a number, an id or \"all\"" },
	{ "host", NULL, ITEM_HOST, "the name of a namespace" },
	{ "network", "driver", ITEM_NETWORK_DRIVER, "the name of a driver" },
	{ "network", "option", ITEM_NETWORK_OPTION, "an option" },
	{ "network", "subnet", ITEM_NETWORK_SUBNET, "a subnet or \"any\"" },
	{ "network", "address", ITEM_NETWORK_ADDRESS, NULL },
	{ "network", "mac", ITEM_NETWORK_MAC, NULL },
	{ "network", "host-gateway", ITEM_NETWORK_HOST_GATEWAY, NULL },
	{ "network", NULL, ITEM_NETWORK, "the name of a network" },
	{ "driver", "option", ITEM_DRIVER_OPTION, "an option" },
	{ "driver", "storage", ITEM_DRIVER_STORAGE, "an option" },
	{ "driver", NULL, ITEM_DRIVER, "the name of a volume driver" },
	{ "security", NULL, ITEM_SECURITY, "a security option" },
	{ "sysctl", NULL, ITEM_SYSCTL, "the name of a sysctl" },
	{ "runtime", "annotation", ITEM_RUNTIME_ANNOTATION, "an annotation" },
	{ "runtime", NULL, ITEM_RUNTIME, "the name of a runtime" },
	{ "logdriver", "option", ITEM_LOGDRIVER_OPTION, "an option" },
	{ "logdriver", NULL, ITEM_LOGDRIVER, "the name of a log driver" },
	{ "command", NULL, ITEM_COMMAND, "a pattern" },
	{ "exec", "as", ITEM_EXEC_AS, "a user or \"default\"" },
	{ "remote", NULL, ITEM_REMOTE, "an address" },
	{ "privileged", NULL, ITEM_PRIVILEGED, NULL },
	{ "limit", NULL, ITEM_LIMIT, "what is limited, and a number" },
};

const char *item_word_at(size_t i)
{
	return i < countof(heads) ? heads[i].word : NULL;
}

const char *item_word(struct slice s)
{
	for (size_t i = 0; i < countof(heads); i++)
		if (slice_is(s, heads[i].word))
			return heads[i].word;
	return NULL;
}

const char *item_head(enum item_kind kind)
{
	static const char *const two[ITEM_KINDS] = {
		[ITEM_NETWORK_DRIVER] = "network driver",
		[ITEM_NETWORK_OPTION] = "network option",
		[ITEM_NETWORK_SUBNET] = "network subnet",
		[ITEM_NETWORK_ADDRESS] = "network address",
		[ITEM_NETWORK_MAC] = "network mac",
		[ITEM_NETWORK_HOST_GATEWAY] = "network host-gateway",
		[ITEM_DRIVER_OPTION] = "driver option",
		[ITEM_DRIVER_STORAGE] = "driver storage",
		[ITEM_RUNTIME_ANNOTATION] = "runtime annotation",
		[ITEM_LOGDRIVER_OPTION] = "logdriver option",
		[ITEM_EXEC_AS] = "exec as",
	};

	if (two[kind] != NULL)
		return two[kind];
	for (size_t i = 0; i < countof(heads); i++)
		if (heads[i].kind == kind)
			return heads[i].word;
	return "";
}

bool item_is_head(enum item_kind kind, struct slice text)
{
	const char *word = item_head(kind);

	for (size_t i = 0; i < countof(heads); i++)
		if (heads[i].second != NULL && strcmp(heads[i].word, word) == 0 &&
		    slice_is(text, heads[i].second))
			return true;
	return false;
}

/* ---- arguments ---- */

void build_args_open(struct parse *p)
{
	buf_reset(&p->args);
}

void build_arg(struct parse *p, const struct token *t)
{
	buf_add(&p->args, t, sizeof(*t));
	if (!buf_ok(&p->args))
		p->load->failed = -ENOMEM;
}

static size_t arg_count(const struct parse *p)
{
	return p->args.len / sizeof(struct token);
}

static const struct token *arg_get(const struct parse *p, size_t i)
{
	return i < arg_count(p) ?
	    (const struct token *)(const void *)p->args.p + i : NULL;
}

/* "own, team": the comma is no part of the word.  Inside of words it parts
 * only where no word can hold one. */
static void drop_commas(struct parse *p, bool inside)
{
	_cleanup_(buf_free) struct buf all = p->args;
	size_t n = arg_count(p);

	p->args = BUF(all.max);
	for (size_t i = 0; i < n; i++) {
		struct token t = ((const struct token *)(const void *)all.p)[i];
		struct slice rest = t.text;

		if (t.quoted) {
			build_arg(p, &t);
			continue;
		}
		if (!inside && rest.n > 0 && rest.p[rest.n - 1] == ',')
			rest.n--;
		while (rest.n > 0) {
			const char *at = rest.p;

			t.text = slice_cut(&rest, inside ? ',' : '\n');
			t.len = t.text.n;
			if (t.len > 0)
				build_arg(p, &t);
			t.offset += (size_t)(rest.p - at);
		}
	}
}

/* Where something is missing: one behind the last token. */
static void missing(struct parse *p, const char *word, const char *what)
{
	struct token t = p->token;

	parse_fault(p, &t, "\"%s\" needs %s", word, what);
}

/* ---- scopes ---- */

static struct item *scope_pattern(struct parse *p, enum item_kind kind,
    const struct token *t)
{
	struct item *i = load_alloc(p->load, sizeof(*i));

	if (i == NULL)
		return NULL;
	i->kind = kind;
	i->at = place_of(p, t);
	if (!value_read(p, i, t))
		return NULL;
	for (const struct item *o = p->rule->on; o != NULL; o = o->more)
		if (o->kind == kind && slice_equal(o->text, i->text))
			parse_fault(p, t, "\"%.*s\" stands twice in this statement",
			    SLICE_ARG(i->text));
	if (p->rule->last_on != NULL)
		p->rule->last_on->more = i;
	else
		p->rule->on = i;
	p->rule->last_on = i;
	return i;
}

/* label KEY=GLOB, name GLOB.  How many args it took. */
static size_t scope_long(struct parse *p, size_t at, bool label)
{
	const struct token *t = arg_get(p, at + 1);

	if (t == NULL) {
		missing(p, label ? "label" : "name",
		    label ? "KEY=PATTERN" : "a pattern");
		return 1;
	}
	scope_pattern(p, label ? ITEM_LABEL : ITEM_NAME, t);
	p->rule->scopes |= label ? SEE_LABEL : SEE_NAME;
	if (label)
		p->load->policy->labels = true;
	return 2;
}

static size_t scope_one(struct parse *p, size_t at)
{
	static const char *const names[] = { "own", "team", "any" };
	const struct token *t = arg_get(p, at);
	struct slice best;
	unsigned distance;

	if (slice_is(t->text, "label") || slice_is(t->text, "name"))
		return scope_long(p, at, slice_is(t->text, "label"));
	nearest_init(t->text, &best, &distance);
	for (size_t i = 0; i < countof(names); i++) {
		nearest_try(t->text, slice_from(names[i]), &best, &distance);
		if (!slice_is(t->text, names[i]))
			continue;
		if (p->rule->scopes & 1u << i)
			parse_fault(p, t, "\"%s\" stands twice in this statement",
			    names[i]);
		p->rule->scopes |= 1u << i;
		return 1;
	}
	if (best.n > 0)
		parse_fault(p, t, "unknown word \"%.*s\"; did you mean \"%.*s\"?",
		    (int)(t->text.n < BOUND_NAME ? t->text.n : BOUND_NAME),
		    t->text.p, SLICE_ARG(best));
	else
		parse_fault(p, t, "unknown word \"%.*s\": expected \"own\", \"team\", \"any\", \"label\" or \"name\"",
		    (int)(t->text.n < BOUND_NAME ? t->text.n : BOUND_NAME),
		    t->text.p);
	return 1;
}

void build_scope(struct parse *p)
{
	struct rule *r = p->rule;
	size_t i = 0;

	if (r == NULL)
		return;
	drop_commas(p, false);
	r->scoped = true;
	if (arg_count(p) == 0)
		missing(p, "on", "\"own\", \"team\", \"any\", \"label\" or \"name\"");
	while (i < arg_count(p))
		i += scope_one(p, i);
	if (r->scopes & SEE_ANY && r->scopes != SEE_ANY)
		parse_fault(p, arg_get(p, 0), "\"any\" covers what else stands here");
}

/* ---- items ---- */

static size_t role_count(const struct role *role, enum item_kind kind)
{
	size_t n = 0;

	for (const struct item *i = role->items[kind]; i != NULL; i = i->next)
		n++;
	return n;
}

static bool contradicts(const struct item *a, const struct item *b)
{
	if (a->kind == ITEM_LIMIT)
		return a->limit == b->limit;
	if (a->kind == ITEM_GPU && (a->high > 0 || a->all))
		return b->high > 0 || b->all;
	return slice_equal(a->text, b->text);
}

static void item_hang(struct parse *p, struct rule *r, struct item *new)
{
	struct role *role = p->role;

	for (const struct item *i = role->items[new->kind]; i != NULL;
	     i = i->next) {
		if (!contradicts(new, i))
			continue;
		load_fault(p->load, &new->at, "\"%s%s%.*s\" stands already at %s:%u",
		    item_head(i->kind), i->text.n > 0 ? " " : "",
		    SLICE_ARG(i->text), i->at.file->name, i->at.line);
		return;
	}
	if (role_count(role, new->kind) >= ITEMS_MAX) {
		load_fault(p->load, &new->at, "more than %d of one kind in a role",
		    ITEMS_MAX);
		return;
	}
	if (role->last_item[new->kind] != NULL)
		role->last_item[new->kind]->next = new;
	else
		role->items[new->kind] = new;
	role->last_item[new->kind] = new;
	if (new->kind == ITEM_LIMIT)
		role->limits[new->limit] = new;
	if (r->last_item != NULL)
		r->last_item->more = new;
	else
		r->items = new;
	r->last_item = new;
}

static struct item *item_new(struct parse *p, enum item_kind kind,
    const struct token *t)
{
	struct item *i = load_alloc(p->load, sizeof(*i));

	if (i == NULL)
		return NULL;
	i->kind = kind;
	i->at = place_of(p, t);
	return i;
}

/* "ro", "rwm" behind a path. */
static bool is_mode(enum item_kind kind, const struct token *t)
{
	if (t == NULL || t->text.n == 0 || t->text.p[0] == '/')
		return false;
	if (kind == ITEM_BIND)
		return slice_is(t->text, "ro") || slice_is(t->text, "rw");
	return kind == ITEM_DEVICE;
}

/* Behind a path and its mode: paths begin with a slash or a tilde. */
static bool is_unmapped(const struct token *t)
{
	return t != NULL && slice_is(t->text, "unmapped");
}

static bool mode_read(struct parse *p, struct item *i, const struct token *t)
{
	char seen[256] = { 0 };

	i->mode = (struct slice){ load_copy(p->load, t->text), t->text.n };
	if (i->mode.p == NULL)
		return false;
	for (size_t k = 0; i->kind == ITEM_DEVICE && k < t->text.n; k++) {
		unsigned char c = (unsigned char)t->text.p[k];

		if (strchr("rwm", c) != NULL && !seen[c]++)
			continue;
		parse_fault(p, t, "expected a path, or letters of \"rwm\"");
		return false;
	}
	return true;
}

/* One item; how many args it took. */
static size_t item_one(struct parse *p, struct rule *r, size_t at)
{
	const struct token *t = arg_get(p, at), *mode = arg_get(p, at + 1);
	struct item *i = item_new(p, r->about, t);
	size_t taken = 1;
	bool good;

	if (i == NULL)
		return 1;
	if (r->about == ITEM_LIMIT) {
		taken = limit_take(p, i, t, arg_count(p) - at);
		good = i->text.n > 0;
	} else {
		good = value_read(p, i, t);
	}
	if ((i->kind == ITEM_BIND || i->kind == ITEM_DEVICE) &&
	    is_mode(i->kind, mode)) {
		good = mode_read(p, i, mode) && good;
		taken = 2;
	} else if (i->kind == ITEM_BIND) {
		i->mode = SLICE("ro");
	} else if (i->kind == ITEM_DEVICE) {
		i->mode = SLICE("rwm");
	}
	if (i->kind == ITEM_BIND && is_unmapped(arg_get(p, at + taken))) {
		i->unmapped = true;
		taken++;
	}
	if (i->kind == ITEM_BIND && good && guard_denied(i->glob, NULL, 0))
		load_warn(p->load, &i->at, "nothing of \"%.*s\" can be bound by this: /proc, /sys, /dev and /run are for \"allow privileged everything\"",
		    SLICE_ARG(i->text));
	if (good)
		item_hang(p, r, i);
	return taken;
}

/* Statements without values, and those that may have some. */
static void items_none(struct parse *p, struct rule *r,
    const struct token *word)
{
	static const char *const both[] = { "container", "exec" };
	size_t n = r->about == ITEM_PRIVILEGED ? countof(both) : 1;

	for (size_t k = 0; k < n; k++) {
		struct item *i = item_new(p, r->about, word);

		if (i == NULL)
			return;
		i->text = r->about == ITEM_PRIVILEGED ? slice_from(both[k]) :
		    SLICE("");
		i->glob = i->text;
		i->all = r->about != ITEM_PRIVILEGED;
		item_hang(p, r, i);
	}
}

static const struct head *head_find(struct parse *p, const struct token *word,
    size_t *used)
{
	const struct token *second = arg_get(p, 0);

	*used = 0;
	for (size_t i = 0; i < countof(heads); i++) {
		if (!slice_is(word->text, heads[i].word))
			continue;
		if (heads[i].second == NULL)
			return &heads[i];
		if (second != NULL && !second->quoted &&
		    slice_is(second->text, heads[i].second)) {
			*used = 1;
			return &heads[i];
		}
	}
	return NULL;
}

void build_items(struct parse *p, const struct token *word)
{
	struct rule *r = load_alloc(p->load, sizeof(*r));
	const struct head *h;
	size_t i;

	if (p->role == NULL || r == NULL || load_full(p->load))
		return;
	p->role->said = true;
	h = head_find(p, word, &i);
	if (h == NULL) {
		missing(p, "exec", "\"as\" and a user; what is allowed stands in \"allow exec\"");
		return;
	}
	r->kind = RULE_ITEMS;
	r->about = h->kind;
	r->at = place_of(p, word);
	if (h->kind == ITEM_LIMIT)
		drop_commas(p, true);
	if (i == arg_count(p)) {
		if (h->needs != NULL)
			missing(p, item_head(h->kind), h->needs);
		else
			items_none(p, r, word);
	}
	while (i < arg_count(p) && !load_full(p->load))
		i += item_one(p, r, i);
	build_rule_hang(p->role, r);
}
