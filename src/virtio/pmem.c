/* SPDX-License-Identifier: Apache-2.0 */
/* The pmem device: where its window is, and flushes. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "pmem_internal.h"
#include "scatter.h"
#include "worker.h"

/* A word each way, each in as many pieces as it has bytes, and an entry may lie in two regions. */
#define MAX_IOV (2 * 4 + GMEM_MAX_REGIONS)

/* struct virtio_pmem_config, section 5.19.4. */
struct vpmem_space {
	uint64_t start, size;
};

struct vpmem {
	struct virtio_device dev; /* first */
	struct vpmem_config config;
	struct vpmem_space space;
	int doorbell; /* eventfd */
	struct worker *worker;
	_Atomic uint64_t flushes, errors, dropped;

	pthread_mutex_t lock; /* held while a request is served; before the virtqueue's */
	bool started;	      /* DRIVER_OK */
};

static struct vpmem *to_vpmem(struct virtio_device *dev)
{
	return (struct vpmem *)(void *)dev;
}

/* ---- requests -------------------------------------------------------------------------------- */

static uint32_t flush(struct vpmem *vpmem)
{
	static struct log_limit limit = { .burst = 5 };
	int ret = vpmem->config.flush ? vpmem->config.flush(vpmem->config.ctx) : 0;

	if (ret == 0)
		return VPMEM_OK;
	log_limited(&limit, LOG_LEVEL_ERROR, "%s: what the guest wrote cannot be flushed: %s",
		    vpmem->config.id, strerror(-ret));
	return VPMEM_ERROR;
}

static uint32_t perform(struct vpmem *vpmem, const struct virtq_chain *chain)
{
	const struct scatter out = { chain->iov, chain->nr_out, chain->out_len };
	uint32_t type, ret;

	scatter_get(&out, 0, &type, sizeof(type));
	ret = type == VPMEM_FLUSH ? flush(vpmem) : VPMEM_ERROR;
	atomic_fetch_add_explicit(&vpmem->flushes, 1, memory_order_relaxed);
	if (ret != VPMEM_OK)
		atomic_fetch_add_explicit(&vpmem->errors, 1, memory_order_relaxed);
	return ret;
}

/* The next chain, of one word each way: 1, 0 (there is none) or -EPROTO. */
static int take_locked(struct virtqueue *vq, struct virtq_chain *chain)
{
	int ret = virtqueue_pop_locked(vq, chain);

	if (ret <= 0 || (chain->out_len == sizeof(uint32_t) && chain->in_len >= sizeof(uint32_t)))
		return ret;
	virtqueue_break_locked(vq);
	return -EPROTO;
}

/* One request: 1, 0 (there is none) or -EPROTO. */
static int serve_one(struct vpmem *vpmem, struct virtqueue *vq)
{
	struct iovec iov[MAX_IOV];
	struct virtq_chain chain = { .iov = iov, .max_iov = MAX_IOV };
	struct scatter in;
	uint32_t answer;
	int ret;

	pthread_mutex_lock(&vq->lock);
	ret = take_locked(vq, &chain);
	pthread_mutex_unlock(&vq->lock);
	if (ret <= 0)
		return ret;
	answer = perform(vpmem, &chain);
	in = (struct scatter){ iov + chain.nr_out, chain.nr_in, chain.in_len };
	scatter_put(&in, 0, &answer, sizeof(answer));
	pthread_mutex_lock(&vq->lock);
	virtqueue_push_locked(vq, chain.head, sizeof(answer));
	pthread_mutex_unlock(&vq->lock);
	return 1;
}

bool vpmem_serve(struct vpmem *vpmem)
{
	struct virtqueue *vq = &vpmem->dev.queues[0];
	unsigned int nr = 0;
	bool tell;
	int ret = 0;

	pthread_mutex_lock(&vpmem->lock);
	while (vpmem->started && nr < VPMEM_QUEUE_SIZE && (ret = serve_one(vpmem, vq)) > 0)
		nr++;
	pthread_mutex_lock(&vq->lock);
	tell = virtqueue_publish_locked(vq);
	pthread_mutex_unlock(&vq->lock);
	pthread_mutex_unlock(&vpmem->lock);
	if (tell)
		virtio_interrupt(&vpmem->dev);
	if (ret < 0)
		virtio_needs_reset(&vpmem->dev);
	return nr;
}

