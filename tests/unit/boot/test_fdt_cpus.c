/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree: CPUs, their caches, timers and interrupt controller. */
#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/util.h"
#include "boot/fdt.h"
#include "boot/layout.h"
#include "boot_test.h"
#include "fdt_tree.h"

TestSuite(fdt_cpus, .init = tree_setup, .fini = tree_teardown);

static void expect_cpus(unsigned int count)
{
	unsigned int index = 0;
	char path[32];
	int cpu;

	config.nr_cpus = count;
	build();
	fdt_for_each_subnode(cpu, blob, node("/cpus")) index++;
	cr_expect_eq(index, count);
	for (index = 0; index < count; index++) {
		snprintf(path, sizeof(path), "/cpus/cpu@%x", (unsigned int)mpidr_of_index(index));
		expect_u32(path, "reg", (uint32_t)mpidr_of_index(index));
		expect_strings(path, "device_type", "cpu");
		expect_strings(path, "compatible", "arm,armv8");
		expect_strings(path, "enable-method", "psci");
	}
}

Test(fdt_cpus, a_cpu_is_named_by_its_mpidr)
{
	build();
	expect_u32("/cpus", "#address-cells", 1);
	expect_u32("/cpus", "#size-cells", 0);
	expect_cpus(1);
	expect_no_node("/cpus/cpu@1");
	expect_cpus(17);
	expect_u32("/cpus/cpu@100", "reg", 0x100);
	expect_no_node("/cpus/cpu@10");
	expect_cpus(40);
	expect_u32("/cpus/cpu@207", "reg", 0x207);
	expect_cpus(512);
	expect_u32("/cpus/cpu@1f0f", "reg", 0x1f0f);
}

Test(fdt_cpus, psci_is_called_by_the_conduit)
{
	build();
	expect_strings("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2");
	expect_strings("/psci", "method", "hvc");
	config.psci_smc = true;
	build();
	expect_strings("/psci", "method", "smc");
}

Test(fdt_cpus, the_timer_has_four_ppis_active_low)
{
	build();
	expect_strings("/timer", "compatible", "arm,armv8-timer");
	expect_cells("/timer", "interrupts", CELLS(1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8));
	expect_flag("/timer", "always-on");
}

Test(fdt_cpus, the_interrupt_controller_is_a_gicv3)
{
	static const char gic[] = "/interrupt-controller@8000000";

	build();
	expect_strings(gic, "compatible", "arm,gic-v3");
	expect_flag(gic, "interrupt-controller");
	expect_u32(gic, "#interrupt-cells", 3);
	expect_u32(gic, "#address-cells", 2);
	expect_u32(gic, "#size-cells", 2);
	expect_flag(gic, "ranges");
	expect_cells(gic, "reg", CELLS(0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0xf60000));
	expect_absent(gic, "#redistributor-regions");
}

Test(fdt_cpus, a_second_redistributor_region_follows_the_first)
{
	static const char gic[] = "/interrupt-controller@8000000";

	config.nr_redist = 2;
	config.redist[1] = (struct fdt_redist){ LAYOUT_GICR2_BASE, LAYOUT_GICR2_SIZE };
	build();
	expect_cells(gic, "reg",
		     CELLS(0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0xf60000, 0, 0x10000000, 0,
			   0x4000000));
	expect_u32(gic, "#redistributor-regions", 2);
}

Test(fdt_cpus, pmu_only_where_the_guest_has_one)
{
	build();
	expect_no_node("/pmu");

	config.has_pmu = true;
	build();
	expect_strings("/pmu", "compatible", "arm,armv8-pmuv3");
	expect_cells("/pmu", "interrupts", CELLS(1, 7, 4));
}

Test(fdt_cpus, an_its_is_a_child_of_the_interrupt_controller)
{
	static const char its[] = "/interrupt-controller@8000000/msi-controller@8080000";

	build();
	expect_no_node(its);
	config.its_base = LAYOUT_ITS_BASE;
	config.its_size = LAYOUT_ITS_SIZE;
	build();
	expect_strings(its, "compatible", "arm,gic-v3-its");
	expect_cells(its, "reg", CELLS(0, 0x08080000, 0, 0x20000));
	expect_flag(its, "msi-controller");
	expect_u32(its, "#msi-cells", 1);
	cr_expect_neq(u32_of(its, "phandle"), u32_of("/", "interrupt-parent"));
	expect_dtc_is_content();
}

static void make_gic_v2(unsigned int cpus)
{
	config.nr_cpus = cpus;
	config.gic_v2 = true;
	config.gicd_size = LAYOUT_GICD2_SIZE;
	config.gicc_base = LAYOUT_GICC_BASE;
	config.gicc_size = LAYOUT_GICC_SIZE;
	config.nr_redist = 0;
}

