/*
 * priv.c: giving up privileges, and not believing that it worked until the
 * kernel says so.  The only file that knows libcap and libseccomp.
 *
 * What to keep comes from a constant table of the program, the user's name
 * from dockbroker.conf.  Order: bounding set (needs CAP_SETPCAP), groups, gid,
 * uid (KEEPCAPS only where something is to stay), capabilities, no dumps, no
 * new privileges, seccomp; then /proc/self/status, opened before the filter,
 * is compared line by line.  A process that was started as the right user by
 * systemd or a test walks the same way and only skips what it need not do.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
/* base.h has a struct group of its own. */
#define group grp_group
#include <grp.h>
#undef group
#include <inttypes.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proc/proc_int.h"

#define DROP_GROUPS	256	/* groups of a service's user */

/* What the process shall be. */
struct target {
	const struct privilege *p;
	uint32_t uid, gid;
	char name[BOUND_NAME];		/* "" when the uid has no account */
	gid_t groups[DROP_GROUPS];
	int ngroups;
	uint64_t bound;			/* bounding set at the start */
	uint64_t caps;			/* p->caps, but what bound never had */
	bool could_bound;		/* we had CAP_SETPCAP */
	struct buf *err;
};

static int refuse(struct target *t, const char *what, int e)
{
	buf_addf(t->err, "%s: %s", what, strerror(e));
	return 1;
}

/* ---- who ---- */

static int target_user(struct target *t)
{
	const char *user = t->p->user ? t->p->user : "0";
	int r;

	r = user_entry(user, &t->uid, &t->gid, t->name);
	if (r > 0)
		buf_addf(t->err, "there is no user %s", user);
	if (r)
		return r;
	t->ngroups = DROP_GROUPS;
	t->groups[0] = t->gid;
	if (!*t->name)
		t->ngroups = 1;
	else if (getgrouplist(t->name, t->gid, t->groups, &t->ngroups) < 0)
		return refuse(t, "groups of our user", E2BIG);
	return 0;
}

/* ---- capabilities ---- */

static bool cap_in(uint64_t set, int cap)
{
	return set >> cap & 1;
}

static const char *cap_text(int cap, char out[64])
{
	char *name = cap_to_name(cap);

	snprintf(out, 64, "%s", name ? name : "?");
	cap_free(name);
	return out;
}

static uint64_t caps_bound(void)
{
	uint64_t set = 0;

	for (int cap = 0; cap < cap_max_bits() && cap < 64; cap++)
		if (cap_get_bound(cap) > 0)
			set |= UINT64_C(1) << cap;
	return set;
}

/* One flag of all capabilities of the process. */
static int caps_flag(cap_flag_t flag, uint64_t *out)
{
	cap_t now = cap_get_proc();
	cap_flag_value_t v;

	if (!now)
		return -errno;
	*out = 0;
	for (int cap = 0; cap < cap_max_bits() && cap < 64; cap++)
		if (cap_get_flag(now, cap, flag, &v) == 0 && v == CAP_SET)
			*out |= UINT64_C(1) << cap;
	cap_free(now);
	return 0;
}

/* What was asked for must be there, unless this machine or the unit never
 * had it to give. */
static int target_caps(struct target *t)
{
	uint64_t permitted = 0, effective = 0;
	char name[64];
	int r;

	r = caps_flag(CAP_PERMITTED, &permitted);
	if (!r)
		r = caps_flag(CAP_EFFECTIVE, &effective);
	if (r < 0)
		return r;
	t->bound = caps_bound();
	t->could_bound = cap_in(effective, CAP_SETPCAP);
	t->caps = t->p->caps & t->bound;
	for (int cap = 0; cap < 64; cap++) {
		if (!cap_in(t->caps & ~permitted, cap))
			continue;
		buf_addf(t->err, "the capability %s is missing",
		    cap_text(cap, name));
		return 1;
	}
	return 0;
}

/* Without CAP_SETPCAP what is left of the bounding set stays: with
 * no_new_privs nothing that we execute gets more than we have. */
