/*
 * Every word that permits or narrows: what its line lets pass, and the nearest
 * that it does not.  Each row is one role that may run, exec, build and more,
 * one line of it, and one thing that a request asks.
 */
#include "policy/test_util.h"

#define HEX	"0123456789012345678901234567890123456789012345678901234567890123"

static struct verdict judge(const char *line, struct facts *f,
    struct policy **keep)
{
	struct buf text = BUF(8192);
	struct rights *r;
	struct verdict v;
	struct who w;

	buf_addf(&text, "role r {\n\tallow all\n\t%s\n}\ngrant r to user alice\n",
	    line);
	*keep = load_good(buf_text(&text));
	r = rights_new(*keep, who_user(&w, 1000, "alice", "dev", NULL));
	policy_decide(r, f, 0, true, &v);
	assert_true(v.allowed == (v.why == WHY_ALLOWED));
	assert_true(v.allowed == (v.nlacks == 0));
	rights_unref(r);
	account_unref(w.account);
	buf_free(&text);
	return v;
}

/* ---- permits ---- */

static const struct permit_case {
	const char *line, *word, *value, *extra;
	enum why why;
} permits[] = {
	/* without a line nothing that reaches out */
	{ "", "bind", "/srv", "ro", WHY_REACH },
	{ "", "publish", "80", "/tcp", WHY_REACH },
	{ "", "capability", "NET_ADMIN", "", WHY_REACH },
	{ "", "device", "/dev/fuse", "rwm", WHY_REACH },
	{ "", "gpu", "count=1", "", WHY_REACH },
	{ "", "host", "network", "", WHY_REACH },
	{ "", "network", "driver=macvlan", "", WHY_REACH },
	{ "", "driver", "volume=nfs", "", WHY_REACH },
	{ "", "security", "seccomp=unconfined", "", WHY_REACH },
	{ "", "sysctl", "net.core.somaxconn", "1", WHY_REACH },
	{ "", "runtime", "runsc", "", WHY_REACH },
	{ "", "logdriver", "syslog", "", WHY_REACH },
	{ "", "privileged", "container", "", WHY_REACH },
	{ "", "remote", "https://x/y", "build", WHY_REACH },
	{ "", "everything", "x", "", WHY_REACH },
	{ "", "unheard-of", "x", "", WHY_REACH },
	{ "allow privileged everything", "everything", "x", "", WHY_ALLOWED },
	{ "allow privileged everything", "bind", "/", "rw", WHY_ALLOWED },
	{ "privileged", "everything", "x", "", WHY_REACH },

	/* bind, with the guard in front; test_permits asks without as well */
	{ "bind /srv", "bind", "/srv", "ro", WHY_ALLOWED },
	{ "bind /srv", "bind", "/srv/a/b", "ro", WHY_ALLOWED },
	{ "bind /srv", "bind", "/srv", "rw", WHY_REACH },
	{ "bind /srv", "bind", "/srv", "", WHY_REACH },
	{ "bind /srv rw", "bind", "/srv", "", WHY_ALLOWED },
	{ "bind /srv rw", "bind", "/srv", "ro", WHY_ALLOWED },
	{ "bind /srv rw", "bind", "/srv2", "rw", WHY_REACH },
	{ "bind /srv rw", "bind", "/", "rw", WHY_REACH },
	{ "bind /srv rw", "bind", "/srv/../etc", "rw", WHY_REACH },
	{ "bind /srv rw", "bind", "srv", "rw", WHY_REACH },
	{ "bind / ro", "bind", "/etc", "ro", WHY_ALLOWED },
	{ "bind / ro", "bind", "/etc", "rw", WHY_REACH },
	{ "bind ~ rw", "bind", "/home/alice", "rw", WHY_ALLOWED },
	{ "bind ~ rw", "bind", "/home/alice/x", "rw", WHY_ALLOWED },
	{ "bind ~ rw", "bind", "/home/alice2", "rw", WHY_REACH },
	{ "bind ~ rw", "bind", "/home/bob", "rw", WHY_REACH },
	{ "bind ~/src rw", "bind", "/home/alice/src/a", "rw", WHY_ALLOWED },
	{ "bind ~/src rw", "bind", "/home/alice", "rw", WHY_REACH },
	{ "bind /data/%u", "bind", "/data/alice", "ro", WHY_ALLOWED },
	{ "bind /data/%u", "bind", "/data/bob", "ro", WHY_REACH },
	{ "bind /data/%u", "bind", "/data/alice2", "ro", WHY_REACH },
	{ "bind /data/%u", "bind", "/data/%u", "ro", WHY_REACH },
	{ "bind /data/%u", "bind", "/data/alice", "rw", WHY_REACH },
	{ "bind /srv/%u-%u/x rw", "bind", "/srv/alice-alice/x", "rw", WHY_ALLOWED },
	{ "bind /srv/%u-%u/x rw", "bind", "/srv/alice-bob/x", "rw", WHY_REACH },
	{ "bind /nfs rw unmapped", "bind", "/nfs/a", "rw", WHY_ALLOWED },
	{ "bind /nfs rw unmapped", "bind", "/nfs2", "rw", WHY_REACH },
	{ "bind /nfs unmapped", "bind", "/nfs/a", "ro", WHY_ALLOWED },
	{ "bind /nfs unmapped", "bind", "/nfs/a", "rw", WHY_REACH },
	{ "bind /srv rw /srv/a ro", "bind", "/srv/a", "rw", WHY_ALLOWED },
	{ "bind /srv ro /srv/a rw", "bind", "/srv/b", "rw", WHY_REACH },

	/* publish */
	{ "publish 80", "publish", "80", "/tcp", WHY_ALLOWED },
	{ "publish 80", "publish", "80", "127.0.0.1/tcp", WHY_ALLOWED },
	{ "publish 80", "publish", "80", "/udp", WHY_ALLOWED },
	{ "publish 80", "publish", "81", "/tcp", WHY_REACH },
	{ "publish 80", "publish", "", "/tcp", WHY_REACH },
	{ "publish 80", "publish", "0", "/tcp", WHY_REACH },
	{ "publish 80", "publish", "080", "/tcp", WHY_REACH },
	{ "publish 80/tcp", "publish", "80", "/tcp", WHY_ALLOWED },
	{ "publish 80/tcp", "publish", "80", "/udp", WHY_REACH },
	{ "publish 80/tcp", "publish", "80", "/", WHY_REACH },
	{ "publish 8000-8010", "publish", "8000", "/tcp", WHY_ALLOWED },
	{ "publish 8000-8010", "publish", "8000-8010", "/tcp", WHY_ALLOWED },
	{ "publish 8000-8010", "publish", "8000-8011", "/tcp", WHY_REACH },
	{ "publish 8000-8010", "publish", "7999", "/tcp", WHY_REACH },
	{ "publish 8000-8010", "publish", "8005-8001", "/tcp", WHY_REACH },
	{ "publish 127.0.0.1:80", "publish", "80", "127.0.0.1/tcp", WHY_ALLOWED },
	{ "publish 127.0.0.1:80", "publish", "80", "/tcp", WHY_REACH },
	{ "publish 127.0.0.1:80", "publish", "80", "0.0.0.0/tcp", WHY_REACH },
	{ "publish 127.0.0.1:80", "publish", "80", "127.0.0.2/tcp", WHY_REACH },
	{ "publish [::1]:80", "publish", "80", "::1/tcp", WHY_ALLOWED },
	{ "publish [::1]:80", "publish", "80", "0:0::1/tcp", WHY_ALLOWED },
	{ "publish [::1]:80", "publish", "80", "::/tcp", WHY_REACH },
	{ "publish random", "publish", "", "/tcp", WHY_ALLOWED },
	{ "publish random", "publish", "80", "/tcp", WHY_REACH },
	{ "publish 1-65535", "publish", "", "/tcp", WHY_REACH },
	{ "publish any", "publish", "", "/tcp", WHY_ALLOWED },
	{ "publish any", "publish", "1-65535", "/tcp", WHY_ALLOWED },
	{ "publish 127.0.0.1:any", "publish", "", "127.0.0.1/tcp", WHY_ALLOWED },
	{ "publish 127.0.0.1:any", "publish", "", "/tcp", WHY_REACH },

	/* capability */
	{ "capability cap_net_admin", "capability", "NET_ADMIN", "", WHY_ALLOWED },
	{ "capability NET_ADMIN", "capability", "NET_RAW", "", WHY_REACH },
	{ "capability NET_ADMIN", "capability", "ALL", "", WHY_REACH },
	{ "capability all", "capability", "ALL", "", WHY_ALLOWED },
	{ "capability all", "capability", "SYS_ADMIN", "", WHY_ALLOWED },

	/* device */
	{ "device /dev/fuse", "device", "/dev/fuse", "rwm", WHY_ALLOWED },
	{ "device /dev/fuse", "device", "/dev/fuse2", "rwm", WHY_REACH },
	{ "device /dev/fuse rw", "device", "/dev/fuse", "rw", WHY_ALLOWED },
	{ "device /dev/fuse rw", "device", "/dev/fuse", "rwm", WHY_REACH },
	{ "device /dev/fuse rw", "device", "/dev/fuse", "", WHY_REACH },
	{ "device /dev/ttyUSB*", "device", "/dev/ttyUSB0", "rwm", WHY_ALLOWED },
	{ "device /dev/*", "device", "/dev/net/tun", "rwm", WHY_REACH },
	{ "device /dev/**", "device", "/dev/net/tun", "rwm", WHY_ALLOWED },
	{ "device /dev/**", "device", "/dev/../etc", "rwm", WHY_REACH },
	{ "device /dev/**", "device", "driver=x", "rwm", WHY_REACH },

	/* gpu */
	{ "gpu 1", "gpu", "count=1", "", WHY_ALLOWED },
	{ "gpu 1", "gpu", "id=7", "", WHY_ALLOWED },
	{ "gpu 1", "gpu", "count=2", "", WHY_REACH },
	{ "gpu 1", "gpu", "count=-1", "", WHY_REACH },
	{ "gpu 1", "gpu", "id=all", "", WHY_REACH },
	{ "gpu all", "gpu", "count=-1", "", WHY_ALLOWED },
	{ "gpu all", "gpu", "count=-1", "NVIDIA_VISIBLE_DEVICES", WHY_ALLOWED },
	{ "gpu id=0 GPU-a*", "gpu", "id=0", "", WHY_ALLOWED },
	{ "gpu id=0 GPU-a*", "gpu", "id=GPU-ab", "", WHY_ALLOWED },
	{ "gpu id=0 GPU-a*", "gpu", "id=1", "", WHY_REACH },
	{ "gpu id=0 GPU-a*", "gpu", "count=1", "", WHY_REACH },
	{ "gpu id=*", "gpu", "id=all", "", WHY_REACH },

	/* host */
	{ "host network", "host", "network", "", WHY_ALLOWED },
	{ "host network", "host", "pid", "", WHY_REACH },
	{ "host pid ipc uts", "host", "uts", "", WHY_ALLOWED },
	{ "host pid ipc uts", "host", "userns", "", WHY_REACH },

	/* network */
	{ "network driver macvlan", "network", "driver=macvlan", "", WHY_ALLOWED },
	{ "network driver macvlan", "network", "driver=ipvlan", "", WHY_REACH },
	{ "network driver macvlan", "network", "option=parent", "eth0", WHY_REACH },
	{ "network option parent=eth1", "network", "option=parent", "eth1", WHY_ALLOWED },
	{ "network option parent=eth1", "network", "option=parent", "eth0", WHY_REACH },
	{ "network option parent", "network", "option=parent", "eth0", WHY_ALLOWED },
	{ "network option parent", "network", "option=mtu", "1", WHY_REACH },
	{ "network subnet 10.2.0.0/16", "network", "subnet=10.2.3.0/24", "", WHY_ALLOWED },
	{ "network subnet 10.2.0.0/16", "network", "gateway=10.2.3.1", "", WHY_ALLOWED },
	{ "network subnet 10.2.0.0/16", "network", "subnet=10.3.3.0/24", "", WHY_REACH },
	{ "network subnet 10.2.0.0/16", "network", "subnet=10.2.0.0/15", "", WHY_REACH },
	{ "network subnet 10.2.0.0/16", "network", "subnet=::/0", "", WHY_REACH },
	{ "network subnet 10.2.0.0/16", "network", "subnet=x", "", WHY_REACH },
	{ "network subnet fd00::/8", "network", "subnet=fd12::/64", "", WHY_ALLOWED },
	{ "network subnet fd00::/8", "network", "subnet=fc12::/64", "", WHY_REACH },
	{ "network subnet any", "network", "subnet=1.2.3.0/24", "", WHY_ALLOWED },
	{ "network subnet any", "network", "address=1.2.3.4", "", WHY_REACH },
	{ "network address", "network", "address=1.2.3.4", "", WHY_ALLOWED },
	{ "network address 10.0.0.0/8", "network", "address=10.9.9.9", "", WHY_ALLOWED },
	{ "network address 10.0.0.0/8", "network", "address=11.9.9.9", "", WHY_REACH },
	{ "network mac", "network", "mac=02:42:ac:11:00:02", "", WHY_ALLOWED },
	{ "network mac", "network", "host-gateway", "", WHY_REACH },
	{ "network host-gateway", "network", "host-gateway", "", WHY_ALLOWED },
	{ "network host-gateway", "network", "ingress", "", WHY_REACH },
	{ "network driver *", "network", "scope=swarm", "", WHY_REACH },

	/* driver */
	{ "driver rclone", "driver", "volume=rclone", "", WHY_ALLOWED },
	{ "driver rclone", "driver", "volume=rclone2", "", WHY_REACH },
	{ "driver rclone", "driver", "option=device", "x", WHY_REACH },
	{ "driver option type=nfs", "driver", "option=type", "nfs", WHY_ALLOWED },
	{ "driver option type=nfs", "driver", "option=type", "none", WHY_REACH },
	{ "driver option type=nfs", "driver", "option=type", "", WHY_REACH },
	{ "driver storage size", "driver", "storage=size", "", WHY_ALLOWED },
	{ "driver storage size", "driver", "storage=other", "", WHY_REACH },

	/* security, sysctl, runtime, logdriver, privileged */
	{ "security apparmor=docker-*", "security", "apparmor=docker-x", "", WHY_ALLOWED },
	{ "security apparmor=docker-*", "security", "apparmor=unconfined", "", WHY_REACH },
	{ "security seccomp=unconfined", "security", "seccomp=custom", "", WHY_REACH },
	{ "sysctl net.ipv4.*", "sysctl", "net.ipv4.ip_forward", "1", WHY_ALLOWED },
	{ "sysctl net.ipv4.*", "sysctl", "net.core.somaxconn", "1", WHY_REACH },
	{ "sysctl a.b=1", "sysctl", "a.b", "1", WHY_ALLOWED },
	{ "sysctl a.b=1", "sysctl", "a.b", "2", WHY_REACH },
	{ "runtime runsc", "runtime", "runsc", "", WHY_ALLOWED },
	{ "runtime runsc", "runtime", "kata", "", WHY_REACH },
	{ "runtime runsc", "runtime", "annotation=x", "", WHY_REACH },
	{ "runtime annotation org.x.*", "runtime", "annotation=org.x.y", "", WHY_ALLOWED },
	{ "runtime annotation org.x.*", "runtime", "annotation=org.y", "", WHY_REACH },
	{ "runtime annotation org.x.*", "runtime", "org.x.y", "", WHY_REACH },
	{ "logdriver syslog", "logdriver", "syslog", "", WHY_ALLOWED },
	{ "logdriver syslog", "logdriver", "gelf", "", WHY_REACH },
	{ "logdriver syslog", "logdriver", "option=tag", "", WHY_REACH },
	{ "logdriver option tag", "logdriver", "option=tag", "", WHY_ALLOWED },
	{ "logdriver option tag", "logdriver", "option=labels", "", WHY_REACH },
	{ "privileged", "privileged", "container", "", WHY_ALLOWED },
	{ "privileged", "privileged", "exec", "", WHY_ALLOWED },
	{ "privileged exec", "privileged", "exec", "", WHY_ALLOWED },
	{ "privileged exec", "privileged", "container", "", WHY_REACH },

	/* remote */
	{ "remote https://github.com/acme/**", "remote", "https://github.com/acme/x.git#main:d", "build", WHY_ALLOWED },
	{ "remote https://github.com/acme/**", "remote", "https://github.com/evil/x.git", "build", WHY_REACH },
	{ "remote https://github.com/acme/**", "remote", "http://github.com/acme/x", "build", WHY_REACH },
	{ "remote https://github.com/acme/**", "remote", "https://github.com/acme/../evil", "build", WHY_REACH },
	{ "remote https://github.com/acme/**", "remote", "https://github.com/acme/%2e%2e/evil", "build", WHY_REACH },
	{ "remote https://github.com/acme/**", "remote", "https://github.com@evil/acme/x", "build", WHY_REACH },
	{ "remote https://github.com/acme/*", "remote", "https://github.com/acme/x/y", "build", WHY_REACH },
	{ "remote https://*.x.org/**", "remote", "https://a.x.org/f", "import", WHY_ALLOWED },
	{ "remote https://*.x.org/**", "remote", "https://evil.com#.x.org/f", "import", WHY_REACH },
	{ "remote https://*.x.org/**", "remote", "https://evil.com?.x.org/f", "import", WHY_REACH },
	{ "remote https://*.x.org/**", "remote", "https://evil.com/.x.org/f", "import", WHY_REACH },
	{ "remote https://*.x.org/**", "remote", "https://evil.com:1@a.x.org/f", "import", WHY_REACH },
	{ "remote https://*.x.org/**", "remote", "https://a.x.org:8443/f", "import", WHY_REACH },
	{ "remote https://**", "remote", "https://any.where:1/a/b", "import", WHY_ALLOWED },
	{ "remote https://**", "remote", "http://any.where/a", "import", WHY_REACH },
	{ "remote **", "remote", "http://any/%2e/..", "import", WHY_ALLOWED },
	{ "remote git@github.com:acme/*", "remote", "git@github.com:acme/x", "build", WHY_ALLOWED },
	{ "remote git@github.com:acme/*", "remote", "git@evil.com:acme/x", "build", WHY_REACH },

	/* registries: those that images come from */
	{ "", "remote", "ghcr.io", "login", WHY_ALLOWED },
	{ "", "remote", "ghcr.io", "import", WHY_REACH },
	{ "image alpine", "remote", "docker.io", "login", WHY_ALLOWED },
	{ "image alpine", "remote", "ghcr.io", "login", WHY_REACH },
	{ "image ghcr.io/a/*", "remote", "ghcr.io", "push", WHY_ALLOWED },
	{ "image ghcr.io/a/*", "remote", "quay.io", "push", WHY_REACH },
	{ "image **", "remote", "ghcr.io", "search", WHY_ALLOWED },
	{ "image alpine\n\tremote *.x.org", "remote", "r.x.org", "login", WHY_ALLOWED },
	{ "image alpine\n\tremote *.x.org", "remote", "x.org", "login", WHY_REACH },
};

