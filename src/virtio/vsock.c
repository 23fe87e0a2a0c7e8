/* SPDX-License-Identifier: Apache-2.0 */
/* The socket device: what it offers, its queues, its life (virtio 1.2 section 5.10). */
#include "virtio/vsock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"
#include "vsock_internal.h"

#define EVENT_TRANSPORT_RESET 0u /* section 5.10.6.7 */

static struct vvsock *to_vvsock(struct virtio_device *dev)
{
	return (struct vvsock *)(void *)dev;
}

/* ---- queues ---------------------------------------------------------------------------------- */

int vvsock_pop(struct vvsock *vvsock, unsigned int index, struct virtq_chain *chain, bool in,
	       size_t least)
{
	struct virtqueue *vq = &vvsock->dev.queues[index];
	int ret;

	pthread_mutex_lock(&vq->lock);
	ret = virtqueue_pop_locked(vq, chain);
	if (ret > 0 && ((in ? chain->nr_out : chain->nr_in) ||
			(in ? chain->in_len : chain->out_len) < least)) {
		virtqueue_break_locked(vq);
		ret = -EPROTO;
	}
	pthread_mutex_unlock(&vq->lock);
	if (ret < 0)
		virtio_needs_reset(&vvsock->dev);
	return ret;
}

void vvsock_publish(struct vvsock *vvsock, unsigned int index)
{
	struct virtqueue *vq = &vvsock->dev.queues[index];
	bool tell;

	pthread_mutex_lock(&vq->lock);
	tell = virtqueue_publish_locked(vq);
	pthread_mutex_unlock(&vq->lock);
	if (tell)
		virtio_interrupt(&vvsock->dev);
}

bool vvsock_tell_events(struct vvsock *vvsock)
{
	struct virtqueue *vq = &vvsock->dev.queues[VVSOCK_EVENT];
	struct virtq_chain chain = { .iov = vvsock->event_iov, .max_iov = VVSOCK_MAX_IOV };
	const uint32_t event = EVENT_TRANSPORT_RESET;
	struct scatter room;

	if (!vvsock->reset_due ||
	    vvsock_pop(vvsock, VVSOCK_EVENT, &chain, true, sizeof(event)) <= 0)
		return false;
	room = (struct scatter){ chain.iov, chain.nr_in, chain.in_len };
	scatter_put(&room, 0, &event, sizeof(event));
	vvsock->reset_due = false;
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, chain.head, sizeof(event));
	pthread_mutex_unlock(&vq->lock);
	vvsock_publish(vvsock, VVSOCK_EVENT);
	return true;
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	const uint64_t cid = to_vvsock(dev)->host->cid; /* section 5.10.4 */

	virtio_config_read(&cid, sizeof(cid), offset, buf, len);
}

static void ring(struct vvsock *vvsock)
{
	(void)eventfd_write(vvsock->doorbell, 1); /* full: rung already */
}

static void start(struct virtio_device *dev, uint64_t features)
{
	struct vvsock *vvsock = to_vvsock(dev);

	(void)features;
	atomic_store(&vvsock->started, true);
	ring(vvsock);
}

static void stop(struct virtio_device *dev)
{
	struct vvsock *vvsock = to_vvsock(dev);

	pthread_mutex_lock(&vvsock->lock);
	atomic_store(&vvsock->started, false);
	vvsock_conn_drop_all(vvsock);
	vvsock->reset_due = false;
	pthread_mutex_unlock(&vvsock->lock);
}

static void interrupt_all_locked(struct vvsock *vvsock)
{
	vvsock_conn_drop_all(vvsock);
	vvsock->reset_due = true;
}

/* What was in a queue of packets is lost with it, and with that all connections. */
static void queue_stop(struct virtio_device *dev, unsigned int index)
{
	struct vvsock *vvsock = to_vvsock(dev);

	pthread_mutex_lock(&vvsock->lock);
	if (index == VVSOCK_RX)
		vvsock->rx.held = vvsock->rx.starved = false;
	if (index != VVSOCK_EVENT && atomic_load(&vvsock->started))
		interrupt_all_locked(vvsock);
	pthread_mutex_unlock(&vvsock->lock);
	ring(vvsock);
}

void vvsock_interrupt_all(struct vvsock *vvsock)
{
	pthread_mutex_lock(&vvsock->lock);
	if (atomic_load(&vvsock->started))
		interrupt_all_locked(vvsock);
	pthread_mutex_unlock(&vvsock->lock);
	ring(vvsock);
}

static void kick(struct virtio_device *dev, unsigned int index)
{
	(void)index;
	ring(to_vvsock(dev));
}

static void attached(struct virtio_device *dev)
{
	(void)dev;
}

static const struct virtio_device_ops vvsock_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int open_fds(struct vvsock *vvsock)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLET,
		.data.u64 = VVSOCK_LISTENER,
	};

	vvsock->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vvsock->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (vvsock->doorbell < 0 || vvsock->epoll < 0 ||
	    epoll_ctl(vvsock->epoll, EPOLL_CTL_ADD, vvsock->host->listener.fd, &event) < 0)
		return -errno;
	return 0;
}

int vvsock_create(struct vsock *host, struct vvsock **out)
{
	struct vvsock *vvsock = calloc(1, sizeof(*vvsock));
	int ret;

	if (!vvsock)
		return -ENOMEM;
	vvsock->host = host;
	vvsock->doorbell = vvsock->epoll = -1;
	pthread_mutex_init(&vvsock->lock, NULL);
	vvsock->dev = (struct virtio_device){
		.ops = &vvsock_ops,
		.id = VIRTIO_ID_VSOCK,
		.features = BIT64(VVSOCK_F_STREAM),
		.nr_queues = VVSOCK_QUEUES,
		.queue_size = VVSOCK_QUEUE_SIZE,
	};
	ret = vvsock_table_init(vvsock, host->max_connections);
	if (ret == 0)
		ret = open_fds(vvsock);
	if (ret < 0) {
		vvsock_destroy(vvsock);
		return ret;
	}
	*out = vvsock;
	return 0;
}

void vvsock_destroy(struct vvsock *vvsock)
{
	if (!vvsock)
		return;
	vvsock_conn_drop_all(vvsock);
	vvsock_table_fini(vvsock);
	if (vvsock->epoll >= 0)
		close(vvsock->epoll);
	if (vvsock->doorbell >= 0)
		close(vvsock->doorbell);
	pthread_mutex_destroy(&vvsock->lock);
	free(vvsock);
}

struct virtio_device *vvsock_device(struct vvsock *vvsock)
{
	return &vvsock->dev;
}

int vvsock_doorbell(const struct vvsock *vvsock)
{
	return vvsock->doorbell;
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void vvsock_get_stats(const struct vvsock *vvsock, struct vvsock_stats *stats)
{
	const struct vvsock_counters *counters = &vvsock->counters;

	*stats = (struct vvsock_stats){
		.connections = atomic_load(&vvsock->nr_used),
		.by_host = get(&counters->by_host),
		.by_guest = get(&counters->by_guest),
		.refused = get(&counters->refused),
		.reset = get(&counters->reset),
		.rx_packets = get(&counters->rx_packets),
		.rx_bytes = get(&counters->rx_bytes),
		.tx_packets = get(&counters->tx_packets),
		.tx_bytes = get(&counters->tx_bytes),
		.tx_bad = get(&counters->tx_bad),
		.tx_overrun = get(&counters->tx_overrun),
		.unanswered = get(&counters->unanswered),
	};
}
