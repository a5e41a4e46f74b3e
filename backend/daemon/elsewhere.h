/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parents in other domains than domain 0.
 *
 *   /local/domain/<B>/data/aperture-backend = "1"     apertured runs in domain B; written by it
 *   /local/domain/<B>/data/aperture-limits            its policy, for xen-aperture's look at all limits:
 *              "max_pages_per_guest=N max_mapped_total=N max_size=N max_given=N max_given_total=N"
 *
 * xen-aperture gives a device to such a parent only where that node is. Of a guest's end such a
 * domain hears nothing: the daemon in domain 0 tells it, by taking the guest's backend
 * directories away.
 */
#ifndef DAEMON_ELSEWHERE_H
#define DAEMON_ELSEWHERE_H

#include "config.h"
#include "xenbus.h"

/* In a driver domain: this daemon serves, or no longer does. Domain 0 needs no sign. */
void elsewhere_sign(struct xapt_bus *b, bool serves);

/* ... and this is its policy; before the sign, which takes it away as well. max_mapped: pages. */
void elsewhere_policy(struct xapt_bus *b, const struct config *config, uint64_t max_mapped);

/* In domain 0: remove what driver domains have of guests that are gone. */
void elsewhere_clear(struct xapt_bus *b);

#endif
