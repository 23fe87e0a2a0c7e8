/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steal time (Arm DEN0057 3.2): where it is, what it has at first, and that it grows on vCPUs which
 * have to share a host CPU: the test starts this machine on one.
 */
#include "check.h"
#include "cpu.h"
#include "features.h"
#include "gic.h"
#include "timer.h"

#define STEAL_BASE 0x090a0000UL
#define STEAL_EACH 64U
#define MAX_USED   4U

struct steal_time {
	uint32_t revision, attributes;
	uint64_t stolen; /* nanoseconds */
};

static volatile bool stop;
static int64_t place[MAX_USED];

/*
 * The host wrote through its caches, which accesses with the MMU off go past: what they hold has to
 * reach memory first.
 */
static const volatile struct steal_time *look(int64_t at)
{
	asm volatile("dsb sy\n\tdc civac, %0\n\tdsb sy" : : "r"(at) : "memory");
	return (const volatile struct steal_time *)(uintptr_t)at;
}

static void find(unsigned int cpu)
{
	place[cpu] = psci(PV_TIME_ST, 0, 0, 0);
	dsb();
}

static void spin(unsigned int cpu)
{
	find(cpu);
	while (!stop)
		asm volatile("yield");
}

static void check_place(unsigned int cpu)
{
	check_eq((uint64_t)place[cpu], STEAL_BASE + cpu * STEAL_EACH, "vCPU %u: address", cpu);
	check_eq(look(place[cpu])->revision, 0, "vCPU %u: revision", cpu);
	check_eq(look(place[cpu])->attributes, 0, "vCPU %u: attributes", cpu);
}

void guest_main(void)
{
	unsigned int cpus = gic_cpu_count();
	uint64_t before;

	if (!has_steal_time()) {
		skip("all", "no steal time");
		return;
	}
	if (cpus > MAX_USED)
		cpus = MAX_USED;
	find(0);
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		check_eq((uint64_t)cpu_start(cpu, spin, 0), PSCI_SUCCESS, "vCPU %u starts", cpu);
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		check(wait_until(place[cpu] != 0, 5000), "vCPU %u: found its steal time", cpu);
		check_place(cpu);
	}
	if (cpus > 1) {
		before = look(place[0])->stolen;
		check(wait_until(look(place[0])->stolen > before + 1000000, 60000),
		      "vCPU 0: a millisecond was stolen");
	} else {
		skip("stolen time", "one vCPU has nobody to share with");
	}
	stop = true;
	dsb();
}