/* Complaint 15: boards with GICv2 alone. */
Test(fdt_cpus, the_interrupt_controller_is_a_gicv2)
{
	static const char gic[] = "/interrupt-controller@8000000";

	make_gic_v2(2);
	build();
	expect_strings(gic, "compatible", "arm,cortex-a15-gic");
	expect_flag(gic, "interrupt-controller");
	expect_u32(gic, "#interrupt-cells", 3);
	expect_u32(gic, "#address-cells", 0);
	expect_cells(gic, "reg", CELLS(0, 0x08000000, 0, 0x1000, 0, 0x08010000, 0, 0x2000));
	expect_absent(gic, "ranges");
	expect_dtc_is_content();
}

/* A GICv2's specifiers say which CPUs have a private interrupt; those of shared ones do not. */
Test(fdt_cpus, private_interrupts_of_a_gicv2_name_their_cpus)
{
	static const uint32_t masks[] = { 0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff };

	for (unsigned int cpus = 1; cpus <= 8; cpus++) {
		uint32_t mask = masks[cpus - 1] << 8;

		make_gic_v2(cpus);
		config.has_pmu = true;
		build();
		expect_cells(
			"/timer", "interrupts",
			CELLS(1, 13, mask | 8, 1, 14, mask | 8, 1, 11, mask | 8, 1, 10, mask | 8));
		expect_cells("/pmu", "interrupts", CELLS(1, 7, mask | 4));
		expect_cells("/serial@9000000", "interrupts", CELLS(0, 1, 4));
	}
}

/* A level 1 of two, a level 2 of each CPU, and one level 3. */
static const struct caches server_caches = {
	.nr = 4,
	.cache = { { 1, CACHE_DATA, false, 0x10000, 64, 256 },
		   { 1, CACHE_INSTRUCTION, false, 0x8000, 32, 128 },
		   { 2, CACHE_UNIFIED, false, 0x100000, 64, 2048 },
		   { 3, CACHE_UNIFIED, true, 0x2000000, 64, 0 } },
};

Test(fdt_cpus, caches_are_as_the_host_has_them)
{
	config.caches = &server_caches;
	build();
	for (int cpu = 0; cpu < 2; cpu++) {
		const char *path = cpu ? "/cpus/cpu@1" : "/cpus/cpu@0";
		const char *l2 = cpu ? "/cpus/cpu@1/l2-cache" : "/cpus/cpu@0/l2-cache";

		expect_u32(path, "d-cache-size", 0x10000);
		expect_u32(path, "d-cache-line-size", 64);
		expect_u32(path, "d-cache-sets", 256);
		expect_u32(path, "i-cache-size", 0x8000);
		expect_u32(path, "i-cache-line-size", 32);
		expect_u32(path, "i-cache-sets", 128);
		expect_u32(path, "next-level-cache", u32_of(l2, "phandle"));
		expect_strings(l2, "compatible", "cache");
		expect_u32(l2, "cache-level", 2);
		expect_flag(l2, "cache-unified");
		expect_u32(l2, "cache-size", 0x100000);
		expect_u32(l2, "next-level-cache", u32_of("/cpus/l3-cache", "phandle"));
	}
	cr_expect_neq(u32_of("/cpus/cpu@0/l2-cache", "phandle"),
		      u32_of("/cpus/cpu@1/l2-cache", "phandle"));
	expect_u32("/cpus/l3-cache", "cache-level", 3);
	expect_u32("/cpus/l3-cache", "cache-size", 0x2000000);
	expect_absent("/cpus/l3-cache", "cache-sets");
	expect_absent("/cpus/l3-cache", "next-level-cache");
	expect_dtc_is_content();
}

Test(fdt_cpus, no_word_of_caches_that_are_not_known)
{
	static const struct caches none;

	config.caches = &none;
	build();
	expect_absent("/cpus/cpu@0", "next-level-cache");
	expect_absent("/cpus/cpu@0", "d-cache-size");
	expect_no_node("/cpus/l3-cache");
}

/* Each phandle names one node, whatever the number of CPUs. */
Test(fdt_cpus, caches_of_512_cpus_have_phandles_of_their_own)
{
	uint32_t seen[512];

	config.caches = &server_caches;
	config.nr_cpus = 512;
	build();
	cr_expect_eq(fdt_check_full(blob, used), 0);
	for (unsigned int cpu = 0; cpu < 512; cpu++) {
		char path[64];

		snprintf(path, sizeof(path), "/cpus/cpu@%x/l2-cache",
			 (unsigned int)mpidr_of_index(cpu));
		seen[cpu] = u32_of(path, "phandle");
		cr_expect_eq(fdt_node_offset_by_phandle(blob, seen[cpu]), node(path));
	}
}
