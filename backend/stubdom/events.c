// SPDX-License-Identifier: GPL-2.0-only
#include "events.h"

#include <xen/errno.h>

#include "machine.h"
#include "persist.h"

static uint64_t kept STUB_PERSIST;		/* bits of those that a restart leaves alone */
static uint64_t used;				/* bits of our ports */
static evtchn_port_t list[EVENT_PORTS];		/* the same, for SCHEDOP_poll */
static unsigned int listed;

static void make_list(void)
{
	uint64_t left;

	listed = 0;
	for (left = used; left; left &= left - 1)
		list[listed++] = (evtchn_port_t)__builtin_ctzll(left);
}

void events_use(uint32_t port)
{
	if (port >= EVENT_PORTS)
		return;
	used |= EVENT_BIT(port);
	make_list();
}

/* Ports that Xen made with the domain: closing them would cut the console and the store off. */
static bool given(uint32_t port)
{
	return port == stub_start->store_evtchn || port == stub_start->console.domU.evtchn;
}

void events_init(void)
{
	uint32_t port;
	unsigned int i;

	for (i = 0; i < sizeof(stub_shared.evtchn_mask) / sizeof(stub_shared.evtchn_mask[0]); i++)
		__atomic_store_n(&stub_shared.evtchn_mask[i], ~0ul, __ATOMIC_SEQ_CST);
	for (port = 1; port < EVENT_PORTS; port++) {
		struct evtchn_close close = { .port = port };

		if (!given(port) && !(kept & EVENT_BIT(port)))
			hypercall_event(EVTCHNOP_close, &close);
	}
}

/* The port is new: take it in, or give it back. */
static int take_in(uint32_t port)
{
	if (port >= EVENT_PORTS) {
		events_close(port);
		return -XEN_ENOSPC;
	}
	events_use(port);
	return (int)port;
}

int events_bind(uint32_t domain, uint32_t port)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = (domid_t)domain,
		.remote_port = port,
	};
	long error = hypercall_event(EVTCHNOP_bind_interdomain, &bind);

	return error ? (int)error : take_in(bind.local_port);
}

int events_listen(uint32_t domain)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = (domid_t)domain };
	long error = hypercall_event(EVTCHNOP_alloc_unbound, &alloc);

	return error ? (int)error : take_in(alloc.port);
}

/* What is not kept yet when a trap comes is closed by the next life. */
int events_keep(uint32_t domain)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = (domid_t)domain };
	long error = hypercall_event(EVTCHNOP_alloc_unbound, &alloc);

	if (error)
		return (int)error;
	if (alloc.port >= EVENT_PORTS) {
		events_close(alloc.port);
		return -XEN_ENOSPC;
	}
	kept |= EVENT_BIT(alloc.port);
	return (int)alloc.port;
}

uint64_t events_kept(void)
{
	return kept;
}

void events_close(uint32_t port)
{
	struct evtchn_close close = { .port = port };

	if (port < EVENT_PORTS)
		kept &= ~EVENT_BIT(port);
	hypercall_event(EVTCHNOP_close, &close);
	if (port >= EVENT_PORTS)
		return;
	used &= ~EVENT_BIT(port);
	__atomic_fetch_and(&stub_shared.evtchn_pending[0], ~EVENT_BIT(port), __ATOMIC_SEQ_CST);
	make_list();
}

void events_send(uint32_t port)
{
	struct evtchn_send send = { .port = port };

	hypercall_event(EVTCHNOP_send, &send);
}

uint64_t events_take(void)
{
	uint64_t bits = __atomic_load_n(&stub_shared.evtchn_pending[0], __ATOMIC_RELAXED) & used;

	if (bits)
		__atomic_fetch_and(&stub_shared.evtchn_pending[0], ~bits, __ATOMIC_SEQ_CST);
	return bits;
}

void events_wait(uint64_t until)
{
	/* Xen's time is signed: a guest's alarm in 300 years would be one in the past. */
	struct sched_poll poll = { .nr_ports = listed, .timeout = until >> 62 ? 0 : until };

	set_xen_guest_handle(poll.ports, list);
	hypercall_sched(SCHEDOP_poll, &poll);
}
