/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot code that rewrites itself: a function again and again, another CPU's entry while it is off,
 * and at last the image from its first instruction on. After the reset everything is as at first.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hostile.h"
#include "psci.h"
#include "timer.h"

#define REWRITES 500U

#define INSN_MOVZ_X0(value) (0xd2800000U | (uint32_t)(value) << 5)
#define INSN_RET	    0xd65f03c0U
#define INSN_UDF	    0x00000000U
#define INSN_MOVZ_X1(value) (INSN_MOVZ_X0(value) | 1)
#define INSN_STR_X1_X0	    0xf9000001U /* str x1, [x0] */
#define INSN_WFI	    0xd503207fU
#define INSN_B_BACK	    0x17ffffffU /* b .-4 */

_Alignas(64) static volatile uint32_t code[16];
static volatile uint64_t mailbox;

/* Makes instructions that were just written those that are executed (Arm DDI0487 B2.4.4). */
static void publish(const volatile void *from, unsigned long bytes)
{
	for (uintptr_t at = (uintptr_t)from; at < (uintptr_t)from + bytes; at += 16)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
	dsb();
	asm volatile("ic ialluis" : : : "memory");
	dsb();
	isb();
}

static uint64_t run_code(void)
{
	register uint64_t result asm("x0");

	asm volatile("blr %1" : "=r"(result) : "r"(code) : "x30", "memory");
	return result;
}

static unsigned int rewrite_function(void)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < REWRITES; i++) {
		uint64_t value = hostile_below(0x10000);

		code[0] = INSN_MOVZ_X0(value);
		code[1] = INSN_RET;
		publish(code, sizeof(code));
		wrong += run_code() != value;
	}
	return wrong;
}

/* The other CPU starts in code that was written since the machine came up. */
static bool start_in_new_code(void)
{
	uint64_t value = 1 + hostile_below(0xfffe);

	mailbox = 0;
	code[0] = INSN_MOVZ_X1(value);
	code[1] = INSN_STR_X1_X0;
	code[2] = INSN_WFI;
	code[3] = INSN_B_BACK;
	publish(code, sizeof(code));
	return psci(PSCI_CPU_ON64, cpu_affinity(1), (uintptr_t)code, (uintptr_t)&mailbox) ==
		       PSCI_SUCCESS &&
	       wait_until(mailbox == value, 10000);
}

static void destroy_image(void)
{
	volatile uint32_t *image = (volatile uint32_t *)(uintptr_t)guest_image;

	for (unsigned int i = 0; i < 16; i++) /* the header: its first word is the entry */
		image[i] = INSN_UDF;
	publish(image, 64);
}

void guest_main(void)
{
	hostile_begin();
	check_eq(rewrite_function(), 0, "rewritten functions");
	if (gic_cpu_count() > 1)
		check(start_in_new_code(), "a CPU starts in rewritten code");
	if (!hostile_round())
		return;
	destroy_image();
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}