static enum why asked(const struct permit_case *c, bool cut, bool guarded)
{
	struct reach reach = { .word = c->word, .path = SLICE("Field"),
		.value = slice_from(c->value), .extra = slice_from(c->extra),
		.cut = cut };
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.nreach = 1, .reach = &reach, .guarded = guarded };
	struct policy *p;
	enum why why = judge(c->line, &f, &p).why;

	policy_unref(p);
	return why;
}

static void test_permits(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(permits); i++) {
		const struct permit_case *c = &permits[i];
		enum why got = asked(c, false, true);
		bool line = c->why == WHY_ALLOWED &&
		    strstr(c->line, "everything") == NULL;

		if (got != c->why)
			fail_msg("\"%s\": %s \"%s\" \"%s\": %d, not %d", c->line,
			    c->word, c->value, c->extra, got, c->why);
		/* what was cut off could be anything */
		if (line)
			assert_int_equal(asked(c, true, true), WHY_REACH);
		/* without the guard binds are not good, and all else is */
		got = asked(c, false, false);
		assert_int_equal(got, line && strcmp(c->word, "bind") == 0 ?
		    WHY_BIND : c->why);
	}
}

/* Two of one device each are two. */
static void test_gpu_sum(void **state)
{
	struct reach reach[2] = {
		{ "gpu", SLICE("a"), SLICE("count=1"), SLICE(""), false },
		{ "gpu", SLICE("b"), SLICE("id=3"), SLICE(""), false },
	};
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.nreach = 2, .reach = reach };
	struct policy *p;

	(void)state;
	assert_int_equal(judge("gpu 2", &f, &p).why, WHY_ALLOWED);
	policy_unref(p);
	assert_int_equal(judge("gpu 1", &f, &p).nlacks, 2);
	policy_unref(p);
}

