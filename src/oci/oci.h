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

/* ---- args.c: how we were called ---- */

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
/* words: separated by one blank each. */
bool word_in(struct slice word, const char *words);

/* ---- load.c: what stands on disk ---- */

enum load_outcome { LOAD_GOOD, LOAD_NONE, LOAD_BAD };
/* The record of container id.  BAD: one that cannot be believed, see err. */
int record_load(const struct config *c, const char *id, struct arena *a,
    struct guard_record *out, struct buf *err) _must_check_;
bool broker_user(const struct config *c, uint32_t *uid, uint32_t *gid);
/* Executes runc; returns only when that failed, the reason in err. */
void runc_exec(const char *conf, char **argv, struct buf *err);

/* ---- report.c: a refusal ---- */

/* To runc's --log, stderr and (uid not UINT32_MAX, or user named) the broker's spool. */
void report(const struct args *a, const struct config *c,
    const struct guard_record *r, struct slice why);

/* ---- spec*.c: config.json ---- */

struct spec {
	struct json_t *root;			/* owned */
	struct json_t *process, *os, *mounts;	/* in it; os is "linux" */
	struct slice rootfs;			/* absolute; in the arena */
};
struct runs_as;
/* bundle: absolute.  REFUSED when it is none that we can judge. */
int spec_read(const char *bundle, struct arena *a, struct spec *out,
    struct buf *err) _must_check_;
int spec_parse(struct slice text, const char *bundle, struct arena *a,
    struct spec *out, struct buf *err) _must_check_;
void spec_free(struct spec *s);		/* also for _cleanup_ */
/* I7.  as gets its maps from the arena. */
int spec_compare(const struct spec *s, const struct guard_record *r,
    const char *bundle, struct arena *a, struct runs_as *as, struct buf *err) _must_check_;
/* Is it a build step of a user: below his control group? */
bool spec_of_user(const struct spec *s);
/* nosuid,nodev for volumes, nodev for tmpfs; binds lead to paths.  -ENOMEM. */
int spec_settle(struct spec *s, const struct guard_record *r,
    const struct slice *paths) _must_check_;
/* Without a record: no CAP_MKNOD, and what is mounted outside /dev is nodev. */
int spec_deaden(struct spec *s) _must_check_;
void spec_print(const struct spec *s, struct buf *out);
int spec_write(const struct spec *s, const char *bundle, struct buf *err) _must_check_;

/* ---- look.c: what the machine says; tests have their own ---- */

/* Is the process in a control group of that container? */
bool look_process(uint32_t pid, struct slice container);
/* Is it the network name space that we are in: the Engine's, the host's? */
bool look_own_network(struct slice path);
/* Is there such a device at path, or below it? */
bool look_device(struct slice path, char type, int64_t major, int64_t minor);
/* Is what is mounted on path dir, or below dir, on its file system? */
bool look_mounted(struct slice path, struct slice dir);
/* Does the Engine have to name an AppArmor profile? */
bool look_apparmor(void);

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
