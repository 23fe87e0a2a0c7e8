/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: the network device's pairs of queues, its control queue and its filter. */
#ifndef ARCVISOR_VIRTIO_NET_INTERNAL_H
#define ARCVISOR_VIRTIO_NET_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "bells.h"
#include "scatter.h"
#include "virtio/net.h"

/* Feature bits (section 5.1.3; the last three are of virtio 1.3). */
#define VNET_F_CSUM		   0u
#define VNET_F_GUEST_CSUM	   1u
#define VNET_F_CTRL_GUEST_OFFLOADS 2u
#define VNET_F_MTU		   3u
#define VNET_F_MAC		   5u
#define VNET_F_GUEST_TSO4	   7u
#define VNET_F_GUEST_TSO6	   8u
#define VNET_F_GUEST_ECN	   9u
#define VNET_F_GUEST_UFO	   10u
#define VNET_F_HOST_TSO4	   11u
#define VNET_F_HOST_TSO6	   12u
#define VNET_F_HOST_ECN		   13u
#define VNET_F_HOST_UFO		   14u
#define VNET_F_MRG_RXBUF	   15u
#define VNET_F_STATUS		   16u
#define VNET_F_CTRL_VQ		   17u
#define VNET_F_CTRL_RX		   18u
#define VNET_F_CTRL_RX_EXTRA	   20u
#define VNET_F_GUEST_ANNOUNCE	   21u
#define VNET_F_MQ		   22u
#define VNET_F_CTRL_MAC_ADDR	   23u
#define VNET_F_GUEST_USO4	   54u
#define VNET_F_GUEST_USO6	   55u
#define VNET_F_HOST_USO		   56u

/* Section 5.1.6: before each packet. */
struct vnet_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};

_Static_assert(sizeof(struct vnet_header) == NET_HEADER_SIZE, "virtio 1.2 section 5.1.6");

#define VNET_HDR_NEEDS_CSUM 0x1u

enum {
	VNET_GSO_NONE = 0,
	VNET_GSO_TCPV4 = 1,
	VNET_GSO_UDP = 3,
	VNET_GSO_TCPV6 = 4,
	VNET_GSO_UDP_L4 = 5,
	VNET_GSO_ECN = 0x80, /* beside one of TCP's */
};

/*
 * Entries of a chain: as many as a queue has, each of which may lie over two regions of memory in
 * the few places where these touch.
 */
#define VNET_MAX_IOV (VNET_QUEUE_SIZE + GMEM_MAX_REGIONS)
#define VNET_BATCH                                                                    \
	64u /* packets between two publications, and two looks at the other direction \
	     */

/* ---- net_filter.c ---------------------------------------------------------------------------- */

#define VNET_FILTER_MACS 64u

/* Which packets the driver wants (section 5.1.6.5.1 and 5.1.6.5.2). */
struct vnet_filter {
	uint8_t mac[NET_MAC_SIZE];
	bool promisc, all_multi, all_uni, no_multi, no_uni, no_broadcast;
	unsigned int nr_uni, nr_multi; /* more than VNET_FILTER_MACS: all of them */
	uint8_t uni[VNET_FILTER_MACS][NET_MAC_SIZE];
	uint8_t multi[VNET_FILTER_MACS][NET_MAC_SIZE];
};

/* Until the driver says otherwise all packets are its. */
void vnet_filter_init(struct vnet_filter *filter, const uint8_t *mac);

/* Whether a packet to @dest is wanted. */
bool vnet_filter_takes(const struct vnet_filter *filter, const uint8_t *dest);

/* ---- the device ------------------------------------------------------------------------------ */

/* One thread writes, others read. */
struct vnet_counters {
	_Atomic uint64_t packets, bytes, large, dropped, filtered, bad;
};

static inline void vnet_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* A chain out of the receive queue that waits for a packet. */
struct vnet_buffer {
	uint16_t head;
	uint16_t nr_iov;
	uint32_t len;
};

/*
 * Room for a packet before one is read, since nobody can tell how long it is: chains that are out
 * of the queue stay here until they are filled, or the queue is stopped. What is longer than the
 * room goes on in @spill, and from there into chains that come later.
 */
#define VNET_RX_IOV 1023u /* and one for the spill: what readv(2) takes */

struct vnet_rx {
	pthread_mutex_t lock; /* of the pair's thread; a vCPU that stops the queue takes it */
	struct virtqueue *vq;
	unsigned int first, nr; /* of buffers */
	unsigned int first_iov, nr_iov;
	uint64_t room;	/* bytes of all of them */
	size_t held;	/* bytes of a packet that was read and has no room yet, or 0 */
	size_t spilled; /* of these, behind the room that there is: from @spill_at on */
	size_t spill_at;
	bool starved;	    /* it went on if the driver added buffers */
	unsigned int large; /* packets to come for which all the room is offered */
	struct vnet_buffer buffers[VNET_QUEUE_SIZE];
	struct iovec iov[VNET_RX_IOV + 1];
	uint8_t spill[NET_HEADER_SIZE + NET_MAX_FRAME + 1];
	struct vnet_filter filter; /* a copy of the device's */
	unsigned int filter_version;
	struct vnet_counters counters;
};

struct vnet_tx {
	pthread_mutex_t lock; /* as above */
	struct virtqueue *vq;
	bool held; /* a chain that is out waits for the host */
	struct virtq_chain chain;
	struct vnet_header header; /* as it was checked */
	struct scatter packet;	   /* from the header on; what is left of it */
	uint64_t len;		   /* bytes behind the header */
	struct iovec iov[VNET_MAX_IOV + 1];
	struct vnet_counters counters;
};

/*
 * A host end that is a stream (net.framed), and outlives the device. The receiving side's is
 * guarded by that side's lock, the sending side's by the other.
 */