/* ---- images ---- */

static const struct image_case {
	const char *line, *name, *id;
	const char *tags[2];		/* of the image that is there */
	enum why why;
} images[] = {
	{ "", "evil/x", "", { NULL }, WHY_ALLOWED },
	{ "image alpine", "alpine", "", { NULL }, WHY_ALLOWED },
	{ "image alpine", "alpine:3.19", "", { NULL }, WHY_ALLOWED },
	{ "image alpine", "docker.io/library/alpine", "", { NULL }, WHY_ALLOWED },
	{ "image alpine", "evil/alpine", "", { NULL }, WHY_NARROW },
	{ "image alpine", "localhost/alpine", "", { NULL }, WHY_NARROW },
	{ "image alpine:3.*", "alpine:3.19", "", { NULL }, WHY_ALLOWED },
	{ "image alpine:3.*", "alpine", "", { NULL }, WHY_NARROW },
	{ "image alpine:3.*", "alpine@sha256:" HEX, "", { NULL }, WHY_NARROW },
	{ "image alpine:3.*", "alpine:3.1@sha256:" HEX, "", { NULL }, WHY_NARROW },
	{ "image docker.io/library/*", "postgres:16", "", { NULL }, WHY_ALLOWED },
	{ "image docker.io/library/*", "a/postgres:16", "", { NULL }, WHY_NARROW },
	{ "image docker.io/*", "a/postgres", "", { NULL }, WHY_NARROW },
	{ "image docker.io/**", "a/postgres", "", { NULL }, WHY_ALLOWED },
	{ "image docker.io/**", "ghcr.io/a/postgres", "", { NULL }, WHY_NARROW },
	{ "image ghcr.io/a/*", "ghcr.io/a/b", "", { NULL }, WHY_ALLOWED },
	{ "image ghcr.io/a/*", "ghcr.io/a/b/c", "", { NULL }, WHY_NARROW },
	{ "image ghcr.io/a/**", "ghcr.io/a/b/c", "", { NULL }, WHY_ALLOWED },
	{ "image %u/**", "alice/app", "", { NULL }, WHY_ALLOWED },
	{ "image %u/**", "bob/app", "", { NULL }, WHY_NARROW },
	{ "image alpine@sha256:" HEX, "alpine@sha256:" HEX, "", { NULL }, WHY_ALLOWED },
	{ "image alpine@sha256:" HEX, "alpine", "", { NULL }, WHY_NARROW },
	{ "image alpine@sha256:" HEX, "alpine", "sha256:aa",
	    { "docker.io/library/alpine:latest",
	    "docker.io/library/alpine@sha256:" HEX }, WHY_ALLOWED },
	{ "image sha256:" HEX, "sha256:" HEX, "sha256:" HEX, { NULL }, WHY_ALLOWED },
	{ "image sha256:" HEX, "x", "sha256:" HEX, { NULL }, WHY_ALLOWED },
	{ "image sha256:" HEX, "x", "sha256:ab", { NULL }, WHY_NARROW },
	/* by its id: any of its names */
	{ "image alpine", "abcd", "sha256:abcdef",
	    { "docker.io/evil/x:1", "docker.io/library/alpine:3" }, WHY_ALLOWED },
	{ "image alpine", "sha256:abcd", "sha256:abcdef",
	    { "docker.io/library/alpine:3" }, WHY_ALLOWED },
	{ "image alpine", "abcd", "sha256:abcdef",
	    { "docker.io/evil/x:1" }, WHY_NARROW },
	/* a short id that reads like a name that is allowed */
	{ "image abcd", "abcd", "sha256:abcdef",
	    { "docker.io/evil/x:1" }, WHY_NARROW },
	{ "image abcd", "abcd", "sha256:abcdef",
	    { "docker.io/library/abcd:latest" }, WHY_ALLOWED },
	{ "allow privileged everything\n\timage alpine", "evil/x", "", { NULL },
	    WHY_ALLOWED },
};

