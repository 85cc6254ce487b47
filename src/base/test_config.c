/* test_config.c: the sample file, every kind of value, every fault. */
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dockbroker/base.h"

static struct config c;

static void good(const char *text)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);

	assert_int_equal(config_parse(&c, "d.conf", slice_from(text), &err),
	    CONFIG_GOOD);
	assert_string_equal(buf_text(&err), "");
}

static void bad(const char *text, const char *why)
{
	_cleanup_(buf_free) struct buf err = BUF(65536);

	assert_int_equal(config_parse(&c, "d.conf", slice_from(text), &err),
	    CONFIG_BAD);
	assert_string_equal(buf_text(&err), why);
}

static void test_defaults(void **state _unused_)
{
	struct config d;

	config_defaults(&d);
	good("");
	assert_memory_equal(&c, &d, sizeof(c));
	good("# nothing\n\n \t \n   # more\n");
	assert_memory_equal(&c, &d, sizeof(c));
	assert_string_equal(c.run_dir, "/run/dockbroker");
	assert_string_equal(c.shared_socket, "/run/docker.sock");
	assert_int_equal(c.max_head, BOUND_HEAD);
	assert_int_equal(c.head_time, BOUND_HEAD_TIME);
	assert_true(c.audit_reads);
	assert_false(c.debug);
	assert_int_equal(c.nservices, 0);
}

static void test_values(void **state _unused_)
{
	good("run-dir /tmp/x   # here\n"
	    "\tshared-socket\tnone\n"
	    "pam-directory \"\"\n"
	    "policy \"/etc/a b#c\"\n"
	    "pam-service a#b\n"
	    "max-body 64k\n"
	    "max-head 1024\n"
	    "head-time 500ms\n"
	    "idle-time 1m30s\n"
	    "drain-time 0\n"
	    "audit-required-for-reads no\n"
	    "debug yes");
	assert_string_equal(c.run_dir, "/tmp/x");
	assert_string_equal(c.shared_socket, "none");
	assert_string_equal(c.policy, "/etc/a b#c");
	assert_string_equal(c.pam_service, "a#b");
	assert_int_equal(c.max_body, 65536);
	assert_int_equal(c.max_head, 1024);
	assert_int_equal(c.head_time, 500);
	assert_int_equal(c.idle_time, 90000);
	assert_int_equal(c.drain_time, 0);
	assert_false(c.audit_reads);
	assert_true(c.debug);
}

static void test_words(void **state _unused_)
{
	bad("run-dri /x\n", "d.conf:1:1: unknown key; did you mean `run-dir'?\n"
	    "run-dri /x\n^~~~~~~\n");
	bad("Debug yes\n", "d.conf:1:1: unknown key; did you mean `debug'?\n"
	    "Debug yes\n^~~~~\n");
	bad("servic x\n", "d.conf:1:1: unknown key; did you mean `service'?\n"
	    "servic x\n^~~~~~\n");
	bad("zzzzzzzzzzzz\n", "d.conf:1:1: unknown key\n"
	    "zzzzzzzzzzzz\n^~~~~~~~~~~~\n");
	bad("debug\n", "d.conf:1:1: `debug' needs a value\ndebug\n^~~~~\n");
	bad("debug # yes\n", "d.conf:1:1: `debug' needs a value\n"
	    "debug # yes\n^~~~~\n");
	bad("debug yes no\n", "d.conf:1:11: `debug' takes one value\n"
	    "debug yes no\n          ^~\n");
	bad("debug yes\ndebug yes\n", "d.conf:2:1: `debug' is given twice\n"
	    "debug yes\n^~~~~\n");
	bad("debug = yes\n", "d.conf:1:9: `debug' takes one value\n"
	    "debug = yes\n        ^~~\n");
	bad("debug \"yes\n", "d.conf:1:7: the quote is not closed\n"
	    "debug \"yes\n      ^~~~\n"
	    "d.conf:1:7: `debug' is yes or no\ndebug \"yes\n      ^~~~\n");
	bad("policy /a\"b\n", "d.conf:1:8: the quote is not closed\n"
	    "policy /a\"b\n       ^~~~\n"
	    "d.conf:1:8: a quote inside a word\n"
	    "policy /a\"b\n       ^~~~\n");
	bad("policy /a\"b #\"\n", "d.conf:1:8: a quote inside a word\n"
	    "policy /a\"b #\"\n       ^~~~~~~\n");
	bad("policy \"/a\"b\n", "d.conf:1:8: a quote inside a word\n"
	    "policy \"/a\"b\n       ^~~~~\n");
	bad("policy /a\r\n", "d.conf:1:8: a control character in a value\n"
	    "policy /a?\n       ^~~\n");
	bad("policy /\xff\n", "d.conf:1:8: the value is not UTF-8\n"
	    "policy /?\n       ^~\n");
}

