/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say.h - words for the administrator, and the exit statuses of the tool.
 *
 * A function that checks something takes a struct why and, when it refuses,
 * fills it with one sentence: what was wrong, where, the value, the limit, what
 * to do. Only the command at the top prints it. Whatever is printed loses its
 * control characters first: names and error nodes may come from a guest.
 */
#ifndef TOOL_SAY_H
#define TOOL_SAY_H

#include <stddef.h>

enum tool_exit {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,	/* tried, and it did not work */
	EXIT_USAGE	= 2,	/* bad command line, specification or file; nothing was done */
	EXIT_NO_XEN	= 3,	/* not root, no Xen, or no xenstore */
	EXIT_TIMEOUT	= 4,	/* a side did not reach the state in time */
	EXIT_NOT_FOUND	= 5,	/* no such guest or device */
};

#define WHY_MAX	640

/* Why something was refused. Longer text is cut. */
struct why {
	char text[WHY_MAX];
};

/* Set the reason. Returns -1, so that "return why_set(...)" refuses. */
int why_set(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replace whatever a terminal could take for more than text with '?'. */
void make_printable(char *text);

/* One line on standard error, "xen-aperture: " before it. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print the reason and return status, so that "return say_why(...)" ends a command. */
int say_why(int status, const struct why *why);

#endif /* TOOL_SAY_H */
