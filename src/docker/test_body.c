/*
 * test_body.c: bodies.  Most of it are golden files, tests/canon/X.in with
 * lines "SCHEMA minor body"; X.out says what becomes of each.  After a change
 * that is meant, run with CANON_UPDATE=1 and read the difference.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "dockbroker/docker.h"

static const char *const schemas[] = {
	[SCHEMA_NONE] = "NONE",
#define SCHEMA(id)	[SCHEMA_##id] = #id,
#include "dockbroker/schemas.def"
};

struct run {
	struct endpoint endpoint;
	struct arena arena;
	struct facts facts;
	struct buf out;
	struct refusal why;
	int outcome;
};

static void run_free(struct run *r)
{
	arena_free(&r->arena);
	buf_free(&r->out);
	buf_free(&r->why.message);
}

static void run(struct run *r, enum schema_id s, unsigned minor, struct slice in)
{
	*r = (struct run){ .endpoint = { .schema = s }, .out = BUF(8 << 20) };
	arena_init(&r->arena, 1 << 20);
	facts_init(&r->facts, &r->arena);
	r->facts.endpoint = &r->endpoint;
	r->facts.minor = minor;
	r->outcome = body_read(in, &r->facts, &r->why);
	if (r->outcome == DOCKER_GOOD)
		r->outcome = body_write(&r->facts, NULL, &r->out, &r->why);
}

static void show(struct buf *b, const char *name, struct slice s)
{
	if (s.n) {
		buf_addf(b, "\t%s ", name);
		buf_adds(b, s);
		buf_addc(b, '\n');
	}
}

static void show_reach(const struct reach *r, struct buf *b)
{
	buf_addf(b, "\treach %s %.*s: %.*s", r->word, SLICE_ARG(r->path),
	    SLICE_ARG(r->value));
	if (r->extra.n)
		buf_addf(b, " [%.*s]", SLICE_ARG(r->extra));
	buf_addz(b, r->cut ? " cut\n" : "\n");
}

static void show_ref(const struct ref *r, struct buf *b)
{
	static const char *const uses[] = {
		[REF_OBJECT] = "about", [REF_USE] = "uses", [REF_GIVE] = "gives"
	};

	buf_addf(b, "\t%s %s %.*s: %.*s%s\n", uses[r->use],
	    object_kind_name(r->kind), SLICE_ARG(r->path), SLICE_ARG(r->name),
	    r->made ? " (made)" : "");
}

static void show_number(struct buf *b, const char *name, int64_t n)
{
	if (n)
		buf_addf(b, " %s %lld", name, (long long)n);
}

/* What every create asks for is not said: one container, all limits open. */
static void show_usage(const struct facts *f, struct buf *b)
{
	const struct usage *u = &f->asked;
	bool create = f->endpoint->schema == SCHEMA_CONTAINER_CREATE;
	size_t before = b->len;

	buf_addz(b, "\tasks");
	show_number(b, "memory", u->memory);
	show_number(b, "nano_cpus", u->nano_cpus);
	show_number(b, "pids", u->pids);
	show_number(b, "ports", u->ports);
	show_number(b, "volumes", u->volumes);
	show_number(b, "networks", u->networks);
	if (create ? f->open != 7 : f->open)
		buf_addf(b, " open%s%s%s", f->open & OPEN_MEMORY ? " memory" : "",
		    f->open & OPEN_CPUS ? " cpus" : "",
		    f->open & OPEN_PIDS ? " pids" : "");
	if (b->len == before + 5)
		b->len = before;
	else
		buf_addc(b, '\n');
}

static void describe(struct run *r, struct buf *b)
{
	const struct facts *f = &r->facts;

	if (r->outcome != DOCKER_GOOD) {
		buf_addf(b, "%u %s\n", r->why.status, buf_text(&r->why.message));
		return;
	}
	buf_addz(b, "good ");
	buf_adds(b, buf_slice(&r->out));
	buf_addc(b, '\n');
	for (size_t i = 0; i < f->nreach; i++)
		show_reach(&f->reach[i], b);
	for (size_t i = 0; i < f->nrefs; i++)
		show_ref(&f->refs[i], b);
	show_usage(f, b);
	show(b, "image", f->image);
	show(b, "user", f->user);
	show(b, "argv", f->argv);
	show(b, "name", f->new_name);
	show(b, "other", f->object2);
	if (f->tty || f->stdin_open || f->detach || f->removes)
		buf_addf(b, "\tis%s%s%s%s\n", f->tty ? " tty" : "",
		    f->stdin_open ? " stdin" : "", f->detach ? " detach" : "",
		    f->removes ? " removed" : "");
}

