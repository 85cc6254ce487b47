#!/usr/bin/env python3
"""Asks again and again on ONE kept-alive connection while something changes.

usage: keep.py UID SOCKET TARGET FIRST THEN SECONDS COMMAND [ARGUMENT]...

Becomes UID, connects to SOCKET, asks `GET TARGET' every 100 ms.  The first
answer must have status FIRST; then COMMAND runs as root.  Prints the seconds
from the start of COMMAND until an answer with status THEN came on the same
connection, and that answer's message.  Exit code 1 when it took longer than
SECONDS, when the connection ended, or when another status came.
"""
import http.client
import json
import os
import socket
import subprocess
import sys
import time


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=30)
        self.path = path

    def connect(self):
        if self.sock is not None or getattr(self, "connected", False):
            raise SystemExit("the connection was not kept")
        self.connected = True
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def ask(c, target):
    c.request("GET", target)
    r = c.getresponse()
    return r.status, r.read()


def child(uid, path, target, first, then, seconds, go, out):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    c = Unix(path)
    status, body = ask(c, target)
    if status != first:
        raise SystemExit("first answer: %d %s" % (status, body.decode()))
    os.write(out, b"x")
    began = float(os.read(go, 64))
    while time.monotonic() - began < seconds + 5:
        status, body = ask(c, target)
        took = time.monotonic() - began
        if status == then:
            text = json.loads(body).get("message", "") if status >= 400 else ""
            print("%.2f %s" % (took, text), flush=True)
            os._exit(0 if took <= seconds else 1)
        if status != first:
            raise SystemExit("then: %d %s" % (status, body.decode()))
        time.sleep(0.1)
    raise SystemExit("still %d after %.1f s" % (first, seconds + 5))


def main():
    uid, path, target, first, then, seconds = sys.argv[1:7]
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready[0])
        try:
            child(int(uid), path, target, int(first), int(then), float(seconds),
                  go[0], ready[1])
        except SystemExit as e:
            print(e, flush=True)
        except Exception as e:
            print("%s: %s" % (type(e).__name__, e), flush=True)
        os._exit(1)
    os.close(ready[1])
    if os.read(ready[0], 1):
        os.write(go[1], b"%f" % time.monotonic())
        subprocess.run(sys.argv[7:], check=True, stdout=subprocess.DEVNULL)
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
