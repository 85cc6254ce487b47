/*
 * guard.h: the record of one container: what was allowed for it.  dockbrokerd
 * writes it before the client hears of the container, dockbroker-oci compares
 * the final OCI spec with it, and answers are turned back by it.  Below it, what
 * dockbroker-oci decides: all of it bytes in, values out; that program itself
 * only reads, opens and mounts.
 *
 * On disk: STATE-DIR/containers/ID (0600, the broker's), one line of JSON and
 * one line "sha256 HEX" over the first, newline included.
 */
#ifndef DOCKBROKER_GUARD_H
#define DOCKBROKER_GUARD_H

#include "dockbroker/base.h"

#define GUARD_VERSION	1

enum guard_mount_kind {
	GUARD_BIND,		/* a path of the host, opened as uid */
	GUARD_VOLUME,		/* of the driver "local"; source "": one that the Engine names */
	GUARD_DRIVEN,		/* a volume of another driver: permitted by `driver' */
	GUARD_TMPFS,
	GUARD_IMAGE
};

struct guard_mount {
	enum guard_mount_kind kind;
	struct slice target;		/* clean, absolute */
	struct slice source;		/* path, clean and absolute; name of a volume; "" */
	bool read_only;
	/* of binds: */
	struct slice within;		/* what source leads to lies here or below: the policy's path */
	bool make;			/* -v: a missing directory is made, as the user */
	bool unmapped;			/* the line says so: see guard_record.powerless */
	uint32_t uid;			/* whose rights it is opened with; never 0 */
	struct slice user;		/* name of that account; the pair must still match */
};

struct guard_device { struct slice path, access; };	/* on the host; "rwm" */

/* "" its own; "host"; "none"; "container:FULL-ID" */
struct guard_spaces { struct slice network, pid, ipc, uts, cgroup, user; };

enum guard_seccomp { GUARD_SECCOMP_DEFAULT, GUARD_SECCOMP_CUSTOM, GUARD_SECCOMP_NONE };

/* "More than this does not start."  Slices are borrowed. */
struct guard_record {
	struct slice container;		/* full id */
	uint32_t uid;			/* who made it; UINT32_MAX a service */
	struct slice user;		/* his name; "service:NAME" */
	struct slice engine_root;	/* DockerRootDir of /info */
	struct slice bind_dir;		/* what the Engine knows as the source of each bind; told apart by target */
	struct slice as_user;		/* Config.User as it was sent; "" the image's */
	const struct slice *groups;	/* GroupAdd */
	size_t ngroups;
	bool privileged;		/* HostConfig.Privileged was permitted: capabilities, devices, seccomp, masks are not compared */
	uint64_t cap_add, cap_drop;	/* bits by number; all: UINT64_MAX */
	bool powerless;			/* unmapped binds: user is uid:gid of uid, no capability, no_new_privs, no groups added */
	bool no_new_privs;		/* was asked for: has to be there */
	bool read_only;			/* likewise: the root file system */
	bool init;			/* HostConfig.Init, or the daemon's default: docker-init may be mounted */
	enum guard_seccomp seccomp;
	bool unmasked;			/* systempaths=unconfined, or lists of his own */
	const struct slice *security;	/* other SecurityOpt that was permitted: "apparmor=...", "label=..." */
	size_t nsecurity;
	struct guard_spaces spaces;
	struct slice cgroup_parent;	/* forced: "/dockbroker/2001", "dockbroker-2001.slice"; "" the Engine's */
	bool oom_negative;		/* an OomScoreAdj below 0 was permitted */
	const struct slice *sysctls;	/* names */
	size_t nsysctls;
	const struct guard_device *devices;
	size_t ndevices;
	bool gpus;			/* DeviceRequests were permitted: their hook may be there */
	const struct guard_mount *mounts;
	size_t nmounts;
	/* What was asked for, as JSON texts, for answers; "" null. */
	struct slice asked_binds, asked_mounts;
};

