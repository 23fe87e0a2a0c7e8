/* SPDX-License-Identifier: Apache-2.0 */
/* A virtqueue as whoever serves it is told of it: another process, or the host's kernel. */
#ifndef ARCVISOR_VHOST_QUEUE_H
#define ARCVISOR_VHOST_QUEUE_H

#include <stdint.h>

/* One that is enabled, where this process sees its areas (virtio 1.2 section 2.7). */
struct vhost_queue {
	unsigned int index;
	uint32_t size;
	uint16_t base; /* the first entry of the driver's that has not been taken yet */
	const void *desc, *avail, *used;
	int kick, call; /* eventfds: the driver rings, the device interrupts */
	int err;	/* eventfd: the driver broke the rules. The kernel's alone */
};

#endif
