/*
 * tree.c: the JSON parser of the request path.  It is fed by clients.  jansson
 * would do, but takes 40 µs for the body of a plain docker run.
 *
 * Invariants: what is taken here json_parse takes as well, with the same
 * values (fuzz_canon compares); depth, values and texts are within the bounds;
 * no key twice in an object, however it was escaped.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "docker/tree.h"

#define CHUNK		128		/* nodes; a plain create has 110 */
#define FEW		128		/* members that may be compared one by one */
#define SEEN		1024		/* bits */
#define NUMBER		64		/* bytes of a number */

struct tree_chunk {
	struct tree_chunk *next;
	size_t used;
	struct node nodes[CHUNK];
};

struct parser {
	struct tree *tree;
	struct slice in;
	const char *p, *end;
	char *text;			/* free room in tree->text */
	size_t nodes;
	bool no_memory;
};

static bool value(struct parser *s, struct node *v, unsigned depth);

static struct node *node_new(struct parser *s)
{
	struct tree_chunk *c = s->tree->chunks;

	if (++s->nodes > BOUND_JSON_NODES)
		return NULL;
	if (!c || c->used == CHUNK) {
		c = malloc(sizeof(*c));
		if (!c) {
			s->no_memory = true;
			return NULL;
		}
		c->next = s->tree->chunks;
		c->used = 0;
		s->tree->chunks = c;
	}
	c->nodes[c->used] = (struct node){ .type = NODE_NULL };
	return &c->nodes[c->used++];
}

