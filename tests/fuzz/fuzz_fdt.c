/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree's writer: whatever the machine and the command line, what it makes is a valid
 * tree that fits, or an error.
 */
#include <errno.h>
#include <libfdt.h>

#include "boot/fdt.h"
#include "boot/load.h"
#include "input.h"

#define ROOM 0x20000u

/* One byte, so that the inputs kept before there was a choice mean nearly the same. */
static void take_gic(struct fuzz_input *in, struct fdt_config *config)
{
	uint8_t kind = fuzz_u8(in);

	config->gic_v2 = kind & 1 && config->nr_cpus <= BACKEND_GICV2_CPUS;
	config->gicc_base = config->gicd_base + config->gicd_size;
	config->gicc_size = config->gicd_size;
	config->its_base = kind & 2 ? config->gicd_base ^ 0x80000 : 0;
	config->its_size = config->gicd_size;
}

static void take_config(struct fuzz_input *in, struct gmem *mem, char *cmdline, uint8_t *seed,
			struct fdt_config *config)
{
	*config = (struct fdt_config){
		.nr_cpus = 1 + fuzz_u8(in) + (fuzz_u8(in) & 1) * 256u,
		.psci_smc = fuzz_u8(in) & 1,
		.has_pmu = fuzz_u8(in) & 1,
		.mem = mem,
		.gicd_base = fuzz_u64(in),
		.gicd_size = fuzz_u64(in),
		.nr_redist = 1 + fuzz_upto(in, BACKEND_MAX_REDIST_REGIONS - 1),
		.has_uart = fuzz_u8(in) & 1,
		.uart_base = fuzz_u64(in),
		.uart_size = fuzz_u64(in),
		.uart_intid = 32 + fuzz_u8(in) % 224u,
		.uart_trigger = fuzz_u8(in) & 1 ? IRQ_EDGE_RISING : IRQ_LEVEL_HIGH,
		.has_rtc = fuzz_u8(in) & 1,
		.rtc_base = fuzz_u64(in),
		.rtc_size = fuzz_u64(in),
		.initrd_base = fuzz_u64(in) >> 1,
		.initrd_size = fuzz_u64(in) >> 1,
	};
	take_gic(in, config);
	for (unsigned int i = 0; i < config->nr_redist; i++) {
		config->redist[i].base = fuzz_u64(in);
		config->redist[i].size = fuzz_u64(in);
	}
	if (fuzz_u8(in) & 1) {
		fuzz_take(in, seed, FDT_SEED_SIZE);
		config->seed = seed;
	}
	if (fuzz_u8(in) & 1) {
		fuzz_take(in, cmdline, BOOT_CMDLINE_MAX);
		config->cmdline = cmdline;
	}
}

static void check_tree(const struct fdt_config *config, const void *tree, size_t used)
{
	int chosen, len;
	const char *args;

	fuzz_check(used <= ROOM && used == fdt_totalsize(tree));
	fuzz_check(fdt_check_full(tree, used) == 0);
	chosen = fdt_path_offset(tree, "/chosen");
	fuzz_check(chosen >= 0);
	args = fdt_getprop(tree, chosen, "bootargs", &len);
	if (config->cmdline && args)
		fuzz_check(!strcmp(args, config->cmdline));
	fuzz_check(!!fdt_getprop(tree, chosen, "linux,initrd-start", NULL) ==
		   !!config->initrd_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t tree[ROOM] __attribute__((aligned(8)));
	struct gmem mem = { .nr_regions = 1 };
	struct fuzz_input in = { data, size };
	char cmdline[BOOT_CMDLINE_MAX + 1] = "";
	uint8_t seed[FDT_SEED_SIZE];
	struct fdt_config config;
	size_t room, used = 0;
	int ret;

	mem.regions[0].base = fuzz_u64(&in) >> 1;
	mem.regions[0].size = fuzz_u64(&in) >> 1;
	take_config(&in, &mem, cmdline, seed, &config);
	room = fuzz_u8(&in) & 1 ? fuzz_u32(&in) % ROOM : ROOM;
	ret = fdt_build(&config, tree, room, &used);
	fuzz_check(ret == 0 || ret == -ENOSPC || ret == -EINVAL);
	fuzz_check(ret != -ENOSPC || room < ROOM);
	if (ret == 0)
		check_tree(&config, tree, used);
	return 0;
}
