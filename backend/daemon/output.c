// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "log.h"

static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

static void plain(enum xenaperture_level level, const char *line)
{
	(void)level;
	fprintf(stderr, "apertured: %s\n", line);
}

static void journal(enum xenaperture_level level, const char *line)
{
	fprintf(stderr, "<%d>%s\n", priority[level], line);
}

static void to_syslog(enum xenaperture_level level, const char *line)
{
	syslog(priority[level], "%s", line);
}

void output_open(bool use_syslog)
{
	/* A line is one write: the workers write to the same place. */
	setvbuf(stderr, NULL, _IOLBF, 1024);
	if (use_syslog) {
		/* At once: a worker may open no socket later. */
		openlog("apertured", LOG_PID | LOG_NDELAY, LOG_DAEMON);
		xapt_log_to(to_syslog);
	} else {
		xapt_log_to(getenv("JOURNAL_STREAM") ? journal : plain);
	}
}
