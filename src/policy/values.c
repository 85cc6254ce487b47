/*
 * values.c: one value of a statement: checked, made canonical (text is what
 * will be printed, and reads as the same again) and taken apart for match.c.
 * The admin's text; faults are told with their place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "policy/policy_int.h"

typedef bool reader(struct parse *p, struct item *i, const struct token *t);

static bool text_set(struct parse *p, struct item *i, struct slice text)
{
	i->text.p = load_copy(p->load, text);
	i->text.n = i->text.p != NULL ? text.n : 0;
	return i->text.p != NULL;
}

static bool text_format(struct parse *p, struct item *i, const struct buf *b)
{
	if (!buf_ok(b)) {
		p->load->failed = -ENOMEM;
		return false;
	}
	return text_set(p, i, buf_slice(b));
}

/* ---- patterns ---- */

static bool read_glob(struct parse *p, struct item *i, const struct token *t)
{
	if (t->text.n == 0) {
		parse_fault(p, t, "there is nothing between the quotes");
		return false;
	}
	if (!text_set(p, i, t->text))
		return false;
	i->glob = i->text;
	return true;
}

/* KEY[=PATTERN]; without the pattern any value. */
static bool read_pair(struct parse *p, struct item *i, const struct token *t)
{
	if (!read_glob(p, i, t))
		return false;
	i->key = slice_cut(&i->glob, '=');
	i->all = i->key.n == i->text.n;
	if (i->key.n > 0)
		return true;
	parse_fault(p, t, "expected KEY or KEY=PATTERN");
	return false;
}

static bool read_label(struct parse *p, struct item *i, const struct token *t)
{
	if (!read_pair(p, i, t))
		return false;
	if (!slice_starts(i->key, SLICE("dockbroker.")))
		return true;
	parse_fault(p, t, "labels of dockbroker say whose something is: \"on own\" and \"on team\" look at that");
	return false;
}

static bool read_none(struct parse *p, struct item *i, const struct token *t)
{
	parse_fault(p, t, "nothing may follow \"%s\"", item_head(i->kind));
	return false;
}

/* One of a list. */
static bool read_one_of(struct parse *p, struct item *i, const struct token *t,
    const char *const *list, size_t n)
{
	struct slice best;
	unsigned distance;

	nearest_init(t->text, &best, &distance);
	for (size_t k = 0; k < n; k++) {
		if (slice_is(t->text, list[k])) {
			i->text = i->glob = slice_from(list[k]);
			return true;
		}
		nearest_try(t->text, slice_from(list[k]), &best, &distance);
	}
	if (best.n > 0)
		parse_fault(p, t, "unknown word \"%.*s\"; did you mean \"%.*s\"?",
		    (int)(t->text.n < BOUND_NAME ? t->text.n : BOUND_NAME),
		    t->text.p, SLICE_ARG(best));
	else
		parse_fault(p, t, "unknown word \"%.*s\" behind \"%s\"",
		    (int)(t->text.n < BOUND_NAME ? t->text.n : BOUND_NAME),
		    t->text.p, item_head(i->kind));
	return false;
}

static bool read_host(struct parse *p, struct item *i, const struct token *t)
{
	static const char *const list[] = { "network", "pid", "ipc", "uts",
		"userns", "cgroup" };

	return read_one_of(p, i, t, list, countof(list));
}

static bool read_privileged(struct parse *p, struct item *i,
    const struct token *t)
{
	static const char *const list[] = { "container", "exec" };

	if (slice_is(t->text, "everything")) {
		parse_fault(p, t, "that is said by \"allow privileged everything\"");
		return false;
	}
	return read_one_of(p, i, t, list, countof(list));
}

