/*
 * test_words.c: docker's commands against what their CLI was seen to send
 * (clients.md 2), and the tables against the man page.  With
 * DOCKBROKER_WRITE_PAGE set the page's tables are written anew.
 */
#include "docker/test_util.h"

/* What the CLI cannot do without, or needs for all that it offers. */
static const struct { const char *word, *actions; } needs[] = {
	{ "version", "system.version" },
	{ "info", "system.info" },
	{ "ps", "container.list" },
	{ "images", "image.list" },
	{ "run", "container.create image.pull container.attach "
	    "container.wait container.start container.resize container.kill" },
	{ "create", "container.create image.pull" },
	{ "start", "container.start container.inspect container.attach "
	    "container.wait" },
	{ "stop", "container.stop" }, { "restart", "container.restart" },
	{ "kill", "container.kill" }, { "pause", "container.pause" },
	{ "unpause", "container.unpause" }, { "rename", "container.rename" },
	{ "rm", "container.remove" }, { "wait", "container.wait" },
	{ "top", "container.top" },
	{ "stats", "system.events container.list container.stats "
	    "system.version" },
	{ "logs", "container.inspect container.logs" },
	{ "attach", "container.wait container.inspect container.attach "
	    "container.resize container.kill" },
	{ "exec", "container.inspect container.exec exec.start exec.resize "
	    "exec.inspect" },
	{ "cp", "container.statpath container.upload container.download" },
	{ "diff", "container.changes" }, { "export", "container.export" },
	{ "port", "container.inspect" },
	{ "inspect", "container.inspect image.inspect network.inspect "
	    "volume.inspect system.info service.inspect task.inspect "
	    "node.inspect secret.inspect config.inspect plugin.inspect" },
	{ "commit", "container.commit" }, { "import", "image.import" },
	{ "save", "image.save" }, { "load", "image.load" },
	{ "tag", "image.tag" }, { "rmi", "image.remove" },
	{ "history", "image.history image.inspect" },
	{ "image inspect", "image.inspect" },
	{ "pull", "image.pull" }, { "push", "image.push" },
	{ "login", "registry.login" }, { "logout", "system.ping" },
	{ "search", "image.search" }, { "update", "container.update" },
	{ "events", "system.events" }, { "system df", "system.df" },
	{ "system prune", "container.prune network.prune volume.prune "
	    "image.prune builder.prune" },
	{ "container prune", "container.prune" },
	{ "image prune", "image.prune" }, { "volume prune", "volume.prune" },
	{ "network prune", "network.prune" },
	{ "builder prune", "builder.prune" },
	{ "network ls", "network.list" },
	{ "network create", "network.create" },
	{ "network connect", "network.connect" },
	{ "network disconnect", "network.disconnect" },
	{ "network inspect", "network.inspect" },
	{ "network rm", "network.inspect network.remove" },
	{ "volume ls", "volume.list" }, { "volume create", "volume.create" },
	{ "volume inspect", "volume.inspect" },
	{ "volume rm", "volume.remove" },
	{ "build", "image.build builder.session builder.cancel builder.grpc" },
	{ "plugin ls", "plugin.list" }, { "plugin inspect", "plugin.inspect" },
	{ "plugin install", "plugin.privileges plugin.pull plugin.enable" },
	{ "plugin enable", "plugin.enable" }, { "plugin set", "plugin.set" },
	{ "plugin disable", "plugin.disable" },
	{ "plugin rm", "plugin.remove" }, { "plugin push", "plugin.push" },
	{ "plugin upgrade", "plugin.privileges plugin.upgrade" },
	{ "swarm init", "swarm.init node.inspect swarm.inspect" },
	{ "swarm join-token", "swarm.inspect swarm.update" },
	{ "swarm ca", "swarm.inspect swarm.update" },
	{ "swarm update", "swarm.inspect swarm.update" },
	{ "swarm leave", "swarm.leave" }, { "swarm unlock", "swarm.unlock" },
	{ "node ls", "system.info node.list" },
	{ "node ps", "system.info node.inspect task.list" },
	{ "service create", "secret.list config.list image.distribution "
	    "service.create" },
	{ "service ps", "service.list task.list service.inspect "
	    "node.inspect" },
	{ "service update", "service.inspect service.update" },
	{ "service scale", "service.inspect service.update" },
	{ "service rollback", "service.inspect service.update" },
	{ "service logs", "service.inspect service.logs task.logs" },
	{ "stack deploy", "system.info network.list network.create "
	    "service.list image.distribution service.create" },
	{ "stack rm", "service.list network.list secret.list config.list "
	    "service.remove network.remove secret.remove config.remove" },
	{ "checkpoint create", "checkpoint.create" },
	{ "checkpoint ls", "checkpoint.list" },
	{ "checkpoint rm", "checkpoint.remove" },
	{ "system dial-stdio", "system.ping" },
	{ "compose", "image.inspect network.inspect network.list "
	    "network.create volume.inspect volume.create container.list "
	    "system.version container.create container.inspect "
	    "container.start container.attach container.stop "
	    "container.remove container.rename system.events container.wait "
	    "network.remove volume.remove image.remove volume.list "
	    "image.pull system.info container.upload" }
};

