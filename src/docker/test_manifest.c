/* test_manifest.c: every name that an archive of docker load gives is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/docker.h"

static int collect(void *arg, struct slice name, struct buf *err)
{
	struct buf *b = arg;

	(void)err;
	buf_adds(b, name);
	buf_addc(b, ' ');
	return 0;
}

static void tells(const char *file, const char *text, const char *names)
{
	_cleanup_(buf_free) struct buf got = BUF(1024), err = BUF(1024);

	assert_int_equal(manifest_names(slice_from(file), slice_from(text),
	    collect, &got, &err), 0);
	assert_string_equal(buf_text(&got), names);
}

static void test_names(void **state)
{
	(void)state;
	tells("manifest.json", "[{\"Config\":\"x.json\",\"RepoTags\":[\"a:1\",\"b/c:2\"],"
	    "\"Layers\":[\"l/layer.tar\"]},{\"RepoTags\":null}]", "a:1 b/c:2 ");
	/* Go reads keys in any case, and the last one wins */
	tells("manifest.json", "[{\"RepoTags\":[\"a:1\"],\"repotags\":[\"b:1\"],"
	    "\"REPOTAGS\":[\"c:1\"]}]", "a:1 b:1 c:1 ");
	tells("manifest.json", "[]", "");
	tells("repositories", "{\"a\":{\"1\":\"id\",\"2\":\"id\"},\"h:5000/b\":{\"x\":\"i\"}}",
	    "a:1 a:2 h:5000/b:x ");
	tells("index.json", "{\"manifests\":[{\"annotations\":{\"io.containerd.image.name\":"
	    "\"docker.io/library/a:1\",\"org.opencontainers.image.ref.name\":\"1\"}}]}",
	    "docker.io/library/a:1 ");
}

static int refuse(void *arg, struct slice name, struct buf *err)
{
	(void)arg;
	(void)name;
	(void)err;
	return 7;
}

static void test_ends(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);

	(void)state;
	assert_int_equal(manifest_names(SLICE("manifest.json"),
	    SLICE("[{\"RepoTags\":[\"a:1\",\"b:1\"]}]"), refuse, NULL, &err), 7);
	assert_int_equal(manifest_names(SLICE("manifest.json"), SLICE("[{"),
	    collect, NULL, &err), DOCKER_BAD);
	assert_int_equal(manifest_names(SLICE("manifest.json"),
	    SLICE("[{\"RepoTags\":[7]}]"), collect, NULL, &err), DOCKER_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_ends)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
