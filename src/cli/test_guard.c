/*
 * `dockbroker check guard': what is said of hosts in all states (the words are
 * tests/guard/NAME.golden; GOLDEN_WRITE=1 writes them anew), and what is seen of
 * a host whose files a test has made.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "cli/cli.h"
#include "cli/guard.h"

#define OCI	"/usr/libexec/dockbroker/dockbroker-oci"

static struct config conf;

/* ---- what is said ---- */

static struct program program_of(const char *path)
{
	struct program p = { .there = SEEN, .safe = true, .runs = true, .same = true };

	snprintf(p.path, sizeof(p.path), "%s", path);
	return p;
}

/* A host where all is well. */
static struct guard_facts well(void)
{
	struct guard_facts f = { .conf = &conf, .name = "dockbroker", .broker = true, .engine = true,
		.registered = true, .default_runtime = "dockbroker-default",
		.daemon = SEEN, .listed = true, .daemon_default = "dockbroker-default",
		.default_path = OCI "-default", .program = program_of(OCI),
		.as_default = program_of(OCI "-default"),
		.as_build = program_of(OCI "-build"),
		.tool = program_of("/usr/libexec/dockbroker/guard"),
		.runc = program_of("/usr/sbin/runc"), .buildkit = OCI "-build",
		.bind_dir = SEEN, .bind_root = true, .bind_empty = true,
		.bind_fixed = true, .uid = 2001, .user = "alice",
		.sub_uid = 100000, .sub_gid = 100000, .sub_free = 165536,
		.kernel_major = 6, .kernel_minor = 12, .api = 42 };

	config_defaults(&conf);
	return f;
}

static void source_path(char path[512], const char *name)
{
	const char *top = getenv("top_srcdir");

	snprintf(path, 512, "%s/tests/guard/%s.golden", top ? top : ".", name);
}

