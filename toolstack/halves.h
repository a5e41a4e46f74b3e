/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * halves.h - what both halves of a device count of its operations, for stat.
 *
 * The second device's counters are its process's, the first one's what the guest's
 * record says. Of a device that never had an operation nothing is printed.
 */
#ifndef TOOL_HALVES_H
#define TOOL_HALVES_H

#include <xenaperture_stat.h>

#include "store.h"

struct json_object;

/* trapped: its slow lane is a device of the stub domain, and the first one counts more. */
void halves_print(const struct store *store, const struct xenaperture_stat *stat, bool trapped);
struct json_object *halves_json(const struct store *store, const struct xenaperture_stat *stat,
				bool trapped);

#endif /* TOOL_HALVES_H */
