/*
 * test_edits.c: bodies as they are sent: full ids, labels, confinement, limits,
 * volumes as labelled Mounts.  Each case says what has to be in the text, and
 * what must not; all of them are read again, as what was written is a body.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dockbroker/docker.h"

#define ID64	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct sent {
	struct endpoint endpoint;
	struct arena arena;
	struct facts facts;
	struct buf out;
	struct refusal why;
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

/* It is a body, and stays as it is. */
static void sent_again(struct sent *s)
{
	_cleanup_(sent_free) struct sent t;

	sent_read(&t, s->endpoint.schema, buf_slice(&s->out));
	sent_write(&t, NULL);
	if (t.outcome != DOCKER_GOOD)
		fail_msg("%s: %s", buf_text(&s->out), buf_text(&t.why.message));
	assert_string_equal(buf_text(&t.out), buf_text(&s->out));
}

static void expect(enum schema_id schema, const char *in,
    const struct body_edits *e, const char *out)
{
	_cleanup_(sent_free) struct sent s;

	sent_read(&s, schema, slice_from(in));
	sent_write(&s, e);
	if (s.outcome != DOCKER_GOOD)
		fail_msg("%s: %s", in, buf_text(&s.why.message));
	assert_string_equal(buf_text(&s.out), out);
	sent_again(&s);
}

#define CREATE	SCHEMA_CONTAINER_CREATE
#define HOST(in)	"{\"Image\":\"a\",\"HostConfig\":{" in "}}"

/* ---- ids ---- */

static void test_ids(void **state)
{
	static const struct { const char *in, *out; } all[] = {
		{ "{\"Image\":\"a\"}", "{\"Image\":\"" ID64 "\"}" },
		{ HOST("\"NetworkMode\":\"n\""), HOST("\"NetworkMode\":\"" ID64 "\"") },
		{ HOST("\"NetworkMode\":\"container:/c\""),
		  HOST("\"NetworkMode\":\"container:" ID64 "\"") },
		{ HOST("\"NetworkMode\":\"bridge\""), HOST("\"NetworkMode\":\"bridge\"") },
		{ HOST("\"NetworkMode\":\"host\""), HOST("\"NetworkMode\":\"host\"") },
		{ HOST("\"IpcMode\":\"container:c\",\"PidMode\":\"container:c\""),
		  HOST("\"IpcMode\":\"container:" ID64 "\",\"PidMode\":\"container:" ID64 "\"") },
		{ HOST("\"VolumesFrom\":[\"x\",\"/y:ro\"]"),
		  HOST("\"VolumesFrom\":[\"" ID64 "\",\"" ID64 ":ro\"]") },
		{ HOST("\"Links\":[\"db\",\"/db:alias\"]"),
		  HOST("\"Links\":[\"" ID64 ":db\",\"" ID64 ":alias\"]") },
		{ HOST("\"Binds\":[\"v:/x:ro\",\"/srv:/y\",\"/z\"]"),
		  HOST("\"Binds\":[\"" ID64 ":/x:ro\",\"/srv:/y\",\"/z\"]") },
		{ HOST("\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/x\"},"
		       "{\"Type\":\"image\",\"Source\":\"i\",\"Target\":\"/y\"},"
		       "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/z\"}]"),
		  HOST("\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"" ID64 "\",\"Target\":\"/x\"},"
		       "{\"Type\":\"image\",\"Source\":\"" ID64 "\",\"Target\":\"/y\"},"
		       "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/z\"}]") },
		{ "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{},\"n\":"
		  "{\"Links\":[\"db:x\"],\"NetworkID\":\"n\"}}}}",
		  "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{},\"" ID64 "\":"
		  "{\"Links\":[\"0123456789ab:x\"],\"NetworkID\":\"" ID64 "\"}}}}" },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		_cleanup_(sent_free) struct sent s;

		sent_read(&s, CREATE, slice_from(all[i].in));
		for (size_t j = 0; j < s.facts.nrefs; j++) {
			if (i == 0 || !slice_is(s.facts.refs[j].path, "Image"))
				s.facts.refs[j].id = SLICE(ID64);
		}
		sent_write(&s, NULL);
		assert_int_equal(s.outcome, DOCKER_GOOD);
		assert_string_equal(buf_text(&s.out), all[i].out);
		sent_again(&s);
	}
}

