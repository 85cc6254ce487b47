/*
 * authd.h: what the files of dockbroker-authd share.  The daemon answers two
 * questions of dockbrokerd, who is this uid and who is in this group, makes
 * the control groups of users, and does nothing else.  It is uid 0 and asks NSS and PAM, whose modules may
 * hang, crash or leave processes behind; so nothing of theirs ever runs in
 * the daemon itself: jobs.c forks a child for each question, child.c is what
 * that child does, nss.c and pam.c are the questions themselves.
 */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include "dockbroker/proc.h"

#define AUTHD_CHILDREN		32	/* children at the same time */
#define AUTHD_CHILDREN_BULK	8	/* of these, for the broker's lists of names and groups */
#define AUTHD_WAITING		4096	/* questions that wait for a child */
#define AUTHD_WAITING_BULK	3072	/* of these, names and groups */
#define AUTHD_WAITING_UID	4	/* of these, about one uid or group */
#define AUTHD_SERIALS		4096	/* asks that share one child's answer */
#define AUTHD_SETTLE		200	/* ms from a changed file to NSS_CHANGED */

/* ---- nss.c: children only ---- */

/* Fills is (status, ids, name, ngroups) and groups, which has room for
 * BOUND_GROUPS; sorted by name, groups without a usable name left out.
 * WHO_ERROR also where an answer would have been incomplete. */
enum who_status nss_account(const struct msg_who_ask *ask,
    struct msg_who_is *is, struct group *groups);

/* A piece of a group's members; called again while there are more. */
typedef void nss_members_fn(void *arg, const struct msg_group_is *is,
    const struct member *members);
/* Those that the group lists first, as they are cheap to find; then those
 * whose primary group it is.  Nobody twice.  The last call has more 0. */
void nss_members(const char *group, nss_members_fn *fn, void *arg);

/* ---- pam.c: children only ---- */

/* pam_acct_mgmt's answer; everything but PAM_SUCCESS refuses.  text: one line
 * for the user, padded with NUL, or "". */
int pam_account(const struct config *c, const char *user, const char *tty,
    char text[BOUND_PAM_TEXT]);

/* ---- child.c ---- */

struct job_ask {
	enum msg kind;			/* MSG_WHO_ASK, MSG_GROUP_ASK or MSG_CGROUP_ASK */
	uint64_t serial;
	struct msg_who_ask who;		/* also the uid of a cgroup */
	struct msg_group_ask group;
	struct msg_cgroup_ask cgroup;
};
/* Sends over fd, a packet each, the msg_who_is with its groups, the msg_cgroup_is,
 * or the msg_group_is with their members until one has more 0.  Serials are 0. */
void child_run(int fd, pid_t parent, const struct job_ask *ask,
    const struct config *c) __attribute__((noreturn));

/* ---- jobs.c ---- */

struct jobs;
/* Sends one answer to the broker. */
typedef void jobs_send_fn(void *arg, enum msg id, const void *head,
    size_t nhead, struct slice more);
/* c may be swapped by jobs_config; it is the caller's and must live on. */
int jobs_new(struct loop *l, const struct config *c, jobs_send_fn *send,
    void *arg, struct jobs **out) _must_check_;
struct jobs *jobs_free(struct jobs *j);		/* ends every child first */
void jobs_config(struct jobs *j, const struct config *c);
/* Texts in ask have been checked. */
void jobs_ask(struct jobs *j, const struct job_ask *ask);
void jobs_forget(struct jobs *j);	/* the broker is gone: nobody waits */
void jobs_changed(struct jobs *j);	/* what runs now may have read old files */
void jobs_reap(struct jobs *j);		/* after SIGCHLD */

/* ---- serve.c ---- */

struct serve;
/* Takes the listening fd; lets broker and uid 0 in.  c as for jobs_new. */
int serve_new(struct loop *l, int fd, uint32_t broker, const struct config *c,
    struct serve **out) _must_check_;
struct jobs *serve_jobs(struct serve *s);

/* ---- sandbox.c ---- */

/* What remains permitted to the daemon, its children and their helpers. */
int sandbox_enter(struct buf *err) _must_check_;

#endif
