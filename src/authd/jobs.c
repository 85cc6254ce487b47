/*
 * jobs.c: one forked child for each question, with a deadline.  What the
 * daemon must go on doing whatever a module does stands here:
 *
 * - One child at a time about one uid, name or group: who asks the same while
 *   it runs shares its answer, so that nobody takes others' slots.
 * - People who wait for Docker come before the broker's lists: names and
 *   groups, which it asks by the thousand, never take all slots.
 * - At the deadline the child is killed and the answer is WHO_TIMEOUT.  It
 *   keeps its slot until it is reaped, so hung modules cost a slot each.
 * - Modules start processes of their own (pam_exec, in a session of its own).
 *   The daemon is their subreaper: whatever is handed to it when a child ends
 *   is killed and reaped.
 * - A child's packets are checked like a stranger's.
 *
 * Children are found by pid, not by pidfd: nobody else reaps them, and they
 * are reaped in one place, so a pid in the list is never somebody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "authd/authd.h"

#define PACKET_MAX	(sizeof(struct msg_who_is) + \
			    BOUND_GROUPS * sizeof(struct group))
#define CHILDREN	"/proc/thread-self/children"
#define WARN_SLOTS	64	/* warnings are counted by uid modulo this */
#define WARN_EVERY	10000	/* ms between two warnings of one slot */
#define END_ROUNDS	100	/* looks for children at the end, 10 ms each */

_Static_assert(PACKET_MAX >= sizeof(struct msg_group_is) +
    MSG_GROUP_CHUNK * sizeof(struct member), "a piece of a group fits");
_Static_assert(sizeof(struct group) == sizeof(struct member) &&
    offsetof(struct group, name) == offsetof(struct member, name),
    "one check for both");

struct job {
	struct jobs *jobs;
	struct job *next;
	struct job_ask ask;
	pid_t pid;		/* 0 while waiting for a slot or its turn */
	bool begun;		/* a part of the answer is out: too late to join */
	bool answered;		/* nobody waits any more */
	bool stale;		/* began before a file changed: not for later asks */
	int64_t since;		/* when it came, then when the child began */
	struct source source;
	struct timer deadline;
	uint64_t *serials;	/* who waits */
	size_t n, room;
};

struct jobs {
	struct loop *loop;
	const struct config *config;
	jobs_send_fn *send;
	void *arg;
	struct job *first, **last;	/* in order of arrival */
	size_t running[2], waiting[2];	/* of uids; of names and groups */
	int64_t warned[WARN_SLOTS];
	_Alignas(8) char packet[PACKET_MAX];
};

static struct job *job_of(void *member, size_t offset)
{
	return (struct job *)((char *)member - offset);
}

/* Names and groups: nobody waits behind them. */
static bool is_bulk(const struct job_ask *ask)
{
	return ask->kind == MSG_GROUP_ASK || ask->who.uid == WHO_UNSET;
}

static void job_log(struct job *job, enum log_level level, const char *what,
    int code)
{
	const struct job_ask *ask = &job->ask;
	int64_t now = loop_now(job->jobs->loop);
	int64_t *warned = &job->jobs->warned[ask->who.uid % WARN_SLOTS];

	if (level == LOG_WARN) {
		if (*warned && now - *warned < WARN_EVERY)
			return;
		*warned = now;
	}
	if (!log_wants(level))
		return;
	if (is_bulk(ask))
		log_write(level, "%s: %s %d after %lld ms",
		    ask->kind == MSG_GROUP_ASK ? ask->group.name :
		    ask->who.name, what, code, (long long)(now - job->since));
	else
		log_write(level, "uid %u: %s %d after %lld ms", ask->who.uid,
		    what, code, (long long)(now - job->since));
}

/* ---- answers ---- */

/* An answer without content. */
static void status_send(struct jobs *j, const struct job_ask *ask,
    uint64_t serial, enum who_status status)
{
	struct msg_group_is group = { .serial = serial, .status = status };
	struct msg_cgroup_is cgroup = {
		.serial = serial, .uid = ask->who.uid,
		.status = status == WHO_TIMEOUT ? ETIMEDOUT : EBUSY,
		.text = "not done in time",
	};
	struct msg_who_is who = {
		.serial = serial, .status = status, .acct_status = status,
		.uid = ask->who.uid, .pam_code = -1,
	};

	if (ask->kind == MSG_WHO_ASK)
		j->send(j->arg, MSG_WHO_IS, &who, sizeof(who), SLICE_NONE);
	else if (ask->kind == MSG_CGROUP_ASK)
		j->send(j->arg, MSG_CGROUP_IS, &cgroup, sizeof(cgroup), SLICE_NONE);
	else
		j->send(j->arg, MSG_GROUP_IS, &group, sizeof(group), SLICE_NONE);
}

