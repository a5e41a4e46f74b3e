/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines for the administrator, on the domain's console. Never waits: what does not fit is
 * dropped and counted. A guest can cause lines; so their number per second is bounded.
 */
#ifndef STUB_CONSOLE_H
#define STUB_CONSOLE_H

#include <stdbool.h>

enum console_level {
	CONSOLE_ERROR,
	CONSOLE_WARNING,
	CONSOLE_INFO,
	CONSOLE_DEBUG,
};

void console_init(void);

/* "error", "warning", "info", "debug": what is less urgent is not written. False: no such level. */
bool console_level(const char *name);

void console_say(enum console_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
