/*
 * stub.c: an Engine for measuring, on a Unix socket.  It answers as a real one
 * as far as a proxy can see (Api-Version, kept-alive connections, sized and
 * chunked bodies, 101 and raw bytes behind it) and does nothing else, so that
 * what is measured is the way to it.  One thread, level-triggered epoll.
 *
 *   stub SOCKET [BYTES [CONTAINERS USERS]]
 *
 * There are the containers x, downBYTES and chunkBYTES, and CONTAINERS others
 * whose labels say that they are those of u0, u1 ...; names may be ids.
 *
 *   GET|HEAD /_ping                    "OK"
 *   GET /containers/json               a list of one; with all=1: of all
 *   GET /info, /networks, /volumes, /images/json, /images/X/json, /events
 *                                      what a broker asks before it serves
 *   POST /containers/create            201 and a new id
 *   GET /containers/downN/export       N bytes with Content-Length
 *   GET /containers/chunkN/export      N bytes in chunks of 32 KiB, as Go does
 *   POST /build, PUT .../archive       swallows the body
 *   POST /containers/X/attach          101, then what comes goes back
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD (16 * 1024)
#define BLOCK (256 * 1024)
#define CHUNK (32 * 1024)
#define ENGINE                                                                 \
	"Api-Version: 1.41\r\nDocker-Experimental: false\r\n"                  \
	"Ostype: linux\r\nServer: Docker/20.10.24 (linux)\r\n"                 \
	"Date: Sun, 22 Nov 2026 02:40:00 GMT\r\n"

enum state { HEADS, SINK, SINK_CHUNKS, SOURCE, ECHO };

struct conn {
	int fd;
	enum state state;
	uint32_t events;
	size_t len; /* of in */
	uint64_t left; /* of the body, either way */
	bool chunked; /* SOURCE */
	const char *text; /* SOURCE: what is sent, else the block */
	bool creates; /* SINK */
	size_t piece_done; /* of the chunk under way */
	unsigned line; /* SINK_CHUNKS: characters of the size line */
	bool last, eof;
	char *wait; /* ECHO: what the client has not taken */
	size_t wait_at, wait_len;
	char in[HEAD];
};

static int epoll;
static char block[BLOCK];
static char piece[CHUNK + 16]; /* "8000\r\n", 32 KiB, "\r\n" */
static size_t piece_len;
static char *list; /* of all containers */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void conn_free(struct conn *c)
{
	close(c->fd);
	free(c->wait);
	free(c);
}

static void conn_want(struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};

	if (c->events == events)
		return;
	c->events = events;
	if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e) < 0)
		die("epoll_ctl");
}

