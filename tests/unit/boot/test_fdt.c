/* SPDX-License-Identifier: Apache-2.0 */
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

static struct gmem mem;
static struct fdt_config config;
static uint8_t seed[FDT_SEED_SIZE];
static void *blob;
static size_t used;

static void setup(void)
{
	size_t i;

	for (i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(i + 1);
	mem = (struct gmem){
		.nr_regions = 1,
		.regions = { { .base = LAYOUT_RAM_BASE, .size = 512 * MIB } },
	};
	config = (struct fdt_config){
		.nr_cpus = 2,
		.mem = &mem,
		.gicd_base = LAYOUT_GICD_BASE,
		.gicd_size = LAYOUT_GICD_SIZE,
		.nr_redist = 1,
		.redist = { { LAYOUT_GICR_BASE, LAYOUT_GICR_SIZE } },
		.has_uart = true,
		.uart_base = LAYOUT_UART_BASE,
		.uart_size = 0x1000,
		.uart_intid = GIC_SPI_BASE + LAYOUT_UART_SPI,
		.has_rtc = true,
		.rtc_base = LAYOUT_RTC_BASE,
		.rtc_size = 0x1000,
		.has_gpio = true,
		.gpio_base = LAYOUT_GPIO_BASE,
		.gpio_size = 0x1000,
		.gpio_intid = GIC_SPI_BASE + LAYOUT_GPIO_SPI,
		.cmdline = "console=ttyAMA0 root=/dev/vda",
		.initrd_base = 0x42200000,
		.initrd_size = 0x1234567,
		.seed = seed,
	};
	blob = malloc(FDT_MAX_SIZE);
	cr_assert_not_null(blob);
	memset(blob, 0xa5, FDT_MAX_SIZE);
}

static void teardown(void)
{
	free(blob);
}

TestSuite(fdt, .init = setup, .fini = teardown);

static void build(void)
{
	cr_assert_eq(fdt_build(&config, blob, FDT_MAX_SIZE, &used), 0);
}

static int node(const char *path)
{
	int offset = fdt_path_offset(blob, path);

	cr_assert_geq(offset, 0, "no %s", path);
	return offset;
}

static void expect_no_node(const char *path)
{
	cr_expect_eq(fdt_path_offset(blob, path), -FDT_ERR_NOTFOUND, "%s", path);
}

static void expect_absent(const char *path, const char *name)
{
	cr_expect_null(fdt_getprop(blob, node(path), name, NULL), "%s %s", path, name);
}

static void expect_bytes(const char *path, const char *name, const void *val, size_t len)
{
	int got_len;
	const void *got = fdt_getprop(blob, node(path), name, &got_len);

	cr_assert_not_null(got, "%s %s", path, name);
	cr_assert_eq(got_len, (int)len, "%s %s", path, name);
	cr_expect(!len || !memcmp(got, val, len), "%s %s", path, name);
}

#define expect_strings(path, name, list) expect_bytes((path), (name), (list), sizeof(list))
#define expect_flag(path, name)		 expect_bytes((path), (name), NULL, 0)

static void expect_cells(const char *path, const char *name, const uint32_t *cells, size_t count)
{
	uint32_t be[64];
	size_t i;

	cr_assert_leq(count, ARRAY_SIZE(be));
	for (i = 0; i < count; i++)
		be[i] = cpu_to_fdt32(cells[i]);
	expect_bytes(path, name, be, count * sizeof(be[0]));
}

#define CELLS(...) (const uint32_t[]){ __VA_ARGS__ }, ARRAY_SIZE(((uint32_t[]){ __VA_ARGS__ }))

#define expect_u32(path, name, val) expect_cells((path), (name), CELLS(val))

static uint32_t u32_of(const char *path, const char *name)
{
	const uint32_t *val = fdt_getprop(blob, node(path), name, NULL);

	cr_assert_not_null(val, "%s %s", path, name);
	return fdt32_to_cpu(*val);
}

Test(fdt, the_blob_is_whole)
{
	build();
	cr_expect_eq(used, fdt_totalsize(blob));
	cr_expect_eq(fdt_check_full(blob, used), 0);
	cr_expect_eq(fdt_num_mem_rsv(blob), 0);
	cr_expect_geq(fdt_off_mem_rsvmap(blob), sizeof(struct fdt_header));
}

Test(fdt, the_root_says_what_machine_it_is)
{
	build();
	expect_strings("/", "compatible", "arcvisor,virt\0linux,dummy-virt");
	expect_strings("/", "model", "arcvisor");
	expect_u32("/", "#address-cells", 2);
	expect_u32("/", "#size-cells", 2);
	cr_expect_eq(u32_of("/", "interrupt-parent"),
		     u32_of("/interrupt-controller@8000000", "phandle"));
}

Test(fdt, chosen_has_the_command_line_console_and_initrd)
{
	build();
	expect_strings("/chosen", "bootargs", "console=ttyAMA0 root=/dev/vda");
	expect_strings("/chosen", "stdout-path", "/serial@9000000");
	expect_cells("/chosen", "linux,initrd-start", CELLS(0, 0x42200000));
	expect_cells("/chosen", "linux,initrd-end", CELLS(0, 0x43434567));
}

Test(fdt, an_initrd_above_4_gib_keeps_its_high_half)
{
	config.initrd_base = 0x7ffe00000;
	build();
	expect_cells("/chosen", "linux,initrd-start", CELLS(7, 0xffe00000));
	expect_cells("/chosen", "linux,initrd-end", CELLS(8, 0x01034567));
}

Test(fdt, chosen_leaves_out_what_there_is_not)
{
	config.cmdline = NULL;
	config.initrd_size = 0;
	config.has_uart = false;
	config.seed = NULL;
	build();
	expect_absent("/chosen", "bootargs");
	expect_absent("/chosen", "linux,initrd-start");
	expect_absent("/chosen", "linux,initrd-end");
	expect_absent("/chosen", "stdout-path");
	expect_absent("/chosen", "kaslr-seed");
	expect_absent("/chosen", "rng-seed");
}

Test(fdt, each_seed_byte_is_used_once)
{
	build();
	expect_bytes("/chosen", "kaslr-seed", seed, 8);
	expect_bytes("/chosen", "rng-seed", seed + 8, 32);
}

Test(fdt, each_region_of_memory_is_a_node)
{
	mem.nr_regions = 2;
	mem.regions[1] = (struct gmem_region){ .base = 0x880000000, .size = 3 * GIB };
	build();
	expect_strings("/memory@40000000", "device_type", "memory");
	expect_cells("/memory@40000000", "reg", CELLS(0, 0x40000000, 0, 0x20000000));
	expect_strings("/memory@880000000", "device_type", "memory");
	expect_cells("/memory@880000000", "reg", CELLS(8, 0x80000000, 0, 0xc0000000));
}

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

Test(fdt, a_cpu_is_named_by_its_mpidr)
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

Test(fdt, psci_is_called_by_the_conduit)
{
	build();
	expect_strings("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2");
	expect_strings("/psci", "method", "hvc");
	config.psci_smc = true;
	build();
	expect_strings("/psci", "method", "smc");
}

Test(fdt, the_timer_has_four_ppis_active_low)
{
	build();
	expect_strings("/timer", "compatible", "arm,armv8-timer");
	expect_cells("/timer", "interrupts", CELLS(1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8));
	expect_flag("/timer", "always-on");
}

Test(fdt, the_interrupt_controller_is_a_gicv3)
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

Test(fdt, a_second_redistributor_region_follows_the_first)
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

Test(fdt, the_uart_is_a_primecell_with_two_clocks)
{
	static const char uart[] = "/serial@9000000";
	uint32_t clock;

	build();
	clock = u32_of("/clock-24000000", "phandle");
	expect_strings(uart, "compatible", "arm,pl011\0arm,primecell");
	expect_cells(uart, "reg", CELLS(0, 0x09000000, 0, 0x1000));
	expect_cells(uart, "interrupts", CELLS(0, 1, 4));
	expect_cells(uart, "clocks", CELLS(clock, clock));
	expect_strings(uart, "clock-names", "uartclk\0apb_pclk");
}

Test(fdt, the_uart_s_trigger_is_that_of_its_line)
{
	config.uart_intid = 77;
	config.uart_trigger = IRQ_EDGE_RISING;
	build();
	expect_cells("/serial@9000000", "interrupts", CELLS(0, 45, 1));
}

Test(fdt, the_rtc_is_a_primecell_without_interrupt)
{
	static const char rtc[] = "/rtc@9010000";

	build();
	expect_strings(rtc, "compatible", "arm,pl031\0arm,primecell");
	expect_cells(rtc, "reg", CELLS(0, 0x09010000, 0, 0x1000));
	expect_u32(rtc, "clocks", u32_of("/clock-24000000", "phandle"));
	expect_strings(rtc, "clock-names", "apb_pclk");
	expect_absent(rtc, "interrupts");
}

Test(fdt, the_power_button_is_a_key_on_a_pl061)
{
	static const char gpio[] = "/gpio@9030000";
	static const char key[] = "/gpio-keys/key-power";

	build();
	expect_strings(gpio, "compatible", "arm,pl061\0arm,primecell");
	expect_cells(gpio, "reg", CELLS(0, 0x09030000, 0, 0x1000));
	expect_cells(gpio, "interrupts", CELLS(0, 7, 4));
	expect_u32(gpio, "#gpio-cells", 2);
	node(gpio);
	expect_u32(gpio, "clocks", u32_of("/clock-24000000", "phandle"));
	expect_strings(gpio, "clock-names", "apb_pclk");
	expect_strings("/gpio-keys", "compatible", "gpio-keys");
	expect_u32(key, "linux,code", 116);
	expect_cells(key, "gpios", CELLS(u32_of(gpio, "phandle"), 3, 0));
}

Test(fdt, hvc_blk_has_an_edge_interrupt_a_cpu)
{
	static const struct irq_line lines[] = { { .intid = 34 }, { .intid = 40 } };
	static const char hvc[] = "/hvc-blk@b000000";

	build();
	expect_no_node(hvc);
	config.hvc_base = LAYOUT_HVC_BASE;
	config.hvc_size = LAYOUT_HVC_SIZE;
	config.hvc_lines = lines;
	build();
	expect_strings(hvc, "compatible", "arcvisor,hvc-blk");
	expect_cells(hvc, "reg", CELLS(0, 0x0b000000, 0, 0x20000));
	expect_cells(hvc, "interrupts", CELLS(0, 2, 1, 0, 8, 1));
}

static void expect_dtc_is_content(void);

Test(fdt, virtio_windows_have_an_edge_interrupt_each)
{
	static const struct irq_line lines[] = { { .intid = 48, .trigger = IRQ_EDGE_RISING },
						 { .intid = 50, .trigger = IRQ_EDGE_RISING } };
	static const char second[] = "/virtio_mmio@a000200";

	build();
	expect_no_node("/virtio_mmio@a000000");
	config.nr_virtio = 2;
	for (unsigned int i = 0; i < 2; i++)
		config.virtio[i] = (struct fdt_virtio){
			.base = LAYOUT_VIRTIO_BASE + i * LAYOUT_VIRTIO_EACH,
			.size = LAYOUT_VIRTIO_EACH,
			.line = &lines[i],
		};
	build();
	expect_cells("/virtio_mmio@a000000", "interrupts", CELLS(0, 16, 1));
	expect_strings(second, "compatible", "virtio,mmio");
	expect_cells(second, "reg", CELLS(0, 0x0a000200, 0, 0x200));
	expect_cells(second, "interrupts", CELLS(0, 18, 1));
	expect_flag(second, "dma-coherent");
	test_dir_init();
	expect_dtc_is_content();
	test_dir_fini();
}

Test(fdt, the_clock_is_fixed_at_24_mhz)
{
	build();
	expect_strings("/clock-24000000", "compatible", "fixed-clock");
	expect_u32("/clock-24000000", "#clock-cells", 0);
	expect_u32("/clock-24000000", "clock-frequency", 24000000);
	cr_expect_neq(u32_of("/clock-24000000", "phandle"), u32_of("/", "interrupt-parent"));
}

Test(fdt, devices_that_are_not_there_have_no_node)
{
	config.has_uart = false;
	build();
	expect_no_node("/serial@9000000");
	node("/clock-24000000");
	config.has_rtc = false;
	build();
	expect_no_node("/rtc@9010000");
	node("/clock-24000000");
	config.has_gpio = false;
	build();
	expect_no_node("/gpio@9030000");
	expect_no_node("/gpio-keys");
	expect_no_node("/clock-24000000");
	config.has_uart = true;
	build();
	node("/serial@9000000");
	node("/clock-24000000");
}

Test(fdt, every_smaller_buffer_is_refused_and_kept_to)
{
	void *small;
	size_t size, got;

	config.nr_cpus = 1;
	build();
	for (size = 0; size < used; size++) {
		/* Of the very size, so that the sanitizer sees a byte too far. */
		small = malloc(size ? size : 1);
		cr_assert_not_null(small);
		cr_expect_eq(fdt_build(&config, small, size, &got), -ENOSPC, "%zu", size);
		free(small);
	}
}

Test(fdt, a_small_tree_leaves_most_of_its_buffer_untouched)
{
	const uint8_t *bytes = blob;
	size_t i;

	build();
	cr_assert_lt(used, 16 * KIB);
	for (i = 16 * KIB; i < FDT_MAX_SIZE; i++)
		cr_assert_eq(bytes[i], 0xa5, "%zu", i);
}

Test(fdt, the_largest_machine_fits)
{
	char cmdline[2048];

	memset(cmdline, 'x', sizeof(cmdline) - 1);
	cmdline[sizeof(cmdline) - 1] = '\0';
	config.cmdline = cmdline;
	config.nr_cpus = 512;
	build();
	cr_expect_eq(fdt_check_full(blob, used), 0);
	expect_bytes("/chosen", "bootargs", cmdline, sizeof(cmdline));
	cr_expect_lt(used, FDT_MAX_SIZE / 2);
}

Test(fdt, a_command_line_beyond_any_tree_is_refused)
{
	size_t len = 2 * FDT_MAX_SIZE;
	char *cmdline = malloc(len + 1);

	cr_assert_not_null(cmdline);
	memset(cmdline, 'x', len);
	cmdline[len] = '\0';
	config.cmdline = cmdline;
	cr_expect_eq(fdt_build(&config, blob, FDT_MAX_SIZE, &used), -ENOSPC);
	free(cmdline);
}

Test(fdt, the_same_machine_gives_the_same_bytes)
{
	uint8_t *first;
	size_t len;

	build();
	len = used;
	first = malloc(len);
	cr_assert_not_null(first);
	memcpy(first, blob, len);
	memset(blob, 0x5a, FDT_MAX_SIZE);
	build();
	cr_expect_eq(used, len);
	cr_expect(!memcmp(first, blob, len));
	free(first);
}

/* Has dtc decompile the blob: it checks each node against the specification as it does so. */
static void expect_dtc_is_content(void)
{
	char command[256], said[1024];
	FILE *pipe;
	size_t len;

	build();
	snprintf(command, sizeof(command), "dtc -I dtb -O dts -o /dev/null %s 2>&1",
		 test_file("tree.dtb", blob, used, used));
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	len = fread(said, 1, sizeof(said) - 1, pipe);
	said[len] = '\0';
	cr_expect_eq(pclose(pipe), 0);
	cr_expect_str_empty(said, "%u CPUs, initrd %d, uart %d, rtc %d: %s", config.nr_cpus,
			    !!config.initrd_size, config.has_uart, config.has_rtc, said);
}

Test(fdt, dtc_has_no_complaint)
{
	static const unsigned int cpus[] = { 1, 17, 40, 512 };
	unsigned int i, devices;

	config.redist[1] = (struct fdt_redist){ LAYOUT_GICR2_BASE, LAYOUT_GICR2_SIZE };
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		config.nr_cpus = cpus[i];
		config.nr_redist = cpus[i] > 123 ? 2 : 1;
		for (devices = 0; devices < 16; devices++) {
			test_dir_init();
			config.has_uart = devices & 1;
			config.has_rtc = devices & 2;
			config.has_gpio = devices & 8;
			config.initrd_size = devices & 4 ? 0x1000 : 0;
			expect_dtc_is_content();
			test_dir_fini();
		}
	}
}

Test(fdt, pmu_only_where_the_guest_has_one)
{
	build();
	expect_no_node("/pmu");

	config.has_pmu = true;
	build();
	expect_strings("/pmu", "compatible", "arm,armv8-pmuv3");
	expect_cells("/pmu", "interrupts", CELLS(1, 7, 4));
}

Test(fdt, an_its_is_a_child_of_the_interrupt_controller)
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
Test(fdt, the_interrupt_controller_is_a_gicv2)
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
Test(fdt, private_interrupts_of_a_gicv2_name_their_cpus)
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

Test(fdt, caches_are_as_the_host_has_them)
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

Test(fdt, no_word_of_caches_that_are_not_known)
{
	static const struct caches none;

	config.caches = &none;
	build();
	expect_absent("/cpus/cpu@0", "next-level-cache");
	expect_absent("/cpus/cpu@0", "d-cache-size");
	expect_no_node("/cpus/l3-cache");
}

/* Each phandle names one node, whatever the number of CPUs. */
Test(fdt, caches_of_512_cpus_have_phandles_of_their_own)
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
