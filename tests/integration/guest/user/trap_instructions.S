/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instruction forms: each a function of its own, and a row of one of two tables (trap_instructions.h). The
 * instruction's text is its name. Those with an address in the instruction (A0 to A3) are in trap_forms_moffs.c.
 *
 * Not here: AVX, which Xen emulates as it does SSE, and the rig's processor has not; x87, FXSAVE and XSAVE, whose
 * operands are a state and no register's value; LGDT, far pointers, page tables and instructions themselves, which
 * a program does not have in a device.
 */

#define READS	1
#define WRITES	2
#define EQUAL	4	/* the accumulator is what is there */
#define WHOLE	8	/* operand aligned to 16 octets */
#define MOVBE	16	/* not every processor has it */

/* enum string_kind */
#define MOVS	0
#define STOS	1
#define LODS	2
#define CMPS	3
#define SCAS	4
#define INS	5
#define OUTS	6

#define CF	0x001
#define PF	0x004
#define AF	0x010
#define ZF	0x040
#define SF	0x080
#define OF	0x800
#define FLAGS	(CF | PF | AF | ZF | SF | OF)

/* SIZE octets at (%rdi). LEFT: flags that the architecture leaves undefined. */
.macro form size, does, left, insn:vararg
	.section .rodata
9991:	.asciz "\insn"
	.section forms, "aw"
	.quad	9991b, 9992f
	.long	\size, \does, FLAGS & ~(\left), 0
	.text
9992:	call	begin
	\insn
	jmp	end
.endm

/* Two instructions: a statement's end cannot be in an argument. */
.macro form_two size, does, name, first, second
	.section .rodata
9991:	.asciz "\name"
	.section forms, "aw"
	.quad	9991b, 9992f
	.long	\size, \does, FLAGS, 0
	.text
9992:	call	begin
	\first
	\second
	jmp	end
.endm

/* By way of an MMX register, which is given back to x87. */
.macro form_mmx size, does, name, first, second
	.section .rodata
9991:	.asciz "\name"
	.section forms, "aw"
	.quad	9991b, 9992f
	.long	\size, \does, FLAGS, 0
	.text
9992:	call	begin
	\first
	\second
	emms
	jmp	end
.endm

/* Elements of SIZE octets. REP: 0 none, 1 rep or repe, 2 repne. */
.macro string what, size, rep, insn:vararg
	.section .rodata
9991:	.asciz "\insn"
	.section strings, "aw"
	.quad	9991b, 9992f
	.long	\what, \size, \rep, 0
	.text
9992:	call	begin_string
	\insn
	jmp	end_string
.endm

	.section forms, "aw"
	.balign	8
	.globl	trap_forms
trap_forms:
	.section strings, "aw"
	.balign	8
	.globl	trap_strings
trap_strings:

	.text
/* struct form_regs at %rsi: rax rbx rcx rdx flags 0 xmm0. Flags are the same each time but carry. */
begin:
	popq	%r10
	pushq	%rbx
	pushq	%rsi
	movq	%rsi, %r11
	movq	8(%r11), %rbx
	movq	16(%r11), %rcx
	movq	24(%r11), %rdx
	movdqu	48(%r11), %xmm0
	movq	(%r11), %rax
	movq	32(%r11), %r8
	xorl	%r9d, %r9d
	btq	$0, %r8
	jmp	*%r10
end:
	pushfq
	popq	%r8
	popq	%r11
	movq	%rax, (%r11)
	movq	%rbx, 8(%r11)
	movq	%rcx, 16(%r11)
	movq	%rdx, 24(%r11)
	movq	%r8, 32(%r11)
	movdqu	%xmm0, 48(%r11)
	popq	%rbx
	ret

/* struct string_regs at %rdi: rax rcx rdx rsi rdi flags down */
begin_string:
	popq	%r10
	pushq	%rdi
	movq	%rdi, %r11
	movq	(%r11), %rax
	movq	8(%r11), %rcx
	movq	16(%r11), %rdx
	movq	24(%r11), %rsi
	movq	32(%r11), %rdi
	cld
	cmpq	$0, 48(%r11)
	je	1f
	std
1:	xorl	%r9d, %r9d
	jmp	*%r10
end_string:
	pushfq
	popq	%r8
	cld
	popq	%r11
	movq	%rax, (%r11)
	movq	%rcx, 8(%r11)
	movq	%rdx, 16(%r11)
	movq	%rsi, 24(%r11)
	movq	%rdi, 32(%r11)
	movq	%r8, 40(%r11)
	ret

