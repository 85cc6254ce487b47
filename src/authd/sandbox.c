/*
 * sandbox.c: what the daemon, its children and the helpers that they exec may
 * still do.  NSS and PAM modules are programs that we do not know: files,
 * Unix and network sockets, processes, threads, ids and times are permitted;
 * ids and other files' modes are held by the capabilities.  What is missing,
 * and why: mount, namespaces, ptrace, bpf, perf, modules, kexec, keyrings,
 * clocks, swap, reboot, io_uring, userfaultfd, process_vm_*, raw i/o: no
 * account check needs them, and each has been a way out of such a process.
 */
#include "authd/authd.h"

#define CAPABILITY(number)	(UINT64_C(1) << (number))

static const char *const permitted[] = {
	/* files */ "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2",
	"fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fsetxattr",
	"fstat", "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch", "inotify_init",
	"inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lseek", "lstat", "mkdir",
	"mkdirat", "newfstatat", "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv", "pwrite64", "pwritev", "read", "readahead", "readlink",
	"readlinkat", "readv", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink",
	"symlinkat", "sync_file_range", "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
	/* sockets */ "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg",
	"sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketpair",
	/* waiting */ "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "poll", "ppoll",
	"pselect6", "select", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
	/* memory */ "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mmap", "mprotect", "mremap", "msync", "munlock", "munmap",
	"pkey_alloc", "pkey_free", "pkey_mprotect",
	/* processes and threads */ "arch_prctl", "clone", "clone3", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_wait", "futex_waitv",
	"futex_wake", "get_robust_list", "get_thread_area", "getcpu", "getitimer", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom",
	"getrlimit", "getrusage", "getsid", "gettid", "kill", "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "restart_syscall", "rseq",
	"sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_yield",
	"set_robust_list", "set_thread_area", "set_tid_address", "setitimer", "setpgid", "setpriority", "setrlimit", "setsid", "tgkill", "tkill", "vfork",
	"wait4", "waitid", "waitpid",
	/* signals */ "alarm", "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "sigaltstack",
	/* ids: capabilities decide */ "capget", "capset", "getegid", "geteuid", "getgid", "getgroups", "getresgid", "getresuid", "getuid", "setfsgid",
	"setfsuid", "setgid", "setgroups", "setregid", "setresgid", "setresuid", "setreuid", "setuid",
	/* time and the system's name */ "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "sysinfo", "time", "timer_create",
	"timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "times", "uname",
	/* System V memory and semaphores of modules */ "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
	NULL,
};

int sandbox_enter(struct buf *err)
{
	struct privilege p = {
		.caps = CAPABILITY(0) |		/* CHOWN: pam_faillock's records */
		    CAPABILITY(1) |		/* DAC_OVERRIDE: the same */
		    CAPABILITY(3) |		/* FOWNER: the same */
		    CAPABILITY(29),		/* AUDIT_WRITE: PAM's audit records */
		.syscalls = permitted,
	};

	return privilege_drop(&p, err);
}
