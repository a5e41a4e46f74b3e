// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "output.h"
#include "parse.h"
#include "sandbox.h"
#include "supervisor.h"
#include "worker.h"

#define CONFIG_FILE	XENAPERTURE_SYSCONF "/apertured.conf"

enum { EXIT_BAD_USE = 2 };	/* options, configuration */

static const char help[] =
	"Usage: apertured [OPTION]...\n"
	"Serve aperture devices to Xen guests.\n"
	"\n"
	"  -c, --config=FILE   configuration instead of " CONFIG_FILE "\n"
	"  -f, --foreground    do not detach; log to standard error\n"
	"  -l, --log=LEVEL     error, warning, info or debug; overrides the configuration\n"
	"  -h, --help          this text\n"
	"  -V, --version       version\n"
	"\n"
	"Exit status: 0 ended as asked, 1 failure, 2 wrong option or configuration.\n";

struct options {
	const char *config;
	const char *log;
	const char *worker;	/* not for people: started by the supervisor */
	bool foreground;
	bool syslog;
};

static int bad_use(void)
{
	fputs("Try 'apertured --help'.\n", stderr);
	return EXIT_BAD_USE;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "worker", required_argument, NULL, 'w' },
		{ "syslog", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:fl:hV", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 'l':
			o->log = optarg;
			break;
		case 'w':
			o->worker = optarg;
			break;
		case 's':
			o->syslog = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			puts("apertured " XENAPERTURE_VERSION);
			return 0;
		default:
			return bad_use();
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "apertured: \"%s\": no argument is known\n", argv[optind]);
	return bad_use();
}

/* A missing file is an error only if it was asked for. */
static int load(const struct options *o, struct config *c, char *text)
{
	const char *file = o->config ? o->config : CONFIG_FILE;
	char error[256];
	uid_t uid;
	gid_t gid;

	config_defaults(c);
	text[0] = '\0';
	if ((o->config || !access(file, F_OK)) &&
	    (config_load(file, text, error, sizeof(error)) ||
	     config_parse(c, file, text, error, sizeof(error)))) {
		fprintf(stderr, "apertured: %s\n", error);
		return -1;
	}
	if (o->log && config_level(o->log, &c->log)) {
		fprintf(stderr, "apertured: --log is \"%s\", must be error, warning, info or debug\n",
			o->log);
		return -1;
	}
	if (sandbox_user(c->user, &uid, &gid)) {
		fprintf(stderr, "apertured: %s: %s\n", file, xapt_error());
		return -1;
	}
	return 0;
}

/* ---- detaching: whoever started us waits until we serve, or learns that we failed ---- */

static int ready_pipe = -1;

static void ready(void)
{
	int null;

	if (ready_pipe < 0)
		return;
	output_open(true);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (null > 2)
		close(null);
	if (write(ready_pipe, "", 1) == 1)
		close(ready_pipe);
}

static int detach(void)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		close(ends[0]);
		ready_pipe = ends[1];
		setsid();
		return chdir("/");
	default:
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
}

static int supervise(const struct options *o)
{
	static char text[CONFIG_TEXT];
	struct config config;

	if (load(o, &config, text))
		return EXIT_BAD_USE;
	xapt_log_level(config.log);
	if (geteuid()) {
		fprintf(stderr, "apertured: must be started by root (user %u now)\n", geteuid());
		return EXIT_FAILURE;
	}
	if (!o->foreground && detach()) {
		fprintf(stderr, "apertured: cannot detach: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	if (!supervisor_main(&config, text, o->foreground, ready))
		return EXIT_SUCCESS;
	xapt_log(XENAPERTURE_ERROR, "", "%s", xapt_error());
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	int status = parse_options(argc, argv, &o);
	uint32_t domid;

	if (status >= 0)
		return status;
	output_open(o.syslog);
	if (!o.worker)
		return supervise(&o);
	if (xapt_parse_u32(o.worker, 0, 0x7fef, &domid))
		return worker_main(domid);
	return bad_use();
}