static bool read_capability(struct parse *p, struct item *i,
    const struct token *t)
{
	static const char *const list[] = {
		"all", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE",
		"BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
		"DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID",
		"IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE",
		"MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON",
		"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG",
		"SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE",
		"SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO",
		"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
	};
	char upper[BOUND_NAME];
	struct token plain = *t;

	if (slice_equal_nocase(t->text, SLICE("all"))) {
		i->all = true;
		plain.text = SLICE("all");
	} else if (t->text.n < sizeof(upper)) {
		for (size_t k = 0; k < t->text.n; k++) {
			char c = t->text.p[k];

			upper[k] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
		plain.text.p = upper;
		if (slice_starts(plain.text, SLICE("CAP_"))) {
			plain.text.p += 4;
			plain.text.n -= 4;
		}
	}
	return read_one_of(p, i, &plain, list, countof(list));
}

/* ---- references of images ---- */

static bool reference_sound(struct parse *p, const struct token *t)
{
	for (size_t k = 0; k < t->text.n; k++) {
		char c = t->text.p[k];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("._-/:@*?%", c) != NULL)
			continue;
		parse_fault(p, t, "this cannot be the name of an image: \"%c\" is in none", c);
		return false;
	}
	return t->text.n > 0 || read_glob(p, &(struct item){ 0 }, t);
}

static bool is_host(struct slice s)
{
	return memchr(s.p, '.', s.n) != NULL || memchr(s.p, ':', s.n) != NULL ||
	    slice_is(s, "localhost") || slice_is(s, "**");
}

/* As the Engine completes names: "postgres" is docker.io/library/postgres. */
static void name_complete(struct slice name, struct buf *out)
{
	struct slice rest = name, host = slice_cut(&rest, '/');
	bool alone = host.n == name.n;

	if (alone && slice_is(name, "**")) {
		buf_adds(out, name);
		return;
	}
	if (alone || !is_host(host)) {
		buf_addz(out, alone ? "docker.io/library/" : "docker.io/");
		buf_adds(out, name);
		return;
	}
	if (!slice_is(host, "docker.io") && !slice_is(host, "index.docker.io")) {
		buf_adds(out, name);
		return;
	}
	buf_addz(out, "docker.io/");
	if (memchr(rest.p, '/', rest.n) == NULL && !slice_is(rest, "**"))
		buf_addz(out, "library/");
	buf_adds(out, rest);
}

static bool digest_sound(struct slice s)
{
	if (!slice_starts(s, SLICE("sha256:")) || s.n != 7 + 64)
		return false;
	for (size_t k = 7; k < s.n; k++)
		if (!((s.p[k] >= '0' && s.p[k] <= '9') ||
		    (s.p[k] >= 'a' && s.p[k] <= 'f')))
			return false;
	return true;
}

static bool read_reference(struct parse *p, struct item *i,
    const struct token *t)
{
	_cleanup_(buf_free) struct buf b = BUF(8192);
	struct reference r = reference_split(t->text);

	if (!reference_sound(p, t))
		return false;
	if (digest_sound(t->text)) {	/* an image by its id */
		i->all = true;
		if (!text_set(p, i, t->text))
			return false;
		i->digest = i->text;
		return true;
	}
	if (r.name.n == 0 || r.name.p[0] == '/' ||
	    r.name.p[r.name.n - 1] == '/' || memmem(r.name.p, r.name.n, "//", 2)) {
		parse_fault(p, t, "this cannot be the name of an image");
		return false;
	}
	if (memchr(t->text.p, '@', t->text.n) != NULL &&
	    !digest_sound(r.digest)) {
		parse_fault(p, t, "a digest is \"@sha256:\" and 64 hexadecimal digits");
		return false;
	}
	name_complete(r.name, &b);
	if (r.tag.n > 0 || r.digest.n == 0)
		buf_addf(&b, ":%.*s", r.tag.n > 0 ? (int)r.tag.n : 1,
		    r.tag.n > 0 ? r.tag.p : "*");
	if (r.digest.n > 0)
		buf_addf(&b, "@%.*s", SLICE_ARG(r.digest));
	if (!text_format(p, i, &b))
		return false;
	r = reference_split(i->text);
	i->key = r.name;
	i->glob = r.tag;
	i->digest = r.digest;
	i->all = false;
	return true;
}

