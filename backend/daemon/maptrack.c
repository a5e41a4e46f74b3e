// SPDX-License-Identifier: GPL-2.0-only
#include "maptrack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define OPTION		"gnttab_max_maptrack_frames="
#define FRAMES		1024u	/* Xen's default, and libxl's */
#define FRAMES_MAX	(1u << 20)
#define ENTRIES		256u	/* of 16 octets in a frame */
#define GUEST_TYPE	"/sys/hypervisor/guest_type"

uint64_t maptrack_frames(const char *command_line)
{
	uint64_t frames = FRAMES;
	const char *at = command_line;

	/* As Xen has it: the last one counts. */
	while (at && (at = strstr(at, OPTION))) {
		char *end;
		uint64_t value;
		bool word = at == command_line || at[-1] == ' ';

		at += strlen(OPTION);
		value = strtoull(at, &end, 0);
		if (word && end != at && (!*end || *end == ' ') && value && value <= FRAMES_MAX)
			frames = value;
	}
	return frames;
}

uint64_t maptrack_pages(uint64_t frames, bool pv)
{
	return frames * ENTRIES / (pv ? 2 : 1) / 4 * 3;
}

/* If the kernel does not say: a PV kernel, which takes more. */
static bool is_pv(void)
{
	FILE *f = fopen(GUEST_TYPE, "re");
	char text[8] = "";
	bool pv = !f || !fgets(text, sizeof(text), f) || !strncmp(text, "PV\n", 3);

	if (f)
		fclose(f);
	return pv;
}

uint64_t maptrack_bound(struct xen *x)
{
	char line[1024] = "";

	if (x && xen_command_line(x, line, sizeof(line)))
		line[0] = '\0';
	return maptrack_pages(maptrack_frames(line), is_pv());
}
