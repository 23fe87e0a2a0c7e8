/* SPDX-License-Identifier: Apache-2.0 */
#include "nosyndrome.h"

#include "check.h"
#include "cpu.h"
#include "mmio.h"
#include "pl011.h"
#include "pl031.h"

#define ONES 0xffffffffffffffffUL /* in every target before its load */

/* What an instruction gave, by its text, in the address space `where`. */
#define CHECK_PART(part, got, want, ...) \
	check_eq(got, want, "%s: %s %s %s: " part, where, __VA_ARGS__)

/* `operand` is the addressing mode on %2, which holds `addr` + `start` before and + `end` after. */
#define CHECK_PAIR(instruction, width, operand, start, end, want1, want2)                       \
	do {                                                                                    \
		uint64_t a_ = ONES, b_ = ONES, base_ = addr + (uint64_t)(start);                \
		asm volatile(instruction " %" width "0, %" width "1, " operand                  \
			     : "+&r"(a_), "+&r"(b_), "+&r"(base_)                               \
			     :                                                                  \
			     : "memory");                                                       \
		CHECK_PART("first", a_, want1, instruction, width, operand);                    \
		CHECK_PART("second", b_, want2, instruction, width, operand);                   \
		CHECK_PART("base", base_, addr + (uint64_t)(end), instruction, width, operand); \
	} while (0)

/* The same with one target, and %1 as the base. */
#define CHECK_LOAD(instruction, width, operand, start, end, want)                               \
	do {                                                                                    \
		uint64_t a_ = ONES, base_ = addr + (uint64_t)(start);                           \
		asm volatile(instruction " %" width "0, " operand                               \
			     : "+&r"(a_), "+&r"(base_)                                          \
			     :                                                                  \
			     : "memory");                                                       \
		CHECK_PART("value", a_, want, instruction, width, operand);                     \
		CHECK_PART("base", base_, addr + (uint64_t)(end), instruction, width, operand); \
	} while (0)

/* A store of `value` by the base %0, seen in the register at `addr`. */
#define CHECK_STORE(instruction, source, operand, value, start, end, want)                       \
	do {                                                                                     \
		uint64_t base_ = addr + (uint64_t)(start);                                       \
		mmio_write32(addr, 0);                                                           \
		asm volatile(instruction " " source ", " operand                                 \
			     : "+&r"(base_)                                                      \
			     : "r"((uint64_t)(value))                                            \
			     : "memory");                                                        \
		CHECK_PART("value", mmio_read32(addr), want, instruction, source, operand);      \
		CHECK_PART("base", base_, addr + (uint64_t)(end), instruction, source, operand); \
	} while (0)

/* UARTPERIPHID0 and what follows: 0x11, 0x10, 0x34, 0. */
static void check_loads(uintptr_t addr, const char *where)
{
	CHECK_PAIR("ldp", "w", "[%2]", 0, 0, 0x11, 0x10);
	CHECK_PAIR("ldp", "w", "[%2, #-8]", 8, 8, 0x11, 0x10);
	CHECK_PAIR("ldnp", "w", "[%2, #8]", -8, -8, 0x11, 0x10);
	CHECK_PAIR("ldp", "w", "[%2], #16", 0, 16, 0x11, 0x10);
	CHECK_PAIR("ldp", "w", "[%2, #-16]!", 16, 0, 0x11, 0x10);
	CHECK_PAIR("ldpsw", "x", "[%2]", 0, 0, 0x11, 0x10);
	CHECK_LOAD("ldr", "w", "[%1], #4", 0, 4, 0x11);
	CHECK_LOAD("ldr", "w", "[%1, #4]!", -4, 0, 0x11);
	CHECK_LOAD("ldr", "w", "[%1], #-256", 0, -256, 0x11);
	CHECK_LOAD("ldrb", "w", "[%1], #1", 0, 1, 0x11);
	CHECK_LOAD("ldrh", "w", "[%1, #255]!", -255, 0, 0x11);
}

