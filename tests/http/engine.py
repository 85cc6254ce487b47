#!/usr/bin/env python3
"""A fake Engine that does what no real one will do.

usage: engine.py SOCKET CONTROL

Each request whose path holds a segment for which a script was given runs that
script; every other one is answered with 200 and a small JSON object.  All that
comes is recorded as a strict server reads it: requests, and bytes that are no
request.  There are containers of the names NAMES and images of every name: in
what is recorded they stand by name as long as they are asked for by id ("raw"
keeps the ids).  What the broker asks for itself (OWN) gets a sensible answer
and is not recorded.  CONTROL takes one JSON object a line and answers with one:

  {"cmd": "script", "name": S, "steps": [...]}   for paths with the segment S
  {"cmd": "reset"}        forget requests and scripts
  {"cmd": "log"}          the requests so far, in order of their end of head
  {"cmd": "open"}         connections that are open

Steps: ["send", TEXT] ["body"] ["sleep", S] ["zeros", N] ["drip", TEXT, S]
["chunks", N, SIZE] ["echo"] ["until", N] ["wait"] ["shut"] ["close"]
["again"] (as "send", for the second time only)
"""
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse
import zlib

KEEP = 65536
NAMES = """a b c d evil next slow up plain early det ws gone boom wsno interim drip
    chunky close closing twice same later chunks none length chunk between badchunk
    longchunk stale once full wait tail mute deaf sink stuck flood spout big end220000
    end300000 end400000 end1500000 sized chunked raw shut huge bad-cl-te bad-two-cl
    bad-cl-sign bad-te-gzip bad-no-status bad-status-99 bad-http-2 bad-not-http
    bad-bare-lf bad-folded bad-nul bad-huge bad-many bad-204-body bad-unasked-101
    bad-nothing bad-half-a-head bad-hang""".split()
OWN = re.compile(r'GET (/v1\.41/(events|networks|volumes|containers/json\?all=1|'
                 r'images/json\?all=1|images/.+/json|exec/[0-9a-f]+/json)|/info) HTTP')