static void test_ranges(void **state _unused_)
{
	bad("debug true\n", "d.conf:1:7: `debug' is yes or no\n"
	    "debug true\n      ^~~~\n");
	bad("max-head 1023\n", "d.conf:1:10: `max-head' is between 1024 and "
	    "32768\nmax-head 1023\n         ^~~~\n");
	bad("max-head 32769\n", "d.conf:1:10: `max-head' is between 1024 and "
	    "32768\nmax-head 32769\n         ^~~~~\n");
	good("max-head 32k\n");
	bad("max-head -1\n", "d.conf:1:10: `max-head' is a number\n"
	    "max-head -1\n         ^~\n");
	bad("head-time 99ms\n", "d.conf:1:11: `head-time' is between 100ms and "
	    "10s\nhead-time 99ms\n          ^~~~\n");
	good("head-time 100ms\n");
	good("head-time 10s\n");
	bad("head-time 11\n", "d.conf:1:11: `head-time' is between 100ms and "
	    "10s\nhead-time 11\n          ^~\n");
	bad("head-time soon\n", "d.conf:1:11: `head-time' is a time such as "
	    "500ms, 10s or 5m\nhead-time soon\n          ^~~~\n");
	bad("drain-time 61m\n", "d.conf:1:12: `drain-time' is between 0s and "
	    "60m\ndrain-time 61m\n           ^~~\n");
	bad("run-dir run\n", "d.conf:1:9: `run-dir' is an absolute path\n"
	    "run-dir run\n        ^~~\n");
	bad("run-dir none\n", "d.conf:1:9: `run-dir' is an absolute path\n"
	    "run-dir none\n        ^~~~\n");
	bad("shared-socket no\n", "d.conf:1:15: `shared-socket' is an absolute "
	    "path or `none'\nshared-socket no\n              ^~\n");
	bad("pam-directory x\n", "d.conf:1:15: `pam-directory' is an absolute "
	    "path\npam-directory x\n              ^\n");
	bad("pam-service \"\"\n", "d.conf:1:13: the value is empty\n"
	    "pam-service \"\"\n            ^~\n");
}

/* What dockbroker-oci goes by. */
static void test_guard(void **state _unused_)
{
	good("");
	assert_string_equal(c.guard_runtime, "dockbroker");
	assert_string_equal(c.bind_dir, "/var/lib/dockbroker/mnt");
	assert_string_equal(c.unrecorded, "pass");
	assert_string_equal(c.runc, "search");
	good("guard-runtime none\nbind-directory /srv/empty\n"
	    "unrecorded-containers nodev\nrunc /opt/bin/crun\n");
	assert_string_equal(c.guard_runtime, "none");
	assert_string_equal(c.bind_dir, "/srv/empty");
	assert_string_equal(c.unrecorded, "nodev");
	assert_string_equal(c.runc, "/opt/bin/crun");
	good("unrecorded-containers refuse\nguard-runtime runc-guarded\n");
	assert_string_equal(c.unrecorded, "refuse");
	bad("unrecorded-containers no\n", "d.conf:1:23: "
	    "`unrecorded-containers' is pass, nodev or refuse\n"
	    "unrecorded-containers no\n                      ^~\n");
	bad("unrecorded-containers \"pass nodev\"\n", "d.conf:1:23: "
	    "`unrecorded-containers' is pass, nodev or refuse\n"
	    "unrecorded-containers \"pass nodev\"\n"
	    "                      ^~~~~~~~~~~~\n");
	bad("guard-runtime runc\n", "d.conf:1:15: this is runc itself: "
	    "`guard-runtime' is the Engine's name for dockbroker-oci\n"
	    "guard-runtime runc\n              ^~~~\n");
	bad("guard-runtime \"io.containerd.runc.v2\"\n", "d.conf:1:15: this is "
	    "runc itself: `guard-runtime' is the Engine's name for "
	    "dockbroker-oci\nguard-runtime \"io.containerd.runc.v2\"\n"
	    "              ^~~~~~~~~~~~~~~~~~~~~~~\n");
	good("pam-service runc\n");
	bad("runc runc\n", "d.conf:1:6: `runc' is an absolute path or "
	    "`search'\nrunc runc\n     ^~~~\n");
	bad("bind-directory none\n", "d.conf:1:16: `bind-directory' is an "
	    "absolute path\nbind-directory none\n               ^~~~\n");
}

