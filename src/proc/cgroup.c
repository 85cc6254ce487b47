/*
 * cgroup.c: the control group that holds all containers of one user, so that
 * the kernel keeps the sum of what they use, whatever the broker counts.  Runs
 * in a child of dockbroker-authd, uid 0: the broker says the uid and the
 * numbers, which are checked here; every name is ours.
 *
 * With the Engine's cgroupfs driver the group is dockbroker/UID below the
 * mounts of memory, cpu and pids (v1), or below the unified one (v2).  With
 * systemd it is dockbroker-UID.slice: systemd owns the tree and is asked by
 * systemctl, which needs no capability of ours, only uid 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dockbroker/proc.h"

#define PERIOD		100000		/* us of cpu.max and cpu.cfs_period_us */
#define NANO_QUOTA	10000		/* nano CPUs in one us of a period */
#define NANO_PERCENT	10000000	/* nano CPUs in one percent */
#define QUOTA_LEAST	1000		/* us: the kernel's least */
#define CPU_MOST	(INT64_C(1) << 46)	/* nano; more is no limit */
#define PIDS_MOST	(INT64_C(1) << 22)	/* the same */

const struct cgroup_places cgroup_system = {
	"/sys/fs/cgroup", "/usr/bin/systemctl"
};

bool cgroup_valid(const struct msg_cgroup_ask *ask)
{
	return ask->uid != WHO_UNSET &&
	    (ask->driver == CGROUP_CGROUPFS || ask->driver == CGROUP_SYSTEMD) &&
	    ask->memory >= -1 && ask->nano_cpus >= -1 && ask->pids >= -1;
}

/* ---- cgroupfs ---- */

/* One directory of the way to the group. */
struct group_dir {
	int fd;
	const char *name;	/* for err */
};

static int failed(struct buf *err, const char *dir, const char *file)
{
	int r = -errno;

	if (err->len == 0)
		buf_addf(err, "%s/%s: %s", dir, file, strerror(-r));
	return r;
}

