// SPDX-License-Identifier: GPL-2.0-only
#define __XEN_TOOLS__ 1
#include "xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xen/domctl.h>

#include "log.h"

#define ENTRIES_A_FRAME	512u	/* of a grant table of version 1 */
#define SERVERS		8u	/* Xen's limit for a guest; their numbers begin at 0 */

struct xen *xen_open(void)
{
	xc_interface *xc = xc_interface_open(&xapt_silent, &xapt_silent, 0);

	if (!xc)
		xapt_error_set(errno, "/dev/xen/privcmd: %s; is this domain 0, and the module xen-privcmd loaded?",
			       strerror(errno));
	return (struct xen *)xc;
}

void xen_close(struct xen *x)
{
	if (x)
		xc_interface_close((xc_interface *)x);
}

enum xen_domain xen_domain(struct xen *x, uint32_t domid)
{
	xc_domaininfo_t info;
	int n = x ? xc_domain_getinfolist((xc_interface *)x, domid, 1, &info) : -1;

	if (n < 0)
		return XEN_UNKNOWN;
	/* The list begins at the first that exists from this number on. */
	if (!n || info.domain != domid || info.flags & XEN_DOMINF_dying)
		return XEN_GONE;
	if (info.flags & XEN_DOMINF_shutdown)
		return XEN_STOPPED;
	return info.flags & XEN_DOMINF_paused ? XEN_PAUSED : XEN_RUNS;
}

/*
 * Of one that crashed the trap that Xen could not deliver is still to come: it needs a stack that is
 * mapped, such as the one that the domain was built with.
 */
static int move(xc_interface *xc, uint32_t domid, uint64_t address, bool crashed)
{
	vcpu_guest_context_any_t context;

	if (xc_vcpu_getcontext(xc, domid, 0, &context))
		return -1;
	context.x64.user_regs.rip = address;
	if (crashed)
		context.x64.user_regs.rsp = context.x64.kernel_sp;
	context.x64.flags |= VGCF_in_kernel;
	return xc_vcpu_setcontext(xc, domid, 0, &context);
}

/* libxenctrl resumes only what was suspended. */
static int resume(uint32_t domid)
{
	xencall_handle *call = xencall_open(&xapt_silent, 0);
	struct xen_domctl *op = call ? xencall_alloc_buffer(call, sizeof(*op)) : NULL;
	int err = -1, reason;

	if (op) {
		memset(op, 0, sizeof(*op));
		op->cmd = XEN_DOMCTL_resumedomain;
		op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
		op->domain = (domid_t)domid;
		err = xencall1(call, __HYPERVISOR_domctl, (uint64_t)(uintptr_t)op);
	}
	reason = errno;
	if (op)
		xencall_free_buffer(call, op);
	if (call)
		xencall_close(call);
	errno = reason;
	return err;
}

int xen_restart(struct xen *x, uint32_t domid, uint64_t address)
{
	xc_interface *xc = (xc_interface *)x;
	bool stopped = xen_domain(x, domid) == XEN_STOPPED;
	int err, reason;

	if (!xc || xc_domain_pause(xc, domid))
		return xapt_error_set(errno, "cannot pause domain %u: %s", domid, strerror(errno));
	err = move(xc, domid, address, stopped);
	if (!err && stopped)
		err = resume(domid);
	reason = errno;
	xc_domain_unpause(xc, domid);
	return err ? xapt_error_set(reason, "cannot set the vCPU of domain %u: %s", domid,
				    strerror(reason)) : 0;
}

/* Xen tells the owner about a server (domain 0: of a QEMU), and others that it is not theirs. */
bool xen_is_served(struct xen *x, uint32_t guest)
{
	xendevicemodel_handle *model = x ? xendevicemodel_open(&xapt_silent, 0) : NULL;
	bool found = false;
	ioservid_t id;

	if (!model)
		return x;
	for (id = 0; id < SERVERS && !found; id++)
		found = xendevicemodel_get_ioreq_server_info(model, (domid_t)guest, id, NULL, NULL,
							     NULL) && errno == EPERM;
	xendevicemodel_close(model);
	return found;
}

int xen_pause(struct xen *x, uint32_t domid)
{
	if (!x || xc_domain_pause((xc_interface *)x, domid))
		return xapt_error_set(errno, "cannot pause domain %u: %s", domid, strerror(errno));
	return 0;
}

int xen_unpause(struct xen *x, uint32_t domid)
{
	if (!x || xc_domain_unpause((xc_interface *)x, domid))
		return xapt_error_set(errno, "cannot unpause domain %u: %s", domid,
				      strerror(errno));
	return 0;
}

int xen_list(struct xen *x, uint32_t first, int room, struct xen_info *info)
{
	xc_domaininfo_t *list = calloc((size_t)room, sizeof(*list));
	int i, n;

	n = list && x ? xc_domain_getinfolist((xc_interface *)x, first, (unsigned int)room, list) : -1;
	for (i = 0; i < n; i++) {
		info[i] = (struct xen_info){
			.domid = list[i].domain,
			.dying = list[i].flags & XEN_DOMINF_dying,
			.shut = list[i].flags & XEN_DOMINF_shutdown,
			.reason = list[i].flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask,
		};
		memcpy(info[i].uuid, list[i].handle, sizeof(info[i].uuid));
	}
	free(list);
	return n;
}

int xen_command_line(struct xen *x, char *text, size_t room)
{
	xen_commandline_t line;

	if (!x || xc_version((xc_interface *)x, XENVER_commandline, &line) < 0)
		return -1;
	snprintf(text, room, "%.*s", (int)sizeof(line), line);
	return 0;
}

uint64_t xen_own_grants(struct xen *x)
{
	struct gnttab_query_size query = { .dom = DOMID_SELF };

	if (xc_gnttab_query_size((xc_interface *)x, &query) || query.status != GNTST_okay)
		return UINT64_MAX;
	return (uint64_t)query.max_nr_frames * ENTRIES_A_FRAME;
}

void xen_destroy(struct xen *x, uint32_t domid)
{
	if (x)
		xc_domain_destroy((xc_interface *)x, domid);
}
