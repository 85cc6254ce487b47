/*
 * log.c: lines for operators, on stderr.  A message may carry bytes that a
 * client chose, so it is escaped here, once: one message is one line, and no
 * terminal is told anything.  This is the one place in base with state and I/O;
 * libraries log nothing above debug.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "dockbroker/base.h"

#define LOG_TEXT	2048	/* bytes of a message, before escaping */
#define LOG_LINE	(4 * LOG_TEXT + 256)

static struct {
	const char *name;
	enum log_level level;
	bool journal;
} log_state = { "dockbroker", LOG_INFO, false };

void log_open(const char *name, enum log_level level, bool journal)
{
	log_state.name = name;
	log_state.level = level;
	log_state.journal = journal;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.level;
}

/* The numbers are syslog's, as sd-daemon(3) wants them. */
static void add_prefix(struct buf *line, enum log_level level)
{
	static const struct { char number; const char *word; } levels[] = {
		[LOG_ERROR] = { '3', "error" },
		[LOG_WARN] = { '4', "warning" },
		[LOG_INFO] = { '6', "info" },
		[LOG_DEBUG] = { '7', "debug" },
	};
	char when[TIME_TEXT];
	struct timespec t;

	if (log_state.journal) {
		buf_addf(line, "<%c>", levels[level].number);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &t);
	time_format(when, t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000);
	buf_addf(line, "%s %s: %s: ", when, log_state.name,
	    levels[level].word);
}

/* A backslash is doubled so that what was escaped can be told from what was
 * written that way.  U+0080 to U+009F control terminals as well. */
static void add_escaped(struct buf *line, struct slice s)
{
	while (s.n) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = utf8_char(s);

		if (n == 0 || c < 0x20 || c == 0x7f)
			buf_addf(line, "\\x%02x", c);
		else if (c == '\\')
			buf_addz(line, "\\\\");
		else if (c == 0xc2 && (unsigned char)s.p[1] < 0xa0)
			buf_addf(line, "\\xc2\\x%02x", (unsigned char)s.p[1]);
		else
			buf_add(line, s.p, n);
		n = n ? n : 1;
		s.p += n;
		s.n -= n;
	}
}

static void write_all(struct slice s)
{
	while (s.n) {
		ssize_t n = write(STDERR_FILENO, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;		/* nobody could be told */
		s.p += n;
		s.n -= (size_t)n;
	}
}

void log_write(enum log_level level, const char *fmt, ...)
{
	_cleanup_(buf_free) struct buf line = BUF(LOG_LINE);
	int saved = errno, n;
	char text[LOG_TEXT];
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	add_prefix(&line, level);
	if ((size_t)n < sizeof(text)) {
		add_escaped(&line, (struct slice){ text, (size_t)n });
	} else {
		add_escaped(&line, (struct slice){ text, sizeof(text) - 1 });
		buf_addz(&line, "...");
	}
	buf_addc(&line, '\n');
	write_all(buf_slice(&line));
	errno = saved;
}
