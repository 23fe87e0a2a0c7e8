/* SPDX-License-Identifier: Apache-2.0 */
/* A queue's front: checks each request, takes it to the engine, and reports its end. */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "disk_internal.h"
#include "queue_internal.h"

/* Reads of one kick that are tried in the page cache; more are cheaper in a batch. */
#define CACHED_BUDGET 4u

/* ---- the end of a request -------------------------------------------------------------------- */

static void to_engine(struct blk_queue *queue, struct blk_req *req)
{
	queue->in_engine++;
	queue->ops->submit(queue, req);
}

void blk_queue_finished(struct blk_queue *queue, struct blk_req *req)
{
	queue->in_engine--;
	if (req->bounce) {
		struct blk_req *next = blk_bounce_put(&queue->bounce, req);

		if (next)
			to_engine(queue, next);
	}
	req_list_add(&queue->finished, req);
}

/* done() may come back here through blk_submit() and blk_kick(): the outermost call reports. */
static unsigned int report(struct blk_queue *queue)
{
	unsigned int before = queue->reported;
	struct blk_req *req;

	if (queue->reporting)
		return 0;
	queue->reporting = true;
	while ((req = req_list_take(&queue->finished))) {
		queue->in_flight--;
		queue->reported++;
		queue->config.done(queue->config.ctx, req);
	}
	queue->reporting = false;
	return queue->reported - before;
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* The request's disk among the queue's. */
static struct blk_slot *find_slot(struct blk_queue *queue, struct blk_req *req)
{
	for (unsigned int i = 0; i < queue->nr_slots; i++) {
		if (queue->slots[i].disk != req->disk)
			continue;
		req->slot = (uint8_t)i;
		return &queue->slots[i];
	}
	return NULL;
}

static int check_range(const struct blk_req *req)
{
	uint64_t mask = disk_limits(req->disk)->logical_block - 1;

	if ((req->offset | req->len) & mask)
		return -EINVAL;
	return range_within(req->offset, req->len, 0, disk_size(req->disk)) ? 0 : -ERANGE;
}

/* *@copied: the segments are not what direct I/O takes. */
static int check_segments(const struct blk_slot *slot, const struct blk_req *req, bool *copied)
{
	uint64_t sum = 0, bases = 0, lengths = 0;

	if (!req->nr_iov || req->nr_iov > BLK_MAX_IOV)
		return -EINVAL;
	for (unsigned int i = 0; i < req->nr_iov; i++) {
		bases |= (uintptr_t)req->iov[i].iov_base;
		lengths |= req->iov[i].iov_len;
		if (__builtin_add_overflow(sum, req->iov[i].iov_len, &sum))
			return -EINVAL;
	}
	*copied = (bases & slot->memory_mask) || (lengths & slot->length_mask);
	return sum == req->len ? 0 : -EINVAL;
}

static int check_ranged(const struct blk_req *req, bool can, uint64_t most)
{
	if (!can)
		return -EOPNOTSUPP;
	return req->len > most ? -EINVAL : 0;
}

/* 0, or how the request ends. */
static int check(const struct blk_slot *slot, const struct blk_req *req, bool *copied)
{
	const struct disk_limits *limits;
	int ret;

	if (!slot || (req->flags & ~(BLK_FUA | BLK_NOUNMAP)))
		return -EINVAL;
	limits = disk_limits(req->disk);
	if (req->op == BLK_FLUSH)
		return 0;
	if (limits->read_only && req->op != BLK_READ)
		return -EROFS;
	ret = check_range(req);
	if (ret < 0)
		return ret;
	switch (req->op) {
	case BLK_READ:
	case BLK_WRITE:
		return req->len ? check_segments(slot, req, copied) : 0;
	case BLK_DISCARD:
		return check_ranged(req, limits->discard, limits->max_discard);
	case BLK_WRITE_ZEROES:
		return check_ranged(req, limits->write_zeroes, limits->max_write_zeroes);
	case BLK_FLUSH:
		break;
	}
	return -EINVAL;
}

/* ---- the way in ------------------------------------------------------------------------------ */

static bool is_nothing(const struct blk_req *req)
{
	const struct disk_limits *limits = disk_limits(req->disk);

	if (req->op == BLK_FLUSH)
		return limits->read_only || limits->durable;
	return !req->len;
}

static void end_now(struct blk_queue *queue, struct blk_req *req, int status)
{
	req->status = status;
	req_list_add(&queue->finished, req);
}

static void dispatch(struct blk_queue *queue, struct blk_req *req, bool copied)
{
	blk_step_start(req);
	if (req->op == BLK_READ && !copied && blk_cached_read(queue, req)) {
		req_list_add(&queue->finished, req);
		return;
	}
	if (!copied || blk_bounce_get(&queue->bounce, req))
		to_engine(queue, req);
}

/* The state is the block layer's, and no step has begun: it keeps what the check found. */
static bool hold(struct blk_queue *queue, struct blk_slot *slot, struct blk_req *req, bool copied)
{
	req->state = copied;
	return blk_hold(queue, slot, req);
}

/* Lets go what may by now, or all of it; true if that was any. */
static bool release(struct blk_queue *queue, bool force)
{
	bool any = false;
	struct blk_req *req;

	while (queue->nr_held && (req = blk_hold_next(queue, force))) {
		dispatch(queue, req, req->state);
		any = true;
	}
	return any;
}

/* Something that the engine works on, or that it wakes us for. */
static bool is_busy(const struct blk_queue *queue)
{
	return queue->in_engine || queue->nr_held;
}

void blk_submit(struct blk_queue *queue, struct blk_req *req)
{
	struct blk_slot *slot = find_slot(queue, req);
	bool copied = false;
	int ret = check(slot, req, &copied);

	assert(queue->in_flight < queue->config.depth);
	queue->in_flight++;
	if (ret < 0 || is_nothing(req))
		end_now(queue, req, ret);
	else if (!slot->limited || !hold(queue, slot, req, copied))
		dispatch(queue, req, copied);
	if (queue->finished.head)
		report(queue);
}

void blk_kick(struct blk_queue *queue)
{
	queue->cached_budget = CACHED_BUDGET;
	blk_reap(queue);
}

unsigned int blk_reap(struct blk_queue *queue)
{
	if (is_busy(queue))
		queue->ops->kick(queue);
	if (queue->nr_held && release(queue, false))
		queue->ops->kick(queue);
	return report(queue);
}

unsigned int blk_wait(struct blk_queue *queue, uint64_t ns)
{
	release(queue, false);
	if (is_busy(queue) && !queue->finished.head)
		queue->ops->wait(queue, ns);
	if (release(queue, false))
		queue->ops->kick(queue);
	return report(queue);
}

void blk_queue_drain(struct blk_queue *queue)
{
	do {
		release(queue, true);
		if (queue->in_engine && !queue->finished.head)
			queue->ops->wait(queue, UINT64_MAX);
		report(queue);
	} while (queue->in_flight);
}

void blk_wakes(struct blk_queue *queue, bool on)
{
	queue->ops->wakes(queue, on);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void make_slots(struct blk_queue *queue, const struct blk_queue_config *config)
{
	for (unsigned int i = 0; i < config->nr_disks; i++) {
		struct disk *disk = config->disks[i];
		struct blk_slot *slot = &queue->slots[i];

		slot->disk = disk;
		slot->limited = disk->bytes.rate || disk->ops.rate;
		if (!disk->config->direct)
			continue;
		slot->memory_mask = disk->limits.dma_alignment - 1;
		slot->length_mask = disk->limits.logical_block - 1;
	}
}

static bool is_direct(const struct blk_queue *queue)
{
	for (unsigned int i = 0; i < queue->nr_slots; i++)
		if (queue->slots[i].disk->config->direct)
			return true;
	return false;
}

static int init_parts(struct blk_queue *queue, const struct blk_queue_config *config)
{
	queue->nr_slots = config->nr_disks;
	queue->slots = calloc(config->nr_disks, sizeof(*queue->slots));
	if (!queue->slots)
		return -ENOMEM;
	make_slots(queue, config);
	queue->cached_budget = CACHED_BUDGET;
	queue->eventfd = config->wake == BLK_WAKE_EVENTFD ? config->eventfd : -1;
	if (config->wake == BLK_WAKE_EVENTFD && queue->eventfd < 0) {
		queue->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		queue->own_eventfd = queue->eventfd >= 0;
		if (queue->eventfd < 0)
			return -errno;
	}
	return is_direct(queue) ? blk_bounce_init(&queue->bounce) : 0;
}

static void fini_parts(struct blk_queue *queue)
{
	blk_bounce_fini(&queue->bounce);
	if (queue->own_eventfd)
		close(queue->eventfd);
	free(queue->slots);
	free(queue);
}

static int create_with(struct blk_queue *queue, const struct blk_engine_ops *ops)
{
	queue->ops = ops;
	return ops->create(queue);
}

/* Once a process: every queue finds the same host. */
static void say_engine(int refused)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	const char *remedy = "allow its system calls in the container's seccomp profile, or set "
			     "kernel.io_uring_disabled=0";

	if (atomic_flag_test_and_set(&said))
		return;
	if (refused == -ENOSYS || refused == -EINVAL)
		remedy = "use Linux 5.11 or later";
	else if (refused == -ENOMEM || refused == -EMFILE)
		remedy = "raise ulimit -l and ulimit -n";
	if (refused == 0)
		log_info("disks are served by io_uring");
	else
		log_warn("disks are served by threads, slower: io_uring is refused here (%s); %s",
			 strerror(-refused), remedy);
}

static int create_engine(struct blk_queue *queue)
{
	int ret;

	if (queue->config.engine == BLK_ENGINE_SYNC)
		return create_with(queue, &blk_sync_ops);
	ret = create_with(queue, &blk_uring_ops);
	if (queue->config.engine == BLK_ENGINE_URING)
		return ret;
	say_engine(ret);
	return ret == 0 ? 0 : create_with(queue, &blk_sync_ops);
}

int blk_queue_create_on(const struct blk_host *host, const struct blk_queue_config *config,
			struct blk_queue **out)
{
	struct blk_queue *queue;
	int ret;

	if (!config->depth || config->depth > BLK_MAX_DEPTH || !config->nr_disks ||
	    config->nr_disks > BLK_MAX_QUEUE_DISKS ||
	    (config->wake == BLK_WAKE_SIGNAL && !config->wake_owner))
		return -EINVAL;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->host = host;
	queue->config = *config;
	queue->config.disks = NULL;
	ret = init_parts(queue, config);
	if (ret == 0)
		ret = create_engine(queue);
	queue->config.pinned = NULL;
	if (ret < 0) {
		fini_parts(queue);
		return ret;
	}
	*out = queue;
	return 0;
}

int blk_queue_create(const struct blk_queue_config *config, struct blk_queue **out)
{
	return blk_queue_create_on(&blk_host, config, out);
}

void blk_queue_destroy(struct blk_queue *queue)
{
	if (!queue)
		return;
	assert(!queue->in_flight);
	queue->ops->destroy(queue);
	fini_parts(queue);
}

int blk_queue_attach(struct blk_queue *queue)
{
	return queue->ops->attach(queue);
}

unsigned int blk_in_flight(const struct blk_queue *queue)
{
	return queue->in_flight;
}

int blk_queue_eventfd(const struct blk_queue *queue)
{
	return queue->eventfd;
}

enum blk_engine blk_queue_engine(const struct blk_queue *queue)
{
	return queue->ops->engine;
}
