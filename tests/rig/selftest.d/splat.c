// SPDX-License-Identifier: GPL-2.0-only
/* Breaks a kernel on purpose, to see the rig notice: what=warn or what=oops. */
#include <linux/module.h>

static char *what = "warn";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "warn or oops");

static int __init splat_init(void)
{
	if (!strcmp(what, "warn"))
		WARN(1, "rig self-test warning\n");
	else if (!strcmp(what, "oops"))
		WRITE_ONCE(*(volatile int *)8UL, 1);
	else
		return -EINVAL;
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Self-test of the rig's splat detection");
