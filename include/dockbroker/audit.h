/*
 * audit.h: audit records.  The broker makes them as typed fields
 * (fields.def), auditd turns them into JSON Lines with a sequence number and
 * the hash of the line before.  No I/O, no clock, no HTTP, no rules.
 */
#ifndef DOCKBROKER_AUDIT_H
#define DOCKBROKER_AUDIT_H

#include "dockbroker/base.h"

enum field_type {
	FIELD_TEXT,		/* UTF-8; what is not is replaced */
	FIELD_UINT,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_TIME_US,		/* microseconds since 1970, written as RFC 3339 */
	FIELD_LIST,		/* of texts */
	FIELD_JSON		/* a JSON value that a library of ours wrote: argv */
};

enum field {
	FIELD_NONE,
#define FIELD(id, name, type, doc)	FIELD_##id,
#include "dockbroker/fields.def"
	FIELD_COUNT
};
const char *field_name(enum field f);
enum field_type field_type(enum field f);
const char *field_doc(enum field f);
enum field field_find(struct slice name);

/* ---- making a record: { u16 field, u16 flags, u32 length, bytes }... ----
 * Texts past BOUND_FIELD are cut at a character and end in "…".  A field that is
 * empty is left out. */
void record_text(struct buf *b, enum field f, struct slice v);
void record_uint(struct buf *b, enum field f, uint64_t v);
void record_int(struct buf *b, enum field f, int64_t v);
void record_bool(struct buf *b, enum field f, bool v);
void record_time(struct buf *b, enum field f, int64_t us);
void record_list(struct buf *b, enum field f, const struct slice *v, size_t n);
void record_json(struct buf *b, enum field f, struct slice v);

enum record_outcome { RECORD_GOOD, RECORD_BAD };

/* A record taken apart: its bytes stay the caller's; p is NULL where a field
 * is absent. */
struct record {
	struct slice value[FIELD_COUNT];
};
/* What the writer lets in: known fields, each once, right types and lengths,
 * FIELD_JSON parses; the fields seq, prev and upto are auditd's own. */
int record_open(struct slice bytes, struct record *out, struct buf *err) _must_check_;
int record_check(struct slice bytes, struct buf *err) _must_check_;
/* A FIELD_UINT; 0 where it is absent. */
uint64_t record_get_uint(const struct record *r, enum field f);
/* "name":value,... without braces, in the order of fields.def. */
int record_json_members(struct slice bytes, struct buf *out) _must_check_;

/* ---- the chain ---- */

#define CHAIN_HASH	32
struct chain {
	uint64_t seq;			/* of the last line; 0 before the first */
	uint8_t last[CHAIN_HASH];	/* SHA-256 of the last line without its newline; zeros before the first */
};

/* A line with its newline is never longer: every byte of a record may have to
 * be written as \u00XX, and list items and names have their quotes. */
#define BOUND_LINE	(6 * BOUND_RECORD + 4096)

/* Appends {"seq":N,"prev":"<hex>",<members>}\n to out and moves the chain on.
 * RECORD_BAD, or -ENOMEM when out is full: nothing has changed. */
int chain_line(struct chain *c, struct slice record, struct buf *out) _must_check_;

/* What a line says of itself. */
struct line {
	uint64_t seq;
	uint8_t prev[CHAIN_HASH];
	uint8_t instance[16];		/* zeros when auditd wrote it itself */
	uint64_t n, id;			/* 0 likewise */
	/* In lines of auditd itself, what its field upto says; else zeros. */
	uint8_t upto_instance[16];
	uint64_t upto_n, upto_id;
};
enum line_outcome { LINE_GOOD, LINE_TORN, LINE_BAD };
/* One line without its newline, whole JSON.  LINE_TORN: it ends too early. */
int line_parse(struct slice line, struct line *out) _must_check_;

enum chain_outcome { CHAIN_GOOD, CHAIN_BROKEN };
/* The next line, without newline, in order.  why names the fault.  A line that
 * can be read moves the chain on even when it does not fit, so that one fault
 * is told once. */
int chain_check(struct chain *c, struct slice line, struct buf *why) _must_check_;
/* As if the line before this one had been checked: to begin in the middle. */
void chain_before(struct chain *c, const struct line *line);

#endif
