/*
 * Sentences: one line, no full stop, bounded, whatever a client sends; and
 * the list of what a caller may.
 */
#include <jansson.h>

#include "policy/test_util.h"

#define POLICY \
	"role viewer { allow ps }\n" \
	"role developer {\n\tallow run\n\tdeny rename\n}\n" \
	"grant viewer to user alice\n" \
	"grant developer to group dev\n"

struct scene {
	struct policy *p;
	struct who w;
	struct rights *r;
};

static struct scene scene_make(const char *text, const char *name)
{
	struct scene s = { .p = load_good(text) };

	who_user(&s.w, 1000, name, "dev", NULL);
	s.r = rights_new(s.p, &s.w);
	assert_non_null(s.r);
	return s;
}

static void scene_end(struct scene *s)
{
	rights_unref(s->r);
	policy_unref(s->p);
	account_unref(s->w.account);
}

static void says(struct scene *s, struct facts *f, uint64_t id,
    const char *want)
{
	struct buf b = BUF(4096);
	struct verdict v;

	policy_decide(s->r, f, 0, true, &v);
	verdict_sentence(&v, f, &s->w, id, &b);
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
}

static void test_sentences(void **state)
{
	struct scene s = scene_make(POLICY, "alice");
	struct reach reach[2] = {
		{ "privileged", SLICE("HostConfig.Privileged"), SLICE("true") },
		{ "bind", SLICE("HostConfig.Binds[0]"), SLICE("/:/h") },
	};
	struct facts f = { .endpoint = endpoint_of("container.list") };

	(void)state;
	says(&s, &f, 0, "alice may use \"docker ps\" (container.list): role viewer (p.conf:1) allows it");
	f.endpoint = endpoint_of("container.exec");
	says(&s, &f, 4812, "alice may not use \"docker exec\" (container.exec): role viewer (p.conf:1) does not allow it, nor does 1 other role (dockbroker why 4812)");
	f.endpoint = endpoint_of("container.rename");
	says(&s, &f, 0, "alice may not use \"docker rename\" (container.rename): role developer (p.conf:4) denies it");
	f.endpoint = endpoint_of("container.create");
	f.reach = reach;
	f.nreach = 2;
	says(&s, &f, 7, "alice may not use HostConfig.Privileged, HostConfig.Binds[0] (\"/:/h\") with \"docker run\" (container.create): role developer (p.conf:3) does not say \"allow privileged everything\" (dockbroker why 7)");
	scene_end(&s);

	s = scene_make("", "alice");
	says(&s, &f, 0, "alice may not use \"docker run\" (container.create): the policy grants no role to user alice or a group of that user");
	strcpy(s.w.service, "web");
	says(&s, &f, 0, "service web may not use \"docker run\" (container.create): the policy grants no role to service web");
	scene_end(&s);

	s = scene_make("role all { allow all }\ngrant all to group dev\n", "a");
	f = (struct facts){ .endpoint = endpoint_of("plugin.pull") };
	says(&s, &f, 0, "a may not use \"docker plugin install\" (plugin.pull), which reaches beyond containers: role all (p.conf:1) does not say \"allow privileged everything\"");
	scene_end(&s);
}

static void test_hostile(void **state)
{
	struct scene s = scene_make(POLICY, "alice");
	struct reach reach[BOUND_REACH];
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.reach = reach, .nreach = countof(reach), .more_reach = 9 };
	struct buf b = BUF(4096);
	struct verdict v;
	char junk[128];

	(void)state;
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 7);
	for (size_t i = 0; i < countof(reach); i++)
		reach[i] = (struct reach){ "bind", { junk, sizeof(junk) },
			{ junk + i, sizeof(junk) - i } };
	policy_decide(s.r, &f, 0, true, &v);
	verdict_sentence(&v, &f, &s.w, UINT64_MAX, &b);
	assert_true(buf_ok(&b));
	assert_true(b.len < 1200);
	assert_true(utf8_valid(buf_slice(&b)));
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.p[i] >= ' ');
	assert_non_null(strstr(buf_text(&b), " more with \"docker run\""));
	buf_free(&b);
	scene_end(&s);
}

static void test_at_length(void **state)
{
	struct scene s = scene_make(POLICY, "alice");
	struct reach reach = { "bind", SLICE("HostConfig.Binds[0]"),
		SLICE("/:/h") };
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.image = SLICE("busybox"), .reach = &reach, .nreach = 1 };
	struct buf b = BUF(8192);
	struct verdict v;

	(void)state;
	policy_decide(s.r, &f, 0, true, &v);
	verdict_explain(&v, &f, &s.w, s.r, &b);
	assert_non_null(strstr(buf_text(&b), "request   POST /containers/create\n"));
	assert_non_null(strstr(buf_text(&b), "image     busybox\n"));
	assert_non_null(strstr(buf_text(&b), "reaches   HostConfig.Binds[0] (\"/:/h\") [bind]\n"));
	assert_non_null(strstr(buf_text(&b), "role      viewer, granted to user alice (p.conf:6): does not allow it\n"));
	assert_non_null(strstr(buf_text(&b), "role      developer, granted to group dev (p.conf:7): allows it (p.conf:3), but does not say \"allow privileged everything\"\n"));
	assert_non_null(strstr(buf_text(&b), "needed    one role"));
	buf_free(&b);
	scene_end(&s);
}

static bool json_has(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	return false;
}

static void test_list(void **state)
{
	struct scene s = scene_make("role dev {\n"
	    "\tallow run volume container.exec\n\tdeny volume prune\n}\n"
	    "role op {\n\tallow all\n\tallow privileged everything\n}\n"
	    "grant dev to user alice\ngrant op to group dev\n", "alice");
	struct buf b = BUF(65536);
	json_t *top, *role, *words;

	(void)state;
	rights_list(s.r, &b);
	top = json_loads(buf_text(&b), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(top);
	assert_string_equal(json_string_value(json_object_get(top, "user")),
	    "alice");
	assert_int_equal(json_array_size(json_object_get(top, "roles")), 2);
	role = json_array_get(json_object_get(top, "roles"), 0);
	words = json_object_get(role, "words");
	assert_true(json_has(words, "run"));
	assert_true(json_has(words, "volume rm"));
	assert_false(json_has(words, "volume"));	/* prune is denied */
	assert_false(json_has(words, "exec"));
	assert_true(json_has(json_object_get(role, "actions"),
	    "container.exec"));
	assert_int_equal(json_integer_value(json_object_get(role, "line")), 9);
	assert_true(json_is_false(json_object_get(role, "privileged")));
	role = json_array_get(json_object_get(top, "roles"), 1);
	assert_string_equal(json_string_value(json_object_get(role, "grant")),
	    "group dev");
	assert_true(json_is_true(json_object_get(role, "privileged")));
	assert_false(json_has(json_object_get(role, "words"), "all"));
	json_decref(top);
	buf_free(&b);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_at_length),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
