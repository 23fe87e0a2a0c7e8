/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores for which the processor reports no syndrome (ISS.ISV = 0): pairs, write-back,
 * SIMD. A VMM may emulate them or answer with a synchronous external abort; both are accepted and
 * noted, but an abort leaves the registers as they were, and an emulation does the whole
 * instruction.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "mmio.h"
#include "pl011.h"
#include "pl031.h"

#define UNTOUCHED 0x0123456789abcdefUL

static struct exception taken;

/* True if the instruction was emulated; false after checking that it was aborted as it should be.
 */
static bool emulated(const char *name, uintptr_t addr)
{
	note("%s: %s", name, taken.count ? "aborted" : "emulated");
	if (!taken.count)
		return true;
	check_eq(ESR_EC(taken.esr), EC_DABT_CUR_EL, "%s: data abort", name);
	check_eq(ESR_FSC(taken.esr), FSC_EXTERNAL, "%s: external", name);
	check_eq(taken.far, addr, "%s: FAR_EL1", name);
	return false;
}

static void check_ldp(void)
{
	uint64_t a = UNTOUCHED, b = UNTOUCHED;

	exception_catch();
	asm volatile("ldp %w0, %w1, [%2]" : "+&r"(a), "+&r"(b) : "r"(UARTPERIPHID0) : "memory");
	taken = exception_caught();
	if (emulated("ldp", UARTPERIPHID0)) {
		check_eq(a, 0x11, "ldp: first");
		check_eq(b, 0x10, "ldp: second");
	} else {
		check(a == UNTOUCHED && b == UNTOUCHED, "ldp: targets unchanged");
	}
}

static void check_stp(void)
{
	uint64_t a = 0x1a2b3c4d, b = 0x60000000;

	mmio_write32(RTCMR, 0);
	exception_catch();
	asm volatile("stp %w0, %w1, [%2]" : : "r"(a), "r"(b), "r"(RTCMR) : "memory");
	taken = exception_caught();
	if (emulated("stp", RTCMR)) {
		check_eq(mmio_read32(RTCMR), a, "stp: first");
		check_eq(mmio_read32(RTCLR), b, "stp: second");
	} else {
		check_eq(mmio_read32(RTCMR), 0, "stp: memory unchanged");
	}
}

/* `operand` is the addressing mode with its base, `start` before and `start` + 4 afterwards, in %1.
 */
#define CHECK_LOAD_WRITEBACK(name, operand, start)                                          \
	do {                                                                                \
		uint64_t value = UNTOUCHED, base = (start);                                 \
		exception_catch();                                                          \
		asm volatile("ldr %w0, " operand : "+&r"(value), "+&r"(base) : : "memory"); \
		taken = exception_caught();                                                 \
		if (emulated(name, UARTPERIPHID0)) {                                        \
			check_eq(value, 0x11, name ": value");                              \
			check_eq(base, (start) + 4, name ": base");                         \
		} else {                                                                    \
			check_eq(value, UNTOUCHED, name ": target unchanged");              \
			check_eq(base, (start), name ": base unchanged");                   \
		}                                                                           \
	} while (0)

static void check_str_post(void)
{
	uint64_t base = RTCMR;

	mmio_write32(RTCMR, 0);
	exception_catch();
	asm volatile("str %w1, [%0], #4" : "+&r"(base) : "r"(0x5eed5eedUL) : "memory");
	taken = exception_caught();
	if (emulated("str post-index", RTCMR)) {
		check_eq(mmio_read32(RTCMR), 0x5eed5eed, "str post-index: value");
		check_eq(base, RTCMR + 4, "str post-index: base");
	} else {
		check_eq(mmio_read32(RTCMR), 0, "str post-index: memory unchanged");
		check_eq(base, RTCMR, "str post-index: base unchanged");
	}
}

static void check_simd(void)
{
	uint32_t value;

	write_sysreg(cpacr_el1, read_sysreg(cpacr_el1) | 3UL << 20); /* FPEN: no trap */
	isb();
	exception_catch();
	asm volatile(".arch_extension fp\n\tfmov s0, wzr\n\tldr s0, [%1]\n\tfmov %w0, "
		     "s0\n\t.arch_extension nofp"
		     : "=r"(value)
		     : "r"(UARTPERIPHID0)
		     : "memory");
	taken = exception_caught();
	if (emulated("ldr s0", UARTPERIPHID0))
		check_eq(value, 0x11, "ldr s0: value");
}

void guest_main(void)
{
	check_ldp();
	check_stp();
	CHECK_LOAD_WRITEBACK("ldr post-index", "[%1], #4", UARTPERIPHID0);
	CHECK_LOAD_WRITEBACK("ldr pre-index", "[%1, #4]!", UARTPERIPHID0 - 4);
	check_str_post();
	check_simd();
}
