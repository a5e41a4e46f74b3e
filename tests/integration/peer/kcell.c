// SPDX-License-Identifier: GPL-2.0-only
/*
 * kcell - one cell of the matrix, parent in kernel mode: both apertures go to the kernel's consumer
 * "cell" (tests/integration/kernel/cell.c), and so do their doorbells.
 */
#include <xenaperture.h>

static void *kcell_create(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	return xa;
}

static int kcell_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	(void)data;
	(void)length;
	(void)tag;
	if (!xenaperture_kernel_attach(device, slot, "cell", 0))
		return 0;
	xenaperture_log(device, XENAPERTURE_ERROR, "%s", xenaperture_error());
	return -1;
}

static int kcell_withdraw(void *device, unsigned int slot, int force)
{
	return xenaperture_kernel_detach(device, slot, force);
}

static void kcell_doorbell(void *device, unsigned int slot)
{
	xenaperture_kernel_doorbell(device, slot);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "kcell",
	.create = kcell_create,
	.mapped = kcell_mapped,
	.withdraw = kcell_withdraw,
	.doorbell = kcell_doorbell,
};