static void job_fail(struct job *job, enum who_status status, const char *why,
    int code)
{
	if (job->answered)
		return;
	job_log(job, LOG_WARN, why, code);
	for (size_t i = 0; i < job->n; i++)
		status_send(job->jobs, &job->ask, job->serials[i], status);
	job->answered = true;
}

static bool status_valid(uint32_t status)
{
	return status == WHO_OK || status == WHO_UNKNOWN || status == WHO_ERROR;
}

/* Also for struct group, which looks the same. */
static bool names_valid(const struct member *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (msg_text(m[i].name, BOUND_NAME) <= 0)
			return false;
	return true;
}

/* To everybody who waits; a serial is the first field of each head. */
static void job_send(struct job *job, enum msg id, void *head, size_t nhead,
    struct slice more)
{
	for (size_t i = 0; i < job->n; i++) {
		memcpy(head, &job->serials[i], sizeof(job->serials[i]));
		job->jobs->send(job->jobs->arg, id, head, nhead, more);
	}
}

static bool take_who(struct job *job, const char *p, size_t n)
{
	const struct member *groups = (const void *)(p + sizeof(struct msg_who_is));
	const struct msg_who_ask *ask = &job->ask.who;
	struct msg_who_is is;

	if (n < sizeof(is))
		return false;
	memcpy(&is, p, sizeof(is));
	n -= sizeof(is);
	if (is.ngroups > BOUND_GROUPS || n != is.ngroups * sizeof(*groups) ||
	    !names_valid(groups, is.ngroups) || !status_valid(is.status) ||
	    msg_text(is.text, sizeof(is.text)) < 0 ||
	    msg_text(is.home, sizeof(is.home)) < 0)
		return false;
	if (is.status == WHO_OK ? msg_text(is.name, BOUND_NAME) <= 0 ||
	    (ask->uid != WHO_UNSET && is.uid != ask->uid) : n != 0)
		return false;
	if (!ask->acct || is.status != WHO_OK) {
		is.acct_status = WHO_UNKNOWN;
		is.pam_code = -1;
	} else if (is.acct_status != WHO_OK) {
		return false;
	}
	job_log(job, LOG_DEBUG, "PAM", is.pam_code);
	job_send(job, MSG_WHO_IS, &is, sizeof(is), (struct slice){ (const char *)groups, n });
	job->answered = true;
	return true;
}

static bool take_members(struct job *job, const char *p, size_t n)
{
	const struct member *members = (const void *)(p + sizeof(struct msg_group_is));
	struct msg_group_is is;

	if (n < sizeof(is))
		return false;
	memcpy(&is, p, sizeof(is));
	n -= sizeof(is);
	if (is.n > MSG_GROUP_CHUNK || n != is.n * sizeof(*members) ||
	    !names_valid(members, is.n) || !status_valid(is.status) ||
	    is.more > 1)
		return false;
	job_send(job, MSG_GROUP_IS, &is, sizeof(is), (struct slice){ (const char *)members, n });
	job->begun = true;
	job->answered = !is.more;
	if (job->answered)
		job_log(job, LOG_DEBUG, "members, status", is.status);
	return true;
}

static bool take_cgroup(struct job *job, const char *p, size_t n)
{
	struct msg_cgroup_is is;

	if (n != sizeof(is))
		return false;
	memcpy(&is, p, n);
	if (msg_text(is.text, sizeof(is.text)) < 0 || is.uid != job->ask.who.uid)
		return false;
	job_log(job, LOG_DEBUG, "cgroup, error", is.status);
	job_send(job, MSG_CGROUP_IS, &is, sizeof(is), SLICE_NONE);
	job->answered = true;
	return true;
}

/* ---- what a child says ---- */

static bool job_take(struct job *job, const char *p, size_t n)
{
	if (n > PACKET_MAX || job->answered)
		return false;
	if (job->ask.kind == MSG_CGROUP_ASK)
		return take_cgroup(job, p, n);
	return job->ask.kind == MSG_WHO_ASK ?
	    take_who(job, p, n) : take_members(job, p, n);
}

