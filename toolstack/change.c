/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "stub.h"
#include "trapped.h"

#define DOMAIN		"/local/domain/%u"
#define BACKEND		DEVICE_BACKEND
#define FRONTEND	DEVICE_FRONTEND

struct paths {
	char backend[STORE_PATH_MAX];
	char frontend[STORE_PATH_MAX];
};

static void make_paths(const struct device *device, struct paths *paths)
{
	const char *node = device_node(device->fast);

	snprintf(paths->backend, sizeof(paths->backend), BACKEND "/%u/%u",
		 device->backend, node, device->guest, device->id);
	snprintf(paths->frontend, sizeof(paths->frontend), FRONTEND "/%u",
		 device->guest, node, device->id);
}

/* A trapped device's slow lane is a device of the stub domain; its number is one of the guest's. */
struct addition {
	const struct spec *spec;
	unsigned int front;		/* domain that has the device */
	unsigned int guest;		/* whose numbers count */
	unsigned int backend;
	struct device *device;
};

static bool id_taken(const struct store *store, const struct addition *add, unsigned int id)
{
	const char *node = device_node(false);

	return store_exists(store, BACKEND "/%u/%u", add->backend, node, add->front, id) ||
	       store_exists(store, BACKEND "/%u/%u", add->backend, node, add->guest, id) ||
	       store_exists(store, FRONTEND "/%u", add->front, node, id) ||
	       store_exists(store, FRONTEND "/%u", add->guest, node, id) ||
	       store_exists(store, TRAPPED_LIST "/%u", add->guest, id);
}

static int choose_id(const struct store *store, const struct addition *add, unsigned int *id,
		     struct why *why)
{
	if (add->spec->id != SPEC_ANY_ID) {
		*id = (unsigned int)add->spec->id;
		if (id_taken(store, add, *id))
			return why_set(why, "guest %u has aperture device %u already: choose "
				       "another id, leave it out, or detach that one first",
				       add->guest, *id);
		return 0;
	}
	for (*id = 0; *id <= SPEC_MAX_ID; (*id)++)
		if (!id_taken(store, add, *id))
			return 0;
	return why_set(why, "guest %u has %d aperture devices already, the most it can have: "
		       "detach one first", add->guest, SPEC_MAX_ID + 1);
}

#define NUMBER_TEXT 24

static int write_backend(const struct store *store, const struct addition *add,
			 const struct paths *paths, struct why *why)
{
	struct store_access access = { .owner = add->backend, .reader = add->front };
	char guest[NUMBER_TEXT], size[NUMBER_TEXT], apertures[NUMBER_TEXT];
	const struct store_node nodes[] = {
		{ "frontend", paths->frontend },
		{ "frontend-id", guest },
		{ XENAPT_NODE_ONLINE, "1" },
		{ XENAPT_NODE_TYPE, add->spec->type },
		{ XENAPT_NODE_MAX_SIZE, size },
		{ XENAPT_NODE_MAX_APERTURES, apertures },
		{ XENAPT_NODE_SERVER, add->spec->by_program ? "program" : "apertured" },
		{ "state", "1" },
	};

	snprintf(guest, sizeof(guest), "%u", add->front);
	snprintf(size, sizeof(size), "%" PRIu64, add->spec->max_size);
	snprintf(apertures, sizeof(apertures), "%u", add->spec->max_apertures);
	return store_write_nodes(store, access, paths->backend, nodes,
			   sizeof(nodes) / sizeof(nodes[0]), why);
}

static int write_frontend(const struct store *store, const struct device *device,
			  const struct paths *paths, struct why *why)
{
	struct store_access access = { .owner = device->guest, .reader = device->backend };
	char backend[NUMBER_TEXT];
	const struct store_node nodes[] = {
		{ "backend", paths->backend },
		{ "backend-id", backend },
		{ "state", "1" },
	};

	snprintf(backend, sizeof(backend), "%u", device->backend);
	return store_write_nodes(store, access, paths->frontend, nodes,
			   sizeof(nodes) / sizeof(nodes[0]), why);
}

/* A directory above the devices: made only when it is missing. */
static int make_parent(const struct store *store, struct store_access access, const char *path,
		       struct why *why)
{
	if (store_exists(store, "%s", path) || store_mkdir(store, access, path))
		return 0;
	return why_set(why, "cannot make %s in xenstore: %s", path, strerror(errno));
}