/* ---- paths ---- */

/* "/srv//data/" is "/srv/data". */
static void path_canon(struct slice s, struct buf *out)
{
	if (s.n > 0 && s.p[0] != '/')
		buf_adds(out, slice_cut(&s, '/'));
	while (s.n > 0) {
		struct slice part = slice_cut(&s, '/');

		if (part.n > 0) {
			buf_addc(out, '/');
			buf_adds(out, part);
		}
	}
	if (out->len == 0)
		buf_addc(out, '/');
}

static bool path_dotted(struct slice s)
{
	while (s.n > 0) {
		struct slice part = slice_cut(&s, '/');

		if (slice_is(part, ".") || slice_is(part, ".."))
			return true;
	}
	return false;
}

static bool read_path(struct parse *p, struct item *i, const struct token *t)
{
	_cleanup_(buf_free) struct buf b = BUF(8192);
	struct slice s = t->text;
	bool home = i->kind == ITEM_BIND && (slice_is(s, "~") ||
	    slice_starts(s, SLICE("~/")));

	if (!home && (s.n == 0 || s.p[0] != '/')) {
		parse_fault(p, t, i->kind == ITEM_BIND ?
		    "expected a path from \"/\" or \"~/\" on, then \"ro\" or \"rw\", then \"unmapped\"" :
		    "expected a path from \"/\" on");
		return false;
	}
	if (path_dotted(s)) {
		parse_fault(p, t, "a path has no \".\" and \"..\" in it");
		return false;
	}
	if (i->kind == ITEM_BIND && memchr(s.p, '*', s.n) != NULL) {
		parse_fault(p, t, "a bind has no patterns: what is below the path is meant as well");
		return false;
	}
	path_canon(s, &b);
	if (!text_format(p, i, &b))
		return false;
	i->glob = i->text;
	return true;
}

/* ---- the network ---- */

bool address_read(struct slice text, struct address *out)
{
	char z[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof(z) || memchr(text.p, 0, text.n))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	*out = (struct address){ .family = AF_INET, .prefix = 32 };
	if (inet_pton(AF_INET, z, out->bytes) == 1)
		return true;
	out->family = AF_INET6;
	out->prefix = 128;
	return inet_pton(AF_INET6, z, out->bytes) == 1;
}

bool address_within(const struct address *net, const struct address *a)
{
	unsigned whole = net->prefix / 8, bits = net->prefix % 8;
	unsigned char mask = (unsigned char)(0xff00 >> bits);

	if (net->family == 0)
		return true;
	return net->family == a->family && a->prefix >= net->prefix &&
	    memcmp(net->bytes, a->bytes, whole) == 0 &&
	    (bits == 0 || ((net->bytes[whole] ^ a->bytes[whole]) & mask) == 0);
}

static void address_print(const struct address *a, struct buf *out)
{
	char z[INET6_ADDRSTRLEN];

	if (inet_ntop(a->family, a->bytes, z, sizeof(z)) != NULL)
		buf_addz(out, z);
}

bool subnet_read(struct slice text, struct address *out)
{
	struct slice bits = text, host = slice_cut(&bits, '/');
	uint64_t n;

	if (!address_read(host, out))
		return false;
	if (host.n == text.n)
		return true;
	if (!slice_number(bits, out->prefix, &n))
		return false;
	out->prefix = (unsigned)n;
	return true;
}

