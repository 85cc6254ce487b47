/*
 * `bind' lines: which of them lets a path in, for whom, and what the guard is
 * told of it.
 */
#include "policy/test_util.h"

#define TWO \
	"role dev {\n\tallow run\n\tbind ~ rw\n\tbind ~/nfs rw unmapped\n" \
	"\tbind /srv /srv/%u/out rw\n\tbind /home/alice/old rw unmapped\n" \
	"\tbind ~/old rw\n\tbind /home/alice/ro ro unmapped\n}\n" \
	"role op {\n\tallow exec\n\tbind / rw\n}\n" \
	"grant dev to user alice\ngrant op to user alice\n" \
	"grant dev to service ci\ngrant dev to user root\n" \
	"grant dev to group odd\n"

struct scene {
	struct policy *p;
	struct who w;
	struct rights *r;
	struct facts f;
	struct reach reach;
};

static void scene_make(struct scene *s, const char *text, uint32_t uid,
    const char *name)
{
	*s = (struct scene){ .p = load_good(text) };
	who_user(&s->w, uid, name, uid == 1001 ? "odd" : NULL, NULL);
	s->r = rights_new(s->p, &s->w);
	assert_non_null(s->r);
	s->f = (struct facts){ .endpoint = endpoint_of("container.create"),
		.nreach = 1, .reach = &s->reach, .guarded = true };
}

static void scene_end(struct scene *s)
{
	rights_unref(s->r);
	policy_unref(s->p);
	account_unref(s->w.account);
}

static enum why asked(struct scene *s, const char *path, bool writes,
    struct verdict *v)
{
	s->reach = (struct reach){ "bind", SLICE("HostConfig.Binds[0]"),
		slice_from(path), writes ? SLICE("rw") : SLICE("ro"), false };
	policy_decide(s->r, &s->f, 0, true, v);
	return v->why;
}

/* "LINE WITHIN", with "!" behind it for `unmapped'; "-": refused. */
static const struct line_case {
	const char *path;
	bool writes;
	const char *want;
} lines[] = {
	{ "/home/alice", true, "3 /home/alice" },
	{ "/home/alice/src/x", true, "3 /home/alice" },
	{ "/home/alice/nfs", true, "4 /home/alice/nfs!" },
	{ "/home/alice/nfs/a", false, "4 /home/alice/nfs!" },
	{ "/home/alice/nfs2", true, "3 /home/alice" },
	{ "/home/alic", true, "-" },
	{ "/home/alice2", true, "-" },
	{ "/home", true, "-" },
	{ "/srv/x", false, "5 /srv" },
	{ "/srv/x", true, "-" },
	{ "/srv/alice/out/x", true, "5 /srv/alice/out" },
	{ "/srv/alice/out/x", false, "5 /srv/alice/out" },
	{ "/srv/bob/out", true, "-" },
	{ "/srv/bob/out", false, "5 /srv" },
	/* of two that are as long the one that asks less */
	{ "/home/alice/old/a", true, "7 /home/alice/old" },
	/* the longest of those that let it write */
	{ "/home/alice/ro/a", true, "3 /home/alice" },
	{ "/home/alice/ro/a", false, "8 /home/alice/ro!" },
	/* only another role has a line for it */
	{ "/etc", false, "-" },
	{ "/srv/alice/out/..", false, "-" },
	{ "srv", false, "-" },
	{ "", false, "-" },
};

static void test_lines(void **state)
{
	struct scene s;

	(void)state;
	scene_make(&s, TWO, 1000, "alice");
	for (size_t i = 0; i < countof(lines); i++) {
		const struct line_case *c = &lines[i];
		struct bind_line line;
		struct buf got = BUF(4096);
		struct verdict v;
		bool good = asked(&s, c->path, c->writes, &v) == WHY_ALLOWED;

		assert_int_equal(rights_bind(s.r, &v, slice_from(c->path),
		    c->writes, &line), good);
		if (good)
			buf_addf(&got, "%u %.*s%s", line.line,
			    SLICE_ARG(line.within), line.unmapped ? "!" : "");
		else
			buf_addz(&got, "-");
		if (strcmp(buf_text(&got), c->want) != 0)
			fail_msg("%s: %s, not %s", c->path, buf_text(&got),
			    c->want);
		if (good)
			assert_string_equal(line.file, "p.conf");
		buf_free(&got);
	}
	scene_end(&s);
}

/* What was allowed by another role, or not at all, has no line. */
static void test_verdicts(void **state)
{
	struct bind_line line;
	struct scene s;
	struct verdict v;

	(void)state;
	scene_make(&s, TWO, 1000, "alice");
	assert_int_equal(asked(&s, "/home/alice", true, &v), WHY_ALLOWED);
	assert_false(rights_bind(s.r, &v, SLICE("/etc"), false, &line));
	v.role = "op";
	assert_true(rights_bind(s.r, &v, SLICE("/etc"), false, &line));
	v.role = "viewer";
	assert_false(rights_bind(s.r, &v, SLICE("/home/alice"), true, &line));
	assert_int_equal(asked(&s, "/etc", false, &v), WHY_REACH);
	assert_false(rights_bind(s.r, &v, SLICE("/home/alice"), true, &line));
	scene_end(&s);
	/* nothing is forced, nothing is asked of the guard */
	scene_make(&s, "role r {\n\tallow all\n\tallow privileged everything\n}\n"
	    "grant r to user alice\n", 1000, "alice");
	s.f.guarded = false;
	assert_int_equal(asked(&s, "/", true, &v), WHY_ALLOWED);
	assert_true(v.privileged);
	assert_false(rights_bind(s.r, &v, SLICE("/"), true, &line));
	scene_end(&s);
}

