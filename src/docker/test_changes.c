/* test_changes.c: instructions that would set a label of ours, however they are
 * written, and the nearest ones that would not. */
#include "docker/test_util.h"

#include "docker/params_int.h"

static void test_forged(void **state)
{
	static const char *const t[] = {
		"LABEL dockbroker.owner=bob",
		"label dockbroker.owner=bob",
		"  LaBeL\tdockbroker.owner bob",
		"LABEL a=b dockbroker.owner=bob",
		"LABEL \"dockbroker.owner\"=bob",
		"LABEL 'dockbroker.owner'=bob",
		"LABEL dock\"\"broker.owner=bob",
		"LABEL d\\ockbroker.owner=bob",
		"LABEL dockbroker\\.owner=bob",
		"LABEL DockBroker.Owner=bob",
		"LABEL $x=bob",
		"LABEL ${x}=bob",
		"LABEL dock${x}.owner=bob",
		"LABEL a=b $x=c",
		"LABEL a=\"b $x\"=c",
		"LABEL \"$x\"=c",
		"LABEL $x y",
		"CMD a\nLABEL dockbroker.x=1",
		"CMD a\r\nLABEL dockbroker.x=1",
		"LABEL a=b \\\n dockbroker.x=1",
		"LABEL \\\ndockbroker.x=1",
		"LABEL a=b \\  \n\n\n dockbroker.x=1",
		"LABEL a=b \\\n# comment\n dockbroker.x=1",
		"LABEL a=b \\\n  # comment\n dockbroker.x=1",
		"LABEL a=b \\\n  # dockbroker.x=1",
		"LA\\\nBEL dockbroker.x=1",
		"LABEL dock\\\nbroker.x=1",
		"LABEL a=b \\\\\n dockbroker.x=1",
		"# escape=`\nLABEL a=b `\n dockbroker.x=1",
		"#escape=`\nLABEL a=b c=d",
		"LABEL a=b `\n dockbroker.x=1",
		"CMD a`\nLABEL dockbroker.x=1",
		"\xef\xbb\xbfLABEL dockbroker.x=1",
		"\xc2\xa0LABEL dockbroker.x=1",
		"ONBUILD LABEL dockbroker.x=1",
		"ONBUILD ONBUILD LABEL dockbroker.x=1",
		"ONBUILD \\\n LABEL dockbroker.x=1",
		"LABEL dockbroker.x=1\\"
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++)
		if (!changes_forge(slice_from(t[i])))
			fail_msg("%s passes", t[i]);
}

static void test_plain(void **state)
{
	static const char *const t[] = {
		"", "\n", "CMD a", "CMD [\"a\", \"b\"]",
		"LABEL a=b", "LABEL org.example.x=\"a b\" c=d",
		"LABEL version=$VERSION", "LABEL a=b c=x$y=z",
		"LABEL a=b \\\n c=d", "LABEL a=b \\\n# note\n c=d",
		"LABEL dockbrokers=1", "LABEL my-dockbroker=1",
		"ENV dockbroker.owner=x", "ENV A=dockbroker.owner",
		"ENV LABEL=dockbroker.x", "CMD echo LABEL dockbroker.x=1",
		"ENV PATH=$PATH:/x", "ENV \"$x\"=y",
		"ENV PATH=$PATH:/x\nLABEL a=b",
		"WORKDIR /x\nUSER app\nEXPOSE 80\nVOLUME /v",
		"# a note\nCMD a", "CMD a \\\\", "CMD a \\\n b",
		"HEALTHCHECK CMD label dockbroker.x"
	};

	(void)state;
	for (size_t i = 0; i < countof(t); i++)
		if (changes_forge(slice_from(t[i])))
			fail_msg("%s is refused", t[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
