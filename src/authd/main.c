/*
 * main.c: dockbroker-authd, who is who and who may, for dockbrokerd.  Reads
 * its configuration, opens its socket, gives up every privilege but the four
 * that PAM modules need, and serves until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/authd.h"

struct authd {
	struct daemon_options options;
	struct config config[2];	/* the one in use, and the next */
	unsigned current;
	char socket[sizeof(((struct config *)0)->run_dir) + 16];
	struct loop *loop;
	struct serve *serve;
};

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

	if (daemon_conf(a->options.conf, next, &err) != CONFIG_GOOD) {
		daemon_faults(&err);
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

	daemon_fds();
	daemon_options(argc, argv, "dockbroker-authd", "Asks NSS and PAM for the"
	    " broker.  SIGHUP reloads the settings, SIGTERM\nends it.\n", &a.options);
	log_open("dockbroker-authd", LOG_INFO, getenv("JOURNAL_STREAM"));
	if (daemon_conf(a.options.conf, &a.config[0], &err) != CONFIG_GOOD) {
		daemon_faults(&err);
		fatal("not started: the configuration has faults");
	}
	if (a.options.debug || a.config[0].debug)
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
