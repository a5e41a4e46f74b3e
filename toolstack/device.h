/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device.h - aperture devices as xenstore shows them, and how they are made
 * and taken away. apertureif.h, section 2, is the contract of the nodes.
 *
 * Devices are found from the backend side, whose directories only the
 * toolstack and the serving domain can make. The paths that a guest keeps in
 * its own directory are never followed: it could name anybody's.
 */
#ifndef TOOL_DEVICE_H
#define TOOL_DEVICE_H

#include "store.h"

#define DEVICE_ERROR_MAX	200

enum device_state {		/* of either side; 0: missing, or not a number of these */
	STATE_NONE		= 0,
	STATE_INITIALISING	= 1,
	STATE_INIT_WAIT		= 2,
	STATE_INITIALISED	= 3,
	STATE_CONNECTED		= 4,
	STATE_CLOSING		= 5,
	STATE_CLOSED		= 6,
	STATE_LAST		= 8,
};

struct device_end {
	bool there;			/* the directory exists */
	enum device_state state;
	char error[DEVICE_ERROR_MAX];	/* "NAME: text", or "" */
};

/* A device has a second device, and may have a first one beside it: a lane each. */
struct device {
	bool fast;			/* this is the first one's lane: kind aperture-fast */
	bool trapped;			/* this is the slow lane of a trapped one: guest is a stub domain */
	unsigned int guest;		/* domain that has the device */
	unsigned int id;
	unsigned int backend;		/* domain that serves it; of a first device the stub domain */
	struct device_end parent;	/* the backend's end */
	struct device_end child;	/* the guest's end */
	char type[XENAPT_TYPE_MAX + 1];
	uint64_t max_size;		/* bytes, 0: unreadable, or a first device */
	unsigned int max_apertures;
	bool by_program;
};

const char *state_name(enum device_state state);

/* "device", "first device" or "slow lane", for messages. */
const char *device_kind(const struct device *device);

/* Path of the backend's or the guest's directory: the format of its kind, and its arguments. */
#define DEVICE_BACKEND		"/local/domain/%u/backend/%s"	/* backend, device_node() */
#define DEVICE_FRONTEND		"/local/domain/%u/device/%s"	/* guest, device_node() */
const char *device_node(bool fast);

/* Read (again) what xenstore says of guest, id, backend. */
void device_read(const struct store *store, struct device *device);

struct device_list {
	struct device *devices;		/* sorted by guest, id, backend */
	unsigned int count;
};

#define EVERY_GUEST	(-1)

/*
 * All devices, or those of one guest, leftovers included: a backend directory
 * whose guest is gone, a guest's directory that nobody serves. fast: the lanes of first
 * devices. -1 and the reason when memory runs out.
 */
int device_find(const struct store *store, int guest, bool fast, struct device_list *list,
		struct why *why);
void device_list_free(struct device_list *list);

/*
 * Write both directories in one transaction, both sides in Initialising.
 * *device gets what was made. -1 and the reason: number taken, none free, no
 * such domain; nothing is left behind.
 */
int device_add(struct store *store, const struct spec *spec, const struct guest *guest,
	       unsigned int backend, struct device *device, struct why *why);

/*
 * The slow lane of a trapped device of the guest: a device of the stub domain, served by domain 0.
 * Within the transaction that is open: trapped.h has the rest of it.
 */
int device_write_slow(struct store *store, const struct spec *spec, unsigned int guest,
		      unsigned int stub, struct device *device, struct why *why);

/*
 * Likewise the directories of a first device beside the device slow, served by domain stub.
 * -1 and the reason: it has one, slow is gone, the stub domain is.
 */
int device_add_fast(struct store *store, const struct device *slow, unsigned int stub,
		    const struct fast_options *options, struct device *device, struct why *why);

/*
 * Ask both sides to close: online 0, backend Closing. When neither end is in use
 * there is nothing to wait for: both directories go at once, and *removed is
 * true. -1 and the reason.
 */
int device_close(struct store *store, const struct device *device, bool *removed,
		 struct why *why);

/* Remove both directories, and what they leave empty above them. */
int device_remove(struct store *store, const struct device *device, struct why *why);

#endif /* TOOL_DEVICE_H */
