/*
 * main.c: dockbrokerd, the broker.  Reads as a checklist: options, settings,
 * sockets while still root, privileges gone and proven gone, then the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <signal.h>
#include <malloc.h>

#include "broker/guard.h"

/* What the broker needs once it runs; everything else is refused. */
static const char *const syscalls[] = {
	SYSCALLS_SOCK_LISTEN, SYSCALLS_PEER_GET,
	"accept4", "readlink", "readlinkat", "shutdown", "splice", "pipe2",
	/* the store */
	"eventfd2", "fdatasync", "flock", "fsync", "ftruncate", "rename",
	"renameat", "renameat2",
	/* the guard's records, and what it refused */
	"mkdir", "mkdirat", "getdents64", "inotify_init1", "inotify_add_watch",
	NULL
};

void broker_notify(struct broker *b)
{
	char text[sizeof(b->status_text)];
	const char *why = NULL;
	bool audit = journal_up(b, true, &why);

	if (b->draining)
		return;
	snprintf(text, sizeof(text), "%s%s%s%s",
	    b->people.ready && audit && b->engine.up ? "serving" : "waiting for",
	    b->people.ready ? "" : " dockbroker-authd",
	    audit ? "" : " dockbroker-auditd", b->engine.up ? "" : " the Engine");
	if (strcmp(text, b->status_text)) {
		snprintf(b->status_text, sizeof(b->status_text), "%s", text);
		log_info("%s", text);
		notify_text("%s", text);
	}
}

/* Sockets and paths stay as they are until a restart; limits and times and
 * the policy change at once. */