/*
 * The serving domain owns the directories above its devices, so that it can
 * clear up after a guest that is gone. The guest does not own the one above
 * its devices: only the toolstack gives it a device.
 */
static int make_parents(const struct store *store, const struct device *device, struct why *why)
{
	struct store_access backend = { .owner = device->backend, .reader = device->backend };
	struct store_access frontend = { .owner = 0, .reader = device->guest };
	const char *node = device_node(device->fast);
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), BACKEND, device->backend, node);
	if (make_parent(store, backend, path, why))
		return -1;
	snprintf(path, sizeof(path), BACKEND "/%u", device->backend, node, device->guest);
	if (make_parent(store, backend, path, why))
		return -1;
	snprintf(path, sizeof(path), FRONTEND, device->guest, node);
	return make_parent(store, frontend, path, why);
}

static int check_domains(const struct store *store, const struct addition *add, struct why *why)
{
	unsigned int guest = add->guest;

	if (!store_exists(store, DOMAIN, guest))
		return why_set(why, "there is no domain %u: xl list shows those that run", guest);
	if (!store_exists(store, DOMAIN, add->backend))
		return why_set(why, "backend=%u: there is no such domain: xl list shows those that "
			       "run", add->backend);
	if (guest == add->backend)
		return why_set(why, "domain %u cannot serve a device to itself: choose another "
			       "backend", guest);
	return 0;
}

static int add_body(struct store *store, void *data, struct why *why)
{
	struct addition *add = data;
	struct device *device = add->device;
	struct paths paths;

	*device = (struct device){ .guest = add->front, .backend = add->backend };
	if (check_domains(store, add, why) ||
	    choose_id(store, add, &device->id, why))
		return -1;
	make_paths(device, &paths);
	if (make_parents(store, device, why) ||
	    write_backend(store, add, &paths, why) ||
	    write_frontend(store, device, &paths, why))
		return -1;
	device_read(store, device);
	return 0;
}

int device_add(struct store *store, const struct spec *spec, const struct guest *guest,
	       unsigned int backend, struct device *device, struct why *why)
{
	struct addition add = {
		.spec = spec, .front = guest->domid, .guest = guest->domid, .backend = backend,
		.device = device,
	};

	return store_transact(store, add_body, &add, why);
}

int device_write_slow(struct store *store, const struct spec *spec, unsigned int guest,
		      unsigned int stub, struct device *device, struct why *why)
{
	struct addition add = {
		.spec = spec, .front = stub, .guest = guest, .backend = 0, .device = device,
	};

	return add_body(store, &add, why);
}

struct fast_addition {
	const struct device *slow;
	unsigned int stub;
	const struct fast_options *options;
	struct device *device;
};

static int write_fast_backend(const struct store *store, const struct fast_addition *add,
			      const struct paths *paths, struct why *why)
{
	struct store_access access = { .owner = add->stub, .reader = add->slow->guest };
	char guest[NUMBER_TEXT], revoke[NUMBER_TEXT];
	const struct store_node nodes[] = {
		{ "frontend", paths->frontend },
		{ "frontend-id", guest },
		{ XENAPT_NODE_ONLINE, "1" },
		{ XENAPT_NODE_TYPE, add->slow->type },
		{ XENAPT_NODE_ROUTE, add->options->route_all ? "all" : "declared" },
		{ "state", "1" },
		{ XENAPT_NODE_REVOKE_MS, revoke },
	};
	unsigned int count = sizeof(nodes) / sizeof(nodes[0]);

	snprintf(guest, sizeof(guest), "%u", add->slow->guest);
	snprintf(revoke, sizeof(revoke), "%u", add->options->revoke_ms);
	return store_write_nodes(store, access, paths->backend, nodes,
			   add->options->revoke_ms ? count : count - 1, why);
}

static int check_fast(const struct store *store, const struct device *slow, unsigned int stub,
		      struct why *why)
{
	struct device now = *slow;

	device_read(store, &now);
	if (!now.parent.there || !now.child.there)
		return why_set(why, "guest %u has no aperture device %u any more", slow->guest,
			       slow->id);
	if (store_exists(store, FRONTEND "/%u", slow->guest, device_node(true), slow->id))
		return why_set(why, "device %u of guest %u has a first device already: uninstall "
			       "that one first", slow->id, slow->guest);
	if (!store_exists(store, DOMAIN, stub))
		return why_set(why, "the stub domain %u is gone", stub);
	if (store_exists(store, STUB_LIST "/%u/ending", stub))
		return why_set(why, "the stub domain %u is being destroyed by another xen-aperture: try "
			       "again", stub);
	return 0;
}

