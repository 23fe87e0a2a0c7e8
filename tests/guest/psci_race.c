/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU_ON of one target by all other CPUs at once: one caller gets SUCCESS, the others ALREADY_ON or
 * ON_PENDING (Arm DEN0022, CPU_ON), and the target runs with the winner's context id. Wants three
 * CPUs or more.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

#define ROUNDS 20U

static unsigned int target;
static volatile unsigned int round;	       /* callers wait for it to change */
static volatile unsigned int called[MAX_CPUS]; /* rounds that each caller has finished */
static volatile int64_t status[MAX_CPUS];
static volatile bool may_go;

static void target_main(unsigned int cpu)
{
	(void)cpu;
	while (!may_go)
		asm volatile("yield");
	psci(PSCI_CPU_OFF, 0, 0, 0);
}

static void race(unsigned int cpu, unsigned int this_round)
{
	status[cpu] = psci(PSCI_CPU_ON64, cpu_affinity(target), (uintptr_t)secondary_entry, cpu);
	dsb();
	called[cpu] = this_round;
}

static void caller_main(unsigned int cpu)
{
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		while (round < i)
			asm volatile("yield");
		race(cpu, i);
	}
}

static bool all_called(unsigned int this_round)
{
	for (unsigned int cpu = 0; cpu < target; cpu++)
		if (called[cpu] < this_round)
			return false;
	return true;
}

/* Counts the results; returns whether they are right. */
static bool results_are_right(void)
{
	unsigned int winner = target, winners = 0;
	bool known = true;

	for (unsigned int cpu = 0; cpu < target; cpu++) {
		if (status[cpu] == PSCI_SUCCESS) {
			winner = cpu;
			winners++;
		} else if (status[cpu] != PSCI_ALREADY_ON && status[cpu] != PSCI_ON_PENDING) {
			note("cpu%u got %ld", cpu, status[cpu]);
			known = false;
		}
	}
	if (winners != 1)
		note("%u callers got SUCCESS", winners);
	return known && winners == 1 && cpu_wait_online(target, 10000) &&
	       cpu_entry[target].x0 == winner;
}

void guest_main(void)
{
	target = gic_cpu_count() - 1;
	if (target < 2) {
		skip("race", "fewer than three CPUs");
		return;
	}
	for (unsigned int cpu = 1; cpu < target; cpu++)
		cpu_start(cpu, caller_main, 0);

	for (unsigned int i = 1; i <= ROUNDS; i++) {
		may_go = false;
		cpu_set_main(target, target_main);
		round = i;
		race(0, i);
		if (!check(wait_until(all_called(i), 10000), "round %u: all callers returned", i) ||
		    !check(results_are_right(), "round %u: one caller started the target", i))
			return;
		may_go = true;
		if (!check(wait_until(psci_affinity_info(cpu_affinity(target)) == PSCI_AFFINITY_OFF,
				      10000),
			   "round %u: target off", i))
			return;
	}
}
