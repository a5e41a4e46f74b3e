// SPDX-License-Identifier: LGPL-2.1-or-later
#include "means.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AVAILABLE	"MemAvailable:"
#define PAGE_COST	(4096u + 128u)	/* with what the kernel notes of it */

uint64_t xapt_means_parse(const char *meminfo)
{
	const char *found = strstr(meminfo, AVAILABLE);
	uint64_t bytes = found ? strtoull(found + strlen(AVAILABLE), NULL, 10) << 10 : 0;

	if (!found)
		return UINT64_MAX;
	return bytes > XAPT_MEMORY_KEPT ? (bytes - XAPT_MEMORY_KEPT) / PAGE_COST : 0;
}

uint64_t xapt_means_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char text[4096];
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return xapt_means_parse(text);
}

static void look(struct xapt_means_source *source, struct xapt_means *now)
{
	(void)source;
	*now = (struct xapt_means){ .memory = xapt_means_memory(), .entries = UINT64_MAX };
}

struct xapt_means_source xapt_means_program = { look };
