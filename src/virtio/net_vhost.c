/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs of queues that the host's kernel serves, by vhost-net: handed over when the driver is up,
 * taken back when one is stopped or the machine pauses. The control queue stays here. One thread of
 * the device looks after what the kernel has to tell.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/util.h"
#include "bells.h"
#include "net_internal.h"
#include "worker.h"

#define SECOND_RX 2u /* or the control queue of a driver without MQ */

/* ---- pairs there and back: under vnet->lock -------------------------------------------------- */

static int hand_over(struct vnet_pair *pair)
{
	struct vnet *vnet = pair->vnet;
	struct vhost_queue queues[2];
	int ret;

	if (pair->served)
		return 0;
	for (unsigned int i = 0; i < 2; i++) {
		if (!bells_describe(&vnet->bells, &vnet->dev, 2 * pair->index + i, &queues[i]))
			return -EINVAL; /* a driver that wants one wants both */
		bells_describe_direct(&vnet->dev, &queues[i]);
		queues[i].base = pair->bases[i];
	}
	ret = vnet->net->vhost->start(vnet->net, pair->index, atomic_load(&vnet->negotiated),
				      vnet->dev.queues[0].mem, queues);
	if (ret < 0)
		return ret;
	pair->served = true;
	for (unsigned int i = 0; i < 2; i++)
		bells_ring(&vnet->bells, 2 * pair->index + i);
	return 0;
}

static void take_back(struct vnet_pair *pair)
{
	if (pair->served)
		pair->vnet->net->vhost->stop(pair->vnet->net, pair->index, pair->bases);
	pair->served = false;
}

/* A card without a wire has nothing to serve, and its driver knows that. */
static int hand_over_active(struct vnet *vnet)
{
	unsigned int active = atomic_load(&vnet->active);
	int ret = 0;

	if (vnet->paused || !atomic_load(&vnet->started))
		return 0;
	for (unsigned int i = 0; ret == 0 && i < active; i++) {
		ret = hand_over(&vnet->pairs[i]);
		if (ret < 0 && net_check_gone(vnet->net, i))
			ret = 0;
	}
	return ret;
}

/* The kernel reads no queue of the tap's that is off, so those that go are taken back before. */
int vnet_vhost_set_active(struct vnet *vnet, unsigned int active)
{
	int ret;

	for (unsigned int i = active; i < vnet->nr_pairs; i++)
		take_back(&vnet->pairs[i]);
	ret = net_set_queues(vnet->net, active);
	if (ret < 0 && !net_check_gone(vnet->net, 0))
		return ret;
	atomic_store(&vnet->active, active);
	return hand_over_active(vnet);
}

void vnet_vhost_start(struct vnet *vnet)
{
	static struct log_limit limit = { .burst = 5 };
	int ret;

	for (unsigned int i = 0; i < vnet->nr_pairs; i++)
		memset(vnet->pairs[i].bases, 0, sizeof(vnet->pairs[i].bases));
	ret = vnet_vhost_set_active(vnet, 1);
	if (ret == 0)
		return;
	log_limited(&limit, LOG_LEVEL_ERROR, "%s: the host's kernel does not serve it: %s",
		    vnet->net->id, strerror(-ret));
	vnet->dev.port->failed(vnet->dev.port_ctx);
}

void vnet_vhost_stop_queue(struct vnet *vnet, unsigned int index)
{
	struct vnet_pair *pair = &vnet->pairs[index / 2];

	take_back(pair);
	pair->bases[index % 2] = 0; /* enabled again, it begins anew */
}

void vnet_pause(struct vnet *vnet)
{
	if (!vnet->net->vhost)
		return;
	pthread_mutex_lock(&vnet->lock);
	vnet->paused = true;
	for (unsigned int i = 0; i < vnet->nr_pairs; i++)
		take_back(&vnet->pairs[i]);
	pthread_mutex_unlock(&vnet->lock);
}

