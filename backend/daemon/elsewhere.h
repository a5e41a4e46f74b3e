/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parents in other domains than domain 0.
 *
 *   /local/domain/<B>/data/aperture-backend = "1"     apertured runs in domain B; written by it
 *
 * xen-aperture gives a device to such a parent only where that node is. Of a guest's end such a
 * domain hears nothing: the daemon in domain 0 tells it, by taking the guest's backend
 * directories away.
 */
#ifndef DAEMON_ELSEWHERE_H
#define DAEMON_ELSEWHERE_H

#include "xenbus.h"

/* In a driver domain: this daemon serves, or no longer does. Domain 0 needs no sign. */
void elsewhere_sign(struct xapt_bus *b, bool serves);

/* In domain 0: remove what driver domains have of guests that are gone. */
void elsewhere_clear(struct xapt_bus *b);

#endif
