/* SPDX-License-Identifier: Apache-2.0 */
/* The network device: what it offers, its configuration, its life (virtio 1.2 section 5.1). */
#include "virtio/net.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "net_internal.h"

/* Section 5.1.4, as far as it goes with what is offered. */
struct net_space {
	uint8_t mac[NET_MAC_SIZE];
	uint16_t status;
	uint16_t max_pairs;
	uint16_t mtu;
};

_Static_assert(sizeof(struct net_space) == 12, "virtio 1.2 section 5.1.4");
_Static_assert(2 * NET_MAX_QUEUES + 1 <= VIRTIO_MAX_QUEUES, "two queues a pair, and one");

#define STATUS_LINK_UP	0x1u
#define STATUS_ANNOUNCE 0x2u

static struct vnet *to_vnet(struct virtio_device *dev)
{
	return (struct vnet *)(void *)dev;
}

/* ---- features -------------------------------------------------------------------------------- */

/* What each offload is to a driver: the first, when it sends; the others, when it receives. */
static const struct {
	uint32_t offload;
	uint64_t host, guest;
} offload_features[] = {
	{ NET_OFFLOAD_CSUM, BIT64(VNET_F_CSUM), BIT64(VNET_F_GUEST_CSUM) },
	{ NET_OFFLOAD_TSO4, BIT64(VNET_F_HOST_TSO4), BIT64(VNET_F_GUEST_TSO4) },
	{ NET_OFFLOAD_TSO6, BIT64(VNET_F_HOST_TSO6), BIT64(VNET_F_GUEST_TSO6) },
	{ NET_OFFLOAD_ECN, BIT64(VNET_F_HOST_ECN), BIT64(VNET_F_GUEST_ECN) },
	{ NET_OFFLOAD_UFO, BIT64(VNET_F_HOST_UFO), BIT64(VNET_F_GUEST_UFO) },
	{ NET_OFFLOAD_USO, BIT64(VNET_F_HOST_USO),
	  BIT64(VNET_F_GUEST_USO4) | BIT64(VNET_F_GUEST_USO6) },
};

static uint64_t features_of(const struct net *net)
{
	uint64_t features = BIT64(VNET_F_MAC) | BIT64(VNET_F_STATUS) | BIT64(VNET_F_MRG_RXBUF) |
			    BIT64(VNET_F_CTRL_VQ) | BIT64(VNET_F_CTRL_RX) |
			    BIT64(VNET_F_CTRL_RX_EXTRA) | BIT64(VNET_F_CTRL_MAC_ADDR) |
			    BIT64(VNET_F_GUEST_ANNOUNCE);

	for (unsigned int i = 0; i < ARRAY_SIZE(offload_features); i++)
		if (net->offloads & offload_features[i].offload)
			features |= offload_features[i].host | offload_features[i].guest;
	if (net->offloads)
		features |= BIT64(VNET_F_CTRL_GUEST_OFFLOADS);
	if (net->mtu)
		features |= BIT64(VNET_F_MTU);
	if (net->nr_queues > 1)
		features |= BIT64(VNET_F_MQ);
	return features;
}

/* Section 5.1.3.1: nothing without sums, ECN with one of TCP's alone. */
uint32_t vnet_guest_offloads(uint64_t features)
{
	uint32_t offloads = 0;

	if (!(features & BIT64(VNET_F_GUEST_CSUM)))
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(offload_features); i++)
		if ((features & offload_features[i].guest) == offload_features[i].guest)
			offloads |= offload_features[i].offload;
	if (!(offloads & (NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6)))
		offloads &= ~NET_OFFLOAD_ECN;
	return offloads;
}

