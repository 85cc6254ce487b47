/*
 * daemon.c: what all our daemons begin with: standard descriptors, options,
 * settings.  Messages about settings go to stderr as they are, with their
 * lines and carets; a log line would escape them.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dockbroker/proc.h"

#define CONFIG_FILE	SYSCONFDIR "/dockbroker/dockbroker.conf"
#define CONFIG_MAX	(1024 * 1024)	/* bytes of dockbroker.conf */
#define EXIT_USAGE	64

void daemon_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void usage(FILE *f, const char *name, const char *about)
{
	fprintf(f, "usage: %s [-c FILE] [-d]\n\n%s\n"
	    "  -c, --config FILE  settings (default " CONFIG_FILE ")\n"
	    "  -d, --debug        write debug lines to the log\n"
	    "  -h, --help         this text\n"
	    "  -V, --version      the version\n\nSee %s(8).\n", name, about, name);
}

void daemon_options(int argc, char **argv, const char *name, const char *about,
    struct daemon_options *out)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int o;

	while ((o = getopt_long(argc, argv, "c:dhV", longs, NULL)) != -1)
		switch (o) {
		case 'c':
			out->conf = optarg;
			break;
		case 'd':
			out->debug = true;
			break;
		case 'h':
			usage(stdout, name, about);
			exit(0);
		case 'V':
			printf("%s " PACKAGE_VERSION "\n", name);
			exit(0);
		default:
			usage(stderr, name, about);
			exit(EXIT_USAGE);
		}
	if (optind < argc) {
		usage(stderr, name, about);
		exit(EXIT_USAGE);
	}
}

int daemon_conf(const char *named, struct config *c, struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(CONFIG_MAX);
	const char *path = named ? named : CONFIG_FILE;
	int r;

	config_defaults(c);
	r = file_read(path, true, &text, err);
	if (r == FILE_MISSING && !named) {
		buf_reset(err);
		return CONFIG_GOOD;
	}
	if (r == FILE_GOOD)
		r = config_parse(c, path, buf_slice(&text), err);
	if (r < 0)
		buf_addf(err, "%s: %s", path, strerror(-r));
	return r == 0 ? CONFIG_GOOD : CONFIG_BAD;
}

void daemon_faults(struct buf *err)
{
	const char *text = buf_text(err);
	size_t n = strlen(text);

	fprintf(stderr, "%s%s", text, n && text[n - 1] == '\n' ? "" : "\n");
}
