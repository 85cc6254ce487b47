#!/usr/bin/env python3
"""Has a running process make system calls, to see what its seccomp says.

usage: inject.py PID NAME:ARG[:ARG]...

Stops the process by ptrace (x86-64), lets it execute each call with the given
numbers, prints `CALL done' or `CALL ERRNO', and lets it go on as if nothing had
been.  A descriptor that came of it is closed; socketpair gets a pointer to
nowhere, so that without a filter it would say EFAULT.
"""
import ctypes
import errno
import os
import sys

NUMBERS = {"socket": 41, "socketpair": 53, "close": 3}
ATTACH, DETACH, GETREGS, SETREGS, SYSCALL, CONT = 16, 17, 12, 13, 24, 7
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip "
         "cs eflags rsp ss fs_base gs_base ds es fs gs").split()


class Registers(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulonglong) for n in NAMES]


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
pid = int(sys.argv[1])


def ptrace(request, data=None):
    if libc.ptrace(request, pid, None, data) < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))


def wait():
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        sys.exit("the process ended: %d" % status)


def call(saved, number, arguments):
    """From inside the call that it waits in: its `syscall' is two bytes back."""
    regs = Registers.from_buffer_copy(saved)
    regs.rip -= 2
    regs.rax, regs.orig_rax = number, 2 ** 64 - 1
    for name, value in zip(("rdi", "rsi", "rdx", "r10"), arguments + [0] * 4):
        setattr(regs, name, value)
    ptrace(SETREGS, ctypes.byref(regs))
    for _ in range(2):
        ptrace(SYSCALL)
        wait()
    ptrace(GETREGS, ctypes.byref(regs))
    return ctypes.c_longlong(regs.rax).value


def main():
    ptrace(ATTACH)
    wait()
    saved = Registers()
    ptrace(GETREGS, ctypes.byref(saved))
    with open("/proc/%d/mem" % pid, "rb", 0) as mem:
        mem.seek(saved.rip - 2)
        code = mem.read(2)
    try:
        if code != b"\x0f\x05":
            sys.exit("it does not wait in a system call")
        for spec in sys.argv[2:]:
            name, *arguments = spec.split(":")
            got = call(saved, NUMBERS[name], [int(a) for a in arguments])
            if got >= 0:
                call(saved, NUMBERS["close"], [got])
            print(spec, "done" if got >= 0 else errno.errorcode[-got])
    finally:
        ptrace(SETREGS, ctypes.byref(saved))
        ptrace(DETACH)


main()
