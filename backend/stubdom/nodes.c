// SPDX-License-Identifier: GPL-2.0-only
#include "nodes.h"

#include <xen/errno.h>

#include "console.h"
#include "negotiate.h"
#include "parse.h"
#include "text.h"
#include "xenstore.h"

#define TRIES	100u	/* of a transaction that others overtake */

const char *nodes_join(const char *directory, const char *node)
{
	static char path[160];

	text_make(path, sizeof(path), "%s/%s", directory, node);
	return path;
}

const char *nodes_get(const char *directory, const char *node)
{
	return store_get(0, nodes_join(directory, node));
}

bool nodes_put(uint32_t t, const char *directory, const char *node, const char *value)
{
	int error = store_write(t, nodes_join(directory, node), value);

	if (error)
		console_say(CONSOLE_ERROR, "cannot write %s, error %u", nodes_join(directory, node),
			    (unsigned int)-error);
	return !error;
}

bool nodes_put_number(uint32_t t, const char *directory, const char *node, uint64_t value)
{
	char text[24];

	text_make(text, sizeof(text), "%lu", value);
	return nodes_put(t, directory, node, text);
}

enum xapt_bus_state nodes_state(uint32_t t, const char *directory)
{
	uint32_t state = XAPT_BUS_UNKNOWN;

	xapt_parse_u32(store_get(t, nodes_join(directory, "state")), XAPT_BUS_INITIALISING,
		       XAPT_BUS_CLOSED, &state);
	return (enum xapt_bus_state)state;
}

bool nodes_transact(const char *directory, bool (*write)(void *device, uint32_t t), void *device)
{
	unsigned int tries;
	uint32_t t;

	for (tries = 0; tries < TRIES; tries++) {
		bool ok;
		int error;

		if (store_begin(&t))
			break;
		ok = nodes_state(t, directory) != XAPT_BUS_UNKNOWN && write(device, t);
		error = store_end(t, !ok);
		if (!ok || !error)
			return ok;
		if (error != -XEN_EAGAIN)
			break;
	}
	console_say(CONSOLE_ERROR, "nothing written to %s: the store refused or was too busy", directory);
	return false;
}

void nodes_error(const char *directory, uint32_t guest, uint32_t devid, enum xenapt_status status,
		 const char *text)
{
	static char error[160];

	text_make(error, sizeof(error), "%s: %s", xapt_status_name(status), text);
	console_say(CONSOLE_ERROR, "guest %u device %u: %s", guest, devid, error);
	if (nodes_state(0, directory) != XAPT_BUS_UNKNOWN)
		nodes_put(0, directory, XENAPT_NODE_ERROR, error);
}
