/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trapped.h - trapped devices as xenstore shows them: apertureif.h, section 11.
 *
 *   /local/domain/<G>/aperture/<D>/          domain 0's, the guest reads it: which there are
 *   /local/domain/<S>/aperture/trapped/<D>/  the stub domain's
 *   slow lane                                a device of domain <S>: device.h
 *
 * All three are made and removed in one transaction each. event-channel, which comes last, tells
 * the guest that the device is there.
 */
#ifndef TOOL_TRAPPED_H
#define TOOL_TRAPPED_H

#include "device.h"

#define TRAPPED_MAX	8u	/* devices of a guest; the stub domain has no more doors */
#define TRAPPED_VCPUS	24u	/* of a guest: each has an event channel of the stub domain's */

#define TRAPPED_LIST	"/local/domain/%u/aperture"		/* guest */
#define TRAPPED_NODE	"/local/domain/%u/aperture/trapped"	/* stub domain */

struct trapped {
	unsigned int guest, id;
	unsigned int stub;
	char type[XENAPT_TYPE_MAX + 1];
	enum door door;
	uint64_t address;
	uint64_t size;			/* octets; 0: the stub domain has not said it */
	bool there;			/* the stub domain's directory exists */
	enum device_state state;
	char error[DEVICE_ERROR_MAX];
	struct device slow;
};

struct trapped_list {
	unsigned int count;
	struct trapped devices[TRAPPED_MAX];
};

/* One of a guest, or false. */
bool trapped_get(const struct store *store, unsigned int guest, unsigned int id,
		 struct trapped *trapped);
/* Those of a guest, by number. */
void trapped_find(const struct store *store, unsigned int guest, struct trapped_list *list);
/* Read again what both ends wrote. */
void trapped_read(const struct store *store, struct trapped *trapped);

/* Is this domain a stub domain? Then *guest is whose. */
bool trapped_is_stub(const struct store *store, unsigned int domid, unsigned int *guest);

/*
 * Make all nodes of a device, its slow lane's too. -1 and the reason: number or range taken, too many
 * devices, a domain is gone; nothing is left behind.
 */
int trapped_add(struct store *store, const struct spec *spec, unsigned int guest,
		unsigned int stub, const struct fast_options *options, struct trapped *trapped,
		struct why *why);

/* Does its range, as long as the stub domain says, meet another one's? -1 and the reason. */
int trapped_check_overlap(const struct store *store, const struct trapped *trapped,
			  struct why *why);

/* Tell the guest: size and event channel, as the stub domain wrote them. -1 and the reason. */
int trapped_announce(struct store *store, const struct trapped *trapped, struct why *why);

/* Ask the stub domain to let go: state 5. -1 and the reason. */
int trapped_close(struct store *store, const struct trapped *trapped, struct why *why);

/* Remove the guest's nodes and the stub domain's. The slow lane is device_remove()'s. */
int trapped_remove(struct store *store, const struct trapped *trapped, struct why *why);

/* "io 0x600-0x647"; without a size "io 0x600". */
#define TRAPPED_PLACE	64u
void trapped_place(const struct trapped *trapped, char text[TRAPPED_PLACE]);

#endif /* TOOL_TRAPPED_H */
