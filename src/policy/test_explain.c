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
		{ "privileged", SLICE("HostConfig.Privileged"),
		    SLICE("container"), SLICE(""), false },
		{ "bind", SLICE("HostConfig.Binds[0]"), SLICE("/srv"),
		    SLICE("ro"), false },
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
	says(&s, &f, 7, "alice may not use \"docker run\" (container.create): role developer (p.conf:3) has no line \"privileged container\" for HostConfig.Privileged; has no line \"bind /srv ro\" for HostConfig.Binds[0] (dockbroker why 7)");
	scene_end(&s);

	s = scene_make("", "alice");
	says(&s, &f, 0, "alice may not use \"docker run\" (container.create): the policy grants no role to user alice or a group of that user");
	strcpy(s.w.service, "web");
	says(&s, &f, 0, "service web may not use \"docker run\" (container.create): the policy grants no role to service web");
	scene_end(&s);

	s = scene_make("role all { allow all on any }\ngrant all to group dev\n", "a");
	f = (struct facts){ .endpoint = endpoint_of("plugin.pull") };
	says(&s, &f, 0, "a may not use \"docker plugin install\" (plugin.pull): role all (p.conf:1) has no line \"allow privileged everything\"");
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
			{ junk + i, sizeof(junk) - i }, SLICE("rw"), false };
	policy_decide(s.r, &f, 0, true, &v);
	verdict_sentence(&v, &f, &s.w, UINT64_MAX, &b);
	assert_true(buf_ok(&b));
	assert_true(b.len < 3000);
	assert_true(utf8_valid(buf_slice(&b)));
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.p[i] >= ' ');
	assert_non_null(strstr(buf_text(&b), "; and 65 more"));
	buf_free(&b);
	scene_end(&s);
}

/* Each kind of thing that may be lacking, in one request. */
static const char all_kinds[] =
	"role r {\n\tallow run\n\tbind /srv\n\timage alpine\n"
	"\tlimit containers 2, memory 2g each 1g\n}\ngrant r to user alice\n";

static struct facts all_faults(struct reach *reach, struct ref *refs,
    const struct object *network, const struct object *image)
{
	reach[0] = (struct reach){ "bind", SLICE("HostConfig.Binds[0]"),
		SLICE("/srv/x"), SLICE("ro"), false };
	reach[1] = (struct reach){ "publish",
		SLICE("HostConfig.PortBindings.80/tcp[0]"), SLICE("8080"),
		SLICE("127.0.0.1/udp"), false };
	reach[2] = (struct reach){ "everything",
		SLICE("HostConfig.DeviceCgroupRules[0]"), SLICE("c 1:1 r"),
		SLICE(""), false };
	refs[0] = (struct ref){ .kind = OBJECT_NETWORK, .use = REF_USE,
		.path = SLICE("HostConfig.NetworkMode"), .name = SLICE("other"),
		.state = REF_FOUND, .object = network };
	refs[1] = (struct ref){ .kind = OBJECT_IMAGE, .use = REF_USE,
		.path = SLICE("Image"), .name = SLICE("evil/x"),
		.state = REF_FOUND, .object = image };
	return (struct facts){ .endpoint = endpoint_of("container.create"),
		.nreach = 3, .reach = reach, .nrefs = 2, .refs = refs,
		.image = SLICE("evil/x"),
		.asked = { .containers = 1, .memory = INT64_C(3) << 30 },
		.used = { .containers = 2 } };
}

static void test_all_faults(void **state)
{
	static const char want[] = "alice may not use \"docker run\" (container.create): role r (p.conf:2) does not allow it on network \"other\"; has no \"image\" line (p.conf:4) for \"evil/x\"; permits HostConfig.Binds[0] (\"/srv/x\") (p.conf:3), but binds need the guard in front of runc (dockbroker-oci), which the Engine does not have: ask the administrator for \"dockbroker check guard\"; has no line \"publish 127.0.0.1:8080/udp\" for HostConfig.PortBindings.80/tcp[0]; has no line \"allow privileged everything\" for HostConfig.DeviceCgroupRules[0]; allows containers 2 in all (p.conf:5), there are 2 and this asks for 1 more; allows memory 1g for one container (p.conf:5), this asks for 3g";
	static const char *const told[] = {
		"names     network \"other\" in HostConfig.NetworkMode\n",
		"lacks     role r does not allow it on network \"other\"\n",
		"lacks     role r has no \"image\" line (p.conf:4) for \"evil/x\"\n",
		"needed    a line \"image evil/x\" in role r\n",
		"needed    the guard: \"dockbroker check guard\" tells what is missing and how to mend it\n",
		"lacks     role r has no line \"publish 127.0.0.1:8080/udp\" for HostConfig.PortBindings.80/tcp[0]\n",
		"needed    a line \"publish 127.0.0.1:8080/udp\" in role r\n",
		"lacks     role r has no line \"allow privileged everything\" for HostConfig.DeviceCgroupRules[0]\n",
		"lacks     role r allows containers 2 in all (p.conf:5), there are 2 and this asks for 1 more\n",
		"lacks     role r allows memory 1g for one container (p.conf:5), this asks for 3g\n",
		"needed    all of it in one role: two roles do not add up\n",
	};
	struct scene s = scene_make(all_kinds, "alice");
	struct object network = { .kind = OBJECT_NETWORK,
		.name = SLICE("other") };
	struct object image = { .kind = OBJECT_IMAGE, .common = true };
	struct reach reach[3];
	struct ref refs[2];
	struct facts f;
	struct buf b = BUF(16384);
	struct verdict v;

	(void)state;
	f = all_faults(reach, refs, &network, &image);
	policy_decide(s.r, &f, 0, true, &v);
	assert_int_equal(v.nlacks, 7);
	verdict_explain(&v, &f, &s.w, s.r, &b);
	for (size_t i = 0; i < countof(told); i++)
		if (strstr(buf_text(&b), told[i]) == NULL)
			fail_msg("%s is not in\n%s", told[i], buf_text(&b));
	buf_reset(&b);
	verdict_sentence(&v, &f, &s.w, 0, &b);
	assert_string_equal(buf_text(&b), want);
	buf_free(&b);
	scene_end(&s);
}

