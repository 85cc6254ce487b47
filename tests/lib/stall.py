#!/usr/bin/env python3
"""An Engine that reads late, and a client that writes on behind a body.

engine SOCKET LOG         for each request a line with the bytes of its body
                          and its first line; uploads are read after a pause
client SOCKET N           a PUT of N bytes with a swarm/leave behind it
"""
import os
import re
import socket
import sys
import threading
import time


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
        os.write(log, b"%d %s\n" % (len(body), head.split(b"\r\n")[0]))
        s.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 0\r\n\r\n")


def engine(path, name):
    log = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        s, _ = listener.accept()
        threading.Thread(target=answer, args=(s, log), daemon=True).start()


def client(path, size):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(path)
    s.sendall(b"PUT /v1.41/containers/x/archive?path=/ HTTP/1.1\r\nHost: d\r\n"
              b"Content-Type: application/x-tar\r\nContent-Length: %d\r\n\r\n" % int(size) +
              b"x" * int(size) +
              b"POST /v1.41/swarm/leave HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    got = b""
    while True:
        more = s.recv(65536)
        if not more:
            break
        got += more
    print(" ".join(re.findall(r"HTTP/1.1 (\d+)", got.decode())))


{"engine": engine, "client": client}[sys.argv[1]](*sys.argv[2:])
