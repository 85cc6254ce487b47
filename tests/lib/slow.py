"""Requests that take their time: said to have begun, they end when ~/go is there.

create SOCKET NAME        a container, but for the last byte of its body
upload SOCKET NAME        a file to /tmp of a container, but for its last half
"""
import io
import os
import socket
import sys
import tarfile
import time


def wait():
    print("begun", flush=True)
    while not os.path.exists(os.path.expanduser("~/go")):
        time.sleep(0.05)


def head(method, target, kind, size):
    return ("%s /v1.41%s HTTP/1.1\r\nHost: d\r\nContent-Type: %s\r\n"
            "Content-Length: %d\r\n\r\n" % (method, target, kind, size)).encode()


def both(path, start, body, at):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(path)
    s.sendall(start + body[:at])
    wait()
    try:
        s.sendall(body[at:])
        print((s.recv(4096) or b"cut").decode())
    except OSError:
        print("cut")


def create(path, name):
    body = b'{"Image":"box:1"}'
    both(path, head("POST", "/containers/create?name=" + name,
                    "application/json", len(body)), body, -1)


def upload(path, name):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        info = tarfile.TarInfo("late")
        info.size = 100000
        t.addfile(info, io.BytesIO(b"x" * info.size))
    body = tar.getvalue()
    both(path, head("PUT", "/containers/%s/archive?path=/tmp" % name,
                    "application/x-tar", len(body)), body, 100)


{"create": create, "upload": upload}[sys.argv[1]](*sys.argv[2:])