/* ---- moves ---- */
	form 1, READS, 0, movb (%rdi), %al
	form 1, READS, 0, movb (%rdi), %ah
	form 2, READS, 0, movw (%rdi), %ax
	form 4, READS, 0, movl (%rdi), %eax
	form 8, READS, 0, movq (%rdi), %rax
	form 1, WRITES, 0, movb %al, (%rdi)
	form 1, WRITES, 0, movb %ch, (%rdi)
	form 2, WRITES, 0, movw %ax, (%rdi)
	form 4, WRITES, 0, movl %eax, (%rdi)
	form 8, WRITES, 0, movq %rax, (%rdi)
	form 1, WRITES, 0, movb $0x5a, (%rdi)
	form 2, WRITES, 0, movw $0x5aa5, (%rdi)
	form 4, WRITES, 0, movl $0x12345678, (%rdi)
	form 8, WRITES, 0, movq $-0x12345678, (%rdi)
	form 1, READS, 0, movzbw (%rdi), %ax
	form 1, READS, 0, movzbl (%rdi), %eax
	form 1, READS, 0, movzbq (%rdi), %rax
	form 2, READS, 0, movzwl (%rdi), %eax
	form 2, READS, 0, movzwq (%rdi), %rax
	form 1, READS, 0, movsbw (%rdi), %ax
	form 1, READS, 0, movsbl (%rdi), %eax
	form 1, READS, 0, movsbq (%rdi), %rax
	form 2, READS, 0, movswl (%rdi), %eax
	form 2, READS, 0, movswq (%rdi), %rax
	form 4, READS, 0, movslq (%rdi), %rax
	form 4, READS, 0, cmovcl (%rdi), %eax
	form 8, READS, 0, cmovncq (%rdi), %rax
	form 1, WRITES, 0, setc (%rdi)
	form 1, WRITES, 0, setnz (%rdi)
	form_two 8, READS, "pushq (%rdi)", "pushq (%rdi)", "popq %rax"
	form_two 2, READS, "pushw (%rdi)", "pushw (%rdi)", "popw %ax"
	form_two 8, WRITES, "popq (%rdi)", "pushq %rax", "popq (%rdi)"
	form_two 2, WRITES, "popw (%rdi)", "pushw %ax", "popw (%rdi)"
	form 4, WRITES, 0, movntil %eax, (%rdi)
	form 8, WRITES, 0, movntiq %rax, (%rdi)
	form 2, READS | MOVBE, 0, movbew (%rdi), %ax
	form 4, READS | MOVBE, 0, movbel (%rdi), %eax
	form 8, READS | MOVBE, 0, movbeq (%rdi), %rax
	form 2, WRITES | MOVBE, 0, movbew %ax, (%rdi)
	form 4, WRITES | MOVBE, 0, movbel %eax, (%rdi)
	form 8, WRITES | MOVBE, 0, movbeq %rax, (%rdi)

/* ---- arithmetic ---- */
.macro compute op, left
	form 1, READS | WRITES, \left, \op\()b %al, (%rdi)
	form 2, READS | WRITES, \left, \op\()w %ax, (%rdi)
	form 4, READS | WRITES, \left, \op\()l %eax, (%rdi)
	form 8, READS | WRITES, \left, \op\()q %rax, (%rdi)
	form 1, READS | WRITES, \left, \op\()b $0x35, (%rdi)
	form 4, READS | WRITES, \left, \op\()l $0x35, (%rdi)
	form 2, READS | WRITES, \left, \op\()w $0x1234, (%rdi)
	form 8, READS | WRITES, \left, \op\()q $0x12345678, (%rdi)
	form 1, READS, \left, \op\()b (%rdi), %al
	form 4, READS, \left, \op\()l (%rdi), %eax
	form 8, READS, \left, \op\()q (%rdi), %rax
	form 1, READS | WRITES, \left, lock \op\()b %al, (%rdi)
	form 2, READS | WRITES, \left, lock \op\()w %ax, (%rdi)
	form 4, READS | WRITES, \left, lock \op\()l %eax, (%rdi)
	form 8, READS | WRITES, \left, lock \op\()q %rax, (%rdi)
	form 4, READS | WRITES, \left, lock \op\()l $0x35, (%rdi)
