"""One request of somebody's, and what it did to what others have.

  api.py ask OPTION... METHOD TARGET [BODY [TYPE]]
  api.py refuse OPTION... METHOD TARGET [BODY [TYPE]]

--sock SOCKET        where it goes
--as UID:GID,GID     whose it is; without: the caller's own
--engine SOCKET      the truth
--guard FILE         lines `kind id' of objects that must stay as they are
--status A|B         the answers that are right
--what NAME          as it stands in TARGET or BODY; see below.  ~NAME: the Engine
                     is not asked, since it would do it
--hold SECONDS       how long to wait for more of an answer (20)
--header NAME:VALUE  one more header

Status and body are printed.  BODY @FILE is a file's bytes.  Both verbs look at
the guarded objects before and after.  `refuse' wants in addition that nothing
new came into being, and, with --what, that the answer is the one for a name that
does not exist: the same status, headers and text as the same user gets when
NAME is spelled otherwise, and the same text as the Engine says of that.

A client of its own in 60 lines: http.client takes longer to import than a
request to be answered.
"""
import hashlib
import json
import os
import re
import socket
import sys

# Differs from answer to answer by itself.
UNSTEADY = {"date", "content-length", "connection", "transfer-encoding",
            "ostype", "api-version", "docker-experimental", "server"}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def text(self):
        text = self.body.decode("utf-8", "backslashreplace")
        return text.replace("\0", "").strip()

    def message(self):
        """Attach says it without the JSON."""
        try:
            return json.loads(self.text())["message"]
        except (ValueError, KeyError, TypeError):
            return self.text()


