/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that serves one disk: a worker that owns a lane, woken by doorbells and completions. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "blk_internal.h"
#include "worker.h"

struct vblk_thread {
	struct vblk *vblk;
	struct vblk_lane *lane;
	struct worker *worker;
	int completions; /* eventfd */
};

static bool serve_queues(struct vblk_thread *thread)
{
	struct vblk *vblk = thread->vblk;
	bool any = false;

	if (!atomic_load(&vblk->started))
		return false;
	for (unsigned int i = 0; i < vblk->dev.nr_queues; i++)
		any |= vblk_serve(thread->lane, &vblk->queues[i], false);
	return any;
}

static bool serve(void *ctx)
{
	struct vblk_thread *thread = ctx;
	bool any = serve_queues(thread);

	return vblk_lane_reap(thread->lane) || any;
}

/* True: a driver added something meanwhile. */
static bool ask_queues(struct vblk *vblk, bool on)
{
	bool more = false;

	for (unsigned int i = 0; i < vblk->dev.nr_queues; i++) {
		struct virtqueue *vq = vblk->queues[i].vq;

		pthread_mutex_lock(&vq->lock);
		more |= virtqueue_want_kicks_locked(vq, on);
		pthread_mutex_unlock(&vq->lock);
	}
	return more;
}

/* From here on doorbell and completions tell. */
static bool rest(void *ctx)
{
	struct vblk_thread *thread = ctx;

	vblk_lane_wakes(thread->lane, true);
	return ask_queues(thread->vblk, true) || vblk_lane_reap(thread->lane);
}

static void wake(void *ctx)
{
	struct vblk_thread *thread = ctx;

	vblk_lane_wakes(thread->lane, false);
	ask_queues(thread->vblk, false);
}

static int begin(void *ctx)
{
	struct vblk_thread *thread = ctx;
	int ret = vblk_lane_attach(thread->lane);

	if (ret < 0)
		log_error("disk thread: cannot take its ring: error %d", -ret);
	return ret;
}

static void end(void *ctx)
{
	struct vblk_thread *thread = ctx;

	vblk_lane_drain(thread->lane);
	vblk_lane_detach();
}

static const struct worker_ops worker_ops = {
	.begin = begin,
	.serve = serve,
	.rest = rest,
	.wake = wake,
	.end = end,
};

/* ---- life ------------------------------------------------------------------------------------ */

static int make_lane(struct vblk_thread *thread, const struct blk_pinned *pinned)
{
	struct disk *disk = thread->vblk->disk;
	const struct vblk_lane_config config = {
		.wake = BLK_WAKE_EVENTFD,
		.disks = &disk,
		.nr_disks = 1,
		.pinned = pinned,
		.eventfd = thread->completions,
	};

	return vblk_lane_create(&config, &thread->lane);
}

static int start_worker(struct vblk_thread *thread, int doorbell)
{
	const struct worker_config config = {
		.name = disk_config(thread->vblk->disk)->id,
		.ops = &worker_ops,
		.ctx = thread,
		.fds = { { doorbell, EPOLLIN }, { thread->completions, EPOLLIN } },
		.nr_fds = 2,
	};

	return worker_start(&config, &thread->worker);
}

int vblk_thread_start(struct vblk *vblk, int doorbell, const struct blk_pinned *pinned,
		      struct vblk_thread **out)
{
	struct vblk_thread *thread = calloc(1, sizeof(*thread));
	int ret;

	if (!thread)
		return -ENOMEM;
	thread->vblk = vblk;
	thread->completions = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = thread->completions < 0 ? -errno : make_lane(thread, pinned);
	if (ret == 0)
		ret = start_worker(thread, doorbell);
	if (ret < 0) {
		vblk_lane_destroy(thread->lane);
		if (thread->completions >= 0)
			close(thread->completions);
		free(thread);
		return ret;
	}
	vblk->doorbell = doorbell;
	*out = thread;
	return 0;
}

void vblk_thread_stop(struct vblk_thread *thread)
{
	if (!thread)
		return;
	worker_stop(thread->worker);
	thread->vblk->doorbell = -1;
	vblk_lane_destroy(thread->lane);
	close(thread->completions);
	free(thread);
}
