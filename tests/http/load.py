"""Cases about size: much data, many streams, many connections, no work."""
import contextlib
import json
import os
import resource
import socket
import threading
import time
import zlib

from flow import UP, attach
from lib import (CHUNKED, TAR_END, UPGRADED, Client, broker_pid, check, equal, fds,
                 flat, get, memory, memory_peak_reset, post, reply, request, sized,
                 tar, within)

GIB = 1 << 30
SANITIZED = os.environ.get('SANITIZED') == '1'
FLAT = 3000 if not SANITIZED else 60000     # KiB that a body may cost
SIZE = GIB if not SANITIZED else GIB >> 3


def up(engine):
    block = os.urandom(1 << 20)
    data = tar(('data', SIZE))
    layer = len(data) + SIZE + len(TAR_END)
    manifest = json.dumps([{'Config': 'c.json', 'RepoTags': ['big:1'], 'Layers': ['layer.tar']}]).encode()
    for target, method, first, last in (
            ('/containers/up/archive?path=/', 'PUT', data, TAR_END),
            ('/images/load', 'POST', tar(('layer.tar', layer)) + data,
             TAR_END + tar(('c.json', b'{}'), ('manifest.json', manifest)) + TAR_END)):
        size = len(first) + SIZE + len(last)
        engine.say(cmd='reset')
        with Client(timeout=60) as c:
            c.alive('start')
            memory_peak_reset()
            before, crc = memory(), 0
            chunked = method == 'POST'
            c.send(request(method, target, '', CHUNKED if chunked else 'Content-Length: %d' % size))
            for piece in [first] + [block] * (SIZE >> 20) + [last]:
                crc = zlib.crc32(piece, crc)
                c.send(b'%x\r\n' % len(piece) + piece + b'\r\n' if chunked else piece)
            if chunked:
                c.send(b'0\r\n\r\n')
            equal(c.answer().status, 200, target)
            peak = memory('VmHWM')
            check(peak - before < FLAT, 'memory grew (KiB)', before, peak)
            c.alive('an upload')
        e = engine.log()[1]
        equal((e['received'], e['crc'], e['done']), (size, crc, True), 'what arrived')


def down(engine):
    engine.script('sized', ['send', reply('', 'Content-Length: %d' % SIZE)], ['zeros', SIZE])
    engine.script('chunked', ['send', reply('', CHUNKED)], ['chunks', SIZE >> 16, 1 << 16], ['send', '0\r\n\r\n'])
    engine.script('raw', ['body'], ['send', UPGRADED], ['zeros', SIZE], ['close'])
    wire = {'sized': SIZE, 'chunked': SIZE + (SIZE >> 16) * 9 + 5, 'raw': SIZE}
    for name in wire:
        with Client(timeout=60) as c:
            c.alive('start')
            memory_peak_reset()
            before = memory()
            c.send(attach(name, *UP) if name == 'raw' else get('/containers/%s/export' % name))
            c.head()
            left = wire[name] - len(c.buf)
            c.buf = b''
            view = memoryview(bytearray(1 << 20))
            while left:
                n = c.s.recv_into(view, min(left, 1 << 20))
                check(n > 0, 'cut', name, left)
                left -= n
            peak = memory('VmHWM')
            check(peak - before < FLAT, 'memory grew (KiB)', name, before, peak)
            if name == 'raw':
                c.ended('raw')
            else:
                c.alive(name)


