/*
 * guard.h: the record of one container: what was allowed for it.  dockbrokerd
 * writes it before the client hears of the container, dockbroker-oci compares
 * the final OCI spec with it, and answers are turned back by it.  Knows no
 * Engine and no OCI; bytes in, values out.
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
/* "STATE-DIR/containers/ID" */
bool guard_path(const char *state_dir, struct slice id, struct buf *out);

#endif
