// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "events.h"
#include "machine.h"
#include "trap.h"
#include "world.h"

#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

#define PAGE		4096u
#define STORE_FRAME	1u
#define CONSOLE_FRAME	2u
#define STORE_PORT	1u
#define CONSOLE_PORT	2u
#define FIRST_PORT	3u
#define MASK		2u	/* of a lane's pages: the one that only the guest writes */

struct shared_info stub_shared;
uint64_t trap_serves;
static struct start_info start_page;
const struct start_info *stub_start = &start_page;

unsigned int xen_mapped, xen_ports, xen_sent, xen_pongs;
uint32_t xen_watchdog;
bool xen_hostile;

static int memory;
static uint8_t *view;
static struct xencons_interface console;
static struct xenstore_domain_interface store;

static struct {
	bool used;
	uint32_t remote;	/* the guest's port, 0: ours to be bound */
	bool bound;		/* ... and by domain 0 it is */
} ports[EVENT_PORTS];
static uintptr_t handles[4096];	/* where each is mapped, 0: not */

/* ---- what the stub domain's other files would give ---- */

void *machine_page(uint64_t frame)
{
	return frame == STORE_FRAME ? (void *)&store : (void *)&console;
}

void trap_again(void)
{
	abort();
}

uint64_t trap_restarts(void)
{
	return 0;
}

uint64_t trap_started(void)
{
	return 1;
}

/* ---- the machine ---- */

/* The leak check reads all memory, windows without a grant too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

void world_broken(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
	abort();
}

void xen_start(void)
{
	size_t octets = (size_t)WORLD_DEVICES * WORLD_PAGES * PAGE;

	if (view)
		return;
	memory = memfd_create("guest", 0);
	if (memory < 0 || ftruncate(memory, (off_t)octets))
		abort();
	view = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	start_page.store_mfn = STORE_FRAME;
	start_page.store_evtchn = STORE_PORT;
	start_page.console.domU.mfn = CONSOLE_FRAME;
	start_page.console.domU.evtchn = CONSOLE_PORT;
	/* No ticks: the time is what system_time says. */
	stub_shared.vcpu_info[0].time.system_time = 1000000000;
	store_start(&store);
}

void *xen_page(unsigned int device, unsigned int page)
{
	return view + ((size_t)device * WORLD_PAGES + page) * PAGE;
}

void xen_pass(uint64_t ns)
{
	stub_shared.vcpu_info[0].time.system_time += ns;
}

uint64_t xen_now(void)
{
	return stub_shared.vcpu_info[0].time.system_time;
}

void xen_fire(uint32_t port)
{
	if (port < EVENT_PORTS)
		stub_shared.evtchn_pending[0] |= EVENT_BIT(port);
}

void xen_fire_remote(uint32_t remote)
{
	uint32_t port;

	for (port = FIRST_PORT; port < EVENT_PORTS; port++)
		if (ports[port].used && ports[port].remote == remote)
			xen_fire(port);
}

/* The guest's port of a device is 10 + its number. */
void xen_notify(unsigned int device)
{
	xen_fire_remote(10 + device);
}

bool xen_bound(uint32_t port, bool bound)
{
	if (port >= EVENT_PORTS || !ports[port].used || ports[port].remote)
		return false;
	ports[port].bound = bound;
	return true;
}

/* ---- hypercalls ---- */

long hypercall_sched(int command, void *argument)
{
	const struct sched_poll *poll = argument;

	WORLD_MUST(command == SCHEDOP_poll);
	WORLD_MUST(poll->nr_ports <= EVENT_PORTS && !(poll->timeout >> 63));
	world_blocked(poll->timeout);
	return 0;
}

static int new_port(uint32_t remote)
{
	uint32_t port;

	for (port = FIRST_PORT; port < EVENT_PORTS && ports[port].used; port++)
		;
	if (port == EVENT_PORTS || (xen_hostile && !world_mood(8)))
		return -28;
	ports[port].used = true;
	ports[port].remote = remote;
	ports[port].bound = false;
	xen_ports++;
	xen_fire(port);
	return (int)port;
}

