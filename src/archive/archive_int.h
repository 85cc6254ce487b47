/*
 * archive_int.h: the parts of the checker.  tar.c reads one tar and says what
 * comes; gunzip.c inflates; layer.c checks a tar inside a tar; links.c
 * remembers the links of an archive; archive.c judges and passes on.
 */
#ifndef DOCKBROKER_ARCHIVE_INT_H
#define DOCKBROKER_ARCHIVE_INT_H

#define ZLIB_CONST
#include <zlib.h>

#include "dockbroker/archive.h"

#define TAR_BLOCK	512
#define ARCHIVE_MAGIC	6		/* bytes that tell every compression */
#define ARCHIVE_PLAIN	(16 * 1024)	/* bytes that are inflated at a time */

/* ---- tar.c ---- */

enum tar_outcome {
	TAR_MORE,	/* nothing to say until more bytes come */
	TAR_PASS,	/* pass: bytes that are no entry's */
	TAR_ENTRY,	/* pass: the header; type, size and name are set */
	TAR_CONTENT,	/* pass: content of this entry */
	TAR_CLOSED,	/* all content of this entry was seen */
	TAR_NONE,	/* the first block is no tar's, for Go neither */
	TAR_BAD
};

enum tar_state {
	TAR_AT_HEADER,
	TAR_IN_RECORDS,		/* content of x, g, L or K */
	TAR_IN_CONTENT,
	TAR_IN_PADDING,
	TAR_AT_ZERO,		/* behind the first zero block */
	TAR_AT_END		/* behind the second */
};

struct pax {
	enum { PAX_LENGTH, PAX_KEY, PAX_VALUE } at;
	enum { PAX_SKIP, PAX_PATH, PAX_LINK, PAX_SIZE } what;
	uint64_t left;			/* bytes of this record to come */
	size_t digits, nkey, nvalue;
	char key[128], number[24];
};

struct tar {
	enum tar_state state;
	bool begun;			/* the first block was read */
	char records;			/* type of what is read in TAR_IN_RECORDS */
	/* Of the records before the next entry's header. */
	bool pax, gnu_name, gnu_link, has_name, has_link, has_size;
	uint64_t pax_size;
	struct pax record;
	/* The entry. */
	char type;			/* '0' regular, '1' hard link, '2' symbolic link, '5', '6' */
	uint64_t size, left;
	size_t padding, nname;
	struct slice pass;
	size_t have;
	char block[TAR_BLOCK];
	char name[BOUND_ARCHIVE_NAME + 1];
};

void tar_init(struct tar *t);
/* Call until TAR_MORE, also with nothing in `in'. */
int tar_step(struct tar *t, struct slice in, size_t *used, struct buf *err) _must_check_;
/* The last n bytes of a TAR_CONTENT were not taken after all. */
void tar_untake(struct tar *t, size_t n);
int tar_end(const struct tar *t, struct buf *err) _must_check_;	/* enum archive_outcome */
/* One sentence about the entry; ARCHIVE_BAD. */
int tar_refuse(const struct tar *t, struct buf *err, const char *what);
/* A record block's bytes; TAR_BAD or TAR_PASS. */
int pax_take(struct tar *t, struct slice in, struct buf *err) _must_check_;
/* A name in quotes, what does not print as '?', cut after 80 bytes. */
void archive_show(struct buf *out, struct slice name);

/* ---- gunzip.c ---- */

struct gunzip {
	z_stream z;
	bool open, members;
	bool done;		/* at the end of a member */
};
enum gunzip_outcome { GUNZIP_GOOD, GUNZIP_BAD };
/* members: more than one may follow one another. */
int gunzip_open(struct gunzip *g, bool members) _must_check_;	/* -ENOMEM */
void gunzip_close(struct gunzip *g);
/* From in to out[0..n): *used, *made.  Neither: it needs more input. */
int gunzip_step(struct gunzip *g, struct slice in, size_t *used, struct slice out,
    size_t *made) _must_check_;
/* What the Engine would take bytes that begin so for: NULL, "gzip", "xz", ... */
const char *magic_name(struct slice first);

/* ---- links.c: paths of links, by hash: a stranger's is taken for one with 2^-30 ---- */

struct links {
	uint32_t *slots;
	size_t n;
};
enum links_outcome { LINKS_GOOD, LINKS_FULL };
int links_add(struct links *l, struct slice path) _must_check_;
/* Whether a directory above path is one of them. */
bool links_above(const struct links *l, struct slice path);
void links_free(struct links *l);

/* ---- layer.c: a file that may be a layer, compressed or not ---- */

struct layer;
struct layer *layer_new(void);
void layer_free(struct layer *l);
void layer_begin(struct layer *l);
/* Takes what *work allows; *work 0 afterwards: call again with the rest. */
int layer_take(struct layer *l, struct slice in, size_t *used, size_t *work,
    struct buf *err) _must_check_;
/* The file is complete.  *work 0 afterwards: call again. */
int layer_end(struct layer *l, size_t *work, struct buf *err) _must_check_;

#endif
