/* SPDX-License-Identifier: Apache-2.0 */
/* The performance counters count, stop, and interrupt on overflow (Arm DDI0487 D13). */
#include "check.h"
#include "cpu.h"
#include "features.h"
#include "gic.h"
#include "timer.h"

#define INTID_PMU 23U /* PPI 7, as the device tree says */

#define PMCR_E	     (1U << 0)
#define PMCR_P	     (1U << 1)
#define PMCR_C	     (1U << 2)
#define PMCR_LC	     (1U << 6)
#define PMCR_N	     0xf800U
#define CYCLES	     (1UL << 31) /* the cycle counter, in the registers that have a bit a counter */
#define EVENT_SW_INC 0x00U
#define SOME_CYCLES  100000UL

static volatile unsigned int fired, strays;
static volatile uint64_t overflowed;

static void on_irq(unsigned int intid)
{
	if (intid != INTID_PMU) {
		strays++;
		return;
	}
	overflowed = read_sysreg(pmovsclr_el0);
	write_sysreg(pmovsclr_el0, ~0U); /* a level: it must fall before the end of interrupt */
	isb();
	fired++;
}

static void enable(uint64_t counters)
{
	write_sysreg(pmovsclr_el0, ~0U);
	write_sysreg(pmcntenset_el0, counters);
	isb();
}

static void disable(void)
{
	write_sysreg(pmintenclr_el1, ~0U);
	write_sysreg(pmcntenclr_el0, ~0U);
	isb();
}

static uint64_t cycles(void)
{
	isb();
	return read_sysreg(pmccntr_el0);
}

static void check_cycles(void)
{
	uint64_t before, after;

	write_sysreg(pmccfiltr_el0, 0); /* EL1 and EL0 */
	write_sysreg(pmccntr_el0, 0);
	enable(CYCLES);
	before = cycles();
	check(wait_until(cycles() > before + SOME_CYCLES, 5000), "the cycle counter counts");
	disable();
	before = cycles();
	wait_until(false, 2);
	after = cycles();
	check_eq(after, before, "disabled, it stands");
}

static void check_overflow(void)
{
	fired = 0;
	write_sysreg(pmccntr_el0, -SOME_CYCLES);
	write_sysreg(pmintenset_el1, CYCLES);
	enable(CYCLES);
	irq_enable();
	check(wait_until(fired, 5000), "an overflow interrupts");
	irq_disable();
	disable();
	check(overflowed & CYCLES, "PMOVSCLR names the cycle counter");
	check(!gic_pending(INTID_PMU), "the interrupt falls with its overflow");
}

/* The one event that a program makes itself, so that its count is known. */
static void check_software_increment(void)
{
	unsigned int events = (unsigned int)(read_sysreg(pmcr_el0) & PMCR_N) >> 11;

	if (!events || !(read_sysreg(pmceid0_el0) & 1U << EVENT_SW_INC)) {
		skip("software increment", "no event counter, or not that event");
		return;
	}
	write_sysreg(pmselr_el0, 0);
	isb();
	write_sysreg(pmxevtyper_el0, EVENT_SW_INC);
	write_sysreg(pmxevcntr_el0, 0);
	enable(1);
	for (int i = 0; i < 7; i++)
		write_sysreg(pmswinc_el0, 1);
	isb();
	check_eq(read_sysreg(pmxevcntr_el0), 7, "seven software increments");
	disable();
}

void guest_main(void)
{
	if (!has_pmu()) {
		skip("all", "no PMU");
		return;
	}
	gic_init(on_irq);
	gic_enable(INTID_PMU);
	disable();
	write_sysreg(pmcr_el0, PMCR_E | PMCR_P | PMCR_C | PMCR_LC);
	isb();
	check_cycles();
	check_overflow();
	check_software_increment();
	check_eq(strays, 0, "no other interrupt");
}
