/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry points: from Xen's domain builder, from traps, and the one that starts again in place.
 * Interrupts are never taken: upcalls stay masked from the first instruction to the last.
 */
#include <xen/elfnote.h>

	.macro note type
	.pushsection .note.xen, "a", @note
	.balign 4
	.long 2f - 1f, 4f - 3f, \type
1:	.asciz "Xen"
2:	.balign 4
3:
	.endm
	.macro end_note
4:	.balign 4
	.popsection
	.endm

	note XEN_ELFNOTE_XEN_VERSION
	.asciz "xen-3.0"
	end_note
	note XEN_ELFNOTE_GUEST_OS
	.asciz "aperture-stub"
	end_note
	note XEN_ELFNOTE_LOADER
	.asciz "generic"
	end_note
	note XEN_ELFNOTE_PAE_MODE
	.asciz "yes"
	end_note
	note XEN_ELFNOTE_VIRT_BASE
	.quad 0
	end_note
	note XEN_ELFNOTE_PADDR_OFFSET
	.quad 0
	end_note
	note XEN_ELFNOTE_ENTRY
	.quad stub_entry
	end_note
	note XEN_ELFNOTE_HYPERCALL_PAGE
	.quad hypercall_page
	end_note

	.section .text.entry, "ax"
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip 4096, 0x90

	.globl stub_entry
stub_entry:
	cld
	lea	stub_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	stub_boot
	ud2

/* From outside, by whoever may set this domain's instruction pointer. No register means anything. */
	.globl restart_entry
restart_entry:
	movq	$256, trap_record(%rip)
restart:
	cld
	lea	stub_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	call	stub_restart
	ud2

/*
 * A trap: Xen pushed rcx, r11, an error code with some, rip. Nothing of the past is needed but
 * what the message says.
 */
	.macro trap number error
	.globl trap_\number
trap_\number:
	movq	$\number, trap_record(%rip)
	.if \error
	mov	16(%rsp), %rax
	mov	24(%rsp), %rcx
	.else
	xor	%eax, %eax
	mov	16(%rsp), %rcx
	.endif
	mov	%rax, trap_record + 8(%rip)
	mov	%rcx, trap_record + 16(%rip)
	jmp	restart
	.endm

	trap 0 0
	trap 1 0
	trap 3 0
	trap 4 0
	trap 5 0
	trap 6 0
	trap 7 0
	trap 10 1
	trap 11 1
	trap 12 1
	trap 13 1
	trap 14 1
	trap 16 0
	trap 17 1
	trap 18 0
	trap 19 0

	.section .note.GNU-stack, "", @progbits
