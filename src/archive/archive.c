/*
 * archive.c: what may be in an archive of each kind, and what goes on of it.
 * The bytes are a user's; what is appended to out the Engine unpacks as root.
 *
 * A name that is watched (manifest.json, the dockerfile) must be what the
 * Engine will read by it: an entry of that name, written once or more often
 * and judged each time.  So it may be no link, nothing above it may be a
 * link, and no entry may be written through a link of the archive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_int.h"

#define WATCHED	3

static const char zeros[2 * TAR_BLOCK];		/* the end of a tar */

struct archive {
	enum archive_kind kind;
	archive_file_fn *fn;
	void *arg;
	enum { ARCHIVE_HEAD, ARCHIVE_TAR, ARCHIVE_GZIP } how;
	bool dead;			/* refused: nothing more goes on */
	bool closing;			/* the entry's end is not yet dealt with */
	size_t held;			/* zeros at the end that have not gone on */
	enum { CONTENT_PASSES, CONTENT_FILE, CONTENT_LAYER } content;
	size_t have;
	char head[ARCHIVE_MAGIC];
	struct gunzip gz;
	size_t from, to;		/* of plain */
	char *plain;			/* ARCHIVE_PLAIN bytes, for gzip */
	struct slice watched[WATCHED];
	char *dockerfile;
	struct links links;
	struct layer *layer;
	struct buf text;
	size_t npath;
	char path[BOUND_ARCHIVE_NAME + 1];	/* name of the entry, cleaned */
	struct tar tar;
};

/* What one call of archive_feed may do. */
struct turn {
	struct buf *out, *err;
	size_t room;			/* bytes to be appended */
	size_t work;			/* bytes to be inflated for a check */
};

/* Without "", "." and slashes at both ends.  False with a "..". */
static bool clean(struct slice name, char *out, size_t *n)
{
	*n = 0;
	while (name.n > 0) {
		struct slice part = slice_cut(&name, '/');

		if (slice_is(part, ".."))
			return false;
		if (part.n == 0 || slice_is(part, "."))
			continue;
		if (*n > 0)
			out[(*n)++] = '/';
		memmove(out + *n, part.p, part.n);
		*n += part.n;
	}
	return true;
}

static bool watch_dockerfile(struct archive *a, struct slice name)
{
	size_t n;

	if (name.n == 0)
		name = SLICE("Dockerfile");
	a->dockerfile = malloc(name.n);
	if (!a->dockerfile)
		return false;
	a->dead = !clean(name, a->dockerfile, &n) || n == 0;
	a->watched[0] = (struct slice){ a->dockerfile, n };
	/* The Engine's second try. */
	if (slice_is(a->watched[0], "Dockerfile"))
		a->watched[1] = SLICE("dockerfile");
	return true;
}

struct archive *archive_new(enum archive_kind kind, struct slice dockerfile,
    archive_file_fn *fn, void *arg)
{
	struct archive *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->kind = kind;
	a->fn = fn;
	a->arg = arg;
	a->text = BUF(BOUND_ARCHIVE_FILE);
	tar_init(&a->tar);
	if (kind == ARCHIVE_LOAD) {
		a->watched[0] = SLICE("manifest.json");
		a->watched[1] = SLICE("repositories");
		a->watched[2] = SLICE("index.json");
	} else if (kind == ARCHIVE_BUILD && !watch_dockerfile(a, dockerfile)) {
		archive_free(a);
		return NULL;
	}
	return a;
}

void archive_free(struct archive *a)
{
	if (!a)
		return;
	gunzip_close(&a->gz);
	layer_free(a->layer);
	links_free(&a->links);
	buf_free(&a->text);
	free(a->dockerfile);
	free(a->plain);
	free(a);
}

static bool below(struct slice path, struct slice dir)
{
	return path.n > dir.n && path.p[dir.n] == '/' && slice_starts(path, dir);
}

