/*
 * test_body_guard.c: what the record says of a create.  Each is completed as the
 * broker does it, written and read.
 */
#include <errno.h>

#include "docker/test_sent.h"

/* As the broker completes it; out is the file. */
static void complete(struct sent *s, struct guard_record *r, struct buf *out)
{
	struct guard_mount *all = arena_alloc(&s->arena, r->nmounts * sizeof(*all));

	assert_non_null(all);
	for (size_t i = 0; i < r->nmounts; i++) {
		all[i] = r->mounts[i];
		if (all[i].kind != GUARD_BIND)
			continue;
		all[i].within = SLICE("/");
		all[i].uid = 2001;
		all[i].user = SLICE("alice");
	}
	r->mounts = all;
	r->container = SLICE(ID64);
	r->uid = 2001;
	r->user = SLICE("alice");
	r->engine_root = SLICE("/var/lib/docker");
	r->bind_dir = SLICE("/bd");
	assert_true(guard_write(r, out));
}

static const struct guard_record *record_of(struct sent *s, const char *in,
    const struct body_edits *e)
{
	_cleanup_(buf_free) struct buf file = BUF(BOUND_GUARD_RECORD), err = BUF(1024);
	struct guard_record made, *r = &s->record;

	sent_read(s, CREATE, slice_from(in));
	if (s->outcome != DOCKER_GOOD)
		fail_msg("%s: %s", in, buf_text(&s->why.message));
	for (size_t i = 0; i < s->facts.nrefs; i++) {
		if (s->facts.refs[i].kind != OBJECT_VOLUME)
			s->facts.refs[i].id = SLICE(ID64);
	}
	s->outcome = body_guard(&s->facts, e, &made, &s->why);
	if (s->outcome != DOCKER_GOOD)
		return r;
	complete(s, &made, &file);
	if (guard_read(buf_slice(&file), SLICE(ID64), &s->arena, r, &err) != GUARD_GOOD)
		fail_msg("%s: %s", in, buf_text(&err));
	return r;
}

static void test_record_plain(void **state)
{
	_cleanup_(sent_free) struct sent s;
	const struct guard_record *r = record_of(&s, "{\"Image\":\"a\"}", NULL);

	(void)state;
	assert_int_equal(r->as_user.n, 0);
	assert_true(!r->ngroups && !r->nmounts && !r->ndevices && !r->nsysctls && !r->nsecurity);
	assert_true(!r->privileged && !r->powerless && !r->no_new_privs && !r->read_only);
	assert_true(!r->unmasked && !r->oom_negative && !r->gpus);
	assert_true(r->cap_add == 0 && r->cap_drop == 0);
	assert_true(r->init);		/* the daemon's default is not known */
	assert_int_equal(r->seccomp, GUARD_SECCOMP_DEFAULT);
	assert_true(!r->spaces.network.n && !r->spaces.pid.n && !r->spaces.ipc.n &&
	    !r->spaces.uts.n && !r->spaces.cgroup.n && !r->spaces.user.n);
	assert_true(!r->asked_binds.n && !r->asked_mounts.n);
}

/* No body: nothing is asked for. */
static void test_record_empty(void **state)
{
	static const struct body_edits e = { .bind_dir = { "/bd", 3 } };
	_cleanup_(sent_free) struct sent s, t;

	(void)state;
	assert_int_equal(record_of(&s, "", NULL)->nmounts, 0);
	assert_int_equal(record_of(&t, "null", &e)->nmounts, 0);
}

#define CAP(n)	((uint64_t)1 << (n))

