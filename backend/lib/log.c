// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define LINE	400
#define MINUTE	60000

static void to_stderr(enum xenaperture_level level, const char *line)
{
	(void)level;
	fprintf(stderr, "%s\n", line);
}

static xapt_log_fn sink = to_stderr;
static enum xenaperture_level most_level = XENAPERTURE_WARNING;
static _Thread_local char error_text[LINE];

void xapt_log_to(xapt_log_fn fn)
{
	sink = fn;
}

void xapt_log_level(enum xenaperture_level most)
{
	most_level = most;
}

void xapt_printable(char *to, size_t room, const char *text)
{
	size_t n;

	for (n = 0; text[n] && n + 1 < room; n++)
		to[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	to[n] = '\0';
}

void xapt_vlog(enum xenaperture_level level, const char *who, const char *format, va_list args)
{
	char text[LINE], line[LINE + 64], clean[LINE + 64];

	if (level > most_level)
		return;
	vsnprintf(text, sizeof(text), format, args);
	snprintf(line, sizeof(line), "%s%s%s", who, *who ? ": " : "", text);
	xapt_printable(clean, sizeof(clean), line);
	sink(level, clean);
}

void xapt_log(enum xenaperture_level level, const char *who, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	xapt_vlog(level, who, format, args);
	va_end(args);
}

/* One line more? Says first what was left out before. */
static bool may_write(struct xapt_log_limit *limit, enum xenaperture_level level, const char *who)
{
	unsigned int left_out = limit->left_out;
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	if (!limit->start || now - limit->start >= MINUTE) {
		limit->start = now;
		limit->lines = 0;
	}
	if (limit->lines == XAPT_LOG_LINES) {
		limit->left_out++;
		return false;
	}
	limit->lines++;
	limit->left_out = 0;
	if (left_out)
		xapt_log(level, who, "%u lines left out, there were more than %d in a minute",
			 left_out, XAPT_LOG_LINES);
	return true;
}

void xapt_vlog_some(struct xapt_log_limit *limit, enum xenaperture_level level, const char *who,
		    const char *format, va_list args)
{
	if (level > most_level || (level < XENAPERTURE_DEBUG && !may_write(limit, level, who)))
		return;
	xapt_vlog(level, who, format, args);
}

void xapt_log_some(struct xapt_log_limit *limit, enum xenaperture_level level, const char *who,
		   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	xapt_vlog_some(limit, level, who, format, args);
	va_end(args);
}

int xapt_error_set(int code, const char *format, ...)
{
	char text[LINE];
	va_list args;

	/* By way of text: the old message may be one of the arguments. */
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	xapt_printable(error_text, sizeof(error_text), text);
	errno = code;
	return -1;
}

const char *xapt_error(void)
{
	return error_text;
}

static void say_nothing(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			const char *context, const char *format, va_list args)
{
	(void)logger;
	(void)level;
	(void)errnoval;
	(void)context;
	(void)format;
	(void)args;
}

struct xentoollog_logger xapt_silent = { .vmessage = say_nothing };
