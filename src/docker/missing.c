/*
 * missing.c: what the Engine says of an object that it does not have, measured
 * on 20.10.24, 26.1.5 and 28.5.2.  What is somebody else's is answered the same
 * way, so that nobody can tell the two apart; tests/missing.bats compares it
 * with a real Engine.
 *
 * Where the Engine notices late (a network at start, an image in a push after
 * the head of the answer) we answer at once.  A create never gets 404 for
 * anything but its image: docker run would take it for that and pull.
 */
#include <string.h>

#include "docker/names.h"

#define MINOR_20_10	41	/* texts changed after it */
#define MINOR_26	45
#define MINOR_28	48

static bool older(unsigned engine_minor, unsigned than)
{
	return engine_minor > 0 && engine_minor < than;
}

void name_missing(enum object_kind k, struct slice s, struct refusal *why)
{
	static const char *const says[][2] = {
		[OBJECT_CONTAINER] = { "No such container: ", "" },
		[OBJECT_EXEC] = { "No such exec instance: ", "" },
		[OBJECT_IMAGE] = { "No such image: ", "" },
		[OBJECT_NETWORK] = { "network ", " not found" },
		[OBJECT_VOLUME] = { "get ", ": no such volume" },
		[OBJECT_PLUGIN] = { "plugin \"", "\" not found" },
		[OBJECT_SERVICE] = { "service ", " not found" },
		[OBJECT_TASK] = { "task ", " not found" },
		[OBJECT_NODE] = { "node ", " not found" },
		[OBJECT_SECRET] = { "secret ", " not found" },
		[OBJECT_CONFIG] = { "config ", " not found" }
	};

	if ((size_t)k >= countof(says) || !says[k][0])
		refusal_set(why, 404, "page not found");
	else
		refusal_set(why, 404, "%s%.*s%s", says[k][0], SLICE_ARG(s),
		    says[k][1]);
}

/* ---- images ---- */

/* "nosuch:latest", "r.io/a@sha256:..", "sha256:.." as the Engine shows them. */
static void image_shown(struct slice name, bool tagged, struct buf *out)
{
	_cleanup_(buf_free) struct buf canon = BUF(BOUND_OBJECT_NAME + 32);

	if (reference_is_id(name)) {
		buf_addz(out, name.n == 64 ? "sha256:" : "");
		buf_adds(out, name);
	} else if (reference_canon_name(name, tagged, &canon)) {
		reference_familiar(buf_slice(&canon), out);
	} else {
		buf_adds(out, name);
	}
}

static void save_missing(struct slice name, struct refusal *why)
{
	_cleanup_(buf_free) struct buf shown = BUF(BOUND_OBJECT_NAME + 32);
	struct slice repo = name;

	if (!reference_is_id(name) && reference_cut(&repo).n > 0) {
		refusal_set(why, 404, "reference does not exist");
		return;
	}
	image_shown(name, false, &shown);
	refusal_set(why, 404, "No such image: %s", buf_text(&shown));
}

static void image_missing(const struct facts *f, const struct ref *r,
    unsigned engine_minor, struct refusal *why)
{
	_cleanup_(buf_free) struct buf shown = BUF(BOUND_OBJECT_NAME + 32);
	struct slice repo = r->name;

	switch (f->endpoint->id) {
	case EP_IMAGE_SAVE:
	case EP_IMAGE_SAVE_ONE:
		save_missing(r->name, why);
		return;
	case EP_IMAGE_PUSH:
		reference_cut(&repo);
		image_shown(repo, false, &shown);
		refusal_set(why, 404, "An image does not exist locally with "
		    "the tag: %s", buf_text(&shown));
		return;
	default:
		break;
	}
	image_shown(r->name, true, &shown);
	if (f->endpoint->id == EP_IMAGE_INSPECT &&
	    older(engine_minor, MINOR_20_10 + 1))
		refusal_set(why, 404, "no such image: %.*s: No such image: %s",
		    SLICE_ARG(r->name), buf_text(&shown));
	else
		refusal_set(why, 404, "No such image: %s", buf_text(&shown));
}

