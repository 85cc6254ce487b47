/*
 * answer_split.c: the resumable splitter.  A value that lies in one piece is
 * scanned where it is; one that goes on in the next is held until its brackets
 * are closed, and scanned then.  What grows past BOUND_ELEMENT is not held: its
 * beginning is shown, the rest passes or is dropped.
 *
 * Invariants: the outcome and what is shown do not depend on how the text was
 * cut (fuzz_answer); no byte is looked at more than three times.
 */
#include <errno.h>
#include <string.h>

#include "docker/split.h"

#define KEY_MAX		(64 * 1024)	/* bytes of a key that is looked at */
#define HELD_KEPT	(64 * 1024)	/* bytes of memory kept for the next value */

void split_init(struct split *s, const struct split_ops *ops, void *arg,
    bool many)
{
	*s = (struct split){ .ops = ops, .arg = arg, .many = many,
	    .state = SPLIT_VALUE };
	s->key = BUF(KEY_MAX);
	s->held = BUF(BOUND_ELEMENT);
	arena_init(&s->memory, KEY_MAX);
}

void split_free(struct split *s)
{
	buf_free(&s->key);
	buf_free(&s->held);
	arena_free(&s->memory);
}

static bool in_object(const struct split *s)
{
	return s->level && s->close[s->level - 1] == '}';
}

static struct part part_of(const struct split *s, struct slice raw)
{
	struct part p = { .level = s->level, .raw = raw };

	if (in_object(s)) {
		p.key = buf_slice(&s->key);
		p.name = s->name;
	}
	return p;
}

/* A value is over: what may come now? */
static void after_value(struct split *s)
{
	if (s->level)
		s->state = SPLIT_NEXT;
	else
		s->state = s->many ? SPLIT_VALUE : SPLIT_END;
}

/* start: what may be held of a value that is larger. */
static int show_large(struct split *s, struct slice start)
{
	struct part p = part_of(s, start);
	int r;

	s->wants_rest = false;
	r = s->ops->large(s->arg, &p, &s->wants_rest);
	if (r == SPLIT_GOOD && s->wants_rest)
		r = s->ops->rest(s->arg, start);
	return r;
}

static int show_value(struct split *s, struct slice raw, bool object)
{
	struct part p = part_of(s, raw);
	int r;

	after_value(s);
	if (raw.n <= BOUND_ELEMENT) {
		p.m = object ? &s->members : NULL;
		return s->ops->value(s->arg, &p);
	}
	r = show_large(s, (struct slice){ raw.p, BOUND_ELEMENT });
	if (r != SPLIT_GOOD || !s->wants_rest)
		return r;
	return s->ops->rest(s->arg, (struct slice){ raw.p + BOUND_ELEMENT,
	    raw.n - BOUND_ELEMENT });
}

/* Copied, as the value may come much later. */
static int take_key(struct split *s, struct slice raw)
{
	buf_reset(&s->key);
	arena_free(&s->memory);
	buf_adds(&s->key, raw);
	buf_addc(&s->key, 0);	/* .p is never NULL */
	if (!buf_ok(&s->key))
		return raw.n < KEY_MAX ? -ENOMEM : SPLIT_BAD;
	s->key.len--;
	s->name = text_decode(buf_slice(&s->key), &s->memory);
	if (!s->name.p)
		return -ENOMEM;
	s->state = SPLIT_COLON;
	return SPLIT_GOOD;
}

static int open_level(struct split *s, char c)
{
	struct part p = part_of(s, SLICE(""));
	int r = s->ops->open(s->arg, &p, c);

	s->close[s->level++] = c == '{' ? '}' : ']';
	s->state = c == '{' ? SPLIT_FIRST_KEY : SPLIT_FIRST;
	return r;
}

static int close_level(struct split *s, char c)
{
	if (!s->level || c != s->close[s->level - 1])
		return SPLIT_BAD;
	s->level--;
	after_value(s);
	return s->ops->close(s->arg, s->level, c);
}

/* ---- what lies in one piece ---- */

/* From at->p on; SCAN_MORE: it is to be held. */
static int scan_here(struct split *s, struct scan *at)
{
	struct slice raw;
	bool escaped, object = *at->p == '{';
	int r;

	if (s->state == SPLIT_KEY) {
		r = scan_string(at, &raw, &escaped);
		return r == SCAN_GOOD ? take_key(s, raw) : r;
	}
	r = object ? scan_members(at, &raw, &s->members) :
	    scan_value(at, &raw);
	return r == SCAN_GOOD ? show_value(s, raw, object) : r;
}

static void hold(struct split *s, char first)
{
	s->holds = true;
	s->large = s->text = s->escaped = false;
	s->depth = 0;
	s->bare = first != '"' && first != '{' && first != '[';
	buf_reset(&s->held);
}

/* ---- what goes on in the next piece ---- */