/* Two names of one network: the Engine would take the last. */
static void test_ids_twice(void **state)
{
	_cleanup_(sent_free) struct sent s;

	(void)state;
	sent_read(&s, CREATE, SLICE("{\"NetworkingConfig\":{\"EndpointsConfig\":"
	    "{\"one\":{},\"two\":{}}}}"));
	assert_int_equal(s.facts.nrefs, 2);
	s.facts.refs[0].id = SLICE("aa");
	s.facts.refs[1].id = SLICE("bb");
	sent_write(&s, NULL);
	assert_int_equal(s.outcome, DOCKER_GOOD);
	buf_reset(&s.out);
	s.facts.refs[1].id = SLICE("aa");
	sent_write(&s, NULL);
	assert_int_equal(s.outcome, DOCKER_BAD);
	assert_int_equal(s.why.status, 400);
	assert_non_null(strstr(buf_text(&s.why.message), "network two twice"));
}

static void test_connect(void **state)
{
	_cleanup_(sent_free) struct sent s;

	(void)state;
	sent_read(&s, SCHEMA_NETWORK_CONNECT, SLICE("{\"Container\":\"web\","
	    "\"EndpointConfig\":{\"Links\":[\"db\"]}}"));
	assert_int_equal(s.facts.nrefs, 2);
	assert_int_equal(s.facts.refs[0].use, REF_OBJECT);
	assert_int_equal(s.facts.refs[1].use, REF_USE);
	s.facts.refs[0].id = SLICE(ID64);
	sent_write(&s, NULL);
	assert_string_equal(buf_text(&s.out), "{\"Container\":\"" ID64 "\","
	    "\"EndpointConfig\":{\"Links\":[\"db\"]}}");
}

/* ---- labels ---- */

static const struct pair two[] = {
	{ { "owner", 5 }, { "alice", 5 } }, { { "te\"am", 5 }, { "dev", 3 } }
};
static const struct body_edits labelled = { .labels = two, .nlabels = 2 };

static void test_labels(void **state)
{
	(void)state;
	expect(CREATE, "{}", &labelled,
	    "{\"Labels\":{\"owner\":\"alice\",\"te\\\"am\":\"dev\"}}");
	expect(CREATE, "{\"Image\":\"a\",\"Labels\":null,\"StopSignal\":\"INT\"}", &labelled,
	    "{\"Image\":\"a\",\"Labels\":{\"owner\":\"alice\",\"te\\\"am\":\"dev\"},"
	    "\"StopSignal\":\"INT\"}");
	expect(CREATE, "{\"Labels\":{\"x\":\"a,b\",\"te\\u0022am\":\"mallory\",\"owner\":\"b}\","
	    "\"y:\":\"\"}}", &labelled, "{\"Labels\":{\"x\":\"a,b\",\"y:\":\"\","
	    "\"owner\":\"alice\",\"te\\\"am\":\"dev\"}}");
	expect(CREATE, "{\"Labels\":{\"x\":\"y\"}}", NULL, "{\"Labels\":{\"x\":\"y\"}}");
	expect(SCHEMA_VOLUME_CREATE, "", &labelled,
	    "{\"Labels\":{\"owner\":\"alice\",\"te\\\"am\":\"dev\"}}");
	expect(SCHEMA_VOLUME_CREATE, "null", &labelled,
	    "{\"Labels\":{\"owner\":\"alice\",\"te\\\"am\":\"dev\"}}");
	expect(SCHEMA_VOLUME_CREATE, "{\"Name\":\"v\"}", &labelled,
	    "{\"Labels\":{\"owner\":\"alice\",\"te\\\"am\":\"dev\"},\"Name\":\"v\"}");
	expect(SCHEMA_NETWORK_CREATE, "{\"Name\":\"n\",\"Labels\":{}}", &labelled,
	    "{\"Labels\":{\"owner\":\"alice\",\"te\\\"am\":\"dev\"},\"Name\":\"n\"}");
	expect(SCHEMA_EXEC_CREATE, "{\"Cmd\":[\"x\"]}", &labelled, "{\"Cmd\":[\"x\"]}");
	expect(SCHEMA_COMMIT, "null", &labelled, "null");
}