/* Every line that is proposed is one, and helps. */
static void test_proposals(void **state)
{
	static const struct reach cases[] = {
		{ "bind", SLICE("x"), SLICE("/srv/a b"), SLICE("rw"), false },
		{ "publish", SLICE("x"), SLICE("80-90"), SLICE("::1/tcp"), false },
		{ "publish", SLICE("x"), SLICE(""), SLICE("/udp"), false },
		{ "capability", SLICE("x"), SLICE("ALL"), SLICE(""), false },
		{ "device", SLICE("x"), SLICE("/dev/fuse"), SLICE("rw"), false },
		{ "gpu", SLICE("x"), SLICE("count=-1"), SLICE(""), false },
		{ "gpu", SLICE("x"), SLICE("count=2"), SLICE(""), false },
		{ "gpu", SLICE("x"), SLICE("id=GPU-1"), SLICE(""), false },
		{ "host", SLICE("x"), SLICE("pid"), SLICE(""), false },
		{ "network", SLICE("x"), SLICE("driver=macvlan"), SLICE(""), false },
		{ "network", SLICE("x"), SLICE("option=mtu"), SLICE("9"), false },
		{ "network", SLICE("x"), SLICE("subnet=10.0.0.0/8"), SLICE(""), false },
		{ "network", SLICE("x"), SLICE("address=10.0.0.9"), SLICE(""), false },
		{ "network", SLICE("x"), SLICE("mac=2:3"), SLICE(""), false },
		{ "network", SLICE("x"), SLICE("host-gateway"), SLICE(""), false },
		{ "network", SLICE("x"), SLICE("ingress"), SLICE(""), false },
		{ "driver", SLICE("x"), SLICE("volume=nfs"), SLICE(""), false },
		{ "driver", SLICE("x"), SLICE("option=type"), SLICE("nfs"), false },
		{ "driver", SLICE("x"), SLICE("storage=size"), SLICE(""), false },
		{ "security", SLICE("x"), SLICE("seccomp=unconfined"), SLICE(""), false },
		{ "sysctl", SLICE("x"), SLICE("a.b"), SLICE("1"), false },
		{ "runtime", SLICE("x"), SLICE("runsc"), SLICE(""), false },
		{ "runtime", SLICE("x"), SLICE("annotation=a"), SLICE(""), false },
		{ "logdriver", SLICE("x"), SLICE("syslog"), SLICE(""), false },
		{ "logdriver", SLICE("x"), SLICE("option=tag"), SLICE(""), false },
		{ "privileged", SLICE("x"), SLICE("exec"), SLICE(""), false },
		{ "remote", SLICE("x"), SLICE("https://a/b"), SLICE("build"), false },
		{ "everything", SLICE("x"), SLICE("y z"), SLICE(""), false },
		{ "bind", SLICE("x"), SLICE("/a/../b"), SLICE("rw"), false },
	};
	struct scene s;
	char text[1000];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct reach reach = cases[i];
		struct facts f = { .endpoint = endpoint_of("container.create"),
			.nreach = 1, .reach = &reach, .guarded = true };
		struct buf b = BUF(8192);
		struct verdict v;

		s = scene_make("role r { allow run }\ngrant r to user alice\n",
		    "alice");
		policy_decide(s.r, &f, 0, true, &v);
		assert_int_equal(v.why, WHY_REACH);
		lack_line(&v.lacks[0], &b);
		snprintf(text, sizeof(text), "role r {\nallow run\n%s\n}\n"
		    "grant r to user alice\n", buf_text(&b));
		scene_end(&s);
		s = scene_make(text, "alice");
		policy_decide(s.r, &f, 0, true, &v);
		if (!v.allowed)
			fail_msg("\"%s\" does not help", buf_text(&b));
		scene_end(&s);
		buf_free(&b);
	}
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
		cmocka_unit_test(test_all_faults),
		cmocka_unit_test(test_proposals),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
