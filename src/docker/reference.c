/*
 * reference.c: names of images as the Engine reads them
 * (distribution/reference, ParseNormalizedNamed and TagNameOnly), so that one
 * image name has one spelling for rules, owners and records.  Fed by clients,
 * policies and the Engine's own answers.
 *
 * Stricter than the Engine in three ways that no real name meets: a host needs
 * a dot, a port or to be "localhost" even when it has capitals; ports have no
 * leading zeros; the length is that of the full name in all versions.
 */
#include <string.h>

#include "docker/names.h"

#define FULL_NAME_MAX	255		/* with the registry, as in 20.10 */
#define HUB		"docker.io"
#define OFFICIAL	"library/"

bool reference_is_id(struct slice text)
{
	if (slice_starts(text, SLICE("sha256:"))) {
		text.p += 7;
		text.n -= 7;
	}
	return text.n == 64 && name_is_id(text);
}

/* Cuts the registry off *name, "docker.io" where it names none. */
static struct slice host_cut(struct slice *name)
{
	const char *slash = memchr(name->p, '/', name->n);
	struct slice host;

	if (!slash)
		return SLICE(HUB);
	host = (struct slice){ name->p, (size_t)(slash - name->p) };
	if (!memchr(host.p, '.', host.n) && !memchr(host.p, ':', host.n) &&
	    !slice_is(host, "localhost"))
		return SLICE(HUB);
	name->p += host.n + 1;
	name->n -= host.n + 1;
	return slice_is(host, "index.docker.io") ? SLICE(HUB) : host;
}

bool reference_canon_name(struct slice text, bool tagged, struct buf *out)
{
	struct slice name = text, rest, host;
	const char *digest;
	bool official;

	if (reference_is_id(text)) {
		buf_adds(out, text);
		return true;
	}
	if (!reference_valid(text))
		return false;
	rest = reference_cut(&name);
	host = host_cut(&name);
	official = slice_is(host, HUB) && !memchr(name.p, '/', name.n);
	if (host.n + 1 + (official ? strlen(OFFICIAL) : 0) + name.n >
	    FULL_NAME_MAX)
		return false;
	buf_adds(out, host);
	buf_addc(out, '/');
	if (official)
		buf_addz(out, OFFICIAL);
	buf_adds(out, name);
	digest = rest.n > 0 ? memchr(rest.p, '@', rest.n) : NULL;
	if (digest)	/* with a digest the tag says nothing */
		buf_add(out, digest, (size_t)(rest.p + rest.n - digest));
	else if (rest.n > 0)
		buf_adds(out, rest);
	else if (tagged)
		buf_addz(out, ":latest");
	return true;
}

bool reference_canon(struct slice text, struct buf *out)
{
	return reference_canon_name(text, true, out);
}

void reference_familiar(struct slice canonical, struct buf *out)
{
	struct slice s = canonical;

	if (slice_starts(s, SLICE(HUB "/"))) {
		s.p += strlen(HUB "/");
		s.n -= strlen(HUB "/");
	}
	if (s.n < canonical.n && slice_starts(s, SLICE(OFFICIAL)) &&
	    !memchr(s.p + strlen(OFFICIAL), '/', s.n - strlen(OFFICIAL))) {
		s.p += strlen(OFFICIAL);
		s.n -= strlen(OFFICIAL);
	}
	buf_adds(out, s);
}
