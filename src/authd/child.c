/*
 * child.c: the life of a child.  It keeps one descriptor, asks NSS and PAM,
 * tells what it learnt and exits.  It is as privileged as the daemon, since
 * PAM modules need what the daemon kept; but what it sends is checked as if
 * it were not (jobs.c).  Ends with the daemon, at the latest at its deadline.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/authd.h"

#define FD_ANSWER	3

static void tell(const void *head, size_t nhead, const void *more, size_t nmore)
{
	struct iovec iov[2] = { { (void *)head, nhead }, { (void *)more, nmore } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = nmore ? 2 : 1 };

	if (sendmsg(FD_ANSWER, &m, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* Nothing of the daemon's is left that a module could use or hold open:
 * other children's answers, the listener, the broker's connection. */
static void isolate(int fd, pid_t parent)
{
	int null;
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent ||
	    prctl(PR_SET_DUMPABLE, 0))
		_exit(1);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd == FD_ANSWER ? fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 :
	    dup3(fd, FD_ANSWER, O_CLOEXEC) < 0)
		_exit(1);
	if (close_range(FD_ANSWER + 1, ~0U, 0))
		_exit(1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(1);
	close(null);
}

static void run_who(const struct msg_who_ask *ask, const struct config *c)
{
	struct group *groups = calloc(BOUND_GROUPS, sizeof(*groups));
	struct msg_who_is is = { .pam_code = -1, .acct_status = WHO_UNKNOWN };

	if (!groups)
		_exit(1);
	is.status = nss_account(ask, &is, groups);
	if (is.status != WHO_OK)
		is.ngroups = 0;
	if (is.status == WHO_OK && ask->acct) {
		is.pam_code = pam_account(c, is.name, ask->tty, is.text);
		is.acct_status = WHO_OK;
	}
	tell(&is, sizeof(is), groups, is.ngroups * sizeof(*groups));
}

static void tell_members(void *arg _unused_, const struct msg_group_is *is,
    const struct member *members)
{
	tell(is, sizeof(*is), members, is->n * sizeof(*members));
}

void child_run(int fd, pid_t parent, const struct job_ask *ask,
    const struct config *c)
{
	isolate(fd, parent);
	if (ask->kind == MSG_WHO_ASK)
		run_who(&ask->who, c);
	else if (ask->kind == MSG_CGROUP_ASK)
		tell((struct msg_cgroup_is[]){ cgroup_answer(&cgroup_system,
		    &ask->cgroup) }, sizeof(struct msg_cgroup_is), NULL, 0);
	else
		nss_members(ask->group.name, tell_members, NULL);
	_exit(0);
}
