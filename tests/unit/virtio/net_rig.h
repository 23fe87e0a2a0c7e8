/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network device whose host end is a pair of sockets that keep packets apart, its transport, and
 * a driver with queues of 64. No test framework: net_rig_init() ends the program where the host
 * fails.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_NET_RIG_H
#define ARCVISOR_TESTS_VIRTIO_NET_RIG_H

#include "driver.h"
#include "virtio/mmio.h"
#include "virtio/net.h"
#include "virtio/net_internal.h"

#define NET_RIG_PAIRS	   2u
#define NET_RIG_QUEUES	   (2 * NET_RIG_PAIRS + 1)
#define NET_RIG_QUEUE_SIZE 64u
#define NET_RIG_DATA	   (DRIVER_RAM_BASE + 0x100000u) /* free guest memory from here on */
#define NET_RIG_OFFLOADS   0x3fu			 /* all of them */

enum { RX0, TX0, RX1, TX1, CONTROL };

struct net_rig {
	struct gmem mem;
	struct net net;		 /* may be changed before net_rig_init() */
	int wire[NET_RIG_PAIRS]; /* the other ends */
	uint32_t offloads;	 /* that were set last */
	unsigned int queues;	 /* likewise */
	_Atomic bool cut;	 /* what is_gone() says */
	struct irq_line line;
	_Atomic unsigned int edges;
	struct vnet *vnet;
	struct virtio_mmio *mmio;
	struct driver_queue drivers[NET_RIG_QUEUES];
};

void net_rig_prepare(struct net_rig *rig);
void net_rig_make_stream(struct net_rig *rig); /* between the two: pair 0 alone, as a stream */
void net_rig_init(struct net_rig *rig);
void net_rig_fini(struct net_rig *rig);

/* Another device on the same host end, started. */
void net_rig_remake(struct net_rig *rig);

uint32_t net_rig_get(struct net_rig *rig, uint64_t reg);
void net_rig_put(struct net_rig *rig, uint64_t reg, uint32_t val);

/* From reset to DRIVER_OK with all features but @without. */
void net_rig_start(struct net_rig *rig, uint64_t without);

void *net_rig_host(struct net_rig *rig, gpa_t gpa);

/* One buffer of @len bytes at NET_RIG_DATA + @at for packets that come. */
uint16_t net_rig_give(struct net_rig *rig, unsigned int queue, gpa_t at, uint32_t len);

/* Offers a packet: @header and @len bytes of @byte behind it, in two buffers. */
uint16_t net_rig_send(struct net_rig *rig, unsigned int queue, const struct vnet_header *header,
		      gpa_t at, uint32_t len, uint8_t byte);

/* What the other end of pair 0 has got; -1: nothing. */
ssize_t net_rig_sent(struct net_rig *rig, void *buf, size_t len);

/* The other end of pair 0 sends a frame of @len bytes of @byte to @dest, behind an empty header. */
void net_rig_arrive(struct net_rig *rig, const uint8_t *dest, size_t len, uint8_t byte);

/* As the thread of pair 0 does, until nothing is left to do. */
void net_rig_serve(struct net_rig *rig);

/* A command; its acknowledgement, or 0xff: there is none. */
uint8_t net_rig_control(struct net_rig *rig, uint8_t class, uint8_t cmd, const void *data,
			uint32_t len);

#endif
