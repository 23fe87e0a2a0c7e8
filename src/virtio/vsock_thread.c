/* SPDX-License-Identifier: Apache-2.0 */
/* The device's thread: woken by doorbells and by whatever unix socket has something to say. */
#include <sys/epoll.h>

#include "vsock_internal.h"
#include "worker.h"

/* Until there is a driver, programs of the host wait to be accepted. */
bool vvsock_serve(struct vvsock *vvsock)
{
	bool any = false;

	pthread_mutex_lock(&vvsock->lock);
	if (atomic_load(&vvsock->started)) {
		any |= vvsock_host_serve(vvsock);
		any |= vvsock_transmit(vvsock);
		any |= vvsock_receive(vvsock);
		any |= vvsock_tell_events(vvsock);
	}
	pthread_mutex_unlock(&vvsock->lock);
	return any;
}

static bool want_kicks(struct vvsock *vvsock, unsigned int index, bool on)
{
	struct virtqueue *vq = &vvsock->dev.queues[index];
	bool more;

	pthread_mutex_lock(&vq->lock);
	more = virtqueue_want_kicks_locked(vq, on);
	pthread_mutex_unlock(&vq->lock);
	return more;
}

/* A driver that fills its queues up need not ring for it, but where something waits for that. */
bool vvsock_rings(struct vvsock *vvsock, bool on)
{
	bool more = false;

	pthread_mutex_lock(&vvsock->lock);
	if (atomic_load(&vvsock->started)) {
		more |= want_kicks(vvsock, VVSOCK_TX, on);
		more |= want_kicks(vvsock, VVSOCK_RX, on && vvsock->rx.starved);
		more |= want_kicks(vvsock, VVSOCK_EVENT, on && vvsock->reset_due);
	}
	pthread_mutex_unlock(&vvsock->lock);
	return more;
}

static bool serve(void *ctx)
{
	return vvsock_serve(ctx);
}

/* What came before is found here, since the epoll's descriptor tells of what comes after alone. */
static bool rest(void *ctx)
{
	struct vvsock *vvsock = ctx;

	return vvsock_rings(vvsock, true) || vvsock_serve(vvsock);
}

static void wake(void *ctx)
{
	(void)vvsock_rings(ctx, false);
}

static const struct worker_ops worker_ops = {
	.serve = serve,
	.rest = rest,
	.wake = wake,
};

int vvsock_start(struct vvsock *vvsock)
{
	const struct worker_config config = {
		.name = "vsock",
		.ops = &worker_ops,
		.ctx = vvsock,
		.fds = { { vvsock->doorbell, EPOLLIN }, { vvsock->epoll, EPOLLIN } },
		.nr_fds = 2,
	};

	return worker_start(&config, &vvsock->worker);
}

void vvsock_stop(struct vvsock *vvsock)
{
	if (!vvsock)
		return;
	worker_stop(vvsock->worker);
	vvsock->worker = NULL;
}
