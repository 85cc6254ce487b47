/*
 * load.c: policy_load: the files, where they are from each other, and how
 * faults are told.  Reading is the caller's function; this layer opens
 * nothing.  Paths are the admin's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "policy/policy_int.h"

#define POLICY_MEMORY	(512UL << 20)	/* more than 16 MiB of text can ask for */
#define MESSAGE_MAX	1024			/* bytes of one fault's sentence */

bool load_full(const struct load *l)
{
	return l->failed < 0 || l->faults > BOUND_POLICY_ERRORS;
}

void *load_alloc(struct load *l, size_t n)
{
	void *p = arena_alloc(&l->policy->arena, n);

	if (p == NULL)
		l->failed = -ENOMEM;
	return p;
}

const char *load_copy(struct load *l, struct slice s)
{
	struct slice copy = arena_copy(&l->policy->arena, s);

	if (copy.p == NULL)
		l->failed = -ENOMEM;
	return copy.p;
}

_printf_(4, 0)
static void tell(struct load *l, const struct place *at, const char *prefix,
    const char *fmt, va_list args)
{
	char text[MESSAGE_MAX], line[MESSAGE_MAX + 16];

	vsnprintf(text, sizeof(text), fmt, args);
	snprintf(line, sizeof(line), "%s%s", prefix, text);
	fault_show(l->err, at->file->path, buf_slice(&at->file->text),
	    at->offset, at->len, line);
}

void load_fault(struct load *l, const struct place *at, const char *fmt, ...)
{
	va_list args;

	l->faults++;
	if (l->failed < 0 || l->faults > BOUND_POLICY_ERRORS + 1)
		return;
	if (l->faults > BOUND_POLICY_ERRORS) {
		buf_addf(l->err, "%s: more faults than %d: the rest is not told\n",
		    at->file->path, BOUND_POLICY_ERRORS);
		return;
	}
	va_start(args, fmt);
	tell(l, at, "", fmt, args);
	va_end(args);
}

void load_warn(struct load *l, const struct place *at, const char *fmt, ...)
{
	va_list args;

	/* beside a fault they may be no more than its consequence */
	if (l->faults > 0 || l->failed < 0 ||
	    ++l->warnings > BOUND_POLICY_ERRORS)
		return;
	va_start(args, fmt);
	tell(l, at, "warning: ", fmt, args);
	va_end(args);
}

void parse_fault(struct parse *p, const struct token *t, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	struct place at = { p->file, t->line, t->offset, t->len };
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	load_fault(p->load, &at, "%s", text);
}

/* ---- paths ---- */

/* What stands before the last slash, with the slash. */
static struct slice directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (struct slice){ path, slash ? (size_t)(slash - path) + 1 : 0 };
}

/* Drops the last part of a path; false when there is none to drop. */
static bool path_up(struct buf *b)
{
	struct slice s = buf_slice(b);
	size_t n = s.n;

	while (n > 0 && s.p[n - 1] != '/')
		n--;
	if (s.n == 0 || (s.n - n == 2 && memcmp(s.p + n, "..", 2) == 0))
		return false;
	b->len = n > 1 ? n - 1 : n;
	return true;
}

/* The same file by its text: "a/./b/../c" is "a/c".  Symbolic links are not
 * followed: a file that hides behind one is bounded by BOUND_POLICY_DEPTH. */
static void path_key(struct slice path, struct buf *key)
{
	bool absolute = path.n > 0 && path.p[0] == '/';

	if (absolute)
		buf_addc(key, '/');
	while (path.n > 0) {
		struct slice part = slice_cut(&path, '/');

		if (part.n == 0 || slice_is(part, "."))
			continue;
		if (slice_is(part, "..") &&
		    (path_up(key) || (absolute && key->len <= 1)))
			continue;
		if (key->len > 0 && key->p[key->len - 1] != '/')
			buf_addc(key, '/');
		buf_adds(key, part);
	}
}

/* ---- files ---- */

static struct file *file_new(struct load *l, struct slice path)
{
	_cleanup_(buf_free) struct buf key = BUF(BOUND_POLICY_FILE);
	struct slice dir = SLICE_NONE;
	struct file *f = load_alloc(l, sizeof(*f));

	path_key(path, &key);
	if (f == NULL)
		return NULL;
	f->text = BUF(BOUND_POLICY_FILE);
	f->path = load_copy(l, path);
	f->key = load_copy(l, buf_slice(&key));
	if (!buf_ok(&key) || f->path == NULL || f->key == NULL) {
		l->failed = -ENOMEM;
		return NULL;
	}
	if (l->policy->nfiles > 0)
		dir = directory(l->policy->files[0]->path);
	else
		dir = directory(f->path);
	f->name = slice_starts(path, dir) ? f->path + dir.n : f->path;
	return f;
}

static bool text_sound(struct load *l, struct file *f)
{
	struct slice text = buf_slice(&f->text);
	size_t good = 0;
	struct place at = { f, 1, 0, 1 };

	if (utf8_valid(text))
		return true;
	for (struct slice rest = text; rest.n > 0;) {	/* the first bad line */
		struct slice line = slice_cut(&rest, '\n');

		if (!utf8_valid(line))
			break;
		good += line.n + 1;
	}
	at.offset = good < text.n ? good : 0;
	load_fault(l, &at, "this line is not valid UTF-8");
	return false;
}

