/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a socket device in the host's kernel: vhost-vsock (Linux
 * include/uapi/linux/vhost.h). Programs of the host reach the guest's ports by AF_VSOCK, and the
 * guest theirs; the kernel has the queues of packets and guest memory.
 *
 * Thread: any, one at a time. It is for struct vsock with a config.vhost alone.
 */
#ifndef ARCVISOR_VSOCK_VHOST_H
#define ARCVISOR_VSOCK_VHOST_H

#include "mem/gmem.h"
#include "vhost/queue.h"
#include "vsock/vsock.h"

#define VSOCK_VHOST_QUEUES 2u /* that the kernel serves: into the guest, and out of it */

/* Takes the CID of @vsock, which it has. 0, or -errno after a line in the log. */
int vsock_vhost_open(struct vsock *vsock);

/* Gives it back; connections end. Nothing where there is none. */
void vsock_vhost_close(struct vsock *vsock);

/* The kernel serves @queues, VSOCK_VHOST_QUEUES of them, of a driver that took @features. 0 or
 * -errno. */
int vsock_vhost_start(const struct vsock *vsock, const struct gmem *mem, uint64_t features,
		      const struct vhost_queue *queues);

/* When this returns the kernel uses neither queues nor guest memory. */
void vsock_vhost_stop(const struct vsock *vsock);

#endif
