/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets out of the guest. Nothing that they bring about waits: not for the host, since what it
 * does not take is kept, nor for the driver's buffers, since what it is owed is noted
 * (section 5.10.6.1).
 */
#include "vsock_internal.h"

static void take(struct vvsock *vvsock, struct virtq_chain *chain)
{
	struct scatter payload = { chain->iov, chain->nr_out, chain->out_len };
	struct vvsock_header header;
	enum vvsock_verdict verdict;

	(void)scatter_take_front(&payload, &header, sizeof(header)); /* vvsock_pop() saw to it */
	vvsock_count(&vvsock->counters.tx_packets, 1);
	verdict = vvsock_packet_check(&header, vvsock->host->cid, payload.len);
	if (verdict == VVSOCK_TAKE) {
		scatter_limit(&payload, header.len);
		vvsock_conn_take(vvsock, &header, &payload);
		return;
	}
	vvsock_count(&vvsock->counters.tx_bad, 1);
	if (verdict == VVSOCK_REFUSE)
		vvsock_conn_refuse(vvsock, &header);
}

static bool transmit_one(struct vvsock *vvsock)
{
	struct virtqueue *vq = &vvsock->dev.queues[VVSOCK_TX];
	struct virtq_chain chain = { .iov = vvsock->tx_iov, .max_iov = VVSOCK_MAX_IOV };

	if (vvsock_pop(vvsock, VVSOCK_TX, &chain, false, sizeof(struct vvsock_header)) <= 0)
		return false;
	take(vvsock, &chain);
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, chain.head, 0);
	pthread_mutex_unlock(&vq->lock);
	return true;
}

bool vvsock_transmit(struct vvsock *vvsock)
{
	unsigned int n = 0;

	while (n < VVSOCK_BATCH && transmit_one(vvsock))
		n++;
	if (n)
		vvsock_publish(vvsock, VVSOCK_TX);
	return n > 0;
}
