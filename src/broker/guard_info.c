/*
 * guard_info.c: what the Engine says of itself in /info: the driver of control
 * groups, and whether the guard can work with it.  Asked when an Engine comes,
 * so that no create waits for it, and again when an answer was lost.  The log is
 * told what cannot work, once for each state of things.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/guard.h"

/* What the log is told of. */
enum told {
	TOLD_SOMETHING = 1, TOLD_NONE = 2, TOLD_MISSING = 4, TOLD_ROOTLESS = 8,
	TOLD_PODMAN = 16, TOLD_USERNS = 32, TOLD_BUILDS = 64, TOLD_ROOT = 128
};

/* A name that answer_text cannot ask for, in a list: as the text of it. */
static bool says(struct slice body, const char *text)
{
	return memmem(body.p, body.n, text, strlen(text)) != NULL;
}

/* Is the Engine's path for the runtime told?  Of one with a shim there is none. */
static bool registered(struct broker *b, struct slice body, struct arena *a)
{
	_cleanup_(buf_free) struct buf path = BUF(512);
	struct slice text;

	buf_addf(&path, "Runtimes.%s.path", b->conf.guard_runtime);
	if (!answer_text(body, a, &text, buf_text(&path)) || !text.n)
		return false;
	if (text.n < sizeof(b->info.path))
		snprintf(b->info.path, sizeof(b->info.path), "%.*s", SLICE_ARG(text));
	return true;
}

static unsigned findings(struct broker *b, struct slice body, struct arena *a)
{
	_cleanup_(buf_free) struct buf name = BUF(512);
	struct slice text;
	unsigned n = TOLD_SOMETHING;

	if (!strcmp(b->conf.guard_runtime, "none"))
		return n | TOLD_NONE;
	if (!registered(b, body, a))
		n |= TOLD_MISSING;
	if (!b->info.root[0])
		n |= TOLD_ROOT;
	if (says(body, "\"name=rootless") || says(body, "\"Rootless\":true"))
		n |= TOLD_ROOTLESS;
	if (answer_text(body, a, &text, "BuildahVersion"))
		n |= TOLD_PODMAN;
	if (says(body, "\"name=userns"))
		n |= TOLD_USERNS;
	buf_addf(&name, "%s-default", b->conf.guard_runtime);
	if (strcmp(b->info.runtime, buf_text(&name)) != 0 &&
	    strcmp(b->info.runtime, b->conf.guard_runtime) != 0)
		n |= TOLD_BUILDS;
	return n;
}

static void tell_missing(const struct broker *b)
{
	log_error("the Engine has no runtime \"%s\": containers of users cannot be"
	    " made until it has; put \"runtimes\": {\"%s\": {\"path\":"
	    " \"/usr/libexec/dockbroker/dockbroker-oci\"}} into"
	    " /etc/docker/daemon.json and reload docker, or set guard-runtime to none",
	    b->conf.guard_runtime, b->conf.guard_runtime);
}

static void tell(struct broker *b, unsigned now)
{
	_cleanup_(buf_free) struct buf why = BUF(1024);

	if (now == b->info.told)
		return;
	b->info.told = now;
	if (now & TOLD_NONE)
		log_warn("guard-runtime is none: containers run without the guard, and"
		    " nobody may bind paths of the host");
	if (now & TOLD_MISSING && !(now & TOLD_PODMAN))
		tell_missing(b);
	if (now & TOLD_ROOT)
		log_error("the Engine does not say where its files are: no container can"
		    " have the guard");
	if (!(now & TOLD_NONE) && bind_dir_lacks(b, &why))
		log_error("%s", buf_text(&why));
	if (now & TOLD_ROOTLESS)
		log_error("the Engine is rootless: the guard cannot mount what belongs to"
		    " users there, and binds will not start; dockbroker is for an Engine"
		    " of root's");
	if (now & TOLD_PODMAN)
		log_error("the Engine is Podman, which takes no runtime for one container:"
		    " the guard cannot be in front, and users cannot make containers;"
		    " set guard-runtime to none, then they can, without binds");
	else if (now & TOLD_BUILDS)
		log_warn("the Engine's default runtime is \"%s\", not \"%s-default\": device"
		    " nodes in images are alive while images are built from them",
		    b->info.runtime, b->conf.guard_runtime);
	if (now & TOLD_USERNS)
		log_info("the Engine remaps user ids: binds are mapped to its range");
	else if (!(now & (TOLD_NONE | TOLD_PODMAN | TOLD_ROOTLESS)))
		log_warn("the Engine does not remap user ids: who may run containers and has a"
		    " shell on this host can hand an open directory to a container's root,"
		    " which is the host's, and become it; set userns-remap in"
		    " /etc/docker/daemon.json where users are not trusted that far");
}

