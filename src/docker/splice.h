/*
 * splice.h: the pieces that body_write.c and body_mount.c put together: the text
 * of a body, and what is written at its spots.  Only these include it.
 */
#ifndef DOCKBROKER_SPLICE_H
#define DOCKBROKER_SPLICE_H

#include "docker/body_int.h"

#define SCRATCH		(16 * 1024)	/* bytes of one key or path */

struct splice {
	const struct facts *facts;
	const struct body *body;
	const struct body_edits *edits;
	struct buf *out;
	struct buf scratch;
	bool no_memory;
};

typedef void spot_fn(struct splice *s, const struct spot *p);

/* The last byte that was written. */
char splice_last(const struct splice *s);
/* The text as it was; what stands in front of it may have come or gone, and
 * the comma with it. */
void splice_put(struct splice *s, size_t from, size_t to);
spot_fn splice_old;		/* likewise, of a spot */
void splice_comma(struct splice *s);
void splice_key(struct splice *s, const char *name);
/* The value of the member at p, empty when it is absent. */
struct slice splice_value(const struct splice *s, const struct spot *p);
struct slice splice_id(const struct splice *s, size_t ref);
/* The three as one text. */
void splice_text(struct splice *s, struct slice a, struct slice b, struct slice c);
/* Those that are forced besides old: an object of texts, or nothing. */
void splice_labels(struct splice *s, struct slice old, bool anonymous);

/* body_mount.c */
spot_fn write_binds, write_mounts, write_mount, write_source, write_bind_options,
    write_propagation, write_volume_labels, write_volume_options;
/* Is the Mount written anew, with all that is in it? */
bool mount_replaced(const struct splice *s, const struct spot *p);

#endif