/* A bind is opened by somebody: neither root nor a service is that. */
static void test_nobody(void **state)
{
	static const char *const names[] = { "..", "a/b" };
	struct bind_line line;
	struct scene s;
	struct verdict v;

	(void)state;
	scene_make(&s, TWO, 0, "root");
	assert_int_equal(asked(&s, "/srv/x", false, &v), WHY_BIND_WHO);
	assert_int_equal(asked(&s, "/root/x", true, &v), WHY_BIND_WHO);
	assert_int_equal(asked(&s, "/etc", false, &v), WHY_REACH);
	s.f.guarded = false;
	assert_int_equal(asked(&s, "/srv/x", false, &v), WHY_BIND_WHO);
	v.allowed = true;
	assert_false(rights_bind(s.r, &v, SLICE("/srv/x"), false, &line));
	strcpy(s.w.service, "ci");
	rights_unref(s.r);
	s.r = rights_new(s.p, &s.w);
	s.f.guarded = true;
	assert_int_equal(asked(&s, "/srv/x", false, &v), WHY_BIND_WHO);
	assert_int_equal(asked(&s, "/home/ci", true, &v), WHY_REACH);
	scene_end(&s);
	/* names that are no part of a path fill in none */
	for (size_t i = 0; i < countof(names); i++) {
		scene_make(&s, TWO, 1001, names[i]);
		assert_int_equal(asked(&s, "/srv/a/b/out", true, &v), WHY_REACH);
		assert_int_equal(asked(&s, "/out", true, &v), WHY_REACH);
		assert_int_equal(asked(&s, "/srv/x", false, &v), WHY_ALLOWED);
		scene_end(&s);
	}
}

/* ~ is what the account says; without it the line is for nobody. */
static void test_homes(void **state)
{
	static const struct home_case {
		const char *home, *path;
		enum why why;
	} cases[] = {
		{ "/srv/homes/al", "/srv/homes/al/x", WHY_ALLOWED },
		{ "/srv/homes/al/", "/srv/homes/al", WHY_ALLOWED },
		{ "/srv/homes/al", "/srv/homes/al2", WHY_REACH },
		{ "/srv/homes/al", "/home/alice/x", WHY_REACH },
		{ "", "/home/alice/x", WHY_REACH },
		{ "", "/x", WHY_REACH },
		{ "/", "/x", WHY_REACH },
		{ "/home/../etc", "/etc", WHY_REACH },
		{ "home/alice", "/home/alice", WHY_REACH },
	};
	struct scene s;
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		scene_make(&s, "role r {\n\tallow run\n\tbind ~ rw\n}\n"
		    "grant r to user alice\n", 1000, "alice");
		account_home(s.w.account, cases[i].home);
		rights_unref(s.r);
		s.r = rights_new(s.p, &s.w);
		assert_int_equal(asked(&s, cases[i].path, true, &v), cases[i].why);
		scene_end(&s);
	}
}

static void test_long(void **state)
{
	struct buf text = BUF(65536), path = BUF(65536);
	struct scene s;
	struct verdict v;

	(void)state;
	buf_addz(&path, "/srv/");
	while (path.len < 4089)
		buf_addc(&path, 'x');
	buf_addf(&text, "role r {\n\tallow run\n\tbind %s/%%u\n}\n"
	    "grant r to user alice\ngrant r to user alices\n", buf_text(&path));
	buf_addz(&path, "/alice");
	scene_make(&s, buf_text(&text), 1000, "alice");
	assert_int_equal(asked(&s, buf_text(&path), false, &v), WHY_ALLOWED);
	scene_end(&s);
	scene_make(&s, buf_text(&text), 1000, "alices");
	assert_int_equal(asked(&s, buf_text(&path), false, &v), WHY_REACH);
	buf_addc(&path, 's');
	assert_int_equal(asked(&s, buf_text(&path), false, &v), WHY_REACH);
	scene_end(&s);
	buf_free(&text);
	buf_free(&path);
}

static void test_told(void **state)
{
	struct buf b = BUF(65536);
	struct scene s;
	struct verdict v;

	(void)state;
	scene_make(&s, "role r {\n\tallow run\n\tbind /srv rw\n}\n"
	    "grant r to service ci\n", 1000, "alice");
	strcpy(s.w.service, "ci");
	rights_unref(s.r);
	s.r = rights_new(s.p, &s.w);
	asked(&s, "/srv/x", true, &v);
	verdict_explain(&v, &s.f, &s.w, s.r, &b);
	assert_non_null(strstr(buf_text(&b), "lacks     role r permits HostConfig.Binds[0] (\"/srv/x\") (p.conf:3), but a bind is opened with the rights of the caller: a service has no account, and root's rights are for roles with \"allow privileged everything\"\n"
	    "needed    an account other than root, or \"allow privileged everything\" in role r\n"));
	scene_end(&s);
	buf_reset(&b);
	scene_make(&s, TWO, 1000, "alice");
	rights_list(s.r, &b);
	assert_non_null(strstr(buf_text(&b), "\"bind ~/nfs rw unmapped\""));
	scene_end(&s);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_homes),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
