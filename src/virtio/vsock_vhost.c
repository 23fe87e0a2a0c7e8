/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/vsock_vhost.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/util.h"
#include "bells.h"
#include "worker.h"

#define QUEUES	    3u /* the third, of events, has nothing to say (section 5.10.6.7) */
#define QUEUE_SIZE  128u
#define F_SEQPACKET 1u /* section 5.10.3 */

/* @lock: who starts and stops the kernel's side. Order: the transport's -> @lock -> a virtqueue's.
 */
struct vvsock_vhost {
	struct virtio_device dev; /* first: the transport's handle */
	struct vsock *host;
	const struct gmem *mem;
	pthread_mutex_t lock;
	struct bells bells;
	struct worker *worker;
	_Atomic bool running;
};

static struct vvsock_vhost *to_vhost(struct virtio_device *dev)
{
	return (struct vvsock_vhost *)(void *)dev;
}

/* ---- queues there and back ------------------------------------------------------------------- */

static int run_locked(struct vvsock_vhost *vhost, uint64_t features)
{
	struct vhost_queue queues[VSOCK_VHOST_QUEUES];
	int ret;

	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++) {
		if (!bells_describe(&vhost->bells, &vhost->dev, i, &queues[i]))
			return -EINVAL; /* a driver that wants one wants both */
		bells_describe_direct(&vhost->dev, &queues[i]);
	}
	ret = vsock_vhost_start(vhost->host, vhost->mem, features, queues);
	if (ret < 0)
		return ret;
	atomic_store(&vhost->running, true);
	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++)
		bells_ring(&vhost->bells, i);
	return 0;
}

/*
 * Both, since neither makes sense alone. Programs of the host would believe in their connections
 * until they send something: the kernel ends them when the CID goes, and comes back.
 */
static void end_locked(struct vvsock_vhost *vhost)
{
	if (!atomic_exchange(&vhost->running, false))
		return;
	vsock_vhost_stop(vhost->host);
	vsock_vhost_close(vhost->host);
	(void)vsock_vhost_open(vhost->host); /* without, the driver's next start fails */
}

/* ---- its thread ------------------------------------------------------------------------------ */

/* One eventfd is of both queues, and the driver looks at both: what is said twice is told once. */
static bool serve(void *ctx)
{
	struct vvsock_vhost *vhost = ctx;
	bool called = bells_called(&vhost->bells), failed = bells_failed(&vhost->bells);

	if (called)
		virtio_interrupt(&vhost->dev);
	if (failed)
		virtio_needs_reset(&vhost->dev);
	return called || failed;
}

static const struct worker_ops worker_ops = {
	.serve = serve,
};

int vvsock_vhost_start(struct vvsock_vhost *vhost)
{
	const struct worker_config config = {
		.name = "vsock",
		.ops = &worker_ops,
		.ctx = vhost,
		.fds = { { vhost->bells.call, EPOLLIN }, { vhost->bells.err, EPOLLIN } },
		.nr_fds = 2,
	};

	return worker_start(&config, &vhost->worker);
}

void vvsock_vhost_stop(struct vvsock_vhost *vhost)
{
	pthread_mutex_lock(&vhost->lock);
	end_locked(vhost);
	pthread_mutex_unlock(&vhost->lock);
	worker_stop(vhost->worker);
	vhost->worker = NULL;
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void attached(struct virtio_device *dev)
{
	(void)dev;
}

static void start(struct virtio_device *dev, uint64_t features)
{
	static struct log_limit limit = { .burst = 5 };
	struct vvsock_vhost *vhost = to_vhost(dev);
	int ret;

	pthread_mutex_lock(&vhost->lock);
	ret = run_locked(vhost, features);
	pthread_mutex_unlock(&vhost->lock);
	if (ret == 0)
		return;
	log_limited(&limit, LOG_LEVEL_ERROR, "vsock: the host's kernel does not serve it: %s",
		    strerror(-ret));
	dev->port->failed(dev->port_ctx);
}

static void stop(struct virtio_device *dev)
{
	(void)dev;
}

static void queue_stop(struct virtio_device *dev, unsigned int queue)
{
	struct vvsock_vhost *vhost = to_vhost(dev);

	if (queue >= VSOCK_VHOST_QUEUES)
		return;
	pthread_mutex_lock(&vhost->lock);
	end_locked(vhost);
	pthread_mutex_unlock(&vhost->lock);
}

static void kick(struct virtio_device *dev, unsigned int queue)
{
	bells_ring(&to_vhost(dev)->bells, queue);
}

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	const uint64_t cid = to_vhost(dev)->host->cid; /* section 5.10.4 */

	virtio_config_read(&cid, sizeof(cid), offset, buf, len);
}

static const struct virtio_device_ops vhost_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
};

/* ---- life ------------------------------------------------------------------------------------ */

int vvsock_vhost_create(struct vsock *host, const struct gmem *mem, struct vvsock_vhost **out)
{
	const uint64_t rings = BIT64(VIRTIO_F_RING_INDIRECT_DESC) | BIT64(VIRTIO_F_RING_EVENT_IDX);
	struct vvsock_vhost *vhost = calloc(1, sizeof(*vhost));
	int ret;

	if (!vhost)
		return -ENOMEM;
	vhost->host = host;
	vhost->mem = mem;
	pthread_mutex_init(&vhost->lock, NULL);
	vhost->dev = (struct virtio_device){
		.ops = &vhost_ops,
		.id = VIRTIO_ID_VSOCK,
		.features = host->features & BIT64(F_SEQPACKET),
		/* A queue that stops comes back with the whole device alone. */
		.lacks = BIT64(VIRTIO_F_RING_RESET) | (rings & ~host->features),
		.nr_queues = QUEUES,
		.queue_size = QUEUE_SIZE,
	};
	ret = bells_open(&vhost->bells, VSOCK_VHOST_QUEUES);
	if (ret < 0) {
		vvsock_vhost_destroy(vhost);
		return ret;
	}
	*out = vhost;
	return 0;
}

void vvsock_vhost_destroy(struct vvsock_vhost *vhost)
{
	if (!vhost)
		return;
	bells_close(&vhost->bells);
	pthread_mutex_destroy(&vhost->lock);
	free(vhost);
}

struct virtio_device *vvsock_vhost_device(struct vvsock_vhost *vhost)
{
	return &vhost->dev;
}

int vvsock_vhost_doorbell(const struct vvsock_vhost *vhost, unsigned int queue)
{
	return bells_kick_fd(&vhost->bells, queue);
}

bool vvsock_vhost_is_running(const struct vvsock_vhost *vhost)
{
	return atomic_load(&vhost->running);
}