static void test_record_rights(void **state)
{
	_cleanup_(sent_free) struct sent s;
	const struct guard_record *r = record_of(&s, "{\"User\":\"1000:users\",\"HostConfig\":{"
	    "\"CapAdd\":[\"cap_net_admin\",\"Sys_Ptrace\",\"CAP_CHECKPOINT_RESTORE\",\"BOGUS\"],"
	    "\"CapDrop\":[\"chown\",\"CAP_KILL\"],\"GroupAdd\":[\"audio\",\"2500\"],"
	    "\"OomScoreAdj\":-5,\"Privileged\":true,\"ReadonlyRootfs\":true,"
	    "\"SecurityOpt\":[\"no-new-privileges\",\"seccomp=unconfined\",\"apparmor:mine\","
	    "\"label=type:x\"],\"Sysctls\":{\"net.a\":\"1\",\"net.b\":\"2\"},"
	    "\"Devices\":[{\"PathOnHost\":\"/dev//fuse\",\"PathInContainer\":\"/x\","
	    "\"CgroupPermissions\":\"rw\"},{\"PathOnHost\":\"/dev/kvm\"}],"
	    "\"MaskedPaths\":[],\"Init\":false}}", &(struct body_edits){ .confine = true });

	(void)state;
	assert_true(slice_is(r->as_user, "1000:users"));
	assert_true(r->cap_add == (CAP(12) | CAP(19) | CAP(40)));
	assert_true(r->cap_drop == (CAP(0) | CAP(5) | CAP(27)));
	assert_true(r->ngroups == 2 && slice_is(r->groups[0], "audio") &&
	    slice_is(r->groups[1], "2500"));
	assert_true(r->oom_negative && r->privileged && r->read_only && r->no_new_privs);
	assert_int_equal(r->seccomp, GUARD_SECCOMP_NONE);
	assert_true(r->nsecurity == 2 && slice_is(r->security[0], "apparmor=mine") &&
	    slice_is(r->security[1], "label=type:x"));
	assert_true(r->nsysctls == 2 && slice_is(r->sysctls[1], "net.b"));
	assert_true(r->ndevices == 2 && slice_is(r->devices[0].path, "/dev/fuse") &&
	    slice_is(r->devices[0].access, "rw") && slice_is(r->devices[1].access, "rwm"));
	assert_true(r->unmasked && !r->init);
}

