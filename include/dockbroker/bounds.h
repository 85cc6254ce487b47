/*
 * bounds.h: every limit of dockbroker, with its unit and the reason for it.
 * Nothing that an untrusted peer can cause grows past a number that stands
 * here.  Those marked (conf) can be lowered, never raised, in dockbroker.conf.
 */
#ifndef DOCKBROKER_BOUNDS_H
#define DOCKBROKER_BOUNDS_H

/* ---- HTTP ---- */
#define BOUND_HEAD		(32 * 1024)	/* bytes of a request head (conf); X-Registry-Config is the longest seen, 8 KiB */
#define BOUND_RESPONSE_HEAD	(32 * 1024)	/* bytes of the Engine's response head */
#define BOUND_HEADERS		64		/* header fields in a head; real clients send fewer than 15 */
#define BOUND_TARGET		(16 * 1024)	/* bytes of a request target; build options live in the query */
#define BOUND_SEGMENTS		16		/* path segments; images have slashes in their names */
#define BOUND_PARAMETERS	64		/* query parameters (conf); classic build has 30 */
#define BOUND_PARAMETER		(8 * 1024)	/* bytes of one decoded parameter value */
#define BOUND_BODY		(1024 * 1024)	/* bytes of a JSON body that is parsed (conf); create is 3 KiB, swarm configs 500 KiB */
#define BOUND_CHUNK_LINE	32		/* bytes of a chunk-size line: no extensions are passed on */
#define BOUND_TRAILER		1024		/* bytes of trailers that are read and dropped */

/* ---- JSON ---- */
#define BOUND_JSON_DEPTH	24		/* nesting; a swarm service spec is 9 deep */
#define BOUND_JSON_NODES	65536		/* values in one body: bounds the memory of its tree */
#define BOUND_JSON_STRING	(512 * 1024)	/* bytes of one string: swarm secrets and configs */
#define BOUND_REACH		64		/* far-reaching things named in one refusal */
#define BOUND_REACH_VALUE	4096		/* bytes of one, for the policy to match */
#define BOUND_REFS		128		/* objects that one request may name */

/* ---- the Engine's objects ---- */
#define BOUND_OBJECTS		200000		/* that are kept in memory: 450 bytes each, names included */
#define BOUND_OBJECTS_UID	20000		/* of these, of one user but root: nobody takes the room of all */
#define BOUND_OBJECT_NAME	512		/* bytes of a name or reference */
#define BOUND_OWNERS		1024		/* holders of one image */
#define BOUND_ELEMENT		(4 * 1024 * 1024)	/* bytes of one element of a list, one event, one member of an inspect; a network of 10,000 containers is 2.5 MiB before API 1.28 */
#define BOUND_ANSWER		(8 * 1024 * 1024)	/* bytes of an answer that the broker itself reads as a whole */
#define BOUND_IMAGES_CACHE	4096		/* image references whose id is remembered */

/* ---- the guard ---- */
#define BOUND_GUARD_BINDS	64		/* paths of the host in one container */
#define BOUND_GUARD_MOUNTS	512		/* mounts of all kinds in one record; a body may ask for 256, an image adds its own */
#define BOUND_GUARD_LIST	1024		/* groups, options, sysctls or devices in one record */
#define BOUND_GUARD_RECORD	(256 * 1024)	/* bytes of one record */
#define BOUND_GUARD_UID		(16UL * 1024 * 1024)	/* bytes of the records of one uid that are kept in memory */
#define BOUND_GUARD_SPOOL	1000		/* refusals of the guard that wait for the broker */
#define BOUND_GUARD_OPEN	30000		/* ms for NSS and for all paths of one user: automounters take seconds */
#define BOUND_MOUNTS		(16UL * 1024 * 1024)	/* bytes of /proc/self/mountinfo: 100,000 mounts */
#define BOUND_SPEC		(4 * 1024 * 1024)	/* bytes of config.json; with the default seccomp profile 40 KiB */

/* ---- archives on their way to the Engine ---- */
#define BOUND_ARCHIVE_FILE	(1024 * 1024)	/* bytes of a file in it that is read: manifest.json, the Dockerfile */
#define BOUND_ARCHIVE_RECORDS	(1024 * 1024)	/* bytes of one pax or GNU record block; Go's own limit */
#define BOUND_ARCHIVE_NAME	4096		/* bytes of an entry's name: PATH_MAX */
#define BOUND_ARCHIVE_LINKS	24576		/* links in a loaded image or build context: 128 KiB */
#define BOUND_ARCHIVE_WORK	(1024 * 1024)	/* bytes of layers that are inflated in one turn, only to be checked */

