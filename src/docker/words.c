/*
 * words.c: docker's own commands as sets of endpoints.
 *
 * Fed by the policy's parser.  The sets come out of catalog.def; here is only
 * which words there are, and which are other spellings.  A word that ends in
 * nothing (context, manifest, trust, logout) is the client's alone: it is
 * known, so that a policy may name it, and needs no more than a ping.
 */
#include <string.h>

#include "dockbroker/docker.h"

static const struct word {
	const char *name;
	const char *means;	/* another word of this table, NULL: itself */
} table[] = {
	{ "all", NULL },
	/* commands for containers, in their short and long spellings */
	{ "attach", NULL }, { "commit", NULL }, { "cp", NULL },
	{ "create", NULL }, { "diff", NULL }, { "exec", NULL },
	{ "export", NULL }, { "inspect", NULL }, { "kill", NULL },
	{ "logs", NULL }, { "pause", NULL }, { "port", NULL },
	{ "ps", NULL }, { "rename", NULL }, { "restart", NULL },
	{ "rm", NULL }, { "run", NULL }, { "start", NULL },
	{ "stats", NULL }, { "stop", NULL }, { "top", NULL },
	{ "unpause", NULL }, { "update", NULL }, { "wait", NULL },
	{ "container", NULL },
	{ "container attach", "attach" }, { "container commit", "commit" },
	{ "container cp", "cp" }, { "container create", "create" },
	{ "container diff", "diff" }, { "container exec", "exec" },
	{ "container export", "export" },
	{ "container inspect", "port" },
	{ "container kill", "kill" }, { "container logs", "logs" },
	{ "container ls", "ps" }, { "container pause", "pause" },
	{ "container port", "port" }, { "container prune", NULL },
	{ "container rename", "rename" }, { "container restart", "restart" },
	{ "container rm", "rm" }, { "container run", "run" },
	{ "container start", "start" }, { "container stats", "stats" },
	{ "container stop", "stop" }, { "container top", "top" },
	{ "container unpause", "unpause" }, { "container update", "update" },
	{ "container wait", "wait" },
	{ "checkpoint", NULL }, { "checkpoint create", NULL },
	{ "checkpoint ls", NULL }, { "checkpoint rm", NULL },
	/* images */
	{ "build", NULL }, { "history", NULL }, { "images", NULL },
	{ "import", NULL }, { "load", NULL }, { "pull", NULL },
	{ "push", NULL }, { "rmi", NULL }, { "save", NULL },
	{ "search", NULL }, { "tag", NULL },
	{ "image", NULL },
	{ "image build", "build" }, { "image history", "history" },
	{ "image import", "import" }, { "image inspect", NULL },
	{ "image load", "load" }, { "image ls", "images" },
	{ "image prune", NULL }, { "image pull", "pull" },
	{ "image push", "push" }, { "image rm", "rmi" },
	{ "image save", "save" }, { "image tag", "tag" },
	{ "builder", NULL }, { "builder build", "build" },
	{ "builder prune", NULL },
	/* the engine and registries */
	{ "auth", NULL }, { "events", NULL }, { "info", NULL },
	{ "login", NULL }, { "logout", NULL }, { "ping", NULL },
	{ "version", NULL },
	{ "system", NULL }, { "system df", NULL },
	{ "system dial-stdio", NULL }, { "system events", "events" },
	{ "system info", "info" }, { "system prune", NULL },
	{ "context", NULL }, { "manifest", NULL }, { "trust", NULL },
	{ "compose", NULL },
	/* networks and volumes */
	{ "network", NULL }, { "network connect", NULL },
	{ "network create", NULL }, { "network disconnect", NULL },
	{ "network inspect", NULL }, { "network ls", NULL },
	{ "network prune", NULL }, { "network rm", NULL },
	{ "volume", NULL }, { "volume create", NULL },
	{ "volume inspect", NULL }, { "volume ls", NULL },
	{ "volume prune", NULL }, { "volume rm", NULL },
	{ "volume update", NULL },
	/* plugins */
	{ "plugin", NULL }, { "plugin create", NULL },
	{ "plugin disable", NULL }, { "plugin enable", NULL },
	{ "plugin inspect", NULL }, { "plugin install", NULL },
	{ "plugin ls", NULL }, { "plugin push", NULL },
	{ "plugin rm", NULL }, { "plugin set", NULL },
	{ "plugin upgrade", NULL },
	/* swarm */
	{ "config", NULL }, { "config create", NULL },
	{ "config inspect", NULL }, { "config ls", NULL },
	{ "config rm", NULL },
	{ "node", NULL }, { "node demote", NULL }, { "node inspect", NULL },
	{ "node ls", NULL }, { "node promote", NULL }, { "node ps", NULL },
	{ "node rm", NULL }, { "node update", NULL },
	{ "secret", NULL }, { "secret create", NULL },
	{ "secret inspect", NULL }, { "secret ls", NULL },
	{ "secret rm", NULL },
	{ "service", NULL }, { "service create", NULL },
	{ "service inspect", NULL }, { "service logs", NULL },
	{ "service ls", NULL }, { "service ps", NULL },
	{ "service rm", NULL }, { "service rollback", NULL },
	{ "service scale", NULL }, { "service update", NULL },
	{ "stack", NULL }, { "stack config", NULL },
	{ "stack deploy", NULL }, { "stack ls", NULL },
	{ "stack ps", NULL }, { "stack rm", NULL },
	{ "stack services", NULL },
	{ "swarm", NULL }, { "swarm ca", NULL }, { "swarm init", NULL },
	{ "swarm join", NULL }, { "swarm join-token", NULL },
	{ "swarm leave", NULL }, { "swarm unlock", NULL },
	{ "swarm unlock-key", NULL }, { "swarm update", NULL }
};

