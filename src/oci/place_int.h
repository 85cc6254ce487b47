/*
 * place_int.h: what place.c, tree.c, open.c and idmap.c share: the binds of one
 * container on their way from a path in the record to a mount.
 */
#ifndef DOCKBROKER_OCI_PLACE_INT_H
#define DOCKBROKER_OCI_PLACE_INT_H

#include <sys/types.h>

#include "oci/oci.h"

#define MAP_EXTENTS	340	/* the kernel's limit for one map */

/* Somebody whose paths are bound; filled from NSS by open.c. */
struct bind_user {
	uint32_t uid;
	struct slice name;
	gid_t gid;
	size_t ngroups;
	gid_t groups[BOUND_GROUPS];	/* the primary one included */
	int ns;				/* user namespace with his map, or -1 */
};

/* One bind. */
struct pin {
	const struct guard_mount *m;
	struct bind_user *user;
	int fd;				/* O_PATH, opened as the user, or -1 */
	int within;			/* likewise, of m->within */
	bool dir;
	struct slice path;		/* where fd is, without links; in the arena */
	char name[8];			/* below the private tmpfs */
};

/* open.c: fills u, and fd and within of those pins that are u's.  Everything
 * happens with u's rights, in a child that ends with this function. */
int open_as(struct bind_user *u, struct pin *pins, size_t n, struct buf *err)
    _must_check_;

/* idmap.c: u->ns, where u is the container's user and everybody else is
 * somebody of u's /etc/subuid range, or nobody. */
int idmap_make(struct bind_user *u, const struct runs_as *as, struct buf *err)
    _must_check_;

struct id_map {
	struct id_extent e[MAP_EXTENTS];	/* host: on the disk; container: what the kernel shows */
	size_t n;
	bool full;
};
struct id_pin { uint32_t container, disk; };
/* Pure.  sub: first of 65536 subordinate ids, 0 none; outer: the container's
 * user namespace.  Sets full when it does not fit. */
void idmap_fill(struct id_map *map, const struct id_pin *pins, size_t npins,
    uint32_t sub, const struct id_extent *outer, size_t nouter);
/* The kernel's text of it. */
void idmap_print(const struct id_map *map, struct buf *out);
/* First id of a good range of the user in the text of /etc/subuid; 0: none. */
uint32_t idmap_sub(struct slice text, struct slice name, uint32_t uid);
/* What id of the container is in the initial namespace. */
bool idmap_outer(uint32_t id, const struct id_extent *outer, size_t nouter,
    uint32_t *out);

/* Is there nothing in the directory? */
int dir_empty(int fd, bool *empty) _must_check_;

/* tree.c: a detached copy of p's tree, made harmless; u->ns -1: not mapped. */
int tree_clone(const struct pin *p, bool powerless, int *out, struct buf *err)
    _must_check_;
/* Is there anything in the copies that should not be?  at: where the private
 * tmpfs is, without links. */
int tree_check(struct slice at, const struct pin *pins, size_t n,
    const struct slice *deny, size_t ndeny, struct buf *err) _must_check_;

#endif
