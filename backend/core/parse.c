// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parse.h"

#include <xen/io/apertureif.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from *text on; *text is left behind the last one. */
static bool digits(const char **text, uint64_t max, uint64_t *value)
{
	const char *p = *text;
	uint64_t n = 0;

	if (!digit(*p) || (*p == '0' && digit(p[1])))
		return false;
	for (; digit(*p); p++) {
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	}
	if (n > max)
		return false;
	*text = p;
	*value = n;
	return true;
}

bool xapt_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t n;

	if (!text || !digits(&text, max, &n) || *text || n < min)
		return false;
	*value = n;
	return true;
}

bool xapt_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t n;

	if (!xapt_parse_u64(text, min, max, &n))
		return false;
	*value = (uint32_t)n;
	return true;
}

size_t xapt_parse_versions(const char *text, uint16_t *versions)
{
	size_t count = 0;
	uint64_t n, last = 0;

	if (!text)
		return 0;
	for (;;) {
		if (count == XENAPT_MAX_VERSIONS || !digits(&text, UINT16_MAX, &n) || n <= last)
			return 0;
		versions[count++] = (uint16_t)n;
		last = n;
		if (!*text)
			return count;
		if (*text++ != ',')
			return 0;
	}
}

bool xapt_parse_type(const char *text)
{
	size_t n;

	if (!text || text[0] < 'a' || text[0] > 'z')
		return false;
	for (n = 1; text[n]; n++) {
		char c = text[n];

		if (n == XENAPT_TYPE_MAX || !((c >= 'a' && c <= 'z') || digit(c) || c == '-'))
			return false;
	}
	return true;
}