struct vnet_stream {
	bool broken; /* it says what no stream of packets says */
	size_t in_at, in_end;
	uint8_t in[4 * (4 + NET_MAX_FRAME)];

	bool begun; /* some of the packet is out */
	uint32_t out_length;
	size_t tail_at, tail_end; /* of a packet whose memory was taken away */
	uint8_t tail[4 + NET_MAX_FRAME];
};

struct vnet_pair {
	struct vnet *vnet;
	unsigned int index;
	int fd;	      /* the host end's */
	int doorbell; /* eventfd */
	struct worker *worker;
	char name[NET_ID_MAX + 16];
	struct vnet_rx rx;
	struct vnet_tx tx;
	struct vnet_stream *stream; /* NULL: the host end keeps packets apart */

	/* By vhost, in place of all of these but @index; vnet->lock guards them. */
	_Atomic bool served;
	uint16_t bases[2]; /* how far, when it is not */
};

/*
 * Order of locks: one direction's of a pair -> @lock -> a virtqueue's; the transport's -> @lock.
 * The transport's is never taken under any of these.
 */
struct vnet {
	struct virtio_device dev; /* first */
	struct net *net;
	pthread_mutex_t lock; /* the control queue, @filter */
	_Atomic bool started; /* DRIVER_OK: until then buffers are not looked at */
	_Atomic bool link, announce;
	_Atomic uint64_t negotiated; /* features */
	_Atomic uint64_t driver;     /* these, less the offloads that the driver took back */
	_Atomic unsigned int active; /* pairs */
	_Atomic unsigned int filter_version;
	struct vnet_filter filter;
	_Atomic unsigned int control; /* index of the control queue (section 5.1.2) */
	unsigned int nr_pairs;
	struct vnet_pair *pairs;

	/* With net->vhost; @lock guards @paused. */
	struct bells bells;
	struct worker *worker;
	struct net_counts before; /* when the device was made */
	bool paused;
};

static inline bool vnet_has(const struct vnet *vnet, unsigned int feature)
{
	return atomic_load_explicit(&vnet->driver, memory_order_relaxed) >> feature & 1;
}

/* What the driver can take from us, of @features, as the host end calls it. */
uint32_t vnet_guest_offloads(uint64_t features);

/* What was pushed to @vq is the driver's, who is told if it wants that. */
void vnet_publish(const struct vnet *vnet, struct virtqueue *vq);

/* The pairs that are to be used are the first @active, and their threads know it. 0 or -errno. */
int vnet_set_active(struct vnet *vnet, unsigned int active);

/* The host end of @pair said that it is gone, if it is. On the pair's thread, without a lock. */
void vnet_check_link(struct vnet_pair *pair);

/* ---- net_header.c ---------------------------------------------------------------------------- */

/*
 * Whether a packet of @len bytes behind it can have @header, by the features that were negotiated;
 * what is the device's to set is 0 afterwards.
 */
bool vnet_header_ok(const struct vnet *vnet, struct vnet_header *header, uint64_t len);

/* ---- net_rx.c, net_tx.c: on the pair's thread ------------------------------------------------ */

/* Moves up to VNET_BATCH packets. True: there was one. *@gone: the host end may be gone. */
bool vnet_receive(struct vnet_pair *pair, bool *gone);
bool vnet_transmit(struct vnet_pair *pair, bool *gone);

/* The driver shall ring where that helps, or need not. True: there is something already. */
bool vnet_receive_rings(struct vnet_pair *pair, bool on);
bool vnet_transmit_rings(struct vnet_pair *pair, bool on);

/* The queue was disabled: forgets what came out of it. From any thread. */
void vnet_receive_stop(struct vnet_pair *pair);
void vnet_transmit_stop(struct vnet_pair *pair);

/* ---- net_stream.c ---------------------------------------------------------------------------- */

/*
 * The next packet into @packet, NET_HEADER_SIZE + NET_MAX_FRAME bytes, behind an empty header: 1, 0
 * (there is none) or -errno (there never will be one).
 */
int vnet_stream_read(struct vnet_stream *stream, int fd, uint8_t *packet, size_t *len);

/* @packet is a frame with a free entry before it, where its length goes. */
void vnet_stream_begin(struct vnet_stream *stream, struct scatter *packet);

/* What is left of @packet, as far as it goes: 0, -EAGAIN (the rest, later), or -errno. */
int vnet_stream_write(struct vnet_stream *stream, int fd, struct scatter *packet);

/* @packet's memory goes away: what is left of it, if it was begun, goes out without. */
void vnet_stream_cut(struct vnet_stream *stream, const struct scatter *packet);

/* ---- net_control.c --------------------------------------------------------------------------- */

/* Does what the control queue asks for. On a vCPU's thread. */
void vnet_control(struct vnet *vnet);

/* ---- net_vhost.c: where the host's kernel serves the pairs ----------------------------------- */

int vnet_vhost_init(struct vnet *vnet);

/* Starts its thread; ends it, and what the kernel serves. */
int vnet_vhost_run(struct vnet *vnet);
void vnet_vhost_end(struct vnet *vnet);

/* A driver is up; the first @active pairs are to be used (0 or -errno); queue @index ended.
 * Under vnet->lock. */
void vnet_vhost_start(struct vnet *vnet);
int vnet_vhost_set_active(struct vnet *vnet, unsigned int active);
void vnet_vhost_stop_queue(struct vnet *vnet, unsigned int index);

void vnet_vhost_get_stats(const struct vnet *vnet, struct vnet_stats *stats);

/* ---- net_thread.c ---------------------------------------------------------------------------- */

int vnet_pair_start(struct vnet_pair *pair);
void vnet_pair_stop(struct vnet_pair *pair);

#endif
