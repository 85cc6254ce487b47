/*
 * oci.h: the inside of dockbroker-oci.
 *
 * Runs as root for milliseconds, started by containerd's shim in place of runc.
 * main.c reads arguments, configuration and record, spec.c the bundle's
 * config.json and compares it with the record, place*.c make the mounts, then
 * runc is executed.  Who controls what: arguments and bundle the Engine (root);
 * the record dockbrokerd, as a claim of the user named in it; paths that it names
 * the user; everything that is opened for him is opened with his rights.
 */
#ifndef DOCKBROKER_OCI_OCI_H
#define DOCKBROKER_OCI_OCI_H

#include "dockbroker/base.h"
#include "dockbroker/guard.h"

/* REFUSED: the reason is in err, one sentence; nothing was started. */
enum oci_outcome { OCI_GOOD, OCI_REFUSED };

/* ---- place*.c: mounts ---- */

struct id_extent { uint32_t container, host, count; };	/* of spec.linux.uidMappings */

/* Whom the container runs as, from the final spec. */
struct runs_as {
	uint32_t uid, gid;		/* process.user, as the container sees it */
	const struct id_extent *uids, *gids;	/* its user namespace; none: 0 0 4294967295 */
	size_t nuids, ngids;
};

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
    const struct slice *deny, size_t ndeny, struct arena *a, struct slice *paths,
    struct buf *err) _must_check_;
/* Is bind_dir root's, empty and immutable, or on something read-only? */
int place_check(const char *bind_dir, struct buf *err) _must_check_;

/* setup.c: `dockbroker-oci setup' makes bind_dir, `setup --undo' takes it away. */
int setup_make(const char *bind_dir, struct buf *err) _must_check_;
int setup_undo(const char *bind_dir, struct buf *err) _must_check_;

#endif
