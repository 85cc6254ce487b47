/*
 * path.c: which paths of the host lie in which.  By text alone: whoever opens
 * them asks again for what they lead to.
 */
#include "guard/guard_int.h"

bool path_clean(struct slice s)
{
	struct slice rest;

	if (!s.n || s.p[0] != '/' || s.n > GUARD_TEXT)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	}
	if (s.n > 1 && s.p[s.n - 1] == '/')
		return false;
	rest = (struct slice){ s.p + 1, s.n - 1 };
	while (rest.n) {
		struct slice part = slice_cut(&rest, '/');

		if (!part.n || slice_is(part, ".") || slice_is(part, ".."))
			return false;
	}
	return true;
}

bool id_full(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return s.n == 64;
}

bool word_in(struct slice word, const char *words)
{
	struct slice rest = slice_from(words);

	while (rest.n)
		if (slice_equal(slice_cut(&rest, ' '), word))
			return true;
	return false;
}

bool guard_within(struct slice path, struct slice within)
{
	if (slice_is(within, "/"))
		return path.n && path.p[0] == '/';
	return within.n && slice_starts(path, within) &&
	    (path.n == within.n || path.p[within.n] == '/');
}

bool guard_denied(struct slice path, const struct slice *deny, size_t ndeny)
{
	static const struct slice always[] = {
		{ "/proc", 5 }, { "/sys", 4 }, { "/dev", 4 }, { "/run", 4 },
		{ "/var/run", 8 }
	};

	for (size_t i = 0; i < countof(always); i++) {
		if (guard_within(path, always[i]))
			return true;
	}
	for (size_t i = 0; i < ndeny; i++) {
		if (guard_within(path, deny[i]))
			return true;
	}
	return false;
}

bool guard_path(const char *state_dir, struct slice id, struct buf *out)
{
	if (!id_full(id))
		return false;
	buf_addz(out, state_dir);
	buf_addz(out, "/containers/");
	buf_adds(out, id);
	return buf_ok(out);
}
