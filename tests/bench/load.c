/*
 * load.c: asks a stub Engine, directly or through a proxy, and measures.  Each
 * mode prints one line of KEY=VALUE; tests/bench/run reads it.
 *
 *   load SOCKET req CONNECTIONS MILLISECONDS [PATH]
 *   load SOCKET down|chunk|up|upchunk BYTES     up: a multiple of 256 KiB
 *   load SOCKET echo BYTES
 *   load SOCKET turn COUNT              round trips of one byte, hijacked
 *   load SOCKET idle CONNECTIONS        holds them until stdin ends
 *   load SOCKET get COUNT PATH          one after the other, of any length
 *   load SOCKET create COUNT FILE NAME  containers NAME-0 ..., FILE is the body
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (256 * 1024)
#define SAMPLES (1 << 22)

static const char *path; /* of the socket */
static char block[BLOCK];
static uint32_t *samples; /* ns */
static size_t nsamples;

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void bad(const char *what, const char *text)
{
	fprintf(stderr, "load: %s: %.300s\n", what, text);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int dial(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	for (int i = 0; i < 500; i++) {
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
			return fd;
		if (errno != EAGAIN)
			break;
		poll(NULL, 0, 10);
	}
	die(path);
	return -1;
}

static void say(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno != EINTR)
			die("send");
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

/* Reads until the head's end; what stands behind it is in *rest. */
static size_t hear_head(int fd, char *head, size_t size, size_t *rest)
{
	size_t n = 0;
	char *end = NULL;

	while (!end) {
		ssize_t k = read(fd, head + n, size - 1 - n);
		if (k <= 0)
			bad("no answer", n ? head : "connection closed");
		n += (size_t)k;
		head[n] = 0;
		end = strstr(head, "\r\n\r\n");
	}
	*rest = n - (size_t)(end + 4 - head);
	return n;
}

/* ---- req ---- */

struct conn {
	int fd;
	int64_t asked;
	size_t n;
	char in[4096];
};

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double quantile(double q)
{
	if (!nsamples)
		return 0;
	return samples[(size_t)((double)(nsamples - 1) * q)] / 1000.0;
}

static void ask(struct conn *c, const char *text, size_t n)
{
	c->n = 0;
	c->asked = now();
	say(c->fd, text, n);
}

/* A whole answer with status 200 is there? */
static bool answered(struct conn *c)
{
	const char *end, *length;

	c->in[c->n] = 0;
	end = memmem(c->in, c->n, "\r\n\r\n", 4);
	if (!end)
		return false;
	if (strncmp(c->in, "HTTP/1.1 200", 12))
		bad("refused", c->in);
	length = strcasestr(c->in, "\r\nContent-Length: ");
	if (!length || length > end)
		bad("no length", c->in);
	return c->n >=
	       (size_t)(end + 4 - c->in) + strtoul(length + 18, NULL, 10);
}

static void req_one(struct conn *c, const char *text, size_t len, bool more)
{
	ssize_t n =
	    recv(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		bad("cut", "the connection was closed");
	c->n += (size_t)n;
	if (!answered(c))
		return;
	int64_t took = now() - c->asked;
	if (nsamples < SAMPLES)
		samples[nsamples++] =
		    (uint32_t)(took > UINT32_MAX ? UINT32_MAX : took);
	c->asked = 0;
	if (more)
		ask(c, text, len);
}

static void req(int conns, int64_t ms, const char *target)
{
	struct conn *all = calloc((size_t)conns, sizeof(*all));
	struct epoll_event got[64];
	char text[1024];
	int len = snprintf(text, sizeof(text),
	    "GET %s HTTP/1.1\r\nHost: docker\r\n"
	    "User-Agent: Docker-Client/20.10.24 (linux)\r\n\r\n",
	    target);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	samples = calloc(SAMPLES, sizeof(*samples));
	if (!all || !samples || epoll < 0)
		die("memory");
	for (int i = 0; i < conns; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
		all[i].fd = dial();
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e) < 0)
			die("epoll_ctl");
		ask(&all[i], text, (size_t)len);
	}
	int64_t began = now(), end = began + ms * 1000000, t = began;
	for (; t < end; t = now()) {
		int n = epoll_wait(epoll, got, 64, 5000);
		if (n <= 0)
			bad("silence", "no answer for 5 s");
		for (int i = 0; i < n; i++)
			req_one(got[i].data.ptr, text, (size_t)len, true);
	}
	size_t count = nsamples;
	/* Nothing may be on its way when the CPU time of the proxy is read. */
	for (int i = 0; i < conns; i++)
		while (all[i].asked) {
			struct pollfd p = {.fd = all[i].fd, .events = POLLIN};
			(void)!poll(&p, 1, 1000);
			req_one(&all[i], text, (size_t)len, false);
		}
	double seconds = (double)(t - began) / 1e9;
	size_t total = nsamples;
	qsort(samples, nsamples, sizeof(*samples), compare);
	printf("requests=%zu rate=%.0f p50=%.2f p99=%.2f\n", total,
	    (double)count / seconds, quantile(0.5), quantile(0.99));
}

