/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device on its MMIO transport and the memory of its guest, for fuzz targets: what a
 * driver does, where the input says how. The device itself is the target's.
 */
#ifndef ARCVISOR_FUZZ_VIRTIO_MACHINE_H
#define ARCVISOR_FUZZ_VIRTIO_MACHINE_H

#include "input.h"
#include "virtio/mmio.h"

#define RAM_BASE    0x40000000u
#define RAM_SIZE    (256u << 10)
#define PAGE	    0x1000u
#define QUEUE_PAGES 4u /* a queue's descriptors, driver and device area, and how far they shift */

static struct {
	struct gmem mem;
	struct irq_line line;
	struct virtio_mmio *mmio;
} machine;

static inline int no_irq(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	(void)level;
	return 0;
}

static inline void machine_init(void)
{
	static const struct backend_ops irq_ops = { .irq_set = no_irq };

	gmem_init(&machine.mem);
	fuzz_check(gmem_add(&machine.mem, RAM_BASE, RAM_SIZE) == 0);
	irq_line_init(&machine.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
}

static inline void machine_add(struct virtio_device *dev)
{
	fuzz_check(virtio_mmio_create(dev, &machine.mem, &machine.line, &machine.mmio) == 0);
}

static inline void put(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(machine.mmio, reg, 4, val);
}

/* All that the device offers, but the features in @without. */
static inline void negotiate(uint64_t without)
{
	put(0x70, 0);
	put(0x70, 3);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x14, half);
		put(0x24, half);
		put(0x20, (uint32_t)virtio_mmio_ops.read(machine.mmio, 0x10, 4) &
				  ~(uint32_t)(without >> (32 * half)));
	}
	put(0x70, 0xb);
}

/* As a driver does it; where the queues lie is the input's. */
static inline void bring_up(struct fuzz_input *in, uint64_t without, unsigned int queues)
{
	negotiate(without);
	for (uint32_t queue = 0; queue < queues; queue++) {
		gpa_t base = RAM_BASE + queue * QUEUE_PAGES * PAGE + (fuzz_u8(in) & 0x3) * PAGE;

		put(0x30, queue);
		put(0x38, 1u << (fuzz_u8(in) % 9));
		put(0x80, (uint32_t)base);
		put(0x90, (uint32_t)base + PAGE);
		put(0xa0, (uint32_t)base + 2 * PAGE);
		put(0x44, 1);
	}
	put(0x70, 0xf);
}

/* Whatever a driver did, a reset makes a device of it again. */
static inline void check_reset(struct fuzz_input *in, uint64_t without, unsigned int queues)
{
	bring_up(in, without, queues);
	fuzz_check((virtio_mmio_ops.read(machine.mmio, 0x70, 4) & ~0x40u) == 0xf);
}

/* Most guest addresses that a fuzzer makes up are none: these are near RAM. */
static inline gpa_t near_ram(struct fuzz_input *in)
{
	uint32_t val = fuzz_u32(in);

	return val & 0x80000000u ? fuzz_u64(in) : RAM_BASE + val % (RAM_SIZE + PAGE);
}

static inline void write_memory(struct fuzz_input *in)
{
	uint8_t bytes[64];
	gpa_t at = near_ram(in);
	unsigned int len = fuzz_upto(in, sizeof(bytes));

	fuzz_take(in, bytes, len);
	(void)gmem_write(&machine.mem, at, bytes, len);
}

/* A descriptor that is likely to be right, in one of the first @pages. */
static inline void write_desc(struct fuzz_input *in, unsigned int pages)
{
	struct virtq_desc desc = { .addr = near_ram(in) };
	gpa_t table = RAM_BASE + fuzz_upto(in, pages - 1) * PAGE;
	unsigned int slot = fuzz_u8(in);

	desc.len = fuzz_u8(in) & 1 ? fuzz_u32(in) : fuzz_u8(in) * 16u;
	desc.flags = fuzz_u8(in) & 7;
	desc.next = fuzz_u8(in);
	(void)gmem_write_obj(&machine.mem, table + slot * sizeof(desc), &desc);
}

/* A few more entries of the available ring, and the doorbell. */
static inline void offer(struct fuzz_input *in, unsigned int queue)
{
	gpa_t avail = RAM_BASE + (queue * QUEUE_PAGES + 1 + fuzz_upto(in, 3)) * PAGE;
	unsigned int nr = fuzz_upto(in, 8);
	uint16_t idx = 0;

	(void)gmem_read16(&machine.mem, avail + 2, &idx);
	(void)gmem_write16(&machine.mem, avail + 4 + 2 * (fuzz_u8(in) & 0x1f), fuzz_u8(in));
	(void)gmem_write16(&machine.mem, avail + 2, (uint16_t)(idx + nr));
	put(0x50, queue);
}

static inline void access_register(struct fuzz_input *in)
{
	static const uint8_t lens[] = { 1, 2, 4, 8 };
	unsigned int len = lens[fuzz_upto(in, 3)];
	uint64_t reg = fuzz_u8(in) * 4 % (VIRTIO_MMIO_SIZE - 8) + (fuzz_u8(in) & 1);
	uint64_t val = fuzz_u8(in) & 1 ? near_ram(in) : fuzz_u8(in);

	virtio_mmio_ops.write(machine.mmio, reg, len, val);
	(void)virtio_mmio_ops.read(machine.mmio, reg, len);
}

#endif
