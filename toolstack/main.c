/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "command.h"

const struct command commands[] = {
	{
		"attach", "<guest> <spec>", "give a running guest a device",
		"Gives a running guest an aperture device and waits until both sides are\n"
		"connected. If that fails, the device is taken away again.\n"
		"\n"
		"  <guest>  name or number, as xl list shows it\n"
		"  <spec>   type=TYPE,size=SIZE[,apertures=N][,id=N]\n"
		"           [,server=apertured|program][,backend=DOMAIN][,fast=yes|no]\n"
		"           type and size are needed (a timer has no size); SIZE in bytes, or with K, M or G\n"
		"           type=TYPE,io=PORT|mmio=auto|mmio=ADDRESS[,timeout=MS][,id=N]: a trapped device\n"
		"\n"
		"With fast=yes, io or mmio a first device goes into the guest's stub domain as well,\n"
		"which is made if need be; --stub, --spin, --route and --revoke are for it, the first\n"
		"two for a guest that has no stub domain yet.\n"
		"\n"
		"What was attached is remembered until it is detached. --again, without a spec, attaches\n"
		"all of it to the guest, which may be paused; what is attached already stays.",
		OPTION_WAIT | OPTION_AGAIN | OPTION_UNCHECKED | OPTIONS_FAST, 30, 1, 2, false, run_attach,
	},
	{
		"detach", "<guest> <id|all>", "take a device away from a guest",
		"Asks both sides to close, waits until they did, and removes the device. A\n"
		"guest that is paused or hung does not close: then --force removes the device\n"
		"after the wait. A first device goes before it. The guest's pages stay shared until whoever maps them lets go.",
		OPTION_WAIT | OPTION_FORCE, 10, 2, 2, false, run_detach,
	},
	{
		"install", "<guest> [id ...]", "put first devices into a stub domain",
		"Puts a first device into the stub domain of a running guest beside each device\n"
		"that is named, or beside all that can have one, and waits until the guest uses\n"
		"it. The stub domain is made if the guest has none.",
		OPTION_WAIT | OPTIONS_FAST, 30, 1, OPERANDS_MAX, false, run_install,
	},
	{
		"uninstall", "<guest> [id ...]", "take first devices out of it",
		"Takes the first devices that are named, or all, out of a guest's stub domain; the\n"
		"devices work on without. With the last one the stub domain ends.",
		OPTION_WAIT | OPTION_FORCE, 10, 1, OPERANDS_MAX, false, run_uninstall,
	},
	{
		"check", "[guest [spec ...]]", "show the limits, and what would fit",
		"Shows every limit that devices of a guest could hit, at both ends: its value, what\n"
		"is used, what is needed and kept, and what raises it. With specs the need is that of\n"
		"these devices, else what the devices of the guest could still take. Exit status 1:\n"
		"something does not fit. attach and create look at the same before they begin.",
		OPTION_JSON, 0, 0, OPERANDS_MAX, false, run_check,
	},
	{
		"list", "[guest]", "show the devices and their state",
		"Shows the aperture devices of all guests, or of one, leftovers included.",
		OPTION_JSON, 0, 0, 1, false, run_list,
	},
	{
		"stat", "[guest [id]]", "show the counters of both ends",
		"Shows what both ends count: signals, events, requests, errors, mapped pages,\n"
		"and each open aperture. Traffic is not stopped.",
		OPTION_JSON, 0, 0, 2, false, run_stat,
	},
	{
		"create", "<guest.cfg>", "create a guest of xl with its devices",
		"Reads aperture = [ \"<spec>\", ... ] from a guest's configuration file, checks\n"
		"it, creates the guest with xl, paused, attaches the devices, waits until\n"
		"apertured took them up, and lets the guest run. If that fails, the guest is\n"
		"destroyed again. Devices with fast=yes get a first device in a stub domain;\n"
		"--stub, --spin, --route and --revoke are for those. What follows -- is passed on to xl create: -d, -e, -q, and\n"
		"key=value. See xen-aperture.cfg(5).",
		OPTION_WAIT | OPTION_DRY_RUN | OPTION_UNCHECKED | OPTIONS_FAST, 30, 1, 1, true, run_create,
	},
};

const unsigned int commands_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < commands_count; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

void help_tool(FILE *out)
{
	unsigned int i;

	fputs("Usage: xen-aperture <command> [options] ...\n"
	      "\n"
	      "Memory that a Xen guest shares with a program in domain 0.\n"
	      "\n"
	      "Commands:\n", out);
	for (i = 0; i < commands_count; i++)
		fprintf(out, "  %-9s %-19s %s\n", commands[i].name, commands[i].operands,
			commands[i].summary);
	fputs("\n"
	      "Options:\n"
	      "  --help     show this text; after a command: what that command takes\n"
	      "  --version  show the version\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 bad input (nothing was done), 3 not root or no\n"
	      "Xen, 4 a side did not answer in time, 5 no such guest or device.\n", out);
}

static bool asks_help(char *const *argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++)
		if (!strcmp(*argv, "--help"))
			return true;
	return false;
}

static int run_command(const struct command *command, char *const *argv)
{
	struct args args;
	struct why why;

	if (asks_help(argv)) {
		help_command(stdout, command);
		return EXIT_OK;
	}
	if (args_parse(command, argv, &args, &why))
		return say_why(EXIT_USAGE, &why);
	return command->run(&args);
}

/* Output that could not be written (full disk, closed pipe) is a failure. */
static int finish(int status)
{
	if ((fflush(stdout) || ferror(stdout)) && status == EXIT_OK) {
		say("cannot write to standard output");
		return EXIT_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		help_tool(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help")) {
		help_tool(stdout);
		return finish(EXIT_OK);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("xen-aperture " XENAPERTURE_VERSION);
		return finish(EXIT_OK);
	}
	command = command_find(argv[1]);
	if (!command) {
		say("there is no command \"%.40s\": xen-aperture --help lists them", argv[1]);
		return EXIT_USAGE;
	}
	return finish(run_command(command, argv + 2));
}
