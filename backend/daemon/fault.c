// SPDX-License-Identifier: GPL-2.0-only
#include "fault.h"

#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

#include "connection.h"
#include "message.h"

#define ERR_STORE	2	/* of the processor's error code */

static const struct xapt_guest *guest;
static int channel;

/* Offset of addr in the aperture. False: it is not in there. */
static bool inside(const struct xapt_aperture *a, const char *addr, size_t *offset)
{
	const char *start = a->map ? a->map : a->gift.addr;

	*offset = (size_t)(addr - start);
	return start && addr >= start && *offset < (size_t)a->pages * XENAPT_PAGE_SIZE;
}

static bool describe(const char *addr, bool store, char *text, size_t room)
{
	const struct xenaperture *x;
	unsigned int slot;
	size_t offset;

	for (x = guest->connections; x; x = x->next) {
		for (slot = 0; slot < XENAPT_MAX_APERTURES; slot++) {
			const struct xapt_aperture *a = &x->core.aperture[slot];

			if (!inside(a, addr, &offset))
				continue;
			/* Of the C library's, with integers only, it needs nothing that may be locked. */
			snprintf(text, room, "%s slot %u%s of device %u at octet %zu",
				 store ? "store to" : "load from", slot,
				 a->flags & XENAPT_OPEN_PARENT_READ_ONLY ? " (read-only)" : "",
				 x->link.devid, offset);
			return true;
		}
	}
	return false;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;
	struct message m = { .type = MESSAGE_FAULT };

	/* The instruction is tried again, and ends the process. */
	signal(number, SIG_DFL);
	if (info->si_code > 0 &&
	    describe(info->si_addr, c->uc_mcontext.gregs[REG_ERR] & ERR_STORE, m.text,
		     sizeof(m.text)))
		message_send(channel, &m, -1);
}

void fault_watch(const struct xapt_guest *g, int fd)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	guest = g;
	channel = fd;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}
