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
	const void *seen;		/* the last statement that named it */
};

enum rule_kind { RULE_ALLOW, RULE_DENY, RULE_PRIVILEGED };
enum scope { SCOPE_NONE, SCOPE_ANY };

/* One statement of a role. */
struct rule {
	enum rule_kind kind;
	enum scope scope;
	struct place at;
	const struct word **words;
	size_t nwords;
	struct endpoint_set set;	/* of all its words */
	struct rule *next;
};

struct role {
	const char *name;
	struct place at;
	struct rule *rules, *last;
	const struct rule *privileged;	/* the statement, or NULL */
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
	struct word *words;
	size_t nwords;
	struct table word_table;	/* text -> struct word */
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
	struct token token;		/* the last one: where a syntax error is */
	/* build.c */
	struct role *role;
	struct rule *rule;
	struct token held;		/* a word that may be the first of two */
	bool holding;
	struct buf words;		/* of the statement: struct word pointers */
};

/* lex.c: the kind of the next token, for parse.y; *t says where and what. */
int lex_next(struct parse *p, struct token *t);
/* Whether the language has this word, so that a name must be quoted. */
bool lex_is_keyword(struct slice s);
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
void build_rule_scope(struct parse *p, const struct token *scope);
void build_rule_close(struct parse *p);
void build_rule_drop(struct parse *p);
void build_grant(struct parse *p, const struct token *role,
    enum grantee kind, const struct token *name);

/* words.c: the docker words of this policy. */
int vocabulary_build(struct policy *p) _must_check_;
struct slice endpoint_command(const struct endpoint *e, char text[BOUND_NAME]);
const char *word_action(const struct word *w);
bool endpoint_set_empty(const struct endpoint_set *s);
void endpoint_set_join(struct endpoint_set *s, const struct endpoint_set *more);
/* Edits between what was written and what may have been meant. */
unsigned typing_error(struct slice word);
/* The nearest word of a list within a typing error, or none. */
void nearest_init(struct slice word, struct slice *best, unsigned *distance);
void nearest_try(struct slice word, const char *known, struct slice *best,
    unsigned *distance);

/* check.c: what only the whole can tell; the built-in role admin. */
int check_policy(struct load *l) _must_check_;
/* build.c: hangs g on its grantee.  -ENOMEM. */
int grantee_add(struct policy *p, struct grant *g) _must_check_;

/* ---- decide.c ---- */

struct held {
	const struct role *role;
	const struct grant *grant;	/* the first that gave it */
};

/* A role that allows an endpoint, and the statement. */
struct candidate {
	const struct held *held;
	const struct rule *rule;
};

struct rights {
	unsigned refs;
	char name[BOUND_NAME];		/* of the caller, for lists */
	struct policy *policy;
	struct held *held;
	size_t nheld;
	struct candidate *allow;	/* by endpoint: first[e] .. first[e + 1] */
	uint32_t first[EP_COUNT + 1];
	struct candidate deny[EP_COUNT];	/* held NULL: nobody denies */
};

/* Whether the role lets all of the request pass, its endpoint apart.  Words
 * about what is asked (bind, image, ...) are matched here. */
bool role_permits(const struct role *r, const struct facts *f);
/* The first statement of one kind about an endpoint. */
const struct rule *rule_about(const struct role *role, enum rule_kind kind,
    unsigned endpoint);
bool facts_reaching(const struct facts *f);

#endif
