/*
 * match.c: patterns of the policy against what a client asked.  The pattern is
 * the admin's, the text anybody's: what is doubtful does not match.
 */
#include <string.h>

#include "policy/policy_int.h"

struct glob {
	struct slice glob, text, user;
	const char *stop;
	size_t g, t;			/* how far both are read */
	size_t star, star_at;		/* behind the last `*', and what it took up to */
	size_t deep, deep_at;		/* the same for `**' */
};

#define NOWHERE	SIZE_MAX

static bool stops(const struct glob *m, char c)
{
	return c == '\0' || strchr(m->stop, c) != NULL;
}

/* One step without going back; false: it does not fit. */
static bool glob_step(struct glob *m)
{
	const char *g = m->glob.p + m->g;
	size_t left = m->glob.n - m->g;

	if (left == 0)
		return false;
	if (g[0] == '*' && left > 1 && g[1] == '*') {
		m->g += 2;
		m->deep = m->g;
		m->deep_at = m->t;
		m->star = NOWHERE;
		return true;
	}
	if (g[0] == '*') {
		m->star = ++m->g;
		m->star_at = m->t;
		return true;
	}
	if (g[0] == '%' && left > 1 && g[1] == 'u') {
		struct slice rest = { m->text.p + m->t, m->text.n - m->t };

		if (m->user.n == 0 || !slice_starts(rest, m->user))
			return false;
		m->g += 2;
		m->t += m->user.n;
		return true;
	}
	if (m->t == m->text.n || (g[0] == '?' ? stops(m, m->text.p[m->t]) :
	    g[0] != m->text.p[m->t]))
		return false;
	m->g++;
	m->t++;
	return true;
}

/* The last `*' takes one byte more, or the last `**' does. */
static bool glob_back(struct glob *m)
{
	if (m->star != NOWHERE && m->star_at < m->text.n &&
	    !stops(m, m->text.p[m->star_at])) {
		m->g = m->star;
		m->t = ++m->star_at;
		return true;
	}
	if (m->deep == NOWHERE || m->deep_at == m->text.n)
		return false;
	m->star = NOWHERE;
	m->g = m->deep;
	m->t = ++m->deep_at;
	return true;
}

bool glob_match(struct slice glob, struct slice text, struct slice user,
    const char *stop)
{
	struct glob m = { .glob = glob, .text = text, .user = user,
		.stop = stop, .star = NOWHERE, .deep = NOWHERE };

	while (m.g < glob.n || m.t < text.n)
		if (!glob_step(&m) && !glob_back(&m))
			return false;
	return true;
}

/* ---- references ---- */

struct reference reference_split(struct slice text)
{
	struct reference r = { .digest = text };
	const char *slash, *colon;

	r.name = slice_cut(&r.digest, '@');
	slash = memrchr(r.name.p, '/', r.name.n);
	slash = slash != NULL ? slash : r.name.p;
	colon = r.name.n > 0 ? memchr(slash, ':',
	    r.name.n - (size_t)(slash - r.name.p)) : NULL;
	if (colon != NULL) {
		r.tag.p = colon + 1;
		r.tag.n = r.name.n - (size_t)(r.tag.p - r.name.p);
		r.name.n -= r.tag.n + 1;
	}
	return r;
}

/* A tag in front of a digest means nothing: the Engine goes by the digest. */
bool reference_match(const struct item *i, struct slice text,
    struct slice user)
{
	struct reference r = reference_split(text);

	if (i->all || !glob_match(i->key, r.name, user, "/"))
		return false;
	if (i->digest.n > 0)
		return slice_equal(i->digest, r.digest);
	if (slice_is(i->glob, "*"))
		return true;
	return r.digest.n == 0 && r.tag.n > 0 &&
	    glob_match(i->glob, r.tag, user, "/");
}

/* ---- paths ---- */

bool path_below(struct slice path, struct slice dir)
{
	if (slice_is(dir, "/"))
		return path.n > 0 && path.p[0] == '/';
	return slice_starts(path, dir) &&
	    (path.n == dir.n || path.p[dir.n] == '/');
}

bool path_sound(struct slice path)
{
	if (path.n == 0 || path.p[0] != '/')
		return false;
	for (slice_cut(&path, '/'); path.n > 0;) {
		struct slice part = slice_cut(&path, '/');

		if (slice_is(part, ".") || slice_is(part, ".."))
			return false;
	}
	return true;
}

/* ---- what is fetched from elsewhere ---- */

/* "https://" and the host stand before the first slash behind them. */
static size_t authority_end(struct slice s)
{
	const char *scheme = memmem(s.p, s.n, "://", 3);
	size_t i = scheme != NULL ? (size_t)(scheme - s.p) + 3 : 0;

	while (i < s.n && s.p[i] != '/')
		i++;
	return i;
}

/* Ways to mean another path than the text shows. */
static bool remote_devious(struct slice s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '.' && s.p[i + 1] == '.')
			return true;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' || s.p[i] == '\\' ||
		    (unsigned char)s.p[i] <= ' ')
			return true;
	return false;
}

/* In the host a `*' is no more than names: whatever ends it early or puts
 * another before it has to be in the pattern. */
bool remote_match(struct slice glob, struct slice text, struct slice user)
{
	size_t g = authority_end(glob), t = authority_end(text);
	struct slice host = { glob.p, g };

	if (slice_is(glob, "**"))
		return true;
	if (remote_devious(text))
		return false;
	if (g == glob.n && g >= 2 && memcmp(glob.p + g - 2, "**", 2) == 0 &&
	    glob_match(host, (struct slice){ text.p, t }, user, "/@:?#"))
		return true;
	return glob_match(host, (struct slice){ text.p, t }, user, "/@:?#") &&
	    glob_match((struct slice){ glob.p + g, glob.n - g },
	    (struct slice){ text.p + t, text.n - t }, user, "/");
}

/* ---- commands ---- */

bool command_match(const struct item *i, const struct slice *args, size_t n)
{
	if (n < i->nargs || (n > i->nargs && !i->all))
		return false;
	for (size_t k = 0; k < i->nargs; k++)
		if (!glob_match(i->args[k], args[k], SLICE_NONE, ""))
			return false;
	return true;
}
