/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "fast.h"
#include "intercept.h"
#include "removal.h"
#include "renew.h"
#include "target.h"
#include "wait.h"

#define DOMAIN	"/local/domain/%u"
#define UNTAKEN_S 2	/* for a stub domain that did not take a device up to let go of it */

/* ---- before ---- */

static int check_kind(const struct store *store, const struct guest *guest,
		      const struct target_guest *look, struct why *why)
{
	struct stub stub;

	if (look->pv)
		return why_set(why, "guest %u is a PV guest: Xen traps no instructions of it for a device; "
			       "use a PVH guest, or rings (leave io and mmio out)", guest->domid);
	if (look->hvm)
		return why_set(why, "guest %u is an HVM guest: trapped devices are for PVH guests; leave io and "
			       "mmio out", guest->domid);
	if (look->vcpus > TRAPPED_VCPUS)
		return why_set(why, "guest %u has %u vCPUs, the limit with a trapped device is %u: lower "
			       "vcpus (or maxvcpus)", guest->domid, look->vcpus, TRAPPED_VCPUS);
	if ((!stub_find(store, guest->domid, &stub) || !store_exists(store, DOMAIN, stub.domid)) &&
	    target_is_served(guest->domid))
		return why_set(why, "guest %u has an open ioreq server of a domain that is gone or not "
			       "listed: its accesses cannot be taken over before it is restarted",
			       guest->domid);
	return 0;
}

/* size 0: not known yet. */
static int check_memory(unsigned int guest, uint64_t address, uint64_t size, uint64_t memory,
			struct why *why)
{
	if (!address_is_memory(address, size, memory) && !target_has_memory(guest, address, size))
		return 0;
	return why_set(why, "mmio=0x%" PRIx64 ": guest %u has memory there, or may get some (%" PRIu64 " MiB, "
		       "below 0x%x and from 4 GiB on): choose another, or mmio=auto", address, guest,
		       memory >> 20, ADDRESS_LOW_END);
}

/* How long it is only the stub domain knows: its first octet. Where auto comes to lie, its number says. */
static int check_first(const struct store *store, unsigned int guest, const struct spec *spec,
		       struct why *why)
{
	struct trapped first = { .guest = guest, .id = UINT_MAX, .door = spec->door };

	if (spec->anywhere && spec->id == SPEC_ANY_ID)
		return 0;
	first.address = spec_address(spec, (unsigned int)spec->id);
	return trapped_check_overlap(store, &first, why);
}

int intercept_check(const struct store *store, const struct guest *guest, const struct spec *specs,
		    unsigned int count, struct why *why)
{
	struct target_guest look = { 0 };
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!specs[i].door)
			continue;
		if (!look.vcpus && (target_look(guest->domid, &look, why) ||
				    check_kind(store, guest, &look, why)))
			return -1;
		if (specs[i].door == DOOR_MMIO && !specs[i].anywhere &&
		    check_memory(guest->domid, specs[i].address, 0, look.memory, why))
			return -1;
		if (check_first(store, guest->domid, &specs[i], why))
			return -1;
	}
	return 0;
}

/* ---- in ---- */

static int give_target(const struct intercept *intercept, struct why *why)
{
	const struct store *store = intercept->store;
	unsigned int stub = intercept->stub.domid;
	char guest[16];

	if (store_exists(store, STUB_LIST "/%u/target", stub))
		return 0;
	if (target_set(stub, intercept->guest->domid, why))
		return -1;
	snprintf(guest, sizeof(guest), "%u", intercept->guest->domid);
	if (store_change(store, guest, STUB_LIST "/%u/target", stub))
		return 0;
	return why_set(why, "cannot write " STUB_LIST "/%u/target in xenstore", stub);
}

static int add_all(struct intercept *intercept, const struct spec *specs, unsigned int count,
		   struct why *why)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!specs[i].door)
			continue;
		if (trapped_add(intercept->store, &specs[i], intercept->guest->domid,
				intercept->stub.domid, intercept->options,
				&intercept->devices[intercept->count], why))
			return -1;
		intercept->count++;
	}
	return 0;
}

int intercept_install(struct intercept *intercept, const struct spec *specs, unsigned int count)
{
	struct why why;

	if (fast_stub(intercept->store, intercept->guest, intercept->options, &intercept->stub,
		      &intercept->made, &why))
		return say_why(EXIT_FAILED, &why);
	if (!give_target(intercept, &why) && !add_all(intercept, specs, count, &why) &&
	    (!intercept->made || !stub_unpause(intercept->store, &intercept->stub, &why)))
		return EXIT_OK;
	say("%s", why.text);
	intercept_undo(intercept, false);
	return EXIT_FAILED;
}

