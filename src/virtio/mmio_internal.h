/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: the transport's state, shared by its registers and its queues. */
#ifndef ARCVISOR_VIRTIO_MMIO_INTERNAL_H
#define ARCVISOR_VIRTIO_MMIO_INTERNAL_H

#include "virtio/mmio.h"

/* Registers (section 4.2.2). */
enum {
	REG_MAGIC = 0x000,
	REG_VERSION = 0x004,
	REG_DEVICE_ID = 0x008,
	REG_VENDOR_ID = 0x00c,
	REG_DEVICE_FEATURES = 0x010,
	REG_DEVICE_FEATURES_SEL = 0x014,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM_MAX = 0x034,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = VIRTIO_MMIO_QUEUE_NOTIFY,
	REG_INTERRUPT_STATUS = 0x060,
	REG_INTERRUPT_ACK = VIRTIO_MMIO_INT_ACK,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC_LOW = 0x080,
	REG_QUEUE_DESC_HIGH = 0x084,
	REG_QUEUE_DRIVER_LOW = 0x090,
	REG_QUEUE_DRIVER_HIGH = 0x094,
	REG_QUEUE_DEVICE_LOW = 0x0a0,
	REG_QUEUE_DEVICE_HIGH = 0x0a4,
	REG_SHM_LEN_LOW = 0x0b0,
	REG_SHM_LEN_HIGH = 0x0b4,
	REG_SHM_BASE_LOW = 0x0b8,
	REG_SHM_BASE_HIGH = 0x0bc,
	REG_QUEUE_RESET = 0x0c0,
	REG_CONFIG_GENERATION = 0x0fc,
	REG_CONFIG = 0x100,
};

#define INT_USED   0x1u /* used buffers were published */
#define INT_CONFIG 0x2u /* the configuration, or DEVICE_NEEDS_RESET, changed */

struct mmio_queue {
	struct virtqueue_setup setup;
	bool stopping; /* on its way out: a thread waits for what is under way */
};

/*
 * @lock guards what has no other: order lock -> a virtqueue's lock. It is not held while something
 * is waited for, since what is waited for may be on a vCPU that wants a register.
 */
struct virtio_mmio {
	struct virtio_device *dev;
	struct irq_line *line;
	pthread_mutex_t lock;
	_Atomic uint32_t status;
	_Atomic uint32_t interrupts; /* INT_* */
	_Atomic uint32_t unseen;     /* likewise: others interrupt by these, and do not say so */
	uint32_t generation;
	bool resetting;
	bool acked_elsewhere; /* fixed before any vCPU runs */
	uint64_t offered, driver_features;
	uint32_t device_sel, driver_sel, queue_sel;
	struct mmio_queue queues[];
};

/* The queue that QueueSel names, or NULL. */
struct mmio_queue *mmio_selected(struct virtio_mmio *mmio);

uint32_t mmio_queue_read_locked(struct virtio_mmio *mmio, uint32_t reg);

/* May let go of the lock and take it again. */
void mmio_queue_write_locked(struct virtio_mmio *mmio, uint32_t reg, uint32_t val);

/* Stops every queue that is in use; lets go of the lock. */
void mmio_stop_queues_locked(struct virtio_mmio *mmio);

bool mmio_has_feature(const struct virtio_mmio *mmio, unsigned int bit);

/* DEVICE_NEEDS_RESET, from any thread. */
void mmio_needs_reset(struct virtio_mmio *mmio);

#endif
