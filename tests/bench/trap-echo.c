// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a stub domain can do about a trapped access: answer with a constant. What an access
 * that the first device answers costs is compared with this. On its command line "guest=N port=N" (decimal):
 * 4 octets are claimed there, and 4 more that end this domain in order.
 */
#include "bare.h"
#include "console.h"
#include "events.h"
#include "ioreq.h"

#define CONSTANT	0xec40ec40u

static void end(void) __attribute__((noreturn));
static void end(void)
{
	ioreq_answer(0, CONSTANT);
	ioreq_close();
	machine_shutdown(SHUTDOWN_poweroff);
}

static void echo(evtchn_port_t port, uint64_t last) __attribute__((noreturn));
static void echo(evtchn_port_t port, uint64_t last)
{
	struct sched_poll poll = { .nr_ports = 1 };
	struct xapt_access access;
	bool again;

	set_xen_guest_handle(poll.ports, &port);
	for (;;) {
		hypercall_sched(SCHEDOP_poll, &poll);
		__atomic_fetch_and(&stub_shared.evtchn_pending[0], ~EVENT_BIT(port), __ATOMIC_SEQ_CST);
		if (ioreq_take(0, &access, &again) == IOREQ_NONE)
			continue;
		if (access.address > last)
			end();
		ioreq_answer(0, CONSTANT);
	}
}

void stub_boot(const struct start_info *start)
{
	uint32_t guest = setting(start, "guest="), port = setting(start, "port=");
	const char *what = "";
	int error;

	machine_init(start);
	console_init();
	events_init();
	error = ioreq_open(guest, &what);
	if (!error)
		error = ioreq_map(true, port, port + 7);
	if (error) {
		console_say(CONSOLE_ERROR, "%s: error %u", what, (unsigned int)-error);
		machine_shutdown(SHUTDOWN_crash);
	}
	console_say(CONSOLE_INFO, "trap echo for guest %u port %u", guest, port);
	echo((evtchn_port_t)__builtin_ctzll(ioreq_ports()), port + 3);
}
