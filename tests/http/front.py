"""Cases about what comes in: heads, bodies, refusals, the Engine's quirks.
Every attack carries a second request that must never reach the Engine, and
stands beside the nearest good request, which passes."""
import json

import time

from engine import ident
from lib import (CHUNKED, FAKE, TAR_END, Cut, Client, check, equal, get, post,
                 request, tar, within)

EVIL = 'GET /containers/evil/json HTTP/1.1\r\nHost: d\r\n\r\n'
UPLOAD = (tar(('evil', EVIL.encode())) + TAR_END).decode()
FORM = 'Content-Type: application/x-www-form-urlencoded'
JSON = 'Content-Type: application/json'


def refused(user, data, status, what, engine, closes=True):
    """data is refused; nothing of it is forwarded, whatever follows in it."""
    with Client(user) as c:
        c.try_send(data)
        a = c.answer(head=data.startswith(b'HEAD '))
        equal(a.status, status, what)
        if data[:5] != b'HEAD ':
            check(a.message, 'a message for ' + what)
        if closes:
            check(a.closes, 'closes after ' + what, a.raw)
            c.ended(what)
        else:
            c.alive(what)
    if closes:
        engine.nothing(what)


def passes(data, engine, lines, user='alice', count=1):
    engine.say(cmd='reset')
    with Client(user) as c:
        c.send(data)
        for _ in range(count):
            a = c.answer()
            check(a.status < 300, 'passes', data[:200], a.raw, a.body)
    equal(engine.lines(), lines, 'forwarded')
    engine.say(cmd='reset')


def ping(*fields):
    return '\r\n'.join(['GET /_ping HTTP/1.1', *fields]) + '\r\n\r\n'


