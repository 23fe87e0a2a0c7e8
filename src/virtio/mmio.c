/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-mmio transport: registers, status, interrupts (virtio 1.2 section 4.2). */
#include "virtio/mmio.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "mmio_internal.h"

#define MAGIC	  0x74726976u /* "virt" */
#define VERSION	  2u
#define VENDOR_ID 0x56435241u /* "ARCV" */

#define TRANSPORT_FEATURES                                                \
	(BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_F_RING_INDIRECT_DESC) | \
	 BIT64(VIRTIO_F_RING_EVENT_IDX) | BIT64(VIRTIO_F_RING_RESET))

bool mmio_has_feature(const struct virtio_mmio *mmio, unsigned int bit)
{
	return mmio->driver_features & BIT64(bit);
}

/* ---- what the device asks for ---------------------------------------------------------------- */

/* Release: who reads the bit finds what it stands for. */
static void raise(struct virtio_mmio *mmio, uint32_t cause)
{
	atomic_fetch_or_explicit(&mmio->interrupts, cause, memory_order_release);
	irq_line_pulse(mmio->line);
}

void mmio_needs_reset(struct virtio_mmio *mmio)
{
	uint32_t before = atomic_fetch_or(&mmio->status, VIRTIO_STATUS_NEEDS_RESET);

	/* Section 2.1.2: told once, and only to a driver that is up. */
	if ((before & VIRTIO_STATUS_DRIVER_OK) && !(before & VIRTIO_STATUS_NEEDS_RESET))
		raise(mmio, INT_CONFIG);
}

static void port_interrupt(void *ctx)
{
	raise(ctx, INT_USED);
}

static int port_interrupt_fd(void *ctx)
{
	struct virtio_mmio *mmio = ctx;

	if (mmio->line->eventfd >= 0)
		atomic_store(&mmio->unseen, INT_USED);
	return mmio->line->eventfd;
}

static void port_needs_reset(void *ctx)
{
	static struct log_limit limit = { .burst = 5 };

	log_limited(&limit, LOG_LEVEL_WARN,
		    "virtio: the guest broke a queue's rules; it has to reset the device");
	mmio_needs_reset(ctx);
}

static void port_failed(void *ctx)
{
	mmio_needs_reset(ctx);
}

static void port_config_begin(void *ctx)
{
	struct virtio_mmio *mmio = ctx;

	pthread_mutex_lock(&mmio->lock);
}

static void port_config_end(void *ctx)
{
	struct virtio_mmio *mmio = ctx;
	bool tell = atomic_load(&mmio->status) & VIRTIO_STATUS_DRIVER_OK;

	mmio->generation++;
	pthread_mutex_unlock(&mmio->lock);
	if (tell)
		raise(mmio, INT_CONFIG);
}

static const struct virtio_port_ops port_ops = {
	.interrupt = port_interrupt,
	.interrupt_fd = port_interrupt_fd,
	.needs_reset = port_needs_reset,
	.failed = port_failed,
	.config_begin = port_config_begin,
	.config_end = port_config_end,
};

/* ---- status ---------------------------------------------------------------------------------- */

static void forget_locked(struct virtio_mmio *mmio)
{
	mmio->driver_features = 0;
	mmio->device_sel = mmio->driver_sel = mmio->queue_sel = 0;
	atomic_store(&mmio->interrupts, 0);
	atomic_store(&mmio->unseen, 0);
	for (unsigned int i = 0; i < mmio->dev->nr_queues; i++)
		mmio->queues[i] = (struct mmio_queue){ .setup.size = mmio->dev->queue_size };
}

/*
 * Section 2.4: the driver may use its memory for something else once this has returned. Status
 * reads what it was until then, and nothing else can be written.
 */
static void reset_locked(struct virtio_mmio *mmio)
{
	if (mmio->resetting)
		return;
	mmio->resetting = true;
	atomic_fetch_and(&mmio->status, ~VIRTIO_STATUS_DRIVER_OK); /* doorbells are dead */
	mmio_stop_queues_locked(mmio);
	mmio->dev->ops->stop(mmio->dev);
	forget_locked(mmio);
	atomic_store(&mmio->status, 0);
	mmio->resetting = false;
}

