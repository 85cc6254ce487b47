"""What the cases share: a client that writes bytes as they stand, a strict
reader of answers, and the fake Engine's control.  Linux and standard library
only; runs as root and connects as the rig's users."""
import contextlib
import json
import os
import socket
import tarfile
import threading
import time

PING = b'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n'
ENV = {}
as_user = threading.Lock()


def rig(directory):
    """Reads what `rig up' printed."""
    with open(directory + '.env', encoding='utf-8') as f:
        ENV.update(line.rstrip('\n').split('=', 1) for line in f)


class Failed(Exception):
    pass


def check(good, what, *more):
    if not good:
        raise Failed(what + ''.join(': %.900r' % (m,) for m in more))


def equal(got, want, what):
    check(got == want, what, got, 'wanted', want)


def within(seconds, fn, what):
    """Waits until fn() is true."""
    end = time.monotonic() + seconds
    while not fn():
        check(time.monotonic() < end, 'not within %s s: %s' % (seconds, what))
        time.sleep(0.02)


def exec_id(name):
    return name.encode().hex().ljust(64, '0')


class Engine:
    """The control connection of engine.py."""
    def __init__(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.environ['FAKE_CONTROL'])
        self.f = s.makefile('rw')
        self.say(cmd='reset')

    def say(self, **cmd):
        self.f.write(json.dumps(cmd) + '\n')
        self.f.flush()
        return json.loads(self.f.readline())

    def script(self, name, *steps):
        """For the container of this name and for the exec of it."""
        for n in (name, exec_id(name)):
            self.say(cmd='script', name=n, steps=[list(s) for s in steps])

    def log(self):
        return self.say(cmd='log')

    def lines(self):
        log = self.log()
        check(not any(e['junk'] for e in log), 'the Engine got what is no request', log)
        return [e['line'].rsplit(' ', 1)[0] for e in log]

    def open(self):
        return self.say(cmd='open')

    def nothing(self, what):
        time.sleep(0.05)
        equal(self.lines(), [], 'forwarded although refused: ' + what)


class Answer:
    def __init__(self, status, headers, body, raw):
        self.status, self.headers, self.body, self.raw = status, headers, body, raw

    @property
    def closes(self):
        return self.headers.get('connection', '').lower() == 'close'

    @property
    def message(self):
        return json.loads(self.body)['message']


class Cut(Exception):
    """The connection ended inside an answer."""


