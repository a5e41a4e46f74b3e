/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command.h - the commands as a table, and what a command line says.
 *
 * args_parse() reads a command line against the command's row and has no
 * effects; the help text is made from the same rows. A command checks all its
 * input before it looks whether there is a Xen.
 */
#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "say.h"
#include "spec.h"

enum {
	OPTION_WAIT	= 1u << 0,
	OPTION_FORCE	= 1u << 1,
	OPTION_JSON	= 1u << 2,
	OPTION_DRY_RUN	= 1u << 3,
	OPTION_STUB	= 1u << 4,
	OPTION_SPIN	= 1u << 5,
	OPTION_ROUTE	= 1u << 6,
	OPTION_REVOKE	= 1u << 7,
	OPTION_AGAIN	= 1u << 8,
	OPTION_UNCHECKED = 1u << 9,
	OPTIONS_FAST	= OPTION_STUB | OPTION_SPIN | OPTION_ROUTE | OPTION_REVOKE,
};

#define OPERANDS_MAX	(SPEC_MAX_ID + 2)	/* a guest and all its devices */

struct args {
	unsigned int options;		/* OPTION_* that were given */
	unsigned int wait;		/* seconds; the command's default without --wait */
	struct fast_options fast;
	unsigned int count;		/* operands */
	const char *operand[OPERANDS_MAX];
	char *const *rest;		/* behind "--", ends with NULL; may be empty */
};

struct command {
	const char *name;
	const char *operands;		/* as the help shows them */
	const char *summary;
	const char *details;
	unsigned int options;		/* OPTION_* that it takes */
	unsigned int wait;		/* default of --wait, seconds */
	unsigned int least, most;	/* operands */
	bool takes_rest;		/* something may follow "--" */
	int (*run)(const struct args *args);	/* returns enum tool_exit */
};

extern const struct command commands[];
extern const unsigned int commands_count;

int run_attach(const struct args *args);
int run_again(const struct args *args);		/* attach --again */
int run_detach(const struct args *args);
int run_check(const struct args *args);
int run_list(const struct args *args);
int run_stat(const struct args *args);
int run_create(const struct args *args);
int run_install(const struct args *args);
int run_uninstall(const struct args *args);

/* argv[0] is the first word behind the command's name. -1 and the reason. */
int args_parse(const struct command *command, char *const *argv, struct args *args,
	       struct why *why);

/* Options for first devices where there are none, or a file that is no stub domain: -1 and why. */
int check_fast_options(const struct args *args, bool any_fast, struct why *why);

/* A trapped device is of no use before it was waited for. -1 and why. */
int check_trapped_wait(const struct args *args, bool any_trapped, struct why *why);

const struct command *command_find(const char *name);

void help_tool(FILE *out);
void help_command(FILE *out, const struct command *command);

#endif /* TOOL_COMMAND_H */