def head_of(method, target, body, kind, extra):
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: docker"]
    path = target.split("?")[0]
    if path.endswith("/attach/ws"):
        lines += ["Connection: Upgrade", "Upgrade: websocket",
                  "Origin: http://docker", "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    elif path.endswith(("/session", "/grpc")):
        lines += ["Connection: Upgrade", "Upgrade: h2c"]
    else:
        lines += ["Connection: close"]
    if body is not None:
        lines += ["Content-Length: %d" % len(body), "Content-Type: " + kind]
    elif method in ("POST", "PUT"):
        lines += ["Content-Length: 0"]
    return ("\r\n".join(lines + extra) + "\r\n\r\n").encode()


def unchunk(data):
    out = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        n = int(size.split(b";")[0] or b"0", 16)
        if n == 0:
            break
        out, data = out + rest[:n], rest[n + 2:]
    return out


def complete(data):
    """Is a whole answer there?  Raw streams end with the connection."""
    head, sep, body = data.partition(b"\r\n\r\n")
    if not sep:
        return False
    low = head.lower()
    if low.startswith(b"http/1.1 101"):
        return True
    m = re.search(rb"content-length: *(\d+)", low)
    return bool(m) and len(body) >= int(m.group(1))


def send(path, raw, hold, head_only=False):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(path)
    try:
        s.sendall(raw)
    except (BrokenPipeError, ConnectionResetError):
        pass			# refused before all was read: the answer is there
    data, first = b"", True
    while True:
        try:
            more = s.recv(65536)
        except (TimeoutError, ConnectionResetError):
            break
        if not more:
            break
        data += more
        if complete(data) or (head_only and b"\r\n\r\n" in data):
            break
        if first and b"\r\n\r\n" in data:
            s.settimeout(hold)
            first = False
    s.close()
    return parse(data)


def parse(data):
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    try:
        status = int(lines[0].split(" ")[1])
    except (IndexError, ValueError):
        return Answer(0, {}, data)
    headers = {}
    for line in lines[1:]:
        k, _, v = line.partition(":")
        headers[k.lower()] = v.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = unchunk(body)
    return Answer(status, headers, body)


def quoted(text, safe):
    return "".join(chr(b) if chr(b).isalnum() or chr(b) in safe + "-._~"
                   else "%%%02X" % b for b in text.encode())


class Request:
    def __init__(self, o, rest):
        self.method, self.target = rest[0], rest[1]
        self.body = rest[2].encode() if len(rest) > 2 and rest[2] else None
        self.kind = rest[3] if len(rest) > 3 else "application/json"
        if self.body and self.body.startswith(b"@"):
            with open(self.body[1:], "rb") as f:
                self.body = f.read()
        self.extra, self.hold = o["header"], float(o["hold"])

    def renamed(self, what, twin):
        r = Request.__new__(Request)
        r.__dict__.update(self.__dict__)
        r.target = self.target
        for safe in "", ":", "/:":
            r.target = r.target.replace(quoted(what, safe), quoted(twin, safe))
        if self.body:
            r.body = self.body.replace(what.encode(), twin.encode())
        return r

    def to(self, sock):
        raw = head_of(self.method, self.target, self.body, self.kind,
                      self.extra)
        return send(sock, raw + (self.body or b""), self.hold,
                    self.method == "HEAD")


def as_user(spec, call):
    """In a child that is nobody but this user."""
    if not spec:
        return call()
    uid, gids = spec.split(":")
    gids = [int(g) for g in gids.split(",")]
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups(gids)
            os.setresgid(gids[0], gids[0], gids[0])
            os.setresuid(int(uid), int(uid), int(uid))
            a = call()
            with os.fdopen(w, "wb") as f:
                f.write(json.dumps([a.status, a.headers]).encode() + b"\n")
                f.write(a.body)
            code = 0
        finally:
            os._exit(code)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        first = f.readline()
        body = f.read()
    os.waitpid(pid, 0)
    if not first:
        sys.exit("the request could not be sent")
    status, headers = json.loads(first)
    return Answer(status, headers, body)


# ---- what others have ----

class Engine:
    """Questions on one kept connection."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(30)
        self.s.connect(path)
        self.f = self.s.makefile("rb")

    def get(self, path):
        self.s.sendall(("GET /v1.41%s HTTP/1.1\r\nHost: d\r\n\r\n"
                        % path).encode())
        length, chunked = 0, False
        while True:
            line = self.f.readline().strip().lower()
            if not line:
                break
            if line.startswith(b"content-length:"):
                length = int(line[15:])
            chunked |= line == b"transfer-encoding: chunked"
        body = self.chunks() if chunked else self.f.read(length)
        return json.loads(body) if body else None

    def chunks(self):
        out = b""
        while True:
            n = int(self.f.readline(), 16)
            out += self.f.read(n)
            self.f.readline()
            if n == 0:
                return out


def look(engine, kind, name):
    get = engine.get
    if kind == "container":
        c = get("/containers/%s/json" % name)
        if "State" in c:
            c["Changes"] = get("/containers/%s/changes" % name)
            for key in ("Changes", "Mounts", "ExecIDs"):
                c[key] = sorted(c[key] or [], key=str)
        return c
    if kind == "image":
        i = get("/images/%s/json" % name)
        if "RepoTags" in i:
            i["RepoTags"] = sorted(i["RepoTags"] or [])
        return i
    if kind == "tag":
        return get("/images/%s/json" % name).get("Id")
    if kind == "network":
        return get("/networks/%s" % name)
    if kind == "volume":
        v = get("/volumes/%s" % name)
        path = v.get("Mountpoint")
        if path and os.path.isdir(path):
            v["Files"] = [[f, os.stat(os.path.join(path, f)).st_mtime_ns]
                          for f in sorted(os.listdir(path))]
        return v
    if kind == "exec":
        return get("/exec/%s/json" % name)
    sys.exit("no such kind: " + kind)


def guarded(engine, path):
    if not path:
        return {}
    with open(path) as f:
        return {line.strip(): look(engine, *line.split()) for line in f}


def guarded_before(engine, path):
    """As they were left; anew when the list of them is a newer one."""
    try:
        kept = path + ".state"
        if path and os.stat(kept).st_mtime_ns > os.stat(path).st_mtime_ns:
            with open(kept) as f:
                return json.load(f)
    except OSError:
        pass
    return guarded(engine, path)


def guarded_after(engine, path):
    now = guarded(engine, path)
    if path:
        with open(path + ".state", "w") as f:
            json.dump(now, f)
    return now


def everything(engine):
    get = engine.get
    ids = {}
    ids["containers"] = {c["Id"] for c in get("/containers/json?all=1")}
    ids["networks"] = {n["Id"] for n in get("/networks")}
    ids["volumes"] = {v["Name"] for v in get("/volumes")["Volumes"] or []}
    ids["images"] = {(i["Id"], t) for i in get("/images/json?all=1")
                     for t in i["RepoTags"] or [""]}
    return ids


def difference(a, b, path=""):
    if type(a) is type(b) and isinstance(a, dict) and "message" not in b:
        out = []
        for k in sorted(set(a) | set(b)):
            out += difference(a.get(k), b.get(k), path + "." + str(k))
        return out
    if a == b:
        return []
    return ["%s: %.300s -> %.300s" % (path, a, b)]


# ---- the verbs ----

def twin_of(what):
    """A name of the same form that nothing has."""
    m = re.fullmatch(r"(sha256:|/)?([0-9a-f]{4,64})", what)
    if m:
        digest = hashlib.sha256(b"twin of " + what.encode()).hexdigest()
        return (m.group(1) or "") + digest[:len(m.group(2))]
    return ("q" if what[0] != "q" else "z") + what[1:]


def same_as_missing(o, r, got):
    what, asks = o["what"].lstrip("~"), o["what"][0] != "~"
    twin = twin_of(what)
    other = r.renamed(what, twin)
    if (other.target, other.body) == (r.target, r.body):
        return ["%s is not in the request" % what]
    bad = []
    missing = as_user(o["as"], lambda: other.to(o["sock"]))
    text = missing.text().replace(twin, what)
    if (missing.status, text) != (got.status, got.text()):
        bad.append("one that does not exist is answered otherwise: %d %s"
                   % (missing.status, missing.text()))
    mine = {k for k in got.headers if k not in UNSTEADY}
    theirs = {k for k in missing.headers if k not in UNSTEADY}
    if mine != theirs:
        bad.append("headers tell: %s" % sorted(mine ^ theirs))
    if not asks:
        return bad
    truth = other.to(o["engine"])
    text = truth.message().replace(twin, what)
    if (truth.status, text) != (got.status, got.message()):
        bad.append("the Engine says of one that does not exist: %d %s"
                   % (truth.status, truth.text()))
    return bad


def options(argv):
    o = {"as": "", "engine": "", "guard": "", "status": "", "what": "",
         "sock": "", "hold": "20", "header": []}
    i = 0
    while i < len(argv) and argv[i].startswith("--"):
        key = argv[i][2:]
        if key not in o:
            sys.exit("unknown option " + argv[i])
        if key == "header":
            o[key].append(argv[i + 1])
        else:
            o[key] = argv[i + 1]
        i += 2
    return o, argv[i:]


def act(o, rest, refuse):
    r = Request(o, rest)
    engine = Engine(o["engine"])
    before = guarded_before(engine, o["guard"])
    had = everything(engine) if refuse else None
    got = as_user(o["as"], lambda: r.to(o["sock"]))
    bad = []
    if o["status"] and str(got.status) not in o["status"].split("|"):
        bad.append("status %d, not %s" % (got.status, o["status"]))
    if refuse and o["what"]:
        bad += same_as_missing(o, r, got)
    bad += ["changed: " + d for d in difference(
        before, guarded_after(engine, o["guard"]))]
    if refuse:
        bad += ["not as before: " + d for d in difference(
            had, everything(engine))]
    print(got.status)
    print(got.text())
    if bad:
        print("%s %s %.300s" % (r.method, r.target, (r.body or b"").decode(
            "utf-8", "replace").replace("\0", "")), file=sys.stderr)
        for b in bad:
            print("    " + b, file=sys.stderr)
        print("    answer: %d %.600s" % (got.status, got.text()),
              file=sys.stderr)
    return 1 if bad else 0


def main():
    verb = sys.argv[1]
    o, rest = options(sys.argv[2:])
    return act(o, rest, verb == "refuse")


sys.exit(main())
