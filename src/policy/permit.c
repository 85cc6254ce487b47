/*
 * permit.c: what lets a container reach beyond itself, against the statements
 * that permit it.  What is cut, malformed or not known here is permitted by
 * nothing but `allow privileged everything'.
 */
#include <stdio.h>
#include <string.h>

#include "policy/policy_int.h"

struct asked {
	const struct rights *rights;
	const struct facts *facts;
	const struct reach *reach;
	struct slice value;		/* of the reach, or behind the `=' */
	struct slice user;
};

typedef bool matcher(const struct asked *a, const struct item *i);

static bool match_all_or_glob(const struct asked *a, const struct item *i)
{
	return i->all || glob_match(i->glob, a->value, a->user, "");
}

/* KEY[=PATTERN]: the value is a key, extra what it is set to. */
static bool match_pair(const struct asked *a, const struct item *i)
{
	return glob_match(i->key, a->value, a->user, "") &&
	    (i->all || glob_match(i->glob, a->reach->extra, a->user, ""));
}

/* ---- paths ---- */

static bool match_device(const struct asked *a, const struct item *i)
{
	struct slice mode = a->reach->extra.n > 0 ? a->reach->extra :
	    SLICE("rwm");

	for (size_t k = 0; k < mode.n; k++)
		if (memchr(i->mode.p, mode.p[k], i->mode.n) == NULL)
			return false;
	return path_sound(a->value) &&
	    glob_match(i->glob, a->value, a->user, "/");
}

/* ---- ports ---- */

static bool match_publish(const struct asked *a, const struct item *i)
{
	struct slice proto = a->reach->extra, host = slice_cut(&proto, '/');
	struct slice high = a->value, low = slice_cut(&high, '-');
	struct address address;
	uint64_t from, to;

	if (i->key.n > 0 && !slice_equal(i->key, proto))
		return false;
	if (i->address.family != 0 && (!address_read(host, &address) ||
	    !address_within(&i->address, &address)))
		return false;
	if (i->all)
		return true;
	if (a->value.n == 0 || slice_is(a->value, "0"))
		return i->random;
	if (i->random || !slice_number(low, 65535, &from))
		return false;
	to = from;
	if (low.n < a->value.n && !slice_number(high, 65535, &to))
		return false;
	return from <= to && from >= i->low && to <= i->high;
}

/* ---- gpus ---- */

/* How many a request asks for in all; SIZE_MAX: all, or it is not clear. */
static size_t gpu_count(const struct facts *f)
{
	size_t n = 0;

	for (size_t k = 0; k < f->nreach; k++) {
		struct slice v = f->reach[k].value;
		uint64_t some = 1;

		if (strcmp(f->reach[k].word, "gpu") != 0)
			continue;
		if (slice_starts(v, SLICE("count="))) {
			v.p += 6;
			v.n -= 6;
			if (!slice_number(v, 1024, &some))
				return SIZE_MAX;
		} else if (!slice_starts(v, SLICE("id=")) ||
		    slice_is(v, "id=all")) {
			return SIZE_MAX;
		}
		n += some;
	}
	return n;
}

static bool match_gpu(const struct asked *a, const struct item *i)
{
	struct slice id = a->value;

	if (i->all)
		return true;
	if (i->high > 0)
		return gpu_count(a->facts) <= i->high;
	return slice_starts(id, SLICE("id=")) && !slice_is(id, "id=all") &&
	    glob_match(i->glob, (struct slice){ id.p + 3, id.n - 3 }, a->user,
	    "");
}

/* ---- networks ---- */

static bool match_subnet(const struct asked *a, const struct item *i)
{
	struct address address;

	return i->all || (subnet_read(a->value, &address) &&
	    address_within(&i->address, &address));
}

const struct item *role_network(const struct rights *r, const struct role *role,
    const struct object *o)
{
	const struct item *i = role->items[ITEM_NETWORK];

	while (i != NULL && !glob_match(i->glob, o->name, slice_from(r->name),
	    ""))
		i = i->next;
	return i;
}

/* ---- registries and addresses ---- */

static bool is_registry(const struct reach *r)
{
	return slice_is(r->extra, "login") || slice_is(r->extra, "search") ||
	    slice_is(r->extra, "push") || slice_is(r->extra, "distribution");
}

static bool docker_hub(struct slice host)
{
	return host.n == 0 || slice_is(host, "docker.io") ||
	    slice_is(host, "index.docker.io") ||
	    slice_is(host, "registry-1.docker.io");
}

/* A registry is good for whoever may take images from it. */
static bool registry_known(const struct asked *a, const struct role *role)
{
	if (role->items[ITEM_IMAGE] == NULL || docker_hub(a->value))
		return true;
	for (const struct item *i = role->items[ITEM_IMAGE]; i != NULL;
	     i = i->next) {
		struct slice rest = i->key, host = slice_cut(&rest, '/');

		if (!i->all && (slice_is(i->key, "**") ||
		    glob_match(host, a->value, a->user, "/@?#")))
			return true;
	}
	return false;
}

static bool match_remote(const struct asked *a, const struct item *i)
{
	return remote_match(i->glob, a->value, a->user);
}

/* ---- all ---- */

/* What a reach's word and the beginning of its value are about.  kind: as it
 * is without a `KIND=' of these. */
