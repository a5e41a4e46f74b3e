/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "fast.h"
#include "intercept.h"
#include "trapped.h"
#include "remember.h"
#include "serving.h"
#include "wait.h"

#define STALE_S	2	/* for a guest that runs to let go of what is away */

struct again {
	struct store *store;
	const struct args *args;
	struct guest guest;
	struct remembered remembered;
	struct device devices[SPEC_MAX_ID + 1];	/* of each that is remembered */
	bool there[SPEC_MAX_ID + 1];
	unsigned int added;
	long long deadline;			/* of all that is waited for */
	int status;				/* worst so far */
};

static unsigned int left(const struct again *again)
{
	long long now = wait_clock();

	return again->deadline > now ? (unsigned int)(again->deadline - now) : 0;
}

static void keep_worst(struct again *again, int status)
{
	if (again->status == EXIT_OK)
		again->status = status;
}

static int failed(struct again *again, unsigned int i, int status, const struct why *why)
{
	say("device %d of guest %u: %s", again->remembered.devices[i].spec.id, again->guest.domid,
	    why->text);
	keep_worst(again, status);
	return -1;
}

/* Is it attached, by whomever? A half of which the domain that served it is gone goes. */
static int look_for(struct again *again, unsigned int i, bool *there, struct why *why)
{
	const struct spec *spec = &again->remembered.devices[i].spec;
	struct device_list list;
	unsigned int d;
	int status = 0;

	*there = false;
	if (device_find(again->store, (int)again->guest.domid, false, &list, why))
		return -1;
	for (d = 0; d < list.count && !*there && !status; d++) {
		if (list.devices[d].id != (unsigned int)spec->id)
			continue;
		again->devices[i] = list.devices[d];
		*there = list.devices[d].parent.there && list.devices[d].child.there;
		if (*there)
			continue;
		status = device_remove(again->store, &list.devices[d], why);
		sleep(STALE_S);
	}
	device_list_free(&list);
	return status;
}

/*
 * Is it there, whole? A command that was killed may have left it without the node that tells the guest:
 * that is made up for.
 */
static bool intercepted(struct again *again, unsigned int i, struct intercept *intercept)
{
	unsigned int guest = again->guest.domid, id = (unsigned int)again->remembered.devices[i].spec.id;

	if (!trapped_get(again->store, guest, id, &intercept->devices[0]))
		return false;
	if (store_exists(again->store, TRAPPED_LIST "/%u/event-channel", guest, id))
		return true;
	if (!stub_find(again->store, guest, &intercept->stub))
		return true;
	intercept->count = 1;
	keep_worst(again, intercept_wait(intercept, left(again) ? left(again) : 1));
	again->added++;
	return true;
}

/* Its state begins anew: it was in a stub domain that is gone. */
static void intercept_one(struct again *again, unsigned int i)
{
	const struct remembered_device *remembered = &again->remembered.devices[i];
	struct intercept intercept = { .store = again->store, .guest = &again->guest,
				       .options = &remembered->fast };
	struct why why;
	int status;

	if (intercepted(again, i, &intercept))
		return;
	if (intercept_check(again->store, &again->guest, &remembered->spec, 1, &why)) {
		failed(again, i, EXIT_FAILED, &why);
		return;
	}
	status = intercept_install(&intercept, &remembered->spec, 1);
	if (status == EXIT_OK)
		status = intercept_wait(&intercept, left(again) ? left(again) : 1);
	again->added += status == EXIT_OK;
	keep_worst(again, status);
}

static int attach_one(struct again *again, unsigned int i)
{
	const struct spec *spec = &again->remembered.devices[i].spec;
	struct guest backend;
	struct why why;
	bool there;

	if (look_for(again, i, &there, &why))
		return failed(again, i, EXIT_FAILED, &why);
	again->there[i] = there;
	if (there)
		return 0;
	if (serving_find(again->store, spec, again->guest.domid, &backend, &why))
		return failed(again, i, EXIT_NOT_FOUND, &why);
	if (device_add(again->store, spec, &again->guest, backend.domid, &again->devices[i], &why))
		return failed(again, i, EXIT_FAILED, &why);
	again->there[i] = true;
	again->added++;
	return 0;
}

