/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu.h"

#include "check.h"
#include "psci.h"
#include "timer.h"

struct cpu_entry cpu_entry[MAX_CPUS];

static void (*volatile cpu_main[MAX_CPUS])(unsigned int cpu);
static volatile bool cpu_online[MAX_CPUS];

void boot_main(void);
void secondary_main(unsigned int cpu);

/* Called by start.S on the boot CPU. */
void boot_main(void)
{
	guest_main();
	done();
}

/* Called by start.S on every other CPU. */
void secondary_main(unsigned int cpu)
{
	cpu_online[cpu] = true;
	dsb();
	if (cpu_main[cpu])
		cpu_main[cpu](cpu);
	irq_disable();
	for (;;)
		wfi();
}

void cpu_set_main(unsigned int cpu, void (*main)(unsigned int cpu))
{
	cpu_main[cpu] = main;
	cpu_online[cpu] = false;
	dsb();
}

bool cpu_wait_online(unsigned int cpu, unsigned int ms)
{
	return wait_until(cpu_online[cpu], ms);
}

int64_t cpu_start(unsigned int cpu, void (*main)(unsigned int cpu), uint64_t context)
{
	cpu_set_main(cpu, main);

	int64_t status =
		psci(PSCI_CPU_ON64, cpu_affinity(cpu), (uintptr_t)secondary_entry, context);

	if (status == PSCI_SUCCESS && !cpu_wait_online(cpu, 10000))
		panic("CPU %u did not come up", cpu);
	return status;
}
