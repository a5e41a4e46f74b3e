// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-serve DOMID DEVID: the tests' device in a plain program, by libxenaperture
 * instead of apertured. Says "serving", then "connected N" each time. Ends with
 * status 0 when the device or the guest is gone.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenaperture.h>

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	struct xenaperture *xa;
	int connected = 0, times = 0;

	if (argc != 3)
		errx(2, "usage: aperture-serve DOMID DEVID");
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	xa = xenaperture_open((unsigned int)strtoul(argv[1], NULL, 10),
			      (unsigned int)strtoul(argv[2], NULL, 10), &xenaperture_device, NULL);
	if (!xa)
		errx(1, "%s", xenaperture_error());
	puts("serving");
	p.fd = xenaperture_fd(xa);
	while (!stop && !xenaperture_process(xa)) {
		if (xenaperture_connected(xa) && !connected)
			printf("connected %d\n", ++times);
		connected = xenaperture_connected(xa);
		poll(&p, 1, -1);
	}
	if (!stop)
		printf("end: %s\n", xenaperture_error());
	xenaperture_close(xa);
	return 0;
}
