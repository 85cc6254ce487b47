#!/usr/bin/env python3
"""Checks an audit log, written anew from dockbroker-audit(5), not from the C.

usage: verify_log.py [--engine LOG] [--load OUT] [--killed] FILE...

FILEs are one log, the oldest first.  Checked: every line is whole JSON, seq
goes on by one and prev is the SHA-256 of the line before; n of each instance
goes on by one from 1; no id has an event twice, and no result stands before
its request.  With the stub Engine's LOG: nothing reached the Engine that was
not recorded at that moment, and nothing twice.  With the load's OUT: every
create that was answered 201 reached the Engine and has request and result, and
none that was answered otherwise reached it.  A broker that is killed takes the
results with it that it had not sent: with --killed they are counted only, as
`unfinished'.  Prints counts as KEY=VALUE; faults go to stderr, exit code 1.
"""
import argparse
import collections
import hashlib
import json
import sys

faults = 0


def fault(text):
    global faults
    faults += 1
    if faults <= 20:
        print(text, file=sys.stderr)


def read_log(files):
    last, seq, records = "0" * 64, 0, []
    for name in files:
        data = open(name, "rb").read()
        if data and not data.endswith(b"\n"):
            fault("%s: the last line is torn" % name)
        for line in data.split(b"\n")[:-1]:
            try:
                r = json.loads(line)
            except ValueError:
                fault("%s: no JSON behind seq %d: %r" % (name, seq, line[:80]))
                continue
            if r["seq"] != seq + 1:
                fault("seq %d follows %d" % (r["seq"], seq))
            if r["prev"] != last:
                fault("seq %d: prev is not the hash of the line before" % r["seq"])
            seq, last = r["seq"], hashlib.sha256(line).hexdigest()
            records.append(r)
    return records


def check_records(records):
    n, seen = collections.defaultdict(int), collections.Counter()
    for r in records:
        for field in ("time", "host", "boot", "event"):
            if not r.get(field):
                fault("seq %d has no %s" % (r["seq"], field))
        if "instance" in r:
            if r["n"] != n[r["instance"]] + 1:
                fault("seq %d: n %d follows %d" % (r["seq"], r["n"], n[r["instance"]]))
            n[r["instance"]] = r["n"]
        if "id" not in r:
            continue
        seen[r["id"], r["event"]] += 1
        if seen[r["id"], r["event"]] > 1:
            fault("seq %d: id %d has event %s twice" % (r["seq"], r["id"], r["event"]))
        if r["event"] == "result" and not seen[r["id"], "request"]:
            fault("seq %d: result of id %d without request" % (r["seq"], r["id"]))
    return len(n)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--engine")
    p.add_argument("--load", action="append", default=[])
    p.add_argument("--killed", action="store_true")
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    records = read_log(a.files)
    instances = check_records(records)
    events = collections.Counter(r["event"] for r in records)
    # What was let through: the record of the request, by the name it gave.
    asked = collections.Counter(r["name"] for r in records if r["event"] == "request"
                                and r.get("action") == "container.create")
    ids = {r["name"]: r["id"] for r in records if r["event"] == "request" and "name" in r}
    results = {r["id"]: r for r in records if r["event"] == "result"}
    reached = collections.Counter()
    if a.engine:
        for line in open(a.engine):
            words = line.split()
            if words[0] != "POST" or "/containers/create" not in words[1]:
                continue
            reached[words[2]] += 1
            if words[3:] != ["recorded"]:
                fault("create %s reached the Engine before its record" % words[2])
            if reached[words[2]] > 1:
                fault("create %s reached the Engine twice" % words[2])
            if asked[words[2]] != 1:
                fault("create %s has %d request records" % (words[2], asked[words[2]]))
    answers, unfinished = collections.Counter(), 0
    for name in a.load:
        for line in open(name):
            kind, name, status, _, text = line.rstrip("\n").split(" ", 4)
            answers[kind + "_" + status] += 1
            if kind == "create" and status == "201":
                if not reached[name]:
                    fault("create %s was answered 201 but did not reach the Engine" % name)
                result = results.get(ids.get(name))
                if a.killed and not result:
                    unfinished += 1
                elif not result or result["status"] != 201:
                    fault("create %s was answered 201 but has no such result" % name)
            elif kind == "create" and status != "0":
                if reached[name]:
                    fault("create %s was answered %s %s but reached the Engine" %
                          (name, status, text))
                if status != "503":
                    fault("create %s was answered %s %s" % (name, status, text))
            elif kind in ("privileged", "nonsense") and reached[name]:
                fault("%s %s reached the Engine" % (kind, name))
    print("lines=%d" % len(records))
    print("instances=%d" % instances)
    print("reached=%d" % sum(reached.values()))
    print("unfinished=%d" % unfinished)
    for k, v in sorted(events.items()):
        print("event_%s=%d" % (k.replace("-", "_"), v))
    for k, v in sorted(answers.items()):
        print("%s=%d" % (k, v))
    print("faults=%d" % faults)
    sys.exit(1 if faults else 0)


main()
