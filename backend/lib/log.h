/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two ways out for messages. A library says why a call failed by xapt_error_set(),
 * which xenaperture_error() returns. What happens later, to nobody's call, goes to
 * the log: by default standard error, warnings and errors only.
 */
#ifndef XAPT_LIB_LOG_H
#define XAPT_LIB_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <xenaperture.h>
#include <xentoollog.h>

/* Levels are enum xenaperture_level. who is put in front: "guest 5 device 0 (mem)". */
typedef void (*xapt_log_fn)(enum xenaperture_level level, const char *line);

void xapt_log_to(xapt_log_fn fn);
void xapt_log_level(enum xenaperture_level most);
void xapt_log(enum xenaperture_level level, const char *who, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void xapt_vlog(enum xenaperture_level level, const char *who, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/*
 * Lines whose number a guest decides. Of one limit at most XAPT_LOG_LINES a minute are
 * written, then one that says how many were not. XENAPERTURE_DEBUG is never left out.
 */
#define XAPT_LOG_LINES	30

struct xapt_log_limit {		/* zeroed by its owner */
	uint64_t start;		/* ms; of the minute */
	unsigned int lines;	/* written in it */
	unsigned int left_out;	/* since the last one that was written */
};

void xapt_log_some(struct xapt_log_limit *limit, enum xenaperture_level level, const char *who,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
void xapt_vlog_some(struct xapt_log_limit *limit, enum xenaperture_level level, const char *who,
		    const char *format, va_list args) __attribute__((format(printf, 4, 0)));

/* Set errno and the thread's text; returns -1. */
int xapt_error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *xapt_error(void);

/* A peer's text into something that is safe to print: other octets become '?'. */
void xapt_printable(char *to, size_t room, const char *text);

/*
 * For Xen's libraries, which would say a line for each thing that fails: a guest or a stub domain
 * decides how many. What matters is said by the caller.
 */
extern struct xentoollog_logger xapt_silent;

#endif
