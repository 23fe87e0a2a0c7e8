/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues. The barriers and what each pairs with, in a driver that follows virtio 1.2
 * section 2.7.13 and 2.7.14 (Linux's names):
 *
 *   B1  acquire load of avail->idx       the driver's virtio_wmb() before it stores avail->idx
 *   B2  release store of used->idx       the driver's virtio_rmb() after it loads used->idx
 *   B3  full fence, used->idx -> event   the driver's virtio_mb() in virtqueue_enable_cb()
 *   B4  full fence, avail_event -> idx   the driver's virtio_mb() in virtqueue_kick_prepare()
 */
#include "virtio/queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/util.h"

/* ---- life ------------------------------------------------------------------------------------ */

void virtqueue_init(struct virtqueue *vq, const struct gmem *mem, uint16_t max_size)
{
	*vq = (struct virtqueue){ .mem = mem, .max_size = max_size };
	pthread_mutex_init(&vq->lock, NULL);
}

void virtqueue_fini(struct virtqueue *vq)
{
	pthread_mutex_destroy(&vq->lock);
}

static bool find_areas(struct virtqueue *vq, const struct virtqueue_setup *setup)
{
	if (setup->desc % 16 || setup->avail % 2 || setup->used % 4)
		return false;
	vq->desc = gmem_slice(vq->mem, setup->desc, VIRTQ_DESC_BYTES(setup->size));
	vq->avail = gmem_slice(vq->mem, setup->avail, VIRTQ_AVAIL_BYTES(setup->size));
	vq->used = gmem_slice(vq->mem, setup->used, VIRTQ_USED_BYTES(setup->size));
	return vq->desc && vq->avail && vq->used;
}

int virtqueue_enable(struct virtqueue *vq, const struct virtqueue_setup *setup)
{
	int ret = -EINVAL;

	if (!setup->size || (setup->size & (setup->size - 1)) || setup->size > vq->max_size)
		return -EINVAL;
	pthread_mutex_lock(&vq->lock);
	if (!vq->ready && find_areas(vq, setup)) {
		vq->size = setup->size;
		vq->event_idx = setup->event_idx;
		vq->indirect = setup->indirect;
		vq->next_avail = vq->next_used = vq->published = vq->signalled = 0;
		vq->signalled_any = vq->broken = false;
		vq->kicks = true;
		vq->ready = true;
		ret = 0;
	}
	pthread_mutex_unlock(&vq->lock);
	return ret;
}

void virtqueue_disable(struct virtqueue *vq)
{
	pthread_mutex_lock(&vq->lock);
	vq->ready = false;
	pthread_mutex_unlock(&vq->lock);
}

void virtqueue_break_locked(struct virtqueue *vq)
{
	vq->broken = true;
}

/* ---- shared words ---------------------------------------------------------------------------- */

static uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static uint16_t *used_event(const struct virtqueue *vq)
{
	return &vq->avail->ring[vq->size];
}

static uint16_t *avail_event(const struct virtqueue *vq)
{
	return (uint16_t *)(void *)&vq->used->ring[vq->size];
}

/* One copy: what the guest changes afterwards is not looked at. */
static struct virtq_desc copy_desc(const struct virtq_desc *desc)
{
	struct virtq_desc copy;

	copy.addr = __atomic_load_n(&desc->addr, __ATOMIC_RELAXED);
	copy.len = __atomic_load_n(&desc->len, __ATOMIC_RELAXED);
	copy.flags = load16(&desc->flags);
	copy.next = load16(&desc->next);
	return copy;
}

/* ---- chains ---------------------------------------------------------------------------------- */

/* What is being walked: the queue's own table, or an indirect one. */
struct table {
	const struct virtq_desc *desc;
	uint32_t size;
};

/* How many entries more; none where the buffer follows the one before, in the same direction. */
static int add_iov(const struct virtqueue *vq, struct virtq_chain *chain,
		   const struct virtq_desc *desc)
{
	unsigned int used = chain->nr_out + chain->nr_in;
	unsigned int same = desc->flags & VIRTQ_DESC_F_WRITE ? chain->nr_in : chain->nr_out;
	struct iovec *iov = &chain->iov[used];
	int left = (int)(chain->max_iov - used);
	void *host = gmem_slice(vq->mem, desc->addr, desc->len);

	if (host && same && gmem_join(iov - 1, host, desc->len))
		return 0;
	if (!left)
		return -EPROTO;
	if (!host) /* nowhere, or over two regions that touch */
		return gmem_iov(vq->mem, desc->addr, desc->len, iov, left);
	*iov = (struct iovec){ host, desc->len };
	return 1;
}

/* Section 2.7.5.3.2 and 2.7.4: nothing that the device reads behind what it writes, none empty. */
static int add_buffer(const struct virtqueue *vq, struct virtq_chain *chain,
		      const struct virtq_desc *desc)
{
	bool write = desc->flags & VIRTQ_DESC_F_WRITE;
	int n;

	if (!desc->len || (!write && chain->nr_in))
		return -EPROTO;
	n = add_iov(vq, chain, desc);
	if (n < 0)
		return -EPROTO;
	if (write) {
		chain->nr_in += (unsigned int)n;
		chain->in_len += desc->len;
	} else {
		chain->nr_out += (unsigned int)n;
		chain->out_len += desc->len;
	}
	/* Section 2.7.5: no more than 2^32 bytes in all. */
	return chain->in_len + chain->out_len <= BIT64(32) ? 0 : -EPROTO;
}

static int enter_indirect(const struct virtqueue *vq, const struct virtq_desc *desc,
			  struct table *table)
{
	uint32_t count = desc->len / (uint32_t)sizeof(*desc);

	if (!vq->indirect || (desc->flags & VIRTQ_DESC_F_NEXT) || !count ||
	    desc->len % sizeof(*desc) || count > VIRTQ_MAX_SIZE || desc->addr % 8)
		return -EPROTO;
	table->desc = gmem_slice(vq->mem, desc->addr, desc->len);
	table->size = count;
	return table->desc ? 0 : -EPROTO;
}

/* Bounded by the table's size, so that a loop ends; an indirect table is entered once. */
static int walk(const struct virtqueue *vq, struct virtq_chain *chain)
{
	struct table table = { vq->desc, vq->size };
	uint32_t index = chain->head, left = vq->size;
	bool inside = false;

	for (;;) {
		struct virtq_desc desc;

		if (index >= table.size || !left--)
			return -EPROTO;
		desc = copy_desc(&table.desc[index]);
		if (desc.flags & VIRTQ_DESC_F_INDIRECT) {
			/* Linux and others refuse one that follows plain buffers; it is allowed. */
			if (inside || enter_indirect(vq, &desc, &table) < 0)
				return -EPROTO;
			inside = true;
			index = 0;
			left = table.size;
			continue;
		}
		if (add_buffer(vq, chain, &desc) < 0)
			return -EPROTO;
		if (!(desc.flags & VIRTQ_DESC_F_NEXT))
			return 0;
		index = desc.next;
	}
}

int virtqueue_pop_locked(struct virtqueue *vq, struct virtq_chain *chain)
{
	uint16_t avail;

	if (!vq->ready || vq->broken)
		return 0;
	avail = __atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE); /* B1 */
	if (avail == vq->next_avail)
		return 0;
	chain->nr_out = chain->nr_in = 0;
	chain->out_len = chain->in_len = 0;
	/* More than the ring holds, or a head that is none: the index bounds both reads below. */
	if ((uint16_t)(avail - vq->next_avail) > vq->size)
		goto broken;
	chain->head = load16(&vq->avail->ring[vq->next_avail & (vq->size - 1)]);
	if (chain->head >= vq->size || walk(vq, chain) < 0)
		goto broken;
	vq->next_avail++;
	return 1;

broken:
	vq->broken = true;
	return -EPROTO;
}

