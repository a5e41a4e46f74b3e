// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *to;
	size_t room, n;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->room)
		o->to[o->n++] = c;
}

static void put_string(struct out *o, const char *s)
{
	for (; *s; s++)
		put(o, *s >= ' ' && *s <= '~' ? *s : '?');
}

static void put_number(struct out *o, uint64_t v, unsigned int base)
{
	char digits[20];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		put(o, digits[--n]);
}

size_t text_vmake(char *to, size_t room, const char *format, va_list args)
{
	struct out o = { to, room, 0 };

	for (; *format; format++) {
		bool big = false;

		if (*format != '%') {
			put(&o, *format);
			continue;
		}
		if (*++format == 'l') {
			big = true;
			format++;
		}
		if (*format == 's')
			put_string(&o, va_arg(args, const char *));
		else if (*format == 'u')
			put_number(&o, big ? va_arg(args, unsigned long) : va_arg(args, unsigned int), 10);
		else if (*format == 'x')
			put_number(&o, big ? va_arg(args, unsigned long) : va_arg(args, unsigned int), 16);
		else
			put(&o, '%');
	}
	if (room)
		to[o.n] = '\0';
	return o.n;
}

size_t text_make(char *to, size_t room, const char *format, ...)
{
	va_list args;
	size_t n;

	va_start(args, format);
	n = text_vmake(to, room, format, args);
	va_end(args);
	return n;
}
