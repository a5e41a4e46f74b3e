/* SPDX-License-Identifier: GPL-2.0-only */
#define __XEN_TOOLS__ 1
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenforeignmemory.h>

#include "quiet.h"
#include "target.h"

#define SERVERS		8u	/* Xen's limit for a guest; their numbers begin at 0 */
#define PAGES_MAX	256u	/* looked at in one range */
#define DOMAINS_MAX	512	/* counted */

static xc_interface *open_xen(struct why *why)
{
	xc_interface *xc = xc_interface_open(quiet(), quiet(), 0);

	if (!xc)
		why_set(why, "/dev/xen/privcmd: %s: is the module xen-privcmd loaded?",
			strerror(errno));
	return xc;
}

int target_look(unsigned int guest, struct target_guest *look, struct why *why)
{
	xc_interface *xc = open_xen(why);
	xc_domaininfo_t info;
	int n;

	if (!xc)
		return -1;
	n = xc_domain_getinfolist(xc, guest, 1, &info);
	xc_interface_close(xc);
	if (n != 1 || info.domain != guest || info.flags & XEN_DOMINF_dying)
		return why_set(why, "there is no domain %u: xl list shows those that run", guest);
	*look = (struct target_guest){
		.pv = !(info.flags & XEN_DOMINF_hvm_guest),
		.hvm = info.flags & XEN_DOMINF_hvm_guest &&
		       info.arch_config.emulation_flags & ~XEN_X86_EMU_LAPIC,
		.vcpus = info.max_vcpu_id + 1,
		.memory = info.max_pages * XC_PAGE_SIZE,
		.paused = info.flags & XEN_DOMINF_paused,
	};
	return 0;
}

/* Nothing may come between: a pause that nobody undoes is for ever. */
static int set_paused(xc_interface *xc, unsigned int stub, unsigned int guest)
{
	sigset_t all, before;
	int status, reason;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	status = xc_domain_pause(xc, guest);
	if (!status) {
		status = xc_domain_set_target(xc, stub, guest);
		reason = errno;
		xc_domain_unpause(xc, guest);
		errno = reason;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

int target_set(unsigned int stub, unsigned int guest, struct why *why)
{
	xc_interface *xc = open_xen(why);
	int status;

	if (!xc)
		return -1;
	status = set_paused(xc, stub, guest);
	/* What Xen says of one that has a target: only this guest can be it. */
	if (status && errno == EINVAL)
		status = 0;
	if (status)
		why_set(why, "Xen does not give stub domain %u power over guest %u: %s", stub, guest,
			strerror(errno));
	xc_interface_close(xc);
	return status ? -1 : 0;
}

bool target_processors(unsigned int *processors, unsigned int *vcpus)
{
	static xc_domaininfo_t info[DOMAINS_MAX];
	struct why ignored;
	xc_interface *xc = open_xen(&ignored);
	xc_physinfo_t machine = { 0 };
	int i, n = -1;

	if (!xc)
		return false;
	*vcpus = 0;
	if (!xc_physinfo(xc, &machine))
		n = xc_domain_getinfolist(xc, 0, DOMAINS_MAX, info);
	for (i = 0; i < n; i++)
		*vcpus += info[i].nr_online_vcpus;
	*processors = machine.nr_cpus;
	xc_interface_close(xc);
	return n > 0;
}

static bool has_page(xenforeignmemory_handle *memory, unsigned int guest, xen_pfn_t frame)
{
	int error = 0;
	void *page = xenforeignmemory_map(memory, guest, PROT_READ, 1, &frame, &error);

	if (!page)
		return false;
	xenforeignmemory_unmap(memory, page, 1);
	return !error;
}

bool target_has_memory(unsigned int guest, uint64_t address, uint64_t size)
{
	xenforeignmemory_handle *memory = xenforeignmemory_open(quiet(), 0);
	uint64_t frame = address >> XC_PAGE_SHIFT;
	uint64_t last = (address + (size ? size - 1 : 0)) >> XC_PAGE_SHIFT;
	bool found = false;

	if (!memory)
		return false;
	if (last - frame >= PAGES_MAX)
		last = frame + PAGES_MAX - 1;
	for (; frame <= last && !found; frame++)
		found = has_page(memory, guest, frame);
	xenforeignmemory_close(memory);
	return found;
}

/* Xen tells the owner about a server (domain 0: of a QEMU), and others that it is not theirs. */
static bool is_server(xendevicemodel_handle *model, unsigned int guest, ioservid_t id)
{
	return xendevicemodel_get_ioreq_server_info(model, (domid_t)guest, id, NULL, NULL, NULL) &&
	       errno == EPERM;
}

bool target_is_served(unsigned int guest)
{
	xendevicemodel_handle *model = xendevicemodel_open(quiet(), 0);
	bool found = false;
	ioservid_t id;

	/* Who cannot ask must take care. */
	if (!model)
		return true;
	for (id = 0; id < SERVERS && !found; id++)
		found = is_server(model, guest, id);
	xendevicemodel_close(model);
	return found;
}
