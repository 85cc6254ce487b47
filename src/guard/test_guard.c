/*
 * test_guard.c: records that are written and read back, and what nearly is one:
 * torn, edited, foreign, ill-typed.  Each fault is made of a good record whose
 * sum is right, so that it is found by what it is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "guard/guard_int.h"

#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER	"1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct guard_record plain = {
	.container = { ID, 64 }, .uid = 2001, .user = { "alice", 5 },
	.engine_root = { "/var/lib/docker", 15 }
};

static const struct slice groups[] = { { "2500", 4 }, { "audio", 5 } };
static const struct slice security[] = { { "apparmor=mine", 13 } };
static const struct slice sysctls[] = { { "net.ipv4.ip_forward", 19 } };
static const struct guard_device devices[] = {
	{ { "/dev/fuse", 9 }, { "rwm", 3 } }, { { "/dev/kvm", 8 }, { "r", 1 } }
};
static const struct guard_mount mounts[] = {
	{ .kind = GUARD_BIND, .target = { "/src", 4 }, .source = { "/home/alice/s \"x\"", 17 },
	  .read_only = true, .within = { "/home/alice", 11 }, .make = true,
	  .uid = 2001, .user = { "alice", 5 } },
	{ .kind = GUARD_BIND, .target = { "/data", 5 }, .source = { "/srv/d", 6 },
	  .within = { "/", 1 }, .uid = 2002, .user = { "bob", 3 } },
	{ .kind = GUARD_VOLUME, .target = { "/v", 2 }, .source = { "vol", 3 } },
	{ .kind = GUARD_VOLUME, .target = { "/anon", 5 } },
	{ .kind = GUARD_DRIVEN, .target = { "/d", 2 }, .source = { "nfs-vol", 7 } },
	{ .kind = GUARD_TMPFS, .target = { "/t", 2 }, .read_only = true },
	{ .kind = GUARD_IMAGE, .target = { "/i", 2 }, .source = { "sha256:aa", 9 } }
};
static const struct guard_record full = {
	.container = { ID, 64 }, .uid = UINT32_MAX, .user = { "service:ci", 10 },
	.engine_root = { "/var/lib/docker", 15 }, .bind_dir = { "/var/lib/db/bind", 16 },
	.as_user = { "1000:gr\xc3\xbcn", 10 }, .groups = groups, .ngroups = 2,
	.cap_add = UINT64_MAX, .cap_drop = 1u << 27, .no_new_privs = true,
	.read_only = true, .init = true, .seccomp = GUARD_SECCOMP_CUSTOM,
	.unmasked = true, .security = security, .nsecurity = 1,
	.spaces = { .network = { "none", 4 }, .pid = { "container:" ID, 74 },
	    .ipc = { "host", 4 }, .uts = { "host", 4 }, .cgroup = { "host", 4 },
	    .user = { "host", 4 } },
	.cgroup_parent = { "dockbroker-2001.slice", 21 }, .oom_negative = true,
	.sysctls = sysctls, .nsysctls = 1, .devices = devices, .ndevices = 2,
	.gpus = true, .mounts = mounts, .nmounts = countof(mounts),
	.asked_binds = { "[\"/a:/b\"]", 9 }, .asked_mounts = { "[{}]", 4 }
};

struct got {
	struct arena arena;
	struct guard_record record;
	struct buf err;
	int code;
};

static void got_free(struct got *g)
{
	arena_free(&g->arena);
	buf_free(&g->err);
}

static void read_as(struct got *g, struct slice file, const char *id)
{
	*g = (struct got){ .err = BUF(4096) };
	arena_init(&g->arena, 4 << 20);
	g->code = guard_read(file, slice_from(id), &g->arena, &g->record, &g->err);
}

/* The line with a sum that is right. */
static void read_line(struct got *g, const char *line)
{
	_cleanup_(buf_free) struct buf file = BUF(4 << 20);
	char sum[GUARD_SUM];

	buf_addz(&file, line);
	sum_write(buf_slice(&file), sum);
	buf_addz(&file, "sha256 ");
	buf_add(&file, sum, sizeof(sum));
	buf_addc(&file, '\n');
	read_as(g, buf_slice(&file), ID);
}

static void refused(struct got *g, const char *why, const char *what)
{
	if (g->code != GUARD_BAD || !strstr(buf_text(&g->err), why))
		fail_msg("%s: %d, \"%s\", not \"%s\"", what, g->code,
		    buf_text(&g->err), why);
}

/* ---- the sum ---- */