/* ---- streams ---- */

static void report(uint64_t bytes, int64_t began)
{
	double seconds = (double)(now() - began) / 1e9;

	printf("bytes=%llu gbs=%.3f\n", (unsigned long long)bytes,
	    (double)bytes / seconds / 1e9);
}

static void down(uint64_t bytes, bool chunked)
{
	char head[8192];
	size_t rest;
	int fd = dial();
	/* Of a chunked body the frames count as well: only the end matters. */
	int n = snprintf(head, sizeof(head),
	    "GET /v1.41/containers/%s%llu/export"
	    " HTTP/1.1\r\nHost: docker\r\n\r\n",
	    chunked ? "chunk" : "down", (unsigned long long)bytes);
	int64_t began = now();
	uint64_t got;
	char tail[5] = "";

	say(fd, head, (size_t)n);
	n = (int)hear_head(fd, head, sizeof(head), &rest);
	if (strncmp(head, "HTTP/1.1 200", 12))
		bad("refused", head);
	got = rest;
	while (chunked ? memcmp(tail, "0\r\n\r\n", 5) : got < bytes) {
		ssize_t k = read(fd, block, sizeof(block));
		if (k <= 0)
			bad("cut",
			    k < 0 ? strerror(errno) : "the body is too short");
		got += (uint64_t)k;
		size_t m = k < 5 ? (size_t)k : 5;
		memmove(tail, tail + m, 5 - m);
		memcpy(tail + 5 - m, block + k - m, m);
	}
	report(bytes, began);
	close(fd);
}

/* One piece of a tar archive of one file, where left of its bytes begin. */
static void archive(char *p, size_t n, uint64_t left, uint64_t bytes)
{
	unsigned sum = 0;

	if (left + n == bytes)
		memset(p, 'x', 512); /* instead of the header before */
	if (left <= n)
		memset(p + n - 1024, 0, 1024);
	if (left != bytes)
		return;
	memset(p, 0, 512);
	snprintf(p, 100, "file");
	snprintf(p + 100, 8, "0000644");
	snprintf(p + 124, 12, "%011llo", (unsigned long long)bytes - 1536);
	snprintf(p + 136, 12, "%011o", 0);
	memset(p + 148, ' ', 8);
	p[156] = '0';
	memcpy(p + 257, "ustar\00000", 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)p[i];
	snprintf(p + 148, 7, "%06o", sum);
}