void vnet_resume(struct vnet *vnet)
{
	int ret;

	if (!vnet->net->vhost)
		return;
	pthread_mutex_lock(&vnet->lock);
	vnet->paused = false;
	ret = hand_over_active(vnet);
	pthread_mutex_unlock(&vnet->lock);
	if (ret == 0)
		return;
	log_error("%s: the host's kernel does not serve it any more: %s", vnet->net->id,
		  strerror(-ret));
	vnet->dev.port->failed(vnet->dev.port_ctx);
}

/* ---- its thread ------------------------------------------------------------------------------ */

static bool serve(void *ctx)
{
	struct vnet *vnet = ctx;
	bool called = bells_called(&vnet->bells), failed = bells_failed(&vnet->bells);

	if (called)
		virtio_interrupt(&vnet->dev);
	if (failed)
		virtio_needs_reset(&vnet->dev);
	if (vnet->net->vhost->changed(vnet->net))
		vnet_check_link(&vnet->pairs[0]);
	if (atomic_load(&vnet->started) && atomic_load(&vnet->control) == SECOND_RX &&
	    vnet->nr_pairs > 1)
		vnet_control(vnet);
	return called || failed;
}

static const struct worker_ops worker_ops = { .serve = serve };

int vnet_vhost_run(struct vnet *vnet)
{
	struct worker_config config = {
		.name = vnet->net->id,
		.ops = &worker_ops,
		.ctx = vnet,
		.fds = { { vnet->bells.call, EPOLLIN }, { vnet->bells.err, EPOLLIN } },
		.nr_fds = 2,
	};

	if (vnet->net->watch >= 0)
		config.fds[config.nr_fds++] = (struct worker_fd){ vnet->net->watch, EPOLLIN };
	if (vnet->nr_pairs > 1)
		config.fds[config.nr_fds++] =
			(struct worker_fd){ bells_kick_fd(&vnet->bells, SECOND_RX), EPOLLIN };
	return worker_start(&config, &vnet->worker);
}

void vnet_vhost_end(struct vnet *vnet)
{
	worker_stop(vnet->worker);
	vnet->worker = NULL;
	pthread_mutex_lock(&vnet->lock);
	for (unsigned int i = 0; i < vnet->nr_pairs; i++)
		take_back(&vnet->pairs[i]);
	pthread_mutex_unlock(&vnet->lock);
}

/* ---- life ------------------------------------------------------------------------------------ */

int vnet_vhost_init(struct vnet *vnet)
{
	const uint64_t rings = BIT64(VIRTIO_F_RING_INDIRECT_DESC) | BIT64(VIRTIO_F_RING_EVENT_IDX);
	const struct net *net = vnet->net;

	/* A pair that stops comes back with the whole device, or with another number of pairs. */
	vnet->dev.lacks = BIT64(VIRTIO_F_RING_RESET) | (rings & ~net->vhost_features);
	vnet->dev.features &= ~BIT64(VNET_F_MRG_RXBUF) | net->vhost_features;
	(void)net->vhost->get_counts(net, &vnet->before);
	return bells_open(&vnet->bells, 2 * vnet->nr_pairs);
}

void vnet_vhost_get_stats(const struct vnet *vnet, struct vnet_stats *stats)
{
	const struct net_counts *before = &vnet->before;
	struct net_counts now;

	stats->in_kernel = true;
	stats->served = vnet->pairs[0].served;
	if (vnet->net->vhost->get_counts(vnet->net, &now) < 0)
		return;
	stats->rx_packets = now.rx_packets - before->rx_packets;
	stats->rx_bytes = now.rx_bytes - before->rx_bytes;
	stats->rx_dropped = now.rx_dropped - before->rx_dropped;
	stats->tx_packets = now.tx_packets - before->tx_packets;
	stats->tx_bytes = now.tx_bytes - before->tx_bytes;
	stats->tx_dropped = now.tx_dropped - before->tx_dropped;
	stats->tx_bad = now.tx_bad - before->tx_bad;
}