/* Behind the last byte of the value, or NULL: it goes on. */
static const char *held_end(struct split *s, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (s->escaped) {
			s->escaped = false;
		} else if (s->text) {
			s->escaped = *p == '\\';
			s->text = *p != '"';
			if (!s->text && !s->depth)
				return p + 1;
		} else if (s->bare) {
			if (scan_is_blank(*p) || *p == ',' || *p == ']' ||
			    *p == '}')
				return p;
		} else if (*p == '"') {
			s->text = true;
		} else if (*p == '{' || *p == '[') {
			s->depth++;
		} else if ((*p == '}' || *p == ']') && --s->depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

static int held_over(struct split *s)
{
	struct slice raw = buf_slice(&s->held);
	struct scan at = { raw.p, raw.p, true };
	int r;

	s->holds = false;
	if (s->large) {		/* nothing is held */
		after_value(s);
		return SPLIT_GOOD;
	}
	at.end += raw.n;
	r = scan_here(s, &at);
	if (r == SCAN_MORE || (r == SCAN_GOOD && at.p != at.end))
		r = SPLIT_BAD;
	if (s->held.cap > HELD_KEPT)
		buf_free(&s->held);
	return r;
}

/* A piece of a value that is not held, or no longer. */
static int large_feed(struct split *s, struct slice piece)
{
	size_t room = BOUND_ELEMENT - s->held.len;
	int r = SPLIT_GOOD;

	if (!s->large) {
		if (s->state == SPLIT_KEY)
			return SPLIT_BAD;
		buf_add(&s->held, piece.p, room);
		if (!buf_ok(&s->held))
			return -ENOMEM;
		s->large = true;
		r = show_large(s, buf_slice(&s->held));
		buf_free(&s->held);
		piece = (struct slice){ piece.p + room, piece.n - room };
	}
	if (r == SPLIT_GOOD && s->wants_rest)
		r = s->ops->rest(s->arg, piece);
	return r;
}

static int held_feed(struct split *s, struct scan *at)
{
	const char *end = held_end(s, at->p, at->end);
	struct slice piece = { at->p,
	    (size_t)((end ? end : at->end) - at->p) };
	int r;

	at->p += piece.n;
	if (s->large || piece.n > BOUND_ELEMENT - s->held.len) {
		r = large_feed(s, piece);
	} else {
		buf_adds(&s->held, piece);
		r = buf_ok(&s->held) ? SPLIT_GOOD : -ENOMEM;
	}
	return r == SPLIT_GOOD && end ? held_over(s) : r;
}

/* ---- the text as a whole ---- */

static int value_here(struct split *s, struct scan *at)
{
	struct part p = part_of(s, SLICE(""));
	char c = *at->p;
	int r;

	if ((c == '{' || c == '[') && s->state != SPLIT_KEY &&
	    s->level < SPLIT_LEVELS && s->ops->enters(s->arg, &p, c)) {
		at->p++;
		return open_level(s, c);
	}
	r = scan_here(s, at);
	if (r != SCAN_MORE)
		return r;
	hold(s, c);
	return held_feed(s, at);
}

/* One token, at->p at its first byte. */
static int split_token(struct split *s, struct scan *at)
{
	char c = *at->p;

	switch (s->state) {
	case SPLIT_FIRST:
	case SPLIT_FIRST_KEY:
		if (c == ']' || c == '}') {
			at->p++;
			return close_level(s, c);
		}
		s->state = s->state == SPLIT_FIRST ? SPLIT_VALUE : SPLIT_KEY;
		return value_here(s, at);
	case SPLIT_VALUE:
	case SPLIT_KEY:
		return value_here(s, at);
	case SPLIT_COLON:
		at->p++;
		s->state = SPLIT_VALUE;
		return c == ':' ? SPLIT_GOOD : SPLIT_BAD;
	case SPLIT_NEXT:
		at->p++;
		if (c != ',')
			return close_level(s, c);
		s->state = in_object(s) ? SPLIT_KEY : SPLIT_VALUE;
		return SPLIT_GOOD;
	default:
		return SPLIT_BAD;
	}
}

int split_feed(struct split *s, struct slice in)
{
	struct scan at = { in.p, in.n ? in.p + in.n : in.p, false };
	int r = SPLIT_GOOD;

	while (r == SPLIT_GOOD && at.p < at.end) {
		if (s->holds)
			r = held_feed(s, &at);
		else if (scan_is_blank(*at.p))
			at.p++;
		else
			r = split_token(s, &at);
	}
	return r;
}

int split_end(struct split *s)
{
	int r = SPLIT_GOOD;

	if (s->holds && s->bare)
		r = held_over(s);
	if (r != SPLIT_GOOD)
		return r < 0 ? r : SPLIT_BAD;
	if (s->holds || s->level)
		return SPLIT_BAD;
	return s->many || s->state == SPLIT_END ? SPLIT_GOOD : SPLIT_BAD;
}
