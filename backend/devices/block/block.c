// SPDX-License-Identifier: GPL-2.0-only
/*
 * block - each aperture of the guest is a disk of this domain: /dev/xenapt-<domid>-<devid>-<slot>.
 *
 * The work is done by the kernel's consumer "block" on the same pages; here it is told when. A
 * flush of the disk is the aperture's interrupt in the guest, which the library passes on.
 */
#include <xenaperture.h>

static void *block_create(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	return xa;
}

static int block_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	(void)data;
	(void)tag;
	if (xenaperture_kernel_attach(device, slot, "block", 0)) {
		xenaperture_log(device, XENAPERTURE_ERROR, "%s", xenaperture_error());
		return -1;
	}
	xenaperture_log(device, XENAPERTURE_INFO, "slot %u: %llu bytes are /dev/xenapt-%u-%u-%u", slot,
			(unsigned long long)length, xenaperture_domid(device),
			xenaperture_devid(device), slot);
	return 0;
}

/* Busy while somebody has the disk open. */
static int block_withdraw(void *device, unsigned int slot, int force)
{
	return xenaperture_kernel_detach(device, slot, force);
}

/* The guest changed something: what the page cache kept of the disk is old. */
static void block_doorbell(void *device, unsigned int slot)
{
	xenaperture_kernel_doorbell(device, slot);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "block",
	.create = block_create,
	.mapped = block_mapped,
	.withdraw = block_withdraw,
	.doorbell = block_doorbell,
};
