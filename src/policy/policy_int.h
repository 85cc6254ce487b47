/*
 * policy_int.h: what the files of this layer share.  A load goes
 * lex.c -> parse.y -> build.c (roles, statements, grants) -> check.c (what
 * only the whole can tell, compiled sets); after that the policy never
 * changes.  All text is the admin's: faults are told, never trusted away.
 */
#ifndef DOCKBROKER_POLICY_INT_H
#define DOCKBROKER_POLICY_INT_H

#include "dockbroker/policy.h"

/* ---- table.c: names to things; keys and values are the caller's ---- */

struct table {
	struct table_slot *slots;
	size_t size, n;			/* size: 0 or a power of two */
};
void table_free(struct table *t);
void *table_find(const struct table *t, struct slice key);
/* The key must not be there yet.  -ENOMEM. */
int table_add(struct table *t, struct slice key, void *value) _must_check_;

/* ---- the policy ---- */

struct file {
	const char *path;		/* as it is read and as faults name it */
	const char *name;		/* as verdicts name it: seen from the main file */
	const char *key;		/* path without . and ..: tells files apart */
	struct buf text;		/* only while loading */
	const struct file *parent;	/* who included it, NULL for the main file */
	unsigned parent_line;
};

struct place {
	const struct file *file;	/* NULL: built in */
	unsigned line;
	size_t offset, len;
};

/* A docker word or an action, and what it stands for. */
struct word {
	struct slice text;
	bool action;
	struct endpoint_set allow;
	struct endpoint_set deny;	/* its own actions: what `deny' means */
};

/* What the statements beside allow and deny are about; see items.c. */
enum item_kind {
	ITEM_IMAGE, ITEM_TAG, ITEM_BIND, ITEM_PUBLISH, ITEM_CAPABILITY,
	ITEM_DEVICE, ITEM_GPU, ITEM_HOST, ITEM_NETWORK, ITEM_NETWORK_DRIVER,
	ITEM_NETWORK_OPTION, ITEM_NETWORK_SUBNET, ITEM_NETWORK_ADDRESS,
	ITEM_NETWORK_MAC, ITEM_NETWORK_HOST_GATEWAY,
	ITEM_DRIVER, ITEM_DRIVER_OPTION, ITEM_DRIVER_STORAGE, ITEM_SECURITY,
	ITEM_SYSCTL, ITEM_RUNTIME, ITEM_RUNTIME_ANNOTATION, ITEM_LOGDRIVER,
	ITEM_LOGDRIVER_OPTION, ITEM_COMMAND, ITEM_EXEC_AS, ITEM_REMOTE,
	ITEM_PRIVILEGED, ITEM_LIMIT,
	ITEM_LABEL, ITEM_NAME,		/* of `on', not of a role */
	ITEM_KINDS
};

enum limit_name {
	LIMIT_CONTAINERS, LIMIT_MEMORY, LIMIT_CPUS, LIMIT_PIDS, LIMIT_PORTS,
	LIMIT_VOLUMES, LIMIT_NETWORKS, LIMIT_NAMES
};

struct address {			/* of the network; family 0: any */
	int family;
	unsigned char bytes[16];
	unsigned prefix;		/* bits that count */
};

/* One thing of a statement: canonical text, and the same taken apart. */
struct item {
	enum item_kind kind;
	struct place at;
	struct slice text;		/* as it is printed, but for quotes */
	struct slice mode;		/* "rw", "rwm": printed behind it; "" */
	struct slice key;		/* before a `=', name of a reference */
	struct slice glob;		/* what the value has to look like */
	struct slice digest;		/* "sha256:..." of a reference, "" */
	struct slice *args;		/* of a command */
	size_t nargs;
	bool all;			/* anything; `...' behind a command */
	bool unmapped;			/* bind: where no id-map can be made, without */
	bool random;			/* publish: a port that the Engine picks */
	uint64_t low, high;		/* ports; high: count of gpus */
	struct address address;
	enum limit_name limit;
	int64_t most, each, open;	/* limit; -1: not said */
	struct item *next;		/* in the role, of the same kind */
	struct item *more;		/* in the statement */
};

