/*
 * docker.h: the Engine's API as tables.  Which endpoint a request names, what
 * its parameters and body may hold, what it asks for (facts), and the same
 * request written anew.  Knows no fds, no clock, no caller, no rules.
 */
#ifndef DOCKBROKER_DOCKER_H
#define DOCKBROKER_DOCKER_H

#include "dockbroker/base.h"
#include "dockbroker/facts.h"
#include "dockbroker/guard.h"
#include "dockbroker/http.h"

#define API_MIN		24	/* of 1.NN: older ones take a HostConfig at start */
#define API_MAX		51	/* the newest that the tables were written for */

/* How the bytes of a request's body are treated. */
enum body_kind {
	BODY_NONE,	/* none, or "{}" or "null" which are dropped */
	BODY_JSON,	/* schema; Content-Type becomes application/json */
	BODY_TAR,	/* passed on with bounded memory as application/x-tar */
	BODY_OPAQUE	/* passed on, no Content-Type */
};

/* What the answer is. */
enum stream_kind {
	STREAM_NONE,	/* an answer that ends */
	STREAM_LONG,	/* head at once, body for days: logs, events, wait, stats */
	STREAM_HIJACK,	/* 101 or 200, then raw in both directions */
	STREAM_WEBSOCKET,
	STREAM_HTTP2	/* /session, /grpc */
};


enum endpoint_flag {
	CHANGES = 1,	/* the record is on disk before it is forwarded */
	UNVERSIONED = 2,	/* only without /v1.NN */
	ECHOES_BODY = 4,	/* dockerode repeats the body's keys in the query: known ones are dropped */
	REACHES = 8,	/* reaches beyond containers as a whole (plugins, swarm, debug): "privileged everything" */
	LATER = 16,	/* refused with 501 for everybody, with a sentence that says so */
	RETRY = 32,	/* reads that may be sent again when a kept connection was stale */
	DROPS_BODY = 64	/* BODY_NONE, but dockerode repeats the parameters as a JSON body: read within BOUND_BODY and dropped */
};

enum schema_id {
	SCHEMA_NONE,
#define SCHEMA(id)	SCHEMA_##id,
#include "dockbroker/schemas.def"
	SCHEMA_COUNT
};

struct endpoint {
	unsigned id;			/* enum endpoint_id */
	enum method method;
	const char *template;		/* "/containers/{name}/json": see catalog.def */
	const char *action;		/* "container.inspect" */
	const char *words;		/* docker commands that need it: "inspect port exec" */
	enum body_kind body;
	enum schema_id schema;
	enum stream_kind stream;
	enum object_kind object;	/* kind of {name} */
	unsigned since, until;		/* API minor versions, inclusive */
	unsigned flags;			/* enum endpoint_flag */
};

enum endpoint_id {
#define ENDPOINT(id, ...)	EP_##id,
#include "dockbroker/catalog.def"
	EP_COUNT
};

const struct endpoint *endpoint_get(unsigned id);	/* id < EP_COUNT */

/* A set of endpoints, for the policy. */
struct endpoint_set { uint64_t bits[3]; };
void endpoint_set_add(struct endpoint_set *s, unsigned id);
bool endpoint_set_has(const struct endpoint_set *s, unsigned id);
/* Adds what a docker word ("run", "volume rm", "volume", "all") or an action
 * ("container.create") stands for.  False when it is neither; *near is then the
 * nearest known one or "".  Every word includes system.ping. */
bool words_find(struct slice word, struct endpoint_set *add, const char **near);
/* The known words, then the actions; NULL past the end. */
const char *word_at(size_t i);
const char *action_at(size_t i);

/* ---- the way of a request ---- */

enum docker_outcome {
	DOCKER_GOOD,
	DOCKER_BAD		/* refused: status and message, for http_write_error */
};
struct refusal {
	unsigned status;
	struct buf message;	/* one sentence, no full stop; the caller's to free */
};

