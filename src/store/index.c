/*
 * index.c: finding.  Chains by hash for what is looked up as a whole, newest
 * first; a tree by id for the unique prefixes that people type: a treap whose
 * priorities are the ids' keyed hashes, so that it is as deep as a random one
 * whatever the ids are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_int.h"

#define INDEX_FIRST	64	/* slots */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t hash_text(const uint64_t key[2], uint64_t salt, struct slice s)
{
	uint64_t h = mix(key[0] ^ salt ^ (uint64_t)s.n << 32, key[1]), w;

	for (; s.n >= sizeof(w); s.p += sizeof(w), s.n -= sizeof(w)) {
		memcpy(&w, s.p, sizeof(w));
		h = mix(h ^ w, key[1]);
	}
	w = 0;
	if (s.n)
		memcpy(&w, s.p, s.n);
	return mix(mix(h ^ w, key[1]) ^ key[0], key[1]);
}

/* ---- chains ---- */

int index_init(struct index *x)
{
	x->slots = calloc(INDEX_FIRST, sizeof(struct link *));
	x->size = x->slots ? INDEX_FIRST : 0;
	x->n = 0;
	return x->slots ? 0 : -ENOMEM;
}

void index_free(struct index *x)
{
	free(x->slots);
	*x = (struct index){ 0 };
}

/* Each chain becomes two, in the same order.  Without memory the chains only
 * get longer. */
static void index_grow(struct index *x)
{
	struct link **slots = calloc(x->size * 2, sizeof(struct link *));

	if (!slots)
		return;
	for (size_t i = 0; i < x->size; i++) {
		struct link **low = &slots[i], **high = &slots[i + x->size];

		for (struct link *l = x->slots[i], *next; l; l = next) {
			struct link ***tail = l->hash & x->size ? &high : &low;

			next = l->next;
			l->next = NULL;
			**tail = l;
			*tail = &l->next;
		}
	}
	free(x->slots);
	x->slots = slots;
	x->size *= 2;
}

void index_add(struct index *x, struct link *l, uint64_t hash)
{
	struct link **slot;

	if (x->n >= x->size)
		index_grow(x);
	slot = &x->slots[hash & (x->size - 1)];
	l->hash = hash;
	l->next = *slot;
	*slot = l;
	x->n++;
}

void index_del(struct index *x, struct link *l)
{
	struct link **at = &x->slots[l->hash & (x->size - 1)];

	while (*at && *at != l)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = l->next;
	x->n--;
}

static struct link *same(struct link *l, uint64_t hash)
{
	while (l && l->hash != hash)
		l = l->next;
	return l;
}

struct link *index_first(const struct index *x, uint64_t hash)
{
	return same(x->slots[hash & (x->size - 1)], hash);
}

struct link *index_next(const struct link *l)
{
	return same(l->next, l->hash);
}

/* ---- lists ---- */

void list_init(struct node *head)
{
	head->prev = head->next = head;
}

void list_add(struct node *head, struct node *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

void list_del(struct node *n)
{
	if (!n->next)
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->prev = n->next = NULL;
}

/* ---- the tree ---- */

/* What is before it and what is behind it. */
static void split(struct item *t, const char *id, struct item **before,
    struct item **behind)
{
	while (t) {
		if (strcmp(t->id, id) < 0) {
			*before = t;
			before = &t->right;
			t = t->right;
		} else {
			*behind = t;
			behind = &t->left;
			t = t->left;
		}
	}
	*before = *behind = NULL;
}

void prefix_add(struct item **root, struct item *it)
{
	while (*root && (*root)->by_id.hash >= it->by_id.hash)
		root = strcmp((*root)->id, it->id) < 0 ?
		    &(*root)->right : &(*root)->left;
	split(*root, it->id, &it->left, &it->right);
	*root = it;
}

void prefix_del(struct item **root, struct item *it)
{
	struct item *before = it->left, *behind = it->right;

	while (*root && *root != it)
		root = strcmp((*root)->id, it->id) < 0 ?
		    &(*root)->right : &(*root)->left;
	while (before && behind) {
		if (before->by_id.hash >= behind->by_id.hash) {
			*root = before;
			root = &before->right;
			before = before->right;
		} else {
			*root = behind;
			root = &behind->left;
			behind = behind->left;
		}
	}
	*root = before ? before : behind;
	it->left = it->right = NULL;
}

/* As deep as the tree: the logarithm of their number. */
bool prefix_each(struct item *root, struct slice prefix, prefix_fn *fn,
    void *arg)
{
	int order;

	while (root) {
		order = strncmp(root->id, prefix.p, prefix.n);
		if (order == 0)
			break;
		root = order < 0 ? root->right : root->left;
	}
	if (!root)
		return true;
	return prefix_each(root->left, prefix, fn, arg) && fn(arg, root) &&
	    prefix_each(root->right, prefix, fn, arg);
}