static void test_images(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(images); i++) {
		const struct image_case *c = &images[i];
		struct slice tags[2] = { slice_from(c->tags[0]),
			slice_from(c->tags[1]) };
		struct object o = { .kind = OBJECT_IMAGE, .common = true,
			.id = slice_from(c->id), .tags = tags,
			.ntags = (size_t)(c->tags[0] != NULL) +
			(size_t)(c->tags[1] != NULL) };
		struct ref ref = { .kind = OBJECT_IMAGE, .use = REF_USE,
			.path = SLICE("Image"), .name = slice_from(c->name),
			.state = REF_FOUND, .object = &o };
		struct facts f = { .endpoint = endpoint_of("container.create"),
			.nrefs = 1, .refs = &ref };
		struct policy *p;
		struct verdict v = judge(c->line, &f, &p);

		if (v.why != c->why)
			fail_msg("\"%s\": %s: %d, not %d", c->line, c->name,
			    v.why, c->why);
		policy_unref(p);
	}
}

/* Pulls go by the name, builds by what they begin from. */
static void test_pulls(void **state)
{
	static const char *const cases[][3] = {
		{ "", "docker.io/evil/x:latest", "+" },
		{ "image alpine", "docker.io/library/alpine:latest", "+" },
		{ "image alpine", "docker.io/evil/alpine:latest", "-" },
		{ "image alpine", "docker.io/library/alpine", "+" },
		{ "image alpine:3", "docker.io/library/alpine", "-" },
		{ "image alpine:3", "docker.io/library/alpine:3", "+" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct ref ref = { .kind = OBJECT_TAG, .use = REF_GIVE,
			.name = slice_from(cases[i][1]), .state = REF_MISSING };
		struct facts f = { .endpoint = endpoint_of("image.pull"),
			.nrefs = 1, .refs = &ref };
		struct policy *p;

		assert_true(judge(cases[i][0], &f, &p).allowed ==
		    (cases[i][2][0] == '+'));
		policy_unref(p);
		f.endpoint = endpoint_of("image.build");
		ref = (struct ref){ .kind = OBJECT_IMAGE, .use = REF_USE,
			.name = slice_from(cases[i][1]), .state = REF_MISSING };
		if (strchr(cases[i][1] + 10, ':') == NULL)
			continue;
		assert_true(judge(cases[i][0], &f, &p).allowed ==
		    (cases[i][2][0] == '+'));
		policy_unref(p);
	}
}

/* ---- exec ---- */

static const struct exec_case {
	const char *line, *user;
	const char *args[4];
	enum why why;
} execs[] = {
	{ "", "root", { "sh", NULL }, WHY_ALLOWED },
	{ "command ls", "", { "ls", NULL }, WHY_ALLOWED },
	{ "command ls", "", { "ls", "-l", NULL }, WHY_NARROW },
	{ "command ls", "", { "lsx", NULL }, WHY_NARROW },
	{ "command ls", "", { NULL }, WHY_NARROW },
	{ "command \"ls ...\"", "", { "ls", NULL }, WHY_ALLOWED },
	{ "command \"ls ...\"", "", { "ls", "a b", "c", NULL }, WHY_ALLOWED },
	{ "command \"ls ...\"", "", { "sh", "ls", NULL }, WHY_NARROW },
	{ "command \"git *\"", "", { "git", "x/y z", NULL }, WHY_ALLOWED },
	{ "command \"git *\"", "", { "git", "x", "y", NULL }, WHY_NARROW },
	{ "command \"git *\"", "", { "git x", NULL }, WHY_NARROW },
	{ "command \"sh -c 'echo hi'\"", "", { "sh", "-c", "echo hi", NULL }, WHY_ALLOWED },
	{ "command \"sh -c 'echo hi'\"", "", { "sh", "-c", "echo hi; x", NULL }, WHY_NARROW },
	{ "command \"sh -c 'echo hi'\"", "", { "sh", "-c", "echo", NULL }, WHY_NARROW },
	{ "command \"x '...'\"", "", { "x", "...", NULL }, WHY_ALLOWED },
	{ "command \"x '...'\"", "", { "x", "y", NULL }, WHY_NARROW },
	{ "exec as default", "", { "sh", NULL }, WHY_ALLOWED },
	{ "exec as default", "root", { "sh", NULL }, WHY_NARROW },
	{ "exec as www-data 1000", "www-data", { "sh", NULL }, WHY_ALLOWED },
	{ "exec as www-data 1000", "1000", { "sh", NULL }, WHY_ALLOWED },
	{ "exec as www-data 1000", "", { "sh", NULL }, WHY_NARROW },
	{ "exec as www-data 1000", "www-data:root", { "sh", NULL }, WHY_NARROW },
	{ "exec as www-data 1000", "0", { "sh", NULL }, WHY_NARROW },
	{ "exec as %u", "alice", { "sh", NULL }, WHY_ALLOWED },
	{ "exec as %u", "bob", { "sh", NULL }, WHY_NARROW },
	{ "command ls\n\tallow privileged everything", "", { "sh", NULL }, WHY_ALLOWED },
};

static void test_execs(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(execs); i++) {
		const struct exec_case *c = &execs[i];
		struct slice args[4];
		struct facts f = { .endpoint = endpoint_of("container.exec"),
			.args = args, .user = slice_from(c->user) };
		struct policy *p;
		struct verdict v;

		while (f.nargs < 4 && c->args[f.nargs] != NULL) {
			args[f.nargs] = slice_from(c->args[f.nargs]);
			f.nargs++;
		}
		v = judge(c->line, &f, &p);
		if (v.why != c->why)
			fail_msg("%zu: \"%s\": %d, not %d", i, c->line, v.why,
			    c->why);
		policy_unref(p);
		/* other requests have arguments as well */
		f.endpoint = endpoint_of("container.create");
		assert_true(judge(c->line, &f, &p).allowed);
		policy_unref(p);
	}
}

