/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register 31 in a store is the zero register, not the stack pointer; in a load it discards the
 * value. Each store follows one that leaves the register non-zero.
 */
#include "check.h"
#include "mmio.h"
#include "pl011.h"

#define STORE_ZERO(instruction, addr) asm volatile(instruction ", [%0]" : : "r"(addr) : "memory")

#define CHECK_ZERO(instruction, reg, value)                                        \
	do {                                                                       \
		mmio_write32(reg, value);                                          \
		check_eq(mmio_read32(reg), value, #reg " reads back 0x%x", value); \
		STORE_ZERO(instruction, reg);                                      \
		check_eq(mmio_read32(reg), 0, instruction " " #reg);               \
	} while (0)

#define CHECK_DISCARD(instruction, reg)                                          \
	do {                                                                     \
		uint64_t before, after;                                          \
		asm volatile("mov %0, sp\n\t" instruction ", [%2]\n\tmov %1, sp" \
			     : "=&r"(before), "=&r"(after)                       \
			     : "r"(reg)                                          \
			     : "memory");                                        \
		check_eq(after, before, instruction " " #reg " leaves SP");      \
	} while (0)

void guest_main(void)
{
	/* Values within one byte: whether a narrow store clears the rest of a register is not asked
	 * here. */
	CHECK_ZERO("str wzr", UARTIBRD, 0x7fU);
	CHECK_ZERO("str wzr", UARTFBRD, 0x3fU);
	CHECK_ZERO("str wzr", UARTIMSC, 0x7ffU);
	CHECK_ZERO("strh wzr", UARTIBRD, 0x7fU);
	CHECK_ZERO("strh wzr", UARTIMSC, 0x55U);
	CHECK_ZERO("strb wzr", UARTIBRD, 0x7fU);
	CHECK_ZERO("strb wzr", UARTIMSC, 0x55U);
	CHECK_ZERO("str xzr", UARTIMSC, 0x7ffU);
	CHECK_ZERO("stlr wzr", UARTIMSC, 0x7ffU);

	CHECK_DISCARD("ldrb wzr", UARTPERIPHID0);
	CHECK_DISCARD("ldrh wzr", UARTPERIPHID0);
	CHECK_DISCARD("ldr wzr", UARTPERIPHID0);
	CHECK_DISCARD("ldr xzr", UARTPERIPHID0);
	CHECK_DISCARD("ldrsb xzr", UARTPERIPHID0);
	CHECK_DISCARD("ldrsh xzr", UARTPERIPHID0);
	CHECK_DISCARD("ldrsw xzr", UARTPERIPHID0);
}