/* ---- waiting ---- */

struct looking {
	const struct store *store;
	struct trapped *trapped;
};

static bool is_open(void *data, enum wait_end *end)
{
	struct looking *looking = data;
	struct trapped *trapped = looking->trapped;

	trapped_read(looking->store, trapped);
	if (!trapped->there)
		*end = WAIT_GONE;
	else if (trapped->state == STATE_CONNECTED)
		*end = WAIT_REACHED;
	else if (trapped->error[0] || trapped->state >= STATE_CLOSING)
		*end = WAIT_REFUSED;
	else
		return false;
	return true;
}

static void explain_refusal(const struct trapped *trapped, struct why *why)
{
	const char *error = trapped->error;

	why_set(why, "the stub domain %u gave up: %s%s", trapped->stub,
		error[0] ? error : "without a reason; look at its console",
		fast_refusal_hint(error));
}

static void explain_open(const struct trapped *trapped, enum wait_end end, unsigned int seconds,
			 struct why *why)
{
	if (end == WAIT_REFUSED)
		explain_refusal(trapped, why);
	else if (end == WAIT_GONE)
		why_set(why, "its nodes vanished from xenstore: the stub domain %u ended (xl dmesg and "
			"the journal of apertured may say why), or the guest did", trapped->stub);
	else if (end == WAIT_INTERRUPTED)
		why_set(why, "interrupted by a signal");
	else
		why_set(why, "the stub domain %u has not taken it up after %u s: look at its console (xl "
			"console %u), or raise --wait", trapped->stub, seconds, trapped->stub);
}

