/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio/vhost.h"

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

#define FS_QUEUE_SIZE  1024u /* the longest request takes an entry a page */
#define BLK_QUEUE_SIZE 256u

/* Of a disk, what asks nothing of us: no configuration that the driver writes (section 5.2.3). */
#define BLK_FEATURES                                                                               \
	(BIT64(1) | BIT64(2) | BIT64(4) | BIT64(5) | BIT64(6) | BIT64(9) | BIT64(10) | BIT64(12) | \
	 BIT64(13) | BIT64(14))
#define BLK_F_MQ BIT64(12)

/* Section 5.11.4, as far as it goes with what is offered. */
struct fs_space {
	char tag[VHOST_TAG_MAX];
	uint32_t num_request_queues;
};

_Static_assert(sizeof(struct fs_space) == 40, "virtio 1.2 section 5.11.4");

/*
 * @lock: who talks to the back end. Order: transport's lock, @lock, a virtqueue's lock.
 */
struct vvhost {
	struct virtio_device dev; /* first: the transport's handle */
	struct vhost_end *end;
	const struct gmem *mem;
	pthread_mutex_t lock;
	struct bells bells;
	struct worker *worker;
	int watched;	    /* the connection that it watches */
	uint32_t queues_up; /* a bit for each that the back end has */
	_Atomic bool started, connected;
	_Atomic uint64_t interrupts, lost;
	union {
		struct fs_space fs;
		uint8_t bytes[VHOST_MAX_CONFIG];
	} space;
	uint32_t space_size;
};

static struct vvhost *to_vvhost(struct virtio_device *dev)
{
	return (struct vvhost *)(void *)dev;
}

/* ---- the back end is gone -------------------------------------------------------------------- */

/* Said once for each that was there. From any thread; the transport may hold its lock. */
static void lose(struct vvhost *vvhost, const char *why)
{
	static struct log_limit limit = { .burst = 5 };

	if (!atomic_exchange(&vvhost->connected, false))
		return;
	atomic_fetch_add(&vvhost->lost, 1);
	log_limited(&limit, LOG_LEVEL_WARN,
		    "%s: its back end %s; the guest's requests get no answer until its driver "
		    "resets the device",
		    vvhost->end->config->id, why);
	if (atomic_load(&vvhost->started))
		vvhost->dev.port->failed(vvhost->dev.port_ctx);
}

static const char *why_of(int error)
{
	switch (error) {
	case -EPIPE:
		return "is gone";
	case -ETIMEDOUT:
		return "does not answer";
	default:
		return "breaks the rules of vhost-user";
	}
}

/* ---- queues there and back ------------------------------------------------------------------- */

static int hand_over(struct vvhost *vvhost, unsigned int index)
{
	struct vhost_queue queue;
	int ret;

	if (!bells_describe(&vvhost->bells, &vvhost->dev, index, &queue))
		return 0;
	ret = vhost_start_queue(&vvhost->end->link, &queue);
	if (ret == 0)
		vvhost->queues_up |= BIT(index);
	bells_ring(&vvhost->bells, index);
	return ret;
}

static void take_back_locked(struct vvhost *vvhost, unsigned int index)
{
	int ret = 0;

	if (!(vvhost->queues_up & BIT(index)))
		return;
	vvhost->queues_up &= ~BIT(index);
	if (atomic_load(&vvhost->connected))
		ret = vhost_stop_queue(&vvhost->end->link, index);
	if (ret < 0)
		lose(vvhost, why_of(ret));
}

/* One that lost its back end, and has a driver again, tries another. */
static int connect_locked(struct vvhost *vvhost)
{
	int ret;

	if (atomic_load(&vvhost->connected))
		return 0;
	vvhost_stop(vvhost); /* lest it tell of the end of the old one */
	vhost_disconnect(vvhost->end);
	vvhost->queues_up = 0;
	ret = vhost_connect(vvhost->end);
	if (ret == 0)
		atomic_store(&vvhost->connected, true);
	return ret;
}

static int start_locked(struct vvhost *vvhost, uint64_t features)
{
	struct vhost_link *link = &vvhost->end->link;
	int ret = vhost_set_features(link, (features & vvhost->end->features) |
						   BIT64(VHOST_F_PROTOCOL_FEATURES));

	if (ret == 0)
		ret = vhost_set_mem_table(link, vvhost->mem);
	for (unsigned int i = 0; ret == 0 && i < vvhost->dev.nr_queues; i++)
		ret = hand_over(vvhost, i);
	return ret;
}

/* ---- its thread ------------------------------------------------------------------------------ */

/* One eventfd is of all queues, and the driver looks at all: what it says twice is told once. */
static bool serve(void *ctx)
{
	struct vvhost *vvhost = ctx;

	if (!bells_called(&vvhost->bells))
		return false;
	if (atomic_load(&vvhost->started)) {
		atomic_fetch_add_explicit(&vvhost->interrupts, 1, memory_order_relaxed);
		virtio_interrupt(&vvhost->dev);
	}
	return true;
}

static void lost(void *ctx, int fd)
{
	struct vvhost *vvhost = ctx;

	if (fd == vvhost->watched)
		lose(vvhost, "is gone");
}

static const struct worker_ops worker_ops = {
	.serve = serve,
	.lost = lost,
};

/* Of each connection one, since what it watches is fixed. */
static int watch_locked(struct vvhost *vvhost)
{
	struct worker_config config = {
		.name = vvhost->end->config->id,
		.ops = &worker_ops,
		.ctx = vvhost,
		.fds = { { vvhost->bells.call, EPOLLIN }, { vvhost->end->link.fd, EPOLLRDHUP } },
		.nr_fds = 2,
	};

	if (vvhost->worker)
		return 0;
	vvhost->watched = vvhost->end->link.fd;
	return worker_start(&config, &vvhost->worker);
}