static bool read_subnet(struct parse *p, struct item *i, const struct token *t)
{
	_cleanup_(buf_free) struct buf b = BUF(256);
	struct address a;

	i->all = slice_is(t->text, "any");
	if (i->all)
		return text_set(p, i, t->text);
	if (!subnet_read(t->text, &i->address)) {
		parse_fault(p, t, "expected a subnet such as \"10.20.0.0/16\", or \"any\"");
		return false;
	}
	a = i->address;
	for (unsigned k = a.prefix; k < (a.family == AF_INET ? 32 : 128); k++)
		if (a.bytes[k / 8] & 0x80 >> k % 8) {
			parse_fault(p, t, "an address in a subnet: behind bit %u there must be zeros", a.prefix);
			return false;
		}
	address_print(&i->address, &b);
	buf_addf(&b, "/%u", i->address.prefix);
	return text_format(p, i, &b);
}

static bool bad_port(struct parse *p, const struct token *t)
{
	parse_fault(p, t, "expected [ADDRESS:]PORT[-PORT][/PROTOCOL], with \"any\" or \"random\" for a port");
	return false;
}

/* "[::1]:80", "127.0.0.1:80", "80": cuts the address off. */
static bool publish_address(struct item *i, struct slice *s, struct buf *b)
{
	const char *colon = memrchr(s->p, ':', s->n);
	struct slice host = { s->p, 0 };

	if (colon == NULL)
		return true;
	host.n = (size_t)(colon - s->p);
	s->n -= host.n + 1;
	s->p = colon + 1;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct slice){ host.p + 1, host.n - 2 };
	else if (memchr(host.p, ':', host.n) != NULL)
		return false;
	if (!address_read(host, &i->address))
		return false;
	buf_addz(b, i->address.family == AF_INET6 ? "[" : "");
	address_print(&i->address, b);
	buf_addz(b, i->address.family == AF_INET6 ? "]:" : ":");
	return true;
}

static bool read_publish(struct parse *p, struct item *i,
    const struct token *t)
{
	_cleanup_(buf_free) struct buf b = BUF(256);
	struct slice proto = t->text, s = slice_cut(&proto, '/'), high, low;
	bool slash = s.n < t->text.n;

	if (slash && !slice_is(proto, "tcp") && !slice_is(proto, "udp") &&
	    !slice_is(proto, "sctp"))
		return bad_port(p, t);
	if (!publish_address(i, &s, &b))
		return bad_port(p, t);
	i->random = slice_is(s, "random");
	i->all = slice_is(s, "any");
	high = s;
	low = slice_cut(&high, '-');
	if (i->random || i->all) {
		buf_adds(&b, s);
	} else {
		if (!slice_number(low, 65535, &i->low) || i->low == 0)
			return bad_port(p, t);
		i->high = i->low;
		if (low.n < s.n && (!slice_number(high, 65535, &i->high) ||
		    i->high < i->low))
			return bad_port(p, t);
		buf_addu(&b, i->low);
		if (i->high > i->low)
			buf_addf(&b, "-%u", (unsigned)i->high);
	}
	if (slash)
		buf_addf(&b, "/%.*s", SLICE_ARG(proto));
	if (!text_format(p, i, &b))
		return false;
	i->mode = SLICE_NONE;
	i->key = (struct slice){ i->text.p + i->text.n - proto.n,
		slash ? proto.n : 0 };
	return true;
}

/* ---- gpus ---- */

static bool read_gpu(struct parse *p, struct item *i, const struct token *t)
{
	_cleanup_(buf_free) struct buf b = BUF(4096);
	struct slice s = t->text;

	i->all = slice_is(s, "all");
	if (slice_number(s, 1024, &i->high) || i->all) {
		if (!i->all && i->high == 0) {
			parse_fault(p, t, "a number of gpus is 1 at least");
			return false;
		}
		return text_set(p, i, s);
	}
	if (!slice_starts(s, SLICE("id=")))
		buf_addz(&b, "id=");
	buf_adds(&b, s);
	if (!text_format(p, i, &b))
		return false;
	i->glob = (struct slice){ i->text.p + 3, i->text.n - 3 };
	if (i->glob.n > 0)
		return true;
	parse_fault(p, t, "expected a number, an id or \"all\"");
	return false;
}