/* An entry that is, or is above or below, a watched name. */
static int judge_watched(struct archive *a, struct slice path, struct buf *err)
{
	const struct tar *t = &a->tar;

	for (size_t i = 0; i < WATCHED; i++) {
		struct slice w = a->watched[i];

		if (w.n == 0)
			continue;
		if (slice_equal(path, w)) {
			if (t->type != '0')
				return tar_refuse(t, err, "must be a file, no directory or link");
			if (t->size > BOUND_ARCHIVE_FILE)
				return tar_refuse(t, err, "has more than 1 MiB");
			a->content = CONTENT_FILE;
		} else if (below(w, path) && t->type != '5') {
			return tar_refuse(t, err, "must be a directory, no link");
		} else if (below(path, w)) {
			return tar_refuse(t, err, "has the name of a file above it");
		}
	}
	return ARCHIVE_GOOD;
}

/* The kinds of archives whose files the Engine reads by name. */
static int judge_named(struct archive *a, struct slice path, struct buf *err)
{
	const struct tar *t = &a->tar;
	int r;

	if (path.n == 0 && t->type != '5')
		return tar_refuse(t, err, "has no name");
	if (links_above(&a->links, path))
		return tar_refuse(t, err, "lies below a link of the same archive");
	if (t->type == '1' || t->type == '2') {
		r = links_add(&a->links, path);
		if (r < 0)
			return r;
		if (r == LINKS_FULL)
			return tar_refuse(t, err, "is one link too many");
	}
	if (a->kind == ARCHIVE_LOAD && t->type == '6')
		return tar_refuse(t, err, "is a pipe, which no image archive has");
	if (a->kind == ARCHIVE_LOAD && t->type == '0')
		a->content = CONTENT_LAYER;
	return judge_watched(a, path, err);
}

static int judge_entry(struct archive *a, struct buf *err)
{
	struct slice name = { a->tar.name, a->tar.nname };
	int r;

	a->content = CONTENT_PASSES;
	if (!clean(name, a->path, &a->npath))
		return tar_refuse(&a->tar, err, "has '..' in its name");
	if (a->kind == ARCHIVE_UPLOAD)
		return ARCHIVE_GOOD;
	r = judge_named(a, (struct slice){ a->path, a->npath }, err);
	if (r != ARCHIVE_GOOD || a->content != CONTENT_LAYER)
		return r;
	if (!a->layer)
		a->layer = layer_new();
	if (!a->layer)
		return -ENOMEM;
	layer_begin(a->layer);
	return ARCHIVE_GOOD;
}

/* r of layer.c; a sentence about a layer says whose it is. */
static int layer_told(const struct archive *a, int r, struct buf *why, struct buf *err)
{
	if (r == ARCHIVE_BAD) {
		buf_addz(err, "in ");
		archive_show(err, (struct slice){ a->path, a->npath });
		buf_addz(err, ": ");
		buf_addz(err, buf_text(why));
	}
	return r;
}

/* Counts what was appended: the last piece may be larger than the room. */
static void pass_on(struct turn *turn, struct slice s)
{
	buf_adds(turn->out, s);
	turn->room -= s.n < turn->room ? s.n : turn->room;
}

/*
 * What is no entry's.  Go takes two blocks of zeros for the end, and Engines
 * from 23 on read no further: of an image archive they are held back until
 * archive_end, when whoever asks has looked at all of its names.
 */
static void pass_rest(struct archive *a, struct turn *turn)
{
	bool ended = a->tar.state == TAR_AT_ZERO || a->tar.state == TAR_AT_END;
	size_t n = a->tar.pass.n;

	if (a->kind != ARCHIVE_LOAD || !ended) {
		pass_on(turn, a->tar.pass);
		return;
	}
	a->held += n < sizeof(zeros) - a->held ? n : sizeof(zeros) - a->held;
	turn->room -= n < turn->room ? n : turn->room;
}

static int take_content(struct archive *a, size_t *used, struct turn *turn)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	struct slice in = a->tar.pass;
	int r = ARCHIVE_GOOD;

	if (a->content == CONTENT_FILE) {
		buf_adds(&a->text, in);
		r = buf_ok(&a->text) ? ARCHIVE_GOOD : -ENOMEM;
	} else if (a->content == CONTENT_LAYER) {
		r = layer_take(a->layer, in, used, &turn->work, &why);
		tar_untake(&a->tar, in.n - *used);
		r = layer_told(a, r, &why, turn->err);
	}
	if (r == ARCHIVE_GOOD)
		pass_on(turn, (struct slice){ in.p, *used });
	return r;
}

