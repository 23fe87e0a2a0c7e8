/* SPDX-License-Identifier: Apache-2.0 */
/* Every CPU counts in a register for ever and never leaves the guest by itself: to be paused and
 * stopped from outside. */
#include "check.h"
#include "cpu.h"
#include "gic.h"

static void spin(unsigned int cpu)
{
	(void)cpu;
	asm volatile("mov x0, #0\n"
		     "1: add x0, x0, #1\n\t"
		     "b 1b"
		     :
		     :
		     : "x0");
}

void guest_main(void)
{
	for (unsigned int cpu = 1; cpu < gic_cpu_count(); cpu++)
		cpu_start(cpu, spin, 0);
	print("spinning\n");
	spin(0);
}
