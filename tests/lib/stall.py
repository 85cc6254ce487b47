#!/usr/bin/env python3
"""An Engine that reads late, and a client that writes on behind a body.

engine SOCKET LOG         for each request a line with the bytes of its body
                          and its first line; uploads are read after a pause.
                          It has one container, alice's x
client SOCKET N           a PUT of an archive of N bytes (a multiple of 512)
                          with a swarm/leave behind it
"""
import json
import os
import re
import socket
import sys
import tarfile
import threading
import time

LISTS = {b"/networks": [], b"/volumes": {"Volumes": []}, b"/images/json?all=1": [],
         b"/containers/json?all=1": [{"Id": "1" * 64, "Names": ["/x"], "Image": "x", "State": "running",
                                      "ImageID": "sha256:" + "2" * 64,
                                      "Labels": {"dockbroker.owner": "alice"}}],
         b"/images/sha256%%3A%s/json" % (b"2" * 64): {"Id": "sha256:" + "2" * 64, "Config": {}}}


def chunked(f):
    body = b""
    while size := int(f.readline(), 16):
        body += f.read(size)
        f.readline()
    f.readline()
    return body


def answer(s, log):
    f = s.makefile("rb")
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = f.readline()
            if not line:
                return
            head += line
        size = re.search(rb"(?i)content-length: (\d+)", head)
        if head.startswith(b"PUT"):
            time.sleep(1)
        body = f.read(int(size[1])) if size else b""
        if b"\r\nTransfer-Encoding: chunked\r\n" in head:
            body = chunked(f)
        os.write(log, b"%d %s\n" % (len(body), head.split(b"\r\n")[0]))
        path = re.sub(rb"^/v1.41", b"", head.split(b" ")[1])
        if path == b"/events":
            s.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            f.read(1)
            return
        text = json.dumps(LISTS[path]).encode() if path in LISTS else b""
        s.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


def engine(path, name):
    log = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        s, _ = listener.accept()
        threading.Thread(target=answer, args=(s, log), daemon=True).start()


def archive(size):
    info = tarfile.TarInfo("late")
    info.size = size - 512 - 1024
    return info.tobuf() + bytes(info.size) + bytes(1024)


def client(path, size):
    body = archive(int(size))
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(path)
    s.sendall(b"PUT /v1.41/containers/x/archive?path=/ HTTP/1.1\r\nHost: d\r\n"
              b"Content-Type: application/x-tar\r\nContent-Length: %d\r\n\r\n" % len(body) +
              body +
              b"POST /v1.41/swarm/leave HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    got = b""
    while True:
        more = s.recv(65536)
        if not more:
            break
        got += more
    print(" ".join(re.findall(r"HTTP/1.1 (\d+)", got.decode())))


{"engine": engine, "client": client}[sys.argv[1]](*sys.argv[2:])
