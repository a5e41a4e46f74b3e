/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the log goes: standard error (the journal understands the levels), or syslog. */
#ifndef DAEMON_OUTPUT_H
#define DAEMON_OUTPUT_H

#include <stdbool.h>

void output_open(bool to_syslog);

#endif