/* ---- configuration --------------------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	struct vnet *vnet = to_vnet(dev);
	struct net_space space = {
		.max_pairs = (uint16_t)vnet->nr_pairs,
		.mtu = (uint16_t)vnet->net->mtu,
	};

	if (atomic_load(&vnet->link))
		space.status |= STATUS_LINK_UP;
	if (atomic_load(&vnet->announce))
		space.status |= STATUS_ANNOUNCE;
	pthread_mutex_lock(&vnet->lock);
	memcpy(space.mac, vnet->filter.mac, NET_MAC_SIZE);
	pthread_mutex_unlock(&vnet->lock);
	virtio_config_read(&space, sizeof(space), offset, buf, len);
}

void vnet_check_link(struct vnet_pair *pair)
{
	struct vnet *vnet = pair->vnet;

	if (!net_check_gone(vnet->net, pair->index) || !atomic_load(&vnet->link))
		return;
	vnet->dev.port->config_begin(vnet->dev.port_ctx);
	atomic_store(&vnet->link, false);
	vnet->dev.port->config_end(vnet->dev.port_ctx);
}

void vnet_announce(struct vnet *vnet)
{
	if (!atomic_load(&vnet->started) || !vnet_has(vnet, VNET_F_GUEST_ANNOUNCE))
		return;
	vnet->dev.port->config_begin(vnet->dev.port_ctx);
	atomic_store(&vnet->announce, true);
	vnet->dev.port->config_end(vnet->dev.port_ctx);
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void set_offloads(struct vnet *vnet, uint32_t offloads)
{
	static struct log_limit limit = { .burst = 5 };
	int ret = net_set_offloads(vnet->net, offloads);

	if (ret < 0 && ret != -EBADFD)
		log_limited(&limit, LOG_LEVEL_ERROR, "%s: the host refuses offloads: %s",
			    vnet->net->id, strerror(-ret));
}

int vnet_set_active(struct vnet *vnet, unsigned int active)
{
	int ret;

	if (vnet->net->vhost)
		return vnet_vhost_set_active(vnet, active);
	ret = net_set_queues(vnet->net, active);
	if (ret < 0)
		return ret;
	atomic_store(&vnet->active, active);
	for (unsigned int i = 0; i < active; i++)
		(void)eventfd_write(vnet->pairs[i].doorbell, 1);
	return 0;
}

static void start(struct virtio_device *dev, uint64_t features)
{
	struct vnet *vnet = to_vnet(dev);

	pthread_mutex_lock(&vnet->lock);
	atomic_store(&vnet->negotiated, features);
	atomic_store(&vnet->driver, features);
	atomic_store(&vnet->control, features & BIT64(VNET_F_MQ) ? 2 * vnet->nr_pairs : 2);
	set_offloads(vnet, vnet_guest_offloads(features));
	atomic_store(&vnet->started, true);
	/* Section 5.1.6.5.5: the first alone, until the driver asks for more. */
	if (vnet->net->vhost)
		vnet_vhost_start(vnet);
	else
		(void)vnet_set_active(vnet, 1);
	pthread_mutex_unlock(&vnet->lock);
}

static void stop(struct virtio_device *dev)
{
	struct vnet *vnet = to_vnet(dev);

	pthread_mutex_lock(&vnet->lock);
	atomic_store(&vnet->started, false);
	atomic_store(&vnet->announce, false);
	set_offloads(vnet, 0);
	vnet_filter_init(&vnet->filter, vnet->net->mac);
	atomic_fetch_add(&vnet->filter_version, 1);
	pthread_mutex_unlock(&vnet->lock);
}

/* One who works on the queue holds a lock while he does. */
static void queue_stop(struct virtio_device *dev, unsigned int index)
{
	struct vnet *vnet = to_vnet(dev);

	pthread_mutex_lock(&vnet->lock);
	if (vnet->net->vhost && index / 2 < vnet->nr_pairs)
		vnet_vhost_stop_queue(vnet, index);
	pthread_mutex_unlock(&vnet->lock);
	if (index / 2 >= vnet->nr_pairs)
		return;
	if (index % 2)
		vnet_transmit_stop(&vnet->pairs[index / 2]);
	else
		vnet_receive_stop(&vnet->pairs[index / 2]);
}

static void kick(struct virtio_device *dev, unsigned int index)
{
	struct vnet *vnet = to_vnet(dev);

	if (index == atomic_load(&vnet->control))
		vnet_control(vnet);
	else if (vnet->net->vhost)
		bells_ring(&vnet->bells, index);
	else if (index / 2 < vnet->nr_pairs)
		(void)eventfd_write(vnet->pairs[index / 2].doorbell, 1); /* full: rung already */
}

static void attached(struct virtio_device *dev)
{
	struct vnet *vnet = to_vnet(dev);

	for (unsigned int i = 0; i < vnet->nr_pairs; i++) {
		vnet->pairs[i].rx.vq = &dev->queues[2 * i];
		vnet->pairs[i].tx.vq = &dev->queues[2 * i + 1];
	}
}

static const struct virtio_device_ops vnet_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
};