const char *word_at(size_t i)
{
	return i < countof(table) ? table[i].name : NULL;
}

/* Is row i the first with its action? */
static bool action_first(unsigned i)
{
	const char *action = endpoint_get(i)->action;

	for (unsigned k = 0; k < i; k++)
		if (strcmp(endpoint_get(k)->action, action) == 0)
			return false;
	return true;
}

const char *action_at(size_t i)
{
	for (unsigned k = 0; k < EP_COUNT; k++)
		if (action_first(k) && i-- == 0)
			return endpoint_get(k)->action;
	return NULL;
}

/* "swarm-join-token" of the catalogue is "swarm join-token" here. */
static bool token_is(struct slice token, const char *word)
{
	const char *space = strchr(word, ' ');

	if (token.n != strlen(word))
		return false;
	if (!space)
		return memcmp(token.p, word, token.n) == 0;
	size_t n = (size_t)(space - word);

	return token.p[n] == '-' && memcmp(token.p, word, n) == 0 &&
	    memcmp(token.p + n + 1, space + 1, token.n - n - 1) == 0;
}

static void add_word(struct endpoint_set *s, const char *word)
{
	for (unsigned i = 0; i < EP_COUNT; i++) {
		struct slice rest = slice_from(endpoint_get(i)->words);

		while (rest.n > 0)
			if (token_is(slice_cut(&rest, ' '), word))
				endpoint_set_add(s, i);
	}
}

/* "volume": each word that starts with "volume ". */
static void add_noun(struct endpoint_set *s, const char *noun)
{
	size_t n = strlen(noun);

	for (size_t i = 0; i < countof(table); i++)
		if (strncmp(table[i].name, noun, n) == 0 &&
		    table[i].name[n] == ' ')
			add_word(s, table[i].means ? table[i].means :
			    table[i].name);
}

static void add_action(struct endpoint_set *s, const char *action)
{
	for (unsigned i = 0; i < EP_COUNT; i++)
		if (strcmp(endpoint_get(i)->action, action) == 0)
			endpoint_set_add(s, i);
}

/* The nearest known word or action, "" when nothing is near.  Of two that are
 * equally far the one of the same length: letters are swapped most often. */
static const char *nearest(struct slice word)
{
	const char *best = "";
	unsigned limit = word.n < 3 ? 1 : word.n < 9 ? 2 : 4;
	unsigned score = 2 * limit + 2;
	const char *z;

	for (int actions = 0; actions < 2; actions++) {
		for (size_t i = 0; (z = actions ? action_at(i) : word_at(i));
		     i++) {
			unsigned d = slice_distance(word, slice_from(z));

			d = 2 * d + (strlen(z) != word.n);
			if (d < score) {
				score = d;
				best = z;
			}
		}
	}
	return best;
}

static bool find_word(struct slice word, struct endpoint_set *add)
{
	for (size_t i = 0; i < countof(table); i++) {
		if (!slice_is(word, table[i].name))
			continue;
		if (i == 0) {
			for (unsigned id = 0; id < EP_COUNT; id++)
				endpoint_set_add(add, id);
		}
		add_word(add, table[i].means ? table[i].means : table[i].name);
		add_noun(add, table[i].name);
		return true;
	}
	return false;
}

bool words_find(struct slice word, struct endpoint_set *add, const char **near)
{
	*near = "";
	if (!find_word(word, add)) {
		const char *action = NULL;

		for (size_t i = 0; (action = action_at(i)); i++)
			if (slice_is(word, action))
				break;
		if (!action) {
			*near = nearest(word);
			return false;
		}
		add_action(add, action);
	}
	add_action(add, "system.ping");
	return true;
}
