// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a stub domain can do: answer each event with an event. What a fast operation costs
 * is compared with this. "guest=N" on its command line.
 */
#include "bare.h"
#include "console.h"
#include "events.h"

static void echo(evtchn_port_t port) __attribute__((noreturn));
static void echo(evtchn_port_t port)
{
	struct sched_poll poll = { .nr_ports = 1 };
	struct evtchn_send send = { .port = port };

	set_xen_guest_handle(poll.ports, &port);
	for (;;) {
		hypercall_sched(SCHEDOP_poll, &poll);
		if (__atomic_exchange_n(&stub_shared.evtchn_pending[0], 0, __ATOMIC_SEQ_CST) &
		    EVENT_BIT(port))
			hypercall_event(EVTCHNOP_send, &send);
	}
}

void stub_boot(const struct start_info *start)
{
	int port;

	machine_init(start);
	console_init();
	events_init();
	port = events_listen(setting(start, "guest="));
	if (port < 0)
		machine_shutdown(SHUTDOWN_crash);
	console_say(CONSOLE_INFO, "echo for guest %u port %u", setting(start, "guest="),
		    (unsigned int)port);
	echo((evtchn_port_t)port);
}
