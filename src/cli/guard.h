/*
 * guard.h: `dockbroker check guard': what is known of this host (guard_look.c),
 * and what is to be said of it (guard_say.c).  Everything is read, nothing
 * done; what the caller may not see is said to be unknown.
 */
#ifndef DOCKBROKER_CLI_GUARD_H
#define DOCKBROKER_CLI_GUARD_H

#include "dockbroker/base.h"

enum sight_of { SEEN, SEEN_NOT, SEEN_CLOSED };	/* there; not there; not for us to see */

/* A file that is executed as root. */
struct program {
	char path[256];
	enum sight_of there;
	bool safe;			/* root's, and nobody else writes it */
	bool runs;			/* a regular file, executable */
	bool same;			/* links: the program itself */
};

struct guard_facts {
	const struct config *conf;
	const char *name;		/* of the runtime; where it is none, the usual one */
	bool none;			/* the settings say that there is no guard */
	/* the broker, where it answers; the Engine, where the broker asked it */
	bool broker, engine;
	bool registered, rootless, podman, userns;
	char default_runtime[256];
	unsigned api;			/* of 1.NN, 0 unknown */
	/* daemon.json */
	enum sight_of daemon;
	bool daemon_bad;		/* no JSON */
	bool listed;			/* guard-runtime is in it, program.path from there */
	char daemon_default[256];
	char default_path[256];		/* of the runtime with "-default" */
	bool remap;
	/* files */
	struct program program, as_default, as_build, runc, tool;
	char buildkit[256];		/* DOCKER_BUILDKIT_RUNC_COMMAND of docker.service */
	char buildkit_path[256];	/* of ours, first in its PATH: dockerd before 23 */
	enum sight_of bind_dir;
	bool bind_root, bind_empty, bind_fixed;	/* immutable, or read-only */
	bool bind_unread;		/* there, but whether it is empty is not for us */
	/* who asks, and where */
	uint32_t uid;
	char user[BOUND_NAME];
	uint32_t sub_uid, sub_gid;	/* first of his ranges; 0: none that is good */
	uint32_t sub_free;		/* where one could be put */
	unsigned kernel_major, kernel_minor;
};

/* root: where / is, "" but in tests.  status: of the broker, JSON, "" none. */
void guard_look(struct guard_facts *f, const struct config *conf,
    const char *root, struct slice status);
/* First of a range of 65536 that a line of /etc/subuid gives, or 0; *end: behind
 * all ranges in it. */
uint32_t guard_sub(struct slice text, const char *user, uint32_t uid, uint64_t *end);

enum grade { GRADE_GOOD, GRADE_NOTE, GRADE_UNKNOWN, GRADE_BAD };
#define FINDINGS	16

struct finding {
	const char *check;		/* "runtime" */
	enum grade grade;
	struct slice text, fix;		/* fix: lines; "" none */
};

struct findings {
	struct arena arena;
	struct finding all[FINDINGS];
	size_t n;
	bool bad;			/* one of them is */
};

void guard_say(const struct guard_facts *f, struct findings *out);
void findings_print(const struct findings *f, bool color, struct buf *out);
void findings_json(const struct findings *f, struct buf *out);

/* Exit code. */
int guard_check(const struct config *conf, bool json);

#endif
