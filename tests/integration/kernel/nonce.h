/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test consumer "nonce" answers in an aperture, from kernel mode.
 *
 * octet 0    nonce, 8 octets, written by the guest before it rings
 *      64    struct nonce_report, written on every doorbell, sequence last
 *
 * In a view that is read-only nothing is written: last_nonce of the module's parameters has what
 * was read. Either way the guest is interrupted. The aperture has 192 octets at least.
 */
#ifndef NONCE_H
#define NONCE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define NONCE_AT	0
#define NONCE_REPORT_AT	64
#define NONCE_LEAST	192

#define NONCE_KERNEL_CODE	(1u << 0)	/* the code that ran lies in kernel addresses */
#define NONCE_KERNEL_DATA	(1u << 1)	/* it reached the aperture through kernel addresses */
#define NONCE_NO_PROCESS	(1u << 2)	/* it had no process's memory: a kernel thread */
#define NONCE_PV		(1u << 3)	/* a PV domain: Xen runs its kernel in ring 3 */

struct nonce_report {
	uint64_t answer;	/* ~nonce */
	uint64_t ip;		/* where it ran */
	uint64_t data;		/* kernel address of the aperture's first octet */
	uint32_t flags;		/* NONCE_* */
	uint16_t cs;		/* code segment register */
	uint16_t ring;		/* cs & 3 */
	uint32_t pid;		/* current */
	char comm[16];
	uint32_t sequence;	/* doorbells answered, from 1; written last */
};

#endif
