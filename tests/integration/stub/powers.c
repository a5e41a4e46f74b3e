// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stub domain that tries what Xen might let it do to its guest, to another domain and to the machine, one
 * power after the other, and writes what Xen says to aperture/power/NAME: 0 or more when it was done.
 * Without a target it stops at the first one that it is given. With aperture/all it tries them all, those
 * that harm the guest last. Linked to the stub domain's own objects, with another beginning.
 *
 * Levels of interrupt lines are not among the powers: no program of the project sets them.
 */
#define __XEN_TOOLS__ 1
#include "hypercall.h"

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sysctl.h>

#include "console.h"
#include "events.h"
#include "grants.h"
#include "lane.h"
#include "loop.h"
#include "machine.h"
#include "parse.h"
#include "persist.h"
#include "start.h"
#include "text.h"
#include "trap.h"
#include "xenstore.h"

#define FRAME	256u	/* one of a guest's */

static uint32_t guest, other, self;
static uint8_t window[4096] STUB_WINDOW;

/* ---- dm_op ---- */

static long dm_op(uint32_t domain, struct xen_dm_op *op)
{
	/* modified_memory wants a second one. */
	xen_dm_op_buf_t buffers[2] = { { .size = sizeof(*op) }, { .size = 0 } };

	set_xen_guest_handle(buffers[0].h, op);
	return HYPERCALL3(__HYPERVISOR_dm_op, domain, op->op == XEN_DMOP_modified_memory ? 2 : 1,
			  buffers);
}

static long nr_vcpus(uint32_t domain)
{
	struct xen_dm_op op = { .op = XEN_DMOP_nr_vcpus };

	return dm_op(domain, &op);
}

static long guest_nr_vcpus(void)
{
	return nr_vcpus(guest);
}

static long create_ioreq_server(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };

	return dm_op(guest, &op);
}

static long modified_memory(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_modified_memory };

	return dm_op(guest, &op);
}

static long set_mem_type(void)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = { .mem_type = HVMMEM_ram_rw, .nr = 1, .first_pfn = FRAME },
	};

	return dm_op(guest, &op);
}

/* Vector 255: what comes there Linux takes for a spurious one. */
static long inject_msi(void)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_inject_msi,
		.u.inject_msi = { .addr = 0xfee00000, .data = 0xff },
	};

	return dm_op(guest, &op);
}

static long inject_event(void)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_inject_event,
		.u.inject_event = { .vector = 6, .type = XEN_DMOP_EVENT_hw_exc },
	};

	return dm_op(guest, &op);
}

/* ---- memory ---- */

/* A frame of the domain, or of the machine if that is PV, to read and write. */
static long map(uint32_t domain)
{
	register long foreign asm("r10") = domain;
	long result, a = (long)window, b = FRAME * 4096l | 0x63, c = UVMF_INVLPG;

	asm volatile("call hypercall_page + %c[n] * 32"
		     : "=a" (result), "+D" (a), "+S" (b), "+d" (c), "+r" (foreign)
		     : [n] "i" (__HYPERVISOR_update_va_mapping_otherdomain)
		     : "rcx", "r8", "r9", "r11", "memory");
	return result;
}

static long foreign_map(void)
{
	return map(guest);
}

/* Who may write there lends himself whatever is the guest's. */
static long grant_table_of(uint32_t domain)
{
	xen_pfn_t frame = 0;
	struct xen_mem_acquire_resource acquire = {
		.domid = (domid_t)domain,
		.type = XENMEM_resource_grant_table,
		.id = XENMEM_resource_grant_table_id_shared,
		.nr_frames = 1,
	};

	set_xen_guest_handle(acquire.frame_list, &frame);
	return hypercall_memory(XENMEM_acquire_resource, &acquire);
}

static long grant_table(void)
{
	return grant_table_of(guest);
}

/* Pages that the guest gave to dom0, or to nobody. */
static long others_grants(void)
{
	static const uint32_t refs[GRANT_WINDOWS] = { 1, 2, 3, 4, 5 };
	unsigned int bad;
	int status = 0;

	return grants_map(0, guest, refs, &bad, &status) ? status : 0;
}

/* Xen says how many it took, and not why it took none. */
static long take_memory(void)
{
	xen_pfn_t frame = FRAME;
	struct xen_memory_reservation away = { .nr_extents = 1, .domid = (domid_t)guest };

	set_xen_guest_handle(away.extent_start, &frame);
	return hypercall_memory(XENMEM_decrease_reservation, &away) == 1 ? 0 : -XEN_EPERM;
}

/* ---- the domain ---- */

static long hvm_param(void)
{
	struct xen_hvm_param param = { .domid = (domid_t)guest, .index = HVM_PARAM_STORE_PFN };

	return HYPERCALL3(__HYPERVISOR_hvm_op, HVMOP_get_param, &param, 0);
}

static long open_port(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = (domid_t)guest, .remote_dom = DOMID_SELF };

	return hypercall_event(EVTCHNOP_alloc_unbound, &alloc);
}

