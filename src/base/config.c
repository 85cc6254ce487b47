/*
 * config.c: dockbroker.conf.  One line is one key and its value; config.def
 * has the keys, so a new key is one row there.  The admin wrote the file: every
 * fault in it is told, and a file with a fault is not used at all.
 */
#include <stdio.h>
#include <string.h>

#include "dockbroker/base.h"

#define FAULTS	20	/* told before giving up */
#define WORDS	8	/* on one line */

enum kind { KIND_TEXT, KIND_PATH, KIND_WORD, KIND_NUMBER, KIND_TIME, KIND_SWITCH };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;			/* in struct config */
	const char *text, *word;	/* TEXT, PATH, WORD: default, alternatives */
	uint64_t number, min, max;	/* the others */
};

static const struct key keys[] = {
#define AT(id)	offsetof(struct config, id)
#define CONFIG_TEXT(id, key, dflt, doc) \
	{ key, KIND_TEXT, AT(id), dflt, NULL, 0, 0, 0 },
#define CONFIG_PATH(id, key, dflt, word, doc) \
	{ key, KIND_PATH, AT(id), dflt, word, 0, 0, 0 },
#define CONFIG_WORD(id, key, dflt, words, doc) \
	{ key, KIND_WORD, AT(id), dflt, words, 0, 0, 0 },
#define CONFIG_NUMBER(id, key, dflt, min, max, doc) \
	{ key, KIND_NUMBER, AT(id), NULL, NULL, dflt, min, max },
#define CONFIG_TIME(id, key, dflt, min, max, doc) \
	{ key, KIND_TIME, AT(id), NULL, NULL, dflt, min, max },
#define CONFIG_SWITCH(id, key, dflt, doc) \
	{ key, KIND_SWITCH, AT(id), NULL, NULL, dflt, 0, 1 },
#include "dockbroker/config.def"
};

static const char *const options[] = { "path", "mode", "uid", "containers" };

struct reader {
	struct config *c;
	const char *path;
	struct slice text;
	struct buf *err;
	unsigned faults;
	bool seen[countof(keys)];
	struct slice service_names[countof(((struct config *)0)->services)];
};

static void fault(struct reader *r, struct slice at, const char *fmt, ...)
    _printf_(3, 4);

static void fault(struct reader *r, struct slice at, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	if (r->faults++ >= FAULTS)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	fault_show(r->err, r->path, r->text, (size_t)(at.p - r->text.p), at.n,
	    message);
}

static const char *key_at(size_t i)
{
	if (i == countof(keys))
		return "service";
	return i < countof(keys) ? keys[i].name : NULL;
}

static const char *option_at(size_t i)
{
	return i < countof(options) ? options[i] : NULL;
}

/* Where the key lives.  The table is the only writer of offsets. */
static void *place(struct config *c, const struct key *k)
{
	return (char *)c + k->offset;
}

void config_defaults(struct config *c)
{
	*c = (struct config){ .nservices = 0 };
	for (size_t i = 0; i < countof(keys); i++) {
		const struct key *k = &keys[i];

		if (k->text)
			memcpy(place(c, k), k->text, strlen(k->text));
		else if (k->kind == KIND_SWITCH)
			*(bool *)place(c, k) = k->number;
		else
			*(uint64_t *)place(c, k) = k->number;
	}
}

/* ---- words ---- */

/* A word is what stands between blanks; "..." may hold blanks and '#'. */
static bool next_word(struct reader *r, struct slice *line, struct slice *word)
{
	bool quoted = false;
	size_t n = 0;

	*line = slice_trim(*line);
	if (line->n == 0 || line->p[0] == '#')
		return false;
	while (n < line->n &&
	    (quoted || (line->p[n] != ' ' && line->p[n] != '\t')))
		quoted ^= line->p[n++] == '"';
	*word = (struct slice){ line->p, n };
	line->p += n;
	line->n -= n;
	if (quoted)
		fault(r, *word, "the quote is not closed");
	return true;
}

