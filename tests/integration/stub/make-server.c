// SPDX-License-Identifier: GPL-2.0-only
/*
 * make-server GUEST: an ioreq server of domain 0's, as a device model would have one; it claims nothing. Prints
 * its number. make-server GUEST NUMBER destroys it.
 */
#define __XEN_TOOLS__ 1
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xen/hvm/dm_op.h>

int main(int argc, char **argv)
{
	xendevicemodel_handle *model = xendevicemodel_open(NULL, 0);
	ioservid_t id = 0;
	domid_t guest;
	int status;

	if (argc < 2 || argc > 3 || !model) {
		fprintf(stderr, "usage: make-server GUEST [NUMBER]\n");
		return 2;
	}
	guest = (domid_t)atoi(argv[1]);
	if (argc == 3)
		status = xendevicemodel_destroy_ioreq_server(model, guest, (ioservid_t)atoi(argv[2]));
	else
		status = xendevicemodel_create_ioreq_server(model, guest, HVM_IOREQSRV_BUFIOREQ_OFF, &id);
	if (status) {
		perror("make-server");
		return 1;
	}
	if (argc == 2)
		printf("%u\n", id);
	return 0;
}
