/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listed.h - trapped devices in what list shows: under their guest, in place of their slow lanes,
 * which are devices of the stub domain.
 */
#ifndef TOOL_LISTED_H
#define TOOL_LISTED_H

#include "measure.h"
#include "table.h"
#include "trapped.h"

struct json_object;

/* Where they are shown; NULL: not there. */
struct listed {
	struct measure *measure;	/* NULL: who is paused is not known */
	struct table *table;
	struct json_object *array;
};

/* Show those of all guests, or of one. How many there are. */
unsigned int listed_trapped(const struct store *store, int guest, const struct listed *how);

/* Take their slow lanes out of a list of devices. */
void listed_drop_slow(const struct store *store, struct device_list *list);

/* One end of a device. */
struct json_object *listed_end(const struct device_end *end);

#endif /* TOOL_LISTED_H */