/* Reads until the child has no more to say for now. */
static void job_read(struct job *job)
{
	struct jobs *j = job->jobs;
	ssize_t n;

	while (job->source.fd >= 0) {
		n = recv(job->source.fd, j->packet, sizeof(j->packet),
		    MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			source_clear(&job->source, EPOLLIN);
			return;
		}
		if (n > 0 && job_take(job, j->packet, n))
			continue;
		source_close(&job->source);
		if (n > 0) {
			job_fail(job, WHO_ERROR, "nonsense from the child, bytes",
			    (int)n);
			(void)kill(job->pid, SIGKILL);
		}
	}
}

static void job_run(struct source *s, uint32_t ready _unused_)
{
	job_read(job_of(s, offsetof(struct job, source)));
}

/* ---- life of a job ---- */

static void job_remove(struct job *job)
{
	struct jobs *j = job->jobs;
	struct job **p;

	for (p = &j->first; *p != job; p = &(*p)->next)
		;
	*p = job->next;
	if (j->last == &job->next)
		j->last = p;
	if (job->pid)
		j->running[is_bulk(&job->ask)]--;
	else
		j->waiting[is_bulk(&job->ask)]--;
	source_close(&job->source);
	timer_remove(&job->deadline);
	free(job->serials);
	free(job);
}

static void job_deadline(struct timer *t)
{
	struct job *job = job_of(t, offsetof(struct job, deadline));

	if (!job->pid) {
		job_fail(job, WHO_BUSY, "no free child, code", WHO_BUSY);
		job_remove(job);
		return;
	}
	job_fail(job, WHO_TIMEOUT, "out of time, code", WHO_TIMEOUT);
	source_close(&job->source);
	(void)kill(job->pid, SIGKILL);
}

/* One of these at a time. */
static bool job_same(const struct job_ask *a, const struct job_ask *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == MSG_GROUP_ASK)
		return !strcmp(a->group.name, b->group.name);
	return a->who.uid == b->who.uid && a->who.acct == b->who.acct &&
	    (a->who.uid != WHO_UNSET || !strcmp(a->who.name, b->who.name));
}

/* Whether job's answer will also be one to ask, and as fresh. */
static bool job_joins(const struct job *job, const struct job_ask *ask)
{
	return !job->stale && !job->begun && !job->answered &&
	    job_same(&job->ask, ask) &&
	    !memcmp(&job->ask.cgroup, &ask->cgroup, sizeof(ask->cgroup)) &&
	    (ask->kind == MSG_GROUP_ASK || !ask->who.acct ||
	    !strcmp(job->ask.who.tty, ask->who.tty));
}

static bool job_wait(struct job *job, uint64_t serial)
{
	size_t room = job->room ? job->room * 2 : 4;
	uint64_t *more;

	if (job->n == AUTHD_SERIALS)
		return false;
	if (job->n == job->room) {
		more = realloc(job->serials, room * sizeof(*more));
		if (!more)
			return false;
		job->serials = more;
		job->room = room;
	}
	job->serials[job->n++] = serial;
	return true;
}

