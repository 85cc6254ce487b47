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
#define VALUE_MAX	(256 * 1024)	/* bytes; facts_reach says what is too long */

/* facts and policy know a word by its text: one copy of each. */
static const char *word_find(const char *word, size_t n)
{
	static const char *const words[] = {
		"bind", "publish", "capability", "device", "gpu", "host",
		"network", "driver", "security", "sysctl", "runtime",
		"logdriver", "privileged", "remote"
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (slice_is((struct slice){ word, n }, words[i]))
			return words[i];
	}
	return "everything";
}

void reach_add(struct walk *w, const char *word, const struct step *at,
    struct slice value, struct slice extra)
{
	_cleanup_(buf_free) struct buf path = BUF(PATH_SHOWN), text = BUF(VALUE_MAX);
	size_t n = strcspn(word, " ");
	const char *kind = word + n + (word[n] == ' ');

	step_write(at, &path);
	if (*kind) {
		buf_addz(&text, kind);
		if (kind[strlen(kind) - 1] == '=')
			buf_adds(&text, value);
		value = buf_slice(&text);
	}
	if (text.failed)
		w->no_memory = true;
	facts_reach(w->facts, word_find(word, n),
	    buf_ok(&path) ? buf_slice(&path) : SLICE(""), value, extra);
}

struct slice member(const struct node *o, const char *name)
{
	return node_text(node_get(o, name));
}

bool has(struct slice s, const char *part)
{
	return s.n && memmem(s.p, s.n, part, strlen(part));
}

struct slice keep(struct walk *w, struct slice s)
{
	struct slice copy = arena_copy(w->facts->arena, s);

	if (copy.p)
		return copy;
	w->no_memory = true;
	return SLICE("");
}

struct slice scalar_text(const struct node *v, char text[static 32])
{
	if (node_is(v, NODE_INT)) {
		snprintf(text, 32, "%lld", (long long)node_integer(v));
		return slice_from(text);
	}
	if (node_is(v, NODE_TRUE))
		return SLICE("true");
	return node_is(v, NODE_TEXT) ? node_text(v) : SLICE("");
}

void for_each(struct walk *w, const struct field *f, const struct step *up,
    const struct node *v, element_fn *fn)
{
	size_t i = 0;

	if (node_is(v, NODE_TEXT))
		fn(w, f, up, v);
	for (const struct node *e = node_first(v); e; e = e->next, i++) {
		struct step at = { up, e->key, i };

		fn(w, f, &at, e);
	}
}

/* ---- for any field ---- */

void judge_drop(struct walk *w _unused_, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v _unused_)
{
	/* body.c never writes these */
}

void judge_reach(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	char text[32];

	if (!node_zero(v))
		reach_add(w, f->word, at, scalar_text(v, text), SLICE(""));
}

void judge_quiet(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	if (!node_zero(v))
		reach_add(w, f->word, at, SLICE(""), SLICE(""));
}

void judge_present(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	reach_add(w, f->word, at, SLICE(""), SLICE(""));
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
		reach_add(w, f->word, at, node_text(v), SLICE(""));
}

/* An empty element is no default: it reaches as well. */
static void each_shown(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	char text[32];

	reach_add(w, f->word, at, scalar_text(v, text), SLICE(""));
}

void judge_each(struct walk *w, const struct field *f, const struct step *at,
    const struct node *v)
{
	for_each(w, f, at, v, each_shown);
}

static void each_key(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	reach_add(w, f->word, at, at->name, v->type == NODE_TEXT ? v->text : SLICE(""));
}

static void each_key_quiet(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	reach_add(w, f->word, at, at->name, SLICE(""));
}

void judge_each_key(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, each_key);
}

void judge_each_key_quiet(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, each_key_quiet);
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

/* ---- kernel features ---- */

static void capability(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice s = node_text(v);
	char name[64];

	if (s.n > 4 && slice_equal_nocase((struct slice){ s.p, 4 }, SLICE("CAP_")))
		s = (struct slice){ s.p + 4, s.n - 4 };
	if (s.n >= sizeof(name)) {
		walk_fault(w, at, "is no capability");
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		name[i] = s.p[i];
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	}
	w->body->wish.cap_add |= capability_bits(s);
	reach_add(w, f->word, at, (struct slice){ name, s.n }, SLICE(""));
}

void judge_capabilities(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, capability);
}