/* ---- commands ---- */

/* The next word of a pattern; 'quoted' ones may hold spaces. */
static bool command_word(struct slice *rest, struct slice *word, bool *quoted)
{
	const char *end;

	*rest = slice_trim(*rest);
	*quoted = rest->n > 0 && rest->p[0] == '\'';
	if (!*quoted) {
		*word = *rest;
		for (size_t k = 0; k < rest->n && word->n == rest->n; k++)
			if (rest->p[k] == ' ' || rest->p[k] == '\t')
				word->n = k;
		rest->p += word->n;
		rest->n -= word->n;
		return memchr(word->p, '\'', word->n) == NULL;
	}
	end = memchr(rest->p + 1, '\'', rest->n - 1);
	if (end == NULL)
		return false;
	*word = (struct slice){ rest->p + 1, (size_t)(end - rest->p) - 1 };
	rest->n -= word->n + 2;
	rest->p = end + 1;
	return rest->n == 0 || rest->p[0] == ' ' || rest->p[0] == '\t';
}

static void command_put(struct slice w, bool quoted, struct buf *out)
{
	bool needed = w.n == 0 || memchr(w.p, ' ', w.n) != NULL ||
	    memchr(w.p, '\t', w.n) != NULL || (quoted && slice_is(w, "..."));

	buf_addz(out, out->len > 0 ? " " : "");
	buf_addz(out, needed ? "'" : "");
	buf_adds(out, w);
	buf_addz(out, needed ? "'" : "");
}

static bool read_command(struct parse *p, struct item *i,
    const struct token *t)
{
	_cleanup_(buf_free) struct buf b = BUF(BOUND_POLICY_FILE);
	struct slice rest = slice_trim(t->text), word;
	bool quoted;

	i->args = load_alloc(p->load, (rest.n / 2 + 2) * sizeof(*i->args));
	if (i->args == NULL)
		return false;
	while (rest.n > 0) {
		if (i->all || !command_word(&rest, &word, &quoted)) {
			parse_fault(p, t, i->all ? "\"...\" is the last word of a pattern" :
			    "single quotes go around a whole word");
			return false;
		}
		command_put(word, quoted, &b);
		i->all = !quoted && slice_is(word, "...");
		if (!i->all)
			i->args[i->nargs++] = word;
	}
	if (b.len == 0) {
		parse_fault(p, t, "there is nothing between the quotes");
		return false;
	}
	if (!text_format(p, i, &b))
		return false;
	rest = i->text;			/* the words of the copy, which stays */
	for (size_t k = 0; k < i->nargs; k++)
		if (!command_word(&rest, &i->args[k], &quoted))
			return false;
	return true;
}

/* ---- all ---- */

bool value_read(struct parse *p, struct item *i, const struct token *t)
{
	static reader *const readers[ITEM_KINDS] = {
		[ITEM_IMAGE] = read_reference, [ITEM_TAG] = read_reference,
		[ITEM_BIND] = read_path, [ITEM_DEVICE] = read_path,
		[ITEM_PUBLISH] = read_publish, [ITEM_GPU] = read_gpu,
		[ITEM_CAPABILITY] = read_capability, [ITEM_HOST] = read_host,
		[ITEM_NETWORK_OPTION] = read_pair,
		[ITEM_NETWORK_SUBNET] = read_subnet,
		[ITEM_NETWORK_ADDRESS] = read_subnet,
		[ITEM_NETWORK_MAC] = read_none,
		[ITEM_NETWORK_HOST_GATEWAY] = read_none,
		[ITEM_DRIVER_OPTION] = read_pair, [ITEM_SYSCTL] = read_pair,
		[ITEM_COMMAND] = read_command,
		[ITEM_PRIVILEGED] = read_privileged,
		[ITEM_LABEL] = read_label,
	};

	return (readers[i->kind] != NULL ? readers[i->kind] : read_glob)(p, i, t);
}
