// SPDX-License-Identifier: GPL-2.0-only
/*
 * kcheck - the tests' device in the kernel: each aperture goes to the consumer "nonce"
 * (tests/integration/kernel/), and so do its doorbells.
 */
#include <xenaperture.h>

static void *kcheck_create(struct xenaperture *xa, void *opaque)
{
	(void)opaque;
	return xa;
}

static int kcheck_mapped(void *device, unsigned int slot, void *data, uint64_t length, uint32_t tag)
{
	(void)data;
	(void)length;
	(void)tag;
	if (!xenaperture_kernel_attach(device, slot, "nonce", 0))
		return 0;
	xenaperture_log(device, XENAPERTURE_ERROR, "%s", xenaperture_error());
	return -1;
}

static int kcheck_withdraw(void *device, unsigned int slot, int force)
{
	return xenaperture_kernel_detach(device, slot, force);
}

static void kcheck_doorbell(void *device, unsigned int slot)
{
	if (xenaperture_kernel_doorbell(device, slot))
		xenaperture_log(device, XENAPERTURE_WARNING, "%s", xenaperture_error());
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = "kcheck",
	.create = kcheck_create,
	.mapped = kcheck_mapped,
	.withdraw = kcheck_withdraw,
	.doorbell = kcheck_doorbell,
};
