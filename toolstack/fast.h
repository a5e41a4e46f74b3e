/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fast.h - put first devices into the stub domain of a guest, and take them out.
 *
 *     struct fast fast = { .store = ..., .guest = ..., .options = ... };
 *
 *     fast_install(&fast, devices, count)    directories, stub domain; it runs
 *     fast_wait(&fast, goal, seconds)        those that it refuses are taken away again, and said
 *     fast_undo(&fast)                       all of it, after something else failed
 *
 * All say what went wrong themselves, and return enum tool_exit.
 */
#ifndef TOOL_FAST_H
#define TOOL_FAST_H

#include "device.h"
#include "stub.h"
#include "wait.h"

struct fast {
	struct store *store;
	const struct guest *guest;
	const struct fast_options *options;
	struct stub stub;
	bool made;			/* the stub domain, by us */
	struct device devices[SPEC_MAX_ID + 1];
	unsigned int count;		/* installed now */
	unsigned int refused;		/* by the stub domain */
	bool stale;			/* the guest's end closed: it was still letting go of an earlier one */
};

/* The stub domain of the guest, or one that is made, paused; then *made. -1 and the reason. */
int fast_stub(struct store *store, const struct guest *guest, const struct fast_options *options,
	      struct stub *stub, bool *made, struct why *why);

/*
 * A first device beside each of these. Uses the guest's stub domain, or makes one. Not EXIT_OK:
 * nothing is left behind.
 */
int fast_install(struct fast *fast, const struct device *devices, unsigned int count);

/*
 * Wait for all. EXIT_OK: those that the stub domain took reached the goal; refused counts the others,
 * whose devices work on without. Else: all is as it was before fast_install().
 */
int fast_wait(struct fast *fast, enum wait_goal goal, unsigned int seconds);

void fast_undo(struct fast *fast);

/*
 * Take first devices out, then the stub domain if it has none left. As removal_run().
 */
int fast_remove(struct store *store, unsigned int guest, struct device *devices, unsigned int count,
		unsigned int seconds, bool force);

/* What helps against the stub domain's error, to stand behind it, or "". */
const char *fast_refusal_hint(const char *error);

/* Options that are of no use with the stub domain that is there, or with none. -1 and the reason. */
int fast_check(const struct store *store, const struct guest *guest, unsigned int options,
	       const struct fast_options *fast, struct why *why);

#endif /* TOOL_FAST_H */