static bool has_action(const struct endpoint_set *s, struct slice action)
{
	for (unsigned i = 0; i < EP_COUNT; i++)
		if (slice_is(action, endpoint_get(i)->action) &&
		    !endpoint_set_has(s, i))
			return false;
	for (size_t i = 0; action_at(i); i++)
		if (slice_is(action, action_at(i)))
			return true;
	fail_msg("%.*s is no action", SLICE_ARG(action));
	return false;
}

static void test_needs(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(needs); i++) {
		struct endpoint_set s = { { 0 } };
		struct slice rest = slice_from(needs[i].actions);
		const char *near;

		if (!words_find(slice_from(needs[i].word), &s, &near))
			fail_msg("%s is no word", needs[i].word);
		assert_true(endpoint_set_has(&s, EP_PING));
		assert_true(endpoint_set_has(&s, EP_PING_HEAD));
		while (rest.n > 0) {
			struct slice action = slice_cut(&rest, ' ');

			if (!has_action(&s, action))
				fail_msg("%s lacks %.*s", needs[i].word,
				    SLICE_ARG(action));
		}
	}
}

static struct endpoint_set set_of(const char *word)
{
	struct endpoint_set s = { { 0 } };
	const char *near;

	assert_true(words_find(slice_from(word), &s, &near));
	return s;
}

/* A word never brings its neighbour. */
static void test_no_more(void **state)
{
	static const struct { const char *word; unsigned not; } t[] = {
		{ "ps", EP_CONTAINER_INSPECT }, { "stop", EP_CONTAINER_KILL },
		{ "logs", EP_CONTAINER_ATTACH }, { "pull", EP_IMAGE_IMPORT },
		{ "import", EP_IMAGE_PULL }, { "images", EP_IMAGE_INSPECT },
		{ "volume ls", EP_VOLUME_REMOVE }, { "volume", EP_VOLUME_UPDATE + 1 },
		{ "rm", EP_CONTAINER_PRUNE }, { "create", EP_CONTAINER_START },
		{ "inspect", EP_CONTAINER_LOGS }, { "tag", EP_IMAGE_PUSH },
		{ "container.list", EP_CONTAINER_INSPECT },
		{ "swarm join", EP_SWARM_INSPECT }, { "logout", EP_AUTH },
		{ "compose", EP_CONTAINER_COMMIT }, { "exec", EP_CONTAINER_ATTACH },
		{ "run", EP_CONTAINER_EXEC }, { "info", EP_OPTIONS },
		{ "container", EP_IMAGE_LIST }, { "system", EP_DEBUG }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct endpoint_set s = set_of(t[i].word);

		if (endpoint_set_has(&s, t[i].not))
			fail_msg("%s has %s", t[i].word,
			    endpoint_get(t[i].not)->action);
	}
}

static void test_nouns(void **state)
{
	struct endpoint_set volume = set_of("volume");
	struct endpoint_set all = set_of("all");
	struct endpoint_set ls = set_of("container ls"), ps = set_of("ps");

	(void)state;
	assert_true(endpoint_set_has(&volume, EP_VOLUME_LIST));
	assert_true(endpoint_set_has(&volume, EP_VOLUME_UPDATE));
	assert_false(endpoint_set_has(&volume, EP_NETWORK_LIST));
	assert_memory_equal(&ls, &ps, sizeof(ls));
	for (unsigned i = 0; i < EP_COUNT; i++)
		assert_true(endpoint_set_has(&all, i));
	assert_false(endpoint_set_has(&all, EP_COUNT));
}