static size_t split(struct reader *r, struct slice line, struct slice *words)
{
	size_t n = 0;

	while (n < WORDS && next_word(r, &line, &words[n]))
		n++;
	return n;
}

/* Without its quotes.  False, and told, when it is no text for a value. */
static bool unquote(struct reader *r, struct slice *s)
{
	struct slice at = *s;

	if (s->n >= 2 && s->p[0] == '"' && s->p[s->n - 1] == '"')
		*s = (struct slice){ s->p + 1, s->n - 2 };
	if (s->n && memchr(s->p, '"', s->n)) {
		fault(r, at, "a quote inside a word");
		return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		if ((unsigned char)s->p[i] < 0x20 || s->p[i] == 0x7f) {
			fault(r, at, "a control character in a value");
			return false;
		}
	}
	if (!utf8_valid(*s)) {
		fault(r, at, "the value is not UTF-8");
		return false;
	}
	return true;
}

/* ---- values ---- */

/* Names that Engines have for runc itself: forced, they would be no guard. */
static bool names_runc(struct slice v)
{
	return slice_is(v, "runc") || slice_starts(v, SLICE("io.containerd."));
}

static void read_text(struct reader *r, const struct key *k, struct slice at)
{
	struct slice v = at;
	char *to = place(r->c, k);

	if (!unquote(r, &v))
		return;
	if (v.n >= 256) {
		fault(r, at, "the value is longer than 255 bytes");
	} else if (k->kind == KIND_TEXT && v.n == 0) {
		fault(r, at, "the value is empty");
	} else if (k->offset == offsetof(struct config, guard_runtime) &&
	    names_runc(v)) {
		fault(r, at, "this is runc itself: `%s' is the Engine's name "
		    "for dockbroker-oci", k->name);
	} else if (k->kind == KIND_PATH && !slice_starts(v, SLICE("/")) &&
	    !(k->word && slice_is(v, k->word))) {
		fault(r, at, k->word && k->word[0]
		    ? "`%s' is an absolute path or `%s'"
		    : "`%s' is an absolute path", k->name, k->word);
	} else {
		memset(to, 0, 256);
		if (v.n)
			memcpy(to, v.p, v.n);
	}
}

/* "pass nodev refuse" -> "pass, nodev or refuse" */
static void show_words(char out[128], const char *words)
{
	struct slice rest = slice_from(words);
	int n = 0;

	while (rest.n && n < 128) {
		struct slice word = slice_cut(&rest, ' ');

		n += snprintf(out + n, 128 - (size_t)n, "%s%.*s", n == 0 ? "" :
		    rest.n ? ", " : " or ", SLICE_ARG(word));
	}
}

static void read_word(struct reader *r, const struct key *k, struct slice at)
{
	struct slice rest = slice_from(k->word);
	char words[128];

	while (rest.n) {
		if (slice_equal(slice_cut(&rest, ' '), at)) {
			read_text(r, k, at);
			return;
		}
	}
	show_words(words, k->word);
	fault(r, at, "`%s' is %s", k->name, words);
}

static bool parse_ms(struct slice v, uint64_t *out)
{
	uint64_t seconds;

	if (v.n > 2 && v.p[v.n - 2] == 'm' && v.p[v.n - 1] == 's')
		return slice_number((struct slice){ v.p, v.n - 2 },
		    UINT32_MAX, out);
	if (!time_parse_span(v, UINT32_MAX, &seconds))
		return false;
	*out = seconds * 1000;
	return true;
}

/* 90000 -> "90s", 1500 -> "1500ms". */
static void show_time(char out[32], uint64_t ms)
{
	if (ms % 1000)
		snprintf(out, 32, "%llums", (unsigned long long)ms);
	else if (ms % 60000 || ms == 0)
		snprintf(out, 32, "%llus", (unsigned long long)ms / 1000);
	else
		snprintf(out, 32, "%llum", (unsigned long long)ms / 60000);
}

