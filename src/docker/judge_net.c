/*
 * judge_net.c: ports, networks, and what of other containers is joined or
 * linked.  Networks and containers become refs, looked up and judged by whose
 * they are; what goes past a network of one's own becomes a reach.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "docker/body_int.h"
#include "docker/names.h"

/* ---- refs ---- */

size_t text_end(struct slice text, size_t from)
{
	size_t depth = 0;

	for (size_t i = from; i < text.n; i++) {
		char c = text.p[i];

		if (c == '"') {
			for (i++; i < text.n && text.p[i] != '"'; i++)
				i += text.p[i] == '\\';
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (!depth)
				return i;
			depth--;
		} else if (!depth && (c == ',' || c == ':')) {
			return i;
		}
	}
	return text.n;
}

void for_each_at(struct walk *w, const struct field *f, const struct step *up,
    const struct node *v, element_fn *fn)
{
	size_t at = w->value + 1, i = 0;
	bool map = node_is(v, NODE_OBJECT);

	for (const struct node *e = node_first(v); e; e = e->next, i++) {
		struct step step = { up, e->key, i };

		w->value = at;
		fn(w, f, &step, e);
		at = text_end(buf_slice(w->out), at) + 1;
		if (map)
			at = text_end(buf_slice(w->out), at) + 1;
	}
}

size_t ref_only(struct walk *w, enum object_kind kind, enum ref_use use,
    const struct step *at, struct slice name)
{
	_cleanup_(buf_free) struct buf path = BUF(512);
	size_t index = w->facts->nrefs;

	step_write(at, &path);
	return facts_ref(w->facts, kind, use, buf_ok(&path) ? buf_slice(&path) :
	    SLICE(""), name) ? index : NO_REF;
}

struct spot *ref_add(struct walk *w, enum object_kind kind, enum ref_use use,
    const struct step *at, struct slice name)
{
	size_t index = ref_only(w, kind, use, at, name);
	struct spot *spot = index == NO_REF ? NULL : spot_add(w, SPOT_REF,
	    w->value, text_end(buf_slice(w->out), w->value));

	if (spot)
		spot->index = index;
	return spot;
}

struct spot *ref_container(struct walk *w, enum ref_use use,
    const struct step *at, struct slice name)
{
	if (name.n && name.p[0] == '/')
		name = (struct slice){ name.p + 1, name.n - 1 };
	if (name_valid(name))
		return ref_add(w, OBJECT_CONTAINER, use, at, name);
	walk_fault(w, at, "does not name a container");
	return NULL;
}

/* ---- modes ---- */

static bool predefined(struct slice name)
{
	return list_has("default|bridge|none", name);
}

/* Those that each Engine has need no ref, and keep their names: they are not
 * what they were under their ids. */
static void network_ref(struct walk *w, const struct step *at, struct slice name,
    bool key)
{
	struct spot *spot;

	if (!name_valid(name)) {
		walk_fault(w, at, "does not name a network");
		return;
	}
	spot = ref_add(w, OBJECT_NETWORK, REF_USE, at, name);
	if (spot)
		spot->key = key;
}

void judge_network_mode(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice mode = node_text(v);

	if (slice_is(mode, "none"))
		w->body->wish.network.mode = SLICE("none");
	if (mode.n && !predefined(mode) &&
	    !mode_special(w, f, at, mode, &w->body->wish.network))
		network_ref(w, at, mode, false);
}

static void endpoint(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	if (slice_is(at->name, "host"))
		reach_add(w, f->word, at, SLICE(""), SLICE(""));
	else if (!predefined(at->name))
		network_ref(w, at, at->name, true);
}

void judge_endpoints(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each_at(w, f, at, v, endpoint);
}

void judge_network_id(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	struct slice name = node_text(v);

	if (slice_is(name, "host"))
		reach_add(w, "host network", at, SLICE(""), SLICE(""));
	else if (name.n && !predefined(name))
		network_ref(w, at, name, false);
}

static void attachment(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (slice_is(member(v, "Target"), "host"))
		reach_add(w, f->word, at, SLICE(""), SLICE(""));
}

void judge_attachments(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, attachment);
}

/* ---- links: "NAME[:ALIAS]" ---- */

static void link_any(struct walk *w, const struct step *at,
    const struct node *v, bool brief)
{
	struct slice alias = node_text(v), name = slice_cut(&alias, ':'), bare;
	struct spot *spot = ref_container(w, REF_USE, at, name);

	if (!spot)
		return;
	bare = w->facts->refs[spot->index].name;
	spot->brief = brief;
	spot->after = arena_format(w->facts->arena, ":%.*s",
	    SLICE_ARG(alias.n ? alias : bare));
	if (!spot->after.p) {
		spot->after = SLICE("");
		w->no_memory = true;
	}
}

static void link(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	link_any(w, at, v, false);
}

void judge_links(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each_at(w, f, at, v, link);
}

/* The name is asked of the network's DNS, which knows no full ids. */
static void endpoint_link(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	link_any(w, at, v, true);
}