static int drop_bound(struct target *t)
{
	if (!t->could_bound)
		return 0;
	for (int cap = 0; cap < 64; cap++)
		if (cap_in(t->bound & ~t->caps, cap) && cap_drop_bound(cap) < 0)
			return refuse(t, "bounding set", errno);
	return 0;
}

static int caps_apply(cap_t set, uint64_t caps)
{
	cap_value_t v;

	for (v = 0; v < 64; v++) {
		if (!cap_in(caps, v))
			continue;
		if (cap_set_flag(set, CAP_PERMITTED, 1, &v, CAP_SET) < 0 ||
		    cap_set_flag(set, CAP_EFFECTIVE, 1, &v, CAP_SET) < 0)
			return -1;
	}
	return cap_set_proc(set);
}

static int drop_caps(struct target *t)
{
	cap_t set;
	int r, e;

	if (cap_reset_ambient() < 0 && errno != EINVAL)
		return refuse(t, "ambient capabilities", errno);
	set = cap_init();
	if (!set)
		return -ENOMEM;
	r = caps_apply(set, t->caps);
	e = errno;
	cap_free(set);
	return r < 0 ? refuse(t, "capabilities", e) : 0;
}

/* ---- ids ---- */

/* Already so, and without the right to change it: the read-back judges. */
static bool ids_done(const struct target *t)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return false;
	return r == t->uid && e == t->uid && s == t->uid && rg == t->gid &&
	    eg == t->gid && sg == t->gid;
}

static int drop_ids(struct target *t)
{
	if (setgroups((size_t)t->ngroups, t->groups) < 0 &&
	    (errno != EPERM || !ids_done(t)))
		return refuse(t, "setgroups", errno);
	if (ids_done(t))
		return 0;
	if (t->caps && t->uid && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return refuse(t, "PR_SET_KEEPCAPS", errno);
	if (setresgid(t->gid, t->gid, t->gid) < 0)
		return refuse(t, "setresgid", errno);
	if (setresuid(t->uid, t->uid, t->uid) < 0)
		return refuse(t, "setresuid", errno);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return refuse(t, "PR_SET_KEEPCAPS", errno);
	return 0;
}

/* ---- seccomp ---- */

/* What this layer, malloc, stdio and the end of a process need. */
static const char *const calls_always[] = {
	"accept4", "brk", "clock_gettime", "clock_nanosleep", "close",
	"connect", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait",
	"exit", "exit_group", "fcntl", "fstat", "futex", "getcwd", "geteuid",
	"getpid", "getrandom", "getsockopt", "gettid", "gettimeofday", "lseek",
	"madvise", "mremap", "munmap", "newfstatat", "openat", "pread64",
	"read", "readlinkat", "readv", "recvmsg", "restart_syscall",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sendmsg", "sendto",
	"tgkill", "time", "write", "writev",
#ifdef WITH_SANITIZERS
	/* The leak check stops the process from a thread of its own. */
	"access", "arch_prctl", "clone", "dup", "dup2", "getdents64", "getppid",
	"getrlimit", "ioctl", "kill", "mincore", "mmap", "mprotect", "pipe",
	"pipe2", "poll", "prctl", "prlimit64", "process_vm_readv", "ptrace",
	"readlink", "sched_getaffinity", "sched_yield", "set_robust_list",
	"sigaltstack", "sysinfo", "tkill", "uname", "wait4", "waitid",
#endif
	NULL
};

/* Nothing of ours ever calls these by mistake. */
static const char *const calls_hostile[] = {
	"add_key", "bpf", "chroot", "delete_module", "execve", "execveat",
	"finit_module", "fsmount", "fsopen", "init_module", "io_uring_enter",
	"io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load",
	"keyctl", "mount", "mount_setattr", "move_mount", "open_by_handle_at",
	"open_tree", "perf_event_open", "pidfd_getfd", "pivot_root",
	"process_vm_readv", "process_vm_writev", "ptrace", "reboot",
	"request_key", "setns", "swapoff", "swapon", "umount2", "unshare",
	"userfaultfd", NULL
};

static bool listed(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static bool call_permitted(const struct privilege *p, const char *name)
{
	return listed(p->syscalls, name) || listed(calls_always, name);
}

static int filter_allow(scmp_filter_ctx ctx, const struct privilege *p,
    const char *name, struct buf *err)
{
	const struct scmp_arg_cmp family = SCMP_A0(SCMP_CMP_EQ, AF_UNIX);
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR) {
		buf_addf(err, "seccomp knows no system call %s", name);
		return 1;
	}
	if (p->unix_only && (strcmp(name, "socket") == 0 ||
	    strcmp(name, "socketpair") == 0))
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1, family);
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
}