static bool features_fit(const struct virtio_mmio *mmio)
{
	return !(mmio->driver_features & ~mmio->offered) &&
	       mmio_has_feature(mmio, VIRTIO_F_VERSION_1);
}

/* Section 2.1.1: a driver sets bits and never clears one, but by a reset. */
static void write_status_locked(struct virtio_mmio *mmio, uint32_t val)
{
	uint32_t before = atomic_load(&mmio->status);
	uint32_t fresh = val & ~before & 0xff & ~VIRTIO_STATUS_NEEDS_RESET;

	if (!val) {
		reset_locked(mmio);
		return;
	}
	if (mmio->resetting)
		return;
	if ((fresh & VIRTIO_STATUS_FEATURES_OK) && !features_fit(mmio))
		fresh &= ~VIRTIO_STATUS_FEATURES_OK;
	if ((fresh & VIRTIO_STATUS_DRIVER_OK) && !((before | fresh) & VIRTIO_STATUS_FEATURES_OK))
		fresh &= ~VIRTIO_STATUS_DRIVER_OK;
	if (fresh & VIRTIO_STATUS_DRIVER_OK)
		mmio->dev->ops->start(mmio->dev, mmio->driver_features);
	atomic_fetch_or(&mmio->status, fresh);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t half(uint64_t features, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(features >> (32 * sel)) : 0;
}

static void write_features(struct virtio_mmio *mmio, uint32_t val)
{
	unsigned int shift = 32 * mmio->driver_sel;

	if (mmio->driver_sel > 1 || mmio->resetting ||
	    (atomic_load(&mmio->status) & VIRTIO_STATUS_FEATURES_OK))
		return;
	mmio->driver_features &= ~((uint64_t)UINT32_MAX << shift);
	mmio->driver_features |= (uint64_t)val << shift;
}

static uint32_t read_locked(struct virtio_mmio *mmio, uint32_t reg)
{
	switch (reg) {
	case REG_MAGIC:
		return MAGIC;
	case REG_VERSION:
		return VERSION;
	case REG_DEVICE_ID:
		return mmio->dev->id;
	case REG_VENDOR_ID:
		return VENDOR_ID;
	case REG_DEVICE_FEATURES:
		return half(mmio->offered, mmio->device_sel);
	case REG_STATUS:
		return atomic_load(&mmio->status);
	case REG_SHM_LEN_LOW: /* no shared memory: section 4.2.2 */
	case REG_SHM_LEN_HIGH:
	case REG_SHM_BASE_LOW:
	case REG_SHM_BASE_HIGH:
		return UINT32_MAX;
	case REG_CONFIG_GENERATION:
		return mmio->generation;
	default:
		return mmio_queue_read_locked(mmio, reg);
	}
}

static void write_locked(struct virtio_mmio *mmio, uint32_t reg, uint32_t val)
{
	switch (reg) {
	case REG_DEVICE_FEATURES_SEL:
		mmio->device_sel = val;
		break;
	case REG_DRIVER_FEATURES:
		write_features(mmio, val);
		break;
	case REG_DRIVER_FEATURES_SEL:
		mmio->driver_sel = val;
		break;
	case REG_QUEUE_SEL:
		mmio->queue_sel = val;
		break;
	case REG_STATUS:
		write_status_locked(mmio, val);
		break;
	default:
		mmio_queue_write_locked(mmio, reg, val);
		break;
	}
}

/* No lock: what a device does there guards itself, and a dead queue gives nothing. */
static void write_notify(struct virtio_mmio *mmio, uint32_t queue)
{
	uint32_t status = atomic_load_explicit(&mmio->status, memory_order_acquire);

	if ((status & VIRTIO_STATUS_DRIVER_OK) && queue < mmio->dev->nr_queues)
		mmio->dev->ops->kick(mmio->dev, queue);
}

void virtio_config_read(const void *space, uint32_t size, uint32_t offset, void *buf, uint32_t len)
{
	if (offset < size)
		memcpy(buf, (const uint8_t *)space + offset,
		       len < size - offset ? len : size - offset);
}

static uint64_t read_config(struct virtio_mmio *mmio, uint32_t offset, unsigned int len)
{
	uint64_t val = 0;

	if (!mmio->dev->ops->read_config)
		return 0;
	pthread_mutex_lock(&mmio->lock);
	mmio->dev->ops->read_config(mmio->dev, offset, &val, len);
	pthread_mutex_unlock(&mmio->lock);
	return val;
}

static void write_config(struct virtio_mmio *mmio, uint32_t offset, unsigned int len, uint64_t val)
{
	if (!mmio->dev->ops->write_config)
		return;
	pthread_mutex_lock(&mmio->lock);
	if (!mmio->resetting)
		mmio->dev->ops->write_config(mmio->dev, offset, &val, len);
	pthread_mutex_unlock(&mmio->lock);
}

/*
 * A cause that comes after this read raises an edge of its own, so that none is lost. What differs
 * from a plain register is a second read before the acknowledgement, which no driver needs: the
 * first one told it everything.
 */
static uint32_t read_interrupts(struct virtio_mmio *mmio)
{
	uint32_t unseen = atomic_load_explicit(&mmio->unseen, memory_order_relaxed);

	if (mmio->acked_elsewhere)
		return unseen |
		       atomic_exchange_explicit(&mmio->interrupts, 0, memory_order_acquire);
	return unseen | atomic_load_explicit(&mmio->interrupts, memory_order_acquire);
}

static uint64_t window_read(void *ctx, uint64_t offset, unsigned int len)
{
	struct virtio_mmio *mmio = ctx;
	uint32_t reg = (uint32_t)offset, val;

	if (offset >= REG_CONFIG)
		return read_config(mmio, reg - REG_CONFIG, len);
	if (len != 4 || offset % 4)
		return 0;
	if (reg == REG_INTERRUPT_STATUS)
		return read_interrupts(mmio);
	pthread_mutex_lock(&mmio->lock);
	val = read_locked(mmio, reg);
	pthread_mutex_unlock(&mmio->lock);
	return val;
}

static void window_write(void *ctx, uint64_t offset, unsigned int len, uint64_t val)
{
	struct virtio_mmio *mmio = ctx;
	uint32_t reg = (uint32_t)offset;

	if (offset >= REG_CONFIG) {
		write_config(mmio, reg - REG_CONFIG, len, val);
		return;
	}
	if (len != 4 || offset % 4)
		return;
	switch (reg) {
	case REG_QUEUE_NOTIFY:
		write_notify(mmio, (uint32_t)val);
		break;
	case REG_INTERRUPT_ACK:
		atomic_fetch_and(&mmio->interrupts, ~(uint32_t)val);
		break;
	default:
		pthread_mutex_lock(&mmio->lock);
		write_locked(mmio, reg, (uint32_t)val);
		pthread_mutex_unlock(&mmio->lock);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

int virtio_mmio_create(struct virtio_device *dev, const struct gmem *mem, struct irq_line *line,
		       struct virtio_mmio **out)
{
	struct virtio_mmio *mmio;

	assert(dev->nr_queues <= VIRTIO_MAX_QUEUES && dev->queue_size <= VIRTQ_MAX_SIZE);
	mmio = calloc(1, sizeof(*mmio) + dev->nr_queues * sizeof(mmio->queues[0]));
	dev->queues = calloc(dev->nr_queues, sizeof(*dev->queues));
	if (!mmio || !dev->queues) {
		free(dev->queues);
		free(mmio);
		dev->queues = NULL;
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < dev->nr_queues; i++)
		virtqueue_init(&dev->queues[i], mem, dev->queue_size);
	mmio->dev = dev;
	mmio->line = line;
	mmio->offered = dev->features | (TRANSPORT_FEATURES & ~dev->lacks);
	pthread_mutex_init(&mmio->lock, NULL);
	forget_locked(mmio);
	dev->port = &port_ops;
	dev->port_ctx = mmio;
	dev->ops->attached(dev);
	*out = mmio;
	return 0;
}

void virtio_mmio_acked_elsewhere(struct virtio_mmio *mmio)
{
	mmio->acked_elsewhere = true;
}

void virtio_mmio_destroy(struct virtio_mmio *mmio)
{
	if (!mmio)
		return;
	for (unsigned int i = 0; i < mmio->dev->nr_queues; i++)
		virtqueue_fini(&mmio->dev->queues[i]);
	free(mmio->dev->queues);
	mmio->dev->queues = NULL;
	pthread_mutex_destroy(&mmio->lock);
	free(mmio);
}

const struct mmio_ops virtio_mmio_ops = { .read = window_read, .write = window_write };
