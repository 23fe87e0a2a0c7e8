/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/virtio: the eventfds of a device whose queues somebody else serves, a process or
 * the host's kernel. One a queue by which the driver rings; one of all queues by which their server
 * wants an interrupt, and one by which it gives up.
 */
#ifndef ARCVISOR_VIRTIO_BELLS_H
#define ARCVISOR_VIRTIO_BELLS_H

#include "vhost/queue.h"
#include "virtio/device.h"

#define BELLS_MAX 128u /* queues */

struct bells {
	unsigned int nr;
	int kicks[BELLS_MAX];
	int call, err;
};

/* For @nr queues. 0 or -errno; bells_close() in either case. */
int bells_open(struct bells *bells, unsigned int nr);

/* Nothing where they were never opened and @bells is 0. */
void bells_close(struct bells *bells);

/* The driver rang; nothing for a queue that is not among them. */
void bells_ring(const struct bells *bells, unsigned int queue);

/* The eventfd which is written when the driver rings for @queue; -1: it is not among them. */
int bells_kick_fd(const struct bells *bells, unsigned int queue);

/*
 * Queue @index of @dev for its server, from its first entry on. False: it is not enabled. Its
 * bell is rung by whoever hands it over, since the driver may have rung before.
 */
bool bells_describe(const struct bells *bells, const struct virtio_device *dev, unsigned int index,
		    struct vhost_queue *queue);

/* For a server that may interrupt the guest by itself, where the transport lets it. */
void bells_describe_direct(const struct virtio_device *dev, struct vhost_queue *queue);

/* Whether somebody wanted an interrupt, or gave up, since the last look. */
bool bells_called(const struct bells *bells);
bool bells_failed(const struct bells *bells);

#endif