static long end_domain(uint32_t domain)
{
	struct sched_remote_shutdown end = { .domain_id = (domid_t)domain, .reason = SHUTDOWN_poweroff };

	return hypercall_sched(SCHEDOP_remote_shutdown, &end);
}

static long end_guest(void)
{
	return end_domain(guest);
}

static long domctl(uint32_t command, uint32_t domain, struct xen_domctl *op)
{
	op->cmd = command;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = (domid_t)domain;
	return HYPERCALL3(__HYPERVISOR_domctl, op, 0, 0);
}

static long domctl_pause(void)
{
	struct xen_domctl op = { 0 };

	return domctl(XEN_DOMCTL_pausedomain, guest, &op);
}

static long domctl_memory(void)
{
	struct xen_domctl op = {
		.u.memory_mapping = {
			.first_gfn = 0xfe000, .first_mfn = FRAME, .nr_mfns = 1, .add_mapping = 1,
		},
	};

	return domctl(XEN_DOMCTL_memory_mapping, guest, &op);
}

static long domctl_ports(void)
{
	struct xen_domctl op = {
		.u.ioport_mapping = {
			.first_gport = 0x80, .first_mport = 0x80, .nr_ports = 1, .add_mapping = 1,
		},
	};

	return domctl(XEN_DOMCTL_ioport_mapping, guest, &op);
}

/* It tries to have another one, too. */
static long next_target(void)
{
	struct xen_domctl op = { .u.set_target.target = (domid_t)other };

	return domctl(XEN_DOMCTL_set_target, self, &op);
}

static long store_shutdown(void)
{
	char path[64];

	text_make(path, sizeof(path), "/local/domain/%u/control/shutdown", guest);
	return store_write(0, path, "poweroff");
}

/* ---- others, and the machine ---- */

static long other_nr_vcpus(void)
{
	return nr_vcpus(other);
}

static long other_map(void)
{
	return map(other);
}

static long other_grant_table(void)
{
	return grant_table_of(other);
}

static long other_end(void)
{
	return end_domain(other);
}

static long dom0_map(void)
{
	return map(0);
}

static long dom0_grant_table(void)
{
	return grant_table_of(0);
}

static long machine_info(void)
{
	struct xen_sysctl op = {
		.cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION,
	};

	return HYPERCALL3(__HYPERVISOR_sysctl, &op, 0, 0);
}

#define POWER(name)	{ #name, name }
static const struct {
	const char *name;
	long (*try)(void);
} powers[] = {
	{ "nr_vcpus", guest_nr_vcpus },
	POWER(modified_memory),
	POWER(create_ioreq_server),
	POWER(set_mem_type),
	POWER(inject_msi),
	POWER(foreign_map),
	POWER(grant_table),
	POWER(others_grants),
	POWER(hvm_param),
	POWER(open_port),
	POWER(domctl_pause),
	POWER(domctl_memory),
	POWER(domctl_ports),
	POWER(next_target),
	POWER(store_shutdown),
	POWER(other_nr_vcpus),
	POWER(other_map),
	POWER(other_grant_table),
	POWER(other_end),
	POWER(dom0_map),
	POWER(dom0_grant_table),
	POWER(machine_info),
	/* The guest does not live long after these. */
	POWER(take_memory),
	POWER(end_guest),
	POWER(inject_event),
};

/* ---- the program ---- */

static void write_result(const char *name, long result)
{
	char path[64], text[24];

	text_make(path, sizeof(path), "aperture/power/%s", name);
	text_make(text, sizeof(text), "%s%lu", result < 0 ? "-" : "",
		  (unsigned long)(result < 0 ? -result : result));
	store_write(0, path, text);
	console_say(CONSOLE_INFO, "power %s: %s", name, text);
}

static void nothing(const char *path, const char *token)
{
	(void)path, (void)token;
}

void stub_begin(void)
{
	const char *all;
	bool everything;
	unsigned int i;

	lane_init();
	events_init();
	grants_init();
	store_init(nothing);
	xapt_parse_u32(store_get(0, "aperture/guest"), 1, DOMID_FIRST_RESERVED - 1, &guest);
	xapt_parse_u32(store_get(0, "aperture/other"), 0, DOMID_FIRST_RESERVED - 1, &other);
	xapt_parse_u32(store_get(0, "domid"), 1, DOMID_FIRST_RESERVED - 1, &self);
	all = store_get(0, "aperture/all");
	everything = all && *all == '1';
	for (i = 0; guest && i < sizeof(powers) / sizeof(powers[0]); i++) {
		long result = powers[i].try();

		write_result(powers[i].name, result);
		if (result >= 0 && !everything)
			break;
	}
	store_write(0, "aperture/state", "4");
	for (;;)
		loop_turn();
}

void stub_boot(const struct start_info *start)
{
	machine_init(start);
	console_init();
	trap_init();
	stub_begin();
}
