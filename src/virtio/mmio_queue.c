/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of queues (virtio 1.2 section 4.2.2 and 4.2.3.2): set up, enabled, stopped. */
#include "base/log.h"
#include "mmio_internal.h"

static void set_low(gpa_t *addr, uint32_t val)
{
	*addr = (*addr & ~(gpa_t)UINT32_MAX) | val;
}

static void set_high(gpa_t *addr, uint32_t val)
{
	*addr = (*addr & UINT32_MAX) | (gpa_t)val << 32;
}

static unsigned int index_of(const struct virtio_mmio *mmio, const struct mmio_queue *queue)
{
	return (unsigned int)(queue - mmio->queues);
}

static bool is_ready(struct virtio_mmio *mmio, const struct mmio_queue *queue)
{
	struct virtqueue *vq = &mmio->dev->queues[index_of(mmio, queue)];
	bool ready;

	pthread_mutex_lock(&vq->lock);
	ready = vq->ready;
	pthread_mutex_unlock(&vq->lock);
	return ready;
}

struct mmio_queue *mmio_selected(struct virtio_mmio *mmio)
{
	return mmio->queue_sel < mmio->dev->nr_queues ? &mmio->queues[mmio->queue_sel] : NULL;
}

uint32_t mmio_queue_read_locked(struct virtio_mmio *mmio, uint32_t reg)
{
	const struct mmio_queue *queue = mmio_selected(mmio);

	if (!queue)
		return 0;
	switch (reg) {
	case REG_QUEUE_NUM_MAX:
		return mmio->dev->queue_size;
	case REG_QUEUE_READY:
		return queue->stopping || is_ready(mmio, queue);
	case REG_QUEUE_RESET:
		return queue->stopping;
	default:
		return 0;
	}
}

static void enable(struct virtio_mmio *mmio, struct mmio_queue *queue)
{
	static struct log_limit limit = { .burst = 5 };
	unsigned int index = index_of(mmio, queue);

	if (queue->stopping || is_ready(mmio, queue))
		return;
	queue->setup.event_idx = mmio_has_feature(mmio, VIRTIO_F_RING_EVENT_IDX);
	queue->setup.indirect = mmio_has_feature(mmio, VIRTIO_F_RING_INDIRECT_DESC);
	if (virtqueue_enable(&mmio->dev->queues[index], &queue->setup) == 0)
		return;
	log_limited(&limit, LOG_LEVEL_WARN,
		    "virtio: the guest set queue %u up where it cannot be; it has to reset the "
		    "device",
		    index);
	mmio_needs_reset(mmio);
}

/*
 * What is under way may need a vCPU that waits for our lock, so it is let go. Meanwhile the queue
 * counts as ready and does not change.
 */
static void stop_locked(struct virtio_mmio *mmio, struct mmio_queue *queue)
{
	unsigned int index = index_of(mmio, queue);

	if (queue->stopping || !is_ready(mmio, queue))
		return;
	queue->stopping = true;
	pthread_mutex_unlock(&mmio->lock);
	virtqueue_disable(&mmio->dev->queues[index]);
	mmio->dev->ops->queue_stop(mmio->dev, index);
	pthread_mutex_lock(&mmio->lock);
	queue->stopping = false;
}

void mmio_stop_queues_locked(struct virtio_mmio *mmio)
{
	for (unsigned int i = 0; i < mmio->dev->nr_queues; i++)
		stop_locked(mmio, &mmio->queues[i]);
}

static void write_ready(struct virtio_mmio *mmio, struct mmio_queue *queue, bool ready)
{
	if (ready)
		enable(mmio, queue);
	else
		stop_locked(mmio, queue);
}

static void write_reset(struct virtio_mmio *mmio, struct mmio_queue *queue, uint32_t val)
{
	if (val != 1 || !mmio_has_feature(mmio, VIRTIO_F_RING_RESET) || queue->stopping)
		return;
	stop_locked(mmio, queue);
	queue->setup = (struct virtqueue_setup){ .size = mmio->dev->queue_size };
}

/* Section 4.2.2.2: nothing but its end changes a queue that is in use. */
static void write_setup(struct virtio_mmio *mmio, struct mmio_queue *queue, uint32_t reg,
			uint32_t val)
{
	struct virtqueue_setup *setup = &queue->setup;

	if (queue->stopping || is_ready(mmio, queue))
		return;
	switch (reg) {
	case REG_QUEUE_NUM: /* 0, which no queue can have, stands for what does not fit */
		setup->size = val <= mmio->dev->queue_size ? (uint16_t)val : 0;
		break;
	case REG_QUEUE_DESC_LOW:
		set_low(&setup->desc, val);
		break;
	case REG_QUEUE_DESC_HIGH:
		set_high(&setup->desc, val);
		break;
	case REG_QUEUE_DRIVER_LOW:
		set_low(&setup->avail, val);
		break;
	case REG_QUEUE_DRIVER_HIGH:
		set_high(&setup->avail, val);
		break;
	case REG_QUEUE_DEVICE_LOW:
		set_low(&setup->used, val);
		break;
	case REG_QUEUE_DEVICE_HIGH:
		set_high(&setup->used, val);
		break;
	default:
		break;
	}
}

void mmio_queue_write_locked(struct virtio_mmio *mmio, uint32_t reg, uint32_t val)
{
	struct mmio_queue *queue = mmio_selected(mmio);

	if (!queue || mmio->resetting)
		return;
	if (reg == REG_QUEUE_READY)
		write_ready(mmio, queue, val & 1);
	else if (reg == REG_QUEUE_RESET)
		write_reset(mmio, queue, val);
	else
		write_setup(mmio, queue, reg, val);
}