/* True: the driver added one for which it did not ring. */
static bool ask(struct vpmem *vpmem)
{
	struct virtqueue *vq = &vpmem->dev.queues[0];
	bool more = false;

	pthread_mutex_lock(&vpmem->lock);
	pthread_mutex_lock(&vq->lock);
	if (vpmem->started)
		more = virtqueue_want_kicks_locked(vq, true);
	pthread_mutex_unlock(&vq->lock);
	pthread_mutex_unlock(&vpmem->lock);
	return more;
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void attached(struct virtio_device *dev)
{
	(void)dev;
}

static void set_started(struct vpmem *vpmem, bool started)
{
	pthread_mutex_lock(&vpmem->lock);
	vpmem->started = started;
	pthread_mutex_unlock(&vpmem->lock);
}

static void start(struct virtio_device *dev, uint64_t features)
{
	struct vpmem *vpmem = to_vpmem(dev);

	(void)features;
	set_started(vpmem, true);
	(void)eventfd_write(vpmem->doorbell, 1);
}

static void stop(struct virtio_device *dev)
{
	set_started(to_vpmem(dev), false);
}

/* Who serves a request holds the lock while he does. */
static void queue_stop(struct virtio_device *dev, unsigned int queue)
{
	struct vpmem *vpmem = to_vpmem(dev);

	(void)queue;
	pthread_mutex_lock(&vpmem->lock);
	pthread_mutex_unlock(&vpmem->lock);
}

static void kick(struct virtio_device *dev, unsigned int queue)
{
	(void)queue;
	(void)eventfd_write(to_vpmem(dev)->doorbell, 1); /* full: rung already */
}

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	const struct vpmem *vpmem = to_vpmem(dev);

	virtio_config_read(&vpmem->space, sizeof(vpmem->space), offset, buf, len);
}

static const struct virtio_device_ops vpmem_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
};

/* ---- the window ------------------------------------------------------------------------------ */

/* Loads do not leave the guest. */
static uint64_t window_read(void *dev, uint64_t offset, unsigned int len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return 0;
}

static void window_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	static struct log_limit limit = { .burst = 2 };
	struct vpmem *vpmem = dev;

	(void)val;
	atomic_fetch_add_explicit(&vpmem->dropped, 1, memory_order_relaxed);
	log_limited(&limit, LOG_LEVEL_WARN,
		    "%s: guest wrote %u bytes at offset 0x%" PRIx64 " of what it can only read: "
		    "dropped; mount it ro",
		    vpmem->config.id, len, offset);
}

const struct mmio_ops vpmem_window_ops = { .read = window_read, .write = window_write };

/* ---- its thread ------------------------------------------------------------------------------ */

static bool worker_serve(void *ctx)
{
	return vpmem_serve(ctx);
}

static bool worker_rest(void *ctx)
{
	return ask(ctx);
}

/* A driver may ring meanwhile: it does so seldom. */
static void worker_wake(void *ctx)
{
	(void)ctx;
}

static const struct worker_ops worker_ops = {
	.serve = worker_serve,
	.rest = worker_rest,
	.wake = worker_wake,
};

int vpmem_start(struct vpmem *vpmem)
{
	const struct worker_config config = {
		.name = vpmem->config.id,
		.ops = &worker_ops,
		.ctx = vpmem,
		.fds = { { vpmem->doorbell, EPOLLIN } },
		.nr_fds = 1,
	};

	return worker_start(&config, &vpmem->worker);
}

void vpmem_stop(struct vpmem *vpmem)
{
	worker_stop(vpmem->worker);
	vpmem->worker = NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

int vpmem_create(const struct vpmem_config *config, struct vpmem **out)
{
	struct vpmem *vpmem = calloc(1, sizeof(*vpmem));

	if (!vpmem)
		return -ENOMEM;
	vpmem->config = *config;
	vpmem->space = (struct vpmem_space){ config->base, config->size };
	vpmem->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vpmem->doorbell < 0) {
		int ret = -errno;

		free(vpmem);
		return ret;
	}
	vpmem->dev = (struct virtio_device){
		.ops = &vpmem_ops,
		.id = VIRTIO_ID_PMEM,
		.nr_queues = 1,
		.queue_size = VPMEM_QUEUE_SIZE,
	};
	pthread_mutex_init(&vpmem->lock, NULL);
	*out = vpmem;
	return 0;
}

void vpmem_destroy(struct vpmem *vpmem)
{
	if (!vpmem)
		return;
	close(vpmem->doorbell);
	pthread_mutex_destroy(&vpmem->lock);
	free(vpmem);
}

struct virtio_device *vpmem_device(struct vpmem *vpmem)
{
	return &vpmem->dev;
}

int vpmem_doorbell(const struct vpmem *vpmem)
{
	return vpmem->doorbell;
}

void vpmem_get_stats(const struct vpmem *vpmem, struct vpmem_stats *stats)
{
	*stats = (struct vpmem_stats){
		.flushes = atomic_load_explicit(&vpmem->flushes, memory_order_relaxed),
		.errors = atomic_load_explicit(&vpmem->errors, memory_order_relaxed),
		.dropped = atomic_load_explicit(&vpmem->dropped, memory_order_relaxed),
	};
}
