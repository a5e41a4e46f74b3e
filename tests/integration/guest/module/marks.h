/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * marks.h - two hypercalls that do nothing and that no guest makes by itself when it is idle:
 * they can be seen in the hypervisor's trace, among the events that domains send.
 */
#ifndef MARKS_H
#define MARKS_H

#include <xen/interface/grant_table.h>
#include <xen/interface/memory.h>

#include <asm/xen/hypercall.h>

/* grant_table_op: what is counted begins. */
static inline void mark_begin(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };

	HYPERVISOR_grant_table_op(GNTTABOP_query_size, &q, 1);
}

/* memory_op: one was handled; or what is counted ended. */
static inline void mark(void)
{
	HYPERVISOR_memory_op(XENMEM_maximum_ram_page, NULL);
}

#endif /* MARKS_H */