static void adopt(struct broker *b, const struct config *c)
{
	struct config old = b->conf;

	b->conf = *c;
	memcpy(b->conf.run_dir, old.run_dir, sizeof(old.run_dir));
	memcpy(b->conf.engine_socket, old.engine_socket, sizeof(old.engine_socket));
	memcpy(b->conf.shared_socket, old.shared_socket, sizeof(old.shared_socket));
	memcpy(b->conf.state_dir, old.state_dir, sizeof(old.state_dir));
	memcpy(b->conf.services, old.services, sizeof(old.services));
	b->conf.nservices = old.nservices;
	if (strcmp(old.run_dir, c->run_dir) || strcmp(old.engine_socket, c->engine_socket) ||
	    strcmp(old.shared_socket, c->shared_socket) ||
	    strcmp(old.state_dir, c->state_dir) ||
	    old.nservices != c->nservices ||
	    /* Padding that differs costs a warning too many.
	     * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	    memcmp(old.services, c->services, sizeof(old.services)))
		log_warn("changed sockets in the settings take effect after a restart");
}

int broker_reload(struct broker *b, struct buf *err)
{
	struct config fresh, old = b->conf;
	int r = daemon_conf(b->options.conf, &fresh, err);

	if (r == 0) {
		adopt(b, &fresh);
		r = rules_load(b, err);
		if (r != 0)
			b->conf = old;
	}
	if (r != 0) {
		daemon_faults(err);
		log_error("nothing was reloaded, the old policy stays");
		journal_event(b, "reload-failed", "the old policy stays in force");
		return r;
	}
	if (err->len)
		daemon_faults(err);
	info_forget(b);		/* the guard's name may be another */
	log_info("policy reloaded: %s", policy_hash(b->rules.policy));
	journal_event(b, "reload", "policy %s", b->conf.policy);
	/* Labels are kept only for rules about them. */
	if (rights_want_labels(b->rules.policy)) {
		store_keep_labels(b->store, true);
		sync_again(b);
	}
	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			if (u->streams)
				clients_judge(u);
	people_enumerate(b);
	return 0;
}

static void drain_over(struct timer *t)
{
	struct broker *b = node_entry(t, struct broker, drain);

	broker_finish(b);
}

static void each_client(struct broker *b, void (*fn)(struct client *c))
{
	for (size_t i = 0; i < countof(b->people.table); i++)
		for (struct user *u = b->people.table[i]; u; u = u->chain)
			for (struct node *n = u->clients.next, *next; n != &u->clients; n = next) {
				next = n->next;
				fn(node_entry(n, struct client, node));
			}
}

/* The last records have to be written before the end. */
void broker_finish(struct broker *b)
{
	if (b->finishing) {
		loop_stop(b->loop, 0);
		return;
	}
	b->finishing = true;
	each_client(b, client_close);
	journal_event(b, "stop", "dockbrokerd ends");
	if (!b->journal.ready || timer_set(&b->drain, loop_now(b->loop) + 2000) < 0)
		loop_stop(b->loop, 0);
}

static void close_idle(struct client *c)
{
	if (c->state == CLIENT_HEAD && !c->out.len)
		client_close(c);
}

void broker_drain(struct broker *b)
{
	if (b->draining) {
		broker_finish(b);	/* asked twice: at once */
		return;
	}
	log_info("ending: %zu connections, streams have %llu ms", b->connections,
	    (unsigned long long)b->conf.drain_time);
	notify_send("STOPPING=1");
	b->draining = true;
	listeners_stop(b);
	control_stop(b);
	each_client(b, close_idle);
	if (b->finishing)
		return;
	if (!b->connections || timer_set(&b->drain, loop_now(b->loop) +
	    (int64_t)b->conf.drain_time + 1) < 0)
		broker_finish(b);
}

static void on_signal(void *arg, int signo)
{
	struct broker *b = arg;

	if (signo == SIGHUP) {
		_cleanup_(buf_free) struct buf err = BUF(256 * 1024);
		notify_send("RELOADING=1");
		if (broker_reload(b, &err) < 0)
			log_error("out of memory");
		notify_send("READY=1");
	} else if (signo == SIGTERM || signo == SIGINT) {
		broker_drain(b);
	}
}

/* run-dir is root's; the users' sockets below it are ours to make. */
static void make_directories(struct broker *b)
{
	char path[300];
	uint32_t uid, gid;

	if (geteuid() != 0)
		return;
	if (user_lookup(b->conf.broker_user, &uid, &gid) != 0)
		fatal("there is no user %s; make it, or set broker-user", b->conf.broker_user);
	if (mkdir(b->conf.run_dir, 0711) < 0 && errno != EEXIST)
		fatal("cannot make %s: %s", b->conf.run_dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/users", b->conf.run_dir);
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		fatal("cannot make %s: %s", path, strerror(errno));
	if (chown(path, uid, gid) < 0)
		fatal("cannot give %s away: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "%s/services", b->conf.run_dir);
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		fatal("cannot make %s: %s", path, strerror(errno));
	if (mkdir(b->conf.state_dir, 0700) < 0 && errno != EEXIST)
		fatal("cannot make %s: %s; set state-dir", b->conf.state_dir,
		    strerror(errno));
	if (chown(b->conf.state_dir, uid, gid) < 0)
		fatal("cannot give %s away: %s", b->conf.state_dir, strerror(errno));
}

/* ---- the store ---- */

static void on_store(struct source *s, uint32_t ready)
{
	struct broker *b = node_entry(s, struct broker, store_source);

	(void)ready;
	commits_done(b);
	source_clear(s, EPOLLIN);
}

static void store_begin(struct broker *b, struct buf *err)
{
	int r = store_open(b->conf.state_dir, &b->store, err), fd;

	if (r != STORE_GOOD)
		fatal("not started: %s", r < 0 ? strerror(-r) : buf_text(err));
	store_keep_labels(b->store, rights_want_labels(b->rules.policy));
	fd = fcntl(store_fd(b->store), F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || source_add(b->loop, &b->store_source, fd, EPOLLIN, on_store) < 0)
		fatal("out of memory");
}

static void drop(struct broker *b)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);
	struct privilege p = {
		.user = b->conf.broker_user, .syscalls = syscalls, .unix_only = true,
		.threads = true
	};

	if (privilege_drop(&p, &err) != 0)
		fatal("privileges could not be dropped: %s", buf_text(&err));
}

static void setup(struct broker *b)
{
	_cleanup_(buf_free) struct buf err = BUF(256 * 1024);
	int r = daemon_conf(b->options.conf, &b->conf, &err);

	if (r != 0) {
		daemon_faults(&err);
		fatal("not started: the settings have faults");
	}
	log_open("dockbrokerd", b->options.debug || b->conf.debug ? LOG_DEBUG : LOG_INFO,
	    getenv("JOURNAL_STREAM") != NULL);
	if (loop_new(&b->loop) < 0 || !(b->scratch = malloc(BOUND_RELAY)))
		fatal("out of memory");
	b->started_real = loop_realtime(b->loop);
	json_init();
	limit_files();
	make_directories(b);
	splice_start(b);
	if ((r = loop_signals(b->loop, on_signal, b)) < 0)
		fatal("no signals: %s", strerror(-r));
	if ((r = listeners_start(b, &err)) != 0)
		fatal("%s", r < 0 ? strerror(-r) : buf_text(&err));
	if ((r = journal_start(b)) < 0)
		fatal("cannot start: %s", strerror(-r));
	uint32_t gid;
	if (user_lookup(b->conf.audit_user, &b->audit_uid, &gid) != 0)
		fatal("there is no user %s; make it, or set audit-user", b->conf.audit_user);
	drop(b);
	peer_own_container(b->container);
	r = rules_load(b, &err);
	if (r < 0)
		fatal("%s", strerror(-r));
	if (err.len)
		daemon_faults(&err);
	if (r != 0)
		fatal("not started: the policy has faults");
	buf_reset(&err);
	store_begin(b, &err);
	r = guard_start(b, &err);
	if (r != GUARD_STARTED)
		fatal("not started: %s", r < 0 ? strerror(-r) : buf_text(&err));
}

static void teardown(struct broker *b)
{
	each_client(b, client_close);
	journal_stop(b);
	control_stop(b);
	listeners_stop(b);
	sync_stop(b);
	missing_stop(b);
	guard_stop(b);
	spool_stop(b);
	info_stop(b);
	asks_stop(b);
	engine_stop(b);
	people_stop(b);
	source_close(&b->store_source);
	pins_reap(b, true);
	store_close(b->store);
	rules_free(b);
	reasons_free(b);
	free(b->scratch);
	splice_stop(b);
	timer_remove(&b->drain);
	loop_free(b->loop);
	free(b);
}

int main(int argc, char **argv)
{
	struct broker *b = calloc(1, sizeof(*b));

	if (!b)
		return 1;
	daemon_fds();
	/* Idle connections give their memory back. */
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	log_open("dockbrokerd", LOG_INFO, getenv("JOURNAL_STREAM") != NULL);
	node_init(&b->controls);
	node_init(&b->commits);
	node_init(&b->pins);
	node_init(&b->info.waiters);
	b->next_id = 1;
	daemon_options(argc, argv, "dockbrokerd", "The broker between users and the"
	    " Docker Engine.  SIGHUP reloads settings and\npolicy, SIGTERM ends it"
	    " after streams have had their grace.\n", &b->options);
	setup(b);
	timer_init(b->loop, &b->drain, drain_over);
	int r = people_start(b);
	if (r < 0 || (r = engine_start(b)) < 0 || (r = sync_start(b)) < 0 ||
	    (r = spool_start(b)) < 0)
		fatal("cannot start: %s", strerror(-r));
	journal_event(b, "start", "dockbrokerd " PACKAGE_VERSION);
	notify_send("READY=1");
	broker_notify(b);
	int code = loop_run(b->loop);
	teardown(b);
	return code < 0 ? 1 : code;
}