static int add_fast_body(struct store *store, void *data, struct why *why)
{
	struct fast_addition *add = data;
	struct device *device = add->device;
	struct paths paths;

	*device = (struct device){ .fast = true, .guest = add->slow->guest, .id = add->slow->id,
				   .backend = add->stub };
	make_paths(device, &paths);
	if (check_fast(store, add->slow, add->stub, why) ||
	    make_parents(store, device, why) ||
	    write_fast_backend(store, add, &paths, why) ||
	    write_frontend(store, device, &paths, why))
		return -1;
	device_read(store, device);
	return 0;
}

int device_add_fast(struct store *store, const struct device *slow, unsigned int stub,
		    const struct fast_options *options, struct device *device, struct why *why)
{
	struct fast_addition add = { slow, stub, options, device };

	return store_transact(store, add_fast_body, &add, why);
}

/*
 * An end that nobody uses: it is not there, nobody took it up yet, or it closed.
 * Who wrote an error took it up, and still has a state to write.
 */
static bool end_idle(const struct device_end *end)
{
	return !end->there || end->state == STATE_CLOSED ||
	       (end->state == STATE_INITIALISING && !end->error[0]);
}

static bool remove_if_empty(const struct store *store, const char *path)
{
	unsigned int count;

	free(store_directory(store, &count, "%s", path));
	return count || store_remove(store, path);
}

static int remove_nodes(struct store *store, const struct device *device, struct why *why)
{
	char guests[STORE_PATH_MAX], kind[STORE_PATH_MAX], devices[STORE_PATH_MAX];
	const char *node = device_node(device->fast);
	struct paths paths;

	make_paths(device, &paths);
	snprintf(kind, sizeof(kind), BACKEND, device->backend, node);
	snprintf(guests, sizeof(guests), BACKEND "/%u", device->backend, node, device->guest);
	snprintf(devices, sizeof(devices), FRONTEND, device->guest, node);
	if (!store_remove(store, paths.backend) || !store_remove(store, paths.frontend) ||
	    !remove_if_empty(store, guests) || !remove_if_empty(store, kind) ||
	    !remove_if_empty(store, devices))
		return why_set(why, "cannot remove %s %u of guest %u from xenstore: %s",
			       device_kind(device), device->id, device->guest, strerror(errno));
	return 0;
}

struct closing {
	const struct device *device;
	bool removed;
};

/* Each of these alone is a change that nobody can spoil. */
static int ask_to_close(struct store *store, const struct device *device, struct why *why)
{
	struct paths paths;

	make_paths(device, &paths);
	if (store_change(store, "0", "%s/" XENAPT_NODE_ONLINE, paths.backend) &&
	    store_change(store, "5", "%s/state", paths.backend))
		return 0;
	return why_set(why, "cannot write %s in xenstore: %s", paths.backend, strerror(errno));
}

/* Unused ends go in the same transaction, so that nobody takes them up in between. */
static int close_body(struct store *store, void *data, struct why *why)
{
	struct closing *closing = data;
	struct device now = *closing->device;

	device_read(store, &now);
	closing->removed = end_idle(&now.parent) && end_idle(&now.child);
	if (closing->removed)
		return remove_nodes(store, &now, why);
	return now.parent.there ? ask_to_close(store, &now, why) : 0;
}

int device_close(struct store *store, const struct device *device, bool *removed,
		 struct why *why)
{
	struct closing closing = { .device = device };

	if (store_transact(store, close_body, &closing, why) &&
	    (errno != EAGAIN || ask_to_close(store, device, why)))
		return -1;
	*removed = closing.removed;
	return 0;
}

static int remove_body(struct store *store, void *data, struct why *why)
{
	return remove_nodes(store, data, why);
}

int device_remove(struct store *store, const struct device *device, struct why *why)
{
	struct device copy = *device;

	if (!store_transact(store, remove_body, &copy, why))
		return 0;
	/* A guest that writes its nodes without end keeps none of them. */
	return errno == EAGAIN ? remove_nodes(store, device, why) : -1;
}
