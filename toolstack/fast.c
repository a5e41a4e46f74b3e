/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "command.h"
#include "fast.h"
#include "removal.h"
#include "target.h"
#include "trapped.h"

static bool has_trapped(const struct store *store, unsigned int guest)
{
	struct trapped_list list;

	trapped_find(store, guest, &list);
	return list.count;
}

int fast_check(const struct store *store, const struct guest *guest, unsigned int options,
	       const struct fast_options *fast, struct why *why)
{
	struct stub stub;

	if (!stub_find(store, guest->domid, &stub) ||
	    !store_exists(store, "/local/domain/%u", stub.domid))
		return stub_check(stub_file(fast), why);
	if (options & (OPTION_STUB | OPTION_SPIN))
		return why_set(why, "guest %u has the stub domain %u already: --stub and --spin are for "
			       "a new one; %s before, or leave them out", guest->domid,
			       stub.domid, has_trapped(store, guest->domid) ?
			       "detach its trapped devices, uninstall other first devices" :
			       "uninstall its first devices");
	return 0;
}

int check_fast_options(const struct args *args, bool any_fast, struct why *why)
{
	if (any_fast)
		return args->fast.stub ? stub_check(args->fast.stub, why) : 0;
	if (args->options & OPTIONS_FAST)
		return why_set(why, "--stub, --spin, --route and --revoke are for devices with fast=yes, io "
			       "or mmio: there is none; leave them out");
	return 0;
}

int check_trapped_wait(const struct args *args, bool any_trapped, struct why *why)
{
	if (!any_trapped || args->wait)
		return 0;
	return why_set(why, "--wait=0 does not go with io and mmio: the guest is told of a trapped device when "
		       "accesses reach it; leave it out");
}

/* ---- in ---- */

int fast_stub(struct store *store, const struct guest *guest, const struct fast_options *options,
	      struct stub *stub, bool *made, struct why *why)
{
	*made = false;
	if (stub_find(store, guest->domid, stub)) {
		if (store_exists(store, "/local/domain/%u", stub->domid) &&
		    !store_exists(store, STUB_LIST "/%u/ending", stub->domid))
			return stub_complete(store, stub, why);
		/* Its domain ended, or somebody who began to end it did not come to that. */
		if (stub_destroy(store, stub, why))
			return -1;
	}
	if (stub_make(store, guest, options, stub, why))
		return -1;
	*made = true;
	return 0;
}

static int add_all(struct fast *fast, const struct device *devices, unsigned int count,
		   struct why *why)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (device_add_fast(fast->store, &devices[i], fast->stub.domid, fast->options,
				    &fast->devices[fast->count], why))
			return -1;
		fast->count++;
	}
	return 0;
}

/* It does what it was told to, but not without a word. */
static void warn_of_spinning(const struct fast *fast)
{
	unsigned int processors, vcpus;

	if (fast->made && fast->options->spin_us && target_processors(&processors, &vcpus) &&
	    vcpus > processors)
		say("note: %u vCPUs share %u processor%s: a stub domain that spins takes time from the "
		    "others; give it one of its own (xl vcpu-pin %u 0 CPU), or leave --spin out",
		    vcpus, processors, processors == 1 ? "" : "s", fast->stub.domid);
}

int fast_install(struct fast *fast, const struct device *devices, unsigned int count)
{
	struct why why;

	if (!fast_stub(fast->store, fast->guest, fast->options, &fast->stub, &fast->made, &why)) {
		if (!add_all(fast, devices, count, &why) &&
		    (!fast->made || !stub_unpause(fast->store, &fast->stub, &why))) {
			warn_of_spinning(fast);
			return EXIT_OK;
		}
		fast_undo(fast);
	}
	return say_why(EXIT_FAILED, &why);
}

static void drop_one(struct fast *fast, unsigned int i)
{
	struct why why;

	if (device_remove(fast->store, &fast->devices[i], &why))
		say_why(EXIT_FAILED, &why);
	fast->devices[i] = fast->devices[--fast->count];
	fast->refused++;
}

const char *fast_refusal_hint(const char *error)
{
	/* What a stub domain says of a type that is none of its own */
	return strstr(error, "this stub domain has no such device") ?
		       ": the installed one has the project's own (xen-aperture.cfg(5)), other types come "
		       "with --stub=FILE of their author" : "";
}

/* What the stub domain refused has closed at its end, and never began at the guest's. */
static int wait_one(struct fast *fast, unsigned int i, enum wait_goal goal, unsigned int seconds,
		    unsigned int limit)
{
	struct device *device = &fast->devices[i];
	enum wait_end end = wait_for(fast->store, device, goal, seconds);
	struct why why;

	if (end == WAIT_REACHED)
		return EXIT_OK;
	wait_explain(device, goal, end, limit, &why);
	if (end == WAIT_REFUSED && device->parent.error[0]) {
		say("device %u of guest %u has no first device: %s%s", device->id, device->guest,
		    why.text, fast_refusal_hint(device->parent.error));
		drop_one(fast, i);
		return EXIT_OK;
	}
	fast->stale = end == WAIT_REFUSED && !device->child.error[0] &&
		      device->child.state >= STATE_CLOSING;
	say("first device %u of guest %u: %s", device->id, device->guest, why.text);
	return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

int fast_wait(struct fast *fast, enum wait_goal goal, unsigned int seconds)
{
	long long end = wait_clock() + seconds;
	int status = EXIT_OK;
	unsigned int i = 0, left;
	struct why why;

	while (i < fast->count && status == EXIT_OK) {
		long long now = wait_clock();

		left = fast->count;
		status = wait_one(fast, i, goal, end > now ? (unsigned int)(end - now) : 0, seconds);
		i += fast->count == left;
	}
	if (status != EXIT_OK)
		fast_undo(fast);
	else if (!fast->count && stub_drop_idle(fast->store, fast->guest->domid, &why))
		status = say_why(EXIT_FAILED, &why);
	return status;
}

/* ---- out ---- */

void fast_undo(struct fast *fast)
{
	unsigned int i;
	struct why why;

	wait_forget_signal();
	/* Our own stub domain need not let go in order: it goes, too, unless others use it by now. */
	if (!fast->made)
		removal_run(fast->store, fast->devices, fast->count, REMOVAL_WAIT, true);
	for (i = 0; fast->made && i < fast->count; i++)
		if (device_remove(fast->store, &fast->devices[i], &why))
			say_why(EXIT_FAILED, &why);
	if (fast->made && stub_drop_idle(fast->store, fast->stub.guest, &why))
		say_why(EXIT_FAILED, &why);
	fast->count = 0;
	fast->made = false;
}

int fast_remove(struct store *store, unsigned int guest, struct device *devices, unsigned int count,
		unsigned int seconds, bool force)
{
	int status = removal_run(store, devices, count, seconds, force);
	struct why why;

	if (stub_drop_idle(store, guest, &why))
		return say_why(EXIT_FAILED, &why);
	return status;
}
