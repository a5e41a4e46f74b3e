// SPDX-License-Identifier: GPL-2.0-only
/*
 * stub-crash STUB: its vCPU goes on without a stack at an address that is not mapped: Xen cannot
 * deliver the trap, and ends the domain as crashed. What no trap table of its own helps against.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>

#define NOWHERE	0x7ffff0000000ull

int main(int argc, char **argv)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	vcpu_guest_context_any_t context;
	uint32_t domid;

	if (argc != 2 || !xc) {
		fprintf(stderr, "usage: stub-crash STUB (its number)\n");
		return 2;
	}
	domid = (uint32_t)atoi(argv[1]);
	if (xc_domain_pause(xc, domid) || xc_vcpu_getcontext(xc, domid, 0, &context)) {
		perror("stub-crash");
		return 1;
	}
	context.x64.user_regs.rip = NOWHERE;
	context.x64.user_regs.rsp = NOWHERE;
	context.x64.flags |= VGCF_in_kernel;
	if (xc_vcpu_setcontext(xc, domid, 0, &context) || xc_domain_unpause(xc, domid)) {
		perror("stub-crash");
		return 1;
	}
	return 0;
}
