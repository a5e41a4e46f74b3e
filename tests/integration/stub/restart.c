// SPDX-License-Identifier: GPL-2.0-only
/*
 * stub-restart DOMAIN ENTRY N MOST-US SEED: N times, after a random while each, wherever it is then, the
 * domain goes on at ENTRY. What a watchdog does, without waiting for a reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xenctrl.h>

static int restart(xc_interface *xc, uint32_t domain, uint64_t entry)
{
	vcpu_guest_context_any_t context;
	int err;

	if (xc_domain_pause(xc, domain))
		return -1;
	err = xc_vcpu_getcontext(xc, domain, 0, &context);
	context.x64.user_regs.rip = entry;
	context.x64.flags |= VGCF_in_kernel;
	if (!err)
		err = xc_vcpu_setcontext(xc, domain, 0, &context);
	return xc_domain_unpause(xc, domain) || err ? -1 : 0;
}

int main(int argc, char **argv)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	unsigned int n, i;

	if (argc != 6 || !xc) {
		fprintf(stderr, "usage: stub-restart DOMAIN ENTRY N MOST-US SEED\n");
		return 2;
	}
	n = (unsigned int)atoi(argv[3]);
	srandom((unsigned int)atoi(argv[5]));
	for (i = 0; i < n; i++) {
		usleep((useconds_t)(random() % atol(argv[4])));
		if (restart(xc, (uint32_t)atoi(argv[1]), strtoull(argv[2], NULL, 10))) {
			perror("stub-restart");
			return 1;
		}
	}
	return 0;
}
