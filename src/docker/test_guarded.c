/*
 * test_guarded.c: creates that have the guard in front: what is sent in place of
 * binds, runtime and user.  All of it is read again, as what was written is a body.
 */
#include "docker/test_sent.h"

#define DUMMY(target)	"{\"Type\":\"bind\",\"Source\":\"/bd\",\"Target\":\"" target "\"," \
	"\"BindOptions\":{\"Propagation\":\"rprivate\"}}"

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

/* His groups beside those that he asks for, each once. */
static void test_groups(void **state)
{
	static const struct slice his[] = { { "2500", 4 }, { "2600", 4 } };
	struct body_edits e = { .groups = his, .ngroups = 2 };

	(void)state;
	expect(CREATE, "{}", &e, HOST("\"GroupAdd\":[\"2500\",\"2600\"]"));
	expect(CREATE, HOST("\"Init\":true"), &e,
	    HOST("\"GroupAdd\":[\"2500\",\"2600\"],\"Init\":true"));
	expect(CREATE, HOST("\"GroupAdd\":[]"), &e,
	    HOST("\"GroupAdd\":[\"2500\",\"2600\"]"));
	expect(CREATE, HOST("\"GroupAdd\":[\"audio\",\"2600\"]"), &e,
	    HOST("\"GroupAdd\":[\"audio\",\"2600\",\"2500\"]"));
	expect(CREATE, HOST("\"GroupAdd\":[\"2500\",\"2600\"]"), &e,
	    HOST("\"GroupAdd\":[\"2500\",\"2600\"]"));
	e.ngroups = 0;
	expect(CREATE, HOST("\"GroupAdd\":[\"audio\"]"), &e, HOST("\"GroupAdd\":[\"audio\"]"));
	e = (struct body_edits){ .groups = his, .ngroups = 2, .powerless = true };
	expect(CREATE, HOST("\"GroupAdd\":[\"audio\"]"), &e,
	    HOST("\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges\"]"));
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
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
