/*
 * spec.c: the bundle's config.json.  The Engine writes it, so its form can be
 * trusted, what it asks cannot: it comes from a request that dockbrokerd judged,
 * and spec_compare looks whether the Engine understood that request as we did.
 * Whatever is not known here is refused by its name.
 *
 * Go has 64 bits without a sign for limits; jansson has none: numbers of 20
 * digits are strings in our tree, and only in rlimits they become numbers again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guard/spec_int.h"

#define LARGE	20	/* digits that no int64 has */

/* ---- looking at it ---- */

int differs(struct compare *c, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_addf(c->err, "the spec %s", text);
	return GUARD_BAD;
}

int keys_known(struct compare *c, const json_t *o, const char *what,
    const char *words)
{
	json_t *v;
	const char *key;

	if (o && !json_is_object(o))
		return differs(c, "has something else than an object for %s",
		    what);
	json_object_foreach((json_t *)o, key, v) {
		if (!word_in(slice_from(key), words) && !json_is_null(v))
			return differs(c, "has %s.%s, which is not known",
			    what, key);
	}
	return GUARD_GOOD;
}

/* ---- reading ---- */

static void quote_large(struct slice in, struct buf *out)
{
	const char *p = in.p, *from = p, *end = p + in.n;
	bool quoted = false;

	while (p < end) {
		size_t n = 0;

		while (!quoted && p + n < end && p[n] >= '0' && p[n] <= '9')
			n++;
		if (n >= LARGE) {
			buf_add(out, from, (size_t)(p - from));
			buf_addf(out, "\"%.*s\"", (int)n, p);
			from = p + n;
		}
		if (n == 0) {
			quoted ^= *p == '"';
			n = quoted && *p == '\\' && p + 1 < end ? 2 : 1;
		}
		p += n;
	}
	buf_add(out, from, (size_t)(end - from));
}

/* Absolute and without parts that lead elsewhere; Docker writes it so. */
static bool rootfs_find(struct spec *s, struct arena *a)
{
	struct slice path = text_in(member(s->root, "root"), "path"), rest;

	if (!path.n)
		return false;
	s->rootfs = path.p[0] == '/' ? arena_copy(a, path) :
	    arena_format(a, "%s/%s", s->bundle, path.p);
	for (rest = path; rest.n; ) {
		struct slice part = slice_cut(&rest, '/');

		if (slice_is(part, "..") || slice_is(part, "."))
			return false;
	}
	return s->rootfs.p != NULL;
}

int spec_parse(struct slice text, const char *bundle, struct arena *a,
    struct spec *out, struct buf *err)
{
	_cleanup_(buf_free) struct buf good = BUF(BOUND_SPEC * 2);
	int r;

	*out = (struct spec){ .bundle = bundle };
	quote_large(text, &good);
	if (!buf_ok(&good))
		return -ENOMEM;
	r = json_parse(buf_slice(&good), &out->root, err);
	if (r)
		return r < 0 ? r : GUARD_BAD;
	out->process = member(out->root, "process");
	out->os = member(out->root, "linux");
	out->mounts = member(out->root, "mounts");
	if (json_is_object(out->process) && json_is_object(out->os) &&
	    json_is_array(out->mounts) && rootfs_find(out, a))
		return GUARD_GOOD;
	buf_addz(err, "the spec has no process, linux, mounts or root of its own");
	spec_free(out);
	return GUARD_BAD;
}

void spec_free(struct spec *s)
{
	json_decref(s->root);
	*s = (struct spec){ NULL };
}

/* ---- comparing ---- */

static int compare_root(struct compare *c)
{
	const struct guard_record *r = c->r;
	json_t *root = member(c->s->root, "root");
	struct slice bundle = slice_from(c->s->bundle);

	if (keys_known(c, root, "root", "path readonly"))
		return GUARD_BAD;
	if (!guard_within(c->s->rootfs, r->engine_root) &&
	    !guard_within(c->s->rootfs, bundle))
		return differs(c, "has its root file system at %.*s, which is "
		    "not the Engine's", SLICE_ARG(c->s->rootfs));
	if (r->read_only && !json_is_true(member(root, "readonly")))
		return differs(c, "has a writable root file system, which was "
		    "to be read-only");
	return GUARD_GOOD;
}

