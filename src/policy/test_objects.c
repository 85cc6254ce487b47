/*
 * Whose objects: scopes, owners, what is common, names of images; and what is
 * seen of all that.
 */
#include "policy/test_util.h"

struct scene {
	struct policy *p;
	struct who w;
	struct rights *r;
};

/* alice (1000) of dev and staff, with role r of the statements. */
static struct scene scene_make(const char *statements)
{
	struct buf text = BUF(8192);
	struct scene s;

	buf_addf(&text, "role r {\n%s\n}\ngrant r to group dev\n", statements);
	s.p = load_good(buf_text(&text));
	s.r = rights_new(s.p, who_user(&s.w, 1000, "alice", "dev", "staff"));
	assert_non_null(s.r);
	buf_free(&text);
	return s;
}

static void scene_end(struct scene *s)
{
	rights_unref(s->r);
	policy_unref(s->p);
	account_unref(s->w.account);
}

static const struct owner alice = { 1000, "alice", "" };
static const struct owner renamed = { 1000, "alicia", "" };
static const struct owner labelled = { OWNER_ANY_UID, "alice", "" };
static const struct owner bob = { 1001, "bob", "" };
static const struct owner fake = { 1001, "alice", "" };
static const struct owner mate = { 1002, "carol", "staff" };
static const struct owner other = { 1003, "dan", "sales" };
static const struct owner web = { OWNER_ANY_UID, "service:web", "" };
static const struct owner root = { 0, "root", "" };

static const struct pair labels[] = { { SLICE("project"), SLICE("x1") } };

static struct object make(enum object_kind kind, const char *name,
    const struct owner *o)
{
	return (struct object){ .kind = kind, .id = SLICE("0123456789abcdef"),
		.name = slice_from(name), .owners = o, .nowners = o != NULL };
}

static struct verdict judged(const struct scene *s, const char *action,
    enum ref_use use, const struct object *o)
{
	struct ref ref = { .kind = o->kind, .use = use, .name = o->name,
		.state = REF_FOUND, .object = o };
	struct facts f = { .endpoint = endpoint_of(action), .nrefs = 1,
		.refs = &ref };
	struct verdict v;

	policy_decide(s->r, &f, 0, true, &v);
	assert_true(v.allowed || v.why == WHY_SCOPE || v.why == WHY_DENIED);
	return v;
}

static bool may(const struct scene *s, const char *action, enum ref_use use,
    const struct object *o)
{
	return judged(s, action, use, o).allowed;
}

/* ---- scopes ---- */

static bool stop(const char *scope, const char *name, const struct owner *o,
    bool labels_too)
{
	char text[200];
	struct object c = make(OBJECT_CONTAINER, name, o);
	struct scene s;
	bool good, covered;

	if (labels_too) {
		c.labels = labels;
		c.nlabels = countof(labels);
	}
	snprintf(text, sizeof(text), "allow stop %s", scope);
	s = scene_make(text);
	good = may(&s, "container.stop", REF_OBJECT, &c);
	covered = rights_cover(s.r, endpoint_of("container.stop"), &c);
	assert_true(good == covered);
	scene_end(&s);
	return good;
}

static void test_scopes(void **state)
{
	(void)state;
	assert_true(stop("", "c", &alice, false));
	assert_true(stop("", "c", &renamed, false));
	assert_true(stop("", "c", &labelled, false));
	assert_false(stop("", "c", &bob, false));
	assert_false(stop("", "c", &fake, false));
	assert_false(stop("", "c", &mate, false));
	assert_false(stop("", "c", &web, false));
	assert_false(stop("", "c", NULL, false));
	assert_true(stop("on team", "c", &mate, false));
	assert_false(stop("on team", "c", &other, false));
	assert_false(stop("on team", "c", &alice, false));
	assert_true(stop("on own, team", "c", &alice, false));
	assert_true(stop("on any", "c", &bob, false));
	assert_true(stop("on any", "c", NULL, false));
	assert_true(stop("on name web-*", "web-1", &bob, false));
	assert_false(stop("on name web-*", "xweb-1", &bob, false));
	assert_false(stop("on name web-*", "c", &alice, false));
	assert_true(stop("on name %u-*", "alice-1", &bob, false));
	assert_false(stop("on name %u-*", "bob-1", &bob, false));
	assert_true(stop("on label project=x*", "c", &bob, true));
	assert_true(stop("on label project", "c", &bob, true));
	assert_false(stop("on label project=y*", "c", &bob, true));
	assert_false(stop("on label other", "c", &bob, true));
	assert_false(stop("on label project", "c", &bob, false));
	assert_true(stop("on label other, own", "c", &alice, true));
}

