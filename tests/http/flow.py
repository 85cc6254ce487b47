"""Cases about what flows: hijacked streams, an Engine that misbehaves, sides
that go away."""
import socket
import time

from front import EVIL
from lib import (CHUNKED, FAKE, UPGRADED, Cut, Client, check, equal, exec_id, fds, flat, get,
                 post, raw_stream, reply, request, sized, within)

UP = ('Connection: Upgrade', 'Upgrade: tcp')
WS = ('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Origin: http://d')
WS_ANSWER = reply('', 'Upgrade: websocket', 'Connection: Upgrade',
                  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', status='101 Switching Protocols')


def attach(name, *fields):
    return post('/containers/%s/attach?stream=1&stdin=1&stdout=1' % name, '', *fields)


def start(name, *fields):
    return post('/exec/%s/start' % exec_id(name), '{"Detach":false,"Tty":true}', *fields)


def hijacks(engine):
    for name, answer in (('up', UPGRADED), ('plain', raw_stream())):
        engine.script(name, ['body'], ['send', answer], ['echo'])
    kinds = (('up', attach('up', *UP)), ('plain', attach('plain')),
             ('up', start('up', *UP)), ('plain', start('plain')))
    for name, data in kinds:
        with Client() as c:     # several requests, then the hijack
            c.alive('before')
            c.alive('before')
            c.send(data)
            a = c.head()
            equal(a.status, 101 if name == 'up' else 200, 'status')
            check('content-length' not in a.headers and not a.closes, 'a raw stream', a.raw)
            c.send(EVIL)
            equal(c.exactly(len(EVIL)), EVIL.encode(), 'echo')
            c.send('more')
            equal(c.exactly(4), b'more', 'echo')
            c.half()
            c.ended('both ends')
        with Client() as c:     # bytes behind the head belong to the stream
            c.send(data + EVIL.encode())
            c.head()
            equal(c.exactly(len(EVIL)), EVIL.encode(), 'behind the head')
            c.half()
            c.ended('both ends')
    for e in engine.log():
        check(not e['junk'] and 'evil' not in e['line'], 'a stream was read as requests', e)
        if 'attach' in e['line']:
            equal(e['headers'].get('upgrade'), 'tcp' if '/up/' in e['line'] else None, 'upgrade')
            check(e['tunnel'].startswith(EVIL), 'through the tunnel', e)
    # Bytes of the Engine in the same segment as its head.
    engine.script('early', ['body'], ['send', UPGRADED + 'hello'], ['echo'])
    with Client() as c:
        c.send(attach('early', *UP))
        c.head()
        equal(c.exactly(5), b'hello', 'behind the 101')
    # Detached: plain HTTP.
    engine.script('det', ['body'], ['send', sized('')])
    with Client() as c:
        for _ in range(3):
            a = c.ask(post('/exec/%s/start' % exec_id('det'), '{"Detach":true}'))
            equal((a.status, a.body), (200, b''), 'detached')
        c.alive('detached')


def half_closes(engine):
    """Each direction ends by itself, also with 0 bytes and before the 101."""
    for name, answer in (('up', UPGRADED), ('plain', raw_stream())):
        fields = UP if name == 'up' else ()
        engine.script(name, ['body'], ['sleep', 0.2], ['send', answer], ['wait'],
                      ['send', 'late'], ['sleep', 0.2], ['send', 'r'], ['close'])
        with Client() as c:     # at once, before the answer
            c.send(attach(name, *fields))
            c.half()
            c.head()
            equal(c.rest(), b'later', 'the Engine goes on after a half-close')
        with Client() as c:     # bytes and the end, before the answer
            c.send(attach(name, *fields) + b'abc')
            c.half()
            c.head()
            equal(c.rest(), b'later', 'after bytes and a half-close')
        equal(engine.log()[-1]['tunnel'], 'abc', 'bytes before the half-close')
        # The Engine ends first; the client's bytes still arrive.
        engine.script(name, ['body'], ['send', answer + 'bye'], ['shut'], ['wait'])
        with Client() as c:
            c.send(attach(name, *fields))
            c.head()
            equal(c.rest(), b'bye', 'the Engine half-closed')
            c.send('still here')
            time.sleep(0.1)
            c.send('!')
            flat(1, 'the Engine half-closed')
            c.half()
            within(1, lambda: engine.log()[-1]['gone'], 'both ended')
        equal(engine.log()[-1]['tunnel'], 'still here!', 'after the half-close')


def websocket(engine):
    engine.script('ws', ['send', WS_ANSWER + '\x81\x02hi'], ['echo'])
    with Client() as c:
        c.alive('before')
        c.send(get('/containers/ws/attach/ws?stream=1', *WS) + b'\x82\x01a')
        a = c.head()
        equal((a.status, a.headers['upgrade']), (101, 'websocket'), 'handshake')
        equal(c.exactly(7), b'\x81\x02hi\x82\x01a', 'frames')
        c.send(EVIL)
        equal(c.exactly(len(EVIL)), EVIL.encode(), 'echo')
        c.half()
        c.ended('websocket')
    e = engine.log()[-1]
    equal(e['headers']['sec-websocket-key'], 'dGhlIHNhbXBsZSBub25jZQ==', 'key')
    engine.say(cmd='reset')
    for what, data in (('no handshake', get('/containers/ws/attach/ws?stream=1')),
                       ('no key', get('/containers/ws/attach/ws', 'Connection: Upgrade', 'Upgrade: websocket')),
                       ('tcp', get('/containers/ws/attach/ws', *UP)),
                       ('websocket on attach', post('/containers/ws/attach', '', *WS)),
                       ('upgrade on a list', get('/containers/json', *UP)),
                       ('h2c', get('/_ping', 'Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAA'))):
        with Client() as c:
            c.try_send(data + EVIL.encode())
            equal(c.answer().status, 400, what)
            if what != 'no handshake':
                c.ended(what)
    check('GET /containers/evil/json' not in engine.lines()[:-1], 'evil')


def hijack_refused(engine):
    """A stream that does not come to be: what the client began to write of it
    is never his next request."""
    engine.script('gone', ['body'], ['send', sized('{"message":"No such container"}', status='404 Not Found')])
    engine.script('boom', ['body'], ['send', reply('oops', status='500 Internal Server Error')], ['close'])
    engine.script('wsno', ['send', sized('{"message":"x"}', status='400 Bad Request')])
    for user, data, status in (
            ('alice', attach('gone', *UP), 404), ('alice', attach('gone'), 404),
            ('alice', start('gone', *UP), 404), ('alice', start('gone'), 404),
            ('alice', attach('boom', *UP), 500), ('bob', attach('gone', *UP), 403),
            ('bob', attach('gone'), 403), ('bob', start('gone', *UP), 403), ('bob', start('gone'), 403),
            ('alice', get('/containers/wsno/attach/ws', *WS), 400),
            ('bob', get('/containers/wsno/attach/ws', *WS), 403),
            ('alice', post('/session', '', 'Connection: Upgrade', 'Upgrade: h2c'), 501),
            ('alice', post('/grpc', '', 'Connection: Upgrade', 'Upgrade: h2c'), 501)):
        for eager in (True, False):
            with Client(user) as c:
                c.send(data + (EVIL.encode() if eager else b''))
                a = c.answer()
                check(a.status == status, 'a refused stream', data, a.raw)
                # Command lines before 23 take a close for a stream that began.
                equal(a.closes, b'Upgrade: tcp' not in data, 'a refused stream says close')
                c.try_send(EVIL)
                c.ended('a refused stream')
    check(not any('evil' in x for x in engine.lines()), 'stdin became a request', engine.lines())


GOOD = sized(FAKE.decode())
BAD_ANSWERS = {
    'cl-te': reply('5\r\nhello\r\n0\r\n\r\n', CHUNKED, 'Content-Length: 3'),
    'two-cl': reply('hello', 'Content-Length: 5', 'Content-Length: 3'),
    'cl-sign': reply('hello', 'Content-Length: +5'),
    'te-gzip': reply('hello', 'Transfer-Encoding: gzip'),
    'no-status': 'HTTP/1.1 OK\r\n\r\n',
    'status-99': 'HTTP/1.1 099 X\r\n\r\n',
    'http-2': 'HTTP/2.0 200 OK\r\n\r\n',
    'not-http': 'hello, world\r\n\r\n',
    'bare-lf': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'folded': reply('', 'X: a', ' b', 'Content-Length: 0'),
    'nul': reply('', 'X: a\0b', 'Content-Length: 0'),
    'huge': reply('', 'X: ' + 'y' * 40000, 'Content-Length: 0'),
    'many': reply('', *['X-%d: y' % i for i in range(99)], 'Content-Length: 0'),
    '204-body': reply('hello', 'Content-Length: 5', status='204 No Content'),
    'unasked-101': UPGRADED + 'raw',
    'nothing': '',
    'half-a-head': 'HTTP/1.1 200 OK\r\nContent-Le',
}


def answers(engine):
    """What cannot be read is a 502, never passed on, and its connection never
    used again."""
    for name, text in BAD_ANSWERS.items():
        engine.script('bad-' + name, ['body'], *([['send', text]] if text else []), ['close'])
        with Client() as c:
            c.alive('before ' + name)
            a = c.ask(get('/containers/bad-%s/json' % name))
            equal(a.status, 502, name)
            c.alive(name)
    engine.script('bad-hang', ['send', BAD_ANSWERS['cl-te'] + GOOD], ['wait'])
    with Client() as c:
        equal(c.ask(get('/containers/bad-hang/json')).status, 502, 'hang')
        within(1, lambda: engine.log()[-1]['gone'], 'a bad connection is closed')
    # The nearest good ones.
    engine.script('interim', ['send', reply('', status='100 Continue') * 3 + reply('', 'X: y', status='103 Early Hints')],
                  ['sleep', 0.1], ['send', GOOD])
    engine.script('drip', ['drip', 'HTTP/1.1 100 Continue\r\n\r\n' + GOOD, 0.002])
    engine.script('chunky', ['send', reply('5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n', CHUNKED)])
    engine.script('close', ['send', reply('until the end', 'Connection: close')], ['close'])
    engine.script('closing', ['send', sized(FAKE.decode(), 'Connection: close')], ['close'])
    engine.script('twice', ['send', sized('x', 'X-Twice: a', 'X-Twice: b')])
    with Client() as c:
        for name in ('interim', 'drip', 'closing', 'closing'):
            a = c.ask(get('/containers/%s/json' % name))
            equal((a.status, a.body), (200, FAKE), name)
            check(not a.closes, 'the client\'s connection stays: ' + name)
        equal(c.ask(get('/containers/chunky/export')).body, b'hello', 'chunks')
        a = c.ask(get('/containers/twice/export'))
        equal(a.raw.count(b'X-Twice'), 2, 'fields pass')
        a = c.ask(get('/containers/close/export'))
        equal((a.body, a.closes), (b'until the end', True), 'until the end')
        c.ended('until the end')
    with Client() as c:     # 1.0 knows no chunks
        a = c.ask(request('GET', '/containers/chunky/export', None, version='1.0'))
        check(a.body == b'hello' and 'transfer-encoding' not in a.headers, '1.0', a.raw)


def surplus(engine):
    """Bytes of the Engine that nobody asked for reach nobody."""
    poison = sized('{"poison":true}')
    engine.script('same', ['send', GOOD + poison])
    engine.script('later', ['send', GOOD], ['sleep', 0.1], ['send', poison])
    engine.script('chunks', ['send', reply('5\r\nhello\r\n0\r\n\r\n', CHUNKED) + poison])
    engine.script('none', ['send', reply('', status='204 No Content') + poison])
    with Client() as a, Client('bob') as b:
        for name in ('same', 'later', 'chunks', 'none'):
            check(b'poison' not in a.ask(get('/containers/%s/export' % name)).body, name)
            # While the next request is under way nobody could tell.
            for pause in (0.15,) if name == 'later' else (0, 0.15):
                time.sleep(pause)
                for c in (a, b):
                    equal(c.ask(get('/containers/next/json')).body, FAKE, 'the next after ' + name)
    check(b'poison' not in a.buf + b.buf, 'poison')


def cuts(engine):
    """The Engine goes in the middle: the client sees a cut answer."""
    engine.script('length', ['send', reply('x' * 50, 'Content-Length: 100')], ['close'])
    engine.script('chunk', ['send', reply('5\r\nhello\r\n5\r\nhe', CHUNKED)], ['close'])
    engine.script('between', ['send', reply('5\r\nhello\r\n', CHUNKED)], ['close'])
    engine.script('badchunk', ['send', reply('5\r\nhello\r\nzz\r\n', CHUNKED)], ['wait'])
    engine.script('longchunk', ['send', reply('5\r\nhelloXX\r\n0\r\n\r\n', CHUNKED)], ['wait'])
    for name in ('length', 'chunk', 'between', 'badchunk', 'longchunk'):
        for kind in ('json', 'export', 'logs?stdout=1'):
            with Client() as c:
                try:
                    a = c.ask(get('/containers/%s/%s' % (name, kind)))
                    check(False, 'a cut answer looks whole', name, a.raw, a.body)
                except (Cut, ValueError):
                    pass
    # Kept-alive connections that the Engine closes as the next request comes.
    engine.script('stale', ['send', GOOD], ['again', ''], ['close'])
    for _ in range(5):
        with Client() as c:
            equal(c.ask(get('/containers/stale/json')).status, 200, 'first')
            equal(c.ask(get('/containers/stale/json')).status, 200, 'a read goes again')
    engine.script('once', ['body'], ['send', sized('')], ['again', ''], ['close'])
    engine.say(cmd='reset')
    engine.script('once', ['body'], ['send', sized('')], ['again', ''], ['close'])
    with Client() as c:
        equal(c.ask(post('/containers/once/kill')).status, 200, 'first')
        status = c.ask(post('/containers/once/kill')).status
        check(status in (200, 502), 'a change', status)
    equal(len([x for x in engine.lines() if 'once' in x]), 2, 'a change is never sent twice')


def early_answers(engine):
    """The Engine answers before it has read the body."""
    engine.script('full', ['send', sized('{"message":"no space"}', status='500 Internal Server Error')], ['close'])
    engine.script('slow', ['send', sized('{"message":"no"}', status='404 Not Found')], ['sleep', 1])
    for name, status in (('full', 500), ('slow', 404)):
        for framing in ('Content-Length: 50000000', CHUNKED):
            with Client() as c:
                c.send(request('PUT', '/containers/%s/archive?path=/' % name, '', framing))
                for _ in range(100):
                    c.try_send(b'%x\r\n' % 65536 + bytes(65536) + b'\r\n' if framing == CHUNKED else bytes(65536))
                a = c.answer()
                check(a.status == status and a.closes, 'an early answer', a.raw)
                c.try_send(EVIL)
                c.ended('an early answer')
    check(not any('evil' in x for x in engine.lines()), 'evil')


def at_once(engine):
    """Heads and pieces are passed on as they come."""
    piece = '5\r\nhello\r\n'
    engine.script('wait', ['body'], ['send', reply('', CHUNKED)], ['sleep', 0.6], ['send', piece + '0\r\n\r\n'])
    engine.script('tail', ['send', reply(piece, CHUNKED)], ['sleep', 0.6], ['send', piece], ['wait'])
    with Client() as c:
        t = time.monotonic()
        c.send(post('/containers/wait/wait?condition=next-exit'))
        equal(c.head().status, 200, 'head')
        check(time.monotonic() - t < 0.4, 'the head of /wait waited')
        equal(c.exactly(15), piece.encode() + b'0\r\n\r\n', 'body')
        c.alive('/wait')
    with Client() as c:
        t = time.monotonic()
        c.send(get('/containers/tail/logs?follow=1&stdout=1'))
        c.head()
        equal(c.exactly(10), piece.encode(), 'a piece')
        check(time.monotonic() - t < 0.4, 'a piece waited')
        equal(c.exactly(10), piece.encode(), 'another')
    engine.script('mute', ['body'], ['wait'])
    with Client() as c, Client() as d:     # accepts and never answers: only he waits
        c.send(get('/containers/mute/json'))
        d.alive('the other')
        c.silent(0.5, 'nothing yet')
        flat(1, 'an Engine that does not answer')
        c.close()
        within(1, lambda: engine.log()[-2]['gone'], 'the client went')


def gone(engine):
    """The client goes away, by closing: so does what it had at the Engine."""
    engine.script('tail', ['send', reply('5\r\nhello\r\n', CHUNKED)], ['wait'])
    engine.script('events', ['send', reply('5\r\nhello\r\n', CHUNKED)], ['wait'])
    engine.script('up', ['body'], ['send', UPGRADED], ['wait'])
    engine.script('plain', ['body'], ['send', raw_stream()], ['wait'])
    engine.script('deaf', ['body'], ['send', UPGRADED], ['sleep', 1], ['wait'])
    engine.script('sink', ['body'])
    engine.script('stuck', ['sleep', 2])
    engine.script('flood', ['send', reply('', 'Content-Length: 100000000')], ['zeros', 100000000])
    engine.script('spout', ['body'], ['send', UPGRADED], ['zeros', 100000000])
    start_fds = fds()
    for data in (get('/containers/tail/logs?follow=1&stdout=1'), get('/events'), attach('up', *UP), attach('plain'),
                 get('/containers/flood/export'), attach('spout', *UP), start('up', *UP)):
        before = len(engine.log())
        c = Client()
        c.send(data)
        a = c.head()
        check(a.status in (101, 200), 'begins', data, a.raw)
        c.close()
        within(1, lambda n=before: engine.log()[n]['gone'], 'the Engine side of %r' % data[:60])
    for name in ('sink', 'stuck'):
        before = len(engine.log())
        c = Client()
        c.send(request('PUT', '/containers/%s/archive?path=/' % name, '', 'Content-Length: 1000000000'))
        c.s.setblocking(False)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            try:
                c.s.send(bytes(65536))
            except BlockingIOError:
                time.sleep(0.01)
        c.close()
        within(1 if name == 'sink' else 3, lambda n=before: engine.log()[n]['gone'], 'the Engine side of ' + name)
        check(not engine.log()[before]['done'], 'a cut upload')
    # Not by a half-close of what will end by itself, but of what would not.
    before = len(engine.log())
    with Client() as c:
        c.send(get('/containers/tail/logs?follow=1&stdout=1'))
        c.head()
        c.half()
        within(1, lambda: engine.log()[before]['gone'], 'a half-closed logs -f')
    within(3, lambda: fds() <= start_fds + 4, 'descriptors come back')


def engine_gone(engine):
    engine.script('up', ['body'], ['send', UPGRADED + 'x'], ['sleep', 0.1], ['close'])
    for fields in (UP,):
        with Client() as c:
            c.send(attach('up', *fields))
            c.head()
            equal(c.rest(), b'x', 'the Engine closed')
    engine.script('deaf', ['body'], ['send', UPGRADED], ['sleep', 30])
    with Client() as c:     # it takes nothing; who is gone does not hold it for ever
        c.send(attach('deaf', *UP))
        c.head()
        c.s.setblocking(False)
        try:
            while True:
                c.s.send(bytes(65536))
        except BlockingIOError:
            pass
        flat(1, 'an Engine that takes nothing')


def slow_reader(engine):
    """Who does not read blocks himself alone, and gets all in the end."""
    n = 20000000
    engine.script('big', ['send', reply('', 'Content-Length: %d' % n)], ['zeros', n])
    sizes = (220000, 300000, 400000, 1500000)
    ends = [Client() for _ in sizes]
    for c, size in zip(ends, sizes):    # whose connection closes behind the answer
        engine.script('end%d' % size, ['send', reply('', 'Content-Length: %d' % size)], ['zeros', size])
        c.send(get('/containers/end%d/export' % size, 'Connection: close'))
    with Client() as slow, Client() as quick:
        slow.send(get('/containers/big/export') + get('/containers/next/json'))
        slow.head()
        t = time.monotonic()
        for _ in range(50):
            quick.alive('a slow reader')
        check(time.monotonic() - t < 2, 'a slow reader slows others')
        flat(1, 'a slow reader')
        equal(len(slow.exactly(n)), n, 'all of it')
        equal(slow.answer().body, FAKE, 'and the next')
    time.sleep(3)           # longer than any lingering
    for c, size in zip(ends, sizes):
        equal(len(c.answer().body), size, 'an answer read late')


def stalled(engine):
    """On the lowered rig: nobody is waited for without end."""
    engine.script('big', ['send', reply('', 'Content-Length: 90000000')], ['zeros', 90000000])
    engine.script('spout', ['body'], ['send', UPGRADED], ['zeros', 90000000])
    engine.script('deaf', ['body'], ['send', UPGRADED], ['sleep', 20])
    for data in (get('/containers/big/export'), attach('spout', *UP)):
        before = len(engine.log())
        with Client() as c:     # takes nothing for write-time
            c.send(data)
            if b'/attach' in data:      # a pager, ^S: for as long as he likes
                time.sleep(2.5)
                check(not engine.log()[before]['gone'], 'a stopped reader of a stream was cut')
                c.head()
                c.exactly(400000)
            else:
                within(3, lambda n=before: len(engine.log()) > n and engine.log()[n]['gone'], 'who reads nothing is cut')
        before = len(engine.log())
        with Client() as c:     # reads a little all the time
            c.send(data)
            for _ in range(6):
                time.sleep(0.4)
                c.exactly(400000)
            check(not engine.log()[before]['gone'], 'a slow reader was cut')
    time.sleep(0.3)             # those above are gone
    start = fds()
    with Client() as c:         # gone, and the Engine takes nothing of what he left
        c.send(attach('deaf', *UP))
        c.head()
        c.s.setblocking(False)
        try:
            while True:
                c.s.send(bytes(65536))
        except BlockingIOError:
            pass
        check(fds() > start, 'a tunnel')
    within(3, lambda: fds() <= start, 'what nobody takes is dropped')
