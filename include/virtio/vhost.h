/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device whose queues another process serves, by vhost-user: a shared folder (virtio 1.2
 * section 5.11), a disk (section 5.2). This one has its registers, hands its queues over when the
 * driver is up and takes them back when they are stopped.
 *
 * The driver's doorbell goes from the host's kernel to that process. A thread turns its signals
 * into interrupts, and sees when it is gone: then the device says DEVICE_NEEDS_RESET, once, and
 * nothing answers any more. A driver that resets it gets a new back end, where there is one.
 */
#ifndef ARCVISOR_VIRTIO_VHOST_H
#define ARCVISOR_VIRTIO_VHOST_H

#include "vhost/vhost.h"
#include "virtio/device.h"

struct vvhost;

/*
 * A device on @end, connected or not: it is connected when a driver comes up. @end and @mem outlive
 * it. 0 or -errno.
 */
int vvhost_create(struct vhost_end *end, const struct gmem *mem, struct vvhost **out);

/* After its transport and its thread; disconnects @end, who has no guest memory then. */
void vvhost_destroy(struct vvhost *vvhost);

struct virtio_device *vvhost_device(struct vvhost *vvhost);

/* The eventfd which is written when the driver rings for @queue. */
int vvhost_doorbell(const struct vvhost *vvhost, unsigned int queue);

/* Ends its thread, which is there since a driver was. No vCPU runs. */
void vvhost_stop(struct vvhost *vvhost);

struct vvhost_stats {
	bool connected;
	bool started;	     /* the driver is up */
	uint64_t interrupts; /* that the back end asked for */
	uint64_t lost;	     /* back ends that went away */
};

/* From any thread. */
void vvhost_get_stats(const struct vvhost *vvhost, struct vvhost_stats *stats);

#endif