/* Statements of one role add up, object by object; those of two do not. */
static void test_sums(void **state)
{
	struct object own = make(OBJECT_NETWORK, "n", &alice);
	struct object shared = make(OBJECT_CONTAINER, "shared-1", &bob);
	struct object no = make(OBJECT_CONTAINER, "c", &bob);
	struct ref refs[2] = {
		{ .kind = OBJECT_NETWORK, .use = REF_USE, .state = REF_FOUND,
		    .object = &own },
		{ .kind = OBJECT_CONTAINER, .use = REF_USE,
		    .name = SLICE("c"), .path = SLICE("HostConfig.PidMode"),
		    .state = REF_FOUND, .object = &shared },
	};
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.nrefs = 2, .refs = refs };
	struct scene s = scene_make("allow run on own\n"
	    "allow container.create on name shared-*");
	struct verdict v;

	(void)state;
	policy_decide(s.r, &f, 0, true, &v);
	assert_true(v.allowed);
	assert_string_equal(v.team, "dev");
	refs[1].object = &no;
	policy_decide(s.r, &f, 0, true, &v);
	assert_int_equal(v.why, WHY_SCOPE);
	assert_int_equal(v.nlacks, 1);
	assert_true(slice_is(v.lacks[0].path, "HostConfig.PidMode"));
	assert_true(slice_is(v.lacks[0].extra, "container"));
	/* early, objects count as fine; missing ones always */
	policy_decide(s.r, &f, 0, false, &v);
	assert_true(v.allowed);
	refs[1].state = REF_MISSING;
	policy_decide(s.r, &f, 0, true, &v);
	assert_true(v.allowed);
	/* what nobody looked up is not covered */
	refs[1] = (struct ref){ .kind = OBJECT_CONTAINER, .use = REF_USE };
	policy_decide(s.r, &f, 0, true, &v);
	assert_false(v.allowed);
	f.nrefs = 1;
	f.more_refs = 1;
	policy_decide(s.r, &f, 0, true, &v);
	assert_false(v.allowed);
	f.more_refs = 0;
	f.on_any = true;
	policy_decide(s.r, &f, 0, true, &v);
	assert_int_equal(v.why, WHY_SCOPE);
	scene_end(&s);
}

static void test_services(void **state)
{
	struct policy *p = load_good("role r { allow stop }\n"
	    "grant r to service web\n");
	struct who w;
	struct scene s = { .p = p };
	struct object c = make(OBJECT_CONTAINER, "c", &web);

	(void)state;
	who_user(&w, 1000, "alice", "dev", NULL);
	strcpy(w.service, "web");
	s.r = rights_new(p, &w);
	assert_true(may(&s, "container.stop", REF_OBJECT, &c));
	/* not what belongs to whoever runs the service */
	c = make(OBJECT_CONTAINER, "c", &alice);
	assert_false(may(&s, "container.stop", REF_OBJECT, &c));
	rights_unref(s.r);
	policy_unref(p);
	account_unref(w.account);
}

/* ---- common objects ---- */