static void test_record_caps(void **state)
{
	static const struct { const char *in; uint64_t add, drop; } all[] = {
		{ HOST("\"CapAdd\":[\"ALL\"]"), UINT64_MAX, 0 },
		{ HOST("\"CapAdd\":\"all\",\"CapDrop\":\"CAP_ALL\""), UINT64_MAX, UINT64_MAX },
		{ HOST("\"CapDrop\":[\"MKNOD\"]"), 0, CAP(27) },
		{ HOST("\"CapDrop\":[\"CAP_\",\"CAP\",\"0\",\"CAP_CAP_KILL\"]"), 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(sent_free) struct sent s;
		const struct guard_record *r = record_of(&s, all[i].in, NULL);

		assert_true(r->cap_add == all[i].add);
		assert_true(r->cap_drop == all[i].drop);
	}
}

static void test_record_security(void **state)
{
	static const struct { const char *in; enum guard_seccomp seccomp; bool nnp, unmasked; } all[] = {
		{ "\"seccomp=builtin\"", GUARD_SECCOMP_DEFAULT, false, false },
		{ "\"seccomp:unconfined\"", GUARD_SECCOMP_NONE, false, false },
		{ "\"seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ALLOW\\\"}\"", GUARD_SECCOMP_CUSTOM, false, false },
		{ "\"seccomp=unconfined\",\"seccomp={}\"", GUARD_SECCOMP_CUSTOM, false, false },
		{ "\"seccomp={}\",\"seccomp=unconfined\"", GUARD_SECCOMP_NONE, false, false },
		{ "\"no-new-privileges:true\"", GUARD_SECCOMP_DEFAULT, true, false },
		{ "\"no-new-privileges=true\",\"no-new-privileges=false\"", GUARD_SECCOMP_DEFAULT, false, false },
		{ "\"no-new-privileges:false\",\"no-new-privileges\"", GUARD_SECCOMP_DEFAULT, true, false },
		{ "\"systempaths=unconfined\"", GUARD_SECCOMP_DEFAULT, false, true },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(buf_free) struct buf in = BUF(1024);
		_cleanup_(sent_free) struct sent s;
		const struct guard_record *r;

		buf_addf(&in, "{\"HostConfig\":{\"SecurityOpt\":[%s]}}", all[i].in);
		r = record_of(&s, buf_text(&in), NULL);
		assert_int_equal(r->seccomp, all[i].seccomp);
		assert_int_equal(r->no_new_privs, all[i].nnp);
		assert_int_equal(r->unmasked, all[i].unmasked);
		assert_int_equal(r->nsecurity, 0);
	}
}

static void test_record_spaces(void **state)
{
	_cleanup_(sent_free) struct sent s, t, u;
	const struct guard_record *r = record_of(&s, HOST("\"NetworkMode\":\"host\","
	    "\"CgroupnsMode\":\"host\",\"IpcMode\":\"host\",\"PidMode\":\"host\","
	    "\"UTSMode\":\"host\",\"UsernsMode\":\"host\""), NULL);

	(void)state;
	assert_true(slice_is(r->spaces.network, "host") && slice_is(r->spaces.ipc, "host"));
	assert_true(slice_is(r->spaces.pid, "host") && slice_is(r->spaces.uts, "host"));
	assert_true(slice_is(r->spaces.cgroup, "host") && slice_is(r->spaces.user, "host"));
	r = record_of(&t, HOST("\"NetworkMode\":\"container:a\",\"IpcMode\":\"container:/b\","
	    "\"PidMode\":\"container:c\""), NULL);
	assert_true(slice_is(r->spaces.network, "container:" ID64));
	assert_true(slice_is(r->spaces.ipc, "container:" ID64));
	assert_true(slice_is(r->spaces.pid, "container:" ID64));
	r = record_of(&u, HOST("\"NetworkMode\":\"none\",\"IpcMode\":\"none\","
	    "\"CgroupnsMode\":\"private\""), NULL);
	assert_true(slice_is(r->spaces.network, "none") && slice_is(r->spaces.ipc, "none"));
	assert_true(!r->spaces.cgroup.n && !r->spaces.pid.n);
}

static void test_record_spaces_own(void **state)
{
	static const char *const all[] = {
		HOST("\"NetworkMode\":\"bridge\",\"IpcMode\":\"private\""),
		HOST("\"NetworkMode\":\"default\",\"IpcMode\":\"shareable\""),
		HOST("\"NetworkMode\":\"mine\""), HOST("\"NetworkMode\":\"\""),
		"{\"NetworkDisabled\":true}"
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(sent_free) struct sent s;
		const struct guard_record *r = record_of(&s, all[i], NULL);

		assert_true(!r->spaces.network.n && !r->spaces.ipc.n);
	}
}

static void test_record_gpus(void **state)
{
	static const struct { const char *in; bool is; } all[] = {
		{ HOST("\"DeviceRequests\":[{\"Count\":1,\"Capabilities\":[[\"gpu\"]]}]"), true },
		{ HOST("\"DeviceRequests\":[{\"Driver\":\"cdi\",\"DeviceIDs\":[\"v.com/c=d\"]}]"), true },
		{ HOST("\"DeviceRequests\":[]"), false },
		{ "{\"Env\":[\"NVIDIA_VISIBLE_DEVICES=all\"]}", true },
		{ "{\"Env\":[\"NVIDIA_VISIBLE_DEVICES=0,1\"]}", true },
		{ "{\"Env\":[\"NVIDIA_VISIBLE_DEVICES=void\"]}", false },
		{ "{\"Env\":[\"NVIDIA_VISIBLE_DEVICES=\",\"A=b\"]}", false },
	};
	_cleanup_(sent_free) struct sent t;
	struct guard_record r;

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(sent_free) struct sent s;

		assert_int_equal(record_of(&s, all[i].in, NULL)->gpus, all[i].is);
	}
	/* what the broker says of the image */
	sent_read(&t, CREATE, SLICE("{}"));
	facts_reach(&t.facts, "gpu", SLICE("Image"), SLICE("count=-1"), SLICE(""));
	assert_int_equal(body_guard(&t.facts, NULL, &r, &t.why), DOCKER_GOOD);
	assert_true(r.gpus);
}

