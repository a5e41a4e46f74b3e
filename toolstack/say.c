/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdio.h>

#include "say.h"

void make_printable(char *text)
{
	unsigned char *c;

	for (c = (unsigned char *)text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

int why_set(struct why *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	make_printable(why->text);
	return -1;
}

void say(const char *format, ...)
{
	char line[WHY_MAX + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	make_printable(line);
	fprintf(stderr, "xen-aperture: %s\n", line);
}

int say_why(int status, const struct why *why)
{
	say("%s", why->text);
	return status;
}
