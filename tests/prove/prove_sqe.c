/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request without a table, whatever its 64 bytes are: what is handed to the block layer lies on
 * the disk, and its data in the guest memory that gmem_slice() gave, with sums that do not wrap.
 */
#include "../../src/hvc/hvc_blk_sqe.c"

#include "prove.h"

static struct disk_limits limits;
static uint64_t size;
static struct hvc_blk blk_service;
static uint8_t memory[1];

const struct disk_limits *disk_limits(const struct disk *disk)
{
	(void)disk;
	return &limits;
}

uint64_t disk_size(const struct disk *disk)
{
	(void)disk;
	return size;
}

/* Proved elsewhere: memory, or none. */
void *gmem_slice(const struct gmem *mem, gpa_t gpa, uint64_t len)
{
	(void)mem;
	(void)gpa;
	return len && nondet_uint() ? memory : NULL;
}

void prove_take(void)
{
	struct hvc_vcpu vcpu = { .blk = &blk_service };
	struct hvc_queue queue = { 0 };
	struct hvc_blk_sqe sqe;
	static struct hvc_req req;

	size = nondet_u64();
	limits.logical_block = nondet_uint() ? 512 : 4096;
	limits.read_only = nondet_uint();
	limits.discard = nondet_uint();
	limits.write_zeroes = nondet_uint();
	limits.max_discard = nondet_u64();
	limits.max_write_zeroes = nondet_u64();
	__CPROVER_assume(size <= INT64_MAX && size % limits.logical_block == 0);
	__CPROVER_assume(!(sqe.flags & HVC_BLK_SQE_INDIRECT));
	if (hvc_take(&vcpu, &queue, &sqe, &req) != HVC_BLK_OK || req.blk.op == BLK_FLUSH)
		return;
	__CPROVER_assert(req.blk.len && req.blk.len <= size, "no larger than the disk");
	__CPROVER_assert(req.blk.offset <= size - req.blk.len, "on the disk");
	__CPROVER_assert(req.blk.offset % limits.logical_block == 0, "at a block");
	__CPROVER_assert(req.blk.len % limits.logical_block == 0, "whole blocks");
	__CPROVER_assert(req.blk.nr_iov <= HVC_BLK_MAX_SEGMENTS, "segments");
	__CPROVER_assert(req.blk.op == BLK_READ || !limits.read_only, "not on a read-only disk");
	if (req.blk.op != BLK_READ && req.blk.op != BLK_WRITE)
		return;
	__CPROVER_assert(req.blk.nr_iov == 1 || req.blk.nr_iov == 2, "one or two");
	__CPROVER_assert(req.iov[0].iov_len + (req.blk.nr_iov == 2 ? req.iov[1].iov_len : 0) ==
				 req.blk.len,
			 "the segments sum up");
}
