/*
 * policy.h: roles and grants of policy.conf, and the one pure decision.
 * Knows no HTTP, JSON, fds, PAM, clock.
 */
#ifndef DOCKBROKER_POLICY_H
#define DOCKBROKER_POLICY_H

#include "dockbroker/base.h"
#include "dockbroker/docker.h"

struct policy;			/* immutable once loaded, counted */
struct policy *policy_ref(struct policy *p);
struct policy *policy_unref(struct policy *p);		/* returns NULL */

/* Reads one file for the parser.  Outcome 1: cannot, the reason in err. */
typedef int policy_read_fn(void *arg, const char *path, struct buf *out, struct buf *err);

enum policy_outcome { POLICY_GOOD, POLICY_BAD };
/*
 * Parses path and what it includes (relative to the including file), checks and
 * compiles.  All faults are told in err as path:line:col with the line and a
 * caret, up to BOUND_POLICY_ERRORS; warnings go there as well on POLICY_GOOD.
 * Without any `grant ... to user root' root gets the built-in role admin.
 */
int policy_load(const char *path, policy_read_fn *read, void *arg,
    struct policy **out, struct buf *err) _must_check_;

/* Canonical text: parsed again and printed it is the same. */
void policy_print(const struct policy *p, struct buf *out);
const char *policy_hash(const struct policy *p);	/* SHA-256 of the bytes of all files, hex */
size_t policy_role_count(const struct policy *p);

enum grantee { GRANT_USER, GRANT_GROUP, GRANT_SERVICE };
/* Whom the policy names; false past the end.  Each name once. */
bool policy_grantee(const struct policy *p, size_t i, enum grantee *kind, const char **name);

/* What one caller may, compiled: the cost of a decision depends on the roles
 * that this caller has, not on the policy.  Holds a reference on p. */
struct rights;
struct rights *rights_new(struct policy *p, const struct who *w);	/* NULL: no memory */
struct rights *rights_ref(struct rights *r);
struct rights *rights_unref(struct rights *r);
bool rights_none(const struct rights *r);		/* no role at all */
/*
 * JSON for `dockbroker list': {"user":"alice","roles":[{"role","grant","file",
 * "line","words":[],"actions":[],"privileged":false}]}.  file and line are the
 * grant's, "" and 0 for the built-in one.  words: docker commands that work in
 * full, denials of the other roles counted; actions: what is left.  Then the
 * statements themselves: "scopes":[{"allow":[words],"on":"own, team"}],
 * "permits":["bind ~ rw"], "narrows":["image **:*"], "limits":["pids 1024"].
 */
void rights_list(const struct rights *r, struct buf *json);

/* Largest sums and single values over the roles that may create; -1 no limit.
 * For the cgroup of a user. */
void rights_limits(const struct rights *r, struct usage *sum);
/* May he see this object: does any role let him list or inspect (its kind's
 * list, inspect, logs ...) what is like this?  Common ones: always, for who may
 * list at all. */
bool rights_see(const struct rights *r, const struct object *o);
/* Whose objects of a kind he may see, for planning a list. */
enum sight {
	SEE_OWN = 1, SEE_TEAM = 2, SEE_ANY = 4, SEE_LABEL = 8, SEE_NAME = 16
};
unsigned rights_sight(const struct rights *r, enum object_kind kind);
/* On whose objects he may use one endpoint: for narrowing a prune.  May it
 * touch this one? */
unsigned rights_scope(const struct rights *r, const struct endpoint *e);
bool rights_cover(const struct rights *r, const struct endpoint *e,
    const struct object *o);
bool rights_want_labels(const struct policy *p);	/* any `on label' in it */

enum why {
	WHY_ALLOWED,
	WHY_NO_ROLE,		/* no role is granted to the caller */
	WHY_NOT_ALLOWED,	/* none of his roles allows the action; role is the first of them */
	WHY_DENIED,		/* a role denies it */
	WHY_REACH,		/* allowed, but for the far-reaching things in it */
	WHY_SCOPE,		/* allowed, but not on this object, which he may see */
	WHY_NARROW,		/* image, tag, command, exec as, remote */
	WHY_LIMIT,		/* beyond a limit of the role */
	WHY_BIND,		/* a `bind' line permits it, but the guard is missing (facts.guarded) */
	WHY_BIND_WHO		/* likewise, but the caller is a service or root: nobody to open it as */
};

/* What a refused request would have needed, each; for the sentence and why. */
struct lack {
	enum why why;
	struct slice path;	/* of the reach or ref: "HostConfig.Privileged"; "" the action */
	struct slice value, extra;	/* as in the reach; of an object its kind is extra */
	const char *word;	/* of a reach, "image", "limit memory" ...; or NULL */
	const char *file;	/* the line that narrows or denies; NULL: no line permits it */
	unsigned line;
	bool cut;		/* the value is too long for any line */
	int64_t have, want, most;	/* limits: in use (-1: for one container), asked for, allowed */
};
#define VERDICT_LACKS 16

/* The `bind' line by which the role of an allowed verdict lets this path (clean,
 * absolute) in; of several the longest, one without `unmapped' before one with it.
 * False: none (a privileged role needs none). */
struct bind_line {
	struct slice within;	/* its path, ~ and %u filled in; lives as long as the rights */
	bool unmapped;
	const char *file;
	unsigned line;
};
struct verdict;
bool rights_bind(const struct rights *r, const struct verdict *v, struct slice path,
    bool writes, struct bind_line *out);

/* The line that decided.  Pointers live as long as the rights. */
struct verdict {
	bool allowed;
	enum why why;
	const char *role;	/* NULL for WHY_NO_ROLE */
	const char *grant;	/* "group developers", NULL likewise */
	const char *file;	/* as seen from the main file's directory; NULL for the built-in admin and WHY_NO_ROLE */
	unsigned line;		/* of the statement; of the role for WHY_NOT_ALLOWED */
	size_t roles;		/* how many roles the caller has */
	size_t reach_roles;	/* how many of them allow the action */
	size_t nlacks, more_lacks;	/* of the role that lacks least */
	struct lack lacks[VERDICT_LACKS];
	/* allowed: */
	bool privileged;	/* by `allow privileged everything': nothing is forced */
	const char *team;	/* group of the grant, "" else: what is made belongs to it */
	int64_t memory, nano_cpus, pids;	/* defaults for what is left open, 0 none */
	unsigned counted;	/* enum usage_open: those of them that count in the sums */
};

/*
 * Pure.  now: CLOCK_REALTIME in seconds, for words about time.  f->refs have been
 * looked up, but for an early decision (final false), where objects, the
 * body's reaches and limits count as fine.  REF_MISSING ones are not judged: the
 * caller answers those.
 */
void policy_decide(const struct rights *r, const struct facts *f, int64_t now,
    bool final, struct verdict *out);

/* `alice may not use "docker exec" (container.exec): role viewer
 * (policy.conf:12) does not allow it': one sentence of one line, without a
 * full stop, about 600 bytes at most; then " (dockbroker why 4812)" when id is
 * not 0. */
void verdict_sentence(const struct verdict *v, const struct facts *f,
    const struct who *w, uint64_t id, struct buf *out);
/* At length, several lines: what was asked, which roles there are, what would
 * be needed.  For `dockbroker why'. */
void verdict_explain(const struct verdict *v, const struct facts *f,
    const struct who *w, const struct rights *r, struct buf *out);

#endif
