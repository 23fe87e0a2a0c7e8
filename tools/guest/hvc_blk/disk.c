// SPDX-License-Identifier: GPL-2.0
/* One disk: what it can do, its name, its size, its life. */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "hvc_blk.h"

static const struct block_device_operations hvc_blk_fops = {
	.owner = THIS_MODULE,
};

/* ---- what the host says --------------------------------------------------------------------- */

static u32 flags_of(const struct hvc_blk_disk *disk)
{
	return le32_to_cpu(disk->info->flags);
}

/* The generation that the host shows from now on is the one that was read. */
static int read_info(struct hvc_blk_disk *disk)
{
	s64 ret;

	if (disk->hb->version == 1)
		return hvc_blk_v1_read_info(disk);
	ret = hvc_blk_call(disk->hb, HVC_BLK_DEV_INFO, disk->index, virt_to_phys(disk->info),
			   sizeof(*disk->info), NULL);
	if (ret < 0)
		return (int)ret;
	WRITE_ONCE(disk->generation, le32_to_cpu(READ_ONCE(disk->info->generation)));
	return 0;
}

static void resize(struct work_struct *work)
{
	struct hvc_blk_disk *disk = container_of(work, struct hvc_blk_disk, resize);
	u64 sectors;
	int err;

	mutex_lock(&disk->info_lock);
	err = read_info(disk);
	sectors = le64_to_cpu(disk->info->sectors);
	mutex_unlock(&disk->info_lock);
	if (err)
		dev_err(disk->hb->dev, "disk %u: cannot read its new size: %d\n", disk->index, err);
	else if (disk->gd && set_capacity_and_notify(disk->gd, sectors))
		dev_info(disk->hb->dev, "%s: %llu sectors now\n", disk->gd->disk_name, sectors);
}

static ssize_t serial_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct hvc_blk_disk *disk = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%.*s\n", (int)sizeof(disk->id->serial), disk->id->serial);
}
static DEVICE_ATTR_RO(serial);

/* Any write; it returns when the queues have been reset. */
static ssize_t reset_store(struct device *dev, struct device_attribute *attr, const char *buf,
			   size_t count)
{
	struct hvc_blk_disk *disk = dev_to_disk(dev)->private_data;

	hvc_blk_disk_reset(disk);
	flush_work(&disk->reset);
	return count;
}
static DEVICE_ATTR_WO(reset);

static struct attribute *hvc_blk_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_reset.attr,
	NULL,
};

/* Version 1 has neither. */
static umode_t attr_is_visible(struct kobject *kobj, struct attribute *attr, int n)
{
	struct hvc_blk_disk *disk = dev_to_disk(kobj_to_dev(kobj))->private_data;

	return disk->hb->version == 1 ? 0 : attr->mode;
}

static const struct attribute_group hvc_blk_group = {
	.attrs = hvc_blk_attrs,
	.is_visible = attr_is_visible,
};
__ATTRIBUTE_GROUPS(hvc_blk);

/* ---- limits --------------------------------------------------------------------------------- */

static unsigned int max_segments(const struct hvc_blk_disk *disk)
{
	return min(le32_to_cpu(disk->info->max_segments), HVC_BLK_MAX_SEGS);
}

#ifdef HVC_BLK_HAS_LIMITS
static void fill_limits(const struct hvc_blk_disk *disk, struct queue_limits *lim)
{
	const struct hvc_blk_device_info *info = disk->info;

	lim->logical_block_size = le32_to_cpu(info->logical_block);
	lim->physical_block_size = le32_to_cpu(info->physical_block);
	lim->io_min = le32_to_cpu(info->io_min);
	lim->io_opt = le32_to_cpu(info->io_opt);
	lim->max_hw_sectors = le32_to_cpu(info->max_sectors);
	lim->max_segments = max_segments(disk);
	lim->max_segment_size = le32_to_cpu(info->max_segment_bytes);
	if (flags_of(disk) & HVC_BLK_DEV_DISCARD) {
		lim->max_hw_discard_sectors = le32_to_cpu(info->max_discard);
		lim->discard_granularity = le32_to_cpu(info->discard_granularity);
		lim->max_discard_segments = 1;
	}
	if (flags_of(disk) & HVC_BLK_DEV_WRITE_ZEROES)
		lim->max_write_zeroes_sectors = le32_to_cpu(info->max_write_zeroes);
#ifdef HVC_BLK_HAS_FEATURES
	if (flags_of(disk) & HVC_BLK_DEV_WRITE_CACHE)
		lim->features |= BLK_FEAT_WRITE_CACHE;
	if (flags_of(disk) & HVC_BLK_DEV_FUA)
		lim->features |= BLK_FEAT_FUA;
	if (flags_of(disk) & HVC_BLK_DEV_ROTATIONAL)
		lim->features |= BLK_FEAT_ROTATIONAL;
#endif
}