static long bind(struct evtchn_bind_interdomain *b)
{
	int port;

	WORLD_MUST(b->remote_dom == WORLD_GUEST);
	if ((b->remote_port < 10 || b->remote_port >= 10 + WORLD_DEVICES) &&
	    (b->remote_port < WORLD_VCPU_PORT || b->remote_port >= WORLD_VCPU_PORT + WORLD_VCPUS))
		return -22;
	port = new_port(b->remote_port);
	if (port < 0)
		return port;
	b->local_port = (evtchn_port_t)port;
	return 0;
}

static long close_port(uint32_t port)
{
	WORLD_MUST(port < EVENT_PORTS && port >= FIRST_PORT);
	if (!ports[port].used)
		return -22;
	ports[port].used = false;
	xen_ports--;
	return 0;
}

static long listen(struct evtchn_alloc_unbound *a)
{
	int port = new_port(0);

	if (port < 0)
		return port;
	a->port = (evtchn_port_t)port;
	return 0;
}

static long status(struct evtchn_status *s)
{
	WORLD_MUST(s->dom == DOMID_SELF && s->port < EVENT_PORTS && ports[s->port].used);
	s->status = ports[s->port].bound ? EVTCHNSTAT_interdomain : EVTCHNSTAT_unbound;
	return 0;
}

long hypercall_event(int command, void *argument)
{
	uint32_t port = *(uint32_t *)argument;

	switch (command) {
	case EVTCHNOP_bind_interdomain:
		return bind(argument);
	case EVTCHNOP_alloc_unbound:
		return listen(argument);
	case EVTCHNOP_status:
		return status(argument);
	case EVTCHNOP_close:
		return close_port(((struct evtchn_close *)argument)->port);
	case EVTCHNOP_send:
		WORLD_MUST(port == STORE_PORT || port == CONSOLE_PORT || ports[port].used);
		xen_sent++;
		xen_pongs += port == xen_watchdog;
		/* Nobody reads the console but this. */
		if (port == CONSOLE_PORT)
			console.out_cons = console.out_prod - world_mood(2) * 1000;
		return 0;
	}
	WORLD_MUST(!"a call of events.c");
	return -1;
}

static void map_one(struct gnttab_map_grant_ref *m)
{
	uint32_t page = m->ref - WORLD_REF;
	int protection = PROT_READ | (m->flags & GNTMAP_readonly ? 0 : PROT_WRITE);
	grant_handle_t handle;

	WORLD_MUST(m->dom == WORLD_GUEST && m->host_addr % PAGE == 0);
	m->status = GNTST_bad_gntref;
	if (page >= WORLD_DEVICES * WORLD_PAGES || (xen_hostile && !world_mood(20)))
		return;
	for (handle = 0; handle < 4096 && handles[handle]; handle++)
		WORLD_MUST(handles[handle] != m->host_addr);
	WORLD_MUST(handle < 4096);
	if (mmap((void *)m->host_addr, PAGE, protection, MAP_SHARED | MAP_FIXED, memory,
		 (off_t)page * PAGE) == MAP_FAILED)
		abort();
	handles[handle] = m->host_addr;
	m->handle = handle;
	m->status = GNTST_okay;
	xen_mapped++;
}

static void unmap_one(struct gnttab_unmap_grant_ref *u)
{
	WORLD_MUST(u->handle < 4096 && handles[u->handle] == u->host_addr);
	if (mmap((void *)u->host_addr, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		abort();
	handles[u->handle] = 0;
	u->status = GNTST_okay;
	xen_mapped--;
}

long hypercall_grant(unsigned int command, void *argument, unsigned int count)
{
	struct gnttab_unmap_grant_ref *unmap = argument;
	struct gnttab_map_grant_ref *map = argument;
	unsigned int i;

	if (command == GNTTABOP_setup_table) {
		((struct gnttab_setup_table *)argument)->status = GNTST_okay;
		return 0;
	}
	WORLD_MUST(count && count <= WORLD_PAGES);
	for (i = 0; i < count; i++, map++, unmap++) {
		if (command == GNTTABOP_map_grant_ref) {
			WORLD_MUST((i == MASK) == !!(map->flags & GNTMAP_readonly));
			map_one(map);
		} else {
			WORLD_MUST(command == GNTTABOP_unmap_grant_ref);
			unmap_one(unmap);
		}
	}
	return 0;
}