static void read_time(struct reader *r, const struct key *k, struct slice at)
{
	char min[32], max[32];
	uint64_t v;

	show_time(min, k->min);
	show_time(max, k->max);
	if (!parse_ms(at, &v))
		fault(r, at, "`%s' is a time such as 500ms, 10s or 5m",
		    k->name);
	else if (v < k->min || v > k->max)
		fault(r, at, "`%s' is between %s and %s", k->name, min, max);
	else
		*(uint64_t *)place(r->c, k) = v;
}

static void read_number(struct reader *r, const struct key *k, struct slice at)
{
	uint64_t v;

	if (!size_parse(at, UINT64_MAX, &v))
		fault(r, at, "`%s' is a number", k->name);
	else if (v < k->min || v > k->max)
		fault(r, at, "`%s' is between %llu and %llu", k->name,
		    (unsigned long long)k->min, (unsigned long long)k->max);
	else
		*(uint64_t *)place(r->c, k) = v;
}

static bool read_switch(struct reader *r, const char *name, struct slice at,
    bool *to)
{
	if (!slice_is(at, "yes") && !slice_is(at, "no")) {
		fault(r, at, "`%s' is yes or no", name);
		return false;
	}
	*to = slice_is(at, "yes");
	return true;
}

static void read_value(struct reader *r, const struct key *k, struct slice v)
{
	switch (k->kind) {
	case KIND_TEXT:
	case KIND_PATH:
		read_text(r, k, v);
		break;
	case KIND_WORD:
		read_word(r, k, v);
		break;
	case KIND_NUMBER:
		read_number(r, k, v);
		break;
	case KIND_TIME:
		read_time(r, k, v);
		break;
	case KIND_SWITCH:
		(void)read_switch(r, k->name, v, place(r->c, k));
		break;
	}
}

/* ---- service NAME path=/x mode=0660 uid=123 containers=yes|no ---- */

