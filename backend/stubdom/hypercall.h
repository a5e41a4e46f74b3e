/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercalls that the stub domain makes, and no more. With STUB_HOSTED they are functions that a
 * test on the host supplies.
 */
#ifndef STUB_HYPERCALL_H
#define STUB_HYPERCALL_H

#include <stdint.h>

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040d00
#endif
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/dm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>

#ifdef STUB_HOSTED

long hypercall_sched(int command, void *argument);
long hypercall_event(int command, void *argument);
long hypercall_grant(unsigned int command, void *argument, unsigned int count);
long hypercall_dm(uint32_t domain, struct xen_dm_op_buf *buffer);
long hypercall_memory(unsigned int command, void *argument);

#else

#define HYPERCALL3(number, a, b, c)							\
({											\
	long result_, a_ = (long)(a), b_ = (long)(b), c_ = (long)(c);			\
											\
	asm volatile("call hypercall_page + %c[n] * 32"					\
		     : "=a" (result_), "+D" (a_), "+S" (b_), "+d" (c_)			\
		     : [n] "i" (number)							\
		     : "rcx", "r8", "r9", "r10", "r11", "memory");			\
	result_;									\
})

static inline long hypercall_sched(int command, void *argument)
{
	return HYPERCALL3(__HYPERVISOR_sched_op, command, argument, 0);
}

static inline long hypercall_event(int command, void *argument)
{
	return HYPERCALL3(__HYPERVISOR_event_channel_op, command, argument, 0);
}

static inline long hypercall_grant(unsigned int command, void *argument, unsigned int count)
{
	return HYPERCALL3(__HYPERVISOR_grant_table_op, command, argument, count);
}

static inline long hypercall_dm(uint32_t domain, struct xen_dm_op_buf *buffer)
{
	return HYPERCALL3(__HYPERVISOR_dm_op, domain, 1, buffer);
}

static inline long hypercall_memory(unsigned int command, void *argument)
{
	return HYPERCALL3(__HYPERVISOR_memory_op, command, argument, 0);
}

/* One entry of a page table; domain: whose memory the entry's address is of. */
static inline long hypercall_entry(struct mmu_update *update, uint32_t domain)
{
	register long domain_ asm("r10") = domain;
	long result, a = (long)update, b = 1, c = 0;

	asm volatile("call hypercall_page + %c[n] * 32"
		     : "=a" (result), "+D" (a), "+S" (b), "+d" (c), "+r" (domain_)
		     : [n] "i" (__HYPERVISOR_mmu_update)
		     : "rcx", "r8", "r9", "r11", "memory");
	return result;
}

static inline long hypercall_traps(const struct trap_info *table)
{
	return HYPERCALL3(__HYPERVISOR_set_trap_table, table, 0, 0);
}

/* entry 0: nothing is there. */
static inline long hypercall_map(const void *at, uint64_t entry)
{
	return HYPERCALL3(__HYPERVISOR_update_va_mapping, at, entry, UVMF_INVLPG);
}

#endif

#endif
