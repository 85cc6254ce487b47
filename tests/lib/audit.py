"""The audit log, read by somebody who knows only dockbroker-audit(5).

find LOG KEY=VALUE...   print the first line that has all; waits 3 seconds
seen LOG KEY=VALUE...   the same without waiting
verify LOG              the chain, the numbers, and each request's one result
absent LOG... SECRET    SECRET (standard input, one a line) is in none of them
"""
import hashlib
import json
import sys
import time


def lines(path):
    with open(path, "rb") as f:
        data = f.read()
    # The last line may be half written at this moment.
    return data.split(b"\n")[:-1]


def text(value):
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def seen(path, wanted):
    pairs = [w.split("=", 1) for w in wanted]
    for raw in lines(path):
        record = json.loads(raw)
        if all(k in record and text(record[k]) == v for k, v in pairs):
            print(raw.decode())
            return 0
    return 1


def find(path, wanted):
    end = time.monotonic() + 3
    while seen(path, wanted):
        if time.monotonic() > end:
            return 1
        time.sleep(0.05)
    return 0


def verify(path):
    prev, seq, n = "0" * 64, 0, {}
    requests, results = set(), set()
    for raw in lines(path):
        record = json.loads(raw)
        seq += 1
        if record["seq"] != seq or record["prev"] != prev:
            sys.exit("line %d does not fit the line before" % seq)
        prev = hashlib.sha256(raw).hexdigest()
        if "instance" in record:
            who = record["instance"]
            n[who] = n.get(who, 0) + 1
            if record["n"] != n[who]:
                sys.exit("line %d is number %d, not %d" % (seq, record["n"], n[who]))
        event = record["event"]
        if event == "request":
            requests.add(record["id"])
        elif event == "result":
            if record["id"] in results or record["id"] not in requests:
                sys.exit("line %d is a result of nothing" % seq)
            results.add(record["id"])
    if requests != results:
        sys.exit("no result: %s" % sorted(requests - results))
    print("%d lines, %d requests" % (seq, len(requests)))
    return 0


def absent(paths):
    secrets = [s.encode() for s in sys.stdin.read().split()]
    if not secrets:
        sys.exit("no secrets given")
    for path in paths:
        with open(path, "rb") as f:
            data = f.read()
        for secret in secrets:
            if secret in data:
                sys.exit("%s is in %s" % (secret.decode(), path))
    return 0


def main():
    verb, rest = sys.argv[1], sys.argv[2:]
    if verb == "find":
        return find(rest[0], rest[1:])
    if verb == "seen":
        return seen(rest[0], rest[1:])
    if verb == "verify":
        return verify(rest[0])
    if verb == "absent":
        return absent(rest)
    return 64


sys.exit(main())
