/* SPDX-License-Identifier: Apache-2.0 */
#include "fdt_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/layout.h"
#include "boot_test.h"

struct gmem mem;
struct fdt_config config;
uint8_t seed[FDT_SEED_SIZE];
void *blob;
size_t used;

void tree_setup(void)
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
		.has_watchdog = true,
		.watchdog_control = LAYOUT_WDT_CTRL,
		.watchdog_refresh = LAYOUT_WDT_BASE,
		.watchdog_size = 0x1000,
		.watchdog_intid = GIC_SPI_BASE + LAYOUT_WDT_SPI,
		.cmdline = "console=ttyAMA0 root=/dev/vda",
		.initrd_base = 0x42200000,
		.initrd_size = 0x1234567,
		.seed = seed,
	};
	blob = malloc(FDT_MAX_SIZE);
	cr_assert_not_null(blob);
	memset(blob, 0xa5, FDT_MAX_SIZE);
}

void tree_teardown(void)
{
	free(blob);
}

void build(void)
{
	cr_assert_eq(fdt_build(&config, blob, FDT_MAX_SIZE, &used), 0);
}

int node(const char *path)
{
	int offset = fdt_path_offset(blob, path);

	cr_assert_geq(offset, 0, "no %s", path);
	return offset;
}

void expect_no_node(const char *path)
{
	cr_expect_eq(fdt_path_offset(blob, path), -FDT_ERR_NOTFOUND, "%s", path);
}

void expect_absent(const char *path, const char *name)
{
	cr_expect_null(fdt_getprop(blob, node(path), name, NULL), "%s %s", path, name);
}

void expect_bytes(const char *path, const char *name, const void *val, size_t len)
{
	int got_len;
	const void *got = fdt_getprop(blob, node(path), name, &got_len);

	cr_assert_not_null(got, "%s %s", path, name);
	cr_assert_eq(got_len, (int)len, "%s %s", path, name);
	cr_expect(!len || !memcmp(got, val, len), "%s %s", path, name);
}

void expect_cells(const char *path, const char *name, const uint32_t *cells, size_t count)
{
	uint32_t be[64];
	size_t i;

	cr_assert_leq(count, ARRAY_SIZE(be));
	for (i = 0; i < count; i++)
		be[i] = cpu_to_fdt32(cells[i]);
	expect_bytes(path, name, be, count * sizeof(be[0]));
}

uint32_t u32_of(const char *path, const char *name)
{
	const uint32_t *val = fdt_getprop(blob, node(path), name, NULL);

	cr_assert_not_null(val, "%s %s", path, name);
	return fdt32_to_cpu(*val);
}

/* Has dtc decompile the blob: it checks each node against the specification as it does so. */
void expect_dtc_is_content(void)
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
