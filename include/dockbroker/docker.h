/*
 * docker.h: the Engine's API as tables.  Which endpoint a request names, what
 * its parameters and body may hold, what it asks for (facts), and the same
 * request written anew.  Knows no fds, no clock, no caller, no rules.
 */
#ifndef DOCKBROKER_DOCKER_H
#define DOCKBROKER_DOCKER_H

#include "dockbroker/base.h"
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

enum object_kind {
	OBJECT_NONE, OBJECT_CONTAINER, OBJECT_EXEC, OBJECT_IMAGE, OBJECT_NETWORK,
	OBJECT_VOLUME, OBJECT_PLUGIN, OBJECT_SERVICE, OBJECT_TASK, OBJECT_NODE,
	OBJECT_SECRET, OBJECT_CONFIG, OBJECT_SWARM, OBJECT_BUILD
};
const char *object_kind_name(enum object_kind k);	/* "container" */

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

/* ---- what a request asks: typed, for policy and record ---- */

/* Something that lets a container reach beyond itself. */
struct reach {
	const char *word;		/* of design.md 5: "bind", "host", ... */
	struct slice path;		/* "HostConfig.Binds[0]" or "?networkmode" */
	struct slice value;		/* cut to 128 bytes; "" where it could be a secret */
};

struct facts {
	struct arena *arena;
	const struct endpoint *endpoint;
	unsigned minor;			/* API version in force */
	struct slice object;		/* {name} of the path, decoded */
	struct slice object2;		/* {checkpoint}; Container of network connect; registry of auth */
	struct slice new_name;		/* name that is given to something */
	struct slice image;
	struct slice user;		/* Config.User, exec User */
	struct slice argv;		/* JSON array text: Entrypoint and Cmd, cut to 2 KiB */
	bool tty, stdin_open, detach;
	size_t nreach, more_reach, cap_reach;	/* more_reach: beyond BOUND_REACH */
	struct reach *reach;
};

void facts_init(struct facts *f, struct arena *a);
/* Adds a reach; path and value are copied into the arena.  What finds no room
 * is counted in more_reach: nreach + more_reach is 0 only for the harmless. */
void facts_reach(struct facts *f, const char *word, struct slice path, struct slice value);

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

/* "/v1.41/containers/abc/json": versioned as the client did. */
void path_write(const struct facts *f, const struct http_target *t, struct buf *out);

/* Checks parameters against params.def and writes them anew, "" or
 * "?all=1&...".  400 for unknown, repeated or ill-typed ones; all are named. */
int query_canon(const struct http_target *t, struct facts *f, struct buf *out,
    struct refusal *why) _must_check_;

/*
 * Parses in, walks it by the endpoint's schema and writes it anew to out.
 * Unknown fields with a zero value (null, false, 0, "", [], {}) are dropped, others
 * refused by name (400); ill-typed or out of bounds 400; all faults are named.
 * Far-reaching ones land in facts->reach.  -ENOMEM.  No bytes in: none out.
 * "null" stays "null".  Bodies that the Engine does not read (SILENT in
 * schema.def) are checked, and nothing is written: send no body.  413 when it
 * does not fit into out.
 */
int body_canon(struct slice in, struct facts *f, struct buf *out,
    struct refusal *why) _must_check_;

/* Is name, spelled exactly, a field of the schema's outermost object, in any
 * API version?  For ECHOES_BODY. */
bool schema_has_field(enum schema_id schema, struct slice name);

/* What the broker answers itself in the Engine's words. */
void refusal_set(struct refusal *r, unsigned status, const char *fmt, ...) _printf_(3, 4);

#endif
