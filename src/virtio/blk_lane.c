/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: chains out of a virtqueue, through the block queues that one thread owns, back into it.
 * Whichever vCPU or thread rings or is rung submits on its own lane, so that a ring of the kernel's
 * never has two users; the virtqueue's lock is where lanes meet.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blk_internal.h"

/* A driver on another CPU that never stops adding must not keep this thread from its pause. */
#define MAX_ROUNDS 16u

/*
 * A completion that is posted while the owner is between its last look and KVM_RUN ends no wait:
 * the kernel posts it on the way back to user space and has nothing left to signal. Until the lane
 * is empty a timer signals, so that such a one is late and not lost.
 */
#define LATE_NS 1000000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Known to the thread itself: a register handler is not told which vCPU it runs on. */
static __thread struct vblk_lane *current;

struct vblk_lane *vblk_lane_current(void)
{
	return current;
}

unsigned int vblk_lane_in_flight(const struct vblk_lane *lane)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < LANE_ENGINES; i++)
		sum += lane->engines[i] ? blk_in_flight(lane->engines[i]) : 0;
	return sum;
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void publish(struct vblk_queue *queue)
{
	bool tell;

	pthread_mutex_lock(&queue->vq->lock);
	tell = virtqueue_publish_locked(queue->vq);
	pthread_mutex_unlock(&queue->vq->lock);
	if (tell)
		virtio_interrupt(&queue->vblk->dev);
}

static void publish_all(struct vblk_lane *lane)
{
	while (lane->nr_touched)
		publish(lane->touched[--lane->nr_touched]);
}

/* Twice in the list does no harm: there is nothing left to publish then. */
static void touch(struct vblk_lane *lane, struct vblk_queue *queue)
{
	if (lane->nr_touched && lane->touched[lane->nr_touched - 1] == queue)
		return;
	if (lane->nr_touched == LANE_TOUCHED)
		publish_all(lane);
	lane->touched[lane->nr_touched++] = queue;
}

/* NULL: all are out. */
static struct vblk_req *get_req_locked(struct vblk_queue *queue)
{
	struct vblk_req *req = queue->free;

	if (req)
		queue->free = req->next;
	else if (queue->nr_touched < VBLK_QUEUE_SIZE)
		req = &queue->reqs[queue->nr_touched++];
	if (req)
		queue->in_flight++;
	return req;
}

static void put_req_locked(struct vblk_queue *queue, struct vblk_req *req)
{
	req->next = queue->free;
	queue->free = req;
	if (!--queue->in_flight && queue->waiters)
		pthread_cond_broadcast(&queue->idle);
}

static void end_locked(struct vblk_queue *queue, struct vblk_req *req)
{
	virtqueue_push_locked(queue->vq, req->head, req->written + 1);
	put_req_locked(queue, req);
}

static void done(void *ctx, struct blk_req *blk)
{
	struct vblk_req *req = (struct vblk_req *)(void *)blk;
	struct vblk_queue *queue = req->queue;

	*req->status = vblk_status(blk->status);
	if (blk->status)
		req->written = 0;
	pthread_mutex_lock(&queue->vq->lock);
	end_locked(queue, req);
	pthread_mutex_unlock(&queue->vq->lock);
	touch(ctx, queue);
}

/* ---- beginnings ------------------------------------------------------------------------------ */

struct batch {
	struct vblk_req *first, **last; /* to submit, in order */
	unsigned int taken;
	bool broken;
};

/* One chain into @req: false where there is none, or the queue broke. */
static bool take_into_locked(struct vblk_queue *queue, struct vblk_req *req, struct batch *batch)
{
	struct virtq_chain chain = { .iov = req->iov, .max_iov = VBLK_MAX_IOV };
	int ret = virtqueue_pop_locked(queue->vq, &chain);

	batch->broken = ret < 0;
	if (ret <= 0) {
		put_req_locked(queue, req);
		return false;
	}
	req->queue = queue;
	batch->taken++;
	switch (vblk_parse(queue->vblk, &chain, req)) {
	case VBLK_SUBMIT:
		req->next = NULL;
		*batch->last = req;
		batch->last = &req->next;
		return true;
	case VBLK_ENDED:
		end_locked(queue, req);
		return true;
	case VBLK_BROKEN:
		break;
	}
	put_req_locked(queue, req);
	virtqueue_break_locked(queue->vq);
	batch->broken = true;
	return false;
}

