/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio socket device (virtio 1.2 section 5.10): stream connections between programs of the
 * guest and unix sockets of the host (vsock/vsock.h).
 *
 * One thread moves the bytes of all connections. A connection has a buffer of VVSOCK_BUFFER bytes
 * for what the host does not take at once, and the guest sends no more than that; what the guest
 * does not take stays in the host's socket. So one that is stuck holds up nobody else.
 */
#ifndef ARCVISOR_VIRTIO_VSOCK_H
#define ARCVISOR_VIRTIO_VSOCK_H

#include "virtio/device.h"
#include "vsock/vsock.h"

#define VVSOCK_QUEUE_SIZE 128u
#define VVSOCK_BUFFER	  (256u << 10) /* bytes, each connection's */
#define VVSOCK_HELLOS	  64u	       /* clients of the host that have not said whom they want */

struct vvsock;

/*
 * A device on @host, which outlives it, with as many connections as that allows. 0 or -errno. Its
 * transport is made with vvsock_device().
 */
int vvsock_create(struct vsock *host, struct vvsock **out);

/* After its transport and its thread; ends all connections. NULL is fine. */
void vvsock_destroy(struct vvsock *vvsock);

struct virtio_device *vvsock_device(struct vvsock *vvsock);

/* The eventfd that is written when the driver rings, for whatever queue. */
int vvsock_doorbell(const struct vvsock *vvsock);

/* Starts the thread; the transport is there. 0 or -errno. */
int vvsock_start(struct vvsock *vvsock);

/* Ends it. Does nothing where there is none. */
void vvsock_stop(struct vvsock *vvsock);

/*
 * Ends all connections, and tells the driver that its are gone (VIRTIO_VSOCK_EVENT_TRANSPORT_RESET,
 * section 5.10.6.7). From any thread.
 */
void vvsock_interrupt_all(struct vvsock *vvsock);

/* What went through since the device was made. Racy while it does. */
struct vvsock_stats {
	unsigned int connections;      /* now, also those that are not quite there, or gone */
	uint64_t by_host, by_guest;    /* connections that came to be, by who asked for them */
	uint64_t refused;	       /* that did not: nobody listens, or there are too many */
	uint64_t reset;		       /* ended by RST before both had closed */
	uint64_t rx_packets, rx_bytes; /* into the guest; bytes are of streams alone */
	uint64_t tx_packets, tx_bytes; /* out of the guest */
	uint64_t tx_bad;	       /* of these, packets that cannot be */
	uint64_t tx_overrun;	       /* of these, more than the driver was allowed to send */
	uint64_t unanswered;	       /* stray packets whose RST had no room */
};

void vvsock_get_stats(const struct vvsock *vvsock, struct vvsock_stats *stats);

#endif
