/*
 * body_note.c: what the walk through a body notes down: faults, in the words of
 * who sent it, and the spots where body_write puts something.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker/body_int.h"

#define FAULTS_NAMED	16
#define FAULTS_SHOWN	(4 * 1024)	/* bytes after which no more are named */
#define KEY_SHOWN	64		/* bytes of a key in a message */

/* ---- faults ---- */

void step_write(const struct step *at, struct buf *b)
{
	if (!at)
		return;
	step_write(at->up, b);
	if (!at->name.p) {
		buf_addc(b, '[');
		buf_addu(b, at->index);
		buf_addc(b, ']');
		return;
	}
	if (at->up)
		buf_addc(b, '.');
	for (size_t i = 0; i < at->name.n && i < KEY_SHOWN; i++) {
		char c = at->name.p[i];

		buf_addc(b, c > ' ' && c < 0x7f ? c : '?');
	}
}

void walk_fault(struct walk *w, const struct step *at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	w->nfaults++;
	if (w->nnamed >= FAULTS_NAMED || w->faults.len > FAULTS_SHOWN)
		return;
	if (w->nnamed++)
		buf_addz(&w->faults, "; ");
	if (at)
		step_write(at, &w->faults);
	else
		buf_addz(&w->faults, "it");
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_addc(&w->faults, ' ');
	buf_addz(&w->faults, text);
}

/* ---- spots ---- */

struct spot *spot_add(struct walk *w, enum spot_kind kind, size_t from, size_t to)
{
	struct body *b = w->body;
	size_t n = b->cap_spots ? b->cap_spots * 2 : 16;
	struct spot *p;

	if (b->nspots == b->cap_spots) {
		p = arena_alloc(w->facts->arena, n * sizeof(*p));
		if (!p) {
			w->no_memory = true;
			return NULL;
		}
		if (b->nspots)
			memcpy(p, b->spots, b->nspots * sizeof(*p));
		b->spots = p;
		b->cap_spots = n;
	}
	p = &b->spots[b->nspots++];
	*p = (struct spot){ .kind = kind, .from = from, .to = to,
	    .index = w->nmounts };
	return p;
}

/* Judges of lists and maps come behind those of what is in them, so that a few
 * spots of refs stand behind later ones. */
static int spot_compare(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

void spots_sort(struct body *b)
{
	for (size_t i = 1; i < b->nspots; i++) {
		if (b->spots[i].from < b->spots[i - 1].from) {
			qsort(b->spots, b->nspots, sizeof(*b->spots), spot_compare);
			return;
		}
	}
}
