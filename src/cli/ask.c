/*
 * ask.c: the subcommands that ask the broker: status, list, why, open, reload,
 * chown.
 */
#include <getopt.h>
#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define ANSWER	(8 * 1024 * 1024)

static int no_arguments(int argc)
{
	return argc == 1 ? 0 : EXIT_USE;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* ---- status ---- */

static void part(const char *name, const char *state, const char *more)
{
	bool good = !strcmp(state, "good"), color = want_color(stdout);

	printf("%-9s %s%-*s%s%s%s\n", name, color ? good ? "\033[32m" : "\033[31m" : "",
	    *more ? 12 : 0, state, color ? "\033[0m" : "", *more ? " " : "", more);
}

static void status_guard(const json_t *o)
{
	_cleanup_(buf_free) struct buf more = BUF(1024);
	const char *state = text_of(o, "guard"), *builds = text_of(o, "default_runtime");

	if (!strcmp(state, "good"))
		buf_addf(&more, "runtime %s, default runtime %s", text_of(o, "guard_runtime"),
		    *builds ? builds : "unknown");
	else if (!strcmp(state, "none"))
		buf_addz(&more, "guard-runtime is none: no path of the host can be bound");
	else if (!strcmp(state, "unknown"))
		buf_addz(&more, "the Engine was not asked yet");
	else
		buf_addz(&more, "`dockbroker check guard' tells what to do");
	part("guard", state, buf_text(&more));
}

static void status_print(const json_t *o)
{
	_cleanup_(buf_free) struct buf engine = BUF(512), log = BUF(1024);

	buf_addf(&engine, "%s, API %s", text_of(o, "engine_socket"),
	    *text_of(o, "engine_api") ? text_of(o, "engine_api") : "unknown");
	buf_addf(&log, "%s, %lld lines%s%s", text_of(o, "audit_log"),
	    number_of(o, "audit_lines"), *text_of(o, "auditd_text") ? ": " : "",
	    text_of(o, "auditd_text"));
	printf("broker    %s since %s%s\n", text_of(o, "version"), text_of(o, "since"),
	    json_is_true(json_object_get(o, "draining")) ? ", ending" : "");
	part("Engine", text_of(o, "engine"), buf_text(&engine));
	status_guard(o);
	part("authd", text_of(o, "authd"), "");
	part("auditd", text_of(o, "auditd"), buf_text(&log));
	printf("policy    %s, %lld roles, loaded %s", text_of(o, "policy"),
	    number_of(o, "policy_roles"), text_of(o, "policy_loaded"));
	if (number_of(o, "policy_failed_reloads"))
		printf(", failed reloads: %lld", number_of(o, "policy_failed_reloads"));
	printf("\n          sha256 %s\n", text_of(o, "policy_hash"));
	printf("users     %lld sockets, %lld connections\n",
	    number_of(o, "user_sockets"), number_of(o, "connections"));
	printf("requests  %lld, %lld refused, %lld streams cut\n",
	    number_of(o, "requests"), number_of(o, "refused"), number_of(o, "streams_cut"));
	if (number_of(o, "audit_lost"))
		printf("records   %lld reads could not be recorded\n", number_of(o, "audit_lost"));
}

/* Options that status and list share.  False: usage. */
static bool show_options(int argc, char **argv, bool *json, const char **user)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "user", required_argument, NULL, 'U' },
		{ NULL, 0, NULL, 0 }
	};
	int o;

	while ((o = getopt_long(argc, argv, user ? "U:" : "", longs, NULL)) != -1)
		if (o == 'j')
			*json = true;
		else if (o == 'U' && user)
			*user = optarg;
		else
			return false;
	return optind == argc;
}

/* Prints the answer as JSON, or by print; errors of the broker as they are. */
static int show(int code, struct buf *answer, bool json, void (*print)(const json_t *o))
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	json_t *o = NULL;

	if (code < 0)
		return EXIT_AWAY;
	if (json_parse(buf_slice(answer), &o, &err) != JSON_GOOD) {
		fputs("dockbroker: ", stderr);
		print_safe(stderr, buf_slice(answer));
		fputc('\n', stderr);
		return code ? code : EXIT_AWAY;
	}
	if (json)
		print_safe(stdout, buf_slice(answer)), putchar('\n');
	else
		print(o);
	json_decref(o);
	return code;
}

int status_run(int argc, char **argv)
{
	_cleanup_(buf_free) struct buf answer = BUF(ANSWER);
	bool json = false;

	if (!show_options(argc, argv, &json, NULL))
		return EXIT_USE;
	int code = control_ask(&(struct msg_ctl_ask){ .verb = CTL_STATUS }, &answer);
	return show(code, &answer, json, status_print);
}

/* ---- list ---- */

/* Words in lines of at most 78 columns. */
static void print_words(const char *what, const json_t *list)
{
	size_t column = 79, n = json_array_size(list);

	if (!n)
		return;
	printf("  %s", what);
	for (size_t i = 0; i < n; i++) {
		const char *w = json_string_value(json_array_get(list, i));
		size_t len = strlen(w) + (i + 1 < n ? 2 : 0);
		if (column + len > 78) {
			printf("\n   ");
			column = 3;
		}
		printf(" %s%s", w, i + 1 < n ? "," : "");
		column += len;
	}
	printf("\n");
}

