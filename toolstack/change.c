/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define DOMAIN		"/local/domain/%u"
#define BACKEND		DOMAIN "/backend/" XENAPT_DEVICE_KIND
#define FRONTEND	DOMAIN "/device/" XENAPT_DEVICE_KIND

struct paths {
	char backend[STORE_PATH_MAX];
	char frontend[STORE_PATH_MAX];
};

static void make_paths(const struct device *device, struct paths *paths)
{
	snprintf(paths->backend, sizeof(paths->backend), BACKEND "/%u/%u",
		 device->backend, device->guest, device->id);
	snprintf(paths->frontend, sizeof(paths->frontend), FRONTEND "/%u",
		 device->guest, device->id);
}

struct addition {
	const struct spec *spec;
	const struct guest *guest;
	unsigned int backend;
	struct device *device;
};

static bool id_taken(const struct store *store, const struct addition *add, unsigned int id)
{
	return store_exists(store, BACKEND "/%u/%u", add->backend, add->guest->domid, id) ||
	       store_exists(store, FRONTEND "/%u", add->guest->domid, id);
}

static int choose_id(const struct store *store, const struct addition *add, unsigned int *id,
		     struct why *why)
{
	if (add->spec->id != SPEC_ANY_ID) {
		*id = (unsigned int)add->spec->id;
		if (id_taken(store, add, *id))
			return why_set(why, "guest %u has aperture device %u already: choose "
				       "another id, leave it out, or detach that one first",
				       add->guest->domid, *id);
		return 0;
	}
	for (*id = 0; *id <= SPEC_MAX_ID; (*id)++)
		if (!id_taken(store, add, *id))
			return 0;
	return why_set(why, "guest %u has %d aperture devices already, the most it can have: "
		       "detach one first", add->guest->domid, SPEC_MAX_ID + 1);
}

struct node {
	const char *name;
	const char *value;
};

static int write_nodes(const struct store *store, struct store_access access, const char *path,
		       const struct node *nodes, unsigned int count, struct why *why)
{
	char node[STORE_PATH_MAX + 32];
	unsigned int i;

	if (!store_mkdir(store, access, path))
		return why_set(why, "cannot make %s in xenstore: %s", path, strerror(errno));
	for (i = 0; i < count; i++) {
		snprintf(node, sizeof(node), "%s/%s", path, nodes[i].name);
		if (!store_write(store, access, node, nodes[i].value))
			return why_set(why, "cannot write %s in xenstore: %s", node,
				       strerror(errno));
	}
	return 0;
}

#define NUMBER_TEXT 24

static int write_backend(const struct store *store, const struct addition *add,
			 const struct paths *paths, struct why *why)
{
	struct store_access access = { .owner = add->backend, .reader = add->guest->domid };
	char guest[NUMBER_TEXT], size[NUMBER_TEXT], apertures[NUMBER_TEXT];
	const struct node nodes[] = {
		{ "frontend", paths->frontend },
		{ "frontend-id", guest },
		{ XENAPT_NODE_ONLINE, "1" },
		{ XENAPT_NODE_TYPE, add->spec->type },
		{ XENAPT_NODE_MAX_SIZE, size },
		{ XENAPT_NODE_MAX_APERTURES, apertures },
		{ XENAPT_NODE_SERVER, add->spec->by_program ? "program" : "apertured" },
		{ "state", "1" },
	};

	snprintf(guest, sizeof(guest), "%u", add->guest->domid);
	snprintf(size, sizeof(size), "%" PRIu64, add->spec->max_size);
	snprintf(apertures, sizeof(apertures), "%u", add->spec->max_apertures);
	return write_nodes(store, access, paths->backend, nodes,
			   sizeof(nodes) / sizeof(nodes[0]), why);
}

static int write_frontend(const struct store *store, const struct addition *add,
			  const struct paths *paths, struct why *why)
{
	struct store_access access = { .owner = add->guest->domid, .reader = add->backend };
	char backend[NUMBER_TEXT];
	const struct node nodes[] = {
		{ "backend", paths->backend },
		{ "backend-id", backend },
		{ "state", "1" },
	};

	snprintf(backend, sizeof(backend), "%u", add->backend);
	return write_nodes(store, access, paths->frontend, nodes,
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
static int make_parents(const struct store *store, const struct addition *add, struct why *why)
{
	struct store_access backend = { .owner = add->backend, .reader = add->backend };
	struct store_access frontend = { .owner = 0, .reader = add->guest->domid };
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), BACKEND, add->backend);
	if (make_parent(store, backend, path, why))
		return -1;
	snprintf(path, sizeof(path), BACKEND "/%u", add->backend, add->guest->domid);
	if (make_parent(store, backend, path, why))
		return -1;
	snprintf(path, sizeof(path), FRONTEND, add->guest->domid);
	return make_parent(store, frontend, path, why);
}

static int check_domains(const struct store *store, const struct addition *add, struct why *why)
{
	unsigned int guest = add->guest->domid;

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

	*device = (struct device){ .guest = add->guest->domid, .backend = add->backend };
	if (check_domains(store, add, why) ||
	    choose_id(store, add, &device->id, why))
		return -1;
	make_paths(device, &paths);
	if (make_parents(store, add, why) ||
	    write_backend(store, add, &paths, why) ||
	    write_frontend(store, add, &paths, why))
		return -1;
	device_read(store, device);
	return 0;
}

int device_add(struct store *store, const struct spec *spec, const struct guest *guest,
	       unsigned int backend, struct device *device, struct why *why)
{
	struct addition add = {
		.spec = spec, .guest = guest, .backend = backend, .device = device,
	};

	return store_transact(store, add_body, &add, why);
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
	struct paths paths;

	make_paths(device, &paths);
	snprintf(kind, sizeof(kind), BACKEND, device->backend);
	snprintf(guests, sizeof(guests), BACKEND "/%u", device->backend, device->guest);
	snprintf(devices, sizeof(devices), FRONTEND, device->guest);
	if (!store_remove(store, paths.backend) || !store_remove(store, paths.frontend) ||
	    !remove_if_empty(store, guests) || !remove_if_empty(store, kind) ||
	    !remove_if_empty(store, devices))
		return why_set(why, "cannot remove device %u of guest %u from xenstore: %s",
			       device->id, device->guest, strerror(errno));
	return 0;
}

struct closing {
	const struct device *device;
	bool removed;
};

/* Unused ends go in the same transaction, so that nobody takes them up in between. */
static int close_body(struct store *store, void *data, struct why *why)
{
	struct closing *closing = data;
	struct device now = *closing->device;
	struct paths paths;

	device_read(store, &now);
	closing->removed = end_idle(&now.parent) && end_idle(&now.child);
	if (closing->removed)
		return remove_nodes(store, &now, why);
	if (!now.parent.there)
		return 0;
	make_paths(&now, &paths);
	if (!store_change(store, "0", "%s/" XENAPT_NODE_ONLINE, paths.backend) ||
	    !store_change(store, "5", "%s/state", paths.backend))
		return why_set(why, "cannot write %s in xenstore: %s", paths.backend,
			       strerror(errno));
	return 0;
}

int device_close(struct store *store, const struct device *device, bool *removed,
		 struct why *why)
{
	struct closing closing = { .device = device };

	if (store_transact(store, close_body, &closing, why))
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

	return store_transact(store, remove_body, &copy, why);
}