/* A program that serves a device may need the guest first: only apertured is waited for. */
static void wait_one(struct again *again, unsigned int i)
{
	struct device *device = &again->devices[i];
	enum wait_end end;
	struct why why;

	if (!again->there[i] || device->by_program || !again->args->wait)
		return;
	end = wait_for(again->store, device, WAIT_READY, left(again));
	if (end == WAIT_REACHED)
		return;
	wait_explain(device, WAIT_READY, end, again->args->wait, &why);
	failed(again, i, end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED, &why);
}

static bool has_first(const struct again *again, const struct device *device)
{
	return store_exists(again->store, DEVICE_FRONTEND "/%u", again->guest.domid,
			    device_node(true), device->id);
}

/* One after the other: the first makes the stub domain, each has its own options. */
static void install_one(struct again *again, unsigned int i)
{
	const struct remembered_device *remembered = &again->remembered.devices[i];
	struct fast fast = { .store = again->store, .guest = &again->guest,
			     .options = &remembered->fast };
	struct why why;
	int status;

	if (!remembered->spec.fast || !again->there[i] || has_first(again, &again->devices[i]))
		return;
	if (fast_check(again->store, &again->guest, 0, &remembered->fast, &why)) {
		failed(again, i, EXIT_FAILED, &why);
		return;
	}
	status = fast_install(&fast, &again->devices[i], 1);
	if (status == EXIT_OK && again->args->wait)
		status = fast_wait(&fast, WAIT_READY, left(again));
	keep_worst(again, status);
}

/* What does not work is said, and the rest is done all the same. */
static void attach_all(struct again *again)
{
	unsigned int i;

	wait_catch_signals();
	again->deadline = wait_clock() + again->args->wait;
	for (i = 0; i < again->remembered.count && !wait_interrupted(); i++)
		if (!again->remembered.devices[i].spec.door)
			attach_one(again, i);
	/* What our own stub domain does is not held up by a driver domain that does not answer. */
	for (i = 0; i < again->remembered.count && !wait_interrupted(); i++) {
		if (again->remembered.devices[i].spec.door)
			intercept_one(again, i);
		else
			install_one(again, i);
	}
	for (i = 0; i < again->remembered.count && !wait_interrupted(); i++)
		wait_one(again, i);
	if (wait_interrupted()) {
		say("interrupted by a signal");
		keep_worst(again, EXIT_FAILED);
	}
	printf("guest %s (%u): %u of %u remembered device%s attached again%s\n", again->guest.name,
	       again->guest.domid, again->added, again->remembered.count,
	       again->remembered.count == 1 ? "" : "s",
	       again->status == EXIT_OK && again->added < again->remembered.count ?
	       ", the others were there already" : "");
}

static int attach_again(struct again *again)
{
	char uuid[UUID_MAX];
	struct why why;
	int lock;

	if (guest_find_running(again->store, again->args->operand[0], &again->guest, &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (!uuid_read(again->store, again->guest.domid, uuid)) {
		say("domain %u has no uuid in xenstore: nothing can be remembered of it",
		    again->guest.domid);
		return EXIT_FAILED;
	}
	lock = remember_lock(uuid);
	if (remember_read(uuid, &again->remembered, &why))
		keep_worst(again, say_why(EXIT_FAILED, &why));
	else
		attach_all(again);
	if (lock >= 0)
		close(lock);
	return again->status;
}

int run_again(const struct args *args)
{
	struct again *again = calloc(1, sizeof(*again));
	struct store store;
	int status;

	if (!again) {
		say("out of memory");
		return EXIT_FAILED;
	}
	status = store_open(&store);
	if (status == EXIT_OK) {
		again->store = &store;
		again->args = args;
		status = attach_again(again);
		store_close(&store);
	}
	free(again);
	return status;
}
