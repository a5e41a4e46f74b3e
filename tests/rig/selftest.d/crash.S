/* SPDX-License-Identifier: GPL-2.0-only */
/* The smallest PV kernel: its first instruction faults, nobody handles it, Xen ends the domain and says so. */
	.macro	elfnote type, value:vararg
	.long	4, 2f - 1f, \type
	.asciz	"Xen"
1:	\value
2:	.balign	4
	.endm

	.section .note.Xen, "a", @note
	elfnote	5, .asciz "xen-3.0"		/* XEN_VERSION */
	elfnote	6, .asciz "crash"		/* GUEST_OS */
	elfnote	8, .asciz "generic"		/* LOADER */
	elfnote	3, .quad 0			/* VIRT_BASE */
	elfnote	4, .quad 0			/* PADDR_OFFSET */
	elfnote	1, .quad _start			/* ENTRY */

	.text
	.globl	_start
_start:
	ud2
	.balign	4096
