/* test_scene.h: what test_place.c, test_attack.c and test_setup.c stand on. */
#ifndef DOCKBROKER_OCI_TEST_SCENE_H
#define DOCKBROKER_OCI_TEST_SCENE_H

#include <sys/stat.h>

#include "oci/oci.h"

#define ALICE	2001
#define BOB	2002
#define TEAM	2500		/* both are in it */
#define SKIP	77
/* In children, where cmocka's assertions do not reach. */
#define CHECK(x)	do { if (!(x)) check_failed(#x, __LINE__); } while (0)

extern char top[64];		/* the file system; alice's home is top/home/alice */
extern char dir_top[80];	/* the Engine's directory */
extern const struct runs_as as_root;
extern bool powerless;		/* of the next record */

/* Makes everything, in a namespace; else SKIP. */
int scene(void);
void scene_end(void);
void check_failed(const char *what, int line);

/* Text of top/NAME, for as long as 16 of them. */
char *at(const char *name);
/* Text of PATH/NAME, for as long as 4 of them. */
const char *in(struct slice path, const char *name);
void put(const char *path, const char *text, uid_t uid, gid_t gid, mode_t mode);
void dir(const char *path, uid_t uid, gid_t gid, mode_t mode);
void link_to(const char *target, const char *path, uid_t uid);

/* A bind of alice's. */
struct guard_mount bind_of(const char *source);
/* In a new namespace.  top/secret and top/engine are denied. */
int place(const struct guard_mount *m, size_t n, const struct runs_as *as,
    struct slice *paths, struct buf *err);
/* The same in a child, which then looks at it; needle: refused with that text. */
typedef void look_fn(const struct slice *paths);
void run(const struct guard_mount *m, size_t n, const struct runs_as *as,
    look_fn *look, const char *needle);
void good(struct guard_mount m, look_fn *look);
void refused(struct guard_mount m, const char *needle);

/* In such a child: what a file is like; 0 or an errno. */
struct stat look_at(const char *path);
unsigned long flags_of(struct slice path);
int make(const char *path);
/* A bind of home/alice/src as it should be. */
void look_mapped(const struct slice *p);

#endif
