/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest is told: VERSION, DEV_INFO, GET_ID. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "hvc_blk_internal.h"

static const char model[] = "arcvisor hvc-blk";

_Static_assert(DISK_SERIAL_MAX <= sizeof(((struct hvc_blk_id *)0)->serial), "serial");

static uint64_t features(const struct hvc_blk *blk)
{
	uint64_t bits = HVC_BLK_F_RINGS | HVC_BLK_F_INLINE | HVC_BLK_F_IRQ_REAP |
			HVC_BLK_F_GUEST_POLL | HVC_BLK_F_FUA | HVC_BLK_F_RESIZE;

	if (blk->config.has_mmio)
		bits |= HVC_BLK_F_MMIO;
	for (unsigned int i = 0; i < blk->config.nr_disks; i++) {
		const struct disk_limits *limits = disk_limits(blk->disks[i].disk);

		if (blk->disks[i].poller)
			bits |= HVC_BLK_F_HOST_POLL;
		if (limits->discard)
			bits |= HVC_BLK_F_DISCARD;
		if (limits->write_zeroes)
			bits |= HVC_BLK_F_WRITE_ZEROES;
	}
	return bits;
}

void hvc_version(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	(void)args;
	reply->nr = 3;
	reply->ret[0] = HVC_BLK_VERSION_2_0;
	reply->ret[1] = features(vcpu->blk);
	reply->ret[2] = (uint64_t)HVC_BLK_MAX_QUEUES << 32 | HVC_BLK_MAX_ENTRIES;
}

static uint32_t device_flags(struct disk *disk, const struct disk_limits *limits)
{
	uint32_t flags = HVC_BLK_DEV_FUA;

	if (limits->read_only)
		flags |= HVC_BLK_DEV_READ_ONLY;
	if (disk_write_back(disk))
		flags |= HVC_BLK_DEV_WRITE_CACHE;
	if (limits->discard)
		flags |= HVC_BLK_DEV_DISCARD;
	if (limits->write_zeroes)
		flags |= HVC_BLK_DEV_WRITE_ZEROES;
	if (limits->rotational)
		flags |= HVC_BLK_DEV_ROTATIONAL;
	return flags;
}

/* Bytes that the host takes at once, as whole logical blocks in sectors. */
static uint32_t sectors_of(uint64_t bytes, uint32_t logical_block)
{
	uint64_t most = (uint64_t)UINT32_MAX * HVC_BLK_SECTOR;

	return (uint32_t)(align_down(bytes < most ? bytes : most, logical_block) / HVC_BLK_SECTOR);
}

static void fill_info(struct hvc_disk *disk, struct hvc_blk_device_info *info)
{
	const struct disk_limits *limits = disk_limits(disk->disk);
	/* Before the size is read: who changes it counts up afterwards. */
	uint32_t generation = atomic_load_explicit(&disk->generation, memory_order_acquire);

	*info = (struct hvc_blk_device_info){
		.size = sizeof(*info),
		.flags = device_flags(disk->disk, limits),
		.sectors = disk_size(disk->disk) / HVC_BLK_SECTOR,
		.logical_block = limits->logical_block,
		.physical_block = limits->physical_block,
		.io_min = limits->io_min,
		.io_opt = limits->io_opt,
		.max_sectors = HVC_MAX_SECTORS,
		.max_segments = HVC_BLK_MAX_SEGMENTS,
		.max_segment_bytes = HVC_MAX_SEGMENT_BYTES,
		.dma_alignment = limits->dma_alignment,
		.discard_granularity = limits->discard_granularity,
		.max_queues = HVC_BLK_MAX_QUEUES,
		.generation = generation,
	};
	if (limits->discard)
		info->max_discard = sectors_of(limits->max_discard, limits->logical_block);
	if (limits->write_zeroes)
		info->max_write_zeroes =
			sectors_of(limits->max_write_zeroes, limits->logical_block);
	atomic_store_explicit(&disk->told, generation, memory_order_relaxed);
	/* It takes CONFIG_CHANGED away. */
	if (disk->poller)
		hvc_poll_wake(disk->poller);
}

static int64_t dev_info(struct hvc_vcpu *vcpu, const uint64_t *args)
{
	struct hvc_disk *disk = hvc_disk(vcpu->blk, args[0]);
	struct hvc_blk_device_info info;
	uint64_t size = args[2] < sizeof(info) ? args[2] : sizeof(info);
	int ret;

	if (!disk)
		return -ENODEV;
	if (!size)
		return -EINVAL;
	fill_info(disk, &info);
	info.size = (uint32_t)size;
	ret = gmem_write(vcpu->blk->config.mem, args[1], &info, size);
	return ret < 0 ? ret : (int64_t)size;
}

void hvc_dev_info(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	hvc_answer(reply, dev_info(vcpu, args));
}

void hvc_get_id(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	struct hvc_disk *disk = hvc_disk(vcpu->blk, args[0]);
	struct hvc_blk_id id = { 0 };
	const char *serial;

	if (!disk) {
		hvc_answer(reply, -ENODEV);
		return;
	}
	serial = disk_config(disk->disk)->serial;
	memcpy(id.serial, serial, strlen(serial));
	memcpy(id.model, model, sizeof(model) - 1);
	hvc_answer(reply, gmem_write_obj(vcpu->blk->config.mem, args[1], &id));
}
