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
#include "fdt_tree.h"

TestSuite(fdt, .init = tree_setup, .fini = tree_teardown);

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

Test(fdt, the_watchdog_has_two_frames_and_a_level_interrupt)
{
	static const char watchdog[] = "/watchdog@9050000";

	build();
	expect_strings(watchdog, "compatible", "arm,sbsa-gwdt");
	expect_cells(watchdog, "reg", CELLS(0, 0x09050000, 0, 0x1000, 0, 0x09040000, 0, 0x1000));
	expect_cells(watchdog, "interrupts", CELLS(0, 8, 4));
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
	config.has_watchdog = false;
	build();
	expect_no_node("/watchdog@9050000");
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

Test(fdt, dtc_has_no_complaint)
{
	static const unsigned int cpus[] = { 1, 17, 40, 512 };
	unsigned int i, devices;

	config.redist[1] = (struct fdt_redist){ LAYOUT_GICR2_BASE, LAYOUT_GICR2_SIZE };
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		config.nr_cpus = cpus[i];
		config.nr_redist = cpus[i] > 123 ? 2 : 1;
		for (devices = 0; devices < 32; devices++) {
			test_dir_init();
			config.has_uart = devices & 1;
			config.has_rtc = devices & 2;
			config.has_gpio = devices & 8;
			config.has_watchdog = devices & 16;
			config.initrd_size = devices & 4 ? 0x1000 : 0;
			expect_dtc_is_content();
			test_dir_fini();
		}
	}
}
