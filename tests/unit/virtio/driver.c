/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

void driver_init(struct driver_queue *queue, struct gmem *mem, gpa_t base, uint16_t size)
{
	*queue = (struct driver_queue){ .mem = mem, .base = base, .size = size };
	gmem_zero(mem, base, DRIVER_AREA);
	queue->desc = gmem_slice(mem, base + DRIVER_DESC_OFFSET, VIRTQ_DESC_BYTES(size));
	queue->avail = gmem_slice(mem, base + DRIVER_AVAIL_OFFSET, VIRTQ_AVAIL_BYTES(size));
	queue->used = gmem_slice(mem, base + DRIVER_USED_OFFSET, VIRTQ_USED_BYTES(size));
	if (!queue->desc || !queue->avail || !queue->used)
		abort();
}

void driver_setup(const struct driver_queue *queue, struct virtqueue_setup *setup)
{
	*setup = (struct virtqueue_setup){
		.size = queue->size,
		.desc = queue->base + DRIVER_DESC_OFFSET,
		.avail = queue->base + DRIVER_AVAIL_OFFSET,
		.used = queue->base + DRIVER_USED_OFFSET,
		.indirect = true,
	};
}

static uint32_t get(struct virtio_mmio *mmio, uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(mmio, reg, 4);
}

static void put(struct virtio_mmio *mmio, uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(mmio, reg, 4, val);
}

static void put_status(struct virtio_mmio *mmio, uint32_t status)
{
	put(mmio, 0x70, status);
	if (get(mmio, 0x70) != status)
		abort();
}

static void start_queue(struct virtio_mmio *mmio, uint32_t index, const struct driver_queue *queue)
{
	struct virtqueue_setup setup;

	driver_setup(queue, &setup);
	put(mmio, 0x30, index);
	put(mmio, 0x38, queue->size);
	put(mmio, 0x80, (uint32_t)setup.desc);
	put(mmio, 0x84, (uint32_t)(setup.desc >> 32));
	put(mmio, 0x90, (uint32_t)setup.avail);
	put(mmio, 0x94, (uint32_t)(setup.avail >> 32));
	put(mmio, 0xa0, (uint32_t)setup.used);
	put(mmio, 0xa4, (uint32_t)(setup.used >> 32));
	put(mmio, 0x44, 1);
}

void driver_start(struct virtio_mmio *mmio, struct gmem *mem, struct driver_queue *queues,
		  unsigned int nr, uint16_t size, uint64_t without)
{
	put(mmio, 0x70, 0);
	put(mmio, 0x70, 0x3);
	for (uint32_t half = 0; half < 2; half++) {
		put(mmio, 0x14, half);
		put(mmio, 0x24, half);
		put(mmio, 0x20, get(mmio, 0x10) & ~(uint32_t)(without >> (32 * half)));
	}
	put_status(mmio, 0xb);
	for (unsigned int i = 0; i < nr; i++) {
		driver_init(&queues[i], mem, DRIVER_RAM_BASE + i * DRIVER_AREA, size);
		start_queue(mmio, i, &queues[i]);
	}
	put_status(mmio, 0xf);
}

static struct virtq_desc to_desc(const struct driver_buf *buf, bool more, unsigned int next)
{
	return (struct virtq_desc){
		.addr = buf->addr,
		.len = buf->len,
		.flags = (uint16_t)((buf->write ? VIRTQ_DESC_F_WRITE : 0) |
				    (more ? VIRTQ_DESC_F_NEXT : 0)),
		.next = (uint16_t)next,
	};
}

uint16_t driver_chain(struct driver_queue *queue, const struct driver_buf *bufs, unsigned int nr)
{
	uint16_t mask = (uint16_t)(queue->size - 1), head = queue->next_desc & mask;

	for (unsigned int i = 0; i < nr; i++)
		queue->desc[(head + i) & mask] =
			to_desc(&bufs[i], i + 1 < nr, (head + i + 1) & mask);
	queue->next_desc = (uint16_t)(queue->next_desc + nr);
	return head;
}

uint16_t driver_indirect(struct driver_queue *queue, gpa_t table, const struct driver_buf *bufs,
			 unsigned int nr)
{
	const struct driver_buf whole = { table, nr * (uint32_t)sizeof(struct virtq_desc), false };
	uint16_t head = driver_chain(queue, &whole, 1);
	struct virtq_desc *desc = gmem_slice(queue->mem, table, whole.len);

	queue->desc[head].flags = VIRTQ_DESC_F_INDIRECT;
	for (unsigned int i = 0; i < nr; i++)
		desc[i] = to_desc(&bufs[i], i + 1 < nr, i + 1);
	return head;
}

void driver_offer(struct driver_queue *queue, uint16_t head)
{
	queue->avail->ring[queue->avail_idx & (queue->size - 1)] = head;
	__atomic_store_n(&queue->avail->idx, ++queue->avail_idx, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before a look at what the device wants */
}

bool driver_used(struct driver_queue *queue, struct virtq_used_elem *elem)
{
	const struct virtq_used_elem *at = &queue->used->ring[queue->seen & (queue->size - 1)];

	if (__atomic_load_n(&queue->used->idx, __ATOMIC_ACQUIRE) == queue->seen)
		return false;
	elem->id = __atomic_load_n(&at->id, __ATOMIC_RELAXED);
	elem->len = __atomic_load_n(&at->len, __ATOMIC_RELAXED);
	queue->seen++;
	return true;
}

void driver_want_after(struct driver_queue *queue, uint16_t event)
{
	__atomic_store_n(&queue->avail->ring[queue->size], event, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint16_t driver_avail_event(const struct driver_queue *queue)
{
	return __atomic_load_n((uint16_t *)(void *)&queue->used->ring[queue->size],
			       __ATOMIC_RELAXED);
}
