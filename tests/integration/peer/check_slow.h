/* SPDX-License-Identifier: GPL-2.0-only */
/* What the second device "check" does beyond the model. */
#ifndef CHECK_SLOW_H
#define CHECK_SLOW_H

#include <stdint.h>

#include <xenaperture_model.h>

/* The device object begins with this: registers that the process keeps. */
struct check_apart {
	uint64_t eight;
	uint32_t four;
	uint16_t two;
	uint8_t one[2];
};

extern const struct xenaperture_model check_model;
extern const struct xenaperture_functions check_slow;

#endif
