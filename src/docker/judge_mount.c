/*
 * judge_mount.c: what a new container mounts: Volumes, Binds, Mounts, Tmpfs,
 * VolumesFrom.  Paths of the host are reaches, volumes with names and images
 * are refs; each place becomes a point of the body, so that body_write can make
 * labelled Mounts of volumes, and knows what covers the image's own ones.
 */
#include <string.h>

#include "docker/body_int.h"
#include "docker/names.h"

#define PATH_MAX_BYTES	(8 * 1024)

/* ---- paths ---- */

/* Drops the last component of what stands behind start. */
static void up(struct buf *out, size_t start)
{
	while (out->len > start && out->p[out->len - 1] != '/')
		out->len--;
	if (out->len > start)
		out->len--;
}

bool target_clean(struct slice s, struct buf *out)
{
	size_t start = out->len;

	if (!s.n || s.p[0] != '/')
		return false;
	while (s.n) {
		struct slice part = slice_cut(&s, '/');

		if (slice_is(part, ".."))
			up(out, start);
		if (!part.n || slice_is(part, ".") || slice_is(part, ".."))
			continue;
		buf_addc(out, '/');
		buf_adds(out, part);
	}
	return out->len > start;
}

/* ---- points ---- */

static struct point *point_new(struct walk *w)
{
	struct body *b = w->body;
	size_t n = b->cap_points ? b->cap_points * 2 : 4;
	struct point *p;

	if (b->npoints < b->cap_points)
		return &b->points[b->npoints++];
	p = arena_alloc(w->facts->arena, n * sizeof(*p));
	if (!p) {
		w->no_memory = true;
		return NULL;
	}
	if (b->npoints)
		memcpy(p, b->points, b->npoints * sizeof(*p));
	b->points = p;
	b->cap_points = n;
	return &b->points[b->npoints++];
}

static struct point *point_add(struct walk *w, const struct step *at,
    enum point_from from, enum point_kind kind, struct slice target)
{
	_cleanup_(buf_free) struct buf clean = BUF(PATH_MAX_BYTES);
	struct point *p;

	if (!target_clean(target, &clean) || !buf_ok(&clean)) {
		walk_fault(w, at, "must have an absolute path in the container, "
		    "other than /");
		return NULL;
	}
	if (w->body->npoints == POINTS_MAX) {
		walk_fault(w, at, "is one mount too many: %d at most", POINTS_MAX);
		return NULL;
	}
	p = point_new(w);
	if (p)
		*p = (struct point){ .from = from, .kind = kind, .ref = NO_REF,
		    .target = keep(w, buf_slice(&clean)) };
	return p;
}

static void point_volume(struct walk *w, struct point *p,
    const struct step *at, struct slice name)
{
	p->ref = ref_only(w, OBJECT_VOLUME, REF_USE, at, name);
	if (p->ref != NO_REF)
		w->facts->refs[p->ref].made = true;
}

/* Two for one place: the Engine refuses them, where it does not silently take
 * one.  Volumes{} only say that something has to be there. */
static void point_compare(struct walk *w, struct point *p, const struct point *q)
{
	if (!slice_equal(p->target, q->target))
		return;
	if (p->from == FROM_VOLUMES)
		p->keep = true;
	else if (q->from != FROM_VOLUMES && p < q)
		walk_fault(w, NULL, "mounts two things at %.*s", p->target.n > 128 ?
		    128 : (int)p->target.n, p->target.p);
}

void points_finish(struct walk *w)
{
	struct body *b = w->body;

	for (size_t i = 0; i < b->npoints; i++) {
		for (size_t j = 0; j < b->npoints; j++) {
			/* of two that are the same the later one is covered */
			if (i != j && (b->points[j].from != FROM_VOLUMES || j < i))
				point_compare(w, &b->points[i], &b->points[j]);
		}
		if (b->points[i].kind == POINT_VOLUME &&
		    !(b->points[i].from == FROM_VOLUMES && b->points[i].keep))
			w->facts->asked.volumes++;
	}
}

static void volume(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v _unused_)
{
	point_add(w, at, FROM_VOLUMES, POINT_VOLUME, at->name);
}

void judge_volumes(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (w->schema == SCHEMA_CONTAINER_CREATE)
		for_each(w, f, at, v, volume);
}

/* ---- Binds: "SOURCE:TARGET[:MODE]", or a target alone ---- */

struct mode {
	bool read_only, no_copy;
	bool odd;		/* propagates */
	bool relabel;		/* for SELinux: the Engine does so with volumes by itself */
	bool bad;
};

static struct mode mode_read(struct slice text)
{
	struct mode m = { 0 };
	unsigned rights = 0, copies = 0;