class Client:
    def __init__(self, user='alice', timeout=10):
        self.s = socket.socket(socket.AF_UNIX)
        self.buf = b''
        self.s.settimeout(timeout)
        with as_user:
            os.seteuid({'alice': 65001, 'bob': 65002}[user])
            try:
                self.s.connect(ENV['USER_SOCK_' + user])
            finally:
                os.seteuid(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, data):
        self.s.sendall(data.encode('latin1') if isinstance(data, str) else data)

    def try_send(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send(data)

    def half(self):
        self.s.shutdown(socket.SHUT_WR)

    def close(self):
        self.s.close()

    def more(self):
        try:
            data = self.s.recv(1 << 18)
        except ConnectionResetError:
            data = b''
        if not data:
            raise Cut(self.buf[:200])
        self.buf += data

    def until(self, mark):
        while mark not in self.buf:
            self.more()
        got, self.buf = self.buf.split(mark, 1)
        return got + mark

    def exactly(self, n):
        while len(self.buf) < n:
            self.more()
        got, self.buf = self.buf[:n], self.buf[n:]
        return got

    def head(self):
        raw = self.until(b'\r\n\r\n')
        lines = raw.decode('latin1').split('\r\n')[:-2]
        check(lines[0].startswith('HTTP/1.1 '), 'no status line', lines[0])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(': ')
            check(name.lower() not in headers or name.lower() == 'x-twice',
                  'a field is repeated', line)
            headers[name.lower()] = value
        return Answer(int(lines[0].split(' ')[1]), headers, b'', raw)

    def answer(self, head=False):
        """A whole answer, or Cut."""
        a = self.head()
        if a.status == 100 or head or a.status in (204, 304):
            return a
        if a.headers.get('transfer-encoding') == 'chunked':
            while True:
                size = int(self.until(b'\r\n').split(b';')[0], 16)
                a.body += self.exactly(size)
                end = self.until(b'\r\n')
                while not size and end != b'\r\n':    # trailers
                    end = self.until(b'\r\n')
                equal(end, b'\r\n', 'the end of a chunk')
                if not size:
                    return a
        if 'content-length' in a.headers:
            a.body = self.exactly(int(a.headers['content-length']))
        else:
            check(a.closes, 'an answer without length that does not close', a.raw)
            a.body = self.rest()
        return a

    def ask(self, data, **how):
        self.send(data)
        return self.answer(**how)

    def rest(self):
        """All up to the end of the stream."""
        with contextlib.suppress(Cut):
            while True:
                self.more()
        got, self.buf = self.buf, b''
        return got

    def ended(self, what):
        equal(self.rest(), b'', 'the end of the connection: ' + what)

    def silent(self, seconds, what):
        self.s.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            self.more()
        self.s.settimeout(10)
        equal(self.buf, b'', 'silence: ' + what)

    def alive(self, what):
        """Still an HTTP connection, with nothing left over."""
        a = self.ask(PING)
        equal((a.status, a.body), (200, b'OK'), 'a ping after ' + what)


def request(method, target, body=None, *fields, version='1.1'):
    head = ['%s %s HTTP/%s' % (method, target, version), 'Host: d', *fields]
    if body is not None and not any(f.startswith(('Content-Length', 'Transfer')) for f in fields):
        head.append('Content-Length: %d' % len(body))
    return ('\r\n'.join(head) + '\r\n\r\n' + (body or '')).encode('latin1')


def get(target, *fields):
    return request('GET', target, None, *fields)


def post(target, body='', *fields):
    return request('POST', target, body, *fields)


def reply(body, *fields, status='200 OK'):
    return '\r\n'.join(['HTTP/1.1 ' + status, *fields]) + '\r\n\r\n' + body


def sized(body, *fields, status='200 OK'):
    return reply(body, *fields, 'Content-Length: %d' % len(body), status=status)


def raw_stream():
    return reply('', 'Content-Type: application/vnd.docker.raw-stream')


FAKE = b'{"Fake":true}\n'     # what engine.py answers


def tar(*files):
    """An archive of (name, content): bytes, or a number of bytes to come."""
    out = b''
    for name, content in files:
        info = tarfile.TarInfo(name)
        info.size = content if isinstance(content, int) else len(content)
        out += info.tobuf(tarfile.USTAR_FORMAT)
        if isinstance(content, bytes):
            out += content + bytes(-len(content) % 512)
    return out


TAR_END = bytes(1024)
UPGRADED = reply('', 'Connection: Upgrade', 'Upgrade: tcp', status='101 UPGRADED')
CHUNKED = 'Transfer-Encoding: chunked'


# ---- the broker, seen from outside ----

def broker_pid():
    return int(ENV['PID_broker'])


def fds():
    return len(os.listdir('/proc/%d/fd' % broker_pid()))


def cpu():
    with open('/proc/%d/stat' % broker_pid(), encoding='latin1') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def memory(name='VmRSS'):
    with open('/proc/%d/status' % broker_pid(), encoding='latin1') as f:
        return next(int(x.split()[1]) for x in f if x.startswith(name + ':'))


def memory_peak_reset():
    with open('/proc/%d/clear_refs' % broker_pid(), 'w', encoding='latin1') as f:
        f.write('5')


def flat(seconds, what):
    """The broker sleeps."""
    before = cpu()
    time.sleep(seconds)
    used = cpu() - before
    check(used < 0.15 * seconds, 'the broker is busy: ' + what, used)
