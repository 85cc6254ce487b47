"""A command on a terminal of its own, driven step by step.

term.py [STEP]... -- COMMAND...
  size=ROWSxCOLS  size of the terminal, now; first: at its start
  expect=TEXT     wait until TEXT comes, behind what was expected before; a new
                  size is told again each second meanwhile: docker's command
                  line sets its first size before it listens for others, and
                  one that comes in between is lost on it
  send=TEXT       type it; ^X is a control character, \\r the return key

What came is printed in the end, and the exit code is the command's; 99 when
a step failed or took longer than 20 seconds.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


def set_size(fd, value):
    rows, cols = map(int, value.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def typed(value):
    value = value.replace("\\r", "\r")
    return re.sub(r"\^(.)", lambda m: chr(ord(m[1]) & 31), value).encode()


class Terminal:
    def __init__(self, command, size):
        self.out, self.at, self.resized = b"", 0, None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            set_size(0, size)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execvp(command[0], command)

    def more(self, until):
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.out += data
        return bool(data)

    def expect(self, value):
        until = time.monotonic() + 20
        while True:
            found = self.out.find(value.encode(), self.at)
            if found >= 0:
                self.at = found + len(value)
                return
            second = min(until, time.monotonic() + 1)
            if self.more(second):
                continue
            if second == until or not self.alive():
                self.finish("did not come: %s" % value)
            if self.resized:
                os.killpg(os.tcgetpgrp(self.fd), signal.SIGWINCH)

    def alive(self):
        return os.waitid(os.P_PID, self.pid,
                         os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def resize(self, value):
        self.resized = value
        set_size(self.fd, value)

    def finish(self, fault=None):
        if fault and self.alive():
            os.kill(self.pid, signal.SIGKILL)
        until = time.monotonic() + 20
        while self.more(until):
            pass
        sys.stdout.buffer.write(self.out)
        sys.stdout.flush()
        if fault:
            print("term: " + fault, file=sys.stderr)
            sys.exit(99)
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                sys.exit(os.waitstatus_to_exitcode(status))
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        print("term: it did not end", file=sys.stderr)
        sys.exit(99)


def main():
    cut = sys.argv.index("--")
    steps = [s.split("=", 1) for s in sys.argv[1:cut]]
    size = "24x80"
    if steps and steps[0][0] == "size":
        size = steps.pop(0)[1]
    t = Terminal(sys.argv[cut + 1:], size)
    for verb, value in steps:
        if verb == "expect":
            t.expect(value)
        elif verb == "send":
            os.write(t.fd, typed(value))
        elif verb == "size":
            t.resize(value)
        else:
            t.finish("no such step: %s" % verb)
    t.finish()


main()
