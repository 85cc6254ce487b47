/*
 * split.h: a stream of JSON taken apart into values that are small enough to
 * be held, whatever pieces it comes in.  A list, an object, and lists and
 * objects that are members of it; or values one behind the other.
 */
#ifndef DOCKBROKER_SPLIT_H
#define DOCKBROKER_SPLIT_H

#include "docker/scan.h"

#define SPLIT_LEVELS	2

/* One value, scanned: it is JSON.  Slices live until the call returns. */
struct part {
	unsigned level;			/* of lists and objects around: 0..SPLIT_LEVELS */
	struct slice key;		/* between the quotes; .p NULL outside of objects */
	struct slice name;		/* the same, decoded */
	struct slice raw;
	const struct members *m;	/* of an object; else NULL */
};

/* Outcomes: 0, or what split_feed is to return at once. */
struct split_ops {
	/* A list or an object begins: is it to be taken apart?  Then close comes too. */
	bool (*enters)(void *arg, const struct part *p, char open);
	int (*open)(void *arg, const struct part *p, char open);
	int (*value)(void *arg, const struct part *p);
	int (*close)(void *arg, unsigned level, char close);
	/* Beyond BOUND_ELEMENT; raw is its beginning.  *rest: all of it is wanted,
	 * in pieces, unscanned. */
	int (*large)(void *arg, const struct part *p, bool *rest);
	int (*rest)(void *arg, struct slice piece);
};

enum split_outcome { SPLIT_GOOD = SCAN_GOOD, SPLIT_BAD = SCAN_BAD };

enum split_state {
	SPLIT_FIRST,		/* a value, or the end of an empty list */
	SPLIT_VALUE,
	SPLIT_FIRST_KEY,	/* a key, or the end of an empty object */
	SPLIT_KEY,
	SPLIT_COLON,
	SPLIT_NEXT,		/* a comma, or the end */
	SPLIT_END		/* of the text */
};

struct split {
	const struct split_ops *ops;
	void *arg;
	bool many;			/* values one behind the other */
	enum split_state state;
	unsigned level;
	char close[SPLIT_LEVELS];
	struct buf key;			/* of the member that is being read */
	struct slice name;		/* decoded */
	struct arena memory;		/* of name */
	/* a key or value that goes on in the next piece: */
	struct buf held;
	bool holds, large, wants_rest;
	bool text, escaped, bare;	/* inside a text; behind a backslash; number or word */
	unsigned depth;
	struct members members;
};

void split_init(struct split *s, const struct split_ops *ops, void *arg, bool many);
void split_free(struct split *s);
int split_feed(struct split *s, struct slice in) _must_check_;
/* No more comes. */
int split_end(struct split *s) _must_check_;

#endif
