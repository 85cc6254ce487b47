/*
 * oci.h: the inside of dockbroker-oci: what it reads, opens and mounts.  What it
 * decides is decided in guard.h's library.
 *
 * Runs as root for milliseconds, started by containerd's shim in place of runc.
 * Who controls what: arguments and bundle the Engine (root); the record
 * dockbrokerd, as a claim of the user named in it; paths that it names the user;
 * everything that is opened for him is opened with his rights.
 *
 * Outcomes are guard.h's: GUARD_BAD has the reason in err, one sentence, and
 * nothing is started.
 */
#ifndef DOCKBROKER_OCI_OCI_H
#define DOCKBROKER_OCI_OCI_H

#include "dockbroker/guard.h"

/* ---- disk.c: record, config.json, refusals, runc ---- */

enum load_outcome { LOAD_GOOD, LOAD_NONE, LOAD_BAD };
/* The record of container id.  BAD: one that cannot be believed, see err. */
int record_load(const struct config *c, const char *id, struct arena *a,
    struct guard_record *out, struct buf *err) _must_check_;
/* bundle: absolute. */
int spec_read(const char *bundle, struct arena *a, struct spec *out,
    struct buf *err) _must_check_;
int spec_replace(const struct spec *s, struct buf *err) _must_check_;
/* Tells runc's --log, stderr and the broker's spool. */
void report(const struct args *a, const struct config *c,
    const struct guard_record *r, struct slice why);
/* What is in the directory but "." and "..", counted up to max; or -errno. */
int dir_count(int fd, int max) _must_check_;
/* Executes runc; returns only when that failed, the reason in err. */
void runc_exec(const char *conf, char **argv, struct buf *err);

/* ---- look.c ---- */

extern const struct guard_look look_machine;

/* ---- place.c: mounts ---- */

/* A mount namespace of our own, a slave of the Engine's. */
int place_enter(struct buf *err) _must_check_;
/* Makes what is mounted at path (or path itself, bound onto itself) nodev. */
int place_nodev(const char *path, struct buf *err) _must_check_;
/*
 * Puts every GUARD_BIND of r below a private tmpfs on r->bind_dir; paths[i] becomes
 * where r->mounts[i] is (in the arena; .p NULL for other kinds).  deny: directories
 * besides those of guard_denied.  The caller has entered a namespace of its own.
 */
int place_binds(const struct guard_record *r, const struct runs_as *as,
    const struct guard_deny *deny, struct arena *a, struct slice *paths,
    struct buf *err) _must_check_;
/* Where fd is now, in the arena; "" when it is nowhere. */
int fd_path(int fd, struct arena *a, struct slice *path) _must_check_;
/* Says that the kernel refused `what' for path, by errno; negative when that is
 * our own failure. */
int kernel_refuse(struct slice path, const char *what, struct buf *err);

/* ---- setup.c: the directory that the Engine knows for every bind ---- */

/* Is it root's, empty and immutable, or on something read-only? */
int setup_check(const char *bind_dir, struct buf *err) _must_check_;
/* `dockbroker-oci setup' makes it, `setup --undo' takes it away. */
int setup_make(const char *bind_dir, struct buf *err) _must_check_;
int setup_undo(const char *bind_dir, struct buf *err) _must_check_;

/* ---- the binds of one container, on their way from the record to mounts ---- */

/* Somebody whose paths are bound; filled from NSS by open.c. */
struct bind_user {
	struct map_user who;		/* its groups are those below */
	gid_t groups[BOUND_GROUPS];
	int ns;				/* user namespace with his map, or -1 */
};

/* One bind. */
struct pin {
	struct guard_bound *b;		/* what is known of it */
	struct bind_user *user;
	int fd;				/* O_PATH, opened as the user, or -1 */
	int within;			/* likewise, of m->within */
	bool dir;
	char name[8];			/* below the private tmpfs */
};

/* open.c: fills u, and fd and within of those pins that are u's.  Everything
 * happens with u's rights, in a child that ends with this function. */
int open_as(struct bind_user *u, struct pin *pins, size_t n, struct buf *err)
    _must_check_;

struct opened {
	enum open_step step;
	int error;			/* errno of that step */
	int fd, within;
};
/* open_path.c: O_PATH, by openat2, never through /proc's links; -1 with errno. */
int open_path(int dir, const char *path, unsigned flags, uint64_t resolve);
/* Opens m->source and m->within with the rights that we have.  Ends at
 * the first step that fails; what is open then is for the caller to close. */
void open_source(const struct guard_mount *m, struct opened *o);

/* idmap.c: u->ns, where u is the container's user and everybody else is
 * somebody of u's /etc/subuid range, or nobody. */
int idmap_make(struct bind_user *u, const struct runs_as *as, struct buf *err)
    _must_check_;

/* tree.c: a detached copy of p's tree, nosuid, nodev, mapped, private. */
int tree_clone(const struct pin *p, bool powerless, int *out, struct buf *err)
    _must_check_;

#endif
