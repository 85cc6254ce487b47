/*
 * time.c: times, spans and sizes as people write them.  No clock and no time
 * zone is read: gmtime(3) would look for /etc/localtime inside the sandbox.
 */
#include <string.h>

#include "dockbroker/base.h"

#define DAY	86400

struct date {
	int64_t year;
	unsigned month, day;
};

/* Days since 1970-01-01 to the Gregorian date.  Years begin in March, so that
 * the leap day is the last of its year. */
static struct date date_of(int64_t days)
{
	int64_t shifted = days + 719468;	/* since 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	unsigned of_era = (unsigned)(shifted - era * 146097);
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 -
	    of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;	/* 0: March */
	struct date d = {
		.year = era * 400 + year + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = of_year - (153 * month + 2) / 5 + 1,
	};

	return d;
}

/* v with leading zeros, then c.  Every audit record has a time: no printf. */
static char *put(char *to, uint64_t v, unsigned digits, char c)
{
	for (unsigned i = digits; i > 0; i--) {
		to[i - 1] = (char)('0' + v % 10);
		v /= 10;
	}
	to[digits] = c;
	return to + digits + 1;
}

void time_format(char out[TIME_TEXT], int64_t realtime_us)
{
	int64_t seconds = realtime_us / 1000000, days;
	int64_t us = realtime_us % 1000000;
	unsigned second;
	uint64_t year;
	struct date d;

	if (us < 0) {
		us += 1000000;
		seconds--;
	}
	days = seconds / DAY - (seconds % DAY < 0);
	second = (unsigned)(seconds - days * DAY);
	d = date_of(days);
	if (d.year < 0)
		*out++ = '-';
	/* All that 64 bits of microseconds can hold: -290308 to 294247. */
	year = (uint64_t)(d.year < 0 ? -d.year : d.year);
	out = put(out, year, year > 99999 ? 6 : year > 9999 ? 5 : 4, '-');
	out = put(out, d.month, 2, '-');
	out = put(out, d.day, 2, 'T');
	out = put(out, second / 3600, 2, ':');
	out = put(out, second / 60 % 60, 2, ':');
	out = put(out, second % 60, 2, '.');
	out = put(out, (uint64_t)us, 6, 'Z');
	*out = '\0';
}

static struct slice take_digits(struct slice *s)
{
	struct slice digits = { s->p, 0 };

	while (digits.n < s->n && s->p[digits.n] >= '0' &&
	    s->p[digits.n] <= '9')
		digits.n++;
	s->p += digits.n;
	s->n -= digits.n;
	return digits;
}

/* Units must fall: "1h30m" is a span, "30m1h" and "1h1h" are slips. */
bool time_parse_span(struct slice s, uint64_t max_seconds, uint64_t *out)
{
	static const struct { char letter; uint64_t seconds; } units[] = {
		{ 'd', DAY }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
	};
	uint64_t total = 0, v;
	size_t unit = 0;

	if (slice_number(s, max_seconds, out))
		return true;
	while (s.n) {
		if (!slice_number(take_digits(&s), UINT64_MAX, &v) || s.n == 0)
			return false;
		while (unit < countof(units) && units[unit].letter != s.p[0])
			unit++;
		if (unit == countof(units) ||
		    v > (max_seconds - total) / units[unit].seconds)
			return false;
		total += v * units[unit++].seconds;
		s.p++;
		s.n--;
		if (s.n == 0) {
			*out = total;
			return true;
		}
	}
	return false;
}

bool size_parse(struct slice s, uint64_t max, uint64_t *out)
{
	static const char letters[] = "kmgt";
	struct slice digits;
	const char *letter;
	unsigned shift = 0;
	uint64_t v;

	if (s.n == 0)
		return false;
	digits = take_digits(&s);
	if (s.n > 1)
		return false;
	if (s.n == 1) {
		letter = memchr(letters, s.p[0] | 0x20, sizeof(letters) - 1);
		if (!letter)
			return false;
		shift = 10 * (unsigned)(letter - letters + 1);
	}
	if (!slice_number(digits, max >> shift, &v))
		return false;
	*out = v << shift;
	return true;
}