static int wait_open(struct intercept *intercept, struct trapped *trapped, unsigned int left,
		     unsigned int seconds, struct why *why)
{
	struct looking looking = { intercept->store, trapped };
	char path[STORE_PATH_MAX];
	enum wait_end end;

	snprintf(path, sizeof(path), TRAPPED_NODE "/%u", trapped->stub, trapped->id);
	end = wait_path(intercept->store, path, left, is_open, &looking);
	if (end == WAIT_REACHED)
		return EXIT_OK;
	explain_open(trapped, end, seconds, why);
	return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* Now that its length is known. */
static int check_range(const struct intercept *intercept, const struct trapped *trapped,
		       struct why *why)
{
	struct target_guest look;

	if (address_check(trapped->door, trapped->address, trapped->size, why) ||
	    trapped_check_overlap(intercept->store, trapped, why) ||
	    target_look(trapped->guest, &look, why))
		return -1;
	return trapped->door == DOOR_MMIO ? check_memory(trapped->guest, trapped->address, trapped->size,
							 look.memory, why) : 0;
}

static int wait_one(struct intercept *intercept, struct trapped *trapped, long long deadline,
		    unsigned int seconds, struct why *why)
{
	long long left = deadline - wait_clock();
	enum wait_end end;
	int status;

	status = wait_open(intercept, trapped, left > 0 ? (unsigned int)left : 0, seconds, why);
	if (status != EXIT_OK)
		return status;
	left = deadline - wait_clock();
	end = wait_for(intercept->store, &trapped->slow, WAIT_CONNECTED,
		       left > 0 ? (unsigned int)left : 0);
	if (end != WAIT_REACHED) {
		wait_explain(&trapped->slow, WAIT_CONNECTED, end, seconds, why);
		return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
	}
	if (check_range(intercept, trapped, why) || trapped_announce(intercept->store, trapped, why))
		return EXIT_FAILED;
	return EXIT_OK;
}

int intercept_wait(struct intercept *intercept, unsigned int seconds)
{
	long long deadline = wait_clock() + seconds;
	int status = EXIT_OK;
	struct why why;
	unsigned int i;

	for (i = 0; i < intercept->count && status == EXIT_OK; i++) {
		status = wait_one(intercept, &intercept->devices[i], deadline, seconds, &why);
		if (status != EXIT_OK)
			say("trapped device %u of guest %u: %s", intercept->devices[i].id,
			    intercept->guest->domid, why.text);
	}
	if (status != EXIT_OK)
		intercept_undo(intercept, false);
	return status;
}

/* ---- out ---- */

static bool is_closed(void *data, enum wait_end *end)
{
	struct looking *looking = data;
	struct trapped *trapped = looking->trapped;

	trapped_read(looking->store, trapped);
	*end = WAIT_REACHED;
	return !trapped->there || trapped->state == STATE_CLOSED ||
	       !store_exists(looking->store, DOMAIN, trapped->stub) ||
	       !store_exists(looking->store, DOMAIN, trapped->guest);
}

/* It was asked to close: once it runs it does. */
static void explain_held(const struct trapped *trapped, struct why *why)
{
	struct target_guest look;

	if (!target_look(trapped->stub, &look, why) && look.paused)
		why_set(why, "it is paused; let it run (xl unpause %u) and detach again", trapped->stub);
	else
		why_set(why, "look at its console (xl console %u); apertured restarts it when it hangs",
			trapped->stub);
}

/* -1, said: it did not, and the guest would hang. */
static int wait_closed(struct store *store, struct trapped *trapped, unsigned int seconds)
{
	struct looking looking = { store, trapped };
	char path[STORE_PATH_MAX];
	struct why why;

	if (trapped->state <= STATE_INITIALISING && seconds > UNTAKEN_S)
		seconds = UNTAKEN_S;
	snprintf(path, sizeof(path), TRAPPED_NODE "/%u", trapped->stub, trapped->id);
	if (wait_path(store, path, seconds, is_closed, &looking) == WAIT_REACHED ||
	    !target_is_served(trapped->guest))
		return 0;
	explain_held(trapped, &why);
	say("trapped device %u of guest %u is not removed: the stub domain %u has not let go after %u s, "
	    "and without it the guest would hang: %s", trapped->id, trapped->guest, trapped->stub, seconds,
	    why.text);
	return -1;
}

static int left_until(long long deadline)
{
	long long left = deadline - wait_clock();

	return left > 0 ? (int)left : 0;
}

static int remove_one(struct store *store, struct trapped *trapped, long long deadline,
		      unsigned int seconds, bool force)
{
	bool ended = !store_exists(store, DOMAIN, trapped->guest) ||
		     !store_exists(store, DOMAIN, trapped->stub);
	struct why why;
	int status;

	if (!ended && wait_closed(store, trapped, (unsigned int)left_until(deadline)))
		return EXIT_TIMEOUT;
	/* A domain that is gone closes nothing. */
	if (ended)
		status = device_remove(store, &trapped->slow, &why) ? say_why(EXIT_FAILED, &why) :
			 EXIT_OK;
	else
		status = removal_run(store, &trapped->slow, 1, seconds, force);
	if (status == EXIT_OK && trapped_remove(store, trapped, &why))
		status = say_why(EXIT_FAILED, &why);
	return status;
}

int intercept_remove(struct store *store, struct trapped *devices, unsigned int count,
		     unsigned int seconds, bool force)
{
	long long deadline = wait_clock() + seconds;
	int status = EXIT_OK, one;
	struct why why;
	unsigned int i;

	for (i = 0; i < count; i++) {
		trapped_read(store, &devices[i]);
		if (trapped_close(store, &devices[i], &why))
			status = say_why(EXIT_FAILED, &why);
	}
	for (i = 0; i < count; i++) {
		one = remove_one(store, &devices[i], deadline, seconds, force);
		if (status == EXIT_OK)
			status = one;
	}
	if (status == EXIT_OK && count && stub_drop_idle(store, devices[0].guest, &why))
		return say_why(EXIT_FAILED, &why);
	return status;
}

/* The guest never ran, or is gone: nothing can hang. */
static void undo_ended(struct intercept *intercept)
{
	struct why why;
	unsigned int i;

	if (intercept->made && stub_destroy(intercept->store, &intercept->stub, &why))
		say_why(EXIT_FAILED, &why);
	for (i = 0; i < intercept->count; i++)
		if (device_remove(intercept->store, &intercept->devices[i].slow, &why) ||
		    trapped_remove(intercept->store, &intercept->devices[i], &why))
			say_why(EXIT_FAILED, &why);
}

void intercept_undo(struct intercept *intercept, bool ended)
{
	struct why why;

	wait_forget_signal();
	if (ended)
		undo_ended(intercept);
	else if (intercept->count)
		intercept_remove(intercept->store, intercept->devices, intercept->count, REMOVAL_WAIT,
				 true);
	else if (intercept->made && stub_destroy(intercept->store, &intercept->stub, &why))
		say_why(EXIT_FAILED, &why);
	/* It was there for rings, and got a target for nothing. */
	if (!ended && !intercept->made)
		renew_stub(intercept->store, intercept->guest->domid, REMOVAL_WAIT, true);
	intercept->count = 0;
	intercept->made = false;
}
