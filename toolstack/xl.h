/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xl.h - run xl, found in PATH.
 */
#ifndef TOOL_XL_H
#define TOOL_XL_H

#include <stdbool.h>

#define XL_EXTRA_MAX	32u	/* words passed on to xl create */

bool xl_found(void);

/*
 * Run xl with these words (NULL at the end). xl talks to the same terminal.
 * Returns its exit status, 128 + signal, or 127 when it could not be started.
 */
int xl_run(const char *const *words);

#endif /* TOOL_XL_H */
