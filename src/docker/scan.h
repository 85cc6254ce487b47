/*
 * scan.h: a JSON text read where it stands, without a tree: values are slices
 * of the text.  For the Engine's answers, which are large and of which few
 * members matter.  Whatever scan_value and scan_members take is JSON; keys that
 * are repeated are seen where a member is asked for by name.
 */
#ifndef DOCKBROKER_SCAN_H
#define DOCKBROKER_SCAN_H

#include "dockbroker/base.h"

#define SCAN_DEPTH	64	/* nesting; the deepest answer has 9 */
#define SCAN_MEMBERS	64	/* of an object that are indexed; inspect has 23 */

enum scan_outcome {
	SCAN_GOOD,
	SCAN_MORE,		/* the text ends inside the value */
	SCAN_BAD		/* not JSON, or nested too deep */
};

struct scan {
	const char *p, *end;
	bool final;		/* nothing follows end: a number may stand there */
};

struct member {
	struct slice key;	/* between the quotes, escapes as they are */
	struct slice value;	/* its whole text */
	bool escaped;		/* the key holds escapes */
};
struct members {
	size_t n;
	bool more;		/* there are others that found no room */
	struct member at[SCAN_MEMBERS];
};

bool scan_is_blank(char c);
void scan_blanks(struct scan *s);
/* One value, p at its first byte; p is then behind it.  Not moved otherwise. */
int scan_value(struct scan *s, struct slice *raw) _must_check_;
/* The same for a text, p at the quote; raw is what is between the quotes. */
int scan_string(struct scan *s, struct slice *raw, bool *escaped) _must_check_;
/* The same for an object, with its members. */
int scan_members(struct scan *s, struct slice *raw, struct members *m) _must_check_;
/* The value of a member; .p NULL: none.  *twice is set when there are two. */
struct slice member_get(const struct members *m, const char *name, bool *twice);
bool key_is(const struct member *m, const char *name);

/* Through the values of a list or the members of an object, whose text was
 * scanned before; of other texts there are none. */
struct walk {
	struct scan at;
	struct member m;	/* the present one; no key in lists */
	char close;
	bool first;
};
struct walk walk_into(struct slice raw);
bool walk_next(struct walk *w);

/* The text that raw holds, escapes decoded (halves of pairs become U+FFFD): in
 * raw, or in the arena.  .p NULL: raw is no text, or no memory. */
struct slice text_of(struct slice raw, struct arena *a);
/* The same of what stands between the quotes. */
struct slice text_decode(struct slice inside, struct arena *a);
/* "null", "12": an integer; false when it is none or too large. */
bool integer_of(struct slice raw, int64_t *out);

#endif