static void test_length(void **state _unused_)
{
	struct buf none = BUF(0);
	char text[300];

	snprintf(text, sizeof(text), "run-dir /%0254d\n", 0);
	good(text);
	assert_int_equal(strlen(c.run_dir), 255);
	snprintf(text, sizeof(text), "run-dir /%0255d\n", 0);
	assert_int_equal(config_parse(&c, "x", slice_from(text),
	    &none), CONFIG_BAD);
}

static void test_service(void **state _unused_)
{
	good("service traefik\n"
	    "service ci.runner-1 path=/srv/ci.sock mode=0600 uid=998 "
	    "containers=yes # ci\n"
	    "service a path=\"/srv/a b\" mode=666 containers=no\n"
	    "run-dir /tmp/r\n");
	assert_int_equal(c.nservices, 3);
	assert_string_equal(c.services[0].name, "traefik");
	assert_string_equal(c.services[0].path, "/tmp/r/services/traefik.sock");
	assert_int_equal(c.services[0].mode, 0660);
	assert_int_equal(c.services[0].uid, WHO_UNSET);
	assert_false(c.services[0].containers);
	assert_string_equal(c.services[1].path, "/srv/ci.sock");
	assert_int_equal(c.services[1].mode, 0600);
	assert_int_equal(c.services[1].uid, 998);
	assert_true(c.services[1].containers);
	assert_string_equal(c.services[2].path, "/srv/a b");
	assert_int_equal(c.services[2].mode, 0666);
	assert_false(c.services[2].containers);
}

static void test_service_faults(void **state _unused_)
{
	char text[300];

	bad("service\n", "d.conf:1:1: a service needs a name\n"
	    "service\n^~~~~~~\n");
	bad("service ../x\n", "d.conf:1:9: a service's name is made of "
	    "letters, digits, `_', `.' and `-', at most 63\n"
	    "service ../x\n        ^~~~\n");
	bad("service x\nservice x path=/y\n", "d.conf:2:9: the service is "
	    "defined twice\nservice x path=/y\n        ^\n");
	bad("service x path=/y\nservice z path=/y\n", "d.conf:2:9: `x' has the "
	    "same path\nservice z path=/y\n        ^\n");
	bad("service x path=y\n", "d.conf:1:16: `path' is an absolute path of "
	    "at most 107 bytes\nservice x path=y\n               ^\n");
	snprintf(text, sizeof(text), "run-dir /%0200d\nservice x\n", 0);
	bad(text, "d.conf:2:9: the path of its socket has more than 107 bytes: "
	    "give a path=\nservice x\n        ^\n");
	snprintf(text, sizeof(text), "run-dir /%089d\nservice xx\n", 0);
	good(text);
	assert_int_equal(strlen(c.services[0].path), 107);
	snprintf(text, sizeof(text), "service x path=/%0106d\n", 0);
	good(text);
	bad("service x mod=1\n", "d.conf:1:11: unknown option; did you mean "
	    "`mode'?\nservice x mod=1\n          ^~~\n");
	bad("service x mode\n", "d.conf:1:11: `mode' needs a value: mode=...\n"
	    "service x mode\n          ^~~~\n");
	bad("service x mode=\n", "d.conf:1:16: `mode' is octal, from 000 to "
	    "0777\nservice x mode=\n               ^\n");
	bad("service x mode=1777\n", "d.conf:1:16: `mode' is octal, from 000 "
	    "to 0777\nservice x mode=1777\n               ^~~~\n");
	bad("service x mode=0668\n", "d.conf:1:16: `mode' is octal, from 000 "
	    "to 0777\nservice x mode=0668\n               ^~~~\n");
	bad("service x uid=4294967295\n", "d.conf:1:15: `uid' is the number of "
	    "a user\nservice x uid=4294967295\n              ^~~~~~~~~~\n");
	bad("service x uid=alice\n", "d.conf:1:15: `uid' is the number of a "
	    "user\nservice x uid=alice\n              ^~~~~\n");
	bad("service x uid=1 uid=2\n", "d.conf:1:17: `uid' is given twice\n"
	    "service x uid=1 uid=2\n                ^~~~~\n");
	bad("service x containers=1\n", "d.conf:1:22: `containers' is yes or "
	    "no\nservice x containers=1\n                     ^\n");
}