/* What was written is good, reaches as far, and is written the same again. */
static void check_fixed(struct run *first, enum schema_id s, unsigned minor)
{
	_cleanup_(run_free) struct run r;

	run(&r, s, minor, buf_slice(&first->out));
	assert_int_equal(r.outcome, DOCKER_GOOD);
	assert_int_equal(r.facts.nreach, first->facts.nreach);
	assert_int_equal(r.facts.nrefs, first->facts.nrefs);
	assert_memory_equal(&r.facts.asked, &first->facts.asked,
	    sizeof(r.facts.asked));
	assert_string_equal(buf_text(&r.out), buf_text(&first->out));
}

static enum schema_id schema_find(struct slice name)
{
	for (enum schema_id s = SCHEMA_NONE + 1; s < SCHEMA_COUNT; s++) {
		if (slice_is(name, schemas[s]))
			return s;
	}
	fail_msg("no schema %.*s", SLICE_ARG(name));
	return SCHEMA_NONE;
}

static void golden_line(struct slice line, struct buf *b)
{
	_cleanup_(run_free) struct run r = { 0 };
	enum schema_id s;
	uint64_t minor = 0;

	buf_adds(b, line);
	buf_addc(b, '\n');
	if (line.n == 0 || line.p[0] == '#')
		return;
	s = schema_find(slice_cut(&line, ' '));
	assert_true(slice_number(slice_cut(&line, ' '), 99, &minor));
	run(&r, s, (unsigned)minor, line);
	if (r.outcome == DOCKER_GOOD)
		check_fixed(&r, s, (unsigned)minor);
	buf_addz(b, "=> ");
	describe(&r, b);
}

static void read_all(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return;
	do {
		char *p = buf_room(b, 65536);

		assert_non_null(p);
		n = fread(p, 1, 65536, f);
		buf_grew(b, n);
	} while (n);
	fclose(f);
}

static void golden_file(const char *in)
{
	_cleanup_(buf_free) struct buf text = BUF(16 << 20), got = BUF(16 << 20),
	    want = BUF(16 << 20), path = BUF(4096);
	struct slice rest;

	read_all(in, &text);
	rest = buf_slice(&text);
	while (rest.n)
		golden_line(slice_cut(&rest, '\n'), &got);
	buf_addf(&path, "%.*s.out", (int)strlen(in) - 3, in);
	if (getenv("CANON_UPDATE")) {
		FILE *f = fopen(buf_text(&path), "w");

		assert_non_null(f);
		fwrite(got.p, 1, got.len, f);
		fclose(f);
		return;
	}
	read_all(buf_text(&path), &want);
	if (!slice_equal(buf_slice(&got), buf_slice(&want)))
		fail_msg("%s differs; CANON_UPDATE=1 and git diff show how", in);
}