/* The reader may name the file, which the fault does as well. */
static const char *without_path(const char *text, const char *path)
{
	size_t n = strlen(path);

	return !strncmp(text, path, n) && !strncmp(text + n, ": ", 2) ?
	    text + n + 2 : text;
}

/* Reads and parses.  at: the include, NULL for the main file. */
static int file_load(struct load *l, struct file *f, const struct place *at,
    unsigned depth)
{
	_cleanup_(buf_free) struct buf why = BUF(MESSAGE_MAX);
	int r = table_add(&l->files, slice_from(f->key), f);

	if (r < 0)
		return l->failed = r;
	l->policy->files[l->policy->nfiles++] = f;
	r = l->read(l->arg, f->path, &f->text, &why);
	if (r < 0)
		return l->failed = r;
	l->bytes += f->text.len;
	if (r > 0 || !buf_ok(&f->text)) {
		const char *text = r > 0 ?
		    without_path(buf_text(&why), f->path) : "it is too large";

		if (at != NULL) {
			load_fault(l, at, "cannot read %s: %s", f->path, text);
		} else {
			l->faults++;
			buf_addf(l->err, "%s: cannot be read: %s\n", f->path,
			    text);
		}
		return 0;
	}
	if (l->bytes > BOUND_POLICY_FILE) {
		struct place start = { f, 1, 0, 1 };

		load_fault(l, &start, "the files of the policy have more than %d bytes",
		    BOUND_POLICY_FILE);
		return 0;
	}
	return text_sound(l, f) ? parse_file(l, f, depth) : 0;
}

/* Whether f is being parsed right now, further up. */
static bool includes(const struct file *f, const struct file *by)
{
	for (; by != NULL; by = by->parent)
		if (by == f)
			return true;
	return false;
}

int load_include(struct parse *p, const struct token *t)
{
	struct load *l = p->load;
	_cleanup_(buf_free) struct buf path = BUF(4096);
	struct place at = { p->file, t->line, t->offset, t->len };
	struct file *f, *known;

	if (t->text.n == 0 || t->text.p[0] != '/')
		buf_adds(&path, directory(p->file->path));
	buf_adds(&path, t->text);
	if (t->text.n == 0 || !buf_ok(&path)) {
		load_fault(l, &at, "this is not the name of a file");
		return 0;
	}
	if (p->depth >= BOUND_POLICY_DEPTH ||
	    l->policy->nfiles >= BOUND_POLICY_FILES) {
		load_fault(l, &at, "too many files: at most %d, nested %d deep",
		    BOUND_POLICY_FILES, BOUND_POLICY_DEPTH);
		return 0;
	}
	f = file_new(l, buf_slice(&path));
	if (f == NULL)
		return l->failed;
	f->parent = p->file;
	f->parent_line = t->line;
	known = table_find(&l->files, slice_from(f->key));
	if (known != NULL && includes(known, p->file)) {
		load_fault(l, &at, "%s includes itself by this line", known->name);
		return 0;
	}
	if (known != NULL) {
		load_fault(l, &at, "%s is included already, at %s:%u",
		    known->name, known->parent->name, known->parent_line);
		return 0;
	}
	return file_load(l, f, &at, p->depth + 1);
}

/* ---- the whole ---- */

static int hash_files(struct policy *p)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t md[EVP_MAX_MD_SIZE];
	bool good = ctx != NULL &&
	    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; good && i < p->nfiles; i++)
		good = EVP_DigestUpdate(ctx, p->files[i]->text.p,
		    p->files[i]->text.len) == 1;
	good = good && EVP_DigestFinal_ex(ctx, md, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return -ENOMEM;
	for (size_t i = 0; i < 32; i++)
		snprintf(p->hash + 2 * i, 3, "%02x", md[i]);
	return 0;
}

static int load_all(struct load *l, const char *path)
{
	struct file *main_file = file_new(l, slice_from(path));
	int r;

	if (main_file == NULL)
		return l->failed;
	r = file_load(l, main_file, NULL, 1);
	if (r == 0 && !load_full(l) && l->policy->nfiles > 0)
		r = check_policy(l);
	return r < 0 ? r : hash_files(l->policy);
}

/* The texts are needed for telling faults only. */
static void drop_texts(struct policy *p)
{
	for (size_t i = 0; i < p->nfiles; i++)
		buf_free(&p->files[i]->text);
}

static void policy_free_p(struct policy **p)
{
	policy_unref(*p);
}

static void table_free_p(struct table *t)
{
	table_free(t);
}

int policy_load(const char *path, policy_read_fn *read, void *arg,
    struct policy **out, struct buf *err)
{
	_cleanup_(policy_free_p) struct policy *p = calloc(1, sizeof(*p));
	struct load l = { .policy = p, .read = read, .arg = arg, .err = err };
	int r;

	*out = NULL;
	if (p == NULL)
		return -ENOMEM;
	p->refs = 1;
	arena_init(&p->arena, POLICY_MEMORY);
	r = vocabulary_build();
	if (r == 0)
		r = load_all(&l, path);
	table_free_p(&l.files);
	drop_texts(p);
	if (r < 0)
		return r;
	if (l.faults > 0)
		return POLICY_BAD;
	*out = p;
	p = NULL;
	return POLICY_GOOD;
}
