/*
 * words.c: the docker words as this layer uses them, taken from docker.h once
 * per process, so that a load costs look-ups and no searches.  What is built
 * is the same for every policy and never changes.
 *
 * `allow WORD' means all actions that the command needs; many of them are
 * shared (container.inspect is needed by inspect, exec, port, ...).  `deny WORD'
 * therefore means the command's own actions only: those in whose row of the
 * catalogue it is named first.  Otherwise `deny exec' would break `docker
 * inspect'.  A noun (volume) means that of all its commands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_int.h"

static struct {
	struct word *words;
	size_t n;
	struct table table;		/* text -> struct word */
} vocabulary;

size_t word_count(void)
{
	return vocabulary.n;
}

const struct word *word_get(size_t i)
{
	return &vocabulary.words[i];
}

const struct word *word_find(struct slice text)
{
	return table_find(&vocabulary.table, text);
}

bool endpoint_set_empty(const struct endpoint_set *s)
{
	uint64_t any = 0;

	for (size_t i = 0; i < countof(s->bits); i++)
		any |= s->bits[i];
	return any == 0;
}

void endpoint_set_join(struct endpoint_set *s, const struct endpoint_set *more)
{
	for (size_t i = 0; i < countof(s->bits); i++)
		s->bits[i] |= more->bits[i];
}

static bool set_equal(const struct endpoint_set *a,
    const struct endpoint_set *b)
{
	return memcmp(a->bits, b->bits, sizeof(a->bits)) == 0;
}

/* Short words are near to everything. */
unsigned typing_error(struct slice word)
{
	return word.n < 3 ? 0 : word.n < 6 ? 1 : 2;
}

void nearest_init(struct slice word, struct slice *best, unsigned *distance)
{
	*best = SLICE_NONE;
	*distance = typing_error(word) + 1;
}

/* Lengths first: most words are too long or short to be near. */
void nearest_try(struct slice word, struct slice known, struct slice *best,
    unsigned *distance)
{
	unsigned d;

	if (word.n + *distance <= known.n || known.n + *distance <= word.n)
		return;
	d = slice_distance(word, known);
	if (d >= *distance)
		return;
	*distance = d;
	*best = known;
}

/* The command that a row belongs to: the first of its words.  They are written
 * with a '-' for the space: "volume-rm", "swarm-join-token". */
struct slice endpoint_command(const struct endpoint *e, char text[BOUND_NAME])
{
	struct slice words = slice_from(e->words);
	struct slice first = slice_cut(&words, ' ');
	char *space;

	if (first.n == 0 || first.n > BOUND_NAME)
		return SLICE_NONE;
	for (size_t i = 0; i < first.n; i++)
		text[i] = first.p[i];
	space = memchr(text, '-', first.n);
	if (space != NULL)
		*space = ' ';
	return (struct slice){ text, first.n };
}

/* "volume rm" is one of "volume". */
static bool is_of_noun(struct slice word, struct slice noun)
{
	return word.n > noun.n && slice_starts(word, noun) &&
	    word.p[noun.n] == ' ';
}

/* Commands with the same actions are names of one: "rm", "container rm". */
static bool word_owns(const struct word *w, const struct endpoint *e)
{
	char text[BOUND_NAME];
	struct slice command = endpoint_command(e, text);
	const struct word *owner;

	if (command.n == 0)
		return false;
	owner = word_find(command);
	if (owner == w)
		return true;
	/* "context" has nothing but the ping, which is not its own */
	return owner != NULL && !slice_is(command, "ping") &&
	    set_equal(&owner->allow, &w->allow);
}

static void deny_build(struct word *w)
{
	if (slice_is(w->text, "all")) {
		w->deny = w->allow;
		return;
	}
	for (unsigned id = 0; id < EP_COUNT; id++) {
		const struct endpoint *e = endpoint_get(id);

		if (w->action ? slice_is(w->text, e->action) :
		    endpoint_set_has(&w->allow, id) && word_owns(w, e))
			endpoint_set_add(&w->deny, id);
	}
}

static void deny_build_noun(struct word *noun)
{
	for (size_t i = 0; i < vocabulary.n; i++)
		if (is_of_noun(vocabulary.words[i].text, noun->text))
			endpoint_set_join(&noun->deny, &vocabulary.words[i].deny);
}

/* For a word that cannot be denied: what the admin may have meant. */
const char *word_action(const struct word *w)
{
	const char *read = "";

	for (unsigned id = 0; id < EP_COUNT; id++) {
		const struct endpoint *e = endpoint_get(id);

		if (!endpoint_set_has(&w->allow, id))
			continue;
		if (e->flags & CHANGES)
			return e->action;
		if (e->object != OBJECT_NONE)
			read = e->action;
	}
	return read;
}

static int word_add(const char *text)
{
	struct word *w = &vocabulary.words[vocabulary.n];
	const char *near;

	w->text = slice_from(text);
	if (word_find(w->text) != NULL ||
	    !words_find(w->text, &w->allow, &near))
		return 0;
	vocabulary.n++;
	return table_add(&vocabulary.table, w->text, w);
}

/* Straight from the rows: asking words_find for each action is a search. */
static int action_add(unsigned id)
{
	const char *action = endpoint_get(id)->action;
	struct word *w = table_find(&vocabulary.table, slice_from(action));
	int r = 0;

	if (w == NULL) {
		w = &vocabulary.words[vocabulary.n++];
		w->text = slice_from(action);
		w->action = true;
		r = table_add(&vocabulary.table, w->text, w);
	}
	endpoint_set_add(&w->allow, id);
	return r;
}

/* Every client begins with a ping, so that no permit is of use without. */
static void action_ping(void)
{
	const struct word *ping = word_find(SLICE("system.ping"));

	for (size_t i = 0; ping != NULL && i < vocabulary.n; i++)
		if (vocabulary.words[i].action)
			endpoint_set_join(&vocabulary.words[i].allow, &ping->allow);
}

int vocabulary_build(void)
{
	size_t n = 0;
	int r = 0;

	if (vocabulary.words != NULL)
		return 0;
	while (word_at(n) != NULL)
		n++;
	vocabulary.words = calloc(n + EP_COUNT, sizeof(*vocabulary.words));
	if (vocabulary.words == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = word_add(word_at(i));
	for (unsigned id = 0; r == 0 && id < EP_COUNT; id++)
		r = action_add(id);
	if (r < 0) {			/* the next load tries again */
		table_free(&vocabulary.table);
		free(vocabulary.words);
		vocabulary.words = NULL;
		vocabulary.n = 0;
		return r;
	}
	action_ping();
	for (size_t i = 0; i < vocabulary.n; i++)
		deny_build(&vocabulary.words[i]);
	for (size_t i = 0; i < vocabulary.n; i++)
		deny_build_noun(&vocabulary.words[i]);
	return 0;
}
