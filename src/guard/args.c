/*
 * args.c: our arguments, and of runc's only what we have to know: the verb, the
 * bundle, the container, the log.  The Engine (root) gives them.  What we would
 * read otherwise than runc is refused: then nobody knows what is started.
 */
#include <string.h>

#include "guard/guard_int.h"

/* Options of runc, before the verb and after those that start a container. */
static const char globals_valued[] = "root log log-format criu rootless";
static const char globals_plain[] = "debug systemd-cgroup";
static const char verbs_valued[] = "bundle b console-socket pid-file"
    " pidfd-socket preserve-fds image-path work-path manage-cgroups-mode"
    " empty-ns lsm-profile lsm-mount-context";
static const char verbs_plain[] = "detach d keep no-pivot no-new-keyring"
    " no-subreaper tcp-established ext-unix-sk shell-job file-locks auto-dedup"
    " lazy-pages";

struct option { struct slice name, value; bool valued; };

/* "-x", "--x", "--x=v": how Go reads it. */
static bool option_split(const char *arg, struct option *o)
{
	struct slice s = slice_from(arg);
	size_t n = s.n;

	if (s.n < 2 || s.p[0] != '-')
		return false;
	s.p += s.p[1] == '-' ? 2 : 1;
	s.n = strlen(s.p);
	n = s.n;
	o->value = s;
	o->name = slice_cut(&o->value, '=');
	o->valued = o->name.n < n;
	return true;
}

/* Takes one option off *p.  False: unknown, or its value is missing. */
static bool option_take(char ***p, const char *valued, const char *plain,
    struct option *o, struct buf *err)
{
	const char *arg = *(*p)++;

	(void)option_split(arg, o);
	if (word_in(o->name, plain))
		return true;
	if (!word_in(o->name, valued)) {
		buf_addf(err, "the argument %s is unknown", arg);
		return false;
	}
	if (!o->valued && !**p) {
		buf_addf(err, "the argument %s has no value", arg);
		return false;
	}
	if (!o->valued)
		o->value = slice_from(*(*p)++);
	return true;
}

static bool is_option(const char *arg)
{
	return arg && arg[0] == '-' && arg[1];
}

static int parse_verb(char **p, struct args *out, struct buf *err)
{
	const char *verb = *p++;
	struct option o = { 0 };
	bool ended = false;

	if (!word_in(slice_from(verb), "create run restore"))
		return ARGS_RUNC;
	out->restore = !strcmp(verb, "restore");
	while (*p) {
		if (!ended && is_option(*p)) {
			ended = !strcmp(*p, "--");
			if (ended)
				p++;
			else if (!option_take(&p, verbs_valued, verbs_plain,
			    &o, err))
				return ARGS_BAD;
			else if (word_in(o.name, "bundle b"))
				out->bundle = o.value.p;
			continue;
		}
		if (out->id) {
			buf_addf(err, "%s names more than one container", verb);
			return ARGS_BAD;
		}
		out->id = *p++;
	}
	if (out->id)
		return ARGS_MAKES;
	buf_addf(err, "%s names no container", verb);
	return ARGS_BAD;
}

static int parse_runc(char **p, struct args *out, struct buf *err)
{
	struct option o = { 0 };

	while (is_option(*p)) {
		(void)option_split(*p, &o);
		if (word_in(o.name, "help h version v"))
			return ARGS_RUNC;
		if (!option_take(&p, globals_valued, globals_plain, &o, err))
			return ARGS_BAD;
		if (slice_is(o.name, "log"))
			out->log = o.value.p;
		else if (slice_is(o.name, "log-format"))
			out->json = slice_is(o.value, "json");
	}
	return *p ? parse_verb(p, out, err) : ARGS_RUNC;
}

static enum called called_as(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (!strcmp(name, "dockbroker-oci-default"))
		return CALLED_DEFAULT;
	if (!strcmp(name, "dockbroker-oci-build"))
		return CALLED_BUILD;
	return CALLED_STRICT;
}

int args_parse(int argc, char **argv, struct args *out, struct buf *err)
{
	char **p = argv + 1;

	*out = (struct args){ .bundle = "." };
	if (argc < 1)
		return ARGS_BAD;
	out->called = called_as(argv[0]);
	if (argc > 2 && !strcmp(*p, "-c")) {
		out->conf = p[1];
		p += 2;
	}
	out->runc = p - 1;
	if (!*p || word_in(slice_from(*p), "-h --help"))
		return ARGS_HELP;
	if (!strcmp(*p, "-V"))
		return ARGS_VERSION;
	if (strcmp(*p, "setup"))
		return parse_runc(p, out, err);
	out->undo = p[1] && !strcmp(p[1], "--undo");
	if (!p[1] || (out->undo && !p[2]))
		return ARGS_SETUP;
	buf_addz(err, "usage: dockbroker-oci [-c FILE] setup [--undo]");
	return ARGS_BAD;
}
