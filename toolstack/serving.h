/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serving.h - the domain that is to serve a device: backend= of its spec.
 *
 * An apertured that runs in a driver domain says so: /local/domain/<B>/data/aperture-backend. Of
 * domain 0 no such sign is asked, a device may be there before its daemon.
 */
#ifndef TOOL_SERVING_H
#define TOOL_SERVING_H

#include "store.h"

#define SERVING_SIGN	"/local/domain/%u/data/aperture-backend"
#define SERVING_LIMITS	"/local/domain/%u/data/aperture-limits"	/* its policy: elsewhere.h of the daemon */
#define NO_GUEST	(~0u)		/* one that does not exist yet */

/*
 * -1 and the reason: no such domain, it is the guest itself, or no apertured runs there
 * (server=program: nobody looks).
 */
int serving_find(const struct store *store, const struct spec *spec, unsigned int guest,
		 struct guest *backend, struct why *why);

/* The same spec as it is remembered: with its number, and the backend by name where it has one. */
void serving_remember(const struct spec *spec, unsigned int id, const struct guest *backend,
		      struct spec *remembered);

#endif /* TOOL_SERVING_H */
