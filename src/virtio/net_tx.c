/* SPDX-License-Identifier: Apache-2.0 */
/* Packets out of the guest: a header of ours, checked, and the driver's bytes behind it. */
#include <errno.h>
#include <unistd.h>

#include "net_internal.h"

enum sent {
	SENT,	 /* or refused: it is over with */
	WAITING, /* the host takes no more for now */
};

static void push(struct vnet_tx *tx)
{
	pthread_mutex_lock(&tx->vq->lock);
	virtqueue_push_locked(tx->vq, tx->chain.head, 0);
	pthread_mutex_unlock(&tx->vq->lock);
	tx->held = false;
}

static int write_out(struct vnet_pair *pair)
{
	struct vnet_tx *tx = &pair->tx;

	if (pair->stream)
		return vnet_stream_write(pair->stream, pair->fd, &tx->packet);
	return writev(pair->fd, tx->packet.iov, (int)tx->packet.nr) < 0 ? -errno : 0;
}

/* A packet that the host refuses is lost, as on any wire. */
static enum sent send_packet(struct vnet_pair *pair, bool *gone)
{
	struct vnet_tx *tx = &pair->tx;
	int ret = write_out(pair);

	if (ret == -EAGAIN)
		return WAITING;
	if (ret < 0) {
		*gone = true; /* to be looked at */
		vnet_count(&tx->counters.dropped, 1);
		return SENT;
	}
	vnet_count(&tx->counters.packets, 1);
	vnet_count(&tx->counters.bytes, tx->len);
	vnet_count(&tx->counters.large, tx->header.gso_type != VNET_GSO_NONE);
	return SENT;
}

/* What was popped as a packet. False: it is none, and lost. */
static bool parse(struct vnet_pair *pair, const struct vnet_header *header)
{
	struct vnet_tx *tx = &pair->tx;

	tx->header = *header;
	if (!vnet_header_ok(pair->vnet, &tx->header, tx->packet.len)) {
		vnet_count(&tx->counters.bad, 1);
		return false;
	}
	tx->len = tx->packet.len;
	/* Ours goes before the rest: there is an entry for it, the one behind which chains go. */
	if (pair->stream) {
		vnet_stream_begin(pair->stream, &tx->packet);
		return true;
	}
	tx->packet.iov--;
	tx->packet.nr++;
	*tx->packet.iov = (struct iovec){ &tx->header, sizeof(tx->header) };
	return true;
}

/* The next chain: 1, 0 (there is none), -EPROTO (it broke the queue's rules, or the device's). */
static int pop(struct vnet_tx *tx, struct vnet_header *header)
{
	int ret;

	tx->chain = (struct virtq_chain){ .iov = tx->iov + 1, .max_iov = VNET_MAX_IOV };
	pthread_mutex_lock(&tx->vq->lock);
	ret = virtqueue_pop_locked(tx->vq, &tx->chain);
	if (ret > 0) {
		tx->packet = (struct scatter){ tx->chain.iov, tx->chain.nr_out, tx->chain.out_len };
		if (tx->chain.nr_in || !scatter_take_front(&tx->packet, header, sizeof(*header))) {
			virtqueue_break_locked(tx->vq);
			ret = -EPROTO;
		}
	}
	pthread_mutex_unlock(&tx->vq->lock);
	return ret;
}

static bool transmit_one(struct vnet_pair *pair, bool *gone)
{
	struct vnet_tx *tx = &pair->tx;
	struct vnet_header header;
	int ret;

	if (!tx->held) {
		ret = pop(tx, &header);
		if (ret < 0)
			virtio_needs_reset(&pair->vnet->dev);
		if (ret <= 0)
			return false;
		tx->held = true;
		if (!parse(pair, &header)) {
			push(tx);
			return true;
		}
	}
	if (send_packet(pair, gone) == WAITING)
		return false;
	push(tx);
	return true;
}

bool vnet_transmit(struct vnet_pair *pair, bool *gone)
{
	unsigned int n = 0;

	pthread_mutex_lock(&pair->tx.lock);
	while (n < VNET_BATCH && transmit_one(pair, gone))
		n++;
	if (n)
		vnet_publish(pair->vnet, pair->tx.vq);
	pthread_mutex_unlock(&pair->tx.lock);
	return n > 0;
}

/* While a packet waits for the host, more of them help nobody. */
bool vnet_transmit_rings(struct vnet_pair *pair, bool on)
{
	struct vnet_tx *tx = &pair->tx;
	bool more;

	pthread_mutex_lock(&tx->lock);
	pthread_mutex_lock(&tx->vq->lock);
	more = virtqueue_want_kicks_locked(tx->vq, on && !tx->held);
	pthread_mutex_unlock(&tx->vq->lock);
	pthread_mutex_unlock(&tx->lock);
	return more;
}

void vnet_transmit_stop(struct vnet_pair *pair)
{
	pthread_mutex_lock(&pair->tx.lock);
	if (pair->tx.held && pair->stream)
		vnet_stream_cut(pair->stream, &pair->tx.packet);
	pair->tx.held = false;
	pthread_mutex_unlock(&pair->tx.lock);
}
