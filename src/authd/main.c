/*
 * main.c: dockbroker-authd, who is who and who may, for dockbrokerd.  Reads
 * its configuration, opens its socket, gives up every privilege but the four
 * that PAM modules need, and serves until SIGTERM.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/authd.h"
#include "config.h"

#define CONFIG_FILE	SYSCONFDIR "/dockbroker/dockbroker.conf"
#define CONFIG_MAX	(1024 * 1024)	/* bytes of dockbroker.conf */

struct authd {
	const char *path;		/* -c, or NULL */
	struct config config[2];	/* the one in use, and the next */
	unsigned current;
	char socket[sizeof(((struct config *)0)->run_dir) + 16];
	struct loop *loop;
	struct serve *serve;
};

static void usage(FILE *f)
{
	fputs("usage: dockbroker-authd [-c FILE]\n"
	    "  -c, --config FILE  instead of " CONFIG_FILE "\n"
	    "  -h, --help\n"
	    "      --version\n", f);
}

static void options(int argc, char **argv, struct authd *a)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (o) {
		case 'c':
			a->path = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		case 'V':
			puts("dockbroker-authd " PACKAGE_VERSION);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

/* Whoever may write the file is root, since it names PAM's directory; so it
 * must be root's alone.  False: err says why. */
static bool config_load(const struct authd *a, struct config *c,
    struct buf *err)
{
	_cleanup_(buf_free) struct buf text = BUF(CONFIG_MAX);
	const char *path = a->path ? a->path : CONFIG_FILE;
	int r;

	config_defaults(c);
	r = file_read(path, true, &text, err);
	if (r == FILE_MISSING && !a->path)
		return true;
	if (r == FILE_GOOD)
		r = config_parse(c, path, buf_slice(&text), err);
	else if (r < 0)
		buf_addf(err, "%s: %s", path, strerror(-r));
	return r == 0;
}

/* As they are, with their lines and carets: a log line would escape them. */
static void config_faults(struct buf *err)
{
	const char *text = buf_text(err);
	size_t n = strlen(text);

	fprintf(stderr, "%s%s", text, n && text[n - 1] == '\n' ? "" : "\n");
}

/* Descriptors 0 to 2 exist, so that no socket ever becomes one of them. */
static void standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* The socket that systemd passed, or our own, for root and the broker. */
static int listener_open(struct authd *a, uint32_t broker)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	char names[8][64];
	int first[8], fd = -1, r;
	size_t n = listen_fds(first, names, countof(first));

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "authd"))
			return first[i];
	snprintf(a->socket, sizeof(a->socket), "%s/authd.sock",
	    a->config[0].run_dir);
	r = sock_listen(a->socket, SOCK_SEQPACKET, 0600, &fd, &err);
	if (r)
		fatal("%s", r < 0 ? strerror(-r) : buf_text(&err));
	/* Where there are no ACLs the socket becomes the broker's own. */
	if (sock_allow_user(a->socket, broker) != 0 &&
	    chown(a->socket, broker, -1))
		fatal("%s: %m", a->socket);
	return fd;
}

static void reload(struct authd *a)
{
	_cleanup_(buf_free) struct buf err = BUF(64 * 1024);
	struct config *next = &a->config[!a->current];

	if (!config_load(a, next, &err)) {
		config_faults(&err);
		log_error("not reloaded: the configuration has faults");
		return;
	}
	a->current = !a->current;
	jobs_config(serve_jobs(a->serve), next);
	log_info("reloaded; run-dir and broker-user stay until a restart");
}

static void on_signal(void *arg, int signo)
{
	struct authd *a = arg;

	if (signo == SIGCHLD)
		jobs_reap(serve_jobs(a->serve));
	else if (signo == SIGHUP)
		reload(a);
	else
		loop_stop(a->loop, 0);
}

int main(int argc, char **argv)
{
	static struct authd a;
	_cleanup_(buf_free) struct buf err = BUF(64 * 1024);
	uint32_t uid, gid;
	int fd, r;

	standard_fds();
	options(argc, argv, &a);
	log_open("dockbroker-authd", LOG_INFO, getenv("JOURNAL_STREAM"));
	if (!config_load(&a, &a.config[0], &err)) {
		config_faults(&err);
		fatal("not started: the configuration has faults");
	}
	if (a.config[0].debug)
		log_open("dockbroker-authd", LOG_DEBUG, getenv("JOURNAL_STREAM"));
	if (geteuid() != 0)
		fatal("must be started as root");
	umask(077);
	if (chdir("/"))
		fatal("/: %m");
	limit_files();
	if (user_lookup(a.config[0].broker_user, &uid, &gid) != 0)
		fatal("broker-user %s: no such user", a.config[0].broker_user);
	fd = listener_open(&a, uid);
	r = loop_new(&a.loop);
	if (r == 0)
		r = serve_new(a.loop, fd, uid, &a.config[0], &a.serve);
	if (r == 0)
		r = loop_signals(a.loop, on_signal, &a);
	if (r < 0)
		fatal("cannot start: %s", strerror(-r));
	r = sandbox_enter(&err);
	if (r)
		fatal("privileges: %s", r < 0 ? strerror(-r) : buf_text(&err));
	log_info("ready");
	notify_send("READY=1");
	r = loop_run(a.loop);
	notify_send("STOPPING=1");
	if (a.socket[0])
		(void)unlink(a.socket);
	jobs_free(serve_jobs(a.serve));
	return r < 0 ? 1 : r;
}
