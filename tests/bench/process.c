// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-process GUEST PORT: trapped port accesses of a guest, answered by a process in dom0 alone, as a
 * device model of old does. The device is the timer as second device, by the same core; so what differs
 * from the stub domain is where the answer is made. The whole range is the timer's registers; a write to
 * the octet after it ends the program.
 */
#define __XEN_TOOLS__ 1
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xen/hvm/ioreq.h>

#include "../../backend/devices/timer/timer.h"
#include "access.h"
#include "operations.h"

#define REGISTERS	0x300u	/* octets of the timer's range */

static struct {
	xendevicemodel_handle *model;
	xenforeignmemory_handle *memory;
	xenevtchn_handle *events;
	domid_t guest;
	uint64_t base;
	ioservid_t id;
	volatile struct ioreq *slot;	/* vCPU 0's */
	evtchn_port_t port;
	uint64_t number;		/* of the last operation */
	bool end;
} server;

static struct xapt_operations timer;
static struct timer_device settings = { .period_min = XENAPERTURE_TIMER_PERIOD_LEAST };
static struct xenapt_record *record;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "trap-process: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the device ---- */

static void device_init(void)
{
	const struct xapt_operations_setup setup = {
		.model = &timer_model,
		.slow = &timer_slow,
		.device = &settings,
		.me = XENAPT_OWNER_SLOW,
		.record = record = aligned_alloc(4096, 2 * 4096),
	};

	must(record, "memory");
	memset(record, 0, 2 * 4096);
	xapt_operations_init(&timer, &setup);
}

/* Ports have no memory operands here: the benchmark's are single accesses. */
static int no_fetch(void *host, uint64_t at, void *to, uint32_t n)
{
	(void)host, (void)at, (void)to, (void)n;
	return -1;
}

static int no_store(void *host, uint64_t at, const void *from, uint32_t n)
{
	(void)host, (void)at, (void)from, (void)n;
	return -1;
}

static const struct xapt_access_ops no_memory = { .fetch = no_fetch, .store = no_store };

static void execute(struct xenapt_request *request, struct xenapt_response *response)
{
	uint64_t raise;

	request->id = XENAPT_OP_ID | ++server.number << 5;
	xapt_operations_hear(&timer);
	xapt_operations_begin(&timer, clock_now());
	xapt_operations_execute(&timer, request, NULL, response, clock_now());
	xapt_operations_end(&timer, true, clock_now(), &raise);
}

static uint64_t answer(const struct xapt_access *access)
{
	struct xenapt_request request = { .type = XENAPT_REQ_OPERATION };
	struct xenapt_response response = { 0 };
	struct xapt_walk walk;

	xapt_access_begin(&walk);
	while (xapt_access_next(access, &walk, server.base, &no_memory, NULL,
				&request.u.operation)) {
		request.u.operation.flags = XENAPT_OP_RESUME;
		execute(&request, &response);
		xapt_access_done(access, &walk, &no_memory, NULL, response.status, response.value);
	}
	return walk.value;
}

/* ---- the server ---- */

static void server_open(void)
{
	void *page = NULL;

	must(!xendevicemodel_create_ioreq_server(server.model, server.guest, HVM_IOREQSRV_BUFIOREQ_OFF,
						 &server.id), "create_ioreq_server");
	must(!xendevicemodel_map_io_range_to_ioreq_server(server.model, server.guest, server.id, 0,
							  server.base, server.base + REGISTERS + 3),
	     "map_io_range");
	must(xenforeignmemory_map_resource(server.memory, server.guest, XENMEM_resource_ioreq_server,
					   server.id, XENMEM_resource_ioreq_server_frame_ioreq(0), 1,
					   &page, PROT_READ | PROT_WRITE, 0), "map_resource");
	must(!xendevicemodel_set_ioreq_server_state(server.model, server.guest, server.id, 1),
	     "set_ioreq_server_state");
	server.slot = page;
	server.port = (evtchn_port_t)xenevtchn_bind_interdomain(server.events, server.guest,
								server.slot->vp_eport);
	must((int)server.port >= 0, "bind_interdomain");
}

static void server_close(void)
{
	xendevicemodel_set_ioreq_server_state(server.model, server.guest, server.id, 0);
	xendevicemodel_destroy_ioreq_server(server.model, server.guest, server.id);
}

static void serve(void)
{
	volatile struct ioreq *slot = server.slot;
	struct xapt_access access;

	if (slot->state != STATE_IOREQ_READY)
		return;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	slot->state = STATE_IOREQ_INPROCESS;
	access = (struct xapt_access){
		.address = slot->addr,
		.data = slot->data,
		.count = slot->count,
		.size = slot->size,
		.write = slot->dir == IOREQ_WRITE,
		.pointer = slot->data_is_ptr,
		.down = slot->df,
		.port = slot->type == IOREQ_TYPE_PIO,
	};
	if (access.address >= server.base + REGISTERS)
		server.end = true;
	else
		slot->data = answer(&access);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	slot->state = STATE_IORESP_READY;
	xenevtchn_notify(server.events, server.port);
}

int main(int argc, char **argv)
{
	must(argc == 3, "usage: trap-process GUEST PORT (numbers)");
	server.guest = (domid_t)atoi(argv[1]);
	server.base = strtoul(argv[2], NULL, 0);
	server.model = xendevicemodel_open(NULL, 0);
	server.memory = xenforeignmemory_open(NULL, 0);
	server.events = xenevtchn_open(NULL, 0);
	must(server.model && server.memory && server.events, "the interfaces of Xen");
	device_init();
	server_open();
	printf("ready\n");
	fflush(stdout);
	while (!server.end) {
		xenevtchn_port_or_error_t port = xenevtchn_pending(server.events);

		must(port >= 0 && !xenevtchn_unmask(server.events, (evtchn_port_t)port), "events");
		serve();
	}
	server_close();
	printf("executed=%lu refused=%lu\n", timer.count.executed, timer.count.refused);
	return 0;
}
