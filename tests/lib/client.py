"""Clients that are not Go's: raw HTTP on a Unix socket.

keepalive SOCKET NAME     docker-py's way: many requests on one connection, the
                          last a hijack (attach to NAME, whose stdin it feeds)
attach SOCKET NAME        hijack without Upgrade, feed, half-close, read on
websocket SOCKET NAME     attach by websocket, feed, read, close
events SOCKET             the status at once, then how many milliseconds old
                          the oldest of three created volumes' events was
request SOCKET METHOD TARGET [BODY [TYPE]]
                          one request; prints the status and the body
upgrade SOCKET TARGET     POST with Upgrade: h2c
"""
import base64
import hashlib
import http.client
import json
import os
import socket
import struct
import sys
import time


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(path)
    return s


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker")
        self.path = path
        self.opened = 0

    def connect(self):
        self.opened += 1
        self.sock = connect(self.path)


def head(s):
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(1)
        if not more:
            sys.exit("closed inside the head: %r" % data)
        data += more
    return data.decode().split("\r\n")


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


def frames(s):
    """Engine's multiplexed stream, as (number of stream, bytes)."""
    while True:
        h = exactly(s, 8)
        if h is None:
            return
        yield h[0], exactly(s, struct.unpack(">I", h[4:])[0])


def hijack(s, name, upgrade):
    extra = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else ""
    s.sendall(("POST /v1.41/containers/%s/attach?stream=1&stdin=1&stdout=1"
               "&stderr=1 HTTP/1.1\r\nHost: docker\r\n%sContent-Length: 0\r\n"
               "\r\n" % (name, extra)).encode())
    status = head(s)[0].split(" ")[1]
    print(status)
    if status not in ("101", "200"):
        sys.exit("refused")


def feed(s):
    """Half-close, and the answer comes all the same."""
    s.sendall(b"one\n")
    s.sendall(b"two\n")
    s.shutdown(socket.SHUT_WR)
    out = {1: b"", 2: b""}
    for stream, data in frames(s):
        out[stream] += data
    print("stdout:", out[1].decode().split())
    print("stderr:", out[2].decode().split())


def keepalive(path, name):
    c = Connection(path)
    seen = []
    for _ in range(5):
        for target in ("/_ping", "/version", "/v1.41/containers/json?all=True",
                       "/v1.41/images/json", "/v1.41/containers/none/json"):
            c.request("GET", target)
            r = c.getresponse()
            r.read()
            seen.append(r.status)
        c.request("POST", "/v1.41/containers/%s/rename?name=%s" % (name, name))
        r = c.getresponse()
        r.read()
        seen.append(r.status)
    print(sorted(set(seen)), c.opened)
    hijack(c.sock, name, True)
    c2 = Connection(path)
    c2.request("POST", "/v1.41/containers/%s/start" % name)
    print(c2.getresponse().status)
    feed(c.sock)


def attach(path, name):
    s = connect(path)
    hijack(s, name, False)
    feed(s)


def frame(kind, data):
    mask = os.urandom(4)
    body = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
    return bytes([0x80 | kind, 0x80 | len(data)]) + mask + body


def receive(s):
    h = exactly(s, 2)
    if h is None:
        return None, b""
    n = h[1] & 127
    if n == 126:
        n = struct.unpack(">H", exactly(s, 2))[0]
    return h[0] & 15, exactly(s, n)


def websocket(path, name):
    s = connect(path)
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall(("GET /v1.41/containers/%s/attach/ws?stream=1&stdin=1&stdout=1 "
               "HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nOrigin: http://docker\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
               % (name, key)).encode())
    first = head(s)
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1((key + guid).encode()).digest())
    print(first[0].split(" ")[1], any(
        h.lower() == "sec-websocket-accept: " + accept.decode().lower()
        for h in first))
    if " 101 " not in first[0]:
        sys.exit("refused")
    s.sendall(frame(2, b"by websocket\n"))
    got = b""
    while b"by websocket\n" not in got:
        kind, data = receive(s)
        if kind is None or kind == 8:
            sys.exit("closed early")
        got += data
    print(got.decode().split())
    s.sendall(frame(8, b"\x03\xe8"))
    while receive(s)[0] is not None:
        pass
    print("closed")


def events(path):
    c = Connection(path)
    c.request("GET", "/v1.41/events")
    r = c.getresponse()
    print(r.status, flush=True)
    worst, left = 0, 3
    while left:
        event = json.loads(line(r))
        if event["Type"] == "volume" and event["Action"] == "create":
            worst = max(worst, time.time() - event["timeNano"] / 1e9)
            left -= 1
    print(int(worst * 1000))


def line(r):
    data = b""
    while not data.endswith(b"\n"):
        data += r.read(1)
    return data


def request(path, method, target, body=None, kind="application/json"):
    c = Connection(path)
    c.request(method, target, body, {"Content-Type": kind} if body else {})
    r = c.getresponse()
    print(r.status)
    print(r.read().decode().strip())


def upgrade(path, target):
    s = connect(path)
    s.sendall(("POST %s HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
               "Upgrade: h2c\r\n\r\n" % target).encode())
    first = head(s)
    print(first[0].split(" ")[1])
    length = [h.split(":")[1] for h in first if h.startswith("Content-Length:")]
    print(exactly(s, int(length[0])).decode())


verbs = {f.__name__: f for f in
         (keepalive, attach, websocket, events, request, upgrade)}
verbs[sys.argv[1]](*sys.argv[2:])