static void test_common(void **state)
{
	struct scene s = scene_make("allow all on own");
	struct object image = make(OBJECT_IMAGE, "alpine", &root);
	struct object bridge = make(OBJECT_NETWORK, "bridge", NULL);

	(void)state;
	image.common = bridge.common = true;
	assert_true(may(&s, "container.create", REF_USE, &image));
	assert_true(may(&s, "image.inspect", REF_OBJECT, &image));
	assert_true(may(&s, "image.history", REF_OBJECT, &image));
	assert_true(may(&s, "image.save", REF_OBJECT, &image));
	assert_true(may(&s, "image.tag", REF_OBJECT, &image));
	assert_true(may(&s, "image.push", REF_OBJECT, &image));
	assert_false(may(&s, "image.remove", REF_OBJECT, &image));
	assert_true(may(&s, "network.inspect", REF_OBJECT, &bridge));
	assert_true(may(&s, "network.connect", REF_OBJECT, &bridge));
	assert_true(may(&s, "network.disconnect", REF_OBJECT, &bridge));
	assert_false(may(&s, "network.remove", REF_OBJECT, &bridge));
	image.common = bridge.common = false;
	assert_false(may(&s, "container.create", REF_USE, &image));
	assert_false(may(&s, "network.connect", REF_OBJECT, &bridge));
	scene_end(&s);
	s = scene_make("allow all on any");
	assert_true(may(&s, "image.remove", REF_OBJECT, &image));
	assert_true(may(&s, "network.remove", REF_OBJECT, &bridge));
	scene_end(&s);
}

static void test_networks(void **state)
{
	struct scene s = scene_make("allow run network\nnetwork shared-* %u-net");
	struct object shared = make(OBJECT_NETWORK, "shared-1", &bob);
	struct object mine = make(OBJECT_NETWORK, "alice-net", &bob);
	struct object no = make(OBJECT_NETWORK, "backend", &bob);

	(void)state;
	assert_true(may(&s, "container.create", REF_USE, &shared));
	assert_true(may(&s, "network.connect", REF_OBJECT, &shared));
	assert_true(may(&s, "network.connect", REF_OBJECT, &mine));
	assert_true(may(&s, "network.inspect", REF_OBJECT, &shared));
	assert_false(may(&s, "network.remove", REF_OBJECT, &shared));
	assert_false(may(&s, "network.connect", REF_OBJECT, &no));
	assert_true(rights_see(s.r, &shared));
	assert_false(rights_see(s.r, &no));
	scene_end(&s);
}

/* ---- names of images ---- */

static enum why give(const char *statements, const char *action,
    const char *name, const struct object *o)
{
	char text[300];
	struct scene s;
	struct ref ref = { .kind = OBJECT_TAG, .use = REF_GIVE,
		.name = slice_from(name), .object = o,
		.state = o != NULL ? REF_FOUND : REF_MISSING };
	struct facts f = { .endpoint = endpoint_of(action), .nrefs = 1,
		.refs = &ref };
	struct verdict v;

	snprintf(text, sizeof(text), "allow tag pull build %s", statements);
	s = scene_make(text);
	policy_decide(s.r, &f, 0, true, &v);
	scene_end(&s);
	return v.why;
}

#define OWN_NAME	"docker.io/alice/x:1"
#define NAME		"docker.io/library/x:1"