	while (text.n) {
		struct slice one = slice_cut(&text, ',');

		if (list_has("ro|rw", one)) {
			m.read_only = slice_is(one, "ro");
			rights++;
		} else if (slice_is(one, "nocopy")) {
			m.no_copy = true;
			copies++;
		} else if (list_has("z|Z", one)) {
			m.relabel = true;
		} else if (list_has("shared|slave|private|rshared|rslave", one)) {
			m.odd = true;
		} else if (!list_has("rprivate|consistent|cached|delegated|"
		    "default", one)) {
			m.bad = true;
		}
	}
	m.bad |= rights > 1 || copies > 1;
	return m;
}

static void bind_source(struct walk *w, const struct field *f,
    const struct step *at, struct point *p, struct slice source, struct mode m)
{
	_cleanup_(buf_free) struct buf clean = BUF(PATH_MAX_BYTES);

	if (!target_clean(source, &clean))
		buf_addc(&clean, '/');
	if (!buf_ok(&clean))
		w->no_memory = true;
	p->source = keep(w, buf_slice(&clean));
	reach_add(w, f->word, at, buf_slice(&clean),
	    m.read_only ? SLICE("ro") : SLICE("rw"));
}

static void bind_split(struct walk *w, const struct field *f,
    const struct step *at, struct slice all)
{
	struct slice rest = all, source = slice_cut(&rest, ':'),
	    target = slice_cut(&rest, ':');
	bool host = source.n && source.p[0] == '/';
	struct mode m = mode_read(rest);
	struct point *p;

	if (m.bad)
		walk_fault(w, at, "has a mode that is not known");
	if (!host && !name_valid(source))
		walk_fault(w, at, "begins with neither an absolute path nor the "
		    "name of a volume");
	p = point_add(w, at, FROM_BINDS, host ? POINT_HOST : POINT_VOLUME, target);
	if (!p || m.bad || (!host && !name_valid(source)))
		return;
	m.odd |= host && m.relabel;
	if (m.odd)
		reach_add(w, "everything", at, rest, SLICE(""));
	p->read_only = m.read_only;
	p->no_copy = m.no_copy;
	p->keep = host || m.odd;
	p->make = true;
	p->at = w->value;
	p->end = text_end(buf_slice(w->out), w->value);
	p->options = keep(w, (struct slice){ all.p + source.n, all.n - source.n });
	if (host)
		bind_source(w, f, at, p, source, m);
	else
		point_volume(w, p, at, source);
}

static void bind(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct slice all = node_text(v);
	struct point *p;

	if (all.n && memchr(all.p, ':', all.n)) {
		bind_split(w, f, at, all);
		return;
	}
	p = point_add(w, at, FROM_BINDS, POINT_VOLUME, all);
	if (!p)
		return;
	p->at = w->value;
	p->end = text_end(buf_slice(w->out), w->value);
}

/* Behind its value nothing is written yet. */
static struct range range_of(const struct walk *w)
{
	return (struct range){ w->value, w->out->len };
}

void judge_binds(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	w->body->binds = range_of(w);
	for_each_at(w, f, at, v, bind);
}

/* ---- Mounts ---- */

/* ReadOnlyNonRecursive leaves what is mounted below it writable. */
static void mount_bind(struct walk *w, const struct field *f,
    const struct step *at, struct point *p, const struct node *v)
{
	const struct node *options = node_get(v, "BindOptions");
	struct mode m = {
		.read_only = node_is(node_get(v, "ReadOnly"), NODE_TRUE) &&
		    !node_is(node_get(options, "ReadOnlyNonRecursive"), NODE_TRUE)
	};
	struct slice source = member(v, "Source");

	p->make = node_is(node_get(options, "CreateMountpoint"), NODE_TRUE);
	if (!source.n || source.p[0] != '/')
		walk_fault(w, at, "must have an absolute path as its Source");
	else
		bind_source(w, f, at, p, source, m);
}

static void mount_volume(struct walk *w, struct point *p,
    const struct step *at, const struct node *v, bool refs)
{
	const struct node *driver = node_get(node_get(v, "VolumeOptions"),
	    "DriverConfig");
	struct step source = { at, SLICE("Source"), 0 };
	struct slice name = member(v, "Source");

	p->driven = !list_has("|local", member(driver, "Name"));
	if (name.n && !name_valid(name))
		walk_fault(w, &source, "is not the name of a volume");
	else if (name.n && refs)
		point_volume(w, p, &source, name);
}

