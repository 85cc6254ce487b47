"""What clients ask of an Engine, so that two ways to it can be compared.

  compare.py run SOCKET [SCENE...]    do it all, print what came as JSON
  compare.py diff FILE FILE           the differences of two of these; 1 if any
  compare.py list                     the scenes

Ids become ID1, ID2 ... in the order they appear in a scene, times T, addresses
IP.  What the broker changes on purpose is taken out of both: its labels, the
dropped MKNOD, the control group's parent.  Everything else has to be the same:
status, headers, bodies, the texts of errors, and when what of a stream comes.
"""
import base64
import io
import json
import os
import re
import select
import socket
import struct
import sys
import tarfile
import time
import urllib.parse

IMAGE = "box:1"
HEADERS_ASIDE = {"date", "content-length", "transfer-encoding", "connection"}
LIMIT = 20


# ---- HTTP over a Unix socket, as plain as it gets ----

class Answer:
    def __init__(self, status, reason, headers, body):
        self.status, self.reason = status, reason
        self.headers, self.body = headers, body

    def json(self):
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(path)
        self.rest = b""

    def send(self, method, target, headers, body):
        head = ["%s %s HTTP/1.1" % (method, target), "Host: docker"]
        head += ["%s: %s" % h for h in headers.items()]
        self.sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        if body:
            self.sock.sendall(body)

    def more(self):
        data = self.sock.recv(65536)
        self.rest += data
        return data

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                raise EOFError("no head: %r" % self.rest)
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        _, status, reason = (lines[0] + " ").split(" ", 2)
        headers = {}
        for line in lines[1:]:
            key, _, value = line.partition(":")
            headers[key.lower()] = value.strip()
        return int(status), reason.strip(), headers

    def take(self, n):
        while len(self.rest) < n:
            if not self.more():
                raise EOFError("cut off")
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def line(self):
        while b"\r\n" not in self.rest:
            if not self.more():
                raise EOFError("cut off")
        out, _, self.rest = self.rest.partition(b"\r\n")
        return out

    def chunk(self):
        size = int(self.line().split(b";")[0], 16)
        data = self.take(size)
        self.line()
        return data

    def to_end(self):
        while self.more():
            pass
        out, self.rest = self.rest, b""
        return out

    def body(self, method, status, headers):
        if method == "HEAD" or status in (204, 304) or status < 200:
            return b""
        if headers.get("transfer-encoding") == "chunked":
            out = b""
            while True:
                data = self.chunk()
                if not data:
                    return out
                out += data
        if "content-length" in headers:
            return self.take(int(headers["content-length"]))
        return self.to_end()

    def close(self):
        self.sock.close()


