/*
 * answer_look.c: the parts of answers: what of them is for the reader, and
 * with which places replaced.  Everything between these places is copied.
 */
#include <string.h>

#include "docker/answer_int.h"

#define ID	64	/* bytes of a full id */

/* ---- containers ---- */

static bool is_id(struct slice s)
{
	if (s.n != ID)
		return false;
	for (size_t i = 0; i < ID; i++) {
		if ((s.p[i] < '0' || s.p[i] > '9') &&
		    (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	}
	return true;
}

/* "/web", but not "/db/web", which is a link's name for it. */
static bool own_name(struct slice raw)
{
	return raw.n >= 3 && raw.p[0] == '"' && raw.p[1] == '/' &&
	    !memchr(raw.p + 2, '/', raw.n - 2);
}

static struct slice name_of(struct answer *a, const struct members *m,
    bool *twice)
{
	struct walk w = walk_into(member_get(m, "Names", twice));
	struct slice name;

	while (walk_next(&w)) {
		name = text_of(w.m.value, &a->memory);
		if (own_name(w.m.value) && name.p)
			return (struct slice){ name.p + 1, name.n - 1 };
	}
	return SLICE("");
}

static void edit_names(struct answer *a, struct edit *e, struct slice value)
{
	struct walk w = walk_into(value);
	bool all = true;

	if (a->ops.all)
		return;
	buf_reset(&a->tags);
	while (walk_next(&w)) {
		if (!own_name(w.m.value)) {
			all = false;
			continue;
		}
		buf_addc(&a->tags, a->tags.len ? ',' : '[');
		buf_adds(&a->tags, w.m.value);
	}
	buf_addz(&a->tags, a->tags.len ? "]" : "[]");
	if (!all)
		edit_replace(e, value, buf_slice(&a->tags));
}

void edit_reference(struct answer *a, struct edit *e, struct slice value)
{
	struct slice image = text_of(value, &a->memory);

	if (!image.n || !reference_is_id(image))
		return;
	image = a->ops.image_of(a->arg, a->id);
	if (image.p)
		edit_text(e, value, image);
}

/* Config of an inspect. */
void edit_image(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = { { "Image", edit_reference }, { 0 } };

	edit_members(a, e, value, rules);
}

static void edit_mode(struct answer *a, struct edit *e, struct slice value)
{
	struct slice mode = text_of(value, &a->memory);
	struct slice name = is_id(mode) ?
	    a->ops.network_name(a->arg, mode) : SLICE_NONE;

	if (name.p)
		edit_text(e, value, name);
}

/* The parent that the broker chose, which he did not ask for. */
static void edit_parent(struct answer *a, struct edit *e, struct slice value)
{
	struct slice parent = text_of(value, &a->memory);

	if (!a->ops.all && (slice_starts(parent, SLICE("/dockbroker/")) ||
	    slice_starts(parent, SLICE("dockbroker-"))))
		edit_replace(e, value, SLICE("\"\""));
}

void edit_host(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = {
		{ "Binds", edit_binds },
		{ "NetworkMode", edit_mode },
		{ "Mounts", edit_asked_mounts },
		{ "CgroupParent", edit_parent },
		{ "GroupAdd", edit_groups },
		{ 0 }
	};

	edit_members(a, e, value, rules);
}

static void edit_endpoints(struct answer *a, struct edit *e, struct slice value)
{
	struct walk w = walk_into(value);
	struct slice name;

	while (walk_next(&w)) {
		name = w.close == '}' && is_id(w.m.key) ?
		    a->ops.network_name(a->arg, w.m.key) : SLICE_NONE;
		if (name.p)
			edit_text(e, (struct slice){ w.m.key.p - 1,
			    w.m.key.n + 2 }, name);
	}
}

/* NetworkSettings. */
void edit_networks(struct answer *a, struct edit *e, struct slice value)
{
	static const struct rule rules[] = { { "Networks", edit_endpoints }, { 0 } };

	edit_members(a, e, value, rules);
}

int look_container(struct answer *a, const struct part *p)
{
	static const struct rule rules[] = {
		{ "Names", edit_names },
		{ "Image", edit_reference },
		{ "HostConfig", edit_host },
		{ "NetworkSettings", edit_networks },
		{ "Mounts", edit_mounts },
		{ 0 }
	};
	bool twice = false;
	struct slice name;
	int r;

	if (a->limit && a->kept == a->limit)
		return SPLIT_GOOD;
	if (!answer_element(a, p, "Id", &r))
		return a->ops.all && !a->by_volume && r == SPLIT_GOOD ?
		    answer_pass(a, p) : r;
	name = name_of(a, p->m, &twice);
	if (!a->ops.all && (twice || !answer_sees(a, OBJECT_CONTAINER, a->id, name)))
		return SPLIT_GOOD;
	if (a->by_volume && !answer_mounts_match(a, p->m))
		return SPLIT_GOOD;
	a->kept++;
	return answer_edit(a, p, rules);
}

/* ---- networks and volumes ---- */

/* An endpoint of a network, by the id of its container. */
static bool sees_peer(struct answer *a, struct slice id, struct slice value)
{
	static const char *const key = "Name";
	struct walk w = walk_into(value);
	struct slice name = SLICE("");

	while (walk_next(&w)) {
		if (key_is(&w.m, key))
			name = text_of(w.m.value, &a->memory);
	}
	return name.p && a->ops.sees(a->arg, OBJECT_CONTAINER, id, name, NULL, 0);
}

int look_peer(struct answer *a, const struct part *p)
{
	return sees_peer(a, p->name, p->raw) ? answer_pass(a, p) : SPLIT_GOOD;
}

static void edit_peers(struct answer *a, struct edit *e, struct slice value)
{
	struct walk w = walk_into(value);
	bool all = true;

	buf_reset(&a->tags);
	while (walk_next(&w) && w.close == '}') {
		if (!sees_peer(a, w.m.key, w.m.value)) {
			all = false;
			continue;
		}
		buf_addz(&a->tags, a->tags.len ? ",\"" : "{\"");
		buf_adds(&a->tags, w.m.key);
		buf_addz(&a->tags, "\":");
		buf_adds(&a->tags, w.m.value);
	}
	buf_addz(&a->tags, a->tags.len ? "}" : "{}");
	if (!all)
		edit_replace(e, value, buf_ok(&a->tags) ?
		    buf_slice(&a->tags) : SLICE("{}"));
}

static void edit_services(struct answer *a, struct edit *e, struct slice value)
{
	(void)a;
	edit_replace(e, value, SLICE("{}"));
}

static void edit_hosts(struct answer *a, struct edit *e, struct slice value)
{
	(void)a;
	edit_replace(e, value, SLICE("[]"));
}

int look_network(struct answer *a, const struct part *p)
{
	static const struct rule rules[] = {
		{ "Containers", edit_peers },
		{ "Services", edit_services },
		{ "Peers", edit_hosts },
		{ 0 }
	};
	bool twice = false;
	struct slice name;
	int r;

	if (!answer_element(a, p, "Id", &r))
		return r;
	name = answer_member(a, p->m, "Name", &twice);
	if (twice || !name.p || !answer_sees(a, OBJECT_NETWORK, a->id, name))
		return SPLIT_GOOD;
	return answer_edit(a, p, rules);
}

int look_volume(struct answer *a, const struct part *p)
{
	int r;

	if (!answer_element(a, p, "Name", &r))
		return r;
	if (!answer_sees(a, OBJECT_VOLUME, a->id, a->id))
		return SPLIT_GOOD;
	return answer_pass(a, p);
}

/* ---- parts of one object ---- */

int look_id(struct answer *a, const struct part *p)
{
	struct slice id = text_of(p->raw, &a->memory);

	if (id.n) {
		buf_reset(&a->inspected);
		buf_adds(&a->inspected, id);
	}
	return answer_pass(a, p);
}

int look_edit(struct answer *a, const struct part *p)
{
	struct edit e;

	a->id = buf_slice(&a->inspected);
	answer_lead(a, p);
	e = edit_begin(p->raw, a->out);
	a->spot->edit(a, &e, p->raw);
	edit_end(&e, p->raw);
	return SPLIT_GOOD;
}

int look_text(struct answer *a, const struct part *p)
{
	answer_lead(a, p);
	buf_addz(a->out, a->spot->text);
	return SPLIT_GOOD;
}

int look_none(struct answer *a, const struct part *p)
{
	(void)a;
	(void)p;
	return SPLIT_GOOD;
}

int look_count(struct answer *a, const struct part *p)
{
	int64_t n = a->ops.count(a->arg, a->spot->key);

	if (n < 0)
		return answer_pass(a, p);
	answer_lead(a, p);
	buf_addi(a->out, n);
	return SPLIT_GOOD;
}

/* Comes before the images that are summed: written at the end. */
int look_layers(struct answer *a, const struct part *p)
{
	(void)p;
	a->layers = true;
	return SPLIT_GOOD;
}
