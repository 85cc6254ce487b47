/*
 * archive.h: a tar on its way to the Engine, checked while it passes: no
 * devices, no tricks with sizes and names, and the files that say what will
 * be named (manifest.json of `docker load') are read.  Constant memory (below
 * 300 KiB, and the text of the one file that is being read); the Engine gets
 * the same entries.  Knows no fds and no HTTP.
 *
 * The Engine unpacks with Go's archive/tar as root: what that would read in
 * another way than we do, or what only a forger writes, is refused.
 */
#ifndef DOCKBROKER_ARCHIVE_H
#define DOCKBROKER_ARCHIVE_H

#include "dockbroker/base.h"

struct archive;

enum archive_kind {
	ARCHIVE_UPLOAD,		/* docker cp, import: a file system */
	ARCHIVE_LOAD,		/* docker load: layers are tars themselves */
	ARCHIVE_BUILD		/* a build context: its Dockerfile is read */
};
enum archive_outcome {
	ARCHIVE_GOOD,
	ARCHIVE_BAD		/* refused; a sentence in err */
};

/*
 * What an archive says.  LOAD: "manifest.json", "repositories", "index.json";
 * BUILD: the dockerfile, where that is "Dockerfile" also "dockerfile", which the
 * Engine takes in its place.  A name that comes again overwrites the first in
 * the Engine: every one is given, and every one has to be good.
 */
struct archive_file {
	struct slice name;	/* cleaned: no "./" or "//" */
	struct slice text;	/* BOUND_ARCHIVE_FILE at most; gone after the call */
};
/* ARCHIVE_BAD refuses the archive: its sentence goes to err.  Negative: passed up. */
typedef int archive_file_fn(void *arg, const struct archive_file *f, struct buf *err);

/* dockerfile: name that ARCHIVE_BUILD reads, "" for "Dockerfile" (copied, cleaned;
 * with a ".." in it the archive is BAD); fn may be NULL.  NULL without memory. */
struct archive *archive_new(enum archive_kind kind, struct slice dockerfile,
    archive_file_fn *fn, void *arg);
void archive_free(struct archive *a);
/*
 * Bytes as they come.  What may go on is appended to out: the same bytes, or, of
 * a gzip stream, what was in it (so that the Engine reads what was checked).
 * Takes as much of in as makes about BOUND_RELAY bytes of out: *used of it; call
 * again with the rest (also with nothing, while *more says so).  -ENOMEM.
 * Compressed otherwise: BAD.  With gzip the Content-Length of the request is not
 * that of what goes on.  Nothing that was refused was appended, but for up to
 * BOUND_RELAY bytes of a layer (LOAD) that is refused: the Engine must not be
 * told that the request ended.
 */
int archive_feed(struct archive *a, struct slice in, size_t *used, bool *more,
    struct buf *out, struct buf *err) _must_check_;
/* Nothing more comes: the archive must be whole.  The caller ends the request to
 * the Engine only when this is GOOD.  Of LOAD the blocks of zeros at the end (two,
 * if more came) are appended now: newer Engines act on them, whatever follows. */
int archive_end(struct archive *a, struct buf *out, struct buf *err) _must_check_;

/* ---- what a Dockerfile takes from elsewhere ---- */

enum dockerfile_what {
	DOCKERFILE_IMAGE,	/* FROM, COPY --from, RUN --mount=from: no stage of its own, not scratch */
	DOCKERFILE_URL,		/* ADD of http, https, git or ssh; or what may be one, as "$X" */
	DOCKERFILE_UNKNOWN	/* the line whose images cannot be told before it is built */
};
typedef void dockerfile_fn(void *arg, enum dockerfile_what what, struct slice text);
struct dockerfile_arg {
	struct slice name, value;	/* --build-arg, those with a value */
};
/* As the Engine's classic builder reads it (a "# syntax=" line is a comment to
 * it).  The same image may be told more than once.  0 or -ENOMEM. */
int dockerfile_read(struct slice text, const struct dockerfile_arg *args,
    size_t nargs, dockerfile_fn *fn, void *arg) _must_check_;

#endif
