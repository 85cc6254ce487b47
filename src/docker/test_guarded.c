/*
 * test_guarded.c: creates that have the guard in front: what is sent in place of
 * binds, runtime and user, and what the record says of the rest.  What is sent
 * is read again, and the record is written and read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/docker.h"

#define ID64	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CREATE	SCHEMA_CONTAINER_CREATE
#define HOST(in)	"{\"HostConfig\":{" in "}}"
#define DUMMY(target)	"{\"Type\":\"bind\",\"Source\":\"/bd\",\"Target\":\"" target "\"," \
	"\"BindOptions\":{\"Propagation\":\"rprivate\"}}"

struct sent {
	struct endpoint endpoint;
	struct arena arena;
	struct facts facts;
	struct buf out;
	struct refusal why;
	struct guard_record record;
	int outcome;
};

static void sent_free(struct sent *s)
{
	arena_free(&s->arena);
	buf_free(&s->out);
	buf_free(&s->why.message);
}

static void sent_read(struct sent *s, enum schema_id schema, struct slice in)
{
	*s = (struct sent){ .endpoint = { .schema = schema }, .out = BUF(4 << 20) };
	arena_init(&s->arena, 4 << 20);
	facts_init(&s->facts, &s->arena);
	s->facts.endpoint = &s->endpoint;
	s->facts.minor = 48;
	s->outcome = body_read(in, &s->facts, &s->why);
}

static void sent_write(struct sent *s, const struct body_edits *e)
{
	if (s->outcome == DOCKER_GOOD)
		s->outcome = body_write(&s->facts, e, &s->out, &s->why);
}

static void expect(enum schema_id schema, const char *in,
    const struct body_edits *e, const char *out)
{
	_cleanup_(sent_free) struct sent s, t;

	sent_read(&s, schema, slice_from(in));
	sent_write(&s, e);
	if (s.outcome != DOCKER_GOOD)
		fail_msg("%s: %s", in, buf_text(&s.why.message));
	assert_string_equal(buf_text(&s.out), out);
	sent_read(&t, schema, buf_slice(&s.out));
	sent_write(&t, NULL);
	if (t.outcome != DOCKER_GOOD)
		fail_msg("%s: %s", out, buf_text(&t.why.message));
	assert_string_equal(buf_text(&t.out), out);
}

/* ---- what is sent ---- */

static const struct body_edits binds = { .bind_dir = { "/bd", 3 } };

static void test_binds(void **state)
{
	(void)state;
	expect(CREATE, HOST("\"Binds\":[\"/a:/x\",\"/b:/y/:ro\",\"/c:/z:rw,rprivate,cached\"]"),
	    &binds, HOST("\"Mounts\":[" DUMMY("/x") "," DUMMY("/y") "," DUMMY("/z") "]"));
	/* what propagates, or is relabelled, is for others to refuse */
	expect(CREATE, HOST("\"Binds\":[\"/a:/x:rshared\",\"/b:/y:Z\"],\"Init\":true"), &binds,
	    HOST("\"Mounts\":[" DUMMY("/x") "," DUMMY("/y") "],\"Init\":true"));
	/* volumes stay where they are */
	expect(CREATE, HOST("\"Binds\":[\"v:/v\",\"/a:/x\",\"/anon\"],\"Privileged\":false"), &binds,
	    HOST("\"Binds\":[\"v:/v\",\"/anon\"],\"Privileged\":false,\"Mounts\":[" DUMMY("/x") "]"));
	expect(CREATE, HOST("\"Binds\":[]"), &binds, HOST("\"Binds\":[]"));
	expect(CREATE, HOST("\"Binds\":[\"/a:/x\"]"), NULL, HOST("\"Binds\":[\"/a:/x\"]"));
	expect(CREATE, "{}", &binds, "{}");
	expect(CREATE, "{\"HostConfig\":{}}", &binds, "{\"HostConfig\":{}}");
}

static void test_mounts(void **state)
{
	(void)state;
	expect(CREATE, HOST("\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/x\"}]"),
	    &binds, HOST("\"Mounts\":[" DUMMY("/x") "]"));
	expect(CREATE, HOST("\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\"},"
	    "{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/x/../x\",\"ReadOnly\":true,"
	    "\"Consistency\":\"cached\",\"BindOptions\":{\"Propagation\":\"rslave\",\"NonRecursive\":true,"
	    "\"CreateMountpoint\":true,\"ReadOnlyForceRecursive\":true}},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/y\",\"VolumeOptions\":{\"Labels\":{}}},"
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\",\"ReadOnly\":true}],\"Init\":true"),
	    &binds, HOST("\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\"}," DUMMY("/x") ","
	    DUMMY("/y") ",{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\",\"ReadOnly\":true}],"
	    "\"Init\":true"));
	expect(CREATE, HOST("\"Binds\":[\"/b:/y\"],\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\","
	    "\"Target\":\"/x\"}]"), &binds, HOST("\"Mounts\":[" DUMMY("/x") "," DUMMY("/y") "]"));
}

