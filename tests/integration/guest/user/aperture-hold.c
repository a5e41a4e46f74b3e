// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-hold DEV SIZE [COUNT [FLAGS [LEAST]]]: apertures of a program that stay until it is killed or
 * the device goes. Says "ready", then a line for each wake-up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "aperture.h"

int main(int argc, char **argv)
{
	struct aperture a;
	int fd, n, err;

	if (argc < 3) {
		fprintf(stderr, "usage: aperture-hold DEV SIZE [COUNT [FLAGS [LEAST]]]\n");
		return 2;
	}
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	for (n = argc > 3 ? atoi(argv[3]) : 1; n > 0; n--) {
		a = (struct aperture){ .fd = fd, .offer = {
			.wanted = strtoull(argv[2], NULL, 0),
			.least = argc > 5 ? strtoull(argv[5], NULL, 0) : 4096,
			.flags = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 0) : 0,
		} };
		err = ioctl(fd, XENAPT_IOC_OFFER, &a.offer) ? -errno : 0;
		if (!err)
			err = aperture_map(&a);
		if (err) {
			printf("offer: %s status=%u\n", strerror(-err), a.offer.status);
			return 1;
		}
	}
	printf("ready granted=%llu\n", (unsigned long long)a.offer.granted);
	fflush(stdout);
	while ((n = aperture_wait(fd, -1)) > 0) {
		printf("interrupts=%d\n", n);
		fflush(stdout);
	}
	printf("end: %s\n", n ? strerror(-n) : "no more");
	return n ? 1 : 0;
}