.endm
	compute add, 0
	compute or, AF
	compute adc, 0
	compute sbb, 0
	compute and, AF
	compute sub, 0
	compute xor, AF
	form 1, READS, 0, cmpb %al, (%rdi)
	form 2, READS, 0, cmpw (%rdi), %ax
	form 2, READS, 0, cmpw $0x1234, (%rdi)
	form 4, READS, 0, cmpl $0x35, (%rdi)
	form 8, READS, 0, cmpq %rax, (%rdi)
	form 1, READS, AF, testb %al, (%rdi)
	form 2, READS, AF, testw $0x1234, (%rdi)
	form 4, READS, AF, testl $0x12345678, (%rdi)
	form 8, READS, AF, testq %rax, (%rdi)
.macro single op
	form 1, READS | WRITES, 0, \op\()b (%rdi)
	form 2, READS | WRITES, 0, \op\()w (%rdi)
	form 4, READS | WRITES, 0, \op\()l (%rdi)
	form 8, READS | WRITES, 0, \op\()q (%rdi)
	form 1, READS | WRITES, 0, lock \op\()b (%rdi)
	form 2, READS | WRITES, 0, lock \op\()w (%rdi)
	form 4, READS | WRITES, 0, lock \op\()l (%rdi)
	form 8, READS | WRITES, 0, lock \op\()q (%rdi)
.endm
	single not
	single neg
	single inc
	single dec
	form 1, READS, SF | ZF | AF | PF, mulb (%rdi)
	form 4, READS, SF | ZF | AF | PF, mull (%rdi)
	form 8, READS, SF | ZF | AF | PF, imulq (%rdi), %rax
	form 4, READS, SF | ZF | AF | PF, imull $0x35, (%rdi), %eax
	/* A quotient that is too long, or by 0, is a fault, here as there. */
	form 1, READS, FLAGS, divb (%rdi)
	form 2, READS, FLAGS, divw (%rdi)
	form 4, READS, FLAGS, divl (%rdi)
	form 8, READS, FLAGS, divq (%rdi)
	form 1, READS, FLAGS, idivb (%rdi)
	form 4, READS, FLAGS, idivl (%rdi)
	form 8, READS, FLAGS, idivq (%rdi)
.macro shift op, left
	form 1, READS | WRITES, \left, \op\()b $1, (%rdi)
	form 2, READS | WRITES, \left, \op\()w $1, (%rdi)
	form 4, READS | WRITES, \left | OF, \op\()l $5, (%rdi)
	form 8, READS | WRITES, \left | OF, \op\()q %cl, (%rdi)
.endm
	shift rol, 0
	shift ror, 0
	shift rcl, 0
	shift rcr, 0
	shift shl, AF
	shift shr, AF
	shift sar, AF
	form 4, READS | WRITES, AF | OF, shldl $5, %eax, (%rdi)
	form 8, READS | WRITES, AF | OF, shrdq %cl, %rax, (%rdi)

/* ---- exchanges and bits ---- */
	form 1, READS | WRITES, 0, xchgb %al, (%rdi)
	form 2, READS | WRITES, 0, xchgw %ax, (%rdi)
	form 4, READS | WRITES, 0, xchgl %eax, (%rdi)
	form 8, READS | WRITES, 0, xchgq %rax, (%rdi)
.macro exchange lock
	form 1, READS | WRITES, 0, \lock xaddb %al, (%rdi)
	form 2, READS | WRITES, 0, \lock xaddw %ax, (%rdi)
	form 4, READS | WRITES, 0, \lock xaddl %eax, (%rdi)
	form 8, READS | WRITES, 0, \lock xaddq %rax, (%rdi)
	form 1, READS | WRITES | EQUAL, 0, \lock cmpxchgb %dl, (%rdi)
	form 2, READS | WRITES | EQUAL, 0, \lock cmpxchgw %dx, (%rdi)
	form 4, READS | WRITES | EQUAL, 0, \lock cmpxchgl %edx, (%rdi)
	form 8, READS | WRITES | EQUAL, 0, \lock cmpxchgq %rdx, (%rdi)
	/* Unequal: what the processor writes back is not seen by Xen's emulation. */
	form 1, READS, 0, \lock cmpxchgb %dl, (%rdi)
	form 2, READS, 0, \lock cmpxchgw %dx, (%rdi)
	form 4, READS, 0, \lock cmpxchgl %edx, (%rdi)
	form 8, READS, 0, \lock cmpxchgq %rdx, (%rdi)
	form 8, READS | WRITES | EQUAL, 0, \lock cmpxchg8b (%rdi)
	form 8, READS, 0, \lock cmpxchg8b (%rdi)
	form 16, READS | WRITES | EQUAL | WHOLE, 0, \lock cmpxchg16b (%rdi)
	form 16, READS | WHOLE, 0, \lock cmpxchg16b (%rdi)
	form 2, READS | WRITES, OF | SF | AF | PF, \lock btsw $9, (%rdi)
	form 4, READS | WRITES, OF | SF | AF | PF, \lock btsl $29, (%rdi)
	form 8, READS | WRITES, OF | SF | AF | PF, \lock btsq $59, (%rdi)
	form 4, READS | WRITES, OF | SF | AF | PF, \lock btrl $29, (%rdi)
	form 4, READS | WRITES, OF | SF | AF | PF, \lock btcl $29, (%rdi)
	/* rbx is 64..79: the bit's number moves the address. */
	form 2, READS | WRITES, OF | SF | AF | PF, \lock btsw %bx, -8(%rdi)
	form 4, READS | WRITES, OF | SF | AF | PF, \lock btcl %ebx, -8(%rdi)
	form 8, READS | WRITES, OF | SF | AF | PF, \lock btrq %rbx, -8(%rdi)