/*
 * Also where more chains are out than the ring has entries: only a driver that gives one twice gets
 * there.
 */
static bool take_locked(struct vblk_queue *queue, struct batch *batch)
{
	struct vblk_req *req;

	if (!virtqueue_has_avail_locked(queue->vq))
		return false;
	req = get_req_locked(queue);
	if (req)
		return take_into_locked(queue, req, batch);
	virtqueue_break_locked(queue->vq);
	batch->broken = true;
	return false;
}

static void starve_locked(struct vblk_lane *lane, struct vblk_queue *queue)
{
	if (queue->starved)
		return; /* on a lane already, which will look at it */
	queue->starved = true;
	queue->next_starved = lane->starved;
	lane->starved = queue;
}

static void take_all(struct vblk_lane *lane, struct vblk_queue *queue, unsigned int room,
		     struct batch *batch)
{
	pthread_mutex_lock(&queue->vq->lock);
	while (room && take_locked(queue, batch))
		room--;
	if (!room && virtqueue_has_avail_locked(queue->vq))
		starve_locked(lane, queue);
	pthread_mutex_unlock(&queue->vq->lock);
}

/* One batch into the block layer and what ends by that out of it. How many were taken. */
static unsigned int serve_once(struct vblk_lane *lane, struct vblk_queue *queue)
{
	struct blk_queue *engine = lane->engines[disk_config(queue->vblk->disk)->engine];
	struct batch batch = { .last = &batch.first };
	struct vblk_req *req;

	take_all(lane, queue, VBLK_LANE_DEPTH - blk_in_flight(engine), &batch);
	if (batch.broken)
		virtio_needs_reset(&queue->vblk->dev);
	if (!batch.taken)
		return 0;
	touch(lane, queue); /* some may have ended without the block layer */
	while ((req = batch.first)) {
		batch.first = req->next;
		blk_submit(engine, &req->blk);
	}
	blk_kick(engine);
	publish_all(lane);
	return batch.taken;
}

/* True: the driver added something before it knew that it has to ring. */
static bool ask_for_kicks(struct vblk_queue *queue)
{
	bool more;

	pthread_mutex_lock(&queue->vq->lock);
	more = !queue->starved && virtqueue_want_kicks_locked(queue->vq, true);
	pthread_mutex_unlock(&queue->vq->lock);
	return more;
}

static void come_back(struct vblk_lane *lane, struct vblk_queue *queue)
{
	pthread_mutex_lock(&queue->vq->lock);
	starve_locked(lane, queue);
	pthread_mutex_unlock(&queue->vq->lock);
	if (lane->wakes_by_signal)
		lane->wake_owner(lane->ctx);
}

static void arm(struct vblk_lane *lane, bool on)
{
	const struct itimerspec spec = {
		.it_interval.tv_nsec = on ? LATE_NS : 0,
		.it_value.tv_nsec = on ? LATE_NS : 0,
	};

	if (lane->has_timer && lane->armed != on && timer_settime(lane->timer, 0, &spec, NULL) == 0)
		lane->armed = on;
}

bool vblk_serve(struct vblk_lane *lane, struct vblk_queue *queue, bool ask)
{
	unsigned int rounds = 0;
	bool any = false;

	do {
		if (rounds++ == MAX_ROUNDS) {
			come_back(lane, queue);
			break;
		}
		any |= serve_once(lane, queue) > 0;
	} while (ask && ask_for_kicks(queue));
	if (any && lane->has_timer && vblk_lane_in_flight(lane))
		arm(lane, true);
	return any;
}

/* ---- completions ----------------------------------------------------------------------------- */

/* A lane that asks no driver to ring (a thread's) asks when it goes to sleep. */
static bool serve_starved(struct vblk_lane *lane)
{
	struct vblk_queue *queue = lane->starved, *next;
	bool any = false;

	lane->starved = NULL;
	for (; queue; queue = next) {
		pthread_mutex_lock(&queue->vq->lock);
		next = queue->next_starved;
		queue->starved = false;
		pthread_mutex_unlock(&queue->vq->lock);
		any |= vblk_serve(lane, queue, lane->wakes_by_signal);
	}
	return any;
}

