/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a network card: where its packets come from and go to. It knows no guest.
 *
 * A tap (Linux Documentation/networking/tuntap.rst) has one descriptor a queue; each read(2) or
 * write(2) is one packet behind a struct virtio_net_hdr of NET_HEADER_SIZE bytes. passt (passt(1),
 * networking without privileges) has one descriptor, a stream: each packet stands behind its length
 * in 4 bytes, big-endian, and has no header.
 *
 * Thread: one that opens and closes; net_set_offloads() and net_set_queues() from any, one at a
 * time; what is fixed at opening may be read by all. The descriptors are non-blocking.
 */
#ifndef ARCVISOR_NET_NET_H
#define ARCVISOR_NET_NET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

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
