/*
 * names.c: charsets of the names in paths and parameters, as the Engine has
 * them (distribution/reference, RestrictedNamePattern).  Fed by clients.
 */
#include <string.h>

#include "docker/names.h"

#define NAME_MAX_BYTES		255	/* a file name on the Engine's side */
#define REFERENCE_MAX_BYTES	512	/* 255 of name, 128 of tag, 135 of digest */
#define TAG_MAX_BYTES		128
#define ID_BYTES		64
#define SHORT_ID_BYTES		12

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || is_upper(c) || is_digit(c);
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool all_hex(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_hex(s.p[i]))
			return false;
	return true;
}

bool name_valid(struct slice s)
{
	if (s.n == 0 || s.n > NAME_MAX_BYTES || !is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (!is_alnum(c) && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

bool name_is_id(struct slice s)
{
	return s.n >= SHORT_ID_BYTES && s.n <= ID_BYTES && all_hex(s);
}

bool tag_valid(struct slice s)
{
	if (s.n == 0 || s.n > TAG_MAX_BYTES)
		return false;
	if (s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!is_alnum(c) && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

bool digest_valid(struct slice s)
{
	struct slice rest = s;
	struct slice algorithm = slice_cut(&rest, ':');

	if (slice_is(algorithm, "sha256"))
		return rest.n == 64 && all_hex(rest);
	return slice_is(algorithm, "sha512") && rest.n == 128 && all_hex(rest);
}

/* One path component: [a-z0-9]+ joined by ".", "_", "__" or any number of
 * dashes. */
static bool component_valid(struct slice s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t word = i;

		while (i < s.n && (is_lower(s.p[i]) || is_digit(s.p[i])))
			i++;
		if (i == word)
			return false;
		if (i == s.n)
			return true;
		if (s.p[i] == '-') {
			while (i < s.n && s.p[i] == '-')
				i++;
		} else if (s.p[i] == '_') {
			i += i + 1 < s.n && s.p[i + 1] == '_' ? 2 : 1;
		} else if (s.p[i] == '.') {
			i++;
		} else {
			return false;
		}
	}
	return false;
}

/* The part before the first slash, when it can only be a registry. */
static bool is_host(struct slice s)
{
	return memchr(s.p, '.', s.n) || memchr(s.p, ':', s.n) ||
	    slice_is(s, "localhost") || s.p[0] == '[';
}

/* "[::1]", rest is what follows it. */
static bool host_cut_v6(struct slice *rest)
{
	size_t i = 1;

	while (i < rest->n && (is_hex(rest->p[i]) || is_upper(rest->p[i]) ||
	    rest->p[i] == ':'))
		i++;
	if (i < 4 || i >= rest->n || rest->p[i] != ']')
		return false;
	*rest = (struct slice){ rest->p + i + 1, rest->n - i - 1 };
	return true;
}

static bool host_valid(struct slice s)
{
	struct slice rest = s;
	uint64_t port;

	if (s.p[0] == '[') {
		if (!host_cut_v6(&rest))
			return false;
		if (rest.n == 0)
			return true;
		if (rest.p[0] != ':')
			return false;
		rest = (struct slice){ rest.p + 1, rest.n - 1 };
		return slice_number(rest, 65535, &port);
	}
	struct slice name = slice_cut(&rest, ':');

	if (name.n < s.n && !slice_number(rest, 65535, &port))
		return false;
	while (name.n > 0) {
		size_t before = name.n;
		struct slice label = slice_cut(&name, '.');

		if (label.n == 0 || !is_alnum(label.p[0]) ||
		    !is_alnum(label.p[label.n - 1]))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-')
				return false;
		if (name.n == 0 && label.n + 1 == before)
			return false;		/* ends with a dot */
	}
	return s.p[0] != ':';
}

bool repository_valid(struct slice s)
{
	const char *slash = s.n > 0 ? memchr(s.p, '/', s.n) : NULL;

	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return false;
	if (slash) {
		struct slice host = { s.p, (size_t)(slash - s.p) };

		if (host.n == 0)
			return false;
		if (is_host(host)) {
			if (!host_valid(host))
				return false;
			s.p += host.n + 1;
			s.n -= host.n + 1;
		}
	}
	if (s.n == 0 || s.p[s.n - 1] == '/')
		return false;
	while (s.n > 0)
		if (!component_valid(slice_cut(&s, '/')))
			return false;
	return true;
}

struct slice reference_cut(struct slice *s)
{
	size_t end = s->n;
	const char *at = s->n > 0 ? memchr(s->p, '@', s->n) : NULL;

	if (at)
		end = (size_t)(at - s->p);
	/* A colon before the last slash belongs to a port. */
	for (size_t i = end; i > 0 && s->p[i - 1] != '/'; i--) {
		if (s->p[i - 1] == ':') {
			end = i - 1;
			break;
		}
	}
	struct slice rest = { s->p ? s->p + end : NULL, s->n - end };

	s->n = end;
	return rest;
}

bool reference_valid(struct slice s)
{
	struct slice name = s;
	struct slice rest;

	if (s.n == 0 || s.n > REFERENCE_MAX_BYTES)
		return false;
	rest = reference_cut(&name);
	if (!repository_valid(name))
		return false;
	if (rest.n > 0 && rest.p[0] == ':') {
		const char *at = memchr(rest.p, '@', rest.n);
		size_t end = at ? (size_t)(at - rest.p) : rest.n;

		if (!tag_valid((struct slice){ rest.p + 1, end - 1 }))
			return false;
		rest = (struct slice){ rest.p + end, rest.n - end };
	}
	if (rest.n == 0)
		return true;
	return digest_valid((struct slice){ rest.p + 1, rest.n - 1 });
}

bool ulimit_harmless(struct slice name)
{
	static const char *const all[] = {
		"nofile", "nproc", "core", "cpu", "fsize", "stack", "data",
		"as", "rss", "locks"
	};

	for (size_t i = 0; i < countof(all); i++)
		if (slice_is(name, all[i]))
			return true;
	return false;
}

bool object_name_valid(enum object_kind k, struct slice s)
{
	switch (k) {
	case OBJECT_IMAGE:
	case OBJECT_PLUGIN:
		return reference_valid(s);
	case OBJECT_EXEC:
		return s.n == ID_BYTES && all_hex(s);
	default:
		return name_valid(s);
	}
}
