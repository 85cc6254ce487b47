"""An Engine that does not do what it was told: altering.py SOCKET ENGINE-SOCKET UID

Passes everything on, but a container that is called x-CHANGE is created with
CHANGE (below) made to what was asked: the broker's record says one thing, the
Engine makes another.  SOCKET is for UID.
"""
import json
import os
import re
import socket
import sys
import threading

HOST = {}


def change(f):
    HOST[f.__name__] = f


def add(c, key, *values):
    c["HostConfig"][key] = (c["HostConfig"].get(key) or []) + list(values)


def mounts(c, **more):
    mount = {"Type": "bind", "Source": "/root", "Target": "/more"}
    mount.update(more)
    add(c, "Mounts", mount)


def setter(name, key, value):
    HOST[name] = lambda c: c["HostConfig"].__setitem__(key, value)


setter("privileged", "Privileged", True)
setter("undropped", "CapDrop", [])
setter("pid", "PidMode", "host")
setter("net", "NetworkMode", "host")
setter("ipc", "IpcMode", "host")
setter("uts", "UTSMode", "host")
setter("parent", "CgroupParent", "/elsewhere")
setter("unmasked", "MaskedPaths", [])
setter("unprotected", "ReadonlyPaths", [])
setter("oom", "OomScoreAdj", -900)
setter("writable", "ReadonlyRootfs", False)
setter("newprivs", "SecurityOpt", [])
setter("unconfined", "SecurityOpt", ["no-new-privileges", "seccomp=unconfined"])
setter("sysctl", "Sysctls", {"net.ipv4.ip_forward": "1"})
setter("rules", "DeviceCgroupRules", ["b *:* rwm"])
setter("device", "Devices", [{"PathOnHost": os.environ.get("DISK", ""),
       "PathInContainer": "/dev/disk", "CgroupPermissions": "rwm"}])


@change
def caps(c):
    add(c, "CapAdd", "SYS_ADMIN")


@change
def root(c):
    mounts(c)


@change
def oldroot(c):
    add(c, "Binds", "/root:/more")


@change
def socket_(c):
    mounts(c, Source=os.environ["ENGINE_SOCK"])


HOST["socket"] = HOST.pop("socket_")


@change
def volume(c):
    mounts(c, Type="volume", Source="theirs")


@change
def tmpfs(c):
    mounts(c, Type="tmpfs", Source="")


@change
def source(c):
    c["HostConfig"]["Mounts"][0]["Source"] = "/root"


@change
def target(c):
    c["HostConfig"]["Mounts"][0]["Target"] = "/elsewhere"


@change
def twice(c):
    mounts(c, Source=c["HostConfig"]["Mounts"][0]["Source"])


@change
def shared(c):
    c["HostConfig"]["Mounts"][0]["BindOptions"] = {"Propagation": "rshared"}


@change
def lost(c):
    c["HostConfig"]["Mounts"] = c["HostConfig"]["Mounts"][1:]


@change
def user(c):
    c["User"] = "0"


def altered(target, body):
    name = re.search(r"[?&]name=x-(\w+)", target)
    if not name or name[1] not in HOST:
        return body
    create = json.loads(body)
    HOST[name[1]](create)
    return json.dumps(create).encode()


def head_of(f):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = f.readline(65536)
        if not line:
            return None
        head += line
    return head


def chunks(f, out):
    while True:
        size = f.readline()
        out.sendall(size)
        n = int(size.split(b";")[0], 16)
        out.sendall(f.read(n + 2) if n else f.readline())
        if not n:
            return


def raw(read, out, how):
    try:
        while data := read(65536):
            out.sendall(data)
        out.shutdown(how)
    except OSError:
        pass


def requests(f, out):
    while head := head_of(f):
        target = head.split(b" ")[1].decode()
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = f.read(int(length[1])) if length else b""
        if "/containers/create" in target:
            body = altered(target, body)
            head = re.sub(rb"(?i)(\r\ncontent-length: *)\d+",
                          rb"\g<1>%d" % len(body), head)
        out.sendall(head + body)
        if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
            chunks(f, out)
        if re.search(rb"(?i)\r\nupgrade:", head) or re.search(
                r"/(attach|start|session|grpc)$", target.split("?")[0]):
            # A start of a container has nothing behind it.
            if "/containers/" not in target or "attach" in target:
                raw(f.read1, out, socket.SHUT_WR)
                return
    out.shutdown(socket.SHUT_WR)


def serve(client, engine):
    up = socket.socket(socket.AF_UNIX)
    try:
        up.connect(engine)
        back = threading.Thread(target=raw, daemon=True,
                                args=(up.recv, client, socket.SHUT_WR))
        back.start()
        requests(client.makefile("rb"), up)
        back.join()
    except OSError:
        pass
    finally:
        up.close()
        client.close()


def main():
    path, engine, uid = sys.argv[1:]
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chown(path, int(uid), int(uid))
    os.chmod(path, 0o600)
    s.listen(64)
    while True:
        threading.Thread(target=serve, daemon=True,
                         args=(s.accept()[0], engine)).start()


if __name__ == "__main__":
    main()