/* Answers are short: a full socket is a client that does not play by the rules. */
static bool put(struct conn *c, const char *p, size_t n)
{
	return send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool answer(struct conn *c, const char *status, const char *type,
    const char *body, bool head)
{
	char text[2048];
	int n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %s\r\n" ENGINE
	    "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    status, type, strlen(body), head ? "" : body);

	return put(c, text, (size_t)n);
}

/* ---- bodies ---- */

static bool sink_done(struct conn *c)
{
	static unsigned made;
	char text[128];

	c->state = HEADS;
	if (c->creates) {
		snprintf(text, sizeof(text),
		    "{\"Id\":\"f%063u\",\"Warnings\":[]}\n", made++);
		return answer(c, "201 Created", "application/json", text, false);
	}
	return answer(c, "200 OK", "application/json", "", false);
}

/* One state machine over the bytes: size line, data with its CRLF, end. */
static bool sink_chunks(struct conn *c, const char *p, size_t n)
{
	while (n) {
		if (c->left) {
			size_t k = n < c->left ? n : (size_t)c->left;
			c->left -= k;
			p += k;
			n -= k;
			continue;
		}
		char x = *p++;
		n--;
		if (x == '\n') {
			if (c->last && !c->line)
				return sink_done(c);
			c->last = c->piece_done == 0;
			c->left = c->last ? 0 : c->piece_done + 2;
			c->piece_done = 0;
			c->line = 0;
		} else if (x != '\r') {
			c->line++;
			c->piece_done =
			    c->piece_done * 16 +
			    (size_t)(x <= '9' ? x - '0' : (x | 32) - 'a' + 10);
		}
	}
	return true;
}

static bool sink(struct conn *c, const char *p, size_t n)
{
	if (c->state == SINK_CHUNKS)
		return sink_chunks(c, p, n);
	c->left -= n < c->left ? n : c->left;
	return c->left || sink_done(c);
}

static bool source_over(struct conn *c)
{
	ssize_t n = c->chunked ? send(c->fd, "0\r\n\r\n", 5, MSG_NOSIGNAL) : 5;

	if (n < 0 && errno == EAGAIN) {
		conn_want(c, EPOLLOUT);
		return true;
	}
	c->state = HEADS;
	conn_want(c, EPOLLIN);
	return n == 5;
}

/* Chunks are all alike: N is cut down to a multiple of them. */
static bool source_run(struct conn *c)
{
	while (c->left) {
		const char *p = block;
		size_t n = c->left < BLOCK ? (size_t)c->left : BLOCK;
		if (c->text)
			p = c->text + strlen(c->text) - c->left;
		if (c->chunked) {
			p = piece + c->piece_done;
			n = piece_len - c->piece_done;
		}
		ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EAGAIN) {
			conn_want(c, EPOLLOUT);
			return true;
		}
		if (k < 0)
			return false;
		if (!c->chunked) {
			c->left -= (uint64_t)k;
			continue;
		}
		c->piece_done += (size_t)k;
		if (c->piece_done == piece_len) {
			c->piece_done = 0;
			c->left -= CHUNK;
		}
	}
	return source_over(c);
}

static bool source_start(struct conn *c, const char *number, bool chunked)
{
	char head[512];

	c->left = c->text ? strlen(c->text) : strtoull(number, NULL, 10);
	c->chunked = chunked;
	c->piece_done = 0;
	if (chunked)
		c->left -= c->left % CHUNK;
	int n =
	    chunked
		? snprintf(head, sizeof(head),
		      "HTTP/1.1 200 OK\r\n" ENGINE
		      "Content-Type: application/x-tar\r\nTransfer-Encoding: "
		      "chunked\r\n\r\n")
		: snprintf(head, sizeof(head),
		      "HTTP/1.1 200 OK\r\n" ENGINE
		      "Content-Type: application/x-tar\r\nContent-Length: "
		      "%llu\r\n\r\n",
		      (unsigned long long)c->left);
	c->state = SOURCE;
	return put(c, head, (size_t)n) && source_run(c);
}

/* ---- hijacked: what comes goes back ---- */

static bool echo_run(struct conn *c)
{
	while (c->wait_len) {
		ssize_t k = send(
		    c->fd, c->wait + c->wait_at, c->wait_len, MSG_NOSIGNAL);
		if (k < 0 && errno == EAGAIN) {
			conn_want(c, EPOLLOUT);
			return true;
		}
		if (k < 0)
			return false;
		c->wait_at += (size_t)k;
		c->wait_len -= (size_t)k;
	}
	conn_want(c, EPOLLIN);
	return !c->eof;
}

static bool echo_bytes(struct conn *c, const char *p, size_t n)
{
	ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);

	if (k < 0 && errno != EAGAIN)
		return false;
	size_t done = k > 0 ? (size_t)k : 0;
	if (done == n)
		return true;
	if (!c->wait && !(c->wait = malloc(BLOCK)))
		die("malloc");
	c->wait_at = 0;
	c->wait_len = n - done;
	memcpy(c->wait, p + done, n - done);
	return echo_run(c);
}

/* ---- heads ---- */

static const char upgraded[] =
    "HTTP/1.1 101 UPGRADED\r\n"
    "Content-Type: application/vnd.docker.raw-stream\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

static const char endless[] =
    "HTTP/1.1 200 OK\r\n" ENGINE
    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

static const char *field(const char *head, const char *name)
{
	const char *p = strcasestr(head, name);

	return p ? p + strlen(name) : NULL;
}

