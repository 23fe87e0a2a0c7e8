/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: requests that ended become completions in the guest's ring. */
#include <errno.h>

#include "hvc_blk_internal.h"

/* A request of the pool that was never used is on no list yet. */
struct hvc_req *hvc_req_get(struct hvc_vcpu *vcpu)
{
	struct hvc_req *req = vcpu->free;

	if (req)
		vcpu->free = req->next_free;
	else
		req = &vcpu->pool[vcpu->nr_fresh++];
	vcpu->nr_used++;
	return req;
}

void hvc_req_put(struct hvc_vcpu *vcpu, struct hvc_req *req)
{
	req->next_free = vcpu->free;
	vcpu->free = req;
	vcpu->nr_used--;
}

void hvc_mark(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	if (queue->dirty)
		return;
	queue->dirty = true;
	queue->next_dirty = vcpu->dirty;
	vcpu->dirty = queue;
}

static uint32_t host_flags(const struct hvc_vcpu *vcpu, const struct hvc_queue *queue)
{
	const struct hvc_disk *disk = &vcpu->blk->disks[queue->dev];
	uint32_t told = atomic_load_explicit(&disk->told, memory_order_relaxed);
	uint32_t flags = 0;

	if (queue->poller)
		flags = queue->polling ? HVC_BLK_HOST_POLLING : HVC_BLK_HOST_NEED_WAKEUP;
	if (hvc_state(queue) == HVC_QUEUE_BROKEN)
		flags |= HVC_BLK_HOST_BROKEN;
	if (queue->generation != told)
		flags |= HVC_BLK_HOST_CONFIG_CHANGED;
	return flags;
}

void hvc_show(struct hvc_vcpu *vcpu)
{
	while (vcpu->dirty) {
		struct hvc_queue *queue = vcpu->dirty;
		struct hvc_blk_header *header = queue->header;

		vcpu->dirty = queue->next_dirty;
		queue->dirty = false;
		__atomic_store_n(&header->host_flags, host_flags(vcpu, queue), __ATOMIC_RELAXED);
		__atomic_store_n(&header->generation, queue->generation, __ATOMIC_RELAXED);
		__atomic_store_n(&header->dropped, queue->dropped, __ATOMIC_RELAXED);
		/* Our loads of these entries come before the guest may write them anew; pairs
		 * with its acquire of sq_head. */
		__atomic_store_n(&header->sq_head, queue->sq_head, __ATOMIC_RELEASE);
		/* The entries are there first; pairs with the guest's acquire of cq_tail. */
		__atomic_store_n(&header->cq_tail, queue->cq_tail, __ATOMIC_RELEASE);
		if (queue->poller)
			atomic_store_explicit(&queue->shown, queue->cq_tail, memory_order_release);
	}
}

void hvc_post(struct hvc_vcpu *vcpu, struct hvc_queue *queue, uint16_t tag, uint8_t status,
	      uint8_t flags, uint32_t bytes)
{
	uint64_t *entry;

	hvc_mark(vcpu, queue);
	if (hvc_state(queue) == HVC_QUEUE_BROKEN) {
		queue->dropped++;
		hvc_count(&vcpu->stats.dropped);
		return;
	}
	entry = (uint64_t *)&queue->cq[queue->cq_tail & (queue->cq_entries - 1)];
	/* Two words, each stored once: what lies there is never what we read. */
	__atomic_store_n(&entry[0],
			 (uint64_t)bytes << 32 | (uint32_t)flags << 24 | (uint32_t)status << 16 |
				 tag,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&entry[1], 0, __ATOMIC_RELAXED);
	queue->cq_tail++;
}

static uint8_t status_of(int err)
{
	switch (-err) {
	case 0:
		return HVC_BLK_OK;
	case EOPNOTSUPP:
		return HVC_BLK_UNSUPPORTED;
	case ERANGE:
		return HVC_BLK_RANGE;
	case EROFS:
		return HVC_BLK_READ_ONLY;
	case ENOSPC:
	case EDQUOT:
		return HVC_BLK_NO_SPACE;
	case EINVAL:
		return HVC_BLK_INVALID;
	case ETIMEDOUT:
		return HVC_BLK_TIMEOUT;
	default:
		return HVC_BLK_IOERR;
	}
}

void hvc_done(void *ctx, struct blk_req *blk)
{
	struct hvc_vcpu *vcpu = ctx;
	struct hvc_req *req = (struct hvc_req *)((char *)blk - offsetof(struct hvc_req, blk));
	struct hvc_queue *queue = req->queue;
	uint8_t status = status_of(blk->status);
	bool is_inline = req->round == vcpu->round && queue && queue == vcpu->called;

	if (!queue) {
		req->done = true; /* v1: its caller waits for this */
		return;
	}
	queue->in_flight--;
	if (req->irq)
		vcpu->irq_in_flight--;
	if (is_inline)
		hvc_count(&vcpu->stats.inlined);
	if (queue != vcpu->called && req->irq)
		hvc_miss(vcpu, queue);
	hvc_post(vcpu, queue, req->tag, status, is_inline ? HVC_BLK_CQE_INLINE : 0,
		 status == HVC_BLK_OK ? req->bytes : 0);
	hvc_req_put(vcpu, req);
}
