/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tool tells the administrator is not for the log of the tests. */
#ifndef TESTS_UNIT_HUSH_H
#define TESTS_UNIT_HUSH_H

#include <fcntl.h>
#include <unistd.h>

/* Standard error to nowhere; what hush() returns brings it back. */
static inline int hush(void)
{
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	close(null);
	return kept;
}

static inline void speak(int kept)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
}

#endif
