/*
 * main.c: dockbroker-auditd, the only writer of the audit log.  Reads its
 * configuration, opens its socket and the log's directory, becomes its own user
 * without any capability, repairs the end of the log if it has to, and serves
 * the broker until SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/auditd.h"
#include "config.h"

#define NAME		"dockbroker-auditd"
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"

struct auditd {
	struct daemon_options options;
	struct config config;
	uint32_t uid, gid;		/* audit-user */
	uint32_t broker_uid;
	char socket[sizeof(((struct config *)0)->run_dir) + 16];
	struct loop *loop;
	struct server *server;
	struct writer writer;
};

/* Beyond what src/proc permits to everybody. */
static const char *const syscalls[] = {
	"fdatasync", "flock", "fstatfs", "fsync", "ftruncate",
	"uname",		/* the host's name in our own lines */
	"unlink", "unlinkat", NULL
};

/* ---- before the drop ---- */

static void config_load(struct auditd *a)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);

	if (daemon_conf(a->options.conf, &a->config, &err) == CONFIG_GOOD)
		return;
	daemon_faults(&err);
	fatal("not started: the configuration has faults");
}

static void users(struct auditd *a)
{
	const struct config *c = &a->config;
	uint32_t gid;

	if (user_lookup(c->audit_user, &a->uid, &a->gid) != 0)
		fatal("audit-user %s: no such user", c->audit_user);
	if (user_lookup(c->broker_user, &a->broker_uid, &gid) != 0)
		fatal("broker-user %s: no such user", c->broker_user);
	if (geteuid() != 0 && geteuid() != a->uid)
		fatal("must be started as root or as %s", c->audit_user);
}

/* The socket that systemd passed, or our own: ours, and for the broker. */
static int listener_open(struct auditd *a)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	const char *dir = a->config.run_dir;
	char names[8][64];
	int first[8], fd = -1, r;
	size_t n = listen_fds(first, names, countof(first));

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "auditd"))
			return first[i];
	if (mkdir(dir, 0755) == 0 && chmod(dir, 0755) < 0)
		fatal("%s: %s", dir, strerror(errno));
	snprintf(a->socket, sizeof(a->socket), "%s/auditd.sock", dir);
	r = sock_listen(a->socket, SOCK_SEQPACKET, 0600, &fd, &err);
	if (r)
		fatal("%s", r < 0 ? strerror(-r) : buf_text(&err));
	if (geteuid() == 0 && lchown(a->socket, a->uid, a->gid) < 0)
		fatal("%s: %s", a->socket, strerror(errno));
	if (a->broker_uid == a->uid)
		return fd;
	/* Where there are no ACLs the socket becomes the broker's own. */
	if (sock_allow_user(a->socket, a->broker_uid) != 0 &&
	    lchown(a->socket, a->broker_uid, (gid_t)-1) < 0)
		fatal("%s: %s", a->socket, strerror(errno));
	return fd;
}

/*
 * The log's directory, and the name of the log in it.  The path is root's (it
 * stands in dockbroker.conf); the directory must be ours alone, since whoever
 * may write there may put another file in the log's place.
 */
