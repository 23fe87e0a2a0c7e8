/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a ring: from the copy that we hold, checked, to a request of the block layer. */
#include <errno.h>
#include <stdbool.h>

#include "base/util.h"
#include "hvc_blk_internal.h"

/* What each operation is, and which flags mean something with it. */
static const struct op {
	enum blk_op op;
	uint8_t flags;
	bool has_data, has_range;
} ops[] = {
	[HVC_BLK_OP_READ] = { BLK_READ, HVC_BLK_SQE_INDIRECT, true, true },
	[HVC_BLK_OP_WRITE] = { BLK_WRITE, HVC_BLK_SQE_INDIRECT | HVC_BLK_SQE_FUA, true, true },
	[HVC_BLK_OP_FLUSH] = { BLK_FLUSH, 0, false, false },
	[HVC_BLK_OP_DISCARD] = { BLK_DISCARD, 0, false, true },
	[HVC_BLK_OP_WRITE_ZEROES] = { BLK_WRITE_ZEROES, HVC_BLK_SQE_FUA | HVC_BLK_SQE_NOUNMAP,
				      false, true },
};

static bool segment_is_zero(const struct hvc_blk_segment *seg)
{
	return !seg->gpa && !seg->len && !seg->reserved;
}

/* Adds @seg to the request's data: false where it is none of the guest's memory. */
static bool add_segment(const struct gmem *mem, const struct hvc_blk_segment *seg,
			struct hvc_req *req)
{
	void *host = seg->reserved ? NULL : gmem_slice(mem, seg->gpa, seg->len);

	if (!host)
		return false;
	if (!req->blk.nr_iov || !gmem_join(&req->iov[req->blk.nr_iov - 1], host, seg->len))
		req->iov[req->blk.nr_iov++] = (struct iovec){ host, seg->len };
	req->blk.len += seg->len;
	return true;
}

/*
 * The array's entries are copied one by one, each once, into a segment of ours; @nseg was bounded
 * by the caller, so that they fit the request.
 */
static bool add_indirect(const struct gmem *mem, const struct hvc_blk_sqe *sqe, struct hvc_req *req)
{
	const struct hvc_blk_segment *table = &sqe->seg[0];
	const struct hvc_blk_segment *from;

	if (table->reserved || table->gpa % sizeof(uint64_t) ||
	    table->len != sqe->nseg * sizeof(*from) || !segment_is_zero(&sqe->seg[1]))
		return false;
	from = gmem_slice(mem, table->gpa, table->len);
	if (!from)
		return false;
	for (unsigned int i = 0; i < sqe->nseg; i++) {
		const volatile uint64_t *words = (const volatile uint64_t *)&from[i];
		uint64_t tail = words[1];
		struct hvc_blk_segment seg = {
			.gpa = words[0],
			.len = (uint32_t)tail,
			.reserved = (uint32_t)(tail >> 32),
		};

		if (!add_segment(mem, &seg, req))
			return false;
	}
	return true;
}

static bool add_data(const struct gmem *mem, const struct hvc_blk_sqe *sqe, struct hvc_req *req)
{
	if (sqe->flags & HVC_BLK_SQE_INDIRECT)
		return sqe->nseg && sqe->nseg <= HVC_BLK_MAX_SEGMENTS &&
		       add_indirect(mem, sqe, req);
	if (!sqe->nseg || sqe->nseg > ARRAY_SIZE(sqe->seg))
		return false;
	if (sqe->nseg == 1 && !segment_is_zero(&sqe->seg[1]))
		return false;
	for (unsigned int i = 0; i < sqe->nseg; i++)
		if (!add_segment(mem, &sqe->seg[i], req))
			return false;
	return true;
}

static bool without_data(const struct hvc_blk_sqe *sqe)
{
	return !sqe->nseg && segment_is_zero(&sqe->seg[0]) && segment_is_zero(&sqe->seg[1]);
}

static uint32_t flags_of(uint8_t flags)
{
	return (flags & HVC_BLK_SQE_FUA ? BLK_FUA : 0) |
	       (flags & HVC_BLK_SQE_NOUNMAP ? BLK_NOUNMAP : 0);
}

/* Where on the disk: in blocks of it, not past its end, no more than one request may have. */
static uint8_t check_range(struct disk *disk, const struct op *op, const struct hvc_blk_sqe *sqe)
{
	const struct disk_limits *limits = disk_limits(disk);
	uint64_t block = limits->logical_block / HVC_BLK_SECTOR;
	uint64_t most = HVC_MAX_SECTORS;

	if (op->op == BLK_DISCARD)
		most = limits->max_discard / HVC_BLK_SECTOR;
	else if (op->op == BLK_WRITE_ZEROES)
		most = limits->max_write_zeroes / HVC_BLK_SECTOR;
	if (!sqe->nr_sectors || sqe->sector % block || sqe->nr_sectors % block)
		return HVC_BLK_INVALID;
	if (!range_within(sqe->sector, sqe->nr_sectors, 0, disk_size(disk) / HVC_BLK_SECTOR))
		return HVC_BLK_RANGE;
	if (op->op != BLK_READ && limits->read_only)
		return HVC_BLK_READ_ONLY;
	if ((op->op == BLK_DISCARD && !limits->discard) ||
	    (op->op == BLK_WRITE_ZEROES && !limits->write_zeroes))
		return HVC_BLK_UNSUPPORTED;
	return sqe->nr_sectors <= most ? HVC_BLK_OK : HVC_BLK_INVALID;
}

uint8_t hvc_take(const struct hvc_vcpu *vcpu, const struct hvc_queue *queue,
		 const struct hvc_blk_sqe *sqe, struct hvc_req *req)
{
	struct disk *disk = vcpu->blk->disks[queue->dev].disk;
	const struct op *op;

	if (!sqe->op || sqe->op >= ARRAY_SIZE(ops) || sqe->reserved0 || sqe->reserved1)
		return HVC_BLK_INVALID;
	op = &ops[sqe->op];
	if (sqe->flags & ~(op->flags | HVC_BLK_SQE_HIPRI))
		return HVC_BLK_INVALID;
	req->blk = (struct blk_req){
		.disk = disk,
		.op = op->op,
		.flags = flags_of(sqe->flags),
		.iov = req->iov,
	};
	if (op->has_data ? !add_data(vcpu->blk->config.mem, sqe, req) : !without_data(sqe))
		return HVC_BLK_INVALID;
	if (!op->has_range)
		return sqe->sector || sqe->nr_sectors ? HVC_BLK_INVALID : HVC_BLK_OK;
	if (op->has_data && req->blk.len != (uint64_t)sqe->nr_sectors * HVC_BLK_SECTOR)
		return HVC_BLK_INVALID;
	/* No product below overflows: the sector lies on the disk, whose bytes fit 63 bits. */
	req->blk.len = (uint64_t)sqe->nr_sectors * HVC_BLK_SECTOR;
	req->blk.offset = sqe->sector * HVC_BLK_SECTOR;
	return check_range(disk, op, sqe);
}
