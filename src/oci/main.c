/*
 * main.c: dockbroker-oci, in the place of runc.  Whatever does not start a
 * container goes to runc at once.  What does is compared with its record, its
 * mounts are made harmless, then runc is executed; or the user is told why not.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "dockbroker/proc.h"
#include "oci/oci.h"

#define NAME		"dockbroker-oci"
#define ARENA		(4UL << 20)	/* a record and all paths made from it */
#define REASON		2000		/* bytes that are told of one */
#define EXIT_USAGE	64

struct guard {
	struct args args;
	struct config conf;
	struct arena arena;
	struct guard_record record;	/* uid UINT32_MAX, no user: there is none */
	struct spec spec;
	char bundle[PATH_MAX];
	bool untouched;			/* the spec stays as it is */
	struct buf err;
};

/* Our own failures are refusals here: nothing is started. */
static int failed(struct guard *g, int r)
{
	if (r < 0)
		buf_addf(&g->err, "not started: %s", strerror(-r));
	return r ? GUARD_BAD : GUARD_GOOD;
}

/* ---- with a record ---- */

static int mounts(struct guard *g, const struct runs_as *as)
{
	const struct config *c = &g->conf;
	const struct guard_record *r = &g->record;
	struct slice audit = slice_from(c->audit_log), *paths;
	const struct slice dirs[] = {
		r->engine_root, r->bind_dir, slice_from(c->bind_dir),
		slice_from(c->state_dir), slice_from(c->run_dir),
		{ audit.p, (size_t)(strrchr(audit.p, '/') - audit.p) }
	};
	const struct guard_deny deny = { dirs, countof(dirs) };
	bool binds = false;
	int e;

	for (size_t i = 0; i < r->nmounts; i++)
		binds |= r->mounts[i].kind == GUARD_BIND;
	paths = arena_alloc(&g->arena, (r->nmounts + 1) * sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	e = place_enter(&g->err);
	if (e == 0)
		e = place_nodev(g->spec.rootfs.p, &g->err);
	if (e == 0 && binds)
		e = setup_check(r->bind_dir.p, &g->err);
	if (e == 0 && binds)
		e = place_binds(r, as, &deny, &g->arena, paths, &g->err);
	return e ? e : spec_settle(&g->spec, r, paths);
}

static int recorded_start(struct guard *g)
{
	struct runs_as as;
	int r;

	if (g->args.restore) {
		buf_addz(&g->err, "a checkpoint is not what was allowed");
		return GUARD_BAD;
	}
	r = spec_compare(&g->spec, &g->record, &look_machine, &g->arena,
	    &as, &g->err);
	return r ? r : mounts(g, &as);
}

/* ---- without ---- */

static int unrecorded_start(struct guard *g)
{
	const char *conf = g->conf.unrecorded;
	bool build = g->args.called == CALLED_BUILD || spec_of_user(&g->spec);
	int r;

	if (g->args.called == CALLED_STRICT ||
	    (!build && !strcmp(conf, "refuse"))) {
		buf_addz(&g->err, "there is no record of this container: it was "
		    "not made by dockbrokerd, or with an earlier state of it; "
		    "make it anew");
		return GUARD_BAD;
	}
	g->untouched = !build && !strcmp(conf, "pass");
	if (g->untouched)
		return GUARD_GOOD;
	r = place_enter(&g->err);
	if (r == 0)
		r = place_nodev(g->spec.rootfs.p, &g->err);
	return r ? r : spec_deaden(&g->spec);
}

/* ---- both ---- */

static int start(struct guard *g)
{
	int r, known;

	r = daemon_conf(g->args.conf, &g->conf, &g->err);
	if (r)
		return GUARD_BAD;
	known = record_load(&g->conf, g->args.id, &g->arena, &g->record,
	    &g->err);
	if (known == LOAD_BAD)
		return GUARD_BAD;
	if (!realpath(g->args.bundle, g->bundle))
		return failed(g, -errno);
	r = spec_read(g->bundle, &g->arena, &g->spec, &g->err);
	if (r == 0)
		r = known == LOAD_GOOD ? recorded_start(g) : unrecorded_start(g);
	if (r == 0 && !g->untouched)
		r = spec_replace(&g->spec, &g->err);
	return failed(g, r);
}

static int setup(struct guard *g)
{
	int r = daemon_conf(g->args.conf, &g->conf, &g->err);

	if (r == 0)
		r = g->args.undo ? setup_undo(g->conf.bind_dir, &g->err) :
		    setup_make(g->conf.bind_dir, &g->err);
	if (failed(g, r) == GUARD_GOOD)
		return 0;
	daemon_faults(&g->err);
	return 1;
}

static int usage(FILE *f, int code)
{
	fputs("usage: " NAME " [-c FILE] VERB ...\n"
	    "       " NAME " [-c FILE] setup [--undo]\n"
	    "       " NAME " -h | -V\n\n"
	    "The Engine executes it in the place of runc: see " NAME "(8).\n", f);
	return code;
}

static int refused(struct guard *g)
{
	struct slice why = buf_slice(&g->err);

	if (!buf_ok(&g->err) || !why.n)
		why = SLICE("not started: there is no memory");
	why = slice_cut(&why, '\n');
	if (why.n > REASON)
		why.n = REASON;
	report(&g->args, &g->conf, &g->record, why);
	return 1;
}

int main(int argc, char **argv)
{
	static struct guard g;
	_cleanup_(buf_free) struct buf faults = BUF(65536);

	daemon_fds();
	log_open(NAME, LOG_INFO, false);
	config_defaults(&g.conf);
	arena_init(&g.arena, ARENA);
	g.err = BUF(65536);
	g.record.uid = UINT32_MAX;
	g.record.user = SLICE("");
	switch (args_parse(argc, argv, &g.args, &g.err)) {
	case ARGS_HELP:
		return usage(stdout, 0);
	case ARGS_VERSION:
		puts(NAME " " PACKAGE_VERSION);
		return 0;
	case ARGS_SETUP:
		return setup(&g);
	case ARGS_RUNC:		/* with broken settings too: it must be stopped */
		if (daemon_conf(g.args.conf, &g.conf, &faults) != CONFIG_GOOD)
			config_defaults(&g.conf);
		break;
	case ARGS_MAKES:
		if (start(&g) != GUARD_GOOD)
			return refused(&g);
		break;
	default:
		(void)refused(&g);
		return EXIT_USAGE;
	}
	runc_exec(g.conf.runc, g.args.runc, &g.err);
	return refused(&g);
}