static struct gendisk *alloc_disk(struct hvc_blk_disk *disk)
{
	struct queue_limits lim = { };

	fill_limits(disk, &lim);
	return blk_mq_alloc_disk(&disk->set, &lim, disk);
}
#else
static void set_limits(const struct hvc_blk_disk *disk, struct request_queue *rq)
{
	const struct hvc_blk_device_info *info = disk->info;

	blk_queue_logical_block_size(rq, le32_to_cpu(info->logical_block));
	blk_queue_physical_block_size(rq, le32_to_cpu(info->physical_block));
	if (info->io_min)
		blk_queue_io_min(rq, le32_to_cpu(info->io_min));
	if (info->io_opt)
		blk_queue_io_opt(rq, le32_to_cpu(info->io_opt));
	blk_queue_max_hw_sectors(rq, le32_to_cpu(info->max_sectors));
	blk_queue_max_segments(rq, max_segments(disk));
	blk_queue_max_segment_size(rq, le32_to_cpu(info->max_segment_bytes));
	if (flags_of(disk) & HVC_BLK_DEV_DISCARD) {
		blk_queue_max_discard_sectors(rq, le32_to_cpu(info->max_discard));
		blk_queue_max_discard_segments(rq, 1);
		rq->limits.discard_granularity = le32_to_cpu(info->discard_granularity);
	}
	if (flags_of(disk) & HVC_BLK_DEV_WRITE_ZEROES)
		blk_queue_max_write_zeroes_sectors(rq, le32_to_cpu(info->max_write_zeroes));
}

static struct gendisk *alloc_disk(struct hvc_blk_disk *disk)
{
	struct gendisk *gd = blk_mq_alloc_disk(&disk->set, disk);

	if (!IS_ERR(gd))
		set_limits(disk, gd->queue);
	return gd;
}
#endif

#ifdef HVC_BLK_HAS_FEATURES
static void set_flags(const struct hvc_blk_disk *disk, struct request_queue *rq)
{
}
#else
static void set_flags(const struct hvc_blk_disk *disk, struct request_queue *rq)
{
	blk_queue_write_cache(rq, flags_of(disk) & HVC_BLK_DEV_WRITE_CACHE,
			      flags_of(disk) & HVC_BLK_DEV_FUA);
	if (!(flags_of(disk) & HVC_BLK_DEV_ROTATIONAL))
		blk_queue_flag_set(QUEUE_FLAG_NONROT, rq);
}
#endif

/* ---- life ----------------------------------------------------------------------------------- */

static int tags_alloc(struct hvc_blk_disk *disk)
{
	struct blk_mq_tag_set *set = &disk->set;

	set->queue_depth = disk->depth;
	set->numa_node = NUMA_NO_NODE;
	set->flags = BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	if (disk->hb->version == 1) {
		set->ops = &hvc_blk_v1_mq_ops;
		set->nr_hw_queues = nr_cpu_ids;
		set->nr_maps = 1;
		set->flags |= BLK_MQ_F_BLOCKING; /* a call takes as long as its transfer */
	} else {
		set->ops = &hvc_blk_mq_ops;
		set->nr_hw_queues = disk->nr_queues;
		set->nr_maps = hvc_blk_poll_queues ? HCTX_MAX_TYPES : 1;
		set->cmd_size = sizeof(struct hvc_blk_pdu);
	}
#ifdef HVC_BLK_HAS_SHOULD_MERGE
	set->flags |= BLK_MQ_F_SHOULD_MERGE;
#endif
	set->driver_data = disk;
	return blk_mq_alloc_tag_set(set);
}

