/*
 * check.c: `dockbroker check': settings and policy, read as the daemons read
 * them, but nothing is used.  Files named by hand need not be root's: somebody
 * is writing them.  `check guard' looks at this host: guard_look.c.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/guard.h"
#include "dockbroker/policy.h"

static int read_file(void *arg, const char *path, struct buf *out, struct buf *err)
{
	const bool *trusted = arg;

	return file_read(path, *trusted, out, err) == FILE_GOOD ? 0 : 1;
}

static int check_policy(const char *path, bool trusted, bool print)
{
	_cleanup_(buf_free) struct buf err = BUF(256 * 1024);
	_cleanup_(buf_free) struct buf text = BUF(BOUND_POLICY_FILE * 2);
	struct policy *p = NULL;
	int r = policy_load(path, read_file, &trusted, &p, &err);

	print_safe(stderr, buf_slice(&err));
	if (r != POLICY_GOOD)
		return EXIT_NO;
	if (print) {
		policy_print(p, &text);
		fwrite(text.p, 1, text.len, stdout);
	} else {
		printf("%s: no faults, %zu roles\n", path, policy_role_count(p));
	}
	policy_unref(p);
	return EXIT_DONE;
}

/* The settings: those named, those of the environment, the installed ones. */
static int check_conf(const char *path, struct config *c)
{
	_cleanup_(buf_free) struct buf err = BUF(256 * 1024);
	const char *env = getenv("DOCKBROKER_CONF");

	if (daemon_conf(path || !env || !*env ? path : env, c, &err) == CONFIG_GOOD)
		return EXIT_DONE;
	daemon_faults(&err);
	return EXIT_NO;
}

/* `check guard': settings first, what is wrong with them is told. */
static int check_guard(const char *conf, bool json)
{
	struct config c;
	int code = check_conf(conf, &c);

	return code ? code : guard_check(&c, json);
}

struct check_options {
	const char *conf;
	bool print, json;
};

static bool check_options(int argc, char **argv, struct check_options *out)
{
	static const struct option longs[] = {
		{ "print", no_argument, NULL, 'p' },
		{ "conf", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (o == 'p')
			out->print = true;
		else if (o == 'c')
			out->conf = optarg;
		else if (o == 'j')
			out->json = true;
		else
			return false;
	return argc - optind <= 1;
}

int check_run(int argc, char **argv)
{
	struct check_options o = { .conf = NULL };
	struct config c;

	if (!check_options(argc, argv, &o))
		return EXIT_USE;
	bool guard = argc > optind && !strcmp(argv[optind], "guard");
	if (guard ? o.print : o.json)
		return EXIT_USE;
	if (guard)
		return check_guard(o.conf, o.json);
	if (argc > optind)
		return check_policy(argv[optind], false, o.print);
	int code = check_conf(o.conf, &c);
	return code ? code : check_policy(c.policy, true, o.print);
}