static void sum_is(struct slice text, const char *digits)
{
	char sum[GUARD_SUM];

	sum_write(text, sum);
	assert_memory_equal(sum, digits, GUARD_SUM);
}

/* Of FIPS 180-4, and against libcrypto around the ends of blocks. */
static void test_sum(void **state _unused_)
{
	static const char hex[] = "0123456789abcdef";
	static char text[300];

	sum_is(SLICE(""), "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	sum_is(SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	for (size_t n = 0; n < sizeof(text); n++) {
		unsigned char sum[EVP_MAX_MD_SIZE];
		char digits[GUARD_SUM];
		unsigned got;

		text[n] = (char)(n * 7);
		assert_int_equal(EVP_Digest(text, n, sum, &got, EVP_sha256(),
		    NULL), 1);
		for (size_t i = 0; i < GUARD_SUM; i++)
			digits[i] = hex[sum[i / 2] >> (i % 2 ? 0 : 4) & 15];
		sum_is((struct slice){ text, n }, digits);
	}
}

/* ---- what comes back ---- */

static void round_trip(const struct guard_record *r)
{
	_cleanup_(buf_free) struct buf one = BUF(BOUND_GUARD_RECORD), two = BUF(BOUND_GUARD_RECORD);
	_cleanup_(got_free) struct got g;

	assert_true(guard_write(r, &one));
	read_as(&g, buf_slice(&one), ID);
	if (g.code != GUARD_GOOD)
		fail_msg("%s: %s", buf_text(&one), buf_text(&g.err));
	assert_true(guard_write(&g.record, &two));
	assert_string_equal(buf_text(&one), buf_text(&two));
}

static void test_fixed_point(void **state)
{
	_cleanup_(buf_free) struct buf out = BUF(BOUND_GUARD_RECORD);
	struct guard_record r = full;

	(void)state;
	round_trip(&plain);
	round_trip(&full);
	r.uid = 0;
	r.user = SLICE("root");
	r.cgroup_parent = SLICE("/dockbroker/0");
	r.privileged = true;
	round_trip(&r);
	buf_addz(&out, "before");
	assert_true(guard_write(&plain, &out));
	assert_memory_equal(out.p, "before{\"version\":1,\"container\":\"" ID "\",", 40);
}

static void test_values(void **state)
{
	_cleanup_(buf_free) struct buf one = BUF(BOUND_GUARD_RECORD);
	_cleanup_(got_free) struct got g;
	const struct guard_record *r = &g.record;

	(void)state;
	assert_true(guard_write(&full, &one));
	read_as(&g, buf_slice(&one), ID);
	assert_int_equal(g.code, GUARD_GOOD);
	assert_int_equal(r->uid, UINT32_MAX);
	assert_true(slice_is(r->as_user, "1000:gr\xc3\xbcn"));
	assert_true(r->cap_add == UINT64_MAX && r->cap_drop == 1u << 27);
	assert_int_equal(r->seccomp, GUARD_SECCOMP_CUSTOM);
	assert_int_equal(r->ngroups, 2);
	assert_true(slice_is(r->groups[1], "audio"));
	assert_true(slice_is(r->spaces.pid, "container:" ID));
	assert_int_equal(r->ndevices, 2);
	assert_true(slice_is(r->devices[1].access, "r"));
	assert_int_equal(r->nmounts, countof(mounts));
	assert_true(slice_is(r->mounts[0].source, "/home/alice/s \"x\""));
	assert_true(r->mounts[0].read_only && r->mounts[0].make);
	assert_int_equal(r->mounts[1].uid, 2002);
	assert_int_equal(r->mounts[6].kind, GUARD_IMAGE);
	assert_true(slice_is(r->asked_binds, "[\"/a:/b\"]"));
}

/* ---- torn, edited, foreign ---- */

static void test_torn(void **state)
{
	_cleanup_(buf_free) struct buf one = BUF(BOUND_GUARD_RECORD);

	(void)state;
	assert_true(guard_write(&full, &one));
	for (size_t n = 0; n < one.len; n++) {
		_cleanup_(got_free) struct got g;

		read_as(&g, (struct slice){ one.p, n }, ID);
		refused(&g, "torn", "cut");
	}
	buf_addc(&one, '\n');
	{
		_cleanup_(got_free) struct got g;

		read_as(&g, buf_slice(&one), ID);
		refused(&g, "sum at the end", "longer");
	}
}

static void test_edited(void **state)
{
	_cleanup_(buf_free) struct buf one = BUF(BOUND_GUARD_RECORD);

	(void)state;
	assert_true(guard_write(&full, &one));
	for (size_t i = 0; i < one.len; i++) {
		_cleanup_(got_free) struct got g;

		one.p[i] ^= 1;
		read_as(&g, buf_slice(&one), ID);
		one.p[i] ^= 1;
		refused(&g, "", "a bit");
	}
}

