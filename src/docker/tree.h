/*
 * tree.h: a JSON text as a tree, made for the request path: one pass, few
 * allocations, texts stay where they came from unless they hold escapes.
 * Never more lenient than json_parse of base, which words the faults.
 */
#ifndef DOCKBROKER_TREE_H
#define DOCKBROKER_TREE_H

#include "dockbroker/base.h"

enum node_type {
	NODE_NULL, NODE_FALSE, NODE_TRUE, NODE_INT, NODE_REAL, NODE_TEXT,
	NODE_LIST, NODE_OBJECT
};

struct node {
	enum node_type type;
	struct slice key;		/* of a member */
	struct node *next;		/* in the same list or object */
	union {
		int64_t integer;
		double real;
		struct slice text;
		struct {
			struct node *first;
			size_t n;
		};
	};
};

struct tree {
	struct node *root;
	struct tree_chunk *chunks;
	char *text;			/* texts that held escapes */
};

enum tree_outcome { TREE_GOOD, TREE_BAD };
/* Bounds as json_parse; in must live as long as the tree.  -ENOMEM. */
int tree_parse(struct slice in, struct tree *t) _must_check_;
void tree_free(struct tree *t);

/* All of these take NULL. */
const struct node *node_get(const struct node *object, const char *name);
const struct node *node_first(const struct node *v);	/* of a list or object */
struct slice node_text(const struct node *v);		/* .p NULL: not a text */
int64_t node_integer(const struct node *v);
bool node_is(const struct node *v, enum node_type type);
/* null, false, 0, "", and lists and objects of nothing else. */
bool node_zero(const struct node *v);

#endif