/* "allow on own: run, ps": the statements of a role, and whose objects. */
static void print_scopes(const json_t *list)
{
	char what[128];
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s) {
		bool allow = json_object_get(s, "allow") != NULL;

		snprintf(what, sizeof(what), "%s on %s:", allow ? "allow" : "deny",
		    text_of(s, "on"));
		print_words(what, json_object_get(s, allow ? "allow" : "deny"));
	}
}

static void list_print(const json_t *o)
{
	const json_t *roles = json_object_get(o, "roles"), *r;
	size_t i;

	if (!json_array_size(roles))
		printf("%s has no role: nothing is allowed\n", text_of(o, "user"));
	json_array_foreach(roles, i, r) {
		printf("%srole %s, granted to %s", i ? "\n" : "", text_of(r, "role"),
		    text_of(r, "grant"));
		if (*text_of(r, "file"))
			printf(" (%s:%lld)", text_of(r, "file"), number_of(r, "line"));
		printf("\n");
		print_words("docker commands:", json_object_get(r, "words"));
		print_words("single actions:", json_object_get(r, "actions"));
		print_scopes(json_object_get(r, "scopes"));
		print_words("permits:", json_object_get(r, "permits"));
		print_words("narrowed to:", json_object_get(r, "narrows"));
		print_words("limits:", json_object_get(r, "limits"));
		if (json_is_true(json_object_get(r, "privileged")))
			printf("  privileged everything: also what reaches beyond a container\n");
	}
}

int list_run(int argc, char **argv)
{
	_cleanup_(buf_free) struct buf answer = BUF(ANSWER);
	struct msg_ctl_ask ask = { .verb = CTL_LIST };
	const char *user = "";
	bool json = false;

	if (!show_options(argc, argv, &json, &user))
		return EXIT_USE;
	snprintf(ask.text, sizeof(ask.text), "%s", user);
	int code = control_ask(&ask, &answer);
	return show(code, &answer, json, list_print);
}

/* ---- the others: lines as they come ---- */

static int lines(const struct msg_ctl_ask *ask)
{
	_cleanup_(buf_free) struct buf answer = BUF(ANSWER);
	int code = control_ask(ask, &answer);

	if (code < 0)
		return EXIT_AWAY;
	FILE *f = code ? stderr : stdout;
	if (code && ask->verb != CTL_RELOAD)
		fputs("dockbroker: ", f);
	print_safe(f, buf_slice(&answer));
	if (answer.len && answer.p[answer.len - 1] != '\n')
		fputc('\n', f);
	return code;
}

int why_run(int argc, char **argv)
{
	struct msg_ctl_ask ask = { .verb = CTL_WHY };

	if (argc > 2 || (argc == 2 && (!slice_number(slice_from(argv[1]),
	    UINT64_MAX, &ask.number) || !ask.number)))
		return EXIT_USE;
	return lines(&ask);
}

int open_run(int argc, char **argv)
{
	(void)argv;
	if (no_arguments(argc))
		return EXIT_USE;
	return lines(&(struct msg_ctl_ask){ .verb = CTL_OPEN });
}

int reload_run(int argc, char **argv)
{
	(void)argv;
	if (no_arguments(argc))
		return EXIT_USE;
	int code = lines(&(struct msg_ctl_ask){ .verb = CTL_RELOAD });
	if (code == EXIT_DONE)
		puts("reloaded");
	return code;
}

/* ---- chown ---- */

static const char *const kinds[] = {
	"container", "image", "network", "tag", "volume", NULL
};

static const char *kind_at(size_t i)
{
	return kinds[i];
}

static bool kind_known(const char *word)
{
	for (size_t i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i], word))
			return true;
	const char *near = slice_nearest(slice_from(word), kind_at);
	fputs("dockbroker: unknown kind ", stderr);
	print_safe(stderr, slice_from(word));
	fprintf(stderr, *near ? ", did you mean %s?\n" : "%s\n", near);
	return false;
}

/* The broker has the last word on names; but it cannot ask for those of whom
 * it has never heard. */
static uint32_t uid_of(const char *user)
{
	const struct passwd *pw = getpwnam(user);
	uint64_t uid;

	if (slice_number(slice_from(user), UINT32_MAX - 1, &uid))
		return (uint32_t)uid;
	return pw ? pw->pw_uid : WHO_UNSET;
}

int chown_run(int argc, char **argv)
{
	struct msg_ctl_ask ask = { .verb = CTL_CHOWN };

	if (argc != 4 || !kind_known(argv[1]))
		return EXIT_USE;
	if (!*argv[2] || strlen(argv[2]) >= sizeof(ask.object) ||
	    !*argv[3] || strlen(argv[3]) >= sizeof(ask.text)) {
		fputs("dockbroker: this cannot be a name\n", stderr);
		return EXIT_NO;
	}
	ask.uid = uid_of(argv[3]);
	snprintf(ask.kind, sizeof(ask.kind), "%s", argv[1]);
	snprintf(ask.object, sizeof(ask.object), "%s", argv[2]);
	snprintf(ask.text, sizeof(ask.text), "%s", argv[3]);
	return lines(&ask);
}
