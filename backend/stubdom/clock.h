/* SPDX-License-Identifier: GPL-2.0-only */
/* Xen's system time: nanoseconds, never going back, the same clock as SCHEDOP_poll's timeout. */
#ifndef STUB_CLOCK_H
#define STUB_CLOCK_H

#include <stdint.h>

#define NS_PER_US	1000u
#define NS_PER_MS	1000000u
#define NS_PER_S	1000000000u

uint64_t clock_now(void);

#endif
