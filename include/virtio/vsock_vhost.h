/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio socket device (virtio 1.2 section 5.10) whose queues of packets the host's kernel
 * serves, by vhost-vsock (vsock/vhost.h). This one has its registers, hands the queues over when
 * the driver is up and takes them back when one is stopped.
 *
 * The driver's doorbell goes from KVM to vhost; a thread turns vhost's signals into interrupts.
 */
#ifndef ARCVISOR_VIRTIO_VSOCK_VHOST_H
#define ARCVISOR_VIRTIO_VSOCK_VHOST_H

#include "virtio/device.h"
#include "vsock/vhost.h"

struct vvsock_vhost;

/* A device on @host, for @mem; both outlive it. 0 or -errno. */
int vvsock_vhost_create(struct vsock *host, const struct gmem *mem, struct vvsock_vhost **out);

/* After its transport and its thread. NULL is fine. */
void vvsock_vhost_destroy(struct vvsock_vhost *vhost);

struct virtio_device *vvsock_vhost_device(struct vvsock_vhost *vhost);

/* The eventfd which is written when the driver rings for @queue; -1: nobody listens. */
int vvsock_vhost_doorbell(const struct vvsock_vhost *vhost, unsigned int queue);

/* Starts the thread; the transport is there. 0 or -errno. */
int vvsock_vhost_start(struct vvsock_vhost *vhost);

/* Ends it, and what the kernel serves: no vCPU runs. Does nothing where there is none. */
void vvsock_vhost_stop(struct vvsock_vhost *vhost);

/* Whether the kernel serves its queues now. From any thread. */
bool vvsock_vhost_is_running(const struct vvsock_vhost *vhost);

#endif