#define IMAGE                                                                  \
	"{\"Id\":\"sha256:" DIGITS "\",\"RepoTags\":[\"box:1\"],"                     \
	"\"Config\":{\"Env\":[\"PATH=/bin\"],\"Cmd\":[\"sh\"]}}"
#define DIGITS                                                                 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What a broker reads for itself; false: something else. */
static bool reads(struct conn *c, const char *path, bool *ok)
{
	static const char *const answers[][2] = {
	    {"/info", "{\"CgroupDriver\":\"cgroupfs\",\"NCPU\":8,"
		      "\"MemTotal\":17179869184}\n"},
	    {"/networks", "[]\n"},
	    {"/volumes", "{\"Volumes\":[],\"Warnings\":null}\n"},
	    {"/images/json", "[" IMAGE "]\n"},
	    {"/images/", IMAGE "\n"},
	};

	if (!strncmp(path, "/containers/json?all=1", 22)) {
		c->text = list;
		*ok = source_start(c, "", false);
		return true;
	}
	if (!strncmp(path, "/events", 7)) {
		c->state = SINK;
		c->left = UINT64_MAX;
		*ok = put(c, endless, sizeof(endless) - 1);
		return true;
	}
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (!strncmp(path, answers[i][0], strlen(answers[i][0]))) {
			*ok = answer(c, "200 OK", "application/json",
			    answers[i][1], false);
			return true;
		}
	return false;
}

/* The digits of downN and chunkN, and of their ids; NULL: another one. */
static const char *streamed(const char *path, bool *chunked)
{
	if (strncmp(path, "/containers/", 12) != 0 || !strstr(path, "/export"))
		return NULL;
	path += 12;
	*chunked = *path == 'c';
	return path + strcspn(path, "0123456789");
}

static bool route(struct conn *c, char *head)
{
	char *path = strchr(head, ' ');
	bool is_head = !strncmp(head, "HEAD ", 5);
	const char *length = field(head, "\r\nContent-Length: "), *p;
	bool chunked, ok;

	c->text = NULL;
	if (!path)
		return false;
	path++;
	if (!strncmp(path, "/v1.", 4) && (p = strchr(path + 1, '/')))
		path += p - path;
	if (!strncmp(path, "/_ping", 6))
		return answer(
		    c, "200 OK", "text/plain; charset=utf-8", "OK", is_head);
	if (!strncmp(head, "GET ", 4) && reads(c, path, &ok))
		return ok;
	if (!strncmp(path, "/containers/json", 16))
		return answer(c, "200 OK", "application/json",
		    "[{\"Id\":"
		    "\"4f3c2d1e\",\"Names\":[\"/one\"],\"Image\":\"busybox\","
		    "\"State\":\"running\",\"Status\":\"Up 2 days\"}]\n",
		    is_head);
	if ((p = streamed(path, &chunked)))
		return source_start(c, p, chunked);
	if (field(head, "\r\nUpgrade: ")) {
		c->state = ECHO;
		return put(c, upgraded, sizeof(upgraded) - 1);
	}
	c->last = false;
	c->line = 0;
	c->left = c->piece_done = 0;
	c->creates = !strncmp(path, "/containers/create", 18);
	if (field(head, "\r\nTransfer-Encoding: chunked")) {
		c->state = SINK_CHUNKS;
		return true;
	}
	if (length && (c->left = strtoull(length, NULL, 10)) > 0) {
		c->state = SINK;
		return true;
	}
	return answer(c, "404 Not Found", "application/json",
	    "{\"message\":\"page not found\"}\n", is_head);
}

static bool take(struct conn *c, const char *p, size_t n);

/* Requests do not overlap here: what stands behind a head is its body. */
static bool heads(struct conn *c, const char *p, size_t n)
{
	size_t room = HEAD - 1 - c->len, before = c->len;
	char *end;

	if (!room)
		return false;
	room = n < room ? n : room;
	memcpy(c->in + c->len, p, room);
	c->len += room;
	c->in[c->len] = 0;
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return room == n;
	size_t used = (size_t)(end - c->in) + 4 - before;
	end[2] = 0;
	c->len = 0;
	if (!route(c, c->in))
		return false;
	return used == n || take(c, p + used, n - used);
}