enum guard_outcome { GUARD_GOOD, GUARD_BAD };
/* Appends the file.  Deterministic.  False: no memory, or beyond out's max. */
bool guard_write(const struct guard_record *r, struct buf *out);
/* Strict: every member known, there once, of its type and within bounds; ids, paths
 * and uids valid, targets not twice.  In the arena.  BAD with the reason in err: torn, edited
 * (the checksum), of another version, of another container than id.  -ENOMEM. */
int guard_read(struct slice file, struct slice id, struct arena *a,
    struct guard_record *out, struct buf *err) _must_check_;

/* May nobody but the privileged ever bind this path, or what holds it?  A clean,
 * absolute path; deny: further directories ("" none), as engine_root, state-dir, run-dir.
 * True for /proc /sys /dev /run /var/run and what is below them, "/" and parents of denied ones are
 * not denied by this: what is mounted there is (dockbroker-oci looks at it). */
bool guard_denied(struct slice path, const struct slice *deny, size_t ndeny);
/* Is path within, or below it?  "/a" holds "/a" and "/a/b", not "/ab"; "/" all. */
bool guard_within(struct slice path, struct slice within);
/* A capability by its number, without "CAP_"; NULL past the last. */
const char *guard_capability(size_t number);
/* "STATE-DIR/containers/ID" */
bool guard_path(const char *state_dir, struct slice id, struct buf *out);

/* ---- a runtime's arguments ---- */

/* By our name: dockbroker-oci, dockbroker-oci-default, dockbroker-oci-build. */
enum called { CALLED_STRICT, CALLED_DEFAULT, CALLED_BUILD };
/* RUNC: another verb; MAKES: create, run, restore. */
enum args_outcome {
	ARGS_RUNC, ARGS_MAKES, ARGS_SETUP, ARGS_HELP, ARGS_VERSION, ARGS_BAD
};

struct args {
	enum called called;
	const char *conf;		/* NULL unless named */
	bool undo;			/* of setup */
	char **runc;			/* its argv; [0] is free to be set */
	const char *log;		/* runc's --log; NULL */
	bool json;			/* its --log-format */
	bool restore;			/* the verb starts from a checkpoint */
	const char *bundle, *id;	/* set when MAKES */
};
int args_parse(int argc, char **argv, struct args *out, struct buf *err) _must_check_;

/* A refusal: the line for runc's log, and the file of the broker's spool. */
void refusal_log(struct buf *out, struct slice why, int64_t realtime_us, bool json);
void refusal_spool(struct buf *out, const char *id, const struct guard_record *r,
    struct slice why, int64_t realtime_us);

/* ---- config.json against the record.  GUARD_BAD: one sentence in err ---- */

struct spec {
	struct json_t *root;			/* owned */
	struct json_t *process, *os, *mounts;	/* in it; os is "linux" */
	const char *bundle;			/* its directory, absolute; borrowed */
	struct slice rootfs;			/* absolute; in the arena */
};
struct id_extent { uint32_t container, host, count; };	/* of spec.linux.uidMappings */

/* Whom the container runs as, from the final spec. */
struct runs_as {
	uint32_t uid, gid;		/* process.user, as the container sees it */
	const struct id_extent *uids, *gids;	/* its user namespace; none: 0 0 4294967295 */
	size_t nuids, ngids;
};

/* What the machine says of things that a spec names. */
struct guard_look {
	/* Is the process in a control group of that container? */
	bool (*process)(uint32_t pid, struct slice container);
	/* Is it the network name space that we are in: the Engine's, the host's? */
	bool (*own_network)(struct slice path);
	/* Is there such a device at path, or below it? */
	bool (*device)(struct slice path, char type, int64_t major, int64_t minor);
	/* Is what is mounted on path dir, or below dir, on its file system? */
	bool (*mounted)(struct slice path, struct slice dir);
	/* Does the Engine have to name an AppArmor profile? */
	bool (*apparmor)(void);
	/* Where a path leads in the container's root file system, as it is now;
	 * what is missing stays.  In the arena.  False: nobody knows. */
	bool (*leads)(struct slice rootfs, struct slice path, struct arena *a,
	    struct slice *out);
};

