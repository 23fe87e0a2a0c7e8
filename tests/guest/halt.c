/* SPDX-License-Identifier: Apache-2.0 */
/* Every CPU waits for an interrupt that never comes: to be paused and stopped from outside. */
#include "check.h"
#include "cpu.h"
#include "gic.h"

void guest_main(void)
{
	for (unsigned int cpu = 1; cpu < gic_cpu_count(); cpu++)
		cpu_start(cpu, 0, 0);
	print("halted\n");
	for (;;)
		wfi();
}
