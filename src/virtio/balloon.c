/* SPDX-License-Identifier: Apache-2.0 */
/* The balloon: what it offers, its configuration, its thread and its life (virtio 1.2 section 5.5).
 */
#include "virtio/balloon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "balloon_internal.h"
#include "base/util.h"

static struct vballoon *to_balloon(struct virtio_device *dev)
{
	return (struct vballoon *)(void *)dev;
}

/* ---- configuration --------------------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	struct vballoon *balloon = to_balloon(dev);
	const struct vballoon_space space = {
		.num_pages = atomic_load(&balloon->num_pages),
		.actual = atomic_load(&balloon->actual),
		.poison_val = atomic_load(&balloon->poison),
	};

	virtio_config_read(&space, sizeof(space), offset, buf, len);
}

/* The driver's are two whole words. */
static void write_config(struct virtio_device *dev, uint32_t offset, const void *buf, uint32_t len)
{
	struct vballoon *balloon = to_balloon(dev);
	uint32_t word;

	if (len != sizeof(word))
		return;
	memcpy(&word, buf, sizeof(word));
	if (offset == offsetof(struct vballoon_space, actual))
		atomic_store(&balloon->actual, word);
	else if (offset == offsetof(struct vballoon_space, poison_val))
		atomic_store(&balloon->poison, word);
}

static uint32_t to_pages(uint64_t bytes)
{
	uint64_t pages = bytes >> VBALLOON_PAGE_SHIFT;

	return pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
}

