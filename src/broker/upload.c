/*
 * upload.c: tars on their way to the Engine, checked while they pass: no
 * devices, and no names of images that the caller may not give.  The Engine
 * acts when the archive is whole; one that is refused never gets whole.
 */
#include <stdio.h>
#include <string.h>

#include "broker/broker.h"

#define READ_MOST	(64 * 1024)	/* bytes; gzip makes a thousand times as much */

/* ---- docker load: the names in manifest.json ---- */

/* "docker.io/library/0123456789ab:1" would hide what others mean by that id. */
static bool like_id(struct slice canonical)
{
	struct slice library = SLICE("docker.io/library/");
	size_t n = 0;

	if (!slice_starts(canonical, library))
		return false;
	canonical.p += library.n;
	canonical.n -= library.n;
	while (n < canonical.n && canonical.p[n] != ':' && canonical.p[n] != '@')
		if (!strchr("0123456789abcdef", canonical.p[n++]))
			return false;
	return n >= 12 && n <= 64;
}

/* Looked up when the archive is whole: the Engine acts no sooner. */
static int image_name(void *arg, struct slice name, struct buf *err)
{
	struct client *c = arg;
	_cleanup_(buf_free) struct buf canonical = BUF(BOUND_OBJECT_NAME + 64);
	struct facts *f = &c->request->facts;

	if (!reference_canon(name, &canonical) || !buf_ok(&canonical)) {
		buf_addf(err, "it names an image \"%.*s\", which is no name", SLICE_ARG(name));
		return ARCHIVE_BAD;
	}
	if (like_id(buf_slice(&canonical))) {
		buf_addf(err, "it names an image \"%.*s\", which looks like an id",
		    SLICE_ARG(name));
		return ARCHIVE_BAD;
	}
	for (size_t i = 0; i < f->nrefs; i++)
		if (slice_equal(f->refs[i].name, buf_slice(&canonical)))
			return ARCHIVE_GOOD;
	if (facts_ref(f, OBJECT_TAG, REF_GIVE, SLICE("manifest.json"), buf_slice(&canonical)))
		return ARCHIVE_GOOD;
	buf_addf(err, "it names more than %d images", BOUND_REFS);
	return ARCHIVE_BAD;
}

/* ---- docker build: what FROM names ---- */

struct wanted { struct client *c; struct buf *err; bool bad; };

static bool from_image(struct client *c, struct slice name)
{
	struct facts *f = &c->request->facts;

	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].kind == OBJECT_IMAGE && slice_equal(f->refs[i].name, name))
			return true;
	return facts_ref(f, OBJECT_IMAGE, REF_USE, SLICE("Dockerfile"), name) != NULL;
}

static void dockerfile_names(void *arg, enum dockerfile_what what, struct slice text)
{
	struct wanted *w = arg;
	struct request *r = w->c->request;

	if (w->bad)
		return;
	if (what == DOCKERFILE_URL) {
		facts_reach(&r->facts, "remote", SLICE("Dockerfile"), text, SLICE("build"));
	} else if (what == DOCKERFILE_IMAGE && !from_image(w->c, text)) {
		buf_addz(w->err, "it is made from too many images");
		w->bad = true;
	} else if (what == DOCKERFILE_UNKNOWN &&
	    !(rights_scope(r->rights, r->facts.endpoint) & SEE_ANY)) {
		buf_addf(w->err, "it cannot be told what \"%.*s\" takes; write the name"
		    " of the image", SLICE_ARG(text));
		w->bad = true;
	}
}

static int file_seen(void *arg, const struct archive_file *f, struct buf *err)
{
	struct client *c = arg;
	struct wanted w = { .c = c, .err = err };

	if (c->request->facts.endpoint->id == EP_IMAGE_LOAD)
		return manifest_names(f->name, f->text, image_name, c, err);
	struct dockerfile_arg *args;
	size_t n = 0;
	struct pair p;

	while (query_pair(&c->request->facts, "buildargs", n, &p))
		n++;
	args = arena_alloc(&c->request->arena, (n + 1) * sizeof(*args));
	for (n = 0; args && query_pair(&c->request->facts, "buildargs", n, &p); n++) {
		args[n].name = p.key;
		args[n].value = p.value;
	}
	if (!args)
		return -1;
	if (dockerfile_read(f->text, args, n, dockerfile_names, &w) < 0)
		return -1;
	return w.bad ? ARCHIVE_BAD : ARCHIVE_GOOD;
}