static void golden(const char *name, struct buf *got)
{
	_cleanup_(buf_free) struct buf want = BUF(65536);
	char path[512];
	FILE *f;

	source_path(path, name);
	if (getenv("GOLDEN_WRITE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		fwrite(got->p, 1, got->len, f);
		fclose(f);
	}
	f = fopen(path, "re");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	buf_grew(&want, fread(buf_room(&want, 60000), 1, 60000, f));
	fclose(f);
	if (!slice_equal(buf_slice(&want), buf_slice(got)))
		fail_msg("%s is not as it was:\n%s", path, buf_text(got));
}

static void says(const char *name, const struct guard_facts *f, bool bad)
{
	_cleanup_(buf_free) struct buf out = BUF(65536);
	struct findings found;

	guard_say(f, &found);
	assert_true(found.n < FINDINGS);
	assert_int_equal(found.bad, bad);
	findings_print(&found, false, &out);
	golden(name, &out);
	arena_free(&found.arena);
}

/* Everything is there; then one thing after the other is not. */
static void test_well(void **state _unused_)
{
	struct guard_facts f = well();

	says("well", &f, false);
	f.uid = 0;
	f.userns = true;
	f.kernel_minor = 2;
	f.bind_unread = true;
	f.bind_empty = false;
	f.buildkit[0] = '\0';
	strcpy(f.buildkit_path, "/usr/libexec/dockbroker/path");
	says("well-root", &f, false);
	/* advice is no fault */
	f = well();
	f.sub_uid = f.sub_gid = 0;
	f.buildkit[0] = '\0';
	says("advice", &f, false);
	f = well();
	f.api = 41;			/* does not know the variable */
	says("advice-old", &f, false);
	f = well();
	f.sub_uid = 0;
	strcpy(f.buildkit, "/usr/bin/crun");
	says("advice-half", &f, false);
}

static void test_missing(void **state _unused_)
{
	struct guard_facts f = well();

	f.registered = f.listed = false;
	f.default_runtime[0] = f.daemon_default[0] = f.default_path[0] = '\0';
	f.as_default.same = f.as_build.same = false;
	f.tool.there = SEEN_NOT;
	f.program.there = f.as_default.there = f.as_build.there = SEEN_NOT;
	f.bind_dir = SEEN_NOT;
	f.runc = (struct program){ .there = SEEN_NOT };
	f.kernel_major = 5;
	f.kernel_minor = 11;
	says("missing", &f, true);
}

static void test_wrong(void **state _unused_)
{
	struct guard_facts f = well();

	f.registered = false;		/* in daemon.json, but not reloaded */
	f.program.safe = false;
	f.as_build.same = f.as_build.safe = false;
	f.bind_fixed = false;
	f.runc.runs = false;
	strcpy(f.default_runtime, "dockbroker");
	says("wrong", &f, true);
	f = well();
	f.bind_empty = false;
	strcpy(f.default_path, OCI);
	f.podman = true;
	f.program.runs = f.as_default.same = false;
	says("wrong-more", &f, true);
	f = well();
	f.bind_root = false;
	f.rootless = true;
	says("rootless", &f, true);
	f = well();
	f.none = true;
	says("none", &f, true);
}

/* The broker does not answer, or files are not for the caller's eyes. */
static void test_unknown(void **state _unused_)
{
	struct guard_facts f = well();

	f.broker = f.engine = false;
	says("alone", &f, false);
	f.broker = true;
	f.daemon_bad = true;
	f.listed = false;
	f.daemon_default[0] = '\0';
	says("alone-bad", &f, true);
	f = well();
	f.broker = f.engine = f.listed = false;
	f.daemon = f.bind_dir = f.program.there = SEEN_CLOSED;
	says("closed", &f, false);
}

/* Each of these alone is a fault, and its neighbour is none. */
static void test_each(void **state _unused_)
{
	static const size_t flags[] = {
		offsetof(struct guard_facts, registered),
		offsetof(struct guard_facts, program.safe),
		offsetof(struct guard_facts, program.runs),
		offsetof(struct guard_facts, runc.runs),
		offsetof(struct guard_facts, bind_root),
		offsetof(struct guard_facts, bind_empty),
		offsetof(struct guard_facts, bind_fixed),
	};
	struct findings found;

	for (size_t i = 0; i < countof(flags); i++) {
		struct guard_facts f = well();

		*(bool *)((char *)&f + flags[i]) = false;
		guard_say(&f, &found);
		assert_true(found.bad);
		arena_free(&found.arena);
	}
	for (unsigned minor = 11; minor <= 12; minor++) {
		struct guard_facts f = well();

		f.kernel_major = 5;
		f.kernel_minor = minor;
		guard_say(&f, &found);
		assert_int_equal(found.bad, minor == 11);
		arena_free(&found.arena);
	}
}

/* Another name has to be there; that it is a wrapper is only noted. */
static void test_names(void **state _unused_)
{
	struct guard_facts f = well();
	struct findings found;

	f.as_default.same = false;
	guard_say(&f, &found);
	assert_false(found.bad);
	arena_free(&found.arena);
	f.as_build.same = false;
	f.as_build.there = SEEN_NOT;
	guard_say(&f, &found);
	assert_true(found.bad);
	arena_free(&found.arena);
}

static void test_json(void **state _unused_)
{
	_cleanup_(buf_free) struct buf out = BUF(65536);
	struct guard_facts f = well();
	struct findings found;
	json_t *o;

	f.bind_fixed = false;
	guard_say(&f, &found);
	findings_json(&found, &out);
	golden("json", &out);
	o = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_false(json_object_get(o, "good")));
	assert_int_equal(json_array_size(json_object_get(o, "checks")), found.n);
	json_decref(o);
	arena_free(&found.arena);
}

/* ---- what is seen ---- */

static char root[] = "/tmp/test_guard.XXXXXX";

static void put(const char *path, const char *text, mode_t mode)
{
	char name[512];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *p = name + sizeof(root); (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(name, 0755) < 0)
			assert_int_equal(errno, EEXIST);
	}
	f = fopen(name, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(name, mode), 0);
}

static int setup(void **state _unused_)
{
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state _unused_)
{
	char command[64];
	pid_t pid = fork();

	snprintf(command, sizeof(command), "%s", root);
	if (pid == 0)
		execlp("rm", "rm", "-rf", command, (char *)NULL);
	return pid < 0;
}

