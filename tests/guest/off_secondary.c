/* SPDX-License-Identifier: Apache-2.0 */
/* SYSTEM_OFF by a CPU that is not the first, while one spins and the others wait. */
#include "check.h"
#include "cpu.h"
#include "gic.h"

static void secondary(unsigned int cpu)
{
	if (cpu + 1 == gic_cpu_count()) {
		print("off by cpu%u\n", cpu);
		power_off();
	}
}

void guest_main(void)
{
	unsigned int cpus = gic_cpu_count();

	if (cpus == 1) {
		skip("off by another CPU", "one CPU");
		return;
	}
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		cpu_start(cpu, secondary, 0);
	for (;;)
		asm volatile("yield");
}
