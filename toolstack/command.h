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

enum {
	OPTION_WAIT	= 1u << 0,
	OPTION_FORCE	= 1u << 1,
	OPTION_JSON	= 1u << 2,
	OPTION_DRY_RUN	= 1u << 3,
};

#define OPERANDS_MAX	2

struct args {
	unsigned int options;		/* OPTION_* that were given */
	unsigned int wait;		/* seconds; the command's default without --wait */
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
int run_detach(const struct args *args);
int run_list(const struct args *args);
int run_stat(const struct args *args);
int run_create(const struct args *args);

/* argv[0] is the first word behind the command's name. -1 and the reason. */
int args_parse(const struct command *command, char *const *argv, struct args *args,
	       struct why *why);

const struct command *command_find(const char *name);

void help_tool(FILE *out);
void help_command(FILE *out, const struct command *command);

#endif /* TOOL_COMMAND_H */
