/*
 * judge_device.c: fields that hand devices of the host to a container: by path,
 * by request to a driver, by variables that a runtime's hook reads.
 */
#include <string.h>

#include "docker/body_int.h"

#define ID_SHOWN	64		/* bytes: longer ones are no id of a GPU */

static struct slice path_shown(struct slice path, struct buf *clean)
{
	return target_clean(path, clean) && buf_ok(clean) ? buf_slice(clean) : path;
}

static bool rights_valid(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!memchr("rwm", s.p[i], 3) || memchr(s.p, s.p[i], i))
			return false;
	}
	return s.n > 0;
}

static void device_keep(struct walk *w, struct slice path, struct slice rights)
{
	struct wish *to = &w->body->wish;
	size_t n = to->cap_devices ? to->cap_devices * 2 : 4;
	struct guard_device *all;

	if (to->ndevices == to->cap_devices) {
		all = arena_alloc(w->facts->arena, n * sizeof(*all));
		if (!all) {
			w->no_memory = true;
			return;
		}
		if (to->ndevices)
			memcpy(all, to->devices, to->ndevices * sizeof(*all));
		to->devices = all;
		to->cap_devices = n;
	}
	to->devices[to->ndevices++] = (struct guard_device){ keep(w, path),
	    keep(w, rights) };
}

/* The runtime makes the node as real root, with mknod, and where a bind lies it
 * makes it on the host: it would be the user's own, without limits, for good. */
static void device_place(struct walk *w, const struct step *at, struct slice path)
{
	_cleanup_(buf_free) struct buf clean = BUF(8 * 1024);
	struct step inside = { at, SLICE("PathInContainer"), 0 };

	if (!target_clean(path, &clean) || !buf_ok(&clean) ||
	    !slice_starts(buf_slice(&clean), SLICE("/dev/")))
		reach_add(w, "everything", &inside, path, SLICE(""));
}

static void device(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	_cleanup_(buf_free) struct buf clean = BUF(8 * 1024);
	struct slice path = path_shown(member(v, "PathOnHost"), &clean);
	struct slice rights = member(v, "CgroupPermissions");

	if (!rights.n)
		rights = SLICE("rwm");
	if (!path.n)
		walk_fault(w, at, "must have a PathOnHost");
	if (!rights_valid(rights))
		walk_fault(w, at, "must have CgroupPermissions of the letters rwm");
	device_keep(w, path, rights);
	reach_add(w, f->word, at, path, rights);
	device_place(w, at, member(v, "PathInContainer"));
}

void judge_devices(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, device);
}

static void device_path(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	reach_add(w, f->word, at, member(v, "Path"), SLICE(""));
}

void judge_device_paths(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, device_path);
}

/* ---- by request ---- */

static bool is_gpu(const struct node *v)
{
	const struct node *all = node_first(node_get(v, "Capabilities"));

	for (; all; all = all->next) {
		for (const struct node *e = node_first(all); e; e = e->next) {
			if (slice_is(node_text(e), "gpu"))
				return true;
		}
	}
	return slice_is(member(v, "Driver"), "nvidia");
}

static void gpu_request(struct walk *w, const struct step *at,
    const struct node *v)
{
	const struct node *id = node_first(node_get(v, "DeviceIDs"));
	int64_t count = node_integer(node_get(v, "Count"));
	char text[32];

	for (const struct node *e = id; e; e = e->next)
		reach_add(w, "gpu id=", at, node_text(e), SLICE(""));
	if (id && !count)
		return;
	/* none at all leaves it to the variables of the image */
	if (!count)
		count = -1;
	reach_add(w, "gpu count=", at, scalar_text(&(struct node){
	    .type = NODE_INT, .integer = count }, text), SLICE(""));
}

static void device_request(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	const struct node *id = node_first(node_get(v, "DeviceIDs"));

	w->body->wish.gpus = true;
	if (node_first(node_get(v, "Options")))
		reach_add(w, "everything", at, SLICE(""), SLICE(""));
	if (is_gpu(v)) {
		gpu_request(w, at, v);
		return;
	}
	if (!id)
		reach_add(w, "device driver=", at, member(v, "Driver"),
		    SLICE("rwm"));
	for (; id; id = id->next)
		reach_add(w, "device", at, node_text(id), SLICE("rwm"));
}

void judge_device_requests(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, device_request);
}

/* ---- by variables ---- */

/* Whoever calls his password so may not see it shown. */
static bool id_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9');

		if (!letter && !strchr("-_.:/=", c))
			return false;
	}
	return s.n > 0 && s.n <= ID_SHOWN;
}

static void variable(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	static const char some[] = "NVIDIA_VISIBLE_DEVICES|AMD_VISIBLE_DEVICES|"
	    "HABANA_VISIBLE_DEVICES|ASCEND_VISIBLE_DEVICES";
	static const char all[] = "NVIDIA_MIG_CONFIG_DEVICES|"
	    "NVIDIA_MIG_MONITOR_DEVICES|NVIDIA_IMEX_CHANNELS";
	struct slice value = node_text(v), name = slice_cut(&value, '=');
	bool any;

	/* most are none of them, and none of these ends otherwise */
	if (name.n < 16 || name.p[name.n - 1] != 'S')
		return;
	/* whatever the image says: the last one counts */
	if (slice_is(name, "NVIDIA_VISIBLE_DEVICES"))
		w->facts->no_devices = !value.n || list_has("void|none", value);
	if (!value.n)
		return;
	any = list_has(all, name);
	if (list_has("void|none", value) || (!any && !list_has(some, name)))
		return;
	w->body->wish.gpus = true;
	while (value.n && !any) {
		struct slice id = slice_cut(&value, ',');

		any = !id_plain(id) || slice_is(id, "all");
		if (!any)
			reach_add(w, "gpu id=", at, id, name);
	}
	if (any)
		reach_add(w, "gpu count=", at, SLICE("-1"), name);
}

void judge_env(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, variable);
}
