/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bare stub domains of the benchmark share: they boot with the stub domain's own boot code, and
 * end at the first trap. Included once in each.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "machine.h"

uint64_t trap_record[4];	/* boot.S writes it */

void stub_boot(const struct start_info *start) __attribute__((noreturn));
void stub_restart(void) __attribute__((noreturn));

/* Also where a trap goes. */
void stub_restart(void)
{
	machine_shutdown(SHUTDOWN_crash);
}

/* The number after name ("guest=") on the command line, 0 if it is not there. */
static inline uint32_t setting(const struct start_info *start, const char *name)
{
	const char *at, *line = (const char *)start->cmd_line;
	uint32_t number = 0;
	unsigned int i;

	for (; *line; line++) {
		for (i = 0; name[i] && line[i] == name[i]; i++)
			;
		if (name[i])
			continue;
		for (at = line + i; *at >= '0' && *at <= '9'; at++)
			number = number * 10 + (uint32_t)(*at - '0');
		break;
	}
	return number;
}

#endif
