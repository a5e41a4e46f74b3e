/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "command.h"
#include "parse.h"
#include "wait.h"

static int parse_wait(const char *value, struct args *args, struct why *why)
{
	if (!xapt_parse_u32(value, 0, WAIT_MAX, &args->wait))
		return why_set(why, "--wait=%.40s is not a number of seconds from 0 to %u",
			       value, WAIT_MAX);
	return 0;
}

static int parse_stub(const char *value, struct args *args, struct why *why)
{
	if (!*value)
		return why_set(why, "--stub= names no file: leave it out for the installed one");
	args->fast.stub = value;
	return 0;
}

static int parse_spin(const char *value, struct args *args, struct why *why)
{
	if (!xapt_parse_u32(value, 0, FAST_SPIN_MAX, &args->fast.spin_us))
		return why_set(why, "--spin=%.40s is not a number of microseconds from 0 (off) to %u",
			       value, FAST_SPIN_MAX);
	return 0;
}

static int parse_route(const char *value, struct args *args, struct why *why)
{
	if (strcmp(value, "declared") && strcmp(value, "all"))
		return why_set(why, "--route=%.40s is neither declared nor all: all sends every "
			       "operation to the first device", value);
	args->fast.route_all = !strcmp(value, "all");
	return 0;
}

static int parse_revoke(const char *value, struct args *args, struct why *why)
{
	if (!xapt_parse_u32(value, 1, FAST_REVOKE_MAX, &args->fast.revoke_ms))
		return why_set(why, "--revoke=%.40s is not a number of ms from 1 to %u", value,
			       FAST_REVOKE_MAX);
	return 0;
}

static const struct option_row {
	unsigned int bit;
	const char *name;
	const char *value;	/* NULL: takes none */
	int (*parse)(const char *value, struct args *args, struct why *why);
	const char *help;
} options[] = {
	{ OPTION_WAIT, "wait", "SECONDS", parse_wait, "how long to wait; 0 does not wait" },
	{ OPTION_FORCE, "force", NULL, NULL, "when the wait ends, do it all the same" },
	{ OPTION_JSON, "json", NULL, NULL, "print JSON" },
	{ OPTION_DRY_RUN, "dry-run", NULL, NULL,
	  "check everything, do nothing, show what would be done" },
	{ OPTION_AGAIN, "again", NULL, NULL,
	  "attach what the guest had: the devices that are remembered" },
	{ OPTION_UNCHECKED, "unchecked", NULL, NULL,
	  "do not look first whether the limits admit it" },
	{ OPTION_STUB, "stub", "FILE", parse_stub, "another stub domain than the installed one" },
	{ OPTION_SPIN, "spin", "USEC", parse_spin, "the stub spins so long before it blocks" },
	{ OPTION_ROUTE, "route", "ROUTE", parse_route,
	  "declared or all: what goes to the first device first" },
	{ OPTION_REVOKE, "revoke", "MS", parse_revoke,
	  "when the first device takes the state back" },
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* The row of "--name" or "--name=value"; *value is behind the '=', or NULL. */
static const struct option_row *find_option(const char *word, const char **value)
{
	size_t length = strcspn(word + 2, "=");
	unsigned int i;

	*value = word[2 + length] ? word + 3 + length : NULL;
	for (i = 0; i < OPTIONS; i++)
		if (strlen(options[i].name) == length &&
		    !strncmp(word + 2, options[i].name, length))
			return &options[i];
	return NULL;
}

static int parse_option(const struct command *command, const char *word, struct args *args,
			struct why *why)
{
	const char *value;
	const struct option_row *row = find_option(word, &value);

	if (!row || !(command->options & row->bit))
		return why_set(why, "%s has no option %.40s: xen-aperture %s --help lists them",
			       command->name, word, command->name);
	if (args->options & row->bit)
		return why_set(why, "--%s is there twice: give it once", row->name);
	if (row->value && !value)
		return why_set(why, "--%s needs a value: write --%s=%s", row->name, row->name,
			       row->value);
	if (!row->value && value)
		return why_set(why, "--%s takes no value, %.40s was given", row->name, value);
	args->options |= row->bit;
	return row->parse ? row->parse(value, args, why) : 0;
}

static int add_operand(const struct command *command, const char *word, struct args *args,
		       struct why *why)
{
	if (args->count == command->most)
		return why_set(why, "\"%.40s\" is one word too many: write xen-aperture %s%s%s",
			       word, command->name, *command->operands ? " " : "",
			       command->operands);
	args->operand[args->count++] = word;
	return 0;
}

static int check_count(const struct command *command, const struct args *args, struct why *why)
{
	if (args->count < command->least)
		return why_set(why, "%s needs %u operand%s, %u given: write xen-aperture %s %s",
			       command->name, command->least, command->least == 1 ? "" : "s",
			       args->count, command->name, command->operands);
	if (*args->rest && !command->takes_rest)
		return why_set(why, "%s passes nothing on: remove -- and what follows",
			       command->name);
	return 0;
}

int args_parse(const struct command *command, char *const *argv, struct args *args,
	       struct why *why)
{
	*args = (struct args){ .wait = command->wait };
	for (; *argv && strcmp(*argv, "--"); argv++) {
		bool option = (*argv)[0] == '-' && (*argv)[1];

		if (option ? parse_option(command, *argv, args, why)
			   : add_operand(command, *argv, args, why))
			return -1;
	}
	args->rest = *argv ? argv + 1 : argv;
	return check_count(command, args, why);
}

void help_command(FILE *out, const struct command *command)
{
	char left[32];
	unsigned int i;

	fprintf(out, "Usage: xen-aperture %s%s%s%s%s\n\n%s\n\nOptions:\n", command->name,
		command->options ? " [options]" : "", *command->operands ? " " : "",
		command->operands, command->takes_rest ? " [-- option of xl create ...]" : "",
		command->details);
	for (i = 0; i < OPTIONS; i++) {
		if (!(command->options & options[i].bit))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", options[i].name,
			 options[i].value ? "=" : "", options[i].value ? options[i].value : "");
		fprintf(out, "  %-16s  %s", left, options[i].help);
		if (options[i].bit == OPTION_WAIT)
			fprintf(out, " (default %u)", command->wait);
		fputc('\n', out);
	}
	fprintf(out, "  %-16s  %s\n", "--help", "show this text");
}
