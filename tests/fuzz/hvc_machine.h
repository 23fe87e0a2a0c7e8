/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with hypercall disks over the oracle of blk_oracle.h, called through its MMIO twin. */
#ifndef ARCVISOR_TESTS_FUZZ_HVC_MACHINE_H
#define ARCVISOR_TESTS_FUZZ_HVC_MACHINE_H

#include "backend/backend.h"
#include "blk_oracle.h"
#include "hvc/hvc_blk.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE 0x20000ull
#define RAM_TOP	 (RAM_BASE + 2 * RAM_SIZE) /* two regions that touch */

static struct {
	struct gmem mem;
	struct irq_line line;
	struct disk *disks[2];
	struct hvc_blk *blk;
} machine;

static int no_irq(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	(void)level;
	return 0;
}

static const struct backend_ops irq_only = { .irq_set = no_irq };

static void machine_init_mode(enum disk_mode mode)
{
	struct hvc_blk_config config = {
		.mem = &machine.mem,
		.nr_vcpus = 1,
		.disks = machine.disks,
		.nr_disks = 2,
		.lines = &machine.line,
		.has_mmio = true,
	};

	gmem_init(&machine.mem);
	fuzz_check(gmem_add(&machine.mem, RAM_BASE, RAM_SIZE) == 0);
	fuzz_check(gmem_add(&machine.mem, RAM_BASE + RAM_SIZE, RAM_SIZE) == 0);
	oracle_init(&machine.mem);
	oracle.disks[0].config.mode = mode;
	machine.disks[0] = &oracle.disks[0];
	machine.disks[1] = &oracle.disks[1];
	irq_line_init(&machine.line, &irq_only, NULL, 40, IRQ_EDGE_RISING);
	fuzz_check(hvc_blk_create(&config, &machine.blk) == 0);
	fuzz_check(hvc_blk_open(machine.blk) == 0);
	fuzz_check(hvc_blk_attach(machine.blk, 0) == 0);
}

static inline void machine_init(void)
{
	machine_init_mode(DISK_MODE_AUTO);
}

static void machine_fini(void)
{
	hvc_blk_drain(machine.blk, 0);
	hvc_blk_destroy(machine.blk);
	gmem_fini(&machine.mem);
}

/* X0, or 0 where the block itself is not in memory. */
static int64_t machine_call(gpa_t at, uint32_t function, const uint64_t *args)
{
	struct hvc_blk_mmio_call call = { .function = function };

	memcpy(call.x, args, sizeof(call.x));
	if (gmem_write_obj(&machine.mem, at, &call) < 0)
		return 0;
	hvc_blk_mmio_ops.write(machine.blk, HVC_BLK_MMIO_CALL, 8, at);
	return gmem_read_obj(&machine.mem, at, &call) < 0 ? 0 : (int64_t)call.ret[0];
}

/* An address that is likely to be near an edge of something. */
static inline gpa_t machine_gpa(struct fuzz_input *in)
{
	static const gpa_t edges[] = { RAM_BASE, RAM_BASE + RAM_SIZE, RAM_TOP, 0, UINT64_MAX };
	uint8_t how = fuzz_u8(in);

	if (how < 128)
		return RAM_BASE + (fuzz_u32(in) % (2 * RAM_SIZE) & ~63ull);
	if (how < 250)
		return edges[how % 5] + (uint64_t)(int64_t)(int16_t)(fuzz_u32(in) & 0xffff);
	return fuzz_u64(in);
}

#endif
