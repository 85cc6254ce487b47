/*
 * body_mount.c: what is mounted into a new container, as it is sent: volumes as
 * labelled Mounts, and paths of the host as Mounts of the one directory that the
 * guard puts them in place of.
 *
 * Invariant: with bind_dir no path of the host that was asked for is sent.
 */
#include <string.h>

#include "docker/splice.h"

/* A Bind that is written as a Mount. */
static bool moves(const struct splice *s, const struct point *p)
{
	if (p->from != FROM_BINDS)
		return false;
	if (p->kind == POINT_HOST)
		return s->edits->bind_dir.n > 0;
	return s->edits->own_volumes && !p->keep;
}

void write_binds(struct splice *s, const struct spot *p)
{
	const struct body *b = s->body;
	bool moved = false, any = false;

	for (size_t i = 0; i < b->npoints; i++)
		moved |= moves(s, &b->points[i]);
	if (p->from == p->to)
		return;
	for (size_t i = 0; i < b->npoints; i++) {
		const struct point *q = &b->points[i];

		if (q->from != FROM_BINDS || moves(s, q))
			continue;
		if (!any) {
			splice_key(s, "Binds");
			buf_addc(s->out, '[');
		}
		any = true;
		splice_comma(s);
		if (q->ref != NO_REF)
			splice_text(s, splice_id(s, q->ref), q->options, SLICE(""));
		else
			buf_add(s->out, b->text.p + q->at, q->end - q->at);
	}
	if (any)
		buf_addc(s->out, ']');
	else if (!moved)
		splice_old(s, p);
}

static void add_volume(struct splice *s, const struct point *p)
{
	struct slice driver = s->body->volume_driver;
	struct slice name = p->ref == NO_REF ? SLICE("") : splice_id(s, p->ref);

	splice_comma(s);
	buf_addz(s->out, "{\"Type\":\"volume\"");
	if (name.n) {
		splice_key(s, "Source");
		buf_add_json_string(s->out, name);
	}
	splice_key(s, "Target");
	buf_add_json_string(s->out, p->target);
	if (p->read_only)
		buf_addz(s->out, ",\"ReadOnly\":true");
	splice_key(s, "VolumeOptions");
	buf_addc(s->out, '{');
	if (p->no_copy)
		buf_addz(s->out, "\"NoCopy\":true");
	splice_key(s, "Labels");
	splice_labels(s, SLICE(""), !name.n);
	if (driver.n) {
		splice_key(s, "DriverConfig");
		buf_addz(s->out, "{\"Name\":");
		buf_add_json_string(s->out, driver);
		buf_addc(s->out, '}');
	}
	buf_addz(s->out, "}}");
}

/* Whence it is, and that it is read-only, is the guard's to see to: runc 1.1 loses
 * nosuid and nodev where it makes something read-only. */
static void add_bind(struct splice *s, const struct point *p)
{
	splice_comma(s);
	buf_addz(s->out, "{\"Type\":\"bind\",\"Source\":");
	buf_add_json_string(s->out, s->edits->bind_dir);
	buf_addz(s->out, ",\"Target\":");
	buf_add_json_string(s->out, p->target);
	buf_addz(s->out, ",\"BindOptions\":{\"Propagation\":\"rprivate\"}}");
}

/* Does anything go to target, of the body or of the image's volumes before n? */
static bool covered(struct splice *s, struct slice target, size_t n)
{
	for (size_t i = 0; i < s->body->npoints; i++) {
		if (slice_equal(s->body->points[i].target, target))
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		buf_reset(&s->scratch);
		if (target_clean(s->edits->image_volumes[i], &s->scratch) &&
		    slice_equal(buf_slice(&s->scratch), target))
			return true;
	}
	return false;
}

static void add_image_volumes(struct splice *s)
{
	for (size_t i = 0; i < s->edits->nimage_volumes; i++) {
		_cleanup_(buf_free) struct buf clean = BUF(SCRATCH);
		struct point p = { .ref = NO_REF };

		if (!target_clean(s->edits->image_volumes[i], &clean))
			continue;
		s->no_memory |= !buf_ok(&clean);
		p.target = buf_slice(&clean);
		if (!covered(s, p.target, i))
			add_volume(s, &p);
	}
}

/* VolumesFrom brings volumes to places that are not known here, and a Mount
 * would hide them: what the Engine makes besides stays its own doing. */
static void add_mounts(struct splice *s)
{
	const struct body *b = s->body;

	bool declared = s->edits->own_volumes && !b->from_others;

	for (size_t i = 0; i < b->npoints; i++) {
		const struct point *p = &b->points[i];

		if (moves(s, p) && p->kind == POINT_HOST)
			add_bind(s, p);
		else if (moves(s, p) || (declared && p->from == FROM_VOLUMES &&
		    !p->keep))
			add_volume(s, p);
	}
	if (declared)
		add_image_volumes(s);
}

void write_mounts(struct splice *s, const struct spot *p)
{
	size_t before = s->out->len;

	if (p->kind == SPOT_MOUNTS_END) {
		add_mounts(s);
		return;
	}
	splice_key(s, "Mounts");
	buf_addc(s->out, '[');
	add_mounts(s);
	if (splice_last(s) == '[' && !s->out->failed)
		s->out->len = before;
	else
		buf_addc(s->out, ']');
}

bool mount_replaced(const struct splice *s, const struct spot *p)
{
	return p->kind == SPOT_MOUNT && s->edits->bind_dir.n > 0;
}

void write_mount(struct splice *s, const struct spot *p)
{
	add_bind(s, &s->body->points[p->index]);
}

static const struct point *mount_of(const struct splice *s, const struct spot *p)
{
	return &s->body->points[s->body->first_mount + p->index];
}

void write_source(struct splice *s, const struct spot *p)
{
	const struct point *q = mount_of(s, p);

	if (q->ref == NO_REF || !s->facts->refs[q->ref].id.p) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "Source");
	buf_add_json_string(s->out, splice_id(s, q->ref));
}

static bool confined(const struct splice *s, const struct spot *p)
{
	return s->edits->confine && mount_of(s, p)->kind == POINT_HOST;
}

void write_propagation(struct splice *s, const struct spot *p)
{
	if (!confined(s, p)) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "Propagation");
	buf_addz(s->out, "\"rprivate\"");
}

void write_bind_options(struct splice *s, const struct spot *p)
{
	if (!confined(s, p))
		return;
	splice_key(s, "BindOptions");
	buf_addz(s->out, "{\"Propagation\":\"rprivate\"}");
}

void write_volume_labels(struct splice *s, const struct spot *p)
{
	const struct point *q = mount_of(s, p);

	if (!s->edits->nlabels || q->kind != POINT_VOLUME) {
		splice_old(s, p);
		return;
	}
	splice_key(s, "Labels");
	splice_labels(s, splice_value(s, p), q->ref == NO_REF);
}

void write_volume_options(struct splice *s, const struct spot *p)
{
	if (!s->edits->nlabels || mount_of(s, p)->kind != POINT_VOLUME)
		return;
	splice_key(s, "VolumeOptions");
	buf_addc(s->out, '{');
	write_volume_labels(s, p);
	buf_addc(s->out, '}');
}