enum rule_kind { RULE_ALLOW, RULE_DENY, RULE_EVERYTHING, RULE_ITEMS };

/* One statement of a role. */
struct rule {
	enum rule_kind kind;
	struct place at;
	const struct word **words;
	size_t nwords;
	struct endpoint_set set;	/* of all its words */
	unsigned scopes;		/* enum sight */
	bool scoped;			/* `on' was said */
	struct item *on, *last_on;	/* labels and names */
	enum item_kind about;		/* of RULE_ITEMS */
	struct item *items, *last_item;
	struct rule *next;
};

struct role {
	const char *name;
	struct place at;
	struct rule *rules, *last;
	const struct rule *everything;	/* `allow privileged everything', or NULL */
	struct item *items[ITEM_KINDS], *last_item[ITEM_KINDS];
	const struct item *limits[LIMIT_NAMES];
	bool said;			/* has statements, be they faulty */
	bool granted;
	const void *seen;		/* the last grantee it was counted for */
	struct role *next;
};

struct grant {
	struct slice role_name;
	struct role *role;
	enum grantee kind;
	const char *name;
	const char *text;		/* "group developers" */
	struct place at;
	struct grant *next;		/* in the order of the files */
	struct grant *same;		/* the next one to the same grantee */
};

struct grantee_entry {
	enum grantee kind;
	const char *name;
	struct grant *first, *last;
};

struct policy {
	unsigned refs;
	struct arena arena;		/* everything below that is not a table */
	char hash[65];
	struct file *files[BOUND_POLICY_FILES];
	size_t nfiles;
	bool labels;			/* some `on label' */
	struct role *roles, *last_role;
	size_t nroles;
	struct table role_table;	/* name -> struct role */
	struct grant *grants, *last_grant;
	size_t ngrants;
	struct grantee_entry **grantees;
	size_t ngrantees, cap_grantees;
	struct table grantee_table[3];	/* by enum grantee: name -> entry */
};

/* ---- one load ---- */

struct load {
	struct policy *policy;
	policy_read_fn *read;
	void *arg;
	struct buf *err;
	size_t faults, warnings, bytes;
	int failed;			/* -ENOMEM: ends the load */
	struct table files;		/* key -> struct file */
};

struct token {
	struct slice text;		/* of words; unescaped, in the arena when quoted */
	size_t offset, len;
	unsigned line;
	bool quoted;
};

/* What words mean something by themselves in the rest of a statement. */
enum lex_mode {
	LEX_OUTSIDE,			/* include, role, grant and what they need */
	LEX_RULE,			/* behind allow and deny */
	LEX_FREE			/* nothing: patterns, names */
};

/* One file being parsed. */
struct parse {
	struct load *load;
	struct file *file;
	unsigned depth;
	/* lex.c */
	struct slice in;
	size_t pos;
	unsigned line, indent;		/* indent of this line in columns */
	bool fresh;			/* no token of this line yet */
	bool open;			/* a statement has begun ... */
	unsigned open_indent;		/* ... on a line indented so far */
	bool closed;			/* the token before was a `}' */
	bool inside;			/* between the braces of a role */
	enum lex_mode mode;
	struct token token;		/* the last one: where a syntax error is */
	/* build.c */
	struct role *role;
	struct rule *rule;
	struct token first;		/* of the statement */
	struct token held;		/* a word that may be the first of two */
	bool holding;
	struct buf words;		/* of the statement: struct word pointers */
	struct buf args;		/* of the statement: struct tokens */
};

/* lex.c: the kind of the next token, for parse.y; *t says where and what. */
int lex_next(struct parse *p, struct token *t);
/* Whether it begins a statement, or means something in one. */
bool lex_is_keyword(struct slice s);
/* Whether the language has this word outside of roles, so that a name must be
 * quoted. */
