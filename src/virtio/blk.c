/* SPDX-License-Identifier: Apache-2.0 */
/* The block device: what it offers, its configuration, its queues (virtio 1.2 section 5.2). */
#include "virtio/blk.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/util.h"
#include "blk_internal.h"

/* Section 5.2.4. */
struct blk_config {
	uint64_t capacity;
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads, sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp; /* physical block = blk_size << this */
	uint8_t alignment_offset;
	uint16_t min_io_size; /* in blocks */
	uint32_t opt_io_size;
	uint8_t writeback;
	uint8_t unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
	uint32_t max_write_zeroes_sectors;
	uint32_t max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
};

_Static_assert(sizeof(struct blk_config) == 64, "the last 4 bytes are padding");
_Static_assert(offsetof(struct blk_config, writeback) == 32, "virtio 1.2 section 5.2.4");
_Static_assert(offsetof(struct blk_config, unused1) == 57, "virtio 1.2 section 5.2.4");

#define CONFIG_SIZE 60u

static struct vblk *to_vblk(struct virtio_device *dev)
{
	return (struct vblk *)(void *)dev;
}

/* ---- configuration --------------------------------------------------------------------------- */

static uint32_t sectors32(uint64_t bytes)
{
	uint64_t sectors = bytes >> SECTOR_SHIFT;

	return sectors < UINT32_MAX ? (uint32_t)sectors : UINT32_MAX;
}

static uint8_t block_exp(const struct disk_limits *limits)
{
	uint32_t ratio = limits->physical_block / limits->logical_block;

	return ratio ? (uint8_t)(31 - __builtin_clz(ratio)) : 0;
}

static void fill_config(const struct vblk *vblk, struct blk_config *config)
{
	const struct disk_limits *limits = disk_limits(vblk->disk);
	uint32_t min_io = limits->io_min / limits->logical_block;

	*config = (struct blk_config){
		.capacity = vblk->capacity,
		.size_max = VBLK_SIZE_MAX,
		.seg_max = VBLK_SEG_MAX,
		.blk_size = limits->logical_block,
		.physical_block_exp = block_exp(limits),
		.min_io_size = min_io < UINT16_MAX ? (uint16_t)min_io : UINT16_MAX,
		.opt_io_size = limits->io_opt / limits->logical_block,
		.writeback = disk_write_back(vblk->disk),
		.num_queues = (uint16_t)vblk->dev.nr_queues,
	};
	if (limits->discard) {
		config->max_discard_sectors = sectors32(limits->max_discard);
		config->max_discard_seg = 1;
		config->discard_sector_alignment =
			sectors32(limits->discard_granularity > limits->logical_block
					  ? limits->discard_granularity
					  : limits->logical_block);
	}
	if (limits->write_zeroes) {
		config->max_write_zeroes_sectors = sectors32(limits->max_write_zeroes);
		config->max_write_zeroes_seg = 1;
		config->write_zeroes_may_unmap = limits->discard;
	}
}

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	struct blk_config config;

	fill_config(to_vblk(dev), &config);
	virtio_config_read(&config, CONFIG_SIZE, offset, buf, len);
}

/* Section 5.2.5: the cache's mode is the one field that is the driver's. */
static void write_config(struct virtio_device *dev, uint32_t offset, const void *buf, uint32_t len)
{
	struct vblk *vblk = to_vblk(dev);

	if (len == 1 && offset == offsetof(struct blk_config, writeback) &&
	    (dev->features & BIT64(VBLK_F_CONFIG_WCE)))
		disk_set_write_back(vblk->disk, *(const uint8_t *)buf & 1);
}

static uint64_t features_of(const struct disk_limits *limits, unsigned int nr_queues)
{
	uint64_t features = BIT64(VBLK_F_SIZE_MAX) | BIT64(VBLK_F_SEG_MAX) |
			    BIT64(VBLK_F_BLK_SIZE) | BIT64(VBLK_F_FLUSH) | BIT64(VBLK_F_TOPOLOGY) |
			    BIT64(VBLK_F_CONFIG_WCE);

	if (limits->read_only)
		features |= BIT64(VBLK_F_RO);
	if (nr_queues > 1)
		features |= BIT64(VBLK_F_MQ);
	if (limits->discard && !limits->read_only)
		features |= BIT64(VBLK_F_DISCARD);
	if (limits->write_zeroes && !limits->read_only)
		features |= BIT64(VBLK_F_WRITE_ZEROES);
	return features;
}

