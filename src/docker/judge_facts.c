/*
 * judge_facts.c: fields that are no danger by themselves, but that the policy
 * and the record want to know: names, the image, the user, the command line.
 */
#include <string.h>

#include "docker/body_int.h"
#include "docker/names.h"

#define ARGV_SHOWN	2048		/* bytes */

static void keep_text(struct walk *w, struct slice *to, const struct node *v)
{
	struct slice s = node_text(v);

	if (s.n)
		*to = keep(w, s);
}

/* Of a commit's Config these describe an image to be, not what runs. */
void judge_image(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	struct slice name = node_text(v);

	if (w->schema == SCHEMA_COMMIT)
		return;
	keep_text(w, &w->facts->image, v);
	if (w->schema != SCHEMA_CONTAINER_CREATE || !name.n)
		return;
	if (reference_valid(name))
		ref_add(w, OBJECT_IMAGE, REF_USE, at, name);
	else
		walk_fault(w, at, "is not the name of an image");
}

void judge_user(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	if (w->schema != SCHEMA_COMMIT)
		keep_text(w, &w->facts->user, v);
}

void judge_new_name(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	keep_text(w, &w->facts->new_name, v);
}

/* The registry: the host of "https://index.docker.io/v1/", nothing that may be
 * a secret in front of it. */
void judge_auth_server(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	struct slice s = node_text(v), host;
	const char *scheme = s.n ? memmem(s.p, s.n, "://", 3) : NULL;

	if (scheme)
		s = (struct slice){ scheme + 3, (size_t)(s.p + s.n - scheme) - 3 };
	host = slice_cut(&s, '/');
	host = slice_cut(&(struct slice){ host.p, host.n }, '?');
	for (size_t i = host.n; i > 0; i--) {
		if (host.p[i - 1] == '@') {
			host = (struct slice){ host.p + i, host.n - i };
			break;
		}
	}
	if (list_has("|index.docker.io|registry-1.docker.io", host))
		host = SLICE("docker.io");
	w->facts->object2 = keep(w, host);
	reach_add(w, "remote", at, host, SLICE("login"));
}

/* Docker Hub is where one logs in who names nothing. */
void auth_default(struct walk *w)
{
	const struct node none = { .type = NODE_TEXT, .text = SLICE("") };
	const struct step at = { NULL, SLICE("serveraddress"), 0 };

	if (w->schema == SCHEMA_AUTH && !w->facts->object2.p)
		judge_auth_server(w, NULL, &at, &none);
}

void judge_tty(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->facts->tty = node_is(v, NODE_TRUE);
}

void judge_open_stdin(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->facts->stdin_open = node_is(v, NODE_TRUE);
}

void judge_detach(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->facts->detach = node_is(v, NODE_TRUE);
}

void judge_auto_remove(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->facts->removes = node_is(v, NODE_TRUE);
}

void judge_entrypoint(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->entrypoint = v;
}

void judge_cmd(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->cmd = v;
}

/* ---- command lines ---- */

/* An argument that does not fit is cut at a character; what follows it is
 * one "…". */
static bool argv_add(struct buf *b, struct slice s, size_t max)
{
	size_t from = b->len, n = s.n;

	for (;;) {
		if (from > 1)
			buf_addc(b, ',');
		buf_add_json_string(b, (struct slice){ s.p, n });
		if (b->len <= max)
			return n == s.n;
		b->len = from;
		if (n == 0)
			return false;
		n /= 2;
		while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
	}
}