static void up(uint64_t bytes, bool chunked)
{
	char head[8192], line[16];
	size_t rest;
	int fd = dial();
	int64_t began = now();
	char length[64];

	snprintf(length, sizeof(length), "Content-Length: %llu",
	    (unsigned long long)bytes);
	int n = snprintf(head, sizeof(head),
	    "PUT /v1.41/containers/x/archive?path=%%2F"
	    " HTTP/1.1\r\nHost: docker\r\nContent-Type: "
	    "application/x-tar\r\n%s\r\n\r\n",
	    chunked ? "Transfer-Encoding: chunked" : length);
	say(fd, head, (size_t)n);
	/* 32 KiB and its frame in one write, as Go's transport does. */
	size_t frame = (size_t)snprintf(line, sizeof(line), "8000\r\n");
	if (chunked) {
		memcpy(block, line, frame);
		memcpy(block + frame + 0x8000, "\r\n", 2);
	}
	for (uint64_t left = bytes; left && chunked; left -= 0x8000) {
		archive(block + frame, 0x8000, left, bytes);
		say(fd, block, frame + 0x8000 + 2);
	}
	for (uint64_t left = bytes; left && !chunked; left -= BLOCK) {
		archive(block, BLOCK, left, bytes);
		say(fd, block, BLOCK);
	}
	if (chunked)
		say(fd, "0\r\n\r\n", 5);
	(void)hear_head(fd, head, sizeof(head), &rest);
	if (strncmp(head, "HTTP/1.1 200", 12))
		bad("refused", head);
	report(bytes, began);
	close(fd);
}

static int hijack(void)
{
	static const char text[] =
	    "POST /v1.41/containers/x/attach?stream=1&stdin=1"
	    "&stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
	    "Upgrade: tcp\r\nContent-Length: 0\r\n\r\n";
	char head[8192];
	size_t rest;
	int fd = dial();

	say(fd, text, sizeof(text) - 1);
	(void)hear_head(fd, head, sizeof(head), &rest);
	if (strncmp(head, "HTTP/1.1 101", 12))
		bad("refused", head);
	return fd;
}

/* Both directions at once; bytes counts one of them. */
static void echo(uint64_t bytes)
{
	static char other[BLOCK];
	int fd = hijack();
	uint64_t sent = 0, got = 0;
	int64_t began = now();

	while (got < bytes) {
		struct pollfd p = {
		    .fd = fd, .events = POLLIN | (sent < bytes ? POLLOUT : 0)};
		if (poll(&p, 1, 5000) <= 0)
			bad("silence", "no echo for 5 s");
		if (p.revents & POLLOUT) {
			size_t k = bytes - sent < BLOCK ? (size_t)(bytes - sent)
							: BLOCK;
			ssize_t n =
			    send(fd, block, k, MSG_NOSIGNAL | MSG_DONTWAIT);
			sent += n > 0 ? (uint64_t)n : 0;
		}
		if (p.revents & (POLLIN | POLLHUP)) {
			ssize_t n =
			    recv(fd, other, sizeof(other), MSG_DONTWAIT);
			if (n == 0)
				bad("cut", "the echo is too short");
			got += n > 0 ? (uint64_t)n : 0;
		}
	}
	report(bytes, began);
	close(fd);
}

static void turn(size_t count)
{
	int fd = hijack();

	samples = calloc(count, sizeof(*samples));
	if (!samples)
		die("memory");
	for (; nsamples < count; nsamples++) {
		int64_t began = now();
		say(fd, "x", 1);
		if (read(fd, block, 1) != 1)
			bad("cut", "the echo is too short");
		samples[nsamples] = (uint32_t)(now() - began);
	}
	qsort(samples, nsamples, sizeof(*samples), compare);
	printf("turns=%zu p50=%.2f p99=%.2f\n", nsamples, quantile(0.5),
	    quantile(0.99));
	close(fd);
}

/* ---- idle ---- */

/* Each has had one answer, as a client's pool keeps them. */
static void idle(int conns)
{
	static const char text[] =
	    "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
	struct rlimit l = {65536, 65536};
	char head[8192];
	size_t rest;

	(void)!setrlimit(RLIMIT_NOFILE, &l);
	for (int i = 0; i < conns; i++) {
		int fd = dial();
		say(fd, text, sizeof(text) - 1);
		(void)hear_head(fd, head, sizeof(head), &rest);
		if (strncmp(head, "HTTP/1.1 200", 12))
			bad("refused", head);
	}
	printf("idle=%d\n", conns);
	fflush(stdout);
	(void)!read(0, block, 1);
}

/* ---- get, create: one after the other, of any length ---- */

