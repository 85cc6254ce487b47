/*
 * json.c: strict JSON over jansson.  json_scan bounds what jansson will build
 * before it builds anything; it is never more lenient or stricter about the
 * grammar, which is jansson's alone.  Messages give places, never contents:
 * a body may hold secrets, and messages go to records.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "dockbroker/base.h"

void json_init(void)
{
	json_object_seed(0);
}

/* Line and column, counted from 1, in bytes. */
static int too_much(struct slice in, size_t offset, const char *what,
    size_t bound, struct buf *err)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < offset; i++) {
		if (in.p[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	buf_addf(err, "%s %zu at line %zu, column %zu", what, bound, line,
	    offset - start + 1);
	return JSON_BAD;
}

/* From behind the opening quote to the closing one, or the end.  A quote
 * behind an odd number of backslashes is part of the string. */
static size_t skip_string(struct slice in, size_t start)
{
	size_t i = start;

	while (i < in.n) {
		const char *quote = memchr(in.p + i, '"', in.n - i);
		size_t slashes = 0;

		if (!quote)
			break;
		i = (size_t)(quote - in.p);
		while (slashes < i - start && in.p[i - 1 - slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			return i;
		i++;
	}
	return in.n;
}

/*
 * Values are counted by what separates them: a container of n > 0 values has
 * n - 1 commas and one bracket.  In a text that is not JSON the count means
 * nothing, and jansson stops at the first fault in any case: up to there it
 * is right.
 */
int json_scan(struct slice in, struct buf *err)
{
	size_t depth = 0, nodes = 1, end;

	for (size_t i = 0; i < in.n; i++) {
		switch (in.p[i]) {
		case '"':
			end = skip_string(in, i + 1);
			if (end - i - 1 > BOUND_JSON_STRING)
				return too_much(in, i, "a string is longer "
				    "than", BOUND_JSON_STRING, err);
			i = end;
			break;
		case '[':
		case '{':
			if (++depth > BOUND_JSON_DEPTH)
				return too_much(in, i, "values are nested "
				    "deeper than", BOUND_JSON_DEPTH, err);
			nodes++;
			break;
		case ',':
			nodes++;
			break;
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		}
		if (nodes > BOUND_JSON_NODES)
			return too_much(in, i, "there are more values than",
			    BOUND_JSON_NODES, err);
	}
	return JSON_GOOD;
}

static const char *error_text(enum json_error_code code)
{
	switch (code) {
	case json_error_premature_end_of_input:
		return "the text ends too early";
	case json_error_end_of_input_expected:
		return "something follows the end of the value";
	case json_error_invalid_utf8:
		return "a string is not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a string holds a NUL character";
	case json_error_duplicate_key:
		return "a key is repeated";
	case json_error_numeric_overflow:
		return "a number is too large";
	default:
		return "the text is not JSON";
	}
}

int json_parse(struct slice in, struct json_t **out, struct buf *err)
{
	json_error_t fault;
	json_t *root;
	int r;

	*out = NULL;
	r = json_scan(in, err);
	if (r != JSON_GOOD)
		return r;
	root = json_loadb(in.n ? in.p : "", in.n,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	if (root) {
		*out = root;
		return JSON_GOOD;
	}
	if (json_error_code(&fault) == json_error_out_of_memory)
		return -ENOMEM;
	buf_addf(err, "%s at line %d, column %d",
	    error_text(json_error_code(&fault)),
	    fault.line > 0 ? fault.line : 1,
	    fault.column > 0 ? fault.column : 1);
	return JSON_BAD;
}