/* fn has judged a text before the next header goes on: the Engine cannot have
 * read the end of the archive by then. */
static int close_entry(struct archive *a, struct turn *turn)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);
	struct archive_file file = { { a->path, a->npath }, buf_slice(&a->text) };
	int r = ARCHIVE_GOOD;

	a->closing = false;
	if (a->content == CONTENT_FILE) {
		if (a->fn)
			r = a->fn(a->arg, &file, turn->err);
		buf_free(&a->text);
	} else if (a->content == CONTENT_LAYER) {
		r = layer_end(a->layer, &turn->work, &why);
		a->closing = r == ARCHIVE_GOOD && turn->work == 0;
		r = layer_told(a, r, &why, turn->err);
	}
	return r;
}

static int refuse_magic(const char *name, bool again, struct buf *err)
{
	buf_addf(err, "the archive is compressed %s %s: send it uncompressed or "
	    "as gzip", again ? "twice, also with" : "with", name);
	return ARCHIVE_BAD;
}

/* One step of the outer tar; *idle when it asks for more. */
static int step(struct archive *a, struct slice in, size_t *used, bool *idle,
    struct turn *turn)
{
	bool first = !a->tar.begun;
	int r = tar_step(&a->tar, in, used, turn->err), outcome = ARCHIVE_GOOD;

	*idle = r == TAR_MORE;
	if (first && a->tar.begun) {
		/* The Engine decompresses what begins so, a tar or not. */
		const char *name = magic_name(a->tar.pass);

		if (name)
			return refuse_magic(name, true, turn->err);
	}
	switch (r) {
	case TAR_NONE:
		buf_addz(turn->err, "the body is no tar archive");
		return ARCHIVE_BAD;
	case TAR_BAD:
		return ARCHIVE_BAD;
	case TAR_CONTENT:
		return take_content(a, used, turn);
	case TAR_CLOSED:
		return close_entry(a, turn);
	case TAR_ENTRY:
		outcome = judge_entry(a, turn->err);
		if (outcome == ARCHIVE_GOOD)
			pass_on(turn, a->tar.pass);
		return outcome;
	}
	pass_rest(a, turn);
	return ARCHIVE_GOOD;
}

static bool full(const struct turn *turn)
{
	return turn->room == 0 || turn->work == 0;
}

static int read_tar(struct archive *a, struct slice in, size_t *used, struct turn *turn)
{
	int r = ARCHIVE_GOOD;
	bool idle = false;

	*used = 0;
	while (r == ARCHIVE_GOOD && !idle && !full(turn)) {
		struct slice rest = { in.p + *used, in.n - *used };
		size_t n = 0;

		if (rest.n > turn->room)
			rest.n = turn->room;
		if (a->closing)
			r = close_entry(a, turn);
		else
			r = step(a, rest, &n, &idle, turn);
		*used += n;
	}
	return r;
}

static int read_gzip(struct archive *a, struct slice in, size_t *used, struct turn *turn)
{
	struct slice plain = { a->plain, ARCHIVE_PLAIN };
	int r = ARCHIVE_GOOD;
	size_t n;

	*used = 0;
	while (r == ARCHIVE_GOOD) {
		r = read_tar(a, (struct slice){ a->plain + a->from,
		    a->to - a->from }, &n, turn);
		a->from += n;
		if (r != ARCHIVE_GOOD || full(turn))
			return r;
		a->from = a->to = 0;
		r = gunzip_step(&a->gz, (struct slice){ in.p + *used,
		    in.n - *used }, &n, plain, &a->to);
		*used += n;
		if (r == GUNZIP_GOOD && n == 0 && a->to == 0)
			return ARCHIVE_GOOD;
	}
	if (r == GUNZIP_BAD)
		buf_addz(turn->err, a->gz.done ?
		    "the archive goes on behind its gzip stream" :
		    "the archive's gzip stream is broken");
	return r < 0 ? r : ARCHIVE_BAD;
}