static void test_look_empty(void **state _unused_)
{
	struct guard_facts f;

	config_defaults(&conf);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_false(f.broker || f.engine || f.listed || f.remap || f.daemon_bad);
	assert_int_equal(f.daemon, SEEN_NOT);
	assert_int_equal(f.program.there, SEEN_NOT);
	assert_string_equal(f.program.path, OCI);
	assert_string_equal(f.as_build.path, OCI "-build");
	assert_string_equal(f.runc.path, "");
	assert_string_equal(f.buildkit, "");
	assert_int_equal(f.bind_dir, SEEN_NOT);
	assert_int_equal(f.uid, getuid());
	assert_true(f.kernel_major >= 4);
	assert_int_equal(f.sub_uid, 0);
	assert_int_equal(f.sub_free, 100000);
}

static void test_look(void **state _unused_)
{
	char a[600], b[600];
	struct guard_facts f;

	put("/etc/docker/daemon.json", "{\"runtimes\":{\"dockbroker\":{\"path\":\"" OCI
	    "\"},\"dockbroker-default\":{\"path\":\"" OCI "-default\"}},"
	    "\"default-runtime\":\"dockbroker-default\",\"userns-remap\":\"default\"}", 0644);
	put(OCI, "", 0755);
	put("/usr/sbin/runc", "", 0755);
	put("/usr/local/bin/runc", "", 0644);	/* not executable */
	put("/var/lib/dockbroker/mnt/x", "", 0644);
	snprintf(a, sizeof(a), "%s" OCI "-default", root);
	assert_int_equal(symlink("dockbroker-oci", a), 0);
	put(OCI "-build", "", 0755);		/* another program */
	config_defaults(&conf);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_true(f.listed && f.remap && !f.engine);
	assert_string_equal(f.daemon_default, "dockbroker-default");
	assert_string_equal(f.default_path, OCI "-default");
	assert_true(f.program.runs && f.program.safe);
	assert_true(f.as_default.same);
	assert_false(f.as_build.same);
	assert_string_equal(f.runc.path, "/usr/sbin/runc");
	assert_int_equal(f.bind_dir, SEEN);
	assert_false(f.bind_empty || f.bind_fixed || f.bind_unread);
	snprintf(b, sizeof(b), "%s/var/lib/dockbroker/mnt/x", root);
	assert_int_equal(unlink(b), 0);
	snprintf(b, sizeof(b), "%s" OCI, root);
	assert_int_equal(chmod(b, 0775), 0);
	strcpy(conf.runc, "/opt/runc");
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_true(f.bind_empty);
	assert_false(f.program.safe);
	assert_string_equal(f.runc.path, "/opt/runc");
	assert_int_equal(f.runc.there, SEEN_NOT);
}

