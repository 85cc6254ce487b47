/*
 * judge_guard.c: what a body asks of the kernel, kept for the record that the
 * guard holds the container to.  What of it reaches beyond the container is a
 * reach as well; body_guard.c makes the record.
 */
#include <string.h>

#include "docker/body_int.h"

#define SECURITY_MAX	4096		/* bytes of an option that is no profile */

/* ---- capabilities, by their number ---- */

uint64_t capability_bits(struct slice name)
{
	const struct slice prefix = SLICE("CAP_");

	if (name.n > prefix.n && slice_equal_nocase((struct slice){ name.p,
	    prefix.n }, prefix))
		name = (struct slice){ name.p + prefix.n, name.n - prefix.n };
	if (slice_equal_nocase(name, SLICE("ALL")))
		return UINT64_MAX;
	for (size_t i = 0; guard_capability(i); i++) {
		if (slice_equal_nocase(name, slice_from(guard_capability(i))))
			return (uint64_t)1 << i;
	}
	return 0;
}

/* ---- lists ---- */

static bool text_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	}
	return s.n > 0 && s.n <= SECURITY_MAX;
}

void texts_add(struct walk *w, struct texts *t, struct slice s)
{
	size_t n = t->cap ? t->cap * 2 : 4;
	struct slice *all;

	if (t->n == t->cap) {
		all = arena_alloc(w->facts->arena, n * sizeof(*all));
		if (!all) {
			w->no_memory = true;
			return;
		}
		if (t->n)
			memcpy(all, t->all, t->n * sizeof(*all));
		t->all = all;
		t->cap = n;
	}
	t->all[t->n++] = keep(w, s);
}

static void group(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v)
{
	struct slice s = node_text(v);

	if (s.n)
		texts_add(w, &w->body->wish.groups, s);
	else
		walk_fault(w, at, "names no group");
}

void judge_groups(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, group);
}

static void sysctl(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v _unused_)
{
	if (at->name.n)
		texts_add(w, &w->body->wish.sysctls, at->name);
	else
		walk_fault(w, at, "is no sysctl");
}

void judge_sysctls(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, sysctl);
	judge_each_key(w, f, at, v);
}

/* The last of each kind counts, as in the Engine. */
void security_keep(struct walk *w, const struct step *at, struct slice name,
    struct slice value)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_BODY);
	struct wish *to = &w->body->wish;

	if (slice_is(name, "no-new-privileges")) {
		to->no_new_privs = false;
	} else if (slice_is(name, "seccomp")) {
		to->seccomp = list_has("unconfined", value) ? GUARD_SECCOMP_NONE :
		    list_has("builtin", value) ? GUARD_SECCOMP_DEFAULT :
		    GUARD_SECCOMP_CUSTOM;
	} else if (list_has("systempaths|mask|unmask", name)) {
		to->unmasked = true;
	} else {
		buf_adds(&b, name);
		if (value.n)
			buf_addc(&b, '=');
		buf_adds(&b, value);
		if (!text_plain(buf_slice(&b)))
			walk_fault(w, at, "is empty, holds control characters or is "
			    "longer than %d bytes", SECURITY_MAX);
		texts_add(w, &to->security, buf_slice(&b));
	}
}

/* ---- one bit each ---- */

void judge_privileged(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	w->body->wish.privileged = node_is(v, NODE_TRUE);
	judge_reach(w, f, at, v);
}

void judge_read_only(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->body->wish.read_only = node_is(v, NODE_TRUE);
}

/* Without it the daemon's default decides. */
void judge_init(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->body->wish.no_init = node_is(v, NODE_FALSE);
}

void judge_oom(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	w->body->wish.oom_negative = node_integer(v) < 0;
	judge_negative(w, f, at, v);
}

void judge_unmasked(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	w->body->wish.unmasked = true;
	judge_present(w, f, at, v);
}