/* With all the rest of what is forced. */
static void test_mixed(void **state)
{
	static const struct pair label[] = { { { "o", 1 }, { "a", 1 } } };
	static const struct slice image[] = { { "/data", 5 }, { "/x", 2 } };
	static const struct body_edits e = { .labels = label, .nlabels = 1,
	    .confine = true, .own_volumes = true, .bind_dir = { "/bd", 3 },
	    .runtime = { "dockbroker", 10 }, .image_volumes = image,
	    .nimage_volumes = 2 };

	(void)state;
	expect(CREATE, "{\"HostConfig\":{\"Binds\":[\"v:/v:ro\",\"/a:/x\"],\"Runtime\":\"runc\","
	    "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/y\"},"
	    "{\"Type\":\"volume\",\"Source\":\"w\",\"Target\":\"/w\"}]}}", &e,
	    "{\"Labels\":{\"o\":\"a\"},\"HostConfig\":{\"CapDrop\":[\"MKNOD\"],"
	    "\"Runtime\":\"dockbroker\",\"Mounts\":[" DUMMY("/y") ","
	    "{\"Type\":\"volume\",\"Source\":\"w\",\"Target\":\"/w\",\"VolumeOptions\":{\"Labels\":{\"o\":\"a\"}}},"
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\",\"ReadOnly\":true,"
	    "\"VolumeOptions\":{\"Labels\":{\"o\":\"a\"}}}," DUMMY("/x") ","
	    "{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"Labels\":{\"o\":\"a\","
	    "\"com.docker.volume.anonymous\":\"\"}}}]}}");
	expect(CREATE, "{\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/w\"},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/data\"},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/x\",\"ReadOnly\":true,"
	    "\"BindOptions\":{\"Propagation\":\"rprivate\"}}]}}", &e,
	    "{\"Labels\":{\"o\":\"a\"},\"HostConfig\":{\"CapDrop\":[\"MKNOD\"],"
	    "\"Runtime\":\"dockbroker\",\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/w\","
	    "\"VolumeOptions\":{\"Labels\":{\"o\":\"a\",\"com.docker.volume.anonymous\":"
	    "\"\"}}}," DUMMY("/data") "," DUMMY("/x") "]}}");
	expect(CREATE, "{\"HostConfig\":{\"VolumesFrom\":[\"c\"],\"Binds\":[\"/a:/x\"]}}", &e,
	    "{\"Labels\":{\"o\":\"a\"},\"HostConfig\":{\"VolumesFrom\":[\"c\"],\"CapDrop\":[\"MKNOD\"],"
	    "\"Runtime\":\"dockbroker\",\"Mounts\":[" DUMMY("/x") "]}}");
}

static void test_runtime(void **state)
{
	static const struct body_edits e = { .runtime = { "dockbroker", 10 } };

	(void)state;
	expect(CREATE, "{}", &e, HOST("\"Runtime\":\"dockbroker\""));
	expect(CREATE, "{\"Image\":\"a\",\"HostConfig\":null}", &e,
	    "{\"Image\":\"a\",\"HostConfig\":{\"Runtime\":\"dockbroker\"}}");
	expect(CREATE, HOST("\"SecurityOpt\":[],\"Runtime\":\"evil\",\"Memory\":5"), &e,
	    HOST("\"SecurityOpt\":[],\"Runtime\":\"dockbroker\",\"Memory\":5"));
	expect(CREATE, HOST("\"Runtime\":\"x\""), NULL, HOST("\"Runtime\":\"x\""));
}

/* Inspect's value that is sent back is seen by its reach. */
static void test_runtime_asked(void **state)
{
	_cleanup_(sent_free) struct sent s;

	(void)state;
	sent_read(&s, CREATE, SLICE(HOST("\"Runtime\":\"dockbroker\"")));
	assert_int_equal(s.facts.nreach, 1);
	assert_string_equal(s.facts.reach[0].word, "runtime");
	assert_true(slice_is(s.facts.reach[0].path, "HostConfig.Runtime"));
	assert_true(slice_is(s.facts.reach[0].value, "dockbroker"));
}

