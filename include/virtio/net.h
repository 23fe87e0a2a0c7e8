/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio network device (virtio 1.2 section 5.1): queue pairs between a driver and a host end
 * (net/net.h), a control queue, a link that goes down with the host end.
 *
 * A thread a pair moves packets, straight between guest memory and the host end's descriptor.
 * Commands of the control queue are done by the vCPU that rings for them.
 *
 * Where the host end is served by the host's kernel (net.vhost) that has the pairs of queues, rung
 * for by KVM and interrupting by itself, and one thread of the device looks after it.
 */
#ifndef ARCVISOR_VIRTIO_NET_H
#define ARCVISOR_VIRTIO_NET_H

#include "net/net.h"
#include "virtio/device.h"

#define VNET_QUEUE_SIZE 256u

struct vnet;

/*
 * A device on @net, which outlives it, with as many pairs as that has queues. 0 or -errno. Its
 * transport is made with vnet_device().
 */
int vnet_create(struct net *net, struct vnet **out);

/* After its transport and its threads. NULL is fine. */
void vnet_destroy(struct vnet *vnet);

struct virtio_device *vnet_device(struct vnet *vnet);
struct net *vnet_net(const struct vnet *vnet);

/*
 * The eventfd which is written when the driver rings for @queue; of one pair both are the same. -1:
 * the ring is for vnet_device()'s kick() alone.
 */
int vnet_doorbell(const struct vnet *vnet, unsigned int queue);

/* Starts a thread a pair; the transport is there. 0 or -errno. */
int vnet_start(struct vnet *vnet);

/* Ends them. Does nothing where there are none. */
void vnet_stop(struct vnet *vnet);

/* No vCPU runs: the kernel's side moves no packet until it goes on. Ours moves them all the time.
 */
void vnet_pause(struct vnet *vnet);
void vnet_resume(struct vnet *vnet);

/* Asks the driver to announce itself to its network (section 5.1.6.5.4). From any thread but a
 * vCPU's. */
void vnet_announce(struct vnet *vnet);

/* What went through since the device was made. Racy while it does. */
struct vnet_stats {
	uint64_t rx_packets, rx_bytes; /* into the guest */
	uint64_t rx_large;	       /* of these, larger than a frame: to be cut or merged */
	uint64_t rx_filtered;	       /* not for this card, as the driver sees it */
	uint64_t rx_dropped;	       /* larger than what the driver has room for */
	uint64_t tx_packets, tx_bytes; /* out of the guest */
	uint64_t tx_large;
	uint64_t tx_dropped; /* refused by the host */
	uint64_t tx_bad;     /* with a header that cannot be */
	bool link;
	unsigned int active; /* pairs that the driver uses */
	bool in_kernel; /* the counters are the interface's; it has no large and filtered ones */
	bool served;	/* by the kernel, now */
};

void vnet_get_stats(const struct vnet *vnet, struct vnet_stats *stats);

#endif
