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

#include "virtio/blk.h"
#include "virtio_machine.h"

#define DISK_SIZE (64u << 10)
#define STEPS	  200u
#define QUEUES	  2u

static struct {
	struct disk_config config;
	struct disk *disk;
	struct vblk *vblk;
	struct vblk_lane *lane;
	char path[64];
} rig;

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
	machine_init();
	fuzz_check(vblk_create(rig.disk, QUEUES, &rig.vblk) == 0);
	machine_add(vblk_device(rig.vblk));
	open_lane();
}

static void destroy(void)
{
	vblk_lane_drain(rig.lane);
	vblk_lane_detach();
	vblk_lane_destroy(rig.lane);
	virtio_mmio_destroy(machine.mmio);
	vblk_destroy(rig.vblk);
	disk_close(rig.disk);
	gmem_fini(&machine.mem);
}

/* What the driver leaves, of EVENT_IDX and indirect descriptors. */
static uint64_t features_left(struct fuzz_input *in)
{
	return (fuzz_u8(in) & 0x3ull) << 28;
}

static void write_request(struct fuzz_input *in)
{
	static const uint32_t types[] = { 0, 1, 4, 8, 11, 13, 10, 14 };
	const uint64_t header[2] = { types[fuzz_upto(in, 7)],
				     fuzz_u8(in) & 1 ? fuzz_u64(in) : fuzz_u8(in) };

	(void)gmem_write_obj(&machine.mem, near_ram(in), &header);
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
		write_desc(in, 16);
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

	make();
	bring_up(&in, features_left(&in), QUEUES);
	for (unsigned int i = 0; in.left && i < STEPS; i++)
		step(&in);
	check_reset(&in, features_left(&in), QUEUES);
	destroy();
	return 0;
}
