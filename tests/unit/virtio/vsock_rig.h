/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket device on unix sockets in a folder of its own, its transport, and a driver with queues
 * of 64. No test framework: vsock_rig_init() ends the program where the host fails.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_VSOCK_RIG_H
#define ARCVISOR_TESTS_VIRTIO_VSOCK_RIG_H

#include "driver.h"
#include "virtio/mmio.h"
#include "virtio/vsock.h"
#include "virtio/vsock_internal.h"

#define VSOCK_RIG_CID	     3u
#define VSOCK_RIG_QUEUE_SIZE 64u
#define VSOCK_RIG_CONNS	     80u
#define VSOCK_RIG_BUFFERS    32u      /* of the receive queue */
#define VSOCK_RIG_EACH	     0x1040u  /* bytes of one */
#define VSOCK_RIG_ALLOC	     0x10000u /* what the driver says that it has room for */
#define VSOCK_RIG_DATA	     (DRIVER_RAM_BASE + 0x100000u) /* free guest memory from here on */
#define VSOCK_RIG_SEND	     (DRIVER_RAM_BASE + 0x200000u) /* where packets to send are put */

struct vsock_rig {
	char folder[32], path[48];
	struct gmem mem;
	struct vsock *host;
	struct irq_line line;
	_Atomic unsigned int edges;
	struct vvsock *vvsock;
	struct virtio_mmio *mmio;
	struct driver_queue drivers[VVSOCK_QUEUES];
	unsigned int sent; /* where the next packet is put */
};

void vsock_rig_init(struct vsock_rig *rig);
void vsock_rig_fini(struct vsock_rig *rig);

uint32_t vsock_rig_get(struct vsock_rig *rig, uint64_t reg);
void vsock_rig_put(struct vsock_rig *rig, uint64_t reg, uint32_t val);

/* From reset to DRIVER_OK, with @buffers for packets that come. */
void vsock_rig_start(struct vsock_rig *rig, unsigned int buffers);

void *vsock_rig_host(struct vsock_rig *rig, gpa_t gpa);

/* One more buffer for packets that come: the one with number @index. */
void vsock_rig_give(struct vsock_rig *rig, unsigned int index);

/* As the device's thread does, until nothing is left to do. */
void vsock_rig_serve(struct vsock_rig *rig);

/* A packet of the driver, as it should be. */
struct vvsock_header vsock_rig_packet(enum vvsock_op op, uint32_t guest_port, uint32_t host_port);

/* Offers @header and @len bytes of @data behind it, whatever the header says of them. */
void vsock_rig_send(struct vsock_rig *rig, const struct vvsock_header *header, const void *data,
		    uint32_t len);

/* The same of vsock_rig_packet(), served. */
void vsock_rig_do(struct vsock_rig *rig, enum vvsock_op op, uint32_t guest_port,
		  uint32_t host_port);

/*
 * The next packet that came, and up to @room bytes behind it, where @data is not NULL; its buffer
 * is given back. False: there is none.
 */
bool vsock_rig_got(struct vsock_rig *rig, struct vvsock_header *header, void *data, size_t room);

/*
 * A unix socket that listens at PATH_@port; a program of the host that connects to PATH, or -1: too
 * many wait there.
 */
int vsock_rig_listen(struct vsock_rig *rig, uint32_t port);
int vsock_rig_connect(struct vsock_rig *rig);

#endif