/* Also those of volumes that come with a container, and of no other mount. */
static void test_labels_of_mounts(void **state)
{
	(void)state;
	expect(CREATE, "{\"Labels\":{\"owner\":\"x\"},\"HostConfig\":{\"Mounts\":["
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\"},"
	    "{\"Type\":\"volume\",\"Source\":\"w\",\"Target\":\"/w\",\"VolumeOptions\":{\"NoCopy\":true,"
	    "\"Labels\":{\"owner\":\"mallory\",\"k\":\"v\"}}},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/b\"},"
	    "{\"Type\":\"tmpfs\",\"Target\":\"/t\"}]}}",
	    &(struct body_edits){ .labels = two, .nlabels = 1 },
	    "{\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{\"Mounts\":["
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/v\",\"VolumeOptions\":"
	    "{\"Labels\":{\"owner\":\"alice\"}}},"
	    "{\"Type\":\"volume\",\"Source\":\"w\",\"Target\":\"/w\",\"VolumeOptions\":{\"NoCopy\":true,"
	    "\"Labels\":{\"k\":\"v\",\"owner\":\"alice\"}}},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/b\"},"
	    "{\"Type\":\"tmpfs\",\"Target\":\"/t\"}]}}");
	expect(CREATE, HOST("\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/v\"}]"),
	    &(struct body_edits){ .labels = two, .nlabels = 1 },
	    "{\"Image\":\"a\",\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{\"Mounts\":["
	    "{\"Type\":\"volume\",\"Target\":\"/v\",\"VolumeOptions\":{\"Labels\":"
	    "{\"owner\":\"alice\",\"com.docker.volume.anonymous\":\"\"}}}]}}");
}

/* ---- confinement ---- */

static void test_confine(void **state)
{
	static const struct body_edits e = { .confine = true };

	(void)state;
	expect(CREATE, "{}", &e, "{\"HostConfig\":{\"CapDrop\":[\"MKNOD\"]}}");
	expect(CREATE, "{\"HostConfig\":{}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"MKNOD\"]}}");
	expect(CREATE, "{\"HostConfig\":{\"CapDrop\":[]}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"MKNOD\"]}}");
	expect(CREATE, "{\"HostConfig\":{\"CapDrop\":\"CHOWN\"}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"CHOWN\",\"MKNOD\"]}}");
	expect(CREATE, "{\"HostConfig\":{\"CapDrop\":[\"all\"]}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"all\"]}}");
	expect(CREATE, "{\"HostConfig\":{\"CapDrop\":[\"cap_mknod\"]}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"cap_mknod\"]}}");
	expect(CREATE, "{\"HostConfig\":{\"CapDrop\":[\"MKNODE\"]}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"MKNODE\",\"MKNOD\"]}}");
	expect(SCHEMA_VOLUME_CREATE, "{}", &e, "{}");
}

static void test_confine_binds(void **state)
{
	static const struct body_edits e = { .confine = true };

	(void)state;
	expect(CREATE, "{\"HostConfig\":{\"CapDrop\":[\"ALL\"],\"Mounts\":["
	    "{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/a\"},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/b\",\"BindOptions\":{}},"
	    "{\"Type\":\"bind\",\"Source\":\"/c\",\"Target\":\"/c\",\"BindOptions\":"
	    "{\"Propagation\":\"shared\",\"CreateMountpoint\":true}},"
	    "{\"Type\":\"volume\",\"Target\":\"/d\"}]}}", &e,
	    "{\"HostConfig\":{\"CapDrop\":[\"ALL\"],\"Mounts\":["
	    "{\"Type\":\"bind\",\"Source\":\"/a\",\"Target\":\"/a\",\"BindOptions\":"
	    "{\"Propagation\":\"rprivate\"}},"
	    "{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/b\",\"BindOptions\":"
	    "{\"Propagation\":\"rprivate\"}},"
	    "{\"Type\":\"bind\",\"Source\":\"/c\",\"Target\":\"/c\",\"BindOptions\":"
	    "{\"Propagation\":\"rprivate\",\"CreateMountpoint\":true}},"
	    "{\"Type\":\"volume\",\"Target\":\"/d\"}]}}");
}