static void test_golden(void **state)
{
	const char *top = getenv("top_srcdir");
	_cleanup_(buf_free) struct buf pattern = BUF(4096);
	glob_t g;

	(void)state;
	buf_addf(&pattern, "%s/tests/canon/*.in", top ? top : ".");
	assert_int_equal(glob(buf_text(&pattern), 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		golden_file(g.gl_pathv[i]);
	globfree(&g);
}

static void test_empty(void **state)
{
	(void)state;
	for (enum schema_id s = SCHEMA_NONE + 1; s < SCHEMA_COUNT; s++) {
		_cleanup_(run_free) struct run r, n;

		run(&r, s, 41, SLICE(""));
		assert_int_equal(r.outcome, DOCKER_GOOD);
		/* the Engine makes a volume, and that one has its labels */
		assert_int_equal(r.out.len, s == SCHEMA_VOLUME_CREATE ? 2 : 0);
		run(&n, s, 41, SLICE("null"));
		assert_int_equal(n.outcome, DOCKER_GOOD);
		/* a login goes to some registry */
		assert_int_equal(n.facts.nreach, s == SCHEMA_AUTH);
	}
}

/* The command whole, for rules about it, however it is spelled. */
static void test_args(void **state)
{
	_cleanup_(run_free) struct run r, one;

	(void)state;
	run(&r, SCHEMA_EXEC_CREATE, 41, SLICE("{\"Cmd\":[\"sh\",\"-c\",\"a \\u0022b\",null]}"));
	assert_int_equal(r.facts.nargs, 4);
	assert_true(slice_is(r.facts.args[0], "sh"));
	assert_true(slice_is(r.facts.args[2], "a \"b"));
	assert_true(slice_is(r.facts.args[3], ""));
	run(&one, SCHEMA_CONTAINER_CREATE, 41,
	    SLICE("{\"Entrypoint\":\"/bin/x\",\"Cmd\":[\"-v\"]}"));
	assert_int_equal(one.facts.nargs, 2);
	assert_true(slice_is(one.facts.args[0], "/bin/x"));
	assert_true(slice_is(one.facts.args[1], "-v"));
}

/* One object more than can be named: the body is refused, not half judged. */
static void test_many_refs(void **state)
{
	(void)state;
	for (int n = BOUND_REFS - 1; n <= BOUND_REFS + 1; n++) {
		_cleanup_(buf_free) struct buf in = BUF(1 << 20);
		_cleanup_(run_free) struct run r;

		buf_addz(&in, "{\"HostConfig\":{\"VolumesFrom\":[\"c0\"");
		for (int i = 1; i < n; i++)
			buf_addf(&in, ",\"c%d\"", i);
		buf_addz(&in, "]}}");
		run(&r, SCHEMA_CONTAINER_CREATE, 41, buf_slice(&in));
		assert_int_equal(r.outcome, n <= BOUND_REFS ? DOCKER_GOOD : DOCKER_BAD);
		if (n > BOUND_REFS)
			assert_string_equal(buf_text(&r.why.message),
			    "the request names more than 128 objects");
	}
}

/* Comparing them takes their square. */
static void test_many_points(void **state)
{
	(void)state;
	for (int n = 255; n <= 257; n++) {
		_cleanup_(buf_free) struct buf in = BUF(1 << 20);
		_cleanup_(run_free) struct run r;

		buf_addz(&in, "{\"Volumes\":{\"/0\":{}");
		for (int i = 1; i < n; i++)
			buf_addf(&in, ",\"/%d\":{}", i);
		buf_addz(&in, "}}");
		run(&r, SCHEMA_CONTAINER_CREATE, 41, buf_slice(&in));
		assert_int_equal(r.outcome, n <= 256 ? DOCKER_GOOD : DOCKER_BAD);
		if (n <= 256)
			assert_int_equal(r.facts.asked.volumes, n);
	}
}

/* At no amount of memory is a body taken for one that names or reaches less. */
static void test_tight(void **state)
{
	struct slice in = SLICE("{\"Image\":\"a\",\"Cmd\":[\"x\"],\"HostConfig\":{"
	    "\"Binds\":[\"/a:/b\",\"v:/c\"],\"Privileged\":true,\"NetworkMode\":\"n\","
	    "\"Links\":[\"db\"],\"VolumesFrom\":[\"o:ro\"]}}");

	(void)state;
	for (size_t room = 0; room < 16384; room += 8) {
		_cleanup_(run_free) struct run r = {
			.endpoint = { .schema = SCHEMA_CONTAINER_CREATE },
			.out = BUF(1 << 20)
		};

		arena_init(&r.arena, room);
		facts_init(&r.facts, &r.arena);
		r.facts.endpoint = &r.endpoint;
		r.facts.minor = 41;
		if (body_read(in, &r.facts, &r.why) < 0)
			continue;
		assert_int_equal(r.facts.nreach + r.facts.more_reach, 2);
		assert_int_equal(r.facts.nrefs, 5);
		assert_int_equal(body_write(&r.facts, NULL, &r.out, &r.why),
		    DOCKER_GOOD);
		assert_non_null(strstr(buf_text(&r.out), "\"v:/c\""));
	}
}

static void test_has_field(void **state)
{
	(void)state;
	assert_true(schema_has_field(SCHEMA_CONTAINER_CREATE, SLICE("HostConfig")));
	assert_true(schema_has_field(SCHEMA_CONTAINER_CREATE, SLICE("platform")));
	assert_false(schema_has_field(SCHEMA_CONTAINER_CREATE, SLICE("hostconfig")));
	assert_false(schema_has_field(SCHEMA_CONTAINER_CREATE, SLICE("Binds")));
	assert_true(schema_has_field(SCHEMA_ATTACH, SLICE("stream")));
	assert_false(schema_has_field(SCHEMA_PLUGIN_SET, SLICE("Name")));
	assert_false(schema_has_field(SCHEMA_NONE, SLICE("Name")));
}

/* Neither a fault nor a reach ever holds the password. */
static void test_secrets(void **state)
{
	static const char *const bodies[] = {
		"{\"username\":\"u\",\"password\":\"hunter2\",\"auth\":\"hunter2\"}",
		"{\"username\":\"u\",\"password\":[\"hunter2\"]}",
		"{\"Password\":\"hunter2\"}",
		"{\"username\":\"u\",\"password\":\"hunter2\"",
	};

	(void)state;
	for (size_t i = 0; i < countof(bodies); i++) {
		_cleanup_(buf_free) struct buf b = BUF(1 << 20);
		_cleanup_(run_free) struct run r;

		run(&r, SCHEMA_AUTH, 41, slice_from(bodies[i]));
		if (r.outcome == DOCKER_GOOD)
			buf_reset(&r.out);
		describe(&r, &b);
		assert_null(strstr(buf_text(&b), "hunter2"));
	}
}

/* A thousand faults: the first are named, the rest counted. */
static void test_many_faults(void **state)
{
	_cleanup_(buf_free) struct buf in = BUF(1 << 20);
	_cleanup_(run_free) struct run r;

	(void)state;
	buf_addz(&in, "{\"Tty\":1,\"HostConfig\":{\"Init\":true");
	for (int i = 0; i < 1000; i++)
		buf_addf(&in, ",\"Unknown%0200d\":1", i);
	buf_addz(&in, "}}");
	run(&r, SCHEMA_CONTAINER_CREATE, 41, buf_slice(&in));
	assert_int_equal(r.outcome, DOCKER_BAD);
	assert_true(r.why.message.len < 8192);
	assert_non_null(strstr(buf_text(&r.why.message),
	    "refused: Tty must be true or false; "));
	assert_non_null(strstr(buf_text(&r.why.message), "; and 985 more"));
}

/* More than can be named are still counted, and none passes for harmless. */
static void test_many_reaches(void **state)
{
	_cleanup_(buf_free) struct buf in = BUF(1 << 20);
	_cleanup_(run_free) struct run r;

	(void)state;
	buf_addz(&in, "{\"HostConfig\":{\"CapAdd\":[\"A\"");
	for (int i = 0; i < 99; i++)
		buf_addz(&in, ",\"SYS_ADMIN\"");
	buf_addz(&in, "]}}");
	run(&r, SCHEMA_CONTAINER_CREATE, 41, buf_slice(&in));
	assert_int_equal(r.outcome, DOCKER_GOOD);
	assert_int_equal(r.facts.nreach, BOUND_REACH);
	assert_int_equal(r.facts.nreach + r.facts.more_reach, 100);
	for (size_t room = 0; room < 8192; room += 64) {
		arena_free(&r.arena);
		arena_init(&r.arena, room);
		facts_init(&r.facts, &r.arena);
		r.facts.endpoint = &r.endpoint;
		r.facts.minor = 41;
		assert_true(body_read(buf_slice(&in), &r.facts, &r.why) < 0 ||
		    r.facts.nreach + r.facts.more_reach == 100);
	}
}

static void test_argv_cut(void **state)
{
	_cleanup_(buf_free) struct buf in = BUF(1 << 20), err = BUF(4096);
	_cleanup_(run_free) struct run r;
	struct json_t *v;

	(void)state;
	buf_addz(&in, "{\"Entrypoint\":[\"sh\",\"-c\"],\"Cmd\":[\"");
	for (int i = 0; i < 5000; i++)
		buf_addz(&in, "\\u0001ü");
	buf_addz(&in, "\",\"never seen\"]}");
	run(&r, SCHEMA_CONTAINER_CREATE, 41, buf_slice(&in));
	assert_int_equal(r.outcome, DOCKER_GOOD);
	assert_true(r.facts.argv.n > 1000 && r.facts.argv.n <= 2048);
	assert_int_equal(json_parse(r.facts.argv, &v, &err), JSON_GOOD);
	assert_true(slice_starts(r.facts.argv, SLICE("[\"sh\",\"-c\",\"")));
	assert_null(strstr(r.facts.argv.p, "never"));
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_has_field),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_many_reaches),
		cmocka_unit_test(test_argv_cut),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_many_refs),
		cmocka_unit_test(test_many_points),
		cmocka_unit_test(test_tight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
