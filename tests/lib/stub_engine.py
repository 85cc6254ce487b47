#!/usr/bin/env python3
"""A Docker Engine that does nothing, for tests of dockbroker's daemons.

usage: stub_engine.py SOCKET LOG VERSION_FILE [AUDIT_LOG]

Every request becomes a line of LOG before it is answered: METHOD TARGET NAME
and, for a create with AUDIT_LOG, `recorded' or `unrecorded': whether the audit
log held the name at that moment.  VERSION_FILE holds the API version to speak.
Containers named slow-N answer after N seconds; logs and events tick ten times
a second; attach and exec start echo.
"""
import asyncio
import hashlib
import json
import os
import re
import sys
import urllib.parse

SOCKET, LOG, VERSION = sys.argv[1:4]
AUDIT = sys.argv[4] if len(sys.argv) > 4 else None
log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def recorded(name):
    """Does the end of the audit log, or of one just moved away, hold this name?"""
    for suffix in ("", ".1", ".2", ""):
        try:
            with open(AUDIT + suffix, "rb") as f:
                f.seek(max(0, os.fstat(f.fileno()).st_size - 2 * 1024 * 1024))
                if b'"name":"%s"' % name.encode() in f.read():
                    return True
        except FileNotFoundError:
            pass
    return False


def head(status, fields):
    version = open(VERSION).read().strip()
    lines = ["HTTP/1.1 " + status, "Api-Version: " + version]
    return ("\r\n".join(lines + fields) + "\r\n\r\n").encode()


def answer(status, value):
    body = json.dumps(value).encode() if not isinstance(value, bytes) else value
    if status.startswith("204"):
        return head(status, [])
    return head(status, ["Content-Type: application/json",
                         "Content-Length: %d" % len(body)]) + body


async def tick(reader, writer):
    """A chunked stream until the other side goes."""
    writer.write(head("200 OK", ["Transfer-Encoding: chunked"]))
    gone = asyncio.ensure_future(reader.read(1))
    while not gone.done():
        writer.write(b"5\r\ntick\n\r\n")
        await writer.drain()
        await asyncio.wait([gone], timeout=0.1)


async def echo(reader, writer):
    writer.write(head("101 UPGRADED", ["Connection: Upgrade", "Upgrade: tcp"]))
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def request(reader, writer, method, target, body):
    url = urllib.parse.urlsplit(target)
    path = re.sub(r"^/v1\.\d+", "", url.path)
    query = urllib.parse.parse_qs(url.query)
    name = query.get("name", ["-"])[0]
    mark = ""
    if path == "/containers/create" and AUDIT:
        mark = " recorded" if recorded(name) else " unrecorded"
    os.write(log, ("%s %s %s%s\n" % (method, target, name, mark)).encode())
    slow = re.match(r"/containers/slow-(\d+)/", path)
    if slow:
        await asyncio.sleep(int(slow[1]))
    ident = hashlib.sha256(name.encode()).hexdigest()
    if path == "/_ping":
        reply = head("200 OK", ["Content-Length: 2"])
        writer.write(reply + (b"" if method == "HEAD" else b"OK"))
    elif path in ("/version", "/info"):
        writer.write(answer("200 OK", {"ApiVersion": open(VERSION).read().strip()}))
    elif path == "/containers/json":
        writer.write(answer("200 OK", []))
    elif path == "/containers/create":
        writer.write(answer("201 Created", {"Id": ident, "Warnings": []}))
    elif path == "/events" or path.endswith("/logs"):
        await tick(reader, writer)
        return False
    elif path.endswith("/attach") or re.match(r"/exec/[^/]+/start$", path):
        await echo(reader, writer)
        return False
    elif re.match(r"/containers/[^/]+/exec$", path):
        writer.write(answer("201 Created", {"Id": ident}))
    elif method == "GET" and re.match(r"/containers/[^/]+/json$", path):
        writer.write(answer("200 OK", {"Id": ident, "Name": "/x", "Config": {}}))
    elif method == "POST" and re.match(r"/containers/[^/]+/(start|stop|kill|restart)$", path):
        writer.write(answer("204 No Content", b""))
    else:
        writer.write(answer("404 Not Found", {"message": "the stub has no " + path}))
    await writer.drain()
    return True


async def serve(reader, writer):
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = lines[0].split(" ")
            length = [int(x.split(":")[1]) for x in lines
                      if x.lower().startswith("content-length:")]
            body = await reader.readexactly(length[0]) if length else b""
            if not await request(reader, writer, method, target, body):
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    server = await asyncio.start_unix_server(serve, SOCKET, backlog=512)
    os.chmod(SOCKET, 0o660)
    async with server:
        await server.serve_forever()

asyncio.run(main())
