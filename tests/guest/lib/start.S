/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arm64 Image header (Linux Documentation/arch/arm64/booting.rst) and the entry points of the
 * boot CPU and of the others. The MMU stays off: all memory is Device-nGnRnE, so no unaligned
 * access and no exclusives.
 */
#include "cpu.h"

	.section .head.text, "ax"
	.globl	guest_image
guest_image:
	b	start			/* code0 */
	.long	0			/* code1 */
	.quad	0			/* text_offset */
	.quad	__image_end - guest_image /* image_size, with BSS and stacks */
	.quad	0xa			/* flags: little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
start:
	/* The registers at entry, kept until BSS is clear and there is a place for them. */
	mov	x20, x0
	mov	x21, x1
	mov	x22, x2
	mov	x23, x3

	adrp	x4, __bss_start
	add	x4, x4, :lo12:__bss_start
	adrp	x5, __bss_end
	add	x5, x5, :lo12:__bss_end
1:	cmp	x4, x5
	b.hs	2f
	stp	xzr, xzr, [x4], #16
	b	1b

2:	bl	cpu_setup
	bl	boot_main
	b	park

	.globl	secondary_entry
secondary_entry:
	mov	x20, x0
	mov	x21, x1
	mov	x22, x2
	mov	x23, x3
	bl	cpu_setup
	bl	secondary_main
park:
	wfi
	b	park

/*
 * x20..x23 = x0..x3 at entry. Finds this CPU's number from its affinity (the inverse of cpu_affinity()),
 * stores its struct cpu_entry, sets TPIDR_EL1, SP and VBAR_EL1. Returns the number in x0.
 */
cpu_setup:
	mrs	x4, mpidr_el1
	and	x0, x4, #0xff
	ubfx	x5, x4, #8, #8
	add	x0, x0, x5, lsl #4
	ubfx	x5, x4, #16, #8
	add	x0, x0, x5, lsl #12
	cmp	x0, #MAX_CPUS
	b.hs	park
	msr	tpidr_el1, x0

	adrp	x4, cpu_entry
	add	x4, x4, :lo12:cpu_entry
	add	x4, x4, x0, lsl #6	/* sizeof(struct cpu_entry) */
	stp	x20, x21, [x4]
	stp	x22, x23, [x4, #16]
	mrs	x5, CurrentEL
	mrs	x6, SPSel
	stp	x5, x6, [x4, #32]
	mrs	x5, DAIF
	mrs	x6, sctlr_el1
	stp	x5, x6, [x4, #48]

	msr	SPSel, #1
	adrp	x4, stacks
	add	x4, x4, :lo12:stacks
	add	x5, x0, #1
	mov	x6, #STACK_SIZE
	madd	x4, x5, x6, x4
	mov	sp, x4
	adrp	x4, vectors
	add	x4, x4, :lo12:vectors
	msr	vbar_el1, x4
	isb
	ret

	.section .stacks, "aw", %nobits
	.balign	4096
stacks:
	.skip	MAX_CPUS * STACK_SIZE