OK = (b'HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nOstype: linux\r\n'
      b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n')
lock = threading.Lock()
scripts, log = {}, []
conns = 0


def ident(name):
    return hashlib.sha256(name.encode()).hexdigest()


ids = {ident(name): name for name in NAMES}     # of images too, when asked for
CONTAINERS = [{'Id': i, 'Names': ['/' + ids[i]], 'Image': 'x', 'Labels': {}, 'State': 'running',
               'ImageID': 'sha256:' + ident('docker.io/library/x:latest')} for i in list(ids)]


def own(path):
    """The answer to what the broker asks for itself."""
    image = re.match(r'/v1.41/images/(.+)/json$', path)
    if path.startswith('/v1.41/containers/'):
        return CONTAINERS
    if path == '/v1.41/volumes':
        return {'Volumes': []}
    if path.startswith('/v1.41/exec/'):
        return {'ContainerID': ident('up')}
    if path == '/info':
        return {'CgroupDriver': 'cgroupfs', 'NCPU': 8}
    if image:
        name = urllib.parse.unquote(image[1])
        ids[ident(name)] = name.removeprefix('docker.io/library/').removesuffix(':latest')
        return {'Id': 'sha256:' + ident(name), 'RepoTags': [name], 'Config': {}}
    return []


def plain(target):
    """The answer to what has no script."""
    if target.endswith('/_ping'):
        return b'OK'
    return b'[]\n' if '/containers/json' in target else b'{"Fake":true}\n'


def named(line):
    """A request line with names where it has full ids of NAMES or of images."""
    return re.sub(r'(?:sha256(?::|%3A))?([0-9a-f]{64})', lambda m: ids.get(m[1], m[0]), line)


class Gone(Exception):
    pass


class Conn:
    def __init__(self, sock, number):
        self.sock, self.number, self.buf = sock, number, b''

    def more(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise Gone
        self.buf += data

    def line(self, entry):
        while b'\r\n' not in self.buf:
            if len(self.buf) > KEEP:
                entry['junk'] = True
                raise Gone
            self.more()
        line, self.buf = self.buf.split(b'\r\n', 1)
        return line

    def take(self, n, entry):
        """n bytes of a body, in pieces that are not kept in memory."""
        while n:
            if not self.buf:
                self.more()
            piece, self.buf = self.buf[:n], self.buf[n:]
            n -= len(piece)
            entry['received'] += len(piece)
            entry['crc'] = zlib.crc32(piece, entry['crc'])
            if len(entry['body']) < KEEP:
                entry['body'] += piece[:KEEP].decode('latin1')

    def body(self, entry):
        if entry['done']:
            return
        h = entry['headers']
        if h.get('transfer-encoding') == 'chunked':
            while True:
                size = int(self.line(entry), 16)
                self.take(size, entry)
                if self.line(entry) != b'':
                    entry['junk'] = True
                    raise Gone
                if not size:
                    break
        else:
            self.take(int(h.get('content-length', 0)), entry)
        entry['done'] = True

    def head(self):
        """The next request; what the broker asks for itself is answered."""
        while True:
            entry = self.one_head()
            if entry:
                return entry

    def own(self, path):
        if path.endswith('/events'):
            self.sock.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
            self.more()
            raise Gone
        text = json.dumps(own(path)).encode()
        self.sock.sendall(OK % len(text) + text)

    def one_head(self):
        while b'\r\n\r\n' not in self.buf:
            if len(self.buf) > KEEP:
                break
            self.more()
        head, _, rest = self.buf.partition(b'\r\n\r\n')
        lines = head.decode('latin1').split('\r\n')
        if OWN.match(lines[0]):
            self.buf = rest
            self.own(lines[0].split(' ')[1])
            return None
        raw = lines[0]
        lines[0] = named(raw)
        words = lines[0].split(' ')
        entry = {'conn': self.number, 'line': lines[0], 'raw': raw, 'fields': lines[1:],
                 'method': words[0], 'target': words[1] if len(words) > 1 else '',
                 'headers': {}, 'body': '', 'received': 0, 'crc': 0,
                 'done': False, 'junk': False, 'gone': 0, 'tunnel': ''}
        with lock:
            log.append(entry)
        if len(words) != 3 or words[2] != 'HTTP/1.1' or not words[1].startswith('/'):
            entry['junk'] = True
            raise Gone
        for field in lines[1:]:
            name, colon, value = field.partition(': ')
            if not colon or name.lower() in entry['headers']:
                entry['junk'] = True
                raise Gone
            entry['headers'][name.lower()] = value
        self.buf = rest
        return entry

    def step(self, entry, step):
        kind, args, s = step[0], step[1:], self.sock
        if kind in ('send', 'again'):
            s.sendall(args[0].encode('latin1'))
        elif kind == 'body':
            self.body(entry)
        elif kind == 'sleep':
            time.sleep(args[0])
        elif kind == 'drip':
            for c in args[0].encode('latin1'):
                s.sendall(bytes([c]))
                time.sleep(args[1])
        elif kind == 'zeros':
            block, left = bytes(1 << 20), args[0]
            while left:
                left -= s.send(block[:left])
        elif kind == 'chunks':
            chunk = b'%x\r\n' % args[1] + bytes(args[1]) + b'\r\n'
            for _ in range(args[0]):
                s.sendall(chunk)
        elif kind == 'echo':
            self.tunnel(entry, True, 0)
        elif kind == 'until':
            self.tunnel(entry, False, args[0])
        elif kind == 'wait':
            self.tunnel(entry, False, 0)
        elif kind == 'shut':
            s.shutdown(socket.SHUT_WR)
        elif kind == 'close':
            raise Gone
        else:
            raise ValueError(kind)

    def tunnel(self, entry, echo, until):
        """Raw bytes: to their end, or until so many came."""
        got = 0
        while True:
            data, self.buf = self.buf or self.sock.recv(1 << 18), b''
            if not data:
                return
            got += len(data)
            if len(entry['tunnel']) < KEEP:
                entry['tunnel'] += data.decode('latin1')
            if echo:
                self.sock.sendall(data)
            if until and got >= until:
                return

    def serve(self):
        served = 0
        while True:
            entry = self.head()
            served += 1
            with lock:
                steps = next((scripts[s] for s in entry['target'].split('?')[0].split('/')
                              if s in scripts), None)
            try:
                if steps is None:
                    self.body(entry)
                    text = plain(entry['target'])
                    self.sock.sendall(OK % len(text) +
                                      (b'' if entry['method'] == 'HEAD' else text))
                else:
                    again = any(s[0] == 'again' for s in steps) and served > 1
                    for step in steps:
                        if (step[0] == 'again') == again or step[0] == 'body':
                            self.step(entry, step)
                    if any(s[0] == 'send' and s[1].startswith('HTTP/1.1 101') for s in steps):
                        raise Gone      # what was upgraded never holds a request again
                    self.body(entry)
            finally:
                entry['gone'] = time.monotonic()


def connection(sock, number):
    global conns
    try:
        Conn(sock, number).serve()
    except (Gone, OSError, ValueError):
        pass
    sock.close()
    with lock:
        conns -= 1


def answer(cmd):
    with lock:
        if cmd['cmd'] == 'script':
            if not re.fullmatch('[0-9a-f]{64}|events|' + '|'.join(NAMES), cmd['name']):
                raise ValueError('no container of that name: ' + cmd['name'])
            scripts[cmd['name']] = cmd['steps']
        elif cmd['cmd'] == 'reset':
            scripts.clear()
            log.clear()
        elif cmd['cmd'] == 'log':
            return [dict(e, body=e['body'][:KEEP]) for e in log
                    if e['headers'].get('connection') != 'close']
        elif cmd['cmd'] == 'open':
            return conns
    return True


def control(sock):
    f = sock.makefile('rw')
    for line in f:
        f.write(json.dumps(answer(json.loads(line))) + '\n')
        f.flush()


def listen(path, backlog):
    s = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    s.bind(path)
    s.listen(backlog)
    return s


def accept_control(server):
    while True:
        s, _ = server.accept()
        threading.Thread(target=control, args=(s,), daemon=True).start()


def main():
    global conns
    threading.stack_size(256 * 1024)
    engine, server = listen(sys.argv[1], 1024), listen(sys.argv[2], 16)
    threading.Thread(target=accept_control, args=(server,), daemon=True).start()
    number = 0
    while True:
        s, _ = engine.accept()
        number += 1
        with lock:
            conns += 1
        threading.Thread(target=connection, args=(s, number), daemon=True).start()


if __name__ == '__main__':
    main()
