/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy device. */
#include "virtio/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "base/rate_limit.h"
#include "rng_internal.h"

/* Each entry may lie over two regions of memory in the few places where these touch. */
#define VRNG_MAX_IOV (VRNG_QUEUE_SIZE + GMEM_MAX_REGIONS)

struct vrng {
	struct virtio_device dev; /* first */
	struct loop *loop;
	const struct vrng_host *host;
	struct loop_timer timer; /* what is held goes on */
	struct rate_limit limit;

	pthread_mutex_t lock; /* guards what follows; before the virtqueue's */
	bool started;	      /* DRIVER_OK: until then buffers are not looked at */
	bool held;	      /* @chain is out of the queue and waits for @timer */
	bool waited;	      /* for the rate: it is counted */
	struct virtq_chain chain;
	struct iovec iov[VRNG_MAX_IOV];
	struct vrng_stats stats;
};

static ssize_t host_fill(void *buf, size_t len)
{
	return getrandom(buf, len, 0);
}

static uint64_t host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

const struct vrng_host vrng_host = { .fill = host_fill, .now = host_now };

static struct vrng *to_vrng(struct virtio_device *dev)
{
	return (struct vrng *)(void *)dev;
}

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool fill_piece(const struct vrng *vrng, uint8_t *at, size_t len)
{
	while (len) {
		ssize_t n = vrng->host->fill(at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool fill_chain(const struct vrng *vrng, size_t len)
{
	const struct iovec *iov = vrng->iov;

	for (; len; iov++) {
		size_t n = smaller(len, iov->iov_len);

		if (!fill_piece(vrng, iov->iov_base, n))
			return false;
		len -= n;
	}
	return true;
}

/* The next chain: 1, 0 (there is none, and the driver will ring for the next) or -EPROTO. */
static int take_locked(struct vrng *vrng, struct virtqueue *vq)
{
	int ret;

	pthread_mutex_lock(&vq->lock);
	do {
		ret = virtqueue_pop_locked(vq, &vrng->chain);
	} while (ret == 0 && virtqueue_want_kicks_locked(vq, true));
	/* Section 5.4.6.1: nothing for the device to read, something for it to write. */
	if (ret > 0 && (vrng->chain.nr_out || !vrng->chain.in_len)) {
		virtqueue_break_locked(vq);
		ret = -EPROTO;
	}
	pthread_mutex_unlock(&vq->lock);
	return ret;
}

/* The chain that is out, and goes when it may: true, or false with the timer set. */
static bool may_go_locked(struct vrng *vrng, size_t len, size_t done)
{
	uint64_t now = vrng->host->now(), when = rate_limit_when(&vrng->limit, len, now);

	if (when <= now && done < VRNG_AT_ONCE) {
		rate_limit_take(&vrng->limit, len, now);
		vrng->held = vrng->waited = false;
		return true;
	}
	if (when > now && !vrng->waited) {
		vrng->waited = true;
		vrng->stats.held++;
	}
	vrng->held = true;
	loop_timer_set(&vrng->timer, when > now ? when - now : 1);
	return false;
}

/* Fills what there is and what may go. 0, or -errno: the device needs a reset. */
static int serve_locked(struct vrng *vrng, struct virtqueue *vq)
{
	static struct log_limit limit = { .burst = 5 };
	size_t done = 0;

	for (;;) {
		int ret = vrng->held ? 1 : take_locked(vrng, vq);
		size_t len = smaller(vrng->chain.in_len, VRNG_MOST);

		if (ret <= 0)
			return ret;
		if (!may_go_locked(vrng, len, done))
			return 0;
		if (!fill_chain(vrng, len)) {
			log_limited(&limit, LOG_LEVEL_ERROR, "rng: no random bytes: %s",
				    strerror(errno));
			return -EIO;
		}
		pthread_mutex_lock(&vq->lock);
		virtqueue_push_locked(vq, vrng->chain.head, (uint32_t)len);
		pthread_mutex_unlock(&vq->lock);
		vrng->stats.requests++;
		vrng->stats.bytes += len;
		done += len;
	}
}

static void serve(struct vrng *vrng)
{
	struct virtqueue *vq = &vrng->dev.queues[0];
	bool tell;
	int ret = 0;

	pthread_mutex_lock(&vrng->lock);
	if (vrng->started)
		ret = serve_locked(vrng, vq);
	pthread_mutex_lock(&vq->lock);
	tell = virtqueue_publish_locked(vq);
	pthread_mutex_unlock(&vq->lock);
	pthread_mutex_unlock(&vrng->lock);
	if (tell)
		virtio_interrupt(&vrng->dev);
	if (ret < 0)
		virtio_needs_reset(&vrng->dev);
}

static void expired(void *ctx)
{
	serve(ctx);
}

/* ---- what the transport asks for ------------------------------------------------------------- */

static void attached(struct virtio_device *dev)
{
	(void)dev;
}

static void set_started(struct virtio_device *dev, bool started)
{
	struct vrng *vrng = to_vrng(dev);

	pthread_mutex_lock(&vrng->lock);
	vrng->started = started;
	pthread_mutex_unlock(&vrng->lock);
}

static void start(struct virtio_device *dev, uint64_t features)
{
	(void)features;
	set_started(dev, true);
}

static void stop(struct virtio_device *dev)
{
	set_started(dev, false);
}

/* One who fills a buffer holds the lock while he does. */
static void queue_stop(struct virtio_device *dev, unsigned int queue)
{
	struct vrng *vrng = to_vrng(dev);

	(void)queue;
	pthread_mutex_lock(&vrng->lock);
	vrng->held = vrng->waited = false;
	pthread_mutex_unlock(&vrng->lock);
}

static void kick(struct virtio_device *dev, unsigned int queue)
{
	(void)queue;
	serve(to_vrng(dev));
}

static const struct virtio_device_ops vrng_ops = {
	.attached = attached, .start = start, .stop = stop, .queue_stop = queue_stop, .kick = kick,
	/* Section 5.4.4: no configuration. */
};

/* ---- life ------------------------------------------------------------------------------------ */

int vrng_create_on(const struct vrng_host *host, struct loop *loop, uint64_t rate,
		   struct vrng **out)
{
	struct vrng *vrng = calloc(1, sizeof(*vrng));
	int ret;

	if (!vrng)
		return -ENOMEM;
	ret = loop_timer_init(loop, &vrng->timer, expired, vrng);
	if (ret < 0) {
		free(vrng);
		return ret;
	}
	vrng->dev = (struct virtio_device){
		.ops = &vrng_ops,
		.id = VIRTIO_ID_ENTROPY,
		.nr_queues = 1,
		.queue_size = VRNG_QUEUE_SIZE,
	};
	vrng->loop = loop;
	vrng->host = host;
	vrng->chain = (struct virtq_chain){ .iov = vrng->iov, .max_iov = VRNG_MAX_IOV };
	pthread_mutex_init(&vrng->lock, NULL);
	rate_limit_init(&vrng->limit, rate, 0);
	*out = vrng;
	return 0;
}

int vrng_create(struct loop *loop, uint64_t rate, struct vrng **out)
{
	return vrng_create_on(&vrng_host, loop, rate, out);
}

void vrng_destroy(struct vrng *vrng)
{
	if (!vrng)
		return;
	loop_timer_fini(vrng->loop, &vrng->timer);
	pthread_mutex_destroy(&vrng->lock);
	free(vrng);
}

struct virtio_device *vrng_device(struct vrng *vrng)
{
	return &vrng->dev;
}

void vrng_get_stats(struct vrng *vrng, struct vrng_stats *stats)
{
	pthread_mutex_lock(&vrng->lock);
	*stats = vrng->stats;
	pthread_mutex_unlock(&vrng->lock);
}