static int job_fork(struct job *job)
{
	struct jobs *j = job->jobs;
	_cleanup_(close_fd) int ours = -1;
	_cleanup_(close_fd) int theirs = -1;
	pid_t parent = getpid();
	int sv[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	ours = sv[0];
	theirs = sv[1];
	r = source_add(j->loop, &job->source, ours, EPOLLIN, job_run);
	if (r < 0)
		return r;
	ours = -1;
	job->pid = fork();
	if (job->pid == 0)
		child_run(theirs, parent, &job->ask, j->config);
	if (job->pid < 0) {
		r = -errno;
		job->pid = 0;
		return r;
	}
	return timer_set(&job->deadline,
	    loop_now(j->loop) + j->config->account_time);
}

static void job_start(struct job *job)
{
	struct jobs *j = job->jobs;
	int r;

	job->since = loop_now(j->loop);
	r = job_fork(job);
	if (job->pid) {
		j->waiting[is_bulk(&job->ask)]--;
		j->running[is_bulk(&job->ask)]++;
	}
	if (r == 0)
		return;
	job_fail(job, WHO_ERROR, "no child, error", -r);
	if (job->pid)
		(void)kill(job->pid, SIGKILL);
	else
		job_remove(job);
}

static bool job_may_start(const struct job *job)
{
	if (is_bulk(&job->ask) && job->jobs->running[1] == AUTHD_CHILDREN_BULK)
		return false;
	for (const struct job *o = job->jobs->first; o; o = o->next)
		if (o->pid && job_same(&o->ask, &job->ask))
			return false;
	return true;
}

static void jobs_start(struct jobs *j)
{
	struct job *job = j->first, *next;

	for (; job && j->running[0] + j->running[1] < AUTHD_CHILDREN;
	    job = next) {
		next = job->next;
		if (!job->pid && job_may_start(job))
			job_start(job);
	}
}

static struct job *job_new(struct jobs *j, const struct job_ask *ask)
{
	struct job *job;
	size_t same = 0;

	for (job = j->first; job; job = job->next)
		same += !job->pid && job_same(&job->ask, ask);
	if (j->waiting[0] + j->waiting[1] >= AUTHD_WAITING ||
	    (is_bulk(ask) && j->waiting[1] >= AUTHD_WAITING_BULK) ||
	    same == AUTHD_WAITING_UID)
		return NULL;
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	job->jobs = j;
	job->ask = *ask;
	job->source.fd = -1;
	job->since = loop_now(j->loop);
	timer_init(j->loop, &job->deadline, job_deadline);
	*j->last = job;
	j->last = &job->next;
	j->waiting[is_bulk(ask)]++;
	if (timer_set(&job->deadline,
	    loop_now(j->loop) + j->config->account_time) < 0) {
		job_remove(job);
		return NULL;
	}
	return job;
}

void jobs_ask(struct jobs *j, const struct job_ask *ask)
{
	struct job *job = j->first;

	while (job && !job_joins(job, ask))
		job = job->next;
	if (!job)
		job = job_new(j, ask);
	if (!job || !job_wait(job, ask->serial))
		status_send(j, ask, ask->serial, WHO_BUSY);
	jobs_start(j);
}

void jobs_changed(struct jobs *j)
{
	for (struct job *job = j->first; job; job = job->next)
		if (job->pid)
			job->stale = true;
}

void jobs_forget(struct jobs *j)
{
	struct job *job, *next;

	for (job = j->first; job; job = next) {
		next = job->next;
		job->n = 0;
		if (!job->pid)
			job_remove(job);
	}
}

/* ---- children ---- */

/* Kills our children, or those that are nobody's job: what a module started
 * and a child left behind.  Returns how many.  Each that dies hands us its
 * own, and its death is told by SIGCHLD, so none is missed in the end. */
static size_t children_kill(struct jobs *j, bool jobs_too)
{
	_cleanup_(close_fd) int fd = -1;
	char text[16384], *p, *end;
	size_t n = 0;
	struct job *job;
	ssize_t r;
	long pid;

	fd = open(CHILDREN, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[r < 0 ? 0 : r] = '\0';
	for (p = text; (pid = strtol(p, &end, 10)) > 0; p = end) {
		for (job = j->first; job && job->pid != pid; job = job->next)
			;
		if ((!job || jobs_too) && !kill(pid, SIGKILL))
			n++;
	}
	return n;
}

static void job_ended(struct job *job, int status)
{
	job_read(job);
	if (WIFSIGNALED(status))
		job_fail(job, WHO_ERROR, "killed by signal", WTERMSIG(status));
	else
		job_fail(job, WHO_ERROR, "gave up, code", WEXITSTATUS(status));
	job_remove(job);
}

void jobs_reap(struct jobs *j)
{
	struct job *job;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (job = j->first; job && job->pid != pid; job = job->next)
			;
		if (job)
			job_ended(job, status);
	}
	if (children_kill(j, false))
		log_debug("killed what a module left behind");
	jobs_start(j);
}

/* ---- all of them ---- */

int jobs_new(struct loop *l, const struct config *c, jobs_send_fn *send,
    void *arg, struct jobs **out)
{
	struct jobs *j;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return -errno;
	if (access(CHILDREN, R_OK))
		log_warn(CHILDREN ": %m; what modules leave behind will stay");
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->loop = l;
	j->config = c;
	j->send = send;
	j->arg = arg;
	j->last = &j->first;
	*out = j;
	return 0;
}

struct jobs *jobs_free(struct jobs *j)
{
	struct timespec pause = { .tv_nsec = 10000000 };

	if (!j)
		return NULL;
	for (int i = 0; i < END_ROUNDS && children_kill(j, true); i++) {
		nanosleep(&pause, NULL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (j->first)
		job_remove(j->first);
	free(j);
	return NULL;
}

void jobs_config(struct jobs *j, const struct config *c)
{
	j->config = c;
}