static void is_mount(const struct guard_record *r, const char *target,
    enum guard_mount_kind kind, const char *source, const char *how)
{
	for (size_t i = 0; i < r->nmounts; i++) {
		const struct guard_mount *m = &r->mounts[i];

		if (!slice_is(m->target, target))
			continue;
		assert_int_equal(m->kind, kind);
		if (!slice_is(m->source, source))
			fail_msg("%s: %.*s", target, SLICE_ARG(m->source));
		assert_int_equal(m->read_only, strchr(how, 'r') != NULL);
		assert_int_equal(m->make, strchr(how, 'm') != NULL);
		return;
	}
	fail_msg("%s is not there", target);
}

static void test_record_mounts(void **state)
{
	static const struct slice image[] = { { "/img/", 5 }, { "/b1", 3 }, { "/img", 4 },
		{ "rel", 3 } };
	static const struct body_edits e = { .own_volumes = true, .bind_dir = { "/bd", 3 },
	    .image_volumes = image, .nimage_volumes = 4 };
	_cleanup_(sent_free) struct sent s;
	const struct guard_record *r = record_of(&s, "{\"Volumes\":{\"/w\":{},\"/b2\":{}},\"HostConfig\":{"
	    "\"Binds\":[\"/a/./x/:/b1\",\"/a:/b2/:ro\",\"vol:/v1\",\"vol2:/v2:ro,nocopy\",\"/anon\"],"
	    "\"Tmpfs\":{\"/t1\":\"size=1m\",\"/t2\":\"ro\"},\"Mounts\":["
	    "{\"Type\":\"bind\",\"Source\":\"/c\",\"Target\":\"/m1\"},"
	    "{\"Type\":\"bind\",\"Source\":\"/\",\"Target\":\"/m2\",\"ReadOnly\":true,"
	    "\"BindOptions\":{\"CreateMountpoint\":true}},"
	    "{\"Type\":\"bind\",\"Source\":\"/d\",\"Target\":\"/m3\",\"ReadOnly\":true,"
	    "\"BindOptions\":{\"ReadOnlyNonRecursive\":true}},"
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/m4\",\"ReadOnly\":true},"
	    "{\"Type\":\"volume\",\"Target\":\"/m5\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\"}}},"
	    "{\"Type\":\"volume\",\"Source\":\"n\",\"Target\":\"/m6\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"nfs\"}}},"
	    "{\"Type\":\"tmpfs\",\"Target\":\"/m7\"},"
	    "{\"Type\":\"image\",\"Source\":\"alpine\",\"Target\":\"/m8\"}]}}", &e);

	(void)state;
	assert_int_equal(r->nmounts, 17);
	is_mount(r, "/b1", GUARD_BIND, "/a/x", "m");
	is_mount(r, "/b2", GUARD_BIND, "/a", "rm");
	is_mount(r, "/v1", GUARD_VOLUME, "vol", "");
	is_mount(r, "/v2", GUARD_VOLUME, "vol2", "r");
	is_mount(r, "/anon", GUARD_VOLUME, "", "");
	is_mount(r, "/w", GUARD_VOLUME, "", "");
	is_mount(r, "/img", GUARD_VOLUME, "", "");
	is_mount(r, "/t1", GUARD_TMPFS, "", "");
	is_mount(r, "/t2", GUARD_TMPFS, "", "r");
	is_mount(r, "/m1", GUARD_BIND, "/c", "");
	is_mount(r, "/m2", GUARD_BIND, "/", "rm");
	is_mount(r, "/m3", GUARD_BIND, "/d", "r");
	is_mount(r, "/m4", GUARD_VOLUME, "v", "r");
	is_mount(r, "/m5", GUARD_VOLUME, "", "");
	is_mount(r, "/m6", GUARD_DRIVEN, "n", "");
	is_mount(r, "/m7", GUARD_TMPFS, "", "");
	is_mount(r, "/m8", GUARD_IMAGE, ID64, "");
	assert_true(slice_is(r->asked_binds, "[\"/a/./x/:/b1\",\"/a:/b2/:ro\",\"vol:/v1\","
	    "\"vol2:/v2:ro,nocopy\",\"/anon\"]"));
	assert_true(slice_starts(r->asked_mounts, SLICE("[{\"Type\":\"bind\",\"Source\":\"/c\",")));
	assert_int_equal(r->asked_mounts.p[r->asked_mounts.n - 1], ']');
}

