/*
 * guard_int.h: the members of a record, for write.c and read.c: one table says
 * what is written, in which order, and what is accepted; and the plan of a map of
 * ids, for its test.
 */
#ifndef DOCKBROKER_GUARD_INT_H
#define DOCKBROKER_GUARD_INT_H

#include "dockbroker/guard.h"

#define GUARD_SUM	(2 * 32)	/* digits of SHA-256 */
#define GUARD_SUM_LINE	(sizeof("sha256 \n") - 1 + GUARD_SUM)
#define GUARD_LINE	(BOUND_GUARD_RECORD - GUARD_SUM_LINE)
#define GUARD_TEXT	4096		/* bytes of a text: as long as a line of a body may be */

enum member_type {
	MEMBER_TEXT, MEMBER_BOOL,
	MEMBER_UID,
	MEMBER_BITS,			/* 64 of them, as 16 hexadecimal digits */
	MEMBER_WORD,			/* an enum, by the word */
	MEMBER_TEXTS,			/* a list of texts */
	MEMBER_ASKED,			/* JSON in a text: a list, or "" */
	MEMBER_DEVICES, MEMBER_MOUNTS	/* lists of objects */
};

typedef bool text_fn(struct slice s);

/* at: offset in its struct; of a list's pointer, and n of its length. */
struct member {
	const char *name;
	enum member_type type;
	size_t at, n;
	text_fn *check;			/* of texts */
	const char *must;		/* be: what the check asks for */
	const char *const *words;	/* of MEMBER_WORD */
};

struct member_table {
	const struct member *first;
	size_t n;
};
extern const struct member_table record_members, device_members, mount_members,
    bind_members;			/* these follow mount_members in a bind */

/* Absolute, without ".", "..", empty parts and a slash at the end; no controls. */
bool path_clean(struct slice s);
bool id_full(struct slice s);		/* 64 digits, lower case */
/* words: separated by one blank each. */
bool word_in(struct slice word, const char *words);

/* sum.c: the digits of the sum over the record's line. */
void sum_write(struct slice line, char out[GUARD_SUM]);
void line_write(const struct guard_record *r, struct buf *out);

/* ---- idmap.c ---- */

#define MAP_EXTENTS	340	/* the kernel's limit for one map */

struct id_map {
	struct id_extent e[MAP_EXTENTS];	/* host: on the disk; container: what the kernel shows */
	size_t n;
	bool full;
};
struct id_pin { uint32_t container, disk; };
/* sub: first of 65536 subordinate ids, 0 none; outer: the container's user
 * namespace.  Sets full when it does not fit. */
void idmap_fill(struct id_map *map, const struct id_pin *pins, size_t npins,
    uint32_t sub, const struct id_extent *outer, size_t nouter);
/* The kernel's text of it. */
void idmap_print(const struct id_map *map, struct buf *out);
/* First id of a good range of the user in the text of /etc/subuid; 0: none. */
uint32_t idmap_sub(struct slice text, struct slice name, uint32_t uid);
/* What id of the container is in the initial namespace. */
bool idmap_outer(uint32_t id, const struct id_extent *outer, size_t nouter,
    uint32_t *out);

#endif