/* ---- the bytes ---- */

static enum archive_kind kind_of(const struct request *r)
{
	switch (r->facts.endpoint->id) {
	case EP_IMAGE_LOAD:
		return ARCHIVE_LOAD;
	case EP_IMAGE_BUILD:
		return ARCHIVE_BUILD;
	default:
		return ARCHIVE_UPLOAD;
	}
}

bool upload_start(struct client *c)
{
	struct request *r = c->request;
	const struct endpoint *e = r->facts.endpoint;

	if ((e->body != BODY_TAR && e->body != BODY_OPAQUE) || r->verdict.privileged)
		return true;
	if (e->id != EP_IMAGE_LOAD && e->id != EP_IMAGE_BUILD &&
	    e->id != EP_IMAGE_IMPORT && e->id != EP_CONTAINER_UPLOAD)
		return true;
	r->checked = BUF(BOUND_RELAY * 4);
	r->unchecked = BUF(BOUND_RELAY * 2);
	r->body_done = false;	/* an empty one has an end as well */
	r->archive = archive_new(kind_of(r), query_text(&r->facts, "dockerfile"),
	    file_seen, c);
	return r->archive != NULL;
}

static bool upload_send(struct client *c)
{
	struct request *r = c->request;
	struct buf *out = &c->link->out;
	char line[24];
	int n = snprintf(line, sizeof(line), "%zx\r\n", r->checked.len);
	bool good = true;

	if (!r->checked.len)
		return true;
	buf_add(out, line, (size_t)n);
	good = link_send(c->link, SLICE_NONE, buf_slice(&r->checked));
	buf_add(out, "\r\n", 2);
	buf_reset(&r->checked);
	return good && buf_ok(out);
}

static int upload_bad(struct client *c, int k, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(4096);

	c->request->body_done = false;
	if (k < 0) {
		relay_failed(c, 503, "out of memory, try again");
		return -1;
	}
	buf_addf(&text, "the archive is refused: %s", buf_text(err));
	relay_failed(c, 403, buf_text(&text));
	return -1;
}

/* An image that is there, but not for him.  One that is missing the Engine pulls. */
static const struct ref *hidden_image(const struct facts *f)
{
	for (size_t i = 0; i < f->nrefs; i++)
		if (f->refs[i].kind == OBJECT_IMAGE && f->refs[i].object &&
		    f->refs[i].state == REF_MISSING)
			return &f->refs[i];
	return NULL;
}

/* May he give the names that are in it, and use what it is made from?  -3: not
 * known yet. */
static int upload_names(struct client *c)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf text = BUF(8192);
	const struct ref *hidden;
	int k = own_names(c);

	if (k == SYNC_WAIT)
		return -3;
	hidden = hidden_image(&r->facts);
	if (hidden) {
		buf_addf(&text, "the build is refused: there is no image %.*s for you",
		    SLICE_ARG(hidden->name));
		r->body_done = false;
		relay_failed(c, 404, buf_text(&text));
		return -1;
	}
	if (k == SYNC_GOOD)
		policy_decide(r->rights, &r->facts, loop_realtime(c->broker->loop) / 1000000,
		    true, &r->verdict);
	if (k == SYNC_GOOD && r->verdict.allowed)
		return 0;
	if (k == SYNC_GOOD)
		verdict_sentence(&r->verdict, &r->facts, c->who, 0, &text);
	else
		buf_addz(&text, "the Docker Engine does not answer");
	r->body_done = false;
	relay_failed(c, k == SYNC_GOOD ? 403 : 502, buf_text(&text));
	return -1;
}