/* Drivers of HostConfig are those of Binds, Volumes and the image's, not of Mounts. */
static void test_record_driven(void **state)
{
	static const struct slice image[] = { { "/img", 4 } };
	static const struct body_edits e = { .image_volumes = image, .nimage_volumes = 1 };
	_cleanup_(sent_free) struct sent s;
	const struct guard_record *r = record_of(&s, "{\"Volumes\":{\"/w\":{}},\"HostConfig\":{"
	    "\"Binds\":[\"v:/v\",\"/a:/a\"],\"VolumeDriver\":\"nfs\",\"Mounts\":["
	    "{\"Type\":\"volume\",\"Target\":\"/m\"}]}}", &e);

	(void)state;
	is_mount(r, "/v", GUARD_DRIVEN, "v", "");
	is_mount(r, "/w", GUARD_DRIVEN, "", "");
	is_mount(r, "/img", GUARD_DRIVEN, "", "");
	is_mount(r, "/m", GUARD_VOLUME, "", "");
	is_mount(r, "/a", GUARD_BIND, "/a", "m");
}

static void test_asked(void **state)
{
	static const struct { const char *in, *binds, *mounts; } all[] = {
		{ HOST("\"Binds\":null,\"Mounts\":null"), "", "" },
		{ HOST("\"Binds\":[],\"Mounts\":[]"), "[]", "[]" },
		{ HOST("\"Binds\":[\"/a:/b\\u0041:ro\"]"), "[\"/a:/bA:ro\"]", "" },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(sent_free) struct sent s;
		const struct guard_record *r = record_of(&s, all[i].in, NULL);

		assert_true(slice_is(r->asked_binds, all[i].binds));
		assert_true(slice_is(r->asked_mounts, all[i].mounts));
	}
}

/* What VolumesFrom brings is not hidden by what only has to be there. */
static void test_covers(void **state)
{
	_cleanup_(sent_free) struct sent s, t;

	(void)state;
	record_of(&s, "{\"Volumes\":{\"/w\":{}},\"HostConfig\":{\"Binds\":[\"v:/v/\"],"
	    "\"Tmpfs\":{\"/t\":\"\"},\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/m\"}]}}", NULL);
	assert_true(body_covers(&s.facts, SLICE("/v")));
	assert_true(body_covers(&s.facts, SLICE("/t")));
	assert_true(body_covers(&s.facts, SLICE("/m")));
	assert_false(body_covers(&s.facts, SLICE("/w")));
	assert_false(body_covers(&s.facts, SLICE("/")));
	sent_read(&t, CREATE, SLICE(""));
	assert_false(body_covers(&t.facts, SLICE("/v")));
}

static void test_record_powerless(void **state)
{
	static const struct body_edits e = { .powerless = true, .user = { "2001:2001", 9 } };
	static const char *const bad[] = {
		HOST("\"GroupAdd\":[\"0\"]"), HOST("\"CapAdd\":[\"KILL\"]"),
		HOST("\"Privileged\":true")
	};
	_cleanup_(sent_free) struct sent s;
	const struct guard_record *r = record_of(&s, "{\"HostConfig\":{\"CapDrop\":[\"KILL\"]}}", &e);

	(void)state;
	assert_true(r->powerless && r->no_new_privs && r->cap_drop == UINT64_MAX);
	assert_true(slice_is(r->as_user, "2001:2001"));
	for (size_t i = 0; i < countof(bad); i++) {
		_cleanup_(sent_free) struct sent t;

		record_of(&t, bad[i], &e);
		assert_int_equal(t.outcome, DOCKER_BAD);
		assert_int_equal(t.why.status, 403);
		assert_non_null(strstr(buf_text(&t.why.message), "unmapped"));
	}
}