static void test_many(void **state _unused_)
{
	_cleanup_(buf_free) struct buf text = BUF(65536), err = BUF(65536);
	size_t shown = 0;

	for (unsigned i = 0; i < 64; i++)
		buf_addf(&text, "service s%u\n", i);
	good(buf_text(&text));
	assert_int_equal(c.nservices, 64);
	buf_addz(&text, "service more\n");
	bad(buf_text(&text), "d.conf:65:9: there are more than 64 services\n"
	    "service more\n        ^~~~\n");
	buf_reset(&text);
	for (unsigned i = 0; i < 100; i++)
		buf_addz(&text, "qqqqqqqqqq\n");
	assert_int_equal(config_parse(&c, "d", buf_slice(&text), &err),
	    CONFIG_BAD);
	for (const char *p = buf_text(&err); (p = strstr(p, "unknown")); p++)
		shown++;
	assert_int_equal(shown, 20);
}

/* ---- conf/dockbroker.conf and the man page name every key ---- */

static void read_source(const char *name, struct buf *out)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	f = fopen(path, "re");
	assert_non_null(f);
	buf_grew(out, fread(buf_room(out, 60000), 1, 60000, f));
	fclose(f);
}

/* With the '#' before keys taken away it is the defaults, each key once. */
static void test_sample(void **state _unused_)
{
	_cleanup_(buf_free) struct buf file = BUF(65536), live = BUF(65536);
	struct slice rest;
	struct config d;
	size_t keys = 0;

	read_source("conf/dockbroker.conf", &file);
	good(buf_text(&file));
	config_defaults(&d);
	assert_memory_equal(&c, &d, sizeof(c));
	rest = buf_slice(&file);
	while (rest.n) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.n > 1 && line.p[0] == '#' && line.p[1] != ' ') {
			keys++;
			buf_add(&live, line.p + 1, line.n - 1);
			buf_addc(&live, '\n');
		}
	}
	good(buf_text(&live));
	assert_int_equal(c.nservices, 1);
	c.nservices = 0;
	memset(c.services, 0, sizeof(c.services));
	assert_memory_equal(&c, &d, sizeof(c));
#define CONFIG_TEXT(id, key, dflt, doc)			keys--;
#define CONFIG_PATH(id, key, dflt, word, doc)		keys--;
#define CONFIG_WORD(id, key, dflt, words, doc)		keys--;
#define CONFIG_NUMBER(id, key, dflt, min, max, doc)	keys--;
#define CONFIG_TIME(id, key, dflt, min, max, doc)	keys--;
#define CONFIG_SWITCH(id, key, dflt, doc)		keys--;
#include "dockbroker/config.def"
	assert_int_equal(keys, 1);		/* service */
}

static void test_manual(void **state _unused_)
{
	static const char *const keys[] = {
#define CONFIG_TEXT(id, key, dflt, doc)			key,
#define CONFIG_PATH(id, key, dflt, word, doc)		key,
#define CONFIG_WORD(id, key, dflt, words, doc)		key,
#define CONFIG_NUMBER(id, key, dflt, min, max, doc)	key,
#define CONFIG_TIME(id, key, dflt, min, max, doc)	key,
#define CONFIG_SWITCH(id, key, dflt, doc)		key,
#include "dockbroker/config.def"
		"service",
	};
	_cleanup_(buf_free) struct buf page = BUF(65536);

	read_source("src/base/dockbroker.conf.5", &page);
	for (size_t i = 0; i < countof(keys); i++) {
		char item[64];

		snprintf(item, sizeof(item), "\n.It Ic %s ", keys[i]);
		if (!strstr(buf_text(&page), item))
			fail_msg("dockbroker.conf.5 lacks %s", keys[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_service_faults),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