static bool whole(const char *in, size_t n)
{
	const char *end = memmem(in, n, "\r\n\r\n", 4), *length;

	if (!end)
		return false;
	length = strcasestr(in, "\r\nContent-Length: ");
	if (length && length < end)
		return n >= (size_t)(end + 4 - in) +
				strtoul(length + 18, NULL, 10);
	return n >= 5 && !memcmp(in + n - 5, "0\r\n\r\n", 5);
}

/* Bytes of the answer, which has to have this status. */
static size_t turned(int fd, const char *text, size_t len, const char *status)
{
	static char *in;
	static size_t size;
	size_t n = 0;
	int64_t began = now();

	say(fd, text, len);
	do {
		if (size - n < BLOCK) {
			size = size * 2 + 2 * BLOCK;
			in = realloc(in, size);
			if (!in)
				die("memory");
		}
		ssize_t k = read(fd, in + n, size - 1 - n);
		if (k <= 0)
			bad("cut", "the connection was closed");
		n += (size_t)k;
		in[n] = 0;
	} while (!whole(in, n));
	if (strncmp(in + 9, status, 3))
		bad("refused", in);
	samples[nsamples++] = (uint32_t)((now() - began) / 1000);
	return n;
}

static void turns(size_t count, const char *target, const char *file)
{
	static char body[65536], text[sizeof(body) + 1024];
	FILE *f = file ? fopen(file, "re") : NULL;
	size_t n = f ? fread(body, 1, sizeof(body) - 1, f) : 0, bytes = 0;
	int fd = dial(), len;

	if (file && (!f || !n))
		die(file);
	samples = calloc(count + 1, sizeof(*samples)); /* us here */
	if (!samples)
		die("memory");
	for (size_t i = 0; i < count; i++) {
		len = file ? snprintf(text, sizeof(text),
				 "POST /v1.41/containers/create?name=%s-%zu "
				 "HTTP/1.1\r\nHost: docker\r\nContent-Type: "
				 "application/json\r\nContent-Length: "
				 "%zu\r\n\r\n%s",
				 target, i, n, body)
			   : snprintf(text, sizeof(text),
				 "GET %s HTTP/1.1\r\nHost: docker\r\n\r\n",
				 target);
		bytes = turned(fd, text, (size_t)len, file ? "201" : "200");
	}
	qsort(samples, nsamples, sizeof(*samples), compare);
	printf("requests=%zu bytes=%zu p50=%.0f p99=%.0f\n", nsamples, bytes,
	    quantile(0.5) * 1000, quantile(0.99) * 1000);
	if (f)
		fclose(f);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: load SOCKET req CONNECTIONS MILLISECONDS [PATH]\n"
		      "       load SOCKET down|chunk|up|upchunk|echo BYTES\n"
		      "       load SOCKET turn COUNT\n"
		      "       load SOCKET idle CONNECTIONS\n"
		      "       load SOCKET get COUNT PATH\n"
		      "       load SOCKET create COUNT FILE NAME\n",
		    stderr);
		return 64;
	}
	path = argv[1];
	const char *mode = argv[2];
	uint64_t n = strtoull(argv[3], NULL, 10);
	memset(block, 'x', sizeof(block));
	if (!strcmp(mode, "req"))
		req((int)n, argc > 4 ? atoll(argv[4]) : 1000,
		    argc > 5 ? argv[5] : "/_ping");
	else if (!strcmp(mode, "down") || !strcmp(mode, "chunk"))
		down(n, mode[0] == 'c');
	else if (!strcmp(mode, "up") || !strcmp(mode, "upchunk"))
		up(n, mode[2] == 'c');
	else if (!strcmp(mode, "echo"))
		echo(n);
	else if (!strcmp(mode, "turn"))
		turn((size_t)n);
	else if (!strcmp(mode, "idle"))
		idle((int)n);
	else if (!strcmp(mode, "get") && argc == 5)
		turns((size_t)n, argv[4], NULL);
	else if (!strcmp(mode, "create") && argc == 6)
		turns((size_t)n, argv[5], argv[4]);
	else
		bad("unknown mode", mode);
	return 0;
}
