/* SPDX-License-Identifier: Apache-2.0 */
	.macro	smccc_function, name, instruction:vararg
	.globl	\name
\name:
	stp	x19, x30, [sp, #-16]!
	mov	x19, x0
	ldp	x0, x1, [x19]
	ldp	x2, x3, [x19, #2 * 8]
	ldp	x4, x5, [x19, #4 * 8]
	ldp	x6, x7, [x19, #6 * 8]
	ldp	x8, x9, [x19, #8 * 8]
	ldp	x10, x11, [x19, #10 * 8]
	ldp	x12, x13, [x19, #12 * 8]
	ldp	x14, x15, [x19, #14 * 8]
	ldp	x16, x17, [x19, #16 * 8]
	\instruction
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #2 * 8]
	stp	x4, x5, [x19, #4 * 8]
	stp	x6, x7, [x19, #6 * 8]
	stp	x8, x9, [x19, #8 * 8]
	stp	x10, x11, [x19, #10 * 8]
	stp	x12, x13, [x19, #12 * 8]
	stp	x14, x15, [x19, #14 * 8]
	stp	x16, x17, [x19, #16 * 8]
	ldp	x19, x30, [sp], #16
	ret
	.endm

	.text
	.arch	armv8-a
	smccc_function smccc_hvc, hvc #0
	smccc_function smccc_smc, smc #0
	smccc_function smccc_hvc_imm1, hvc #1
	smccc_function smccc_smc_imm1, smc #1
