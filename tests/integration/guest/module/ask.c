// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that never stops: apertures and operations one after another, on whatever connection there is.
 * Each OPEN (in tag) and each operation (in value) tells what became of the last ones: so a parent
 * that answers what it should not learns what its answers did.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>

#include "check_registers.h"
#include "selftest.h"

#define UNKNOWN		0xffffu		/* a status that has no place in 16 bits */
#define REFUSED		0xfffeu		/* WITHDRAW was: the client hears an errno */

struct asker {
	struct xen_aperture_dev *dev;
	struct xen_aperture_submitter *submitter;
	u64 lane;
	u32 flags;
	unsigned int rounds, ended, timeouts;
};

/* Of the last operation, and of the last aperture: also from one command to the next. */
static u32 of_operation, of_aperture;

static u32 report(void)
{
	return min(of_aperture, UNKNOWN) << 16 | min(of_operation, UNKNOWN);
}

static void count(struct asker *a, int err)
{
	a->ended += err == -ENOTCONN;
	a->timeouts += err == -ETIMEDOUT;
	if (err == -ENOTCONN)
		usleep_range(500, 1000);
}

static bool operate(struct asker *a, struct xen_aperture_operation *op)
{
	if (xen_aperture_operate(a->submitter, op, 1)) {
		count(a, -ENOTCONN);
		return false;
	}
	a->timeouts += op->status == XENAPT_E_TIMEOUT;
	return true;
}

/* A state that nobody can load is made anew, as a driver does. */
static void ask_operation(struct asker *a)
{
	struct xen_aperture_operation op = {
		.reg = CHECK_HASH, .size = 8, .direction = XENAPT_OP_EXCHANGE, .value = report(),
	};
	struct xen_aperture_operation reset = {
		.reg = XENAPT_COMMAND_RESET, .direction = XENAPT_OP_WRITE,
	};

	if (!operate(a, &op))
		return;
	of_operation = op.status;
	if (op.status == XENAPT_E_RECORD || op.status == XENAPT_E_RECORD_VERSION)
		operate(a, &reset);
}

static void ask_aperture(struct asker *a)
{
	const struct xen_aperture_wish wish = {
		.wanted = 4 * XENAPT_PAGE_SIZE, .least = XENAPT_PAGE_SIZE, .tag = report(),
		.flags = a->flags,
	};
	struct xen_aperture *ap;
	u32 status;
	int err;

	ap = xen_aperture_create(a->dev, &wish, &status);
	if (IS_ERR(ap)) {
		of_aperture = status;
		count(a, PTR_ERR(ap));
		return;
	}
	err = xen_aperture_withdraw(ap);
	of_aperture = err ? REFUSED : XENAPT_OK;
	count(a, err);
	xen_aperture_free(ap);
}

int cmd_ask(struct run *r)
{
	struct asker a = {};
	unsigned long end;
	u64 nr, ms, flags;
	int err;

	err = arg_u64(r, 1, &nr) ?: arg_u64(r, 2, &a.lane) ?: arg_u64(r, 3, &ms) ?:
	      arg_u64_or(r, 4, &flags, 0);
	if (err)
		return err;
	a.flags = flags;
	a.dev = xen_aperture_dev_get(nr);
	if (!a.dev)
		return -ENODEV;
	a.submitter = xen_aperture_submitter_get(a.dev);
	if (IS_ERR(a.submitter)) {
		xen_aperture_dev_put(a.dev);
		return PTR_ERR(a.submitter);
	}
	end = jiffies + msecs_to_jiffies(ms);
	for (; time_before(jiffies, end) && !signal_pending(current); a.rounds++) {
		ask_operation(&a);
		if (a.lane == XENAPT_OWNER_SLOW)
			ask_aperture(&a);
	}
	say(r, "answered=%u ended=%u timeouts=%u\n", a.rounds, a.ended, a.timeouts);
	xen_aperture_submitter_put(a.submitter);
	xen_aperture_dev_put(a.dev);
	return 0;
}
