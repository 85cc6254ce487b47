/*
 * base.h: what every layer stands on.  Slices, bounded buffers, arenas,
 * strings, JSON, the snapshot of an identity, log lines, configuration.
 *
 * Return values, in all of dockbroker: 0 done; negative (-errno) our own
 * failure, passed up untouched; positive: an outcome from that function's
 * enum, handled by the caller.  What a client, a file or the Engine can cause
 * is always a positive outcome.
 */
#ifndef DOCKBROKER_BASE_H
#define DOCKBROKER_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dockbroker/bounds.h"

#define _must_check_	__attribute__((warn_unused_result))
#define _printf_(f, a)	__attribute__((format(printf, f, a)))
#define _cleanup_(fn)	__attribute__((cleanup(fn)))
#define _unused_	__attribute__((unused))
#define countof(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- slices: bytes that somebody else owns ---- */

struct slice {
	const char *p;
	size_t n;
};

#define SLICE(lit)	((struct slice){ "" lit, sizeof(lit) - 1 })
#define SLICE_NONE	((struct slice){ NULL, 0 })
#define SLICE_ARG(s)	(int)(s).n, (s).p	/* for "%.*s" */

struct slice slice_from(const char *z);			/* z may be NULL */
bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *z);
bool slice_equal_nocase(struct slice a, struct slice b);	/* ASCII only */
bool slice_starts(struct slice a, struct slice prefix);
struct slice slice_trim(struct slice a);		/* spaces and tabs */
/* Cuts *a at the first c: returns what stands before it, *a what follows;
 * without c returns all and empties *a. */
struct slice slice_cut(struct slice *a, char c);
/* Decimal, no sign, no leading zeros but "0", at most max. */
bool slice_number(struct slice a, uint64_t max, uint64_t *out);
/* Bytes of the first character of a; 0 when it is not valid UTF-8 or a is "". */
size_t utf8_char(struct slice a);
bool utf8_valid(struct slice a);
/* Edit distance, at most 63 bytes each; larger: 64.  For "did you mean". */
unsigned slice_distance(struct slice a, struct slice b);
/* The nearest of at(0), at(1), ... until NULL; "" when none is near enough. */
const char *slice_nearest(struct slice a, const char *(*at)(size_t i));

/* ---- buffers: owned, growing, never past max ----
 * Adding past max or without memory sets failed and drops what was added, and
 * whatever is added after it; ask buf_ok() once at the end. */

struct buf {
	char *p;
	size_t len, cap, max;
	bool failed;
	bool secret;		/* set it at first: no copy stays behind in freed memory */
};

#define BUF(limit)	((struct buf){ .max = (limit) })

void buf_free(struct buf *b);		/* also for _cleanup_; b may be used again */
void buf_wipe(struct buf *b);		/* zeroes the memory first: secrets */
void buf_reset(struct buf *b);		/* len 0, failed false, memory kept */
bool buf_ok(const struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, struct slice s);
void buf_addz(struct buf *b, const char *z);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
void buf_addu(struct buf *b, uint64_t v);		/* decimal */
void buf_addi(struct buf *b, int64_t v);
char *buf_room(struct buf *b, size_t n);		/* n free bytes at the end, or NULL; sets nothing */
void buf_grew(struct buf *b, size_t n);			/* n of them were filled */
void buf_eat(struct buf *b, size_t n);			/* drops the first n bytes */
struct slice buf_slice(const struct buf *b);
const char *buf_text(struct buf *b);			/* NUL-terminated; "" when failed */
/* "text" with JSON escapes; invalid UTF-8 becomes U+FFFD. */
void buf_add_json_string(struct buf *b, struct slice s);

/* ---- arenas: the memory of one request ---- */

struct arena {
	struct arena_chunk *chunks;
	size_t used;			/* bytes given out, for charging */
	size_t max;
};

void arena_init(struct arena *a, size_t max);
void arena_free(struct arena *a);
void *arena_alloc(struct arena *a, size_t n) _must_check_;	/* zeroed, aligned 8; NULL past max */
/* Copies with a NUL behind; .p NULL when there is no room. */
struct slice arena_copy(struct arena *a, struct slice s);
struct slice arena_format(struct arena *a, const char *fmt, ...) _printf_(2, 3);

/* ---- JSON over jansson, strict: UTF-8, no duplicate keys, bounded ---- */

struct json_t;
/* Seeds jansson's hash tables; programs call it before they close their sandbox. */
void json_init(void);
enum json_outcome { JSON_GOOD, JSON_BAD };
/* *out is owned by the caller (json_decref).  On JSON_BAD err says what and
 * where, in one sentence without a full stop.  -ENOMEM. */
