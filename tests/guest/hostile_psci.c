/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI (Arm DEN0022) with garbage: every identifier of both widths, valid, unknown or reserved,
 * with arguments that are anything. What ends the machine or parks the caller is left out.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "gic.h"
#include "hostile.h"
#include "map.h"
#include "psci.h"
#include "timer.h"

#define CALLS	  4000U
#define FUNCTIONS 0x20U /* from PSCI_VERSION: all of PSCI 1.3 and beyond */

static unsigned int accepted;

static bool ends_or_parks(uint32_t function)
{
	switch (function & ~SMCCC_64BIT) {
	case PSCI_CPU_OFF:
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_SUSPEND:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_OFF + 0xd: /* SYSTEM_OFF2 of PSCI 1.3 */
		return true;
	default:
		return false;
	}
}

static void parked(unsigned int cpu)
{
	(void)cpu;
}

/* CPU_ON starts no garbage: where the target is a CPU, the entry is ours or is refused. */
static void tame_cpu_on(struct smccc_regs *regs, unsigned int cpus)
{
	unsigned int cpu = (unsigned int)hostile_below(2UL * cpus);

	if (cpu < cpus) {
		regs->x[1] = cpu_affinity(cpu);
		regs->x[2] = (uintptr_t)secondary_entry;
	} else {
		regs->x[1] |= 1UL << 15; /* of Aff1: beyond all CPUs */
	}
}

static void call(unsigned int cpus)
{
	struct smccc_regs regs;
	uint32_t function = PSCI_VERSION + (uint32_t)hostile_below(FUNCTIONS);

	if (hostile_random() & 1UL << 40)
		function |= SMCCC_64BIT;
	if (ends_or_parks(function))
		return;
	for (unsigned int i = 1; i < SMCCC_REGS; i++)
		regs.x[i] = hostile_value();
	/* The upper half of W0 belongs to nobody. */
	regs.x[0] = function | hostile_random() << 32;
	if ((function & ~SMCCC_64BIT) == PSCI_CPU_ON)
		tame_cpu_on(&regs, cpus);
	smccc_hvc(&regs);
	if (smccc_result(function, regs.x[0]) >= 0)
		accepted++;
}

void guest_main(void)
{
	unsigned int cpus = gic_cpu_count();

	hostile_begin();
	gic_init(0);
	gic_enable(INTID_VTIMER);
	vtimer_arm(0); /* stays pending, so that CPU_SUSPEND wakes at once */
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		cpu_set_main(cpu, parked);
	do {
		for (unsigned int i = 0; i < CALLS; i++)
			call(cpus);
	} while (hostile_round());
	check(accepted, "some calls had a meaning");
	check_eq((uint64_t)psci(PSCI_VERSION, 0, 0, 0) >> 16, 1, "PSCI still answers");
}