static bool argv_part(struct buf *b, const struct node *v)
{
	const size_t max = ARGV_SHOWN - sizeof(",\"…\"]");

	if (node_is(v, NODE_TEXT))
		return argv_add(b, node_text(v), max);
	for (const struct node *e = node_first(v); e; e = e->next) {
		struct slice s = node_text(e);
		size_t all = s.n;

		/* an escape may take six bytes, but text is never shorter than one */
		if (s.n > max)
			s.n = max;
		while (s.n && s.n < all && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
			s.n--;
		if (!argv_add(b, s, max) || s.n < all)
			return false;
	}
	return true;
}

static size_t args_count(const struct node *v)
{
	size_t n = node_is(v, NODE_TEXT);

	for (const struct node *e = node_first(v); e; e = e->next)
		n++;
	return n;
}

static size_t args_copy(struct walk *w, struct slice *to, const struct node *v)
{
	size_t n = 0;

	if (node_is(v, NODE_TEXT))
		to[n++] = keep(w, node_text(v));
	for (const struct node *e = node_first(v); e; e = e->next)
		to[n++] = keep(w, node_text(e));
	return n;
}

static void args_keep(struct walk *w)
{
	size_t n = args_count(w->entrypoint) + args_count(w->cmd);
	struct slice *all;

	if (!n)
		return;
	all = arena_alloc(w->facts->arena, n * sizeof(*all));
	if (!all) {
		w->no_memory = true;
		return;
	}
	n = args_copy(w, all, w->entrypoint);
	n += args_copy(w, all + n, w->cmd);
	w->facts->args = all;
	w->facts->nargs = n;
}

void argv_write(struct walk *w)
{
	_cleanup_(buf_free) struct buf b = BUF(16 * 1024);

	if (w->schema == SCHEMA_COMMIT || (!w->entrypoint && !w->cmd))
		return;
	args_keep(w);
	buf_addc(&b, '[');
	if (!argv_part(&b, w->entrypoint) || !argv_part(&b, w->cmd))
		buf_addz(&b, b.len > 1 ? ",\"…\"" : "\"…\"");
	buf_addc(&b, ']');
	w->facts->argv = arena_copy(w->facts->arena, buf_slice(&b));
	if (!buf_ok(&b) || !w->facts->argv.p)
		w->no_memory = true;
}

/* ---- what it may take ---- */

#define PERIOD	100000		/* microseconds: the kernel's and the Engine's */
#define MOST	(INT64_MAX / 4)	/* no limit: such can be summed up */

void judge_resource(struct walk *w, const struct field *f,
    const struct step *at _unused_, const struct node *v)
{
	struct resources *r = &w->body->res;
	int64_t n = node_integer(v);

	if (slice_is(f->name, "Memory"))
		r->memory = n;
	else if (slice_is(f->name, "NanoCpus"))
		r->nano_cpus = n;
	else if (slice_is(f->name, "CpuPeriod"))
		r->period = n;
	else if (slice_is(f->name, "CpuQuota"))
		r->quota = n;
	else if (slice_is(f->name, "MemorySwap"))
		r->swap = n;
	else if (slice_is(f->name, "PidsLimit"))
		r->pids = n;
	if (slice_is(f->name, "PidsLimit"))
		r->has_pids = true;
}

int64_t nano_cpus_of(int64_t quota, int64_t period)
{
	const int64_t billion = 1000000000;

	if (period <= 0)
		period = PERIOD;
	if (quota <= 0)
		return 0;
	if (quota / period >= MOST / billion)
		return MOST;
	/* in two steps, as the product may not fit */
	return quota / period * billion + (int64_t)(((__int128)(quota % period) *
	    billion + period - 1) / period);
}

static int64_t at_most(int64_t n)
{
	return n > MOST ? MOST : n;
}

/* Swap counts where it is given: MemorySwap is the sum of both, and -1 is all
 * there is.  One that is left to the Engine is as large as the memory, and does
 * not count. */
static int64_t memory_of(const struct resources *r)
{
	if (r->swap < 0)
		return MOST;
	return at_most(r->swap > r->memory ? r->swap : r->memory);
}

/* An update leaves alone what it does not name. */
void resources_sum(struct walk *w)
{
	const struct resources *r = &w->body->res;
	bool update = w->schema == SCHEMA_CONTAINER_UPDATE;
	struct facts *f = w->facts;

	if (!update && w->schema != SCHEMA_CONTAINER_CREATE)
		return;
	if (update && r->period && !r->quota)
		walk_fault(w, NULL, "changes CpuPeriod, which means nothing "
		    "without the CpuQuota beside it");
	if (update || r->memory)
		f->asked.memory = memory_of(r);
	else
		f->open |= OPEN_MEMORY;
	f->asked.nano_cpus = at_most(r->nano_cpus ? r->nano_cpus :
	    nano_cpus_of(r->quota, r->period));
	f->asked.pids = r->pids > 0 ? at_most(r->pids) : 0;
	if (!r->nano_cpus && r->quota <= 0 && (!update || r->quota < 0))
		f->open |= OPEN_CPUS;
	if (r->pids <= 0 && (!update || r->has_pids))
		f->open |= OPEN_PIDS;
}
