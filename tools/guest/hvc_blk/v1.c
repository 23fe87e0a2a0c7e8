// SPDX-License-Identifier: GPL-2.0
/* Version 1 of the ABI: each transfer is a call, which returns when it is done. */
#include <linux/bvec.h>
#include <linux/mm.h>

#include "hvc_blk.h"

#define V1_MAX_SECTORS	2048U

/* Version 1 says how large a disk is, and nothing else of it. */
int hvc_blk_v1_read_info(struct hvc_blk_disk *disk)
{
	struct hvc_blk_device_info *info = disk->info;
	s64 sectors = hvc_blk_call(disk->hb, HVC_BLK_CAPACITY, disk->index, 0, 0, NULL);

	if (sectors < 0)
		return (int)sectors;
	info->flags = cpu_to_le32(HVC_BLK_DEV_WRITE_CACHE);
	info->sectors = cpu_to_le64(sectors);
	info->logical_block = cpu_to_le32(HVC_BLK_SECTOR);
	info->physical_block = cpu_to_le32(HVC_BLK_SECTOR);
	info->max_sectors = cpu_to_le32(V1_MAX_SECTORS);
	info->max_segments = cpu_to_le32(HVC_BLK_MAX_SEGS);
	info->max_segment_bytes = cpu_to_le32(V1_MAX_SECTORS * HVC_BLK_SECTOR);
	return 0;
}

static blk_status_t status_of(struct hvc_blk_disk *disk, s64 ret)
{
	switch (ret) {
	case -HVC_BLK_EROFS:
		/* Now it is known. */
		set_disk_ro(disk->gd, true);
		return BLK_STS_IOERR;
	case -HVC_BLK_ENOSPC:
		return BLK_STS_NOSPC;
	default:
		return ret < 0 ? BLK_STS_IOERR : BLK_STS_OK;
	}
}

/* One call for each piece of memory. */
static blk_status_t transfer(struct hvc_blk_disk *disk, struct request *rq, u32 function)
{
	u64 sector = blk_rq_pos(rq);
	struct req_iterator iter;
	struct bio_vec bv;
	s64 ret = 0;

	rq_for_each_bvec(bv, rq, iter) {
		ret = hvc_blk_transfer(disk->hb, function, disk->index, sector,
				       page_to_phys(bv.bv_page) + bv.bv_offset, bv.bv_len);
		if (ret < 0)
			break;
		sector += bv.bv_len / HVC_BLK_SECTOR;
	}
	return status_of(disk, ret);
}

static blk_status_t serve(struct hvc_blk_disk *disk, struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_READ:
		return transfer(disk, rq, HVC_BLK_READ);
	case REQ_OP_WRITE:
		return transfer(disk, rq, HVC_BLK_WRITE);
	case REQ_OP_FLUSH:
		return status_of(disk, hvc_blk_call(disk->hb, HVC_BLK_FLUSH, disk->index, 0, 0,
						    NULL));
	default:
		return BLK_STS_NOTSUPP;
	}
}

static blk_status_t hvc_blk_v1_queue_rq(struct blk_mq_hw_ctx *hctx,
					const struct blk_mq_queue_data *bd)
{
	struct hvc_blk_disk *disk = hctx->queue->queuedata;

	blk_mq_start_request(bd->rq);
	blk_mq_end_request(bd->rq, serve(disk, bd->rq));
	return BLK_STS_OK;
}

const struct blk_mq_ops hvc_blk_v1_mq_ops = {
	.queue_rq	= hvc_blk_v1_queue_rq,
};
