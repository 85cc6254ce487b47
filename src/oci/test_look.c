/* test_look.c: where links of an image lead. */
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

#include "oci/oci.h"

static char top[] = "/tmp/dockbroker-look.XXXXXX";

static void leads(const char *path, const char *want)
{
	struct arena a;
	struct slice out = SLICE("");
	bool known;

	arena_init(&a, 65536);
	known = look_machine.leads(slice_from(top), slice_from(path), &a, &out);
	if (known != (want != NULL) || (want && !slice_is(out, want)))
		fail_msg("%s leads to \"%.*s\", not \"%s\"", path, SLICE_ARG(out),
		    want ? want : "");
	arena_free(&a);
}

static void test_leads(void **state _unused_)
{
	leads("/", "/");
	leads("/src", "/src");
	leads("/src/new/er", "/src/new/er");
	leads("/new", "/new");
	leads("/d", "/dev");
	leads("/d/null", "/dev/null");
	leads("/src/up", "/dev");
	leads("/src/up/x/y", "/dev/x/y");
	leads("/again", "/dev");
	/* Out of the root there is nothing but the root. */
	leads("/out", "/dev");
	/* Nowhere, or what cannot be. */
	leads("/nowhere", NULL);
	leads("/nowhere/x", NULL);
	leads("/loop", NULL);
	leads("/file/x", NULL);
	leads("/new/../dev", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_leads) };
	static const char *const links[][2] = {
		{ "/dev", "d" }, { "../dev", "src/up" }, { "/d", "again" },
		{ "../../../../dev", "out" }, { "/dev/x/y", "nowhere" },
		{ "loop", "loop" }
	};
	int dir, r;

	if (!mkdtemp(top) || (dir = open(top, O_PATH | O_DIRECTORY)) < 0 ||
	    mkdirat(dir, "dev", 0755) || mkdirat(dir, "src", 0755) ||
	    mknodat(dir, "file", S_IFREG | 0644, 0))
		return 77;
	for (size_t i = 0; i < countof(links); i++)
		if (symlinkat(links[i][0], dir, links[i][1]))
			return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < countof(links); i++)
		(void)unlinkat(dir, links[i][1], 0);
	(void)unlinkat(dir, "file", 0);
	(void)unlinkat(dir, "src", AT_REMOVEDIR);
	(void)unlinkat(dir, "dev", AT_REMOVEDIR);
	close(dir);
	(void)rmdir(top);
	return r;
}