def streams(engine):
    """500 at once: 250 attached, 250 that follow logs."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    engine.script('up', ['body'], ['send', UPGRADED], ['echo'])
    engine.script('tail', ['send', reply('5\r\nhello\r\n', CHUNKED)], ['wait'])
    start, idle = fds(), engine.open()
    rss = memory()
    ups, tails = [], []
    for i in range(250):
        ups.append(Client())
        ups[-1].send(attach('up', *UP))
        tails.append(Client())
        tails[-1].send(get('/containers/tail/logs?follow=1&stdout=1'))
    for c in ups:
        equal(c.head().status, 101, 'attach')
    for c in tails:
        c.head()
        equal(c.exactly(10), b'5\r\nhello\r\n', 'logs')
    check(fds() >= start + 900, 'descriptors', start, fds())
    check(engine.open() >= 500, 'at the Engine', engine.open())
    for i, c in enumerate(ups):
        c.send('stream %d' % i)
    for i, c in enumerate(ups):
        equal(c.exactly(len('stream %d' % i)), b'stream %d' % i, 'echo')
    flat(1, '500 idle streams')
    if not SANITIZED:
        check(memory() - rss < 20000, 'memory of 500 streams (KiB)', rss, memory())
    with Client('bob') as c:
        c.alive('500 streams')
    for c in ups[:125]:
        c.half()
    for c in ups[:125]:
        c.ended('an echo')
    for c in ups + tails:
        c.close()
    within(3, lambda: fds() <= start + 70, 'descriptors come back')
    within(3, lambda: engine.open() <= idle + 70, 'connections to the Engine end')


def crowd(engine):
    """2000 connections of one user do not stop another."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    start = fds()
    some = []

    def latency():
        worst = []
        with Client('bob') as b:
            b.alive('warm')
            for _ in range(100):
                t = time.monotonic()
                b.alive('a crowd')
                worst.append(time.monotonic() - t)
        t = time.monotonic()
        with Client('bob') as b:
            b.alive('a new connection')
        worst.sort()
        return worst[50], worst[95], time.monotonic() - t
    for _ in range(2000):
        some.append(Client())
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            for c in some[:200]:
                c.send(get('/containers/a/json'))
            for c in some[:200]:
                c.answer()
    within(10, lambda: fds() >= start + 2000, 'accepted')
    thread = threading.Thread(target=busy)
    thread.start()
    try:
        p50, p95, fresh = latency()
    finally:
        stop.set()
        thread.join()
    limit = 0.25 if not SANITIZED else 1
    check(p50 < limit and p95 < 2 * limit and fresh < 2 * limit, 'others wait', p50, p95, fresh)
    print('latency beside 2000 connections: p50 %.1f ms, p95 %.1f ms, new %.1f ms' % (p50 * 1e3, p95 * 1e3, fresh * 1e3))
    flat(1, '2000 idle connections')
    for c in some:
        c.close()
    within(5, lambda: fds() <= start + 70, 'descriptors come back')


