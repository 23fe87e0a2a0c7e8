/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtqueue and the block device's requests: the input is what a driver writes into guest
 * memory and into registers. The disk is a small file in memory; nothing is asked of a kernel's
 * KVM.
 *
 * Each step of the input is one byte that says what, and its operands.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "input.h"
#include "virtio/blk.h"
#include "virtio/mmio.h"

#define RAM_BASE  0x40000000u
#define RAM_SIZE  (256u << 10)
#define DISK_SIZE (64u << 10)
#define STEPS	  200u
#define QUEUES	  2u

static struct {
	struct gmem mem;
	struct disk_config config;
	struct disk *disk;
	struct irq_line line;
	struct vblk *vblk;
	struct virtio_mmio *mmio;
	struct vblk_lane *lane;
	char path[64];
} rig;

static int no_irq(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	(void)level;
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = no_irq };

static void no_wake(void *ctx)
{
	(void)ctx;
}

static void open_disk(void)
{
	int fd = memfd_create("fuzz-disk", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && ftruncate(fd, DISK_SIZE) == 0);
	snprintf(rig.path, sizeof(rig.path), "/proc/self/fd/%d", fd);
	rig.config = (struct disk_config){
		.path = rig.path,
		.id = "disk0",
		.serial = "fuzz",
		.engine = BLK_ENGINE_SYNC,
		.discard = true,
	};
	fuzz_check(disk_open(&rig.config, &rig.disk) == 0);
	close(fd);
}

static void open_lane(void)
{
	const struct vblk_lane_config config = {
		.wake = BLK_WAKE_SIGNAL,
		.disks = &rig.disk,
		.nr_disks = 1,
		.eventfd = -1,
		.wake_owner = no_wake,
	};

	fuzz_check(vblk_lane_create(&config, &rig.lane) == 0);
	fuzz_check(vblk_lane_attach(rig.lane) == 0);
}

static void make(void)
{
	open_disk();
	gmem_init(&rig.mem);
	fuzz_check(gmem_add(&rig.mem, RAM_BASE, RAM_SIZE) == 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	fuzz_check(vblk_create(rig.disk, QUEUES, &rig.vblk) == 0);
	fuzz_check(virtio_mmio_create(vblk_device(rig.vblk), &rig.mem, &rig.line, &rig.mmio) == 0);
	open_lane();
}

static void destroy(void)
{
	vblk_lane_drain(rig.lane);
	vblk_lane_detach();
	vblk_lane_destroy(rig.lane);
	virtio_mmio_destroy(rig.mmio);
	vblk_destroy(rig.vblk);
	disk_close(rig.disk);
	gmem_fini(&rig.mem);
}

static void put(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig.mmio, reg, 4, val);
}

/* As a driver does it; where the queue lies is the input's. */
static void bring_up(struct fuzz_input *in)
{
	uint32_t without = fuzz_u8(in) & 0x3; /* of EVENT_IDX and indirect descriptors */

	put(0x70, 0);
	put(0x70, 3);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x14, half);
		put(0x24, half);
		put(0x20, (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x10, 4) &
				  (half ? ~0u : ~(without << 28)));
	}
	put(0x70, 0xb);
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		gpa_t base = RAM_BASE + queue * 0x4000 + (fuzz_u8(in) & 0x3) * 0x1000;

		put(0x30, queue);
		put(0x38, 1u << (fuzz_u8(in) % 9));
		put(0x80, (uint32_t)base);
		put(0x90, (uint32_t)base + 0x1000);
		put(0xa0, (uint32_t)base + 0x2000);
		put(0x44, 1);
	}
	put(0x70, 0xf);
}

/* Most guest addresses that a fuzzer makes up are none: these are near RAM. */
static gpa_t near_ram(struct fuzz_input *in)
{
	uint32_t val = fuzz_u32(in);

	return val & 0x80000000u ? fuzz_u64(in) : RAM_BASE + val % (RAM_SIZE + 0x1000);
}

static void write_memory(struct fuzz_input *in)
{
	uint8_t bytes[64];
	gpa_t at = near_ram(in);
	unsigned int len = fuzz_upto(in, sizeof(bytes));

	fuzz_take(in, bytes, len);
	(void)gmem_write(&rig.mem, at, bytes, len);
}

/* A descriptor that is likely to be right. */
static void write_desc(struct fuzz_input *in)
{
	struct virtq_desc desc = { .addr = near_ram(in) };
	gpa_t table = RAM_BASE + fuzz_upto(in, 15) * 0x1000;
	unsigned int slot = fuzz_u8(in);

	desc.len = fuzz_u8(in) & 1 ? fuzz_u32(in) : fuzz_u8(in) * 16u;
	desc.flags = fuzz_u8(in) & 7;
	desc.next = fuzz_u8(in);
	(void)gmem_write_obj(&rig.mem, table + slot * sizeof(desc), &desc);
}

static void write_request(struct fuzz_input *in)
{
	static const uint32_t types[] = { 0, 1, 4, 8, 11, 13, 10, 14 };
	const uint64_t header[2] = { types[fuzz_upto(in, 7)],
				     fuzz_u8(in) & 1 ? fuzz_u64(in) : fuzz_u8(in) };

	(void)gmem_write_obj(&rig.mem, near_ram(in), &header);
}

static void offer(struct fuzz_input *in, unsigned int queue)
{
	gpa_t avail = RAM_BASE + queue * 0x4000 + 0x1000 + fuzz_upto(in, 3) * 0x1000;
	unsigned int nr = fuzz_upto(in, 8);
	uint16_t idx = 0;

	(void)gmem_read16(&rig.mem, avail + 2, &idx);
	(void)gmem_write16(&rig.mem, avail + 4 + 2 * (fuzz_u8(in) & 0x1f), fuzz_u8(in));
	(void)gmem_write16(&rig.mem, avail + 2, (uint16_t)(idx + nr));
	put(0x50, queue);
}

static void access_register(struct fuzz_input *in)
{
	static const uint8_t lens[] = { 1, 2, 4, 8 };
	unsigned int len = lens[fuzz_upto(in, 3)];
	uint64_t reg = fuzz_u8(in) * 4 % (VIRTIO_MMIO_SIZE - 8) + (fuzz_u8(in) & 1);
	uint64_t val = fuzz_u8(in) & 1 ? near_ram(in) : fuzz_u8(in);

	virtio_mmio_ops.write(rig.mmio, reg, len, val);
	(void)virtio_mmio_ops.read(rig.mmio, reg, len);
}

static void step(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 7)) {
	case 0:
		write_memory(in);
		break;
	case 1:
		write_request(in);
		break;
	case 2:
	case 3:
		write_desc(in);
		break;
	case 4:
		offer(in, 0);
		break;
	case 5:
		offer(in, 1);
		break;
	case 6:
		access_register(in);
		break;
	default:
		vblk_lane_reap(rig.lane);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint32_t status;

	make();
	bring_up(&in);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	/* Whatever it did, a reset makes a device of it again. */
	bring_up(&in);
	status = (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x70, 4);
	fuzz_check((status & ~0x40u) == 0xf);
	destroy();
	return 0;
}
