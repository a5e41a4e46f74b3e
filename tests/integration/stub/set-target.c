// SPDX-License-Identifier: GPL-2.0-only
/* set-target STUB GUEST: give a domain the power over another one. The negative control of stub-powers. */
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>

int main(int argc, char **argv)
{
	xc_interface *xc = xc_interface_open(NULL, NULL, 0);

	if (argc != 3 || !xc) {
		fprintf(stderr, "usage: set-target STUB GUEST (numbers)\n");
		return 2;
	}
	if (xc_domain_set_target(xc, (uint32_t)atoi(argv[1]), (uint32_t)atoi(argv[2]))) {
		perror("set-target");
		return 1;
	}
	return 0;
}