static void test_cgroup_parent(void **state)
{
	static const struct body_edits e = { .cgroup_parent = { "/dockbroker/1000", 16 } };

	(void)state;
	expect(CREATE, "{}", &e, "{\"HostConfig\":{\"CgroupParent\":\"/dockbroker/1000\"}}");
	expect(CREATE, "{\"HostConfig\":{\"Memory\":5,\"CgroupParent\":\"/x\",\"Init\":true}}", &e,
	    "{\"HostConfig\":{\"Memory\":5,\"CgroupParent\":\"/dockbroker/1000\",\"Init\":true}}");
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	static const struct body_edits e = { .memory = 1024, .nano_cpus = 2000000000,
	    .pids = 64 };

	(void)state;
	expect(CREATE, "{}", &e, "{\"HostConfig\":{\"Memory\":1024,\"NanoCpus\":2000000000,"
	    "\"MemorySwap\":1024,\"PidsLimit\":64}}");
	expect(CREATE, "{\"HostConfig\":{\"Memory\":0,\"CpuQuota\":-1,\"MemorySwap\":-1,"
	    "\"PidsLimit\":-1}}", &e, "{\"HostConfig\":{\"Memory\":1024,"
	    "\"NanoCpus\":2000000000,\"MemorySwap\":1024,\"PidsLimit\":64}}");
	expect(CREATE, "{\"HostConfig\":{\"Memory\":7,\"NanoCpus\":5,\"PidsLimit\":3}}", &e,
	    "{\"HostConfig\":{\"Memory\":7,\"NanoCpus\":5,\"PidsLimit\":3}}");
	expect(CREATE, "{\"HostConfig\":{\"Memory\":7,\"CpuQuota\":5,\"MemorySwap\":9,\"PidsLimit\":3}}",
	    &e, "{\"HostConfig\":{\"Memory\":7,\"CpuQuota\":5,\"MemorySwap\":9,\"PidsLimit\":3}}");
	expect(CREATE, "{\"HostConfig\":{\"Memory\":7,\"CpuPeriod\":50000,\"PidsLimit\":3}}", &e,
	    "{\"HostConfig\":{\"Memory\":7,\"CpuPeriod\":50000,\"CpuQuota\":100000,\"PidsLimit\":3}}");
	expect(CREATE, "{\"HostConfig\":{\"Memory\":0,\"PidsLimit\":0}}",
	    &(struct body_edits){ .nano_cpus = 1 },
	    "{\"HostConfig\":{\"Memory\":0,\"NanoCpus\":1,\"PidsLimit\":0}}");
}

/* What an update does not name stays; what it takes away comes back. */
static void test_limits_update(void **state)
{
	static const struct body_edits e = { .memory = 1024, .nano_cpus = 2000000000,
	    .pids = 64 };
	const enum schema_id update = SCHEMA_CONTAINER_UPDATE;

	(void)state;
	expect(update, "{}", &e, "{}");
	expect(update, "{\"Memory\":0,\"RestartPolicy\":{\"Name\":\"no\"}}", &e,
	    "{\"Memory\":0,\"RestartPolicy\":{\"Name\":\"no\"}}");
	expect(update, "{\"PidsLimit\":-1,\"CpuQuota\":-1}", &e,
	    "{\"NanoCpus\":2000000000,\"PidsLimit\":64}");
	expect(update, "{\"PidsLimit\":0}", &e, "{\"PidsLimit\":64}");
	expect(update, "{\"PidsLimit\":9}", &e, "{\"PidsLimit\":9}");
	expect(update, "{\"Memory\":2048}", &e, "{\"Memory\":2048,\"MemorySwap\":2048}");
	expect(update, "{\"Memory\":2048,\"MemorySwap\":4096}", &e,
	    "{\"Memory\":2048,\"MemorySwap\":4096}");
	expect(update, "{\"Memory\":2048}", NULL, "{\"Memory\":2048}");
	expect(update, "{\"CpuQuota\":50000}", NULL,
	    "{\"CpuPeriod\":100000,\"CpuQuota\":50000}");
	expect(update, "{\"CpuPeriod\":2000,\"CpuQuota\":50000}", &e,
	    "{\"CpuPeriod\":2000,\"CpuQuota\":50000}");
}

