/* SPDX-License-Identifier: Apache-2.0 */
/* The state in which the boot CPU is entered (Linux Documentation/arch/arm64/booting.rst). */
#include "check.h"
#include "cpu.h"
#include "map.h"

#define FDT_MAGIC    0xd00dfeedU
#define FDT_MAX_SIZE 0x200000U /* "must not exceed 2 megabytes in size" */

static uint32_t be32(uint32_t value)
{
	return __builtin_bswap32(value);
}

static void check_fdt(uint64_t addr)
{
	const uint32_t *fdt = (const uint32_t *)addr;

	if (!check(addr >= RAM_BASE, "x0-in-ram"))
		return;
	check_eq(addr % 8, 0, "fdt-8-byte-aligned");
	if (addr % 8 || !check_eq(be32(fdt[0]), FDT_MAGIC, "fdt-magic"))
		return;
	check(be32(fdt[1]) <= FDT_MAX_SIZE, "fdt-at-most-2-MiB");
	note("fdt at 0x%lx, 0x%x bytes, image at 0x%lx", addr, be32(fdt[1]), (uint64_t)guest_image);
}

void guest_main(void)
{
	const struct cpu_entry *entry = &cpu_entry[cpu_id()];
	uint64_t mpidr = read_sysreg(mpidr_el1);

	check_fdt(entry->x0);
	check_eq(entry->x1, 0, "x1");
	check_eq(entry->x2, 0, "x2");
	check_eq(entry->x3, 0, "x3");
	check_eq((uintptr_t)guest_image % 0x200000, 0, "image-at-2-MiB-multiple");

	check_eq(entry->current_el, CURRENTEL_EL1, "CurrentEL");
	check_eq(entry->spsel, 1, "SPSel");
	check_eq(entry->daif, DAIF_ALL, "DAIF");
	check_eq(entry->sctlr & (SCTLR_M | SCTLR_C | SCTLR_EE), 0, "SCTLR_EL1.M-C-EE");

	check_eq(mpidr & MPIDR_RES1, MPIDR_RES1, "MPIDR_EL1-bit-31");
	check_eq(mpidr & MPIDR_AFFINITY_MASK, 0, "MPIDR_EL1-affinity");
	check(read_sysreg(cntfrq_el0) >= 1000000, "CNTFRQ_EL0");
}