/* ---- time, in milliseconds ---- */
#define BOUND_HEAD_TIME		10000		/* first byte to end of a head (conf) */
#define BOUND_BODY_TIME		30000		/* silence inside a request body (conf) */
#define BOUND_IDLE_TIME		600000		/* a kept-alive connection without a request (conf); docker-py keeps 25 idle */
#define BOUND_WRITE_TIME	300000		/* a reader that takes nothing while data waits (conf) */
#define BOUND_ENGINE_CONNECT	5000		/* connect to the Engine */
#define BOUND_ACCOUNT_TIME	5000		/* one NSS and PAM transaction (conf) */
#define BOUND_ACCOUNT_AGE	3000		/* an account snapshot older than this is asked for again: seen within 5 s */
#define BOUND_ACCT_AGE		10000		/* a pam_acct_mgmt verdict is believed this long (conf) */
#define BOUND_AUDIT_TIME	5000		/* wait for a record to be on disk (conf) */
#define BOUND_AUDIT_SILENT	2000		/* auditd owes an answer for this long: it counts as stopped */
#define BOUND_DRAIN_TIME	10000		/* grace for streams after SIGTERM (conf) */
#define BOUND_RETRY_TIME	200		/* between attempts to reach a peer daemon */

/* ---- connections ---- */
#define BOUND_CONNECTIONS	16384		/* client connections in all (conf) */
#define BOUND_CONNECTIONS_UID	2048		/* client connections of one uid (conf); 500 streams need 500 */
#define BOUND_CONTROL_UID	16		/* control connections of one uid */
#define BOUND_ENGINE_IDLE	64		/* idle connections to the Engine that are kept */
#define BOUND_BUFFER_UID	(64UL * 1024 * 1024)	/* bytes of parsed bodies and waiting output of one uid */
#define BOUND_RELAY		(256 * 1024)	/* bytes moved per turn and direction: fair turns */
#define BOUND_RELAY_WAIT	(256 * 1024)	/* bytes that may wait for one slow reader */
#define BOUND_USERS		65536		/* sockets of users */
#define BOUND_WHY		1024		/* refusals kept for `dockbroker why' */
#define BOUND_WHY_UID		64		/* of these, of one uid */

/* ---- names ---- */
#define BOUND_NAME		64		/* bytes of a user or group name with its NUL */
#define BOUND_HOME		512		/* bytes of a home directory's path with its NUL: a longer one counts as none */
#define BOUND_GROUPS		1024		/* groups of one account */
#define BOUND_MEMBERS		65536		/* members of one group */
#define BOUND_PAM_TEXT		256		/* bytes of text from PAM modules that are passed on */

/* ---- audit ---- */
#define BOUND_RECORD		(16 * 1024)	/* bytes of one encoded record; long values are cut and marked */
#define BOUND_FIELD		(4 * 1024)	/* bytes of one field value */
#define BOUND_AUDIT_BATCH	(64 * 1024)	/* bytes of one message to auditd */
#define BOUND_AUDIT_WAIT	(4 * 1024 * 1024)	/* bytes of records that auditd has not confirmed */

/* ---- policy ---- */
#define BOUND_POLICY_FILE	(16 * 1024 * 1024)	/* bytes of one policy file: 10,000 grants are 0.5 MiB */
#define BOUND_POLICY_DEPTH	8		/* nested includes */
#define BOUND_POLICY_FILES	256		/* files in all */
#define BOUND_POLICY_ERRORS	20		/* faults told before giving up */
#define BOUND_ROLES		4096
#define BOUND_GRANTS		131072

/* ---- messages between the daemons ---- */
#define BOUND_MESSAGE		(128 * 1024)	/* bytes of one message, below the default socket buffer of 208 KiB */
#define BOUND_MESSAGE_QUEUE	4096		/* messages that wait for one peer */
#define BOUND_MESSAGE_WAIT	(8 * 1024 * 1024)	/* bytes of these; the largest group's members are 4.5 MiB */

#endif