bool lex_is_reserved(struct slice s);
bool lex_is_bare(struct slice s);	/* needs no quotes as a pattern */
bool lex_is_plain(struct slice s);	/* needs no quotes as a name */

/* parse.y: 0, or -ENOMEM.  Faults go to the load. */
int parse_file(struct load *l, struct file *f, unsigned depth) _must_check_;

/* load.c */
void load_fault(struct load *l, const struct place *at, const char *fmt, ...)
    _printf_(3, 4);
void load_warn(struct load *l, const struct place *at, const char *fmt, ...)
    _printf_(3, 4);
void parse_fault(struct parse *p, const struct token *t, const char *fmt, ...)
    _printf_(3, 4);
bool load_full(const struct load *l);	/* enough faults, or no memory */
void *load_alloc(struct load *l, size_t n);	/* NULL sets failed */
const char *load_copy(struct load *l, struct slice s);
int load_include(struct parse *p, const struct token *t) _must_check_;

/* build.c: the productions' actions.  Failures set load->failed. */
void build_role_open(struct parse *p, const struct token *name);
void build_role_close(struct parse *p);
void build_rule_open(struct parse *p, enum rule_kind kind,
    const struct token *at);
void build_rule_word(struct parse *p, const struct token *word);
void build_rule_close(struct parse *p);
void build_rule_hang(struct role *role, struct rule *r);
void build_rule_drop(struct parse *p);
void build_grant(struct parse *p, const struct token *role,
    enum grantee kind, const struct token *name);
struct place place_of(const struct parse *p, const struct token *t);

/* items.c: all other statements. */
void build_args_open(struct parse *p);
void build_arg(struct parse *p, const struct token *t);
void build_scope(struct parse *p);		/* the args are those of `on' */
void build_items(struct parse *p, const struct token *word);	/* "bind" */
const char *item_word(struct slice s);	/* is it one's first word?  Or NULL */
const char *item_word_at(size_t i);	/* NULL past the end */
const char *item_head(enum item_kind kind);	/* "network driver" */
/* Would be read as the beginning of another statement: network "driver". */
bool item_is_head(enum item_kind kind, struct slice text);

/* values.c: one value taken apart; false: it is told. */
bool value_read(struct parse *p, struct item *i, const struct token *t);
/* limits.c.  Takes a whole one off n tokens and says how many these were; text stays ""
 * when there is a fault. */
size_t limit_take(struct parse *p, struct item *i, const struct token *t,
    size_t n);
bool address_read(struct slice text, struct address *out);
bool subnet_read(struct slice text, struct address *out);
bool address_within(const struct address *net, const struct address *a);
const char *limit_word(enum limit_name n);	/* "memory" */
void limit_print(enum limit_name n, int64_t value, struct buf *out);

/* match.c: patterns.  `*' stands for any bytes but those of stop, `**' for any,
 * `?' for one that is not of stop, `%u' for user. */
bool glob_match(struct slice glob, struct slice text, struct slice user,
    const char *stop);
/* A canonical reference taken apart. */
struct reference { struct slice name, tag, digest; };
struct reference reference_split(struct slice text);
bool reference_match(const struct item *i, struct slice text,
    struct slice user);
bool path_below(struct slice path, struct slice dir);
bool path_sound(struct slice path);	/* absolute, no empty or dotted parts */
bool remote_match(struct slice glob, struct slice text, struct slice user);
bool command_match(const struct item *i, const struct slice *args, size_t n);

/* words.c: the docker words.  Built once: -ENOMEM. */
int vocabulary_build(void) _must_check_;
size_t word_count(void);
const struct word *word_get(size_t i);
const struct word *word_find(struct slice text);
struct slice endpoint_command(const struct endpoint *e, char text[BOUND_NAME]);
const char *word_action(const struct word *w);
bool endpoint_set_empty(const struct endpoint_set *s);
void endpoint_set_join(struct endpoint_set *s, const struct endpoint_set *more);
/* Edits between what was written and what may have been meant. */
unsigned typing_error(struct slice word);
/* The nearest word of a list within a typing error, or none. */
void nearest_init(struct slice word, struct slice *best, unsigned *distance);
void nearest_try(struct slice word, struct slice known, struct slice *best,
    unsigned *distance);