/* ---- volumes ---- */

#define OWNED(more)	"\"VolumeOptions\":{" more "\"Labels\":{\"owner\":\"alice\"}}"
#define FRESH	"\"VolumeOptions\":{\"Labels\":{\"owner\":\"alice\"," \
	"\"com.docker.volume.anonymous\":\"\"}}"

static void test_volumes(void **state)
{
	static const struct body_edits e = { .labels = two, .nlabels = 1,
	    .own_volumes = true };

	(void)state;
	expect(CREATE, HOST("\"Binds\":[\"v:/x/\",\"w:/w:ro,nocopy\",\"/srv:/s:ro\",\"/anon\"],"
	    "\"Init\":true"), &e,
	    "{\"Image\":\"a\",\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{"
	    "\"Binds\":[\"/srv:/s:ro\"],\"Mounts\":["
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/x\"," OWNED("") "},"
	    "{\"Type\":\"volume\",\"Source\":\"w\",\"Target\":\"/w\",\"ReadOnly\":true,"
	    OWNED("\"NoCopy\":true,") "},"
	    "{\"Type\":\"volume\",\"Target\":\"/anon\"," FRESH "}],\"Init\":true}}");
	expect(CREATE, HOST("\"Binds\":[\"v:/x\"],\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\"}]"),
	    &e, "{\"Image\":\"a\",\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{"
	    "\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\"},"
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/x\"," OWNED("") "}]}}");
	/* a volume's propagation cannot be said by a Mount */
	expect(CREATE, "{\"Labels\":{\"owner\":\"\"},\"HostConfig\":{\"Binds\":[\"v:/x:shared\"]}}", &e,
	    "{\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{\"Binds\":[\"v:/x:shared\"]}}");
	expect(CREATE, "{\"HostConfig\":{\"Binds\":[\"v:/x\"],\"VolumeDriver\":\"nfs\"}}",
	    &(struct body_edits){ .own_volumes = true },
	    "{\"HostConfig\":{\"VolumeDriver\":\"nfs\",\"Mounts\":[{\"Type\":\"volume\","
	    "\"Source\":\"v\",\"Target\":\"/x\",\"VolumeOptions\":{\"Labels\":{},"
	    "\"DriverConfig\":{\"Name\":\"nfs\"}}}]}}");
	expect(CREATE, "{\"HostConfig\":{\"Binds\":[\"v:/x\"]}}",
	    &(struct body_edits){ .labels = two, .nlabels = 1 },
	    "{\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{\"Binds\":[\"v:/x\"]}}");
}

