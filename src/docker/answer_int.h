/*
 * answer_int.h: what the parts of answer.c share.  An answer is taken apart by
 * split.h; a spot says what is looked at in which part, and how.
 */
#ifndef DOCKBROKER_ANSWER_INT_H
#define DOCKBROKER_ANSWER_INT_H

#include "docker/split.h"
#include "dockbroker/answer.h"

#define PAIRS_MAX	65536	/* labels of one object: 2 MiB */

/* The pairs of an object of texts, in memory that is used again. */
struct pairs {
	struct pair *at;
	size_t n, cap;
};
/* Null and what is no text become "".  -ENOMEM. */
int pairs_read(struct pairs *to, struct slice raw, struct arena *a) _must_check_;
void pairs_free(struct pairs *p);
struct slice pairs_get(const struct pairs *p, const char *key);	/* .p NULL: none */

/* Part of a text that is copied with some places replaced. */
struct edit {
	const char *from;		/* copied up to here */
	struct buf *out;
	const struct member *m;		/* in edit_members: whose value it is */
};
struct edit edit_begin(struct slice raw, struct buf *out);
void edit_end(struct edit *e, struct slice raw);
void edit_replace(struct edit *e, struct slice old, struct slice with);
void edit_text(struct edit *e, struct slice old, struct slice text);	/* with quotes */
/* The member of that value goes, and a comma with it. */
void edit_remove(struct edit *e, struct slice value);

struct answer;
typedef int look_fn(struct answer *a, const struct part *p);
typedef void edit_fn(struct answer *a, struct edit *e, struct slice value);

/* A member of an object, and what is done with its value. */
struct rule {
	const char *key;
	edit_fn *edit;
};
/* Rules end with one without a key. */
void edit_members(struct answer *a, struct edit *e, struct slice object,
    const struct rule *rules);

/* A part of an answer: a member of the outermost object, or (no key) the
 * elements of the outermost list or the values of a stream. */
struct spot {
	const char *key;
	char split;			/* '[' '{': its elements are the parts; 0: as a whole */
	look_fn *look;
	edit_fn *edit;			/* for look_edit */
	const char *text;		/* for look_text */
	bool always;			/* for who sees everything too */
};

struct plan {
	unsigned endpoint;		/* enum endpoint_id */
	char top;			/* '[', '{', or 0: a stream of values */
	bool always;			/* for who sees everything too */
	bool strict;			/* a member without a spot is left out */
	const struct spot *spots;	/* until one without look */
};
const struct plan *plan_find(unsigned endpoint);

struct answer {
	struct split split;
	const struct facts *facts;
	const struct plan *plan;
	const struct spot *spot;	/* of the list or object that was entered */
	struct answer_ops ops;
	void *arg;
	unsigned minor;
	uint64_t limit, kept;
	struct buf *out;		/* of the present call */
	bool written[SPLIT_LEVELS + 1];
	struct arena memory;		/* of one part */
	struct pairs labels;
	struct slice id;		/* of the object of this part */
	bool asked_record;		/* for this part; */
	const struct guard_record *record;
	const struct guard_mount *mount;	/* behind the one that is being edited; NULL none */
	struct slice mode;		/* of it, as it was asked for; .p NULL as it is */
	bool by_volume;			/* answer_mounts_match says what is shown */
	struct buf inspected;		/* id of the object that the answer is about */
	struct buf canon, tags, digests;
	bool named;			/* some reference of the image may be seen */
	bool layers;			/* LayersSize was there; */
	int64_t layers_size;		/* of the images that are seen */
};

/* ---- writing ---- */

void answer_lead(struct answer *a, const struct part *p);	/* comma and key */
int answer_pass(struct answer *a, const struct part *p);	/* as it is */
/* With some members edited. */
int answer_edit(struct answer *a, const struct part *p, const struct rule *rules);
/* A member's text; .p NULL: none.  In the answer's memory. */
struct slice answer_member(struct answer *a, const struct members *m,
    const char *name, bool *twice);
/* Sets id and labels from an element, whose id is that member.  False: it is
 * none, or they cannot be told for sure, or *r is not SPLIT_GOOD. */
bool answer_element(struct answer *a, const struct part *p, const char *id,
    int *r);
bool answer_sees(struct answer *a, enum object_kind kind, struct slice id,
    struct slice name);

/* ---- looks, by what they are for ---- */

look_fn look_container, look_image, look_network, look_volume, look_peer,
    look_history, look_event;
look_fn look_id, look_edit, look_text, look_none, look_refs, look_count,
    look_layers;
edit_fn edit_reference, edit_image, edit_host, edit_networks, edit_manifests,
    edit_binds, edit_asked_mounts, edit_groups, edit_state, edit_mounts;
/* The guard's record of the container of this part; NULL: none. */
const struct guard_record *answer_record(struct answer *a);
/* Does a mount of the container match query_volume? */
bool answer_mounts_match(struct answer *a, const struct members *of);

/* References in raw that may be seen, as a list, to out.  How many are left
 * out; *kept the others. */
size_t refs_narrow(struct answer *a, struct slice raw, struct buf *out, size_t *kept);
/* Canonical; .p NULL: none. */
struct slice answer_canon(struct answer *a, struct slice reference);

#endif