static int read_some(struct archive *a, struct slice in, size_t *used, struct turn *turn)
{
	if (a->how == ARCHIVE_GZIP)
		return read_gzip(a, in, used, turn);
	return read_tar(a, in, used, turn);
}

/* The first bytes are there, or all that there are.  They make no output. */
static int begin(struct archive *a, struct turn *turn)
{
	const char *name = magic_name((struct slice){ a->head, a->have });
	size_t n;
	int r;

	a->how = ARCHIVE_TAR;
	if (name && strcmp(name, "gzip") == 0) {
		a->how = ARCHIVE_GZIP;
		a->plain = malloc(ARCHIVE_PLAIN);
		r = a->plain ? gunzip_open(&a->gz, false) : -ENOMEM;
		if (r < 0)
			return r;
	} else if (name) {
		return refuse_magic(name, false, turn->err);
	}
	return read_some(a, (struct slice){ a->head, a->have }, &n, turn);
}

static int feed(struct archive *a, struct slice in, size_t *used, struct turn *turn)
{
	size_t n;
	int r;

	*used = 0;
	if (a->how == ARCHIVE_HEAD) {
		n = ARCHIVE_MAGIC - a->have;
		if (in.n < n)
			n = in.n;
		if (n > 0)
			memcpy(a->head + a->have, in.p, n);
		a->have += n;
		*used = n;
		if (a->have < ARCHIVE_MAGIC)
			return ARCHIVE_GOOD;
		r = begin(a, turn);
		if (r != ARCHIVE_GOOD)
			return r;
	}
	in.p += *used;
	in.n -= *used;
	r = read_some(a, in, &n, turn);
	*used += n;
	return r;
}

/* Nothing goes on any more once something was refused. */
static int settle(struct archive *a, int r, const struct turn *turn)
{
	if (r == ARCHIVE_GOOD && !buf_ok(turn->out))
		r = -ENOMEM;
	if (r != ARCHIVE_GOOD)
		a->dead = true;
	return r;
}

static int told_dead(struct buf *err)
{
	buf_addz(err, "the archive was refused, or its dockerfile lies outside of it");
	return ARCHIVE_BAD;
}

int archive_feed(struct archive *a, struct slice in, size_t *used, bool *more,
    struct buf *out, struct buf *err)
{
	struct turn turn = { out, err, BOUND_RELAY, BOUND_ARCHIVE_WORK };
	int r;

	*used = 0;
	*more = false;
	if (a->dead)
		return told_dead(err);
	if (in.n == 0)
		in = SLICE("");		/* pointers are moved by 0 */
	r = feed(a, in, used, &turn);
	*more = r == ARCHIVE_GOOD && full(&turn);
	return settle(a, r, &turn);
}

int archive_end(struct archive *a, struct buf *out, struct buf *err)
{
	struct turn turn = { out, err, BOUND_RELAY, BOUND_ARCHIVE_WORK };
	size_t used;
	int r = ARCHIVE_GOOD;

	if (a->dead)
		return told_dead(err);
	if (a->how == ARCHIVE_HEAD && a->have == 0)
		return ARCHIVE_GOOD;	/* Go, too, takes nothing for an empty archive */
	if (a->how == ARCHIVE_HEAD)
		r = begin(a, &turn);
	if (r == ARCHIVE_GOOD)
		r = read_some(a, SLICE(""), &used, &turn);
	if (r == ARCHIVE_GOOD && full(&turn))
		r = -EINVAL;		/* archive_feed said *more */
	if (r == ARCHIVE_GOOD && a->how == ARCHIVE_GZIP && !a->gz.done) {
		buf_addz(err, "the archive's gzip stream is cut off");
		r = ARCHIVE_BAD;
	}
	if (r == ARCHIVE_GOOD)
		r = tar_end(&a->tar, err);
	if (r == ARCHIVE_GOOD)
		buf_add(out, zeros, a->held);
	a->held = 0;
	return settle(a, r, &turn);
}
