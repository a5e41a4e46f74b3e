/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings, without a library. */
#ifndef STUB_TEXT_H
#define STUB_TEXT_H

#include <stdarg.h>
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int octet, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

/*
 * %s, %u, %lu, %lx, %%; nothing else. Cut to room, always ended with 0; returns the octets written
 * without that. What a %s holds that cannot be printed becomes '?'.
 */
size_t text_make(char *to, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vmake(char *to, size_t room, const char *format, va_list args);

#endif
