/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "parse.h"

#define BACKEND	"/local/domain/%u/backend/" XENAPT_DEVICE_KIND
#define FRONTEND "/local/domain/%u/device/" XENAPT_DEVICE_KIND

const char *state_name(enum device_state state)
{
	static const char *const names[STATE_LAST + 1] = {
		"missing", "Initialising", "InitWait", "Initialised", "Connected",
		"Closing", "Closed", "Reconfiguring", "Reconfigured",
	};

	return names[state];
}

static void read_end(const struct store *store, struct device_end *end, const char *path)
{
	uint64_t state;

	end->there = store_exists(store, "%s", path);
	store_number(store, &state, STATE_LAST, "%s/state", path);
	end->state = (enum device_state)state;
	store_read(store, end->error, sizeof(end->error), "%s/" XENAPT_NODE_ERROR, path);
}

static void read_policy(const struct store *store, struct device *device, const char *path)
{
	char server[16];
	uint64_t n;

	store_read(store, device->type, sizeof(device->type), "%s/" XENAPT_NODE_TYPE, path);
	store_number(store, &device->max_size, XENAPT_MAX_SIZE, "%s/" XENAPT_NODE_MAX_SIZE, path);
	store_number(store, &n, XENAPT_MAX_APERTURES, "%s/" XENAPT_NODE_MAX_APERTURES, path);
	device->max_apertures = (unsigned int)n;
	store_read(store, server, sizeof(server), "%s/" XENAPT_NODE_SERVER, path);
	device->by_program = !strcmp(server, "program");
}

void device_read(const struct store *store, struct device *device)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), BACKEND "/%u/%u", device->backend, device->guest, device->id);
	read_end(store, &device->parent, path);
	read_policy(store, device, path);
	snprintf(path, sizeof(path), FRONTEND "/%u", device->guest, device->id);
	read_end(store, &device->child, path);
}

static int list_add(const struct store *store, struct device_list *list, unsigned int guest,
		    unsigned int id, unsigned int backend, struct why *why)
{
	struct device *more;

	more = realloc(list->devices, (list->count + 1) * sizeof(*more));
	if (!more)
		return why_set(why, "out of memory after %u devices", list->count);
	list->devices = more;
	more += list->count++;
	*more = (struct device){ .guest = guest, .id = id, .backend = backend };
	device_read(store, more);
	return 0;
}

static bool listed(const struct device_list *list, unsigned int guest, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->devices[i].guest == guest && list->devices[i].id == id)
			return true;
	return false;
}

/* Devices that one domain serves to one guest. */
static int find_served(const struct store *store, unsigned int backend, unsigned int guest,
		       struct device_list *list, struct why *why)
{
	unsigned int count, i;
	char **ids = store_directory(store, &count, BACKEND "/%u", backend, guest);
	uint64_t id;
	int status = 0;

	for (i = 0; i < count && !status; i++)
		if (xapt_parse_u64(ids[i], 0, SPEC_MAX_ID, &id))
			status = list_add(store, list, guest, (unsigned int)id, backend, why);
	free(ids);
	return status;
}

static int find_of_backend(const struct store *store, unsigned int backend, int guest,
			   struct device_list *list, struct why *why)
{
	unsigned int count, i;
	char **guests = store_directory(store, &count, BACKEND, backend);
	uint64_t domid;
	int status = 0;

	for (i = 0; i < count && !status; i++) {
		if (!xapt_parse_u64(guests[i], 0, DOMID_MAX, &domid))
			continue;
		if (guest == EVERY_GUEST || (uint64_t)guest == domid)
			status = find_served(store, backend, (unsigned int)domid, list, why);
	}
	free(guests);
	return status;
}

/* Devices in a guest's directory that nobody serves; the backend shown is 0. */
static int find_orphans(const struct store *store, unsigned int domid, int guest,
			struct device_list *list, struct why *why)
{
	unsigned int count, i;
	char **ids;
	uint64_t id;
	int status = 0;

	if (guest != EVERY_GUEST && (unsigned int)guest != domid)
		return 0;
	ids = store_directory(store, &count, FRONTEND, domid);
	for (i = 0; i < count && !status; i++)
		if (xapt_parse_u64(ids[i], 0, SPEC_MAX_ID, &id) &&
		    !listed(list, domid, (unsigned int)id))
			status = list_add(store, list, domid, (unsigned int)id, 0, why);
	free(ids);
	return status;
}

static int by_number(const void *left, const void *right)
{
	const struct device *a = left, *b = right;

	if (a->guest != b->guest)
		return a->guest < b->guest ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->backend < b->backend ? -1 : a->backend > b->backend;
}

typedef int (*finder)(const struct store *store, unsigned int domid, int guest,
		      struct device_list *list, struct why *why);

static int for_domains(const struct store *store, finder find, int guest,
		       struct device_list *list, struct why *why)
{
	unsigned int count, i;
	char **domains = store_directory(store, &count, "/local/domain");
	uint64_t domid;
	int status = 0;

	for (i = 0; i < count && !status; i++)
		if (xapt_parse_u64(domains[i], 0, DOMID_MAX, &domid))
			status = find(store, (unsigned int)domid, guest, list, why);
	free(domains);
	return status;
}

int device_find(const struct store *store, int guest, struct device_list *list, struct why *why)
{
	*list = (struct device_list){ 0 };
	/* Orphans last: they are what no backend lists. */
	if (for_domains(store, find_of_backend, guest, list, why) ||
	    for_domains(store, find_orphans, guest, list, why)) {
		device_list_free(list);
		return -1;
	}
	if (list->count)
		qsort(list->devices, list->count, sizeof(*list->devices), by_number);
	return 0;
}

void device_list_free(struct device_list *list)
{
	free(list->devices);
	*list = (struct device_list){ 0 };
}
