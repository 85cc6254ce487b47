/*
 * test_log.h: what the tests of auditd share: a directory of their own,
 * records, and the check of a whole log.
 */
#ifndef TEST_LOG_H
#define TEST_LOG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auditd/auditd.h"

#define LOG_NAME	"audit.jsonl"
#define NOW		INT64_C(1795574400123456)

extern char test_dir[64];	/* made by test_log_setup */

int test_log_setup(void **state);
int test_log_teardown(void **state);
void test_log_empty(void);		/* no file in it any more */
int test_log_dir(void);			/* an fd of it */

void file_get(const char *name, struct buf *out);
void file_put(const char *name, struct slice content);
bool file_exists(const char *name);

/* The instance of that number. */
void make_instance(uint8_t out[16], unsigned instance);
void make_record(struct buf *out, unsigned instance, uint64_t n);
/* The body of an AUDIT_ADD. */
void make_add(struct buf *b, unsigned instance, uint64_t first,
    uint32_t count, bool sync);

/* What a log holds.  Fails the test when the chain is broken, a line is no
 * line, or a record stands in it twice or in a wrong order. */
struct log_seen {
	uint64_t seq;			/* of the last line */
	uint64_t n[8]; /* last record of instance 0 to 7 */
	unsigned records, events;
	struct chain chain;
};
void log_verify(struct slice log, struct log_seen *seen);

#endif