static int filter_list(scmp_filter_ctx ctx, const struct privilege *p,
    const char *const *list, struct buf *err)
{
	int r = 0;

	for (; *list && !r; list++)
		r = filter_allow(ctx, p, *list, err);
	return r;
}

/* Data only, unless the program loads modules and says so. */
static int filter_memory(scmp_filter_ctx ctx, const struct privilege *p)
{
	const struct scmp_arg_cmp data =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r = 0;

	if (!call_permitted(p, "mmap"))
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    data);
	if (!r && !call_permitted(p, "mprotect"))
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
		    1, data);
	return r;
}

/* A thread, but no process: the flag is in the first argument everywhere but
 * on s390 and the like. */
static int filter_threads(scmp_filter_ctx ctx, const struct privilege *p,
    struct buf *err)
{
	static const char *const calls[] = {
		"set_robust_list", "rseq", "sched_getaffinity", "sched_yield", NULL
	};
	const struct scmp_arg_cmp thread =
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	int r = 0;

	if (!p->threads)
		return 0;
	if (!call_permitted(p, "clone"))
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    thread);
	for (const char *const *n = calls; *n && !r; n++)
		if (!call_permitted(p, *n))
			r = filter_allow(ctx, p, *n, err);
	return r;
}

static int filter_hostile(scmp_filter_ctx ctx, const struct privilege *p)
{
	int r = 0, nr;

	for (const char *const *n = calls_hostile; *n && !r; n++) {
		nr = seccomp_syscall_resolve_name(*n);
		if (nr != __NR_SCMP_ERROR && !call_permitted(p, *n))
			r = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, nr, 0);
	}
	/* Its flags cannot be looked at; libc falls back to clone. */
	if (!r && !call_permitted(p, "clone3"))
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	return r;
}

static int filter_fill(scmp_filter_ctx ctx, const struct privilege *p,
    struct buf *err)
{
	const char *const sockets[] = { "socket", NULL };
	int r;

	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (r)
		return r;
	/* For the admin's kernel log; not every kernel can. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	r = filter_list(ctx, p, p->syscalls, err);
	if (!r)
		r = filter_list(ctx, p, calls_always, err);
	if (!r && !listed(p->syscalls, "socket"))
		r = filter_list(ctx, p, sockets, err);
	if (!r)
		r = filter_memory(ctx, p);
	if (!r)
		r = filter_threads(ctx, p, err);
	return r ? r : filter_hostile(ctx, p);
}

static int drop_syscalls(struct target *t)
{
	scmp_filter_ctx ctx;
	int r;

	if (!t->p->syscalls)
		return 0;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return -ENOMEM;
	r = filter_fill(ctx, t->p, t->err);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? refuse(t, "seccomp", -r) : r;
}

/* ---- read back ---- */

struct status {
	char text[8192];
};

/* What stands behind "Key:", up to the end of its line. */
static struct slice status_line(const struct status *s, const char *key)
{
	struct slice all = slice_from(s->text), line, word;