/* BAD when it is none that we can judge. */
int spec_parse(struct slice text, const char *bundle, struct arena *a,
    struct spec *out, struct buf *err) _must_check_;
void spec_free(struct spec *s);		/* also for _cleanup_ */
/* I7: BAD names the first thing that is more than recorded.  as gets its maps
 * from the arena. */
int spec_compare(const struct spec *s, const struct guard_record *r,
    const struct guard_look *look, struct arena *a, struct runs_as *as,
    struct buf *err) _must_check_;
/* Is it a build step of a user: below his control group? */
bool spec_of_user(const struct spec *s);
/* nosuid,nodev for volumes, nodev for tmpfs; binds lead to paths.  -ENOMEM. */
int spec_settle(struct spec *s, const struct guard_record *r,
    const struct slice *paths) _must_check_;
/* Without a record: no CAP_MKNOD, and what is mounted outside /dev is nodev. */
int spec_deaden(struct spec *s) _must_check_;
void spec_print(const struct spec *s, struct buf *out);

/* ---- who is who in a bind ---- */

struct map_user {
	uint32_t uid, gid;
	struct slice name;
	const uint32_t *groups;		/* the primary one included */
	size_t ngroups;
	struct slice subuid, subgid;	/* texts of /etc/subuid, /etc/subgid; "" none */
};
/* The texts of uid_map and gid_map: the container's user is u on disk, groups are
 * themselves, all others are u's subordinate ids or nobody; 0 is nobody.  Each is
 * as long as its buffer lets it; of very many groups some are left out. */
int map_plan(const struct map_user *u, const struct runs_as *as,
    struct buf *uids, struct buf *gids, struct buf *err) _must_check_;

/* ---- what was opened for a bind, and what was mounted ---- */

struct guard_deny { const struct slice *paths; size_t n; };	/* as of guard_denied */

struct guard_bound {
	const struct guard_mount *m;
	bool plain;			/* a directory or a regular file */
	struct slice path;		/* where it is, without links; "" nowhere */
	struct slice within;		/* likewise, of m->within */
};
/* How far opening a bind's paths as its user came. */
enum open_step {
	OPEN_ACCOUNT,		/* NSS did not answer */
	OPEN_UNKNOWN,		/* there is no such account */
	OPEN_OTHER,		/* the account has another uid now */
	OPEN_BECOME,		/* nothing that can be believed was said */
	OPEN_WITHIN,
	OPEN_LINK,		/* what the policy names leads through somebody's link */
	OPEN_MAKE,
	OPEN_SOURCE,
	OPEN_KIND,
	OPEN_READ,
	OPEN_DONE
};
/* Says why m was not opened, error: the errno of that step; GUARD_BAD. */
int open_refuse(const struct guard_mount *m, enum open_step step, int error,
    struct buf *err);
/* May it be bound? */
int bound_check(const struct guard_bound *b, const struct guard_deny *deny,
    struct buf *err) _must_check_;

/* A line of /proc/self/mountinfo. */
struct mount_line {
	uint64_t id;
	struct slice root;		/* as it stands there */
	struct slice point;		/* unescaped */
	struct slice type;
	bool unbindable;
	char room[4096];
};
bool mounts_next(struct slice *text, struct mount_line *out);
/* For guard_look.mounted. */
bool mounts_show(struct slice text, struct slice path, struct slice dir);
/* Is b's part of the tree below at/0, at/1, ... such that users may have it? */
int mounts_check(struct slice text, struct slice at, const struct guard_bound *b,
    size_t n, const struct guard_deny *deny, struct buf *err) _must_check_;
/* Says what is in the way of m, GUARD_BAD: what is mounted at point; its file
 * system, which the kernel did not map (error). */
int mounts_refuse(const struct guard_mount *m, struct slice point,
    struct slice type, struct buf *err);
int unmappable_refuse(const struct guard_mount *m, struct slice type, int error,
    struct buf *err);
/* May m be bound without a map?  powerless: and the container is its user;
 * owner: of what it leads to. */
int unmapped_check(const struct guard_mount *m, bool powerless, uint32_t owner,
    struct buf *err) _must_check_;

#endif
