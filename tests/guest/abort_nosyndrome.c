/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores without a syndrome, MMU off: pairs and write-back do all that they do. SIMD, and
 * whatever else is no plain load or store, takes a synchronous external abort and leaves the
 * registers as they were.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "nosyndrome.h"
#include "pl011.h"

#define UNTOUCHED 0x12345678U

static void check_aborted(const struct exception *taken, const char *name)
{
	check_eq(taken->count, 1, "%s: taken", name);
	check_eq(ESR_EC(taken->esr), EC_DABT_CUR_EL, "%s: data abort", name);
	check_eq(ESR_FSC(taken->esr), FSC_EXTERNAL, "%s: external", name);
	check_eq(taken->far, UARTPERIPHID0, "%s: FAR_EL1", name);
}

static void check_simd(void)
{
	uint64_t base = UARTPERIPHID0;
	struct exception taken;
	uint32_t value;

	write_sysreg(cpacr_el1, read_sysreg(cpacr_el1) | 3UL << 20); /* FPEN: no trap */
	isb();
	exception_catch();
	asm volatile(".arch_extension fp\n\tfmov s0, %w2\n\tldr s0, [%1], #4\n\tfmov %w0, "
		     "s0\n\t.arch_extension nofp"
		     : "=r"(value), "+&r"(base)
		     : "r"(UNTOUCHED)
		     : "memory");
	taken = exception_caught();
	check_aborted(&taken, "ldr s0");
	check_eq(value, UNTOUCHED, "ldr s0: target unchanged");
	check_eq(base, UARTPERIPHID0, "ldr s0: base unchanged");
}

/* Device memory may refuse exclusives by itself, but nothing may load a value. */
static void check_exclusive(void)
{
	uint64_t value = UNTOUCHED;
	struct exception taken;

	exception_catch();
	asm volatile("ldxr %w0, [%1]" : "+&r"(value) : "r"(UARTPERIPHID0) : "memory");
	taken = exception_caught();
	check_eq(taken.count, 1, "ldxr: taken");
	check_eq(value, UNTOUCHED, "ldxr: target unchanged");
}

void guest_main(void)
{
	check_nosyndrome("MMU off", UART_BASE, RTC_BASE);
	check_simd();
	check_exclusive();
}