void info_read(struct broker *b, struct slice body)
{
	struct info *i = &b->info;
	struct slice text;
	struct arena a;

	arena_init(&a, BOUND_ANSWER);
	i->driver = CGROUP_NONE;
	i->root[0] = i->runtime[0] = i->path[0] = 0;
	if (answer_text(body, &a, &text, "CgroupDriver"))
		i->driver = slice_is(text, "systemd") ? CGROUP_SYSTEMD :
		    slice_is(text, "cgroupfs") ? CGROUP_CGROUPFS : CGROUP_NONE;
	if (answer_text(body, &a, &text, "DockerRootDir") && text.n < sizeof(i->root))
		snprintf(i->root, sizeof(i->root), "%.*s", SLICE_ARG(text));
	if (answer_text(body, &a, &text, "DefaultRuntime") && text.n < sizeof(i->runtime))
		snprintf(i->runtime, sizeof(i->runtime), "%.*s", SLICE_ARG(text));
	i->known = true;
	tell(b, findings(b, body, &a));
	arena_free(&a);
}

bool info_good(const struct broker *b)
{
	return !b->info.known ||
	    (b->info.told & TOLD_NONE) || !(b->info.told & (TOLD_MISSING |
	    TOLD_ROOT | TOLD_ROOTLESS | TOLD_PODMAN));
}

bool info_remapped(const struct broker *b)
{
	return b->info.told & TOLD_USERNS;
}

bool bind_dir_lacks(const struct broker *b, struct buf *why)
{
	struct stat st;

	if (stat(b->conf.bind_dir, &st) == 0 || errno != ENOENT)
		return false;	/* whether it is a good one the guard sees */
	buf_addf(why, "the directory %s, which the Engine takes for the source of binds, is"
	    " missing; nothing was done.  The administrator makes it with `dockbroker-oci"
	    " setup'", b->conf.bind_dir);
	return true;
}

bool info_lacks(const struct broker *b, struct buf *why)
{
	unsigned told = b->info.told;

	if (told & TOLD_PODMAN)
		buf_addz(why, "the Engine is Podman, which takes no runtime for one container,"
		    " so that the guard cannot be in front of it; nothing was done.  The"
		    " administrator can set guard-runtime to none: then there are no binds");
	else if (told & TOLD_ROOTLESS)
		buf_addz(why, "the Docker Engine is rootless, so that the guard cannot work;"
		    " nothing was done.  The administrator can set guard-runtime to none:"
		    " then there are no binds");
	else if (told & TOLD_MISSING)
		buf_addf(why, "the Docker Engine has no runtime \"%s\", so that the guard"
		    " cannot be in front of containers; nothing was done.  The administrator"
		    " adds it to /etc/docker/daemon.json, see dockbroker-oci(8), or sets"
		    " guard-runtime to none", b->conf.guard_runtime);
	else if (told & TOLD_ROOT)
		buf_addz(why, "the Docker Engine does not say where its files are, so that"
		    " the guard cannot be in front of containers; nothing was done");
	return why->len > 0;
}

void info_status(const struct broker *b, struct buf *out)
{
	const struct info *i = &b->info;
	const char *none = "none";

	buf_addz(out, ",\"guard\":");
	buf_add_json_string(out, !strcmp(b->conf.guard_runtime, none) ? slice_from(none) :
	    !i->known ? SLICE("unknown") : info_good(b) ? SLICE("good") :
	    SLICE("missing"));
	buf_addz(out, ",\"guard_runtime\":");
	buf_add_json_string(out, slice_from(b->conf.guard_runtime));
	buf_addz(out, ",\"guard_path\":");
	buf_add_json_string(out, slice_from(i->path));
	buf_addz(out, ",\"default_runtime\":");
	buf_add_json_string(out, slice_from(i->runtime));
	buf_addf(out, ",\"rootless\":%s,\"podman\":%s,\"userns_remap\":%s",
	    i->told & TOLD_ROOTLESS ? "true" : "false",
	    i->told & TOLD_PODMAN ? "true" : "false",
	    i->told & TOLD_USERNS ? "true" : "false");
}

static void info_done(void *arg, unsigned status, struct slice body)
{
	struct broker *b = arg;

	b->info.ask = NULL;
	if (status == 200)
		info_read(b, body);
	if (b->info.known)
		guard_known(b);
	waiters_wake(&b->info.waiters);
}

static bool info_ask(struct broker *b)
{
	static const struct ask_ops ops = { NULL, info_done };

	if (!b->info.ask)
		b->info.ask = ask_start(b, METHOD_GET, SLICE("/info"), SLICE_NONE,
		    BOUND_ANSWER, BOUND_ENGINE_CONNECT, &ops, b);
	return b->info.ask != NULL;
}

void info_forget(struct broker *b)
{
	b->info.known = false;
	info_stop(b);
	(void)!info_ask(b);
}

void info_stop(struct broker *b)
{
	if (b->info.ask)
		ask_cancel(b->info.ask);
	b->info.ask = NULL;
}

int info_look(struct client *c)
{
	struct broker *b = c->broker;

	if (b->info.known)
		return OWN_GOOD;
	if (!info_ask(b)) {
		client_error(c, 503, "dockbroker: the Docker Engine is not running;"
		    " nothing was done");
		return OWN_ANSWERED;
	}
	node_remove(&c->waiter.node);
	node_append(&b->info.waiters, &c->waiter.node);
	return OWN_WAIT;
}
