/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "parse.h"

#define PAGE	0x1000u

static const struct taken {
	enum door door;
	uint64_t first, last;
	const char *by;
} taken[] = {
	{ DOOR_IO, 0xe9, 0xe9, "Xen's debug console" },
	{ DOOR_IO, 0xcf8, 0xcff, "PCI configuration, which Xen keeps" },
	{ DOOR_MMIO, 0xfec00000, 0xfec00fff, "the I/O APIC" },
	{ DOOR_MMIO, 0xfee00000, 0xfee00fff, "the local APIC" },
	{ DOOR_MMIO, 0xfeff8000, 0xfeffffff, "Xen's pages for the guest (start info, console, xenstore)" },
};

const char *door_name(enum door door)
{
	static const char *const names[] = { "", "io", "mmio" };

	return names[door];
}

enum door door_named(const char *name)
{
	if (!strcmp(name, "io"))
		return DOOR_IO;
	return strcmp(name, "mmio") ? DOOR_RINGS : DOOR_MMIO;
}

int address_parse(const char *text, uint64_t *address)
{
	size_t digits;

	if (strncmp(text, "0x", 2))
		return xapt_parse_u64(text, 0, UINT64_MAX, address) ? 0 : -1;
	digits = strspn(text + 2, "0123456789abcdefABCDEF");
	if (!digits || digits > 16 || text[2 + digits])
		return -1;
	*address = strtoull(text + 2, NULL, 16);
	return 0;
}

static int check_form(enum door door, uint64_t address, uint64_t last, struct why *why)
{
	uint64_t limit = door == DOOR_IO ? ADDRESS_PORT_MAX : ADDRESS_MAX;
	const char *name = door_name(door);

	if (last < address || last > limit)
		return why_set(why, "%s=0x%" PRIx64 " with %" PRIu64 " octets ends at 0x%" PRIx64 ", above "
			       "the last %s, 0x%" PRIx64 ": choose a lower one", name, address,
			       last - address + 1, last, door == DOOR_IO ? "port" : "address", limit);
	if (door == DOOR_MMIO && address % PAGE)
		return why_set(why, "mmio=0x%" PRIx64 " is not a multiple of the page size: choose 0x%"
			       PRIx64 ", or mmio=auto", address, address & ~(uint64_t)(PAGE - 1));
	return 0;
}

int address_check(enum door door, uint64_t address, uint64_t size, struct why *why)
{
	uint64_t last = address + (size ? size - 1 : 0);
	unsigned int i;

	if (check_form(door, address, last, why))
		return -1;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (taken[i].door == door && address <= taken[i].last && last >= taken[i].first)
			return why_set(why, "%s=0x%" PRIx64 " with %" PRIu64 " octets meets 0x%" PRIx64
				       "-0x%" PRIx64 ", %s: choose another", door_name(door), address,
				       last - address + 1, taken[i].first, taken[i].last, taken[i].by);
	return 0;
}

bool address_is_memory(uint64_t address, uint64_t size, uint64_t bytes)
{
	uint64_t low = bytes < ADDRESS_LOW_END ? bytes : ADDRESS_LOW_END;
	uint64_t high = bytes < ADDRESS_LOW_MIN ? 0 : bytes - ADDRESS_LOW_MIN;
	uint64_t last = address + (size ? size - 1 : 0);

	return address < low || (last >= ADDRESS_HIGH && address < ADDRESS_HIGH + high);
}
