/*
 * archive.h: a tar on its way to the Engine, checked while it passes: no
 * devices, no tricks with sizes and names, and the files that say what will
 * be named (manifest.json of `docker load') are read.  Constant memory; the
 * Engine gets the same entries.  Knows no fds and no HTTP.
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

/* What an archive says. */
struct archive_file {
	struct slice name;	/* "manifest.json", the dockerfile */
	struct slice text;
};
/* BAD refuses the archive: its sentence goes to err. */
typedef int archive_file_fn(void *arg, const struct archive_file *f, struct buf *err);

/* dockerfile: name that ARCHIVE_BUILD reads, "" for "Dockerfile"; fn may be NULL. */
struct archive *archive_new(enum archive_kind kind, struct slice dockerfile,
    archive_file_fn *fn, void *arg);
void archive_free(struct archive *a);
/*
 * Bytes as they come.  What may go on is appended to out: the same bytes, or, of
 * a gzip stream, what was in it (so that the Engine reads what was checked).
 * Takes as much of in as makes about BOUND_RELAY bytes of out: *used of it; call
 * again with the rest (also with nothing, while *more says so).  -ENOMEM.
 */
int archive_feed(struct archive *a, struct slice in, size_t *used, bool *more,
    struct buf *out, struct buf *err) _must_check_;
/* Nothing more comes: the archive must be whole.  The caller ends the request to
 * the Engine only when this is GOOD. */
int archive_end(struct archive *a, struct buf *out, struct buf *err) _must_check_;

#endif