static void test_unknown(void **state)
{
	static const struct { const char *word, *near; } t[] = {
		{ "rnu", "run" }, { "exce", "exec" },
		{ "volume  rm", "volume rm" }, { "container.lst",
		    "container.list" }, { "xyzzyxyzzy", "" }, { "", "" },
		{ "volume-rm", "volume rm" }, { "Run", "run" }
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++) {
		struct endpoint_set s = { { 0 } };
		const char *near = NULL;

		assert_false(words_find(slice_from(t[i].word), &s, &near));
		if (strcmp(near, t[i].near) != 0)
			fail_msg("%s: %s", t[i].word, near);
		for (unsigned k = 0; k < EP_COUNT; k++)
			assert_false(endpoint_set_has(&s, k));
	}
}

/* Each word of the catalogue is in the table of words. */
static void test_catalog_words(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EP_COUNT; i++) {
		struct slice rest = slice_from(endpoint_get(i)->words);

		while (rest.n > 0) {
			struct slice w = slice_cut(&rest, ' ');
			struct endpoint_set s = { { 0 } };
			char word[64];
			const char *near;

			snprintf(word, sizeof(word), "%.*s", SLICE_ARG(w));
			if (strchr(word, '-'))
				*strchr(word, '-') = ' ';
			if (!words_find(slice_from(word), &s, &near))
				fail_msg("%s is no word", word);
			assert_true(endpoint_set_has(&s, i));
		}
	}
}

/* ---- the man page ---- */

#define BEGIN	".\\\" begin of the tables: written by test_words\n"
#define END	".\\\" end of the tables\n"

static void page_word(struct buf *b, const char *word)
{
	struct endpoint_set s = set_of(word);

	buf_addf(b, ".It Cm %s\n", word);
	if (strcmp(word, "all") == 0) {
		buf_addz(b, "every action\n");
		return;
	}
	for (size_t i = 0; action_at(i); i++) {
		const char *action = action_at(i);

		if (strcmp(action, "system.ping") != 0 &&
		    has_action(&s, slice_from(action)))
			buf_addf(b, ".Ic %s\n", action);
	}
}

static void page_action(struct buf *b, const char *action)
{
	unsigned flags = 0;

	buf_addf(b, ".It Ic %s\n", action);
	for (unsigned i = 0; i < EP_COUNT; i++) {
		const struct endpoint *e = endpoint_get(i);

		if (strcmp(e->action, action) != 0)
			continue;
		flags |= e->flags;
		buf_addf(b, ".Li \"%s %s\"\n", method_name(e->method),
		    e->template);
	}
	if (flags & CHANGES)
		buf_addz(b, "; changes\n");
	if (flags & REACHES)
		buf_addz(b, "; reaches\n");
	if (flags & LATER)
		buf_addz(b, "; later\n");
}

static void page_tables(struct buf *b)
{
	buf_addz(b, BEGIN ".Sh WORDS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; word_at(i); i++)
		page_word(b, word_at(i));
	buf_addz(b, ".El\n.Sh ACTIONS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; action_at(i); i++)
		page_action(b, action_at(i));
	buf_addz(b, ".El\n" END);
}

static void test_page(void **state)
{
	_cleanup_(buf_free) struct buf page = BUF(256 * 1024);
	_cleanup_(buf_free) struct buf want = BUF(256 * 1024);
	const char *top = getenv("top_srcdir");
	char path[1024];
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/src/docker/dockbroker-actions.7",
	    top ? top : ".");
	FILE *f = fopen(path, "re");

	if (!f)
		fail_msg("no %s: set top_srcdir", path);
	while ((n = fread(buf_room(&page, 4096), 1, 4096, f)) > 0)
		buf_grew(&page, n);
	fclose(f);
	page_tables(&want);
	const char *text = buf_text(&page);
	const char *begin = strstr(text, BEGIN), *end = strstr(text, END);

	assert_true(begin && end);
	end += strlen(END);
	if (getenv("DOCKBROKER_WRITE_PAGE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		fprintf(f, "%.*s%s%s", (int)(begin - text), text,
		    buf_text(&want), end);
		fclose(f);
		return;
	}
	if ((size_t)(end - begin) != want.len ||
	    memcmp(begin, want.p, want.len) != 0)
		fail_msg("%s is behind the tables: run this test with "
		    "DOCKBROKER_WRITE_PAGE=1", path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_no_more),
		cmocka_unit_test(test_nouns),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_catalog_words),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
