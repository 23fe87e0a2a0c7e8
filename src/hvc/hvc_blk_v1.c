/* SPDX-License-Identifier: Apache-2.0 */
/* Version 1: one synchronous call a transfer. */
#include <errno.h>

#include "base/util.h"
#include "hvc_blk_internal.h"

#define V1_WAIT_NS 1000000000ull /* how long one wait is; there is another after it */

void hvc_v1_probe(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	(void)args;
	hvc_answer(reply, (int64_t)vcpu->blk->config.nr_disks);
}

/* The disk that v1 may use, or NULL: it counts in 512 bytes and cannot say otherwise. */
static struct hvc_disk *v1_disk(struct hvc_vcpu *vcpu, uint64_t dev)
{
	struct hvc_disk *disk = hvc_disk(vcpu->blk, dev);

	if (!disk || disk_limits(disk->disk)->logical_block != HVC_BLK_SECTOR)
		return NULL;
	return disk;
}

void hvc_v1_capacity(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	struct hvc_disk *disk = v1_disk(vcpu, args[0]);

	hvc_answer(reply, disk ? (int64_t)(disk_size(disk->disk) / HVC_BLK_SECTOR) : -ENODEV);
}

/* Runs @req to its end on this thread: 0 or -errno. */
static int v1_run(struct hvc_vcpu *vcpu, struct hvc_req *req)
{
	int status;

	blk_wakes(vcpu->engine, false);
	req->queue = NULL;
	req->done = false;
	blk_submit(vcpu->engine, &req->blk);
	if (!req->done)
		blk_kick(vcpu->engine);
	while (!req->done)
		blk_wait(vcpu->engine, V1_WAIT_NS);
	status = req->blk.status;
	hvc_req_put(vcpu, req);
	hvc_end_service(vcpu);
	return status;
}

/* The checks of the ABI, in its order; fills @req. 0 or -errno. */
static int v1_check(const struct hvc_vcpu *vcpu, struct disk *disk, const uint64_t *args,
		    enum blk_op op, struct hvc_req *req)
{
	uint64_t sector = args[1];
	uint64_t bytes = args[3];
	uint64_t offset, end;
	int nr;

	nr = gmem_iov(vcpu->blk->config.mem, args[2], bytes, req->iov, GMEM_MAX_REGIONS);
	if (nr < 0)
		return -EFAULT;
	if (bytes % HVC_BLK_SECTOR ||
	    __builtin_mul_overflow(sector, (uint64_t)HVC_BLK_SECTOR, &offset) ||
	    __builtin_add_overflow(offset, bytes, &end) || end > INT64_MAX)
		return -EINVAL;
	if (op == BLK_WRITE && disk_limits(disk)->read_only)
		return -EROFS;
	if (end > disk_size(disk))
		return -ERANGE;
	req->blk = (struct blk_req){
		.disk = disk,
		.op = op,
		.offset = offset,
		.len = bytes,
		.iov = req->iov,
		.nr_iov = (unsigned int)nr,
	};
	return 0;
}

static int64_t v1_transfer(struct hvc_vcpu *vcpu, const uint64_t *args, enum blk_op op)
{
	struct hvc_disk *disk = v1_disk(vcpu, args[0]);
	struct hvc_req *req;
	int ret;

	if (!args[3])
		return -EINVAL;
	if (!disk)
		return -ENODEV;
	if (atomic_load_explicit(&disk->v2, memory_order_relaxed))
		return -EBUSY;
	req = hvc_req_get(vcpu);
	ret = v1_check(vcpu, disk->disk, args, op, req);
	if (ret < 0) {
		hvc_req_put(vcpu, req);
		return ret;
	}
	ret = v1_run(vcpu, req);
	return ret < 0 ? ret : (int64_t)args[3];
}

void hvc_v1_read(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	hvc_answer(reply, v1_transfer(vcpu, args, BLK_READ));
}

void hvc_v1_write(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	hvc_answer(reply, v1_transfer(vcpu, args, BLK_WRITE));
}

void hvc_v1_flush(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply)
{
	struct hvc_disk *disk = v1_disk(vcpu, args[0]);
	struct hvc_req *req;

	if (!disk) {
		hvc_answer(reply, -ENODEV);
		return;
	}
	if (atomic_load_explicit(&disk->v2, memory_order_relaxed)) {
		hvc_answer(reply, -EBUSY);
		return;
	}
	req = hvc_req_get(vcpu);
	req->blk = (struct blk_req){ .disk = disk->disk, .op = BLK_FLUSH, .iov = req->iov };
	hvc_answer(reply, v1_run(vcpu, req));
}