def idle(engine):
    """States that wait must not keep the broker awake."""
    engine.script('tail', ['send', reply('5\r\nhello\r\n', CHUNKED)], ['wait'])
    engine.script('up', ['body'], ['send', UPGRADED], ['wait'], ['sleep', 9])
    engine.script('shut', ['body'], ['send', UPGRADED], ['shut'], ['sleep', 20])
    engine.script('mute', ['body'], ['sleep', 20])
    engine.script('deaf', ['sleep', 20])
    engine.script('big', ['send', reply('', 'Content-Length: 400000')], ['zeros', 400000])
    engine.script('huge', ['send', reply('', 'Content-Length: 90000000')], ['zeros', 90000000])
    engine.script('spout', ['body'], ['send', UPGRADED], ['zeros', 90000000])
    engine.script('early', ['send', sized('{"message":"x"}', status='404 Not Found')], ['sleep', 20])
    states = {
        'nothing sent': (b'', False),
        'half a head': (b'GET /_ping HTTP/1.1\r\n', False),
        'a head without its body': (post('/containers/create', '', 'Content-Length: 10'), False),
        'half a body': (post('/containers/create', '{"I', 'Content-Length: 10'), False),
        'half a chunk': (post('/containers/create', '5\r\n{', CHUNKED), False),
        'expects a go-on': (post('/containers/create', '', 'Content-Length: 9', 'Expect: 100-continue'), False),
        'half an upload': (request('PUT', '/containers/up/archive?path=/', 'abc', 'Content-Length: 9'), False),
        'an upload nobody reads': (request('PUT', '/containers/deaf/archive?path=/', 'x' * 900000, 'Content-Length: 999999'), False),
        'follows logs': (get('/containers/tail/logs?follow=1&stdout=1'), False),
        'waits, half-closed': (get('/containers/mute/json'), True),
        'waits, pipelined': (get('/containers/mute/json') + get('/_ping'), False),
        'attached': (attach('up', *UP), False),
        'attached, half-closed': (attach('up', *UP), True),
        'attached, the Engine half-closed': (attach('shut', *UP), False),
        'attach not answered, half-closed': (attach('mute', *UP), True),
        'attached, not reading': (attach('spout', *UP), False),
        'attached, not reading, half-closed': (attach('spout', *UP), True),
        'does not read': (get('/containers/huge/export'), False),
        'does not read the end': (get('/containers/big/export'), False),
        'does not read, more asked': (get('/containers/big/export') + get('/_ping'), False),
        'does not read, half-closed': (get('/containers/big/export'), True),
        'does not read the last': (get('/containers/big/export', 'Connection: close') + b'x' * 70000, False),
        'refused, still open': (b'nonsense\r\n\r\n', False),
        'answered early': (request('PUT', '/containers/early/archive?path=/', 'abc', 'Content-Length: 9'), False),
    }
    some = []
    for data, half in states.values():
        c = Client()
        some.append(c)
        c.s.settimeout(0.2)
        try:
            c.send(data)
        except (TimeoutError, OSError):
            pass
        if half:
            c.half()
    time.sleep(0.3)
    for c, what in zip(some, states):     # asked for later, not read either
        if what == 'does not read the end':
            c.send(get('/_ping'))
    flat(2, 'all of ' + ', '.join(states))
    for c in some:
        c.close()
    flat(1, 'all are gone')
    check(broker_pid() > 0, 'alive')


def flood(engine):
    """What is dear to read is paid by who sends it: bodies in chunks of one
    byte, pipelines without end, descriptors and urgent bytes among the data."""
    stop = threading.Event()
    floods = (request('PUT', '/containers/up/archive?path=/', '', CHUNKED), b'1\r\nx\r\n' * 40000), \
        (b'', get('/containers/a/json') * 500), (b'', post('/nowhere') * 500)

    def push(first, more):
        with Client(timeout=5) as c:
            def drain():
                try:
                    while c.s.recv(1 << 18):
                        pass
                except OSError:
                    pass
            reader = threading.Thread(target=drain)
            reader.start()
            try:
                c.send(first)
                while not stop.is_set():
                    c.send(more)
            except OSError:
                pass
            c.s.shutdown(socket.SHUT_RDWR)
            reader.join()
    threads = [threading.Thread(target=push, args=f) for f in floods for _ in range(2)]
    for t in threads:
        t.start()
    times = []
    try:
        time.sleep(0.3)
        with Client('bob') as b:
            for _ in range(30):
                t = time.monotonic()
                b.alive('a flood')
                times.append(time.monotonic() - t)
    finally:
        stop.set()
        for t in threads:
            t.join()
    times.sort()
    print('latency beside floods: p50 %.1f ms, worst %.1f ms' % (times[15] * 1e3, times[-1] * 1e3))
    check(times[15] < (0.25 if not SANITIZED else 1), 'others wait', times)
    start = fds()
    r, w = os.pipe()
    with Client() as c:
        for _ in range(50):
            socket.send_fds(c.s, [get('/_ping')], [r, w])
            equal(c.answer().status, 200, 'descriptors among the data')
        check(fds() <= start + 2, 'descriptors were kept', start, fds())
        # A read ends behind such a byte: whoever sends it waits for himself.
        socket.send_fds(c.s, [b'G'], [r, w])
        c.send(get('/_ping')[1:])
        with Client() as d, contextlib.suppress(OSError):
            d.s.send(b'G', socket.MSG_OOB)
            d.send(get('/_ping')[1:])
            flat(1, 'a read that ends early')
    os.close(r)
    os.close(w)