BAD_HEADS = [
    ('CL and TE', post('/containers/a/start', '0\r\n\r\n', 'Content-Length: 5', CHUNKED), 400),
    ('TE and CL', post('/containers/a/start', '0\r\n\r\n', CHUNKED, 'Content-Length: 5'), 400),
    ('two CL', post('/containers/a/start', '', 'Content-Length: 0', 'Content-Length: %d' % len(EVIL)), 400),
    ('two equal CL', post('/containers/a/start', '', 'Content-Length: 0', 'Content-Length: 0'), 400),
    ('CL list', post('/containers/a/start', '', 'Content-Length: 0, 0'), 400),
    ('CL with sign', post('/containers/a/start', '', 'Content-Length: +0'), 400),
    ('CL hex', post('/containers/a/start', '', 'Content-Length: 0x0'), 400),
    ('CL past 64 bits', post('/containers/a/start', '', 'Content-Length: 18446744073709551616'), 400),
    ('TE twice', post('/containers/a/start', '0\r\n\r\n', CHUNKED, CHUNKED), 400),
    ('TE list', post('/containers/a/start', '0\r\n\r\n', CHUNKED + ', identity'), 400),
    ('TE gzip', post('/containers/a/start', '0\r\n\r\n', 'Transfer-Encoding: gzip, chunked'), 400),
    ('TE xchunked', post('/containers/a/start', '0\r\n\r\n', 'Transfer-Encoding: xchunked'), 400),
    ('TE, space before colon', post('/containers/a/start', '', 'Transfer-Encoding : chunked', 'Content-Length: 0'), 400),
    ('TE, tab in value', post('/containers/a/start', '0\r\n\r\n', 'Transfer-Encoding:\tchunked'), 400),
    ('TE, 1.0', request('POST', '/containers/a/start', '0\r\n\r\n', CHUNKED, version='1.0'), 400),
    ('folded', ping('Host: d', 'X: a', ' Transfer-Encoding: chunked'), 400),
    ('bare LF', 'GET /_ping HTTP/1.1\nHost: d\n\n', 400),
    ('bare LF in fields', 'GET /_ping HTTP/1.1\r\nHost: d\nX: y\r\n\r\n', 400),
    ('bare CR', 'GET /_ping HTTP/1.1\r\nHost: d\rX: y\r\n\r\n', 400),
    ('NUL', ping('Host: d', 'X: a\0b'), 400),
    ('empty name', ping('Host: d', ': x'), 400),
    ('no Host', ping('X: y'), 400),
    ('two Hosts', ping('Host: d', 'Host: e'), 400),
    ('two Content-Types', post('/containers/a/start', '', JSON, FORM), 400),
    ('absolute form', 'GET http://d/_ping HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('authority form', 'CONNECT d:80 HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('no slash', 'GET _ping HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('two spaces', 'GET  /_ping HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('a space in the target', 'GET /_ping x HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('HTTP/0.9', 'GET /_ping\r\n\r\n', 400),
    ('HTTP/2.0', 'GET /_ping HTTP/2.0\r\nHost: d\r\n\r\n', 505),
    ('HTTP/1.2', 'GET /_ping HTTP/1.2\r\nHost: d\r\n\r\n', 505),
    ('HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505),
    ('lower case method', 'get /_ping HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('an empty line first', '\r\nGET /_ping HTTP/1.1\r\nHost: d\r\n\r\n', 400),
    ('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400),
    ('Connection names Content-Length', post('/containers/a/start', '', 'Connection: Content-Length', 'Content-Length: 0'), 400),
    ('unknown expectation', post('/containers/a/start', '{}', 'Expect: 200-ok', 'Content-Length: 2'), 417),
    ('65 fields', ping('Host: d', *['X-%d: y' % i for i in range(65)]), 431),
    ('a long head', ping('Host: d', 'X: ' + 'y' * 33000), 431),
    ('a long target', get('/_ping?' + 'x' * 17000), 414),
    ('an endless target', 'GET /' + 'x' * 40000, 414),
    ('upgrade and chunked', post('/containers/a/attach', '0\r\n\r\n', 'Connection: Upgrade', 'Upgrade: tcp', CHUNKED), 400),
    ('upgrade on 1.0', request('POST', '/containers/a/attach', None, 'Connection: Upgrade', 'Upgrade: tcp', version='1.0'), 400),
    ('two protocols', post('/containers/a/attach', '', 'Connection: Upgrade', 'Upgrade: tcp, h2c'), 400),
]


def heads(engine):
    for what, data, status in BAD_HEADS:
        data = data if isinstance(data, bytes) else data.encode('latin1')
        refused('alice', data + EVIL.encode(), status, what, engine)
    passes(post('/containers/a/start', '0\r\n\r\n', CHUNKED) + get('/containers/b/json'), engine,
           ['POST /containers/a/start', 'GET /containers/b/json'], count=2)
    passes(post('/containers/a/start') + get('/containers/b/json'), engine,
           ['POST /containers/a/start', 'GET /containers/b/json'], count=2)
    passes(ping('Host: ', 'X: a b', 'X: c').encode(), engine, ['GET /_ping'])
    passes(ping('Host: d', *['X-%d: y' % i for i in range(63)]).encode(), engine, ['GET /_ping'])
    passes(ping('Host: d', 'X: ' + 'y' * 32000).encode(), engine, ['GET /_ping'])


CREATE = json.dumps({'Image': 'x', 'Cmd': [EVIL]})
PRIVILEGED = json.dumps({'Image': 'x', 'HostConfig': {'Privileged': True}, 'Cmd': [EVIL]})


def chunked(body, size=7):
    return ''.join('%x\r\n%s\r\n' % (len(body[i:i + size]), body[i:i + size])
                   for i in range(0, len(body), size)) + '0\r\n\r\n'


def refusals(engine):
    """Each kind of refusal: the body is a request, and so is what follows."""
    for how in ('sized', 'chunked', 'expect'):
        def with_body(target, body, *fields, how=how):
            if how == 'chunked':
                return post(target, chunked(body), *fields, CHUNKED)
            more = ['Expect: 100-continue'] if how == 'expect' else []
            return post(target, body, *fields, *more)
        tail = EVIL.encode()
        refused('bob', with_body('/containers/create', EVIL) + tail, 403, 'endpoint, ' + how, engine)
        refused('alice', with_body('/nowhere', EVIL) + tail, 404, 'no endpoint, ' + how, engine)
        refused('alice', with_body('/containers/a/rename?name=b', EVIL, FORM) + tail, 400, 'a form, ' + how, engine)
        refused('alice', with_body('/containers/../a', EVIL) + tail, 400, 'a bad path, ' + how, engine)
        refused('alice', with_body('/session', EVIL) + tail, 501, 'session, ' + how, engine)
        refused('alice', with_body('/v1.23/containers/a/start', EVIL) + tail, 400, 'old version, ' + how, engine)
    # Without a body nothing is left that could be misread.
    refused('bob', post('/containers/a/start'), 403, 'endpoint, no body', engine, closes=False)
    engine.say(cmd='reset')
    refused('alice', get('/nowhere'), 404, 'no endpoint, no body', engine, closes=False)
    engine.say(cmd='reset')
    passes(post('/containers/create', CREATE), engine, ['POST /containers/create'])
    passes(post('/containers/create', chunked(CREATE), CHUNKED), engine, ['POST /containers/create'])


def facts(engine):
    """Refused for what the body says: it was read to its end, so the
    connection lives, and what follows is a request of its own."""
    for body, fields in ((PRIVILEGED, ()), (chunked(PRIVILEGED), (CHUNKED,))):
        engine.say(cmd='reset')
        with Client() as c:
            c.send(post('/containers/create', body, *fields) + get('/containers/next/json'))
            a = c.answer()
            equal(a.status, 403, 'privileged')
            check('Privileged' in a.message, 'names what it is', a.message)
            equal(c.answer().status, 200, 'the next request')
        equal(engine.lines(), ['GET /containers/next/json'], 'forwarded')
    engine.say(cmd='reset')
    with Client() as c:     # not even then, when the client wanted to close
        c.send(post('/containers/create', PRIVILEGED, 'Connection: close') + EVIL.encode())
        equal(c.answer().status, 403, 'privileged, close')
        c.ended('close')
    engine.nothing('behind Connection: close')


def too_large(engine):
    big = '{"Image":"' + 'x' * (1 << 20) + '"}'
    tail = EVIL.encode()
    refused('alice', post('/containers/create', EVIL * 30000) + tail, 413, 'sized', engine)
    refused('alice', post('/containers/create', big, 'Expect: 100-continue') + tail, 413, 'expected', engine)
    with Client() as c:
        c.try_send(post('/containers/create', chunked(big, 65536), CHUNKED) + tail)
        equal(c.answer().status, 413, 'chunked')
        c.ended('413')
    engine.nothing('413')
    with Client() as c:     # announced only: told before a byte of it comes
        c.send(post('/containers/create', '', 'Content-Length: 99999999'))
        equal(c.answer().status, 413, 'announced')
    near = '{"Image":"x","Labels":{%s}}' % ','.join('"a%d":"%s"' % (i, 'y' * 99000) for i in range(10))
    passes(post('/containers/create', near), engine, ['POST /containers/create'])


def no_audit(engine):
    """auditd is stopped (http.bats does it)."""
    tail = EVIL.encode()
    refused('alice', post('/containers/create', CREATE) + tail, 503, 'a change', engine)
    refused('alice', post('/images/load', EVIL) + tail, 503, 'an upload', engine)
    refused('alice', post('/containers/create', chunked(CREATE), CHUNKED) + tail, 503, 'chunked', engine)
    refused('alice', get('/containers/a/json', 'Connection: close') + tail, 503, 'a read', engine)
    with Client() as c:
        equal(c.ask(get('/containers/a/json')).status, 503, 'a read')
        equal(c.ask(get('/containers/a/json')).status, 503, 'the next read')
    engine.nothing('without auditd')


def quirks(engine):
    """facts/clients.md 1: each row is a way around a filter."""
    tail = EVIL.encode()

    def no(data, status, what, closes=False):
        if closes:
            data += tail
        refused('alice', data, status, what, engine, closes)
        equal([x for x in engine.lines() if x != 'GET /_ping'], [], what)
        engine.say(cmd='reset')
    # 1: form bodies override the query
    for kind in (FORM, FORM.lower(), FORM + '; charset=utf-8', FORM.upper(), 'Content-Type: multipart/form-data; boundary=x'):
        no(post('/images/x/tag?repo=good&tag=1', 'repo=evil', kind), 400, 'row 1 ' + kind, True)
    passes(post('/images/x/tag?repo=good&tag=1', '', FORM.replace('x-www-form-urlencoded', 'json')), engine,
           ['POST /images/x/tag?repo=good&tag=1'])
    with Client() as c:     # what comes as JSON where none belongs goes no further
        c.send(post('/images/x/tag?repo=good&tag=1', 'repo=evil', JSON))
        c.answer()
    for e in engine.log():
        equal((e['received'], e['headers'].get('content-type')), (0, None), 'row 1: a body went through')
    engine.say(cmd='reset')
    # 2: repeated keys, semicolons
    no(get('/containers/json?all=0&all=1'), 400, 'row 2')
    no(get('/containers/json?all=0;all=1'), 400, 'row 2, semicolon', True)
    no(get('/containers/json?all=0&%61ll=1'), 400, 'row 2, encoded')
    no(get('/containers/json?ALL=1'), 400, 'row 2, case')
    passes(get('/images/get?names=a&names=b'), engine, ['GET /images/get?names=a%3Alatest&names=b%3Alatest'])
    # 3: booleans
    for value, want in (('True', '?all=1'), ('yes', '?all=1'), ('%20No', ''), ('False', ''), ('0', ''), ('', '')):
        engine.say(cmd='reset')
        with Client() as c:
            equal(c.ask(get('/containers/json?all=' + value)).status, 200, 'row 3 ' + value)
        got = engine.lines()[0]
        check(got in ('GET /containers/json' + want, 'GET /containers/json' + (want or '?all=0')), 'row 3', value, got)
    # 4: JSON keys in any case, twice, and what follows the value
    for body in ('{"Image":"x","hostconfig":{"privileged":true}}',
                 '{"Image":"x","HostConfig":{},"HostConfig":{"Privileged":true}}',
                 '{"Image":"x","HostConfig":{"Privileged":false,"privileged":true}}',
                 '{"Image":"x","HostConfig":{"Privileged":false,"Privileg\\u0065d":true}}',
                 '{"Image":"x"}{"HostConfig":{"Privileged":true}}',
                 '{"Image":"x"} x'):
        engine.say(cmd='reset')
        with Client() as c:
            a = c.ask(post('/containers/create', body))
            check(a.status in (400, 403), 'row 4', body, a.body)
        engine.nothing(body)
    passes(post('/containers/create', ' {"Image":"x","HostConfig":{"Privileged":false}}\n'), engine,
           ['POST /containers/create'])
    # 5: paths
    for path in ('/containers/a%2Fjson', '/containers//a/json', '/containers/b/../a/json', '/%2e%2e/info',
                 '//info', '/containers/%2e/json', '/containers/a/json%00', '/containers/a%0d%0aX/json',
                 '/%2Finfo', '/info%2f', '/containers/a%zz/json', '/info#x', '/containers/a%/json'):
        no(get(path), 400, 'row 5 ' + path, True)
    no(get('/Containers/json'), 404, 'row 5, case')
    passes(get('/containers/%61/json'), engine, ['GET /containers/a/json'])
    # 6: names with slashes: the last segment is the verb
    passes(get('/images/reg.io/a/json/json'), engine, ['GET /images/reg.io/a/json/json'])
    with Client('bob') as c:
        equal(c.ask(post('/images/a/json/push')).status, 403, 'row 6: push')
        equal(c.ask(request('DELETE', '/images/a/json')).status, 403, 'row 6: rmi')
        equal(c.ask(get('/images/a/get')).status, 403, 'row 6: save')
    engine.nothing('row 6')
    engine.say(cmd='reset')
    # 7: other forms of HTTP; the rest is in `heads'
    with Client() as c:
        c.send(request('GET', '/containers/a/json', None, version='1.0') + tail)
        a = c.answer()
        check(a.status == 200 and a.closes, 'row 7: 1.0', a.raw)
        c.ended('1.0')
    equal(engine.lines(), ['GET /containers/a/json'], 'row 7')
    engine.say(cmd='reset')
    # 8: filters in both forms, keys twice (unknown keys the Engine refuses)
    for f in ('{"label":["a=b"]}', '{"label":{"a=b":true}}'):
        passes(get('/containers/json?filters=' + f.replace('"', '%22').replace('{', '%7B').replace('}', '%7D')
                   .replace('[', '%5B').replace(']', '%5D')), engine, [
            'GET /containers/json?filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D'])
    no(get('/containers/json?filters=%7B%22label%22%3A%5B%22a%22%5D%7D%7B%7D'), 400, 'row 8, more than one')
    no(get('/containers/json?filters=%7B%22label%22%3A%5B%22a%22%5D%2C%22label%22%3A%5B%22b%22%5D%7D'), 400, 'row 8, twice')
    # 9: versions
    for v in ('v1.23', 'v1.12', 'v1.99', 'v2.0', 'v1', 'v1.045', 'v01.45', 'v1.45.0', 'v1..45', 'v.'):
        with Client() as c:
            equal(c.ask(get('/%s/containers/a/json' % v)).status, 400, 'row 9 ' + v)
        engine.nothing('row 9')
        refused('alice', post('/%s/containers/a/start' % v, '{"Binds":["/:/x"]}') + tail, 400, 'row 9 ' + v, engine)
    for body in ('{"Binds":["/:/x"]}', '{"Privileged":true}'):
        with Client() as c:
            check(c.ask(post('/v1.24/containers/a/start', body)).status in (400, 403), 'row 9: start with a HostConfig')
        engine.nothing('row 9')
    passes(get('/v1.24/containers/a/json'), engine, ['GET /v1.24/containers/a/json'])
    # 10, 11, 12, 13, 14 are about objects: what can be said without them
    for target in ('/volumes/prune', '/v1.41/volumes/prune', '/volumes/prune?filters='):
        with Client() as c:
            equal(c.ask(post(target)).status, 403, 'row 11: denied by a role')
    no(post('/containers/create', '{"Image":"x","HostConfig":{"Binds":["/:/host"]}}'), 403, 'row 12: a bind')
    no(post('/containers/create', '{"Image":"x","HostConfig":{"Mounts":[{"Type":"bind","Source":"/","Target":"/x"}]}}'),
       403, 'row 12: a mount')
    no(post('/networks/create', '{"Name":"x","Driver":"host"}'), 403, 'row 14: a driver')
    with Client() as c:
        check(c.ask(post('/commit?container=a&changes=LABEL%20x%3Dy%0AUSER%20root&changes=CMD%20x')).status < 500, 'row 13')
    for e in engine.log():
        equal(e['fields'][0], 'Host: docker', 'row 13: one line remains one line')
    engine.say(cmd='reset')
    # 10: what was named goes on by its id
    passes(get('/containers/a/json') + get('/containers/%s/json' % ident('a')[:12]), engine,
           ['GET /containers/a/json'] * 2, count=2)
    with Client() as c:
        c.ask(get('/containers/a/json'))
        equal(c.ask(get('/containers/a%3Fx=1/json')).status, 404, 'row 10: no such name')
    equal([e['raw'] for e in engine.log()], ['GET /containers/%s/json HTTP/1.1' % ident('a')], 'row 10')


def fields_dropped(engine):
    """Only what is needed goes on; secrets for registries do."""
    engine.say(cmd='reset')
    with Client() as c:
        c.send(post('/images/create?fromImage=x', '', 'X-Registry-Auth: e30=', 'X-Evil: 1', 'Cookie: x',
                    'Authorization: Basic eDp5', 'X-Forwarded-For: 1', 'Te: trailers', 'Proxy-Connection: x',
                    'Keep-Alive: 5', 'Accept-Encoding: gzip', 'Traceparent: 00-1', 'User-Agent: y'))
        equal(c.answer().status, 200, 'pull')
        equal(c.ask(post('/images/create?fromImage=x', '', 'X-Registry-Auth: a b')).status, 400, 'no base64')
    (e,) = engine.log()
    equal(sorted(e['headers']), ['content-length', 'host', 'user-agent', 'x-registry-auth'], 'fields')


def expect(engine):
    with Client() as c:
        body = CREATE
        c.send(post('/containers/create', '', 'Expect: 100-continue', 'Content-Length: %d' % len(body)))
        equal(c.answer().status, 100, 'go on')
        equal(engine.lines(), [], 'not before the body')
        equal(c.ask(body).status, 200, 'then')
        c.send(request('PUT', '/containers/up/archive?path=/', None, 'Expect: 100-Continue', CHUNKED))
        equal(c.answer().status, 100, 'upload')
        equal(c.ask(chunked(UPLOAD, 999)).status, 200, 'upload')
        c.send(post('/containers/create', body, 'Expect: 100-continue'))     # does not wait
        equal((c.answer().status, c.answer().status), (100, 200), 'at once')
        equal(c.ask(post('/containers/a/start', '', 'Expect: 100-continue')).status, 200, 'no body, no 100')
        c.alive('expectations')
    check(not any('expect' in e['headers'] for e in engine.log()), 'Expect was forwarded')
    engine.say(cmd='reset')
    with Client('bob') as c:
        c.send(post('/containers/create', '', 'Expect: 100-continue', 'Content-Length: 100'))
        a = c.answer()
        check(a.status == 403 and a.closes, 'no 100 for who may not', a.raw)
        c.ended('refused')
    engine.nothing('a refused expectation')
    with Client() as c:     # HTTP/1.0 knows no 100
        c.send(request('POST', '/containers/create', CREATE, 'Expect: 100-continue', version='1.0'))
        equal(c.answer().status, 200, '1.0')


def connection(engine):
    """Keep-alive, pipelines, HEAD, 1.0, Connection: close, chunk odds."""
    with Client() as c:
        for _ in range(20):
            c.send(get('/containers/a/json'))
        c.send(request('HEAD', '/_ping', None))
        for _ in range(20):
            equal(c.answer().body, FAKE, 'pipelined')
        a = c.answer(head=True)
        equal((a.status, a.headers['api-version'], a.headers['content-length']), (200, '1.45', '2'), 'HEAD')
        c.alive('a pipeline')
    equal(len(engine.lines()), 22, 'forwarded')
    for body in ('{}', ''):
        with Client() as c:     # a body that HEAD does not have
            c.send(request('HEAD', '/_ping', body or None) + get('/containers/a/json'))
            equal(c.answer(head=True).status, 200, 'HEAD')
            equal(c.answer().body, FAKE, 'behind HEAD')
    with Client() as c:
        c.send(request('HEAD', '/_ping', EVIL * 2) + EVIL.encode())
        equal(c.answer(head=True).status, 400, 'HEAD with a body')
        c.ended('HEAD with a body')
    engine.say(cmd='reset')
    with Client() as c:
        c.send(get('/containers/a/json', 'Connection: close') + EVIL.encode())
        check(c.answer().closes, 'told so')
        c.ended('close')
    with Client() as c:     # 1.0 with keep-alive: answered, then closed
        c.send(request('GET', '/containers/b/json', None, 'Connection: keep-alive', version='1.0') + EVIL.encode())
        check(c.answer().closes, 'told so')
        c.ended('1.0')
    with Client() as c:     # 1.0, refused
        c.send(request('GET', '/nowhere', None, 'Connection: keep-alive', version='1.0') + EVIL.encode())
        check(c.answer().closes, 'told so')
        c.ended('1.0')
    with Client() as c:     # all at once and the end
        c.send(get('/containers/c/json'))
        c.half()
        equal(c.answer().status, 200, 'half-closed')
        c.ended('half-closed')
    with Client() as c:     # cut inside a head or a body: nothing of it
        c.send('GET /containers/d/json HTTP/1.1\r\nHost: d\r\n')
        c.half()
        c.ended('half a head')
    with Client() as c:
        c.send(post('/containers/create', CREATE[:5], 'Content-Length: %d' % len(CREATE)))
        c.half()
        c.ended('half a body')
    equal(engine.lines(), ['GET /containers/%s/json' % x for x in 'abc'], 'forwarded')
    engine.say(cmd='reset')
    with Client() as c:     # byte by byte
        for b in get('/containers/slow/json'):
            c.send(bytes([b]))
        equal(c.answer().status, 200, 'byte by byte')


def chunks(engine):
    """Odd chunks in a body: one meaning, or none."""
    one = '{"Image":"x"}'

    def body_of(e):
        return json.loads(e['body'])['Image'] if e['received'] else None

    def send(text):
        engine.say(cmd='reset')
        with Client() as c:
            c.try_send(post('/containers/create', text + EVIL, CHUNKED))
            a = c.answer()
            if a.status < 300:
                equal(c.answer().status, 200, 'the request behind: ' + text)
            else:
                c.ended(text)
        return a.status
    for good in ('d\r\n%s\r\n0\r\n\r\n', '0D;a=b\r\n%s\r\n0;x\r\n\r\n', '00000d\r\n%s\r\n000\r\n\r\n',
                 'd\r\n%s\r\n0\r\nX: y\r\n\r\n', 'd;a="b"\r\n%s\r\n0\r\n\r\n'):
        equal(send(good % one), 200, good)
        equal([body_of(e) for e in engine.log()], ['sha256:' + ident('docker.io/library/x:latest'), None], good)
        check('chunked' not in str(engine.log()[0]['headers']), 'written anew')
    for bad in ('d\n%s\r\n0\r\n\r\n', 'd\r\n%s0\r\n\r\n', 'd\r\n%s\n0\r\n\r\n', '-d\r\n%s\r\n0\r\n\r\n',
                '0xd\r\n%s\r\n0\r\n\r\n', ' d\r\n%s\r\n0\r\n\r\n', 'g\r\n%s\r\n0\r\n\r\n', '\r\n%s\r\n0\r\n\r\n',
                '1000000000000000d\r\n%s\r\n0\r\n\r\n', 'd;%s\r\n%%s\r\n0\r\n\r\n' % ('x' * 99),
                'd\r\n%s\r\n0\r\nX: \0\r\n\r\n', 'd\r\n%s\r\n0\r\n' + 'X: y\r\n' * 500 + '\r\n',
                'd\r\n%sxx\r\n0\r\n\r\n', 'd;a\rb\r\n%s\r\n0\r\n\r\n', 'd\r\n%s\r\n0\n\r\n'):
        equal(send(bad % one), 400, bad)
        engine.nothing(bad)
    # The same in a stream, where the Engine has seen the beginning.
    for bad in ('3\r\nabc\r\n-1\r\nx\r\n0\r\n\r\n', '3\r\nabcd\r\n0\r\n\r\n'):
        engine.say(cmd='reset')
        with Client() as c:
            c.send(request('PUT', '/containers/up/archive?path=/', bad[:6], CHUNKED))
            within(3, lambda: len(engine.log()) == 1, 'the Engine sees the beginning')
            c.send(bad[6:] + EVIL)
            a = c.answer()
            check(a.status == 400 and a.closes, bad, a.raw)
            c.ended(bad)
        (e,) = engine.log()
        check(not e['done'], 'the Engine took half a body for whole')
    engine.say(cmd='reset')
    with Client() as c:
        body = ''.join('1;x\r\n%s\r\n' % ch for ch in UPLOAD) + '0\r\nX: y\r\n\r\n'
        equal(c.ask(request('PUT', '/containers/up/archive?path=/', body, CHUNKED)).status, 200, 'good')
        c.alive('an upload of odd chunks')
    (e, _) = engine.log()
    check(e['body'] == UPLOAD and e['done'] and not e['junk'], 'decoded once', e)


def cut_uploads(engine):
    """A body that ends early is never whole to the Engine."""
    for data in (request('PUT', '/containers/up/archive?path=/', 'abc', 'Content-Length: 10'),
                 request('PUT', '/containers/up/archive?path=/', '3\r\nabc\r\n', CHUNKED)):
        engine.say(cmd='reset')
        with Client() as c:
            c.send(data)
            c.half()
            try:
                check(c.answer().status >= 400, 'an answer to half a body')
            except Cut:
                pass
        within(1, lambda: engine.log() and engine.log()[0]['gone'], 'the Engine sees the end')
        (e,) = engine.log()
        check(not e['done'], 'half a body was taken for whole')


def limits(engine):
    """On the rig with lowered limits."""
    def late(data, status, what):
        with Client() as c:
            c.send(data)
            a = c.answer()
            equal(a.status, status, what)
            check(a.closes, 'closes: ' + what)
            c.ended(what)
    late('GET /_p', 408, 'a slow head')
    late(post('/containers/create', '{"Ima', 'Content-Length: 90'), 408, 'a slow body')
    late(post('/containers/create', '3\r\n{"I', CHUNKED), 408, 'slow chunks')
    late(request('PUT', '/containers/up/archive?path=/', 'abc', 'Content-Length: 9'), 408, 'a slow upload')
    check(not any(e['done'] for e in engine.log()), 'a late body became whole')
    engine.say(cmd='reset')
    late(get('/_ping', 'X: ' + 'y' * 4096), 431, 'max-head')
    late('GET /' + 'x' * 5000, 414, 'max-head, no line')
    late(post('/containers/create', '{"Image":"%s"}' % ('x' * 5000)), 413, 'max-body')
    late(get('/containers/json?' + '&'.join('a%d=1' % i for i in range(9))) + EVIL.encode(), 400, 'max-parameters')
    engine.nothing('limits')
    with Client() as c:     # a little at a time is slow too
        for ch in 'GET /_ping HTTP':
            c.try_send(ch)
            c.s.settimeout(0.1)
            try:
                c.more()
                break
            except TimeoutError:
                pass
        c.s.settimeout(10)
        equal(c.answer().status, 408, 'a head in drips')
    with Client() as c:     # within the limits
        c.alive('start')
        equal(c.ask(get('/_ping', 'X: ' + 'y' * 3500)).status, 200, 'max-head')
        equal(c.ask(post('/containers/create', '{"Image":"x","Labels":{"a":"%s"}}' % ('y' * 3500))).status, 200, 'max-body')
        equal(c.ask(get('/containers/json?all=1&limit=1&size=1')).status, 200, 'parameters')
        c.ended('idle')     # idle-time


def connections(engine):
    """max-connections-per-user 8 on the lowered rig."""
    time.sleep(0.3)         # those of other cases are gone
    some = [Client() for _ in range(8)]
    for c in some:
        c.alive('8 connections')
    for _ in range(3):
        with Client() as c:
            a = c.answer()
            check(a.status == 429 and a.closes, 'the ninth', a.raw)
            c.try_send(EVIL)
        time.sleep(0.1)
    for c in some:
        c.alive('the ninth')
    with Client('bob') as c:
        c.alive('somebody else')
    some.pop().close()
    time.sleep(0.1)
    with Client() as c:
        c.alive('one has gone')
    for c in some:
        c.close()
    check('GET /containers/evil/json' not in engine.lines(), 'evil')