static void test_names(void **state)
{
	const struct owner both[] = { alice, bob };
	struct object free_one = make(OBJECT_TAG, NAME, NULL);
	struct object mine = make(OBJECT_TAG, NAME, &alice);
	struct object his = make(OBJECT_TAG, NAME, &bob);
	struct object ours = make(OBJECT_TAG, NAME, both);

	(void)state;
	ours.nowners = 2;
	free_one.common = true;
	assert_int_equal(give("", "image.tag", NAME, NULL), WHY_ALLOWED);
	assert_int_equal(give("", "image.tag", NAME, &mine), WHY_ALLOWED);
	assert_int_equal(give("", "image.tag", NAME, &his), WHY_SCOPE);
	assert_int_equal(give("", "image.tag", NAME, &ours), WHY_SCOPE);
	assert_int_equal(give("", "image.tag", NAME, &free_one), WHY_SCOPE);
	assert_int_equal(give("", "image.build", NAME, &his), WHY_SCOPE);
	assert_int_equal(give("", "image.tag", OWN_NAME, &free_one), WHY_ALLOWED);
	assert_int_equal(give("", "image.tag", OWN_NAME, &his), WHY_SCOPE);
	assert_int_equal(give("", "image.tag", "r.x/alice/x:1", &free_one),
	    WHY_ALLOWED);
	assert_int_equal(give("", "image.tag", "r.x/alice2/x:1", &free_one),
	    WHY_SCOPE);
	assert_int_equal(give("", "image.tag", "r.x/a/alice/x:1", &free_one),
	    WHY_SCOPE);
	assert_int_equal(give("on any", "image.tag", NAME, &his), WHY_ALLOWED);
	/* tag lines narrow */
	assert_int_equal(give("\ntag %u/**", "image.tag", OWN_NAME, NULL),
	    WHY_ALLOWED);
	assert_int_equal(give("\ntag %u/**", "image.tag", NAME, NULL),
	    WHY_NARROW);
	assert_int_equal(give("\ntag **", "image.tag", NAME, NULL), WHY_ALLOWED);
	assert_int_equal(give("\ntag **", "image.tag", NAME, &his), WHY_SCOPE);
	assert_int_equal(give("\ntag x:2", "image.tag", NAME, NULL), WHY_NARROW);
	assert_int_equal(give("\ntag x:1", "image.tag", NAME, NULL), WHY_ALLOWED);
	/* a name that `image' trusts is not for everybody */
	assert_int_equal(give("\nimage x", "image.tag", NAME, NULL), WHY_NARROW);
	assert_int_equal(give("\nimage y", "image.tag", NAME, NULL), WHY_ALLOWED);
	assert_int_equal(give("\nimage x\ntag x", "image.tag", NAME, NULL),
	    WHY_ALLOWED);
	assert_int_equal(give("\nimage %u/*", "image.tag", OWN_NAME, NULL),
	    WHY_ALLOWED);
}

static void test_pulled_names(void **state)
{
	struct object his = make(OBJECT_TAG, NAME, &bob);

	(void)state;
	assert_int_equal(give("", "image.pull", NAME, NULL), WHY_ALLOWED);
	assert_int_equal(give("", "image.pull", NAME, &his), WHY_ALLOWED);
	his.given = true;
	assert_int_equal(give("", "image.pull", NAME, &his), WHY_SCOPE);
	assert_int_equal(give("on any", "image.pull", NAME, &his), WHY_ALLOWED);
	his.owners = &alice;
	assert_int_equal(give("", "image.pull", NAME, &his), WHY_ALLOWED);
}

/* An account may be called like Docker's own names. */
static void test_library(void **state)
{
	struct policy *p = load_good("role r { allow tag }\ngrant r to group g\n");
	struct object common = make(OBJECT_TAG, NAME, NULL);
	struct who w;
	struct scene s = { .p = p };

	(void)state;
	common.common = true;
	s.r = rights_new(p, who_user(&w, 5, "library", "g", NULL));
	assert_false(may(&s, "image.tag", REF_GIVE, &common));
	rights_unref(s.r);
	policy_unref(p);
	account_unref(w.account);
}

/* ---- denials ---- */

static void test_denials(void **state)
{
	struct scene s = scene_make("allow all on any\ndeny rm on team\n"
	    "deny kill on name keep-*");
	struct object own = make(OBJECT_CONTAINER, "c", &alice);
	struct object team = make(OBJECT_CONTAINER, "c", &mate);
	struct object keep = make(OBJECT_CONTAINER, "keep-1", &alice);
	struct facts f = { .endpoint = endpoint_of("container.remove") };
	struct verdict v;

	(void)state;
	assert_true(may(&s, "container.remove", REF_OBJECT, &own));
	assert_false(may(&s, "container.remove", REF_OBJECT, &team));
	assert_false(rights_cover(s.r, endpoint_of("container.remove"), &team));
	assert_true(may(&s, "container.stop", REF_OBJECT, &team));
	assert_false(may(&s, "container.kill", REF_OBJECT, &keep));
	assert_true(may(&s, "container.kill", REF_OBJECT, &own));
	policy_decide(s.r, &f, 0, true, &v);
	assert_int_equal(v.why, WHY_DENIED);
	policy_decide(s.r, &f, 0, false, &v);
	assert_true(v.allowed);
	/* denied is not hidden */
	assert_true(rights_see(s.r, &team));
	scene_end(&s);
}