/* check.c: what only the whole can tell; the built-in role admin. */
int check_policy(struct load *l) _must_check_;
/* build.c: hangs g on its grantee.  -ENOMEM. */
int grantee_add(struct policy *p, struct grant *g) _must_check_;

/* print.c */
void print_value(struct buf *out, const struct item *i);
void print_scope(struct buf *out, const struct rule *r);	/* " on own, team" */

/* ---- rights.c: what one caller may ---- */

struct held {
	const struct role *role;
	const struct grant *grant;	/* the first that gave it */
};

/* A statement about an endpoint, of a role that is held. */
struct candidate {
	const struct held *held;
	const struct rule *rule;
};

/* Those about one endpoint: first[e] .. first[e + 1]; roles stand together. */
struct statements {
	struct candidate *all;
	uint32_t first[EP_COUNT + 1];
};

/* A `bind' line of a role that is held, as it is for this caller. */
struct bound {
	const struct role *role;
	const struct item *line;
	struct slice path;		/* ~ and %u filled in */
};

struct rights {
	unsigned refs;
	uint32_t uid;			/* OWNER_ANY_UID: a service */
	char owner[BOUND_NAME + 8];	/* as owners have it: "service:NAME" */
	char name[BOUND_NAME];		/* of the caller, for lists and %u */
	struct account *account;	/* for teams; NULL */
	struct policy *policy;
	struct held *held;
	size_t nheld;
	struct statements allow, deny;
	unsigned sight[OBJECT_TAG + 1];	/* enum sight, by kind */
	struct sight_rule {
		enum object_kind kind;
		const struct rule *rule;
	} *see;				/* those with labels or names */
	size_t nsee;
	struct bound *binds;		/* those of a role stand together */
	size_t nbinds;
	struct buf bind_paths;		/* what their paths point into */
};

bool rights_denied(const struct rights *r, unsigned endpoint);	/* on any */
bool rights_is_own(const struct rights *r, const struct object *o);
/* Does the scope of a statement cover the object? */
bool rule_covers(const struct rights *r, const struct rule *rule,
    const struct object *o);
bool kind_owned(enum object_kind kind);	/* its objects have owners */
/* The first statement of one kind about an endpoint. */
const struct rule *rule_about(const struct role *role, enum rule_kind kind,
    unsigned endpoint);

/* ---- bind.c: paths of the host ---- */

int binds_compile(struct rights *r) _must_check_;
/* The line by which a role lets a path in, or NULL; see rights_bind. */
const struct bound *bind_find(const struct rights *r, const struct role *role,
    struct slice path, bool writes);
/* Is there an account whose rights a bind could be opened with? */
bool bind_account(const struct rights *r);

/* ---- permit.c: may a role's request reach that far? ---- */

/* May it, and by which line?  NULL: a registry that its images come from. */
bool reach_permit(const struct rights *r, const struct role *role,
    const struct facts *f, const struct reach *reach, const struct item **line);
/* The `network GLOB' of a role that lets a network be used, or NULL. */
const struct item *role_network(const struct rights *r, const struct role *role,
    const struct object *o);
/* The statement that would permit what is missing: `publish 8080'. */
void lack_line(const struct lack *l, struct buf *out);

/* ---- sentence.c ---- */

/* Client's text: quotes, controls and what is not UTF-8 are escaped. */
void say_text(struct buf *out, struct slice s, size_t max);
void say_what(struct buf *out, const struct lack *l);
/* "has no line ...", to stand behind a role. */
void say_lack(struct buf *out, const struct lack *l);

#endif
