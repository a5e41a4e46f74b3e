// SPDX-License-Identifier: GPL-2.0-only
/*
 * Only Xen and we write a slot, and never at the same time: its state says whose it is. What is needed
 * to find the server again is written by Xen itself, into memory that a restart keeps.
 */
#include "ioreq.h"

#include "clock.h"
#include "events.h"
#include "hypercall.h"
#include "machine.h"
#include "persist.h"

#include <xen/errno.h>
#include <xen/hvm/ioreq.h>

#define PAGE		4096u
#define NO_SERVER	0xffffu
#define DRAIN_MS	50u	/* a guest that is paused does not take its answers: not for ever */

static union {
	struct ioreq slot[PAGE / sizeof(struct ioreq)];
	uint8_t page[PAGE];
} window STUB_WINDOW;

/* create's; made: its id is one, since Xen wrote it over NO_SERVER. */
static struct xen_dm_op server STUB_PERSIST;
static uint32_t owner STUB_PERSIST;	/* the guest; 0: none was ever tried */

static uint32_t guest;
static unsigned int vcpus;
static uint64_t ports;
static uint32_t port_of[IOREQ_VCPUS];
static uint8_t vcpu_of[EVENT_PORTS];

_Static_assert(sizeof(struct ioreq) == 32, "a slot");
_Static_assert(IOREQ_VCPUS <= sizeof(window.slot) / sizeof(window.slot[0]), "slots of a page");

static long command(struct xen_dm_op *op)
{
	struct xen_dm_op_buf buffer = { .size = sizeof(*op) };

	set_xen_guest_handle(buffer.h, op);
	return hypercall_dm(owner, &buffer);
}

static ioservid_t id(void)
{
	return server.u.create_ioreq_server.id;
}

bool ioreq_is_open(void)
{
	return owner && id() != NO_SERVER;
}

/* ---- slots ---- */

static volatile struct ioreq *slot_of(unsigned int vcpu)
{
	return &window.slot[vcpu];
}

/* The octet of state and the flags beside it. */
static volatile uint8_t *state_of(unsigned int vcpu)
{
	return (volatile uint8_t *)slot_of(vcpu) + 30;
}

#define STATE(octet)	((octet) & 15u)
#define POINTER		(1u << 4)
#define READ		(1u << 5)
#define DOWN		(1u << 6)

static uint8_t look(unsigned int vcpu)
{
	return __atomic_load_n(state_of(vcpu), __ATOMIC_ACQUIRE);
}

static void set_state(unsigned int vcpu, uint8_t octet, unsigned int state)
{
	__atomic_store_n(state_of(vcpu), (uint8_t)((octet & ~15u) | state), __ATOMIC_RELEASE);
}

enum ioreq_kind ioreq_take(unsigned int vcpu, struct xapt_access *access, bool *again)
{
	const volatile struct ioreq *s = slot_of(vcpu);
	uint8_t octet = look(vcpu), type;

	if (STATE(octet) != STATE_IOREQ_READY && STATE(octet) != STATE_IOREQ_INPROCESS)
		return IOREQ_NONE;
	*again = STATE(octet) == STATE_IOREQ_INPROCESS;
	access->address = s->addr;
	access->data = s->data;
	access->count = s->count;
	access->size = s->size;
	access->write = !(octet & READ);
	access->pointer = octet & POINTER;
	access->down = octet & DOWN;
	type = s->type;
	access->port = type == IOREQ_TYPE_PIO;
	if (!*again)
		set_state(vcpu, octet, STATE_IOREQ_INPROCESS);
	return type == IOREQ_TYPE_PIO || type == IOREQ_TYPE_COPY ? IOREQ_ACCESS : IOREQ_OTHER;
}

bool ioreq_is_taken(unsigned int vcpu)
{
	return STATE(look(vcpu)) == STATE_IOREQ_INPROCESS;
}

void ioreq_answer(unsigned int vcpu, uint64_t value)
{
	slot_of(vcpu)->data = value;
	set_state(vcpu, look(vcpu), STATE_IORESP_READY);
	events_send(port_of[vcpu]);
}

/* ---- coming ---- */

static long create(void)
{
	if (ioreq_is_open() && owner == guest)
		return 0;
	/* In this order: a trap finds no server, or the one that Xen made. */
	owner = 0;
	server = (struct xen_dm_op){ .op = XEN_DMOP_create_ioreq_server };
	server.u.create_ioreq_server.id = NO_SERVER;
	persist_order();
	owner = guest;
	return command(&server);
}

