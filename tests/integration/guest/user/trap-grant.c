// SPDX-License-Identifier: GPL-2.0-only
/* trap-grant DOMAIN: a page granted to another guest, until this program ends. Prints its reference. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xen/gntalloc.h>

int main(int argc, char **argv)
{
	struct ioctl_gntalloc_alloc_gref alloc = { .flags = GNTALLOC_FLAG_WRITABLE, .count = 1 };
	int fd = open("/dev/xen/gntalloc", O_RDWR);

	if (argc < 2)
		return 2;
	alloc.domid = (uint16_t)strtoul(argv[1], NULL, 0);
	if (fd < 0 || ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, &alloc)) {
		perror("a page to grant");
		return 1;
	}
	printf("%u\n", alloc.gref_ids[0]);
	fflush(stdout);
	for (;;)
		pause();
}
