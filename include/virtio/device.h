/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device and its transport, as they see each other: a device knows queues and a port, a
 * transport knows a table of operations. Either side can be replaced, by a test for one.
 */
#ifndef ARCVISOR_VIRTIO_DEVICE_H
#define ARCVISOR_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/queue.h"

struct virtio_device;

/*
 * What a transport asks of a device. Called on the thread that made the guest's access: several
 * at a time, but start(), stop() and the configuration's functions, which the transport calls one
 * after another.
 */
struct virtio_device_ops {
	/* The transport was made: queues and port are there. */
	void (*attached)(struct virtio_device *dev);

	/* DRIVER_OK: the driver took @features. Queues that are to be used are enabled. */
	void (*start)(struct virtio_device *dev, uint64_t features);

	/*
	 * The device is reset. Its queues were disabled, and each had its queue_stop(): what the
	 * driver set is forgotten.
	 */
	void (*stop)(struct virtio_device *dev);

	/*
	 * Queue @queue was disabled: returns when nothing that came out of it is under way, so
	 * that its buffers are the driver's again. May wait for the host; the transport holds no
	 * lock.
	 */
	void (*queue_stop)(struct virtio_device *dev, unsigned int queue);

	/* The driver rang for @queue, which is below nr_queues; only after DRIVER_OK. */
	void (*kick)(struct virtio_device *dev, unsigned int queue);

	/*
	 * Device configuration space (section 2.5). Reads find @buf zeroed, and leave it so outside
	 * of it; virtio_config_read() does both. NULL: there is none; nothing is the driver's to
	 * write.
	 */
	void (*read_config)(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len);
	void (*write_config)(struct virtio_device *dev, uint32_t offset, const void *buf,
			     uint32_t len);
};

/* The part of a configuration space, the @size bytes at @space, that a read wants of it. */
void virtio_config_read(const void *space, uint32_t size, uint32_t offset, void *buf, uint32_t len);

/* What a device asks of its transport; from any thread. */
struct virtio_port_ops {
	/* Used buffers were published, and the driver wants to be told. */
	void (*interrupt)(void *ctx);

	/*
	 * An eventfd for somebody else's hands: a write to it is as interrupt(). It is the
	 * transport's. -1: it has none. Once this was asked, and until a reset, the driver reads of
	 * every interrupt that it may be for used buffers, which nobody can tell any more.
	 */
	int (*interrupt_fd)(void *ctx);

	/* A queue is broken: DEVICE_NEEDS_RESET. */
	void (*needs_reset)(void *ctx);

	/* The device is of no use any more, by no fault of its driver: the same, said by the
	 * device. */
	void (*failed)(void *ctx);

	/*
	 * Around a change of what read_config() says: none is under way between the two, and the
	 * driver is told of a new generation after them. Not from within the device's operations.
	 */
	void (*config_begin)(void *ctx);
	void (*config_end)(void *ctx);
};

struct virtio_device {
	/* The device's; fixed before the transport is made. */
	const struct virtio_device_ops *ops;
	uint32_t id;	   /* VIRTIO_ID_* */
	uint64_t features; /* offered, besides those of queues and transport */
	uint64_t lacks;	   /* of those of queues and transport, what it cannot do */
	unsigned int nr_queues;
	uint16_t queue_size; /* the most that a driver may choose */

	/* The transport's; from its creation to its end. */
	const struct virtio_port_ops *port;
	void *port_ctx;
	struct virtqueue *queues; /* nr_queues */
};

#define VIRTIO_MAX_QUEUES 512u

static inline void virtio_interrupt(const struct virtio_device *dev)
{
	dev->port->interrupt(dev->port_ctx);
}

static inline int virtio_interrupt_fd(const struct virtio_device *dev)
{
	return dev->port->interrupt_fd(dev->port_ctx);
}

static inline void virtio_needs_reset(const struct virtio_device *dev)
{
	dev->port->needs_reset(dev->port_ctx);
}

#endif