void vvhost_stop(struct vvhost *vvhost)
{
	worker_stop(vvhost->worker);
	vvhost->worker = NULL;
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void attached(struct virtio_device *dev)
{
	(void)dev;
}

static void start(struct virtio_device *dev, uint64_t features)
{
	struct vvhost *vvhost = to_vvhost(dev);
	int ret;

	pthread_mutex_lock(&vvhost->lock);
	atomic_store(&vvhost->started, true);
	if (connect_locked(vvhost) < 0) {
		dev->port->failed(dev->port_ctx);
	} else {
		ret = watch_locked(vvhost);
		if (ret == 0)
			ret = start_locked(vvhost, features);
		if (ret < 0)
			lose(vvhost, why_of(ret));
	}
	pthread_mutex_unlock(&vvhost->lock);
}

static void stop(struct virtio_device *dev)
{
	struct vvhost *vvhost = to_vvhost(dev);

	pthread_mutex_lock(&vvhost->lock);
	atomic_store(&vvhost->started, false);
	pthread_mutex_unlock(&vvhost->lock);
}

static void queue_stop(struct virtio_device *dev, unsigned int queue)
{
	struct vvhost *vvhost = to_vvhost(dev);

	pthread_mutex_lock(&vvhost->lock);
	take_back_locked(vvhost, queue);
	pthread_mutex_unlock(&vvhost->lock);
}

static void kick(struct virtio_device *dev, unsigned int queue)
{
	bells_ring(&to_vvhost(dev)->bells, queue);
}

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	const struct vvhost *vvhost = to_vvhost(dev);

	virtio_config_read(vvhost->space.bytes, vvhost->space_size, offset, buf, len);
}

static const struct virtio_device_ops vvhost_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
};

/* ---- life ------------------------------------------------------------------------------------ */

static void init_fs(struct vvhost *vvhost, unsigned int queues)
{
	vvhost->dev.id = VIRTIO_ID_FS;
	vvhost->dev.nr_queues = queues + 1;
	vvhost->dev.queue_size = FS_QUEUE_SIZE;
	vvhost->space.fs.num_request_queues = queues;
	memcpy(vvhost->space.fs.tag, vvhost->end->config->tag, VHOST_TAG_MAX);
	vvhost->space_size = sizeof(vvhost->space.fs);
}

/* Section 5.2.4: num_queues is ours to say. */
static void init_blk(struct vvhost *vvhost, unsigned int queues)
{
	const uint16_t num_queues = (uint16_t)queues;

	vvhost->dev.id = VIRTIO_ID_BLOCK;
	vvhost->dev.nr_queues = queues;
	vvhost->dev.queue_size = BLK_QUEUE_SIZE;
	vvhost->dev.features = vvhost->end->features & BLK_FEATURES;
	if (queues == 1)
		vvhost->dev.features &= ~BLK_F_MQ;
	memcpy(vvhost->space.bytes, vvhost->end->space, VHOST_BLK_SPACE);
	memcpy(vvhost->space.bytes + 34, &num_queues, sizeof(num_queues));
	vvhost->space_size = VHOST_BLK_SPACE;
}

int vvhost_create(struct vhost_end *end, const struct gmem *mem, struct vvhost **out)
{
	struct vvhost *vvhost = calloc(1, sizeof(*vvhost));
	const uint64_t rings = BIT64(VIRTIO_F_RING_INDIRECT_DESC) | BIT64(VIRTIO_F_RING_EVENT_IDX);
	unsigned int queues = end->config->queues ? end->config->queues : 1;
	int ret;

	if (!vvhost)
		return -ENOMEM;
	vvhost->end = end;
	vvhost->mem = mem;
	vvhost->watched = -1;
	pthread_mutex_init(&vvhost->lock, NULL);
	atomic_store(&vvhost->connected, end->link.fd >= 0);
	vvhost->dev.ops = &vvhost_ops;
	/* Queues that stop come back with the whole device alone. */
	vvhost->dev.lacks = BIT64(VIRTIO_F_RING_RESET) | (rings & ~end->features);
	if (end->config->kind == VHOST_FS)
		init_fs(vvhost, queues);
	else
		init_blk(vvhost, queues);
	ret = bells_open(&vvhost->bells, vvhost->dev.nr_queues);
	if (ret < 0) {
		vvhost_destroy(vvhost);
		return ret;
	}
	*out = vvhost;
	return 0;
}

void vvhost_destroy(struct vvhost *vvhost)
{
	if (!vvhost)
		return;
	vhost_disconnect(vvhost->end);
	bells_close(&vvhost->bells);
	pthread_mutex_destroy(&vvhost->lock);
	free(vvhost);
}

struct virtio_device *vvhost_device(struct vvhost *vvhost)
{
	return &vvhost->dev;
}

int vvhost_doorbell(const struct vvhost *vvhost, unsigned int queue)
{
	return bells_kick_fd(&vvhost->bells, queue);
}

void vvhost_get_stats(const struct vvhost *vvhost, struct vvhost_stats *stats)
{
	*stats = (struct vvhost_stats){
		.connected = atomic_load(&vvhost->connected),
		.started = atomic_load(&vvhost->started),
		.interrupts = atomic_load(&vvhost->interrupts),
		.lost = atomic_load(&vvhost->lost),
	};
}
