/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a network card: where its packets come from and go to. It knows no guest.
 *
 * A tap (Linux Documentation/networking/tuntap.rst) has one descriptor a queue; each read(2) or
 * write(2) is one packet behind a struct virtio_net_hdr of NET_HEADER_SIZE bytes. passt (passt(1),
 * networking without privileges) has one descriptor, a stream: each packet stands behind its length
 * in 4 bytes, big-endian, and has no header.
 *
 * The packets of a tap may be moved by the host's kernel (vhost-net): then nobody here reads or
 * writes its descriptors.
 *
 * Thread: one that opens and closes; net_set_offloads() and net_set_queues() from any, one at a
 * time; what is fixed at opening may be read by all. The descriptors are non-blocking.
 */
#ifndef ARCVISOR_NET_NET_H
#define ARCVISOR_NET_NET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mem/gmem.h"
#include "vhost/queue.h"

#define NET_MAX_QUEUES	64u
#define NET_NAME_MAX	15u /* characters of an interface's name (IFNAMSIZ) */
#define NET_ID_MAX	15u
#define NET_MIN_MTU	68u /* RFC 791 */
#define NET_MAX_MTU	65535u
#define NET_MAC_SIZE	6u
#define NET_HEADER_SIZE 12u		  /* virtio 1.2 section 5.1.6, with num_buffers */
#define NET_MIN_FRAME	14u		  /* an Ethernet header */
#define NET_MAX_FRAME	(65535u + 14 + 8) /* an IP packet, and two VLAN tags */

enum net_kind {
	NET_TAP,  /* an interface */
	NET_FD,	  /* a tap that somebody opened for us */
	NET_USER, /* the host's own sockets, by passt */
};

#define NET_MAX_FORWARDS 16u

/* Ports of the host that are the guest's: what passt(1) takes as --tcp-ports or --udp-ports. */
struct net_forward {
	bool udp;
	const char *ports;
};

struct net_config {
	enum net_kind kind;
	char id[NET_ID_MAX + 1];    /* its name in messages */
	char tap[NET_NAME_MAX + 1]; /* NET_TAP: an interface that is there; empty: a new one */
	int fd;			    /* NET_FD */
	unsigned int nr_forwards;   /* NET_USER */
	struct net_forward forwards[NET_MAX_FORWARDS];
	bool has_mac;
	uint8_t mac[NET_MAC_SIZE];
	unsigned int queues; /* 0: 1 */
	unsigned int mtu;    /* 0: the driver is told none */
	bool vhost;	     /* of a tap: the host's kernel moves its packets */
};

/* What may be handed over unfinished: who takes a packet then can do the rest. */
#define NET_OFFLOAD_CSUM 0x01u
#define NET_OFFLOAD_TSO4 0x02u
#define NET_OFFLOAD_TSO6 0x04u
#define NET_OFFLOAD_ECN	 0x08u
#define NET_OFFLOAD_UFO	 0x10u
#define NET_OFFLOAD_USO	 0x20u /* Linux 6.2 */

struct net;

/* How one kind does it. */
struct net_ops {
	/* Packets that come may need what @offloads says; 0 or -errno. */
	int (*set_offloads)(struct net *net, uint32_t offloads);

	/* Packets come by the first @queues descriptors alone; 0 or -errno. */
	int (*set_queues)(struct net *net, unsigned int queues);

	/* Whether the other end of descriptor @queue has gone, for good. */
	bool (*is_gone)(struct net *net, unsigned int queue);

	void (*close)(struct net *net);
};

/* What an interface has counted since it was made, as its guest sees it. */
struct net_counts {
	uint64_t rx_packets, rx_bytes, rx_dropped; /* into the guest */
	uint64_t tx_packets, tx_bytes, tx_dropped; /* out of it */
	uint64_t tx_bad;			   /* with a header that cannot be */
};

/* How the host's kernel serves the queues of a card's driver. */
struct net_vhost_ops {
	/*
	 * Serves pair @pair, whose descriptor is fds[@pair]: @queues[0] goes into the guest, [1]
	 * comes out of it. The driver took @features, of @mem are the queues. 0, or -errno: neither
	 * queue is served.
	 */
	int (*start)(struct net *net, unsigned int pair, uint64_t features, const struct gmem *mem,
		     const struct vhost_queue *queues);

	/* Neither is when this returns, nor is guest memory used; @bases are where both stopped. */
	void (*stop)(struct net *net, unsigned int pair, uint16_t *bases);

	/* Empties @watch: true where it had told something, so that is_gone() may have changed. */
	bool (*changed)(struct net *net);

	/* 0 or -errno: they are not known. From any thread. */
	int (*get_counts)(const struct net *net, struct net_counts *counts);
};

/* Fixed but for @gone. */
struct net {
	const struct net_ops *ops;
	char id[NET_ID_MAX + 1];
	char name[NET_NAME_MAX + 1]; /* the interface's; empty where there is none */
	const char *kind;	     /* for reports */
	uint8_t mac[NET_MAC_SIZE];   /* the guest's */
	unsigned int mtu;	     /* 0: not known */
	unsigned int nr_queues;
	uint32_t offloads;	     /* that it can take from us, and give */
	bool framed;		     /* a stream, without headers: no offloads, one queue */
	_Atomic unsigned int active; /* queues in use, by net_set_queues() */
	_Atomic bool gone;	     /* it has no other end any more */
	int fds[NET_MAX_QUEUES];
	const struct net_vhost_ops *vhost; /* NULL: the device reads and writes the descriptors */
	int vhosts[NET_MAX_QUEUES];	   /* instances of vhost-net, one a queue */
	uint64_t vhost_features;	   /* of virtio's, that the kernel can serve */
	int watch;    /* with @vhost: a descriptor that tells of interfaces, or -1 */
	void *stream; /* of a stream: where in it the device is, from one guest to the next */
};

/*
 * Opens what @config names. A card without an address gets a random one (IEEE 802, locally
 * administered). 0, or -errno after one line in the log: it cannot be had.
 */
int net_open(const struct net_config *config, struct net **out);
void net_close(struct net *net); /* frees @stream; NULL is fine */

int net_set_offloads(struct net *net, uint32_t offloads);
int net_set_queues(struct net *net, unsigned int queues);

/* True, and once a line in the log, where queue @queue is gone; later calls know it. */
bool net_check_gone(struct net *net, unsigned int queue);

#endif
