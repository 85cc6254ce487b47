#!/usr/bin/env python3
"""Mixed load on dockbroker: reads, creates and requests that are refused.

usage: load.py UID SOCKET SECONDS OUT [WORKERS]

Every create has a name of its own.  OUT gets a line for each request: KIND
NAME STATUS MILLISECONDS MESSAGE, with status 0 when no answer came (connection
ended or refused).  KIND is read, create, privileged (refused by policy) or nonsense
(no such endpoint).
"""
import http.client
import json
import os
import random
import socket
import sys
import threading
import time

UID, PATH, SECONDS, OUT = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
WORKERS = int(sys.argv[5]) if len(sys.argv) > 5 else 6
os.setgroups([])
os.setgid(UID)
lock = threading.Lock()
out = open(OUT, "a")
os.setuid(UID)
RUN = "%x" % random.getrandbits(32)


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(PATH)


def one(c, kind, name):
    if kind == "read":
        c.request("GET", "/containers/json")
    elif kind == "nonsense":
        c.request("GET", "/no/such/endpoint")
    else:
        body = {"Image": "busybox"}
        if kind == "privileged":
            body["HostConfig"] = {"Privileged": True}
        c.request("POST", "/containers/create?name=" + name, json.dumps(body),
                  {"Content-Type": "application/json"})
    r = c.getresponse()
    body = r.read()
    message = json.loads(body).get("message", "") if r.status >= 400 else ""
    return r.status, message


def work(number, end):
    c, i = Unix("docker"), 0
    kinds = ["read"] * 4 + ["create"] * 4 + ["privileged", "nonsense"]
    rng = random.Random(number)
    while time.monotonic() < end:
        i += 1
        kind, name = rng.choice(kinds), "c-%s-%d-%d" % (RUN, number, i)
        began = time.monotonic()
        try:
            status, message = one(c, kind, name)
        except (OSError, http.client.HTTPException):
            status, message = 0, ""
            c.close()
        with lock:
            out.write("%s %s %d %d %s\n" % (
                kind, name, status, (time.monotonic() - began) * 1000, message))
        time.sleep(0.05 if status in (0, 503) else 0.004)


threads = [threading.Thread(target=work, args=(n, time.monotonic() + SECONDS))
           for n in range(WORKERS)]
for t in threads:
    t.start()
for t in threads:
    t.join()
out.close()