/* What runc itself would act on. */
static int compare_annotations(struct compare *c)
{
	json_t *v;
	const char *key;

	json_object_foreach(member(c->s->root, "annotations"), key, v) {
		struct slice k = slice_from(key);

		if (slice_starts(k, SLICE("org.systemd.")) ||
		    slice_starts(k, SLICE("org.criu.")) ||
		    slice_starts(k, SLICE("run.oci.")))
			return differs(c, "has the annotation %s, which was "
			    "not allowed", key);
	}
	return GUARD_GOOD;
}

/* "/proc/123/exe" */
static bool is_engine(struct slice path)
{
	uint64_t pid;

	if (!slice_starts(path, SLICE("/proc/")))
		return false;
	path.p += 6;
	path.n -= 6;
	return slice_number(slice_cut(&path, '/'), INT32_MAX, &pid) &&
	    slice_is(path, "exe");
}

static bool hook_known(const struct compare *c, const json_t *hook)
{
	struct slice path = text_in(hook, "path"), base = path;
	json_t *args = member(hook, "args");

	if (is_engine(path))
		return slice_is(text_of(json_array_get(args, 0)),
		    "libnetwork-setkey") && json_array_size(args) == 4 &&
		    slice_equal(text_of(json_array_get(args, 2)),
		    c->r->container);
	while (memchr(base.p, '/', base.n))
		(void)slice_cut(&base, '/');
	return c->r->gpus && path.p[0] == '/' && word_in(base,
	    "nvidia-container-runtime-hook nvidia-container-toolkit");
}

static int compare_hooks(struct compare *c)
{
	json_t *hooks = member(c->s->root, "hooks"), *v;
	const char *kind;
	size_t i;

	if (keys_known(c, hooks, "hooks", "prestart createRuntime "
	    "createContainer startContainer poststart poststop"))
		return GUARD_BAD;
	json_object_foreach(hooks, kind, v) {
		for (i = 0; i < json_array_size(v); i++) {
			json_t *hook = json_array_get(v, i);

			if (strcmp(kind, "prestart") || !hook_known(c, hook))
				return differs(c, "has the %s hook %s, which "
				    "is not the Engine's", kind,
				    text_in(hook, "path").p);
		}
	}
	return GUARD_GOOD;
}

int spec_compare(const struct spec *s, const struct guard_record *r,
    const struct guard_look *look, struct arena *a, struct runs_as *as,
    struct buf *err)
{
	struct compare c = { s, r, look, a, false, err };
	int result;

	*as = (struct runs_as){ .uid = 0 };
	if (keys_known(&c, s->root, "spec", "ociVersion process root hostname "
	    "domainname mounts hooks annotations linux") ||
	    compare_root(&c) || compare_annotations(&c) || compare_hooks(&c) ||
	    compare_spaces(&c) || compare_process(&c, as))
		return GUARD_BAD;
	result = compare_os(&c, a, as);
	if (!result)
		result = compare_mounts(&c);
	return result ? result : compare_targets(&c);
}

bool spec_of_user(const struct spec *s)
{
	struct slice path = text_in(s->os, "cgroupsPath"), uid;
	uint64_t n;

	if (path.n && path.p[0] == '/') {
		path.p++;
		path.n--;
	}
	if (slice_starts(path, SLICE("dockbroker/")))
		return true;
	if (!slice_starts(path, SLICE("dockbroker-")))
		return false;
	path.p += sizeof("dockbroker-") - 1;
	path.n -= sizeof("dockbroker-") - 1;
	uid = slice_cut(&path, '.');
	return slice_number(uid, UINT32_MAX, &n) &&
	    slice_starts(path, SLICE("slice"));
}