/* Until the Engine has to take something, or all was looked at.  -1 refused and
 * answered, -2 the Engine takes no more. */
static int upload_check(struct client *c)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf err = BUF(4096);

	while ((r->unchecked.len || r->more) && !c->link->out.len) {
		size_t used = 0;
		int k = archive_feed(r->archive, buf_slice(&r->unchecked), &used,
		    &r->more, &r->checked, &err);

		if (k != ARCHIVE_GOOD)
			return upload_bad(c, k, &err);
		buf_eat(&r->unchecked, used);
		if (!upload_send(c))
			return -2;
	}
	return 0;
}

static int upload_end(struct client *c)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf err = BUF(4096), text = BUF(1024);
	int k = r->whole_archive ? ARCHIVE_GOOD : archive_end(r->archive, &r->checked, &err);

	if (k != ARCHIVE_GOOD)
		return upload_bad(c, k, &err);
	r->whole_archive = true;
	k = r->facts.endpoint->id == EP_IMAGE_LOAD ||
	    r->facts.endpoint->id == EP_IMAGE_BUILD ? upload_names(c) : 0;
	if (k != 0)
		return k;
	if (made_raced(c, &text)) {
		r->body_done = false;
		relay_failed(c, 409, buf_text(&text));
		return -1;
	}
	/* the names of a load are its sender's from now on */
	if (!made_before(c)) {
		relay_failed(c, 503, "whose the images are could not be kept on disk;"
		    " nothing was done");
		return -1;
	}
	r->body_done = true;
	if (!upload_send(c))
		return -2;
	buf_adds(&c->link->out, SLICE("0\r\n\r\n"));
	return link_flush(c->link) ? 0 : -2;
}

static void up_piece(void *arg, struct slice piece)
{
	struct request *r = arg;

	buf_adds(&r->unchecked, piece);
	r->received += piece.n;
}

/* Decodes what came.  False: its chunks are malformed. */
static bool upload_decode(struct request *r, struct slice in, size_t *used)
{
	*used = in.n;
	if (r->framing == FRAMING_CHUNKED) {
		int k = http_chunked_feed(&r->up, in, used, up_piece, r);
		r->input_done = k == CHUNKED_END;
		return k == CHUNKED_MORE || k == CHUNKED_END;
	}
	if (*used > r->length - r->received)
		*used = (size_t)(r->length - r->received);
	up_piece(r, (struct slice){ in.p, *used });
	r->input_done = r->received == r->length;
	return true;
}

/* 0, -1: the client is closed or answered, -3: nothing there now. */
static int upload_read(struct client *c)
{
	struct request *r = c->request;
	struct slice in = buf_slice(&c->in);
	bool owned = in.n > 0;
	size_t used = 0;

	if (!owned) {
		ssize_t n = source_read(&c->source, c->broker->scratch, READ_MOST);
		if (n == -1)
			return -3;
		if (n <= 0) {
			client_close(c);	/* the Engine must not take it for whole */
			return -1;
		}
		in = (struct slice){ c->broker->scratch, (size_t)n };
	} else if (in.n > READ_MOST) {
		in.n = READ_MOST;
	}
	if (!upload_decode(r, in, &used)) {
		relay_failed(c, 400, "the chunks of the body are malformed");
		return -1;
	}
	if (owned)
		buf_eat(&c->in, used);
	else if (used < in.n)
		buf_add(&c->in, in.p + used, in.n - used);
	return 0;
}

bool upload_pump(struct client *c)
{
	struct request *r = c->request;
	uint64_t until = r->received + BOUND_RELAY;

	while (!r->body_done && !c->up_dead && !c->link->out.len &&
	    r->received < until) {
		int k = 0;
		if (r->unchecked.len || r->more)
			k = upload_check(c);
		else if (r->framing == FRAMING_NONE || r->input_done ||
		    (r->framing == FRAMING_LENGTH && !r->length))
			k = upload_end(c);
		else
			k = upload_read(c);
		if (k == -1)
			return false;
		if (k == -3)
			return true;
		if (k == -2)
			c->up_dead = true;
	}
	return true;
}