static void mount_image(struct walk *w, struct point *p,
    const struct step *at, struct slice name, bool refs)
{
	struct step source = { at, SLICE("Source"), 0 };

	if (!refs) {
		reach_add(w, "everything", at, name, SLICE(""));
		return;
	}
	if (!reference_valid(name)) {
		walk_fault(w, &source, "is not the name of an image");
		return;
	}
	p->ref = ref_only(w, OBJECT_IMAGE, REF_USE, &source, name);
}

static enum point_kind mount_kind(struct slice type)
{
	if (slice_is(type, "volume"))
		return POINT_VOLUME;
	if (slice_is(type, "bind"))
		return POINT_HOST;
	if (slice_is(type, "image"))
		return POINT_IMAGE;
	return slice_is(type, "tmpfs") ? POINT_TMPFS : POINT_OTHER;
}

static void mount_any(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v, bool refs)
{
	struct slice type = member(v, "Type"), source = member(v, "Source");
	enum point_kind kind = mount_kind(type);
	struct point *p;

	if (!type.n)
		walk_fault(w, at, "must have a Type");
	p = point_add(w, at, FROM_MOUNTS, kind, member(v, "Target"));
	if (!p || !type.n)
		return;
	p->read_only = node_is(node_get(v, "ReadOnly"), NODE_TRUE);
	if (kind == POINT_VOLUME)
		mount_volume(w, p, at, v, refs);
	else if (kind == POINT_HOST)
		mount_bind(w, f, at, p, v);
	else if (kind == POINT_IMAGE)
		mount_image(w, p, at, source, refs);
	else if (kind != POINT_TMPFS)
		reach_add(w, "everything", at, type, SLICE(""));
	else if (source.n)
		walk_fault(w, at, "must have no Source");
}

static void mount(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct body *b = w->body;
	size_t n = b->npoints;
	struct spot *spot;

	mount_any(w, f, at, v, true);
	if (b->npoints == n || b->points[n].kind != POINT_HOST)
		return;
	spot = spot_add(w, SPOT_MOUNT, w->value,
	    text_end(buf_slice(w->out), w->value));
	if (spot)
		spot->index = n;
}

void judge_mounts(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	w->body->mounts = range_of(w);
	w->body->first_mount = w->body->npoints;
	for_each_at(w, f, at, v, mount);
}

static void service_mount(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	mount_any(w, f, at, v, false);
}

void judge_service_mounts(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, service_mount);
}

/* ---- tmpfs ---- */

static bool tmpfs_harmless(struct slice name)
{
	return list_has("rw|ro|exec|noexec|nosuid|nodev|size|mode|uid|gid|"
	    "nr_inodes|nr_blocks|noatime|relatime|nodiratime|strictatime|sync|"
	    "async|dirsync|defaults|", name);
}

static void tmpfs(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct slice options = node_text(v);
	struct point *p;

	p = point_add(w, at, FROM_TMPFS, POINT_TMPFS, at->name);
	while (options.n) {
		struct slice one = slice_cut(&options, ','),
		    name = slice_cut(&one, '=');

		if (p && list_has("ro|rw", name))
			p->read_only = slice_is(name, "ro");
		if (!tmpfs_harmless(name))
			reach_add(w, f->word, at, name, SLICE(""));
	}
}

void judge_tmpfs(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, tmpfs);
}

/* A list of [name] and [name, value]. */
static void tmpfs_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice name = node_text(node_first(v));

	if (!tmpfs_harmless(name) || has(name, ","))
		reach_add(w, f->word, at, name, SLICE(""));
}

void judge_tmpfs_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, tmpfs_option);
}

/* ---- others' ---- */

static void volumes_from(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	struct slice mode = node_text(v), name = slice_cut(&mode, ':');
	struct spot *spot = ref_container(w, REF_USE, at, name);

	w->body->from_others = true;
	if (!list_has("|ro|rw", mode))
		reach_add(w, "everything", at, mode, SLICE(""));
	if (spot)
		spot->after = keep(w, (struct slice){ name.p + name.n,
		    node_text(v).n - name.n });
}

void judge_volumes_from(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each_at(w, f, at, v, volumes_from);
}

void judge_volume_driver(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	judge_unless(w, f, at, v);
	if (!list_has("|local", node_text(v)))
		w->body->volume_driver = keep(w, node_text(v));
}

/* Named volumes are found by their whole name: none can be taken by a name that
 * looks like an id. */
void judge_volume_name(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice name = node_text(v);
	struct spot *spot;

	if (!name.n)
		return;
	if (!name_valid(name)) {
		walk_fault(w, at, "is not a name that a volume can have");
		return;
	}
	judge_new_name(w, f, at, v);
	spot = ref_add(w, OBJECT_VOLUME, REF_OBJECT, at, name);
	if (spot)
		w->facts->refs[spot->index].made = true;
}
