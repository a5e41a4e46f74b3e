/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * renew.h - a stub domain with a target, and no trapped device left to need it.
 *
 * Xen cannot take a target back: it ends with the stub domain. So the first devices beside rings go out
 * of it, each giving its state to the second device, and into a new one that has no target.
 */
#ifndef TOOL_RENEW_H
#define TOOL_RENEW_H

#include <stdbool.h>

#include "store.h"

/*
 * After trapped devices of the guest went. Nothing to do: EXIT_OK. What was done is printed, what was not
 * is said, and is then to be done by hand: uninstall and install. As fast_remove(), and fast_wait()
 * for what the stub domain takes up.
 */
int renew_stub(struct store *store, unsigned int guest, unsigned int seconds, bool force);

#endif /* TOOL_RENEW_H */
