/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * intercept.h - give a guest trapped devices, and take them away.
 *
 *     struct intercept intercept = { .store = ..., .guest = ..., .options = ... };
 *
 *     intercept_install(&intercept, specs, count)  stub domain, target, nodes; it runs
 *     intercept_wait(&intercept, seconds)          accesses reach it; the guest is told
 *     intercept_undo(&intercept, ended)            all of it, after something else failed
 *
 * All say what went wrong themselves, and return enum tool_exit. Order is what keeps the guest from
 * hanging: the stub domain closes its server before its domain goes, or the guest goes first.
 */
#ifndef TOOL_INTERCEPT_H
#define TOOL_INTERCEPT_H

#include "stub.h"
#include "trapped.h"

struct intercept {
	struct store *store;
	const struct guest *guest;
	const struct fast_options *options;
	struct stub stub;
	bool made;			/* the stub domain, by us */
	struct trapped devices[TRAPPED_MAX];
	unsigned int count;		/* made so far */
};

/*
 * Can this guest have such devices, at these places? Nothing is changed. -1 and the reason. Specs without
 * a door are passed over.
 */
int intercept_check(const struct store *store, const struct guest *guest, const struct spec *specs,
		    unsigned int count, struct why *why);

/* Make those of the specs that have a door. Not EXIT_OK: nothing is left behind. */
int intercept_install(struct intercept *intercept, const struct spec *specs, unsigned int count);

/* EXIT_OK: all are reached, and announced. Else all is undone. */
int intercept_wait(struct intercept *intercept, unsigned int seconds);

/* ended: the guest is destroyed already. */
void intercept_undo(struct intercept *intercept, bool ended);

/*
 * Take devices of one guest out, then its stub domain if it has none left. EXIT_TIMEOUT: it did not
 * let go. force: remove a slow lane that does not close; not what the guest would hang without.
 */
int intercept_remove(struct store *store, struct trapped *devices, unsigned int count,
		     unsigned int seconds, bool force);

#endif /* TOOL_INTERCEPT_H */