static const struct permit {
	const char *word, *prefix;
	enum item_kind kind;
	matcher *match;
} permits[] = {
	{ "bind", "", ITEM_BIND, NULL },	/* bind.c */
	{ "publish", "", ITEM_PUBLISH, match_publish },
	{ "capability", "", ITEM_CAPABILITY, match_all_or_glob },
	{ "device", "", ITEM_DEVICE, match_device },
	{ "gpu", "", ITEM_GPU, match_gpu },
	{ "host", "", ITEM_HOST, match_all_or_glob },
	{ "network", "driver=", ITEM_NETWORK_DRIVER, match_all_or_glob },
	{ "network", "ipam-driver=", ITEM_NETWORK_DRIVER, match_all_or_glob },
	{ "network", "option=", ITEM_NETWORK_OPTION, match_pair },
	{ "network", "ipam-option=", ITEM_NETWORK_OPTION, match_pair },
	{ "network", "subnet=", ITEM_NETWORK_SUBNET, match_subnet },
	{ "network", "range=", ITEM_NETWORK_SUBNET, match_subnet },
	{ "network", "gateway=", ITEM_NETWORK_SUBNET, match_subnet },
	{ "network", "address=", ITEM_NETWORK_ADDRESS, match_subnet },
	{ "network", "mac=", ITEM_NETWORK_MAC, match_all_or_glob },
	{ "network", "host-gateway", ITEM_NETWORK_HOST_GATEWAY,
	    match_all_or_glob },
	{ "driver", "volume=", ITEM_DRIVER, match_all_or_glob },
	{ "driver", "option=", ITEM_DRIVER_OPTION, match_pair },
	{ "driver", "storage=", ITEM_DRIVER_STORAGE, match_all_or_glob },
	{ "security", "", ITEM_SECURITY, match_all_or_glob },
	{ "sysctl", "", ITEM_SYSCTL, match_pair },
	{ "runtime", "annotation=", ITEM_RUNTIME_ANNOTATION, match_all_or_glob },
	{ "runtime", "", ITEM_RUNTIME, match_all_or_glob },
	{ "logdriver", "option=", ITEM_LOGDRIVER_OPTION, match_all_or_glob },
	{ "logdriver", "", ITEM_LOGDRIVER, match_all_or_glob },
	{ "privileged", "", ITEM_PRIVILEGED, match_all_or_glob },
	{ "remote", "", ITEM_REMOTE, match_remote },
};

static const struct permit *permit_find(const char *word, struct slice value)
{
	for (size_t i = 0; i < countof(permits); i++)
		if (strcmp(permits[i].word, word) == 0 &&
		    slice_starts(value, slice_from(permits[i].prefix)))
			return &permits[i];
	return NULL;
}

bool reach_permit(const struct rights *r, const struct role *role,
    const struct facts *f, const struct reach *reach, const struct item **line)
{
	const struct permit *p = permit_find(reach->word, reach->value);
	struct asked a = { r, f, reach, reach->value, slice_from(r->name) };
	size_t skip = p != NULL ? strlen(p->prefix) : 0;

	*line = NULL;
	if (p == NULL || reach->cut)
		return false;
	if (p->kind == ITEM_BIND) {
		const struct bound *b = bind_find(r, role, reach->value,
		    !slice_is(reach->extra, "ro"));

		*line = b != NULL ? b->line : NULL;
		return b != NULL;
	}
	a.value.p += skip;
	a.value.n -= skip;
	for (const struct item *i = role->items[p->kind]; i != NULL;
	     i = i->next)
		if (p->match(&a, i)) {
			*line = i;
			return true;
		}
	return p->kind == ITEM_REMOTE && is_registry(reach) &&
	    registry_known(&a, role);
}

/* ---- the line that is missing ---- */

static void line_publish(const struct lack *l, struct buf *out)
{
	struct slice proto = l->extra, host = slice_cut(&proto, '/');

	if (host.n > 0)
		buf_addf(out, memchr(host.p, ':', host.n) ? "[%.*s]:" : "%.*s:",
		    SLICE_ARG(host));
	if (l->value.n == 0 || slice_is(l->value, "0"))
		buf_addz(out, "random");
	else
		buf_adds(out, l->value);
	if (proto.n > 0 && !slice_is(proto, "tcp"))
		buf_addf(out, "/%.*s", SLICE_ARG(proto));
}

void lack_line(const struct lack *l, struct buf *out)
{
	const struct permit *p = l->word != NULL ?
	    permit_find(l->word, l->value) : NULL;
	struct slice v = l->value;

	if (p == NULL || l->cut || ((p->kind == ITEM_BIND ||
	    p->kind == ITEM_DEVICE) && !path_sound(v))) {
		buf_addz(out, "allow privileged everything");
		return;
	}
	v.p += strlen(p->prefix);
	v.n -= strlen(p->prefix);
	buf_addf(out, "%s", item_head(p->kind));
	if (p->kind == ITEM_NETWORK_MAC ||
	    p->kind == ITEM_NETWORK_HOST_GATEWAY)
		return;
	buf_addc(out, ' ');
	if (p->kind == ITEM_PUBLISH)
		line_publish(l, out);
	else if (p->kind == ITEM_GPU && slice_starts(v, SLICE("count=")))
		buf_addf(out, "%.*s", slice_is(v, "count=-1") ? 3 :
		    (int)v.n - 6, slice_is(v, "count=-1") ? "all" : v.p + 6);
	else
		print_value(out, &(struct item){ .kind = p->kind, .text = v });
	if (p->kind == ITEM_BIND)
		buf_addz(out, slice_is(l->extra, "ro") ? " ro" : " rw");
	if (p->kind == ITEM_DEVICE && l->extra.n > 0)
		buf_addf(out, " %.*s", SLICE_ARG(l->extra));
}
