// SPDX-License-Identifier: GPL-2.0-only
/* xen-aperture-parent: apertures of guests, for consumers in the kernel of the domain that serves them. */
#include <linux/module.h>
#include <xen/xen.h>

#include "parent.h"

struct workqueue_struct *apk_work;

static int get_pinned(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%lu\n", apk_pinned_pages());
}

static const struct kernel_param_ops pinned_ops = { .get = get_pinned };
module_param_cb(pinned_pages, &pinned_ops, NULL, 0444);
MODULE_PARM_DESC(pinned_pages, "pages of apertures that consumers have now (read only)");

static int __init apk_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	apk_work = alloc_workqueue(APK_NAME, WQ_UNBOUND, 0);
	if (!apk_work)
		return -ENOMEM;
	err = apk_block_register();
	if (err)
		goto no_block;
	err = apk_chardev_register();
	if (!err)
		return 0;
	apk_block_unregister();
no_block:
	destroy_workqueue(apk_work);
	return err;
}

/* Nobody has the device open, so there is no view. */
static void __exit apk_exit(void)
{
	apk_chardev_unregister();
	apk_block_unregister();
	destroy_workqueue(apk_work);
}

module_init(apk_init);
module_exit(apk_exit);

MODULE_DESCRIPTION("Apertures of Xen guests for kernel consumers of the domain that serves them");
MODULE_AUTHOR("The xen-aperture authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(APK_VERSION);
