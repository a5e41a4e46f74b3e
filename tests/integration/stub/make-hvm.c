// SPDX-License-Identifier: GPL-2.0-only
/*
 * make-hvm: an HVM guest without memory and without a device model, which never runs: what the tool refuses.
 * Prints its number. make-hvm end NUMBER destroys it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

static struct xen_domctl_createdomain config = {
	.flags = XEN_DOMCTL_CDF_hvm,
	.max_vcpus = 1,
	.max_evtchn_port = 1023,
	.max_grant_frames = 4,
	.max_maptrack_frames = 4,
	.grant_opts = XEN_DOMCTL_GRANT_version(1),
	.arch.emulation_flags = XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI,
};

int main(int argc, char **argv)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);
	uint32_t domain = 0;
	int status;

	if (!xc || (argc != 1 && (argc != 3 || strcmp(argv[1], "end")))) {
		fprintf(stderr, "usage: make-hvm | make-hvm end NUMBER\n");
		return 2;
	}
	if (argc == 3)
		status = xc_domain_destroy(xc, (uint32_t)atoi(argv[2]));
	else
		status = xc_domain_create(xc, &domain, &config);
	if (status) {
		perror("make-hvm");
		return 1;
	}
	if (argc == 1)
		printf("%u\n", domain);
	return 0;
}