static int log_directory(const struct auditd *a, const char **name)
{
	char path[sizeof(a->config.audit_log)];
	struct stat st;
	char *slash;
	int fd;

	snprintf(path, sizeof(path), "%s", a->config.audit_log);
	slash = strrchr(path, '/');
	if (path[0] != '/' || !slash[1])
		fatal("audit-log %s: not an absolute path of a file", path);
	*name = a->config.audit_log + (slash - path) + 1;
	slash[slash == path] = '\0';
	if (mkdir(path, 0700) == 0 && geteuid() == 0 &&
	    lchown(path, a->uid, a->gid) < 0)
		fatal("%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		fatal("%s: %s", path, strerror(errno));
	if (st.st_uid != a->uid)
		fatal("%s: belongs to uid %u, not to %s", path, st.st_uid,
		    a->config.audit_user);
	if (st.st_mode & 022)
		fatal("%s: is writable for group or others", path);
	return fd;
}

static void name_machine(struct writer *w)
{
	_cleanup_(buf_free) struct buf boot = BUF(64), err = BUF(256);
	struct slice id;

	if (gethostname(w->host, sizeof(w->host) - 1) < 0)
		w->host[0] = '\0';
	if (file_read(BOOT_ID, false, &boot, &err) == FILE_GOOD) {
		id = buf_slice(&boot);
		id = slice_cut(&id, '\n');
		snprintf(w->boot, sizeof(w->boot), "%.*s", SLICE_ARG(id));
	}
}

/* libcrypto loads and reads what it wants while it still may. */
static void warm_up(void)
{
	_cleanup_(buf_free) struct buf record = BUF(64), line = BUF(1024);
	struct chain c = { 0 };

	record_text(&record, FIELD_EVENT, SLICE("start"));
	if (chain_line(&c, buf_slice(&record), &line) != 0)
		fatal("SHA-256 is not to be had");
}

static void become_auditd(const struct auditd *a)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	const struct privilege p = {
		.user = a->config.audit_user,
		.syscalls = syscalls,
		.unix_only = true,
	};
	int r = privilege_drop(&p, &err);

	if (r)
		fatal("privileges: %s", r < 0 ? strerror(-r) : buf_text(&err));
}

/* ---- after it ---- */

static void open_writer(struct auditd *a, int dir, const char *name)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct writer *w = &a->writer;
	int64_t now = loop_realtime(a->loop);
	int r = writer_open(w, dir, name, now, &err);

	if (r)
		fatal("%s: %s", a->config.audit_log,
		    r < 0 ? strerror(-r) : buf_text(&err));
	name_machine(w);
	writer_event(w, "start", now, "%s", PACKAGE_VERSION);
	writer_flush(w, now, true);
	log_info("%s: %llu lines, %llu bytes", a->config.audit_log,
	    (unsigned long long)w->end.chain.seq,
	    (unsigned long long)w->end.size);
}

static void on_signal(void *arg, int signo)
{
	struct auditd *a = arg;

	if (signo == SIGHUP)
		server_reopen(a->server);
	else if (signo != SIGCHLD)
		loop_stop(a->loop, 0);
}

int main(int argc, char **argv)
{
	static struct auditd a;
	bool journal = getenv("JOURNAL_STREAM") != NULL;
	const char *name = NULL;
	int dir, fd, r;

	daemon_fds();
	daemon_options(argc, argv, NAME, "Writes the audit log.  SIGHUP opens"
	    " it anew, SIGTERM ends it.\n", &a.options);
	log_open(NAME, LOG_INFO, journal);
	config_load(&a);
	if (a.options.debug || a.config.debug)
		log_open(NAME, LOG_DEBUG, journal);
	users(&a);
	umask(077);
	limit_files();
	signal(SIGXFSZ, SIG_IGN);	/* EFBIG says it as well */
	dir = log_directory(&a, &name);
	fd = listener_open(&a);
	warm_up();
	r = loop_new(&a.loop);
	if (r == 0)
		r = loop_signals(a.loop, on_signal, &a);
	if (r < 0)
		fatal("cannot start: %s", strerror(-r));
	become_auditd(&a);
	open_writer(&a, dir, name);
	r = server_new(a.loop, fd, a.broker_uid, &a.writer, &a.server);
	if (r < 0)
		fatal("cannot start: %s", strerror(-r));
	log_info("ready");
	notify_send("READY=1");
	r = loop_run(a.loop);
	notify_send("STOPPING=1");
	server_stop(a.server);
	writer_close(&a.writer);
	loop_free(a.loop);
	if (*a.socket)
		(void)unlink(a.socket);
	return r < 0 ? 1 : r;
}