static void test_look_daemon(void **state _unused_)
{
	struct guard_facts f;

	config_defaults(&conf);
	put("/etc/docker/daemon.json", "{\"runtimes\":", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_true(f.daemon_bad && !f.listed);
	put("/etc/docker/daemon.json", "\n", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_false(f.daemon_bad || f.listed);
	put("/etc/docker/daemon.json", "{\"runtimes\":{\"dockbroker\":"
	    "{\"path\":\"/opt/\\u001b[31m\"}}}", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_string_equal(f.program.path, "/opt/?[31m");
	put("/etc/docker/daemon.json", "{\"runtimes\":[1],\"default-runtime\":7}", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_false(f.daemon_bad || f.listed);
}

static void test_look_status(void **state _unused_)
{
	struct guard_facts f;

	config_defaults(&conf);
	guard_look(&f, &conf, root, SLICE("{\"guard\":\"good\",\"engine_api\":\"1.41\",\"guard_path\":\"/o/dockbroker-oci\","
	    "\"default_runtime\":\"runc\",\"userns_remap\":true,\"rootless\":false}"));
	assert_true(f.broker && f.engine && f.registered && f.userns);
	assert_false(f.rootless || f.podman);
	assert_int_equal(f.api, 41);
	assert_string_equal(f.program.path, "/o/dockbroker-oci");
	assert_string_equal(f.default_runtime, "runc");
	guard_look(&f, &conf, root, SLICE("{\"guard\":\"missing\",\"guard_path\":\"\"}"));
	assert_true(f.broker && f.engine && !f.registered);
	guard_look(&f, &conf, root, SLICE("{\"guard\":\"unknown\"}"));
	assert_true(f.broker && !f.engine);
	assert_string_equal(f.name, "dockbroker");
	strcpy(conf.guard_runtime, "none");
	guard_look(&f, &conf, root, SLICE("{\"guard\":\"none\"}"));
	assert_true(f.none && f.broker && !f.engine);
	assert_string_equal(f.name, "dockbroker");
	guard_look(&f, &conf, root, SLICE("nothing of the kind"));
	assert_false(f.broker || f.engine);
}

static void test_look_units(void **state _unused_)
{
	static const char unit[] = "/lib/systemd/system/docker.service";
	static const char more[] = "/etc/systemd/system/docker.service.d/50-x.conf";
	struct guard_facts f;

	config_defaults(&conf);
	put("/etc/docker/daemon.json", "{}", 0644);
	put(unit, "[Service]\n#Environment=DOCKER_BUILDKIT_RUNC_COMMAND=/no\n"
	    "Environment=X_PATH=/a \"DOCKER_BUILDKIT_RUNC_COMMAND=/one\" B=c\n", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_string_equal(f.buildkit, "/one");
	assert_string_equal(f.buildkit_path, "");
	put(more, "[Service]\n  Environment=DOCKER_BUILDKIT_RUNC_COMMAND=/two", 0644);
	put("/etc/systemd/system/docker.service.d/60-x", "[Service]\n"
	    "Environment=DOCKER_BUILDKIT_RUNC_COMMAND=/three\n", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_string_equal(f.buildkit, "/two");
	/* first in the PATH, and there is a runc of ours */
	put(more, "[Service]\nEnvironment=PATH=/usr/libexec/dockbroker/path:/usr/bin\n", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_string_equal(f.buildkit_path, "");
	put("/usr/libexec/dockbroker/path/runc", "", 0755);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_string_equal(f.buildkit_path, "/usr/libexec/dockbroker/path");
	put(more, "[Service]\nEnvironment=PATH=/usr/bin:/usr/libexec/dockbroker/path\n", 0644);
	guard_look(&f, &conf, root, SLICE_NONE);
	assert_string_equal(f.buildkit_path, "");
}

static void test_subids(void **state _unused_)
{
	static const struct sub_case {
		const char *text;
		uint32_t first;
		uint64_t end;
	} cases[] = {
		{ "", 0, 0 },
		{ "alice:100000:65536\n", 100000, 165536 },
		{ "alice:100000:65536", 100000, 165536 },
		{ "2001:100000:65536\n", 100000, 165536 },
		{ "2002:100000:65536\n", 0, 165536 },
		{ "alice2:100000:65536\n", 0, 165536 },
		{ "alice:100000:65535\n", 0, 165535 },
		{ "alice:65535:65536\n", 0, 131071 },
		{ "alice:65536:65536\n", 65536, 131072 },
		{ "alice:100000:1\nalice:200000:65536\nbob:300000:65536\n", 200000, 365536 },
		{ "alice:200000:65536\nalice:300000:65536\n", 200000, 365536 },
		{ "alice:x:65536\nalice:1:y\n:::\nalice\n", 0, 0 },
		{ "alice:4294967295:65536\n", 0, 4295032831 },
		{ "# alice:100000:65536\n", 0, 165536 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		uint64_t end = 0;

		assert_int_equal(guard_sub(slice_from(cases[i].text), "alice", 2001,
		    &end), cases[i].first);
		assert_int_equal(end, cases[i].end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_look_empty),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_look_daemon),
		cmocka_unit_test(test_look_status),
		cmocka_unit_test(test_look_units),
		cmocka_unit_test(test_subids),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