def demux(data):
    """The streams of attach and logs without a terminal."""
    out = {}
    while len(data) >= 8:
        kind, size = struct.unpack(">BxxxI", data[:8])
        name = {0: "in", 1: "out", 2: "err"}.get(kind, str(kind))
        out[name] = out.get(name, "") + data[8:8 + size].decode("latin-1")
        data = data[8 + size:]
    if data:
        out["rest"] = data.decode("latin-1")
    return out


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, text in files.items():
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o644, 1
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def untar(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        return sorted("%s %o %d %s" % (m.name, m.mode, m.size, m.type)
                      for m in t.getmembers())


# ---- making two runs alike ----

ID = re.compile(r"(?<![0-9a-f])([0-9a-f]{64}|[0-9a-f]{12})(?![0-9a-f])")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ADDRESS = re.compile(r"\b(172|192\.168)\.\d+\.\d+(\.\d+)?(/\d+)?")
MAC = re.compile(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b")
RANDOM = re.compile(r"^/?[a-z]+_[a-z]+\d?$")
NUMBERS = {"IPPrefixLen", "Created", "time", "timeNano", "Pid", "ResolvConfPath"}
# Requests that the broker refuses, or answers, before the Engine has seen them.
INTENDED = [
    ["images", "load rubbish: POST /images/load"],
    ["images", "bad: GET /images/Bad%20Name/json"],
]
# The guard in front, of which inspect tells; and what newer Engines add to a
# read-only bind of old clients, which the guard makes read-only as a whole.
ASIDE = {"Runtime", "ReadOnlyNonRecursive"}
ZERO_TIME = "0001-01-01T00:00:00Z"


class Alike:
    def __init__(self):
        self.ids = []

    def id(self, m):
        got = m.group(1)
        for i, known in enumerate(self.ids):
            if known == got:
                return "ID%d" % i
            if len(got) == 12 and known.startswith(got):
                return "ID%d.short" % i
        self.ids.append(got)
        return "ID%d" % (len(self.ids) - 1)

    def text(self, s):
        s = ID.sub(self.id, s)
        s = TIME.sub(lambda m: ZERO_TIME if m.group() == ZERO_TIME else "T", s)
        s = ADDRESS.sub("IP", s)
        s = re.sub(r"(bind source|Getting|rig)[^ ]*/tmp/\S+", "PATH", s)
        return MAC.sub("MAC", s)

    def value(self, key, v):
        if isinstance(v, dict):
            v = {k: x for k, x in v.items() if not k.startswith("dockbroker.")
                 and k != "com.docker.volume.anonymous"}
            if key == "Labels" and not v:
                return None
            return self.object(v)
        if isinstance(v, list):
            if key == "Mounts":     # the Engine's order is none
                v = sorted(v, key=lambda m: m.get("Destination") or
                           m.get("Target") or "")
            if key == "Ports" or v and isinstance(v[0], dict) and \
                    set(v[0]) == {"Path", "Kind"}:
                v = sorted(v, key=json.dumps)
            out = [self.value(key, x) for x in v]
            if key == "CapDrop":
                out = [x for x in out if x not in ("MKNOD", "CAP_MKNOD")]
                out = out or None
            return out
        if isinstance(v, bool) or v is None:
            return v
        if isinstance(v, (int, float)):
            return "N" if key in NUMBERS and v else v
        if key == "Status":
            v = re.sub(r"^(Up|Exited \(\d+\)|Created) .*", r"\1", v)
        if key == "CgroupParent":
            return "" if v.strip("/").startswith("dockbroker") else v
        if key in ("HostPort", "PublicPort") and v.isdigit() \
                and int(v) >= 32768:
            return "P"
        if key in ("Id", "ID", "Image", "ImageID", "NetworkID", "Parent") \
                and ID.fullmatch(v):
            return self.text(v)
        return self.text(v)

    def object(self, o):
        out = {}
        for key in sorted(o):
            v = o[key]
            if key in ASIDE:
                continue
            if key == "Source" and o.get("Type") == "volume":
                continue    # of nameless ones a list tells it once it was asked
            if key.startswith("dockbroker."):
                continue
            if key == "PublicPort" and isinstance(v, int) and v >= 32768:
                v = "P"
            out[self.text(key)] = self.value(key, v)
        return out

    def body(self, kind, data):
        text = data.decode("utf-8", "backslashreplace")
        if kind and kind.startswith("application/json"):
            try:
                return self.value("", json.loads(text))
            except ValueError:
                pass
            try:
                return [self.value("", json.loads(x))
                        for x in re.split(r"\r?\n", text) if x]
            except ValueError:
                pass
        return self.text(text)


def shape(v):
    """Types instead of values."""
    if isinstance(v, dict):
        return {k: shape(x) for k, x in sorted(v.items())}
    if isinstance(v, list):
        return [shape(v[0])] if v else []
    return type(v).__name__


# ---- one run ----

class Client:
    def __init__(self, path):
        self.path, self.log, self.scene = path, [], ""
        self.alike, self.version = Alike(), ""

    def note(self, what, value):
        self.log.append([self.scene, what, value])

    def target(self, path, query):
        out = self.version + path
        if query:
            pairs = []
            for key, value in query.items():
                if key == "filters" and not isinstance(value, str):
                    value = json.dumps(value)
                for v in value if isinstance(value, list) else [value]:
                    pairs.append((key, v))
            out += "?" + urllib.parse.urlencode(pairs)
        return out

    def request(self, method, path, query=None, body=None, kind=None,
                headers=None, wire=None):
        w = wire or Wire(self.path)
        head = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), "application/json"
        if body is not None:
            head["Content-Type"] = kind or "application/x-tar"
            head["Content-Length"] = str(len(body))
        elif method in ("POST", "PUT"):
            head["Content-Length"] = "0"
        w.send(method, self.target(path, query), head, body)
        status, reason, got = w.head()
        data = w.body(method, status, got)
        if wire is None:
            w.close()
        return Answer(status, reason, got, data)

    def headers(self, got):
        out = {k: self.alike.text(v) for k, v in got.items()
               if k not in HEADERS_ASIDE}
        if "x-docker-container-path-stat" in out:
            stat = json.loads(base64.b64decode(
                got["x-docker-container-path-stat"]))
            out["x-docker-container-path-stat"] = self.alike.object(stat)
            stat.pop("mtime", None)
        return out

    def ask(self, what, method, path, query=None, body=None, kind=None,
            headers=None, see="body", **over):
        """Asks and notes the answer.  SEE: body, shape, tar, sorted, none."""
        a = self.request(method, path, query, body, kind, headers)
        note = {"status": "%d %s" % (a.status, a.reason),
                "headers": self.headers(a.headers)}
        kind = a.headers.get("content-type")
        if see == "shape":
            note["body"] = shape(json.loads(a.body or b"null"))
        elif see == "tar" and a.status == 200:
            note["body"] = untar(a.body)
        elif see == "demux":
            note["body"] = demux(a.body)
        elif see == "names" and a.status == 200:
            note["body"] = sorted(json.dumps(self.alike.value("", n))
                                  for n in over["names"](a.json()))
        elif see != "none":
            note["body"] = self.alike.body(kind, a.body)
        if a.status >= 400:     # the broker's own say less of the Engine
            for h in ("ostype", "server", "docker-experimental",
                      "api-version", "x-content-type-options"):
                note["headers"].pop(h, None)
            if see == "none":
                note["headers"].pop("content-type", None)
        self.note("%s: %s %s" % (what, method, self.alike.text(path)), note)
        return a

    def get(self, what, path, query=None, **k):
        return self.ask(what, "GET", path, query, **k)

    def post(self, what, path, query=None, body=None, **k):
        return self.ask(what, "POST", path, query, body, **k)

    def delete(self, what, path, query=None, **k):
        return self.ask(what, "DELETE", path, query, **k)

    def create(self, name, cmd=("sleep", "1000"), what="create", **body):
        body.setdefault("Image", IMAGE)
        body["Cmd"] = list(cmd) if cmd else None
        query = {"name": name} if name else None
        a = self.post(what, "/containers/create", query, body)
        return a.json().get("Id")

    def start(self, cid):
        return self.post("start", "/containers/%s/start" % cid)

    def run(self, name, cmd=("sleep", "1000"), **body):
        cid = self.create(name, cmd, **body)
        self.start(cid)
        return cid

    def inspect(self, what, name):
        return self.get(what, "/containers/%s/json" % name)

    def wait(self, cid):
        return self.post("wait", "/containers/%s/wait" % cid)

    def rm(self, *names, **query):
        query = dict({"force": "1", "v": "1"}, **query)
        for name in names:
            self.delete("rm", "/containers/%s" % name, query)

    def stream(self, what, method, path, query=None, body=None, upgrade=None,
               stdin=None, want=b"", mux=False, act=None, shut=True):
        """Attach, logs -f, events, wait: the head must come at once, then ACT
        is done, then WANT (a pattern) or the end is waited for."""
        w = Wire(self.path)
        head = {}
        if upgrade:
            head = {"Connection": "Upgrade", "Upgrade": upgrade}
        data = json.dumps(body).encode() if body is not None else None
        if data is not None:
            head["Content-Type"] = "application/json"
        if data is not None or method == "POST":
            head["Content-Length"] = str(len(data or b""))
        start = time.time()
        w.send(method, self.target(path, query), head, data)
        status, reason, got = w.head()
        note = {"status": "%d %s" % (status, reason),
                "headers": self.headers(got), "quick": time.time() - start < 3,
                "chunked": "transfer-encoding" in got,
                "length": "content-length" in got}
        if act:
            act()
        if stdin is not None:
            if not mux:
                time.sleep(0.7)     # else the echo may come before all else
            w.sock.sendall(stdin)
            if shut:
                w.sock.shutdown(socket.SHUT_WR)
        out = b""
        start = time.time()
        try:
            while not (want and re.search(want, out, re.S)):
                if "transfer-encoding" in got:
                    piece = w.chunk()
                elif "content-length" in got:
                    piece = w.body(method, status, got)
                    out += piece
                    break
                else:
                    piece = w.rest or w.more() and w.rest
                    w.rest = b""
                if not piece:
                    break
                out += piece
        except (socket.timeout, EOFError) as e:
            note["error"] = type(e).__name__
        note["soon"] = time.time() - start < 8
        w.close()
        kind = got.get("content-type")
        note["body"] = demux(out) if mux else self.alike.body(kind, out)
        self.note("%s: %s %s" % (what, method, self.alike.text(path)), note)
        return out


def names(key):
    return lambda v: [x[key] for x in v]


SCENES = {}


def scene(f):
    SCENES[f.__name__] = f
    return f


# ---- both ----

def become(who):
    """UID:GID,GID..."""
    uid, _, gids = who.partition(":")
    gids = [int(g) for g in gids.split(",")]
    os.setgroups(gids)
    os.setgid(gids[0])
    os.setuid(int(uid))


def run(path, chosen):
    c = Client(path)
    for name in chosen or SCENES:
        c.scene, c.alike, c.version = name, Alike(), "/v1.41"
        start = time.time()
        try:
            SCENES[name](c)
        except Exception as e:      # the rest of the scene is missing then
            c.note("broken off", "%s: %s" % (type(e).__name__, e))
            print("%s: %r" % (name, e), file=sys.stderr)
        print("%s %.1f s" % (name, time.time() - start), file=sys.stderr)
    json.dump(c.log, sys.stdout, indent=1)
    return 0


def differ(where, a, b, out):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            differ("%s.%s" % (where, key), a.get(key, "(none)"),
                   b.get(key, "(none)"), out)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            differ("%s[%d]" % (where, i), x, y, out)
    elif a != b:
        out.append("%s\n  - %s\n  + %s" % (where, json.dumps(a),
                                           json.dumps(b)))


def refused(a, b):
    """A request that both refuse; the broker says why in its own words."""
    def status(x):
        return int(x["status"].split()[0]) if isinstance(x, dict) and \
            "status" in x else 0

    return status(a) >= 400 and status(b) >= 400 and \
        "dockbroker: " in str(b.get("body"))


def diff(one, two):
    with open(one) as f, open(two) as g:
        a, b = json.load(f), json.load(g)
    out = []
    for name in dict.fromkeys(x[0] for x in a + b):
        one = [x[1:] for x in a if x[0] == name]
        two = [x[1:] for x in b if x[0] == name]
        for (what, x), (other, y) in zip(one, two):
            if what != other:
                out.append("%s: %s is against %s" % (name, what, other))
                break
            if not refused(x, y) and [name, what] not in INTENDED:
                differ("%s: %s" % (name, what), x, y, out)
        if len(one) != len(two):
            out.append("%s: %d answers against %d" % (
                name, len(one), len(two)))
    print("\n".join(out))
    return 1 if out else 0


def main(args):
    import scenes           # noqa: F401
    import scenes_binds     # noqa: F401
    import scenes_images    # noqa: F401
    if len(args) >= 2 and args[0] == "--as":
        become(args[1])
        args = args[2:]
    if args[:1] == ["list"]:
        print("\n".join(SCENES))
        return 0
    if args[:1] == ["run"] and len(args) >= 2:
        return run(args[1], args[2:])
    if args[:1] == ["diff"] and len(args) == 3:
        return diff(*args[1:])
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.modules["compare"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1:]))
