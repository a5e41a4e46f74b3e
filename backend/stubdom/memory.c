// SPDX-License-Identifier: GPL-2.0-only
/* What a freestanding compiler calls. */
#include <stddef.h>
#include <stdint.h>

#include "text.h"

void *memcpy(void *to, const void *from, size_t n)
{
	void *result = to;
	size_t words = n / 8;

	n %= 8;
	asm volatile("rep movsq\n\tmov %3, %2\n\trep movsb"
		     : "+D" (to), "+S" (from), "+c" (words) : "r" (n) : "memory");
	return result;
}

void *memset(void *to, int octet, size_t n)
{
	void *result = to;
	size_t words = n / 8;

	n %= 8;
	asm volatile("rep stosq\n\tmov %3, %1\n\trep stosb"
		     : "+D" (to), "+c" (words)
		     : "a" ((uint8_t)octet * 0x0101010101010101u), "r" (n) : "memory");
	return result;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if ((uintptr_t)to - (uintptr_t)from >= n)
		return memcpy(to, from, n);
	while (n--)
		t[n] = f[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (uint8_t)*a - (uint8_t)*b;
}