/* ---- containers ---- */

static const char *plural_says(unsigned engine_minor)
{
	return older(engine_minor, MINOR_26) ?
	    "Multiple IDs found with provided prefix: " :
	    "multiple IDs found with provided prefix: ";
}

/* What stands before "No such container". */
static const char *container_before(const struct facts *f, const struct ref *r,
    unsigned engine_minor)
{
	if (f->endpoint->id == EP_IMAGE_BUILD && !older(engine_minor, MINOR_28))
		return "joining network namespace of container: ";
	if (f->endpoint->id == EP_CONTAINER_CREATE &&
	    slice_starts(r->path, SLICE("HostConfig.Links")))
		return "could not get container for ";
	return "";
}

static void container_missing(const struct facts *f, const struct ref *r,
    unsigned engine_minor, struct refusal *why)
{
	bool old = older(engine_minor, MINOR_26), many = r->state == REF_MANY;
	const char *before = container_before(f, r, engine_minor);
	const char *says = many ? plural_says(engine_minor) :
	    "No such container: ";
	unsigned status = !many ? 404 : old ? 500 : 400;

	switch (f->endpoint->id) {
	case EP_CONTAINER_KILL:
		refusal_set(why, status, "%s kill container: %.*s: %s%.*s",
		    old ? "Cannot" : "cannot", SLICE_ARG(r->name), says,
		    SLICE_ARG(r->name));
		return;
	case EP_CONTAINER_LIST:		/* before and since look no further */
		if (old)
			refusal_set(why, 500, "no such container %.*s",
			    SLICE_ARG(r->name));
		else
			name_missing(OBJECT_CONTAINER, r->name, why);
		return;
	case EP_CONTAINER_CREATE:
		status = 400;
		break;
	default:
		break;
	}
	if (*before == 'c')
		refusal_set(why, status, "%s%.*s: %s%.*s", before,
		    SLICE_ARG(r->name), says, SLICE_ARG(r->name));
	else
		refusal_set(why, status, "%s%s%.*s", before, says,
		    SLICE_ARG(r->name));
}

/* ---- networks and volumes ---- */

static void network_missing(const struct facts *f, const struct ref *r,
    unsigned engine_minor, struct refusal *why)
{
	bool late = f->endpoint->id == EP_CONTAINER_CREATE ||
	    f->endpoint->id == EP_IMAGE_BUILD;
	const char *before = late && !older(engine_minor, MINOR_28) ?
	    "failed to set up container networking: " : "";
	unsigned status = f->endpoint->id == EP_CONTAINER_CREATE ? 400 : 404;

	if (r->state == REF_MANY)
		refusal_set(why, 400, "%snetwork %.*s is ambiguous (matches "
		    "found based on ID prefix)", before, SLICE_ARG(r->name));
	else
		refusal_set(why, status, "%snetwork %.*s not found", before,
		    SLICE_ARG(r->name));
}

static void volume_missing(const struct facts *f, const struct ref *r,
    struct refusal *why)
{
	if (f->endpoint->id == EP_VOLUME_REMOVE &&
	    slice_is(query_text(f, "force"), "1"))
		refusal_set(why, 204, "%s", "");
	else
		name_missing(OBJECT_VOLUME, r->name, why);
}

void object_missing(const struct facts *f, const struct ref *r,
    unsigned engine_minor, struct refusal *why)
{
	switch (r->kind) {
	case OBJECT_IMAGE:
		image_missing(f, r, engine_minor, why);
		break;
	case OBJECT_CONTAINER:
		container_missing(f, r, engine_minor, why);
		break;
	case OBJECT_NETWORK:
		network_missing(f, r, engine_minor, why);
		break;
	case OBJECT_VOLUME:
		volume_missing(f, r, why);
		break;
	default:
		name_missing(r->kind, r->name, why);
		break;
	}
}
