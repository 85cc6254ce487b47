/*
 * answer.h: the Engine's JSON answers on their way to one reader: what he may
 * not see is left out of lists, events and maps, ids that the broker put into
 * requests are turned back into what he wrote.  Streaming, with the memory of
 * one element.  Of the docker layer; knows no fds and no policy.
 */
#ifndef DOCKBROKER_ANSWER_H
#define DOCKBROKER_ANSWER_H

#include "dockbroker/docker.h"

/* Asked while an answer passes.  Slices live until the call returns. */
struct answer_ops {
	/* Is it there for the reader?  labels: those in the answer, if any. */
	bool (*sees)(void *arg, enum object_kind kind, struct slice id,
	    struct slice name, const struct pair *labels, size_t nlabels);
	/* May he see this name of the image?  Canonical reference; no id when an
	 * event does not tell it.  An image is there by sees, or by any name. */
	bool (*sees_tag)(void *arg, struct slice image_id, struct slice tag);
	/* The reference by which a container was asked for; .p NULL not known. */
	struct slice (*image_of)(void *arg, struct slice container_id);
	/* Name of a network by its full id; .p NULL not known. */
	struct slice (*network_name)(void *arg, struct slice id);
	/* For info: how many he sees: "Containers", "ContainersRunning",
	 * "ContainersPaused", "ContainersStopped", "Images". -1: leave. */
	int64_t (*count)(void *arg, const char *field);
	/* The record of a container that has the guard in front; NULL: none.  Its
	 * Binds, Mounts and RW are told as they were asked for, the source
	 * BIND-DIRECTORY as the path that stands behind that target, in inspect, lists, df.
	 * It has to live until the next call of this.  The callback may be NULL. */
	const struct guard_record *(*record)(void *arg, struct slice container_id);
	/* The whole answer (sees everything): only ids are turned back. */
	bool all;
};

struct answer;

/*
 * BAD: not JSON, not what the endpoint answers, or a member of an inspect that
 * has to be looked at is beyond BOUND_ELEMENT.  An element of a list or an event
 * beyond it goes as it is to who sees everything, and to nobody else.
 */
enum answer_outcome { ANSWER_GOOD, ANSWER_BAD };

/* Does the answer of this endpoint need a look?  narrow: the reader does not
 * see everything.  status: only 2xx (and, for errors, see answer_error).  What
 * shows mounts is always looked at. */
bool answer_wanted(const struct facts *f, unsigned status, bool narrow);
/* limit: at most so many elements of a container list, 0 all (and what
 * query_volume takes off the Engine is counted here, whatever is said).  f is
 * used until answer_free.  NULL: no memory. */
struct answer *answer_new(const struct facts *f, const struct answer_ops *ops,
    void *arg, uint64_t limit);
void answer_free(struct answer *a);
/* Decoded body bytes in, what the reader gets to out (appended; at most what
 * came, what was held of it, and some names longer).  Lengths change: the
 * answer's own Content-Length no longer holds.  -ENOMEM, also for out's max. */
int answer_feed(struct answer *a, struct slice in, struct buf *out) _must_check_;
/* No more comes.  BAD: it was cut short. */
int answer_end(struct answer *a, struct buf *out) _must_check_;

/* An error's text with the ids of refs turned back into the names that were
 * asked for, and what could not be mounted into the path that stands behind it.
 * record: of the container that the request is about; NULL none.  in is whole;
 * true when out holds another text. */
bool answer_error(const struct facts *f, const struct guard_record *record,
    struct slice in, struct buf *out);

/* ---- what the broker itself reads ---- */

/* One element of a list as the store needs it.  Slices live until return. */
struct listed {
	enum object_kind kind;
	struct slice id, name, image, image_id;	/* image: a container's, as listed */
	struct slice driver;
	const struct pair *labels;
	size_t nlabels;
	const struct slice *tags;		/* images: RepoTags and RepoDigests, canonical */
	size_t ntags;
	uint64_t size;				/* of images, bytes */
	int64_t created;			/* of images, seconds since 1970 */
	bool running;				/* or paused, or restarting: it holds memory */
	struct slice status;			/* "running", "paused", ...: of containers */
};	/* what there is none of: "" */
typedef void listed_fn(void *arg, const struct listed *l);
/* A reader of /containers/json, /networks, /volumes, /images/json.  Of an element
 * beyond BOUND_ELEMENT only what stands first in it is told: no labels. */
struct lister;
struct lister *lister_new(enum object_kind kind, listed_fn *fn, void *arg);
void lister_free(struct lister *l);
int lister_feed(struct lister *l, struct slice in) _must_check_;	/* as answer_feed */
int lister_end(struct lister *l) _must_check_;

/* One event. */
struct event {
	struct slice type, action, id;		/* "container", "exec_create: sh" */
	const struct pair *attributes;
	size_t nattributes;
};
typedef void event_fn(void *arg, const struct event *e);
struct lister *events_new(event_fn *fn, void *arg);	/* fed with lister_feed */

/* What an inspect of an image tells. */
struct image_told {
	struct slice id;
	const struct slice *tags;		/* canonical */
	size_t ntags;
	const struct slice *volumes;		/* Config.Volumes */
	size_t nvolumes;
	const struct slice *env;
	size_t nenv;
	const struct pair *labels;
	size_t nlabels;
};
/* In the arena.  BAD: not such an answer. */
int image_told(struct slice json, struct arena *a, struct image_told *out) _must_check_;
/* The text at a path of member names in an answer: "ContainerID", "Config.User";
 * false: none.  In the arena. */
bool answer_text(struct slice json, struct arena *a, struct slice *out, const char *path);

#endif