.endm
	exchange
	exchange lock
	form 4, READS, OF | SF | AF | PF, btl $29, (%rdi)
	form 8, READS, OF | SF | AF | PF, btq %rbx, -8(%rdi)
	form 4, READS, CF | OF | SF | AF | PF, bsfl (%rdi), %eax
	form 8, READS, CF | OF | SF | AF | PF, bsrq (%rdi), %rax

/* ---- wider registers ---- */
	form_mmx 4, READS, "movd (%rdi), %mm0", "movd (%rdi), %mm0", "movq %mm0, %rax"
	form_mmx 8, READS, "movq (%rdi), %mm0", "movq (%rdi), %mm0", "movq %mm0, %rax"
	form_mmx 4, WRITES, "movd %mm0, (%rdi)", "movq %rax, %mm0", "movd %mm0, (%rdi)"
	form_mmx 8, WRITES, "movq %mm0, (%rdi)", "movq %rax, %mm0", "movq %mm0, (%rdi)"
	form 4, READS, 0, movd (%rdi), %xmm0
	form 4, WRITES, 0, movd %xmm0, (%rdi)
	form 8, READS, 0, movq (%rdi), %xmm0
	form 8, WRITES, 0, movq %xmm0, (%rdi)
	form 4, READS, 0, movss (%rdi), %xmm0
	form 8, WRITES, 0, movsd %xmm0, (%rdi)
	form 8, READS, 0, movlps (%rdi), %xmm0
	form 8, WRITES, 0, movhps %xmm0, (%rdi)
	form 16, READS, 0, movdqu (%rdi), %xmm0
	form 16, WRITES, 0, movdqu %xmm0, (%rdi)
	form 16, READS, 0, movups (%rdi), %xmm0
	form 16, WRITES, 0, movups %xmm0, (%rdi)
	form 16, READS | WHOLE, 0, movdqa (%rdi), %xmm0
	form 16, WRITES | WHOLE, 0, movdqa %xmm0, (%rdi)
	form 16, WRITES | WHOLE, 0, movntdq %xmm0, (%rdi)
	form 16, READS | WHOLE, 0, pxor (%rdi), %xmm0

/* ---- strings ---- */
.macro strings what, op, sizes:vararg
	.irp z, \sizes
	.ifc \z, b
	strings_of \what, 1, \op, \z
	.endif
	.ifc \z, w
	strings_of \what, 2, \op, \z
	.endif
	.ifc \z, l
	strings_of \what, 4, \op, \z
	.endif
	.ifc \z, q
	strings_of \what, 8, \op, \z
	.endif
	.endr
.endm
.macro strings_of what, size, op, z
	string \what, \size, 0, \op\()\z
	string \what, \size, 1, rep \op\()\z
	.ifc \op, cmps
	string \what, \size, 2, repne \op\()\z
	.endif
	.ifc \op, scas
	string \what, \size, 2, repne \op\()\z
	.endif
.endm
	strings MOVS, movs, b, w, l, q
	strings STOS, stos, b, w, l, q
	strings LODS, lods, b, w, l, q
	strings CMPS, cmps, b, w, l, q
	strings SCAS, scas, b, w, l, q
	strings INS, ins, b, w, l
	strings OUTS, outs, b, w, l

	.section forms, "aw"
	.quad	0, 0
	.long	0, 0, 0, 0
	.section strings, "aw"
	.quad	0, 0
	.long	0, 0, 0, 0
	.section .note.GNU-stack, "", @progbits
