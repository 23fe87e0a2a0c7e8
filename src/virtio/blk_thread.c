/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that serves one disk: woken by doorbells and completions, it goes on while there is
 * work, and looks a little longer before it sleeps where that has paid off. While it is awake no
 * driver needs to ring, and none is asked to.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "blk_internal.h"

/* How long it looks before it sleeps: from nothing to what a wake-up costs several times over. */
#define POLL_FIRST_NS 4000u
#define POLL_MOST_NS  32000u

struct vblk_thread {
	struct vblk *vblk;
	struct vblk_lane *lane;
	pthread_t thread;
	int epoll;
	int completions; /* eventfd */
	int control;	 /* eventfd: attached, then stop */
	_Atomic bool stop;
	uint64_t poll_ns;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

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

static bool serve(struct vblk_thread *thread)
{
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

static bool poll_a_little(struct vblk_thread *thread)
{
	uint64_t end;

	if (!thread->poll_ns)
		return false;
	end = now() + thread->poll_ns;
	do {
		if (serve(thread))
			return true;
	} while (now() < end);
	return false;
}

/* A short sleep would have been better spent looking; a long one, looking was a waste. */
static void learn(struct vblk_thread *thread, uint64_t slept)
{
	if (slept > POLL_MOST_NS)
		thread->poll_ns = 0;
	else if (!thread->poll_ns)
		thread->poll_ns = POLL_FIRST_NS;
	else if (thread->poll_ns < POLL_MOST_NS)
		thread->poll_ns *= 2;
}

/* Edge-triggered: an eventfd that is never read still tells of each write. */
static void sleep_until_told(struct vblk_thread *thread)
{
	struct epoll_event events[4];
	uint64_t start = now();

	if (epoll_wait(thread->epoll, events, 4, -1) < 0 && errno != EINTR)
		log_error("disk thread: cannot wait: error %d", errno);
	learn(thread, now() - start);
}

static void work(struct vblk_thread *thread)
{
	while (!atomic_load(&thread->stop)) {
		while (serve(thread) || poll_a_little(thread)) {
			if (atomic_load(&thread->stop))
				return;
		}
		/* From here on doorbell and completions tell; what came before is found below. */
		vblk_lane_wakes(thread->lane, true);
		if (!ask_queues(thread->vblk, true) && !vblk_lane_reap(thread->lane))
			sleep_until_told(thread);
		vblk_lane_wakes(thread->lane, false);
		ask_queues(thread->vblk, false);
	}
}

static void *run(void *arg)
{
	struct vblk_thread *thread = arg;
	int ret = vblk_lane_attach(thread->lane);

	if (ret < 0) {
		log_error("disk thread: cannot take its ring: error %d", -ret);
		return (void *)(intptr_t)ret;
	}
	work(thread);
	vblk_lane_drain(thread->lane);
	vblk_lane_detach();
	return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int watch(struct vblk_thread *thread, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	return epoll_ctl(thread->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_fds(struct vblk_thread *thread, int doorbell)
{
	int ret;

	thread->epoll = epoll_create1(EPOLL_CLOEXEC);
	thread->completions = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	thread->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (thread->epoll < 0 || thread->completions < 0 || thread->control < 0)
		return -errno;
	ret = watch(thread, doorbell);
	if (ret == 0)
		ret = watch(thread, thread->completions);
	return ret == 0 ? watch(thread, thread->control) : ret;
}

static void close_fds(struct vblk_thread *thread)
{
	int fds[] = { thread->epoll, thread->completions, thread->control };

	for (unsigned int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int make_lane(struct vblk_thread *thread)
{
	struct disk *disk = thread->vblk->disk;
	const struct vblk_lane_config config = {
		.wake = BLK_WAKE_EVENTFD,
		.disks = &disk,
		.nr_disks = 1,
		.eventfd = thread->completions,
	};

	return vblk_lane_create(&config, &thread->lane);
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct vblk_thread *thread)
{
	sigset_t all, before;
	char name[16];
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return -ret;
	snprintf(name, sizeof(name), "%.15s", disk_config(thread->vblk->disk)->id);
	pthread_setname_np(thread->thread, name);
	return 0;
}

int vblk_thread_start(struct vblk *vblk, int doorbell, struct vblk_thread **out)
{
	struct vblk_thread *thread = calloc(1, sizeof(*thread));
	int ret;

	if (!thread)
		return -ENOMEM;
	thread->vblk = vblk;
	thread->epoll = thread->completions = thread->control = -1;
	ret = open_fds(thread, doorbell);
	if (ret == 0)
		ret = make_lane(thread);
	if (ret == 0)
		ret = start_thread(thread);
	if (ret < 0) {
		vblk_lane_destroy(thread->lane);
		close_fds(thread);
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
	atomic_store(&thread->stop, true);
	(void)eventfd_write(thread->control, 1);
	pthread_join(thread->thread, NULL);
	thread->vblk->doorbell = -1;
	vblk_lane_destroy(thread->lane);
	close_fds(thread);
	free(thread);
}