void vballoon_set_target(struct vballoon *balloon, uint64_t target)
{
	balloon->dev.port->config_begin(balloon->dev.port_ctx);
	atomic_store(&balloon->num_pages, to_pages(target));
	balloon->dev.port->config_end(balloon->dev.port_ctx);
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void attached(struct virtio_device *dev)
{
	(void)dev;
}

static void start(struct virtio_device *dev, uint64_t features)
{
	struct vballoon *balloon = to_balloon(dev);

	pthread_mutex_lock(&balloon->lock);
	balloon->features = features;
	balloon->has_stats = false;
	atomic_store(&balloon->started, true);
	pthread_mutex_unlock(&balloon->lock);
	(void)eventfd_write(balloon->doorbell, 1);
}

/* Section 5.5.5: after a reset the driver has all of its memory. */
static void stop(struct virtio_device *dev)
{
	struct vballoon *balloon = to_balloon(dev);

	pthread_mutex_lock(&balloon->lock);
	atomic_store(&balloon->started, false);
	balloon->has_stats = false;
	vballoon_pages_empty(&balloon->pages);
	atomic_store(&balloon->actual, 0);
	atomic_store(&balloon->poison, 0);
	atomic_store(&balloon->known, 0);
	pthread_mutex_unlock(&balloon->lock);
}

/* Who works on the queue holds the lock while he does. */
static void queue_stop(struct virtio_device *dev, unsigned int queue)
{
	struct vballoon *balloon = to_balloon(dev);

	pthread_mutex_lock(&balloon->lock);
	if (queue == VBALLOON_STATS)
		balloon->has_stats = false;
	pthread_mutex_unlock(&balloon->lock);
}

static void kick(struct virtio_device *dev, unsigned int queue)
{
	(void)queue;
	(void)eventfd_write(to_balloon(dev)->doorbell, 1); /* full: rung already */
}

static const struct virtio_device_ops balloon_ops = {
	.attached = attached,
	.start = start,
	.stop = stop,
	.queue_stop = queue_stop,
	.kick = kick,
	.read_config = read_config,
	.write_config = write_config,
};

/* ---- its thread ------------------------------------------------------------------------------ */

static bool serve(void *ctx)
{
	return vballoon_serve(ctx);
}

static bool rest(void *ctx)
{
	return vballoon_ask(ctx);
}

/* A driver may ring meanwhile: it does so seldom. */
static void wake(void *ctx)
{
	(void)ctx;
}

static const struct worker_ops worker_ops = { .serve = serve, .rest = rest, .wake = wake };

int vballoon_start(struct vballoon *balloon)
{
	const struct worker_config config = {
		.name = "balloon",
		.ops = &worker_ops,
		.ctx = balloon,
		.fds = { { balloon->doorbell, EPOLLIN } },
		.nr_fds = 1,
	};

	return worker_start(&config, &balloon->worker);
}

void vballoon_stop(struct vballoon *balloon)
{
	worker_stop(balloon->worker);
	balloon->worker = NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* A page of a pool has to be there before the driver uses it: it has to say so and to wait. */
static bool is_of_pool(const struct gmem *mem)
{
	for (unsigned int i = 0; i < mem->nr_regions; i++)
		if (mem->regions[i].page > (uint64_t)sysconf(_SC_PAGESIZE))
			return true;
	return false;
}

static uint64_t features_of(const struct vballoon_config *config, const struct gmem *mem)
{
	uint64_t features = BIT64(VBALLOON_F_STATS_VQ);

	if (config->deflate_on_oom)
		features |= BIT64(VBALLOON_F_DEFLATE_ON_OOM);
	if (config->reporting)
		features |= BIT64(VBALLOON_F_REPORTING) | BIT64(VBALLOON_F_PAGE_POISON);
	if (is_of_pool(mem))
		features |= BIT64(VBALLOON_F_MUST_TELL_HOST);
	return features;
}

int vballoon_create(const struct vballoon_config *config, const struct gmem *mem,
		    struct vballoon **out)
{
	struct vballoon *balloon = calloc(1, sizeof(*balloon));
	int ret;

	if (!balloon)
		return -ENOMEM;
	balloon->dev = (struct virtio_device){
		.ops = &balloon_ops,
		.id = VIRTIO_ID_BALLOON,
		.features = features_of(config, mem),
		.nr_queues = VBALLOON_NR_QUEUES,
		.queue_size = VBALLOON_QUEUE_SIZE,
	};
	atomic_store(&balloon->num_pages, to_pages(config->target));
	pthread_mutex_init(&balloon->lock, NULL);
	balloon->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = balloon->doorbell < 0 ? -errno : vballoon_pages_init(&balloon->pages, mem);
	if (ret < 0) {
		vballoon_destroy(balloon);
		return ret;
	}
	*out = balloon;
	return 0;
}

void vballoon_destroy(struct vballoon *balloon)
{
	if (!balloon)
		return;
	vballoon_pages_fini(&balloon->pages);
	if (balloon->doorbell >= 0)
		close(balloon->doorbell);
	pthread_mutex_destroy(&balloon->lock);
	free(balloon);
}

struct virtio_device *vballoon_device(struct vballoon *balloon)
{
	return &balloon->dev;
}

int vballoon_doorbell(const struct vballoon *balloon)
{
	return balloon->doorbell;
}

void vballoon_get_stats(struct vballoon *balloon, struct vballoon_stats *stats)
{
	const struct vballoon_pages *pages = &balloon->pages;

	*stats = (struct vballoon_stats){
		.target = (uint64_t)atomic_load(&balloon->num_pages) << VBALLOON_PAGE_SHIFT,
		.actual = (uint64_t)atomic_load(&balloon->actual) << VBALLOON_PAGE_SHIFT,
		.inflated = atomic_load(&pages->inflated),
		.given_back = atomic_load(&pages->given_back),
		.reported = atomic_load(&balloon->reported),
		.bad_pages = atomic_load(&pages->bad),
		.twice = atomic_load(&pages->twice),
		.errors = atomic_load(&pages->errors),
		.known = atomic_load(&balloon->known),
	};
	for (unsigned int i = 0; i < VBALLOON_NR_STATS; i++)
		stats->guest[i] = atomic_load(&balloon->guest[i]);
	atomic_store(&balloon->refresh, true);
	(void)eventfd_write(balloon->doorbell, 1);
}
