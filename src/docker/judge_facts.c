/*
 * judge_facts.c: fields that are no danger by themselves, but that the policy
 * and the record want to know: names, the image, the user, the command line.
 */
#include <string.h>

#include "docker/body_int.h"
#include "docker/names.h"

#define ARGV_SHOWN	2048		/* bytes */

static void keep(struct walk *w, struct slice *to, const struct node *v)
{
	struct slice s = node_text(v);

	if (!s.n)
		return;
	*to = arena_copy(w->facts->arena, s);
	if (!to->p)
		w->no_memory = true;
}

/* Of a commit's Config these describe an image to be, not what runs. */
void judge_image(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	if (w->schema != SCHEMA_COMMIT)
		keep(w, &w->facts->image, v);
}

void judge_user(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	if (w->schema != SCHEMA_COMMIT)
		keep(w, &w->facts->user, v);
}

void judge_new_name(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	keep(w, &w->facts->new_name, v);
}

/* A name goes before a prefix of an id: who takes the short id of somebody's
 * network gets what is meant for it (clients.md 1, quirk 10). */
void judge_network_name(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (name_is_id(node_text(v)))
		walk_fault(w, at, "must not look like an id");
	judge_new_name(w, f, at, v);
}

void judge_other(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	keep(w, &w->facts->object2, v);
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

void argv_write(struct walk *w)
{
	_cleanup_(buf_free) struct buf b = BUF(16 * 1024);

	if (w->schema == SCHEMA_COMMIT || (!w->entrypoint && !w->cmd))
		return;
	buf_addc(&b, '[');
	if (!argv_part(&b, w->entrypoint) || !argv_part(&b, w->cmd))
		buf_addz(&b, b.len > 1 ? ",\"…\"" : "\"…\"");
	buf_addc(&b, ']');
	w->facts->argv = arena_copy(w->facts->arena, buf_slice(&b));
	if (!buf_ok(&b) || !w->facts->argv.p)
		w->no_memory = true;
}
