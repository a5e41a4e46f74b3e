/* SPDX-License-Identifier: GPL-2.0-only */
/* For Xen's libraries: what they would print the tool says itself, in its own words. */
#ifndef TOOL_QUIET_H
#define TOOL_QUIET_H

#include <xentoollog.h>

xentoollog_logger *quiet(void);

#endif /* TOOL_QUIET_H */
