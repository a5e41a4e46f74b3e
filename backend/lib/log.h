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

#include <xenaperture.h>

/* Levels are enum xenaperture_level. who is put in front: "guest 5 device 0 (mem)". */
typedef void (*xapt_log_fn)(enum xenaperture_level level, const char *line);

void xapt_log_to(xapt_log_fn fn);
void xapt_log_level(enum xenaperture_level most);
void xapt_log(enum xenaperture_level level, const char *who, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void xapt_vlog(enum xenaperture_level level, const char *who, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Set errno and the thread's text; returns -1. */
int xapt_error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *xapt_error(void);

/* A peer's text into something that is safe to print: other octets become '?'. */
void xapt_printable(char *to, size_t room, const char *text);

#endif