bool virtqueue_has_avail_locked(const struct virtqueue *vq)
{
	return vq->ready && !vq->broken && load16(&vq->avail->idx) != vq->next_avail;
}

/* ---- used buffers and notifications ---------------------------------------------------------- */

void virtqueue_push_locked(struct virtqueue *vq, uint16_t head, uint32_t written)
{
	struct virtq_used_elem *elem;

	if (!vq->ready)
		return;
	elem = &vq->used->ring[vq->next_used++ & (vq->size - 1)];
	__atomic_store_n(&elem->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&elem->len, written, __ATOMIC_RELAXED);
}

/* Section 2.7.10: whether the index passed @event on its way from @old to @new. */
static bool passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

static bool wants_interrupt(struct virtqueue *vq)
{
	uint16_t old = vq->signalled;
	bool any = vq->signalled_any;

	if (!vq->event_idx)
		return !(load16(&vq->avail->flags) & VIRTQ_AVAIL_F_NO_INTERRUPT);
	vq->signalled = vq->published;
	vq->signalled_any = true;
	return !any || passed(load16(used_event(vq)), vq->published, old);
}

bool virtqueue_publish_locked(struct virtqueue *vq)
{
	if (!vq->ready || vq->published == vq->next_used)
		return false;
	vq->published = vq->next_used;
	__atomic_store_n(&vq->used->idx, vq->published, __ATOMIC_RELEASE); /* B2 */
	atomic_thread_fence(memory_order_seq_cst);			   /* B3 */
	return wants_interrupt(vq);
}

/* With EVENT_IDX a driver that rang is silent until avail_event moves on. */
static void ask(struct virtqueue *vq, bool on)
{
	if (vq->event_idx) {
		if (on)
			__atomic_store_n(avail_event(vq), vq->next_avail, __ATOMIC_RELAXED);
	} else if (vq->kicks != on) {
		__atomic_store_n(&vq->used->flags, on ? 0 : VIRTQ_USED_F_NO_NOTIFY,
				 __ATOMIC_RELAXED);
	}
	vq->kicks = on;
}

bool virtqueue_want_kicks_locked(struct virtqueue *vq, bool on)
{
	if (!vq->ready || vq->broken)
		return false;
	ask(vq, on);
	if (!on)
		return false;
	atomic_thread_fence(memory_order_seq_cst); /* B4 */
	return virtqueue_has_avail_locked(vq);
}
