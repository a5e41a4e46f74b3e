// SPDX-License-Identifier: GPL-2.0-only
/*
 * aperture-every DEV [existing]: an aperture of each owner and direction, and two of memory that existed
 * before; all stay until this is killed. "existing": those two only. Says "ready" when each page that can
 * be touched was. The tag is that of the subject of a cell: kcell gives it to its consumer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aperture.h"
#include "cell_layout.h"

#define PAGES		3u
#define UNALIGNED	1000u		/* octets before the buffer in its first page */
#define WORD		2048u		/* in each page: behind what the check device uses */

static void refused(const char *what, uint32_t flags, int err, uint32_t status)
{
	printf("%s, flags %u: errno=%d status=%u\n", what, flags, err, status);
	exit(1);
}

static void touch(uint8_t *p, bool writes)
{
	volatile uint8_t *octet;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		octet = p + i * 4096 + WORD;
		if (writes)
			*octet = 0x5a;
		else
			(void)*octet;
	}
}

static void made(int fd, uint32_t flags)
{
	struct xenapt_ioc_offer o = { .wanted = PAGES * 4096, .least = PAGES * 4096, .flags = flags,
				      .tag = CELL_SUBJECT };
	bool writes = !(flags & XENAPT_OFFER_CHILD_READ_ONLY);
	uint8_t *p;

	if (ioctl(fd, XENAPT_IOC_OFFER, &o))
		refused("offer", flags, errno, o.status);
	p = mmap(NULL, o.granted, PROT_READ | (writes ? PROT_WRITE : 0), MAP_SHARED, fd,
		 (off_t)o.offset);
	if (p == MAP_FAILED)
		refused("mmap", flags, errno, 0);
	touch(p, writes);
}

static void existing(int fd, uint32_t flags)
{
	struct xenapt_ioc_offer_memory o = { .length = PAGES * 4096 - 8, .flags = flags,
					     .tag = CELL_SUBJECT };
	uint8_t *p = mmap(NULL, (PAGES + 1) * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		refused("memory", flags, errno, 0);
	memset(p, 0x5a, (PAGES + 1) * 4096);
	o.address = (uintptr_t)(p + UNALIGNED);
	if (ioctl(fd, XENAPT_IOC_OFFER_MEMORY, &o))
		refused("offer of memory", flags, errno, o.status);
	touch(p, true);
}

int main(int argc, char **argv)
{
	static const uint32_t direction[] = { 0, XENAPT_OFFER_CHILD_READ_ONLY,
					      XENAPT_OFFER_PARENT_READ_ONLY };
	unsigned int i;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: aperture-every DEV [existing]\n");
		return 2;
	}
	fd = device_open((unsigned int)strtoul(argv[1], NULL, 0));
	if (fd < 0)
		return 2;
	for (i = 0; i < 3 && argc == 2; i++) {
		made(fd, direction[i]);
		made(fd, direction[i] | XENAPT_OFFER_PARENT_OWNED);
	}
	existing(fd, 0);
	existing(fd, XENAPT_OFFER_PARENT_READ_ONLY);
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