int json_parse(struct slice in, struct json_t **out, struct buf *err) _must_check_;
/* Outer structure without a tree: depth, nodes and string length within the
 * bounds.  json_parse does this first. */
int json_scan(struct slice in, struct buf *err) _must_check_;

/* ---- identity ---- */

struct group {
	uint32_t gid;
	char name[BOUND_NAME];
};

/* What NSS says of one uid, at one moment.  Immutable, counted. */
struct account {
	unsigned refs;
	uint32_t uid, gid;
	char name[BOUND_NAME];
	char home[BOUND_HOME];		/* clean, absolute, not "/"; "" none */
	size_t ngroups;			/* primary group included, sorted by name */
	struct group groups[];
};

/* groups in any order, each fits its name.  NULL with errno: ENOMEM, or EINVAL
 * for a name that does not fit and for more than BOUND_GROUPS. */
struct account *account_new(uint32_t uid, uint32_t gid, const char *name,
    const struct group *groups, size_t n);
/* Sets the home of an account that nobody else has yet; a path that is none
 * counts as "". */
void account_home(struct account *a, const char *path);
struct account *account_ref(struct account *a);
struct account *account_unref(struct account *a);	/* returns NULL; a may be NULL */
bool account_in_group(const struct account *a, const char *group);
bool account_equal(const struct account *a, const struct account *b);

#define WHO_UNSET	UINT32_MAX	/* loginuid and session, as the kernel has it */

/* Who is behind one connection.  From the kernel, but for the account. */
struct who {
	struct account *account;	/* NULL on service sockets that say so */
	char service[BOUND_NAME];	/* "" unless it came by a service socket */
	uint32_t uid, gid;		/* SO_PEERCRED */
	pid_t pid;
	uint64_t start;			/* start time of pid, clock ticks since boot */
	uint32_t loginuid, session;	/* audit; WHO_UNSET */
	char tty[32];			/* "pts/3" or "" */
	char exe[64];			/* comm of the process: for records only */
	bool container;			/* from another pid namespace or a container's cgroup */
};

/* ---- time: values in, text out ---- */

#define TIME_TEXT	32
void time_format(char out[TIME_TEXT], int64_t realtime_us);	/* 2026-11-22T02:40:00.123456Z */
/* "90", "15m", "2h", "1h30m", "2d" -> seconds; false when it is none or too large. */
bool time_parse_span(struct slice s, uint64_t max_seconds, uint64_t *out);
/* "64k", "8m", "2g", "1t" in either case, plain bytes. */
bool size_parse(struct slice s, uint64_t max, uint64_t *out);

/* ---- log: for operators, one line each, escaped once here ---- */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
/* To stderr, with systemd's <N> prefix when journal is true, else with time
 * and name.  Only programs call these two. */
void log_open(const char *name, enum log_level level, bool journal);
void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);
bool log_wants(enum log_level level);
#define log_error(...)	log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	do { if (log_wants(LOG_DEBUG)) log_write(LOG_DEBUG, __VA_ARGS__); } while (0)

/* ---- telling people about their files: path:line:col: text, line, caret ---- */

/* text is the whole file, offset that of the fault, len bytes wide; columns are
 * characters.  At most 4 KiB; a fault that does not fit into out is left out. */
void fault_show(struct buf *out, const char *path, struct slice text,
    size_t offset, size_t len, const char *message);

/* ---- dockbroker.conf: `key value' lines, one table (config.def) ---- */

struct service_conf {
	char name[BOUND_NAME];
	char path[108];			/* default: run-dir/services/NAME.sock */
	unsigned mode;
	uint32_t uid;			/* only this peer uid; WHO_UNSET: any */
	bool containers;		/* peers from other pid namespaces are welcome */
};

struct config {
#define CONFIG_TEXT(id, key, dflt, doc)			char id[256];
#define CONFIG_PATH(id, key, dflt, word, doc)		char id[256];
#define CONFIG_WORD(id, key, dflt, words, doc)		char id[256];
#define CONFIG_NUMBER(id, key, dflt, min, max, doc)	uint64_t id;
#define CONFIG_TIME(id, key, dflt, min, max, doc)	uint64_t id;	/* milliseconds */
#define CONFIG_SWITCH(id, key, dflt, doc)		bool id;
#include "dockbroker/config.def"
	struct service_conf services[64];
	size_t nservices;
};

enum config_outcome { CONFIG_GOOD, CONFIG_BAD };
void config_defaults(struct config *c);
/* Sets the defaults first.  On CONFIG_BAD up to 20 faults are told in err (give it
 * 64 KiB); c is half filled: drop it. */
int config_parse(struct config *c, const char *path, struct slice text,
    struct buf *err) _must_check_;

#endif
