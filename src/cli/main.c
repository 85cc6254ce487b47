/*
 * main.c: `dockbroker': the table of subcommands and how one is chosen.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const struct command commands[] = {
	{ "status", "[--json]", "is everything running?",
	  "Shows whether the broker, its helpers and the Engine are well, which\n"
	  "policy is in force, and what has been asked so far.\n"
	  "\n"
	  "  --json  the same as JSON\n"
	  "\n"
	  "Exit code 0 when all is well, 3 when a part is missing.\n", status_run },
	{ "list", "[-U USER] [--json]", "what may I do with docker?",
	  "Lists the roles that are granted to you and the docker commands that\n"
	  "they allow.\n"
	  "\n"
	  "  -U, --user USER  somebody else, by name or uid (root only)\n"
	  "  --json           the same as JSON\n", list_run },
	{ "why", "[NUMBER]", "why was request NUMBER refused?",
	  "Explains one of your last refusals at length: what was asked, which\n"
	  "roles you have, and what would have been needed.  The number stands at\n"
	  "the end of the refusal.  Without it, your last five.\n", why_run },
	{ "open", "", "make my socket",
	  "Has the broker make your own socket, and prints its path.  Needed only\n"
	  "where the directory service cannot list the members of your groups.\n", open_run },
	{ "check", "[--print] [--conf FILE] [--json] [FILE | guard]", "check a policy, the settings and their policy, or the guard",
	  "Checks the policy FILE without using it, or without FILE the settings\n"
	  "and the policy that they name.  Every fault is shown with its place.\n"
	  "\n"
	  "  --print      print the policy in canonical form\n"
	  "  --conf FILE  settings other than " SYSCONFDIR "/dockbroker/dockbroker.conf\n"
	  "\n"
	  "`check guard' looks whether the guard in front of runc is in place: what\n"
	  "binds and builds need of the Engine, of this host and of your account.  Each\n"
	  "line is good, bad, a note or unknown to you, with what mends it.\n"
	  "\n"
	  "  --json       the same as JSON\n"
	  "\n"
	  "Exit code 0 when there are no faults, 1 when there are.\n", check_run },
	{ "reload", "", "read settings and policy again (root)",
	  "Has the broker read its settings and its policy again.  When they have a\n"
	  "fault, nothing changes and the faults are shown.  Streams that are no\n"
	  "longer allowed are cut.\n", reload_run },
	{ "chown", "KIND NAME USER", "give an object to somebody (root)",
	  "Hands the container, network, volume, image or tag NAME over to USER: an\n"
	  "account by name or uid, service:NAME, or - for nobody.  It belongs to USER\n"
	  "alone then; what is nobody's is left to roles with `on any', but an image\n"
	  "of nobody may be used by everybody.  It is recorded.\n", chown_run },
	{ NULL, NULL, NULL, NULL, NULL }
};

const struct command *command_self(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

void command_usage(const struct command *c, bool error)
{
	FILE *f = error ? stderr : stdout;

	fprintf(f, "usage: dockbroker %s%s%s\n", c->name, *c->arguments ? " " : "",
	    c->arguments);
	if (!error)
		fprintf(f, "\n%s", c->help);
}

static void usage(FILE *f)
{
	fputs("usage: dockbroker COMMAND [ARGUMENT]...\n\n", f);
	for (const struct command *c = commands; c->name; c++)
		fprintf(f, "  %-8s %s\n", c->name, c->summary);
	fputs("\n`dockbroker COMMAND --help' says more, and so does dockbroker(1).\n", f);
}

static const char *command_name(size_t i)
{
	return commands[i].name;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("dockbroker " PACKAGE_VERSION);
		return EXIT_DONE;
	}
	const struct command *c = command_self(argv[1]);
	if (!c) {
		const char *near = slice_nearest(slice_from(argv[1]), command_name);
		fputs("dockbroker: unknown command ", stderr);
		print_safe(stderr, slice_from(argv[1]));
		fprintf(stderr, *near ? ", did you mean %s?\n" : "%s\n", near);
		fputs("Try `dockbroker --help'.\n", stderr);
		return EXIT_USE;
	}
	if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"))) {
		command_usage(c, false);
		return EXIT_DONE;
	}
	int code = c->run(argc - 1, argv + 1);
	if (code == EXIT_USE)
		command_usage(c, true);
	return code;
}
