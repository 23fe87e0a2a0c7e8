/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in which CPU_ON enters a secondary CPU (Arm DEN0022). Wants two CPUs or more; 17 show
 * the affinity beyond the first cluster.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "psci.h"

#define CONTEXT(cpu) (0xc0de5eed00000000UL | (cpu))

static uint64_t mpidr[MAX_CPUS];

static void secondary(unsigned int cpu)
{
	mpidr[cpu] = read_sysreg(mpidr_el1);
}

static void check_cpu(unsigned int cpu)
{
	const struct cpu_entry *entry = &cpu_entry[cpu];

	check_eq(gic_affinity(cpu), cpu_affinity(cpu), "cpu%u GICR_TYPER-affinity", cpu);
	check_eq((uint64_t)psci_affinity_info(cpu_affinity(cpu)), PSCI_AFFINITY_OFF,
		 "cpu%u off-at-boot", cpu);
	if (!check_eq((uint64_t)cpu_start(cpu, secondary, CONTEXT(cpu)), PSCI_SUCCESS,
		      "cpu%u CPU_ON", cpu))
		return;

	check_eq(entry->x0, CONTEXT(cpu), "cpu%u context-id", cpu);
	check_eq(entry->current_el, CURRENTEL_EL1, "cpu%u CurrentEL", cpu);
	check_eq(entry->spsel, 1, "cpu%u SPSel", cpu);
	check_eq(entry->daif, DAIF_ALL, "cpu%u DAIF", cpu);
	check_eq(entry->sctlr & (SCTLR_M | SCTLR_C | SCTLR_EE), 0, "cpu%u SCTLR_EL1.M-C-EE", cpu);
	check_eq(mpidr[cpu] & (MPIDR_RES1 | MPIDR_U), MPIDR_RES1, "cpu%u MPIDR_EL1-bit-31-not-30",
		 cpu);
	check_eq(mpidr[cpu] & MPIDR_AFFINITY_MASK, cpu_affinity(cpu), "cpu%u MPIDR_EL1-affinity",
		 cpu);
	check_eq((uint64_t)psci_affinity_info(cpu_affinity(cpu)), PSCI_AFFINITY_ON, "cpu%u is-on",
		 cpu);
}

void guest_main(void)
{
	unsigned int cpus = gic_cpu_count();

	note("%u CPUs", cpus);
	if (cpus == 1)
		skip("secondary", "one CPU");
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		check_cpu(cpu);
}