/*
 * Finds the row.  engine_minor: the Engine's newest, 0 when unknown.  Fills
 * facts->endpoint, minor, object, object2.  Refused: no row 404 (the text of
 * the Engine: "page not found"), a method that no row of the path has 405,
 * versions below 1.24 or above the Engine's 400, rows not of this version 404.
 */
int catalog_find(enum method m, const struct http_target *t,
    unsigned engine_minor, struct facts *f, struct refusal *why) _must_check_;

/* "/v1.41/containers/abc/json": versioned as the client did; the object by the
 * id of its ref where that is set.  Where the Engine does something else for a
 * name than for an id (remove, push, save of images) a name stays a name; one
 * without a tag is saved as ":latest", which is what was looked up. */
void path_write(const struct facts *f, const struct http_target *t, struct buf *out);

/*
 * Checks parameters against params.def; 400 for unknown, repeated or ill-typed
 * ones; all are named.  Adds refs (image names to be given as OBJECT_TAG REF_GIVE,
 * ?container, ?fromImage as REF_GIVE with use of pull, filters of lists that name
 * objects: before, since, ancestor, volume, network) and reaches, and keeps the
 * model in facts->queried.  Filters of events stay as they are: they match by
 * prefix and mean objects to come as well.
 */
int query_read(const struct http_target *t, struct facts *f, struct refusal *why) _must_check_;
/* What is written besides what was asked. */
struct query_edits {
	const struct pair *filters;	/* label=dockbroker.owner=alice, ANDed with those asked for */
	size_t nfilters;
	const struct pair *labels;	/* of a build: joined into ?labels */
	size_t nlabels;
	bool no_limit;			/* leave ?limit out, all=1 in its place: the broker counts itself */
	struct slice cgroup_parent;	/* of a build, "" none */
};
/* "" or "?all=1&...", refs by their ids.  e may be NULL; of it only what the
 * endpoint has parameters for is written. */
void query_write(const struct facts *f, const struct query_edits *e, struct buf *out);
/*
 * The i-th of ?filters.volume of a container list, where one of these is a path:
 * of binds that have the guard in front the Engine does not know whence they are.
 * query_write then leaves the filter and ?limit out, and answer.h sees to both.
 * As it is to be compared: ids of refs.  False past the end, or without a path.
 */
bool query_volume(const struct facts *f, size_t i, struct slice *out);
/* ?limit of a container list, 0 none (-n 1 and "latest" included). */
uint64_t query_limit(const struct facts *f);

/* A parameter's checked text; .p NULL: not asked for. */
struct slice query_text(const struct facts *f, const char *name);
/* The i-th of "filters", "buildargs" or "labels"; value.p NULL: null.  False past
 * the end. */
bool query_pair(const struct facts *f, const char *name, size_t i, struct pair *out);

/*
 * Parses in and walks it by the endpoint's schema.
 * Unknown fields with a zero value (null, false, 0, "", [], {}) are dropped, others
 * refused by name (400); ill-typed or out of bounds 400; all faults are named.
 * Far-reaching ones land in facts->reach, named objects in facts->refs, sums in
 * facts->asked; facts->body keeps what body_write needs (in the arena).
 * -ENOMEM.  Bodies that the Engine does not read (SILENT in schema.def) are checked,
 * and nothing is written: send no body.
 */
