/*
 * judge.c: what the value of a field means.  Whatever lets a container reach
 * beyond itself becomes a reach of the facts, by the word that can permit it;
 * the default of the Engine never does.  Judges run after the value has been
 * checked against its row, and see it as the client sent it: a text where
 * the row says ARGV, null in lists and maps.
 *
 * Values of variables, labels, driver and log options are never shown: they
 * may be secrets.
 */
#include <stdio.h>
#include <string.h>

#include "docker/body_int.h"
#include "docker/names.h"

#define PATH_SHOWN	512		/* bytes */

static void reach(struct walk *w, const char *word, const struct step *at,
    struct slice value)
{
	_cleanup_(buf_free) struct buf path = BUF(PATH_SHOWN);

	step_write(at, &path);
	facts_reach(w->facts, word, buf_ok(&path) ? buf_slice(&path) : SLICE(""),
	    value);
}

static struct slice member(const struct node *o, const char *name)
{
	return node_text(node_get(o, name));
}

static bool has(struct slice s, const char *part)
{
	return s.n && memmem(s.p, s.n, part, strlen(part));
}

/* As the Engine understands a volume's name. */
static bool volume_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9');

		if (!letter && (i == 0 || (c != '_' && c != '.' && c != '-')))
			return false;
	}
	return s.n > 0;
}

/* ---- for any field ---- */

void judge_drop(struct walk *w _unused_, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v _unused_)
{
	/* body.c never writes these */
}

static struct slice scalar(const struct node *v, char text[static 32])
{
	if (node_is(v, NODE_INT)) {
		snprintf(text, 32, "%lld", (long long)node_integer(v));
		return slice_from(text);
	}
	if (node_is(v, NODE_TRUE))
		return SLICE("true");
	return node_is(v, NODE_TEXT) ? node_text(v) : SLICE("");
}

void judge_reach(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	char text[32];

	if (!node_zero(v))
		reach(w, f->word, at, scalar(v, text));
}

void judge_quiet(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	if (!node_zero(v))
		reach(w, f->word, at, SLICE(""));
}

void judge_present(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	reach(w, f->word, at, node_first(v) ? SLICE("") : SLICE("[]"));
}

void judge_negative(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (node_integer(v) < 0)
		judge_reach(w, f, at, v);
}

void judge_unless(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	if (!list_has(f->check + 1, node_text(v)))
		reach(w, f->word, at, node_text(v));
}

typedef void element_fn(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v);

/* Of a list, a map, or one text that stands for a list. */
static void for_each(struct walk *w, const struct field *f,
    const struct step *up, const struct node *v, element_fn *fn)
{
	size_t i = 0;

	if (node_is(v, NODE_TEXT))
		fn(w, f, up, v);
	for (const struct node *e = node_first(v); e; e = e->next, i++) {
		struct step at = { up, e->key, i };

		fn(w, f, &at, e);
	}
}

/* An empty element is no default: it reaches as well. */
static void each_shown(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	char text[32];

	reach(w, f->word, at, scalar(v, text));
}

static void each_hidden(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	reach(w, f->word, at, SLICE(""));
}

void judge_each(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, each_shown);
}

void judge_each_quiet(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, each_hidden);
}

/* ---- containers ---- */

/* Variables that make a runtime's hook hand out devices. */
static void variable(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	static const char devices[] =
	    "NVIDIA_VISIBLE_DEVICES|NVIDIA_MIG_CONFIG_DEVICES|"
	    "NVIDIA_MIG_MONITOR_DEVICES|NVIDIA_IMEX_CHANNELS|"
	    "AMD_VISIBLE_DEVICES|HABANA_VISIBLE_DEVICES|"
	    "ASCEND_VISIBLE_DEVICES";
	struct slice value = node_text(v), name = slice_cut(&value, '=');

	if (value.n && !list_has("void|none", value) && list_has(devices, name))
		reach(w, f->word, at, name);
}

void judge_env(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, variable);
}

static void label(struct walk *w, const struct field *f _unused_,
    const struct step *at, const struct node *v _unused_)
{
	if (slice_starts(at->name, SLICE("dockbroker.")))
		walk_fault(w, at, "is reserved for dockbroker itself");
}

void judge_labels(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, label);
}

/* "name:/path[:ro,nocopy]" stays inside; a path on the host does not, nor do
 * options that relabel or propagate. */
static void bind(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct slice rest = node_text(v), source;

	if (!rest.n || !memchr(rest.p, ':', rest.n))
		return;		/* one path alone is an anonymous volume */
	source = slice_cut(&rest, ':');
	slice_cut(&rest, ':');
	if (!volume_name(source) || !list_has("|ro|rw|nocopy|ro,nocopy|"
	    "rw,nocopy|nocopy,ro|nocopy,rw", rest))
		reach(w, f->word, at, node_text(v));
}

void judge_binds(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, bind);
}