/* ---- limits ---- */

#define G	(INT64_C(1) << 30)

static const struct limit_case {
	const char *line;
	struct usage used, asked;
	size_t lacks;
} limits[] = {
	{ "", { .containers = 1000 }, { .containers = 1 }, 0 },
	{ "limit containers 20", { .containers = 19 }, { .containers = 1 }, 0 },
	{ "limit containers 20", { .containers = 20 }, { .containers = 1 }, 1 },
	{ "limit containers 20", { .containers = 30 }, { 0 }, 0 },
	{ "limit containers 0", { 0 }, { .containers = 1 }, 1 },
	{ "limit memory 8g", { .memory = 6 * G }, { .memory = 2 * G }, 0 },
	{ "limit memory 8g", { .memory = 6 * G }, { .memory = 2 * G + 1 }, 1 },
	{ "limit memory 8g", { 0 }, { .memory = INT64_MAX }, 1 },
	{ "limit memory 8g each 2g", { 0 }, { .memory = 2 * G }, 0 },
	{ "limit memory 8g each 2g", { 0 }, { .memory = 3 * G }, 1 },
	{ "limit cpus 1.5", { 0 }, { .nano_cpus = 1500000000 }, 0 },
	{ "limit cpus 1.5", { 0 }, { .nano_cpus = 1500000001 }, 1 },
	{ "limit pids 100, ports 2", { 0 }, { .pids = 100, .ports = 2 }, 0 },
	{ "limit pids 100, ports 2", { 0 }, { .pids = 101, .ports = 3 }, 2 },
	{ "limit volumes 1, networks 1", { 0 }, { .volumes = 1 }, 0 },
	{ "limit volumes 1, networks 1", { .volumes = 1 }, { .volumes = 1 }, 1 },
	{ "limit volumes 1, networks 1", { .volumes = 1 }, { .networks = 1 }, 0 },
	{ "limit containers 1\n\tallow privileged everything",
	    { .containers = 1 }, { .containers = 1 }, 1 },
};

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(limits); i++) {
		const struct limit_case *c = &limits[i];
		struct facts f = { .endpoint = endpoint_of("container.create"),
			.used = c->used, .asked = c->asked };
		struct policy *p;
		struct verdict v = judge(c->line, &f, &p);

		if (v.nlacks != c->lacks)
			fail_msg("%zu: \"%s\": %zu lacks", i, c->line, v.nlacks);
		assert_true(v.allowed || v.why == WHY_LIMIT);
		policy_unref(p);
	}
}

/* What is left open gets a number of the role. */
static void test_defaults(void **state)
{
	struct facts f = { .endpoint = endpoint_of("container.create"),
		.open = OPEN_MEMORY | OPEN_CPUS | OPEN_PIDS };
	const char *line = "limit memory 8g each 2g default 1g, cpus 4 each 2, pids 9";
	struct policy *p;
	struct verdict v = judge(line, &f, &p);

	(void)state;
	assert_true(v.memory == G && v.nano_cpus == 2000000000 && v.pids == 9);
	policy_unref(p);
	f.open = OPEN_CPUS;
	v = judge(line, &f, &p);
	assert_true(v.memory == 0 && v.nano_cpus == 2000000000 && v.pids == 0);
	policy_unref(p);
	f.open = OPEN_MEMORY;
	v = judge("", &f, &p);
	assert_true(v.memory == 0);
	policy_unref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permits),
		cmocka_unit_test(test_gpu_sum),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_pulls),
		cmocka_unit_test(test_execs),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
