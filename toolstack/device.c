/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "parse.h"
#include "stub.h"

#define BACKEND		DEVICE_BACKEND
#define FRONTEND	DEVICE_FRONTEND

const char *device_node(bool fast)
{
	return fast ? XENAPT_FAST_KIND : XENAPT_DEVICE_KIND;
}

const char *device_kind(const struct device *device)
{
	if (device->trapped)
		return "slow lane";
	return device->fast ? "first device" : "device";
}

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
	const char *node = device_node(device->fast);
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), BACKEND "/%u/%u", device->backend, node, device->guest,
		 device->id);
	read_end(store, &device->parent, path);
	read_policy(store, device, path);
	snprintf(path, sizeof(path), FRONTEND "/%u", device->guest, node, device->id);
	read_end(store, &device->child, path);
}

struct search {
	const struct store *store;
	int guest;			/* or EVERY_GUEST */
	bool fast;
	struct device_list *list;
};

static int list_add(const struct search *search, unsigned int guest, unsigned int id,
		    unsigned int backend, struct why *why)
{
	struct device_list *list = search->list;
	struct device *more;

	more = realloc(list->devices, (list->count + 1) * sizeof(*more));
	if (!more)
		return why_set(why, "out of memory after %u devices", list->count);
	list->devices = more;
	more += list->count++;
	*more = (struct device){ .fast = search->fast, .guest = guest, .id = id,
				 .backend = backend };
	device_read(search->store, more);
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
static int find_served(const struct search *search, unsigned int backend, unsigned int guest,
		       struct why *why)
{
	unsigned int count, i;
	char **ids = store_directory(search->store, &count, BACKEND "/%u", backend,
				     device_node(search->fast), guest);
	uint64_t id;
	int status = 0;

	for (i = 0; i < count && !status; i++)
		if (xapt_parse_u64(ids[i], 0, SPEC_MAX_ID, &id))
			status = list_add(search, guest, (unsigned int)id, backend, why);
	free(ids);
	return status;
}

/* A stub domain owns its backend nodes: what it writes there of another guest is not so. */
static bool may_serve(const struct search *search, unsigned int backend, uint64_t guest)
{
	uint64_t whose;

	if (search->guest != EVERY_GUEST && (uint64_t)search->guest != guest)
		return false;
	return !search->fast || (store_number(search->store, &whose, DOMID_MAX,
					      STUB_LIST "/%u/guest", backend) && whose == guest);
}

static int find_of_backend(const struct search *search, unsigned int backend, struct why *why)
{
	unsigned int count, i;
	char **guests = store_directory(search->store, &count, BACKEND, backend,
					device_node(search->fast));
	uint64_t domid;
	int status = 0;

	for (i = 0; i < count && !status; i++) {
		if (xapt_parse_u64(guests[i], 0, DOMID_MAX, &domid) &&
		    may_serve(search, backend, domid))
			status = find_served(search, backend, (unsigned int)domid, why);
	}
	free(guests);
	return status;
}

/* Devices in a guest's directory that nobody serves; the backend shown is 0. */
static int find_orphans(const struct search *search, unsigned int domid, struct why *why)
{
	unsigned int count, i;
	char **ids;
	uint64_t id;
	int status = 0;

	if (search->guest != EVERY_GUEST && (unsigned int)search->guest != domid)
		return 0;
	ids = store_directory(search->store, &count, FRONTEND, domid, device_node(search->fast));
	for (i = 0; i < count && !status; i++)
		if (xapt_parse_u64(ids[i], 0, SPEC_MAX_ID, &id) &&
		    !listed(search->list, domid, (unsigned int)id))
			status = list_add(search, domid, (unsigned int)id, 0, why);
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

typedef int (*finder)(const struct search *search, unsigned int domid, struct why *why);

static int for_domains(const struct search *search, finder find, struct why *why)
{
	unsigned int count, i;
	char **domains = store_directory(search->store, &count, "/local/domain");
	uint64_t domid;
	int status = 0;

	for (i = 0; i < count && !status; i++)
		if (xapt_parse_u64(domains[i], 0, DOMID_MAX, &domid))
			status = find(search, (unsigned int)domid, why);
	free(domains);
	return status;
}

int device_find(const struct store *store, int guest, bool fast, struct device_list *list,
		struct why *why)
{
	struct search search = { store, guest, fast, list };

	*list = (struct device_list){ 0 };
	/* Orphans last: they are what no backend lists. */
	if (for_domains(&search, find_of_backend, why) ||
	    for_domains(&search, find_orphans, why)) {
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