int body_read(struct slice in, struct facts *f, struct refusal *why) _must_check_;
/* What is forced, besides what was asked. */
struct body_edits {
	const struct pair *labels;	/* forced on the object and on the volumes that come with it */
	size_t nlabels;
	bool confine;			/* not privileged: CapDrop MKNOD, Propagation rprivate */
	bool own_volumes;		/* Binds by name, Volumes and image volumes become labelled Mounts */
	struct slice cgroup_parent;	/* "" as it is */
	/* where facts->open says so; 0 as it is.  MemorySwap becomes memory as well:
	 * the Engine would add as much again */
	int64_t memory, nano_cpus, pids;
	const struct slice *image_volumes;	/* targets that the image declares */
	size_t nimage_volumes;
	/* the guard: */
	struct slice runtime;		/* HostConfig.Runtime; "" as it is */
	struct slice bind_dir;		/* binds of the host, of Binds and of Mounts, become Mounts of this
					 * directory, writable, rprivate; "" as they are */
	struct slice user;		/* User of a create or an exec; "" as it is */
	bool powerless;			/* CapDrop ALL, SecurityOpt no-new-privileges, no CapAdd or GroupAdd */
	const struct slice *groups;	/* GroupAdd of a create: these as well, not in its record */
	size_t ngroups;
};
/*
 * What a create asks for, for its record.  After refs were looked up.  Left to the
 * caller: container, uid, user, engine_root, bind_dir, cgroup_parent, and of each bind within,
 * unmapped, uid, user.  as_user and powerless follow e.  init: it does not say no, so that the
 * daemon's default decides.  Image volumes and anonymous ones are in mounts; what comes from VolumesFrom is not (refs of use REF_USE with the path
 * HostConfig.VolumesFrom).  In the arena of f.  -ENOMEM; BAD, with why: more than
 * BOUND_GUARD_BINDS, _MOUNTS or _LIST, or powerless with Privileged, CapAdd or GroupAdd.
 */
int body_guard(const struct facts *f, const struct body_edits *e,
    struct guard_record *out, struct refusal *why) _must_check_;
/* Do its Binds, Mounts or Tmpfs put something at target (clean)?  These go before
 * what comes from VolumesFrom, which goes before Volumes and those of the image. */
bool body_covers(const struct facts *f, struct slice target);
/* Does the i-th ref, one of VolumesFrom, ask for no more than to read ("ID:ro")? */
bool body_borrows_read_only(const struct facts *f, size_t i);
/* The body written anew, refs by their ids.  e may be NULL.  Nothing for no
 * body or a SILENT one; "null" stays "null".  413 when it does not fit into
 * out, -ENOMEM. */
int body_write(const struct facts *f, const struct body_edits *e, struct buf *out,
    struct refusal *why) _must_check_;
/* Zeroes what facts->body holds: passwords of auth.  Nothing can be written then. */
void body_wipe(struct facts *f);

/* ---- image references ---- */

/* "alpine" -> "docker.io/library/alpine:latest", "x@sha256:..", "reg:5000/a/b:t"
 * as the Engine reads them; ids ("sha256:HEX", 64 hex) stay as they are.  A tag
 * beside a digest says nothing to the Engine and is left out.  False: it is none,
 * and nothing is added to out. */
bool reference_canon(struct slice text, struct buf *out);
bool reference_is_id(struct slice text);	/* 64 hex, or sha256:64 hex */
/* "docker.io/library/alpine:latest" -> "alpine:latest": as `docker images' shows it. */
void reference_familiar(struct slice canonical, struct buf *out);

/* The names that images get by a file of an archive for `docker load': manifest.json,
 * repositories, index.json.  fn is called for each; what it returns but 0 ends it
 * and is returned.  DOCKER_BAD with err when the file cannot be read; -ENOMEM. */
typedef int image_name_fn(void *arg, struct slice name, struct buf *err);
int manifest_names(struct slice file, struct slice text, image_name_fn *fn,
    void *arg, struct buf *err) _must_check_;

/* What the Engine of this version says of an object that it does not have, for a
 * ref that is MISSING or MANY.  A forced removal of a volume is 204 without text. */
void object_missing(const struct facts *f, const struct ref *r,
    unsigned engine_minor, struct refusal *why);

/* Is name, spelled exactly, a field of the schema's outermost object, in any
 * API version?  For ECHOES_BODY. */
bool schema_has_field(enum schema_id schema, struct slice name);

/* What the broker answers itself in the Engine's words. */
void refusal_set(struct refusal *r, unsigned status, const char *fmt, ...) _printf_(3, 4);

#endif