/* The name becomes a file's and stands in the policy. */
static bool good_name(struct slice s)
{
	static const char others[] = "_.-";

	if (s.n == 0 || s.n >= BOUND_NAME || s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') &&
		    !memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return true;
}

static bool parse_mode(struct slice s, unsigned *mode)
{
	*mode = 0;
	if (s.n < 3 || s.n > 4 || (s.n == 4 && s.p[0] != '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return false;
		*mode = *mode * 8 + (unsigned)(s.p[i] - '0');
	}
	return true;
}

static void read_option(struct reader *r, struct service_conf *s, size_t which,
    struct slice v)
{
	struct slice at = v;
	uint64_t uid;

	switch (which) {
	case 0:
		if (!unquote(r, &v))
			return;
		if (!slice_starts(v, SLICE("/")) || v.n >= sizeof(s->path))
			fault(r, at, "`path' is an absolute path of at most "
			    "%zu bytes", sizeof(s->path) - 1);
		else
			memcpy(s->path, v.p, v.n);
		break;
	case 1:
		if (!parse_mode(v, &s->mode))
			fault(r, at, "`mode' is octal, from 000 to 0777");
		break;
	case 2:
		if (!slice_number(v, WHO_UNSET - 1, &uid))
			fault(r, at, "`uid' is the number of a user");
		else
			s->uid = (uint32_t)uid;
		break;
	case 3:
		(void)read_switch(r, "containers", v, &s->containers);
		break;
	}
}

static void read_options(struct reader *r, struct service_conf *s,
    const struct slice *words, size_t n)
{
	bool seen[countof(options)] = { false };

	for (size_t i = 0; i < n; i++) {
		struct slice v = words[i], name = slice_cut(&v, '=');
		size_t o = 0;

		while (o < countof(options) && !slice_is(name, options[o]))
			o++;
		if (o == countof(options)) {
			const char *near = slice_nearest(name, option_at);

			fault(r, name, near[0]
			    ? "unknown option; did you mean `%s'?"
			    : "unknown option", near);
		} else if (name.n == words[i].n) {
			fault(r, name, "`%s' needs a value: %s=...", options[o],
			    options[o]);
		} else if (seen[o]) {
			fault(r, words[i], "`%s' is given twice", options[o]);
		} else {
			seen[o] = true;
			read_option(r, s, o, v);
		}
	}
}

static void read_service(struct reader *r, const struct slice *words, size_t n)
{
	struct config *c = r->c;
	struct service_conf *s;

	if (n < 2) {
		fault(r, words[0], "a service needs a name");
		return;
	}
	if (!good_name(words[1])) {
		fault(r, words[1], "a service's name is made of letters, "
		    "digits, `_', `.' and `-', at most %d", BOUND_NAME - 1);
		return;
	}
	for (size_t i = 0; i < c->nservices; i++) {
		if (slice_is(words[1], c->services[i].name)) {
			fault(r, words[1], "the service is defined twice");
			return;
		}
	}
	if (c->nservices == countof(c->services)) {
		fault(r, words[1], "there are more than %zu services",
		    countof(c->services));
		return;
	}
	s = &c->services[c->nservices];
	r->service_names[c->nservices++] = words[1];
	*s = (struct service_conf){ .mode = 0660, .uid = WHO_UNSET };
	memcpy(s->name, words[1].p, words[1].n);
	read_options(r, s, words + 2, n - 2);
}

static bool place_service(struct service_conf *s, const char *dir)
{
	_cleanup_(buf_free) struct buf path = BUF(sizeof(s->path) - 1);

	buf_addf(&path, "%s/services/%s.sock", dir, s->name);
	memcpy(s->path, buf_text(&path), path.len + buf_ok(&path));
	return buf_ok(&path);
}

/* After the last line: run-dir may stand behind a service. */
static void place_services(struct reader *r)
{
	struct config *c = r->c;

	for (size_t i = 0; i < c->nservices; i++) {
		struct service_conf *s = &c->services[i];
		struct slice at = r->service_names[i];

		if (s->path[0] == '\0' && !place_service(s, c->run_dir))
			fault(r, at, "the path of its socket has more than %zu "
			    "bytes: give a path=", sizeof(s->path) - 1);
		for (size_t j = 0; j < i; j++)
			if (strcmp(s->path, c->services[j].path) == 0)
				fault(r, at, "`%s' has the same path",
				    c->services[j].name);
	}
}

/* ---- lines ---- */

static void read_line(struct reader *r, struct slice line)
{
	struct slice words[WORDS];
	size_t n = split(r, line, words), i = 0;

	if (n == 0)
		return;
	if (slice_is(words[0], "service")) {
		read_service(r, words, n);
		return;
	}
	while (i < countof(keys) && !slice_is(words[0], keys[i].name))
		i++;
	if (i == countof(keys)) {
		const char *near = slice_nearest(words[0], key_at);

		fault(r, words[0], near[0] ? "unknown key; did you mean `%s'?"
		    : "unknown key", near);
	} else if (n == 1) {
		fault(r, words[0], "`%s' needs a value", keys[i].name);
	} else if (n > 2) {
		fault(r, words[2], "`%s' takes one value", keys[i].name);
	} else if (r->seen[i]) {
		fault(r, words[0], "`%s' is given twice", keys[i].name);
	} else {
		r->seen[i] = true;
		read_value(r, &keys[i], words[1]);
	}
}

int config_parse(struct config *c, const char *path, struct slice text,
    struct buf *err)
{
	struct reader r = { .c = c, .path = path, .text = text, .err = err };
	struct slice rest = text;

	config_defaults(c);
	while (rest.n && r.faults < FAULTS)
		read_line(&r, slice_cut(&rest, '\n'));
	place_services(&r);
	return r.faults ? CONFIG_BAD : CONFIG_GOOD;
}