	while (all.n) {
		line = slice_cut(&all, '\n');
		word = slice_cut(&line, ':');
		if (slice_is(word, key))
			return slice_trim(line);
	}
	return SLICE_NONE;
}

static int mismatch(struct target *t, const char *key, struct slice got)
{
	buf_addf(t->err, "the kernel says %s: %.*s", key, SLICE_ARG(got));
	return 1;
}

/* All four of real, effective, saved, file system. */
static int check_ids(struct target *t, const struct status *s,
    const char *key, uint32_t want)
{
	struct slice line = status_line(s, key), rest = line, word;
	uint64_t id;
	int n = 0;

	while (rest.n) {
		word = slice_cut(&rest, '\t');
		if (!slice_number(word, UINT32_MAX, &id) || id != want)
			return mismatch(t, key, line);
		n++;
	}
	return n == 4 ? 0 : mismatch(t, key, line);
}

static bool group_wanted(const struct target *t, uint64_t gid)
{
	for (int i = 0; i < t->ngroups; i++)
		if (t->groups[i] == gid)
			return true;
	return false;
}

static int check_groups(struct target *t, const struct status *s)
{
	struct slice line = status_line(s, "Groups"), rest = line, word;
	uint64_t id;

	while (rest.n) {
		word = slice_cut(&rest, ' ');
		if (word.n && (!slice_number(word, UINT32_MAX, &id) ||
		    !group_wanted(t, id)))
			return mismatch(t, "Groups", line);
	}
	return 0;
}

/* Everything of must, nothing outside may. */
static int check_caps(struct target *t, const struct status *s,
    const char *key, uint64_t must, uint64_t may)
{
	struct slice line = status_line(s, key);
	char hex[20] = "", *end;
	uint64_t got;

	if (!line.n || line.n >= sizeof(hex))
		return mismatch(t, key, line);
	memcpy(hex, line.p, line.n);
	got = strtoull(hex, &end, 16);
	if (*end || (must & ~got) || (got & ~may))
		return mismatch(t, key, line);
	return 0;
}

static int check_word(struct target *t, const struct status *s,
    const char *key, const char *want)
{
	struct slice line = status_line(s, key);

	return slice_is(line, want) ? 0 : mismatch(t, key, line);
}

static int check_status(struct target *t, const struct status *s)
{
	int r;

	r = check_ids(t, s, "Uid", t->uid);
	if (!r)
		r = check_ids(t, s, "Gid", t->gid);
	if (!r)
		r = check_groups(t, s);
	if (!r)
		r = check_caps(t, s, "CapInh", 0, 0);
	if (!r)
		r = check_caps(t, s, "CapPrm", t->caps, t->caps);
	if (!r)
		r = check_caps(t, s, "CapEff", t->caps, t->caps);
	if (!r)
		r = check_caps(t, s, "CapAmb", 0, 0);
	if (!r)
		r = check_caps(t, s, "CapBnd", 0,
		    t->could_bound ? t->caps : UINT64_MAX);
	if (!r)
		r = check_word(t, s, "NoNewPrivs", "1");
	if (!r && t->p->syscalls)
		r = check_word(t, s, "Seccomp", "2");
	return r;
}

static int read_back(struct target *t, int fd)
{
	struct status s;
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, s.text + n, sizeof(s.text) - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 && n < sizeof(s.text) - 1);
	if (got < 0)
		return refuse(t, "/proc/self/status", errno);
	s.text[n] = '\0';
	return check_status(t, &s);
}

/* ---- all of it ---- */

static int drop_rest(struct target *t)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return refuse(t, "PR_SET_NO_NEW_PRIVS", errno);
#ifndef WITH_SANITIZERS	/* the leak check reads its own process by ptrace */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return refuse(t, "PR_SET_DUMPABLE", errno);
#endif
	return 0;
}

int privilege_drop(const struct privilege *p, struct buf *err)
{
	_cleanup_(close_fd) int status = -1;
	struct target t = { .p = p, .err = err };
	int (*const steps[])(struct target *) = {
		target_user, target_caps, drop_bound, drop_ids, drop_caps,
		drop_rest, drop_syscalls,
	};
	int r;

	/* Its content is made when it is read, after all the steps. */
	status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (status < 0)
		return refuse(&t, "/proc/self/status", errno);
	for (size_t i = 0; i < countof(steps); i++) {
		r = steps[i](&t);
		if (r)
			return r;
	}
	return read_back(&t, status);
}

void limit_files(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		log_warn("core dumps stay possible: %s", strerror(errno));
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_warn("the limit of open files stays: %s", strerror(errno));
}
