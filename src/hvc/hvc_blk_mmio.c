/* SPDX-License-Identifier: Apache-2.0 */
/* The MMIO twin: the same calls by loads and stores (docs/abi-hvc-blk.md, "The MMIO twin"). */
#include <errno.h>

#include "hvc_blk_internal.h"

#define QUEUE_STRIDE 8u

/* An MMIO exit does not say whose it is; the thread does. */
static _Thread_local struct hvc_vcpu *self;

void hvc_mmio_attach(struct hvc_vcpu *vcpu)
{
	self = vcpu;
}

/* The vCPU of this thread, if it is one of @dev's. */
static struct hvc_vcpu *caller(const void *dev)
{
	return self && (const void *)self->blk == dev ? self : NULL;
}

/* The ring call that an offset below CALL means. */
static uint32_t function_at(uint64_t offset, uint32_t doorbell, uint32_t reap)
{
	uint32_t id = (uint32_t)(offset % HVC_BLK_MMIO_REAP) / QUEUE_STRIDE;

	return (offset < HVC_BLK_MMIO_REAP ? doorbell : reap) + id;
}

/* Status below, cq_tail above: one load tells a guest all it needs. */
static uint64_t status(struct hvc_vcpu *vcpu, uint32_t id, int ret)
{
	int err;
	const struct hvc_queue *queue = hvc_own_queue(vcpu, id, &err);
	uint64_t tail = 0;

	if (queue && queue->poller)
		tail = atomic_load_explicit(&queue->shown, memory_order_acquire);
	else if (queue)
		tail = queue->cq_tail;
	return tail << 32 | (uint32_t)ret;
}

static uint64_t mmio_read(void *dev, uint64_t offset, unsigned int len)
{
	struct hvc_vcpu *vcpu = caller(dev);
	uint32_t fid;

	if (!vcpu || len != 8 || offset % QUEUE_STRIDE || offset >= HVC_BLK_MMIO_CALL)
		return 0;
	fid = function_at(offset, HVC_BLK_DOORBELL, HVC_BLK_REAP);
	return status(vcpu, fid % HVC_BLK_MAX_QUEUES, hvc_invoke_ring(vcpu, fid));
}

/* A call by a block in guest memory, which is copied, served, and told its results. */
static void call_block(struct hvc_vcpu *vcpu, gpa_t gpa)
{
	const struct gmem *mem = vcpu->blk->config.mem;
	struct hvc_blk_mmio_call call;
	struct hvc_reply reply = { 0 };
	uint32_t fid;
	int ret;

	if (gpa % sizeof(uint64_t) || gmem_read_obj(mem, gpa, &call) < 0)
		return;
	fid = (uint32_t)call.function;
	ret = call.function > UINT32_MAX ? 1 : hvc_invoke_ring(vcpu, fid);
	if (ret <= 0)
		hvc_answer(&reply, ret);
	else if (call.function > UINT32_MAX)
		hvc_answer(&reply, -1);
	else
		hvc_invoke(vcpu, fid, call.x, &reply);
	gmem_write(mem, gpa + offsetof(struct hvc_blk_mmio_call, ret), reply.ret,
		   reply.nr * sizeof(reply.ret[0]));
}

static void mmio_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct hvc_vcpu *vcpu = caller(dev);

	if (!vcpu || !vcpu->attached)
		return;
	if (offset == HVC_BLK_MMIO_CALL && len == 8)
		call_block(vcpu, val);
	else if (offset < HVC_BLK_MMIO_CALL && len == 4 && !(offset % QUEUE_STRIDE))
		(void)hvc_invoke_ring(vcpu,
				      function_at(offset, HVC_BLK_DOORBELL, HVC_BLK_DOORBELL_WAIT));
}

const struct mmio_ops hvc_blk_mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
};