static int init_rings(struct hvc_blk_disk *disk)
{
	hvc_blk_call(disk->hb, HVC_BLK_GET_ID, disk->index, virt_to_phys(disk->id), 0, NULL);
	return hvc_blk_queues_alloc(disk);
}

/* All but the rings, which each CPU makes for itself. */
int hvc_blk_disk_init(struct hvc_blk *hb, struct hvc_blk_disk *disk, unsigned int index)
{
	int err;

	disk->hb = hb;
	disk->index = index;
	disk->depth = roundup_pow_of_two(clamp(hvc_blk_queue_depth, 2U, HVC_BLK_MAX_ENTRIES));
	mutex_init(&disk->info_lock);
	INIT_WORK(&disk->resize, resize);
	INIT_WORK(&disk->reset, hvc_blk_reset_work);
	disk->info = kzalloc(sizeof(*disk->info), GFP_KERNEL);
	disk->id = kzalloc(sizeof(*disk->id), GFP_KERNEL);
	if (!disk->info || !disk->id)
		return -ENOMEM;
	err = read_info(disk);
	if (err == -ENODEV && hb->version == 1) {
		dev_warn(hb->dev, "disk %u is not served by version 1\n", index);
		return 0;
	}
	if (!err && hb->version != 1)
		err = init_rings(disk);
	if (err)
		return err;
	err = tags_alloc(disk);
	if (err)
		disk->set.tags = NULL;
	return err;
}

int hvc_blk_disk_add(struct hvc_blk_disk *disk)
{
	struct gendisk *gd;
	int err;

	if (!disk->set.tags)
		return 0;
	gd = alloc_disk(disk);
	if (IS_ERR(gd))
		return PTR_ERR(gd);
	set_flags(disk, gd->queue);
	gd->fops = &hvc_blk_fops;
	gd->private_data = disk;
	snprintf(gd->disk_name, DISK_NAME_LEN, "hvcblk%u", disk->index);
	set_capacity(gd, le64_to_cpu(disk->info->sectors));
	set_disk_ro(gd, flags_of(disk) & HVC_BLK_DEV_READ_ONLY);
	disk->gd = gd;
	err = device_add_disk(disk->hb->dev, gd, hvc_blk_groups);
	if (err) {
		disk->gd = NULL;
		put_disk(gd);
	}
	return err;
}

void hvc_blk_disk_remove(struct hvc_blk_disk *disk)
{
	if (!disk->gd)
		return;
	del_gendisk(disk->gd);
	cancel_work_sync(&disk->resize);
	cancel_work_sync(&disk->reset);
	put_disk(disk->gd);
	disk->gd = NULL;
}

void hvc_blk_disk_fini(struct hvc_blk_disk *disk)
{
	if (!disk->hb)
		return;
	cancel_work_sync(&disk->resize);
	if (disk->set.tags)
		blk_mq_free_tag_set(&disk->set);
	hvc_blk_queues_free(disk);
	kfree(disk->id);
	kfree(disk->info);
}

void hvc_blk_disk_suspend(struct hvc_blk_disk *disk)
{
	struct request_queue *rq;
#ifdef HVC_BLK_HAS_MEMFLAGS
	unsigned int memflags;
#endif

	if (!disk->gd)
		return;
	rq = disk->gd->queue;
	/* Nothing is in flight when the queue is frozen; quiesced, nothing starts. */
#ifdef HVC_BLK_HAS_MEMFLAGS
	memflags = blk_mq_freeze_queue(rq);
#else
	blk_mq_freeze_queue(rq);
#endif
	flush_work(&disk->reset);
	blk_mq_quiesce_queue(rq);
#ifdef HVC_BLK_HAS_MEMFLAGS
	blk_mq_unfreeze_queue(rq, memflags);
#else
	blk_mq_unfreeze_queue(rq);
#endif
}

void hvc_blk_disk_resume(struct hvc_blk_disk *disk)
{
	if (!disk->gd)
		return;
	blk_mq_unquiesce_queue(disk->gd->queue);
	schedule_work(&disk->resize);
}