static void test_foreign(void **state)
{
	static const char *const ids[] = { OTHER, "", "0123456789ab",
		"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef" };
	_cleanup_(buf_free) struct buf one = BUF(BOUND_GUARD_RECORD);

	(void)state;
	assert_true(guard_write(&plain, &one));
	for (size_t i = 0; i < countof(ids); i++) {
		_cleanup_(got_free) struct got g;

		read_as(&g, buf_slice(&one), ids[i]);
		refused(&g, "of another container", ids[i]);
	}
}

/* ---- lines that nearly are one ---- */

/* Of a line, with one text in it replaced by another. */
static void expect_bad(const struct guard_record *r, const char *from,
    const char *to, const char *why)
{
	_cleanup_(buf_free) struct buf line = BUF(BOUND_GUARD_RECORD), odd = BUF(4 << 20);
	_cleanup_(got_free) struct got g;
	const char *at;

	line_write(r, &line);
	at = strstr(buf_text(&line), from);
	if (!at)
		fail_msg("%s is not in %s", from, buf_text(&line));
	buf_add(&odd, line.p, (size_t)(at - line.p));
	buf_addz(&odd, to);
	buf_addz(&odd, at + strlen(from));
	read_line(&g, buf_text(&odd));
	refused(&g, why, to);
}