static void many_binds(size_t n, int outcome)
{
	_cleanup_(buf_free) struct buf in = BUF(64 * 1024);
	_cleanup_(sent_free) struct sent s;

	buf_addz(&in, "{\"HostConfig\":{\"Binds\":[\"v:/v\"");
	for (size_t i = 0; i < n; i++)
		buf_addf(&in, ",\"/a:/t%zu\"", i);
	buf_addz(&in, "]}}");
	record_of(&s, buf_text(&in), NULL);
	assert_int_equal(s.outcome, outcome);
}

static void test_bounds(void **state)
{
	_cleanup_(buf_free) struct buf in = BUF(64 * 1024);
	_cleanup_(sent_free) struct sent s;

	(void)state;
	many_binds(BOUND_GUARD_BINDS, DOCKER_GOOD);
	many_binds(BOUND_GUARD_BINDS + 1, DOCKER_BAD);
	buf_addz(&in, "{\"HostConfig\":{\"GroupAdd\":[\"0\"");
	for (size_t i = 0; i < BOUND_GUARD_LIST; i++)
		buf_addf(&in, ",\"%zu\"", i);
	buf_addz(&in, "]}}");
	record_of(&s, buf_text(&in), NULL);
	assert_int_equal(s.outcome, DOCKER_BAD);
	assert_int_equal(s.why.status, 400);
}

/* What could not be written into a record is refused before. */
static void test_odd(void **state)
{
	static const char *const all[] = {
		HOST("\"GroupAdd\":[\"\"]"), HOST("\"Sysctls\":{\"\":\"1\"}"),
		HOST("\"SecurityOpt\":[\"\"]"), HOST("\"SecurityOpt\":[\"label=a\\nb\"]"),
		HOST("\"Devices\":[{}]"),
		HOST("\"Devices\":[{\"PathOnHost\":\"/dev/x\",\"CgroupPermissions\":\"x\"}]"),
		HOST("\"Devices\":[{\"PathOnHost\":\"/dev/x\",\"CgroupPermissions\":\"rr\"}]"),
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(sent_free) struct sent s;

		sent_read(&s, CREATE, slice_from(all[i]));
		if (s.outcome != DOCKER_BAD || s.why.status != 400)
			fail_msg("%s is not refused", all[i]);
	}
}

static void test_no_memory(void **state)
{
	static const struct slice image[] = { { "/img", 4 } };
	static const struct body_edits e = { .image_volumes = image, .nimage_volumes = 1 };
	int k = -ENOMEM;

	(void)state;
	for (size_t more = 0; k; more += 8) {
		_cleanup_(sent_free) struct sent s;
		struct guard_record r;

		sent_read(&s, CREATE, SLICE(HOST("\"Binds\":[\"/a:/x\"],"
		    "\"PidMode\":\"container:c\"")));
		assert_int_equal(s.outcome, DOCKER_GOOD);
		s.arena.max = s.arena.used + more;
		k = body_guard(&s.facts, &e, &r, &s.why);
		assert_true(k == -ENOMEM || (k == DOCKER_GOOD && r.nmounts == 2));
		assert_true(more < 64 * 1024);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_plain),
		cmocka_unit_test(test_record_empty),
		cmocka_unit_test(test_record_rights),
		cmocka_unit_test(test_record_caps),
		cmocka_unit_test(test_record_security),
		cmocka_unit_test(test_record_spaces),
		cmocka_unit_test(test_record_spaces_own),
		cmocka_unit_test(test_record_gpus),
		cmocka_unit_test(test_record_mounts),
		cmocka_unit_test(test_record_driven),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_record_powerless),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
