/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of a pair: woken by doorbells and by what comes from the host. */
#include <sys/epoll.h>

#include "net_internal.h"
#include "worker.h"

static bool is_used(const struct vnet_pair *pair)
{
	const struct vnet *vnet = pair->vnet;

	return atomic_load(&vnet->started) && pair->index < atomic_load(&vnet->active);
}

/*
 * For a driver without MQ the control queue is where another one has the second pair, whose
 * doorbell the host's kernel may ring.
 */
static void stand_in(struct vnet_pair *pair)
{
	struct vnet *vnet = pair->vnet;

	if (atomic_load(&vnet->started) && pair->index &&
	    atomic_load(&vnet->control) == 2 * pair->index)
		vnet_control(vnet);
}

static bool serve(void *ctx)
{
	struct vnet_pair *pair = ctx;
	bool any, gone = false;

	stand_in(pair);
	if (!is_used(pair))
		return false;
	any = vnet_transmit(pair, &gone);
	any |= vnet_receive(pair, &gone);
	if (gone)
		vnet_check_link(pair);
	return any;
}

static bool rest(void *ctx)
{
	struct vnet_pair *pair = ctx;
	bool more = false;

	if (!is_used(pair))
		return false;
	more |= vnet_receive_rings(pair, true);
	more |= vnet_transmit_rings(pair, true);
	return more;
}

static void wake(void *ctx)
{
	struct vnet_pair *pair = ctx;

	if (!is_used(pair))
		return;
	vnet_receive_rings(pair, false);
	vnet_transmit_rings(pair, false);
}

static void lost(void *ctx, int fd)
{
	struct vnet_pair *pair = ctx;

	if (fd == pair->fd)
		vnet_check_link(pair);
}

static const struct worker_ops worker_ops = {
	.serve = serve,
	.rest = rest,
	.wake = wake,
	.lost = lost,
};

int vnet_pair_start(struct vnet_pair *pair)
{
	const struct worker_config config = {
		.name = pair->name,
		.ops = &worker_ops,
		.ctx = pair,
		.fds = { { pair->doorbell, EPOLLIN }, { pair->fd, EPOLLIN | EPOLLOUT } },
		.nr_fds = 2,
	};

	return worker_start(&config, &pair->worker);
}

void vnet_pair_stop(struct vnet_pair *pair)
{
	worker_stop(pair->worker);
	pair->worker = NULL;
}