static int dir_open(int at, const char *name, bool make)
{
	int made = make ? mkdirat(at, name, 0755) : -1;

	if (make && made && errno != EEXIST)
		return -1;
	/* Whatever the umask is: root of a remapped Engine has to come through. */
	if (!made && fchmodat(at, name, 0755, 0))
		return -1;
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A whole value in one write, as the kernel wants it. */
static int file_write(const struct group_dir *d, const char *file, const char *text,
    struct buf *err)
{
	_cleanup_(close_fd) int fd = openat(d->fd, file,
	    O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	return n < 0 ? failed(err, d->name, file) : 0;
}

/* -1 is written as `none'. */
static int limit_write(const struct group_dir *d, const char *file, int64_t value,
    const char *none, struct buf *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return file_write(d, file, value < 0 ? none : text, err);
}

static int64_t quota(int64_t nano_cpus)
{
	int64_t us = nano_cpus / NANO_QUOTA;

	if (nano_cpus < 0)
		return -1;
	return us < QUOTA_LEAST ? QUOTA_LEAST : us;
}

static int write_memory(const struct group_dir *d, const struct msg_cgroup_ask *ask,
    struct buf *err)
{
	return limit_write(d, "memory.limit_in_bytes", ask->memory, "-1", err);
}

static int write_cpu(const struct group_dir *d, const struct msg_cgroup_ask *ask,
    struct buf *err)
{
	int r = limit_write(d, "cpu.cfs_period_us", PERIOD, "", err);

	return r < 0 ? r : limit_write(d, "cpu.cfs_quota_us",
	    quota(ask->nano_cpus), "-1", err);
}

static int write_pids(const struct group_dir *d, const struct msg_cgroup_ask *ask,
    struct buf *err)
{
	return limit_write(d, "pids.max", ask->pids, "max", err);
}

typedef int write_fn(const struct group_dir *d, const struct msg_cgroup_ask *ask,
    struct buf *err);

/* v1: the same group below the mount of each controller.  A controller that
 * is not there matters only when it is to limit something. */
static int apply_v1(int root, const char *controller, bool limits, write_fn *fn,
    const struct msg_cgroup_ask *ask, struct buf *err)
{
	_cleanup_(close_fd) int mount = -1;
	_cleanup_(close_fd) int ours = -1;
	_cleanup_(close_fd) int group = -1;
	_cleanup_(buf_free) struct buf ignored = BUF(256);
	struct group_dir d;
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", ask->uid);
	mount = dir_open(root, controller, false);
	if (mount < 0)
		return limits ? failed(err, controller, "") : 0;
	ours = dir_open(mount, "dockbroker", true);
	if (ours < 0)
		return failed(err, controller, "dockbroker");
	/* Before Linux 5.11 sums are kept only where this says so. */
	d = (struct group_dir){ ours, controller };
	(void)!file_write(&d, "memory.use_hierarchy", "1", &ignored);
	group = dir_open(ours, uid, true);
	if (group < 0)
		return failed(err, controller, uid);
	d.fd = group;
	return fn(&d, ask, err);
}

/* Where systemd mounts two controllers in one place it leaves a link `cpu'. */
static int apply_all_v1(int root, const struct msg_cgroup_ask *ask, struct buf *err)
{
	int memory = apply_v1(root, "memory", ask->memory >= 0, write_memory, ask, err);
	int cpu = apply_v1(root, "cpu", ask->nano_cpus >= 0, write_cpu, ask, err);
	int pids = apply_v1(root, "pids", ask->pids >= 0, write_pids, ask, err);

	return memory < 0 ? memory : cpu < 0 ? cpu : pids;
}

/* Lets the groups below d have the controllers; where it cannot, the limits
 * themselves will say so. */
static void controllers_pass(int fd)
{
	static const char *const words[] = { "+memory", "+cpu", "+pids" };
	_cleanup_(buf_free) struct buf ignored = BUF(256);
	struct group_dir d = { fd, "" };

	for (size_t i = 0; i < countof(words); i++)
		(void)!file_write(&d, "cgroup.subtree_control", words[i], &ignored);
}

static int apply_v2(int root, const struct msg_cgroup_ask *ask, struct buf *err)
{
	_cleanup_(close_fd) int ours = -1;
	_cleanup_(close_fd) int group = -1;
	struct group_dir d = { -1, "dockbroker" };
	char uid[16], cpu[64];
	int memory, cpus, pids;

	snprintf(uid, sizeof(uid), "%u", ask->uid);
	controllers_pass(root);
	ours = dir_open(root, "dockbroker", true);
	if (ours < 0)
		return failed(err, "", "dockbroker");
	controllers_pass(ours);
	group = dir_open(ours, uid, true);
	if (group < 0)
		return failed(err, "dockbroker", uid);
	d.fd = group;
	snprintf(cpu, sizeof(cpu), "%lld %d", (long long)quota(ask->nano_cpus), PERIOD);
	memory = limit_write(&d, "memory.max", ask->memory, "max", err);
	cpus = file_write(&d, "cpu.max", ask->nano_cpus < 0 ? "max" : cpu, err);
	pids = limit_write(&d, "pids.max", ask->pids, "max", err);
	return memory < 0 ? memory : cpus < 0 ? cpus : pids;
}

static int apply_files(const char *path, const struct msg_cgroup_ask *ask,
    struct buf *err)
{
	_cleanup_(close_fd) int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return failed(err, path, "");
	if (faccessat(root, "cgroup.controllers", F_OK, 0) == 0)
		return apply_v2(root, ask, err);
	return apply_all_v1(root, ask, err);
}

/* ---- systemd ---- */

static void number_word(char word[64], const char *key, int64_t value, const char *unit,
    const char *none)
{
	if (value < 0)
		snprintf(word, 64, "%s=%s", key, none);
	else
		snprintf(word, 64, "%s=%lld%s", key, (long long)value, unit);
}

/* Whole percents, rounded up: what every systemd reads. */
static int64_t percent(int64_t nano_cpus)
{
	int64_t p = (nano_cpus + NANO_PERCENT - 1) / NANO_PERCENT;

	if (nano_cpus < 0)
		return -1;
	return p < 1 ? 1 : p;
}

/* The child of a child: nothing of the environment, stderr is the journal's. */
static int run(const char *const *argv, struct buf *err)
{
	static char *const none[] = { NULL };
	pid_t pid = fork(), r;
	int status;

	if (pid == 0) {
		(void)execve(argv[0], (char *const *)argv, none);
		_exit(127);
	}
	if (pid < 0)
		return failed(err, "", argv[0]);
	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	buf_addf(err, "%s set-property %s: failed with %d", argv[0], argv[3],
	    r == pid ? WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status) : -1);
	return -EIO;
}

static int apply_slice(const char *systemctl, const struct msg_cgroup_ask *ask,
    struct buf *err)
{
	char slice[64], memory[64], cpu[64], tasks[64];
	const char *argv[] = {
		systemctl, "set-property", "--runtime", slice, memory, cpu, tasks, NULL
	};

	snprintf(slice, sizeof(slice), "dockbroker-%u.slice", ask->uid);
	number_word(memory, "MemoryMax", ask->memory, "", "infinity");
	number_word(cpu, "CPUQuota", percent(ask->nano_cpus), "%", "");
	number_word(tasks, "TasksMax", ask->pids, "", "infinity");
	return run(argv, err);
}

struct msg_cgroup_is cgroup_answer(const struct cgroup_places *where,
    const struct msg_cgroup_ask *ask)
{
	_cleanup_(buf_free) struct buf err = BUF(BOUND_PAM_TEXT - 1);
	struct msg_cgroup_ask m = *ask;
	struct msg_cgroup_is is = { .uid = ask->uid };

	if (m.nano_cpus > CPU_MOST)
		m.nano_cpus = -1;
	if (m.pids > PIDS_MOST)
		m.pids = -1;
	if (m.driver == CGROUP_SYSTEMD)
		is.status = -apply_slice(where->systemctl, &m, &err);
	else
		is.status = -apply_files(where->root, &m, &err);
	if (err.len > 0)
		memcpy(is.text, err.p, err.len);
	return is;
}
