/*
 * cli.h: the command line `dockbroker'.  A table of subcommands (main.c), one
 * file per group.  Runs as the caller; asks the broker over its control socket.
 */
#ifndef DOCKBROKER_CLI_CLI_H
#define DOCKBROKER_CLI_CLI_H

#include <stdio.h>

#include "dockbroker/base.h"
#include "dockbroker/proc.h"

/* Exit codes, documented in dockbroker(1). */
enum {
	EXIT_DONE = 0,
	EXIT_NO = 1,		/* refused, faults found, not allowed */
	EXIT_AWAY = 3,		/* a part is not running or not well */
	EXIT_USE = 64		/* usage */
};

struct command {
	const char *name, *arguments, *summary, *help;
	int (*run)(int argc, char **argv);	/* argv[0] is the command's name */
};
extern const struct command commands[];
void command_usage(const struct command *c, bool error);
const struct command *command_self(const char *name);

int status_run(int argc, char **argv);
int list_run(int argc, char **argv);
int check_run(int argc, char **argv);
int reload_run(int argc, char **argv);
int open_run(int argc, char **argv);
int why_run(int argc, char **argv);
int chown_run(int argc, char **argv);

/* Asks the broker and waits.  Returns the exit code that it gave; -1 with a
 * message on stderr when it cannot be asked.  text: the whole answer. */
int control_ask(const struct msg_ctl_ask *ask, struct buf *answer) _must_check_;
/* What is not printable becomes "?": terminals are not to be steered. */
void print_safe(FILE *f, struct slice s);
bool want_color(FILE *f);

#endif
