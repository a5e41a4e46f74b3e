// SPDX-License-Identifier: GPL-2.0-only
/*
 * mem - memory that a guest and this domain share, and nothing else.
 *
 * The smallest device: it keeps nothing, looks at nothing, and answers each
 * doorbell of an aperture with that aperture's interrupt. Start here to write one.
 */
#include <xenaperture.h>

/* This device has no state, so the connection itself is its object. */
static void *mem_create(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	return xa;
}

static int mem_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	/* A device that works with the memory keeps data and length per slot. */
	(void)data;
	xenaperture_log(device, XENAPERTURE_DEBUG, "slot %u: %llu bytes mapped, tag %u", slot,
			(unsigned long long)length, tag);
	return 0;
}

static void mem_doorbell(void *device, unsigned int slot)
{
	xenaperture_interrupt(device, slot);
}

/* The entry symbol. No withdraw: nothing is ever in use here, so it is never busy. */
const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "mem",
	.create = mem_create,
	.mapped = mem_mapped,
	.doorbell = mem_doorbell,
};
