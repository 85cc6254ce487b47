/*
 * msg.h: the bodies of the messages between our programs (msg.def).  Comes
 * with proc.h.
 */
#ifndef DOCKBROKER_MSG_H
#define DOCKBROKER_MSG_H

#include "dockbroker/base.h"

/* Bodies.  Fixed width, host order, every text NUL-terminated and NUL-padded
 * (chan checks that neither is violated is the receiver's duty: msg_text). */
struct msg_hello { uint8_t instance[16]; uint32_t version; uint32_t pad; };
#define MSG_VERSION	2

enum who_status { WHO_OK, WHO_UNKNOWN, WHO_TIMEOUT, WHO_BUSY, WHO_ERROR };
struct msg_who_ask {
	uint64_t serial;
	uint32_t uid;		/* WHO_UNSET: by name */
	uint32_t acct;		/* 1: run pam_acct_mgmt as well */
	char name[BOUND_NAME];
	char tty[32];
};
struct msg_who_is {		/* followed by ngroups struct group */
	uint64_t serial;
	uint32_t status;	/* enum who_status of NSS */
	uint32_t uid, gid;
	uint32_t acct_status;	/* WHO_OK: pam_code is PAM's answer; WHO_TIMEOUT, ... */
	int32_t pam_code;
	uint32_t ngroups;
	char name[BOUND_NAME];
	char home[BOUND_HOME];		/* as NSS has it; "" too long */
	char text[BOUND_PAM_TEXT];	/* what modules said, or "" */
};
struct msg_group_ask { uint64_t serial; char name[BOUND_NAME]; };
struct member { uint32_t uid; char name[BOUND_NAME]; };
#define MSG_GROUP_CHUNK	1024
struct msg_group_is {		/* followed by n struct member; more follow if more */
	uint64_t serial;
	uint32_t status, gid, n, more;
};
struct msg_nss_changed { uint64_t stamp; };

enum cgroup_driver { CGROUP_NONE, CGROUP_CGROUPFS, CGROUP_SYSTEMD };	/* as the Engine says */
struct msg_cgroup_ask {
	uint64_t serial;
	uint32_t uid, driver;
	int64_t memory, nano_cpus, pids;	/* of all together; -1: no limit */
};
struct msg_cgroup_is {
	uint64_t serial;
	uint32_t uid;
	int32_t status;			/* 0, or an errno: it may be there without limits */
	char text[BOUND_PAM_TEXT];	/* what failed */
};

enum audit_state { AUDIT_GOOD, AUDIT_FULL, AUDIT_BROKEN };
struct msg_audit_ready {
	uint64_t last_n;	/* last record of this instance that is in the log */
	uint64_t last_id;	/* highest request id of any instance */
	uint64_t seq;		/* last line of the log */
	uint32_t state, pad;
	char text[BOUND_PAM_TEXT];
};
struct msg_audit_add {		/* followed by count x { u32 length; record } */
	uint64_t first_n;
	uint32_t count;
	uint32_t sync;		/* 1: somebody waits until they are on disk */
};
struct msg_audit_done {
	uint64_t written_n;	/* up to here: written */
	uint64_t synced_n;	/* up to here: on disk */
	uint64_t seq;
	uint32_t state, pad;
	char text[BOUND_PAM_TEXT];
};

enum ctl_verb { CTL_STATUS = 1, CTL_LIST, CTL_RELOAD, CTL_OPEN, CTL_WHY, CTL_CHOWN };
struct msg_ctl_ask {
	uint32_t verb;
	uint32_t uid;			/* CTL_CHOWN: of text, as far as the CLI knows */
	uint64_t number;		/* CTL_WHY */
	char text[256];			/* CTL_LIST: user, "" the caller; CTL_CHOWN: user, "service:NAME", "-" */
	char kind[16];			/* CTL_CHOWN: "container", ... */
	char object[BOUND_OBJECT_NAME];	/* CTL_CHOWN: name or id */
};
#define MSG_CTL_CHUNK	(32 * 1024)
struct msg_ctl_end { int32_t code; uint32_t pad; };	/* the exit code for the CLI */

#endif
