/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/vsock_vhost.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
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
	int kicks[VSOCK_VHOST_QUEUES];
	int call, err; /* of both */
	struct worker *worker;
	_Atomic bool running;
};

static struct vvsock_vhost *to_vhost(struct virtio_device *dev)
{
	return (struct vvsock_vhost *)(void *)dev;
}

/* ---- queues there and back ------------------------------------------------------------------- */

/* False: it is not enabled. */
static bool describe(struct vvsock_vhost *vhost, unsigned int index,
		     struct vsock_vhost_queue *queue)
{
	struct virtqueue *vq = &vhost->dev.queues[index];
	bool ready;

	pthread_mutex_lock(&vq->lock);
	ready = vq->ready;
	*queue = (struct vsock_vhost_queue){
		.size = vq->size,
		.desc = vq->desc,
		.avail = vq->avail,
		.used = vq->used,
		.kick = vhost->kicks[index],
		.call = vhost->call,
		.err = vhost->err,
	};
	pthread_mutex_unlock(&vq->lock);
	return ready;
}

static int run_locked(struct vvsock_vhost *vhost, uint64_t features)
{
	struct vsock_vhost_queue queues[VSOCK_VHOST_QUEUES];
	int ret;

	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++)
		if (!describe(vhost, i, &queues[i]))
			return -EINVAL; /* a driver that wants one wants both */
	ret = vsock_vhost_start(vhost->host, vhost->mem, features, queues);
	if (ret < 0)
		return ret;
	atomic_store(&vhost->running, true);
	/* What the driver rang for before is seen now. */
	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++)
		(void)eventfd_write(vhost->kicks[i], 1);
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
	eventfd_t nr;
	bool any = false;

	if (eventfd_read(vhost->call, &nr) == 0) {
		virtio_interrupt(&vhost->dev);
		any = true;
	}
	if (eventfd_read(vhost->err, &nr) == 0) {
		virtio_needs_reset(&vhost->dev);
		any = true;
	}
	return any;
}

static bool rest(void *ctx)
{
	(void)ctx;
	return false;
}

static void wake(void *ctx)
{
	(void)ctx;
}

static const struct worker_ops worker_ops = {
	.serve = serve,
	.rest = rest,
	.wake = wake,
};

int vvsock_vhost_start(struct vvsock_vhost *vhost)
{
	const struct worker_config config = {
		.name = "vsock",
		.ops = &worker_ops,
		.ctx = vhost,
		.fds = { { vhost->call, EPOLLIN }, { vhost->err, EPOLLIN } },
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
	if (queue < VSOCK_VHOST_QUEUES)
		(void)eventfd_write(to_vhost(dev)->kicks[queue], 1); /* full: rung already */
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

static int open_fds(struct vvsock_vhost *vhost)
{
	vhost->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vhost->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vhost->call < 0 || vhost->err < 0)
		return -errno;
	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++) {
		vhost->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vhost->kicks[i] < 0)
			return -errno;
	}
	return 0;
}

int vvsock_vhost_create(struct vsock *host, const struct gmem *mem, struct vvsock_vhost **out)
{
	const uint64_t rings = BIT64(VIRTIO_F_RING_INDIRECT_DESC) | BIT64(VIRTIO_F_RING_EVENT_IDX);
	struct vvsock_vhost *vhost = calloc(1, sizeof(*vhost));
	int ret;

	if (!vhost)
		return -ENOMEM;
	vhost->host = host;
	vhost->mem = mem;
	vhost->call = vhost->err = -1;
	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++)
		vhost->kicks[i] = -1;
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
	ret = open_fds(vhost);
	if (ret < 0) {
		vvsock_vhost_destroy(vhost);
		return ret;
	}
	*out = vhost;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vvsock_vhost_destroy(struct vvsock_vhost *vhost)
{
	if (!vhost)
		return;
	for (unsigned int i = 0; i < VSOCK_VHOST_QUEUES; i++)
		close_fd(vhost->kicks[i]);
	close_fd(vhost->call);
	close_fd(vhost->err);
	pthread_mutex_destroy(&vhost->lock);
	free(vhost);
}

struct virtio_device *vvsock_vhost_device(struct vvsock_vhost *vhost)
{
	return &vhost->dev;
}

int vvsock_vhost_doorbell(const struct vvsock_vhost *vhost, unsigned int queue)
{
	return queue < VSOCK_VHOST_QUEUES ? vhost->kicks[queue] : -1;
}

bool vvsock_vhost_is_running(const struct vvsock_vhost *vhost)
{
	return atomic_load(&vhost->running);
}