static bool take(struct conn *c, const char *p, size_t n)
{
	switch (c->state) {
	case HEADS:
		return heads(c, p, n);
	case SINK:
	case SINK_CHUNKS:
		return sink(c, p, n);
	case ECHO:
		return echo_bytes(c, p, n);
	case SOURCE:
		return false;
	}
	return false;
}

static bool conn_run(struct conn *c, uint32_t events)
{
	if (c->state == SOURCE)
		return source_run(c);
	if (c->wait_len)
		return echo_run(c);
	if (!(events & (EPOLLIN | EPOLLHUP)))
		return true;
	ssize_t n = recv(c->fd, block, BLOCK, 0);
	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && take(c, block, (size_t)n);
}

static void take_conn(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c = fd < 0 ? NULL : calloc(1, sizeof(*c));

	if (!c)
		return;
	c->fd = fd;
	c->events = EPOLLIN;
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
}

static int open_listener(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    chmod(path, 0666) < 0 || listen(fd, 4096) < 0)
		die(path);
	return fd;
}

static void list_add(FILE *f, const char *id, const char *name, unsigned long u)
{
	fprintf(f,
	    "%s{\"Id\":\"%s\",\"Names\":[\"/%s\"],\"Image\":\"box:1\","
	    "\"ImageID\":\"sha256:" DIGITS "\",\"Command\":\"sleep 1000\","
	    "\"Created\":1795300000,\"Ports\":[],\"Labels\":{"
	    "\"dockbroker.owner\":\"u%lu\"},\"State\":\"created\","
	    "\"Status\":\"Created\",\"HostConfig\":{\"NetworkMode\":"
	    "\"default\"},\"NetworkSettings\":{\"Networks\":{}},"
	    "\"Mounts\":[]}",
	    ftell(f) ? "," : "[", id, name, u);
}

static void list_make(unsigned long long bytes, unsigned long n,
    unsigned long users)
{
	size_t size;
	char id[80], name[80];
	FILE *f = open_memstream(&list, &size);

	if (!f)
		die("open_memstream");
	snprintf(id, sizeof(id), "e%063d", 0);
	list_add(f, id, "x", 0);
	for (int i = 0; i < 2; i++) {
		snprintf(id, sizeof(id), "%c%063llu", i ? 'c' : 'd', bytes);
		snprintf(name, sizeof(name), "%s%llu", i ? "chunk" : "down",
		    bytes);
		list_add(f, id, name, 0);
	}
	for (unsigned long i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "a%063lu", i);
		snprintf(name, sizeof(name), "many-%lu", i);
		list_add(f, id, name, i % users);
	}
	fputs("]\n", f);
	if (fclose(f) != 0)
		die("fclose");
}

int main(int argc, char **argv)
{
	struct epoll_event got[64], e = {.events = EPOLLIN, .data.ptr = NULL};

	if (argc != 2 && argc != 3 && argc != 5) {
		fputs("usage: stub SOCKET [BYTES [CONTAINERS USERS]]\n", stderr);
		return 64;
	}
	list_make(argc > 2 ? strtoull(argv[2], NULL, 10) : 0,
	    argc > 4 ? strtoul(argv[3], NULL, 10) : 0,
	    argc > 4 ? strtoul(argv[4], NULL, 10) : 1);
	memset(block, 'x', sizeof(block));
	memset(piece, 'x', sizeof(piece));
	piece_len = (size_t)snprintf(piece, 16, "%x\r\n", CHUNK);
	piece[piece_len] = 'x';
	piece_len += CHUNK + 2;
	memcpy(piece + piece_len - 2, "\r\n", 2);
	int listener = open_listener(argv[1]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) < 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, got, 64, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = got[i].data.ptr;
			if (!c)
				take_conn(listener);
			else if (!conn_run(c, got[i].events))
				conn_free(c);
		}
	}
}