/* Volumes{} and what the image declares, where nothing else goes. */
static void test_volumes_declared(void **state)
{
	static const struct slice image[] = {
		{ "/data/", 6 }, { "/x", 2 }, { "/data", 5 }, { "/tmp//", 6 }, { "rel", 3 }
	};
	static const struct body_edits e = { .labels = two, .nlabels = 1,
	    .own_volumes = true, .image_volumes = image, .nimage_volumes = 5 };

	(void)state;
	expect(CREATE, "{}", &(struct body_edits){ .own_volumes = true }, "{}");
	expect(CREATE, "{\"Volumes\":{\"/x\":{},\"/y\":{},\"/y/\":{}},\"HostConfig\":{"
	    "\"Tmpfs\":{\"/tmp\":\"\"},\"Binds\":[\"v:/y/../y\"]}}", &e,
	    "{\"Volumes\":{\"/x\":{},\"/y\":{},\"/y/\":{}},\"Labels\":{\"owner\":\"alice\"},"
	    "\"HostConfig\":{\"Tmpfs\":{\"/tmp\":\"\"},\"Mounts\":["
	    "{\"Type\":\"volume\",\"Target\":\"/x\"," FRESH "},"
	    "{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/y\"," OWNED("") "},"
	    "{\"Type\":\"volume\",\"Target\":\"/data\"," FRESH "}]}}");
	expect(CREATE, "{}", &e, "{\"Labels\":{\"owner\":\"alice\"},\"HostConfig\":{\"Mounts\":["
	    "{\"Type\":\"volume\",\"Target\":\"/data\"," FRESH "},"
	    "{\"Type\":\"volume\",\"Target\":\"/x\"," FRESH "},"
	    "{\"Type\":\"volume\",\"Target\":\"/tmp\"," FRESH "}]}}");
	/* others decide what goes there */
	expect(CREATE, "{\"Volumes\":{\"/x\":{}},\"HostConfig\":{\"VolumesFrom\":[\"c\"]}}", &e,
	    "{\"Volumes\":{\"/x\":{}},\"Labels\":{\"owner\":\"alice\"},"
	    "\"HostConfig\":{\"VolumesFrom\":[\"c\"]}}");
}

/* ---- the whole ---- */

/* Everything at once, in each order in which it can be absent. */
static void test_all(void **state)
{
	static const struct slice image[] = { { "/data", 5 } };
	static const struct body_edits e = { .labels = two, .nlabels = 2,
	    .confine = true, .own_volumes = true, .cgroup_parent = { "/c", 2 },
	    .memory = 1, .nano_cpus = 2, .pids = 3, .image_volumes = image,
	    .nimage_volumes = 1 };
	static const char *const parts[] = {
		"\"Binds\":[\"v:/x\"]", "\"CapDrop\":[\"CHOWN\"]", "\"Memory\":0",
		"\"NanoCpus\":0", "\"CgroupParent\":\"\"", "\"CpuPeriod\":0",
		"\"CpuQuota\":0", "\"MemorySwap\":0", "\"PidsLimit\":0",
		"\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/b\",\"Target\":\"/b\"}]"
	};

	(void)state;
	for (unsigned set = 0; set < 1u << countof(parts); set++) {
		_cleanup_(buf_free) struct buf in = BUF(4096);
		_cleanup_(sent_free) struct sent s;
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
		sent_again(&s);
		assert_non_null(strstr(buf_text(&s.out), "\"MKNOD\"]"));
		assert_non_null(strstr(buf_text(&s.out), "\"Memory\":1,\"NanoCpus\":2,"
		    "\"CgroupParent\":\"/c\""));
		assert_non_null(strstr(buf_text(&s.out), "\"MemorySwap\":1,"
		    "\"PidsLimit\":3,\"Mounts\":[{"));
		assert_non_null(strstr(buf_text(&s.out), "\"Target\":\"/data\""));
	}
}

static void test_too_large(void **state)
{
	(void)state;
	for (size_t max = 0; max < 60; max++) {
		_cleanup_(sent_free) struct sent s;

		sent_read(&s, CREATE, SLICE("{\"Image\":\"a\",\"Labels\":{\"a\":\"b\"}}"));
		s.out = BUF(max);
		sent_write(&s, &labelled);
		if (s.outcome == DOCKER_GOOD)
			assert_string_equal(buf_text(&s.out), "");
		else
			assert_int_equal(s.why.status, 413);
	}
}

static void test_wipe(void **state)
{
	_cleanup_(sent_free) struct sent s;

	(void)state;
	sent_read(&s, SCHEMA_AUTH, SLICE("{\"username\":\"u\",\"password\":\"p\"}"));
	assert_int_equal(s.outcome, DOCKER_GOOD);
	body_wipe(&s.facts);
	sent_write(&s, NULL);
	assert_int_equal(s.out.len, 0);
	body_wipe(&s.facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ids_twice),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_labels_of_mounts),
		cmocka_unit_test(test_confine),
		cmocka_unit_test(test_confine_binds),
		cmocka_unit_test(test_cgroup_parent),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_update),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_volumes_declared),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