void judge_endpoint_links(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each_at(w, f, at, v, endpoint_link);
}

static void extra_host(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (has(node_text(v), "host-gateway"))
		reach_add(w, f->word, at, SLICE(""), SLICE(""));
}

void judge_extra_hosts(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, extra_host);
}

/* ---- ports ---- */

/* "" any, "8080", "8000-8010"; *first and *last 0 for any. */
static bool port_read(struct slice s, uint64_t *first, uint64_t *last)
{
	bool range = s.n && memchr(s.p, '-', s.n);
	struct slice low = slice_cut(&s, '-');

	*first = *last = 0;
	if (!low.n && !range)
		return true;
	if (!slice_number(low, 65535, first))
		return false;
	*last = *first;
	return !range || (slice_number(s, 65535, last) && *last >= *first);
}

/* Go reads an address that it does not understand as none: on all of them. */
static bool address_read(struct slice s, char text[static INET6_ADDRSTRLEN])
{
	struct in6_addr a6;
	struct in_addr a4;
	char copy[INET6_ADDRSTRLEN];

	text[0] = 0;
	if (!s.n)
		return true;
	if (s.n >= sizeof(copy))
		return false;
	memcpy(copy, s.p, s.n);
	copy[s.n] = 0;
	if (inet_pton(AF_INET, copy, &a4) == 1)
		return inet_ntop(AF_INET, &a4, text, INET6_ADDRSTRLEN);
	if (inet_pton(AF_INET6, copy, &a6) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&a6))
		return inet_ntop(AF_INET, &a6.s6_addr[12], text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, &a6, text, INET6_ADDRSTRLEN);
}

/* What is published under the key "80/tcp"; f is that of the map, and *up is
 * the key. */
static void binding(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice proto = at->up->name, port = member(v, "HostPort");
	char address[INET6_ADDRSTRLEN], extra[INET6_ADDRSTRLEN + 16], value[32];
	uint64_t first, last;

	slice_cut(&proto, '/');
	if (!address_read(member(v, "HostIp"), address)) {
		walk_fault(w, at, "has a HostIp that is no address");
		return;
	}
	if (!port_read(port, &first, &last)) {
		walk_fault(w, at, "has a HostPort that is neither a port nor a "
		    "range of them");
		return;
	}
	if (!last)
		value[0] = 0;
	else if (first == last)
		snprintf(value, sizeof(value), "%llu", (unsigned long long)first);
	else
		snprintf(value, sizeof(value), "%llu-%llu",
		    (unsigned long long)first, (unsigned long long)last);
	snprintf(extra, sizeof(extra), "%s/%.*s", address,
	    proto.n ? (int)proto.n : 3, proto.n ? proto.p : "tcp");
	reach_add(w, f->word, at, slice_from(value), slice_from(extra));
	w->facts->asked.ports += (int64_t)(last - first) + 1;
}

/* A port without bindings is published by some versions, on any port. */
static void port(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct slice proto = at->name, number = slice_cut(&proto, '/');
	const struct node none = { .type = NODE_OBJECT };
	uint64_t n;

	if (!slice_number(number, 65535, &n) || !n ||
	    !list_has("|tcp|udp|sctp", proto)) {
		walk_fault(w, at, "is no port: 80/tcp, 53/udp");
		return;
	}
	if (!node_first(v))
		binding(w, f, &(struct step){ at, SLICE_NONE, 0 }, &none);
	for_each(w, f, at, v, binding);
}

void judge_ports(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, port);
}

/* All that the image and ExposedPorts name, whatever their protocol. */
void judge_publish_all(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (!node_is(v, NODE_TRUE))
		return;
	reach_add(w, f->word, at, SLICE(""), SLICE("/"));
	w->facts->asked.ports++;
}

static void service_port(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice proto = member(v, "Protocol");
	int64_t number = node_integer(node_get(v, "PublishedPort"));
	char text[32], extra[16];

	snprintf(extra, sizeof(extra), "/%.*s", proto.n ? (int)proto.n : 3,
	    proto.n ? proto.p : "tcp");
	reach_add(w, f->word, at, number ? scalar_text(
	    node_get(v, "PublishedPort"), text) : SLICE(""), slice_from(extra));
}

void judge_service_ports(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, service_port);
}

/* ---- bodies about networks ---- */

/* A name goes before a prefix of an id: who takes the short id of somebody's
 * network gets what is meant for it (clients.md 1, quirk 10).  "container:x" and
 * "host" are no networks where a container is made. */
void judge_network_name(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice name = node_text(v);

	if (name_is_id(name))
		walk_fault(w, at, "must not look like an id");
	else if (predefined(name) || slice_is(name, "host"))
		walk_fault(w, at, "is the name of a network that every Engine has");
	else if (name.n && !name_valid(name))
		walk_fault(w, at, "is not a name that a network can have");
	judge_new_name(w, f, at, v);
}

void judge_connected(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	w->facts->object2 = keep(w, node_text(v));
	ref_container(w, REF_OBJECT, at, node_text(v));
}