void vnet_publish(const struct vnet *vnet, struct virtqueue *vq)
{
	bool tell;

	pthread_mutex_lock(&vq->lock);
	tell = virtqueue_publish_locked(vq);
	pthread_mutex_unlock(&vq->lock);
	if (tell)
		virtio_interrupt(&vnet->dev);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int init_pair(struct vnet *vnet, unsigned int index)
{
	struct vnet_pair *pair = &vnet->pairs[index];

	pair->vnet = vnet;
	pair->index = index;
	pair->fd = vnet->net->fds[index];
	pair->doorbell = -1;
	pthread_mutex_init(&pair->rx.lock, NULL);
	pthread_mutex_init(&pair->tx.lock, NULL);
	snprintf(pair->name, sizeof(pair->name), "%s.%u", vnet->net->id, index);
	if (vnet->net->framed) {
		if (!vnet->net->stream)
			vnet->net->stream = calloc(1, sizeof(*pair->stream));
		pair->stream = vnet->net->stream;
		if (!pair->stream)
			return -ENOMEM;
	}
	pair->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pair->doorbell < 0 ? -errno : 0;
}

int vnet_create(struct net *net, struct vnet **out)
{
	struct vnet *vnet = calloc(1, sizeof(*vnet));
	int ret = 0;

	if (!vnet)
		return -ENOMEM;
	vnet->net = net;
	pthread_mutex_init(&vnet->lock, NULL);
	vnet_filter_init(&vnet->filter, net->mac);
	atomic_store(&vnet->link, !atomic_load(&net->gone));
	vnet->dev = (struct virtio_device){
		.ops = &vnet_ops,
		.id = VIRTIO_ID_NET,
		.features = features_of(net),
		.nr_queues = 2 * net->nr_queues + 1,
		.queue_size = VNET_QUEUE_SIZE,
	};
	vnet->pairs = calloc(net->nr_queues, sizeof(vnet->pairs[0]));
	if (!vnet->pairs)
		ret = -ENOMEM;
	while (ret == 0 && vnet->nr_pairs < net->nr_queues) {
		ret = init_pair(vnet, vnet->nr_pairs);
		vnet->nr_pairs++; /* also one that is half made is destroyed */
	}
	if (ret == 0 && net->vhost)
		ret = vnet_vhost_init(vnet);
	if (ret < 0) {
		vnet_destroy(vnet);
		return ret;
	}
	*out = vnet;
	return 0;
}

void vnet_destroy(struct vnet *vnet)
{
	if (!vnet)
		return;
	for (unsigned int i = 0; i < vnet->nr_pairs; i++) {
		struct vnet_pair *pair = &vnet->pairs[i];

		pthread_mutex_destroy(&pair->rx.lock);
		pthread_mutex_destroy(&pair->tx.lock);
		if (pair->doorbell >= 0)
			close(pair->doorbell);
	}
	bells_close(&vnet->bells);
	pthread_mutex_destroy(&vnet->lock);
	free(vnet->pairs);
	free(vnet);
}

int vnet_start(struct vnet *vnet)
{
	int ret = 0;

	if (vnet->net->vhost)
		return vnet_vhost_run(vnet);
	for (unsigned int i = 0; ret == 0 && i < vnet->nr_pairs; i++)
		ret = vnet_pair_start(&vnet->pairs[i]);
	return ret;
}

void vnet_stop(struct vnet *vnet)
{
	if (vnet->net->vhost) {
		vnet_vhost_end(vnet);
		return;
	}
	for (unsigned int i = 0; i < vnet->nr_pairs; i++)
		vnet_pair_stop(&vnet->pairs[i]);
	/* The memory that a packet is in goes away. */
	for (unsigned int i = 0; i < vnet->nr_pairs; i++)
		vnet_transmit_stop(&vnet->pairs[i]);
}

struct virtio_device *vnet_device(struct vnet *vnet)
{
	return &vnet->dev;
}

struct net *vnet_net(const struct vnet *vnet)
{
	return vnet->net;
}

int vnet_doorbell(const struct vnet *vnet, unsigned int queue)
{
	if (vnet->net->vhost)
		return bells_kick_fd(&vnet->bells, queue);
	return queue / 2 < vnet->nr_pairs ? vnet->pairs[queue / 2].doorbell : -1;
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void vnet_get_stats(const struct vnet *vnet, struct vnet_stats *stats)
{
	*stats = (struct vnet_stats){
		.link = atomic_load(&vnet->link),
		.active = atomic_load(&vnet->started) ? atomic_load(&vnet->active) : 0,
	};
	if (vnet->net->vhost) {
		vnet_vhost_get_stats(vnet, stats);
		return;
	}
	for (unsigned int i = 0; i < vnet->nr_pairs; i++) {
		const struct vnet_counters *rx = &vnet->pairs[i].rx.counters;
		const struct vnet_counters *tx = &vnet->pairs[i].tx.counters;

		stats->rx_packets += get(&rx->packets);
		stats->rx_bytes += get(&rx->bytes);
		stats->rx_large += get(&rx->large);
		stats->rx_filtered += get(&rx->filtered);
		stats->rx_dropped += get(&rx->dropped);
		stats->tx_packets += get(&tx->packets);
		stats->tx_bytes += get(&tx->bytes);
		stats->tx_large += get(&tx->large);
		stats->tx_dropped += get(&tx->dropped);
		stats->tx_bad += get(&tx->bad);
	}
}