void vblk_resized(struct vblk *vblk)
{
	vblk->dev.port->config_begin(vblk->dev.port_ctx);
	vblk->capacity = disk_size(vblk->disk) >> SECTOR_SHIFT;
	vblk->dev.port->config_end(vblk->dev.port_ctx);
}

/* ---- what the transport asks for ------------------------------------------------------------- */

/* Section 5.2.5.2: a driver that cannot flush is one whose writes must be durable. */
static void start(struct virtio_device *dev, uint64_t features)
{
	uint64_t caches = BIT64(VBLK_F_FLUSH) | BIT64(VBLK_F_CONFIG_WCE);

	if (!(features & caches))
		disk_set_write_back(to_vblk(dev)->disk, false);
	atomic_store(&to_vblk(dev)->started, true);
}

static void stop(struct virtio_device *dev)
{
	atomic_store(&to_vblk(dev)->started, false);
	disk_set_write_back(to_vblk(dev)->disk, true);
}

/*
 * What is on this thread's own lane is completed here, so that two threads which wait for each
 * other's requests have none; the rest is completed by whoever submitted it.
 */
static void queue_stop(struct virtio_device *dev, unsigned int index)
{
	struct vblk_queue *queue = &to_vblk(dev)->queues[index];
	struct vblk_lane *lane = vblk_lane_current();

	if (lane)
		vblk_lane_drain(lane);
	pthread_mutex_lock(&queue->vq->lock);
	queue->waiters++;
	while (queue->in_flight)
		pthread_cond_wait(&queue->idle, &queue->vq->lock);
	queue->waiters--;
	pthread_mutex_unlock(&queue->vq->lock);
}

static void kick(struct virtio_device *dev, unsigned int index)
{
	struct vblk *vblk = to_vblk(dev);
	struct vblk_lane *lane = vblk_lane_current();

	if (vblk->doorbell >= 0)
		(void)eventfd_write(vblk->doorbell, 1); /* full: it was rung already */
	else if (lane)
		vblk_serve(lane, &vblk->queues[index], true);
}

static void attached(struct virtio_device *dev)
{
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		to_vblk(dev)->queues[i].vq = &dev->queues[i];
}

static const struct virtio_device_ops vblk_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
	.write_config = write_config,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int init_queue(struct vblk *vblk, unsigned int index)
{
	struct vblk_queue *queue = &vblk->queues[index];

	queue->vblk = vblk;
	/* Many pages, of which a queue that is never deep touches few: see get_req_locked(). */
	queue->reqs = calloc(VBLK_QUEUE_SIZE, sizeof(*queue->reqs));
	if (!queue->reqs)
		return -ENOMEM;
	pthread_cond_init(&queue->idle, NULL);
	return 0;
}

int vblk_create(struct disk *disk, unsigned int nr_queues, struct vblk **out)
{
	struct vblk *vblk = calloc(1, sizeof(*vblk) + nr_queues * sizeof(vblk->queues[0]));
	int ret = 0;

	assert(nr_queues && nr_queues <= VIRTIO_MAX_QUEUES);
	if (!vblk)
		return -ENOMEM;
	vblk->disk = disk;
	vblk->doorbell = -1;
	vblk->capacity = disk_size(disk) >> SECTOR_SHIFT;
	vblk->dev = (struct virtio_device){
		.ops = &vblk_ops,
		.id = VIRTIO_ID_BLOCK,
		.features = features_of(disk_limits(disk), nr_queues),
		.nr_queues = nr_queues,
		.queue_size = VBLK_QUEUE_SIZE,
	};
	for (unsigned int i = 0; ret == 0 && i < nr_queues; i++)
		ret = init_queue(vblk, i);
	if (ret < 0) {
		vblk_destroy(vblk);
		return ret;
	}
	*out = vblk;
	return 0;
}

void vblk_destroy(struct vblk *vblk)
{
	if (!vblk)
		return;
	for (unsigned int i = 0; i < vblk->dev.nr_queues; i++) {
		if (!vblk->queues[i].reqs)
			continue;
		pthread_cond_destroy(&vblk->queues[i].idle);
		free(vblk->queues[i].reqs);
	}
	free(vblk);
}

struct virtio_device *vblk_device(struct vblk *vblk)
{
	return &vblk->dev;
}

struct disk *vblk_disk(const struct vblk *vblk)
{
	return vblk->disk;
}
