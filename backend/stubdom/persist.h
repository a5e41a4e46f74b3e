/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Storage classes of the stub domain. Everything else is ordinary .bss: zero at the start and after a
 * restart in place.
 */
#ifndef STUB_PERSIST_H
#define STUB_PERSIST_H

#ifdef STUB_HOSTED
#define STUB_PERSIST
#define STUB_WINDOW	__attribute__((aligned(4096)))
#else
/* Zero at boot, kept by a restart: what is needed to let go of what the life before had. */
#define STUB_PERSIST	__attribute__((section(".bss.persist")))
/* Whole pages whose place in the page table is re-pointed; never cleared. */
#define STUB_WINDOW	__attribute__((section(".bss.windows"), aligned(4096)))
#endif

/* What is kept is written in this order: a trap may come in between. */
#ifndef persist_order
#define persist_order()	asm volatile("" : : : "memory")
#endif

#endif