/* ---- swarm and plugins have no owners ---- */

static void test_ownerless(void **state)
{
	static const char *const actions[] = { "service.list", "node.inspect",
		"plugin.list", "secret.list", "task.list" };

	(void)state;
	for (size_t i = 0; i < countof(actions); i++) {
		struct scene s = scene_make("allow all");

		assert_int_equal(decide(s.r, actions[i], 0).why, WHY_SCOPE);
		scene_end(&s);
		s = scene_make("allow all on any");
		assert_true(decide(s.r, actions[i], 0).allowed);
		scene_end(&s);
	}
}

/* ---- what is seen ---- */

static void test_sight(void **state)
{
	struct scene s = scene_make("allow run stop on own\nallow logs on team\n"
	    "allow rm on any\nallow volume on any\n"
	    "allow network ls on label project=x*");
	struct object own = make(OBJECT_CONTAINER, "c", &alice);
	struct object team = make(OBJECT_CONTAINER, "c", &mate);
	struct object his = make(OBJECT_CONTAINER, "c", &bob);
	struct object volume = make(OBJECT_VOLUME, "v", &bob);
	struct object network = make(OBJECT_NETWORK, "n", &bob);
	struct object image = make(OBJECT_IMAGE, "i", &bob);

	(void)state;
	assert_true(rights_see(s.r, &own));
	assert_true(rights_see(s.r, &team));
	assert_false(rights_see(s.r, &his));	/* rm does not look */
	assert_true(rights_see(s.r, &volume));
	assert_false(rights_see(s.r, &network));
	network.labels = labels;
	network.nlabels = countof(labels);
	assert_true(rights_see(s.r, &network));
	assert_false(rights_see(s.r, &image));
	image.common = true;
	assert_true(rights_see(s.r, &image));
	assert_int_equal(rights_sight(s.r, OBJECT_CONTAINER),
	    SEE_OWN | SEE_TEAM);
	assert_int_equal(rights_sight(s.r, OBJECT_VOLUME),
	    SEE_OWN | SEE_ANY);
	assert_int_equal(rights_sight(s.r, OBJECT_NETWORK),
	    SEE_OWN | SEE_LABEL);
	assert_int_equal(rights_scope(s.r, endpoint_of("container.remove")),
	    SEE_ANY);
	assert_int_equal(rights_scope(s.r, endpoint_of("container.stop")),
	    SEE_OWN);
	assert_true(rights_want_labels(s.p));
	scene_end(&s);
	s = scene_make("allow ps on any\ndeny ps");
	assert_false(rights_want_labels(s.p));
	assert_false(rights_see(s.r, &his));
	assert_int_equal(rights_scope(s.r, endpoint_of("container.list")), 0);
	scene_end(&s);
}

static void test_rights_limits(void **state)
{
	struct policy *p = load_good("role a { allow run\n"
	    "limit containers 5, memory 1g, pids 7 }\n"
	    "role b { allow run\nlimit containers 9, memory 2g }\n"
	    "role c { allow ps\nlimit containers 99 }\n"
	    "grant a to user alice\ngrant b to user alice\n"
	    "grant c to user alice\n");
	struct who w;
	struct rights *r = rights_new(p, who_user(&w, 1, "alice", NULL, NULL));
	struct usage u;

	(void)state;
	rights_limits(r, &u);
	assert_int_equal(u.containers, 9);
	assert_int_equal(u.memory, INT64_C(2) << 30);
	assert_int_equal(u.pids, -1);		/* b does not say */
	assert_int_equal(u.nano_cpus, -1);
	rights_unref(r);
	policy_unref(p);
	account_unref(w.account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pulled_names),
		cmocka_unit_test(test_library),
		cmocka_unit_test(test_denials),
		cmocka_unit_test(test_ownerless),
		cmocka_unit_test(test_sight),
		cmocka_unit_test(test_rights_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
