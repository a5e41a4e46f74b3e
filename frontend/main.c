// SPDX-License-Identifier: GPL-2.0-only
/* xen-aperture: frontend of the Xen device "aperture". */
#include <linux/module.h>
#include <xen/xen.h>

#include "frontend.h"

static unsigned long max_size_parameter = SZ_256M;
module_param_named(max_size, max_size_parameter, ulong, 0444);
MODULE_PARM_DESC(max_size, "largest aperture in bytes, a multiple of 4096 (default 256 MiB)");
u64 apf_max_size;

unsigned int apf_request_timeout_ms = 10000;
module_param_named(request_timeout_ms, apf_request_timeout_ms, uint, 0644);
MODULE_PARM_DESC(request_timeout_ms, "longest wait for an answer of the parent (default 10000)");

unsigned int apf_operation_timeout_ms = 10000;
module_param_named(operation_timeout_ms, apf_operation_timeout_ms, uint, 0644);
MODULE_PARM_DESC(operation_timeout_ms,
		 "longest time until an operation ends, with or without an answer (default 10000)");

bool apf_look_again = true;
module_param_named(look_again, apf_look_again, bool, 0644);
MODULE_PARM_DESC(look_again,
		 "look for answers that no event told of, remind who owes one (default Y; N: tests)");

unsigned int apf_ring_page_order;
module_param_named(ring_page_order, apf_ring_page_order, uint, 0444);
MODULE_PARM_DESC(ring_page_order, "request ring: 2^order pages, 0..4 (default 0)");

unsigned int apf_file_max_apertures = 16;
module_param_named(file_max_apertures, apf_file_max_apertures, uint, 0644);
MODULE_PARM_DESC(file_max_apertures, "most apertures of one open file (default 16)");

static unsigned long file_max_size_parameter = SZ_256M;
module_param_named(file_max_size, file_max_size_parameter, ulong, 0444);
MODULE_PARM_DESC(file_max_size, "most bytes in the apertures of one open file (default 256 MiB)");
u64 apf_file_max_size;

unsigned int apf_quarantine_max_pages = 32768;
module_param_named(quarantine_max_pages, apf_quarantine_max_pages, uint, 0644);
MODULE_PARM_DESC(quarantine_max_pages,
		 "no new apertures while more pages are held by peers (default 32768)");

struct workqueue_struct *apf_work;
struct workqueue_struct *apf_callbacks;

static int check_parameters(void)
{
	apf_max_size = max_size_parameter;
	apf_file_max_size = file_max_size_parameter;
	if (!apf_max_size || apf_max_size % XENAPT_PAGE_SIZE || apf_max_size > XENAPT_MAX_SIZE) {
		pr_err(APF_NAME ": max_size is %llu, must be a multiple of %u, %u..%llu\n",
		       apf_max_size, XENAPT_PAGE_SIZE, XENAPT_PAGE_SIZE, XENAPT_MAX_SIZE);
		return -EINVAL;
	}
	if (apf_ring_page_order > XENAPT_MAX_RING_ORDER) {
		pr_err(APF_NAME ": ring_page_order is %u, must be 0..%u\n", apf_ring_page_order,
		       XENAPT_MAX_RING_ORDER);
		return -EINVAL;
	}
	return 0;
}

static int make_workqueues(void)
{
	apf_work = alloc_workqueue(APF_NAME, WQ_UNBOUND, 0);
	if (!apf_work)
		return -ENOMEM;
	apf_callbacks = alloc_workqueue(APF_NAME "-cb", WQ_UNBOUND, 0);
	if (apf_callbacks)
		return 0;
	destroy_workqueue(apf_work);
	return -ENOMEM;
}

static void destroy_workqueues(void)
{
	destroy_workqueue(apf_callbacks);
	destroy_workqueue(apf_work);
}

static int __init apf_init(void)
{
	int err;

	if (!xen_domain()) {
		pr_err(APF_NAME ": this system does not run on Xen\n");
		return -ENODEV;
	}
	err = check_parameters();
	if (!err)
		err = make_workqueues();
	if (err)
		return err;
	err = apf_xenbus_register();
	if (err)
		destroy_workqueues();
	return err;
}

static void __exit apf_exit(void)
{
	apf_xenbus_unregister();
	destroy_workqueues();
	apf_quarantine_drain();
}

module_init(apf_init);
module_exit(apf_exit);

MODULE_DESCRIPTION("Shared memory apertures between a Xen guest and the domain that serves it");
MODULE_AUTHOR("The xen-aperture authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(APF_VERSION);
MODULE_ALIAS("xen:" XENAPT_DEVICE_KIND);
MODULE_ALIAS("xen:" XENAPT_FAST_KIND);
