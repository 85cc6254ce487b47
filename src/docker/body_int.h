/*
 * body_int.h: what body.c (walks and writes) and judge.c (what a value means)
 * share.  Only these two include it.
 */
#ifndef DOCKBROKER_BODY_INT_H
#define DOCKBROKER_BODY_INT_H

#include "docker/tree.h"
#include "dockbroker/docker.h"

enum shape {
	SHAPE_ONE, SHAPE_LIST, SHAPE_ARGV, SHAPE_MAP, SHAPE_MAP_LIST,
	SHAPE_LIST_LIST
};
enum type { TYPE_TEXT, TYPE_INT, TYPE_BOOL, TYPE_REAL, TYPE_OBJECT };

enum object_id {
	OBJ_NONE,
#define OBJECT(id)	OBJ_##id,
#include "dockbroker/schema.def"
	OBJ_COUNT
};

/* Where we are in the body, as a chain on the stack: it is only made into
 * text where there is something to say. */
struct step {
	const struct step *up;
	struct slice name;	/* .p NULL: the element index of a list */
	size_t index;
};

struct walk {
	struct facts *facts;
	struct buf *out;
	enum schema_id schema;
	size_t nfaults, nnamed;
	struct buf faults;	/* the first ones, in words */
	bool no_memory;
	const struct node *entrypoint, *cmd;
};

struct field;
/* v is not null and has the type, shape and bounds of the row. */
typedef void judge_fn(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v);

struct field {
	struct slice name;
	struct slice key;	/* "Name": */
	const char *check;	/* see schema.def */
	const char *word;
	judge_fn *judge;
	int64_t min, max;	/* TYPE_INT; max: bytes of TYPE_TEXT */
	enum shape shape;
	enum type type;
	enum object_id object;	/* TYPE_OBJECT */
	unsigned since, until;
};

/* The judges that schema.def names; harmless is no judge at all. */
#define judge_harmless	NULL
judge_fn judge_attachments, judge_binds, judge_cmd, judge_detach,
    judge_device_paths, judge_device_requests, judge_driver_options,
    judge_drop, judge_each, judge_each_quiet, judge_endpoints,
    judge_entrypoint, judge_env, judge_extra_hosts, judge_image,
    judge_labels, judge_log_options, judge_mounts, judge_negative,
    judge_network_mode, judge_network_name, judge_network_options,
    judge_new_name, judge_open_stdin, judge_other, judge_ports, judge_present, judge_quiet,
    judge_reach, judge_security_options, judge_service_ports,
    judge_tmpfs, judge_tty, judge_ulimits, judge_unless, judge_user;

void walk_fault(struct walk *w, const struct step *at, const char *fmt, ...)
    _printf_(3, 4);
/* "HostConfig.Binds[0]"; what is odd in it is shown as "?". */
void step_write(const struct step *at, struct buf *b);
/* s is one of "a|b|c". */
bool list_has(const char *list, struct slice s);
/* facts->argv out of Entrypoint and Cmd. */
void argv_write(struct walk *w);

#endif