static void blanks(struct parser *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' ||
	    *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

/* Skips blanks and c, if it is next. */
static bool take(struct parser *s, char c)
{
	blanks(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* ---- texts ---- */

static bool hex4(struct parser *s, unsigned *out)
{
	*out = 0;
	if (s->end - s->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *s->p++;

		*out <<= 4;
		if (c >= '0' && c <= '9')
			*out |= (unsigned)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*out |= (unsigned)((c | 32) - 'a' + 10);
		else
			return false;
	}
	return true;
}

static char *utf8_write(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* Behind "\u".  NUL and halves of pairs are refused. */
static char *escape_unicode(struct parser *s, char *to)
{
	unsigned c, low;

	if (!hex4(s, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
		return NULL;
	if (c >= 0xd800 && c < 0xdc00) {
		if (s->end - s->p < 6 || *s->p++ != '\\' || *s->p++ != 'u' ||
		    !hex4(s, &low) || low < 0xdc00 || low >= 0xe000)
			return NULL;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return utf8_write(to, c);
}

/* Behind the backslash. */
static char *escape(struct parser *s, char *to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (s->p == s->end)
		return NULL;
	c = *s->p++;
	if (c == 'u')
		return escape_unicode(s, to);
	at = c ? strchr(from, c) : NULL;
	if (!at)
		return NULL;
	*to++ = into[at - from];
	return to;
}

/* From start on, which came before the first escape, up to the quote.  What is
 * decoded is never longer than what it came from: text has room for all. */
static bool text_escaped(struct parser *s, const char *start, struct slice *out)
{
	size_t n = (size_t)(s->p - start);
	char *to;

	if (!s->tree->text) {
		s->tree->text = malloc(s->in.n);
		s->text = s->tree->text;
		if (!s->text) {
			s->no_memory = true;
			return false;
		}
	}
	to = s->text;
	memcpy(to, start, n);
	to += n;
	while (s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < ' ')
			return false;
		if (*s->p != '\\') {
			*to++ = *s->p++;
			continue;
		}
		s->p++;
		to = escape(s, to);
		if (!to)
			return false;
	}
	*out = (struct slice){ s->text, (size_t)(to - s->text) };
	s->text = to;
	return true;
}

/* Behind the opening quote. */
static bool text(struct parser *s, struct slice *out)
{
	const char *start = s->p;

	while (s->p < s->end && *s->p != '"' && *s->p != '\\' &&
	    (unsigned char)*s->p >= ' ')
		s->p++;
	*out = (struct slice){ start, (size_t)(s->p - start) };
	if (s->p < s->end && *s->p == '\\' && !text_escaped(s, start, out))
		return false;
	if (s->p == s->end || *s->p != '"' ||
	    s->p - start > BOUND_JSON_STRING)
		return false;
	s->p++;
	return true;
}

/* ---- numbers and words ---- */

static size_t digits(struct parser *s)
{
	const char *start = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (size_t)(s->p - start);
}

/* As the grammar has it; *real: it has a fraction or an exponent. */
static bool number_shape(struct parser *s, bool *real)
{
	*real = false;
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		*real = true;
		s->p++;
		if (!digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		*real = true;
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!digits(s))
			return false;
	}
	return true;
}

static bool number(struct parser *s, struct node *v)
{
	const char *start = s->p;
	char copy[NUMBER];
	bool real;
	size_t n;

	if (!number_shape(s, &real))
		return false;
	n = (size_t)(s->p - start);
	if (n >= sizeof(copy))
		return false;
	memcpy(copy, start, n);
	copy[n] = 0;
	if (real) {
		v->type = NODE_REAL;
		v->real = strtod(copy, NULL);
		return isfinite(v->real);
	}
	v->type = NODE_INT;
	errno = 0;
	v->integer = strtoll(copy, NULL, 10);
	return errno == 0;
}

static bool word(struct parser *s, struct node *v, struct slice w,
    enum node_type type)
{
	if ((size_t)(s->end - s->p) < w.n || memcmp(s->p, w.p, w.n) != 0)
		return false;
	s->p += w.n;
	v->type = type;
	return true;
}

/* ---- lists and objects ---- */

static int key_compare(const void *a, const void *b)
{
	struct slice x = (*(const struct node *const *)a)->key,
	    y = (*(const struct node *const *)b)->key;

	if (x.n != y.n)
		return x.n < y.n ? -1 : 1;
	return memcmp(x.p, y.p, x.n);
}

/* Sorting, as hashing could be made slow by whoever chooses the keys. */
static bool unique_many(struct parser *s, const struct node *o)
{
	const struct node **all = malloc(o->n * sizeof(*all));
	bool unique = true;
	size_t i = 0;

	if (!all) {
		s->no_memory = true;
		return false;
	}
	for (const struct node *e = o->first; e; e = e->next)
		all[i++] = e;
	qsort(all, o->n, sizeof(*all), key_compare);
	for (i = 1; i < o->n; i++)
		unique &= key_compare(&all[i - 1], &all[i]) != 0;
	free(all);
	return unique;
}

/* A weak hash, as it only says which keys need no comparison. */
static unsigned key_bit(struct slice k)
{
	const unsigned char *p = (const unsigned char *)k.p;

	if (!k.n)
		return 0;
	return ((unsigned)k.n * 37 + p[0] * 5u + p[k.n / 2] * 11u +
	    p[k.n - 1] * 3u) % SEEN;
}

static bool unique(struct parser *s, const struct node *o)
{
	uint64_t seen[SEEN / 64] = { 0 };

	if (o->n > FEW)
		return unique_many(s, o);
	for (const struct node *a = o->first; a; a = a->next) {
		unsigned bit = key_bit(a->key);

		if (!(seen[bit / 64] >> bit % 64 & 1)) {
			seen[bit / 64] |= (uint64_t)1 << bit % 64;
			continue;
		}
		for (const struct node *b = o->first; b != a; b = b->next) {
			if (slice_equal(a->key, b->key))
				return false;
		}
	}
	return true;
}

/* Behind the opening bracket. */
static bool members(struct parser *s, struct node *v, char close, unsigned depth)
{
	struct node **last = &v->first;

	if (depth > BOUND_JSON_DEPTH)
		return false;
	v->type = close == '}' ? NODE_OBJECT : NODE_LIST;
	v->first = NULL;
	v->n = 0;
	if (take(s, close))
		return true;
	do {
		struct node *e = node_new(s);

		if (!e)
			return false;
		if (close == '}' && (!take(s, '"') || !text(s, &e->key) ||
		    !take(s, ':')))
			return false;
		if (!value(s, e, depth))
			return false;
		*last = e;
		last = &e->next;
		v->n++;
	} while (take(s, ','));
	return take(s, close) && (close == ']' || unique(s, v));
}

static bool value(struct parser *s, struct node *v, unsigned depth)
{
	blanks(s);
	if (s->p == s->end)
		return false;
	switch (*s->p) {
	case '"':
		s->p++;
		v->type = NODE_TEXT;
		return text(s, &v->text);
	case '{':
		s->p++;
		return members(s, v, '}', depth + 1);
	case '[':
		s->p++;
		return members(s, v, ']', depth + 1);
	case 'n':
		return word(s, v, SLICE("null"), NODE_NULL);
	case 't':
		return word(s, v, SLICE("true"), NODE_TRUE);
	case 'f':
		return word(s, v, SLICE("false"), NODE_FALSE);
	default:
		return number(s, v);
	}
}

/* Most bodies are. */
static bool ascii(struct slice in)
{
	unsigned char all = 0;

	for (size_t i = 0; i < in.n; i++)
		all |= (unsigned char)in.p[i];
	return all < 0x80;
}

int tree_parse(struct slice in, struct tree *t)
{
	struct parser s = { .tree = t, .in = in, .p = in.p,
	    .end = in.p + in.n };
	bool good;

	*t = (struct tree){ 0 };
	if (!ascii(in) && !utf8_valid(in))
		return TREE_BAD;
	t->root = node_new(&s);
	good = t->root && value(&s, t->root, 0);
	blanks(&s);
	if (s.no_memory)
		return -ENOMEM;
	return good && s.p == s.end ? TREE_GOOD : TREE_BAD;
}

void tree_free(struct tree *t)
{
	while (t->chunks) {
		struct tree_chunk *c = t->chunks;

		t->chunks = c->next;
		free(c);
	}
	free(t->text);
	*t = (struct tree){ 0 };
}

/* ---- reading ---- */

bool node_is(const struct node *v, enum node_type type)
{
	return v && v->type == type;
}

const struct node *node_first(const struct node *v)
{
	return node_is(v, NODE_LIST) || node_is(v, NODE_OBJECT) ? v->first : NULL;
}

const struct node *node_get(const struct node *o, const char *name)
{
	if (!node_is(o, NODE_OBJECT))
		return NULL;
	for (const struct node *e = o->first; e; e = e->next) {
		if (slice_is(e->key, name))
			return e;
	}
	return NULL;
}

struct slice node_text(const struct node *v)
{
	return node_is(v, NODE_TEXT) ? v->text : SLICE_NONE;
}

int64_t node_integer(const struct node *v)
{
	return node_is(v, NODE_INT) ? v->integer : 0;
}

bool node_zero(const struct node *v)
{
	switch (v->type) {
	case NODE_NULL:
	case NODE_FALSE:
		return true;
	case NODE_TRUE:
		return false;
	case NODE_INT:
		return v->integer == 0;
	case NODE_REAL:
		return v->real == 0.0;
	case NODE_TEXT:
		return v->text.n == 0;
	case NODE_LIST:
	case NODE_OBJECT:
		for (const struct node *e = v->first; e; e = e->next) {
			if (!node_zero(e))
				return false;
		}
		return true;
	}
	return false;
}