static void dropped(struct walk *w, const struct field *f _unused_,
    const struct step *at _unused_, const struct node *v)
{
	w->body->wish.cap_drop |= capability_bits(node_text(v));
}

void judge_cap_drop(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, dropped);
}

/* "seccomp:unconfined" is the older spelling of "seccomp=unconfined"; a
 * profile itself is long, and nobody can judge it. */
static void security_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	static const char nnp[] = "no-new-privileges|no-new-privileges:true|"
	    "no-new-privileges=true";
	_cleanup_(buf_free) struct buf b = BUF(VALUE_MAX);
	struct slice value = node_text(v), name;
	char sign = has(value, "=") ? '=' : ':';

	w->body->wish.no_new_privs |= list_has(nnp, value);
	if (list_has(nnp, value))
		return;
	name = slice_cut(&value, sign);
	security_keep(w, at, name, value);
	buf_adds(&b, name);
	if (slice_is(name, "seccomp") && !list_has("unconfined|builtin", value))
		value = SLICE("custom");
	if (value.n) {
		buf_addc(&b, '=');
		buf_adds(&b, value);
	}
	w->no_memory |= !buf_ok(&b);
	reach_add(w, f->word, at, buf_slice(&b), SLICE(""));
}

void judge_security_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, security_option);
}

static void ulimit(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice name = member(v, "Name");

	if (!ulimit_harmless(name))
		reach_add(w, f->word, at, name, SLICE(""));
}

void judge_ulimits(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, ulimit);
}

void judge_host_mode(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	bool host = slice_is(node_text(v), "host");

	if (slice_is(f->name, "UTSMode"))
		w->body->wish.uts_host = host;
	else if (slice_is(f->name, "CgroupnsMode"))
		w->body->wish.cgroup_host = host;
	else if (slice_is(f->name, "UsernsMode"))
		w->body->wish.userns_host = host;
	if (host)
		reach_add(w, f->word, at, SLICE(""), SLICE(""));
}

bool mode_special(struct walk *w, const struct field *f, const struct step *at,
    struct slice mode, struct space *to)
{
	const size_t n = sizeof("container:") - 1;
	struct spot *spot;

	if (slice_is(mode, "host")) {
		to->mode = SLICE("host");
		reach_add(w, f->word, at, SLICE(""), SLICE(""));
		return true;
	}
	if (!slice_starts(mode, SLICE("container:")))
		return false;
	spot = ref_container(w, REF_USE, at,
	    (struct slice){ mode.p + n, mode.n - n });
	if (spot) {
		spot->before = SLICE("container:");
		to->ref = spot->index;
	}
	return true;
}

void judge_pid_mode(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice mode = node_text(v);

	if (mode.n && !mode_special(w, f, at, mode, &w->body->wish.pid))
		walk_fault(w, at, "must be host or container:NAME");
}

void judge_ipc_mode(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	struct slice mode = node_text(v);

	if (slice_is(mode, "none"))
		w->body->wish.ipc.mode = SLICE("none");
	if (!list_has("|none|private|shareable", mode) &&
	    !mode_special(w, f, at, mode, &w->body->wish.ipc))
		walk_fault(w, at, "must be none, private, shareable, host or "
		    "container:NAME");
}

static void log_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v _unused_)
{
	if (!list_has("max-size|max-file|compress|tag|labels|labels-regex|env|"
	    "env-regex|mode", at->name))
		reach_add(w, f->word, at, at->name, SLICE(""));
}

void judge_log_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, log_option);
}

/* Values are shown where they name something and cannot be a password. */
static void option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	bool shown = list_has("type|device|parent|macvlan_mode|ipvlan_mode|"
	    "size", at->name) ||
	    slice_starts(at->name, SLICE("com.docker.network."));
	struct slice value = node_is(v, NODE_TEXT) ? node_text(v) : SLICE("");

	if (has(value, "@") || has(value, "pass"))
		shown = false;
	reach_add(w, f->word, at, at->name, shown ? value : SLICE(""));
}

void judge_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, option);
}

static void network_option(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	if (!list_has("com.docker.network.driver.mtu|"
	    "com.docker.network.bridge.enable_icc|"
	    "com.docker.network.bridge.enable_ip_masquerade", at->name))
		option(w, f, at, v);
}

void judge_network_options(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v)
{
	for_each(w, f, at, v, network_option);
}
