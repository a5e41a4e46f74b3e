/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "command.h"
#include "fast.h"
#include "intercept.h"
#include "remember.h"
#include "removal.h"
#include "serving.h"
#include "wait.h"

#define STALE_S	2	/* for the guest to let go of what is away */

struct attachment {
	struct store *store;
	const struct args *args;
	struct spec spec;
	struct guest guest, backend;
	struct device device;
	bool stale;		/* the guest's end closed: it was still letting go of an earlier one */
};

static int connect_device(struct attachment *attachment)
{
	struct device *device = &attachment->device;
	unsigned int seconds = attachment->args->wait;
	enum wait_end end = wait_for(attachment->store, device, WAIT_CONNECTED, seconds);
	struct why why;

	if (end == WAIT_REACHED)
		return EXIT_OK;
	wait_explain(device, WAIT_CONNECTED, end, seconds, &why);
	attachment->stale = end == WAIT_REFUSED && !device->child.error[0] &&
			    !device->parent.error[0] && device->child.state >= STATE_CLOSING;
	if (!attachment->stale)
		say("device %u of guest %u: %s", device->id, device->guest, why.text);
	removal_undo(attachment->store, device, 1);
	return end == WAIT_TIMEOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* The first device, beside one that is connected. What fails takes that one away as well. */
static int add_first(struct attachment *attachment)
{
	const struct args *args = attachment->args;
	struct fast fast = { .store = attachment->store, .guest = &attachment->guest,
			     .options = &args->fast };
	int status = fast_install(&fast, &attachment->device, 1);

	if (status == EXIT_OK && args->wait)
		status = fast_wait(&fast, WAIT_CONNECTED, args->wait);
	if (status != EXIT_OK)
		removal_undo(attachment->store, &attachment->device, 1);
	else if (fast.count)
		printf("its first device is in stub domain %u\n", fast.stub.domid);
	return status;
}

static void remember(const struct attachment *attachment, unsigned int id)
{
	unsigned int guest = attachment->guest.domid;
	char uuid[UUID_MAX];
	struct spec spec;
	struct why why;

	serving_remember(&attachment->spec, id, &attachment->backend, &spec);
	if (!uuid_read(attachment->store, guest, uuid))
		why_set(&why, "domain %u has no uuid in xenstore", guest);
	else if (!remember_add(uuid, &spec, &attachment->args->fast, &why))
		return;
	say("the guest will not have device %u after a restart: %s", id, why.text);
}

static int attach_once(struct attachment *attachment)
{
	struct why why;

	attachment->stale = false;
	if (device_add(attachment->store, &attachment->spec, &attachment->guest,
		       attachment->backend.domid, &attachment->device, &why))
		return say_why(EXIT_FAILED, &why);
	return attachment->args->wait ? connect_device(attachment) : EXIT_OK;
}

/*
 * A guest that has not let go of a device that was detached a moment ago takes the new one for
 * the old, and closes it. Once it is away it lets go; then it takes a new one.
 */
static int attach_checked(struct attachment *attachment)
{
	int status = attach_once(attachment);

	if (status == EXIT_FAILED && attachment->stale && !wait_interrupted()) {
		say("the guest was still closing an earlier device: once more");
		sleep(STALE_S);
		status = attach_once(attachment);
		if (attachment->stale)
			say("device %u of guest %u: the guest closed it without a reason: its kernel log "
			    "may say more", attachment->device.id, attachment->guest.domid);
	}
	if (status == EXIT_OK && attachment->spec.fast)
		status = add_first(attachment);
	if (status != EXIT_OK)
		return status;
	remember(attachment, attachment->device.id);
	printf("device %u of guest %s (%u) is %s\n", attachment->device.id, attachment->guest.name,
	       attachment->guest.domid,
	       attachment->args->wait ? "connected" : "attached, not waited for");
	return EXIT_OK;
}

static int attach_trapped(struct attachment *attachment)
{
	struct intercept intercept = { .store = attachment->store, .guest = &attachment->guest,
				       .options = &attachment->args->fast };
	const struct trapped *trapped = &intercept.devices[0];
	char place[TRAPPED_PLACE];
	struct why why;
	int status;

	if (intercept_check(attachment->store, &attachment->guest, &attachment->spec, 1, &why))
		return say_why(EXIT_FAILED, &why);
	status = intercept_install(&intercept, &attachment->spec, 1);
	if (status == EXIT_OK)
		status = intercept_wait(&intercept, attachment->args->wait);
	if (status != EXIT_OK)
		return status;
	remember(attachment, trapped->id);
	trapped_place(trapped, place);
	printf("device %u of guest %s (%u) is reached at %s, through stub domain %u\n", trapped->id,
	       attachment->guest.name, attachment->guest.domid, place, trapped->stub);
	return EXIT_OK;
}

static int attach_to(struct attachment *attachment)
{
	const struct args *args = attachment->args;
	struct guest *guest = &attachment->guest;
	struct plan plan = { .count = 1, .specs = &attachment->spec,
			     .backends = &attachment->backend };
	struct why why;

	if (guest_find_running(attachment->store, args->operand[0], guest, &why) ||
	    serving_find(attachment->store, &attachment->spec, guest->domid, &attachment->backend,
			 &why))
		return say_why(EXIT_NOT_FOUND, &why);
	if (trapped_is_stub(attachment->store, guest->domid, &plan.guest)) {
		say("domain %u is the stub domain of guest %u: attach the device to that", guest->domid,
		    plan.guest);
		return EXIT_NOT_FOUND;
	}
	plan.guest = guest->domid;
	if (attachment->spec.fast &&
	    fast_check(attachment->store, guest, args->options, &args->fast, &why))
		return say_why(EXIT_USAGE, &why);
	if (!(args->options & OPTION_UNCHECKED) &&
	    admission_check(attachment->store, &plan, &why))
		return say_why(EXIT_FAILED, &why);
	wait_catch_signals();
	return attachment->spec.door ? attach_trapped(attachment) : attach_checked(attachment);
}

/* What --again makes of the rest of the line. */
static int check_words(const struct args *args, struct why *why)
{
	bool again = args->options & OPTION_AGAIN;

	if (again && args->count > 1)
		return why_set(why, "attach --again takes no spec, \"%.40s\" was given: it attaches what "
			       "is remembered", args->operand[1]);
	if (again && args->options & OPTIONS_FAST)
		return why_set(why, "attach --again takes no --stub, --spin, --route and --revoke: they are "
			       "remembered");
	if (!again && args->count < 2)
		return why_set(why, "attach needs 2 operands, 1 given: write xen-aperture attach <guest> "
			       "<spec>, or --again <guest>");
	return 0;
}

int run_attach(const struct args *args)
{
	struct attachment attachment = { .args = args };
	struct store store;
	struct why why;
	int status;

	if (check_words(args, &why))
		return say_why(EXIT_USAGE, &why);
	if (args->options & OPTION_AGAIN)
		return run_again(args);
	if (spec_parse(args->operand[1], &attachment.spec, &why) ||
	    check_fast_options(args, attachment.spec.fast, &why) ||
	    check_trapped_wait(args, attachment.spec.door, &why))
		return say_why(EXIT_USAGE, &why);
	status = store_open(&store);
	if (status != EXIT_OK)
		return status;
	attachment.store = &store;
	status = attach_to(&attachment);
	store_close(&store);
	return status;
}