static void mount(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct slice type = member(v, "Type"), source = member(v, "Source"),
	    target = member(v, "Target");
	_cleanup_(buf_free) struct buf text = BUF(16 * 1024);
	const char *word = f->word;

	if (slice_is(type, "tmpfs") && !source.n)
		return;
	if (slice_is(type, "volume") && (!source.n || volume_name(source)))
		return;
	if (slice_is(type, "image"))
		word = "image";
	else if (slice_is(type, "cluster"))
		word = "driver";
	buf_adds(&text, source);
	buf_addc(&text, ':');
	buf_adds(&text, target);
	reach(w, word, at, buf_slice(&text));
}

void judge_mounts(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, mount);
}

static void tmpfs(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	struct slice options = node_text(v);

	while (options.n) {
		struct slice one = slice_cut(&options, ','), name = slice_cut(&one, '=');

		if (!list_has("rw|ro|exec|noexec|nosuid|nodev|size|mode|uid|gid|"
		    "nr_inodes|nr_blocks|noatime|relatime|nodiratime|"
		    "strictatime|sync|async|dirsync|defaults|", name)) {
			reach(w, f->word, at, node_text(v));
			return;
		}
	}
}

void judge_tmpfs(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, tmpfs);
}

static void security_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (!list_has("no-new-privileges|no-new-privileges:true|"
	    "no-new-privileges=true", node_text(v)))
		reach(w, f->word, at, node_text(v));
}

void judge_security_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, security_option);
}

static void device_path(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice path = member(v, "PathOnHost");

	reach(w, f->word, at, path.p ? path : member(v, "Path"));
}

void judge_device_paths(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, device_path);
}

static void device_request(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	const struct node *ids = node_first(node_get(v, "DeviceIDs"));
	bool gpu = slice_is(member(v, "Driver"), "nvidia");
	_cleanup_(buf_free) struct buf text = BUF(4096);
	const char *comma = " ids=";

	for (const struct node *all = node_first(node_get(v, "Capabilities"));
	    all; all = all->next) {
		for (const struct node *e = node_first(all); e; e = e->next)
			gpu |= slice_is(node_text(e), "gpu");
	}
	buf_addz(&text, "count=");
	buf_addi(&text, node_integer(node_get(v, "Count")));
	for (; ids; ids = ids->next) {
		buf_addz(&text, comma);
		buf_adds(&text, node_text(ids));
		comma = ",";
	}
	reach(w, gpu ? f->word : "device", at,
	    buf_ok(&text) ? buf_slice(&text) : SLICE("many"));
}

void judge_device_requests(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, device_request);
}

static void ulimit(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice name = member(v, "Name");

	if (!ulimit_harmless(name))
		reach(w, f->word, at, name);
}

void judge_ulimits(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, ulimit);
}

static void extra_host(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (has(node_text(v), "host-gateway"))
		reach(w, f->word, at, node_text(v));
}

void judge_extra_hosts(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, extra_host);
}

static void log_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	if (!list_has("max-size|max-file|compress", at->name))
		reach(w, f->word, at, SLICE(""));
}

void judge_log_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, log_option);
}

/* ---- networks ---- */

/* A network's name is harmless; the host's and another container's are not. */
static void network_mode(struct walk *w, const struct field *f,
    const struct step *at, struct slice mode)
{
	if (slice_is(mode, "host"))
		reach(w, "host", at, mode);
	else if (slice_starts(mode, SLICE("container:")))
		reach(w, f->word, at, mode);
}

void judge_network_mode(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	network_mode(w, f, at, node_text(v));
}

static void endpoint(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	network_mode(w, f, at, at->name);
}

void judge_endpoints(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, endpoint);
}

static void attachment(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	network_mode(w, f, at, member(v, "Target"));
}

void judge_attachments(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, attachment);
}

static void binding(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice ip = member(v, "HostIp"), port = member(v, "HostPort");
	char text[128];

	snprintf(text, sizeof(text), "%.*s:%.*s", SLICE_ARG(ip), SLICE_ARG(port));
	reach(w, f->word, at, slice_from(text));
}

/* A port without bindings is published by some versions, on any port. */
static void port(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	if (!node_first(v))
		reach(w, f->word, at, SLICE(""));
	for_each(w, f, at, v, binding);
}

void judge_ports(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, port);
}

static void service_port(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	char text[32];

	reach(w, f->word, at, scalar(node_get(v, "PublishedPort"), text));
}

void judge_service_ports(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, service_port);
}

/* Values are shown where they name something and cannot be a password. */
static void driver_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	bool shown = list_has("type|device|parent|macvlan_mode|ipvlan_mode",
	    at->name) || slice_starts(at->name, SLICE("com.docker.network."));

	reach(w, f->word, at, shown && node_is(v, NODE_TEXT) ? node_text(v) : SLICE(""));
}

void judge_driver_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, driver_option);
}

static void network_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (!list_has("com.docker.network.driver.mtu|"
	    "com.docker.network.bridge.enable_icc|"
	    "com.docker.network.bridge.enable_ip_masquerade", at->name))
		driver_option(w, f, at, v);
}

void judge_network_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, network_option);
}