static void test_user(void **state)
{
	static const struct body_edits e = { .user = { "2001:2001", 9 } };

	(void)state;
	expect(CREATE, "{}", &e, "{\"User\":\"2001:2001\"}");
	expect(CREATE, "{\"User\":\"0\"}", &e, "{\"User\":\"2001:2001\"}");
	expect(CREATE, "{\"Hostname\":\"h\",\"User\":\"\",\"Image\":\"a\"}", &e,
	    "{\"Hostname\":\"h\",\"User\":\"2001:2001\",\"Image\":\"a\"}");
	expect(CREATE, "{\"Image\":\"a\"}", &e, "{\"User\":\"2001:2001\",\"Image\":\"a\"}");
	expect(SCHEMA_EXEC_CREATE, "{\"Cmd\":[\"x\"]}", &e,
	    "{\"User\":\"2001:2001\",\"Cmd\":[\"x\"]}");
	expect(SCHEMA_EXEC_CREATE, "{\"User\":\"root\",\"Privileged\":false}", &e,
	    "{\"User\":\"2001:2001\",\"Privileged\":false}");
	expect(SCHEMA_EXEC_CREATE, "{\"User\":\"root\"}", NULL, "{\"User\":\"root\"}");
	expect(SCHEMA_COMMIT, "{\"User\":\"root\"}", &e, "{\"User\":\"root\"}");
}

static void test_powerless(void **state)
{
	static const struct body_edits e = { .powerless = true, .confine = true };
	const char *none = HOST("\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges\"]");

	(void)state;
	expect(CREATE, "{}", &e, none);
	expect(CREATE, HOST(""), &e, none);
	expect(CREATE, HOST("\"CapAdd\":[\"CHOWN\"],\"CapDrop\":[\"KILL\"],\"GroupAdd\":[\"0\"],"
	    "\"SecurityOpt\":[]"), &e, none);
	expect(CREATE, HOST("\"GroupAdd\":[\"0\"],\"SecurityOpt\":[\"label=a\"],\"Init\":true"), &e,
	    HOST("\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"label=a\",\"no-new-privileges\"],"
	    "\"Init\":true"));
	expect(CREATE, HOST("\"SecurityOpt\":[\"no-new-privileges\"]"), &e, none);
	expect(CREATE, HOST("\"SecurityOpt\":[\"no-new-privileges:true\"]"), &e,
	    HOST("\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges:true\"]"));
	expect(CREATE, HOST("\"SecurityOpt\":[\"no-new-privileges\",\"no-new-privileges=false\"]"),
	    &e, HOST("\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges\","
	    "\"no-new-privileges=false\",\"no-new-privileges\"]"));
}

/* Each part can be absent. */
static void test_all(void **state)
{
	static const struct body_edits e = { .confine = true, .own_volumes = true,
	    .powerless = true, .bind_dir = { "/bd", 3 }, .user = { "1:1", 3 },
	    .runtime = { "r", 1 }, .cgroup_parent = { "/c", 2 } };
	static const char *const parts[] = {
		"\"Binds\":[\"v:/v\",\"/a:/a\"]", "\"CapAdd\":[\"KILL\"]",
		"\"CapDrop\":[\"CHOWN\"]", "\"GroupAdd\":[\"1\"]", "\"Privileged\":false",
		"\"SecurityOpt\":[\"label=x\"]", "\"Runtime\":\"x\"", "\"CgroupParent\":\"\"",
		"\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/b\"}]"
	};

	(void)state;
	for (unsigned set = 0; set < 1u << countof(parts); set++) {
		_cleanup_(buf_free) struct buf in = BUF(4096);
		_cleanup_(sent_free) struct sent s, t;
		const char *comma = "";

		buf_addz(&in, "{\"HostConfig\":{");
		for (size_t i = 0; i < countof(parts); i++) {
			if (!(set >> i & 1))
				continue;
			buf_addz(&in, comma);
			buf_addz(&in, parts[i]);
			comma = ",";
		}
		buf_addz(&in, "}}");
		sent_read(&s, CREATE, buf_slice(&in));
		sent_write(&s, &e);
		assert_int_equal(s.outcome, DOCKER_GOOD);
		sent_read(&t, CREATE, buf_slice(&s.out));
		sent_write(&t, NULL);
		assert_string_equal(buf_text(&t.out), buf_text(&s.out));
		assert_non_null(strstr(buf_text(&s.out), "{\"User\":\"1:1\",\"HostConfig\":{"));
		assert_non_null(strstr(buf_text(&s.out), "\"Runtime\":\"r\",\"CgroupParent\":\"/c\""));
		assert_null(strstr(buf_text(&s.out), "/a:"));
		assert_null(strstr(buf_text(&s.out), "\"/b\",\"Target"));
		assert_null(strstr(buf_text(&s.out), "Add"));
	}
}

/* ---- records ---- */

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
	_cleanup_(sent_free) struct sent s;

	(void)state;
	assert_int_equal(record_of(&s, "", NULL)->nmounts, 0);
	assert_int_equal(record_of(&s, "null", &binds)->nmounts, 0);
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
		cmocka_unit_test(test_binds),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_runtime_asked),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_powerless),
		cmocka_unit_test(test_all),
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
