/*
 * check.c: `dockbroker check': settings and policy, read as the daemons read
 * them, but nothing is used.  Files named by hand need not be root's: somebody
 * is writing them.
 */
#include <getopt.h>
#include <stdlib.h>

#include "cli/cli.h"
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

int check_run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "print", no_argument, NULL, 'p' },
		{ "conf", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 }
	};
	const char *conf = NULL;
	struct config c;
	bool print = false;
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (o == 'p')
			print = true;
		else if (o == 'c')
			conf = optarg;
		else
			return EXIT_USE;
	if (argc - optind > 1)
		return EXIT_USE;
	if (argc > optind)
		return check_policy(argv[optind], false, print);
	int code = check_conf(conf, &c);
	return code ? code : check_policy(c.policy, true, print);
}
