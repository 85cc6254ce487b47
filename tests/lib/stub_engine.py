#!/usr/bin/env python3
"""A Docker Engine that keeps a list of containers, and does nothing, for tests
of dockbroker's daemons.

usage: stub_engine.py SOCKET LOG VERSION_FILE [AUDIT_LOG]

Every request becomes a line of LOG before it is answered: METHOD TARGET NAME
and, for a create with AUDIT_LOG, `recorded' or `unrecorded': whether the audit
log held the name at that moment.  In TARGET a container stands by its name,
though it was asked for by its id.  What the broker asks for itself (READS) is
answered and not written down.  VERSION_FILE holds the API version to speak.

STUB_CONTAINERS are the containers that are there at the start, as
NAME[:OWNER]; created ones are added.  None of them runs.  Every image exists;
the exec with the number N is that of the container exec-N.  Containers named
slow-N answer after N seconds; logs and events tick ten times a second; attach
and exec start echo.
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
READS = re.compile(r"/v1\.\d+/(events|networks|volumes|containers/json\?all=1|"
                   r"images/json\?all=1|images/.+/json|exec/[0-9a-f]+/json)$|/info$")
log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
containers, readers = {}, set()


def ident(name):
    return hashlib.sha256(name.encode()).hexdigest()


def container_add(name, labels):
    """As the Engine: listed and told of before its create is answered."""
    container = {"Id": ident(name), "Names": ["/" + name], "Image": "x", "Labels": labels,
                 "ImageID": "sha256:" + ident("x"), "State": "created", "Status": "Created"}
    containers[container["Id"]] = container
    told = {"Type": "container", "Action": "create", "Actor": {
        "ID": container["Id"], "Attributes": dict(labels, name=name, image="x")}}
    for queue in readers:
        queue.put_nowait(json.dumps(told).encode() + b"\n")


for spec in os.environ.get("STUB_CONTAINERS", "").split():
    first, _, owner = spec.partition(":")
    container_add(first, {"dockbroker.owner": owner} if owner else {})


def name_of(container):
    return containers[container]["Names"][0][1:]


def named(target):
    """The target with names where it has full ids."""
    return re.sub(r"(?<=/containers/)[0-9a-f]{64}", lambda m: name_of(m[0])
                  if m[0] in containers else m[0], target)


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


async def chunks(reader, writer, next_piece):
    """A chunked stream of pieces until the other side goes."""
    writer.write(head("200 OK", ["Transfer-Encoding: chunked"]))
    gone = asyncio.ensure_future(reader.read(1))
    while True:
        piece = asyncio.ensure_future(next_piece())
        await asyncio.wait([gone, piece], return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            piece.cancel()
            return
        writer.write(b"%x\r\n%s\r\n" % (len(piece.result()), piece.result()))
        await writer.drain()


async def tick():
    await asyncio.sleep(0.1)
    return b"tick\n"


async def events(reader, writer):
    queue = asyncio.Queue()
    readers.add(queue)
    try:
        await chunks(reader, writer, queue.get)
    finally:
        readers.discard(queue)


async def echo(reader, writer):
    writer.write(head("101 UPGRADED", ["Connection: Upgrade", "Upgrade: tcp"]))
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def read(path):
    """What the broker asks for itself."""
    image = re.match(r"/images/(.+)/json$", path)
    execute = re.match(r"/exec/([0-9a-f]+)/json$", path)
    if path == "/info":
        return {"CgroupDriver": "cgroupfs", "NCPU": 8, "MemTotal": 1 << 34}
    if path == "/volumes":
        return {"Volumes": []}
    if path == "/containers/json":
        return list(containers.values())
    if image:
        name = urllib.parse.unquote(image[1])
        if name.startswith("sha256:"):
            return {"Id": name, "RepoTags": [], "Config": {}}
        return {"Id": "sha256:" + ident(name), "RepoTags": [name], "Config": {}}
    if execute:
        return {"ID": execute[1], "ContainerID": ident("exec-%d" % int(execute[1], 16))}
    return []


def short(method, path, name, body):
    """The answers that end."""
    if path in ("/version", "/info"):
        return answer("200 OK", {"ApiVersion": open(VERSION).read().strip()})
    if path == "/containers/json":
        return answer("200 OK", [])     # none runs
    if path == "/containers/create":
        container_add(name, json.loads(body).get("Labels") or {})
        return answer("201 Created", {"Id": ident(name), "Warnings": []})
    if re.match(r"/containers/[^/]+/exec$", path):
        return answer("201 Created", {"Id": ident(name)})
    if method == "GET" and re.match(r"/containers/[^/]+/json$", path):
        return answer("200 OK", {"Id": ident(path.split("/")[2]), "Name": "/x", "Config": {}})
    if method == "POST" and re.match(r"/containers/[^/]+/(start|stop|kill|restart)$", path):
        return answer("204 No Content", b"")
    return answer("404 Not Found", {"message": "the stub has no " + path})


async def request(reader, writer, method, target, body):
    own = method == "GET" and READS.match(target)
    target = named(target)
    url = urllib.parse.urlsplit(target)
    path = re.sub(r"^/v1\.\d+", "", url.path)
    name = urllib.parse.parse_qs(url.query).get("name", ["-"])[0]
    mark = ""
    if path == "/containers/create" and AUDIT:
        mark = " recorded" if recorded(name) else " unrecorded"
    if not own:
        os.write(log, ("%s %s %s%s\n" % (method, target, name, mark)).encode())
    slow = re.match(r"/containers/slow-(\d+)/", path)
    if slow:
        await asyncio.sleep(int(slow[1]))
    if path == "/_ping":
        reply = head("200 OK", ["Content-Length: 2"])
        writer.write(reply + (b"" if method == "HEAD" else b"OK"))
    elif own and path == "/events":
        await events(reader, writer)
        return False
    elif own:
        writer.write(answer("200 OK", read(path)))
    elif path == "/events" or path.endswith("/logs"):
        await chunks(reader, writer, tick)
        return False
    elif path.endswith("/attach") or re.match(r"/exec/[^/]+/start$", path):
        await echo(reader, writer)
        return False
    else:
        writer.write(short(method, path, name, body))
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