bool vblk_lane_reap(struct vblk_lane *lane)
{
	unsigned int reaped = 0;
	bool any;

	for (unsigned int i = 0; i < LANE_ENGINES; i++)
		if (lane->engines[i] && blk_in_flight(lane->engines[i]))
			reaped += blk_reap(lane->engines[i]);
	publish_all(lane);
	any = reaped > 0;
	if (lane->starved)
		any |= serve_starved(lane);
	return any;
}

/* The timer goes on from one request to the next, so that only the last one of many pays for it. */
void vblk_lane_interrupted(struct vblk_lane *lane)
{
	if (lane->armed && !vblk_lane_in_flight(lane))
		arm(lane, false);
}

void vblk_lane_drain(struct vblk_lane *lane)
{
	do {
		for (unsigned int i = 0; i < LANE_ENGINES; i++)
			if (lane->engines[i] && blk_in_flight(lane->engines[i]))
				blk_queue_drain(lane->engines[i]);
		publish_all(lane);
	} while (lane->starved && serve_starved(lane));
	arm(lane, false);
}

void vblk_lane_wakes(struct vblk_lane *lane, bool on)
{
	for (unsigned int i = 0; i < LANE_ENGINES; i++)
		if (lane->engines[i])
			blk_wakes(lane->engines[i], on);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void wake_owner(void *ctx)
{
	struct vblk_lane *lane = ctx;

	lane->wake_owner(lane->ctx);
}

static int create_engine(struct vblk_lane *lane, const struct vblk_lane_config *config,
			 enum blk_engine engine)
{
	struct disk *disks[BLK_MAX_QUEUE_DISKS];
	struct blk_queue_config queue = {
		.engine = engine,
		.wake = config->wake,
		.depth = VBLK_LANE_DEPTH,
		.eventfd = config->eventfd,
		.disks = disks,
		.pinned = config->pinned,
		.done = done,
		.wake_owner = wake_owner,
		.ctx = lane,
	};

	for (unsigned int i = 0; i < config->nr_disks; i++) {
		if (disk_config(config->disks[i])->engine != (int)engine)
			continue;
		if (queue.nr_disks == BLK_MAX_QUEUE_DISKS)
			return -ENOSPC;
		disks[queue.nr_disks++] = config->disks[i];
	}
	return queue.nr_disks ? blk_queue_create(&queue, &lane->engines[engine]) : 0;
}

int vblk_lane_create(const struct vblk_lane_config *config, struct vblk_lane **out)
{
	struct vblk_lane *lane = calloc(1, sizeof(*lane));
	int ret = 0;

	if (!lane)
		return -ENOMEM;
	lane->wakes_by_signal = config->wake == BLK_WAKE_SIGNAL;
	lane->wake_owner = config->wake_owner;
	lane->ctx = config->ctx;
	lane->wake_signal = config->wake_signal;
	for (unsigned int i = 0; ret == 0 && i < LANE_ENGINES; i++)
		ret = create_engine(lane, config, (enum blk_engine)i);
	if (ret < 0) {
		vblk_lane_destroy(lane);
		return ret;
	}
	*out = lane;
	return 0;
}

void vblk_lane_destroy(struct vblk_lane *lane)
{
	if (!lane)
		return;
	for (unsigned int i = 0; i < LANE_ENGINES; i++)
		blk_queue_destroy(lane->engines[i]);
	free(lane);
}

static bool needs_timer(const struct vblk_lane *lane)
{
	for (unsigned int i = 0; lane->wakes_by_signal && i < LANE_ENGINES; i++)
		if (lane->engines[i] && blk_queue_engine(lane->engines[i]) == BLK_ENGINE_URING)
			return true;
	return false;
}

static int make_timer(struct vblk_lane *lane)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = lane->wake_signal,
	};

	event.sigev_notify_thread_id = (int)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &lane->timer) < 0)
		return -errno;
	lane->has_timer = true;
	return 0;
}

int vblk_lane_attach(struct vblk_lane *lane)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < LANE_ENGINES; i++)
		if (lane->engines[i])
			ret = blk_queue_attach(lane->engines[i]);
	if (ret == 0 && needs_timer(lane))
		ret = make_timer(lane);
	if (ret == 0)
		current = lane;
	return ret;
}

void vblk_lane_detach(void)
{
	if (!current)
		return;
	if (current->has_timer)
		timer_delete(current->timer);
	current->has_timer = false;
	current = NULL;
}
