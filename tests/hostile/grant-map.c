// SPDX-License-Identifier: GPL-2.0-only
/*
 * grant-map DOMAIN ro|rw|hold REFERENCE...: asks Xen to map references of a domain, and undoes it; hold:
 * read-only, and each only at the end of its standard input.
 *
 * With a hypercall of its own, past every driver: the status is Xen's (0: mapped, negative: refused).
 * No address is given a mapping (GNTMAP_device_map): the checks are the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HYPERVISOR_GRANT_TABLE_OP	20
#define OP_MAP				0
#define OP_UNMAP			1
#define DEVICE_MAP			1u
#define READONLY			4u

struct hypercall {
	uint64_t op, arg[5];
};
#define PRIVCMD_HYPERCALL	_IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))

struct map {
	uint64_t host_addr;
	uint32_t flags, ref;
	uint16_t dom;
	int16_t status;
	uint32_t handle;
	uint64_t dev_bus_addr;
};

struct unmap {
	uint64_t host_addr, dev_bus_addr;
	uint32_t handle;
	int16_t status;
};

static int privcmd;
static void *page;	/* locked: the hypervisor reads it */

static int call(unsigned int op)
{
	struct hypercall h = { .op = HYPERVISOR_GRANT_TABLE_OP, .arg = { op, (uintptr_t)page, 1 } };

	return ioctl(privcmd, PRIVCMD_HYPERCALL, &h);
}

static void wait_for_end(void)
{
	char c;

	printf("held\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
}

static int try_map(uint16_t dom, uint32_t ref, int writable, int hold)
{
	struct unmap *u = page;
	struct map *m = page;
	uint64_t address;
	uint32_t handle;
	int status;

	*m = (struct map){ .flags = DEVICE_MAP | (writable ? 0 : READONLY), .ref = ref, .dom = dom };
	if (call(OP_MAP)) {
		perror("grant_table_op");
		exit(2);
	}
	status = m->status;
	handle = m->handle;
	address = m->dev_bus_addr;
	if (status)
		return status;
	if (hold)
		wait_for_end();
	*u = (struct unmap){ .dev_bus_addr = address, .handle = handle };
	if (call(OP_UNMAP) || u->status) {
		printf("reference %u was mapped and cannot be unmapped: %d\n", ref, u->status);
		exit(2);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint16_t dom;
	int i;

	if (argc < 4) {
		fprintf(stderr, "usage: grant-map DOMAIN ro|rw|hold REFERENCE...\n");
		return 2;
	}
	privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	if (privcmd < 0 || page == MAP_FAILED) {
		perror("/dev/xen/privcmd");
		return 2;
	}
	memset(page, 0, 4096);
	dom = (uint16_t)strtoul(argv[1], NULL, 0);
	for (i = 3; i < argc; i++)
		printf("reference=%s status=%d\n", argv[i],
		       try_map(dom, (uint32_t)strtoul(argv[i], NULL, 0), !strcmp(argv[2], "rw"),
			       !strcmp(argv[2], "hold")));
	return 0;
}