static long count_vcpus(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_nr_vcpus };
	long error = command(&op);

	if (error)
		return error;
	vcpus = op.u.nr_vcpus.vcpus;
	return vcpus <= IOREQ_VCPUS ? 0 : -XEN_ENOSPC;
}

static long map_page(void)
{
	xen_pfn_t frame = 0;
	struct xen_mem_acquire_resource acquire = {
		.domid = (domid_t)guest,
		.type = XENMEM_resource_ioreq_server,
		.id = id(),
		.frame = XENMEM_resource_ioreq_server_frame_ioreq(0),
		.nr_frames = 1,
	};
	long error;

	set_xen_guest_handle(acquire.frame_list, &frame);
	error = hypercall_memory(XENMEM_acquire_resource, &acquire);
	return error ? error : machine_map(&window, guest, frame, MACHINE_RESOURCE);
}

static long enable(bool enabled)
{
	struct xen_dm_op op = { .op = XEN_DMOP_set_ioreq_server_state };

	op.u.set_ioreq_server_state.id = id();
	op.u.set_ioreq_server_state.enabled = enabled;
	return command(&op);
}

/* Xen's end outlives ours: a life that finds the server binds anew, and is told once of each. */
static long bind(void)
{
	unsigned int vcpu;

	ports = 0;
	for (vcpu = 0; vcpu < vcpus; vcpu++) {
		int port = events_bind(guest, slot_of(vcpu)->vp_eport);

		if (port < 0)
			return port;
		port_of[vcpu] = (uint32_t)port;
		vcpu_of[port] = (uint8_t)vcpu;
		ports |= EVENT_BIT(port);
		/* The life before may have answered and not said so. */
		events_send((uint32_t)port);
	}
	return 0;
}

int ioreq_open(uint32_t domain, const char **what)
{
	long error;

	guest = domain;
	*what = "an ioreq server";
	error = create();
	if (!error) {
		*what = "its page";
		error = map_page();
	}
	if (!error) {
		*what = "the guest's vCPUs: more than there are event channels for";
		error = count_vcpus();
	}
	if (!error) {
		*what = "the server's start";
		error = enable(true);
	}
	if (!error) {
		*what = "a vCPU's event channel";
		error = bind();
	}
	return (int)error;
}

/* ---- going ---- */

/* False: a vCPU still waits, or did not take its answer yet. */
static bool drained(void)
{
	unsigned int vcpu;
	bool all = true;

	for (vcpu = 0; vcpu < vcpus; vcpu++) {
		uint8_t state = STATE(look(vcpu));

		if (state == STATE_IOREQ_READY || state == STATE_IOREQ_INPROCESS)
			ioreq_answer(vcpu, ~(uint64_t)0);
		all &= state == STATE_IOREQ_NONE;
	}
	return all;
}

static void unbind(void)
{
	for (; ports; ports &= ports - 1)
		events_close((uint32_t)__builtin_ctzll(ports));
}

/* No page, then no server: a trap in between leaves one that is found and closed again. */
void ioreq_close(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_destroy_ioreq_server };
	uint64_t until = clock_now() + DRAIN_MS * (uint64_t)NS_PER_MS;

	if (ports) {
		enable(false);
		while (!drained() && clock_now() < until)
			events_wait(clock_now() + NS_PER_MS);
	}
	unbind();
	machine_unmap(&window);
	if (ioreq_is_open()) {
		op.u.destroy_ioreq_server.id = id();
		command(&op);
	}
	owner = 0;
	vcpus = 0;
}

/* ---- ranges ---- */

static int change_range(uint32_t what, bool port, uint64_t first, uint64_t last)
{
	struct xen_dm_op op = { .op = what };

	op.u.map_io_range_to_ioreq_server.id = id();
	op.u.map_io_range_to_ioreq_server.type = port ? XEN_DMOP_IO_RANGE_PORT :
							XEN_DMOP_IO_RANGE_MEMORY;
	op.u.map_io_range_to_ioreq_server.start = first;
	op.u.map_io_range_to_ioreq_server.end = last;
	return (int)command(&op);
}

int ioreq_map(bool port, uint64_t first, uint64_t last)
{
	return change_range(XEN_DMOP_map_io_range_to_ioreq_server, port, first, last);
}

int ioreq_unmap(bool port, uint64_t first, uint64_t last)
{
	return change_range(XEN_DMOP_unmap_io_range_from_ioreq_server, port, first, last);
}

unsigned int ioreq_vcpus(void)
{
	return vcpus;
}

uint64_t ioreq_ports(void)
{
	return ports;
}

unsigned int ioreq_vcpu_of(unsigned int port)
{
	return vcpu_of[port];
}