static void test_types(void **state)
{
	static const struct { const char *from, *to, *why; } all[] = {
		{ "\"version\":1", "\"version\":2", "another version" },
		{ "\"version\":1", "\"version\":\"1\"", "no version" },
		{ "\"version\":1", "\"version\":1.0", "no version" },
		{ "\"version\":1,", "", "no version" },
		{ "\"version\":1,", "\"version\":1,\"version\":1,", "a key is repeated" },
		{ "\"version\":1,", "\"version\":1,\"more\":null,", "more is not a known member" },
		{ "\"uid\":4294967295", "\"uid\":4294967296", "uid must be a uid" },
		{ "\"uid\":4294967295", "\"uid\":-1", "uid must be a uid" },
		{ "\"uid\":4294967295", "\"uid\":true", "uid must be a uid" },
		{ "\"uid\":4294967295", "\"uid\":2.0", "uid must be a uid" },
		{ "\"uid\":4294967295", "\"uid\":2001", "user and uid" },
		{ "service:ci", "ci", "user and uid" },
		{ "service:ci", "service:", "user must be a name" },
		{ "\"user\":\"service:ci\",", "", "user is missing" },
		{ "\"/var/lib/docker\"", "\"\"", "engine_root must be a clean" },
		{ "\"/var/lib/docker\"", "\"/\"", "engine_root must be a clean" },
		{ "/var/lib/db/bind", "var", "bind_dir must be a clean" },
		{ "/var/lib/db/bind", "/a/../b", "bind_dir must be a clean" },
		{ "\"/var/lib/db/bind\"", "\"\"", "there is no bind_dir" },
		{ "\"1000:", "\"\\u0007", "as_user must be a plain text" },
		{ "\"as_user\":\"1", "\"as_user\":null,\"x\":\"1", "as_user must be" },
		{ "[\"2500\"", "[\"\"", "groups must be a plain text" },
		{ "[\"2500\"", "[2500", "groups must be a plain text" },
		{ "[\"2500\",\"audio\"]", "{}", "groups must be a list" },
		{ "ffffffffffffffff", "FFFFFFFFFFFFFFFF", "cap_add must be 16" },
		{ "\"ffffffffffffffff\"", "\"ff\"", "cap_add must be 16" },
		{ "\"ffffffffffffffff\"", "255", "cap_add must be 16" },
		{ "\"privileged\":false", "\"privileged\":0", "privileged must be true" },
		{ "\"powerless\":false", "\"powerless\":true", "powerless cannot be" },
		{ "\"custom\"", "\"other\"", "seccomp is not a known word" },
		{ "\"custom\"", "1", "seccomp is not a known word" },
		{ "\"network\":\"none\"", "\"network\":\"bridge\"", "network must be" },
		{ "container:0", "container:X", "pid must be" },
		{ "\"ipc\":\"host\"", "\"ipc\":\"container:0123\"", "ipc must be" },
		{ "\"uts\":\"host\"", "\"uts\":\"container:" ID "\"", "uts must be" },
		{ "\"userns\":\"host\"", "\"userns\":\"none\"", "userns must be" },
		{ "dockbroker-2001.slice", "a/b.slice", "cgroup_parent must be" },
		{ "dockbroker-2001.slice", ".slice", "cgroup_parent must be" },
		{ "dockbroker-2001.slice", "/../x", "cgroup_parent must be" },
		{ "\"access\":\"rwm\"", "\"access\":\"rr\"", "devices[0].access must be" },
		{ "\"access\":\"r\"", "\"access\":\"x\"", "devices[1].access must be" },
		{ "\"access\":\"r\"", "\"access\":\"r\",\"a\":1", "devices[1].a is not a known" },
		{ "[{\"path\"", "[[],{\"path\"", "devices[0] must be an object" },
		{ "[\\\"/a:/b\\\"]", "{}", "asked_binds must be a JSON list" },
		{ "[\\\"/a:/b\\\"]", "[", "asked_binds must be a JSON list" },
		{ "[\\\"/a:/b\\\"]", "[],1", "asked_binds must be a JSON list" },
		{ "\"[{}]\"", "[{}]", "asked_mounts must be a text" },
		{ "}\n", "}", "is torn" },
		{ "}\n", "} \n", "not as dockbrokerd writes it" },
		{ "\"none\"", "\"n\\u006fne\"", "not as dockbrokerd writes it" },
		{ "\"uid\":4294967295", "\"uid\": 4294967295", "not as dockbrokerd writes it" },
		{ "\"uid\":4294967295,\"user\":\"service:ci\"",
		  "\"user\":\"service:ci\",\"uid\":4294967295", "not as dockbrokerd writes it" },
		{ "{\"version\"", "[{\"version\"", "not JSON that can be read" },
		{ "gr\xc3\xbcn", "gr\xfcn", "a string is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		expect_bad(&full, all[i].from, all[i].to, all[i].why);
}

static void test_mounts(void **state)
{
	static const struct { const char *from, *to, *why; } all[] = {
		{ "\"kind\":\"bind\"", "\"kind\":\"mount\"", "mounts[0].kind is not a known" },
		{ "\"kind\":\"bind\"", "\"kind\":\"tmpfs\"", "mounts[0].within is not a known" },
		{ "\"target\":\"/src\"", "\"target\":\"/\"", "mounts[0].target must be" },
		{ "\"target\":\"/src\"", "\"target\":\"src\"", "mounts[0].target must be" },
		{ "\"target\":\"/src\"", "\"target\":\"/src/\"", "mounts[0].target must be" },
		{ "\"target\":\"/src\"", "\"target\":\"//src\"", "mounts[0].target must be" },
		{ "\"target\":\"/src\"", "\"target\":\"/./src\"", "mounts[0].target must be" },
		{ "\"target\":\"/data\"", "\"target\":\"/src\"", "mounts[1] has the target" },
		{ "\"/srv/d\"", "\"/srv/../d\"", "mounts[1] has a source that is no clean" },
		{ "\"/srv/d\"", "\"\"", "mounts[1] has a source that is no clean" },
		{ "\"within\":\"/\"", "\"within\":\"\"", "mounts[1].within must be" },
		{ "\"uid\":2002", "\"uid\":0", "nobody in particular" },
		{ "\"uid\":2002", "\"uid\":4294967295", "nobody in particular" },
		{ "\"bob\"", "\"\"", "mounts[1].user must be a name" },
		{ "\"unmapped\":false", "\"unmapped\":true", "is not powerless" },
		{ "\"source\":\"vol\"", "\"source\":\"/vol\"", "no name of a volume" },
		{ "\"target\":\"/t\",\"source\":\"\"", "\"target\":\"/t\",\"source\":\"x\"",
		  "mounts[5] is a tmpfs" },
		{ "\"make\":true,", "", "mounts[0].make is missing" },
		{ "\"make\":true,", "\"make\":true,\"made\":true,", "mounts[0].made is not a known" },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		expect_bad(&full, all[i].from, all[i].to, all[i].why);
}

static void test_odd_lines(void **state)
{
	static const struct { const char *line, *why; } all[] = {
		{ "\n", "not JSON" }, { "{}\n", "no version" }, { "null\n", "no version" },
		{ "[]\n", "no version" }, { "1\n", "no version" },
		{ "{\"version\":1}\n", "container is missing" },
		{ "{\"version\":1,\"container\":\"aa\"}\n", "container must be a full id" },
		{ "{\"version\":1}\n\n", "sum at the end" },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(got_free) struct got g;

		read_line(&g, all[i].line);
		refused(&g, all[i].why, all[i].line);
	}
}

/* ---- bounds ---- */

static void many(size_t n, bool good)
{
	struct guard_mount *all = calloc(n, sizeof(*all));
	char (*names)[32] = calloc(n, sizeof(*names));
	struct guard_record r = full;
	_cleanup_(buf_free) struct buf out = BUF(4 * BOUND_GUARD_RECORD);
	_cleanup_(got_free) struct got g;

	assert_true(all && names);
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "/t%zu", i);
		all[i] = mounts[0];
		all[i].target = slice_from(names[i]);
	}
	r.mounts = all;
	r.nmounts = n;
	assert_true(guard_write(&r, &out));
	read_as(&g, buf_slice(&out), ID);
	assert_int_equal(g.code, good ? GUARD_GOOD : GUARD_BAD);
	free(all);
	free(names);
}

static void test_bounds(void **state)
{
	_cleanup_(buf_free) struct buf out = BUF(4 * BOUND_GUARD_RECORD);
	struct guard_record r = full;
	char *text = malloc(BOUND_GUARD_RECORD);

	(void)state;
	many(BOUND_GUARD_BINDS, true);
	many(BOUND_GUARD_BINDS + 1, false);
	many(BOUND_GUARD_MOUNTS + 1, false);
	assert_non_null(text);
	memset(text, ' ', BOUND_GUARD_RECORD);
	text[0] = '[';
	text[BOUND_GUARD_RECORD / 2 - 1] = ']';
	r.asked_binds = (struct slice){ text, BOUND_GUARD_RECORD / 2 };
	round_trip(&r);
	r.asked_binds.n = BOUND_GUARD_RECORD;
	assert_false(guard_write(&r, &out));
	r.asked_binds.n = BOUND_GUARD_RECORD / 2;
	buf_free(&out);
	out = BUF(BOUND_GUARD_RECORD / 2);
	assert_false(guard_write(&r, &out));
	free(text);
}

static void test_no_memory(void **state)
{
	_cleanup_(buf_free) struct buf out = BUF(BOUND_GUARD_RECORD), err = BUF(1024);
	size_t max = 0;
	int code;

	(void)state;
	assert_true(guard_write(&full, &out));
	do {
		_cleanup_(arena_free) struct arena a;
		struct guard_record r;

		arena_init(&a, max);
		code = guard_read(buf_slice(&out), SLICE(ID), &a, &r, &err);
		max += 64;
		assert_true(code == -ENOMEM || code == GUARD_GOOD);
	} while (code);
	assert_true(max > 1024);
	assert_int_equal(err.len, 0);
}

/* ---- paths ---- */

static void test_within(void **state)
{
	static const struct { const char *path, *within; bool is; } all[] = {
		{ "/a", "/a", true }, { "/a/b", "/a", true }, { "/ab", "/a", false },
		{ "/", "/a", false }, { "/a", "/a/b", false }, { "/", "/", true },
		{ "/a", "/", true }, { "", "/", false }, { "/a", "", false },
		{ "", "", false }, { "a", "/", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		assert_int_equal(guard_within(slice_from(all[i].path),
		    slice_from(all[i].within)), all[i].is);
}

static void test_denied(void **state)
{
	static const struct slice deny[] = { { "", 0 }, { "/var/lib/docker", 15 } };
	static const struct { const char *path; bool is; } all[] = {
		{ "/proc", true }, { "/proc/1", true }, { "/processes", false },
		{ "/sys/fs/cgroup", true }, { "/system", false }, { "/dev/sda", true },
		{ "/devel", false }, { "/run/docker.sock", true }, { "/run", true },
		{ "/var/run", true }, { "/var/run/x", true }, { "/var/runner", false },
		{ "/", false }, { "/var", false }, { "/var/lib", false },
		{ "/var/lib/docker", true }, { "/var/lib/docker/volumes", true },
		{ "/var/lib/docker2", false }, { "/home/alice", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++)
		assert_int_equal(guard_denied(slice_from(all[i].path), deny, 2),
		    all[i].is);
	assert_false(guard_denied(SLICE("/var/lib/docker"), NULL, 0));
}

static void test_path(void **state)
{
	_cleanup_(buf_free) struct buf out = BUF(200), small = BUF(20);

	(void)state;
	assert_true(guard_path("/s", SLICE(ID), &out));
	assert_string_equal(buf_text(&out), "/s/containers/" ID);
	assert_false(guard_path("/s", SLICE("../x"), &out));
	assert_false(guard_path("/s", SLICE(""), &out));
	assert_false(guard_path("/s", SLICE(ID), &small));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_fixed_point),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_edited),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