/* RTCMR holds what it is given, so any sign bit can be had; RTCLR follows it. */
static void check_signs(uintptr_t addr, const char *where)
{
	mmio_write32(addr, 0x87658081);
	mmio_write32(addr + 4, 0x60000000);
	CHECK_PAIR("ldp", "w", "[%2]", 0, 0, 0x87658081, 0x60000000);
	CHECK_PAIR("ldpsw", "x", "[%2], #8", 0, 8, 0xffffffff87658081, 0x60000000);
	CHECK_PAIR("ldpsw", "x", "[%2, #8]!", -8, 0, 0xffffffff87658081, 0x60000000);
	CHECK_LOAD("ldrsb", "w", "[%1], #1", 0, 1, 0xffffff81);
	CHECK_LOAD("ldrsb", "x", "[%1, #1]!", -1, 0, 0xffffffffffffff81);
	CHECK_LOAD("ldrsh", "w", "[%1, #2]!", -2, 0, 0xffff8081);
	CHECK_LOAD("ldrsh", "x", "[%1], #2", 0, 2, 0xffffffffffff8081);
	CHECK_LOAD("ldrsw", "x", "[%1], #4", 0, 4, 0xffffffff87658081);
	CHECK_LOAD("ldrsw", "x", "[%1, #-4]!", 4, 0, 0xffffffff87658081);
	CHECK_LOAD("ldr", "w", "[%1], #4", 0, 4, 0x87658081);
}

static void check_stores(uintptr_t addr, const char *where)
{
	CHECK_STORE("str", "%w1", "[%0], #4", 0x5eed5eedUL, 0, 4, 0x5eed5eed);
	CHECK_STORE("str", "%w1", "[%0, #-4]!", 0x1234567887654321UL, 4, 0, 0x87654321);
	CHECK_STORE("stp", "%w1, wzr", "[%0]", 0x1a2b3c4dUL, 0, 0, 0x1a2b3c4d);
	CHECK_STORE("stp", "%w1, wzr", "[%0], #8", 0x1a2b3c4dUL, 0, 8, 0x1a2b3c4d);
	CHECK_STORE("stp", "wzr, %w1", "[%0, #-4]", 0x0a0b0c0dUL, 0, 0, 0x0a0b0c0d);
	CHECK_STORE("stnp", "wzr, %w1", "[%0, #-4]", 0x0a0b0c0eUL, 0, 0, 0x0a0b0c0e);
	CHECK_STORE("stp", "wzr, %w1", "[%0, #-4]!", 0x0a0b0c0fUL, 0, -4, 0x0a0b0c0f);
}

/* The base is the stack pointer, of which there are two; interrupts stay masked meanwhile. */
#define CHECK_SP(select, operand, start, end)                                                 \
	do {                                                                                  \
		uint64_t value_ = ONES, after_, keep_;                                        \
		asm volatile("msr SPSel, " select "\n\tmov %2, sp\n\tmov sp, %3\n\t"          \
			     "ldr %w0, " operand "\n\tmov %1, sp\n\tmov sp, %2\n\t"           \
			     "msr SPSel, #1"                                                  \
			     : "+&r"(value_), "=&r"(after_), "=&r"(keep_)                     \
			     : "r"(addr + (uint64_t)(start))                                  \
			     : "memory");                                                     \
		CHECK_PART("value", value_, 0x11, "SPSel", select, operand);                  \
		CHECK_PART("base", after_, addr + (uint64_t)(end), "SPSel", select, operand); \
	} while (0)

static void check_stack_pointers(uintptr_t addr, const char *where)
{
	CHECK_SP("#1", "[sp], #16", 0, 16);
	CHECK_SP("#0", "[sp], #16", 0, 16);
	CHECK_SP("#0", "[sp, #16]!", -16, 0);
}

void check_nosyndrome(const char *where, uintptr_t uart, uintptr_t rtc)
{
	check_loads(uart + (UARTPERIPHID0 - UART_BASE), where);
	check_signs(rtc + (RTCMR - RTC_BASE), where);
	check_stores(rtc + (RTCMR - RTC_BASE), where);
	check_stack_pointers(uart + (UARTPERIPHID0 - UART_BASE), where);
}
