/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets for ever and prints `boot` every time; who runs it counts the lines. Built twice: RESET is
 * PSCI_SYSTEM_RESET or PSCI_SYSTEM_RESET2 (architectural warm reset). A second CPU is on at each
 * reset and must be off after it. Whether memory keeps its contents is the VMM's choice; wants 64
 * MiB.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "map.h"
#include "psci.h"

#define MEMORY_FLAG (RAM_BASE + 0x2000000)
#define MAGIC	    0x626f6f7465642e2eUL

static void secondary(unsigned int cpu)
{
	(void)cpu;
	for (;;)
		asm volatile("yield");
}

void guest_main(void)
{
	volatile uint64_t *flag = (volatile uint64_t *)MEMORY_FLAG;

	print("boot\n");
	print(*flag == MAGIC ? "ram kept\n" : "ram cleared\n");
	*flag = MAGIC;
	dsb();

	check_eq(cpu_entry[0].x1, 0, "x1 at entry");
	check_eq(cpu_entry[0].daif, DAIF_ALL, "DAIF at entry");
	check_eq(cpu_entry[0].sctlr & (SCTLR_M | SCTLR_C), 0, "SCTLR_EL1.M-C at entry");
	if (gic_cpu_count() > 1) {
		check_eq((uint64_t)psci_affinity_info(cpu_affinity(1)), PSCI_AFFINITY_OFF,
			 "CPU 1 is off");
		check_eq((uint64_t)cpu_start(1, secondary, 0), PSCI_SUCCESS, "CPU 1 starts");
	}

	int64_t status = psci(RESET, PSCI_SYSTEM_WARM_RESET, 0, 0);

	panic("the reset returned %ld", status);
}
