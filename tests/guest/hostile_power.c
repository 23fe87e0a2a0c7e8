/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All CPUs turn each other on and themselves off, as fast as they can; AFFINITY_INFO of everybody
 * in between. The first CPU alone stays on. Wants two CPUs or more.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hostile.h"
#include "psci.h"
#include "timer.h"

#define STEPS 600U /* of the first CPU, a round */

static unsigned int cpus;
static volatile bool stop;
static volatile unsigned int started[MAX_CPUS]; /* each written by its CPU only */
static volatile unsigned int wrong[MAX_CPUS];

static void step(unsigned int cpu)
{
	uint64_t target = cpu_affinity((unsigned int)hostile_below(cpus));
	int64_t status = hostile_random() & 3UL << 40
				 ? psci(PSCI_CPU_ON64, target, (uintptr_t)secondary_entry, cpu)
				 : psci_affinity_info(target);

	switch (status) {
	case PSCI_SUCCESS: /* also ON and OFF of AFFINITY_INFO */
	case PSCI_AFFINITY_OFF:
	case PSCI_AFFINITY_ON_PENDING:
	case PSCI_ALREADY_ON:
	case PSCI_ON_PENDING:
		break;
	default:
		wrong[cpu]++;
	}
}

static void secondary(unsigned int cpu)
{
	started[cpu]++;
	for (uint64_t n = hostile_below(6); n > 0 && !stop; n--)
		step(cpu);
	psci(PSCI_CPU_OFF, 0, 0, 0);
	wrong[cpu]++; /* it does not return */
}

static bool all_off(void)
{
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		if (psci_affinity_info(cpu_affinity(cpu)) != PSCI_AFFINITY_OFF)
			return false;
	return true;
}

static void one_round(void)
{
	stop = false;
	for (unsigned int i = 0; i < STEPS; i++)
		step(0);
	stop = true;
	dsb();
	if (!wait_until(all_off(), 60000))
		panic("CPUs stay on");
}

void guest_main(void)
{
	unsigned int starts = 0;

	cpus = gic_cpu_count();
	hostile_begin();
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		cpu_set_main(cpu, secondary);
	do
		one_round();
	while (hostile_round());

	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		check_eq(wrong[cpu], 0, "cpu%u: no wrong answer", cpu);
		starts += started[cpu];
	}
	note("%u starts", starts);
	check(starts > cpus, "CPUs were started again and again");
}
